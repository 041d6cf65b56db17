//! The ways back: from a git revision, from the files alone, from an export.

use airboss_core::board::command::{self, NewTask, Standing};
use airboss_core::board::status::Status;
use airboss_core::board::transition::Mode;
use airboss_core::board::{Board, BoardOperation, Task};
use airboss_core::id::TaskId;
use airboss_core::operation::Actor;
use airboss_core::time::Timestamp;
use airboss_engine::board::{begin, key};
use airboss_engine::store::Store as _;
use airboss_engine::workspace::Workspace;
use airboss_testkit::{TestEnvironment, assert_output};

use crate::{LISTS, adopted, committed, data, differences, entries_changed, found, refused};

/// The board as it is stored, without what no file holds.
fn board(environment: &TestEnvironment) -> Board {
    let workspace = Workspace::open(&environment.top()).expect("the test made it so");
    let store = workspace
        .open_reader()
        .expect("the test made it so")
        .expect("the test made it so");
    let mut board = store
        .board(&key("specs").expect("the test made it so"))
        .expect("the test made it so")
        .expect("the test made it so");
    board.sequence = 0;
    for task in board.tasks.values_mut() {
        task.status_before = None;
    }
    board
}

fn store(environment: &TestEnvironment) -> std::path::PathBuf {
    let workspace = Workspace::open(&environment.top()).expect("the test made it so");
    workspace
        .store_place()
        .expect("the test made it so")
        .directory
}

/// A board on which every kind of command was used once.
fn lived() -> TestEnvironment {
    let environment = adopted();
    for words in [
        &[
            "task",
            "add",
            "Paint the corners",
            "--priority",
            "high",
            "--depends",
            "52",
        ][..],
        &["task", "status", "53", "planned"],
        &["task", "block", "54", "--reason", "the ruler is lost"],
        &["task", "edit", "56", "--effort", "3 hours"],
        &["task", "abandon", "55", "--reason", "no colours"],
        &["task", "add", "Polish the edges"],
    ] {
        let told = environment.run(words.iter().copied());
        assert_eq!(told.code(), 0, "{told}");
    }
    environment
}

