//! The state of the terminal interface and how events change it. Pure: what has to be done in
//! the world is returned as [`Action`]s, what came of it comes back as [`Event`]s.
//!
//! ```text
//! keys, mouse ──┐
//! follower ─────┼─▶ Event ─▶ App::update ─▶ Action ─▶ actions.rs, reader.rs
//! answers ◀─────┼──────────────────────────────────────────┘
//!               └▶ view::draw(&App)
//! ```

mod deeds;
pub mod keys;
pub mod list;
pub mod overlay;
pub mod rows;
pub mod target;
pub mod views;

use std::collections::HashMap;
use std::time::Duration;

use airboss_core::agent::StreamFormat;
use airboss_core::id::{AttemptId, OperationId, StepId};
use airboss_core::operation::PlanKey;
use airboss_core::scene::{Change, Needs, PlanScene, Scene};
use airboss_core::time::Timestamp;
use ratatui::crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use self::keys::{Command, Scope};
use self::list::List;
use self::overlay::Overlay;
use self::views::View;
use super::layout::{self, Screen};
use super::paint::Line;
use super::theme::{Slot, Theme};

/// The panels of the main screen that have rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Panel {
    /// Phases and steps.
    Progress,
    /// Attempts.
    Flying,
    /// What agents do.
    Activity,
    /// Verdicts.
    Landed,
    /// What waits for a person.
    Needs,
    /// Failures that nobody has settled.
    Errors,
}

impl Panel {
    /// All of them, in the order of Tab.
    pub const ALL: [Self; 6] = [
        Self::Progress,
        Self::Flying,
        Self::Activity,
        Self::Landed,
        Self::Needs,
        Self::Errors,
    ];

    /// Its title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Progress => "Progress",
            Self::Flying => "In progress",
            Self::Activity => "Activity",
            Self::Landed => "Landed",
            Self::Needs => "Needs you",
            Self::Errors => "Errors",
        }
    }

    /// A name for where only names fit.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Progress => "Plan",
            Self::Flying => "Now",
            Self::Activity => "Acts",
            Self::Landed => "Done",
            Self::Needs => "Needs",
            Self::Errors => "Err",
        }
    }
}

/// What comes from outside.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The store, or an agent, went on.
    Changes(Vec<Change>),
    /// It is now.
    Tick(Timestamp),
    /// What was asked for was read.
    Text(Request, Result<Vec<Line>, String>),
    /// The log was read: the newest last.
    Log(Result<Vec<LogRow>, String>),
    /// More of a recording.
    Heard {
        /// The attempt.
        attempt: AttemptId,
        /// What was said and done.
        lines: Vec<Told>,
        /// Nobody writes it any more.
        over: bool,
    },
    /// A command has ended.
    Done {
        /// What was asked for, as a person would type it.
        words: Vec<String>,
        /// Whether it was done.
        ok: bool,
        /// What it printed.
        told: String,
    },
    /// The run that this process started has ended, with its exit code.
    RunEnded(u8),
}

/// What has to be done in the world.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Leave.
    Quit,
    /// Read a text.
    Read(Request),
    /// Read the operation log.
    ReadLog,
    /// Read the recording of an attempt from its beginning, and go on.
    Listen(AttemptId),
    /// No longer.
    Hush,
    /// Run this program with these words.
    Run(Vec<String>),
    /// Open a file of the work tree in an editor; a plan, where a step of it stands.
    Edit(String, Option<StepId>),
    /// Ask the run that this process started to end in good order.
    StopRun,
    /// The screen is not as it was drawn.
    Redraw,
}

/// A text of a detail view.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// Why a step, or an attempt (`2.3#1`), is where it is.
    Why(PlanKey, String),
    /// The findings of a step.
    Findings(PlanKey, StepId),
    /// What an attempt changed.
    Diff(PlanKey, StepId, AttemptId),
    /// A task of the board.
    Task(u32),
    /// What a command that only reads prints.
    Words(Vec<String>),
}

/// A line of the operation log.
#[derive(Clone, PartialEq, Debug)]
pub struct LogRow {
    /// Its place in the log.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Which plan or board.
    pub plan: String,
    /// The stable word.
    pub word: &'static str,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// What it means.
    pub slot: Slot,
    /// With what it can be taken back.
    pub undo: Option<OperationId>,
}

/// A line of a transcript.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub word: &'static str,
    /// What it means.
    pub slot: Slot,
    /// The words, safe to show.
    pub text: String,
}

/// What is given once.
#[derive(Clone, Debug)]
pub struct Options {
    /// How it looks.
    pub theme: Theme,
    /// The setting of retries, which says what "failed" means.
    pub retries_max: u32,
    /// The setting of attempts of a whole run.
    pub attempts_max: Option<u32>,
    /// The work tree's name.
    pub place: String,
    /// This process started the run: it tells of its end and can stop it.
    pub own_run: bool,
}

