//! Streams while packets arrive: a hot record of one cache line each, and a cold one of half a line; what few of them have
//! is elsewhere.

use std::hint::select_unpredictable;

use super::Beginning;
use super::arrival::Arrival;
use super::clock;
use super::jitter::Running;
use super::loss::Counts;
use super::rare::{NEVER, Odd, Rare};
use super::sequence::{Gaps, extended};
use super::timings::Timings;
use crate::engine::chunks::{Chunks, Roomy};

/// Place of a stream in its arena; [`NONE`] for no stream.
pub(crate) type StreamId = u32;
/// No stream.
pub(crate) const NONE: StreamId = u32::MAX;

/// All streams of one table, accepted ones and candidates.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pub(super) hot: Roomy<Hot>,
    pub(super) timings: Timings,
    pub(super) cold: Chunks<Cold>,
    free: Vec<StreamId>,
}

/// What every packet of a stream touches.
#[derive(Debug, Clone, Default)]
#[repr(C, align(64))]
pub(super) struct Hot {
    pub(super) ssrc: u32,
    pub(super) last_timestamp: u32,
    pub(super) last_arrival: i64,
    /// Extended sequence number.
    pub(super) highest: u32,
    pub(super) received: u32,
    /// Nanoseconds.
    pub(super) jitter: f64,
    pub(super) jitter_sum: f64,
    pub(super) jitter_max: f32,
    /// Nanoseconds.
    pub(super) longest_gap: f32,
    /// What does not fit is in [`Odd::payload_runs`].
    pub(super) payload_bytes: u32,
    pub(super) markers: u32,
    /// When the next window of loss ends, as [`super::loss::tick`] counts.
    pub(super) loss_deadline: u16,
    pub(super) ip_id: u16,
    pub(super) flags: u16,
    pub(super) payload_type: u8,
    /// Index in [`clock::CLOCKS`].
    pub(super) clock: u8,
}

const _: () = assert!(
    size_of::<Hot>() == 64,
    "a stream's hot record is a cache line"
);

/// Not yet called RTP.
pub(super) const CANDIDATE: u16 = 1;
/// The clock is being measured.
pub(super) const MEASURING: u16 = 2;
/// Several packets share a timestamp.
pub(super) const FRAMES: u16 = 4;
/// A window of loss is open.
pub(super) const LOSSY: u16 = 8;
/// RTCP said goodbye.
pub(super) const ENDED: u16 = 16;

/// What few packets touch.
#[derive(Debug)]
pub(super) struct Cold {
    pub(super) first_arrival: i64,
    pub(super) rare: Option<Box<Rare>>,
    /// Extended number of the lowest.
    pub(super) base: u32,
    /// Timestamp of the packet from which the clock is measured.
    pub(super) from_timestamp: u32,
    /// The next stream of the same flow.
    pub(super) next: StreamId,
    pub(super) fits: u8,
    pub(super) misfits: u8,
    /// [`REPEATED`], [`OVER_TCP`], [`UNTIMED`].
    pub(super) signs: u8,
    pub(super) beginning: Beginning,
}

const _: () = assert!(
    size_of::<Cold>() == 32,
    "two cold records of streams are a cache line"
);

/// The packet before had the highest number.
pub(super) const REPEATED: u8 = 1;
/// Packets were framed in a TCP stream.
pub(super) const OVER_TCP: u8 = 2;
/// A packet had no time.
pub(super) const UNTIMED: u8 = 4;

impl Arena {
    /// Begins a stream with its first packet.
    pub(crate) fn begin(&mut self, p: &Arrival, next: StreamId, candidate: bool) -> StreamId {
        let highest = extended(p.sequence);
        let known = clock::registered(p.payload_type());
        let mut flags = if candidate { CANDIDATE } else { 0 };
        if known.is_none() {
            flags |= MEASURING;
        }
        let hot = Hot {
            ssrc: p.ssrc,
            last_timestamp: p.timestamp,
            last_arrival: p.time,
            highest,
            received: 1,
            jitter: 0.0,
            jitter_sum: 0.0,
            jitter_max: 0.0,
            longest_gap: 0.0,
            payload_bytes: u32::from(p.payload_len),
            markers: u32::from(p.marker()),
            loss_deadline: 0,
            ip_id: p.ip_id,
            flags,
            payload_type: p.payload_type(),
            clock: known.unwrap_or(clock::UNKNOWN) as u8,
        };
        let cold = Cold {
            first_arrival: p.time,
            rare: None,
            base: highest,
            from_timestamp: p.timestamp,
            next,
            fits: 1,
            misfits: 0,
            signs: 0,
            beginning: Beginning::First,
        };
        let id = self.insert(hot, cold);
        if known.is_none() {
            self.timings.make(id).begin(p);
        }
        id
    }

