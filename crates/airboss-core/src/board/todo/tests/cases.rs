//! Every odd input that is known, one line each.

use super::*;
use crate::board::roots::TodoFound;

/// Number, title and status of each entry, and the kinds of problems.
fn picture(input: &[u8]) -> String {
    use std::fmt::Write as _;
    let file = TodoFile::parse(input);
    let mut out = String::new();
    for entry in &file.entries {
        let status = entry.status.as_ref().map_or("-", |status| status.value());
        let title = entry.title.as_deref().unwrap_or("-");
        let _ = write!(out, "{} {title} {status}; ", entry.number);
    }
    if let Some((number, _)) = file.front.next_number {
        let _ = write!(out, "next {number}; ");
    }
    for problem in &file.problems {
        let _ = write!(out, "{}:{:?} ", problem.line, problem.kind);
    }
    out.trim_end_matches([' ', ';']).to_owned()
}

fn reads(input: &str, expected: &str) {
    assert_eq!(picture(input.as_bytes()), expected, "{input}");
}

const ONE: &str = "### 1. a\n- **Status**: [PLANNED]\n";

#[test]
fn case_1_stubs() {
    reads("", "1:Stub");
    reads("# TODO - MOVED\n\nsee specs/TODO.md\n", "1:Stub");
    reads("# TODO\n", "");
    assert!(TodoFile::parse(b"\xef\xbb\xbf").is_stub);
    assert!(!TodoFile::parse(b"# TODO\n").is_stub);
}

#[test]
fn cases_2_to_6_front_matter() {
    reads(ONE, "1 a planned");
    reads("---\nnext_project_number: 58\n---\n", "next 58");
    reads(
        "---\nP26-01-16T00:00:00Z\nnext_project_number: 5\n2026-01-16T00:00:00Z\n---\n",
        "next 5; 2:FrontLine 4:FrontLine",
    );
    reads(
        "---\ntask_counts:\n  next_project_number: 7\n---\n",
        "next 7; 3:IndentedNumber",
    );
    reads(
        &format!(
            "{ONE}\n---\nlast_updated: 2026-01-01\nnext_project_number: 3\nstatus: good\n---\n"
        ),
        "1 a planned; next 3; 4:BeforeFront",
    );
    reads(
        &format!("---\nnext_project_number: 3\n\n## Tasks\n\n{ONE}\n---\n"),
        "1 a planned; 1:UnclosedFront",
    );
}

#[test]
fn case_7_a_number_twice() {
    reads(
        &format!("{ONE}{ONE}"),
        "1 a planned; 1 a planned; 1:DuplicateNumber 3:DuplicateNumber",
    );
}

#[test]
fn cases_8_to_10_what_is_a_task() {
    reads("## Task Order\n### 3. Theme\n- **Status**: [PLANNED]\n", "");
    reads(&format!("## A topic\n{ONE}"), "1 a planned");
    reads("## A topic\n### 1. Introduction\ntext\n", "");
    reads("## High Priority\n### 1. a\ntext\n", "1 a -; 2:NoStatus");
    reads("- **74** [PLANNED] - x\n772 [NOT STARTED] - y\n", "");
}

#[test]
fn case_11_headings() {
    for heading in [
        "### ✅ 31. x",
        "### 31. ✅ x",
        "### 31. x ✅",
        "### ~~31.~~ x",
        "### OC_31. x",
        "## Task 31: x",
    ] {
        reads(
            &format!("{heading}\n**Status**: [X]\n"),
            "31 x x; 2:UnknownStatus",
        );
    }
    reads(
        "### 5b. x\n- **Status**: [PLANNED]\n",
        "5 x planned; 1:OddNumber",
    );
    reads(
        "### 5b. x\n- **Status**: [PLANNED]\n### 5. y\n- **Status**: [DONE]\n",
        "5 y completed; 1:OddNumber",
    );
}

#[test]
fn cases_12_and_13_fences_and_comments() {
    reads(&format!("```\n{ONE}```\n"), "");
    reads(&format!("<!--\n{ONE}-->\n"), "");
    reads(
        &format!("{ONE}```\ntext\n\n### 2. b\n- **Status**: [DONE]\n"),
        "1 a planned; 2 b completed; 3:UnclosedFence",
    );
    reads(&format!("<!-- oh\n{ONE}"), "1 a planned; 1:UnclosedComment");
}

#[test]
fn cases_14_to_17_status_lines() {
    let one = |line: &str, expected: &str| reads(&format!("### 1. a\n{line}\n"), expected);
    one(" **Status**: [PLANNED]", "1 a planned");
    one("*Status**: [PLANNED]", "1 a planned");
    one("- **Status**: [BLOCKED] - waits", "1 a blocked");
    one(
        "- **Status**: [IMPLEMENTING] (phases 1-4 of 8)",
        "1 a implementing",
    );
    one(
        "- **Status**: [BLOCKED - waits]",
        "1 a blocked; 2:ReasonInMarker",
    );
    one("**Status**: DONE", "1 a completed; 2:BareStatus");
    one("**Status**: Not Started", "1 a not_started; 2:BareStatus");
    one(
        "**Status**: ✅ COMPLETE (all)",
        "1 a completed; 2:BareStatus",
    );
    one("- **Status**: [CREATING]", "1 a creating; 2:UnknownStatus");
    one(
        "- **Status**: [PLANNED]\ntext\n**Status**: [DONE]",
        "1 a planned; 4:RepeatedField",
    );
    let facts = TodoFile::parse(b"### 1. a\n- **Status**: [BLOCKED - waits]\n");
    assert_eq!(facts.entries[0].blocked_reason.as_deref(), Some("waits"));
}

