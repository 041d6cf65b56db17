//! Links put in and taken out in the shape that their entry, or their board, uses.

use std::ops::Range;

use super::change::{Outcome, Style};
use super::facts;
use super::fields::View;
use super::links::{
    self, Link, LinkField, LinkKind, LinkShape, current, is_list, kind_of_name, link_fields,
    separator,
};
use super::scan::{Entry, Scan};
use super::splice::Splice;
use crate::board::change::Field;
use crate::board::link;
use crate::board::task::Task;

/// How a board writes the first link of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BoardShape {
    /// `- **Research**: [report.md](path)`.
    Inline,
    /// `- **Research**: [path]`.
    Bracket,
    /// `- **Research Artifacts**:` and a list of `- Research Report: [path]`.
    Listed,
}

/// How many of the newest entries tell the shape of a board: enough for a majority, and few enough
/// that a change in a board of thousands reads no more of it.
const SAMPLE: usize = 200;

struct LinkChange<'v, 's, 't> {
    view: &'v View<'s, 't>,
    links: Vec<LinkField>,
    style: Style<'t>,
    outcome: Outcome,
}

/// Gives the links of an entry the state that the task has, for one artifact or for the plan.
pub(super) fn field(scan: &Scan<'_>, entry: &Entry, task: &Task, field: &Field) -> Outcome {
    let view = View::new(scan, entry);
    let mut change = LinkChange {
        links: link_fields(&view),
        style: Style::of(&view),
        view: &view,
        outcome: Outcome::default(),
    };
    match field {
        Field::Plan => match &task.plan {
            Some(path) => change.plan(path),
            None => change.no_plan(task),
        },
        Field::Artifact(path) => {
            let artifact = task
                .artifacts
                .iter()
                .find(|artifact| artifact.path == *path);
            match artifact {
                Some(artifact) if artifact.kind == "plan" => {
                    // Only the current plan is linked; the older ones stay on disk.
                    let current = task.plan.as_deref().unwrap_or(path);
                    if link::same(current, path) {
                        change.plan(path);
                    }
                }
                Some(artifact) => change.add(kind_of(&artifact.kind), path),
                None => change.remove(path),
            }
        }
        _ => {}
    }
    facts::keep_apart(&view, &mut change.outcome.splices);
    change.outcome
}

fn kind_of(kind: &str) -> LinkKind {
    match kind {
        "research" => LinkKind::Research,
        "plan" => LinkKind::Plan,
        "summary" => LinkKind::Summary,
        _ => LinkKind::Mixed,
    }
}

