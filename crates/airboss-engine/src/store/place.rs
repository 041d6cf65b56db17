//! Where a store may lie: on a local file system, and never shared by two kernels.
//!
//! SQLite keeps its lock table in shared memory. Over a network or into a virtual machine that
//! memory is not shared, and databases were lost so without one error. So the file system is
//! recognised before anything is opened, and every kernel has a directory of its own.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::StoreError;

/// A directory for a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The directory of this kernel's database.
    pub directory: PathBuf,
    /// Why it is not beside the repository, for people.
    pub moved: Option<String>,
}

impl Place {
    /// Decides where the store of a repository lies; creates nothing.
    ///
    /// `beside` is the directory in or beside the repository. `state_home` is
    /// `$XDG_STATE_HOME` or its default, which is taken when `beside` is not on a local disk.
    ///
    /// # Errors
    /// When neither is on a local file system, or one cannot be looked at.
    pub fn find(beside: &Path, state_home: &Path) -> Result<Self, StoreError> {
        let kernel = kernel_name();
        let Some(kind) = remote_kind(beside)? else {
            return Ok(Self {
                directory: beside.join(&kernel),
                moved: None,
            });
        };
        if let Some(kind) = remote_kind(state_home)? {
            return Err(StoreError::RemoteFileSystem {
                path: state_home.to_owned(),
                kind: kind.to_owned(),
            });
        }
        // The canonical path names the repository: two names of one directory share a store.
        let name = fs_err::canonicalize(beside).unwrap_or_else(|_| beside.to_owned());
        let repository = short_hash(&[name.as_os_str().as_encoded_bytes()]);
        let directory = state_home.join("airboss").join(repository).join(kernel);
        let moved = format!(
            "{} is on {kind}, where a database loses data, so the state is kept in {}",
            beside.display(),
            directory.display()
        );
        Ok(Self {
            directory,
            moved: Some(moved),
        })
    }
}

/// Refuses a directory that is not on a local file system. It may not exist yet.
pub(super) fn require_local(directory: &Path) -> Result<(), StoreError> {
    match remote_kind(directory)? {
        None => Ok(()),
        Some(kind) => Err(StoreError::RemoteFileSystem {
            path: directory.to_owned(),
            kind: kind.to_owned(),
        }),
    }
}

/// Whether a directory is served by somebody else, who may tell of a new file late. What cannot
/// be looked at is not.
pub(crate) fn is_remote(directory: &Path) -> bool {
    remote_kind(directory).is_ok_and(|kind| kind.is_some())
}

/// The name of a file system that is not local, of the nearest directory that exists.
fn remote_kind(directory: &Path) -> Result<Option<&'static str>, StoreError> {
    let mut nearest = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    loop {
        match rustix::fs::statfs(nearest) {
            #[expect(
                clippy::cast_sign_loss,
                reason = "a magic number, compared as its bits"
            )]
            Ok(facts) => return Ok(classify(facts.f_type as u64)),
            Err(rustix::io::Errno::NOENT) => {
                nearest = match nearest.parent() {
                    Some(parent) if !parent.as_os_str().is_empty() => parent,
                    _ if nearest == Path::new(".") => return Ok(None),
                    _ => Path::new("."),
                };
            }
            Err(errno) => {
                return Err(StoreError::Io {
                    path: nearest.to_owned(),
                    message: io::Error::from(errno).to_string(),
                });
            }
        }
    }
}

/// The names of file systems that are served by somebody else, by the magic number of
/// `statfs(2)` and `linux/magic.h`. FUSE is one of them: what is behind it cannot be known.
const REMOTE: [(u32, &str); 20] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE (or virtiofs)"),
    (0x786F_4256, "a VirtualBox shared folder"),
    (0xBACB_ACBC, "a VMware shared folder"),
    (0x7C7C_6673, "a Parallels shared folder"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00C3_6400, "Ceph"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x564C, "NCP"),
    (0xAAD7_AAEA, "PanFS"),
];

fn classify(magic: u64) -> Option<&'static str> {
    // The field is signed and as wide as a machine word; the numbers have 32 bits.
    let magic = u32::try_from(magic & 0xFFFF_FFFF).ok()?;
    let (_, name) = REMOTE.iter().find(|(known, _)| *known == magic)?;
    Some(name)
}

/// `k-` and twelve digits that tell this machine, or this container, from others.
#[must_use]
fn kernel_name() -> String {
    let machine = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .into_iter()
        .find_map(|path| fs_err::read(path).ok().filter(|id| !id.is_empty()))
        .unwrap_or_default();
    let container = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|path| Path::new(path).exists());
    let system = rustix::system::uname();
    // A container's host name is its id; images share machine-ids, or have none.
    let host: &[u8] = if container || machine.is_empty() {
        system.nodename().to_bytes()
    } else {
        b""
    };
    format!("k-{}", short_hash(&[&machine, host]))
}

/// Twelve hexadecimal digits: enough among the few machines that share a directory.
fn short_hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    digest[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_are_told_apart() {
        let check = |magic: u64, remote: bool| {
            assert_eq!(classify(magic).is_some(), remote, "{magic:#x}");
        };
        check(0xEF53, false); // ext4
        check(0x9123_683E, false); // btrfs
        check(0x5846_5342, false); // xfs
        check(0x0102_1994, false); // tmpfs
        check(0x794C_7630, false); // overlayfs
        check(0x2FC1_2FC1, false); // ZFS
        check(0x6969, true);
        check(0xFF53_4D42, true);
        check(0xFFFF_FFFF_FF53_4D42, true); // sign-extended
        check(0x0102_1997, true);
        check(0x6573_5546, true);
    }

    #[test]
    fn a_directory_that_does_not_exist_is_judged_by_its_parent() {
        let parent = tempfile::tempdir().unwrap();
        let beside = parent.path().join("not/yet/airboss");
        let place = Place::find(&beside, parent.path()).unwrap();
        assert_eq!(place.moved, None);
        assert_eq!(place.directory, beside.join(kernel_name()));
        assert!(!beside.exists(), "deciding creates nothing");
    }

    #[test]
    fn a_directory_served_by_the_kernel_itself_is_local() {
        require_local(Path::new("/proc")).unwrap();
        require_local(Path::new("")).unwrap();
        require_local(Path::new("no/such/directory")).unwrap();
    }
}
