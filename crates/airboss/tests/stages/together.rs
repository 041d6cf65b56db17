//! Many tasks at the same second.

use std::time::{Duration, Instant};

use crate::begun;

/// Tasks that are researched at once.
const TASKS: usize = 10;

#[test]
fn ten_at_the_same_second_make_ten_commits() {
    let report = "printf '# Report\\\\n\\\\n## Findings\\\\n\\\\nWhat was found is told here at \
                  some length, so that whoever plans the work has something to go by, and it is \
                  quite enough for that.\\\\n'";
    let script = format!(
        "[default]\nactions = [{{ shell = \"sleep 2; {report} > ${{AIRBOSS_PLAN%/*}}/reports/\
         {{step}}.md\" }}]\n"
    );
    let environment = begun(&script);
    environment.config("[limits]\nidle = \"60s\"\n");
    for number in 2..=TASKS {
        environment
            .run(["task", "add", &format!("Task number {number}")])
            .expect_code(0);
    }
    let begin = Instant::now();
    let running: Vec<_> = (1..=TASKS)
        .map(|number| environment.start(["research", &number.to_string(), "-q"]))
        .collect();
    let outputs: Vec<_> = running.into_iter().map(|one| one.wait()).collect();
    let took = begin.elapsed();
    for output in &outputs {
        assert_eq!(output.code(), 0, "{output:?}");
    }
    // Nobody waited for anybody's agent: together they sleep for longer than a minute.
    assert!(took < Duration::from_secs(2 * TASKS as u64), "{took:?}");
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
    }
}
