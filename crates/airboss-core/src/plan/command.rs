//! Commands in criteria: ``- [ ] `cargo test` passes``.
//!
//! The rule is strict, because whatever it finds may be run: exactly one back-quoted span
//! begins with a word that is known to start programs and names something to do (`cargo test`,
//! `./check.sh`, but not `cargo` alone), and either that span is the whole
//! text, or the rest says that it is run or that it passes, succeeds or exits with 0. A
//! denial (`not`, `fails`), another exit code, or a placeholder in the span, and there is no
//! command. A path or an identifier in prose never is one.

use super::lines::code_spans;

/// Programs that checks are made of, beside scripts that start with `./`. Nothing whose usual
/// work is to change or delete what is there.
const PROGRAMS: &[&str] = &[
    "bash",
    "bats",
    "bazel",
    "bun",
    "bundle",
    "busted",
    "cabal",
    "cargo",
    "cmake",
    "composer",
    "ctest",
    "deno",
    "diff",
    "dotnet",
    "elixir",
    "eslint",
    "ghc",
    "go",
    "gradle",
    "grep",
    "jest",
    "just",
    "lake",
    "lean",
    "luacheck",
    "make",
    "meson",
    "mix",
    "mvn",
    "mypy",
    "ninja",
    "node",
    "npm",
    "npx",
    "nvim",
    "perl",
    "php",
    "phpunit",
    "pnpm",
    "poetry",
    "prettier",
    "pytest",
    "python",
    "python3",
    "rake",
    "rg",
    "rspec",
    "ruby",
    "ruff",
    "rustc",
    "sh",
    "shellcheck",
    "stack",
    "swift",
    "test",
    "tox",
    "tsc",
    "uv",
    "vitest",
    "yarn",
    "zig",
];

/// Words that say that a command is to be run or must succeed.
const ASKS: &[&str] = &[
    "run", "runs", "running", "pass", "passes", "passing", "succeed", "succeeds", "exit", "exits",
    "green",
];

/// Words that turn the meaning round. `passes without errors` does not.
const DENIES: &[&str] = &[
    "not", "never", "longer", "fail", "fails", "failing", "instead", "except", "until", "nonzero",
    "non-zero",
];

/// Programs that mean something without an argument.
const ALONE: &[&str] = &[
    "busted", "ctest", "jest", "just", "make", "ninja", "pytest", "rake", "rspec", "tox", "vitest",
];

/// The command that a criterion's text clearly asks to run.
pub(super) fn command(text: &str) -> Option<String> {
    let spans: Vec<_> = code_spans(text).collect();
    let mut runnable = spans
        .iter()
        .filter(|span| is_runnable(&text[(*span).clone()]));
    let span = runnable.next()?;
    if runnable.next().is_some() {
        return None;
    }
    let (before, after) = (&text[..span.start], &text[span.end..]);
    let before = before.trim_end_matches('`');
    let after = after.trim_start_matches('`');
    let whole = [before, after]
        .iter()
        .all(|rest| rest.trim_matches(['*', ' ', '.', ':']).is_empty());
    let rest = format!("{before} {after}").to_lowercase();
    let words: Vec<&str> = rest
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|word| !word.is_empty())
        .collect();
    let asked = words.iter().any(|word| ASKS.contains(word));
    let denied = words.iter().any(|word| DENIES.contains(word));
    let exits_with_error = words.iter().any(|word| word.starts_with("exit"))
        && words.iter().any(|word| word.starts_with("error"));
    let other_exit = exits_with_error || words.windows(2).any(is_exit_code);
    (whole || asked && !denied && !other_exit).then(|| text[span.clone()].trim().to_owned())
}

/// `exits 1`, `code 2`: an exit code that is not success.
fn is_exit_code(pair: &[&str]) -> bool {
    let [name, code] = pair else { return false };
    ["exit", "exits", "code", "status", "with"].contains(name)
        && code.parse::<u32>().is_ok_and(|code| code != 0)
}

fn is_runnable(code: &str) -> bool {
    let code = code.trim();
    let mut words = code.split_whitespace();
    let program = words.next().unwrap_or_default();
    let complete = words.next().is_some() || ALONE.contains(&program);
    let known = (PROGRAMS.contains(&program) && complete) || is_script(program);
    let placeholder = code.contains("{{")
        || code.contains('<')
        || code.contains('\u{2026}')
        || code.contains("...");
    known && !placeholder && !code.chars().any(char::is_control)
}

/// `./check`, `./check.sh`; not `./README.md`.
fn is_script(program: &str) -> bool {
    let Some(path) = program.strip_prefix("./") else {
        return false;
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    !name.is_empty() && ["", "sh", "bash", "py", "js", "mjs", "ts", "rb", "pl"].contains(&extension)
}
