//! The terminal interface: `airboss tui`, and `airboss run` on a terminal.
//!
//! ```text
//! keys ────────┐                    ┌─▶ view::draw ─▶ terminal
//! follower ────┼─▶ one channel ─▶ App::update
//! readers ─────┤                    └─▶ Action ─▶ children, readers, editor
//! signals ─────┘
//! ```
//!
//! It reads the store and the recordings and writes neither: what a person asks for is done by
//! this same program as a child. So nothing of a run depends on it, nor on its end.

mod actions;
mod ansi;
pub mod app;
pub(crate) mod fly;
pub mod layout;
pub mod paint;
mod reader;
mod terminal;
pub mod theme;
pub mod view;

#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::scene::Change;
use airboss_engine::clock;
use airboss_engine::follow::{Follower, Wanted};
use airboss_engine::settings::{Places, Settings};
use airboss_engine::workspace::Workspace;
use ratatui::crossterm::event;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use self::app::views::MARGINS;
use self::app::{Action, App, Event, Options};
use self::reader::Order;
use self::terminal::Screen;
use self::theme::{Palette, Theme};
use crate::command::watch;
use crate::context::Context;
use crate::error::CliError;

/// No more than thirty frames a second: a person sees no more of a text.
const FRAME: Duration = Duration::from_millis(33);
/// Events that wait for a slow terminal; the follower waits with the rest.
const EVENTS_MAX: usize = 256;
/// Changes that are taken in at once.
const BATCH_MAX: usize = 64;
/// How long a wait for a key may be, so that an editor can be given the keyboard.
const KEY_WAIT: Duration = Duration::from_millis(250);
/// How long a wait for a change may be, so that the thread ends with the rest.
const CHANGE_WAIT: Duration = Duration::from_secs(1);

/// What wakes the loop.
#[derive(Debug)]
pub(crate) enum Wake {
    /// Something that the state hears of.
    Event(Event),
    /// A signal.
    Signal(i32),
    /// The terminal is gone.
    Gone,
}

/// The way to the loop.
pub(crate) type Out = SyncSender<Wake>;

/// How the terminal interface looks.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct Looks {
    /// The colours; without it those that fit the terminal. NO_COLOR is honoured.
    #[arg(long, value_enum, value_name = "NAME", env = "AIRBOSS_THEME")]
    pub theme: Option<Palette>,
    /// Draw with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,
}

/// Look at a board and its flights, live, from any process; `?` lists the keys.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  airboss tui                          the plan that is flown, or was flown last
  airboss tui --plan plans/work.md     this plan
  airboss tui --ascii --theme none     on a terminal that can do little

It can be opened and left at any time, also several times: the run does not depend on it.")]
pub struct TuiArguments {
    #[command(flatten)]
    looks: Looks,
}

/// Shows a board until a person leaves.
///
/// # Errors
/// When there is no terminal, or no work tree.
pub fn tui(context: &Context, arguments: &TuiArguments) -> Result<ExitCode, CliError> {
    if !is_on_terminal() {
        return Err(CliError::usage("the terminal interface needs a terminal")
            .hint("`airboss watch` tells the same line by line, `airboss status` once"));
    }
    let workspace = Workspace::open(&context.directory)?;
    let wanted = Wanted::scene(watch::subject(context, &workspace)?);
    let (out, inbox) = channel();
    let mut session = Session::start(context, &workspace, wanted, (out, inbox))?;
    let app = session.app(arguments.looks, false);
    let left = session.run(app, None)?;
    Ok(left.code)
}

/// Whether a person can see it and press keys.
fn is_on_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

fn channel() -> (Out, Receiver<Wake>) {
    sync_channel(EVENTS_MAX)
}

/// How it was left.
#[derive(Debug)]
struct Left {
    code: ExitCode,
    /// The run that was started here has ended with this.
    run_ended: Option<u8>,
}

/// Everything around the state.
#[derive(Debug)]
struct Session {
    context: Context,
    workspace: Workspace,
    out: Out,
    inbox: Receiver<Wake>,
    orders: Sender<Order>,
    listening: Option<Sender<()>>,
    /// Held by whoever reads the keyboard: the thread that waits for keys, or an editor. It is
    /// shared because a read of the terminal cannot be taken back.
    keyboard: Arc<Mutex<()>>,
}

