//! What the terminal interface costs while nothing happens.

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::board::board;
use super::table::{Row, Target, millis};

/// How long it is left alone.
const ALONE: Duration = Duration::from_secs(10);
/// How long its first screen may take.
const BEGIN: Duration = Duration::from_secs(2);
/// Linux counts a process's time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// The processor time of `airboss tui` on a board of 1,000 tasks, beside a hundredth of the time
/// that goes by.
pub(super) fn rows(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    if !cfg!(target_os = "linux") || Command::new("tmux").arg("-V").output().is_err() {
        bench.note("The idle terminal interface was left out: it needs Linux and tmux.");
        return Ok(Vec::new());
    }
    let tasks = if bench.smoke { 10 } else { 1_000 };
    let top = board(&bench.programs, tasks, 1)?;
    let server = format!("airboss-bench-{}", std::process::id());
    let tmux = |words: &[&str]| {
        let mut tmux = bench.programs.command("tmux", &top);
        tmux.env("TERM", "xterm-256color");
        tmux.args(["-L", &server, "-f", "/dev/null"]).args(words);
        bench.programs.output(tmux)
    };
    let program = bench.programs.airboss.display().to_string();
    let size = ["-x", "200", "-y", "60"];
    let new = [&["new-session", "-d"][..], &size, &[&program, "tui"]].concat();
    tmux(&new)?;
    let measured = tmux(&["display-message", "-p", "#{pane_pid}"]).and_then(|pid| {
        let alone = if bench.smoke { TICK } else { ALONE };
        thread::sleep(BEGIN);
        let before = processor_time(pid.trim())?;
        thread::sleep(alone);
        let taken = processor_time(pid.trim())?.saturating_sub(before);
        let screen = tmux(&["capture-pane", "-p"])?;
        ensure!(screen.contains("airboss"), "this is no screen: {screen}");
        Ok((taken, alone))
    });
    tmux(&["kill-server"])?;
    let (taken, alone) = measured?;
    let allowed = alone / 100;
    Ok(vec![Row {
        what: format!("`tui` at 200x60, {} s without a change", alone.as_secs()),
        ours: millis(taken),
        other: "a hundredth of that time".to_owned(),
        theirs: millis(allowed),
        ratio: taken.as_secs_f64() / allowed.as_secs_f64(),
        target: Target::AtMost(1.0),
    }])
}

/// The time that a process has had, for itself and in the kernel.
fn processor_time(pid: &str) -> Result<Duration> {
    let line = fs_err::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program may hold anything but a line end; what follows it are numbers.
    let (_, numbers) = line
        .rsplit_once(')')
        .context("this is no state of a process")?;
    let ticks = numbers.split_whitespace().skip(11).take(2);
    let ticks: Vec<u32> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(TICK * ticks.iter().sum::<u32>())
}
