//! The worlds in which examples are carried out: one project, as far as it has come.

use std::time::Duration;

use airboss_testkit::TestEnvironment;
use airboss_testkit::environment::{Running, eventually};
use serde_json::Value;

/// How far the project has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fixture {
    /// A board and a plan lie there; airboss knows neither.
    Found,
    /// The plan is known.
    Known,
    /// Somebody counts a run by hand.
    Counted,
    /// The plan was flown: one step is done, one has failed, one asks, one waits.
    Flown,
    /// An attempt is in flight.
    Flying,
    /// The same, seen by its agent.
    Attempt,
    /// The board is adopted, and changed once.
    Board,
    /// The same, and the project's check has failed.
    Red,
    /// A board was exported elsewhere.
    Exported,
    /// A change could not be committed.
    Troubled,
    /// The two files of the board say different things.
    Torn,
}

const PLAN: &str = "\
# Plan: A guide

## Implementation Phases

### Phase 1: Chapters [NOT STARTED]
**Dependencies**: []
**Tasks**:
- [ ] 1.1 Write `guide/first.md`
- [ ] 1.2 Write `guide/second.md`
- [ ] 1.3 Write `guide/cover.md`

### Phase 2: Index [NOT STARTED]
**Dependencies**: [1]
**Tasks**:
- [ ] 2.1 Write `guide/index.md`
";

/// The tasks: number, status, title, name.
const TASKS: &[(u32, &str, &str, &str)] = &[
    (
        51,
        "completed",
        "Read the window size",
        "read_the_window_size",
    ),
    (52, "implementing", "Draw the frame", "draw_the_frame"),
    (
        53,
        "not_started",
        "Shorten the start-up banner",
        "shorten_the_start_up_banner",
    ),
    (54, "planned", "Measure the width", "measure_the_width"),
    (55, "blocked", "Name the colours", "name_the_colours"),
    (
        56,
        "researched",
        "Write the manual page",
        "write_the_manual_page",
    ),
];

const TASK_PLAN: &str = "\
# Plan

### Phase 1: The first half [COMPLETED]

- [x] Look at it

### Phase 2: The second half [NOT STARTED]

- [ ] Do it
";

const REPORT: &str = "# Report\n\n## Findings\n\nManual pages are written in roff, and a page has \
                      a name, a synopsis and a description.\n";

/// What an agent does in every stage of a task, wherever the task's directory is.
const STAGES: &str = r#"
[default]
actions = [{ shell = '''
home=${AIRBOSS_PLAN%/*}
told='What was found is told here at some length, so that whoever comes next has something to go by, and it is quite enough for that.'
case "$AIRBOSS_PLAN" in
*/research) printf '# Report\n\n## Findings\n\n%s\n' "$told" > "$home/reports/{step}.md" ;;
*/plan|*/revise) printf '# Plan\n\n### Phase 1: Write it [NOT STARTED]\n\n- [ ] Write it\n' > "$home/plans/{step}.md" ;;
*/debug) printf '# Report\n\n## Analysis\n\n%s\n' "$told" > "$home/debug/{step}.md"; echo hello > src/banner.txt ;;
*/document) printf '# Documents\n\nREADME.md is changed. %s\n' "$told" > "$home/summaries/{step}.md"; echo more >> README.md ;;
*) date > src/width.txt ;;
esac''' }]
"#;

/// What an agent does in the steps of the plan, all of which go well.
const CHAPTERS: &str = r##"
[[step]]
match = "1.1"
actions = [{ write = "guide/first.md", text = "# One\n\nOnce upon a time.\n" }]
[[step]]
match = "1.2"
actions = [{ write = "guide/second.md", text = "# Two\n\nOnce upon a time.\n" }]
[[step]]
match = "1.3"
actions = [{ write = "guide/cover.md", text = "# Cover\n\nBlue.\n" }]
[[step]]
match = "2.1"
actions = [{ write = "guide/index.md", text = "# Index\n\nOne, two.\n" }]
"##;

