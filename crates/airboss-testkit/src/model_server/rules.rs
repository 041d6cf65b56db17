//! What the scripted model answers: everything in one place.
//!
//! | scenario | what happens |
//! |---|---|
//! | `ok` | writes a file with a tool, runs a shell command, says that all is done |
//! | `report` | the same, and reports to Airboss with its command |
//! | `shellonly` | runs the shell command only |
//! | `slowtool` | a shell command that takes five minutes, with a child of its own |
//! | `slowonce` | such a command first; then, or in a later task of the conversation, `ok` |
//! | `board` | writes the file that a stage asks for; runs what an installed command says |
//! | `loop` | shell commands without end |
//! | `http400`, `http401`, `http429`, `http500`, `http529` | every request fails with this status |
//! | `flaky500` | the first two requests fail with 500, then `ok` |
//! | `unified429` | refused with the headers of a used-up subscription |
//! | `unifiedwarn` | `ok` with the headers of a nearly used-up subscription |
//! | `hang`, `drop` | no byte at all; the connection is closed at once |
//! | `midhang`, `middrop`, `sse_error` | the same after the first block, or an error event there |
//!
//! **Where in the task a request is** is the number of tool results after the last
//! text of the user that sets a task. Such a text holds `WORKDIR=PATH`, `NEXTTASK`,
//! or the lines `Working directory: PATH` and `Step ID: …`. For each `Step ID: …`
//! the model writes `out/ID.txt` (dots become dashes) in the working directory;
//! and its shell command adds a line to the first of these files; without any it
//! writes `hello.txt` and `shell.txt`. **Which tool** is picked by name from those
//! that the request offers, its input filled by the names in the tool's schema, and
//! only by those: agents reject what is not there.

use serde_json::{Map, Value, json};

/// All scenarios, by name.
pub const SCENARIOS: [&str; 20] = [
    "ok",
    "report",
    "shellonly",
    "slowtool",
    "slowonce",
    "board",
    "loop",
    "http400",
    "http401",
    "http429",
    "http500",
    "http529",
    "flaky500",
    "unified429",
    "unifiedwarn",
    "hang",
    "drop",
    "midhang",
    "middrop",
    "sse_error",
];

/// Tools that write files, best first.
const WRITERS: [&str; 8] = [
    "Write",
    "write",
    "write_file",
    "create",
    "create_file",
    "str_replace_editor",
    "editor",
    "Edit",
];
/// Tools that run commands, best first.
const SHELLS: [&str; 8] = [
    "Bash",
    "bash",
    "run_shell_command",
    "exec_command",
    "shell_command",
    "shell",
    "local_shell",
    "run_command",
];

/// The last sentence, true or not.
const DONE: &str = "All done: wrote the files and ran the shell command.";

/// What a server does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scenario {
    /// Every turn of a task.
    Work(Work),
    /// A status for every request.
    Status(u16),
    /// A status for the first two, then work.
    Flaky(u16),
    /// A used-up subscription.
    Exhausted,
    /// A nearly used-up subscription.
    NearlyExhausted,
    /// An answer that breaks off.
    Broken(Failure),
}

/// Kinds of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Write, shell, done.
    Whole,
    /// The same with a report.
    Reporting,
    /// Shell, done.
    ShellOnly,
    /// A slow shell, done.
    Slow,
    /// A slow shell in the first task of a conversation; write, shell, done.
    SlowOnce,
    /// The file that a stage asks for, done; or what an installed command says, done; or whole.
    Board,
    /// Shell for ever.
    Endless,
}

/// How an answer breaks off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// No byte, for ever.
    Hang,
    /// No byte, closed.
    Drop,
    /// The first block, then silence.
    HangMidway,
    /// The first block, then closed.
    DropMidway,
    /// The first block, then an error event.
    ErrorMidway,
}

impl Scenario {
    /// The scenario of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ok" => Self::Work(Work::Whole),
            "report" => Self::Work(Work::Reporting),
            "shellonly" => Self::Work(Work::ShellOnly),
            "slowtool" => Self::Work(Work::Slow),
            "slowonce" => Self::Work(Work::SlowOnce),
            "board" => Self::Work(Work::Board),
            "loop" => Self::Work(Work::Endless),
            "flaky500" => Self::Flaky(500),
            "unified429" => Self::Exhausted,
            "unifiedwarn" => Self::NearlyExhausted,
            "hang" => Self::Broken(Failure::Hang),
            "drop" => Self::Broken(Failure::Drop),
            "midhang" => Self::Broken(Failure::HangMidway),
            "middrop" => Self::Broken(Failure::DropMidway),
            "sse_error" => Self::Broken(Failure::ErrorMidway),
            other => Self::Status(
                other
                    .strip_prefix("http")?
                    .parse()
                    .ok()
                    .filter(|code| (400..600).contains(code))?,
            ),
        })
    }
}

