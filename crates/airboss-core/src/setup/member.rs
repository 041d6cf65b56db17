//! The entry of the MCP server in a JSON file that is a person's.
//!
//! The entry has a name and no seal, since JSON has no comments: as it is written here it is
//! ours, with any other content it is a person's.

use crate::json::{Document, Draft, Object};

use super::{Broken, Change, Decision, Program, State, Wish, line_of, read};

/// The name of the server.
const NAME: &str = "airboss";

/// A member of a member of the root.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Member {
    /// The member of the root that holds the servers.
    container: &'static str,
    value: Draft,
    /// What a new file begins with.
    first: Option<(&'static str, &'static str)>,
}

impl Member {
    /// Where a program has its servers, and the entry.
    pub(super) fn of(program: Program) -> (&'static str, Self) {
        let arguments = || Draft::Row(vec!["mcp".into()]);
        let plain = Draft::object([("command", Draft::from(NAME)), ("args", arguments())]);
        let command = Draft::Row(vec![NAME.into(), "mcp".into()]);
        let local = [("type", Draft::from("local")), ("command", command)];
        let (path, container, value, first) = match program {
            Program::OpenCode => {
                // opencode adds it to a file that is without it.
                let schema = ("$schema", "https://opencode.ai/config.json");
                ("opencode.json", "mcp", Draft::object(local), Some(schema))
            }
            Program::Gemini => (".gemini/settings.json", "mcpServers", plain, None),
            Program::Claude | Program::Codex => (".mcp.json", "mcpServers", plain, None),
        };
        let member = Self {
            container,
            value,
            first,
        };
        (path, member)
    }

    pub(super) fn decide(
        &self,
        found: Option<&[u8]>,
        wish: Wish,
        may: impl Fn(State) -> bool,
    ) -> Result<Decision, Broken> {
        let Some(found) = found else {
            let state = State::Missing;
            let change = may(state).then(|| Change::Write(self.file()));
            return Ok(Decision { state, change });
        };
        let text = read(found)?;
        let document = Document::parse(text).map_err(|error| Broken {
            line: Some(error.line),
            why: error.fault.to_string(),
            remedy: "mend it (comments are no JSON), then run the command again".to_owned(),
        })?;
        let (root, servers) = self.places(&document, text)?;
        let entry = servers.as_ref().and_then(|servers| servers.get(NAME));
        let state = match entry.map(|entry| entry.value() == Some(self.value.to_value())) {
            None => State::Missing,
            Some(true) => State::Current,
            Some(false) => State::Foreign,
        };
        let change = may(state).then(|| self.change(&document, root, servers.as_ref(), wish));
        Ok(Decision { state, change })
    }

    /// The root, and the servers in it.
    fn places<'document, 'text>(
        &self,
        document: &'document Document<'text>,
        text: &str,
    ) -> Result<(&'document Object<'text>, Option<Object<'text>>), Broken> {
        let no_object = |line, what: &str| Broken {
            line: Some(line),
            why: format!("{what} is no object"),
            remedy: "make it one, then run the command again".to_owned(),
        };
        let root = document.object().ok_or_else(|| no_object(1, "the file"))?;
        let servers = match root.get(self.container) {
            None => None,
            Some(node) => Some(node.object().ok_or_else(|| {
                let line = line_of(text.as_bytes(), node.span(text).start);
                no_object(line, &format!("`{}`", self.container))
            })?),
        };
        Ok((root, servers))
    }

    fn change<'text>(
        &self,
        document: &Document<'text>,
        root: &Object<'text>,
        servers: Option<&Object<'text>>,
        wish: Wish,
    ) -> Change {
        let mut edits = document.edits();
        match (wish, servers) {
            (Wish::Installed, None) => edits.set(root, self.container, self.servers()),
            (Wish::Installed, Some(servers)) => edits.set(servers, NAME, self.value.clone()),
            (Wish::Removed, Some(servers)) if self.is_alone(root, servers) => {
                return Change::Remove;
            }
            // Servers that were there and empty cannot be told from those that came with ours.
            (Wish::Removed, Some(servers)) if servers.members().len() > 1 => {
                edits.remove(servers, NAME);
            }
            (Wish::Removed, _) => edits.remove(root, self.container),
        }
        Change::Write(edits.finish().into_owned())
    }

    /// Whether the file says nothing but what a new one does, however it is laid out by now: git
    /// checks out other line breaks, and programs write their settings anew.
    fn is_alone(&self, root: &Object<'_>, servers: &Object<'_>) -> bool {
        let is_first = |(key, value): (&str, &str)| {
            let found = root.get(key).and_then(|node| node.value());
            found == Some(Draft::from(value).to_value())
        };
        servers.members().len() == 1
            && root.members().len() == 1 + usize::from(self.first.is_some())
            && self.first.is_none_or(is_first)
    }

    fn servers(&self) -> Draft {
        Draft::object([(NAME, self.value.clone())])
    }

    fn root(&self) -> Draft {
        let first = self.first.map(|(key, value)| (key, Draft::from(value)));
        let servers = [(self.container, self.servers())];
        Draft::object(first.into_iter().chain(servers))
    }

    /// The file when there is nothing else to say in it.
    fn file(&self) -> String {
        self.root().file()
    }
}
