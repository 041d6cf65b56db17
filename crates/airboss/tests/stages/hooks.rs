//! What hooks are told of stages.

use crate::{TASK, begun, honest, ran, section};

#[test]
fn a_stage_is_told_once_the_board_says_so_too() {
    let environment = begun(&honest());
    environment.config(
        "[hooks.keep]\n\
         command = [\"sh\", \"-c\", \"cat >> ../events; grep -m1 Status specs/TODO.md >> ../events\"]\n\
         of = \"run\"\n",
    );
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    let nothing = section("p1", &["{ say = \"Done.\" }".to_owned()]);
    environment.script(&nothing);
    ran(&environment, ["implement", "1", "-q"]).expect_code(1);
    let text = fs_err::read_to_string(environment.outside("events")).unwrap();
    let lines: Vec<String> = text
        .lines()
        .map(
            |line| match serde_json::from_str::<serde_json::Value>(line) {
                Ok(told) => ["event", "task", "stage", "plan", "reason"]
                    .map(|key| told[key].to_string())
                    .join(" "),
                Err(_) => line.to_owned(),
            },
        )
        .collect();
    let lines = lines.join("\n").replace(TASK, "TASK");
    insta::assert_snapshot!(lines, @r#"
    "done" 1 "plan" "TASK/plan" "1 done and 0 failed in this run"
    - **Status**: [PLANNED]
    "failed" 1 "implement" "TASK/plans/implementation-001" "0 done and 1 failed in this run"
    - **Status**: [PLANNED]
    "#);
}
