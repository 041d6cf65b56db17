//! One stage of one task, flown: prepared, sent, verified, and told.

use std::path::PathBuf;
use std::time::Instant;

use airboss_core::artifact::salvage::SALVAGED;
use airboss_core::board::TaskChange;
use airboss_core::config::{CommitMode, Config, Route};
use airboss_core::dispatch::{Flight, Policy};
use airboss_core::exit::ExitCode;
use airboss_core::path::RepoPath;
use airboss_core::stage::checkpoint::{Checkpoint, PROBLEMS_MAX};
use airboss_core::stage::work::suggested_topics;
use airboss_core::stage::{End, Stage};
use airboss_core::time::Timestamp;
use airboss_engine::board::{Desk, Failure};
use airboss_engine::inbox;
use airboss_engine::run::hooks::Hooks;
use airboss_engine::run::{RunMeans, RunRequest, RunSummary, fly};
use airboss_engine::settings::Settings;
use airboss_engine::stage::{self, Ended, Left, PhaseKeeper, Prepared, Request};
use airboss_engine::workspace::Workspace;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use super::How;
use crate::board::{self};
use crate::command::run::{self, RunArguments, prepare};
use crate::command::{hooks, route};
use crate::context::Context;
use crate::error::CliError;
use crate::render::board as render;
use crate::report;

/// The prompts of a project's own, from the top of the work tree.
const TEMPLATES: &str = ".airboss/prompts";
/// Bytes of such a prompt: far more than any agent is told.
const TEMPLATE_MAX: u64 = 256 * 1024;

/// What became of a flight.
pub struct Flown {
    /// What the stage was left with.
    pub left: Left,
    /// The run behind it.
    pub summary: RunSummary,
    /// The exit code of the whole.
    pub code: ExitCode,
}

/// Changes of a task that belong to the end of a stage, from what it came to.
pub(in crate::command) type AtItsEnd<'a> =
    dyn Fn(&Ended, Checkpoint, Timestamp) -> Vec<TaskChange> + 'a;

/// A stage of one task, with everything that its flight needs.
pub struct StageFlight<'a> {
    context: &'a Context,
    /// The board's desk.
    pub desk: Desk,
    request: Request,
    settings: Settings,
    route: Option<Route>,
    prepared: Prepared,
    /// How many could look into it, where that is more than one and nobody said how many.
    suggested_topics: Option<usize>,
}

impl<'a> StageFlight<'a> {
    /// Looks at the task and chooses what is made where. Nothing is written.
    ///
    /// # Errors
    /// When the task may not enter the stage, or nothing can be flown.
    pub fn new(
        context: &'a Context,
        how: &How,
        desk: Desk,
        request: Request,
    ) -> Result<Self, CliError> {
        let run = RunArguments {
            agent: how.agent.clone(),
            ..RunArguments::default()
        };
        let mut settings = run::load_settings(&desk.workspace, &run)?;
        let route = route::of(&settings, &desk, &request);
        if let Some(route) = &route {
            settings.config = settings
                .config
                .routed(route, route::is_agent_chosen(&settings));
        }
        let named = route.as_ref().and_then(|route| route.template.as_deref());
        let template = own_template(&desk.workspace, request.stage, named)?;
        let template = template.as_ref();
        let template = template.map(|(path, text)| (path.as_str(), text.as_str()));
        let prepared = stage::prepare(&desk, &request, template)?;
        Ok(Self {
            context,
            desk,
            request,
            settings,
            route,
            prepared,
            suggested_topics: None,
        })
    }

    /// Finds how many reports the description suggests, which is told. Nobody is sent by it.
    pub(in crate::command) fn suggest_topics(&mut self) {
        if self.request.stage != Stage::Research || self.request.resume {
            return;
        }
        let task = &self.prepared.task;
        let topics = suggested_topics(task.description.as_deref().unwrap_or(&task.title));
        if topics < 2 {
            return;
        }
        self.suggested_topics = Some(topics);
    }

