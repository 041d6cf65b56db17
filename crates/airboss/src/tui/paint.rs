//! Putting text into a buffer: cut to its columns by display width, never outside its place.

use airboss_core::text::head;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::theme::{Slot, Theme};

/// A character has at most so many bytes for one column, with marks that combine with it.
const BYTES_PER_COLUMN: usize = 16;

/// A text and what it means.
pub type Piece<'a> = (Slot, &'a str);

/// A line of pieces that owns its texts.
pub type Line = Vec<(Slot, String)>;

/// Draws into a buffer with a theme.
#[derive(Debug)]
pub struct Pen<'a> {
    /// Where.
    pub buffer: &'a mut Buffer,
    /// How.
    pub theme: Theme,
}

impl Pen<'_> {
    /// Puts a text at `x`, at most `width` columns; a cut is marked. Returns the column behind it.
    pub fn put(&mut self, x: u16, y: u16, width: u16, slot: Slot, text: &str) -> u16 {
        self.put_styled(x, y, width, self.theme.style(slot), text)
    }

    fn put_styled(&mut self, x: u16, y: u16, width: u16, style: Style, text: &str) -> u16 {
        let area = self.buffer.area;
        if width == 0
            || y < area.top()
            || y >= area.bottom()
            || x >= area.right()
            || x < area.left()
        {
            return x;
        }
        let room = usize::from(width.min(area.right() - x));
        let short = head(text, room * BYTES_PER_COLUMN);
        if short.len() == text.len() && columns(text) <= room {
            return self.buffer.set_stringn(x, y, text, room, style).0;
        }
        let (end, _) = self.buffer.set_stringn(x, y, short, room - 1, style);
        self.buffer.set_stringn(end, y, "…", 1, style).0
    }

    /// Puts pieces one behind the other.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[Piece<'_>]) -> u16 {
        let end = x.saturating_add(width);
        let mut at = x;
        for (slot, text) in pieces {
            at = self.put(at, y, end.saturating_sub(at), *slot, text);
        }
        at
    }

    /// As [`Pen::pieces`].
    pub fn line(&mut self, x: u16, y: u16, width: u16, line: &Line) -> u16 {
        let end = x.saturating_add(width);
        let mut at = x;
        for (slot, text) in line {
            at = self.put(at, y, end.saturating_sub(at), *slot, text);
        }
        at
    }

    /// Puts a text so that it ends at the column before `right`. Returns where it begins.
    pub fn put_right(&mut self, right: u16, y: u16, width: u16, slot: Slot, text: &str) -> u16 {
        let needed = u16::try_from(columns(text)).unwrap_or(u16::MAX).min(width);
        let x = right.saturating_sub(needed);
        self.put(x, y, needed, slot, text);
        x
    }

    /// Gives a place a background and the like; what is written there stays.
    pub fn wash(&mut self, area: Rect, slot: Slot) {
        let style = self.theme.style(slot);
        self.buffer
            .set_style(area.intersection(self.buffer.area), style);
    }

    /// Empties a place.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
    }

    /// A horizontal line with a title in it, as panels begin.
    pub fn title(&mut self, area: Rect, focused: bool, title: &[Piece<'_>]) {
        let (y, right) = (area.y, area.right());
        let mut x = area.x;
        let sign = if focused { "▸ " } else { "  " };
        x = self.put(x, y, right.saturating_sub(x), Slot::Focus, sign);
        for (place, (slot, text)) in title.iter().enumerate() {
            let slot = if focused && place == 0 {
                Slot::Focus
            } else {
                *slot
            };
            x = self.put(x, y, right.saturating_sub(x), slot, text);
        }
        if x + 1 < right {
            self.rule(x + 1, y, right);
        }
    }

    /// A horizontal line up to a column.
    pub fn rule(&mut self, x: u16, y: u16, right: u16) {
        let style = self.theme.style(Slot::Rule);
        for x in x..right.min(self.buffer.area.right()) {
            if y < self.buffer.area.bottom() {
                self.buffer[(x, y)].set_symbol("─").set_style(style);
            }
        }
    }
}

