//! What each key does.

use std::collections::HashSet;

use super::super::app::keys::{Scope, TABLE};
use super::super::app::views::View;
use super::super::app::{Action, App, Panel};
use super::world::busy;
use super::{app, press};

/// Where one is after some keys, and what was asked for.
fn check(keys: &str, expected: &str) {
    let mut app = app(&mut busy(), (80, 24));
    let actions = press(&mut app, keys);
    assert_eq!(state(&app, &actions), expected, "{keys}");
}

fn state(app: &App, actions: &[Action]) -> String {
    let mut parts = vec![match app.views.last() {
        None => format!("{:?} {}", app.focus, app.list(app.focus).cursor),
        Some(View::Text(view)) => view.title.clone(),
        Some(View::Transcript(view)) => format!("Transcript {}", view.name),
        Some(View::Log(view)) => format!("Log {}", view.list.cursor),
        Some(View::Tree(list)) => format!("Tree {}", list.cursor),
        Some(View::Runs(list)) => format!("Runs {}", list.cursor),
        Some(View::Timeline(list)) => format!("Timeline {}", list.cursor),
        Some(View::Tasks(list)) => format!("Tasks {}", list.cursor),
    }];
    if let Some(overlay) = &app.overlay {
        let text = format!("{overlay:?}");
        parts.push(text.split([' ', '(']).next().unwrap_or_default().to_owned());
    }
    for action in actions {
        match action {
            Action::Run(words) => parts.push(words.join(" ")),
            Action::Read(_) | Action::ReadLog | Action::Listen(_) => {}
            other => parts.push(format!("{other:?}")),
        }
    }
    if let Some((_, text, _)) = &app.status {
        parts.push(text.clone());
    }
    parts.join(" | ")
}

#[test]
fn moving() {
    check("", "Flying 0");
    check("j", "Flying 1");
    check("Down Down Down Down Down", "Flying 3");
    check("G k", "Flying 2");
    check("G g", "Flying 0");
    check("PgDn", "Flying 3");
    check("Tab", "Activity 0");
    check("Tab Tab Tab Tab Tab", "Progress 0");
    check("Shift-Tab Shift-Tab", "Errors 0");
}

#[test]
fn phases_open_and_close() {
    // The phase that is flown is open by itself.
    check("Shift-Tab j", "Progress 1");
    check("Shift-Tab j h G", "Progress 4");
    check("Shift-Tab G l G", "Progress 12");
    check("Shift-Tab j j h", "Progress 1");
    check("Shift-Tab Enter G", "Progress 12");
}

#[test]
fn looking() {
    check("Enter", "Transcript 2.3#1");
    check("Enter Esc", "Flying 0 | Hush");
    check("w", "Attempt 2.3#1");
    check("w t", "Transcript 2.3#1");
    check("d", "What 2.3#1 changed");
    check("f", "Findings of step 2.3");
    check("Shift-Tab j j Enter", "Step 2.1");
    check("p", "Tree 0");
    check("p j Enter", "Step 1.1");
    check("L j", "Log 1");
    check("R", "Runs 0");
    check("T", "Timeline 10");
    check("b", "Tasks 0");
    check("w Tab", "Activity 0");
    check("Tab Tab Tab Enter", "Step 2.1");
    check("Tab Tab Tab Tab Enter", "Errors");
}

#[test]
fn searching() {
    check("Shift-Tab / t r i m Enter", "Progress 10");
    check("Shift-Tab / t r i m Enter n", "Progress 14");
    check("Shift-Tab / t r i m Enter n n", "Progress 10");
    check("Shift-Tab / t r i m Enter N", "Progress 14");
    check("/ c o d e x Enter", "Flying 2");
    check("/ x y z Enter", "Flying 0 | `xyz` was not found");
    check("/ x Esc", "Flying 0");
    check("p / p o l a r Enter", "Tree 23");
}

