//! Evidence: what an ended attempt really left, gathered by Airboss itself.
//!
//! It looks at the tree before and after, tells the attempt's own changes from
//! everybody else's, looks at the artifacts that were due, and runs the gates.
//! It weighs nothing; that is [`airboss_core::verdict::judge`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use airboss_core::artifact::{self, Due as ArtifactDue, is_skeleton};
use airboss_core::attempt::{Attempt, StreamReport};
use airboss_core::attribution::{Attribution, ByHand, Footprint, Foreign, Unattributed, attribute};
use airboss_core::id::{AttemptId, StepId};
use airboss_core::path::RepoPath;
use airboss_core::prompt::claims_done;
use airboss_core::verdict::{
    ArtifactCheck, ArtifactFinding, ChangedFile, Evidence, FileKind, FileVersion, UnownedFile,
    judge_end,
};

use super::attempt_files::{AttemptFiles, directory};
use super::gates::{Due, Gate, GateRun, end_leftover_gates};
use super::salvage::{Missed, Missing};
use super::tree::{Tree, TreeError};
use super::watch::Watch;
use crate::git::{self, Entry, FileMode, Origin, Repository};

/// A file up to this size is looked into; no report or plan that was seen has a tenth of it.
pub(super) const LOOK_INTO_BYTES_MAX: u64 = 1024 * 1024;

/// What is the same for every attempt of a run.
#[derive(Clone, Debug)]
pub struct Gatherer {
    /// This program.
    pub airboss: PathBuf,
    /// Where attempts have their directories.
    pub state: PathBuf,
    /// The top of the work tree.
    pub top: PathBuf,
    /// The repository, if there is one.
    pub repository: Option<Repository>,
    /// Every gate of the flight.
    pub gates: Vec<Gate>,
    /// Airboss's own files, which are nobody's work.
    pub excluded: Vec<RepoPath>,
    /// The environment of gates.
    pub environment: Vec<(String, String)>,
}

/// What one step of the attempt was due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepDue {
    /// The step.
    pub id: StepId,
    /// Files that it has to produce.
    pub artifacts: Vec<ArtifactDue>,
    /// Where its findings go.
    pub findings: RepoPath,
    /// What the plan says it touches, both of these included.
    pub declared: Vec<RepoPath>,
    /// What earlier attempts at it left.
    pub leftover: Vec<ChangedFile>,
}

/// One attempt to gather for.
#[derive(Clone, Debug)]
pub struct Job {
    /// The attempt, ended.
    pub attempt: Attempt,
    /// Its steps.
    pub steps: Vec<StepDue>,
    /// Their phase.
    pub phase: String,
    /// Nothing else of the phase is open.
    pub phase_ends: bool,
    /// Nothing else of the plan is open.
    pub plan_ends: bool,
    /// Attempts of any run that were open in this tree while it ran.
    pub others: Vec<AttemptId>,
}

/// The attempt's own changes and those that are not counted.
#[derive(Clone, Debug, Default)]
struct Changes {
    own: Vec<ChangedFile>,
    unowned: Vec<UnownedFile>,
    after: Option<Tree>,
}

impl Gatherer {
    /// The evidence for each step of the attempt.
    #[must_use]
    pub fn gather(&self, job: &Job) -> Vec<(StepId, Evidence)> {
        let directory = directory(&self.state, job.attempt.id);
        end_leftover_gates(&directory);
        // Before the tree is looked at: what comes meanwhile may not be in it.
        let missing = self.missing(job);
        let looked = self.changes(job, &directory).and_then(|changes| {
            let own = |step: &StepDue| own_of(step, job, &changes);
            let missing = self.look_for_missing(job, &directory, &missing, &own);
            // What is there by now is weighed like everything else.
            let changes = match missing.values().any(Missed::is_there) {
                true => self.changes(job, &directory)?,
                false => changes,
            };
            Ok((changes, missing))
        });
        let (changes, missing) = match looked {
            Ok(looked) => looked,
            Err(error) => return trouble(job, &error.to_string()),
        };
        let evidence = |step| self.step_evidence(job, step, &changes, &missing);
        let steps = job.steps.iter();
        let mut evidence: Vec<(StepId, Evidence)> = steps
            .map(|step| (step.id.clone(), evidence(step)))
            .collect();
        if let Err(error) = self.run_gates(job, &directory, &changes, &mut evidence) {
            return trouble(job, &error.to_string());
        }
        evidence
    }

