//! The detail views: what each of them holds, and where it stands.

use std::time::Duration;

use airboss_core::id::{AttemptId, StepId};
use airboss_core::operation::PlanKey;
use airboss_core::time::Timestamp;
use ratatui::layout::Rect;

use super::list::List;
use super::target::Target;
use super::{LogRow, Request, Told};
use crate::tui::paint::{Line, wrap_line};

/// A pause of a recording is never replayed longer than this, as in `airboss replay`.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Lines of a transcript that are kept: hours of work; `airboss replay` has all of it.
const TOLD_MAX: usize = 20_000;
/// Columns of a text view that are left free at both sides.
pub(crate) const MARGINS: usize = 2;
/// The speeds of a replay: from half to what passes an hour in a minute.
const SPEEDS: [f64; 8] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// A detail view.
#[derive(Debug)]
pub enum View {
    /// A text.
    Text(TextView),
    /// What an agent says and does.
    Transcript(TranscriptView),
    /// The operation log.
    Log(LogView),
    /// The plan as a tree.
    Tree(List),
    /// The runs.
    Runs(List),
    /// The attempts over time.
    Timeline(List),
    /// The tasks of the board.
    Tasks(List),
}

impl View {
    /// Its list, if it has rows to select.
    pub fn list_mut(&mut self) -> Option<&mut List> {
        match self {
            Self::Text(_) => None,
            Self::Transcript(_) => None,
            Self::Log(view) => Some(&mut view.list),
            Self::Tree(list) | Self::Runs(list) | Self::Timeline(list) | Self::Tasks(list) => {
                Some(list)
            }
        }
    }

    /// Makes it fit into its place, with so many rows.
    pub(super) fn settle(&mut self, length: usize, body: Rect) {
        let height = usize::from(body.height);
        match self {
            Self::Text(view) => {
                view.fit(usize::from(body.width).saturating_sub(MARGINS));
                view.top = view.top.min(view.wrapped.len().saturating_sub(height));
            }
            Self::Transcript(view) => {
                if let Some(top) = &mut view.top {
                    *top = (*top).min(length.saturating_sub(1));
                }
            }
            _ => {
                if let Some(list) = self.list_mut() {
                    list.settle(length, height);
                }
            }
        }
    }
}

/// What was asked for: not there yet, there, or why not.
#[derive(Clone, PartialEq, Debug)]
pub enum Standing {
    /// It is being read.
    Reading,
    /// It is there.
    Read,
    /// It cannot be read.
    Failed(String),
}

/// A text that is scrolled.
#[derive(Debug)]
pub struct TextView {
    /// What was asked for.
    pub request: Request,
    /// What it is about.
    pub about: Option<Target>,
    /// Its title.
    pub title: String,
    /// Whether it is there.
    pub standing: Standing,
    /// Its lines as they were read.
    raw: Vec<Line>,
    /// Its lines as they are shown.
    pub wrapped: Vec<Line>,
    width: usize,
    /// The first line that is seen.
    pub top: usize,
    /// The line where something was found.
    pub found: Option<usize>,
}

impl TextView {
    /// Nothing is there yet.
    #[must_use]
    pub fn new(request: Request, about: Option<Target>, title: String) -> Self {
        Self {
            request,
            about,
            title,
            standing: Standing::Reading,
            raw: Vec::new(),
            wrapped: Vec::new(),
            width: 0,
            top: 0,
            found: None,
        }
    }

    /// Whether it changes when the store does.
    #[must_use]
    pub fn is_of_the_store(&self) -> bool {
        !matches!(self.request, Request::Findings(..) | Request::Diff(..))
    }

    /// Takes what was read. A text that was there stays when it cannot be read again.
    pub fn take(&mut self, text: Result<Vec<Line>, String>, width: usize) {
        match text {
            Ok(raw) => {
                self.standing = Standing::Read;
                self.raw = raw;
                self.width = 0;
                self.fit(width);
            }
            Err(error) if self.raw.is_empty() => self.standing = Standing::Failed(error),
            Err(_) => {}
        }
    }

    fn fit(&mut self, width: usize) {
        if width != self.width && width > 0 {
            self.width = width;
            self.wrapped = self
                .raw
                .iter()
                .flat_map(|line| wrap_line(line, width))
                .collect();
        }
    }
}

/// What an agent says and does.
#[derive(Debug)]
pub struct TranscriptView {
    /// The plan.
    pub plan: PlanKey,
    /// The step.
    pub step: StepId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its name.
    pub name: String,
    /// All that was heard.
    pub lines: Vec<Told>,
    /// Lines that are no longer kept.
    pub left_out: usize,
    /// Nobody writes it any more.
    pub over: bool,
    /// It was heard from.
    pub begun: bool,
    /// The first line that is seen; `None`: the last ones are followed.
    pub top: Option<usize>,
    /// How a replay stands; `None`: it is live, or read as a whole.
    pub replay: Option<Replay>,
}

/// How a replay stands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Replay {
    /// Which of the speeds.
    speed: usize,
    /// It goes on by itself.
    pub playing: bool,
    /// The instant of the recording that is shown.
    pub at: Timestamp,
    /// The instant at which it was moved last.
    moved: Timestamp,
}

impl Replay {
    /// How many times as fast as it was.
    #[must_use]
    pub fn speed(self) -> f64 {
        SPEEDS[self.speed]
    }
}