/// The state.
#[derive(Debug)]
pub struct App {
    /// What was given.
    pub options: Options,
    /// What is shown.
    pub scene: Scene,
    /// What needs a person, as of now.
    pub needs: Needs,
    /// The instant.
    pub now: Timestamp,
    /// The terminal.
    pub size: Rect,
    /// The plan that was chosen; else the foremost one.
    pub chosen: Option<PlanKey>,
    /// The panel that has the focus.
    pub focus: Panel,
    /// Places in the panels.
    lists: [List; Panel::ALL.len()],
    /// Phases that were opened or closed by hand.
    folds: HashMap<(PlanKey, String), bool>,
    /// Detail views, the one that is seen last.
    pub views: Vec<View>,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// What is searched for.
    pub search: String,
    /// The newest word to the person: what it means, its text, and when it was said.
    pub status: Option<(Slot, String, Timestamp)>,
    /// How the run that this process started ended.
    pub run_ended: Option<u8>,
    /// The store was seen, or there is none.
    pub begun: bool,
    /// When it began to be looked at.
    from: Timestamp,
}

impl App {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(options: Options, now: Timestamp) -> Self {
        Self {
            scene: Scene::new(options.retries_max),
            options,
            needs: Needs::default(),
            now,
            size: Rect::new(0, 0, 80, 24),
            chosen: None,
            focus: Panel::Flying,
            lists: [List::default(); Panel::ALL.len()],
            folds: HashMap::new(),
            views: Vec::new(),
            overlay: None,
            search: String::new(),
            status: None,
            run_ended: None,
            begun: false,
            from: now,
        }
    }

    /// Takes one step forward.
    pub fn update(&mut self, event: Event) -> Vec<Action> {
        let actions = match event {
            Event::Key(key) => self.key(key),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Paste(text) => {
                if let Some(overlay) = &mut self.overlay {
                    overlay.paste(&text);
                }
                Vec::new()
            }
            Event::Resize(columns, rows) => {
                self.size = Rect::new(0, 0, columns, rows);
                Vec::new()
            }
            Event::Changes(changes) => self.changes(changes),
            Event::Tick(now) => {
                self.tick(now);
                Vec::new()
            }
            Event::Text(request, text) => {
                self.text(&request, text);
                Vec::new()
            }
            Event::Log(rows) => {
                if let Some(View::Log(log)) = self.views.last_mut() {
                    log.take(rows);
                }
                Vec::new()
            }
            Event::Heard {
                attempt,
                lines,
                over,
            } => {
                if let Some(View::Transcript(view)) = self.views.last_mut() {
                    view.hear(attempt, lines, over);
                }
                Vec::new()
            }
            Event::Done { words, ok, told } => {
                self.done(&words, ok, &told);
                Vec::new()
            }
            Event::RunEnded(code) => {
                self.run_ended = Some(code);
                Vec::new()
            }
        };
        self.settle();
        actions
    }

    fn changes(&mut self, changes: Vec<Change>) -> Vec<Action> {
        let mut stored = false;
        for change in changes {
            stored |= matches!(&change, Change::Stored(it) if !it.operations.is_empty());
            self.begun |= matches!(change, Change::Stored(_));
            self.scene.apply(change);
        }
        self.needs = self.scene.needs(self.now);
        // What a detail view shows of the store may be another now.
        match self.views.last() {
            Some(View::Text(text)) if stored && text.is_of_the_store() => {
                vec![Action::Read(text.request.clone())]
            }
            Some(View::Log(_)) if stored => vec![Action::ReadLog],
            _ => Vec::new(),
        }
    }

    fn tick(&mut self, now: Timestamp) {
        /// A store that is there has been read within this.
        const LOOK: Duration = Duration::from_secs(1);
        self.now = now;
        self.begun |= now.since(self.from) >= LOOK;
        self.needs = self.scene.needs(now);
        if let Some(View::Transcript(view)) = self.views.last_mut() {
            view.tick(now);
        }
    }

    fn text(&mut self, request: &Request, text: Result<Vec<Line>, String>) {
        let width = usize::from(self.size.width).saturating_sub(views::MARGINS);
        for view in &mut self.views {
            if let View::Text(view) = view
                && view.request == *request
            {
                view.take(text, width);
                return;
            }
        }
    }

