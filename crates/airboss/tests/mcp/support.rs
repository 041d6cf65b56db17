//! An attempt without an agent, so that the test itself is the agent.

use airboss_core::attempt::{AttemptEnd, StreamReport};
use airboss_core::id::{AttemptId, RunId, StepId};
use airboss_core::operation::{Operation, PlanKey, StoredOperation};
use airboss_engine::clock;
use airboss_engine::run::attempt_files::directory;
use airboss_engine::store::{Commit, OperationQuery, SqliteStore, Store as _};
use airboss_engine::supervise::issue_token;
use airboss_engine::workspace::Workspace;
use airboss_testkit::environment::{Invocation, TestEnvironment};
use serde_json::{Value, json};

pub(crate) const PLAN: &str = "plans/work.md";

const TEXT: &str = "# Plan: Work\n\n## Implementation Phases\n\n\
    ### Phase 1: Files [NOT STARTED]\n**Dependencies**: []\n**Tasks**:\n\
    - [ ] 1.1 Write `out/1-1.txt`\n- [ ] 1.2 Write `out/1-2.txt`\n- [ ] 1.3 Write `out/1-3.txt`\n";

/// An environment with a plan of three steps.
pub(crate) fn environment() -> TestEnvironment {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    environment.plan(PLAN, TEXT);
    environment
}

/// The same with a board of one task, and the plan known.
pub(crate) fn with_board() -> TestEnvironment {
    let environment = environment();
    environment.run(["init", PLAN]).expect_code(0);
    environment.run(["init", "--yes"]).expect_code(0);
    environment
        .run(["task", "add", "Shorten the banner"])
        .expect_code(0);
    environment
}

/// Who reports.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) attempt: AttemptId,
    pub(crate) token: String,
}

impl Agent {
    /// Lets a new attempt work on a step, as a runner would.
    pub(crate) fn of(environment: &TestEnvironment, step: &str) -> Self {
        if environment.path(".git/airboss").is_dir() {
            environment.run(["status", "--plan", PLAN]).expect_code(0);
        } else {
            environment.run(["init", PLAN]).expect_code(0);
        }
        let attempt = AttemptId::from_uuid(clock::fresh_uuid());
        let run = RunId::from_uuid(clock::fresh_uuid());
        let (workspace, mut store) = store(environment);
        let directory = directory(&workspace.state, attempt);
        fs_err::create_dir_all(&directory).unwrap();
        let token = issue_token(&directory).unwrap();
        let operations = vec![
            Operation::RunStarted {
                run,
                runner: None,
                words: "a test".to_owned(),
            },
            Operation::AttemptDispatched {
                attempt,
                run,
                steps: vec![step.into()],
                agent: "test".to_owned(),
                fence: 1,
                number: 1,
                retry: false,
            },
        ];
        store.commit(&Commit::new(plan(), operations)).unwrap();
        Self { attempt, token }
    }

    /// Ends the attempt.
    pub(crate) fn end(&self, environment: &TestEnvironment) {
        let ended = Operation::AttemptEnded {
            attempt: self.attempt,
            end: AttemptEnd::NeverStarted,
            report: StreamReport::default(),
        };
        let (_, mut store) = store(environment);
        store.commit(&Commit::new(plan(), vec![ended])).unwrap();
    }

    /// A command from inside the attempt.
    pub(crate) fn command<'e>(
        &self,
        environment: &'e TestEnvironment,
        words: &[&str],
    ) -> Invocation<'e> {
        environment
            .command(words)
            .env("AIRBOSS_ATTEMPT", self.attempt.to_string())
            .env("AIRBOSS_TOKEN", &self.token)
            .env("AIRBOSS_PLAN", PLAN)
    }

    /// A letter for the inbox.
    pub(crate) fn letter(&self, report: &Value) -> Value {
        json!({ "attempt": self.attempt, "token": self.token, "report": report })
    }
}

fn plan() -> PlanKey {
    PlanKey::new(airboss_core::path::RepoPath::new(PLAN).unwrap())
}

pub(crate) fn store(environment: &TestEnvironment) -> (Workspace, SqliteStore) {
    let workspace = Workspace::open(&environment.top()).unwrap();
    let store = workspace.open_store().unwrap();
    (workspace, store)
}

/// All that was stored, the oldest first.
pub(crate) fn operations(environment: &TestEnvironment) -> Vec<StoredOperation> {
    let query = OperationQuery {
        limit: 10_000,
        ..OperationQuery::default()
    };
    store(environment).1.operations(&query).unwrap()
}

/// What was claimed of a step, the oldest first, as people read it.
pub(crate) fn claims(environment: &TestEnvironment, of: &str) -> Vec<String> {
    let of = StepId::from(of);
    let operations = operations(environment).into_iter();
    operations
        .filter_map(|stored| match stored.operation {
            Operation::StepClaimed {
                step, claim, about, ..
            } if step == of => Some(about.told(&claim)),
            _ => None,
        })
        .collect()
}
