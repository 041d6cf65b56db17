//! The property that all stores are the same fold of any operations on boards.

use airboss_core::board::error::FixStatus;
use airboss_core::board::outline::Outline;
use airboss_core::board::{
    Artifact, Dependencies, Place, Position, Status, TaskChange, TaskStatus,
};
use proptest::prelude::*;

use super::boards::*;
use super::*;

/// Few numbers, so that tasks meet: ids, numbers, former numbers and dependencies.
fn any_number() -> impl Strategy<Value = u32> {
    1..6_u32
}

fn any_status() -> impl Strategy<Value = TaskStatus> {
    prop_oneof![
        prop::sample::select(Status::ALL.to_vec()).prop_map(TaskStatus::from),
        Just(TaskStatus::Other("half_way".to_owned())),
    ]
}

fn any_place() -> impl Strategy<Value = Place> {
    prop::sample::select(vec![Place::Active, Place::Archived, Place::Removed])
}

fn any_dependencies() -> impl Strategy<Value = Dependencies> {
    prop::collection::vec(any_number(), 0..3).prop_map(|numbers| Dependencies {
        numbers,
        prose: None,
    })
}

fn any_task() -> impl Strategy<Value = Box<Task>> {
    let parts = (any_number(), any_number(), any_status(), any_place());
    (
        parts,
        any_dependencies(),
        prop::collection::vec(any_number(), 0..2),
    )
        .prop_map(
            |((id, number, status, place), dependencies, former_numbers)| {
                Box::new(Task {
                    id: task_id(id),
                    former_numbers,
                    status,
                    place,
                    dependencies,
                    ..task(number)
                })
            },
        )
}

fn any_change() -> impl Strategy<Value = TaskChange> {
    prop_oneof![
        3 => any_number().prop_map(TaskChange::Number),
        2 => any_status().prop_map(TaskChange::Status),
        1 => any_number().prop_map(|number| TaskChange::Title(format!("A\ttitle {number}"))),
        1 => prop::option::of(Just("Low".to_owned())).prop_map(TaskChange::Priority),
        1 => prop::option::of(Just("words".to_owned())).prop_map(TaskChange::BlockedReason),
        2 => any_place().prop_map(TaskChange::Place),
        3 => any_dependencies().prop_map(TaskChange::Dependencies),
        1 => any_number().prop_map(|number| TaskChange::Artifact(Artifact {
            path: format!("reports/{number}.md"),
            kind: "research".to_owned(),
            summary: None,
        })),
    ]
}

fn any_task_change() -> impl Strategy<Value = BoardOperation> {
    (any_number(), prop::collection::vec(any_change(), 0..3)).prop_map(|(id, changes)| {
        BoardOperation::TaskChanged {
            task: task_id(id),
            undo: changes.iter().rev().cloned().collect(),
            changes,
            cause: command(),
            forced: false,
        }
    })
}

/// An operation, or a conflict's number among those that were found so far.
#[derive(Clone, Debug)]
enum Deed {
    Operation(BoardOperation),
    Resolve(prop::sample::Index),
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let error_id = || prop::sample::select(vec!["e1", "e2"]);
    let operation = prop_oneof![
        1 => prop::option::of(0..9_u32).prop_map(|next_number| BoardOperation::Adopted {
            next_number,
            tasks: 0,
            disagreements: 0,
        }),
        4 => any_task().prop_map(|task| BoardOperation::TaskAdopted { task }),
        4 => any_task().prop_map(|task| BoardOperation::TaskAdded { task, cause: command() }),
        9 => any_task_change(),
        1 => any_number().prop_map(|id| BoardOperation::TaskMoved {
            task: task_id(id),
            to: Position::Last,
        }),
        1 => (0..9_u32).prop_map(|next| BoardOperation::NextNumberSet { next }),
        2 => any_number().prop_map(conflict),
        2 => (error_id(), prop::option::of(any_number())).prop_map(|(id, task)| error(id, task)),
        1 => error_id().prop_map(|id| BoardOperation::ErrorResolved {
            id: id.to_owned(),
            status: FixStatus::Fixed,
        }),
    ];
    prop_oneof![
        9 => operation.prop_map(Deed::Operation),
        1 => any::<prop::sample::Index>().prop_map(Deed::Resolve),
    ]
}

fn any_wanted() -> impl Strategy<Value = Wanted> {
    let numbers = || prop::collection::vec(0..8_u32, 0..3);
    prop_oneof![
        3 => numbers().prop_map(Wanted::Tasks),
        3 => numbers().prop_map(Wanted::TasksAndDependents),
        2 => numbers().prop_map(|ids| Wanted::Ids(ids.into_iter().map(task_id).collect())),
        1 => Just(Wanted::Errors),
        1 => Just(Wanted::All),
    ]
}

