//! The inbox: letters of all kinds, and who takes them.

use std::os::unix::fs::symlink;
use std::thread;
use std::time::Duration;

use airboss_engine::inbox::{Drained, drain};
use airboss_testkit::assert_output;
use airboss_testkit::environment::{TestEnvironment, eventually};
use serde_json::{Value, json};

use crate::support::*;

const NEW: &str = ".airboss/inbox/new";

fn note(text: &str) -> Value {
    json!({ "kind": "note", "text": text })
}

fn put(environment: &TestEnvironment, name: &str, letter: impl AsRef<[u8]>) {
    environment.write(&format!("{NEW}/{name}"), letter);
}

fn take(environment: &TestEnvironment) -> Drained {
    let (workspace, mut store) = store(environment);
    drain(&workspace.top, &workspace.state, &mut store)
}

/// The names in a directory of the inbox.
fn names(environment: &TestEnvironment, directory: &str) -> Vec<String> {
    let entries = fs_err::read_dir(environment.path(format!(".airboss/inbox/{directory}")));
    let names = entries.into_iter().flatten().map(|entry| {
        let name = entry.unwrap().file_name();
        name.into_string().unwrap()
    });
    names.collect()
}

#[test]
fn whoever_writes_next_takes_the_letters() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    put(&environment, "b", agent.letter(&note("second")).to_string());
    put(&environment, "a", agent.letter(&note("first")).to_string());
    let read = environment.run(["status", "--plan", PLAN]);
    read.expect_code(0);
    assert_eq!(names(&environment, "new").len(), 2, "reading takes nothing");
    let write = environment.run(["mark-skipped", "1.3", "--reason", "no", "--plan", PLAN]);
    write.expect_code(0);
    assert_eq!(claims(&environment, "1.1"), ["note: first", "note: second"]);
    assert_eq!(names(&environment, "new"), Vec::<String>::new());
    assert!(!environment.path(".airboss/inbox/refused").exists());
}

#[test]
fn a_refused_report_is_kept_without_its_token() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    let letter = agent.letter(&note(" ")).to_string();
    put(&environment, "a", &letter);
    let refused = take(&environment).refused;
    assert_eq!(refused.len(), 1);
    let kept = names(&environment, "refused").into_iter();
    let mut kept: Vec<String> = kept
        .map(|name| environment.read(&format!(".airboss/inbox/refused/{name}")))
        .collect();
    kept.sort();
    assert_eq!(
        kept,
        [
            format!("a: {}\n", refused[0].1),
            r#"{"kind":"note","text":" "}"#.to_owned()
        ]
    );
}

#[test]
fn a_letter_that_cannot_be_put_aside_holds_nobody_up() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    environment.write(".airboss/inbox/refused", "in the way");
    put(&environment, "0", "no letter");
    put(&environment, "1", agent.letter(&note("good")).to_string());
    assert_eq!(take(&environment).refused.len(), 1);
    assert_eq!(claims(&environment, "1.1"), ["note: good"]);
    assert_eq!(take(&environment), Drained::default());
}

#[test]
fn a_board_command_takes_them_too() {
    let environment = with_board();
    let agent = Agent::of(&environment, "1.1");
    put(&environment, "a", agent.letter(&note("x")).to_string());
    environment.run(["task", "add", "Another"]).expect_code(0);
    assert_eq!(claims(&environment, "1.1"), ["note: x"]);
}

#[test]
fn a_letter_that_is_found_twice_is_carried_out_once() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    let letter = agent.letter(&note("once")).to_string();
    for _ in 0..3 {
        // As after a crash between the commit and the removal.
        put(&environment, "a.json", &letter);
        take(&environment);
        assert_eq!(names(&environment, "new"), Vec::<String>::new());
    }
    // Also when the attempt has ended meanwhile: it was carried out.
    agent.end(&environment);
    put(&environment, "a.json", &letter);
    assert_eq!(take(&environment).refused, Vec::new());
    assert_eq!(claims(&environment, "1.1"), ["note: once"]);
    put(&environment, "b.json", &letter);
    let late = take(&environment).refused;
    assert!(late[0].1.contains("has ended"), "{late:?}");
}

