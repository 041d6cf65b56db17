//! What TODO.md and state.json are going to say, made from what they say.
//!
//! What is asked of the store comes first, for all of them; to edit a text needs nothing else, so
//! that large ones are edited side by side. An edit knows what is new in its text, which is
//! remembered here until that is recorded.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::thread;

use airboss_core::board::{BoardKey, Touched};
use airboss_core::path::RepoPath;

use super::edits::BoardEdits;
use super::files::{BoardFiles, Whole, everything, is_current};
use super::list_file::{EditList, ListFile, list_content};
use super::repair;
use crate::projection::{Content, Text};
use crate::store::{Publication, PublishRow, Store, StoreError, Wanted};

/// To edit a text of so many bytes takes longer than a thread to begin.
const LARGE: usize = 64 << 10;

/// The texts that were made last, each with what is new in it.
pub(super) type Made = BTreeMap<RepoPath, (Text, Touched)>;

/// All that it takes to make the text of one list.
struct Work<'a> {
    board: BoardKey,
    row: &'a PublishRow,
    base: Option<&'a Text>,
    edits: BoardEdits,
    edit: EditList,
    /// The newest operation that the text shows.
    up_to: u64,
}

/// The work, or what is to be said at once.
type Planned<'a> = Result<Work<'a>, (Content, u64)>;

/// The text of a list, and what is new in it.
type Outcome = (Content, Option<Touched>);

impl BoardFiles {
    /// What lists have to say, and the newest operations that they show then: of what is stored
    /// meanwhile, each shows no less than those before it. `meanwhile` is called once everything was
    /// asked, while large texts are being edited.
    pub(crate) fn lists(
        &self,
        store: &dyn Store,
        rows: &[(&PublishRow, Option<&Text>)],
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Vec<(Content, u64)>, StoreError> {
        let works = rows.iter().map(|(row, base)| self.work(store, row, *base));
        let works = works.collect::<Result<Vec<_>, _>>()?;
        let made = carry_out_all(&works, meanwhile);
        let done = works.into_iter().zip(made);
        done.map(|(work, made)| match work {
            Ok(work) => self.finished(store, work, made),
            Err(nothing) => Ok(nothing),
        })
        .collect()
    }

    /// What it takes to make the text of a list, or what is to be said where none is made.
    fn work<'a>(
        &self,
        store: &dyn Store,
        row: &'a PublishRow,
        base: Option<&'a Text>,
    ) -> Result<Planned<'a>, StoreError> {
        let board = BoardKey::new(row.plan.path().clone());
        if let Some(home) = self.elsewhere(&board) {
            return Ok(Err((Content::Refused(home), row.sequence)));
        }
        let published = store.publication(&row.plan, &row.path)?;
        let since = published.as_ref().map_or(0, |known| known.sequence);
        let Some(changes) = store.changed_since(&board, since)? else {
            return Ok(Err((Content::Gone, row.sequence)));
        };
        let up_to = changes.sequence;
        let edits = BoardEdits::from(changes);
        let mut edit: EditList = ListFile::edit_around;
        let edits = match base {
            Some(base) if self.is_as_published(store, &board, row, published.as_ref(), base)? => {
                edit = ListFile::edit_published;
                edits
            }
            Some(base) => self.with_stale(store, &board, row, base, edits)?,
            None => everything(store, &board)?,
        };
        Ok(Ok(Work {
            board,
            row,
            base,
            edits,
            edit,
            up_to,
        }))
    }

    fn finished(
        &self,
        store: &dyn Store,
        work: Work<'_>,
        made: Outcome,
    ) -> Result<(Content, u64), StoreError> {
        let up_to = work.up_to;
        let content = match made {
            (Content::Refused(reason), _) => self.repaired(store, work, reason)?,
            (Content::Write(text), Some(touched)) => {
                let path = work.row.path.clone();
                self.made().insert(path, (text.clone(), touched));
                Content::Write(text)
            }
            (content, _) => content,
        };
        Ok((content, up_to))
    }

    /// What is new in a text, when it is the one that was made last for this file.
    pub(super) fn touched(&self, path: &RepoPath, text: &Text) -> Option<Touched> {
        let made = self.made();
        let (_, touched) = made.get(path).filter(|(made, _)| made == text)?;
        Some(touched.clone())
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a text is what was published last, with nothing older in it and nothing that waits
    /// for a person: then there is no more to write than what changed since.
    pub(super) fn is_as_published(
        &self,
        store: &dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        published: Option<&Publication>,
        base: &Text,
    ) -> Result<bool, StoreError> {
        if self.whole != Whole::No || !is_current(published, base) {
            return Ok(false);
        }
        let head = store.board_part(board, &Wanted::Ids(Vec::new()))?;
        let conflicts = head.map(|head| head.conflicts).unwrap_or_default();
        Ok(conflicts.iter().all(|conflict| conflict.path != row.path))
    }

    /// A file that cannot be edited, made anew from the best that there is: the sides of a merge
    /// that git could not do, or the version of HEAD.
    fn repaired(
        &self,
        store: &dyn Store,
        work: Work<'_>,
        reason: String,
    ) -> Result<Content, StoreError> {
        let (row, board) = (work.row, &work.board);
        let (Some(base), Some(repository)) = (work.base, &self.repository) else {
            return Ok(Content::Refused(reason));
        };
        let Some(sound) = repair::sound_version(repository, row, base) else {
            return Ok(Content::Refused(reason));
        };
        let files = self.clone().whole(Whole::Yes);
        let sound = Text::from(sound);
        let edits = files.with_stale(store, board, row, &sound, work.edits)?;
        let (content, _) = list_content(row, Some(&sound), &edits, ListFile::edit_around);
        Ok(match content {
            Content::UpToDate => Content::Write(sound),
            content => content,
        })
    }
}

