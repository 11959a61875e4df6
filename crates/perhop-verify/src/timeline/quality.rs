//! What RTP lost over time, and its jitter: a few numbers for each source and bin.
//!
//! Which sources are RTP and what their clocks are is known at the end only, from the engine; until then every source
//! that can be one is followed, with the jitter of each usual clock.

use perhop_wire::rtp::Rtp;

use crate::stream::clock::is_event;

/// The sources of one flow.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(Vec<Source>);

/// One SSRC.
#[derive(Debug, Clone)]
struct Source {
    ssrc: u32,
    packets: u32,
    highest: u16,
    /// Numbers from the lowest to the highest.
    span: u32,
    /// Which of the 64 numbers up to the highest came; bit 0 is the highest.
    came: u64,
    /// The last packet did not belong here.
    strayed: bool,
    arrival: i64,
    timestamp: u32,
    /// Jitter in nanoseconds by the clocks of [`CLOCKS`].
    jitter: [f32; CLOCKS.len()],
    counts: Vec<Count>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    bin: u16,
    expected: u32,
    /// Below zero where a packet came in a later bin than the one in which it was missed.
    missing: i32,
    timed: u32,
    jitter: [f32; CLOCKS.len()],
}

/// What is known of a bin.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quality {
    /// Packets that were due.
    pub(super) expected: u64,
    /// Of those, packets that never came.
    pub(super) missing: u64,
    timed: u64,
    jitter: f64,
}

impl Quality {
    pub(super) fn merge(&mut self, other: Self) {
        self.expected += other.expected;
        self.missing += other.missing;
        self.timed += other.timed;
        self.jitter += other.jitter;
    }

    pub(super) fn jitter_ms(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.jitter / self.timed as f64 / 1e6)
    }
}

impl Sources {
    /// Takes a packet that can be RTP.
    pub(super) fn take(&mut self, rtp: &Rtp<'_>, time: i64, bin: u16) {
        let at = match self.0.iter().position(|one| one.ssrc == rtp.ssrc()) {
            Some(at) => at,
            None => {
                if self.0.len() >= MOST {
                    // Only one that has not shown itself makes room.
                    let Some(at) = self.0.iter().position(|one| one.packets < LEAST) else {
                        return;
                    };
                    self.0.remove(at);
                }
                self.0.push(Source::begin(rtp, time, bin));
                return;
            }
        };
        self.0[at].take(rtp, time, bin);
    }

    /// How many counts there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|one| one.counts.len()).sum()
    }

    /// Makes bins wider.
    pub(super) fn widen(&mut self, factor: u16) {
        for source in &mut self.0 {
            let old = std::mem::take(&mut source.counts);
            for count in old {
                *source.count(count.bin / factor) += count;
            }
            source.counts.shrink_to_fit();
        }
    }

    /// Gives out every bin of the sources that are RTP.
    pub(super) fn sum(
        &self,
        clock: impl Fn(u32) -> Option<Option<u32>>,
        mut out: impl FnMut(u16, Quality),
    ) {
        for source in &self.0 {
            let Some(clock) = clock(source.ssrc) else {
                continue;
            };
            let lane = CLOCKS.iter().position(|one| Some(*one) == clock);
            // What came late was missed before: from the end, what is below zero is taken from what is earlier.
            let mut came = 0;
            for count in source.counts.iter().rev() {
                let missing = i64::from(count.missing) - came;
                came = (-missing).max(0);
                out(
                    count.bin,
                    Quality {
                        expected: count.expected.into(),
                        missing: missing.max(0).unsigned_abs(),
                        timed: lane.map_or(0, |_| count.timed.into()),
                        jitter: lane.map_or(0.0, |lane| count.jitter[lane].into()),
                    },
                );
            }
        }
    }
}

impl Source {
    fn begin(rtp: &Rtp<'_>, time: i64, bin: u16) -> Self {
        let mut source = Self {
            ssrc: rtp.ssrc(),
            packets: 1,
            highest: rtp.sequence(),
            span: 1,
            came: 1,
            strayed: false,
            arrival: time,
            timestamp: rtp.timestamp(),
            jitter: [0.0; CLOCKS.len()],
            counts: Vec::new(),
        };
        source.count(bin).expected = 1;
        source
    }

