//! Boards as their owners see them: every command, every refusal, and what git has afterwards.
//!
//! The boards are neutral and written here.

mod adopt;
mod archive;
mod choose;
mod clones;
mod doctor;
mod errors;
mod history;
mod malformed;
mod numbering;
mod refused;
mod restore;
mod review;
mod task;
mod together;
mod words;

use airboss_engine::board::{BoardError, Difference, Places, Survey, key, verify};
use airboss_engine::workspace::Workspace;
use airboss_testkit::TestEnvironment;
use airboss_testkit::environment::{Output, differing};
use serde_json::Value;

/// A board of six tasks as people write them.
const TODO: &str = "\
---
next_project_number: 57
---

# To do

## High Priority

### 52. Draw the frame
- **Effort**: 3 hours
- **Status**: [IMPLEMENTING]
- **Started**: 2026-02-20
- **Priority**: High
- **Language**: rust
- **Dependencies**: 51
- **Plan**: [implementation-001.md](specs/052_draw_the_frame/plans/implementation-001.md)

**Description**: The frame is drawn around everything.

---

### 53. Shorten the start-up banner
- **Effort**: 2 hours
- **Status**: [NOT STARTED]
- **Priority**: High
- **Language**: general
- **Dependencies**: None

**Description**: One line is enough.

---

## Medium Priority

### 51. Read the window size
- **Effort**: 1 hour
- **Status**: [COMPLETED]
- **Completed**: 2026-02-18
- **Priority**: Medium
- **Language**: rust

---

### 54. Measure the width
- **Effort**: 2 hours
- **Status**: [PLANNED]
- **Priority**: Medium
- **Language**: rust
- **Dependencies**: 52

---

### 55. Name the colours
- **Effort**: 1 hour
- **Status**: [BLOCKED]
- **Blocked**: 2026-02-21
- **Blocking Reason**: the palette is not decided
- **Priority**: Medium
- **Language**: general

---

## Low Priority

### 56. Write the manual page
- **Effort**: TBD
- **Status**: [RESEARCHED]
- **Priority**: Low
- **Language**: markdown
- **Dependencies**: 53, 54
- **Notes**: the author's own line stays

---
";

/// The same board as programs read it.
const STATE: &str = r#"{
  "next_project_number": 57,
  "active_projects": [
    {
      "project_number": 51,
      "project_name": "read_the_window_size",
      "status": "completed",
      "language": "rust",
      "priority": "medium",
      "completed": "2026-02-18T10:00:00Z",
      "dependencies": []
    },
    {
      "project_number": 52,
      "project_name": "draw_the_frame",
      "status": "implementing",
      "language": "rust",
      "priority": "high",
      "started": "2026-02-20T10:00:00Z",
      "dependencies": [51],
      "plan_path": "specs/052_draw_the_frame/plans/implementation-001.md",
      "artifacts": [
        {
          "path": "specs/052_draw_the_frame/plans/implementation-001.md",
          "type": "plan",
          "summary": "two phases"
        }
      ]
    },
    {
      "project_number": 53,
      "project_name": "shorten_the_start_up_banner",
      "status": "not_started",
      "language": "general",
      "priority": "high",
      "dependencies": [],
      "owner": "nobody in particular"
    },
    {
      "project_number": 54,
      "project_name": "measure_the_width",
      "status": "planned",
      "language": "rust",
      "priority": "medium",
      "dependencies": [52]
    },
    {
      "project_number": 55,
      "project_name": "name_the_colours",
      "status": "blocked",
      "language": "general",
      "priority": "medium",
      "blocked": "2026-02-21T10:00:00Z",
      "blocked_reason": "the palette is not decided",
      "dependencies": []
    },
    {
      "project_number": 56,
      "project_name": "write_the_manual_page",
      "status": "researched",
      "language": "markdown",
      "priority": "low",
      "dependencies": [53, 54]
    }
  ]
}
"#;

/// The plan of task 52.
const PLAN: &str = "\
# Plan: Draw the frame

### Phase 1: The corners [COMPLETED]

- [x] Draw four corners

### Phase 2: The edges [NOT STARTED]

- [ ] Draw four edges
";

/// Where [`PLAN`] lies.
const PLAN_PATH: &str = "specs/052_draw_the_frame/plans/implementation-001.md";

/// An environment with the board, committed, and not known to airboss.
fn found() -> TestEnvironment {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    environment.write("specs/TODO.md", TODO);
    environment.write("specs/state.json", STATE);
    environment.write(PLAN_PATH, PLAN);
    environment.commit("a board");
    environment
}

/// The same, adopted; what that wrote is committed.
fn adopted() -> TestEnvironment {
    let environment = found();
    adopt(&environment);
    if !environment.git(["status", "--porcelain"]).is_empty() {
        environment.commit("the board is adopted");
    }
    environment
}

/// Makes the board known, as it is.
fn adopt(environment: &TestEnvironment) {
    let adopt = || -> Result<(), BoardError> {
        let workspace = Workspace::open(&environment.top())?;
        Survey::take(&workspace, &key("specs")?, None)?.carry_out(workspace, None)?;
        Ok(())
    };
    adopt().expect("the board is sound");
}

/// The file outside of the repository that a link of the suite leads to.
const LED_OUT: &str = "led-out";

