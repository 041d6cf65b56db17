//! Artifacts that are not where they are due: looked for once more, looked for around their
//! place, and salvaged from what the agent said.
//!
//! Whether a text is an artifact is decided by [`airboss_core::artifact::salvage`]; here it is
//! written: a new file, whole or not at all, never in the place of anything and never through a
//! link. Who comes after a crash finds the file and its header, and weighs it as salvaged. A file
//! at another path is named and stays where it is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use airboss_core::artifact::{self, Due, Kind, is_skeleton, salvage};
use airboss_core::attempt::AttemptEnd;
use airboss_core::path::RepoPath;
use airboss_core::text::sanitize;
use airboss_core::verdict::{
    ArtifactCheck, ArtifactFinding, ChangedFile, FileKind, Salvage, Search, judge_end,
};
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::Errno;

use super::attempt_files::AttemptFiles;
use super::evidence::{Gatherer, Job, LOOK_INTO_BYTES_MAX, StepDue};
use super::watch::Watch;
use crate::clock;
use crate::store::is_remote;

/// How long a late file is waited for: what the formats grant, and longer than a server of files
/// needs to tell of a file that another machine has closed.
const SECOND_LOOK: Duration = Duration::from_secs(1);
/// How often it is looked for meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Names of a directory that are told; a person sees from them what was done instead.
const NAMES_TOLD: usize = 8;
/// Names of a directory that are read; the directories of a task have tens of them.
const NAMES_READ: usize = 10_000;
/// Files elsewhere that are read, and that are told.
const ELSEWHERE_READ: usize = 64;
const ELSEWHERE_TOLD: usize = 3;

/// What became of an artifact that was not there, by its path.
pub(super) type Missing = BTreeMap<RepoPath, Missed>;

/// What became of an artifact that was not there at the first look.
#[derive(Debug)]
pub(super) enum Missed {
    /// It was at the second.
    Late,
    /// Airboss wrote it; the file says so.
    Salvaged,
    /// It is still missing.
    Missing(Box<Search>),
}

impl Missed {
    /// Whether a file is there by now.
    pub(super) fn is_there(&self) -> bool {
        matches!(self, Self::Late | Self::Salvaged)
    }

    /// A finding with what is known besides.
    pub(super) fn told(&self, check: ArtifactCheck) -> ArtifactCheck {
        let nothing = [ArtifactFinding::Missing, ArtifactFinding::Empty].contains(&check.finding);
        match self {
            Self::Late => ArtifactCheck {
                late: true,
                ..check
            },
            Self::Missing(search) if nothing => ArtifactCheck {
                search: Some(search.clone()),
                ..check
            },
            Self::Salvaged | Self::Missing(_) => check,
        }
    }
}

