//! Reading whole captures in tests.
#![allow(dead_code, reason = "each test binary uses a part of this")]

pub(crate) mod checks;

use std::path::{Path, PathBuf};

use perhop_wire::capture::{CaptureError, CaptureReader, InterfaceStatistics, Step};
use perhop_wire::link::LinkType;
use perhop_wire::packet::Direction;

/// A packet that outlives its buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) time_ns: Option<i64>,
    pub(crate) link: LinkType,
    pub(crate) data: Vec<u8>,
    pub(crate) wire_len: u32,
    pub(crate) interface: u32,
    pub(crate) direction: Direction,
}

/// All that a reader said about a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) packets: Vec<Owned>,
    /// Faults, with the number of packets read before each.
    pub(crate) errors: Vec<(usize, CaptureError)>,
    pub(crate) statistics: Vec<InterfaceStatistics>,
    /// Offset, bytes lost.
    pub(crate) resynchronised: Vec<(u64, u64)>,
    pub(crate) dropped: u64,
}

impl Contents {
    /// The packets before the first fault.
    pub(crate) fn before_damage(&self) -> &[Owned] {
        let count = self
            .errors
            .first()
            .map_or(self.packets.len(), |(count, _)| *count);
        &self.packets[..count]
    }
}

/// Reads a capture from a buffer that is refilled with `chunk(n)` bytes the n-th time.
pub(crate) fn read_in_chunks(capture: &[u8], chunk: impl Fn(usize) -> usize) -> Contents {
    let mut reader = CaptureReader::new();
    let mut contents = Contents::default();
    let (mut start, mut end, mut refills) = (0, 0, 0);
    let mut steps = 0usize;
    loop {
        steps += 1;
        assert!(
            steps <= 4 * capture.len() + 64,
            "the reader makes no progress"
        );
        let buffer = &capture[start..end];
        let step = reader.next(buffer, end == capture.len());
        let consumed = step.consumed();
        assert!(consumed <= buffer.len(), "more consumed than there is");
        match step {
            Step::Packet(packet) => contents.packets.push(Owned {
                time_ns: packet.time_ns,
                link: packet.link,
                data: packet.data.to_vec(),
                wire_len: packet.wire_len,
                interface: packet.interface,
                direction: packet.direction,
            }),
            Step::Skipped { .. } => {}
            Step::Statistics { statistics, .. } => contents.statistics.push(statistics),
            Step::Damaged { error, .. } => contents.errors.push((contents.packets.len(), error)),
            Step::Resynchronised { offset, lost } => contents.resynchronised.push((offset, lost)),
            Step::NeedMore { at_least } => {
                assert!(at_least > buffer.len(), "asks for what it has");
                assert!(at_least <= CaptureReader::LOOKAHEAD, "asks for too much");
                assert!(end < capture.len(), "asks for more than there is");
                end = (end + chunk(refills).max(1)).min(capture.len());
                refills += 1;
            }
            Step::End => break,
        }
        start += consumed;
        assert_eq!(reader.position(), start as u64);
    }
    assert_eq!(reader.packets(), contents.packets.len() as u64);
    contents.dropped = reader.dropped();
    contents
}

/// Reads a capture that is in memory.
pub(crate) fn read(capture: &[u8]) -> Contents {
    read_in_chunks(capture, |_| capture.len())
}

/// The folder of shared test captures, when this machine has it.
pub(crate) fn shared_captures() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    if path.is_dir() {
        return Some(path);
    }
    println!(
        "skipped: there are no shared captures at {}",
        path.display()
    );
    None
}
