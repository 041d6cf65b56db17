//! Reading a recording: while it grows, after its end, and after a crash.
//!
//! Any process may read, at any time; nothing here writes or locks.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use airboss_core::time::Timestamp;
use fs_err as fs;

use super::SuperviseError;
use super::record::{self, HEADER_BYTES, Header, Kind, RECORD_BYTES_MAX};

/// One poll returns about this much at most, however large the recording is.
const POLL_BYTES_MAX: usize = 1 << 20;

/// Which of the agent's streams.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    pub(super) fn index(self) -> usize {
        match self {
            Self::Stdout => 0,
            Self::Stderr => 1,
        }
    }
}

/// One line that the agent wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedLine {
    /// When its end arrived.
    pub at: Timestamp,
    /// Where it was written.
    pub stream: Stream,
    /// The bytes as received, with the line feed if there was one.
    pub bytes: Vec<u8>,
    /// Bytes of it are missing: it was too long, or stood beside what a full log dropped.
    pub cut: bool,
}

/// Reads the recording of an attempt piece by piece.
pub struct Reader {
    directory: PathBuf,
    source: Source,
    /// What was read from the source and is no whole record yet.
    buffer: Vec<u8>,
    next_sequence: u64,
    partial: [Partial; 2],
    finished: bool,
}

/// Where records come from. A recording moves from segment to segment, and at its
/// end into the compressed file; sequence numbers tell what was seen already.
enum Source {
    Nothing,
    Segment(u32, fs::File),
    Packed(zstd::Decoder<'static, BufReader<fs::File>>),
}

/// A line whose end has not come yet.
#[derive(Default)]
struct Partial {
    bytes: Vec<u8>,
    at: Timestamp,
    /// Its beginning was dropped.
    damaged: bool,
}

impl Reader {
    /// A reader at the beginning of the recording in `directory`; there need be nothing yet.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            source: Source::Nothing,
            buffer: Vec::new(),
            next_sequence: 0,
            partial: Default::default(),
            finished: false,
        }
    }

    /// The next whole lines, about a megabyte at most; empty when there is nothing more now.
    ///
    /// A line without its line feed comes with the end of the recording.
    ///
    /// # Errors
    /// When a file cannot be read. An unfinished end is no error: there may be more later.
    pub fn poll(&mut self) -> Result<Vec<RecordedLine>, SuperviseError> {
        let mut lines = Vec::new();
        let mut read = 0;
        while !self.finished && (read < POLL_BYTES_MAX || lines.is_empty()) {
            let Some((header, bytes)) = self.next_record()? else {
                break;
            };
            read += HEADER_BYTES + bytes.len();
            self.accept(&header, &bytes, &mut lines);
        }
        Ok(lines)
    }

    /// The recording's end has been read: nothing more will ever come.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The unfinished lines of a recording whose supervisor is known to be dead.
    pub fn finish(&mut self) -> Vec<RecordedLine> {
        let mut lines = Vec::new();
        self.flush(&mut lines);
        self.finished = true;
        lines
    }

    fn accept(&mut self, header: &Header, bytes: &[u8], lines: &mut Vec<RecordedLine>) {
        if header.sequence < self.next_sequence {
            return; // Seen before the recording was compressed.
        }
        if header.sequence > self.next_sequence {
            self.flush_damaged(lines);
        }
        self.next_sequence = header.sequence + 1;
        let Kind::Bytes(stream) = header.kind else {
            self.flush(lines);
            self.finished = true;
            return;
        };
        let partial = &mut self.partial[stream.index()];
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            partial.bytes.extend_from_slice(piece);
            partial.at = header.at;
            if piece.ends_with(b"\n") {
                lines.push(partial.take(stream, false));
            }
        }
        if header.cut {
            partial.at = header.at;
            lines.push(partial.take(stream, true));
        }
    }

    fn flush(&mut self, lines: &mut Vec<RecordedLine>) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let partial = &mut self.partial[stream.index()];
            if !partial.bytes.is_empty() {
                lines.push(partial.take(stream, false));
            }
        }
    }

    /// Something is missing here: what was begun stays unfinished, what comes next has no beginning.
    fn flush_damaged(&mut self, lines: &mut Vec<RecordedLine>) {
        for partial in &mut self.partial {
            partial.damaged = true;
        }
        self.flush(lines);
        for partial in &mut self.partial {
            partial.damaged = true;
        }
    }

    fn next_record(&mut self) -> Result<Option<(Header, Vec<u8>)>, SuperviseError> {
        loop {
            if let Some(record) = self.parse() {
                return Ok(Some(record));
            }
            if !self.fill()? && !self.advance()? {
                return Ok(None);
            }
        }
    }

    /// Takes a whole record from the buffer.
    fn parse(&mut self) -> Option<(Header, Vec<u8>)> {
        let header = Header::decode(self.buffer.first_chunk::<HEADER_BYTES>()?)?;
        let end = HEADER_BYTES + header.length;
        let bytes = self.buffer.get(HEADER_BYTES..end)?.to_vec();
        self.buffer.drain(..end);
        Some((header, bytes))
    }

    /// Reads more of the current source; `false` at its end.
    fn fill(&mut self) -> Result<bool, SuperviseError> {
        let before = self.buffer.len();
        let source: &mut dyn Read = match &mut self.source {
            Source::Nothing => return Ok(false),
            Source::Segment(_, file) => file,
            Source::Packed(decoder) => decoder,
        };
        source
            .take(RECORD_BYTES_MAX as u64)
            .read_to_end(&mut self.buffer)?;
        Ok(self.buffer.len() > before)
    }

    /// Moves on to where the recording continues; `false` when it does not, now.
    fn advance(&mut self) -> Result<bool, SuperviseError> {
        let expected = match &self.source {
            Source::Packed(_) => return Ok(false),
            Source::Nothing => 0,
            Source::Segment(number, _) => number + 1,
        };
        if self.open_packed()? {
            return Ok(true);
        }
        let numbers = if self.directory.exists() {
            record::segments(&self.directory)?
        } else {
            Vec::new()
        };
        let Some(&next) = numbers.iter().find(|&&number| number >= expected) else {
            return Ok(false);
        };
        // The current segment was perhaps still growing when its end was read.
        if self.fill()? {
            return Ok(true);
        }
        // Segments leave for two reasons: the log is full, or they have just been compressed.
        if next != expected && self.open_packed()? {
            return Ok(true);
        }
        let Some(file) = found(fs::File::open(record::segment_path(&self.directory, next)))? else {
            return Ok(false);
        };
        self.switch(Source::Segment(next, file));
        Ok(true)
    }

    fn open_packed(&mut self) -> Result<bool, SuperviseError> {
        let Some(file) = found(fs::File::open(self.directory.join(record::PACKED)))? else {
            return Ok(false);
        };
        self.switch(Source::Packed(zstd::Decoder::new(file)?));
        Ok(true)
    }

    /// What is left in the buffer is a record that will never be completed.
    fn switch(&mut self, source: Source) {
        self.source = source;
        self.buffer.clear();
    }
}

impl Partial {
    fn take(&mut self, stream: Stream, cut: bool) -> RecordedLine {
        let Self { bytes, at, damaged } = std::mem::take(self);
        RecordedLine {
            at,
            stream,
            bytes,
            cut: cut || damaged,
        }
    }
}

/// A file that is not there is no error.
fn found(result: io::Result<fs::File>) -> io::Result<Option<fs::File>> {
    match result {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
