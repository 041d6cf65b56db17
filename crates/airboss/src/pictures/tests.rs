//! Every rendering of an account made by hand, and hostile text in each.

use airboss_core::account::*;
use airboss_core::attempt::Spending;
use airboss_core::chart::{Chart, Node};
use airboss_core::id::{AttemptId, RunId, StepId};
use airboss_core::operation::{PlanKey, RunEnding};
use airboss_core::path::RepoPath;
use airboss_core::scene::{Spent, Stand};
use airboss_core::time::Timestamp;
use airboss_core::verdict::Verdict;
use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

/// 2026-03-02 09:15:00.
const BEGIN: i64 = 1_772_442_900_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(BEGIN + seconds * 1000)
}

fn plan() -> PlanKey {
    PlanKey::new(RepoPath::new("plans/guide.md").unwrap())
}

fn step(id: &str, text: &str, stand: Stand, attempts: &[usize]) -> StepLine {
    let done = stand == Stand::Done;
    StepLine {
        id: StepId::new(id),
        text: text.to_owned(),
        stand,
        verified: done,
        reason: Some(format!("because of {text}")),
        after: Vec::new(),
        attempts: attempts.to_vec(),
        retries: 0,
        parked_ms: 0,
        waited_ms: 0,
        worked_ms: 61_000,
        cost_usd: Some(0.25),
        commit: done.then(|| "0123456789abcdef0123456789abcdef01234567".to_owned()),
        marks: vec![MarkLine {
            at: at(400),
            what: "answered".to_owned(),
            text: Some(text.to_owned()),
        }],
    }
}

fn attempt(step: &str, number: u32, span: (i64, i64), verdict: Verdict, text: &str) -> AttemptLine {
    AttemptLine {
        name: format!("{step}#{number}"),
        id: AttemptId::default(),
        plan: plan(),
        run: RunId::default(),
        group: Some(0),
        steps: vec![StepId::new(step)],
        agent: format!("agent {text}"),
        model: Some(format!("model {text}")),
        number,
        retry: number > 1,
        began: at(span.0),
        landed: Some(at(span.1)),
        ended: Some(at(span.1)),
        duration_ms: u64::try_from(span.1 - span.0).unwrap() * 1000,
        verdict: Some(verdict),
        outcomes: vec![Outcome {
            step: StepId::new(step),
            verdict,
            reason: text.to_owned(),
            wake_at: None,
            files: 1,
            gates: vec![GateLine {
                name: text.to_owned(),
                green: verdict == Verdict::Verified,
            }],
            commit: None,
        }],
        tools: 3,
        spending: Some(Spending {
            input_tokens: 1200,
            cached_tokens: 0,
            output_tokens: 340,
            cost_usd: Some(0.25),
        }),
    }
}

fn runs(text: &str) -> Vec<RunLine> {
    let run = |began| RunLine {
        id: RunId::default(),
        plan: plan(),
        asked: text.to_owned(),
        began: at(began),
        ended: Some(at(began + 50)),
        ending: Some(RunEnding::Failed),
        attempts: 2,
    };
    vec![run(0), run(250)]
}

fn totals(spent: Spent) -> Totals {
    Totals {
        steps: 2,
        attempts: 3,
        retries: 1,
        most_at_once: 2,
        flown_ms: 90_000,
        worked_ms: 183_000,
        parked_ms: 2_000,
        waited_ms: 100_000,
        spent,
    }
}

fn agents(text: &str, spent: Spent) -> Vec<AgentLine> {
    vec![AgentLine {
        agent: format!("agent {text}"),
        model: Some(format!("model {text}")),
        attempts: 3,
        verified: 1,
        failed: 1,
        other: 1,
        open: 0,
        median_ms: Some(50_000),
        spent,
    }]
}

