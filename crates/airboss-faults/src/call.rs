//! System calls: which there are, which of them change something, and how one is described.

use std::fmt;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::unistd::Pid;

/// The longest path that Linux takes.
const PATH_MAX: usize = 4096;

/// What a system call does to files, as far as faults are concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Opens a file, and perhaps creates or empties it.
    Open,
    /// Writes bytes.
    Write,
    /// Copies bytes between files inside the kernel.
    Copy,
    /// Changes the length of a file, or reserves room for it.
    Resize,
    /// Makes what was written durable.
    Sync,
    /// Renames or exchanges.
    Rename,
    /// Makes a link, hard or symbolic.
    Link,
    /// Removes a name.
    Unlink,
    /// Makes a directory.
    MakeDirectory,
    /// Changes a mode or an owner.
    Mode,
    /// Takes or frees a kernel lock.
    Lock,
    /// Reads bytes or names.
    Read,
    /// Changes nothing in a file system.
    Other,
}

/// A path argument: the number of its directory descriptor's argument, and its own.
type Place = (Option<usize>, usize);

/// One system call as the table knows it.
pub(crate) struct Known {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) places: &'static [Place],
    /// The argument that is the descriptor of the file that is changed.
    pub(crate) descriptor: Option<usize>,
}

macro_rules! known {
    ($number:ident, $name:literal, $kind:ident, $places:expr, $descriptor:expr) => {
        Known {
            number: libc::$number,
            name: $name,
            kind: Kind::$kind,
            places: &$places,
            descriptor: $descriptor,
        }
    };
}

/// Linux on `x86_64`: asm/unistd_64.h and the manual pages of section 2.
#[rustfmt::skip]
pub(crate) const TABLE: &[Known] = &[
    known!(SYS_open, "open", Open, [(None, 0)], None),
    known!(SYS_creat, "creat", Open, [(None, 0)], None),
    known!(SYS_openat, "openat", Open, [(Some(0), 1)], None),
    known!(SYS_openat2, "openat2", Open, [(Some(0), 1)], None),
    known!(SYS_write, "write", Write, [], Some(0)),
    known!(SYS_pwrite64, "pwrite64", Write, [], Some(0)),
    known!(SYS_writev, "writev", Write, [], Some(0)),
    known!(SYS_pwritev, "pwritev", Write, [], Some(0)),
    known!(SYS_pwritev2, "pwritev2", Write, [], Some(0)),
    known!(SYS_sendfile, "sendfile", Copy, [], Some(0)),
    known!(SYS_copy_file_range, "copy_file_range", Copy, [], Some(2)),
    known!(SYS_truncate, "truncate", Resize, [(None, 0)], None),
    known!(SYS_ftruncate, "ftruncate", Resize, [], Some(0)),
    known!(SYS_fallocate, "fallocate", Resize, [], Some(0)),
    known!(SYS_fsync, "fsync", Sync, [], Some(0)),
    known!(SYS_fdatasync, "fdatasync", Sync, [], Some(0)),
    known!(SYS_sync, "sync", Sync, [], None),
    known!(SYS_syncfs, "syncfs", Sync, [], Some(0)),
    known!(SYS_sync_file_range, "sync_file_range", Sync, [], Some(0)),
    known!(SYS_msync, "msync", Sync, [], None),
    known!(SYS_rename, "rename", Rename, [(None, 0), (None, 1)], None),
    known!(SYS_renameat, "renameat", Rename, [(Some(0), 1), (Some(2), 3)], None),
    known!(SYS_renameat2, "renameat2", Rename, [(Some(0), 1), (Some(2), 3)], None),
    known!(SYS_link, "link", Link, [(None, 0), (None, 1)], None),
    known!(SYS_linkat, "linkat", Link, [(Some(0), 1), (Some(2), 3)], None),
    known!(SYS_symlink, "symlink", Link, [(None, 1)], None),
    known!(SYS_symlinkat, "symlinkat", Link, [(Some(1), 2)], None),
    known!(SYS_unlink, "unlink", Unlink, [(None, 0)], None),
    known!(SYS_unlinkat, "unlinkat", Unlink, [(Some(0), 1)], None),
    known!(SYS_rmdir, "rmdir", Unlink, [(None, 0)], None),
    known!(SYS_mkdir, "mkdir", MakeDirectory, [(None, 0)], None),
    known!(SYS_mkdirat, "mkdirat", MakeDirectory, [(Some(0), 1)], None),
    known!(SYS_chmod, "chmod", Mode, [(None, 0)], None),
    known!(SYS_fchmod, "fchmod", Mode, [], Some(0)),
    known!(SYS_fchmodat, "fchmodat", Mode, [(Some(0), 1)], None),
    known!(SYS_fchown, "fchown", Mode, [], Some(0)),
    known!(SYS_utimensat, "utimensat", Mode, [(Some(0), 1)], None),
    known!(SYS_flock, "flock", Lock, [], Some(0)),
    known!(SYS_fcntl, "fcntl", Lock, [], Some(0)),
    // The rest is named because a sweep over all calls reports them.
    known!(SYS_read, "read", Read, [], Some(0)),
    known!(SYS_pread64, "pread64", Read, [], Some(0)),
    known!(SYS_close, "close", Other, [], Some(0)),
    known!(SYS_fstat, "fstat", Other, [], Some(0)),
    known!(SYS_lseek, "lseek", Other, [], Some(0)),
    known!(SYS_getdents64, "getdents64", Read, [], Some(0)),
    known!(SYS_stat, "stat", Other, [(None, 0)], None),
    known!(SYS_lstat, "lstat", Other, [(None, 0)], None),
    known!(SYS_statx, "statx", Other, [(Some(0), 1)], None),
    known!(SYS_newfstatat, "newfstatat", Other, [(Some(0), 1)], None),
    known!(SYS_access, "access", Other, [(None, 0)], None),
    known!(SYS_readlink, "readlink", Other, [(None, 0)], None),
    known!(SYS_mmap, "mmap", Other, [], None),
    known!(SYS_munmap, "munmap", Other, [], None),
    known!(SYS_mprotect, "mprotect", Other, [], None),
    known!(SYS_brk, "brk", Other, [], None),
    known!(SYS_futex, "futex", Other, [], None),
    known!(SYS_clone, "clone", Other, [], None),
    known!(SYS_clone3, "clone3", Other, [], None),
    known!(SYS_execve, "execve", Other, [(None, 0)], None),
    known!(SYS_exit_group, "exit_group", Other, [], None),
    known!(SYS_clock_nanosleep, "clock_nanosleep", Other, [], None),
];

