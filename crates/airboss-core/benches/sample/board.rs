//! A board of any size, the same on every machine.
//!
//! Ten thousand tasks make a TODO.md of 1.9 MB and a state.json of 2.7 MB. Every fifth task
//! waits for the one before it, and every task has a plan of two phases.

/// The TODO.md of a board with tasks 1 to this number, the newest first.
pub(crate) fn todo(tasks: usize) -> String {
    let next = tasks + 1;
    let front = format!("---\nnext_project_number: {next}\n---\n\n# TODO\n\n## Tasks\n");
    let entries = (1..=tasks).rev().map(entry);
    std::iter::once(front).chain(entries).collect()
}

fn entry(number: usize) -> String {
    let waits = waits_for(number).map_or("None".to_owned(), |other| format!("Task #{other}"));
    let plan = plan_path(number);
    format!(
        "\n### {number}. Sort the letters of berth {number}\n\
         - **Effort**: 2 hours\n- **Status**: [PLANNED]\n- **Language**: general\n\
         - **Dependencies**: {waits}\n- **Plan**: [01_sort.md]({plan})\n\n\
         **Description**: Every letter of berth {number} lies in its own box.\n"
    )
}

/// The state.json of the same board.
pub(crate) fn state(tasks: usize) -> String {
    let objects: Vec<String> = (1..=tasks)
        .map(|number| {
            let waits = waits_for(number).map_or(String::new(), |other| other.to_string());
            let plan = plan_path(number);
            format!(
                "    {{\n      \"project_number\": {number},\n      \"project_name\": \"{}\",\n      \
                 \"status\": \"planned\",\n      \"language\": \"general\",\n      \
                 \"effort\": \"2 hours\",\n      \"dependencies\": [{waits}],\n      \
                 \"artifacts\": [\n        {{\n          \"type\": \"plan\",\n          \
                 \"path\": \"specs/{plan}\"\n        }}\n      ]\n    }}",
                slug(number)
            )
        })
        .collect();
    format!(
        "{{\n  \"next_project_number\": {},\n  \"active_projects\": [\n{}\n  ]\n}}\n",
        tasks + 1,
        objects.join(",\n")
    )
}

/// The directory of a task below the specs root.
pub(crate) fn directory(number: usize) -> String {
    format!("{number:03}_{}", slug(number))
}

/// The plan of a task below the specs root.
pub(crate) fn plan_path(number: usize) -> String {
    format!("{}/plans/01_sort.md", directory(number))
}

/// What it says.
pub(crate) fn plan(number: usize) -> String {
    format!(
        "# Implementation Plan: Task #{number}\n\n- **Status**: [PLANNED]\n\n\
         ## Implementation Phases\n\n### Phase 1: Open the bags [NOT STARTED]\n\n\
         **Goal**: every bag is open.\n\n### Phase 2: Sort [NOT STARTED]\n\n\
         **Goal**: every letter lies in its box.\n"
    )
}

/// The state.json in a task's own directory.
pub(crate) fn own_state(number: usize) -> String {
    format!(
        "{{\n  \"project_number\": {number},\n  \"project_name\": \"{}\",\n  \
         \"status\": \"planned\"\n}}\n",
        slug(number)
    )
}

fn slug(number: usize) -> String {
    format!("sort_the_letters_of_berth_{number}")
}

fn waits_for(number: usize) -> Option<usize> {
    (number > 1 && number.is_multiple_of(5)).then_some(number - 1)
}
