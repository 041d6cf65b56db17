//! Dates in date lines: read with or without their time of day, written as they stand.

use crate::time::Timestamp;

/// How a date is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DateForm {
    /// `2026-03-02`.
    Day,
    /// `2026-03-02T09:15:00Z`.
    Instant,
}

const DAY_LENGTH: usize = "2026-03-02".len();

/// Reads the date that a value begins with: the instant, its form, and the length of its text.
pub(super) fn read(value: &str) -> Option<(Timestamp, DateForm, usize)> {
    let day = value.get(..DAY_LENGTH)?;
    if !day.is_ascii() || !day.starts_with(|character: char| character.is_ascii_digit()) {
        return None;
    }
    let end = value
        .find(|character: char| !(character.is_ascii_alphanumeric() || "-:.+".contains(character)))
        .unwrap_or(value.len());
    if let Some(at) = Timestamp::parse(&value[..end]) {
        return Some((at, DateForm::Instant, end));
    }
    let at = Timestamp::parse(&format!("{day}T00:00:00Z"))?;
    Some((at, DateForm::Day, DAY_LENGTH))
}

/// The text of an instant.
pub(super) fn text(at: Timestamp, form: DateForm) -> String {
    match form {
        DateForm::Day => at.day_text(),
        DateForm::Instant => at.seconds_text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let cases = [
            ("2026-03-02", Some((DateForm::Day, 10))),
            ("2026-03-02 (late)", Some((DateForm::Day, 10))),
            ("2026-03-02T09:15:00Z.", Some((DateForm::Day, 10))),
            ("2026-03-02T09:15:00Z", Some((DateForm::Instant, 20))),
            ("2026-03-02T09:15:00+01:00 x", Some((DateForm::Instant, 25))),
            ("2026-13-02", None),
            ("soon", None),
            ("", None),
        ];
        for (value, expected) in cases {
            let read = read(value).map(|(_, form, length)| (form, length));
            assert_eq!(read, expected, "{value}");
        }
    }
}
