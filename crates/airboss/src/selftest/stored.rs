//! What a store holds, read beside the program: it must not be its own witness.

use std::io;
use std::path::Path;

use rusqlite::Connection;

/// The content of a store, times and ids replaced.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What `PRAGMA integrity_check` says: `ok`.
    pub integrity: Vec<String>,
    /// Operations, steps and answered commands.
    pub state: Vec<String>,
    /// Files that are still to be published.
    pub outbox: Vec<String>,
    /// Commits that were made.
    pub commits: Vec<String>,
    /// Commits that are still to be made.
    pub wishes: Vec<String>,
    /// What is remembered of the files: which change each shows, and whether it was looked at.
    pub published: Vec<String>,
}

impl Stored {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        Self::query(path).map_err(io::Error::other)
    }

    fn query(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        let rows = |sql: &str| -> rusqlite::Result<Vec<String>> {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.map(|row| row.map(|text| steady(&text))).collect()
        };
        let mut state = Vec::new();
        for sql in [
            // A failure is recorded after the change that it befell, and is no part of it.
            "SELECT kind || ' ' || body FROM operation WHERE kind NOT LIKE 'commit_%' \
             AND kind NOT LIKE 'error_%' ORDER BY sequence",
            "SELECT id || ' ' || status || ' ' || version || ' ' || state FROM step ORDER BY id",
            // What was looked at in a file, and that a commit waits or is made, is remembered, too; nobody
            // asked for it.
            "SELECT id || ' ' || result FROM command \
             WHERE id NOT LIKE 'import %' AND id NOT LIKE 'defer-%' AND id NOT LIKE 'commit-%' \
             ORDER BY id",
            "SELECT 'next ' || next_number FROM board",
            "SELECT number || ' ' || place || ' ' || status || ' ' || body FROM task \
             ORDER BY number, place",
            "SELECT 'list ' || lines FROM listing ORDER BY row",
            "SELECT 'conflict ' || body FROM conflict ORDER BY position",
        ] {
            state.extend(rows(sql)?);
        }
        Ok(Self {
            integrity: rows("PRAGMA integrity_check")?,
            state,
            outbox: rows(
                "SELECT kind || ' ' || path FROM outbox WHERE path NOT LIKE '%errors.json' \
                 ORDER BY path",
            )?,
            commits: rows(
                // A failure that was recorded before moves the number of all that follows.
                "SELECT json_remove(body, '$.sequence') FROM operation \
                 WHERE kind = 'commit_made' ORDER BY sequence",
            )?,
            wishes: rows("SELECT payload FROM git_wish ORDER BY sequence")?,
            published: rows(
                "SELECT path || ' ' || sequence || ' ' || (stamp IS NULL) FROM publication \
                 UNION ALL SELECT path || ' ' || task || ' ' || sequence FROM section \
                 UNION ALL SELECT path || ' ' || sequence FROM known_section ORDER BY 1",
            )?,
        })
    }
}

impl Stored {
    /// What one store has and the other has not, a line each.
    pub fn differences(&self, wanted: &Self) -> Vec<String> {
        let all = |stored: &Self| {
            let words = [
                &stored.integrity,
                &stored.state,
                &stored.outbox,
                &stored.commits,
                &stored.wishes,
            ];
            words.into_iter().flatten().cloned().collect::<Vec<_>>()
        };
        let (found, wanted) = (all(self), all(wanted));
        let mut lines = Vec::new();
        let mut rest = wanted.clone();
        for line in found {
            match rest.iter().position(|other| *other == line) {
                Some(place) => drop(rest.remove(place)),
                None => lines.push(format!("has {line}")),
            }
        }
        lines.extend(rest.into_iter().map(|line| format!("lacks {line}")));
        lines
    }
}

/// A text without what differs from run to run: digits of times, and how long things took.
pub(super) fn steady(text: &str) -> String {
    let mut steady = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        steady.push_str(before);
        let length = from
            .find(|character: char| {
                !character.is_ascii_alphanumeric() && !":-.".contains(character)
            })
            .unwrap_or(from.len());
        let (word, after) = from.split_at(length);
        let is_duration = steady.ends_with("\"duration\": ") || steady.ends_with("\"duration\":");
        steady.push_str(match word.len() {
            // 2026-11-21T07:20:49Z, with or without milliseconds.
            20 | 24 if word.as_bytes()[10] == b'T' && word.ends_with('Z') => "TIME",
            // Milliseconds since 1970, and ids as UUIDs.
            13 if word.bytes().all(|byte| byte.is_ascii_digit()) => "MILLIS",
            36 if word.bytes().filter(|byte| *byte == b'-').count() == 4 => "UUID",
            32 if is_hexadecimal(word) => "ID",
            40 if is_hexadecimal(word) => "COMMIT",
            _ if is_duration => "DURATION",
            _ => word,
        });
        rest = after;
    }
    steady.push_str(rest);
    steady
}

fn is_hexadecimal(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}
