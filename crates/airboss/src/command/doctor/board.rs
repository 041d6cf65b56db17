//! The checks of a board: its files, its numbers, and what waits for a person.

use std::collections::BTreeMap;

use airboss_core::board::error::{FixStatus, Severity};
use airboss_core::board::number::StoredNext;
use airboss_core::board::review::stale_since;
use airboss_core::board::todo::{ProblemKind, TodoFile};
use airboss_core::board::{Board, drift};
use airboss_core::step::STUCK_AFTER;
use airboss_engine::board::{
    BoardError, Desk, Done, LookAround, Places, ReadList, find, next_number, read_list,
    task_directories, used_by_directories, without_status,
};
use airboss_engine::clock;
use airboss_engine::projection::Publisher;
use airboss_engine::store::{SqliteStore, Store as _};
use airboss_engine::workspace::Workspace;

use super::{Check, board_disk};
use crate::board::note_outcome;
use crate::context::Context;
use crate::error::CliError;
use crate::words;

/// So many things are named; of more, how many there are is what matters.
const NAMED_MAX: usize = 10;

/// Everything that is looked at.
pub(super) struct Look<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) places: &'a Places,
    pub(super) store: &'a SqliteStore,
    pub(super) board: &'a Board,
    todo: Option<ReadList>,
    state: Option<ReadList>,
}

/// The board that is looked at; `None` when there is none.
fn place(context: &Context, workspace: &Workspace) -> Result<Option<Places>, CliError> {
    let explicit = crate::board::explicit_root(context, workspace)?;
    let found = find(workspace, &context.directory, explicit.as_deref())?;
    let places = found.map(|found| Places::new(&workspace.top, &found.board));
    Ok(places.transpose().map_err(BoardError::from)?)
}

/// Looks at the board; no check at all where there is none. Changes nothing.
pub(super) fn all(context: &Context, workspace: &Workspace) -> Vec<Check> {
    let looked = || -> Result<Vec<Check>, CliError> {
        let Some(places) = place(context, workspace)? else {
            return Ok(Vec::new());
        };
        // A store that cannot be read is a check of its own.
        let Some(store) = workspace.open_reader().ok().flatten() else {
            return Ok(vec![not_adopted(&places)]);
        };
        let Some(board) = store.board(&places.board)? else {
            return Ok(vec![not_adopted(&places)]);
        };
        checks(workspace, &places, &store, &board)
    };
    looked().unwrap_or_else(|error| {
        let remedy = "the message names what is in the way";
        vec![Check::problem("board", error.to_string(), remedy)]
    })
}

fn not_adopted(places: &Places) -> Check {
    let evidence = format!("{} is not adopted", places.board);
    let remedy = "`airboss init` shows what is there and adopts it; `airboss rebuild` does after \
                  a loss of the store";
    Check::warning("board", evidence, remedy)
}

