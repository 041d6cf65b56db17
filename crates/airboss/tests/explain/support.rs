//! One flight in which everything goes wrong once, shared by the tests that only look.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use airboss_testkit::environment::{Output, TestEnvironment};

/// The plan of the flight.
pub(crate) const PLAN: &str = "plans/guide.md";

const PLAN_TEXT: &str = "\
# Plan: A guide

## Implementation Phases

### Phase 1: Chapters [NOT STARTED]
**Dependencies**: []
**Tasks**:
- [ ] 1.1 Write `guide/first.md`
- [ ] 1.2 Write `guide/second.md`
- [ ] 1.3 Write `guide/third.md`
- [ ] 1.4 Write `guide/fourth.md`

### Phase 2: Cover [NOT STARTED]
**Dependencies**: [1]
**Tasks**:
- [ ] 2.1 Write `guide/cover.md`
- [ ] 2.2 Write `guide/index.md`

### Phase 3: Print [NOT STARTED]
**Dependencies**: [2]
**Tasks**:
- [ ] 3.1 Write `guide/book.md`
- [ ] 3.2 Write `guide/errata.md`
";

const SCRIPT: &str = r##"
[[step]]
match = "1.2"
on_attempt = [1]
actions = [
  { pretend = "guide/second.md" },
  { deny = "Bash", input = "rm -r guide", message = "not permitted" },
  { say = "All done \u001b[31mperfectly\u001b[0m!" },
]

[[step]]
match = "1.3"
on_attempt = [1]
actions = [{ say = "Thinking." }, { stderr = "a complaint" }, { spawn = 60, detached = true }, { hang = true }]

[[step]]
match = "1.4"
on_attempt = [1]
actions = [{ write = "guide/fourth.md", text = "# Four\n\nTODO\n" }, { say = "Written." }]

[[step]]
match = "2.1"
on_attempt = [1]
actions = [{ ask = "Which colour shall the cover have?" }]

[[step]]
match = "2.2"
actions = [
  { retry = 1, max = 10, delay_ms = 500, status = 529 },
  { garbage = "what is this" },
  { fail = "too many turns", reason = "max_turns" },
]

[default]
actions = [
  { write = "guide/{slug}.md", text = "# Chapter {step}\n\nOnce upon a time.\n" },
  { shell = "cat guide/{slug}.md" },
  { say = "Chapter {step} is written." },
]
"##;

/// The settings of the flight: short limits and one gate, all in the person's own file.
const CONFIG: &str = r#"
[gates.todo]
command = "! grep -rn TODO guide"
steps = ["1.4"]
"#;

/// A fresh environment.
pub(crate) fn environment() -> TestEnvironment {
    TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"))
}

/// An environment with the plan, its script and its settings; nothing was flown.
pub(crate) fn prepared() -> TestEnvironment {
    let environment = environment();
    environment.config(CONFIG);
    // Each step's artifact is named by its text; the script names it by the step.
    let script = [
        ("1.1", "first"),
        ("1.2", "second"),
        ("1.3", "third"),
        ("1.4", "fourth"),
        ("2.1", "cover"),
    ]
    .iter()
    .fold(String::from(SCRIPT), |script, (step, name)| {
        let section = format!(
            "[[step]]\nmatch = \"{step}\"\nactions = [\n  \
             {{ write = \"guide/{name}.md\", text = \"# Chapter {step}\\n\\nOnce.\\n\" }},\n  \
             {{ shell = \"cat guide/{name}.md\" }},\n  \
             {{ say = \"Chapter {step} is written.\" }},\n]\n\n[default]\n"
        );
        script.replace("[default]\n", &section)
    });
    environment.script(&script);
    environment.plan(PLAN, PLAN_TEXT);
    environment
}

/// The environment after the flight; whoever comes first flies it.
pub(crate) fn flown() -> Arc<TestEnvironment> {
    // Not kept alive by the static, so that its directory is removed behind the last test.
    static SHARED: Mutex<Weak<TestEnvironment>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = shared.upgrade() {
        return environment;
    }
    let environment = prepared();
    environment
        .run(["run", PLAN, "--agent", "claude"])
        .expect_code(1);
    environment
        .run(["mark-skipped", "3.2", "--reason", "there are none"])
        .expect_code(0);
    environment.assert_no_process_left();
    let environment = Arc::new(environment);
    *shared = Arc::downgrade(&environment);
    environment
}

/// Says what was measured.
#[expect(clippy::print_stdout, reason = "what was measured is said")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// The output with everything that differs from run to run replaced by words.
pub(crate) fn shown(environment: &TestEnvironment, output: &Output) -> String {
    let mut text = output.to_string();
    let top = environment.top().display().to_string();
    text = text.replace(&format!("{top}/"), "").replace(&top, "[WORK]");
    let root = environment.outside("").display().to_string();
    text.replace(root.trim_end_matches('/'), "[ROOT]")
}

/// Compares an output with an inline snapshot.
macro_rules! check {
    ($environment:expr, $arguments:expr, @$snapshot:literal) => {{
        let environment: &airboss_testkit::environment::TestEnvironment = &$environment;
        let output = environment.run($arguments);
        let text = $crate::support::shown(environment, &output);
        let mut settings = insta::Settings::clone_current();
        for (pattern, word) in $crate::support::FILTERS {
            settings.add_filter(pattern, *word);
        }
        settings.bind(|| insta::assert_snapshot!(text, @$snapshot));
    }};
}
pub(crate) use check;

/// What differs from run to run, replaced in this order.
pub(crate) const FILTERS: &[(&str, &str)] = &[
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?", "[INSTANT]"),
    (r"\b[0-9a-f]{32}\b", "[ATTEMPT]"),
    (r"\b[0-9a-f]{40}\b", "[OID]"),
    (r"\b[0-9a-f]{12}\b", "[ID]"),
    (r"\b[0-9a-f]{9}\b", "[COMMIT]"),
    (r"(?m)^ +(\d+h\d\dm|\d+m\d\ds|\d+\.\ds|\d\ds)  ", "[T]  "),
    (r"\b(\d+h\d\dm|\d+m\d\ds|\d+\.\ds|\d\ds)\b", "[T]"),
    (r"(?m)^\d+ +\[INSTANT\]", "[SEQ]  [INSTANT]"),
    // Columns are as wide as what was replaced above.
    (r"(\S) {3,}", "$1   "),
    (r"supervisor \d+", "supervisor [PID]"),
    (r"\b00000000-0000-[0-9a-f-]+", "[SESSION]"),
];
