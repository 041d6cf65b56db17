//! errors.json: the recorded failures, for people and other programs.
//!
//! Two versions of the format are known, and a bare array, which counts as the first. Entries are
//! added and their `fix_status` is changed; every other byte stays. What is no errors.json, or one
//! that is not known, is never written to: failures go to [`SIDE_FILE`] instead.

use std::collections::BTreeMap;

use serde_json::Value;

use super::edit::EditError;
use super::error::{ErrorContext, ErrorEntry, FixStatus, Severity};
use crate::json::{Array, Document, Draft, Edits, Node, Object};
use crate::time::Timestamp;

/// The file beside errors.json that failures go to when errors.json cannot take them.
pub const SIDE_FILE: &str = "errors.airboss.json";

/// All entries that could be understood, in the order of the file, and what was odd, one
/// sentence each.
///
/// An entry without an id is called by its place: `err_1` is the first.
#[must_use]
pub fn read(bytes: &[u8]) -> (Vec<ErrorEntry>, Vec<String>) {
    let mut warnings = Vec::new();
    let entries = match with_file(bytes, |file| {
        let items = file.list.items().iter().enumerate();
        items
            .filter_map(|(place, item)| read_entry(place, *item, &mut warnings))
            .collect()
    }) {
        Ok(entries) => entries,
        Err(error) => {
            warnings.push(error.to_string());
            Vec::new()
        }
    };
    (entries, warnings)
}

/// The file with these failures in it: those that it has get their fix status, all others are
/// added at the end. `None` stands for no file, and gives a new one.
///
/// # Errors
/// When the file is no errors.json, or none that is known: [`SIDE_FILE`] takes the failures then.
pub fn update(base: Option<&[u8]>, errors: &[ErrorEntry]) -> Result<Vec<u8>, EditError> {
    let Some(bytes) = base else {
        return Ok(new_file(errors).into_bytes());
    };
    with_file(bytes, |file| {
        let known = file.entries();
        let mut edits = file.document.edits();
        let mut new = Vec::new();
        for error in errors {
            let Some(entry) = known.iter().find(|entry| entry.is(error)) else {
                edits.append(&file.list, file.version.draft(error));
                new.push(error);
                continue;
            };
            if read_fix_status(&entry.object) != Some(error.fix_status) {
                let word = file.version.fix_word(error.fix_status);
                edits.set(&entry.object, "fix_status", word);
            }
        }
        file.aggregate(&known, &new, &mut edits);
        file.stamp(&new, &mut edits);
        edits.finish().into_owned().into_bytes()
    })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Version {
    First,
    Second,
}

/// An errors.json that can be added to.
struct File<'file, 'text> {
    document: &'file Document<'text>,
    /// The root, unless it is the list itself.
    root: Option<&'file Object<'text>>,
    list: Array<'text>,
    version: Version,
}

fn with_file<T>(bytes: &[u8], use_it: impl FnOnce(&File<'_, '_>) -> T) -> Result<T, EditError> {
    let document = Document::from_bytes(bytes).map_err(|error| {
        aside(
            error.line,
            &format!("column {}: {}", error.column, error.fault),
        )
    })?;
    if let Some(list) = document.array() {
        return Ok(use_it(&File {
            document: &document,
            root: None,
            list: list.clone(),
            version: Version::First,
        }));
    }
    let Some(root) = document.object() else {
        return Err(aside(1, "it is neither an object nor a list"));
    };
    let Some(list) = root.array("errors") else {
        let schema = ["$schema", "$defs", "definitions", "properties"];
        return Err(match schema.iter().any(|key| root.get(key).is_some()) {
            true => aside(1, "it is a JSON Schema document"),
            false => aside(1, "it has no list `errors`"),
        });
    };
    let version = root.text("_schema_version");
    let version = match version.as_deref().map(|text| text.split('.').next()) {
        Some(Some("2")) => Version::Second,
        Some(Some("0" | "1")) => Version::First,
        Some(_) => return Err(aside(1, "its version is newer than those that are known")),
        // The second version is the one whose entries have ids.
        None if list.items().last().is_some_and(|item| {
            item.object()
                .is_some_and(|object| object.get("id").is_some())
        }) =>
        {
            Version::Second
        }
        None => Version::First,
    };
    Ok(use_it(&File {
        document: &document,
        root: Some(root),
        list,
        version,
    }))
}

fn aside(line: usize, problem: &str) -> EditError {
    EditError::Damaged {
        line,
        message: format!("{problem}; the file is left alone, and failures go to {SIDE_FILE}"),
    }
}

/// An entry that stands in the file.
struct Known<'text> {
    id: String,
    object: Object<'text>,
}

impl Known<'_> {
    /// Whether it is this failure. An entry without an id, which no Airboss wrote, is known by
    /// what it says.
    fn is(&self, error: &ErrorEntry) -> bool {
        let text = |key: &str| self.object.text(key);
        self.id == error.id
            || text("id").is_none()
                && text("type").as_deref() == Some(&error.kind)
                && text("message").as_deref() == Some(&error.message)
                && text("timestamp").is_some_and(|at| instant(&at).is_some_and(|at| at == error.at))
    }
}

