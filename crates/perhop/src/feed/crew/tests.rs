use std::fs;
use std::path::{Path, PathBuf};

use perhop_verify::engine::Flows;
use perhop_verify::timeline::Bins;
use perhop_wire::capture::CapturedPacket;
use proptest::prelude::*;

use super::*;
use crate::feed::{Capture, Sink, read_files};
use crate::ui::{Ui, When};

struct Analyst {
    engine: Engine,
    /// 0 for none but the capture's own reader.
    threads: usize,
    stretch: u64,
    /// Packets that did not come through the crew.
    alone: u64,
}

impl Sink for Analyst {
    fn packets(&mut self, packets: &[CapturedPacket<'_>]) {
        self.alone += packets.len() as u64;
        self.engine.observe_all(packets);
    }

    fn flows(&mut self) -> u64 {
        self.engine.flows()
    }

    fn crew(&mut self) -> Option<Crew<'_>> {
        let mut crew = Crew::new(&mut self.engine, self.threads);
        crew.stretch = self.stretch;
        (self.threads > 0).then_some(crew)
    }
}

/// The flows, and what they did over time, with media and without.
type Found = (Flows, Vec<Bins>);

/// What is found in files, and how many packets one thread had to read by itself.
fn read(paths: &[PathBuf], threads: usize, stretch: u64) -> (Found, Vec<Capture>, u64) {
    let config = Config {
        over_time: true,
        ..Config::default()
    };
    let mut analyst = Analyst {
        engine: Engine::with_lanes(&config, threads.max(1)),
        threads,
        stretch,
        alone: 0,
    };
    let mut captures = read_files(paths, &Ui::new(When::Never), &mut analyst).unwrap();
    for capture in &mut captures {
        capture.name.clear();
    }
    let ledger = analyst.engine.into_ledger();
    let bins = ledger.over_time(|number| Some(ledger.flow(number).has_media()));
    let found = (ledger.into_flows(), bins.into_values().collect());
    (found, captures, analyst.alone)
}

fn written(folder: &Path, captures: &[Vec<u8>]) -> Vec<PathBuf> {
    let write = |(number, bytes): (usize, &Vec<u8>)| {
        let path = folder.join(format!("{number}.capture"));
        fs::write(&path, bytes).unwrap();
        path
    };
    captures.iter().enumerate().map(write).collect()
}

/// Threads and sizes of stretches change nothing, damage included. True when threads read something.
fn same_with_threads(bytes: &[u8], name: &str) -> bool {
    let temp = tempfile::tempdir().unwrap();
    let paths = written(temp.path(), &[bytes.to_vec()]);
    let one = read(&paths, 0, 1);
    let mut shared = false;
    for (threads, stretch) in [(1, 500), (2, 400), (3, 1500), (2, 60_000), (5, 9000)] {
        let several = read(&paths, threads, stretch);
        assert!(one.0 == several.0, "{name}: flows, {threads} threads");
        assert_eq!(one.1, several.1, "{name}: {threads} threads");
        shared |= several.2 < one.2;
    }
    shared
}

/// Where the packets of a capture lie, and what stands before the first; `None` when it has anything else between them.
fn records(bytes: &[u8]) -> Option<(usize, Vec<std::ops::Range<usize>>)> {
    let mut reader = CaptureReader::new();
    let (mut at, mut head, mut records, mut times) = (0, 0, Vec::new(), Vec::new());
    let mut known = (0, 0);
    loop {
        let step = reader.next(&bytes[at..], true);
        let used = step.consumed();
        match step {
            Step::Packet(packet) => {
                records.push(at..at + used);
                times.push(packet.time_ns?);
            }
            Step::End => break,
            Step::Skipped { .. } if records.is_empty() => {
                head = at + used;
                known = (reader.first_interface(), reader.interfaces().len());
            }
            Step::Skipped { .. } | Step::Statistics { .. } => {}
            _ => return None,
        }
        at += used;
    }
    let same = known == (reader.first_interface(), reader.interfaces().len());
    (same && times.is_sorted()).then_some((head, records))
}

