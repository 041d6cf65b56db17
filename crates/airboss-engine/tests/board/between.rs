//! Changes that are stored while another process publishes: they are nobody's hand edits.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write as _};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use airboss_core::board::{BoardOperation, Status, command};
use airboss_core::path::RepoPath;
use airboss_core::plan::PhaseStatus;
use airboss_engine::board::{BoardFiles, Desk, Whole};
use airboss_engine::projection::{
    Content, Found, Projections, Publisher, Shown, Source, Taken, Text, digest,
};
use airboss_engine::store::{PublishRow, Store, StoreError};
use airboss_engine::vfs::{Facts, RealVfs};

use crate::world::{World, operations, store, store_only};

/// When something happens while a process publishes.
#[derive(PartialEq)]
enum Moment {
    /// This file was read, and is to be taken in.
    Read(String),
    /// The same file is about to be written.
    Ready(String),
    /// All is written, and nothing is recorded yet.
    Written,
}

/// What the program publishes with, and something that happens at a moment.
struct Between {
    projections: Projections,
    moment: Moment,
    /// What was read so far.
    read: Mutex<BTreeSet<String>>,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    ends: Ends,
}

/// How the process ends that publishes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Well,
    /// It is killed before it has recorded anything.
    Unrecorded,
    /// It cannot keep what somebody saved, and gives up with that in hand.
    SaveInHand,
}

impl fmt::Debug for Between {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.projections.fmt(formatter)
    }
}

impl Between {
    fn happens(&self, moment: &Moment) {
        if *moment == self.moment
            && let Some(act) = self.act.lock().unwrap().take()
        {
            act();
        }
    }
}

impl Source for Between {
    fn content(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        base: Option<&Text>,
    ) -> Result<(Content, u64), StoreError> {
        self.projections.content(store, row, base)
    }

    fn import(
        &self,
        store: &mut dyn Store,
        row: &PublishRow,
        found: Option<Found<'_>>,
        notes: &mut Vec<String>,
    ) -> Result<Taken, StoreError> {
        let name = row.path.as_str().strip_prefix("specs/");
        let name = name.unwrap_or_default().to_owned();
        let is_first = self.read.lock().unwrap().insert(name.clone());
        // It is asked about once more before it is written.
        self.happens(&match is_first {
            true => Moment::Read(name),
            false => Moment::Ready(name),
        });
        self.projections.import(store, row, found, notes)
    }

    fn patience(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        facts: (&Facts, bool),
        text: &dyn Fn() -> Option<Text>,
    ) -> Duration {
        self.projections.patience(store, row, facts, text)
    }

    fn may_come(&self, store: &dyn Store, row: &PublishRow, is_first: bool) -> bool {
        self.projections.may_come(store, row, is_first)
    }

    fn trusts_times(&self) -> bool {
        self.projections.trusts_times()
    }

