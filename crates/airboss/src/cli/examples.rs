//! An example or two for each command, which its `--help` and its manual page end with.
//!
//! They are text until somebody asks for help: nothing of them is declared when a command is called.
//! A test carries each of them out as it stands, in a repository that fits it.

use std::fmt::Write as _;

use clap::Command;

/// What an example does, and the line that a person types.
type Example = (&'static str, &'static str);

/// The examples of each command, by its words behind `airboss`; one line each, as in the help.
#[rustfmt::skip]
const ALL: &[(&str, &[Example])] = &[
    ("demo", &[
        ("Keep the repository, to look around in it afterwards", "airboss demo --into tour"),
    ]),
    ("run", &[
        ("What would be sent, and in which order", "airboss run plans/guide.md --dry-run"),
        ("Up to four agents side by side, told line by line", "airboss run plans/guide.md --jobs 4 --no-tui"),
    ]),
    ("pause", &[
        ("Send nothing new for now", "airboss pause"),
    ]),
    ("resume", &[
        ("Go on", "airboss resume"),
    ]),
    ("stop", &[
        ("End the run and what is running", "airboss stop --now"),
    ]),
    ("kill", &[
        ("End the newest attempt of step 1.1 without a question", "airboss kill 1.1 --yes"),
    ]),
    ("init", &[
        ("Adopt the board of this repository", "airboss init --yes"),
        ("Make a plan known without a flight", "airboss init plans/guide.md"),
    ]),
    ("plan", &[
        ("Let an agent plan task 56", "airboss plan 56 \"Keep it to one phase.\""),
    ]),
    ("plan show", &[
        ("Phases, steps and criteria", "airboss plan show plans/guide.md"),
    ]),
    ("plan check", &[
        ("Whether it can be flown", "airboss plan check plans/guide.md"),
    ]),
    ("research", &[
        ("What two agents would look into, side by side", "airboss research 53 --topics 2 --dry-run"),
        ("Say what matters", "airboss research 53 \"Which terminals wrap it?\""),
    ]),
    ("revise", &[
        ("The next version of its plan", "airboss revise 54 \"Measure it twice.\""),
    ]),
    ("implement", &[
        ("What two tasks would send", "airboss implement 52,54 --dry-run"),
        ("Carry the plan of a task out", "airboss implement 54"),
    ]),
    ("test", &[
        ("Run the project's checks for a task", "airboss test 51"),
    ]),
    ("debug", &[
        ("Begin with what a person has seen", "airboss debug 51 \"The banner is empty.\""),
    ]),
    ("document", &[
        ("Bring the documents up to date", "airboss document 51"),
    ]),
    ("coordinate", &[
        ("Research and plan a task", "airboss coordinate 53 --scope plan"),
        ("Make a task of what is to be done, and begin with it", "airboss coordinate \"Say hello in colour\" --scope research"),
    ]),
    ("handoff", &[
        ("Where a task stands, for whoever is next", "airboss handoff 54"),
    ]),
    ("prompt", &[
        ("What an agent would be sent", "airboss prompt 54 --stage implement"),
    ]),
    ("status", &[
        ("Where the plan stands", "airboss status"),
        ("The same for a program", "airboss status --json"),
    ]),
    ("progress", &[
        ("One line for a script", "airboss progress --format markers"),
    ]),
    ("phases", &[
        ("Each phase and how far it is", "airboss phases"),
    ]),
    ("next", &[
        ("At most five steps", "airboss next 5"),
    ]),
    ("check", &[
        ("Whether a step can be started", "airboss check 1.2"),
        ("What a step waits for", "airboss check 2.1"),
    ]),
    ("mark-started", &[
        ("A person works on it", "airboss mark-started 1.1"),
    ]),
    ("mark-complete", &[
        ("Done by hand; recorded as an override", "airboss mark-complete 1.1 --notes \"done by hand\""),
    ]),
    ("mark-failed", &[
        ("It did not work out", "airboss mark-failed 1.1 --error \"no paper\""),
    ]),
    ("mark-skipped", &[
        ("Leave it out", "airboss mark-skipped 1.2 --reason \"one chapter is enough\""),
    ]),
    ("mark-pending", &[
        ("Give it back", "airboss mark-pending 1.1"),
    ]),
    ("retry", &[
        ("Try it again, with all its retries", "airboss retry 1.2"),
    ]),
    ("answer", &[
        ("Tell the agent of step 1.3", "airboss answer 1.3 \"Blue.\""),
    ]),
    ("report", &[
        ("A page of its own for a browser", "airboss report --html report.html"),
        ("For a pull request", "airboss report --markdown"),
    ]),
    ("report progress", &[
        ("How far it is", "airboss report progress \"one of two chapters\""),
    ]),
    ("report note", &[
        ("For whoever reads the log", "airboss report note \"the paper is A4\""),
    ]),
    ("report finding", &[
        ("Kept for later steps", "airboss report finding \"the paper is A4\""),
    ]),
    ("report phase-started", &[
        ("It begins", "airboss report phase-started 1"),
    ]),
    ("report phase-done", &[
        ("It is done, the agent says", "airboss report phase-done 1"),
    ]),
    ("report artifact-ready", &[
        ("It is there", "airboss report artifact-ready guide/first.md"),
    ]),
    ("report ask", &[
        ("Wait for a person", "airboss report ask \"Which colour shall it have?\""),
    ]),
    ("mcp", &[
        ("Begun by an agent program that `airboss setup` told of it", "airboss mcp"),
    ]),
    ("write-findings", &[
        ("A sentence", "airboss write-findings 1.1 --content \"The paper is A4.\""),
        ("What a program prints", "git log --oneline | airboss write-findings 1.2 --stdin"),
    ]),
    ("read-findings", &[
        ("Print them", "airboss read-findings 1.1"),
    ]),
    ("retryable", &[
        ("Which steps can be tried again", "airboss retryable"),
    ]),
    ("exhausted", &[
        ("Which steps need a person", "airboss exhausted"),
    ]),
    ("increment-retry", &[
        ("Count one, and say why", "airboss increment-retry 1.2 --error \"the printer was off\""),
    ]),
    ("detect-stuck", &[
        ("Only name them", "airboss detect-stuck --dry-run"),
    ]),
    ("start-run", &[
        ("Its id is printed", "airboss start-run"),
    ]),
    ("complete-run", &[
        ("Ended with three steps done", "airboss complete-run run-1772000000000 --completed 3"),
    ]),
    ("runs", &[
        ("All of them", "airboss runs"),
    ]),
    ("task add", &[
        ("With what it waits for", "airboss task add \"Paint the corners\" --priority high --depends 52"),
    ]),
    ("task show", &[
        ("Everything about it", "airboss task show 52"),
    ]),
    ("task list", &[
        ("What is open", "airboss task list"),
        ("What stands still", "airboss task list --status blocked"),
    ]),
    ("task ready", &[
        ("What to begin with", "airboss task ready"),
    ]),
    ("task status", &[
        ("With a phase of its plan", "airboss task status 52 completed --phase 2=completed"),
    ]),
    ("task phase", &[
        ("Somebody works on the second one", "airboss task phase 52 2=in_progress"),
    ]),
    ("task block", &[
        ("Say what it waits for", "airboss task block 53 --reason \"the words are not decided\""),
    ]),
    ("task unblock", &[
        ("It can go on", "airboss task unblock 55"),
    ]),
    ("task abandon", &[
        ("Give it up", "airboss task abandon 55 --reason \"one colour is enough\""),
    ]),
    ("task edit", &[
        ("Two fields at once", "airboss task edit 53 --effort \"3 hours\" --priority low"),
    ]),
    ("task expand", &[
        ("Two tasks instead of one", "airboss task expand 53 \"Shorten the first line\" \"Drop the second\""),
    ]),
    ("task reorder", &[
        ("Before all others of its section", "airboss task reorder 53 --first"),
    ]),
    ("task archive", &[
        ("Put one away", "airboss task archive 51"),
    ]),
    ("task renumber", &[
        ("Whatever names it follows", "airboss task renumber 53 61"),
    ]),
    ("task link", &[
        ("A file that was made for it", "airboss task link 53 README.md --kind research"),
    ]),
    ("task unlink", &[
        ("The file stays", "airboss task unlink 56 specs/056_write_the_manual_page/reports/research-001.md"),
    ]),
    ("task plan", &[
        ("Give a task a plan", "airboss task plan 53 plans/guide.md"),
    ]),
    ("archive", &[
        ("What would be moved", "airboss archive --finished --dry-run"),
        ("Move it", "airboss archive --finished"),
    ]),
    ("undo", &[
        ("Take the newest change back", "airboss undo"),
    ]),
    ("blame", &[
        ("Who changed what of it, and when", "airboss blame 53"),
    ]),
    ("restore", &[
        ("What would change", "airboss restore --from HEAD~1 53 --dry-run"),
        ("As it was one commit ago", "airboss restore --from HEAD~1 53"),
    ]),
    ("rebuild", &[
        ("From the files, although nothing is broken", "airboss rebuild --force"),
    ]),
    ("errors", &[
        ("In groups, those that are not fixed", "airboss errors --open"),
    ]),
    ("errors list", &[
        ("Those of one task", "airboss errors list --task 53"),
    ]),
    ("errors show", &[
        ("By the beginning of its id", "airboss errors show err_1"),
    ]),
    ("errors resolve", &[
        ("It is fixed", "airboss errors resolve err_1"),
    ]),
    ("errors fix", &[
        ("Make a task of its cause", "airboss errors fix git_commit_failed@53"),
    ]),
    ("review", &[
        ("What nobody goes on with", "airboss review"),
        ("In a nightly check", "airboss review --check --quiet"),
    ]),
    ("export", &[
        ("The whole board", "airboss export > board.json"),
        ("Its whole history", "airboss export --history > history.ndjson"),
    ]),
    ("import", &[
        ("Begin a board with it", "airboss import board.json"),
    ]),
    ("conflicts", &[
        ("Both sides of each", "airboss conflicts"),
    ]),
    ("conflicts list", &[
        ("The same for a program", "airboss conflicts list --json"),
    ]),
    ("conflicts take", &[
        ("The file is right", "airboss conflicts take 3f9c2a"),
    ]),
    ("conflicts keep", &[
        ("The board is right", "airboss conflicts keep 3f9c2a"),
    ]),
    ("why", &[
        ("What was tried, and what was found", "airboss why 1.2"),
        ("One attempt alone", "airboss why 1.2#1"),
    ]),
    ("replay", &[
        ("All of the newest attempt at once", "airboss replay 1.1"),
        ("With its pauses, eight times as fast", "airboss replay 1.1#1 --speed 8"),
    ]),
    ("log", &[
        ("The newest ten changes", "airboss log --limit 10"),
        ("Those of one step", "airboss log 1.2"),
    ]),
    ("graph", &[
        ("For a Markdown file", "airboss graph --mermaid"),
        ("A picture", "airboss graph --svg plan.svg"),
    ]),
    ("watch", &[
        ("What has happened so far, and ends with the reader", "airboss watch --since 0 | head -n 5"),
    ]),
    #[cfg(feature = "tui")]
    ("tui", &[
        ("Without signs that a terminal may lack", "airboss tui --ascii"),
    ]),
    ("validate", &[
        ("The current plan", "airboss validate"),
    ]),
    ("verify", &[
        ("After a merge, or in a hook", "airboss verify"),
    ]),
    ("sync", &[
        ("Whether something differs", "airboss sync --check"),
        ("Make it equal", "airboss sync"),
    ]),
    ("doctor", &[
        ("Look at everything", "airboss doctor"),
        ("Do what is safe", "airboss doctor --fix"),
    ]),
    ("selftest", &[
        ("Before trusting a new file system", "airboss selftest --crash --seconds 5"),
    ]),
    ("config show", &[
        ("And which file says so", "airboss config show --origin"),
    ]),
    ("config path", &[
        ("Which files are read", "airboss config path"),
    ]),
    ("setup", &[
        ("What would be written", "airboss setup claude --dry-run"),
        ("Write it", "airboss setup claude"),
    ]),
    ("trust", &[
        ("After reading them", "airboss trust --yes"),
    ]),
    ("completions", &[
        ("For this shell", "airboss completions bash > airboss.bash"),
    ]),
    ("man", &[
        ("A page for each command", "airboss man --dir man1"),
    ]),
];

/// The program with all its subcommands declared, each with its examples.
#[must_use]
pub(super) fn told(mut program: Command) -> Command {
    // What is declared only when it is called is declared by this.
    program.build();
    ALL.iter().fold(program, |program, (path, examples)| {
        below(program, path, examples)
    })
}

/// A command with the examples of one of its subcommands.
fn below(command: Command, path: &str, examples: &[Example]) -> Command {
    if path.is_empty() {
        let text = text(&command, examples);
        return command.after_long_help(text);
    }
    let (name, rest) = path.split_once(' ').unwrap_or((path, ""));
    command.mut_subcommand(name, |subcommand| below(subcommand, rest, examples))
}

/// The examples as help shows them, under a heading like those of clap.
fn text(command: &Command, examples: &[Example]) -> String {
    let style = command.get_styles().get_header();
    let mut text = format!("{style}Examples:{style:#}");
    for (what, line) in examples {
        // Writing to a string cannot fail.
        write!(text, "\n  # {what}\n  {line}").ok();
    }
    text
}