/// An account with everything in it; every text from outside holds `text`, every id `id`.
fn account(text: &str, id: &str) -> Account {
    let spent = Spent {
        input_tokens: 3600,
        output_tokens: 1020,
        cost_usd: 0.75,
        ..Spent::default()
    };
    let (first, second) = (format!("1.1{id}"), format!("1.2{id}"));
    Account {
        format: FORMAT,
        subject: Subject::Plan { plan: plan() },
        title: format!("Plan: {text}"),
        sentence: "1 of 2 steps verified, 1 waits for you".to_owned(),
        as_of: at(500),
        began: Some(at(0)),
        ended: Some(at(300)),
        ending: Some(RunEnding::Blocked),
        runs: runs(text),
        counts: vec![
            Count {
                stand: Stand::Done,
                steps: 1,
            },
            Count {
                stand: Stand::NeedsAnswer,
                steps: 1,
            },
        ],
        verified: 1,
        declared: 0,
        totals: totals(spent),
        groups: vec![Group {
            plan: plan(),
            title: format!("Phase 1: {text}"),
            settled: 1,
            steps: vec![
                step(&first, text, Stand::Done, &[0, 2]),
                step(&second, text, Stand::NeedsAnswer, &[1]),
            ],
        }],
        attempts: vec![
            attempt(&first, 1, (0, 60), Verdict::Failed, text),
            attempt(&second, 1, (5, 40), Verdict::Waiting, text),
            attempt(&first, 2, (250, 300), Verdict::Verified, text),
        ],
        agents: agents(text, spent),
        commits: vec![CommitLine {
            at: at(301),
            commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            plan: plan(),
            steps: vec![StepId::new(&first)],
            task: None,
            left_out: 1,
        }],
        open: vec![OpenItem {
            kind: OpenKind::Question,
            plan: plan(),
            step: Some(StepId::new(&second)),
            text: text.to_owned(),
            until: None,
            command: Some(format!("airboss answer {id} TEXT")),
        }],
        tasks: vec![TaskLine {
            number: 7,
            title: text.to_owned(),
            status: format!("planned {text}"),
            finished: false,
        }],
    }
}

fn chart(text: &str) -> Chart {
    let node = |id: &str, stand: Stand, group| Node {
        id: format!("{id}{text}"),
        title: text.to_owned(),
        stand,
        status: format!("{} {text}", stand.word()),
        group,
        is_phase: group.is_none(),
        in_cycle: false,
    };
    let nodes = vec![
        node("1", Stand::Done, Some(0)),
        node("2", Stand::Failed, Some(0)),
        node("p", Stand::Pending, None),
        node("3", Stand::Blocked, Some(1)),
    ];
    let edges = [(0, 2), (1, 2), (2, 3), (0, 3), (3, 1)];
    Chart::new(text, vec![text.to_owned(), text.to_owned()], nodes, edges)
}

