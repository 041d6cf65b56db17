//! Which agent, model, limits and prompt a stage of a task gets.

use airboss_testkit::TestEnvironment;

use crate::{begun, honest, ran, status};

/// Routes of a file of the repository; the last one names an agent of the test's configuration.
const ROUTES: &str = "\
[[route]]
agent = \"claude\"

[[route]]
stage = \"plan\"
model = \"deep\"
limits.deadline = \"90 min\"

[[route]]
language = \"lean\"
stage = \"plan\"
agent = \"codex\"
limits.retries = 0

[[route]]
label = \"urgent\"
stage = \"plan\"
agent = \"claude\"

[[route]]
stage = \"research\"
template = \"short\"
";

fn routed() -> TestEnvironment {
    let environment = begun(&honest());
    environment.write("airboss.toml", ROUTES);
    environment.write(".airboss/prompts/short.md", "Look at {{title}}.\n");
    environment
        .run(["task", "add", "Prove it", "--language", "Lean"])
        .expect_code(0);
    environment
}

/// The line that says which route applies.
fn told(environment: &TestEnvironment, arguments: &[&str]) -> String {
    let output = environment.run(arguments);
    output.expect_code(0);
    output.stderr.trim_end().to_owned()
}

#[test]
fn the_most_specific_route_is_taken_and_named() {
    let environment = routed();
    let check = |arguments: &str, expected: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        assert_eq!(told(&environment, &arguments), expected, "{arguments:?}");
    };
    check(
        "prompt 1 --stage debug",
        "route airboss.toml:2 (every stage): agent claude",
    );
    check(
        "prompt 1 --stage plan",
        "route airboss.toml:5 (stage = plan): agent plain, model deep, deadline 1 h 30 min",
    );
    check(
        "prompt 2 --stage plan",
        "route airboss.toml:10 (stage = plan, language = lean): agent codex, retries 0",
    );
    check(
        "prompt 1 --stage research",
        "route airboss.toml:21 (stage = research): agent plain, template short",
    );
    check(
        "plan 1 --dry-run --agent codex",
        "route airboss.toml:5 (stage = plan): agent codex, as asked for, deadline 1 h 30 min",
    );
    let todo = environment.read("specs/TODO.md");
    let (before, own) = todo.split_once("### 1.").unwrap();
    let own = own.replacen(
        "- **Priority**",
        "- **Labels**: x, `Urgent`\n- **Priority**",
        1,
    );
    let labelled = format!("{before}### 1.{own}");
    environment.write("specs/TODO.md", labelled);
    check(
        "prompt 1 --stage plan",
        "route airboss.toml:16 (stage = plan, label = urgent): agent claude",
    );
    environment.write("airboss.toml", "");
    check("prompt 1 --stage plan", "");
    environment.write(
        "airboss.toml",
        "[[route]]\nstage = \"debug\"\nmodel = \"m\"\n",
    );
    check("prompt 1 --stage plan", "no route matches; agent plain");
}

#[test]
fn a_route_is_flown() {
    let environment = begun(&honest());
    environment.write(
        "airboss.toml",
        "[[route]]\nstage = \"plan\"\nagent = \"codex\"\n",
    );
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    assert_eq!(status(&environment), "[PLANNED]");
    let why = environment.run(["why", "implementation-001"]).stdout;
    assert!(why.contains("codex"), "{why}");
}

#[test]
fn a_route_as_json() {
    let environment = routed();
    let told = environment.run(["prompt", "2", "--stage", "plan", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let route = &value["data"]["route"];
    insta::assert_snapshot!(route, @r#"
    {"agent":"codex","agent_as_asked_for":false,"conditions":["stage = plan","language = lean"],"deadline":"2 h","idle":"1 s","model":null,"place":"airboss.toml:10","retries":0,"template":null}
    "#);
    assert_eq!(value["data"]["prompts"][0]["id"], "implementation-001");
}

#[test]
fn routes_that_cannot_be_taken() {
    let environment = routed();
    let check = |text: &str, expected: &str| {
        environment.write("airboss.toml", text);
        let told = environment.run(["prompt", "1", "--stage", "plan"]);
        assert_eq!((told.code(), told.stdout.as_str()), (4, ""), "{text}");
        let first = told.stderr.lines().next().unwrap_or_default();
        assert_eq!(first, format!("Error: {expected}"), "{text}");
    };
    check(
        "[[route]]\nagent = \"nobody\"\n",
        "there is no agent `nobody`",
    );
    check(
        "[[route]]\ntemplate = \"../../etc/passwd\"\n",
        "airboss.toml:2: the template \"../../etc/passwd\" cannot be used; the name of a file in \
         `.airboss/prompts` is expected, without `.md`",
    );
    check(
        "[[route]]\ntemplate = \"lost\"\n",
        ".airboss/prompts/lost.md is not there, and a route names it as the prompt",
    );
    check(
        "[[route]]\nstage = \"implement\"\ntemplate = \"x\"\n",
        "airboss.toml:2: a route of `implement` has no template: the plan's phases are the prompt",
    );
    check(
        "[route]\nstage = \"plan\"\n",
        "airboss.toml:1: `route` cannot be used; sections [[route]] are expected",
    );
    check(
        "[[route]]\nstage = \"test\"\n",
        "airboss.toml:2: `route.1.stage` cannot be used; one of research, plan, revise, \
         implement, debug, document is expected",
    );
}

#[test]
fn routes_are_shown_in_the_order_in_which_they_count() {
    let environment = begun(&honest());
    environment.raw_config("[[route]]\nagent = \"mine\"\n[run]\nagent = \"codex\"\n");
    environment.write(
        "airboss.toml",
        "[[route]]\nstage = \"plan\"\nlable = \"x\"\nlimits.idle = \"5 min\"\n[[route]]\nmodel = \"m\"\n",
    );
    let told = environment.run(["config", "show", "--origin"]);
    assert_eq!(told.code(), 0, "{told:?}");
    assert_eq!(
        told.stderr,
        "warning: airboss.toml:3: unknown setting `route.1.lable`; did you mean `label`?\n"
    );
    let from = told.stdout.find("# of the routes").unwrap_or_default();
    let end = told.stdout.find("[limits]").unwrap_or_default();
    environment.settings().bind(|| {
        insta::assert_snapshot!(&told.stdout[from..end], @r#"
    # of the routes that match, the one with the most conditions wins; of equals the first
    [[route]]
    stage = "plan"         # airboss.toml:2
    limits.idle = "5 min"  # airboss.toml:4

    [[route]]
    model = "m"  # airboss.toml:6

    [[route]]
    agent = "mine"  # [ROOT]/config/airboss/config.toml:2
    "#);
    });
    // What is shown can be read again.
    let shown = environment.run(["config", "show"]).stdout;
    environment.raw_config(&shown);
    environment.write("airboss.toml", "");
    assert_eq!(environment.run(["config", "show"]).stdout, shown);
}
