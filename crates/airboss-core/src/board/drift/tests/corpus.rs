//! Real pairs of files, held against a second reader that shares nothing with the parsers.
//!
//! The second reader goes line by line, knows nothing of spans and edits, and counts the
//! disagreements as sets. What both find is what is there.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::board::state_file::StateFile;
use crate::board::todo::TodoFile;

/// Kind, number, and the two statuses.
type Finding = (&'static str, u32, String, String);

#[test]
fn exactly_the_disagreements_that_are_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/pairs");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("no corpus beside the checkout: real pairs are not compared");
        return;
    };
    let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
    let mut pairs = 0;
    let mut differ = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let (Ok(todo), Ok(state)) = (
            std::fs::read(path.join("TODO.md")),
            std::fs::read(path.join("state.json")),
        ) else {
            continue;
        };
        let Some(expected) = second_reader(&String::from_utf8_lossy(&todo), &state) else {
            assert!(StateFile::parse(&state).is_err(), "{}", path.display());
            continue;
        };
        pairs += 1;
        let found = found(&todo, &state);
        for (kind, ..) in &found {
            *totals.entry(kind).or_default() += 1;
        }
        if found != expected {
            let more: Vec<_> = found.difference(&expected).collect();
            let less: Vec<_> = expected.difference(&found).collect();
            differ.push(format!("{}: {more:?} instead of {less:?}", path.display()));
        }
    }
    eprintln!("{pairs} pairs: {totals:?}");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// What the module finds.
fn found(todo: &[u8], state: &[u8]) -> BTreeSet<Finding> {
    let todo = TodoFile::parse(todo);
    let state = StateFile::parse(state).unwrap();
    let todo_next = todo.front.next_number.as_ref().map(|(number, _)| *number);
    let found = between(
        &todo.entries,
        todo_next,
        &state.tasks,
        state.next_number,
        &[],
    );
    let status = |facts: &[TaskFacts], line: usize| {
        let facts = facts.iter().find(|facts| facts.line == line).unwrap();
        facts
            .status
            .as_ref()
            .map_or_else(String::new, ToString::to_string)
    };
    let findings = found.iter().map(|found| match found {
        Disagreement::OnlyInTodo { number, todo: said } => {
            let status = status(&todo.entries, said.line);
            ("only in TODO.md", *number, status, String::new())
        }
        Disagreement::OnlyInState {
            number,
            state: said,
        } => {
            let status = status(&state.tasks, said.line);
            ("only in state.json", *number, String::new(), status)
        }
        Disagreement::Status {
            number,
            todo: left,
            state: right,
        } => (
            "status",
            *number,
            status(&todo.entries, left.line),
            status(&state.tasks, right.line),
        ),
        Disagreement::NextNumber { todo, state } => {
            ("next number", 0, todo.to_string(), state.to_string())
        }
    });
    findings.collect()
}

/// What a plain reading finds; `None` when state.json is no board.
fn second_reader(todo: &str, state: &[u8]) -> Option<BTreeSet<Finding>> {
    let state: Value = serde_json::from_slice(state).ok()?;
    let active = state.get("active_projects")?.as_array()?;
    let (entries, todo_next) = entries(todo);
    let mut findings = BTreeSet::new();
    let state_next = state["next_project_number"].as_u64();
    if let (Some(todo), Some(state)) = (todo_next, state_next)
        && todo != state
    {
        findings.insert(("next number", 0, todo.to_string(), state.to_string()));
    }
    let records = |list: &[Value]| -> Vec<(u32, String)> {
        let numbered = list.iter().filter_map(|task| {
            let number = &task["project_number"];
            let text = number
                .as_str()
                .map(|text| text.trim_start_matches("OC_").to_owned());
            let number = text.unwrap_or_else(|| number.to_string()).parse().ok()?;
            Some((number, normal(task["status"].as_str().unwrap_or_default())))
        });
        numbered.collect()
    };
    let empty = Vec::new();
    let list = |key: &str| state[key].as_array().unwrap_or(&empty).clone();
    let lists = [
        records(active),
        records(&list("pending_tasks")),
        legacy(&state),
        records(&list("completed_projects")),
    ];
    let listed: BTreeSet<u32> = entries.iter().map(|(number, _)| *number).collect();
    for (number, todo) in &entries {
        let of = |list: &[(u32, String)]| -> Vec<String> {
            let found = list.iter().filter(|(known, _)| known == number);
            found.map(|(_, status)| status.clone()).collect()
        };
        let first = lists
            .iter()
            .enumerate()
            .find(|(_, list)| !of(list).is_empty());
        let Some((place, list)) = first else {
            findings.insert(("only in TODO.md", *number, todo.clone(), String::new()));
            continue;
        };
        for state in of(list) {
            if state != *todo && (place == 0 || !state.is_empty()) {
                findings.insert(("status", *number, todo.clone(), state));
            }
        }
    }
    for (number, status) in &lists[0] {
        if !listed.contains(number) {
            findings.insert(("only in state.json", *number, String::new(), status.clone()));
        }
    }
    Some(findings)
}