    fn done(&mut self, words: &[String], ok: bool, told: &str) {
        let told = airboss_core::text::sanitize(told);
        // Some commands answer in JSON, which says nothing that the command does not.
        let mut lines = told.lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty());
        let line = line.filter(|line| !line.starts_with('{'));
        let named = words.iter().filter(|word| !word.starts_with("--"));
        let command = named.take(2).cloned().collect::<Vec<_>>().join(" ");
        let line = line.map_or_else(
            || format!("{command}: {}", if ok { "done" } else { "failed" }),
            |line| format!("{command}: {line}"),
        );
        self.say(if ok { Slot::Ok } else { Slot::Failed }, line);
    }

    /// Tells the person something in the last line.
    fn say(&mut self, slot: Slot, text: impl Into<String>) {
        self.status = Some((slot, text.into(), self.now));
    }

    /// Everything that depends on how much there is and how much room.
    fn settle(&mut self) {
        let landed = self.landed_ever();
        let activity = self.scene.activity();
        let activity = activity.left_out() + activity.len() as u64;
        self.list_mut(Panel::Landed).grown(landed);
        self.list_mut(Panel::Activity).grown(activity);
        let screen = self.screen();
        for panel in Panel::ALL {
            let length = self.length(panel);
            let height = screen.rows(panel);
            self.list_mut(panel).settle(length, height);
        }
        let body = layout::body(self.size);
        let sizes = self.view_length();
        if let Some(view) = self.views.last_mut() {
            view.settle(sizes, body);
        }
    }

    /// Where everything is.
    #[must_use]
    pub fn screen(&self) -> Screen {
        let wants = Panel::ALL.map(|panel| self.length(panel));
        layout::screen(self.size, self.focus, wants)
    }

    /// The place in a panel.
    #[must_use]
    pub fn list(&self, panel: Panel) -> &List {
        &self.lists[panel as usize]
    }

    fn list_mut(&mut self, panel: Panel) -> &mut List {
        &mut self.lists[panel as usize]
    }

    /// The plan that is shown.
    #[must_use]
    pub fn plan(&self) -> Option<&PlanScene> {
        let chosen = self.chosen.as_ref().and_then(|key| self.scene.plan(key));
        chosen.or_else(|| self.scene.foremost())
    }

    /// Whether the run that is shown sends nothing new.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        let run = self.plan().and_then(PlanScene::run);
        run.is_some_and(|run| run.paused.is_some())
    }

    /// How soon something on the screen is another although nothing happens.
    #[must_use]
    pub fn ticks_in(&self) -> Duration {
        /// A replay goes on as smoothly as a person reads.
        const REPLAY: Duration = Duration::from_millis(50);
        /// Running times show tenths below ten seconds, and nobody reads faster.
        const FLYING: Duration = Duration::from_millis(250);
        /// How long ago something was, in seconds.
        const IDLE: Duration = Duration::from_secs(1);
        match self.views.last() {
            Some(View::Transcript(view)) if view.is_playing() => REPLAY,
            _ if self.scene.in_progress().len() > 0 => FLYING,
            _ => IDLE,
        }
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Action> {
        if self.overlay.is_some() {
            return self.overlay_key(key);
        }
        match keys::command(key, self.scope()) {
            Some(command) => self.perform(command),
            None => Vec::new(),
        }
    }

    fn scope(&self) -> Scope {
        match self.views.last() {
            Some(View::Transcript(_)) => Scope::Transcript,
            Some(View::Log(_)) => Scope::Log,
            _ => Scope::Anywhere,
        }
    }

    fn mouse(&mut self, mouse: MouseEvent) -> Vec<Action> {
        /// Rows for one notch of the wheel, as terminals do.
        const WHEEL: isize = 3;
        let rows = match mouse.kind {
            MouseEventKind::ScrollUp => -WHEEL,
            MouseEventKind::ScrollDown => WHEEL,
            MouseEventKind::Down(MouseButton::Left) => return self.click(mouse.column, mouse.row),
            _ => return Vec::new(),
        };
        if let Some(overlay) = &mut self.overlay {
            overlay.scroll(rows);
        } else if self.views.is_empty() {
            if let Some((panel, _)) = self.screen().at(mouse.column, mouse.row) {
                let length = self.length(panel);
                self.list_mut(panel).step(rows, length);
            }
        } else {
            self.move_by(rows);
        }
        Vec::new()
    }

    fn click(&mut self, column: u16, row: u16) -> Vec<Action> {
        if self.overlay.is_some() {
            return Vec::new();
        }
        if self.views.is_empty() {
            let Some((panel, line)) = self.screen().at(column, row) else {
                return Vec::new();
            };
            let was = self.focus == panel;
            self.focus = panel;
            let Some(line) = line else { return Vec::new() };
            let clicked = self.list(panel).top + line;
            if clicked >= self.length(panel) {
                return Vec::new();
            }
            let again = was && self.list(panel).cursor == clicked;
            self.list_mut(panel).cursor = clicked;
            return if again {
                self.perform(Command::Open)
            } else {
                Vec::new()
            };
        }
        let body = layout::body(self.size);
        let line = row.checked_sub(body.y).filter(|_| row < body.bottom());
        let length = self.view_length();
        let Some((line, list)) = line.zip(self.views.last_mut().and_then(View::list_mut)) else {
            return Vec::new();
        };
        let clicked = list.top + usize::from(line);
        if clicked >= length {
            return Vec::new();
        }
        let again = list.cursor == clicked;
        list.cursor = clicked;
        if again {
            self.perform(Command::Open)
        } else {
            Vec::new()
        }
    }

    /// Whether an agent's stream does not tell when a tool starts.
    #[must_use]
    pub fn is_unannounced(format: Option<StreamFormat>) -> bool {
        format.is_some_and(|format| !format.capabilities().tool_start)
    }
}