    /// The hint, once it is clear that agents are sent.
    fn tell_topics(&self) {
        let Some(topics) = self.suggested_topics else {
            return;
        };
        if !self.context.quiet {
            self.context.printer.note(&format!(
                "{} the description suggests {topics} topics; `--topics {topics}` researches them \
                 side by side",
                "hint:".cyan()
            ));
        }
    }

    /// Shows what would be sent to whom, and which route says so.
    pub(super) fn show(&self) -> Result<(), CliError> {
        let run = self.run_request()?;
        let view = self.prepared.view(&self.desk.store)?;
        self.tell_topics();
        let route = route::Shown {
            route: self.route.as_ref(),
            run: &run,
            chosen: route::is_agent_chosen(&self.settings),
        };
        if self.context.json {
            self.context.printer.json(&self.with_suggestion(json!({
                "task": self.request.number,
                "stage": self.request.stage.word(),
                "route": route.as_json(),
                "prompts": run::dry_run_json(&run, &view),
            })));
            return Ok(());
        }
        if !self.settings.config.routes.is_empty() {
            self.context.printer.note(&route.words());
        }
        self.context.printer.data(&run::dry_run(&run, &view));
        Ok(())
    }

    /// Flies it. `besides` are changes of the task that belong to its end; they are told what the
    /// flight came to, and what it took.
    ///
    /// # Errors
    /// When the task may not enter the stage by now, or nothing can be flown.
    pub(in crate::command) fn fly(&mut self, besides: &AtItsEnd<'_>) -> Result<Flown, CliError> {
        let begun = Instant::now();
        for warning in &self.settings.warnings {
            self.context.printer.warning(warning);
        }
        let run = self.run_request()?;
        self.settings.require_trust()?;
        prepare::find_programs(&run)?;
        let entered = stage::enter(&mut self.desk, &self.request, &self.prepared)?;
        board::outcome(self.context, &entered);
        self.tell_topics();
        let (workspace, config) = (&self.desk.workspace, &self.settings.config);
        let stage = (self.request.number, self.request.stage);
        let mut hooks = hooks::hooks(config, workspace, &run.plan, Some(stage))?;
        let flown = self.flown(&run, &mut hooks);
        // Whatever became of the flight, the board says what is verified.
        let report = checkpoint(self.request.stage, begun, flown.as_ref().ok());
        let besides = |ended: &Ended, now| besides(ended, weighed(report.clone(), ended), now);
        let left = stage::leave(&mut self.desk, &self.request, &self.prepared, &besides)?;
        let code = board::outcome(self.context, &left.done);
        hooks::finish(self.context, &mut hooks, Some(&mut self.desk));
        for path in &left.salvaged {
            let entry =
                Failure::Salvaged.entry(format!("{path}: {SALVAGED}"), Some(self.request.number));
            // It is told with the artifact; the record is for later.
            drop(self.desk.record_error(entry));
        }
        let summary = flown?;
        let code = match left.end {
            End::Done => code,
            End::Partial | End::Nothing => match run::exit_code(&summary) {
                ExitCode::Success => ExitCode::Failed,
                other => other,
            },
        };
        Ok(Flown {
            left,
            summary,
            code,
        })
    }

    fn flown(&self, run: &RunRequest, hooks: &mut Hooks) -> Result<RunSummary, CliError> {
        let workspace = &self.desk.workspace;
        for (_, due) in self.prepared.due() {
            if let Some(parent) = workspace.top.join(&due.path).parent() {
                fs_err::create_dir_all(parent)?;
            }
        }
        let mut store = workspace.open_store()?;
        self.prepared.register(&mut store)?;
        // Who gives the command again wants it tried again.
        run::retry_failed(&mut store, run)?;
        let mut reporter = report::reporter(self.context.quiet, self.context.verbose);
        let mut keeper = self.keeper()?;
        let means = RunMeans {
            store: Box::new(store),
            open_store: run::another_store(workspace),
            publish: Box::new(move |store| match &mut keeper {
                Some(keeper) => keeper.keep(store),
                None => Vec::new(),
            }),
            hooks,
            reporter: reporter.as_mut(),
            signals: run::catch_signals()?,
        };
        Ok(fly(run, means)?)
    }

