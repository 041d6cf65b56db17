//! Words that were coloured for a terminal, as lines of pieces with their meaning.

use airboss_core::text::sanitize;

use super::paint::Line;
use super::theme::Slot;

/// Lines of a text: what its colours mean by `docs/style.md`, and nothing else of its escapes.
#[must_use]
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut slot = Slot::Plain;
    text.lines().map(|line| line_of(line, &mut slot)).collect()
}

/// Lines of a text that means nothing by itself.
#[must_use]
pub(super) fn plain(text: &str) -> Vec<Line> {
    let clean = sanitize(text).replace('\t', "    ");
    clean
        .lines()
        .map(|line| vec![(Slot::Plain, line.to_owned())])
        .collect()
}

fn line_of(line: &str, slot: &mut Slot) -> Line {
    let mut out = Line::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (before, after) = match rest.split_once("\u{1b}[") {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        if !before.is_empty() {
            out.push((*slot, sanitize(before).replace('\t', "    ")));
        }
        let Some(after) = after else { break };
        let end = after.find(|character: char| !matches!(character, '0'..='9' | ';'));
        let end = end.unwrap_or(after.len());
        if after[end..].starts_with('m') {
            for parameter in after[..end].split(';') {
                *slot = meaning(parameter, *slot);
            }
            rest = &after[end + 1..];
        } else {
            // Another sequence: its last byte goes with it.
            let ends = |character| matches!(character, '@'..='~');
            rest = after[end..].strip_prefix(ends).unwrap_or(&after[end..]);
        }
    }
    out
}

/// What a parameter of "select graphic rendition" (ECMA-48, 8.3.117) means in our words.
fn meaning(parameter: &str, now: Slot) -> Slot {
    match parameter {
        "31" => Slot::Failed,
        "32" => Slot::Ok,
        "33" => Slot::Attention,
        "35" => Slot::Broken,
        "36" => Slot::Turn,
        "2" => Slot::Muted,
        "1" if now == Slot::Plain => Slot::Strong,
        "1" => now,
        _ => Slot::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_meanings() {
        let text =
            "\u{1b}[32mdone\u{1b}[0m and \u{1b}[1mbold\u{1b}[0m\n\u{1b}[2Jplain\u{1b}]0;x\u{7}";
        let expected: Vec<Line> = vec![
            vec![
                (Slot::Ok, "done".into()),
                (Slot::Plain, " and ".into()),
                (Slot::Strong, "bold".into()),
            ],
            vec![(Slot::Plain, "plain".into())],
        ];
        assert_eq!(lines(text), expected);
    }
}
