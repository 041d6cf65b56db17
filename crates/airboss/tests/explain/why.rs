//! `why` and `answer`.

use crate::support::{PLAN, check, environment, flown, prepared};

#[test]
fn a_step_that_was_done_at_once() {
    check!(flown(), ["why", "1.1"], @r#"
    exit code: 0
    ----- stdout -----
    1.1 is done: changed guide/first.md; committed as [COMMIT]
      Write `guide/first.md`
      phase 1, Chapters · plans/guide.md

    Attempts
      #1 ✓ verified   claude, [T], [INSTANT]
          claimed   wrote guide/first.md; “Chapter 1.1 is written.”
          found   guide/first.md (new)
    ----- stderr -----
    "#);
}

#[test]
fn a_lie_and_its_correction() {
    check!(flown(), ["why", "1.2"], @r#"
    exit code: 0
    ----- stdout -----
    1.2 is done: changed guide/second.md; committed as [COMMIT]
      Write `guide/second.md`
      phase 1, Chapters · plans/guide.md

    Attempts (retries 1 of 2)
      #1 ? unverified  claude, [T], [INSTANT]: `guide/second.md` is missing; refused tools:
                       Bash
          claimed   wrote guide/second.md; “All done perfectly!”
          found   no file of its own changed; guide/second.md is missing
          denied   Bash
      #2 ✓ verified   claude, [T], [INSTANT]
          claimed   wrote guide/second.md; “Chapter 1.2 is written.”
          found   guide/second.md (new)
    ----- stderr -----
    "#);
}

#[test]
fn an_agent_that_hung() {
    check!(flown(), ["why", "1.3"], @r#"
    exit code: 0
    ----- stdout -----
    1.3 is done: changed guide/third.md; committed as [COMMIT]
      Write `guide/third.md`
      phase 1, Chapters · plans/guide.md

    Attempts (retries 1 of 2)
      #1 ✗ failed   claude, [T], [INSTANT]: it hung and was ended
          process   ended by airboss (no output and no processor time); died of signal 2
          claimed   “Thinking.”
          found   no file of its own changed; guide/third.md is missing
          leaked   after the agent's end 1 process was killed
          stderr
                  │ a complaint
      #2 ✓ verified   claude, [T], [INSTANT]
          claimed   wrote guide/third.md; “Chapter 1.3 is written.”
          found   guide/third.md (new)
    ----- stderr -----
    "#);
}

#[test]
fn a_red_gate() {
    check!(flown(), ["why", "1.4"], @r#"
    exit code: 0
    ----- stdout -----
    1.4 is done: changed guide/fourth.md, 1 gate green; committed as [COMMIT]
      Write `guide/fourth.md`
      phase 1, Chapters · plans/guide.md

    Attempts (retries 1 of 2)
      #1 ✗ failed   claude, [T], [INSTANT]: gate `todo` exited with 1
          claimed   wrote guide/fourth.md; “Written.”
          found   guide/fourth.md (new); guide/fourth.md is an unfilled skeleton
          gate ✗   todo: `! grep -rn TODO guide`: exit 1 after [T] on tree [COMMIT]
                    │ guide/fourth.md:3:TODO
      #2 ✓ verified   claude, [T], [INSTANT]
          claimed   wrote guide/fourth.md; “Chapter 1.4 is written.”
          found   guide/fourth.md (new)
          gate ✓   todo: `! grep -rn TODO guide`: exit 0 after [T] on tree [COMMIT]
    ----- stderr -----
    "#);
}

#[test]
fn a_question() {
    check!(flown(), ["why", "2.1"], @r#"
    exit code: 0
    ----- stdout -----
    2.1 needs an answer: Which colour shall the cover have?
      Write `guide/cover.md`
      phase 2, Cover · plans/guide.md

    hint:  `airboss answer 2.1 TEXT` answers

    Attempts
      #1 ⁇ waiting   claude, [T], [INSTANT]
          found   no file of its own changed; guide/cover.md is missing
    ----- stderr -----
    "#);
}

#[test]
fn retries_that_are_used_up() {
    check!(flown(), ["why", "2.2"], @r#"
    exit code: 0
    ----- stdout -----
    2.2 failed, and its retries are used up: the agent stopped for its limit of turns: too many turns
      Write `guide/index.md`
      phase 2, Cover · plans/guide.md

    Attempts (retries 2 of 2)
      #1 ✗ failed   claude, [T], [INSTANT]: the agent stopped for its limit of turns: too
                       many turns
          process   exited with 1
          found   no file of its own changed; guide/index.md is missing
      #2 ✗ failed   claude, [T], [INSTANT]: the agent stopped for its limit of turns: too
                       many turns
          process   exited with 1
          found   no file of its own changed; guide/index.md is missing
      #3 ✗ failed   claude, [T], [INSTANT]: the agent stopped for its limit of turns: too
                       many turns
          process   exited with 1
          found   no file of its own changed; guide/index.md is missing
    ----- stderr -----
    "#);
}

#[test]
fn a_step_that_is_blocked() {
    check!(flown(), ["why", "3.1"], @r#"
    exit code: 0
    ----- stdout -----
    3.1 is blocked by 2.1, 2.2
      Write `guide/book.md`
      phase 3, Print · plans/guide.md

    Blocked by
      2.1  needs an answer: Which colour shall the cover have? (Write `guide/cover.md`)
      2.2  failed, and its retries are used up: the agent stopped for its limit of turns: too many turns
           (Write `guide/index.md`)
    ----- stderr -----
    "#);
}

#[test]
fn a_step_that_a_person_skipped() {
    check!(flown(), ["why", "3.2"], @r#"
    exit code: 0
    ----- stdout -----
    3.2 was skipped: there are none
      Write `guide/errata.md`
      phase 3, Print · plans/guide.md

    By command
      [INSTANT]  marked skipped by a person: there are none
    ----- stderr -----
    "#);
}

#[test]
fn one_attempt_of_several() {
    check!(flown(), ["why", "1.2#1"], @r#"
    exit code: 0
    ----- stdout -----
    attempt 1 at step 1.2 was judged unverified: `guide/second.md` is missing; refused tools: Bash
      Write `guide/second.md`
      phase 1, Chapters · plans/guide.md

      #1 ? unverified  claude, [T], [INSTANT]: `guide/second.md` is missing; refused tools:
                       Bash
          claimed   wrote guide/second.md; “All done perfectly!”
          found   no file of its own changed; guide/second.md is missing
          expected  guide/second.md; its directory holds first.md; it was waited for, [T]
          did last  Bash rm -r guide
          look   `airboss replay 1.2#1` has all that it said and did
          denied   Bash
          then   again, not before [INSTANT]
    ----- stderr -----
    "#);
}

#[test]
fn a_step_as_json_says_the_same() {
    let output = flown().run(["why", "3.1", "--json"]);
    output.expect_code(0);
    let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(value["schema_version"], 1);
    let data = &value["data"];
    assert_eq!(data["standing"], "blocked");
    assert_eq!(data["state"]["status"], "pending");
    assert_eq!(data["held_back_by"][0]["id"], "2.1");
}

#[test]
fn what_does_not_exist() {
    let flown = flown();
    check!(flown, ["why", "9.9"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `9.9` is neither a step nor the beginning of an attempt's id
    hint: `airboss status` lists the steps, `airboss log` what happened
    "#);
    check!(flown, ["why", "1.22"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `1.22` is neither a step nor the beginning of an attempt's id
    hint: is `1.2` meant?
    "#);
    check!(flown, ["why", "1.2#9"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.2 had 2 attempts so far, not 9
    hint: `airboss why 1.2` lists them
    "#);
    check!(flown, ["why", "1.2#x"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `1.2#x` names no attempt
    hint: `2.3#1` is the first attempt at step 2.3
    "#);
    check!(flown, ["why", "1.1", "--plan", "plans/other.md"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nothing is recorded of the plan plans/other.md
    hint: known plans: plans/guide.md
    "#);
}

#[test]
fn a_prefix_of_several_attempts_is_refused_with_their_names() {
    let flown = flown();
    // Ids begin with their time, so all of a flight begin alike.
    let output = flown.run(["why", "01"]);
    output.expect_code(4);
    let told = output.told("begins the ids of several attempts");
    assert_eq!(told.len(), 1, "{output}");
    assert_eq!(output.told("hint:").len(), 11, "{output}");
}

#[test]
fn without_a_store_there_is_a_hint() {
    let environment = environment();
    let before = environment.state();
    check!(environment, ["why", "1.1"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nothing is recorded in [WORK] yet
    hint: `airboss run PLAN` flies a plan and records what happens
    "#);
    assert_eq!(environment.state(), before);
    assert!(!environment.path(".git/airboss").exists());
}

#[test]
fn without_its_plan_a_step_is_told_from_the_store() {
    let environment = prepared();
    environment
        .run(["run", PLAN, "--agent", "claude", "--max-attempts", "1"])
        .expect_code(124);
    fs_err::remove_file(environment.path(PLAN)).unwrap();
    check!(environment, ["why", "1.1"], @r#"
    exit code: 0
    ----- stdout -----
    1.1 is done: changed guide/first.md; committed as [COMMIT]
      Write `guide/first.md`
      phase 1, Chapters · plans/guide.md

    warning:  the plan file plans/guide.md is gone; below is what was recorded when it last could be
              read

    Attempts
      #1 ✓ verified   claude, [T], [INSTANT]
          claimed   wrote guide/first.md; “Chapter 1.1 is written.”
          found   guide/first.md (new)
    ----- stderr -----
    "#);
    check!(environment, ["why", "2.1"], @r#"
    exit code: 0
    ----- stdout -----
    2.1 is pending
      Write `guide/cover.md`
      phase 2, Cover · plans/guide.md

    warning:  the plan file plans/guide.md is gone; below is what was recorded when it last could be
              read
    ----- stderr -----
    "#);
}

#[test]
fn a_question_is_answered_once_and_the_flight_goes_on() {
    let environment = prepared();
    environment
        .run(["run", PLAN, "--agent", "claude"])
        .expect_code(1);
    check!(environment, ["answer", "1.1", "blue"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.1 does not wait for an answer: it is completed
    hint: `airboss why 1.1` says where it stands
    "#);
    check!(environment, ["answer", "2.1", " "], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the answer is empty
    "#);
    check!(environment, ["answer", "2.1", "blue", "--id", "one"], @r#"
    exit code: 0
    ----- stdout -----
    {
      "success": true,
      "taskId": "2.1"
    }
    ----- stderr -----
    "#);
    check!(environment, ["answer", "2.1", "blue", "--id", "one"], @r#"
    exit code: 0
    ----- stdout -----
    {
      "success": true,
      "taskId": "2.1"
    }
    ----- stderr -----
    "#);
    check!(environment, ["answer", "2.1", "red"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 2.1 was answered already, and no run has gone on with it yet
    hint: `airboss why 2.1` says where it stands
    "#);
    check!(environment, ["why", "2.1"], @r#"
    exit code: 0
    ----- stdout -----
    2.1 is ready: it was answered; `airboss run` goes on
      Write `guide/cover.md`
      phase 2, Cover · plans/guide.md

    Attempts
      #1 ⁇ waiting   claude, [T], [INSTANT]
          found   no file of its own changed; guide/cover.md is missing

    By command
      [INSTANT]  answered by a person: blue
    ----- stderr -----
    "#);
}
