//! Two clones that meet by pushing and pulling, with the merge driver and without it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

use std::path::PathBuf;

use airboss_testkit::TestEnvironment;
use serde_json::Value;

const MARKERS: [(&str, &str); 4] = [
    ("Mend the roof", "mend_the_roof"),
    ("Sweep the yard", "sweep_the_yard"),
    ("Count the nails", "count_the_nails"),
    ("Paint the fence", "paint_the_fence"),
];

/// A bare repository and two clones of it.
struct Clones {
    environment: TestEnvironment,
    tops: [PathBuf; 2],
}

impl Clones {
    /// Both have adopted the board.
    fn new() -> Self {
        let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
        let mut todo = "---\nnext_project_number: 5\n---\n\n# TODO\n\n## Tasks\n".to_owned();
        let mut entries = Vec::new();
        for (number, (title, slug)) in (1..).zip(MARKERS) {
            todo.extend([format!(
                "\n### {number}. {title}\n- **Effort**: 1 hour\n- **Status**: [NOT STARTED]\n\
                 - **Priority**: Medium\n\n**Description**: {title}, well.\n\n---\n"
            )]);
            entries.push(format!(
                "    {{\n      \"project_number\": {number},\n      \
                 \"project_name\": \"{slug}\",\n      \"status\": \"not_started\",\n      \
                 \"effort\": \"1 hour\"\n    }}"
            ));
        }
        let state = format!(
            "{{\n  \"next_project_number\": 5,\n  \"active_projects\": [\n{}\n  ]\n}}\n",
            entries.join(",\n")
        );
        environment.write("specs/TODO.md", todo);
        environment.write("specs/state.json", state);
        environment.commit("a board");
        let (origin, two) = (
            environment.outside("origin.git"),
            environment.outside("two"),
        );
        let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
        environment.git(["clone", "-q", "--bare", ".", &text(&origin)]);
        environment.git(["remote", "add", "origin", &text(&origin)]);
        environment.git(["fetch", "-q", "origin"]);
        environment.git(["branch", "-q", "--set-upstream-to=origin/main"]);
        environment.git(["clone", "-q", &text(&origin), &text(&two)]);
        let clones = Self {
            tops: [environment.top(), two],
            environment,
        };
        for clone in [0, 1] {
            clones.git(clone, &["config", "user.name", "A Person"]);
            clones.git(clone, &["config", "user.email", "person@localhost"]);
            clones.airboss(clone, &["init", "--yes"]);
        }
        clones
    }

    /// Git's output, or what it said when it refused.
    fn try_git(&self, clone: usize, arguments: &[&str]) -> Result<String, String> {
        let top = self.tops[clone].to_str().unwrap();
        let output = self.environment.try_git(within(top, arguments));
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(output.to_string())
    }

    #[track_caller]
    fn git(&self, clone: usize, arguments: &[&str]) -> String {
        let output = self.try_git(clone, arguments);
        output.unwrap_or_else(|refusal| panic!("git {arguments:?}: {refusal}"))
    }

    #[track_caller]
    fn airboss(&self, clone: usize, arguments: &[&str]) -> String {
        let top = self.tops[clone].to_str().unwrap();
        let output = self.environment.run(within(top, arguments));
        assert!(output.status.success(), "{arguments:?}: {output}");
        output.stdout
    }

    /// Every task: what it is called, where it stands and which numbers it ever had, by its id.
    fn tasks(&self, clone: usize) -> Vec<String> {
        let mut tasks = Vec::new();
        for number in 1..9 {
            let number = number.to_string();
            let top = self.tops[clone].to_str().unwrap();
            let told = self
                .environment
                .run(["-C", top, "task", "show", &number, "--json"]);
            let Ok(task) = serde_json::from_str::<Value>(&told.stdout) else {
                continue;
            };
            if told.status.success() {
                tasks.push(task);
            }
        }
        let mut lines: Vec<String> = tasks.iter().map(words).collect();
        lines.sort();
        lines.dedup();
        lines
    }

