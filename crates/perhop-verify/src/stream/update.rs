//! One more packet of a stream.

use super::arena::{
    Arena, CANDIDATE, Cold, ENDED, FRAMES, Hot, LOSSY, MEASURING, REPEATED, StreamId, UNTIMED,
};
use super::arrival::Arrival;
use super::clock::CLOCKS;
use super::loss::{self, Counts};
use super::rare::Odd;
use super::sequence::{self, Place};

mod timing;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It belongs to the stream.
    Counted,
    /// It belongs to the stream, and made it RTP.
    Accepted,
    /// It does not go together with the candidate.
    Misfit,
    /// The candidate has had too many that do not go together with it.
    Drop,
    /// It does not belong to an accepted stream of its SSRC.
    Stray,
    /// It begins a new stream of the same SSRC.
    Restart,
}

/// Whether a packet goes together with a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// By sequence number and timestamp.
    Whole,
    /// By sequence number only: retransmissions and probes have old timestamps.
    Sequence,
    Not,
}

impl Arena {
    /// Takes a packet whose SSRC is the stream's. `least` is how many packets make a candidate RTP.
    #[inline(never)]
    pub(crate) fn take(&mut self, id: StreamId, p: &Arrival, least: u8) -> Taken {
        if self.take_usual(id, p) {
            return Taken::Counted;
        }
        let step = p
            .sequence
            .wrapping_sub(self.hot[id as usize].highest as u16);
        self.take_slowly(id, p, step.cast_signed(), least)
    }

    /// Takes a packet that follows its predecessor in a recognised stream and has nothing else to it. False for all others,
    /// and then nothing was done.
    #[inline(always)]
    pub(crate) fn take_usual(&mut self, id: StreamId, p: &Arrival) -> bool {
        let Some(hot) = self.hot.get_mut(id as usize) else {
            return false;
        };
        let step = p.sequence.wrapping_sub(hot.highest as u16);
        let waited = p.time.wrapping_sub(hot.last_arrival);
        let units = p.timestamp.wrapping_sub(hot.last_timestamp).cast_signed();
        let usual = hot.ssrc == p.ssrc
            && step == 1
            && p.payload_type() == hot.payload_type
            && (waited as u64) < IDLE as u64;
        if !usual {
            return false;
        }
        // Sound, or a packet of a picture but its first.
        if hot.flags != if units == 0 { FRAMES } else { 0 } {
            if hot.flags & !(FRAMES | LOSSY) != 0 {
                // A copy, so that the one that most packets need stays in registers.
                return self.take_measured(id, &p.clone());
            }
            let begins = units == 0 && hot.flags & FRAMES == 0;
            if begins | (p.payload_len <= SHORT) | hot.loses_patience(p.time) {
                return false;
            }
            if hot.flags & FRAMES != 0
                && let Some(timing) = self.timings.of_mut(id)
            {
                timing.frames.take(p.time, p.timestamp);
            }
        }
        let waited = waited as f64;
        hot.time(waited, units, true);
        hot.follow(waited);
        if hot.arrived(p) {
            self.cold[id as usize].odd_mut().payload_runs += 1;
        }
        true
    }

    /// Takes a packet that follows its predecessor while the clock is being measured. False for others, and then nothing was
    /// done.
    #[inline(never)]
    fn take_measured(&mut self, id: StreamId, p: &Arrival) -> bool {
        let hot = &mut self.hot[id as usize];
        let Some(timing) = self.timings.of_mut(id) else {
            return false;
        };
        let units = p.timestamp.wrapping_sub(hot.last_timestamp).cast_signed();
        let begins = units == 0 && hot.flags & FRAMES == 0;
        let other = hot.flags & !(FRAMES | LOSSY) != MEASURING;
        if other | begins | (p.payload_len <= SHORT) | hot.loses_patience(p.time) {
            return false;
        }
        let waited = p.time.wrapping_sub(hot.last_arrival) as f64;
        timing.lanes.take(waited, units, true);
        if hot.flags & FRAMES != 0 {
            timing.frames.take(p.time, p.timestamp);
        }
        hot.follow(waited);
        let over = hot.arrived(p);
        if over {
            self.cold[id as usize].odd_mut().payload_runs += 1;
        }
        if timing.is_due(p) {
            let cold = &mut self.cold[id as usize];
            if hot.measure(timing, cold, p) {
                hot.settle(&mut self.timings, id, cold);
            }
        }
        true
    }