/// How the answer breaks off, if it does.
#[must_use]
pub const fn failure(scenario: Scenario) -> Option<Failure> {
    match scenario {
        Scenario::Broken(failure) => Some(failure),
        _ => None,
    }
}

/// A tool that a request offers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The JSON schema of its input.
    pub schema: Value,
    /// It takes free text (OpenAI's `custom` tools).
    pub custom: bool,
    /// The namespace that it is offered in.
    pub namespace: Option<String>,
}

/// What a request says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Conversation {
    /// The tools that it offers.
    pub tools: Vec<Tool>,
    /// Where files belong.
    pub directory: Option<String>,
    /// The ids of the steps that the task names.
    pub steps: Vec<String>,
    /// The file that a stage asks for.
    pub artifact: Option<String>,
    /// What a person typed behind the name of a skill.
    typed: Option<String>,
    /// What an installed command says to run, with what was typed.
    pub command: Option<String>,
    /// The results of tools since the task was set.
    pub results: usize,
    /// The tasks that were set, this one included; more than one in a session that was resumed.
    pub tasks: usize,
}

impl Conversation {
    /// Hears a text of the user.
    pub(super) fn user(&mut self, text: &str) {
        let directory = text.lines().rev().find_map(|line| {
            let path = line
                .trim()
                .strip_prefix("Working directory: ")?
                .trim()
                .trim_matches('`');
            (!path.is_empty()).then(|| path.to_owned())
        });
        let marked = text.rsplit_once("WORKDIR=").map(|(_, rest)| {
            let path = rest.split(|character: char| {
                !(character.is_ascii_alphanumeric() || "_./-".contains(character))
            });
            path.into_iter().next().unwrap_or_default().to_owned()
        });
        let steps: Vec<String> = text
            .lines()
            .filter_map(step_id)
            .map(str::to_owned)
            .collect();
        if let Some((_, typed)) = text.strip_prefix('$').and_then(|text| text.split_once(' ')) {
            self.typed = Some(typed.to_owned());
        }
        let artifact = text.lines().find_map(|line| line.split_once(ARTIFACT));
        let command = installed(text, self.typed.as_deref());
        let task = directory.is_some()
            || marked.is_some()
            || !steps.is_empty()
            || command.is_some()
            || text.contains("NEXTTASK");
        if task {
            self.results = 0;
            self.tasks += 1;
            self.artifact = artifact.map(|(_, path)| path.trim().to_owned());
            self.command = command;
            self.steps = steps;
            self.directory = marked.or(directory).or(self.directory.take());
        }
    }
}

/// What stands before the path of the file that a stage asks for.
const ARTIFACT: &str = "to exactly this path: ";

/// What the text of an installed command says to run: the line with `NUMBER`, or the one that
/// takes free text on standard input, with what was typed in their places.
fn installed(text: &str, typed: Option<&str>) -> Option<String> {
    let mut lines = text.lines();
    let line = lines.find(|line| line.starts_with("airboss ") && line.ends_with(" NUMBER"))?;
    let between = text
        .split_once("<typed>\n")
        .and_then(|(_, rest)| rest.split_once("\n</typed>"));
    let typed = between.map(|(typed, _)| typed).or(typed)?.trim();
    let (number, words) = typed.split_once(' ').unwrap_or((typed, ""));
    if words.is_empty() {
        return Some(line.replace("NUMBER", number));
    }
    let (_, form) = text.split_once(&format!("{line} --prompt-file"))?;
    let (form, _) = form.split_once("\n```")?;
    let form = form.replace("the free text", words);
    Some(format!(
        "{} --prompt-file{form}",
        line.replace("NUMBER", number)
    ))
}

/// The id on a line `Step ID: text`; it becomes a file name, so it holds nothing odd.
fn step_id(line: &str) -> Option<&str> {
    let (id, _) = line.trim().strip_prefix("Step ")?.split_once(':')?;
    let plain = |character: char| character.is_ascii_alphanumeric() || ".~_-".contains(character);
    (!id.is_empty() && id.chars().all(plain)).then_some(id)
}

/// What the model answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// A last text.
    Text(String),
    /// A call of a tool with an input, which is a text for custom tools.
    Call(Tool, Value),
}

/// What is wanted of a tool, before its schema is looked at.
struct Wish<'a> {
    path: &'a str,
    content: Option<&'a str>,
    command: Option<&'a str>,
}

