//! The merge driver's decision: three versions of a board file become edits of the second.
//!
//! git gives the common ancestor, ours and theirs. What only they changed is edited into ours;
//! what both changed to the same is nothing; what both changed differently is decided and
//! reported, so that the merge ends with a conflict and a file that is whole. No marker is ever
//! written into it. Decided are
//!
//! - two statuses for the one further along the workflow,
//! - two times for the earlier start and the later of anything else, without a word,
//! - everything else, and statuses outside the workflow, for the side that was updated last, and
//!   for ours when neither says when.
//!
//! Links are united. A task that one side removed and the other left alone goes; one that the
//! other changed stays as ours has it. Two new tasks with one number: theirs gets the next free
//! one. The next number is the larger one.

use std::collections::BTreeSet;

use super::change::{Field, TaskChange};
use super::compare;
use super::edit::Edit;
use super::facts::TaskFacts;
use super::name;
use super::number::{self, StoredNext};
use super::reconcile::{join, workflow_rank};
use super::status::TaskStatus;
use super::task::{Task, TimeKey};

/// One version of a file.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// Its tasks.
    pub tasks: &'a [TaskFacts],
    /// Its next number.
    pub next_number: Option<u32>,
}

/// What turns ours into the merged file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Merged {
    /// Tasks to be written, each with what is to be done.
    pub tasks: Vec<(Action, Task)>,
    /// The next number, when it is another than ours.
    pub next_number: Option<u32>,
    /// What a person should look at; none when the merge is clean.
    pub clashes: Vec<Clash>,
}

/// What is done with a task's entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// It is added.
    Add,
    /// These fields are written.
    Change(Vec<Field>),
    /// It goes.
    Remove,
}

/// A side of the merge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    /// The version that is edited.
    Ours,
    /// The version that is merged in.
    Theirs,
}

/// What could not be merged without a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Clash {
    /// Both changed a field.
    Field {
        /// The task.
        number: u32,
        /// What ours says.
        ours: TaskChange,
        /// What theirs says.
        theirs: TaskChange,
        /// Which one is in the file now.
        kept: From,
    },
    /// One side removed a task that the other changed; the file has what ours has.
    Removed {
        /// The task.
        number: u32,
        /// Who removed it.
        by: From,
    },
    /// Both gave a number to a new task; theirs has another one now.
    Renumbered {
        /// The number.
        from: u32,
        /// The one that theirs has now.
        to: u32,
    },
    /// Both gave a number to a new task, and no other is free; theirs is not in the file.
    NoNumber {
        /// The number.
        number: u32,
    },
    /// A number stands more than once in a version; nothing of it is merged.
    Duplicate {
        /// The number.
        number: u32,
    },
}

impl std::fmt::Display for Clash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field {
                number, ours, kept, ..
            } => {
                let kept = match kept {
                    From::Ours => "ours",
                    From::Theirs => "theirs",
                };
                let field = ours.field();
                write!(
                    formatter,
                    "task {number}: both changed {field:?}; {kept} is kept"
                )
            }
            Self::Removed { number, by } => match by {
                From::Ours => write!(
                    formatter,
                    "task {number} was removed here and changed there"
                ),
                From::Theirs => write!(
                    formatter,
                    "task {number} was changed here and removed there"
                ),
            },
            Self::Renumbered { from, to } => write!(
                formatter,
                "both have a new task {from}; theirs is now {to}, and what names it does not follow"
            ),
            Self::NoNumber { number } => write!(
                formatter,
                "both have a new task {number}, and no number is free for theirs"
            ),
            Self::Duplicate { number } => {
                write!(
                    formatter,
                    "task {number} stands more than once; it is not merged"
                )
            }
        }
    }
}

