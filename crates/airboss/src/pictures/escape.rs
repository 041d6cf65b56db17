//! Text made safe for the language that it is put into. There is one function for each.

use std::fmt::{self, Write as _};

/// Text as XML or HTML, in an element or in a quoted attribute.
#[derive(Clone, Copy, Debug)]
pub struct Xml<T>(pub T);

impl<T: AsRef<str>> fmt::Display for Xml<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.as_ref().chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                // XML 1.0, section 2.2: no document may hold these, however they are written.
                '\0'..='\u{8}'
                | '\u{b}'
                | '\u{c}'
                | '\u{e}'..='\u{1f}'
                | '\u{7f}'..='\u{9f}'
                | '\u{fffe}'
                | '\u{ffff}' => formatter.write_char('\u{fffd}')?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Text as HTML in which what stands between backticks is code, as its author meant it.
#[derive(Clone, Copy, Debug)]
pub struct Rich<T>(pub T);

impl<T: AsRef<str>> fmt::Display for Rich<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_ref();
        let Some(parts) = code_spans(text) else {
            return Xml(text).fmt(formatter);
        };
        for (is_code, part) in parts {
            match is_code {
                true => write!(formatter, "<code>{}</code>", Xml(part))?,
                false => Xml(part).fmt(formatter)?,
            }
        }
        Ok(())
    }
}

/// Text and code in turn; `None` when backticks do not come in pairs.
fn code_spans(text: &str) -> Option<impl Iterator<Item = (bool, &str)>> {
    let paired = text.matches('`').count().is_multiple_of(2) && !text.contains("``");
    let parts = || text.split('`').enumerate();
    paired.then(|| parts().map(|(place, part)| (place % 2 == 1, part)))
}

/// As [`markdown`], with what stands between backticks as code.
#[must_use]
pub fn markdown_rich(text: &str) -> String {
    let Some(parts) = code_spans(text) else {
        return markdown(text);
    };
    let parts = parts.map(|(is_code, part)| match is_code {
        true => markdown_code(part),
        false => markdown(part),
    });
    parts.collect()
}

/// Text on one line of GitHub-flavoured Markdown, in a paragraph or in a cell of a table.
///
/// Everything that could be markup gets a backslash, and what GitHub makes links of without any
/// (mentions, numbers of issues, addresses) is broken by a space of no width.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        let character = if character.is_control() {
            ' '
        } else {
            character
        };
        match character {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '(' | ')' | '#' | '|'
            | '~' | '!' | '&' | '$' | '^' | '=' => {
                out.push('\\');
                out.push(character);
                if character == '#' {
                    out.push(ZERO_WIDTH);
                }
            }
            '@' => out.extend(['@', ZERO_WIDTH]),
            '/' if before == ':' => out.extend([ZERO_WIDTH, '/']),
            '.' if before.eq_ignore_ascii_case(&'w') => out.extend([ZERO_WIDTH, '.']),
            '-' if before.eq_ignore_ascii_case(&'h') => out.extend(['-', ZERO_WIDTH]),
            // At the beginning these would begin a list or a rule.
            '-' | '+' if out.is_empty() => out.extend(['\\', character]),
            other => out.push(other),
        }
        before = character;
    }
    out
}

/// A space of no width.
const ZERO_WIDTH: char = '\u{200b}';

/// Text as a code span of Markdown.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|character| match character {
            // A pipe ends a cell even inside code, and a backtick the code.
            '|' => '¦',
            '`' => 'ˋ',
            other if other.is_control() => ' ',
            other => other,
        })
        .collect();
    match clean.trim() {
        "" => String::new(),
        clean => format!("`{clean}`"),
    }
}

/// Text between the double quotes of a Mermaid label. Mermaid reads entities that are written
/// with `#` there, by number, and no other escapes; labels may become HTML after that, so that
/// letters and digits of every language stay and all signs but a few become entities.
#[must_use]
pub fn mermaid(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' ' | '.' | ',' | '-' | ':' | '/' | '_' | '(' | ')' => out.push(character),
            other if other.is_alphanumeric() => out.push(other),
            other if other.is_control() => out.push(' '),
            other => write!(out, "#{};", u32::from(other)).expect("a string takes everything"),
        }
    }
    out
}

/// Text as a name where Mermaid has no escapes at all (Gantt charts): other signs are left out.
#[must_use]
pub fn mermaid_name(text: &str) -> String {
    let keep = |character: char| character.is_alphanumeric() || " .-_".contains(character);
    let kept: String = text
        .chars()
        .map(|it| if keep(it) { it } else { ' ' })
        .collect();
    let words = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        "-".to_owned()
    } else {
        words
    }
}
