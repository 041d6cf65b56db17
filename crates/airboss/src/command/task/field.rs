//! What is said of a task: `edit`.

use airboss_core::board::command::{self, Revision};
use airboss_core::exit::ExitCode;
use airboss_engine::store::Wanted;

use super::Numbers;
use crate::board::{BoardWriting, Planned};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;

/// A task and the new values of its fields; an empty text empties a field.
#[derive(clap::Args, Clone, Debug)]
pub struct EditArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    options: WriteOptions,
}

#[derive(clap::Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Fields {
    /// One line; the directory of the task keeps its name.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    title: Option<String>,
    /// One paragraph.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// High, Medium, Low or Critical.
    #[arg(long, value_name = "WORD")]
    priority: Option<String>,
    /// What kind of work it is, in the words of the board.
    #[arg(long, value_name = "WORD")]
    language: Option<String>,
    /// An estimate in free words.
    #[arg(long, value_name = "TEXT")]
    effort: Option<String>,
    /// The tasks that it waits for, or `none`.
    #[arg(long, value_name = "N,N")]
    depends: Option<Numbers>,
    /// The task that it belongs to, or `none`.
    #[arg(long, value_name = "N")]
    parent: Option<Parent>,
}

/// A parent, or none.
#[derive(Clone, Copy, Debug)]
struct Parent(Option<u32>);

impl std::str::FromStr for Parent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" | "none" => Ok(Self(None)),
            number => super::number(number).map(|number| Self(Some(number))),
        }
    }
}

/// Changes what is said of a task.
///
/// # Errors
/// When it is not possible, or the board cannot be changed.
pub fn edit(context: &Context, arguments: &EditArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let number = arguments.number;
    let fields = &arguments.fields;
    let is_alone = fields.depends.is_none() && fields.parent.is_none();
    let wanted = if is_alone {
        Wanted::Tasks(vec![number])
    } else {
        Wanted::All
    };
    let subject = format!("task {number}: edit {}", fields.names().join(", "));
    writing.change(context, &wanted, (&[number], false), &mut |standing, _| {
        let operations = command::edit(standing, number, fields.revision())?;
        Ok(Planned::new(operations, &subject))
    })
}

impl Fields {
    fn revision(&self) -> Revision {
        let text = |value: &Option<String>| {
            let value = value.as_deref().map(str::trim);
            value.map(|value| (!value.is_empty()).then(|| value.to_owned()))
        };
        Revision {
            title: self.title.clone(),
            description: text(&self.description),
            priority: text(&self.priority),
            language: text(&self.language),
            effort: text(&self.effort),
            dependencies: self.depends.clone().map(|numbers| numbers.0),
            parent: self.parent.map(|parent| parent.0),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        let given = [
            (self.title.is_some(), "title"),
            (self.description.is_some(), "description"),
            (self.priority.is_some(), "priority"),
            (self.language.is_some(), "language"),
            (self.effort.is_some(), "effort"),
            (self.depends.is_some(), "dependencies"),
            (self.parent.is_some(), "parent"),
        ];
        let given = given.into_iter().filter(|(is_given, _)| *is_given);
        given.map(|(_, name)| name).collect()
    }
}
