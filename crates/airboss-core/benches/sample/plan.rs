//! A plan of any size, the same on every machine.
//!
//! About 110 bytes a line and 20 steps a phase: ten thousand steps make 1.3 MB and 23,000
//! lines, with a fenced block and a dependency in each phase.

/// How many steps a phase has.
const PHASE_STEPS: usize = 20;

/// The Markdown of a plan with this many steps, `1.1` to `1.20`, `2.1` and so on.
pub(crate) fn plan(steps: usize) -> String {
    let mut text = String::with_capacity(steps * 140 + 1_000);
    text.push_str("# Plan: rebuild the harbour office\n\n**Status**: [NOT STARTED]\n");
    text.push_str("**Output**: harbour\n\n## Implementation Phases\n");
    for number in 0..steps {
        if number.is_multiple_of(PHASE_STEPS) {
            push_phase(&mut text, number / PHASE_STEPS + 1);
        }
        let step = step_id(number);
        let line = format!(
            "- [ ] {step} Sort the letters of berth {number} in `src/berth_{number}.rs`, \
             and show that **none** of them is lost\n"
        );
        text.push_str(&line);
    }
    text
}

/// The id of the step with this number, from 0.
pub(crate) fn step_id(number: usize) -> String {
    format!("{}.{}", number / PHASE_STEPS + 1, number % PHASE_STEPS + 1)
}

fn push_phase(text: &mut String, phase: usize) {
    let after = match phase {
        1 => "none".to_owned(),
        _ => format!("Phase {}", phase - 1),
    };
    let heading = format!(
        "\n### Phase {phase}: The letters of pier {phase} [NOT STARTED]\n\n\
         **Objective**: every letter of pier {phase} lies in its own box.\n\
         **Dependencies**: {after}\n\n```text\n- [ ] this box is text\n```\n\n"
    );
    text.push_str(&heading);
}
