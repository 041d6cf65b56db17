//! One commit of exactly three files, in a repository of 10,000 with other changes in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::Bench;
use super::store::grouped;
use super::table::{Row, Target, millis};
use super::timing::{Samples, Subject, in_turn, rounds_with_warm_up};

const ROUNDS: usize = 51;

/// Beside `git add` and `git commit` of the same three files in a copy: as they are, which
/// syncs nothing, and made to sync what they write, which ours always does.
pub(super) fn rows(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    let files = if bench.smoke { 100 } else { 10_000 };
    let ours = repository(bench, "commit-ours", files)?;
    let plain = repository(bench, "commit-git", files)?;
    let synced = repository(bench, "commit-git-synced", files)?;
    bench
        .programs
        .git(&synced, &["config", "core.fsync", "all"])?;
    let rounds = bench.rounds(ROUNDS);
    let [own, git, durable, head] = in_turn(
        [
            Subject::new("a scoped commit", |round| {
                let paths = change(&ours, round)?;
                let mut command = bench.programs.command(&bench.programs.fresh, &ours);
                let operation = format!("{:032x}", round + 1);
                command.args(["commit", ".", &operation]).args(paths);
                Ok(vec![command])
            }),
            Subject::new("git add, git commit", |round| by_git(bench, &plain, round)),
            Subject::new("the same, synced", |round| by_git(bench, &synced, round)),
            Subject::new("git rev-parse HEAD", |_| {
                let mut command = bench.programs.command("git", &plain);
                command.args(["rev-parse", "HEAD"]);
                Ok(vec![command])
            }),
        ],
        rounds,
    )?;
    for repository in [&ours, &plain, &synced] {
        check(bench, repository, rounds_with_warm_up(rounds))?;
    }
    bench.note(format!(
        "A scoped commit takes {} of processor time and {} MB, `git add` and `git commit` {}.",
        millis(own.cpu()),
        own.peak / 1_000,
        millis(git.cpu())
    ));
    let row = |other: &str, theirs: &Samples, target| Row {
        what: format!("scoped commit of 3 files in {}", grouped(files)),
        ours: millis(own.median()),
        other: other.to_owned(),
        theirs: millis(theirs.median()),
        ratio: own.ratio_to(theirs),
        target,
    };
    Ok(vec![
        row("`git add`, `git commit`", &git, Target::Faster(2.5)),
        row("the same, `core.fsync=all`", &durable, Target::None),
        row("`git rev-parse HEAD`", &head, Target::None),
    ])
}

fn by_git(bench: &Bench<'_>, top: &Path, round: usize) -> Result<Vec<Command>> {
    let paths = change(top, round)?;
    let mut add = bench.programs.command("git", top);
    add.args(["add", "--"]).args(paths);
    let mut commit = bench.programs.command("git", top);
    commit.args(["commit", "--quiet", "--message=Sort the letters"]);
    Ok(vec![add, commit])
}

/// A repository whose files lie in folders of 100, with one commit.
fn repository(bench: &Bench<'_>, name: &str, files: usize) -> Result<PathBuf> {
    let top = bench.programs.folder(name)?;
    for number in 0..files {
        let file = top.join(path(number));
        if number % 100 == 0 {
            fs_err::create_dir_all(file.parent().unwrap_or(&top))?;
        }
        fs_err::write(file, format!("berth {number}\n").repeat(20))?;
    }
    bench
        .programs
        .git(&top, &["init", "--quiet", "--initial-branch=main"])?;
    // No collection in the background while times are taken.
    bench.programs.git(&top, &["config", "gc.auto", "0"])?;
    bench.programs.git(&top, &["add", "--all"])?;
    bench
        .programs
        .git(&top, &["commit", "--quiet", "--message=Begin"])?;
    // Collected objects are what a repository of this age has.
    bench.programs.git(&top, &["gc", "--quiet"])?;
    Ok(top)
}

fn path(number: usize) -> String {
    format!("pier{}/berth{number}.txt", number / 100)
}

/// Changes the three files of a round: two that are there, in two folders, and a new one.
fn change(top: &Path, round: usize) -> Result<[String; 3]> {
    let paths = [
        path(round % 40),
        path(40 + round % 60),
        format!("pier0/letter{round}.txt"),
    ];
    for path in &paths {
        let text = format!("sorted in round {round}\n").repeat(20);
        fs_err::write(top.join(path), text)?;
    }
    Ok(paths)
}

/// Each commit holds its three files and nothing else, and nothing is left over.
fn check(bench: &Bench<'_>, top: &Path, commits: usize) -> Result<()> {
    let count = bench.programs.git(top, &["rev-list", "--count", "HEAD"])?;
    ensure!(
        count.trim() == (commits + 1).to_string(),
        "{} commits",
        count.trim()
    );
    for back in 0..commits {
        let revision = format!("HEAD~{back}");
        let shown = bench
            .programs
            .git(top, &["show", "--format=", "--name-only", &revision])?;
        let round = commits - 1 - back;
        let mut expected = [
            path(round % 40),
            path(40 + round % 60),
            format!("pier0/letter{round}.txt"),
        ];
        expected.sort();
        let mut found: Vec<&str> = shown.lines().collect();
        found.sort_unstable();
        ensure!(found == expected, "commit {round} holds {found:?}");
    }
    let left = bench.programs.git(top, &["status", "--porcelain"])?;
    ensure!(left.is_empty(), "left over: {left}");
    Ok(())
}