fn checks(
    workspace: &Workspace,
    places: &Places,
    store: &SqliteStore,
    board: &Board,
) -> Result<Vec<Check>, CliError> {
    let count = words::count(board.active().count(), "task");
    let mut checks = vec![Check::good("board", format!("{}: {count}", places.board))];
    let [todo, state] = places.lists();
    let mut read = |item| match read_list(workspace, item) {
        Ok(Some(read)) => Ok(Some(read)),
        Ok(None) => {
            checks.push(missing(item.path.as_str()));
            Ok(None)
        }
        Err(BoardError::Damaged(damaged)) => {
            checks.push(Check::problem(
                "board files",
                damaged.to_string(),
                "`airboss doctor --fix` keeps the text and makes the file anew where a sound \
                 version of it is known; else correct the line",
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    };
    let look = Look {
        todo: read(&todo)?,
        state: read(&state)?,
        workspace,
        places,
        store,
        board,
    };
    checks.extend(look.front_matter());
    checks.extend(look.status_lines());
    checks.extend(look.duplicates());
    checks.extend(look.next_number()?);
    checks.extend(look.stuck()?);
    checks.extend(board_disk::checks(&look)?);
    checks.extend(look.kept()?);
    checks.extend(look.conflicts());
    checks.extend(look.errors());
    Ok(checks)
}

fn missing(path: &str) -> Check {
    let evidence = format!("{path} is missing");
    let remedy = "`airboss doctor --fix` writes it from what is stored";
    Check::problem("board files", evidence, remedy)
}

/// `a, b and 3 more`.
pub(super) fn named(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMED_MAX)].join("; ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

impl Look<'_> {
    /// What is odd about the front matter, with its line.
    fn front_matter(&self) -> Option<Check> {
        let read = self.todo.as_ref()?;
        let kinds = [
            ProblemKind::FrontLine,
            ProblemKind::UnclosedFront,
            ProblemKind::BeforeFront,
            ProblemKind::IndentedNumber,
        ];
        let problems = TodoFile::parse(&read.bytes).problems.into_iter();
        let odd: Vec<_> = problems
            .filter(|problem| kinds.contains(&problem.kind))
            .map(|problem| format!("line {}: {}", problem.line, problem.message))
            .collect();
        let remedy = "correct the lines: airboss reads past them and leaves them as they are";
        let evidence = format!("{}: {}", self.places.todo, named(&odd));
        (!odd.is_empty()).then(|| Check::warning("front matter", evidence, remedy))
    }

    fn status_lines(&self) -> Option<Check> {
        let read = self.todo.as_ref()?;
        let lines = without_status(&read.bytes);
        let entries = read.parsed.facts.iter();
        let without: Vec<_> = entries
            .filter(|facts| lines.contains(&facts.line))
            .map(|facts| format!("task {} (line {})", facts.number, facts.line))
            .collect();
        let remedy = "`airboss doctor --fix` inserts them; until then their status is not written";
        let evidence = format!(
            "no status line in {}: {}",
            self.places.todo,
            named(&without)
        );
        (!without.is_empty()).then(|| Check::warning("status lines", evidence, remedy))
    }

    fn duplicates(&self) -> Option<Check> {
        let facts = |read: &Option<ReadList>| {
            let facts = read.as_ref().map(|read| read.parsed.facts.clone());
            facts.unwrap_or_default()
        };
        let in_files = drift::duplicates(&facts(&self.todo), &facts(&self.state));
        let mut told: Vec<_> = in_files
            .iter()
            .map(|one| {
                let lines: Vec<_> = one.lines.iter().map(ToString::to_string).collect();
                let lines = lines.join(", ");
                format!("task {} in {} (lines {lines})", one.number, one.side)
            })
            .collect();
        let mut stored: BTreeMap<u32, usize> = BTreeMap::new();
        for task in self.board.active() {
            *stored.entry(task.number).or_default() += 1;
        }
        let twice = stored.iter().filter(|(_, tasks)| **tasks > 1);
        told.extend(twice.map(|(number, _)| format!("task {number} in the store")));
        let evidence = format!("numbers that stand more than once: {}", named(&told));
        let remedy = "`airboss doctor --fix` gives the later one a new number; what waits for the \
                      number waits for the earlier one";
        (!told.is_empty()).then(|| Check::problem("numbers", evidence, remedy))
    }

    fn next_number(&self) -> Result<Option<Check>, CliError> {
        let next = |read: &Option<ReadList>| read.as_ref()?.parsed.next_number;
        let stored = StoredNext {
            state: next(&self.state).or(self.board.next_number),
            todo: next(&self.todo),
        };
        let directories = used_by_directories(&task_directories(&self.places.root())?);
        let numbering = self.state.as_ref().and_then(|read| read.parsed.numbering);
        let last = numbering.filter(|range| range.wraps).map(|range| range.max);
        let Some(better) = next_number(self.board, &directories, stored, numbering) else {
            return Ok(None);
        };
        let evidence = match (stored.state, stored.todo) {
            (Some(state), Some(todo)) if state != todo => {
                format!("the next number is {state} in state.json and {todo} in TODO.md")
            }
            (next, other) => {
                let next = next.or(other).unwrap_or_default();
                match last.filter(|last| next > *last) {
                    Some(last) => format!("the next number is {next}, and the last one {last}"),
                    None => format!("the next number is {next}, which is taken"),
                }
            }
        };
        let remedy = format!("`airboss doctor --fix` makes it {better} in both files");
        Ok(Some(Check::warning("next number", evidence, remedy)))
    }

    /// Tasks that are said to be worked on, and by nobody.
    fn stuck(&self) -> Result<Option<Check>, CliError> {
        let around = LookAround::new(self.workspace, self.places, self.store)?;
        let ceiling = crate::board::board_settings(self.workspace).map(|it| it.stale_after);
        // Settings that cannot be read are a check of their own.
        let ceiling = ceiling.unwrap_or(STUCK_AFTER);
        let now = clock::now();
        let tasks = self.board.active();
        let stuck = tasks.filter_map(|task| {
            let since = stale_since(task, around.is_flown(task), now, ceiling)?;
            let (number, status) = (task.number, &task.status);
            let since = since.map_or_else(|| "not known".to_owned(), |at| at.seconds_text());
            Some(format!("task {number} is {status} since {since}"))
        });
        let stuck: Vec<String> = stuck.collect();
        let evidence = format!("no run works on them: {}", named(&stuck));
        let remedy = "`airboss task status N STATUS` says where they are; --fix leaves them, for \
                      somebody may work by hand";
        Ok((!stuck.is_empty()).then(|| Check::warning("in flight", evidence, remedy)))
    }

    /// What somebody saved while a file was written.
    fn kept(&self) -> Result<Option<Check>, CliError> {
        let left = Publisher::new(self.workspace).leftovers(self.store)?;
        let mut paths: Vec<_> = left.iter().map(|one| one.path.clone()).collect();
        if let Ok(entries) = fs_err::read_dir(self.workspace.state.join("kept")) {
            paths.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        }
        paths.sort();
        let shown: Vec<_> = paths.iter().map(|it| it.display().to_string()).collect();
        let evidence = format!("saved by somebody, and in no file: {}", named(&shown));
        let remedy = "compare them with the files and remove them; --fix never does";
        Ok((!shown.is_empty()).then(|| Check::warning("saves", evidence, remedy)))
    }

    fn conflicts(&self) -> Option<Check> {
        let open = self.board.conflicts.iter();
        let open: Vec<_> = open
            .map(|conflict| {
                let task = self.board.tasks.get(&conflict.task);
                let number = task.map_or(0, |task| task.number);
                format!("{} of task {number}", conflict.id.short())
            })
            .collect();
        let remedy = "`airboss conflicts` shows both sides, and settles them";
        (!open.is_empty()).then(|| Check::warning("conflicts", named(&open), remedy))
    }

    fn errors(&self) -> Option<Check> {
        let open: Vec<_> = self
            .board
            .errors
            .iter()
            .filter(|it| it.severity == Severity::Critical && it.fix_status != FixStatus::Fixed)
            .map(|entry| format!("{}: {}", entry.id, entry.message))
            .collect();
        let remedy =
            "`airboss errors show ID`; the next command marks those as fixed that are over";
        (!open.is_empty()).then(|| Check::problem("errors", named(&open), remedy))
    }
}

/// Mends the board; answers what it did, in words.
pub(super) fn fix(context: &Context, workspace: &Workspace) -> Result<Vec<String>, CliError> {
    let Some(places) = place(context, workspace)? else {
        return Ok(Vec::new());
    };
    let known = workspace.open_reader()?;
    let head = known.map_or(Ok(None), |store| store.board_head(&places.board))?;
    if head.is_none() {
        return Ok(Vec::new());
    }
    let mut desk = Desk::open(workspace.clone(), &places.board)?;
    let mut fixed = desk.mend()?;
    let mut done = Done::default();
    desk.finish(&mut done);
    note_outcome(context, &mut desk, &done, None);
    let made = done.commits.iter().filter(|commit| commit.result.is_ok());
    let made = made.count();
    if made > 0 {
        fixed.push(format!("{} made", words::count(made, "commit")));
    }
    Ok(fixed)
}
