//! Earliest and latest time.

use perhop_wire::capture::CapturedPacket;

/// The earliest and the latest of some times, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    first: i64,
    last: i64,
}

impl Default for Span {
    /// Of no times.
    fn default() -> Self {
        Self {
            first: i64::MAX,
            last: i64::MIN,
        }
    }
}

impl Span {
    /// Adds the times of packets.
    pub(crate) fn add_all(&mut self, packets: &[CapturedPacket<'_>]) {
        packets.iter().for_each(|packet| self.add(packet.time_ns));
    }

    /// Adds a time, if there is one.
    #[inline]
    pub(crate) fn add(&mut self, time: Option<i64>) {
        if let Some(time) = time {
            self.first = self.first.min(time);
            self.last = self.last.max(time);
        }
    }

    /// Adds the times of another.
    pub(crate) fn merge(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// Both, if there was one.
    pub(crate) fn get(self) -> Option<(i64, i64)> {
        (self.first <= self.last).then_some((self.first, self.last))
    }
}
