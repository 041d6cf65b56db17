//! The recording of an attempt: what it wrote, as received, with arrival times.
//!
//! A recording is a sequence of records in numbered segment files. A record is a
//! header and some bytes of one stream, just as they came from the pipe, so that
//! nothing is held back in memory and a killed supervisor loses nothing. Only
//! two things are ever left out, both marked: the rest of a line that is too
//! long, and, once the log is full, whole segments from its middle: the first
//! half of the allowance keeps the head, the second half the latest tail.
//!
//! Header, little endian: mark `0xAB`, kind (`O`, `E` or `X` for the end), flags
//! (1: the line is cut here), length of the bytes, sequence number, arrival time
//! in milliseconds. Gaps show in the sequence numbers. At the end the segments
//! become one `stream.zst` with the same content.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use airboss_core::time::Timestamp;
use fs_err as fs;

use super::read::Stream;
use super::{SuperviseError, files};

/// The compressed recording.
pub(super) const PACKED: &str = "stream.zst";

const PACKED_TEMPORARY: &str = "stream.zst.tmp";

/// At most this much comes in one record: what a pipe holds (pipe(7)).
pub(super) const RECORD_BYTES_MAX: usize = 64 * 1024;

pub(super) const HEADER_BYTES: usize = 24;

const MARK: u8 = 0xAB;
const FLAG_CUT: u16 = 1;

/// The allowance is split into this many segments: half head, half tail.
const SEGMENTS: u64 = 8;
const HEAD_SEGMENTS: u32 = 4;
const TAIL_SEGMENTS: usize = 4;

/// The smallest useful allowance: each segment must hold one record at least.
const LOG_BYTES_MIN: u64 = 1 << 20;

/// Level 1 needs about a megabyte of memory and still makes JSON lines ten times smaller.
const COMPRESSION_LEVEL: i32 = 1;

/// What a record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Bytes(Stream),
    End,
}

/// The fixed part of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) cut: bool,
    pub(super) length: usize,
    pub(super) sequence: u64,
    pub(super) at: Timestamp,
}

impl Header {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = MARK;
        bytes[1] = match self.kind {
            Kind::Bytes(Stream::Stdout) => b'O',
            Kind::Bytes(Stream::Stderr) => b'E',
            Kind::End => b'X',
        };
        bytes[2..4].copy_from_slice(&if self.cut { FLAG_CUT } else { 0 }.to_le_bytes());
        let length = u32::try_from(self.length).expect("a record holds 64 KiB at most");
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.at.as_millis().to_le_bytes());
        bytes
    }

    /// `None` for what no recorder writes: the torn end of a segment after a power loss.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let [mark, kind, flag_low, flag_high, rest @ ..] = bytes;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (at, _) = rest.split_first_chunk::<8>()?;
        let kind = match kind {
            b'O' => Kind::Bytes(Stream::Stdout),
            b'E' => Kind::Bytes(Stream::Stderr),
            b'X' => Kind::End,
            _ => return None,
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        (*mark == MARK && length <= RECORD_BYTES_MAX).then_some(Self {
            kind,
            cut: u16::from_le_bytes([*flag_low, *flag_high]) & FLAG_CUT != 0,
            length,
            sequence: u64::from_le_bytes(*sequence),
            at: Timestamp::from_millis(i64::from_le_bytes(*at)),
        })
    }
}

/// The path of a segment.
pub(super) fn segment_path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("stream.{number}.rec"))
}

/// The segments that exist, in order.
pub(super) fn segments(directory: &Path) -> Result<Vec<u32>, SuperviseError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix("stream.")?
                .strip_suffix(".rec")?
                .parse::<u32>()
                .ok()
        });
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// How far the current line of a stream has come.
#[derive(Default)]
struct Line {
    length: usize,
    /// The line is cut; what comes until its end is left out.
    cutting: bool,
}

/// What a recording lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    pub(super) received: u64,
    pub(super) lines_cut: u64,
    pub(super) bytes_dropped: u64,
}

/// Writes a recording.
pub(crate) struct Recorder {
    directory: PathBuf,
    line_bytes_max: usize,
    segment_bytes_max: u64,
    segment: Segment,
    /// The closed segments of the tail, oldest first, with the stream bytes in each.
    tail: VecDeque<(u32, u64)>,
    lines: [Line; 2],
    sequence: u64,
    tally: Tally,
    /// The first failure to write; said once, and recorded as dropped bytes.
    failure: Option<io::Error>,
}

/// The segment that is being written.
struct Segment {
    number: u32,
    file: fs::File,
    size: u64,
    stream_bytes: u64,
}

impl Segment {
    fn create(directory: &Path, number: u32) -> Result<Self, SuperviseError> {
        let file = files::create_private(&segment_path(directory, number))?;
        Ok(Self {
            number,
            file,
            size: 0,
            stream_bytes: 0,
        })
    }

