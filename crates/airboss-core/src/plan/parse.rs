//! From bytes to a plan: the order of the passes, and what each finds wrong.

use std::collections::{HashMap, HashSet};

use super::body::{self, Body, RawStep};
use super::fences::Fences;
use super::fields::{Header, front_matter_end, header};
use super::footprint;
use super::graph;
use super::headings::{PhaseHeading, candidates, select};
use super::ids::{Ids, synthesise};
use super::lines::{Lines, decode, find_bold, heading};
use super::model::*;
use super::notes::{execution_note, pipeline_line, pipeline_step};
use super::table::{Row, status_rows};
use crate::id::StepId;

/// Nobody reads more warnings than this; a hostile file must not make millions.
const MAX_WARNINGS: usize = 1000;

/// Lines longer than this are read, but tell of a broken file.
const LONG_LINE_CHARACTERS: usize = 1000;

/// The key of the phase that holds the steps of a plan without phases.
const IMPLICIT_PHASE: &str = "plan";

impl Plan {
    /// Reads a plan. Never fails: what is wrong is in [`Plan::problems`].
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        if let Some(problem) = unreadable(bytes) {
            return Self::with_problem(problem);
        }
        let text = decode(bytes);
        let lines = Lines::new(&text);
        let fences = Fences::new(&lines);
        let from = front_matter_end(&lines);
        let headings = select(&lines, &fences.fenced, from);
        let mut reader = Reader {
            lines,
            fences,
            from,
            problems: Vec::new(),
        };
        reader.check_text(bytes, &text);
        reader.check_headings(&headings);
        let mut plan = reader.plan(headings);
        let Reader { problems, .. } = reader;
        plan.problems = problems;
        finish(&mut plan);
        plan
    }

    fn with_problem(problem: Problem) -> Self {
        Self {
            title: None,
            dialect: Dialect::Coordinate,
            output: None,
            status: None,
            fields: Vec::new(),
            phases: Vec::new(),
            criteria: Vec::new(),
            notes: Vec::new(),
            problems: vec![problem],
            owned: Owned::default(),
        }
    }
}

/// What keeps a file from being read at all.
fn unreadable(bytes: &[u8]) -> Option<Problem> {
    if bytes.len() > MAX_PLAN_BYTES {
        let message = format!(
            "the file has {} bytes, a plan at most {MAX_PLAN_BYTES}",
            bytes.len()
        );
        return Some(Problem::error(
            "too-large",
            None,
            message,
            "name the plan, not a log or an archive",
        ));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        let remedy = "write the plan, or restore it from git";
        return Some(Problem::error(
            "empty-file",
            None,
            "the file is empty".into(),
            remedy,
        ));
    }
    None
}

/// Adds what only the whole plan shows, and puts the problems in line order.
fn finish(plan: &mut Plan) {
    if plan.phases.is_empty() {
        let message = "the plan has no phase and no step".to_owned();
        let remedy = "add a heading such as `### Phase 1: Title [NOT STARTED]` with boxes below it";
        plan.problems
            .push(Problem::error("nothing-to-do", None, message, remedy));
    }
    let problems = graph::problems(plan);
    plan.problems.extend(problems);
    plan.problems
        .sort_by_key(|problem| problem.line.unwrap_or(0));
}

