//! What status commands work on: one plan, to look at or to change.
//!
//! [`Reading`] never writes; it computes from the files when the store knows nothing.
//! [`Writing`] registers a plan that is not known yet, and publishes at the end.

use std::path::{Path, PathBuf};

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::nearest::nearest;
use airboss_core::operation::{Operation, PlanKey};
use airboss_core::path::RepoPath;
use airboss_core::plan::{Dialect, plan_hash};
use airboss_core::status_file::StatusFile;
use airboss_core::view::View;
use airboss_engine::clock;
use airboss_engine::inbox;
use airboss_engine::plan_stamp::PlanStamp;
use airboss_engine::projection::{Publisher, Settled};
use airboss_engine::registry::{preview, register_with};
use airboss_engine::run::markers::status_of;
use airboss_engine::settings::{Places, Settings};
use airboss_engine::store::{
    CommandId, Commit, Committed, Decide, Decided, PhaseCounts, PublishItem, PublishKind, Refusal,
    SqliteStore, Store, StoreError,
};
use airboss_engine::workspace::{PlanFile, Workspace};
use serde_json::Value;

use crate::context::Context;
use crate::error::{CliError, ErrorKind};

/// A plan to look at.
pub struct Reading {
    /// The work tree.
    pub workspace: Workspace,
    /// The plan's key.
    pub key: PlanKey,
    /// The plan's file.
    pub path: PathBuf,
    /// Where it stands.
    pub view: View,
    /// The store, when there is one.
    pub store: Option<SqliteStore>,
}

impl Reading {
    /// Opens the plan that the command is about.
    ///
    /// # Errors
    /// When it cannot be told which plan is meant, or it cannot be read.
    pub fn open(context: &Context) -> Result<Self, CliError> {
        let workspace = Workspace::open(&context.directory)?;
        let path = context.plan_file(&workspace, None)?;
        let key = workspace.plan_key(&path)?;
        let store = workspace.open_reader()?;
        let known = match &store {
            Some(store) => store.view(&key)?,
            None => None,
        };
        let view = match known {
            Some(view) => view,
            None => unknown(&workspace, &workspace.read_plan(&path)?)?,
        };
        Ok(Self {
            workspace,
            key,
            path,
            view,
            store,
        })
    }

    /// Reads the plan's file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(&self) -> Result<PlanFile, CliError> {
        Ok(self.workspace.read_plan(&self.path)?)
    }

    /// A step of the plan.
    ///
    /// # Errors
    /// When there is none with this id.
    pub fn step(&self, id: &StepId) -> Result<&airboss_core::step::Step, CliError> {
        self.view
            .step(id)
            .ok_or_else(|| unknown_step(id, Some(&self.view)))
    }
}

/// Where a plan stands that may not be known yet.
///
/// # Errors
/// When the store or its status.json cannot be read.
pub fn view(workspace: &Workspace, file: &PlanFile) -> Result<View, CliError> {
    let store = workspace.open_reader()?;
    let known = store.map(|store| store.view(&file.key)).transpose()?;
    match known.flatten() {
        Some(view) => Ok(view),
        None => unknown(workspace, file),
    }
}

/// Where a plan stands that nobody registered.
fn unknown(workspace: &Workspace, file: &PlanFile) -> Result<View, CliError> {
    let status = own_status(workspace, file)?;
    Ok(preview(file, status.as_ref(), clock::now()))
}

/// The status.json of a plan, when it is there and is this plan's own.
///
/// # Errors
/// When it belongs to another plan.
pub fn own_status(workspace: &Workspace, file: &PlanFile) -> Result<Option<StatusFile>, CliError> {
    let output = output_of(file)?;
    let shown = format!("{output}/status.json");
    let Ok(bytes) = fs_err::read(workspace.top.join(&shown)) else {
        return Ok(None);
    };
    let status = StatusFile::read(&String::from_utf8_lossy(&bytes));
    let other = status
        .plan_path
        .as_deref()
        .filter(|path| !is_same_plan(workspace, path, file));
    match other {
        // A plan that was moved leaves its path behind; one that is still there is another plan.
        Some(other) if workspace.top.join(other).is_file() => Err(CliError::refused(format!(
            "{shown} belongs to the plan {other}, and two plans cannot share it"
        ))
        .hint(format!(
            "give {} an `**Output:**` line with another directory",
            file.key
        ))),
        _ => Ok(Some(status)),
    }
}

fn is_same_plan(workspace: &Workspace, path: &str, file: &PlanFile) -> bool {
    let path = Path::new(path);
    let relative = path.strip_prefix(&workspace.top).unwrap_or(path);
    relative
        .to_str()
        .and_then(|text| RepoPath::new(text).ok())
        .is_some_and(|path| path == *file.key.path())
}

/// The plan's output directory.
///
/// # Errors
/// When the plan names one outside the work tree.
pub fn output_of(file: &PlanFile) -> Result<RepoPath, CliError> {
    file.output().map_err(|error| {
        CliError::refused(format!(
            "{}: the output directory is refused: {error}",
            file.key
        ))
        .hint("an `**Output:**` line names a directory inside the work tree")
    })
}

