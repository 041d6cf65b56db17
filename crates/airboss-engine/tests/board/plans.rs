//! The phase markers of a plan, where git could not merge them.

use airboss_core::board::{Status, command};
use airboss_core::plan::PhaseStatus;
use airboss_engine::board::{Decision, Whole};
use airboss_engine::store::Wanted;

use crate::world::{World, operations, standing};

const PLAN: &str = "005_mend_part_5/plans/implementation-001.md";

/// A further phase of it.
const SECOND: &str = "### Phase 2: Mend [NOT STARTED]\n\nMend it.\n";

/// A board whose task 5 has a plan, and what stands in its only phase.
fn planned(body: &str) -> World {
    let world = World::new();
    fs_err::create_dir_all(world.path(PLAN).parent().unwrap()).unwrap();
    let text = format!("# Plan\n\n### Phase 1: Look [NOT STARTED]\n\n{body}\n");
    fs_err::write(world.path(PLAN), text).unwrap();
    world.git(&["add", "-A"]);
    world.git(&["commit", "-qm", "a plan"]);
    world
}

/// What `airboss task status --phase` does.
#[track_caller]
fn mark(world: &World, from: PhaseStatus, to: PhaseStatus) {
    mark_phase(world, "1", from, to);
}

#[track_caller]
fn mark_phase(world: &World, key: &str, from: PhaseStatus, to: PhaseStatus) {
    let [from, to] = [from, to].map(|status| [(key.to_owned(), status)]);
    let done = world.bench.desk().change(None, &Wanted::All, &mut |given| {
        Ok(Decision {
            operations: command::mark_phases(&standing(given), 5, &from, &to)?,
            subject: "task 5 phase 1".to_owned(),
            ..Decision::default()
        })
    });
    assert_eq!(done.unwrap().settled.pending, []);
}

/// What git leaves of two texts that it could not merge.
fn conflict(ours: &str, theirs: &str) -> String {
    format!("<<<<<<< a\n{ours}=======\n{theirs}>>>>>>> b\n")
}

/// The status of a phase in the store.
fn stored(world: &World, key: &str) -> PhaseStatus {
    let view = world.bench.desk().view().unwrap();
    let task = view.active().find(|task| task.number == 5).unwrap();
    task.phases[key].status
}

/// No side of a merge is left in the plan, and it says what the store says.
#[track_caller]
fn is_merged(world: &World) {
    let plan = world.read(PLAN);
    assert!(!plan.contains("<<<<<<<"), "{plan}");
    assert_eq!(world.bench.differences(), []);
}

/// The phase is this in the store and in the plan, once, and nothing else is left to do.
#[track_caller]
fn settles_as(world: &World, status: PhaseStatus) {
    world.bench.settle(Whole::Yes);
    let plan = world.read(PLAN);
    let headings: Vec<_> = plan.lines().filter(|line| line.starts_with('#')).collect();
    let heading = format!("### Phase 1: Look [{}]", status.marker());
    assert_eq!(headings, ["# Plan", &*heading], "{plan}");
    assert!(!plan.contains("======="), "{plan}");
    assert_eq!(stored(world, "1"), status);
    assert_eq!(world.bench.differences(), []);
}

/// What `airboss verify` says of the plan.
fn told(world: &World) -> Vec<String> {
    let differences = world.bench.differences().into_iter();
    let of_plan = differences.filter(|it| it.path.as_str().ends_with(PLAN));
    of_plan.map(|it| it.message).collect()
}

const UNMERGED: &str = "git left both sides of a phase's marker there; `airboss sync` merges them";

#[test]
fn a_stash_from_before_does_not_come_back() {
    let world = planned("Look at it.");
    mark(&world, PhaseStatus::NotStarted, PhaseStatus::InProgress);
    world.edit(PLAN, "[IN PROGRESS]", "[BLOCKED]");
    world.bench.settle(Whole::Yes);
    world.git(&["stash", "-q"]);
    mark(&world, PhaseStatus::Blocked, PhaseStatus::Completed);
    let before = operations(&world.bench.desk()).len();
    world.try_git(&["stash", "pop", "-q"]).unwrap_err();
    assert_eq!(told(&world), [UNMERGED]);
    settles_as(&world, PhaseStatus::Completed);
    let all = operations(&world.bench.desk());
    let new = format!("{:?}", &all[before..]);
    assert_eq!(new.matches("PhaseState").count(), 0, "{new}");
    assert_eq!(new.matches(PLAN).count(), 1, "it is kept as a blob: {new}");
    // Once is enough.
    let count = all.len();
    settles_as(&world, PhaseStatus::Completed);
    assert_eq!(operations(&world.bench.desk()).len(), count);
}

