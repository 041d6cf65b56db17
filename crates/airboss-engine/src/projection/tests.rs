//! The publisher against real stores and real files, with a person saving in between.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use airboss_core::operation::{Actor, Operation, StepRecord, StepStatus};
use airboss_core::status_file::StatusFile;
use fs_err as fs;
use serde_json::Value;

use super::*;
use crate::store::{Commit, PublishItem, SqliteStore};

struct Desk {
    directory: tempfile::TempDir,
    store: SqliteStore,
    plan: PlanKey,
    path: RepoPath,
}

impl Desk {
    fn new(steps: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(&directory.path().join(".airboss")).unwrap();
        let plan = PlanKey::new(RepoPath::new("plans/demo.md").unwrap());
        let steps = (0..steps)
            .map(|number| StepRecord {
                id: number.to_string().as_str().into(),
                phase: "1".to_owned(),
                phase_title: "All".to_owned(),
                description: format!("Step {number}"),
                dependencies: Vec::new(),
            })
            .collect();
        let registered = Operation::PlanRegistered {
            name: "demo".to_owned(),
            hash: "abc".to_owned(),
            steps,
            renamed: Vec::new(),
        };
        store
            .commit(&Commit::new(plan.clone(), vec![registered]))
            .unwrap();
        let path = RepoPath::new("docs/plan-outputs/demo/status.json").unwrap();
        Self {
            directory,
            store,
            plan,
            path,
        }
    }

    fn mark(&mut self, step: usize, status: StepStatus) {
        let marked = Operation::StepMarked {
            step: step.to_string().as_str().into(),
            status,
            actor: Actor::Person,
            text: None,
            forced: false,
            stuck: false,
        };
        let mut commit = Commit::new(self.plan.clone(), vec![marked]);
        commit.change.publish = vec![PublishItem {
            path: self.path.clone(),
            kind: PublishKind::StatusJson,
        }];
        self.store.commit(&commit).unwrap();
    }

    fn publisher(&self) -> Publisher {
        Publisher::new(&Workspace {
            top: self.directory.path().to_owned(),
            repository: None,
            state: self.directory.path().join(".airboss"),
        })
    }

    fn settle(&mut self) -> Settled {
        let publisher = self.publisher();
        publisher.settle(&mut self.store, Some(&self.plan)).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join(&self.path)
    }

