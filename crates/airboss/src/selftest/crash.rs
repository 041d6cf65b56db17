//! The kill sweep of `selftest --crash`: a few commands, each killed at points spread evenly over
//! all of them, until all were visited or the time is over.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use airboss_faults::{Ended, Mode};
use serde::Serialize;

use super::{Judge, Scenario, Template, board, strike};

/// One of each sort: what makes a task, what changes three files and makes a commit, what takes
/// in a person's edit, and what takes a change back.
const COMMANDS: [&Scenario; 4] = [
    &board::ADD,
    &board::STATUS_WITH_PHASES,
    &board::SYNC,
    &board::UNDO,
];

/// What came of one command.
#[derive(Clone, Debug, Serialize)]
pub struct Swept {
    /// The command.
    pub command: String,
    /// How many points there are: before and after each call that changes something, and in the
    /// middle of each write.
    pub points: usize,
    /// At how many of them it was killed.
    pub killed: usize,
    /// How many different places that left.
    pub places: usize,
    /// What was wrong with them.
    pub violations: Vec<String>,
}

/// How far a sweep goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// So long, divided among the commands; each is killed once at least.
    For(Duration),
    /// To the last point.
    Full,
}

/// Sweeps over a few commands of the program in a directory, which is left as it was. Answers
/// what came of them, fewer when it is interrupted.
///
/// # Errors
/// When a place cannot be prepared, or the program cannot be traced.
pub fn sweep(
    program: &Path,
    directory: &Path,
    extent: Extent,
    interrupted: &dyn Fn() -> bool,
) -> io::Result<Vec<Swept>> {
    let began = Instant::now();
    let mut all = Vec::new();
    for (place, scenario) in COMMANDS.iter().enumerate() {
        let deadline = match extent {
            Extent::Full => None,
            Extent::For(time) => {
                let rest = time.saturating_sub(began.elapsed());
                let share = u32::try_from(COMMANDS.len() - place).unwrap_or(1);
                Some(Instant::now() + rest / share)
            }
        };
        let swept = sweep_one(program, directory, scenario, deadline, interrupted)?;
        if interrupted() {
            break;
        }
        all.push(swept);
    }
    Ok(all)
}

fn sweep_one(
    program: &Path,
    directory: &Path,
    scenario: &'static Scenario,
    deadline: Option<Instant>,
    interrupted: &dyn Fn() -> bool,
) -> io::Result<Swept> {
    let template = Template::new(program, scenario, directory)?;
    let judge = Judge::new(&template)?;
    let undisturbed = template.case(0)?.tracer().run(Mode::Baseline);
    let undisturbed = undisturbed.map_err(io::Error::other)?;
    if undisturbed.ended != Ended::Exited(0) {
        return Err(io::Error::other(undisturbed.stderr));
    }
    let calls = undisturbed.list.iter();
    let writes = calls.filter(|call| call.length.is_some_and(|length| length > 1));
    let (calls, writes) = (undisturbed.calls, writes.count());
    let points = 2 * calls + writes;
    let mut swept = Swept {
        command: scenario.name.to_owned(),
        points,
        killed: 0,
        places: 0,
        violations: Vec::new(),
    };
    for point in spread(points) {
        // Where nothing was killed yet, nothing can be said of it.
        let is_over =
            swept.killed > 0 && deadline.is_some_and(|deadline| Instant::now() > deadline);
        if is_over || interrupted() {
            break;
        }
        let mode = match point {
            point if point < calls => Mode::KillBefore(1 + point),
            point if point < 2 * calls => Mode::KillAfter(1 + point - calls),
            point => Mode::ShortThenKill(1 + point - 2 * calls),
        };
        let case = strike(&template.case(0)?, &judge, mode)?;
        // A key that ends this program ends what it runs, too, and that says nothing.
        if interrupted() {
            break;
        }
        // Runs differ by a call or two; a fault that did not strike proves nothing.
        swept.killed += usize::from(case.fired);
        swept.violations.extend(case.wrongs);
    }
    swept.places = judge.places();
    Ok(swept)
}

/// All numbers below this one, each once, so that any first part of them is spread over all.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    /// The golden ratio, in thousandths: what comes next is never near what came last.
    const GOLDEN: usize = 618;
    let mut step = (count * GOLDEN / 1_000).max(1);
    while divisor(step, count) > 1 {
        step += 1;
    }
    (0..count).map(move |number| number * step % count)
}

/// The greatest common divisor (Euclid).
fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once_and_the_first_ones_are_far_apart() {
        for count in [0, 1, 2, 3, 10, 97, 1_000, 1_251] {
            let mut all: Vec<_> = spread(count).collect();
            if count >= 97 {
                let (mut first, wide) = (all[..10].to_vec(), count / 25);
                first.sort_unstable();
                assert!(first.windows(2).all(|pair| pair[1] - pair[0] > wide));
            }
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count));
        }
    }
}
