//! The tools by name: what each takes, and the check of what it is given.
//!
//! The schemas are written by hand: an agent pays for each of their tokens.

use std::sync::Arc;

use airboss_core::report::{NAME_MAX, QUESTION_MAX, TEXT_MAX};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

/// A tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// What can be worked on now.
    Next,
    /// One task, step, or the agent's own work.
    Task,
    /// A report; its kind is the tool's name.
    Report,
}

/// Everything that is said of a tool.
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    description: &'static str,
    /// The argument that has to be there, its meaning and its length.
    required: Option<(&'static str, &'static str, usize)>,
}

const fn report(
    name: &'static str,
    description: &'static str,
    required: (&'static str, &'static str, usize),
) -> Definition {
    Definition {
        name,
        kind: Kind::Report,
        description,
        required: Some(required),
    }
}

/// The tools, in the order in which they are listed.
pub(super) const TOOLS: [Definition; 9] = [
    Definition {
        name: "next",
        kind: Kind::Next,
        description: "Show which steps of the plan and tasks of the board can be worked on now.",
        required: None,
    },
    Definition {
        name: "task",
        kind: Kind::Task,
        description: "Show a task of the board with its artifacts, or a step of the plan. \
                      Without arguments: what you work on.",
        required: None,
    },
    report(
        "progress",
        "Tell how far you are. Recorded as your claim; nothing depends on it.",
        ("text", "How far, in a sentence.", TEXT_MAX),
    ),
    report(
        "note",
        "Tell something that whoever reads the log should know.",
        ("text", "The note.", TEXT_MAX),
    ),
    report(
        "finding",
        "Tell something that you found out. What is due in a file still belongs there.",
        ("text", "The finding.", TEXT_MAX),
    ),
    report(
        "phase_started",
        "Tell that you begin a phase.",
        ("phase", "Its number or name.", NAME_MAX),
    ),
    report(
        "phase_done",
        "Tell that you are done with a phase. It is checked by evidence, not by this.",
        ("phase", "Its number or name.", NAME_MAX),
    ),
    report(
        "artifact_ready",
        "Tell that a file that was due is there. It is checked.",
        ("path", "The file, from the top of the work tree.", NAME_MAX),
    ),
    report(
        "ask",
        "Ask a person when you cannot go on without an answer. End your work afterwards: you \
         are started again with the answer.",
        ("question", "The question.", QUESTION_MAX),
    ),
];

impl Definition {
    /// The tool of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    fn properties(&self) -> JsonObject {
        let properties = match (self.kind, self.required) {
            (Kind::Next, _) => json!({
                "count": {
                    "type": "integer", "minimum": 1, "maximum": 50,
                    "description": "How many of each at most; 3 unless told.",
                },
            }),
            (Kind::Task, _) => json!({
                "number": {
                    "type": "integer", "minimum": 1, "maximum": u32::MAX,
                    "description": "The task's number on the board.",
                },
                "step": { "type": "string", "description": "The step's id in the plan." },
            }),
            (Kind::Report, required) => {
                let mut properties = json!({
                    "step": {
                        "type": "string",
                        "description": "Your step, if you have several.",
                    },
                });
                if let Some((name, description, length)) = required {
                    properties[name] = json!({
                        "type": "string", "maxLength": length, "description": description,
                    });
                }
                properties
            }
        };
        match properties {
            Value::Object(properties) => properties,
            _ => JsonObject::new(),
        }
    }

    fn required_name(&self) -> Option<&'static str> {
        self.required.map(|(name, ..)| name)
    }

    /// The tool as it is listed.
    pub(super) fn tool(&self) -> Tool {
        let mut schema = JsonObject::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), self.properties().into());
        if let Some(required) = self.required_name() {
            schema.insert("required".to_owned(), json!([required]));
        }
        schema.insert("additionalProperties".to_owned(), json!(false));
        let annotations = ToolAnnotations::new()
            .read_only(self.kind != Kind::Report)
            .destructive(false)
            .open_world(false);
        Tool::new(self.name, self.description, Arc::new(schema)).annotate(annotations)
    }

    /// Says what is wrong with arguments, by their names.
    pub(super) fn problem(&self, given: &JsonObject) -> Option<String> {
        let properties = self.properties();
        for (name, value) in given {
            let Some(property) = properties.get(name) else {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                let name = airboss_core::text::head(name, 80);
                let known = known.join(", ");
                return Some(format!("there is no argument {name:?}; there are: {known}"));
            };
            let fits = match property["type"].as_str() {
                Some("integer") => {
                    let in_range = |number: u64| {
                        let (least, most) = (&property["minimum"], &property["maximum"]);
                        least.as_u64() <= Some(number) && Some(number) <= most.as_u64()
                    };
                    value.as_u64().is_some_and(in_range)
                }
                _ => value.is_string(),
            };
            if !fits {
                let what = match property["type"].as_str() {
                    Some("integer") => {
                        format!("an integer from 1 to {}", property["maximum"])
                    }
                    _ => "a string".to_owned(),
                };
                return Some(format!("`{name}` has to be {what}"));
            }
        }
        let required = self.required_name()?;
        (!given.contains_key(required)).then(|| format!("`{required}` is missing"))
    }
}
