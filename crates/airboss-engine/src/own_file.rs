//! Files of Airboss's own, written whole or not at all.
//!
//! They need none of what [`crate::projection`] does for a file that people write, too: nobody
//! else saves here, and what is there before is replaced.

use std::io::{self, Write as _};
use std::path::Path;

use crate::projection::fresh_draft;
use crate::vfs::{RealVfs, create_directories};

/// Replaces the file at `place` with these bytes, which are on the disk then; whether its name is,
/// too, is up to who syncs the directory. `state` is Airboss's own directory: when this process
/// dies, the next one removes the draft there.
///
/// # Errors
/// When a directory or the file cannot be written; what was there before stays then.
pub(crate) fn replace(state: &Path, place: &Path, bytes: &[u8]) -> io::Result<()> {
    let drafts = state.join("tmp");
    for directory in [place.parent(), Some(drafts.as_path())] {
        create_directories(&RealVfs, directory.unwrap_or(state))?;
    }
    let draft = fresh_draft(&RealVfs, state);
    let replaced = fs_err::File::create(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs_err::rename(&draft, place)
    });
    if replaced.is_err() {
        // What stays goes when this process is gone.
        fs_err::remove_file(&draft).ok();
    }
    replaced
}