    #[inline(never)]
    fn take_slowly(&mut self, id: StreamId, p: &Arrival, step: i16, least: u8) -> Taken {
        let (hot, cold) = (&mut self.hot[id as usize], &mut self.cold[id as usize]);
        let fit = if hot.flags & CANDIDATE != 0 {
            cold.fit(hot, p, step)
        } else {
            Fit::Whole
        };
        if fit == Fit::Not || fit == Fit::Sequence && least > HINTED {
            cold.misfits += 1;
            let done = cold.misfits >= MOST_MISFITS;
            return if done { Taken::Drop } else { Taken::Misfit };
        }
        if hot.is_over(cold, p.time) {
            let candidate = hot.flags & CANDIDATE != 0;
            return if candidate {
                Taken::Drop
            } else {
                Taken::Restart
            };
        }
        let before = hot.counts(cold);
        let place = sequence::place(&mut cold.base, &mut hot.highest, step, || {
            &mut cold.rare.get_or_insert_default().gaps
        });
        if place == Place::Jump {
            return cold.jumped(p);
        }
        hot.watch_loss(cold, before, p.time, step);
        if place == Place::Duplicate && step == 0 && p.ip_id != 0 && p.ip_id == hot.ip_id {
            cold.rare_mut().seen_twice += 1;
        }
        hot.longest_gap = hot
            .longest_gap
            .max(p.time.saturating_sub(hot.last_arrival) as f32);
        hot.time_it(&mut self.timings, id, cold, p, step);
        if hot.flags & CANDIDATE == 0 {
            return Taken::Counted;
        }
        cold.fits += u8::from(fit == Fit::Whole);
        let different = hot.received - cold.gaps().map_or(0, |gaps| gaps.duplicates);
        if cold.fits < least || different < u32::from(least.min(LEAST_DIFFERENT)) {
            return Taken::Counted;
        }
        hot.flags &= !CANDIDATE;
        Taken::Accepted
    }

    /// Makes a candidate a stream at the end of the capture, if it has two packets that go together.
    pub(crate) fn accept_late(&mut self, id: StreamId) -> bool {
        let (hot, cold) = (&mut self.hot[id as usize], &self.cold[id as usize]);
        let duplicates = cold.gaps().map_or(0, |gaps| gaps.duplicates);
        let enough = hot.received - duplicates >= 2;
        if enough {
            hot.flags &= !CANDIDATE;
        }
        enough
    }
}

impl Hot {
    /// Whether the stream ended before a packet that comes now: 60 s of silence, or a goodbye and then more than
    /// stragglers.
    fn is_over(&self, cold: &Cold, now: i64) -> bool {
        let idle = now.saturating_sub(self.last_arrival) >= IDLE && !cold.has(UNTIMED);
        let after_bye = self.flags & ENDED != 0
            && cold
                .odd()
                .is_some_and(|odd| now.saturating_sub(odd.bye) > STRAGGLERS);
        idle || after_bye
    }

    /// Keeps the windows of loss: a lossy stream is off the short path until the longest window has passed.
    fn watch_loss(&mut self, cold: &mut Cold, before: Counts, now: i64, step: i16) {
        // A stream without loss has no window that is open.
        let Some(rare) = &mut cold.rare else {
            return;
        };
        let windows = &mut rare.windows;
        windows.close(before, now);
        if step > 1 {
            windows.open(before);
        }
        match windows.deadline() {
            Some(deadline) => {
                self.flags |= LOSSY;
                self.loss_deadline = loss::tick(deadline);
            }
            None => self.flags &= !LOSSY,
        }
    }

