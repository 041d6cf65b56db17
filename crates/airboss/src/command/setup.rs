//! `airboss setup`: makes agent programs know Airboss in this repository.
//!
//! Everything is read and decided before anything is written, so that a file that cannot be
//! changed stops it all.

use std::fmt::Write as _;
use std::path::Path;

use airboss_core::exit::ExitCode;
use airboss_core::setup::{Change, Decision, Item, Program, State, Wish, shared};
use airboss_engine::projection::PlaceError;
use airboss_engine::setup::Files;
use airboss_engine::workspace::Workspace;
use clap::builder::PossibleValue;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use super::report::require_person;
use super::run::prepare::on_path;
use crate::context::Context;
use crate::error::{CliError, ErrorKind};

/// Which programs, and what for.
#[derive(clap::Args, Clone, Debug)]
pub struct SetupArguments {
    /// The programs; without one, all that are installed or have a directory here.
    #[arg(value_name = "PROGRAM", value_enum)]
    programs: Vec<Named>,
    /// Write nothing; exit code 1 when something is missing or old.
    #[arg(long, conflicts_with_all = ["force", "dry_run"])]
    check: bool,
    /// Take everything away again.
    #[arg(long)]
    remove: bool,
    /// Replace or remove what Airboss wrote and somebody changed, too.
    #[arg(long)]
    force: bool,
    /// Print what would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A program as it is named on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Named(Program);

impl clap::ValueEnum for Named {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Named; 4] = [
            Named(Program::ALL[0]),
            Named(Program::ALL[1]),
            Named(Program::ALL[2]),
            Named(Program::ALL[3]),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.word()))
    }
}

/// A program, and why it is set up.
struct Chosen {
    program: Program,
    why: &'static str,
}

/// One file, and what becomes of it.
struct Step {
    /// `None` for what all programs share.
    program: Option<Program>,
    item: Item,
    read: Option<Vec<u8>>,
    decision: Decision,
    /// Somebody saved it while it was decided; it was left as it is.
    raced: bool,
}

/// Sets programs up, checks that they are, or takes it back.
///
/// # Errors
/// When a file cannot be understood or written; nothing is changed then.
pub fn setup(context: &Context, arguments: &SetupArguments) -> Result<ExitCode, CliError> {
    let writes = !arguments.check && !arguments.dry_run;
    if writes {
        require_person("set programs up")?;
    }
    let workspace = Workspace::open(&context.directory)?;
    let files = Files::new(&workspace);
    let chosen = chosen(&workspace, arguments)?;
    // `--check --remove` asks whether anything is left.
    let wish = match arguments.remove {
        true => Wish::Removed,
        false => Wish::Installed,
    };
    let mut steps = decide(&files, &chosen, wish, arguments.force)?;
    if writes {
        carry_out(&files, &mut steps)?;
    }
    let complete = steps.iter().all(|step| step.is_done(writes));
    tell(context, arguments, &chosen, &steps, complete);
    let told = !context.json && !context.quiet;
    if writes && told && wish == Wish::Installed && !finds_airboss(&workspace) {
        context
            .printer
            .warning("`airboss` is not on PATH, so these commands will not find it");
    }
    Ok(match complete || arguments.dry_run {
        true => ExitCode::Success,
        false => ExitCode::Failed,
    })
}

fn finds_airboss(workspace: &Workspace) -> bool {
    on_path(Path::new("airboss"), &workspace.top).is_some()
}

