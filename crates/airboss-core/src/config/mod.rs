//! Settings: typed, layered, and each with the place that it came from.
//!
//! ```text
//! defaults < user's file < airboss.toml < airboss.local.toml < AIRBOSS_* < flags
//! ```
//!
//! Settings that make Airboss run a program (`Key::guarded`) do not count when they came with
//! the repository and no person has trusted them: [`Merged::new`] leaves them out, so that
//! nobody can run them by mistake, and [`Merged::untrusted`] names them.

pub mod keys;
pub mod layer;
pub mod route;
pub mod value;

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

pub use keys::{KEYS, Key, Kind};
pub use layer::{ConfigError, Layer, Origin, Setting};
pub use route::Route;
pub use value::{Value, duration_text, parse_duration};

use crate::hook;
use crate::stage::Stage;
use crate::step::STUCK_AFTER;
use crate::verdict::RetryRules;

/// All settings, typed.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// `[run]`
    pub run: Run,
    /// `[agents.NAME]`; the built-in ones need no entry.
    pub agents: BTreeMap<String, Agent>,
    /// `[[route]]`, in the order in which they count.
    pub routes: Vec<Route>,
    /// `[gates.NAME]`, in the order of their names.
    pub gates: BTreeMap<String, Gate>,
    /// `[hooks.NAME]`, in the order of their names.
    pub hooks: BTreeMap<String, Hook>,
    /// `[limits]`
    pub limits: Limits,
    /// `commit.mode`
    pub commit: CommitMode,
    /// `[markdown] write`
    pub markdown_write: bool,
    /// `[board]`
    pub board: Board,
}

/// How the board is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Board {
    /// The specs root, where it is not to be searched.
    pub root: Option<String>,
    /// Whether only the transitions of the strict table are allowed.
    pub strict: bool,
    /// A task that is in flight for longer without a run is stale.
    pub stale_after: Duration,
    /// Whether each change is committed.
    pub commit: bool,
    /// Whether task directories get a state.json.
    pub project_state: bool,
}

/// How a run dispatches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// The agent's name.
    pub agent: String,
    /// Attempts at the same time, at least 1.
    pub jobs: usize,
    /// Steps given to one agent at once, at least 1.
    pub batch: usize,
}

/// How an agent's program is spoken with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// The scripted agent that is part of Airboss.
    Scripted,
    /// Any program: prompt in, exit code out.
    Command,
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
}

impl Backend {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "scripted" => Some(Self::Scripted),
            "command" => Some(Self::Command),
            "claude" => Some(Self::Claude),
            "codex" => Some(Self::Codex),
            _ => None,
        }
    }
}

/// One agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agent {
    /// How its program is spoken with.
    pub backend: Backend,
    /// The program, when it is not the backend's own.
    pub program: Option<String>,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// The model.
    pub model: Option<String>,
    /// Names of environment variables that it may see besides the usual ones.
    pub environment: Vec<String>,
    /// Instead of `limits.deadline`.
    pub deadline: Option<Duration>,
    /// Instead of `limits.idle`.
    pub idle: Option<Duration>,
}

/// When a gate is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GateWhen {
    /// After each step.
    Step,
    /// When a phase ends.
    Phase,
    /// When the plan ends.
    Plan,
}

/// A command that has to be green.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gate {
    /// The line for `sh -c`.
    pub command: String,
    /// It is red when it runs longer.
    pub timeout: Duration,
    /// Only for steps of these phases; empty for all.
    pub phases: Vec<String>,
    /// Only for these steps; empty for all.
    pub steps: Vec<String>,
    /// Exit codes after which it is run once more.
    pub retry_on: Vec<i32>,
    /// When it is run.
    pub when: GateWhen,
}

/// A program that is told what happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hook {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Only on these events; empty for all.
    pub on: Vec<hook::Event>,
    /// Only of steps or of runs.
    pub of: Option<hook::Extent>,
    /// It is ended when it runs longer.
    pub timeout: Duration,
}