    fn step_evidence(
        &self,
        job: &Job,
        step: &StepDue,
        changes: &Changes,
        missing: &Missing,
    ) -> Evidence {
        let own = own_of(step, job, changes);
        let changed = |path: &RepoPath| {
            own.iter()
                .any(|change| change.path == *path && change.after.is_some())
        };
        let report = job.attempt.report.as_ref();
        let batch = job.steps.len() > 1;
        let paths: Vec<RepoPath> = own.iter().map(|change| change.path.clone()).collect();
        Evidence {
            artifacts: step
                .artifacts
                .iter()
                .map(|due| {
                    let check = self.artifact(due, changed(&due.path), &paths);
                    match missing.get(&due.path) {
                        Some(missed) => missed.told(check),
                        None => check,
                    }
                })
                .collect(),
            findings_written: changed(&step.findings),
            batch_claim: batch
                .then(|| report.is_some_and(|report| claims_done(&report.last_text, &step.id))),
            unowned: changes.unowned.clone(),
            changes: own,
            ..Evidence::default()
        }
    }

    /// Gates run only when nothing else is missing: their time is the project's.
    fn run_gates(
        &self,
        job: &Job,
        directory: &Path,
        changes: &Changes,
        evidence: &mut [(StepId, Evidence)],
    ) -> Result<(), crate::supervise::SuperviseError> {
        let (Some(end), Some(report)) = (&job.attempt.end, &job.attempt.report) else {
            return Ok(());
        };
        let worth_it = judge_end(end, report).is_none()
            && evidence.iter().any(|(_, evidence)| evidence.shows_work());
        if !worth_it {
            return Ok(());
        }
        let ids: Vec<StepId> = job.steps.iter().map(|step| step.id.clone()).collect();
        let due = Due {
            steps: &ids,
            phase: &job.phase,
            phase_ends: job.phase_ends,
            plan_ends: job.plan_ends,
        };
        let tree = changes
            .after
            .as_ref()
            .map(Tree::fingerprint)
            .unwrap_or_default();
        let run = GateRun {
            airboss: &self.airboss,
            directory,
            attempt: job.attempt.id,
            fence: job.attempt.fence,
            top: &self.top,
            environment: &self.environment,
            tree: &tree,
        };
        let results = run.run_all(self.gates.iter().filter(|gate| gate.is_due(&due)))?;
        for (_, evidence) in evidence {
            evidence.gates.clone_from(&results);
        }
        Ok(())
    }

    fn artifact(&self, due: &ArtifactDue, changed: bool, all: &[RepoPath]) -> ArtifactCheck {
        let full = self.top.join(&due.path);
        let check = |finding, bytes| ArtifactCheck::new(due.path.clone(), finding, bytes);
        let Ok(metadata) = fs_err::symlink_metadata(&full) else {
            return check(ArtifactFinding::Missing, 0);
        };
        let bytes = metadata.len();
        let finding = if !metadata.is_file() {
            ArtifactFinding::NotAFile
        } else if bytes == 0 {
            ArtifactFinding::Empty
        } else if !changed {
            ArtifactFinding::Unchanged
        } else {
            ArtifactFinding::Present
        };
        // Only a file that is there and new is worth reading; a very large one is no skeleton.
        if finding != ArtifactFinding::Present || bytes > LOOK_INTO_BYTES_MAX {
            return check(finding, bytes);
        }
        let Ok(content) = fs_err::read(&full) else {
            return check(finding, bytes);
        };
        // What Airboss wrote above a text of the agent's is no part of it.
        let text = String::from_utf8_lossy(&content);
        let (salvaged, text) = artifact::salvage::read(&due.path, &text);
        let check = |finding, lacks| ArtifactCheck {
            salvaged,
            lacks,
            ..check(finding, bytes)
        };
        if is_skeleton(text.as_bytes()) {
            return check(ArtifactFinding::Skeleton, Vec::new());
        }
        let others: Vec<RepoPath> = all
            .iter()
            .filter(|path| **path != due.path)
            .cloned()
            .collect();
        let lacks = artifact::lacks(due.kind, text, &others);
        match lacks.is_empty() {
            true => check(finding, lacks),
            false => check(ArtifactFinding::Unfit, lacks),
        }
    }

