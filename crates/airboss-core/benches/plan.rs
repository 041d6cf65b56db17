//! Reading a plan of ten thousand steps, beside the events of a Markdown parser.

#[path = "sample/plan.rs"]
mod sample;

use std::hint::black_box;

use airboss_core::plan::Plan;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pulldown_cmark::{Event, Options, Parser};

const STEPS: usize = 10_000;

fn read(criterion: &mut Criterion) {
    let text = sample::plan(STEPS);
    // What is measured is right: every step is found, by both.
    let plan = Plan::parse(text.as_bytes());
    assert_eq!(plan.problems, []);
    assert_eq!(
        plan.phases
            .iter()
            .map(|phase| phase.steps.len())
            .sum::<usize>(),
        STEPS
    );
    assert_eq!(boxes(&text), STEPS);
    let last = plan.phases.last().and_then(|phase| phase.steps.last());
    assert_eq!(
        last.map(|step| step.id.to_string()),
        Some(sample::step_id(STEPS - 1))
    );

    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("airboss", |bencher| {
        bencher.iter(|| Plan::parse(black_box(text.as_bytes())));
    });
    group.bench_function("pulldown-cmark", |bencher| {
        bencher.iter(|| boxes(black_box(&text)));
    });
    group.finish();
}

/// The boxes among the events, so that each event is looked at.
fn boxes(text: &str) -> usize {
    Parser::new_ext(text, Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES)
        .filter(|event| matches!(event, Event::TaskListMarker(_)))
        .count()
}

criterion_group!(benches, read);
criterion_main!(benches);