impl Hook {
    /// Whether it is told of this.
    #[must_use]
    pub fn wants(&self, message: &hook::Message) -> bool {
        (self.on.is_empty() || self.on.contains(&message.event))
            && self.of.is_none_or(|extent| extent == message.extent)
    }
}

/// Bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The whole time of one attempt.
    pub deadline: Duration,
    /// Neither output nor work.
    pub idle: Duration,
    /// Between SIGINT and SIGTERM.
    pub interrupt_grace: Duration,
    /// Between SIGTERM and SIGKILL.
    pub terminate_grace: Duration,
    /// A longer line is cut.
    pub line_bytes: u64,
    /// The recording of one attempt.
    pub log_bytes: u64,
    /// More output than this ends the attempt.
    pub flood_bytes: u64,
    /// Retries after the first attempt.
    pub retries: u32,
    /// The pause before the first.
    pub backoff: Duration,
    /// Interrupted attempts before a step fails.
    pub interruptions: u32,
    /// Limits without a reset time before a run ends.
    pub parkings: u32,
    /// The wait after such a limit.
    pub parking: Duration,
    /// The longest wait for a limit to be lifted.
    pub limit_wait: Duration,
    /// Attempts of a whole run.
    pub iterations: Option<u32>,
}

impl Limits {
    /// The part of them that the dispatcher enforces for each step.
    #[must_use]
    pub fn retry_rules(&self) -> RetryRules {
        RetryRules {
            retries_max: self.retries,
            backoff: self.backoff,
            interruptions_max: self.interruptions,
            parkings_max: self.parkings,
            parking: self.parking,
            limit_wait_max: self.limit_wait,
        }
    }
}

/// When verified work is committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitMode {
    /// After each step.
    Step,
    /// After each phase.
    Phase,
    /// Never.
    Off,
}

/// A value with its source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sourced {
    /// The value.
    pub value: Value,
    /// The source that won.
    pub origin: Origin,
    /// Its line there.
    pub line: Option<usize>,
}

/// All layers in one: what counts, and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Merged {
    settings: BTreeMap<String, Sourced>,
    /// Guarded settings of the repository, whether they count or not.
    guarded: BTreeMap<String, Sourced>,
    trusted: bool,
}

impl Merged {
    /// Lays the layers over the defaults, the weakest origin first.
    ///
    /// `is_trusted` is asked with the digest of the repository's guarded settings, if any.
    pub fn new(mut layers: Vec<Layer>, is_trusted: impl FnOnce(&str) -> bool) -> Self {
        layers.sort_by(|left, right| left.origin.cmp(&right.origin));
        number_lists(&mut layers);
        let mut guarded = BTreeMap::new();
        for (layer, path, setting) in entries(&layers) {
            if layer.origin.is_repository() && is_guarded(path) {
                guarded.insert(path.clone(), sourced(layer, setting));
            }
        }
        let mut merged = Self {
            settings: defaults(),
            trusted: guarded.is_empty(),
            guarded,
        };
        merged.trusted = merged.trusted || is_trusted(&merged.digest());
        for (layer, path, setting) in entries(&layers) {
            if merged.trusted || !layer.origin.is_repository() || !is_guarded(path) {
                merged
                    .settings
                    .insert(path.clone(), sourced(layer, setting));
            }
        }
        merged
    }

    /// What counts, by path.
    #[must_use]
    pub fn settings(&self) -> &BTreeMap<String, Sourced> {
        &self.settings
    }

    /// The repository's settings that run programs.
    #[must_use]
    pub fn guarded(&self) -> &BTreeMap<String, Sourced> {
        &self.guarded
    }

    /// The repository's settings that run programs and that nobody has trusted.
    #[must_use]
    pub fn untrusted(&self) -> Option<&BTreeMap<String, Sourced>> {
        (!self.trusted).then_some(&self.guarded)
    }