    fn changes(&self, job: &Job, directory: &Path) -> Result<Changes, TreeError> {
        // Without the file the attempt never began, so nothing is its work.
        let Some(files) = AttemptFiles::read(directory) else {
            return Ok(Changes::default());
        };
        let after = Tree::take(
            self.repository.as_ref(),
            &self.top,
            &self.excluded,
            Some(&files.before),
        )?;
        match (&files.before, &after, &self.repository) {
            (Tree::Git(before), Tree::Git(now), Some(repository)) => {
                let mut found = git::changes(before, now, repository)?;
                // A commit of Airboss may bring a marker of the plan in meanwhile.
                found.retain(|change| !self.excluded.iter().any(|own| change.path.lies_in(own)));
                let mut by_hand: BTreeMap<RepoPath, ByHand> = git::staged_meanwhile(before, now)
                    .into_iter()
                    .map(|path| (path, ByHand::Staged))
                    .collect();
                for change in &found {
                    if matches!(change.origin, Origin::Foreign(_)) {
                        by_hand.insert(change.path.clone(), ByHand::Committed);
                    }
                }
                let attribution = self.attribute(job, &files, &found, &by_hand);
                let mut changes = told_apart(&attribution, &found);
                for odd in now.unattributable.difference(&before.unattributable) {
                    changes.unowned.push(UnownedFile {
                        path: odd.path.clone(),
                        why: format!("it cannot be committed ({:?})", odd.reason).to_lowercase(),
                    });
                }
                changes.after = Some(after);
                Ok(changes)
            }
            (Tree::Plain(before), Tree::Plain(now), _) => {
                let own = plain_changes(before, now);
                Ok(Changes {
                    own,
                    after: Some(after),
                    ..Changes::default()
                })
            }
            // The repository came or went while the attempt ran; nothing can be told.
            _ => Ok(Changes {
                after: Some(after),
                ..Changes::default()
            }),
        }
    }

    fn attribute(
        &self,
        job: &Job,
        files: &AttemptFiles,
        found: &[git::Change],
        by_hand: &BTreeMap<RepoPath, ByHand>,
    ) -> Attribution {
        let changed: BTreeSet<RepoPath> = found.iter().map(|change| change.path.clone()).collect();
        let own = Footprint {
            attempt: job.attempt.id,
            claimed: claims(job.attempt.report.as_ref()),
            declared: files.declared.iter().cloned().collect(),
        };
        let others: Vec<Footprint> = job
            .others
            .iter()
            .filter_map(|other| self.footprint_of(*other))
            .collect();
        attribute(&changed, by_hand, &own, &others)
    }

    /// What another attempt claims and declares, read from its own directory.
    fn footprint_of(&self, attempt: AttemptId) -> Option<Footprint> {
        let directory = directory(&self.state, attempt);
        let files = AttemptFiles::read(&directory)?;
        if files.top != self.top {
            return None; // Another work tree: it cannot have touched this one.
        }
        let mut watch = Watch::new(&directory, &self.top, files.format, None);
        watch.catch_up();
        Some(Footprint {
            attempt,
            claimed: watch.claims().into_iter().collect(),
            declared: files.declared.into_iter().collect(),
        })
    }
}

fn trouble(job: &Job, message: &str) -> Vec<(StepId, Evidence)> {
    let evidence = Evidence {
        trouble: Some(format!("the evidence could not be gathered: {message}")),
        ..Evidence::default()
    };
    job.steps
        .iter()
        .map(|step| (step.id.clone(), evidence.clone()))
        .collect()
}

fn claims(report: Option<&StreamReport>) -> BTreeSet<RepoPath> {
    let paths = report
        .map(|report| report.claimed_paths.as_slice())
        .unwrap_or_default();
    paths
        .iter()
        .filter_map(|path| RepoPath::new(path).ok())
        .collect()
}

fn told_apart(attribution: &Attribution, found: &[git::Change]) -> Changes {
    let own: BTreeSet<&RepoPath> = attribution.own.iter().collect();
    let mut changes = Changes {
        own: found
            .iter()
            .filter(|change| own.contains(&change.path))
            .map(|change| ChangedFile {
                path: change.path.clone(),
                before: change.before.map(version),
                after: change.after.map(version),
            })
            .collect(),
        ..Changes::default()
    };
    let foreign = attribution
        .foreign
        .iter()
        .map(|(path, why)| (path, foreign_words(why)));
    let unknown = attribution
        .unattributed
        .iter()
        .map(|(path, why)| (path, unknown_words(*why)));
    for (path, why) in foreign.chain(unknown) {
        changes.unowned.push(UnownedFile {
            path: path.to_string(),
            why,
        });
    }
    changes
}

