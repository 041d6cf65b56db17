//! `airboss selftest`: does what is promised hold here, on this file system.
//!
//! With `--crash` the program is killed at its own system calls, in a temporary repository beside
//! the person's files. Nothing of the person's is touched, and nothing is left.

use std::path::PathBuf;

use airboss_core::exit::ExitCode;

use crate::context::Context;
use crate::error::{CliError, ErrorKind};

/// Try on this file system what Airboss rests on.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(
    after_help = "Example: is the board safe on this disk, whenever the program dies?\n  \
                        airboss selftest --crash"
)]
pub struct SelftestArguments {
    /// Kill commands of a board at points spread over all their system calls, and look what is
    /// left.
    #[arg(long)]
    pub crash: bool,
    /// How long to go on.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "crash")]
    pub seconds: u64,
    /// Kill them at every point, however long it takes: some minutes.
    #[arg(long, requires = "crash", conflicts_with = "seconds")]
    pub full: bool,
    /// Where the temporary repository is made, and removed; else the current directory.
    #[arg(long = "in", value_name = "DIR")]
    pub place: Option<PathBuf>,
}

/// Tries what the file system offers, and kills the program there.
///
/// # Errors
/// When the directory cannot be written, or nothing can be traced here.
pub fn selftest(context: &Context, arguments: &SelftestArguments) -> Result<ExitCode, CliError> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    {
        linux::selftest(context, arguments)
    }
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    {
        let _ = (context, arguments);
        Err(CliError::new(
            ErrorKind::Blocked,
            "the selftest follows system calls, which it can do on Linux on x86_64 only",
        ))
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::io;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use owo_colors::Style;
    use serde_json::json;
    use signal_hook::consts::{SIGINT, SIGTERM};

    use super::{CliError, Context, ErrorKind, ExitCode, SelftestArguments};
    use crate::page::{self, Page, Table};
    use crate::selftest::INVARIANTS;
    use crate::selftest::crash::{Extent, Swept, sweep};
    use crate::selftest::offers::{Offers, offers};
    use crate::words;

    /// What ends it early, and the exit code of that.
    const ENDS: [(i32, ExitCode); 2] = [
        (SIGINT, ExitCode::Interrupted),
        (SIGTERM, ExitCode::Terminated),
    ];

    /// More violations than this say nothing new.
    const TOLD_MAX: usize = 12;

    pub(super) fn selftest(
        context: &Context,
        arguments: &SelftestArguments,
    ) -> Result<ExitCode, CliError> {
        let place = arguments.place.as_ref();
        let place = place.map_or_else(|| context.directory.clone(), Clone::clone);
        // Whatever is made from here on is tidied up, whoever ends it.
        let signal = Arc::new(AtomicUsize::new(0));
        for (number, code) in ENDS {
            let value = usize::from(code.code());
            signal_hook::flag::register_usize(number, Arc::clone(&signal), value)
                .map_err(|error| failed(&place, &error))?;
        }
        let end = || {
            let code = signal.load(Ordering::Relaxed);
            let mut ends = ENDS.into_iter().map(|(_, end)| end);
            ends.find(|end| usize::from(end.code()) == code)
        };
        let offers = offers(&place).map_err(|error| failed(&place, &error))?;
        if let Some(code) = end() {
            return Ok(code);
        }
        if !arguments.crash {
            show(context, &offers, None);
            return Ok(verdict(&offers, &[]));
        }
        if let Some(reason) = airboss_faults::refusal() {
            let words = format!("the system calls of a program cannot be followed here: {reason}");
            return Err(CliError::new(ErrorKind::Blocked, words).hint(
                "in a container, allow it: `docker run --cap-add=SYS_PTRACE` (podman has the \
                 same); on a host, /proc/sys/kernel/yama/ptrace_scope has to be 0, 1 or 2",
            ));
        }
        let began = Instant::now();
        let extent = if arguments.full {
            Extent::Full
        } else {
            Extent::For(Duration::from_secs(arguments.seconds))
        };
        let program = std::env::current_exe().map_err(|error| failed(&place, &error))?;
        if !context.json {
            let time = if arguments.full {
                "some minutes".to_owned()
            } else {
                format!("{} s", arguments.seconds)
            };
            let words = format!("killing airboss at its own system calls for about {time} …");
            context.printer.note(&words);
        }
        let swept = sweep(&program, &offers.directory, extent, &|| end().is_some());
        if let Some(code) = end() {
            return Ok(code);
        }
        let swept = swept.map_err(|error| failed(&place, &error))?;
        show(context, &offers, Some((&swept, began.elapsed())));
        Ok(verdict(&offers, &swept))
    }

    fn failed(place: &Path, error: &io::Error) -> CliError {
        let words = format!(
            "the selftest cannot be made in {}: {error}",
            place.display()
        );
        CliError::new(ErrorKind::Io, words)
    }

    fn verdict(offers: &Offers, swept: &[Swept]) -> ExitCode {
        let held = |command: &Swept| command.killed > 0 && command.violations.is_empty();
        let all_held = swept.iter().all(held);
        if all_held && offers.locks {
            ExitCode::Success
        } else {
            ExitCode::Failed
        }
    }

    fn show(context: &Context, offers: &Offers, swept: Option<(&[Swept], Duration)>) {
        if context.json {
            let data = match swept {
                None => json!({ "file_system": offers }),
                Some((swept, time)) => {
                    let killed: usize = swept.iter().map(|command| command.killed).sum();
                    json!({
                        "file_system": offers,
                        "commands": swept,
                        "invariants": INVARIANTS.map(|(name, holds)| json!({ "name": name, "holds": holds })),
                        "killed": killed,
                        "held": verdict(offers, swept) == ExitCode::Success,
                        "seconds": time.as_secs_f64(),
                    })
                }
            };
            context.printer.json(&data);
            return;
        }
        context.printer.data(&told_offers(offers));
        if let Some((swept, time)) = swept {
            context.printer.data(&format!("\n{}", told(swept, time)));
        }
    }

    fn told_offers(offers: &Offers) -> String {
        let mut page = Page::new(page::width());
        let mut line = |good: Option<bool>, label: &str, words: &str| {
            let (sign, style) = match good {
                Some(true) => ("✓", Style::new().green()),
                Some(false) => ("!", Style::new().yellow()),
                None => (" ", Style::new()),
            };
            page.field(0, (&format!("{sign} {label}"), style), 15, words);
        };
        let place = format!("{} at {}", offers.kind, offers.directory.display());
        line(None, "file system", &place);
        let sync = format!("a page is durable after {:.2} ms", offers.sync_ms);
        line(None, "sync", &sync);
        let words = if offers.exchange {
            "two files change places in one step"
        } else {
            "two files cannot change places: a save in the instant of a rename can be lost"
        };
        line(Some(offers.exchange), "exchange", words);
        let words = if offers.locks {
            "the kernel frees them when their holder dies"
        } else {
            "kernel locks do not work here: let only one command run at a time"
        };
        line(Some(offers.locks), "locks", words);
        page.finish()
    }

    fn told(swept: &[Swept], time: Duration) -> String {
        let mut table = Table::new(page::edge());
        let cells = ["command", "killed", "of", "places left", "violations"];
        table.row(cells, Style::new().dimmed());
        for command in swept {
            let bad = command.violations.len();
            let style = if bad == 0 {
                Style::new()
            } else {
                Style::new().red()
            };
            let numbers = [command.killed, command.points, command.places, bad];
            let [killed, points, places, bad] = numbers.map(|number| number.to_string());
            table.row([&command.command, &killed, &points, &places, &bad], style);
        }
        let killed: usize = swept.iter().map(|command| command.killed).sum();
        let violations: Vec<_> = swept.iter().flat_map(|it| &it.violations).collect();
        let seconds = format!("{:.0} s", time.as_secs_f64());
        let kills = words::count(killed, "kill");
        let promises = INVARIANTS.len();
        let mut page = Page::new(page::width());
        if violations.is_empty() {
            let words = format!(
                "✓ {kills}, and after each of them all {promises} promises hold ({seconds})"
            );
            page.sentence(&words, Style::new().green());
        } else {
            let count = words::count(violations.len(), "violation");
            let words = format!("✗ {count} after {kills} ({seconds})");
            page.sentence(&words, Style::new().red());
            for violation in violations.into_iter().take(TOLD_MAX) {
                page.field(2, ("·", Style::new().red()), 1, violation);
            }
        }
        [table.finish(), page.finish()].join("\n")
    }
}
