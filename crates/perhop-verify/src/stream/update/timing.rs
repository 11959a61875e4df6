//! When a packet came, off the short path: jitter, the sender's clock, and changes of payload type.

use super::super::arena::{Cold, FRAMES, Hot, MEASURING, StreamId};
use super::super::arrival::Arrival;
use super::super::clock;
use super::super::jitter::{Frames, SET_BACK, Timing};
use super::super::timings::Timings;

impl Hot {
    /// Jitter, clock and payload types of a packet off the short path.
    pub(super) fn time_it(
        &mut self,
        timings: &mut Timings,
        id: StreamId,
        cold: &mut Cold,
        p: &Arrival,
        step: i16,
    ) {
        let kind = p.payload_type();
        if clock::is_event(kind, p.payload_len) {
            return self.skip_event(cold, p);
        }
        let quiet = clock::is_comfort_noise(kind, self.payload_type, p.payload_len);
        let new_clock = !quiet && kind != self.payload_type && self.switch(timings, id, cold, p);
        if quiet {
            cold.odd_mut().count_other(kind);
        }
        let waited = p.time.saturating_sub(self.last_arrival);
        let stepped = waited < SET_BACK;
        if stepped {
            self.time_anew(timings, id, cold, p);
        }
        let (waited, anew) = (waited as f64, new_clock || stepped);
        let units = p.timestamp.wrapping_sub(self.last_timestamp).cast_signed();
        if quiet || anew {
            cold.odd_mut().uncounted += 1;
        }
        if units == 0 && step == 1 && self.flags & FRAMES == 0 {
            self.begin_frames(timings.make(id), cold);
        }
        if self.flags & MEASURING == 0 && !anew {
            self.time(waited, units, !quiet);
        }
        if let Some(timing) = timings.of_mut(id) {
            if self.flags & MEASURING != 0 && !anew {
                timing.lanes.take(waited, units, !quiet);
            }
            if self.flags & FRAMES != 0 {
                timing.frames.take(p.time, p.timestamp);
            }
        }
        self.arrived_slowly(cold, p);
        if self.flags & MEASURING != 0
            && step >= 1
            && let Some(timing) = timings.of_mut(id)
            && timing.is_due(p)
            && self.measure(timing, cold, p)
        {
            self.settle(timings, id, cold);
        }
    }

    /// Counts a telephone event, whose timestamp stands still, without letting it touch the jitter.
    fn skip_event(&mut self, cold: &mut Cold, p: &Arrival) {
        let odd = cold.odd_mut();
        odd.uncounted += 1;
        if p.payload_type() != self.payload_type {
            odd.count_other(p.payload_type());
        }
        odd.last_event = p.time;
        let (arrival, timestamp) = (self.last_arrival, self.last_timestamp);
        self.arrived_slowly(cold, p);
        (self.last_arrival, self.last_timestamp) = (arrival, timestamp);
    }

    /// Takes another payload type for the stream's own. True when the clock changes with it.
    fn switch(
        &mut self,
        timings: &mut Timings,
        id: StreamId,
        cold: &mut Cold,
        p: &Arrival,
    ) -> bool {
        let odd = cold.odd_mut();
        let others: u32 = odd.other_types.iter().map(|(_, count)| count).sum();
        let (old, new) = (self.payload_type, p.payload_type());
        odd.other_types.retain(|(kind, _)| *kind != new);
        odd.other_types.push((old, self.received - others));
        self.payload_type = new;
        let was_special = clock::is_comfort_noise(old, new, 0) || cold.uncounted() == self.received;
        let settled = self.flags & MEASURING == 0;
        let was_known = usize::from(self.clock) != clock::UNKNOWN;
        match clock::registered(new) {
            Some(clock) if usize::from(self.clock) != clock => {
                self.flags &= !MEASURING;
                self.clock = clock as u8;
            }
            None if was_special || settled && clock::registered(old).is_some() => {
                self.flags |= MEASURING;
                self.clock = clock::UNKNOWN as u8;
            }
            _ => return false,
        }
        cold.odd_mut().timed_from = p.time;
        cold.from_timestamp = p.timestamp;
        if self.flags & MEASURING != 0 {
            timings.make(id).begin(p);
        } else if self.flags & FRAMES == 0 {
            timings.give_back(id);
        }
        self.restart_jitter(cold, was_known);
        true
    }

    /// Begins to measure the sender's clock again where the clock of the capture was set back.
    #[cold]
    fn time_anew(&mut self, timings: &mut Timings, id: StreamId, cold: &mut Cold, p: &Arrival) {
        cold.odd_mut().timed_from = p.time;
        cold.from_timestamp = p.timestamp;
        if self.flags & MEASURING != 0 {
            timings.make(id).begin(p);
            self.restart_jitter(cold, false);
        }
    }

    /// Jitter of two clocks cannot be put together: only the later one is reported. Over time each counts, if it is `known`.
    fn restart_jitter(&mut self, cold: &mut Cold, known: bool) {
        let timed = self.received.saturating_sub(cold.uncounted());
        let odd = cold.odd_mut();
        if known && self.jitter_sum > 0.0 {
            odd.timed_before += u64::from(timed);
            odd.jitter_before += self.jitter_sum;
        }
        odd.uncounted = self.received - 1;
        (self.jitter, self.jitter_sum, self.jitter_max) = (0.0, 0.0, 0.0);
    }

    fn begin_frames(&mut self, timing: &mut Timing, cold: &Cold) {
        let running = if self.flags & MEASURING != 0 {
            timing.lanes.of(clock::VIDEO).unwrap_or_default()
        } else {
            self.running()
        };
        let count = self.received.saturating_sub(cold.uncounted());
        timing.frames = Frames::begin(self.last_arrival, self.last_timestamp, running, count);
        self.flags |= FRAMES;
    }

    /// Looks at the clock when there are enough packets. True when it is settled, or given up.
    #[inline(never)]
    pub(super) fn measure(&mut self, timing: &mut Timing, cold: &Cold, p: &Arrival) -> bool {
        timing.next_try = timing.measured * 2;
        let lasted = p.time.saturating_sub(timing.from_arrival);
        let units = p.timestamp.wrapping_sub(cold.from_timestamp).cast_signed();
        let settled = clock::snap(f64::from(units) * 1e9 / lasted as f64);
        self.clock = settled.unwrap_or(clock::UNKNOWN) as u8;
        settled.is_some() || timing.measured >= LAST_TRY
    }

    /// Goes on with the settled clock alone.
    pub(super) fn settle(&mut self, timings: &mut Timings, id: StreamId, cold: &mut Cold) {
        self.flags &= !MEASURING;
        let timing = timings.of(id);
        match timing.and_then(|timing| timing.lanes.of(usize::from(self.clock))) {
            Some(running) => self.set_running(running),
            None => self.restart_jitter(cold, false),
        }
        if self.flags & FRAMES == 0 {
            timings.give_back(id);
        }
    }
}

impl Timing {
    /// Counts a packet while the clock is being measured. True when it is time to look at the clock.
    #[inline]
    pub(super) fn is_due(&mut self, p: &Arrival) -> bool {
        self.measured += 1;
        self.measured >= self.next_try && p.time.saturating_sub(self.from_arrival) >= LEAST_MEASURED
    }
}

/// A clock is measured over at least so many nanoseconds.
const LEAST_MEASURED: i64 = 1_000_000_000;
/// No clock is looked for after so many packets.
const LAST_TRY: u32 = 12_800;
