//! What is taken from an answer, what is left, and how a salvaged file is known again.

use proptest::prelude::*;

use super::*;
use crate::plan::Plan;

const REPORT: &str = "# The banner\n\n## Findings\n\nThe banner is 120 columns wide, which is more \
                      than the 80 that a terminal has. It is printed before the arguments are \
                      read, and nobody asks how wide the terminal is.\n";
const PLAN: &str = "# Shorten the banner\n\n### Phase 1: Measure it [NOT STARTED]\n\n\
                    - [ ] Write `docs/width.md`\n\n### Phase 2: Cut it [NOT STARTED]\n\n\
                    - **Depends on**: Phase 1\n- [ ] Cut it\n";
const SUMMARY: &str = "# Documents\n\nREADME.md says now that the banner is short, and how wide a \
                       terminal has to be so that it is shown without a break: eighty columns, \
                       which is what most of them have.\n";

fn due(kind: Kind) -> Due {
    let path = match kind {
        Kind::Plan => "specs/001_x/plans/implementation-001.md",
        _ => "specs/001_x/reports/research-001.md",
    };
    Due {
        path: RepoPath::new(path).unwrap(),
        kind,
    }
}

fn paths(names: &[&str]) -> Vec<RepoPath> {
    let paths = names.iter().map(|name| RepoPath::new(name).unwrap());
    paths.collect()
}

fn salvage() -> Salvage {
    Salvage {
        attempt: AttemptId::default(),
        at: Timestamp::parse("2026-03-02T09:15:00Z").unwrap(),
    }
}

#[track_caller]
fn taken(kind: Kind, answer: &str, changed: &[&str], expected: &str) {
    let taken = take(&due(kind), answer, &paths(changed));
    assert_eq!(taken.as_deref(), Ok(expected), "{answer}");
}

#[track_caller]
fn left(kind: Kind, answer: &str, changed: &[&str], expected: &str) {
    let refusal = take(&due(kind), answer, &paths(changed)).unwrap_err();
    assert_eq!(refusal.to_string(), expected, "{answer}");
}

#[test]
fn an_artifact_is_taken_without_what_is_said_around_it() {
    let fenced = |text: &str| {
        format!("I may not write. This is `research-001.md`:\n\n```markdown\n{text}```\n\nBye.")
    };
    taken(Kind::Report, REPORT, &[], REPORT);
    taken(
        Kind::Report,
        &format!("Here it is.\n\n{REPORT}"),
        &[],
        REPORT,
    );
    taken(Kind::Report, &fenced(REPORT), &[], REPORT);
    taken(Kind::Plan, PLAN, &[], PLAN);
    taken(Kind::Plan, &fenced(PLAN), &[], PLAN);
    taken(Kind::Summary, SUMMARY, &["README.md"], SUMMARY);
    // A fence of its own inside it, and one that is longer around it.
    let code = format!("{REPORT}\n```sh\n# not a title\nls\n```\n\nThat is all.\n");
    taken(Kind::Report, &code, &[], &code);
    taken(Kind::Report, &fenced(&code), &[], &code);
    let long = format!("````md\n{code}````\n");
    taken(Kind::Report, &long, &[], &code);
    // What could steer a terminal goes.
    taken(Kind::Report, &format!("\u{1b}[31m{REPORT}"), &[], REPORT);
}

#[test]
fn chatter_lies_and_halves_are_left() {
    let title = "has no title (`# …`)";
    left(Kind::Report, "", &[], "is empty");
    left(
        Kind::Report,
        "I wrote the report and tested it.",
        &[],
        title,
    );
    left(Kind::Plan, "Done.", &[], title);
    left(
        Kind::Report,
        "# Done\n\nIt is done.\n",
        &[],
        "has no section of findings (`## Findings`), has a body of 11 characters",
    );
    left(
        Kind::Report,
        "# Title\n\n## Findings\n\nTODO\n",
        &[],
        "is an unfilled skeleton",
    );
    left(Kind::Plan, REPORT, &[], "has no phases (`### Phase 1: …`)");
    let lie = format!("{REPORT}\nAll of it is in specs/001_x/reports/research-001.md.\n");
    let tells = "tells of `research-001.md` instead of being it";
    left(Kind::Report, &lie, &[], tells);
    // Another fence after it may have been one inside it.
    let early = format!("```markdown\n{REPORT}\n```\nls\n```\n\nThe end.\n```\n");
    left(Kind::Report, &early, &[], title);
    // It breaks off inside a fence.
    let open = format!("{REPORT}\n```sh\nls\n");
    left(Kind::Report, &open, &[], title);
    let two = format!("```md\n{REPORT}```\n");
    let two = format!("{REPORT}\n{two}");
    left(Kind::Report, &two, &[], "holds 2 texts that it could be");
    left(Kind::Any, REPORT, &[], "cannot be told from any other text");
}

