//! The commands that are swept.
//!
//! To add one: say what comes before it (`prepare` runs in a repository with [`PLAN`], registered,
//! or with the board of `board.rs`, adopted), the command itself with its `--id`, and every file
//! that it publishes, in the order of publication. Then add it to [`ALL`]. Every regime of
//! `regimes.rs` goes over it from then on. A command without an `--id` must be one that may be
//! given twice.

use std::io;

use super::board;
use super::world::World;

const STATUS: &str = "docs/plan-outputs/demo/status.json";
const PLAN_FILE: &str = "plans/demo.md";

/// Two phases, so that a step can end one and leave the other alone.
pub const PLAN: &str = "\
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// [`PLAN`], whose commits are the person's.
    Plan,
    /// A board, each of whose changes is committed.
    Board,
    /// The same with lists so large that threads work on them.
    LargeBoard,
}

/// One command and its surroundings.
#[derive(Debug)]
pub struct Scenario {
    /// What it is about.
    pub subject: Subject,
    /// Its name in what is printed.
    pub name: &'static str,
    /// What comes before it.
    pub prepare: fn(&World) -> io::Result<()>,
    /// The command, with an `--id` so that it can be repeated.
    pub command: &'static [&'static str],
    /// The files that it publishes, relative to the work tree. At any moment each of them is
    /// what it was before or what it is afterwards.
    pub projections: &'static [&'static str],
}

impl Scenario {
    /// Prepares what `prepare` can rely on.
    pub(super) fn begin(&self, world: &World) -> io::Result<()> {
        match self.subject {
            Subject::Plan => {
                world.write(PLAN_FILE, PLAN)?;
                world.commit("a plan")?;
                world.done(&["init", PLAN_FILE])
            }
            Subject::Board => board::begin(world),
            Subject::LargeBoard => board::begin_large(world),
        }
    }

    /// Whether it changes a board, and so makes a commit.
    #[must_use]
    pub fn is_board(&self) -> bool {
        self.subject != Subject::Plan
    }

    /// Whether the calls of its command come in another order each time.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.subject == Subject::LargeBoard
    }
}

/// Every command that is swept.
pub const ALL: &[Scenario] = &[
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
    board::ARCHIVE,
    board::STATUS_OF_MANY,
];

/// The last step of a phase: its marker changes, too.
const MARK_COMPLETE: Scenario = Scenario {
    subject: Subject::Plan,
    name: "mark-complete",
    prepare: |world| {
        world.done(&["mark-started", "1.1"])?;
        world.done(&["mark-complete", "1.1"])?;
        world.done(&["mark-started", "1.2"])
    },
    command: &["mark-complete", "1.2", "--notes", "done", "--id", "swept"],
    projections: &[PLAN_FILE, STATUS],
};

/// A step in the middle of a phase: the marker stays, which is found out after the change.
const MARK_SKIPPED: Scenario = Scenario {
    subject: Subject::Plan,
    name: "mark-skipped",
    prepare: |world| world.done(&["mark-started", "1.1"]),
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
    prepare: |_| Ok(()),
    command: &["mark-started", "1.1", "--id", "swept"],
    projections: &[PLAN_FILE, STATUS],
};

/// Somebody declared a step done in status.json, which is not believed.
const SYNC: Scenario = Scenario {
    subject: Subject::Plan,
    name: "sync",
    prepare: |world| {
        let edited = world.read(STATUS)?.replacen("pending", "completed", 1);
        world.write(STATUS, edited)
    },
    command: &["sync"],
    projections: &[PLAN_FILE, STATUS],
};
