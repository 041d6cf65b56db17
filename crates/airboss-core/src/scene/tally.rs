//! Where steps stand, and how many stand where.

use crate::operation::StepStatus;
use crate::step::StepState;
use crate::view::Counts;

/// Where one step stands, as a person reads it: its stored status, told apart further.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stand {
    /// Completed: verified, or declared so by a person.
    Done,
    /// Left out by a person.
    Skipped,
    /// Failed, and its retries are used up.
    Failed,
    /// Failed, and it is tried again.
    Retried,
    /// An attempt works on it, or a person says so.
    InProgress,
    /// A person has to answer.
    NeedsAnswer,
    /// Its agent's service refuses to serve until an instant.
    Limited,
    /// Not before an instant.
    Parked,
    /// It waits for a step that needs a person.
    Blocked,
    /// Nothing of this: it is ready, or waits for steps that can still be done.
    Pending,
}

impl Stand {
    /// All of them, in the order in which a bar shows them.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Skipped,
        Self::Failed,
        Self::Retried,
        Self::InProgress,
        Self::NeedsAnswer,
        Self::Limited,
        Self::Parked,
        Self::Blocked,
        Self::Pending,
    ];

    /// The word for people, as `docs/style.md` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Retried => "to be retried",
            Self::InProgress => "in progress",
            Self::NeedsAnswer => "needs an answer",
            Self::Limited => "limited",
            Self::Parked => "parked",
            Self::Blocked => "blocked",
            Self::Pending => "pending",
        }
    }

    /// The stored status that it is part of.
    #[must_use]
    pub const fn status(self) -> StepStatus {
        match self {
            Self::Done => StepStatus::Completed,
            Self::Skipped => StepStatus::Skipped,
            Self::Failed | Self::Retried => StepStatus::Failed,
            Self::InProgress => StepStatus::InProgress,
            Self::NeedsAnswer | Self::Limited | Self::Parked | Self::Blocked | Self::Pending => {
                StepStatus::Pending
            }
        }
    }

    /// What waits for it waits for a person.
    pub(crate) const fn is_stuck(self) -> bool {
        matches!(self, Self::Failed | Self::NeedsAnswer)
    }

    /// Where a step stands by itself: blocking is not looked at.
    pub(super) fn own(state: &StepState, retries_max: u32) -> Self {
        match state.status {
            StepStatus::Completed => Self::Done,
            StepStatus::Skipped => Self::Skipped,
            StepStatus::InProgress => Self::InProgress,
            StepStatus::Failed if state.retry_count >= retries_max => Self::Failed,
            StepStatus::Failed => Self::Retried,
            StepStatus::Pending if state.is_waiting() => Self::NeedsAnswer,
            StepStatus::Pending if state.is_limited() => Self::Limited,
            StepStatus::Pending if state.wake_at.is_some() => Self::Parked,
            StepStatus::Pending => Self::Pending,
        }
    }
}

/// Steps counted by where they stand. They always add up to the total.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally([usize; Stand::ALL.len()]);

impl Tally {
    /// How many stand so.
    #[must_use]
    pub fn of(&self, stand: Stand) -> usize {
        self.0[stand as usize]
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Done or skipped: there is nothing left to do for these.
    #[must_use]
    pub fn settled(&self) -> usize {
        self.of(Stand::Done) + self.of(Stand::Skipped)
    }

    /// Each stand and how many steps have it, in the order of [`Stand::ALL`].
    #[must_use]
    pub fn by_stand(&self) -> [(Stand, usize); Stand::ALL.len()] {
        Stand::ALL.map(|stand| (stand, self.of(stand)))
    }

    /// The same by stored status.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (stand, count) in self.by_stand() {
            counts.add(stand.status(), count);
        }
        counts
    }

    pub(super) fn add(&mut self, stand: Stand) {
        self.0[stand as usize] += 1;
    }

    pub(super) fn take(&mut self, stand: Stand) {
        debug_assert!(self.0[stand as usize] > 0, "only what was added is taken");
        self.0[stand as usize] = self.0[stand as usize].saturating_sub(1);
    }
}
