//! Flights of the real Claude Code and Codex, against the scripted model server.
//!
//! `AIRBOSS_TEST_CLAUDE` and `AIRBOSS_TEST_CODEX` name the programs; without them
//! these tests say so and do nothing. No key is real and nothing leaves 127.0.0.1.
//! A full run ends with a table of what became of every flight.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]
#![expect(
    clippy::print_stderr,
    reason = "a skipped test says so, and the table is for a person"
)]

mod ends;
mod interruptions;
mod stages;
mod support;
mod work;

use support::{Kind, Table, fly};

/// Makes a test of each case for each agent, and the table of all.
macro_rules! flights {
    ($($agent:ident: $kind:expr => [$($area:ident::$case:ident),+ $(,)?];)+) => {
        static TABLE: Table = Table::new(0 $($(+ { stringify!($case); 1 })+)+);

        $(mod $agent {
            $(#[test]
            fn $case() {
                super::fly($kind, stringify!($case), &super::TABLE, super::$area::$case);
            })+
        })+
    };
}

flights! {
    claude: crate::Kind::Claude => [
        work::a_plan_is_done,
        work::a_report_is_recorded,
        work::refused_tools_are_no_work,
        work::a_short_failure_is_survived,
        stages::a_task_is_flown_through_its_stages,
        stages::three_tasks_at_once,
        stages::a_person_asks_from_inside,
        ends::an_overloaded_service_is_waited_for,
        ends::a_rate_limit_is_waited_for,
        ends::a_used_up_subscription_names_its_reset,
        ends::a_broken_stream_is_waited_for,
        ends::a_wrong_key_fails,
        ends::a_bad_request_fails,
        ends::silence_is_ended,
        ends::silence_in_an_answer_is_ended,
        interruptions::the_agent_is_killed,
        interruptions::its_supervisor_is_killed,
        interruptions::airboss_is_killed,
        interruptions::a_person_wants_out,
        interruptions::a_lost_session_begins_anew,
    ];
    codex: crate::Kind::Codex => [
        work::a_plan_is_done,
        work::a_report_is_recorded,
        work::refused_tools_are_no_work,
        work::a_short_failure_is_survived,
        stages::a_task_is_flown_through_its_stages,
        stages::a_person_asks_from_inside,
        stages::its_sandbox_keeps_airboss_out,
        ends::an_overloaded_service_is_waited_for,
        ends::a_rate_limit_is_waited_for,
        ends::a_broken_stream_is_waited_for,
        ends::a_wrong_key_fails,
        ends::a_bad_request_fails,
        ends::silence_is_ended,
        ends::silence_in_an_answer_is_ended,
        interruptions::the_agent_is_killed,
        interruptions::its_supervisor_is_killed,
        interruptions::airboss_is_killed,
        interruptions::a_person_wants_out,
        interruptions::a_lost_session_begins_anew,
    ];
}
