//! The disks that a power cut could leave.
//!
//! What is assumed (and what a file system may do beyond it is not tried): data that was not
//! synced may be lost, kept, or be any mix of old and new sectors; an entry of a directory that
//! was not synced may be lost or kept, whatever became of the data behind it; entries that one
//! call changes are kept together; a rename between two directories is durable when one of them
//! was synced, as in file systems with one journal. The old tree is durable.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use fs_err as fs;

use crate::record::{Birth, Change, Form, Naming, Node, Recorder};

/// The smallest unit that a disk writes whole.
const SECTOR: usize = 512;

/// The changes that one run made beneath one directory.
#[derive(Debug)]
pub struct Recording {
    recorder: Recorder,
}

/// One disk that a power cut could leave.
#[derive(Clone, Debug)]
pub struct Image {
    /// After how many changes the power went.
    pub cut: usize,
    /// Whether the program had told its caller something before.
    pub told: bool,
    /// What was kept and what was lost, in words.
    pub words: String,
    went: SystemTime,
    files: Vec<(PathBuf, Node, Birth)>,
}

/// What becomes of data that was not synced, or of names.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Lost,
    Kept,
    Prefix,
    Mixed,
}

/// A disk while the changes are replayed: what is durable, and what is under way.
struct Disk<'recorder> {
    recorder: &'recorder Recorder,
    names: BTreeMap<Node, BTreeMap<OsString, Node>>,
    contents: HashMap<Node, Arc<Vec<u8>>>,
    names_under_way: Vec<&'recorder [Naming]>,
    data_under_way: BTreeMap<Node, Vec<&'recorder Change>>,
    told: bool,
}

impl Recording {
    pub(crate) fn new(recorder: Recorder) -> Self {
        Self { recorder }
    }

    /// How many changes there were, and so places for a cut.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.recorder.changes.len()
    }

    /// Disks that differ, for every cut: everything lost, everything kept, names without data,
    /// data without names, and `mixes` others that the seed decides. Files that `without` names
    /// by their end are left out.
    #[must_use]
    pub fn images(&self, seed: u64, mixes: usize, without: &[&str]) -> Vec<Image> {
        let mut images = Vec::new();
        let went = SystemTime::now();
        let mut seen = HashSet::new();
        let mut disk = Disk::new(&self.recorder);
        for cut in 0..=self.changes() {
            if let Some(last) = cut.checked_sub(1) {
                disk.apply(&self.recorder.changes[last]);
            }
            let mut chance = Chance(seed ^ (cut as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let mut fates = vec![
                (Fate::Lost, Fate::Lost),
                (Fate::Kept, Fate::Kept),
                (Fate::Kept, Fate::Lost),
                (Fate::Lost, Fate::Kept),
            ];
            fates.extend((0..mixes).map(|number| match number % 3 {
                0 => (Fate::Mixed, Fate::Mixed),
                1 => (Fate::Prefix, Fate::Mixed),
                _ => (Fate::Prefix, Fate::Kept),
            }));
            for (names, data) in fates {
                let files = disk.left(names, data, without, &mut chance);
                if seen.insert((disk.told, disk.digest(&files))) {
                    images.push(Image {
                        cut,
                        told: disk.told,
                        words: format!("names {names:?}, data {data:?}").to_lowercase(),
                        went,
                        files,
                    });
                }
            }
        }
        images
    }

    /// The last change before a cut, in words.
    #[must_use]
    pub fn describe(&self, cut: usize) -> String {
        let Some(change) = cut
            .checked_sub(1)
            .and_then(|last| self.recorder.changes.get(last))
        else {
            return "before any change".to_owned();
        };
        match change {
            Change::Write { file, offset, data } => {
                format!("after {} bytes at {offset} of node {file}", data.len())
            }
            other => format!("after {other:?}"),
        }
    }
}

impl Image {
    /// Makes this disk in a directory, which must not exist. Names of one file stay that, and files
    /// are as old as the power cut: a program may wait for one that is younger.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn materialise(&self, root: &Path) -> io::Result<()> {
        fs::create_dir_all(root)?;
        let mut made: HashMap<Node, PathBuf> = HashMap::new();
        for (path, node, birth) in &self.files {
            let path = root.join(path);
            if let Some(known) = made.get(node) {
                fs::hard_link(known, &path)?;
                continue;
            }
            let mode = std::fs::Permissions::from_mode(birth.mode & 0o7777);
            match &birth.form {
                Form::Directory => {
                    fs::create_dir_all(&path)?;
                    fs::set_permissions(&path, mode)?;
                }
                Form::File(content) => {
                    fs::write(&path, content.as_slice())?;
                    fs::File::open(&path)?.file().set_modified(self.went)?;
                    fs::set_permissions(&path, mode)?;
                    made.insert(*node, path);
                }
                Form::Link(target) => std::os::unix::fs::symlink(target, &path)?,
            }
        }
        Ok(())
    }

    /// The content of a file.
    #[must_use]
    pub fn file(&self, path: &Path) -> Option<&[u8]> {
        let (.., birth) = self.files.iter().find(|(known, ..)| known == path)?;
        match &birth.form {
            Form::File(content) => Some(content),
            Form::Directory | Form::Link(_) => None,
        }
    }
}

