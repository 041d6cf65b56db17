//! What people type into the files: taken in, told of, or kept; never lost.

use std::io::Write as _;
use std::time::{Duration, Instant};

use airboss_core::board::command::{self, Standing};
use airboss_core::board::transition::Mode;
use airboss_core::board::{Status, Task};
use airboss_core::operation::Actor;
use airboss_engine::board::{Decision, Whole};
use airboss_engine::store::Wanted;

use crate::world::{World, operations};

fn task(world: &World, number: u32) -> Task {
    let board = world.bench.desk().view().unwrap();
    board.find(number).unwrap().clone()
}

/// After an edit everything agrees, and the second look is quiet.
#[track_caller]
fn agrees(world: &World) {
    let settled = world.bench.settle(Whole::Yes);
    assert_eq!(settled.pending, []);
    assert_eq!(world.bench.differences(), []);
    let again = world.bench.settle(Whole::Yes);
    assert_eq!(again.written, []);
}

fn section(number: u32) -> String {
    format!("### {number}. Mend part {number}\n- **Effort**: {number} hours\n")
}

/// Types into the section of task 5, and tells how the task is then.
#[track_caller]
fn typed(from: &str, to: &str) -> Task {
    let world = World::new();
    let text = world.read("TODO.md");
    let (before, after) = text.split_once("### 5. ").unwrap();
    let after = after.replacen(from, to, 1);
    world.write("TODO.md", &format!("{before}### 5. {after}"));
    let settled = world.bench.settle(Whole::No);
    assert_eq!(settled.pending, []);
    agrees(&world);
    task(&world, 5)
}

#[test]
fn fields_are_taken() {
    let status = typed("[NOT STARTED]", "[PLANNED]").status;
    assert!(status.is(Status::Planned));
    let priority = typed("**Priority**: Medium", "**Priority**: High").priority;
    assert_eq!(priority.as_deref(), Some("High"));
    assert_eq!(typed("Mend part 5", "Mend it well").title, "Mend it well");
    let waits = typed("**Dependencies**: None", "**Dependencies**: Task 4");
    assert_eq!(waits.dependencies.numbers, [4]);
    let same = typed("What was said of part 5.", "What is said of part 5 now.");
    assert!(same.status.is(Status::NotStarted));
}

#[test]
fn state_json_is_taken_too() {
    let world = World::new();
    world.edit(
        "state.json",
        "\"mend_part_5\",\n      \"status\": \"not_started\"",
        "\"mend_part_5\",\n      \"status\": \"planned\"",
    );
    world.bench.settle(Whole::No);
    agrees(&world);
    assert!(task(&world, 5).status.is(Status::Planned));
    assert!(
        world
            .read("TODO.md")
            .contains("5 hours\n- **Status**: [PLANNED]")
    );
}

#[test]
fn a_new_entry_becomes_a_task() {
    let world = World::new();
    let entry = "### 9. Paint it\n- **Effort**: 1 hour\n- **Status**: [NOT STARTED]\n\n---\n\n";
    world.edit("TODO.md", &section(8), &format!("{entry}{}", section(8)));
    world.bench.settle(Whole::No);
    assert_eq!(task(&world, 9).title, "Paint it");
    agrees(&world);
    assert!(world.read("state.json").contains("paint_it"));
}

#[test]
fn a_deleted_entry_is_told_of_and_comes_back() {
    let world = World::new();
    let text = world.read("TODO.md");
    let start = text.find("### 5.").unwrap();
    let end = text.find("### 4.").unwrap();
    world.write("TODO.md", &format!("{}{}", &text[..start], &text[end..]));
    let settled = world.bench.settle(Whole::No);
    assert!(
        settled
            .notes
            .iter()
            .any(|note| note.contains("task 5 is gone")),
        "{settled:?}"
    );
    assert!(!world.read("TODO.md").contains("### 5."));
    // Another task's change is no reason to bring it back.
    world.set(6, Status::Planned);
    assert!(!world.read("TODO.md").contains("### 5."));
    agrees(&world);
    assert!(world.read("TODO.md").contains("### 5."));
}

#[test]
fn the_order_of_entries_is_a_persons() {
    let world = World::new();
    let text = world.read("TODO.md");
    let (head, rest) = text.split_once("### 8.").unwrap();
    let (first, others) = rest.split_once("\n---\n").unwrap();
    let moved = format!("{head}{}\n### 8.{first}\n---\n", others.trim_start());
    world.write("TODO.md", &moved);
    world.bench.settle(Whole::No);
    world.set(6, Status::Planned);
    agrees(&world);
    let now = world.read("TODO.md");
    assert!(now.find("### 8.") > now.find("### 1."), "{now}");
}

