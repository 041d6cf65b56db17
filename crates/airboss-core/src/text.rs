//! Text from outside made safe to show: no control sequences, no direction tricks, bounded.

/// Removes what could steer a terminal or disguise text; keeps `\n` and `\t`.
///
/// Gone are C0 and C1 controls (so `\r` too), escape sequences with their
/// parameters (ECMA-48 sections 5.3 to 5.6: CSI, OSC, DCS, SOS, PM, APC),
/// bidirectional controls (Unicode Annex 9), and characters that are invisible
/// by design: the byte order mark and tag characters.
#[must_use]
pub fn sanitize(text: &str) -> String {
    if text
        .bytes()
        .all(|byte| matches!(byte, b'\n' | b'\t' | 0x20..=0x7e))
    {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\n' | '\t' => clean.push(character),
            '\u{1b}' => rest = after_escape(rest),
            '\u{9b}' => rest = after_control_sequence(rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => rest = after_string(rest),
            _ if character.is_control() || is_disguise(character) => {}
            _ => clean.push(character),
        }
    }
    clean
}

/// A text as one word of a POSIX shell, for a command that a person may copy.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let text = sanitize(text);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./+,:@%=-".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Direction overrides and characters without any glyph.
const fn is_disguise(character: char) -> bool {
    matches!(character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// What follows an escape sequence whose ESC has been read.
fn after_escape(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(b'[') => after_control_sequence(&text[1..]),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => after_string(&text[1..]),
        _ => {
            // Any number of intermediate bytes, then one final byte.
            let rest = text.trim_start_matches(|character| matches!(character, ' '..='/'));
            rest.strip_prefix(|character| matches!(character, '0'..='~'))
                .unwrap_or(rest)
        }
    }
}

/// What follows a control sequence whose introducer has been read.
fn after_control_sequence(text: &str) -> &str {
    let rest = text.trim_start_matches(|character| matches!(character, ' '..='?'));
    rest.strip_prefix(|character| matches!(character, '@'..='~'))
        .unwrap_or(rest)
}

/// What follows a control string whose introducer has been read.
///
/// Without a terminator on the same line only the introducer goes: an
/// unfinished string must not swallow the text that follows it.
fn after_string(text: &str) -> &str {
    let line = &text[..text.find('\n').unwrap_or(text.len())];
    let ends = [("\u{7}", 1), ("\u{1b}\\", 2), ("\u{9c}", 2)];
    let end = ends
        .iter()
        .filter_map(|(mark, length)| Some(line.find(mark)? + length))
        .min();
    &text[end.unwrap_or(0)..]
}

/// The first `limit` bytes, cut at a character.
#[must_use]
pub fn head(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// The last `limit` bytes, cut at a character.
#[must_use]
pub fn tail(text: &str, limit: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(limit))..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(sanitize(input), expected, "{input:?}");
    }

    #[test]
    fn a_word_of_a_shell() {
        let check = |text: &str, expected: &str| assert_eq!(shell_word(text), expected);
        check("specs/041_x/a-1.md", "specs/041_x/a-1.md");
        check("", "''");
        check("~/a", "'~/a'");
        check("$(touch x) `id` 'b'", r"'$(touch x) `id` '\''b'\'''");
        check("a\u{1b}[31m;b", "'a;b'");
    }

    #[test]
    fn plain_text_stays() {
        check("a\tb\nc", "a\tb\nc");
        check("Grüße → 日本 👍", "Grüße → 日本 👍");
    }

    #[test]
    fn sequences_go_with_their_parameters() {
        check("\u{1b}[1;31mred\u{1b}[0m", "red");
        check("\u{1b}]0;title\u{7}after", "after");
        check(
            "\u{1b}]8;;http://example.test\u{1b}\\link\u{1b}]8;;\u{1b}\\",
            "link",
        );
        check("\u{1b}Pq#0\u{1b}\\x", "x");
        check("\u{9b}2Jx", "x");
        check("\u{1b}(0x\u{1b}7y\u{1b}", "xy");
        check("\r\u{8}\u{7f}\0x\r\n", "x\n");
    }

    #[test]
    fn an_unfinished_string_hides_nothing() {
        check("\u{1b}]0;title\nnext", "0;title\nnext");
        check("\u{1b}[31", "");
    }

    #[test]
    fn disguises_go() {
        check(
            "a\u{202e}txt.exe\u{202c}b\u{2066}c\u{feff}\u{e0041}",
            "atxt.exebc",
        );
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(
            (head("äb", 1), head("äb", 2), tail("aä", 1), tail("aä", 9)),
            ("", "ä", "", "aä")
        );
    }
}
