//! Port ranges, inclusive at both ends, and the two sides they may stand on.

use std::fmt;

/// An inclusive range of transport ports, `first` to `last`, never empty.
///
/// Microsoft's cmdlets store a start and a *count* under names ending in `PortRange`; such a pair becomes a range only
/// through [`PortRange::from_start_and_count`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// `first` to `last`; `None` when `first` is larger.
    #[must_use]
    pub const fn try_new(first: u16, last: u16) -> Option<Self> {
        if first <= last {
            Some(Self { first, last })
        } else {
            None
        }
    }

    /// One port.
    #[must_use]
    pub const fn single(port: u16) -> Self {
        Self {
            first: port,
            last: port,
        }
    }

    /// `count` ports from `start`: last = start + count - 1. `None` for a count of 0 or a range past 65535.
    #[must_use]
    pub fn from_start_and_count(start: u16, count: u32) -> Option<Self> {
        let last = u32::from(start).checked_add(count.checked_sub(1)?)?;
        Some(Self {
            first: start,
            last: u16::try_from(last).ok()?,
        })
    }

    /// First port.
    #[must_use]
    pub const fn first(self) -> u16 {
        self.first
    }

    /// Last port, inclusive.
    #[must_use]
    pub const fn last(self) -> u16 {
        self.last
    }

    /// Number of ports, 1 to 65536.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.last as u32 - self.first as u32 + 1
    }

    /// Whether a port is inside.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }

    /// Whether the whole of `other` is inside.
    #[must_use]
    pub const fn contains_range(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// The ports in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::try_new(self.first.max(other.first), self.last.min(other.last))
    }

    /// How many value-and-mask entries say the range where hardware has no comparison, 1 to 30: the fewest aligned
    /// powers of two that cover it exactly. A range that begins at a multiple of its size, a power of two, takes 1.
    #[must_use]
    pub const fn mask_entries(self) -> u32 {
        let (mut next, end) = (self.first as u32, self.last as u32 + 1);
        let mut entries = 0;
        while next < end {
            let mut step = if next == 0 {
                1 << 16
            } else {
                1 << next.trailing_zeros()
            };
            while next + step > end {
                step /= 2;
            }
            next += step;
            entries += 1;
        }
        entries
    }

    /// A range at or above this one, with at least as many ports, that [`PortRange::mask_entries`] finds 1 for; `None`
    /// when there is no such range.
    #[must_use]
    pub fn aligned(self) -> Option<Self> {
        let size = self.count().next_power_of_two();
        let first = u32::from(self.first).next_multiple_of(size);
        Self::from_start_and_count(u16::try_from(first).ok()?, size)
    }

    /// Whether `other` begins right after this one.
    #[must_use]
    pub const fn is_followed_by(self, other: Self) -> bool {
        self.last as u32 + 1 == other.first as u32
    }
}

impl fmt::Display for PortRange {
    /// `20000-20039`, or `5060` for one port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// A condition on one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PortMatch {
    /// No condition.
    #[default]
    Any,
    /// The port is inside the range.
    Range(PortRange),
}

impl PortMatch {
    /// Whether a port satisfies the condition.
    #[must_use]
    pub const fn matches(self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Range(range) => range.contains(port),
        }
    }

    /// The range, when there is a condition.
    #[must_use]
    pub const fn range(self) -> Option<PortRange> {
        match self {
            Self::Any => None,
            Self::Range(range) => Some(range),
        }
    }

    /// The ports that satisfy the condition, 0 to 65535 when there is none.
    #[must_use]
    pub const fn span(self) -> PortRange {
        match self {
            Self::Any => PortRange {
                first: 0,
                last: u16::MAX,
            },
            Self::Range(range) => range,
        }
    }
}

/// A condition on the sender's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SrcPorts(pub PortMatch);

/// A condition on the receiver's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DstPorts(pub PortMatch);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cost_entries() {
        for (first, last, entries) in [
            (20000, 20039, 2),
            (20040, 20079, 3),
            (49152, 57500, 6),
            (57501, 65535, 9),
            (5350, 5389, 6),
            (10000, 20000, 11),
            (30000, 40000, 10),
            (1024, 65535, 6),
            (16384, 32767, 1),
            (0, 65535, 1),
            (1, 65534, 30),
            (5060, 5060, 1),
        ] {
            let range = PortRange::try_new(first, last).unwrap();
            assert_eq!(range.mask_entries(), entries, "{range}");
        }
    }

    #[test]
    fn a_cheaper_range_is_aligned_and_takes_one_entry() {
        let range = |first, last| PortRange::try_new(first, last).unwrap();
        let other = range(20000, 20039).aligned().unwrap();
        assert_eq!((other, other.mask_entries()), (range(20032, 20095), 1));
        assert_eq!(range(16384, 32767).aligned(), Some(range(16384, 32767)));
        assert_eq!(range(57501, 65535).aligned(), None);
    }

    #[test]
    fn a_count_is_not_an_end() {
        let range = PortRange::from_start_and_count(20000, 40).unwrap();
        assert_eq!(
            (range.first(), range.last(), range.count()),
            (20000, 20039, 40)
        );
        let range = PortRange::from_start_and_count(60000, 100).unwrap();
        assert_eq!(range.last(), 60099);
        let range = PortRange::from_start_and_count(40803, 8348).unwrap();
        assert_eq!(range.last(), 49150);
        assert_eq!(
            PortRange::from_start_and_count(65535, 1).unwrap().last(),
            65535
        );
        assert_eq!(PortRange::from_start_and_count(65535, 2), None);
        assert_eq!(PortRange::from_start_and_count(1024, 0), None);
        assert_eq!(PortRange::from_start_and_count(1, u32::MAX), None);
    }
}
