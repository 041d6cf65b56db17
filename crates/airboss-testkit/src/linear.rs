//! Whether what callers saw of one register can be explained by one order of their calls.
//!
//! A history is linearizable when every call can be given one instant between its invocation
//! and its response, so that each read finds what was written last before its instant. In
//! general that is hard to decide; where no value is written twice it is quick (P. Gibbons and
//! E. Korach, "Testing Shared Memories", SIAM J. Comput. 26(4), 1997). All calls of one value
//! form a cluster, and its zone lies between the first response and the last invocation in it:
//! when the first is earlier, the register surely held the value all that time.
//!
//! This module is pure; the clock of the histories is the caller's.

use std::collections::BTreeMap;
use std::fmt::Debug;

/// From the invocation of a call to its response, by any clock that only goes forward.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The invocation: nothing of the call happened before.
    pub begin: u64,
    /// The response: all of the call had happened then. Of a call without one, `u64::MAX`.
    pub end: u64,
}

impl Span {
    /// Whether it was over before the other began.
    #[must_use]
    pub fn precedes(self, other: Self) -> bool {
        self.end < other.begin
    }
}

/// What a call did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It put the value there.
    Write,
    /// It found the value there.
    Read,
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call<V> {
    /// When.
    pub span: Span,
    /// What it did.
    pub kind: Kind,
    /// The value.
    pub value: V,
}

/// The calls of one value.
struct Cluster {
    write: Option<Span>,
    first_end: u64,
    last_begin: u64,
}

impl Cluster {
    fn is_forward(&self) -> bool {
        self.first_end < self.last_begin
    }
}

/// Why no order of the calls explains a history that began with `initial`; `None` when one does.
pub fn refute<V: Ord + Clone + Debug>(initial: &V, calls: &[Call<V>]) -> Option<String> {
    let mut clusters: BTreeMap<&V, Cluster> = BTreeMap::new();
    let begin = Call {
        span: Span { begin: 0, end: 0 },
        kind: Kind::Write,
        value: initial.clone(),
    };
    for call in [&begin].into_iter().chain(calls) {
        let cluster = clusters.entry(&call.value).or_insert(Cluster {
            write: None,
            first_end: u64::MAX,
            last_begin: 0,
        });
        cluster.first_end = cluster.first_end.min(call.span.end);
        cluster.last_begin = cluster.last_begin.max(call.span.begin);
        if call.kind == Kind::Write && cluster.write.replace(call.span).is_some() {
            return Some(format!("{:?} was written twice", call.value));
        }
    }
    for call in calls.iter().filter(|call| call.kind == Kind::Read) {
        match clusters.get(&call.value).and_then(|cluster| cluster.write) {
            None => return Some(format!("{:?} was read and never written", call.value)),
            Some(write) if call.span.precedes(write) => {
                return Some(format!("{:?} was read before it was written", call.value));
            }
            Some(_) => {}
        }
    }
    let (mut forward, backward): (Vec<_>, Vec<_>) = clusters
        .iter()
        .partition(|(_, cluster)| cluster.is_forward());
    forward.sort_by_key(|(_, cluster)| cluster.first_end);
    for pair in forward.windows(2) {
        let ((one, before), (other, after)) = (pair[0], pair[1]);
        if after.first_end < before.last_begin {
            return Some(format!("{one:?} and {other:?} were both there at one time"));
        }
    }
    for (value, cluster) in backward {
        let place = forward.partition_point(|(_, zone)| zone.first_end < cluster.last_begin);
        let zone = place.checked_sub(1).and_then(|place| forward.get(place));
        if let Some((other, zone)) = zone
            && cluster.first_end < zone.last_begin
        {
            return Some(format!(
                "{value:?} came and went while {other:?} was there all the time"
            ));
        }
    }
    None
}

