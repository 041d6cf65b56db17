//! The terminal: taken at the beginning, given back on every way out.
//!
//! Given back: when [`Screen`] is dropped, when the program panics (also where a panic aborts),
//! and, through the loop, on SIGTERM and SIGHUP. What SIGKILL leaves is put right by `reset`.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::panic;
use std::sync::Once;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};

use super::app::App;
use super::view;

/// A frame of a large terminal, so that it is written at once and not seen half.
const FRAME_BYTES: usize = 64 << 10;

/// The terminal while it is ours.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be written to or has no modes.
    pub(super) fn take() -> io::Result<Self> {
        restore_on_panic();
        enter()?;
        let out = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        match Terminal::new(CrosstermBackend::new(out)) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                leave();
                Err(error)
            }
        }
    }

    /// How many columns and rows there are.
    ///
    /// # Errors
    /// When the terminal does not tell.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws the state; only cells that changed are written.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn draw(&mut self, app: &App) -> io::Result<()> {
        self.terminal.draw(|frame| view::draw(frame, app))?;
        Ok(())
    }

    /// Whatever is on it is not what was drawn.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Gives the terminal to somebody else for a while.
    ///
    /// # Errors
    /// When it cannot be taken back.
    pub(super) fn lend<T>(&mut self, to: impl FnOnce() -> T) -> io::Result<T> {
        leave();
        let result = to();
        enter()?;
        self.terminal.clear()?;
        Ok(result)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    let entered = execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableMouseCapture,
        EnableBracketedPaste,
        SetTitle("airboss")
    );
    if entered.is_err() {
        leave();
    }
    entered
}

/// Everything back as it was. A terminal that is gone needs nothing.
fn leave() {
    execute!(
        io::stdout(),
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        Show
    )
    .and_then(|()| io::stdout().flush())
    .ok();
    disable_raw_mode().ok();
}

/// The message of a panic is read on the screen of before, with its line breaks.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            leave();
            before(what);
        }));
    });
}