    /// The names in a directory of the state.
    fn shelf(&self, directory: &str) -> Vec<String> {
        let directory = self.directory.path().join(".airboss").join(directory);
        let names = RealVfs.read_dir(&directory).unwrap_or_default();
        let names = names.into_iter().map(|name| name.into_string().unwrap());
        names.collect()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn statuses(&self) -> Vec<Option<StepStatus>> {
        StatusFile::read(&self.text())
            .tasks
            .iter()
            .map(|task| task.status)
            .collect()
    }
}

#[test]
fn a_file_is_made_and_then_only_its_changes_are_written() {
    let mut desk = Desk::new(3);
    desk.mark(0, StepStatus::InProgress);
    assert_eq!(desk.settle().written.len(), 1);
    let text = desk
        .text()
        .replace("\"_comment\"", "\"mine\": [1,  2],\n  \"_comment\"");
    desk.mark(0, StepStatus::Completed);
    fs::write(desk.file(), &text).unwrap();
    assert_eq!(
        desk.settle(),
        Settled {
            written: vec![desk.path.clone()],
            ..Settled::default()
        }
    );
    assert!(desk.text().contains("\"mine\": [1,  2],"));
    assert_eq!(desk.statuses()[0], Some(StepStatus::Completed));
    assert_eq!(desk.settle(), Settled::default());
    assert_eq!(desk.shelf("tmp"), [""; 0]);
    await_empty_shelf(&mut desk);
}

/// What was displaced goes after its second look.
fn await_empty_shelf(desk: &mut Desk) {
    let start = Instant::now();
    while !desk.shelf("displaced").is_empty() {
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(desk.settle(), Settled::default());
        std::thread::yield_now();
    }
    assert_eq!(desk.shelf("kept"), [""; 0]);
}

fn text(text: &str) -> Text {
    Text::from(text.as_bytes().to_vec())
}

#[test]
fn what_came_out_is_handed_back_when_it_is_not_what_was_read() {
    let desk = Desk::new(1);
    let publisher = desk.publisher();
    let target = desk.directory.path().join("status.json");
    let path = RepoPath::new("status.json").unwrap();
    let put = |read: Option<&str>, content: &str| {
        let (read, content) = (read.map(text), text(content));
        let replace = Replace {
            shelf: &publisher.shelf,
            path: &path,
            target: &target,
            read: read.as_ref(),
            upon_save: false,
            content: &content,
        };
        match replace.run().unwrap() {
            Replaced::AsRead(_) => "as read".to_owned(),
            Replaced::Displaced(saved) => String::from_utf8(saved.content.to_vec()).unwrap(),
            Replaced::Untouched => "untouched".to_owned(),
        }
    };
    assert_eq!(put(None, "one"), "as read");
    assert_eq!(put(None, "two"), "untouched");
    assert_eq!(put(Some("one"), "two"), "as read");
    fs::write(&target, "saved by hand").unwrap();
    fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(put(Some("two"), "three"), "saved by hand");
    assert_eq!(fs::read_to_string(&target).unwrap(), "three");
    let mode = fs::metadata(&target).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

/// As a crash leaves it: the owner is dead, the outbox is full, the save is not looked at.
fn crash_after_exchange(desk: &mut Desk, saved: &str) -> String {
    desk.mark(0, StepStatus::Completed);
    let publisher = desk.publisher();
    let read = desk.text();
    let written = read.replace("in_progress\"", "completed\"");
    let entry = publisher.shelf.hold(
        &desk.path,
        &text(&read),
        false,
        &text(&written),
        Some(0o644),
    );
    let entry = entry.unwrap();
    fs::write(desk.file(), saved).unwrap();
    RealVfs.exchange(&entry.bytes, &desk.file()).unwrap();
    // A process that started with the machine has ended long ago, or is another one.
    let owner = RealVfs.process();
    let (own, dead) = (format!("-{}-{}.", owner.pid, owner.start_ticks), "-1-1.");
    let name = entry.bytes.to_str().unwrap().replace(&own, dead);
    fs::rename(&entry.bytes, name).unwrap();
    written
}

#[test]
fn a_save_that_a_crash_left_displaced_comes_back() {
    let mut desk = Desk::new(2);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    let saved = desk.text().replace("Step 1", "My words");
    crash_after_exchange(&mut desk, &saved);
    assert_eq!(desk.publisher().leftovers(&desk.store).unwrap().len(), 1);
    let settled = desk.settle();
    assert_eq!((settled.written.len(), settled.notes.len()), (1, 0));
    assert!(desk.text().contains("My words"));
    assert_eq!(desk.statuses()[0], Some(StepStatus::Completed));
    await_empty_shelf(&mut desk);
}

#[test]
fn what_was_published_and_comes_back_while_it_is_displaced_is_not_lost() {
    let mut desk = Desk::new(2);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    let published = desk.text();
    // As a stash takes it away, and brings it back.
    fs::write(desk.file(), published.replace("Step 1", "Older words")).unwrap();
    crash_after_exchange(&mut desk, &published);
    assert_eq!(desk.publisher().leftovers(&desk.store).unwrap().len(), 1);
    assert_eq!(desk.settle().written.len(), 1);
    assert!(desk.text().contains("Step 1"), "{}", desk.text());
    assert_eq!(desk.statuses()[0], Some(StepStatus::Completed));
    await_empty_shelf(&mut desk);
}

#[test]
fn a_save_that_nothing_can_be_built_upon_is_the_callers_to_judge() {
    for fate in [Fate::Keep, Fate::Remove] {
        let mut desk = Desk::new(2);
        desk.mark(0, StepStatus::InProgress);
        desk.settle();
        let saved = desk.text().replace("Step 1", "My words");
        let written = crash_after_exchange(&mut desk, &saved);
        // Somebody edited what was written meanwhile: both have something to say.
        fs::write(desk.file(), written.replace("Step 0", "Your words")).unwrap();
        let publisher = desk.publisher();
        let mut asked = Vec::new();
        let settled = publisher
            .settle_with(&mut desk.store, None, &mut |_, leftover| {
                asked.push((leftover.target.clone(), leftover.content.clone()));
                Ok(fate)
            })
            .unwrap();
        assert_eq!(asked, [(Some(desk.path.clone()), saved.into_bytes())]);
        assert!(desk.text().contains("Your words"));
        let kept = usize::from(fate == Fate::Keep);
        assert_eq!(
            (settled.notes.len(), desk.shelf("kept").len()),
            (kept, kept)
        );
        assert_eq!(publisher.leftovers(&desk.store).unwrap().len(), 0);
    }
}

/// An editor that has the file open which the next change displaces.
fn editor_of_displaced(desk: &mut Desk) -> fs::File {
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    let editor = fs::OpenOptions::new().write(true).open(desk.file());
    desk.mark(1, StepStatus::Completed);
    desk.settle();
    editor.unwrap()
}

/// Checks that these words of an editor are found and kept.
fn check_kept(desk: &mut Desk, words: &[u8]) {
    let start = Instant::now();
    let note = loop {
        assert!(start.elapsed() < Duration::from_secs(20));
        if let [note] = &desk.settle().notes[..] {
            break note.clone();
        }
    };
    assert!(note.starts_with("what somebody saved to docs/plan-outputs/demo/status.json"));
    let kept = desk.directory.path().join(".airboss/kept");
    let kept = fs::read(kept.join(&desk.shelf("kept")[0])).unwrap();
    assert!(kept.starts_with(words));
    assert_eq!(desk.settle(), Settled::default());
}

#[test]
fn what_an_editor_writes_into_a_displaced_file_is_kept() {
    let mut desk = Desk::new(2);
    let mut editor = editor_of_displaced(&mut desk);
    std::io::Write::write_all(&mut editor, b"late words").unwrap();
    check_kept(&mut desk, b"late words");
}

/// Git makes a new file and then writes it, and a busy machine may let others go first.
#[test]
fn what_is_not_written_yet_is_waited_for() {
    let mut desk = Desk::new(2);
    let mut editor = editor_of_displaced(&mut desk);
    editor.set_len(0).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(600) {
        assert_eq!(desk.settle(), Settled::default());
    }
    std::io::Write::write_all(&mut editor, b"late words").unwrap();
    check_kept(&mut desk, b"late words");
}

#[test]
fn a_file_that_its_owner_made_read_only_is_left_alone() {
    let mut desk = Desk::new(2);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    let set = |desk: &Desk, mode| {
        fs::set_permissions(desk.file(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&desk, 0o444);
    let text = desk.text();
    desk.mark(1, StepStatus::Completed);
    let publisher = desk.publisher();
    let settled = publisher.settle(&mut desk.store, None).unwrap();
    assert!(settled.pending[0].reason.ends_with("is read-only"));
    assert_eq!(desk.text(), text);
    set(&desk, 0o644);
    assert_eq!(desk.settle().written.len(), 1);
}

#[test]
fn the_store_wins_over_an_edit_of_what_it_owns() {
    let mut desk = Desk::new(2);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    let text = desk
        .text()
        .replace("in_progress\"", "completed\"")
        .replace("Step 1", "My words");
    fs::write(desk.file(), text).unwrap();
    desk.mark(1, StepStatus::Skipped);
    desk.settle();
    assert_eq!(
        desk.statuses(),
        [Some(StepStatus::InProgress), Some(StepStatus::Skipped)]
    );
    assert!(desk.text().contains("My words"));
}

#[test]
fn a_file_that_cannot_be_read_is_kept_and_written_anew() {
    let mut desk = Desk::new(2);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    for (number, broken) in ["{\"tasks\": [", "", "[]", "\u{0}"].iter().enumerate() {
        fs::write(desk.file(), broken).unwrap();
        desk.mark(1, [StepStatus::InProgress, StepStatus::Pending][number % 2]);
        let settled = desk.settle();
        assert_eq!(settled.pending, [], "{broken:?}");
        assert_eq!(settled.notes.len(), 1, "{broken:?}");
        let mut kept = desk.file().into_os_string();
        kept.push(format!(".corrupt-{}", number + 1));
        assert_eq!(&fs::read_to_string(PathBuf::from(kept)).unwrap(), broken);
        assert_eq!(desk.statuses().len(), 2);
    }
}

#[test]
fn a_newer_file_is_left_alone_and_stays_pending() {
    let mut desk = Desk::new(1);
    desk.mark(0, StepStatus::InProgress);
    fs::create_dir_all(desk.file().parent().unwrap()).unwrap();
    let newer = "{\"version\": 99, \"tasks\": []}";
    fs::write(desk.file(), newer).unwrap();
    let settled = desk.settle();
    assert_eq!(
        settled.pending[0].reason,
        "it has version 99, and this airboss knows versions up to 2"
    );
    assert_eq!(desk.text(), newer);
    fs::remove_file(desk.file()).unwrap();
    assert_eq!(desk.settle().written.len(), 1);
}

#[test]
fn what_stands_in_the_way_is_named_and_nothing_is_lost() {
    let mut desk = Desk::new(1);
    fs::create_dir_all(desk.directory.path().join("docs")).unwrap();
    fs::write(desk.directory.path().join("docs/plan-outputs"), "a file").unwrap();
    desk.mark(0, StepStatus::InProgress);
    let settled = desk.settle();
    assert_eq!(settled.pending.len(), 1);
    fs::remove_file(desk.directory.path().join("docs/plan-outputs")).unwrap();
    assert_eq!(desk.settle().written.len(), 1);
}

/// Reads the file until it holds the person's save; it must come back soon.
fn await_save(file: &Path, saved: u64) -> Value {
    let start = Instant::now();
    loop {
        let text = fs::read_to_string(file).unwrap();
        let root: Value = serde_json::from_str(&text).unwrap();
        if root["saved"].as_u64().unwrap_or(0) == saved {
            return root;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "save {saved} was lost: {text}"
        );
        std::thread::yield_now();
    }
}

/// A person's editor saves all the time, by rename as most editors do, while states change.
/// Every save is an increment of a counter that only the person writes: none may be lost.
#[test]
fn saves_in_the_same_instant_survive() {
    const ROUNDS: u64 = 150;
    let mut desk = Desk::new(4);
    desk.mark(0, StepStatus::InProgress);
    desk.settle();
    let file = desk.file();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let person = scope.spawn(|| {
            for round in 1..=ROUNDS {
                // What an exchange displaced is away for the moment until the next one.
                let mut root = await_save(&file, round - 1);
                root["saved"] = round.into();
                let draft = file.with_file_name("draft");
                fs::write(&draft, format!("{root:#}")).unwrap();
                fs::rename(&draft, &file).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut turn = 0_usize;
        while !done.load(Ordering::Relaxed) && !person.is_finished() {
            let status = [StepStatus::Pending, StepStatus::InProgress][turn / 4 % 2];
            desk.mark(turn % 4, status);
            let settled = desk.settle();
            // Two saves within one exchange: nobody can tell whether the second one knew of
            // the first, so that the first one is kept.
            let kept = |note: &String| note.starts_with("what somebody saved to");
            assert!(settled.notes.iter().all(kept), "{:?}", settled.notes);
            turn += 1;
        }
        person.join().unwrap();
        assert!(turn > 0);
    });
    await_save(&file, ROUNDS);
    for name in desk.shelf("kept") {
        let kept = desk.directory.path().join(".airboss/kept").join(name);
        let kept: Value = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
        assert!(kept["saved"].as_u64().unwrap() < ROUNDS);
    }
}
