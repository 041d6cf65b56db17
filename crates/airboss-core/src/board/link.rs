//! Paths as boards spell them: what they may mean, and how a new one is spelled.

use super::directory::{Directory, Shelf};
use crate::path::RepoPath;

/// The directories that were the root of a board at some time.
const OLD_ROOTS: [&str; 3] = ["specs/", ".claude/specs/", ".opencode/specs/"];

/// The directories of a task, and the kind of what lies in them.
const KINDS: [(&str, &str); 6] = [
    ("reports", "research"),
    ("plans", "plan"),
    ("summaries", "summary"),
    ("debug", "debug"),
    ("handoffs", "handoff"),
    ("progress", "progress"),
];

/// How a path is spelled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Form {
    /// From the top of the repository, below a root: `specs/041_x/reports/research-001.md`.
    Repository,
    /// From the root: `041_x/reports/research-001.md`.
    Root,
    /// From the directory of the task: `reports/research-001.md`.
    Task,
    /// A name alone, in the directory of the task.
    Name,
    /// From the root of the file system.
    Absolute,
}

/// Where a board and one of its tasks lie.
#[derive(Clone, Copy, Debug, Default)]
pub struct Home<'a> {
    /// The top of the repository in the file system, with `/` between its parts.
    pub top: Option<&'a str>,
    /// The root of the board, from the top; empty for the top itself.
    pub root: &'a str,
    /// The directory of the task, from the root.
    pub task: Option<&'a str>,
    /// The vaults, from the root: `vault/01-vault`.
    pub vaults: &'a [String],
}

/// The form of a path; `None` for any other path, such as that of a source file.
#[must_use]
pub fn form(path: &str) -> Option<Form> {
    if path.starts_with('/') {
        return Some(Form::Absolute);
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    if old_root(path).is_some() {
        return Some(Form::Repository);
    }
    if Directory::split(path).is_some() {
        return Some(Form::Root);
    }
    match path.split_once('/') {
        Some((directory, _)) => is_kind(directory).then_some(Form::Task),
        None => path.ends_with(".md").then_some(Form::Name),
    }
}

/// Everything that a path may mean, in the order in which it is tried; the first that exists is
/// meant. Nothing of it leaves the repository.
#[must_use]
pub fn candidates(path: &str, home: &Home<'_>) -> Vec<RepoPath> {
    let mut found: Vec<RepoPath> = Vec::new();
    let mut add = |parts: &[&str]| {
        let parts: Vec<_> = parts
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect();
        if let Ok(path) = RepoPath::new(&parts.join("/"))
            && !found.contains(&path)
        {
            found.push(path);
        }
    };
    let path = match (path.starts_with('/'), home.top) {
        (false, _) => path,
        (true, Some(top)) => match path.strip_prefix(top.trim_end_matches('/')) {
            Some(inside) if inside.starts_with('/') => inside.trim_start_matches('/'),
            _ => return found,
        },
        (true, None) => return found,
    };
    add(&[path]);
    add(&[home.root, path]);
    if let Some(task) = home.task {
        add(&[home.root, task, path]);
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    let inner = old_root(path).unwrap_or(path);
    add(&[home.root, inner]);
    let below = match (form(inner), home.task) {
        (Some(Form::Task | Form::Name), Some(task)) => format!("{task}/{inner}"),
        _ => inner.to_owned(),
    };
    // What an archive or a vault holds is looked for in the others as well.
    let below = Directory::split(&below).map_or(below.as_str(), |(directory, _)| {
        below
            .strip_prefix(directory.shelf.path())
            .map_or(below.as_str(), |rest| rest.trim_start_matches('/'))
    });
    add(&[home.root, "archive", below]);
    for vault in home.vaults {
        add(&[home.root, vault, below]);
        add(&[home.root, vault, "archive", below]);
    }
    found
}

/// Spells a path in a form; one that the form cannot say is spelled from the top.
#[must_use]
pub fn spell(path: &RepoPath, form: Form, home: &Home<'_>) -> String {
    let whole = path.as_str();
    let below = |folder: &str, path: &str| match folder {
        "" => Some(path.to_owned()),
        _ => path
            .strip_prefix(folder)?
            .strip_prefix('/')
            .map(str::to_owned),
    };
    let from_root = || below(home.root, whole);
    let from_task = || below(home.task?, &from_root()?);
    let spelled = match form {
        Form::Repository | Form::Absolute => None,
        Form::Root => from_root(),
        Form::Task => from_task(),
        Form::Name => from_task().filter(|name| !name.contains('/')),
    };
    spelled.unwrap_or_else(|| whole.to_owned())
}

/// The form of a new path: that of most paths of the entry, else of the file, else from the top.
///
/// Absolute paths and names alone do not count: the first are true on one machine only, the
/// second in one directory only.
#[must_use]
pub fn usual_form(entry: &[&str], file: &[&str]) -> Form {
    let usual = |paths: &[&str]| {
        let count = |wanted: Form| {
            paths
                .iter()
                .filter(|path| form(path) == Some(wanted))
                .count()
        };
        let forms = [Form::Repository, Form::Root, Form::Task];
        let most = forms
            .into_iter()
            .map(count)
            .max()
            .filter(|most| *most > 0)?;
        forms.into_iter().find(|form| count(*form) == most)
    };
    usual(entry)
        .or_else(|| usual(file))
        .unwrap_or(Form::Repository)
}

/// The kind of an artifact by its directory.
#[must_use]
pub fn kind_of(path: &str) -> Option<&'static str> {
    let mut parts = path.rsplit('/').skip(1);
    parts.find_map(|part| {
        let kind = KINDS.iter().find(|(directory, _)| *directory == part);
        kind.map(|(_, kind)| *kind)
    })
}

/// The directory of a kind of artifact, inside that of the task.
#[must_use]
pub fn directory_of(kind: &str) -> Option<&'static str> {
    let found = KINDS.iter().find(|(_, known)| *known == kind);
    found.map(|(directory, _)| *directory)
}