#[test]
fn what_another_clone_set_is_taken_in() {
    let world = planned("Look at it.");
    world.git(&["checkout", "-qb", "side"]);
    world.edit(PLAN, "[NOT STARTED]", "[BLOCKED]");
    world.git(&["commit", "-qam", "it waits"]);
    world.git(&["checkout", "-q", "main"]);
    mark(&world, PhaseStatus::NotStarted, PhaseStatus::InProgress);
    world.try_git(&["merge", "-q", "side"]).unwrap_err();
    assert_eq!(told(&world), [UNMERGED]);
    settles_as(&world, PhaseStatus::Blocked);
}

#[test]
fn marks_that_were_committed_go_with_the_next_change() {
    let world = planned("Look at it.");
    mark(&world, PhaseStatus::NotStarted, PhaseStatus::InProgress);
    let heading = "### Phase 1: Look [IN PROGRESS]\n";
    let older = "### Phase 1: Look [NOT STARTED]\n";
    let both = conflict(heading, older);
    world.edit(PLAN, heading, &both);
    world.git(&["commit", "-qam", "by hand"]);
    mark(&world, PhaseStatus::InProgress, PhaseStatus::Completed);
    settles_as(&world, PhaseStatus::Completed);
    let committed = world.git(&["show", &format!("HEAD:specs/{PLAN}")]);
    assert_eq!(committed, world.read(PLAN));
}

/// Nobody but its author knows which side is meant, so the marks stay, and are told of.
#[test]
fn what_the_author_wrote_is_left_to_the_author() {
    let world = planned("Look at it.");
    mark(&world, PhaseStatus::NotStarted, PhaseStatus::InProgress);
    let heading = "### Phase 1: Look [IN PROGRESS]\n";
    let older = "### Phase 1: Look twice [NOT STARTED]\n";
    for (ours, theirs) in [(older, heading), (heading, older)] {
        let both = conflict(ours, theirs);
        world.edit(PLAN, heading, &both);
        let text = world.read(PLAN);
        world.bench.settle(Whole::Yes);
        assert_eq!(world.read(PLAN), text);
        let expected = "phase 1 stands there more than once, in the store it is IN PROGRESS: keep \
                        one of them";
        assert_eq!(told(&world), [expected]);
        world.write(PLAN, &text.replace(&both, heading));
        world.bench.settle(Whole::Yes);
        assert_eq!(world.bench.differences(), []);
    }
}

/// A commit of anything else leaves what it finds, as the file on disk is left.
#[test]
fn another_change_leaves_what_was_committed() {
    let world = planned("Look at it.");
    mark(&world, PhaseStatus::NotStarted, PhaseStatus::InProgress);
    let heading = "### Phase 1: Look [IN PROGRESS]\n";
    let older = "### Phase 1: Look [NOT STARTED]\n";
    let both = conflict(heading, older);
    world.edit(PLAN, heading, &both);
    world.git(&["commit", "-qam", "by hand"]);
    world.set(5, Status::Blocked);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert!(world.read(PLAN).contains(&both));
    settles_as(&world, PhaseStatus::InProgress);
}

/// Beside what is merged a person may have set the marker of another phase, and git may have merged
/// a third one whose cell of the table stood in the way.
#[test]
fn what_stands_beside_a_merge_is_taken_in() {
    let world = planned(&format!("Look at it.\n\n{SECOND}"));
    for key in ["1", "2"] {
        for (from, to) in [
            (PhaseStatus::NotStarted, PhaseStatus::InProgress),
            (PhaseStatus::InProgress, PhaseStatus::Completed),
        ] {
            mark_phase(&world, key, from, to);
        }
    }
    let (first, second) = (
        "### Phase 1: Look [COMPLETED]\n",
        "### Phase 2: Mend [COMPLETED]\n",
    );
    let older = "### Phase 1: Look [NOT STARTED]\n";
    let both = conflict(first, older);
    world.edit(PLAN, first, &both);
    world.edit(PLAN, second, "### Phase 2: Mend [IN PROGRESS]\n");
    world.bench.settle(Whole::Yes);
    assert_eq!(
        (stored(&world, "1"), stored(&world, "2")),
        (PhaseStatus::Completed, PhaseStatus::InProgress)
    );
    is_merged(&world);
}

