//! An environment with a real agent and a scripted model, and what came of a flight in it.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use airboss_core::agent::{SessionUpdate, StreamParser};
use airboss_core::attempt::StreamReport;
use airboss_core::operation::{Operation, StoredOperation};
use airboss_core::verdict::{Judgement, Verdict};
use airboss_engine::agents::Backend;
use airboss_engine::store::{OperationQuery, Store as _};
use airboss_engine::supervise::{Reader, Stream};
use airboss_engine::workspace::Workspace;
use airboss_testkit::environment::{Invocation, Output, Running, TestEnvironment, eventually};
use airboss_testkit::model_server::ModelServer;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The plan that all flights fly.
const PLAN: &str = "plans/work.md";
/// The requests of a flight are logged under this name.
const TAG: &str = "flight";
/// A key that nobody accepts; it must not turn up in what the model is told.
const KEY: &str = "no-real-key-5d1f";
/// A word of the configuration that is nobody's business.
const MARKER: &str = "a-note-of-the-person-83c1";
/// The most that a cold agent needs to come to its first tool on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Claude,
    Codex,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Claude => "AIRBOSS_TEST_CLAUDE",
            Self::Codex => "AIRBOSS_TEST_CODEX",
        }
    }

    const fn model(self) -> &'static str {
        match self {
            Self::Claude => "claude-sonnet-4-5",
            Self::Codex => "mock-model",
        }
    }

    fn backend(self) -> Backend {
        match self {
            Self::Claude => Backend::Claude,
            Self::Codex => Backend::Codex,
        }
    }
}

/// What became of the flights.
pub(crate) struct Table {
    cases: usize,
    // Tests run on threads of their own; each adds one row.
    rows: Mutex<Vec<String>>,
}

impl Table {
    pub(crate) const fn new(cases: usize) -> Self {
        Self {
            cases,
            rows: Mutex::new(Vec::new()),
        }
    }

    fn add(&self, row: String) {
        let mut rows = self.rows.lock().unwrap();
        rows.push(row);
        if rows.len() == self.cases {
            rows.sort();
            let heading = line("agent", "flight", "verdicts", "exit", "seconds", "left", "");
            eprintln!("\n{heading}\n{}\n", rows.join("\n"));
        }
    }
}

fn line(
    agent: &str,
    flight: &str,
    verdicts: &str,
    exit: &str,
    seconds: &str,
    left: &str,
    end: &str,
) -> String {
    let line =
        format!("{agent:<7} {flight:<40} {verdicts:<32} {exit:>7} {seconds:>7} {left:>4} {end}");
    line.trim_end().to_owned()
}

/// Runs one case, unless its agent is not there, and adds its row to the table.
pub(crate) fn fly(kind: Kind, case: &str, table: &Table, body: fn(&Flight)) {
    let Some(program) = std::env::var_os(kind.variable()) else {
        eprintln!("skipped: {} does not name a program", kind.variable());
        return;
    };
    let flight = Flight::new(kind, program.into());
    let begin = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| {
        body(&flight);
        flight.environment.assert_no_process_left();
    }));
    let seconds = format!("{:.1}", begin.elapsed().as_secs_f64());
    let left = flight.environment.processes_left().len().to_string();
    let exit = flight.exits.borrow().join(",");
    let end = if result.is_ok() { "" } else { "TEST FAILED" };
    let verdicts = flight.verdict_words();
    table.add(line(
        kind.name(),
        case,
        &verdicts,
        &exit,
        &seconds,
        &left,
        end,
    ));
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

/// An environment, an agent in it and the model that the agent talks to.
pub(crate) struct Flight {
    pub(crate) kind: Kind,
    pub(crate) environment: TestEnvironment,
    server: ModelServer,
    program: PathBuf,
    /// The variables of every command.
    variables: RefCell<Vec<(&'static str, String)>>,
    exits: RefCell<Vec<String>>,
}

/// How one attempt went, as it is stored.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) directory: PathBuf,
    pub(crate) report: StreamReport,
    pub(crate) judgement: Judgement,
}

/// What differs from flight to flight.
#[derive(Default)]
pub(crate) struct Setup<'setup> {
    /// The model server's scenario.
    pub(crate) scenario: &'setup str,
    /// How many steps the plan has.
    pub(crate) steps: usize,
    /// How long the agent may be silent, when that is what is tested.
    pub(crate) idle: Option<&'setup str>,
    /// Further lines of `[limits]`.
    pub(crate) limits: &'setup str,
    /// Further arguments of the agent.
    pub(crate) arguments: &'setup [&'setup str],
    /// The agent has a subscription and no key.
    pub(crate) subscription: bool,
}

