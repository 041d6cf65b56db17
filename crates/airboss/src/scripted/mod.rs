//! The scripted agent: plays a TOML script in the wire format of a real agent.
//!
//! The demo and the tests fly it, so that neither needs a model, a network or an
//! account. It really does what the script says (files, commands, children,
//! signals) and it lies where the script says so. Ids are counted, never random.
//!
//! # The script
//!
//! ```toml
//! [[step]]                      # the first section that fits a step is played
//! match = "1.2"                 # the step's id
//! on_attempt = [1]              # optional; or `attempt = 1`
//! actions = [
//!   { say = "Working on {step}." },
//!   { write = "src/{slug}.txt", text = "hello\n" },
//!   { shell = "make test" },
//! ]
//!
//! [default]                     # steps without a section, and prompts without a step
//! actions = [{ write = "out/{slug}.txt", text = "{step}\n" }]
//! ```
//!
//! Steps are named by `AIRBOSS_STEPS` (ids with commas between), else by lines
//! `Step 1.2: …` of the prompt; each is played in turn. Which attempt of a step
//! it is comes from `AIRBOSS_ATTEMPT_NUMBER`, else it is the first. In texts and
//! paths `{step}` is the id, `{slug}` the id with `-` for `.`, `{attempt}` the number.
//!
//! Each action is a table with one verb and its options:
//!
//! | verb | options | what it does |
//! |---|---|---|
//! | `write = PATH` | `text` | writes a file and its directories, as a tool |
//! | `append = PATH` | `text` | appends to a file, as a tool |
//! | `patch = PATH` | `find`, `replace` | replaces the first occurrence, as a tool |
//! | `delete = PATH` | | deletes a file, as a tool |
//! | `shell = COMMAND` | | runs `sh -c`, as a tool |
//! | `tool = NAME` | `seconds`, `input`, `ok` | a tool that takes its time and does nothing |
//! | `pretend = PATH` | | claims to write a file and does not |
//! | `deny = NAME` | `input`, `message` | a tool that is not permitted |
//! | `say = TEXT` | | text for the person |
//! | `think = TEXT` | | a thought, where the format has them |
//! | `ask = TEXT` | | a question to the person |
//! | `retry = N` | `max`, `delay_ms`, `status` | a request to the model that is repeated |
//! | `limit = SECONDS` | | a usage limit that ends in so many seconds; ends the run with 1 |
//! | `fail = MESSAGE` | `reason` (`api`, `max_turns`, `budget`) | an error that ends the run with 1 |
//! | `no_result = true` | | no last event when the script is over |
//! | `sleep = SECONDS` | | silence |
//! | `hang = true` | | silence for ever |
//! | `spawn = SECONDS` | `detached`, `holds_output` | leaves a sleeping child behind |
//! | `ignore = ["TERM", "INT"]` | | ignores these signals from now on |
//! | `flood = BYTES` | | that much text, in pieces |
//! | `garbage = TEXT` | | a line that is no event |
//! | `half = TEXT` | | the beginning of a line, without its end |
//! | `huge = BYTES` | | one line of that length |
//! | `invalid_utf8 = true` | | a line that is not UTF-8 |
//! | `stderr = TEXT` | `times` | lines on standard error |
//! | `exit = CODE` | | ends at once, without a last event |
//! | `crash = "ABRT"` | | dies by a signal: `ABRT`, `KILL`, `SEGV` or `TERM` |

mod play;
mod script;
mod voice;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

pub use self::play::{Scene, play};
pub use self::script::{Action, Script, ScriptError};
pub use self::voice::Speak;

/// What the scripted agent is started with.
#[derive(clap::Args, Clone, Debug)]
pub struct ScriptedArguments {
    /// The script to play.
    #[arg(long, value_name = "FILE")]
    pub script: PathBuf,
    /// The format of standard output.
    #[arg(long, value_enum, default_value_t = Speak::Plain)]
    pub speak: Speak,
    /// The id of the new session.
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    pub session_id: Option<String>,
    /// The id of the session to go on with.
    #[arg(long, value_name = "ID")]
    pub resume: Option<String>,
    /// The prompt; read from standard input when it is not given.
    pub prompt: Option<String>,
}

/// The exit code of a script that could not be read; real agents use 1 for a bad call, too.
const BAD_CALL: u8 = 1;

/// Plays a script in the current directory, its steps chosen by prompt and environment.
#[must_use]
pub fn run(arguments: &ScriptedArguments) -> ExitCode {
    match start(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            anstream::eprintln!("{error}");
            ExitCode::from(BAD_CALL)
        }
    }
}

fn start(arguments: &ScriptedArguments) -> Result<u8, Box<dyn std::error::Error>> {
    let text = fs_err::read_to_string(&arguments.script)?;
    let script = Script::parse(&text).map_err(|error| error.in_file(&arguments.script))?;
    let prompt = match &arguments.prompt {
        Some(prompt) => prompt.clone(),
        None => {
            let mut prompt = Vec::new();
            std::io::stdin().read_to_end(&mut prompt)?;
            String::from_utf8_lossy(&prompt).into_owned()
        }
    };
    let steps = match std::env::var("AIRBOSS_STEPS") {
        Ok(list) if !list.trim().is_empty() => split_steps(&list),
        _ => steps_of_prompt(&prompt),
    };
    let attempt = std::env::var("AIRBOSS_ATTEMPT_NUMBER")
        .ok()
        .and_then(|number| number.parse().ok());
    let attempt = attempt.unwrap_or(1);
    let session = arguments
        .session_id
        .clone()
        .or_else(|| arguments.resume.clone());
    let scene = Scene {
        speak: arguments.speak,
        // A UUID by form, as the real programs require one.
        session: session.unwrap_or_else(|| format!("00000000-0000-4000-8000-{attempt:012}")),
        steps,
        attempt,
        directory: std::env::current_dir()?,
        seconds_since_epoch: std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.as_secs()),
    };
    let stdout = std::io::stdout();
    Ok(play(&script, &scene, &mut stdout.lock())?)
}

fn split_steps(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The ids on lines `Step ID: text`.
fn steps_of_prompt(prompt: &str) -> Vec<String> {
    let ids = prompt.lines().filter_map(|line| {
        let (id, _) = line.trim_start().strip_prefix("Step ")?.split_once(':')?;
        (!id.is_empty() && !id.contains(char::is_whitespace)).then(|| id.to_owned())
    });
    let mut steps: Vec<String> = Vec::new();
    for id in ids {
        if !steps.contains(&id) {
            steps.push(id);
        }
    }
    steps
}
