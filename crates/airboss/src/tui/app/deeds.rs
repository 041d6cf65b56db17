//! What each command does.

use airboss_core::id::StepId;
use airboss_core::operation::PlanKey;
use airboss_core::scene::Need;

use super::keys::Command;
use super::list::List;
use super::overlay::{Overlay, Wish};
use super::rows::PlanRow;
use super::target::Target;
use super::views::{LogView, TextView, TranscriptView, View};
use super::{Action, App, Panel, Request};
use crate::tui::layout;
use crate::tui::theme::Slot;

impl App {
    /// Does what a key or the palette asks for.
    pub fn perform(&mut self, command: Command) -> Vec<Action> {
        self.status = None;
        match command {
            Command::Up => self.move_by(-1),
            Command::Down => self.move_by(1),
            Command::PageUp => self.move_by(-self.page()),
            Command::PageDown => self.move_by(self.page()),
            Command::First => self.move_by(isize::MIN),
            Command::Last => self.last(),
            Command::Left => self.fold_here(false),
            Command::Right => self.fold_here(true),
            Command::NextPanel => self.turn_focus(1),
            Command::PreviousPanel => self.turn_focus(Panel::ALL.len() - 1),
            Command::Open => return self.open(),
            Command::Back => return self.back(),
            Command::Search => self.overlay = Some(Overlay::Search(String::new())),
            Command::NextFound => return self.find(true, false),
            Command::PreviousFound => return self.find(false, false),
            Command::Palette => {
                let input = String::new();
                self.overlay = Some(Overlay::Palette { input, cursor: 0 });
            }
            Command::Help => self.overlay = Some(Overlay::Help(0)),
            Command::Colors => {
                let palette = self.options.theme.palette.next();
                self.options.theme.palette = palette;
                self.say(Slot::Plain, format!("colours: {}", palette.word()));
            }
            Command::Redraw => return vec![Action::Redraw],
            Command::Quit => return vec![Action::Quit],
            Command::Interrupt => return self.interrupt(),
            Command::Pause | Command::Retry | Command::Skip | Command::Kill | Command::Answer => {
                return self.change(command);
            }
            Command::Edit => return self.edit(),
            Command::Undo => return self.undo(),
            Command::NextPlan => self.turn_plan(1),
            Command::PreviousPlan => self.turn_plan(-1),
            Command::Play | Command::Faster | Command::Slower | Command::Rewind => {
                self.replay(command);
            }
            _ => return self.show(command),
        }
        Vec::new()
    }

    fn page(&self) -> isize {
        let height = if self.views.is_empty() {
            self.screen().rows(self.focus)
        } else {
            usize::from(layout::body(self.size).height)
        };
        isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(isize::MAX)
    }

    pub(super) fn move_by(&mut self, rows: isize) {
        let height = usize::from(layout::body(self.size).height);
        let length = self.view_length();
        match self.views.last_mut() {
            None => {
                let (focus, length) = (self.focus, self.length(self.focus));
                self.list_mut(focus).step(rows, length);
            }
            Some(View::Text(view)) => view.top = view.top.saturating_add_signed(rows).min(length),
            Some(View::Transcript(view)) => view.scroll(rows, height),
            Some(view) => {
                if let Some(list) = view.list_mut() {
                    list.step(rows, length);
                }
            }
        }
    }

    fn last(&mut self) {
        if let Some(View::Transcript(view)) = self.views.last_mut() {
            (view.top, view.replay) = (None, None);
        } else {
            self.move_by(isize::MAX);
        }
    }

    fn turn_focus(&mut self, places: usize) {
        self.views.clear();
        let now = Panel::ALL.iter().position(|panel| *panel == self.focus);
        let next = (now.unwrap_or(0) + places) % Panel::ALL.len();
        self.focus = Panel::ALL[next];
    }

    fn turn_plan(&mut self, places: isize) {
        let keys: Vec<PlanKey> = self.scene.plans().map(|plan| plan.key().clone()).collect();
        let shown = self.plan().map(|plan| plan.key().clone());
        let now = keys.iter().position(|key| Some(key) == shown.as_ref());
        let Some(now) = now else { return };
        let length = isize::try_from(keys.len()).unwrap_or(isize::MAX);
        let next = isize::try_from(now)
            .unwrap_or(0)
            .saturating_add(places)
            .rem_euclid(length);
        let next = usize::try_from(next).unwrap_or(0);
        if keys.len() == 1 {
            self.say(Slot::Plain, "there is only one plan here");
        }
        self.chosen = Some(keys[next].clone());
    }

