//! Configuration and trust.

use airboss_testkit::assert_output;

use crate::{demo, empty};

#[test]
fn settings_say_where_they_came_from() {
    let environment = empty();
    environment.write("airboss.toml", "[run]\njobs = 2\nbatch = 3\nbacth = 1\n");
    environment.write("airboss.local.toml", "run.batch = 4\n");
    let told = environment
        .command(["config", "show", "--origin"])
        .env("AIRBOSS_LIMITS_RETRIES", "5")
        .run();
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    [run]
    agent = "plain"  # [ROOT]/config/airboss/config.toml:2
    jobs = 2         # airboss.toml:2
    batch = 4        # airboss.local.toml:1

    [agents.claude]
    backend = "scripted"  # [ROOT]/config/airboss/config.toml:16
    arguments = ["--script", "[ROOT]/script.toml", "--speak", "claude"]  # [ROOT]/config/airboss/config.toml:17

    [agents.codex]
    backend = "scripted"  # [ROOT]/config/airboss/config.toml:20
    arguments = ["--script", "[ROOT]/script.toml", "--speak", "codex"]  # [ROOT]/config/airboss/config.toml:21

    [agents.plain]
    backend = "scripted"  # [ROOT]/config/airboss/config.toml:12
    arguments = ["--script", "[ROOT]/script.toml", "--speak", "plain"]  # [ROOT]/config/airboss/config.toml:13

    [limits]
    deadline = "2 h"            # default
    idle = "1 s"                # [ROOT]/config/airboss/config.toml:5
    interrupt_grace = "300 ms"  # [ROOT]/config/airboss/config.toml:6
    terminate_grace = "300 ms"  # [ROOT]/config/airboss/config.toml:7
    line_bytes = 1048576        # default
    log_bytes = 67108864        # default
    flood_bytes = 1073741824    # default
    retries = 5                 # AIRBOSS_LIMITS_RETRIES
    backoff = "100 ms"          # [ROOT]/config/airboss/config.toml:8
    interruptions = 5           # default
    parkings = 5                # default
    parking = "200 ms"          # [ROOT]/config/airboss/config.toml:9
    limit_wait = "6 h"          # default
    iterations = 0              # default

    [commit]
    mode = "step"  # default

    [markdown]
    write = true  # default

    [board]
    transitions = "permissive"  # default
    stale_after = "30 min"      # default
    commit = true               # default
    project_state = false       # default
    ----- stderr -----
    warning: airboss.toml:4: unknown setting `run.bacth`; did you mean `batch`?
    "#);
}

#[test]
fn wrong_settings_are_named_with_their_line() {
    let environment = empty();
    environment.write("airboss.toml", "[limits]\nidle = 30\n");
    assert_output!(environment, environment.run(["config", "show"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: airboss.toml:2: `limits.idle` cannot be used; a length of time is expected, such as "[DURATION]", "30 min" or "2h"
    "#);
    environment.write("airboss.toml", "[limits\n");
    assert_output!(environment, environment.run(["config", "show"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: airboss.toml:1: unclosed table, expected `]`
    "#);
    fs_err::remove_file(environment.top().join("airboss.toml")).unwrap();
    fs_err::create_dir(environment.top().join("airboss.toml")).unwrap();
    assert_output!(environment, environment.run(["config", "show"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: failed to read from file `[WORK]/airboss.toml`: Is a directory (os error 21)
    "#);
}

#[test]
fn commands_are_run_only_once_trusted() {
    let environment = demo();
    assert_output!(environment, environment.run(["trust"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    nothing in this repository's settings runs a program
    "#);
    environment.write(
        "airboss.toml",
        "gates.test.command = \"make \\u001b[31mtest\"\n",
    );
    assert_output!(environment, environment.run(["run", "plans/demo.md"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: airboss.toml sets commands that nobody has trusted yet: gates.test.command
    hint: `airboss trust` shows them and asks
    "#);
    assert_output!(environment, environment.run(["trust"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    These settings of the repository run programs on this machine:
    gates.test.command  airboss.toml:1  "make \u001B[31mtest"
    Error: trust has to be given by a person
    hint: run it on a terminal, or with --yes once you have read the commands
    "#);
    assert_output!(environment, environment.run(["trust", "--yes"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    These settings of the repository run programs on this machine:
    gates.test.command  airboss.toml:1  "make \u001B[31mtest"
    1 setting trusted until one of them changes
    "#);
    assert_output!(environment, environment.run(["trust"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    1 setting already trusted; nothing to do
    "#);
    environment.write("airboss.toml", "gates.test.command = \"make other\"\n");
    assert_output!(environment, environment.run(["config", "show"]).stderr, @r#"
    warning: not counted, because nobody has trusted them yet: gates.test.command
    hint: `airboss trust` shows them and asks
    "#);
}

#[test]
fn an_example_is_written_only_when_asked() {
    let environment = demo();
    drop(environment.run(["init", "plans/demo.md"]));
    assert!(!environment.top().join("airboss.toml").exists());
    drop(environment.run(["init", "plans/demo.md", "--config"]));
    assert_output!(environment, environment.run(["config", "show"]).stderr, @"");
    environment.write("airboss.toml", "# mine\n");
    let told = environment.run(["init", "plans/demo.md", "--config"]);
    assert_output!(environment, told.stderr, @"warning: airboss.toml is there already and was left alone");
    assert_eq!(environment.read("airboss.toml"), "# mine\n");
}
