//! What is decided of every item in every state that a file can be in.

use super::*;

fn all() -> Vec<Item> {
    let items = Program::ALL.into_iter().flat_map(Program::items);
    items.chain([shared()]).collect()
}

fn installed(item: &Item, found: Option<&str>) -> String {
    match decide(item, found, Wish::Installed).change {
        Some(Change::Write(text)) => text,
        other => panic!("{}: {other:?}", item.path),
    }
}

fn decide(item: &Item, found: Option<&str>, wish: Wish) -> Decision {
    item.decide(found.map(str::as_bytes), wish, false).unwrap()
}

fn at(path: &str) -> Item {
    let found = all().into_iter().find(|item| item.path.as_str() == path);
    found.unwrap_or_else(|| panic!("there is no {path}"))
}

#[test]
fn everything_is_written_once_and_taken_away_again() {
    for item in all() {
        let text = installed(&item, None);
        let again = decide(&item, Some(&text), Wish::Installed);
        assert_eq!(again.state, State::Current, "{}", item.path);
        assert_eq!(again.change, None, "{}", item.path);
        let gone = decide(&item, Some(&text), Wish::Removed);
        assert_eq!(gone.change, Some(Change::Remove), "{}", item.path);
        let nothing = decide(&item, None, Wish::Removed);
        assert_eq!((nothing.state, nothing.change), (State::Missing, None));
    }
}

#[test]
fn no_path_is_used_twice() {
    let mut paths: Vec<_> = all().into_iter().map(|item| item.path).collect();
    let count = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), count);
}

#[test]
fn a_changed_file_is_left_alone_unless_it_is_forced() {
    for item in all() {
        let Form::File(text) = &item.form else {
            continue;
        };
        let changed = text.replace("report", "tell");
        for wish in [Wish::Installed, Wish::Removed] {
            let left = decide(&item, Some(&changed), wish);
            assert_eq!((left.state, left.change), (State::Edited, None));
            let forced = item.decide(Some(changed.as_bytes()), wish, true).unwrap();
            assert!(forced.change.is_some(), "{}", item.path);
            // A person's own file of this name is not even forced.
            let own = item.decide(Some(b"my own\n"), wish, true).unwrap();
            assert_eq!((own.state, own.change), (State::Foreign, None));
            let own = item.decide(Some(b"\xff\xfe"), wish, true).unwrap();
            assert_eq!((own.state, own.change), (State::Foreign, None));
        }
    }
}

#[test]
fn what_an_earlier_version_wrote_is_brought_up_to_date() {
    let item = at(".claude/commands/plan.md");
    let old = seal::seal("---\ndescription: as it was\n{seal}\n---\n\nRun it.\n");
    let decision = decide(&item, Some(&old), Wish::Installed);
    assert_eq!(decision.state, State::Old);
    assert_eq!(decision.change, Some(Change::Write(installed(&item, None))));
    let gone = decide(&item, Some(&old), Wish::Removed);
    assert_eq!(gone.change, Some(Change::Remove));
    let edited = old.replace("Run it", "Run it twice");
    assert_eq!(
        decide(&item, Some(&edited), Wish::Installed).state,
        State::Edited
    );

    let block = Block::new(Comment::Markdown, "As it was.\n");
    let block = Item::new("AGENTS.md", Form::Block(block));
    let old = installed(&block, Some("# Mine\n")) + "\nMore of mine.\n";
    let decision = decide(&shared(), Some(&old), Wish::Installed);
    assert_eq!(decision.state, State::Old);
    let Some(Change::Write(new)) = decision.change else {
        panic!("it is written");
    };
    assert!(new.starts_with("# Mine\n\n<!--") && new.ends_with("-->\n\nMore of mine.\n"));
}

#[test]
fn git_may_check_out_other_line_breaks() {
    for item in all() {
        let text = installed(&item, None).replace('\n', "\r\n");
        let decision = decide(&item, Some(&text), Wish::Installed);
        assert_eq!(decision.state, State::Current, "{}", item.path);
        assert_eq!(decision.change, None);
    }
}

/// What a person had is there again, byte for byte.
fn check_round(path: &str, own: &str) {
    let item = at(path);
    let with = installed(&item, Some(own));
    assert_eq!(
        decide(&item, Some(&with), Wish::Installed).change,
        None,
        "{own:?}"
    );
    let without = decide(&item, Some(&with), Wish::Removed).change;
    assert_eq!(without, Some(Change::Write(own.to_owned())), "{with}");
}

