//! What every command is given: the global options, resolved.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use airboss_engine::workspace::Workspace;

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
        } else if std::io::stdout().is_terminal() {
            self.printer.data(&words(data));
        } else {
            self.printer.data(&format!("{data:#}"));
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
        if let Some(path) = named.or(self.plan.as_deref()) {
            // `./plan.md` is not what the person typed.
            let here = self.directory == Path::new(".");
            return Ok(if here {
                path.to_owned()
            } else {
                self.directory.join(path)
            });
        }
        for pointer in POINTERS {
            let Ok(text) = fs_err::read_to_string(workspace.top.join(pointer)) else {
                continue;
            };
            return Ok(workspace.top.join(text.trim()));
        }
        let plans = match workspace.open_reader()? {
            Some(store) => airboss_engine::store::Store::plans(&store)?,
            None => Vec::new(),
        };
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
}
