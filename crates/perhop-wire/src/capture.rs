//! Captures of either format, read from a buffer that the caller refills.
//!
//! The reader holds no bytes of its own: it is shown the bytes from its position on and says what they are and how
//! many it used. Whatever a file says, no step needs more than about 2.2 MB at once.

use crate::pcap::PcapHeader;
use crate::pcapng::{self, Block, BlockHeader, Content, Interface, SECTION_HEADER, Section};

mod ahead;
mod error;
pub(crate) mod search;
mod step;

pub use error::{CaptureError, Damage, Other};
use search::Probe;
pub use search::{Search, Start};
pub use step::{CapturedPacket, InterfaceStatistics, Step};

/// A reader of pcap and pcapng.
#[derive(Debug, Clone)]
pub struct CaptureReader {
    format: Format,
    state: State,
    position: u64,
    packets: u64,
    /// Time of the first packet that had one, in nanoseconds since 1970.
    first_time: Option<i64>,
    /// Packets that interfaces of earlier sections lost.
    dropped_before: u64,
}

#[derive(Debug, Clone)]
enum Format {
    Unknown,
    Pcap { header: PcapHeader, limit: u32 },
    Pcapng(Section),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Records follow.
    Reading,
    /// This many bytes of a block that is not looked into follow.
    Passing(u64),
    /// The record at this offset was damaged; a start is searched.
    Searching(u64),
    /// Nothing more can be read.
    Over,
}

impl Default for CaptureReader {
    fn default() -> Self {
        Self::new()
    }
}

impl CaptureReader {
    /// Most packets of a [`run`](Self::run).
    pub const RUN: usize = 64;
    /// Bytes that a buffer must be able to hold: no step asks for more. With twice as many, refilling stays cheap even
    /// where a hostile capture makes every search look far ahead.
    pub const LOOKAHEAD: usize = search::LOOKAHEAD;

    /// Whether a capture that is read here may begin so.
    #[must_use]
    pub fn is_magic(magic: [u8; 4]) -> bool {
        u32::from_be_bytes(magic) == SECTION_HEADER || PcapHeader::is_magic(magic)
    }

