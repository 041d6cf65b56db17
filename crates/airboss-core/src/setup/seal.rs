//! The seal: a digest in a text, by which is known whether somebody changed it.

use sha2::{Digest as _, Sha256};

use super::State;

/// How the line of the seal begins. `#` begins a comment in YAML front matter and in TOML.
const PREFIX: &str = "# airboss setup ";
/// What stands behind the digest, for whoever opens the file.
const SUFFIX: &str = " (kept up to date; what you change is left alone)";

/// The digest of a text. 64 bits tell slips of the pen apart; nobody is kept out by it.
pub(super) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A text with its seal in the place of `{seal}`, which has a line for itself.
pub(super) fn seal(text: &str) -> String {
    let (before, after) = text.split_once("{seal}\n").unwrap_or(("", text));
    let digest = digest(&[before, after].concat());
    [before, PREFIX, &digest, SUFFIX, "\n", after].concat()
}

/// The state of a whole file that is to be `wanted`.
pub(super) fn state(found: Option<&[u8]>, wanted: &str) -> State {
    let Some(found) = found else {
        return State::Missing;
    };
    // What is no text is not ours.
    let Ok(found) = std::str::from_utf8(found) else {
        return State::Foreign;
    };
    // Git may have been told to check files out with other line breaks.
    let found = found.replace("\r\n", "\n");
    if found == wanted {
        return State::Current;
    }
    let Some(sealed) = found.lines().find_map(|line| line.strip_prefix(PREFIX)) else {
        return State::Foreign;
    };
    let is_content = |line: &&str| !line.starts_with(PREFIX);
    let rest: String = found.split_inclusive('\n').filter(is_content).collect();
    match sealed.split(' ').next() == Some(&digest(&rest)) {
        true => State::Old,
        false => State::Edited,
    }
}
