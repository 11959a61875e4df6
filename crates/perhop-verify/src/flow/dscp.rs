//! Packets per DSCP, small while there is one value.

use std::fmt;

use perhop_wire::field::Dscp;

/// Packets per DSCP.
#[derive(Clone, Default)]
pub struct DscpCounts(Repr);

#[derive(Clone, Default)]
enum Repr {
    #[default]
    Empty,
    One(Dscp, u64),
    Many(Box<[u64; 64]>),
}

impl DscpCounts {
    /// No packets.
    #[must_use]
    pub const fn new() -> Self {
        Self(Repr::Empty)
    }

    /// Adds packets of one value.
    pub fn add(&mut self, dscp: Dscp, packets: u64) {
        if packets == 0 {
            return;
        }
        match &mut self.0 {
            Repr::Empty => self.0 = Repr::One(dscp, packets),
            Repr::One(value, count) if *value == dscp => *count += packets,
            Repr::One(value, count) => {
                let mut all = Box::new([0; 64]);
                all[usize::from(value.value())] = *count;
                all[usize::from(dscp.value())] = packets;
                self.0 = Repr::Many(all);
            }
            Repr::Many(all) => all[usize::from(dscp.value())] += packets,
        }
    }

    /// Adds another count.
    pub fn merge(&mut self, other: &Self) {
        for (dscp, packets) in other.iter() {
            self.add(dscp, packets);
        }
    }

    /// Packets that had this value.
    #[must_use]
    pub fn get(&self, dscp: Dscp) -> u64 {
        match &self.0 {
            Repr::Empty => 0,
            Repr::One(value, count) => u64::from(*value == dscp) * *count,
            Repr::Many(all) => all[usize::from(dscp.value())],
        }
    }

    /// Values that were seen and their packets, in order of value.
    pub fn iter(&self) -> impl Iterator<Item = (Dscp, u64)> + '_ {
        let (one, all): (Option<(Dscp, u64)>, &[u64]) = match &self.0 {
            Repr::Empty => (None, &[]),
            Repr::One(value, count) => (Some((*value, *count)), &[]),
            Repr::Many(all) => (None, &all[..]),
        };
        let many = (0u8..).zip(all).filter(|(_, count)| **count > 0);
        one.into_iter()
            .chain(many.filter_map(|(value, count)| Some((Dscp::try_new(value)?, *count))))
    }

    /// All packets.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, packets)| packets).sum()
    }

    /// How many different values were seen.
    #[must_use]
    pub fn values(&self) -> usize {
        self.iter().count()
    }

    /// Whether no packet was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, Repr::Empty)
    }

    /// The value when there was just one.
    #[must_use]
    pub fn only(&self) -> Option<Dscp> {
        let mut values = self.iter();
        let first = values.next();
        first
            .filter(|_| values.next().is_none())
            .map(|(dscp, _)| dscp)
    }

    /// The value most packets had; of several, the smallest.
    #[must_use]
    pub fn most(&self) -> Option<Dscp> {
        let best = self
            .iter()
            .max_by_key(|(dscp, count)| (*count, !dscp.value()));
        best.map(|(dscp, _)| dscp)
    }
}

impl PartialEq for DscpCounts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for DscpCounts {}

impl fmt::Debug for DscpCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(dscp, count)| (dscp.value(), count)))
            .finish()
    }
}

impl FromIterator<(Dscp, u64)> for DscpCounts {
    fn from_iter<T: IntoIterator<Item = (Dscp, u64)>>(values: T) -> Self {
        let mut counts = Self::new();
        for (dscp, packets) in values {
            counts.add(dscp, packets);
        }
        counts
    }
}

/// A packet that had another DSCP than the packet of its flow before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DscpChange {
    /// Number of the packet in its flow, from 0.
    pub packet: u64,
    /// Number of the packet in the capture, from 1, as Wireshark counts.
    pub frame: u64,
    /// Its time in nanoseconds since 1970.
    pub time: i64,
    /// The value before.
    pub from: Dscp,
    /// The value it had.
    pub to: Dscp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dscp(value: u8) -> Dscp {
        Dscp::try_new(value).unwrap()
    }

    #[test]
    fn one_value_needs_no_table() {
        let mut counts = DscpCounts::new();
        counts.add(Dscp::EF, 3);
        counts.add(Dscp::EF, 2);
        assert_eq!(counts.only(), Some(Dscp::EF));
        counts.add(Dscp::DF, 5);
        assert_eq!((counts.only(), counts.values()), (None, 2));
        assert_eq!(counts.most(), Some(Dscp::DF), "of equals, the smallest");
        assert_eq!(format!("{counts:?}"), "{0: 5, 46: 5}");
    }

    proptest! {
        #[test]
        fn sums_do_not_depend_on_order(adds in proptest::collection::vec((0u8..64, 0u64..9), 0..40), cut in 0usize..40) {
            let counts: DscpCounts = adds.iter().map(|(v, n)| (dscp(*v), *n)).collect();
            let (one, two) = adds.split_at(cut.min(adds.len()));
            let mut merged: DscpCounts = two.iter().rev().map(|(v, n)| (dscp(*v), *n)).collect();
            merged.merge(&one.iter().map(|(v, n)| (dscp(*v), *n)).collect());
            prop_assert_eq!(&merged, &counts);
            prop_assert_eq!(counts.total(), adds.iter().map(|(_, n)| n).sum::<u64>());
            for value in 0..64 {
                let expected: u64 = adds.iter().filter(|(v, _)| *v == value).map(|(_, n)| n).sum();
                prop_assert_eq!(counts.get(dscp(value)), expected);
            }
        }
    }
}
