//! Interarrival jitter (RFC 3550 section 6.4.1 and appendix A.8), kept in nanoseconds.

use super::Jitter;
use super::arrival::Arrival;
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
    pub(super) fn report(self, count: u32) -> Option<Jitter> {
        (count > 0).then(|| Jitter {
            last_ms: self.value / NS_PER_MS,
            mean_ms: self.sum / f64::from(count) / NS_PER_MS,
            max_ms: self.max / NS_PER_MS,
            count: u64::from(count),
        })
    }
}

/// What is needed to time the packets of video, and of streams whose clock is not known yet: one and a half cache lines.
#[derive(Debug, Clone, Default)]
#[repr(C, align(32))]
pub(super) struct Timing {
    pub(super) frames: Frames,
    /// Arrival of the packet from which the clock is measured.
    pub(super) from_arrival: i64,
    /// Packets since then.
    pub(super) measured: u32,
    /// Settle the clock when there are so many.
    pub(super) next_try: u32,
    pub(super) lanes: Lanes,
}

impl Timing {
    /// Starts to measure at a packet, with what is known of frames.
    pub(super) fn begin(&mut self, p: &Arrival) {
        self.lanes = Lanes::default();
        (self.from_arrival, self.measured, self.next_try) = (p.time, 1, FIRST_TRY);
    }

    /// Reads from its first and its last bytes, which are in different cache lines.
    #[inline]
    pub(super) const fn touch(&self) -> u32 {
        self.frames.count ^ self.lanes.max[LANES.len() - 1].to_bits()
    }
}

const _: () = assert!(size_of::<Timing>() == 96, "three quarters of two lines");

/// Jitter for the clocks that dynamic payload types have in practice, while it is being measured which.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes {
    value: [f32; LANES.len()],
    sum: [f32; LANES.len()],
    max: [f32; LANES.len()],
}

impl Lanes {
    /// Takes the spacing of two packets: nanoseconds at the receiver, timestamp units at the sender.
    #[inline]
    pub(super) fn take(&mut self, waited: f64, units: i32, counted: bool) {
        let (waited, units) = (waited as f32, units as f32);
        for (value, clock) in self.value.iter_mut().zip(LANES) {
            let difference = waited - units * CLOCKS[clock].1 as f32;
            *value += (difference.abs() - *value) * (1.0 / 16.0);
        }
        if counted {
            for lane in 0..LANES.len() {
                self.sum[lane] += self.value[lane];
                self.max[lane] = self.max[lane].max(self.value[lane]);
            }
        }
    }

    /// Sums for all clocks, in nanoseconds.
    pub(super) fn sums(&self) -> [f64; LANES.len()] {
        self.sum.map(f64::from)
    }

    /// What was gathered for a clock; `None` when it has no lane.
    pub(super) fn of(&self, clock: usize) -> Option<Running> {
        let lane = LANES.iter().position(|found| *found == clock)?;
        Some(Running {
            value: f64::from(self.value[lane]),
            sum: f64::from(self.sum[lane]),
            max: f64::from(self.max[lane]),
        })
    }
}

/// Jitter over the first packets of video frames, at 90 kHz.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames {
    last_arrival: i64,
    last_timestamp: u32,
    count: u32,
    sum: f64,
    value: f32,
    max: f32,
}

impl Frames {
    /// Begins after a first frame, with the jitter over all packets so far, each of which was a frame.
    pub(super) fn begin(arrival: i64, timestamp: u32, running: Running, count: u32) -> Self {
        Self {
            last_arrival: arrival,
            last_timestamp: timestamp,
            count,
            sum: running.sum,
            value: running.value as f32,
            max: running.max as f32,
        }
    }

    /// Takes a packet; only the first of a frame counts.
    #[inline]
    pub(super) fn take(&mut self, time: i64, timestamp: u32) {
        let units = timestamp.wrapping_sub(self.last_timestamp).cast_signed();
        if units <= 0 {
            return;
        }
        let waited = time.saturating_sub(self.last_arrival);
        if waited < SET_BACK {
            (self.last_arrival, self.last_timestamp) = (time, timestamp);
            return;
        }
        let difference = waited as f64 - f64::from(units) * CLOCKS[super::clock::VIDEO].1;
        self.value += (difference.abs() as f32 - self.value) * (1.0 / 16.0);
        self.sum += f64::from(self.value);
        self.max = self.max.max(self.value);
        self.count += 1;
        (self.last_arrival, self.last_timestamp) = (time, timestamp);
    }

    pub(super) fn report(&self) -> Option<Jitter> {
        let running = Running {
            value: f64::from(self.value),
            sum: self.sum,
            max: f64::from(self.max),
        };
        running.report(self.count)
    }
}

/// A clock is measured over at least so many packets.
const FIRST_TRY: u32 = 50;
/// A packet this much before the one before it was stamped by a clock that was set back, in nanoseconds: packets that take
/// turns in a capture are milliseconds apart.
pub(super) const SET_BACK: i64 = -1_000_000_000;

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
        let mut lanes = Lanes::default();
        for spacing in [20e6, 25e6, 18e6, 20e6] {
            lanes.take(spacing, 160, true);
        }
        let running = lanes.of(clock::index_of(8000).unwrap()).unwrap();
        let jitter = running.report(4).unwrap();
        let after_second = 5.0 / 16.0;
        let after_third = after_second + (2.0 - after_second) / 16.0;
        let after_fourth = after_third * 15.0 / 16.0;
        assert!((jitter.last_ms - after_fourth).abs() < 1e-6);
        assert!((jitter.max_ms - after_third).abs() < 1e-6);
        let mean = (after_second + after_third + after_fourth) / 4.0;
        assert!((jitter.mean_ms - mean).abs() < 1e-6);
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
        assert!(frames.report().unwrap().max_ms < 1e-6);
    }
}
