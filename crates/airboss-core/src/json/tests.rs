//! Reading, editing, and the promise that nothing else changes.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::board::testing::cases;

type Edit = for<'text> fn(&Object<'text>, &mut Edits<'text>);

fn edit(text: &str, edit: Edit) -> String {
    let document = Document::parse(text).unwrap();
    let mut edits = document.edits();
    edit(document.object().unwrap(), &mut edits);
    let changed = edits.finish().into_owned();
    assert!(Document::parse(&changed).is_ok(), "{changed}");
    changed
}

/// Makes the change in the root object.
fn check(text: &str, change: Edit, expected: &str) {
    assert_eq!(edit(text, change), expected);
}

#[test]
fn what_is_no_json_says_where_and_what() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let texts = [
        "",
        " \n\u{feff}",
        " \n",
        "{\n  \"a\": 1,\n}",
        "[1,\n 2,]",
        "[,]",
        "{\"a\": [\n{\"b\": \"cut he",
        "{\"a\": tr",
        "{\"a\": 1\n",
        "{\"a\": 1},\n{\"b\": 2}",
        "{}\n{}",
        "\u{feff}{\"a\": \u{1}}",
        "{'a': 1}",
        "{\"a\": \"\\ud800\", \"\\ud800\": 1}",
        "<<<<<<< HEAD\n{}",
        &deep(MAX_DEPTH + 1),
        &format!("{{\"a\":\n{}}}", deep(MAX_DEPTH)),
        &deep(100_000),
        &"{\"a\":[".repeat(100_000),
    ];
    let faults = texts.map(|text| {
        let error = Document::parse(text).unwrap_err();
        format!("{:?}: {error}", error.fault)
    });
    assert_snapshot!(faults.join("\n"), @"
    Empty: line 1, column 0: the file is empty
    Syntax: line 2, column 1: this is no JSON
    Empty: line 2, column 0: the file is empty
    TrailingComma: line 3, column 1: a comma has nothing after it
    TrailingComma: line 2, column 4: a comma has nothing after it
    Syntax: line 1, column 2: this is no JSON
    Cut: line 2, column 13: the text ends in the middle of a value
    Cut: line 1, column 8: the text ends in the middle of a value
    Cut: line 2, column 0: the text ends in the middle of a value
    SeveralRoots: line 1, column 9: there is more after the end of the first value
    SeveralRoots: line 2, column 1: there is more after the end of the first value
    Syntax: line 1, column 7: this is no JSON
    Syntax: line 1, column 2: this is no JSON
    Syntax: line 1, column 24: this is no JSON
    Syntax: line 1, column 1: this is no JSON
    TooDeep: line 1, column 129: it is nested more than 128 levels deep
    TooDeep: line 2, column 128: it is nested more than 128 levels deep
    TooDeep: line 1, column 129: it is nested more than 128 levels deep
    Cut: line 1, column 600000: the text ends in the middle of a value
    ");
    assert!(Document::parse(&deep(MAX_DEPTH)).is_ok());
    let brackets_in_text = format!("[\"{}\\\"[\"]", "[".repeat(1_000));
    assert!(Document::parse(&brackets_in_text).is_ok());
    let error = Document::from_bytes(b"{\"a\":\n \"\xff\"}").unwrap_err();
    assert_eq!(
        (error.line, error.column, error.fault),
        (2, 3, Fault::NotUtf8)
    );
}

#[test]
fn values_are_found_by_key_and_the_last_of_one_key_counts() {
    let text =
        "\u{feff}{\"a\": 1, \"\\u0062\" : [ 1 ,{\"x\": []} ] , \"a\":\"\\u00e9\", \"a\": null}\r\n";
    let document = Document::parse(text).unwrap();
    let root = document.object().unwrap();
    assert_eq!(root.duplicates(), ["a"]);
    assert_eq!(root.get("a").map(Node::raw), Some("null"));
    let items = root.array("b").unwrap();
    let raw: Vec<&str> = items.items().iter().map(|item| item.raw()).collect();
    assert_eq!(raw, ["1", "{\"x\": []}"]);
    assert_eq!(&text[items.items()[1].span(text)], "{\"x\": []}");
    assert_eq!(root.members()[2].value.text().as_deref(), Some("é"));
    assert_eq!(
        root.value::<Vec<Value>>("b").map(|items| items.len()),
        Some(2)
    );
    assert!(root.get("x").is_none() && root.object("b").is_none() && root.array("a").is_none());
    assert_eq!(Document::parse(" 1 ").unwrap().root().raw(), "1");
    assert_eq!(
        Document::parse(" [ ] ")
            .unwrap()
            .array()
            .unwrap()
            .node()
            .raw(),
        "[ ]"
    );
}

