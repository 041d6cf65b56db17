//! Changes that are stored while another process publishes: they are nobody's hand edits.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use airboss_core::board::Status;
use airboss_engine::board::BoardFiles;
use airboss_engine::projection::{
    Content, Found, Projections, Publisher, Shown, Source, Taken, Text,
};
use airboss_engine::store::{PublishRow, Store, StoreError};
use airboss_engine::vfs::{Facts, RealVfs};

use crate::world::{World, operations, store_only};

/// What the program publishes with, and something that happens when all is written and nothing is
/// recorded yet.
struct Between {
    projections: Projections,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// The process is killed then, and records nothing.
    dies: bool,
}

impl fmt::Debug for Between {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.projections.fmt(formatter)
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
        self.projections.import(store, row, found, notes)
    }

    fn patience(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        facts: &Facts,
        text: &dyn Fn() -> Option<Text>,
    ) -> Duration {
        self.projections.patience(store, row, facts, text)
    }

    fn trusts_times(&self) -> bool {
        self.projections.trusts_times()
    }

    fn keep(&self, store: &dyn Store, row: &PublishRow, saved: &[u8]) -> io::Result<()> {
        self.projections.keep(store, row, saved)
    }

    fn record(&self, store: &mut dyn Store, shown: &[Shown<'_>]) -> Result<(), StoreError> {
        let act = self.act.lock().unwrap().take();
        if let Some(act) = act {
            act();
        }
        if self.dies {
            return Ok(());
        }
        self.projections.record(store, shown)
    }
}

/// Publishes what is stale; in between, another process stores that task 5 is planned.
fn publish(world: &World, dies: bool) {
    let mut another = world.bench.desk();
    let act = move || store_only(&mut another, 5, Status::Planned);
    let source = Between {
        projections: Projections::new(BoardFiles::new(&world.bench.workspace)),
        act: Mutex::new(Some(Box::new(act))),
        dies,
    };
    let publisher = Publisher::with(&world.bench.workspace, Arc::new(RealVfs), Arc::new(source));
    let settled = publisher.settle(&mut world.bench.desk().store, None);
    assert_eq!(settled.unwrap().pending, []);
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
    publish(&world, false);
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
    publish(&world, false);
    comes_back(&world);
}

#[test]
fn a_text_that_was_never_recorded() {
    let world = World::new();
    store_only(&mut world.bench.desk(), 5, Status::Researching);
    publish(&world, true);
    comes_back(&world);
}
