//! `cargo xtask picture`: the README's pictures, made from a real demo in a real terminal.
//!
//! The demo runs in tmux, and the terminal interface beside it in a second one. Their screens are
//! captured with their colours and drawn as SVG text. Nothing in a picture is typed by hand.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
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
/// What the terminal interface shows when the lie was found and others still work.
const IN_FLIGHT: [&str; 2] = ["unverified", "in progress"];
/// One character cell in pixels, for a 14 px monospaced font.
const CELL: (f32, f32) = (8.43, 19.0);
/// The space around the text in pixels.
const MARGIN: f32 = 16.0;

/// Makes the pictures and writes them to `docs/demo.svg` and `docs/tui.svg`.
pub(crate) fn run(root: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--package", "airboss"])
        .current_dir(root)
        .status()?;
    if !status.success() {
        bail!("the program does not build");
    }
    let [demo, live] = screens(&root.join("target/debug/airboss"))?;
    fs_err::create_dir_all(root.join("docs"))?;
    fs_err::write(
        root.join("docs/demo.svg"),
        svg(&demo, "The demo in a terminal"),
    )?;
    let label = "The terminal interface while the demo flies";
    fs_err::write(root.join("docs/tui.svg"), svg(&live, label))?;
    Ok(())
}

/// Runs the demo with the terminal interface beside it; their screens with colours, that of the
/// demo at its end.
fn screens(program: &Path) -> Result<[String; 2]> {
    let scratch = tempfile::tempdir()?;
    let terminals = Terminals {
        socket: scratch.path().join("tmux"),
        path: path_with(program)?,
    };
    let place = scratch.path().join("paper-planes");
    let place = place.display().to_string();
    terminals.open(
        "demo",
        &format!("clear; airboss demo --into {place}; sleep 60"),
    )?;
    let begun = format!("until [ -e {place}/.git/airboss ]; do sleep 0.1; done");
    terminals.open("live", &format!("{begun}; cd {place}; airboss tui"))?;
    let live = terminals.wait_for("live", &IN_FLIGHT)?;
    let demo = terminals.wait_for("demo", &[LAST_WORDS])?;
    Ok([demo, live].map(|screen| screen.replace(&place, "/tmp/paper-planes")))
}

/// Terminals of a tmux of its own, which ends with this value.
struct Terminals {
    socket: PathBuf,
    path: OsString,
}

