//! Whether a file may give a number twice, told from its bytes.
//!
//! Reading a list to see it takes many times longer, and among many writers each of them would
//! read both lists whole: they are hardly ever as they were recorded. Who is told "perhaps" reads
//! the file; a key that hides behind JSON's escapes is not seen, and is left to the editor.

use std::io::{self, Read};
use std::path::Path;

use fs_err::File;
use memchr::{memmem, memrchr};

/// The file is looked at in pieces, so that it never lies in memory as a whole.
const PIECE: usize = 64 << 10;

/// Whether more than one line of TODO.md or of state.json may begin a task with one of these
/// numbers. A missing file gives none.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn may_be_twice(path: &Path, numbers: &[u32]) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if crate::vfs::is_absent(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    let words: Vec<String> = numbers.iter().map(u32::to_string).collect();
    let mut counts: Vec<(memmem::Finder<'_>, usize)> = words
        .iter()
        .map(|word| (memmem::Finder::new(word.as_bytes()), 0))
        .collect();
    let mut piece = vec![0; PIECE];
    let mut filled = 0;
    loop {
        let length = match file.read(&mut piece[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            length => length?,
        };
        filled += length;
        // The rest of a line comes with the next piece.
        let whole = match memrchr(b'\n', &piece[..filled]) {
            _ if length == 0 => filled,
            Some(end) => end + 1,
            None => 0,
        };
        for (finder, count) in &mut counts {
            *count += lines_with(finder, &piece[..whole]);
        }
        let is_twice = counts.iter().any(|(_, count)| *count > 1);
        if length == 0 || is_twice {
            return Ok(is_twice);
        }
        piece.copy_within(whole..filled, 0);
        filled -= whole;
        if filled == piece.len() {
            piece.resize(2 * piece.len(), 0);
        }
    }
}

/// How many of these lines may begin a task with a number: a heading once, however often it says
/// it. Of JSON that stands in a single line each place counts.
fn lines_with(finder: &memmem::Finder<'_>, lines: &[u8]) -> usize {
    let digits = finder.needle().len();
    let mut count = 0;
    let mut heading = None;
    for at in finder.find_iter(lines) {
        let (before, behind) = (&lines[..at], &lines[at + digits..]);
        let zeros = before.iter().rev().take_while(|byte| **byte == b'0');
        let before = &before[..at - zeros.count()];
        if before.last().is_some_and(u8::is_ascii_digit)
            || behind.first().is_some_and(u8::is_ascii_digit)
        {
            continue;
        }
        let start = memrchr(b'\n', before).map_or(0, |end| end + 1);
        let line = &before[start..];
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if line.starts_with(b"#") {
            count += usize::from(heading.replace(start) != Some(start));
            continue;
        }
        let behind = behind.strip_prefix(b"\"").map(<[u8]>::trim_ascii_start);
        let is_key = line.ends_with(b"\"") && behind.is_some_and(|it| it.starts_with(b":"));
        let key = before
            .iter()
            .rposition(|byte| !b"\": \t\r\n".contains(byte));
        let key = key.map_or(&b""[..], |last| &before[..=last]);
        count += usize::from(is_key || key.ends_with(b"project_number"));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, number: u32) -> bool {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), text).unwrap();
        may_be_twice(file.path(), &[number]).unwrap()
    }

    #[test]
    fn numbers_that_begin_a_task_are_counted() {
        let todo =
            "# TODO\n\n### 5. Five, or 5\n- **Effort**: 5 hours\n\n### 55. Not 5x\n### 6. Six\n";
        assert!(!check(todo, 6) && !check(todo, 55) && !check(todo, 7));
        for again in ["### 5. Again", "### 005. Again", "### OC_5. Again"] {
            assert!(check(&format!("{todo}{again}\n"), 5), "{again}");
            assert!(check(&format!("{todo}{again}"), 5), "{again}");
        }
        let entry = |number| {
            let name = format!("\"project_name\": \"berth_{number}\"");
            format!("{{\n\"project_number\": {number},\n\"effort\": \"{number}\",\n{name}\n}},\n")
        };
        let state = entry(4) + &entry(5) + &entry(54);
        assert!(!check(&state, 4) && !check(&state, 54));
        assert!(check(&(state.clone() + &entry(54)), 54));
        assert!(check(&state.replace('\n', "").repeat(2), 54));
        let broken = state.replace("number\": ", "number\":\n");
        assert!(!check(&broken, 54) && check(&broken.repeat(2), 54));
        let keyed = "\"54\": {\n},\n";
        assert!(!check(keyed, 54) && check(&keyed.repeat(2), 54));
    }

    #[test]
    fn a_file_is_looked_at_in_pieces() {
        let filler = format!("{}\n", "a line of text ".repeat(20)).repeat(PIECE / 200);
        let line = "### 7. Seven\n";
        for place in [0, 1, PIECE - 3 * line.len(), PIECE, filler.len()] {
            let place = filler[..place.min(filler.len())]
                .rfind('\n')
                .map_or(0, |at| at + 1);
            let once = [&filler[..place], line, &filler[place..]].concat();
            assert!(!check(&once, 7), "{place}");
            assert!(check(&(once + line), 7), "{place}");
        }
        let long = "x".repeat(3 * PIECE);
        assert!(check(&format!("# {long} 7\n# {long} 7\n"), 7));
        assert!(!may_be_twice(Path::new("/nowhere/at/all"), &[7]).unwrap());
    }
}
