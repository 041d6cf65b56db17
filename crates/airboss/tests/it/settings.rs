//! Configuration and trust.

use insta::assert_snapshot;

use crate::{demo, empty};

#[test]
fn settings_say_where_they_came_from() {
    let mut environment = empty();
    environment.write(
        "airboss.toml",
        "[run]\njobs = 2\nbatch = 3\npuase = \"1s\"\n",
    );
    environment.write("airboss.local.toml", "run.batch = 4\n");
    environment.set("AIRBOSS_LIMITS_RETRIES", "5");
    assert_snapshot!(environment.run(["config", "show", "--origin"]), @r#"
    --- stdout
    commit.mode = "step"  # default
    commit.projections = true  # default
    limits.backoff = "2 s"  # default
    limits.deadline = "2 h"  # default
    limits.flood_bytes = 1073741824  # default
    limits.idle = "30 min"  # default
    limits.interrupt_grace = "10 s"  # default
    limits.interruptions = 5  # default
    limits.iterations = 0  # default
    limits.limit_wait = "6 h"  # default
    limits.line_bytes = 1048576  # default
    limits.log_bytes = 67108864  # default
    limits.parking = "30 s"  # default
    limits.parkings = 5  # default
    limits.retries = 5  # environment
    limits.terminate_grace = "10 s"  # default
    markdown.write = true  # default
    run.agent = "claude"  # default
    run.batch = 4  # airboss.local.toml:1
    run.jobs = 2  # airboss.toml:2
    run.pause = "0 ms"  # default
    --- stderr
    warning: airboss.toml:4: unknown setting `run.puase`; did you mean `pause`?
    --- exit 0
    "#);
}

#[test]
fn wrong_settings_are_named_with_their_line() {
    let environment = empty();
    environment.write("airboss.toml", "[limits]\nidle = 30\n");
    assert_snapshot!(environment.run(["config", "show"]), @r#"
    --- stderr
    Error: airboss.toml:2: `limits.idle` cannot be used; a length of time is expected, such as "90s", "30 min" or "2h"
    --- exit 4
    "#);
    environment.write("airboss.toml", "[limits\n");
    assert_snapshot!(environment.run(["config", "show"]), @r#"
    --- stderr
    Error: airboss.toml:1: unclosed table, expected `]`
    --- exit 4
    "#);
    std::fs::remove_file(environment.top().join("airboss.toml")).unwrap();
    std::fs::create_dir(environment.top().join("airboss.toml")).unwrap();
    assert_snapshot!(environment.run(["config", "show"]), @r#"
    --- stderr
    Error: failed to read from file `[TOP]/airboss.toml`: Is a directory (os error 21)
    --- exit 4
    "#);
}

#[test]
fn commands_are_run_only_once_trusted() {
    let environment = demo();
    assert_snapshot!(environment.run(["trust"]), @r#"
    --- stdout
    {
      "commands": {},
      "digest": "[HASH]",
      "trusted": true
    }
    --- exit 0
    "#);
    environment.write(
        "airboss.toml",
        "gates.test.command = \"make \\u001b[31mtest\"\n",
    );
    assert_snapshot!(environment.run(["run", "plans/demo.md"]), @r#"
    --- stderr
    Error: there is no agent `claude`
    hint: known agents: 
    hint: `[agents.claude]` in airboss.toml describes a new one
    --- exit 4
    "#);
    assert_snapshot!(environment.run(["trust"]), @r#"
    --- stderr
    gates.test.command = "make \u001B[31mtest"  # airboss.toml:1
    Error: nobody is there to be asked
    hint: read the commands above, then `airboss trust --yes`
    --- exit 3
    "#);
    assert_snapshot!(environment.run(["trust", "--yes"]), @r#"
    --- stdout
    {
      "commands": {
        "gates.test.command": "\"make \\u001B[31mtest\""
      },
      "digest": "[HASH]",
      "trusted": true
    }
    --- stderr
    gates.test.command = "make \u001B[31mtest"  # airboss.toml:1
    --- exit 0
    "#);
    assert_snapshot!(environment.run(["trust"]), @r#"
    --- stdout
    {
      "commands": {
        "gates.test.command": "\"make \\u001B[31mtest\""
      },
      "digest": "[HASH]",
      "trusted": true
    }
    --- exit 0
    "#);
    environment.write("airboss.toml", "gates.test.command = \"make other\"\n");
    assert_snapshot!(environment.run(["config", "show"]).split("--- stderr").nth(1).unwrap(), @r#"
    warning: not trusted, so they do not count: gates.test.command
    --- exit 0
    "#);
}

#[test]
fn an_example_is_written_only_when_asked() {
    let environment = demo();
    drop(environment.run(["init", "plans/demo.md"]));
    assert!(!environment.top().join("airboss.toml").exists());
    drop(environment.run(["init", "plans/demo.md", "--config"]));
    assert_snapshot!(environment.run(["config", "show"]).split("--- stderr").nth(1).unwrap_or("no warnings"), @"no warnings");
    environment.write("airboss.toml", "# mine\n");
    let told = environment.run(["init", "plans/demo.md", "--config"]);
    assert_snapshot!(told.split("--- stderr").nth(1).unwrap(), @r#"
    warning: airboss.toml is there already and was left alone
    --- exit 0
    "#);
    assert_eq!(environment.read("airboss.toml"), "# mine\n");
}
