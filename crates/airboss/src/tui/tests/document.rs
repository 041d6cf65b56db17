//! `docs/tui.md` lists the keys that there are.

use std::path::Path;

use super::super::app::keys::{Scope, TABLE};

fn document() -> String {
    let mut text = String::from(
        "# The terminal interface\n\n\
         `airboss run` on a terminal, and `airboss tui` from any other process on the same board. \
         What is shown is read from the store and the recordings, and nothing of a run depends on \
         it. Every change is made by the program's own commands, as if they were typed.\n\n\
         ## What is seen\n\n\
         | panel | what it holds |\n|---|---|\n\
         | header | the plan, its run, for how long; every step counted; money, tokens, attempts, agents, board |\n\
         | Progress | phases with their counts; the phase that is flown is open |\n\
         | In progress | each attempt: agent, what it does, its tool and for how long, when it was heard last; `~` marks agents that tell of a tool only when it has ended |\n\
         | Activity | tools as they start, finished ones with duration and outcome, what agents say and claim |\n\
         | Landed | attempts with their verdict, duration and commit |\n\
         | Needs you | questions, permissions, failures, limits with their end, conflicts, commits that wait |\n\
         | Errors | failures of board commands that nobody has settled |\n\n\
         A sign or a word stands beside every colour. In ASCII mode each sign has another: `+` for \
         `✓`, `x` for `✗`, `*` for `●`, `%` for `⊘`.\n\n\
         ## Keys\n\n| keys | what they do |\n|---|---|\n",
    );
    for binding in TABLE {
        let keys: Vec<String> = binding
            .keys
            .iter()
            .map(|key| ["`", &key.name(), "`"].concat())
            .collect();
        let scope = match binding.scope {
            Scope::Anywhere => "",
            Scope::Transcript => "in a transcript: ",
            Scope::Log => "in the log: ",
        };
        text.push_str(&["| ", &keys.join(" "), " | ", scope, binding.help, " |\n"].concat());
    }
    text.push_str(
        "\nThe mouse selects with a click, looks into what is selected with another, and scrolls. \
         `Enter` in a text goes from a step to its attempt. When the run that was started here has \
         ended, `q` prints its summary and gives its exit code.\n\
         \n`o` opens a plan at the selected step with editors that are known to take a line: vi and \
         its kin, nano, emacs, micro, kakoune, helix, code; others get the file alone.\n\
         \nA permission cannot be given while an agent flies: it takes no answer. Allow the tool in \
         the agent's `arguments` in the settings (for Claude Code `--allowedTools`), end the attempt \
         with `x`, and give its step back with `r`.\n",
    );
    text
}

#[test]
fn the_document_lists_the_keys() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tui.md");
    let expected = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::write(&file, &expected).unwrap();
    }
    let found = fs_err::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "docs/tui.md is not up to date; UPDATE_DOCS=1 cargo test -p airboss --lib tui::tests::document"
    );
}