    fn fold_here(&mut self, open: bool) {
        if !self.views.is_empty() || self.focus != Panel::Progress {
            return;
        }
        let cursor = self.list(Panel::Progress).cursor;
        if let Some((row, place)) = self.phase_row(cursor) {
            self.fold(place, Some(open));
            if !open {
                self.list_mut(Panel::Progress).cursor = row;
            }
        }
    }

    fn open(&mut self) -> Vec<Action> {
        let Some(target) = self.target() else {
            return Vec::new();
        };
        match &target {
            Target::Phase(place) if self.views.is_empty() => {
                self.fold(*place, None);
                Vec::new()
            }
            Target::Phase(_) | Target::Operation(..) => Vec::new(),
            Target::Attempt(..) if matches!(self.views.last(), Some(View::Transcript(_))) => {
                self.show(Command::Why)
            }
            Target::Attempt(..) => self.show(Command::Transcript),
            Target::Step(..) if matches!(self.views.last(), Some(View::Text(_))) => {
                self.show(Command::Transcript)
            }
            Target::Step(..) => self.show(Command::Why),
            Target::Plan(key) => {
                self.chosen = Some(key.clone());
                self.views.clear();
                Vec::new()
            }
            Target::Task(number) => {
                let title = format!("Task {number}");
                self.read(Request::Task(*number), Some(target.clone()), title)
            }
            Target::Error(id) => {
                let words = ["errors", id].map(str::to_owned).to_vec();
                self.read(
                    Request::Words(words),
                    Some(target.clone()),
                    "Errors".to_owned(),
                )
            }
            Target::Need(need) => self.open_need(need, &target),
        }
    }

    fn open_need(&mut self, need: &Need, target: &Target) -> Vec<Action> {
        match need {
            Need::Question { .. } | Need::Failed { .. } | Need::Limited { .. } => {
                self.show(Command::Why)
            }
            Need::Permission { .. } => self.show(Command::Transcript),
            Need::RunGone { .. } => self.show(Command::Runs),
            Need::Conflict { .. } => {
                let words = vec!["conflicts".to_owned()];
                let title = "Conflicts".to_owned();
                self.read(Request::Words(words), Some(target.clone()), title)
            }
            Need::Commits { .. } | Need::Publish { .. } | Need::Error { .. } => {
                self.show(Command::Log)
            }
        }
    }

    fn read(&mut self, request: Request, about: Option<Target>, title: String) -> Vec<Action> {
        self.views
            .push(View::Text(TextView::new(request.clone(), about, title)));
        vec![Action::Read(request)]
    }

    /// Opens a detail view.
    fn show(&mut self, command: Command) -> Vec<Action> {
        let plain = match command {
            Command::Tree => Some(View::Tree(List::default())),
            Command::Runs => Some(View::Runs(List::default())),
            Command::Timeline => {
                // The newest are looked at first.
                let cursor = self.bars().len().saturating_sub(1);
                Some(View::Timeline(List::at(cursor)))
            }
            Command::Tasks => Some(View::Tasks(List::default())),
            _ => None,
        };
        if let Some(view) = plain {
            self.views.push(view);
            return Vec::new();
        }
        if command == Command::Log {
            self.views.push(View::Log(LogView::new()));
            return vec![Action::ReadLog];
        }
        let Some(target) = self.target() else {
            self.say(Slot::Attention, "nothing is selected");
            return Vec::new();
        };
        match command {
            Command::Why => match (&target, self.step_of(&target)) {
                (Target::Attempt(plan, step, attempt), _) => {
                    let name = self.attempt_name(step, *attempt);
                    let title = format!("Attempt {name}");
                    // A step and an attempt may share a name; the whole id is unambiguous.
                    self.read(
                        Request::Why(plan.clone(), attempt.to_string()),
                        Some(target),
                        title,
                    )
                }
                (_, Some((plan, step))) => {
                    let about = Some(Target::Step(plan.clone(), step.clone()));
                    let title = format!("Step {step}");
                    self.read(Request::Why(plan, step.to_string()), about, title)
                }
                _ => self.no_step(),
            },
            Command::Findings => match self.step_of(&target) {
                Some((plan, step)) => {
                    let title = format!("Findings of step {step}");
                    let about = Some(Target::Step(plan.clone(), step.clone()));
                    self.read(Request::Findings(plan, step), about, title)
                }
                None => self.no_step(),
            },
            _ => self.show_attempt(command, &target),
        }
    }

