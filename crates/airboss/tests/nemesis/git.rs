//! What the person does with git. The person works so that nothing is thrown away: what is not
//! committed is committed first, and what was stashed is popped.

use std::thread;
use std::time::{Duration, Instant};

use airboss_testkit::environment::Output;

use crate::evidence::Save;
use crate::person::token;
use crate::storm::{Hands, Storm};
use crate::world::{Dice, NOTE};

/// Airboss holds a lock of git for moments, and what a killed one left goes with the next
/// command.
const LOCKED_MAX: Duration = Duration::from_secs(20);
/// Files that change between two commands of the person make git refuse; so often he tries.
const TRIES_MAX: usize = 4;
/// How long the person looks at what was checked out.
const LOOK: Duration = Duration::from_millis(150);
/// The tasks that a colleague works on, who is no writer: from this one on.
const COLLEAGUES: (u32, u32) = (20, 8);
/// The numbers of the person's own tokens end here.
const TOKENS_OF_SAVES: u32 = 10_000_000;

pub(crate) fn operate(storm: &Storm, hands: &mut Hands, dice: &mut Dice, count: u32) {
    let (name, done) = match dice.roll(6) {
        0 => ("commit", commit(storm)),
        1 => ("checkout", older(storm, dice)),
        2 => ("switch", switch(storm, count)),
        3 => ("stash", stash(storm)),
        4 => ("merge", merge(storm, hands, dice, count)),
        _ => ("rebase", rebase(storm, dice, count)),
    };
    come_home(storm);
    let (tried, succeeded) = hands.git.entry(name).or_default();
    *tried += 1;
    *succeeded += u32::from(done);
}

/// Git, as long as somebody else holds its lock.
fn git(storm: &Storm, words: &[&str]) -> Output {
    let begin = Instant::now();
    loop {
        let told = storm.environment.try_git(words);
        let is_locked = [".lock': File exists", "cannot lock ref", "could not lock"]
            .iter()
            .any(|text| told.stderr.contains(text));
        if told.code() == 0 || !is_locked || begin.elapsed() > LOCKED_MAX {
            return told;
        }
        thread::sleep(Duration::from_millis(30));
    }
}

fn succeeds(storm: &Storm, words: &[&str]) -> bool {
    git(storm, words).code() == 0
}

/// Everything that is there; there may be nothing.
fn commit(storm: &Storm) -> bool {
    succeeds(storm, &["add", "-A"]) && succeeds(storm, &["commit", "-q", "-m", "by hand"])
}

fn is_there(storm: &Storm, name: &str) -> bool {
    storm.environment.path(".git").join(name).exists()
}

/// Ends whatever is unfinished, and checks the main branch out.
pub(crate) fn come_home(storm: &Storm) {
    let mut words = Vec::new();
    for _ in 0..60 {
        if is_there(storm, "rebase-merge") || is_there(storm, "rebase-apply") {
            words.push(git(storm, &["rebase", "--abort"]).to_string());
        }
        if is_there(storm, "MERGE_HEAD") {
            storm.environment.run(["sync"]);
            git(storm, &["add", "-A"]);
            words.push(git(storm, &["commit", "-q", "--no-edit"]).to_string());
            continue;
        }
        let branch = git(storm, &["symbolic-ref", "-q", "--short", "HEAD"]).stdout;
        if branch.trim() == "main" {
            return;
        }
        commit(storm);
        words.push(git(storm, &["checkout", "-q", "main"]).to_string());
    }
    panic!("there is no way back to main: {}", words.join("\n"));
}

/// Pops what could not be popped before.
pub(crate) fn unpack(storm: &Storm) {
    for _ in 0..stashes(storm) {
        pop(storm);
    }
}

fn older(storm: &Storm, dice: &mut Dice) -> bool {
    commit(storm);
    let revision = format!("HEAD~{}", 1 + dice.roll(5));
    let done = succeeds(storm, &["checkout", "-q", &revision]);
    thread::sleep(LOOK);
    done
}

/// To a branch of its own, where Airboss commits meanwhile, and back with all of it.
fn switch(storm: &Storm, count: u32) -> bool {
    let branch = format!("away-{count}");
    let done = succeeds(storm, &["switch", "-q", "-c", &branch]);
    thread::sleep(LOOK);
    commit(storm);
    come_home(storm);
    done && join(storm, &branch)
}

fn stash(storm: &Storm) -> bool {
    let before = stashes(storm);
    if !succeeds(storm, &["stash", "push", "-q"]) || stashes(storm) == before {
        return false;
    }
    thread::sleep(LOOK);
    (0..TRIES_MAX).any(|_| pop(storm))
}