#[test]
fn an_unknown_marker_is_left_alone() {
    let world = World::new();
    let from = format!("{}- **Status**: [NOT STARTED]", section(5));
    let to = format!("{}- **Status**: [DONEE]", section(5));
    world.edit("TODO.md", &from, &to);
    let settled = world.bench.settle(Whole::No);
    assert!(
        settled.notes.iter().any(|note| note.contains("DONEE")),
        "{settled:?}"
    );
    assert!(task(&world, 5).status.is(Status::NotStarted));
    world.set(6, Status::Planned);
    world.bench.settle(Whole::Yes);
    assert!(world.read("TODO.md").contains("[DONEE]"));
    assert_eq!(world.bench.differences().len(), 1);
}

#[test]
fn edits_of_many_tasks_wait_for_a_person() {
    let world = World::new();
    let text = world.read("TODO.md").replace("hours", "days");
    world.write("TODO.md", &text);
    for whole in [Whole::No, Whole::Yes] {
        let settled = world.bench.settle(whole);
        assert!(
            settled.notes.iter().any(|note| note.contains("--accept")),
            "{settled:?}"
        );
        assert_eq!(task(&world, 5).effort.as_deref(), Some("5 hours"));
        assert_eq!(world.read("TODO.md"), text, "{whole:?}");
    }
    world.set(6, Status::Planned);
    let now = world.read("TODO.md");
    assert!(now.contains("5 days") && now.contains("6 days"), "{now}");
    world.bench.settle(Whole::Accept);
    for number in [1, 5, 6, 8] {
        let effort = format!("{number} days");
        assert_eq!(task(&world, number).effort, Some(effort));
    }
    agrees(&world);
}

#[test]
fn an_editor_may_truncate_and_then_write() {
    let world = World::new();
    let text = world.read("TODO.md").replace("5 hours", "50 hours");
    let path = world.path("TODO.md");
    let (begun, begin) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs_err::File::create(&path).unwrap();
            let (first, second) = text.as_bytes().split_at(text.len() / 2);
            file.write_all(first).unwrap();
            begun.send(()).unwrap();
            // The editor is slow, but not as slow as the patience of the publisher.
            std::thread::sleep(Duration::from_millis(60));
            file.write_all(second).unwrap();
        });
        begin.recv().unwrap();
        world.set(6, Status::Planned);
    });
    let deadline = Instant::now() + Duration::from_secs(10);
    while task(&world, 5).effort.as_deref() != Some("50 hours") {
        assert!(Instant::now() < deadline, "{}", world.read("TODO.md"));
        world.bench.settle(Whole::No);
    }
    let board = world.bench.desk().view().unwrap();
    assert_eq!(board.conflicts.len(), 0);
    assert_eq!(world.statuses().len(), 8);
    agrees(&world);
}

#[test]
fn line_ends_are_kept() {
    let world = World::new();
    world.write("TODO.md", &world.read("TODO.md").replace('\n', "\r\n"));
    let before = operations(&world.bench.desk()).len();
    world.bench.settle(Whole::No);
    assert_eq!(operations(&world.bench.desk()).len(), before);
    world.set(6, Status::Planned);
    let text = world.read("TODO.md");
    assert!(
        text.contains("6 hours\r\n- **Status**: [PLANNED]\r\n"),
        "{text}"
    );
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    agrees(&world);
}

#[test]
fn what_was_published_while_an_editor_had_emptied_the_file_is_written_when_it_is_whole() {
    let world = World::new();
    let whole = world.read("TODO.md");
    world.write("TODO.md", "");
    world.set(5, Status::Researching);
    let said = "What was said of part 8.";
    world.write("TODO.md", &whole.replace(said, "What was said."));
    world.bench.settle(Whole::No);
    let text = world.read("TODO.md");
    let written = format!("{}- **Status**: [RESEARCHING]", section(5));
    assert!(text.contains(&written), "{text}");
    agrees(&world);
}

/// On a busy machine an editor that writes in place is at it for longer than a quarter of a second.
fn is_waited_for(begun: impl FnOnce(&str) -> usize) {
    let world = World::new();
    let whole = format!("{}\nThe last words.\n", world.read("TODO.md"));
    let (begun, rest) = whole.split_at(begun(&whole));
    let mut file = fs_err::File::create(world.path("TODO.md")).unwrap();
    file.write_all(begun.as_bytes()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(900));
            file.write_all(rest.as_bytes()).unwrap();
        });
        world.set(8, Status::Researching);
        world.set(1, Status::Researching);
    });
    let text = world.read("TODO.md");
    for part in [section(8), section(1)] {
        let written = format!("{part}- **Status**: [RESEARCHING]");
        assert!(text.contains(&written), "{text}");
    }
    assert!(text.ends_with("\nThe last words.\n"), "{text}");
    agrees(&world);
}

#[test]
fn nothing_is_built_upon_a_file_that_an_editor_has_just_emptied() {
    is_waited_for(|_| 0);
}

#[test]
fn nothing_is_built_upon_the_first_lines_that_an_editor_has_just_written() {
    is_waited_for(|text| text[..text.len() * 3 / 5].rfind('\n').unwrap() + 1);
}

