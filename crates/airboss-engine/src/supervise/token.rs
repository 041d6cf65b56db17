//! The token with which an agent proves that a report is its own.
//!
//! The supervisor makes it just before the agent starts, gives it to the agent's environment
//! and keeps only its SHA-256 in the attempt's directory. So no other agent can guess it, and
//! none can read it from Airboss's files. It is no wall against a process of the same user
//! that looks into another's environment; a report is a claim in any case.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use fs_err as fs;
use rustix::rand::{GetRandomFlags, getrandom};

use super::{SuperviseError, files};
use crate::projection::digest;

/// The variable that holds an agent's token.
pub const TOKEN_VARIABLE: &str = "AIRBOSS_TOKEN";

/// 256 bits cannot be guessed.
const TOKEN_BYTES: usize = 32;

/// Makes the token of the attempt in `directory`, replacing any earlier one.
///
/// # Errors
/// When there is no randomness, or the hash cannot be written.
pub fn issue_token(directory: &Path) -> Result<String, SuperviseError> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    // Requests of up to 256 bytes are answered whole, getrandom(2) says.
    getrandom(&mut bytes, GetRandomFlags::empty()).map_err(|error| SuperviseError::System {
        call: "getrandom",
        source: io::Error::from(error),
    })?;
    let token = bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    });
    let hash = digest(token.as_bytes());
    files::create_private(&directory.join(files::TOKEN))?.write_all(hash.as_bytes())?;
    Ok(token)
}

/// Whether this is the token of the attempt in `directory`.
#[must_use]
pub fn fits_token(directory: &Path, token: &str) -> bool {
    let Ok(known) = fs::read(directory.join(files::TOKEN)) else {
        return false;
    };
    let given = digest(token.as_bytes());
    // Every byte is looked at, so that the time tells nothing of where they differ.
    let differing = known
        .iter()
        .zip(given.bytes())
        .fold(0, |all, (known, given)| all | (known ^ given));
    known.len() == given.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_attempt_only() {
        let directory = tempfile::tempdir().unwrap();
        let token = issue_token(directory.path()).unwrap();
        assert!(fits_token(directory.path(), &token));
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
        let text = fs::read_to_string(directory.path().join(files::TOKEN)).unwrap();
        assert!(!text.contains(&token), "only its hash is kept");
        let other = tempfile::tempdir().unwrap();
        let others = issue_token(other.path()).unwrap();
        for wrong in ["", &token[1..], &format!("{token}0"), &others, &text] {
            assert!(!fits_token(directory.path(), wrong), "{wrong}");
        }
        assert!(!fits_token(&directory.path().join("none"), &token));
    }
}
