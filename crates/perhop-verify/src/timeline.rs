//! Marks, rate and RTP quality over time, of groups of flows, for charts and series: bins of equal width.
//!
//! [`crate::engine::Config::over_time`] makes the engine keep what is needed, [`crate::engine::Ledger::over_time`] sums it up. Bins
//! widen as the capture goes on, and when more happened than is kept, so that memory grows neither with its length nor
//! with what is in it.

use perhop_policy::Dscp;

/// The bins of one group of flows.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    /// Nanoseconds since 1970 at which the first bin begins.
    pub start: i64,
    /// Width of a bin in nanoseconds.
    pub step: i64,
    /// What happened in each bin; all groups have the same bins.
    pub bins: Vec<Bin>,
}

/// What happened in one bin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bin {
    /// Packets per DSCP, in order of DSCP.
    pub marks: Vec<(Dscp, u64)>,
    /// Bytes by the innermost IP headers.
    pub bytes: u64,
    /// RTP packets that were due: by how much the highest sequence numbers rose.
    pub expected: u64,
    /// Of those, packets that never came; in the bin in which they were missed.
    pub missing: u64,
    /// Mean interarrival jitter (RFC 3550) in milliseconds; `None` when no clock is known.
    pub jitter_ms: Option<f64>,
}

impl Bin {
    /// Packets of all marks.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.marks.iter().map(|(_, packets)| packets).sum()
    }
}

/// A width of bins: there are a few, and each divides the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Width(u8);

impl Width {
    /// The width in nanoseconds.
    pub(crate) const fn step(self) -> i64 {
        let last = STEPS.len() - 1;
        let place = self.0 as usize;
        if place <= last {
            return STEPS[place];
        }
        let doublings = if place - last < 20 { place - last } else { 20 };
        STEPS[last] << doublings
    }

    /// The next width, and how many bins become one of it.
    pub(crate) const fn wider(self) -> (Self, u8) {
        let next = Self(self.0 + 1);
        (next, (next.step() / self.step()) as u8)
    }

    /// Whether one bin holds all times there can be.
    pub(crate) const fn is_widest(self) -> bool {
        self.step() > YEAR
    }

    /// The bin of a time; `None` when it is past the last, for which bins must become wider.
    pub(crate) fn bin(self, since_start: i64) -> Option<u8> {
        let bin = since_start.max(0) / self.step();
        (bin < BINS).then_some(bin as u8)
    }
}

/// Nanoseconds from the start to a time; `None` when it is so far away that it must be damaged.
pub(crate) fn since(start: i64, time: i64) -> Option<i64> {
    let since = time.checked_sub(start)?;
    (since.unsigned_abs() <= YEAR.unsigned_abs()).then_some(since)
}

/// So many bins at most, so that a chart can show each.
const BINS: i64 = 100;
/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;
/// A time so far from the first is damage.
const YEAR: i64 = 366 * 86_400 * SECOND;
/// Widths of bins; past them, each is twice the one before.
const STEPS: [i64; 12] = [
    SECOND / 10,
    SECOND / 5,
    SECOND,
    2 * SECOND,
    10 * SECOND,
    20 * SECOND,
    60 * SECOND,
    120 * SECOND,
    600 * SECOND,
    1200 * SECOND,
    3600 * SECOND,
    7200 * SECOND,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_width_divides_the_next() {
        let mut width = Width::default();
        let mut steps = vec![width.step()];
        while !width.is_widest() {
            let (wider, factor) = width.wider();
            assert!(factor > 1 && width.step() * i64::from(factor) == wider.step());
            width = wider;
            steps.push(width.step());
        }
        assert_eq!(steps[..12], STEPS);
        assert!(steps.len() < 30);
        assert_eq!(width.bin(YEAR), Some(0));
    }

    #[test]
    fn there_are_a_hundred_bins_and_damaged_times_have_none() {
        let width = Width::default();
        assert_eq!(width.bin(-5), Some(0));
        assert_eq!(width.bin(10 * SECOND - 1), Some(99));
        assert_eq!(width.bin(10 * SECOND), None);
        assert_eq!(since(7, 9), Some(2));
        assert_eq!(since(0, YEAR + 1), None);
        assert_eq!(since(i64::MAX, i64::MIN), None);
    }
}
