//! Where words go: data to standard output, everything else to standard error.

use std::io::Write as _;

use owo_colors::OwoColorize as _;
use serde::Serialize;

use crate::page::Table;

/// The two ways out. A reader that is gone ends nothing: the work is already done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printer;

impl Printer {
    /// Data for the caller, with a line break.
    pub fn data(&self, text: &str) {
        // A closed pipe (`| head`) is the reader's choice, not an error.
        self.try_data(text).ok();
    }

    /// As [`Printer::data`], and tells when nobody reads any more.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn try_data(&self, text: &str) -> std::io::Result<()> {
        let kept = text.trim_end_matches('\n').len();
        if !is_plain(text) {
            return writeln!(anstream::stdout(), "{}", &text[..kept]);
        }
        let mut out = std::io::stdout().lock();
        match text.get(..=kept) {
            Some(line) => out.write_all(line.as_bytes()),
            None => writeln!(out, "{text}"),
        }
    }

    /// A table, with a line break, and in colours where there are any.
    pub fn table(&self, table: &Table) {
        let choice = anstream::AutoStream::choice(&std::io::stdout());
        self.data(&table.text(choice != anstream::ColorChoice::Never));
    }

    /// One JSON object of the documented form.
    pub fn json(&self, data: &serde_json::Value) {
        self.data(&serde_json::json!({ "schema_version": 1, "data": data }).to_string());
    }

    /// The same of much data, which is written as it is gone through. Its fields come by name, as
    /// those of every object do.
    ///
    /// # Errors
    /// When the data cannot be gone through.
    pub fn json_of(&self, data: &impl Serialize) -> serde_json::Result<()> {
        #[derive(Serialize)]
        struct Answer<'a, T> {
            data: &'a T,
            schema_version: u32,
        }
        let answer = Answer {
            data,
            schema_version: 1,
        };
        self.data(&serde_json::to_string(&answer)?);
        Ok(())
    }

    /// One line of a stream of JSON objects.
    pub fn json_line(&self, data: &impl serde::Serialize) {
        match serde_json::to_value(data) {
            Ok(value) => self.json(&value),
            Err(error) => self.warning(&format!("a line cannot be shown as JSON: {error}")),
        }
    }

    /// Bytes as they are.
    pub fn raw(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).ok();
    }

    /// Words for the person.
    pub fn note(&self, text: &str) {
        writeln!(anstream::stderr(), "{}", text.trim_end_matches('\n')).ok();
    }

    /// A question, with the cursor left behind it.
    pub fn prompt(&self, text: &str) {
        let mut out = anstream::stderr();
        write!(out, "{text} ").and_then(|()| out.flush()).ok();
    }

    /// Something the person should know; the command goes on.
    pub fn warning(&self, text: &str) {
        self.note(&format!("{} {text}", "warning:".yellow().bold()));
    }

    /// What failed, and what to do.
    pub fn error(&self, error: &crate::error::CliError) {
        self.note(&format!("{} {error}", "Error:".red().bold()));
        for hint in &error.hints {
            self.note(&format!("{} {hint}", "hint:".cyan().bold()));
        }
    }
}

/// Whether a text is the same on every terminal and off it: there is nothing in it to leave out.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b'\n' | b'\t' | 0x20..=0x7e | 0x80..);
    // Looked at in pieces, which the processor takes whole.
    let mut pieces = text.as_bytes().chunks(64);
    pieces.all(|piece| piece.iter().fold(true, |all, byte| all & is_plain(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out_of_plain_text() {
        let all: String = ('\0'..='\u{2fff}').chain(['🛩', '\u{10ffff}']).collect();
        for character in all.chars() {
            let text = format!("a{character}b\n");
            let stripped = anstream::adapter::strip_str(&text).to_string();
            assert!(!is_plain(&text) || stripped == text, "{text:?}");
        }
        assert!(is_plain(&"ä line\twith 🛩\n".repeat(20)));
        assert!(!is_plain(&format!("{}\u{1b}[1m", "a".repeat(100))));
    }
}
