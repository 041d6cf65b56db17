//! `airboss config`: the settings that count, and where each came from.

use std::collections::BTreeMap;

use airboss_core::config::{KEYS, Origin, Sourced, Value, duration_text, keys};
use airboss_core::exit::ExitCode;
use airboss_core::text::sanitize;
use airboss_engine::settings::{LOCAL_FILE, PROJECT_FILE, Places, Settings};
use airboss_engine::workspace::Workspace;
use owo_colors::OwoColorize as _;
use serde_json::json;

use crate::context::Context;
use crate::error::CliError;

/// Show the settings and where they come from.
#[derive(clap::Args, Clone, Debug)]
pub struct ConfigArguments {
    /// What to show.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The subcommands of `config`.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Show the settings that count, as TOML.
    Show {
        /// Say where each comes from: a file and its line, a variable, or the default.
        #[arg(long)]
        origin: bool,
    },
    /// Show which files are read, the weakest first.
    Path,
    /// Print the reference of all settings as Markdown.
    #[command(hide = true)]
    Reference,
}

/// Shows settings, or the files that they come from.
///
/// # Errors
/// When a file cannot be read or understood.
pub fn config(context: &Context, arguments: &ConfigArguments) -> Result<ExitCode, CliError> {
    if matches!(arguments.command, ConfigCommand::Reference) {
        context.printer.data(&reference());
        return Ok(ExitCode::Success);
    }
    let workspace = Workspace::open(&context.directory)?;
    let places = Places::new(&workspace.top, Some(&workspace.state));
    match arguments.command {
        ConfigCommand::Show { origin } => show(context, &places, origin)?,
        ConfigCommand::Path | ConfigCommand::Reference => path(context, &places),
    }
    Ok(ExitCode::Success)
}

fn show(context: &Context, places: &Places, with_origin: bool) -> Result<(), CliError> {
    let settings = Settings::load(places, &[])?;
    for warning in &settings.warnings {
        context.printer.warning(&sanitize(warning));
    }
    if context.json {
        let all: BTreeMap<&String, serde_json::Value> = settings
            .merged
            .settings()
            .iter()
            .map(|(path, setting)| {
                let data =
                    json!({ "value": as_json(&setting.value), "origin": origin(path, setting) });
                (path, data)
            })
            .collect();
        let untrusted = settings.merged.untrusted();
        let untrusted: Vec<&String> = untrusted.into_iter().flat_map(BTreeMap::keys).collect();
        let data =
            json!({ "settings": all, "untrusted": untrusted, "warnings": settings.warnings });
        context.printer.json(&data);
        return Ok(());
    }
    let text = toml_text(settings.merged.settings(), with_origin);
    context.printer.data(&text);
    if let Some(untrusted) = settings.merged.untrusted() {
        let names: Vec<&str> = untrusted.keys().map(String::as_str).collect();
        let names = sanitize(&names.join(", "));
        context.printer.warning(&format!(
            "not counted, because nobody has trusted them yet: {names}"
        ));
        context.printer.note(&format!(
            "{} `airboss trust` shows them and asks",
            "hint:".cyan().bold()
        ));
    }
    Ok(())
}

/// The settings as a TOML file would hold them, in the order of the reference.
fn toml_text(settings: &BTreeMap<String, Sourced>, with_origin: bool) -> String {
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (path, setting) in in_order(settings) {
        let (section, name) = divided(path);
        let value = sanitize(&format!("{name} = {}", setting.value));
        let line = (value, origin(path, setting));
        match sections.iter_mut().find(|(known, _)| known == section) {
            Some((_, lines)) => lines.push(line),
            None => sections.push((section.to_owned(), vec![line])),
        }
    }
    let first_route = sections
        .iter()
        .position(|(section, _)| heading(section) == "[[route]]");
    let mut texts: Vec<String> = sections
        .iter()
        .map(|(section, lines)| section_text(section, lines, with_origin))
        .collect();
    if let Some(first) = first_route {
        let rule = format!("# {ROUTE_RULE}").dimmed().to_string();
        texts[first].insert_str(0, &format!("{rule}\n"));
    }
    texts.join("\n")
}

