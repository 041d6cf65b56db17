//! Code fences: which lines of a plan are quoted text and not plan.
//!
//! Plans quote whole other plans, fences within fences. Two readings exist: *nested*, where
//! a fence with an info string opens an inner one, and *flat*, which is Markdown's own rule.
//! The nested one is used when it ends closed, else the flat one. A fence that never closes
//! in the flat reading is plain text, so that it cannot swallow the rest of the plan.

use super::lines::Lines;

/// Both readings of one text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fences {
    /// For each line, whether it is inside a fence (its fence lines included).
    pub(crate) fenced: Vec<bool>,
    /// The other reading, when it differs.
    pub(crate) other: Option<Vec<bool>>,
    /// Lines of fences that never close and are plain text.
    pub(crate) unclosed: Vec<usize>,
}

/// Fences nested deeper than this are no nesting; the flat reading serves.
const MAX_DEPTH: usize = 64;

/// Whether a text may have fences: most have none, and need not be looked through by lines.
pub(crate) fn may_have_fences(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has = |fence: &str| memchr::memmem::find(bytes, fence.as_bytes()).is_some();
    // To look for single bytes is faster by far, and often enough.
    memchr::memchr2(b'`', b'~', bytes).is_some() && (has("```") || has("~~~"))
}

#[derive(Debug, Clone, Copy)]
struct FenceLine {
    line: usize,
    tick: u8,
    length: usize,
    bare: bool,
}

impl Fences {
    pub(crate) fn new(lines: &Lines<'_>) -> Self {
        let may_have = may_have_fences(lines.text());
        let count = if may_have { lines.len() } else { 0 };
        let marks: Vec<FenceLine> = (0..count)
            .filter_map(|line| fence_line(line, lines.get(line)))
            .collect();
        if marks.is_empty() {
            let fenced = vec![false; lines.len()];
            return Self {
                fenced,
                other: None,
                unclosed: Vec::new(),
            };
        }
        let (flat, unclosed) = read_flat(&marks, lines.len());
        match read_nested(&marks, lines.len()) {
            Some(nested) => {
                let other = (nested != flat).then_some(flat);
                Self {
                    fenced: nested,
                    other,
                    unclosed: Vec::new(),
                }
            }
            None => Self {
                fenced: flat,
                other: None,
                unclosed,
            },
        }
    }
}

fn fence_line(line: usize, text: &str) -> Option<FenceLine> {
    let rest = text.trim_start_matches([' ', '\t']);
    let tick = *rest.as_bytes().first()?;
    if tick != b'`' && tick != b'~' {
        return None;
    }
    let length = rest.bytes().take_while(|byte| *byte == tick).count();
    let info = rest[length..].trim();
    // Back-quotes behind back-quotes are a code span in prose, not a fence.
    let is_fence = length >= 3 && !(tick == b'`' && info.contains('`'));
    is_fence.then_some(FenceLine {
        line,
        tick,
        length,
        bare: info.is_empty(),
    })
}

/// The nested reading, if every fence closes in it.
fn read_nested(marks: &[FenceLine], count: usize) -> Option<Vec<bool>> {
    let mut fenced = vec![false; count];
    let mut open: Vec<FenceLine> = Vec::new();
    for mark in marks {
        if open.len() > MAX_DEPTH {
            return None;
        }
        if open.is_empty() || !mark.bare {
            open.push(*mark);
            continue;
        }
        let fits = |opener: &FenceLine| opener.tick == mark.tick && mark.length >= opener.length;
        // One that fits none is text of the fence that it stands in.
        if let Some(index) = open.iter().rposition(fits) {
            if index == 0 {
                fenced[open[0].line..=mark.line].fill(true);
            }
            open.truncate(index);
        }
    }
    open.is_empty().then_some(fenced)
}

/// The flat reading, and the openers that never close.
fn read_flat(marks: &[FenceLine], count: usize) -> (Vec<bool>, Vec<usize>) {
    // The longest bare fence of each kind from here to the end says at once whether an
    // opener can close; searching for it each time would be quadratic.
    let mut closers = vec![(0, 0); marks.len() + 1];
    for (index, mark) in marks.iter().enumerate().rev() {
        let (mut back, mut tilde) = closers[index + 1];
        if mark.bare && mark.tick == b'`' {
            back = mark.length.max(back);
        } else if mark.bare {
            tilde = mark.length.max(tilde);
        }
        closers[index] = (back, tilde);
    }
    let mut fenced = vec![false; count];
    let mut unclosed = Vec::new();
    let mut open: Option<FenceLine> = None;
    for (index, mark) in marks.iter().enumerate() {
        match open {
            Some(opener) => {
                if mark.bare && mark.tick == opener.tick && mark.length >= opener.length {
                    fenced[opener.line..=mark.line].fill(true);
                    open = None;
                }
            }
            None => {
                let (back, tilde) = closers[index + 1];
                let longest = if mark.tick == b'`' { back } else { tilde };
                if longest >= mark.length {
                    open = Some(*mark);
                } else {
                    unclosed.push(mark.line);
                }
            }
        }
    }
    (fenced, unclosed)
}
