//! Rules for Rust files.

use std::collections::BTreeSet;

use super::TextFile;

/// The largest number of lines of a file without its tests.
const LINE_LIMIT: usize = 800;

/// Files that may be longer, each with its own limit and the reason why.
const LONGER_FILES: &[(&str, usize)] = &[];

/// The line before a module that exists in tests only.
const CFG_TEST: &str = "#[cfg(test)]";

/// The folder whose tests run the program as a person does.
const PROGRAM_TESTS: &str = "crates/airboss/tests/";

/// Checks one file against every rule for Rust; `test_modules` come from [`test_modules`].
pub(super) fn check(file: &TextFile, test_modules: &BTreeSet<String>) -> Vec<String> {
    let TextFile { path, text } = file;
    let mut problems = Vec::new();
    if !text.starts_with("//!") {
        let rule = "a module opens with `//!`: what it is for and what it owns";
        problems.push(format!("{path}:1: {rule}"));
    }
    if !is_test_file(path, test_modules) {
        problems.extend(too_long(path, text));
    }
    let mut found = lines_with_tabs(text);
    found.extend(comments_without_end(text));
    if path.starts_with(PROGRAM_TESTS) {
        found.extend(assertions_on_parts(text));
    }
    found.sort_unstable();
    problems.extend(
        found
            .into_iter()
            .map(|(line, rule)| format!("{path}:{line}: {rule}")),
    );
    problems
}

/// A line number, counted from 1, and the rule that it breaks.
type Finding = (usize, &'static str);

/// The modules that exist in tests only, each as its path without `.rs`.
///
/// They are declared by `#[cfg(test)]` and `mod NAME;` on the next line.
pub(super) fn test_modules(files: &[TextFile]) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for file in files {
        let Some(module) = file.path.strip_suffix(".rs") else {
            continue;
        };
        let (folder, stem) = module.rsplit_once('/').unwrap_or(("", module));
        let children = if ["lib", "main", "mod"].contains(&stem) {
            folder
        } else {
            module
        };
        for (attribute, declaration) in file.text.lines().zip(file.text.lines().skip(1)) {
            let name = declaration
                .strip_prefix("mod ")
                .and_then(|rest| rest.strip_suffix(';'));
            if let (CFG_TEST, Some(name)) = (attribute, name) {
                modules.insert(format!("{children}/{name}"));
            }
        }
    }
    modules
}

/// Whether the file is built in tests only, for itself or because a module above it is.
fn is_test_file(path: &str, test_modules: &BTreeSet<String>) -> bool {
    let mut module = path.strip_suffix(".rs");
    while let Some(current) = module {
        let (parent, stem) = current.rsplit_once('/').unzip();
        if stem == Some("tests") || test_modules.contains(current) {
            return true;
        }
        module = parent;
    }
    false
}

fn too_long(path: &str, text: &str) -> Option<String> {
    let exception = LONGER_FILES.iter().find(|(longer, _)| *longer == path);
    let limit = exception.map_or(LINE_LIMIT, |(_, limit)| *limit);
    let count = lines_without_tests(text);
    (limit < count)
        .then(|| format!("{path}: {count} lines without tests, the limit is {limit}; split it"))
}

/// The number of lines before the inline test module.
///
/// Nothing but tests follows such a module: `clippy::items_after_test_module` sees to that.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let begins_tests = |pair: &[&str]| {
        pair[0] == CFG_TEST && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    };
    lines
        .windows(2)
        .position(begins_tests)
        .unwrap_or(lines.len())
}

fn lines_with_tabs(text: &str) -> Vec<Finding> {
    let rule = "a tab; indent with spaces and write `\\t` in strings";
    let with_tabs = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains('\t'));
    with_tabs.map(|(index, _)| (index + 1, rule)).collect()
}

/// Comment blocks of two or more lines are sentences, so they end like sentences.
///
/// One line may be a label; and a block may end in a list, a diagram or a bracket.
fn comments_without_end(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut block_length = 0;
    let mut last = "";
    // The empty line at the end closes a block at the end of the file.
    for (index, line) in text.lines().chain([""]).enumerate() {
        match plain_comment(line) {
            Some(comment) => {
                block_length += 1;
                last = comment;
            }
            None => {
                if 2 <= block_length && last.ends_with(char::is_alphanumeric) {
                    findings.push((index, "a comment of several lines ends in punctuation"));
                }
                block_length = 0;
            }
        }
    }
    findings
}

fn plain_comment(line: &str) -> Option<&str> {
    let comment = line.trim().strip_prefix("//")?;
    (!comment.starts_with(['/', '!'])).then_some(comment)
}

/// What an output of the program is called in tests. A file's content has no snapshot of its own,
/// so a part of that may be looked for.
const OUTPUTS: [&str; 4] = ["output", "stdout", "stderr", "told"];