/// The programs that are meant, in the order of the table, each once.
fn chosen(workspace: &Workspace, arguments: &SetupArguments) -> Result<Vec<Chosen>, CliError> {
    let named = |program| arguments.programs.contains(&Named(program));
    let why = |program: Program| {
        if !arguments.programs.is_empty() {
            return named(program).then_some("named");
        }
        if workspace.top.join(program.folder()).is_dir() {
            return Some("has a directory here");
        }
        if arguments.remove {
            // Whatever is installed by now, nothing of ours stays.
            return Some("everything goes");
        }
        on_path(Path::new(program.word()), &workspace.top).map(|_| "is installed")
    };
    let all = Program::ALL.into_iter();
    let chosen: Vec<Chosen> = all
        .filter_map(|program| {
            let why = why(program)?;
            Some(Chosen { program, why })
        })
        .collect();
    if chosen.is_empty() {
        let words = Program::ALL.map(Program::word).join(", ");
        let message = "no agent program is installed, and none has a directory here";
        return Err(CliError::refused(message).hint(format!(
            "name one: `airboss setup {}` (there are {words})",
            Program::Claude.word()
        )));
    }
    Ok(chosen)
}

/// Looks at every file and decides; nothing is written.
fn decide(
    files: &Files<'_>,
    chosen: &[Chosen],
    wish: Wish,
    force: bool,
) -> Result<Vec<Step>, CliError> {
    let look = |program: Option<Program>, item: Item| -> Result<Step, CliError> {
        let path = &item.path;
        let read = files.read(path).map_err(|error| refused(&error))?;
        let decision = item
            .decide(read.as_deref(), wish, force)
            .map_err(|broken| {
                let line = broken
                    .line
                    .map_or_else(String::new, |line| format!(":{line}"));
                CliError::refused(format!("{path}{line}: {broken}")).hint(broken.remedy)
            })?;
        Ok(Step {
            program,
            item,
            read,
            decision,
            raced: false,
        })
    };
    let mut steps = Vec::new();
    for Chosen { program, .. } in chosen {
        for item in program.items() {
            steps.push(look(Some(*program), item)?);
        }
    }
    // The block of all stays as long as one is set up.
    let is_chosen = |program| chosen.iter().any(|chosen| chosen.program == program);
    let mut others = Program::ALL.into_iter().filter(|other| !is_chosen(*other));
    if wish == Wish::Installed || !others.any(|other| is_set_up(files, other)) {
        steps.push(look(None, shared())?);
    }
    for step in steps.iter().filter(|step| step.decision.change.is_some()) {
        files
            .may_write(&step.item.path)
            .map_err(|error| refused(&error))?;
    }
    Ok(steps)
}

fn refused(error: &PlaceError) -> CliError {
    let hint = match error {
        PlaceError::Leaves { .. } => "put a file or directory of this repository in its place",
        PlaceError::NotAFile { .. } => "move it away",
        PlaceError::ReadOnly { .. } => "`chmod u+w` allows it to be changed",
        PlaceError::Io(error) => return CliError::new(ErrorKind::Io, error.to_string()),
    };
    CliError::refused(error.to_string()).hint(format!("{hint}; nothing was changed"))
}

/// Whether anything that Airboss wrote for a program is there.
fn is_set_up(files: &Files<'_>, program: Program) -> bool {
    program.items().iter().any(|item| {
        let read = files.read(&item.path).ok().flatten();
        let decision = item.decide(read.as_deref(), Wish::Installed, false);
        decision.is_ok_and(|decision| {
            matches!(decision.state, State::Current | State::Old | State::Edited)
        })
    })
}

fn carry_out(files: &Files<'_>, steps: &mut [Step]) -> Result<(), CliError> {
    if steps.iter().any(|step| step.decision.change.is_some()) {
        files.prepare()?;
    }
    for step in steps {
        let Some(change) = &step.decision.change else {
            continue;
        };
        let path = &step.item.path;
        let done = files.change(path, step.read.as_deref(), change);
        let done = done.map_err(|error| {
            CliError::new(ErrorKind::Io, format!("{path}: {error}"))
                .hint("the same command goes on from there")
        })?;
        step.raced = !done;
    }
    Ok(())
}

impl Step {
    /// Whether nothing remains to be done.
    fn is_done(&self, writes: bool) -> bool {
        match self.decision.change {
            Some(_) => writes && !self.raced,
            None => true,
        }
    }

