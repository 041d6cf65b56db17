//! What is kept of an agent's output: all of it, within bounds, readable at any time.

use std::io::Write;
use std::path::Path;

use airboss_core::process::{Exit, StopReason};
use airboss_engine::clock::now;
use airboss_engine::supervise::{Reader, RecordedLine, Spec, Stop, Stream, seal};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::flight::{Flight, read_all, shell, until};

fn with_limits(script: &str, line_bytes_max: usize, log_bytes_max: u64) -> Spec {
    let mut spec = shell(script);
    spec.limits.line_bytes_max = line_bytes_max;
    spec.limits.log_bytes_max = log_bytes_max;
    spec
}

fn disk_use(directory: &Path) -> u64 {
    let entries = fs_err::read_dir(directory).unwrap().flatten();
    entries
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum()
}

/// The supervisor's largest resident size so far, in KiB (proc_pid_status(5)).
fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn both_streams_are_kept_apart_with_their_times() {
    let mut flight = Flight::start(shell("echo out; echo err >&2"));
    let outcome = flight.end();
    let mut lines = flight.recording();
    lines.sort_by_key(|line| line.stream == Stream::Stderr);
    let found: Vec<_> = lines
        .iter()
        .map(|line| (line.stream, line.bytes.as_slice()))
        .collect();
    assert_eq!(
        found,
        [(Stream::Stdout, &b"out\n"[..]), (Stream::Stderr, b"err\n")]
    );
    for line in lines {
        assert!(outcome.started_at <= line.at && line.at <= now());
    }
}

#[test]
fn bytes_are_kept_as_they_came() {
    let script = r"printf '\377\000\033[31m\r\n\n'; printf 'half a line'";
    let mut flight = Flight::start(shell(script));
    flight.end();
    let lines: Vec<_> = flight
        .recording()
        .into_iter()
        .map(|line| line.bytes)
        .collect();
    assert_eq!(lines, [&b"\xff\x00\x1b[31m\r\n"[..], b"\n", b"half a line"]);
}

#[test]
fn a_line_that_is_written_in_pieces_is_one_line() {
    let mut flight = Flight::start(shell(
        "printf one; sleep 0.1; printf two; sleep 0.1; echo three",
    ));
    flight.end();
    assert_eq!(flight.recording().len(), 1);
    assert_eq!(flight.text(), "onetwothree\n");
}

#[test]
fn a_line_of_ten_megabytes_is_cut() {
    let script = "head -c 10000000 /dev/zero | tr '\\0' a; echo; echo after; echo 12345";
    let mut flight = Flight::start(with_limits(script, 100_000, 64 << 20));
    let outcome = flight.end();
    let lines = flight.recording();
    assert_eq!(lines.len(), 3);
    assert_eq!((lines[0].bytes.len(), lines[0].cut), (100_000, true));
    assert_eq!(
        (lines[1].bytes.as_slice(), lines[1].cut),
        (&b"after\n"[..], false)
    );
    assert_eq!(
        (lines[2].bytes.as_slice(), lines[2].cut),
        (&b"12345\n"[..], false)
    );
    assert_eq!((outcome.lines_cut, outcome.bytes_dropped), (1, 9_900_001));
}

#[test]
fn a_line_is_cut_beyond_its_limit_not_at_it() {
    let script = "echo 12345; echo 123456; printf 12345; sleep 0.1; echo; printf 1234567";
    let mut flight = Flight::start(with_limits(script, 5, 64 << 20));
    let outcome = flight.end();
    let lines = flight
        .recording()
        .into_iter()
        .map(|line| (line.bytes, line.cut));
    let whole = (b"12345\n".to_vec(), false);
    let cut = (b"12345".to_vec(), true);
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [whole.clone(), cut.clone(), whole, cut]
    );
    assert_eq!((outcome.lines_cut, outcome.bytes_dropped), (2, 4));
}