#[test]
fn what_says_it_already_stays_as_it_is_spelled() {
    let text = "{\"a\": 2.0, \"b\": \"\\u00e9\", \"c\": [1,2 ], \"d\": {\"x\":1, \"y\":2}, \"e\":18446744073709551615}";
    let same: Edit = |root, edits| {
        edits.set(root, "a", 2_u64);
        edits.set(root, "b", "é");
        edits.set(root, "c", Draft::array([1_u64, 2]));
        edits.set(
            root,
            "d",
            Draft::object([("y", 2_u64.into()), ("x", 1_u64.into())]),
        );
        edits.set(root, "e", u64::MAX);
        edits.set(root, "f", 1_u64);
        edits.remove(root, "f");
        edits.remove(root, "g");
        edits.set(root, "a", 3_u64);
        edits.set(root, "a", 2_u64);
        edits.remove_item(&root.array("c").unwrap(), 2);
        assert!(edits.is_empty());
    };
    check(text, same, text);
    let document = Document::parse(text).unwrap();
    assert!(matches!(
        document.edits().finish(),
        std::borrow::Cow::Borrowed(_)
    ));
    let larger: Edit = |root, edits| edits.set(root, "e", u64::MAX - 1);
    check(
        "{\"e\":18446744073709551615}",
        larger,
        "{\"e\":18446744073709551614}",
    );
    check(
        "{\"e\":1e19}",
        |root, edits| edits.set(root, "e", 10_000_000_000_000_000_001_u64),
        "{\"e\":10000000000000000001}",
    );
}

#[test]
fn new_members_look_like_their_neighbours() {
    let add: Edit = |root, edits| edits.set(root, "new", "x");
    check("{}", add, "{\"new\": \"x\"}");
    check("{ }\n", add, "{\n  \"new\": \"x\"\n}\n");
    check("{\"a\":1}", add, "{\"a\":1,\"new\":\"x\"}");
    check("{\"a\": 1}", add, "{\"a\": 1, \"new\": \"x\"}");
    check("{ \"a\" : 1 }", add, "{ \"a\" : 1, \"new\" : \"x\" }");
    check(
        "{\"a\":1, \"b\":2}",
        add,
        "{\"a\":1, \"b\":2, \"new\":\"x\"}",
    );
    check(
        "{\r\n\t\"a\": 1\r\n}\r\n",
        add,
        "{\r\n\t\"a\": 1,\r\n\t\"new\": \"x\"\r\n}\r\n",
    );
    check(
        "{\n    \"a\": 1\n,   \"b\": 2}",
        add,
        "{\n    \"a\": 1\n,   \"b\": 2,   \"new\": \"x\"}",
    );
    check(
        "\u{feff}{\n \"a\": 1}",
        add,
        "\u{feff}{\n \"a\": 1,\n \"new\": \"x\"}",
    );
    let places: Edit = |root, edits| {
        edits.set_at(root, "first", 1_u64, Place::Start);
        edits.set_at(root, "mid", 2_u64, Place::After(&["a", "none"]));
        edits.set_at(root, "last", 3_u64, Place::After(&["none"]));
        edits.set_at(root, "mid2", true, Place::After(&["a"]));
        edits.set(root, "last", 4_u64);
    };
    check(
        "{\n \"a\": 1,\n \"b\": 2\n}",
        places,
        "{\n \"first\": 1,\n \"a\": 1,\n \"mid\": 2,\n \"mid2\": true,\n \"b\": 2,\n \"last\": 4\n}",
    );
}

