//! Times of packets, some of which have none.

/// Stands for the time of a packet that has none.
pub(super) const NO_TIME: i64 = i64::MIN;

/// The earliest and the latest time of packets, and how many had none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    range: Option<(i64, i64)>,
    pub(super) untimed: u64,
}

impl Times {
    /// Adds a packet's time.
    pub(super) fn add(&mut self, time: i64) {
        if time == NO_TIME {
            self.untimed += 1;
        } else {
            self.add_range(time, time);
        }
    }

    /// Adds the first and last time of packets that had one.
    pub(super) fn add_range(&mut self, first: i64, last: i64) {
        if first <= last {
            let (from, to) = self.range.unwrap_or((first, last));
            self.range = Some((from.min(first), to.max(last)));
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.untimed += other.untimed;
        if let Some((first, last)) = other.range {
            self.add_range(first, last);
        }
    }

    pub(super) const fn range(&self) -> Option<(i64, i64)> {
        self.range
    }
}