impl Flight {
    fn new(kind: Kind, program: PathBuf) -> Self {
        Self {
            kind,
            environment: TestEnvironment::new(env!("CARGO_BIN_EXE_airboss")),
            server: ModelServer::start().unwrap(),
            program,
            variables: RefCell::default(),
            exits: RefCell::default(),
        }
    }

    /// Writes configuration and plan.
    pub(crate) fn set_up(&self, setup: &Setup<'_>) {
        let mut steps = String::new();
        for step in 1..=setup.steps {
            writeln!(steps, "- [ ] 1.{step} Write `out/1-{step}.txt`").unwrap();
        }
        let plan = format!(
            "# Plan: Work\n\n## Implementation Phases\n\n### Phase 1: Files [NOT STARTED]\n\
             **Dependencies**: []\n**Tasks**:\n{steps}"
        );
        self.environment.plan(PLAN, plan);
        self.configure(setup);
    }

    /// Writes configuration and a board with one task.
    pub(crate) fn set_up_board(&self, setup: &Setup<'_>) {
        self.configure(setup);
        self.environment.run(["init", "--yes"]).expect_code(0);
        let add = [
            "task",
            "add",
            "Make two files",
            "--description",
            "One each.",
        ];
        self.environment.run(add).expect_code(0);
    }

    /// What Codex has to be told to find the model server.
    fn provider(&self, scenario: &str) -> Vec<String> {
        let url = self.server.base_url(scenario, TAG);
        vec![
            "-c".to_owned(),
            "model_provider=mock".to_owned(),
            "-c".to_owned(),
            format!(
                "model_providers.mock={{name=\"mock\",base_url=\"{url}/v1\",env_key=\"MOCK_KEY\",\
                 wire_api=\"responses\",request_max_retries=1,stream_max_retries=1}}"
            ),
        ]
    }

    /// Runs a command of Airboss with the variables of the flight.
    #[track_caller]
    pub(crate) fn airboss<const N: usize>(&self, arguments: [&str; N], code: i32) -> Output {
        self.end(
            self.with_variables(self.environment.command(arguments)),
            code,
        )
    }

    /// Has the agent program itself do what a person types into it, without asking anybody.
    /// `arguments` say what the person allows.
    #[track_caller]
    pub(crate) fn type_into(&self, scenario: &str, text: &str, arguments: &[&str]) -> Output {
        let mut all: Vec<String> = match self.kind {
            Kind::Claude => "-p --output-format stream-json --verbose --model",
            Kind::Codex => "exec --json --skip-git-repo-check -m",
        }
        .split(' ')
        .map(str::to_owned)
        .collect();
        all.push(self.kind.model().to_owned());
        if self.kind == Kind::Codex {
            all.extend(self.provider(scenario));
        }
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        all.push(text.to_owned());
        let programs = self.environment.airboss().parent().unwrap().display();
        // A login shell, which Codex takes, begins with a `PATH` of its own.
        let profile = format!("PATH=\"{programs}:$PATH\"\n");
        fs_err::write(self.environment.outside("home/.bash_profile"), profile).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let command = self.environment.program(&self.program, &all);
        self.end(
            self.with_variables(command.env("PATH", format!("{programs}:{path}"))),
            0,
        )
    }

    /// Starts a command of Airboss with the variables of the flight.
    pub(crate) fn start_airboss<const N: usize>(&self, arguments: [&str; N]) -> Running {
        self.with_variables(self.environment.command(arguments))
    }

    fn with_variables(&self, mut command: Invocation<'_>) -> Running {
        for (name, value) in self.variables.borrow().iter() {
            command = command.env(name, value);
        }
        command.start()
    }

    fn configure(&self, setup: &Setup<'_>) {
        let model = self.kind.model();
        let mut arguments: Vec<String> = Vec::new();
        if self.kind == Kind::Codex {
            arguments.extend(self.provider(setup.scenario));
        }
        arguments.extend(setup.arguments.iter().map(|&argument| argument.to_owned()));
        let name = self.kind.name();
        let program = self.program.display();
        let (idle, limits) = (setup.idle.unwrap_or("40s"), setup.limits);
        self.environment.raw_config(&format!(
            "# {MARKER}\n[run]\nagent = \"{name}\"\n\
             [limits]\nidle = \"{idle}\"\ndeadline = \"100s\"\ninterrupt_grace = \"2s\"\n\
             terminate_grace = \"2s\"\nbackoff = \"100ms\"\nretries = 0\nparking = \"1s\"\n\
             parkings = 1\n{limits}\n\
             [agents.{name}]\nbackend = \"{name}\"\nprogram = '{program}'\nmodel = \"{model}\"\n\
             arguments = {arguments:?}\nenvironment = [\"MOCK_KEY\"]\n"
        ));
        // The variables of the flight, for every command that follows.
        let url = self.server.base_url(setup.scenario, TAG);
        let mut variables = vec![
            ("MOCK_KEY", KEY.to_owned()),
            ("ANTHROPIC_BASE_URL", url),
            ("CLAUDE_CODE_MAX_RETRIES", "2".to_owned()),
        ];
        variables.push(if setup.subscription {
            ("CLAUDE_CODE_OAUTH_TOKEN", KEY.to_owned())
        } else {
            ("ANTHROPIC_API_KEY", KEY.to_owned())
        });
        *self.variables.borrow_mut() = variables;
    }

