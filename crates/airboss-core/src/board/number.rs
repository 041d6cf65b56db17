//! Which number a new task gets.
//!
//! The stored next number is the truth. The highest number plus one is not: after a vault,
//! counting begins again at a low number while some tasks still carry high ones.

/// The highest number whose directory is recognised: it has five digits.
const HIGHEST: u32 = 99_999;

/// The range of numbers that a board sets for itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbering {
    /// The first number.
    pub min: u32,
    /// The last number.
    pub max: u32,
    /// After the last number, counting begins again.
    pub wraps: bool,
}

/// The next number as the two files have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StoredNext {
    /// That of state.json.
    pub state: Option<u32>,
    /// That of the front matter of TODO.md.
    pub todo: Option<u32>,
}

/// The number of a new task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allocation {
    /// The number.
    pub number: u32,
    /// What both files have to say afterwards.
    pub next: u32,
    /// What was odd.
    pub warnings: Vec<NumberWarning>,
}

/// Something odd about a number that was found all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NumberWarning {
    /// The files differ.
    #[error("the next number is {state} in state.json and {todo} in TODO.md; state.json counts")]
    Differ {
        /// In state.json.
        state: u32,
        /// In TODO.md.
        todo: u32,
    },
    /// state.json has none.
    #[error("state.json has no next number; that of TODO.md, {todo}, is used")]
    OnlyTodo {
        /// In TODO.md.
        todo: u32,
    },
    /// The stored number, and perhaps more after it, are taken.
    #[error("the next number was {stored}, which is in use; {number} is free")]
    Used {
        /// The stored number.
        stored: u32,
        /// The one that is free.
        number: u32,
    },
    /// Counting began again.
    #[error("the numbers up to {max} are used up; counting begins again at {min}")]
    Restarted {
        /// Where it begins.
        min: u32,
        /// The last number.
        max: u32,
    },
}

/// Why there is no number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NumberError {
    /// Neither file says which one is next.
    #[error(
        "neither state.json nor TODO.md says which number is next; set `next_project_number` in \
         state.json"
    )]
    Unset,
    /// None is free.
    #[error("every number from {min} to {max} is in use; archive finished tasks to a vault")]
    Exhausted {
        /// The first one.
        min: u32,
        /// The last one.
        max: u32,
    },
}

/// Finds the number of a new task.
///
/// `used` says whether a number is that of an entry, of an active, pending or completed task, or
/// of a directory outside of the vaults. Vaults do not count: theirs is an older cycle.
///
/// # Errors
/// When no next number is stored, or none is free.
pub fn allocate(
    stored: StoredNext,
    numbering: Option<Numbering>,
    used: impl Fn(u32) -> bool,
) -> Result<Allocation, NumberError> {
    let mut warnings = Vec::new();
    let next = match (stored.state, stored.todo) {
        (Some(state), Some(todo)) if state != todo => {
            warnings.push(NumberWarning::Differ { state, todo });
            state
        }
        (Some(state), _) => state,
        (None, Some(todo)) => {
            warnings.push(NumberWarning::OnlyTodo { todo });
            todo
        }
        (None, None) => return Err(NumberError::Unset),
    };
    let range = Range::of(numbering);
    let first = range.wrapped(next).ok_or(range.exhausted())?;
    let mut restarted = first != next;
    let mut number = first;
    while used(number) {
        let following = range.wrapped(number + 1).ok_or(range.exhausted())?;
        restarted |= following < number;
        number = following;
        if number == first {
            return Err(range.exhausted());
        }
    }
    if restarted {
        let Range { min, max, .. } = range;
        warnings.push(NumberWarning::Restarted { min, max });
    }
    if number != first {
        let stored = next;
        warnings.push(NumberWarning::Used { stored, number });
    }
    // A number beyond the last one is told to the next task, not to this one.
    let next = range.wrapped(number + 1).unwrap_or(number + 1);
    Ok(Allocation {
        number,
        next,
        warnings,
    })
}

