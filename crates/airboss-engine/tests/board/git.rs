//! Whatever a person does with git: no task changes by it unless he reverts a commit, and nothing
//! is lost.
//!
//! Every operation of git meets every state that the files can be in. Then a task is changed, the
//! operation is brought to its end, and everything is put right.
//!
//! What cannot be: git itself refuses an operation that would overwrite what is not committed
//! (counted as refused; what Airboss does then is looked at all the same).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use airboss_core::board::{BoardOperation, Status};
use airboss_engine::board::Whole;

use crate::world::{World, clone_beside, operations, set};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Operation {
    CheckoutAncient,
    CheckoutFirst,
    CheckoutBranch,
    SwitchCreate,
    ResetSoft,
    ResetMixed,
    ResetHard,
    Stash,
    StashPop,
    MergeFastForward,
    MergeCommit,
    MergeConflictTodo,
    MergeConflictState,
    Rebase,
    CherryPick,
    Revert,
    Pull,
    CommitByHand,
    CommitAll,
    Add,
    RemoveCached,
    Clean,
    Collect,
    WorktreeAdd,
    IndexLock,
    PackRefs,
    Bisect,
}

use Operation as O;

const OPERATIONS: [Operation; 27] = [
    O::CheckoutAncient,
    O::CheckoutFirst,
    O::CheckoutBranch,
    O::SwitchCreate,
    O::ResetSoft,
    O::ResetMixed,
    O::ResetHard,
    O::Stash,
    O::StashPop,
    O::MergeFastForward,
    O::MergeCommit,
    O::MergeConflictTodo,
    O::MergeConflictState,
    O::Rebase,
    O::CherryPick,
    O::Revert,
    O::Pull,
    O::CommitByHand,
    O::CommitAll,
    O::Add,
    O::RemoveCached,
    O::Clean,
    O::Collect,
    O::WorktreeAdd,
    O::IndexLock,
    O::PackRefs,
    O::Bisect,
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum State {
    Clean,
    Pending,
    TodoEdited,
    JsonEdited,
    Older,
    Damaged,
}

const STATES: [State; 6] = [
    State::Clean,
    State::Pending,
    State::TodoEdited,
    State::JsonEdited,
    State::Older,
    State::Damaged,
];

/// What a person types into each file.
const IN_TODO: &str = "97 hours of todo";
const IN_STATE: &str = "98 hours of state";
const IN_DAMAGE: &str = "99 broken pieces";

impl Operation {
    /// Git wants a clean index or work tree for it, so the person's own work comes after.
    fn wants_clean(self) -> bool {
        matches!(
            self,
            Self::MergeFastForward
                | Self::MergeCommit
                | Self::MergeConflictTodo
                | Self::MergeConflictState
                | Self::Rebase
                | Self::CherryPick
                | Self::Revert
                | Self::Pull
        )
    }

    /// What somebody else's branch has to be merged.
    fn brings(self) -> bool {
        matches!(
            self,
            Self::MergeFastForward
                | Self::MergeCommit
                | Self::MergeConflictTodo
                | Self::MergeConflictState
                | Self::Rebase
                | Self::CherryPick
                | Self::Pull
        )
    }

    /// Commits wait until it is over.
    fn defers(self) -> bool {
        matches!(
            self,
            Self::CheckoutAncient
                | Self::CheckoutFirst
                | Self::MergeConflictTodo
                | Self::MergeConflictState
                | Self::IndexLock
                | Self::Bisect
        )
    }

    /// The person throws his own edits of the board away.
    fn discards(self) -> bool {
        matches!(self, Self::ResetHard)
    }
}

/// What became of a case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fate {
    Done,
    Refused,
}

struct Case {
    world: World,
    operation: Operation,
    state: State,
    wrong: Vec<String>,
}

#[test]
fn every_operation_meets_every_state() {
    let mut cases = Vec::new();
    for operation in OPERATIONS {
        cases.extend(STATES.map(|state| (operation, state)));
    }
    let only = std::env::var("AIRBOSS_TEST_ONLY").unwrap_or_default();
    cases.retain(|case| format!("{case:?}").contains(&only));
    let next = AtomicUsize::new(0);
    let fates: Mutex<BTreeMap<(State, Fate), usize>> = Mutex::default();
    let wrong: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((operation, state)) = cases.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let run = catch_unwind(AssertUnwindSafe(|| Case::run(*operation, *state)));
                    let mut all = wrong.lock().unwrap();
                    match run {
                        Ok((fate, found)) => {
                            *fates.lock().unwrap().entry((*state, fate)).or_default() += 1;
                            let told = |it| format!("{operation:?} x {state:?}: {it}");
                            all.extend(found.into_iter().map(told));
                        }
                        Err(_) => all.push(format!("{operation:?} x {state:?}: panicked")),
                    }
                }
            });
        }
    });
    for ((state, fate), count) in &*fates.lock().unwrap() {
        println!("{state:?}\t{fate:?}\t{count}");
    }
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

