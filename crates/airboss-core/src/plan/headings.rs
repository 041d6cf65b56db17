//! Phase headings: which headings of a plan are phases, and what they say.

use std::ops::Range;

use super::lines::{Lines, heading};
use super::model::{PhaseMarker, PhaseStatus};
use super::status::{brackets, looks_like_status, sign, status_of};

/// A heading that may be a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PhaseHeading {
    pub(super) line: usize,
    pub(super) level: usize,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) separated: bool,
    pub(super) status: PhaseStatus,
    pub(super) marker: PhaseMarker,
    pub(super) known_markers: usize,
    pub(super) pipeline: Option<String>,
    /// Where the body ends: the line of the next heading that is not part of it.
    pub(super) end: usize,
}

impl PhaseHeading {
    fn is_marked(&self) -> bool {
        !matches!(self.marker, PhaseMarker::Missing)
    }
}

/// Reads one line as a phase heading: `#{1,4} Phase ID separator title [MARKER]`.
pub(super) fn phase_heading(line: usize, text: &str, offset: usize) -> Option<PhaseHeading> {
    let (level, _) = heading(text)?;
    if level > 4 {
        return None;
    }
    let rest = text[level..].trim_start_matches([' ', '\t']);
    let rest = rest
        .strip_prefix("**")
        .or_else(|| rest.strip_prefix('*'))
        .unwrap_or(rest);
    let rest = rest.strip_prefix("Phase")?;
    let tail = rest.trim_start_matches([' ', '\t']);
    if tail.len() == rest.len() {
        return None;
    }
    let length = id_length(tail)?;
    let (id, tail) = tail.split_at(length);
    let tail_at = text.len() - tail.len();
    let (separated, title_skip) = separator(tail);
    let title_at = tail_at + title_skip;

    let (status, marker, known_markers, title_end) = read_marker(text, tail_at, offset);
    let title = text
        .get(title_at..title_end.max(title_at))
        .unwrap_or_default();
    let (title, pipeline) = split_pipeline(title);
    Some(PhaseHeading {
        line,
        level,
        id: id.to_owned(),
        title: title.replace("**", "").trim().to_owned(),
        separated,
        status,
        marker,
        known_markers,
        pipeline,
        end: 0,
    })
}

/// The status of a heading, its marker, how many markers it has, and where its title ends.
fn read_marker(
    text: &str,
    tail_at: usize,
    offset: usize,
) -> (PhaseStatus, PhaseMarker, usize, usize) {
    let marks: Vec<Range<usize>> = brackets(text)
        .into_iter()
        .filter(|span| span.start > tail_at)
        .collect();
    let known: Vec<(&Range<usize>, PhaseStatus)> = marks
        .iter()
        .filter_map(|span| Some((span, status_of(&text[span.clone()])?)))
        .collect();
    if let Some((span, status)) = known.last() {
        let inside = text[(*span).clone()].to_owned();
        let in_file = span.start + offset..span.end + offset;
        let marker = PhaseMarker::Known {
            text: inside,
            span: in_file,
        };
        return (*status, marker, known.len(), span.start - 1);
    }
    if let Some(span) = marks.last()
        && text[span.end + 1..]
            .trim_matches(['*', ' ', '\t'])
            .is_empty()
        && looks_like_status(&text[span.clone()])
    {
        let marker = PhaseMarker::Unknown(text[span.clone()].to_owned());
        return (PhaseStatus::NotStarted, marker, 0, span.start - 1);
    }
    match sign(&text[tail_at..]) {
        Some(status) => (status, PhaseMarker::Sign, 0, text.len()),
        None => (PhaseStatus::NotStarted, PhaseMarker::Missing, 0, text.len()),
    }
}

