//! The two files that list all tasks, seen alike: TODO.md and state.json.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::number::Numbering;
use airboss_core::board::{
    Board, Edit, EditError, Edited, Place, Task, TaskFacts, Touched, state_file, todo,
};
use airboss_core::id::TaskId;
use airboss_core::time::Timestamp;

use super::edits::BoardEdits;
use crate::projection::{Content, digest};
use crate::store::{PublishKind, PublishRow};

/// How one of the two files is read and written.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListFile {
    pub(super) parse: fn(&[u8]) -> Result<Parsed, EditError>,
    /// The same of the tasks with these numbers alone.
    pub(super) parse_some: fn(&[u8], &BTreeSet<u32>) -> Result<Parsed, EditError>,
    edit: fn(&[u8], &[Edit<'_>]) -> Result<Edited, EditError>,
    /// The same of a text that could be read when it was published.
    edit_published: fn(&[u8], &[Edit<'_>]) -> Result<Edited, EditError>,
    pub(super) section: for<'b> fn(&'b [u8], &TaskFacts) -> &'b [u8],
    pub(super) new_board: fn(u32, Timestamp) -> Vec<u8>,
}

/// What a file says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Parsed {
    /// Of each task.
    pub facts: Vec<TaskFacts>,
    /// Of the next number.
    pub next_number: Option<u32>,
    /// Of the range of numbers; only state.json says it.
    pub numbering: Option<Numbering>,
}

impl TryFrom<todo::TodoFile> for Parsed {
    type Error = EditError;

    fn try_from(file: todo::TodoFile) -> Result<Self, EditError> {
        match file.damage {
            Some(damage) => Err(damage),
            None => Ok(Self {
                next_number: file.front.next_number.map(|(number, _)| number),
                facts: file.entries,
                numbering: None,
            }),
        }
    }
}

impl From<state_file::StateFile> for Parsed {
    fn from(file: state_file::StateFile) -> Self {
        Self {
            next_number: file.next_number,
            facts: file.tasks,
            numbering: file.numbering,
        }
    }
}

impl From<Touched> for Parsed {
    fn from(touched: Touched) -> Self {
        Self {
            facts: touched.facts,
            next_number: touched.next_number,
            numbering: None,
        }
    }
}

const TODO: ListFile = ListFile {
    parse: |bytes| todo::TodoFile::parse(bytes).try_into(),
    parse_some: |bytes, numbers| todo::TodoFile::parse_some(bytes, numbers).try_into(),
    edit: todo::edit,
    edit_published: todo::edit,
    section: todo::section,
    new_board: |next, _| todo::new_board(next),
};

const STATE: ListFile = ListFile {
    parse: |bytes| Ok(state_file::StateFile::parse(bytes)?.into()),
    parse_some: |bytes, numbers| Ok(state_file::StateFile::parse_some(bytes, numbers)?.into()),
    edit: state_file::edit,
    edit_published: state_file::edit_sound,
    section: state_file::section,
    new_board: state_file::new_board,
};

impl ListFile {
    /// The file of this kind, if it is one of the two.
    pub(super) fn of(kind: &PublishKind) -> Option<Self> {
        match kind {
            PublishKind::Todo => Some(TODO),
            PublishKind::BoardState => Some(STATE),
            _ => None,
        }
    }

    /// The hash of a task's text, by which it is known again.
    pub(super) fn section_hash(&self, bytes: &[u8], facts: &TaskFacts) -> String {
        let mut hash = digest((self.section)(bytes, facts));
        // Half of it tells texts apart that nobody made to collide, and there are many.
        hash.truncate(32);
        hash
    }

    /// Edits a file; what cannot be edited because a number is there twice is left out.
    pub(super) fn edit_around(
        &self,
        bytes: &[u8],
        edits: &[Edit<'_>],
    ) -> Result<Edited, EditError> {
        around(self.edit, bytes, edits)
    }

    /// As [`ListFile::edit_around`], of a text that is as it was published and could be read then.
    pub(super) fn edit_published(
        &self,
        bytes: &[u8],
        edits: &[Edit<'_>],
    ) -> Result<Edited, EditError> {
        around(self.edit_published, bytes, edits)
    }
}

fn around(
    edit: fn(&[u8], &[Edit<'_>]) -> Result<Edited, EditError>,
    bytes: &[u8],
    edits: &[Edit<'_>],
) -> Result<Edited, EditError> {
    let mut edits = edits.to_vec();
    let mut twice = Vec::new();
    loop {
        match edit(bytes, &edits) {
            Err(EditError::Duplicate { number, lines }) => {
                let before = edits.len();
                edits.retain(|edit| number_of(edit) != Some(number));
                if edits.len() == before {
                    return Err(EditError::Duplicate { number, lines });
                }
                let error = EditError::Duplicate { number, lines };
                twice.push((number, error.to_string()));
            }
            Ok(mut edited) => {
                edited.left.extend(twice);
                return Ok(edited);
            }
            Err(error) => return Err(error),
        }
    }
}

fn number_of(edit: &Edit<'_>) -> Option<u32> {
    match edit {
        Edit::Add { task } | Edit::Change { task, .. } => Some(task.number),
        Edit::Renumber { from, .. } => Some(*from),
        Edit::Move { number, .. } | Edit::Remove { number } => Some(*number),
        Edit::NextNumber(_) | Edit::LastUpdated(_) => None,
    }
}

/// One of the ways in which a file is edited.
pub(super) type EditList = fn(&ListFile, &[u8], &[Edit<'_>]) -> Result<Edited, EditError>;

/// What one of the two files has to say, made from what it says, and what is new in it.
pub(super) fn list_content(
    row: &PublishRow,
    base: Option<&[u8]>,
    edits: &BoardEdits,
    edit: EditList,
) -> (Content, Option<Touched>) {
    let Some(file) = ListFile::of(&row.kind) else {
        return (Content::Gone, None);
    };
    let list = edits.for_file();
    let fresh;
    let from = match base {
        Some(base) => base,
        None => {
            fresh = (file.new_board)(edits.next_number.unwrap_or(1), edits.at.unwrap_or_default());
            &fresh
        }
    };
    match edit(&file, from, &list) {
        Ok(edited) if base == Some(&edited.bytes) => (Content::UpToDate, None),
        Ok(edited) => (Content::Write(edited.bytes.into()), edited.touched),
        Err(error) => (Content::Refused(error.to_string()), None),
    }
}

/// Which task an entry is about.
pub(super) struct Identifier<'a> {
    board: &'a Board,
    by_number: BTreeMap<u32, Vec<&'a Task>>,
}

impl<'a> Identifier<'a> {
    pub(super) fn new(board: &'a Board) -> Self {
        let mut by_number: BTreeMap<u32, Vec<&Task>> = BTreeMap::new();
        for task in board.tasks.values() {
            if task.place == Place::Removed {
                continue;
            }
            for number in task.former_numbers.iter().chain([&task.number]) {
                by_number.entry(*number).or_default().push(task);
            }
        }
        Self { board, by_number }
    }

    /// What a file says of each task: of several records, that of the list which counts.
    pub(super) fn facts<'f>(&self, parsed: &'f Parsed) -> BTreeMap<TaskId, &'f TaskFacts> {
        let mut all: Vec<&TaskFacts> = parsed.facts.iter().collect();
        all.sort_by_key(|facts| facts.list);
        let mut found = BTreeMap::new();
        for facts in all {
            if let Some(task) = self.task(facts) {
                found.entry(task).or_insert(facts);
            }
        }
        found
    }

    /// By its id, else by its number; of several with that number, the one that it describes,
    /// else the one that has it now.
    pub(super) fn task(&self, facts: &TaskFacts) -> Option<TaskId> {
        if let Some(id) = facts.id {
            return self.board.tasks.contains_key(&id).then_some(id);
        }
        let all = self.by_number.get(&facts.number)?;
        if let [only] = all.as_slice() {
            return Some(only.id);
        }
        let described = |task: &&&Task| {
            facts.title.as_ref() == Some(&task.title) || facts.slug.as_ref() == Some(&task.slug)
        };
        let has = |task: &&&Task| task.number == facts.number && task.place == Place::Active;
        let mut described = all.iter().filter(described);
        let one = described.next().filter(|_| described.next().is_none());
        Some(one.or_else(|| all.iter().find(has))?.id)
    }
}