fn stashes(storm: &Storm) -> usize {
    let told = git(storm, &["stash", "list"]);
    told.stdout.lines().count()
}

/// Where another change of the same lines stands in the way, git keeps the stash for later.
fn pop(storm: &Storm) -> bool {
    let done = succeeds(storm, &["stash", "pop", "-q"]);
    if !done {
        storm.environment.run(["sync"]);
        commit(storm);
    }
    done
}

/// Merges a branch, also where git wants a person to look.
fn join(storm: &Storm, branch: &str) -> bool {
    for _ in 0..TRIES_MAX {
        commit(storm);
        let merged = succeeds(storm, &["merge", "-q", "--no-edit", branch]);
        if merged || is_there(storm, "MERGE_HEAD") {
            come_home(storm);
            return true;
        }
    }
    false
}

/// A colleague's commit on an older version, made in a work tree of its own; `false` when that
/// version is none to work on.
fn beside(storm: &Storm, branch: &str, back: u32, edit: impl FnOnce() -> Option<()>) -> bool {
    let place = storm.environment.outside("beside");
    let place = place.to_str().unwrap();
    let from = format!("HEAD~{back}");
    // In the first seconds that may be before there was a board.
    let has_board = succeeds(storm, &["cat-file", "-e", &format!("{from}:specs/TODO.md")]);
    let begun = has_board
        && succeeds(
            storm,
            &["worktree", "add", "-q", "-b", branch, place, &from],
        );
    let edited = begun && edit().is_some();
    if edited {
        git(storm, &["-C", place, "add", "-A"]);
        git(storm, &["-C", place, "commit", "-q", "-m", "a colleague's"]);
    }
    if begun {
        git(storm, &["worktree", "remove", "--force", place]);
    }
    edited
}

fn merge(storm: &Storm, hands: &mut Hands, dice: &mut Dice, count: u32) -> bool {
    commit(storm);
    let branch = format!("side-{count}");
    let task = COLLEAGUES.0 + dice.roll(COLLEAGUES.1);
    let own = token(TOKENS_OF_SAVES + count);
    let (marker, value) = dice.pick(&[("PLANNED", "planned"), ("RESEARCHED", "researched")]);
    let begun = beside(storm, &branch, 1 + dice.roll(3), || {
        let path = |name: &str| storm.environment.outside("beside/specs").join(name);
        let todo = fs_err::read_to_string(path("TODO.md")).unwrap();
        let todo = within(&todo, &format!("\n### {task}. "), |section| {
            let section = replaced(section, "**Status**: [", "]", marker);
            section.replacen(NOTE, &format!("{NOTE} {own}"), 1)
        })?;
        fs_err::write(path("TODO.md"), todo).unwrap();
        let state = fs_err::read_to_string(path("state.json")).unwrap();
        let state = within(&state, &format!("\"project_number\": {task},"), |object| {
            replaced(object, "\"status\": \"", "\"", value)
        })?;
        fs_err::write(path("state.json"), state).unwrap();
        Some(())
    });
    if !begun {
        return false;
    }
    hands.saves.push(Save {
        token: own,
        removed: Vec::new(),
        how: "merged",
    });
    join(storm, &branch)
}

/// The text with the part from `begin` on replaced; `None` where that is not there.
fn within(text: &str, begin: &str, edit: impl FnOnce(&str) -> String) -> Option<String> {
    let place = text.find(begin)?;
    Some(format!("{}{}", &text[..place], edit(&text[place..])))
}

/// The text with what stands first between two others replaced.
fn replaced(text: &str, before: &str, after: &str, new: &str) -> String {
    let begin = text.find(before).unwrap() + before.len();
    let end = begin + text[begin..].find(after).unwrap();
    format!("{}{new}{}", &text[..begin], &text[end..])
}

/// Puts the newest commits onto a colleague's, which has nothing to do with the board.
fn rebase(storm: &Storm, dice: &mut Dice, count: u32) -> bool {
    commit(storm);
    let branch = format!("base-{count}");
    let begun = beside(storm, &branch, 1 + dice.roll(4), || {
        let name = format!("beside/colleague-{count}.txt");
        fs_err::write(storm.environment.outside(&name), "theirs\n").unwrap();
        Some(())
    });
    if !begun {
        return false;
    }
    for _ in 0..TRIES_MAX {
        commit(storm);
        // A commit whose lines are newer already where it is put would be left out, and the person
        // throws nothing away.
        let words = ["rebase", "-q", "--empty=keep", "--reapply-cherry-picks"];
        if succeeds(storm, &[&words[..], &[&*branch]].concat()) {
            return true;
        }
        come_home(storm);
    }
    false
}
