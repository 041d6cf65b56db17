//! `airboss graph`: what waits for what, as Mermaid text or as a picture.

use std::path::PathBuf;

use airboss_core::chart::Chart;
use airboss_core::exit::ExitCode;
use airboss_core::operation::PlanKey;
use airboss_core::scene::{Change, FlightLog, LoadedPlan, Scene, Stored};
use airboss_engine::follow::waits;
use airboss_engine::workspace::Workspace;
use serde_json::json;

use super::report_page::{Chosen, choose, retries_max};
use crate::board::BoardReading;
use crate::context::Context;
use crate::desk::Reading;
use crate::error::CliError;
use crate::output_file::{self, OutputOptions};
use crate::pictures::graph;
use crate::words;

/// Draw what waits for what: the steps of a plan, or the tasks of the board where no plan is known.
#[derive(clap::Args, Clone, Debug)]
pub struct GraphArguments {
    /// Print a Mermaid flowchart; this is what happens without it, too.
    #[arg(long, group = "form")]
    mermaid: bool,
    /// Write a picture to FILE; `-` is standard output.
    #[arg(long, value_name = "FILE", group = "form")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Draws the graph.
///
/// # Errors
/// When there is neither a plan nor a board, or the file cannot be written.
pub fn graph(context: &Context, arguments: &GraphArguments) -> Result<ExitCode, CliError> {
    let (workspace, chart) = chart(context)?;
    if let Some(file) = &arguments.svg {
        let picture = graph::svg(&chart);
        output_file::write(context, &workspace, (file, &arguments.output), &picture)?;
    } else if context.json {
        context.printer.json(&json!(chart));
    } else {
        context.printer.data(&graph::flowchart(&chart));
    }
    if chart.has_cycle() && !context.quiet {
        let ids = chart.nodes.iter().filter(|node| node.in_cycle);
        let ids: Vec<&str> = ids.map(|node| node.id.as_str()).collect();
        let text = format!("these wait for themselves: {}", ids.join(", "));
        context.printer.warning(&text);
    }
    if chart.left_out > 0 && !context.quiet {
        let left = words::count(chart.left_out, "node");
        context.printer.warning(&format!("{left} left out"));
    }
    Ok(ExitCode::Success)
}

fn chart(context: &Context) -> Result<(Workspace, Chart), CliError> {
    let Chosen::Plan(path) = choose(context)? else {
        let reading = BoardReading::open(context)?;
        let title = format!("The board {}", reading.places.board);
        let chart = Chart::of_board(&title, &reading.board);
        return Ok((reading.workspace, chart));
    };
    let context = Context {
        plan: Some(std::path::absolute(path)?),
        ..context.clone()
    };
    let reading = Reading::open(&context)?;
    let file = reading.file()?;
    let Reading {
        workspace,
        key,
        view,
        ..
    } = reading;
    let mut scene = Scene::new(retries_max(&workspace));
    scene.apply(Change::Stored(Box::new(Stored {
        plans: vec![LoadedPlan {
            key: key.clone(),
            log: FlightLog::default(),
            waits: waits(&workspace.top, &key, &view.hash),
            view,
        }],
        ..Stored::default()
    })));
    let title = title(file.plan.title.as_deref(), &key);
    let chart = Chart::of_plan(&title, &file.plan, scene.plan(&key));
    Ok((workspace, chart))
}

fn title(title: Option<&str>, key: &PlanKey) -> String {
    match title.map(str::trim) {
        None | Some("") => key.to_string(),
        Some(own) => own.to_owned(),
    }
}
