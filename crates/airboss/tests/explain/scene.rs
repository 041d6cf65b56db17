//! The scene beside a real run: at random instants it is what the log says at its `as_of`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use airboss_core::id::AttemptId;
use airboss_core::operation::{PlanKey, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::scene::{RunStanding, Scene};
use airboss_core::time::Timestamp;
use airboss_core::verdict::RetryRules;
use airboss_core::view::View;
use airboss_engine::follow::{Follower, Subject, Wanted};
use airboss_engine::store::{OperationQuery, SqliteStore, Store as _};
use airboss_engine::workspace::Workspace;
use airboss_testkit::environment::eventually;
use rustix::process::Signal;

use crate::support::{environment, say};

const PLAN: &str = "plans/many.md";

/// How old what is shown may be.
const STALE_MAX: Duration = Duration::from_millis(250);

const SCRIPT: &str = r#"
[default]
actions = [
  { tool = "Bash", seconds = 0.03, input = "make {step}" },
  { write = "out/{slug}.txt", text = "made by {step}\n" },
  { say = "Done." },
]
"#;

/// A plan whose steps may all be flown side by side.
fn many_steps(count: usize) -> String {
    let steps: Vec<String> = (1..=count)
        .map(|n| format!("- [ ] 1.{n} Write `out/1-{n}.txt`\n"))
        .collect();
    format!(
        "# Plan: Many\n\n## Implementation Phases\n\n### Phase 1: Much [NOT STARTED]\n\
         **Dependencies**: []\n\
         **Execution Note:** Tasks 1.1-1.{count} are [PARALLEL] - files of their own\n\
         **Tasks**:\n{}",
        steps.concat()
    )
}

fn key() -> PlanKey {
    PlanKey::new(RepoPath::new(PLAN).expect("a plain path"))
}

fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.expect("it is past 1970").as_millis();
    Timestamp::from_millis(i64::try_from(millis).expect("it is before the year 292 million"))
}

/// The log as a reader of its own sees it, folded up to wherever the scene is.
struct Truth {
    workspace: Workspace,
    store: Option<SqliteStore>,
    read: Vec<(Instant, StoredOperation)>,
    folded: usize,
    view: View,
}

impl Truth {
    fn read(&mut self) {
        if self.store.is_none() {
            // While the database is made it cannot be read yet.
            self.store = self.workspace.open_reader().ok().flatten();
        }
        let Some(store) = &self.store else { return };
        let after = self.read.last().map_or(0, |(_, stored)| stored.sequence);
        let query = OperationQuery {
            after,
            limit: usize::MAX,
            ..OperationQuery::default()
        };
        let found = store.operations(&query).unwrap_or_default();
        let now = Instant::now();
        self.read
            .extend(found.into_iter().map(|stored| (now, stored)));
    }

    /// The scene is the fold of the log at its `as_of`.
    fn compare(&mut self, scene: &Scene) {
        while let Some((_, stored)) = self.read.get(self.folded)
            && stored.sequence <= scene.as_of()
        {
            if stored.plan == key() {
                self.view
                    .apply(stored)
                    .expect("a stored operation is legal");
            }
            self.folded += 1;
        }
        let Some(plan) = scene.plan(&key()) else {
            assert!(self.view.steps.is_empty(), "at {}", scene.as_of());
            return;
        };
        let as_of = scene.as_of();
        assert_eq!(plan.view().steps, self.view.steps, "at {as_of}");
        assert_eq!(plan.view().runs, self.view.runs, "at {as_of}");
        assert_eq!(plan.tally().counts(), self.view.counts(), "at {as_of}");
        let total: usize = plan.tally().by_stand().iter().map(|(_, count)| count).sum();
        assert_eq!(total, self.view.counts().total, "they add up at {as_of}");
        let open = self.view.open_attempts();
        let open: Vec<AttemptId> = open.iter().map(|attempt| attempt.id).collect();
        let shown: Vec<AttemptId> = scene.in_progress().map(|it| it.attempt().id).collect();
        assert_eq!(shown, open, "in progress at {as_of}");
    }

    /// How long the oldest operation that the scene lacks could be read: by this reader's own
    /// looks, and by the store's clock, which it reads before it commits.
    fn staleness(&self, scene: &Scene, sampled: Instant, at: Timestamp) -> (Duration, Duration) {
        let mut lacking = self.read.iter();
        let Some((seen, stored)) = lacking.find(|(_, it)| it.sequence > scene.as_of()) else {
            return Default::default();
        };
        (
            sampled.saturating_duration_since(*seen),
            at.since(stored.at),
        )
    }
}

/// Instants that do not beat with anything: a linear congruence (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn follower(workspace: &Workspace) -> (Follower, Scene) {
    let subject = Subject {
        plan: Some(key()),
        board: None,
    };
    let follower = Follower::start(workspace, Wanted::scene(subject));
    let follower = follower.expect("a thread can be started");
    (follower, Scene::new(RetryRules::default().retries_max))
}

fn drain(follower: &mut Follower, scene: &mut Scene, deadline: Instant) {
    while let Some(change) = follower.next(deadline) {
        scene.apply(change);
    }
}

