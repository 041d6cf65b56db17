//! Task numbers in words, in TODO.md and in state.json: what a task waits for, its parent, its
//! subtasks.

use crate::board::facts::Dependencies;

/// A range that spans more is a slip of the pen.
const MAX_RANGE: u32 = 200;

/// Reads a list such as `None`, `136, 137`, `Tasks 72-76`, `Task #72, Task 66 [COMPLETED] (…)`.
pub(super) fn dependencies(value: &str) -> Dependencies {
    let plain = without_groups(value);
    let mut read = Dependencies::default();
    let mut prose: Vec<&str> = Vec::new();
    for item in items(&plain) {
        if !item_numbers(item, &mut read.numbers) {
            prose.push(item);
        }
    }
    if !prose.is_empty() {
        read.prose = Some(prose.join(", "));
    }
    read
}

/// The first task number of a value: `394`, `Task 394`, `OC_12 (done)`.
pub(super) fn first_number(value: &str) -> Option<u32> {
    dependencies(value).numbers.first().copied()
}

/// The text without what stands in parentheses and brackets.
fn without_groups(value: &str) -> String {
    let mut depth = 0_u32;
    let mut plain = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    // One that never closes would hide everything behind it.
    if depth > 0 { value.to_owned() } else { plain }
}

fn items(plain: &str) -> impl Iterator<Item = &str> {
    plain
        .split([',', ';', '&', '|'])
        .flat_map(|item| item.split(" and "))
        .map(|item| item.trim().trim_end_matches('.'))
        .filter(|item| !item.is_empty())
}

/// Reads one item; `false` when it is prose.
fn item_numbers(item: &str, numbers: &mut Vec<u32>) -> bool {
    let lower = item.to_lowercase();
    if ["none", "n/a", "-", "—", "nothing"].contains(&lower.as_str()) || lower.starts_with("none ")
    {
        return true;
    }
    let named = ["tasks", "task"].iter().find_map(|word| {
        let head = item.get(..word.len())?;
        let rest = &item[word.len()..];
        let ends = rest.starts_with([' ', '\t', '#']);
        (head.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start())
    });
    let Some((first, rest)) = number(named.unwrap_or(item)) else {
        return false;
    };
    let (last, rest) = range_end(first, rest);
    // A bare number is a task only if little else is said.
    let rest = rest.trim_start_matches([' ', '\t', '✓', '✅', '\u{fe0f}', '*', ':', '-', '–', '—']);
    let qualified = ["phase", "complete", "done", "first", "must"];
    let lower = rest.to_lowercase();
    let known = rest.is_empty() || qualified.iter().any(|word| lower.starts_with(word));
    if named.is_none() && !known {
        return false;
    }
    for number in first..=last {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    true
}

/// The end of a range that `first` begins, or `first` itself.
fn range_end(first: u32, rest: &str) -> (u32, &str) {
    let behind = rest.trim_start();
    let behind = behind
        .strip_prefix(['-', '–'])
        .or_else(|| behind.strip_prefix("to "));
    match behind.and_then(|behind| number(behind.trim_start())) {
        Some((last, behind)) if last >= first && last - first <= MAX_RANGE => (last, behind),
        _ => (first, rest),
    }
}

/// A number with its prefixes, and the text behind it.
fn number(text: &str) -> Option<(u32, &str)> {
    let text = text.trim_start_matches(['#', '*']);
    let text = text.strip_prefix("OC_").unwrap_or(text);
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    let significant = digits.trim_start_matches('0').len();
    let in_word = rest.starts_with(|character: char| {
        character.is_alphanumeric() || character == '.' || character == '_'
    });
    if digits.is_empty() || significant > 5 || in_word {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, numbers: &[u32], prose: Option<&str>) {
        let expected = Dependencies {
            numbers: numbers.to_vec(),
            prose: prose.map(str::to_owned),
        };
        assert_eq!(dependencies(value), expected, "{value}");
    }

    #[test]
    fn notations() {
        check("None", &[], None);
        check("none (all done)", &[], None);
        check("81", &[81], None);
        check("136, 137", &[136, 137], None);
        check("Task 74", &[74], None);
        check("Tasks 74, 75 and 80", &[74, 75, 80], None);
        check("Tasks 72-76", &[72, 73, 74, 75, 76], None);
        check("Task #72, Task #68", &[72, 68], None);
        check("212 (completed)", &[212], None);
        check("Task 66 [COMPLETED] (with 3 parts)", &[66], None);
        check("Task 37 Phase 3 (completed)", &[37], None);
        check("OC_12", &[12], None);
        check("when the proof works", &[], Some("when the proof works"));
        check("12, the new release", &[12], Some("the new release"));
        check("3 more reviewers", &[], Some("3 more reviewers"));
        check("version 2.5", &[], Some("version 2.5"));
        check("", &[], None);
    }
}
