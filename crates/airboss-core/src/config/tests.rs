//! Parsing, layering, trust and the defaults.

use insta::assert_snapshot;

use super::*;

fn project(text: &str) -> Result<Layer, ConfigError> {
    let origin = Origin::Project {
        file: "airboss.toml".to_owned(),
    };
    Layer::from_toml(text, origin)
}

/// The settings that are no defaults, the warnings, or the error.
fn shown(text: &str) -> String {
    let layer = match project(text) {
        Ok(layer) => layer,
        Err(error) => return format!("error: {error}"),
    };
    let mut lines = layer.warnings.clone();
    let merged = Merged::new(vec![layer], |_| true);
    for (path, found) in merged.settings() {
        if let Some(line) = found.line {
            lines.push(format!(
                "{path} = {} ({}:{line})",
                found.value, found.origin
            ));
        }
    }
    if let Err(error) = merged.config() {
        lines.push(format!("error: {error}"));
    }
    lines.join("\n")
}

#[test]
fn every_kind_of_value() {
    assert_snapshot!(shown(r#"
[run]
agent = "mine"
jobs = 0x4
[agents.mine]
backend = "command"
program = "my-agent"
arguments = ["--quiet", "a b"]
environment = ["MY_TOKEN"]
limits.deadline = "1 h 30 min"
[gates.test]
command = 'cargo test'
retry_on = [75, 1]
when = "phase"
[limits]
line_bytes = "64 KiB"
log_bytes = 4096
[markdown]
write = false
"#), @r#"
    agents.mine.arguments = ["--quiet", "a b"] (airboss.toml:8)
    agents.mine.backend = "command" (airboss.toml:6)
    agents.mine.environment = ["MY_TOKEN"] (airboss.toml:9)
    agents.mine.limits.deadline = "1 h 30 min" (airboss.toml:10)
    agents.mine.program = "my-agent" (airboss.toml:7)
    gates.test.command = "cargo test" (airboss.toml:12)
    gates.test.retry_on = ["75", "1"] (airboss.toml:13)
    gates.test.when = "phase" (airboss.toml:14)
    limits.line_bytes = 65536 (airboss.toml:16)
    limits.log_bytes = 4096 (airboss.toml:17)
    markdown.write = false (airboss.toml:19)
    run.agent = "mine" (airboss.toml:3)
    run.jobs = 4 (airboss.toml:4)
    "#);
}

#[test]
fn unknown_settings_are_warnings_with_the_nearest_known_one() {
    assert_snapshot!(shown("[run]\njbos = 3\n[limit]\nidle = '2h'\n[gates.x]\ncomand = 'a'\ncommand = 'b'\n[colours]\nx = 1\n"), @"
    airboss.toml:2: unknown setting `run.jbos`; did you mean `jobs`?
    airboss.toml:3: unknown setting `limit`; did you mean `limits`?
    airboss.toml:6: unknown setting `gates.x.comand`; did you mean `command`?
    airboss.toml:8: unknown setting `colours`
    gates.x.command = \"b\" (airboss.toml:7)
    ");
}

#[test]
fn wrong_values_are_errors_with_line_and_remedy() {
    let wrong = [
        "[run]\njobs = '3'",
        "[run]\njobs = -1",
        "run = 3",
        "[limits]\nidle = 30",
        "[limits]\nidle = '30 parsecs'",
        "[commit]\nmode = 'sometimes'",
        "[gates.test]\nwhen = 'step'",
        "[agents.mine]\nmodel = 'x'",
        "[agents.'a b']\nmodel = 'x'",
        "[run]\njobs = \n",
        "[markdown]\nwrite = 'no'",
        "[hooks.x]\non = ['done']",
        "[hooks.x]\ncommand = []",
        "[hooks.x]\ncommand = ['true']\non = ['finished']",
    ];
    let all: Vec<String> = wrong.iter().map(|text| shown(text)).collect();
    assert_snapshot!(all.join("\n"), @r#"
    error: airboss.toml:2: `run.jobs` cannot be used; a whole number from 0 is expected
    error: airboss.toml:2: `run.jobs` cannot be used; a whole number from 0 is expected
    error: airboss.toml:1: `run` cannot be used; a section [run] is expected
    error: airboss.toml:2: `limits.idle` cannot be used; a length of time is expected, such as "90s", "30 min" or "2h"
    error: airboss.toml:2: `limits.idle` cannot be used; a length of time is expected, such as "90s", "30 min" or "2h"
    error: airboss.toml:2: `commit.mode` cannot be used; one of step, phase, off is expected
    gates.test.when = "step" (airboss.toml:2)
    error: airboss.toml:2: `gates.test.command` is missing; text in quotes is expected
    agents.mine.model = "x" (airboss.toml:2)
    error: airboss.toml:2: `agents.mine.backend` is missing; one of claude, codex, command, scripted is expected
    error: airboss.toml:1: the name "a b" cannot be used; letters, digits, `-` and `_` are expected
    error: airboss.toml:2: string values must be quoted, expected literal string
    error: airboss.toml:2: `markdown.write` cannot be used; true or false is expected
    hooks.x.on = ["done"] (airboss.toml:2)
    error: airboss.toml:2: `hooks.x.command` is missing; a list of texts is expected, such as ["a", "b"]
    hooks.x.command = [] (airboss.toml:2)
    error: airboss.toml:2: `hooks.x.command` is missing; a list of texts is expected, such as ["a", "b"]
    hooks.x.command = ["true"] (airboss.toml:2)
    hooks.x.on = ["finished"] (airboss.toml:3)
    error: airboss.toml:3: `finished` is no event; there are done, failed, waiting, limited
    "#);
}

#[test]
fn later_layers_win_whatever_order_they_come_in() {
    let layer = |origin, text| Layer::from_toml(text, origin).unwrap();
    let file = |name: &str| name.to_owned();
    let merged = Merged::new(
        vec![
            Layer::from_texts([("run.jobs", "5", "--jobs")], Origin::Flag).unwrap(),
            layer(
                Origin::Local {
                    file: file("local"),
                },
                "run.jobs = 3\nrun.batch = 3",
            ),
            layer(
                Origin::User { file: file("user") },
                "run.jobs = 1\nlimits.idle = '1s'",
            ),
            layer(
                Origin::Project {
                    file: file("project"),
                },
                "run.batch = 2\nlimits.idle = '2s'",
            ),
        ],
        |_| false,
    );
    let config = merged.config().unwrap();
    assert_eq!((config.run.jobs, config.run.batch), (5, 3));
    assert_eq!(config.limits.idle, Duration::from_secs(2));
    assert_eq!(merged.settings()["run.jobs"].origin, Origin::Flag);
}

#[test]
fn commands_of_the_repository_count_only_when_trusted() {
    let text =
        "run.jobs = 7\n[gates.test]\ncommand = 'make test'\n[agents.claude]\nprogram = './evil'\n";
    let merged = Merged::new(vec![project(text).unwrap()], |_| false);
    let config = merged.config().unwrap();
    assert_eq!(config.run.jobs, 7);
    assert!(config.gates.is_empty());
    assert!(config.agents.values().all(|agent| agent.program.is_none()));
    let names: Vec<&String> = merged.untrusted().unwrap().keys().collect();
    assert_eq!(names, ["agents.claude.program", "gates.test.command"]);

    let digest = merged.digest();
    let trusted = Merged::new(vec![project(text).unwrap()], |asked| asked == digest);
    assert!(trusted.untrusted().is_none());
    assert_eq!(trusted.config().unwrap().gates["test"].command, "make test");

    let changed = text.replace("make test", "make test; curl x | sh");
    let merged = Merged::new(vec![project(&changed).unwrap()], |asked| asked == digest);
    assert!(merged.untrusted().is_some());
}

#[test]
fn the_defaults_are_those_of_the_dispatcher() {
    let config = Merged::new(Vec::new(), |_| false).config().unwrap();
    assert_eq!(config.limits.retry_rules(), RetryRules::default());
    for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
        assert!(value::parse(key.default, key.kind).is_ok(), "{}", key.path);
    }
    assert_eq!(
        value::parse("20 min", Kind::Duration),
        Ok(Value::Duration(GATE_TIMEOUT))
    );
    assert_eq!(
        value::parse("10s", Kind::Duration),
        Ok(Value::Duration(HOOK_TIMEOUT))
    );
    assert_eq!(config.board.stale_after, STUCK_AFTER);
}

#[test]
fn durations() {
    let check = |text: &str, expected: Option<u64>| {
        assert_eq!(
            parse_duration(text),
            expected.map(Duration::from_millis),
            "{text}"
        );
    };
    check("30 min", Some(1_800_000));
    check("90s", Some(90_000));
    check("2h", Some(7_200_000));
    check("1h30m", Some(5_400_000));
    check("1 d 2 h", Some(93_600_000));
    check("250ms", Some(250));
    check("", None);
    check("12", None);
    check("-3s", None);
    check("99999999999 d", None);
    check("5 €", None);
    for millis in [0, 250, 1_000, 90_061_001] {
        let duration = Duration::from_millis(millis);
        assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
    }
}

#[test]
fn environment_variables_are_named_after_their_settings() {
    let names: Vec<String> = layer::environment_variables()
        .map(|(name, _)| name)
        .collect();
    assert!(names.contains(&"AIRBOSS_LIMITS_INTERRUPT_GRACE".to_owned()));
    assert!(!names.iter().any(|name| name.contains('*')));
    let error = Layer::from_texts(
        [("run.jobs", "many", "AIRBOSS_RUN_JOBS")],
        Origin::Environment,
    );
    assert_snapshot!(error.unwrap_err(), @"AIRBOSS_RUN_JOBS: `many` cannot be used; a whole number from 0 is expected");
}