    fn show_attempt(&mut self, command: Command, target: &Target) -> Vec<Action> {
        let Some((plan, step, attempt)) = self.attempt_of(target) else {
            if self.step_of(target).is_none() {
                return self.no_step();
            }
            self.say(Slot::Attention, "it was never attempted");
            return Vec::new();
        };
        let name = self.attempt_name(&step, attempt);
        if command == Command::Diff {
            let title = format!("What {name} changed");
            let about = Some(Target::Attempt(plan.clone(), step.clone(), attempt));
            return self.read(Request::Diff(plan, step, attempt), about, title);
        }
        let view = TranscriptView::new((plan, step, attempt), name);
        self.views.push(View::Transcript(view));
        vec![Action::Listen(attempt)]
    }

    fn no_step(&mut self) -> Vec<Action> {
        self.say(Slot::Attention, "select a step or an attempt first");
        Vec::new()
    }

    fn back(&mut self) -> Vec<Action> {
        if let Some(closed) = self.views.pop() {
            let mut actions = Vec::new();
            if matches!(closed, View::Transcript(_)) {
                actions.push(Action::Hush);
            }
            // A recording is heard for the view that is seen.
            if let Some(View::Transcript(view)) = self.views.last_mut() {
                view.lines.clear();
                actions.push(Action::Listen(view.attempt));
            }
            return actions;
        }
        if self.search.is_empty() && self.run_ended.is_some() {
            return vec![Action::Quit];
        }
        self.search.clear();
        Vec::new()
    }

    fn interrupt(&mut self) -> Vec<Action> {
        if !self.options.own_run || self.run_ended.is_some() {
            return vec![Action::Quit];
        }
        self.overlay = Some(Overlay::Ask {
            question: "Stop the run in good order, or only leave it flying?".to_owned(),
            wish: Wish::StopOrLeave,
            input: None,
        });
        Vec::new()
    }

    fn change(&mut self, command: Command) -> Vec<Action> {
        if command == Command::Pause {
            let word = if self.is_paused() { "resume" } else { "pause" };
            let plan = self.plan().map(|plan| plan.key().clone());
            return self.send(word, plan, &[]);
        }
        let Some(target) = self.target() else {
            self.say(Slot::Attention, "nothing is selected");
            return Vec::new();
        };
        if command == Command::Kill {
            let attempt = self.attempt_of(&target).map(|(_, _, attempt)| attempt);
            let flying = attempt.filter(|attempt| self.scene.flying(*attempt).is_some());
            let Some(attempt) = flying else {
                self.say(Slot::Attention, "no attempt of it is in progress");
                return Vec::new();
            };
            let step = self
                .step_of(&target)
                .map_or_else(|| StepId::new(""), |(_, step)| step);
            let name = self.attempt_name(&step, attempt);
            self.overlay = Some(Overlay::Ask {
                question: format!("End attempt {name} and everything it started?"),
                wish: Wish::Kill(attempt),
                input: None,
            });
            return Vec::new();
        }
        if let Target::Need(need) = &target
            && matches!(**need, Need::Permission { .. })
            && command == Command::Answer
        {
            let words = "its agent takes no answer: allow the tool in its `arguments` in the \
                         settings, end it with x, and give the step back with r";
            self.say(Slot::Attention, words);
            return Vec::new();
        }
        let Some((plan, step)) = self.step_of(&target) else {
            return self.no_step();
        };
        let (question, wish) = match command {
            Command::Retry => return self.send("retry", Some(plan), &[step.as_str()]),
            Command::Skip => (
                format!("Leave step {step} out. Why?"),
                Wish::Skip(plan, step),
            ),
            _ => (self.question(&plan, &step), Wish::Answer(plan, step)),
        };
        self.overlay = Some(Overlay::Ask {
            question,
            wish,
            input: Some(String::new()),
        });
        Vec::new()
    }