impl LinkChange<'_, '_, '_> {
    fn push(&mut self, splice: Splice) {
        self.outcome.splices.push(splice);
    }

    fn leave(&mut self, words: String) {
        self.outcome.left.push(words);
    }

    fn is_linked(&self, path: &str) -> bool {
        self.links
            .iter()
            .flat_map(|field| &field.links)
            .any(|link| link::same(self.view.text(&link.path), path))
    }

    fn add(&mut self, kind: LinkKind, path: &str) {
        if self.is_linked(path) {
            return;
        }
        if !is_writable(path) {
            return self.leave(format!("no link can hold the path `{path}`"));
        }
        match self.place_for(kind) {
            Some(index) => self.append(index, path),
            None => self.new_line(kind, path),
        }
    }

    /// The field that takes another link: the last with links, else an empty one.
    fn place_for(&self, kind: LinkKind) -> Option<usize> {
        let of_kind = |index: &usize| {
            let field = &self.links[*index];
            let name = self.view.text(&self.view.fields[field.field].name);
            // What Airboss links beyond the known kinds goes with the artifacts.
            field.kind == kind && (kind != LinkKind::Mixed || name.starts_with("Artifact"))
        };
        let all = 0..self.links.len();
        let linking = |index: &usize| !self.links[*index].links.is_empty();
        let empty = |index: &usize| {
            let field = &self.view.fields[self.links[*index].field];
            field.value.is_empty() && field.alone
        };
        let mut candidates = all.filter(of_kind).collect::<Vec<_>>();
        candidates.reverse();
        let linking = candidates.iter().find(|index| linking(index));
        linking
            .or_else(|| candidates.iter().find(|index| empty(index)))
            .copied()
    }

    fn plan(&mut self, path: &str) {
        let shown = links::plan(self.view, &self.links);
        if shown.is_some_and(|shown| link::same(shown, path)) {
            return;
        }
        if !is_writable(path) {
            return self.leave(format!("no link can hold the path `{path}`"));
        }
        let Some(index) = self.place_for(LinkKind::Plan) else {
            return self.new_line(LinkKind::Plan, path);
        };
        let of_plans = |field: &&LinkField| field.kind == LinkKind::Plan;
        let mut planned = self
            .links
            .iter()
            .filter(of_plans)
            .flat_map(|field| &field.links);
        if planned.any(|link| link::same(self.view.text(&link.path), path)) {
            let words = format!("the plan `{path}` is linked, but another one stands behind it");
            return self.leave(words);
        }
        let field = &self.links[index];
        match current(self.view, field) {
            Some(link) if !is_list(self.view, field) => {
                let (whole, shape) = (link.whole.clone(), link.shape);
                self.push(Splice::new(whole, render(path, shape)));
            }
            _ => self.append(index, path),
        }
    }

    /// Takes the plan lines out, unless the task still has what they link.
    fn no_plan(&mut self, task: &Task) {
        let view = self.view;
        for index in 0..self.links.len() {
            let found = &self.links[index];
            let field = &view.fields[found.field];
            let is_kept = found.links.iter().any(|link| {
                let path = view.text(&link.path);
                task.artifacts
                    .iter()
                    .any(|artifact| link::same(&artifact.path, path))
            });
            if found.kind != LinkKind::Plan || found.links.is_empty() || is_kept {
                continue;
            }
            let is_inline = |link: &&Link| link.line == field.line;
            let mut at = field.value.start;
            let mut words = String::new();
            for link in found.links.iter().filter(is_inline) {
                words.push_str(view.text(&(at..link.whole.start)));
                at = link.whole.end;
            }
            words.push_str(view.text(&(at..field.value.end)));
            let is_told = words.contains(|character: char| !" \t|,;`".contains(character));
            if is_told || !field.alone {
                self.leave("the plan stands within text and is kept".to_owned());
            } else {
                let splice = Splice::remove(view.scan, field.line..found.items.end);
                self.push(splice);
            }
        }
    }

    /// Adds a link to a field that is there.
    fn append(&mut self, index: usize, path: &str) {
        let view = self.view;
        let found = &self.links[index];
        let field = &view.fields[found.field];
        let last = found.links.last();
        let shape = match last.map(|link| link.shape) {
            Some(LinkShape::Bracket) => LinkShape::Bracket,
            _ => LinkShape::Inline,
        };
        let link = render(path, shape);
        if !found.items.is_empty() {
            let line = self.item_like(found, &link);
            let splice = Splice::insert(view.scan, found.items.end - 1, &[line]);
            return self.push(splice);
        }
        let Some(last) = last else {
            let at = field.value.start..field.value.start;
            let apart = view.scan.text[..at.start].ends_with([' ', '\t']);
            let space = if apart { "" } else { " " };
            return self.push(Splice::new(at, format!("{space}{link}")));
        };
        let is_plain = found.links.len() == 1 && last.whole == field.value && field.alone;
        if is_plain && found.kind != LinkKind::Plan {
            return self.convert(field.line, last.whole.start, &link);
        }
        let separator = match found.links.last_chunk() {
            Some([before, last]) => separator(view, before, last).unwrap_or(", "),
            None => ", ",
        };
        let at = field.value.end..field.value.end;
        self.push(Splice::new(at, format!("{separator}{link}")));
    }

    /// A link on the field's line becomes the first item of a list below it.
    fn convert(&mut self, line: usize, link_start: usize, link: &str) {
        let scan = self.view.scan;
        let item = self.style.item();
        let before = &scan.text[..link_start];
        let start = before.trim_end_matches([' ', '\t']).len();
        let ending = super::splice::ending(scan, line);
        self.push(Splice::new(start..link_start, format!("{ending}{item}")));
        self.push(Splice::insert(scan, line, &[format!("{item}{link}")]));
    }

    /// An item with the bullet and the label of those that are there.
    fn item_like(&self, found: &LinkField, link: &str) -> String {
        let lines = &self.view.scan.lines;
        let first = lines.get(found.items.start);
        let body = first.trim_start_matches([' ', '\t']);
        let text = body[1..].trim_start_matches([' ', '\t']);
        let lead = &first[..first.len() - text.len()];
        let label = lines
            .get(found.items.end - 1)
            .trim_start_matches([' ', '\t', '-', '*', '+'])
            .split_once(": ")
            .map(|(label, _)| label)
            // `Implementation Plan v3 (current)` says something of that plan only.
            .filter(|label| kind_of_name(label).is_some());
        match label {
            Some(label) => format!("{lead}{label}: {link}"),
            None => format!("{lead}{link}"),
        }
    }

    fn new_line(&mut self, kind: LinkKind, path: &str) {
        let view = self.view;
        let shape = board_shape(view.scan);
        let (name, list, label) = match kind {
            LinkKind::Research => ("Research", "Research Artifacts", "Research Report"),
            LinkKind::Plan => ("Plan", "Plan Artifacts", "Implementation Plan"),
            LinkKind::Summary => ("Summary", "", ""),
            LinkKind::Mixed => ("Artifacts", "", ""),
        };
        let lines = match shape {
            BoardShape::Inline => vec![self.style.line(name, &render(path, LinkShape::Inline))],
            BoardShape::Listed if !list.is_empty() => {
                let link = render(path, LinkShape::Bracket);
                let item = format!("{}{label}: {link}", self.style.item());
                vec![self.style.line(list, ""), item]
            }
            BoardShape::Bracket | BoardShape::Listed => {
                vec![self.style.line(name, &render(path, LinkShape::Bracket))]
            }
        };
        let behind = view.block_end() - 1;
        self.push(Splice::insert(view.scan, behind, &lines));
    }

    fn remove(&mut self, path: &str) {
        for index in 0..self.links.len() {
            self.remove_from(index, path);
        }
    }

    /// Takes the links of a path out of one field.
    fn remove_from(&mut self, index: usize, path: &str) {
        let view = self.view;
        let found = &self.links[index];
        let field = &view.fields[found.field];
        let same = |link: &Link| link::same(view.text(&link.path), path);
        let (listed, inline): (Vec<&Link>, Vec<&Link>) = found
            .links
            .iter()
            .filter(|link| same(link))
            .partition(|link| found.items.contains(&link.line));
        let is_bare = inline.first().is_some_and(|link| link.whole == field.value);
        let is_told = !field.value.is_empty() && !is_bare;
        if listed.is_empty() && inline.is_empty() {
            return;
        }
        if listed.len() == found.items.len() && !is_told && field.alone {
            let splice = Splice::remove(view.scan, field.line..found.items.end);
            return self.push(splice);
        }
        let mut splices: Vec<Splice> = listed
            .iter()
            .map(|link| Splice::remove(view.scan, link.line..link.line + 1))
            .collect();
        splices.dedup();
        match inline[..] {
            [] => {}
            [_] if is_bare && field.alone => splices.push(Splice::new(field.value.clone(), "")),
            [link] if joint(view, found, link).is_some() => {
                splices.extend(joint(view, found, link).map(|at| Splice::new(at, "")));
            }
            _ => self.leave(format!(
                "the link of `{path}` stands within text and is kept"
            )),
        }
        self.outcome.splices.extend(splices);
    }
}

