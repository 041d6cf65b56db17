//! Carrying out what a person asked for: with the words that one would type.
//!
//! There is one way to do what exists. Every change is made by this same program as a child, so
//! that it is decided, recorded and refused as on the command line.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use airboss_core::id::StepId;
use airboss_core::text::sanitize;
use airboss_engine::workspace::Workspace;

use super::app::Event;
use super::{Out, Wake};
use crate::context::Context;

/// What a command prints is for one line; more than this is read by nobody.
const OUTPUT_MAX: u64 = 64 << 10;

/// Runs this program with these words; what came of it comes as an event.
pub(super) fn run(context: &Context, words: Vec<String>, out: &Out) {
    let mut command = program(context);
    command.args(&words);
    let out = out.clone();
    // It ends by itself when the child does, and nobody waits for it.
    thread::spawn(move || {
        let (ok, told) = outcome(&mut command);
        out.send(Wake::Event(Event::Done { words, ok, told })).ok();
    });
}

/// This program, for the same directory and board.
pub(super) fn program(context: &Context) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| "airboss".into());
    let mut command = Command::new(program);
    command.arg("-C").arg(&context.directory);
    if let Some(board) = &context.board {
        command.arg("--board").arg(board);
    }
    command.args(["--color", "never"]);
    command
}

/// Whether it was done, and what it printed: its errors first, then its words.
fn outcome(command: &mut Command) -> (bool, String) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // What it asks of a terminal it must not find: it would ask on the one that is drawn on.
    let output = match command.spawn() {
        Ok(child) => child.wait_with_output(),
        Err(error) => Err(error),
    };
    match output {
        Ok(output) => {
            let mut told = String::new();
            for bytes in [&output.stderr, &output.stdout] {
                let mut text = String::new();
                bytes.take(OUTPUT_MAX).read_to_string(&mut text).ok();
                told.push_str(&sanitize(&text));
            }
            (output.status.success(), told)
        }
        Err(error) => (false, error.to_string()),
    }
}

/// Runs a command that only reads, and returns what it printed with its colours.
pub(super) fn read(context: &Context, words: &[String]) -> Result<String, String> {
    let mut command = program(context);
    let output = command.args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    if told.trim().is_empty() && !output.status.success() {
        return Err(format!(
            "`airboss {}` ended with {}",
            words.join(" "),
            output.status
        ));
    }
    Ok(told)
}

/// Opens a file in the person's editor, on the terminal; a plan at the line of a step.
pub(super) fn edit(workspace: &Workspace, file: &str, step: Option<&StepId>) -> Result<(), String> {
    let words = editor(|name| std::env::var_os(name));
    let mut words = words.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let path = workspace.top.join(file);
    let line = step.and_then(|step| line_of(workspace, &path, step));
    // The file is an argument of its own: nothing of it is read by a shell.
    let status = Command::new(program)
        .args(words)
        .args(opened_at(program, &path, line))
        .current_dir(&workspace.top)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{program}` ended with {status}")),
        Err(error) => Err(format!(
            "`{program}` cannot be started: {error}; set EDITOR"
        )),
    }
}

/// Where a step stands in its plan, from 1. A plan that cannot be read is opened at its beginning.
fn line_of(workspace: &Workspace, path: &Path, step: &StepId) -> Option<usize> {
    let plan = workspace.read_plan(path).ok()?.plan;
    let mut steps = plan.steps();
    let line = steps.find_map(|(_, it)| (it.id == *step).then_some(it.line));
    // A phase that is carried out as a whole is a step, too.
    let mut phases = plan.phases.iter();
    line.or_else(|| phases.find_map(|it| (it.step_id() == *step).then_some(it.line)))
}

/// The arguments with which an editor opens a file at a line. One that is not known here gets the
/// file alone: what it does not understand it would take for another file.
fn opened_at(program: &str, path: &Path, line: Option<usize>) -> Vec<OsString> {
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    let alone = || path.as_os_str().to_owned();
    let Some(line) = line else {
        return vec![alone()];
    };
    let with_line = || {
        let mut file = alone();
        file.push(format!(":{line}"));
        file
    };
    match name.unwrap_or_default() {
        "vi" | "vim" | "nvim" | "view" | "nano" | "pico" | "emacs" | "emacsclient" | "micro"
        | "kak" | "joe" | "mg" => vec![format!("+{line}").into(), alone()],
        "hx" | "helix" | "zed" | "subl" => vec![with_line()],
        "code" | "code-insiders" | "codium" | "cursor" => vec!["--goto".into(), with_line()],
        _ => vec![alone()],
    }
}

/// The words of the person's editor, as git and others look them up.
fn editor(variable: impl Fn(&str) -> Option<OsString>) -> String {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let found = set("VISUAL").or_else(|| set("EDITOR"));
    found.map_or_else(
        || "vi".to_owned(),
        |words| words.to_string_lossy().into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_opens_a_line_as_it_knows_how_to() {
        let check = |program, line, expected: &str| {
            let words = opened_at(program, Path::new("/w/a b.md"), line);
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            assert_eq!(words.join("|"), expected, "{program}");
        };
        check("vi", Some(7), "+7|/w/a b.md");
        check("/usr/bin/nvim", Some(7), "+7|/w/a b.md");
        check("hx", Some(7), "/w/a b.md:7");
        check("code", Some(7), "--goto|/w/a b.md:7");
        check("ed-of-mine", Some(7), "/w/a b.md");
        check("vi", None, "/w/a b.md");
    }
}