/// The answer to a request that is not refused.
#[must_use]
pub fn reply(scenario: Scenario, conversation: &Conversation) -> Reply {
    let Conversation { tools, results, .. } = conversation;
    if tools.is_empty() {
        return Reply::Text(json!({"isNewTopic": true, "title": "Mock title"}).to_string());
    }
    let shell = |command: &str| match pick(tools, &SHELLS) {
        Some(tool) => call(
            tool,
            &Wish {
                path: ".",
                content: None,
                command: Some(command),
            },
        ),
        None => Reply::Text("There is no shell.".to_owned()),
    };
    let files = files(conversation);
    let first = &files[0].0;
    let check = if conversation.steps.is_empty() {
        format!("cat {first} && echo shell-ran > shell.txt")
    } else {
        // No other file: a step's commit holds its own work and nothing else.
        format!("cat {first} && echo shell-ran >> {first}")
    };
    let (work, turn) = match scenario {
        // The slow command took the first turn.
        Scenario::Work(Work::SlowOnce) if conversation.tasks > 1 => (Work::Whole, *results),
        Scenario::Work(Work::SlowOnce) if *results > 0 => (Work::Whole, results - 1),
        Scenario::Work(work) => (work, *results),
        _ => (Work::Whole, *results),
    };
    match (work, turn) {
        (Work::Board, 0) if conversation.command.is_some() => {
            shell(conversation.command.as_deref().unwrap_or_default())
        }
        (Work::Board, 0) if conversation.artifact.is_some() => write(conversation, &files[0]),
        (Work::Board, _) if conversation.command.is_some() || conversation.artifact.is_some() => {
            Reply::Text(DONE.to_owned())
        }
        (Work::Endless, turn) => shell(&format!("echo turn {turn}")),
        (Work::Slow, 0) => shell("echo $$ > sleeper.pid; sleep 297 & echo $! > sleeper2.pid; wait"),
        (Work::SlowOnce, _) => shell("setsid sleep 297 & sleep 297 & wait"),
        (Work::ShellOnly, 0) => shell(&check),
        (Work::Whole | Work::Board | Work::Reporting, turn) if turn < files.len() => {
            write(conversation, &files[turn])
        }
        (Work::Reporting, turn) if turn == files.len() => shell(&format!(
            "{check} && $AIRBOSS_PROGRAM report note 'half way'"
        )),
        (Work::Whole | Work::Board, turn) if turn == files.len() => shell(&check),
        _ => Reply::Text(DONE.to_owned()),
    }
}

/// A report and a plan, as Airboss accepts them. Neither holds a quote or a per cent sign.
const REPORT: &str = "# What is there\n\n## Findings\n\nThe files of the project were read. There \
                      is one text that says what it is for, and nothing that the task would \
                      disturb. It can be carried out in two phases, each with one new file.\n";
const PLAN: &str = "# Two files\n\n### Phase 1: The first [NOT STARTED]\n\n- **Depends on**: \
                    none\n- [ ] Write `out/p1.txt`\n\n### Phase 2: The second [NOT STARTED]\n\n\
                    - **Depends on**: Phase 1\n- [ ] Write `out/p2.txt`\n";

/// The files of a task: name and content.
fn files(conversation: &Conversation) -> Vec<(String, String)> {
    if let Some(artifact) = &conversation.artifact {
        let content = if artifact.contains("/plans/") {
            PLAN
        } else {
            REPORT
        };
        return vec![(artifact.clone(), content.to_owned())];
    }
    if conversation.steps.is_empty() {
        return vec![("hello.txt".to_owned(), "hello from the model\n".to_owned())];
    }
    let file = |id: &String| {
        (
            format!("out/{}.txt", id.replace('.', "-")),
            format!("step {id}\n"),
        )
    };
    conversation.steps.iter().map(file).collect()
}

/// Writes a file with the best tool there is.
fn write(conversation: &Conversation, (name, content): &(String, String)) -> Reply {
    let tools = &conversation.tools;
    let path = match &conversation.directory {
        Some(directory) => format!("{}/{name}", directory.trim_end_matches('/')),
        None => name.clone(),
    };
    if let Some(tool) = pick(tools, &WRITERS) {
        return call(
            tool,
            &Wish {
                path: &path,
                content: Some(content),
                command: None,
            },
        );
    }
    if let Some(tool) = pick(tools, &["apply_patch"]).filter(|tool| tool.custom) {
        let patch = format!("*** Begin Patch\n*** Add File: {name}\n+{content}*** End Patch");
        return Reply::Call(tool.clone(), json!(patch));
    }
    // No content or name holds a quote.
    let folder = name.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let command = format!(
        "mkdir -p {folder} && printf '{}' > {name}",
        content.replace('\n', "\\n")
    );
    match pick(tools, &SHELLS) {
        Some(tool) => call(
            tool,
            &Wish {
                path: ".",
                content: None,
                command: Some(&command),
            },
        ),
        None => Reply::Text("There is no tool to write with.".to_owned()),
    }
}

