//! Rules for the documents in the root: they exist, stay short, and name every crate.

use std::collections::BTreeSet;

use super::TextFile;

/// Documents and the number of lines that each may have.
///
/// A document that is meant to be read before work begins is read only while it
/// is short: three pages of 60 lines for the map, and less for the conventions.
const LINE_LIMITS: &[(&str, usize)] = &[("ARCHITECTURE.md", 180), ("AGENTS.md", 150)];

/// The whole of CLAUDE.md: there is one file of conventions, and this points to it.
const CLAUDE: &str = "@AGENTS.md\n";

/// Checks the documents against the rules and against the crates that exist.
pub(super) fn check(files: &[TextFile]) -> Vec<String> {
    let text_of = |path: &str| {
        files
            .iter()
            .find(|file| file.path == path)
            .map_or("", |file| file.text.as_str())
    };
    let mut problems = Vec::new();
    for (path, limit) in LINE_LIMITS {
        match text_of(path).lines().count() {
            0 => problems.push(format!("{path}: missing or empty")),
            count if *limit < count => {
                problems.push(format!(
                    "{path}: {count} lines, the limit is {limit}; shorten it"
                ));
            }
            _ => {}
        }
    }
    if text_of("CLAUDE.md") != CLAUDE {
        problems.push("CLAUDE.md: it is the one line `@AGENTS.md`".to_owned());
    }
    let architecture = text_of("ARCHITECTURE.md");
    for folder in crate_folders(files) {
        if !names(architecture, folder) {
            problems.push(format!(
                "ARCHITECTURE.md: `{folder}` is not in the code map"
            ));
        }
    }
    problems
}

/// The folders `crates/NAME` that hold any file.
fn crate_folders(files: &[TextFile]) -> BTreeSet<&str> {
    let folder = |file: &'_ TextFile| -> Option<usize> {
        let name_length = file.path.strip_prefix("crates/")?.find('/')?;
        Some("crates/".len() + name_length)
    };
    files
        .iter()
        .filter_map(|file| Some(&file.path[..folder(file)?]))
        .collect()
}

/// Whether `text` names `folder`, and not merely a folder whose name begins alike.
fn names(text: &str, folder: &str) -> bool {
    text.match_indices(folder).any(|(at, _)| {
        let after = text[at + folder.len()..].chars().next();
        !after.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a project in order with one document replaced.
    #[track_caller]
    fn check_with(path: &str, text: &str, expected: &[&str]) {
        let mut files = vec![
            file("AGENTS.md", "# Conventions\n"),
            file("ARCHITECTURE.md", "**`crates/a-b`**, **`crates/a`**\n"),
            file("CLAUDE.md", CLAUDE),
            file("crates/a-b/src/lib.rs", ""),
            file("crates/a/src/lib.rs", ""),
        ];
        files.retain(|file| file.path != path);
        files.push(file(path, text));
        assert_eq!(check(&files), expected);
    }

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn documents_in_order_have_no_problem() {
        check_with("README.md", "# Airboss\n", &[]);
    }

    #[test]
    fn a_crate_that_the_map_leaves_out_is_found() {
        let expected = "ARCHITECTURE.md: `crates/a` is not in the code map";
        check_with("ARCHITECTURE.md", "`crates/a-b` alone\n", &[expected]);
    }

    #[test]
    fn a_long_or_missing_document_is_found() {
        let expected = "AGENTS.md: 151 lines, the limit is 150; shorten it";
        check_with("AGENTS.md", &"line\n".repeat(151), &[expected]);
        check_with("AGENTS.md", "", &["AGENTS.md: missing or empty"]);
        let long_map = "crates/a crates/a-b\n".repeat(181);
        let expected = "ARCHITECTURE.md: 181 lines, the limit is 180; shorten it";
        check_with("ARCHITECTURE.md", &long_map, &[expected]);
    }

    #[test]
    fn conventions_of_its_own_in_claude_md_are_found() {
        check_with(
            "CLAUDE.md",
            "Be nice.\n",
            &["CLAUDE.md: it is the one line `@AGENTS.md`"],
        );
    }
}
