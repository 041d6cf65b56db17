//! `cargo xtask order`: which functions commands begin with, written down for the linker.
//!
//! A program is read from its file in pieces of 64 kB, each by an interruption that costs as
//! much as thousands of instructions. What a short command needs lies all over sixteen megabytes
//! when nobody says otherwise. So the functions that common commands really call, told by
//! valgrind, come first and beside each other.
//!
//! Most names are written without the compiler's hashes, so that the list holds for every build
//! and for small changes. Names that stand for many functions, of which few are called, come with
//! their hashes behind the others; and the C library's are there, too, whose sections are called
//! otherwise. A name that fits nothing does no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::board::Boards;
use super::commands::{Repositories, airboss};
use super::programs::{Programs, run_under};

/// At least this part of the bytes that a name stands for has to be called.
const DENSITY_MIN: f64 = 0.3;

/// Where a hash begins in the name of a function.
const HASH: &str = "17h";

/// Runs the commands and writes the list.
pub(crate) fn run(root: &Path) -> Result<()> {
    let programs = Programs::build(root, true)?;
    let sizes = sizes(&programs)?;
    let mut called = Vec::new();
    for command in commands(&programs)? {
        called.push(functions(&command)?);
    }
    let names = in_order(&called, &sizes);
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

/// The bytes of each function of the program.
fn sizes(programs: &Programs) -> Result<BTreeMap<String, u64>> {
    let mut nm = programs.command("nm", programs.home());
    nm.arg("--print-size").arg(&programs.airboss);
    let text = programs.output(nm)?;
    let mut sizes = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if let [_, size, "t" | "T" | "w" | "W", name] = words[..] {
            sizes.insert(name.to_owned(), u64::from_str_radix(size, 16)?);
        }
    }
    Ok(sizes)
}

/// The names for the linker: first those that most commands need.
fn in_order(called: &[Vec<String>], sizes: &BTreeMap<String, u64>) -> Vec<String> {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, size) in sizes {
        *all.entry(general(name)).or_default() += size;
    }
    let mut hot: BTreeMap<&str, u64> = BTreeMap::new();
    let mut needed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order = Vec::new();
    let mut counted = BTreeSet::new();
    for names in called {
        let mut here = BTreeSet::new();
        for name in names {
            let Some(size) = sizes.get(name) else {
                continue; // It is the kernel's, or valgrind's own.
            };
            let general = general(name);
            if counted.insert(name) {
                *hot.entry(general).or_default() += size;
            }
            if here.insert(general) {
                let commands = needed.entry(general).or_insert_with(|| {
                    order.push(general);
                    0
                });
                *commands += 1;
            }
        }
    }
    let is_dense = |name: &str| hot[name] as f64 >= DENSITY_MIN * all[name] as f64;
    let exact = called.iter().flatten();
    let exact = exact.filter(|name| counted.contains(name) && !is_dense(general(name)));
    let exact: BTreeSet<&str> = exact.map(|name| without_suffix(name)).collect();
    order.retain(|name| is_dense(name));
    order.sort_by_key(|name| std::cmp::Reverse(needed[name]));
    let dense = order.into_iter().map(pattern);
    let exact = exact.into_iter().map(|name| format!("{name}*"));
    dense.chain(exact).collect()
}

/// A name without what a compiler adds behind it when it splits or moves a function.
fn without_suffix(name: &str) -> &str {
    name.split_once(".llvm.").map_or(name, |(name, _)| name)
}

/// What the sections are called in which a function lies, whatever hashes its name has.
fn pattern(general: &str) -> String {
    if general.starts_with("_ZN") {
        format!("{general}{HASH}*")
    } else {
        // What a compiler makes of a C function besides is named after a dot.
        format!("{general} .text.{general}.*")
    }
}

/// A name without what the compiler adds to tell its builds apart.
fn general(name: &str) -> &str {
    if let Some((before, after)) = name.rsplit_once(HASH)
        && after.len() > 16
        && after.as_bytes()[..16].iter().all(u8::is_ascii_hexdigit)
    {
        return before;
    }
    name.split_once('.').map_or(name, |(name, _)| name)
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
