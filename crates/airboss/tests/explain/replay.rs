//! `replay`.

use crate::support::{check, flown};

#[test]
fn a_stream_is_told_again() {
    let flown = flown();
    check!(flown, ["replay", "1.1"], @r#"
    exit code: 0
    ----- stdout -----
    [T]  session   [SESSION][ID], scripted, version 0.0.0
    [T]  tool   Write guide/first.md
    [T]  done   Write guide/first.md after [T]
    [T]  tool   Bash cat guide/first.md
    [T]  done   Bash cat guide/first.md after [T]
    [T]  text   Chapter 1.1 is written.
    [T]  usage   360 tokens read (60 cached), 30 written, $0.00
    [T]  end   says success, completed
    [T]  exit   exited with 0
    ----- stderr -----
    1.1#1 by claude, begun [INSTANT]
    "#);
    check!(flown, ["replay", "1.2#1"], @r#"
    exit code: 0
    ----- stdout -----
    [T]  session   [SESSION][ID], scripted, version 0.0.0
    [T]  tool   Write guide/second.md
    [T]  done   Write guide/second.md after [T]
    [T]  tool   Bash rm -r guide
    [T]  denied   Bash: not permitted
    [T]  text   All done perfectly!
    [T]  usage   360 tokens read (60 cached), 30 written, $0.00
    [T]  end   says success, completed
    [T]  exit   exited with 0
    ----- stderr -----
    1.2#1 by claude, begun [INSTANT]
    "#);
    check!(flown, ["replay", "1.3#1"], @r#"
    exit code: 0
    ----- stdout -----
    [T]  session   [SESSION][ID], scripted, version 0.0.0
    [T]  text   Thinking.
    [T]  exit   ended by airboss (no output and no processor time); died of signal 2
    ----- stderr -----
    1.3#1 by claude, begun [INSTANT]
    1 line of standard error not shown (--stderr)
    "#);
    check!(flown, ["replay", "2.2#1"], @r#"
    exit code: 0
    ----- stdout -----
    [T]  session   [SESSION][ID], scripted, version 0.0.0
    [T]  retry   1 of 10 in [T] (HTTP 529): server_error
    [T]  unknown   text: what is this
    [T]  end   says failure, its limit of turns was reached: too many turns
    [T]  exit   exited with 1
    ----- stderr -----
    2.2#1 by claude, begun [INSTANT]
    "#);
    check!(flown, ["replay", "2.1"], @r#"
    exit code: 0
    ----- stdout -----
    [T]  session   [SESSION][ID], scripted, version 0.0.0
    [T]  tool   AskUserQuestion {"questions":[{"header":"Question","multiSelect":false,"options":[],"question":"Which colour shall the c…
    [T]  asks   Which colour shall the cover have?
    [T]  done   AskUserQuestion {"questions":[{"header":"Question","multiSelect":false,"options":[],"question":"Which colour shall the c… after [T]
    [T]  usage   120 tokens read (20 cached), 10 written, $0.00
    [T]  end   says success, completed
    [T]  exit   exited with 0
    ----- stderr -----
    2.1#1 by claude, begun [INSTANT]
    "#);
}

#[test]
fn standard_error_stands_beside_what_was_said() {
    // The two streams are two pipes: which line comes first is chance.
    let output = flown().run(["replay", "1.3#1", "--stderr"]);
    let complaint = |line: &str| line.ends_with("stderr    a complaint");
    assert!(output.stdout.lines().any(complaint), "{output}");
    assert!(output.told("not shown").is_empty(), "{output}");
}

#[test]
fn what_was_never_attempted_cannot_be_replayed() {
    check!(flown(), ["replay", "3.1"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 3.1 was never attempted
    hint: `airboss why 3.1` says why not
    "#);
}

#[test]
fn raw_is_what_was_received() {
    let flown = flown();
    let output = flown.run(["replay", "1.2#1", "--raw"]);
    output.expect_code(0);
    assert!(output.stderr.is_empty(), "{output}");
    for line in output.stdout.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert_ne!(output.stdout.matches("perfectly").count(), 0, "{output}");
    let errors = flown.run(["replay", "1.3#1", "--raw", "--stderr"]);
    assert_eq!(errors.stdout, "a complaint\n");
}

#[test]
fn updates_come_as_json_lines_with_their_times() {
    let output = flown().run(["replay", "1.1", "--json"]);
    output.expect_code(0);
    let updates: Vec<serde_json::Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(updates[0]["data"]["update"], "session_started");
    assert_eq!(updates.last().unwrap()["data"]["update"], "ended");
    let offsets = updates
        .iter()
        .map(|update| update["data"]["offset_ms"].as_i64().unwrap());
    assert!(offsets.is_sorted());
}
