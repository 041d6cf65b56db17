//! What the tools do: questions to the store, and reports to the engine.

use std::future::ready;

use airboss_core::id::StepId;
use airboss_core::report::Report;
use airboss_core::text::sanitize;
use airboss_engine::report::{Credentials, Delivered};
use airboss_engine::run::attempt_files::{AttemptFiles, directory};
use airboss_engine::store::Store as _;
use airboss_engine::supervise::{ATTEMPT_VARIABLE, TOKEN_VARIABLE};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest,
    CustomResult, ErrorCode, ErrorData, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};

use super::tools::{Definition, Kind, TOOLS};
use crate::command::next;
use crate::command::report::{delivered, own_credentials};
use crate::command::task::{list, show};
use crate::context::Context;
use crate::desk::Reading;
use crate::error::CliError;

/// Tells agents what this server is for.
const INSTRUCTIONS: &str = "Airboss started you and judges your work by what is there. These \
    tools only tell people how it goes; nothing depends on them. If one fails, go on.";
/// Steps and tasks shown by `next` unless told otherwise.
const NEXT: u64 = 3;

/// The server of one agent.
pub(super) struct Server {
    context: Context,
    /// Who reports, as the environment has it.
    given: Result<Option<Credentials>, CliError>,
}

impl Server {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            // Standard output is the protocol's, and warnings are for a person's commands.
            context: Context {
                quiet: true,
                json: false,
                ..context.clone()
            },
            given: own_credentials(),
        }
    }

    fn call(&self, tool: &Definition, arguments: &JsonObject) -> Result<String, CliError> {
        if let Some(problem) = tool.problem(arguments) {
            return Err(CliError::refused(problem));
        }
        match tool.kind {
            Kind::Next => self.next(arguments),
            Kind::Task => self.task(arguments),
            Kind::Report => self.report(tool.name, arguments),
        }
    }

    fn next(&self, arguments: &JsonObject) -> Result<String, CliError> {
        let count = arguments.get("count").and_then(Value::as_u64);
        let count = usize::try_from(count.unwrap_or(NEXT)).unwrap_or(usize::MAX);
        let steps = next::ready(&self.context, count);
        let tasks = list::ready_rows(&self.context, count);
        let mut answer = json!({});
        match (steps, tasks) {
            (Err(steps), Err(tasks)) => {
                return Err(CliError::refused(format!("{steps}; {tasks}")));
            }
            (steps, tasks) => {
                if let Ok(steps) = steps {
                    answer["steps"] = steps["tasks"].clone();
                }
                if let Ok(tasks) = tasks {
                    answer["tasks"] = json!(tasks);
                }
            }
        }
        Ok(answer.to_string())
    }

    fn task(&self, arguments: &JsonObject) -> Result<String, CliError> {
        let step = arguments.get("step").and_then(Value::as_str);
        let number = arguments.get("number").and_then(Value::as_u64);
        match (number.map(u32::try_from), step) {
            (Some(Ok(number)), None) => {
                let told = show::told(&self.context, number)?;
                Ok(json!({ "tasks": told }).to_string())
            }
            (None, step) => self.step(step.map(StepId::from).as_ref()),
            _ => Err(CliError::refused("give `number` or `step`, not both")),
        }
    }

    /// A step, or without an id all steps of the agent's own attempt.
    fn step(&self, id: Option<&StepId>) -> Result<String, CliError> {
        if let Ok(Some(given)) = &self.given {
            let (workspace, store) = self.context.reader()?;
            if let Some(known) = store.attempt(given.attempt)? {
                let ids = id.map_or(known.attempt.steps.as_slice(), std::slice::from_ref);
                let mut steps = Vec::new();
                for id in ids {
                    let step = store.step(&known.plan, id)?;
                    steps.push(step.ok_or_else(|| crate::desk::unknown_step(id, None))?);
                }
                let files = AttemptFiles::read(&directory(&workspace.state, given.attempt));
                let expected = files.map(|files| files.declared).unwrap_or_default();
                return Ok(json!({
                    "plan": known.plan,
                    "steps": steps,
                    "expectedFiles": expected,
                })
                .to_string());
            }
        }
        let Some(id) = id else {
            return Err(CliError::refused(
                "name a task by `number` or a step by `step`",
            ));
        };
        let reading = Reading::open(&self.context)?;
        let step = reading.step(id)?;
        Ok(json!({ "plan": reading.key, "steps": [step] }).to_string())
    }

    fn report(&self, kind: &str, arguments: &JsonObject) -> Result<String, CliError> {
        let Some(given) = self.given.clone()? else {
            return Err(CliError::refused(format!(
                "only an agent reports: {ATTEMPT_VARIABLE} and {TOKEN_VARIABLE} are not set for \
                 this server"
            )));
        };
        let mut fields = arguments.clone();
        let step = fields.remove("step");
        let step = step.as_ref().and_then(Value::as_str).map(StepId::from);
        fields.insert("kind".to_owned(), json!(kind));
        let report: Report = serde_json::from_value(fields.into())
            .map_err(|error| CliError::refused(error.to_string()))?;
        let asks = matches!(report, Report::Ask { .. });
        let told = match delivered(&self.context, given, step, report)? {
            Delivered::Recorded(_) => "recorded as your claim",
            Delivered::Left => "left in the inbox, which the run reads",
        };
        let then = if asks {
            "; a person is asked once you have ended, so end now"
        } else {
            ""
        };
        Ok(format!("{told}{then}"))
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("airboss", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<ListToolsResult, ErrorData>> + Send + '_ {
        let tools = TOOLS.iter().map(Definition::tool).collect();
        ready(Ok(ListToolsResult::with_all_items(tools)))
    }

    fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + Send + '_ {
        let Some(tool) = Definition::find(&request.name) else {
            let name = sanitize(airboss_core::text::head(&request.name, 80));
            let text = format!("there is no tool `{name}`");
            return ready(Err(ErrorData::invalid_params(text, None)));
        };
        let arguments = request.arguments.unwrap_or_default();
        let result = match self.call(tool, &arguments) {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(error) => {
                let mut text = sanitize(&error.to_string());
                for hint in &error.hints {
                    text.extend(["; ", hint]);
                }
                CallToolResult::error(vec![ContentBlock::text(text)])
            }
        };
        ready(Ok(result.into()))
    }

    /// What rmcp knows and cannot read has parameters of wrong types.
    fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<CustomResult, ErrorData>> + Send + '_ {
        let known = ["initialize", "ping", "tools/list", "tools/call"];
        let method = sanitize(airboss_core::text::head(&request.method, 80));
        ready(Err(if known.contains(&method.as_str()) {
            ErrorData::invalid_params(format!("`{method}` has parameters of wrong types"), None)
        } else {
            let text = format!("there is no method `{method}`");
            ErrorData::new(ErrorCode::METHOD_NOT_FOUND, text, None)
        }))
    }
}
