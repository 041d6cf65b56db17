//! The files of an attempt's directory: their names, and how they are written whole.

use std::io::Write;
use std::path::Path;

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SuperviseError;

pub(super) const SPEC: &str = "spec.json";
pub(super) const SUPERVISOR: &str = "supervisor.json";
pub(super) const LOG: &str = "supervisor.log";
pub(super) const INPUT: &str = "input";
pub(super) const TOKEN: &str = "token";
pub(super) const OUTCOME: &str = "outcome.json";

/// Creates or empties a file that only its owner may read: environments hold keys.
pub(super) fn create_private(path: &Path) -> Result<fs::File, SuperviseError> {
    let mut options = fs::OpenOptions::new();
    Ok(options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?)
}

/// Makes the names in `directory` durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), SuperviseError> {
    Ok(fs::File::open(directory)?.sync_all()?)
}

/// Writes `value` so that the file is there whole and durable, or not at all.
pub(super) fn write_json(
    directory: &Path,
    name: &str,
    value: &impl Serialize,
) -> Result<(), SuperviseError> {
    let path = directory.join(name);
    let temporary = directory.join(format!("{name}.tmp"));
    let json = |source| SuperviseError::Json {
        path: path.clone(),
        source,
    };
    let mut text = serde_json::to_vec(value).map_err(json)?;
    text.push(b'\n');
    let mut file = create_private(&temporary)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    sync_directory(directory)
}

/// Reads what [`write_json`] wrote.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, SuperviseError> {
    let text = fs::read(path)?;
    let json = |source| SuperviseError::Json {
        path: path.to_owned(),
        source,
    };
    serde_json::from_slice(&text).map_err(json)
}
