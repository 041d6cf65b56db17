//! A board with a past, a person's own work beside it, and what can be asked of both.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use airboss_core::board::command::{self, Standing};
use airboss_core::board::transition::Mode;
use airboss_core::board::{BoardOperation, Status, TaskStatus};
use airboss_core::operation::{Actor, Operation};
use airboss_engine::board::{BoardError, Decision, Desk, Done, Survey, key};
use airboss_engine::store::{BoardStanding, Change, Decided, OperationQuery, Store as _, Wanted};
use airboss_engine::workspace::Workspace;

use crate::bench::{Bench, git};

/// The statuses before the board was adopted: of the first commit, and of the second.
const OLDER: [Status; 8] = [Status::NotStarted; 8];
const ADOPTED: [Status; 8] = [
    Status::Researched,
    Status::NotStarted,
    Status::NotStarted,
    Status::Planned,
    Status::NotStarted,
    Status::NotStarted,
    Status::NotStarted,
    Status::NotStarted,
];

/// TODO.md with eight tasks.
pub(crate) fn todo(statuses: &[Status; 8]) -> String {
    let mut text = "---\nnext_project_number: 9\n---\n\n# TODO\n\n## Tasks\n".to_owned();
    for (number, status) in (1..=8_u8).rev().zip(statuses.iter().rev()) {
        write!(
            text,
            "\n### {number}. Mend part {number}\n- **Effort**: {number} hours\n\
             - **Status**: [{}]\n- **Priority**: Medium\n- **Language**: rust\n\
             - **Blocking**: None\n- **Dependencies**: None\n\n\
             **Description**: Part {number} is worn.\n\nWhat was said of part {number}.\n\n---\n",
            TaskStatus::from(*status).marker()
        )
        .unwrap();
    }
    text
}

/// The state.json of the same board.
pub(crate) fn state(statuses: &[Status; 8]) -> String {
    let entries = (1..).zip(statuses).map(|(number, status)| {
        format!(
            "    {{\n      \"project_number\": {number},\n      \
             \"project_name\": \"mend_part_{number}\",\n      \"status\": \"{}\",\n      \
             \"language\": \"rust\",\n      \"effort\": \"{number} hours\",\n      \
             \"last_updated\": \"2026-01-0{number}T10:00:00Z\"\n    }}",
            status.value()
        )
    });
    let entries: Vec<_> = entries.collect();
    format!(
        "{{\n  \"next_project_number\": 9,\n  \"active_projects\": [\n{}\n  ]\n}}\n",
        entries.join(",\n")
    )
}

/// A board with a past in a repository with other files.
pub(crate) struct World {
    pub(crate) bench: Bench,
}

impl World {
    /// Two commits from before the board was adopted, three changes since.
    ///
    /// `own.txt` and `mine.txt` are tracked and no file of the board.
    pub(crate) fn new() -> Self {
        let old = (todo(&OLDER), state(&OLDER));
        let bench = Bench::new(&[
            ("TODO.md", old.0.as_bytes()),
            ("state.json", old.1.as_bytes()),
            ("../own.txt", b"one\ntwo\n"),
            ("../mine.txt", b"one\ntwo\n"),
        ]);
        let world = Self { bench };
        world.git(&["tag", "ancient"]);
        world.write("TODO.md", &todo(&ADOPTED));
        world.write("state.json", &state(&ADOPTED));
        world.git(&["commit", "-qam", "plan by hand"]);
        world.bench.adopt();
        world.git(&["tag", "adopted"]);
        world.set(1, Status::Planned);
        world.git(&["tag", "first"]);
        world.set(2, Status::Researching);
        world.set(3, Status::Implementing);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.bench.top().join("specs").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(self.bench.read(name)).unwrap()
    }

