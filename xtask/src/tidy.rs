//! House rules that no compiler knows, checked on the files that git knows.
//!
//! Each rule is a function from a text to problems, so that its test is a bad
//! text. A problem names the file, the line where there is one, and the rule.

mod documents;
mod rust;

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// One file of the project that holds text.
struct TextFile {
    /// From the root of the workspace, with forward slashes.
    path: String,
    text: String,
}

/// Where machines keep checkouts and homes: no file of the project may name such a place.
///
/// The parts are joined here so that this file does not name one itself.
const MACHINE_ROOTS: [&str; 3] = [
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
];

/// Names of notes that the project was designed with and does not hold: a reader who is
/// sent to one finds nothing, so the text states the rule itself.
///
/// The parts are joined here so that this file does not name one itself.
const NOTES: [&str; 6] = [
    concat!("agents", ".md"),
    concat!("design", ".md"),
    concat!("formats", ".md"),
    concat!("performance", ".md"),
    concat!("reliability", ".md"),
    concat!("style", ".md"),
];

/// The project's own documents with a note's name.
const DOCUMENTS: [&str; 3] = [
    "docs/performance.md",
    "docs/reliability.md",
    "docs/style.md",
];

/// Checks every rule on every file.
pub(crate) fn problems(root: &Path) -> Result<Vec<String>> {
    let files = text_files(root)?;
    ensure!(
        !files.is_empty(),
        "git knows no file here, so nothing would be proved"
    );
    Ok(check(&files))
}

fn check(files: &[TextFile]) -> Vec<String> {
    let mut problems = documents::check(files);
    let test_modules = rust::test_modules(files);
    for file in files {
        if file.path.ends_with(".rs") {
            problems.extend(rust::check(file, &test_modules));
        }
        problems.extend(check_text(file));
    }
    problems
}

/// The rules for every text: no machine's paths, no absent notes, no trailing whitespace.
fn check_text(file: &TextFile) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in file.text.split('\n').enumerate() {
        let place = format!("{}:{}", file.path, index + 1);
        if let Some(found) = machine_path(line) {
            problems.push(format!("{place}: `{found}` is a path of one machine"));
        }
        if let Some(found) = absent_note(line)
            && !is_verbatim(&file.path)
        {
            problems.push(format!(
                "{place}: `{found}` is not in the repository; state what it says"
            ));
        }
        if !is_verbatim(&file.path) && line.trim_end() != line {
            problems.push(format!("{place}: whitespace at the end of the line"));
        }
    }
    problems
}

/// The machine root that an absolute path in `line` begins with.
fn machine_path(line: &str) -> Option<&'static str> {
    MACHINE_ROOTS.into_iter().find(|machine_root| {
        line.match_indices(machine_root).any(|(at, _)| {
            // A folder of the same name deeper in some path, such as `specs` + root, is fine.
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "._-})>~*".contains(c))
        })
    })
}

/// The first path in `line` that names a note and none of the project's documents.
fn absent_note(line: &str) -> Option<&str> {
    let is_of_path = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    line.split(|c: char| !is_of_path(c))
        .map(|path| path.trim_end_matches('.'))
        .filter(|path| !DOCUMENTS.contains(&path.trim_start_matches(['.', '/'])))
        .find(|path| NOTES.contains(&path.rsplit('/').next().unwrap_or(path)))
}

/// Whether the file's bytes are test data: snapshots and fixtures keep what they show.
fn is_verbatim(path: &str) -> bool {
    path.ends_with(".snap") || path.split('/').any(|part| part == "fixtures")
}

/// Reads what git tracks or would add. Files that are not UTF-8 hold no rules of ours.
fn text_files(root: &Path) -> Result<Vec<TextFile>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("git does not start")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let mut files = Vec::new();
    for path in String::from_utf8(output.stdout)?.split_terminator('\0') {
        match fs_err::read(root.join(path)) {
            Ok(bytes) => {
                if let Ok(text) = String::from_utf8(bytes) {
                    files.push(TextFile {
                        path: path.to_owned(),
                        text,
                    });
                }
            }
            // Git lists a tracked file until its deletion is staged.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(check_text(&file), expected);
    }

    #[test]
    fn a_machine_path_is_found_where_a_path_begins() {
        for machine_root in MACHINE_ROOTS {
            let expected = format!("a.md:2: `{machine_root}` is a path of one machine");
            check(
                "a.md",
                &format!("fine\nsee {machine_root}main\n"),
                &[&expected],
            );
            check("a.md", &format!("target{machine_root}x\n"), &[]);
        }
    }

    #[test]
    fn a_note_that_the_project_does_not_hold_is_found() {
        for note in NOTES {
            let rule = "is not in the repository; state what it says";
            let expected = [&*format!("a.rs:1: `{note}` {rule}")];
            check("a.rs", &format!("//! As `{note}` says.\n"), &expected);
            check("a.rs", &format!("//! The rule ({note} F.3).\n"), &expected);
            check("a.rs", &format!("//! It is in {note}.\n"), &expected);
            let expected = [&*format!("a.rs:1: `notes/{note}` {rule}")];
            check("a.rs", &format!("//! See notes/{note}:3\n"), &expected);
            check(
                "a.rs",
                &format!("//! See `my-{note}` and `{note}x`.\n"),
                &[],
            );
            check("tests/fixtures/a.md", &format!("{note}\n"), &[]);
        }
        for document in DOCUMENTS {
            check("a.rs", &format!("//! See `{document}`.\n"), &[]);
            check("docs/a.md", &format!("[style](../{document})\n"), &[]);
        }
        check("a.rs", "//! See `AGENTS.md`.\n", &[]);
    }

    #[test]
    fn whitespace_at_the_end_of_a_line_is_found() {
        check(
            "a.md",
            "one \ntwo\n",
            &["a.md:1: whitespace at the end of the line"],
        );
        check(
            "a.rs",
            "one\r\n",
            &["a.rs:1: whitespace at the end of the line"],
        );
        check("tests/fixtures/a.md", "one \n", &[]);
        check("tests/snapshots/a.snap", "one \n", &[]);
    }

    #[test]
    fn files_are_read_from_a_work_tree() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let init = Command::new("git")
            .arg("init")
            .arg("--quiet")
            .arg(root)
            .status()
            .unwrap();
        assert!(init.success());
        fs_err::write(root.join(".gitignore"), "ignored.md\n").unwrap();
        fs_err::write(root.join("ignored.md"), "bad \n").unwrap();
        fs_err::write(root.join("image.png"), [0xff, 0xfe]).unwrap();
        fs_err::write(root.join("new.rs"), "fn main() {}\n").unwrap();

        let problems = problems(root).unwrap();

        let missing_header = "new.rs:1: a module opens with `//!`: what it is for and what it owns";
        assert!(
            problems.contains(&missing_header.to_owned()),
            "{problems:?}"
        );
        assert!(
            !problems
                .iter()
                .any(|problem| problem.contains("ignored.md")),
            "{problems:?}"
        );
    }
}