/// Makes state.json a link that leads out of the repository, so that it cannot be written;
/// answers what it said.
fn leading_out(environment: &TestEnvironment) -> String {
    file_leading_out(environment, "specs/state.json")
}

/// The same of any file.
fn file_leading_out(environment: &TestEnvironment, file: &str) -> String {
    let sound = environment.read(file);
    let outside = environment.outside(LED_OUT);
    fs_err::write(&outside, &sound).expect("the test made it so");
    let path = environment.path(file);
    fs_err::remove_file(&path).expect("the test made it so");
    fs_err::os::unix::fs::symlink(outside, path).expect("the test made it so");
    sound
}

/// What the files say and the store does not, or the other way round.
fn differences(environment: &TestEnvironment) -> Vec<Difference> {
    let compare = || -> Result<Vec<Difference>, BoardError> {
        let workspace = Workspace::open(&environment.top())?;
        let board = key("specs")?;
        let store = workspace.open_reader()?;
        let store = store.ok_or_else(|| BoardError::NotAdopted(board.clone()))?;
        verify(&workspace, &store, &Places::new(&workspace.top, &board)?)
    };
    compare().expect("the board can be read")
}

/// The board adopted, with settings of the repository.
fn adopted_with(settings: &str) -> TestEnvironment {
    let environment = adopted();
    environment.write("airboss.toml", settings);
    environment.commit("settings");
    environment
}

/// Runs a command that must change nothing at all.
#[track_caller]
fn refused<const N: usize>(environment: &TestEnvironment, words: [&str; N]) -> Output {
    let before = environment.state();
    let told = environment.run(words);
    assert_ne!(told.code(), 0, "{told}");
    let changed = differing(&before, &environment.state());
    assert!(changed.is_empty(), "{changed:?} changed: {told}");
    told
}

/// Runs a command that must make one commit, which touches these files only.
#[track_caller]
fn committed<const N: usize>(
    environment: &TestEnvironment,
    words: [&str; N],
    files: &[&str],
) -> Output {
    let before = environment.git(["rev-parse", "HEAD"]);
    let told = environment.run(words);
    told.expect_code(0);
    assert_eq!(environment.git(["rev-parse", "HEAD^"]), before, "{told}");
    let touched = environment.git(["show", "--name-only", "--format=", "HEAD"]);
    let touched: Vec<_> = touched.lines().collect();
    assert_eq!(touched, files, "{told}");
    let left = environment.git(["diff", "HEAD"]);
    assert_eq!(left, "", "{told}");
    told
}

/// The two files that list all tasks.
const LISTS: [&str; 2] = ["specs/TODO.md", "specs/state.json"];

/// The entries of TODO.md that the newest commit changed, by the numbers of their headings.
fn entries_changed(environment: &TestEnvironment) -> Vec<u32> {
    let entries = |revision: &str| {
        let text = environment.git(["show", &format!("{revision}:specs/TODO.md")]);
        let parts = text.split("\n### ").skip(1);
        let pair = |part: &str| {
            let entry = part.split("\n---\n").next().unwrap_or(part);
            let number = part
                .split('.')
                .next()
                .and_then(|text| text.parse::<u32>().ok());
            (
                number.expect("every entry has a number"),
                entry.trim_end().to_owned(),
            )
        };
        parts
            .map(pair)
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    changed(&entries("HEAD^"), &entries("HEAD"))
}

/// The tasks of state.json that the newest commit changed.
fn objects_changed(environment: &TestEnvironment) -> Vec<u32> {
    let objects = |revision: &str| {
        let text = environment.git(["show", &format!("{revision}:specs/state.json")]);
        let state: Value = serde_json::from_str(&text).expect("it is JSON");
        let tasks = state["active_projects"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let pair = |task: Value| {
            let number = task["project_number"]
                .as_u64()
                .and_then(|it| u32::try_from(it).ok());
            (number.expect("every task has a number"), task.to_string())
        };
        tasks
            .into_iter()
            .map(pair)
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    changed(&objects("HEAD^"), &objects("HEAD"))
}

fn changed(
    before: &std::collections::BTreeMap<u32, String>,
    after: &std::collections::BTreeMap<u32, String>,
) -> Vec<u32> {
    let numbers: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differs = |number: &&u32| before.get(number) != after.get(number);
    numbers.into_iter().filter(differs).copied().collect()
}

/// What git shows, without the ids of contents that hold an instant, and without today's date.
fn shown<const N: usize>(environment: &TestEnvironment, words: [&str; N]) -> String {
    let format = ["log", "-1", "--date=format-local:%Y-%m-%d", "--format=%cd"];
    let today = environment.git(format);
    let text = environment.git(words);
    let lines = text.lines().filter(|line| !line.starts_with("index "));
    let dated = |line: &str| match line.strip_suffix(&today) {
        Some(begin) => format!("{begin}[TODAY]"),
        None => line.trim_end().to_owned(),
    };
    lines.map(dated).collect::<Vec<_>>().join("\n")
}

/// The lines of standard output, as JSON with its envelope taken off.
#[track_caller]
fn data(told: &Output) -> Value {
    let value: Value = serde_json::from_str(&told.stdout).expect("it is JSON");
    assert_eq!(value["schema_version"], 1, "{told}");
    value["data"].clone()
}
