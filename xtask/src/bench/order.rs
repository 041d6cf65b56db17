//! `cargo xtask order`: which functions commands begin with, written down for the linker.
//!
//! A program is read from its file in pieces of 64 kB, each by an interruption that costs as
//! much as thousands of instructions. What a short command needs lies all over sixteen megabytes
//! when nobody says otherwise. So the functions that common commands really call, told by
//! valgrind, come first and beside each other.
//!
//! The names are those of `-Csymbol-mangling-version=v0`, in which a function says its generic
//! arguments, too; only the crates in it are told apart by hashes, and these are left out, so that
//! the list holds for other builds and for small changes. The C library's functions are there,
//! too, whose sections are called otherwise. A name that fits nothing does no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::board::Boards;
use super::commands::{Repositories, airboss};
use super::programs::{Programs, run_under};

/// The hash of a crate has about eleven digits; no shorter one is taken for one.
const HASH_MIN: usize = 8;

/// Runs the commands and writes the list.
pub(crate) fn run(root: &Path) -> Result<()> {
    let programs = Programs::build(root, true)?;
    let own = symbols(&programs)?;
    let mut called = Vec::new();
    for command in commands(&programs)? {
        called.push(functions(&command)?);
    }
    let names = in_order(&called, &own);
    ensure!(!names.is_empty(), "valgrind names no function");
    fs_err::write(root.join("crates/airboss/order.ld"), script(&names))?;
    Ok(())
}

/// What people, scripts and agents ask for all day.
fn commands(programs: &Programs) -> Result<Vec<Command>> {
    let plans = Repositories::new(programs, 10, 10)?;
    let boards = Boards::new(programs, 10, 10)?;
    let mut commands = vec![
        airboss(programs, plans.any(), &["status"]),
        plans.mark(programs, 1),
        airboss(programs, plans.any(), &["next"]),
        boards.status(programs, 1),
    ];
    let of_board: [&[&str]; 9] = [
        &["--version"],
        &["task", "list"],
        &["task", "ready"],
        &["task", "show", "1"],
        &["task", "status", "2", "researching"],
        &["task", "add", "Another"],
        &["log"],
        &["sync"],
        &["verify"],
    ];
    commands.extend(of_board.into_iter().map(|words| {
        let mut command = programs.command(&programs.airboss, boards.any());
        command.args(words);
        command
    }));
    Ok(commands)
}

/// The functions that a command calls, in the order in which valgrind tells of them.
fn functions(command: &Command) -> Result<Vec<String>> {
    let told = tempfile::NamedTempFile::new()?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", "--demangle=no"]);
    let mut argument = std::ffi::OsString::from("--callgrind-out-file=");
    argument.push(told.path());
    valgrind.arg(argument);
    run_under(valgrind, command)?;
    let text = fs_err::read_to_string(told.path())?;
    let mut seen = BTreeSet::new();
    let names = text.lines().filter_map(name);
    Ok(names
        .filter(|name| seen.insert(*name))
        .map(str::to_owned)
        .collect())
}

/// The name of a function where it stands for the first time; later it has a number alone. The
/// format is that of the Callgrind manual, "Callgrind Format Specification".
fn name(line: &str) -> Option<&str> {
    let line = line.strip_prefix('c').unwrap_or(line);
    let (_, name) = line.strip_prefix("fn=(")?.split_once(") ")?;
    // A function that is called by itself again is told of with the depth.
    Some(name.split_once('\'').map_or(name, |(name, _)| name))
}

/// The names of the program's own functions.
fn symbols(programs: &Programs) -> Result<BTreeSet<String>> {
    let mut nm = programs.command("nm", programs.home());
    nm.arg(&programs.airboss);
    let text = programs.output(nm)?;
    let names = text.lines().filter_map(|line| line.rsplit(' ').next());
    Ok(names.map(str::to_owned).collect())
}

