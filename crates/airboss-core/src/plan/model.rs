//! What a plan is: phases with steps and criteria, and the problems found in it.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::id::StepId;

/// A plan above this is refused. The largest real one seen has 99 kB; the bound keeps a
/// hostile file from turning into gigabytes of steps.
pub const MAX_PLAN_BYTES: usize = 16 * 1024 * 1024;

/// A Markdown plan, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The first level-1 heading.
    pub title: Option<String>,
    /// Which family of plans the file belongs to.
    pub dialect: Dialect,
    /// The output directory of the header (`**Output:**`), as written.
    pub output: Option<String>,
    /// The plan's own status line, if it has one.
    pub status: Option<PlanMarker>,
    /// The header's `key: value` lines in file order.
    pub fields: Vec<Field>,
    /// The phases in document order, which is the order of execution.
    pub phases: Vec<Phase>,
    /// Criteria of the whole plan: boxes outside every phase.
    pub criteria: Vec<Criterion>,
    /// Notes that say what may run at the same time.
    pub notes: Vec<Note>,
    /// What is wrong or odd, in line order.
    pub problems: Vec<Problem>,
    /// Where the bytes are that an edit may change and the plan hash leaves out.
    pub(super) owned: Owned,
}

/// Byte ranges that belong to whoever drives the plan, not to its author.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Owned {
    /// The character between the brackets of every box.
    pub(super) marks: Vec<Range<usize>>,
    /// Whole lines with a Started or Completed stamp, by line number from 0.
    pub(super) stamp_lines: Vec<usize>,
    /// Marker cells of the phase status table: the phase number and the marker's text.
    pub(super) cells: Vec<(String, Range<usize>)>,
}

/// The families of plans. Mixed features are normal; the dialect only decides defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Bold header lines, numbered tasks without boxes, boxes as acceptance criteria.
    BoardB,
    /// Header and phase fields as list items, nested boxes as tasks.
    BoardA,
    /// Boxes at column 0 under `**Tasks**:`; also every plan that fits no other family.
    Coordinate,
    /// Level-2 phases and tasks with ids; the file is read-only.
    Orchestrator,
}

impl Dialect {
    /// The name shown to people and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BoardB => "board_b",
            Self::BoardA => "board_a",
            Self::Coordinate => "coordinate",
            Self::Orchestrator => "orchestrator",
        }
    }
}

/// One `key: value` line of the plan's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The key without emphasis.
    pub key: String,
    /// The value as written, trimmed.
    pub value: String,
    /// Its line, from 1.
    pub line: usize,
}

/// A section of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// The id text of the heading; a repeated one carries `~2`, `~3`.
    pub key: String,
    /// The heading's title without id and marker.
    pub title: String,
    /// The status that the heading's marker says.
    pub status: PhaseStatus,
    /// The marker as written, or why it is not one.
    pub marker: PhaseMarker,
    /// The heading's line, from 1.
    pub line: usize,
    /// The heading's level; 0 for the implicit phase of a plan without phases.
    pub level: usize,
    /// What has to be done, in document order; never empty.
    pub steps: Vec<Step>,
    /// What must hold afterwards.
    pub criteria: Vec<Criterion>,
    /// Which phases come first.
    pub dependencies: PhaseDependencies,
    /// The `Objective` or `Goal` line.
    pub objective: Option<String>,
    /// The paths that the phase says it changes (`Files Modified`).
    pub files: Vec<String>,
    /// False where its VERIFY block is marked non-blocking.
    pub verification_blocks: bool,
    /// When it may start ahead of the phase before.
    pub pipeline_start: Option<PipelineStart>,
    /// The bytes from its heading to the end of its body.
    pub span: Range<usize>,
    pub(super) heading: Range<usize>,
    pub(super) started: Option<Range<usize>>,
    pub(super) completed: Option<Range<usize>>,
    pub(super) body_line: usize,
}

impl Phase {
    /// The heading's own id text, without the `~2` of a repeated one.
    #[must_use]
    pub fn number(&self) -> &str {
        self.key.split('~').next().unwrap_or(&self.key)
    }
}

/// What a phase heading's marker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhaseMarker {
    /// There is none.
    Missing,
    /// Text between brackets that begins with a known status word.
    Known {
        /// The text between the brackets, with its reason.
        text: String,
        /// Where that text is.
        span: Range<usize>,
    },
    /// A sign such as a check mark, outside brackets.
    Sign,
    /// Capital letters in brackets at the end that are no known status.
    Unknown(String),
}

