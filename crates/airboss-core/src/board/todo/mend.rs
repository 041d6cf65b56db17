//! What only the doctor does to a TODO.md: what an ordinary edit refuses to guess.

use super::change::Style;
use super::facts;
use super::fields::View;
use super::scan::{Entry, Scan};
use super::splice::{self, Splice};
use crate::board::status::TaskStatus;
use crate::plan::lines::decode;

/// Gives the entry whose heading stands on this line, counted from 1, a status line; `None` when
/// no entry begins there or it has one.
///
/// The line comes first among the fields, else directly below the heading.
#[must_use]
pub fn insert_status(bytes: &[u8], line: usize, status: &TaskStatus) -> Option<Vec<u8>> {
    let text = decode(bytes);
    let scan = Scan::new(&text);
    let entry = entry_at(&scan, line)?;
    if entry.status.is_some() {
        return None;
    }
    let view = View::new(&scan, entry);
    let is_blank = |line: usize| scan.lines.get(line).trim().is_empty();
    let first = view.fields.iter().map(|field| field.line).min();
    let behind = match first {
        Some(first) if (entry.line + 1..first).all(is_blank) => first - 1,
        _ => entry.line,
    };
    let marker = facts::one_line(&status.marker().replace(['[', ']'], ""));
    let line = Style::of(&view).line("Status", &format!("[{marker}]"));
    let splice = Splice::insert(&scan, behind, &[line]);
    Some(splice::apply(bytes, &mut [splice]))
}

/// Gives the entry whose heading stands on this line, counted from 1, another number; `None`
/// when no entry begins there. Nothing else changes, so it also works where a number stands twice.
#[must_use]
pub fn renumber_at(bytes: &[u8], line: usize, number: u32) -> Option<Vec<u8>> {
    let text = decode(bytes);
    let scan = Scan::new(&text);
    let entry = entry_at(&scan, line)?;
    let splice = Splice::new(entry.digits.clone(), number.to_string());
    Some(splice::apply(bytes, &mut [splice]))
}

fn entry_at<'s>(scan: &'s Scan<'_>, line: usize) -> Option<&'s Entry> {
    let line = line.checked_sub(1)?;
    scan.entries.iter().find(|entry| entry.line == line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::status::Status;

    fn check(text: &str, expected: &str) {
        let line = text.lines().position(|line| line.starts_with("### 5."));
        let line = line.unwrap() + 1;
        let status = TaskStatus::Known(Status::NotStarted);
        let new = insert_status(text.as_bytes(), line, &status).unwrap();
        assert_eq!(String::from_utf8(new.clone()).unwrap(), expected);
        assert_eq!(insert_status(&new, line, &status), None);
    }

    #[test]
    fn a_status_line_comes_first_among_the_fields() {
        check(
            "## High Priority\n\n### 5. One\n- **Effort**: 1 hour\n\n### 6. Two\n",
            "## High Priority\n\n### 5. One\n- **Status**: [NOT STARTED]\n- **Effort**: 1 hour\n\n\
             ### 6. Two\n",
        );
        check(
            "## High Priority\n\n### 5. One\n\n**Effort**: 1 hour  \n",
            "## High Priority\n\n### 5. One\n\n**Status**: [NOT STARTED]  \n**Effort**: 1 hour  \n",
        );
        check(
            "## High Priority\n\n### 5. One\n\nWords.\n",
            "## High Priority\n\n### 5. One\n- **Status**: [NOT STARTED]\n\nWords.\n",
        );
        check(
            "## High Priority\r\n\r\n### 5. One",
            "## High Priority\r\n\r\n### 5. One\r\n- **Status**: [NOT STARTED]",
        );
    }

    #[test]
    fn one_of_two_entries_gets_another_number() {
        let text = "## Tasks\n\n### 5. One\n- **Status**: [PLANNED]\n\n### ~~5.~~ Two\n\
                    - **Status**: [PLANNED]\n";
        let new = renumber_at(text.as_bytes(), 6, 17).unwrap();
        assert_eq!(
            String::from_utf8(new).unwrap(),
            text.replace("~~5.~~", "~~17.~~")
        );
        assert_eq!(renumber_at(text.as_bytes(), 7, 17), None);
    }
}
