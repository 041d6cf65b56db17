//! Many tasks at the same second.

use airboss_testkit::TestEnvironment;
use serde_json::Value;

use crate::begun;

/// Tasks that are researched at once.
const TASKS: usize = 10;

/// When the attempt at each task began and ended, in milliseconds, as the log has it.
fn intervals(environment: &TestEnvironment) -> Vec<(i64, i64)> {
    let log = environment.run(["log", "--limit", "10000", "--json"]);
    let log = log.expect_code(0).stdout.lines();
    let log: Vec<Value> = log
        .map(|line| serde_json::from_str(line).expect("the log is JSON"))
        .collect();
    let times = |kind: &str| {
        let ours = log
            .iter()
            .filter(|stored| stored["data"]["operation"]["kind"] == kind);
        let mut times: Vec<(String, i64)> = ours
            .map(|stored| {
                let attempt = stored["data"]["operation"]["attempt"].to_string();
                (
                    attempt,
                    stored["data"]["at"]
                        .as_i64()
                        .expect("an instant is a number"),
                )
            })
            .collect();
        times.sort();
        times
    };
    let (begun, ended) = (times("attempt_spawned"), times("attempt_ended"));
    assert_eq!(begun.len(), ended.len());
    let both = begun.into_iter().zip(ended);
    both.map(|((_, begun), (_, ended))| (begun, ended))
        .collect()
}

/// Each agent goes on once all have begun. Did anybody wait for anybody's agent, none would end.
#[test]
#[expect(clippy::print_stderr, reason = "the ratio is for a person")]
fn ten_at_the_same_second_make_ten_commits() {
    let report = "printf '# Report\\\\n\\\\n## Findings\\\\n\\\\nWhat was found is told here at \
                  some length, so that whoever plans the work has something to go by, and it is \
                  quite enough for that.\\\\n'";
    let meet = format!(
        "mkdir -p ../met; touch ../met/$(basename ${{AIRBOSS_PLAN%/*}}); \
         while test $(ls ../met | wc -l) -lt {TASKS}; do sleep 0.05; done"
    );
    let script = format!(
        "[default]\nactions = [{{ shell = \"{meet}; {report} > ${{AIRBOSS_PLAN%/*}}/reports/\
         {{step}}.md\" }}]\n"
    );
    let environment = begun(&script);
    environment.config("[limits]\nidle = \"60s\"\n");
    for number in 2..=TASKS {
        environment
            .run(["task", "add", &format!("Task number {number}")])
            .expect_code(0);
    }
    let running: Vec<_> = (1..=TASKS)
        .map(|number| environment.start(["research", &number.to_string(), "-q"]))
        .collect();
    let outputs: Vec<_> = running.into_iter().map(|one| one.wait()).collect();
    for output in &outputs {
        assert_eq!(output.code(), 0, "{output:?}");
    }
    let intervals = intervals(&environment);
    assert_eq!(intervals.len(), TASKS);
    let first_end = intervals.iter().map(|(_, end)| *end).min().unwrap();
    let last_begin = intervals.iter().map(|(begin, _)| *begin).max().unwrap();
    assert!(last_begin < first_end, "{intervals:?}");
    let slowest = intervals
        .iter()
        .map(|(begin, end)| end - begin)
        .max()
        .unwrap();
    let begin = intervals.iter().map(|(begin, _)| *begin).min().unwrap();
    let end = intervals.iter().map(|(_, end)| *end).max().unwrap();
    eprintln!(
        "the slowest agent {slowest} ms, all {TASKS} of them {} ms",
        end - begin
    );
    environment.run(["verify"]).expect_code(0);
    let subjects = environment.git(["log", "--format=%s", "-10"]);
    let mut subjects: Vec<&str> = subjects.lines().collect();
    subjects.sort_unstable();
    let mut expected: Vec<String> = (1..=TASKS)
        .map(|number| format!("task {number}: complete research"))
        .collect();
    expected.sort_unstable();
    assert_eq!(subjects, expected);
    for back in 0..TASKS {
        let commit = format!("HEAD~{back}");
        let subject = environment.git(["log", "-1", "--format=%s", &commit]);
        let number = subject
            .trim_start_matches("task ")
            .split(':')
            .next()
            .unwrap_or("");
        let changed = environment.git(["show", "--format=", "-U0", &commit, "--", "specs/TODO.md"]);
        let added: Vec<&str> = changed
            .lines()
            .filter(|line| line.starts_with('+') && !line.starts_with("+++"))
            .collect();
        assert_eq!(added.len(), 2, "{subject}: {changed}");
        let slug = format!("specs/{number:0>3}_");
        assert!(added[1].contains(&slug), "{subject}: {changed}");
        let files = environment.git(["show", "--name-only", "--format=", &commit]);
        let files: Vec<&str> = files.lines().collect();
        assert!(
            files.len() == 3 && files[0].starts_with(&slug),
            "{subject}: {files:?}"
        );
        assert_eq!(files[1..], ["specs/TODO.md", "specs/state.json"]);
    }
}
