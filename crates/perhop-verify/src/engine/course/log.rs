//! Notes, packed: most numbers are small, and take a byte for seven bits.

use perhop_policy::Dscp;

use super::state::State;
use crate::stream::arena::StreamId;
use crate::stream::progress::{JitterSum, Progress};

/// How far a flow had come when it left a bin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::engine) struct Note {
    /// Its slot; or its number among those that made room and were kept, and then its streams are numbers too.
    pub(in crate::engine) flow: u32,
    pub(in crate::engine) kept: bool,
    pub(in crate::engine) from: u8,
    /// The bin that it entered; [`super::NO_BIN`] at the end of a kept flow.
    pub(in crate::engine) to: u8,
    pub(in crate::engine) state: State,
}

impl Note {
    /// Makes it a note of a kept flow, whose streams were these.
    pub(super) fn rename(&mut self, number: u32, streams: &[StreamId]) {
        (self.flow, self.kept) = (number, true);
        for (id, _) in &mut self.state.streams {
            let at = streams.iter().position(|stream| stream == id);
            *id = at.unwrap_or(streams.len()) as StreamId;
        }
    }

    /// Bytes that it takes, more or less: the same in whatever order flows were numbered.
    pub(super) fn weight(&self) -> usize {
        if self.to == super::NO_BIN {
            // It stays, however wide bins are.
            return 0;
        }
        let streams = self.state.streams.iter();
        let streams = streams.map(|(_, progress)| match progress.jitter {
            JitterSum::Settled(_) => 11,
            JitterSum::Measuring(_) => 20,
        });
        10 + 3 * self.state.marks.len() + streams.sum::<usize>()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.from | u8::from(self.kept) << 7, self.to]);
        number(out, self.flow.into());
        number(out, self.state.marks.len() as u64);
        for (dscp, packets) in &self.state.marks {
            out.push(dscp.value());
            number(out, *packets);
        }
        number(out, self.state.bytes);
        number(out, self.state.streams.len() as u64);
        for (id, progress) in &self.state.streams {
            number(out, u64::from(*id) << 1 | u64::from(is_measuring(progress)));
            number(out, progress.expected.into());
            number(out, progress.missing.into());
            number(out, progress.timed);
            match progress.jitter {
                JitterSum::Settled(sum) => number(out, sum),
                JitterSum::Measuring(sums) => sums.into_iter().for_each(|sum| number(out, sum)),
            }
        }
    }

    fn read(&mut self, bytes: &mut Bytes<'_>) {
        let (from, to) = (bytes.byte(), bytes.byte());
        (self.kept, self.from, self.to) = (from >> 7 == 1, from & 0x7f, to);
        self.flow = bytes.number() as u32;
        let state = &mut self.state;
        state.marks.clear();
        for _ in 0..bytes.number() {
            let dscp = Dscp::try_new(bytes.byte()).unwrap_or(Dscp::DF);
            state.marks.push((dscp, bytes.number()));
        }
        state.bytes = bytes.number();
        state.streams.clear();
        for _ in 0..bytes.number() {
            let id = bytes.number();
            let progress = Progress {
                expected: bytes.number() as u32,
                missing: bytes.number() as u32,
                timed: bytes.number(),
                jitter: if id & 1 == 0 {
                    JitterSum::Settled(bytes.number())
                } else {
                    JitterSum::Measuring(std::array::from_fn(|_| bytes.number()))
                },
            };
            state.streams.push(((id >> 1) as StreamId, progress));
        }
    }
}

const fn is_measuring(progress: &Progress) -> bool {
    matches!(progress.jitter, JitterSum::Measuring(_))
}

/// Notes in no order that matters.
#[derive(Debug, Default)]
pub(super) struct Log {
    pages: Vec<Vec<u8>>,
    weight: usize,
    /// Where a note is put together.
    bytes: Vec<u8>,
}

impl Log {
    /// Bytes of all notes, more or less.
    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    /// Bytes of all notes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.pages.iter().map(Vec::len).sum()
    }

    pub(super) fn push(&mut self, note: &Note) {
        self.bytes.clear();
        note.write(&mut self.bytes);
        let length = self.bytes.len();
        let has_room = |page: &&mut Vec<u8>| page.capacity() - page.len() >= length;
        match self.pages.last_mut().filter(has_room) {
            Some(page) => page.extend_from_slice(&self.bytes),
            None => {
                let mut page = Vec::with_capacity(length.max(PAGE));
                page.extend_from_slice(&self.bytes);
                self.pages.push(page);
            }
        }
        self.weight += note.weight();
    }

    /// Changes notes, and keeps those for which `change` says so.
    pub(super) fn rewrite(&mut self, mut change: impl FnMut(&mut Note) -> bool) {
        let before = std::mem::take(self);
        let mut note = Note::default();
        for page in before.pages {
            let mut bytes = Bytes(&page);
            while !bytes.0.is_empty() {
                note.read(&mut bytes);
                if change(&mut note) {
                    self.push(&note);
                }
            }
        }
    }

    pub(super) fn each(&self, mut out: impl FnMut(&Note)) {
        let mut note = Note::default();
        for page in &self.pages {
            let mut bytes = Bytes(page);
            while !bytes.0.is_empty() {
                note.read(&mut bytes);
                out(&note);
            }
        }
    }
}

/// Writes a number, seven bits a byte, the lowest first.
fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What is left to be read; zeros after the end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn number(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return value;
            }
        }
    }
}

/// Bytes of a page, unless one note is longer.
const PAGE: usize = 1 << 14;
