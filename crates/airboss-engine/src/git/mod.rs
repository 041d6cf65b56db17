//! Git: what changed in the work tree, whose it is, and commits that hold exactly that.
//!
//! A commit is built without the user's index and without touching his work tree,
//! proved by a tree diff, and published by compare-and-swap; only then his index is
//! patched for exactly those paths. Nothing here ever resets, checks out, cleans or
//! stages "everything". Objects, references and the index go through gix; the git
//! program serves what gix lacks (status, filters, text merges, unusual indexes).
//!
//! ```text
//! Repository ─▶ Snapshot (before) ─▶ … an attempt … ─▶ Snapshot (after)
//!                    └───────── changes() ────────────────┘
//!                                  │  airboss_core::attribution
//!                                  ▼
//!          defer ─▶ scoped_commit: build ─▶ prove ─▶ claim ─▶ index.lock + ref.lock ─▶ publish
//!                                                      └── a crash here ─▶ recover()
//! ```

mod bystander;
mod changes;
mod claim;
mod commit;
mod content;
mod defer;
mod error;
mod index;
mod keep;
mod merge;
mod message;
mod object;
mod origin;
mod program;
mod publish;
mod recover;
mod repository;
mod snapshot;
mod tree;

pub use changes::{Change, Origin, changes, staged_meanwhile};
pub(crate) use commit::enter_gate;
pub use commit::{
    CommitOutcome, CommitRequest, CommitSettings, Delta, LeftOut, Refusal, scoped_commit,
};
pub(crate) use content::{blob_id, blobs_at};
pub use defer::{DeferReason, deferral};
pub use error::GitError;
pub use merge::Conflict;
pub(crate) use message::session_trailers;
pub use message::{Message, OPERATION_TRAILER, first_line, step_subject};
pub use object::{Entry, FileMode, Oid, OidError};
pub use origin::Writer;
pub(crate) use publish::wait_for_index_lock;
pub use recover::{Recovered, recover, remove_torn};
pub use repository::Repository;
pub use snapshot::{Snapshot, SnapshotOptions, Unattributable, UnattributableReason};

#[cfg(test)]
mod tests;
