//! What a program does to a directory tree, call by call, as it does it.
//!
//! Nodes are files, directories and symbolic links by identity, not by name: a rename changes
//! names and no data, and which of both a power cut keeps are two questions.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;
use nix::libc;

use crate::call::{Entered, Kind};

/// A file, a directory or a link, by its place in [`Recorder::nodes`].
pub(crate) type Node = usize;

/// An entry of a directory, and what it is afterwards.
pub(crate) type Naming = (Node, OsString, Option<Node>);

/// What a node was when it was first seen.
#[derive(Clone, Debug)]
pub(crate) struct Birth {
    pub(crate) form: Form,
    pub(crate) mode: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Form {
    Directory,
    File(Arc<Vec<u8>>),
    Link(PathBuf),
}

/// One change, in the order of the calls.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Write {
        file: Node,
        offset: usize,
        data: Vec<u8>,
    },
    Resize {
        file: Node,
        length: usize,
    },
    /// Entries that change together or not at all.
    Names(Vec<Naming>),
    /// What was done to this node is durable.
    Sync(Node),
    SyncAll,
    /// The program told its caller something.
    Told,
}

/// Collects the changes beneath one directory.
#[derive(Debug)]
pub(crate) struct Recorder {
    root: PathBuf,
    /// The nodes by device and inode, as they are now.
    known: HashMap<(u64, u64), Node>,
    pub(crate) nodes: Vec<Birth>,
    pub(crate) names: BTreeMap<Node, BTreeMap<OsString, Node>>,
    pub(crate) changes: Vec<Change>,
}

/// A call that was entered; it counts when it succeeds.
pub(crate) enum Begun {
    Open { path: PathBuf, empties: bool },
    Make(PathBuf),
    Whole { file: Node, path: PathBuf },
    Done(Change),
}

