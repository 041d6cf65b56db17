//! Writes the store's state into a status.json, changing only what differs.
//!
//! Owned are, in a task: its status and the fields that `wishes` lists; in a run: its end and
//! counts; at the root: version, planHash, lastUpdatedAt, completedAt, currentPhase and the counts
//! of the summary. Everything else, every blank and the order of all members stay as they are.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Damage, StatusFile, VERSION, phase_text, run_id_text};
use crate::json::{Array, Document, Draft, Edits, Object, Place};
use crate::operation::StepStatus;
use crate::step::Step;
use crate::time::Timestamp;
use crate::view::{Counts, Run};

/// What the file has to show.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'view> {
    /// The plan's path relative to the top of the repository.
    pub plan_path: &'view str,
    /// The plan's name.
    pub plan_name: &'view str,
    /// The normalised hash of the plan; `None` when it did not change since the last publication.
    pub plan_hash: Option<&'view str>,
    /// Steps in plan order: all of them, or those that changed since the last publication.
    pub steps: &'view [Step],
    /// `steps` are all of them, so that those which the file does not have are added.
    pub whole: bool,
    /// The runs, all or those that changed.
    pub runs: &'view [Run],
    /// The instant of the write.
    pub now: Timestamp,
}

/// The text with the store's state in it; `None` when it shows all of that already.
///
/// # Errors
/// When the text is no status.json, or a newer one than is known here.
pub fn splice(text: &str, shown: &Shown<'_>) -> Result<Option<String>, Damage> {
    let document = Document::parse(text).ok();
    let root = document.as_ref().and_then(Document::object);
    let tasks = root.and_then(|root| root.array("tasks"));
    let (Some(document), Some(root), Some(tasks)) = (&document, root, &tasks) else {
        // The reader knows the words for what is wrong.
        let damage = StatusFile::read(text).damage;
        return Err(damage.unwrap_or(Damage::Foreign {
            message: "it has no list `tasks`".to_owned(),
        }));
    };
    let version = root.value("version").unwrap_or(1);
    if version > VERSION {
        return Err(Damage::Newer { version });
    }
    let mut writer = Writer {
        shown,
        edits: document.edits(),
        counts: Counts::default(),
        open_phase: None,
        stale_plan: root
            .text("planHash")
            .zip(shown.plan_hash)
            .is_some_and(|(found, known)| found != known),
    };
    writer.tasks(tasks);
    writer.runs(root);
    if writer.edits.is_empty() && !writer.stale_plan {
        return Ok(None);
    }
    writer.root(root);
    Ok(Some(writer.edits.finish().into_owned()))
}

/// A whole new file, in the layout of [`VERSION`].
#[must_use]
pub fn render(shown: &Shown<'_>) -> String {
    let now = shown.now.millis_text();
    let skeleton = Draft::object([
        ("version", VERSION.into()),
        ("_comment", COMMENT.into()),
        ("planPath", shown.plan_path.into()),
        ("planName", shown.plan_name.into()),
        ("planHash", shown.plan_hash.unwrap_or("").into()),
        ("createdAt", now.as_str().into()),
        ("lastUpdatedAt", now.as_str().into()),
        ("currentPhase", "".into()),
        ("tasks", Draft::Array(Vec::new())),
        ("runs", Draft::Array(Vec::new())),
        ("summary", summary(Counts::default())),
    ])
    .file();
    match splice(
        &skeleton,
        &Shown {
            whole: true,
            ..*shown
        },
    ) {
        Ok(Some(text)) => text,
        // A plan without a single step: the skeleton shows all there is.
        _ => skeleton,
    }
}

/// What a person reads who opens the file.
const COMMENT: &str = "Written by airboss from its store. Change states with `airboss mark-...`; other keys are yours.";

struct Writer<'a, 'text> {
    shown: &'a Shown<'a>,
    edits: Edits<'text>,
    counts: Counts,
    /// The phase of the first task that is not settled.
    open_phase: Option<String>,
    /// The file was written for another text of the plan.
    stale_plan: bool,
}

