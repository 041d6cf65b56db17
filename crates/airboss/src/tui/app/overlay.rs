//! What lies over the screen and takes the keys: help, the palette, a search, a question.

use airboss_core::id::{AttemptId, OperationId, StepId};
use airboss_core::operation::PlanKey;
use airboss_core::text::sanitize;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keys::{Binding, Scope, TABLE};
use super::{Action, App};

/// An answer is a sentence or two; a file is no answer.
const INPUT_MAX: usize = 4000;

/// What lies over the screen.
#[derive(Clone, PartialEq, Debug)]
pub enum Overlay {
    /// The keys, from this line on.
    Help(usize),
    /// Everything that can be done.
    Palette {
        /// What was typed.
        input: String,
        /// Which of the matches.
        cursor: usize,
    },
    /// What is searched for.
    Search(String),
    /// A question.
    Ask {
        /// Its words.
        question: String,
        /// What becomes of the answer.
        wish: Wish,
        /// What was typed; `None`: it is answered with yes or no.
        input: Option<String>,
    },
}

/// What becomes of an answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Wish {
    /// The attempt is ended.
    Kill(AttemptId),
    /// The step is left out, for the reason typed.
    Skip(PlanKey, StepId),
    /// The step is answered.
    Answer(PlanKey, StepId),
    /// The change is taken back.
    Undo(OperationId),
    /// The run is stopped, or only left.
    StopOrLeave,
}

/// A line of the palette.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// What can be done.
    pub binding: &'static Binding,
}

/// What the palette offers for what was typed.
#[must_use]
pub fn offers(input: &str) -> Vec<Offer> {
    let input = input.to_lowercase();
    let fits = |binding: &&Binding| {
        input
            .split_whitespace()
            .all(|word| binding.word.contains(word) || binding.help.to_lowercase().contains(word))
    };
    // Whoever looks for what can be done knows how to move.
    let offered = TABLE.iter().filter(|binding| !binding.command.is_move());
    let mut offers: Vec<Offer> = offered
        .filter(fits)
        .map(|binding| Offer { binding })
        .collect();
    offers.sort_by_key(|offer| offer.binding.scope != Scope::Anywhere);
    // What begins with what was typed is meant most.
    offers.sort_by_key(|offer| !offer.binding.word.starts_with(input.trim()));
    offers
}

impl Overlay {
    pub(super) fn input(&mut self) -> Option<&mut String> {
        match self {
            Self::Help(_) => None,
            Self::Palette { input, .. } | Self::Search(input) => Some(input),
            Self::Ask { input, .. } => input.as_mut(),
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(input) = self.input() {
            let text = sanitize(text).replace(['\n', '\t'], " ");
            let room = INPUT_MAX.saturating_sub(input.len());
            input.push_str(airboss_core::text::head(&text, room));
        }
    }

    pub(super) fn scroll(&mut self, rows: isize) {
        match self {
            Self::Help(top) => {
                *top = top
                    .saturating_add_signed(rows)
                    .min(TABLE.len().saturating_sub(1));
            }
            Self::Palette { input, cursor } => {
                let last = offers(input).len().saturating_sub(1);
                *cursor = cursor.saturating_add_signed(rows).min(last);
            }
            Self::Search(_) | Self::Ask { .. } => {}
        }
    }

    /// Types a key into it; whether it was one that is typed.
    fn typed(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let Some(input) = self.input() else {
            return false;
        };
        match key.code {
            KeyCode::Char('u') if control => input.clear(),
            KeyCode::Char('w') if control => {
                let kept = input.trim_end().rfind(' ').map_or(0, |space| space + 1);
                input.truncate(kept);
            }
            KeyCode::Char(character) if !control && input.len() < INPUT_MAX => {
                input.push(character);
            }
            KeyCode::Backspace => drop(input.pop()),
            _ => return false,
        }
        if let Self::Palette { cursor, .. } = self {
            *cursor = 0;
        }
        true
    }
}

impl App {
    pub(super) fn overlay_key(&mut self, key: KeyEvent) -> Vec<Action> {
        let Some(mut overlay) = self.overlay.take() else {
            return Vec::new();
        };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if key.code == KeyCode::Esc || (control && key.code == KeyCode::Char('c')) {
            return Vec::new();
        }
        if overlay.typed(key) {
            self.overlay = Some(overlay);
            return Vec::new();
        }
        let rows = match key.code {
            KeyCode::Up => Some(-1),
            KeyCode::Down => Some(1),
            KeyCode::PageUp => Some(-10),
            KeyCode::PageDown => Some(10),
            KeyCode::Char('k') => Some(-1),
            KeyCode::Char('j') => Some(1),
            _ => None,
        };
        if let Some(rows) = rows {
            overlay.scroll(rows);
            self.overlay = Some(overlay);
            return Vec::new();
        }
        self.close(overlay, key)
    }

    fn close(&mut self, overlay: Overlay, key: KeyEvent) -> Vec<Action> {
        match overlay {
            Overlay::Help(_) => Vec::new(),
            Overlay::Palette { input, cursor } if key.code == KeyCode::Enter => {
                match offers(&input).get(cursor) {
                    Some(offer) => self.perform(offer.binding.command),
                    None => Vec::new(),
                }
            }
            Overlay::Search(input) if key.code == KeyCode::Enter => {
                self.search = input;
                self.find(true, true)
            }
            Overlay::Ask {
                question,
                wish,
                input: None,
            } => match (key.code, &wish) {
                (KeyCode::Char('s' | 'y'), Wish::StopOrLeave) => vec![Action::StopRun],
                (KeyCode::Char('l' | 'q'), Wish::StopOrLeave) => vec![Action::Quit],
                (KeyCode::Char('y' | 'Y'), _) => self.wished(wish, ""),
                (KeyCode::Char('n' | 'N' | 'q') | KeyCode::Enter, _) => Vec::new(),
                // Whatever else is pressed answers nothing.
                _ => {
                    self.overlay = Some(Overlay::Ask {
                        question,
                        wish,
                        input: None,
                    });
                    Vec::new()
                }
            },
            Overlay::Ask {
                wish,
                input: Some(input),
                ..
            } if key.code == KeyCode::Enter => self.wished(wish, input.trim()),
            other => {
                self.overlay = Some(other);
                Vec::new()
            }
        }
    }
}