#[test]
fn what_is_no_letter_is_set_aside_with_the_reason() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    let other = Agent::of(&environment, "1.2");
    let letter = agent.letter(&note("x"));
    let with = |key: &str, value: Value| {
        let mut letter = letter.clone();
        letter[key] = value;
        letter.to_string()
    };
    put(&environment, "01-broken", "{\"attempt\":");
    put(&environment, "02-empty", "");
    put(&environment, "03-binary", b"\xff\xfe\0\x1b[2J");
    put(&environment, "04-token", with("token", json!(other.token)));
    put(&environment, "05-no-attempt", with("attempt", json!("x")));
    put(
        &environment,
        "06-unknown",
        with("attempt", json!("0".repeat(32))),
    );
    put(&environment, "07-not-its-step", with("step", json!("1.2")));
    put(
        &environment,
        "08-terminal",
        with("report", json!({ "kind": "complete" })),
    );
    put(&environment, "09-more", with("command", json!("rm -rf /")));
    put(
        &environment,
        "10-long",
        with("report", note(&"x".repeat(65 << 10))),
    );
    put(&environment, "11-huge", " ".repeat(600 << 10));
    put(&environment, "12 odd \u{1b}[2J name", letter.to_string());
    put(&environment, "13-directory/file", "x");
    put(&environment, "14-deep", "[".repeat(100_000));
    let secret = environment.outside("secret");
    fs_err::write(&secret, letter.to_string()).unwrap();
    symlink(&secret, environment.path(format!("{NEW}/15-link"))).unwrap();
    symlink("/nowhere", environment.path(format!("{NEW}/16-dangling"))).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        environment.path(format!("{NEW}/17-fifo")),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    put(
        &environment,
        "99-good",
        agent.letter(&note("good")).to_string(),
    );

    let drained = take(&environment);
    let told: Vec<String> = drained
        .refused
        .iter()
        .map(|(name, reason)| format!("{name}: {reason}"))
        .collect();
    environment
        .settings()
        .bind(|| insta::assert_snapshot!(told.join("\n")));
    assert_eq!(claims(&environment, "1.1"), ["note: good"]);
    assert_eq!(claims(&environment, "1.2"), Vec::<String>::new());
    assert_eq!(names(&environment, "new"), Vec::<String>::new());
    let kept = names(&environment, "refused");
    let reasons = kept.iter().filter(|name| name.ends_with(".why")).count();
    assert_eq!((kept.len(), reasons), (34, 17));
    // Nothing of it is shown by git, and nothing was written through the link.
    environment.assert_tree_clean();
    assert_eq!(fs_err::read_to_string(&secret).unwrap(), letter.to_string());
    assert_eq!(take(&environment), Drained::default());
}

#[test]
fn a_link_in_the_way_leads_nowhere() {
    for part in [".airboss", ".airboss/inbox", NEW] {
        let environment = environment();
        let agent = Agent::of(&environment, "1.1");
        let elsewhere = environment.outside("elsewhere");
        let below = NEW.strip_prefix(part).unwrap().trim_start_matches('/');
        let place = elsewhere.join(below);
        fs_err::create_dir_all(&place).unwrap();
        fs_err::write(place.join("a"), agent.letter(&note("x")).to_string()).unwrap();
        let link = environment.path(part);
        fs_err::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&elsewhere, link).unwrap();
        assert_eq!(take(&environment), Drained::default(), "{part}");
        assert!(place.join("a").exists());
        assert_eq!(claims(&environment, "1.1"), Vec::<String>::new());
    }
}

#[test]
fn a_flood_is_bounded() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    for number in 0..600 {
        let letter = agent.letter(&note(&number.to_string()));
        put(&environment, &format!("{number:04}"), letter.to_string());
    }
    let mut rounds = 0;
    let mut refused = 0;
    while !names(&environment, "new").is_empty() {
        let drained = take(&environment);
        assert!(drained.taken + drained.refused.len() <= 64);
        refused += drained.refused.len();
        rounds += 1;
        assert!(rounds < 20);
    }
    assert_eq!(claims(&environment, "1.1").len(), 500);
    assert_eq!(refused, 100);
    for number in 0..150 {
        put(&environment, &format!("bad-{number:04}"), "x");
    }
    while !names(&environment, "new").is_empty() {
        take(&environment);
    }
    assert_eq!(names(&environment, "refused").len(), 200);
}

#[test]
fn several_at_once_take_each_letter_once() {
    const LETTERS: usize = 120;
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..LETTERS {
                let letter = agent.letter(&note(&number.to_string())).to_string();
                let draft = environment.path(format!(".airboss/inbox/tmp/{number:04}"));
                fs_err::create_dir_all(draft.parent().unwrap()).unwrap();
                fs_err::create_dir_all(environment.path(NEW)).unwrap();
                fs_err::write(&draft, letter).unwrap();
                fs_err::rename(draft, environment.path(format!("{NEW}/{number:04}"))).unwrap();
            }
        });
        for _ in 0..4 {
            scope.spawn(|| {
                let all = eventually(Duration::from_secs(60), || {
                    assert_eq!(take(&environment).refused, Vec::new());
                    claims(&environment, "1.1").len() >= LETTERS
                });
                assert!(all, "{:?}", names(&environment, "new"));
            });
        }
    });
    let mut claimed = claims(&environment, "1.1");
    claimed.sort_by_key(|claim| claim.trim_start_matches("note: ").parse::<usize>().unwrap());
    let expected: Vec<String> = (0..LETTERS)
        .map(|number| format!("note: {number}"))
        .collect();
    assert_eq!(claimed, expected);
    assert_eq!(names(&environment, "new"), Vec::<String>::new());
}

#[test]
fn where_the_store_cannot_be_written_the_inbox_takes_the_report() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    // A file in the way of the store's directory, as a sandbox is.
    let state = environment.path(".git/airboss");
    let aside = environment.outside("aside");
    fs_err::rename(&state, &aside).unwrap();
    fs_err::write(&state, "").unwrap();
    let report = agent.command(&environment, &["report", "note", "from a sandbox"]);
    let output = report.run();
    assert_output!(environment, output, @r#"
    exit code: 0
    ----- stdout -----
    {
      "claim": "note",
      "status": "left_in_inbox",
      "success": true,
      "taskId": null
    }
    ----- stderr -----
    "#);
    let refused = agent.command(&environment, &["report", "note", " "]).run();
    refused.expect_code(4);
    assert_eq!(names(&environment, "new").len(), 1);
    fs_err::remove_file(&state).unwrap();
    fs_err::rename(&aside, &state).unwrap();
    environment.assert_tree_clean();
    assert_eq!(take(&environment).taken, 1);
    assert_eq!(claims(&environment, "1.1"), ["note: from a sandbox"]);
}
