//! Loss over short windows: the worst 200 ms and the worst 15 s that begin with a loss.

/// Windows of a stream that has lost packets.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows([Window; LENGTHS.len()]);

/// Counts of a stream at one instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Arrival time in nanoseconds.
    pub(super) time: i64,
    /// Extended number of the highest.
    pub(super) highest: u32,
    /// Numbers never seen so far.
    pub(super) missing: u32,
}

impl Windows {
    /// Closes windows that ended before `now`; `before` are the counts as they stood until then.
    pub(super) fn close(&mut self, before: Counts, now: i64) {
        for (window, length) in self.0.iter_mut().zip(LENGTHS) {
            window.close(before, now, length);
        }
    }

    /// When the first open window ends, in nanoseconds; `None` when none is open.
    pub(super) fn deadline(&self) -> Option<i64> {
        let ends = self.0.iter().zip(LENGTHS).filter_map(|(window, length)| {
            let start = window.start()?;
            Some(start.time.saturating_add(length))
        });
        ends.min()
    }

    /// Opens windows that are not open, at a loss after the packet counted in `before`.
    pub(super) fn open(&mut self, before: Counts) {
        for window in &mut self.0 {
            window.open(before);
        }
    }

    /// The largest shares lost, 0 to 1, in 200 ms and in 15 s.
    pub(super) fn worst(&self, at_end: Counts) -> (f32, f32) {
        let [short, long] = &self.0;
        (short.worst_with(at_end), long.worst_with(at_end))
    }
}

/// A time in units of 2^26 ns, 67 ms, modulo 2^16, which is 73 minutes: long beside a window, and a stream ends after a
/// minute without packets.
#[inline]
pub(super) const fn tick(time: i64) -> u16 {
    (time >> 26) as u16
}

#[derive(Debug, Clone)]
struct Window {
    /// Counts when it was opened, unless [`CLOSED`].
    time: i64,
    highest: u32,
    missing: u32,
    worst: f32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            time: CLOSED,
            highest: 0,
            missing: 0,
            worst: 0.0,
        }
    }
}

impl Window {
    const fn start(&self) -> Option<Counts> {
        if self.time == CLOSED {
            return None;
        }
        Some(Counts {
            time: self.time,
            highest: self.highest,
            missing: self.missing,
        })
    }

    fn close(&mut self, before: Counts, now: i64, length: i64) {
        if let Some(start) = self.start()
            && now.saturating_sub(start.time) > length
        {
            self.worst = self.worst_with(before);
            self.time = CLOSED;
        }
    }

    const fn open(&mut self, before: Counts) {
        if self.time == CLOSED {
            (self.time, self.highest, self.missing) = (before.time, before.highest, before.missing);
        }
    }

    fn worst_with(&self, end: Counts) -> f32 {
        let Some(start) = self.start() else {
            return self.worst;
        };
        let expected = end.highest.saturating_sub(start.highest);
        let missing = end.missing.saturating_sub(start.missing);
        if expected == 0 {
            return self.worst;
        }
        self.worst.max((missing as f32 / expected as f32).min(1.0))
    }
}

/// How long windows last, in nanoseconds.
const LENGTHS: [i64; 2] = [200_000_000, 15_000_000_000];
/// The time at which a window was opened that is not open; no packet has it.
const CLOSED: i64 = i64::MIN;

#[cfg(test)]
mod tests {
    use super::*;

    /// 50 packets a second; those in `lost` never come.
    fn run(lost: &[u32], until: u32) -> (f32, f32) {
        let mut windows = Windows::default();
        let mut counts = Counts {
            time: 0,
            highest: 0,
            missing: 0,
        };
        for number in 1..until {
            if lost.contains(&number) {
                continue;
            }
            let time = i64::from(number) * 20_000_000;
            windows.close(counts, time);
            let gap = number - counts.highest - 1;
            if gap > 0 {
                windows.open(counts);
            }
            counts = Counts {
                time,
                highest: number,
                missing: counts.missing + gap,
            };
        }
        windows.worst(counts)
    }

    #[test]
    fn one_loss_is_one_in_ten_of_a_short_window() {
        let (short, long) = run(&[100], 1000);
        assert!((short - 0.1).abs() < 1e-6, "{short}");
        assert!((long - 1.0 / 750.0).abs() < 1e-6, "{long}");
    }

    #[test]
    fn a_burst_counts_whole() {
        let (short, _) = run(&[100, 101, 102, 103, 104], 1000);
        assert!((short - 0.5).abs() < 1e-6, "{short}");
    }

    #[test]
    fn an_open_window_counts_at_the_end() {
        let (short, long) = run(&[98], 100);
        assert!((short - 0.5).abs() < 1e-6);
        assert!((long - 0.5).abs() < 1e-6);
        assert_eq!(run(&[], 100), (0.0, 0.0));
    }
}
