//! Playing a script: what it says is done, in order, for every step.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::script::{Action, Reason, Script, Signal};
use super::voice::{End, Speak, Voice};

/// Where and as whom a script is played.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The format of the output.
    pub speak: Speak,
    /// The session's id.
    pub session: String,
    /// The steps to play, in order.
    pub steps: Vec<String>,
    /// Which attempt of them it is, from 1.
    pub attempt: u32,
    /// Paths and commands are relative to it.
    pub directory: PathBuf,
    /// Now, for the end of limits.
    pub seconds_since_epoch: u64,
}

/// What comes after an action.
enum Next {
    Go,
    /// The script is over, with this last event.
    End(End),
    /// The process is over, with this code and no last event.
    Exit(u8),
}

/// Plays the sections of all steps and returns the exit code.
///
/// # Errors
/// When the output cannot be written or a file or command of the script fails
/// in a way that a tool could not.
pub fn play(script: &Script, scene: &Scene, output: &mut dyn Write) -> io::Result<u8> {
    let mut voice = Voice::new(scene.speak, &scene.session, &scene.directory, output);
    voice.start()?;
    let mut player = Player {
        scene,
        voice,
        result: true,
        step: String::new(),
    };
    let end = player.all(script)?;
    match end {
        Next::Exit(code) => Ok(code),
        Next::End(end) => {
            let code = u8::from(!matches!(end, End::Completed));
            if player.result {
                player.voice.end(&end, scene.seconds_since_epoch)?;
            }
            Ok(code)
        }
        Next::Go => {
            if player.result {
                player
                    .voice
                    .end(&End::Completed, scene.seconds_since_epoch)?;
            }
            Ok(0)
        }
    }
}

struct Player<'a> {
    scene: &'a Scene,
    voice: Voice<'a>,
    /// Whether there will be a last event.
    result: bool,
    step: String,
}

