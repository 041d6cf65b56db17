//! Taking in what others wrote into a file: a person, git, another clone.
//!
//! Every section that differs from what was last published or seen in that file is classified by
//! what caused it, and only then read:
//!
//! | the section | means | and so |
//! |---|---|---|
//! | says the same | prose, formatting | it is the new base |
//! | is an older rendering of ours, in a version that git brought | stale | never imported, base kept |
//! | was there before, and the version that git brought left it so | stale | never imported, base kept |
//! | is an older rendering, in a file that never was as it is now | a person wrote it back | a hand edit |
//! | is an older rendering, by a `git revert` upon the newest | a person wrote it back | a hand edit |
//! | shows what the board had changed up to an operation that was never published | written by a process that died before it could say so | stale |
//! | is an older rendering, and nothing tells which | doubtful | the board keeps its own, the file's side is a conflict to be settled |
//! | names an operation that nobody here knows | foreign | merged |
//! | is new text | a hand edit, or foreign where git brought the version | merged |
//!
//! Merging is three-way and field by field, with the base of this very file: a field that only the
//! file changed is taken; one that both changed stays as the board has it, and the other side is
//! kept in a conflict. So is a value that the board had before, when it comes from another clone,
//! stands in a file with older renderings, or is what git wrote there just before somebody saved
//! the file: it may be the older version's, or meant. Nothing is ever inferred from what is
//! missing.
//!
//! One thing cannot be told: a person who checks out an older version and edits, before Airboss
//! looks, the one section that differs in it, is taken to have typed all of that section, unless
//! it names an older operation.
//!
//! Two duties of the caller follow. Of several files, state.json is imported first: it has the
//! ids, so that TODO.md recognises a task that came from another clone. And a publisher that
//! writes into a file brings its stale sections up to date in the same writing, since a section
//! that was published later than another proves that the file is not an older version.

mod arrival;
mod history;
mod note;

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Field, TaskChange};
use super::compare;
use super::facts::TaskFacts;
use super::link;
use super::name::{self, Numbers};
use super::operation::{Board, BoardKey, BoardOperation, Cause};
use super::status::TaskStatus;
use super::task::{Artifact, Place, Task, TimeKey};
use super::transition;
use crate::id::{OperationId, TaskId};
use crate::path::RepoPath;
use crate::time::Timestamp;

pub use self::history::{History, Past};
pub use self::note::Note;

/// What was last published or seen of one task in one file.
#[derive(Clone, PartialEq, Debug)]
pub struct Base {
    /// What it said.
    pub facts: TaskFacts,
    /// The hash of its bytes.
    pub hash: String,
    /// The newest operation that was published with it; 0 when it was only ever read.
    pub sequence: u64,
    /// The first operation whose publication is later than this text: `sequence` when the text
    /// was published, the next one of the board when it was read.
    pub since: u64,
}

/// One section of the file as it is.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    /// What it says.
    pub facts: &'a TaskFacts,
    /// The hash of its bytes.
    pub hash: &'a str,
}

/// A file to be taken in.
#[derive(Clone, Copy)]
pub struct Disk<'a> {
    /// Where it is.
    pub path: &'a RepoPath,
    /// Its sections: of state.json all lists, with those of the archive.
    pub sections: &'a [Section<'a>],
    /// What was last published or seen, by task.
    pub bases: &'a BTreeMap<TaskId, Base>,
    /// The next number that it names, and the one that it named when last published or seen.
    pub next_number: (Option<u32>, Option<u32>),
    /// Nobody typed it: the whole file is a version of HEAD or of the index, or it came back
    /// after a loss of power.
    pub is_checked_out: bool,
    /// The hashes of the sections of the version that it was made from and the board grew out of:
    /// whoever made this version of those did not change them.
    pub inherited: &'a BTreeSet<String>,
    /// A `git revert` put an older text back on top of the newest: it is meant.
    pub is_put_back: bool,
    /// What git wrote into this file shortly before somebody saved it: who typed something else
    /// upon that did not type this.
    pub brought: &'a [TaskFacts],
    /// The git blob with the whole file.
    pub blob: Option<&'a str>,
    /// The newest operation that the file was recorded to show.
    pub shown: u64,
}