    /// Saves as most editors do: a new file takes the place of the old one.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let new = path.with_extension("new~");
        fs_err::write(&new, text).unwrap();
        fs_err::rename(new, path).unwrap();
    }

    /// Replaces a text in a file of the board, as a person does.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from:?}:\n{text}");
        self.write(name, &text.replacen(from, to, 1));
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.bench.git(arguments)
    }

    /// Git that may refuse.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Result<String, String> {
        let output = git(&self.bench.top(), arguments);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stdout) + &text(&output.stderr))
        }
    }

    #[track_caller]
    pub(crate) fn set(&self, number: u32, to: Status) -> Done {
        set(&mut self.bench.desk(), number, to).unwrap()
    }

    pub(crate) fn statuses(&self) -> BTreeMap<u32, String> {
        statuses(&self.bench.desk())
    }

    /// Everything that the log of the board says, and what git keeps: where a token may be.
    pub(crate) fn everything(&self) -> String {
        let desk = self.bench.desk();
        let mut text = format!("{:?}{:?}", desk.view().unwrap(), operations(&desk));
        for name in ["TODO.md", "state.json"] {
            let bytes = fs_err::read(self.path(name)).unwrap_or_default();
            text += &String::from_utf8_lossy(&bytes);
        }
        text += &self.git(&["log", "--all", "-m", "-p", "--format=%H"]);
        for kept in self
            .git(&["for-each-ref", "--format=%(objectname)", "refs/airboss"])
            .lines()
        {
            text += &self
                .try_git(&["cat-file", "blob", kept])
                .unwrap_or_default();
        }
        text
    }
}

/// The operations of a board.
pub(crate) fn operations(desk: &Desk) -> Vec<BoardOperation> {
    let query = OperationQuery {
        plan: Some(desk.board().log()),
        limit: 100_000,
        ..OperationQuery::default()
    };
    let stored = desk.store.operations(&query).unwrap().into_iter();
    stored
        .filter_map(|stored| match stored.operation {
            Operation::Board { operation } => Some(operation),
            _ => None,
        })
        .collect()
}

pub(crate) fn statuses(desk: &Desk) -> BTreeMap<u32, String> {
    let board = desk.view().unwrap();
    let pairs = board.active();
    pairs
        .map(|task| (task.number, task.status.to_string()))
        .collect()
}

/// What a person who may do anything decides upon.
pub(crate) fn standing(given: &BoardStanding) -> Standing<'_> {
    Standing {
        board: &given.board,
        actor: Actor::Person,
        mode: Mode::Permissive,
        force: true,
        now: given.now,
    }
}

/// What a status command does.
pub(crate) fn set(desk: &mut Desk, number: u32, to: Status) -> Result<Done, BoardError> {
    let wanted = Wanted::All;
    desk.change(None, &wanted, &mut |given| {
        let standing = standing(given);
        let operations = command::set_status(&standing, number, &to.into(), Some("a reason"), &[])?;
        Ok(Decision {
            operations,
            subject: format!("task {number}: mark {}", to.value()),
            ..Decision::default()
        })
    })
}

/// Another clone of a repository, with a board of its own.
pub(crate) fn clone_beside(world: &World, name: &str) -> (PathBuf, Desk) {
    let place = world.bench.top().parent().unwrap().join(name);
    let from = world.bench.top();
    world.git(&[
        "clone",
        "-q",
        from.to_str().unwrap(),
        place.to_str().unwrap(),
    ]);
    for (key, value) in [
        ("user.name", "Another"),
        ("user.email", "another@localhost"),
    ] {
        run(&place, &["config", key, value]);
    }
    let workspace = Workspace::open(&place).unwrap();
    let board = key("specs").unwrap();
    let survey = Survey::take(&workspace, &board, None).unwrap();
    let (desk, _) = survey.carry_out(workspace, None).unwrap();
    (place, desk)
}

pub(crate) fn run(top: &Path, arguments: &[&str]) -> String {
    let output = git(top, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Stores a change, and dies before it is published.
pub(crate) fn store_only(desk: &mut Desk, number: u32, to: Status) {
    store(desk, &|standing| {
        command::set_status(standing, number, &to.into(), None, &[])
    });
}

/// Stores what is decided, and leaves the files as they are.
pub(crate) fn store(desk: &mut Desk, decide: &dyn Fn(&Standing<'_>) -> command::Decision) {
    let places = desk.places.clone();
    let board = desk.board().clone();
    let decided = desk
        .store
        .decide_board(&board, None, &Wanted::All, &mut |given| {
            let standing = standing(given);
            let operations = decide(&standing)?;
            let task = |id| given.board.tasks.get(&id).cloned();
            Ok(Change {
                publish: places.stale(&operations, &task)?,
                operations: operations
                    .into_iter()
                    .map(|operation| Operation::Board { operation })
                    .collect(),
                ..Change::default()
            })
        });
    assert!(matches!(decided.unwrap(), Decided::Applied { .. }));
}
