//! A sound text to build upon where a file's own text is damaged.
//!
//! Nothing is lost by it: the damaged text is kept in the repository before.

use super::list_file::ListFile;
use super::merge_driver::merge_versions;
use crate::git::Repository;
use crate::store::{PublishKind, PublishRow};

/// How far back a sound version is looked for: damage that was committed is seen to soon.
const COMMITS_MAX: usize = 50;

/// The newest sound version of a file.
///
/// Text with conflict markers becomes the merge of the sides that git could not merge, task by
/// task; without these sides a person has to settle it, because TODO.md holds more than tasks.
/// A state.json that cannot be read becomes the newest version of the history that can.
pub(super) fn sound_version(
    repository: &Repository,
    row: &PublishRow,
    _damaged: &[u8],
) -> Option<Vec<u8>> {
    let file = ListFile::of(&row.kind)?;
    if repository.sides(&row.path).ok()?.is_some() {
        return merged_sides(repository, row);
    }
    if row.kind == PublishKind::Todo {
        return None;
    }
    let versions = repository.versions(&row.path, COMMITS_MAX).ok()?;
    let mut versions = versions.into_iter().map(|(_, bytes)| bytes);
    versions.find(|bytes| (file.parse)(bytes).is_ok())
}

/// The merge of the sides that git could not merge; `None` when there are none.
pub(super) fn merged_sides(repository: &Repository, row: &PublishRow) -> Option<Vec<u8>> {
    let [base, ours, theirs] = repository.sides(&row.path).ok()??;
    let (ours, theirs) = (ours?, theirs?);
    let base = base.unwrap_or_default();
    let merged = merge_versions(repository, &row.kind, &base, &ours, &theirs);
    Some(merged.ok()?.0)
}
