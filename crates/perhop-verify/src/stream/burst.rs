//! Bursts of loss (RFC 3611 section 4.7.2): losses with fewer than 16 packets between them.

use super::BurstReport;

/// Missing numbers, `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// The losses that go together so far, and how many packets they are.
    open: Option<(Hole, u32)>,
}

impl Bursts {
    /// Takes the next hole.
    pub(super) fn take(&mut self, hole: Hole) {
        match &mut self.open {
            Some((open, lost)) if hole.first.saturating_sub(open.last) <= G_MIN => {
                open.last = open.last.max(hole.last);
                *lost += hole.len();
            }
            _ => {
                self.close();
                self.open = Some((hole, hole.len()));
            }
        }
    }

    /// All bursts.
    pub(super) fn finish(mut self) -> BurstReport {
        self.close();
        self.done
    }

    /// A loss by itself is no burst.
    fn close(&mut self) {
        if let Some((open, lost)) = self.open.take()
            && lost > 1
        {
            self.done.bursts += 1;
            self.done.lost += u64::from(lost);
            self.done.packets += u64::from(open.len());
        }
    }
}

/// So many packets that came part two bursts.
const G_MIN: u32 = 16;
