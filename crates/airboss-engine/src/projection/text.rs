//! The bytes of a file with their digest, which is computed once and only when it is asked for.

use std::cell::OnceCell;
use std::ops::Deref;

use super::digest;

/// The bytes of a file.
///
/// Publishing asks for the digest of the same megabyte again and again: whether it is what was
/// published, under which name it is put aside, what is recorded.
#[derive(Clone, Debug, Default)]
pub struct Text {
    bytes: Vec<u8>,
    digest: OnceCell<String>,
}

impl Text {
    /// These bytes; if they are the same as another text's, its digest is theirs.
    pub(super) fn as_known(bytes: Vec<u8>, known: Option<&Self>) -> Self {
        let known = known.filter(|known| known.bytes == bytes);
        Self {
            digest: known.map(|known| known.digest.clone()).unwrap_or_default(),
            bytes,
        }
    }

    /// These bytes, whose digest is known.
    pub(super) fn with_digest(bytes: Vec<u8>, digest: String) -> Self {
        Self {
            bytes,
            digest: OnceCell::from(digest),
        }
    }

    /// SHA-256 of the bytes, as the store keeps it of what was published.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| digest(&self.bytes))
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self::as_known(bytes, None)
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Text {}
