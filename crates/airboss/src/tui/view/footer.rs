//! The last line: the newest word to the person, or the keys that matter here.

use airboss_core::exit::ExitCode;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::app::keys::{Command, TABLE};
use crate::tui::app::overlay::Overlay;
use crate::tui::app::views::View;
use crate::tui::paint::{Pen, columns};
use crate::tui::theme::Slot;

/// The keys named on the main screen, the ones that are needed most first.
const MAIN: [Command; 13] = [
    Command::Open,
    Command::Help,
    Command::Quit,
    Command::NextPanel,
    Command::Search,
    Command::Transcript,
    Command::Why,
    Command::Tree,
    Command::Log,
    Command::Pause,
    Command::Retry,
    Command::Kill,
    Command::Answer,
];
/// Those in a transcript.
const TRANSCRIPT: [Command; 8] = [
    Command::Back,
    Command::Play,
    Command::Faster,
    Command::Slower,
    Command::Rewind,
    Command::Last,
    Command::Search,
    Command::Diff,
];
/// Those in any other detail view.
const DETAIL: [Command; 8] = [
    Command::Back,
    Command::Open,
    Command::Search,
    Command::Transcript,
    Command::Diff,
    Command::Findings,
    Command::Help,
    Command::Quit,
];

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App) {
    if area.height == 0 {
        return;
    }
    let (x, width) = (area.x + 1, area.width.saturating_sub(1));
    if let Some(Overlay::Search(input)) = &app.overlay {
        let pieces = [
            (Slot::Turn, "/"),
            (Slot::Plain, input.as_str()),
            (Slot::Turn, "▏"),
        ];
        pen.pieces(x, area.y, width, &pieces);
        return;
    }
    if let Some(code) = app.run_ended {
        return banner(pen, x, area.y, width, code);
    }
    if let Some((slot, text, _)) = &app.status {
        let sign = match slot {
            Slot::Ok => "✓ ",
            Slot::Failed => "✗ ",
            Slot::Attention => "! ",
            _ => "",
        };
        pen.pieces(x, area.y, width, &[(*slot, sign), (Slot::Plain, text)]);
        return;
    }
    let commands: &[Command] = match app.views.last() {
        None => &MAIN,
        Some(View::Transcript(_)) => &TRANSCRIPT,
        Some(View::Log(_)) => &[Command::Back, Command::Undo, Command::Search, Command::Help],
        Some(_) => &DETAIL,
    };
    hints(pen, x, area.y, width, commands);
}

fn hints(pen: &mut Pen<'_>, x: u16, y: u16, width: u16, commands: &[Command]) {
    let end = x.saturating_add(width);
    let mut at = x;
    for command in commands {
        let Some(binding) = TABLE.iter().find(|binding| binding.command == *command) else {
            continue;
        };
        let Some(key) = binding.keys.first() else {
            continue;
        };
        let (key, word) = (key.name(), format!(" {}  ", binding.word));
        if columns(&key) + columns(&word) > usize::from(end.saturating_sub(at)) {
            break;
        }
        at = pen.put(at, y, end - at, Slot::Turn, &key);
        at = pen.put(at, y, end - at, Slot::Muted, &word);
    }
}

/// How the run ended that this process started.
fn banner(pen: &mut Pen<'_>, x: u16, y: u16, width: u16, code: u8) {
    let known = ExitCode::ALL.iter().find(|known| known.code() == code);
    let meaning = known.map_or("it ended", |known| known.meaning());
    let (slot, sign) = if code == 0 {
        (Slot::Ok, "✓")
    } else {
        (Slot::Attention, "!")
    };
    let text = format!("{sign} the run has ended with {code}: {meaning}");
    let pieces = [
        (slot, text.as_str()),
        (Slot::Turn, "  q"),
        (Slot::Muted, " leaves"),
    ];
    pen.pieces(x, y, width, &pieces);
}
