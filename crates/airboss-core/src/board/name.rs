//! What names stand for: numbers, slugs and titles, and ids that two clones agree on.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::operation::{Board, BoardKey};
use super::outline::Outlined;
use super::task::{Place, Task};
use crate::id::TaskId;

/// The most characters of a slug that is made here; the format's limit.
const SLUG_LIMIT: usize = 50;

/// The slug of a title: `[a-z0-9]` and `_`, at most fifty characters, cut between words.
#[must_use]
pub fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let words = lower.split(|character: char| !character.is_ascii_alphanumeric());
    let mut slug = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        let separator = usize::from(!slug.is_empty());
        if slug.len() + separator + word.len() > SLUG_LIMIT {
            if slug.is_empty() {
                // One word that is longer than a slug; it is ASCII, so any byte ends a character.
                slug.push_str(&word[..SLUG_LIMIT]);
            }
            break;
        }
        if separator == 1 {
            slug.push('_');
        }
        slug.push_str(word);
    }
    match slug.as_str() {
        // The literal is what scripts write when they have no name.
        "" | "null" => "task".to_owned(),
        _ => slug,
    }
}

/// A title for a task of which only the slug is known.
#[must_use]
pub fn title_of(slug: &str) -> String {
    let words = slug.replace(['_', '-', '/'], " ");
    let mut letters = words.trim().chars();
    letters.next().map_or_else(
        || "Task".to_owned(),
        |first| first.to_uppercase().chain(letters).collect(),
    )
}

/// Whether a slug is the one of this title, as far as slugs go: older ones are cut elsewhere.
#[must_use]
pub fn names(slug_text: &str, title: &str) -> bool {
    let (left, right) = (slug(slug_text), slug(title));
    let (short, long) = if left.len() < right.len() {
        (&left, &right)
    } else {
        (&right, &left)
    };
    long.strip_prefix(short.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// The id of a task that was found in files without one.
///
/// It follows from the board, the number and the slug, so that two clones that adopt the same
/// files agree on it. `occurrence` is 0, and counts on when such a task was known before.
#[must_use]
pub fn derived_id(board: &BoardKey, number: u32, slug: &str, occurrence: u32) -> TaskId {
    let text = format!("{board}\0{number}\0{slug}\0{occurrence}");
    let digest = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // Version 8: the bits have a meaning of our own (RFC 9562, section 5.8).
    TaskId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// The tasks of a board by their numbers, for whoever asks more than once.
#[derive(Clone, Debug)]
pub struct Numbers<'a, T = Task> {
    /// By number; each stands here once.
    tasks: Vec<(u32, &'a T)>,
}

impl<'a> Numbers<'a> {
    /// Every number that a task has or had; [`Board::find`] finds the same.
    #[must_use]
    pub fn of(board: &'a Board) -> Self {
        Self::among(board.tasks.values())
    }
}

impl<'a, T: Outlined> Numbers<'a, T> {
    /// The same of tasks that may be known in outline only, in any order.
    #[must_use]
    pub fn among(tasks: impl Iterator<Item = &'a T> + Clone) -> Self {
        let has = tasks.clone().map(|task| (task.number(), 0, task));
        let had = tasks.flat_map(|task| {
            let former = task.former_numbers().iter();
            former.map(move |number| (*number, 2, task))
        });
        // Of several with one number the first counts: one that has it, one on the board.
        let mut tasks: Vec<_> = has
            .chain(had)
            .filter_map(|(number, rank, task)| match task.place() {
                Place::Active => Some((number, rank, task)),
                Place::Archived => Some((number, rank + 1, task)),
                Place::Removed => None,
            })
            .collect();
        let order = |(number, rank, task): &(u32, u8, &T)| (*number, *rank, task.id());
        tasks.sort_unstable_by_key(order);
        tasks.dedup_by_key(|(number, ..)| *number);
        let tasks = tasks.into_iter().map(|(number, _, task)| (number, task));
        Self {
            tasks: tasks.collect(),
        }
    }

    /// The task that a number stands for.
    #[must_use]
    pub fn find(&self, number: u32) -> Option<&'a T> {
        let place = self
            .tasks
            .binary_search_by_key(&number, |(number, _)| *number);
        place.ok().map(|place| self.tasks[place].1)
    }

    /// The number that its task has now; the number itself where it stands for nothing.
    #[must_use]
    pub fn current(&self, number: u32) -> u32 {
        self.find(number).map_or(number, Outlined::number)
    }
}

/// Whether a task is the later one of two that got the same number in two clones.
///
/// What both files already had when they were adopted was there first; what commands made sorts
/// by the instant in its id. Every clone comes to the same answer.
#[must_use]
pub fn is_later(left: TaskId, right: TaskId) -> bool {
    let key = |id: TaskId| {
        let made = Uuid::try_parse(&id.to_string()).is_ok_and(|uuid| uuid.get_version_num() == 7);
        (made, id)
    };
    key(left) > key(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::testing::id;
    use crate::path::RepoPath;

    #[test]
    fn slugs() {
        let cases = [
            ("Shorten the start-up banner", "shorten_the_start_up_banner"),
            ("  Ünïcode & more!  ", "n_code_more"),
            ("", "task"),
            ("NULL", "task"),
            ("!!", "task"),
        ];
        for (title, expected) in cases {
            assert_eq!(slug(title), expected, "{title}");
        }
        let long = slug("one two three four five six seven eight nine ten eleven");
        assert_eq!(long, "one_two_three_four_five_six_seven_eight_nine_ten");
        assert_eq!(slug(&"a".repeat(70)).len(), SLUG_LIMIT);
        assert_eq!(title_of("shorten_the_banner"), "Shorten the banner");
        assert_eq!(title_of(""), "Task");
    }

    #[test]
    fn slugs_of_titles_may_be_cut() {
        assert!(names("shorten_the", "Shorten the banner"));
        assert!(!names("shorten_th", "Shorten the banner"));
        assert!(!names("lengthen_the_banner", "Shorten the banner"));
    }

    #[test]
    fn derived_ids_agree_and_differ() {
        let root = BoardKey::new(RepoPath::new("specs").unwrap());
        let first = derived_id(&root, 5, "tidy", 0);
        assert_eq!(first, derived_id(&root, 5, "tidy", 0));
        assert_ne!(first, derived_id(&root, 5, "tidy", 1));
        assert_ne!(first, derived_id(&root, 6, "tidy", 0));
        assert_eq!(first.to_string().as_bytes()[12], b'8');
        assert!(is_later(id(1), first) && !is_later(first, id(1)));
        assert!(is_later(id(2), id(1)));
    }
}
