//! What a stage has to make, unit by unit.

use crate::artifact::{Due, Kind};
use crate::id::StepId;
use crate::path::RepoPath;

/// The most reports of one research: what is divided further is divided into tasks.
pub const TOPICS_MAX: usize = 4;

/// What each of several researchers looks at, so that none repeats another.
const ASPECTS: [&str; TOPICS_MAX] = [
    "the code and documents as they are: what exists, where, and how it works today",
    "ways to do it: approaches, prior art, their costs, and which one fits here",
    "what can go wrong: risks, edge cases, constraints, and how to test for them",
    "what it touches: interfaces, data, migration, and who depends on them",
];

/// One unit: what one agent is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unit {
    /// Its id in the flight of the stage.
    pub id: StepId,
    /// What it is, in a few words.
    pub text: String,
    /// The units that have to be verified first.
    pub waits_for: Vec<StepId>,
    /// What it has to make.
    pub due: Vec<Due>,
    /// Whether it may be done beside the others.
    pub parallel: bool,
}

impl Unit {
    /// A unit that makes one file. It is called as the file is, so that a new round of the stage
    /// has new units.
    fn one(text: &str, path: &RepoPath, kind: Kind) -> Self {
        let name = path.file_name();
        Self {
            id: StepId::from(name.strip_suffix(".md").unwrap_or(name)),
            text: text.to_owned(),
            waits_for: Vec::new(),
            due: vec![Due {
                path: path.clone(),
                kind,
            }],
            parallel: false,
        }
    }
}

/// The units of a research: a report for each path, and an overview of several.
#[must_use]
pub fn research(reports: &[RepoPath], overview: Option<&RepoPath>) -> Vec<Unit> {
    let several = reports.len() > 1;
    let looks = |aspect| if several { aspect } else { "a report" };
    let mut units: Vec<Unit> = reports
        .iter()
        .zip(ASPECTS)
        .map(|(path, aspect)| Unit {
            parallel: several,
            ..Unit::one(looks(aspect), path, Kind::Report)
        })
        .collect();
    if let Some(path) = overview.filter(|_| several) {
        let waits_for = units.iter().map(|unit| unit.id.clone()).collect();
        units.push(Unit {
            waits_for,
            ..Unit::one("an overview of the reports", path, Kind::Report)
        });
    }
    units
}

/// The unit of a plan or of its next version.
#[must_use]
pub fn plan(path: &RepoPath) -> Vec<Unit> {
    vec![Unit::one("a plan", path, Kind::Plan)]
}

/// The unit of a search for the cause of a failure: the fix, and a report about it.
#[must_use]
pub fn debug(path: &RepoPath) -> Vec<Unit> {
    let text = "the cause of the failure, and its fix";
    vec![Unit::one(text, path, Kind::Report)]
}

/// The unit that brings documents up to date, and says which.
#[must_use]
pub fn document(path: &RepoPath) -> Vec<Unit> {
    vec![Unit::one("documents up to date", path, Kind::Summary)]
}

/// How many reports a description suggests. It is a suggestion: nobody is sent by it.
///
/// The words are those of the format (its section on research topics).
#[must_use]
pub fn suggested_topics(description: &str) -> usize {
    let lower = description.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .collect();
    let any = |wanted: &[&str]| wanted.iter().any(|wanted| words.contains(wanted));
    let small = ["fix", "update", "modify"].iter().any(|verb| {
        words
            .windows(2)
            .any(|pair| pair[0] == *verb && ["one", "single", "small", "a"].contains(&pair[1]))
    });
    if any(&[
        "multi-system",
        "cross-platform",
        "distributed",
        "microservices",
    ]) {
        4
    } else if any(&[
        "integrate",
        "integration",
        "migration",
        "migrate",
        "refactor",
        "architecture",
    ]) {
        3
    } else if small {
        1
    } else {
        2
    }
}
