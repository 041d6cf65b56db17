//! Boards of other projects, adopted as they are: a stage of one task changes that task alone, and
//! what it has already stays.

#![expect(
    clippy::print_stdout,
    reason = "a test that is left out, or counts, says so"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use airboss_core::board::facts::{List, TaskFacts};
use airboss_core::board::link::same;
use airboss_core::board::state_file::StateFile;
use airboss_core::board::status::Class;
use airboss_core::board::todo::TodoFile;
use airboss_testkit::TestEnvironment;

use crate::ran;

/// One board in so many: each takes two flights.
const ONE_IN: usize = 5;

const LISTS: [&str; 2] = ["specs/TODO.md", "specs/state.json"];

/// What every agent does: a report or a plan at the place that is due.
const AGENT: &str = r#"
[default]
actions = [{ shell = '''
home=${AIRBOSS_PLAN%/*}
case "$AIRBOSS_PLAN" in
*/research) printf '# A report\n\n## Findings\n\nWhat was found is told here at some length, so that whoever plans the work has something to go by, and it is quite enough for that.\n' > "$home/reports/{step}.md" ;;
*) printf '# A plan\n\n### Phase 1: Look [NOT STARTED]\n\n- [ ] Look at it\n' > "$home/plans/{step}.md" ;;
esac''' }]
"#;

fn pairs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/pairs");
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut pairs: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    pairs.sort();
    pairs
}

/// What the two files say of their active tasks, with the bytes of each file.
struct Lists {
    texts: [String; 2],
    facts: [Vec<TaskFacts>; 2],
}

impl Lists {
    fn read(environment: &TestEnvironment) -> Self {
        let texts = LISTS.map(|path| environment.read(path));
        let todo = TodoFile::parse(texts[0].as_bytes()).entries;
        let state = StateFile::parse(texts[1].as_bytes())
            .expect("it was published")
            .tasks;
        let active = state.into_iter().filter(|facts| facts.list == List::Active);
        let active = active.collect();
        Self {
            texts,
            facts: [todo, active],
        }
    }

    fn of(&self, file: usize, number: u32) -> Option<&TaskFacts> {
        let mut own = self.facts[file]
            .iter()
            .filter(|facts| facts.number == number);
        own.next().filter(|_| own.next().is_none())
    }

    /// A file without the bytes of a task, and without the instant of its last change.
    fn around(&self, file: usize, number: u32) -> String {
        let span = self.of(file, number).expect("it was chosen").span.clone();
        let text = &self.texts[file];
        let rest = format!("{}{}", &text[..span.start], &text[span.end..]);
        let lines = rest.lines().filter(|line| !line.contains("last_updated"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Everything that the files link for a task, but for the plan of TODO.md: its line names the
    /// current version alone.
    fn links(&self, number: u32) -> BTreeSet<String> {
        let links = |file: usize| {
            let facts = self.of(file, number).into_iter();
            let links = facts.flat_map(|facts| facts.artifacts.clone());
            links.filter(move |artifact| file == 1 || artifact.kind != "plan")
        };
        let all = links(0).chain(links(1));
        all.map(|artifact| artifact.path).collect()
    }
}

/// A task that is open, stands in both files once, and links a plan in a directory of its own.
fn chosen(lists: &Lists) -> Option<(u32, String)> {
    let tasks = lists.facts[1].iter();
    let mut fit = tasks.filter_map(|facts| {
        let number = facts.number;
        let open = facts.status.as_ref()?.class() == Class::Open;
        let entry = lists.of(0, number)?;
        let plan = entry.plan.clone().or_else(|| facts.plan.clone())?;
        lists.of(1, number)?;
        // Some boards link the plan of another task.
        let home = plan
            .split_once("/plans/")
            .map(|(home, _)| home.rsplit('/').next());
        let home = home.flatten().unwrap_or_default().trim_start_matches("OC_");
        let own = home.split('_').next()?.parse() == Ok(number);
        (open && own && plan.ends_with(".md")).then_some((number, plan))
    });
    fit.next()
}

/// Where a link of an older board is on this one.
fn on_disk(link: &str) -> String {
    let below = link.split_once("specs/").map_or(link, |(_, below)| below);
    format!("specs/{below}")
}

fn number_of(path: &str) -> u32 {
    airboss_core::board::artifact_name::number_in(path.rsplit('/').next().unwrap_or(path))
}

/// Adopts a board; `None` when it has no task that fits.
fn adopted(pair: &Path) -> Option<(TestEnvironment, u32, String)> {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    environment.script(AGENT);
    for name in ["TODO.md", "state.json"] {
        let bytes = fs_err::read(pair.join(name)).ok()?;
        environment.write(&format!("specs/{name}"), bytes);
    }
    environment.commit("a board");
    environment.run(["init", "--yes"]).expect_code(0);
    let (number, plan) = chosen(&Lists::read(&environment))?;
    let old = "# The plan that is there\n\n### Phase 1: Begin [COMPLETED]\n\n- [x] Begin\n";
    environment.write(&on_disk(&plan), old);
    environment.commit("what the board links");
    Some((environment, number, plan))
}

/// Takes a stage and looks what changed.
fn staged(environment: &TestEnvironment, stage: &str, number: u32) -> Lists {
    let before = Lists::read(environment);
    let told = ran(
        environment,
        [stage, &number.to_string(), "as asked", "--force", "-q"],
    );
    assert_eq!(told.code(), 0, "{stage} {number}: {told}");
    let after = Lists::read(environment);
    for (file, path) in LISTS.iter().enumerate() {
        let (was, is) = (before.around(file, number), after.around(file, number));
        assert!(was == is, "{stage} of task {number} changed more of {path}");
    }
    let kept = after.links(number);
    let is_kept = |link: &String| kept.iter().any(|kept| same(kept, link));
    let mut lost = before.links(number);
    lost.retain(|link| !is_kept(link));
    assert!(lost.is_empty(), "{stage} of task {number} lost {lost:?}");
    let changed = environment.git(["show", "--name-only", "--format=", "HEAD"]);
    let own = format!("{number}_");
    for path in changed.lines().filter(|path| !LISTS.contains(path)) {
        assert!(
            path.contains(&own),
            "{stage} of task {number} committed {path}"
        );
    }
    let left = environment.git(["status", "--porcelain", "specs"]);
    let diff = environment.git(["diff", "HEAD"]);
    assert_eq!(left, "", "{stage} {number}: {told}\n{diff}");
    after
}

#[test]
fn a_stage_of_an_existing_task_changes_that_task_alone() {
    let pairs = pairs();
    if pairs.is_empty() {
        println!("skipped: there is no corpus beside the checkout");
        return;
    }
    let mut boards = 0;
    for pair in pairs.iter().step_by(ONE_IN) {
        let Some((environment, number, plan)) = adopted(pair) else {
            continue;
        };
        boards += 1;
        let old = environment.read(&on_disk(&plan));
        staged(&environment, "research", number);
        let after = staged(&environment, "revise", number);
        // The next version stands beside the old one, which is as it was.
        assert_eq!(environment.read(&on_disk(&plan)), old, "{}", pair.display());
        let new = after.of(1, number).unwrap().plan.clone().unwrap();
        assert!(!same(&new, &plan), "{new}");
        assert!(number_of(&new) > number_of(&plan), "{plan} became {new}");
        let directory = |path: &str| on_disk(path).rsplit_once("/plans/").unwrap().0.to_owned();
        assert_eq!(directory(&new), directory(&plan));
    }
    println!("{boards} boards of other projects took a research and a revision");
    assert!(boards > 0, "no board has a task that fits");
}
