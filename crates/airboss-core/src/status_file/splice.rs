//! Writes the store's state into a status.json, changing only what differs.
//!
//! Owned are, in a task: its status and the fields that `wishes` lists; in a run: its end and
//! counts; at the root: version, planHash, lastUpdatedAt, completedAt, currentPhase and the counts
//! of the summary. Everything else, every blank and the order of all members stay as they are.

use std::collections::HashMap;

use super::members::{Edits, Members, Style, items, quoted, span};
use super::{Damage, StatusFile, VERSION, phase_text, run_id_text};
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
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root = Members::parse(body);
    let list = root.as_ref().and_then(|root| root.get("tasks"));
    let (Some(root), Some(list), Some(texts)) = (&root, list, list.and_then(items)) else {
        // The reader knows the words for what is wrong.
        let damage = StatusFile::read(text).damage;
        return Err(damage.unwrap_or(Damage::Foreign {
            message: "it has no list `tasks`".to_owned(),
        }));
    };
    let parsed: Vec<Members<'_>> = texts
        .iter()
        .map(|text| Members::parse(text).unwrap_or_default())
        .collect();
    let version = root.value("version").unwrap_or(1);
    if version > VERSION {
        return Err(Damage::Newer { version });
    }
    let mut writer = Writer {
        text,
        shown,
        edits: Edits::default(),
        counts: Counts::default(),
        open_phase: None,
        stale_plan: root
            .text("planHash")
            .zip(shown.plan_hash)
            .is_some_and(|(found, known)| found != known),
    };
    writer.tasks(list, &texts, &parsed);
    writer.runs(root);
    if writer.edits.is_empty() && !writer.stale_plan {
        return Ok(None);
    }
    writer.root(root);
    Ok(Some(writer.edits.apply(text)))
}

/// A whole new file, in the layout of [`VERSION`].
#[must_use]
pub fn render(shown: &Shown<'_>) -> String {
    let style = Style::of("\n", "{}", None);
    let now = quoted(&shown.now.millis_text());
    let counts = [
        "totalTasks",
        "completed",
        "pending",
        "in_progress",
        "failed",
        "skipped",
    ]
    .map(|name| (name, "0".to_owned()));
    let skeleton = style.object(&[
        ("version", VERSION.to_string()),
        ("_comment", quoted(COMMENT)),
        ("planPath", quoted(shown.plan_path)),
        ("planName", quoted(shown.plan_name)),
        ("planHash", quoted(shown.plan_hash.unwrap_or(""))),
        ("createdAt", now.clone()),
        ("lastUpdatedAt", now),
        ("currentPhase", quoted("")),
        ("tasks", "[]".to_owned()),
        ("runs", "[]".to_owned()),
        ("summary", style.nested().object(&counts)),
    ]);
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

struct Writer<'a> {
    text: &'a str,
    shown: &'a Shown<'a>,
    edits: Edits,
    counts: Counts,
    /// The phase of the first task that is not settled.
    open_phase: Option<String>,
    /// The file was written for another text of the plan.
    stale_plan: bool,
}

