//! Every setting there is: its key, its kind, its default and what it is for.
//!
//! Parsing, layering, `config show` and the reference are all made from this one table.

/// What kind of value a setting takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// A list of texts.
    Texts,
    /// A list of whole numbers.
    Numbers,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A length of time as text, such as `30 min`.
    Duration,
    /// A size: a number of bytes, or text such as `8 MiB`.
    Bytes,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// What is expected, as a clause of an error message.
    #[must_use]
    pub fn expectation(self) -> String {
        match self {
            Self::Text => "text in quotes is expected".to_owned(),
            Self::Texts => "a list of texts is expected, such as [\"a\", \"b\"]".to_owned(),
            Self::Numbers => "a list of whole numbers is expected, such as [1, 2]".to_owned(),
            Self::Number => "a whole number from 0 is expected".to_owned(),
            Self::Flag => "true or false is expected".to_owned(),
            Self::Duration => {
                "a length of time is expected, such as \"90s\", \"30 min\" or \"2h\"".to_owned()
            }
            Self::Bytes => "a size is expected, such as 65536 or \"8 MiB\"".to_owned(),
            Self::Choice(words) => format!("one of {} is expected", words.join(", ")),
        }
    }
}

/// One setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Its dotted path; `*` stands for a name chosen by the person.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Its default as text that [`super::value::parse`] reads; empty when there is none.
    pub default: &'static str,
    /// It names a program that is run or what that program is given, so that a repository
    /// may set it only once a person has trusted it.
    pub guarded: bool,
    /// What it is for.
    pub help: &'static str,
}

const fn key(path: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default,
        guarded: false,
        help,
    }
}

const fn guarded(path: &'static str, kind: Kind, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default: "",
        guarded: true,
        help,
    }
}

/// The agent programs that Airboss speaks with.
pub const BACKENDS: &[&str] = &["claude", "codex", "command", "scripted"];

/// The stages that an agent flies.
const STAGES: &[&str] = &[
    "research",
    "plan",
    "revise",
    "implement",
    "debug",
    "document",
];

/// Sections that are lists: `[[route]]`. Their names are numbers, from 1, in the order in which
/// they count.
const LISTS: [&str; 1] = ["route"];

/// Whether a section is a list.
#[must_use]
pub fn is_list(path: &[&str]) -> bool {
    matches!(path, [name] if LISTS.contains(name))
}

