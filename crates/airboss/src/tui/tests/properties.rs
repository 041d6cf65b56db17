//! Whatever is pressed, at whatever size: nothing panics, and what is counted is counted right.

use airboss_core::time::Timestamp;
use proptest::prelude::*;
use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::super::app::keys::TABLE;
use super::super::app::{App, Event, Panel};
use super::world::busy;
use super::{answers, app, drawn};

/// Something that comes.
#[derive(Clone, Debug)]
enum Stroke {
    Bound(usize, usize),
    Typed(char),
    Size(u16, u16),
    Click(u16, u16),
    Wheel(u16, u16, bool),
    Pass(u16),
    Pasted(String),
    Told(bool),
}

fn stroke() -> impl Strategy<Value = Stroke> {
    let size = prop_oneof![Just((80, 24)), Just((40, 10)), (0_u16..250, 0_u16..80)];
    prop_oneof![
        8 => (0..TABLE.len(), 0_usize..3).prop_map(|(line, key)| Stroke::Bound(line, key)),
        2 => any::<char>().prop_map(Stroke::Typed),
        2 => size.prop_map(|(columns, rows)| Stroke::Size(columns, rows)),
        2 => (0_u16..220, 0_u16..70).prop_map(|(x, y)| Stroke::Click(x, y)),
        1 => (0_u16..220, 0_u16..70, any::<bool>()).prop_map(|(x, y, up)| Stroke::Wheel(x, y, up)),
        1 => any::<u16>().prop_map(Stroke::Pass),
        1 => ".{0,40}".prop_map(Stroke::Pasted),
        1 => any::<bool>().prop_map(Stroke::Told),
    ]
}

fn event(stroke: Stroke, now: Timestamp) -> Event {
    let mouse = |kind, column, row| {
        Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })
    };
    match stroke {
        Stroke::Bound(line, key) => {
            let keys = TABLE[line].keys;
            Event::Key(keys[key % keys.len()].event())
        }
        Stroke::Typed(character) => {
            Event::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE))
        }
        Stroke::Size(columns, rows) => Event::Resize(columns, rows),
        Stroke::Click(x, y) => mouse(MouseEventKind::Down(MouseButton::Left), x, y),
        Stroke::Wheel(x, y, true) => mouse(MouseEventKind::ScrollUp, x, y),
        Stroke::Wheel(x, y, false) => mouse(MouseEventKind::ScrollDown, x, y),
        Stroke::Pass(millis) => {
            Event::Tick(Timestamp::from_millis(now.as_millis() + i64::from(millis)))
        }
        Stroke::Pasted(text) => Event::Paste(text),
        Stroke::Told(ok) => Event::Done {
            words: vec!["pause".to_owned()],
            ok,
            told: "\u{1b}[2Jtold".to_owned(),
        },
    }
}

/// The counts on the main screen are those of the scene.
fn compare(app: &App, screen: &str) {
    if !app.views.is_empty() || app.overlay.is_some() || app.size.width < 80 {
        return;
    }
    let Some(plan) = app.plan() else { return };
    let tally = plan.tally();
    if app.size.height >= 14 {
        let text = format!("{} of {} steps settled", tally.settled(), tally.total());
        assert!(screen.contains(&text), "{text}:\n{screen}");
        let flying = app.scene.in_progress().len();
        assert!(
            screen.contains(&format!("In progress  {flying}")),
            "{flying}:\n{screen}"
        );
        let needs = app.length(Panel::Needs);
        assert!(
            screen.contains(&format!("Needs you  {needs}")),
            "{needs}:\n{screen}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn nothing_that_comes_breaks_it(strokes in prop::collection::vec(stroke(), 1..60)) {
        let mut world = busy();
        let mut app = app(&mut world, (80, 24));
        for stroke in strokes {
            let actions = app.update(event(stroke, app.now));
            for action in actions {
                for answer in answers(&action, app.now) {
                    app.update(answer);
                }
            }
            let screen = drawn(&app);
            assert!(!screen.contains('\u{1b}'), "{screen:?}");
            compare(&app, &screen);
        }
    }
}
