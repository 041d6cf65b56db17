//! Following real stores, real recordings and what becomes of them.

use std::path::{Path, PathBuf};

use airboss_core::agent::{SessionUpdate, StreamFormat, StreamParser};
use airboss_core::id::{AttemptId, StepId};
use airboss_core::operation::StepRecord;
use airboss_core::scene::{Scene, Tools};

use super::*;
use crate::run::attempt_files::{AttemptFiles, directory};
use crate::run::tree::Tree;
use crate::store::{Commit, Committed};
use crate::supervise::{Recorder, Stream};

/// What is waited for comes within milliseconds, or on a busy machine within seconds.
const PATIENCE: Duration = Duration::from_secs(30);

fn key() -> PlanKey {
    PlanKey::new(RepoPath::new("plans/work.md").unwrap())
}

fn workspace(directory: &Path) -> Workspace {
    let top = fs_err::canonicalize(directory).unwrap();
    Workspace {
        state: top.join(".airboss"),
        top,
        repository: None,
    }
}

fn store(store: &mut SqliteStore, operations: Vec<Operation>) -> u64 {
    let commit = Commit::new(key(), operations);
    let Committed::Applied { operations } = store.commit(&commit).unwrap() else {
        panic!("nothing stands against it");
    };
    operations.last().unwrap().sequence
}

fn registered(count: usize) -> Operation {
    let steps = (0..count).map(|number| StepRecord {
        id: StepId::new(format!("1.{number}")),
        phase: "1".to_owned(),
        phase_title: "Only".to_owned(),
        description: "A step".to_owned(),
        dependencies: Vec::new(),
    });
    Operation::PlanRegistered {
        name: "work".to_owned(),
        hash: "h".to_owned(),
        steps: steps.collect(),
        renamed: Vec::new(),
    }
}

fn dispatched(attempt: AttemptId, step: usize) -> Operation {
    Operation::AttemptDispatched {
        attempt,
        run: RunId::from_uuid(uuid::Uuid::nil()),
        steps: vec![StepId::new(format!("1.{step}"))],
        agent: "someone".to_owned(),
        fence: 1,
        number: 1,
        retry: false,
    }
}

fn claimed(number: usize) -> Operation {
    Operation::StepClaimed {
        step: "1.0".into(),
        attempt: AttemptId::default(),
        claim: number.to_string(),
        about: airboss_core::report::ReportKind::Note,
    }
}

#[expect(
    clippy::print_stdout,
    reason = "what was measured, or skipped, is said"
)]
fn say(text: &str) {
    println!("{text}");
}

/// Takes changes until the scene shows what is wanted.
#[track_caller]
fn until(follower: &mut Follower, scene: &mut Scene, holds: impl Fn(&Scene) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds(scene) {
        match follower.next(deadline) {
            Some(change) => scene.apply(change),
            None => panic!("it never came: {scene:#?}"),
        }
    }
}

#[test]
fn a_store_may_come_late_and_be_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let workspace = workspace(directory.path());
    let mut follower = Follower::start(&workspace, Wanted::scene(Subject::default())).unwrap();
    let mut scene = Scene::new(2);
    assert!(follower.try_next().is_none(), "there is nothing yet");
    let mut first = workspace.open_store().unwrap();
    let newest = store(&mut first, vec![registered(3), claimed(1)]);
    until(&mut follower, &mut scene, |scene| scene.as_of() == newest);
    assert_eq!(scene.counts().total, 3);
    // Another store with a shorter log takes its place, as after a rebuild.
    let place = workspace.store_place().unwrap().directory;
    drop(first);
    fs_err::rename(&place, place.with_extension("old")).unwrap();
    let mut second = workspace.open_store().unwrap();
    store(&mut second, vec![registered(5)]);
    until(&mut follower, &mut scene, |scene| scene.counts().total == 5);
    assert_eq!(scene.as_of(), 1);
    let newest = store(&mut second, vec![dispatched(AttemptId::default(), 4)]);
    until(&mut follower, &mut scene, |scene| scene.as_of() == newest);
    assert_eq!(scene.in_progress().len(), 1);
    let attempt = scene.in_progress().next().unwrap();
    assert_eq!(attempt.tools(), Tools::NotYetKnown);
}