#[test]
fn nothing_is_built_upon_a_line_that_an_editor_has_just_begun() {
    is_waited_for(|text| text.len() - 3);
}

/// A command that comes in between must not take the file away under the editor's hands.
#[test]
fn what_an_editor_writes_long_after_its_file_was_displaced_is_kept() {
    let world = World::new();
    let text = world
        .read("TODO.md")
        .replace("was said of part 8", "was said");
    let mut editor = fs_err::File::create(world.path("TODO.md")).unwrap();
    editor.write_all(text.as_bytes()).unwrap();
    let rest = || std::thread::sleep(Duration::from_millis(400));
    for task in [8, 1] {
        rest();
        world.set(task, Status::Researching);
    }
    rest();
    world.bench.settle(Whole::No);
    editor.write_all(b"late words").unwrap();
    rest();
    std::thread::sleep(Duration::from_secs(2));
    world.bench.settle(Whole::No);
    let kept = fs_err::read_dir(world.bench.workspace.state.join("kept")).unwrap();
    let kept: Vec<_> = kept.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(fs_err::read(&kept[0]).unwrap().ends_with(b"late words"));
}

#[test]
fn what_is_typed_again_and_again_counts_every_time() {
    let world = World::new();
    for (round, status) in ["RESEARCHING", "NOT STARTED", "RESEARCHING", "NOT STARTED"]
        .into_iter()
        .enumerate()
    {
        let text = world.read("TODO.md");
        let (before, after) = text.split_once("### 5. ").unwrap();
        let (head, tail) = after.split_once("- **Status**: [").unwrap();
        let (_, tail) = tail.split_once(']').unwrap();
        // With other prose each time, the text is none that there ever was.
        let said = format!("said of part 5 {round}");
        let tail = tail.replacen("said of part 5", &said, 1);
        world.write(
            "TODO.md",
            &format!("{before}### 5. {head}- **Status**: [{status}]{tail}"),
        );
        world.bench.settle(Whole::No);
        assert_eq!(task(&world, 5).status.marker(), status);
    }
    agrees(&world);
}

#[test]
fn what_is_typed_before_a_pending_file_is_written_counts() {
    let world = World::new();
    let mut desk = world.bench.desk();
    crate::world::store_only(&mut desk, 5, Status::Planned);
    crate::world::store_only(&mut desk, 5, Status::NotStarted);
    std::thread::sleep(Duration::from_secs(6));
    let typed = format!("{}- **Status**: [PLANNED]", section(5));
    let was = format!("{}- **Status**: [NOT STARTED]", section(5));
    world.edit("TODO.md", &was, &typed);
    world.bench.settle(Whole::No);
    assert!(task(&world, 5).status.is(Status::Planned));
    agrees(&world);
}

/// A person types while a command is stored and not yet published.
fn at_once(from: &str, to: &str) -> World {
    let world = World::new();
    crate::world::store_only(&mut world.bench.desk(), 5, Status::Researching);
    world.edit(
        "TODO.md",
        &format!("{}- **Status**: {from}", section(5)),
        to,
    );
    world.bench.settle(Whole::No);
    world
}

#[test]
fn another_field_at_the_same_time() {
    let to = "### 5. Mend part 5\n- **Effort**: 55 hours\n- **Status**: [NOT STARTED]";
    let world = at_once("[NOT STARTED]", to);
    let task = task(&world, 5);
    assert_eq!(task.effort.as_deref(), Some("55 hours"));
    assert!(task.status.is(Status::Researching));
    assert!(world.bench.desk().view().unwrap().conflicts.is_empty());
    agrees(&world);
}

#[test]
fn the_same_field_at_the_same_time() {
    for take in [true, false] {
        let to = format!("{}- **Status**: [BLOCKED]", section(5));
        let world = at_once("[NOT STARTED]", &to);
        assert!(task(&world, 5).status.is(Status::Researching));
        let board = world.bench.desk().view().unwrap();
        let [conflict] = board.conflicts.as_slice() else {
            panic!("{:?}", board.conflicts);
        };
        assert!(conflict.blob.is_some());
        agrees(&world);
        let id = conflict.id;
        let settle = |desk: &mut airboss_engine::board::Desk| {
            desk.change(None, &Wanted::All, &mut |given| {
                let standing = Standing {
                    board: &given.board,
                    actor: Actor::Person,
                    mode: Mode::Permissive,
                    force: false,
                    now: given.now,
                };
                Ok(Decision {
                    operations: command::settle(&standing, id, take)?,
                    subject: "task 5: settle a conflict".to_owned(),
                    ..Decision::default()
                })
            })
            .unwrap();
        };
        settle(&mut world.bench.desk());
        let wanted = if take {
            Status::Blocked
        } else {
            Status::Researching
        };
        assert!(task(&world, 5).status.is(wanted));
        assert!(world.bench.desk().view().unwrap().conflicts.is_empty());
        agrees(&world);
    }
}
