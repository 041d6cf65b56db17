//! A tmux of its own for one test: windows of any size, keys, and what is on the screen.

use std::io::Write as _;
use std::time::Duration;

use airboss_testkit::environment::{TestEnvironment, eventually};

/// Everything that is waited for comes within this, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The program with its whole environment, as a shell command that shows how it ended.
pub(crate) fn shell(environment: &TestEnvironment, arguments: &str) -> String {
    let program = environment.airboss().display().to_string();
    let top = environment.top().display().to_string();
    [
        "cd ",
        &top,
        "; ",
        &program,
        " ",
        arguments,
        "; echo code=$?; exec sleep 600",
    ]
    .concat()
}

/// A tmux server with one session.
pub(crate) struct Tmux<'environment> {
    environment: &'environment TestEnvironment,
    socket: String,
}

impl<'environment> Tmux<'environment> {
    /// Starts a shell command in a terminal of this size; `None`, with a line that says so, where
    /// there is no tmux.
    pub(crate) fn start(
        environment: &'environment TestEnvironment,
        (columns, rows): (u16, u16),
        command: &str,
    ) -> Option<Self> {
        if std::process::Command::new("tmux")
            .arg("-V")
            .output()
            .is_err()
        {
            let mut out = std::io::stderr();
            writeln!(out, "tmux is not installed: no terminal is driven").ok();
            return None;
        }
        let socket = environment.outside("tmux").display().to_string();
        let tmux = Self {
            environment,
            socket,
        };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        tmux.tell(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
            command,
        ]);
        Some(tmux)
    }

    fn tell(&self, arguments: &[&str]) -> String {
        let mut all = vec!["-u", "-S", &self.socket];
        all.extend(arguments);
        let output = self.environment.program("tmux", all).run();
        assert_eq!(output.code(), 0, "{arguments:?}: {output}");
        output.stdout
    }

    /// Opens another window with a shell command; it is number 1, then 2.
    pub(crate) fn window(&self, command: &str) {
        self.tell(&["new-window", "-d", command]);
    }

    /// What is on the screen of a window.
    pub(crate) fn screen(&self, window: u8) -> String {
        self.tell(&["capture-pane", "-p", "-t", &format!(":{window}")])
    }

    /// Presses keys, by the names that tmux has for them.
    pub(crate) fn press(&self, window: u8, keys: &[&str]) {
        let target = format!(":{window}");
        let mut all = vec!["send-keys", "-t", &target, "--"];
        all.extend(keys);
        self.tell(&all);
    }

    /// Writes to the terminal of a window behind the back of its program.
    pub(crate) fn write(&self, window: u8, text: &str) {
        let target = format!(":{window}");
        let terminal = self.tell(&["display-message", "-p", "-t", &target, "#{pane_tty}"]);
        fs_err::write(terminal.trim(), text).expect("the terminal is ours");
    }

    /// Gives a window another size.
    pub(crate) fn resize(&self, window: u8, columns: u16, rows: u16) {
        let (target, columns, rows) = (format!(":{window}"), columns.to_string(), rows.to_string());
        self.tell(&["resize-window", "-t", &target, "-x", &columns, "-y", &rows]);
    }

    /// The process of a window.
    pub(crate) fn pid(&self, window: u8) -> i32 {
        let pid = self.tell(&[
            "display-message",
            "-p",
            "-t",
            &format!(":{window}"),
            "#{pane_pid}",
        ]);
        pid.trim().parse().expect("a number")
    }

    /// Waits until all of these are on the screen of a window.
    #[track_caller]
    pub(crate) fn expect(&self, window: u8, texts: &[&str]) -> String {
        let mut screen = String::new();
        let seen = eventually(PATIENCE, || {
            screen = self.screen(window);
            texts.iter().all(|text| screen.contains(text))
        });
        assert!(seen, "{texts:?} never came:\n{screen}");
        screen
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let end = ["-S", &self.socket, "kill-server"];
        drop(self.environment.program("tmux", end).run());
    }
}
