//! The bytes of a file with their digest, which is computed once and only when it is asked for.

use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::digest;
use crate::vfs::Vfs;

/// The bytes of a file, shared by all who have them in hand.
///
/// Publishing asks for the digest of the same megabyte again and again: whether it is what was
/// published, under which name it is put aside, what is recorded.
#[derive(Clone, Debug, Default)]
pub struct Text(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    bytes: Vec<u8>,
    digest: OnceLock<String>,
}

impl Text {
    /// The content of a file; it is the known text itself where it is the same.
    pub(super) fn read(vfs: &dyn Vfs, path: &Path, known: Option<&Self>) -> io::Result<Self> {
        let Some(known) = known else {
            return vfs.read(path).map(Self::from);
        };
        let other = vfs.read_unless(path, known)?;
        Ok(other.map_or_else(|| known.clone(), Self::from))
    }

    /// These bytes, whose digest is known.
    pub(super) fn with_digest(bytes: Vec<u8>, digest: String) -> Self {
        let digest = OnceLock::from(digest);
        Self(Arc::new(Inner { bytes, digest }))
    }

    /// Whether it is this very text, and not only one of the same bytes.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Computes the digest before anybody asks for it.
    pub(super) fn digest_ahead(&self) {
        let _: &str = self.digest();
    }

    /// Whether nobody has to wait for the digest.
    pub(super) fn is_digested(&self) -> bool {
        self.0.digest.get().is_some()
    }

    /// SHA-256 of the bytes, as the store keeps it of what was published.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.0.digest.get_or_init(|| digest(&self.0.bytes))
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        let digest = OnceLock::new();
        Self(Arc::new(Inner { bytes, digest }))
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.bytes == other.0.bytes
    }
}

impl Eq for Text {}