fn section_text(section: &str, lines: &[(String, String)], with_origin: bool) -> String {
    /// A longer value does not push the origins of all others to the right.
    const ALIGNED_MAX: usize = 48;
    let columns = lines.iter().map(|(value, _)| value.chars().count());
    let columns = columns.filter(|columns| *columns <= ALIGNED_MAX).max();
    let columns = columns.unwrap_or(0);
    let mut text = vec![heading(section).bold().to_string()];
    text.extend(lines.iter().map(|(value, origin)| {
        let origin = format!("# {}", sanitize(origin));
        if with_origin {
            format!("{value:<columns$}  {}", origin.dimmed())
        } else {
            value.clone()
        }
    }));
    text.push(String::new());
    text.join("\n")
}

/// Which of several routes counts.
const ROUTE_RULE: &str = "of the routes that match, the one with the most conditions wins; of \
                          equals the first";

/// A path as section and name; a section of a list is never divided.
fn divided(path: &str) -> (&str, &str) {
    let list = path
        .split_once('.')
        .filter(|(list, _)| keys::is_list(&[list]));
    let behind = list.and_then(|(list, rest)| Some(list.len() + 1 + rest.find('.')?));
    match behind {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => path.rsplit_once('.').unwrap_or(("", path)),
    }
}

/// `[run]`; of a list `[[route]]`.
fn heading(section: &str) -> String {
    match section.split('.').next() {
        Some(list) if keys::is_list(&[list]) => format!("[[{list}]]"),
        _ => format!("[{}]", section.replace('*', "NAME")),
    }
}

/// By the place of their key in the reference, names alphabetically.
fn in_order(settings: &BTreeMap<String, Sourced>) -> Vec<(&String, &Sourced)> {
    let mut all: Vec<(&String, &Sourced)> = settings.iter().collect();
    all.sort_by_key(|(path, _)| {
        let parts: Vec<&str> = path.split('.').collect();
        let place = keys::find(&parts).and_then(|found| KEYS.iter().position(|key| key == found));
        let section = KEYS
            .iter()
            .position(|key| key.path.split('.').next() == parts.first().copied());
        let name = parts.get(1).filter(|_| parts.len() > 2).copied();
        let number = name.and_then(|name| name.parse::<u32>().ok());
        (section, number, name.map(str::to_owned), place)
    });
    all
}

/// Where a setting comes from: `airboss.toml:5`, `AIRBOSS_RUN_JOBS`, `default`.
pub(crate) fn origin(path: &str, setting: &Sourced) -> String {
    match (&setting.origin, setting.line) {
        (Origin::Environment, _) => {
            let variable = path.replace('.', "_").to_ascii_uppercase();
            format!("AIRBOSS_{variable}")
        }
        (origin, Some(line)) => format!("{origin}:{line}"),
        (origin, None) => origin.to_string(),
    }
}

fn as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => json!(text),
        Value::Texts(texts) => json!(texts),
        Value::Number(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::Duration(duration) => json!(duration_text(*duration)),
    }
}

fn path(context: &Context, places: &Places) {
    let mut files = Vec::new();
    files.extend(places.user_file.clone().map(|file| ("user", file)));
    files.push(("project", places.top.join(PROJECT_FILE)));
    files.push(("local", places.top.join(LOCAL_FILE)));
    if context.json {
        let files: Vec<serde_json::Value> = files
            .iter()
            .map(|(origin, file)| {
                json!({ "origin": origin, "path": file, "exists": file.is_file() })
            })
            .collect();
        context.printer.json(&json!({ "files": files }));
        return;
    }
    for (origin, file) in files {
        let missing = if file.is_file() { "" } else { "  (not there)" };
        let line = format!("{origin:<8} {}{missing}", file.display());
        context.printer.data(sanitize(&line).trim_end());
    }
}

/// `docs/configuration.md`, made from the one table of settings.
#[must_use]
pub fn reference() -> String {
    let mut lines = vec![REFERENCE_HEAD.to_owned()];
    let mut section = "";
    for key in KEYS {
        let (own, name) = divided(key.path);
        if own != section {
            section = own;
            lines.push(format!("## `{}`\n", heading(section)));
            match section {
                "route.*" => lines.push(ROUTES.to_owned()),
                "hooks.*" => lines.push(HOOKS.to_owned()),
                _ => {}
            }
            lines.push("| key | type | default | meaning |".to_owned());
            lines.push("|---|---|---|---|".to_owned());
        }
        let default = match key.default {
            "" => "–".to_owned(),
            text => format!("`{text}`"),
        };
        let guarded = if key.guarded { " 🔒" } else { "" };
        let kind = kind_words(key.kind);
        lines.push(format!(
            "| `{name}`{guarded} | {kind} | {default} | {} |",
            key.help
        ));
    }
    let mut text = lines.join("\n").replace("|\n## ", "|\n\n## ");
    text.push('\n');
    text
}

