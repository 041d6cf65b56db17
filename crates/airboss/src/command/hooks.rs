//! The hooks of a run: made from the settings, and what became of them told and recorded.

use airboss_core::board::{BoardKey, Task};
use airboss_core::config::Config;
use airboss_core::id::TaskId;
use airboss_core::operation::PlanKey;
use airboss_core::path::RepoPath;
use airboss_core::stage::Stage;
use airboss_core::text::sanitize;
use airboss_engine::board::{BoardError, Desk, Failure};
use airboss_engine::run::hooks::{HookMeans, Hooks};
use airboss_engine::workspace::Workspace;

use super::run::{self, RunArguments, prepare};
use crate::board;
use crate::context::Context;
use crate::error::CliError;

/// The hooks of a run of a plan, or of a stage of a task.
pub(super) fn hooks(
    config: &Config,
    workspace: &Workspace,
    plan: &PlanKey,
    stage: Option<(u32, Stage)>,
) -> Result<Hooks, CliError> {
    let means = HookMeans {
        airboss: std::env::current_exe()?,
        state: workspace.state.clone(),
        top: workspace.top.clone(),
        environment: prepare::environment(),
    };
    Ok(Hooks::new(config.hooks.clone(), means, plan, stage))
}

/// The hooks of what a task's own log has: its checks, and the end of its workflow.
pub(super) struct TaskHooks {
    hooks: Hooks,
    board: BoardKey,
    task: (TaskId, u32),
}

impl TaskHooks {
    /// To be called before anything is stored: it tells what an earlier command stored and did
    /// not tell.
    pub(super) fn begin(desk: &Desk, task: &Task) -> Result<Self, CliError> {
        let settings = run::load_settings(&desk.workspace, &RunArguments::default())?;
        if !settings.config.hooks.is_empty() {
            settings.require_trust()?;
        }
        let board = desk.board().clone();
        let key = RepoPath::new(&format!("{board}/{}", task.id)).map_err(BoardError::from)?;
        let hooks = hooks(&settings.config, &desk.workspace, &PlanKey::new(key), None)?;
        let task = (task.id, task.number);
        let mut begun = Self { hooks, board, task };
        begun.tell(desk);
        Ok(begun)
    }

    /// Tells what was stored since.
    pub(super) fn tell(&mut self, desk: &Desk) {
        self.hooks.tell_task(&desk.store, &self.board, self.task);
    }

    /// Waits until all is told.
    pub(super) fn finish(&mut self, context: &Context, desk: &mut Desk) {
        finish(context, &mut self.hooks, Some(desk));
    }
}

/// Tells the end of the run. What a hook failed with is one warning, and an error of the board
/// where there is one; it is never an error of the run.
pub(super) fn finish(context: &Context, hooks: &mut Hooks, desk: Option<&mut Desk>) {
    let failures = hooks.finish();
    if failures.is_empty() {
        return;
    }
    let mut opened = None;
    let mut desk = desk.or_else(|| {
        let (workspace, places) = board::known(context).ok()?;
        opened = Desk::open(workspace, &places.board).ok();
        opened.as_mut()
    });
    for failure in failures {
        let (name, why) = (sanitize(&failure.hook), sanitize(&failure.message));
        let message = format!("the hook `{name}` failed: {why}");
        context.printer.warning(&message);
        if let Some(desk) = &mut desk {
            // It is told already; the record is for later.
            drop(desk.record_error(Failure::Hook.entry(message, None)));
        }
    }
}