#[test]
fn operations_come_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let workspace = workspace(directory.path());
    let mut writer = workspace.open_store().unwrap();
    store(&mut writer, vec![registered(1), claimed(0)]);
    let wanted = Wanted {
        scene: false,
        activity: false,
        since: Some(1),
        ..Wanted::scene(Subject::default())
    };
    let mut follower = Follower::start(&workspace, wanted).unwrap();
    let count = 1_200;
    let mut newest = 0;
    for number in (0..count).step_by(4) {
        let several = (number..number + 4).map(claimed).collect();
        newest = store(&mut writer, several);
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&newest) {
        let Some(change) = follower.next(Instant::now() + PATIENCE) else {
            panic!("only {} came", seen.len());
        };
        if let Change::Stored(stored) = change {
            seen.extend(stored.operations.iter().map(|stored| stored.sequence));
        }
    }
    assert_eq!(seen, (2..=newest).collect::<Vec<_>>());
    // A plan that was not asked for is not told of.
    let other = Subject {
        plan: Some(PlanKey::new(RepoPath::new("plans/other.md").unwrap())),
        board: None,
    };
    assert!(!other.covers(&key()));
}

/// One recorded stream: the seconds from its beginning and the line.
type Recorded = Vec<(f64, Vec<u8>)>;

/// The streams of real programs with their times, where they are there; else some of our own.
fn recorded() -> Vec<(StreamFormat, Recorded)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/streams");
    let mut found = Vec::new();
    for entry in fs_err::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let format = match name.split('-').next() {
            Some("claude") => StreamFormat::Claude,
            Some("codex") => StreamFormat::Codex,
            _ => continue,
        };
        if name.ends_with(".ts") && !name.contains("appserver") {
            let text = String::from_utf8_lossy(&fs_err::read(entry.path()).unwrap()).into_owned();
            let lines = text.lines().filter_map(|line| {
                let (seconds, line) = line.trim_start().split_once(' ')?;
                Some((seconds.parse().ok()?, format!("{line}\n").into_bytes()))
            });
            let lines: Recorded = lines.collect();
            // Nobody waits here for a stream that hangs.
            if lines.last().is_some_and(|(seconds, _)| *seconds < 15.0) {
                found.push((format, lines));
            }
        }
    }
    if found.is_empty() {
        say(&format!(
            "no recordings in {}: our own are used",
            folder.display()
        ));
        found.extend((0..8).map(|place| (StreamFormat::Claude, own_stream(place))));
    }
    // As many as a large run has side by side.
    found.truncate(60);
    let plain = (0..20).map(|n| (f64::from(n) / 10.0, format!("line {n}\n").into_bytes()));
    found.push((StreamFormat::Plain, plain.collect()));
    found
}

fn own_stream(place: u32) -> Recorded {
    let tools = (0..6).flat_map(|number| {
        let begin = f64::from(number) * 0.3 + f64::from(place) * 0.01;
        let start = format!(
            "{{\"type\":\"assistant\",\"message\":{{\"id\":\"m{number}\",\"content\":[{{\"type\":\
             \"tool_use\",\"id\":\"t{number}\",\"name\":\"Bash\",\"input\":{{\"command\":\
             \"make {number}\"}}}}]}}}}\n"
        );
        let end = format!(
            "{{\"type\":\"user\",\"message\":{{\"content\":[{{\"type\":\"tool_result\",\
             \"tool_use_id\":\"t{number}\",\"content\":\"made\"}}]}}}}\n"
        );
        [(begin, start.into_bytes()), (begin + 0.1, end.into_bytes())]
    });
    tools.collect()
}

fn begin_files(workspace: &Workspace, attempt: AttemptId, format: StreamFormat) -> PathBuf {
    let directory = directory(&workspace.state, attempt);
    let files = AttemptFiles {
        attempt,
        top: workspace.top.clone(),
        steps: Vec::new(),
        format,
        declared: Vec::new(),
        beside: Vec::new(),
        sequence: 0,
        before: Tree::take(None, &workspace.top, &[], None).unwrap(),
        prompt: String::new(),
        resume: None,
    };
    files.write(&directory).unwrap();
    directory
}

