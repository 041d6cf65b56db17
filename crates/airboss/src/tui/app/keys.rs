//! The one table of keys: what `update` obeys, `?` lists and the palette offers.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Command {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// Close a phase; slower.
    Left,
    /// Open a phase; faster.
    Right,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row; what is live is followed again.
    Last,
    /// The next panel.
    NextPanel,
    /// The panel before.
    PreviousPanel,
    /// Look into what is selected.
    Open,
    /// Back to where one came from.
    Back,
    /// Search in what has the focus.
    Search,
    /// The next place where it is found.
    NextFound,
    /// The place before.
    PreviousFound,
    /// Everything that can be done, by name.
    Palette,
    /// This list.
    Help,
    /// Dispatch nothing new, or again.
    Pause,
    /// Give a step back, so that it is tried again.
    Retry,
    /// Leave a step out.
    Skip,
    /// End an attempt.
    Kill,
    /// Answer what a step asked.
    Answer,
    /// Open the file in an editor.
    Edit,
    /// Why a step is where it is.
    Why,
    /// What the agent says and does.
    Transcript,
    /// What an attempt changed.
    Diff,
    /// The findings of a step.
    Findings,
    /// The plan as a tree.
    Tree,
    /// The operation log.
    Log,
    /// The history of runs.
    Runs,
    /// The timeline of attempts.
    Timeline,
    /// The tasks of the board.
    Tasks,
    /// Take a change back.
    Undo,
    /// Show the next plan.
    NextPlan,
    /// Show the plan before.
    PreviousPlan,
    /// Play a recording, or stop.
    Play,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// From the beginning.
    Rewind,
    /// Other colours.
    Colors,
    /// Draw everything anew.
    Redraw,
    /// Leave, and leave the run flying.
    Quit,
    /// Ctrl-C: stop the run, or only leave.
    Interrupt,
}

impl Command {
    /// Whether it only moves about.
    #[must_use]
    pub const fn is_move(self) -> bool {
        matches!(
            self,
            Self::Up
                | Self::Down
                | Self::Left
                | Self::Right
                | Self::PageUp
                | Self::PageDown
                | Self::First
                | Self::Last
                | Self::NextPanel
                | Self::PreviousPanel
                | Self::Open
                | Self::Back
                | Self::NextFound
                | Self::PreviousFound
                | Self::Palette
        )
    }
}

/// Where a key has its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Everywhere.
    Anywhere,
    /// In a transcript.
    Transcript,
    /// In the operation log.
    Log,
}

/// A line of the table.
#[derive(Debug)]
pub struct Binding {
    /// What is asked for.
    pub command: Command,
    /// Where.
    pub scope: Scope,
    /// Its keys, the one that is shown first.
    pub keys: &'static [Key],
    /// One word for the line at the bottom and for the palette.
    pub word: &'static str,
    /// What it does, for `?`.
    pub help: &'static str,
}

/// A key with its modifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key(KeyCode, KeyModifiers);

impl Key {
    /// Its name, as people write it.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self.0 {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(character) => character.to_string(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::F(number) => format!("F{number}"),
            other => format!("{other:?}"),
        };
        if self.1.contains(KeyModifiers::CONTROL) {
            return format!("Ctrl-{}", name.to_uppercase());
        }
        name
    }

    /// Whether it was pressed.
    #[must_use]
    pub fn is(self, event: KeyEvent) -> bool {
        // Capital letters and signs come with or without Shift, as the terminal likes.
        let modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        self.0 == event.code && self.1 == modifiers
    }

    /// As if it was pressed.
    #[must_use]
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.0, self.1)
    }
}

const fn key(code: KeyCode) -> Key {
    Key(code, KeyModifiers::NONE)
}

const fn char(character: char) -> Key {
    key(KeyCode::Char(character))
}

const fn control(character: char) -> Key {
    Key(KeyCode::Char(character), KeyModifiers::CONTROL)
}

const fn line(
    command: Command,
    scope: Scope,
    keys: &'static [Key],
    word: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        command,
        scope,
        keys,
        word,
        help,
    }
}

