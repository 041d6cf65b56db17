//! Every key of the table is pressed where it means something, and does it.
//!
//! One run stands still while it is looked at: a step is done, one has failed, one asks, and one is
//! in flight until it is killed.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use airboss::tui::app::keys::{self, Binding, Command, Key, TABLE};
use airboss_testkit::environment::{TestEnvironment, eventually};

use crate::tmux::{PATIENCE, Tmux, shell};

const PLAN: &str = "\
# Plan: Work

## Implementation Phases

### Phase 1: Chapters [NOT STARTED]
**Dependencies**: []
**Execution Note:** Tasks 1.1-1.4 are [PARALLEL] - files of their own
**Tasks**:
- [ ] 1.1 Write `out/first.md`
- [ ] 1.2 Write `out/second.md`
- [ ] 1.3 Write `out/third.md`
- [ ] 1.4 Write `out/fourth.md`

### Phase 2: Cover [NOT STARTED]
**Dependencies**: [1]
**Tasks**:
- [ ] 2.1 Write `out/cover.md`
";

const OTHER: &str = "\
# Plan: Other

### Phase 1: Something else [NOT STARTED]

- [ ] 1.1 Write `out/other.md`
";

const SCRIPT: &str = r##"
[[step]]
match = "1.1"
actions = [
  { say = "The first chapter begins." },
  { tool = "Read", input = "README.md", seconds = 6.0 },
  { write = "out/first.md", text = "# One\n\nOnce upon a time.\n" },
  { say = "It is written." },
]
[[step]]
match = "1.2"
actions = [{ say = "I did nothing." }]
[[step]]
match = "1.3"
on_attempt = [1]
actions = [{ ask = "Which colour shall it have?" }]
[[step]]
match = "1.3"
actions = [{ write = "out/third.md", text = "# Three\n\nBlue.\n" }]
[[step]]
match = "1.4"
actions = [{ tool = "Bash", input = "make fourth", seconds = 600.0 }]
"##;

const CONFIG: &str = "[limits]\nidle = \"600s\"\ninterrupt_grace = \"300ms\"\n\
                      terminate_grace = \"300ms\"\nbackoff = \"50ms\"\nretries = 0\n";

/// A project with a board of two tasks, and two plans of which one was flown.
fn environment() -> TestEnvironment {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    environment.config(CONFIG);
    environment.plan("plans/other.md", OTHER);
    environment.script(
        "[default]\nactions = [{ write = \"out/other.md\", text = \"Something else.\\n\" }]\n",
    );
    environment.run(["run", "plans/other.md"]).expect_code(0);
    environment.plan("plans/work.md", PLAN);
    environment.script(SCRIPT);
    for words in [
        &["init", "--yes"][..],
        &["task", "add", "Shorten the banner"],
        &["task", "add", "Paint the corners"],
        &["init", "plans/work.md"],
        &[
            "write-findings",
            "1.1",
            "--plan",
            "plans/work.md",
            "--content",
            "The paper is A4.",
        ],
    ] {
        environment.run(words).expect_code(0);
    }
    let recorder = "#!/bin/sh\nfor word; do echo \"[$word]\"; done > ../edited.new\nmv ../edited.new ../edited\n";
    let editor = environment.outside("nano");
    fs_err::write(&editor, recorder).expect("the directory is ours");
    fs_err::set_permissions(&editor, Permissions::from_mode(0o755)).expect("the file is ours");
    environment
}

/// The interface in its window, and what was pressed.
struct Walk<'e> {
    tmux: &'e Tmux<'e>,
    window: u8,
    pressed: BTreeSet<(String, String)>,
}