#[test]
fn a_task_is_restored_from_a_revision_and_nothing_else_changes() {
    let environment = adopted();
    committed(
        &environment,
        ["task", "block", "54", "--reason", "no ruler"],
        &LISTS,
    );
    committed(&environment, ["task", "status", "53", "planned"], &LISTS);
    let before = environment.state();
    assert_output!(environment, environment.run(["restore", "--from", "HEAD~2", "54", "--dry-run"]), @r#"
    exit code: 0
    ----- stdout -----
    54  blocked → planned, no reason  Measure the width
    ----- stderr -----
    nothing was changed: this is what it would be
    "#);
    assert_eq!(environment.state(), before);
    let told = committed(&environment, ["restore", "--from", "HEAD~2", "54"], &LISTS);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    54  blocked → planned, no reason  Measure the width
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [54]);
    assert_eq!(differences(&environment), []);
    let text = environment.read("specs/TODO.md");
    assert!(!text.contains("no ruler"), "{text}");
    let message = environment.git(["log", "-1", "--format=%s"]);
    assert_eq!(message.trim(), "task 54: restore from HEAD~2");
    let told = environment.run(["restore", "--from", "HEAD", "54"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    54  nothing to change  Measure the width
    ----- stderr -----
    "#);
    // It is an operation like any other one.
    environment.run(["undo"]).expect_code(0);
    assert!(environment.read("specs/TODO.md").contains("no ruler"));
}

#[test]
fn without_a_task_everything_that_stood_there_is_restored() {
    let environment = adopted();
    let first = environment.git(["rev-parse", "HEAD"]);
    let before = board(&environment);
    for words in [
        ["task", "status", "53", "planned"],
        ["task", "status", "54", "implementing"],
    ] {
        environment.run(words).expect_code(0);
    }
    environment
        .run(["task", "add", "Paint the corners"])
        .expect_code(0);
    environment
        .run(["restore", "--from", first.trim()])
        .expect_code(0);
    let after = board(&environment);
    for old in before.active() {
        let now = after.find(old.number).expect("the test made it so");
        assert_eq!((&now.status, &now.title), (&old.status, &old.title));
    }
    // What came later stays.
    assert_eq!(after.active().count(), before.active().count() + 1);
    assert_eq!(differences(&environment), []);
}

#[test]
fn what_cannot_be_restored_changes_nothing() {
    let environment = adopted();
    assert_output!(environment, refused(&environment, ["restore", "--from", "nowhere"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `nowhere` is no revision of this repository
    hint: `git log --oneline -- specs` lists the commits of the board
    "#);
    assert_output!(environment, refused(&environment, ["restore", "--from", "HEAD", "99"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: HEAD has no task 99
    "#);
    let sound = environment.read("specs/state.json");
    environment.write("specs/state.json", "{\"active_projects\": [,]}");
    environment.git(["commit", "--quiet", "--all", "--message", "damage"]);
    environment.write("specs/state.json", &sound);
    environment.git(["commit", "--quiet", "--all", "--message", "mended"]);
    environment.run(["sync"]);
    assert_output!(environment, refused(&environment, ["restore", "--from", "HEAD~1", "53"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: HEAD~1: its specs/state.json cannot be read: line 1: this is no JSON (column 22: expected value); correct it or bring back an older version
    hint: name an older or a newer revision
    "#);
    environment.git(["checkout", "--quiet", "--orphan", "other"]);
    environment.git(["commit", "--quiet", "--message", "begin"]);
}

#[test]
fn a_store_that_was_lost_is_rebuilt_from_the_files() {
    let environment = lived();
    let before = board(&environment);
    fs_err::remove_dir_all(store(&environment)).expect("the test made it so");
    assert_output!(environment, refused(&environment, ["verify"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs is not adopted
    hint: `airboss init` shows what is there, and adopts it
    "#);
    assert_output!(environment, refused(&environment, ["task", "list"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs is not adopted
    hint: `airboss init` shows what is there, and adopts it
    "#);
    let files = environment.tree();
    assert_output!(environment, environment.run(["rebuild"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "board": "specs",
      "next_number": 59,
      "operations": 9,
      "tasks": 8
    }
    ----- stderr -----
    "#);
    assert_eq!(environment.tree(), files, "the files are as they were");
    environment.run(["verify"]).expect_code(0);
    similar(&board(&environment), &before);
    assert_output!(environment, refused(&environment, ["rebuild"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the store is sound and knows specs
    hint: `airboss verify` compares it with the files; `airboss sync` makes them equal
    hint: `--force` takes the files' word for everything
    "#);
    environment.run(["rebuild", "--force"]).expect_code(0);
    similar(&board(&environment), &before);
    environment.run(["verify"]).expect_code(0);
    environment
        .run(["task", "status", "53", "implementing"])
        .expect_code(0);
    assert_eq!(differences(&environment), []);
}

/// Everything that the files hold is the same.
#[track_caller]
fn similar(after: &Board, before: &Board) {
    assert_eq!(after.next_number, before.next_number);
    let ids = |board: &Board| board.active().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(ids(after), ids(before));
    for old in before.active() {
        let now = &after.tasks[&old.id];
        let mut now = now.clone();
        // The two files spell a priority differently, and instants have whole seconds in them.
        let spelt = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        assert_eq!(spelt(&now.priority), spelt(&old.priority));
        now.priority.clone_from(&old.priority);
        for (key, at) in &old.times {
            assert_eq!(now.times[key].seconds_text(), at.seconds_text());
        }
        now.times.clone_from(&old.times);
        assert_eq!(now, *old);
    }
}

#[test]
fn files_win_over_a_sound_store_by_force() {
    let environment = lived();
    let text = environment.read("specs/state.json");
    let others = text.replacen("\"status\": \"researched\"", "\"status\": \"planned\"", 1);
    assert_ne!(text, others);
    let todo = environment.read("specs/TODO.md");
    environment.write(
        "specs/TODO.md",
        todo.replacen("[RESEARCHED]", "[PLANNED]", 1),
    );
    environment.write("specs/state.json", others);
    environment.run(["rebuild", "--force"]).expect_code(0);
    assert_eq!(differences(&environment), []);
    let status = board(&environment)
        .find(56)
        .expect("the test made it so")
        .status
        .to_string();
    assert_eq!(status, "planned");
}

#[test]
fn damage_to_the_store_never_blocks() {
    for damage in ["gone", "empty", "cut", "flipped", "wal"] {
        let environment = lived();
        let before = board(&environment);
        let path = store(&environment).join("state.db");
        match damage {
            "gone" => fs_err::remove_file(&path).expect("the test made it so"),
            "empty" => fs_err::write(&path, b"").expect("the test made it so"),
            "wal" => drop(fs_err::remove_file(path.with_extension("db-wal"))),
            other => {
                // The log goes with it: it would mend the pages.
                for ending in ["db-wal", "db-shm"] {
                    fs_err::remove_file(path.with_extension(ending)).ok();
                }
                let mut bytes = fs_err::read(&path).expect("the test made it so");
                if other == "cut" {
                    bytes.truncate(bytes.len() / 2);
                } else {
                    for byte in bytes.iter_mut().skip(100).step_by(97) {
                        *byte ^= 0x55;
                    }
                }
                fs_err::write(&path, bytes).expect("the test made it so");
            }
        }
        for words in [&["verify"][..], &["task", "list"]] {
            let told = environment.run(words.iter().copied());
            let is_clear = told.code() == 0
                || ["airboss rebuild", "airboss init", "hand"]
                    .iter()
                    .any(|word| told.stderr.contains(word) || told.stdout.contains(word));
            assert!(is_clear, "{damage}: {told}");
        }
        if damage == "flipped" {
            // Adopting does the same where nothing is known any more.
            environment.run(["init", "--yes"]).expect_code(0);
        }
        let told = environment.run(["rebuild"]);
        if damage == "wal" || told.code() == 4 {
            assert_ne!(told.told("--force").len(), 0, "{damage}: {told}");
            environment.run(["rebuild", "--force"]).expect_code(0);
        } else {
            told.expect_code(0);
        }
        similar(&board(&environment), &before);
        environment.run(["verify"]).expect_code(0);
    }
}

#[test]
fn an_export_begins_a_board_elsewhere() {
    let environment = lived();
    let told = environment.run(["export", "--json"]);
    told.expect_code(0);
    let exported = data(&told);
    assert_eq!(exported["kind"], "airboss_board");
    assert_eq!(
        exported["board"]["tasks"]
            .as_object()
            .expect("the test made it so")
            .len(),
        8
    );
    let history = environment.run(["export", "--history"]);
    let lines = history.stdout.lines().count();
    assert_eq!(exported["operations"], lines);
    let other = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    other.write("board.json", &told.stdout);
    other.commit("an export");
    assert_output!(other, other.run(["import", "board.json"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "board": "specs",
      "conflicts": 0,
      "errors": 0,
      "tasks": 8
    }
    ----- stderr -----
    "#);
    assert_eq!(differences(&other), []);
    similar(&board(&other), &board(&environment));
    other
        .run(["task", "status", "53", "implementing"])
        .expect_code(0);
    assert_eq!(differences(&other), []);
    assert_output!(other, refused(&other, ["import", "board.json"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs has tasks already; only an empty board is begun so
    "#);
    let taken = found();
    taken.write("board.json", &told.stdout);
    taken.write("broken.json", "{\"schema_version\": 1, \"data\": {}}");
    assert_output!(taken, refused(&taken, ["import", "board.json"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs has tasks already; only an empty board is begun so
    "#);
    assert_output!(taken, refused(&taken, ["import", "broken.json"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: ./broken.json is no export of a board: missing field `kind`
    hint: `airboss export > FILE` writes one
    "#);
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // The constants of Knuth's MMIX.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn maybe(&mut self, text: &str) -> Option<String> {
        let number = self.roll(100);
        (number < 60).then(|| format!("{text} {number}"))
    }

    fn task(&mut self, number: u32) -> Task {
        let words = ["Draw", "Measure", "Paint", "Polish", "Count"];
        let word = words[usize::try_from(self.roll(5)).expect("the test made it so")];
        let title = format!("{word} the edge {number}");
        let statuses = Status::ALL;
        let count = u64::try_from(statuses.len()).expect("the test made it so");
        let status = statuses[usize::try_from(self.roll(count)).expect("the test made it so")];
        let new = NewTask {
            priority: Some(
                ["high", "medium", "low"]
                    [usize::try_from(self.roll(3)).expect("the test made it so")]
                .into(),
            ),
            language: self.maybe("rust").map(|_| "rust".to_owned()),
            effort: self.maybe("hours"),
            description: self.maybe("A paragraph, with \"quotes\" and `code`,"),
            dependencies: (1..number).filter(|_| self.roll(4) == 0).collect(),
            ..NewTask::new(id(self, number), number, title)
        };
        let empty = Board::default();
        let standing = Standing {
            board: &empty,
            actor: Actor::Person,
            mode: Mode::Permissive,
            force: false,
            now: Timestamp::from_millis(1_772_442_900_000),
        };
        let lonely = NewTask {
            dependencies: Vec::new(),
            ..new.clone()
        };
        let added = command::add(&standing, lonely, number + 1).expect("the test made it so");
        let BoardOperation::TaskAdded { task, .. } = added[0].clone() else {
            panic!("{added:?}");
        };
        let mut task = *task;
        task.dependencies.numbers = new.dependencies;
        task.status = status.into();
        if status == Status::Blocked {
            task.blocked_reason = self.maybe("the ruler is lost");
        }
        task
    }
}

fn id(dice: &mut Dice, number: u32) -> TaskId {
    let high = dice.roll(u64::from(u32::MAX));
    let text = format!("{high:08x}000070008000{number:012x}");
    serde_json::from_value(text.into()).expect("the test made it so")
}

#[test]
fn whatever_the_files_hold_comes_back_by_rebuilding() {
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let environment = TestEnvironment::without_git(env!("CARGO_BIN_EXE_airboss"));
        let count = 1 + u32::try_from(dice.roll(12)).expect("the test made it so");
        let mut operations = vec![BoardOperation::Adopted {
            next_number: Some(count + 1),
            tasks: count,
            disagreements: 0,
        }];
        for number in 1..=count {
            operations.push(BoardOperation::TaskAdopted {
                task: Box::new(dice.task(number)),
            });
        }
        let open = || Workspace::open(&environment.top()).expect("the test made it so");
        let specs = key("specs").expect("the test made it so");
        drop(begin(open(), &specs, operations).expect("the test made it so"));
        let before = board(&environment);
        fs_err::remove_dir_all(store(&environment)).expect("the test made it so");
        environment.run(["rebuild"]).expect_code(0);
        similar(&board(&environment), &before);
        environment.run(["verify"]).expect_code(0);
    }
}
