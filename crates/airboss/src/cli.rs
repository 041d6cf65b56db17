//! The command line: global options, subcommands, and their dispatch.

mod examples;

use std::ffi::OsString;
use std::path::PathBuf;

use airboss_core::exit::ExitCode;
use clap::builder::Styles;
use clap::error::ErrorKind;
use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::command::{
    self, completions, conflicts, control, mark, merge_driver, next, retry, runs, stage, status,
    validate,
};
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::Lazy;
use crate::printer::Printer;
use crate::scripted::ScriptedArguments;

/// Flies coding agents through Markdown plans, and never falsifies what happened.
#[derive(Parser, Debug)]
#[command(
    name = "airboss",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_long_help = exit_codes()
)]
pub struct Cli {
    /// What holds for all of them.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The options of every subcommand.
#[derive(clap::Args, Debug)]
pub struct Global {
    /// Work in this directory instead of the current one.
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// The plan to work on.
    #[arg(long, value_name = "FILE", global = true, env = "AIRBOSS_PLAN")]
    pub plan: Option<PathBuf>,
    /// The directory of the board: TODO.md and state.json.
    #[arg(long, value_name = "DIR", global = true, env = "AIRBOSS_BOARD")]
    pub board: Option<PathBuf>,
    /// Print one JSON object instead of words.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print data and errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print everything.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colours.
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN", global = true)]
    pub color: Color,
}

impl Global {
    /// What every command is given.
    fn context(self) -> Context {
        Context {
            directory: self.directory.unwrap_or_else(|| PathBuf::from(".")),
            plan: self.plan,
            board: self.board,
            json: self.json,
            quiet: self.quiet,
            verbose: self.verbose,
            printer: Printer,
        }
    }
}

/// When colours are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes it the choice for everything that is printed.
    fn choose(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

/// The subcommands, in the order that `--help` lists them.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show the whole of it in a temporary repository: no network, no model, 20 seconds.
    Demo(Lazy<command::demo::DemoArguments>),
    /// Fly a plan until every step is done and shown to be done.
    Run(Lazy<command::run::RunArguments>),
    /// Pause the run that flies: what is running goes on, nothing new is sent.
    Pause(Lazy<command::control::PauseArguments>),
    /// Let a paused run go on.
    Resume(Lazy<command::control::ResumeArguments>),
    /// End the run that flies, after what is running; with --now that, too.
    Stop(Lazy<command::control::StopArguments>),
    /// End one attempt that is in flight; its step waits for `retry`.
    Kill(Lazy<command::control::KillArguments>),
    /// Adopt the board of this repository (TODO.md, state.json), or make a plan known.
    Init(Lazy<command::init::InitArguments>),
    /// Plan a task; or show or check a plan file.
    Plan(Lazy<command::plan::PlanArguments>),
    /// The stages of a task.
    #[command(flatten)]
    Stage(command::stage::StageCommand),
    /// Show where the plan stands.
    Status,
    /// Show progress, once or until the plan is complete.
    Progress(Lazy<command::status::ProgressArguments>),
    /// Show the phases of the plan.
    Phases,
    /// Show the steps that can be worked on now.
    Next(Lazy<command::next::NextArguments>),
    /// Show whether a step can be started, and what it waits for.
    Check(Lazy<command::next::CheckArguments>),
    /// Mark a step as started.
    MarkStarted(Lazy<command::mark::MarkArguments>),
    /// Declare a step done: a person's override.
    MarkComplete(Lazy<command::mark::CompleteArguments>),
    /// Mark a step as failed.
    MarkFailed(Lazy<command::mark::FailArguments>),
    /// Leave a step out.
    MarkSkipped(Lazy<command::mark::SkipArguments>),
    /// Give a step back.
    MarkPending(Lazy<command::mark::MarkArguments>),
    /// Give back a step that failed, is parked or was ended, to be tried again.
    Retry(Lazy<command::retry::RetryArguments>),
    /// Answer what a waiting step asked.
    Answer(Lazy<command::answer::AnswerArguments>),
    /// Report on a run, a plan or the board: a page, a picture, Markdown, words.
    Report(Lazy<command::report::ReportArguments>),
    /// Serve the Model Context Protocol to an agent, on standard input and output.
    Mcp,
    /// Write the findings of a step.
    WriteFindings(Lazy<command::findings::WriteArguments>),
    /// Print the findings of a step.
    ReadFindings(Lazy<command::findings::ReadArguments>),
    /// List failed steps that have retries left.
    Retryable,
    /// List failed steps whose retries are used up.
    Exhausted,
    /// Count a retry of a failed step.
    IncrementRetry(Lazy<command::retry::IncrementArguments>),
    /// Find steps in progress without a run, and end them as failed.
    DetectStuck(Lazy<command::retry::StuckArguments>),
    /// Begin to count a run by hand.
    StartRun(Lazy<command::runs::StartArguments>),
    /// End a run that was counted by hand.
    CompleteRun(Lazy<command::runs::CompleteArguments>),
    /// Show the runs: when they began and ended, how, and what they completed.
    Runs,
    /// Look at the tasks of a board, and change them.
    #[command(subcommand)]
    Task(Lazy<command::task::TaskCommand>),
    /// Put finished tasks and their directories into the archive.
    Archive(Lazy<command::task::order::ArchiveArguments>),
    /// Take a change of the board back.
    Undo(Lazy<command::undo::UndoArguments>),
    /// Show who gave each field of a task its value, when, and in which commit.
    Blame(Lazy<command::blame::BlameArguments>),
    /// Bring tasks back as they were in a git revision, by a change of its own.
    Restore(Lazy<command::restore::RestoreArguments>),
    /// Make what is stored of the board anew, from its files alone.
    Rebuild(Lazy<command::rebuild::RebuildArguments>),
    /// Look at the failures of board commands, and mark them as fixed.
    Errors(Lazy<command::errors::ErrorsArguments>),
    /// Name the tasks that nobody goes on with, and the command to do about each.
    Review(Lazy<command::review::ReviewArguments>),
    /// Print the whole board, or its whole history, as JSON.
    Export(Lazy<command::export::ExportArguments>),
    /// Begin a board with what `export` printed.
    Import(Lazy<command::export::ImportArguments>),
    /// Look at conflicts of the board, and settle them.
    Conflicts {
        /// What to do; without it they are listed.
        #[command(subcommand)]
        command: Option<command::conflicts::ConflictsCommand>,
    },
    /// Explain why a step is where it is: what it waits for, what was tried, on what evidence.
    Why(Lazy<command::why::WhyArguments>),
    /// Replay what an agent said and did, from its recording.
    Replay(Lazy<command::replay::ReplayArguments>),
    /// Show what happened, in order: every change of state, with its time.
    Log(Lazy<command::log::LogArguments>),
    /// Draw what waits for what: the steps of a plan or the tasks of the board.
    Graph(Lazy<command::graph::GraphArguments>),
    /// Follow what happens, live: one line for each change of state as it is stored.
    Watch(Lazy<command::watch::WatchArguments>),
    /// Look at a board and its flights, live, from any process; `?` lists the keys.
    #[cfg(feature = "tui")]
    Tui(Lazy<crate::tui::TuiArguments>),
    /// Check the plan and its status.json.
    Validate,
    /// Check that every file of the board equals the store.
    Verify,
    /// Merge TODO.md or state.json; git calls it.
    #[command(hide = true)]
    MergeDriver(Lazy<command::merge_driver::MergeDriverArguments>),
    /// Bring the files of the board or of a plan up to date, or check them.
    Sync(Lazy<command::validate::SyncArguments>),
    /// Compare status.json with the boxes of the plan.
    #[command(hide = true)]
    SyncCheck,
    /// Look at everything that airboss rests on, and name remedies.
    Doctor(Lazy<command::doctor::DoctorArguments>),
    /// Try on this file system what airboss rests on: kill it, and look what is left.
    Selftest(Lazy<command::selftest::SelftestArguments>),
    /// Show the settings and where they come from.
    Config(Lazy<command::config::ConfigArguments>),
    /// Make agent programs know airboss here: slash commands, a skill, the MCP server.
    Setup(Lazy<command::setup::SetupArguments>),
    /// Show the commands that this repository's settings would run, and allow them.
    Trust(Lazy<command::trust::TrustArguments>),
    /// Print the completions of a shell.
    Completions(Lazy<command::completions::CompletionsArguments>),
    /// Print the manual page, or write one for each command.
    Man(Lazy<command::man::ManArguments>),
    /// Play a script as an agent would; the demo and tests use it.
    #[command(hide = true)]
    ScriptedAgent(Lazy<ScriptedArguments>),
    /// Watch over one attempt; started by `run`.
    #[command(hide = true)]
    Supervise {
        /// The attempt's directory.
        directory: PathBuf,
    },
}

/// The subcommand that has more of its own than any other.
const TASK: &str = "task";

/// The subcommand of the first word that names one; of those about tasks, which are many, with the
/// one alone that the next such word names. Where that is the value of an option, reading the
/// arguments fails with it alone, as it does with everything else that is wrong.
fn called(words: &[OsString]) -> Option<clap::Command> {
    let mut names = words.iter().skip(1).filter_map(|word| word.to_str());
    let called = names.find(|name| Command::has_subcommand(name))?;
    if called == TASK {
        let tasks = command::task::TaskCommand::augment_subcommands(clap::Command::new(TASK));
        if let Some(alone) = names.find_map(|name| tasks.find_subcommand(name)) {
            let task = clap::Command::new(TASK).subcommand_required(true);
            return Some(task.subcommand(alone.clone()));
        }
    }
    let all = Command::augment_subcommands(clap::Command::new("all"));
    all.find_subcommand(called).cloned()
}

/// The table of exit codes, for the long help and the manual page.
fn exit_codes() -> String {
    let lines = ExitCode::ALL.map(|code| format!("  {:>3}  {}", code.code(), code.meaning()));
    let style = *Styles::default().get_header();
    format!("{style}Exit codes:{style:#}\n{}", lines.join("\n"))
}

impl Cli {
    /// Reads the arguments; ends the process when they are wrong, or when they ask for help.
    ///
    /// Every subcommand gets a copy of every global option, and that takes as long as a short
    /// command. So the one that is called is declared alone first, and all of them only when there
    /// is something to tell about them.
    #[must_use]
    pub fn read() -> Self {
        let words: Vec<OsString> = std::env::args_os().collect();
        let alone = called(&words).map(|called| Self::root().subcommand(called));
        let read = alone
            .unwrap_or_else(Self::root)
            .try_get_matches_from(&words);
        match read.map(|matches| Self::from_arg_matches(&matches)) {
            Ok(Ok(read)) => read,
            Err(told) if told.kind() == ErrorKind::DisplayVersion => told.exit(),
            Ok(Err(_)) | Err(_) => Self::read_whole(words),
        }
    }

