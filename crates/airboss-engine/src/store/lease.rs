//! Claims on names, with heartbeats: the rules, without where they are kept.
//!
//! A lease may save work, it never carries truth: what a late holder writes is refused by the
//! fence of the attempt, not by the lease.

use std::fmt;
use std::time::Duration;

use airboss_core::process::ProcessIdentity;
use airboss_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What is claimed, for example `run:<plan>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseKey(String);

impl LeaseKey {
    /// Wraps a name; whoever claims gives it its meaning.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LeaseKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// A claim that somebody holds, also after it has expired.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// What is claimed.
    pub key: LeaseKey,
    /// Grows with every claim of this key and is never used again.
    pub epoch: u64,
    /// Who holds it.
    pub holder: ProcessIdentity,
    /// How long it lives without a heartbeat.
    pub ttl: Duration,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// The newest sign of life.
    pub beat_at: Timestamp,
    /// The holder's own mark of how far it got.
    pub progress: u64,
    /// When that mark last changed: alive and getting on are two things.
    pub progress_at: Timestamp,
}

impl Lease {
    /// When it expires without another heartbeat.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.beat_at.after(self.ttl)
    }

    /// Whether anybody may claim it now.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at() <= now
    }
}

/// The answer to a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// It is the caller's, under this epoch.
    Granted {
        /// The fencing token of the claim.
        epoch: u64,
    },
    /// Somebody holds it. Whoever proves that the holder is gone may release its epoch.
    Held {
        /// The claim that stands.
        lease: Lease,
    },
}

/// What is kept of a key: its newest epoch outlives the claim, so that none is used twice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Slot {
    pub(super) epoch: u64,
    pub(super) lease: Option<Lease>,
}

impl Slot {
    /// Claims the key; the slot has changed when the claim is granted.
    pub(super) fn claim(
        &mut self,
        key: &LeaseKey,
        holder: &ProcessIdentity,
        ttl: Duration,
        now: Timestamp,
    ) -> Claim {
        if let Some(lease) = self.lease.as_ref().filter(|lease| !lease.is_expired(now)) {
            return Claim::Held {
                lease: lease.clone(),
            };
        }
        self.epoch += 1;
        self.lease = Some(Lease {
            key: key.clone(),
            epoch: self.epoch,
            holder: holder.clone(),
            ttl,
            claimed_at: now,
            beat_at: now,
            progress: 0,
            progress_at: now,
        });
        Claim::Granted { epoch: self.epoch }
    }

    /// Keeps the claim alive; `false` when it is no longer the caller's.
    pub(super) fn heartbeat(&mut self, epoch: u64, progress: u64, now: Timestamp) -> bool {
        let Some(lease) = self.lease.as_mut().filter(|lease| lease.epoch == epoch) else {
            return false;
        };
        lease.beat_at = now;
        if lease.progress != progress {
            lease.progress = progress;
            lease.progress_at = now;
        }
        true
    }

    /// Gives the claim back; `false` when it was not held under this epoch.
    pub(super) fn release(&mut self, epoch: u64) -> bool {
        self.lease.take_if(|lease| lease.epoch == epoch).is_some()
    }
}