    fn keep(&self, store: &dyn Store, row: &PublishRow, saved: &[u8]) -> io::Result<()> {
        if self.ends == Ends::SaveInHand {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.projections.keep(store, row, saved)
    }

    fn record(&self, store: &mut dyn Store, shown: &[Shown<'_>]) -> Result<(), StoreError> {
        self.happens(&Moment::Written);
        if self.ends == Ends::Unrecorded {
            return Ok(());
        }
        self.projections.record(store, shown)
    }
}

/// Publishes what is stale; in between, another process stores that task 5 is planned.
fn publish(world: &World, ends: Ends) {
    let mut another = world.bench.desk();
    let act = move || store_only(&mut another, 5, Status::Planned);
    publish_while(world, Moment::Written, ends, act);
}

/// Publishes what is stale while something else happens.
fn publish_while(world: &World, moment: Moment, ends: Ends, act: impl FnOnce() + Send + 'static) {
    let source = Between {
        projections: Projections::new(BoardFiles::new(&world.bench.workspace)),
        moment,
        read: Mutex::default(),
        act: Mutex::new(Some(Box::new(act))),
        ends,
    };
    let pending = settle(&mut world.bench.desk(), Arc::new(source));
    assert_eq!(pending, usize::from(ends == Ends::SaveInHand));
}

/// Answers how many files could not be written.
fn settle(desk: &mut Desk, source: Arc<dyn Source>) -> usize {
    let publisher = Publisher::with(&desk.workspace, Arc::new(RealVfs), source);
    let settled = publisher.settle(&mut desk.store, None);
    settled.unwrap().pending.len()
}

/// Task 5 is as it was before the text that was published in between.
#[track_caller]
fn comes_back(world: &World) {
    let before = operations(&world.bench.desk()).len();
    world.set(5, Status::NotStarted);
    assert_eq!(world.statuses()[&5], "not_started");
    assert!(world.bench.desk().view().unwrap().conflicts.is_empty());
    let all = operations(&world.bench.desk());
    assert_eq!(all.len(), before + 1, "{:?}", &all[before..]);
    assert_eq!(world.bench.differences(), []);
}

#[test]
fn a_change_before_the_text_is_recorded() {
    let world = World::new();
    store_only(&mut world.bench.desk(), 5, Status::Researching);
    publish(&world, Ends::Well);
    comes_back(&world);
}

#[test]
fn a_change_before_a_text_with_other_edits_is_recorded() {
    let world = World::new();
    store_only(&mut world.bench.desk(), 5, Status::Researching);
    for (name, from, to) in [
        ("TODO.md", "# TODO\n", "# To do\n"),
        ("state.json", "{\n  \"next", "{\n  \"mine\": 1,\n  \"next"),
    ] {
        world.edit(name, from, to);
    }
    world.git(&["commit", "-qam", "words"]);
    publish(&world, Ends::Well);
    comes_back(&world);
}

#[test]
fn a_text_that_was_never_recorded() {
    let world = World::new();
    store_only(&mut world.bench.desk(), 5, Status::Researching);
    publish(&world, Ends::Unrecorded);
    comes_back(&world);
}

/// What an editor that saves in place writes first, and the rest: the hours of task 3 are cut.
fn halves(world: &World) -> (Vec<u8>, Vec<u8>) {
    let (from, to) = ("- **Effort**: 3 hours", "- **Effort**: 30 hours");
    let typed = world.read("TODO.md").replace(from, to);
    let half = typed.find(to).unwrap() + to.len() - 4;
    let (first, rest) = typed.as_bytes().split_at(half);
    (first.to_owned(), rest.to_owned())
}

/// What was typed was taken for what it is, whole, and task 5 is what the store says.
#[track_caller]
fn takes_thirty_hours(world: &World) {
    let view = world.bench.desk().view().unwrap();
    let effort = view.active().find(|task| task.number == 3);
    assert_eq!(effort.unwrap().effort.as_deref(), Some("30 hours"));
    assert_eq!(world.statuses()[&5], "researching");
    assert_eq!(world.bench.differences(), []);
    let cut = |operation: &BoardOperation| format!("{operation:?}").matches("30 h\"").count();
    let cuts: usize = operations(&world.bench.desk()).iter().map(cut).sum();
    assert_eq!(cuts, 0);
}

/// An editor that has written half of its text when that comes out of an exchange goes on.
#[test]
fn a_save_in_place_that_an_exchange_cuts_in_two_is_waited_for() {
    let world = World::new();
    store_only(&mut world.bench.desk(), 5, Status::Researching);
    let (first, rest) = halves(&world);
    let path = world.path("TODO.md");
    let (editor, done) = channel();
    let moment = Moment::Ready("TODO.md".to_owned());
    publish_while(&world, moment, Ends::Well, move || {
        let mut file = fs_err::File::create(path).unwrap();
        file.write_all(&first).unwrap();
        let writes = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(600));
            file.write_all(&rest).unwrap();
        });
        editor.send(writes).unwrap();
    });
    done.recv().unwrap().join().unwrap();
    takes_thirty_hours(&world);
}

/// The publisher that waits for the rest of a save gives up, and the next one finds half of it:
/// what the editor writes before that is built upon counts, too.
#[test]
fn the_rest_of_a_save_that_was_found_half_is_read() {
    let world = World::new();
    store_only(&mut world.bench.desk(), 5, Status::Researching);
    let (first, rest) = halves(&world);
    let path = world.path("TODO.md");
    let (editor, file) = channel();
    let moment = Moment::Ready("TODO.md".to_owned());
    publish_while(&world, moment, Ends::SaveInHand, move || {
        let mut file = fs_err::File::create(path).unwrap();
        file.write_all(&first).unwrap();
        editor.send(file).unwrap();
    });
    let mut file = file.recv().unwrap();
    // It is found before the first file is read.
    let moment = Moment::Read("TODO.md".to_owned());
    publish_while(&world, moment, Ends::Well, move || {
        file.write_all(&rest).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        let long_ago = written - Duration::from_mins(1);
        file.file().set_modified(long_ago).unwrap();
    });
    takes_thirty_hours(&world);
}