/// `(pipeline-start: when 1.3 completes)` taken out of a title.
fn split_pipeline(title: &str) -> (String, Option<String>) {
    const OPENING: &str = "(pipeline-start:";
    let Some(start) = title.find(OPENING) else {
        return (title.to_owned(), None);
    };
    let value_at = start + OPENING.len();
    let end = title[value_at..]
        .find(')')
        .map_or(title.len(), |at| value_at + at);
    let after = title.get(end + 1..).unwrap_or_default();
    (
        format!("{}{after}", &title[..start]),
        Some(title[value_at..end].trim().to_owned()),
    )
}

/// The length of a phase id at the start of a text: `3`, `2.5`, `5a`, `4C-fix`, `0-4`, `A`.
pub(super) fn id_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let ends = |at: usize| {
        text[at..]
            .chars()
            .next()
            .is_none_or(|next| !next.is_alphanumeric() && next != '_')
    };
    let first = digits(0);
    if first == 0 {
        let single = bytes.first().is_some_and(u8::is_ascii_uppercase) && ends(1);
        return single.then_some(1);
    }
    let mut candidates = vec![first];
    if bytes.get(first) == Some(&b'-') && digits(first + 1) > 0 {
        candidates.push(first + 1 + digits(first + 1));
    } else {
        let mut at = first;
        if bytes.get(at) == Some(&b'.') && digits(at + 1) > 0 {
            at += 1 + digits(at + 1);
            candidates.push(at);
        }
        let mut suffixed = vec![at];
        if bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            candidates.push(at + 1);
            suffixed.push(at + 1);
        }
        for at in suffixed {
            if bytes.get(at) == Some(&b'-') {
                let word = bytes[at + 1..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_lowercase())
                    .count();
                if word > 0 {
                    candidates.push(at + 1 + word);
                }
            }
        }
    }
    candidates.into_iter().filter(|&at| ends(at)).max()
}

/// Whether a separator follows the id (a qualifier in parentheses may come first), and
/// where the title starts.
fn separator(tail: &str) -> (bool, usize) {
    let direct = direct_separator(tail);
    if direct.0 {
        return direct;
    }
    let trimmed = tail.trim_start();
    if trimmed.starts_with('(')
        && let Some(close) = trimmed.find(')')
    {
        let after = &trimmed[close + 1..];
        if let (true, skip) = direct_separator(after) {
            return (true, tail.len() - after.len() + skip);
        }
    }
    direct
}

fn direct_separator(tail: &str) -> (bool, usize) {
    let plain = tail.strip_prefix("**").unwrap_or(tail);
    let skipped = tail.len() - plain.len();
    if plain.starts_with(':') {
        return (true, skipped + 1);
    }
    for dash in [" - ", " \u{2013} ", " \u{2014} "] {
        if plain.starts_with(dash) {
            return (true, skipped + dash.len());
        }
    }
    (false, 0)
}

/// Every line that reads as a phase heading outside fences.
pub(super) fn candidates(lines: &Lines<'_>, fenced: &[bool]) -> Vec<PhaseHeading> {
    (0..lines.len())
        .filter(|&line| !fenced[line])
        .filter_map(|line| phase_heading(line, lines.get(line), lines.span(line).start))
        .collect()
}

/// The headings that are phases, with the line where each body ends.
pub(super) fn select(lines: &Lines<'_>, fenced: &[bool], from: usize) -> Vec<PhaseHeading> {
    let mut found = candidates(lines, fenced);
    found.retain(|phase| phase.line >= from);
    drop_mentions(&mut found);
    let levels = heading_levels(lines, fenced, &found);
    let sections = phase_sections(lines, &levels, &found);
    let in_section = |phase: &PhaseHeading| section_of(&sections, phase.line).is_some();
    let sectioned = found.iter().any(in_section);
    if sectioned {
        found.retain(in_section);
    }
    // In a section of phases the first one shows the level; elsewhere the majority does.
    let base = if sectioned {
        found.first().map(|phase| phase.level)
    } else {
        main_level(&found)
    };
    let Some(base) = base else { return found };
    let mut inside = false;
    found.retain(|phase| {
        let kept = phase.level == base
            || phase.is_marked()
            || (sectioned && (phase.level < base || !inside));
        inside |= kept;
        kept
    });
    set_ends(&mut found, &levels, &sections, lines.len());
    found
}

