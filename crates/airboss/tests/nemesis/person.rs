//! A person who edits TODO.md and saves without end.

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use fs_err::OpenOptions;

use crate::evidence::Save;
use crate::storm::Storm;
use crate::world::{BY_HAND, Dice, NOTE};

/// Tokens that a note keeps before the person takes the oldest out.
const TOKENS_MAX: usize = 4;

const MARKERS: [&str; 5] = [
    "[NOT STARTED]",
    "[RESEARCHED]",
    "[PLANNED]",
    "[IMPLEMENTING]",
    "[COMPLETED]",
];

/// Saves in bursts: up to a hundred times a second, then a while in place, then thinking.
pub(crate) fn save(storm: &Storm) {
    let mut dice = storm.dice(5 << 20);
    let mut count = 0;
    while !storm.is_over() {
        let in_place = dice.roll(3) == 0;
        let (saves, pause) = if in_place {
            (1 + dice.roll(4), 60)
        } else {
            (1 + dice.roll(40), 10)
        };
        for _ in 0..saves {
            count += 1;
            let mut hands = storm.hands();
            if storm.is_over() {
                return;
            }
            let path = storm.environment.path("specs/TODO.md");
            let text = fs_err::read_to_string(&path).unwrap_or_default();
            let Some((text, removed)) = edit(&text, &mut dice, count) else {
                drop(hands);
                storm.rest(Duration::from_millis(50));
                continue;
            };
            // What an editor takes between reading and saving.
            thread::sleep(Duration::from_millis(u64::from(dice.roll(8))));
            let how = if in_place { "in place" } else { "by renaming" };
            if in_place {
                storm.disturb(|| {
                    let mut file = OpenOptions::new().write(true).truncate(true).open(&path);
                    let file = file.as_mut().unwrap();
                    let (first, rest) = text.as_bytes().split_at(text.len() / 2);
                    file.write_all(first).unwrap();
                    thread::sleep(Duration::from_millis(u64::from(dice.roll(3))));
                    file.write_all(rest).unwrap();
                });
            } else {
                let new = storm.environment.path("specs/.TODO.md.swp");
                fs_err::write(&new, &text).unwrap();
                fs_err::rename(new, path).unwrap();
            }
            let token = token(count);
            hands.saves.push(Save {
                token,
                removed,
                how,
            });
            drop(hands);
            storm.rest(Duration::from_millis(pause));
        }
        storm.rest(Duration::from_millis(u64::from(dice.roll(400))));
    }
}

/// What only the save with this number wrote.
pub(crate) fn token(count: u32) -> String {
    format!("q{count}q")
}

fn is_token(word: &str) -> bool {
    let digits = word.strip_prefix('q');
    let digits = digits.and_then(|word| word.strip_suffix('q'));
    digits.is_some_and(|digits| digits.parse::<u32>().is_ok())
}

/// The text with a token more in the note of a task, perhaps another status, and the tokens that
/// were taken out; `None` when the task or its note is not there.
fn edit(text: &str, dice: &mut Dice, count: u32) -> Option<(String, Vec<String>)> {
    let task = BY_HAND.0 + dice.roll(BY_HAND.1);
    let begin = text.find(&format!("\n### {task}. "))? + 1;
    let end = text[begin..].find("\n---\n").map(|end| begin + end)?;
    let mut lines: Vec<String> = text[begin..end].split('\n').map(str::to_owned).collect();
    let note = lines.iter_mut().find(|line| line.starts_with(NOTE))?;
    let mut words: Vec<&str> = note.split(' ').collect();
    let mut removed = Vec::new();
    while words.iter().filter(|word| is_token(word)).count() >= TOKENS_MAX {
        let oldest = words.iter().position(|word| is_token(word))?;
        removed.push(words.remove(oldest).to_owned());
    }
    let token = token(count);
    words.push(&token);
    *note = words.join(" ");
    if dice.roll(5) == 0 {
        let status = lines
            .iter_mut()
            .find(|line| line.contains("**Status**: ["))?;
        *status = format!("- **Status**: {}", dice.pick(&MARKERS));
    }
    let section = lines.join("\n");
    Some((
        format!("{}{section}{}", &text[..begin], &text[end..]),
        removed,
    ))
}