/// Makes the texts, large ones side by side while the caller does something else.
fn carry_out_all(all: &[Planned<'_>], meanwhile: &mut dyn FnMut()) -> Vec<Outcome> {
    let is_large = |planned: &Planned<'_>| {
        let base = planned.as_ref().ok().and_then(|work| work.base);
        base.is_some_and(|base| base.len() >= LARGE)
    };
    thread::scope(|scope| {
        let begin = |planned| {
            let beside = move || carry_out(planned);
            let is_beside = is_large(planned);
            let thread = is_beside.then(|| thread::Builder::new().spawn_scoped(scope, beside).ok());
            (planned, thread.flatten())
        };
        let all: Vec<_> = all.iter().map(begin).collect();
        meanwhile();
        let made = all.into_iter().map(|(planned, thread)| {
            // Where no thread can be had, it is made here.
            let done = thread.and_then(|thread| thread.join().ok());
            done.unwrap_or_else(|| carry_out(planned))
        });
        made.collect()
    })
}

fn carry_out(planned: &Planned<'_>) -> Outcome {
    match planned {
        Ok(work) => {
            let base = work.base.map(|text| &**text);
            list_content(work.row, base, &work.edits, work.edit)
        }
        Err((content, _)) => (content.clone(), None),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use airboss_core::board::{Edit, EditError, Edited, Field, TimeKey};
    use airboss_core::operation::PlanKey;
    use airboss_core::time::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::board::edits::TaskEdit;
    use crate::projection::digest;
    use crate::store::PublishKind;

    /// So many tasks make both lists large.
    const TASKS: u32 = 800;

    fn todo() -> Text {
        let section = |number| {
            format!(
                "\n### {number}. Berth {number}\n- **Status**: [NOT STARTED]\n\n**Description**: It has to be swept, and the rope is to be mended.\n"
            )
        };
        let sections: String = (1..=TASKS).map(section).collect();
        format!("# TODO\n\n## Tasks\n{sections}")
            .into_bytes()
            .into()
    }

    fn state() -> Text {
        let task = |number| json!({"project_number": number, "project_name": "berth", "status": "not_started"});
        let tasks: Vec<_> = (1..=TASKS).map(task).collect();
        let state = json!({"next_project_number": TASKS + 1, "active_projects": tasks});
        serde_json::to_vec_pretty(&state).unwrap().into()
    }

    /// Three tasks with another status: the first, the last, and one between them.
    fn edits() -> BoardEdits {
        let edit = |number: u32| {
            let task = json!({
                "id": format!("{number:032x}"), "number": number, "slug": "berth",
                "title": format!("Berth {number}"), "status": "implementing", "place": "active",
            });
            let mut edit = TaskEdit::new(serde_json::from_value(task).unwrap());
            edit.fields = vec![Field::Status, Field::Time(TimeKey::LastUpdated)];
            edit
        };
        BoardEdits {
            tasks: [1, TASKS / 2, TASKS].map(edit).into(),
            next_number: Some(TASKS + 2),
            at: Some(Timestamp::default()),
        }
    }

    fn row(kind: PublishKind, path: &str) -> PublishRow {
        let plan = PlanKey::new(RepoPath::new("specs").unwrap());
        let path = RepoPath::new(path).unwrap();
        PublishRow {
            plan,
            path,
            kind,
            sequence: 7,
        }
    }

    fn on_any_thread(
        file: &ListFile,
        bytes: &[u8],
        edits: &[Edit<'_>],
    ) -> Result<Edited, EditError> {
        assert!(bytes.len() >= LARGE);
        file.edit_published(bytes, edits)
    }

    /// How often it was tried on another thread than the test's.
    static ON_NEW_THREADS: AtomicUsize = AtomicUsize::new(0);

    /// The threads that are begun here have no name; that of a test has.
    fn on_no_new_thread(
        file: &ListFile,
        bytes: &[u8],
        edits: &[Edit<'_>],
    ) -> Result<Edited, EditError> {
        if thread::current().name().is_none() {
            ON_NEW_THREADS.fetch_add(1, Ordering::Relaxed);
            panic!("it is not made on this thread");
        }
        file.edit_published(bytes, edits)
    }

    /// Both lists, made by [`carry_out_all`] side by side and one after the other.
    #[track_caller]
    fn check(edit: EditList) {
        let (todo_row, todo) = (row(PublishKind::Todo, "specs/TODO.md"), todo());
        let (state_row, state) = (row(PublishKind::BoardState, "specs/state.json"), state());
        let work = |row, base| {
            Ok(Work {
                board: BoardKey::new(RepoPath::new("specs").unwrap()),
                row,
                base: Some(base),
                edits: edits(),
                edit,
                up_to: 7,
            })
        };
        let works = [work(&state_row, &state), work(&todo_row, &todo)];
        let mut calls = 0;
        let beside = carry_out_all(&works, &mut || calls += 1);
        let alone: Vec<_> = works.iter().map(carry_out).collect();
        assert_eq!(calls, 1);
        assert_eq!(beside, alone);
        for ((content, touched), base) in beside.iter().zip([&state, &todo]) {
            let Content::Write(text) = content else {
                panic!("nothing is to be written: {content:?}");
            };
            assert!(text != base && text.digest() == digest(text));
            assert_eq!(touched.as_ref().unwrap().facts.len(), 3);
        }
    }

    #[test]
    fn lists_that_are_made_side_by_side_are_what_each_is_alone() {
        check(on_any_thread);
    }

    #[test]
    fn what_no_thread_can_make_is_made_here() {
        check(on_no_new_thread);
        assert_eq!(ON_NEW_THREADS.load(Ordering::Relaxed), 2);
    }
}