/// How many columns a text takes.
#[must_use]
pub fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// Breaks a line at spaces so that it fits; a word that does not is broken where the line ends.
/// What stands at its beginning as indentation stays.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    if columns(text) <= width {
        return vec![text.to_owned()];
    }
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    // Where the line could be broken: bytes, behind the space.
    let mut space = None;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide > width && character == ' ' {
            // The line ends where a word does.
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            (used, space) = (0, None);
            continue;
        }
        if used + wide > width && !line.is_empty() {
            let rest = match space.take() {
                Some(at) => line.split_off(at),
                None => String::new(),
            };
            lines.push(line.trim_end().to_owned());
            line = rest;
            used = columns(&line);
        }
        line.push(character);
        used += wide;
        if character == ' ' && line.trim_start().len() > 1 {
            space = Some(line.len());
        }
    }
    lines.push(line);
    lines
}

/// Wraps a line of pieces: each piece keeps its meaning.
#[must_use]
pub fn wrap_line(line: &Line, width: usize) -> Vec<Line> {
    let text: String = line.iter().map(|(_, text)| text.as_str()).collect();
    if columns(&text) <= width {
        return vec![line.clone()];
    }
    let mut pieces = line.iter();
    let mut left: Option<(Slot, &str)> = pieces.next().map(|(slot, text)| (*slot, text.as_str()));
    let mut lines = Vec::new();
    for wrapped in wrap(&text, width) {
        let mut out = Line::new();
        let mut need: &str = &wrapped;
        // What was wrapped is the same text but for spaces at the ends of lines.
        while let Some((slot, text)) = left {
            if need.is_empty() {
                break;
            }
            let same = common(need, text);
            if same == 0 {
                let Some(skipped) = text.strip_prefix(' ') else {
                    break;
                };
                left = Some((slot, skipped));
            } else {
                out.push((slot, need[..same].to_owned()));
                need = &need[same..];
                left = Some((slot, &text[same..]));
            }
            if left.is_some_and(|(_, text)| text.is_empty()) {
                left = pieces.next().map(|(slot, text)| (*slot, text.as_str()));
            }
        }
        if !need.is_empty() {
            out.push((Slot::Plain, need.to_owned()));
        }
        // The space at which the line was broken.
        while let Some((slot, text)) = left {
            match text.strip_prefix(' ') {
                Some("") => left = pieces.next().map(|(slot, text)| (*slot, text.as_str())),
                Some(rest) => left = Some((slot, rest)),
                None => break,
            }
        }
        lines.push(out);
    }
    lines
}

/// How many bytes two texts have in common at their beginnings, whole characters.
fn common(one: &str, other: &str) -> usize {
    let pairs = one.char_indices().zip(other.chars());
    let differs = pairs
        .skip_while(|((_, a), b)| a == b)
        .map(|((at, _), _)| at)
        .next();
    differs.unwrap_or(one.len().min(other.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_by_display_width() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("日本語です", 4), ["日本", "語で", "す"]);
        assert_eq!(wrap("0123456789", 4), ["0123", "4567", "89"]);
        assert_eq!(wrap("    indented text", 12), ["    indented", "text"]);
    }

    #[test]
    fn pieces_keep_their_meaning() {
        let line: Line = vec![
            (Slot::Muted, "12s  ".into()),
            (Slot::Plain, "one two three".into()),
        ];
        let wrapped = wrap_line(&line, 9);
        let expected: Vec<Line> = vec![
            vec![(Slot::Muted, "12s  ".into()), (Slot::Plain, "one".into())],
            vec![(Slot::Plain, "two three".into())],
        ];
        assert_eq!(wrapped, expected);
    }

    #[test]
    fn a_cut_is_marked_and_stays_in_its_columns() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        let theme = Theme {
            palette: super::super::theme::Palette::None,
            ascii: false,
        };
        let mut pen = Pen {
            buffer: &mut buffer,
            theme,
        };
        let end = pen.put(0, 0, 5, Slot::Plain, "日本語");
        assert_eq!(end, 5);
        pen.put(20, 9, 5, Slot::Plain, "outside");
        assert_eq!(buffer, Buffer::with_lines(["日本…   "]));
    }
}