impl Merged {
    /// What the editor of the file is asked to do to ours.
    #[must_use]
    pub fn edits(&self) -> Vec<Edit<'_>> {
        let edits = self.tasks.iter().map(|(action, task)| match action {
            Action::Add => Edit::Add { task },
            Action::Change(fields) => Edit::Change { task, fields },
            Action::Remove => Edit::Remove {
                number: task.number,
            },
        });
        edits
            .chain(self.next_number.map(Edit::NextNumber))
            .collect()
    }
}

/// Merges three versions of one file.
#[must_use]
pub fn merge(base: Version<'_>, ours: Version<'_>, theirs: Version<'_>) -> Merged {
    let next = ours.next_number.max(theirs.next_number);
    let mut merge = Merge {
        base,
        ours,
        theirs,
        next,
        result: Merged::default(),
    };
    let doubtful = merge.doubtful();
    for number in &doubtful {
        merge
            .result
            .clashes
            .push(Clash::Duplicate { number: *number });
    }
    for facts in theirs.tasks {
        if !doubtful.contains(&facts.number) {
            merge.incoming(facts);
        }
    }
    for facts in ours.tasks {
        if !doubtful.contains(&facts.number) && find(theirs.tasks, facts).is_none() {
            merge.removed_there(facts);
        }
    }
    merge.result.next_number = merge.next.filter(|next| Some(*next) != ours.next_number);
    merge.result
}

struct Merge<'a> {
    base: Version<'a>,
    ours: Version<'a>,
    theirs: Version<'a>,
    next: Option<u32>,
    result: Merged,
}

/// The same task in another version: by its id where both have one, else by number and name.
fn find<'a>(tasks: &'a [TaskFacts], facts: &TaskFacts) -> Option<&'a TaskFacts> {
    tasks.iter().find(|known| match (known.id, facts.id) {
        (Some(known), Some(id)) => known == id,
        _ => known.number == facts.number,
    })
}

/// Whether two new tasks with one number are one task after all: both clones took it in.
fn is_same(one: &TaskFacts, other: &TaskFacts) -> bool {
    if one.id.is_some() && one.id == other.id {
        return true;
    }
    let name = |facts: &TaskFacts| facts.title.clone().or_else(|| facts.slug.clone());
    match (name(one), name(other)) {
        (Some(one), Some(other)) => name::names(&name::slug(&one), &other),
        _ => false,
    }
}

