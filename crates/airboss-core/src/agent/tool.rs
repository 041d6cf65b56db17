//! What a tool is asked to do, in one line, and which files it will write.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lenient::{Items, Object, Text};
use super::{MESSAGE_LIMIT, message};
use crate::text::{head, sanitize};

/// The most files that one call is taken to write.
const FILES_LIMIT: usize = 64;
/// The most that is kept of an input none of whose fields is known.
const UNKNOWN_LIMIT: usize = 400;
/// A tool's line on a screen is cut at this many characters.
const TOOL_LINE_CHARACTERS: usize = 120;

/// What a tool is asked to do.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ToolInput {
    /// The one field that tells most, such as the command or the path; bounded.
    pub summary: String,
    /// Files that the tool says it writes, as the agent spells them. Text, not paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// The fields of tool inputs that people want to see, most telling first.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    command: Text<'a>,
    #[serde(borrow)]
    cmd: Text<'a>,
    #[serde(borrow)]
    file_path: Text<'a>,
    #[serde(borrow)]
    notebook_path: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    pattern: Text<'a>,
    #[serde(borrow)]
    query: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    prompt: Text<'a>,
    #[serde(borrow)]
    questions: Items<'a, Asked<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked<'a> {
    #[serde(borrow)]
    question: Text<'a>,
}

/// What Claude's tool `name` is asked to do, and the questions it asks the person.
pub(super) fn claude_input(name: &str, input: Option<&RawValue>) -> (ToolInput, Vec<String>) {
    let Some(input) = input else {
        return (ToolInput::default(), Vec::new());
    };
    let fields: Object<Fields<'_>> = serde_json::from_str(input.get()).unwrap_or_default();
    let fields = fields.0.unwrap_or_default();
    let candidates = [
        &fields.command,
        &fields.cmd,
        &fields.file_path,
        &fields.notebook_path,
        &fields.path,
        &fields.pattern,
        &fields.query,
        &fields.url,
        &fields.description,
        &fields.prompt,
    ];
    let known = candidates.iter().find_map(|text| text.get());
    let summary = known.map_or_else(|| head(input.get(), UNKNOWN_LIMIT).to_owned(), message);
    let path = match name {
        "Write" | "Edit" | "MultiEdit" => fields.file_path.get(),
        "NotebookEdit" => fields
            .notebook_path
            .get()
            .or_else(|| fields.file_path.get()),
        _ => None,
    };
    // A path that had to be cut is no path.
    let files = path
        .filter(|path| path.len() <= MESSAGE_LIMIT)
        .map(str::to_owned);
    let questions = if name == "AskUserQuestion" {
        fields
            .questions
            .items
            .iter()
            .filter_map(|asked| asked.question.get().map(message))
            .collect()
    } else {
        Vec::new()
    };
    (
        ToolInput {
            summary,
            files: files.into_iter().collect(),
        },
        questions,
    )
}

/// An input known by one text alone.
pub(super) fn summary(text: &str) -> ToolInput {
    ToolInput {
        summary: message(text),
        files: Vec::new(),
    }
}

/// The writing of these files.
pub(super) fn files<'a>(paths: impl Iterator<Item = &'a str>) -> ToolInput {
    let files: Vec<String> = paths
        .filter(|path| path.len() <= MESSAGE_LIMIT)
        .take(FILES_LIMIT)
        .map(str::to_owned)
        .collect();
    ToolInput {
        summary: message(&files.join(", ")),
        files,
    }
}

/// A tool and what it is asked to do, on one line, safe to show.
#[must_use]
pub fn tool_line(name: &str, input: &ToolInput) -> String {
    let text = if input.summary.is_empty() {
        name.to_owned()
    } else {
        format!("{name} {}", input.summary)
    };
    let line: String = sanitize(&text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    match line.char_indices().nth(TOOL_LINE_CHARACTERS) {
        Some((position, _)) => format!("{}…", &line[..position]),
        None => line,
    }
}
