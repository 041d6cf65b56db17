//! What is drawn, what keys do, and that nothing that comes can break it.

mod document;
mod keys;
mod properties;
mod screens;
mod world;

use airboss_core::scene::Scene;
use airboss_core::time::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use self::world::World;
use super::ansi;
use super::app::{Action, App, Event, LogRow, Options, Request, Told};
use super::theme::{Palette, Slot, Theme};

/// An interface that has seen a world.
fn app(world: &mut World, (columns, rows): (u16, u16)) -> App {
    let options = Options {
        theme: Theme {
            palette: Palette::None,
            ascii: false,
        },
        retries_max: 0,
        attempts_max: Some(50),
        place: "workshop".to_owned(),
        own_run: false,
    };
    let mut app = App::new(options, world.now());
    app.update(Event::Resize(columns, rows));
    app.update(Event::Changes(world.take()));
    app.update(Event::Tick(world.now()));
    app
}

/// Presses keys, named as `?` names them, with spaces between; what has to be read is there at
/// once.
fn press(app: &mut App, keys: &str) -> Vec<Action> {
    let mut all = Vec::new();
    for name in keys.split_whitespace() {
        let actions = app.update(Event::Key(named(name)));
        for action in &actions {
            for event in answers(action, app.now) {
                app.update(event);
            }
        }
        all.extend(actions);
    }
    all
}

fn named(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.strip_prefix("Ctrl-") {
        Some(name) => (KeyModifiers::CONTROL, name.to_lowercase()),
        None => (KeyModifiers::NONE, name.to_owned()),
    };
    let code = match name.as_str() {
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Tab" => KeyCode::Tab,
        "Shift-Tab" => KeyCode::BackTab,
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        one => KeyCode::Char(one.chars().next().expect("a name is not empty")),
    };
    KeyEvent::new(code, modifiers)
}

/// What comes of an action, where it is something to read.
fn answers(action: &Action, now: Timestamp) -> Vec<Event> {
    match action {
        Action::Read(Request::Findings(..)) => {
            let error = "step 2.3 has no findings; `airboss write-findings` writes them";
            vec![Event::Text(findings(action), Err(error.to_owned()))]
        }
        Action::Read(request) => vec![Event::Text(request.clone(), Ok(ansi::lines(WHY)))],
        Action::ReadLog => vec![Event::Log(Ok(log(now)))],
        Action::Listen(attempt) => {
            vec![Event::Heard {
                attempt: *attempt,
                lines: transcript(now),
                over: false,
            }]
        }
        _ => Vec::new(),
    }
}

fn findings(action: &Action) -> Request {
    let Action::Read(request) = action else {
        panic!("{action:?}")
    };
    request.clone()
}

/// A page as `airboss why` prints it.
const WHY: &str = "\u{1b}[1mstep 2.3 is in progress: attempt #1 by claude, 16s ago\u{1b}[0m\n\
Check the seam with `cargo test seam`\n\
phase 2, Fuselage · plans/glider.md\n\n\
\u{1b}[1mattempts\u{1b}[0m\n  \u{1b}[36m● #1\u{1b}[0m  in progress  claude\n    \
\u{1b}[2mtools\u{1b}[0m     2 so far, none failed\n    \
\u{1b}[2martifact\u{1b}[0m  \u{1b}[33m? not there yet\u{1b}[0m: docs/plan-outputs/glider/findings/2.3.md, \
which has to be newer than the attempt and more than a skeleton\n\n\
\u{1b}[36m→\u{1b}[0m airboss replay 2.3#1 --follow\n";

fn log(now: Timestamp) -> Vec<LogRow> {
    let row = |sequence: u64, word, subject: &str, text: &str, undo: bool| LogRow {
        sequence,
        at: now,
        plan: "plans/glider.md".to_owned(),
        word,
        subject: subject.to_owned(),
        text: text.to_owned(),
        slot: Slot::Plain,
        undo: undo.then(Default::default),
    };
    vec![
        row(
            40,
            "task_changed",
            "12",
            "status: researched, was researching",
            true,
        ),
        row(41, "attempt_dispatched", "2.3#1", "claude", false),
        row(
            42,
            "step_judged",
            "4.1#1",
            "failed: gate `test` is red: 2 of 14 failed",
            false,
        ),
    ]
}

fn transcript(now: Timestamp) -> Vec<Told> {
    let told = |seconds: i64, word, slot, text: &str| Told {
        at: Timestamp::from_millis(now.as_millis() - 1000 * seconds),
        word,
        slot,
        text: text.to_owned(),
    };
    vec![
        told(16, "session", Slot::Muted, "0193, model-5, version 2.1.0"),
        told(
            15,
            "text",
            Slot::Plain,
            "I look at the seam first, then I run its tests, and only then I change what is wrong with it; the paint comes last because it hides everything.",
        ),
        told(14, "tool", Slot::Turn, "Read src/seam.rs"),
        told(13, "done", Slot::Ok, "Read src/seam.rs after 0.4s"),
        told(
            12,
            "tool",
            Slot::Turn,
            "Bash cargo test seam -- --nocapture",
        ),
    ]
}

/// What is on the screen, as text.
fn drawn(app: &App) -> String {
    let (columns, rows) = (app.size.width, app.size.height);
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
    let frame = terminal
        .draw(|frame| super::view::draw(frame, app))
        .expect("it can be drawn");
    let mut lines = Vec::new();
    for y in 0..rows {
        let mut line = String::new();
        let mut x = 0;
        while x < columns {
            let symbol = frame.buffer[(x, y)].symbol();
            line.push_str(symbol);
            // A wide character covers the cell behind it.
            x += u16::try_from(super::paint::columns(symbol).max(1)).expect("two at most");
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

#[test]
fn nothing_is_shown_as_nothing() {
    let options = Options {
        theme: Theme {
            palette: Palette::None,
            ascii: false,
        },
        retries_max: 2,
        attempts_max: None,
        place: "workshop".to_owned(),
        own_run: false,
    };
    let mut app = App::new(options, Timestamp::default());
    assert_eq!(app.scene, Scene::new(2));
    app.update(Event::Resize(60, 16));
    insta::assert_snapshot!("nothing", drawn(&app));
}
