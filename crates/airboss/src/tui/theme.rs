//! Colours by meaning, for dark and light terminals, for colour-blind eyes, and for none at all.
//!
//! A colour is never alone: whoever draws with a [`Slot`] also writes a word or a sign. The
//! colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any
//! kind of colour blindness can tell apart, as the nearest of the 256 that terminals have.

use clap::ValueEnum;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// What something means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// Text as it is.
    Plain,
    /// Titles and what has the focus.
    Strong,
    /// For whoever looks for it: ids, times, labels.
    Muted,
    /// It holds: verified, done.
    Ok,
    /// It failed.
    Failed,
    /// It goes on, but look.
    Attention,
    /// A person's turn.
    Turn,
    /// Something under Airboss is missing or broken.
    Broken,
    /// It is under way.
    Working,
    /// It waits, for time or for others.
    Waiting,
    /// Lines between panels.
    Rule,
    /// The title of the panel that has the focus.
    Focus,
    /// The row that is selected in the panel that has the focus.
    Selected,
    /// Where a search was found.
    Found,
}

/// Which colours are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Palette {
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// Weight and underlines only.
    None,
}

impl Palette {
    /// What the environment asks for: none with NO_COLOR, light where the terminal says so
    /// (`COLORFGBG`, as rxvt and Konsole set it), else dark.
    #[must_use]
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value: &String| !value.is_empty());
        if set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb") {
            return Self::None;
        }
        let background = set("COLORFGBG").and_then(|it| it.rsplit(';').next()?.parse::<u8>().ok());
        match background {
            Some(7 | 15) => Self::Light,
            _ => Self::Dark,
        }
    }

    /// The next one, for the key that changes it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::None,
            Self::None => Self::Dark,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::None => "no colours",
        }
    }
}

/// How everything looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Theme {
    /// Its colours.
    pub palette: Palette,
    /// Every character is one of ASCII.
    pub ascii: bool,
}

impl Theme {
    /// The style of a meaning.
    #[must_use]
    pub const fn style(self, slot: Slot) -> Style {
        match self.palette {
            Palette::None => plain(slot),
            Palette::Dark => colored(slot, &DARK),
            Palette::Light => colored(slot, &LIGHT),
        }
    }

    /// Leaves nothing but ASCII in what was drawn, when that is wanted.
    pub fn finish(self, buffer: &mut Buffer) {
        if !self.ascii {
            return;
        }
        for cell in &mut buffer.content {
            if !cell.symbol().is_ascii() {
                let plain = ascii(cell.symbol());
                cell.set_symbol(plain);
            }
        }
    }
}

/// The numbers of the 256 colours for each meaning that has one of its own.
struct Numbers {
    ok: u8,
    failed: u8,
    attention: u8,
    turn: u8,
    broken: u8,
    working: u8,
    muted: u8,
    rule: u8,
    selected: u8,
}

/// Bluish green, vermilion, orange, sky blue, reddish purple, blue; greys.
const DARK: Numbers = Numbers {
    ok: 36,
    failed: 202,
    attention: 214,
    turn: 117,
    broken: 175,
    working: 75,
    muted: 245,
    rule: 239,
    selected: 237,
};
/// The same hues, darker.
const LIGHT: Numbers = Numbers {
    ok: 29,
    failed: 160,
    attention: 130,
    turn: 25,
    broken: 127,
    working: 26,
    muted: 243,
    rule: 250,
    selected: 254,
};

const fn colored(slot: Slot, numbers: &Numbers) -> Style {
    let style = Style::new();
    let color = match slot {
        Slot::Plain => return style,
        Slot::Strong => return style.add_modifier(Modifier::BOLD),
        Slot::Selected => return style.bg(Color::Indexed(numbers.selected)),
        Slot::Focus => {
            return style
                .fg(Color::Indexed(numbers.working))
                .add_modifier(Modifier::BOLD);
        }
        Slot::Found => return style.add_modifier(Modifier::REVERSED),
        Slot::Muted | Slot::Waiting => numbers.muted,
        Slot::Ok => numbers.ok,
        Slot::Failed => numbers.failed,
        Slot::Attention => numbers.attention,
        Slot::Turn => numbers.turn,
        Slot::Broken => numbers.broken,
        Slot::Working => numbers.working,
        Slot::Rule => numbers.rule,
    };
    style.fg(Color::Indexed(color))
}

const fn plain(slot: Slot) -> Style {
    let style = Style::new();
    match slot {
        Slot::Strong | Slot::Failed | Slot::Turn | Slot::Broken => {
            style.add_modifier(Modifier::BOLD)
        }
        Slot::Muted | Slot::Rule => style.add_modifier(Modifier::DIM),
        Slot::Focus => style.add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED)),
        Slot::Selected | Slot::Found => style.add_modifier(Modifier::REVERSED),
        Slot::Plain | Slot::Ok | Slot::Attention | Slot::Working | Slot::Waiting => style,
    }
}

/// What stands for a sign where only ASCII may be drawn. What is not known is a text of somebody
/// else's, of which one sees that something was there.
fn ascii(symbol: &str) -> &'static str {
    match symbol {
        "─" | "━" | "–" | "—" | "╌" => "-",
        "│" | "┃" => "|",
        "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┬" | "┴" | "┼" | "╭" | "╮" | "╰" | "╯" => {
            "+"
        }
        "█" | "▓" => "#",
        "▒" => "=",
        "░" => ".",
        "✓" => "+",
        "✗" => "x",
        "…" => "~",
        "↻" => "@",
        "⁇" => "?",
        "·" | "•" => ".",
        "●" => "*",
        "○" => "o",
        "▸" | "→" | "›" => ">",
        "▾" | "↓" => "v",
        "←" => "<",
        "↑" => "^",
        "⊘" => "%",
        "▏" => "_",
        "≥" => ">",
        "‖" => "=",
        "×" => "x",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Palette) {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(Palette::of_environment(variable), expected, "{variables:?}");
    }

    #[test]
    fn the_environment_chooses_the_colours() {
        check(&[], Palette::Dark);
        check(&[("COLORFGBG", "0;15")], Palette::Light);
        check(&[("COLORFGBG", "15;default;0")], Palette::Dark);
        check(&[("COLORFGBG", "0;15"), ("NO_COLOR", "1")], Palette::None);
        check(&[("NO_COLOR", "")], Palette::Dark);
    }

    #[test]
    fn without_colours_there_are_none() {
        let theme = Theme {
            palette: Palette::None,
            ascii: false,
        };
        for slot in [
            Slot::Ok,
            Slot::Failed,
            Slot::Selected,
            Slot::Muted,
            Slot::Rule,
        ] {
            let style = theme.style(slot);
            assert_eq!((style.fg, style.bg), (None, None), "{slot:?}");
        }
    }
}
