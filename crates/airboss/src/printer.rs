//! Where words go: data to standard output, everything else to standard error.

use std::io::Write as _;

use owo_colors::OwoColorize as _;

/// The two ways out. A reader that is gone ends nothing: the work is already done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printer;

impl Printer {
    /// Data for the caller, with a line break.
    pub fn data(&self, text: &str) {
        // A closed pipe (`| head`) is the reader's choice, not an error.
        writeln!(anstream::stdout(), "{}", text.trim_end_matches('\n')).ok();
    }

    /// As [`Printer::data`], and tells when nobody reads any more.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn try_data(&self, text: &str) -> std::io::Result<()> {
        writeln!(anstream::stdout(), "{}", text.trim_end_matches('\n'))
    }

    /// One JSON object of the documented form.
    pub fn json(&self, data: &serde_json::Value) {
        self.data(&serde_json::json!({ "schema_version": 1, "data": data }).to_string());
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
