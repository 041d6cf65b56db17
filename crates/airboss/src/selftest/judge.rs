//! What must hold after a fault, at once and after the command was given again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use airboss_faults::{Ended, Outcome};

use super::stored::{Stored, steady};
use super::world::{Template, World};

/// What is checked after every fault: a short name, and the sentence that holds.
pub const INVARIANTS: [(&str, &str); 13] = [
    ("store", "the store is whole"),
    ("all or nothing", "the change is there, or it is not"),
    ("acknowledged", "what was answered for is there"),
    (
        "whole files",
        "each file is what it was, or what it is to be",
    ),
    (
        "order",
        "no file is ahead of the store, or of one that is published before it",
    ),
    ("exit code", "the exit code says what happened"),
    (
        "once",
        "given again, the command succeeds, and its change is there once",
    ),
    (
        "published",
        "afterwards each file equals the store, and `verify` says so",
    ),
    ("quiet", "given once more, nothing changes at all"),
    (
        "commits",
        "each commit holds its own change, and the repository is sound",
    ),
    (
        "in hand",
        "what a person has staged or changed is as it was",
    ),
    ("no locks", "no lock is left behind"),
    ("no remains", "no draft and no copy is left behind"),
];

/// What was displaced and looked at once waits under these names for its second look, by a command
/// that comes a quarter of a second later, or two seconds when a person may have written it.
const SECOND_LOOK: [&str; 2] = [
    "work/.git/airboss/displaced/seen.",
    "work/.git/airboss/displaced/typed.",
];

/// Files that a claim on the repository is made with.
const OF_CLAIMS: &str = "work/.git/airboss/tmp/";

/// How a place looks before the command and after it, when nothing goes wrong.
#[derive(Debug)]
pub struct Judge {
    before: Picture,
    after: Picture,
    /// The names of all files afterwards, ids replaced.
    names: BTreeSet<String>,
    /// The places that were judged. Many faults leave the same one, which has one future.
    /// Workers share it: each place is to be judged once.
    judged: Mutex<HashSet<u64>>,
}

/// The file of every projection; `None` when it is not there.
type Files = BTreeMap<&'static str, Option<String>>;

#[derive(Debug)]
struct Picture {
    files: Files,
    stored: Stored,
    /// What git shows.
    history: BTreeMap<&'static str, String>,
}

impl Picture {
    fn take(world: &World) -> io::Result<Self> {
        Ok(Self {
            files: world.projections(),
            stored: world.stored()?,
            history: world.history(),
        })
    }
}

impl Judge {
    /// Lets the command happen undisturbed, and remembers how that looks.
    ///
    /// # Errors
    /// When it fails, or leaves work undone.
    pub fn new(template: &Template) -> io::Result<Self> {
        let world = template.case(0)?;
        let before = Picture::take(&world)?;
        world.done(world.scenario.command)?;
        let after = Picture::take(&world)?;
        let undone = after.stored.outbox.len() + after.stored.wishes.len();
        if undone > 0 || before.files == after.files {
            let words = "undisturbed, the command changes no file or does not finish";
            return Err(io::Error::other(words));
        }
        Ok(Self {
            before,
            after,
            names: names(&world.files()),
            judged: Mutex::default(),
        })
    }

    /// How many different places were judged.
    #[must_use]
    pub fn places(&self) -> usize {
        let judged = self.judged.lock();
        judged.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What is wrong with a place that a fault left, in sentences. Without an outcome the power
    /// went.
    #[must_use]
    pub fn wrongs(&self, world: &World, outcome: Option<&Outcome>) -> Vec<String> {
        let stored = world.stored();
        let mut wrongs = self.wrongs_of_files(world, outcome, &stored);
        let mut hasher = DefaultHasher::new();
        world.look_with(&stored).hash(&mut hasher);
        let judged = self.judged.lock();
        let new = judged
            .unwrap_or_else(PoisonError::into_inner)
            .insert(hasher.finish());
        if new {
            wrongs.extend(self.wrongs_after_repetition(world, outcome.is_none()));
        }
        wrongs
    }

    /// What was answered before the power went has happened.
    #[must_use]
    pub fn wrongs_of_lost_answer(&self, world: &World, answered: bool) -> Vec<String> {
        let stored = world.stored();
        let is_new = stored.is_ok_and(|stored| stored.state == self.after.stored.state);
        let lost = answered && !is_new;
        lost.then(|| "the change was answered for, and is lost".to_owned())
            .into_iter()
            .collect()
    }

    /// Before any repair: every file is whole and a known one, and the exit code is true.
    #[must_use]
    pub fn wrongs_at_once(&self, world: &World, outcome: Option<&Outcome>) -> Vec<String> {
        self.wrongs_of_files(world, outcome, &world.stored())
    }

    fn wrongs_of_files(
        &self,
        world: &World,
        outcome: Option<&Outcome>,
        stored: &io::Result<Stored>,
    ) -> Vec<String> {
        let mut wrongs = Vec::new();
        let mut published = false;
        let files = world.projections();
        for (path, text) in &files {
            let (before, after) = (&self.before.files[path], &self.after.files[path]);
            if text != before && text != after {
                wrongs.push(format!("{path} is neither old nor new: {text:?}"));
            }
            published |= text != before;
        }
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => {
                wrongs.push(format!("the store does not open: {error}"));
                return wrongs;
            }
        };
        if stored.integrity != ["ok"] {
            wrongs.push(format!("the store is damaged: {:?}", stored.integrity));
        }
        let is_new = stored.state == self.after.stored.state;
        if !is_new && stored.state != self.before.stored.state {
            let differences = stored.differences(&self.before.stored);
            wrongs.push(format!(
                "the state is neither old nor new: {differences:#?}"
            ));
        }
        if published && !is_new {
            wrongs.push("a file is ahead of the store".to_owned());
        }
        if let Some(outcome) = outcome {
            let durable = is_new && (published || !stored.outbox.is_empty());
            let everywhere = is_new && files == self.after.files && stored.wishes.is_empty();
            wrongs.extend(untruth(outcome, durable, everywhere));
            if matches!(outcome.ended, Ended::Killed(_)) {
                wrongs.extend(self.disorder(world, &files));
            }
        }
        wrongs
    }