/// A link with the separator that joins it to its neighbour on the line.
fn joint(view: &View<'_, '_>, found: &LinkField, link: &Link) -> Option<Range<usize>> {
    let same_line = |other: &&Link| other.line == link.line;
    let position = found
        .links
        .iter()
        .position(|other| other.whole == link.whole)?;
    let before = position.checked_sub(1).and_then(|at| found.links.get(at));
    let after = found.links.get(position + 1);
    let is_joint = |one: &Link, other: &Link| {
        let between = view.text(&(one.whole.end..other.whole.start)).trim();
        [",", "|", ";"].contains(&between)
    };
    let before = before
        .filter(same_line)
        .filter(|before| is_joint(before, link));
    let after = after
        .filter(same_line)
        .filter(|after| is_joint(link, after));
    match (before, after) {
        (Some(before), _) => Some(before.whole.end..link.whole.end),
        (None, Some(after)) => Some(link.whole.start..after.whole.start),
        (None, None) => None,
    }
}

/// A link as text.
fn render(path: &str, shape: LinkShape) -> String {
    let is_bare = links::is_path(path);
    match shape {
        LinkShape::Bracket if is_bare => format!("[{path}]"),
        LinkShape::Plain if is_bare && !path.contains(['`', '"', ',', '|', '*']) => path.to_owned(),
        _ => {
            let name = path.rsplit('/').next().unwrap_or(path);
            let name = name.replace('[', "(").replace(']', ")");
            if path.contains([' ', '\t', '(', ')', '<', '"']) {
                format!("[{name}](<{path}>)")
            } else {
                format!("[{name}]({path})")
            }
        }
    }
}

/// Whether a path can be written as a link and read back.
fn is_writable(path: &str) -> bool {
    links::is_file(path)
        && path.trim() == path
        && !path.contains(|character: char| character.is_control() || character == '>')
}

/// What most of the links of a board look like.
fn board_shape(scan: &Scan<'_>) -> BoardShape {
    let (mut inline, mut bracket, mut listed) = (0, 0, 0);
    for entry in scan.entries.iter().take(SAMPLE) {
        let view = View::new(scan, entry);
        for field in link_fields(&view) {
            for link in &field.links {
                match (link.shape, field.items.contains(&link.line)) {
                    (LinkShape::Bracket, true) => listed += 1,
                    (LinkShape::Bracket, false) => bracket += 1,
                    _ => inline += 1,
                }
            }
        }
    }
    if inline >= bracket + listed {
        BoardShape::Inline
    } else if bracket >= listed {
        BoardShape::Bracket
    } else {
        BoardShape::Listed
    }
}