impl<'recorder> Disk<'recorder> {
    fn new(recorder: &'recorder Recorder) -> Self {
        Self {
            recorder,
            names: recorder.names.clone(),
            contents: HashMap::new(),
            names_under_way: Vec::new(),
            data_under_way: BTreeMap::new(),
            told: false,
        }
    }

    fn apply(&mut self, change: &'recorder Change) {
        match change {
            Change::Write { file, .. } | Change::Resize { file, .. } => {
                self.data_under_way.entry(*file).or_default().push(change);
            }
            Change::Names(names) => self.names_under_way.push(names),
            Change::Sync(node) => {
                self.sync_data(*node);
                self.sync_names(*node);
            }
            Change::SyncAll => {
                for node in 0..self.recorder.nodes.len() {
                    self.sync_data(node);
                    self.sync_names(node);
                }
            }
            Change::Told => self.told = true,
        }
    }

    fn content(&self, node: Node) -> Arc<Vec<u8>> {
        let durable = self.contents.get(&node).cloned();
        durable.unwrap_or_else(|| match &self.recorder.nodes[node].form {
            Form::File(content) => Arc::clone(content),
            Form::Directory | Form::Link(_) => Arc::default(),
        })
    }

    fn sync_data(&mut self, node: Node) {
        let Some(changes) = self.data_under_way.remove(&node) else {
            return;
        };
        let mut content = Arc::unwrap_or_clone(self.content(node));
        for change in changes {
            write(&mut content, change, |_| true);
        }
        self.contents.insert(node, Arc::new(content));
    }

    /// Makes every entry durable that was changed in this directory, and what the same entries
    /// were before.
    fn sync_names(&mut self, directory: Node) {
        let mut entries: HashSet<(Node, &OsString)> = HashSet::new();
        let mut later = Vec::new();
        let mut durable = Vec::new();
        for names in self.names_under_way.drain(..).rev() {
            let touches = names
                .iter()
                .any(|(place, name, _)| *place == directory || entries.contains(&(*place, name)));
            if touches {
                entries.extend(names.iter().map(|(place, name, _)| (*place, name)));
                durable.push(names);
            } else {
                later.push(names);
            }
        }
        for names in durable.into_iter().rev() {
            rename(&mut self.names, names);
        }
        later.reverse();
        self.names_under_way = later;
    }

