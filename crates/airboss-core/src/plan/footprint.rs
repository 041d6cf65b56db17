//! Footprints: the paths that a step or phase says it changes.

use super::lines::code_spans;

/// A step that names more files than this may touch anything; the rest adds nothing.
const MAX_PATHS: usize = 200;

/// The paths in back-quotes of one text, in order and without repetition.
pub(super) fn paths(text: &str, found: &mut Vec<String>) {
    for span in code_spans(text) {
        if found.len() >= MAX_PATHS {
            return;
        }
        if let Some(path) = path(&text[span])
            && !found.contains(&path)
        {
            found.push(path);
        }
    }
}

/// A code span read as a path: one word with a slash or a file extension.
pub(super) fn path(code: &str) -> Option<String> {
    let word = code.trim();
    let word = word.strip_prefix("./").unwrap_or(word);
    // `src/a.rs:10-20` names lines of a file.
    let word = match word.split_once(':') {
        Some((file, lines)) if lines.starts_with(|c: char| c.is_ascii_digit()) => file,
        _ => word,
    };
    let allowed = |c: char| {
        let mark = matches!(c, '/' | '.' | '_' | '-' | '+' | '*' | '@' | '~' | '{' | '}');
        mark || c.is_alphanumeric()
    };
    if word.is_empty() || word.starts_with(['-', '/', '@']) || !word.chars().all(allowed) {
        return None;
    }
    let name = word.rsplit('/').next().unwrap_or(word);
    let extension = name.rsplit_once('.').is_some_and(|(stem, extension)| {
        (1..=6).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && extension.bytes().any(|byte| byte.is_ascii_alphabetic())
            && (!stem.is_empty() || extension.len() > 2)
    });
    let slashed =
        word.trim_end_matches('/').contains('/') || (word.ends_with('/') && word.len() > 1);
    (slashed || extension).then(|| word.to_owned())
}

/// Whether two footprints may touch the same file.
///
/// Careful on purpose: a directory covers what lies in it, a pattern covers its directory,
/// and a bare file name may be any file of that name.
#[must_use]
pub fn overlap(left: &[String], right: &[String]) -> bool {
    left.iter()
        .any(|left| right.iter().any(|right| paths_overlap(left, right)))
}

fn paths_overlap(left: &str, right: &str) -> bool {
    let (left, right) = (fixed_part(left), fixed_part(right));
    let within = |outer: &str, inner: &str| {
        outer.is_empty()
            || inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let named =
        |bare: &str, path: &str| !bare.contains('/') && path.rsplit('/').next() == Some(bare);
    within(left, right) || within(right, left) || named(left, right) || named(right, left)
}

/// The directories before the first part that holds a pattern.
fn fixed_part(path: &str) -> &str {
    let path = match path.find(['*', '{']) {
        Some(at) => path[..at].rfind('/').map_or("", |slash| &path[..slash]),
        None => path,
    };
    path.trim_end_matches('/')
}