struct Reader<'t> {
    lines: Lines<'t>,
    fences: Fences,
    from: usize,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn warn(&mut self, code: &'static str, line: usize, message: String, remedy: &str) {
        if self.problems.len() >= MAX_WARNINGS {
            return;
        }
        self.problems
            .push(Problem::warning(code, Some(line + 1), message, remedy));
    }

    fn plan(&mut self, headings: Vec<PhaseHeading>) -> Plan {
        let first = headings
            .first()
            .map_or(self.lines.len(), |phase| phase.line);
        let header = header(&self.lines, &self.fences.fenced, self.from, first);
        let mut owned = Owned::default();
        let mut ids = Ids::default();
        let mut criteria = Vec::new();
        let mut phases = Vec::new();
        if headings.is_empty() {
            self.implicit_phase(&mut ids, &mut owned, &mut phases, &mut criteria);
        } else {
            criteria = self.outside(&headings, &mut owned);
            self.phases(headings, &mut ids, &mut owned, &mut phases);
        }
        let rows = status_rows(&self.lines, &self.fences.fenced);
        self.table(&rows, &mut phases, &mut owned);
        let notes = self.notes(&mut phases);
        let dialect = dialect(&header, &phases);
        self.check_plan_status(&header, &phases);
        self.check_dependencies(&phases);
        let Header {
            title,
            fields,
            output,
            status,
            ..
        } = header;
        Plan {
            title,
            dialect,
            output,
            status,
            fields,
            phases,
            criteria,
            notes,
            problems: Vec::new(),
            owned,
        }
    }

    /// Boxes before, between and behind the phases.
    fn outside(&mut self, headings: &[PhaseHeading], owned: &mut Owned) -> Vec<Criterion> {
        let mut criteria = Vec::new();
        let mut from = self.from;
        let ends = headings.iter().map(|phase| (phase.line, phase.end));
        for (to, next) in ends.chain([(self.lines.len(), 0)]) {
            let body = body::read_outside(&self.lines, &self.fences.fenced, from..to.max(from));
            self.check_odd_boxes(&body);
            owned.marks.extend(body.marks);
            criteria.extend(body.criteria);
            from = next;
        }
        criteria
    }

    fn phases(
        &mut self,
        headings: Vec<PhaseHeading>,
        ids: &mut Ids,
        owned: &mut Owned,
        phases: &mut Vec<Phase>,
    ) {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for heading in headings {
            let count = counts.entry(heading.id.clone()).or_insert(0);
            *count += 1;
            let key = match *count {
                1 => heading.id.clone(),
                count => format!("{}~{count}", heading.id),
            };
            let body = body::read(
                &self.lines,
                &self.fences.fenced,
                heading.line + 1..heading.end,
            );
            phases.push(self.phase(key, heading, body, ids, owned));
        }
    }

    fn phase(
        &mut self,
        key: String,
        heading: PhaseHeading,
        body: Body,
        ids: &mut Ids,
        owned: &mut Owned,
    ) -> Phase {
        self.check_odd_boxes(&body);
        owned.marks.extend(body.marks);
        owned.stamp_lines.extend(body.stamp_lines);
        let steps = if body.steps.is_empty() {
            vec![self.whole_phase(&key, &heading, ids)]
        } else {
            self.steps(&key, body.steps, ids)
        };
        let end = self.lines.span(heading.end).start;
        Phase {
            key,
            title: heading.title,
            status: heading.status,
            marker: heading.marker,
            line: heading.line + 1,
            level: heading.level,
            steps,
            criteria: body.criteria,
            dependencies: body.dependencies,
            objective: body.objective,
            files: body.files,
            verification_blocks: body.verification_blocks,
            pipeline_start: heading.pipeline.map(|value| PipelineStart {
                step: pipeline_step(&value),
                line: heading.line + 1,
            }),
            span: self.lines.span(heading.line).start..end,
            heading: self.lines.span(heading.line),
            started: body.started,
            completed: body.completed,
            body_line: heading.line + 1,
        }
    }

    fn steps(&mut self, key: &str, raw: Vec<RawStep>, ids: &mut Ids) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::with_capacity(raw.len());
        for mut step in raw {
            let id = step.id.take();
            let synthesised = id.is_none();
            let id = id.unwrap_or_else(|| synthesise(key, &step.text));
            let (id, repeated) = ids.unique(id);
            if repeated && !synthesised {
                let message = format!("this step id was used before; the step is `{id}` here");
                self.warn(
                    "duplicate-step",
                    step.line,
                    message,
                    "give every step its own id",
                );
            }
            let prefix = key.split('~').next().unwrap_or(key);
            let own = id
                .as_str()
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('.'));
            if !synthesised && !own {
                let message = format!("step `{id}` stands in phase {key} and belongs to it");
                self.warn(
                    "foreign-step",
                    step.line,
                    message,
                    "number it after its phase, or move it",
                );
            }
            if let Mark::Other(mark) = step.mark {
                let message = format!("the box mark {mark:?} is not known");
                self.warn(
                    "odd-mark",
                    step.line,
                    message,
                    "use a space, `x`, `~` or `-`",
                );
            }
            steps.push(self.step(step, id, synthesised, &steps));
        }
        steps
    }

    fn step(&self, raw: RawStep, id: StepId, synthesised: bool, before: &[Step]) -> Step {
        let mut footprint = Vec::new();
        footprint::paths(&raw.text, &mut footprint);
        for detail in &raw.details {
            footprint::paths(detail, &mut footprint);
        }
        Step {
            id,
            synthesised,
            mark: raw.mark,
            line: raw.line + 1,
            parent: raw
                .parent
                .and_then(|index| before.get(index))
                .map(|step| step.id.clone()),
            footprint,
            dependencies: StepDependencies::read(&raw.text),
            text: raw.text,
            details: raw.details,
            whole_phase: false,
            span: self.lines.span(raw.line).start..self.lines.span(raw.end).start,
        }
    }

    fn whole_phase(&self, key: &str, heading: &PhaseHeading, ids: &mut Ids) -> Step {
        let (id, _) = ids.unique(format!("p{key}"));
        Step {
            id,
            synthesised: true,
            text: heading.title.clone(),
            details: Vec::new(),
            mark: Mark::Open,
            line: heading.line + 1,
            parent: None,
            footprint: Vec::new(),
            dependencies: None,
            whole_phase: true,
            span: self.lines.span(heading.line).start..self.lines.span(heading.end).start,
        }
    }

    /// The steps of a plan without phases.
    fn implicit_phase(
        &mut self,
        ids: &mut Ids,
        owned: &mut Owned,
        phases: &mut Vec<Phase>,
        criteria: &mut Vec<Criterion>,
    ) {
        let all = self.from..self.lines.len();
        let mut body = body::read(&self.lines, &self.fences.fenced, all);
        criteria.append(&mut body.criteria);
        if body.steps.is_empty() {
            self.check_odd_boxes(&body);
            owned.marks.extend(body.marks);
            return;
        }
        let line = body.steps[0].line;
        let title = "The whole plan".to_owned();
        let message = "the plan has steps but no phases; they are read as one phase".to_owned();
        self.warn(
            "no-phases",
            line,
            message,
            "add a heading such as `### Phase 1: Title`",
        );
        let heading = PhaseHeading {
            line,
            level: 0,
            id: IMPLICIT_PHASE.to_owned(),
            title,
            separated: true,
            status: PhaseStatus::NotStarted,
            marker: PhaseMarker::Missing,
            known_markers: 0,
            pipeline: None,
            end: self.lines.len(),
        };
        phases.push(self.phase(IMPLICIT_PHASE.to_owned(), heading, body, ids, owned));
    }

    /// Marker cells of the status table, and its dependencies where no phase states any.
    fn table(&mut self, rows: &[Row], phases: &mut [Phase], owned: &mut Owned) {
        let cells = rows
            .iter()
            .filter_map(|row| Some((row.phase.clone(), row.marker.clone()?)));
        owned.cells.extend(cells);
        if phases.iter().any(|phase| phase.dependencies.line.is_some()) {
            return;
        }
        let by_number: HashMap<String, &Row> = rows
            .iter()
            .rev()
            .map(|row| (row.phase.clone(), row))
            .collect();
        for phase in phases {
            if let Some(row) = by_number.get(&phase.key)
                && let Some(value) = &row.dependencies
            {
                phase.dependencies = PhaseDependencies::read(value, row.line + 1);
            }
        }
    }

    fn notes(&mut self, phases: &mut [Phase]) -> Vec<Note> {
        let mut notes = Vec::new();
        for line in self.from..self.lines.len() {
            let text = self.lines.get(line);
            if self.fences.fenced[line] || find_bold(text).is_none() {
                continue;
            }
            // Phases are in line order, so the enclosing one is the last that starts before.
            let after = phases.partition_point(|phase| phase.line <= line + 1);
            let start = self.lines.span(line).start;
            let within = after
                .checked_sub(1)
                .filter(|&index| phases[index].span.contains(&start));
            if let Some((kind, covers)) = execution_note(text) {
                if covers.is_empty() {
                    let message = "this execution note cannot be read; its phase runs in sequence";
                    let remedy =
                        "write `Tasks 3.1-3.4 are [SEQUENTIAL]` or `Phases 1-3 are [PARALLEL]`";
                    self.warn("unreadable-note", line, message.to_owned(), remedy);
                }
                let phase = within.map(|index| phases[index].key.clone());
                notes.push(Note {
                    kind,
                    covers,
                    phase,
                    line: line + 1,
                });
            } else if let Some(value) = pipeline_line(text) {
                let start = PipelineStart {
                    step: pipeline_step(value),
                    line: line + 1,
                };
                let at_heading = within.filter(|&index| self.is_right_below(&phases[index], line));
                if let Some(phase) = phases.get_mut(at_heading.unwrap_or(after)) {
                    phase.pipeline_start = Some(start);
                }
            }
        }
        for phase in phases.iter() {
            if let Some(PipelineStart { step: None, line }) = phase.pipeline_start {
                let message = "this pipeline-start cannot be read and is ignored".to_owned();
                self.warn(
                    "unreadable-note",
                    line - 1,
                    message,
                    "write `when 1.3 completes`",
                );
            }
        }
        notes
    }

    /// Whether nothing but blank lines stands between a phase's heading and this line.
    fn is_right_below(&self, phase: &Phase, line: usize) -> bool {
        (phase.line..line).all(|between| self.lines.get(between).trim().is_empty())
    }
}

