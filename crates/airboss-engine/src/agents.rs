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

/// What the same two programs tell their own tools about the session that they run in. A person
/// may start Airboss from there, and the agents that it flies have sessions of their own: with
/// these they would take themselves for a part of that one, and find its socket. (Seen with
/// Claude Code 2.1.328 and Codex 0.169.0.)
const OF_A_SESSION: [&str; 16] = [
    "CLAUDE_PID",
    "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_SSE_PORT",
    "CODEX_CI",
    "CODEX_PERMISSION_PROFILE",
    "CODEX_SESSION_ID",
    "CODEX_THREAD_ID",
    "CODEX_TOOL_CALL_ID",
    "CODEX_VERSION",
];
/// The same: whether there is a network is asked of the sandbox that one is in.
const OF_A_SANDBOX: &str = "CODEX_SANDBOX";

/// What an attempt's process is made of besides the agent itself.
#[derive(Clone, Copy, Debug)]
pub struct Call<'call> {
    /// What the dispatcher decided.
    pub order: &'call SpawnOrder,
    /// The prompt.
    pub prompt: &'call str,
    /// The plan's path.
    pub plan: &'call str,
    /// This program.
    pub airboss: &'call Path,
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
            reports: true,
            limits: self.limits.clone(),
        }
    }

    fn arguments_for(&self, call: &Call<'_>) -> Vec<String> {
        let mut arguments = match self.backend {
            Backend::Command | Backend::Scripted(_) => Vec::new(),
            Backend::Claude => self.claude_arguments(),
            Backend::Codex => self.codex_arguments(call.working_directory),
        };
        // `{prompt}` as a whole argument is for programs that take no standard input.
        let own = self
            .arguments
            .iter()
            .map(|argument| match argument.as_str() {
                "{prompt}" => call.prompt.to_owned(),
                _ => argument.clone(),
            });
        arguments.extend(own);
        let resumed = |word: &str| {
            let session = call.order.resume.clone();
            session
                .map(|session| [word.to_owned(), session])
                .into_iter()
                .flatten()
        };
        match self.backend {
            Backend::Command => {}
            // The scripted agent's first argument is its subcommand, so this comes behind.
            Backend::Scripted(_) | Backend::Claude => arguments.extend(resumed("--resume")),
            Backend::Codex => {
                // `resume` knows only some of the options of `exec`, so all stand before it.
                arguments.extend(resumed("resume"));
                arguments.push("-".to_owned()); // Standard input.
            }
        }
        arguments
    }

    fn claude_arguments(&self) -> Vec<String> {
        // `--verbose` is required with stream-json, which alone tells tool starts.
        let mut arguments = words(
            "-p --output-format stream-json --verbose --include-partial-messages \
             --permission-mode acceptEdits",
        );
        // Of several modes the last counts, but lists of tools would add up.
        let allows = |argument: &String| {
            let name = argument.split('=').next();
            matches!(name, Some("--allowedTools" | "--allowed-tools"))
        };
        if !self.arguments.iter().any(allows) {
            arguments.extend(words(
                "--allowedTools Bash,Edit,Write,MultiEdit,NotebookEdit",
            ));
        }
        if let Some(model) = &self.model {
            arguments.extend(["--model".to_owned(), model.clone()]);
        }
        arguments
    }

    fn codex_arguments(&self, directory: &Path) -> Vec<String> {
        let mut arguments = words("exec --json --skip-git-repo-check");
        arguments.extend(["-C".to_owned(), directory.display().to_string()]);
        // A setting and not `-s`, which may stand only once: the person's own then replaces it.
        // It is needed for a resumed session, too, which falls back to a read-only sandbox.
        arguments.extend(words("-c sandbox_mode=workspace-write"));
        if let Some(model) = &self.model {
            arguments.extend(["-m".to_owned(), model.clone()]);
        }
        arguments
    }

    /// Whether it gets a variable of Airboss's own environment.
    fn gets(&self, name: &str) -> bool {
        let prefixes: &[&str] = match self.backend {
            Backend::Claude => &CLAUDE_PREFIXES,
            Backend::Codex => &CODEX_PREFIXES,
            Backend::Scripted(_) | Backend::Command => &[],
        };
        let of_a_session = OF_A_SESSION.contains(&name) || name.starts_with(OF_A_SANDBOX);
        USUAL.contains(&name)
            || self.pass.iter().any(|pass| pass == name)
            || (prefixes.iter().any(|prefix| name.starts_with(prefix)) && !of_a_session)
    }

    fn environment_for(&self, call: &Call<'_>) -> Vec<(String, String)> {
        let mut environment: Vec<(String, String)> = call
            .environment
            .iter()
            .filter(|(name, _)| self.gets(name))
            .cloned()
            .collect();
        for (name, value) in &mut environment {
            if name == "PATH" {
                *value = with_program(value, call.airboss);
            }
        }
        let steps: Vec<&str> = call.order.steps.iter().map(|step| step.as_str()).collect();
        let own = [
            ("TERM", "dumb".to_owned()),
            // With a shared one, agents find each other's sockets there.
            ("TMPDIR", temporary(call.directory).display().to_string()),
            ("AIRBOSS_ATTEMPT_NUMBER", call.order.number.to_string()),
            ("AIRBOSS_STEPS", steps.join(",")),
            ("AIRBOSS_PLAN", call.plan.to_owned()),
            // A login shell sets `PATH` anew, and some agents start no other.
            ("AIRBOSS_PROGRAM", call.airboss.display().to_string()),
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

/// A `PATH` on which this program is found, behind all others: agents report with it.
fn with_program(path: &str, airboss: &Path) -> String {
    let directory = airboss.parent().and_then(Path::to_str);
    match directory {
        // A colon would end the entry, and an empty one is the current directory.
        Some(own)
            if !own.is_empty() && !own.contains(':') && !path.split(':').any(|p| p == own) =>
        {
            format!("{path}:{own}")
        }
        _ => path.to_owned(),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_agent_learns_nothing_of_the_session_that_airboss_was_started_from() {
        let agent = |backend| Agent {
            name: "one".to_owned(),
            backend,
            program: PathBuf::from("one"),
            arguments: Vec::new(),
            model: None,
            pass: vec!["MINE".to_owned()],
            limits: Limits {
                deadline: Duration::from_secs(1),
                idle: Duration::from_secs(1),
                interrupt_grace: Duration::from_secs(1),
                terminate_grace: Duration::from_secs(1),
                line_bytes_max: 1,
                log_bytes_max: 1,
                flood_bytes_max: 1,
            },
        };
        let check = |backend, name: &str, expected: bool| {
            assert_eq!(agent(backend).gets(name), expected, "{name}");
        };
        check(Backend::Claude, "ANTHROPIC_API_KEY", true);
        check(Backend::Claude, "CLAUDE_CONFIG_DIR", true);
        check(Backend::Claude, "CLAUDE_CODE_MAX_RETRIES", true);
        check(Backend::Claude, "CLAUDECODE", false);
        check(Backend::Claude, "CLAUDE_CODE_MESSAGING_SOCKET", false);
        check(Backend::Claude, "CLAUDE_CODE_SESSION_ID", false);
        check(Backend::Codex, "CODEX_HOME", true);
        check(Backend::Codex, "CODEX_THREAD_ID", false);
        check(Backend::Codex, "CODEX_SANDBOX_NETWORK_DISABLED", false);
        for backend in [Backend::Claude, Backend::Codex, Backend::Command] {
            check(backend, "PATH", true);
            check(backend, "MINE", true);
            check(backend, "AIRBOSS_ATTEMPT", false);
        }
    }
}
