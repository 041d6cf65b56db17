//! Many processes at once: not one change is lost, and every file says all of them.

use std::time::Instant;

use airboss_testkit::TestEnvironment;

use crate::empty;

/// A plan of this many steps.
fn plan(steps: usize) -> String {
    let boxes: Vec<String> = (1..=steps)
        .map(|step| format!("- [ ] 1.{step} Do part {step}\n"))
        .collect();
    format!("# Plan: Many\n\n## Phase 1: All\n\n{}", boxes.concat())
}

fn round(environment: &TestEnvironment, processes: usize, round: usize) {
    let name = format!("plans/round-{round}.md");
    environment.write(&name, plan(processes));
    let children: Vec<_> = (1..=processes)
        .map(|step| {
            let id = format!("1.{step}");
            environment.start(["mark-complete", &id, "--plan", &name])
        })
        .collect();
    for child in children {
        child.wait().expect_code(0);
    }
    let text = environment.read(&format!("docs/plan-outputs/round-{round}/status.json"));
    let status: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(status["summary"]["completed"], processes, "round {round}");
    environment
        .run(["sync", "--check", "--plan", &name])
        .expect_code(0);
    let told = environment.run(["status", "--json", "--plan", &name]);
    let expected = format!("\"completed\":{processes},");
    assert_eq!(told.stdout.matches(&expected).count(), 1, "{told}");
}

/// Rounds of each kind: a handful here, fifty in continuous integration.
fn rounds() -> usize {
    std::env::var("AIRBOSS_TEST_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3)
}

#[test]
fn twenty_of_twenty() {
    let environment = empty();
    for number in 0..rounds() {
        round(&environment, 20, number);
    }
}

#[test]
fn sixty_four_of_sixty_four() {
    let environment = empty();
    let begin = Instant::now();
    for number in 0..rounds() {
        round(&environment, 64, number);
    }
    // A bound for the hopeless: each process is a few milliseconds of work.
    assert!(begin.elapsed().as_secs() < 60 * rounds() as u64);
}
