//! Other programs that keep tasks: one change and one list, beside ours, in turn.
//!
//! They are installed below target/ with the ordinary clients of their registries, and a peer
//! that cannot be installed is left out with a line that says so.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Bench;
use super::commands::{self, Repositories, airboss};
use super::plan::step_id;
use super::programs::{Programs, folder};
use super::store::grouped;
use super::table::{Row, Target, millis};
use super::timing::{Subject, in_turn, rounds_with_warm_up};

/// Few, for some peers take seconds.
const ROUNDS: usize = 9;

/// How many tasks the peers have, but for the script, which is measured at every size.
const TASKS: usize = 1_000;

/// What npm installs, pinned, so that a row means the same next year.
const NPM_PACKAGES: [&str; 3] = [
    "proper-lockfile@4.1.2",
    "backlog.md@1.52.0",
    "task-master-ai@0.43.1",
];

/// A status script of the kind that earlier systems used.
const SCRIPT: &str = include_str!("peers/status.js");

/// One peer with a project of its own.
struct Peer {
    name: &'static str,
    tasks: usize,
    /// Completes the task with this number, from 0.
    change: Box<dyn Fn(usize) -> Command>,
    /// Lists what there is, or what is next.
    list: Box<dyn Fn() -> Command>,
    /// How many times faster ours has to be at a change.
    target: f64,
}

pub(super) fn rows(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    if !commands::are_there(bench) {
        bench.note("Other programs were left out: this program has no `mark-complete`.");
        return Ok(Vec::new());
    }
    let home = folder(bench.root)?.join("peers");
    fs_err::create_dir_all(&home)?;
    let mut rows = Vec::new();
    let mut left_out = Vec::new();
    for (name, prepare) in PEERS {
        match prepare(&bench.programs, &home) {
            Ok(peers) => {
                for peer in peers {
                    rows.extend(beside(bench, &peer)?);
                }
            }
            Err(error) => left_out.push(format!("{name} was left out: {error:#}.")),
        }
    }
    bench.notes.extend(left_out);
    Ok(rows)
}

type Prepare = fn(&Programs, &Path) -> Result<Vec<Peer>>;

const PEERS: [(&str, Prepare); 4] = [
    ("The Node script", script),
    ("Taskwarrior", taskwarrior),
    ("backlog.md", backlog),
    ("task-master", task_master),
];

fn beside(bench: &Bench<'_>, peer: &Peer) -> Result<[Row; 2]> {
    let programs = &bench.programs;
    let rounds = bench.rounds(ROUNDS);
    let repositories = Repositories::new(programs, peer.tasks, rounds_with_warm_up(rounds))?;
    let next = || airboss(programs, repositories.any(), &["next"]);
    let [ours, theirs, our_list, their_list] = in_turn(
        [
            Subject::new("mark-complete", |round| {
                Ok(vec![repositories.mark(programs, round)])
            }),
            Subject::new(peer.name, |round| {
                Ok(vec![(peer.change)(round % peer.tasks)])
            }),
            Subject::new("next", |_| Ok(vec![next()])),
            Subject::new(peer.name, |_| Ok(vec![(peer.list)()])),
        ],
        rounds,
    )?;
    let tasks = grouped(peer.tasks);
    let other = peer.name.to_owned();
    Ok([
        Row {
            what: format!("`mark-complete`, {tasks} steps"),
            ours: millis(ours.median()),
            other: format!("{other}: a change"),
            theirs: millis(theirs.median()),
            ratio: ours.ratio_to(&theirs),
            target: Target::Faster(peer.target),
        },
        Row {
            what: format!("`next`, {tasks} steps"),
            ours: millis(our_list.median()),
            other: format!("{other}: a list"),
            theirs: millis(their_list.median()),
            ratio: our_list.ratio_to(&their_list),
            target: Target::None,
        },
    ])
}

