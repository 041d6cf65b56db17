//! Drawing the terminal interface: a plan of ten thousand steps with sixty-four attempts, of which
//! each frame differs from the one before.

#[path = "../src/tui/tests/world.rs"]
#[expect(dead_code, reason = "the tests draw more than a crowd")]
mod world;

use std::hint::black_box;
use std::time::Duration;

use airboss::tui::app::{App, Event, Options};
use airboss::tui::theme::{Palette, Theme};
use airboss::tui::view;
use criterion::{Criterion, criterion_group, criterion_main};
use ratatui::buffer::Buffer;

const STEPS: usize = 10_000;
const ATTEMPTS: usize = 64;

fn crowded((columns, rows): (u16, u16)) -> App {
    let mut world = world::crowd(STEPS, ATTEMPTS);
    let options = Options {
        theme: Theme {
            palette: Palette::Dark,
            ascii: false,
        },
        retries_max: 2,
        attempts_max: None,
        place: "bench".to_owned(),
        own_run: false,
    };
    let mut app = App::new(options, world.now());
    app.update(Event::Resize(columns, rows));
    app.update(Event::Changes(world.take()));
    // What is measured is right: all of it is there.
    assert_eq!(app.plan().map(|plan| plan.tally().total()), Some(STEPS));
    assert_eq!(app.scene.in_progress().len(), ATTEMPTS);
    app
}

fn draw(criterion: &mut Criterion) {
    for size in [(80, 24), (200, 60)] {
        let mut group = criterion.benchmark_group(format!("draw-{}x{}", size.0, size.1));
        let mut app = crowded(size);
        let mut buffer = Buffer::empty(app.size);
        group.bench_function("airboss", |bencher| {
            bencher.iter(|| {
                let now = app.now.after(Duration::from_millis(16));
                app.update(Event::Tick(now));
                buffer.reset();
                view::paint(&mut buffer, app.size, &app);
                black_box(&buffer);
            });
        });
        group.finish();
    }
}

criterion_group!(benches, draw);
criterion_main!(benches);
