//! Bursts of loss (RFC 3611 section 4.7.2): losses with fewer than 16 packets between them.

use super::BurstReport;

/// Missing numbers, `first` to `last`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hole {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Hole {
    pub(super) const fn len(self) -> u32 {
        self.last - self.first + 1
    }
}

/// Bursts so far, from holes in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Bursts {
    done: BurstReport,
    /// The losses that go together so far.
    open: Hole,
    /// How many packets they are; 0 when there is none.
    lost: u32,
}

impl Bursts {
    /// Takes the next hole.
    pub(super) fn take(&mut self, hole: Hole) {
        if self.lost > 0 && hole.first.saturating_sub(self.open.last) <= G_MIN {
            self.open.last = self.open.last.max(hole.last);
            self.lost += hole.len();
        } else {
            self.close();
            (self.open, self.lost) = (hole, hole.len());
        }
    }

    /// All bursts.
    pub(super) fn finish(mut self) -> BurstReport {
        self.close();
        self.done
    }

    /// A loss by itself is no burst.
    fn close(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        if lost > 1 {
            self.done.bursts += 1;
            self.done.lost += u64::from(lost);
            self.done.packets += u64::from(self.open.len());
        }
    }
}

/// So many packets that came part two bursts.
const G_MIN: u32 = 16;