/// A call of a stopped process, not yet carried out or just returned from.
#[derive(Clone, Copy)]
pub(crate) struct Entered {
    pub(crate) pid: Pid,
    /// The program that was started; the others are its threads and what it started itself.
    pub(crate) leader: Pid,
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 6],
}

impl Entered {
    pub(crate) fn known(&self) -> Option<&'static Known> {
        TABLE.iter().find(|known| known.number == self.number)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.known().map_or(Kind::Other, |known| known.kind)
    }

    /// Whether it can change a file, make a change durable, or take a lock.
    pub(crate) fn mutates(&self) -> bool {
        match self.kind() {
            Kind::Read | Kind::Other => false,
            Kind::Open => {
                let changes = libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY | libc::O_RDWR;
                self.open_flags() & changes != 0
            }
            Kind::Lock => {
                let locks = [
                    libc::F_SETLK,
                    libc::F_SETLKW,
                    libc::F_OFD_SETLK,
                    libc::F_OFD_SETLKW,
                ];
                self.number == libc::SYS_flock || locks.contains(&self.integer(1))
            }
            _ => true,
        }
    }

    /// The flags of a call that opens.
    pub(crate) fn open_flags(&self) -> i32 {
        match self.number {
            libc::SYS_open => self.integer(1),
            libc::SYS_openat => self.integer(2),
            libc::SYS_creat => libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY,
            libc::SYS_openat2 => {
                // `struct open_how` begins with its flags, 64 bits of them.
                let bytes = self.memory(self.arguments[2], 8);
                let flags = bytes.first_chunk::<4>().copied().unwrap_or_default();
                i32::from_ne_bytes(flags)
            }
            _ => 0,
        }
    }

    /// The number of bytes that are to be written by a call that halving is known for.
    pub(crate) fn plain_length(&self) -> Option<u64> {
        let plain = [libc::SYS_write, libc::SYS_pwrite64].contains(&self.number);
        plain.then_some(self.arguments[2])
    }

    /// Whether it writes to where a program tells its caller something.
    fn tells(&self) -> bool {
        self.kind() == Kind::Write && self.arguments[0] <= 2
    }

    /// Whether the one who started the program hears of it: what a program of its own tells it by
    /// a pipe is not for him.
    pub(crate) fn answers(&self) -> bool {
        let ours = [1, 2].map(|descriptor| file_of(self.leader, descriptor));
        self.tells() && ours.contains(&self.descriptor_path(0))
    }

    /// Whether a file system may answer this call with this error.
    pub(crate) fn may_fail_with(&self, errno: i32) -> bool {
        let kind = self.kind();
        if self.tells() || kind == Kind::Other {
            return false;
        }
        match errno {
            libc::EMFILE | libc::ENFILE => kind == Kind::Open,
            libc::ENOSPC | libc::EDQUOT => {
                let takes_room =
                    !matches!(kind, Kind::Lock | Kind::Unlink | Kind::Mode | Kind::Read);
                takes_room && self.mutates()
            }
            libc::EROFS => self.mutates() && !matches!(kind, Kind::Lock | Kind::Write | Kind::Sync),
            libc::EACCES => !matches!(kind, Kind::Lock | Kind::Write | Kind::Sync | Kind::Read),
            // A lock that is not waited for is not interrupted, and the others are not counted.
            libc::EINTR => matches!(kind, Kind::Open | Kind::Write | Kind::Sync | Kind::Resize),
            _ => kind != Kind::Lock,
        }
    }

    /// An argument that the kernel takes as an `int`.
    pub(crate) fn integer(&self, argument: usize) -> i32 {
        let [a, b, c, d, ..] = self.arguments[argument].to_ne_bytes();
        i32::from_ne_bytes([a, b, c, d])
    }

    /// Bytes of the process's memory; fewer when not all of them are there.
    pub(crate) fn memory(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        if let Ok(memory) = fs_err::File::open(format!("/proc/{}/mem", self.pid)) {
            while filled < length {
                let rest = &mut bytes[filled..];
                match memory.file().read_at(rest, address + filled as u64) {
                    Ok(count) if count > 0 => filled += count,
                    _ => break,
                }
            }
        }
        bytes.truncate(filled);
        bytes
    }

    /// Text that ends with a zero byte.
    fn text(&self, address: u64) -> Vec<u8> {
        let mut bytes = self.memory(address, 256);
        if !bytes.contains(&0) {
            bytes = self.memory(address, PATH_MAX);
        }
        let end = bytes.iter().position(|byte| *byte == 0);
        bytes.truncate(end.unwrap_or(bytes.len()));
        bytes
    }

    /// The file that a descriptor argument stands for, as the kernel names it.
    pub(crate) fn descriptor_path(&self, argument: usize) -> Option<PathBuf> {
        file_of(self.pid, self.integer(argument))
    }

    /// The path arguments, absolute.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let places = self.known().map_or(&[][..], |known| known.places);
        places.iter().map(|place| self.path(*place)).collect()
    }

    fn path(&self, (directory, path): Place) -> PathBuf {
        let text = self.text(self.arguments[path]);
        let path = PathBuf::from(std::ffi::OsString::from_vec(text));
        if path.is_absolute() {
            return path;
        }
        let base = match directory {
            Some(argument) if self.integer(argument) != libc::AT_FDCWD => {
                self.descriptor_path(argument)
            }
            _ => std::fs::read_link(format!("/proc/{}/cwd", self.pid)).ok(),
        };
        let base = base.unwrap_or_default();
        // `unlinkat(fd, "")` and its like mean the descriptor itself.
        if path.as_os_str().is_empty() {
            base
        } else {
            base.join(path)
        }
    }

    /// The call in words; expensive, because it reads the other process.
    pub(crate) fn describe(&self, index: usize) -> Call {
        let known = self.known();
        let mut paths = self.paths();
        let descriptor = known.and_then(|known| known.descriptor);
        paths.extend(descriptor.and_then(|argument| self.descriptor_path(argument)));
        Call {
            index,
            process: self.pid.as_raw(),
            name: known.map_or_else(
                || format!("system call {}", self.number),
                |known| known.name.to_owned(),
            ),
            kind: self.kind(),
            mutates: self.mutates(),
            paths,
            length: self.plain_length(),
        }
    }
}

/// One counted system call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Its number among the counted calls, from 1.
    pub index: usize,
    /// The thread that made it.
    pub process: i32,
    /// The call's name.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// Whether it changes something.
    pub mutates: bool,
    /// The paths that it names, and the file behind its descriptor.
    pub paths: Vec<PathBuf>,
    /// How many bytes it was to write, for a plain write.
    pub length: Option<u64>,
}

impl Call {
    /// Whether one of its paths lies beneath this directory.
    #[must_use]
    pub fn is_beneath(&self, directory: &Path) -> bool {
        self.paths.iter().any(|path| path.starts_with(directory))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{} {}(", self.index, self.name)?;
        for (number, path) in self.paths.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(formatter, "{comma}{}", path.display())?;
        }
        match self.length {
            Some(length) => write!(formatter, ", {length} bytes)"),
            None => write!(formatter, ")"),
        }
    }
}

/// What a descriptor of a process stands for, as the kernel names it.
fn file_of(process: Pid, descriptor: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/fd/{descriptor}")).ok()
}