/// A heading without separator and marker is a mention if its id has a real heading.
fn drop_mentions(found: &mut Vec<PhaseHeading>) {
    let real: std::collections::HashSet<String> = found
        .iter()
        .filter(|phase| phase.separated)
        .map(|phase| phase.id.clone())
        .collect();
    found.retain(|phase| phase.separated || phase.is_marked() || !real.contains(&phase.id));
}

/// The headings that are not phase headings, as line and level.
fn heading_levels(
    lines: &Lines<'_>,
    fenced: &[bool],
    phases: &[PhaseHeading],
) -> Vec<(usize, usize)> {
    let mut phases = phases.iter().map(|phase| phase.line).peekable();
    let mut levels = Vec::new();
    for line in (0..lines.len()).filter(|&line| !fenced[line]) {
        if let Some((level, _)) = heading(lines.get(line)) {
            while phases.next_if(|&phase| phase < line).is_some() {}
            if phases.peek() != Some(&line) {
                levels.push((line, level));
            }
        }
    }
    levels
}

/// The line ranges of sections named like `Implementation Phases` or `Steps`.
///
/// A phase heading never ends such a section, so that one at the wrong level is not lost.
fn phase_sections(
    lines: &Lines<'_>,
    levels: &[(usize, usize)],
    found: &[PhaseHeading],
) -> Vec<Range<usize>> {
    let mut sections: Vec<Range<usize>> = Vec::new();
    for (index, &(line, level)) in levels.iter().enumerate() {
        if sections.last().is_some_and(|last| last.contains(&line))
            || !is_section_name(lines.get(line))
        {
            continue;
        }
        let end = levels[index + 1..]
            .iter()
            .find(|(_, other)| *other <= level)
            .map_or(lines.len(), |(line, _)| *line);
        let first = found.partition_point(|phase| phase.line < line);
        if found.get(first).is_some_and(|phase| phase.line < end) {
            sections.push(line..end);
        }
    }
    sections
}

/// The section that a line is in; sections are in order and do not overlap.
fn section_of(sections: &[Range<usize>], line: usize) -> Option<&Range<usize>> {
    let after = sections.partition_point(|section| section.start <= line);
    sections
        .get(after.checked_sub(1)?)
        .filter(|section| section.contains(&line))
}

fn is_section_name(text: &str) -> bool {
    let Some((_, name)) = heading(text) else {
        return false;
    };
    let name = name
        .trim_start_matches("Implementation ")
        .trim_matches(['*', ' ']);
    ["Phases", "Steps"].iter().any(|word| {
        // `Phases 4-6: unchanged` speaks about phases and does not hold them.
        name.strip_prefix(word).is_some_and(|rest| {
            let next = rest.trim_start().chars().next();
            next.is_none_or(|next| !next.is_alphanumeric())
        })
    })
}

/// The level that most phase headings have; the shallower one where two are equal.
fn main_level(found: &[PhaseHeading]) -> Option<usize> {
    (1..=4)
        .filter(|level| found.iter().any(|phase| phase.level == *level))
        .min_by_key(|level| usize::MAX - found.iter().filter(|phase| phase.level == *level).count())
}

fn set_ends(
    found: &mut [PhaseHeading],
    levels: &[(usize, usize)],
    sections: &[Range<usize>],
    count: usize,
) {
    let starts: Vec<usize> = found.iter().map(|phase| phase.line).collect();
    for (index, phase) in found.iter_mut().enumerate() {
        let next_phase = starts.get(index + 1).copied().unwrap_or(count);
        let after = levels.partition_point(|(line, _)| *line <= phase.line);
        let next_heading = levels[after..]
            .iter()
            .take_while(|(line, _)| *line < next_phase)
            .find(|(_, level)| *level <= phase.level)
            .map_or(count, |(line, _)| *line);
        let section = section_of(sections, phase.line).map_or(count, |section| section.end);
        phase.end = next_phase.min(next_heading).min(section);
    }
}
