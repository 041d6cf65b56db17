//! The runner is killed again and again; the same command goes on each time.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airboss_testkit::environment::{Signal, TestEnvironment};

use crate::support::*;

const KILLS: usize = 20;

/// A small generator (xorshift64): the moments have to be spread, not unpredictable.
struct Random(u64);

impl Random {
    /// By `AIRBOSS_TEST_SEED`, so that a run can be repeated, else by the clock.
    fn new() -> Self {
        let given = std::env::var("AIRBOSS_TEST_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            u64::from(now.subsec_nanos()) + 1
        });
        #[expect(clippy::print_stdout, reason = "a failed test is repeated with it")]
        {
            println!("AIRBOSS_TEST_SEED={seed}");
        }
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Twelve steps: four in a row, four side by side, four in a row.
fn twelve_steps() -> String {
    let steps = |phase: usize| -> Vec<(String, String)> {
        (1..=4)
            .map(|step| {
                let file = format!("Write `out/{phase}-{step}.txt`");
                (format!("{phase}.{step}"), file)
            })
            .collect()
    };
    let mut text = "# Plan: Work\n\n## Implementation Phases\n".to_owned();
    for number in 1..=3 {
        let owned = steps(number);
        let borrowed: Vec<(&str, &str)> = owned
            .iter()
            .map(|(id, text)| (id.as_str(), text.as_str()))
            .collect();
        let (after, note) = match number {
            1 => ("", ""),
            2 => (
                "1",
                "**Execution Note:** Tasks 2.1-2.4 are [PARALLEL] - files of their own\n",
            ),
            _ => ("2", ""),
        };
        text.push_str(&phase(number, after, &borrowed, note));
    }
    text
}

/// Each attempt that gets so far appends a line of its own, so that a second one is seen.
const APPENDING: &str = r#"
[default]
actions = [
  { say = "Working." },
  { tool = "Read", seconds = 0.15 },
  { append = "out/{slug}.txt", text = "made by attempt {attempt} of {step}\n" },
  { tool = "Read", seconds = 0.15 },
  { say = "Done." },
]
"#;

fn prepared() -> TestEnvironment {
    let environment = environment();
    environment.config(
        "[limits]\nidle = \"30s\"\nbackoff = \"50ms\"\n[gates.check]\ncommand = \"sleep 0.05; grep -q made out/*.txt\"\n",
    );
    environment.plan(PLAN, twelve_steps());
    environment.script(APPENDING);
    environment
}

#[test]
fn nothing_is_lost_or_done_twice() {
    let environment = prepared();
    let mut random = Random::new();
    let command = ["run", PLAN, "--agent", "claude", "--jobs", "2"];
    let mut story = String::new();
    for kill in 0..KILLS {
        let moment = Duration::from_millis(5 + random.below(260));
        let mut run = environment.start(command);
        // The moment itself is what is tested, so nothing is waited for.
        thread::sleep(moment);
        assert!(
            run.is_running(),
            "it ended before kill {kill}: {}",
            run.stderr()
        );
        run.signal(Signal::KILL);
        story.extend([format!("--- {moment:?}\n"), run.wait().stderr]);
    }
    let last = environment.run(command);
    story.extend(["--- the last\n".to_owned(), last.to_string()]);
    assert_eq!(last.code(), 0, "{story}");
    environment.assert_no_process_left();
    let done = with_status(&environment, "completed");
    assert_eq!(done.split(' ').count(), 12, "{story}");
    for phase in 1..=3 {
        for step in 1..=4 {
            let text = environment.read(&format!("out/{phase}-{step}.txt"));
            assert_eq!(text.lines().count(), 1, "{phase}.{step}: {text}\n{story}");
        }
    }
    let commits = commits(&environment);
    let mut subjects: Vec<&str> = commits
        .iter()
        .map(|commit| commit.subject.as_str())
        .collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(
        (commits.len(), subjects.len()),
        (12, 12),
        "{commits:#?}\n{story}"
    );
    for commit in &commits {
        let own: Vec<&String> = commit.files.iter().filter(|file| *file != PLAN).collect();
        assert_eq!(own.len(), 1, "{commit:?}\n{story}");
        let slug = own[0].trim_start_matches("out/").trim_end_matches(".txt");
        let step = slug.replace('-', ".");
        assert_eq!(
            commit.subject,
            format!("[work] task {step}: Write `{}`", own[0])
        );
    }
    environment.git(["fsck", "--strict"]);
    assert_eq!(environment.git(["diff"]), "", "{story}");
    assert_eq!(
        environment.git(["status", "--porcelain", "out", PLAN]),
        "",
        "{story}"
    );
    assert_eq!(environment.git(["diff", "--cached"]), "");
}