#[test]
fn members_go_with_their_commas() {
    let text = "{\n \"a\": 1,\n \"b\": 2,\n \"a\": 3,\n \"c\": 4\n}";
    check(
        text,
        |root, edits| edits.remove(root, "c"),
        "{\n \"a\": 1,\n \"b\": 2,\n \"a\": 3\n}",
    );
    check(
        text,
        |root, edits| edits.remove(root, "a"),
        "{\n \"b\": 2,\n \"c\": 4\n}",
    );
    let most: Edit = |root, edits| {
        edits.remove(root, "a");
        edits.remove(root, "b");
    };
    check(text, most, "{\n \"c\": 4\n}");
    let all: Edit = |root, edits| {
        for key in ["c", "b", "a"] {
            edits.remove(root, key);
        }
    };
    check(text, all, "{}");
    let other: Edit = |root, edits| {
        edits.remove(root, "a");
        edits.set_at(root, "x", 0_u64, Place::Start);
        edits.set_at(root, "y", 5_u64, Place::After(&["b"]));
    };
    check(
        text,
        other,
        "{\n \"x\": 0,\n \"b\": 2,\n \"y\": 5,\n \"c\": 4\n}",
    );
    let back: Edit = |root, edits| {
        edits.remove(root, "b");
        edits.set(root, "b", 9_u64);
    };
    check(
        text,
        back,
        "{\n \"a\": 1,\n \"b\": 9,\n \"a\": 3,\n \"c\": 4\n}",
    );
}

/// Adds an object at both ends of the list.
fn add(text: &str) -> String {
    edit(text, |root, edits| {
        let artifact = |name: &str| {
            Draft::object([
                ("path", name.into()),
                ("tags", Draft::array(["x"])),
                ("more", Draft::array::<Draft>([])),
            ])
        };
        let list = root.array("list").unwrap();
        edits.append(&list, artifact("last"));
        edits.prepend(&list, artifact("first"));
    })
}

