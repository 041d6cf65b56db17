//! Both tables in full, force, and what changes with a status.

use insta::assert_snapshot;

use super::*;
use crate::board::testing::{at, task};

const SETTLED: Context = Context {
    force: false,
    phases_settled: true,
    has_reason: true,
    is_expanding: false,
};

/// One sign per target: `=` the same, `+` allowed, `r` with a reason, `p` once the phases are
/// settled, `x` by expanding, `!` terminal, `.` no such step.
fn table(mode: Mode) -> String {
    let mut rows: Vec<_> = Status::ALL.map(TaskStatus::Known).to_vec();
    rows.push(TaskStatus::read("creating"));
    let mut lines = Vec::new();
    for from in rows {
        let mut task = task(1, "not_started");
        task.status = from.clone();
        let signs: String = Status::ALL
            .into_iter()
            .map(
                |to| match check(&task, &TaskStatus::Known(to), mode, Context::default()) {
                    Ok(Outcome::Unchanged) => '=',
                    Ok(Outcome::Allowed) => '+',
                    Ok(Outcome::Forced) => 'F',
                    Err(refused) => match refused.why {
                        Why::Terminal => '!',
                        Why::NotAStep => '.',
                        Why::PhasesOpen => 'p',
                        Why::NoReason => 'r',
                        Why::OnlyByExpanding => 'x',
                        Why::UnknownStatus => '?',
                    },
                },
            )
            .collect();
        lines.push(format!("{signs} {from}"));
    }
    lines.join("\n")
}

#[test]
fn the_permissive_table() {
    assert_snapshot!(table(Mode::Permissive), @r#"
    =++++++++rprx++++ not_started
    +=+++++++rprx++++ researching
    ++=++++++rprx++++ researched
    +++=+++++rprx++++ planning
    ++++=++++rprx++++ planned
    +++++=+++rprx++++ revising
    ++++++=++rprx++++ revised
    +++++++=+rprx++++ implementing
    ++++++++=rprx++++ partial
    +++++++++=prx++++ blocked
    !!!!!!!!!!=!!!!!! completed
    !!!!!!!!!!!=!!!!! abandoned
    !!!!!!!!!!!!=!!!! expanded
    +++++++++rprx=+++ pr_ready
    +++++++++rprx+=++ on_hold
    +++++++++rprx++=+ implemented
    !!!!!!!!!!!!!!!!= superseded
    +++++++++rprx++++ creating
    "#);
}

#[test]
fn the_strict_table() {
    assert_snapshot!(table(Mode::Strict), @r#"
    =+.+...+.r..x++++ not_started
    .=+......r.rx++++ researching
    ..=+...+.r..x++++ researched
    ...=+....r.rx++++ planning
    ....=+.+.r..x++++ planned
    .....=+..r.rx++++ revising
    .....+=+.r..x++++ revised
    .......=+rprx++++ implementing
    .......+=.prx++++ partial
    .+.+...+.=.rx++++ blocked
    !!!!!!!!!!=!!!!!! completed
    +!!!!!!!!!!=!!!!! abandoned
    !!!!!!!!!!!!=!!!! expanded
    +++++++++rprx=+++ pr_ready
    +++++++++rprx+=++ on_hold
    +++++++++rprx++=+ implemented
    !!!!!!!!!!!!!!!!= superseded
    +++++++++rprx++++ creating
    "#);
}

#[test]
fn what_strict_boards_name_as_invalid_is_invalid() {
    let cases = [
        ("not_started", "completed"),
        ("not_started", "researched"),
        ("not_started", "planned"),
        ("not_started", "abandoned"),
        ("researching", "planned"),
        ("planning", "completed"),
        ("implementing", "researched"),
        ("implementing", "planned"),
        ("abandoned", "completed"),
    ];
    for (from, to) in cases {
        let to = TaskStatus::read(to);
        assert!(
            check(&task(1, from), &to, Mode::Strict, SETTLED).is_err(),
            "{from} to {to}"
        );
    }
}

#[test]
fn a_refusal_names_everything() {
    let refused = check(
        &task(58, "planned"),
        &TaskStatus::read("researching"),
        Mode::Strict,
        SETTLED,
    );
    assert_snapshot!(
        refused.unwrap_err(),
        @"task 58 cannot go from planned to researching: the workflow has no such step (transitions are strict; allowed now: revising, implementing, blocked, pr_ready, on_hold, implemented, superseded)"
    );
}

#[test]
fn force_opens_tables_and_replaces_nothing_that_is_missing() {
    let forced = |from: &str, to: &str, context: Context| {
        let context = Context {
            force: true,
            ..context
        };
        check(&task(1, from), &TaskStatus::read(to), Mode::Strict, context)
            .map_err(|refused| refused.why)
    };
    let bare = Context::default();
    assert_eq!(forced("completed", "planned", bare), Ok(Outcome::Forced));
    assert_eq!(forced("planned", "completed", bare), Ok(Outcome::Forced));
    assert_eq!(forced("completed", "blocked", bare), Err(Why::NoReason));
    assert_eq!(
        forced("completed", "expanded", bare),
        Err(Why::OnlyByExpanding)
    );
    assert_eq!(forced("planned", "creating", bare), Err(Why::UnknownStatus));
    assert_eq!(
        forced("planned", "implementing", bare),
        Ok(Outcome::Allowed)
    );
    assert_eq!(
        forced("completed", "completed", bare),
        Ok(Outcome::Unchanged)
    );
}

#[test]
fn what_is_allowed_is_what_check_allows() {
    for mode in [Mode::Permissive, Mode::Strict] {
        for from in Status::ALL {
            let task = task(1, from.value());
            let named = allowed(&task.status, mode, SETTLED);
            for to in Status::ALL {
                let outcome = check(&task, &TaskStatus::Known(to), mode, SETTLED);
                assert_eq!(named.contains(&to), outcome == Ok(Outcome::Allowed));
            }
        }
    }
}

#[test]
fn the_first_start_stays_and_no_end_is_before_it() {
    let mut task = task(1, "planned");
    for change in changes(&task, &Status::Implementing.into(), at(10), None) {
        change.apply(&mut task);
    }
    assert_eq!(task.status_before, Some(Status::Planned.into()));
    assert_eq!(task.times[&TimeKey::Started], at(10));
    for (to, minute) in [
        (Status::Partial, 11),
        (Status::Implementing, 12),
        (Status::Completed, 5),
    ] {
        for change in changes(&task, &to.into(), at(minute), None) {
            change.apply(&mut task);
        }
    }
    assert_eq!(task.times[&TimeKey::Started], at(10));
    assert_eq!(task.times[&TimeKey::Completed], at(10), "not minute 5");
    assert_eq!(task.status_before, None);
    let to = Status::Completed.into();
    assert_eq!(clock_ran_back(&task, &to, at(5)), Some(at(10)));
    assert_eq!(clock_ran_back(&task, &to, at(20)), None);
}

#[test]
fn work_that_comes_to_nothing_has_a_way_back() {
    let mut task = task(1, "researched");
    let steps = ["planning", "implementing", "blocked", "implementing"];
    for (minute, step) in (0..).zip(steps) {
        for change in changes(&task, &TaskStatus::read(step), at(minute), Some("waits")) {
            change.apply(&mut task);
        }
        assert_eq!(
            task.status_before,
            Some(Status::Researched.into()),
            "{step}"
        );
    }
    assert_eq!(task.blocked_reason.as_deref(), Some("waits"));
}

#[test]
fn the_same_status_changes_nothing() {
    let task = task(1, "planned");
    assert!(changes(&task, &Status::Planned.into(), at(1), None).is_empty());
}