/// Assertions that look for a part of an output, where a snapshot shows the whole.
fn assertions_on_parts(text: &str) -> Vec<Finding> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.trim().starts_with("assert!("));
    let on_parts = starts.filter(|(start, _)| {
        // Formatted code ends the statement that begins here with the next `);`.
        let rest = &lines[*start..];
        let end = rest
            .iter()
            .position(|line| line.ends_with(");"))
            .unwrap_or(0);
        let statement = rest[..=end].concat();
        let is_output = OUTPUTS.iter().any(|name| statement.contains(name));
        is_output && statement.contains(".contains(")
    });
    let rule = "compare the whole output with a snapshot instead of `contains`";
    on_parts.map(|(start, _)| (start + 1, rule)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[&str]) {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(check(&file, &BTreeSet::new()), expected);
    }

    #[test]
    fn a_file_in_order_has_no_problem() {
        check_file("a.rs", "//! Purpose.\n\n// One label\nfn a() {}\n", &[]);
    }

    #[test]
    fn a_module_without_header_is_found() {
        let expected = "a.rs:1: a module opens with `//!`: what it is for and what it owns";
        check_file("a.rs", "// Purpose.\nfn a() {}\n", &[expected]);
        check_file("a.rs", "", &[expected]);
    }

    #[test]
    fn a_tab_is_found() {
        let expected = "a.rs:2: a tab; indent with spaces and write `\\t` in strings";
        check_file("a.rs", "//! Purpose.\n\tfn a() {}\n", &[expected]);
    }

    #[test]
    fn only_lines_before_the_tests_count() {
        let code = |lines: usize| format!("//! Purpose.\n{}", "fn a() {}\n".repeat(lines - 1));
        let tests = "#[cfg(test)]\nmod tests {\n}\n";
        check_file("a.rs", &(code(LINE_LIMIT) + tests), &[]);
        let expected = "a.rs: 801 lines without tests, the limit is 800; split it";
        check_file("a.rs", &(code(LINE_LIMIT + 1) + tests), &[expected]);
        check_file("a/tests.rs", &code(LINE_LIMIT + 1), &[]);
        check_file("a/tests/long.rs", &code(LINE_LIMIT + 1), &[]);
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_hides_nothing() {
        let text = format!(
            "//! P.\n#[cfg(test)]\nmod tests;\n{}",
            "fn a() {}\n".repeat(800)
        );
        let expected = "a.rs: 803 lines without tests, the limit is 800; split it";
        check_file("a.rs", &text, &[expected]);
    }

    #[track_caller]
    fn check_test_file(path: &str, expected: bool) {
        let file = |path: &str, text: &str| TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let files = [
            file(
                "a/src/lib.rs",
                "//! A.\n#[cfg(test)]\nmod support;\nmod real;\n",
            ),
            file("a/src/store.rs", "//! Store.\n#[cfg(test)]\nmod suite;\n"),
        ];
        assert_eq!(
            is_test_file(path, &test_modules(&files)),
            expected,
            "{path}"
        );
    }

    #[test]
    fn files_of_tests_are_known_by_their_declaration() {
        check_test_file("a/src/support.rs", true);
        check_test_file("a/src/support/server.rs", true);
        check_test_file("a/src/store/suite.rs", true);
        check_test_file("a/src/store/suite/crash.rs", true);
        check_test_file("a/tests/run.rs", true);
        check_test_file("a/src/store/tests.rs", true);
        check_test_file("a/src/real.rs", false);
        check_test_file("a/src/suite.rs", false);
        check_test_file("a/src/store/suited.rs", false);
    }

    #[test]
    fn a_comment_that_breaks_off_is_found() {
        let expected = "a.rs:3: a comment of several lines ends in punctuation";
        check_file(
            "a.rs",
            "//! Purpose.\n// This is\n// unfinished\nfn a() {}\n",
            &[expected],
        );
        check_file(
            "a.rs",
            "//! Purpose.\n    // This is\n    // unfinished",
            &[expected],
        );
        check_file(
            "a.rs",
            "//! Purpose.\n// This is\n// finished.\nfn a() {}\n",
            &[],
        );
        check_file(
            "a.rs",
            "//! Purpose.\n/// This is\n/// documentation\nfn a() {}\n",
            &[],
        );
    }

    #[test]
    fn an_assertion_on_a_part_of_the_output_is_found() {
        let rule = "compare the whole output with a snapshot instead of `contains`";
        let expected = [&*format!("crates/airboss/tests/a.rs:2: {rule}")];
        let one_line = "//! Tests.\n    assert!(output.contains(\"done\"));\n";
        check_file("crates/airboss/tests/a.rs", one_line, &expected);
        let several = "//! Tests.\n    assert!(\n        output.contains(\"done\"),\n    );\n";
        check_file("crates/airboss/tests/a.rs", several, &expected);
        let apart = "//! Tests.\n    assert!(output.is_empty());\n    set.contains(&1);\n";
        check_file("crates/airboss/tests/a.rs", apart, &[]);
        let content = "//! Tests.\n    assert!(file.contains(\"done\"));\n";
        check_file("crates/airboss/tests/a.rs", content, &[]);
        check_file("crates/airboss-core/tests/a.rs", one_line, &[]);
    }
}
