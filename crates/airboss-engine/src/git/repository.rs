//! Finding the repository around a directory and the places in it.
//!
//! A [`Repository`] holds paths only, so it is cheap, sendable and never stale;
//! every operation opens git anew and sees the configuration of that moment.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use gix::ObjectId;
use gix::config::Source;
use gix::discover::upwards;
use gix::sec::trust::Mapping;
use gix::sec::{Permission, Trust};

use super::claim::sync_parent;
use super::error::{GitError, reasons};
use crate::vfs::if_any;

/// The repository around a work tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repository {
    top: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
}

impl Repository {
    /// Finds the repository that `start` lies in; `None` when there is none.
    ///
    /// The environment's `GIT_*` variables are not asked: Airboss works on the
    /// directory it was started in.
    ///
    /// # Errors
    /// When there is a repository that cannot be used: bare, of another user
    /// (`safe.directory`), unreadable, or in a format that is not supported.
    pub fn discover(start: &Path) -> Result<Option<Self>, GitError> {
        let start = fs::canonicalize(start)?;
        if let Some(plain) = Self::plain(&start) {
            return Ok(Some(plain));
        }
        let options = Mapping {
            full: discovery_options(),
            reduced: discovery_options(),
        };
        let found = gix::ThreadSafeRepository::discover_opts(&start, discovery(), options);
        let git = match found {
            Ok(git) => git.to_thread_local(),
            Err(error) if is_no_repository(&error) && !looks_like_one(&start) => return Ok(None),
            Err(error) => {
                return Err(GitError::Unreadable {
                    path: start,
                    reason: reasons(&error),
                });
            }
        };
        if git.git_dir_trust() != Trust::Full && !is_declared_safe(&start)? {
            return Err(GitError::Untrusted { path: start });
        }
        let Some(top) = git.workdir() else {
            return Err(GitError::Bare {
                path: git.git_dir().to_owned(),
            });
        };
        if git
            .config_snapshot()
            .string("extensions.refStorage")
            .is_some_and(|it| it != "files")
        {
            let reason = "its references are stored as reftable, which is not supported; \
                          `git refs migrate --ref-format=files` converts them";
            return Err(GitError::Unreadable {
                path: start,
                reason: reason.to_owned(),
            });
        }
        Ok(Some(Self {
            top: fs::canonicalize(top)?,
            git_dir: fs::canonicalize(git.git_dir())?,
            common_dir: fs::canonicalize(git.common_dir())?,
        }))
    }

    /// The repository of a directory, where a look at its own few lines of configuration tells that
    /// it is like nearly all others: everything in one `.git` of the same person, and no extension.
    ///
    /// Opening it asks for much that a command which only looks for the place has no use for.
    fn plain(start: &Path) -> Option<Self> {
        let found = gix::discover::upwards_opts(start, discovery()).ok()?;
        let (gix::discover::repository::Path::WorkTree(top), Trust::Full) = found else {
            return None;
        };
        let git_dir = top.join(".git");
        let config = git_dir.join("config");
        let config = gix::config::File::from_path_no_includes(config, Source::Local).ok()?;
        let is_plain = is_plain(&config) && !git_dir.join("commondir").exists();
        let git_dir = is_plain.then(|| fs::canonicalize(git_dir).ok())??;
        Some(Self {
            top: fs::canonicalize(top).ok()?,
            common_dir: git_dir.clone(),
            git_dir,
        })
    }

