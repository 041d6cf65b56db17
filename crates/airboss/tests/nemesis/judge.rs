//! Holds what everybody did and saw against the log. Pure: evidence in, violations out.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::{Board, BoardOperation, Cause, TaskChange};
use airboss_core::id::{OperationId, TaskId};
use airboss_core::operation::{Operation, StoredOperation};
use airboss_testkit::linear::{Call, Kind, Span, out_of_order, refute};

use crate::commits::CommitSeen;
use crate::evidence::{Answer, Deed, Entry, Evidence, Listing, Said, Verb};
use crate::world::EFFORT;

/// So many violations of one kind tell enough.
const TOLD_MAX: usize = 8;

pub(crate) fn violations(evidence: &Evidence) -> Vec<String> {
    let history = History::of(&evidence.log);
    let checks: [(&str, Vec<String>); 10] = [
        ("answers", answers(evidence)),
        ("exactly once", exactly_once(evidence)),
        ("made up", made_up(evidence)),
        ("order", order(evidence)),
        ("linearizable", linearizable(evidence)),
        ("snapshots", snapshots(evidence, &history)),
        ("files", files(evidence, &history)),
        ("saves", saves(evidence)),
        ("commits", commits(evidence)),
        ("rest", rest(evidence)),
    ];
    let mut all = Vec::new();
    for (name, violations) in checks {
        let more = violations.len().saturating_sub(TOLD_MAX);
        let told = violations.into_iter().take(TOLD_MAX);
        all.extend(told.map(|violation| format!("{name}: {violation}")));
        if more > 0 {
            all.push(format!("{name}: and {more} more"));
        }
    }
    all
}

fn board_operation(stored: &StoredOperation) -> Option<&BoardOperation> {
    match &stored.operation {
        Operation::Board { operation } => Some(operation),
        _ => None,
    }
}

/// The board after every operation.
struct History {
    boards: BTreeMap<u64, Board>,
    places: BTreeMap<OperationId, u64>,
}

