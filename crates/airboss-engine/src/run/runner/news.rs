//! What others stored: commands of a person, claims of agents, commits.

use airboss_core::operation::StoredOperation;

use super::super::RunError;
use super::{PAGE, Runner};
use crate::store::OperationQuery;

impl Runner<'_> {
    /// Takes in all of it.
    pub(super) fn refresh(&mut self) -> Result<(), RunError> {
        if self.means.store.sequence()? <= self.view.sequence {
            return Ok(());
        }
        self.take_in(u64::MAX)
    }

    /// Takes in what stands before this place of the log.
    pub(super) fn take_in(&mut self, before: u64) -> Result<(), RunError> {
        // The log is the store's: a neighbour's number is no other operation of this plan.
        while self.view.sequence + 1 < before {
            let query = OperationQuery {
                plan: Some(self.request.plan.clone()),
                after: self.view.sequence,
                limit: PAGE,
                ..OperationQuery::default()
            };
            let page = self.means.store.operations(&query)?;
            let whole = page.len() < PAGE;
            let mine = |stored: &StoredOperation| stored.sequence >= before;
            let reached = whole || page.last().is_some_and(mine);
            for stored in page.iter().filter(|stored| !mine(stored)) {
                if self.view.apply(stored).is_err() {
                    return self.reload();
                }
                self.tell_report(&stored.operation);
                self.due = true;
            }
            if reached {
                return Ok(());
            }
        }
        Ok(())
    }
}