impl TranscriptView {
    /// Nothing was heard yet.
    #[must_use]
    pub fn new((plan, step, attempt): (PlanKey, StepId, AttemptId), name: String) -> Self {
        Self {
            plan,
            step,
            attempt,
            name,
            lines: Vec::new(),
            left_out: 0,
            over: false,
            begun: false,
            top: None,
            replay: None,
        }
    }

    pub(super) fn hear(&mut self, attempt: AttemptId, lines: Vec<Told>, over: bool) {
        if attempt != self.attempt {
            return;
        }
        self.lines.extend(lines);
        let surplus = self.lines.len().saturating_sub(TOLD_MAX);
        self.lines.drain(..surplus);
        self.left_out += surplus;
        self.over = over;
        self.begun = true;
    }

    /// When it begins.
    #[must_use]
    pub fn from(&self) -> Timestamp {
        self.lines
            .first()
            .map_or(Timestamp::default(), |line| line.at)
    }

    /// How many of its lines are shown.
    #[must_use]
    pub fn shown(&self) -> usize {
        match self.replay {
            None => self.lines.len(),
            Some(replay) => self.lines.partition_point(|line| line.at <= replay.at),
        }
    }

    /// Whether it changes by itself.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.replay.is_some_and(|replay| replay.playing)
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        let shown = self.shown();
        let next = self.lines.get(shown).map(|line| line.at);
        let Some(replay) = &mut self.replay else {
            return;
        };
        let passed = now.since(replay.moved);
        replay.moved = now;
        if !replay.playing {
            return;
        }
        let Some(next) = next else {
            // The end: what comes from now on is live.
            self.replay = None;
            return;
        };
        replay.at = replay.at.after(passed.mul_f64(replay.speed()));
        let pause = PAUSE_MAX.mul_f64(replay.speed());
        if next.since(replay.at) > pause {
            replay.at = Timestamp::from_millis(
                next.as_millis() - i64::try_from(pause.as_millis()).unwrap_or(0),
            );
        }
    }

    /// Plays, or stops; what was over or live begins anew.
    pub(super) fn play(&mut self, now: Timestamp) {
        match &mut self.replay {
            Some(replay) => {
                replay.playing = !replay.playing;
                replay.moved = now;
            }
            None => self.rewind(now),
        }
    }

    pub(super) fn rewind(&mut self, now: Timestamp) {
        let speed = self.replay.map_or(1, |replay| replay.speed);
        self.top = None;
        self.replay = Some(Replay {
            speed,
            playing: true,
            at: self.from(),
            moved: now,
        });
    }

    pub(super) fn faster(&mut self, steps: isize, now: Timestamp) {
        if self.replay.is_none() {
            self.rewind(now);
        }
        if let Some(replay) = &mut self.replay {
            replay.speed = replay
                .speed
                .saturating_add_signed(steps)
                .min(SPEEDS.len() - 1);
        }
    }

    /// Scrolls by lines; behind the last it is followed again.
    pub(super) fn scroll(&mut self, rows: isize, height: usize) {
        let last = self.shown().saturating_sub(1);
        let now = self.top.unwrap_or((last + 1).saturating_sub(height));
        let to = now.saturating_add_signed(rows);
        self.top = (to + height <= last).then_some(to);
    }
}

/// The operation log.
#[derive(Debug)]
pub struct LogView {
    /// Whether it is there.
    pub standing: Standing,
    /// The rows, the newest first.
    pub rows: Vec<LogRow>,
    /// Where one is.
    pub list: List,
}

impl LogView {
    /// Nothing was read yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            standing: Standing::Reading,
            rows: Vec::new(),
            list: List::default(),
        }
    }

    pub(super) fn take(&mut self, rows: Result<Vec<LogRow>, String>) {
        match rows {
            Ok(mut rows) => {
                rows.reverse();
                self.standing = Standing::Read;
                self.list.grown(rows.first().map_or(0, |row| row.sequence));
                self.rows = rows;
            }
            Err(error) if self.rows.is_empty() => self.standing = Standing::Failed(error),
            Err(_) => {}
        }
    }
}

impl Default for LogView {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(seconds: &[i64]) -> TranscriptView {
        let key = PlanKey::new(airboss_core::path::RepoPath::new("plan.md").unwrap());
        let told = |second: &i64| Told {
            at: Timestamp::from_millis(second * 1000),
            word: "text",
            slot: crate::tui::theme::Slot::Plain,
            text: second.to_string(),
        };
        let mut view =
            TranscriptView::new((key, "1.1".into(), AttemptId::default()), String::new());
        view.hear(
            AttemptId::default(),
            seconds.iter().map(told).collect(),
            true,
        );
        view
    }

    #[test]
    fn a_replay_keeps_the_pauses_but_not_the_long_ones() {
        let mut view = transcript(&[0, 4, 1000]);
        let wall = |seconds: i64| Timestamp::from_millis(5_000_000 + seconds * 1000);
        view.play(wall(0));
        assert_eq!(view.shown(), 1);
        view.tick(wall(3));
        assert_eq!(view.shown(), 1);
        view.faster(1, wall(3));
        view.tick(wall(4));
        assert_eq!(view.shown(), 2, "twice as fast");
        view.tick(wall(5));
        assert_eq!(view.shown(), 2);
        view.tick(wall(16));
        assert_eq!(view.shown(), 3, "ten seconds, not twenty minutes");
        view.tick(wall(17));
        assert!(view.replay.is_none(), "it is live again");
    }
}
