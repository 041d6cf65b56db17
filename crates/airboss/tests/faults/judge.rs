//! What must hold after a fault, at once and after the command was given again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use airboss_faults::{Ended, Outcome};

use crate::world::{Stored, Template, World, steady};

/// What was displaced and looked at once waits here for its second look, by a command that comes
/// a quarter of a second later; `regimes::what_was_displaced_goes` waits for it.
const SECOND_LOOK: &str = "work/.git/airboss/displaced/seen.";

/// Files that a claim on the repository is made with.
const OF_CLAIMS: &str = "work/.git/airboss/tmp/";

/// How a place looks before the command and after it, when nothing goes wrong.
pub(crate) struct Judge {
    before: Picture,
    after: Picture,
    /// The names of all files afterwards, ids replaced.
    names: BTreeSet<String>,
    seen: std::sync::Mutex<std::collections::HashSet<u64>>,
}

struct Picture {
    files: BTreeMap<&'static str, Option<String>>,
    stored: Stored,
    /// What git shows.
    history: BTreeMap<&'static str, String>,
}

impl Picture {
    fn take(world: &World) -> Self {
        Self {
            files: world.projections(),
            stored: world.stored().unwrap(),
            history: world.history(),
        }
    }
}

impl Judge {
    pub(crate) fn new(template: &Template) -> Self {
        let world = template.case(0);
        let before = Picture::take(&world);
        let answer = world.run(world.scenario.command);
        assert_eq!(answer.status.code(), Some(0), "{answer:?}");
        let after = Picture::take(&world);
        assert_eq!(after.stored.outbox, [""; 0]);
        assert_eq!(after.stored.wishes, [""; 0]);
        assert_ne!(before.files, after.files, "the command changes no file");
        Self {
            before,
            after,
            names: names(&world.files()),
            seen: std::sync::Mutex::default(),
        }
    }

    /// What is wrong with a place that a fault left, in sentences.
    pub(crate) fn wrongs(&self, world: &World, outcome: Option<&Outcome>) -> Vec<String> {
        let mut wrongs = self.wrongs_at_once(world, outcome);
        let look = {
            use std::hash::{DefaultHasher, Hash as _, Hasher as _};
            let mut hasher = DefaultHasher::new();
            world.look().hash(&mut hasher);
            hasher.finish()
        };
        if !self.seen.lock().unwrap().insert(look) {
            return wrongs;
        }
        wrongs.extend(self.wrongs_after_repetition(world, outcome.is_none()));
        wrongs
    }

    /// What was answered before the power went has happened.
    pub(crate) fn wrongs_of_lost_answer(&self, world: &World, answered: bool) -> Vec<String> {
        let is_new =
            world.stored().map(|stored| stored.state) == Ok(self.after.stored.state.clone());
        let lost = answered && !is_new;
        lost.then(|| "the change was answered for, and is lost".to_owned())
            .into_iter()
            .collect()
    }

    /// Before any repair: every file is whole and a known one, and the exit code is true.
    fn wrongs_at_once(&self, world: &World, outcome: Option<&Outcome>) -> Vec<String> {
        let mut wrongs = Vec::new();
        let mut published = false;
        for (path, text) in world.projections() {
            let (before, after) = (&self.before.files[path], &self.after.files[path]);
            if text != *before && text != *after {
                wrongs.push(format!("{path} is neither old nor new: {text:?}"));
            }
            published |= text != *before;
        }
        let stored = match world.stored() {
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
            let everywhere =
                is_new && world.projections() == self.after.files && stored.wishes.is_empty();
            wrongs.extend(untruth(outcome, durable, everywhere));
            if matches!(outcome.ended, Ended::Killed(_)) {
                wrongs.extend(self.disorder(world));
            }
        }
        wrongs
    }

    /// Whoever sees a change in a file sees it in all that are published before it.
    fn disorder(&self, world: &World) -> Option<String> {
        let now = world.projections();
        let changed = |path: &&&str| self.before.files[**path] != self.after.files[**path];
        let changing = world.scenario.projections.iter().filter(changed);
        let mut old = changing.skip_while(|path| now[**path] == self.after.files[**path]);
        let first = old.next()?;
        let ahead = old.find(|path| now[**path] != self.before.files[**path])?;
        Some(format!("{ahead} is published before {first}"))
    }

    /// The same command again: it succeeds, the change is there once, and all is quiet then.
    fn wrongs_after_repetition(&self, world: &World, power_went: bool) -> Vec<String> {
        let mut wrongs = Vec::new();
        let again = world.run(world.scenario.command);
        if again.status.code() != Some(0) {
            wrongs.push(format!("given again, it fails: {again:?}"));
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
        let check = world.run(check);
        if check.status.code() != Some(0) {
            wrongs.push(format!("it is not in sync: {check:?}"));
        }
        let quiet = at_rest(world);
        let third = world.run(world.scenario.command);
        let after = at_rest(world);
        if third.status.code() != Some(0) || after != quiet {
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

/// What the exit code claims against what happened.
fn untruth(outcome: &Outcome, durable: bool, everywhere: bool) -> Option<String> {
    let (claim, holds) = match outcome.ended {
        Ended::Killed(_) => return None,
        Ended::Late => ("it ends in time", false),
        Ended::Exited(0) => ("it is done", everywhere),
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
    files.retain(|path, _| !path.to_string_lossy().starts_with(SECOND_LOOK));
    files
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
            && !name.starts_with(SECOND_LOOK)
    };
    shown.filter(is_own).collect()
}