/// An error for a step that is not there, with the nearest one that is.
#[must_use]
pub fn unknown_step(id: &StepId, view: Option<&View>) -> CliError {
    let error = CliError::refused(format!("the plan has no step `{id}`"));
    let known = view.and_then(|view| {
        let ids = view.steps.iter().map(|step| step.record.id.as_str());
        nearest(id.as_str(), ids)
    });
    match known {
        Some(known) => error.hint(format!("did you mean `{known}`?")),
        None => error.hint("`airboss status` and `airboss next` show the plan's steps"),
    }
}

/// A plan to change.
pub struct Writing {
    /// The work tree.
    pub workspace: Workspace,
    /// The plan's key.
    pub key: PlanKey,
    /// The plan's file.
    pub path: PathBuf,
    /// The plan's output directory.
    pub output: RepoPath,
    /// Whether phase markers are written into the plan.
    pub markers: bool,
    /// The store.
    pub store: SqliteStore,
    command: Option<CommandId>,
    /// What the person should know besides.
    notes: Vec<String>,
    /// What failed after the change was stored, in sentences.
    late: Vec<String>,
}

/// The idempotency key, which every writing command takes.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct WriteOptions {
    /// Name this command: given again, it answers what it answered first and changes nothing.
    #[arg(long = "id", value_name = "KEY")]
    pub command_id: Option<String>,
}

impl Writing {
    /// Opens the plan that the command is about, registering it when it is new or was edited.
    ///
    /// # Errors
    /// When it cannot be told which plan is meant, it cannot be read, or the store fails.
    pub fn open(context: &Context, options: &WriteOptions) -> Result<Self, CliError> {
        let workspace = Workspace::open(&context.directory)?;
        let path = context.plan_file_to_change(&workspace, None)?;
        let command = options.command_id.as_deref().map(CommandId::new);
        Self::of_file(workspace, path, command)
    }

    /// As [`Writing::open`], for this file.
    ///
    /// # Errors
    /// As for [`Writing::open`].
    pub fn of_file(
        workspace: Workspace,
        path: PathBuf,
        command: Option<CommandId>,
    ) -> Result<Self, CliError> {
        let key = workspace.plan_key(&path)?;
        if let Some(stamp) = PlanStamp::recall(&workspace.state, &key, &path) {
            let mut store = workspace.open_store()?;
            let notes = drained(&workspace, &mut store);
            let (output, markers) = (stamp.output, stamp.markers);
            return Ok(Self {
                workspace,
                key,
                path,
                output,
                markers,
                store,
                command,
                notes,
                late: Vec::new(),
            });
        }
        let file = workspace.read_plan(&path)?;
        let output = output_of(&file)?;
        let status = own_status(&workspace, &file)?;
        let markers = file.plan.dialect != Dialect::Orchestrator && markers_wanted(&workspace)?;
        let mut store = workspace.open_store()?;
        // The stamp is taken before what it vouches for: a later edit makes it stale.
        let stamp = PlanStamp::take(&path, output.clone(), markers)?;
        register_with(&mut store, &file, status.as_ref())?;
        stamp.keep(&workspace.state, &key);
        let notes = drained(&workspace, &mut store);
        Ok(Self {
            workspace,
            key,
            path,
            output,
            markers,
            store,
            command,
            notes,
            late: Vec::new(),
        })
    }

    /// The files that a change of steps or runs makes stale.
    #[must_use]
    pub fn stale(&self, operations: &[Operation]) -> Vec<PublishItem> {
        let mut items = vec![self.item("status.json", PublishKind::StatusJson)];
        if self.markers
            && operations
                .iter()
                .any(|operation| !operation.steps().is_empty())
        {
            let path = self.key.path().clone();
            items.push(PublishItem {
                path,
                kind: PublishKind::PlanMarkers,
            });
        }
        for run in operations.iter().filter_map(Operation::run) {
            let name = format!("timestamps/runs/run-{run}.json");
            items.push(self.item(&name, PublishKind::RunRecord { run }));
        }
        items
    }

    /// The steps of each phase, counted, when phase markers are written into the plan.
    ///
    /// # Errors
    /// When the store fails.
    pub fn marked_phases(&self) -> Result<Vec<PhaseCounts>, StoreError> {
        if !self.markers {
            return Ok(Vec::new());
        }
        let overview = self.store.overview(&self.key)?;
        Ok(overview.map(|overview| overview.phases).unwrap_or_default())
    }

    /// Vouches for the plan file again after its markers were written, so that the next
    /// command need not read it; not when somebody changed more than markers meanwhile.
    fn remember_plan(&self) -> Result<(), CliError> {
        let stamp = PlanStamp::take(&self.path, self.output.clone(), self.markers)?;
        let hash = plan_hash(&fs_err::read(&self.path)?);
        if self
            .store
            .overview(&self.key)?
            .is_some_and(|known| known.hash == hash)
        {
            stamp.keep(&self.workspace.state, &self.key);
        }
        Ok(())
    }