impl Walk<'_> {
    /// The screen, with one blank where there are several.
    fn screen(&self) -> String {
        let screen = self.tmux.screen(self.window);
        let lines = screen.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.join(" ")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let mut screen = String::new();
        let held = eventually(PATIENCE, || {
            screen = self.screen();
            holds(&screen)
        });
        assert!(held, "never seen: {what}\n{screen}");
    }

    #[track_caller]
    fn see(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    #[track_caller]
    fn see_no(&self, text: &str) {
        self.until(&format!("no {text}"), |screen| !screen.contains(text));
    }

    fn type_in(&self, keys: &[&str]) {
        self.tmux.press(self.window, keys);
    }

    /// The main screen, with the focus on a panel.
    #[track_caller]
    fn panel(&self, title: &str) {
        self.see("Landed");
        let focused = format!("\n▸ {title}");
        let focus = |screen: &str| {
            let mut lines = screen.lines().filter(|line| line.starts_with("▸ "));
            lines.find(|line| line.contains("──")).map(str::to_owned)
        };
        for _ in 0..6 {
            let screen = self.screen();
            if screen.contains(&focused) {
                return;
            }
            let before = focus(&screen);
            self.type_in(&["Tab"]);
            self.until("another focus", |screen| focus(screen) != before);
        }
        panic!("there is no panel {title}:\n{}", self.screen());
    }

    /// Selects a row of the plan.
    #[track_caller]
    fn select(&self, step: &str) {
        self.panel("Progress");
        self.type_in(&["Home"]);
        self.see("› ▾ 1 Chapters");
        let selected = |screen: &str| {
            screen
                .lines()
                .find(|line| line.starts_with('›'))
                .map(str::to_owned)
        };
        for _ in 0..6 {
            let before = selected(&self.screen());
            if before
                .as_ref()
                .is_some_and(|line| line.contains(&format!(" {step} ")))
            {
                return;
            }
            self.type_in(&["Down"]);
            self.until("another row", |screen| selected(screen) != before);
        }
        panic!("there is no step {step}:\n{}", self.screen());
    }

    /// Presses one key of the table.
    fn press(&mut self, binding: &Binding, key: Key) {
        self.pressed.insert(entry(binding, key));
        self.type_in(&[&tmux_name(key)]);
    }

    /// Presses each key of a command where the way leads, and waits for what it does.
    #[track_caller]
    fn each(&mut self, command: Command, way: impl Fn(&Self), (from, to): (&str, &str)) {
        let binding = binding(command);
        for key in binding.keys {
            way(self);
            self.until(&format!("{from}, before {}", key.name()), |screen| {
                screen.contains(from) && !screen.contains(to)
            });
            self.press(binding, *key);
            self.see(to);
        }
    }

    /// The same for what opens over the screen; it is closed again.
    #[track_caller]
    fn opens(&mut self, command: Command, way: impl Fn(&Self), to: &str) {
        let binding = binding(command);
        for key in binding.keys {
            way(self);
            self.see_no(to);
            self.press(binding, *key);
            self.see(to);
            self.type_in(&["Escape"]);
            self.see_no(to);
        }
    }
}

fn binding(command: Command) -> &'static Binding {
    keys::binding(command).expect("every command is in the table")
}

fn entry(binding: &Binding, key: Key) -> (String, String) {
    (
        format!("{:?} {:?}", binding.scope, binding.command),
        key.name(),
    )
}

/// A key as tmux calls it.
fn tmux_name(key: Key) -> String {
    let name = key.name();
    match name.as_str() {
        "PgUp" => "PageUp".to_owned(),
        "PgDn" => "PageDown".to_owned(),
        "Shift-Tab" => "BTab".to_owned(),
        "Esc" => "Escape".to_owned(),
        _ => match name.strip_prefix("Ctrl-") {
            Some(letter) => format!("C-{}", letter.to_lowercase()),
            None => name,
        },
    }
}

/// Keys that move about and open things.
fn moves(walk: &mut Walk<'_>) {
    use Command as C;
    let progress = |keys: &'static [&'static str]| {
        move |walk: &Walk<'_>| {
            walk.panel("Progress");
            walk.type_in(keys);
        }
    };
    let (first, last) = ("› ▾ 1 Chapters", "› ▸ 2 Cover");
    walk.each(C::Down, progress(&["Home"]), (first, "› ✓ 1.1"));
    walk.each(C::Up, progress(&["Home", "Down"]), ("› ✓ 1.1", first));
    walk.each(
        C::Left,
        progress(&["Home", "Right"]),
        (first, "› ▸ 1 Chapters"),
    );
    walk.each(
        C::Right,
        progress(&["Home", "Left"]),
        ("› ▸ 1 Chapters", first),
    );
    walk.each(C::Last, progress(&["Home"]), (first, last));
    walk.each(C::First, progress(&["End"]), (last, first));
    walk.each(
        C::NextPanel,
        progress(&["Home"]),
        ("\n▸ Progress", "\n▸ In progress"),
    );
    walk.each(
        C::PreviousPanel,
        progress(&["Tab"]),
        ("\n▸ In progress", "\n▸ Progress"),
    );
    let searched = |keys: &'static [&'static str]| {
        move |walk: &Walk<'_>| {
            walk.select("1.1");
            walk.type_in(&["/", "Write", "Enter"]);
            walk.see("› ✓ 1.1");
            walk.type_in(keys);
        }
    };
    walk.each(C::NextFound, searched(&[]), ("› ✓ 1.1", "› ✗ 1.2"));
    walk.each(C::PreviousFound, searched(&["n"]), ("› ✗ 1.2", "› ✓ 1.1"));
    walk.opens(C::Search, progress(&["Home"]), "/▏");
    walk.opens(C::Palette, progress(&["Home"]), "nothing new");
    walk.opens(C::Help, progress(&["Home"]), "leave; the run flies on");
    for (command, from) in [(C::PageDown, "Home"), (C::PageUp, "End")] {
        let binding = binding(command);
        for key in binding.keys {
            walk.panel("Progress");
            walk.type_in(&["L"]);
            walk.until("the log", |screen| number(screen) > 1);
            let newest = number(&walk.screen());
            let begun = if from == "End" { 1 } else { newest };
            walk.type_in(&[from]);
            walk.until("an end of the log", |screen| number(screen) == begun);
            walk.press(binding, *key);
            walk.until("a page further", |screen| {
                number(screen).abs_diff(begun) > 5
            });
            walk.type_in(&["Escape"]);
            walk.see("Landed");
        }
    }
}