/// What stays the same for every file.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Which board.
    pub key: &'a BoardKey,
    /// The board.
    pub board: &'a Board,
    /// Its past.
    pub history: &'a dyn History,
    /// Whether something outside the board, a directory, has a number.
    pub is_taken: &'a dyn Fn(u32) -> bool,
    /// The time.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Imported {
    /// To be stored.
    pub operations: Vec<BoardOperation>,
    /// What this file says now; replaces the bases of these tasks.
    pub bases: Vec<(TaskId, Base)>,
    /// Tasks whose sections are older renderings; their bases stay.
    pub stale: Vec<TaskId>,
    /// What a person should know. Notes repeat for as long as their cause is there.
    pub notes: Vec<Note>,
    /// So many tasks are touched that a person should say yes first.
    pub needs_accept: bool,
}

/// Takes a file in. Importing the same file again, with the new board and bases, does nothing.
#[must_use]
pub fn import(known: &Known<'_>, disk: &Disk<'_>) -> Imported {
    let mut import = Import {
        known,
        disk,
        board: known.board.clone(),
        touched: BTreeSet::new(),
        renamed: BTreeMap::new(),
        is_suspect: false,
        result: Imported::default(),
    };
    let sorted = import.sort();
    let proof = import.written_after(&sorted);
    import.is_suspect = import.has_older(&sorted, proof);
    // A task that another clone renumbered leaves its number to one that comes with the same file.
    let (moved, others): (Vec<_>, Vec<_>) = sorted
        .known
        .iter()
        .copied()
        .partition(|(id, section)| import.is_renumbered(*id, section));
    for (id, section) in moved {
        import.section(id, &section, proof);
    }
    for section in &sorted.new {
        import.arrive(section);
    }
    for (id, section) in others {
        import.section(id, &section, proof);
    }
    import.missing(&sorted);
    import.next_number();
    let active = known.board.active().count();
    // The limit of the design: more than five tasks, and more than a tenth.
    import.result.needs_accept = import.touched.len() > 5.max(active / 10);
    import.result
}

/// The sections by what they are about.
struct Sorted<'a> {
    /// Sections of tasks that the board has.
    known: Vec<(TaskId, Section<'a>)>,
    /// Sections of tasks that it does not have.
    new: Vec<Section<'a>>,
    /// Numbers that stand more than once.
    doubtful: BTreeSet<u32>,
}

/// Why a section differs.
enum Origin {
    /// It does not.
    Unchanged,
    /// It came with an older version.
    Stale,
    /// It is an older rendering, and nobody can say how it came.
    Doubtful,
    /// Somebody made it.
    Made(Cause),
}

struct Import<'a> {
    known: &'a Known<'a>,
    disk: &'a Disk<'a>,
    /// The board with the operations so far.
    board: Board,
    touched: BTreeSet<TaskId>,
    /// Numbers of foreign tasks that were taken here: what the file calls them, what they are.
    renamed: BTreeMap<u32, u32>,
    /// The file, or a part of it, may be an older version.
    is_suspect: bool,
    result: Imported,
}

impl<'a> Import<'a> {
    fn push(&mut self, operation: BoardOperation) {
        self.touched.extend(operation.task());
        let sequence = self.board.sequence;
        // A board to look at while the file is read; ids of operations play no part in that.
        self.board
            .apply(sequence, OperationId::default(), &operation);
        self.result.operations.push(operation);
    }

    /// Whether a section with an id has another number than before.
    fn is_renumbered(&self, id: TaskId, section: &Section<'_>) -> bool {
        let base = self.disk.bases.get(&id);
        section.facts.id.is_some()
            && base.is_some_and(|base| base.facts.number != section.facts.number)
    }

