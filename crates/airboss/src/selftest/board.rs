//! The commands of a board: six tasks, one of them with a plan of phases, under git.

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

/// A repository with a board that was adopted.
pub(super) fn begin(world: &World) -> io::Result<()> {
    let mut todo = "---\nnext_project_number: 7\n---\n\n# TODO\n\n## Tasks\n".to_owned();
    let mut entries = Vec::new();
    for (number, name, status) in TASKS {
        let shown = status.replace('_', " ").to_uppercase();
        todo.extend([format!(
            "\n### {number}. Mend the {name}\n- **Status**: [{shown}]\n"
        )]);
        todo += "- **Task Type**: general\n";
        if number == 3 {
            todo += "- **Plan**: [3_gate/plans/01_gate.md](3_gate/plans/01_gate.md)\n";
        }
        todo.extend([format!(
            "\n**Description**: The {name} is not as it was.\n\n---\n"
        )]);
        entries.push(format!(
            "    {{\"project_number\": {number}, \"project_name\": \"mend_the_{name}\", \
             \"status\": \"{status}\", \"task_type\": \"general\"}}"
        ));
    }
    let entries = entries.join(",\n");
    let state = format!(
        "{{\n  \"next_project_number\": 7,\n  \"active_projects\": [\n{entries}\n  ]\n}}\n"
    );
    world.write(TODO, todo)?;
    world.write(STATE, state)?;
    world.write(PLAN, PLAN_TEXT)?;
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
