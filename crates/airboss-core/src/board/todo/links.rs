//! Links of an entry in their seven shapes, and when two paths are the same file.

use std::ops::Range;

use super::fields::View;
use crate::board::link;
use crate::board::task::Artifact;

/// What a link line lists, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LinkKind {
    Research,
    Plan,
    Summary,
    /// The directory of each path tells.
    Mixed,
}

/// How a link is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LinkShape {
    /// `[text](path)`.
    Inline,
    /// `[path]`.
    Bracket,
    /// The path alone, perhaps in back-quotes.
    Plain,
}

/// One link. Ranges are offsets in the file.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) line: usize,
    pub(super) whole: Range<usize>,
    pub(super) path: Range<usize>,
    pub(super) shape: LinkShape,
}

/// A field that links, with the list below it.
#[derive(Debug)]
pub(super) struct LinkField {
    /// Its index among the fields of the entry.
    pub(super) field: usize,
    pub(super) kind: LinkKind,
    pub(super) links: Vec<Link>,
    /// The lines of the list below it.
    pub(super) items: Range<usize>,
}

/// What a field of this name links, if it does.
pub(super) fn kind_of_name(name: &str) -> Option<LinkKind> {
    const NAMES: [(LinkKind, &[&str]); 4] = [
        (
            LinkKind::Research,
            &[
                "Research",
                "Research Report",
                "Research Reports",
                "Research Artifacts",
                "Report",
                "Reports",
            ],
        ),
        (
            LinkKind::Plan,
            &["Plan", "Plans", "Implementation Plan", "Plan Artifacts"],
        ),
        (
            LinkKind::Summary,
            &["Summary", "Summaries", "Implementation Summary"],
        ),
        (
            LinkKind::Mixed,
            &[
                "Implementation",
                "Implementation Artifacts",
                "Plan Summary",
                "Research Summary",
                "Artifact",
                "Artifacts",
                "Handoff",
                "Debug",
                "Debug Report",
                // A list of links may follow the marker.
                "Status",
            ],
        ),
    ];
    NAMES
        .iter()
        .find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .map(|(kind, _)| *kind)
}

/// Every field of an entry that links or is there to link.
pub(super) fn link_fields(view: &View<'_, '_>) -> Vec<LinkField> {
    let mut found = Vec::new();
    for (index, field) in view.fields.iter().enumerate() {
        let Some(kind) = kind_of_name(view.text(&field.name)) else {
            continue;
        };
        let is_status = view.text(&field.name) == "Status";
        let text = view.scan.text;
        let mut links = Vec::new();
        read_links(text, field.line, &field.value, !is_status, &mut links);
        let items = if is_status || !field.alone {
            field.line + 1..field.line + 1
        } else {
            view.items(field)
        };
        for line in items.clone() {
            let span = view.scan.lines.span(line);
            let start = item_start(text, &span);
            read_links(text, line, &(start..span.end), true, &mut links);
        }
        found.push(LinkField {
            field: index,
            kind,
            links,
            items,
        });
    }
    found
}

/// Where the text of a list item begins, behind its bullet and its label.
fn item_start(text: &str, span: &Range<usize>) -> usize {
    let line = &text[span.clone()];
    let body = line
        .trim_start_matches([' ', '\t'])
        .trim_start_matches(['-', '*', '+']);
    let label = body
        .find(": ")
        .filter(|at| !body[..*at].contains(['[', '/', '`']));
    span.end - body.len() + label.map_or(0, |at| at + 2)
}

/// The links within a range of one line.
fn read_links(text: &str, line: usize, range: &Range<usize>, plain: bool, links: &mut Vec<Link>) {
    let before = links.len();
    let mut at = range.start;
    while let Some(open) = text[at..range.end].find('[').map(|found| at + found) {
        let Some(close) = closing(text, open, range.end, '[', ']') else {
            at = open + 1;
            continue;
        };
        let inside = open + 1..close;
        at = close + 1;
        if text[at..range.end].starts_with('(') {
            let Some(end) = target_end(text, at, range.end) else {
                continue;
            };
            let path = target(text, at + 1..end);
            at = end + 1;
            if is_file(&text[path.clone()]) {
                links.push(Link {
                    line,
                    whole: open..at,
                    path,
                    shape: LinkShape::Inline,
                });
            }
        } else if is_path(&text[inside.clone()]) {
            links.push(Link {
                line,
                whole: open..at,
                path: inside,
                shape: LinkShape::Bracket,
            });
        }
    }
    if links.len() == before && plain {
        links.extend(plain_link(text, line, range));
    }
}

/// A path without brackets: the whole first word of the range.
fn plain_link(text: &str, line: usize, range: &Range<usize>) -> Option<Link> {
    let rest = text[range.clone()].trim_start_matches([' ', '\t', '`', '"', '*']);
    let start = range.end - rest.len();
    let length = rest
        .find([' ', '\t', '`', '"', ',', '|', '*'])
        .unwrap_or(rest.len());
    let path = start..start + length;
    is_path(&text[path.clone()]).then(|| Link {
        line,
        whole: path.clone(),
        path,
        shape: LinkShape::Plain,
    })
}

