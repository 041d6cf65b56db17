//! What each projection has to say, made from the store and from what is on disk.

use std::collections::BTreeSet;
use std::time::Duration;
use std::{fmt, io};

use airboss_core::id::{RunId, StepId};
use airboss_core::operation::{Operation, PlanKey};
use airboss_core::status_file::splice::{Shown as ShownSteps, render, splice};
use airboss_core::status_file::{Damage, run_id_text};
use airboss_core::step::Step;
use airboss_core::view::Run;
use serde_json::json;

use super::Text;
use super::shelf::{EMPTIED, HOT};
use crate::board::BoardFiles;
use crate::run::markers;
use crate::store::{OperationQuery, PublishKind, PublishRow, Store, StoreError};
use crate::supervise::is_alive;
use crate::vfs::Facts;

/// Of so many parts of a file a person may take one away at once, and is not waited for.
const LACKS: u64 = 16;

/// Where the content of projections comes from.
///
/// It only computes: the publisher reads, writes and looks at what was displaced, and asks
/// again for every text that it finds.
pub trait Source: fmt::Debug + Send + Sync {
    /// What the file of this row has to say, and the newest operation that it shows then.
    ///
    /// `base` is the text that it is made from: what is on disk, or what somebody saved in the
    /// moment of an exchange; `None` when there is no file.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn content(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        base: Option<&Text>,
    ) -> Result<(Content, u64), StoreError>;

    /// The same of the files that list all tasks of a board: of what is stored meanwhile, each
    /// shows no less than those before it. `meanwhile` is called once the store was asked for all of
    /// them, and may be carried out while they are made.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lists(
        &self,
        store: &dyn Store,
        files: &[(&PublishRow, Option<&Text>)],
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Vec<(Content, u64)>, StoreError> {
        let files = files.iter();
        let contents = files.map(|(row, base)| self.content(store, row, *base));
        let contents = contents.collect();
        meanwhile();
        contents
    }

    /// Takes in what a text says that the store does not know. It is asked once for each text
    /// that [`Source::content`] is to build upon, and must not mind being asked again.
    ///
    /// # Errors
    /// When the store fails.
    fn import(
        &self,
        _store: &mut dyn Store,
        _row: &PublishRow,
        _found: Option<Found<'_>>,
        _notes: &mut Vec<String>,
    ) -> Result<Taken, StoreError> {
        Ok(Taken::All)
    }

    /// How old a text has to be before it counts as whole: one that was written in place may be
    /// half of one. `text` reads it. Of what was taken out of its place nothing tells how it was
    /// written.
    fn patience(
        &self,
        _store: &dyn Store,
        _row: &PublishRow,
        (_facts, _is_displaced): (&Facts, bool),
        _text: &dyn Fn() -> Option<Text>,
    ) -> Duration {
        Duration::ZERO
    }

    /// Whether a file that is not there may be about to come: it was there, and this is the first
    /// look, or git is at work.
    fn may_come(&self, _store: &dyn Store, _row: &PublishRow, _is_first: bool) -> bool {
        false
    }

    /// Whether the times of a file tell that it is as it was published: not when everything is to
    /// be looked at, after a power failure above all.
    fn trusts_times(&self) -> bool {
        false
    }

    /// Keeps what somebody saved in the moment of an exchange. For that moment the file lacked it,
    /// and who read it then may save it without.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn keep(&self, _store: &dyn Store, _row: &PublishRow, _saved: &[u8]) -> io::Result<()> {
        Ok(())
    }

    /// Keeps in mind what files show, all of it in one transaction where that can be. A file stays
    /// in the outbox when somebody has asked for something newer.
    ///
    /// # Errors
    /// When the store fails.
    fn record(&self, store: &mut dyn Store, shown: &[Shown<'_>]) -> Result<(), StoreError> {
        shown.iter().try_for_each(|shown| published(store, shown))
    }
}

/// A text that stands in a file, or that somebody saved to it.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What it says.
    pub text: &'a Text,
    /// When it was written, in nanoseconds since 1970; `None` when nobody looked.
    pub written: Option<i128>,
    /// The newest operation that the file was recorded to show before this was read; `None` when
    /// nobody asked. What a publisher beside records later is of another text.
    pub since: Option<u64>,
}

impl<'a> Found<'a> {
    /// A text of which nobody looked when it was written.
    #[must_use]
    pub fn undated(text: &'a Text) -> Self {
        Self {
            text,
            written: None,
            since: None,
        }
    }
}

/// What became of a text that was to be taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// All of it is known now.
    All,
    /// It waits until a person says yes.
    Waits,
    /// Nothing: a publisher beside has recorded a newer text since this was read.
    Outdated,
}