impl Merge<'_> {
    /// Numbers that stand twice in one version without ids that tell them apart.
    fn doubtful(&self) -> BTreeSet<u32> {
        let mut doubtful = BTreeSet::new();
        for version in [self.base, self.ours, self.theirs] {
            let mut seen = BTreeSet::new();
            let places = version.tasks.iter().map(|facts| (facts.number, facts.id));
            doubtful.extend(
                places
                    .filter(|place| !seen.insert(*place))
                    .map(|place| place.0),
            );
        }
        doubtful
    }

    fn incoming(&mut self, theirs: &TaskFacts) {
        let base = find(self.base.tasks, theirs);
        match (find(self.ours.tasks, theirs), base) {
            (Some(ours), Some(base)) => self.both(base, ours, theirs),
            (Some(ours), None) if is_same(ours, theirs) => {
                // No ancestor: what ours says and theirs says differently, both changed.
                let nothing = TaskFacts {
                    number: ours.number,
                    list: ours.list,
                    ..TaskFacts::default()
                };
                self.both(&nothing, ours, theirs);
            }
            (Some(_), None) => self.add_renumbered(theirs),
            (None, Some(base)) => {
                if !compare::changes_between(base, theirs).is_empty() {
                    self.result.clashes.push(Clash::Removed {
                        number: theirs.number,
                        by: From::Ours,
                    });
                }
            }
            (None, None) => {
                let taken = |facts: &TaskFacts| facts.number == theirs.number;
                if self.ours.tasks.iter().any(taken) {
                    self.add_renumbered(theirs);
                } else {
                    self.add(task_of(theirs));
                }
            }
        }
    }

    fn add(&mut self, task: Task) {
        self.result.tasks.push((Action::Add, task));
    }

    fn add_renumbered(&mut self, theirs: &TaskFacts) {
        let versions = [self.base, self.ours, self.theirs];
        let used = |number: u32| {
            let mut tasks = versions.iter().flat_map(|version| version.tasks);
            tasks.any(|facts| facts.number == number)
        };
        let highest = versions.iter().flat_map(|version| version.tasks);
        let highest = highest.map(|facts| facts.number).max().unwrap_or(0);
        let stored = StoredNext {
            // A file without a next number: there is nothing better to count from.
            state: Some(self.next.unwrap_or(highest + 1)),
            todo: None,
        };
        let from = theirs.number;
        let Ok(found) = number::allocate(stored, None, used) else {
            self.result.clashes.push(Clash::NoNumber { number: from });
            return;
        };
        self.next = self.next.map(|_| found.next);
        let mut task = task_of(theirs);
        TaskChange::Number(found.number).apply(&mut task);
        let to = found.number;
        self.result.clashes.push(Clash::Renumbered { from, to });
        self.add(task);
    }

    fn removed_there(&mut self, ours: &TaskFacts) {
        let Some(base) = find(self.base.tasks, ours) else {
            return;
        };
        if compare::changes_between(base, ours).is_empty() {
            self.result.tasks.push((Action::Remove, task_of(ours)));
        } else {
            self.result.clashes.push(Clash::Removed {
                number: ours.number,
                by: From::Theirs,
            });
        }
    }

    /// A task that both have.
    fn both(&mut self, base: &TaskFacts, ours: &TaskFacts, theirs: &TaskFacts) {
        let our_changes = compare::changes_between(base, ours);
        let mut task = task_of(ours);
        let mut fields = Vec::new();
        for change in compare::changes_between(base, theirs) {
            if compare::is_so(&change, &task) {
                continue;
            }
            let field = change.field();
            let against = our_changes.iter().find(|known| known.field() == field);
            if let Some(against) = against {
                let kept = decide(against, &change, ours, theirs);
                if !matches!(change, TaskChange::Time(..)) {
                    self.result.clashes.push(Clash::Field {
                        number: ours.number,
                        ours: against.clone(),
                        theirs: change.clone(),
                        kept,
                    });
                }
                if kept == From::Ours {
                    continue;
                }
            }
            change.apply(&mut task);
            fields.push(field);
        }
        if fields.is_empty() {
            return;
        }
        // Ours is not what its operation wrote any more; theirs makes whoever reads it look.
        task.operation = theirs.operation.or(task.operation);
        let updated = updated(ours).max(updated(theirs));
        if let Some(at) = updated.filter(|_| updated != self::updated(ours)) {
            task.times.insert(TimeKey::LastUpdated, at);
            fields.push(Field::Time(TimeKey::LastUpdated));
        }
        self.result.tasks.push((Action::Change(fields), task));
    }
}

fn task_of(facts: &TaskFacts) -> Task {
    let mut task = join(facts.number, None, Some(facts));
    task.id = facts.id.unwrap_or_default();
    task
}

fn updated(facts: &TaskFacts) -> Option<crate::time::Timestamp> {
    facts.times.get(&TimeKey::LastUpdated).copied()
}