    /// Starts `airboss run`.
    pub(crate) fn start(&self) -> Running {
        self.with_variables(self.environment.command(["run", PLAN]))
    }

    /// Waits for the end of `airboss run` and looks at its exit code.
    #[track_caller]
    pub(crate) fn end(&self, running: Running, code: i32) -> Output {
        let output = running.wait();
        self.exits.borrow_mut().push(output.code().to_string());
        output.expect_code(code);
        output
    }

    /// Runs `airboss run` to its end.
    #[track_caller]
    pub(crate) fn run(&self, code: i32) -> Output {
        self.end(self.start(), code)
    }

    /// Starts it and waits until the agent's slow command runs: two sleeping processes, one of
    /// them in a session of its own.
    #[track_caller]
    pub(crate) fn start_slow(&self) -> Running {
        let mut running = self.start();
        let asleep = eventually(PATIENCE, || {
            self.sleepers().len() == 2 || !running.is_running()
        });
        assert!(
            asleep && running.is_running(),
            "the slow command does not run: {}\n{:#?}",
            running.stderr(),
            self.environment.processes_left()
        );
        running
    }

    fn sleepers(&self) -> Vec<i32> {
        self.find(|line, _| line == "sleep 297")
    }

    /// Lets the slow command end.
    pub(crate) fn wake_sleepers(&self) {
        self.kill(&self.sleepers());
    }

    /// Kills the agent's own process.
    pub(crate) fn kill_agent(&self) {
        let agents = self.find(|_, pid| {
            let program = fs_err::read_link(format!("/proc/{pid}/exe"));
            program.is_ok_and(|path| path == self.program) && supervises(parent(pid))
        });
        assert_eq!(agents.len(), 1, "{:#?}", self.environment.processes_left());
        self.kill(&agents);
    }

    /// Kills the process that supervises the agent.
    pub(crate) fn kill_supervisor(&self) {
        let supervisors = self.find(|_, pid| supervises(pid));
        assert_eq!(
            supervisors.len(),
            1,
            "{:#?}",
            self.environment.processes_left()
        );
        self.kill(&supervisors);
    }

    fn kill(&self, pids: &[i32]) {
        for pid in pids {
            // One that has ended meanwhile is as good as killed.
            kill_process(Pid::from_raw(*pid).unwrap(), Signal::KILL).ok();
        }
    }

    fn find(&self, wanted: impl Fn(&str, i32) -> bool) -> Vec<i32> {
        let processes = self.environment.processes_left();
        let split = processes.iter().filter_map(|process| {
            let (pid, line) = process.split_once(' ')?;
            Some((pid.parse().ok()?, line))
        });
        split
            .filter(|(pid, line)| wanted(line, *pid))
            .map(|(pid, _)| pid)
            .collect()
    }

    /// All that was stored, the oldest first.
    pub(crate) fn operations(&self) -> Vec<StoredOperation> {
        let Ok(workspace) = Workspace::open(&self.environment.top()) else {
            return Vec::new();
        };
        let query = OperationQuery {
            limit: 10_000,
            ..OperationQuery::default()
        };
        match workspace.open_reader() {
            Ok(Some(store)) => store.operations(&query).unwrap(),
            _ => Vec::new(),
        }
    }

