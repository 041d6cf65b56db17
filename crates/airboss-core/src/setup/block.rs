//! Lines of Airboss's own in a file that is a person's, between two markers.
//!
//! One line break is put before the block, and it is taken away with it: so the file is byte for
//! byte what it was.

use std::ops::Range;

use super::seal::digest;
use super::{Broken, Change, Decision, State, Wish, line_of, read};

/// How the markers are hidden from whoever reads the file as what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Comment {
    /// Markdown.
    Markdown,
    /// TOML, which is checked before and after.
    Hash,
}

impl Comment {
    fn marker(self, word: &str) -> String {
        match self {
            Self::Markdown => format!("<!-- airboss:{word} -->"),
            Self::Hash => format!("# airboss:{word}"),
        }
    }

    /// What stands behind `airboss:begin` on a line that begins a block.
    fn begins(self, line: &str) -> Option<&str> {
        let rest = match self {
            Self::Markdown => line
                .strip_prefix("<!-- airboss:begin")?
                .strip_suffix("-->")?,
            Self::Hash => line.strip_prefix("# airboss:begin")?,
        };
        Some(rest.trim())
    }
}

/// The block as it is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Block {
    comment: Comment,
    body: &'static str,
}

/// A block in a text.
struct Standing<'text> {
    /// With both markers and the last line break.
    span: Range<usize>,
    seal: &'text str,
    body: &'text str,
}

impl Block {
    pub(super) const fn new(comment: Comment, body: &'static str) -> Self {
        Self { comment, body }
    }

    pub(super) fn decide(
        &self,
        found: Option<&[u8]>,
        wish: Wish,
        may: impl Fn(State) -> bool,
    ) -> Result<Decision, Broken> {
        let text = found.map(read).transpose()?;
        let standing = match text {
            Some(text) => self.find(text)?,
            None => None,
        };
        let state = match (text, &standing) {
            (_, Some(standing)) => self.state(standing),
            (Some(text), None) if self.is_said_elsewhere(text)? => State::Foreign,
            (_, None) => State::Missing,
        };
        let change = may(state).then(|| match wish {
            Wish::Installed => Change::Write(self.put(text, standing.as_ref())),
            Wish::Removed => take(text.unwrap_or_default(), standing.as_ref()),
        });
        if let Some(Change::Write(text)) = &change {
            self.check(text, true)?;
        }
        Ok(Decision { state, change })
    }

    fn state(&self, standing: &Standing<'_>) -> State {
        let body = standing.body.replace("\r\n", "\n");
        let sealed = standing.seal == digest(&body);
        match (sealed, body == self.body) {
            (true, true) => State::Current,
            (true, false) => State::Old,
            (false, _) => State::Edited,
        }
    }

    fn rendered(&self, line_break: &str) -> String {
        let begin = format!("begin {}", digest(self.body));
        let [begin, end] = [&begin[..], "end"].map(|word| self.comment.marker(word));
        let text = format!("{begin}\n{}{end}\n", self.body);
        text.replace('\n', line_break)
    }

    /// The text with the block in it.
    fn put(&self, text: Option<&str>, standing: Option<&Standing<'_>>) -> String {
        let Some(text) = text else {
            return self.rendered("\n");
        };
        let line_break = line_break(text);
        let block = self.rendered(line_break);
        match standing {
            Some(Standing { span, .. }) => {
                [&text[..span.start], &block, &text[span.end..]].concat()
            }
            None => [text, line_break, &block].concat(),
        }
    }

    fn find<'text>(&self, text: &'text str) -> Result<Option<Standing<'text>>, Broken> {
        let end_marker = self.comment.marker("end");
        let mut begun: Option<(usize, usize, &str)> = None;
        let mut found = None;
        let mut offset = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let start = offset;
            offset += line.len();
            let stripped = line.trim_end();
            if let Some(seal) = self.comment.begins(stripped) {
                if begun.is_some() || found.is_some() {
                    return Err(marker(index + 1, "begins", "is a second one"));
                }
                begun = Some((index + 1, start, seal));
            } else if stripped == end_marker {
                let Some((_, begin, seal)) = begun.take() else {
                    return Err(marker(index + 1, "ends", "never began"));
                };
                let body = text[begin..start]
                    .split_once('\n')
                    .map_or("", |(_, body)| body);
                let span = begin..offset;
                found = Some(Standing { span, seal, body });
            }
        }
        match begun {
            Some((line, ..)) => Err(marker(line, "begins", "does not end")),
            None => Ok(found),
        }
    }

    /// Whether the file says it outside of a block, where it is a person's.
    fn is_said_elsewhere(&self, text: &str) -> Result<bool, Broken> {
        let Some(table) = self.check(text, false)? else {
            return Ok(false);
        };
        let servers = table.get("mcp_servers");
        Ok(servers.and_then(|servers| servers.get("airboss")).is_some())
    }

    /// Reads TOML. Where only the changed text is none, the block does not fit to what is there.
    fn check(&self, text: &str, is_changed: bool) -> Result<Option<toml::Table>, Broken> {
        if self.comment == Comment::Markdown {
            return Ok(None);
        }
        text.parse::<toml::Table>().map(Some).map_err(|error| {
            let offset = error.span().map(|span| span.start);
            let line = offset.map(|offset| line_of(text.as_bytes(), offset));
            let (line, remedy) = match is_changed {
                true => (
                    None,
                    "add `airboss = { command = \"airboss\", args = [\"mcp\"] }` to `mcp_servers` \
                     by hand, then run the command again",
                ),
                false => (line, "mend it, then run the command again"),
            };
            Broken {
                line,
                why: error.message().to_owned(),
                remedy: remedy.to_owned(),
            }
        })
    }
}

/// The text without the block.
fn take(text: &str, standing: Option<&Standing<'_>>) -> Change {
    let Some(Standing { span, .. }) = standing else {
        return Change::Write(text.to_owned());
    };
    let (before, after) = (&text[..span.start], &text[span.end..]);
    if before.is_empty() && after.is_empty() {
        return Change::Remove;
    }
    let shorter = before.strip_suffix('\n').unwrap_or(before);
    let shorter = shorter.strip_suffix('\r').unwrap_or(shorter);
    // What was written behind the block must not come to stand on the line before it.
    let joins = !after.is_empty() && !shorter.is_empty() && !shorter.ends_with('\n');
    let before = if joins { before } else { shorter };
    Change::Write([before, after].concat())
}

fn marker(line: usize, does: &str, but: &str) -> Broken {
    Broken {
        line: Some(line),
        why: format!("a block of Airboss {does} here and {but}"),
        remedy: "remove its marker lines, then run the command again".to_owned(),
    }
}

fn line_break(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((line, _)) if line.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
