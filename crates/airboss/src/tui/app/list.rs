//! Which row of a list is selected and which is the first that is seen.

/// A place in a list of rows. The list itself is elsewhere and may be of any length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct List {
    /// The selected row.
    pub cursor: usize,
    /// The first row that is seen.
    pub top: usize,
    /// The rows that ever were, of a list that grows at its beginning.
    ever: u64,
}

impl List {
    /// A list with this row selected.
    #[must_use]
    pub fn at(cursor: usize) -> Self {
        Self {
            cursor,
            ..Self::default()
        }
    }

    /// Moves the selection by rows.
    pub fn step(&mut self, rows: isize, length: usize) {
        let last = length.saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Makes it fit: the selection is a row and is seen, and no room is left empty.
    pub fn settle(&mut self, length: usize, height: usize) {
        self.cursor = self.cursor.min(length.saturating_sub(1));
        let height = height.max(1);
        let most = length.saturating_sub(height);
        let lowest = (self.cursor + 1).saturating_sub(height);
        self.top = self.top.clamp(
            lowest.min(most),
            self.cursor.min(most).max(lowest.min(most)),
        );
    }

    /// Rows came in at the beginning. Whoever looks at the newest goes on to do so; whoever
    /// looks at another keeps it.
    pub fn grown(&mut self, ever: u64) {
        let more = usize::try_from(ever.saturating_sub(self.ever)).unwrap_or(usize::MAX);
        self.ever = ever;
        if self.cursor > 0 {
            self.cursor = self.cursor.saturating_add(more);
            self.top = self.top.saturating_add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cursor: usize, top: usize, length: usize, height: usize, expected: (usize, usize)) {
        let mut list = List {
            cursor,
            top,
            ever: 0,
        };
        list.settle(length, height);
        assert_eq!((list.cursor, list.top), expected);
    }

    #[test]
    fn the_selection_is_always_seen() {
        check(0, 0, 0, 5, (0, 0));
        check(9, 0, 10, 5, (9, 5));
        check(2, 7, 10, 5, (2, 2));
        check(50, 3, 10, 5, (9, 5));
        check(3, 9, 10, 20, (3, 0));
        check(3, 0, 10, 0, (3, 3));
    }

    #[test]
    fn what_is_looked_at_stays_when_rows_come_in() {
        let mut newest = List::default();
        newest.grown(5);
        assert_eq!(newest.cursor, 0);
        let mut other = List {
            cursor: 2,
            top: 1,
            ever: 5,
        };
        other.grown(8);
        assert_eq!((other.cursor, other.top), (5, 4));
    }
}
