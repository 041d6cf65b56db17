//! `init --interactive`: each disagreement of a board with both sides, and what a person chose.
//!
//! Nothing is written here: the choices end in a summary, and only a yes to it counts.

use airboss_core::board::drift::{Disagreement, Said, Side};
use airboss_core::board::reconcile::{Chosen, Evidence};
use airboss_core::board::{BoardOperation, Place, Task, TaskChange};
use airboss_engine::board::Survey;
use owo_colors::Style;

use super::adopt::ask;
use crate::context::Context;
use crate::error::CliError;
use crate::page::{Page, width};
use crate::words;

/// The column of the labels.
const LABELS: usize = "state.json".len();
/// What may be typed.
const KEYS: &str = "(t)odo, (s)tate, (p)roposal, (a)ll proposals, (q)uit?";

/// Asks about every disagreement, and then whether to adopt; false when the person would not.
///
/// # Errors
/// When nobody can be asked.
pub(super) fn choose(context: &Context, survey: &mut Survey) -> Result<bool, CliError> {
    if !context.is_asked() {
        return Err(CliError::refused("there is no terminal to ask on").hint(
            "`airboss init` shows what is proposed, `--yes` takes it, `--prefer` names the file \
             that wins",
        ));
    }
    let proposed = survey.adopted.settled.clone();
    let mut chosen = Chosen::new();
    for (place, (disagreement, rule)) in proposed.iter().enumerate() {
        let of = (place + 1, proposed.len());
        context.printer.note(&card(survey, disagreement, rule, of));
        let side = loop {
            let typed = context.ask(KEYS)?;
            match typed.as_deref() {
                Some("t" | "todo") => break Some(Side::Todo),
                Some("s" | "state") => break Some(Side::State),
                Some("p" | "proposal") => break None,
                Some("a" | "all") => return confirm(context, survey, &chosen),
                Some("q" | "quit") | None => return Ok(false),
                Some(_) => context.printer.note("Type t, s, p, a or q."),
            }
        };
        let key = disagreement.number();
        chosen.extend(side.map(|side| (key, side)));
        context.printer.note("");
    }
    confirm(context, survey, &chosen)
}

/// Shows what comes of the choices, and asks once more.
fn confirm(context: &Context, survey: &mut Survey, chosen: &Chosen) -> Result<bool, CliError> {
    survey.choose(chosen);
    let mut page = Page::new(width());
    page.heading("This will be done:");
    for (disagreement, rule) in &survey.adopted.settled {
        let outcome = outcome(survey, disagreement);
        let about = about(disagreement);
        page.sentence(&format!("- {about}: {outcome}; {rule}"), Style::new());
    }
    context.printer.note(&page.finish());
    ask(context, survey)
}

/// One disagreement with everything that is known about it.
fn card(
    survey: &Survey,
    disagreement: &Disagreement,
    rule: &str,
    (place, of): (usize, usize),
) -> String {
    let mut page = Page::new(width());
    let number = disagreement.number();
    let task = number.and_then(|number| task(survey, number));
    let title = task.map_or(String::new(), |task| format!(", {}", task.title));
    let heading = format!("{place} of {of}: {}{title}", about(disagreement));
    page.heading(&heading);
    let nothing = Evidence::default();
    let evidence = number.and_then(|number| survey.evidence.get(&number));
    let evidence = evidence.unwrap_or(&nothing);
    let mut line = |label: &str, text: &str| {
        page.field(2, (label, Style::new().dimmed()), LABELS, text);
    };
    let said = |said: &Said, side: Side| match evidence.newest == Some(side) {
        true => format!("{said}, changed last"),
        false => said.to_string(),
    };
    let absent = "does not have it".to_owned();
    let (todo, state) = match disagreement {
        Disagreement::OnlyInTodo { todo, .. } => (said(todo, Side::Todo), absent),
        Disagreement::OnlyInState { state, .. } => (absent, said(state, Side::State)),
        Disagreement::Status { todo, state, .. } => {
            (said(todo, Side::Todo), said(state, Side::State))
        }
        Disagreement::NextNumber { todo, state } => (todo.to_string(), state.to_string()),
    };
    line("TODO.md", &todo);
    line("state.json", &state);
    match disagreement {
        Disagreement::NextNumber { .. } => line("in use", &highest(survey)),
        _ => line("on disk", &on_disk(evidence)),
    }
    line(
        "proposal",
        &format!("{}; {rule}", outcome(survey, disagreement)),
    );
    page.finish()
}

fn about(disagreement: &Disagreement) -> String {
    let number = disagreement.number();
    number.map_or("the next number".to_owned(), |number| {
        format!("task {number}")
    })
}

/// What adopting makes of a disagreement, as it is decided now.
fn outcome(survey: &Survey, disagreement: &Disagreement) -> String {
    let Some(number) = disagreement.number() else {
        let operations = survey.adopted.operations.iter();
        let set = operations.rev().find_map(|operation| match operation {
            BoardOperation::NextNumberSet { next } => Some(next.to_string()),
            _ => None,
        });
        return set.unwrap_or_default();
    };
    let changes = task(survey, number).into_iter().flat_map(|task| {
        let operations = survey.adopted.operations.iter();
        operations.flat_map(|operation| match operation {
            BoardOperation::TaskChanged {
                task: id, changes, ..
            } if *id == task.id => changes.as_slice(),
            _ => &[],
        })
    });
    let mut words = changes.filter_map(|change| match change {
        TaskChange::Status(status) => Some(status.marker()),
        TaskChange::Place(Place::Removed) => Some("taken off the board".to_owned()),
        _ => None,
    });
    words.next().unwrap_or_else(|| match disagreement {
        Disagreement::OnlyInTodo { .. } => "kept, and added to state.json".to_owned(),
        _ => "kept, and added to TODO.md".to_owned(),
    })
}

/// The task with this number, as it is adopted.
fn task(survey: &Survey, number: u32) -> Option<&Task> {
    let mut operations = survey.adopted.operations.iter();
    operations.find_map(|operation| match operation {
        BoardOperation::TaskAdopted { task } | BoardOperation::TaskAdded { task, .. } => {
            (task.number == number && task.place == Place::Active).then_some(&**task)
        }
        _ => None,
    })
}

/// What lies in a task's directory, and how far its plan is.
fn on_disk(evidence: &Evidence) -> String {
    let mut parts: Vec<String> = Vec::new();
    let names = evidence.artifacts.iter();
    parts.extend(names.map(|artifact| artifact.path.clone()));
    let phases = &evidence.phases;
    if !phases.is_empty() {
        let settled = phases.iter().filter(|(_, status)| status.is_settled());
        let settled = settled.count();
        let all = words::count(phases.len(), "phase");
        parts.push(format!("{settled} of {all} of its plan settled"));
    }
    match parts.is_empty() {
        true => "no report, plan or summary".to_owned(),
        false => parts.join(", "),
    }
}

/// The highest number that a file names.
fn highest(survey: &Survey) -> String {
    let read = [&survey.todo, &survey.state].into_iter().flatten();
    let numbers = read.flat_map(|read| read.parsed.facts.iter().map(|facts| facts.number));
    numbers
        .max()
        .map_or("none".to_owned(), |most| format!("up to {most}"))
}
