//! Dependencies in every notation that plans use, at phase and at step level.
//!
//! What cannot be read is an error for running, never silently nothing.

use std::ops::Range;

use super::headings::id_length;
use super::model::{Needs, PhaseDependencies, Reference, StepDependencies};

/// Words around a reference that say nothing; reading past them makes a value `loose`.
const NOISE: &[&str] = &[
    "complete",
    "completed",
    "completion",
    "requires",
    "must",
    "be",
];

/// No plan names more phases than this in one line.
const MAX_REFERENCES: usize = 1000;

/// Whether a label opens a dependency line.
pub(super) fn is_label(name: &str) -> bool {
    ["dependencies", "depends on", "depends_on"]
        .iter()
        .any(|key| name.eq_ignore_ascii_case(key))
}

impl PhaseDependencies {
    /// No line at all.
    pub(super) const fn unstated() -> Self {
        Self {
            needs: Needs::PlanOrder,
            line: None,
            text: String::new(),
            loose: false,
        }
    }

    /// Reads the value of a dependency line.
    pub(super) fn read(value: &str, line: usize) -> Self {
        let text = value.trim().to_owned();
        let (needs, loose) = read_value(&text);
        Self {
            needs,
            line: Some(line),
            text,
            loose,
        }
    }

    /// Adds one bullet below an empty value.
    pub(super) fn add_bullet(&mut self, value: &str) {
        let (needs, loose) = read_value(value.trim());
        let first = self.text.is_empty();
        if !first {
            self.text.push_str(", ");
        }
        self.text.push_str(value.trim());
        self.loose |= loose;
        self.needs = match (std::mem::replace(&mut self.needs, Needs::Unreadable), needs) {
            (_, needs) if first => needs,
            (Needs::These(mut all), Needs::These(more)) if all.len() < MAX_REFERENCES => {
                all.extend(more);
                Needs::These(all)
            }
            (Needs::Nothing, Needs::Nothing) => Needs::Nothing,
            _ => Needs::Unreadable,
        };
    }
}

fn read_value(text: &str) -> (Needs, bool) {
    let plain = text.replace("**", "");
    let plain = plain.trim().trim_end_matches('.');
    let lower = plain.to_lowercase();
    let inside = plain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .map(str::trim);
    let none = lower
        .strip_prefix("none")
        .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    if inside == Some("")
        || none
        || ["n/a", "-", "--", "\u{2014}", "\u{2013}"].contains(&lower.as_str())
    {
        return (Needs::Nothing, false);
    }
    if inside.is_some_and(|inside| inside.eq_ignore_ascii_case("none")) {
        return (Needs::Nothing, false);
    }
    if lower == "all previous phases" {
        return (Needs::AllPrevious, false);
    }
    let (cleaned, cut) = without_asides(plain);
    let cleaned = cleaned.trim();
    let cleaned = cleaned
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(cleaned);
    match references(cleaned) {
        Some((found, noise)) if !found.is_empty() => (Needs::These(found), cut || noise),
        _ => (Needs::Unreadable, false),
    }
}

/// Takes `(…)`, ` # …`, ` - …` and check marks out; says whether there were any.
fn without_asides(text: &str) -> (String, bool) {
    let mut kept = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '\u{2713}' | '\u{2714}' | '\u{2705}' => {}
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    for opening in [" #", " - ", " \u{2014} ", " \u{2013} "] {
        if let Some(at) = kept.find(opening) {
            // `Phases 1 - 3` is a range and no remark.
            let tail = kept[at + opening.len()..].trim();
            if id_length(tail) != Some(tail.len()) {
                kept.truncate(at);
            }
        }
    }
    let changed = kept.trim() != text.trim();
    (kept, changed)
}

/// Reads a list of phases; the flag says whether noise words were left out.
fn references(text: &str) -> Option<(Vec<Reference>, bool)> {
    let mut found = Vec::new();
    let mut noise = false;
    for item in split_items(text) {
        let mut words: Vec<&str> = item.split_whitespace().collect();
        let before = words.len();
        words.retain(|word| !NOISE.contains(&word.to_lowercase().trim_end_matches(['.', ';'])));
        noise |= words.len() < before;
        found.push(phase_reference(&words.join(" "))?);
        if found.len() > MAX_REFERENCES {
            return None;
        }
    }
    Some((found, noise))
}

