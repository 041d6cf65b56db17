//! Which route of the settings a stage of a task takes, and how that is told.

use airboss_core::config::route::{Subject, choose};
use airboss_core::config::{Origin, Route, duration_text};
use airboss_core::text::sanitize;
use airboss_engine::board::Desk;
use airboss_engine::run::RunRequest;
use airboss_engine::settings::Settings;
use airboss_engine::stage::Request;
use serde_json::{Value, json};

/// The route of a stage; `None` when none matches or the task is not there.
pub(super) fn of(settings: &Settings, desk: &Desk, request: &Request) -> Option<Route> {
    let routes = &settings.config.routes;
    let task = desk.store_task(request.number)?;
    let by_label = routes.iter().any(|route| route.label.is_some());
    let labels = match by_label {
        true => desk.labels(task.number),
        false => Vec::new(),
    };
    choose(routes, &Subject::new(request.stage, &task, &labels)).cloned()
}

/// Whether a person has named the agent for this call: on the command line or in the environment.
pub(super) fn is_agent_chosen(settings: &Settings) -> bool {
    let agent = settings.merged.settings().get("run.agent");
    agent.is_some_and(|agent| matches!(agent.origin, Origin::Flag | Origin::Environment))
}

/// A route as it is shown, with what comes of it.
pub(super) struct Shown<'s> {
    /// The route.
    pub(super) route: Option<&'s Route>,
    /// What would be flown.
    pub(super) run: &'s RunRequest,
    /// Whether the agent is the one that the person named.
    pub(super) chosen: bool,
}

impl Shown<'_> {
    /// One line for people.
    pub(super) fn words(&self) -> String {
        let agent = &self.run.agent;
        let mut parts = vec![format!("agent {}", agent.name)];
        if self.chosen {
            parts.push("as asked for".to_owned());
        }
        parts.extend(agent.model.iter().map(|model| format!("model {model}")));
        let Some(route) = self.route else {
            return sanitize(&format!("no route matches; {}", parts.join(", ")));
        };
        let limits = [("deadline", route.deadline), ("idle", route.idle)];
        let limits = limits
            .iter()
            .filter_map(|(name, limit)| Some(format!("{name} {}", duration_text((*limit)?))));
        parts.extend(limits);
        parts.extend(route.retries.map(|retries| format!("retries {retries}")));
        parts.extend(route.template.iter().map(|name| format!("template {name}")));
        let conditions = match route.conditions() {
            all if all.is_empty() => "every stage".to_owned(),
            some => some.join(", "),
        };
        let place = &route.place;
        sanitize(&format!(
            "route {place} ({conditions}): {}",
            parts.join(", ")
        ))
    }

    /// The same as data.
    pub(super) fn as_json(&self) -> Value {
        let agent = &self.run.agent;
        json!({
            "place": self.route.map(|route| &route.place),
            "conditions": self.route.map(Route::conditions),
            "template": self.route.and_then(|route| route.template.as_ref()),
            "agent": agent.name,
            "agent_as_asked_for": self.chosen,
            "model": agent.model,
            "deadline": duration_text(agent.limits.deadline),
            "idle": duration_text(agent.limits.idle),
            "retries": self.run.flight.policy.rules.retries_max,
        })
    }
}