    /// The top of the work tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The git directory of this work tree: its HEAD and its index.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all linked work trees share: objects and branches.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// `<common-dir>/airboss`, made on demand, for its owner only.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn state_dir(&self) -> Result<PathBuf, GitError> {
        let directory = self.common_dir.join("airboss");
        make_private(&directory)?;
        Ok(directory)
    }

    /// A directory inside the state directory, made on demand.
    pub(crate) fn state_subdir(&self, name: &str) -> Result<PathBuf, GitError> {
        let directory = self.state_dir()?.join(name);
        let is_new = !directory.is_dir();
        make_private(&directory)?;
        if is_new {
            // A claim that goes with its directory in a power cut leaves a lock of nobody's.
            sync_parent(&directory)?;
        }
        Ok(directory)
    }

    /// Where an object lies as long as it is in no pack.
    pub(crate) fn loose_object(&self, id: ObjectId) -> PathBuf {
        let hex = id.to_string();
        let (fan, rest) = hex.split_at(2);
        self.common_dir.join("objects").join(fan).join(rest)
    }

    /// Makes loose objects and their names durable; packed ones are so already, also those that git
    /// packs at this moment.
    pub(crate) fn sync_objects(
        &self,
        ids: impl IntoIterator<Item = ObjectId>,
    ) -> Result<(), GitError> {
        let mut directories = BTreeSet::new();
        for id in ids {
            let path = self.loose_object(id);
            if let Some(file) = if_any(fs::File::open(&path))? {
                file.sync_all()?;
                directories.extend(path.ancestors().skip(1).take(2).map(Path::to_owned));
            }
        }
        for directory in directories {
            if let Some(directory) = if_any(fs::File::open(directory))? {
                directory.sync_all()?;
            }
        }
        Ok(())
    }

    /// The same repository seen from another of its work trees.
    pub(crate) fn with_git_dir(&self, git_dir: PathBuf) -> Result<Self, GitError> {
        if git_dir == self.git_dir {
            return Ok(self.clone());
        }
        let other = Self {
            git_dir,
            ..self.clone()
        };
        let top = other.open()?.workdir().map(Path::to_owned);
        Ok(Self {
            top: top.unwrap_or_else(|| self.top.clone()),
            ..other
        })
    }

    /// Opens the object database, the references and the configuration of this moment.
    pub(crate) fn open(&self) -> Result<gix::Repository, GitError> {
        let opened = open_options()
            .with(Trust::Full)
            .open_path_as_is(true)
            .open(&self.git_dir);
        let git = opened.map_err(|error| GitError::Unreadable {
            path: self.top.clone(),
            reason: reasons(&error),
        })?;
        let git = git.to_thread_local();
        // gix takes a configuration that cannot be read for an empty one, and a commit would be
        // somebody else's.
        let config = self.common_dir.join("config");
        let is_there = fs_err::metadata(&config).is_ok_and(|facts| facts.len() > 0);
        let is_read = {
            let snapshot = git.config_snapshot();
            let mut sections = snapshot.plumbing().sections();
            sections.any(|section| section.meta().source == Source::Local)
        };
        if is_there && !is_read {
            return Err(GitError::Unreadable {
                path: self.top.clone(),
                reason: format!("{} cannot be read", config.display()),
            });
        }
        Ok(git)
    }
}

/// Whether there is a `.git` around a directory that a person would take for a repository.
///
/// When its HEAD cannot be read, gix finds none: and a second store would be begun beside the
/// first, in a directory of its own.
fn looks_like_one(start: &Path) -> bool {
    let mut places = start.ancestors().map(|directory| directory.join(".git"));
    places.any(|git| git.is_file() || git.join("HEAD").symlink_metadata().is_ok())
}

fn discovery() -> upwards::Options<'static> {
    upwards::Options {
        trust: upwards::TrustPolicy::Required(Trust::Reduced),
        ..Default::default()
    }
}

fn open_options() -> gix::open::Options {
    gix::open::Options::default().permissions(permissions())
}

/// The user's own configuration counts; variables of the environment do not.
fn permissions() -> gix::open::Permissions {
    let mut permissions = gix::open::Permissions::all();
    permissions.config.env = false;
    permissions.env.git_prefix = Permission::Deny;
    permissions.env.identity = Permission::Deny;
    permissions.env.objects = Permission::Deny;
    permissions
}

/// Whether a repository's own configuration says nothing of where its parts are, or of their formats.
fn is_plain(config: &gix::config::File) -> bool {
    let elsewhere = ["extensions", "include", "includeif"];
    let mut sections = config.sections();
    let says_no_more = sections.all(|section| {
        let name = section.header().name().to_string().to_lowercase();
        !elsewhere.contains(&name.as_str())
    });
    let is_unset = |key: &str| config.boolean(key).is_ok_and(|value| value != Some(true));
    let version = config.string("core.repositoryFormatVersion");
    says_no_more
        && version.is_none_or(|version| version == "0")
        && config.string("core.worktree").is_none()
        && is_unset("core.bare")
        && is_unset("core.precomposeUnicode")
}

/// Where a repository is, and of what kind, only its own configuration says.
fn discovery_options() -> gix::open::Options {
    let mut permissions = permissions();
    permissions.config.system = false;
    permissions.config.git = false;
    permissions.config.user = false;
    gix::open::Options::default().permissions(permissions)
}

fn is_no_repository(error: &gix::Error) -> bool {
    let found = error.downcast_any_ref::<upwards::Error>();
    found.is_some_and(|found| !matches!(found, upwards::Error::NoTrustedGitRepository { .. }))
}

/// Asks git itself, whose `safe.directory` rules (patterns, includes) are its own.
fn is_declared_safe(start: &Path) -> Result<bool, GitError> {
    let call = super::program::Git::new(start, &["rev-parse", "--git-dir"]);
    Ok(call.output()?.status.success())
}

fn make_private(directory: &Path) -> Result<(), GitError> {
    if !directory.is_dir() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| {
                let words = format!(
                    "{} cannot be made: {error}; move away what is in its place, or make the \
                     directory above it writable",
                    directory.display()
                );
                std::io::Error::new(error.kind(), words)
            })?;
    }
    Ok(())
}
