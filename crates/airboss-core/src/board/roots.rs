//! Which directory holds the board: chosen from what was found, the others named.

/// The directories that may hold a board, in the order in which they are asked. The last one is
/// the top itself, where older boards have a TODO.md alone.
pub const CANDIDATES: [&str; 4] = ["specs", ".claude/specs", ".opencode/specs", ""];

/// What was found in one directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The directory, from the top of the repository; empty for the top itself.
    pub root: String,
    /// Its TODO.md.
    pub todo: TodoFound,
    /// Whether it has a state.json.
    pub state: bool,
}

/// What a TODO.md is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TodoFound {
    /// There is none.
    #[default]
    Missing,
    /// It has 0 bytes, or says that the board has moved.
    Stub,
    /// It has no entries yet.
    WithoutEntries,
    /// It has entries.
    WithEntries,
}

/// The root that was chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The directory, from the top of the repository; empty for the top itself.
    pub root: String,
    /// It has a TODO.md at the top and no state.json: it is only read until `init` makes one.
    pub read_only: bool,
    /// Other directories that hold something of a board. They are named, never merged.
    pub others: Vec<String>,
}

/// The directories to look at, in their order: `from` is the working directory, from the top of
/// the repository, and the search goes up from there.
#[must_use]
pub fn candidates(from: &str) -> Vec<String> {
    let mut levels = vec![from.trim_matches('/')];
    while let Some(&level) = levels.last().filter(|level| !level.is_empty()) {
        levels.push(level.rsplit_once('/').map_or("", |(above, _)| above));
    }
    let mut candidates = Vec::new();
    for level in levels {
        for candidate in CANDIDATES {
            match (level, candidate) {
                ("", _) => candidates.push(candidate.to_owned()),
                // A TODO.md of a directory below is somebody's notes.
                (_, "") => {}
                _ => candidates.push(format!("{level}/{candidate}")),
            }
        }
    }
    candidates
}

/// Chooses the root; `found` is in the order of [`candidates`]. `None`: there is no board.
#[must_use]
pub fn choose(found: &[Found]) -> Option<Choice> {
    let strong = |found: &&Found| match found.todo {
        TodoFound::WithEntries => true,
        TodoFound::Missing | TodoFound::WithoutEntries => found.state,
        TodoFound::Stub => false,
    };
    let weak = |found: &&Found| found.state || found.todo != TodoFound::Missing;
    // A TODO.md at the top is a board only when it has entries.
    let at_home = |found: &&Found| !found.root.is_empty() || strong(found);
    let chosen = found
        .iter()
        .find(strong)
        .or_else(|| found.iter().filter(at_home).find(weak))?;
    let others = found.iter().filter(|other| other.root != chosen.root);
    Some(Choice {
        root: chosen.root.clone(),
        read_only: chosen.root.is_empty() && !chosen.state,
        others: others
            .filter(strong)
            .map(|other| other.root.clone())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `specs:entries+state` and so on.
    fn check(found: &[(&str, TodoFound, bool)], root: Option<&str>, others: &[&str]) {
        let found: Vec<_> = found
            .iter()
            .map(|(root, todo, state)| Found {
                root: (*root).to_owned(),
                todo: *todo,
                state: *state,
            })
            .collect();
        let choice = choose(&found);
        assert_eq!(choice.as_ref().map(|choice| choice.root.as_str()), root);
        assert_eq!(
            choice.map(|choice| choice.others).unwrap_or_default(),
            others
        );
    }

    #[test]
    fn the_first_real_board_wins() {
        use TodoFound::{Missing, Stub, WithEntries, WithoutEntries};
        check(&[], None, &[]);
        check(&[("specs", Missing, false)], None, &[]);
        check(&[("specs", Missing, true)], Some("specs"), &[]);
        check(
            &[("specs", WithoutEntries, true), ("", WithEntries, false)],
            Some("specs"),
            &[""],
        );
        let moved = [
            (".claude/specs", Stub, true),
            (".opencode/specs", WithEntries, true),
        ];
        check(&moved, Some(".opencode/specs"), &[]);
        check(&[("specs", Stub, true)], Some("specs"), &[]);
        check(
            &[("specs", WithoutEntries, false), ("", WithEntries, false)],
            Some(""),
            &[],
        );
        let parallel = [
            ("specs", WithEntries, true),
            (".claude/specs", WithEntries, true),
        ];
        check(&parallel, Some("specs"), &[".claude/specs"]);
        check(&[("", WithoutEntries, false)], None, &[]);
    }

    #[test]
    fn the_search_goes_up() {
        let found = candidates("a/b");
        assert_eq!(found[0], "a/b/specs");
        assert_eq!(found[3], "a/specs");
        assert_eq!(found[6..], CANDIDATES);
        assert_eq!(candidates(""), CANDIDATES);
    }
}