impl Case {
    fn run(operation: Operation, state: State) -> (Fate, Vec<String>) {
        let mut case = Self {
            world: World::new(),
            operation,
            state,
            wrong: Vec::new(),
        };
        case.prepare();
        if !operation.wants_clean() {
            case.own_work();
        }
        case.spoil();
        let mut wanted = case.world.statuses();
        let fate = case.operate();
        if operation.wants_clean() {
            case.own_work();
        }
        let own = case.diffs();
        case.world.bench.settle(Whole::No);
        if fate == Fate::Done && operation.brings() {
            wanted.insert(5, "planned".to_owned());
        }
        if fate == Fate::Done && operation == O::Revert {
            // The newest commit began task 3, and whoever reverts it means that.
            wanted.insert(3, "not_started".to_owned());
        }
        case.expect_statuses("after the settling", &wanted);
        let done = case.world.set(6, Status::Researching);
        wanted.insert(6, "researching".to_owned());
        case.expect_statuses("after the change", &wanted);
        let waits = done.commits.iter().any(|commit| commit.result.is_err());
        // A bisect has begun even where its first checkout is refused.
        let began = fate == Fate::Done || operation == O::Bisect;
        let must_wait = began && operation.defers();
        if waits != must_wait {
            case.tell(format!("the commit waits: {waits}, {:?}", done.commits));
        }
        let now = case.diffs();
        if now != own {
            case.tell(format!("a person's diffs changed:\n{own:#?}\n{now:#?}"));
        }
        case.end(fate);
        case.put_right(&wanted);
        (fate, case.wrong)
    }

    fn tell(&mut self, wrong: impl Into<String>) {
        self.wrong.push(wrong.into());
    }

    /// The branches that operations need.
    fn prepare(&self) {
        let world = &self.world;
        let by_hand = |branch: &str, from: &str, also: &[(&str, &str, &str)]| {
            world.git(&["checkout", "-q", "-b", branch, from]);
            let marker = "### 5. Mend part 5\n- **Effort**: 5 hours\n- **Status**: ";
            world.edit(
                "TODO.md",
                &format!("{marker}[NOT STARTED]"),
                &format!("{marker}[PLANNED]"),
            );
            let name = "\"mend_part_5\",\n      \"status\": ";
            world.edit(
                "state.json",
                &format!("{name}\"not_started\""),
                &format!("{name}\"planned\""),
            );
            for (file, from, to) in also {
                world.edit(file, from, to);
            }
            world.git(&["commit", "-qam", "a colleague's work"]);
            world.git(&["checkout", "-q", "main"]);
        };
        let head = "### 3. Mend part 3\n- **Effort**: 3 hours\n- **Status**: ";
        let todo = (format!("{head}[NOT STARTED]"), format!("{head}[BLOCKED]"));
        let name = "\"mend_part_3\",\n      \"status\": ";
        let state = (
            format!("{name}\"not_started\""),
            format!("{name}\"blocked\""),
        );
        match self.operation {
            O::MergeFastForward | O::CherryPick => by_hand("theirs", "main", &[]),
            O::MergeCommit | O::Rebase => by_hand("theirs", "first", &[]),
            O::MergeConflictTodo => {
                by_hand("theirs", "first", &[("TODO.md", &todo.0, &todo.1)]);
            }
            O::MergeConflictState => {
                by_hand("theirs", "first", &[("state.json", &state.0, &state.1)]);
            }
            O::CheckoutBranch => {
                world.git(&["checkout", "-q", "-b", "other", "first"]);
                fs_err::write(world.bench.top().join("other.txt"), "other").unwrap();
                world.git(&["add", "other.txt"]);
                world.git(&["commit", "-qm", "other work"]);
                world.git(&["checkout", "-q", "main"]);
            }
            O::Pull => {
                let (_, mut desk) = clone_beside(world, "other");
                set(&mut desk, 5, Status::Planned).unwrap();
            }
            _ => {}
        }
        // The checkouts touched the files.
        world.bench.settle(Whole::Yes);
        assert_eq!(world.bench.differences(), []);
    }

    /// What has nothing to do with the board.
    fn own_work(&self) {
        let top = self.world.bench.top();
        fs_err::write(top.join("own.txt"), "one\ntwo\nstaged\n").unwrap();
        if self.world.try_git(&["add", "own.txt"]).is_err() {
            assert_eq!(self.operation, O::IndexLock);
        }
        fs_err::write(top.join("mine.txt"), "one\nunstaged\ntwo\n").unwrap();
    }

