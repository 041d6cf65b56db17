//! Where projections may be written: inside the work tree, whatever links say.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use airboss_core::path::RepoPath;

use crate::vfs::{
    Facts, Kind, RealVfs, Vfs, create_directories, facts_if_any, real_path, real_path_below,
};

/// Why a file is not written to.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A link on the way leads out of the work tree.
    #[error("{path} leads out of the work tree, to {target}")]
    Leaves {
        /// The file.
        path: RepoPath,
        /// Where it would be.
        target: PathBuf,
    },
    /// Something that is not a file stands there.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// The file.
        path: RepoPath,
    },
    /// The owner made it read-only, which is a wish to be left alone.
    #[error("{path} is read-only")]
    ReadOnly {
        /// The file.
        path: RepoPath,
    },
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Whether a file may be read as the work tree's own: what is not there may, and what its owner
/// made read-only.
///
/// # Errors
/// When a link leads out of the work tree, or something else than a file stands there.
pub(crate) fn require_own(top: &Path, path: &RepoPath) -> Result<(), PlaceError> {
    match resolve(&RealVfs, &Top::new(top), path, false) {
        Ok(_) | Err(PlaceError::ReadOnly { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A work tree, whose real place is looked up once.
#[derive(Clone, Debug)]
pub(super) struct Top {
    given: PathBuf,
    real: OnceLock<PathBuf>,
}

impl Top {
    pub(super) fn new(given: &Path) -> Self {
        let given = given.to_owned();
        let real = OnceLock::new();
        Self { given, real }
    }

    fn real(&self, vfs: &dyn Vfs) -> io::Result<&Path> {
        if let Some(real) = self.real.get() {
            return Ok(real);
        }
        let real = real_path(vfs, &self.given)?;
        Ok(self.real.get_or_init(|| real))
    }

    /// The path of a file as people see it.
    pub(super) fn shown<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.given).unwrap_or(path)
    }
}

/// The real place of a projection. Its directory is made when `create` says so.
pub(super) fn resolve(
    vfs: &dyn Vfs,
    top: &Top,
    path: &RepoPath,
    create: bool,
) -> Result<PathBuf, PlaceError> {
    let wanted = top.given.join(path);
    let top = top.real(vfs)?;
    let below = Path::new(path.as_str()).parent().unwrap_or(Path::new(""));
    let directory = match real_path_below(vfs, top, below) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            let directory = top.join(below);
            let existing = nearest_existing(vfs, &directory)?;
            // Whether a link leads out is known before anything is made.
            require_inside(top, path, &real_path(vfs, existing)?)?;
            if !create {
                return Ok(wanted);
            }
            create_directories(vfs, &directory)?;
            real_path(vfs, &directory)?
        }
        real => real?,
    };
    require_inside(top, path, &directory)?;
    let target = directory.join(path.file_name());
    let Some(facts) = facts_if_any(vfs, &target)? else {
        return Ok(target);
    };
    if facts.kind == Kind::Link {
        let real = real_path(vfs, &target)?;
        require_inside(top, path, &real)?;
        return regular(path, vfs.facts(&real)?, real);
    }
    regular(path, facts, target)
}

fn nearest_existing<'a>(vfs: &dyn Vfs, path: &'a Path) -> io::Result<&'a Path> {
    for ancestor in path.ancestors() {
        if facts_if_any(vfs, ancestor)?.is_some() {
            return Ok(ancestor);
        }
    }
    Ok(path)
}

fn regular(path: &RepoPath, facts: Facts, target: PathBuf) -> Result<PathBuf, PlaceError> {
    if facts.kind != Kind::File {
        return Err(PlaceError::NotAFile { path: path.clone() });
    }
    if facts.mode & 0o222 == 0 {
        return Err(PlaceError::ReadOnly { path: path.clone() });
    }
    Ok(target)
}

fn require_inside(top: &Path, path: &RepoPath, real: &Path) -> Result<(), PlaceError> {
    // Git's own directory is inside the work tree, and no place for anybody's files.
    if real.starts_with(top) && !real.starts_with(top.join(".git")) {
        return Ok(());
    }
    Err(PlaceError::Leaves {
        path: path.clone(),
        target: real.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use fs_err as fs;

    use super::*;

    #[test]
    fn links_may_lead_anywhere_inside_and_nowhere_else() {
        let outside = tempfile::tempdir().unwrap();
        let inside = tempfile::tempdir().unwrap();
        let top = inside.path();
        symlink(outside.path(), top.join("out")).unwrap();
        fs::create_dir(top.join("real")).unwrap();
        symlink(top.join("real"), top.join("in")).unwrap();
        fs::write(outside.path().join("x"), "").unwrap();
        symlink(outside.path().join("x"), top.join("real/link.json")).unwrap();

        let place = Top::new(top);
        let check = |text: &str| resolve(&RealVfs, &place, &RepoPath::new(text).unwrap(), true);
        assert!(check("new/dir/status.json").is_ok());
        assert!(
            check("in/status.json")
                .unwrap()
                .ends_with("real/status.json")
        );
        for bad in ["out/status.json", "out/a/b/status.json", "real/link.json"] {
            assert!(
                matches!(check(bad), Err(PlaceError::Leaves { .. })),
                "{bad}"
            );
        }
        assert!(!outside.path().join("a").exists());
        fs::create_dir(top.join("status.json")).unwrap();
        assert!(matches!(
            check("status.json"),
            Err(PlaceError::NotAFile { .. })
        ));
    }
}
