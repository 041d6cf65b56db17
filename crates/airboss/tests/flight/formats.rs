//! A whole plan, unattended, in each format.

use crate::support::*;

#[test]
fn x() {
    let environment = environment();
    environment.plan(PLAN, ten_steps());
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN]);
    println!("{output}");
    println!("{}", environment.git(["log", "--stat"]));
    println!("{}", environment.read("docs/plan-outputs/work/status.json"));
    println!("{:?}", environment.tree().keys());
    environment.assert_no_process_left();
}
