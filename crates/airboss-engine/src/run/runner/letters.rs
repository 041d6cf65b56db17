//! What agents left in the inbox, taken in while the run flies.

use super::super::events::RunEvent;
use super::Runner;
use crate::inbox;

/// Rounds of letters taken from the inbox in one turn: more than one attempt may report.
const INBOX_ROUNDS: usize = 16;
/// Refused letters that are told of; the others lie in the inbox with their reasons.
const INBOX_TOLD: usize = 20;

impl Runner<'_> {
    /// Takes in what agents left in the inbox; [`Runner::refresh`] then hears of it.
    pub(super) fn drain_inbox(&mut self) {
        for _ in 0..INBOX_ROUNDS {
            let request = self.request;
            let store = self.means.store.as_mut();
            let drained = inbox::drain(&request.top, &request.state, store);
            for message in drained.notes() {
                // One that cannot be moved away is found again, and told once.
                let is_new = self.told_refused.len() < INBOX_TOLD
                    && self.told_refused.insert(message.clone());
                if is_new {
                    self.tell(&RunEvent::Warning { message });
                }
            }
            if drained.taken == 0 {
                return;
            }
        }
    }
}