/// Everything that a key does. A narrower scope comes before a wider one.
pub const TABLE: &[Binding] = {
    use Command as C;
    use Scope::{Anywhere, Log, Transcript};
    &[
        line(
            C::Play,
            Transcript,
            &[char(' ')],
            "play",
            "play the recording, or stop it",
        ),
        line(
            C::Faster,
            Transcript,
            &[char('+'), key(KeyCode::Right), char('l')],
            "faster",
            "twice as fast",
        ),
        line(
            C::Slower,
            Transcript,
            &[char('-'), key(KeyCode::Left), char('h')],
            "slower",
            "half as fast",
        ),
        line(
            C::Rewind,
            Transcript,
            &[char('0')],
            "rewind",
            "from the beginning",
        ),
        line(
            C::Undo,
            Log,
            &[char('u')],
            "undo",
            "take the selected change of the board back (asks)",
        ),
        line(
            C::Up,
            Anywhere,
            &[key(KeyCode::Up), char('k')],
            "up",
            "one row up",
        ),
        line(
            C::Down,
            Anywhere,
            &[key(KeyCode::Down), char('j')],
            "down",
            "one row down",
        ),
        line(
            C::Left,
            Anywhere,
            &[key(KeyCode::Left), char('h')],
            "close",
            "close the phase",
        ),
        line(
            C::Right,
            Anywhere,
            &[key(KeyCode::Right), char('l')],
            "open",
            "open the phase",
        ),
        line(
            C::PageUp,
            Anywhere,
            &[key(KeyCode::PageUp), control('b')],
            "page up",
            "a screen up",
        ),
        line(
            C::PageDown,
            Anywhere,
            &[key(KeyCode::PageDown), control('f')],
            "page down",
            "a screen down",
        ),
        line(
            C::First,
            Anywhere,
            &[key(KeyCode::Home), char('g')],
            "first",
            "to the first row",
        ),
        line(
            C::Last,
            Anywhere,
            &[key(KeyCode::End), char('G')],
            "last",
            "to the last row; follow what is live",
        ),
        line(
            C::NextPanel,
            Anywhere,
            &[key(KeyCode::Tab)],
            "panel",
            "the next panel",
        ),
        line(
            C::PreviousPanel,
            Anywhere,
            &[key(KeyCode::BackTab)],
            "panel before",
            "the panel before",
        ),
        line(
            C::Open,
            Anywhere,
            &[key(KeyCode::Enter)],
            "detail",
            "look into what is selected",
        ),
        line(
            C::Back,
            Anywhere,
            &[key(KeyCode::Esc)],
            "back",
            "back; end a search",
        ),
        line(
            C::Search,
            Anywhere,
            &[char('/')],
            "search",
            "search in what has the focus",
        ),
        line(
            C::NextFound,
            Anywhere,
            &[char('n')],
            "next",
            "the next place where it is found",
        ),
        line(
            C::PreviousFound,
            Anywhere,
            &[char('N')],
            "previous",
            "the place before",
        ),
        line(
            C::Palette,
            Anywhere,
            &[char(':')],
            "palette",
            "everything that can be done, by name",
        ),
        line(
            C::Help,
            Anywhere,
            &[char('?'), key(KeyCode::F(1))],
            "help",
            "this list",
        ),
        line(
            C::Pause,
            Anywhere,
            &[char(' ')],
            "pause",
            "dispatch nothing new; again: go on",
        ),
        line(
            C::Retry,
            Anywhere,
            &[char('r')],
            "retry",
            "give the step back, so that it is tried again",
        ),
        line(
            C::Skip,
            Anywhere,
            &[char('s')],
            "skip",
            "leave the step out (asks why)",
        ),
        line(
            C::Kill,
            Anywhere,
            &[char('x')],
            "kill",
            "end the attempt (asks)",
        ),
        line(
            C::Answer,
            Anywhere,
            &[char('a')],
            "answer",
            "answer what the step asked",
        ),
        line(
            C::Edit,
            Anywhere,
            &[char('o')],
            "edit",
            "open the plan or file in $EDITOR",
        ),
        line(
            C::Why,
            Anywhere,
            &[char('w')],
            "why",
            "why the step is where it is: evidence, attempts, artifacts",
        ),
        line(
            C::Transcript,
            Anywhere,
            &[char('t')],
            "transcript",
            "what the agent says and does, live or replayed",
        ),
        line(
            C::Diff,
            Anywhere,
            &[char('d')],
            "diff",
            "what the attempt changed",
        ),
        line(
            C::Findings,
            Anywhere,
            &[char('f')],
            "findings",
            "the findings of the step",
        ),
        line(
            C::Tree,
            Anywhere,
            &[char('p')],
            "plan",
            "the plan as a tree, with what each step waits for",
        ),
        line(C::Log, Anywhere, &[char('L')], "log", "the operation log"),
        line(
            C::Runs,
            Anywhere,
            &[char('R')],
            "runs",
            "the history of runs",
        ),
        line(
            C::Timeline,
            Anywhere,
            &[char('T')],
            "timeline",
            "the attempts over time",
        ),
        line(
            C::Tasks,
            Anywhere,
            &[char('b')],
            "board",
            "the tasks of the board",
        ),
        line(
            C::NextPlan,
            Anywhere,
            &[char(']')],
            "next plan",
            "show the next plan",
        ),
        line(
            C::PreviousPlan,
            Anywhere,
            &[char('[')],
            "plan before",
            "show the plan before",
        ),
        line(
            C::Colors,
            Anywhere,
            &[char('c')],
            "colours",
            "dark, light, or no colours",
        ),
        line(
            C::Redraw,
            Anywhere,
            &[control('l')],
            "redraw",
            "draw everything anew",
        ),
        line(
            C::Quit,
            Anywhere,
            &[char('q')],
            "quit",
            "leave; the run flies on",
        ),
        line(
            C::Interrupt,
            Anywhere,
            &[control('c')],
            "interrupt",
            "stop the run (asks), or only leave",
        ),
    ]
};

/// What a key asks for in a scope.
#[must_use]
pub fn command(event: KeyEvent, scope: Scope) -> Option<Command> {
    let here = |binding: &&Binding| binding.scope == scope || binding.scope == Scope::Anywhere;
    let pressed = |binding: &&Binding| binding.keys.iter().any(|key| key.is(event));
    TABLE
        .iter()
        .filter(here)
        .find(pressed)
        .map(|binding| binding.command)
}

/// The line of a command that has its meaning in a scope.
#[must_use]
pub fn binding(command: Command) -> Option<&'static Binding> {
    TABLE.iter().find(|binding| binding.command == command)
}