impl<'text> File<'_, 'text> {
    /// The entries that are objects, with the ids that they are called by.
    fn entries(&self) -> Vec<Known<'text>> {
        let items = self.list.items().iter().enumerate();
        items
            .filter_map(|(place, item)| {
                let object = item.object()?;
                let id = id_of(place, &object);
                Some(Known { id, object })
            })
            .collect()
    }

    /// Notes the instant of the newest entry, where the file has a place for it.
    fn stamp(&self, new: &[&ErrorEntry], edits: &mut Edits<'text>) {
        let Some(at) = new.iter().map(|entry| entry.at).max() else {
            return;
        };
        if let Some(root) = self.root
            && let Some(before) = root.text("_last_updated")
            && instant(&before).is_none_or(|before| before < at)
        {
            edits.set(root, "_last_updated", at.seconds_text());
        }
    }

    /// Counts again what the new entries add to: numbers are set, lists of ids grow.
    fn aggregate(&self, known: &[Known<'text>], new: &[&ErrorEntry], edits: &mut Edits<'text>) {
        let Some(aggregations) = self.root.and_then(|root| root.object("aggregations")) else {
            return;
        };
        for (name, key_of_new) in GROUPS {
            let Some(group) = aggregations.object(name) else {
                continue;
            };
            let mut ids: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for entry in new {
                if let Some(key) = key_of_new(entry) {
                    ids.entry(key).or_default().push(&entry.id);
                }
            }
            for (key, ids) in ids {
                let before = known.iter().filter(|known| {
                    let entry = entry_of(known.id.clone(), &known.object, &mut Vec::new());
                    key_of_new(&entry).as_ref() == Some(&key)
                });
                add_to_group(edits, &group, &key, before.count(), &ids);
            }
        }
    }
}

type KeyOf = fn(&ErrorEntry) -> Option<String>;

/// The groups of `aggregations`, and what an entry counts as in each.
const GROUPS: [(&str, KeyOf); 3] = [
    ("by_type", |entry| Some(entry.kind.clone())),
    ("by_session", |entry| entry.context.session_id.clone()),
    ("by_task", |entry| {
        entry.context.task.map(|task| task.to_string())
    }),
];

fn add_to_group<'text>(
    edits: &mut Edits<'text>,
    group: &Object<'text>,
    key: &str,
    before: usize,
    ids: &[&str],
) {
    let count = before + ids.len();
    let Some(node) = group.get(key) else {
        edits.set(group, key, count);
        return;
    };
    if let Some(list) = node.array() {
        for id in ids {
            edits.append(&list, *id);
        }
    } else if let Some(object) = node.object() {
        if object.get("count").is_some() {
            edits.set(&object, "count", count);
        }
    } else {
        edits.set(group, key, count);
    }
}

fn new_file(errors: &[ErrorEntry]) -> String {
    let newest = errors.iter().map(|error| error.at).max();
    let entries = errors.iter().map(|error| Version::Second.draft(error));
    Draft::object([
        ("_schema_version", "2.0.0".into()),
        (
            "_last_updated",
            newest.unwrap_or_default().seconds_text().into(),
        ),
        ("errors", Draft::Array(entries.collect())),
    ])
    .file()
}

impl Version {
    fn fix_word(self, status: FixStatus) -> &'static str {
        match (status, self) {
            (FixStatus::Unfixed, Self::First) => "not_addressed",
            (FixStatus::Unfixed, Self::Second) => "unfixed",
            (FixStatus::Investigating, _) => "investigating",
            (FixStatus::Fixed, _) => "fixed",
        }
    }

    fn draft(self, entry: &ErrorEntry) -> Draft {
        match self {
            Self::First => first(entry),
            Self::Second => second(entry),
        }
    }
}

/// An entry of the first version. The id is more than that had; without one, neither could
/// writing it twice be told from two failures, nor could it be resolved.
fn first(entry: &ErrorEntry) -> Draft {
    let context = &entry.context;
    let mut members = Vec::new();
    members.extend(
        context
            .command
            .as_deref()
            .map(|text| ("command", text.into())),
    );
    members.extend(context.task.map(|task| ("task_number", task.into())));
    let session = context.session_id.as_deref();
    members.extend(session.map(|text| ("session_id", text.into())));
    Draft::object([
        ("id", entry.id.as_str().into()),
        ("type", entry.kind.as_str().into()),
        ("severity", severity_word(entry.severity).into()),
        ("context", Draft::object(members)),
        ("message", entry.message.as_str().into()),
        (
            "fix_status",
            Version::First.fix_word(entry.fix_status).into(),
        ),
    ])
}

