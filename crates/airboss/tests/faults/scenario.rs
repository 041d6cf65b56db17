//! The commands that are swept.
//!
//! To add one: say what comes before it (`prepare` runs in a repository with [`PLAN`], registered,
//! or with the board of `board.rs`, adopted), the command itself with its `--id`, and every file
//! that it publishes, in the order of publication. Then add it to [`ALL`]. Every regime of
//! `regimes.rs` goes over it from then on. A command without an `--id` must be one that may be
//! given twice.

use airboss_testkit::TestEnvironment;

use crate::board;

const STATUS: &str = "docs/plan-outputs/demo/status.json";
const PLAN_FILE: &str = "plans/demo.md";

/// Two phases, so that a step can end one and leave the other alone.
pub(crate) const PLAN: &str = "\
# Plan: Demo

### Phase 1: Measure [NOT STARTED]

**Tasks**:
- [ ] 1.1 Measure the width
- [ ] 1.2 Measure the height

### Phase 2: Mend [NOT STARTED]

**Tasks**:
- [ ] 2.1 Mend what is too wide
";

/// What the repository is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// [`PLAN`], whose commits are the person's.
    Plan,
    /// A board, each of whose changes is committed.
    Board,
}

/// One command and its surroundings.
pub(crate) struct Scenario {
    /// What it is about.
    pub(crate) subject: Subject,
    /// Its name in what is printed.
    pub(crate) name: &'static str,
    /// What comes before it.
    pub(crate) prepare: fn(&TestEnvironment),
    /// The command, with an `--id` so that it can be repeated.
    pub(crate) command: &'static [&'static str],
    /// The files that it publishes, relative to the work tree. At any moment each of them is
    /// what it was before or what it is afterwards.
    pub(crate) projections: &'static [&'static str],
}

impl Scenario {
    /// Prepares what `prepare` can rely on.
    pub(crate) fn begin(&self, environment: &TestEnvironment) {
        match self.subject {
            Subject::Plan => {
                environment.plan("plans/demo.md", PLAN);
                environment.run(["init", "plans/demo.md"]).expect_code(0);
            }
            Subject::Board => board::begin(environment),
        }
    }

    /// Where a sample of its points begins, and how far they are apart. A change of a board makes
    /// three times the calls of a step's, and its commit is judged with six runs of git.
    pub(crate) fn thinned(&self, (shift, sample): (usize, usize)) -> (usize, usize) {
        if self.is_board() {
            (shift, sample * 9)
        } else {
            (shift, sample)
        }
    }

    pub(crate) fn is_board(&self) -> bool {
        self.subject == Subject::Board
    }
}

/// Every command that is swept.
pub(crate) const ALL: &[Scenario] = &[
    MARK_COMPLETE,
    MARK_SKIPPED,
    MARK_STARTED,
    SYNC,
    board::ADD,
    board::STATUS,
    board::STATUS_WITH_PHASES,
    board::PHASE,
    board::SYNC,
    board::UNDO,
];

/// The last step of a phase: its marker changes, too.
const MARK_COMPLETE: Scenario = Scenario {
    subject: Subject::Plan,
    name: "mark-complete",
    prepare: |environment| {
        environment.run(["mark-started", "1.1"]).expect_code(0);
        environment.run(["mark-complete", "1.1"]).expect_code(0);
        environment.run(["mark-started", "1.2"]).expect_code(0);
    },
    command: &["mark-complete", "1.2", "--notes", "done", "--id", "swept"],
    projections: &[PLAN_FILE, STATUS],
};

/// A step in the middle of a phase: the marker stays, which is found out after the change.
const MARK_SKIPPED: Scenario = Scenario {
    subject: Subject::Plan,
    name: "mark-skipped",
    prepare: |environment| {
        environment.run(["mark-started", "1.1"]).expect_code(0);
    },
    command: &[
        "mark-skipped",
        "1.2",
        "--reason",
        "no need",
        "--id",
        "swept",
    ],
    projections: &[PLAN_FILE, STATUS],
};

const MARK_STARTED: Scenario = Scenario {
    subject: Subject::Plan,
    name: "mark-started",
    prepare: |_| {},
    command: &["mark-started", "1.1", "--id", "swept"],
    projections: &[PLAN_FILE, STATUS],
};

/// Somebody declared a step done in status.json, which is not believed.
const SYNC: Scenario = Scenario {
    subject: Subject::Plan,
    name: "sync",
    prepare: |environment| {
        let edited = environment.read(STATUS).replacen("pending", "completed", 1);
        environment.write(STATUS, edited);
    },
    command: &["sync"],
    projections: &[PLAN_FILE, STATUS],
};
