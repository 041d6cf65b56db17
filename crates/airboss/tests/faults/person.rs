//! A person who saves TODO.md in the middle of a command, which may be killed right then.

use std::path::Path;
use std::time::{Duration, Instant};

use airboss::selftest::scenario::ALL;
use airboss::selftest::{Case, Scenario, Template, World, board};
use airboss_faults::{Lie, Mode, Outcome, Tracer, unavailable};
use fs_err as fs;

use crate::regimes::{is_wanted, template};
use crate::sweep::{Apart, expect_none, sweep};

const TODO: &str = "specs/TODO.md";

/// What the person writes at the end of the file, where no task is.
const REMARK: &str = "\nRemember the swallows under the roof.\n";

/// Long enough for text to be left alone as freshly typed, ten times over.
const PATIENCE: Duration = Duration::from_secs(10);

/// Saves as most editors do: a new file is renamed over the old one. A remark is added, and a
/// task that the command has nothing to do with gets another status.
pub(crate) fn save(top: &Path) {
    let path = top.join(TODO);
    // The file is never missing; a read that says so would be a violation by itself.
    let text = fs::read_to_string(&path).unwrap_or_default();
    let draft = top.join("TODO.md.swp");
    let begin = text.find("### 6.").unwrap_or(text.len());
    let (before, barn) = text.split_at(begin);
    let barn = barn.replacen("[NOT STARTED]", "[RESEARCHED]", 1);
    fs::write(&draft, format!("{before}{barn}{REMARK}")).unwrap();
    fs::rename(&draft, &path).unwrap();
}

/// Runs the command of a world with a person who saves before this call.
pub(crate) fn run_with_save(
    world: &World,
    tracer: Tracer,
    at: usize,
    (mode, more): (Mode, More),
) -> Outcome {
    let top = world.top();
    let tracer = tracer.lying(move |call| {
        if call.index == at {
            save(&top);
        }
        more(call)
    });
    tracer.run(mode).unwrap()
}

/// A program that is wrong on purpose, or the right one.
pub(crate) type More = fn(&airboss_faults::Call) -> Option<Lie>;

/// What of the person's words or of the command's change is not there in the end.
pub(crate) fn wrongs(world: &World, wanted: &str) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    let command = world.scenario.command;
    for arguments in [command, &["sync"], command] {
        while let Err(error) = world.done(arguments) {
            if Instant::now() > deadline {
                return vec![format!("it never comes to rest: {error}")];
            }
        }
    }
    let mut wrongs = Vec::new();
    if let Err(error) = world.done(&["verify"]) {
        wrongs.push(format!("it is not in sync: {error}"));
    }
    let found = world.projections()[TODO].clone().unwrap_or_default();
    if !found.ends_with(REMARK) {
        wrongs.push(format!("what the person typed is lost: {found}"));
    }
    let barn = &found[found.find("### 6.").unwrap_or(found.len())..];
    if !barn.contains("[RESEARCHED]") {
        wrongs.push(format!("what the person changed is lost: {barn}"));
    }
    let state = world.projections()["specs/state.json"].clone();
    let barn = state.unwrap_or_default();
    let barn = barn.lines().find(|line| line.contains("mend_the_barn"));
    if !barn.is_some_and(|line| line.contains("researched")) {
        wrongs.push(format!("state.json has not heard of it: {barn:?}"));
    }
    // All else is what the command alone would have made of it.
    let found = found.replacen(REMARK, "", 1);
    let rest = |text: &str| {
        let end = text.find("### 6.").unwrap_or(text.len());
        text[..end].to_owned()
    };
    if rest(&found) != rest(wanted) {
        wrongs.push(format!(
            "the other tasks are not as they should be: {found}"
        ));
    }
    let history = world.history();
    if history["commits"].contains(REMARK.trim()) {
        wrongs.push("a commit holds what the person typed".to_owned());
    }
    for what in ["fsck", "staged"] {
        if history[what].contains("exit status: 1") || history[what].contains(TODO) {
            wrongs.push(format!("git has other {what}: {}", history[what]));
        }
    }
    if !world.locks().is_empty() {
        wrongs.push(format!("locks are left behind: {:?}", world.locks()));
    }
    wrongs
}

/// TODO.md as the command alone leaves it.
pub(crate) fn undisturbed(template: &Template) -> String {
    let world = template.case(0).unwrap();
    world.done(world.scenario.command).unwrap();
    world.projections()[TODO].clone().unwrap()
}

fn sweep_saves(words: &str, sample: usize, mode: impl Fn(usize) -> Mode + Sync) {
    if let Some(reason) = unavailable() {
        println!("{reason}");
        return;
    }
    // What is undone is the newest change, and that would be the person's.
    let is_swept = |scenario: &&Scenario| {
        scenario.is_board() && scenario.name != board::UNDO.name && is_wanted(scenario)
    };
    let mut wrong = Vec::new();
    for scenario in ALL.iter().filter(is_swept) {
        let template = template(scenario);
        let wanted = undisturbed(&template);
        let calls = template.case(0).unwrap().tracer().run(Mode::Baseline);
        let calls = calls.unwrap().calls;
        let name = format!("{}, {words}", scenario.name);
        // A case on large lists takes twice the time.
        let sample = sample * (1 + usize::from(scenario.is_large()));
        let apart = Apart {
            sample,
            push: sample,
        };
        wrong.extend(sweep(&name, (3, apart), |point, worker| {
            let world = template.case(worker).unwrap();
            if point > calls {
                return crate::sweep::beyond_the_last();
            }
            let outcome = run_with_save(&world, world.tracer(), point, (mode(point), |_| None));
            if outcome.calls < point {
                // It makes fewer calls than it did on a busier machine: nobody saved.
                return crate::sweep::beyond_the_last();
            }
            let hit = outcome.hit.map(|call| call.to_string());
            let at = hit.unwrap_or_else(|| format!("#{point}"));
            let wrongs = wrongs(&world, &wanted).into_iter();
            Case {
                fired: true,
                wrongs: wrongs.map(|wrong| format!("{at}: {wrong}")).collect(),
            }
        }));
    }
    expect_none(&wrong);
}

#[test]
fn a_person_saves_before_a_call() {
    sweep_saves("a person saves before a call", 97, |_| Mode::Baseline);
}

#[test]
fn a_person_saves_and_the_program_is_killed_after_the_call() {
    let words = "a person saves before a call after which it is killed";
    sweep_saves(words, 89, Mode::KillAfter);
}