    fn insert(&mut self, hot: Hot, cold: Cold) -> StreamId {
        if let Some(id) = self.free.pop() {
            self.hot[id as usize] = hot;
            self.cold[id as usize] = cold;
            return id;
        }
        self.hot.push(hot);
        self.cold.push(cold);
        self.timings.push();
        (self.hot.len() - 1) as StreamId
    }

    /// Gives a stream's place back.
    pub(crate) fn release(&mut self, id: StreamId) {
        self.cold[id as usize].rare = None;
        self.timings.give_back(id);
        self.free.push(id);
    }

    #[inline]
    pub(crate) fn ssrc(&self, id: StreamId) -> u32 {
        self.hot[id as usize].ssrc
    }

    /// Reads from a stream and its timing, so that their memory is near when it is needed; from the first one's for [`NONE`],
    /// which costs less than a branch on what is as good as random.
    #[inline(always)]
    pub(crate) fn touch(&self, id: StreamId) -> u32 {
        let id = select_unpredictable(id == NONE, 0, id);
        let ssrc = self.hot.get(id as usize).map_or(0, |hot| hot.ssrc);
        ssrc ^ self.timings.touch(id)
    }

    pub(crate) fn last_arrival(&self, id: StreamId) -> i64 {
        self.hot[id as usize].last_arrival
    }

    pub(crate) fn next(&self, id: StreamId) -> StreamId {
        self.cold[id as usize].next
    }

    pub(crate) fn set_next(&mut self, id: StreamId, next: StreamId) {
        self.cold[id as usize].next = next;
    }

    pub(crate) fn is_candidate(&self, id: StreamId) -> bool {
        self.hot[id as usize].flags & CANDIDATE != 0
    }

    pub(crate) fn set_beginning(&mut self, id: StreamId, beginning: Beginning) {
        self.cold[id as usize].beginning = beginning;
    }

    pub(crate) fn set_untimed(&mut self, id: StreamId) {
        self.cold[id as usize].signs |= UNTIMED;
    }

    pub(crate) fn set_over_tcp(&mut self, id: StreamId) {
        self.cold[id as usize].signs |= OVER_TCP;
    }

    /// RTCP said goodbye for the stream's source.
    pub(crate) fn end(&mut self, id: StreamId, time: i64) {
        self.cold[id as usize].odd_mut().bye = time;
        self.hot[id as usize].flags |= ENDED;
    }
}

impl Hot {
    pub(super) const fn running(&self) -> Running {
        Running {
            value: self.jitter,
            sum: self.jitter_sum,
            max: self.jitter_max as f64,
        }
    }

    pub(super) const fn set_running(&mut self, running: Running) {
        self.jitter = running.value;
        self.jitter_sum = running.sum;
        self.jitter_max = running.max as f32;
    }

    pub(super) fn counts(&self, cold: &Cold) -> Counts {
        Counts {
            time: self.last_arrival,
            highest: self.highest,
            missing: cold.missing(self.highest, self.received),
        }
    }
}

impl Cold {
    /// What few streams have, to be changed; made when it is missing.
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// What fewer streams have, if this one has it.
    pub(super) fn odd(&self) -> Option<&Odd> {
        self.rare.as_deref()?.odd()
    }

    /// The same, to be changed; made when it is missing.
    pub(super) fn odd_mut(&mut self) -> &mut Odd {
        self.rare_mut().odd_mut()
    }

    /// Whether one of its signs is set.
    pub(super) const fn has(&self, sign: u8) -> bool {
        self.signs & sign != 0
    }

    pub(super) fn gaps(&self) -> Option<&Gaps> {
        Some(&self.rare.as_deref()?.gaps)
    }

    /// Numbers never seen, given all packets that were counted.
    pub(super) fn missing(&self, highest: u32, received: u32) -> u32 {
        let expected = highest.wrapping_sub(self.base).wrapping_add(1);
        let duplicates = self.gaps().map_or(0, |gaps| gaps.duplicates);
        expected.wrapping_sub(received.wrapping_sub(duplicates))
    }

    /// Packets that are not in the jitter's mean.
    pub(super) fn uncounted(&self) -> u32 {
        1 + self.odd().map_or(0, |odd| odd.uncounted)
    }

    /// The packet from which the clock is measured: its arrival and its timestamp.
    pub(super) fn timed_from(&self) -> (i64, u32) {
        let later = self.odd().map(|odd| odd.timed_from);
        let arrival = later.filter(|time| *time != NEVER);
        (arrival.unwrap_or(self.first_arrival), self.from_timestamp)
    }

    /// Packets per payload type, all but the one in the hot record.
    pub(super) fn other_types(&self) -> &[(u8, u32)] {
        self.odd().map_or(&[], |odd| &odd.other_types)
    }
}
