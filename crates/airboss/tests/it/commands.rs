//! Every command once, as it is used.

use airboss_core::id::{AttemptId, RunId};
use airboss_core::operation::Operation;
use airboss_core::process::ProcessIdentity;
use airboss_engine::clock;
use airboss_engine::store::{Commit, Store as _};
use airboss_engine::supervise::self_identity;
use airboss_engine::workspace::Workspace;
use crate::environment::TestEnvironment;
use insta::assert_snapshot;

use crate::{demo, registered};

#[test]
fn reading_commands_write_nothing() {
    let environment = demo();
    environment.git(&["add", "."]);
    let commands = [
        "status",
        "next",
        "phases",
        "check 1.1",
        "progress",
        "runs",
        "log",
        "validate",
        "retryable",
        "exhausted",
        "detect-stuck",
        "sync-check",
        "sync --check",
        "doctor",
        "plan show",
        "plan check",
        "config show",
    ];
    for command in commands {
        let words = command.split(' ').chain(["--plan", "plans/demo.md"]);
        let told = environment.run(words);
        assert!(!told.ends_with("exit 2"), "{command}: {told}");
    }
    assert_snapshot!(environment.git(&["status", "--porcelain"]), @"A  plans/demo.md");
    assert!(!environment.top().join(".git/airboss").exists());
}

