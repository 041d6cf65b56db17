//! Programs that are wrong on purpose: each must be caught by the regime that is meant for it.
//!
//! Most are made of the right program by lying to it about its system calls; where what is wrong
//! is no call, the place is left as such a program would leave it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use airboss::selftest::{Judge, Scenario, Template, World, board, judged};
use airboss_faults::{Call, Counted, Ended, Lie, Mode, Outcome, unavailable};
use fs_err as fs;
use rusqlite::Connection;

use crate::person;
use crate::regimes::{NOT_KEPT, SEED, template};

/// How often a wrong program is tried that is right on a busy machine now and then.
const TRIES_MAX: usize = 20;

/// Which calls of a program are struck.
type IsOne = fn(&Call) -> bool;

/// A command with its judge.
struct Bench {
    template: Template,
    judge: Judge,
}

impl Bench {
    fn new(scenario: &'static Scenario) -> Self {
        let template = template(scenario);
        let judge = Judge::new(&template).unwrap();
        Self { template, judge }
    }

    fn world(&self) -> World {
        self.template.case(0).unwrap()
    }

    /// What is wrong after a run, as `the_power_goes` and the kill sweeps find it.
    fn wrongs(&self, world: &World, outcome: &Outcome) -> Vec<String> {
        judged(world, &self.judge, outcome).wrongs
    }

    /// Cuts the power of a program that lies were told to.
    fn power_cuts(&self, lie: fn(&Call) -> Option<Lie>) -> Vec<String> {
        let world = self.world();
        let tracer = world.tracer().lying(lie);
        let (outcome, recording) = tracer.record(&world.root).unwrap();
        assert_eq!(outcome.ended, Ended::Exited(0));
        let recorded = Instant::now();
        for image in recording.images(SEED, 4, NOT_KEPT) {
            // No machine is back sooner.
            while recorded.elapsed() < Duration::from_secs(1) {
                std::thread::yield_now();
            }
            let world = self.template.empty(0).unwrap();
            image.materialise(&world.root).unwrap();
            let mut wrongs = self.judge.wrongs_of_lost_answer(&world, image.told);
            wrongs.extend(self.judge.wrongs(&world, None));
            if !wrongs.is_empty() {
                return wrongs;
            }
        }
        Vec::new()
    }

    /// Kills a program that lies were told to, after each of these calls.
    fn kills(&self, is_one: IsOne, lie: fn(&Call) -> Option<Lie>) -> Vec<String> {
        self.crashes(is_one, lie, |_| {})
    }

    /// The same, with something that a wrong program would have left, or would do next.
    fn crashes(
        &self,
        is_one: IsOne,
        lie: fn(&Call) -> Option<Lie>,
        next: fn(&World),
    ) -> Vec<String> {
        first_wrongs(|point| {
            let world = self.world();
            let tracer = world.tracer().only(is_one).lying(lie);
            let outcome = tracer.run(Mode::KillAfter(point)).unwrap();
            outcome.fired.then(|| {
                let mut wrongs = self.judge.wrongs_at_once(&world, Some(&outcome));
                next(&world);
                wrongs.extend(self.judge.wrongs_after_repetition(&world, false));
                wrongs
            })
        })
    }

    /// Kills it and clears the outbox. The next command also looks at files whose times are not
    /// those that are recorded, and on a busy machine it finds all that is stale by them now and
    /// then: so it may take a few tries.
    fn crashes_without_outbox(&self, is_one: IsOne) -> Vec<String> {
        let clear = |world: &World| in_store(world, "DELETE FROM outbox");
        let mut tries = (0..TRIES_MAX).map(|_| self.crashes(is_one, honest, clear));
        tries.find(|wrongs| !wrongs.is_empty()).unwrap_or_default()
    }

    /// Lets a program run to its end that lies were told to about these calls.
    fn runs(&self, is_one: IsOne, lie: fn(&Call) -> Option<Lie>) -> Vec<String> {
        let world = self.world();
        let tracer = world.tracer().only(is_one).lying(lie);
        let outcome = tracer.run(Mode::Baseline).unwrap();
        assert!(outcome.calls > 0, "the program makes no such call");
        self.wrongs(&world, &outcome)
    }

    /// Lets a person save before each of these calls of a program that lies were told to.
    fn saves(&self, is_one: IsOne, mode: fn(usize) -> Mode, lie: person::More) -> Vec<String> {
        self.saves_then(is_one, mode, lie, |_| {})
    }

    fn saves_then(
        &self,
        is_one: IsOne,
        mode: fn(usize) -> Mode,
        lie: person::More,
        next: fn(&World),
    ) -> Vec<String> {
        let wanted = person::undisturbed(&self.template);
        first_wrongs(|point| {
            let world = self.world();
            let tracer = world.tracer().only(is_one);
            let outcome = person::run_with_save(&world, tracer, point, (mode(point), lie));
            (outcome.calls >= point).then(|| {
                next(&world);
                person::wrongs(&world, &wanted)
            })
        })
    }
}

