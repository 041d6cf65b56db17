//! Flights that the service ends, or its silence.

use airboss_core::attempt::AttemptEnd;
use airboss_core::operation::Operation;
use airboss_core::process::StopReason;
use airboss_core::verdict::Verdict;
use airboss_engine::clock;

use crate::support::{Flight, Kind, Setup};

/// The service says no for as long as anybody asks: parked with a growing pause, then the run
/// ends for now, and nothing is counted against the step.
fn waited_for(flight: &Flight, scenario: &str, claude: &str, codex: &str) {
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
    assert_reason(flight, claude, codex);
}

/// The verdict's reason, in the agent's words.
fn assert_reason(flight: &Flight, claude: &str, codex: &str) {
    let expected = match flight.kind {
        Kind::Claude => claude,
        Kind::Codex => codex,
    };
    assert_eq!(flight.reason(0), expected);
}

pub(crate) fn an_overloaded_service_is_waited_for(flight: &Flight) {
    waited_for(
        flight,
        "http529",
        "the model's service failed: API Error: 529 scripted failure. This is a server-side \
         issue, usually temporary — try again in a moment. If it persists, check your inference \
         gateway ([SERVER]).",
        "the model's service failed: unexpected status 529 <unknown status code>: scripted \
         failure, url: http://[SERVER]/s/http529/flight/v1/responses",
    );
}

pub(crate) fn a_rate_limit_is_waited_for(flight: &Flight) {
    waited_for(
        flight,
        "http429",
        "API Error: Request rejected (429) · scripted failure",
        "exceeded retry limit, last status: 429 Too Many Requests",
    );
}

pub(crate) fn a_broken_stream_is_waited_for(flight: &Flight) {
    waited_for(
        flight,
        "middrop",
        "the model's service failed: API Error: Connection lost mid-response. The response above \
         may be incomplete.",
        "the model's service failed: stream disconnected before completion: stream closed before \
         response.completed",
    );
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
    assert!(matches!(wait, 3400..=3600), "{wait}");
}

/// Refused for good: failed, in the agent's words.
fn failed(flight: &Flight, scenario: &str, claude: &str, codex: &str) {
    flight.set_up(&Setup {
        scenario,
        steps: 1,
        ..Setup::default()
    });
    flight.run(1);
    assert_eq!(flight.verdicts(), [Verdict::Failed]);
    assert_reason(flight, claude, codex);
}

pub(crate) fn a_wrong_key_fails(flight: &Flight) {
    failed(
        flight,
        "http401",
        "the agent stopped for a failure of its model's service: Failed to authenticate. API Error: 401 scripted \
         failure",
        "the agent stopped for a failure of its model's service: unexpected status 401 Unauthorized: scripted \
         failure, url: http://[SERVER]/s/http401/flight/v1/responses",
    );
}

pub(crate) fn a_bad_request_fails(flight: &Flight) {
    failed(
        flight,
        "http400",
        "the agent stopped for a failure of its model's service: API Error: 400 scripted failure",
        "the agent stopped for a failure of its model's service: scripted failure",
    );
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
