//! Directories of tasks: how they are spelled, which one belongs to a task, how a new one is
//! called.

/// A directory of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory<'p> {
    /// Its path from the root of the board.
    pub path: &'p str,
    /// Where it stands.
    pub shelf: Shelf,
    /// The number of its task.
    pub number: u32,
    /// Its digits as they are spelled: `041`.
    pub digits: &'p str,
    /// Whether `OC_` stands before the number.
    pub prefixed: bool,
    /// What follows the number.
    pub slug: &'p str,
}

/// Where the directory of a task stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Shelf {
    /// In the root itself.
    Root,
    /// In `archive/`.
    Archive,
    /// In a vault, which this is the path of: its numbers are those of an older cycle.
    Vault(String),
}

impl Shelf {
    /// Its path from the root; empty for the root itself.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Root => "",
            Self::Archive => "archive",
            Self::Vault(path) => path,
        }
    }
}

impl<'p> Directory<'p> {
    /// Reads the path of a directory, from the root: `41_x`, `archive/041_x`,
    /// `vault/01-vault/archive/OC_41_x`. `None`: it is not that of a task.
    #[must_use]
    pub fn parse(path: &'p str) -> Option<Self> {
        let (shelf, name) = match path.rsplit_once('/') {
            None => (Shelf::Root, path),
            Some(("archive", name)) => (Shelf::Archive, name),
            Some((vault, name)) => (Shelf::Vault(vault_path(vault)?.to_owned()), name),
        };
        let rest = name.strip_prefix("OC_");
        let (digits, slug) = rest.unwrap_or(name).split_once('_')?;
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // Five digits, and zeros before them.
        let short = digits.trim_start_matches('0').len() <= 5;
        if !plain || !short || slug.is_empty() {
            return None;
        }
        Some(Self {
            path,
            shelf,
            number: digits.parse().ok()?,
            digits,
            prefixed: rest.is_some(),
            slug,
        })
    }

    /// Divides a path below the root into a directory of a task and the rest.
    #[must_use]
    pub fn split(path: &'p str) -> Option<(Self, &'p str)> {
        path.match_indices('/').take(4).find_map(|(at, _)| {
            let rest = path.get(at + 1..).filter(|rest| !rest.is_empty())?;
            Some((Self::parse(path.get(..at)?)?, rest))
        })
    }

    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &'p str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

/// `vault/NN-vault` or its archive.
fn vault_path(path: &str) -> Option<&str> {
    let inner = path.strip_prefix("vault/")?;
    let vault = inner.strip_suffix("/archive").unwrap_or(inner);
    (!vault.is_empty() && !vault.contains('/')).then_some(path)
}

/// The directory of a task, and how sure that is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match<'d, 'p> {
    /// The directory.
    pub directory: &'d Directory<'p>,
    /// The others that it could have been, when nothing but the order of names decided: worth a
    /// warning.
    pub others: Vec<&'d Directory<'p>>,
}

/// Finds the directory of a task among all that there are.
///
/// `name` is the task's `project_name`, `links` are the paths that it links. A directory in a
/// vault is found only when a link names it.
#[must_use]
pub fn find<'d, 'p>(
    directories: &'d [Directory<'p>],
    number: u32,
    name: Option<&str>,
    links: &[&str],
) -> Option<Match<'d, 'p>> {
    let linked = |directory: &&Directory<'_>| {
        let inside = format!("{}/", directory.path);
        links.iter().any(|link| {
            link.strip_prefix(&inside).is_some() || link.contains(&format!("/{inside}"))
        })
    };
    let fits = |directory: &&Directory<'_>| {
        let current = !matches!(directory.shelf, Shelf::Vault(_));
        directory.number == number && (current || linked(directory))
    };
    let mut all: Vec<_> = directories.iter().filter(fits).collect();
    all.sort_by_key(|directory| (directory.shelf.clone(), directory.name()));
    let slug = name.map(slug_of_name);
    let named = |directory: &&Directory<'_>| slug.as_deref() == Some(directory.slug);
    let narrowed = narrow(narrow(all, named), |directory| linked(directory));
    // The archive may keep an older copy of what stands in the root.
    let (directory, others) = narrowed.split_first()?;
    Some(Match {
        directory,
        others: others.to_vec(),
    })
}