/// Installs the npm packages once.
fn install(home: &Path) -> Result<PathBuf> {
    let modules = home.join("node_modules");
    if !modules.join("task-master-ai").is_dir() {
        fs_err::write(home.join("package.json"), "{ \"private\": true }\n")?;
        let mut npm = Command::new("npm");
        npm.current_dir(home)
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]);
        npm.args(["--no-package-lock", "--loglevel=error"])
            .args(NPM_PACKAGES);
        succeed(npm)?;
    }
    Ok(modules)
}

fn succeed(mut command: Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{command:?}: {}",
            words.trim().lines().last().unwrap_or_default()
        );
    }
    Ok(())
}

/// What a command needs to be made anew for every round.
#[derive(Clone)]
struct Maker {
    program: PathBuf,
    directory: PathBuf,
    variables: Vec<(String, std::ffi::OsString)>,
}

impl Maker {
    fn new(programs: &Programs, program: PathBuf, directory: &Path) -> Self {
        let variable = |name: &str| Some((name.to_owned(), env::var_os(name)?));
        let mut variables: Vec<_> = ["PATH"].into_iter().filter_map(variable).collect();
        variables.push(("HOME".to_owned(), programs.home().into()));
        let directory = directory.to_owned();
        Self {
            program,
            directory,
            variables,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    fn command<S: AsRef<std::ffi::OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().current_dir(&self.directory);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(words);
        command
    }
}

fn title(number: usize) -> String {
    format!("Sort the letters of berth {number} and show that none of them is lost")
}

fn script(programs: &Programs, home: &Path) -> Result<Vec<Peer>> {
    install(home)?;
    let program = home.join("status.js");
    fs_err::write(&program, SCRIPT)?;
    let program = program.to_string_lossy().into_owned();
    let of_size = |tasks: usize| -> Result<Peer> {
        let project = programs.unnamed_folder()?;
        let task = |number: usize| {
            json!({
                "id": step_id(number),
                "description": title(number),
                "phase": number / 20,
                "status": "pending",
                "retryCount": 0,
            })
        };
        let all: Vec<Value> = (0..tasks).map(task).collect();
        let status = json!({ "summary": {}, "tasks": all });
        fs_err::write(
            project.join("status.json"),
            serde_json::to_string_pretty(&status)?,
        )?;
        let node = Maker::new(programs, "node".into(), &project);
        let (list, change) = (node.clone(), node);
        let (first, second) = (program.clone(), program.clone());
        Ok(Peer {
            name: "Node status script",
            tasks,
            list: Box::new(move || list.command(&[&first, ".", "status"])),
            change: Box::new(move |number| {
                change.command(&[&second, ".", "mark-complete", &step_id(number)])
            }),
            target: 25.0,
        })
    };
    [10, 1_000, 10_000].into_iter().map(of_size).collect()
}

/// Debian's package, unpacked and not installed, where the machine has none.
fn taskwarrior(programs: &Programs, home: &Path) -> Result<Vec<Peer>> {
    let mut program = PathBuf::from("task");
    if Command::new(&program).arg("--version").output().is_err() {
        program = home.join("taskwarrior/usr/bin/task");
        if !program.is_file() {
            let mut download = Command::new("apt-get");
            download
                .current_dir(home)
                .args(["download", "--quiet", "taskwarrior"]);
            succeed(download)?;
            let mut unpack = Command::new("sh");
            unpack
                .current_dir(home)
                .args(["-c", "dpkg -x taskwarrior_*.deb taskwarrior"]);
            succeed(unpack)?;
        }
    }
    let project = programs.unnamed_folder()?;
    let settings = "data.location=data\nconfirmation=no\nbulk=0\nhooks=0\nverbose=nothing\n";
    fs_err::write(project.join("taskrc"), settings)?;
    fs_err::create_dir(project.join("data"))?;
    let uuid = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    let task = |number: usize| {
        json!({
            "uuid": uuid(number),
            "description": title(number),
            "status": "pending",
            "entry": "20260101T000000Z",
        })
    };
    let all: Vec<Value> = (0..TASKS).map(task).collect();
    fs_err::write(project.join("tasks.json"), serde_json::to_string(&all)?)?;
    let maker = Maker::new(programs, program, &project).with("TASKRC", "taskrc");
    succeed(maker.command(&["import", "tasks.json"]))?;
    let list = maker.clone();
    Ok(vec![Peer {
        name: "Taskwarrior 2",
        tasks: TASKS,
        list: Box::new(move || list.command(&["next", "limit:3"])),
        change: Box::new(move |number| maker.command(&[uuid(number), "done".to_owned()])),
        target: 10.0,
    }])
}

fn backlog(programs: &Programs, home: &Path) -> Result<Vec<Peer>> {
    let program = install(home)?.join("backlog.md-linux-x64/backlog");
    let project = programs.unnamed_folder()?;
    let tasks = project.join("backlog/tasks");
    fs_err::create_dir_all(&tasks)?;
    let settings = "project_name: harbour\ndefault_status: To Do\n\
                    statuses: [To Do, In Progress, Done]\nlabels: []\ndate_format: yyyy-mm-dd\n\
                    remote_operations: false\nauto_commit: false\nfilesystem_only: true\n\
                    check_active_branches: false\ntask_prefix: task\n";
    fs_err::write(project.join("backlog/config.yml"), settings)?;
    for number in 1..=TASKS {
        let text = format!(
            "---\nid: TASK-{number}\ntitle: {}\nstatus: To Do\nassignee: []\n\
             created_date: '2026-01-01 00:00'\nlabels: []\ndependencies: []\n---\n",
            title(number)
        );
        fs_err::write(
            tasks.join(format!("task-{number} - Sort-the-letters.md")),
            text,
        )?;
    }
    let maker = Maker::new(programs, program, &project);
    let list = maker.clone();
    Ok(vec![Peer {
        name: "backlog.md",
        tasks: TASKS,
        list: Box::new(move || list.command(&["task", "list", "--plain"])),
        change: Box::new(move |number| {
            maker.command(&[
                "task",
                "edit",
                &(number + 1).to_string(),
                "--status",
                "Done",
            ])
        }),
        target: 250.0,
    }])
}

fn task_master(programs: &Programs, home: &Path) -> Result<Vec<Peer>> {
    let program = install(home)?.join(".bin/task-master");
    let project = programs.unnamed_folder()?;
    let folder = project.join(".taskmaster/tasks");
    fs_err::create_dir_all(&folder)?;
    let task = |number: usize| {
        json!({
            "id": number, "title": title(number), "description": title(number), "details": "",
            "testStrategy": "", "status": "pending", "dependencies": [], "priority": "medium",
            "subtasks": [],
        })
    };
    let all: Vec<Value> = (1..=TASKS).map(task).collect();
    let instant = "2026-01-01T00:00:00.000Z";
    let metadata = json!({ "created": instant, "updated": instant, "description": "harbour" });
    let tasks = json!({ "master": { "tasks": all, "metadata": metadata } });
    fs_err::write(
        folder.join("tasks.json"),
        serde_json::to_string_pretty(&tasks)?,
    )?;
    let settings = json!({ "models": {}, "global": { "logLevel": "error" } });
    let config = project.join(".taskmaster/config.json");
    fs_err::write(config, serde_json::to_string(&settings)?)?;
    // Without this it asks the registry for a newer version first.
    let maker = Maker::new(programs, program, &project).with("TASKMASTER_SKIP_AUTO_UPDATE", "1");
    let list = maker.clone();
    Ok(vec![Peer {
        name: "task-master",
        tasks: TASKS,
        list: Box::new(move || list.command(&["next"])),
        change: Box::new(move |number| {
            let id = format!("--id={}", number + 1);
            maker.command(&["set-status", id.as_str(), "--status=done"])
        }),
        target: 500.0,
    }])
}
