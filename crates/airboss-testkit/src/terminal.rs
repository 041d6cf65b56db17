//! A program on a terminal of its own: a real pseudo-terminal, so that it asks and is answered.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use fs_err::OpenOptions;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

/// A program that prints nothing for so long hangs.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A program on a terminal of 100 columns that does not repeat what is typed.
pub struct Terminal {
    child: Child,
    /// The side of the person.
    keyboard: File,
    /// What it printed, piece by piece; closed at its end.
    printed: Receiver<Vec<u8>>,
    screen: String,
    /// How much of the screen was waited for.
    seen: usize,
}

impl fmt::Debug for Terminal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.screen)
    }
}

impl Terminal {
    /// Starts a command with all its streams on a new terminal.
    pub(crate) fn start(command: Command) -> Self {
        let mut command = as_from_a_shell(&command);
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal is free");
        grantpt(&keyboard).expect("a fresh terminal is granted");
        unlockpt(&keyboard).expect("a fresh terminal is unlocked");
        let name = ptsname(&keyboard, Vec::new()).expect("a terminal has a name");
        let name = name.into_string().expect("it is /dev/pts and digits");
        let open = OpenOptions::new().read(true).write(true).open(name);
        let screen = File::from(open.expect("the other side can be opened"));
        let mut modes = tcgetattr(&screen).expect("it is a terminal");
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&screen, OptionalActions::Now, &modes).expect("it is a terminal");
        let size = Winsize {
            ws_row: 50,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&screen, size).expect("it is a terminal");
        let side = || Stdio::from(screen.try_clone().expect("descriptors are left"));
        command.stdin(side()).stdout(side()).stderr(side());
        let child = command.spawn().expect("the program can be started");
        let keyboard = File::from(keyboard);
        let mut reader = keyboard.try_clone().expect("descriptors are left");
        let (sender, printed) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // The terminal ends in an error when nobody is left on it.
            while let Ok(count @ 1..) = reader.read(&mut piece) {
                if sender.send(piece[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keyboard,
            printed,
            screen: String::new(),
            seen: 0,
        }
    }

    /// Waits until this is printed behind what was waited for before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        while !self.screen[self.seen..].contains(text) {
            assert!(self.more(), "`{text}` was never printed:\n{}", self.screen);
        }
        let at = self.screen[self.seen..].find(text).unwrap_or_default();
        self.seen += at + text.len();
    }

    /// Types this, whatever the program is doing.
    pub fn press(&mut self, keys: &str) {
        let written = self.keyboard.write_all(keys.as_bytes());
        written.expect("a terminal takes what is typed");
    }

    /// Sends it a signal, as the terminal does for Ctrl-C.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, signal).ok();
        }
    }

    /// Waits for its end: the exit code, or 128 and the signal, and everything it printed.
    #[track_caller]
    pub fn wait(mut self) -> (i32, String) {
        use std::os::unix::process::ExitStatusExt as _;
        while self.more() {}
        let status = self.child.wait().expect("a child can be waited for");
        let code = status.code();
        let code = code.unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        (code, self.screen.clone())
    }

    /// Takes in what is printed next; false at its end.
    #[track_caller]
    fn more(&mut self) -> bool {
        let deadline = Instant::now() + SILENCE_MAX;
        match self.printed.recv_timeout(SILENCE_MAX) {
            Ok(piece) => {
                let text = String::from_utf8_lossy(&piece).replace('\r', "");
                self.screen.push_str(&text);
                true
            }
            Err(_) => {
                let hangs = Instant::now() >= deadline;
                assert!(!hangs, "it hangs:\n{}", self.screen);
                false
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended cannot be killed, which is as well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The command as a person's shell starts it. Whoever runs the tests in the background without
/// job control ignores Ctrl-C, and its children inherit that.
fn as_from_a_shell(command: &Command) -> Command {
    let mut wrapped = Command::new("/usr/bin/env");
    wrapped
        .arg("--default-signal=INT,QUIT")
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            wrapped.env(name, value);
        }
    }
    if let Some(directory) = command.get_current_dir() {
        wrapped.current_dir(directory);
    }
    wrapped
}