#[test]
fn a_plan_is_made_known() {
    let environment = demo();
    assert_snapshot!(environment.run(["init", "plans/demo.md"]), @r#"
    --- stdout
    {
      "errors": [],
      "outputPath": "docs/plan-outputs/demo",
      "phases": 2,
      "planName": "demo",
      "planPath": "plans/demo.md",
      "success": true,
      "tasks": 3
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["init", "plans/demo.md"]), @r#"
    --- stdout
    {
      "errors": [],
      "outputPath": "docs/plan-outputs/demo",
      "phases": 2,
      "planName": "demo",
      "planPath": "plans/demo.md",
      "success": true,
      "tasks": 3
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.git(&["status", "--porcelain"]), @"?? plans/");
}

#[test]
#[expect(clippy::too_many_lines, reason = "whole outputs are long")]
fn a_step_from_start_to_end() {
    let environment = registered();
    assert_snapshot!(environment.run(["next"]), @r#"
    --- stdout
    {
      "activePhases": [
        1
      ],
      "blockedTaskCount": 1,
      "count": 2,
      "tasks": [
        {
          "dependencies": [],
          "dependents": [],
          "description": "Measure the width",
          "id": "1.1",
          "phase": 1,
          "reason": "ready",
          "sequential": true,
          "status": "pending"
        },
        {
          "dependencies": [],
          "dependents": [],
          "description": "Measure the height",
          "id": "1.2",
          "phase": 1,
          "reason": "ready",
          "sequential": true,
          "status": "pending"
        }
      ]
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["mark-started", "1.1"]), @r#"
    --- stdout
    {
      "status": "in_progress",
      "success": true,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["mark-complete", "1.1", "--notes", "--all good"]), @r#"
    --- stdout
    {
      "notes": "--all good",
      "status": "completed",
      "success": true,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["mark-complete", "1.2"]), @r#"
    --- stdout
    {
      "notes": null,
      "status": "completed",
      "success": true,
      "taskId": "1.2"
    }
    --- stderr
    warning: step 1.2 was never started, so it has no start time
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["mark-failed", "2.1", "--error", "too wide"]), @r#"
    --- stdout
    {
      "error": "too wide",
      "status": "failed",
      "success": true,
      "taskId": "2.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["mark-pending", "2.1"]), @r#"
    --- stdout
    {
      "status": "pending",
      "success": true,
      "taskId": "2.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["mark-skipped", "2.1", "--reason", "no need"]), @r#"
    --- stdout
    {
      "reason": "no need",
      "status": "skipped",
      "success": true,
      "taskId": "2.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["status"]), @r#"
    --- stdout
    {
      "completed": 2,
      "currentPhase": null,
      "failed": 0,
      "inProgress": 0,
      "pending": 0,
      "percentage": 66,
      "planName": "demo",
      "planPath": "plans/demo.md",
      "skipped": 1,
      "source": "status.json",
      "total": 3
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["phases", "--json"]), @r#"
    --- stdout
    {"data":{"phases":[{"completed":2,"number":1,"percentage":100,"status":"complete","title":"Measure","total":2},{"completed":0,"number":2,"percentage":0,"status":"complete","title":"Mend","total":1}]},"schema_version":1}
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["progress"]), @r#"
    --- stdout
    demo  [#############.......]  66%  2/3 done, 1 skipped
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["progress", "--format=markers"]), @r#"
    --- stdout
    [PROGRESS] plan status=completed percent=66
    [PROGRESS] task=1.1 status=completed
    [PROGRESS] task=1.2 status=completed
    [PROGRESS] task=2.1 status=skipped
    [PROGRESS] summary completed=2 pending=0 failed=0
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["progress", "--watch", "--format", "json"]), @r#"
    --- stdout
    {"completed":2,"currentPhase":null,"failed":0,"inProgress":0,"pending":0,"percentage":66,"plan":"demo","skipped":1,"status":"completed","total":3}
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["sync", "--check"]), @r#"
    --- stdout
    {
      "drift": [],
      "inSync": true
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["validate"]), @r#"
    --- stdout
    {
      "issues": [],
      "issuesFixed": 0,
      "issuesFound": 0,
      "summary": {
        "completed": 2,
        "failed": 0,
        "in_progress": 0,
        "pending": 0,
        "skipped": 1,
        "total": 3
      },
      "valid": true
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.filtered(&environment.read("plans/demo.md")), @r#"
    # Plan: Demo

    ### Phase 1: Measure [COMPLETED]
    **Started**: [TIME]
    **Completed**: [TIME]

    **Tasks**:
    - [ ] 1.1 Measure the width
    - [ ] 1.2 Measure the height

    ### Phase 2: Mend [SKIPPED]

    **Dependencies**: Phase 1

    **Tasks**:
    - [ ] 2.1 Mend what is too wide
    "#);
}

#[test]
fn what_a_step_waits_for() {
    let environment = registered();
    assert_snapshot!(environment.run(["check", "2.1"]), @r#"
    --- stdout
    {
      "blockers": [
        "1.1",
        "1.2"
      ],
      "canStart": false,
      "phase": 2,
      "task": {
        "description": "Mend what is too wide",
        "id": "2.1",
        "phase": 2,
        "status": "pending"
      }
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["check", "1.2", "--json"]), @r#"
    --- stdout
    {"data":{"blockers":[],"canStart":true,"phase":1,"task":{"description":"Measure the height","id":"1.2","phase":1,"status":"pending"}},"schema_version":1}
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["next", "1", "--ignore-deps", "--json"]), @r#"
    --- stdout
    {"data":{"activePhases":[1],"blockedTaskCount":2,"count":1,"tasks":[{"dependencies":[],"dependents":[],"description":"Measure the width","id":"1.1","phase":1,"reason":"ready","sequential":true,"status":"pending"}]},"schema_version":1}
    --- exit 0
    "#);
    drop(environment.run(["mark-failed", "1.1", "--error", "no"]));
    drop(environment.run(["mark-skipped", "1.2", "--reason", "no"]));
    assert_snapshot!(environment.run(["next", "5", "--phase-priority"]), @r#"
    --- stdout
    {
      "activePhases": [
        1
      ],
      "blockedTaskCount": 1,
      "count": 1,
      "tasks": [
        {
          "dependencies": [],
          "dependents": [],
          "description": "Measure the width",
          "id": "1.1",
          "phase": 1,
          "reason": "retry",
          "sequential": true,
          "status": "failed"
        }
      ]
    }
    --- exit 0
    "#);
    drop(environment.run(["increment-retry", "1.1"]));
    drop(environment.run(["increment-retry", "1.1"]));
    assert_snapshot!(environment.run(["next"]), @r#"
    --- stdout
    {
      "activePhases": [],
      "blockedTaskCount": 1,
      "count": 0,
      "tasks": []
    }
    --- exit 3
    "#);
}

#[test]
fn retries_are_counted_and_end() {
    let environment = registered();
    drop(environment.run(["mark-failed", "1.1", "--error", "red"]));
    assert_snapshot!(environment.run(["retryable"]), @r#"
    --- stdout
    {
      "count": 1,
      "tasks": [
        {
          "description": "Measure the width",
          "id": "1.1",
          "lastError": "red",
          "lastErrorAt": "[TIME]",
          "phase": 1,
          "retryCount": 0
        }
      ]
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["increment-retry", "1.1", "--error", "still red"]), @r#"
    --- stdout
    {
      "canRetry": true,
      "lastError": "still red",
      "maxRetries": 2,
      "retryCount": 1,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["increment-retry", "1.1"]), @r#"
    --- stdout
    {
      "canRetry": true,
      "lastError": "still red",
      "maxRetries": 2,
      "retryCount": 2,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["increment-retry", "1.1"]), @r#"
    --- stdout
    {
      "canRetry": false,
      "lastError": "still red",
      "maxRetries": 2,
      "retryCount": 2,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["exhausted", "--json"]), @r#"
    --- stdout
    {"data":{"count":1,"tasks":[{"description":"Measure the width","id":"1.1","lastError":"still red","lastErrorAt":"[TIME]","phase":1,"retryCount":2}]},"schema_version":1}
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["increment-retry", "1.2"]), @r#"
    --- stderr
    Error: step 1.2 is pending; only failed steps are retried
    hint: `airboss retryable` lists those that are
    --- exit 4
    "#);
}

#[test]
fn findings_are_written_and_read() {
    let environment = registered();
    assert_snapshot!(environment.run(["write-findings", "1.1", "--content", "--wide\n"]), @r#"
    --- stdout
    {
      "findingsPath": "docs/plan-outputs/demo/findings/1-1.md",
      "success": true,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["read-findings", "1.1"]), @r#"
    --- stdout
    --wide
    --- exit 0
    "#);
    assert_snapshot!(environment.run_with(["write-findings", "1.2", "--stdin"], b"tall\n"), @r#"
    --- stdout
    {
      "findingsPath": "docs/plan-outputs/demo/findings/1-2.md",
      "success": true,
      "taskId": "1.2"
    }
    --- exit 0
    "#);
    environment.write("notes.md", "from a file");
    assert_snapshot!(environment.run(["write-findings", "1.2", "--file", "notes.md"]), @r#"
    --- stdout
    {
      "findingsPath": "docs/plan-outputs/demo/findings/1-2.md",
      "success": true,
      "taskId": "1.2"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["read-findings", "1.2", "--json"]), @r#"
    --- stdout
    {"data":{"content":"from a file","findingsPath":"docs/plan-outputs/demo/findings/1-2.md"},"schema_version":1}
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["read-findings", "2.1"]), @r#"
    --- stderr
    Error: step 2.1 has no findings
    hint: `airboss write-findings 2.1 --stdin` writes them
    --- exit 4
    "#);
    environment.write("docs/plan-outputs/demo/findings/2-1-mend.md", "by hand");
    assert_snapshot!(environment.run(["read-findings", "2.1"]), @r#"
    --- stdout
    by hand
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["write-findings", "1.1"]), @r#"
    --- stderr
    error: the following required arguments were not provided:
      <--file <PATH>|--stdin|--content <TEXT>>

    Usage: airboss write-findings <--file <PATH>|--stdin|--content <TEXT>> <ID>

    For more information, try '--help'.
    --- exit 2
    "#);
}

#[test]
fn runs_are_counted_by_hand() {
    let environment = registered();
    let told = environment.start(["start-run"]).wait_with_output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert_snapshot!(environment.filtered(&told), @r#"
    {
      "runId": "run-[MS]",
      "success": true
    }
    "#);
    let run = told
        .split('"')
        .find(|word| word.starts_with("run-"))
        .unwrap();
    assert_snapshot!(environment.run(["complete-run", run, "--completed", "2", "--failed", "0"]), @r#"
    --- stdout
    {
      "completed": 2,
      "failed": 0,
      "runId": "run-[MS]",
      "success": true
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["runs"]), @r#"
    --- stdout
    {
      "count": 1,
      "runs": [
        {
          "completedAt": "[TIME]",
          "ending": "complete",
          "run": "[ID]",
          "runId": "run-[MS]",
          "startedAt": "[TIME]",
          "tasksCompleted": 2,
          "tasksFailed": 0,
          "words": "counted by hand"
        }
      ]
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["complete-run", "run-1"]), @r#"
    --- stderr
    Error: the plan has no run `run-1`
    hint: `airboss runs` lists them
    --- exit 4
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "whole outputs are long")]
fn a_repeated_command_answers_what_it_answered_first() {
    let environment = registered();
    let first = environment.run(["mark-started", "1.1", "--id", "a"]);
    drop(environment.run(["mark-complete", "1.1", "--notes", "x", "--id", "b"]));
    assert_eq!(environment.run(["mark-started", "1.1", "--id", "a"]), first);
    assert_snapshot!(environment.run(["log"]), @r#"
    --- stdout
    {
      "count": 3,
      "operations": [
        {
          "at": "[TIME]",
          "id": "[ID]",
          "operation": {
            "hash": "[HASH]",
            "kind": "plan_registered",
            "name": "demo",
            "renamed": [],
            "steps": [
              {
                "dependencies": [],
                "description": "Measure the width",
                "id": "1.1",
                "phase": "1",
                "phase_title": "Measure"
              },
              {
                "dependencies": [],
                "description": "Measure the height",
                "id": "1.2",
                "phase": "1",
                "phase_title": "Measure"
              },
              {
                "dependencies": [],
                "description": "Mend what is too wide",
                "id": "2.1",
                "phase": "2",
                "phase_title": "Mend"
              }
            ]
          },
          "sequence": 1
        },
        {
          "at": "[TIME]",
          "id": "[ID]",
          "operation": {
            "actor": "person",
            "forced": false,
            "kind": "step_marked",
            "status": "in_progress",
            "step": "1.1",
            "stuck": false,
            "text": null
          },
          "sequence": 2
        },
        {
          "at": "[TIME]",
          "id": "[ID]",
          "operation": {
            "actor": "person",
            "forced": false,
            "kind": "step_marked",
            "status": "completed",
            "step": "1.1",
            "stuck": false,
            "text": "x"
          },
          "sequence": 3
        }
      ]
    }
    --- exit 0
    "#);
}

#[test]
fn an_agent_claims_and_decides_nothing() {
    let mut environment = registered();
    environment.set("AIRBOSS_ATTEMPT", "0196a3f0c0de7000800000000000000f");
    assert_snapshot!(environment.run(["mark-complete", "1.1"]), @r#"
    --- stderr
    Error: step 1.1 is not the step of attempt 0196a3f0c0de
    hint: an agent reports on its own step only
    --- exit 4
    "#);
    assert_snapshot!(environment.run(["answer", "1.1", "yes"]), @r#"
    --- stderr
    Error: only a person answers what an agent asked
    --- exit 4
    "#);
    assert_snapshot!(environment.run(["increment-retry", "1.1"]), @r#"
    --- stderr
    Error: an agent does not count retries; airboss does
    --- exit 4
    "#);
    environment.set("AIRBOSS_ATTEMPT", "nonsense");
    assert_snapshot!(environment.run(["mark-complete", "1.1"]), @r#"
    --- stderr
    Error: AIRBOSS_ATTEMPT does not hold the id of an attempt
    hint: airboss sets it for its agents; unset it to work as a person
    --- exit 2
    "#);
}

#[test]
fn plan_files_are_shown_and_checked() {
    let environment = demo();
    assert_snapshot!(environment.run(["plan", "show", "plans/demo.md"]), @r#"
    --- stdout
    Plan: Demo
    2 phases, 3 steps (0 ticked), 0 criteria

    Phase 1: Measure [NOT STARTED]
      [ ] 1.1 Measure the width
      [ ] 1.2 Measure the height

    Phase 2: Mend [NOT STARTED]
      after phase 1
      [ ] 2.1 Mend what is too wide ∥
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["plan", "check", "plans/demo.md"]), @r#"
    --- stdout
    0 errors, 0 warnings
    --- exit 0
    "#);
    environment.write(
        "plans/odd.md",
        "# Odd\n\n### Phase 1: A\n\n**Dependencies**: Phase 9\n\n- [ ] 1.1 Do\n",
    );
    assert_snapshot!(environment.run(["plan", "check", "plans/odd.md"]), @r#"
    --- stdout
    plans/odd.md:5: error[unknown-dependency]: there is no phase 9
      remedy: name one that exists
    1 error, 0 warnings
    --- exit 1
    "#);
}

#[test]
fn doctor_names_evidence_and_remedies() {
    let mut environment = registered();
    environment.set("PATH", "/nowhere");
    assert_snapshot!(environment.run(["doctor"]), @r#"
    --- stdout
    {
      "checks": [
        {
          "evidence": "the git program is not on PATH",
          "name": "git",
          "ok": false,
          "remedy": "install git"
        },
        {
          "evidence": "they can be made",
          "name": "commits",
          "ok": true,
          "remedy": null
        },
        {
          "evidence": "[TOP]/.git/airboss is on a local disk",
          "name": "file system",
          "ok": true,
          "remedy": null
        },
        {
          "evidence": "it opens and can be read",
          "name": "store",
          "ok": true,
          "remedy": null
        },
        {
          "evidence": "claude: the program `claude` is not on PATH",
          "name": "agent",
          "ok": false,
          "remedy": "install it, or set run.agent in airboss.toml to one that is there"
        },
        {
          "evidence": "all are published",
          "name": "files",
          "ok": true,
          "remedy": null
        },
        {
          "evidence": "none",
          "name": "pending commits",
          "ok": true,
          "remedy": null
        },
        {
          "evidence": "none",
          "name": "stuck steps",
          "ok": true,
          "remedy": null
        },
        {
          "evidence": "none",
          "name": "leftovers",
          "ok": true,
          "remedy": null
        }
      ],
      "healthy": false
    }
    --- exit 1
    "#);
}

#[test]
fn shells_are_served() {
    let environment = demo();
    for arguments in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["man"],
    ] {
        let told = environment.run(arguments);
        assert!(
            told.ends_with("exit 0") && told.len() > 1_000,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_reader_that_is_gone_is_no_error() {
    let environment = registered();
    let mut child = environment.start(["log", "--json"]);
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}

/// Lets an attempt of a run work on step 1.1, as a runner would.
fn dispatch(environment: &TestEnvironment, runner: Option<ProcessIdentity>) -> AttemptId {
    let workspace = Workspace::open(&environment.top()).unwrap();
    let plan = workspace
        .plan_key(&environment.top().join("plans/demo.md"))
        .unwrap();
    let run = RunId::from_uuid(clock::fresh_uuid());
    let attempt = AttemptId::from_uuid(clock::fresh_uuid());
    let operations = vec![
        Operation::RunStarted {
            run,
            runner,
            words: "a test".to_owned(),
        },
        Operation::AttemptDispatched {
            attempt,
            run,
            steps: vec!["1.1".into()],
            agent: "claude".to_owned(),
            fence: 1,
            number: 1,
            retry: false,
        },
    ];
    let mut store = workspace.open_store().unwrap();
    store.commit(&Commit::new(plan, operations)).unwrap();
    attempt
}

#[test]
fn an_agent_claims_its_own_step() {
    let mut environment = registered();
    let attempt = dispatch(&environment, None);
    environment.set("AIRBOSS_ATTEMPT", &attempt.to_string());
    assert_snapshot!(environment.run(["mark-complete", "1.1", "--notes", "easy"]), @r#"
    --- stdout
    {
      "claim": "completed",
      "status": "claimed",
      "success": true,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["check", "1.1", "--json"]), @r#"
    --- stdout
    {"data":{"blockers":[],"canStart":false,"phase":1,"task":{"description":"Measure the width","id":"1.1","phase":1,"status":"in_progress"}},"schema_version":1}
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["write-findings", "1.1", "--content", "wide"]), @r#"
    --- stdout
    {
      "findingsPath": "docs/plan-outputs/demo/findings/1-1.md",
      "success": true,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
    let told = environment.run(["write-findings", "1.2", "--content", "tall"]);
    assert_snapshot!(told.replace(&attempt.short(), "[ATTEMPT]"), @r#"
    --- stderr
    Error: step 1.2 is not the step of attempt [ATTEMPT]
    hint: an agent reports on its own step only
    --- exit 4
    "#);
}

#[test]
fn a_step_in_flight_is_not_taken_away_by_accident() {
    let environment = registered();
    let attempt = dispatch(&environment, Some(self_identity().unwrap()));
    let told = environment.run(["mark-failed", "1.1", "--error", "no"]);
    assert_snapshot!(told.replace(&attempt.short(), "[ATTEMPT]"), @r#"
    --- stderr
    Error: step 1.1 is being worked on by attempt [ATTEMPT] of a live run
    hint: end the run first, or take it with `--force`
    --- exit 4
    "#);
    assert_snapshot!(environment.run(["mark-failed", "1.1", "--error", "no", "--force"]), @r#"
    --- stdout
    {
      "error": "no",
      "status": "failed",
      "success": true,
      "taskId": "1.1"
    }
    --- exit 0
    "#);
}
