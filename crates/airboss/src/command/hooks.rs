//! The hooks of a run: made from the settings, and what became of them told and recorded.

use airboss_core::config::Config;
use airboss_core::operation::PlanKey;
use airboss_core::stage::Stage;
use airboss_core::text::sanitize;
use airboss_engine::board::{Desk, Failure};
use airboss_engine::run::hooks::{HookMeans, Hooks};
use airboss_engine::workspace::Workspace;

use super::run::prepare;
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
