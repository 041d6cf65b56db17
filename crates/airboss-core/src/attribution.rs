//! Whose change is it: the paths that changed while attempts ran, told apart.
//!
//! Pure: the engine gathers what changed, what each attempt's tool calls said they
//! wrote and what a person committed or staged; here that is only weighed. An
//! attempt's tool calls are a claim, its plan's footprint is an expectation. What
//! neither explains is named, and left for a person: it is never guessed into a commit.
//!
//! | claimed by | others overlapped | by hand meanwhile | in own footprint | in another's | result |
//! |---|---|---|---|---|---|
//! | only this attempt | any | any | any | any | own |
//! | this and another | yes | any | any | any | unattributed: contested |
//! | only another | yes | any | any | any | foreign: claimed by it |
//! | nobody | any | yes | any | any | foreign: committed or staged by hand |
//! | nobody | no | no | any | – | own |
//! | nobody | yes | no | yes | no | own |
//! | nobody | yes | no | yes | yes | unattributed: expected of several |
//! | nobody | yes | no | no | any | unattributed: expected of nobody here |
//!
//! Because overlapping is mutual, two attempts that overlapped never both own a path.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::AttemptId;
use crate::path::RepoPath;

/// What an attempt said it wrote and what its plan expected it to write.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Footprint {
    /// The attempt.
    pub attempt: AttemptId,
    /// The paths that its tool calls named as written.
    pub claimed: BTreeSet<RepoPath>,
    /// The files and directories that its plan declares; a directory covers what is below it.
    pub declared: BTreeSet<RepoPath>,
}

impl Footprint {
    /// Whether the plan expected this attempt to change `path`.
    #[must_use]
    pub fn declares(&self, path: &RepoPath) -> bool {
        self.declared.iter().any(|declared| path.lies_in(declared))
    }
}

/// What a person did with a path while the attempt ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByHand {
    /// A commit that is not Airboss' own brought it in.
    Committed,
    /// It was staged.
    Staged,
}

/// Why a change belongs to somebody else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Foreign {
    /// The tool calls of this other attempt name it.
    Attempt {
        /// The other attempt; the first by id when several claim it.
        attempt: AttemptId,
    },
    /// A person committed or staged it.
    Hand {
        /// Which of the two.
        how: ByHand,
    },
}

/// Why nobody can be named as the author of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unattributed {
    /// This attempt and at least one that overlapped it both claim it.
    Contested,
    /// Nobody claims it, and several plans expected it.
    ExpectedOfSeveral,
    /// Nobody claims it, others were at work, and this attempt's plan did not expect it.
    Unexpected,
}

/// The changes of one attempt's window, told apart.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Attribution {
    /// What this attempt changed: the scope of its commit.
    pub own: Vec<RepoPath>,
    /// What others changed.
    pub foreign: Vec<(RepoPath, Foreign)>,
    /// What stays uncommitted until a person decides.
    pub unattributed: Vec<(RepoPath, Unattributed)>,
}

/// Tells the changed paths of `attempt`'s window apart by the table above.
///
/// `others` are the attempts that ran in this work tree at any instant of the window.
#[must_use]
pub fn attribute(
    changed: &BTreeSet<RepoPath>,
    by_hand: &BTreeMap<RepoPath, ByHand>,
    attempt: &Footprint,
    others: &[Footprint],
) -> Attribution {
    let mut attribution = Attribution::default();
    for path in changed {
        match judge(path, by_hand.get(path).copied(), attempt, others) {
            Judgement::Own => attribution.own.push(path.clone()),
            Judgement::Foreign(why) => attribution.foreign.push((path.clone(), why)),
            Judgement::Unattributed(why) => attribution.unattributed.push((path.clone(), why)),
        }
    }
    attribution
}

enum Judgement {
    Own,
    Foreign(Foreign),
    Unattributed(Unattributed),
}

