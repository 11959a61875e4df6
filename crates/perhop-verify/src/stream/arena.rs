//! Streams while packets arrive: a hot record of one cache line each, and a cold one.

use std::hint::select_unpredictable;

use super::Beginning;
use super::arrival::Arrival;
use super::clock;
use super::jitter::{Running, Timing};
use super::loss::{Counts, Windows};
use super::sequence::Sequence;
use crate::engine::chunks::{Chunks, Slabs};

/// Place of a stream in its arena; [`NONE`] for no stream.
pub(crate) type StreamId = u32;
/// No stream.
pub(crate) const NONE: StreamId = u32::MAX;

/// All streams of one table, accepted ones and candidates.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pub(super) hot: Slabs<Hot>,
    pub(super) timing: Slabs<Timing>,
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
    /// What does not fit is in [`Cold::payload_bytes`].
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
    pub(super) sequence: Sequence,
    /// Packets that are not in the jitter's mean.
    pub(super) uncounted: u32,
    /// Payload bytes beyond those in the hot record.
    pub(super) payload_bytes: u64,
    pub(super) seen_twice: u32,
    pub(super) strays: u32,
    /// Extended number of the first packet.
    pub(super) first_number: u32,
    /// A packet had no time.
    pub(super) untimed: bool,
    /// The number that would follow the last jump, with bit 16 set; 0 when there was none.
    pub(super) after_jump: u32,
    pub(super) fits: u8,
    pub(super) misfits: u8,
    pub(super) repeated: bool,
    pub(super) over_tcp: bool,
    pub(super) beginning: Beginning,
    /// Packets per payload type, all but the one in the hot record.
    pub(super) other_types: Vec<(u8, u32)>,
    pub(super) bye: Option<i64>,
    /// Arrival of the latest telephone event.
    pub(super) last_event: Option<i64>,
    pub(super) windows: Option<Box<Windows>>,
    /// The next stream of the same flow.
    pub(super) next: StreamId,
}

impl Arena {
    /// Begins a stream with its first packet.
    pub(crate) fn begin(&mut self, p: &Arrival, next: StreamId, candidate: bool) -> StreamId {
        let (sequence, highest) = Sequence::begin(p.sequence);
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
            sequence,
            uncounted: 1,
            payload_bytes: 0,
            seen_twice: 0,
            strays: 0,
            first_number: highest,
            untimed: false,
            after_jump: 0,
            fits: 1,
            misfits: 0,
            repeated: false,
            over_tcp: false,
            beginning: Beginning::First,
            other_types: Vec::new(),
            bye: None,
            last_event: None,
            windows: None,
            next,
        };
        self.insert(hot, Timing::from(p), cold)
    }

    fn insert(&mut self, hot: Hot, timing: Timing, cold: Cold) -> StreamId {
        if let Some(id) = self.free.pop() {
            self.hot[id as usize] = hot;
            self.timing[id as usize] = timing;
            self.cold[id as usize] = cold;
            return id;
        }
        self.hot.push(hot);
        self.timing.push(timing);
        self.cold.push(cold);
        (self.hot.len() - 1) as StreamId
    }

    /// Gives a stream's place back.
    pub(crate) fn release(&mut self, id: StreamId) {
        let cold = &mut self.cold[id as usize];
        cold.other_types = Vec::new();
        cold.windows = None;
        cold.sequence = Sequence::default();
        self.free.push(id);
    }

    #[inline]
    pub(crate) fn ssrc(&self, id: StreamId) -> u32 {
        self.hot[id as usize].ssrc
    }

    /// Reads from a stream, so that its memory is near when it is needed; from the first one for [`NONE`], which costs less
    /// than a branch on what is as good as random.
    #[inline(always)]
    pub(crate) fn touch(&self, id: StreamId) -> u32 {
        let id = select_unpredictable(id == NONE, 0, id);
        self.hot.near(id as usize).map_or(0, |hot| hot.ssrc)
    }

    /// Reads from both lines of a stream's timing when its next packet will need them; else from the first one's.
    #[inline(always)]
    pub(crate) fn touch_timing(&self, id: StreamId) -> u32 {
        let id = select_unpredictable(id == NONE, 0, id);
        let Some(hot) = self.hot.near(id as usize) else {
            return 0;
        };
        let timed = hot.flags & (FRAMES | MEASURING) != 0;
        let id = select_unpredictable(timed, id, 0);
        self.timing.near(id as usize).map_or(0, Timing::touch)
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
        self.cold[id as usize].untimed = true;
    }

    pub(crate) fn set_over_tcp(&mut self, id: StreamId) {
        self.cold[id as usize].over_tcp = true;
    }

    /// RTCP said goodbye for the stream's source.
    pub(crate) fn end(&mut self, id: StreamId, time: i64) {
        self.cold[id as usize].bye = Some(time);
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
            missing: cold.sequence.missing(self.highest, self.received),
        }
    }
}