    /// Who marks phases while the plan is carried out.
    fn keeper(&self) -> Result<Option<PhaseKeeper>, CliError> {
        if self.request.stage != Stage::Implement {
            return Ok(None);
        }
        let (desk, request) = (self.desk.another()?, self.request.clone());
        let (key, phases) = (self.prepared.key.clone(), self.prepared.phases());
        Ok(Some(PhaseKeeper::new(desk, request, key, phases)))
    }

    fn run_request(&self) -> Result<RunRequest, CliError> {
        let workspace = &self.desk.workspace;
        let config: &Config = &self.settings.config;
        let places = &self.desk.places;
        let mut excluded: Vec<RepoPath> = vec![
            places.todo.clone(),
            places.state.clone(),
            places.archive.clone(),
            inbox::path(),
        ];
        excluded.extend(places.errors().ok());
        excluded.extend(places.project_state(&self.prepared.task));
        let plan = self.prepared.plan.as_ref();
        excluded.extend(plan.and_then(|_| places.plan(&self.prepared.task)));
        let gates = match self.request.stage {
            // A report breaks no build.
            Stage::Research | Stage::Plan | Stage::Revise => Vec::new(),
            _ => prepare::gates(config, plan.map(|file| &file.plan)),
        };
        Ok(RunRequest {
            airboss: std::env::current_exe()?,
            state: workspace.state.clone(),
            top: workspace.top.clone(),
            repository: workspace.repository.clone(),
            plan: self.prepared.key.clone(),
            flight: Flight {
                units: self.prepared.units.clone(),
                policy: Policy {
                    jobs: config.run.jobs.max(self.request.topics),
                    batch: 1,
                    ..prepare::policy(config)
                },
            },
            facts: self.prepared.facts.clone(),
            brief: self.prepared.brief.clone(),
            plan_files: false,
            agent: prepare::agent(config)?,
            gates,
            commit: CommitMode::Off,
            markers: false,
            output: self.prepared.directory.clone(),
            excluded,
            environment: prepare::environment(),
            words: format!("{} with {}", self.prepared.name, config.run.agent),
        })
    }

    /// Tells what came of it in a few lines, or as JSON.
    pub fn tell(&self, flown: &Flown) {
        let Flown { left, summary, .. } = flown;
        let task = self.desk.store_task(self.request.number);
        let status = task.map_or_else(String::new, |task| render::status(&task.status));
        let commit = left.done.commits.iter().rev();
        let commit = commit
            .filter_map(|wish| wish.result.as_ref().ok()?.clone())
            .next();
        if self.context.json {
            let artifacts: Vec<String> = left.artifacts.iter().map(ToString::to_string).collect();
            let salvaged: Vec<String> = left.salvaged.iter().map(ToString::to_string).collect();
            let missing = left.missing.iter();
            let missing = missing.map(|(path, why)| json!({ "path": path, "why": why }));
            self.context.printer.json(&self.with_suggestion(json!({
                "task": self.request.number,
                "stage": self.request.stage.word(),
                "status": status,
                "done": left.end == End::Done,
                "artifacts": artifacts,
                "salvaged": salvaged,
                "missing": missing.collect::<Vec<_>>(),
                "attempts": summary.attempts,
                "commit": commit,
            })));
            return;
        }
        let mut lines = vec![self.headline(left, &status, summary)];
        lines.extend(
            left.made()
                .iter()
                .map(|made| format!("  {} {made}", "✓".green())),
        );
        let missing = left.missing.iter();
        lines.extend(missing.map(|(path, why)| {
            // A verdict about the file names it.
            let words = match why.contains(path.as_str()) {
                true => why.clone(),
                false => format!("{path}: {why}"),
            };
            format!("  {} {words}", "✗".red())
        }));
        if let Some(commit) = commit {
            let line = format!("  commit {}", report::short_commit(&commit));
            lines.push(line.dimmed().to_string());
        }
        self.context.printer.data(&lines.join("\n"));
        if let Some((path, _)) = left.missing.first().filter(|_| !self.context.quiet) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let unit = name.strip_suffix(".md").unwrap_or(name);
            let hint = format!("`airboss why {unit}` tells what was found instead, and more");
            let printer = &self.context.printer;
            printer.note(&format!("{} {hint}", "hint:".cyan().bold()));
        }
    }

    fn with_suggestion(&self, mut data: Value) -> Value {
        if let Some(topics) = self.suggested_topics {
            data["suggested_topics"] = topics.into();
        }
        data
    }

    fn headline(&self, left: &Left, status: &str, summary: &RunSummary) -> String {
        let (number, title) = (self.request.number, &self.prepared.task.title);
        let stage = self.request.stage;
        let counts = summary.counts;
        let done = counts.completed + counts.skipped;
        let said = match left.end {
            End::Done => title.clone(),
            End::Nothing => format!("{stage} came to nothing"),
            End::Partial => {
                let what = match stage {
                    Stage::Implement => "phases",
                    _ => "files",
                };
                format!("{done} of {} {what} done", counts.total)
            }
        };
        format!("task {number} is {status}: {said}")
    }
}