#[test]
fn two_sides_with_news_are_told() {
    let world = planned("Look at it.");
    mark(&world, PhaseStatus::NotStarted, PhaseStatus::InProgress);
    let heading = "### Phase 1: Look [IN PROGRESS]\n";
    let [ours, theirs] = ["BLOCKED", "SKIPPED"].map(|it| heading.replace("IN PROGRESS", it));
    let both = conflict(&ours, &theirs);
    world.edit(PLAN, heading, &both);
    let settled = world.bench.settle(Whole::Yes);
    let notes = settled.notes.join("\n");
    assert_eq!(notes.matches("both sides set").count(), 1, "{notes}");
    assert_eq!(notes.matches("git blob").count(), 1, "{notes}");
    settles_as(&world, PhaseStatus::Blocked);
}

/// The rows of the status table lie side by side, so that git cannot merge what two clones set in
/// two phases.
#[test]
fn the_cells_of_the_table_follow() {
    let table = |one: &str, two: &str| {
        format!("| Phase | Status |\n|---|---|\n| 1. Look | [{one}] |\n| 2. Mend | [{two}] |\n")
    };
    let begun = table("NOT STARTED", "NOT STARTED");
    let world = planned(&format!(
        "Look.\n\n{SECOND}\n## Phase Status Summary\n\n{begun}"
    ));
    for key in ["1", "2"] {
        mark_phase(
            &world,
            key,
            PhaseStatus::NotStarted,
            PhaseStatus::InProgress,
        );
    }
    let now = table("IN PROGRESS", "IN PROGRESS");
    let shown = world.read(PLAN);
    assert!(shown.contains(&now), "{shown}");
    let row = |text: &str| {
        text.lines()
            .skip(2)
            .map(|it| format!("{it}\n"))
            .collect::<String>()
    };
    let [ours, theirs] = [
        table("COMPLETED", "IN PROGRESS"),
        table("IN PROGRESS", "COMPLETED"),
    ];
    let both = conflict(&row(&ours), &row(&theirs));
    world.edit(PLAN, &row(&now), &both);
    for name in ["1: Look", "2: Mend"] {
        world.edit(
            PLAN,
            &format!("{name} [IN PROGRESS]"),
            &format!("{name} [COMPLETED]"),
        );
    }
    world.bench.settle(Whole::Yes);
    let shown = world.read(PLAN);
    assert!(shown.contains(&table("COMPLETED", "COMPLETED")), "{shown}");
    is_merged(&world);
}

/// What is not in a conflict stays as it is, whatever the board would write there.
#[test]
fn the_reason_of_another_phase_stays() {
    let world = planned(&format!("Look at it.\n\n{SECOND}"));
    for key in ["1", "2"] {
        mark_phase(
            &world,
            key,
            PhaseStatus::NotStarted,
            PhaseStatus::InProgress,
        );
    }
    let blocked = "### Phase 1: Look [BLOCKED: waits for Ann]\n**Started**: when she left\n";
    let shown = world.read(PLAN);
    let begin = shown.find("### Phase 1").unwrap();
    let end = begin + shown[begin..].find("\n\n").unwrap() + 1;
    world.edit(PLAN, &shown[begin..end], blocked);
    world.bench.settle(Whole::Yes);
    assert!(world.read(PLAN).contains(blocked));
    let second = "### Phase 2: Mend [IN PROGRESS]\n";
    let older = "### Phase 2: Mend [NOT STARTED]\n";
    let both = conflict(older, second);
    world.edit(PLAN, second, &both);
    world.bench.settle(Whole::Yes);
    let shown = world.read(PLAN);
    assert!(shown.contains(blocked) && shown.contains(second), "{shown}");
    is_merged(&world);
}

/// Git merges an older marker beside the one that it leaves: nobody typed that.
#[test]
fn an_older_marker_beside_a_merge_is_no_news() {
    let world = planned(&format!("Look at it.\n\nWith care.\n\n{SECOND}"));
    mark_phase(
        &world,
        "2",
        PhaseStatus::NotStarted,
        PhaseStatus::InProgress,
    );
    mark_phase(&world, "2", PhaseStatus::InProgress, PhaseStatus::Completed);
    world.git(&["checkout", "-qb", "side"]);
    world.edit(PLAN, "Look [NOT STARTED]", "Look [BLOCKED]");
    world.edit(PLAN, "Mend [COMPLETED]", "Mend [IN PROGRESS]");
    world.git(&["commit", "-qam", "it waits"]);
    world.git(&["checkout", "-q", "main"]);
    mark(&world, PhaseStatus::NotStarted, PhaseStatus::InProgress);
    world.try_git(&["merge", "-q", "side"]).unwrap_err();
    assert!(world.read(PLAN).contains("Mend [IN PROGRESS]"));
    world.bench.settle(Whole::Yes);
    assert_eq!(stored(&world, "1"), PhaseStatus::Blocked);
    assert_eq!(stored(&world, "2"), PhaseStatus::Completed);
    assert_eq!(world.bench.differences(), []);
}