fn plain_text(account: &Account) -> String {
    let text = plain::text(account, 100, None);
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn words() {
    assert_snapshot!("words", plain_text(&account("write `a.md`", "")));
}

#[test]
fn markdown() {
    assert_snapshot!("markdown", markdown::text(&account("write `a.md`", "")));
}

#[test]
fn picture() {
    assert_snapshot!("picture", timeline::file(&account("write `a.md`", "")));
}

#[test]
fn page_of_a_plan() {
    let page = page::page(&account("write `a.md`", ""), "0.0.0");
    // The style is a file of its own.
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    assert_snapshot!("page", format!("{head}{body}"));
}

#[test]
fn flowchart() {
    assert_snapshot!("flowchart", graph::flowchart(&chart("a \"b\" <c>")));
}

#[test]
fn layered_picture() {
    assert_snapshot!("graph", graph::svg(&chart("a \"b\" <c>")));
}

#[test]
fn nothing_flown_is_said() {
    let mut nothing = account("x", "");
    for line in &mut nothing.groups[0].steps {
        *line = step("1", "x", Stand::Pending, &[]);
    }
    nothing.attempts.clear();
    nothing.agents.clear();
    nothing.open.clear();
    nothing.began = None;
    assert!(timeline::file(&nothing).contains("no attempt was dispatched"));
    assert!(page::page(&nothing, "0").contains("No run was started yet"));
    assert_eq!(gantt::gantt(&nothing), None);
}

#[test]
fn a_thousand_attempts_are_one_picture() {
    let mut many = account("x", "");
    many.attempts = (0..1000)
        .map(|place| {
            let begin = place / 10 * 60;
            attempt("1.1", 1, (begin, begin + 50), Verdict::Verified, "x")
        })
        .collect();
    let picture = timeline::file(&many);
    assert!(picture.len() < 500_000, "{}", picture.len());
    let height = picture.split("viewBox=\"0 0 1120 ").nth(1).unwrap();
    let height: u32 = height.split('"').next().unwrap().parse().unwrap();
    assert!(height < 400, "ten lanes: {height}");
}

#[test]
fn long_pauses_are_folded_and_say_so() {
    let mut account = account("x", "");
    account.attempts[2].began = at(36_000);
    account.attempts[2].ended = Some(at(36_030));
    let picture = timeline::file(&account);
    assert!(
        picture.contains("nothing was in the air for 9h59m"),
        "{picture}"
    );
    assert!(!timeline::file(&self::account("x", "")).contains("10h"));
}

#[test]
fn escapes() {
    let check = |text: &str, xml: &str, markdown: &str, mermaid: &str| {
        assert_eq!(escape::Xml(text).to_string(), xml);
        assert_eq!(escape::markdown(text), markdown);
        assert_eq!(escape::mermaid(text), mermaid);
    };
    check("a b", "a b", "a b", "a b");
    check(
        "<i>&\"'",
        "&lt;i&gt;&amp;&quot;&#39;",
        "\\<i\\>\\&\"'",
        "#60;i#62;#38;#34;#39;",
    );
    check(
        "a\u{0}\u{ffff}b",
        "a\u{fffd}\u{fffd}b",
        "a \u{ffff}b",
        "a #65535;b",
    );
    check(
        "@me #1",
        "@me #1",
        "@\u{200b}me \\#\u{200b}1",
        "#64;me #35;1",
    );
    check("| x", "| x", "\\| x", "#124; x");
    assert_eq!(
        escape::Rich("a `<b>` c").to_string(),
        "a <code>&lt;b&gt;</code> c"
    );
    assert_eq!(escape::Rich("a ` c").to_string(), "a ` c");
    assert_eq!(escape::markdown_rich("*a* `|` `b`"), "\\*a\\* `¦` `b`");
    assert_eq!(escape::mermaid_name("a: b; #c\n%%"), "a b c");
    assert_eq!(escape::mermaid_name("::"), "-");
}

/// The elements of a document and the names of their attributes, in order; code is only text.
fn elements(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = document;
    while let Some(begin) = rest.find('<') {
        rest = &rest[begin + 1..];
        let mut quoted = false;
        let end = rest.find(|character| {
            quoted ^= character == '"';
            character == '>' && !quoted
        });
        let (tag, after) = rest.split_at(end.expect("every tag ends"));
        rest = after;
        let mut outside = tag.split('"').step_by(2).collect::<Vec<_>>().join("");
        outside.retain(|character| character != '\n');
        if !["code", "/code"].contains(&outside.as_str()) {
            found.push(outside);
        }
    }
    found
}

/// Markdown without what stands in code, where a backslash is only a backslash.
fn without_code(line: &str) -> String {
    let mut outside = String::new();
    let (mut is_code, mut escaped) = (false, false);
    for character in line.chars() {
        if character == '`' && !escaped {
            is_code = !is_code;
        } else if !is_code {
            outside.push(character);
        }
        escaped = !is_code && character == '\\' && !escaped;
    }
    assert!(!is_code, "code ends on its line: {line}");
    outside
}

/// Bare signs: those that no backslash stands before.
fn bare(line: &str, sign: char) -> usize {
    let mut escaped = false;
    let mut count = 0;
    for character in line.chars() {
        count += usize::from(character == sign && !escaped);
        escaped = character == '\\' && !escaped;
    }
    count
}

/// The shape of Markdown: for each line its bare pipes and angle brackets.
fn shape(markdown: &str) -> Vec<(usize, usize)> {
    let lines = markdown.lines().filter(|line| !line.starts_with("```"));
    let lines = lines.map(without_code);
    lines
        .map(|line| (bare(&line, '|'), bare(&line, '<')))
        .collect()
}

/// Hostile text: signs of every language that it is put into, and anything else.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("</script><script>alert(1)</script>".to_owned()),
        Just("\"><img src=x onerror=alert(1)>".to_owned()),
        Just("]]>--><!-- ".to_owned()),
        Just("</style>&lt;&#60;".to_owned()),
        Just("|`\\`|<b>[a](javascript:x)".to_owned()),
        Just("\"]; click n0 href \"javascript:x\"\n%%{init:{}}%%".to_owned()),
        Just("\u{1b}[31m\u{202e}\r\n\t".to_owned()),
        "[`|<>\"'&#;:%{}\\[\\]()\\\\a-z ]{0,12}",
        any::<String>(),
    ];
    proptest::collection::vec(piece, 1..5).prop_map(|pieces| format!("x{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_from_outside_becomes_markup(text in hostile()) {
        // What an account holds was made one line already; escaping alone has to do, too.
        for text in [text.clone(), shown(&text)] {
            let (hostile, tame) = (account(&text, &text), account("x", "x"));
            prop_assert_eq!(
                elements(&page::page(&hostile, "0")),
                elements(&page::page(&tame, "0"))
            );
            let (drawn, expected) = (timeline::file(&hostile), timeline::file(&tame));
            let svg = |picture: &str| -> Vec<String> {
                // Labels are left out where they do not fit.
                elements(picture).into_iter().filter(|it| !it.contains("text")).collect()
            };
            prop_assert_eq!(svg(&drawn), svg(&expected));
            prop_assert_eq!(
                elements(&graph::svg(&chart(&text))),
                elements(&graph::svg(&chart("x")))
            );
            prop_assert_eq!(
                shape(&markdown::text(&hostile)),
                shape(&markdown::text(&tame)),
                "{}", markdown::text(&hostile)
            );
            let flow = graph::flowchart(&chart(&text));
            prop_assert_eq!(flow.lines().count(), graph::flowchart(&chart("x")).lines().count());
            for line in flow.lines().filter(|line| line.contains('"')) {
                prop_assert_eq!(line.matches('"').count(), 2, "{}", line);
            }
        }
    }
}