    /// The same with everything declared that there is to tell.
    fn read_whole(words: Vec<OsString>) -> Self {
        let mut whole = Self::whole();
        let matches = whole.try_get_matches_from_mut(words);
        let read = matches.and_then(|matches| Self::from_arg_matches(&matches));
        read.unwrap_or_else(|error| error.format(&mut whole).exit())
    }

    /// The whole program as help and manual pages tell of it: every subcommand, with its examples.
    #[must_use]
    pub fn whole() -> clap::Command {
        examples::told(Self::command())
    }

    /// The program without its subcommands.
    fn root() -> clap::Command {
        Global::augment_args(clap::Command::new("airboss").version(env!("CARGO_PKG_VERSION")))
            .propagate_version(true)
    }

    /// Carries the command out.
    ///
    /// # Errors
    /// What failed, with what to do about it.
    pub fn execute(self) -> Result<ExitCode, CliError> {
        self.global.color.choose();
        let context = self.global.context();
        let context = &context;
        match &self.command {
            Command::Demo(arguments) => command::demo::demo(context, arguments),
            Command::Run(arguments) => command::run::command(context, arguments),
            Command::Pause(arguments) => control::pause(context, arguments),
            Command::Resume(arguments) => control::resume(context, arguments),
            Command::Stop(arguments) => control::stop(context, arguments),
            Command::Kill(arguments) => control::kill(context, arguments),
            Command::Init(arguments) => command::init::init(context, arguments),
            Command::Plan(arguments) => command::plan::plan(context, arguments),
            Command::Stage(command) => stage::stage(context, command),
            Command::Status => status::status(context),
            Command::Progress(arguments) => status::progress(context, arguments),
            Command::Phases => status::phases(context),
            Command::Next(arguments) => next::next(context, arguments),
            Command::Check(arguments) => next::check(context, arguments),
            Command::MarkStarted(arguments) => mark::started(context, arguments),
            Command::MarkComplete(arguments) => mark::complete(context, arguments),
            Command::MarkFailed(arguments) => mark::failed(context, arguments),
            Command::MarkSkipped(arguments) => mark::skipped(context, arguments),
            Command::MarkPending(arguments) => mark::pending(context, arguments),
            Command::Retry(arguments) => retry::give_back(context, arguments),
            Command::Answer(arguments) => command::answer::answer(context, arguments),
            Command::Report(arguments) => command::report::report(context, arguments),
            Command::Mcp => crate::mcp::serve(context),
            Command::WriteFindings(arguments) => command::findings::write(context, arguments),
            Command::ReadFindings(arguments) => command::findings::read(context, arguments),
            Command::Retryable => retry::retryable(context),
            Command::Exhausted => retry::exhausted(context),
            Command::IncrementRetry(arguments) => retry::increment(context, arguments),
            Command::DetectStuck(arguments) => retry::detect_stuck(context, arguments),
            Command::StartRun(arguments) => runs::start(context, arguments),
            Command::CompleteRun(arguments) => runs::complete(context, arguments),
            Command::Runs => runs::list(context),
            Command::Task(command) => command::task::task(context, command),
            Command::Archive(arguments) => command::task::order::archive(context, arguments),
            Command::Undo(arguments) => command::undo::undo(context, arguments),
            Command::Blame(arguments) => command::blame::blame(context, arguments),
            Command::Restore(arguments) => command::restore::restore(context, arguments),
            Command::Rebuild(arguments) => command::rebuild::rebuild(context, arguments),
            Command::Errors(arguments) => command::errors::errors(context, arguments),
            Command::Review(arguments) => command::review::review(context, arguments),
            Command::Export(arguments) => command::export::export(context, arguments),
            Command::Import(arguments) => command::export::import(context, arguments),
            Command::Conflicts { command } => conflicts::conflicts(context, command.as_ref()),
            Command::Why(arguments) => command::why::why(context, arguments),
            Command::Replay(arguments) => command::replay::replay(context, arguments),
            Command::Log(arguments) => command::log::log(context, arguments),
            Command::Graph(arguments) => command::graph::graph(context, arguments),
            Command::Watch(arguments) => command::watch::watch(context, arguments),
            #[cfg(feature = "tui")]
            Command::Tui(arguments) => crate::tui::tui(context, arguments),
            Command::Validate => validate::validate(context),
            Command::Verify => command::adopt::verify_board(context),
            Command::MergeDriver(arguments) => merge_driver::merge_driver(context, arguments),
            Command::Sync(arguments) => validate::sync(context, arguments),
            Command::SyncCheck => validate::sync_check(context),
            Command::Doctor(arguments) => command::doctor::doctor(context, arguments),
            Command::Selftest(arguments) => command::selftest::selftest(context, arguments),
            Command::Config(arguments) => command::config::config(context, arguments),
            Command::Setup(arguments) => command::setup::setup(context, arguments),
            Command::Trust(arguments) => command::trust::trust(context, arguments),
            Command::Completions(arguments) => completions::completions(context, arguments),
            Command::Man(arguments) => command::man::man(context, arguments),
            // Both are processes of their own kind; `main_impl` takes them before this.
            Command::ScriptedAgent(_) | Command::Supervise { .. } => Ok(ExitCode::Success),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks which subcommands are declared for these words, with their own.
    fn check(words: &[&str], expected: &str) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let told = called(&words).map(|mut called| {
            called.build();
            let below = called.get_subcommands().map(clap::Command::get_name);
            let below: Vec<_> = below.filter(|name| *name != "help").collect();
            match below.len() {
                0..2 => format!("{} {}", called.get_name(), below.concat()),
                many => format!("{} and {many}", called.get_name()),
            }
        });
        assert_eq!(told.as_deref().unwrap_or("all").trim_end(), expected);
    }

    #[test]
    fn what_is_called_is_declared_alone() {
        check(&["airboss", "status"], "status");
        check(
            &["airboss", "task", "status", "5", "planned"],
            "task status",
        );
        check(&["airboss", "--quiet", "task", "5", "list"], "task list");
        check(&["airboss", "task"], "task and 17");
        check(&["airboss", "conflicts", "list"], "conflicts and 3");
        check(&["airboss", "nothing"], "all");
    }
}
