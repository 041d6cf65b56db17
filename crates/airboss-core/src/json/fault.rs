//! What is wrong with a text that is no JSON, and where.

use super::MAX_DEPTH;
use super::sound::end_of_string;

/// Why a text cannot be read as JSON.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct JsonError {
    /// From 1.
    pub line: usize,
    /// In bytes, from 1; 0 when the line is empty.
    pub column: usize,
    /// What kind of fault it is.
    pub fault: Fault,
    /// The parser's own words.
    pub message: String,
}

/// The kinds of fault that people and programs make.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// 0 bytes, or blanks alone.
    #[error("the file is empty")]
    Empty,
    /// The text stops before the root is complete.
    #[error("the text ends in the middle of a value")]
    Cut,
    /// A comma before a closing bracket.
    #[error("a comma has nothing after it")]
    TrailingComma,
    /// Something follows the root value.
    #[error("there is more after the end of the first value")]
    SeveralRoots,
    /// Deeper than [`MAX_DEPTH`].
    #[error("it is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Any other mistake.
    #[error("this is no JSON")]
    Syntax,
}

impl JsonError {
    pub(super) fn of(body: &str, error: &serde_json::Error) -> Self {
        let message = error.to_string();
        // The parser tells its kinds apart by words alone; the tests hold on to them.
        let fault = if body.trim_matches(super::node::BLANK).is_empty() {
            Fault::Empty
        } else if error.is_eof() {
            Fault::Cut
        } else if message.starts_with("trailing comma") {
            Fault::TrailingComma
        } else if message.starts_with("trailing characters") {
            Fault::SeveralRoots
        } else {
            Fault::Syntax
        };
        Self {
            line: error.line(),
            column: error.column(),
            fault,
            message,
        }
    }

    pub(super) fn not_utf8(bytes: &[u8], offset: usize) -> Self {
        Self::at(bytes, offset, Fault::NotUtf8)
    }

    fn at(bytes: &[u8], offset: usize, fault: Fault) -> Self {
        let before = &bytes[..offset];
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |position| position + 1);
        Self {
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            column: offset - line_start + 1,
            fault,
            message: fault.to_string(),
        }
    }
}

/// Refuses a valid text that is nested too deep for whoever wants all of it as values.
pub(super) fn check_depth(body: &str) -> Result<(), JsonError> {
    let bytes = body.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(JsonError::at(bytes, at, Fault::TooDeep));
        }
        at += 1;
    }
    Ok(())
}