fn foreign_words(why: &Foreign) -> String {
    match why {
        Foreign::Attempt { attempt } => format!("attempt {attempt} claims it"),
        Foreign::Hand {
            how: ByHand::Committed,
        } => "it was committed by hand meanwhile".to_owned(),
        Foreign::Hand {
            how: ByHand::Staged,
        } => "it was staged by hand meanwhile".to_owned(),
    }
}

fn unknown_words(why: Unattributed) -> String {
    match why {
        Unattributed::Contested => "another attempt claims it too",
        Unattributed::ExpectedOfSeveral => "several steps at work were to change it",
        Unattributed::Unexpected => "others were at work and the plan names nobody for it",
    }
    .to_owned()
}

/// Git's entry as the core's value.
#[must_use]
pub fn version(entry: Entry) -> FileVersion {
    let kind = match entry.mode {
        FileMode::Regular => FileKind::Regular,
        FileMode::Executable => FileKind::Executable,
        FileMode::Symlink => FileKind::Symlink,
    };
    FileVersion {
        kind,
        blob: entry.blob.to_string(),
    }
}

/// The core's value as git's entry; `None` when it did not come from git.
#[must_use]
pub fn entry(version: &FileVersion) -> Option<Entry> {
    let mode = match version.kind {
        FileKind::Regular => FileMode::Regular,
        FileKind::Executable => FileMode::Executable,
        FileKind::Symlink => FileMode::Symlink,
    };
    Some(Entry {
        mode,
        blob: version.blob.parse().ok()?,
    })
}

/// The changes of an attempt that count for one of its steps: in a batch not those that the
/// plan expects of another step alone, so that they are neither committed nor proved with it.
fn of_step(step: &StepDue, batch: &[StepDue], changes: &[ChangedFile]) -> Vec<ChangedFile> {
    let expects = |step: &StepDue, path: &RepoPath| step.declared.iter().any(|d| path.lies_in(d));
    changes
        .iter()
        .filter(|change| {
            expects(step, &change.path) || !batch.iter().any(|one| expects(one, &change.path))
        })
        .cloned()
        .collect()
}

/// What counts for a step of the attempt, with what those before it left.
fn own_of(step: &StepDue, job: &Job, changes: &Changes) -> Vec<ChangedFile> {
    let own = of_step(step, &job.steps, &changes.own);
    with_leftover(&step.leftover, &own, changes.after.as_ref())
}

/// What this attempt and those before it did together, as far as it still stands.
fn with_leftover(
    leftover: &[ChangedFile],
    own: &[ChangedFile],
    after: Option<&Tree>,
) -> Vec<ChangedFile> {
    let mut all: Vec<ChangedFile> = Vec::new();
    for change in own {
        let earlier = leftover.iter().find(|earlier| earlier.path == change.path);
        let before = earlier.map_or_else(|| change.before.clone(), |e| e.before.clone());
        if before != change.after {
            all.push(ChangedFile {
                before,
                ..change.clone()
            });
        }
    }
    for earlier in leftover {
        let again = own.iter().any(|change| change.path == earlier.path);
        if !again && still_stands(earlier, after) {
            all.push(earlier.clone());
        }
    }
    all
}

fn still_stands(change: &ChangedFile, after: Option<&Tree>) -> bool {
    match after {
        Some(Tree::Git(snapshot)) => snapshot
            .entries
            .get(&change.path)
            .is_some_and(|entry| entry.map(version) == change.after),
        Some(Tree::Plain(files)) => files.contains_key(&change.path) == change.after.is_some(),
        None => false,
    }
}

fn plain_changes(
    before: &BTreeMap<RepoPath, (u64, i64)>,
    after: &BTreeMap<RepoPath, (u64, i64)>,
) -> Vec<ChangedFile> {
    let paths: BTreeSet<&RepoPath> = before.keys().chain(after.keys()).collect();
    let look = |(bytes, modified): &(u64, i64)| FileVersion {
        kind: FileKind::Regular,
        blob: format!("{bytes} bytes at {modified}"),
    };
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| ChangedFile {
            path: path.clone(),
            before: before.get(path).map(look),
            after: after.get(path).map(look),
        })
        .collect()
}
