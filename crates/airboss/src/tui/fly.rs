//! `airboss run` on a terminal: the run is a child with a session of its own, and what the person
//! sees is the terminal interface.
//!
//! The child writes its words to a file. So neither the end of what is seen nor that of the
//! terminal touches the run; the file is printed when both have ended well.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use airboss_core::exit::ExitCode;
use airboss_core::operation::PlanKey;
use airboss_core::text::shell_word;
use airboss_engine::clock;
use airboss_engine::follow::{Subject, Wanted};
use airboss_engine::store::Store as _;
use airboss_engine::workspace::Workspace;
use rustix::process::{Pid, Signal, kill_process};

use super::app::Event;
use super::{Session, Wake, channel};
use crate::command::run::{self, RunArguments, Seen};
use crate::context::Context;
use crate::error::CliError;

/// How often it is looked whether the run flies: a person waits for it.
const LOOK: Duration = Duration::from_millis(30);
/// Files of earlier runs that are kept: the log in the store outlives them.
const FILES_MAX: usize = 20;
/// What is printed of a file at the end; a summary is a screen.
const PRINTED_MAX: u64 = 64 << 10;
/// Lines that are printed of a run that ended without a summary.
const LINES_MAX: usize = 40;
/// What divides a run's lines from its summary: the control character for a new page.
pub(crate) const NEW_PAGE: &str = "\u{c}";

/// Whether a run is shown in the terminal interface.
pub(crate) fn is_wanted(context: &Context, seen: Seen) -> bool {
    if seen.no_tui || seen.detached || context.json {
        return false;
    }
    let on_terminal = std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal();
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let able = set("TERM").is_some_and(|term| term != "dumb");
    on_terminal && able && (seen.tui || (!context.quiet && set("CI").is_none()))
}

/// Flies a plan in a process of its own and shows it.
///
/// # Errors
/// As for [`run::run`]: what cannot be flown is refused before anything is drawn.
pub(crate) fn fly(context: &Context, arguments: &RunArguments) -> Result<ExitCode, CliError> {
    let (workspace, plan) = run::check(context, arguments)?;
    workspace.prepare()?;
    let words = words_file(&workspace.state)?;
    let mut child = start(&words)?;
    if let Some(status) = await_run(&workspace, &plan, &mut child) {
        print_file(&words, false);
        return Ok(exit_code(status));
    }
    let pid = child.id();
    let (out, inbox) = channel();
    let ended = out.clone();
    thread::spawn(move || {
        let status = child.wait();
        let code = status.map_or(ExitCode::Failed, exit_code).code();
        ended.send(Wake::Event(Event::RunEnded(code))).ok();
    });
    let subject = Subject {
        plan: Some(plan),
        board: None,
    };
    let wanted = Wanted::scene(subject);
    let mut session = Session::start(context, &workspace, wanted, (out, inbox))?;
    let app = session.app(arguments.seen.looks, true);
    let left = session.run(app, Some(pid))?;
    match left.run_ended {
        Some(code) => {
            print_file(&words, true);
            Ok(code_of(code))
        }
        None => {
            let name = words.display().to_string();
            context.printer.note(&format!(
                "the run flies on as process {pid}; its words go to {}\n\
                 `airboss tui` comes back to it, `kill -INT {pid}` ends it in good order",
                shell_word(&name)
            ));
            Ok(left.code)
        }
    }
}

/// Asks a run to end in good order, as Ctrl-C does; whether it was there.
pub(super) fn stop(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, Signal::INT).is_ok())
}

/// A new file for what the run prints. The oldest of earlier ones go.
fn words_file(state: &Path) -> Result<PathBuf, CliError> {
    let directory = state.join("words");
    fs_err::create_dir_all(&directory)?;
    let mut known: Vec<PathBuf> = fs_err::read_dir(&directory)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    // Their names begin with the time, which has as many digits for centuries.
    known.sort();
    let surplus = known.len().saturating_sub(FILES_MAX - 1);
    for old in &known[..surplus] {
        // Another run may be at the same.
        fs_err::remove_file(old).ok();
    }
    let name = format!("{}-{}.txt", clock::now().as_millis(), std::process::id());
    Ok(directory.join(name))
}

/// Starts this same command once more, without the terminal.
fn start(words: &Path) -> Result<Child, CliError> {
    let file = fs_err::OpenOptions::new()
        .create_new(true)
        .append(true)
        .open(words)?;
    let (file, _) = file.into_parts();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments(std::env::args_os().skip(1).collect()));
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file);
    Ok(command.spawn()?)
}

/// The person's own arguments, and that it is detached: in front of `--`, behind all else, so that
/// it is an option of `run`.
fn arguments(mut own: Vec<OsString>) -> Vec<OsString> {
    let place = own
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(own.len());
    own.insert(place, "--detached".into());
    own
}

/// Waits until the store shows the run; its status when it ended first.
fn await_run(workspace: &Workspace, plan: &PlanKey, child: &mut Child) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        let store = workspace.open_reader().ok().flatten();
        let runs = store.and_then(|store| store.runs(plan).ok());
        let newest = runs.and_then(|runs| runs.into_iter().next_back());
        let runner = newest.and_then(|run| run.runner);
        if runner.is_some_and(|runner| runner.pid == child.id()) {
            return None;
        }
        thread::sleep(LOOK);
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::Failed, code_of)
}

fn code_of(code: u8) -> ExitCode {
    let known = ExitCode::ALL.into_iter().find(|known| known.code() == code);
    known.unwrap_or(ExitCode::Failed)
}

/// Prints what the run said at its end; with `summary` only from there on.
fn print_file(words: &Path, summary: bool) {
    let text = read_end(words).unwrap_or_default();
    let part = match text.rsplit_once(NEW_PAGE) {
        Some((_, end)) if summary => end.to_owned(),
        _ => {
            let lines: Vec<&str> = text.lines().collect();
            let surplus = lines.len().saturating_sub(LINES_MAX);
            lines[surplus..].join("\n").replace(NEW_PAGE, "")
        }
    };
    crate::printer::Printer.note(part.trim_start_matches('\n'));
}

fn read_end(words: &Path) -> std::io::Result<String> {
    let mut file = fs_err::File::open(words)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(PRINTED_MAX)))?;
    let mut bytes = Vec::new();
    file.take(PRINTED_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &[&str], expected: &[&str]) {
        let own = own.iter().map(OsString::from).collect();
        assert_eq!(arguments(own), expected);
    }

    #[test]
    fn the_child_is_given_the_same_words() {
        check(&["run"], &["run", "--detached"]);
        check(
            &["-C", "x", "run", "--jobs", "2", "--tui", "plan.md"],
            &[
                "-C",
                "x",
                "run",
                "--jobs",
                "2",
                "--tui",
                "plan.md",
                "--detached",
            ],
        );
        check(
            &["run", "--", "--odd.md"],
            &["run", "--detached", "--", "--odd.md"],
        );
    }
}
