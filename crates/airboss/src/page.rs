//! Text laid out for a person: labelled fields, quotations, columns, wrapped to the terminal.
//!
//! Whatever is given to a [`Page`] is data: it is sanitised here, and only the page's own
//! labels and signs carry colours.

use std::io::IsTerminal as _;

use airboss_core::text::sanitize;
use owo_colors::{OwoColorize as _, Style};

use crate::words;

/// The width where there is no terminal to ask.
const WIDTH: usize = 100;
/// Narrower terminals get lines that they wrap themselves.
const WIDTH_MIN: usize = 40;

/// The columns of standard output.
#[must_use]
pub fn width() -> usize {
    rustix::termios::tcgetwinsize(rustix::stdio::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .map_or(WIDTH, |columns| columns.max(WIDTH_MIN))
}

/// Where lines of a table are cut: at the terminal's edge; for a file or a program, nowhere.
#[must_use]
pub fn edge() -> Option<usize> {
    std::io::stdout().is_terminal().then(width)
}

/// Lines under construction.
#[derive(Debug)]
pub struct Page {
    width: usize,
    lines: Vec<String>,
}

impl Page {
    /// An empty page of this width.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self {
            width,
            lines: Vec::new(),
        }
    }

    /// A sentence of its own, wrapped.
    pub fn sentence(&mut self, text: &str, style: Style) {
        for line in wrap(&sanitize(text), self.width) {
            self.lines.push(line.style(style).to_string());
        }
    }

    /// An empty line, but never two.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// A heading.
    pub fn heading(&mut self, text: &str) {
        self.gap();
        self.lines.push(sanitize(text).bold().to_string());
    }

    /// A label in a column of its own and text that wraps beside it.
    pub fn field(&mut self, indent: usize, label: (&str, Style), columns: usize, text: &str) {
        let hanging = indent + columns + 2;
        let text = wrap(&sanitize(text), self.width.saturating_sub(hanging));
        let (label, style) = label;
        // A label without text is not padded: nothing comes behind it.
        let columns = if text == [""] { 0 } else { columns };
        let padded = format!("{label:<columns$}");
        for (place, line) in text.iter().enumerate() {
            let line = if place == 0 {
                format!("{:indent$}{}  {line}", "", padded.style(style))
            } else {
                format!("{:hanging$}{line}", "")
            };
            self.lines.push(line.trim_end().to_owned());
        }
    }

    /// Lines of somebody else's, marked as such and cut at the edge: they keep their form.
    pub fn quote(&mut self, indent: usize, text: &str) {
        let columns = self.width.saturating_sub(indent + 2);
        for line in sanitize(text).lines() {
            let line = words::cut(&line.replace('\t', "    "), columns);
            self.lines
                .push(format!("{:indent$}{} {line}", "", "│".dimmed()));
        }
    }

    /// A command for a person to copy: never broken.
    pub fn command(&mut self, indent: usize, text: &str) {
        let text = sanitize(text).replace(['\n', '\t'], " ");
        self.lines
            .push(format!("{:indent$}{} {text}", "", "→".cyan()));
    }

    /// The whole text, with a line break at its end.
    #[must_use]
    pub fn finish(mut self) -> String {
        while self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
        self.lines.push(String::new());
        self.lines.join("\n")
    }
}

/// Breaks text at spaces; a word that does not fit is broken where the line ends.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(20);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + rest.len() > width {
            lines.push(String::new());
            used = 0;
        }
        while !rest.is_empty() {
            let line = lines.last_mut().expect("there is always a line");
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            let fits = rest.len().min(width - used);
            line.extend(rest.drain(..fits));
            used += fits;
            if !rest.is_empty() {
                lines.push(String::new());
                used = 0;
            }
        }
    }
    lines
}

/// A table without lines: each column as wide as its widest cell, the last one cut at the edge.
///
/// There may be thousands of rows, so that all cells lie in one text.
#[derive(Debug)]
pub struct Table {
    width: Option<usize>,
    /// The columns' widths in characters.
    widths: Vec<usize>,
    cells: String,
    /// Where each cell ends, and how many characters it has.
    ends: Vec<(usize, usize)>,
    /// How many cells each row has.
    rows: Vec<(usize, Style)>,
}

