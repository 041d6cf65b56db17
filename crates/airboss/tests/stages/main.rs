//! The stages of a task as a person types them: what is made, what is verified, what git has.
//!
//! The agent is the scripted one; it lies where its script says so.

mod controls;
mod crash;
mod existing;
mod hooks;
mod lies;
mod replan;
mod routes;
mod salvage;
mod together;
mod way;

use airboss_testkit::TestEnvironment;
use airboss_testkit::environment::Output;

/// The directory of the only task.
const TASK: &str = "specs/001_shorten_the_banner";

/// A report that is one.
const REPORT: &str = "# The banner\\n\\n## Findings\\n\\nThe banner is 120 columns wide, which is \
                      more than the 80 that a terminal has. It is printed in main.rs before the \
                      arguments are read.\\n";

/// A plan of two phases, of which the second needs the first.
const PLAN: &str = "# Shorten the banner\\n\\n### Phase 1: Measure the width [NOT STARTED]\\n\\n\
                    - **Depends on**: none\\n- [ ] Write it to `docs/width.md`\\n\\n\
                    ### Phase 2: Cut long names [NOT STARTED]\\n\\n- **Depends on**: Phase 1\\n\
                    - [ ] Cut `src/banner.txt`\\n";

/// A section of a script for one unit.
fn section(unit: &str, actions: &[String]) -> String {
    format!(
        "[[step]]\nmatch = \"{unit}\"\nactions = [{}]\n\n",
        actions.join(", ")
    )
}

fn write(path: &str, text: &str) -> String {
    format!("{{ write = \"{path}\", text = \"{text}\" }}")
}

/// What an honest agent does in every stage; the banner is wrong when it is written first.
fn honest() -> String {
    let debug = format!("{TASK}/debug/001_shorten_the_banner.md");
    let analysis = "# The banner\\n\\n## Analysis\\n\\nA letter was missing: it said helo where \
                    hello was meant, and the check that reads the file looks for the whole word. \
                    The letter was put in.\\n";
    let documents = "printf '# Documents\\n\\nREADME.md says now that the banner is short, and \
                     how wide a terminal has to be so that it is shown without a break: eighty \
                     columns.\\n' > specs/001_shorten_the_banner/summaries/{step}.md";
    let documents = documents.replace('\\', "\\\\");
    [
        section(
            "research-001",
            &[write(&format!("{TASK}/reports/research-001.md"), REPORT)],
        ),
        section(
            "implementation-001",
            &[write(&format!("{TASK}/plans/implementation-001.md"), PLAN)],
        ),
        section("p1", &[write("docs/width.md", "80\\n")]),
        section("p2", &[write("src/banner.txt", "helo\\n")]),
        section(
            "001_shorten_the_banner",
            &[write("src/banner.txt", "hello\\n"), write(&debug, analysis)],
        ),
        format!(
            "[default]\nactions = [{{ append = \"README.md\", text = \"It is short.\\n\" }}, \
             {{ shell = \"{documents}\" }}]\n"
        ),
    ]
    .concat()
}

/// A repository with a board of one task, an agent that plays `script`, and a check.
fn begun(script: &str) -> TestEnvironment {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    environment.write("README.md", "A banner.\n");
    environment.script(script);
    environment.config(
        "[gates.banner]\ncommand = \"grep -q hello src/banner.txt\"\nsteps = [\"none of them\"]\n",
    );
    environment.commit("before the board");
    environment.run(["init", "--yes"]).expect_code(0);
    environment
        .run([
            "task",
            "add",
            "Shorten the banner",
            "--description",
            "It wraps.",
        ])
        .expect_code(0);
    environment
}

/// What git has to tell: the subjects of the commits since the task was created.
fn subjects(environment: &TestEnvironment) -> Vec<String> {
    let log = environment.git(["log", "--reverse", "--format=%s"]);
    let lines = log.lines().map(str::to_owned);
    lines
        .skip_while(|line| !line.starts_with("task 1: create"))
        .collect()
}

/// The status of task 1 in TODO.md.
fn status(environment: &TestEnvironment) -> String {
    let todo = environment.read("specs/TODO.md");
    let line = todo.lines().find(|line| line.starts_with("- **Status**"));
    line.unwrap_or_default()
        .trim_start_matches("- **Status**: ")
        .to_owned()
}

/// Runs a command and looks whether the board is as the store has it afterwards.
fn ran<const N: usize>(environment: &TestEnvironment, arguments: [&str; N]) -> Output {
    let output = environment.run(arguments);
    environment.run(["verify"]).expect_code(0);
    environment.assert_no_process_left();
    output
}