    /// Appends a whole record or none, so that a full disk leaves no torn one inside.
    fn append(&mut self, header: &Header, bytes: &[u8]) -> io::Result<()> {
        let mut record = Vec::with_capacity(HEADER_BYTES + bytes.len());
        record.extend_from_slice(&header.encode());
        record.extend_from_slice(bytes);
        if let Err(error) = self.file.write_all(&record) {
            self.file.set_len(self.size)?;
            io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.size))?;
            return Err(error);
        }
        self.size += record.len() as u64;
        self.stream_bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Recorder {
    pub(crate) fn create(
        directory: &Path,
        line_bytes_max: usize,
        log_bytes_max: u64,
    ) -> Result<Self, SuperviseError> {
        Ok(Self {
            directory: directory.to_owned(),
            line_bytes_max,
            segment_bytes_max: log_bytes_max.max(LOG_BYTES_MIN) / SEGMENTS,
            segment: Segment::create(directory, 0)?,
            tail: VecDeque::new(),
            lines: [Line::default(), Line::default()],
            sequence: 0,
            tally: Tally::default(),
            failure: None,
        })
    }

    /// What has been received and lost so far.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// The first failure to write, once.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Records what one read from a pipe gave: at most [`RECORD_BYTES_MAX`] bytes.
    pub(crate) fn push(&mut self, stream: Stream, at: Timestamp, bytes: &[u8]) {
        self.tally.received += bytes.len() as u64;
        let mut kept = 0; // Where what is to be kept and not yet written begins.
        let mut begin = 0;
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let end = begin + piece.len();
            let ends = piece.ends_with(b"\n");
            let line = &mut self.lines[stream.index()];
            let room = self.line_bytes_max.saturating_sub(line.length);
            if line.cutting {
                self.tally.bytes_dropped += piece.len() as u64;
                line.cutting = !ends;
                kept = end;
            } else if piece.len() - usize::from(ends) > room {
                *line = Line {
                    length: 0,
                    cutting: !ends,
                };
                self.tally.lines_cut += 1;
                self.tally.bytes_dropped += (piece.len() - room) as u64;
                self.write(Kind::Bytes(stream), true, at, &bytes[kept..begin + room]);
                kept = end;
            } else {
                line.length = if ends { 0 } else { line.length + piece.len() };
            }
            begin = end;
        }
        if kept < bytes.len() {
            self.write(Kind::Bytes(stream), false, at, &bytes[kept..]);
        }
    }

    /// Writes the record that says that nothing more will come.
    pub(super) fn end(mut self, at: Timestamp) -> Tally {
        self.write(Kind::End, false, at, &[]);
        self.tally
    }

    /// Writes a record. What cannot be written counts as dropped: the pipes must be drained anyway.
    fn write(&mut self, kind: Kind, cut: bool, at: Timestamp, bytes: &[u8]) {
        let header = Header {
            kind,
            cut,
            length: bytes.len(),
            sequence: self.sequence,
            at,
        };
        self.sequence += 1;
        let written = self.make_room(bytes.len()).and_then(|()| {
            self.segment.append(&header, bytes)?;
            Ok(())
        });
        if let Err(error) = written {
            self.tally.bytes_dropped += bytes.len() as u64;
            self.failure
                .get_or_insert(io::Error::other(error.to_string()));
        }
    }

    /// Begins the next segment where the record does not fit, and drops the tail's oldest.
    fn make_room(&mut self, length: usize) -> Result<(), SuperviseError> {
        let size = (HEADER_BYTES + length) as u64;
        if self.segment.size == 0 || self.segment.size + size <= self.segment_bytes_max {
            return Ok(());
        }
        let next = Segment::create(&self.directory, self.segment.number + 1)?;
        let full = std::mem::replace(&mut self.segment, next);
        if full.number >= HEAD_SEGMENTS {
            self.tail.push_back((full.number, full.stream_bytes));
        }
        // The one that is being written belongs to the tail.
        while self.tail.len() >= TAIL_SEGMENTS {
            if let Some((oldest, stream_bytes)) = self.tail.pop_front() {
                fs::remove_file(segment_path(&self.directory, oldest))?;
                self.tally.bytes_dropped += stream_bytes;
            }
        }
        Ok(())
    }
}