/// Two events whose places in a log are not in the order in which they happened: the first was
/// over before the second began, and stands behind it. `None` when there are none.
#[must_use]
pub fn out_of_order(events: &[(Span, u64)]) -> Option<((Span, u64), (Span, u64))> {
    let mut by_begin = events.to_vec();
    by_begin.sort_by_key(|(span, _)| span.begin);
    let mut by_end = events.to_vec();
    by_end.sort_by_key(|(span, _)| span.end);
    let mut over = by_end.into_iter().peekable();
    let mut highest: Option<(Span, u64)> = None;
    for event in by_begin {
        while let Some(ended) = over.next_if(|(span, _)| span.precedes(event.0)) {
            if highest.is_none_or(|(_, place)| place < ended.1) {
                highest = Some(ended);
            }
        }
        if let Some(earlier) = highest.filter(|(_, place)| *place > event.1) {
            return Some((earlier, event));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(begin: u64, end: u64, value: u32) -> Call<u32> {
        let span = Span { begin, end };
        let kind = Kind::Write;
        Call { span, kind, value }
    }

    fn read(begin: u64, end: u64, value: u32) -> Call<u32> {
        let kind = Kind::Read;
        Call {
            kind,
            ..write(begin, end, value)
        }
    }

    #[track_caller]
    fn check(calls: &[Call<u32>], expected: Option<&str>) {
        let refuted = refute(&0, calls);
        match (refuted.as_deref(), expected) {
            (None, None) => {}
            (Some(words), Some(part)) if words.contains(part) => {}
            _ => panic!("{refuted:?}, not {expected:?}"),
        }
        assert_eq!(refuted.is_none(), has_order(0, &mut calls.to_vec()));
    }

    /// The definition itself: tries every order.
    fn has_order(current: u32, left: &mut Vec<Call<u32>>) -> bool {
        let first_end = left.iter().map(|call| call.span.end).min();
        let Some(first_end) = first_end else {
            return true;
        };
        (0..left.len()).any(|place| {
            let call = left[place].clone();
            let fits = call.kind == Kind::Write || call.value == current;
            if call.span.begin > first_end || !fits {
                return false;
            }
            let call = left.swap_remove(place);
            let found = has_order(call.value, left);
            left.push(call);
            let last = left.len() - 1;
            left.swap(place, last);
            found
        })
    }

    #[test]
    fn what_one_order_explains_is_accepted() {
        check(&[], None);
        check(&[read(1, 2, 0), write(3, 4, 1), read(5, 6, 1)], None);
        // Side by side, either may have been first.
        check(&[write(1, 9, 1), write(2, 8, 2), read(10, 11, 1)], None);
        check(&[write(1, 9, 1), read(2, 3, 1), read(4, 5, 1)], None);
        // Nobody knows when a call without a response happened, or whether at all.
        check(&[write(1, u64::MAX, 1), read(2, 3, 0), read(8, 9, 1)], None);
    }

    #[test]
    fn histories_that_cannot_be_are_refused() {
        let lost = [write(1, 2, 1), write(3, 4, 2), read(5, 6, 1)];
        check(&lost, Some("came and went"));
        let between = [write(1, 2, 1), write(3, 4, 2), read(5, 6, 2), read(5, 6, 1)];
        check(&between, Some("both there"));
        let stale = [write(1, 2, 1), read(3, 4, 0)];
        check(&stale, Some("came and went"));
        let back = [write(1, 9, 1), read(2, 3, 1), read(4, 5, 0)];
        check(&back, Some("came and went"));
        let flicker = [
            write(1, 2, 1),
            write(1, 20, 2),
            read(3, 4, 2),
            read(5, 6, 1),
            read(7, 8, 2),
        ];
        check(&flicker, Some("both there"));
        check(&[read(1, 2, 7)], Some("never written"));
        check(&[read(1, 2, 7), write(3, 4, 7)], Some("before"));
        let twice = [write(1, 2, 1), write(3, 4, 1)];
        assert!(refute(&0, &twice).is_some_and(|words| words.contains("twice")));
    }

    #[test]
    fn it_agrees_with_the_definition() {
        let mut seed = 7_u64;
        let mut roll = |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % sides
        };
        let mut refused = 0;
        for _ in 0..20_000 {
            let mut calls = Vec::new();
            for value in 1..=3 {
                let begin = 1 + roll(12);
                calls.push(write(begin, begin + roll(6), value));
            }
            for _ in 0..3 {
                let begin = 1 + roll(12);
                let value = u32::try_from(roll(4)).unwrap();
                calls.push(read(begin, begin + roll(4), value));
            }
            let accepted = refute(&0, &calls).is_none();
            refused += u32::from(!accepted);
            assert_eq!(accepted, has_order(0, &mut calls.clone()), "{calls:?}");
        }
        assert!((2_000..18_000).contains(&refused), "{refused}");
    }

    #[test]
    fn a_log_keeps_the_order_of_what_did_not_overlap() {
        let at = |begin, end, place| (Span { begin, end }, place);
        assert_eq!(
            out_of_order(&[at(1, 5, 9), at(2, 3, 1), at(6, 7, 10)]),
            None
        );
        let wrong = out_of_order(&[at(1, 2, 9), at(6, 7, 8), at(1, 9, 1)]);
        assert_eq!(wrong, Some((at(1, 2, 9), at(6, 7, 8))));
    }
}
