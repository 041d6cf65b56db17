//! What the flights have in common: plans, and questions about what became of them.

use std::collections::BTreeMap;

use airboss_testkit::environment::{Output, TestEnvironment};

/// The plan that most flights fly.
pub(crate) const PLAN: &str = "plans/work.md";

/// A fresh environment.
pub(crate) fn environment() -> TestEnvironment {
    TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"))
}

/// A plan of phases, each with its steps as `(id, text)`; a phase depends on the one before.
pub(crate) fn plan(phases: &[&[(&str, &str)]]) -> String {
    let mut text = String::from("# Plan: Work\n\n## Implementation Phases\n");
    for (place, steps) in phases.iter().enumerate() {
        let number = place + 1;
        let before = if place == 0 {
            String::new()
        } else {
            place.to_string()
        };
        text.push_str(&phase(number, &before, steps, ""));
    }
    text
}

/// A phase with its dependencies as in `1, 2`, and lines such as an execution note.
pub(crate) fn phase(number: usize, after: &str, steps: &[(&str, &str)], notes: &str) -> String {
    let lines: Vec<String> = steps
        .iter()
        .map(|(id, text)| format!("- [ ] {id} {text}\n"))
        .collect();
    format!(
        "\n### Phase {number}: Part {number} [NOT STARTED]\n**Dependencies**: [{after}]\n{notes}\
         **Tasks**:\n{}",
        lines.concat()
    )
}

/// Ten steps in three phases, each of which writes one file.
pub(crate) fn ten_steps() -> String {
    let text = |id: &str| format!("Write `out/{}.txt`", id.replace('.', "-"));
    let phases: Vec<Vec<(String, String)>> = [(1, 3), (2, 4), (3, 3)]
        .iter()
        .map(|(phase, count)| {
            (1..=*count)
                .map(|step| format!("{phase}.{step}"))
                .map(|id| (id.clone(), text(&id)))
                .collect()
        })
        .collect();
    let borrowed: Vec<Vec<(&str, &str)>> = phases
        .iter()
        .map(|steps| {
            steps
                .iter()
                .map(|(id, text)| (id.as_str(), text.as_str()))
                .collect()
        })
        .collect();
    let slices: Vec<&[(&str, &str)]> = borrowed.iter().map(Vec::as_slice).collect();
    plan(&slices)
}

/// The script under which every step writes the file that it is due.
pub(crate) const DILIGENT: &str = r#"
[default]
actions = [
  { say = "Working on {step}." },
  { write = "out/{slug}.txt", text = "made by {step}\n" },
  { say = "Done." },
]
"#;

/// A script with sections before the diligent default.
pub(crate) fn script(sections: &str) -> String {
    format!("{sections}\n{DILIGENT}")
}

/// The status of each step by status.json of the plan.
pub(crate) fn statuses(environment: &TestEnvironment) -> BTreeMap<String, String> {
    statuses_of(environment, "work")
}

/// The same for a plan by its name.
pub(crate) fn statuses_of(environment: &TestEnvironment, name: &str) -> BTreeMap<String, String> {
    let text = environment.read(&format!("docs/plan-outputs/{name}/status.json"));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let word = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
            (word("id"), word("status"))
        })
        .collect()
}

/// The steps with a status, with blanks between.
pub(crate) fn with_status(environment: &TestEnvironment, status: &str) -> String {
    let found = statuses(environment);
    let ids: Vec<&str> = found
        .iter()
        .filter(|(_, is)| *is == status)
        .map(|(id, _)| id.as_str())
        .collect();
    ids.join(" ")
}

/// One commit: its subject and its files, the plan's own file and Airboss's left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) files: Vec<String>,
}

/// Airboss's commits, the oldest first.
pub(crate) fn commits(environment: &TestEnvironment) -> Vec<Commit> {
    let ids = environment.git(["rev-list", "--reverse", "HEAD"]);
    ids.lines()
        .map(|id| {
            let body = environment.git(["show", "--no-patch", "--format=%B", id]);
            let files = environment.git(["show", "--name-only", "--format=", id]);
            Commit {
                id: id.to_owned(),
                subject: body.lines().next().unwrap_or_default().to_owned(),
                body,
                files: files.lines().map(str::to_owned).collect(),
            }
        })
        .filter(|commit| commit.body.contains("Airboss-Operation"))
        .collect()
}

/// The headings, steps and criteria of the plan as it is now.
pub(crate) fn outline(environment: &TestEnvironment) -> String {
    let text = environment.read(PLAN);
    let lines = text.lines().filter(|line| line.starts_with(['#', '-']));
    lines.collect::<Vec<_>>().join("\n")
}

/// Compares the lines that hold a text, of what a run told, with an inline snapshot.
macro_rules! assert_told {
    ($environment:expr, $output:expr, $text:expr, @$snapshot:literal) => {{
        let told = $output.told($text).join("\n");
        $environment
            .settings()
            .bind(|| insta::assert_snapshot!(told, @$snapshot));
    }};
}
pub(crate) use assert_told;

/// The attempts that a run tells it started, by step.
pub(crate) fn starts(output: &Output, step: &str) -> usize {
    output.told(&format!("started  {step} ")).len()
}

/// The prompts that a step's attempts were given, the first attempt first.
pub(crate) fn prompts(environment: &TestEnvironment, step: &str) -> Vec<String> {
    let mut found: Vec<(u64, String)> = Vec::new();
    for entry in fs_err::read_dir(environment.path(".git/airboss/attempts")).unwrap() {
        let file = entry.unwrap().path().join("attempt.json");
        let Ok(bytes) = fs_err::read(file) else {
            continue;
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        if value["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|id| id == step)
        {
            let text = value["prompt"].as_str().unwrap().to_owned();
            found.push((value["sequence"].as_u64().unwrap(), text));
        }
    }
    found.sort();
    found.into_iter().map(|(_, prompt)| prompt).collect()
}
