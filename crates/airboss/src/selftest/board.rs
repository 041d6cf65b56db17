//! The commands of a board: six tasks, one of them with a plan of phases, under git; or many tasks
//! of the same sort, whose lists are large.

use std::io;

use super::scenario::{Scenario, Subject};
use super::world::World;

const TODO: &str = "specs/TODO.md";
const STATE: &str = "specs/state.json";
const ARCHIVE_STATE: &str = "specs/archive/state.json";
const PLAN: &str = "specs/3_gate/plans/01_gate.md";

const PLAN_TEXT: &str = "\
# Implementation Plan: Gate

- **Status**: [NOT STARTED]

### Phase 1: Measure [NOT STARTED]

Measure the width and the height.

### Phase 2: Mend [NOT STARTED]

Mend what is too wide.
";

/// The tasks: number, name, status.
const TASKS: [(u32, &str, &str); 6] = [
    (1, "fence", "not_started"),
    (2, "roof", "researched"),
    (3, "gate", "planned"),
    (4, "well", "implementing"),
    (5, "path", "blocked"),
    (6, "barn", "not_started"),
];

/// So many tasks make each of the two lists larger than the 64 KiB from which on the engine edits
/// lists, and writes their drafts, on threads of their own.
const MANY: u32 = 320;

/// One in so many of them has a plan.
const PLAN_EVERY: u32 = 80;

/// A repository with a board that was adopted.
pub(super) fn begin(world: &World) -> io::Result<()> {
    adopt(world, &TASKS.map(Sample::from))
}

/// The same with lists so large that they are made and written on several threads.
pub(super) fn begin_large(world: &World) -> io::Result<()> {
    let few = TASKS.map(Sample::from);
    let posts = (7..=MANY).map(|number| Sample {
        number,
        name: format!("post_{number}"),
        status: "not_started",
        has_plan: number.is_multiple_of(PLAN_EVERY),
    });
    adopt(world, &few.into_iter().chain(posts).collect::<Vec<_>>())
}

/// A task as the two lists tell of it.
struct Sample {
    number: u32,
    name: String,
    status: &'static str,
    has_plan: bool,
}

impl From<(u32, &str, &'static str)> for Sample {
    fn from((number, name, status): (u32, &str, &'static str)) -> Self {
        Self {
            number,
            name: name.to_owned(),
            status,
            has_plan: number == 3,
        }
    }
}

impl Sample {
    /// Its plan below the specs root.
    fn plan(&self) -> String {
        let (number, name) = (self.number, &self.name);
        format!("{number}_{name}/plans/01_{name}.md")
    }

    /// What its name stands for.
    fn words(&self) -> String {
        self.name.replace('_', " ")
    }

    /// What is to be done, at about the length that people write.
    fn description(&self) -> String {
        let words = self.words();
        format!(
            "The {words} is not as it was: one side of it leans to the north since the storm, \
             and the other one lets the rain in."
        )
    }

    /// Its section of TODO.md.
    fn section(&self) -> String {
        let (number, words, description) = (self.number, self.words(), self.description());
        let status = self.status.replace('_', " ").to_uppercase();
        let plan = self.plan();
        let plan = if self.has_plan {
            format!("- **Plan**: [{plan}]({plan})\n")
        } else {
            String::new()
        };
        format!(
            "\n### {number}. Mend the {words}\n- **Status**: [{status}]\n\
             - **Task Type**: general\n{plan}\n\
             **Description**: {description}\n\n---\n"
        )
    }

    /// Its entry in state.json.
    fn entry(&self) -> String {
        let (number, name, status) = (self.number, &self.name, self.status);
        let description = self.description();
        format!(
            "    {{\"project_number\": {number}, \"project_name\": \"mend_the_{name}\", \
             \"status\": \"{status}\", \"task_type\": \"general\", \
             \"description\": \"{description}\"}}"
        )
    }
}

/// Writes a board of these tasks, commits it as a person would, and has it adopted.
fn adopt(world: &World, tasks: &[Sample]) -> io::Result<()> {
    let next = tasks.iter().map(|task| task.number + 1).max().unwrap_or(1);
    let sections: String = tasks.iter().map(Sample::section).collect();
    let entries: Vec<_> = tasks.iter().map(Sample::entry).collect();
    let entries = entries.join(",\n");
    world.write(
        TODO,
        format!("---\nnext_project_number: {next}\n---\n\n# TODO\n\n## Tasks\n{sections}"),
    )?;
    world.write(
        STATE,
        format!(
            "{{\n  \"next_project_number\": {next},\n  \"active_projects\": [\n{entries}\n  ]\n}}\n"
        ),
    )?;
    for task in tasks.iter().filter(|task| task.has_plan) {
        world.write(&format!("specs/{}", task.plan()), PLAN_TEXT)?;
    }
    world.commit("a board")?;
    world.done(&["init", "--yes"])
}

/// A new task: a new number, a section, an entry, a commit.
pub const ADD: Scenario = Scenario {
    subject: Subject::Board,
    name: "task add",
    prepare: |_| Ok(()),
    command: &["task", "add", "Mend the shed", "--id", "swept"],
    projections: &[TODO, STATE],
};

/// Another status for a task without a plan.
pub const STATUS: Scenario = Scenario {
    subject: Subject::Board,
    name: "task status",
    prepare: |_| Ok(()),
    command: &["task", "status", "2", "planned", "--id", "swept"],
    projections: &[TODO, STATE],
};

/// Three files and one commit.
pub const STATUS_WITH_PHASES: Scenario = Scenario {
    subject: Subject::Board,
    name: "task status with a phase",
    prepare: |_| Ok(()),
    command: &[
        "task",
        "status",
        "3",
        "implementing",
        "--phase",
        "1=in_progress",
        "--id",
        "swept",
    ],
    projections: &[PLAN, TODO, STATE],
};

/// The same where both lists are edited side by side, and their drafts are written ahead.
pub const STATUS_OF_MANY: Scenario = Scenario {
    subject: Subject::LargeBoard,
    name: "task status of many",
    ..STATUS_WITH_PHASES
};

/// A plan and what state.json says of it; the task stays what it is.
pub const PHASE: Scenario = Scenario {
    subject: Subject::Board,
    name: "task phase",
    prepare: |world| world.done(&["task", "status", "3", "implementing"]),
    command: &["task", "phase", "3", "1=in_progress", "--id", "swept"],
    projections: &[PLAN, TODO, STATE],
};

/// Somebody gave a task another status in TODO.md, which state.json hears of.
pub const SYNC: Scenario = Scenario {
    subject: Subject::Board,
    name: "sync of a board",
    prepare: |world| {
        let edited = world.read(TODO)?.replace("[RESEARCHED]", "[PLANNED]");
        world.write(TODO, edited)
    },
    command: &["sync"],
    projections: &[TODO, STATE],
};

/// A finished task and its directory go into the archive: a rename beside the files, and a commit
/// of both.
pub const ARCHIVE: Scenario = Scenario {
    subject: Subject::Board,
    name: "archive",
    prepare: |world| world.done(&["task", "status", "3", "completed", "--force"]),
    command: &["archive", "3", "--id", "swept"],
    projections: &[ARCHIVE_STATE, TODO, STATE],
};

/// A change taken back by another one.
pub const UNDO: Scenario = Scenario {
    subject: Subject::Board,
    name: "undo",
    prepare: |world| world.done(&["task", "status", "2", "planned"]),
    command: &["undo", "--id", "swept"],
    projections: &[TODO, STATE],
};