/// Compresses the recording in `directory` and removes the plain segments.
///
/// The supervisor does it at the end; after a killed supervisor anyone may, once
/// nothing writes there any more. Doing it again changes nothing.
///
/// # Errors
/// When a file cannot be read or written. The segments are then still there.
pub fn seal(directory: &Path) -> Result<(), SuperviseError> {
    let numbers = segments(directory)?;
    let packed = directory.join(PACKED);
    if !packed.exists() {
        let temporary = directory.join(PACKED_TEMPORARY);
        if let Err(error) = pack(directory, &numbers, &temporary) {
            // It may not exist; and the space is what may be missing.
            fs::remove_file(&temporary).ok();
            return Err(error);
        }
        fs::rename(&temporary, &packed)?;
        files::sync_directory(directory)?;
    }
    // From the first: a reader that misses one looks for the compressed file again.
    for number in numbers {
        fs::remove_file(segment_path(directory, number))?;
    }
    files::sync_directory(directory)
}

fn pack(directory: &Path, numbers: &[u32], path: &Path) -> Result<(), SuperviseError> {
    let file = files::create_private(path)?;
    let mut encoder = zstd::Encoder::new(file, COMPRESSION_LEVEL)?;
    encoder.include_checksum(true)?;
    let mut buffer = vec![0; RECORD_BYTES_MAX];
    for &number in numbers {
        let mut segment = fs::File::open(segment_path(directory, number))?;
        loop {
            match segment.read(&mut buffer)? {
                0 => break,
                length => encoder.write_all(&buffer[..length])?,
            }
        }
    }
    Ok(encoder.finish()?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::supervise::Reader;

    fn read(directory: &Path) -> Vec<(Stream, Vec<u8>, bool)> {
        let mut reader = Reader::new(directory);
        let mut lines = Vec::new();
        while !reader.is_finished() {
            let more = reader.poll().unwrap();
            assert!(!more.is_empty() || reader.is_finished());
            lines.extend(
                more.into_iter()
                    .map(|line| (line.stream, line.bytes, line.cut)),
            );
        }
        lines
    }

    /// The lines of one stream, cut as promised, with what that drops.
    fn expected(bytes: &[u8], line_bytes_max: usize) -> (Vec<(Vec<u8>, bool)>, u64) {
        let mut dropped = 0;
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').map(|line| {
            let content = line.len() - usize::from(line.ends_with(b"\n"));
            if content <= line_bytes_max {
                return (line.to_vec(), false);
            }
            dropped += (line.len() - line_bytes_max) as u64;
            (line[..line_bytes_max].to_vec(), true)
        });
        (lines.collect(), dropped)
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_received(
            chunks in prop::collection::vec((any::<bool>(), "[ab\n]{1,12}"), 0..20),
            line_bytes_max in 0..9_usize,
        ) {
            let folder = TempDir::new().unwrap();
            let mut recorder = Recorder::create(folder.path(), line_bytes_max, 0).unwrap();
            let mut received = [Vec::new(), Vec::new()];
            for (second, chunk) in &chunks {
                let stream = if *second { Stream::Stderr } else { Stream::Stdout };
                recorder.push(stream, Timestamp::default(), chunk.as_bytes());
                received[stream.index()].extend_from_slice(chunk.as_bytes());
            }
            let tally = recorder.end(Timestamp::default());
            let lines = read(folder.path());
            let mut dropped = 0;
            for stream in [Stream::Stdout, Stream::Stderr] {
                let (expected, missing) = expected(&received[stream.index()], line_bytes_max);
                dropped += missing;
                let found = lines.iter().filter(|line| line.0 == stream);
                let found: Vec<_> = found.map(|(_, bytes, cut)| (bytes.clone(), *cut)).collect();
                prop_assert_eq!(found, expected);
            }
            prop_assert_eq!(tally.bytes_dropped, dropped);
            seal(folder.path()).unwrap();
            prop_assert_eq!(read(folder.path()), lines);
        }
    }

    #[test]
    fn a_full_disk_loses_bytes_but_neither_count_nor_order() {
        let folder = TempDir::new().unwrap();
        let mut recorder = Recorder::create(folder.path(), 100, 0).unwrap();
        let push = |recorder: &mut Recorder, text: &str| {
            recorder.push(Stream::Stdout, Timestamp::default(), text.as_bytes());
        };
        push(&mut recorder, "one\n");
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let disk = std::mem::replace(&mut recorder.segment.file, full);
        push(&mut recorder, "two\n");
        assert!(recorder.take_failure().is_some());
        recorder.segment.file = disk;
        push(&mut recorder, "three\nfour\n");
        assert_eq!(recorder.end(Timestamp::default()).bytes_dropped, 4);
        let lines = read(folder.path())
            .into_iter()
            .map(|(_, bytes, cut)| (bytes, cut));
        let lines: Vec<_> = lines.collect();
        let expected = [
            (&b"one\n"[..], false),
            (b"three\n", true),
            (b"four\n", false),
        ];
        assert_eq!(lines, expected.map(|(bytes, cut)| (bytes.to_vec(), cut)));
    }
}