impl Writer<'_> {
    fn tasks(&mut self, list: &str, texts: &[&str], parsed: &[Members<'_>]) {
        let steps: HashMap<&str, &Step> = self
            .shown
            .steps
            .iter()
            .map(|step| (step.record.id.as_str(), step))
            .collect();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut after: HashMap<usize, Vec<&Step>> = HashMap::new();
        let mut first: Vec<&Step> = Vec::new();
        for (position, members) in parsed.iter().enumerate() {
            let id = members.text("id").unwrap_or_default();
            if steps.contains_key(id.as_ref()) {
                places.entry(id.into_owned()).or_insert(position);
            }
        }
        if self.shown.whole {
            let mut anchor = None;
            for step in self.shown.steps {
                match places.get(step.record.id.as_str()) {
                    Some(place) => anchor = Some(*place),
                    None if step.state.vanished => {}
                    None => match anchor {
                        Some(place) => after.entry(place).or_default().push(step),
                        None => first.push(step),
                    },
                }
            }
        }
        let style = Style::of(self.text, list, texts.first().copied());
        self.new_tasks_first(list, texts, &first, &style);
        for (position, members) in parsed.iter().enumerate() {
            let id = members.text("id").unwrap_or_default();
            let step = steps
                .get(id.as_ref())
                .filter(|_| places.get(id.as_ref()) == Some(&position));
            self.task(texts[position], members, step.copied());
            for step in after.get(&position).into_iter().flatten() {
                let object = self.new_task(step, &style);
                let at = span(self.text, texts[position]).end;
                self.edits.insert(at, format!(",{}{object}", style.before));
            }
        }
    }

    fn new_tasks_first(&mut self, list: &str, texts: &[&str], steps: &[&Step], style: &Style) {
        if steps.is_empty() {
            return;
        }
        let objects: Vec<String> = steps
            .iter()
            .map(|step| self.new_task(step, style))
            .collect();
        let joined = objects.join(&format!(",{}", style.before));
        match texts.first() {
            Some(first) => {
                let at = span(self.text, first).start;
                self.edits.insert(at, format!("{joined},{}", style.before));
            }
            None => {
                let text = format!("[{}{joined}{}]", style.before, style.closing);
                self.edits.replace(span(self.text, list), text);
            }
        }
    }

    fn new_task(&mut self, step: &Step, style: &Style) -> String {
        let phase = phase_text(&step.record.phase, &step.record.phase_title);
        let mut members = vec![
            ("id", quoted(step.record.id.as_str())),
            ("phase", quoted(&phase)),
            ("description", quoted(&step.record.description)),
        ];
        for (name, wish) in wishes(step) {
            members.extend(wish.json().map(|json| (name, json)));
        }
        if !step.record.dependencies.is_empty() {
            let ids: Vec<String> = step
                .record
                .dependencies
                .iter()
                .map(|id| quoted(id.as_str()))
                .collect();
            members.push(("dependencies", format!("[{}]", ids.join(", "))));
        }
        self.count(step.state.status, || phase.clone());
        style.nested().object(&members)
    }

    fn count(&mut self, status: StepStatus, phase: impl FnOnce() -> String) {
        self.counts.add(status, 1);
        if !status.is_settled() && self.open_phase.is_none() {
            self.open_phase = Some(phase());
        }
    }

    fn task(&mut self, task: &str, members: &Members<'_>, step: Option<&Step>) {
        let phase = || {
            let phase = members.text("phase").unwrap_or_default();
            match members.text("phaseName") {
                Some(name) if !phase.contains(name.as_ref()) => phase_text(&phase, &name),
                _ => phase.into_owned(),
            }
        };
        let Some(step) = step else {
            if members.get("id").is_some() {
                let word = members.text("status").unwrap_or_default();
                self.count(StepStatus::parse(&word).unwrap_or_default(), phase);
            }
            return;
        };
        self.count(step.state.status, phase);
        let times = ["startedAt", "completedAt"].map(|name| instant(members, name));
        let same_times = times == [step.state.started_at, step.state.completed_at];
        let mut object = ObjectWriter::new(self.text, task, members);
        for (name, wish) in wishes(step) {
            // A duration is written along with its ends, and otherwise stays as it was measured.
            if name == "duration" && same_times {
                continue;
            }
            object.set(&mut self.edits, name, &wish, TASK_ORDER);
        }
        if self.stale_plan {
            let phase = phase_text(&step.record.phase, &step.record.phase_title);
            for (name, text) in [
                ("phase", phase),
                ("description", step.record.description.clone()),
            ] {
                if members.text(name).is_some() {
                    object.set(&mut self.edits, name, &Wish::Text(Some(text)), TASK_ORDER);
                }
            }
        }
    }

    fn runs(&mut self, root: &Members<'_>) {
        let Some(list) = root.get("runs") else {
            return;
        };
        let Some(texts) = items(list) else { return };
        let parsed: Vec<Members<'_>> = texts
            .iter()
            .map(|text| Members::parse(text).unwrap_or_default())
            .collect();
        let style = Style::of(self.text, list, texts.first().copied());
        let mut new = Vec::new();
        for run in self.shown.runs {
            let id = run_id_text(run);
            let place = parsed
                .iter()
                .position(|members| members.text("runId").is_some_and(|known| known == id));
            let Some(place) = place else {
                let wishes = run_wishes(run);
                let mut members = vec![("runId", quoted(&id))];
                members.extend(
                    wishes
                        .into_iter()
                        .filter_map(|(name, wish)| Some((name, wish.json()?))),
                );
                new.push(style.nested().object(&members));
                continue;
            };
            let mut object = ObjectWriter::new(self.text, texts[place], &parsed[place]);
            for (name, wish) in run_wishes(run) {
                object.set(&mut self.edits, name, &wish, RUN_ORDER);
            }
        }
        if new.is_empty() {
            return;
        }
        let joined = new.join(&format!(",{}", style.before));
        match texts.last() {
            Some(last) => {
                let at = span(self.text, last).end;
                self.edits.insert(at, format!(",{}{joined}", style.before));
            }
            None => {
                let text = format!("[{}{joined}{}]", style.before, style.closing);
                self.edits.replace(span(self.text, list), text);
            }
        }
    }

    fn root(&mut self, root: &Members<'_>) {
        let body = self
            .text
            .strip_prefix('\u{feff}')
            .unwrap_or(self.text)
            .trim();
        let completed_at = if !self.counts.is_complete() {
            None
        } else {
            instant(root, "completedAt").or(Some(self.shown.now))
        };
        let mut object = ObjectWriter::new(self.text, body, root);
        if root.get("version").is_none() {
            object.set_first(&mut self.edits, "version", &VERSION.to_string());
        } else {
            object.set(
                &mut self.edits,
                "version",
                &Wish::Number(Some(VERSION)),
                ROOT_ORDER,
            );
        }
        let text = |text: &str| Wish::Text(Some(text.to_owned()));
        if let Some(hash) = self.shown.plan_hash {
            object.set(&mut self.edits, "planHash", &text(hash), ROOT_ORDER);
        }
        let now = Wish::Time(Some(self.shown.now));
        object.set(&mut self.edits, "lastUpdatedAt", &now, ROOT_ORDER);
        object.set(
            &mut self.edits,
            "completedAt",
            &Wish::Time(completed_at),
            ROOT_ORDER,
        );
        if let Some(phase) = &self.open_phase {
            object.set(&mut self.edits, "currentPhase", &text(phase), ROOT_ORDER);
        }
        let counts = self.counts;
        let counts = [
            ("totalTasks", counts.total),
            ("completed", counts.completed),
            ("pending", counts.pending),
            ("in_progress", counts.in_progress),
            ("failed", counts.failed),
            ("skipped", counts.skipped),
        ];
        match root
            .get("summary")
            .and_then(|text| Some((text, Members::parse(text)?)))
        {
            Some((summary, members)) if !members.0.is_empty() => {
                let mut object = ObjectWriter::new(self.text, summary, &members);
                for (name, count) in counts {
                    object.set(&mut self.edits, name, &Wish::Count(count), SUMMARY_ORDER);
                }
            }
            _ => {
                let members = counts.map(|(name, count)| (name, count.to_string()));
                let text = object.style.nested().object(&members);
                object.set(&mut self.edits, "summary", &Wish::Json(text), ROOT_ORDER);
            }
        }
    }
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
    /// JSON text that is always written.
    Json(String),
}