/// Which of two values counts.
fn decide(ours: &TaskChange, theirs: &TaskChange, our: &TaskFacts, their: &TaskFacts) -> From {
    let theirs_if = |yes: bool| if yes { From::Theirs } else { From::Ours };
    match (ours, theirs) {
        (
            TaskChange::Status(TaskStatus::Known(ours)),
            TaskChange::Status(TaskStatus::Known(theirs)),
        ) => {
            if let (Some(ours), Some(theirs)) = (workflow_rank(*ours), workflow_rank(*theirs))
                && ours != theirs
            {
                return theirs_if(theirs > ours);
            }
        }
        (TaskChange::Time(key, ours), TaskChange::Time(_, theirs)) => {
            let first = matches!(key, TimeKey::Created | TimeKey::Started | TimeKey::Planned);
            return theirs_if(if first { theirs < ours } else { theirs > ours });
        }
        _ => {}
    }
    theirs_if(updated(their) > updated(our))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::board::status::Status;
    use crate::board::task::Artifact;
    use crate::board::testing::{at, facts, id};

    fn merged(base: &[TaskFacts], ours: &[TaskFacts], theirs: &[TaskFacts]) -> Merged {
        let version = |tasks, next| Version {
            tasks,
            next_number: Some(next),
        };
        merge(version(base, 10), version(ours, 11), version(theirs, 12))
    }

    fn titled(number: u32, title: &str) -> TaskFacts {
        TaskFacts {
            title: Some(title.to_owned()),
            ..facts(number, "planned")
        }
    }

    fn words(merged: &Merged) -> String {
        let tasks = merged.tasks.iter().map(|(action, task)| {
            format!(
                "{action:?} {} {} “{}”",
                task.number, task.status, task.title
            )
        });
        let clashes = merged.clashes.iter().map(ToString::to_string);
        tasks.chain(clashes).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_only_they_changed_is_taken() {
        let base = [titled(1, "One"), titled(2, "Two")];
        let ours = [
            TaskFacts {
                effort: Some("1 h".to_owned()),
                ..titled(1, "One")
            },
            titled(2, "Two"),
        ];
        let theirs = [
            TaskFacts {
                status: Some(Status::Partial.into()),
                ..titled(1, "One")
            },
            titled(2, "Two"),
            titled(3, "Three"),
        ];
        let merged = merged(&base, &ours, &theirs);
        insta::assert_snapshot!(words(&merged), @r#"
        Change([Status]) 1 partial “One”
        Add 3 planned “Three”
        "#);
        assert_eq!(merged.next_number, Some(12));
        assert_eq!(merged.edits().len(), 3);
    }

    #[test]
    fn what_both_changed_is_decided_and_told() {
        let with = |status: &str, effort: &str, minute| TaskFacts {
            effort: Some(effort.to_owned()),
            times: [(TimeKey::LastUpdated, at(minute))].into(),
            status: Some(TaskStatus::read(status)),
            ..titled(1, "One")
        };
        let base = [with("planned", "1 h", 0)];
        let ours = [with("implementing", "2 h", 5)];
        let later = merged(&base, &ours, &[with("completed", "3 h", 4)]);
        insta::assert_snapshot!(words(&later), @r#"
        Change([Status]) 1 completed “One”
        task 1: both changed Status; theirs is kept
        task 1: both changed Effort; ours is kept
        "#);
        let newer = merged(&base, &ours, &[with("blocked", "3 h", 6)]);
        insta::assert_snapshot!(words(&newer), @r#"
        Change([Status, Effort, Time(LastUpdated)]) 1 blocked “One”
        task 1: both changed Status; theirs is kept
        task 1: both changed Effort; theirs is kept
        "#);
        let same = merged(&base, &ours, &[with("implementing", "2 h", 9)]);
        assert_eq!((same.tasks.len(), same.clashes.len()), (0, 0));
    }

    #[test]
    fn links_are_united() {
        let linked = |paths: &[&str]| TaskFacts {
            artifacts: paths
                .iter()
                .map(|path| Artifact {
                    path: (*path).to_owned(),
                    kind: "plan".to_owned(),
                    summary: None,
                })
                .collect(),
            ..titled(1, "One")
        };
        let merged = merged(
            &[linked(&["a.md"])],
            &[linked(&["a.md", "b.md"])],
            &[linked(&["c.md", "a.md"])],
        );
        let paths: Vec<_> = merged.tasks[0]
            .1
            .artifacts
            .iter()
            .map(|known| known.path.as_str())
            .collect();
        assert_eq!(paths, ["a.md", "b.md", "c.md"]);
        assert_eq!(merged.clashes, []);
    }

    #[test]
    fn what_is_gone_and_what_is_new_on_both_sides() {
        let base = [
            titled(1, "One"),
            titled(2, "Two"),
            titled(3, "Three"),
            titled(4, "Four"),
        ];
        let partial = |number, title| TaskFacts {
            status: Some(Status::Partial.into()),
            ..titled(number, title)
        };
        let ours = [
            titled(1, "One"),
            partial(2, "Two"),
            titled(10, "Ours"),
            titled(11, "Same"),
        ];
        let theirs = [
            partial(3, "Three"),
            titled(4, "Four"),
            titled(10, "Theirs"),
            partial(11, "Same"),
        ];
        insta::assert_snapshot!(words(&merged(&base, &ours, &theirs)), @r#"
        Add 12 planned “Theirs”
        Change([Status]) 11 partial “Same”
        Remove 1 planned “One”
        task 3 was removed here and changed there
        both have a new task 10; theirs is now 12, and what names it does not follow
        task 11: both changed Status; theirs is kept
        task 2 was changed here and removed there
        "#);
    }

    #[test]
    fn ids_tell_tasks_apart_that_have_one_number() {
        let with = |id, title| TaskFacts {
            id: Some(id),
            ..titled(10, title)
        };
        let ours = [with(id(1), "Same words")];
        let theirs = [with(id(2), "Same words")];
        insta::assert_snapshot!(words(&merged(&[], &ours, &theirs)), @r#"
        Add 12 planned “Same words”
        both have a new task 10; theirs is now 12, and what names it does not follow
        "#);
        let twice = [titled(5, "One"), titled(5, "Two")];
        insta::assert_snapshot!(words(&merged(&[], &[], &twice)), @"task 5 stands more than once; it is not merged");
    }

    fn board() -> impl Strategy<Value = Vec<TaskFacts>> {
        let statuses = ["planned", "partial", "completed", "blocked"];
        let efforts = prop::option::of(prop::sample::select(vec!["1 h", "2 h", "3 h"]));
        let one = (
            prop::sample::select(statuses.to_vec()),
            efforts,
            any::<bool>(),
        );
        prop::collection::vec(one, 4).prop_map(|tasks| {
            let all = (1..).zip(tasks).filter(|(_, (.., is_there))| *is_there);
            let facts = all.map(|(number, (status, effort, _))| TaskFacts {
                effort: effort.map(ToOwned::to_owned),
                ..TaskFacts {
                    status: Some(TaskStatus::read(status)),
                    ..titled(number, &format!("Task {number}"))
                }
            });
            facts.collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_side_without_changes_gives_way_and_nothing_is_lost_unsaid(base in board(), ours in board(), theirs in board()) {
            prop_assert!(merged(&base, &ours, &base).tasks.is_empty());
            prop_assert!(merged(&base, &base, &theirs).clashes.is_empty());
            let merged = merged(&base, &ours, &theirs);
            for facts in &theirs {
                let ancestor = find(&base, facts);
                let Some(ancestor) = ancestor else { continue };
                for change in compare::changes_between(ancestor, facts) {
                    let number = facts.number;
                    let written = merged.tasks.iter().find(|(_, task)| task.number == number);
                    let there = written.is_some_and(|(_, task)| compare::is_so(&change, task))
                        || find(&ours, facts).is_some_and(|ours| compare::said(ours, &change.field()) == Some(change.clone()));
                    let told = merged.clashes.iter().any(|clash| match clash {
                        Clash::Field { number: known, theirs, .. } => *known == number && *theirs == change,
                        Clash::Removed { number: known, .. } => *known == number,
                        _ => false,
                    });
                    prop_assert!(there || told, "{number}: {change:?}");
                }
            }
        }
    }
}