/// Items between commas, semicolons, `&` and `and`.
fn split_items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    for word in text.replace([',', ';', '&'], " , ").split_whitespace() {
        if word == "," || word == "and" {
            items.push(String::new());
        } else if let Some(item) = items.last_mut() {
            item.push_str(word);
            item.push(' ');
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

/// `Phase 2`, `phase_0`, `1-3`, `A`, `2.5`.
fn phase_reference(text: &str) -> Option<Reference> {
    let text = text.trim();
    let text = ["Phases", "Phase", "phases", "phase"]
        .iter()
        .find_map(|word| text.strip_prefix(word))
        .map_or(text, |rest| rest.trim_start_matches(['_', ' ']));
    let text = text.trim_start_matches('#');
    let joined = text
        .replace(['\u{2013}', '\u{2014}'], "-")
        .replace(" - ", "-");
    if let Some((first, last)) = joined.split_once('-')
        && is_id(first)
        && is_id(last)
        // `A-C` and `1-3` are ranges; `N-1` is arithmetic.
        && first.starts_with(char::is_numeric) == last.starts_with(char::is_numeric)
    {
        return Some(Reference::Phases(first.to_owned(), last.to_owned()));
    }
    is_id(&joined).then_some(Reference::Phase(joined))
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && id_length(text) == Some(text.len())
}

/// The `(depends: …)` clause of a step's text: its bytes, and the value inside.
pub(super) fn step_clause(text: &str) -> Option<(Range<usize>, &str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find('(').map(|at| from + at) {
        let inside = &text[at + 1..];
        let lead = inside
            .get(..7)
            .is_some_and(|word| word.eq_ignore_ascii_case("depends"));
        if lead {
            let tail = &inside[7..];
            let value = tail.strip_prefix(':').or_else(|| tail.strip_prefix(" on"));
            if let Some(value) = value {
                let close = value.find(')').unwrap_or(value.len());
                let end = text.len() - value.len() + close;
                let value = value[..close].trim_start_matches([':', ' ']);
                return Some((at..(end + 1).min(text.len()), value));
            }
        }
        from = at + 1;
    }
    None
}

impl StepDependencies {
    /// Reads the clause of a step's text, if it has one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (_, value) = step_clause(text)?;
        let needs: Option<Vec<Reference>> = split_items(value)
            .iter()
            .map(|item| step_reference(item.trim()))
            .collect();
        let needs = needs.unwrap_or_default();
        Some(Self {
            unreadable: needs.is_empty(),
            needs,
            text: value.to_owned(),
        })
    }
}

/// `1.1`, `1.1-1.3`, `Task 1.1`, `Phase 2`, `p3-9f2ab01c`.
pub(super) fn step_reference(text: &str) -> Option<Reference> {
    if text.to_lowercase().starts_with("phase") {
        return phase_reference(text);
    }
    let text = ["Tasks ", "Task ", "tasks ", "task ", "Steps ", "Step "]
        .iter()
        .find_map(|word| text.strip_prefix(word))
        .unwrap_or(text)
        .trim();
    let joined = text.replace(['\u{2013}', '\u{2014}'], "-");
    if let Some((first, last)) = joined.split_once('-')
        && is_step_id(first.trim())
        && is_step_id(last.trim())
    {
        return Some(Reference::Steps(
            first.trim().to_owned(),
            last.trim().to_owned(),
        ));
    }
    (is_step_id(&joined) || is_synthesised(&joined)).then_some(Reference::Step(joined))
}

/// Whether a text is exactly a step id; a bare number is none.
pub(super) fn is_step_id(text: &str) -> bool {
    let text = text.split('~').next().unwrap_or(text);
    super::boxes::step_id(&format!("{text} x")).is_some_and(|(id, _)| id == text)
}

fn is_synthesised(text: &str) -> bool {
    let base = text.split('~').next().unwrap_or(text);
    base.strip_prefix('p')
        .and_then(|rest| rest.rsplit_once('-'))
        .is_some_and(|(_, hash)| {
            hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}
