//! Work that gets done, and work that only looks done.

use airboss_core::operation::Operation;
use airboss_core::prompt;
use airboss_core::verdict::Verdict;

use crate::support::{Flight, Kind, Setup, user_texts};

/// Three steps: a commit for each with its file alone, every tool seen, usage known, and the
/// model told exactly what Airboss wrote.
pub(crate) fn a_plan_is_done(flight: &Flight) {
    flight.set_up(&Setup {
        scenario: "ok",
        steps: 3,
        ..Setup::default()
    });
    flight.run(0);
    assert_eq!(flight.verdicts(), [Verdict::Verified; 3]);
    assert_eq!(
        flight.commits(),
        [["out/1-1.txt"], ["out/1-2.txt"], ["out/1-3.txt"]]
    );
    let file = flight.environment.read("out/1-2.txt");
    assert_eq!(file, "step 1.2\nshell-ran\n");

    let requests = flight.requests();
    flight.assert_nothing_leaks();
    for attempt in flight.attempts() {
        assert_eq!(flight.tools(&attempt), (2, 2), "begun and ended");
        let spending = attempt.report.spending.unwrap();
        assert!(spending.input_tokens > 0 && spending.output_tokens > 0);
        assert!(attempt.report.session.is_some());
        let cost = spending.cost_usd;
        assert_eq!(
            cost.is_some_and(|cost| cost > 0.0),
            flight.kind == Kind::Claude
        );

        let prompt = attempt.prompt();
        assert!(prompt::tokens(&prompt) < prompt::TOKENS_MAX);
        let told: Vec<_> = requests
            .iter()
            .filter(|request| user_texts(request).contains(&prompt))
            .collect();
        // Write, shell, last words.
        assert_eq!(told.len(), 3, "{prompt}");
        for request in told {
            let body = &request["body"];
            let system = [&body["system"], &body["instructions"]];
            let system = system.map(ToString::to_string).concat();
            assert_eq!(system.matches("Implement one step").count(), 0, "{system}");
        }
    }
}

/// The agent's own shell has what a report needs; where its sandbox keeps the store from being
/// written, the report takes the way through the inbox.
pub(crate) fn a_report_is_recorded(flight: &Flight) {
    flight.set_up(&Setup {
        scenario: "report",
        steps: 1,
        ..Setup::default()
    });
    flight.run(0);
    assert_eq!(flight.verdicts(), [Verdict::Verified]);
    let operations = flight.operations().into_iter();
    let claims: Vec<String> = operations
        .filter_map(|stored| match stored.operation {
            Operation::StepClaimed { claim, about, .. } => Some(about.told(&claim)),
            _ => None,
        })
        .collect();
    assert_eq!(claims, ["note: half way"]);
    assert_eq!(flight.commits(), [["out/1-1.txt"]]);
}

/// The agent is not allowed to do anything and says that all is done.
pub(crate) fn refused_tools_are_no_work(flight: &Flight) {
    let arguments: &[&str] = match flight.kind {
        Kind::Claude => &["--permission-mode", "dontAsk", "--allowedTools", "Read"],
        Kind::Codex => &["-s", "read-only"],
    };
    flight.set_up(&Setup {
        scenario: "ok",
        steps: 1,
        arguments,
        ..Setup::default()
    });
    flight.run(1);
    assert_eq!(flight.verdicts(), [Verdict::Unverified]);
    let attempt = &flight.attempts()[0];
    assert!(attempt.report.end.as_ref().unwrap().ok);
    let words = "All done: wrote the files and ran the shell command.";
    assert_eq!(attempt.report.last_text, words);
    if flight.kind == Kind::Claude {
        // Codex says nothing of what its sandbox refuses.
        assert_eq!(attempt.report.denied, ["Write", "Bash"]);
        let missing = "`out/1-1.txt` is missing; refused tools: Write, Bash";
        assert_eq!(attempt.judgement.reason, missing);
    }
    assert!(flight.commits().is_empty());
    assert!(!flight.environment.path("out").exists());
}

/// Two failed requests are the agent's own business.
pub(crate) fn a_short_failure_is_survived(flight: &Flight) {
    flight.set_up(&Setup {
        scenario: "flaky500",
        steps: 1,
        arguments: match flight.kind {
            Kind::Claude => &[],
            Kind::Codex => &["-c", "model_providers.mock.request_max_retries=2"],
        },
        ..Setup::default()
    });
    flight.run(0);
    assert_eq!(flight.verdicts(), [Verdict::Verified]);
    assert_eq!(flight.commits(), [["out/1-1.txt"]]);
}
