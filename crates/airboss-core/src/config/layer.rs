//! One source of settings, parsed: a file, the environment or the flags.
//!
//! Only known settings of the right type come out. What is unknown is a warning
//! with its line and the nearest known key; what has the wrong type is an error.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeTable, DeValue};

use super::keys::{self, Key, Kind};
use super::value::{self, Value};
use crate::nearest::nearest;

/// Where a setting was found; later ones win over earlier ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Origin {
    /// Built in.
    Default,
    /// The person's own file.
    User {
        /// The file as it is shown.
        file: String,
    },
    /// The repository's committed file.
    Project {
        /// The file as it is shown.
        file: String,
    },
    /// The repository's file that is not committed.
    Local {
        /// The file as it is shown.
        file: String,
    },
    /// An environment variable.
    Environment,
    /// The command line.
    Flag,
}

impl Origin {
    /// Whether it came with the repository, so that trust is needed.
    #[must_use]
    pub fn is_repository(&self) -> bool {
        matches!(self, Self::Project { .. } | Self::Local { .. })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::User { file } | Self::Project { file } | Self::Local { file } => {
                formatter.write_str(file)
            }
            Self::Environment => formatter.write_str("environment"),
            Self::Flag => formatter.write_str("flag"),
        }
    }
}

/// One setting of a layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    /// What it is set to.
    pub value: Value,
    /// Its line in its file, from 1.
    pub line: Option<usize>,
}

/// The settings of one source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layer {
    /// The source.
    pub origin: Origin,
    /// Dotted path to setting.
    pub settings: BTreeMap<String, Setting>,
    /// What was not understood, one sentence each.
    pub warnings: Vec<String>,
}

/// A source that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ConfigError {
    /// The file and the line, or the variable.
    pub place: String,
    /// What is wrong and what is expected.
    pub message: String,
}