/// All settings, in the order in which they are shown.
///
/// The defaults of `[limits]` are those of `RetryRules` and of the supervisor; a test of each
/// side keeps them equal.
pub const KEYS: &[Key] = &[
    key(
        "run.agent",
        Kind::Text,
        "claude",
        "the agent that flies steps",
    ),
    key("run.jobs", Kind::Number, "1", "attempts at the same time"),
    key(
        "run.batch",
        Kind::Number,
        "1",
        "steps given to one agent at once",
    ),
    key(
        "agents.*.backend",
        Kind::Choice(BACKENDS),
        "",
        "how its program is spoken with",
    ),
    guarded(
        "agents.*.program",
        Kind::Text,
        "the program, on PATH or absolute",
    ),
    guarded(
        "agents.*.arguments",
        Kind::Texts,
        "further arguments of the program",
    ),
    key(
        "agents.*.model",
        Kind::Text,
        "",
        "the model it is asked to use",
    ),
    guarded(
        "agents.*.environment",
        Kind::Texts,
        "names of environment variables that it may see",
    ),
    key(
        "agents.*.limits.deadline",
        Kind::Duration,
        "",
        "instead of limits.deadline",
    ),
    key(
        "agents.*.limits.idle",
        Kind::Duration,
        "",
        "instead of limits.idle",
    ),
    key(
        "route.*.stage",
        Kind::Choice(STAGES),
        "",
        "only for this stage of a task",
    ),
    key(
        "route.*.language",
        Kind::Text,
        "",
        "only for tasks of this language or task type",
    ),
    key(
        "route.*.label",
        Kind::Text,
        "",
        "only for tasks with this label, or topic",
    ),
    key(
        "route.*.agent",
        Kind::Text,
        "",
        "the agent that flies it, instead of run.agent",
    ),
    key(
        "route.*.model",
        Kind::Text,
        "",
        "the model that it is asked to use",
    ),
    key(
        "route.*.template",
        Kind::Text,
        "",
        "the prompt: the name of a file in `.airboss/prompts`, without `.md`",
    ),
    key(
        "route.*.limits.deadline",
        Kind::Duration,
        "",
        "instead of the agent's",
    ),
    key(
        "route.*.limits.idle",
        Kind::Duration,
        "",
        "instead of the agent's",
    ),
    key(
        "route.*.limits.retries",
        Kind::Number,
        "",
        "instead of limits.retries",
    ),
    guarded(
        "gates.*.command",
        Kind::Text,
        "the command line, run by `sh -c`",
    ),
    key(
        "gates.*.timeout",
        Kind::Duration,
        "20 min",
        "it is red when it runs longer",
    ),
    key(
        "gates.*.phases",
        Kind::Texts,
        "",
        "only for steps of these phases",
    ),
    key("gates.*.steps", Kind::Texts, "", "only for these steps"),
    key(
        "gates.*.retry_on",
        Kind::Numbers,
        "",
        "exit codes after which it is run once more",
    ),
    key(
        "gates.*.when",
        Kind::Choice(&["step", "phase", "plan"]),
        "step",
        "after each step, at the end of each phase, or at the end of the plan",
    ),
    guarded(
        "hooks.*.command",
        Kind::Texts,
        "the program and its arguments; no shell, unless that is the program",
    ),
    key(
        "hooks.*.on",
        Kind::Texts,
        "",
        "only on these events: done, failed, waiting, limited",
    ),
    key(
        "hooks.*.of",
        Kind::Choice(&["step", "run"]),
        "",
        "only of single steps, or only of whole runs and stages",
    ),
    key(
        "hooks.*.timeout",
        Kind::Duration,
        "10s",
        "it is ended when it runs longer",
    ),
    key(
        "limits.deadline",
        Kind::Duration,
        "2h",
        "the whole time of one attempt",
    ),
    key(
        "limits.idle",
        Kind::Duration,
        "30 min",
        "neither output nor work",
    ),
    key(
        "limits.interrupt_grace",
        Kind::Duration,
        "10s",
        "between SIGINT and SIGTERM",
    ),
    key(
        "limits.terminate_grace",
        Kind::Duration,
        "10s",
        "between SIGTERM and SIGKILL",
    ),
    key(
        "limits.line_bytes",
        Kind::Bytes,
        "1 MiB",
        "a longer line of output is cut",
    ),
    key(
        "limits.log_bytes",
        Kind::Bytes,
        "64 MiB",
        "the recording of one attempt on disk",
    ),
    key(
        "limits.flood_bytes",
        Kind::Bytes,
        "1 GiB",
        "an agent that says more is stopped",
    ),
    key(
        "limits.retries",
        Kind::Number,
        "2",
        "retries after the first attempt",
    ),
    key(
        "limits.backoff",
        Kind::Duration,
        "2s",
        "before the first retry, doubled for each more",
    ),
    key(
        "limits.interruptions",
        Kind::Number,
        "5",
        "interrupted attempts before a step fails",
    ),
    key(
        "limits.parkings",
        Kind::Number,
        "5",
        "limits without a reset time before a run ends",
    ),
    key(
        "limits.parking",
        Kind::Duration,
        "30s",
        "wait after such a limit, doubled for each more",
    ),
    key(
        "limits.limit_wait",
        Kind::Duration,
        "6h",
        "longest wait for a limit to be lifted",
    ),
    key(
        "limits.iterations",
        Kind::Number,
        "0",
        "attempts of a whole run, 0 for no bound",
    ),
    key(
        "commit.mode",
        Kind::Choice(&["step", "phase", "off"]),
        "step",
        "when verified work is committed",
    ),
    key(
        "markdown.write",
        Kind::Flag,
        "true",
        "write status markers into plan files",
    ),
    key(
        "board.root",
        Kind::Text,
        "",
        "the directory of TODO.md and state.json; found by itself when empty",
    ),
    key(
        "board.transitions",
        Kind::Choice(&["permissive", "strict"]),
        "permissive",
        "which changes of a task's status are allowed without --force",
    ),
    key(
        "board.stale_after",
        Kind::Duration,
        "30 min",
        "a task that is in flight for longer without a run is stale",
    ),
    key(
        "board.commit",
        Kind::Flag,
        "true",
        "commit each change of a task by itself",
    ),
    key(
        "board.project_state",
        Kind::Flag,
        "false",
        "create a state.json in each task's directory; one that is there is always kept true",
    ),
];

/// The setting with this dotted path, names filled in.
#[must_use]
pub fn find(path: &[&str]) -> Option<&'static Key> {
    KEYS.iter().find(|key| {
        let mut pattern = key.path.split('.');
        let all = path.iter().all(|part| {
            pattern
                .next()
                .is_some_and(|known| known == "*" || known == *part)
        });
        all && pattern.next().is_none()
    })
}

/// The words that may stand at this place of a path.
pub fn words_after<'a>(path: &'a [&'a str]) -> impl Iterator<Item = &'static str> + 'a {
    KEYS.iter().filter_map(move |key| {
        let mut pattern = key.path.split('.');
        let all = path.iter().all(|part| {
            pattern
                .next()
                .is_some_and(|known| known == "*" || known == *part)
        });
        pattern.next().filter(|word| all && *word != "*")
    })
}

/// Whether names or settings may stand below this path.
#[must_use]
pub fn is_table(path: &[&str]) -> bool {
    KEYS.iter().any(|key| {
        let mut pattern = key.path.split('.');
        path.iter().all(|part| {
            pattern
                .next()
                .is_some_and(|known| known == "*" || known == *part)
        }) && pattern.next().is_some()
    })
}