impl Recorder {
    /// Reads the tree as it is: all of it counts as durable.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let mut recorder = Self {
            root: fs::canonicalize(root)?,
            known: HashMap::new(),
            nodes: Vec::new(),
            names: BTreeMap::new(),
            changes: Vec::new(),
        };
        let root = recorder.root.clone();
        recorder.read(&root)?;
        Ok(recorder)
    }

    fn read(&mut self, path: &Path) -> io::Result<Node> {
        let metadata = fs::symlink_metadata(path)?;
        let node = self.born(path, &metadata)?;
        if metadata.is_dir() {
            let mut entries = BTreeMap::new();
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                entries.insert(entry.file_name(), self.read(&entry.path())?);
            }
            self.names.insert(node, entries);
        }
        Ok(node)
    }

    /// A node that is new, perhaps in the place of one that is gone.
    fn born(&mut self, path: &Path, metadata: &Metadata) -> io::Result<Node> {
        let form = if metadata.is_dir() {
            Form::Directory
        } else if metadata.is_symlink() {
            Form::Link(fs::read_link(path)?)
        } else {
            Form::File(Arc::new(fs::read(path)?))
        };
        let node = self.nodes.len();
        let mode = metadata.mode();
        self.nodes.push(Birth { form, mode });
        self.known.insert((metadata.dev(), metadata.ino()), node);
        Ok(node)
    }

    fn node(&self, path: &Path) -> Option<Node> {
        let metadata = std::fs::symlink_metadata(path).ok()?;
        self.known.get(&(metadata.dev(), metadata.ino())).copied()
    }

    /// The node that a descriptor stands for, if it lies beneath the root.
    fn descriptor(&self, call: &Entered, argument: usize) -> Option<(Node, PathBuf)> {
        let path = format!("/proc/{}/fd/{}", call.pid, call.integer(argument));
        let metadata = std::fs::metadata(&path).ok()?;
        let node = self.known.get(&(metadata.dev(), metadata.ino()))?;
        Some((*node, path.into()))
    }

    /// The directory and the name of a path, if it lies beneath the root.
    fn place(&self, path: &Path) -> Option<(Node, OsString)> {
        let parent = std::fs::canonicalize(path.parent()?).ok()?;
        let inside = parent.starts_with(&self.root);
        let node = inside.then(|| self.node(&parent)).flatten()?;
        Some((node, path.file_name()?.to_owned()))
    }

    /// Looks at a call before it is carried out.
    pub(crate) fn before(&self, call: &Entered) -> Option<Begun> {
        let paths = || call.paths();
        match call.kind() {
            Kind::Open => {
                let flags = call.open_flags();
                let path = paths().pop()?;
                self.place(&path)?;
                let is_there = path.symlink_metadata().is_ok();
                let empties = is_there && flags & libc::O_TRUNC != 0;
                let creates = !is_there && flags & libc::O_CREAT != 0;
                (empties || creates).then_some(Begun::Open { path, empties })
            }
            Kind::Write => self.write(call),
            Kind::Copy => {
                let argument = call.known()?.descriptor?;
                let (file, path) = self.descriptor(call, argument)?;
                Some(Begun::Whole { file, path })
            }
            Kind::Resize => self.resize(call),
            Kind::Sync => match call.number {
                libc::SYS_fsync | libc::SYS_fdatasync => {
                    let (node, _) = self.descriptor(call, 0)?;
                    Some(Begun::Done(Change::Sync(node)))
                }
                libc::SYS_sync | libc::SYS_syncfs => Some(Begun::Done(Change::SyncAll)),
                _ => None,
            },
            Kind::Rename => self.rename(call),
            Kind::Link if paths().len() == 2 => {
                let [from, to] = paths().try_into().ok()?;
                let (directory, name) = self.place(&to)?;
                let naming = (directory, name, Some(self.node(&from)?));
                Some(Begun::Done(Change::Names(vec![naming])))
            }
            Kind::Link | Kind::MakeDirectory => {
                let path = paths().pop()?;
                self.place(&path)?;
                Some(Begun::Make(path))
            }
            Kind::Unlink => {
                let (directory, name) = self.place(&paths().pop()?)?;
                Some(Begun::Done(Change::Names(vec![(directory, name, None)])))
            }
            // Modes are taken as durable at once: nothing that is judged depends on them.
            Kind::Mode | Kind::Lock | Kind::Read | Kind::Other => None,
        }
    }

    fn write(&self, call: &Entered) -> Option<Begun> {
        let Some((file, path)) = self.descriptor(call, 0) else {
            return call.answers().then_some(Begun::Done(Change::Told));
        };
        let positioned = call.number == libc::SYS_pwrite64;
        if call.plain_length().is_none() {
            // Vectored writes are rare; what the file is afterwards says as much.
            return Some(Begun::Whole { file, path });
        }
        let length = usize::try_from(call.arguments[2]).ok()?;
        let offset = if positioned {
            usize::try_from(call.arguments[3]).ok()?
        } else {
            position(call, &path)?
        };
        let data = call.memory(call.arguments[1], length);
        Some(Begun::Done(Change::Write { file, offset, data }))
    }

    fn resize(&self, call: &Entered) -> Option<Begun> {
        if call.number == libc::SYS_truncate {
            let path = call.paths().pop()?;
            let file = self.node(&path)?;
            return Some(Begun::Whole { file, path });
        }
        let (file, path) = self.descriptor(call, 0)?;
        if call.number != libc::SYS_ftruncate {
            return Some(Begun::Whole { file, path });
        }
        let length = usize::try_from(call.arguments[1]).ok()?;
        Some(Begun::Done(Change::Resize { file, length }))
    }

    fn rename(&self, call: &Entered) -> Option<Begun> {
        let [from, to] = call.paths().try_into().ok()?;
        let exchanges = call.number == libc::SYS_renameat2
            && call.arguments[4] & u64::from(libc::RENAME_EXCHANGE) != 0;
        let moved = self.node(&from);
        let displaced = exchanges.then(|| self.node(&to)).flatten();
        let mut names = Vec::new();
        for (path, node) in [(from, displaced), (to, moved)] {
            if let Some((directory, name)) = self.place(&path) {
                names.push((directory, name, node));
            }
        }
        Some(Begun::Done(Change::Names(names)))
    }

    /// Takes down a call that succeeded with this result.
    pub(crate) fn after(&mut self, begun: Begun, result: usize) -> io::Result<()> {
        let change = match begun {
            Begun::Open {
                path,
                empties: true,
            } => self
                .node(&path)
                .map(|file| Change::Resize { file, length: 0 }),
            Begun::Open { path, .. } | Begun::Make(path) => self.made(&path)?,
            Begun::Whole { file, path } => {
                let data = fs::read(path)?;
                let length = data.len();
                self.changes.push(Change::Write {
                    file,
                    offset: 0,
                    data,
                });
                Some(Change::Resize { file, length })
            }
            Begun::Done(Change::Write {
                file,
                offset,
                mut data,
            }) => {
                data.truncate(result);
                Some(Change::Write { file, offset, data })
            }
            Begun::Done(change) => Some(change),
        };
        self.changes.extend(change);
        Ok(())
    }

    fn made(&mut self, path: &Path) -> io::Result<Option<Change>> {
        let Some((directory, name)) = self.place(path) else {
            return Ok(None);
        };
        let metadata = fs::symlink_metadata(path)?;
        let linked = metadata.is_file() && metadata.nlink() > 1;
        let known = linked.then(|| self.node(path)).flatten();
        let node = known.map_or_else(|| self.born(path, &metadata), Ok)?;
        if matches!(self.nodes[node].form, Form::Directory) {
            self.names.insert(node, BTreeMap::new());
        }
        Ok(Some(Change::Names(vec![(directory, name, Some(node))])))
    }
}

/// Where a write without an offset goes.
fn position(call: &Entered, path: &Path) -> Option<usize> {
    let descriptor = path.file_name()?.to_str()?;
    let facts = std::fs::read_to_string(format!("/proc/{}/fdinfo/{descriptor}", call.pid)).ok()?;
    let field = |name: &str| facts.lines().find_map(|line| line.strip_prefix(name));
    let flags = i32::from_str_radix(field("flags:")?.trim(), 8).ok()?;
    if flags & libc::O_APPEND != 0 {
        return usize::try_from(std::fs::metadata(path).ok()?.len()).ok();
    }
    field("pos:")?.trim().parse().ok()
}