/// The patterns for the linker: first those that most commands need.
fn in_order(called: &[Vec<String>], own: &BTreeSet<String>) -> Vec<String> {
    let mut needed: BTreeMap<String, usize> = BTreeMap::new();
    let mut order = Vec::new();
    for names in called {
        let mut here = BTreeSet::new();
        // What is not the program's is the kernel's, or valgrind's own.
        for name in names.iter().filter(|name| own.contains(*name)) {
            let pattern = pattern(name);
            if !here.insert(pattern.clone()) {
                continue;
            }
            *needed.entry(pattern.clone()).or_insert_with(|| {
                order.push(pattern);
                0
            }) += 1;
        }
    }
    order.sort_by_key(|pattern| std::cmp::Reverse(needed[pattern]));
    order
}

/// What the sections are called in which a function lies, and what a compiler split off it; what
/// it takes for cold has a prefix of its own.
fn pattern(name: &str) -> String {
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    let name = without_hashes(name);
    format!("{name} .text.{name}.* .text.unlikely.{name} .text.unlikely.{name}.*")
}

/// A name in which crates are any of their builds: `Cs1nKzDb2Wq9f_3gix` becomes `Cs*_3gix`. The
/// grammar is that of Rust RFC 2603. References back, which count the bytes before them, stay: a
/// hash of another length, one of twenty, costs the place of its functions.
fn without_hashes(name: &str) -> String {
    let Some(mangled) = name.strip_prefix("_R") else {
        return name.to_owned();
    };
    let mut text = "_R".to_owned();
    let mut rest = mangled;
    while let Some((before, after)) = rest.split_once("Cs") {
        let hash = after.find(|it: char| !it.is_ascii_alphanumeric());
        match hash {
            // Shorter ones number what has the same name, or are part of a word.
            Some(length) if length >= HASH_MIN && after[length..].starts_with('_') => {
                text += before;
                text += "Cs*";
                rest = &after[length..];
            }
            _ => {
                text += before;
                text += "Cs";
                rest = after;
            }
        }
    }
    text + rest
}

/// A piece of a linker script: these functions come before all others.
fn script(names: &[String]) -> String {
    let mut text = "/* Written by `cargo xtask order`; do not edit. \
                    The functions that commands begin with. */\n\
                    SECTIONS {\n  .text.first : {\n"
        .to_owned();
    for name in names {
        let _ = writeln!(text, "    *(.text.{name})");
    }
    text.push_str("  }\n} INSERT BEFORE .text;\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: &str) {
        let names = BTreeSet::from([name.to_owned()]);
        let order = in_order(&[vec![name.to_owned()]], &names);
        let sections = order[0].split(' ').map(str::to_owned);
        assert_eq!(sections.collect::<Vec<_>>()[0], expected);
    }

    #[test]
    fn a_function_is_named_for_every_build_of_its_crates() {
        check("_RNvCs1nKzDb2Wq9f_3gix4open", "_RNvCs*_3gix4open");
        // A word that begins like one goes into the same star, which fits no less.
        check(
            "_RINvMCsaaaaaaaaaa_5coresNtB3_7CssTextCsbbbbbbbbbb_3std",
            "_RINvMCs*_5coresNtB3_7Cs*_3std",
        );
        // A part of it, a short number, and a function of C.
        check("_RNvC3gix4open.llvm.12", "_RNvC3gix4open");
        check("_RNvCs1_3gix4open", "_RNvCs1_3gix4open");
        check("sqlite3Csatisfactory_x", "sqlite3Csatisfactory_x");
    }

    #[test]
    fn what_most_commands_need_comes_first_and_nothing_of_others() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let called: [Vec<String>; 2] =
            [names(&["one", "kernel", "both"]), names(&["both", "both"])];
        let own = BTreeSet::from(["one".to_owned(), "both".to_owned()]);
        assert_eq!(in_order(&called, &own), [pattern("both"), pattern("one")]);
    }

    #[test]
    fn names_are_read_where_they_stand_first() {
        assert_eq!(name("fn=(12) main"), Some("main"));
        assert_eq!(name("cfn=(3) inner'2"), Some("inner"));
        assert_eq!(name("fn=(12)"), None);
        assert_eq!(name("cob=(1) libc.so"), None);
    }
}
