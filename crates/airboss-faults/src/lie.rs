//! Calls that are carried out otherwise than asked, while the program hears that all is well.
//!
//! So a program that is wrong on purpose is made of the right one: one that forgets a sync, or
//! renames where it should exchange. A suite that finds nothing wrong with it sees nothing.

use std::fmt;
use std::sync::Arc;

use crate::call::Call;

/// What becomes of one call instead.
pub struct Lie {
    pub(crate) omitted: bool,
    pub(crate) replaces: bool,
    pub(crate) afterwards: Option<Box<dyn FnOnce() + Send>>,
}

impl Lie {
    /// It is not carried out, and answers success.
    #[must_use]
    pub fn omitted() -> Self {
        Self {
            omitted: true,
            replaces: false,
            afterwards: None,
        }
    }

    /// A rename that should exchange, or refuse to replace, replaces.
    #[must_use]
    pub fn replacing() -> Self {
        Self {
            omitted: false,
            replaces: true,
            afterwards: None,
        }
    }

    /// It is carried out, and something is done before the program goes on.
    #[must_use]
    pub fn then(afterwards: impl FnOnce() + Send + 'static) -> Self {
        Self {
            omitted: false,
            replaces: false,
            afterwards: Some(Box::new(afterwards)),
        }
    }

    /// Something is done before the program goes on, unless it is killed at this call.
    #[must_use]
    pub fn and_then(mut self, afterwards: impl FnOnce() + Send + 'static) -> Self {
        self.afterwards = Some(Box::new(afterwards));
        self
    }
}

impl fmt::Debug for Lie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Lie")
            .field("omitted", &self.omitted)
            .field("replaces", &self.replaces)
            .finish_non_exhaustive()
    }
}

type Answer<T> = dyn Fn(&Call) -> T + Send + Sync;

/// Somebody who is asked about calls, and may do something of its own before it answers.
pub(crate) struct Asked<T>(Arc<Answer<T>>);

impl<T> Asked<T> {
    pub(crate) fn new(answer: impl Fn(&Call) -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    pub(crate) fn about(&self, call: &Call) -> T {
        (self.0)(call)
    }
}

// Derived, it would ask the same of the answers.
impl<T> Clone for Asked<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Asked<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Asked")
    }
}
