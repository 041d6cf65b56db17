//! `airboss report`: on a run, for people (`report_page`); and what an agent says of its own work,
//! from inside its attempt.
//!
//! The latter is recorded as a claim and believed by nobody; `ask` alone has an effect, and only
//! against the agent: its step waits for a person. The MCP server and the inbox do the same.

use airboss_core::exit::ExitCode;
use airboss_core::id::{AttemptId, StepId};
use airboss_core::report::Report;
use airboss_engine::report::{Credentials, Delivered, Letter, ReportError, deliver};
use airboss_engine::supervise::{ATTEMPT_VARIABLE, TOKEN_VARIABLE};
use airboss_engine::workspace::Workspace;
use serde_json::{Value, json};

use super::report_page::{self, PageArguments};
use crate::context::Context;
use crate::error::CliError;

/// Report on a run, a plan or the board; or, from inside an attempt, tell how the work goes.
#[derive(clap::Args, Clone, Debug)]
#[command(subcommand_help_heading = "From inside an attempt, recorded as the agent's claim")]
pub struct ReportArguments {
    #[command(flatten)]
    page: PageArguments,
    #[command(subcommand)]
    claim: Option<Claim>,
}

/// What an agent can report.
#[derive(clap::Subcommand, Clone, Debug)]
enum Claim {
    /// How far it is.
    Progress(Told),
    /// Something that whoever reads the log should know.
    Note(Told),
    /// Something that was found out.
    Finding(Told),
    /// A phase of the work begins.
    PhaseStarted(Told),
    /// A phase of the work is done.
    PhaseDone(Told),
    /// A file that was due is there.
    ArtifactReady(Told),
    /// A question to a person; the step waits for the answer once the attempt has ended.
    Ask(Told),
}

/// The words of a claim.
#[derive(clap::Args, Clone, Debug)]
struct Told {
    /// The text, the phase, the path of the artifact, or the question.
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: String,
    /// The step it is about, where the attempt has several.
    #[arg(long, value_name = "ID")]
    step: Option<String>,
}

impl Claim {
    fn report(self) -> (Report, Option<StepId>) {
        let (report, told): (fn(String) -> Report, Told) = match self {
            Self::Progress(told) => (|text| Report::Progress { text }, told),
            Self::Note(told) => (|text| Report::Note { text }, told),
            Self::Finding(told) => (|text| Report::Finding { text }, told),
            Self::PhaseStarted(told) => (|phase| Report::PhaseStarted { phase }, told),
            Self::PhaseDone(told) => (|phase| Report::PhaseDone { phase }, told),
            Self::ArtifactReady(told) => (|path| Report::ArtifactReady { path }, told),
            Self::Ask(told) => (|question| Report::Ask { question }, told),
        };
        (report(told.text), told.step.map(StepId::new))
    }
}

/// Reports.
///
/// # Errors
/// As for [`report_page::page`]; a claim outside an attempt, or when it is refused.
pub fn report(context: &Context, arguments: &ReportArguments) -> Result<ExitCode, CliError> {
    let Some(claim) = arguments.claim.clone() else {
        return report_page::page(context, &arguments.page);
    };
    if arguments.page.is_given() {
        let message = "the report of a run and a claim of an agent are two commands";
        return Err(CliError::usage(message)
            .hint("`airboss report note TEXT` claims, `airboss report [RUN]` reports on a run"));
    }
    let Some(given) = own_credentials()? else {
        return Err(
            CliError::refused("only an agent reports, from inside its attempt").hint(
                "a person's words: `airboss mark-complete ID --notes TEXT`, `airboss answer`",
            ),
        );
    };
    let (report, step) = claim.report();
    send(context, given, step, report)
}

/// Sends a report and answers what became of it.
///
/// # Errors
/// When it is refused, or can be written nowhere.
pub fn send(
    context: &Context,
    given: Credentials,
    step: Option<StepId>,
    report: Report,
) -> Result<ExitCode, CliError> {
    let claim = report.word();
    let answer = match delivered(context, given, step.clone(), report)? {
        Delivered::Recorded(answer) => answer,
        Delivered::Left => json!({
            "success": true, "taskId": step, "status": "left_in_inbox", "claim": claim
        }),
    };
    context.answer(&answer, words);
    Ok(ExitCode::Success)
}

/// Delivers a report to the store or to the inbox of this work tree.
///
/// # Errors
/// When it is refused, or can be written nowhere.
pub fn delivered(
    context: &Context,
    given: Credentials,
    step: Option<StepId>,
    report: Report,
) -> Result<Delivered, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let letter = Letter {
        attempt: given.attempt,
        token: given.token,
        step,
        report,
    };
    Ok(deliver(&workspace, &letter)?)
}

fn words(answer: &Value) -> String {
    let claim = answer["claim"].as_str().unwrap_or("").replace('_', " ");
    match answer["status"].as_str() {
        Some("left_in_inbox") => format!("{claim}: left in the inbox, which the run reads"),
        _ => format!(
            "{}: {claim} is recorded as a claim; its evidence decides",
            answer["taskId"].as_str().unwrap_or("")
        ),
    }
}

/// The attempt that this command runs inside of.
///
/// # Errors
/// When the variable holds something else.
pub fn own_attempt() -> Result<Option<AttemptId>, CliError> {
    let Some(text) = std::env::var_os(ATTEMPT_VARIABLE) else {
        return Ok(None);
    };
    let attempt = text.to_str().and_then(|text| text.parse().ok());
    attempt.map(Some).ok_or_else(|| {
        CliError::usage(format!(
            "{ATTEMPT_VARIABLE} does not hold the id of an attempt"
        ))
        .hint("airboss sets it for its agents; unset it to work as a person")
    })
}

/// Refuses what only a person may do, when an attempt asks for it.
///
/// # Errors
/// Inside an attempt, and as for [`own_attempt`].
pub fn require_person(what: &str) -> Result<(), CliError> {
    match own_attempt()? {
        None => Ok(()),
        Some(_) => Err(CliError::refused(format!("an agent does not {what}"))
            .hint("end the work; a person does this")),
    }
}

/// The attempt that this command runs inside of, and its token; an empty one fits no attempt.
///
/// # Errors
/// As for [`own_attempt`].
pub fn own_credentials() -> Result<Option<Credentials>, CliError> {
    let token = std::env::var(TOKEN_VARIABLE).unwrap_or_default();
    let attempt = own_attempt()?;
    Ok(attempt.map(|attempt| Credentials { attempt, token }))
}

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Store(error) => error.into(),
            ReportError::Workspace(error) => error.into(),
            ReportError::Refused(airboss_core::report::ReportRefused::NotItsStep { .. }) => {
                Self::refused(error.to_string()).hint("an agent reports on its own step only")
            }
            ReportError::WrongToken(_) | ReportError::Unknown(_) => {
                Self::refused(error.to_string()).hint(format!(
                    "airboss gives its agents {ATTEMPT_VARIABLE} and {TOKEN_VARIABLE}; pass both \
                     on unchanged"
                ))
            }
            ReportError::Refused(_) => Self::refused(error.to_string()),
        }
    }
}
