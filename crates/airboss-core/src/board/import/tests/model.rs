//! Random interleavings of commands, hand edits, checkouts and other clones.

use proptest::prelude::*;

use super::*;
use crate::board::testing::cases;

#[derive(Clone, Debug)]
enum Step {
    /// A command changes a field of a task.
    Command(u32, u8),
    /// A person types into a section.
    Hand(u32, u8),
    /// Another clone's version of a section comes by git.
    Foreign(u32, u8),
    /// The file becomes an older version of itself.
    Checkout(usize),
    /// Airboss looks, and writes.
    Settle,
    /// Airboss looks, and has nothing to write.
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..=4_u32, 0..3_u8).prop_map(|(task, field)| Step::Command(task, field)),
        3 => (1..=4_u32, 0..3_u8).prop_map(|(task, field)| Step::Hand(task, field)),
        1 => (1..=4_u32, 0..3_u8).prop_map(|(task, field)| Step::Foreign(task, field)),
        1 => (0..8_usize).prop_map(Step::Checkout),
        3 => Just(Step::Settle),
        1 => Just(Step::Look),
    ]
}

struct Model {
    world: World,
    /// Every version of the file that was published.
    versions: Vec<Vec<TaskFacts>>,
    /// What people and other clones wrote, and nobody has looked at.
    written: Vec<(u32, TaskChange)>,
    /// What commands changed and the file does not show yet.
    commanded: Vec<(u32, TaskChange)>,
    /// Somebody typed into a section that was old, and nobody has looked.
    has_typed_into_old: bool,
    /// Makes every value another one.
    count: u32,
}

impl Model {
    fn new(has_operations: bool) -> Self {
        let world = World::new(1..=4, has_operations);
        Self {
            versions: vec![world.disk.clone()],
            world,
            written: Vec::new(),
            commanded: Vec::new(),
            has_typed_into_old: false,
            count: 0,
        }
    }

    fn value(&mut self, field: u8) -> TaskChange {
        self.count += 1;
        let text = format!("value {}", self.count);
        match field {
            0 => TaskChange::Title(text),
            1 => TaskChange::Effort(Some(text)),
            _ => TaskChange::Priority(Some(text)),
        }
    }

    fn write(&mut self, number: u32, change: TaskChange) {
        let section = self.world.section(number);
        match &change {
            TaskChange::Title(text) => section.title = Some(text.clone()),
            TaskChange::Effort(text) => section.effort.clone_from(text),
            TaskChange::Priority(text) => section.priority.clone_from(text),
            _ => unreachable!("only these are written"),
        }
        self.written.push((number, change));
    }

    /// Whether an edit would leave no section behind that shows how old the file is. What is typed
    /// into such a file cannot be told from what it said before, as the module says.
    fn hides_its_age(&mut self, number: u32) -> bool {
        let world = &self.world;
        let is_old = |facts: &&TaskFacts| {
            let id = id(u128::from(facts.number));
            world.bases[&id].hash != hash(facts) && world.past.section(&hash(facts)).is_some()
        };
        let old: Vec<_> = world.disk.iter().filter(is_old).collect();
        let remain = old.iter().any(|facts| facts.number != number);
        let typed_into_old =
            old.iter().any(|facts| facts.number == number) || self.has_typed_into_old;
        if typed_into_old && remain {
            self.has_typed_into_old = true;
        }
        typed_into_old && !remain
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Command(number, field) => {
                let change = self.value(*field);
                self.world.command(*number, change.clone());
                let other = |known: &(u32, TaskChange)| {
                    known.0 != *number || known.1.field() != change.field()
                };
                self.commanded.retain(other);
                self.commanded.push((*number, change));
            }
            Step::Hand(number, field) => {
                if self.hides_its_age(*number) {
                    return;
                }
                let change = self.value(*field);
                self.write(*number, change);
                self.world.is_checked_out = false;
            }
            Step::Foreign(number, field) => {
                if self.hides_its_age(*number) {
                    return;
                }
                let change = self.value(*field);
                self.write(*number, change);
                if self.world.has_operations {
                    let foreign = operation(u128::from(self.count) + 100_000);
                    self.world.section(*number).operation = Some(foreign);
                }
            }
            Step::Checkout(version) => {
                let version = version % self.versions.len();
                self.world.disk.clone_from(&self.versions[version]);
                self.world.is_checked_out = true;
                self.written.clear();
                self.has_typed_into_old = false;
            }
            Step::Look => self.look(),
            Step::Settle => {
                self.look();
                self.world.publish();
                self.commanded.clear();
                self.versions.push(self.world.disk.clone());
            }
        }
    }

    fn look(&mut self) {
        let on_disk: Vec<_> = self
            .written
            .drain(..)
            .filter(|(number, change)| {
                let mut sections = self.world.disk.iter();
                let facts = sections.find(|facts| facts.number == *number).unwrap();
                compare::said(facts, &change.field()).as_ref() == Some(change)
            })
            .collect();
        self.has_typed_into_old = false;
        let imported = self.world.import();
        for operation in &imported.operations {
            if let BoardOperation::TaskChanged { task, changes, .. } = operation {
                for change in changes {
                    let written = (self.world.board.tasks[task].number, change.clone());
                    let stamp = change.field() == Field::Time(TimeKey::LastUpdated);
                    assert!(stamp || on_disk.contains(&written), "stale: {change:?}");
                }
            }
        }
        for (number, change) in &self.commanded {
            let task = self.world.board.find(*number).unwrap();
            assert!(
                compare::is_so(change, task),
                "overwritten: {number} {change:?}"
            );
        }
        for (number, change) in on_disk {
            let task = self.world.board.find(number).unwrap();
            let conflicts = &self.world.board.conflicts;
            let kept = conflicts
                .iter()
                .any(|conflict| conflict.task == task.id && conflict.other.contains(&change));
            assert!(
                kept || compare::is_so(&change, task),
                "lost: {number} {change:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(400),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_lost_and_nothing_old_comes_back(
        steps in proptest::collection::vec(step(), 1..32),
        has_operations in any::<bool>(),
    ) {
        let mut model = Model::new(has_operations);
        for step in &steps {
            model.step(step);
        }
        model.step(&Step::Settle);
        let quiet = model.world.look();
        prop_assert_eq!(quiet, Imported::default());
    }
}