/// A checkout removes a file before it writes it anew, and may be held up in between: what is not
/// of the tasks would be nowhere, and git could not write what it has to.
#[test]
fn a_list_that_git_has_removed_is_waited_for() {
    let world = World::new();
    store_only(&mut world.bench.desk(), 5, Status::Researching);
    for (name, delay) in [("TODO.md", 900), ("state.json", 900), ("TODO.md", 100)] {
        let (path, lock) = (world.path(name), world.path("../.git/index.lock"));
        let text = world.read(name);
        fs_err::remove_file(&path).unwrap();
        // Some editors do the same, without a lock.
        let has_lock = delay > 250;
        if has_lock {
            fs_err::write(&lock, "").unwrap();
        }
        let git = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(delay));
            let mut file = fs_err::File::create_new(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            if has_lock {
                fs_err::remove_file(lock).unwrap();
            }
        });
        world.bench.settle(Whole::No);
        git.join().unwrap();
        world.bench.settle(Whole::No);
        assert_eq!(world.statuses()[&5], "researching");
        assert_eq!(world.bench.differences(), []);
    }
    let todo = world.read("TODO.md");
    assert!(
        todo.starts_with("---\n") && todo.contains("What was said of part 5."),
        "{todo}"
    );
}

/// One that somebody has deleted is written anew.
#[test]
fn a_list_that_is_gone_comes_back() {
    let world = World::new();
    fs_err::remove_file(world.path("TODO.md")).unwrap();
    world.set(5, Status::Researching);
    assert!(
        world
            .read("TODO.md")
            .contains("- **Status**: [RESEARCHING]")
    );
    assert_eq!(world.bench.differences(), []);
}

const PLAN: &str = "005_mend_part_5/plans/implementation-001.md";

/// Another process stores a change and publishes it, while a publisher has the older text of this
/// file in hand: the other waits until its patience is at its end, and goes on beside it.
#[track_caller]
fn beside(name: &str) {
    let world = World::new();
    fs_err::create_dir_all(world.path(PLAN).parent().unwrap()).unwrap();
    let plan = "# Plan\n\n### Phase 1: Look [NOT STARTED]\n\nLook at it.\n";
    fs_err::write(world.path(PLAN), plan).unwrap();
    let mark = |from: PhaseStatus, to: PhaseStatus, status| {
        let [from, to] = [from, to].map(|status| [("1".to_owned(), status)]);
        let desk = &mut world.bench.desk();
        store(desk, &|standing| {
            command::mark_phases(standing, 5, &from, &to)
        });
        store_only(desk, 5, status);
    };
    mark(
        PhaseStatus::NotStarted,
        PhaseStatus::InProgress,
        Status::Implementing,
    );
    world.bench.settle(Whole::No);
    mark(
        PhaseStatus::InProgress,
        PhaseStatus::Completed,
        Status::Completed,
    );
    let before = operations(&world.bench.desk()).len();
    let mut another = world.bench.desk();
    publish_while(
        &world,
        Moment::Read(name.to_owned()),
        Ends::Well,
        move || {
            let projections = Projections::new(BoardFiles::new(&another.workspace));
            settle(&mut another, Arc::new(projections));
        },
    );
    let all = operations(&world.bench.desk());
    assert_eq!(all.len(), before, "{:?}", &all[before..]);
    assert_eq!(world.statuses()[&5], "completed");
    assert!(world.bench.desk().view().unwrap().conflicts.is_empty());
    let shown = world.read(PLAN);
    let marked = shown.lines().find(|line| line.starts_with("### "));
    assert_eq!(marked, Some("### Phase 1: Look [COMPLETED]"));
    assert_eq!(world.bench.differences(), []);
    let desk = world.bench.desk();
    for name in ["TODO.md", "state.json", PLAN] {
        let path = RepoPath::new(&format!("specs/{name}")).unwrap();
        let known = desk.store.publication(&desk.board().log(), &path);
        let recorded = known.unwrap().unwrap().hash;
        assert_eq!(recorded, digest(world.read(name).as_bytes()), "{name}");
    }
}

#[test]
fn a_plan_that_another_publisher_writes_while_the_older_text_is_in_hand() {
    beside(PLAN);
}

#[test]
fn a_todo_md_that_another_publisher_writes_while_the_older_text_is_in_hand() {
    beside("TODO.md");
}

#[test]
fn a_state_json_that_another_publisher_writes_while_the_older_text_is_in_hand() {
    beside("state.json");
}