/// The same where one step only says that it is done, and one asks.
const TROUBLE: &str = r##"
[[step]]
match = "1.1"
actions = [
  { tool = "Read", input = "README.md", seconds = 0.2 },
  { write = "guide/first.md", text = "# One\n\nOnce upon a time.\n" },
  { say = "It is written." },
]
[[step]]
match = "1.2"
actions = [{ say = "It is written." }]
[[step]]
match = "1.3"
actions = [{ ask = "Which colour shall the cover have?" }]
"##;

/// The same where the first step waits to be let go, once its variables are known.
const WAITING: &str = r#"
[[step]]
match = "1.1"
actions = [
  { shell = "env > ../seen; mv ../seen ../variables; sleep 600" },
]
"#;

const CONFIG: &str = r#"
[limits]
idle = "60s"
interrupt_grace = "300ms"
terminate_grace = "300ms"
backoff = "50ms"
retries = 1

[gates.banner]
command = "grep -q hello src/banner.txt"
steps = ["none of them"]
"#;

/// The directory of a task.
fn home(number: u32, name: &str) -> String {
    format!("specs/{number:03}_{name}")
}

/// A board as it was written before anybody kept it in order.
fn board(environment: &TestEnvironment) {
    let (mut todo, mut state) = (
        String::from("# To do\n\n## Medium Priority\n\n"),
        Vec::new(),
    );
    for (number, status, title, name) in TASKS {
        let shown = status.replace('_', " ").to_uppercase();
        let mut lines = vec![
            format!("### {number}. {title}"),
            format!("- **Status**: [{shown}]"),
        ];
        let mut task = serde_json::json!({
            "project_number": number, "project_name": name, "status": status,
            "language": "general", "priority": "medium", "dependencies": [],
        });
        let home = home(*number, name);
        match *status {
            "blocked" => {
                lines.push("- **Blocking Reason**: the palette is not decided".to_owned());
                task["blocked_reason"] = "the palette is not decided".into();
            }
            "implementing" | "planned" => {
                let plan = format!("{home}/plans/implementation-001.md");
                lines.push(format!("- **Plan**: [implementation-001.md]({plan})"));
                task["plan_path"] = plan.clone().into();
                environment.write(&plan, TASK_PLAN);
            }
            "researched" => {
                let report = format!("{home}/reports/research-001.md");
                lines.push(format!("- **Research**: [research-001.md]({report})"));
                task["artifacts"] = serde_json::json!([{ "path": report, "type": "research" }]);
                environment.write(&report, REPORT);
            }
            _ => {}
        }
        let priority = "- **Priority**: Medium\n- **Language**: general\n";
        todo.push_str(&[&lines.join("\n"), "\n", priority, "\n---\n\n"].concat());
        state.push(task);
    }
    let state = serde_json::json!({ "next_project_number": 57, "active_projects": state });
    environment.write("specs/TODO.md", todo);
    environment.write("specs/state.json", format!("{state:#}\n"));
}

/// A project, and what an example has to be told of it.
pub(super) struct World {
    /// The project.
    pub(super) environment: TestEnvironment,
    /// Variables that only an agent has.
    pub(super) variables: Vec<(String, String)>,
    /// Ids in examples, each with the one that it has here.
    ids: Vec<(&'static str, String)>,
    /// The run that flies; ended before the environment is.
    run: Option<Running>,
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.run.take());
    }
}

impl World {
    /// Makes one.
    pub(super) fn new(fixture: Fixture) -> Self {
        let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
        board(&environment);
        environment.write("src/banner.txt", "hello\n");
        environment.write("plans/guide.md", PLAN);
        environment.commit("as it was found");
        environment.config(CONFIG);
        let chapters = match fixture {
            Fixture::Flown => TROUBLE,
            Fixture::Flying | Fixture::Attempt => WAITING,
            _ => CHAPTERS,
        };
        environment.script(&format!("{chapters}{STAGES}"));
        let mut world = Self {
            environment,
            variables: Vec::new(),
            ids: Vec::new(),
            run: None,
        };
        world.bring(fixture);
        world
    }

