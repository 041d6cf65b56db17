//! What the disk and the store of runs say of a task that its entry does not.

use airboss_core::attempt::AttemptStatus;
use airboss_core::board::review::Surroundings;
use airboss_core::board::{Task, link};
use airboss_core::path::RepoPath;
use airboss_core::plan::Plan;
use airboss_core::stage::Stage;

use super::places::Places;
use crate::run::attempt_files::directory;
use crate::store::{Store, StoreError};
use crate::supervise;
use crate::workspace::Workspace;

/// Who looks around tasks. What runs is asked once; a task's files each time.
#[derive(Debug)]
pub struct LookAround<'a> {
    places: &'a Places,
    /// The plans and stages that a live agent works on.
    flown: Vec<RepoPath>,
}

impl<'a> LookAround<'a> {
    /// Asks what runs now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(
        workspace: &Workspace,
        places: &'a Places,
        store: &dyn Store,
    ) -> Result<Self, StoreError> {
        let mut flown = Vec::new();
        for known in store.open_attempts()? {
            let attempt = &known.attempt;
            let supervisor = supervise::supervisor(&directory(&workspace.state, attempt.id));
            let supervisor = supervisor.or_else(|| attempt.supervisor.clone());
            let is_alive = attempt.status != AttemptStatus::Ended
                && supervisor.as_ref().is_some_and(supervise::is_alive);
            if is_alive {
                flown.push(known.plan.path().clone());
            }
        }
        Ok(Self { places, flown })
    }

    /// Whether a live agent works on the task: on its plan, or in one of its stages.
    #[must_use]
    pub fn is_flown(&self, task: &Task) -> bool {
        if self.flown.is_empty() {
            return false;
        }
        let mut keys: Vec<String> = Vec::new();
        if let Some(plan) = self.places.plan(task) {
            // A stage has the plan without its ending.
            let stem = plan.as_str().strip_suffix(".md");
            keys.extend(stem.map(str::to_owned));
            keys.push(plan.to_string());
        }
        let home = self.places.directory(task);
        let home = home.and_then(|home| self.places.board.file(&home).ok());
        let stages = |home: RepoPath| Stage::ALL.map(|stage| format!("{home}/{stage}"));
        keys.extend(home.into_iter().flat_map(stages));
        let mut flown = self.flown.iter();
        flown.any(|path| keys.iter().any(|key| key == path.as_str()))
    }

    /// The links of a task to what is not there, or empty; each file once.
    #[must_use]
    pub fn missing(&self, task: &Task) -> Vec<String> {
        let links = task.artifacts.iter().map(|it| it.path.as_str());
        let links = links.chain(task.plan.as_deref());
        let local = links.filter(|path| !path.contains("://"));
        let mut missing: Vec<String> = Vec::new();
        for path in local.filter(|path| self.resolved(task, path).is_none()) {
            if !missing.iter().any(|known| link::same(known, path)) {
                missing.push(path.to_owned());
            }
        }
        missing
    }

    /// The file that a link means, if there is something in it.
    fn resolved(&self, task: &Task, path: &str) -> Option<RepoPath> {
        let found = self.places.resolve(task, path)?;
        let facts = fs_err::metadata(self.places.top.join(&found)).ok()?;
        (facts.len() > 0).then_some(found)
    }

    /// All of it.
    #[must_use]
    pub fn around(&self, task: &Task) -> Surroundings {
        let plan = self.places.plan(task).and_then(|path| {
            let bytes = fs_err::read(self.places.top.join(&path)).ok()?;
            let phases = Plan::parse(&bytes).phases.into_iter();
            let phases = phases.map(|phase| (phase.key, phase.status));
            Some((path.to_string(), phases.collect()))
        });
        Surroundings {
            is_flown: self.is_flown(task),
            missing: self.missing(task),
            plan,
        }
    }
}