impl Player<'_> {
    fn all(&mut self, script: &Script) -> io::Result<Next> {
        let none = [String::new()];
        let steps = if self.scene.steps.is_empty() {
            &none[..]
        } else {
            &self.scene.steps
        };
        for step in steps {
            self.step.clone_from(step);
            for action in script.actions(step, self.scene.attempt) {
                match self.act(action)? {
                    Next::Go => {}
                    end => return Ok(end),
                }
            }
        }
        Ok(Next::Go)
    }

    fn act(&mut self, action: &Action) -> io::Result<Next> {
        match action {
            Action::Say { text } => self.voice.say(&self.fill(text))?,
            Action::Think { text } => self.voice.think(&self.fill(text))?,
            Action::Ask { text } => self.voice.ask(&self.fill(text))?,
            Action::Retry {
                attempt,
                max,
                delay_ms,
                status,
            } => {
                self.voice.retry(*attempt, *max, *delay_ms, *status)?;
                pause(*delay_ms as f64 / 1000.0);
            }
            Action::Deny {
                name,
                input,
                message,
            } => {
                self.voice
                    .deny(name, &self.fill(input), &self.fill(message))?;
            }
            Action::Limit { seconds } => return Ok(Next::End(End::Limited { seconds: *seconds })),
            Action::Fail { message, reason } => {
                return Ok(Next::End(self.failed(message, *reason)));
            }
            Action::NoResult => self.result = false,
            Action::Sleep { seconds } => pause(*seconds),
            Action::Hang => loop {
                pause(3600.0);
            },
            Action::Exit { code } => return Ok(Next::Exit(*code)),
            Action::Crash { signal } => crash(*signal)?,
            Action::Ignore { signals } => signals.iter().try_for_each(|signal| ignore(*signal))?,
            Action::Spawn {
                seconds,
                detached,
                holds_output,
            } => {
                spawn(*seconds, *detached, *holds_output, &self.scene.directory)?;
            }
            Action::Write { .. }
            | Action::Append { .. }
            | Action::Patch { .. }
            | Action::Delete { .. }
            | Action::Shell { .. }
            | Action::Tool { .. }
            | Action::Pretend { .. } => self.tool(action)?,
            Action::Flood { .. }
            | Action::Garbage { .. }
            | Action::Half { .. }
            | Action::Huge { .. }
            | Action::InvalidUtf8
            | Action::Stderr { .. } => self.noise(action)?,
        }
        Ok(Next::Go)
    }

    fn failed(&self, message: &str, reason: Reason) -> End {
        let message = self.fill(message);
        match reason {
            Reason::Api => End::Api { message },
            Reason::MaxTurns => End::MaxTurns { message },
            Reason::Budget => End::Budget { message },
        }
    }

    fn tool(&mut self, action: &Action) -> io::Result<()> {
        match action {
            Action::Write { path, text } => {
                let (path, text) = (self.fill(path), self.fill(text));
                self.edit("Write", &path, |file| {
                    create_parent(file)?;
                    fs_err::write(file, &text)
                })
            }
            Action::Append { path, text } => {
                let (path, text) = (self.fill(path), self.fill(text));
                self.edit("Edit", &path, |file| {
                    create_parent(file)?;
                    fs_err::OpenOptions::new()
                        .create(true)
                        .append(true)
                        .open(file)?
                        .write_all(text.as_bytes())
                })
            }
            Action::Patch {
                path,
                find,
                replace,
            } => {
                let (path, find, replace) = (self.fill(path), self.fill(find), self.fill(replace));
                self.edit("Edit", &path, |file| {
                    let old = fs_err::read_to_string(file)?;
                    if !old.contains(&find) {
                        return Err(io::Error::other("the text to replace was not found"));
                    }
                    fs_err::write(file, old.replacen(&find, &replace, 1))
                })
            }
            Action::Delete { path } => {
                let path = self.fill(path);
                self.edit("Delete", &path, |file| fs_err::remove_file(file))
            }
            Action::Pretend { path } => {
                let path = self.fill(path);
                self.edit("Write", &path, |_| Ok(()))
            }
            Action::Shell { command } => self.shell(&self.fill(command)),
            Action::Tool {
                name,
                seconds,
                input,
                ok,
            } => {
                let id = self.voice.tool_started(name, &self.fill(input))?;
                pause(*seconds);
                self.voice
                    .tool_ended(&id, *ok, if *ok { "done" } else { "failed" })
            }
            _ => Ok(()),
        }
    }

    /// A change of a file as a tool: what goes wrong is the tool's failure, not the script's.
    fn edit(
        &mut self,
        tool: &str,
        path: &str,
        change: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = self.scene.directory.join(path);
        let id = self.voice.tool_started(tool, &file.display().to_string())?;
        match change(&file) {
            Ok(()) => self
                .voice
                .tool_ended(&id, true, &format!("{} changed", file.display())),
            Err(error) => self.voice.tool_ended(&id, false, &error.to_string()),
        }
    }

    fn shell(&mut self, command: &str) -> io::Result<()> {
        let id = self.voice.tool_started("Bash", command)?;
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(command)
            .current_dir(&self.scene.directory)
            .stdin(Stdio::null());
        match shell.output() {
            Ok(output) => {
                let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.push_str(&String::from_utf8_lossy(&output.stderr));
                self.voice.tool_ended(&id, output.status.success(), &text)
            }
            Err(error) => self.voice.tool_ended(&id, false, &error.to_string()),
        }
    }

    fn noise(&mut self, action: &Action) -> io::Result<()> {
        match action {
            Action::Flood { bytes } => {
                let piece = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-+";
                for _ in 0..bytes.div_ceil(piece.len() as u64) {
                    self.voice.piece(piece)?;
                }
                Ok(())
            }
            Action::Garbage { text } => self
                .voice
                .bytes(format!("{}\n", self.fill(text)).as_bytes()),
            Action::Half { text } => self.voice.bytes(self.fill(text).as_bytes()),
            Action::Huge { bytes } => self.voice.huge(*bytes),
            Action::InvalidUtf8 => self.voice.bytes(b"\xff\xfe\x80 not text \xc3\x28\n"),
            Action::Stderr { text, times } => {
                let line = format!("{}\n", self.fill(text));
                (0..*times).try_for_each(|_| io::stderr().write_all(line.as_bytes()))
            }
            _ => Ok(()),
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{step}", &self.step)
            .replace("{slug}", &self.step.replace('.', "-"))
            .replace("{attempt}", &self.scene.attempt.to_string())
    }
}

fn create_parent(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs_err::create_dir_all)
}

fn pause(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

/// A child that outlives its parent.
fn spawn(seconds: f64, detached: bool, holds_output: bool, directory: &Path) -> io::Result<()> {
    let mut command = if detached {
        // Without `unsafe` only another program can make a session for a child.
        let mut command = Command::new("setsid");
        command.arg("sleep");
        command
    } else {
        Command::new("sleep")
    };
    let output = if holds_output {
        Stdio::inherit()
    } else {
        Stdio::null()
    };
    command
        .arg(seconds.to_string())
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null());
    // It is left behind on purpose: nobody waits for it.
    command.spawn().map(drop)
}

fn ignore(signal: Signal) -> io::Result<()> {
    let number = match signal {
        Signal::Term => signal_hook::consts::SIGTERM,
        Signal::Int => signal_hook::consts::SIGINT,
        other => return Err(io::Error::other(format!("{other:?} cannot be ignored"))),
    };
    // Nobody reads the flag: to be caught and forgotten is to be ignored.
    signal_hook::flag::register(number, Arc::new(AtomicBool::new(false))).map(drop)
}

fn crash(signal: Signal) -> io::Result<()> {
    use rustix::process::{Signal as Number, getpid, kill_process};
    let number = match signal {
        Signal::Abrt => std::process::abort(),
        Signal::Int => Number::INT,
        Signal::Kill => Number::KILL,
        Signal::Segv => Number::SEGV,
        Signal::Term => Number::TERM,
    };
    kill_process(getpid(), number)?;
    // The runtime's own handler takes the first SIGSEGV for a mistake and removes itself.
    kill_process(getpid(), number)?;
    Err(io::Error::other("still alive after a deadly signal"))
}
