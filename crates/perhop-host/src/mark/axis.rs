//! One condition of all regions: a line of numbers, cut where the set of regions changes.

use std::collections::BTreeMap;

/// A set of regions, bit `i` of the words for region `i`.
pub type Bits = Vec<u64>;

/// The numbers 0 to `highest`, cut into stretches; each stretch has a class, each class a set of regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// First number and class of each stretch, ascending, the first at 0.
    pub stretches: Vec<(u128, u32)>,
    /// The regions of each class.
    pub classes: Vec<Bits>,
    /// Last number of the last stretch.
    pub highest: u128,
}

/// A prefix of the address line: the address' high bits, their number, the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// Lowest address.
    pub first: u128,
    /// Length, bits.
    pub len: u8,
    /// Class.
    pub class: u32,
}

impl Axis {
    /// Cuts the line by the intervals of each region, given as (region, first, last).
    #[must_use]
    pub fn new(
        regions: usize,
        highest: u128,
        intervals: impl Iterator<Item = (usize, u128, u128)>,
    ) -> Self {
        let mut changes: BTreeMap<u128, Vec<(usize, bool)>> = BTreeMap::new();
        changes.entry(0).or_default();
        for (region, first, last) in intervals {
            changes.entry(first).or_default().push((region, true));
            if last < highest {
                changes.entry(last + 1).or_default().push((region, false));
            }
        }
        let mut known: BTreeMap<Bits, u32> = BTreeMap::new();
        let mut axis = Self {
            stretches: Vec::new(),
            classes: Vec::new(),
            highest,
        };
        let mut bits = vec![0u64; regions.div_ceil(64).max(1)];
        for (first, mut here) in changes {
            // A region may end where its next interval begins.
            here.sort_by_key(|&(_, begins)| begins);
            for (region, begins) in here {
                let bit = 1 << (region % 64);
                if begins {
                    bits[region / 64] |= bit;
                } else {
                    bits[region / 64] &= !bit;
                }
            }
            let class = *known.entry(bits.clone()).or_insert_with(|| {
                axis.classes.push(bits.clone());
                axis.classes.len() as u32 - 1
            });
            if axis.stretches.last().map(|&(_, last)| last) != Some(class) {
                axis.stretches.push((first, class));
            }
        }
        axis
    }

    /// Whether the number decides anything.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.stretches.len() > 1
    }

    /// The stretches with their last numbers: first, last, class.
    pub fn spans(&self) -> impl Iterator<Item = (u128, u128, u32)> + '_ {
        let ends = self.stretches.iter().skip(1).map(|&(next, _)| next - 1);
        self.stretches
            .iter()
            .zip(ends.chain([self.highest]))
            .map(|(&(first, class), last)| (first, last, class))
    }

    /// The line as prefixes of numbers of `bits` bits: of those that hold a number, the longest has its class. One of
    /// length 0 is always there.
    #[must_use]
    pub fn prefixes(&self, bits: u8) -> Vec<Prefix> {
        let mut share: BTreeMap<u32, u32> = BTreeMap::new();
        for (_, class) in &self.stretches {
            *share.entry(*class).or_default() += 1;
        }
        let common = share.iter().max_by_key(|&(_, count)| count);
        let common = common.map_or(0, |(&class, _)| class);
        let mut out = vec![Prefix {
            first: 0,
            len: 0,
            class: common,
        }];
        for (first, last, class) in self.spans() {
            if class != common {
                cover(bits, first, last, class, &mut out);
            }
        }
        out
    }
}

/// The fewest aligned powers of two that cover the stretch.
fn cover(bits: u8, mut first: u128, last: u128, class: u32, out: &mut Vec<Prefix>) {
    loop {
        let mut free = first.trailing_zeros().min(u32::from(bits));
        while free > 0 && (free == 128 || last - first < (1u128 << free) - 1) {
            if free == 128 && first == 0 && last == u128::MAX {
                break;
            }
            free -= 1;
        }
        out.push(Prefix {
            first,
            len: bits - free as u8,
            class,
        });
        let size_less_one = if free == 128 {
            u128::MAX
        } else {
            (1u128 << free) - 1
        };
        let end = first + size_less_one;
        if end >= last {
            return;
        }
        first = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn class_of(axis: &Axis, number: u128) -> u32 {
        let found = axis
            .spans()
            .find(|&(first, last, _)| first <= number && number <= last);
        found.unwrap().2
    }

    #[test]
    fn the_whole_line_is_one_prefix() {
        let axis = Axis::new(1, u128::MAX, [(0, 0, u128::MAX)].into_iter());
        assert!(!axis.is_needed());
        assert_eq!(axis.prefixes(128).len(), 1);
        let half = Axis::new(1, u128::MAX, [(0, 1 << 127, u128::MAX)].into_iter());
        assert_eq!(half.prefixes(128).len(), 2);
    }

    proptest! {
        #[test]
        fn every_number_finds_its_regions(
            intervals in prop::collection::vec((0usize..70, 0u32..=255, 0u32..=255), 0..20),
            number in 0u32..=255,
        ) {
            let intervals: Vec<(usize, u128, u128)> = intervals
                .into_iter()
                .enumerate()
                .map(|(i, (_, a, b))| (i, u128::from(a.min(b)), u128::from(a.max(b))))
                .collect();
            let axis = Axis::new(70, 255, intervals.iter().copied());
            let number = u128::from(number);
            let bits = &axis.classes[class_of(&axis, number) as usize];
            for &(region, first, last) in &intervals {
                let inside = first <= number && number <= last;
                prop_assert_eq!(bits[region / 64] >> (region % 64) & 1 == 1, inside);
            }
            let longest = axis
                .prefixes(8)
                .into_iter()
                .filter(|p| p.len == 0 || (number ^ p.first) >> (8 - p.len) == 0)
                .max_by_key(|p| p.len)
                .unwrap();
            prop_assert_eq!(longest.class, class_of(&axis, number));
        }
    }
}
