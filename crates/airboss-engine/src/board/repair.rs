//! A sound text to build upon where a file's own text is damaged.
//!
//! Nothing is lost by it: the damaged text is kept in the repository before.

use super::list_file::ListFile;
use super::merge_driver::merge_versions;
use crate::git::Repository;
use crate::store::{PublishKind, PublishRow};

/// The newest sound version of a file.
///
/// Text with conflict markers becomes the merge of the sides that git could not merge, task by
/// task; without these sides a person has to settle it, because TODO.md holds more than tasks.
/// A state.json that cannot be read becomes the version of HEAD.
pub(super) fn sound_version(
    repository: &Repository,
    row: &PublishRow,
    _damaged: &[u8],
) -> Option<Vec<u8>> {
    let file = ListFile::of(&row.kind)?;
    if let Some([base, ours, theirs]) = repository.sides(&row.path).ok()? {
        let (ours, theirs) = (ours?, theirs?);
        let base = base.unwrap_or_default();
        let merged = merge_versions(repository, &row.kind, &base, &ours, &theirs);
        return Some(merged.ok()?.0);
    }
    if row.kind == PublishKind::Todo {
        return None;
    }
    let (_, head) = repository.head_file(&row.path).ok()??;
    (file.parse)(&head).is_ok().then_some(head)
}
