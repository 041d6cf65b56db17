//! `cargo xtask picture`: the README's picture, made from a real demo in a real terminal.
//!
//! The demo runs in tmux, whose screen is captured with its colours and drawn as
//! SVG text. Nothing in the picture is typed by hand.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The terminal of the picture.
const COLUMNS: usize = 112;
const ROWS: usize = 34;
/// The demo takes about six seconds; a busy machine gets ten times that.
const DEMO_LIMIT: Duration = Duration::from_secs(60);
/// The last words of the demo.
const LAST_WORDS: &str = "where the plan stands";
/// One character cell in pixels, for a 14 px monospaced font.
const CELL: (f32, f32) = (8.43, 19.0);
/// The space around the text in pixels.
const MARGIN: f32 = 16.0;

/// Makes the picture and writes it to `docs/demo.svg`.
pub(crate) fn run(root: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--package", "airboss"])
        .current_dir(root)
        .status()?;
    if !status.success() {
        bail!("the program does not build");
    }
    let screen = demo_screen(&root.join("target/debug/airboss"))?;
    let target = root.join("docs/demo.svg");
    fs_err::create_dir_all(root.join("docs"))?;
    fs_err::write(&target, svg(&screen))?;
    Ok(())
}

/// Runs the demo in a tmux of its own and returns its last screen with colours.
fn demo_screen(program: &Path) -> Result<String> {
    let scratch = tempfile::tempdir()?;
    let socket = scratch.path().join("tmux");
    let tmux = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(&socket)
            .args(arguments)
            .env("PATH", path_with(program)?)
            .output()
            .context("tmux is needed: `apt-get install tmux`")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let place = scratch.path().join("paper-planes");
    let command = format!("clear; airboss demo --into {}; sleep 60", place.display());
    let (columns, rows) = (COLUMNS.to_string(), ROWS.to_string());
    tmux(&[
        "new-session",
        "-d",
        "-x",
        &columns,
        "-y",
        &rows,
        "sh",
        "-c",
        &command,
    ])?;
    let begin = Instant::now();
    loop {
        let screen = tmux(&["capture-pane", "-p", "-e"])?;
        if screen.contains(LAST_WORDS) {
            tmux(&["kill-server"])?;
            let place = place.display().to_string();
            return Ok(screen.replace(&place, "/tmp/paper-planes"));
        }
        if begin.elapsed() > DEMO_LIMIT {
            tmux(&["kill-server"])?;
            bail!("the demo did not end in time; its screen:\n{screen}");
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// `PATH` with the program's folder first, so that the demo calls itself by its name.
fn path_with(program: &Path) -> Result<std::ffi::OsString> {
    let folder = program.parent().context("the program has no folder")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}

/// How a run of characters looks.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    bold: bool,
    dim: bool,
    color: Option<u8>,
}

impl Look {
    /// Applies the parameters of one `ESC [ … m`.
    fn apply(&mut self, parameters: &str) {
        for parameter in parameters.split(';') {
            match parameter.parse::<u8>().unwrap_or(0) {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                22 => (self.bold, self.dim) = (false, false),
                code @ 30..=37 => self.color = Some(code - 30),
                39 => self.color = None,
                _ => {}
            }
        }
    }

    fn class(self) -> String {
        let mut classes = Vec::new();
        if self.bold {
            classes.push("b".to_owned());
        }
        if self.dim {
            classes.push("d".to_owned());
        }
        classes.extend(self.color.map(|color| format!("c{color}")));
        classes.join(" ")
    }
}

/// A terminal screen as an SVG that reads well on light and dark pages.
fn svg(screen: &str) -> String {
    let lines: Vec<&str> = screen.trim_end().lines().collect();
    #[expect(clippy::cast_precision_loss, reason = "a screen has a hundred columns")]
    let (width, height) = (
        COLUMNS as f32 * CELL.0 + 2.0 * MARGIN,
        lines.len() as f32 * CELL.1 + 2.0 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         role=\"img\" aria-label=\"The demo in a terminal\">\n\
         <style>text{{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#d8dee9;\
         white-space:pre}}.b{{font-weight:700}}.d{{fill:#7b8798}}.c1{{fill:#f0717a}}\
         .c2{{fill:#8fce7e}}.c3{{fill:#e8c15e}}.c5{{fill:#d39be0}}.c6{{fill:#6fc6d8}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d2430\"/>\n"
    );
    let mut look = Look::default();
    for (row, line) in lines.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a screen has a few dozen rows")]
        let y = MARGIN + (row as f32 + 0.75) * CELL.1;
        // Writing to a String cannot fail.
        let _infallible = write!(out, "<text y=\"{y:.1}\" xml:space=\"preserve\">");
        let mut column = 0;
        for (index, piece) in line.split("\u{1b}[").enumerate() {
            let text = match piece.split_once('m') {
                Some((parameters, text)) if index > 0 => {
                    look.apply(parameters);
                    text
                }
                _ => piece,
            };
            if text.is_empty() {
                continue;
            }
            // Placed by column, so that no font can put them out of line.
            #[expect(clippy::cast_precision_loss, reason = "a screen has a hundred columns")]
            let x = MARGIN + column as f32 * CELL.0;
            column += text.chars().count();
            let class = look.class();
            let text = escape(text);
            let _infallible = write!(out, "<tspan x=\"{x:.1}\" class=\"{class}\">{text}</tspan>");
        }
        out.push_str("</text>\n");
    }
    out.push_str("</svg>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_text_is_escaped() {
        let drawn = svg("\u{1b}[1;32mdone\u{1b}[0m a < b");
        assert!(drawn.contains("<tspan x=\"16.0\" class=\"b c2\">done</tspan>"));
        assert!(drawn.contains("class=\"\"> a &lt; b</tspan>"));
    }
}