/// What is wrong at the first call where something is, of the calls of one kind by their numbers;
/// there is nothing to say of a number beyond the last.
fn first_wrongs(run: impl Fn(usize) -> Option<Vec<String>>) -> Vec<String> {
    let mut points = (1..).map_while(run).peekable();
    assert!(points.peek().is_some(), "the program makes no such call");
    points.find(|wrongs| !wrongs.is_empty()).unwrap_or_default()
}

/// The right program must pass where the wrong one is to be caught.
#[track_caller]
fn caught(name: &str, suite: &str, right: &[String], wrong: &[String]) {
    assert!(right.is_empty(), "{name}: the right one fails: {right:?}");
    let first = wrong.first();
    let words = first.and_then(|words| words.lines().next());
    println!("{name}: {suite}: {words:?}");
    assert!(first.is_some(), "{name} is not caught");
}

fn honest(_: &Call) -> Option<Lie> {
    None
}

fn lies_in(call: &Call, directory: &str) -> bool {
    let inside = |path: &PathBuf| path.to_string_lossy().contains(directory);
    call.paths.iter().any(inside)
}

/// An exchange of a file of the board.
fn is_exchange(call: &Call) -> bool {
    call.name == "renameat2" && lies_in(call, "/specs/")
}

fn is_exchange_of_list(call: &Call) -> bool {
    is_exchange(call) && lies_in(call, "TODO.md")
}

fn is_sync_of(call: &Call, place: &str) -> bool {
    call.name.ends_with("sync") && lies_in(call, place)
}

/// Whether something can be traced; says so when not.
fn can_trace() -> bool {
    let reason = unavailable();
    if let Some(reason) = &reason {
        println!("{reason}");
    }
    reason.is_none()
}

#[test]
fn a_missing_sync_of_drafts_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let wrong = bench.power_cuts(|call| is_sync_of(call, "/airboss/tmp/").then(Lie::omitted));
        caught("no fsync of the draft", "the power goes", &[], &wrong);
    }
}

#[test]
fn a_missing_sync_of_directories_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let wrong = bench.power_cuts(|call| {
            let is_directory = call.paths.iter().all(|path| path.is_dir());
            (call.name == "fsync" && is_directory).then(Lie::omitted)
        });
        caught("no fsync of directories", "the power goes", &[], &wrong);
    }
}

#[test]
fn a_store_that_is_not_synced_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let wrong = bench.power_cuts(|call| is_sync_of(call, "/state.db").then(Lie::omitted));
        caught("synchronous off", "the power goes", &[], &wrong);
    }
}

#[test]
fn a_plain_rename_for_the_exchange_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let run = |_| Mode::Baseline;
        let right = bench.saves(is_exchange_of_list, run, honest);
        let wrong = bench.saves(is_exchange_of_list, run, |call| {
            is_exchange(call).then(Lie::replacing)
        });
        caught("a plain rename", "a person saves", &right, &wrong);
    }
}

#[test]
fn a_displaced_file_that_is_not_looked_at_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let run = |_| Mode::Baseline;
        let right = bench.saves(is_exchange_of_list, run, honest);
        let wrong = bench.saves(is_exchange_of_list, run, |call| {
            // The program sees what it had read: what was committed.
            is_exchange_of_list(call).then(|| {
                let displaced = call.paths[0].clone();
                let place = call.paths[1].clone();
                Lie::then(move || {
                    let top = place.ancestors().nth(2).unwrap();
                    let output = std::process::Command::new("git")
                        .args(["show", "HEAD:specs/TODO.md"])
                        .current_dir(top)
                        .output();
                    fs::write(displaced, output.unwrap().stdout).unwrap();
                })
            })
        });
        caught("not looked at", "a person saves", &right, &wrong);
    }
}

#[test]
fn a_recovery_that_deletes_what_was_displaced_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let right = bench.saves(is_exchange_of_list, Mode::KillAfter, honest);
        let wrong = bench.saves_then(is_exchange_of_list, Mode::KillAfter, honest, |world| {
            for directory in ["displaced", "tmp"] {
                let directory = world.top().join(".git/airboss").join(directory);
                fs::remove_dir_all(&directory).unwrap();
                fs::create_dir(directory).unwrap();
            }
        });
        caught("deleted blindly", "a person saves, killed", &right, &wrong);
    }
}

/// Changes the store as another program would have left it.
fn in_store(world: &World, sql: &str) {
    let store = world.store().unwrap();
    let connection = Connection::open(store).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn an_outbox_outside_the_transaction_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let at: IsOne = |call| is_sync_of(call, "/state.db-wal");
        let right = bench.kills(at, honest);
        let wrong = bench.crashes_without_outbox(at);
        caught("outbox apart", "killed after a call", &right, &wrong);
    }
}

#[test]
fn an_outbox_that_is_cleared_too_early_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let right = bench.kills(is_exchange, honest);
        let wrong = bench.crashes_without_outbox(is_exchange);
        caught(
            "outbox cleared early",
            "killed after a call",
            &right,
            &wrong,
        );
    }
}