    /// The operation that the file as a whole was written after, as far as its sections show: one
    /// that is as it was published proves that everything published before was in the file.
    fn written_after(&self, sorted: &Sorted<'_>) -> u64 {
        let unchanged = sorted.known.iter().filter_map(|(id, section)| {
            let base = self.disk.bases.get(id)?;
            let is_unchanged = base.hash == section.hash;
            self.known
                .history
                .section(section.hash)
                .filter(|_| is_unchanged)
        });
        unchanged.max().unwrap_or(0)
    }

    /// Whether a section is an older rendering that nobody can be shown to have typed.
    fn has_older(&self, sorted: &Sorted<'_>, proof: u64) -> bool {
        sorted.known.iter().any(|(id, section)| {
            let base = self.disk.bases.get(id);
            matches!(
                self.origin(base, section, proof),
                Origin::Stale | Origin::Doubtful
            )
        })
    }

    /// Finds the task of each section.
    fn sort(&mut self) -> Sorted<'a> {
        let mut groups: BTreeMap<u32, Vec<Section<'a>>> = BTreeMap::new();
        let mut sorted = Sorted {
            known: Vec::new(),
            new: Vec::new(),
            doubtful: BTreeSet::new(),
        };
        let mut by_id: BTreeMap<TaskId, Vec<Section<'a>>> = BTreeMap::new();
        for section in self.disk.sections {
            match section.facts.id {
                Some(id) => by_id.entry(id).or_default().push(*section),
                None => groups
                    .entry(section.facts.number)
                    .or_default()
                    .push(*section),
            }
        }
        for (id, sections) in by_id {
            match sections.as_slice() {
                [section] if self.board.tasks.contains_key(&id) => {
                    sorted.known.push((id, *section));
                }
                [section] => sorted.new.push(*section),
                _ => self.duplicate(&mut sorted, &sections),
            }
        }
        let mut by_number: BTreeMap<u32, Vec<TaskId>> = BTreeMap::new();
        for (id, base) in self.disk.bases {
            let has_own = sorted.known.iter().any(|(known, _)| known == id);
            if !has_own {
                by_number.entry(base.facts.number).or_default().push(*id);
            }
        }
        let board = self.known.board;
        let index = Numbers::of(board);
        for (number, sections) in groups {
            let based = by_number.get(&number).map_or(&[][..], Vec::as_slice);
            let pairs = self.pair(&index, number, based, &sections);
            if let Some(pairs) = pairs {
                for (task, section) in pairs {
                    match task {
                        Some(id) => sorted.known.push((id, section)),
                        None => sorted.new.push(section),
                    }
                }
            } else {
                self.duplicate(&mut sorted, &sections);
            }
        }
        // Which sections come first must not depend on ids that were made at random.
        sorted
            .known
            .sort_by_key(|(id, section)| (section.facts.number, section.facts.line, *id));
        sorted
            .new
            .sort_by_key(|section| (section.facts.number, section.facts.line));
        sorted
    }

    /// The tasks of the sections with one number; `None` when that cannot be told.
    fn pair(
        &self,
        index: &Numbers<'_>,
        number: u32,
        based: &[TaskId],
        sections: &[Section<'a>],
    ) -> Option<Vec<(Option<TaskId>, Section<'a>)>> {
        match (based, sections) {
            ([id], [section]) => {
                // The number may be another task's by now, which the section is about.
                let before = self.known.board.tasks.get(id);
                let holder = index.find(number).filter(|task| {
                    task.id != *id
                        && task.number == number
                        && is_about(section.facts, task)
                        && !before.is_some_and(|before| is_about(section.facts, before))
                });
                let id = holder.map_or(*id, |task| task.id);
                return Some(vec![(Some(id), *section)]);
            }
            ([], [section]) => {
                let found = index.find(number);
                let same = found.filter(|task| {
                    self.known.history.section(section.hash).is_some()
                        || is_about(section.facts, task)
                });
                return Some(vec![(same.map(|task| task.id), *section)]);
            }
            _ => {}
        }
        // Several of a number: they are told apart when each names another task.
        let tasks = self.known.board.tasks.values().filter(|task| {
            task.number == number
                || task.former_numbers.contains(&number)
                || based.contains(&task.id)
        });
        let tasks: Vec<_> = tasks.filter(|task| task.place != Place::Removed).collect();
        let mut taken = BTreeSet::new();
        let pairs = sections.iter().map(|section| {
            let mut about = tasks.iter().filter(|task| is_about(section.facts, task));
            let task = about.next().filter(|task| taken.insert(task.id))?;
            about.next().is_none().then_some((Some(task.id), *section))
        });
        pairs.collect()
    }

    fn duplicate(&mut self, sorted: &mut Sorted<'a>, sections: &[Section<'a>]) {
        let number = sections.first().map_or(0, |section| section.facts.number);
        sorted.doubtful.insert(number);
        self.result.notes.push(Note::Duplicate {
            number,
            lines: sections.iter().map(|section| section.facts.line).collect(),
        });
    }

    /// What happened to a section of a task that the board has.
    fn section(&mut self, id: TaskId, section: &Section<'_>, proof: u64) {
        let base = self.disk.bases.get(&id);
        let cause = match self.origin(base, section, proof) {
            Origin::Unchanged => return,
            Origin::Stale => {
                self.result.stale.push(id);
                return;
            }
            Origin::Doubtful => None,
            Origin::Made(cause) => Some(cause),
        };
        let Some(task) = self.board.tasks.get(&id).cloned() else {
            return;
        };
        let foreign = matches!(
            cause,
            Some(Cause::Foreign {
                operation: Some(_),
                ..
            })
        );
        let facts = self.translated(section.facts, foreign);
        let mut theirs = match base {
            Some(base) => compare::changes_between(&base.facts, &facts),
            None => compare::beyond(&facts, &task),
        };
        if let (Some(base), Some(Cause::HandEdit { .. })) = (base, &cause)
            && !theirs.iter().all(|change| compare::is_so(change, &task))
            && self.is_unrecorded(id, base, &facts, &theirs)
        {
            self.result.stale.push(id);
            return;
        }
        let marker = self.unknown_marker(&task, base, section, &mut theirs, foreign);
        match cause {
            Some(cause) => self.merge(&task, base, section.facts, theirs, cause),
            None => self.conflict(&task, theirs),
        }
        let mut facts = section.facts.clone();
        let mut hash = section.hash.to_owned();
        if let Some(base) = base.filter(|_| marker) {
            // It stays a difference, so that it is told of until somebody sees to it.
            facts.status.clone_from(&base.facts.status);
            facts.status_text.clone_from(&base.facts.status_text);
            hash.clone_from(&base.hash);
        }
        if let Some(base) = base.filter(|_| !foreign) {
            // Text does not become older because it was edited.
            facts.operation = base.facts.operation.or(facts.operation);
        }
        if base.is_none_or(|base| base.facts != facts || base.hash != hash) {
            let sequence = base.map_or(0, |base| base.sequence);
            self.result
                .bases
                .push((id, self.read(facts, hash, sequence)));
        }
    }

    /// Whether a text is our own, written by a process that was killed before it could record what
    /// it had published: it shows all that the board had changed up to an operation that was the
    /// newest about then, and nothing else. What somebody types at that moment, and is just that,
    /// has happened before what came later.
    fn is_unrecorded(
        &self,
        id: TaskId,
        base: &Base,
        facts: &TaskFacts,
        theirs: &[TaskChange],
    ) -> bool {
        let shows = |field: &Field, task: &Task| match (compare::said(facts, field), field) {
            (Some(said), _) => compare::is_so(&said, task),
            (None, Field::Time(key)) => key.line().is_none() || !task.times.contains_key(key),
            (None, Field::Status) => false,
            (None, _) => true,
        };
        // A base that was read has seen more than was published with it.
        let recorded = base.sequence.max(self.disk.shown);
        self.known.history.was(id, recorded, &|task, changed| {
            theirs.iter().all(|change| compare::is_so(change, task))
                && changed.iter().all(|field| shows(field, task))
        })
    }

    /// A base that was read, not published: it proves nothing about the age of the file.
    fn read(&self, facts: TaskFacts, hash: String, sequence: u64) -> Base {
        Base {
            facts,
            hash,
            sequence,
            since: self.known.board.sequence + 1,
        }
    }

    /// Why a section differs from its base.
    fn origin(&self, base: Option<&Base>, section: &Section<'_>, proof: u64) -> Origin {
        let history = self.known.history;
        let path = self.disk.path.clone();
        let is_rendering = history.section(section.hash).is_some();
        if let Some(base) = base {
            if base.hash == section.hash {
                return Origin::Unchanged;
            }
            let same = compare::changes_between(&base.facts, section.facts).is_empty();
            if same && !is_rendering {
                return Origin::Made(Cause::HandEdit { path });
            }
        }
        if self.disk.is_checked_out && self.disk.inherited.contains(section.hash) {
            return Origin::Stale;
        }
        let is_known = |operation| history.operation(operation).is_some();
        if self.disk.is_put_back && section.facts.operation.map_or(is_rendering, is_known) {
            return Origin::Made(Cause::HandEdit { path });
        }
        if let Some(operation) = section.facts.operation {
            let is_older = |known: u64| {
                // The base may name a foreign operation, which is newer than what was published.
                base.filter(|base| base.facts.operation != Some(operation))
                    .is_some_and(|base| {
                        let seen = base.facts.operation.and_then(|id| history.operation(id));
                        seen.is_some_and(|seen| known < seen) || known <= base.sequence
                    })
            };
            match history.operation(operation) {
                None => {
                    let operation = Some(operation);
                    return Origin::Made(Cause::Foreign { path, operation });
                }
                Some(_) if is_rendering => return Origin::Stale,
                Some(known) if is_older(known) => {
                    // An older version, and somebody may have edited that.
                    return if self.disk.is_checked_out {
                        Origin::Stale
                    } else {
                        Origin::Doubtful
                    };
                }
                Some(_) => {}
            }
        } else if is_rendering {
            let written_after = base.is_some_and(|base| proof > 0 && proof >= base.since);
            return match (self.disk.is_checked_out, written_after) {
                (true, _) => Origin::Stale,
                (false, true) => Origin::Made(Cause::HandEdit { path }),
                (false, false) => Origin::Doubtful,
            };
        }
        Origin::Made(if self.disk.is_checked_out {
            let operation = None;
            Cause::Foreign { path, operation }
        } else {
            Cause::HandEdit { path }
        })
    }

    /// What a foreign file says, with the numbers that its new tasks have here.
    fn translated(&self, facts: &TaskFacts, foreign: bool) -> TaskFacts {
        let mut facts = facts.clone();
        if foreign && !self.renamed.is_empty() {
            let here = |number: &mut u32| {
                if let Some(renamed) = self.renamed.get(number) {
                    *number = *renamed;
                }
            };
            if let Some(dependencies) = &mut facts.dependencies {
                dependencies.numbers.iter_mut().for_each(here);
            }
            facts.subtasks.iter_mut().for_each(here);
            facts.parent.iter_mut().for_each(here);
        }
        facts
    }

    /// Takes a status out of the changes that no board knows, or that is gone; whether it did.
    fn unknown_marker(
        &mut self,
        task: &Task,
        base: Option<&Base>,
        section: &Section<'_>,
        theirs: &mut Vec<TaskChange>,
        foreign: bool,
    ) -> bool {
        let (number, line) = (task.number, section.facts.line);
        let had = base.is_some_and(|base| base.facts.status.is_some());
        if had && section.facts.status.is_none() {
            self.result.notes.push(Note::NoStatus { number, line });
            return true;
        }
        let unknown = theirs.iter().position(|change| {
            matches!(change, TaskChange::Status(TaskStatus::Other(_))) && !foreign
        });
        let Some(at) = unknown else {
            return false;
        };
        theirs.remove(at);
        let text = section.facts.status_text.clone().unwrap_or_default();
        self.result
            .notes
            .push(Note::UnknownMarker { number, line, text });
        true
    }

    /// Three-way, field by field.
    fn merge(
        &mut self,
        task: &Task,
        base: Option<&Base>,
        facts: &TaskFacts,
        theirs: Vec<TaskChange>,
        cause: Cause,
    ) {
        let since = base.map_or(0, |base| base.sequence);
        let ours = self.known.history.changed_since(task.id, since);
        let mut taken = Vec::new();
        let mut refused = Vec::new();
        let by_hand = matches!(cause, Cause::HandEdit { .. });
        for change in theirs {
            let change = respelled(change, task);
            if compare::is_so(&change, task) {
                continue;
            }
            let field = change.field();
            let free = match &change {
                TaskChange::Number(number) => {
                    let held = self.board.find(*number);
                    held.is_none_or(|held| held.id == task.id || held.number != *number)
                }
                _ => true,
            };
            let changed_here = match base {
                Some(base) => {
                    ours.contains(&field)
                        && compare::said(&base.facts, &field)
                            .is_none_or(|said| !compare::is_so(&said, task))
                }
                // Never seen in this file: what the board does not know yet is news.
                None => !is_unknown(&change, task),
            };
            let is_doubtful = !by_hand || self.is_suspect || self.is_brought(facts, &change);
            let back = is_doubtful && self.known.history.had(task.id, &change);
            if free && !changed_here && !back {
                taken.push(change);
            } else {
                refused.push(change);
            }
        }
        let changes = self.completed(task, facts, taken, &cause);
        if let Some(change) = BoardOperation::change(task, changes, cause, false) {
            self.push(change);
        }
        self.conflict(task, refused);
    }

    /// Whether git wrote a value just before somebody saved the file.
    fn is_brought(&self, facts: &TaskFacts, change: &TaskChange) -> bool {
        let mut same = self
            .disk
            .brought
            .iter()
            .filter(|it| it.number == facts.number);
        same.any(|it| compare::said(it, &change.field()).as_ref() == Some(change))
    }

    /// The changes with what belongs to them: the times of a status that somebody typed, and the
    /// instant of the change.
    fn completed(
        &self,
        task: &Task,
        facts: &TaskFacts,
        mut changes: Vec<TaskChange>,
        cause: &Cause,
    ) -> Vec<TaskChange> {
        if changes.is_empty() {
            return changes;
        }
        let now = self.known.now;
        let by_airboss = matches!(
            cause,
            Cause::Foreign {
                operation: Some(_),
                ..
            }
        );
        let status = changes.iter().find_map(|change| match change {
            TaskChange::Status(status) if !by_airboss => Some(status.clone()),
            _ => None,
        });
        for more in status.map_or_else(Vec::new, |to| transition::changes(task, &to, now, None)) {
            let wanted = matches!(more, TaskChange::Time(..) | TaskChange::StatusBefore(_));
            if wanted && !changes.iter().any(|change| change.field() == more.field()) {
                changes.push(more);
            }
        }
        let stamp = Field::Time(TimeKey::LastUpdated);
        changes.retain(|change| change.field() != stamp);
        let before = task.times.get(&TimeKey::LastUpdated).copied();
        let theirs = facts.times.get(&TimeKey::LastUpdated).copied();
        let at = if by_airboss {
            // Both clones come to the same instant.
            before.max(theirs).unwrap_or(now)
        } else {
            now
        };
        changes.push(TaskChange::Time(TimeKey::LastUpdated, Some(at)));
        changes
    }

    /// The board keeps what it has, and what the file says is kept beside it.
    fn conflict(&mut self, task: &Task, other: Vec<TaskChange>) {
        let other: Vec<_> = other
            .into_iter()
            .filter(|change| !compare::is_so(change, task))
            .collect();
        if other.is_empty() {
            return;
        }
        let kept = other.iter().map(|change| change.inverse(task)).collect();
        self.push(BoardOperation::ConflictFound {
            task: task.id,
            path: self.disk.path.clone(),
            kept,
            other,
            blob: self.disk.blob.map(ToOwned::to_owned),
        });
    }

    /// Tells of sections that are gone. An older version simply does not have them yet.
    fn missing(&mut self, sorted: &Sorted<'_>) {
        if self.disk.is_checked_out {
            return;
        }
        let there: BTreeSet<_> = sorted.known.iter().map(|(id, _)| *id).collect();
        let is_active = |id| {
            let task = self.known.board.tasks.get(id);
            task.is_some_and(|task| task.place == Place::Active)
        };
        let gone = self.disk.bases.iter().filter_map(|(id, base)| {
            let number = base.facts.number;
            let is_there = there.contains(id) || sorted.doubtful.contains(&number);
            (!is_there && is_active(id)).then_some(number)
        });
        let numbers: BTreeSet<_> = gone.collect();
        if !numbers.is_empty() {
            let numbers = numbers.into_iter().collect();
            self.result.notes.push(Note::Missing { numbers });
        }
    }

    /// A next number that somebody raised is taken; a lower one could name a task twice.
    fn next_number(&mut self) {
        let (Some(file), base) = self.disk.next_number else {
            return;
        };
        let Some(board) = self.board.next_number else {
            self.push(BoardOperation::NextNumberSet { next: file });
            return;
        };
        if file > board && base != Some(file) {
            self.push(BoardOperation::NextNumberSet { next: file });
        } else if file < board && base != Some(file) && !self.disk.is_checked_out {
            self.result.notes.push(Note::NextNumber { file, board });
        }
    }
}