/// What a flight took.
fn checkpoint(stage: Stage, begun: Instant, flown: Option<&RunSummary>) -> Checkpoint {
    let took = begun.elapsed().as_millis();
    Checkpoint {
        retries: flown.map_or(0, |summary| summary.retries),
        took_ms: u64::try_from(took).unwrap_or(u64::MAX),
        ending: flown.map(|summary| summary.ending),
        ..Checkpoint::new(stage)
    }
    .spent(flown.and_then(|summary| summary.spending))
}

/// The same with what is verified, and what is not.
fn weighed(report: Checkpoint, ended: &Ended) -> Checkpoint {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let failed = ended
        .failed
        .iter()
        .filter(|_| report.stage == Stage::Implement);
    let failed = failed.map(|failed| format!("phase {} failed: {}", failed.phase, failed.reason));
    // A verdict about the file names it.
    let missing = ended
        .missing
        .iter()
        .map(|(path, why)| match why.contains(path) {
            true => why.clone(),
            false => format!("{path}: {why}"),
        });
    Checkpoint {
        done: ended.end == End::Done,
        verified: count(ended.counts.completed + ended.counts.skipped),
        expected: count(ended.counts.total),
        made: ended.made.iter().map(ToString::to_string).collect(),
        salvaged: count(ended.salvaged.len()),
        problems: failed.chain(missing).take(PROBLEMS_MAX).collect(),
        ..report
    }
}

/// The project's own prompt for a stage, with its path: the one that a route names, which has to
/// be there, or the one that is called as the stage is.
fn own_template(
    workspace: &Workspace,
    stage: Stage,
    named: Option<&str>,
) -> Result<Option<(String, String)>, CliError> {
    let name = format!("{TEMPLATES}/{}.md", named.unwrap_or(stage.word()));
    let path: PathBuf = workspace.top.join(&name);
    // What lies in a work tree may be anybody's: a link out of it, a pipe that nobody writes to.
    let real = fs_err::canonicalize(&path);
    let facts = real.and_then(|real| Ok((fs_err::metadata(&real)?, real)));
    match facts {
        Ok((facts, real)) if facts.is_file() && real.starts_with(&workspace.top) => {
            if facts.len() > TEMPLATE_MAX {
                let limit = TEMPLATE_MAX / 1024;
                let message = format!("{name} has more than {limit} KiB; a prompt is a page");
                return Err(CliError::refused(message));
            }
            Ok(Some((name, fs_err::read_to_string(&real)?)))
        }
        Ok(_) => Err(
            CliError::refused(format!("{name} is no regular file of this work tree"))
                .hint("a prompt is a Markdown file; move away what is in its place"),
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match named {
            None => Ok(None),
            Some(_) => Err(CliError::refused(format!(
                "{name} is not there, and a route names it as the prompt"
            ))
            .hint("write it, or take `template` out of the `[[route]]`")),
        },
        Err(error) => Err(CliError::refused(error.to_string())),
    }
}