impl Layer {
    /// A layer without settings.
    #[must_use]
    pub fn empty(origin: Origin) -> Self {
        Self {
            origin,
            settings: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// When it is no TOML, or a setting has the wrong type.
    pub fn from_toml(text: &str, origin: Origin) -> Result<Self, ConfigError> {
        let table = DeTable::parse(text).map_err(|error| ConfigError {
            place: place(&origin, text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let mut reader = Reader {
            text,
            layer: Self::empty(origin),
            unknown: Vec::new(),
        };
        reader.table(table.get_ref(), &mut Vec::new())?;
        // The parser sorts tables by name; a person reads from top to bottom.
        reader.unknown.sort();
        let warnings = reader.unknown.into_iter().map(|(_, warning)| warning);
        reader.layer.warnings.extend(warnings);
        Ok(reader.layer)
    }

    /// Reads `(dotted path, text, name as the person knows it)` from variables or flags.
    ///
    /// # Errors
    /// When the text is not what the setting takes.
    pub fn from_texts<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
        origin: Origin,
    ) -> Result<Self, ConfigError> {
        let mut layer = Self::empty(origin);
        for (path, text, name) in texts {
            let parts: Vec<&str> = path.split('.').collect();
            let Some(key) = keys::find(&parts) else {
                layer
                    .warnings
                    .push(format!("{name}: there is no such setting"));
                continue;
            };
            let value = value::parse(text, key.kind).map_err(|expected| ConfigError {
                place: name.to_owned(),
                message: format!("`{text}` cannot be used; {expected}"),
            })?;
            let setting = Setting { value, line: None };
            layer.settings.insert(path.to_owned(), setting);
        }
        Ok(layer)
    }
}

/// The environment variables of settings, each with the path that it sets.
pub fn environment_variables() -> impl Iterator<Item = (String, &'static str)> {
    keys::KEYS
        .iter()
        .filter(|key| !key.path.contains('*'))
        .map(|key| {
            let variable = key.path.replace('.', "_").to_ascii_uppercase();
            (format!("AIRBOSS_{variable}"), key.path)
        })
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn place(origin: &Origin, text: &str, offset: usize) -> String {
    format!("{origin}:{}", line_of(text, offset))
}

struct Reader<'text> {
    text: &'text str,
    layer: Layer,
    /// Offset and warning.
    unknown: Vec<(usize, String)>,
}

impl<'text> Reader<'text> {
    fn table(&mut self, table: &DeTable<'text>, path: &mut Vec<String>) -> Result<(), ConfigError> {
        for (name, value) in table {
            path.push(name.get_ref().to_string());
            self.entry(path, name.span().start, value.get_ref())?;
            path.pop();
        }
        Ok(())
    }

    fn entry(
        &mut self,
        path: &mut Vec<String>,
        offset: usize,
        value: &DeValue<'text>,
    ) -> Result<(), ConfigError> {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(key) = keys::find(&parts) {
            let value = typed(value, key).ok_or_else(|| ConfigError {
                place: place(&self.layer.origin, self.text, offset),
                message: format!(
                    "`{}` cannot be used; {}",
                    path.join("."),
                    key.kind.expectation()
                ),
            })?;
            let line = Some(line_of(self.text, offset));
            self.layer
                .settings
                .insert(path.join("."), Setting { value, line });
            return Ok(());
        }
        if keys::is_list(&parts) {
            return self.list(path, offset, value);
        }
        let DeValue::Table(table) = value else {
            if keys::is_table(&parts) {
                return Err(ConfigError {
                    place: place(&self.layer.origin, self.text, offset),
                    message: format!(
                        "`{}` cannot be used; a section [{}] is expected",
                        path.join("."),
                        path.join(".")
                    ),
                });
            }
            self.unknown(&parts, offset);
            return Ok(());
        };
        if !keys::is_table(&parts) {
            self.unknown(&parts, offset);
            return Ok(());
        }
        if !parts.iter().all(|part| is_name(part)) {
            return Err(ConfigError {
                place: place(&self.layer.origin, self.text, offset),
                message: format!(
                    "the name {:?} cannot be used; letters, digits, `-` and `_` are expected",
                    parts.last().unwrap_or(&"")
                ),
            });
        }
        self.table(table, path)
    }

    /// A list of sections; each is called by its number, from 1.
    fn list(
        &mut self,
        path: &mut Vec<String>,
        offset: usize,
        value: &DeValue<'text>,
    ) -> Result<(), ConfigError> {
        let items = value.as_array().into_iter().flatten();
        let tables: Option<Vec<_>> = items.map(|item| item.get_ref().as_table()).collect();
        let Some(tables) = tables.filter(|_| value.is_array()) else {
            let name = path.join(".");
            return Err(ConfigError {
                place: place(&self.layer.origin, self.text, offset),
                message: format!("`{name}` cannot be used; sections [[{name}]] are expected"),
            });
        };
        for (index, table) in tables.into_iter().enumerate() {
            path.push((index + 1).to_string());
            self.table(table, path)?;
            path.pop();
        }
        Ok(())
    }

    fn unknown(&mut self, parts: &[&str], offset: usize) {
        let (last, parent) = parts.split_last().unwrap_or((&"", &[]));
        let meant = nearest(last, keys::words_after(parent))
            .map(|word| format!("; did you mean `{word}`?"))
            .unwrap_or_default();
        let warning = format!(
            "{}: unknown setting `{}`{meant}",
            place(&self.layer.origin, self.text, offset),
            parts.join(".")
        );
        self.unknown.push((offset, warning));
    }
}

/// Whether a text can name a section or a file.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn typed(value: &DeValue<'_>, key: &Key) -> Option<Value> {
    match (key.kind, value) {
        (Kind::Text, DeValue::String(text)) => Some(Value::Text(text.to_string())),
        (Kind::Choice(_) | Kind::Duration | Kind::Bytes, DeValue::String(text)) => {
            value::parse(text, key.kind).ok()
        }
        (Kind::Number | Kind::Bytes, DeValue::Integer(_)) => number(value).map(Value::Number),
        (Kind::Flag, DeValue::Boolean(flag)) => Some(Value::Flag(*flag)),
        (Kind::Texts, DeValue::Array(items)) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<Vec<String>>>()
            .map(Value::Texts),
        (Kind::Numbers, DeValue::Array(items)) => items
            .iter()
            .map(|item| number(item.get_ref()).map(|number| number.to_string()))
            .collect::<Option<Vec<String>>>()
            .map(Value::Texts),
        _ => None,
    }
}

fn number(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