#[test]
fn a_flood_stays_bounded() {
    const SAID: u64 = 200_000_000;
    const KEPT: u64 = 4 << 20;
    let line = "0123456789abcdef 0123456789abcdef 0123456789abcdef 0123456789abcdef";
    let script = format!("echo first; yes {line} | head -c {SAID}; echo; echo last");
    let mut flight = Flight::start(with_limits(&script, 1 << 20, KEPT));
    let (mut disk, mut memory) = (0, 0);
    let directory = flight.directory();
    let pid = flight.handle.identity().pid;
    until("the end of the flood", || {
        disk = disk.max(disk_use(&directory));
        memory = memory.max(peak_memory(pid).unwrap_or(0));
        flight.handle.try_wait().unwrap().then_some(())
    });
    let outcome = flight.end();
    assert_eq!(
        (outcome.exit, outcome.stopped),
        (Exit::Code { code: 0 }, None)
    );
    // The compressed file stands beside the plain ones for a moment.
    assert!(disk < KEPT + KEPT / 2, "{disk} bytes on disk");
    assert!(memory < 8 * 1024, "{memory} KiB");
    let lines = flight.recording();
    let kept: u64 = lines.iter().map(|line| line.bytes.len() as u64).sum();
    assert_eq!(
        kept + outcome.bytes_dropped,
        SAID + "first\n\nlast\n".len() as u64
    );
    assert!(kept > KEPT / 2);
    assert_eq!(lines[0].bytes, b"first\n");
    assert_eq!(lines[lines.len() - 1].bytes, b"last\n");
    let cut: Vec<_> = lines.iter().filter(|line| line.cut).collect();
    assert!((1..=4).contains(&cut.len()), "only beside the gap: {cut:?}");
    let whole = format!("{line}\n");
    let middle = &lines[1..lines.len() - 2];
    assert!(
        middle
            .iter()
            .all(|line| line.cut || line.bytes == whole.as_bytes())
    );
}

#[test]
fn a_flood_beyond_the_limit_is_stopped() {
    let mut spec = shell("yes");
    spec.limits.flood_bytes_max = 1_000_000;
    let outcome = Flight::start(spec).end();
    assert_eq!(outcome.stopped, Some(StopReason::Flood));
    assert_eq!(
        (outcome.exit, outcome.bytes_dropped),
        (Exit::Signal { signal: 2 }, 0)
    );
}

#[test]
fn a_reader_follows_through_the_end_and_sees_what_a_later_one_sees() {
    let script = "i=0; while [ $i -lt 3000 ]; do echo line $i; echo error $i >&2; i=$((i+1)); done
        printf end";
    let mut flight = Flight::start(shell(script));
    let mut followed = Vec::new();
    until("the end of the recording", || {
        followed.extend(flight.reader.poll().unwrap());
        flight.reader.is_finished().then_some(())
    });
    flight.end();
    let names: Vec<_> = fs_err::read_dir(flight.directory())
        .unwrap()
        .flatten()
        .collect();
    let names: Vec<_> = names.iter().map(|entry| entry.file_name()).collect();
    assert!(names.iter().any(|name| name == "stream.zst"), "{names:?}");
    assert!(
        !names
            .iter()
            .any(|name| name.to_str().unwrap().ends_with(".rec")),
        "{names:?}"
    );
    assert_eq!(followed.len(), 6001);
    assert_eq!(followed, flight.recording());
    assert!(flight.reader.poll().unwrap().is_empty());
}

#[test]
fn a_slow_reader_sees_a_gap_but_nothing_twice() {
    let script =
        "i=0; while [ $i -lt 60 ]; do yes \"$i $(date)\" | head -c 200000; echo; i=$((i+1));
        done; echo ready; while [ ! -e go ]; do sleep 0.01; done";
    let mut flight = Flight::start(with_limits(script, 1 << 20, 1 << 20));
    let mut followed = vec![until("output", || {
        flight.reader.poll().unwrap().into_iter().next()
    })];
    let mut slow = Reader::new(&flight.directory());
    followed.clear();
    until("the last word", || {
        followed.extend(slow.poll().unwrap());
        followed
            .iter()
            .any(|line| line.bytes == b"ready\n")
            .then_some(())
    });
    fs_err::write(flight.folder().join("go"), "").unwrap();
    let outcome = flight.end();
    assert!(outcome.bytes_dropped > 10_000_000);
    let number = |bytes: &[u8]| -> Option<u32> {
        String::from_utf8_lossy(bytes)
            .split(' ')
            .next()?
            .parse()
            .ok()
    };
    let numbers: Vec<_> = followed
        .iter()
        .filter(|line| !line.cut)
        .filter_map(|line| number(&line.bytes))
        .collect();
    assert!(numbers.is_sorted(), "in order");
}