    /// A reader at the start of a capture, of whichever format.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            format: Format::Unknown,
            state: State::Reading,
            position: 0,
            packets: 0,
            first_time: None,
            dropped_before: 0,
        }
    }

    /// Says what is at the start of `buffer`, which holds the capture from [`position`](Self::position) on; `last` when
    /// the capture has no bytes after it. The caller then drops [`Step::consumed`] bytes.
    #[inline]
    pub fn next<'a>(&mut self, buffer: &'a [u8], last: bool) -> Step<'a> {
        if self.state == State::Reading {
            let packet = match &self.format {
                Format::Pcap { header, limit } if self.first_time.is_some() => {
                    header.packet(*limit, buffer)
                }
                Format::Pcapng(section) => section.common_packet(buffer),
                _ => None,
            };
            if let Some(packet) = packet {
                self.position += packet.consumed as u64;
                self.packets += 1;
                return Step::Packet(packet);
            }
        }
        self.step(buffer, last)
    }

    /// Puts packet after packet into `run`, as long as the buffer holds nothing but whole packets, none of them is later than
    /// `until`, and they are at most [`RUN`](Self::RUN); gives the bytes used. The same packets as that many steps of
    /// [`next`](Self::next), which is what to ask when there is none, and faster.
    #[inline]
    pub fn run<'a>(
        &mut self,
        buffer: &'a [u8],
        until: i64,
        run: &mut Vec<CapturedPacket<'a>>,
    ) -> usize {
        run.clear();
        if self.state != State::Reading {
            return 0;
        }
        let used = match &self.format {
            Format::Pcap { header, limit } if self.first_time.is_some() && header.is_usual() => {
                walk(buffer, until, run, |rest| header.usual_packet(*limit, rest))
            }
            Format::Pcapng(section) => walk(buffer, until, run, |rest| section.common_packet(rest)),
            _ => 0,
        };
        self.position += used as u64;
        self.packets += run.len() as u64;
        used
    }

    /// Byte offset in the capture of the next byte to be read.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Packets found so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// The file header, when the capture is pcap and its header was read.
    #[must_use]
    pub const fn pcap_header(&self) -> Option<&PcapHeader> {
        match &self.format {
            Format::Pcap { header, .. } => Some(header),
            _ => None,
        }
    }

    /// The interfaces that the current section of a pcapng capture has described so far.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        match &self.format {
            Format::Pcapng(section) => &section.interfaces,
            _ => &[],
        }
    }

    /// Number of the first of [`interfaces`](Self::interfaces), counted through all sections.
    #[must_use]
    pub const fn first_interface(&self) -> u32 {
        match &self.format {
            Format::Pcapng(section) => section.before,
            _ => 0,
        }
    }

    /// Packets that the capture itself lost, by the counters in it so far. pcap has none.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let now = match &self.format {
            Format::Pcapng(section) => section.dropped(),
            _ => 0,
        };
        self.dropped_before.saturating_add(now)
    }

    /// The same reader, set to another place of the capture, to be read from there on with what is known now: format,
    /// byte order, interfaces, time of the first packet. `packets` is how many the capture has before that place.
    #[must_use]
    pub fn at(&self, position: u64, packets: u64) -> Self {
        Self {
            state: State::Reading,
            position,
            packets,
            ..self.clone()
        }
    }

    /// Whether a record, and not the inside of one, is what comes next.
    #[must_use]
    pub fn is_between_records(&self) -> bool {
        self.state == State::Reading
    }

    /// Looks for the first start of a record in `bytes`, which may begin anywhere in the capture; `last` when the
    /// capture ends with them. Only meaningful once the first packet was read.
    #[must_use]
    pub fn find_start(&self, bytes: &[u8], last: bool) -> Search {
        search::search(bytes, last, &|at: &[u8]| self.probe(at))
    }

    /// Whether a record starts at the first of `bytes`; see [`find_start`](Self::find_start).
    #[must_use]
    pub fn is_start(&self, bytes: &[u8], last: bool) -> Start {
        search::is_start(bytes, last, &|at: &[u8]| self.probe(at))
    }

    #[inline(never)]
    fn step<'a>(&mut self, buffer: &'a [u8], last: bool) -> Step<'a> {
        match self.state {
            State::Over => return Step::End,
            State::Searching(from) => return self.search(buffer, last, from),
            State::Passing(left) => return self.pass(buffer, last, left),
            State::Reading => {}
        }
        match &self.format {
            Format::Unknown => self.start(buffer, last),
            Format::Pcap { .. } => self.pcap(buffer, last),
            Format::Pcapng(_) => self.pcapng(buffer, last),
        }
    }

    /// Tells the format by its first bytes.
    fn start<'a>(&mut self, buffer: &'a [u8], last: bool) -> Step<'a> {
        let Some(magic) = buffer.first_chunk::<4>() else {
            return match (last, buffer.len()) {
                (false, _) => Step::NeedMore { at_least: 4 },
                (true, 0) => self.end_with(Damage::Empty, 0),
                (true, had) => self.end_with(header_cut(24, had), had),
            };
        };
        if u32::from_be_bytes(*magic) == SECTION_HEADER {
            return self.section(buffer, last);
        }
        if !PcapHeader::is_magic(*magic) {
            return self.end_with(Damage::NotACapture { magic: *magic }, buffer.len());
        }
        let Some(bytes) = buffer.first_chunk::<24>() else {
            return if last {
                self.end_with(header_cut(24, buffer.len()), buffer.len())
            } else {
                Step::NeedMore { at_least: 24 }
            };
        };
        match PcapHeader::new_checked(bytes) {
            Ok(header) => {
                let limit = header.record_limit();
                self.format = Format::Pcap { header, limit };
                self.skip(24)
            }
            Err(damage) => self.end_with(damage, buffer.len()),
        }
    }

    fn pcap<'a>(&mut self, buffer: &'a [u8], last: bool) -> Step<'a> {
        let Format::Pcap { header, limit } = self.format else {
            return Step::End;
        };
        if buffer.is_empty() && last {
            self.state = State::Over;
            return Step::End;
        }
        let mut needed = header.record_header_len();
        if let Some(record) = buffer.first_chunk() {
            let captured = header.record(record).captured;
            if captured > limit {
                return self.damaged(Damage::RecordLength { captured, limit }, 0);
            }
            needed += captured as usize;
        }
        match header.packet(limit, buffer) {
            Some(packet) => self.packet(packet),
            None if last => {
                let damage = Damage::RecordCut {
                    needed: needed as u64,
                    had: buffer.len() as u64,
                };
                self.end_with(damage, buffer.len())
            }
            None => Step::NeedMore { at_least: needed },
        }
    }

    fn pcapng<'a>(&mut self, buffer: &'a [u8], last: bool) -> Step<'a> {
        let Format::Pcapng(section) = &mut self.format else {
            return Step::End;
        };
        if buffer.is_empty() && last {
            self.state = State::Over;
            return Step::End;
        }
        let order = section.order;
        let Some(header) = BlockHeader::read(order, buffer) else {
            return self.need_block(8, buffer.len(), last);
        };
        if header.kind == SECTION_HEADER {
            return self.section(buffer, last);
        }
        if let Err(damage) = header.check() {
            return self.damaged(damage, 0);
        }
        let size = header.size();
        if header.is_passed_over() {
            return self.pass(buffer, last, size as u64);
        }
        let Some(bytes) = buffer.get(..size) else {
            return self.need_block(size, buffer.len(), last);
        };
        let content = Block::new_checked(order, header, bytes).map(|block| section.read(&block));
        match content {
            Err(damage) => self.damaged(damage, 0),
            Ok(Err(damage)) => self.note(damage, size),
            Ok(Ok(Content::Nothing)) => self.skip(size),
            Ok(Ok(Content::Statistics(statistics))) => {
                self.position += size as u64;
                Step::Statistics {
                    statistics,
                    consumed: size,
                }
            }
            Ok(Ok(Content::Packet(packet))) => self.packet(CapturedPacket {
                consumed: size,
                ..packet
            }),
        }
    }

    /// Reads a section header, at the start of a capture or later.
    fn section<'a>(&mut self, buffer: &'a [u8], last: bool) -> Step<'a> {
        let Some(magic) = buffer.get(8..12) else {
            return self.need_block(28, buffer.len(), last);
        };
        let Some(order) = pcapng::section_order(magic) else {
            let found = magic
                .iter()
                .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
            return self.damaged(Damage::ByteOrder { found }, 0);
        };
        let Some(header) = BlockHeader::read(order, buffer) else {
            return self.need_block(28, buffer.len(), last);
        };
        if let Err(damage) = header.check() {
            return self.damaged(damage, 0);
        }
        let size = header.size();
        let Some(bytes) = buffer.get(..size) else {
            return self.need_block(size, buffer.len(), last);
        };
        let before = match &self.format {
            Format::Pcapng(old) => old.before.saturating_add(old.interfaces.len() as u32),
            _ => 0,
        };
        let section = Block::new_checked(order, header, bytes)
            .and_then(|block| Section::start(&block, before));
        match section {
            Ok(section) => {
                self.dropped_before = self.dropped();
                self.format = Format::Pcapng(section);
                self.skip(size)
            }
            Err(damage @ Damage::SectionVersion { .. }) => self.end_with(damage, 0),
            Err(damage) => self.damaged(damage, 0),
        }
    }

    /// Goes on searching for records after the damage at `from`.
    fn search<'a>(&mut self, buffer: &'a [u8], last: bool, from: u64) -> Step<'a> {
        if self.position == from {
            // The damaged record itself is no start.
            if buffer.is_empty() {
                return self.need_search(1, last);
            }
            return self.skip(1);
        }
        match self.find_start(buffer, last) {
            Search::Found(0) => {
                self.state = State::Reading;
                Step::Resynchronised {
                    offset: self.position,
                    lost: self.position - from,
                }
            }
            Search::Found(bytes) | Search::NotIn(bytes) => self.skip(bytes),
            Search::NeedMore(bytes) => self.need_search(bytes, last),
            Search::Nowhere => {
                self.state = State::Over;
                self.skip(buffer.len())
            }
        }
    }

    fn need_search<'a>(&mut self, at_least: usize, last: bool) -> Step<'a> {
        if last {
            self.state = State::Over;
            return Step::End;
        }
        Step::NeedMore { at_least }
    }

    /// Drops the bytes of a long block that is not looked into.
    fn pass<'a>(&mut self, buffer: &'a [u8], last: bool, left: u64) -> Step<'a> {
        let here = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if here == 0 && last {
            let damage = Damage::BlockCut {
                needed: left,
                had: 0,
            };
            return self.end_with(damage, 0);
        }
        if here == 0 {
            return Step::NeedMore { at_least: 1 };
        }
        self.state = match left - here as u64 {
            0 => State::Reading,
            left => State::Passing(left),
        };
        self.skip(here)
    }

    fn need_block<'a>(&mut self, needed: usize, had: usize, last: bool) -> Step<'a> {
        if !last {
            return Step::NeedMore { at_least: needed };
        }
        let damage = match self.format {
            Format::Unknown => header_cut(needed, had),
            _ => Damage::BlockCut {
                needed: needed as u64,
                had: had as u64,
            },
        };
        self.end_with(damage, had)
    }

    fn packet<'a>(&mut self, packet: CapturedPacket<'a>) -> Step<'a> {
        if self.first_time.is_none() {
            self.first_time = packet.time_ns;
        }
        self.position += packet.consumed as u64;
        self.packets += 1;
        Step::Packet(packet)
    }

    fn skip<'a>(&mut self, consumed: usize) -> Step<'a> {
        self.position += consumed as u64;
        Step::Skipped { consumed }
    }

    /// Damage after which the place of the next record is not known.
    fn damaged<'a>(&mut self, damage: Damage, consumed: usize) -> Step<'a> {
        self.state = match self.format {
            Format::Unknown => State::Over,
            _ => State::Searching(self.position),
        };
        self.note(damage, consumed)
    }

    /// Damage after which nothing can be read.
    fn end_with<'a>(&mut self, damage: Damage, consumed: usize) -> Step<'a> {
        self.state = State::Over;
        self.note(damage, consumed)
    }

    /// Damage within one record.
    fn note<'a>(&mut self, damage: Damage, consumed: usize) -> Step<'a> {
        let error = CaptureError {
            offset: self.position,
            packet: self.packets + 1,
            damage,
        };
        self.position += consumed as u64;
        Step::Damaged { error, consumed }
    }

    fn probe(&self, bytes: &[u8]) -> Probe {
        match &self.format {
            Format::Unknown => Probe::Implausible,
            Format::Pcap { header, .. } => header.probe(bytes, self.first_time),
            Format::Pcapng(section) => pcapng::probe(section.order, bytes),
        }
    }
}

/// Puts packets that begin one after the other in a buffer into a run; gives the bytes used.
#[inline(always)]
fn walk<'a>(
    buffer: &'a [u8],
    until: i64,
    run: &mut Vec<CapturedPacket<'a>>,
    first: impl Fn(&'a [u8]) -> Option<CapturedPacket<'a>>,
) -> usize {
    let mut rest = buffer;
    while run.len() < CaptureReader::RUN
        && let Some(packet) = first(rest)
        && packet.time_ns.is_none_or(|time| time <= until)
    {
        rest = rest.get(packet.consumed..).unwrap_or_default();
        run.push(packet);
    }
    buffer.len() - rest.len()
}

fn header_cut(needed: usize, had: usize) -> Damage {
    Damage::HeaderCut {
        needed: needed as u64,
        had: had as u64,
    }
}
