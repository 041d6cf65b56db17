//! Many processes at once, people beside them, and commits that have to wait.

use std::collections::BTreeSet;

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{
    PLAN_PATH, adopt, adopted, data, differences, entries_changed, file_leading_out, found,
};

#[test]
fn twenty_at_once_lose_nothing() {
    let environment = adopted();
    let statuses = [
        "researching",
        "researched",
        "planning",
        "planned",
        "implementing",
    ];
    let children: Vec<_> = (0..20)
        .map(|place| {
            if place % 2 == 0 {
                let title = format!("Part {place} of the whole");
                environment.start(["task", "add", &title])
            } else {
                let number = ["53", "54", "56"][place % 3];
                environment.start(["task", "status", number, statuses[place % 5]])
            }
        })
        .collect();
    for child in children {
        child.wait().expect_code(0);
    }
    let list = data(&environment.run(["task", "list", "--json"]));
    let tasks = list["tasks"].as_array().unwrap();
    let numbers: BTreeSet<_> = tasks.iter().map(|task| task["number"].as_u64()).collect();
    assert_eq!(numbers.len(), tasks.len(), "a number was given twice");
    let parts: Vec<_> = tasks
        .iter()
        .filter(|task| task["title"].as_str().unwrap().starts_with("Part "))
        .collect();
    assert_eq!(parts.len(), 10);
    let todo = environment.read("specs/TODO.md");
    for task in tasks {
        let title = task["title"].as_str().unwrap();
        assert_eq!(todo.matches(&format!(". {title}\n")).count(), 1, "{title}");
    }
    assert_eq!(differences(&environment), []);
    environment.assert_tree_clean();
    let commits = environment.git(["log", "--format=%s"]);
    let created = commits
        .lines()
        .filter(|line| line.contains(": create part"));
    assert_eq!(created.count(), 10, "{commits}");
}

#[test]
fn what_a_person_has_staged_and_changed_stays() {
    let environment = adopted();
    environment.write("staged.txt", "staged\n");
    environment.git(["add", "staged.txt"]);
    environment.write("README.md", "# A project, changed\n");
    let text = environment.read("specs/TODO.md");
    let remark = "# To do\n\nA remark of a person that is not committed.\n";
    environment.write("specs/TODO.md", text.replace("# To do\n", remark));
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(0);
    assert_eq!(entries_changed(&environment), [53]);
    let status = environment.git(["status", "--porcelain"]);
    assert_output!(environment, status, @r#"
     M README.md
     M specs/TODO.md
    A  staged.txt
    "#);
    assert!(
        environment
            .read("specs/TODO.md")
            .contains("A remark of a person")
    );
    let committed = environment.git(["show", "HEAD:specs/TODO.md"]);
    assert!(!committed.contains("A remark of a person"));
    assert!(environment.read("specs/TODO.md").contains("[PLANNED]"));
}

#[test]
fn a_commit_waits_while_git_is_busy() {
    let environment = adopted();
    environment.git(["checkout", "--quiet", "--detach"]);
    let told = environment.run(["task", "status", "53", "planned"]);
    assert_output!(environment, told, @r#"
    exit code: 11
    ----- stdout -----
    53  not started → planned  Shorten the start-up banner
    ----- stderr -----
    warning: the change is stored and written, but its commit waits: HEAD is detached; the next command tries again
    "#);
    environment.git(["switch", "--quiet", "main"]);
    let told = environment.run(["task", "status", "54", "implementing"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    54  planned → implementing  Measure the width
         commit [COMMIT]
    ----- stderr -----
    "#);
    let subjects = environment.git(["log", "-2", "--format=%s"]);
    assert_eq!(
        subjects,
        "task 54: mark as implementing\ntask 53: mark as planned"
    );
    environment.assert_tree_clean();
}

/// The step of the plan that is ready.
fn ready_step(environment: &TestEnvironment) -> String {
    let told = environment.run(["next", "--plan", PLAN_PATH]);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).expect("it is JSON");
    let id = told["tasks"][0]["id"].as_str();
    id.expect("a step is ready").to_owned()
}

#[test]
fn a_plan_that_waits_for_its_board_shows_both() {
    let environment = found();
    let plan =
        "# Plan\n\n### Phase 1: One [NOT STARTED]\n\n- [ ] One\n\n### Phase 2: Two [NOT STARTED]\n";
    environment.write(PLAN_PATH, plan);
    environment.commit("another plan");
    adopt(&environment);
    let step = ready_step(&environment);
    // The board cannot show the second phase, and then the plan has the first one to show.
    let sound = file_leading_out(&environment, PLAN_PATH);
    let words = ["task", "phase", "52", "2=in_progress", "--force"];
    environment.run(words).expect_code(10);
    fs_err::remove_file(environment.path(PLAN_PATH)).unwrap();
    environment.write(PLAN_PATH, sound);
    let words = ["mark-complete", &step, "--force", "--plan", PLAN_PATH];
    environment.run(words).expect_code(0);
    let plan = environment.read(PLAN_PATH);
    let phases: Vec<_> = plan
        .lines()
        .filter(|line| line.starts_with("###"))
        .collect();
    let expected = [
        "### Phase 1: One [COMPLETED]",
        "### Phase 2: Two [IN PROGRESS]",
    ];
    assert_eq!(phases, expected);
    assert_eq!(differences(&environment), []);
}
