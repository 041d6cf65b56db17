//! One commit of exactly three files, in a repository of 10,000 with other changes in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::Bench;
use super::table::{Row, Target, millis};
use super::timing::{Subject, in_turn, rounds_with_warm_up};

const ROUNDS: usize = 51;

/// Beside `git add` and `git commit` of the same three files in a copy.
pub(super) fn rows(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    let files = if bench.smoke { 100 } else { 10_000 };
    let ours = repository(bench, "commit-ours", files)?;
    let theirs = repository(bench, "commit-git", files)?;
    let rounds = bench.rounds(ROUNDS);
    let [scoped, plain, head] = in_turn(
        [
            Subject::new("a scoped commit", |round| {
                let paths = change(&ours, round)?;
                let mut command = bench.programs.command(&bench.programs.fresh, &ours);
                command
                    .args(["commit", ".", &format!("{:032x}", round + 1)])
                    .args(paths);
                Ok(vec![command])
            }),
            Subject::new("git add, git commit", |round| {
                let paths = change(&theirs, round)?;
                let mut add = bench.programs.command("git", &theirs);
                add.args(["add", "--"]).args(paths);
                let mut commit = bench.programs.command("git", &theirs);
                commit.args(["commit", "--quiet", "--message=Sort the letters"]);
                Ok(vec![add, commit])
            }),
            Subject::new("git rev-parse HEAD", |_| {
                let mut command: Command = bench.programs.command("git", &theirs);
                command.args(["rev-parse", "HEAD"]);
                Ok(vec![command])
            }),
        ],
        rounds,
    )?;
    for repository in [&ours, &theirs] {
        check(bench, repository, rounds_with_warm_up(rounds))?;
    }
    bench.note(format!(
        "A scoped commit has a peak of {} MB of memory; it syncs what it writes, git does not.",
        scoped.peak / 1_000
    ));
    let what = format!(
        "scoped commit of 3 files in {}",
        super::store::grouped(files)
    );
    Ok(vec![
        Row {
            what: what.clone(),
            ours: millis(scoped.median()),
            other: "`git add`, `git commit`".to_owned(),
            theirs: millis(plain.median()),
            ratio: scoped.ratio_to(&plain),
            target: Target::Faster(2.5),
        },
        Row {
            what,
            ours: millis(scoped.median()),
            other: "`git rev-parse HEAD`".to_owned(),
            theirs: millis(head.median()),
            ratio: scoped.ratio_to(&head),
            target: Target::None,
        },
    ])
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
