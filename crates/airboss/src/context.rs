//! What every command is given: the global options, resolved.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use airboss_core::operation::PlanKey;
use airboss_engine::store::{SqliteStore, Store as _};
use airboss_engine::workspace::{Workspace, WorkspaceError};

use crate::error::CliError;
use crate::printer::Printer;

/// The files in which earlier tools kept the path of the current plan.
const POINTERS: [&str; 2] = [
    ".claude-context/current-plan.txt",
    ".claude/current-plan.txt",
];

/// The global options.
#[derive(Clone, Debug)]
pub struct Context {
    /// The directory to work in.
    pub directory: PathBuf,
    /// The plan, when it was named.
    pub plan: Option<PathBuf>,
    /// The directory of the board, when it was named.
    pub board: Option<PathBuf>,
    /// JSON on standard output.
    pub json: bool,
    /// Only errors and data.
    pub quiet: bool,
    /// Everything.
    pub verbose: bool,
    /// Where words go.
    pub printer: Printer,
}

impl Context {
    /// Prints what a command answers: words on a terminal, JSON off it, with `--json` the
    /// documented envelope.
    pub fn answer(
        &self,
        data: &serde_json::Value,
        words: impl FnOnce(&serde_json::Value) -> String,
    ) {
        if self.json {
            self.printer.json(data);
        } else if io::stdout().is_terminal() {
            self.printer.data(&words(data));
        } else {
            self.printer.data(&format!("{data:#}"));
        }
    }

    /// Whether a person reads and answers.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks; the answer is in small letters, and `None` at the end of the input.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub fn ask(&self, question: &str) -> io::Result<Option<String>> {
        self.printer.prompt(question);
        let answer = self.typed()?;
        if answer.is_none() {
            // The cursor stands behind the question.
            self.printer.note("");
        }
        Ok(answer)
    }

    /// The line that a person types, in small letters; `None` at the end of the input.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub fn typed(&self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let count = io::stdin().lock().read_line(&mut line)?;
        Ok((count > 0).then(|| line.trim().to_ascii_lowercase()))
    }

    /// Asks a question that is answered with yes or no.
    ///
    /// # Errors
    /// As for [`Context::ask`].
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        let answer = self.ask(question)?;
        Ok(matches!(answer.as_deref(), Some("y" | "yes")))
    }

    /// Prints what a command of the board answers: words, wherever they go; with `--json` the
    /// documented envelope.
    pub fn tell(&self, data: &serde_json::Value, words: impl FnOnce(&serde_json::Value) -> String) {
        if self.json {
            self.printer.json(data);
        } else {
            self.printer.data(&words(data));
        }
    }

    /// The plan file that a command is about: named, or the current one.
    ///
    /// # Errors
    /// When it cannot be told which plan is meant.
    pub fn plan_file(
        &self,
        workspace: &Workspace,
        named: Option<&Path>,
    ) -> Result<PathBuf, CliError> {
        self.find_plan(workspace, named, || {
            let store = workspace.open_reader()?;
            Ok(store.map_or(Ok(Vec::new()), |store| store.plans())?)
        })
    }

    /// As [`Context::plan_file`], for a command that writes. A store that cannot be read before
    /// somebody wrote to it, because it is older or its lock table is missing, does not stop it.
    ///
    /// # Errors
    /// When it cannot be told which plan is meant.
    pub fn plan_file_to_change(
        &self,
        workspace: &Workspace,
        named: Option<&Path>,
    ) -> Result<PathBuf, CliError> {
        self.find_plan(workspace, named, || match workspace.open_reader() {
            Ok(store) => Ok(store.map_or(Ok(Vec::new()), |store| store.plans())?),
            Err(WorkspaceError::Store(_)) => Ok(workspace.open_store()?.plans()?),
            Err(other) => Err(other.into()),
        })
    }

    /// The plan file that was named, or that is the current one by a pointer.
    #[must_use]
    pub fn named_plan(&self, workspace: &Workspace, named: Option<&Path>) -> Option<PathBuf> {
        if let Some(path) = named.or(self.plan.as_deref()) {
            // `./plan.md` is not what the person typed.
            let here = self.directory == Path::new(".");
            return Some(if here {
                path.to_owned()
            } else {
                self.directory.join(path)
            });
        }
        let pointers = POINTERS.into_iter();
        let mut texts =
            pointers.filter_map(|it| fs_err::read_to_string(workspace.top.join(it)).ok());
        texts.next().map(|text| workspace.top.join(text.trim()))
    }

    fn find_plan(
        &self,
        workspace: &Workspace,
        named: Option<&Path>,
        known: impl FnOnce() -> Result<Vec<PlanKey>, CliError>,
    ) -> Result<PathBuf, CliError> {
        if let Some(path) = self.named_plan(workspace, named) {
            return Ok(path);
        }
        let plans = known()?;
        match plans.as_slice() {
            [only] => Ok(workspace.top.join(only.path())),
            [] => Err(CliError::usage("no plan was named, and none is known here")
                .hint("name the plan's Markdown file: `airboss run plans/my-plan.md`")),
            several => {
                let names: Vec<String> = several.iter().map(ToString::to_string).collect();
                Err(CliError::usage("several plans are known here")
                    .hint(format!("choose one with --plan: {}", names.join(", "))))
            }
        }
    }

    /// The work tree and its store, for reading.
    ///
    /// # Errors
    /// When there is no store here yet, or it cannot be used.
    pub fn reader(&self) -> Result<(Workspace, SqliteStore), CliError> {
        let workspace = Workspace::open(&self.directory)?;
        let Some(store) = workspace.open_reader()? else {
            let message = format!("nothing is recorded in {} yet", workspace.top.display());
            return Err(CliError::refused(message)
                .hint("`airboss run PLAN` flies a plan and records what happens"));
        };
        Ok((workspace, store))
    }

    /// The plans that a question is about: the one that was named, else all that are known.
    ///
    /// # Errors
    /// When the named plan is not known, or the store cannot be read.
    pub fn plans(
        &self,
        workspace: &Workspace,
        store: &SqliteStore,
    ) -> Result<Vec<PlanKey>, CliError> {
        let known = store.plans()?;
        let Some(named) = &self.plan else {
            return Ok(known);
        };
        let key = workspace.plan_key(&self.directory.join(named))?;
        if known.contains(&key) {
            return Ok(vec![key]);
        }
        let names: Vec<String> = known.iter().map(ToString::to_string).collect();
        let refused = CliError::refused(format!("nothing is recorded of the plan {key}"));
        Err(if names.is_empty() {
            refused.hint(format!("`airboss run {key}` flies it"))
        } else {
            refused.hint(format!("known plans: {}", names.join(", ")))
        })
    }
}