/// The states of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseStatus {
    /// Nothing was done.
    NotStarted,
    /// Work is under way.
    InProgress,
    /// Done.
    Completed,
    /// Stopped half way.
    Partial,
    /// Something outside stands in the way.
    Blocked,
    /// Given up.
    Abandoned,
    /// Not needed.
    Skipped,
    /// Put off.
    Deferred,
}

impl PhaseStatus {
    /// Every status, in the order of the format's table.
    pub const ALL: [Self; 8] = [
        Self::NotStarted,
        Self::InProgress,
        Self::Completed,
        Self::Partial,
        Self::Blocked,
        Self::Abandoned,
        Self::Skipped,
        Self::Deferred,
    ];

    /// The text between the brackets when it is written.
    #[must_use]
    pub const fn marker(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT STARTED",
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Partial => "PARTIAL",
            Self::Blocked => "BLOCKED",
            Self::Abandoned => "ABANDONED",
            Self::Skipped => "SKIPPED",
            Self::Deferred => "DEFERRED",
        }
    }

    /// The value in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Partial => "partial",
            Self::Blocked => "blocked",
            Self::Abandoned => "abandoned",
            Self::Skipped => "skipped",
            Self::Deferred => "deferred",
        }
    }

    /// Whether nothing more happens to the phase without force.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Abandoned | Self::Skipped)
    }

    /// Whether the phase is no obstacle to completing its task: it is done, or not needed.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Skipped)
    }

    /// Whether the format allows the change without force.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::NotStarted => matches!(next, Self::InProgress | Self::Skipped | Self::Deferred),
            Self::InProgress => {
                matches!(
                    next,
                    Self::Completed | Self::Partial | Self::Blocked | Self::Abandoned
                )
            }
            Self::Partial | Self::Blocked | Self::Deferred => {
                matches!(next, Self::InProgress | Self::Skipped | Self::Abandoned)
            }
            Self::Completed | Self::Abandoned | Self::Skipped => false,
        }
    }
}

/// The plan's own status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanMarker {
    /// What it says, if it is known.
    pub status: Option<PlanStatus>,
    /// The value as written.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
    /// The text between its brackets, when it is a marker and can be changed.
    pub(super) span: Option<Range<usize>>,
}

/// The states of a plan as its header names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// NOT STARTED, PLANNED and their like.
    NotStarted,
    /// IMPLEMENTING, IN PROGRESS.
    Implementing,
    /// COMPLETED.
    Completed,
    /// PARTIAL.
    Partial,
    /// BLOCKED.
    Blocked,
    /// ABANDONED, SKIPPED, SUPERSEDED.
    Abandoned,
}

impl PlanStatus {
    /// The text between the brackets when it is written.
    #[must_use]
    pub const fn marker(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT STARTED",
            Self::Implementing => "IMPLEMENTING",
            Self::Completed => "COMPLETED",
            Self::Partial => "PARTIAL",
            Self::Blocked => "BLOCKED",
            Self::Abandoned => "ABANDONED",
        }
    }
}

/// One piece of work that one agent can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its id in the plan, or a synthesised one that survives ticking, moving and insertion.
    pub id: StepId,
    /// Whether the id was made up because the plan has none.
    pub synthesised: bool,
    /// Its text without box and id.
    pub text: String,
    /// The list items indented below it.
    pub details: Vec<String>,
    /// Its box as the author left it; never believed.
    pub mark: Mark,
    /// Its line, from 1.
    pub line: usize,
    /// The step that it is indented under.
    pub parent: Option<StepId>,
    /// The paths that its text names in back-quotes.
    pub footprint: Vec<String>,
    /// Its own dependencies, where it states them.
    pub dependencies: Option<StepDependencies>,
    /// The step stands for a whole phase that lists none.
    pub whole_phase: bool,
    /// The bytes from its line to the next step, label or heading.
    pub span: Range<usize>,
}

/// A thing that must hold: never a step, whatever its box or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Its text.
    pub text: String,
    /// Its box.
    pub mark: Mark,
    /// Its line, from 1.
    pub line: usize,
    /// The command it asks to run, if it clearly does. It is text of the plan: data, to be
    /// run only where the project trusts the plan.
    pub command: Option<String>,
}

/// What stands between a box's brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Not ticked, or a step without a box.
    Open,
    /// Ticked.
    Ticked,
    /// Dropped or partly done (`~`, `-`).
    Dropped,
    /// Anything else.
    Other(char),
}