#[test]
fn case_18_links() {
    let links = |lines: &str, expected: &[(&str, &str)], plan: Option<&str>| {
        let file = TodoFile::parse(format!("{ONE}{lines}\n\ntext\n").as_bytes());
        let facts = &file.entries[0];
        let found: Vec<_> = facts
            .artifacts
            .iter()
            .map(|artifact| (artifact.kind.as_str(), artifact.path.as_str()))
            .collect();
        assert_eq!(found, expected, "{lines}");
        assert_eq!(facts.plan.as_deref(), plan, "{lines}");
    };
    let both = [
        ("research", "1_a/reports/1.md"),
        ("research", "1_a/reports/2.md"),
    ];
    let (one, two) = ("[1.md](1_a/reports/1.md)", "[2.md](1_a/reports/2.md)");
    for separator in [" | ", ", ", " through "] {
        links(
            &format!("- **Research**: {one}{separator}{two}"),
            &both,
            None,
        );
    }
    links(
        &format!("- **Research**:\n  - {one} - note\n  - {two}"),
        &both,
        None,
    );
    links(
        "- **Research Artifacts**:\n  - Research Report: [1_a/reports/1.md]\n  - Research Report: [1_a/reports/2.md]",
        &both,
        None,
    );
    links(
        "- **Research**: [1_a/reports/1.md]\n- **Research**: [1_a/reports/2.md]",
        &both,
        None,
    );
    links(&format!("- **Artifacts**: {one}, {two}"), &both, None);
    links(
        "- **Plan**: [1.md](plans/1.md) (v2) — was [0.md](plans/0.md)",
        &[("plan", "plans/1.md"), ("plan", "plans/0.md")],
        Some("plans/1.md"),
    );
    links(
        "- **Plan**: [v1](plans/1.md) | [v2](plans/2.md)",
        &[("plan", "plans/1.md"), ("plan", "plans/2.md")],
        Some("plans/2.md"),
    );
    links("- **Summary**: It went well, see the notes", &[], None);
    links(
        "- **Plan**: `plans/1.md`",
        &[("plan", "plans/1.md")],
        Some("plans/1.md"),
    );
}

#[test]
fn case_20_fields_in_any_order() {
    let file = TodoFile::parse(b"### 1. a\n- **Artifacts**:\n  - [r.md](1_a/reports/r.md)\n- **Language**: general | **Priority**: High (soon)\n **Effort**: 2 hours\n- **Status**: [PLANNED] | **Parent**: Task 9\n- **Dependencies**: Task 3, 4\n- **Started**: 2026-01-02\n- **Subtasks**: 5 (done), 6\n\n**Description**: One\nand two | **Effort**: 3.\n");
    let facts = &file.entries[0];
    assert_eq!(facts.language.as_deref(), Some("general"));
    assert_eq!(facts.priority.as_deref(), Some("High"));
    assert_eq!(facts.effort.as_deref(), Some("2 hours"));
    assert_eq!(facts.parent, Some(9));
    assert_eq!(facts.dependencies.as_ref().unwrap().numbers, [3, 4]);
    assert_eq!(facts.subtasks, [5, 6]);
    assert_eq!(facts.times.len(), 1);
    assert_eq!(
        facts.description.as_deref(),
        Some("One and two | **Effort**: 3.")
    );
}

#[test]
fn cases_21_to_23_bytes() {
    reads(
        "\u{feff}### 1. a\r\n- **Status**: [PLANNED]\r\n\r\n### 2. b\n\t**Status**: [DONE]",
        "1 a planned; 2 b completed",
    );
    reads(
        &format!("{ONE}<<<<<<< HEAD\n=======\n>>>>>>> x\n"),
        "1 a planned; 3:Conflict",
    );
    let picture = picture(b"### 1. a\xff\n- **Status**: [PLANNED]\n");
    assert_eq!(picture, "1 a? planned; 1:InvalidUtf8");
    let damage = TodoFile::parse(format!("{ONE}<<<<<<< HEAD\n").as_bytes()).damage;
    assert_eq!(
        damage.unwrap().to_string(),
        "line 3: a merge is unfinished in task 1 (a); finish it and remove its marker lines"
    );
}

#[test]
fn a_section_is_the_entry_without_what_follows() {
    let bytes = format!("## Tasks\n\n{ONE}\n---\n\n{ONE}");
    let file = TodoFile::parse(bytes.as_bytes());
    assert_eq!(
        section(bytes.as_bytes(), &file.entries[0]),
        ONE.trim_end().as_bytes()
    );
    assert_eq!(section(b"", &file.entries[1]), b"");
}

#[test]
fn the_kind_is_told_by_the_first_entry_or_by_everything() {
    let kind = |text: &str| TodoFile::kind(text.as_bytes());
    let entry = "### 1. a\n- **Status**: [PLANNED]\n";
    let filler = "words\n".repeat(HEAD_BYTES / 6 + 1);
    assert_eq!(kind(entry), TodoFound::WithEntries);
    assert!(begins_with_entry(entry.as_bytes()));
    assert_eq!(kind(&format!("{filler}{entry}")), TodoFound::WithEntries);
    assert_eq!(kind(&filler), TodoFound::WithoutEntries);
    assert_eq!(kind(""), TodoFound::Stub);
    // The fence closes behind the first lines, so that the entry is quoted.
    assert_eq!(
        kind(&format!("```\n{entry}{filler}```\n")),
        TodoFound::WithoutEntries
    );
    assert_eq!(
        kind(&format!("<!--\n{entry}{filler}-->\n")),
        TodoFound::WithoutEntries
    );
}