/// What a file shows when the work on it is done.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Which file.
    pub row: &'a PublishRow,
    /// The newest operation that it shows.
    pub up_to: u64,
    /// Its text; `None` when there is no file.
    pub content: Option<Text>,
    /// What the file system said of it just before it was read.
    pub facts: Option<Facts>,
    /// The text that [`Source::content`] made it from just now, when nothing else came in.
    pub made_from: Option<Text>,
}

fn published(store: &mut dyn Store, shown: &Shown<'_>) -> Result<(), StoreError> {
    let hash = shown.content.as_ref().map_or("", Text::digest);
    let row = shown.row;
    store
        .published(&row.plan, &row.path, shown.up_to, hash)
        .map(drop)
}

/// The projections of plans and boards.
#[derive(Debug)]
pub struct Projections {
    board: BoardFiles,
}

impl Projections {
    /// Those of one work tree.
    #[must_use]
    pub fn new(board: BoardFiles) -> Self {
        Self { board }
    }
}

/// New content for a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Write this.
    Write(Text),
    /// It says everything already.
    UpToDate,
    /// What is on disk cannot be built upon, and is put aside.
    Damaged(Damage),
    /// What is on disk cannot be built upon, and stays as it is until a person saw to it.
    Refused(String),
    /// There is nothing that could be written, for ever.
    Gone,
}

impl Source for Projections {
    fn content(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        base: Option<&Text>,
    ) -> Result<(Content, u64), StoreError> {
        match &row.kind {
            PublishKind::StatusJson => status_json(store, row, base),
            PublishKind::PlanMarkers => plan_markers(store, &row.plan, base),
            PublishKind::RunRecord { run } => run_record(store, row, *run, base),
            PublishKind::Todo
            | PublishKind::BoardState
            | PublishKind::ArchiveState
            | PublishKind::ProjectState { .. }
            | PublishKind::PhaseMarkers { .. }
            | PublishKind::Errors => self.board.content(store, row, base),
        }
    }

    fn lists(
        &self,
        store: &dyn Store,
        files: &[(&PublishRow, Option<&Text>)],
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Vec<(Content, u64)>, StoreError> {
        self.board.lists(store, files, meanwhile)
    }

    fn import(
        &self,
        store: &mut dyn Store,
        row: &PublishRow,
        found: Option<Found<'_>>,
        notes: &mut Vec<String>,
    ) -> Result<Taken, StoreError> {
        match found {
            Some(found) if row.kind.is_imported() => self.board.import(store, row, found, notes),
            _ => Ok(Taken::All),
        }
    }

    fn keep(&self, store: &dyn Store, row: &PublishRow, saved: &[u8]) -> io::Result<()> {
        self.board.keep(store, row, saved)
    }

    fn may_come(&self, store: &dyn Store, row: &PublishRow, is_first: bool) -> bool {
        self.board.may_come(store, row, is_first)
    }

    fn trusts_times(&self) -> bool {
        self.board.trusts_times()
    }

    fn patience(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        (facts, is_displaced): (&Facts, bool),
        text: &dyn Fn() -> Option<Text>,
    ) -> Duration {
        if !row.kind.is_imported() {
            return Duration::ZERO;
        }
        let Some(published) = BoardFiles::written_upon(store, row, (facts, is_displaced)) else {
            return Duration::ZERO;
        };
        // People seldom take away more at a time, and mostly whole lines.
        let lacks = published.saturating_sub(facts.size) > published / LACKS;
        let Some(text) = text() else {
            return HOT;
        };
        // Half of a state.json cannot be read at all.
        let has_lines = matches!(
            row.kind,
            PublishKind::Todo | PublishKind::PhaseMarkers { .. }
        );
        let is_begun = lacks || has_lines && !text.ends_with(b"\n");
        let found = Found {
            written: Some(facts.mtime_ns),
            ..Found::undated(&text)
        };
        // A shorter version that git put there is whole.
        if is_begun && !self.board.is_of_git(row, found) {
            EMPTIED
        } else {
            HOT
        }
    }

    fn record(&self, store: &mut dyn Store, shown: &[Shown<'_>]) -> Result<(), StoreError> {
        let is_imported = |shown: &&Shown<'_>| shown.row.kind.is_imported();
        let (boards, others): (Vec<_>, Vec<_>) = shown.iter().partition(is_imported);
        others
            .into_iter()
            .try_for_each(|shown| published(store, shown))?;
        self.board.record(store, &boards)
    }
}

fn status_json(
    store: &dyn Store,
    row: &PublishRow,
    disk: Option<&Text>,
) -> Result<(Content, u64), StoreError> {
    if let Some(disk) = disk
        && let Some(changes) = Changes::since_publication(store, row, disk)?
        && let Ok(text) = std::str::from_utf8(disk)
    {
        let shown = ShownSteps {
            plan_path: row.plan.path().as_str(),
            plan_name: "",
            plan_hash: None,
            steps: &changes.steps,
            whole: false,
            runs: &changes.runs,
            now: store.now(),
        };
        if let Ok(written) = splice(text, &shown) {
            return Ok((written.into(), changes.up_to));
        }
    }
    let Some(view) = store.view(&row.plan)? else {
        return Ok((Content::Gone, row.sequence));
    };
    let shown = ShownSteps {
        plan_path: row.plan.path().as_str(),
        plan_name: &view.name,
        plan_hash: Some(&view.hash),
        steps: &view.steps,
        whole: true,
        runs: &view.runs,
        now: store.now(),
    };
    let content = match disk.map(|disk| std::str::from_utf8(disk)) {
        None => Content::Write(render(&shown).into_bytes().into()),
        Some(Ok(text)) => match splice(text, &shown) {
            Ok(written) => written.into(),
            Err(damage) => Content::Damaged(damage),
        },
        Some(Err(error)) => Content::Damaged(Damage::Foreign {
            message: format!("byte {} is no UTF-8", error.valid_up_to() + 1),
        }),
    };
    Ok((content, view.sequence))
}

impl From<Option<String>> for Content {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::UpToDate, |text| Self::Write(text.into_bytes().into()))
    }
}