impl Session {
    fn start(
        context: &Context,
        workspace: &Workspace,
        wanted: Wanted,
        (out, inbox): (Out, Receiver<Wake>),
    ) -> Result<Self, CliError> {
        let follower = Follower::start(workspace, wanted)?;
        let changes = out.clone();
        thread::spawn(move || follow(follower, &changes));
        let orders = reader::start(context.clone(), &workspace.top, out.clone());
        catch_signals(out.clone())?;
        Ok(Self {
            context: context.clone(),
            workspace: workspace.clone(),
            out,
            inbox,
            orders,
            listening: None,
            keyboard: Arc::new(Mutex::new(())),
        })
    }

    /// The state at the beginning.
    fn app(&self, looks: Looks, own_run: bool) -> App {
        let places = Places::new(&self.workspace.top, Some(&self.workspace.state));
        // What a run would refuse is not for here; the usual limits do for looking.
        let limits = Settings::load(&places, &[]).map(|it| it.config.limits).ok();
        let variable = |name: &str| std::env::var(name).ok();
        let palette = match (looks.theme, anstream::ColorChoice::global()) {
            (Some(palette), _) => palette,
            (None, anstream::ColorChoice::Never) => Palette::None,
            (None, _) => Palette::of_environment(variable),
        };
        let name = self.workspace.top.file_name().unwrap_or_default();
        let options = Options {
            theme: Theme {
                palette,
                ascii: looks.ascii,
            },
            retries_max: limits.as_ref().map_or(RETRIES, |limits| limits.retries),
            attempts_max: limits.as_ref().and_then(|limits| limits.iterations),
            place: airboss_core::text::sanitize(&name.to_string_lossy()),
            own_run,
        };
        App::new(options, clock::now())
    }