    fn question(&self, plan: &PlanKey, step: &StepId) -> String {
        let asked = self.needs().find_map(|need| match need {
            Need::Question {
                plan: of,
                step: at,
                text,
                ..
            } if of == plan && at == step => Some(text.as_str()),
            _ => None,
        });
        match asked {
            Some(text) => format!("Step {step} asks: {text}"),
            None => format!("Answer step {step}:"),
        }
    }

    pub(super) fn wished(&mut self, wish: Wish, text: &str) -> Vec<Action> {
        match wish {
            Wish::Kill(attempt) => {
                let id = attempt.to_string();
                let words = ["kill", &id, "--yes"].map(str::to_owned).to_vec();
                vec![Action::Run(words)]
            }
            Wish::Undo(operation) => {
                let id = operation.to_string();
                vec![Action::Run(["undo", &id].map(str::to_owned).to_vec())]
            }
            Wish::Skip(..) | Wish::Answer(..) if text.is_empty() => {
                self.say(Slot::Attention, "nothing was typed, so nothing was done");
                Vec::new()
            }
            Wish::Skip(plan, step) => {
                let reason = format!("--reason={text}");
                self.send("mark-skipped", Some(plan), &[&reason, step.as_str()])
            }
            Wish::Answer(plan, step) => {
                // What is typed is never an option.
                self.send("answer", Some(plan), &["--", step.as_str(), text])
            }
            Wish::StopOrLeave => vec![Action::StopRun],
        }
    }

    /// Runs a command about a plan, as a person would type it.
    fn send(&mut self, word: &str, plan: Option<PlanKey>, rest: &[&str]) -> Vec<Action> {
        let mut words = vec![word.to_owned()];
        words.extend(plan.map(|plan| format!("--plan={plan}")));
        words.extend(rest.iter().map(|word| (*word).to_owned()));
        vec![Action::Run(words)]
    }

    fn undo(&mut self) -> Vec<Action> {
        match self.target() {
            Some(Target::Operation(sequence, Some(id))) => {
                self.overlay = Some(Overlay::Ask {
                    question: format!("Take change {sequence} of the board back?"),
                    wish: Wish::Undo(id),
                    input: None,
                });
            }
            Some(Target::Operation(..)) => {
                self.say(
                    Slot::Attention,
                    "only changes of the board can be taken back",
                );
            }
            _ => self.say(Slot::Attention, "changes are taken back in the log (L)"),
        }
        Vec::new()
    }

    fn edit(&mut self) -> Vec<Action> {
        let target = self.target();
        if let Some(Target::Need(need)) = &target
            && let Need::Conflict { path, .. } | Need::Publish { path, .. } = &**need
        {
            return vec![Action::Edit(path.to_string(), None)];
        }
        let (of_step, step) = target.and_then(|target| self.step_of(&target)).unzip();
        let plan = of_step.or_else(|| self.plan().map(|plan| plan.key().clone()));
        match plan {
            Some(plan) => vec![Action::Edit(plan.to_string(), step)],
            None => Vec::new(),
        }
    }

    fn replay(&mut self, command: Command) {
        let now = self.now;
        let Some(View::Transcript(view)) = self.views.last_mut() else {
            self.say(Slot::Attention, "open a transcript first (t)");
            return;
        };
        match command {
            Command::Play => view.play(now),
            Command::Rewind => view.rewind(now),
            Command::Faster => view.faster(1, now),
            _ => view.faster(-1, now),
        }
    }

    /// Goes to the next place where what is searched for is found.
    pub(super) fn find(&mut self, forward: bool, here: bool) -> Vec<Action> {
        let needle = self.search.to_lowercase();
        if needle.is_empty() {
            self.say(Slot::Plain, "nothing is searched for; / begins");
            return Vec::new();
        }
        let is_progress = self.views.is_empty() && self.focus == Panel::Progress;
        let found = if is_progress {
            self.find_in_plan(&needle, forward, here)
        } else {
            self.find_in_rows(&needle, forward, here)
        };
        if !found {
            let text = format!("`{}` was not found", self.search);
            self.say(Slot::Attention, text);
        }
        Vec::new()
    }