    /// What was done, or would be, in one word.
    fn action(&self) -> &'static str {
        match (&self.decision.change, self.decision.state) {
            (None, State::Edited | State::Foreign) => "keep",
            (None, _) => "none",
            (Some(_), _) if self.raced => "keep",
            (Some(Change::Remove), _) => "remove",
            (Some(Change::Write(_)), State::Missing) => "write",
            (Some(Change::Write(_)), _) => "update",
        }
    }

    /// Why a file was left alone, and what to do about it.
    fn left_alone(&self) -> Option<String> {
        let path = &self.item.path;
        Some(match (&self.decision.change, self.decision.state) {
            (Some(_), _) if self.raced => {
                format!("{path} was saved just now and left alone; run the command again")
            }
            (None, State::Edited) => {
                format!("{path} was changed by hand and left alone; `--force` overrules that")
            }
            (None, State::Foreign) => format!(
                "{path} holds something else of this name and was left alone; move it away to \
                 have it of airboss"
            ),
            _ => return None,
        })
    }
}

fn tell(
    context: &Context,
    arguments: &SetupArguments,
    chosen: &[Chosen],
    steps: &[Step],
    complete: bool,
) {
    if context.json {
        context.printer.json(&as_json(chosen, steps, complete));
        return;
    }
    if context.quiet {
        return;
    }
    let lists = context.verbose || arguments.check || arguments.dry_run;
    let mut lines = Vec::new();
    let programs = chosen.iter().map(|chosen| Some(chosen.program));
    for program in programs.chain([None]) {
        let own: Vec<&Step> = steps
            .iter()
            .filter(|step| step.program == program)
            .collect();
        if own.is_empty() {
            continue;
        }
        lines.push(headline(arguments, chosen, program, &own));
        for step in own {
            let path = &step.item.path;
            if let Some(words) = step.left_alone() {
                lines.push(format!("  {} {words}", "!".yellow()));
            } else if lists && step.decision.change.is_some() {
                let state = step.decision.state.word();
                let word = if arguments.check {
                    state
                } else {
                    step.action()
                };
                lines.push(format!("  {word:<7} {path}"));
            }
        }
    }
    context.printer.data(&lines.join("\n"));
}

/// One line for a program, or for what all of them share.
fn headline(
    arguments: &SetupArguments,
    chosen: &[Chosen],
    program: Option<Program>,
    own: &[&Step],
) -> String {
    let mut line = match program {
        Some(program) => program.word().to_owned(),
        None => shared().path.to_string(),
    };
    let why = chosen.iter().find(|chosen| Some(chosen.program) == program);
    if let Some(chosen) = why.filter(|_| arguments.programs.is_empty() && !arguments.remove) {
        push(&mut line, format_args!(" ({})", chosen.why));
    }
    let count = |action: &str| own.iter().filter(|step| step.action() == action).count();
    let tense = match arguments.check || arguments.dry_run {
        true => ["to write", "to update", "to remove"],
        false => ["written", "updated", "removed"],
    };
    let counts = ["write", "update", "remove"].into_iter().zip(tense);
    let counts: Vec<String> = counts
        .filter(|(action, _)| count(action) > 0)
        .map(|(action, words)| format!("{} {words}", count(action)))
        .collect();
    let said = match (counts.is_empty(), arguments.remove) {
        (false, _) => counts.join(", "),
        (true, false) => "up to date".to_owned(),
        (true, true) => "nothing to remove".to_owned(),
    };
    push(&mut line, format_args!(": {said}"));
    line
}

fn push(line: &mut String, words: std::fmt::Arguments<'_>) {
    line.write_fmt(words).expect("a string takes everything");
}

fn as_json(chosen: &[Chosen], steps: &[Step], complete: bool) -> Value {
    let programs: Vec<Value> = chosen
        .iter()
        .map(|chosen| json!({ "name": chosen.program.word(), "why": chosen.why }))
        .collect();
    let files: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({
                "path": step.item.path,
                "program": step.program.map(Program::word),
                "state": step.decision.state.word(),
                "action": step.action(),
                "remedy": step.left_alone(),
            })
        })
        .collect();
    json!({ "programs": programs, "files": files, "complete": complete })
}
