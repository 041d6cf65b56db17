//! Routes: which agent flies a stage of a task, with which model, limits and prompt.
//!
//! A route has conditions and values. Of the routes whose conditions all hold, the one with the
//! most conditions wins, and of several such the first: those of a stronger source stand before
//! those of a weaker one, and within a file they stand as they are written. One route counts;
//! the values of others are not mixed in.

use std::time::Duration;

use super::Config;
use crate::board::Task;
use crate::stage::Stage;

/// One `[[route]]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Route {
    /// Where it stands: `airboss.toml:12`.
    pub place: String,
    /// Only for this stage.
    pub stage: Option<Stage>,
    /// Only for tasks of this language or task type.
    pub language: Option<String>,
    /// Only for tasks with this label.
    pub label: Option<String>,
    /// The agent, by its name in the configuration.
    pub agent: Option<String>,
    /// The model that it is asked to use.
    pub model: Option<String>,
    /// The whole time of one attempt.
    pub deadline: Option<Duration>,
    /// Neither output nor work.
    pub idle: Option<Duration>,
    /// Retries after the first attempt.
    pub retries: Option<u32>,
    /// The prompt: the name of a file in `.airboss/prompts`, without `.md`.
    pub template: Option<String>,
}

/// What a route is chosen for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject<'s> {
    /// The stage.
    pub stage: Stage,
    /// The task's language or task type.
    pub language: Option<&'s str>,
    /// Its labels.
    pub labels: &'s [String],
}

impl<'s> Subject<'s> {
    /// A stage of a task; its labels stand in its files.
    #[must_use]
    pub fn new(stage: Stage, task: &'s Task, labels: &'s [String]) -> Self {
        Self {
            stage,
            language: task.language.as_deref(),
            labels,
        }
    }
}

impl Route {
    /// Its conditions as they are written: `stage = plan, label = urgent`.
    #[must_use]
    pub fn conditions(&self) -> Vec<String> {
        let stage = self.stage.map(|stage| format!("stage = {stage}"));
        let named = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{name} = {value}"))
        };
        let language = named("language", &self.language);
        stage
            .into_iter()
            .chain(language)
            .chain(named("label", &self.label))
            .collect()
    }

    fn matches(&self, subject: &Subject<'_>) -> bool {
        let is_language = |wanted: &String| {
            subject
                .language
                .is_some_and(|language| language.eq_ignore_ascii_case(wanted))
        };
        let has_label = |wanted: &String| {
            let mut labels = subject.labels.iter();
            labels.any(|label| label.eq_ignore_ascii_case(wanted))
        };
        self.stage.is_none_or(|stage| stage == subject.stage)
            && self.language.as_ref().is_none_or(is_language)
            && self.label.as_ref().is_none_or(has_label)
    }
}

/// The route that counts, if any.
#[must_use]
pub fn choose<'r>(routes: &'r [Route], subject: &Subject<'_>) -> Option<&'r Route> {
    let matching = routes.iter().filter(|route| route.matches(subject));
    // Of equals `max_by_key` takes the last.
    matching.rev().max_by_key(|route| route.conditions().len())
}

impl Config {
    /// The settings as a route has them. With `chosen` a person has named the agent for this
    /// call, so that the route's agent and its model do not count; its limits and prompt do.
    #[must_use]
    pub fn routed(&self, route: &Route, chosen: bool) -> Self {
        let mut config = self.clone();
        if let Some(agent) = route.agent.as_ref().filter(|_| !chosen) {
            config.run.agent.clone_from(agent);
        }
        if let Some(retries) = route.retries {
            config.limits.retries = retries;
        }
        if let Some(agent) = config.agents.get_mut(&config.run.agent) {
            let model = route.model.clone().filter(|_| !chosen);
            agent.model = model.or(agent.model.take());
            agent.deadline = route.deadline.or(agent.deadline);
            agent.idle = route.idle.or(agent.idle);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `stage language label`, `-` for none of it.
    fn route(place: &str, conditions: &str) -> Route {
        let mut words = conditions
            .split(' ')
            .map(|word| (word != "-").then_some(word));
        let mut next = || words.next().flatten();
        Route {
            place: place.to_owned(),
            stage: next().and_then(Stage::read),
            language: next().map(str::to_owned),
            label: next().map(str::to_owned),
            ..Route::default()
        }
    }

    #[test]
    fn the_most_specific_route_wins_then_the_first() {
        let routes = [
            route("all", "- - -"),
            route("lean", "- Lean -"),
            route("plan", "plan - -"),
            route("plan of lean", "plan lean -"),
            route("urgent plan", "plan - urgent"),
            route("urgent lean plan", "plan lean Urgent"),
            route("all again", "- - -"),
        ];
        let check = |stage, language, labels: &[&str], expected: &str| {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            let subject = Subject {
                stage,
                language,
                labels: &labels,
            };
            assert_eq!(choose(&routes, &subject).unwrap().place, expected);
        };
        check(Stage::Research, None, &[], "all");
        check(Stage::Research, Some("lean"), &["x"], "lean");
        check(Stage::Plan, None, &[], "plan");
        check(Stage::Plan, Some("LEAN"), &[], "plan of lean");
        check(Stage::Plan, Some("rust"), &["urgent"], "urgent plan");
        check(
            Stage::Plan,
            Some("lean"),
            &["x", "urgent"],
            "urgent lean plan",
        );
        let nothing = Subject {
            stage: Stage::Debug,
            language: None,
            labels: &[],
        };
        assert_eq!(choose(&routes[1..4], &nothing), None);
    }
}