#[test]
fn a_summary_tells_of_changes_that_were_made() {
    let nothing = "tells of changes, and no file was changed";
    left(Kind::Summary, SUMMARY, &[], nothing);
    let other = "names none of the changed files";
    left(Kind::Summary, SUMMARY, &["src/main.rs"], other);
}

#[test]
fn a_salvaged_file_is_known_again() {
    let due = due(Kind::Plan);
    let text = render(&due.path, &salvage(), PLAN);
    assert_eq!(
        text.lines().next().unwrap(),
        format!(
            "> Salvaged: Airboss wrote `specs/001_x/plans/implementation-001.md` from the answer \
             of attempt {} at 2026-03-02T09:15:00Z, because the agent had not written it.",
            AttemptId::default()
        )
    );
    assert_eq!(read(&due.path, &text), (Some(salvage()), PLAN));
    let windows = text.replace('\n', "\r\n");
    assert_eq!(read(&due.path, &windows).0, Some(salvage()));
    // Whoever carries it out reads the same plan.
    let (with, without) = (Plan::parse(text.as_bytes()), Plan::parse(PLAN.as_bytes()));
    assert_eq!(with.title, without.title);
    let titles =
        |plan: &Plan| -> Vec<String> { plan.phases.iter().map(|it| it.title.clone()).collect() };
    assert_eq!(titles(&with), titles(&without));
    assert_eq!(lacks(Kind::Plan, &text, &[]), Vec::<String>::new());
}

#[test]
fn what_only_looks_salvaged_is_its_agents_own() {
    let path = due(Kind::Plan).path;
    let text = render(&path, &salvage(), PLAN);
    let copy = RepoPath::new("specs/001_x/plans/implementation-002.md").unwrap();
    assert_eq!(read(&copy, &text), (None, &*text));
    for text in [PLAN, "", HEADER, &text.replace(" at 2026", " at 20x6")] {
        assert_eq!(read(&path, text), (None, text));
    }
}

proptest! {
    /// What is taken is in the answer, stands the checks of a file, and is known again.
    #[test]
    fn what_is_taken_was_said(lines in proptest::collection::vec(
        prop::sample::select(vec![
            "# Title", "## Findings", "### Phase 1: Do it", "```", "```md", "````markdown",
            "```sh", "~~~", "", "word", "README.md", "research-001.md",
            "A line that is long enough to be a part of the body of a report, and of a summary.",
            "And another one, so that there are more than a hundred and twenty characters.",
        ]), 0..24),
        kind in prop::sample::select(vec![Kind::Any, Kind::Report, Kind::Plan, Kind::Summary]),
    ) {
        let answer = lines.join("\n");
        let changed = paths(&["README.md"]);
        let due = due(kind);
        if let Ok(content) = take(&due, &answer, &changed) {
            prop_assert!(answer.contains(content.trim_end()));
            prop_assert_eq!(lacks(kind, &content, &changed), Vec::<String>::new());
            prop_assert!(!is_skeleton(content.as_bytes()));
            let text = render(&due.path, &salvage(), &content);
            let (known, rest) = read(&due.path, &text);
            prop_assert_eq!((known, rest), (Some(salvage()), &*content));
        }
    }

    /// Nothing that an agent says makes it fail.
    #[test]
    fn any_answer_is_taken_or_left(answer in "[`~#a \n\u{1b}é]{0,200}") {
        drop(take(&due(Kind::Report), &answer, &[]));
        prop_assert_eq!(read(&due(Kind::Report).path, &answer).0, None);
    }
}
