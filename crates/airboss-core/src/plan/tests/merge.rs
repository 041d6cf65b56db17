//! What git could not merge: it is settled where only markers differ, and nowhere else.

use super::*;
use crate::plan::merge::CONFLICTS_MAX;

const BEFORE: &str = "# Plan\n\nWords.\n\n";
const AFTER: &str = "\n- [ ] Mend it\n\n### Phase 2: Look [NOT STARTED]\n\n- [ ] Look\n";

fn conflict(ours: &str, theirs: &str) -> String {
    format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> side\n")
}

fn plan(middle: &str) -> String {
    format!("{BEFORE}{middle}{AFTER}")
}

/// Both sides, when this phase is known.
fn sides(text: &[u8], key: &str) -> Option<[Vec<u8>; 2]> {
    let settled = settled(text, &|phase| phase == key)?;
    Some([settled.ours, settled.theirs])
}

/// What the plan is with ours and with theirs in the place of what git left.
#[track_caller]
fn check(middle: &str, ours: &str, theirs: &str) {
    for ending in ["\n", "\r\n"] {
        let text = |middle: &str| plan(middle).replace('\n', ending).into_bytes();
        let expected = Some([text(ours), text(theirs)]);
        assert_eq!(sides(&text(middle), "1"), expected, "{middle}");
        assert_eq!(sides(&text(middle), "2"), None);
    }
}

#[track_caller]
fn stays(middle: &str) {
    assert_eq!(
        settled(plan(middle).as_bytes(), &|_| true),
        None,
        "{middle}"
    );
}

const BEGUN: &str = "### Phase 1: Mend [IN PROGRESS]\n**Started**: 2026-11-21T10:00:00Z\n";
const DONE: &str = "### Phase 1: Mend [COMPLETED]\n**Started**: 2026-11-21T10:00:00Z\n\
                    **Completed**: 2026-11-21T11:00:00Z\n";

#[test]
fn markers_and_stamps_are_settled() {
    check(&conflict(BEGUN, DONE), BEGUN, DONE);
    check(
        &conflict("### Phase 1: Mend\n", BEGUN),
        "### Phase 1: Mend\n",
        BEGUN,
    );
    let stamps = ["**Started**: 2026-11-21\n", "**Started**: 2026-11-22\n"];
    let heading = "### Phase 1: Mend [IN PROGRESS]\n";
    check(
        &format!("{heading}{}", conflict(stamps[0], stamps[1])),
        &format!("{heading}{}", stamps[0]),
        &format!("{heading}{}", stamps[1]),
    );
    let with_base = format!(
        "<<<<<<< HEAD\n{BEGUN}||||||| 1234567\n### Phase 1: Mend [NOT STARTED]\n=======\n{DONE}>>>>>>> side\n"
    );
    check(&with_base, BEGUN, DONE);
}

#[test]
fn a_conflict_within_a_conflict_is_settled() {
    let inner = conflict(BEGUN, DONE);
    check(&conflict(&conflict(&inner, DONE), BEGUN), BEGUN, BEGUN);
    let typed = conflict("Ours.\n", "Theirs.\n");
    // The outer one stays, and so phase 1 stands there twice.
    stays(&conflict(&format!("{inner}{typed}"), DONE));
}

#[test]
fn the_cells_of_the_status_table_are_settled() {
    let text = include_str!("../fixtures/board-b.md");
    let set = |status| {
        let set = set_phase_status(text.as_bytes(), "2", status, Stamps::default());
        String::from_utf8(set.unwrap()).unwrap()
    };
    let (ours, theirs) = (set(PhaseStatus::InProgress), set(PhaseStatus::Completed));
    let lines = ours.lines().zip(theirs.lines());
    let merged = lines.map(|(ours, theirs)| match ours == theirs {
        true => format!("{ours}\n"),
        false => conflict(&format!("{ours}\n"), &format!("{theirs}\n")),
    });
    let expected = [ours.clone().into_bytes(), theirs.clone().into_bytes()];
    let merged = merged.collect::<String>();
    assert_eq!(sides(merged.as_bytes(), "2"), Some(expected));
    assert_eq!(sides(merged.as_bytes(), "1"), None);
}

#[test]
fn what_is_the_authors_stays() {
    stays(BEGUN);
    stays(&conflict(BEGUN, &DONE.replace("Mend", "Tend")));
    stays(&conflict("- [x] Mend\n", "- [ ] Mend\n"));
    stays(&conflict("Words.\n", ""));
    stays(&format!("```\n{}```\n", conflict(BEGUN, DONE)));
    stays(&format!("<<<<<<< HEAD\n{BEGUN}=======\n{DONE}"));
    stays(&format!("{BEGUN}=======\n{DONE}>>>>>>> side\n"));
    stays("<<<<<<< HEAD\n>>>>>>> side\n");
    let with = |marker: &str| format!("### Phase 1: Mend [{marker}]\n");
    stays(&conflict(
        &with("BLOCKED: by Ann"),
        &with("BLOCKED: by Ben"),
    ));
    stays(&conflict(&with("BLOCKED: by Ann"), BEGUN));
    stays(&conflict(
        &with("COMPLETED"),
        "### Phase 1: Mend [IN PROGRESS]  \n",
    ));
    stays(&conflict(
        &with("COMPLETED"),
        "### Phase 1: Mend [IN PROGRESS]\r\n",
    ));
    let words = |words: &str| format!("{}**Completed**: {words}\n", with("COMPLETED"));
    stays(&conflict(&words("the lexer"), &words("the parser")));
    stays(&conflict(BEGUN, DONE).repeat(CONFLICTS_MAX + 1));
    stays(&format!("<<<<<<<<\n{BEGUN}=======\n{DONE}>>>>>>>>\n"));
}

#[test]
fn one_that_stays_does_not_keep_the_others() {
    let typed = conflict("Ours.\n", "Theirs.\n");
    let others = |middle: &str| format!("{typed}{middle}{typed}");
    check(
        &others(&conflict(BEGUN, DONE)),
        &others(BEGUN),
        &others(DONE),
    );
}

#[test]
fn the_phases_that_differ_are_named() {
    let text = plan(&conflict(BEGUN, DONE));
    let found = settled(text.as_bytes(), &|_| true).unwrap();
    assert_eq!(Vec::from_iter(found.phases), ["1"]);
}

/// A cell that could not be corrected, because its phase stands there twice, waits.
#[test]
fn what_cannot_be_written_waits() {
    let row = |marker: &str| format!("| 1. Mend | [{marker}] |\n");
    let heading = |title: &str, marker: &str| format!("### Phase 1: {title} [{marker}]\n");
    let table = conflict(&row("BLOCKED"), &row("COMPLETED"));
    let text = |headings: &str| {
        let table = format!("## Phase Status Summary\n\n| Phase | Status |\n|---|---|\n{table}");
        format!("{BEFORE}{headings}{AFTER}\n{table}").into_bytes()
    };
    let titles = conflict(&heading("Mend", "BLOCKED"), &heading("Tend", "COMPLETED"));
    assert_eq!(sides(&text(&titles), "1"), None);
    assert!(sides(&text(&heading("Mend", "BLOCKED")), "1").is_some());
}