impl History {
    fn of(log: &[StoredOperation]) -> Self {
        let mut board = Board::default();
        let mut history = Self {
            boards: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        for stored in log {
            if let Some(operation) = board_operation(stored) {
                board.apply(stored.sequence, stored.id, operation);
                history.places.insert(stored.id, stored.sequence);
                history.boards.insert(stored.sequence, bare(&board));
            }
        }
        history
    }

    /// The board after the newest operation up to here.
    fn at(&self, sequence: u64) -> Option<&Board> {
        let before = self.boards.range(..=sequence).next_back();
        before.map(|(_, board)| board)
    }
}

/// A board without what differs between equal ones: commits have places in the log, too, and
/// what failed is told by another file as well.
fn bare(board: &Board) -> Board {
    Board {
        errors: Vec::new(),
        sequence: 0,
        ..board.clone()
    }
}

/// Every command ends in a way that its table of exit codes allows here.
fn answers(evidence: &Evidence) -> Vec<String> {
    let odd = |deed: &&Deed| !matches!(deed.code, 0 | 4 | 5 | 10 | 11);
    let odd = evidence.deeds.iter().filter(odd);
    let told = |deed: &Deed| format!("{:?} ended with {}: {}", deed.words, deed.code, deed.stderr);
    odd.map(told).collect()
}

/// The places in the log where a deed's token was stored by a command.
fn places(log: &[StoredOperation]) -> BTreeMap<&str, Vec<(u64, Option<TaskId>)>> {
    let mut places: BTreeMap<&str, Vec<(u64, Option<TaskId>)>> = BTreeMap::new();
    for stored in log {
        let Some(operation) = board_operation(stored) else {
            continue;
        };
        let mut found: Vec<&str> = Vec::new();
        match operation {
            BoardOperation::TaskAdded { task, .. } => found.push(&task.title),
            BoardOperation::TaskChanged { changes, cause, .. } if is_command(cause) => {
                found.extend(changes.iter().filter_map(|change| match change {
                    TaskChange::Effort(text)
                    | TaskChange::Description(text)
                    | TaskChange::BlockedReason(text) => text.as_deref(),
                    _ => None,
                }));
            }
            _ => {}
        }
        for token in found {
            let place = (stored.sequence, operation.task());
            places.entry(token).or_default().push(place);
        }
    }
    places
}

fn is_command(cause: &Cause) -> bool {
    matches!(cause, Cause::Command { .. })
}

/// What was acknowledged is there once, and what was refused is not.
fn exactly_once(evidence: &Evidence) -> Vec<String> {
    let places = places(&evidence.log);
    let mut wrong = Vec::new();
    let mut told: BTreeMap<u32, usize> = BTreeMap::new();
    let mut undone: BTreeMap<&str, usize> = BTreeMap::new();
    for deed in &evidence.deeds {
        let wanted = usize::from(deed.is_acknowledged());
        if let Some(token) = &deed.token {
            let count = places.get(token.as_str()).map_or(0, Vec::len);
            if count != wanted {
                let Deed {
                    words, code, kills, ..
                } = deed;
                let stderr = deed.stderr.trim();
                wrong.push(format!(
                    "{words:?} ended with {code} after {kills} kills and is there {count} times: \
                     {stderr}"
                ));
            }
        }
        if deed.is_acknowledged() && deed.changed {
            match (deed.verb, deed.task) {
                (Verb::Add, _) | (_, None) => {}
                (Verb::Undo, _) => *undone.entry(&deed.words[1]).or_default() += 1,
                (_, Some(task)) => *told.entry(task).or_default() += 1,
            }
        }
    }
    let mut stored: BTreeMap<u32, usize> = BTreeMap::new();
    let mut back: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbers: BTreeMap<TaskId, u32> = BTreeMap::new();
    for operation in evidence.log.iter().filter_map(board_operation) {
        match operation {
            BoardOperation::TaskAdopted { task } | BoardOperation::TaskAdded { task, .. } => {
                numbers.insert(task.id, task.number);
            }
            BoardOperation::TaskChanged {
                task,
                cause,
                changes,
                ..
            } => {
                let is_last = changes.contains(&TaskChange::Language(Some("at rest".to_owned())));
                if is_command(cause) && !is_last {
                    let number = numbers.get(task).copied().unwrap_or(0);
                    *stored.entry(number).or_default() += 1;
                }
                if let Cause::Undo { operation } = cause {
                    *back.entry(operation.to_string()).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    for task in told.keys().chain(stored.keys()).collect::<BTreeSet<_>>() {
        let (told, stored) = (told.get(task), stored.get(task));
        if told != stored {
            wrong.push(format!(
                "task {task}: {told:?} changes were acknowledged, {stored:?} are stored"
            ));
        }
    }
    let undone: BTreeMap<String, usize> = undone
        .into_iter()
        .map(|(id, count)| (id.to_owned(), count))
        .collect();
    if undone != back {
        wrong.push(format!("{undone:?} was told as undone, {back:?} is"));
    }
    wrong
}

/// Nothing was taken in that nobody typed: the person and the colleague change statuses in
/// TODO.md, the colleague in state.json as well. An effort, a description or a phase that came
/// from a file came from an older version, which git brought back.
fn made_up(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    for stored in &evidence.log {
        let Some(BoardOperation::TaskChanged { changes, cause, .. }) = board_operation(stored)
        else {
            continue;
        };
        let (Cause::HandEdit { path } | Cause::Foreign { path, .. }) = cause else {
            continue;
        };
        let is_older = |change: &&TaskChange| {
            matches!(
                change,
                TaskChange::Effort(_) | TaskChange::Description(_) | TaskChange::Phase(..)
            )
        };
        wrong.extend(changes.iter().filter(is_older).map(|change| {
            let sequence = stored.sequence;
            format!("operation {sequence} took {change:?} from {path}, where nobody wrote it")
        }));
    }
    wrong
}

/// What was over before something else began stands before it, and was seen by it.
fn order(evidence: &Evidence) -> Vec<String> {
    let places = places(&evidence.log);
    let mut events: Vec<(Span, u64)> = Vec::new();
    for deed in evidence.deeds.iter().filter(|deed| deed.is_acknowledged()) {
        let place = deed
            .token
            .as_ref()
            .and_then(|it| places.get(it.as_str())?.first());
        events.extend(place.map(|(sequence, _)| (deed.span, sequence * 2)));
    }
    for Answer { span, said } in &evidence.answers {
        if let Said::Board(board, _) = said {
            // Behind the operation that it shows.
            events.push((*span, board.sequence * 2 + 1));
        }
    }
    let wrong = out_of_order(&events).into_iter();
    wrong
        .map(|(earlier, later)| format!("{earlier:?} was over before {later:?} began"))
        .collect()
}

/// Of each task: what commands wrote and what readers saw of its effort has one order.
fn linearizable(evidence: &Evidence) -> Vec<String> {
    let mut calls: BTreeMap<u32, Vec<Call<String>>> = BTreeMap::new();
    for deed in &evidence.deeds {
        if let (Verb::Effort, Some(task), Some(token), true) =
            (deed.verb, deed.task, &deed.token, deed.is_acknowledged())
        {
            calls.entry(task).or_default().push(Call {
                span: deed.span,
                kind: Kind::Write,
                value: token.clone(),
            });
        }
    }
    for Answer { span, said } in &evidence.answers {
        let Said::Board(board, _) = said else {
            continue;
        };
        for task in board.active() {
            if let (Some(calls), Some(effort)) = (calls.get_mut(&task.number), &task.effort) {
                calls.push(Call {
                    span: *span,
                    kind: Kind::Read,
                    value: effort.clone(),
                });
            }
        }
    }
    let refuted = calls.iter().filter_map(|(task, calls)| {
        let why = refute(&EFFORT.to_owned(), calls)?;
        Some(format!("task {task}: {why}"))
    });
    refuted.collect()
}

/// What was printed is the board after some operation, and nothing between two.
fn snapshots(evidence: &Evidence, history: &History) -> Vec<String> {
    let listings: BTreeSet<Listing> = history.boards.values().map(listing).collect();
    let last = history.boards.values().next_back();
    let mut wrong = Vec::new();
    let at_rest = [&evidence.rest.board, &evidence.rest.list];
    let answers = evidence.answers.iter().map(|answer| &answer.said);
    for said in answers.chain(at_rest) {
        match said {
            Said::Board(board, operations) => {
                let sequence = board.sequence;
                if history.at(sequence) != Some(&bare(board)) {
                    wrong.push(format!(
                        "a board after {sequence} operations that never was"
                    ));
                }
                let before = evidence.log.iter();
                let before = before.filter(|stored| stored.sequence <= sequence).count() as u64;
                if before != *operations {
                    wrong.push(format!("{operations} operations instead of {before}"));
                }
            }
            Said::List(list) if !listings.contains(list) => {
                wrong.push(format!("a list that never was: {list:?}"));
            }
            Said::List(_) => {}
        }
    }
    let list = last.map(listing);
    if !matches!(&evidence.rest.list, Said::List(told) if Some(told) == list.as_ref()) {
        wrong.push("the last list is not that of the log".to_owned());
    }
    wrong
}

fn listing(board: &Board) -> Listing {
    let tasks = board.active();
    let mut rows: Listing = tasks
        .map(|task| (task.number, task.status.to_string(), task.title.clone()))
        .collect();
    rows.sort();
    rows
}

/// Every file was whole, and no TODO.md was older than the state.json that was read before it.
fn files(evidence: &Evidence, history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut versions: BTreeMap<u32, BTreeMap<u64, Entry>> = BTreeMap::new();
    for (sequence, board) in &history.boards {
        for task in board.active() {
            let entry = Entry {
                operation: task.operation,
                status: Some(task.status.clone()),
                effort: task.effort.clone(),
            };
            let versions = versions.entry(task.number).or_default();
            if versions.values().next_back() != Some(&entry) {
                versions.insert(*sequence, entry);
            }
        }
    }
    for glance in &evidence.glances {
        if glance.is_undisturbed {
            wrong.extend(glance.torn.iter().cloned());
        }
        if !glance.is_calm {
            continue;
        }
        for (number, shown) in &glance.state {
            let none = BTreeMap::new();
            let versions = versions.get(number).unwrap_or(&none);
            let named = versions
                .iter()
                .find(|(_, it)| it.operation == shown.operation);
            let Some((sequence, _)) = named else {
                wrong.push(format!(
                    "state.json: task {number} names no operation: {shown:?}"
                ));
                continue;
            };
            let is_later = |entry: &Entry| {
                let mut later = versions.range(sequence..);
                later.any(|(_, it)| it.status == entry.status && it.effort == entry.effort)
            };
            // What git merged names the operation of one side.
            if !is_later(shown) {
                wrong.push(format!("state.json: task {number} never was {shown:?}"));
            }
            let todo = glance.todo.get(number);
            if !todo.is_some_and(is_later) {
                let at = glance.at;
                wrong.push(format!(
                    "TODO.md at {at}: task {number} is {todo:?}, which is older than {shown:?}"
                ));
            }
        }
    }
    wrong
}

/// What a person saved is somewhere, unless the person took it out.
fn saves(evidence: &Evidence) -> Vec<String> {
    let removed: BTreeSet<&String> = evidence.saves.iter().flat_map(|it| &it.removed).collect();
    let lost = evidence
        .saves
        .iter()
        .filter(|save| !evidence.tokens.contains(&save.token) && !removed.contains(&save.token));
    lost.map(|save| format!("{} was saved {} and is gone", save.token, save.how))
        .collect()
}

/// Each commit holds the change of one task, and each change has one commit.
fn commits(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut made: BTreeMap<u64, usize> = BTreeMap::new();
    let mut numbers: BTreeMap<TaskId, u32> = BTreeMap::new();
    for stored in &evidence.log {
        if let Operation::CommitMade { sequence, .. } = stored.operation {
            *made.entry(sequence).or_default() += 1;
        }
    }
    for operation in evidence.log.iter().filter_map(board_operation) {
        if let BoardOperation::TaskAdopted { task } | BoardOperation::TaskAdded { task, .. } =
            operation
        {
            numbers.insert(task.id, task.number);
        }
    }
    let own = |commit: &&CommitSeen| !commit.trailer.is_empty();
    for commit in evidence.commits.iter().filter(own) {
        let id = &commit.id;
        let mut stored = evidence.log.iter();
        let stored = stored.find(|stored| stored.sequence == commit.sequence);
        let operation = stored.and_then(board_operation);
        let own = operation.and_then(|it| numbers.get(&it.task()?)).copied();
        if stored.is_none_or(|stored| stored.id.to_string() != commit.trailer) {
            wrong.push(format!(
                "{id} names {:?}, not its operation",
                commit.trailer
            ));
        }
        if commit.on_main > 1 {
            wrong.push(format!("{id}: {} was committed again", commit.trailer));
        }
        if commit.on_main == 0 {
            wrong.push(format!("{id} of {:?} is not on the branch", commit.trailer));
        }
        if commit.tasks.iter().any(|task| Some(*task) != own) {
            let tasks = &commit.tasks;
            wrong.push(format!("{id} is of task {own:?} and changes {tasks:?}"));
        }
        let lists = ["specs/TODO.md", "specs/state.json"];
        let directory = own
            .map(|own| format!("specs/{own:03}_"))
            .unwrap_or_default();
        let is_own =
            |path: &&String| !lists.contains(&path.as_str()) && !path.starts_with(&directory);
        wrong.extend(
            commit
                .paths
                .iter()
                .filter(is_own)
                .map(|path| format!("{id} has {path}")),
        );
        wrong.extend(commit.outside.iter().map(|what| format!("{id}: {what}")));
    }
    let twice = made.iter().filter(|(_, count)| **count > 1);
    wrong.extend(twice.map(|(sequence, count)| format!("{sequence} was committed {count} times")));
    // Every change of a command has a commit by now.
    for stored in &evidence.log {
        let asked = match board_operation(stored) {
            Some(BoardOperation::TaskChanged { cause, .. }) => {
                is_command(cause) || matches!(cause, Cause::Undo { .. })
            }
            Some(BoardOperation::TaskAdded { cause, .. }) => is_command(cause),
            _ => false,
        };
        if asked && !made.contains_key(&stored.sequence) {
            wrong.push(format!("operation {} has no commit", stored.sequence));
        }
    }
    wrong
}

/// After two commands nothing waits, nothing is left over, and everything agrees.
fn rest(evidence: &Evidence) -> Vec<String> {
    let rest = &evidence.rest;
    let mut wrong = Vec::new();
    for (words, code, stderr) in &rest.settled {
        if *code != 0 {
            wrong.push(format!("`airboss {words}` ended with {code}: {stderr}"));
        }
    }
    wrong.extend(rest.waiting.iter().cloned());
    if rest.verify.0 != 0 {
        wrong.push(rest.verify.1.clone());
    }
    wrong.extend(rest.left.iter().map(|path| format!("{path} is left")));
    wrong.extend(rest.processes.iter().map(|it| format!("{it} still runs")));
    if !rest.fsck.is_empty() {
        wrong.push(rest.fsck.clone());
    }
    let written = rest.written_by_reading.iter();
    wrong.extend(written.map(|path| format!("reading commands wrote {path}")));
    wrong
}
