//! How far the clocks of two points are apart.
//!
//! The difference of two times of one packet is the clocks' offset plus the packet's delay. Queues only ever add to it, so
//! its least value in each window of time is the offset plus the path's constant delay; a line through those windows gives
//! the drift. The offset and the constant delay cannot be told apart from packets of one direction. With both directions,
//! the path's delay being the same both ways is taken as given.

/// Which way packets went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Heading {
    /// From the first point to the second.
    Forward,
    /// From the second point to the first.
    Backward,
}

impl Heading {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
        }
    }

    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }
}

/// The clock of the second point against that of the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// When the offset was as it is given, in nanoseconds since 1970 by the first point's clock.
    pub at: i64,
    /// Time of the second point less time of the first, in nanoseconds. When packets of one direction only were matched,
    /// the least delay of the path is in it: added when they go forward, taken away when they go backward.
    pub offset: i64,
    /// How far the least differences of single windows stray from the line, in nanoseconds: the uncertainty that the
    /// packets show. What they cannot show is the path's constant delay, and how much it differs between directions.
    pub stray: i64,
    /// How the second clock runs against the first, in parts per million; `None` when the packets do not tell. Then no
    /// drift is taken out.
    pub drift_ppm: Option<f64>,
    /// How sure the drift is, in parts per million; `None` when the capture is too short to tell.
    pub drift_uncertainty_ppm: Option<f64>,
    /// What the offset rests on.
    pub basis: ClockBasis,
    /// Packets that were matched for certain.
    pub samples: u64,
}

/// What the offset of two clocks rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClockBasis {
    /// Packets of this direction only.
    OneWay(Heading),
    /// Packets of both directions, and a path that takes as long one way as the other.
    BothWays {
        /// Least delay of the path in nanoseconds. The offset is wrong by half of what the directions differ, so by this at
        /// most.
        delay: i64,
    },
}

/// The least and the largest difference of a flow's times in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extremes {
    pub(super) window: u32,
    pub(super) packets: u64,
    /// Time at the first point and difference.
    pub(super) least: (i64, i64),
    pub(super) largest: (i64, i64),
}

/// Windows of time, as the first point's clock has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Windows {
    start: i64,
    width: i64,
}

impl Windows {
    /// Windows of a second; fewer of a short capture, longer of a long one.
    pub(super) fn over((first, last): (i64, i64)) -> Self {
        let span = last.saturating_sub(first).max(0);
        Self {
            start: first,
            width: if span < LEAST_WINDOWS * SECOND {
                (span / LEAST_WINDOWS + 1).max(MILLISECOND)
            } else {
                SECOND.max(span / MOST_WINDOWS + 1)
            },
        }
    }

    /// The number of a window.
    pub(super) fn of(&self, time: i64) -> u32 {
        let number = time.saturating_sub(self.start).max(0) / self.width;
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}

/// Differences that a packet with the least delay would have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    start: i64,
    base: i64,
    slope: f64,
}

impl Line {
    /// The second point's time for one of the first's.
    pub(super) fn there(&self, time: i64) -> i64 {
        let since = time.saturating_sub(self.start);
        let drift = (self.slope * since as f64).round() as i64;
        time.saturating_add(self.base).saturating_add(drift)
    }

    /// The first point's time for one of the second's.
    pub(super) fn back(&self, time: i64) -> i64 {
        let since = time.saturating_sub(self.start).saturating_sub(self.base);
        let own = (since as f64 / (1.0 + self.slope)).round() as i64;
        self.start.saturating_add(own)
    }
}

/// The clock, and the line of each direction that packets were matched in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) clock: Clock,
    pub(super) forward: Line,
    pub(super) backward: Line,
}

