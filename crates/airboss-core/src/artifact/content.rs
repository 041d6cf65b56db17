//! Whether a file is what it claims to be: a report, a plan, a summary.
//!
//! That it exists, is new and is no skeleton is said elsewhere; here is what each kind has to
//! say on top of that.

use serde::{Deserialize, Serialize};

use crate::path::RepoPath;
use crate::plan::{Plan, Severity};

/// Prose below this many characters is a heading with a remark, not a body.
const BODY_CHARS_MIN: usize = 120;

/// What a file has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any file with content.
    #[default]
    Any,
    /// A title, findings and a body.
    Report,
    /// Phases that can be carried out.
    Plan,
    /// What was changed, by name.
    Summary,
}

/// What the text lacks of its kind, in words; nothing when it is what it claims to be.
///
/// `changed` are the other files that were changed beside it.
#[must_use]
pub fn lacks(kind: Kind, text: &str, changed: &[RepoPath]) -> Vec<String> {
    match kind {
        Kind::Any => Vec::new(),
        Kind::Report => prose(text, true),
        Kind::Plan => plan(text),
        Kind::Summary => {
            let mut lacks = prose(text, false);
            let named = |path: &RepoPath| text.contains(file_name(path));
            if !changed.is_empty() && !changed.iter().any(named) {
                lacks.push("names none of the changed files".to_owned());
            }
            lacks
        }
    }
}

fn file_name(path: &RepoPath) -> &str {
    let path = path.as_str();
    path.rsplit('/').next().unwrap_or(path)
}

fn prose(text: &str, findings: bool) -> Vec<String> {
    let mut lacks = Vec::new();
    let headings: Vec<&str> = headings(text).collect();
    if !headings.iter().any(|line| line.starts_with("# ")) {
        lacks.push("has no title (`# …`)".to_owned());
    }
    let sections = headings.iter().filter(|line| line.starts_with("##"));
    if findings && sections.count() == 0 {
        lacks.push("has no section of findings (`## Findings`)".to_owned());
    }
    let body: usize = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.chars().count())
        .sum();
    if body < BODY_CHARS_MIN {
        lacks.push(format!("has a body of {body} characters"));
    }
    lacks
}

/// The heading lines outside fences.
fn headings(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        !fenced && line.starts_with('#')
    })
}

fn plan(text: &str) -> Vec<String> {
    let plan = Plan::parse(text.as_bytes());
    // A plan without phases is read as one phase; that is no plan that anybody wrote.
    if plan.phases.iter().all(|phase| phase.level == 0) {
        return vec!["has no phases (`### Phase 1: …`)".to_owned()];
    }
    let errors = plan
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    let mut lacks: Vec<String> = errors
        .map(|problem| match problem.line {
            Some(line) => format!("line {line}: {}", problem.message),
            None => problem.message.clone(),
        })
        .collect();
    if let Err(problems) = crate::plan::schedule(&plan, false) {
        for problem in problems {
            if !lacks.iter().any(|known| known.ends_with(&problem.message)) {
                lacks.push(problem.message);
            }
        }
    }
    for phase in &plan.phases {
        if is_template(&phase.title) {
            lacks.push(format!("phase {} is an unfilled template", phase.key));
        }
    }
    lacks
}

/// `{Name}`, `[Phase name]`, `<title>`, `TBD`: what templates leave to be filled in.
fn is_template(title: &str) -> bool {
    let title = title.trim();
    let enclosed = |open, close| title.starts_with(open) && title.ends_with(close);
    title.is_empty()
        || enclosed('{', '}')
        || enclosed('[', ']')
        || enclosed('<', '>')
        || title.eq_ignore_ascii_case("tbd")
        || title.eq_ignore_ascii_case("todo")
}
