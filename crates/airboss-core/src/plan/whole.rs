//! A plan with one step for each phase: what a workflow gives to one agent at once.

use super::model::{Mark, Phase, Plan, Step};
use crate::id::StepId;

impl Plan {
    /// The plan as its phases alone: each has one step, whose details are what the phase lists.
    ///
    /// Phases keep their order and dependencies; what steps say about each other is the business
    /// of the agent that carries the phase out.
    #[must_use]
    pub fn by_phase(&self) -> Self {
        let mut plan = self.clone();
        for phase in &mut plan.phases {
            phase.steps = vec![phase.as_step()];
        }
        plan
    }
}

impl Phase {
    /// The id of the step that stands for the whole phase.
    #[must_use]
    pub fn step_id(&self) -> StepId {
        StepId::from(format!("p{}", self.key).as_str())
    }

    fn as_step(&self) -> Step {
        let mut details = Vec::new();
        let mut footprint: Vec<String> = Vec::new();
        for step in self.steps.iter().filter(|step| !step.whole_phase) {
            details.push(format!("- {}", step.text));
            details.extend(step.details.iter().map(|detail| format!("  {detail}")));
            for path in &step.footprint {
                if !footprint.contains(path) {
                    footprint.push(path.clone());
                }
            }
        }
        Step {
            id: self.step_id(),
            synthesised: true,
            text: self.title.clone(),
            details,
            mark: Mark::Open,
            line: self.line,
            parent: None,
            footprint,
            dependencies: None,
            whole_phase: true,
            span: self.span.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::schedule;

    #[test]
    fn each_phase_is_one_step_and_waits_as_the_phase_did() {
        let text = "# Plan\n\n### Phase 1: Measure [COMPLETED]\n\n- [x] Read `src/a.rs`\n- [x] Write it down\n\n\
                    ### Phase 2: Cut [NOT STARTED]\n\n**Depends on**: Phase 1\n\n- [ ] Cut `src/a.rs`\n  - keep the name\n\n\
                    ### Phase 3: Tell [NOT STARTED]\n\n**Depends on**: Phase 1\n\n- [ ] Change `README.md`\n";
        let plan = Plan::parse(text.as_bytes()).by_phase();
        let steps: Vec<&Step> = plan.phases.iter().flat_map(|phase| &phase.steps).collect();
        let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
        assert_eq!(ids, ["p1", "p2", "p3"]);
        assert_eq!(steps[1].details.len(), 2);
        assert_eq!(steps[1].footprint, ["src/a.rs"]);
        let schedule = schedule(&plan, false).unwrap();
        let waves = schedule.waves(4);
        assert_eq!(waves.len(), 2, "{waves:?}");
        assert_eq!(waves[1].len(), 2, "{waves:?}");
    }
}
