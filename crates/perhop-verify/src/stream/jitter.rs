//! Interarrival jitter (RFC 3550 section 6.4.1 and appendix A.8), kept in nanoseconds.

use super::Jitter;
use super::clock::{CLOCKS, LANES};

/// Running jitter for one clock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Running {
    /// After the latest packet.
    pub(super) value: f64,
    pub(super) sum: f64,
    pub(super) max: f64,
}

impl Running {
    /// Takes the difference of two packets' spacing at receiver and sender, in nanoseconds.
    #[inline]
    pub(super) fn take(&mut self, difference: f64, counted: bool) {
        self.value += (difference.abs() - self.value) * (1.0 / 16.0);
        if counted {
            self.sum += self.value;
            self.max = self.max.max(self.value);
        }
    }

    pub(super) fn report(self, count: u32) -> Option<Jitter> {
        (count > 0).then(|| Jitter {
            last_ms: self.value / NS_PER_MS,
            mean_ms: self.sum / f64::from(count) / NS_PER_MS,
            max_ms: self.max / NS_PER_MS,
            count: u64::from(count),
        })
    }
}

/// Jitter for every clock that a dynamic payload type may turn out to have, while it is being measured.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes {
    value: [f64; LANES.len()],
    sum: [f64; LANES.len()],
    max: [f64; LANES.len()],
}

impl Lanes {
    /// Takes the spacing of two packets: nanoseconds at the receiver, timestamp units at the sender.
    pub(super) fn take(&mut self, waited: f64, units: i32, counted: bool) {
        let units = f64::from(units);
        for (lane, clock) in LANES.iter().enumerate() {
            let difference = waited - units * CLOCKS[*clock].1;
            self.value[lane] += (difference.abs() - self.value[lane]) * (1.0 / 16.0);
        }
        if counted {
            for lane in 0..LANES.len() {
                self.sum[lane] += self.value[lane];
                self.max[lane] = self.max[lane].max(self.value[lane]);
            }
        }
    }

    /// What was gathered for a clock; `None` when it has no lane.
    pub(super) fn of(&self, clock: usize) -> Option<Running> {
        let lane = LANES.iter().position(|found| *found == clock)?;
        Some(Running {
            value: self.value[lane],
            sum: self.sum[lane],
            max: self.max[lane],
        })
    }
}

/// Jitter over the first packets of video frames, at 90 kHz.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames {
    pub(super) last_arrival: i64,
    pub(super) last_timestamp: u32,
    pub(super) running: Running,
    pub(super) count: u32,
}

impl Frames {
    /// Takes a packet; only the first of a frame counts.
    pub(super) fn take(&mut self, time: i64, timestamp: u32) {
        let units = timestamp.wrapping_sub(self.last_timestamp).cast_signed();
        if units <= 0 {
            return;
        }
        let waited = time.saturating_sub(self.last_arrival) as f64;
        let difference = waited - f64::from(units) * CLOCKS[super::clock::VIDEO].1;
        self.running.take(difference, true);
        self.count += 1;
        (self.last_arrival, self.last_timestamp) = (time, timestamp);
    }
}

const NS_PER_MS: f64 = 1e6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::clock;

    #[test]
    fn a_steady_stream_has_no_jitter() {
        let mut lanes = Lanes::default();
        for _ in 0..100 {
            lanes.take(20e6, 320, true);
        }
        let at = |rate| lanes.of(clock::index_of(rate).unwrap()).unwrap();
        assert_eq!(at(16_000).max, 0.0);
        assert!(at(8000).value > 19e6, "40 ms sent, 20 ms waited");
    }

    /// J = J + (|D| - J) / 16, worked by hand for spacings of 20, 25, 18 and 20 ms.
    #[test]
    fn the_filter_is_rfc_3550s() {
        let mut running = Running::default();
        for spacing in [20.0, 25.0, 18.0, 20.0] {
            running.take((spacing - 20.0) * 1e6, true);
        }
        let jitter = running.report(4).unwrap();
        let after_second = 5.0 / 16.0;
        let after_third = after_second + (2.0 - after_second) / 16.0;
        let after_fourth = after_third * 15.0 / 16.0;
        assert!((jitter.last_ms - after_fourth).abs() < 1e-12);
        assert!((jitter.max_ms - after_third).abs() < 1e-12);
        let mean = (after_second + after_third + after_fourth) / 4.0;
        assert!((jitter.mean_ms - mean).abs() < 1e-12);
    }

    #[test]
    fn frames_leave_pacing_out() {
        let mut frames = Frames::default();
        for frame in 1..50i64 {
            for packet in 0..5 {
                frames.take(frame * 40_000_000 + packet * 3_000_000, frame as u32 * 3600);
            }
        }
        assert_eq!(frames.count, 49);
        assert!(frames.running.max < 1.0);
    }
}
