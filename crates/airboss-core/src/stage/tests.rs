//! Stages: entered, refused, finished; what files have to say; what prompts look like.

use insta::assert_snapshot;

use super::prompt::{Parts, Template, built_in};
use super::work::suggested_topics;
use super::*;
use crate::artifact::{Kind, lacks};
use crate::board::command::Standing;
use crate::board::ready::waits_of;
use crate::board::testing::{after, at, board, task, waiting};
use crate::board::transition::Mode;
use crate::board::{Artifact, Board, PhaseState};
use crate::operation::Actor;
use crate::path::RepoPath;
use crate::plan::PhaseStatus;

fn standing(board: &Board, mode: Mode, force: bool) -> Standing<'_> {
    Standing {
        board,
        actor: Actor::Airboss,
        mode,
        force,
        now: at(60),
    }
}

/// What task 1 becomes when it enters a stage, or why it does not.
fn enter(status: &str, stage: Stage, plan: PlanAtHand<'_>) -> String {
    entered(&board([task(1, status)]), stage, plan, false, false)
}

fn entered(board: &Board, stage: Stage, plan: PlanAtHand<'_>, resume: bool, force: bool) -> String {
    let waits = waits_of(board, board.find(1).unwrap());
    let entry = Entry {
        stage,
        waits: &waits,
        plan,
        resume,
    };
    match begin(&standing(board, Mode::Permissive, force), 1, &entry) {
        Ok(operations) => {
            let after = after(board, &operations);
            after.find(1).unwrap().status.to_string()
        }
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn who_may_enter_a_stage() {
    use PlanAtHand::{None, There};
    let check = |status: &str, stage, plan, expected: &str| {
        assert_eq!(
            enter(status, stage, plan),
            expected,
            "{stage} from {status}"
        );
    };
    check("not_started", Stage::Research, None, "researching");
    check("implementing", Stage::Research, There, "researching");
    check("researched", Stage::Plan, None, "planning");
    check("planned", Stage::Revise, There, "revising");
    check("planned", Stage::Implement, There, "implementing");
    check("partial", Stage::Implement, There, "implementing");
    check("completed", Stage::Test, There, "completed");
    check("completed", Stage::Document, There, "completed");
}

#[test]
fn who_may_not() {
    let gone = PlanAtHand::Gone("1_x/plans/implementation-001.md");
    let refused = [
        enter("completed", Stage::Research, PlanAtHand::None),
        enter("abandoned", Stage::Test, PlanAtHand::None),
        enter("researching", Stage::Research, PlanAtHand::None),
        enter("blocked", Stage::Implement, PlanAtHand::There),
        enter("planned", Stage::Plan, PlanAtHand::There),
        enter("researched", Stage::Implement, PlanAtHand::None),
        enter("planned", Stage::Revise, gone),
        entered(
            &board([waiting(1, "planned", &[2, 7]), task(2, "planned")]),
            Stage::Implement,
            PlanAtHand::There,
            false,
            false,
        ),
    ];
    assert_snapshot!(refused.join("\n"), @"
    task 1 is completed; --force begins it again
    task 1 is abandoned; --force begins it again
    task 1 is researching and no run is behind it; --resume goes on with it
    task 1 is blocked; `airboss task unblock 1` ends that
    task 1 has a plan; `airboss revise 1` writes its next version
    task 1 has no plan; `airboss plan 1` writes one
    the plan of task 1 is not there: 1_x/plans/implementation-001.md; `airboss task plan 1 PATH` names another
    task 1 waits for task 2, which is planned; waits for task 7, which does not exist; --force begins it all the same
    ");
}

#[test]
fn force_opens_what_a_person_may_open_and_no_more() {
    let check = |board: &Board, stage, plan, expected: &str| {
        assert_eq!(entered(board, stage, plan, false, true), expected);
    };
    let finished = board([task(1, "completed")]);
    check(&finished, Stage::Research, PlanAtHand::None, "researching");
    let waits = board([waiting(1, "planned", &[7])]);
    check(&waits, Stage::Implement, PlanAtHand::There, "implementing");
    let bare = board([task(1, "researched")]);
    let none = "task 1 has no plan; `airboss plan 1` writes one";
    check(&bare, Stage::Implement, PlanAtHand::None, none);
}

fn closing<'a>(
    stage: Stage,
    end: End,
    artifacts: &'a [Artifact],
    phases: &'a [(String, PhaseStatus)],
) -> Closing<'a> {
    Closing {
        stage,
        end,
        artifacts,
        phases,
        besides: &[],
    }
}

fn ended(stage: Stage, end: End, phases: &[(&str, PhaseStatus)], marked: &[&str]) -> String {
    let before = board([task(1, "researched")]);
    let entry = Entry {
        stage,
        waits: &[],
        plan: PlanAtHand::There,
        resume: false,
    };
    let begun = begin(&standing(&before, Mode::Strict, true), 1, &entry).unwrap();
    let mut begun = after(&before, &begun);
    for key in marked {
        let mut task = begun.find(1).unwrap().clone();
        let state = PhaseState {
            status: PhaseStatus::Completed,
            started: None,
            completed: None,
        };
        task.phases.insert((*key).to_owned(), state);
        begun = board([task]);
    }
    let phases: Vec<(String, PhaseStatus)> = phases
        .iter()
        .map(|(key, status)| ((*key).to_owned(), *status))
        .collect();
    let artifact = Artifact {
        path: "1_x/made.md".to_owned(),
        kind: stage.kind().to_owned(),
        summary: None,
    };
    let made = match end {
        End::Done => vec![artifact],
        _ => Vec::new(),
    };
    let standing = standing(&begun, Mode::Strict, false);
    let operations = finish(&standing, 1, &closing(stage, end, &made, &phases)).unwrap();
    let after = after(&begun, &operations);
    let task = after.find(1).unwrap();
    let plan = task.plan.as_deref().unwrap_or("no plan");
    format!("{}, {} linked, {plan}", task.status, task.artifacts.len())
}

#[test]
fn what_an_end_means() {
    use PhaseStatus::{Completed, NotStarted};
    let check = |stage, end, expected: &str| {
        assert_eq!(ended(stage, end, &[], &[]), expected, "{stage} {end:?}");
    };
    check(Stage::Research, End::Done, "researched, 1 linked, no plan");
    check(Stage::Plan, End::Done, "planned, 1 linked, 1_x/made.md");
    check(Stage::Plan, End::Nothing, "researched, 0 linked, no plan");
    check(
        Stage::Research,
        End::Partial,
        "researched, 0 linked, no plan",
    );
    check(
        Stage::Implement,
        End::Nothing,
        "researched, 0 linked, no plan",
    );
    check(Stage::Debug, End::Done, "researched, 1 linked, no plan");
    let phases = [("1", Completed), ("2", NotStarted)];
    assert_eq!(
        ended(Stage::Implement, End::Done, &phases, &["2"]),
        "completed, 1 linked, no plan"
    );
    assert_eq!(
        ended(Stage::Implement, End::Done, &phases, &[]),
        "partial, 1 linked, no plan"
    );
    assert_eq!(
        ended(Stage::Implement, End::Partial, &phases, &[]),
        "partial, 0 linked, no plan"
    );
}

#[test]
fn who_changed_the_status_meanwhile_keeps_it() {
    let before = board([task(1, "abandoned")]);
    let standing = standing(&before, Mode::Permissive, false);
    let operations = finish(
        &standing,
        1,
        &closing(Stage::Research, End::Nothing, &[], &[]),
    )
    .unwrap();
    assert!(operations.is_empty(), "{operations:?}");
}

#[test]
fn what_each_kind_has_to_say() {
    let body = "The banner is 120 columns wide, which is more than a terminal has. ".repeat(3);
    let check = |kind, text: &str, expected: &[&str]| {
        let changed = [RepoPath::new("src/banner.rs").unwrap()];
        assert_eq!(lacks(kind, text, &changed), expected, "{text}");
    };
    let report = format!("# Report\n\n## Findings\n\n{body}\n");
    check(Kind::Report, &report, &[]);
    check(Kind::Any, "x", &[]);
    let bare = "# Report\n\nNothing.\n";
    check(
        Kind::Report,
        bare,
        &[
            "has no section of findings (`## Findings`)",
            "has a body of 8 characters",
        ],
    );
    let fenced = format!("```\n# no title\n## none\n```\n{body}");
    check(
        Kind::Report,
        &fenced,
        &[
            "has no title (`# …`)",
            "has no section of findings (`## Findings`)",
        ],
    );
    check(Kind::Summary, &report, &["names none of the changed files"]);
    check(Kind::Summary, &format!("{report}banner.rs\n"), &[]);
    let plan = "# Plan\n\n### Phase 1: Cut [NOT STARTED]\n\n- [ ] Cut\n";
    check(Kind::Plan, plan, &[]);
    check(Kind::Plan, &report, &["has no phases (`### Phase 1: …`)"]);
    let template = "# Plan\n\n### Phase 1: {Name} [NOT STARTED]\n\n- [ ] Cut\n";
    check(Kind::Plan, template, &["phase 1 is an unfilled template"]);
    let circle = "# Plan\n\n### Phase 1: A\n\n**Depends on**: Phase 2\n\n- [ ] a\n\n\
                  ### Phase 2: B\n\n**Depends on**: Phase 1\n\n- [ ] b\n";
    assert!(!lacks(Kind::Plan, circle, &[]).is_empty());
}

#[test]
fn a_description_suggests_how_many_look() {
    let check = |text, expected| assert_eq!(suggested_topics(text), expected, "{text}");
    check("Shorten the banner", 2);
    check("Fix one typo in the banner", 1);
    check("Integration of the new parser", 3);
    check("A distributed cache", 4);
}

fn template(stage: Stage) -> Option<Template> {
    built_in(stage).map(|text| Template::parse(text).unwrap())
}

fn parts() -> Parts {
    Parts {
        task: 58,
        title: "Shorten the start-up banner".to_owned(),
        description: Some("The banner wraps.\n```\nnot a way out\n".to_owned()),
        request: None,
        directory: "/tmp/tree".to_owned(),
        inputs: vec!["specs/058_x/reports/research-001.md".to_owned()],
        artifact: "specs/058_x/plans/implementation-001.md".to_owned(),
        ..Parts::default()
    }
}

#[test]
fn a_whole_prompt() {
    assert_snapshot!(template(Stage::Plan).unwrap().render(&parts()));
}

#[test]
fn a_template_says_what_it_does_not_know() {
    let error = Template::parse("One\n\nTwo {{artefact}}\n").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("line 3: there is no field `{{artefact}}`")
    );
    let own = Template::parse("Do {{title}}.\n\nWhy: {{request}}\n").unwrap();
    let own = own.render(&parts());
    assert!(
        own.starts_with("Do Shorten the start-up banner.\n\nRules\n"),
        "{own}"
    );
}

#[test]
fn the_longest_prompt_fits() {
    let long = "word `x` ".repeat(5_000);
    let parts = Parts {
        title: long.clone(),
        description: Some(long.clone()),
        request: Some(long.clone()),
        aspect: Some("the code and documents as they are".to_owned()),
        inputs: vec![long.clone(); 20],
        plan: Some("specs/058_x/plans/implementation-001.md".to_owned()),
        gates: vec![long.clone(); 5],
        previous: Some(long.clone()),
        gate_output: Some(long.clone()),
        answer: Some(long),
        ..parts()
    };
    for stage in Stage::ALL {
        let Some(template) = template(stage) else {
            continue;
        };
        let text = template.render(&parts);
        assert!(
            prompt::fits(&text),
            "{stage}: {}",
            crate::prompt::tokens(&text)
        );
    }
}