impl Gatherer {
    /// What is due of an attempt and not there: the first look.
    pub(super) fn missing<'job>(&self, job: &'job Job) -> Vec<(&'job StepDue, &'job Due)> {
        all_due(job)
            .filter(|(_, due)| !is_there(&self.top, &due.path))
            .collect()
    }

    /// Looks for what is missing of an attempt whose agent ended well; `own` are the changes that
    /// count for a step.
    pub(super) fn look_for_missing(
        &self,
        job: &Job,
        directory: &Path,
        missing: &[(&StepDue, &Due)],
        own: &dyn Fn(&StepDue) -> Vec<ChangedFile>,
    ) -> Missing {
        let (Some(end), Some(report)) = (&job.attempt.end, &job.attempt.report) else {
            return Missing::new();
        };
        if missing.is_empty() || judge_end(end, report).is_some() {
            return Missing::new();
        }
        let heard = heard(directory, &self.top);
        let begin = Instant::now();
        let may_come = |due: &Due| self.may_come(job, due, heard.as_ref());
        if missing.iter().any(|(_, due)| may_come(due)) {
            await_files(&self.top, missing.iter().map(|(_, due)| &due.path));
        }
        let waited = begin.elapsed();
        let outcome = |(step, due): &(&StepDue, &Due)| {
            let mut others = own(step);
            others.retain(|change| all_due(job).all(|(_, due)| due.path != change.path));
            let missed = match is_there(&self.top, &due.path) {
                true => Missed::Late,
                false => self.salvage(job, due, heard.as_ref(), &others, waited),
            };
            (due.path.clone(), missed)
        };
        missing.iter().map(outcome).collect()
    }

    /// Whether a file may come late, or somebody says that it was written.
    ///
    /// On a disk of this machine a file is there when its writer is gone, so one look is enough;
    /// but a word about the file is worth a second one.
    fn may_come(&self, job: &Job, due: &Due, heard: Option<&Watch>) -> bool {
        let path = due.path.as_str();
        let survives = matches!(&job.attempt.end,
            Some(AttemptEnd::Seen { outcome }) if outcome.survivors > 0);
        let claimed = job.attempt.report.as_ref().is_some_and(|report| {
            report.claimed_paths.iter().any(|claimed| claimed == path)
                || report.last_text.contains(path)
        });
        let told = heard.and_then(|watch| watch.answer().whole());
        survives
            || claimed
            || told.is_some_and(|told| told.contains(path))
            || is_remote(&self.top.join(path))
    }

    /// Takes the artifact from the answer, or tells what there is instead.
    fn salvage(
        &self,
        job: &Job,
        due: &Due,
        heard: Option<&Watch>,
        others: &[ChangedFile],
        waited: Duration,
    ) -> Missed {
        let mut search = Search {
            elsewhere: self.elsewhere(due, others),
            waited_ms: match waited >= SECOND_LOOK {
                true => u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
                false => 0,
            },
            last_tool: heard.and_then(Watch::last_tool),
            ..Search::default()
        };
        let changed: Vec<RepoPath> = others
            .iter()
            .filter(|change| change.after.is_some())
            .map(|change| change.path.clone())
            .collect();
        let answer = heard.map(|watch| watch.answer().whole());
        search.answer = match answer {
            // Nobody expects that of any text.
            _ if due.kind == Kind::Any => String::new(),
            None => "was not recorded".to_owned(),
            Some(None) => "is not kept whole".to_owned(),
            Some(Some(answer)) => match salvage::take(due, answer, &changed) {
                Ok(content) => match self.write(job, due, &content) {
                    Ok(true) => return Missed::Salvaged,
                    // It came in this moment, and is somebody's work.
                    Ok(false) if is_there(&self.top, &due.path) => return Missed::Late,
                    Ok(false) => "would be it, but an empty file is in its place".to_owned(),
                    Err(error) => format!("would be it, but could not be written: {error}"),
                },
                Err(refusal) => refusal.to_string(),
            },
        };
        (search.beside, search.more) = beside(&self.top, &due.path);
        Missed::Missing(Box::new(search))
    }

    fn write(&self, job: &Job, due: &Due, content: &str) -> io::Result<bool> {
        let salvage = Salvage {
            attempt: job.attempt.id,
            at: clock::now(),
        };
        let text = salvage::render(&due.path, &salvage, content);
        let draft = format!(".airboss-salvage-{}", job.attempt.id);
        write_new(&self.top, &due.path, text.as_bytes(), &draft)
    }

    /// What the attempt made elsewhere that would be the artifact, were it at its path.
    fn elsewhere(&self, due: &Due, others: &[ChangedFile]) -> Vec<RepoPath> {
        let is_regular = |change: &&ChangedFile| {
            let after = change.after.as_ref();
            after.is_some_and(|after| after.kind != FileKind::Symlink)
        };
        let others = others.iter().filter(is_regular).take(ELSEWHERE_READ);
        others
            .map(|change| &change.path)
            .filter(|path| self.could_be(due, path))
            .take(ELSEWHERE_TOLD)
            .cloned()
            .collect()
    }

    fn could_be(&self, due: &Due, path: &RepoPath) -> bool {
        let full = self.top.join(path);
        let small = |facts: std::fs::Metadata| facts.len() <= LOOK_INTO_BYTES_MAX;
        if !fs_err::metadata(&full).is_ok_and(small) {
            return false;
        }
        let Ok(text) = fs_err::read_to_string(&full) else {
            return false;
        };
        if is_skeleton(text.as_bytes()) {
            return false;
        }
        match due.kind {
            Kind::Any => path.file_name() == due.path.file_name(),
            kind => path.as_str().ends_with(".md") && artifact::lacks(kind, &text, &[]).is_empty(),
        }
    }
}

/// Everything that is due of an attempt, with the step that has to make it.
fn all_due(job: &Job) -> impl Iterator<Item = (&StepDue, &Due)> {
    let steps = job.steps.iter();
    steps.flat_map(|step| step.artifacts.iter().map(move |due| (step, due)))
}