impl Wish {
    /// The JSON text to write; `None` when the member should not be there.
    fn json(&self) -> Option<String> {
        match self {
            Self::Text(text) => text.as_deref().map(quoted),
            Self::Time(time) => time.map(|time| quoted(&time.millis_text())),
            Self::Number(number) => number.map(|number| number.to_string()),
            Self::Count(count) => Some(count.to_string()),
            Self::Flag(flag) => flag.then(|| "true".to_owned()),
            Self::Json(json) => Some(json.clone()),
        }
    }

    /// Whether the member means this already. A value of another kind is somebody else's
    /// word: it stays as long as there is nothing to say.
    fn is_met(&self, members: &Members<'_>, name: &str) -> bool {
        let nothing = self.json().is_none();
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
            Self::Json(_) => false,
        }
    }
}

fn instant(members: &Members<'_>, name: &str) -> Option<Timestamp> {
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

/// Changes members of one object.
struct ObjectWriter<'a> {
    text: &'a str,
    object: &'a str,
    members: &'a Members<'a>,
    style: Style,
}

impl<'a> ObjectWriter<'a> {
    fn new(text: &'a str, object: &'a str, members: &'a Members<'a>) -> Self {
        let first = members.0.first().map(|(_, value)| *value);
        Self {
            text,
            object,
            members,
            style: Style::of(text, object, first),
        }
    }

    fn set(&mut self, edits: &mut Edits, name: &str, wish: &Wish, order: &[&str]) {
        if wish.is_met(self.members, name) {
            return;
        }
        match (self.members.position(name), wish.json()) {
            (Some(place), Some(json)) => {
                edits.replace(span(self.text, self.members.0[place].1), json);
            }
            // Without the member before it, the comma's place is not known: it becomes null.
            (Some(0), None) => {
                edits.replace(span(self.text, self.members.0[0].1), "null".to_owned());
            }
            (Some(place), None) => {
                let start = span(self.text, self.members.0[place - 1].1).end;
                let end = span(self.text, self.members.0[place].1).end;
                edits.replace(start..end, String::new());
            }
            (None, Some(json)) => self.insert(edits, name, &json, order),
            (None, None) => {}
        }
    }

    /// Inserts after the last member that belongs before it.
    fn insert(&self, edits: &mut Edits, name: &str, json: &str, order: &[&str]) {
        let rank = |name: &str| order.iter().position(|known| *known == name);
        let own = rank(name);
        let anchor = self
            .members
            .0
            .iter()
            .rposition(|(key, _)| rank(key).is_some_and(|rank| Some(rank) < own))
            .or_else(|| self.members.0.len().checked_sub(1));
        let member = self.style.member(name, json);
        match anchor {
            Some(place) => {
                let at = span(self.text, self.members.0[place].1).end;
                edits.insert(at, format!(",{}{member}", self.style.before));
            }
            None => edits.insert(span(self.text, self.object).start + 1, member),
        }
    }

    fn set_first(&self, edits: &mut Edits, name: &str, json: &str) {
        let start = span(self.text, self.object).start + 1;
        let comma = if self.members.0.is_empty() { "" } else { "," };
        let member = self.style.member(name, json);
        edits.insert(start, format!("{}{member}{comma}", self.style.before));
    }
}