#[test]
fn at_any_instant_the_scene_is_true_to_the_store() {
    let instants: u64 = std::env::var("AIRBOSS_TEST_INSTANTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(200);
    let environment = environment();
    let steps = usize::try_from(instants / 8).unwrap().clamp(12, 125);
    environment.plan(PLAN, many_steps(steps));
    environment.script(SCRIPT);
    environment.config("");
    let workspace = Workspace::open(&environment.top()).unwrap();
    let (mut follower, mut scene) = follower(&workspace);
    let mut truth = Truth {
        workspace,
        store: None,
        read: Vec::new(),
        folded: 0,
        view: View::default(),
    };
    let mut running = environment.start(["run", PLAN, "--agent", "claude", "--jobs", "4"]);
    let mut random = Random(20_260_302);
    let (mut starved, mut late_by_clock, mut oldest) = (0, 0, Duration::ZERO);
    let (mut tools_seen, mut side_by_side) = (0, 0);
    for _ in 0..instants {
        let deadline = Instant::now() + Duration::from_millis(random.below(80));
        drain(&mut follower, &mut scene, deadline);
        let (sampled, at) = (Instant::now(), wall());
        truth.read();
        truth.compare(&scene);
        if sampled.duration_since(deadline) > Duration::from_millis(50) {
            starved += 1; // This thread did not get its turn, and neither did the follower's.
            continue;
        }
        let (known, by_clock) = truth.staleness(&scene, sampled, at);
        assert!(known <= STALE_MAX, "what is shown is {known:?} old");
        late_by_clock += u64::from(by_clock > STALE_MAX);
        oldest = oldest.max(by_clock);
        let tools = scene.in_progress().filter(|it| it.tool().is_some());
        tools_seen += tools.count();
        side_by_side = side_by_side.max(scene.in_progress().len());
    }
    say(&format!(
        "{instants} instants, {starved} skipped; by the store's clock {late_by_clock} were late, \
         at most {oldest:?}; tools seen {tools_seen}, side by side {side_by_side}"
    ));
    assert!(late_by_clock * 20 <= instants, "{late_by_clock} are late");
    assert!(tools_seen > 0 && side_by_side > 1);
    assert!(eventually(Duration::from_secs(120), || {
        drain(&mut follower, &mut scene, Instant::now());
        !running.is_running()
    }));
    running.wait().expect_code(0);
    settled(&mut follower, &mut scene);
    truth.read();
    truth.compare(&scene);
    let header = scene.header(scene.plan(&key()).unwrap());
    assert_eq!(header.tally.settled(), steps);
    assert!(matches!(header.standing, Some(RunStanding::Ended(..))));
    assert_eq!(usize::try_from(header.attempts).unwrap(), steps);
    // One that comes afterwards sees the same.
    let (mut late, mut again) = self::follower(&truth.workspace);
    settled(&mut late, &mut again);
    let (one, other) = (scene.plan(&key()).unwrap(), again.plan(&key()).unwrap());
    assert_eq!(one.view().steps, other.view().steps);
    assert_eq!(one.log().spent(), other.log().spent());
    assert_eq!(one.log().landings(), other.log().landings());
    assert_eq!(scene.as_of(), again.as_of());
}

/// Waits until the run has ended and everything of it is shown.
fn settled(follower: &mut Follower, scene: &mut Scene) {
    let ended = eventually(Duration::from_secs(20), || {
        drain(follower, scene, Instant::now() + Duration::from_millis(50));
        let plan = scene.plan(&key());
        plan.is_some_and(|plan| plan.run().is_some_and(|run| run.ended.is_some()))
    });
    assert!(ended, "the end of the run was never shown");
    drain(follower, scene, Instant::now() + Duration::from_millis(500));
}

#[test]
fn a_run_that_was_killed_is_shown_as_it_is() {
    let environment = environment();
    environment.plan(PLAN, many_steps(1));
    environment.script("[default]\nactions = [{ tool = \"Bash\", seconds = 600 }]\n");
    environment.config("[limits]\nidle = \"600s\"\n");
    let workspace = Workspace::open(&environment.top()).unwrap();
    let (mut follower, mut scene) = follower(&workspace);
    let running = environment.start(["run", PLAN, "--agent", "claude"]);
    let mut until = |scene: &mut Scene, holds: &dyn Fn(&Scene) -> bool| {
        let held = eventually(Duration::from_secs(30), || {
            drain(
                &mut follower,
                scene,
                Instant::now() + Duration::from_millis(20),
            );
            holds(scene)
        });
        assert!(held, "{scene:#?}");
    };
    until(&mut scene, &|scene| {
        scene.in_progress().any(|it| it.tool().is_some())
    });
    running.signal(Signal::KILL);
    running.wait();
    until(&mut scene, &|scene| {
        let plan = scene.plan(&key()).unwrap();
        matches!(scene.header(plan).standing, Some(RunStanding::Gone(_)))
    });
    // The agent itself goes on below its supervisor, and is seen to.
    let flying = scene.in_progress().next().unwrap();
    assert_eq!(flying.liveness(wall()).0.word(), "running a tool");
    let supervisor = flying.attempt().supervisor.clone().unwrap();
    let pid = i32::try_from(supervisor.pid).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    until(&mut scene, &|scene| {
        let flying = scene.in_progress().next().unwrap();
        flying.liveness(wall()).0.word() == "lost"
    });
}