impl Table {
    /// An empty table; without a width nothing is cut.
    #[must_use]
    pub fn new(width: Option<usize>) -> Self {
        Self {
            width,
            widths: Vec::new(),
            cells: String::new(),
            ends: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; the style is that of the whole row.
    pub fn row<const N: usize>(&mut self, cells: [&str; N], style: Style) {
        if self.widths.len() < N {
            self.widths.resize(N, 0);
        }
        for (cell, width) in cells.iter().zip(&mut self.widths) {
            let start = self.cells.len();
            let columns = if is_tidy(cell) {
                self.cells.push_str(cell);
                cell.len()
            } else {
                let clean = sanitize(cell);
                for word in clean.split_whitespace() {
                    if self.cells.len() > start {
                        self.cells.push(' ');
                    }
                    self.cells.push_str(word);
                }
                self.cells[start..].chars().count()
            };
            *width = (*width).max(columns);
            self.ends.push((self.cells.len(), columns));
        }
        self.rows.push((N, style));
    }

    /// The whole text, with a line break at its end.
    #[must_use]
    pub fn finish(self) -> String {
        self.text(true)
    }

    /// The same, perhaps without colours.
    #[must_use]
    pub fn text(&self, colours: bool) -> String {
        let padded = self.widths.iter().rev().skip(1).map(|width| width + 2);
        let blanks = self.rows.len() * (padded.sum::<usize>() + 1);
        let mut out = String::with_capacity(self.cells.len() + blanks);
        let mut ends = self.ends.iter();
        let mut start = 0;
        for (count, style) in &self.rows {
            let line = out.len();
            let mut used = 0;
            for (column, (end, columns)) in ends.by_ref().take(*count).enumerate() {
                let cell = &self.cells[start..*end];
                start = *end;
                match self.width {
                    _ if column + 1 < *count => {
                        let width = self.widths[column] + 2;
                        used += width;
                        out.push_str(cell);
                        blank(&mut out, width - columns);
                    }
                    Some(width) => out.push_str(&words::cut(cell, width.saturating_sub(used))),
                    None => out.push_str(cell),
                }
            }
            out.truncate(line + out[line..].trim_end().len());
            if colours && !style.is_plain() {
                let styled = (&out[line..]).style(*style).to_string();
                out.replace_range(line.., &styled);
            }
            out.push('\n');
        }
        out
    }
}

/// Puts so many spaces behind a text.
fn blank(out: &mut String, mut spaces: usize) {
    const SPACES: &str = "                                ";
    while spaces > SPACES.len() {
        out.push_str(SPACES);
        spaces -= SPACES.len();
    }
    out.push_str(&SPACES[..spaces]);
}

/// Whether a text can stand in a cell as it is: words of visible ASCII with one space between.
fn is_tidy(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Every byte is looked at in any case, so that many are at once.
    let visible = bytes
        .iter()
        .fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    let twice = bytes.windows(2).fold(false, |any, pair| {
        any | ((pair[0] == b' ') & (pair[1] == b' '))
    });
    let is_space = |byte: Option<&u8>| byte == Some(&b' ');
    visible && !twice && !is_space(bytes.first()) && !is_space(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, width: usize, expected: &[&str]) {
        assert_eq!(wrap(text, width), expected, "{text:?}");
    }

    #[test]
    fn text_is_wrapped_at_spaces() {
        check(
            "one two three four five six",
            20,
            &["one two three four", "five six"],
        );
        check("", 20, &[""]);
        check(
            "a 0123456789012345678901234 b",
            20,
            &["a", "01234567890123456789", "01234 b"],
        );
    }

    #[test]
    fn a_page_keeps_hostile_text_inside_its_lines() {
        let mut page = Page::new(60);
        page.field(2, ("reason", Style::new()), 8, "red \u{1b}[31mtext\nnext");
        page.quote(4, "a\u{1b}]0;title\u{7}b\n\tc");
        let expected = "  reason    red text next\n    │ ab\n    │     c\n";
        assert_eq!(
            anstream::adapter::strip_str(&page.finish()).to_string(),
            expected
        );
    }

    #[test]
    fn columns_are_aligned_and_the_last_is_cut() {
        let mut table = Table::new(Some(24));
        table.row(["a", "1", "a long text that is cut"], Style::new());
        table.row(["bbb", "22", "short"], Style::new());
        let text = table.finish();
        let expected = "a    1   a long text th…\nbbb  22  short\n";
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), expected);
    }

    #[test]
    fn cells_are_words_with_one_space_between() {
        let mut table = Table::new(None);
        table.row(["  a\tb ", "é\u{1b}[1m", ""], Style::new().dimmed());
        table.row(["c", "", "d  e\nf"], Style::new());
        assert_eq!(table.text(false), "a b  é\nc       d e f\n");
        let text = table.text(true);
        assert_ne!(text, table.text(false));
        let stripped = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(stripped, table.text(false));
    }
}
