//! Configuration and trust.

use airboss_testkit::assert_output;

use crate::{demo, empty};

#[test]
fn settings_say_where_they_came_from() {
    let environment = empty();
    environment.write(
        "airboss.toml",
        "[run]\njobs = 2\nbatch = 3\npuase = \"1s\"\n",
    );
    environment.write("airboss.local.toml", "run.batch = 4\n");
    let told = environment
        .command(["config", "show", "--origin"])
        .env("AIRBOSS_LIMITS_RETRIES", "5")
        .run();
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    agents.claude.arguments = ["--script", "[ROOT]/script.toml", "--speak", "claude"]  # [ROOT]/config/airboss/config.toml:17
    agents.claude.backend = "scripted"  # [ROOT]/config/airboss/config.toml:16
    agents.codex.arguments = ["--script", "[ROOT]/script.toml", "--speak", "codex"]  # [ROOT]/config/airboss/config.toml:21
    agents.codex.backend = "scripted"  # [ROOT]/config/airboss/config.toml:20
    agents.plain.arguments = ["--script", "[ROOT]/script.toml", "--speak", "plain"]  # [ROOT]/config/airboss/config.toml:13
    agents.plain.backend = "scripted"  # [ROOT]/config/airboss/config.toml:12
    commit.mode = "step"  # default
    commit.projections = true  # default
    limits.backoff = "100 ms"  # [ROOT]/config/airboss/config.toml:8
    limits.deadline = "2 h"  # default
    limits.flood_bytes = 1073741824  # default
    limits.idle = "1 s"  # [ROOT]/config/airboss/config.toml:5
    limits.interrupt_grace = "300 ms"  # [ROOT]/config/airboss/config.toml:6
    limits.interruptions = 5  # default
    limits.iterations = 0  # default
    limits.limit_wait = "6 h"  # default
    limits.line_bytes = 1048576  # default
    limits.log_bytes = 67108864  # default
    limits.parking = "200 ms"  # [ROOT]/config/airboss/config.toml:9
    limits.parkings = 5  # default
    limits.retries = 5  # environment
    limits.terminate_grace = "300 ms"  # [ROOT]/config/airboss/config.toml:7
    markdown.write = true  # default
    run.agent = "plain"  # [ROOT]/config/airboss/config.toml:2
    run.batch = 4  # airboss.local.toml:1
    run.jobs = 2  # airboss.toml:2
    run.pause = "0 ms"  # default
    ----- stderr -----
    warning: airboss.toml:4: unknown setting `run.puase`; did you mean `pause`?
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
    {
      "commands": {},
      "digest": "[HASH]",
      "trusted": true
    }
    ----- stderr -----
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
    exit code: 3
    ----- stdout -----

    ----- stderr -----
    gates.test.command = "make \u001B[31mtest"  # airboss.toml:1
    Error: nobody is there to be asked
    hint: read the commands above, then `airboss trust --yes`
    "#);
    assert_output!(environment, environment.run(["trust", "--yes"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "commands": {
        "gates.test.command": "\"make \\u001B[31mtest\""
      },
      "digest": "[HASH]",
      "trusted": true
    }
    ----- stderr -----
    gates.test.command = "make \u001B[31mtest"  # airboss.toml:1
    "#);
    assert_output!(environment, environment.run(["trust"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "commands": {
        "gates.test.command": "\"make \\u001B[31mtest\""
      },
      "digest": "[HASH]",
      "trusted": true
    }
    ----- stderr -----
    "#);
    environment.write("airboss.toml", "gates.test.command = \"make other\"\n");
    assert_output!(environment, environment.run(["config", "show"]).stderr, @"warning: not trusted, so they do not count: gates.test.command");
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