fn kind_words(kind: keys::Kind) -> String {
    match kind {
        keys::Kind::Text => "text".to_owned(),
        keys::Kind::Texts => "list of texts".to_owned(),
        keys::Kind::Numbers => "list of numbers".to_owned(),
        keys::Kind::Number => "number".to_owned(),
        keys::Kind::Flag => "`true` or `false`".to_owned(),
        keys::Kind::Duration => "duration".to_owned(),
        keys::Kind::Bytes => "size".to_owned(),
        keys::Kind::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
    }
}

const ROUTES: &str = "\
Which agent flies a stage of a task, with which model, limits and prompt. There may be several:
of those whose conditions (`stage`, `language`, `label`) all hold for the task, the one with the
most conditions wins, and of equals the first; routes of a stronger source stand before those of a
weaker one. One route counts, the values of others are not mixed in. An agent named with `--agent`
or `AIRBOSS_RUN_AGENT` beats the route's agent and its model. A task's labels are the `Labels`,
`Tags` or `Topic` of its entry in TODO.md and of its object in state.json. `airboss prompt N
--stage STAGE` says which route counts.

```toml
[[route]]
stage = \"research\"
language = \"lean\"
agent = \"codex\"
limits.deadline = \"30 min\"
template = \"lean-research\"
```
";

const HOOKS: &str = "\
Programs that are told what happens in runs of plans, in stages that an agent flies, in `airboss
test`, and when `airboss coordinate` is done or stops: `done` (verified), `failed` (no retry is
left), `waiting` (a person is needed), `limited`. A hook gets one JSON object on its standard input:
`schema_version`, `id`, `event`, `extent` (`step` or `run`), `plan`, `task`, `stage`, `workflow`
(the scope, at the end of `coordinate`), `run`, `step`, `description`, `attempt`, `agent`,
`verdict`, `reason`, `time`. It is told after all of that is stored, *at least once*: after a crash
the next run of the same plan or stage, or the next `test` or `coordinate` of the task, tells what
was not told, perhaps again, with the same `id`. It runs at the top of the work tree, beside the
run, and what it says or fails with never changes the run: one warning line, and an entry in
`airboss errors` where there is a board. Towards Airboss it counts as an agent: it may ask, and
change no task.

```toml
[hooks.tell]
command = [\"notify\", \"--from\", \"airboss\"]      # a program and its words; no shell
on = [\"failed\", \"waiting\"]

[hooks.log]
command = [\"sh\", \"-c\", \"cat >> events.ndjson\"]  # a shell, where one is asked for
of = \"run\"
```
";

const REFERENCE_HEAD: &str = "\
# Configuration

<!-- Made from the table in `airboss_core::config::keys`; a test keeps it so.
     UPDATE_DOCS=1 cargo test -p airboss --test explain configuration -->

Settings come from these sources; a later one wins over an earlier one:

1. the defaults below
2. `$XDG_CONFIG_HOME/airboss/config.toml`: your own, for every repository
3. `airboss.toml` at the top of the work tree: committed, for everybody
4. `airboss.local.toml` beside it: not committed, for you in this repository
5. environment variables: `AIRBOSS_` and the key in capitals with `_` for each dot, such as
   `AIRBOSS_RUN_JOBS=4`; keys with a name in them have none
6. options of the command line

`airboss config show --origin` prints what counts and where it comes from, `airboss config path`
which files are read. An unknown key is a warning that names the nearest known one; a value of
the wrong type is an error that names file and line, and nothing is started.

Durations are text: `\"90s\"`, `\"30 min\"`, `\"1 h 30 min\"`. Sizes are a number of bytes or text:
`\"8 MiB\"`.

Keys marked 🔒 decide which programs are run and what they are given. When they come with the
repository (`airboss.toml`, `airboss.local.toml`), they count only once you have read and allowed
them with `airboss trust`; a change of any of them asks again. In your own file they always count.
";
