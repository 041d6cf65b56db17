//! From attempts, steps and commits to sums and the sentence that matters.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::fold::{Folded, by_time, millis};
use super::{
    Account, AgentLine, AttemptLine, Count, FORMAT, Facts, Group, StepLine, TaskLine, Totals, shown,
};
use crate::attempt::StreamReport;
use crate::id::AttemptId;
use crate::scene::Stand;
use crate::time::Timestamp;
use crate::verdict::Verdict;

pub(super) fn account(facts: Facts, mut told: Folded) -> Account {
    told.runs
        .sort_by(|left, right| by_time(left).cmp(&by_time(right)));
    in_order(&mut told);
    told.commits.sort_by_key(|commit| commit.at);
    told.open.sort_by_key(|item| item.kind);
    let reports = told.reports.iter();
    let reports: HashMap<AttemptId, &StreamReport> =
        reports.map(|(id, report)| (*id, report)).collect();
    let steps = || told.groups.iter().flat_map(|group| &group.steps);
    let counts = counts(steps());
    let verified = steps().filter(|step| step.verified).count();
    let done = steps().filter(|step| step.stand == Stand::Done).count();
    let totals = totals(&told, steps(), &reports);
    let last = told.runs.iter().max_by_key(|run| run.began);
    let is_open = told.runs.iter().any(|run| run.ended.is_none());
    let ended = told.runs.iter().filter_map(|run| run.ended).max();
    let title = match facts.title.is_empty() {
        true => told.name.clone(),
        false => shown(&facts.title),
    };
    Account {
        format: FORMAT,
        sentence: sentence(
            &counts,
            totals.steps,
            verified,
            done - verified,
            &facts.tasks,
        ),
        title,
        subject: facts.subject,
        as_of: facts.as_of,
        began: told.runs.first().map(|run| run.began),
        ended: ended.filter(|_| !is_open),
        ending: last.and_then(|run| run.ending),
        counts,
        verified,
        declared: done - verified,
        totals,
        agents: agents(&told.attempts, &reports),
        runs: told.runs,
        groups: told.groups,
        attempts: told.attempts,
        commits: told.commits,
        open: told.open,
        tasks: facts.tasks,
    }
}

/// Brings the attempts of several plans into the order in which they began.
fn in_order(told: &mut Folded) {
    let mut order: Vec<usize> = (0..told.attempts.len()).collect();
    order.sort_by_key(|place| told.attempts[*place].began);
    let mut new_place = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        new_place[*old] = new;
    }
    told.attempts.sort_by_key(|attempt| attempt.began);
    let groups: &mut Vec<Group> = &mut told.groups;
    for step in groups.iter_mut().flat_map(|group| &mut group.steps) {
        for place in &mut step.attempts {
            *place = new_place[*place];
        }
    }
}

fn counts<'a>(steps: impl Iterator<Item = &'a StepLine>) -> Vec<Count> {
    let mut counts = Stand::ALL.map(|stand| Count { stand, steps: 0 });
    for step in steps {
        counts[step.stand as usize].steps += 1;
    }
    counts.into_iter().filter(|count| count.steps > 0).collect()
}

fn totals<'a>(
    told: &Folded,
    steps: impl Iterator<Item = &'a StepLine>,
    reports: &HashMap<AttemptId, &StreamReport>,
) -> Totals {
    let attempts = &told.attempts;
    let mut totals = Totals {
        attempts: attempts.len(),
        retries: attempts.iter().filter(|attempt| attempt.retry).count(),
        worked_ms: attempts.iter().map(|attempt| attempt.duration_ms).sum(),
        spent: AttemptLine::spent(attempts.iter().map(|attempt| &attempt.id), reports),
        ..Totals::default()
    };
    for step in steps {
        totals.steps += 1;
        totals.parked_ms += step.parked_ms;
        totals.waited_ms += step.waited_ms;
    }
    (totals.most_at_once, totals.flown_ms) = in_the_air(attempts);
    totals
}