#[test]
fn a_persons_file_is_as_it_was_after_a_removal() {
    for own in ["", "# Mine", "# Mine\n", "# Mine\n\n", "# Mine\r\n", "\n"] {
        check_round("AGENTS.md", own);
    }
    for own in [
        "",
        "model = \"x\"",
        "# mine\n[mcp_servers.other]\nurl = \"x\"\n",
        "a = 1\r\n",
    ] {
        check_round(".codex/config.toml", own);
    }
    for path in [".mcp.json", ".gemini/settings.json", "opencode.json"] {
        for own in [
            "{\"theme\":\"dark\"}",
            "{\n  \"theme\": \"dark\"\n}\n",
            "{\n\t\"theme\" : \"dark\",\n\t\"list\": [1,  2]\n}",
            "\u{feff}{ \"a\": { } }\r\n",
            "{\n  \"mcpServers\": {\n    \"other\": { \"command\": \"x\" }\n  },\n  \"mcp\": {\"b\": 1}\n}\n",
        ] {
            check_round(path, own);
        }
    }
}

#[test]
fn a_file_that_was_begun_goes_however_it_is_laid_out() {
    for path in [".mcp.json", ".gemini/settings.json", "opencode.json"] {
        let item = at(path);
        let text = installed(&item, None);
        let compact: serde_json::Value = serde_json::from_str(&text).unwrap();
        for laid_out in [
            text.replace('\n', "\r\n"),
            text.trim_end().to_owned(),
            compact.to_string(),
        ] {
            let gone = decide(&item, Some(&laid_out), Wish::Removed);
            assert_eq!(gone.change, Some(Change::Remove), "{laid_out}");
        }
    }
}

#[test]
fn what_follows_a_block_stays_on_its_line() {
    let with = installed(&shared(), Some("no line break")) + "behind";
    let Some(Change::Write(without)) = decide(&shared(), Some(&with), Wish::Removed).change else {
        panic!("something is left");
    };
    assert_eq!(without, "no line break\nbehind");
}

#[test]
fn the_entry_of_a_person_is_his() {
    let check = |path: &str, own: &str| {
        for wish in [Wish::Installed, Wish::Removed] {
            let decision = at(path).decide(Some(own.as_bytes()), wish, true).unwrap();
            assert_eq!((decision.state, decision.change), (State::Foreign, None));
        }
    };
    check(
        ".mcp.json",
        r#"{"mcpServers":{"airboss":{"command":"mine"}}}"#,
    );
    check("opencode.json", r#"{"mcp":{"airboss":{"type":"remote"}}}"#);
    check(
        ".codex/config.toml",
        "[mcp_servers.airboss]\ncommand = 'x'\n",
    );
    check(".codex/config.toml", "mcp_servers.airboss.command = 'x'\n");
}

/// Why a file is refused, and in which line; 0: in none of the person's.
fn check_broken(path: &str, own: &[u8], line: usize, words: &str) {
    for wish in [Wish::Installed, Wish::Removed] {
        match at(path).decide(Some(own), wish, true) {
            Err(broken) => {
                assert_eq!(broken.line.unwrap_or_default(), line, "{broken}");
                assert!(broken.why.contains(words), "{broken}");
                assert!(!broken.remedy.is_empty());
            }
            // Nothing of ours is in it, so that nothing has to be taken away.
            Ok(decision) => assert!(wish == Wish::Removed && decision.change.is_none()),
        }
    }
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_line() {
    check_broken(".mcp.json", b"{\n  \"a\": 1,\n}\n", 3, "comma");
    check_broken(".mcp.json", b"[]", 1, "no object");
    check_broken(
        ".mcp.json",
        b"{\n  \"mcpServers\": []\n}",
        2,
        "`mcpServers`",
    );
    check_broken(".gemini/settings.json", b"{\n// mine\n}", 2, "no JSON");
    check_broken(".codex/config.toml", b"a = 1\nb = \n", 2, "");
    check_broken(".codex/config.toml", b"mcp_servers = {}\n", 0, "");
    check_broken(
        "AGENTS.md",
        b"a\n<!-- airboss:begin 00 -->\n",
        2,
        "does not end",
    );
    check_broken("AGENTS.md", b"<!-- airboss:end -->\n", 1, "never began");
    check_broken("AGENTS.md", b"ok\n\xff", 2, "UTF-8");
    let twice = "<!-- airboss:begin -->\n<!-- airboss:end -->\n".repeat(2);
    check_broken("AGENTS.md", twice.as_bytes(), 3, "second");
}

#[test]
fn free_text_never_stands_on_a_command_line() {
    for item in all() {
        let Form::File(text) = &item.form else {
            continue;
        };
        let mut inside = false;
        for line in text.lines() {
            inside ^= line.starts_with("```");
            let placed = line.contains("$ARGUMENTS") || line.contains("{{args}}");
            assert!(!(inside && placed), "{}: {line}", item.path);
            // What hosts would run or read themselves.
            for escape in ["!`", "!{", "@{"] {
                assert!(!line.contains(escape), "{}: {line}", item.path);
            }
        }
        if item.path.as_str().ends_with(".toml") {
            let table: toml::Table = text.parse().unwrap();
            assert!(table["prompt"].as_str().unwrap().contains("{{args}}"));
        }
    }
}