/// The attempt's recording, read whole.
fn heard(directory: &Path, top: &Path) -> Option<Watch> {
    let files = AttemptFiles::read(directory)?;
    let mut watch = Watch::new(directory, top, files.format, None);
    watch.catch_up();
    Some(watch)
}

/// Whether something is at the path, be it what it may. A file without content is nothing yet.
fn is_there(top: &Path, path: &RepoPath) -> bool {
    let facts = fs_err::symlink_metadata(top.join(path));
    facts.is_ok_and(|facts| !facts.is_file() || facts.len() > 0)
}

/// The second look: until all of them are there, and not longer than it may last.
fn await_files<'p>(top: &Path, missing: impl Iterator<Item = &'p RepoPath> + Clone) {
    let begin = Instant::now();
    while begin.elapsed() < SECOND_LOOK {
        if missing.clone().all(|path| is_there(top, path)) {
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The first names in the directory of a path, and how many there are besides.
fn beside(top: &Path, path: &RepoPath) -> (Option<Vec<String>>, usize) {
    let Ok(entries) = open_directory(top, path, false).and_then(|it| Dir::read_from(&it)) else {
        return (None, 0);
    };
    let names = entries.flatten().take(NAMES_READ).map(|entry| {
        let name = entry.file_name().to_string_lossy();
        sanitize(&name)
    });
    let mut names: Vec<String> = names
        .filter(|name| ![".", ".."].contains(&name.as_str()))
        .collect();
    names.sort();
    let more = names.len().saturating_sub(NAMES_TOLD);
    names.truncate(NAMES_TOLD);
    (Some(names), more)
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The directory of a path, each part opened without following a link; missing parts are made
/// when `create` says so.
fn open_directory(top: &Path, path: &RepoPath, create: bool) -> rustix::io::Result<OwnedFd> {
    // The top itself may be reached by a link: it is the person's.
    let mut directory = rustix::fs::openat(
        CWD,
        top,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut parts: Vec<&str> = path.as_str().split('/').collect();
    parts.pop();
    for part in parts {
        if create {
            match rustix::fs::mkdirat(&directory, part, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        directory = rustix::fs::openat(&directory, part, DIRECTORY, Mode::empty())?;
    }
    Ok(directory)
}

/// Writes a new file, whole or not at all; `false` when something is there already.
fn write_new(top: &Path, path: &RepoPath, bytes: &[u8], draft: &str) -> io::Result<bool> {
    let directory = open_directory(top, path, true)?;
    let name = path.file_name();
    let linked = match unnamed(&directory) {
        Ok(file) => link_unnamed(file, &directory, name, bytes)?,
        // Not every file system knows files without a name.
        Err(_) => link_draft(draft, &directory, name, bytes)?,
    };
    match linked {
        Ok(()) => {
            rustix::fs::fsync(&directory)?;
            Ok(true)
        }
        Err(Errno::EXIST) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// What any program that writes a file asks for; the umask takes from it.
const FILE_MODE: Mode = Mode::from_raw_mode(0o666);

/// A file that has no name until it is whole, and is gone with its process until then.
fn unnamed(directory: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::TMPFILE;
    rustix::fs::openat(directory, ".", flags, FILE_MODE)
}

fn link_unnamed(
    file: OwnedFd,
    directory: &OwnedFd,
    name: &str,
    bytes: &[u8],
) -> io::Result<rustix::io::Result<()>> {
    let file = filled(file, bytes)?;
    let own = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    let how = AtFlags::SYMLINK_FOLLOW;
    Ok(rustix::fs::linkat(CWD, &own, directory, name, how))
}

/// The same with a name of its own meanwhile; what a crash left under it is removed by the next
/// call.
fn link_draft(
    draft: &str,
    directory: &OwnedFd,
    name: &str,
    bytes: &[u8],
) -> io::Result<rustix::io::Result<()>> {
    let remove = || rustix::fs::unlinkat(directory, draft, AtFlags::empty()).ok();
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL;
    remove();
    let file = rustix::fs::openat(directory, draft, flags, FILE_MODE)?;
    let filled = filled(file, bytes);
    let linked = filled.map(|_| {
        let how = AtFlags::empty();
        rustix::fs::linkat(directory, draft, directory, name, how)
    });
    remove();
    linked
}

fn filled(file: OwnedFd, bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(file);
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
