//! Flights that are cut off in the middle of a tool with children of its own.

use airboss_core::verdict::Verdict;
use airboss_testkit::environment::Signal;

use crate::support::{Flight, Kind, Setup, user_texts};

fn set_up(flight: &Flight) {
    flight.set_up(&Setup {
        scenario: "slowonce",
        steps: 1,
        ..Setup::default()
    });
}

/// The second attempt went on with the first one's session: by its command line, and by what
/// the model was told, which is the whole conversation before it.
fn assert_resumed(flight: &Flight) {
    assert_eq!(flight.verdicts(), [Verdict::Interrupted, Verdict::Verified]);
    let attempts = flight.attempts();
    let session = attempts[0].report.session.as_deref().unwrap();
    let resumed = match flight.kind {
        Kind::Claude => attempts[0].arguments().join(" ") + " --resume " + session,
        Kind::Codex => {
            let first = attempts[0].arguments().join(" ");
            first.trim_end_matches(" -").to_owned() + " resume " + session + " -"
        }
    };
    assert_eq!(attempts[1].arguments().join(" "), resumed);
    assert_eq!(attempts[1].report.session.as_deref(), Some(session));

    let requests = flight.requests();
    let texts = user_texts(requests.last().unwrap());
    let place = |prompt: &String| texts.iter().position(|text| text == prompt);
    let (first, second) = (attempts[0].prompt(), attempts[1].prompt());
    let (first, second) = (place(&first).unwrap(), place(&second).unwrap());
    assert!(first < second, "{texts:#?}");
    assert_done_once(flight);
}

fn assert_done_once(flight: &Flight) {
    assert_eq!(flight.commits(), [["out/1-1.txt"]]);
    assert_eq!(
        flight.environment.read("out/1-1.txt"),
        "step 1.1\nshell-ran\n"
    );
}

pub(crate) fn the_agent_is_killed(flight: &Flight) {
    set_up(flight);
    let running = flight.start_slow();
    flight.kill_agent();
    flight.end(running, 0);
    assert_resumed(flight);
}

pub(crate) fn its_supervisor_is_killed(flight: &Flight) {
    set_up(flight);
    let running = flight.start_slow();
    flight.kill_supervisor();
    flight.end(running, 0);
    assert_resumed(flight);
}

/// The agent flies on without Airboss, and the same command takes it over.
pub(crate) fn airboss_is_killed(flight: &Flight) {
    set_up(flight);
    let running = flight.start_slow();
    running.signal(Signal::KILL);
    flight.end(running, 128 + 9);
    let again = flight.start_slow();
    flight.wake_sleepers();
    flight.end(again, 0);
    assert_eq!(flight.verdicts(), [Verdict::Verified]);
    assert_done_once(flight);
}

/// The session is gone: the attempt that was to go on with it is nobody's fault, and the next
/// begins anew.
pub(crate) fn a_lost_session_begins_anew(flight: &Flight) {
    set_up(flight);
    let mut running = flight.start_slow();
    running.signal(Signal::INT);
    running.await_stderr("once more");
    running.signal(Signal::INT);
    flight.end(running, 130);
    let sessions = match flight.kind {
        Kind::Claude => "home/.claude/projects",
        Kind::Codex => "home/.codex/sessions",
    };
    fs_err::remove_dir_all(flight.environment.outside(sessions)).unwrap();
    let again = flight.start_slow();
    flight.wake_sleepers();
    flight.end(again, 0);
    assert_eq!(
        flight.verdicts(),
        [
            Verdict::Interrupted,
            Verdict::Interrupted,
            Verdict::Verified
        ]
    );
    let attempts = flight.attempts();
    let session = attempts[0].report.session.as_deref().unwrap();
    let words = match flight.kind {
        Kind::Claude => "No conversation found with session ID: [SESSION]",
        Kind::Codex => {
            "Error: thread/resume: thread/resume failed: no rollout found for thread id [SESSION] \
             (code -32600)"
        }
    };
    assert_eq!(
        flight.reason(1).replace(session, "[SESSION]"),
        format!("its session could not be resumed: {words}")
    );
    assert_eq!(attempts[2].arguments(), attempts[0].arguments());
    assert_done_once(flight);
}

/// Ctrl-C twice ends everything at once; the same command goes on later.
pub(crate) fn a_person_wants_out(flight: &Flight) {
    set_up(flight);
    let mut running = flight.start_slow();
    running.signal(Signal::INT);
    running.await_stderr("once more");
    running.signal(Signal::INT);
    flight.end(running, 130);
    flight.environment.assert_no_process_left();
    assert!(flight.commits().is_empty());
    flight.run(0);
    assert_resumed(flight);
}
