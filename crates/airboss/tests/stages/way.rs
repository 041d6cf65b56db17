//! The whole way of a task, stage by stage and in one go.

use airboss_testkit::assert_output;

use crate::{TASK, begun, honest, ran, status, subjects};

#[test]
fn one_stage_after_the_other() {
    let environment = begun(&honest());
    let told = ran(&environment, ["research", "1", "-q"]);
    assert_output!(environment, told, @"");
    let told = ran(&environment, ["plan", "1", "-q"]);
    assert_output!(environment, told, @"");
    let told = ran(&environment, ["implement", "1", "-q"]);
    assert_output!(environment, told, @"");
    let told = ran(&environment, ["test", "1"]);
    assert_output!(environment, told, @"");
    let told = ran(&environment, ["debug", "1", "-q"]);
    assert_output!(environment, told, @"");
    ran(&environment, ["test", "1"]).expect_code(0);
    ran(&environment, ["document", "1", "-q"]).expect_code(0);
    insta::assert_snapshot!(subjects(&environment).join("\n"), @"");
    let plan = environment.read(&format!("{TASK}/plans/implementation-001.md"));
    let plan: Vec<&str> = plan
        .lines()
        .filter(|line| line.starts_with("###"))
        .collect();
    assert_eq!(
        plan,
        [
            "### Phase 1: Measure the width [COMPLETED]",
            "### Phase 2: Cut long names [COMPLETED]"
        ]
    );
    assert_eq!(environment.git(["status", "--porcelain", "specs"]), "");
    let todo = environment.read("specs/TODO.md");
    let todo = todo.split("### 1.").nth(1).unwrap_or_default();
    insta::with_settings!({ filters => vec![(r"\d{8}", "[DAY]"), (r"\d{4}-\d\d-\d\d", "[DATE]")] }, {
        insta::assert_snapshot!(todo, @"");
    });
}

#[test]
fn a_commit_holds_its_stage_alone() {
    let environment = begun(&honest());
    environment.write("somebody.txt", "not the task's\n");
    for stage in ["research", "plan", "implement"] {
        ran(&environment, [stage, "1", "-q"]).expect_code(0);
    }
    let files = |back: &str| environment.git(["show", "--name-only", "--format=", back]);
    insta::assert_snapshot!(
        ["HEAD~4", "HEAD~3", "HEAD~2", "HEAD~1", "HEAD"].map(files).join("--\n"), @""
    );
    assert_eq!(
        environment.git(["status", "--porcelain"]),
        "?? somebody.txt"
    );
}

#[test]
fn all_stages_in_one_go() {
    let environment = begun(&honest());
    let told = ran(&environment, ["coordinate", "1", "--scope", "full", "-q"]);
    assert_output!(environment, told, @"");
    assert_eq!(status(&environment), "[COMPLETED]");
    assert_eq!(environment.git(["status", "--porcelain", "specs"]), "");
}

#[test]
fn without_a_scope_off_a_terminal_nothing_but_a_report_is_written() {
    let environment = begun(&honest());
    ran(&environment, ["coordinate", "1", "-q"]).expect_code(0);
    assert_eq!(status(&environment), "[RESEARCHED]");
    assert_eq!(
        subjects(&environment).last().unwrap(),
        "task 1: complete research"
    );
}

#[test]
fn several_look_and_one_sums_up() {
    let environment = begun(
        "[default]\nactions = [{ shell = \"printf '# Report {step}\\\\n\\\\n## Findings\\\\n\\\\nWhat was found about the banner is told here at some length, so that whoever plans the work has something to go by, and it is enough.\\\\n' > specs/001_shorten_the_banner/reports/{step}.md\" }]\n",
    );
    let told = ran(&environment, ["research", "1", "--topics", "3", "-q"]);
    assert_output!(environment, told, @"");
}

#[test]
fn what_may_not_be_begun() {
    let environment = begun(&honest());
    let told = ran(&environment, ["implement", "1"]);
    assert_output!(environment, told, @"");
    let told = ran(&environment, ["research", "7"]);
    assert_output!(environment, told, @"");
    environment
        .run(["task", "abandon", "1", "--reason", "no"])
        .expect_code(0);
    let told = ran(&environment, ["plan", "1"]);
    assert_output!(environment, told, @"");
    let told = ran(&environment, ["coordinate", "1", "--scope", "everything"]);
    assert_output!(environment, told, @"");
    let told = environment.run(["plan"]);
    assert_output!(environment, told, @"");
}

#[test]
fn a_revision_is_the_next_version_and_the_old_one_stays() {
    let script = honest() + "";
    let next = format!(
        "[[step]]\nmatch = \"implementation-002\"\nactions = [{{ write = \
         \"{TASK}/plans/implementation-002.md\", text = \"{}\" }}]\n\n{script}",
        crate::PLAN
    );
    let environment = begun(&next);
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    let old = environment.read(&format!("{TASK}/plans/implementation-001.md"));
    let told = ran(&environment, ["revise", "1", "narrower, please", "-q"]);
    assert_output!(environment, told, @"");
    assert_eq!(
        environment.read(&format!("{TASK}/plans/implementation-001.md")),
        old
    );
    assert_eq!(
        subjects(&environment).last().unwrap(),
        "task 1: revise plan (v2)"
    );
}

#[test]
fn a_project_has_prompts_of_its_own() {
    let environment = begun(&honest());
    environment.write(".airboss/prompts/research.md", "Look into {{title}}.\n");
    let told = environment.run(["research", "1", "--dry-run"]);
    assert_output!(environment, told, @"");
    environment.write(".airboss/prompts/research.md", "Look into\n{{tittle}}.\n");
    let told = environment.run(["research", "1", "--dry-run"]);
    assert_output!(environment, told, @"");
}