/// Those that a rule allows; all when it allows none.
fn narrow<'d, 'p>(
    all: Vec<&'d Directory<'p>>,
    rule: impl Fn(&&Directory<'p>) -> bool,
) -> Vec<&'d Directory<'p>> {
    let some: Vec<_> = all.iter().filter(|one| rule(one)).copied().collect();
    if some.is_empty() { all } else { some }
}

/// The name of a new directory, in the spelling that most of the others have.
#[must_use]
pub fn new_name(directories: &[Directory<'_>], number: u32, name: &str) -> String {
    let current = || {
        let current = directories.iter();
        current.filter(|directory| !matches!(directory.shelf, Shelf::Vault(_)))
    };
    let prefixed = current().filter(|directory| directory.prefixed).count();
    let prefix = if prefixed * 2 > current().count() {
        "OC_"
    } else {
        ""
    };
    // Numbers of three digits say nothing about padding.
    let short = || current().filter(|directory| directory.number < 100);
    let padded = short()
        .filter(|directory| directory.digits.starts_with('0'))
        .count();
    let slug = slug_of_name(name);
    if padded * 2 >= short().count() {
        format!("{prefix}{number:03}_{slug}")
    } else {
        format!("{prefix}{number}_{slug}")
    }
}

/// What the directory of a `project_name` is called after its number.
#[must_use]
pub fn slug_of_name(name: &str) -> String {
    match name.trim() {
        "" | "null" => "task".to_owned(),
        name => name.replace(['/', '\\'], "_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directories<'p>(paths: &[&'p str]) -> Vec<Directory<'p>> {
        paths
            .iter()
            .filter_map(|path| Directory::parse(path))
            .collect()
    }

    #[test]
    fn every_spelling_is_read() {
        for path in [
            "41_x",
            "041_x",
            "OC_41_x",
            "archive/0041_x",
            "vault/01-vault/41_x",
        ] {
            let directory = Directory::parse(path).unwrap();
            assert_eq!((directory.number, directory.slug), (41, "x"), "{path}");
        }
        assert_eq!(Directory::parse("394_null").unwrap().slug, "null");
        for path in [
            "x_41",
            "41",
            "41_",
            "123456_x",
            "other/41_x",
            "vault/a/b/41_x",
        ] {
            assert_eq!(Directory::parse(path), None, "{path}");
        }
        let (directory, rest) = Directory::split("vault/1/archive/41_x/plans/a.md").unwrap();
        assert_eq!(
            (directory.path, rest),
            ("vault/1/archive/41_x", "plans/a.md")
        );
        assert_eq!(Directory::split("41_x"), None);
    }

    #[test]
    fn the_directory_of_a_task() {
        let check = |paths: &[&str], name, links: &[&str], found: Option<&str>, others: usize| {
            let all = directories(paths);
            let result = find(&all, 41, name, links);
            assert_eq!(result.as_ref().map(|found| found.directory.path), found);
            assert_eq!(result.map_or(0, |found| found.others.len()), others);
        };
        check(&["42_x"], None, &[], None, 0);
        check(&["041_x", "41_y"], Some("y"), &[], Some("41_y"), 0);
        check(
            &["041_x", "41_y"],
            Some("z"),
            &["specs/41_y/plans/a.md"],
            Some("41_y"),
            0,
        );
        check(&["041_x", "41_y"], None, &[], Some("041_x"), 1);
        check(
            &["archive/041_x", "41_y"],
            Some("x"),
            &[],
            Some("archive/041_x"),
            0,
        );
        check(&["vault/01-vault/41_x"], Some("x"), &[], None, 0);
        let link = ["specs/vault/01-vault/41_x/plans/a.md"];
        check(
            &["vault/01-vault/41_x"],
            Some("x"),
            &link,
            Some("vault/01-vault/41_x"),
            0,
        );
        check(&["41_a_b"], Some("a/b"), &[], Some("41_a_b"), 0);
    }

    #[test]
    fn a_new_directory_looks_like_the_others() {
        let check = |paths: &[&str], expected: &str| {
            assert_eq!(new_name(&directories(paths), 7, "x"), expected, "{paths:?}");
        };
        check(&[], "007_x");
        check(&["412_a"], "007_x");
        check(&["041_a", "1_b", "2_b"], "7_x");
        check(&["OC_041_a", "OC_1_b", "012_c"], "OC_007_x");
        check(&["vault/01-vault/1_b"], "007_x");
        assert_eq!(new_name(&[], 1234, "null"), "1234_task");
    }
}