    fn find_in_rows(&mut self, needle: &str, forward: bool, here: bool) -> bool {
        let texts = self.texts();
        let now = match self.views.last() {
            None => self.list(self.focus).cursor,
            Some(View::Text(view)) => view.found.unwrap_or(view.top),
            Some(View::Transcript(view)) => view.top.unwrap_or(0),
            Some(View::Log(view)) => view.list.cursor,
            Some(View::Tree(it) | View::Runs(it) | View::Timeline(it) | View::Tasks(it)) => {
                it.cursor
            }
        };
        let Some(row) = search(&texts, needle, now, forward, here) else {
            return false;
        };
        let focus = self.focus;
        match self.views.last_mut() {
            None => self.list_mut(focus).cursor = row,
            Some(View::Text(view)) => (view.found, view.top) = (Some(row), row.saturating_sub(2)),
            Some(View::Transcript(view)) => view.top = Some(row),
            Some(view) => {
                if let Some(list) = view.list_mut() {
                    list.cursor = row;
                }
            }
        }
        true
    }

    /// What is searched in each row of what has the focus.
    fn texts(&self) -> Vec<String> {
        match self.views.last() {
            None => (0..self.length(self.focus))
                .map(|row| self.row_text(self.focus, row))
                .collect(),
            Some(View::Text(view)) => {
                let text = |line: &crate::tui::paint::Line| {
                    line.iter().map(|(_, text)| text.as_str()).collect()
                };
                view.wrapped.iter().map(text).collect()
            }
            Some(View::Transcript(view)) => {
                let lines = view.lines.iter().take(view.shown());
                lines
                    .map(|line| format!("{} {}", line.word, line.text))
                    .collect()
            }
            Some(View::Log(view)) => {
                let rows = view.rows.iter();
                rows.map(|row| format!("{} {} {}", row.word, row.subject, row.text))
                    .collect()
            }
            Some(View::Tree(_)) => self.plan_texts(),
            Some(View::Runs(_)) => self
                .runs()
                .map(|(plan, run)| format!("{} {}", plan.key(), run.words))
                .collect(),
            Some(View::Timeline(_)) => self.bars().iter().map(|bar| bar.step.to_string()).collect(),
            Some(View::Tasks(_)) => self
                .tasks()
                .map(|task| format!("{} {}", task.number, task.title))
                .collect(),
        }
    }

    fn plan_texts(&self) -> Vec<String> {
        let rows = self.plan_rows(true, 0, usize::MAX);
        let text = |row: &PlanRow<'_>| match row {
            PlanRow::Phase(_, phase, _) => format!("{} {}", phase.key, phase.title),
            PlanRow::Step(step, stand) => {
                format!(
                    "{} {} {}",
                    step.record.id,
                    step.record.description,
                    stand.word()
                )
            }
        };
        rows.iter().map(text).collect()
    }

    /// As in rows, but closed phases are searched too, and opened where it is found.
    fn find_in_plan(&mut self, needle: &str, forward: bool, here: bool) -> bool {
        let texts = self.plan_texts();
        let rows = self.plan_rows(true, 0, usize::MAX);
        let selected = self.target();
        let is_selected = |row: &&PlanRow<'_>| match (row, &selected) {
            (PlanRow::Phase(place, ..), Some(Target::Phase(now))) => place == now,
            (PlanRow::Step(step, _), Some(Target::Step(_, now))) => step.record.id == *now,
            _ => false,
        };
        let now = rows.iter().position(|row| is_selected(&row)).unwrap_or(0);
        let Some(found) = search(&texts, needle, now, forward, here) else {
            return false;
        };
        let phases = rows[..=found].iter().rev();
        let mut behind = phases.enumerate().filter_map(|(behind, row)| match row {
            PlanRow::Phase(place, ..) => Some((*place, behind)),
            PlanRow::Step(..) => None,
        });
        let Some((place, behind)) = behind.next() else {
            return false;
        };
        if behind > 0 {
            self.fold(place, Some(true));
        }
        if let Some(row) = self.row_of_phase(place) {
            self.list_mut(Panel::Progress).cursor = row + behind;
        }
        true
    }
}

/// The next row with the text, cyclically; `here`: the row where one is counts too.
fn search(texts: &[String], needle: &str, now: usize, forward: bool, here: bool) -> Option<usize> {
    let length = texts.len();
    let places = (usize::from(!here)..=length).map(|away| {
        if forward {
            now + away
        } else {
            now + length.saturating_mul(2) - away
        }
    });
    let mut places = places.filter_map(|place| place.checked_rem(length));
    places.find(|place| texts[*place].to_lowercase().contains(needle))
}