    fn spoil(&self) {
        let world = &self.world;
        match self.state {
            State::Clean => {}
            State::Pending => {
                // Stored, and then the power of this process was over.
                crate::world::store_only(&mut world.bench.desk(), 7, Status::Researching);
            }
            State::TodoEdited => world.edit("TODO.md", "7 hours", IN_TODO),
            State::JsonEdited => world.edit("state.json", "7 hours", IN_STATE),
            State::Older => {
                let text = world.git(&["show", "first:specs/TODO.md"]);
                world.write("TODO.md", &text);
            }
            State::Damaged => {
                let text = world.read("state.json");
                let cut = &text[..text.len() / 2];
                world.write("state.json", &format!("{cut}{IN_DAMAGE}"));
            }
        }
    }

    fn operate(&self) -> Fate {
        let world = &self.world;
        let git = |arguments: &[&str]| world.try_git(arguments);
        let is_there = |name: &str| world.bench.top().join(".git").join(name).exists();
        let done = match self.operation {
            O::CheckoutAncient => git(&["checkout", "-q", "ancient"]).is_ok(),
            O::CheckoutFirst => git(&["checkout", "-q", "first"]).is_ok(),
            O::CheckoutBranch => git(&["checkout", "-q", "other"]).is_ok(),
            O::SwitchCreate => git(&["switch", "-q", "-c", "fresh"]).is_ok(),
            O::ResetSoft => git(&["reset", "-q", "--soft", "HEAD~1"]).is_ok(),
            O::ResetMixed => git(&["reset", "-q", "--mixed", "HEAD~1"]).is_ok(),
            O::ResetHard => git(&["reset", "-q", "--hard", "HEAD~2"]).is_ok(),
            O::Stash => git(&["stash", "push", "-q"]).is_ok(),
            O::StashPop => {
                world.git(&["stash", "push", "-q"]);
                world.set(8, Status::NotStarted);
                git(&["stash", "pop", "-q", "--index"]).is_ok()
            }
            O::MergeFastForward => git(&["merge", "-q", "--ff-only", "theirs"]).is_ok(),
            O::MergeCommit => git(&["merge", "-q", "--no-ff", "--no-edit", "theirs"]).is_ok(),
            O::MergeConflictTodo | O::MergeConflictState => {
                let merged = git(&["merge", "-q", "--no-edit", "theirs"]);
                assert!(merged.is_err());
                is_there("MERGE_HEAD")
            }
            O::Rebase => git(&["rebase", "-q", "theirs"]).is_ok(),
            O::CherryPick => git(&["cherry-pick", "theirs"]).is_ok(),
            O::Revert => git(&["revert", "--no-edit", "HEAD"]).is_ok(),
            O::Pull => {
                let place = world.bench.top().parent().unwrap().join("other");
                git(&[
                    "pull",
                    "-q",
                    "--no-rebase",
                    "--no-edit",
                    place.to_str().unwrap(),
                    "main",
                ])
                .is_ok()
            }
            O::CommitByHand => {
                world.edit("TODO.md", "4 hours", "40 hours");
                git(&["commit", "-qm", "by hand", "--", "specs"]).is_ok()
            }
            O::CommitAll => {
                world.edit("TODO.md", "4 hours", "40 hours");
                git(&["commit", "-qam", "by hand"]).is_ok()
            }
            O::Add => {
                world.edit("TODO.md", "4 hours", "40 hours");
                git(&["add", "specs/TODO.md"]).is_ok()
            }
            O::RemoveCached => git(&["rm", "-q", "--cached", "specs/TODO.md"]).is_ok(),
            O::Clean => git(&["clean", "-q", "-xfd"]).is_ok(),
            O::Collect => git(&["gc", "-q", "--prune=now"]).is_ok(),
            O::WorktreeAdd => git(&["worktree", "add", "-q", "../linked"]).is_ok(),
            O::IndexLock => {
                fs_err::write(world.bench.top().join(".git/index.lock"), "").unwrap();
                true
            }
            O::PackRefs => git(&["pack-refs", "--all"]).is_ok(),
            O::Bisect => {
                git(&["bisect", "start"]).unwrap();
                let bad = git(&["bisect", "bad", "HEAD"]);
                bad.and(git(&["bisect", "good", "ancient"])).is_ok()
            }
        };
        if done { Fate::Done } else { Fate::Refused }
    }

    /// What the person has staged and changed, line for line.
    fn diffs(&self) -> [Vec<String>; 3] {
        let lines = |arguments: &[&str]| -> Vec<String> {
            let text = self.world.git(arguments);
            let is_line = |line: &&str| {
                line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
            };
            text.lines().filter(is_line).map(str::to_owned).collect()
        };
        let staged: &[&str] = match self.operation {
            // What stands in the index as deleted is deleted, whatever it was.
            O::RemoveCached => &["diff", "--cached", "--", ":!specs"],
            _ => &["diff", "--cached"],
        };
        let names = self.world.git(&["diff", "--cached", "--name-status"]);
        [
            lines(staged),
            names.lines().map(str::to_owned).collect(),
            lines(&["diff", "--", ":!specs"]),
        ]
    }