/// The most attempts at once, and the milliseconds in which there was at least one.
fn in_the_air(attempts: &[AttemptLine]) -> (usize, u64) {
    let mut turns: Vec<(Timestamp, bool)> = Vec::new();
    for attempt in attempts {
        let landed = attempt.landed.unwrap_or_else(|| attempt.end());
        // One of no length, or one that the clock shows backwards, was there for an instant.
        let least = attempt.began.after(Duration::from_millis(1));
        turns.push((attempt.began, true));
        turns.push((landed.max(least), false));
    }
    // What ends in the instant in which another begins was not beside it.
    turns.sort();
    let (mut now, mut most, mut flown) = (0_usize, 0, 0);
    let mut since = Timestamp::default();
    for (at, begins) in turns {
        if begins {
            if now == 0 {
                since = at;
            }
            now += 1;
            most = most.max(now);
        } else {
            now -= 1;
            if now == 0 {
                flown += millis(at, since);
            }
        }
    }
    (most, flown)
}

impl AttemptLine {
    /// When it was judged, or how far it is told of.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        let so_far = Duration::from_millis(self.duration_ms);
        self.ended.unwrap_or_else(|| self.began.after(so_far))
    }
}

fn agents(attempts: &[AttemptLine], reports: &HashMap<AttemptId, &StreamReport>) -> Vec<AgentLine> {
    let mut own: BTreeMap<(&str, Option<&str>), Vec<&AttemptLine>> = BTreeMap::new();
    for attempt in attempts {
        let key = (attempt.agent.as_str(), attempt.model.as_deref());
        own.entry(key).or_default().push(attempt);
    }
    let lines = own.into_iter().map(|((agent, model), own)| {
        let count = |wanted: &[Verdict]| {
            let own = own.iter().filter_map(|attempt| attempt.verdict);
            own.filter(|verdict| wanted.contains(verdict)).count()
        };
        let verified = count(&[Verdict::Verified]);
        let failed = count(&[Verdict::Failed, Verdict::Unverified]);
        let open = own.iter().filter(|attempt| attempt.verdict.is_none());
        let open = open.count();
        let ended = own.iter().filter(|attempt| attempt.ended.is_some());
        AgentLine {
            agent: agent.to_owned(),
            model: model.map(str::to_owned),
            attempts: own.len(),
            verified,
            failed,
            other: own.len() - verified - failed - open,
            open,
            median_ms: median(ended.map(|attempt| attempt.duration_ms).collect()),
            spent: AttemptLine::spent(own.iter().map(|attempt| &attempt.id), reports),
        }
    });
    lines.collect()
}

/// The middle value; of an even number the lower of the two, so that it is one that occurred.
fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    let middle = values.len().checked_sub(1)? / 2;
    values.get(middle).copied()
}

/// `17 of 20 steps verified, 2 failed, 1 waits for you`.
fn sentence(
    counts: &[Count],
    total: usize,
    verified: usize,
    declared: usize,
    tasks: &[TaskLine],
) -> String {
    let steps = if total == 1 { "step" } else { "steps" };
    let mut parts = vec![match (total, verified) {
        (0, _) => "no step was flown".to_owned(),
        (1, 1) => "the only step is verified".to_owned(),
        (_, all) if all == total => format!("all {total} steps verified"),
        _ => format!("{verified} of {total} {steps} verified"),
    }];
    if declared > 0 {
        parts.push(format!("{declared} declared done by a person"));
    }
    // What a person may have to do something about comes first.
    let mut counts = counts.to_vec();
    counts.sort_by_key(|count| (count.stand == Stand::Skipped, !count.stand.is_stuck()));
    for count in counts {
        let number = count.steps;
        let waits = if number == 1 { "waits" } else { "wait" };
        let words = match count.stand {
            Stand::Done => continue,
            Stand::NeedsAnswer => format!("{number} {waits} for you"),
            Stand::Pending => format!("{number} not begun"),
            other => format!("{number} {}", other.word()),
        };
        parts.push(words);
    }
    let said = parts.join(", ");
    if tasks.is_empty() {
        return said;
    }
    let finished = tasks.iter().filter(|task| task.finished).count();
    format!("{finished} of {} tasks finished; {said}", tasks.len())
}