/// What changed since the file was published; only asked when nobody touched it since.
struct Changes {
    steps: Vec<Step>,
    runs: Vec<Run>,
    up_to: u64,
}

impl Changes {
    fn since_publication(
        store: &dyn Store,
        row: &PublishRow,
        disk: &Text,
    ) -> Result<Option<Self>, StoreError> {
        // More than this is as fast from the whole view.
        const OPERATIONS_MAX: usize = 64;
        let Some(publication) = store.publication(&row.plan, &row.path)? else {
            return Ok(None);
        };
        if publication.hash != disk.digest() {
            return Ok(None);
        }
        let query = OperationQuery {
            plan: Some(row.plan.clone()),
            after: publication.sequence,
            limit: OPERATIONS_MAX,
            ..OperationQuery::default()
        };
        let operations = store.operations(&query)?;
        let mut ids: BTreeSet<StepId> = BTreeSet::new();
        let mut runs: BTreeSet<RunId> = BTreeSet::new();
        for stored in &operations {
            if matches!(stored.operation, Operation::PlanRegistered { .. }) {
                return Ok(None);
            }
            ids.extend(stored.operation.steps().iter().cloned());
            runs.extend(stored.operation.run());
        }
        let Some(last) = operations
            .last()
            .filter(|_| operations.len() < OPERATIONS_MAX)
        else {
            return Ok(None);
        };
        let mut steps = Vec::with_capacity(ids.len());
        for id in &ids {
            steps.extend(store.step(&row.plan, id)?);
        }
        let runs = if runs.is_empty() {
            Vec::new()
        } else {
            let mut all = store.runs(&row.plan)?;
            all.retain(|run| runs.contains(&run.id));
            all
        };
        Ok(Some(Self {
            steps,
            runs,
            up_to: last.sequence,
        }))
    }
}

fn plan_markers(
    store: &dyn Store,
    plan: &PlanKey,
    disk: Option<&Text>,
) -> Result<(Content, u64), StoreError> {
    let (Some(view), Some(disk)) = (store.view(plan)?, disk) else {
        // A plan that somebody deleted is not written anew from its markers.
        return Ok((Content::Gone, store.sequence()?));
    };
    let flying = view
        .runs
        .last()
        .is_some_and(|run| run.ended.is_none() && run.runner.as_ref().is_some_and(is_alive));
    let edited = markers::apply(disk, &markers::desired(&view, flying));
    let content = if edited == **disk {
        Content::UpToDate
    } else {
        Content::Write(edited.into())
    };
    Ok((content, view.sequence))
}

fn run_record(
    store: &dyn Store,
    row: &PublishRow,
    id: RunId,
    disk: Option<&Text>,
) -> Result<(Content, u64), StoreError> {
    let sequence = store.sequence()?;
    let runs = store.runs(&row.plan)?;
    let Some(run) = runs.iter().find(|run| run.id == id) else {
        return Ok((Content::Gone, sequence));
    };
    let text = record_text(run);
    if disk.is_some_and(|disk| **disk == *text.as_bytes()) {
        return Ok((Content::UpToDate, sequence));
    }
    Ok((Content::Write(text.into_bytes().into()), sequence))
}

fn record_text(run: &Run) -> String {
    let ended = run.ended;
    let record = json!({
        "runId": run_id_text(run),
        "startedAt": run.started_at.millis_text(),
        "completedAt": ended.map(|(at, _)| at.millis_text()),
        "ending": ended.map(|(_, ending)| ending),
        "words": run.words,
        "tasksCompleted": run.completed,
        "tasksFailed": run.failed,
    });
    format!("{record:#}\n")
}