    /// Whether a window of loss may have ended.
    #[inline]
    const fn loses_patience(&self, now: i64) -> bool {
        let left = self.loss_deadline.wrapping_sub(loss::tick(now));
        (self.flags & LOSSY != 0) & (left.wrapping_sub(1) >= 1 << 15)
    }

    /// What a packet leaves behind that follows its predecessor.
    #[inline(always)]
    fn follow(&mut self, waited: f64) {
        self.longest_gap = larger(waited as f32, self.longest_gap);
        self.highest = self.highest.wrapping_add(1);
    }

    /// What every packet that belongs to the stream leaves behind. True when the payload bytes ran over.
    #[inline(always)]
    fn arrived(&mut self, p: &Arrival) -> bool {
        self.received += 1;
        self.markers += u32::from(p.marker());
        self.last_arrival = p.time;
        self.last_timestamp = p.timestamp;
        self.ip_id = p.ip_id;
        let (bytes, over) = self.payload_bytes.overflowing_add(u32::from(p.payload_len));
        self.payload_bytes = bytes;
        over
    }

    fn arrived_slowly(&mut self, cold: &mut Cold, p: &Arrival) {
        if self.arrived(p) {
            cold.odd_mut().payload_runs += 1;
        }
    }

    /// Jitter of the settled clock.
    #[inline(always)]
    fn time(&mut self, waited: f64, units: i32, counted: bool) {
        let difference = (waited - f64::from(units) * CLOCKS[usize::from(self.clock)].1).abs();
        self.jitter += (difference - self.jitter) * (1.0 / 16.0);
        if counted {
            self.jitter_sum += self.jitter;
            self.jitter_max = larger(self.jitter as f32, self.jitter_max);
        }
    }
}

impl Cold {
    /// Whether a packet goes together with the candidate: sequence number and timestamp move the same way, not far.
    fn fit(&mut self, hot: &Hot, p: &Arrival, step: i16) -> Fit {
        let units = p.timestamp.wrapping_sub(hot.last_timestamp).cast_signed();
        let in_reach = match step {
            0 => !self.has(REPEATED),
            1..=3000 | -100..=-1 => true,
            _ => false,
        };
        self.signs = self.signs & !REPEATED | if step == 0 { REPEATED } else { 0 };
        let same_way = units == 0 || units.signum() == i32::from(step.signum());
        match (in_reach, same_way && units.unsigned_abs() <= MOST_UNITS) {
            (true, true) => Fit::Whole,
            (true, false) => Fit::Sequence,
            (false, _) => Fit::Not,
        }
    }

    fn jumped(&mut self, p: &Arrival) -> Taken {
        let odd = self.odd_mut();
        let expected = odd.after_jump;
        odd.after_jump = 0x1_0000 | u32::from(p.sequence.wrapping_add(1));
        if expected == 0x1_0000 | u32::from(p.sequence) {
            return Taken::Restart;
        }
        odd.strays += 1;
        Taken::Stray
    }
}

impl Odd {
    fn count_other(&mut self, kind: u8) {
        match self
            .other_types
            .iter_mut()
            .find(|(known, _)| *known == kind)
        {
            Some((_, count)) => *count += 1,
            None => self.other_types.push((kind, 1)),
        }
    }
}

