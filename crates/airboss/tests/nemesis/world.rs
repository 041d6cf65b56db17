//! The board of the storm, and the dice.

use std::fmt::Write as _;

use airboss_testkit::TestEnvironment;

/// The tasks that are there from the beginning.
pub(crate) const TASKS: u32 = 40;
/// The tasks with a plan, from the first one on.
pub(crate) const PLANNED: u32 = 4;
/// The phases of each plan.
pub(crate) const PHASES: u32 = 3;
/// The tasks that the person works on, from this one on: few, because an edit of many at once
/// waits for a person's yes.
pub(crate) const BY_HAND: (u32, u32) = (30, 4);
/// What every effort says in the beginning.
pub(crate) const EFFORT: &str = "1 hour";
/// Every line that the person may replace begins so.
pub(crate) const NOTE: &str = "Note:";

/// `SplitMix64`: small, and the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn roll(&mut self, sides: u32) -> u32 {
        u32::try_from(self.next() % u64::from(sides)).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.roll(u32::try_from(all.len()).unwrap()) as usize]
    }
}

fn plan_path(number: u32) -> String {
    format!("specs/{number:03}_mend_part_{number}/plans/implementation-001.md")
}

/// A board of [`TASKS`] tasks, committed and adopted.
pub(crate) fn board() -> TestEnvironment {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    let next = TASKS + 1;
    let mut todo = format!("---\nnext_project_number: {next}\n---\n\n# TODO\n\n## Tasks\n");
    let mut entries = Vec::new();
    for number in 1..=TASKS {
        let path = plan_path(number);
        let plan = (number <= PLANNED).then_some(path.as_str());
        let line = plan.map_or(String::new(), |path| {
            format!("- **Plan**: [implementation-001.md]({path})\n")
        });
        write!(
            todo,
            "\n### {number}. Mend part {number}\n- **Effort**: {EFFORT}\n\
             - **Status**: [NOT STARTED]\n- **Priority**: Medium\n- **Language**: rust\n\
             - **Dependencies**: None\n{line}\n**Description**: Part {number} is worn.\n\n\
             {NOTE} what was said of part {number}.\n\n---\n",
        )
        .unwrap();
        let member = plan.map_or(String::new(), |path| {
            format!(",\n      \"plan_path\": \"{path}\"")
        });
        entries.push(format!(
            "    {{\n      \"project_number\": {number},\n      \
             \"project_name\": \"mend_part_{number}\",\n      \"status\": \"not_started\",\n      \
             \"language\": \"rust\",\n      \"effort\": \"{EFFORT}\"{member}\n    }}"
        ));
        if plan.is_some() {
            let phases = (1..=PHASES).map(|phase| {
                format!("\n### Phase {phase}: Part {phase} [NOT STARTED]\n\n- [ ] Mend it\n")
            });
            let phases: String = phases.collect();
            environment.write(&path, format!("# Plan: Mend part {number}\n{phases}"));
        }
    }
    let entries = entries.join(",\n");
    environment.write("specs/TODO.md", todo);
    environment.write(
        "specs/state.json",
        format!(
            "{{\n  \"next_project_number\": {next},\n  \"active_projects\": [\n{entries}\n  ]\n}}\n"
        ),
    );
    environment.write("own.txt", "one\n");
    environment.commit("a board");
    environment.run(["init", "--yes"]).expect_code(0);
    environment.commit("the board is adopted");
    environment.run(["verify"]).expect_code(0);
    environment
}
