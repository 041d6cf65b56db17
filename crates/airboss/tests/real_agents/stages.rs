//! The stages of a task, flown by the real agents; and asked for from inside of them, by a
//! command that `airboss setup` installed.

use airboss_core::operation::Operation;
use airboss_core::verdict::Verdict;

use crate::support::{Flight, Kind, Setup, user_texts};

const TASK: &str = "specs/001_make_two_files";

/// The scenario in which the model writes what a stage asks for, and obeys installed commands.
const BOARD: &str = "board";

fn set_up(flight: &Flight) {
    flight.set_up_board(&Setup {
        scenario: BOARD,
        ..Setup::default()
    });
}

/// The status of the task in TODO.md and in state.json.
fn statuses(flight: &Flight) -> (String, String) {
    let todo = flight.environment.read("specs/TODO.md");
    let line = todo
        .lines()
        .find_map(|line| line.strip_prefix("- **Status**: "));
    let state: serde_json::Value =
        serde_json::from_str(&flight.environment.read("specs/state.json")).unwrap();
    let status = state["active_projects"][0]["status"].as_str();
    (
        line.unwrap_or_default().to_owned(),
        status.unwrap_or_default().to_owned(),
    )
}

#[track_caller]
fn assert_status(flight: &Flight, todo: &str, state: &str) {
    assert_eq!(statuses(flight), (todo.to_owned(), state.to_owned()));
    flight.environment.run(["verify"]).expect_code(0);
}

/// What git has of the task since it was created: subject, and files but those of the board.
fn commits(flight: &Flight) -> Vec<String> {
    let log = flight
        .environment
        .git(["log", "--reverse", "--format=%h %s"]);
    let own = log
        .lines()
        .skip_while(|line| !line.contains("task 1: create"))
        .skip(1);
    let show = |line: &str| {
        let (id, subject) = line.split_once(' ').unwrap();
        let files = flight
            .environment
            .git(["show", "--name-only", "--format=", id]);
        let board = ["specs/TODO.md", "specs/state.json"];
        let files: Vec<&str> = files.lines().filter(|file| !board.contains(file)).collect();
        format!("{subject}: {}", files.join(" "))
    };
    own.map(show).collect()
}

/// Three commands: three statuses, the artifacts of each, and a commit for each piece of work.
pub(crate) fn a_task_is_flown_through_its_stages(flight: &Flight) {
    set_up(flight);
    flight.airboss(["research", "1"], 0);
    assert_status(flight, "[RESEARCHED]", "researched");
    flight.airboss(["plan", "1"], 0);
    assert_status(flight, "[PLANNED]", "planned");
    flight.airboss(["implement", "1"], 0);
    assert_status(flight, "[COMPLETED]", "completed");

    assert_eq!(flight.verdicts(), [Verdict::Verified; 4]);
    let read = |path: &str| flight.environment.read(path);
    assert!(read(&format!("{TASK}/reports/research-001.md")).contains("## Findings"));
    let plan = read(&format!("{TASK}/plans/implementation-001.md"));
    assert_eq!(plan.matches("[COMPLETED]").count(), 2, "{plan}");
    assert_eq!(read("out/p1.txt"), "step p1\nshell-ran\n");
    assert_eq!(read("out/p2.txt"), "step p2\nshell-ran\n");
    let (plan, summary) = (
        format!("{TASK}/plans/implementation-001.md"),
        format!("{TASK}/summaries/implementation-summary-"),
    );
    let expected = [
        format!("task 1: complete research: {TASK}/reports/research-001.md"),
        format!("task 1: create implementation plan: {plan}"),
        format!("task 1 phase 1: The first: out/p1.txt {plan}"),
        format!("task 1 phase 2: The second: out/p2.txt {plan}"),
        format!("task 1: complete implementation: {summary}"),
    ];
    let commits = commits(flight);
    assert_eq!(commits.len(), expected.len(), "{commits:#?}");
    for (commit, expected) in commits.iter().zip(&expected) {
        // The name of the summary has the day in it.
        assert!(commit.starts_with(expected), "{commit}");
        assert_eq!(commit.contains(&summary), expected.contains(&summary));
    }
    flight.assert_nothing_leaks();
    assert_eq!(flight.environment.git(["status", "--short"]), "");
}