    /// SHA-256 of the repository's guarded settings: what a person trusts.
    ///
    /// It covers what would be run and nothing else, so that another number of jobs does not
    /// ask again, and where it stands does not matter.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (path, setting) in &self.guarded {
            // A value's text has no newline outside quotes, so no two sets share one text.
            hasher.update(format!("{path} = {}\n", setting.value));
        }
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The typed form.
    ///
    /// # Errors
    /// When a gate has no command, or an agent neither backend nor a backend's name.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Ok(Config {
            run: Run {
                agent: self.text("run.agent").unwrap_or_default(),
                jobs: self.count("run.jobs").max(1) as usize,
                batch: self.count("run.batch").max(1) as usize,
            },
            agents: self.agents()?,
            routes: self.routes()?,
            gates: self.gates()?,
            hooks: self.hooks()?,
            limits: self.limits(),
            commit: match self.text("commit.mode").as_deref() {
                Some("phase") => CommitMode::Phase,
                Some("off") => CommitMode::Off,
                _ => CommitMode::Step,
            },
            markdown_write: self.flag("markdown.write"),
            board: Board {
                root: self.text("board.root").filter(|root| !root.is_empty()),
                strict: self.text("board.transitions").as_deref() == Some("strict"),
                stale_after: self.duration("board.stale_after").unwrap_or(STUCK_AFTER),
                commit: self.flag("board.commit"),
                project_state: self.flag("board.project_state"),
            },
        })
    }

    fn limits(&self) -> Limits {
        let duration = |name: &str| self.duration(&format!("limits.{name}")).unwrap_or_default();
        Limits {
            deadline: duration("deadline"),
            idle: duration("idle"),
            interrupt_grace: duration("interrupt_grace"),
            terminate_grace: duration("terminate_grace"),
            line_bytes: self.number("limits.line_bytes"),
            log_bytes: self.number("limits.log_bytes"),
            flood_bytes: self.number("limits.flood_bytes"),
            retries: self.count("limits.retries"),
            backoff: duration("backoff"),
            interruptions: self.count("limits.interruptions"),
            parkings: self.count("limits.parkings"),
            parking: duration("parking"),
            limit_wait: duration("limit_wait"),
            iterations: Some(self.count("limits.iterations")).filter(|count| *count > 0),
        }
    }

    fn agents(&self) -> Result<BTreeMap<String, Agent>, ConfigError> {
        // The two that a person may have installed anyway need no entry.
        let mut names: Vec<String> = self.names("agents").into_iter().collect();
        names.extend(["claude", "codex"].map(str::to_owned));
        let mut agents = BTreeMap::new();
        for name in names {
            let at = |setting: &str| format!("agents.{name}.{setting}");
            let word = self.text(&at("backend"));
            let Some(backend) = Backend::parse(word.as_deref().unwrap_or(&name)) else {
                return Err(self.incomplete("agents", &name, "backend"));
            };
            let agent = Agent {
                backend,
                program: self.text(&at("program")),
                arguments: self.texts(&at("arguments")),
                model: self.text(&at("model")),
                environment: self.texts(&at("environment")),
                deadline: self.duration(&at("limits.deadline")),
                idle: self.duration(&at("limits.idle")),
            };
            agents.insert(name, agent);
        }
        Ok(agents)
    }

    fn routes(&self) -> Result<Vec<Route>, ConfigError> {
        let mut names = self.names("route");
        names.sort_by_key(|name| name.parse::<u32>().ok());
        names.into_iter().map(|name| self.route(&name)).collect()
    }

    fn route(&self, name: &str) -> Result<Route, ConfigError> {
        let at = |setting: &str| format!("route.{name}.{setting}");
        let place = self.place_of(&at(""));
        let stage = self.text(&at("stage")).and_then(|word| Stage::read(&word));
        let template = self.text(&at("template"));
        let wrong = |message: String| ConfigError {
            place: place.clone(),
            message,
        };
        if let Some(template) = template.as_ref().filter(|name| !layer::is_name(name)) {
            return Err(wrong(format!(
                "the template {template:?} cannot be used; the name of a file in \
                 `.airboss/prompts` is expected, without `.md`"
            )));
        }
        if stage == Some(Stage::Implement) && template.is_some() {
            let message =
                "a route of `implement` has no template: the plan's phases are the prompt";
            return Err(wrong(message.to_owned()));
        }
        let has_retries = self.settings.contains_key(&at("limits.retries"));
        Ok(Route {
            stage,
            language: self.text(&at("language")),
            label: self.text(&at("label")),
            agent: self.text(&at("agent")),
            model: self.text(&at("model")),
            deadline: self.duration(&at("limits.deadline")),
            idle: self.duration(&at("limits.idle")),
            retries: has_retries.then(|| self.count(&at("limits.retries"))),
            template,
            place,
        })
    }

    fn gates(&self) -> Result<BTreeMap<String, Gate>, ConfigError> {
        let mut gates = BTreeMap::new();
        for name in self.names("gates") {
            let at = |setting: &str| format!("gates.{name}.{setting}");
            let Some(command) = self.text(&at("command")) else {
                // An untrusted command is no mistake of the file; the run refuses as a whole.
                if self.guarded.contains_key(&at("command")) {
                    continue;
                }
                return Err(self.incomplete("gates", &name, "command"));
            };
            let gate = Gate {
                command,
                timeout: self.duration(&at("timeout")).unwrap_or(GATE_TIMEOUT),
                phases: self.texts(&at("phases")),
                steps: self.texts(&at("steps")),
                retry_on: self
                    .texts(&at("retry_on"))
                    .iter()
                    .filter_map(|code| code.parse().ok())
                    .collect(),
                when: match self.text(&at("when")).as_deref() {
                    Some("phase") => GateWhen::Phase,
                    Some("plan") => GateWhen::Plan,
                    _ => GateWhen::Step,
                },
            };
            gates.insert(name, gate);
        }
        Ok(gates)
    }

    fn hooks(&self) -> Result<BTreeMap<String, Hook>, ConfigError> {
        let mut hooks = BTreeMap::new();
        for name in self.names("hooks") {
            let at = |setting: &str| format!("hooks.{name}.{setting}");
            let command = self.texts(&at("command"));
            if command.first().is_none_or(String::is_empty) {
                // As of a gate: untrusted is not missing.
                if self.guarded.contains_key(&at("command")) && self.untrusted().is_some() {
                    continue;
                }
                return Err(self.incomplete("hooks", &name, "command"));
            }
            let mut on = Vec::new();
            for word in self.texts(&at("on")) {
                let Some(event) = hook::Event::read(&word) else {
                    let words = hook::Event::ALL.map(hook::Event::word).join(", ");
                    return Err(ConfigError {
                        place: self.place_of(&at("on")),
                        message: format!("`{word}` is no event; there are {words}"),
                    });
                };
                on.push(event);
            }
            let hook = Hook {
                command,
                on,
                of: self.text(&at("of")).and_then(|of| hook::Extent::read(&of)),
                timeout: self.duration(&at("timeout")).unwrap_or(HOOK_TIMEOUT),
            };
            hooks.insert(name, hook);
        }
        Ok(hooks)
    }

    /// The names below `section`.
    fn names(&self, section: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .settings
            .keys()
            .filter_map(|path| {
                let name = path.strip_prefix(section)?.strip_prefix('.')?;
                name.split('.').next().map(str::to_owned)
            })
            .collect();
        names.dedup();
        names
    }

    fn incomplete(&self, section: &str, name: &str, missing: &str) -> ConfigError {
        let prefix = format!("{section}.{name}.");
        let place = self.place_of(&prefix);
        let expectation = keys::find(&[section, name, missing])
            .map(|key| key.kind.expectation())
            .unwrap_or_default();
        ConfigError {
            place,
            message: format!("`{prefix}{missing}` is missing; {expectation}"),
        }
    }

    /// Where the settings below a prefix stand: the first line of them.
    fn place_of(&self, prefix: &str) -> String {
        let found = self.settings.iter();
        let found = found.filter(|(path, _)| path.starts_with(prefix));
        let first = found.min_by_key(|(_, found)| found.line);
        first.map_or_else(String::new, |(_, found)| match found.line {
            Some(line) => format!("{}:{line}", found.origin),
            None => found.origin.to_string(),
        })
    }

    fn text(&self, path: &str) -> Option<String> {
        match &self.settings.get(path)?.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn texts(&self, path: &str) -> Vec<String> {
        match self.settings.get(path).map(|found| &found.value) {
            Some(Value::Texts(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    fn number(&self, path: &str) -> u64 {
        match self.settings.get(path).map(|found| &found.value) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    fn count(&self, path: &str) -> u32 {
        u32::try_from(self.number(path)).unwrap_or(u32::MAX)
    }

    fn flag(&self, path: &str) -> bool {
        self.settings.get(path).map(|found| &found.value) == Some(&Value::Flag(true))
    }

    fn duration(&self, path: &str) -> Option<Duration> {
        match &self.settings.get(path)?.value {
            Value::Duration(duration) => Some(*duration),
            _ => None,
        }
    }
}

/// The default of `gates.*.timeout`: a large test suite, not a hung one.
const GATE_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// Numbers the sections of lists anew, so that those of several sources stand one after the
/// other: of a stronger source first. `layers` begin with the weakest.
fn number_lists(layers: &mut [Layer]) {
    let split = |path: &str| -> Option<(String, usize, String)> {
        let (list, rest) = path.split_once('.')?;
        let (number, rest) = rest.split_once('.')?;
        let number = number.parse().ok().filter(|_| keys::is_list(&[list]))?;
        Some((list.to_owned(), number, rest.to_owned()))
    };
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for layer in layers.iter_mut().rev() {
        let mut highest = taken.clone();
        let settings = std::mem::take(&mut layer.settings);
        let numbered = settings.into_iter().map(|(path, setting)| {
            let Some((list, number, rest)) = split(&path) else {
                return (path, setting);
            };
            let number = number + taken.get(&list).copied().unwrap_or(0);
            let known = highest.entry(list.clone()).or_default();
            *known = number.max(*known);
            (format!("{list}.{number}.{rest}"), setting)
        });
        layer.settings = numbered.collect();
        taken = highest;
    }
}

/// The default of `hooks.*.timeout`: what only passes news on is done in a moment.
const HOOK_TIMEOUT: Duration = Duration::from_secs(10);

fn entries(layers: &[Layer]) -> impl Iterator<Item = (&Layer, &String, &Setting)> {
    layers.iter().flat_map(|layer| {
        layer
            .settings
            .iter()
            .map(move |(path, setting)| (layer, path, setting))
    })
}

fn sourced(layer: &Layer, setting: &Setting) -> Sourced {
    Sourced {
        value: setting.value.clone(),
        origin: layer.origin.clone(),
        line: setting.line,
    }
}

fn is_guarded(path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    keys::find(&parts).is_some_and(|key| key.guarded)
}

fn defaults() -> BTreeMap<String, Sourced> {
    KEYS.iter()
        .filter(|key| !key.default.is_empty() && !key.path.contains('*'))
        .filter_map(|key| {
            let sourced = Sourced {
                value: value::parse(key.default, key.kind).ok()?,
                origin: Origin::Default,
                line: None,
            };
            Some((key.path.to_owned(), sourced))
        })
        .collect()
}

#[cfg(test)]
mod tests;
