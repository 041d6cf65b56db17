//! Every panel and every view, at the smallest size that is promised, a large and a tiny one.

use super::super::app::{App, Event};
use super::super::theme::{Palette, Theme};
use super::world::{busy, crowd};
use super::{app, drawn, press};

const SIZES: [(u16, u16); 3] = [(80, 24), (200, 60), (40, 10)];

/// What is seen after some keys, at each size.
fn check(name: &str, keys: &str) {
    let mut screens = Vec::new();
    for size in SIZES {
        let mut app = app(&mut busy(), size);
        press(&mut app, keys);
        screens.push(format!("{}x{}\n{}", size.0, size.1, drawn(&app)));
    }
    insta::assert_snapshot!(name, screens.join("\n\n"));
}

#[test]
fn screens() {
    check("main", "");
    check("progress", "Shift-Tab");
    check("activity", "Tab");
    check("landed", "Tab Tab j");
    check("needs", "Tab Tab Tab");
    check("errors", "Tab Tab Tab Tab");
    check("step", "w");
    check("transcript", "Enter");
    check("replay", "Enter Space");
    check("findings", "f");
    check("tree", "p j j");
    check("log", "L");
    check("runs", "R");
    check("timeline", "T");
    check("board", "b");
    check("help", "?");
    check("palette", ": r e");
    check("search", "Shift-Tab / g l i d e");
    check("kill", "x");
    check("answer", "Tab Tab Tab a w o o d");
}

#[test]
fn in_ascii_there_is_nothing_else() {
    for keys in [
        "",
        "Shift-Tab",
        "w",
        "t",
        "p",
        "L",
        "R",
        "T",
        "b",
        "?",
        ":",
        "x",
        "/",
    ] {
        for size in SIZES {
            let mut app = app(&mut busy(), size);
            app.options.theme.ascii = true;
            press(&mut app, keys);
            let screen = drawn(&app);
            assert!(screen.is_ascii(), "{keys}: {screen}");
        }
    }
    let mut app = app(&mut busy(), (80, 24));
    app.options.theme.ascii = true;
    insta::assert_snapshot!("ascii", drawn(&app));
}

#[test]
fn a_crowd_fits() {
    let mut world = crowd(10_000, 64);
    let mut app = app(&mut world, (80, 24));
    insta::assert_snapshot!("crowd", drawn(&app));
    press(&mut app, "p G");
    insta::assert_snapshot!("crowd_tree_end", drawn(&app));
}

#[test]
fn the_end_of_a_run_is_told() {
    let mut world = busy();
    world.run_ends(airboss_core::operation::RunEnding::Failed);
    let mut app = app(&mut world, (80, 24));
    app.options.own_run = true;
    app.update(Event::RunEnded(1));
    let screen = drawn(&app);
    let last = screen.lines().last().unwrap_or_default();
    let expected =
        " ! the run has ended with 1: the work failed: a step, a gate, a check  q leaves";
    assert_eq!(last, expected);
}

/// A size that the state has not heard of yet is drawn as nothing rather than wrong.
#[test]
fn sizes_follow_each_other() {
    let mut app: App = app(&mut busy(), (200, 60));
    let large = drawn(&app);
    for (columns, rows) in [(80, 24), (40, 10), (1, 1), (0, 0), (200, 60)] {
        app.update(Event::Resize(columns, rows));
        drawn(&app);
    }
    assert_eq!(drawn(&app), large);
}

#[test]
fn colours_change_nothing_that_is_read() {
    let mut app: App = app(&mut busy(), (80, 24));
    let plain = drawn(&app);
    for palette in [Palette::Dark, Palette::Light] {
        app.options.theme = Theme {
            palette,
            ascii: false,
        };
        assert_eq!(drawn(&app), plain);
    }
}