impl Estimate {
    /// From the least differences of packets that went forward and the largest of those that went backward, a pair of time
    /// and difference for each window. `None` without any.
    pub(super) fn of(
        forward: &[(i64, i64)],
        backward: &[(i64, i64)],
        samples: u64,
    ) -> Option<Self> {
        // The largest difference backward is the least of its negative.
        let negative: Vec<(i64, i64)> = backward.iter().map(|(t, d)| (*t, -d)).collect();
        let start = forward
            .iter()
            .chain(backward)
            .map(|(time, _)| *time)
            .min()?;
        let fits = [Fit::slope(forward), Fit::slope(&negative)];
        let told = |fit: &Option<Fit>, sign: f64| {
            fit.and_then(|fit| Some((fit.told()? * sign, fit.unsure?)))
        };
        let drift = [told(&fits[0], 1.0), told(&fits[1], -1.0)]
            .into_iter()
            .flatten()
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let unsure = fits.iter().flatten().filter_map(|fit| fit.unsure);
        let slope = drift.map_or(0.0, |(slope, _)| slope);
        let ahead = base(forward, start, slope);
        let behind = base(&negative, start, -slope).map(|(base, stray)| (-base, stray));
        let (offset, basis, stray) = match (ahead, behind) {
            (Some((f, fs)), Some((b, bs))) => (
                b + (f - b) / 2,
                ClockBasis::BothWays { delay: (f - b) / 2 },
                fs.max(bs),
            ),
            (Some((f, stray)), None) => (f, ClockBasis::OneWay(Heading::Forward), stray),
            (None, Some((b, stray))) => (b, ClockBasis::OneWay(Heading::Backward), stray),
            (None, None) => return None,
        };
        let line = |base: Option<(i64, i64)>| Line {
            start,
            base: base.map_or(offset, |(base, _)| base),
            slope,
        };
        Some(Self {
            clock: Clock {
                at: start,
                offset,
                stray,
                drift_ppm: drift.map(|(slope, _)| slope * 1e6),
                drift_uncertainty_ppm: drift
                    .map(|(_, unsure)| unsure)
                    .or(unsure.min_by(f64::total_cmp))
                    .map(|unsure| unsure * 1e6),
                basis,
                samples,
            },
            forward: line(ahead),
            backward: line(behind),
        })
    }

    /// How much later than the least delay a packet came, in nanoseconds; its times at the first and second point.
    pub(super) fn late(&self, heading: Heading, from: i64, to: i64) -> i64 {
        match heading {
            Heading::Forward => to.saturating_sub(self.forward.there(from)),
            Heading::Backward => from.saturating_sub(self.backward.back(to)),
        }
    }
}

/// A slope through least differences.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fit {
    slope: f64,
    /// One standard deviation, as the scatter about the line has it.
    unsure: Option<f64>,
}

impl Fit {
    /// The median of the slopes of all pairs of points (Theil and Sen), which a few wrong points do not move.
    fn slope(points: &[(i64, i64)]) -> Option<Self> {
        let mut slopes = Vec::new();
        for (at, one) in points.iter().enumerate() {
            for other in &points[at + 1..] {
                if other.0 != one.0 {
                    slopes.push((other.1 - one.1) as f64 / (other.0 - one.0) as f64);
                }
            }
        }
        let slope = median(&mut slopes)?;
        let (first, last) = (points.first()?.0, points.last()?.0);
        let mut residuals: Vec<f64> = points
            .iter()
            .map(|(time, difference)| *difference as f64 - slope * (time - first) as f64)
            .collect();
        let middle = median(&mut residuals)?;
        let mut off: Vec<f64> = residuals.iter().map(|one| (one - middle).abs()).collect();
        let scatter = (NORMAL * median(&mut off)?).max(RESOLUTION);
        let span = (last - first).abs() as f64;
        let count = points.len() as f64;
        Some(Self {
            slope,
            unsure: (points.len() >= 3 && span > 0.0)
                .then(|| scatter * (12.0 / count).sqrt() / span),
        })
    }

    /// The slope, when it stands out of its uncertainty and a clock can have it.
    fn told(&self) -> Option<f64> {
        let unsure = self.unsure?;
        (self.slope.abs() > 3.0 * unsure && self.slope.abs() < MOST_DRIFT).then_some(self.slope)
    }
}