impl Terminals {
    fn tmux(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .args(arguments)
            .env("PATH", &self.path)
            .output()
            .context("tmux is needed: `apt-get install tmux`")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn open(&self, name: &str, command: &str) -> Result<()> {
        let (columns, rows) = (COLUMNS.to_string(), ROWS.to_string());
        let size = ["-x", &columns, "-y", &rows];
        let session = ["new-session", "-d", "-s", name];
        self.tmux(&[&session[..], &size, &["sh", "-c", command]].concat())?;
        Ok(())
    }

    /// The first screen with all of these words on it.
    fn wait_for(&self, name: &str, words: &[&str]) -> Result<String> {
        let begin = Instant::now();
        loop {
            let screen = self.tmux(&["capture-pane", "-p", "-e", "-t", name])?;
            if words.iter().all(|words| screen.contains(words)) {
                return Ok(screen);
            }
            if begin.elapsed() > DEMO_LIMIT {
                bail!("{words:?} did not come in time; the screen:\n{screen}");
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Terminals {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]).ok();
    }
}

/// `PATH` with the program's folder first, so that the demo calls itself by its name.
fn path_with(program: &Path) -> Result<OsString> {
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
    background: Option<u8>,
}

impl Look {
    /// Applies the parameters of one `ESC [ … m`.
    fn apply(&mut self, parameters: &str) {
        let mut numbers = parameters
            .split(';')
            .map(|number| number.parse().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                22 => (self.bold, self.dim) = (false, false),
                code @ 30..=37 => self.color = Some(code - 30),
                39 => self.color = None,
                49 => self.background = None,
                // One of 256 colours comes as `38;5;N`, or `48;5;N` behind the text.
                kind @ (38 | 48) => {
                    let color = numbers.nth(1);
                    match kind {
                        38 => self.color = color,
                        _ => self.background = color,
                    }
                }
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
        let named = self.color.filter(|color| *color < 8);
        classes.extend(named.map(|color| format!("c{color}")));
        classes.join(" ")
    }

    /// The colour of the text where it is none of the eight that have a class.
    fn fill(self) -> String {
        let color = self.color.filter(|color| *color >= 8).map(hexadecimal);
        color.map_or_else(String::new, |color| format!(" style=\"fill:{color}\""))
    }
}

/// One of the 256 colours of a terminal: 16 named ones, a cube with sides of 6, and 24 greys.
fn hexadecimal(color: u8) -> String {
    const BRIGHT: [&str; 8] = [
        "#7b8798", "#f58f96", "#a8dd9a", "#f2d27c", "#8fb6f0", "#e0b3ea", "#8fd6e4", "#ffffff",
    ];
    let side = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
    match color {
        0..=15 => BRIGHT[usize::from(color % 8)].to_owned(),
        16..=231 => {
            let place = color - 16;
            let [red, green, blue] = [place / 36, place / 6 % 6, place % 6].map(side);
            format!("#{red:02x}{green:02x}{blue:02x}")
        }
        232.. => {
            let grey = 8 + 10 * (color - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

/// A terminal screen as an SVG that reads well on light and dark pages.
fn svg(screen: &str, label: &str) -> String {
    let lines: Vec<&str> = screen.trim_end().lines().collect();
    #[expect(clippy::cast_precision_loss, reason = "a screen has a hundred columns")]
    let (width, height) = (
        COLUMNS as f32 * CELL.0 + 2.0 * MARGIN,
        lines.len() as f32 * CELL.1 + 2.0 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         role=\"img\" aria-label=\"{label}\">\n\
         <style>text{{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#d8dee9;\
         white-space:pre}}.b{{font-weight:700}}.d{{fill:#7b8798}}.c1{{fill:#f0717a}}\
         .c2{{fill:#8fce7e}}.c3{{fill:#e8c15e}}.c5{{fill:#d39be0}}.c6{{fill:#6fc6d8}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d2430\"/>\n"
    );
    let mut look = Look::default();
    for (row, line) in lines.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a screen has a few dozen rows")]
        let y = MARGIN + (row as f32 + 0.75) * CELL.1;
        let (mut behind, mut texts) = (String::new(), String::new());
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
            let columns = text.chars().count();
            column += columns;
            let (class, fill, text) = (look.class(), look.fill(), escape(text));
            // Writing to a String cannot fail.
            let _infallible = write!(
                texts,
                "<tspan x=\"{x:.1}\" class=\"{class}\"{fill}>{text}</tspan>"
            );
            if let Some(color) = look.background.map(hexadecimal) {
                #[expect(clippy::cast_precision_loss, reason = "a screen has a hundred columns")]
                let (top, width, height) = (y - 0.75 * CELL.1, columns as f32 * CELL.0, CELL.1);
                let _infallible = write!(
                    behind,
                    "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{color}\"/>"
                );
            }
        }
        let _infallible = writeln!(
            out,
            "{behind}<text y=\"{y:.1}\" xml:space=\"preserve\">{texts}</text>"
        );
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
        let drawn = svg(
            "\u{1b}[1;32mdone\u{1b}[0m a < b\u{1b}[38;5;208;48;5;236mlate",
            "x",
        );
        assert!(drawn.contains("<tspan x=\"16.0\" class=\"b c2\">done</tspan>"));
        assert!(drawn.contains("class=\"\"> a &lt; b</tspan>"));
        assert!(drawn.contains("style=\"fill:#ff8700\">late</tspan>"));
        assert!(drawn.contains("fill=\"#303030\"/>"));
    }
}