    /// Whoever sees a change in a file sees it in all that are published before it.
    fn disorder(&self, world: &World, now: &Files) -> Option<String> {
        let changed = |path: &&&str| self.before.files[**path] != self.after.files[**path];
        let changing = world.scenario.projections.iter().filter(changed);
        let mut old = changing.skip_while(|path| now[**path] == self.after.files[**path]);
        let first = old.next()?;
        let ahead = old.find(|path| now[**path] != self.before.files[**path])?;
        Some(format!("{ahead} is published before {first}"))
    }

    /// The same command again: it succeeds, the change is there once, and all is quiet then.
    #[must_use]
    pub fn wrongs_after_repetition(&self, world: &World, power_went: bool) -> Vec<String> {
        let mut wrongs = Vec::new();
        if let Err(error) = world.done(world.scenario.command) {
            wrongs.push(format!("given again, it fails: {error}"));
            return wrongs;
        }
        match world.stored() {
            Ok(stored) if stored.differences(&self.after.stored).is_empty() => {}
            Ok(stored) => {
                let differences = stored.differences(&self.after.stored);
                wrongs.push(format!("given again, the store is wrong: {differences:#?}"));
            }
            Err(error) => wrongs.push(format!("given again, the store does not open: {error}")),
        }
        let files = world.projections();
        if files != self.after.files {
            wrongs.push(format!("given again, the files are wrong: {files:#?}"));
        }
        let check: &[&str] = if world.scenario.is_board() {
            &["verify"]
        } else {
            &["sync", "--check"]
        };
        if let Err(error) = world.done(check) {
            wrongs.push(format!("it is not in sync: {error}"));
        }
        let quiet = at_rest(world);
        let third = world.done(world.scenario.command);
        let after = at_rest(world);
        if third.is_err() || after != quiet {
            let differing = quiet
                .iter()
                .filter(|(path, bytes)| after.get(*path) != Some(*bytes));
            let differing: Vec<_> = differing.map(|(path, _)| path).collect();
            wrongs.push(format!("a third time changes {differing:?}: {third:?}"));
        }
        let mut left: Vec<_> = names(&quiet).difference(&self.names).cloned().collect();
        // A power cut may keep the end of a claim and forget that of its files; they are removed
        // when they are an hour old.
        left.retain(|name| !power_went || !name.starts_with(OF_CLAIMS));
        if !left.is_empty() {
            wrongs.push(format!("files are left behind: {left:?}"));
        }
        wrongs.extend(self.wrongs_in_git(world));
        wrongs
    }

    /// One commit for each change with nothing but it, and nothing of the person's touched.
    fn wrongs_in_git(&self, world: &World) -> Vec<String> {
        let mut wrongs = Vec::new();
        for (what, found) in world.history() {
            if found != self.after.history[what] {
                let wanted = &self.after.history[what];
                wrongs.push(format!(
                    "git has other {what}:\n{found}\ninstead of\n{wanted}"
                ));
            }
        }
        let locks = world.locks();
        if !locks.is_empty() {
            wrongs.push(format!("locks are left behind: {locks:?}"));
        }
        wrongs
    }
}

/// What the exit code and the words claim against what happened.
fn untruth(outcome: &Outcome, durable: bool, everywhere: bool) -> Option<String> {
    let (claim, holds) = match outcome.ended {
        Ended::Killed(_) => return None,
        _ if durable && outcome.stderr.contains("nothing was changed") => {
            ("nothing changed", false)
        }
        Ended::Late => ("it ends in time", false),
        Ended::Exited(0) => ("it is done", everywhere),
        Ended::Exited(10 | 11)
            if outcome
                .stderr
                .contains("the change was stored is not known") =>
        {
            ("it is stored, and that nobody knows", false)
        }
        Ended::Exited(10 | 11) => ("it is durable", durable),
        // The disk failed at the commit point, and the program says that it does not know.
        Ended::Exited(74) if outcome.stderr.contains("is not known") => return None,
        Ended::Exited(4 | 74 | 75) => ("nothing changed", !durable && !everywhere),
        Ended::Exited(_) => ("its exit code is one for a failing disk", false),
    };
    let ended = outcome.ended;
    (!holds).then(|| format!("{ended:?} claims that {claim}: {}", outcome.stderr.trim()))
}

/// Where the program records what went wrong beside the change.
const ERRORS: &str = "work/specs/errors.json";

/// Every file, but for what waits for its second look.
fn at_rest(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = world.files();
    files.retain(|path, _| !waits_for_second_look(&path.to_string_lossy()));
    files
}

fn waits_for_second_look(name: &str) -> bool {
    SECOND_LOOK.iter().any(|begin| name.starts_with(begin))
}

fn names(files: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeSet<String> {
    let shown = files.keys().map(|path| steady(&path.to_string_lossy()));
    // SQLite removes and makes the first two as it likes; objects that nobody names are git's to
    // collect, and the index is looked at by what git shows of it.
    let is_own = |name: &String| {
        !name.ends_with("-shm")
            && !name.ends_with("-wal")
            && !name.starts_with("work/.git/objects/")
            && name != ERRORS
            && !waits_for_second_look(name)
    };
    shown.filter(is_own).collect()
}