fn dialect(header: &Header, phases: &[Phase]) -> Dialect {
    let second_level = phases.iter().any(|phase| phase.level == 2);
    let identified = phases
        .iter()
        .flat_map(|phase| &phase.steps)
        .any(|step| !step.synthesised);
    match (
        second_level && identified,
        header.list_task,
        header.bold_task,
    ) {
        (true, _, _) => Dialect::Orchestrator,
        (_, true, _) => Dialect::BoardA,
        (_, _, true) => Dialect::BoardB,
        _ => Dialect::Coordinate,
    }
}

/// Checks that only warn, and the placeholders that do not.
impl Reader<'_> {
    fn check_text(&mut self, bytes: &[u8], text: &str) {
        if bytes.contains(&0) {
            let message = "the file holds NUL bytes".to_owned();
            self.problems.push(Problem::error(
                "nul-bytes",
                None,
                message,
                "restore the file from git",
            ));
        }
        // What is decoded has the same length, and other bytes only where they were not UTF-8.
        if text.as_bytes() != bytes {
            let message = "the file is not valid UTF-8; the bytes are kept".to_owned();
            self.problems.push(Problem::warning(
                "invalid-utf8",
                None,
                message,
                "save it as UTF-8",
            ));
        }
        if self.from > 0 {
            let message = "YAML front matter is skipped".to_owned();
            self.warn("front-matter", 0, message, "nothing to do");
        }
        // The commonest arrows, dashes and letters after being decoded with the wrong table.
        const WRONG: [&str; 3] = ["\u{e2}\u{2020}", "\u{e2}\u{20ac}", "\u{c3}\u{a9}"];
        let found = |wrong: &&str| text.find(*wrong);
        if !text.is_ascii()
            && let Some(at) = WRONG.iter().filter_map(found).min()
        {
            let line = text[..at].matches('\n').count();
            let message = "the text was once decoded with the wrong character set".to_owned();
            self.warn("mojibake", line, message, "repair the text");
        }
        self.check_lines();
        for line in self.fences.unclosed.clone() {
            let message = "this code fence never closes; it is read as plain text".to_owned();
            self.warn("unclosed-fence", line, message, "close the fence");
        }
        self.check_readings();
    }

    fn check_lines(&mut self) {
        let mut placeholder = None;
        let mut long = None;
        for line in 0..self.lines.len() {
            let text = self.lines.get(line);
            if text.len() > LONG_LINE_CHARACTERS && long.is_none() {
                long = (text.chars().count() > LONG_LINE_CHARACTERS).then_some(line);
            }
            if !text.contains("{{") || self.fences.fenced[line] {
                continue;
            }
            let phase = heading(text)
                .is_some_and(|(_, name)| name.trim_start_matches('*').starts_with("Phase"));
            if phase {
                let message = format!(
                    "a placeholder is left in the phase heading `{}`",
                    text.trim()
                );
                let remedy = "fill the template in";
                self.problems.push(Problem::error(
                    "placeholder",
                    Some(line + 1),
                    message,
                    remedy,
                ));
            } else {
                placeholder = placeholder.or(Some(line));
            }
        }
        if let Some(line) = placeholder {
            let message = "a placeholder is left in the text".to_owned();
            self.warn("placeholder", line, message, "fill the template in");
        }
        if let Some(line) = long {
            let message = format!("this line has more than {LONG_LINE_CHARACTERS} characters");
            self.warn("long-line", line, message, "break it");
        }
    }

    /// Whether the two readings of the fences give different phases.
    fn check_readings(&mut self) {
        let Some(other) = &self.fences.other else {
            return;
        };
        let phases = |fenced: &[bool]| -> Vec<usize> {
            candidates(&self.lines, fenced)
                .iter()
                .map(|phase| phase.line)
                .collect()
        };
        let (chosen, flat) = (phases(&self.fences.fenced), phases(other));
        if chosen != flat {
            let line = chosen.iter().zip(&flat).find(|(left, right)| left != right);
            let line = line.map_or_else(
                || {
                    *chosen
                        .get(flat.len())
                        .or_else(|| flat.get(chosen.len()))
                        .unwrap_or(&0)
                },
                |(left, right)| *left.min(right),
            );
            let message =
                "nested code fences can be read in two ways, with different phases".to_owned();
            let remedy = "fence the outer block with more back-quotes than the inner ones";
            self.warn("ambiguous-fences", line, message, remedy);
        }
    }

    fn check_headings(&mut self, headings: &[PhaseHeading]) {
        let mut seen = HashSet::new();
        for phase in headings {
            if !seen.insert(&phase.id) {
                let message = format!("phase {} occurs more than once", phase.id);
                self.warn(
                    "duplicate-phase",
                    phase.line,
                    message,
                    "give every phase its own number",
                );
            }
            if phase.known_markers > 1 {
                let message =
                    "the heading carries more than one marker; the last one counts".to_owned();
                self.warn("two-markers", phase.line, message, "leave one marker");
            }
            if let PhaseMarker::Unknown(text) = &phase.marker {
                let message = format!("the marker [{text}] is not known; read as not started");
                self.warn(
                    "unknown-marker",
                    phase.line,
                    message,
                    "use [NOT STARTED], [COMPLETED] and so on",
                );
            }
        }
        if let Some(odd) = headings
            .iter()
            .find(|phase| phase.level != headings[0].level)
        {
            let message = "phase headings stand at different levels".to_owned();
            self.warn(
                "mixed-levels",
                odd.line,
                message,
                "use one heading level for phases",
            );
        }
        let numbers: Vec<(usize, u64)> = headings
            .iter()
            .filter_map(|phase| Some((phase.line, phase.id.parse().ok()?)))
            .collect();
        if let Some(pair) = numbers.windows(2).find(|pair| pair[1].1 < pair[0].1) {
            let message = format!("phase {} comes after phase {}", pair[1].1, pair[0].1);
            self.warn(
                "out-of-order-phase",
                pair[1].0,
                message,
                "phases run in document order",
            );
        }
        let mut sorted: Vec<u64> = numbers.iter().map(|(_, number)| *number).collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[1] - pair[0] > 1) {
            let message = format!("no phase between {} and {}", pair[0], pair[1]);
            let line = numbers
                .iter()
                .find(|(_, number)| *number == pair[1])
                .map_or(0, |(line, _)| *line);
            self.warn("missing-phase", line, message, "check that none was lost");
        }
    }

    fn check_odd_boxes(&mut self, body: &Body) {
        for (line, word) in &body.odd_boxes {
            let message = format!("[{word}] is not a box; the line is text");
            self.warn(
                "odd-box",
                *line,
                message,
                "a box holds one character: `[ ]` or `[x]`",
            );
        }
    }

    fn check_plan_status(&mut self, header: &Header, phases: &[Phase]) {
        let Some(marker) = &header.status else { return };
        let begun = phases.iter().any(|phase| {
            matches!(
                phase.status,
                PhaseStatus::InProgress | PhaseStatus::Completed
            )
        });
        let open = phases
            .iter()
            .any(|phase| !phase.status.is_terminal() && phase.status != PhaseStatus::Deferred);
        let message = match marker.status {
            Some(PlanStatus::NotStarted) if begun => "says not started, but phases were begun",
            Some(PlanStatus::Completed) if open && !phases.is_empty() => {
                "says completed, but phases are open"
            }
            _ => return,
        };
        let message = format!("the plan's status {message}");
        self.warn(
            "contradictory-status",
            marker.line - 1,
            message,
            "the phases count",
        );
    }

    fn check_dependencies(&mut self, phases: &[Phase]) {
        let stated = phases
            .iter()
            .filter(|phase| phase.dependencies.line.is_some())
            .count();
        for phase in phases {
            let dependencies = &phase.dependencies;
            if let (true, Some(line)) = (dependencies.loose, dependencies.line) {
                let message = format!("`{}` is read as its phases alone", dependencies.text);
                self.warn("loose-dependency", line - 1, message, "write `[1, 2]`");
            }
            if dependencies.line.is_none() && stated > 0 && !std::ptr::eq(phase, &phases[0]) {
                let message = format!(
                    "phase {} states no dependencies; it waits for the one before",
                    phase.key
                );
                self.warn(
                    "unstated-dependency",
                    phase.line - 1,
                    message,
                    "write `[]` or `[1, 2]`",
                );
            }
        }
    }
}
