//! What `airboss setup` puts into a repository, so that agent programs know Airboss: slash
//! commands, a skill, the entry of the MCP server, and a block in AGENTS.md.
//!
//! Decided here from values: which files, what they say, in what state each is, and what has to
//! change. Nothing is ever decided over a person's edits: what Airboss writes carries a seal (a
//! digest of itself), and what does not match its seal is somebody else's. So a file that any
//! earlier version wrote is known as ours, and no list of earlier texts has to be kept.

mod block;
mod member;
mod seal;
mod texts;

use crate::path::RepoPath;

use self::block::{Block, Comment};
use self::member::Member;

/// A program that can be set up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Program {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// opencode.
    OpenCode,
    /// Gemini CLI.
    Gemini,
}

impl Program {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Claude, Self::Codex, Self::OpenCode, Self::Gemini];

    /// Its name on the command line, which is also the name of its program.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::OpenCode => "opencode",
            Self::Gemini => "gemini",
        }
    }

    /// The directory of a repository that shows that it is used there.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Claude => ".claude",
            Self::Codex => ".codex",
            Self::OpenCode => ".opencode",
            Self::Gemini => ".gemini",
        }
    }

    /// What it gets besides the block in AGENTS.md.
    #[must_use]
    pub fn items(self) -> Vec<Item> {
        let mut items = texts::files(self);
        items.push(match self {
            Self::Codex => {
                let block = Block::new(Comment::Hash, texts::CODEX_SERVER);
                Item::new(".codex/config.toml", Form::Block(block))
            }
            _ => {
                let (path, member) = Member::of(self);
                Item::new(path, Form::Member(member))
            }
        });
        items
    }
}

/// The block in AGENTS.md, which all of them share.
#[must_use]
pub fn shared() -> Item {
    let block = Block::new(Comment::Markdown, texts::AGENTS);
    Item::new("AGENTS.md", Form::Block(block))
}

/// One file, or the part of it that is Airboss's.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Where.
    pub path: RepoPath,
    form: Form,
}

#[derive(Clone, PartialEq, Debug)]
enum Form {
    /// A whole file, sealed.
    File(String),
    /// Lines between two markers.
    Block(Block),
    /// A member of a JSON object.
    Member(Member),
}

/// In what state an item was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It is not there.
    Missing,
    /// It is as this version writes it.
    Current,
    /// Another version of Airboss wrote it, and nobody changed it.
    Old,
    /// Airboss wrote it, and somebody changed it.
    Edited,
    /// Something else stands there.
    Foreign,
}

impl State {
    /// Its name in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Current => "current",
            Self::Old => "old",
            Self::Edited => "edited",
            Self::Foreign => "foreign",
        }
    }
}

/// What is to become of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// It is to be there, as this version writes it.
    Installed,
    /// Nothing of it is to be left.
    Removed,
}

/// What has to happen to a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It gets this content.
    Write(String),
    /// It goes: nothing else was in it.
    Remove,
}

/// An item in a file, and what has to happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// How it was found.
    pub state: State,
    /// `None` when it is as wished, or is left alone.
    pub change: Option<Change>,
}

/// A file that cannot be changed without breaking something of its owner's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{why}")]
pub struct Broken {
    /// Where, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl Item {
    fn new(path: &str, form: Form) -> Self {
        let path = RepoPath::new(path).expect("the paths of the table are plain");
        Self { path, form }
    }

    /// Looks at what stands in the file (`None`: there is none), and decides. With `force` what
    /// was sealed by Airboss and changed by somebody is replaced or removed, too; nothing else.
    ///
    /// # Errors
    /// When the file cannot be understood, so that nothing may be changed in it.
    pub fn decide(
        &self,
        found: Option<&[u8]>,
        wish: Wish,
        force: bool,
    ) -> Result<Decision, Broken> {
        let may = |state| match (state, wish) {
            (State::Foreign, _) => false,
            (State::Edited, _) => force,
            (State::Missing, wish) => wish == Wish::Installed,
            (State::Current, wish) => wish == Wish::Removed,
            (State::Old, _) => true,
        };
        match &self.form {
            Form::File(text) => {
                let state = seal::state(found, text);
                let change = may(state).then(|| match wish {
                    Wish::Installed => Change::Write(text.clone()),
                    Wish::Removed => Change::Remove,
                });
                Ok(Decision { state, change })
            }
            Form::Block(block) => block.decide(found, wish, may),
            Form::Member(member) => member.decide(found, wish, may),
        }
    }
}

/// The text of a file that is a person's as well.
fn read(found: &[u8]) -> Result<&str, Broken> {
    std::str::from_utf8(found).map_err(|error| Broken {
        line: Some(line_of(found, error.valid_up_to())),
        why: "it is not UTF-8".to_owned(),
        remedy: "save it as UTF-8, then run the command again".to_owned(),
    })
}

/// The number of the line that an offset lies in, from 1.
fn line_of(bytes: &[u8], offset: usize) -> usize {
    let before = &bytes[..offset.min(bytes.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests;