/// The number of the operation that is selected.
fn number(screen: &str) -> u64 {
    let row = screen.lines().find_map(|line| line.strip_prefix("› "));
    let number = row.and_then(|row| row.split(' ').next());
    number
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

/// Keys that show something.
fn views(walk: &mut Walk<'_>) {
    use Command as C;
    let first = |walk: &Walk<'_>| walk.select("1.1");
    walk.opens(
        C::Open,
        |walk| walk.panel("In progress"),
        "Transcript of 1.4#1",
    );
    walk.opens(C::Why, first, "phase 1, Chapters");
    walk.opens(C::Transcript, first, "Transcript of 1.1#1");
    walk.opens(C::Diff, first, "What 1.1#1 changed");
    walk.opens(C::Findings, first, "The paper is A4.");
    walk.opens(C::Tree, first, "Plan plans/work.md");
    walk.opens(C::Log, first, "attempt_dispatched");
    walk.opens(C::Runs, first, "Runs 2 runs");
    walk.opens(C::Timeline, first, "Timeline");
    walk.opens(C::Tasks, first, "Shorten the banner");
    let transcript = |walk: &Walk<'_>| {
        walk.select("1.1");
        walk.type_in(&["t"]);
    };
    walk.each(C::Back, transcript, ("Transcript of", "Landed"));
    walk.each(C::NextPlan, first, ("work ●", "other ✓"));
    walk.each(C::PreviousPlan, |_| {}, ("other ✓", "work ●"));
    walk.each(C::Colors, first, ("Landed", "colours: "));
}

/// Keys of a transcript. What was left of one before is closed.
fn replays(walk: &mut Walk<'_>) {
    use Command as C;
    let recorded = |walk: &Walk<'_>| {
        if !walk.screen().contains("Landed") {
            walk.type_in(&["Escape"]);
        }
        walk.select("1.1");
        walk.type_in(&["t"]);
        walk.see("Transcript of 1.1#1 recorded");
        walk.see("It is written.");
    };
    let held = move |walk: &Walk<'_>| {
        recorded(walk);
        walk.type_in(&["0", "Space"]);
    };
    walk.each(C::Rewind, recorded, ("recorded", "▸ replay ×1 at"));
    walk.each(C::Play, held, ("‖ replay ×1 at", "▸ replay ×1 at"));
    walk.each(C::Faster, held, ("‖ replay ×1 at", "‖ replay ×2 at"));
    walk.each(C::Slower, held, ("‖ replay ×1 at", "‖ replay ×0.5 at"));
    walk.type_in(&["Escape"]);
    walk.see("Landed");
}