/// Which phases come before one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseDependencies {
    /// What the line means.
    pub needs: Needs,
    /// Its line, from 1; none when nothing is stated.
    pub line: Option<usize>,
    /// The value as written.
    pub text: String,
    /// Noise words had to be left out to read it.
    pub loose: bool,
}

/// The meaning of a dependency line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// Nothing is stated: the phase before.
    PlanOrder,
    /// Explicitly independent.
    Nothing,
    /// These.
    These(Vec<Reference>),
    /// Every phase above.
    AllPrevious,
    /// It cannot be read: an error for running.
    Unreadable,
}

/// One thing that is depended on, as the plan names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A phase by its id text.
    Phase(String),
    /// Phases from one id to another.
    Phases(String, String),
    /// A step by its id.
    Step(String),
    /// Steps from one id to another.
    Steps(String, String),
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phase(key) => write!(formatter, "phase {key}"),
            Self::Phases(first, last) => write!(formatter, "phases {first}-{last}"),
            Self::Step(id) => write!(formatter, "step {id}"),
            Self::Steps(first, last) => write!(formatter, "steps {first}-{last}"),
        }
    }
}

/// A step's own dependencies: `(depends: 1.1, Phase 2)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDependencies {
    /// What it waits for; empty together with `unreadable`.
    pub needs: Vec<Reference>,
    /// The value as written.
    pub text: String,
    /// It cannot be read: an error for running.
    pub unreadable: bool,
}

/// `pipeline-start: when 1.3 completes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineStart {
    /// The step that has to be complete; none when the note cannot be read.
    pub step: Option<String>,
    /// Its line, from 1.
    pub line: usize,
}

/// An execution note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it says.
    pub kind: NoteKind,
    /// Whom it covers; empty when it cannot be read.
    pub covers: Vec<Reference>,
    /// The key of the phase that it stands in.
    pub phase: Option<String>,
    /// Its line, from 1.
    pub line: usize,
}

/// The keyword of an execution note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// One after another.
    Sequential,
    /// At the same time, where files do not collide.
    Parallel,
}

/// Something wrong or odd in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the plan may still run.
    pub severity: Severity,
    /// A stable word for programs and for searching.
    pub code: &'static str,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan is shown but not run.
    Error,
    /// Worth knowing; nothing stops.
    Warning,
}

impl Problem {
    pub(super) fn error(
        code: &'static str,
        line: Option<usize>,
        message: String,
        remedy: &str,
    ) -> Self {
        Self {
            severity: Severity::Error,
            code,
            line,
            message,
            remedy: remedy.to_owned(),
        }
    }

    pub(super) fn warning(
        code: &'static str,
        line: Option<usize>,
        message: String,
        remedy: &str,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            code,
            line,
            message,
            remedy: remedy.to_owned(),
        }
    }
}

impl Plan {
    /// Every step with its phase, in document order.
    pub fn steps(&self) -> impl Iterator<Item = (&Phase, &Step)> {
        self.phases
            .iter()
            .flat_map(|phase| phase.steps.iter().map(move |step| (phase, step)))
    }

    /// Whether the plan has no error and may be run.
    #[must_use]
    pub fn is_runnable(&self) -> bool {
        self.problems
            .iter()
            .all(|problem| problem.severity != Severity::Error)
    }

    /// The phase with exactly this key; `3` names no phase where there is also a `3~2`.
    ///
    /// # Errors
    /// When there is none, or more than one phase has this number.
    pub fn phase(&self, key: &str) -> Result<&Phase, PhaseLookup> {
        if self
            .phases
            .iter()
            .filter(|phase| phase.number() == key)
            .nth(1)
            .is_some()
        {
            return Err(PhaseLookup::Ambiguous);
        }
        self.phases
            .iter()
            .find(|phase| phase.key == key)
            .ok_or(PhaseLookup::Unknown)
    }

    /// Where to go on: the first phase that is open. The status says whether to ask first.
    #[must_use]
    pub fn resume(&self) -> Option<&Phase> {
        use PhaseStatus as S;
        self.phases.iter().find(|phase| {
            matches!(
                phase.status,
                S::InProgress | S::Partial | S::Blocked | S::NotStarted
            )
        })
    }
}

/// Why a phase was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseLookup {
    /// No phase has this key.
    Unknown,
    /// Several phases carry this number.
    Ambiguous,
}