/// The larger of two numbers, of which none is "not a number": one instruction.
#[inline(always)]
const fn larger(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

/// A stream ends after so many nanoseconds without a packet.
const IDLE: i64 = 60_000_000_000;
/// Packets that come so many nanoseconds after a goodbye still belong to the stream.
const STRAGGLERS: i64 = 2_000_000_000;
/// A candidate is dropped at so many packets that do not go together with it.
const MOST_MISFITS: u8 = 3;
/// Where there are hints, so many packets make a candidate RTP.
pub(crate) const HINTED: u8 = 2;
/// A candidate needs so many different sequence numbers.
const LEAST_DIFFERENT: u8 = 3;
/// Two packets' timestamps may be a minute of 90 kHz apart.
const MOST_UNITS: u32 = 90_000 * 60;
/// Packets with so short a payload may be telephone events or comfort noise.
const SHORT: u16 = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Evidence;
    use super::*;

    /// What befalls a packet: it is lost, late, of another type, the rest of a picture, after a silence.
    fn packet() -> impl Strategy<Value = (u8, i64, u16)> {
        (0u8..60, 0i64..40_000_000, 33u16..1200)
    }

    /// So many packets of a stream, 20 ms apart, that counts 320 units in that time; every third with the timestamp of the
    /// one before when it is video.
    fn arrivals(kind: u8, video: bool) -> impl Iterator<Item = Arrival> {
        (0..200u16).map(move |number| {
            let moment = if video { number - number % 3 } else { number };
            Arrival {
                ssrc: 7,
                timestamp: u32::from(moment) * 320,
                sequence: number,
                payload_len: 160,
                mark_and_type: kind,
                ..Arrival::bare(1_000_000_000 + i64::from(number) * 20_000_000, 0)
            }
        })
    }

    #[test]
    fn timing_is_kept_only_where_it_is_needed() {
        let mut arena = Arena::default();
        for (kind, video, measuring, after) in [
            (0, false, false, false),
            (0, true, false, true),
            (111, false, true, false),
            (111, true, true, true),
        ] {
            let mut packets = arrivals(kind, video);
            let id = arena.begin(&packets.next().unwrap(), 0, true);
            assert_eq!(arena.timings.of(id).is_some(), measuring, "{kind} {video}");
            for packet in packets {
                assert_ne!(arena.take(id, &packet, 2), Taken::Drop);
            }
            assert_eq!(arena.timings.of(id).is_some(), after, "{kind} {video}");
            let settled = arena.hot[id as usize].flags & MEASURING == 0;
            assert!(settled && arena.cold[id as usize].rare.is_none());
            arena.release(id);
            assert!(arena.timings.of(id).is_none());
        }
    }

    proptest! {
        /// The short ways leave behind what the long one does.
        #[test]
        fn a_short_way_is_the_long_one(
            kind in prop::sample::select(vec![0u8, 9, 34, 96, 111]),
            units in prop::sample::select(vec![160u32, 320, 960, 3000]),
            fates in prop::collection::vec(packet(), 2..500),
        ) {
            let mut p = Arrival {
                ssrc: 7,
                timestamp: 100,
                sequence: 65_500,
                payload_len: 160,
                mark_and_type: kind,
                ..Arrival::bare(1_000_000_000, 1)
            };
            let (mut short, mut long) = (Arena::default(), Arena::default());
            let ids = (short.begin(&p, 0, true), long.begin(&p, 0, true));
            for (fate, waited, length) in fates {
                let lost = if fate == 1 { 3 } else { 1 };
                p.sequence = p.sequence.wrapping_add(lost);
                // A picture of up to four packets, if the clock is its.
                let rest = units == 3000 && fate % 4 != 0;
                p.timestamp = p.timestamp.wrapping_add(if rest { 0 } else { units });
                p.time += if fate == 2 { 16_000_000_000 } else { waited };
                p.mark_and_type = if fate == 3 { 13 } else { kind };
                (p.payload_len, p.ip_id) = (length, p.ip_id.wrapping_add(1));
                let mut now = p;
                if fate == 4 {
                    now.sequence = p.sequence.wrapping_sub(2);
                }
                let step = now.sequence.wrapping_sub(long.hot[ids.1 as usize].highest as u16);
                let taken = (
                    short.take(ids.0, &now, 2),
                    long.take_slowly(ids.1, &now, step.cast_signed(), 2),
                );
                prop_assert_eq!(taken.0, taken.1);
                let report = |arena: &Arena, id| arena.report(id, None, Evidence::Behaviour);
                prop_assert_eq!(report(&short, ids.0), report(&long, ids.1));
            }
        }
    }
}