fn judge(
    path: &RepoPath,
    by_hand: Option<ByHand>,
    attempt: &Footprint,
    others: &[Footprint],
) -> Judgement {
    let claimed = attempt.claimed.contains(path);
    let rival = others
        .iter()
        .filter(|other| other.claimed.contains(path))
        .map(|other| other.attempt)
        .min();
    match (claimed, rival, by_hand) {
        (true, None, _) => Judgement::Own,
        (true, Some(_), _) => Judgement::Unattributed(Unattributed::Contested),
        (false, Some(attempt), _) => Judgement::Foreign(Foreign::Attempt { attempt }),
        (false, None, Some(how)) => Judgement::Foreign(Foreign::Hand { how }),
        (false, None, None) if others.is_empty() => Judgement::Own,
        (false, None, None) if !attempt.declares(path) => {
            Judgement::Unattributed(Unattributed::Unexpected)
        }
        (false, None, None) if others.iter().any(|other| other.declares(path)) => {
            Judgement::Unattributed(Unattributed::ExpectedOfSeveral)
        }
        (false, None, None) => Judgement::Own,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).unwrap()
    }

    fn footprint(number: u128, claimed: &[&str], declared: &[&str]) -> Footprint {
        Footprint {
            attempt: AttemptId::from_uuid(Uuid::from_u128(number)),
            claimed: claimed.iter().map(|text| path(text)).collect(),
            declared: declared.iter().map(|text| path(text)).collect(),
        }
    }

    /// One row of the table: the fate of `src/a.rs` as one word.
    #[track_caller]
    fn check(own: &Footprint, others: &[Footprint], hand: Option<ByHand>, expected: &str) {
        let changed = BTreeSet::from([path("src/a.rs")]);
        let by_hand = hand
            .map(|how| (path("src/a.rs"), how))
            .into_iter()
            .collect();
        let attribution = attribute(&changed, &by_hand, own, others);
        let found = match attribution {
            Attribution { own, .. } if !own.is_empty() => "own".to_owned(),
            Attribution { foreign, .. } if !foreign.is_empty() => format!("{:?}", foreign[0].1),
            Attribution { unattributed, .. } => format!("{:?}", unattributed[0].1),
        };
        assert!(
            found.starts_with(expected),
            "expected {expected}, found {found}"
        );
    }

    #[test]
    fn every_row_of_the_table() {
        let nothing = footprint(1, &[], &[]);
        let claims = footprint(1, &["src/a.rs"], &[]);
        let declares = footprint(1, &[], &["src"]);
        let idle = footprint(2, &[], &[]);
        let rival = footprint(2, &["src/a.rs"], &[]);
        let expected = footprint(2, &[], &["src/a.rs"]);
        for hand in [None, Some(ByHand::Committed), Some(ByHand::Staged)] {
            check(&claims, &[], hand, "own");
            check(&claims, std::slice::from_ref(&expected), hand, "own");
            check(&claims, std::slice::from_ref(&rival), hand, "Contested");
            check(&declares, std::slice::from_ref(&rival), hand, "Attempt");
        }
        check(&nothing, &[], None, "own");
        check(
            &declares,
            &[],
            Some(ByHand::Committed),
            "Hand { how: Committed }",
        );
        check(
            &declares,
            std::slice::from_ref(&idle),
            Some(ByHand::Staged),
            "Hand { how: Staged }",
        );
        check(&declares, std::slice::from_ref(&idle), None, "own");
        check(
            &declares,
            std::slice::from_ref(&expected),
            None,
            "ExpectedOfSeveral",
        );
        check(
            &nothing,
            std::slice::from_ref(&expected),
            None,
            "Unexpected",
        );
        check(&nothing, &[idle], None, "Unexpected");
    }

    #[test]
    fn a_directory_covers_only_what_is_below_it() {
        let own = footprint(1, &[], &["src"]);
        assert!(own.declares(&path("src/deep/x.rs")));
        assert!(own.declares(&path("src")));
        assert!(!own.declares(&path("src2/x.rs")));
    }

    fn any_footprint(number: u128) -> impl Strategy<Value = Footprint> {
        let universe = ["a", "a/b", "a/b/c", "d", "e"];
        let some = proptest::sample::subsequence(universe.to_vec(), 0..=universe.len());
        (some.clone(), some)
            .prop_map(move |(claimed, declared)| footprint(number, &claimed, &declared))
    }

    proptest! {
        #[test]
        fn overlapping_attempts_never_own_the_same_path(
            first in any_footprint(1), second in any_footprint(2), third in any_footprint(3),
            hand in proptest::collection::vec(proptest::option::of(any::<bool>()), 5),
        ) {
            let changed: BTreeSet<_> = ["a", "a/b", "a/b/c", "d", "e"].map(path).into();
            let by_hand: BTreeMap<_, _> = changed.iter().cloned().zip(hand)
                .filter_map(|(path, how)| {
                    Some((path, if how? { ByHand::Committed } else { ByHand::Staged }))
                })
                .collect();
            let all = [first, second, third];
            let mut owned = BTreeSet::new();
            for index in 0..all.len() {
                let mut others = all.to_vec();
                let own = others.remove(index);
                let attribution = attribute(&changed, &by_hand, &own, &others);
                let total = attribution.own.len()
                    + attribution.foreign.len()
                    + attribution.unattributed.len();
                prop_assert_eq!(total, changed.len(), "each path has exactly one fate");
                for path in attribution.own {
                    prop_assert!(owned.insert(path.clone()), "{} is owned twice", path);
                }
            }
        }
    }
}
