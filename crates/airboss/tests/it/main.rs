//! The program as its callers see it: every command, every error, many at once.
//!
//! A snapshot holds standard output, standard error and the exit code. Plans are neutral and
//! written here.

mod commands;
mod concurrent;
mod errors;
mod settings;
mod setup;
mod status_file;

use airboss_testkit::TestEnvironment;

/// A plan with two phases; the second waits for the first.
const PLAN: &str = "\
# Plan: Demo

### Phase 1: Measure [NOT STARTED]

**Tasks**:
- [ ] 1.1 Measure the width
- [ ] 1.2 Measure the height

### Phase 2: Mend [NOT STARTED]

**Dependencies**: Phase 1

**Tasks**:
- [ ] 2.1 Mend what is too wide
";

/// An environment with [`PLAN`].
fn demo() -> TestEnvironment {
    let environment = empty();
    environment.plan("plans/demo.md", PLAN);
    environment
}

/// An environment with [`PLAN`], registered.
fn registered() -> TestEnvironment {
    let environment = demo();
    environment.run(["init", "plans/demo.md"]).expect_code(0);
    environment
}

/// An environment without a plan.
fn empty() -> TestEnvironment {
    TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"))
}
