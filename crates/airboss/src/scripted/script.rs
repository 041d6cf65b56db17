//! Reading scripts: every mistake is named with its line and the nearest right word.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the agent plays.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Script {
    /// Sections for steps, in the order of the file.
    pub sections: Vec<Section>,
    /// For everything else.
    pub default: Vec<Action>,
}

/// What is played for a step.
#[derive(Clone, PartialEq, Debug)]
pub struct Section {
    /// The step's id.
    pub step: String,
    /// On which attempts; on all when there are none.
    pub attempts: Vec<u32>,
    /// What is done.
    pub actions: Vec<Action>,
}

/// One thing that is done; the table of the module above explains each.
#[derive(Clone, PartialEq, Debug)]
#[expect(
    missing_docs,
    reason = "the table in the module's documentation explains each"
)]
pub enum Action {
    Write {
        path: String,
        text: String,
    },
    Append {
        path: String,
        text: String,
    },
    Patch {
        path: String,
        find: String,
        replace: String,
    },
    Delete {
        path: String,
    },
    Shell {
        command: String,
    },
    Tool {
        name: String,
        seconds: f64,
        input: String,
        ok: bool,
    },
    Pretend {
        path: String,
    },
    Deny {
        name: String,
        input: String,
        message: String,
    },
    Say {
        text: String,
    },
    Think {
        text: String,
    },
    Ask {
        text: String,
    },
    Retry {
        attempt: u64,
        max: u64,
        delay_ms: u64,
        status: Option<u64>,
    },
    Limit {
        seconds: u64,
    },
    Fail {
        message: String,
        reason: Reason,
    },
    NoResult,
    Sleep {
        seconds: f64,
    },
    Hang,
    Spawn {
        seconds: f64,
        detached: bool,
        holds_output: bool,
    },
    Ignore {
        signals: Vec<Signal>,
    },
    Flood {
        bytes: u64,
    },
    Garbage {
        text: String,
    },
    Half {
        text: String,
    },
    Huge {
        bytes: u64,
    },
    InvalidUtf8,
    Stderr {
        text: String,
        times: u64,
    },
    Exit {
        code: u8,
    },
    Crash {
        signal: Signal,
    },
}

/// Why a run fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The model's service answered with an error.
    Api,
    /// The limit of turns was reached.
    MaxTurns,
    /// The limit of money was reached.
    Budget,
}

/// A signal that a script can name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// `SIGABRT`, by `abort`.
    Abrt,
    /// `SIGINT`.
    Int,
    /// `SIGKILL`.
    Kill,
    /// `SIGSEGV`.
    Segv,
    /// `SIGTERM`.
    Term,
}

/// A script that cannot be played, and where it is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ScriptError {
    /// The error with the script's name before it.
    pub(super) fn in_file(&self, path: &Path) -> String {
        format!("{}:{}: {}", path.display(), self.line, self.message)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ScriptError {}

/// Each verb with its options.
const VERBS: [(&str, &[&str]); 27] = [
    ("append", &["text"]),
    ("ask", &[]),
    ("crash", &[]),
    ("delete", &[]),
    ("deny", &["input", "message"]),
    ("exit", &[]),
    ("fail", &["reason"]),
    ("flood", &[]),
    ("garbage", &[]),
    ("half", &[]),
    ("hang", &[]),
    ("huge", &[]),
    ("ignore", &[]),
    ("invalid_utf8", &[]),
    ("limit", &[]),
    ("no_result", &[]),
    ("patch", &["find", "replace"]),
    ("pretend", &[]),
    ("retry", &["delay_ms", "max", "status"]),
    ("say", &[]),
    ("shell", &[]),
    ("sleep", &[]),
    ("spawn", &["detached", "holds_output"]),
    ("stderr", &["times"]),
    ("think", &[]),
    ("tool", &["input", "ok", "seconds"]),
    ("write", &["text"]),
];

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When it is no TOML, a key or verb is unknown, or a value has the wrong type.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let reader = Reader { text };
        let table = DeTable::parse(text).map_err(|error| {
            reader.error(error.span().unwrap_or_default(), error.message().to_owned())
        })?;
        let mut script = Self::default();
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "step" => {
                    for section in reader.list(value)? {
                        script
                            .sections
                            .push(reader.section(reader.table(section)?, section.span())?);
                    }
                }
                "default" => {
                    let table = reader.table(value)?;
                    reader.known(table, &["actions"], "key")?;
                    script.default = reader.actions(table, value.span())?;
                }
                other => {
                    return Err(reader.unknown(key.span(), "section", other, &["step", "default"]));
                }
            }
        }
        Ok(script)
    }

    /// What is played for `step` on its attempt `attempt`.
    #[must_use]
    pub fn actions(&self, step: &str, attempt: u32) -> &[Action] {
        self.sections
            .iter()
            .find(|section| {
                section.step == step
                    && (section.attempts.is_empty() || section.attempts.contains(&attempt))
            })
            .map_or(&self.default, |section| &section.actions)
    }
}

