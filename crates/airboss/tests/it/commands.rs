//! Every command once, as it is used.

use airboss_core::id::{AttemptId, RunId};
use airboss_core::operation::Operation;
use airboss_core::process::ProcessIdentity;
use airboss_engine::clock;
use airboss_engine::run::attempt_files::directory;
use airboss_engine::store::{Commit, Store as _};
use airboss_engine::supervise::{issue_token, self_identity};
use airboss_engine::workspace::Workspace;
use airboss_testkit::{TestEnvironment, assert_output};

use crate::{demo, registered};

#[test]
fn reading_commands_write_nothing() {
    let environment = demo();
    let staged = environment.git(["status", "--porcelain", "--untracked-files=all"]);
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
        assert_ne!(told.code(), 2, "{command}: {told}");
    }
    assert_eq!(
        environment.git(["status", "--porcelain", "--untracked-files=all"]),
        staged
    );
    assert!(!environment.top().join(".git/airboss").exists());
}

#[test]
fn a_plan_is_made_known() {
    let environment = demo();
    assert_output!(environment, environment.run(["init", "plans/demo.md"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "errors": [],
      "outputPath": "docs/plan-outputs/demo",
      "phases": 2,
      "planName": "demo",
      "planPath": "plans/demo.md",
      "success": true,
      "tasks": 3
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["init", "plans/demo.md"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "errors": [],
      "outputPath": "docs/plan-outputs/demo",
      "phases": 2,
      "planName": "demo",
      "planPath": "plans/demo.md",
      "success": true,
      "tasks": 3
    }
    ----- stderr -----
    "#);
    environment.assert_tree_clean();
}

#[test]
fn what_comes_next() {
    let environment = registered();
    assert_output!(environment, environment.run(["next"]), @r#"
    exit code: 0
    ----- stdout -----
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
    ----- stderr -----
    "#);
}

#[test]
fn a_step_from_start_to_end() {
    let environment = registered();
    assert_output!(environment, environment.run(["mark-started", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "status": "in_progress",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["mark-complete", "1.1", "--notes", "--all good"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "notes": "--all good",
      "status": "completed",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["mark-complete", "1.2"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "notes": null,
      "status": "completed",
      "success": true,
      "taskId": "1.2"
    }
    ----- stderr -----
    warning: step 1.2 was never started, so it has no start time
    "#);
    assert_output!(environment, environment.run(["mark-failed", "2.1", "--error", "too wide"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "error": "too wide",
      "status": "failed",
      "success": true,
      "taskId": "2.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["mark-pending", "2.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "status": "pending",
      "success": true,
      "taskId": "2.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["mark-skipped", "2.1", "--reason", "no need"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "reason": "no need",
      "status": "skipped",
      "success": true,
      "taskId": "2.1"
    }
    ----- stderr -----
    "#);
}

/// A plan with two steps completed and one skipped.
fn finished() -> TestEnvironment {
    let environment = registered();
    for words in [
        "mark-started 1.1",
        "mark-complete 1.1",
        "mark-complete 1.2",
        "mark-skipped 2.1 --reason no-need",
    ] {
        environment.run(words.split(' ')).expect_code(0);
    }
    environment
}

#[test]
fn a_finished_plan_is_told() {
    let environment = finished();
    assert_output!(environment, environment.run(["status"]), @r#"
    exit code: 0
    ----- stdout -----
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
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["phases", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"phases":[{"completed":2,"number":1,"percentage":100,"status":"complete","title":"Measure","total":2},{"completed":0,"number":2,"percentage":0,"status":"complete","title":"Mend","total":1}]},"schema_version":1}
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["progress"]), @r#"
    exit code: 0
    ----- stdout -----
    demo  [#############.......]  66%  2/3 done, 1 skipped
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["progress", "--format=markers"]), @r#"
    exit code: 0
    ----- stdout -----
    [PROGRESS] plan status=completed percent=66
    [PROGRESS] task=1.1 status=completed
    [PROGRESS] task=1.2 status=completed
    [PROGRESS] task=2.1 status=skipped
    [PROGRESS] summary completed=2 pending=0 failed=0
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["progress", "--watch", "--format", "json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"completed":2,"currentPhase":null,"failed":0,"inProgress":0,"pending":0,"percentage":66,"plan":"demo","skipped":1,"status":"completed","total":3}
    ----- stderr -----
    "#);
}

#[test]
fn the_files_of_a_finished_plan_agree() {
    let environment = finished();
    assert_output!(environment, environment.run(["sync", "--check"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "drift": [],
      "inSync": true
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["validate"]), @r#"
    exit code: 0
    ----- stdout -----
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
    ----- stderr -----
    "#);
    assert_output!(environment, environment.read("plans/demo.md"), @r#"
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
    assert_output!(environment, environment.run(["check", "2.1"]), @r#"
    exit code: 0
    ----- stdout -----
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
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["check", "1.2", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"blockers":[],"canStart":true,"phase":1,"task":{"description":"Measure the height","id":"1.2","phase":1,"status":"pending"}},"schema_version":1}
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["next", "1", "--ignore-deps", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"activePhases":[1],"blockedTaskCount":2,"count":1,"tasks":[{"dependencies":[],"dependents":[],"description":"Measure the width","id":"1.1","phase":1,"reason":"ready","sequential":true,"status":"pending"}]},"schema_version":1}
    ----- stderr -----
    "#);
}

#[test]
fn a_retry_comes_after_what_is_ready() {
    let environment = registered();
    drop(environment.run(["mark-failed", "1.1", "--error", "no"]));
    drop(environment.run(["mark-skipped", "1.2", "--reason", "no"]));
    assert_output!(environment, environment.run(["next", "5", "--phase-priority"]), @r#"
    exit code: 0
    ----- stdout -----
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
    ----- stderr -----
    "#);
    drop(environment.run(["increment-retry", "1.1"]));
    drop(environment.run(["increment-retry", "1.1"]));
    assert_output!(environment, environment.run(["next"]), @r#"
    exit code: 3
    ----- stdout -----
    {
      "activePhases": [],
      "blockedTaskCount": 1,
      "count": 0,
      "tasks": []
    }
    ----- stderr -----
    "#);
}

#[test]
fn retries_are_counted_and_end() {
    let environment = registered();
    drop(environment.run(["mark-failed", "1.1", "--error", "red"]));
    assert_output!(environment, environment.run(["retryable"]), @r#"
    exit code: 0
    ----- stdout -----
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
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["increment-retry", "1.1", "--error", "still red"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "canRetry": true,
      "lastError": "still red",
      "maxRetries": 2,
      "retryCount": 1,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["increment-retry", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "canRetry": true,
      "lastError": "still red",
      "maxRetries": 2,
      "retryCount": 2,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["increment-retry", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "canRetry": false,
      "lastError": "still red",
      "maxRetries": 2,
      "retryCount": 2,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["exhausted", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"count":1,"tasks":[{"description":"Measure the width","id":"1.1","lastError":"still red","lastErrorAt":"[TIME]","phase":1,"retryCount":2}]},"schema_version":1}
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["increment-retry", "1.2"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.2 is pending; only failed steps are retried
    hint: `airboss retryable` lists those that are
    "#);
}

#[test]
fn findings_are_written_and_read() {
    let environment = registered();
    assert_output!(environment, environment.run(["write-findings", "1.1", "--content", "--wide\n"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "findingsPath": "docs/plan-outputs/demo/findings/1-1.md",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["read-findings", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    --wide
    ----- stderr -----
    "#);
    assert_output!(environment, environment.command(["write-findings", "1.2", "--stdin"]).input(b"tall\n").run(), @r#"
    exit code: 0
    ----- stdout -----
    {
      "findingsPath": "docs/plan-outputs/demo/findings/1-2.md",
      "success": true,
      "taskId": "1.2"
    }
    ----- stderr -----
    "#);
    environment.write("notes.md", "from a file");
    assert_output!(environment, environment.run(["write-findings", "1.2", "--file", "notes.md"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "findingsPath": "docs/plan-outputs/demo/findings/1-2.md",
      "success": true,
      "taskId": "1.2"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["read-findings", "1.2", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"content":"from a file","findingsPath":"docs/plan-outputs/demo/findings/1-2.md"},"schema_version":1}
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["read-findings", "2.1"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 2.1 has no findings
    hint: `airboss write-findings 2.1 --stdin` writes them
    "#);
    environment.write("docs/plan-outputs/demo/findings/2-1-mend.md", "by hand");
    assert_output!(environment, environment.run(["read-findings", "2.1"]), @r#"
    exit code: 0
    ----- stdout -----
    by hand
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["write-findings", "1.1"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: the following required arguments were not provided:
      <--file <PATH>|--stdin|--content <TEXT>>

    Usage: airboss write-findings <--file <PATH>|--stdin|--content <TEXT>> <ID>

    For more information, try '--help'.
    "#);
}

#[test]
fn runs_are_counted_by_hand() {
    let environment = registered();
    let told = environment.run(["start-run"]);
    assert_output!(environment, &told, @r#"
    exit code: 0
    ----- stdout -----
    {
      "runId": "run-[MS]",
      "success": true
    }
    ----- stderr -----
    "#);
    let run = told
        .stdout
        .split('"')
        .find(|word| word.starts_with("run-"))
        .unwrap();
    assert_output!(environment, environment.run(["complete-run", run, "--completed", "2", "--failed", "0"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "completed": 2,
      "failed": 0,
      "runId": "run-[MS]",
      "success": true
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["runs"]), @r#"
    exit code: 0
    ----- stdout -----
    run           started              took  ending    done  failed  attempts  asked to
    [ID]  [TIME]  [DURATION]  complete  2     0       0         counted by hand
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["complete-run", "run-1"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the plan has no run `run-1`
    hint: `airboss runs` lists them
    "#);
}

#[test]
fn a_repeated_command_answers_what_it_answered_first() {
    let environment = registered();
    let first = environment
        .run(["mark-started", "1.1", "--id", "a"])
        .to_string();
    drop(environment.run(["mark-complete", "1.1", "--notes", "x", "--id", "b"]));
    let again = environment.run(["mark-started", "1.1", "--id", "a"]);
    assert_eq!(again.to_string(), first);
    assert_output!(environment, environment.run(["log", "--limit", "1"]), @r#"
    exit code: 0
    ----- stdout -----
    3  [TIME]  step_marked  1.1  completed by a person: x
    ----- stderr -----
    "#);
}

#[test]
fn an_agent_claims_and_decides_nothing() {
    let environment = registered();
    let run = |attempt: &str, words: &[&str]| {
        environment
            .command(words)
            .env("AIRBOSS_ATTEMPT", attempt)
            .run()
    };
    let other = "0196a3f0c0de7000800000000000000f";
    assert_output!(environment, run(other, &["mark-complete", "1.1"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: attempt [ID] is not known here
    hint: airboss gives its agents AIRBOSS_ATTEMPT and AIRBOSS_TOKEN; pass both on unchanged
    "#);
    assert_output!(environment, run(other, &["answer", "1.1", "yes"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: only a person answers what an agent asked
    "#);
    assert_output!(environment, run(other, &["increment-retry", "1.1"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: an agent does not count retries; airboss does
    "#);
    assert_output!(environment, run("nonsense", &["mark-complete", "1.1"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    Error: AIRBOSS_ATTEMPT does not hold the id of an attempt
    hint: airboss sets it for its agents; unset it to work as a person
    "#);
}

#[test]
fn plan_files_are_shown_and_checked() {
    let environment = demo();
    assert_output!(environment, environment.run(["plan", "show", "plans/demo.md"]), @r#"
    exit code: 0
    ----- stdout -----
    Plan: Demo
    2 phases, 3 steps (0 ticked), 0 criteria

    Phase 1: Measure [NOT STARTED]
      [ ] 1.1 Measure the width
      [ ] 1.2 Measure the height

    Phase 2: Mend [NOT STARTED]
      after phase 1
      [ ] 2.1 Mend what is too wide
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["plan", "check", "plans/demo.md"]), @r#"
    exit code: 0
    ----- stdout -----
    0 errors, 0 warnings
    ----- stderr -----
    "#);
    environment.write(
        "plans/odd.md",
        "# Odd\n\n### Phase 1: A\n\n**Dependencies**: Phase 9\n\n- [ ] 1.1 Do\n",
    );
    assert_output!(environment, environment.run(["plan", "check", "plans/odd.md"]), @r#"
    exit code: 1
    ----- stdout -----
    plans/odd.md:5: error[unknown-dependency]: there is no phase 9
      remedy: name one that exists
    1 error, 0 warnings
    ----- stderr -----
    "#);
}

#[test]
fn doctor_names_evidence_and_remedies() {
    let environment = registered();
    let told = environment
        .command(["doctor"])
        .env("PATH", "/nowhere")
        .run();
    assert_output!(environment, told, @r#"
    exit code: 1
    ----- stdout -----
    ✗ git            the git program is not on PATH
                     →  install git 2.35 or later
    ✓ repository     [WORK]: commits can be made
    ✓ locks          none are left over
    ✓ file system    ext4, on this machine
    ✓ configuration  every setting was understood
    ✓ trust          the repository sets no commands
    ✓ agent          claude: the scripted agent is part of airboss
    ✓ agent          codex: the scripted agent is part of airboss
    ✓ agent          plain: the scripted agent is part of airboss
    ✓ store          [WORK]/.git/airboss/k-[ID] can be read
    ✓ runs           every run has ended
    ✓ steps          none is in progress without an attempt
    ✓ attempts       none is open
    ✓ processes      no agent left any behind
    ✓ files          status files and markers show what is stored
    ✓ commits        none is waiting

    1 problem, 0 warnings
    ----- stderr -----
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
        assert!(told.expect_code(0).stdout.len() > 1_000, "{arguments:?}");
    }
}

#[test]
fn a_reader_that_is_gone_is_no_error() {
    let environment = registered();
    let program = env!("CARGO_BIN_EXE_airboss");
    let mut child = std::process::Command::new(program)
        .args(["log", "--json"])
        .current_dir(environment.top())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}

/// Lets an attempt of a run work on step 1.1, as a runner would.
fn dispatch(environment: &TestEnvironment, runner: Option<ProcessIdentity>) -> (AttemptId, String) {
    let workspace = Workspace::open(&environment.top()).expect("the store is there");
    let plan = workspace
        .plan_key(&environment.top().join("plans/demo.md"))
        .expect("the store is there");
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
    let mut store = workspace.open_store().expect("the store is there");
    store
        .commit(&Commit::new(plan, operations))
        .expect("the store is there");
    let directory = directory(&workspace.state, attempt);
    fs_err::create_dir_all(&directory).expect("the store is there");
    let token = issue_token(&directory).expect("the directory was just made");
    (attempt, token)
}

#[test]
fn an_agent_claims_its_own_step() {
    let environment = registered();
    let (attempt, token) = dispatch(&environment, None);
    let attempt = attempt.to_string();
    let run = |words: &[&str]| {
        environment
            .command(words)
            .env("AIRBOSS_ATTEMPT", &attempt)
            .env("AIRBOSS_TOKEN", &token)
            .run()
    };
    assert_output!(environment, run(&["mark-complete", "1.1", "--notes", "easy"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "claim": "completed",
      "status": "claimed",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, run(&["check", "1.1", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"blockers":[],"canStart":false,"phase":1,"task":{"description":"Measure the width","id":"1.1","phase":1,"status":"in_progress"}},"schema_version":1}
    ----- stderr -----
    "#);
    assert_output!(environment, run(&["write-findings", "1.1", "--content", "wide"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "findingsPath": "docs/plan-outputs/demo/findings/1-1.md",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, run(&["write-findings", "1.2", "--content", "tall"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.2 is not the step of attempt [ID]
    hint: an agent reports on its own step only
    "#);
}

#[test]
fn a_step_in_flight_is_not_taken_away_by_accident() {
    let environment = registered();
    dispatch(&environment, Some(self_identity().unwrap()));
    assert_output!(environment, environment.run(["mark-failed", "1.1", "--error", "no"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.1 is being worked on by attempt [ID] of a live run
    hint: `airboss kill 1.1` ends the attempt; `--force` of a `mark-…` command takes the step from it
    "#);
    assert_output!(environment, environment.run(["mark-failed", "1.1", "--error", "no", "--force"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "error": "no",
      "status": "failed",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
}