    /// Draws and obeys until a person leaves, a signal comes, or the terminal is gone.
    fn run(&mut self, mut app: App, run: Option<u32>) -> Result<Left, CliError> {
        let mut screen = Screen::take()?;
        read_keys(self.keyboard.clone(), self.out.clone());
        let mut drawn: Option<Instant> = None;
        let mut is_stale = true;
        loop {
            let due = drawn.map_or(Duration::ZERO, |at| FRAME.saturating_sub(at.elapsed()));
            if is_stale && due.is_zero() {
                app.update(Event::Tick(clock::now()));
                if fit(&screen, &mut app).is_err() || screen.draw(&app).is_err() {
                    return Ok(left(&app, ExitCode::Terminated));
                }
                drawn = Some(Instant::now());
                is_stale = false;
            }
            let wait = if is_stale { due } else { app.ticks_in() };
            let woken = match self.inbox.recv_timeout(wait) {
                Ok(woken) => woken,
                // A frame is due, or a clock on the screen is another.
                Err(RecvTimeoutError::Timeout) => {
                    is_stale = true;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(left(&app, ExitCode::Success)),
            };
            let mut woken = Some(woken);
            let mut taken = 0;
            while let Some(one) = woken {
                let actions = match one {
                    Wake::Event(event) => app.update(event),
                    Wake::Signal(SIGINT) => vec![Action::Quit],
                    Wake::Signal(_) | Wake::Gone => return Ok(left(&app, ExitCode::Terminated)),
                };
                for action in actions {
                    if action == Action::Quit {
                        return Ok(left(&app, ExitCode::Success));
                    }
                    self.act(&mut screen, &mut app, action, run)?;
                }
                taken += 1;
                woken = if taken < BATCH_MAX {
                    self.inbox.try_recv().ok()
                } else {
                    None
                };
            }
            is_stale = true;
        }
    }

    /// Does what the state asks for.
    fn act(
        &mut self,
        screen: &mut Screen,
        app: &mut App,
        action: Action,
        run: Option<u32>,
    ) -> Result<(), CliError> {
        match action {
            Action::Quit => {}
            Action::Read(request) => {
                let width = usize::from(app.size.width).saturating_sub(MARGINS);
                let order = Order::Text(request, width);
                self.orders.send(order).ok();
            }
            Action::ReadLog => drop(self.orders.send(Order::Log)),
            Action::Listen(attempt) => {
                let heard = reader::listen(&self.workspace.state, attempt, self.out.clone());
                self.listening = Some(heard);
            }
            Action::Hush => self.listening = None,
            Action::Run(words) => actions::run(&self.context, words, &self.out),
            Action::Edit(file, step) => self.edit(screen, app, &file, step.as_ref())?,
            Action::StopRun => {
                let asked = run.is_some_and(fly::stop);
                let told = if asked {
                    "the run ends what is in progress, then itself"
                } else {
                    "the run is not there any more"
                };
                let words = vec!["stop".to_owned()];
                app.update(Event::Done {
                    words,
                    ok: asked,
                    told: told.to_owned(),
                });
            }
            Action::Redraw => screen.redraw()?,
        }
        Ok(())
    }

    /// Lends the terminal to an editor; the run and the follower go on.
    fn edit(
        &self,
        screen: &mut Screen,
        app: &mut App,
        file: &str,
        step: Option<&StepId>,
    ) -> Result<(), CliError> {
        let keyboard = self.keyboard.lock().unwrap_or_else(PoisonError::into_inner);
        let edited = screen.lend(|| actions::edit(&self.workspace, file, step))?;
        drop(keyboard);
        if let Err(told) = edited {
            let words = vec!["edit".to_owned()];
            app.update(Event::Done {
                words,
                ok: false,
                told,
            });
        }
        Ok(())
    }
}

/// The default of `limits.retries`, for a board whose settings cannot be read.
const RETRIES: u32 = 2;

/// Asks the terminal for its size: word of a change is lost where it comes before anybody listens.
fn fit(screen: &Screen, app: &mut App) -> std::io::Result<()> {
    let (columns, rows) = screen.size()?;
    if (columns, rows) != (app.size.width, app.size.height) {
        app.update(Event::Resize(columns, rows));
    }
    Ok(())
}

fn left(app: &App, code: ExitCode) -> Left {
    Left {
        code,
        run_ended: app.run_ended,
    }
}

/// Sends changes on, as many at once as there are.
fn follow(mut follower: Follower, out: &Out) {
    loop {
        let Some(first) = follower.next(Instant::now() + CHANGE_WAIT) else {
            continue;
        };
        let mut changes: Vec<Change> = vec![first];
        while changes.len() < BATCH_MAX {
            match follower.try_next() {
                Some(change) => changes.push(change),
                None => break,
            }
        }
        if out.send(Wake::Event(Event::Changes(changes))).is_err() {
            return;
        }
    }
}

/// Reads keys and the mouse for as long as there is a terminal.
fn read_keys(keyboard: Arc<Mutex<()>>, out: Out) {
    thread::spawn(move || {
        loop {
            let held = keyboard.lock().unwrap_or_else(PoisonError::into_inner);
            let read = match event::poll(KEY_WAIT) {
                Ok(false) => None,
                Ok(true) => Some(event::read()),
                Err(error) => Some(Err(error)),
            };
            drop(held);
            let woken = match read {
                None => {
                    // Whoever waits for the keyboard gets it.
                    thread::yield_now();
                    continue;
                }
                Some(Err(_)) => Wake::Gone,
                Some(Ok(event)) => match heard(event) {
                    Some(event) => Wake::Event(event),
                    None => continue,
                },
            };
            let gone = matches!(woken, Wake::Gone);
            if out.send(woken).is_err() || gone {
                return;
            }
        }
    });
}

fn heard(event: event::Event) -> Option<Event> {
    match event {
        event::Event::Key(key) if key.kind != event::KeyEventKind::Release => Some(Event::Key(key)),
        event::Event::Mouse(mouse) if mouse.kind != event::MouseEventKind::Moved => {
            Some(Event::Mouse(mouse))
        }
        event::Event::Paste(text) => Some(Event::Paste(text)),
        event::Event::Resize(columns, rows) => Some(Event::Resize(columns, rows)),
        _ => None,
    }
}

/// Signals as messages, so that the terminal is given back whatever comes.
fn catch_signals(out: Out) -> Result<(), CliError> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if out.send(Wake::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}