#[test]
fn a_new_item_is_laid_out_as_its_siblings() {
    assert_snapshot!(add("{\n  \"list\": []\n}\n"), @r#"
    {
      "list": [
        {
          "path": "first",
          "tags": [
            "x"
          ],
          "more": []
        },
        {
          "path": "last",
          "tags": [
            "x"
          ],
          "more": []
        }
      ]
    }
    "#);
    assert_snapshot!(add("{\n  \"list\": [\n    {\"path\": \"p\", \"a\": 1}\n  ]\n}\n"), @r#"
    {
      "list": [
        {"path": "first", "tags": ["x"], "more": []},
        {"path": "p", "a": 1},
        {"path": "last", "tags": ["x"], "more": []}
      ]
    }
    "#);
    assert_snapshot!(add("{\n\t\"list\": [{\n\t\t\"path\": \"p\"\n\t}]\n}\n").replace('\t', "→"), @r#"
    {
    →"list": [{
    →→"path": "first",
    →→"tags": [
    →→→"x"
    →→],
    →→"more": []
    →}, {
    →→"path": "p"
    →}, {
    →→"path": "last",
    →→"tags": [
    →→→"x"
    →→],
    →→"more": []
    →}]
    }
    "#);
    assert_snapshot!(add("{\"list\":[{\"path\":\"p\"}]}\n"), @r#"{"list":[{"path":"first","tags":["x"],"more":[]},{"path":"p"},{"path":"last","tags":["x"],"more":[]}]}"#);
}

#[test]
fn a_new_item_without_siblings_looks_like_its_place() {
    assert_snapshot!(add("{\n  \"mine\": 1, \"list\": [ ], \"x\": {}\n}\n"), @r#"
    {
      "mine": 1, "list": [{"path": "first", "tags": ["x"], "more": []}, {"path": "last", "tags": ["x"], "more": []}], "x": {}
    }
    "#);
    assert_snapshot!(add("{\n  \"list\": [\n    \"p\",\n    \"q\"\n  ]\n}\n"), @r#"
    {
      "list": [
        {
          "path": "first",
          "tags": [
            "x"
          ],
          "more": []
        },
        "p",
        "q",
        {
          "path": "last",
          "tags": [
            "x"
          ],
          "more": []
        }
      ]
    }
    "#);
}

#[test]
fn items_go_and_come_at_any_place() {
    let change: Edit = |root, edits| {
        let list = root.array("l").unwrap();
        edits.remove_item(&list, 0);
        edits.remove_item(&list, 2);
        edits.insert(&list, 1, "new");
        edits.insert(&list, 2, "b");
        edits.append(&list, "end");
    };
    check(
        "{\"l\": [0, 1, 2, 3]}",
        change,
        "{\"l\": [\"new\", 1, \"b\", 3, \"end\"]}",
    );
    check(
        "{\"l\":[[],[],[]]}",
        change,
        "{\"l\":[\"new\",[],\"b\",\"end\"]}",
    );
}

#[test]
fn what_goes_takes_its_inner_changes_along() {
    let change: Edit = |root, edits| {
        let inner = root.object("in").unwrap();
        edits.set(&inner, "x", 2_u64);
        edits.set(&inner, "y", 3_u64);
        edits.remove(root, "in");
        let list = root.array("list").unwrap();
        edits.append(&list, "z");
        edits.set(root, "list", Draft::array(["w"]));
    };
    check(
        "{\"a\": 0, \"in\": {\"x\": 1}, \"list\": [1, 2]}",
        change,
        "{\"a\": 0, \"list\": [\"w\"]}",
    );
}

#[test]
fn a_value_takes_the_layout_of_what_it_replaces() {
    let change: Edit = |root, edits| {
        for key in ["one", "two", "three"] {
            edits.set(
                root,
                key,
                Draft::object([("x", Draft::NULL), ("y", Draft::array(["z"]))]),
            );
        }
        edits.replace(root.get("four").unwrap(), Draft::array(["z"]));
    };
    let text = "{\n  \"one\": {\"a\":1},\n  \"two\": {\n    \"a\" : 1\n  },\n  \"three\": 3,\n  \"four\": null\n}";
    assert_snapshot!(edit(text, change), @r#"
    {
      "one": {"x":null, "y":["z"]},
      "two": {
        "x" : null,
        "y" : [
          "z"
        ]
      },
      "three": {
        "x": null,
        "y": [
          "z"
        ]
      },
      "four": [
        "z"
      ]
    }
    "#);
}

#[test]
fn a_new_file_ends_with_a_line_break() {
    let draft = Draft::object([
        ("a", Draft::array([1_u64])),
        ("b", Draft::object::<&str>([])),
    ]);
    assert_eq!(draft.file(), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}\n");
    assert_eq!(Draft::from(draft.to_value()), draft);
}

/// A document of any layout.
fn any_document() -> impl Strategy<Value = String> {
    (
        any_container(),
        "[ \t\r\n]{0,2}",
        "[ \r\n]{0,2}",
        any::<bool>(),
    )
        .prop_map(|(root, before, after, mark)| {
            format!(
                "{}{before}{root}{after}",
                if mark { "\u{feff}" } else { "" }
            )
        })
}

fn any_container() -> impl Strategy<Value = String> {
    any_json(prop_oneof![
        Just("null".to_owned()),
        Just("2.0".to_owned()),
        Just("\"\\u00e9\\\"[{,\"".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[ -~äß]{0,6}".prop_map(|text| Value::from(text).to_string()),
    ])
}

fn any_json(leaf: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    let gap = || {
        prop_oneof![
            Just(String::new()),
            Just(" ".to_owned()),
            Just("\n  ".to_owned()),
            "[ \t\r\n]{0,3}"
        ]
    };
    let wrap = |open: char, parts: Vec<String>, inner: String, close: char| match parts.len() {
        0 => format!("{open}{inner}{close}"),
        _ => format!("{open}{}{close}", parts.join(",")),
    };
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let item = (gap(), inner.clone(), gap()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let member = (gap(), "[a-d]", gap(), gap(), inner, gap())
            .prop_map(|(a, key, b, c, value, d)| format!("{a}\"{key}\"{b}:{c}{value}{d}"));
        prop_oneof![
            (prop::collection::vec(item, 0..4), gap())
                .prop_map(move |(parts, inner)| wrap('[', parts, inner, ']')),
            (prop::collection::vec(member, 0..5), gap())
                .prop_map(move |(parts, inner)| wrap('{', parts, inner, '}')),
        ]
    })
}

fn any_draft() -> impl Strategy<Value = Draft> {
    let leaf = prop_oneof![
        Just(Draft::NULL),
        any::<u64>().prop_map(Draft::from),
        any::<bool>().prop_map(Draft::from),
        "\\PC{0,4}".prop_map(Draft::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Draft::Array),
            prop::collection::btree_map("[a-z]{1,2}", inner, 0..3).prop_map(Draft::object),
        ]
    })
}

/// All values of a text with the pointers to them, parents first.
fn nodes<'text>(node: Node<'text>, pointer: &str, found: &mut Vec<(String, Node<'text>)>) {
    found.push((pointer.to_owned(), node));
    if let Some(object) = node.object() {
        for member in object.members() {
            // What a later member of the same key hides cannot be pointed to.
            let last = object.get(&member.key).unwrap();
            if std::ptr::eq(last.raw(), member.value.raw()) {
                nodes(member.value, &format!("{pointer}/{}", member.key), found);
            }
        }
    }
    for (position, item) in node
        .array()
        .iter()
        .flat_map(|array| array.items())
        .enumerate()
    {
        nodes(*item, &format!("{pointer}/{position}"), found);
    }
}

fn value_of(text: &str) -> Value {
    Document::parse(text).unwrap().root().value().unwrap()
}

/// Everything but the bytes of the range is still there, before and after it.
fn only_within(range: std::ops::Range<usize>, before: &str, after: &str) -> bool {
    after.len() + range.len() >= before.len()
        && after.starts_with(&before[..range.start])
        && after.ends_with(&before[range.end..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(512)))]

    #[test]
    fn a_member_is_set_and_removed_and_nothing_else(
        text in any_document(), pick in any::<prop::sample::Index>(), key in "[a-f]", draft in any_draft(), at in 0..3_usize,
    ) {
        let document = Document::parse(&text).unwrap();
        let mut found = Vec::new();
        nodes(document.root(), "", &mut found);
        let (pointer, node) = pick.get(&found);
        let Some(object) = node.object() else { return Ok(()) };
        let place = [Place::Start, Place::End, Place::After(&["b"])][at];
        let mut edits = document.edits();
        edits.set_at(&object, &key, draft.clone(), place);
        let changed = edits.finish();

        let mut expected = value_of(&text);
        expected.pointer_mut(pointer).unwrap()[&key] = draft.to_value();
        prop_assert_eq!(value_of(&changed), expected);
        let inside = node.span(&text);
        let range = match object.get(&key) {
            Some(old) => old.span(&text),
            None => inside.start + 1..inside.end - 1,
        };
        prop_assert!(only_within(range, &text, &changed), "{:?}", changed);
        if object.get(&key).is_none() && !object.members().is_empty() {
            // An insertion: what was there is still there, in two pieces.
            let added = changed.len() - text.len();
            let (old, new) = (text.as_bytes(), changed.as_bytes());
            prop_assert!((0..=old.len())
                .any(|cut| new.starts_with(&old[..cut]) && new[cut + added..] == old[cut..]));
        }
        let again = Document::parse(&changed).unwrap();
        let mut found = Vec::new();
        nodes(again.root(), "", &mut found);
        let object = found.iter().find(|(known, _)| known == pointer).unwrap().1.object().unwrap();
        let mut edits = again.edits();
        edits.set_at(&object, &key, draft, place);
        prop_assert!(edits.is_empty());

        let mut edits = again.edits();
        edits.remove(&object, &key);
        let removed = edits.finish();
        let mut expected = value_of(&text);
        expected.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(&key);
        prop_assert_eq!(value_of(&removed), expected);
        prop_assert!(only_within(object.node().span(&changed), &changed, &removed));
    }

    #[test]
    fn items_are_added_and_removed_and_nothing_else(
        text in any_document(), pick in any::<prop::sample::Index>(), draft in any_draft(),
        at in 0..6_usize, gone in 0..6_usize,
    ) {
        let document = Document::parse(&text).unwrap();
        let mut found = Vec::new();
        nodes(document.root(), "", &mut found);
        let (pointer, node) = pick.get(&found);
        let Some(array) = node.array() else { return Ok(()) };
        let mut edits = document.edits();
        edits.insert(&array, at, draft.clone());
        edits.append(&array, "end");
        edits.remove_item(&array, gone);
        let changed = edits.finish();

        let mut expected = value_of(&text);
        let items = expected.pointer_mut(pointer).unwrap().as_array_mut().unwrap();
        let at = at.min(items.len());
        items.push("end".into());
        items.insert(at, draft.to_value());
        if gone < array.items().len() {
            items.remove(if gone >= at { gone + 1 } else { gone });
        }
        prop_assert_eq!(value_of(&changed), expected);
        prop_assert!(only_within(node.span(&text), &text, &changed));
        for (position, item) in array.items().iter().enumerate() {
            prop_assert!(position == gone || changed.contains(item.raw()));
        }
    }

    #[test]
    fn walking_finds_what_parsing_finds(text in any_document()) {
        let parsed = Document::parse(&text).unwrap();
        if let Some(object) = parsed.object() {
            let walked = Document::of_sound(&text);
            let of = |object: &Object<'_>| -> Vec<(String, String)> {
                let members = object.members().iter();
                members
                    .map(|member| (member.key.to_string(), member.value.raw().to_owned()))
                    .collect()
            };
            prop_assert_eq!(walked.object().map(of), Some(of(object)));
        }
        let mut found = Vec::new();
        nodes(parsed.root(), "", &mut found);
        for (_, node) in found {
            prop_assert_eq!(Node::at_start(node.raw()), Some(node));
            let Some(array) = node.array() else {
                continue;
            };
            let read: Vec<&serde_json::value::RawValue> = serde_json::from_str(node.raw()).unwrap();
            let read: Vec<&str> = read.into_iter().map(|item| item.get()).collect();
            let walked: Vec<&str> = array.items().iter().map(|item| item.raw()).collect();
            prop_assert_eq!(walked, read);
        }
    }

    #[test]
    fn any_text_is_survived(text in "[\\[\\]{}\",: a1\\\\\\n\u{feff}é]{0,24}") {
        let walked = Document::of_sound(&text);
        prop_assert!(walked.object().is_some());
        if let Ok(document) = Document::parse(&text) {
            let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
            prop_assert!(serde_json::from_str::<Value>(body).is_ok(), "{}", body);
            prop_assert_eq!(document.edits().finish(), text.as_str());
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a test tells what it found, or that it was skipped"
)]
fn note(text: std::fmt::Arguments<'_>) {
    eprintln!("{text}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is measured is the time")]
fn one_object_of_ten_thousand_is_found_and_changed_fast() {
    let task = |number: usize| {
        Draft::object([
            ("project_number", number.into()),
            ("project_name", format!("task_{number}").into()),
            ("status", "not_started".into()),
            ("priority", "medium".into()),
            ("dependencies", Draft::array::<Draft>([])),
        ])
    };
    let root = Draft::object([
        ("next_project_number", 10_001_usize.into()),
        ("active_projects", Draft::array((1..=10_000).map(task))),
    ]);
    let text = root.file();
    let start = std::time::Instant::now();
    let document = Document::from_bytes(text.as_bytes()).unwrap();
    let root = document.object().unwrap();
    let tasks = root.array("active_projects").unwrap();
    let found = start.elapsed();
    let object = tasks.items()[5_000].object().unwrap();
    let mut edits = document.edits();
    edits.set(&object, "status", "researched");
    edits.set(root, "next_project_number", 10_002_usize);
    edits.append(&tasks, task(10_001));
    let changed = edits.finish();
    let all = start.elapsed();
    assert!(changed.len() > text.len());
    note(format_args!(
        "{} bytes: found in {found:?}, changed after {all:?}",
        text.len()
    ));
    // Unoptimised and on a busy machine; what it guards against is quadratic work.
    assert!(all.as_secs() < 2, "{all:?}");
}

/// Values whose replacement is tried in one real file: enough to come to every kind of place.
const TRIES: usize = 60;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the real files are outside of this repository"
)]
fn real_files_come_back_and_change_only_where_they_must() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    for folder in ["state", "project-state", "errors", "status"] {
        let Ok(directory) = std::fs::read_dir(corpus.join(folder)) else {
            note(format_args!(
                "skipped: no folder {folder} beside the checkout"
            ));
            continue;
        };
        let (mut files, mut values, mut changes) = (0, 0, 0);
        let mut faults: Vec<String> = Vec::new();
        for entry in directory {
            let entry = entry.unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            files += 1;
            let document = match Document::from_bytes(&bytes) {
                Ok(document) => document,
                Err(error) => {
                    faults.push(format!("{:?} in line {}", error.fault, error.line));
                    continue;
                }
            };
            assert!(!entry.file_name().to_string_lossy().starts_with("invalid"));
            assert_eq!(document.edits().finish().as_bytes(), bytes);
            let mut found = Vec::new();
            nodes(document.root(), "", &mut found);
            values += found.len();
            for (_, node) in found.iter().step_by(found.len().div_ceil(TRIES)) {
                let span = node.span(document.text());
                let mut edits = document.edits();
                edits.replace(*node, "new");
                let text = document.text();
                let expected = format!("{}\"new\"{}", &text[..span.start], &text[span.end..]);
                assert_eq!(edits.finish(), expected);
                changes += 1;
            }
        }
        note(format_args!(
            "{folder}: {files} files, {values} values, {changes} changed; {faults:?}"
        ));
    }
}