    /// Pulls, and commits what the merge driver wants a person to look at.
    fn pull(&self, clone: usize) -> bool {
        let pulled = self.try_git(clone, &["pull", "-q", "--no-rebase", "--no-edit"]);
        self.airboss(clone, &["sync"]);
        let is_merging = self.tops[clone].join(".git/MERGE_HEAD").exists();
        assert_eq!(pulled.is_ok(), !is_merging, "{pulled:?}");
        if is_merging {
            for name in ["TODO.md", "state.json"] {
                let text = fs_err::read_to_string(self.tops[clone].join("specs").join(name));
                let text = text.unwrap();
                assert!(!text.contains("<<<<<<<"), "{name}: {text}");
            }
            self.git(clone, &["add", "specs"]);
            self.git(clone, &["commit", "-q", "--no-edit"]);
        }
        // The commits that waited, and those of what was taken in.
        self.airboss(clone, &["sync"]);
        self.commit_rest(clone);
        self.git(clone, &["push", "-q"]);
        is_merging
    }

    /// What was taken in and is nobody's command: the person commits it.
    fn commit_rest(&self, clone: usize) {
        if !self
            .git(clone, &["status", "--porcelain", "-uno"])
            .is_empty()
        {
            self.git(clone, &["commit", "-qam", "what was taken in"]);
        }
    }

    #[track_caller]
    fn converge(&self) {
        for _ in 0..2 {
            self.pull(0);
            self.pull(1);
        }
        for clone in [0, 1] {
            self.airboss(clone, &["verify"]);
        }
        assert_eq!(self.tasks(0), self.tasks(1));
        for name in ["specs/TODO.md", "specs/state.json"] {
            let [one, two] = [0, 1].map(|clone| fs_err::read(self.tops[clone].join(name)).unwrap());
            assert_eq!(
                String::from_utf8(one).unwrap(),
                String::from_utf8(two).unwrap(),
                "{name}"
            );
        }
    }
}

/// The arguments of a command that works in another directory.
fn within<'a>(top: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["-C", top], arguments].concat()
}

fn words(task: &Value) -> String {
    let task = &task["data"];
    format!(
        "{} {} {} {}",
        task["number"], task["title"], task["id"], task["status"]
    )
}

#[test]
fn ids_are_the_same_in_both() {
    let clones = Clones::new();
    let tasks = clones.tasks(0);
    assert_eq!(tasks.len(), 4, "{tasks:?}");
    assert_eq!(tasks, clones.tasks(1));
    clones.converge();
}

#[test]
fn what_only_one_changed_is_taken() {
    let clones = Clones::new();
    clones.airboss(0, &["task", "status", "1", "planned"]);
    clones.airboss(1, &["task", "status", "4", "researching"]);
    clones.airboss(1, &["task", "edit", "2", "--title", "Sweep the yard twice"]);
    clones.git(0, &["push", "-q"]);
    assert!(!clones.pull(1), "nothing is disputed");
    clones.converge();
    let tasks = clones.tasks(0).join("\n");
    for part in ["roof\"", "planned", "researching", "yard twice"] {
        assert!(tasks.contains(part), "{part}: {tasks}");
    }
}