/// Where a line of a given slope lies under the points, and how far they stray above it.
fn base(points: &[(i64, i64)], start: i64, slope: f64) -> Option<(i64, i64)> {
    let mut levels: Vec<i64> = points
        .iter()
        .map(|(time, difference)| difference - (slope * (time - start) as f64).round() as i64)
        .collect();
    levels.sort_unstable();
    let low = *levels.get(levels.len() / 10)?;
    let high = levels[(levels.len() * 9).div_ceil(10).max(1) - 1];
    Some((low, high - low))
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (
        values.get(values.len().checked_sub(1)? / 2)?,
        values[values.len() / 2],
    );
    Some((low + high) / 2.0)
}

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
/// A short capture is divided into so many windows, and a longer one into this many at most.
const LEAST_WINDOWS: i64 = 4;
const MOST_WINDOWS: i64 = 256;
/// From the median of deviations to a standard deviation.
const NORMAL: f64 = 1.4826;
/// What timestamps resolve, in nanoseconds: no scatter is believed to be less.
const RESOLUTION: f64 = 1000.0;
/// A clock that drifts more than this is not a clock.
const MOST_DRIFT: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windows(offset: i64, delay: i64, ppm: f64, count: i64, sign: i64) -> Vec<(i64, i64)> {
        (0..count)
            .map(|at| {
                let time = 1_700_000_000 * SECOND + at * SECOND;
                let drift = (ppm * 1e-6 * (at * SECOND) as f64).round() as i64;
                (time, offset + drift + sign * delay)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn both_ways_tell_offset_delay_and_drift(
            offset in -10_000 * SECOND..10_000 * SECOND, delay in 0..SECOND, ppm in -200i32..200, count in 10i64..100
        ) {
            let ppm = f64::from(ppm);
            let forward = windows(offset, delay, ppm, count, 1);
            let backward = windows(offset, delay, ppm, count, -1);
            let clock = Estimate::of(&forward, &backward, 9).unwrap().clock;
            prop_assert!((clock.offset - offset).abs() < 1000, "{clock:?}");
            let ClockBasis::BothWays { delay: found } = clock.basis else { panic!("{clock:?}") };
            prop_assert!((found - delay).abs() < 1000, "{clock:?}");
            let told = clock.drift_ppm.unwrap_or(0.0);
            prop_assert!((told - ppm).abs() <= 3.1 * clock.drift_uncertainty_ppm.unwrap(), "{clock:?}");
        }

        #[test]
        fn lines_go_there_and_back(time in 0..2_000_000_000 * SECOND, base in -2_000_000_000 * SECOND..2_000_000_000 * SECOND, ppm in -900.0..900.0) {
            let line = Line { start: 1_700_000_000 * SECOND, base, slope: ppm * 1e-6 };
            prop_assert!((line.back(line.there(time)) - time).abs() <= 600, "floating point of years");
        }
    }

    #[test]
    fn one_way_says_so_and_one_window_is_enough() {
        let one = Estimate::of(&windows(500, 70, 0.0, 1, 1), &[], 1).unwrap();
        assert_eq!(one.clock.basis, ClockBasis::OneWay(Heading::Forward));
        assert_eq!((one.clock.offset, one.clock.drift_ppm), (570, None));
        assert_eq!(one.clock.drift_uncertainty_ppm, None);
        let back = Estimate::of(&[], &windows(500, 70, 0.0, 1, -1), 1).unwrap();
        assert_eq!(back.clock.basis, ClockBasis::OneWay(Heading::Backward));
        assert_eq!(back.clock.offset, 430);
        assert_eq!(Estimate::of(&[], &[], 0), None);
    }

    #[test]
    fn a_queue_in_some_windows_is_no_drift() {
        let mut points = windows(0, 5 * MILLISECOND, 20.0, 30, 1);
        for point in &mut points[9..15] {
            point.1 += 90 * MILLISECOND;
        }
        let clock = Estimate::of(&points, &[], 9).unwrap().clock;
        assert!((clock.drift_ppm.unwrap() - 20.0).abs() < 1.0, "{clock:?}");
        assert!((clock.offset - 5 * MILLISECOND).abs() < 10_000, "{clock:?}");
        assert!(
            clock.stray > 80 * MILLISECOND,
            "the windows that stray are said"
        );
    }

    #[test]
    fn noise_is_no_drift() {
        let points: Vec<(i64, i64)> = (0..20)
            .map(|at| {
                (
                    at * SECOND,
                    [0, 90_000, 30_000, 60_000, 10_000][at as usize % 5],
                )
            })
            .collect();
        let clock = Estimate::of(&points, &[], 9).unwrap().clock;
        assert_eq!(clock.drift_ppm, None, "{clock:?}");
        assert!(clock.drift_uncertainty_ppm.unwrap() > 1.0);
    }
}
