//! The values of settings and their text forms: durations, sizes, lists.

use std::fmt;
use std::time::Duration;

use super::keys::Kind;

/// The value of one setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Text, also one word out of a choice.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A whole number, also a size in bytes.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// A length of time.
    Duration(Duration),
}

impl fmt::Display for Value {
    /// The form in which a TOML file would hold it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "{}", quoted(text)),
            Self::Texts(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                write!(formatter, "[{}]", texts.join(", "))
            }
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Flag(flag) => write!(formatter, "{flag}"),
            Self::Duration(duration) => {
                write!(formatter, "{}", quoted(&duration_text(*duration)))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Reads text from an environment variable or a flag as this kind of value.
///
/// # Errors
/// What was expected, as a clause.
pub fn parse(text: &str, kind: Kind) -> Result<Value, String> {
    let text = text.trim();
    match kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Texts => Ok(Value::Texts(
            text.split(',')
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect(),
        )),
        Kind::Numbers => Err("a list of numbers can only stand in a file".to_owned()),
        Kind::Number => text
            .parse()
            .map(Value::Number)
            .map_err(|_| kind.expectation()),
        Kind::Flag => match text {
            "true" | "1" | "yes" => Ok(Value::Flag(true)),
            "false" | "0" | "no" => Ok(Value::Flag(false)),
            _ => Err(kind.expectation()),
        },
        Kind::Duration => parse_duration(text)
            .map(Value::Duration)
            .ok_or_else(|| kind.expectation()),
        Kind::Bytes => parse_bytes(text)
            .map(Value::Number)
            .ok_or_else(|| kind.expectation()),
        Kind::Choice(words) if words.contains(&text) => Ok(Value::Text(text.to_owned())),
        Kind::Choice(_) => Err(kind.expectation()),
    }
}

/// Reads `90s`, `30 min`, `2h`, `1 h 30 min`, `250ms`, `1 d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let word_end = after
            .find(|character: char| !character.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let unit = match &after[..word_end] {
            "ms" => Duration::from_millis(1),
            "s" | "sec" | "second" | "seconds" => Duration::from_secs(1),
            "m" | "min" | "minute" | "minutes" => Duration::from_secs(60),
            "h" | "hour" | "hours" => Duration::from_secs(3_600),
            "d" | "day" | "days" => Duration::from_secs(86_400),
            _ => return None,
        };
        let part = unit.checked_mul(u32::try_from(number).ok()?)?;
        total = total.checked_add(part)?;
        rest = after[word_end..].trim_start();
    }
    Some(total)
}

/// Writes what [`parse_duration`] reads, in the largest units that lose nothing.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
    ];
    let mut rest = millis;
    let mut parts = Vec::new();
    for (length, unit) in units {
        if rest >= length {
            parts.push(format!("{} {unit}", rest / length));
            rest %= length;
        }
    }
    if rest > 0 || parts.is_empty() {
        parts.push(format!("{rest} ms"));
    }
    parts.join(" ")
}

/// Reads `4096`, `64 KiB`, `8 MiB`, `1 GiB`.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = leading_number(text.trim())?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}