    /// The attempts that were judged, in the order of their judgements.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        let operations = self.operations();
        let report_of = |id| {
            let report = operations
                .iter()
                .find_map(|stored| match &stored.operation {
                    Operation::AttemptEnded {
                        attempt, report, ..
                    } if *attempt == id => Some(report),
                    _ => None,
                });
            report.cloned().unwrap_or_default()
        };
        let judged = operations
            .iter()
            .filter_map(|stored| match &stored.operation {
                Operation::StepJudged {
                    attempt, judgement, ..
                } => Some((*attempt, judgement)),
                _ => None,
            });
        judged
            .map(|(id, judgement)| Attempt {
                directory: self.environment.path(format!(".git/airboss/attempts/{id}")),
                report: report_of(id),
                judgement: judgement.clone(),
            })
            .collect()
    }

    /// The attempts' verdicts.
    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        let attempts = self.attempts();
        attempts
            .iter()
            .map(|attempt| attempt.judgement.verdict)
            .collect()
    }

    /// Why an attempt got its verdict, the model server's address left out.
    pub(crate) fn reason(&self, attempt: usize) -> String {
        let reason = self.attempts().swap_remove(attempt).judgement.reason;
        reason.replace(&format!("127.0.0.1:{}", self.server.port), "[SERVER]")
    }

    fn verdict_words(&self) -> String {
        let verdicts = self.verdicts();
        let words: Vec<&str> = verdicts.iter().map(|verdict| verdict.word()).collect();
        words.join(" ")
    }

    /// The files of Airboss's commits, its own and the plan left out; the oldest commit first.
    pub(crate) fn commits(&self) -> Vec<Vec<String>> {
        let ids =
            self.environment
                .git(["rev-list", "--reverse", "--grep=Airboss-Operation", "HEAD"]);
        let files = |id| {
            self.environment
                .git(["show", "--name-only", "--format=", id])
        };
        let own = |file: &&str| *file != PLAN && !file.starts_with("docs/plan-outputs/");
        ids.lines()
            .map(|id| files(id).lines().filter(own).map(str::to_owned).collect())
            .collect()
    }

    /// The requests in which the model was given tools, the oldest first.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let mut requests = self.server.requests(TAG);
        requests.retain(|request| {
            let tools = request["body"]["tools"].as_array();
            tools.is_some_and(|tools| !tools.is_empty())
        });
        requests
    }

    /// Fails when a request holds what is none of the model's business.
    #[track_caller]
    pub(crate) fn assert_nothing_leaks(&self) {
        for request in self.server.requests(TAG) {
            let body = request["body"].to_string();
            for secret in [KEY, MARKER, "config/airboss"] {
                let found = body.matches(secret).count();
                assert_eq!(found, 0, "`{secret}` is in a request");
            }
        }
    }

    /// The tools of an attempt, read from its recording: how many began and how many ended.
    pub(crate) fn tools(&self, attempt: &Attempt) -> (usize, usize) {
        let mut reader = Reader::new(&attempt.directory);
        let mut parser = StreamParser::new(self.kind.backend().format());
        let (mut begun, mut ended) = (0, 0);
        while !reader.is_finished() {
            for line in reader.poll().unwrap() {
                if line.stream != Stream::Stdout {
                    continue;
                }
                for update in parser.parse(&line.bytes) {
                    begun += usize::from(matches!(update, SessionUpdate::ToolStarted { .. }));
                    ended += usize::from(matches!(update, SessionUpdate::ToolEnded { .. }));
                }
            }
        }
        (begun, ended)
    }
}

impl Attempt {
    /// The agent's command line.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let spec = self.json("spec.json");
        let arguments = spec["arguments"].as_array().unwrap();
        arguments
            .iter()
            .map(|argument| argument.as_str().unwrap().to_owned())
            .collect()
    }

    /// The prompt that Airboss gave it.
    pub(crate) fn prompt(&self) -> String {
        self.json("attempt.json")["prompt"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The names of the variables of its environment.
    pub(crate) fn variables(&self) -> Vec<String> {
        let spec = self.json("spec.json");
        let pairs = spec["environment"].as_array().unwrap();
        pairs
            .iter()
            .map(|pair| pair[0].as_str().unwrap().to_owned())
            .collect()
    }

    fn json(&self, name: &str) -> Value {
        let bytes = fs_err::read(self.directory.join(name)).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }
}

/// The texts that a request holds in the person's name.
pub(crate) fn user_texts(request: &Value) -> Vec<String> {
    let body = &request["body"];
    let messages = body["messages"]
        .as_array()
        .or_else(|| body["input"].as_array());
    let mut texts = Vec::new();
    for message in messages
        .into_iter()
        .flatten()
        .filter(|message| message["role"] == "user")
    {
        match &message["content"] {
            Value::String(text) => texts.push(text.clone()),
            content => texts.extend(
                content
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|block| block["text"].as_str())
                    .map(str::to_owned),
            ),
        }
    }
    texts
}

fn supervises(pid: i32) -> bool {
    let line = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).nth(1) == Some(b"supervise")
}

fn parent(pid: i32) -> i32 {
    let status = fs_err::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    line.and_then(|pid| pid.trim().parse().ok())
        .unwrap_or_default()
}