    /// An example with the ids that things have here.
    pub(super) fn named(&self, line: &str) -> String {
        let replace = |line: String, (from, to): &(&str, String)| line.replace(from, to);
        self.ids.iter().fold(line.to_owned(), replace)
    }

    /// Brings a project that was found as far as it is to be.
    fn bring(&mut self, fixture: Fixture) {
        match fixture {
            Fixture::Found => {}
            Fixture::Known => self.know(),
            Fixture::Counted => {
                self.know();
                let begun: Value =
                    serde_json::from_str(&self.run(&["start-run"], 0)).expect("it is JSON");
                let id = begun["runId"].as_str().expect("a run has an id");
                self.ids.push(("run-1772000000000", id.to_owned()));
            }
            Fixture::Flown => {
                self.know();
                self.run(
                    &["write-findings", "1.1", "--content", "The paper is A4."],
                    0,
                );
                self.run(&["run", "-q", "--agent", "claude"], 1);
            }
            Fixture::Flying | Fixture::Attempt => self.fly(fixture == Fixture::Attempt),
            Fixture::Board => self.adopt(),
            Fixture::Red => {
                self.adopt();
                self.environment.write("src/banner.txt", "helo\n");
                self.environment.commit("a banner");
                self.run(&["test", "51"], 1);
            }
            Fixture::Exported => {
                self.adopt();
                let exported = self.run(&["export"], 0);
                *self = Self::new(Fixture::Found);
                self.environment.git(["rm", "-r", "--quiet", "specs"]);
                self.environment.write("board.json", exported);
            }
            Fixture::Troubled => {
                self.adopt();
                let head = self.environment.git(["rev-parse", "HEAD"]);
                self.environment
                    .write(".git/MERGE_HEAD", format!("{head}\n"));
                self.run(&["task", "edit", "53", "--effort", "1 hour"], 11);
                fs_err::remove_file(self.environment.path(".git/MERGE_HEAD"))
                    .expect("it was just written");
            }
            Fixture::Torn => {
                self.adopt();
                self.edit("specs/TODO.md", "[NOT STARTED]", "[RESEARCHING]");
                self.edit("specs/state.json", "not_started", "planned");
                self.run(&["task", "edit", "54", "--effort", "1 hour"], 0);
                let listed: Value = serde_json::from_str(&self.run(&["conflicts", "--json"], 5))
                    .expect("it is JSON");
                let id = listed["data"]["conflicts"][0]["id"]
                    .as_str()
                    .expect("a conflict has an id");
                self.ids.push(("3f9c2a", id.to_owned()));
            }
        }
    }

    fn run(&self, words: &[&str], code: i32) -> String {
        let output = self.environment.run(words);
        output.expect_code(code);
        output.stdout
    }

    fn know(&self) {
        self.run(&["init", "plans/guide.md"], 0);
    }

    fn adopt(&self) {
        self.run(&["init", "--yes"], 0);
        self.environment.commit("the board is adopted");
        self.run(&["task", "edit", "53", "--effort", "2 hours"], 0);
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.environment.read(path);
        self.environment.write(path, text.replacen(from, to, 1));
    }

    fn fly(&mut self, as_agent: bool) {
        self.run = Some(self.environment.start(["run", "plans/guide.md"]));
        let seen = self.environment.outside("variables");
        assert!(eventually(Duration::from_secs(60), || seen.exists()));
        if !as_agent {
            return;
        }
        let text = fs_err::read_to_string(seen).expect("it was seen");
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let own = pairs.filter(|(name, _)| name.starts_with("AIRBOSS_"));
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.variables = own.collect();
    }
}
