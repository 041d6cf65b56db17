//! What everybody did and saw, as plain values: all that the judge knows.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::{Board, TaskStatus};
use airboss_core::id::OperationId;
use airboss_core::operation::StoredOperation;
use airboss_testkit::linear::Span;

use crate::commits::CommitSeen;
use crate::rest::Rest;
use crate::storm::Weather;

/// A command and its answer; of one that was killed, of the repetition that answered.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) words: Vec<String>,
    pub(crate) verb: Verb,
    /// The task's number; of a new one, the number that it got.
    pub(crate) task: Option<u32>,
    /// What only this command wrote, where there is something.
    pub(crate) token: Option<String>,
    /// From the first invocation to the answer.
    pub(crate) span: Span,
    pub(crate) code: i32,
    /// The answer says that something changed.
    pub(crate) changed: bool,
    pub(crate) kills: u32,
    pub(crate) stderr: String,
}

impl Deed {
    /// The caller was told that the change is stored.
    pub(crate) fn is_acknowledged(&self) -> bool {
        matches!(self.code, 0 | 10 | 11)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Verb {
    Add,
    Effort,
    Description,
    Status,
    Block,
    Unblock,
    Phase,
    Undo,
}

/// What `export --json` or `task list --json` printed.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) span: Span,
    pub(crate) said: Said,
}

#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// The whole board, and how many operations made it.
    Board(Box<Board>, u64),
    /// Number, status and title of the tasks of the list.
    List(Listing),
}

/// Number, status and title of each active task.
pub(crate) type Listing = Vec<(u32, String, String)>;

/// A look at the files: state.json first, then TODO.md.
#[derive(Clone, Debug, Default)]
pub(crate) struct Glance {
    /// When it began.
    pub(crate) at: u64,
    /// No person wrote in place and no git ran meanwhile: every file must be whole.
    pub(crate) is_undisturbed: bool,
    /// Neither has anybody but the writers touched the files since they were made equal.
    pub(crate) is_calm: bool,
    /// What cannot be read, and why.
    pub(crate) torn: Vec<String>,
    pub(crate) state: BTreeMap<u32, Entry>,
    pub(crate) todo: BTreeMap<u32, Entry>,
}

/// What a file says of one task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) operation: Option<OperationId>,
    pub(crate) status: Option<TaskStatus>,
    pub(crate) effort: Option<String>,
}

/// A save of a person, or a commit in which a person left a token.
#[derive(Clone, Debug)]
pub(crate) struct Save {
    pub(crate) token: String,
    /// Tokens that the person saw and took out.
    pub(crate) removed: Vec<String>,
    pub(crate) how: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) log: Vec<StoredOperation>,
    pub(crate) deeds: Vec<Deed>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) glances: Vec<Glance>,
    pub(crate) saves: Vec<Save>,
    /// Every token that is still somewhere.
    pub(crate) tokens: BTreeSet<String>,
    pub(crate) commits: Vec<CommitSeen>,
    pub(crate) rest: Rest,
    pub(crate) kills: u64,
    /// Operations of git, by name, and how many of them git did not refuse.
    pub(crate) git: BTreeMap<&'static str, (u32, u32)>,
}

impl Evidence {
    pub(crate) fn summary(&self) -> String {
        let mut codes: BTreeMap<(Verb, i32), u32> = BTreeMap::new();
        for deed in &self.deeds {
            *codes.entry((deed.verb, deed.code)).or_default() += 1;
        }
        let calm = self.glances.iter().filter(|glance| glance.is_calm).count();
        let undisturbed = self.glances.iter().filter(|it| it.is_undisturbed).count();
        format!(
            "{} changes, {} acknowledged; {} kills hit {} of them; {} saves; {} looks at files, {} \
             undisturbed, {} in calm; {} answers; {} operations stored, {} commits\n{codes:?}\n{:?}",
            self.deeds.len(),
            self.deeds
                .iter()
                .filter(|deed| deed.is_acknowledged())
                .count(),
            self.kills,
            self.deeds.iter().filter(|deed| deed.kills > 0).count(),
            self.saves.len(),
            self.glances.len(),
            undisturbed,
            calm,
            self.answers.len(),
            self.log.len(),
            self.commits.len(),
            self.git,
        )
    }

    /// What did not happen was not tested.
    pub(crate) fn assert_that_it_happened(&self, weather: &Weather) {
        let seconds = weather.seconds.as_secs();
        let acknowledged = self.deeds.iter().filter(|it| it.is_acknowledged()).count() as u64;
        let done: u32 = self.git.values().map(|(_, done)| done).sum();
        // A busy machine gets far less done than an idle one, but never nothing.
        for (what, count, least) in [
            ("acknowledged changes", acknowledged, seconds / 2),
            ("kills", self.kills, seconds / 2),
            ("saves", self.saves.len() as u64, seconds / 4),
            ("operations of git", done.into(), seconds / 20),
            ("answers", self.answers.len() as u64, seconds / 4),
            ("looks", self.glances.len() as u64, seconds / 4),
            ("commits", self.commits.len() as u64, seconds / 20),
        ] {
            assert!(count >= least, "only {count} {what} in {weather:?}");
        }
        for (name, (tried, done)) in &self.git {
            assert!(
                *tried < 10 || *done > 0,
                "none of {tried} times {name} was done"
            );
        }
    }
}
