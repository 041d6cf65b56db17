//! Backends: how an agent program is called and in which language it answers.
//!
//! A backend turns an [`Agent`] and a prompt into the [`Spec`] of a supervised
//! process. The command lines are those recorded from the real programs; what a
//! stream means is the core's business. The prompt goes in by standard input, so
//! that it is neither a shell word nor visible to other users of the machine.

use std::path::{Path, PathBuf};

use airboss_core::agent::StreamFormat;
use airboss_core::dispatch::SpawnOrder;

use crate::supervise::{Limits, Spec};

/// Which command line and which stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// The bundled, deterministic agent; it speaks any of the formats.
    Scripted(StreamFormat),
    /// Any program: its exit code and the files it leaves are all that is known.
    Command,
    /// Claude Code in its one-shot form, `-p` with stream-json.
    Claude,
    /// Codex in its one-shot form, `exec --json`.
    Codex,
}

impl Backend {
    /// The language of its standard output.
    #[must_use]
    pub fn format(self) -> StreamFormat {
        match self {
            Self::Scripted(format) => format,
            Self::Command => StreamFormat::Plain,
            Self::Claude => StreamFormat::Claude,
            Self::Codex => StreamFormat::Codex,
        }
    }
}

/// An agent as the configuration describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agent {
    /// Its name in the configuration.
    pub name: String,
    /// How it is called.
    pub backend: Backend,
    /// Its program: a path, or a name that is looked up in `PATH`.
    pub program: PathBuf,
    /// Further arguments; for `command`, all of them.
    pub arguments: Vec<String>,
    /// The model to ask for.
    pub model: Option<String>,
    /// Variables passed on from Airboss's own environment, beyond the usual ones.
    pub pass: Vec<String>,
    /// The bounds of its attempts.
    pub limits: Limits,
}

/// Variables that every program needs to find its home, its tools and its language.
const USUAL: [&str; 11] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// Prefixes of the variables by which people configure the two native agents.
const CLAUDE_PREFIXES: [&str; 2] = ["ANTHROPIC_", "CLAUDE_"];
const CODEX_PREFIXES: [&str; 2] = ["OPENAI_", "CODEX_"];

/// What an attempt's process is made of besides the agent itself.
#[derive(Clone, Copy, Debug)]
pub struct Call<'call> {
    /// What the dispatcher decided.
    pub order: &'call SpawnOrder,
    /// The prompt.
    pub prompt: &'call str,
    /// The plan's path.
    pub plan: &'call str,
    /// The top of the work tree.
    pub working_directory: &'call Path,
    /// The attempt's own directory, for its temporary files.
    pub directory: &'call Path,
    /// Airboss's own environment.
    pub environment: &'call [(String, String)],
}

impl Agent {
    /// The process to supervise.
    #[must_use]
    pub fn spec(&self, call: &Call<'_>) -> Spec {
        Spec {
            attempt: call.order.attempt,
            fence: call.order.fence,
            program: self.program.clone(),
            arguments: self.arguments_for(call),
            environment: self.environment_for(call),
            working_directory: call.working_directory.to_owned(),
            input: Some(call.prompt.to_owned()),
            limits: self.limits.clone(),
        }
    }

    fn arguments_for(&self, call: &Call<'_>) -> Vec<String> {
        let resume = call.order.resume.as_deref();
        let mut arguments = match self.backend {
            Backend::Command | Backend::Scripted(_) => Vec::new(),
            Backend::Claude => self.claude_arguments(resume),
            Backend::Codex => self.codex_arguments(call.working_directory, resume),
        };
        // `{prompt}` as a whole argument is for programs that take no standard input.
        let own = self
            .arguments
            .iter()
            .map(|argument| match argument.as_str() {
                "{prompt}" => call.prompt.to_owned(),
                _ => argument.clone(),
            });
        if self.backend == Backend::Codex {
            // Codex wants its options before the `-` that stands for standard input.
            let stdin = arguments.pop();
            arguments.extend(own);
            arguments.extend(stdin);
        } else {
            arguments.extend(own);
        }
        if matches!(self.backend, Backend::Scripted(_)) {
            // Its first argument is the subcommand, so its options come behind.
            arguments.extend(resume_flag("--resume", resume));
        }
        arguments
    }

    fn claude_arguments(&self, resume: Option<&str>) -> Vec<String> {
        // `--verbose` is required with stream-json, which alone tells tool starts.
        let mut arguments = words(
            "-p --output-format stream-json --verbose --include-partial-messages \
             --permission-mode acceptEdits",
        );
        if !self
            .arguments
            .iter()
            .any(|argument| argument == "--allowedTools")
        {
            arguments.extend(words(
                "--allowedTools Bash,Edit,Write,MultiEdit,NotebookEdit",
            ));
        }
        if let Some(model) = &self.model {
            arguments.extend(["--model".to_owned(), model.clone()]);
        }
        arguments.extend(resume_flag("--resume", resume));
        arguments
    }

    fn codex_arguments(&self, directory: &Path, resume: Option<&str>) -> Vec<String> {
        let mut arguments = words("exec");
        if let Some(thread) = resume {
            arguments.extend(["resume".to_owned(), thread.to_owned()]);
        } else {
            arguments.extend(["-C".to_owned(), directory.display().to_string()]);
        }
        arguments.extend(words("--json --skip-git-repo-check"));
        // A resumed session falls back to a read-only sandbox, and `resume` has no `-s`.
        arguments.extend(words("-c sandbox_mode=workspace-write"));
        if let Some(model) = &self.model {
            arguments.extend(["-m".to_owned(), model.clone()]);
        }
        arguments.push("-".to_owned());
        arguments
    }

    fn environment_for(&self, call: &Call<'_>) -> Vec<(String, String)> {
        let prefixes: &[&str] = match self.backend {
            Backend::Claude => &CLAUDE_PREFIXES,
            Backend::Codex => &CODEX_PREFIXES,
            Backend::Scripted(_) | Backend::Command => &[],
        };
        let passes = |name: &str| {
            USUAL.contains(&name)
                || self.pass.iter().any(|pass| pass == name)
                || prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        let mut environment: Vec<(String, String)> = call
            .environment
            .iter()
            .filter(|(name, _)| passes(name))
            .cloned()
            .collect();
        let steps: Vec<&str> = call.order.steps.iter().map(|step| step.as_str()).collect();
        let own = [
            ("TERM", "dumb".to_owned()),
            // With a shared one, agents find each other's sockets there.
            ("TMPDIR", temporary(call.directory).display().to_string()),
            ("AIRBOSS_ATTEMPT_NUMBER", call.order.number.to_string()),
            ("AIRBOSS_STEPS", steps.join(",")),
            ("AIRBOSS_PLAN", call.plan.to_owned()),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
        if self.backend == Backend::Claude {
            for name in [
                "DISABLE_AUTOUPDATER",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
            ] {
                environment.push((name.to_owned(), "1".to_owned()));
            }
        }
        environment
    }
}

/// The temporary directory of an attempt.
#[must_use]
pub fn temporary(directory: &Path) -> PathBuf {
    directory.join("tmp")
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn resume_flag(flag: &str, session: Option<&str>) -> Vec<String> {
    session
        .map(|session| vec![flag.to_owned(), session.to_owned()])
        .unwrap_or_default()
}
