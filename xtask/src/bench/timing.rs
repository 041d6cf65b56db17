//! Whole processes, timed in turn: A B C, A B C, so that a busy moment hits all of them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use wait4::Wait4 as _;

/// Rounds before those that count, for caches and the loader.
const WARM_UP: usize = 2;

/// What one round makes a subject do: the commands are timed, one after another.
type Round<'a> = dyn FnMut(usize) -> Result<Vec<Command>> + 'a;

/// Something that is timed.
pub(super) struct Subject<'a> {
    /// Its name in error messages.
    pub(super) name: &'static str,
    /// Prepares a round, untimed, and gives its commands. Rounds count from 0.
    pub(super) round: Box<Round<'a>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        name: &'static str,
        round: impl FnMut(usize) -> Result<Vec<Command>> + 'a,
    ) -> Self {
        let round = Box::new(round);
        Self { name, round }
    }
}

/// The rounds of one subject.
#[derive(Default)]
pub(super) struct Samples {
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
    /// The largest resident set of any of its processes, in kB.
    pub(super) peak: u64,
}

impl Samples {
    /// The median wall time.
    pub(super) fn median(&self) -> Duration {
        median(self.wall.clone()).unwrap_or_default()
    }

    /// The longest wall time.
    pub(super) fn longest(&self) -> Duration {
        self.wall.iter().copied().max().unwrap_or_default()
    }

    /// The median processor time.
    pub(super) fn cpu(&self) -> Duration {
        median(self.cpu.clone()).unwrap_or_default()
    }

    /// The median of the ratios of these rounds to the other's same rounds.
    pub(super) fn ratio_to(&self, other: &Self) -> f64 {
        let pairs = self.wall.iter().zip(&other.wall);
        let ratios = pairs.map(|(own, other)| own.as_secs_f64() / other.as_secs_f64());
        median_number(ratios.collect()).unwrap_or(f64::NAN)
    }

    fn push(&mut self, (wall, cpu, peak): (Duration, Duration, u64)) {
        self.wall.push(wall);
        self.cpu.push(cpu);
        self.peak = self.peak.max(peak);
    }
}

/// How many rounds a subject is asked for when so many are to be counted.
pub(super) fn rounds_with_warm_up(rounds: usize) -> usize {
    rounds + WARM_UP
}

/// Times the subjects in turn. A command that fails ends everything.
pub(super) fn in_turn<const N: usize>(
    mut subjects: [Subject<'_>; N],
    rounds: usize,
) -> Result<[Samples; N]> {
    let mut samples = std::array::from_fn(|_| Samples::default());
    for round in 0..rounds_with_warm_up(rounds) {
        for (subject, samples) in subjects.iter_mut().zip(&mut samples) {
            let commands = (subject.round)(round)?;
            let sample = time(commands).with_context(|| format!("timing {}", subject.name))?;
            if WARM_UP <= round {
                samples.push(sample);
            }
        }
    }
    Ok(samples)
}

fn time(commands: Vec<Command>) -> Result<(Duration, Duration, u64)> {
    let (mut wall, mut cpu, mut peak) = (Duration::ZERO, Duration::ZERO, 0);
    for mut command in commands {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        let child = command.spawn().with_context(|| format!("{command:?}"))?;
        let used = child.wait4()?;
        wall += start.elapsed();
        ensure!(used.status.success(), "{command:?}: {}", used.status);
        cpu += used.rusage.utime + used.rusage.stime;
        peak = peak.max(used.rusage.maxrss / 1024);
    }
    Ok((wall, cpu, peak))
}

/// The median duration; `None` of nothing.
fn median(mut all: Vec<Duration>) -> Option<Duration> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

/// The median number; `None` of nothing.
pub(super) fn median_number(mut all: Vec<f64>) -> Option<f64> {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(millis: &[u64]) -> Samples {
        Samples {
            wall: millis.iter().copied().map(Duration::from_millis).collect(),
            ..Samples::default()
        }
    }

    #[test]
    fn the_ratio_is_that_of_the_pairs() {
        // A busy moment in the second round hits both; the medians alone would say 2.5.
        let (ours, bare) = (samples(&[10, 200, 12]), samples(&[10, 100, 4]));
        assert!((ours.ratio_to(&bare) - 2.0).abs() < 1e-9);
        assert_eq!(ours.median(), Duration::from_millis(12));
    }

    #[test]
    fn a_command_that_fails_is_no_sample() {
        let failing = Subject::new("failing", |_| Ok(vec![Command::new("false")]));
        assert!(in_turn([failing], 1).is_err());
    }
}