/// Whether two paths that one task links mean the same file, however they are spelled: the root,
/// the padding of the directory, whether it is archived, and the part of the file that is meant
/// make no difference.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let (one, other) = (without_part(one), without_part(other));
    if one == other {
        return true;
    }
    // Most paths that are compared differ in their names, and need no closer look.
    if name(one) != name(other) {
        return false;
    }
    let (one, other) = (Meaning::of(one), Meaning::of(other));
    let directories = match (&one.directory, &other.directory) {
        (Some(one), Some(other)) => one == other,
        // From the task's own directory.
        (None, None) => true,
        (None, Some(_)) => one.from_task,
        (Some(_), None) => other.from_task,
    };
    directories && one.tail == other.tail
}

fn name(path: &str) -> Option<&str> {
    path.trim_end_matches('/').rsplit('/').next()
}

fn without_part(path: &str) -> &str {
    path.split_once('#').map_or(path, |(path, _)| path)
}

/// What a path means, apart from its spelling.
struct Meaning {
    /// Vault, number and slug.
    directory: Option<(Option<String>, u32, String)>,
    tail: String,
    from_task: bool,
}

impl Meaning {
    fn of(path: &str) -> Self {
        let mut parts: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
        // Keep the root's `/`, drop empty parts.
        let absolute = path.starts_with('/');
        parts.retain(|part| !part.is_empty());
        let mut path = parts.join("/");
        if absolute {
            let inner = path.find("/specs/").map(|at| path[at + 1..].to_owned());
            path = inner.unwrap_or_else(|| format!("/{path}"));
        }
        let inner = old_root(&path).unwrap_or(&path);
        let Some((directory, tail)) = Directory::split(inner) else {
            return Self {
                directory: None,
                from_task: matches!(form(inner), Some(Form::Task | Form::Name)),
                tail: inner.to_owned(),
            };
        };
        let vault = match &directory.shelf {
            Shelf::Vault(vault) => Some(vault.clone()),
            Shelf::Root | Shelf::Archive => None,
        };
        Self {
            directory: Some((vault, directory.number, directory.slug.to_owned())),
            tail: tail.to_owned(),
            from_task: false,
        }
    }
}

fn is_kind(directory: &str) -> bool {
    KINDS.iter().any(|(known, _)| *known == directory)
}