impl<'text> Writer<'_, 'text> {
    fn tasks(&mut self, list: &Array<'text>) {
        let steps: HashMap<&str, &Step> = self
            .shown
            .steps
            .iter()
            .map(|step| (step.record.id.as_str(), step))
            .collect();
        let tasks: Vec<Option<Object<'_>>> =
            list.items().iter().map(|item| item.object()).collect();
        let ids: Vec<Cow<'_, str>> = tasks
            .iter()
            .map(|task| {
                task.as_ref()
                    .and_then(|task| task.text("id"))
                    .unwrap_or_default()
            })
            .collect();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (position, id) in ids.iter().enumerate() {
            if steps.contains_key(id.as_ref()) {
                places.entry(id).or_insert(position);
            }
        }
        let mut new = new_steps(self.shown, &places);
        for (position, task) in tasks.iter().enumerate() {
            for step in new.remove(&position).into_iter().flatten() {
                self.new_task(list, position, step);
            }
            let id = ids[position].as_ref();
            let step = steps.get(id).filter(|_| places.get(id) == Some(&position));
            if let Some(task) = task {
                self.task(task, step.copied());
            }
        }
        for step in new.remove(&tasks.len()).into_iter().flatten() {
            self.new_task(list, tasks.len(), step);
        }
    }

    fn new_task(&mut self, list: &Array<'text>, position: usize, step: &Step) {
        let phase = phase_text(&step.record.phase, &step.record.phase_title);
        let mut members = vec![
            ("id", step.record.id.as_str().into()),
            ("phase", phase.as_str().into()),
            ("description", step.record.description.as_str().into()),
        ];
        for (name, wish) in wishes(step) {
            members.extend(wish.draft().map(|draft| (name, draft)));
        }
        if !step.record.dependencies.is_empty() {
            let ids = step.record.dependencies.iter().map(|id| id.as_str().into());
            members.push(("dependencies", Draft::Row(ids.collect())));
        }
        self.count(step.state.status, || phase);
        self.edits.insert(list, position, Draft::object(members));
    }

    fn count(&mut self, status: StepStatus, phase: impl FnOnce() -> String) {
        self.counts.add(status, 1);
        if !status.is_settled() && self.open_phase.is_none() {
            self.open_phase = Some(phase());
        }
    }

    fn task(&mut self, task: &Object<'text>, step: Option<&Step>) {
        let phase = || {
            let phase = task.text("phase").unwrap_or_default();
            match task.text("phaseName") {
                Some(name) if !phase.contains(name.as_ref()) => phase_text(&phase, &name),
                _ => phase.into_owned(),
            }
        };
        let Some(step) = step else {
            if task.get("id").is_some() {
                let word = task.text("status").unwrap_or_default();
                self.count(StepStatus::parse(&word).unwrap_or_default(), phase);
            }
            return;
        };
        self.count(step.state.status, phase);
        let times = ["startedAt", "completedAt"].map(|name| instant(task, name));
        let same_times = times == [step.state.started_at, step.state.completed_at];
        for (name, wish) in wishes(step) {
            // A duration is written along with its ends, and otherwise stays as it was measured.
            if name == "duration" && same_times {
                continue;
            }
            self.set(task, name, &wish, TASK_ORDER);
        }
        if self.stale_plan {
            let phase = phase_text(&step.record.phase, &step.record.phase_title);
            for (name, text) in [
                ("phase", phase),
                ("description", step.record.description.clone()),
            ] {
                if task.text(name).is_some() {
                    self.set(task, name, &Wish::Text(Some(text)), TASK_ORDER);
                }
            }
        }
    }

    fn runs(&mut self, root: &Object<'text>) {
        let Some(list) = root.array("runs") else {
            return;
        };
        let runs: Vec<Object<'_>> = list.items().iter().filter_map(|run| run.object()).collect();
        for run in self.shown.runs {
            let id = run_id_text(run);
            let known = runs
                .iter()
                .find(|known| known.text("runId").is_some_and(|known| known == id));
            if let Some(known) = known {
                for (name, wish) in run_wishes(run) {
                    self.set(known, name, &wish, RUN_ORDER);
                }
                continue;
            }
            let mut members = vec![("runId", id.into())];
            members.extend(
                run_wishes(run)
                    .into_iter()
                    .filter_map(|(name, wish)| Some((name, wish.draft()?))),
            );
            self.edits.append(&list, Draft::object(members));
        }
    }

    fn root(&mut self, root: &Object<'text>) {
        let completed_at = if !self.counts.is_complete() {
            None
        } else {
            instant(root, "completedAt").or(Some(self.shown.now))
        };
        if root.get("version").is_none() {
            self.edits.set_at(root, "version", VERSION, Place::Start);
        } else {
            self.set(root, "version", &Wish::Number(Some(VERSION)), ROOT_ORDER);
        }
        let text = |text: &str| Wish::Text(Some(text.to_owned()));
        if let Some(hash) = self.shown.plan_hash {
            self.set(root, "planHash", &text(hash), ROOT_ORDER);
        }
        let now = Wish::Time(Some(self.shown.now));
        self.set(root, "lastUpdatedAt", &now, ROOT_ORDER);
        self.set(root, "completedAt", &Wish::Time(completed_at), ROOT_ORDER);
        if let Some(phase) = self.open_phase.take() {
            self.set(root, "currentPhase", &text(&phase), ROOT_ORDER);
        }
        match root.object("summary") {
            Some(stored) if !stored.members().is_empty() => {
                for (name, count) in summary_members(self.counts) {
                    self.set(&stored, name, &Wish::Count(count), SUMMARY_ORDER);
                }
            }
            _ => {
                let place = Place::After(before("summary", ROOT_ORDER));
                self.edits
                    .set_at(root, "summary", summary(self.counts), place);
            }
        }
    }

    fn set(&mut self, object: &Object<'text>, name: &str, wish: &Wish, order: &[&str]) {
        if wish.is_met(object, name) {
            return;
        }
        match wish.draft() {
            Some(draft) => {
                let place = Place::After(before(name, order));
                self.edits.set_at(object, name, draft, place);
            }
            None => self.edits.remove(object, name),
        }
    }
}

