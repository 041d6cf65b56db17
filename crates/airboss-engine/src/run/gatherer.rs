//! The threads beside the runner: evidence is gathered and commits are made there,
//! so that a long gate or a slow repository never keeps the runner from its agents.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use airboss_core::id::{AttemptId, StepId};
use airboss_core::verdict::Evidence;

use super::OpenStore;
use super::commits::{self, WishOutcome};
use super::evidence::{Gatherer, Job};
use crate::git::Repository;

/// What reaches the runner.
#[derive(Debug)]
pub(super) enum Message {
    /// A signal of the person.
    Signal(i32),
    /// The evidence of an attempt.
    Gathered {
        /// The attempt.
        attempt: AttemptId,
        /// Step by step.
        evidence: Vec<(StepId, Evidence)>,
    },
    /// A round of commits is over.
    Commits {
        /// The newest round that was asked for when it began.
        round: u64,
        /// What became of the wishes.
        outcomes: Result<Vec<WishOutcome>, String>,
    },
}

/// Starts the gatherer; it ends when the returned sender is dropped.
pub(super) fn start_gatherer(gatherer: Gatherer, out: Sender<Message>) -> Sender<Job> {
    // Unbounded, yet never longer than the number of attempts at once.
    let (jobs, inbox) = channel::<Job>();
    thread::spawn(move || {
        for job in inbox {
            let evidence = gatherer.gather(&job);
            if out
                .send(Message::Gathered {
                    attempt: job.attempt.id,
                    evidence,
                })
                .is_err()
            {
                return; // The runner is gone; the next one gathers again.
            }
        }
    });
    jobs
}

/// Starts the committer; every number sent to it asks for a round. It ends with its sender.
pub(super) fn start_committer(
    repository: Repository,
    open_store: OpenStore,
    out: Sender<Message>,
) -> Sender<u64> {
    let (rounds, inbox) = channel();
    thread::spawn(move || {
        let mut store = None;
        while let Some(round) = wait_for_round(&inbox) {
            let result = match &mut store {
                Some(store) => Ok(store),
                None => open_store().map(|opened| store.insert(opened)),
            };
            let outcomes = result.map_err(|error| error.to_string()).and_then(|store| {
                commits::drain(store.as_mut(), &repository).map_err(|error| error.to_string())
            });
            if out.send(Message::Commits { round, outcomes }).is_err() {
                return;
            }
        }
    });
    rounds
}

/// Rounds that piled up while the last one ran are one.
fn wait_for_round(inbox: &Receiver<u64>) -> Option<u64> {
    let first = inbox.recv().ok()?;
    Some(inbox.try_iter().last().unwrap_or(first))
}

/// Passes signals on as messages until either side is gone.
pub(super) fn forward_signals(signals: Receiver<i32>, out: Sender<Message>) {
    thread::spawn(move || {
        for signal in signals {
            if out.send(Message::Signal(signal)).is_err() {
                return;
            }
        }
    });
}
