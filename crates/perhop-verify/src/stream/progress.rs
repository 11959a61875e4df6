//! How far a stream has come: cumulative numbers, of which what happened between two moments is the difference.

use super::Stream;
use super::arena::{Arena, MEASURING, StreamId, UNTIMED};
use super::clock::{self, LANES};

/// What a stream had seen at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Packets between its lowest and highest number.
    pub(crate) expected: u32,
    /// Of those, packets that have not come.
    pub(crate) missing: u32,
    /// Packets that are in the mean of its jitter.
    pub(crate) timed: u64,
    pub(crate) jitter: JitterSum,
}

/// Sum of the jitter after each timed packet, in units of [`JitterSum::UNIT_NS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JitterSum {
    /// By the stream's clock.
    Settled(u64),
    /// By each of the usual clocks, while it is not known which it is; in units that are [`JitterSum::COARSE`] times as large.
    Measuring([u64; LANES.len()]),
}

impl JitterSum {
    /// Nanoseconds of a unit: sums of whole numbers do not depend on their order.
    pub(crate) const UNIT_NS: f64 = 64.0;
    const COARSE: u64 = 8;

    fn units(nanoseconds: f64) -> u64 {
        (nanoseconds / Self::UNIT_NS) as u64
    }
}

/// What the jitter of a stream was measured by in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimedBy {
    /// No clock that is known.
    Nothing,
    /// A clock that is none of the usual ones.
    Clock,
    /// The usual clock of this number.
    Usual(u8),
}

impl TimedBy {
    /// What a finished stream's jitter was measured by.
    pub(crate) fn of(stream: &Stream) -> Self {
        let rate = stream.clock.rate.filter(|_| stream.jitter.is_some());
        let index = rate.and_then(clock::index_of);
        index.map_or(Self::Nothing, Self::index)
    }

    fn index(index: usize) -> Self {
        if index == clock::UNKNOWN {
            return Self::Nothing;
        }
        let lane = LANES.iter().position(|lane| *lane == index);
        lane.map_or(Self::Clock, |lane| Self::Usual(lane as u8))
    }
}

impl Progress {
    /// Packets that are in the mean of the jitter by that clock, and their sum.
    pub(crate) const fn jitter_by(&self, by: TimedBy) -> (u64, u64) {
        match (self.jitter, by) {
            (JitterSum::Settled(sum), TimedBy::Clock | TimedBy::Usual(_)) => (self.timed, sum),
            (JitterSum::Measuring(sums), TimedBy::Usual(lane)) => {
                (self.timed, sums[lane as usize] * JitterSum::COARSE)
            }
            (_, TimedBy::Nothing) | (JitterSum::Measuring(_), TimedBy::Clock) => (0, 0),
        }
    }
}

impl Arena {
    /// How many streams there may be.
    pub(crate) const fn len(&self) -> usize {
        self.hot.len()
    }

    /// How far a stream has come.
    pub(crate) fn progress(&self, id: StreamId) -> Progress {
        let (hot, cold) = (&self.hot[id as usize], &self.cold[id as usize]);
        let before = cold
            .odd()
            .map_or((0, 0.0), |odd| (odd.timed_before, odd.jitter_before));
        let units = |own: f64| JitterSum::units(before.1 + own);
        let timing = self.timings.of(id).filter(|_| self.is_measuring(id));
        let is_timed = timing.is_some() || usize::from(hot.clock) != clock::UNKNOWN;
        let (timed, own) = if is_timed {
            let timed = hot.received.saturating_sub(cold.uncounted());
            (timed, hot.jitter_sum)
        } else {
            (0, 0.0)
        };
        Progress {
            expected: hot.highest.wrapping_sub(cold.base).wrapping_add(1),
            missing: cold.missing(hot.highest, hot.received),
            timed: before.0 + u64::from(timed),
            jitter: match timing {
                None => JitterSum::Settled(units(own)),
                Some(timing) => {
                    let sums = timing.lanes.sums();
                    JitterSum::Measuring(sums.map(|own| units(own) / JitterSum::COARSE))
                }
            },
        }
    }

    /// Whether a stream's clock is still being measured.
    pub(crate) fn is_measuring(&self, id: StreamId) -> bool {
        self.hot[id as usize].flags & MEASURING != 0
    }

    /// What the jitter of a stream is measured by whose clock is not being measured.
    pub(crate) fn timed_by(&self, id: StreamId) -> TimedBy {
        let (hot, cold) = (&self.hot[id as usize], &self.cold[id as usize]);
        if cold.has(UNTIMED) || hot.stands_still(cold) {
            return TimedBy::Nothing;
        }
        TimedBy::index(usize::from(hot.clock))
    }
}