/// The larger of two next numbers that differ, unless it is in use: what may be offered to a
/// person, and is never chosen silently.
#[must_use]
pub fn offer(stored: StoredNext, used: impl Fn(u32) -> bool) -> Option<u32> {
    let (state, todo) = (stored.state?, stored.todo?);
    let larger = state.max(todo);
    (state != todo && !used(larger)).then_some(larger)
}

#[derive(Clone, Copy)]
struct Range {
    min: u32,
    max: u32,
    wraps: bool,
}

impl Range {
    fn of(numbering: Option<Numbering>) -> Self {
        match numbering {
            // Without the policy a maximum is a remark: counting simply goes on.
            Some(Numbering {
                min,
                max,
                wraps: true,
            }) if max <= HIGHEST && min.max(1) <= max => Self {
                // 0 names no task: programs use it for "none".
                min: min.max(1),
                max,
                wraps: true,
            },
            _ => Self {
                min: 1,
                max: HIGHEST,
                wraps: false,
            },
        }
    }

    /// The number, or the one that stands for it when counting begins again.
    fn wrapped(self, number: u32) -> Option<u32> {
        match (number > self.max, self.wraps) {
            (false, _) => Some(number.max(1)),
            (true, true) => Some(self.min),
            (true, false) => None,
        }
    }

    fn exhausted(self) -> NumberError {
        let Self { min, max, .. } = self;
        NumberError::Exhausted { min, max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_state(next: u32, used: &[u32]) -> Result<Allocation, NumberError> {
        let stored = StoredNext {
            state: Some(next),
            todo: Some(next),
        };
        allocate(stored, None, |number| used.contains(&number))
    }

    fn check(next: u32, used: &[u32], number: u32, warnings: usize) {
        let allocation = from_state(next, used).unwrap();
        assert_eq!(allocation.number, number);
        assert_eq!(allocation.next, number + 1);
        assert_eq!(allocation.warnings.len(), warnings, "{allocation:?}");
    }

    #[test]
    fn the_stored_number_is_taken() {
        check(58, &[12, 57], 58, 0);
        // A vault was made: 998 is an active task of the cycle before.
        check(81, &[998, 80], 81, 0);
        check(58, &[58, 59, 61], 60, 1);
    }

    #[test]
    fn the_files_may_differ_or_say_nothing() {
        let free = |_: u32| false;
        let stored = |state, todo| StoredNext { state, todo };
        let differing = allocate(stored(Some(5), Some(9)), None, free).unwrap();
        assert_eq!(differing.number, 5);
        let warning = NumberWarning::Differ { state: 5, todo: 9 };
        assert_eq!(differing.warnings, [warning]);
        assert_eq!(offer(stored(Some(5), Some(9)), free), Some(9));
        assert_eq!(offer(stored(Some(5), Some(9)), |number| number == 9), None);
        let only = allocate(stored(None, Some(9)), None, free).unwrap();
        assert_eq!((only.number, only.warnings.len()), (9, 1));
        assert_eq!(
            allocate(stored(None, None), None, free),
            Err(NumberError::Unset)
        );
    }

    #[test]
    fn counting_begins_again_only_where_the_board_says_so() {
        let stored = StoredNext {
            state: Some(999),
            todo: None,
        };
        let policy = Some(Numbering {
            min: 0,
            max: 999,
            wraps: true,
        });
        let last = allocate(stored, policy, |_| false).unwrap();
        assert_eq!((last.number, last.next), (999, 1));
        let after = allocate(stored, policy, |number| number == 999 || number < 4).unwrap();
        assert_eq!((after.number, after.next), (4, 5));
        assert_eq!(after.warnings.len(), 2);
        let full = allocate(stored, policy, |_| true);
        assert_eq!(full, Err(NumberError::Exhausted { min: 1, max: 999 }));
        let onwards = allocate(stored, None, |number| number == 999).unwrap();
        assert_eq!((onwards.number, onwards.next), (1000, 1001));
    }
}