/// Turns positions into lines while it reads.
struct Reader<'a> {
    text: &'a str,
}

type Read<T> = Result<T, ScriptError>;
type Value<'a> = Spanned<DeValue<'a>>;

impl<'t> Reader<'t> {
    fn error(&self, span: Range<usize>, message: String) -> ScriptError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        ScriptError {
            line: before.matches('\n').count() + 1,
            message,
        }
    }

    fn unknown(&self, span: Range<usize>, what: &str, word: &str, known: &[&str]) -> ScriptError {
        let nearest = known
            .iter()
            .min_by_key(|candidate| distance(word, candidate));
        let hint = nearest.map_or_else(String::new, |nearest| {
            format!("; did you mean `{nearest}`?")
        });
        self.error(span, format!("unknown {what} `{word}`{hint}"))
    }

    fn known(&self, table: &DeTable<'_>, known: &[&str], what: &str) -> Read<()> {
        match table
            .keys()
            .find(|key| !known.contains(&key.get_ref().as_ref()))
        {
            Some(key) => Err(self.unknown(key.span(), what, key.get_ref(), known)),
            None => Ok(()),
        }
    }

    fn section(&self, table: &DeTable<'_>, span: Range<usize>) -> Read<Section> {
        self.known(table, &["match", "attempt", "on_attempt", "actions"], "key")?;
        let Some(step) = table.get("match") else {
            return Err(self.error(span, "a step needs `match = \"ID\"`".to_owned()));
        };
        let mut attempts = Vec::new();
        if let Some(attempt) = table.get("attempt") {
            attempts.push(self.count(attempt)?);
        }
        if let Some(list) = table.get("on_attempt") {
            for attempt in self.list(list)? {
                attempts.push(self.count(attempt)?);
            }
        }
        let actions = self.actions(table, span)?;
        Ok(Section {
            step: self.string(step)?,
            attempts,
            actions,
        })
    }

    fn actions(&self, table: &DeTable<'_>, span: Range<usize>) -> Read<Vec<Action>> {
        let Some(actions) = table.get("actions") else {
            return Err(self.error(span, "`actions = [ … ]` is missing".to_owned()));
        };
        self.list(actions)?
            .iter()
            .map(|action| self.action(self.table(action)?, action.span()))
            .collect()
    }

    fn action(&self, table: &DeTable<'_>, span: Range<usize>) -> Read<Action> {
        let verbs = table.iter().filter_map(|(key, value)| {
            let verb = VERBS
                .iter()
                .find(|(verb, _)| *verb == key.get_ref().as_ref())?;
            Some((verb, value))
        });
        let verbs: Vec<_> = verbs.collect();
        let [((verb, options), value)] = verbs[..] else {
            if let [(first, _), (second, _), ..] = verbs[..] {
                let message = format!(
                    "`{}` and `{}` are two actions; write two tables",
                    first.0, second.0
                );
                return Err(self.error(span, message));
            }
            return Err(self.no_verb(table, span));
        };
        let known: Vec<&str> = std::iter::once(*verb)
            .chain(options.iter().copied())
            .collect();
        self.known(table, &known, "option")?;
        self.verb(
            verb,
            value,
            &Options {
                reader: self,
                table,
                span,
            },
        )
    }

    /// No key is a verb: the one that is no option either was meant to be it.
    fn no_verb(&self, table: &DeTable<'_>, span: Range<usize>) -> ScriptError {
        let words = VERBS.map(|(verb, _)| verb);
        let option = |key: &str| VERBS.iter().any(|(_, options)| options.contains(&key));
        match table
            .keys()
            .find(|key| !option(key.get_ref()))
            .or_else(|| table.keys().next())
        {
            Some(key) => self.unknown(key.span(), "action", key.get_ref(), &words),
            None => self.error(span, "an action needs a verb".to_owned()),
        }
    }

    fn verb(&self, verb: &str, value: &Value<'_>, options: &Options<'_, 't, '_>) -> Read<Action> {
        Ok(match verb {
            "write" => Action::Write {
                path: self.string(value)?,
                text: options.string("text")?,
            },
            "append" => Action::Append {
                path: self.string(value)?,
                text: options.string("text")?,
            },
            "patch" => Action::Patch {
                path: self.string(value)?,
                find: options.string("find")?,
                replace: options.string("replace")?,
            },
            "delete" => Action::Delete {
                path: self.string(value)?,
            },
            "shell" => Action::Shell {
                command: self.string(value)?,
            },
            "tool" => Action::Tool {
                name: self.string(value)?,
                seconds: options.get("seconds", Self::number)?.unwrap_or_default(),
                input: options.get("input", Self::string)?.unwrap_or_default(),
                ok: options.get("ok", Self::flag)?.unwrap_or(true),
            },
            "pretend" => Action::Pretend {
                path: self.string(value)?,
            },
            "deny" => Action::Deny {
                name: self.string(value)?,
                input: options.get("input", Self::string)?.unwrap_or_default(),
                message: options
                    .get("message", Self::string)?
                    .unwrap_or_else(|| "not permitted".to_owned()),
            },
            "say" => Action::Say {
                text: self.string(value)?,
            },
            "think" => Action::Think {
                text: self.string(value)?,
            },
            "ask" => Action::Ask {
                text: self.string(value)?,
            },
            "retry" => Action::Retry {
                attempt: self.count(value)?,
                max: options.get("max", Self::count)?.unwrap_or(10),
                delay_ms: options.get("delay_ms", Self::count)?.unwrap_or_default(),
                status: options.get("status", Self::count)?,
            },
            "limit" => Action::Limit {
                seconds: self.count(value)?,
            },
            "fail" => Action::Fail {
                message: self.string(value)?,
                reason: options.get("reason", Self::reason)?.unwrap_or(Reason::Api),
            },
            "no_result" => self.only_true(value, Action::NoResult)?,
            _ => return self.process_verb(verb, value, options),
        })
    }

    /// The verbs that concern the process and its bytes rather than the conversation.
    fn process_verb(
        &self,
        verb: &str,
        value: &Value<'_>,
        options: &Options<'_, 't, '_>,
    ) -> Read<Action> {
        Ok(match verb {
            "sleep" => Action::Sleep {
                seconds: self.number(value)?,
            },
            "hang" => self.only_true(value, Action::Hang)?,
            "spawn" => Action::Spawn {
                seconds: self.number(value)?,
                detached: options.get("detached", Self::flag)?.unwrap_or_default(),
                holds_output: options.get("holds_output", Self::flag)?.unwrap_or_default(),
            },
            "ignore" => {
                let signals = self
                    .list(value)?
                    .iter()
                    .map(|signal| self.signal(signal))
                    .collect::<Read<_>>()?;
                Action::Ignore { signals }
            }
            "flood" => Action::Flood {
                bytes: self.count(value)?,
            },
            "garbage" => Action::Garbage {
                text: self.string(value)?,
            },
            "half" => Action::Half {
                text: self.string(value)?,
            },
            "huge" => Action::Huge {
                bytes: self.count(value)?,
            },
            "invalid_utf8" => self.only_true(value, Action::InvalidUtf8)?,
            "stderr" => Action::Stderr {
                text: self.string(value)?,
                times: options.get("times", Self::count)?.unwrap_or(1),
            },
            "exit" => Action::Exit {
                code: self.count(value)?,
            },
            "crash" => Action::Crash {
                signal: self.signal(value)?,
            },
            // The table of verbs and these two functions are one list in two places.
            _ => return Err(self.error(value.span(), format!("`{verb}` cannot be played"))),
        })
    }

    fn wrong(&self, value: &Value<'_>, expected: &str) -> ScriptError {
        self.error(
            value.span(),
            format!("expected {expected}, found {}", value.get_ref().type_str()),
        )
    }

    fn string(&self, value: &Value<'_>) -> Read<String> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.clone().into_owned()),
            _ => Err(self.wrong(value, "a string")),
        }
    }

    fn flag(&self, value: &Value<'_>) -> Read<bool> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.wrong(value, "true or false")),
        }
    }

    fn only_true(&self, value: &Value<'_>, action: Action) -> Read<Action> {
        if self.flag(value)? {
            Ok(action)
        } else {
            Err(self.wrong(value, "true"))
        }
    }

    fn count<T: TryFrom<u64>>(&self, value: &Value<'_>) -> Read<T> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| self.wrong(value, "a count in range"))
    }

    /// Seconds, at most a day: more cannot be meant.
    fn number(&self, value: &Value<'_>) -> Read<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| (0.0..=86_400.0).contains(number))
            .ok_or_else(|| self.wrong(value, "seconds from 0 to 86400"))
    }

    fn reason(&self, value: &Value<'_>) -> Read<Reason> {
        match self.string(value)?.as_str() {
            "api" => Ok(Reason::Api),
            "max_turns" => Ok(Reason::MaxTurns),
            "budget" => Ok(Reason::Budget),
            other => Err(self.unknown(
                value.span(),
                "reason",
                other,
                &["api", "max_turns", "budget"],
            )),
        }
    }

    fn signal(&self, value: &Value<'_>) -> Read<Signal> {
        match self.string(value)?.as_str() {
            "ABRT" => Ok(Signal::Abrt),
            "INT" => Ok(Signal::Int),
            "KILL" => Ok(Signal::Kill),
            "SEGV" => Ok(Signal::Segv),
            "TERM" => Ok(Signal::Term),
            other => Err(self.unknown(
                value.span(),
                "signal",
                other,
                &["ABRT", "INT", "KILL", "SEGV", "TERM"],
            )),
        }
    }

    fn table<'v, 'i>(&self, value: &'v Value<'i>) -> Read<&'v DeTable<'i>> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.wrong(value, "a table")),
        }
    }

    fn list<'v, 'i>(&self, value: &'v Value<'i>) -> Read<&'v [Value<'i>]> {
        match value.get_ref() {
            DeValue::Array(list) => Ok(list),
            _ => Err(self.wrong(value, "a list")),
        }
    }
}

/// The options of an action.
struct Options<'r, 't, 'i> {
    reader: &'r Reader<'t>,
    table: &'r DeTable<'i>,
    span: Range<usize>,
}

impl<'t> Options<'_, 't, '_> {
    fn get<T>(
        &self,
        key: &str,
        read: impl Fn(&Reader<'t>, &Value<'_>) -> Read<T>,
    ) -> Read<Option<T>> {
        self.table
            .get(key)
            .map(|value| read(self.reader, value))
            .transpose()
    }

    fn string(&self, key: &str) -> Read<String> {
        let missing = || {
            self.reader
                .error(self.span.clone(), format!("`{key}` is missing"))
        };
        self.get(key, Reader::string)?.ok_or_else(missing)
    }
}

/// How many letters have to be changed to make one word of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