/// Whether a section is about a task, by the names that it gives.
fn is_about(facts: &TaskFacts, task: &Task) -> bool {
    let by_slug = facts.slug.as_ref().map(|slug| *slug == task.slug);
    let by_title = facts
        .title
        .as_ref()
        .map(|title| title.trim() == task.title.trim() || name::names(&task.slug, title));
    by_slug.or(by_title).unwrap_or(true)
}

/// The change with the path of an artifact as the task has it.
fn respelled(mut change: TaskChange, task: &Task) -> TaskChange {
    if let TaskChange::Artifact(Artifact { path, .. }) | TaskChange::ArtifactRemoved(path) =
        &mut change
    {
        let known = task
            .artifacts
            .iter()
            .find(|known| link::same(&known.path, path));
        if let Some(known) = known {
            path.clone_from(&known.path);
        }
    }
    change
}

/// Whether the board has nothing yet where a change puts something.
fn is_unknown(change: &TaskChange, task: &Task) -> bool {
    match change {
        // A title that was made from the slug, for want of a better one.
        TaskChange::Title(_) => task.title == name::title_of(&task.slug),
        TaskChange::Priority(_) => task.priority.is_none(),
        TaskChange::Language(_) => task.language.is_none(),
        TaskChange::Effort(_) => task.effort.is_none(),
        TaskChange::Description(_) => task.description.is_none(),
        TaskChange::Dependencies(_) => {
            task.dependencies.numbers.is_empty() && task.dependencies.prose.is_none()
        }
        TaskChange::Parent(_) => task.parent.is_none(),
        TaskChange::Subtasks(_) => task.subtasks.is_empty(),
        TaskChange::Time(key, _) => !task.times.contains_key(key),
        TaskChange::BlockedReason(_) => task.blocked_reason.is_none(),
        TaskChange::AbandonedReason(_) => task.abandoned_reason.is_none(),
        TaskChange::Artifact(_) => true,
        TaskChange::Plan(_) => task.plan.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