/// To a judge who expects the other order, the right program is a wrong one.
#[test]
fn another_order_of_the_files_is_caught() {
    const REVERSED: Scenario = Scenario {
        projections: &["specs/state.json", "specs/TODO.md"],
        ..board::STATUS
    };
    if can_trace() {
        let bench = Bench::new(&REVERSED);
        let wrong = bench.kills(is_exchange, honest);
        caught("state.json first", "killed after a call", &[], &wrong);
    }
}

/// Writes half of a file's content over another one, and all of it when it is not killed.
fn copied(call: &Call, over: &Path) -> Lie {
    let draft = call.paths[0].clone();
    let content = fs::read(&draft).unwrap();
    let old = fs::read(over).unwrap_or_default();
    fs::write(over, &content[..content.len() / 2]).unwrap();
    let over = over.to_owned();
    let lie = Lie::omitted();
    lie.and_then(move || {
        fs::write(over, content).unwrap();
        fs::write(draft, old).unwrap();
    })
}

#[test]
fn a_write_in_place_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let right = bench.kills(is_exchange, honest);
        let wrong = bench.kills(is_exchange, |call| {
            is_exchange(call).then(|| copied(call, &call.paths[1]))
        });
        caught("written in place", "killed after a call", &right, &wrong);
    }
}

#[test]
fn a_command_id_that_is_ignored_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::ADD);
        let right = bench.kills(is_exchange, honest);
        // The next command sees no id that was answered before.
        let wrong = bench.crashes(is_exchange, honest, |world| {
            in_store(world, "DELETE FROM command");
        });
        caught("id ignored", "killed after a call", &right, &wrong);
    }
}

#[test]
fn a_commit_of_what_lies_in_the_work_tree_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let run = |_| Mode::Baseline;
        let right = bench.saves(is_exchange_of_list, run, honest);
        let wrong = bench.saves_then(is_exchange_of_list, run, honest, |world| {
            let arguments = ["commit", "--quiet", "--amend", "--no-edit", "specs/TODO.md"];
            let git = std::process::Command::new("git")
                .args(arguments)
                .current_dir(world.top())
                .status();
            assert!(git.unwrap().success());
        });
        caught("commit of the file", "a person saves", &right, &wrong);
    }
}

/// The patched index takes its place by a rename.
fn is_end_of_index(call: &Call) -> bool {
    let to = call.paths.last();
    call.name.starts_with("rename") && to.is_some_and(|path| path.ends_with(".git/index"))
}

#[test]
fn an_index_that_is_not_patched_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let right = bench.runs(is_end_of_index, honest);
        let wrong = bench.runs(is_end_of_index, |call| {
            fs::remove_file(&call.paths[0]).unwrap();
            Some(Lie::omitted())
        });
        caught("index not patched", "every run", &right, &wrong);
    }
}

/// A lock of git appears by a link, whole.
fn is_lock_of_index(call: &Call) -> bool {
    call.name.starts_with("link") && call.paths.iter().any(|path| path.ends_with("index.lock"))
}

#[test]
fn a_lock_that_is_made_before_it_is_written_is_caught() {
    if can_trace() {
        let bench = Bench::new(&board::STATUS);
        let right = bench.kills(is_lock_of_index, honest);
        let wrong = bench.kills(is_lock_of_index, |call| {
            is_lock_of_index(call).then(|| copied(call, &call.paths[1]))
        });
        caught("lock by O_EXCL", "killed after a call", &right, &wrong);
    }
}

/// What is wrong when git's index is locked by somebody else all the while.
fn wrongs_under_foreign_lock(lie: fn(&Call) -> Option<Lie>) -> Vec<String> {
    let bench = Bench::new(&board::STATUS);
    let world = bench.world();
    let lock = world.top().join(".git/index.lock");
    fs::write(&lock, "somebody's").unwrap();
    let tracer = world.tracer().counted(Counted::Mutating).lying(lie);
    let outcome = tracer.run(Mode::Baseline).unwrap();
    let mut wrongs = Vec::new();
    if fs::read(&lock).ok().as_deref() != Some(b"somebody's") {
        wrongs.push("somebody's lock is gone".to_owned());
    } else if outcome.ended != Ended::Exited(11) {
        wrongs.push(format!("the commit is not said to wait: {outcome:?}"));
    } else {
        fs::remove_file(&lock).unwrap();
        wrongs.extend(bench.wrongs(&world, &outcome));
    }
    wrongs
}

#[test]
fn a_lock_of_somebody_else_that_is_removed_is_caught() {
    if can_trace() {
        let right = wrongs_under_foreign_lock(honest);
        let wrong = wrongs_under_foreign_lock(|call| {
            let git = call.paths.iter().find_map(|path| {
                let mut above = path.ancestors();
                above
                    .find(|path| path.ends_with(".git"))
                    .map(Path::to_owned)
            });
            if let Some(git) = git {
                fs::remove_file(git.join("index.lock")).ok();
            }
            None
        });
        caught("foreign lock removed", "a foreign lock", &right, &wrong);
    }
}