    fn expect_statuses(&mut self, when: &str, wanted: &BTreeMap<u32, String>) {
        let now = self.world.statuses();
        for (number, status) in wanted {
            if now.get(number) != Some(status) {
                self.tell(format!(
                    "{when}: task {number} is {:?}, not {status}",
                    now.get(number)
                ));
            }
        }
        if now.len() != wanted.len() {
            self.tell(format!("{when}: there are {} tasks", now.len()));
        }
    }

    /// The person brings the operation to its end and is on a branch again.
    fn end(&mut self, fate: Fate) {
        let world = &self.world;
        let lists = ["specs/TODO.md", "specs/state.json"];
        match self.operation {
            O::CheckoutAncient | O::CheckoutFirst | O::CheckoutBranch if fate == Fate::Done => {
                world.git(&["checkout", "-q", "HEAD", "--", lists[0], lists[1]]);
                world.git(&["checkout", "-q", "main"]);
            }
            O::Bisect => {
                world
                    .try_git(&["checkout", "-q", "HEAD", "--", lists[0], lists[1]])
                    .ok();
                world.git(&["bisect", "reset"]);
            }
            O::MergeConflictTodo | O::MergeConflictState if fate == Fate::Done => {
                let text = world.read("TODO.md");
                let state = world.read("state.json");
                if text.contains("<<<<<<<") || state.contains("<<<<<<<") {
                    self.wrong.push("the conflict markers stand".to_owned());
                }
                world.git(&["add", lists[0], lists[1]]);
                world.git(&["commit", "-q", "--no-edit"]);
            }
            O::IndexLock => {
                fs_err::remove_file(world.bench.top().join(".git/index.lock")).unwrap();
            }
            _ => {}
        }
    }

    /// Everything is made equal, and nothing is lost by then.
    fn put_right(&mut self, wanted: &BTreeMap<u32, String>) {
        self.world.bench.settle(Whole::Yes);
        let mut desk = self.world.bench.desk();
        set(&mut desk, 6, Status::Researching).unwrap();
        let board = desk.view().unwrap();
        drop(desk);
        self.expect_statuses("at the end", wanted);
        for difference in self.world.bench.differences() {
            let (path, message) = (difference.path, difference.message);
            self.tell(format!(
                "{path}: {message} ({} conflicts)",
                board.conflicts.len()
            ));
        }
        let subject = "task 6: mark researching";
        let made = self.world.git(&["log", "--branches", "--format=%s"]);
        let made = made.lines().filter(|line| *line == subject).count();
        // The person's own commit of the merged files has the change, and then there is none.
        let merged = matches!(self.operation, O::MergeConflictTodo | O::MergeConflictState);
        if made != 1 && !(merged && made == 0 && self.head_says("### 6.", "[RESEARCHING]")) {
            self.tell(format!("the commit was made {made} times"));
        }
        let again = self.world.bench.settle(Whole::Yes);
        if !again.written.is_empty() {
            self.tell(format!("a second settling wrote {:?}", again.written));
        }
        self.expect_tokens();
        let git = self.world.bench.top().join(".git");
        for lock in ["index.lock", "refs/heads/main.lock", "HEAD.lock"] {
            if git.join(lock).exists() {
                self.tell(format!("{lock} is left"));
            }
        }
    }

    /// Whether the section of TODO.md that begins so holds a text, in HEAD.
    fn head_says(&self, beginning: &str, text: &str) -> bool {
        let todo = self.world.git(&["show", "HEAD:specs/TODO.md"]);
        let section = todo.split("\n---\n").find(|it| it.contains(beginning));
        section.is_some_and(|section| section.contains(text))
    }

    fn expect_tokens(&mut self) {
        let token = match self.state {
            State::TodoEdited => IN_TODO,
            State::JsonEdited => IN_STATE,
            State::Damaged => IN_DAMAGE,
            _ => return,
        };
        if !self.operation.discards() && !self.world.everything().contains(token) {
            self.tell(format!("`{token}` is lost"));
        }
        if self.state == State::Damaged && !self.operation.discards() {
            let desk = self.world.bench.desk();
            let quarantined =
                |it: &BoardOperation| matches!(it, BoardOperation::Quarantined { .. });
            let stashed = matches!(self.operation, O::Stash);
            if !stashed && !operations(&desk).iter().any(quarantined) {
                self.tell("nothing was set aside");
            }
        }
    }
}
