//! Reads the configuration files and remembers which commands a person trusts.
//!
//! What the settings mean is `airboss_core::config`'s business. A missing file is no error;
//! one that cannot be read or understood is.

use std::io;
use std::path::{Path, PathBuf};

use airboss_core::config::layer::environment_variables;
use airboss_core::config::{Config, ConfigError, Layer, Merged, Origin};
use etcetera::BaseStrategy as _;
use fs_err as fs;

/// The repository's committed file.
pub const PROJECT_FILE: &str = "airboss.toml";
/// The repository's file that is not committed.
pub const LOCAL_FILE: &str = "airboss.local.toml";

/// Where settings are looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// The top of the work tree.
    pub top: PathBuf,
    /// The state directory, where trust is recorded; `None` while there is none.
    pub state_dir: Option<PathBuf>,
    /// The person's own file, which need not exist.
    pub user_file: Option<PathBuf>,
}

impl Places {
    /// The usual places.
    #[must_use]
    pub fn new(top: &Path, state_dir: Option<&Path>) -> Self {
        Self {
            top: top.to_owned(),
            state_dir: state_dir.map(Path::to_owned),
            user_file: user_file(),
        }
    }
}

/// `$XDG_CONFIG_HOME/airboss/config.toml`, or below `~/.config`.
#[must_use]
pub fn user_file() -> Option<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().ok()?;
    Some(base.config_dir().join("airboss").join("config.toml"))
}

/// Settings as they were found.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// What counts.
    pub config: Config,
    /// The same with its sources.
    pub merged: Merged,
    /// What was not understood.
    pub warnings: Vec<String>,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file or a variable is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be read, or trust cannot be recorded.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The repository wants to run programs, and nobody has trusted them.
    #[error("{file} sets commands that nobody has trusted yet: {names}")]
    Untrusted {
        /// The file.
        file: String,
        /// The settings.
        names: String,
    },
}

impl Settings {
    /// Reads all sources; `flags` are `(dotted path, text, the flag's name)`.
    ///
    /// # Errors
    /// When a file cannot be read, is no TOML, or a setting has the wrong type.
    pub fn load(places: &Places, flags: &[(&str, &str, &str)]) -> Result<Self, SettingsError> {
        let mut layers = Vec::new();
        if let Some(file) = &places.user_file {
            let shown = file.display().to_string();
            layers.extend(file_layer(file, Origin::User { file: shown })?);
        }
        let project = Origin::Project {
            file: PROJECT_FILE.to_owned(),
        };
        layers.extend(file_layer(&places.top.join(PROJECT_FILE), project)?);
        let local = Origin::Local {
            file: LOCAL_FILE.to_owned(),
        };
        layers.extend(file_layer(&places.top.join(LOCAL_FILE), local)?);
        layers.push(environment_layer()?);
        layers.push(Layer::from_texts(flags.iter().copied(), Origin::Flag)?);

        let warnings = layers
            .iter()
            .flat_map(|layer| layer.warnings.clone())
            .collect();
        let merged = Merged::new(layers, |digest| {
            places
                .state_dir
                .as_deref()
                .is_some_and(|directory| is_trusted(directory, digest))
        });
        Ok(Self {
            config: merged.config()?,
            merged,
            warnings,
        })
    }

    /// Refuses while the repository's commands are not trusted: to be asked before any is run.
    ///
    /// # Errors
    /// [`SettingsError::Untrusted`], which names the file and the settings.
    pub fn require_trust(&self) -> Result<(), SettingsError> {
        let Some(untrusted) = self.merged.untrusted() else {
            return Ok(());
        };
        let names: Vec<&str> = untrusted.keys().map(String::as_str).collect();
        let mut files: Vec<String> = untrusted
            .values()
            .map(|setting| setting.origin.to_string())
            .collect();
        files.sort();
        files.dedup();
        Err(SettingsError::Untrusted {
            file: files.join(" and "),
            names: names.join(", "),
        })
    }
}

fn file_layer(file: &Path, origin: Origin) -> Result<Option<Layer>, SettingsError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(Layer::from_toml(&text, origin)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn environment_layer() -> Result<Layer, SettingsError> {
    let set: Vec<(String, &str, String)> = environment_variables()
        .filter_map(|(name, path)| Some((std::env::var(&name).ok()?, path, name)))
        .collect();
    let texts = set
        .iter()
        .map(|(text, path, name)| (*path, text.as_str(), name.as_str()));
    Ok(Layer::from_texts(texts, Origin::Environment)?)
}

/// Remembers that a person has read and trusts these commands (`Merged::digest`).
///
/// # Errors
/// When the record cannot be written.
pub fn trust(state_dir: &Path, digest: &str) -> io::Result<()> {
    let record = trust_record(state_dir, digest);
    if let Some(directory) = record.parent() {
        fs::create_dir_all(directory)?;
    }
    // The name says it all: there is nothing that a torn write could break.
    fs::write(record, "")
}

/// Whether [`trust`] was called for these commands in this repository.
#[must_use]
pub fn is_trusted(state_dir: &Path, digest: &str) -> bool {
    trust_record(state_dir, digest).is_file()
}

fn trust_record(state_dir: &Path, digest: &str) -> PathBuf {
    state_dir.join("trusted").join(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_trust_lasts_until_the_commands_change() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        let places = Places {
            top: top.to_owned(),
            state_dir: Some(top.join("state")),
            user_file: Some(top.join("user.toml")),
        };
        fs::write(top.join("user.toml"), "run.jobs = 2\nrun.batch = 2").unwrap();
        fs::write(top.join(PROJECT_FILE), "run.jobs = 3").unwrap();
        fs::write(top.join(LOCAL_FILE), "gates.test.command = 'true'").unwrap();

        let settings = Settings::load(&places, &[]).unwrap();
        assert_eq!(
            (settings.config.run.jobs, settings.config.run.batch),
            (3, 2)
        );
        let refusal = settings.require_trust().unwrap_err().to_string();
        assert_eq!(
            refusal,
            "airboss.local.toml sets commands that nobody has trusted yet: gates.test.command"
        );

        trust(&top.join("state"), &settings.merged.digest()).unwrap();
        let settings = Settings::load(&places, &[("run.jobs", "9", "--jobs")]).unwrap();
        settings.require_trust().unwrap();
        assert_eq!(settings.config.run.jobs, 9);
        assert_eq!(settings.config.gates.len(), 1);

        fs::write(top.join(LOCAL_FILE), "gates.test.command = 'false'").unwrap();
        let settings = Settings::load(&places, &[]).unwrap();
        assert!(settings.require_trust().is_err());
    }

    #[test]
    fn a_directory_in_place_of_the_file_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(PROJECT_FILE)).unwrap();
        let places = Places {
            top: directory.path().to_owned(),
            state_dir: None,
            user_file: None,
        };
        assert!(matches!(
            Settings::load(&places, &[]),
            Err(SettingsError::Io(_))
        ));
    }
}
