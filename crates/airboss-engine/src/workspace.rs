//! Where everything of one work tree lies: its top, its repository, Airboss's own directory.

use std::path::{Path, PathBuf};

use airboss_core::operation::PlanKey;
use airboss_core::path::{RepoPath, RepoPathError};
use airboss_core::plan::{MAX_PLAN_BYTES, Plan};

use crate::git::{GitError, Repository};
use crate::store::{Place, SqliteStore, StoreError};

/// A work tree and its places.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The top of the work tree.
    pub top: PathBuf,
    /// The repository around it, if there is one.
    pub repository: Option<Repository>,
    /// Airboss's own directory: `<git-common-dir>/airboss`, without git `.airboss`.
    pub state: PathBuf,
}

/// Why a work tree or a plan in it cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Git cannot be used here.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file or directory cannot be read; the words name it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such directory.
    #[error("{0} is no directory; name the work tree or a directory in it")]
    NoWorkTree(PathBuf),
    /// The plan is a directory.
    #[error("{0} is a directory; name the plan's Markdown file")]
    Directory(PathBuf),
    /// There is no such plan.
    #[error("{0} does not exist; name the plan's Markdown file")]
    NoPlan(PathBuf),
    /// The plan is outside.
    #[error("{plan} lies outside the work tree {top}; copy it into the work tree")]
    Outside {
        /// The plan.
        plan: PathBuf,
        /// The work tree.
        top: PathBuf,
    },
    /// The plan's path cannot be one here.
    #[error("{0}")]
    Path(#[from] RepoPathError),
    /// The plan is too large to be one.
    #[error("{path} has {} MB; a plan has at most {} MB", bytes / 1_000_000, MAX_PLAN_BYTES / 1_000_000)]
    TooLarge {
        /// The plan.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

/// A plan file as it was read.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// Which plan it is.
    pub key: PlanKey,
    /// Its name: the file name without `.md`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What was understood of it.
    pub plan: Plan,
}

impl Workspace {
    /// The work tree around `start`.
    ///
    /// Without git it is the nearest directory above with a `.airboss` of its own, else
    /// `start` itself.
    ///
    /// # Errors
    /// When the directory or its repository cannot be used.
    pub fn open(start: &Path) -> Result<Self, WorkspaceError> {
        let start = match fs_err::canonicalize(start) {
            Ok(real) if real.is_dir() => real,
            Ok(_) => return Err(WorkspaceError::NoWorkTree(start.to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(WorkspaceError::NoWorkTree(start.to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(repository) = Repository::discover(&start)? {
            let state = repository.common_dir().join("airboss");
            return Ok(Self {
                top: repository.top().to_owned(),
                state,
                repository: Some(repository),
            });
        }
        let known = start
            .ancestors()
            .find(|directory| directory.join(".airboss").is_dir());
        let top = known.unwrap_or(&start).to_owned();
        Ok(Self {
            state: top.join(".airboss"),
            top,
            repository: None,
        })
    }

    /// Makes Airboss's own directory, for its owner only.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn prepare(&self) -> Result<(), WorkspaceError> {
        match &self.repository {
            Some(repository) => match repository.state_dir() {
                Err(GitError::Io(error)) => return Err(error.into()),
                made => drop(made?),
            },
            None => fs_err::create_dir_all(&self.state)?,
        }
        Ok(())
    }

    /// Where the store lies.
    ///
    /// # Errors
    /// When there is no local file system for it.
    pub fn store_place(&self) -> Result<Place, WorkspaceError> {
        let state_home = std::env::var_os("XDG_STATE_HOME").map_or_else(
            || {
                let home = etcetera::home_dir().unwrap_or_else(|_| self.top.clone());
                home.join(".local").join("state")
            },
            PathBuf::from,
        );
        Ok(Place::find(&self.state, &state_home)?)
    }

    /// Opens the store for writing, making it if there is none.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open_store(&self) -> Result<SqliteStore, WorkspaceError> {
        self.prepare()?;
        Ok(SqliteStore::open(&self.store_place()?.directory)?)
    }

    /// Opens the store for reading; `None` when there is none. Writes nothing.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open_reader(&self) -> Result<Option<SqliteStore>, WorkspaceError> {
        Ok(SqliteStore::open_reader(&self.store_place()?.directory)?)
    }

    /// The key of the plan in a file, which need not exist.
    ///
    /// # Errors
    /// When it lies outside the work tree or has a path that cannot be one here.
    pub fn plan_key(&self, file: &Path) -> Result<PlanKey, WorkspaceError> {
        let absolute = std::path::absolute(file)?;
        // A plan may be reached through a link; what counts is where it is.
        let real = fs_err::canonicalize(&absolute).unwrap_or(absolute);
        let outside = || WorkspaceError::Outside {
            plan: real.clone(),
            top: self.top.clone(),
        };
        let relative = real.strip_prefix(&self.top).map_err(|_| outside())?;
        let text = relative.to_str().ok_or_else(outside)?;
        Ok(PlanKey::new(RepoPath::new(text)?))
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// When it is missing, a directory, outside the work tree, or too large.
    pub fn read_plan(&self, file: &Path) -> Result<PlanFile, WorkspaceError> {
        let path = std::path::absolute(file)?;
        let metadata = match fs_err::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(WorkspaceError::NoPlan(file.to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        if metadata.is_dir() {
            return Err(WorkspaceError::Directory(file.to_owned()));
        }
        if metadata.len() > MAX_PLAN_BYTES as u64 {
            return Err(WorkspaceError::TooLarge {
                path: file.to_owned(),
                bytes: metadata.len(),
            });
        }
        let key = self.plan_key(&path)?;
        let bytes = fs_err::read(&path)?;
        let file_name = key.path().file_name();
        let name = file_name
            .strip_suffix(".md")
            .unwrap_or(file_name)
            .to_owned();
        Ok(PlanFile {
            plan: Plan::parse(&bytes),
            key,
            name,
            path,
            bytes,
        })
    }
}

impl PlanFile {
    /// The plan's output directory: what it says itself, else by its name.
    ///
    /// # Errors
    /// When the plan names a directory outside the work tree.
    pub fn output(&self) -> Result<RepoPath, RepoPathError> {
        match &self.plan.output {
            Some(output) => RepoPath::new(output.trim_end_matches('/')),
            None => RepoPath::new(&format!("docs/plan-outputs/{}", self.name)),
        }
    }
}
