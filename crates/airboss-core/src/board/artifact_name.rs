//! Names of artifacts: the next free one of a pattern, and which plan is the current one.

use super::link;

/// How the numbered artifacts of one kind are called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// `research-001.md`, `implementation-001.md`.
    Word,
    /// `01_slug.md`: one number for report, plan and summary of the same round.
    Round,
    /// `001_slug.md`.
    Topic,
}

impl Family {
    /// The family of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".md")?;
        let digits = stem.len() - stem.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match (digits, stem[digits..].starts_with('_')) {
            (2, true) => return Some(Self::Round),
            (3, true) => return Some(Self::Topic),
            _ => {}
        }
        let words = ["research", "implementation", "analysis", "verification"];
        let (word, number) = stem.split_once('-')?;
        let number = number.split('-').next()?;
        (words.contains(&word) && is_number(number)).then_some(Self::Word)
    }

    /// The family for a new artifact: that of the task's own ones, else that of the newest ones
    /// of the board, the newest last in both; else [`Family::Word`].
    #[must_use]
    pub fn usual<'n>(
        own: impl DoubleEndedIterator<Item = &'n str>,
        board: impl DoubleEndedIterator<Item = &'n str>,
    ) -> Self {
        let newest = own.rev().find_map(Self::of);
        newest
            .or_else(|| board.rev().find_map(Self::of))
            .unwrap_or(Self::Word)
    }
}

/// The highest number that the names of a directory carry in this pattern, plus one.
///
/// `prefix` is what stands before the number, such as `research-`; it is empty in the families
/// that begin with the number.
#[must_use]
pub fn next_number<'n>(names: impl Iterator<Item = &'n str>, prefix: &str) -> u32 {
    let numbers = names.filter_map(|name| {
        let rest = name.strip_prefix(prefix)?;
        let end = rest.find(|character: char| !character.is_ascii_digit());
        let digits = &rest[..end.unwrap_or(rest.len())];
        // `20260302` is a day.
        (is_number(digits) && digits.len() <= 5).then(|| digits.parse::<u32>().ok())?
    });
    numbers.max().unwrap_or(0) + 1
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of a report or plan; `word` is `research` or `implementation`.
#[must_use]
pub fn numbered(family: Family, word: &str, number: u32, slug: &str) -> String {
    match family {
        Family::Word => format!("{word}-{number:03}.md"),
        Family::Round => format!("{number:02}_{slug}.md"),
        Family::Topic => format!("{number:03}_{slug}.md"),
    }
}

/// The name of a summary; `day` is `20260302`.
#[must_use]
pub fn summary(family: Family, number: u32, slug: &str, day: &str) -> String {
    match family {
        Family::Round => format!("{number:02}_{slug}-summary.md"),
        Family::Word | Family::Topic => format!("implementation-summary-{day}.md"),
    }
}

/// The name of a debug report.
#[must_use]
pub fn debug(number: u32, slug: &str) -> String {
    format!("{number:03}_{slug}.md")
}

/// The current plan of a task: its `plan_path` if that file exists, else the last plan that it
/// links, else the one with the highest number. When a file was changed says nothing.
///
/// `in_directory` are the paths of the plans in the directory of the task.
#[must_use]
pub fn current_plan<'p>(
    plan_path: Option<&'p str>,
    linked: &[&'p str],
    in_directory: &[&'p str],
    exists: impl Fn(&str) -> bool,
) -> Option<&'p str> {
    if let Some(path) = plan_path.filter(|path| exists(path)) {
        return Some(path);
    }
    let is_plan = |path: &&&str| link::kind_of(path) == Some("plan") && exists(path);
    if let Some(path) = linked.iter().rev().find(is_plan) {
        return Some(path);
    }
    let numbered = in_directory.iter().filter(|path| path.ends_with(".md"));
    numbered
        .max_by_key(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            // `implementation-001-old.md` is what it says.
            (
                !name.contains("-old"),
                number_in(name),
                std::cmp::Reverse(name),
            )
        })
        .copied()
}

/// The first number in a name; 0 when there is none.
#[must_use]
pub fn number_in(name: &str) -> u32 {
    let mut numbers = name.split(|character: char| !character.is_ascii_digit());
    let first = numbers.find(|digits| !digits.is_empty());
    first.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_of_a_pattern() {
        let check = |names: &[&str], prefix, expected| {
            assert_eq!(
                next_number(names.iter().copied(), prefix),
                expected,
                "{names:?}"
            );
        };
        check(&[], "research-", 1);
        check(
            &["research-001.md", "research-007-old.md", "analysis-009.md"],
            "research-",
            8,
        );
        check(
            &["01_x.md", "03_teammate-a-findings.md", "OVERVIEW.md"],
            "",
            4,
        );
        check(
            &["implementation-summary-20260302.md"],
            "implementation-summary-",
            1,
        );
    }

    #[test]
    fn a_task_keeps_its_family() {
        let check = |own: &[&str], board: &[&str], expected| {
            let family = Family::usual(own.iter().copied(), board.iter().copied());
            assert_eq!(family, expected);
        };
        check(&[], &[], Family::Word);
        check(
            &["OVERVIEW.md", "01_x.md"],
            &["research-001.md"],
            Family::Round,
        );
        check(&[], &["research-001.md", "001_topic.md"], Family::Topic);
        check(&["implementation-001-old.md"], &["01_x.md"], Family::Word);
        assert_eq!(
            numbered(Family::Word, "research", 2, "x"),
            "research-002.md"
        );
        assert_eq!(numbered(Family::Round, "research", 2, "x"), "02_x.md");
        assert_eq!(
            summary(Family::Round, 2, "x", "20260302"),
            "02_x-summary.md"
        );
        let dated = summary(Family::Word, 2, "x", "20260302");
        assert_eq!(dated, "implementation-summary-20260302.md");
        assert_eq!(debug(1, "x"), "001_x.md");
    }

    #[test]
    fn the_current_plan() {
        let (one, two) = (
            "1_x/plans/implementation-001.md",
            "1_x/plans/implementation-002.md",
        );
        let linked = [two, "1_x/reports/research-003.md", one];
        let exists = |path: &str| path != "gone";
        let old = "1_x/plans/implementation-009-old.md";
        assert_eq!(current_plan(Some(two), &linked, &[], exists), Some(two));
        assert_eq!(current_plan(Some("gone"), &linked, &[], exists), Some(one));
        assert_eq!(current_plan(None, &[], &[two, one, old], exists), Some(two));
        assert_eq!(current_plan(None, &[], &[], exists), None);
    }
}
