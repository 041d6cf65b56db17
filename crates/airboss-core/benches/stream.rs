//! Reading the event streams of agents, beside reading the same lines as plain JSON values.

#[path = "sample/stream.rs"]
mod sample;

use std::hint::black_box;

use airboss_core::agent::{SessionUpdate, StreamFormat, StreamParser};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn read(criterion: &mut Criterion) {
    let streams = [
        ("claude", StreamFormat::Claude, sample::claude()),
        ("codex", StreamFormat::Codex, sample::codex()),
    ];
    for (name, format, text) in streams {
        // What is measured is right: nothing is unknown, and each tool is heard to end.
        let (mut raw, mut ended) = (0, 0);
        updates(format, &text, |update| match update {
            SessionUpdate::Raw { .. } => raw += 1,
            SessionUpdate::ToolEnded { .. } => ended += 1,
            _ => {}
        });
        assert_eq!(raw, 0, "{name}");
        assert_eq!(ended, sample::TOOLS, "{name}");

        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("airboss", |bencher| {
            bencher.iter(|| updates(format, black_box(&text), |update| drop(black_box(update))));
        });
        group.bench_function("serde_json", |bencher| {
            bencher.iter(|| values(black_box(&text)));
        });
        group.finish();
    }
}

fn updates(format: StreamFormat, text: &str, mut each: impl FnMut(SessionUpdate)) {
    let mut parser = StreamParser::new(format);
    for line in text.lines() {
        parser
            .parse(line.as_bytes())
            .into_iter()
            .for_each(&mut each);
    }
}

/// Each line as a value of its own; the sum of their sizes, so that none is left out.
fn values(text: &str) -> usize {
    text.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|value| value.as_object().map_or(0, serde_json::Map::len))
        .sum()
}

criterion_group!(benches, read);
criterion_main!(benches);