#[test]
fn changing() {
    let plan = "--plan=plans/glider.md";
    check("Space", &format!("Flying 0 | pause {plan}"));
    check("r", &format!("Flying 0 | retry {plan} 2.3"));
    check("s", "Flying 0 | Ask");
    check(
        "s Enter",
        "Flying 0 | nothing was typed, so nothing was done",
    );
    check(
        "s n o Enter",
        &format!("Flying 0 | mark-skipped {plan} --reason=no 2.3"),
    );
    check("x", "Flying 0 | Ask");
    check("x n", "Flying 0");
    check("x j", "Flying 0 | Ask");
    check(
        "x y",
        "Flying 0 | kill 000000000000000000000000a77e000b --yes",
    );
    check("x Esc", "Flying 0");
    check(
        "Tab Tab Tab a e p o x y Enter",
        &format!("Needs 0 | answer {plan} -- 2.1 epoxy"),
    );
    check(
        "Tab Tab Tab j a",
        "Needs 1 | its agent takes no answer: allow the tool in its `arguments` in the settings, \
         end it with x, and give the step back with r",
    );
    check("Tab Tab x", "Landed 0 | no attempt of it is in progress");
    check(
        "o",
        "Flying 0 | Edit(\"plans/glider.md\", Some(StepId(\"2.3\")))",
    );
    check("L G u y", "Log 2 | undo 00000000000000000000000000000000");
    check("L u", "Log 0 | only changes of the board can be taken back");
}

#[test]
fn the_rest() {
    check("?", "Flying 0 | Help");
    check("? Esc", "Flying 0");
    check("? q", "Flying 0");
    check(": l o g Enter", "Log 0");
    check(": q u i t Enter", "Flying 0 | Quit");
    check("q", "Flying 0 | Quit");
    check("Ctrl-C", "Flying 0 | Quit");
    check("Ctrl-L", "Flying 0 | Redraw");
    check("c", "Flying 0 | colours: dark");
    check("]", "Flying 0 | there is only one plan here");
    check("z", "Flying 0");
}

#[test]
fn who_started_the_run_is_asked_before_it_is_stopped() {
    let own = |keys: &str| {
        let mut app = app(&mut busy(), (80, 24));
        app.options.own_run = true;
        let actions = press(&mut app, keys);
        state(&app, &actions)
    };
    assert_eq!(own("Ctrl-C"), "Flying 0 | Ask");
    assert_eq!(own("Ctrl-C Esc"), "Flying 0");
    assert_eq!(own("Ctrl-C Enter"), "Flying 0");
    assert_eq!(own("Ctrl-C s"), "Flying 0 | StopRun");
    assert_eq!(own("Ctrl-C l"), "Flying 0 | Quit");
    assert_eq!(own("q"), "Flying 0 | Quit");
}

#[test]
fn no_key_means_two_things_in_one_place() {
    for scope in [Scope::Anywhere, Scope::Transcript, Scope::Log] {
        let bindings = TABLE.iter().filter(|binding| binding.scope == scope);
        let keys: Vec<String> = bindings
            .flat_map(|binding| binding.keys.iter().map(|key| key.name()))
            .collect();
        let unique: HashSet<&String> = keys.iter().collect();
        assert_eq!(unique.len(), keys.len(), "{scope:?}: {keys:?}");
    }
}

#[test]
fn what_is_clicked_is_selected_and_then_opened() {
    use super::super::app::Event;
    use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut app = app(&mut busy(), (80, 24));
    let screen = app.screen();
    let (_, area) = screen
        .panels
        .iter()
        .find(|(panel, _)| *panel == Panel::Landed)
        .unwrap();
    let (column, row) = (area.x + 5, area.y + 2);
    let mouse = |kind| {
        Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })
    };
    let click = || mouse(MouseEventKind::Down(MouseButton::Left));
    app.update(click());
    assert_eq!(state(&app, &[]), "Landed 1");
    app.update(mouse(MouseEventKind::ScrollDown));
    assert_eq!(state(&app, &[]), "Landed 4");
    app.update(mouse(MouseEventKind::ScrollUp));
    assert_eq!(state(&app, &[]), "Landed 1");
    // What has the focus has more room.
    let screen = app.screen();
    let (_, area) = screen
        .panels
        .iter()
        .find(|(panel, _)| *panel == Panel::Landed)
        .unwrap();
    let list = *app.list(Panel::Landed);
    let row = area.y + 1 + u16::try_from(list.cursor - list.top).unwrap();
    let opened = app.update(Event::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: KeyModifiers::NONE,
    }));
    assert!(
        matches!(opened.as_slice(), [Action::Listen(_)]),
        "{opened:?}"
    );
}