fn second(entry: &ErrorEntry) -> Draft {
    let text = |text: &Option<String>| text.as_deref().map_or(Draft::NULL, Draft::from);
    let context = &entry.context;
    let mut members = vec![
        ("session_id", text(&context.session_id)),
        ("command", text(&context.command)),
        ("task", context.task.map_or(Draft::NULL, Draft::from)),
    ];
    if let Some(phase) = &context.phase {
        // A phase is a number wherever it can be.
        let number = phase.parse::<u64>().map(Draft::from);
        members.push(("phase", number.unwrap_or_else(|_| phase.as_str().into())));
    }
    if context.checkpoint.is_some() {
        members.push(("checkpoint", text(&context.checkpoint)));
    }
    Draft::object([
        ("id", entry.id.as_str().into()),
        ("timestamp", entry.at.seconds_text().into()),
        ("type", entry.kind.as_str().into()),
        ("code", entry.code.as_str().into()),
        ("severity", severity_word(entry.severity).into()),
        ("message", entry.message.as_str().into()),
        ("context", Draft::object(members)),
        // Airboss records its failures itself, whoever was at work.
        (
            "trajectory",
            Draft::object([
                ("delegation_path", Draft::Row(Vec::new())),
                ("failed_at_depth", 0_u32.into()),
            ]),
        ),
        (
            "recovery",
            Draft::object([
                ("suggested_action", entry.recommendation.as_str().into()),
                ("auto_recoverable", entry.recoverable.into()),
            ]),
        ),
        (
            "fix_status",
            Version::Second.fix_word(entry.fix_status).into(),
        ),
    ])
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

fn id_of(place: usize, object: &Object<'_>) -> String {
    match object.text("id") {
        Some(id) if !id.is_empty() => id.into_owned(),
        _ => format!("err_{}", place + 1),
    }
}

fn read_entry(place: usize, item: Node<'_>, warnings: &mut Vec<String>) -> Option<ErrorEntry> {
    let Some(object) = item.object() else {
        warnings.push(format!("errors[{place}] is no object and is left alone"));
        return None;
    };
    for key in object.duplicates() {
        warnings.push(format!(
            "errors[{place}] has {key:?} twice; the last counts"
        ));
    }
    Some(entry_of(id_of(place, &object), &object, warnings))
}

fn entry_of(id: String, object: &Object<'_>, warnings: &mut Vec<String>) -> ErrorEntry {
    let text = |object: &Object<'_>, key: &str| object.text(key).map(|text| text.into_owned());
    let at = match object.text("timestamp") {
        Some(written) => {
            let at = instant(&written);
            if at.is_none() {
                warnings.push(format!("{id} has an unreadable timestamp {written:?}"));
            }
            at
        }
        None => None,
    };
    let kind = text(object, "type").unwrap_or_default();
    let severity = object.value::<Severity>("severity").unwrap_or_else(|| {
        warnings.push(format!("{id} has no known severity and counts as medium"));
        Severity::Medium
    });
    let fix_status = read_fix_status(object).unwrap_or_else(|| {
        warnings.push(format!(
            "{id} has no known fix status and counts as unfixed"
        ));
        FixStatus::Unfixed
    });
    let recovery = object.object("recovery");
    let recovery = recovery.as_ref();
    let recoverable = recovery.and_then(|recovery| recovery.value("auto_recoverable"));
    let recommendation = recovery.and_then(|recovery| text(recovery, "suggested_action"));
    ErrorEntry {
        at: at.or_else(|| instant_of_id(&id)).unwrap_or_default(),
        code: text(object, "code").unwrap_or_else(|| kind.to_uppercase()),
        kind,
        severity,
        message: text(object, "message").unwrap_or_default(),
        recoverable: recoverable
            .or_else(|| object.value("recoverable"))
            .unwrap_or(false),
        recommendation: recommendation
            .or_else(|| text(object, "recommendation"))
            .unwrap_or_default(),
        context: object
            .object("context")
            .map_or_else(ErrorContext::default, |context| read_context(&context)),
        fix_status,
        id,
    }
}

fn read_context(context: &Object<'_>) -> ErrorContext {
    let text = |key: &str| match context.value::<Value>(key)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let task = text("task").or_else(|| text("task_number"));
    ErrorContext {
        session_id: text("session_id"),
        command: text("command"),
        task: task.and_then(|task| {
            let digits = task.trim_start_matches("OC_");
            digits.parse().ok()
        }),
        phase: text("phase"),
        checkpoint: text("checkpoint"),
    }
}

fn read_fix_status(object: &Object<'_>) -> Option<FixStatus> {
    match object.text("fix_status")?.as_ref() {
        "unfixed" | "not_addressed" => Some(FixStatus::Unfixed),
        "investigating" => Some(FixStatus::Investigating),
        "fixed" => Some(FixStatus::Fixed),
        _ => None,
    }
}

/// Reads an instant, with or without its zone, or a day alone.
fn instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}Z")))
        .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
}

/// The instant that an id carries: `err_1772442900000`.
fn instant_of_id(id: &str) -> Option<Timestamp> {
    let digits = id.strip_prefix("err_")?.split('_').next()?;
    let millis: i64 = digits.parse().ok()?;
    // Seconds have ten digits, milliseconds thirteen; a place in the list has fewer.
    (digits.len() >= 12).then(|| Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests;