/// The offset of the bracket that closes the one at `open`.
fn closing(text: &str, open: usize, end: usize, opener: char, closer: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text[open..end].char_indices() {
        if character == opener {
            depth += 1;
        } else if character == closer {
            depth -= 1;
            if depth == 0 {
                return Some(open + at);
            }
        }
    }
    None
}

/// The offset of the parenthesis that closes a target; one in angle brackets may hold any.
fn target_end(text: &str, open: usize, end: usize) -> Option<usize> {
    if !text[open..end].starts_with("(<") {
        return closing(text, open, end, '(', ')');
    }
    let close = open + text[open..end].find('>')?;
    Some(close + text[close..end].find(')')?)
}

/// The path of a link's target: without angle brackets and without a title.
fn target(text: &str, range: Range<usize>) -> Range<usize> {
    let inside = text[range.clone()].trim();
    let start = range.start + (text[range.clone()].len() - text[range].trim_start().len());
    if let Some(end) = inside.strip_prefix('<').and_then(|rest| rest.find('>')) {
        return start + 1..start + 1 + end;
    }
    let length = inside.find(" \"").unwrap_or(inside.len());
    start..start + length
}

/// Whether a target names a file here rather than a page elsewhere.
pub(super) fn is_file(target: &str) -> bool {
    !target.is_empty() && !target.contains("://") && !target.starts_with('#')
}

/// Whether words without a target are a path.
pub(super) fn is_path(words: &str) -> bool {
    let extension = words.rsplit_once('.').is_some_and(|(name, extension)| {
        !name.is_empty()
            && (1..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    extension
        && is_file(words)
        && !words.contains([' ', '\t', '[', ']'])
        && (words.contains('/') || words.ends_with(".md"))
}

/// The artifacts that an entry links, each once.
pub(super) fn artifacts(view: &View<'_, '_>, fields: &[LinkField]) -> Vec<Artifact> {
    let mut found: Vec<Artifact> = Vec::new();
    for field in fields {
        for link in &field.links {
            let path = view.text(&link.path);
            if found.iter().any(|known| link::same(&known.path, path)) {
                continue;
            }
            found.push(Artifact {
                path: path.to_owned(),
                kind: kind_word(field.kind, path).to_owned(),
                summary: None,
            });
        }
    }
    found
}

/// The current plan that an entry links.
pub(super) fn plan<'t>(view: &View<'_, 't>, fields: &[LinkField]) -> Option<&'t str> {
    let of_kind = |field: &&LinkField| field.kind == LinkKind::Plan && !field.links.is_empty();
    if let Some(field) = fields.iter().rev().find(of_kind) {
        return current(view, field).map(|link| view.text(&link.path));
    }
    let mut links = fields.iter().flat_map(|field| {
        let kind = field.kind;
        field.links.iter().map(move |link| (kind, link))
    });
    let paths = links
        .by_ref()
        .map(|(kind, link)| (kind, view.text(&link.path)));
    paths
        .filter(|(kind, path)| kind_word(*kind, path) == "plan")
        .last()
        .map(|(_, path)| path)
}

/// The link of a plan line that is in force: the last of a list, else the first.
pub(super) fn current<'f>(view: &View<'_, '_>, field: &'f LinkField) -> Option<&'f Link> {
    if is_list(view, field) {
        field.links.last()
    } else {
        field.links.first()
    }
}

/// Whether the links of a field are a list rather than links within a sentence.
pub(super) fn is_list(view: &View<'_, '_>, field: &LinkField) -> bool {
    let Some([before, last]) = field.links.last_chunk() else {
        return field
            .links
            .iter()
            .any(|link| field.items.contains(&link.line));
    };
    before.line != last.line || separator(view, before, last).is_some()
}

/// What separates two links of a list on one line.
pub(super) fn separator(view: &View<'_, '_>, before: &Link, last: &Link) -> Option<&'static str> {
    if before.line != last.line {
        return None;
    }
    let between = view.text(&(before.whole.end..last.whole.start)).trim_end();
    if between.ends_with('|') {
        return Some(" | ");
    }
    [",", ";", "through", "and", "&", "+"]
        .iter()
        .any(|word| between.ends_with(word))
        .then_some(", ")
}

/// The kind of an artifact.
fn kind_word(kind: LinkKind, path: &str) -> &'static str {
    match kind {
        LinkKind::Research => "research",
        LinkKind::Plan => "plan",
        LinkKind::Summary => "summary",
        LinkKind::Mixed => {
            let mut parts = path.rsplit('/').skip(1);
            parts
                .find_map(|part| match part {
                    "reports" => Some("research"),
                    "plans" => Some("plan"),
                    "summaries" => Some("summary"),
                    "debug" => Some("debug"),
                    "handoffs" => Some("handoff"),
                    _ => None,
                })
                .unwrap_or("artifact")
        }
    }
}