/// Keys that change something, in the store, too.
fn changes(walk: &mut Walk<'_>, environment: &TestEnvironment) {
    use Command as C;
    let told = |words: &[&str]| {
        let words = words.iter().chain(&["--plan", "plans/work.md"]);
        environment.run(words).stdout
    };
    let step = |id: &'static str| move |walk: &Walk<'_>| walk.select(id);
    walk.each(C::Pause, step("1.1"), ("work ●", "‖ paused"));
    let runs = told(&["runs"]);
    assert!(runs.contains("paused"), "{runs}");
    walk.type_in(&["Space"]);
    walk.see_no("‖ paused");
    let runs = told(&["runs"]);
    assert!(!runs.contains("paused"), "{runs}");
    walk.each(C::Retry, step("1.2"), ("1.2#1", "1.2#2 unverified"));
    walk.each(C::Skip, step("1.2"), ("1.2#2", "out. Why?"));
    walk.type_in(&["One is enough.", "Enter"]);
    walk.see("⊘ 1.2");
    let log = told(&["log", "1.2"]);
    assert!(log.contains("One is enough."), "{log}");
    walk.each(C::Answer, step("1.3"), ("⁇ 1.3", "Step 1.3 asks"));
    // What begins like an option is an answer like any other one.
    walk.type_in(&["-- blue", "Enter"]);
    walk.see("✓ 1.3#2 verified");
    let log = told(&["log", "1.3"]);
    assert!(log.contains("-- blue"), "{log}");
    let change = |walk: &Walk<'_>| {
        walk.panel("Progress");
        walk.type_in(&["L"]);
        walk.see("step_answered");
        walk.type_in(&["/", "Paint", "Enter"]);
        walk.until("the change", |screen| {
            let mut lines = screen.lines();
            lines.any(|line| line.starts_with('›') && line.contains("Paint"))
        });
    };
    walk.each(C::Undo, change, ("Paint the corners", "back?"));
    walk.type_in(&["y"]);
    let gone = eventually(PATIENCE, || !told(&["task", "list"]).contains("Paint"));
    assert!(gone, "{}", told(&["task", "list", "--all"]));
    walk.type_in(&["Escape"]);
    walk.select("1.3");
    walk.press(binding(C::Edit), binding(C::Edit).keys[0]);
    let edited = environment.outside("edited");
    assert!(
        eventually(PATIENCE, || edited.exists()),
        "{}",
        walk.screen()
    );
    let words = fs_err::read_to_string(edited).expect("it was just seen");
    let plan = environment.path("plans/work.md");
    let text = environment.read("plans/work.md");
    let line = text.lines().position(|line| line.contains("1.3 Write"));
    let line = line.expect("the step is in the plan") + 1;
    assert_eq!(words, format!("[-x]\n[+{line}]\n[{}]\n", plan.display()));
}

/// Keys after which it is another screen, or none.
fn ends(walk: &mut Walk<'_>, interface: &str) {
    use Command as C;
    let garbled = |walk: &Walk<'_>| {
        walk.see("Landed");
        walk.tmux.write(walk.window, "\x1b[39;60HGARBLED");
        walk.see("GARBLED");
    };
    let binding_of_redraw = binding(C::Redraw);
    for key in binding_of_redraw.keys {
        garbled(walk);
        walk.press(binding_of_redraw, *key);
        walk.see_no("GARBLED");
    }
    let flying = |walk: &Walk<'_>| walk.panel("In progress");
    walk.each(C::Kill, flying, ("1.4#1", "y: yes n: no"));
    walk.type_in(&["y"]);
    walk.see("1.4#1 interrupted");
    // The process that began the run tells of its end.
    walk.tmux.expect(0, &["the run has ended with"]);
    for command in [C::Quit, C::Interrupt] {
        let binding = binding(command);
        for key in binding.keys {
            walk.see("Landed");
            walk.press(binding, *key);
            walk.see("code=0");
            walk.tmux.window(interface);
            walk.window += 1;
        }
    }
}

#[test]
fn every_key_does_what_it_says() {
    let environment = environment();
    let editor = environment.outside("nano").display().to_string();
    let run = shell(&environment, "run plans/work.md --agent claude --jobs 4");
    let Some(tmux) = Tmux::start(&environment, (120, 40), &run) else {
        return;
    };
    let interface = shell(&environment, "tui");
    tmux.window(&format!("EDITOR='{editor} -x'; export EDITOR; {interface}"));
    let mut walk = Walk {
        tmux: &tmux,
        window: 1,
        pressed: BTreeSet::new(),
    };
    for state in ["✓ 1.1 Write", "✗ 1.2 Write", "⁇ 1.3 Write", "● 1.4 Write"] {
        walk.see(state);
    }
    moves(&mut walk);
    views(&mut walk);
    replays(&mut walk);
    changes(&mut walk, &environment);
    ends(&mut walk, &interface);
    let all = TABLE
        .iter()
        .flat_map(|binding| binding.keys.iter().map(|key| entry(binding, *key)));
    let missing: Vec<_> = all.filter(|it| !walk.pressed.contains(it)).collect();
    assert!(missing.is_empty(), "nobody presses {missing:?}");
    drop(tmux);
    environment.assert_no_process_left();
}