    /// Publishes the plan's markers when a phase's is another one than before.
    ///
    /// Whoever changes a step decides on what it saw before. When somebody else was faster,
    /// the two together may change a marker that neither would have changed alone.
    pub fn catch_up_markers(&mut self, before: &[PhaseCounts]) {
        if let Err(error) = self.try_catch_up_markers(before) {
            self.late.push(error.after_storing());
        }
    }

    fn try_catch_up_markers(&mut self, before: &[PhaseCounts]) -> Result<(), StoreError> {
        let words = |phases: &[PhaseCounts]| -> Vec<_> {
            phases
                .iter()
                .map(|phase| status_of(&phase.counts, false))
                .collect()
        };
        if words(&self.marked_phases()?) == words(before) {
            return Ok(());
        }
        let mut commit = Commit::new(self.key.clone(), Vec::new());
        commit.change.publish = vec![self.markers_item()];
        self.store.commit(&commit)?;
        Ok(())
    }

    /// The plan's own file, to be published.
    #[must_use]
    pub fn markers_item(&self) -> PublishItem {
        PublishItem {
            path: self.key.path().clone(),
            kind: PublishKind::PlanMarkers,
        }
    }

    fn item(&self, name: &str, kind: PublishKind) -> PublishItem {
        let text = format!("{}/{name}", self.output);
        let path = RepoPath::new(&text).unwrap_or_else(|_| self.output.clone());
        PublishItem { path, kind }
    }

    /// Decides about one step and stores the decision; answers what the command answers.
    ///
    /// # Errors
    /// When the step is not there, the decision says no, or the store fails.
    pub fn decide(&mut self, id: &StepId, decide: &mut Decide<'_>) -> Result<Value, CliError> {
        let command = self.command.clone();
        match self.store.decide(&self.key, command.as_ref(), id, decide)? {
            Decided::Applied { result, .. } | Decided::Duplicate { result } => Ok(result),
            Decided::Refused(refusal) => Err(refused(refusal)),
            Decided::UnknownStep => {
                let view = self.store.view(&self.key)?;
                Err(unknown_step(id, view.as_ref()))
            }
        }
    }

    /// Stores operations that depend on nothing; answers `result`, or what was answered first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn commit(&mut self, operations: Vec<Operation>, result: Value) -> Result<Value, CliError> {
        let mut commit = Commit::new(self.key.clone(), operations);
        commit.change.publish = self.stale(&commit.change.operations);
        commit.command.clone_from(&self.command);
        commit.change.result = result.clone();
        match self.store.commit(&commit)? {
            Committed::Applied { .. } => Ok(result),
            Committed::Duplicate { result } => Ok(result),
            // Nothing was expected and no fence was given.
            Committed::Conflict | Committed::Fenced { .. } => Err(CliError::new(
                ErrorKind::Busy,
                format!("{} is being changed", self.key),
            )),
        }
    }

    /// Publishes what is stale, answers, and tells what could not be published.
    ///
    /// The change is stored already: whatever fails from here on makes it no less so, and the
    /// caller is told that files are pending, never that nothing happened.
    ///
    /// # Errors
    /// None any more; a command ends with this.
    pub fn finish(
        mut self,
        context: &Context,
        answer: &Value,
        words: impl FnOnce(&Value) -> String,
    ) -> Result<ExitCode, CliError> {
        let publisher = Publisher::new(&self.workspace);
        let mut late = std::mem::take(&mut self.late);
        let settled = publisher.settle(&mut self.store, None);
        let settled = settled.unwrap_or_else(|error| {
            late.push(error.after_storing());
            Settled::default()
        });
        if settled.written.contains(self.key.path()) {
            // Without it the next command reads the plan, that is all.
            self.remember_plan().ok();
        }
        context.answer(answer, words);
        for note in self.notes.iter().chain(&settled.notes) {
            context.printer.warning(note);
        }
        late.extend(
            settled.pending.into_iter().map(|pending| {
                format!("{} could not be written: {}", pending.path, pending.reason)
            }),
        );
        for reason in &late {
            context.printer.warning(&format!(
                "the change is stored, but {reason}; the next command tries again"
            ));
        }
        Ok(if late.is_empty() {
            ExitCode::Success
        } else {
            ExitCode::PublishPending
        })
    }
}

/// Takes in what agents left in the inbox; tells what was refused.
fn drained(workspace: &Workspace, store: &mut SqliteStore) -> Vec<String> {
    let drained = inbox::drain(&workspace.top, &workspace.state, store);
    drained.notes().collect()
}

/// A refusal of a decision in words; decisions of this program refuse with [`CliError`].
#[must_use]
pub fn refused(refusal: Refusal) -> CliError {
    match refusal.downcast::<CliError>() {
        Ok(error) => *error,
        Err(other) => CliError::refused(other.to_string()),
    }
}

fn markers_wanted(workspace: &Workspace) -> Result<bool, CliError> {
    let places = Places::new(&workspace.top, Some(&workspace.state));
    Ok(Settings::load(&places, &[])?.config.markdown_write)
}