#[test]
fn both_add_a_task_of_the_same_number() {
    let clones = Clones::new();
    clones.airboss(0, &["task", "add", "Hang the door"]);
    clones.airboss(0, &["task", "status", "5", "planned"]);
    clones.airboss(1, &["task", "add", "Oil the hinge"]);
    clones.airboss(1, &["task", "status", "5", "researching"]);
    clones.git(0, &["push", "-q"]);
    clones.pull(1);
    clones.converge();
    let tasks = clones.tasks(0);
    assert_eq!(tasks.len(), 6, "{tasks:#?}");
    let of = |title: &str| tasks.iter().find(|task| task.contains(title)).unwrap();
    let (door, hinge) = (of("Hang the door"), of("Oil the hinge"));
    assert!(door.contains("planned") && hinge.contains("researching"));
    let numbers = [door.as_bytes()[0], hinge.as_bytes()[0]];
    assert!(
        numbers.contains(&b'5') && numbers.contains(&b'6'),
        "{tasks:#?}"
    );
    // Whoever knew it under its old number finds it under that, unless it is another's now.
    let by_old = [0, 1].map(|clone| clones.airboss(clone, &["task", "show", "5", "--json"]));
    assert!(
        by_old
            .iter()
            .all(|task| task.contains("Oil the hinge") || task.contains("Hang the door"))
    );
}

#[test]
fn diverged_statuses_are_settled_alike() {
    let clones = Clones::new();
    clones.airboss(0, &["task", "status", "3", "researching"]);
    clones.airboss(1, &["task", "status", "3", "planned"]);
    clones.git(0, &["push", "-q"]);
    clones.pull(1);
    clones.converge();
}

#[test]
fn without_the_driver_markers_are_merged_from_the_sides() {
    let clones = Clones::new();
    for clone in [0, 1] {
        clones.airboss(clone, &["merge-driver", "--remove"]);
    }
    clones.airboss(0, &["task", "status", "3", "researching"]);
    clones.airboss(0, &["task", "status", "1", "planned"]);
    clones.airboss(1, &["task", "status", "3", "planned"]);
    clones.airboss(1, &["task", "add", "Oil the hinge"]);
    clones.git(0, &["push", "-q"]);
    assert!(clones.pull(1), "the same lines were changed");
    let kept = clones.git(
        1,
        &[
            "for-each-ref",
            "--format=%(objectname)",
            "refs/airboss/quarantine",
        ],
    );
    let texts = kept
        .lines()
        .map(|id| clones.git(1, &["cat-file", "blob", id]));
    let texts: Vec<_> = texts.collect();
    assert!(!texts.is_empty() && texts.iter().all(|text| text.contains("<<<<<<<")));
    clones.converge();
    let tasks = clones.tasks(0).join("\n");
    assert!(
        tasks.contains("hinge") && tasks.contains("roof\" "),
        "{tasks}"
    );
    assert_eq!(clones.tasks(0).len(), 5);
}

#[test]
fn a_linked_work_tree_has_no_files_of_its_own() {
    let clones = Clones::new();
    let linked = clones.environment.outside("linked");
    clones.git(
        0,
        &[
            "worktree",
            "add",
            "-q",
            linked.to_str().unwrap(),
            "-b",
            "side",
        ],
    );
    let todo = linked.join("specs/TODO.md");
    let before = fs_err::read(&todo).unwrap();
    // A hand edit there is not taken in, and a command there writes the home's files alone.
    let edited = String::from_utf8(before)
        .unwrap()
        .replacen("1 hour", "7 hours", 1);
    fs_err::write(&todo, &edited).unwrap();
    let run = |arguments: &[&str]| {
        let top = linked.to_str().unwrap();
        let output = clones.environment.run(within(top, arguments));
        assert!(output.status.success(), "{arguments:?}: {output}");
        output.stdout
    };
    run(&["task", "status", "2", "planned"]);
    assert_eq!(fs_err::read_to_string(&todo).unwrap(), edited);
    let home = clones.environment.read("specs/TODO.md");
    assert!(
        home.contains("[PLANNED]") && !home.contains("7 hours"),
        "{home}"
    );
    clones.airboss(0, &["verify"]);
    assert!(clones.tasks(0).join("\n").contains("planned"));
    run(&["verify"]);
    assert_eq!(
        clones.git(0, &["log", "-1", "--format=%s", "main"]).trim(),
        "task 2: mark as planned"
    );
    assert_eq!(
        clones.git(0, &["log", "-1", "--format=%s", "side"]).trim(),
        "a board"
    );
}