fn legacy(state: &Value) -> Vec<(u32, String)> {
    let Some(map) = state["tasks"].as_object() else {
        return Vec::new();
    };
    let tasks = map.iter().filter_map(|(number, task)| {
        Some((
            number.parse().ok()?,
            normal(task["status"].as_str().unwrap_or_default()),
        ))
    });
    tasks.collect()
}

/// Lower case with `_`, aliases resolved, cut after the words that are known.
fn normal(text: &str) -> String {
    let text = text.trim().to_lowercase().replace([' ', '-'], "_");
    let known = [
        ("not_started", "not_started"),
        ("researching", "researching"),
        ("researched", "researched"),
        ("planning", "planning"),
        ("planned", "planned"),
        ("revising", "revising"),
        ("revised", "revised"),
        ("implementing", "implementing"),
        ("implemented", "implemented"),
        ("partial", "partial"),
        ("blocked", "blocked"),
        ("completed", "completed"),
        ("complete", "completed"),
        ("done", "completed"),
        ("in_progress", "implementing"),
        ("pending", "not_started"),
        ("abandoned", "abandoned"),
        ("expanded", "expanded"),
        ("pr_ready", "pr_ready"),
        ("on_hold", "on_hold"),
        ("superseded", "superseded"),
    ];
    for (word, value) in known {
        let rest = text.strip_prefix(word);
        if rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)) {
            return value.to_owned();
        }
    }
    text
}

/// The entries with their statuses, and the next number.
fn entries(text: &str) -> (Vec<(u32, String)>, Option<u64>) {
    let mut next = None;
    let mut in_fence = false;
    let mut section = String::new();
    let mut entries: Vec<(u32, Option<String>, bool)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        if let Some(value) = line.trim().strip_prefix("next_project_number:")
            && next.is_none()
        {
            next = value.trim().parse().ok();
        }
        if line.starts_with("# ") || line.starts_with("## ") || line.starts_with("### ") {
            open = false;
            if let Some(name) = line.strip_prefix("## ") {
                name.clone_into(&mut section);
            }
            let number = heading(line);
            if let Some(number) = number.filter(|_| !section.contains("Order")) {
                let sure = section.contains("Priority") || section.contains("Task");
                entries.push((number, None, sure));
                open = true;
            }
        } else if line.trim_end() == "---" {
            open = false;
        } else if open
            && let Some((_, status, _)) = entries.last_mut()
            && status.is_none()
        {
            *status = status_line(line);
        }
    }
    let entries = entries
        .into_iter()
        .filter(|(_, status, sure)| *sure || status.is_some());
    let entries = entries.map(|(number, status, _)| (number, normal(&status.unwrap_or_default())));
    (entries.collect(), next)
}

fn heading(line: &str) -> Option<u32> {
    if let Some(task) = line.strip_prefix("## Task ") {
        return task.split(':').next()?.trim().parse().ok();
    }
    let rest = line.strip_prefix("### ")?;
    let rest = rest.trim_start_matches(|character: char| {
        !character.is_ascii_alphanumeric() && !"[(*`".contains(character)
    });
    let rest = rest.strip_prefix("OC_").unwrap_or(rest);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let after = rest.strip_prefix(digits.as_str())?.trim_start_matches('~');
    after.starts_with('.').then_some(())?;
    digits.parse().ok()
}

fn status_line(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches(['-', '*', '+', ' ']);
    let rest = line.strip_prefix("Status")?.trim_start_matches(['*', ' ']);
    let value = rest.strip_prefix(':')?.trim_start_matches(['*', ' ']);
    let bracketed = value
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next());
    let value = bracketed.unwrap_or(value);
    Some(
        value
            .trim_start_matches(|character: char| !character.is_alphanumeric())
            .to_owned(),
    )
}
