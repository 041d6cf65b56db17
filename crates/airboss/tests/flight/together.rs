//! Several runs and a person in one work tree and on one branch, all at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use airboss_testkit::environment::{TestEnvironment, eventually};

use crate::support::*;

const PLANS: [&str; 4] = ["north", "east", "south", "west"];
const STEPS: usize = 4;

fn plan_of(name: &str) -> String {
    let texts: Vec<(String, String)> = (1..=STEPS)
        .map(|step| {
            let text = format!("Write `{name}/1-{step}.txt` and add to `{name}/log.txt`");
            (format!("1.{step}"), text)
        })
        .collect();
    let steps: Vec<(&str, &str)> = texts
        .iter()
        .map(|(id, text)| (id.as_str(), text.as_str()))
        .collect();
    let text = plan(&[&steps]);
    // The second file is shared by the steps of a plan, so their commits build on each other.
    text.replace("# Plan: Work", &format!("# Plan: {name}"))
}

/// What a person does all the while: he stages one file, and later commits exactly that.
/// Returns his commits' subjects with the file of each.
fn person(environment: &TestEnvironment, over: &AtomicBool) -> BTreeMap<String, String> {
    let mut made = BTreeMap::new();
    for round in 0.. {
        let name = format!("mine/{round}.txt");
        environment.write(&name, format!("by hand {round}\n"));
        retry(environment, &["add", &name]);
        // What is staged stays staged. Between a commit and the index that knows of it lies a
        // moment in which git tells of both, and in which it lets nobody commit.
        let mine = format!("A\t{name}\n");
        for _ in 0..5 {
            let mut staged = String::new();
            let alone = eventually(Duration::from_secs(5), || {
                staged = environment
                    .try_git(["diff", "--cached", "--name-status", "--no-renames"])
                    .stdout;
                let own = staged.split_inclusive('\n').filter(|line| *line == mine);
                assert_eq!(own.count(), 1, "{staged}");
                staged == mine
            });
            assert!(alone, "{staged}");
        }
        let subject = format!("by hand {round}");
        retry(environment, &["commit", "--quiet", "--message", &subject]);
        made.insert(subject, name);
        if over.load(Ordering::Relaxed) {
            break;
        }
    }
    made
}

/// A person tries again when git says that somebody else holds a lock or moved the branch.
fn retry(environment: &TestEnvironment, arguments: &[&str]) {
    let mut last = String::new();
    for _ in 0..200 {
        let output = environment.try_git(arguments);
        if output.status.success() {
            return;
        }
        last = output.to_string();
        thread::sleep(Duration::from_millis(10));
    }
    panic!("a person cannot get through: git {arguments:?}: {last}");
}

#[test]
fn four_runs_and_a_person() {
    let environment = environment();
    environment.config("[limits]\nidle = \"30s\"\n");
    for name in PLANS {
        environment.write(&format!("{name}/log.txt"), "begin\n");
        environment.plan(&format!("plans/{name}.md"), plan_of(name));
    }
    environment.commit("logs");
    // The directory of the work is the name of the plan, which the agent knows.
    environment.script(
        r#"
        [default]
        actions = [
          { say = "Working." },
          { shell = "name=$(basename $AIRBOSS_PLAN .md); echo $name $AIRBOSS_STEPS > $name/{slug}.txt; echo $AIRBOSS_STEPS >> $name/log.txt" },
          { tool = "Read", seconds = 0.1 },
          { say = "Done." },
        ]
        "#,
    );
    let over = AtomicBool::new(false);
    let (outputs, by_hand) = thread::scope(|scope| {
        let hand = scope.spawn(|| person(&environment, &over));
        let runs: Vec<_> = PLANS
            .iter()
            .map(|name| {
                let plan = format!("plans/{name}.md");
                environment.start(["run", &plan, "--agent", "claude"])
            })
            .collect();
        let outputs: Vec<_> = runs.into_iter().map(|run| run.wait()).collect();
        over.store(true, Ordering::Relaxed);
        (outputs, hand.join().unwrap())
    });
    // A commit may be left for the next run when others were at it all the time.
    for (name, output) in PLANS.iter().zip(&outputs) {
        assert!(matches!(output.code(), 0 | 11), "{name}: {output}");
        environment
            .run(["run", &format!("plans/{name}.md")])
            .expect_code(0);
    }
    environment.assert_no_process_left();
    check_commits(&environment);
    assert_eq!(
        commits(&environment).len(),
        PLANS.len() * STEPS,
        "{outputs:?}"
    );
    for name in PLANS {
        // All of it is committed, in the order of the steps.
        let log = environment.git(["show", &format!("HEAD:{name}/log.txt")]);
        assert_eq!(log, "begin\n1.1\n1.2\n1.3\n1.4");
    }
    check_by_hand(&environment, &by_hand);
    environment.git(["fsck", "--strict"]);
    assert_eq!(
        environment.git(["status", "--porcelain", "--untracked-files=no"]),
        ""
    );
}

/// Each commit of a run has the files of the one step that it names.
fn check_commits(environment: &TestEnvironment) {
    for commit in commits(environment) {
        let name = PLANS
            .iter()
            .find(|name| commit.subject.starts_with(&format!("[{name}]")))
            .unwrap();
        let step = commit.subject.split(['.', ':']).nth(1).unwrap();
        let mut expected = vec![format!("{name}/1-{step}.txt"), format!("{name}/log.txt")];
        let own: Vec<&String> = commit
            .files
            .iter()
            .filter(|file| **file != format!("plans/{name}.md"))
            .collect();
        expected.retain(|file| own.contains(&file));
        assert_eq!(own, expected.iter().collect::<Vec<_>>(), "{commit:?}");
    }
}

/// The person's commits have his files and nothing else.
fn check_by_hand(environment: &TestEnvironment, by_hand: &BTreeMap<String, String>) {
    assert!(by_hand.len() > 1);
    for line in environment
        .git(["log", "--format=%H %s", "--grep", "^by hand"])
        .lines()
    {
        let (id, subject) = line.split_once(' ').unwrap();
        let files = environment.git(["show", "--name-only", "--format=", id]);
        assert_eq!(files, by_hand[subject], "{line}");
    }
}