/// A capture cut in pieces, each of them a capture.
fn pieces(bytes: &[u8], count: usize) -> Option<Vec<Vec<u8>>> {
    let (head, records) = records(bytes)?;
    let size = records.len().div_ceil(count).max(1);
    let piece = |records: &[std::ops::Range<usize>]| {
        let mut piece = bytes[..head].to_vec();
        for record in records {
            piece.extend(&bytes[record.clone()]);
        }
        piece
    };
    Some(records.chunks(size).map(piece).collect())
}

fn shared_captures() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/captures"
    ));
    let mut found = Vec::new();
    for folder in ["synthetic", "third-party"] {
        let Ok(entries) = fs::read_dir(root.join(folder)) else {
            println!("skipped: no captures at {}", root.display());
            return Vec::new();
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|end| end == "pcap" || end == "pcapng")
            {
                found.push((path.display().to_string(), fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn captures_are_the_same_with_any_number_of_threads() {
    let captures = shared_captures();
    let mut shared = 0;
    for (name, bytes) in &captures {
        shared += usize::from(same_with_threads(bytes, name));
    }
    assert!(shared * 2 >= captures.len(), "threads read {shared}");
}

#[test]
fn a_capture_in_pieces_is_the_same_as_whole() {
    for (name, bytes) in shared_captures() {
        let temp = tempfile::tempdir().unwrap();
        let whole = read(&written(temp.path(), std::slice::from_ref(&bytes)), 0, 1);
        for (count, threads) in [(3, 1), (2, 2), (4, 3), (40, 2)] {
            let Some(pieces) = pieces(&bytes, count) else {
                continue;
            };
            let cut = read(&written(temp.path(), &pieces), threads, 700);
            assert!(whole.0 == cut.0, "{name} in {count}, {threads} threads");
        }
    }
}

/// A pcap of UDP datagrams, most of them RTP, of a few flows: of short ones, which are copied, or of long ones, which are not.
fn capture() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![300, 1400]).prop_flat_map(capture_of)
}

fn capture_of(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let datagram = (0u8..6, 0..longest, any::<u8>(), 0u32..30_000);
    prop::collection::vec(datagram, 0..400).prop_map(|datagrams| {
        let mut time = 0;
        pcap(datagrams.into_iter().zip(0..).map(|(datagram, number)| {
            let (flow, size, tos, step) = datagram;
            time += step;
            (time, frame(flow, number, size, tos))
        }))
    })
}

/// Frames, with their times in microseconds.
fn pcap(frames: impl Iterator<Item = (u32, Vec<u8>)>) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65535, 1] {
        out.extend(word.to_le_bytes());
    }
    for (time, frame) in frames {
        let size = frame.len() as u32;
        let (seconds, rest) = (1_700_000_000 + time / 1_000_000, time % 1_000_000);
        for word in [seconds, rest, size, size] {
            out.extend(word.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

fn frame(flow: u8, number: u32, size: usize, tos: u8) -> Vec<u8> {
    let udp = 20 + size as u16;
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, tos & 0xfc]);
    frame.extend((20 + udp).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, flow, 10, 0, 1, 1]);
    frame.extend([0x4e, 0x20 + flow, 0xc3, 0x50]);
    frame.extend(udp.to_be_bytes());
    frame.extend([0, 0]);
    let version = if size.is_multiple_of(16) { 0 } else { 0x80 };
    frame.extend([version, 96 + flow % 2]);
    frame.extend((number as u16).to_be_bytes());
    frame.extend((number * 160).to_be_bytes());
    frame.extend([0, 0, 0, flow]);
    frame.resize(frame.len() + size, 0x55);
    frame
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn threads_and_pieces_change_nothing(bytes in capture(), count in 1usize..6) {
        same_with_threads(&bytes, "made");
        let temp = tempfile::tempdir().unwrap();
        let whole = read(&written(temp.path(), std::slice::from_ref(&bytes)), 0, 1);
        let pieces = pieces(&bytes, count).unwrap();
        if !pieces.is_empty() {
            let cut = read(&written(temp.path(), &pieces), 2, 300);
            prop_assert!(whole.0 == cut.0);
        }
    }

    /// Where a capture is damaged, one thread goes on, and tells the same damage.
    #[test]
    fn damage_is_the_same_with_threads(
        mut bytes in capture(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        for (at, value) in damage {
            let at = 24 + at.index(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len().min(40)));
        same_with_threads(&bytes, "damaged");
    }
}

/// A capture with so many records of the same length.
fn long_records(count: u32) -> Vec<u8> {
    let frame = |number| frame((number % 5) as u8, number / 5, 1000, 0xb8);
    pcap((0..count).map(|number| (number * 1000, frame(number))))
}

/// What is left of a file that loses its end while it is read counts, and no more.
#[test]
fn a_file_that_is_cut_while_it_is_read_gives_what_it_has() {
    let bytes = long_records(400);
    let record = (bytes.len() - 24) / 400;
    for (threads, left) in [
        (1, 24 + 150 * record),
        (2, 24 + 150 * record + 700),
        (3, 20_000),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let path = &written(temp.path(), std::slice::from_ref(&bytes))[0];
        let file = File::options().read(true).write(true).open(path).unwrap();
        let mut reader = CaptureReader::new();
        let mut at = 0;
        while reader.packets() == 0 {
            at += reader.next(&bytes[at..], true).consumed();
        }
        let mut engine = Engine::with_lanes(&Config::default(), threads);
        let mut crew = Crew::new(&mut engine, threads);
        crew.stretch = 1024;
        let Some(job) = crew.job(&file, bytes.len() as u64, &reader, i64::MAX) else {
            assert!(threads == 1 && !cfg!(target_os = "linux"));
            continue;
        };
        assert_eq!(job.mapped.is_some(), cfg!(target_os = "linux"));
        let ran = crew.run(&job, &mut |_| file.set_len(left as u64).unwrap());
        assert!(ran.to <= left as u64, "{threads}: {} of {left}", ran.to);
        assert_eq!(ran.to, at as u64 + ran.packets * record as u64);
        assert!(!engine.into_ledger().flows().any(|flow| flow.packets > 100));
    }
}

/// Cuts the file at the first packets that it is given.
struct Cutter(Analyst, File, u64);

impl Sink for Cutter {
    fn packets(&mut self, packets: &[CapturedPacket<'_>]) {
        self.0.packets(packets);
        self.1.set_len(self.2).unwrap();
    }

    fn flows(&mut self) -> u64 {
        self.0.flows()
    }

    fn crew(&mut self) -> Option<Crew<'_>> {
        self.0.crew()
    }
}

#[test]
fn a_file_that_was_cut_behind_the_reader_is_told() {
    let bytes = long_records(1000);
    let record = (bytes.len() - 24) / 1000;
    for threads in 0..3 {
        for left in [24 + 100 * record, 24 + 900 * record, 100] {
            let temp = tempfile::tempdir().unwrap();
            let paths = written(temp.path(), std::slice::from_ref(&bytes));
            let analyst = Analyst {
                engine: Engine::with_lanes(&Config::default(), threads.max(1)),
                threads,
                stretch: 2000,
                alone: 0,
            };
            let file = File::options().write(true).open(&paths[0]).unwrap();
            let mut cutter = Cutter(analyst, file, left as u64);
            let captures = read_files(&paths, &Ui::new(When::Never), &mut cutter).unwrap();
            let capture = &captures[0];
            assert_eq!(capture.damages, 1, "{:?}", capture.damage);
            assert!(
                capture.damage[0].contains("cut") || capture.damage[0].contains("ends in a record")
            );
            assert!((1..1000).contains(&capture.packets));
        }
    }
}
