//! The publisher against real stores and real files, with a person saving in between.

use std::sync::atomic::{AtomicBool, Ordering};

use airboss_core::operation::{Actor, Operation, StepRecord, StepStatus};
use airboss_core::status_file::StatusFile;
use serde_json::Value;

use super::*;
use crate::store::{Commit, PublishItem, SqliteStore};

struct Desk {
    directory: tempfile::TempDir,
    store: SqliteStore,
    plan: PlanKey,
    path: RepoPath,
}

impl Desk {
    fn new(steps: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(&directory.path().join(".airboss")).unwrap();
        let plan = PlanKey::new(RepoPath::new("plans/demo.md").unwrap());
        let steps = (0..steps)
            .map(|number| StepRecord {
                id: number.to_string().as_str().into(),
                phase: "1".to_owned(),
                phase_title: "All".to_owned(),
                description: format!("Step {number}"),
                dependencies: Vec::new(),
            })
            .collect();
        let registered = Operation::PlanRegistered {
            name: "demo".to_owned(),
            hash: "abc".to_owned(),
            steps,
            renamed: Vec::new(),
        };
        store
            .commit(&Commit::new(plan.clone(), vec![registered]))
            .unwrap();
        let path = RepoPath::new("docs/plan-outputs/demo/status.json").unwrap();
        Self {
            directory,
            store,
            plan,
            path,
        }
    }

    fn mark(&mut self, step: usize, status: StepStatus) {
        let marked = Operation::StepMarked {
            step: step.to_string().as_str().into(),
            status,
            actor: Actor::Person,
            text: None,
            forced: false,
            stuck: false,
        };
        let mut commit = Commit::new(self.plan.clone(), vec![marked]);
        commit.change.publish = vec![PublishItem {
            path: self.path.clone(),
            kind: PublishKind::StatusJson,
        }];
        self.store.commit(&commit).unwrap();
    }

    fn publisher(&self) -> Publisher {
        Publisher::new(&Workspace {
            top: self.directory.path().to_owned(),
            repository: None,
            state: self.directory.path().join(".airboss"),
        })
    }

    fn settle(&mut self) -> Settled {
        let publisher = self.publisher();
        publisher.settle(&mut self.store, Some(&self.plan)).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join(&self.path)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn statuses(&self) -> Vec<Option<StepStatus>> {
        StatusFile::read(&self.text())
            .tasks
            .iter()
            .map(|task| task.status)
            .collect()
    }
}

#[test]
fn a_file_is_made_and_then_only_its_changes_are_written() {
    let mut desk = Desk::new(3);
    desk.mark(0, StepStatus::InProgress);
    assert_eq!(desk.settle().written.len(), 1);
    let text = desk
        .text()
        .replace("\"_comment\"", "\"mine\": [1,  2],\n  \"_comment\"");
    desk.mark(0, StepStatus::Completed);
    fs::write(desk.file(), &text).unwrap();
    assert_eq!(
        desk.settle(),
        Settled {
            written: vec![desk.path.clone()],
            ..Settled::default()
        }
    );
    assert!(desk.text().contains("\"mine\": [1,  2],"));
    assert_eq!(desk.statuses()[0], Some(StepStatus::Completed));
    assert_eq!(desk.settle(), Settled::default());
    let leftovers = fs::read_dir(desk.directory.path().join(".airboss/tmp"))
        .unwrap()
        .count();
    assert_eq!(leftovers, 0);
}

#[test]
fn the_store_wins_over_an_edit_of_what_it_owns() {
    let mut desk = Desk::new(2);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    let text = desk
        .text()
        .replace("in_progress\"", "completed\"")
        .replace("Step 1", "My words");
    fs::write(desk.file(), text).unwrap();
    desk.mark(1, StepStatus::Skipped);
    desk.settle();
    assert_eq!(
        desk.statuses(),
        [Some(StepStatus::InProgress), Some(StepStatus::Skipped)]
    );
    assert!(desk.text().contains("My words"));
}

#[test]
fn a_file_that_cannot_be_read_is_kept_and_written_anew() {
    let mut desk = Desk::new(2);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    for (number, broken) in ["{\"tasks\": [", "", "[]", "\u{0}"].iter().enumerate() {
        fs::write(desk.file(), broken).unwrap();
        desk.mark(1, [StepStatus::InProgress, StepStatus::Pending][number % 2]);
        let settled = desk.settle();
        assert_eq!(settled.pending, [], "{broken:?}");
        assert_eq!(settled.notes.len(), 1, "{broken:?}");
        let mut kept = desk.file().into_os_string();
        kept.push(format!(".corrupt-{}", number + 1));
        assert_eq!(&fs::read_to_string(PathBuf::from(kept)).unwrap(), broken);
        assert_eq!(desk.statuses().len(), 2);
    }
}

#[test]
fn a_newer_file_is_left_alone_and_stays_pending() {
    let mut desk = Desk::new(1);
    desk.mark(0, StepStatus::InProgress);
    fs::create_dir_all(desk.file().parent().unwrap()).unwrap();
    let newer = "{\"version\": 99, \"tasks\": []}";
    fs::write(desk.file(), newer).unwrap();
    let settled = desk.settle();
    assert_eq!(
        settled.pending[0].reason,
        "it has version 99, and this airboss knows versions up to 2"
    );
    assert_eq!(desk.text(), newer);
    fs::remove_file(desk.file()).unwrap();
    assert_eq!(desk.settle().written.len(), 1);
}

#[test]
fn what_stands_in_the_way_is_named_and_nothing_is_lost() {
    let mut desk = Desk::new(1);
    fs::create_dir_all(desk.directory.path().join("docs")).unwrap();
    fs::write(desk.directory.path().join("docs/plan-outputs"), "a file").unwrap();
    desk.mark(0, StepStatus::InProgress);
    let settled = desk.settle();
    assert_eq!(settled.pending.len(), 1);
    fs::remove_file(desk.directory.path().join("docs/plan-outputs")).unwrap();
    assert_eq!(desk.settle().written.len(), 1);
}

/// Reads the file until it holds the person's save; it must come back soon.
fn await_save(file: &Path, saved: u64) -> Value {
    let start = Instant::now();
    loop {
        let text = fs::read_to_string(file).unwrap();
        let root: Value = serde_json::from_str(&text).unwrap();
        if root["saved"].as_u64().unwrap_or(0) == saved {
            return root;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "save {saved} was lost: {text}"
        );
        std::thread::yield_now();
    }
}

/// A person's editor saves all the time, by rename as most editors do, while states change.
/// Every save is an increment of a counter that only the person writes: none may be lost.
#[test]
fn saves_in_the_same_instant_survive() {
    const ROUNDS: u64 = 150;
    let mut desk = Desk::new(4);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    let file = desk.file();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let person = scope.spawn(|| {
            for round in 1..=ROUNDS {
                // What an exchange displaced is away for the moment until the next one.
                let mut root = await_save(&file, round - 1);
                root["saved"] = round.into();
                let draft = file.with_file_name("draft");
                fs::write(&draft, format!("{root:#}")).unwrap();
                fs::rename(&draft, &file).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut turn = 0_usize;
        while !done.load(Ordering::Relaxed) && !person.is_finished() {
            let status = [StepStatus::Pending, StepStatus::InProgress][turn / 4 % 2];
            desk.mark(turn % 4, status);
            let settled = desk.settle();
            assert_eq!(settled.notes, Vec::<String>::new());
            turn += 1;
        }
        person.join().unwrap();
        assert!(turn > 0);
    });
    await_save(&file, ROUNDS);
}