/// The path below a root, whichever root it is.
fn old_root(path: &str) -> Option<&str> {
    OLD_ROOTS.iter().find_map(|root| path.strip_prefix(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let check = |path, expected| assert_eq!(form(path), expected, "{path}");
        check("specs/041_x/reports/a.md", Some(Form::Repository));
        check("./.claude/specs/041_x/a.md", Some(Form::Repository));
        check("OC_41_x/plans/a.md", Some(Form::Root));
        check("archive/041_x/plans/a.md", Some(Form::Root));
        check("vault/01-vault/archive/041_x/a.md", Some(Form::Root));
        check("reports/research-001.md", Some(Form::Task));
        check("research-001.md", Some(Form::Name));
        check("/srv/me/specs/1_x/a.md", Some(Form::Absolute));
        check("source/main.rs", None);
    }

    #[test]
    fn a_path_is_looked_for_in_order() {
        let vaults = ["vault/01-vault".to_owned()];
        let home = Home {
            top: Some("/srv/me/project"),
            root: "specs",
            task: Some("041_x"),
            vaults: &vaults,
        };
        let check = |path: &str, expected: &[&str]| {
            let found = candidates(path, &home);
            let found: Vec<_> = found.iter().map(RepoPath::as_str).collect();
            assert_eq!(found, expected, "{path}");
        };
        check(
            "plans/a.md",
            &[
                "plans/a.md",
                "specs/plans/a.md",
                "specs/041_x/plans/a.md",
                "specs/archive/041_x/plans/a.md",
                "specs/vault/01-vault/041_x/plans/a.md",
                "specs/vault/01-vault/archive/041_x/plans/a.md",
            ],
        );
        let found = candidates(".claude/specs/archive/7_y/a.md", &home);
        assert_eq!(found[0].as_str(), ".claude/specs/archive/7_y/a.md");
        assert!(found.contains(&RepoPath::new("specs/archive/7_y/a.md").unwrap()));
        assert!(found.contains(&RepoPath::new("specs/vault/01-vault/7_y/a.md").unwrap()));
        let inside = candidates("/srv/me/project/specs/1_x/a.md", &home);
        assert_eq!(inside[0].as_str(), "specs/1_x/a.md");
        for outside in ["/etc/passwd", "/srv/me/project2/a.md", "../../../../a.md"] {
            assert_eq!(candidates(outside, &home), [], "{outside}");
        }
    }

    #[test]
    fn spelling() {
        let home = Home {
            root: "specs",
            task: Some("041_x"),
            ..Home::default()
        };
        let path = RepoPath::new("specs/041_x/plans/a.md").unwrap();
        let check = |form, expected| assert_eq!(spell(&path, form, &home), expected);
        check(Form::Repository, "specs/041_x/plans/a.md");
        check(Form::Root, "041_x/plans/a.md");
        check(Form::Task, "plans/a.md");
        check(Form::Name, "specs/041_x/plans/a.md");
        let elsewhere = RepoPath::new("src/a.rs").unwrap();
        assert_eq!(spell(&elsewhere, Form::Root, &home), "src/a.rs");
        assert_eq!(usual_form(&["a/b.rs"], &["041_x/plans/a.md"]), Form::Root);
        assert_eq!(
            usual_form(&["specs/1_x/a.md", "1_x/b.md"], &[]),
            Form::Repository
        );
        assert_eq!(usual_form(&[], &["/a/b.md"]), Form::Repository);
    }

    #[test]
    fn one_file_has_many_spellings() {
        let whole = "specs/041_x/reports/research-001.md";
        for spelling in [
            "./specs/041_x/reports/research-001.md",
            ".claude/specs/41_x/reports/research-001.md",
            "OC_41_x//reports/research-001.md",
            "archive/041_x/reports/research-001.md",
            "reports/research-001.md",
            "/srv/me/specs/041_x/reports/research-001.md",
        ] {
            assert!(same(whole, spelling), "{spelling}");
            assert!(same(spelling, whole), "{spelling}");
        }
        for other in [
            "041_y/reports/research-001.md",
            "42_x/reports/research-001.md",
            "vault/01-vault/041_x/reports/research-001.md",
            "reports/research-002.md",
            "research-001.md",
            "src/reports.rs",
        ] {
            assert!(!same(whole, other), "{other}");
        }
        assert!(same("./src/a.rs", "src/a.rs"));
        assert!(same("specs/041_x/reports/r.md#part", "reports/r.md"));
        assert!(!same("specs/041_x/reports/r.md", "r.md"));
    }

    #[test]
    fn kinds() {
        assert_eq!(kind_of("specs/1_x/reports/a.md"), Some("research"));
        assert_eq!(kind_of("plans/old/a.md"), Some("plan"));
        assert_eq!(kind_of("src/a.rs"), None);
        assert_eq!(directory_of("summary"), Some("summaries"));
    }
}