    fn take(&mut self, rtp: &Rtp<'_>, time: i64, bin: u16) {
        let step = rtp.sequence().wrapping_sub(self.highest).cast_signed();
        let belongs = (-FURTHEST_BACK..=FURTHEST).contains(&step);
        if !belongs && !self.strayed {
            self.strayed = true;
            return;
        }
        self.strayed = false;
        self.packets = self.packets.saturating_add(1);
        let count = self.count(bin);
        if !belongs {
            // Two that do not belong here: it begins anew.
            count.expected += 1;
            (self.highest, self.span, self.came) = (rtp.sequence(), 1, 1);
            (self.arrival, self.timestamp) = (time, rtp.timestamp());
            return;
        }
        if step > 0 {
            count.expected += u32::from(step.unsigned_abs());
            count.missing += i32::from(step) - 1;
            self.came = shifted(self.came, step.unsigned_abs()) | 1;
            self.span = self.span.saturating_add(step.unsigned_abs().into());
            self.highest = rtp.sequence();
        } else {
            self.late(step.unsigned_abs(), bin);
        }
        let payload = u16::try_from(rtp.payload_len().unwrap_or(0)).unwrap_or(u16::MAX);
        if !is_event(rtp.payload_type(), payload) {
            self.time(rtp.timestamp(), time, bin);
        }
    }

    /// Takes a packet that is behind the highest.
    fn late(&mut self, back: u16, bin: u16) {
        let bit = shifted(1, back);
        let before = (u32::from(back) + 1).saturating_sub(self.span);
        let came = self.came & bit != 0;
        self.came |= bit;
        self.span += before;
        let count = self.count(bin);
        if before > 0 {
            // Sent before the first that came.
            count.expected += before;
            count.missing += i32::try_from(before).unwrap_or(i32::MAX) - 1;
        } else if bit != 0 && !came {
            count.missing -= 1;
        }
    }

    fn time(&mut self, timestamp: u32, time: i64, bin: u16) {
        let waited = time.saturating_sub(self.arrival) as f32;
        let units = timestamp.wrapping_sub(self.timestamp).cast_signed() as f32;
        for (jitter, clock) in self.jitter.iter_mut().zip(CLOCKS) {
            let difference = waited - units * (1e9 / clock as f32);
            *jitter += (difference.abs() - *jitter) / 16.0;
        }
        (self.arrival, self.timestamp) = (time, timestamp);
        let jitter = self.jitter;
        let count = self.count(bin);
        count.timed += 1;
        for (sum, one) in count.jitter.iter_mut().zip(jitter) {
            *sum += one;
        }
    }

    /// The count of a bin; bins mostly come in order.
    fn count(&mut self, bin: u16) -> &mut Count {
        let counts = &mut self.counts;
        let at = match counts.last() {
            Some(last) if last.bin == bin => counts.len() - 1,
            _ => {
                let at = counts.partition_point(|count| count.bin < bin);
                if counts.get(at).is_none_or(|count| count.bin != bin) {
                    counts.insert(
                        at,
                        Count {
                            bin,
                            ..Count::default()
                        },
                    );
                }
                at
            }
        };
        &mut counts[at]
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.expected = self.expected.saturating_add(other.expected);
        self.missing = self.missing.saturating_add(other.missing);
        self.timed = self.timed.saturating_add(other.timed);
        for (sum, one) in self.jitter.iter_mut().zip(other.jitter) {
            *sum += one;
        }
    }
}

/// Moved up by so many bits, out of sight when they are more than there are.
fn shifted(bits: u64, by: u16) -> u64 {
    bits.checked_shl(by.into()).unwrap_or(0)
}

/// Clocks that jitter is kept for, in units a second.
const CLOCKS: [u32; 4] = [8000, 16_000, 48_000, 90_000];
/// Sources of one flow.
const MOST: usize = 8;
/// A source with fewer packets makes room for others.
const LEAST: u32 = 4;
/// A packet may be so far ahead of the highest (RFC 3550 appendix A.1).
const FURTHEST: i16 = 3000;
/// A packet may be so far behind the highest.
const FURTHEST_BACK: i16 = 1024;