/// The only segment of an attempt whose supervisor was killed in mid-sentence.
fn abandoned_recording() -> Vec<u8> {
    let mut flight = Flight::start(shell("echo one; echo two >&2; printf three; sleep 1000"));
    let segment = flight.directory().join("stream.0.rec");
    until("all three", || {
        let bytes = fs_err::read(&segment).unwrap();
        bytes
            .windows(5)
            .any(|window| window == b"three")
            .then_some(())
    });
    let pid = i32::try_from(flight.handle.identity().pid).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    until("its end", || {
        flight.handle.try_wait().unwrap().then_some(())
    });
    airboss_engine::supervise::sweep(flight.attempt);
    fs_err::read(segment).unwrap()
}

/// Which of two pipes is read first is anybody's guess.
fn of_stream(lines: &[RecordedLine], stream: Stream) -> Vec<&RecordedLine> {
    lines.iter().filter(|line| line.stream == stream).collect()
}

#[test]
fn a_torn_end_loses_only_itself() {
    let whole = abandoned_recording();
    let folder = TempDir::new().unwrap();
    let segment = folder.path().join("stream.0.rec");
    fs_err::write(&segment, &whole).unwrap();
    let mut reader = Reader::new(folder.path());
    let mut expected = read_all(&mut reader);
    assert_eq!(expected.len(), 2);
    expected.extend(reader.finish());
    assert_eq!(expected[2].bytes, b"three");
    assert!(reader.is_finished());

    for length in 0..whole.len() {
        let mut torn = whole[..length].to_vec();
        fs_err::write(&segment, &torn).unwrap();
        let mut reader = Reader::new(folder.path());
        let mut lines = read_all(&mut reader);
        lines.extend(reader.finish());
        for stream in [Stream::Stdout, Stream::Stderr] {
            let (lines, expected) = (of_stream(&lines, stream), of_stream(&expected, stream));
            assert!(expected.starts_with(&lines), "cut at {length}");
        }
        // After a power loss the rest may be zeroes.
        torn.resize(whole.len() + 100, 0);
        fs_err::write(&segment, &torn).unwrap();
        let mut reader = Reader::new(folder.path());
        let count = read_all(&mut reader).len() + reader.finish().len();
        assert!(count <= 3, "cut at {length}");
    }
}

#[test]
fn a_reader_waits_for_the_rest_of_a_record() {
    let whole = abandoned_recording();
    let folder = TempDir::new().unwrap();
    let mut reader = Reader::new(folder.path());
    assert!(reader.poll().unwrap().is_empty(), "nothing there yet");
    let segment = folder.path().join("stream.0.rec");
    let mut file = fs_err::OpenOptions::new()
        .create(true)
        .append(true)
        .open(segment)
        .unwrap();
    let mut lines = Vec::new();
    for byte in whole {
        file.write_all(&[byte]).unwrap();
        lines.extend(reader.poll().unwrap());
    }
    lines.extend(reader.finish());
    lines.sort_by_key(|line| line.stream == Stream::Stderr);
    let lines: Vec<_> = lines.into_iter().map(|line| line.bytes).collect();
    assert_eq!(lines, [&b"one\n"[..], b"three", b"two\n"]);
}

#[test]
fn compression_keeps_every_byte_and_can_be_repeated() {
    let whole = abandoned_recording();
    let folder = TempDir::new().unwrap();
    fs_err::write(folder.path().join("stream.0.rec"), &whole).unwrap();
    let plain = read_all(&mut Reader::new(folder.path()));
    seal(folder.path()).unwrap();
    seal(folder.path()).unwrap();
    assert_eq!(read_all(&mut Reader::new(folder.path())), plain);
    let packed = fs_err::File::open(folder.path().join("stream.zst")).unwrap();
    assert_eq!(zstd::decode_all(packed).unwrap(), whole);
}

#[test]
fn a_half_removed_recording_is_read_once() {
    // A crash between the compressed file's appearance and the last removal.
    let whole = abandoned_recording();
    let folder = TempDir::new().unwrap();
    let segment = folder.path().join("stream.0.rec");
    fs_err::write(&segment, &whole).unwrap();
    let plain = read_all(&mut Reader::new(folder.path()));
    seal(folder.path()).unwrap();
    fs_err::write(&segment, &whole).unwrap();
    assert_eq!(read_all(&mut Reader::new(folder.path())), plain);
    seal(folder.path()).unwrap();
    assert!(!segment.exists());
}

#[test]
fn an_idle_supervisor_is_small() {
    let mut flight = Flight::start(shell("echo ready; sleep 1000"));
    flight.await_line("ready");
    let pid = flight.handle.identity().pid;
    let memory = peak_memory(pid).unwrap();
    assert!(memory < 5 * 1024, "{memory} KiB");
    flight.stop(Stop::Kill);
    flight.end();
}