/// The steps that the file does not have, by the place of the task that they stand before:
/// each follows the step that it follows in the plan.
fn new_steps<'view>(
    shown: &Shown<'view>,
    places: &HashMap<&str, usize>,
) -> HashMap<usize, Vec<&'view Step>> {
    let mut new: HashMap<usize, Vec<&Step>> = HashMap::new();
    if !shown.whole {
        return new;
    }
    let mut next = 0;
    for step in shown.steps {
        match places.get(step.record.id.as_str()) {
            Some(place) => next = place + 1,
            None if step.state.vanished => {}
            None => new.entry(next).or_default().push(step),
        }
    }
    new
}

/// The names that belong before this one.
fn before<'order, 'name>(name: &str, order: &'order [&'name str]) -> &'order [&'name str] {
    let position = order.iter().position(|known| *known == name);
    &order[..position.unwrap_or(order.len())]
}

fn summary(counts: Counts) -> Draft {
    Draft::object(summary_members(counts).map(|(name, count)| (name, count.into())))
}

fn summary_members(counts: Counts) -> [(&'static str, usize); 6] {
    [
        ("totalTasks", counts.total),
        ("completed", counts.completed),
        ("pending", counts.pending),
        ("in_progress", counts.in_progress),
        ("failed", counts.failed),
        ("skipped", counts.skipped),
    ]
}

const TASK_ORDER: &[&str] = &[
    "id",
    "phase",
    "description",
    "status",
    "startedAt",
    "completedAt",
    "duration",
    "notes",
    "findingsPath",
    "error",
    "skipReason",
    "retryCount",
    "lastError",
    "lastErrorAt",
    "stuckDetected",
    "recoveredAt",
];
const RUN_ORDER: &[&str] = &[
    "runId",
    "startedAt",
    "completedAt",
    "tasksCompleted",
    "tasksFailed",
];
const ROOT_ORDER: &[&str] = &[
    "version",
    "_comment",
    "planPath",
    "planName",
    "planHash",
    "createdAt",
    "lastUpdatedAt",
    "completedAt",
    "currentPhase",
    "tasks",
    "runs",
    "summary",
];
const SUMMARY_ORDER: &[&str] = &[
    "totalTasks",
    "completed",
    "pending",
    "in_progress",
    "failed",
    "skipped",
];

/// What an owned member has to be.
enum Wish {
    Text(Option<String>),
    Time(Option<Timestamp>),
    /// 0 is as good as absent.
    Number(Option<u64>),
    /// Like a number, but written even when it is 0.
    Count(usize),
    /// `false` is as good as absent.
    Flag(bool),
}

impl Wish {
    /// What to write; `None` when the member should not be there.
    fn draft(&self) -> Option<Draft> {
        match self {
            Self::Text(text) => text.as_deref().map(Draft::from),
            Self::Time(time) => time.map(|time| time.millis_text().into()),
            Self::Number(number) => number.map(Draft::from),
            Self::Count(count) => Some((*count).into()),
            Self::Flag(flag) => flag.then(|| true.into()),
        }
    }

    /// Whether the member means this already. A value of another kind is somebody else's
    /// word: it stays as long as there is nothing to say.
    fn is_met(&self, members: &Object<'_>, name: &str) -> bool {
        let nothing = self.draft().is_none();
        match self {
            Self::Text(text) => match members.text(name) {
                Some(found) => Some(found.as_ref()) == text.as_deref(),
                None => nothing,
            },
            Self::Time(time) => match instant(members, name) {
                Some(found) => Some(found) == *time,
                None => nothing,
            },
            Self::Number(number) => match members.value::<u64>(name) {
                Some(found) => found == number.unwrap_or(0),
                None => nothing,
            },
            Self::Count(count) => members.value::<usize>(name) == Some(*count),
            Self::Flag(flag) => match members.value::<bool>(name) {
                Some(found) => found == *flag,
                None => nothing,
            },
        }
    }
}

fn instant(members: &Object<'_>, name: &str) -> Option<Timestamp> {
    Timestamp::parse(&members.text(name)?)
}

fn wishes(step: &Step) -> Vec<(&'static str, Wish)> {
    let state = &step.state;
    let duration = match (state.started_at, state.completed_at) {
        (Some(start), Some(end)) => u64::try_from(end.since(start).as_millis()).ok(),
        _ => None,
    };
    let findings = state.findings.as_ref().map(|path| path.as_str().to_owned());
    let retries = Some(u64::from(state.retry_count)).filter(|count| *count > 0);
    vec![
        ("status", Wish::Text(Some(state.status.word().to_owned()))),
        ("startedAt", Wish::Time(state.started_at)),
        ("completedAt", Wish::Time(state.completed_at)),
        ("duration", Wish::Number(duration)),
        ("notes", Wish::Text(state.notes.clone())),
        ("findingsPath", Wish::Text(findings)),
        ("error", Wish::Text(state.error.clone())),
        ("skipReason", Wish::Text(state.skip_reason.clone())),
        ("retryCount", Wish::Number(retries)),
        ("lastError", Wish::Text(state.last_error.clone())),
        ("lastErrorAt", Wish::Time(state.last_error_at)),
        ("stuckDetected", Wish::Flag(state.stuck_detected)),
        ("recoveredAt", Wish::Time(state.recovered_at)),
    ]
}

fn run_wishes(run: &Run) -> Vec<(&'static str, Wish)> {
    let count = |count: u32| Wish::Count(count as usize);
    vec![
        ("startedAt", Wish::Time(Some(run.started_at))),
        ("completedAt", Wish::Time(run.ended.map(|(at, _)| at))),
        ("tasksCompleted", count(run.completed)),
        ("tasksFailed", count(run.failed)),
    ]
}
