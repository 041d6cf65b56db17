//! The terminal is given back whatever comes, and nothing is drawn where nothing can be flown.

use airboss_testkit::environment::TestEnvironment;
use rustix::process::Signal;

/// What takes the alternate screen, and what gives it back.
const TAKEN: &str = "\u{1b}[?1049h";
const GIVEN: &str = "\u{1b}[?1049l";

fn environment() -> TestEnvironment {
    TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"))
}

#[test]
fn signals_give_the_terminal_back() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 143), (Signal::INT, 0)] {
        let environment = environment();
        let mut terminal = environment
            .command(["tui"])
            .env("TERM", "xterm-256color")
            .on_terminal();
        terminal.expect(TAKEN);
        // Only cells that changed are written: this part of the line is new.
        terminal.expect("yet; `airboss run PLAN` begins");
        terminal.signal(signal);
        let (ended, screen) = terminal.wait();
        assert_eq!(ended, code, "{signal:?}");
        assert!(
            screen.ends_with("\u{1b}[?25h") && screen.contains(GIVEN),
            "{screen:?}"
        );
    }
}

#[test]
fn keys_end_it_too() {
    let environment = environment();
    let mut terminal = environment
        .command(["tui"])
        .env("TERM", "xterm-256color")
        .on_terminal();
    terminal.expect("yet; `airboss run PLAN` begins");
    terminal.press("q");
    let (code, screen) = terminal.wait();
    assert_eq!(code, 0);
    assert!(screen.contains(GIVEN), "{screen:?}");
}

#[test]
fn what_cannot_be_flown_is_refused_as_ever() {
    let environment = environment();
    environment.plan(
        "plans/bad.md",
        "# Plan\n\n### Phase 1: One [NOT STARTED]\n- [ ] 1.1 Do (depends: 9.9)\n",
    );
    for (arguments, code) in [
        (&["run", "plans/none.md"][..], 4),
        (&["run", "plans/bad.md"], 4),
        (&["run", "plans/bad.md", "--agent", "nobody"], 4),
    ] {
        let plain = environment.run(arguments);
        let terminal = environment
            .command(arguments)
            .env("TERM", "xterm-256color")
            .on_terminal();
        let (ended, screen) = terminal.wait();
        assert_eq!((ended, plain.code()), (code, code), "{screen}");
        assert!(!screen.contains(TAKEN), "{screen:?}");
        let words = anstream::adapter::strip_str(&screen).to_string();
        assert_eq!(words.trim(), plain.stderr.trim());
    }
    assert!(
        !environment.path(".git/airboss").exists(),
        "nothing was changed"
    );
}

#[test]
fn without_a_terminal_there_is_none() {
    let environment = environment();
    let output = environment.run(["tui"]);
    output.expect_code(2);
    let expected = "Error: the terminal interface needs a terminal\n\
                    hint: `airboss watch` tells the same line by line, `airboss status` once\n";
    assert_eq!(output.stderr, expected);
}

#[test]
fn lines_are_printed_where_they_are_wanted() {
    let environment = environment();
    environment.plan(
        "plans/one.md",
        "# Plan\n\n### Phase 1: One [NOT STARTED]\n- [ ] 1.1 Write `out/1-1.txt`\n",
    );
    environment
        .script("[default]\nactions = [ { write = \"out/{slug}.txt\", text = \"x\\n\" } ]\n");
    for (more, variable) in [(&["--no-tui"][..], "LC_ALL"), (&[][..], "CI")] {
        let arguments = ["run", "plans/one.md"].iter().chain(more);
        let command = environment.command(arguments).env("TERM", "xterm-256color");
        let (code, screen) = command.env(variable, "C").on_terminal().wait();
        assert_eq!(code, 0, "{screen}");
        assert!(!screen.contains(TAKEN), "{screen:?}");
    }
}
