//! Reading a TODO.md of ten thousand tasks, beside the events of a Markdown parser; and which of
//! the tasks can be worked on.

#[path = "sample/board.rs"]
#[expect(
    dead_code,
    reason = "the files of single tasks are for whole processes"
)]
mod sample;

use std::collections::BTreeMap;
use std::hint::black_box;

use airboss_core::board::ready::queue;
use airboss_core::board::reconcile::{Found, adopt};
use airboss_core::board::todo::TodoFile;
use airboss_core::board::{Board, BoardKey};
use airboss_core::id::OperationId;
use airboss_core::time::Timestamp;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

const TASKS: usize = 10_000;

fn read(criterion: &mut Criterion) {
    let text = sample::todo(TASKS);
    // What is measured is right: every task is found, by both, and nothing is odd.
    let file = TodoFile::parse(text.as_bytes());
    assert_eq!(file.problems, []);
    assert_eq!(file.entries.len(), TASKS);
    assert_eq!(headings(&text), TASKS);

    let mut group = criterion.benchmark_group("todo");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("airboss", |bencher| {
        bencher.iter(|| TodoFile::parse(black_box(text.as_bytes())));
    });
    group.bench_function("pulldown-cmark", |bencher| {
        bencher.iter(|| headings(black_box(&text)));
    });
    group.finish();
}

/// The headings of tasks among the events, so that each event is looked at.
fn headings(text: &str) -> usize {
    let is_task = |event: &Event<'_>| {
        let level = HeadingLevel::H3;
        matches!(event, Event::Start(Tag::Heading { level: found, .. }) if *found == level)
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    Parser::new_ext(text, options).filter(is_task).count()
}

fn ready(criterion: &mut Criterion) {
    let text = sample::todo(TASKS);
    let entries = TodoFile::parse(text.as_bytes()).entries;
    let order: Vec<u32> = entries.iter().map(|entry| entry.number).collect();
    let key = BoardKey::at_top().expect("a constant");
    let adopted = adopt(&Found {
        board: &key,
        todo: &entries,
        todo_next: None,
        state: &[],
        state_next: None,
        archive: &[],
        evidence: &BTreeMap::new(),
        prefer: None,
        chosen: &Default::default(),
        now: Timestamp::default(),
    });
    let mut board = Board::default();
    for operation in &adopted.operations {
        board.apply(1, OperationId::default(), operation);
    }
    let found = queue(&board, &order);
    let ready = found.iter().filter(|queued| queued.is_ready()).count();
    assert_eq!((found.len(), ready), (TASKS, TASKS - TASKS / 5));

    let mut group = criterion.benchmark_group("ready");
    group.bench_function("airboss", |bencher| {
        bencher.iter(|| queue(black_box(&board), &order));
    });
    group.finish();
}

criterion_group!(benches, read, ready);
criterion_main!(benches);