/// The operation for this store, whose conflicts have ids of their own.
fn operation_of(store: &dyn Store, deed: &Deed) -> Option<BoardOperation> {
    match deed {
        Deed::Operation(operation) => Some(operation.clone()),
        Deed::Resolve(index) => {
            let conflicts = store
                .board_part(&specs(), &Wanted::Errors)
                .unwrap()?
                .conflicts;
            let conflict = (!conflicts.is_empty()).then(|| index.get(&conflicts).id)?;
            Some(BoardOperation::ConflictResolved {
                conflict,
                taken: false,
            })
        }
    }
}

/// A standing without the ids that every store makes for itself.
fn standing(store: &mut dyn Store, wanted: &Wanted) -> BoardStanding {
    let mut seen = None;
    store
        .decide_board(&specs(), None, wanted, &mut |standing| {
            seen = Some(standing.clone());
            Err("enough".into())
        })
        .unwrap();
    let mut seen = seen.unwrap();
    let nobody = OperationId::default();
    for task in seen.board.tasks.values_mut() {
        task.operation = task.operation.map(|_| nobody);
    }
    for conflict in &mut seen.board.conflicts {
        conflict.id = nobody;
    }
    seen
}

fn sequences(store: &dyn Store, task: u32) -> Vec<u64> {
    let query = OperationQuery {
        task: Some(task_id(task)),
        ..OperationQuery::default()
    };
    let log = store.operations(&query).unwrap();
    log.iter().map(|stored| stored.sequence).collect()
}

/// Whatever was read of a part is what the whole board says.
fn assert_part_is_of_whole(store: &dyn Store, wanted: &Wanted) {
    let board = store.board(&specs()).unwrap().unwrap();
    let part = store.board_part(&specs(), wanted).unwrap().unwrap();
    for (id, task) in &part.tasks {
        assert_eq!(board.tasks.get(id), Some(task));
    }
    if let Wanted::Tasks(numbers) | Wanted::TasksAndDependents(numbers) = wanted {
        for number in numbers {
            assert_eq!(part.find(*number), board.find(*number));
        }
    }
    for number in 0..9 {
        let found = store.task(&specs(), number).unwrap();
        assert_eq!(found.as_ref(), board.find(number));
    }
    let head = store.board_head(&specs()).unwrap().unwrap();
    assert_eq!(head.active.values().sum::<usize>(), board.active().count());
    for places in [&LISTS[..], &LISTS[..1], &LISTS[1..]] {
        let listing = store.listing(&specs(), places).unwrap().unwrap();
        let expected = Listing::of(&board, places);
        assert_eq!(outlines(&listing), outlines(&expected));
        let of_board = (board.sequence, board.conflicts.len());
        assert_eq!((listing.sequence, listing.conflicts), of_board);
    }
}

/// The lists in which tasks stand.
const LISTS: [Place; 2] = [Place::Active, Place::Archived];

fn outlines(listing: &Listing) -> Vec<Outline<'_>> {
    listing.tasks().map(Result::unwrap).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        // Each case writes a database; more cases run in the long suite.
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_store_is_the_same_fold_of_a_board(
        changes in prop::collection::vec(prop::collection::vec(any_deed(), 1..5), 1..20),
        wanted in prop::collection::vec(any_wanted(), 1..6),
        after in 0..30_u64,
    ) {
        let benches = [Bench::memory(), Bench::sqlite(true)];
        let mut stores = benches.each_ref().map(Bench::open);
        let begin = vec![BoardOperation::Adopted {
            next_number: None,
            tasks: 0,
            disagreements: 0,
        }];
        for store in &mut stores {
            decide(&mut **store, &specs(), None, &change_of(begin.clone())).unwrap();
        }
        for deeds in changes {
            for store in &mut stores {
                let operations = deeds.iter().filter_map(|deed| operation_of(&**store, deed));
                let change = change_of(operations.collect());
                decide(&mut **store, &specs(), None, &change).unwrap();
            }
            benches.iter().for_each(|bench| bench.pass(1));
        }
        for wanted in wanted {
            let [memory, sqlite] = stores.each_mut().map(|store| standing(&mut **store, &wanted));
            prop_assert_eq!(memory, sqlite);
            stores.iter().for_each(|store| assert_part_is_of_whole(&**store, &wanted));
        }
        let [memory, sqlite] = &stores;
        for task in 0..7 {
            prop_assert_eq!(sequences(&**memory, task), sequences(&**sqlite, task));
        }
        let [mut seen, mut found] = stores.each_ref().map(|store| {
            store.changed_since(&specs(), after).unwrap().unwrap()
        });
        for delta in seen.tasks.iter_mut().chain(&mut found.tasks) {
            delta.task.operation = delta.task.operation.map(|_| OperationId::default());
        }
        prop_assert_eq!(seen, found);
        prop_assert_eq!(memory.board_head(&specs()).unwrap(), sqlite.board_head(&specs()).unwrap());
        stores.iter().for_each(|store| assert_is_board_fold(&**store, &specs()));
    }
}