    /// The tree that is left.
    fn left(
        &self,
        names_fate: Fate,
        data_fate: Fate,
        without: &[&str],
        chance: &mut Chance,
    ) -> Vec<(PathBuf, Node, Birth)> {
        let mut names = self.names.clone();
        let prefix = chance.below(self.names_under_way.len() + 1);
        for (place, change) in self.names_under_way.iter().enumerate() {
            let kept = match names_fate {
                Fate::Lost => false,
                Fate::Kept => true,
                Fate::Prefix => place < prefix,
                Fate::Mixed => chance.toss(),
            };
            if kept {
                rename(&mut names, change);
            }
        }
        let mut contents = HashMap::new();
        for (node, changes) in &self.data_under_way {
            let mut content = Arc::unwrap_or_clone(self.content(*node));
            let prefix = chance.below(changes.len() + 1);
            for (place, change) in changes.iter().enumerate() {
                write(&mut content, change, |_| match data_fate {
                    Fate::Lost => false,
                    Fate::Kept => true,
                    Fate::Prefix => place < prefix,
                    Fate::Mixed => chance.toss(),
                });
            }
            contents.insert(*node, Arc::new(content));
        }
        let mut files = Vec::new();
        self.collect(0, Path::new(""), &names, &contents, &mut files);
        files.retain(|(path, ..)| {
            let path = path.to_string_lossy();
            !without.iter().any(|end| path.ends_with(end))
        });
        files
    }

    fn collect(
        &self,
        directory: Node,
        path: &Path,
        names: &BTreeMap<Node, BTreeMap<OsString, Node>>,
        contents: &HashMap<Node, Arc<Vec<u8>>>,
        files: &mut Vec<(PathBuf, Node, Birth)>,
    ) {
        for (name, node) in names.get(&directory).into_iter().flatten() {
            let path = path.join(name);
            let mut birth = self.recorder.nodes[*node].clone();
            if let Form::File(content) = &mut birth.form {
                *content = contents
                    .get(node)
                    .map_or_else(|| self.content(*node), Arc::clone);
            }
            let is_directory = matches!(birth.form, Form::Directory);
            files.push((path.clone(), *node, birth));
            if is_directory {
                self.collect(*node, &path, names, contents, files);
            }
        }
    }
    /// What tells trees apart. Content that was there when the run began is told by its node: a
    /// repository has many files, and a run changes few.
    fn digest(&self, files: &[(PathBuf, Node, Birth)]) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (path, node, birth) in files {
            path.hash(&mut hasher);
            match (&birth.form, &self.recorder.nodes[*node].form) {
                (Form::File(content), Form::File(old)) if Arc::ptr_eq(content, old) => {
                    node.hash(&mut hasher);
                }
                (Form::File(content), _) => content.hash(&mut hasher),
                (Form::Link(target), _) => target.hash(&mut hasher),
                (Form::Directory, _) => {}
            }
        }
        hasher.finish()
    }
}

fn rename(names: &mut BTreeMap<Node, BTreeMap<OsString, Node>>, changes: &[Naming]) {
    for (directory, name, node) in changes {
        let entries = names.entry(*directory).or_default();
        match node {
            Some(node) => entries.insert(name.clone(), *node),
            None => entries.remove(name),
        };
    }
}

/// Carries out what is kept of a change: sector by sector, a new length at once.
fn write(content: &mut Vec<u8>, change: &Change, mut is_kept: impl FnMut(usize) -> bool) {
    match change {
        Change::Write { offset, data, .. } => {
            let mut begin = *offset;
            let end = offset + data.len();
            while begin < end {
                let sector = begin / SECTOR;
                let stop = end.min((sector + 1) * SECTOR);
                if is_kept(sector) {
                    if content.len() < stop {
                        content.resize(stop, 0);
                    }
                    content[begin..stop].copy_from_slice(&data[begin - offset..stop - offset]);
                }
                begin = stop;
            }
        }
        Change::Resize { length, .. } if is_kept(0) => content.resize(*length, 0),
        _ => {}
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a few lines, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    fn toss(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

#[cfg(test)]
mod tests;