/// Plays all streams at once, each at its own pace, as their supervisors would record them; tells
/// when the start of each tool was written.
fn play(streams: Vec<(AttemptId, PathBuf, StreamFormat, Recorded)>) -> HashMap<String, Instant> {
    let mut lines: Vec<(f64, usize, Vec<u8>)> = Vec::new();
    let mut players = Vec::new();
    for (place, (attempt, directory, format, recorded)) in streams.into_iter().enumerate() {
        let recorder = Recorder::create(&directory, 1 << 20, 64 << 20).unwrap();
        players.push((attempt, recorder, StreamParser::new(format)));
        lines.extend(recorded.into_iter().map(|(at, line)| (at, place, line)));
    }
    lines.sort_by(|one, other| one.0.total_cmp(&other.0));
    let begin = Instant::now();
    let mut started = HashMap::new();
    for (at, place, line) in lines {
        let due = begin + Duration::from_secs_f64(at);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (attempt, recorder, parser) = &mut players[place];
        recorder.push(Stream::Stdout, clock::now(), &line);
        for update in parser.parse(&line) {
            if let SessionUpdate::ToolStarted { id, .. } = update {
                started.insert(format!("{attempt} {id}"), Instant::now());
            }
        }
    }
    started
}

#[test]
fn tools_appear_when_they_start() {
    let directory = tempfile::tempdir().unwrap();
    let workspace = workspace(directory.path());
    let mut writer = workspace.open_store().unwrap();
    let recorded = recorded();
    let count = recorded.len();
    let streams: Vec<_> = recorded
        .into_iter()
        .map(|(format, lines)| {
            let attempt = AttemptId::from_uuid(clock::fresh_uuid());
            let directory = begin_files(&workspace, attempt, format);
            (attempt, directory, format, lines)
        })
        .collect();
    let mut operations = vec![registered(count)];
    let ids = streams.iter().map(|(attempt, ..)| *attempt);
    operations.extend(ids.enumerate().map(|(step, id)| dispatched(id, step)));
    let newest = store(&mut writer, operations);
    let mut follower = Follower::start(&workspace, Wanted::scene(Subject::default())).unwrap();
    let mut scene = Scene::new(2);
    until(&mut follower, &mut scene, |scene| {
        scene.as_of() == newest && scene.in_progress().all(|it| it.format().is_some())
    });
    let player = thread::spawn(move || play(streams));
    // What is not running any more when it is looked at was started and ended in one change.
    let mut seen: HashMap<String, Instant> = HashMap::new();
    let mut quiet_since = Instant::now();
    while !player.is_finished() || quiet_since.elapsed() < Duration::from_millis(500) {
        let Some(change) = follower.next(Instant::now() + Duration::from_millis(50)) else {
            continue;
        };
        quiet_since = Instant::now();
        let started: Vec<String> = match &change {
            Change::Heard { attempt, updates } => updates
                .iter()
                .filter_map(|(_, update)| match update {
                    SessionUpdate::ToolStarted { id, .. } => Some(format!("{attempt} {id}")),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        scene.apply(change);
        for tool in started {
            seen.entry(tool).or_insert_with(Instant::now);
        }
    }
    let written = player.join().unwrap();
    assert_eq!(seen.len(), written.len(), "each start is seen");
    let mut late: Vec<Duration> = written
        .iter()
        .map(|(tool, at)| seen[tool].saturating_duration_since(*at))
        .collect();
    late.sort_unstable();
    let beyond = late.iter().filter(|it| it.as_millis() > 100).count();
    say(&format!(
        "{count} streams, {} tools: median {:?}, at most {:?}, {beyond} beyond 100 ms",
        late.len(),
        late[late.len() / 2],
        late[late.len() - 1]
    ));
    // One that did not get its turn on a busy machine is no fault of the follower's.
    assert!(beyond * 20 <= late.len(), "{beyond} of {}", late.len());
    let unknown = |it: &&airboss_core::scene::Flying| it.tools() == Tools::NotAnnounced;
    assert_eq!(scene.in_progress().filter(unknown).count(), 1);
    assert!(scene.activity().len() >= late.len().min(100));
}
