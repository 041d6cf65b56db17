//! Flights that the service ends, or its silence.

use airboss_core::attempt::AttemptEnd;
use airboss_core::operation::Operation;
use airboss_core::process::StopReason;
use airboss_core::verdict::Verdict;
use airboss_engine::clock;

use crate::support::{Flight, Setup};

/// The service says no for as long as anybody asks: parked with a growing pause, then the run
/// ends for now, and nothing is counted against the step.
fn waited_for(flight: &Flight, scenario: &str) -> String {
    flight.set_up(&Setup {
        scenario,
        steps: 2,
        ..Setup::default()
    });
    flight.run(75);
    assert_eq!(flight.verdicts(), [Verdict::Limited; 2]);
    let mut last = None;
    for stored in flight.operations() {
        match &stored.operation {
            Operation::AttemptDispatched { retry, steps, .. } => {
                assert!(!retry && steps[0].as_str() == "1.1");
                assert!(
                    last.is_none_or(|wake_at| stored.at >= wake_at),
                    "before its time"
                );
            }
            Operation::StepJudged { wake_at, .. } => last = *wake_at,
            _ => {}
        }
    }
    assert!(last.is_some());
    assert!(flight.commits().is_empty());
    flight.attempts()[0].judgement.reason.clone()
}

pub(crate) fn an_overloaded_service_is_waited_for(flight: &Flight) {
    let reason = waited_for(flight, "http529");
    assert!(reason.contains("529"), "{reason}");
}

pub(crate) fn a_rate_limit_is_waited_for(flight: &Flight) {
    let reason = waited_for(flight, "http429");
    assert!(
        reason.contains("429") || reason.contains("limit"),
        "{reason}"
    );
}

pub(crate) fn a_broken_stream_is_waited_for(flight: &Flight) {
    waited_for(flight, "middrop");
}

/// Only a subscription tells when it is lifted: in an hour, longer than this run waits.
pub(crate) fn a_used_up_subscription_names_its_reset(flight: &Flight) {
    flight.set_up(&Setup {
        scenario: "unified429",
        steps: 1,
        limits: "limit_wait = \"10 min\"",
        subscription: true,
        ..Setup::default()
    });
    flight.run(75);
    assert_eq!(flight.verdicts(), [Verdict::Limited]);
    let attempt = &flight.attempts()[0];
    let resets_at = attempt.judgement.limit.as_ref().unwrap().resets_at.unwrap();
    let wait = resets_at.since(clock::now()).as_secs();
    assert!((3400..=3600).contains(&wait), "{wait}");
}

/// Refused for good: failed, in the agent's words.
fn failed(flight: &Flight, scenario: &str, words: &str) {
    flight.set_up(&Setup {
        scenario,
        steps: 1,
        ..Setup::default()
    });
    flight.run(1);
    assert_eq!(flight.verdicts(), [Verdict::Failed]);
    let reason = &flight.attempts()[0].judgement.reason;
    assert!(
        reason.starts_with("the agent ended with an API error: "),
        "{reason}"
    );
    assert!(reason.contains(words) && !reason.contains('{'), "{reason}");
}

pub(crate) fn a_wrong_key_fails(flight: &Flight) {
    failed(flight, "http401", "401");
}

pub(crate) fn a_bad_request_fails(flight: &Flight) {
    failed(flight, "http400", "scripted failure");
}

/// An agent that waits for an answer that never comes does nothing else.
fn ended_as_idle(flight: &Flight, scenario: &str) {
    flight.set_up(&Setup {
        scenario,
        steps: 1,
        idle: Some("4s"),
        ..Setup::default()
    });
    flight.run(1);
    assert_eq!(flight.verdicts(), [Verdict::Failed]);
    assert!(flight.attempts()[0].judgement.stuck);
    let stopped = flight.operations().into_iter().find_map(|stored| {
        let Operation::AttemptEnded {
            end: AttemptEnd::Seen { outcome },
            ..
        } = stored.operation
        else {
            return None;
        };
        outcome.stopped
    });
    assert_eq!(stopped, Some(StopReason::Idle));
}

pub(crate) fn silence_is_ended(flight: &Flight) {
    ended_as_idle(flight, "hang");
}

pub(crate) fn silence_in_an_answer_is_ended(flight: &Flight) {
    ended_as_idle(flight, "midhang");
}
