//! Keeps `git status` clean of files that only Airboss writes.

use std::io::{self, Write as _};

use fs_err as fs;

use super::Publisher;
use crate::store::{PublishKind, PublishRow};

impl Publisher {
    /// Adds a file to git's own list of this clone. A tracked file stays tracked.
    pub(super) fn exclude(&self, row: &PublishRow) -> io::Result<()> {
        let Some(exclude) = &self.exclude else {
            return Ok(());
        };
        let path = &escaped(row.path.as_str());
        let pattern = match (&row.kind, path.rsplit_once("/timestamps/")) {
            (PublishKind::StatusJson, _) => format!("/{path}*"),
            (PublishKind::RunRecord { .. }, Some((output, _))) => format!("/{output}/timestamps/"),
            // A log of failures that Airboss begins is of this clone; whoever wants it adds it.
            (PublishKind::Errors, _) => format!("/{path}"),
            _ => return Ok(()),
        };
        let known = match fs::read(exclude) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            known => known?,
        };
        let known = String::from_utf8_lossy(&known);
        if known.lines().any(|line| line == pattern) {
            return Ok(());
        }
        if let Some(directory) = exclude.parent() {
            fs::create_dir_all(directory)?;
        }
        let break_before = if known.is_empty() || known.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(exclude)?;
        file.write_all(format!("{break_before}{pattern}\n").as_bytes())
    }
}

/// A path as a pattern that matches only itself.
fn escaped(path: &str) -> String {
    let special = |character| matches!(character, '*' | '?' | '[' | '!' | '#' | ' ');
    path.chars()
        .flat_map(|character| {
            special(character)
                .then_some('\\')
                .into_iter()
                .chain([character])
        })
        .collect()
}