/// Three agents of three commands, at the same time in the same work tree.
pub(crate) fn three_tasks_at_once(flight: &Flight) {
    set_up(flight);
    for title in ["Make two more", "Make the last"] {
        flight.airboss(["task", "add", title], 0);
    }
    let running = ["1", "2", "3"].map(|number| flight.start_airboss(["research", number, "-q"]));
    for one in running {
        flight.end(one, 0);
    }
    flight.environment.run(["verify"]).expect_code(0);
    assert_eq!(flight.verdicts(), [Verdict::Verified; 3]);

    // Nobody waited for anybody's agent: the last began before the first had ended.
    let operations = flight.operations();
    let last_begin = operations
        .iter()
        .rposition(|stored| matches!(stored.operation, Operation::AttemptSpawned { .. }));
    let first_end = operations
        .iter()
        .position(|stored| matches!(stored.operation, Operation::AttemptEnded { .. }));
    assert!(last_begin.unwrap() < first_end.unwrap());

    // Each commit holds its own task, and names the conversation that it comes from.
    let mut sessions = Vec::new();
    for number in 1..=3 {
        let grep = format!("--grep=^task {number}: complete research$");
        let id = flight.environment.git(["log", "--format=%H", &grep]);
        let show = |format: &str| {
            let format = format!("--format={format}");
            flight
                .environment
                .git(["show", "--name-only", &format, id.trim()])
        };
        let files = show("");
        let files: Vec<&str> = files.lines().collect();
        assert!(
            files[0].starts_with(&format!("specs/{number:03}_")),
            "{files:?}"
        );
        assert_eq!(files[1..], ["specs/TODO.md", "specs/state.json"]);
        let shown = show("%(trailers:key=Session,valueonly)");
        sessions.extend(shown.lines().next().map(str::to_owned));
        let added = flight
            .environment
            .git(["show", "--format=", "-U0", id.trim(), "--", files[1]]);
        let added = added
            .lines()
            .filter(|line| line.starts_with('+') && !line.starts_with("+++"));
        let added: Vec<&str> = added.collect();
        assert_eq!(added.len(), 2, "{added:?}");
        assert!(
            added[1].contains(&format!("specs/{number:03}_")),
            "{added:?}"
        );
    }
    sessions.sort_unstable();
    sessions.dedup();
    assert_eq!(sessions.len(), 3, "{sessions:?}");
    flight.assert_nothing_leaks();
}

/// A person types the installed command into the program. Its model reads the command, runs
/// Airboss in the program's own shell, and Airboss flies an agent of the same program.
pub(crate) fn a_person_asks_from_inside(flight: &Flight) {
    set_up(flight);
    let program = match flight.kind {
        Kind::Claude => "claude",
        Kind::Codex => "codex",
    };
    flight.environment.run(["setup", program]).expect_code(0);
    flight.environment.commit("set up");
    let words = "look at $(touch pwned) `touch pwned`; it's \"quoted\" & *";
    match flight.kind {
        // Nothing is allowed but what the command itself allows.
        Kind::Claude => flight.type_into(BOARD, &format!("/research 1 {words}"), &[]),
        // Its sandbox would keep Airboss from `.git` and the agent from its model.
        Kind::Codex => {
            let free = ["-s", "danger-full-access"];
            flight.type_into(BOARD, &format!("$research 1 {words}"), &free)
        }
    };
    assert_status(flight, "[RESEARCHED]", "researched");
    assert!(!flight.environment.path("pwned").exists());

    // The program read the file that was installed.
    let file = match flight.kind {
        Kind::Claude => ".claude/commands/research.md",
        Kind::Codex => ".agents/skills/research/SKILL.md",
    };
    let file = flight.environment.read(file);
    let installed = file.splitn(3, "---\n").nth(2).unwrap();
    let (before, after) = installed
        .split_once("$ARGUMENTS")
        .unwrap_or(("", installed));
    let requests = flight.requests();
    let heard = |wanted: &str| {
        let texts = |request| user_texts(request).join("\n");
        requests
            .iter()
            .filter(|request| texts(request).contains(wanted.trim()))
            .count()
    };
    // The call of the shell, and the last words.
    assert_eq!((heard(before.trim()) >= 2, heard(after)), (true, 2));

    // Its model heard what Airboss said.
    let says = |request: &serde_json::Value| request.to_string().contains("task 1 is researched");
    assert!(requests.iter().any(says));

    // What was typed reached the agent as it was, and of the session around it it knows nothing.
    let attempts = flight.attempts();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].judgement.verdict, Verdict::Verified);
    let prompt = attempts[0].prompt();
    assert!(prompt.contains(words), "{prompt}");
    assert!(heard(&prompt) >= 2);
    let variables = attempts[0].variables();
    for name in ["CLAUDECODE", "CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID"] {
        assert!(!variables.iter().any(|variable| variable == name), "{name}");
    }
}

/// In the sandbox of Codex nothing can be begun: Airboss says why, and nothing has changed.
pub(crate) fn its_sandbox_keeps_airboss_out(flight: &Flight) {
    set_up(flight);
    flight.environment.run(["setup", "codex"]).expect_code(0);
    let sandbox = ["-s", "workspace-write"];
    flight.type_into(BOARD, "$research 1 at once", &sandbox);
    // Codex has no event for a command that its sandbox stopped; its model is told.
    let last = flight.requests().pop().unwrap().to_string();
    assert!(last.contains("Read-only file system"), "{last}");
    assert_status(flight, "[NOT STARTED]", "not_started");
    assert_eq!(flight.attempts().len(), 0);
}