fn pick<'a>(tools: &'a [Tool], names: &[&str]) -> Option<&'a Tool> {
    names
        .iter()
        .find_map(|name| tools.iter().find(|tool| tool.name == *name))
}

fn call(tool: &Tool, wish: &Wish<'_>) -> Reply {
    if tool.custom {
        return Reply::Call(
            tool.clone(),
            json!(wish.command.or(wish.content).unwrap_or_default()),
        );
    }
    let empty = Map::new();
    let required = tool.schema["required"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut input = Map::new();
    for (name, property) in tool.schema["properties"].as_object().unwrap_or(&empty) {
        let kind = match &property["type"] {
            Value::Array(kinds) => kinds.first().cloned().unwrap_or_default(),
            kind => kind.clone(),
        };
        let list = kind == "array";
        let value = match (name.as_str(), wish.content, wish.command) {
            ("file_path" | "filePath" | "path" | "absolute_path", ..) => Some(json!(wish.path)),
            ("content" | "contents" | "file_text" | "text" | "new_text", Some(content), _) => {
                Some(json!(content))
            }
            ("command" | "cmd" | "script", _, Some(command)) if list => {
                Some(json!(["bash", "-lc", command]))
            }
            ("command" | "cmd" | "script", _, Some(command)) => Some(json!(command)),
            ("commands", _, Some(command)) => Some(json!([command])),
            // Codex looks away from a command after ten seconds; an agent of Airboss takes longer.
            ("yield_time_ms", _, Some(command)) if command.starts_with("airboss ") => {
                Some(json!(100_000))
            }
            _ if required.iter().any(|required| required == name) => {
                Some(filler(name, property, &kind))
            }
            _ => None,
        };
        input.extend(value.map(|value| (name.clone(), value)));
    }
    Reply::Call(tool.clone(), Value::Object(input))
}

/// Something that a required property of no interest accepts.
fn filler(name: &str, property: &Value, kind: &Value) -> Value {
    if let Some(first) = property["enum"].get(0) {
        return first.clone();
    }
    match kind.as_str() {
        Some("boolean") => json!(false),
        Some("integer" | "number") => json!(1),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => json!(format!("mock {name}")),
    }
}

/// Status, headers, and type and message of the error with which a request is refused.
pub(super) type Refusal = (u16, Vec<(String, String)>, (&'static str, &'static str));

/// Whether the `turn`th request of a tag is refused, and how. `now` is in seconds since the epoch.
pub(super) fn refusal(scenario: Scenario, turn: u64, now: u64) -> Option<Refusal> {
    let status = match scenario {
        Scenario::Status(status) => status,
        Scenario::Flaky(status) if turn <= 2 => status,
        Scenario::Exhausted => {
            let mut headers = headers(scenario, now);
            headers.push(("retry-after".to_owned(), "3600".to_owned()));
            let message =
                "This request would exceed your account's rate limit. Please try again later.";
            return Some((429, headers, ("rate_limit_error", message)));
        }
        _ => return None,
    };
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let headers = if status == 429 {
        vec![("retry-after".to_owned(), "2".to_owned())]
    } else {
        Vec::new()
    };
    Some((status, headers, (kind, "scripted failure")))
}

/// The headers of answers: what a subscription is told about its limits.
pub(super) fn headers(scenario: Scenario, now: u64) -> Vec<(String, String)> {
    let (status, used) = match scenario {
        Scenario::Exhausted => ("rejected", "1.0"),
        Scenario::NearlyExhausted => ("allowed_warning", "0.92"),
        _ => return Vec::new(),
    };
    let (hour, day) = ((now + 3600).to_string(), (now + 86_400).to_string());
    [
        ("status", status),
        ("reset", &hour),
        ("representative-claim", "five_hour"),
        ("5h-status", status),
        ("5h-reset", &hour),
        ("5h-utilization", used),
        ("5h-surpassed-threshold", "0.9"),
        ("7d-status", "allowed"),
        ("7d-reset", &day),
        ("7d-utilization", "0.4"),
        ("overage-status", "rejected"),
        ("overage-disabled-reason", "org_level_disabled"),
        ("fallback-percentage", "0.5"),
    ]
    .into_iter()
    .map(|(name, value)| {
        (
            format!("anthropic-ratelimit-unified-{name}"),
            value.to_owned(),
        )
    })
    .collect()
}
