//! Files and git commits wait until they are made.

use serde_json::json;

use super::*;

for_every_store! {
    files_stay_pending_until_their_newest_operation_is_published
    wishes_stand_in_the_order_of_their_operations
}

fn files_stay_pending_until_their_newest_operation_is_published(bench: &Bench) {
    let mut store = with_plan(bench);
    let file = path("plans/status.json");
    let touch = |store: &mut dyn Store, kind: PublishKind| {
        let mut commit = Commit::new(home(), vec![marked("1.1", StepStatus::InProgress)]);
        commit.change.publish.push(PublishItem {
            path: path("plans/status.json"),
            kind,
        });
        applied(store.commit(&commit).unwrap());
    };
    touch(&mut *store, PublishKind::StatusJson);
    touch(&mut *store, PublishKind::RunRecord { run: run_id(1) });
    let rows = store.to_publish(Some(&home())).unwrap();
    assert_eq!(rows.len(), 1, "one row for each file");
    assert_eq!(rows[0].sequence, 3);
    assert_eq!(rows[0].kind, PublishKind::RunRecord { run: run_id(1) });
    assert_eq!(store.to_publish(Some(&plan("none.md"))).unwrap(), []);
    let log = store.sequence().unwrap();
    assert!(!store.published(&home(), &file, 2, "old").unwrap());
    assert_eq!(store.to_publish(None).unwrap(), rows);
    assert!(store.published(&home(), &file, 3, "new").unwrap());
    assert_eq!(store.to_publish(None).unwrap(), []);
    // A slow publisher that reports late does not make the file look older.
    assert!(store.published(&home(), &file, 2, "late").unwrap());
    let publication = store.publication(&home(), &file).unwrap().unwrap();
    assert_eq!(
        (publication.sequence, publication.hash.as_str()),
        (3, "new")
    );
    assert_eq!(
        store.sequence().unwrap(),
        log,
        "publishing is not an operation"
    );
    assert!(store.published(&plan("none.md"), &file, 1, "x").unwrap());
    assert_eq!(store.publication(&plan("none.md"), &file).unwrap(), None);
    // A commit without operations may ask for a file again.
    let mut again = Commit::new(home(), Vec::new());
    again.change.publish.push(PublishItem {
        path: file,
        kind: PublishKind::StatusJson,
    });
    applied(store.commit(&again).unwrap());
    assert_eq!(store.to_publish(None).unwrap()[0].sequence, 3);
}

fn wishes_stand_in_the_order_of_their_operations(bench: &Bench) {
    let mut store = with_plan(bench);
    let wish = |operation, payload| GitWish {
        operation,
        steps: vec!["1.1".into()],
        payload,
    };
    let mut commit = Commit::new(
        home(),
        vec![
            marked("1.1", StepStatus::InProgress),
            marked("1.1", StepStatus::Completed),
        ],
    );
    commit.change.git = vec![wish(1, json!("b")), wish(0, json!("a"))];
    applied(store.commit(&commit).unwrap());
    let payloads = |store: &dyn Store| -> Vec<(u64, Value)> {
        let wishes = store.git_wishes().unwrap();
        wishes
            .into_iter()
            .map(|wish| (wish.sequence, wish.payload))
            .collect()
    };
    assert_eq!(payloads(&*store), [(2, json!("a")), (3, json!("b"))]);
    let made = Operation::CommitMade {
        sequence: 2,
        steps: vec!["1.1".into()],
        commit: Some("0123".to_owned()),
        left_out: Vec::new(),
    };
    let mut close = Commit::new(home(), vec![made]);
    close.change.close_git = vec![2, 99];
    applied(store.commit(&close).unwrap());
    assert_eq!(payloads(&*bench.open()), [(3, json!("b"))]);
    assert_eq!(
        step_of(&*store, "1.1").state.commit.as_deref(),
        Some("0123")
    );
    let mut twice = Commit::new(home(), vec![marked("1.2", StepStatus::Skipped)]);
    twice.change.git = vec![wish(0, json!("c")), wish(0, json!("d"))];
    store.commit(&twice).unwrap_err();
}
