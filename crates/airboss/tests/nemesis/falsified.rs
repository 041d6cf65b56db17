//! Every check can fail: a small world that is right, and the same one false in one point.

use std::time::Duration;

use airboss_core::board::{BoardOperation, Cause, TaskChange};
use airboss_core::id::OperationId;
use airboss_core::operation::Operation;

use crate::evidence::{Evidence, Said, Save, Verb};
use crate::judge;
use crate::storm::{Storm, Weather};

/// A storm of a few writers, each of whom is done after a few changes.
fn world() -> Evidence {
    let storm = Storm::new(Weather {
        seconds: Duration::from_secs(60),
        writers: 4,
        changes: 6,
        seed: 7,
    });
    storm.breeze();
    storm.evidence()
}

/// The place of the first operation of a command that changed an effort.
fn effort(evidence: &Evidence) -> usize {
    let is_effort = |operation: &Operation| match operation {
        Operation::Board {
            operation: BoardOperation::TaskChanged { changes, .. },
        } => matches!(changes.first(), Some(TaskChange::Effort(Some(_)))),
        _ => false,
    };
    let mut log = evidence.log.iter();
    log.position(|it| is_effort(&it.operation)).unwrap()
}

fn cause(evidence: &mut Evidence, place: usize) -> &mut Cause {
    match &mut evidence.log[place].operation {
        Operation::Board {
            operation: BoardOperation::TaskChanged { cause, .. },
        } => cause,
        other => panic!("{other:?} is no change of a task"),
    }
}

fn last_board(evidence: &mut Evidence) -> &mut Said {
    let mut answers = evidence.answers.iter_mut().rev();
    let board = answers.find(|answer| matches!(answer.said, Said::Board(..)));
    &mut board.unwrap().said
}

/// What is made false, the check that has to see it, and how.
type Lie = (&'static str, &'static str, fn(&mut Evidence));

const LIES: &[Lie] = &[
    ("a command ends oddly", "answers", |world| {
        world.deeds[0].code = 101;
    }),
    ("an acknowledged change is gone", "exactly once", |world| {
        let place = effort(world);
        world.log.remove(place);
    }),
    ("a change was made twice", "exactly once", |world| {
        let place = effort(world);
        let again = world.log[place].clone();
        world.log.insert(place, again);
    }),
    ("a refused change was made", "exactly once", |world| {
        let mut deeds = world.deeds.iter_mut();
        let deed = deeds.find(|deed| deed.verb == Verb::Effort && deed.code == 0);
        deed.unwrap().code = 4;
    }),
    ("a change without a command", "exactly once", |world| {
        let mut deeds = world.deeds.iter_mut();
        let deed = deeds.find(|deed| deed.verb == Verb::Effort && deed.code == 0);
        deed.unwrap().changed = false;
    }),
    ("a checkout rolled a task back", "made up", |world| {
        let place = effort(world);
        let path = airboss_core::path::RepoPath::new("specs/TODO.md").unwrap();
        *cause(world, place) = Cause::HandEdit { path };
    }),
    ("a reader saw the past", "order", |world| {
        let end = world.deeds.iter().map(|deed| deed.span.end).max().unwrap();
        let mut answers = world.answers.iter_mut();
        let early = answers.find(|answer| matches!(answer.said, Said::Board(..)));
        let span = &mut early.unwrap().span;
        (span.begin, span.end) = (end + 1, end + 2);
    }),
    ("a value came back", "linearizable", |world| {
        let end = world.deeds.iter().map(|deed| deed.span.end).max().unwrap();
        let mut answers = world.answers.iter();
        let early = answers.find(|answer| matches!(answer.said, Said::Board(..)));
        let mut early = early.unwrap().clone();
        (early.span.begin, early.span.end) = (end + 1, end + 2);
        world.answers.push(early);
    }),
    ("an answer between two operations", "snapshots", |world| {
        let Said::Board(board, _) = last_board(world) else {
            return;
        };
        board.tasks.values_mut().next().unwrap().title.push('x');
    }),
    ("an answer that counts wrong", "snapshots", |world| {
        if let Said::Board(_, operations) = last_board(world) {
            *operations += 1;
        }
    }),
    ("a list that never was", "snapshots", |world| {
        if let Said::List(list) = &mut world.rest.list {
            list.pop();
        }
    }),
    ("a torn file", "files", |world| {
        let mut glances = world.glances.iter_mut();
        let glance = glances.find(|glance| glance.is_undisturbed).unwrap();
        glance.torn.push("TODO.md lacks half of it".to_owned());
    }),
    ("TODO.md behind state.json", "files", |world| {
        let first = world.glances[0].todo.clone();
        let mut glances = world.glances.iter_mut().rev();
        let last = glances.find(|glance| glance.is_calm).unwrap();
        last.todo = first;
    }),
    ("state.json of nobody", "files", |world| {
        let mut glances = world.glances.iter_mut().rev();
        let last = glances.find(|glance| glance.is_calm).unwrap();
        let entry = last.state.values_mut().next().unwrap();
        entry.operation = Some(OperationId::default());
    }),
    ("a save is gone", "saves", |world| {
        world.saves.push(Save {
            token: "q99q".to_owned(),
            removed: Vec::new(),
            how: "by renaming",
        });
    }),
    ("a commit with a neighbour's line", "commits", |world| {
        world.commits[0].tasks.extend([38, 39]);
    }),
    ("a commit with another file", "commits", |world| {
        world.commits[0].paths.push("own.txt".to_owned());
    }),
    ("a commit with a person's words", "commits", |world| {
        world.commits[0]
            .outside
            .push("[] became [\"hello\"]".to_owned());
    }),
    ("a commit was made twice", "commits", |world| {
        world.commits[0].on_main = 2;
    }),
    ("a commit is lost", "commits", |world| {
        world.commits[0].on_main = 0;
    }),
    ("a commit was never made", "commits", |world| {
        let is_made = |operation: &Operation| matches!(operation, Operation::CommitMade { .. });
        let place = world.log.iter().position(|it| is_made(&it.operation));
        world.log.remove(place.unwrap());
    }),
    ("something waits for ever", "rest", |world| {
        world
            .rest
            .waiting
            .push("specs/TODO.md to be published".to_owned());
    }),
    ("the files are not the store", "rest", |world| {
        world.rest.verify.0 = 1;
    }),
    ("a lock is left", "rest", |world| {
        world.rest.left.push(".git/index.lock".to_owned());
    }),
    ("git is damaged", "rest", |world| {
        world.rest.fsck.push_str("missing blob");
    }),
    ("a reader writes", "rest", |world| {
        world.rest.written_by_reading.push("state.db".to_owned());
    }),
    ("a process goes on", "rest", |world| {
        world.rest.processes.push("7".to_owned());
    }),
];

#[test]
fn every_lie_is_seen() {
    let world = world();
    assert_eq!(judge::violations(&world), Vec::<String>::new());
    let mut unseen = Vec::new();
    for (what, check, lie) in LIES {
        let mut false_world = world.clone();
        lie(&mut false_world);
        let violations = judge::violations(&false_world);
        let prefix = format!("{check}: ");
        if !violations.iter().any(|it| it.starts_with(&prefix)) {
            unseen.push(format!("{what} is not seen: {violations:?}"));
        }
    }
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}
