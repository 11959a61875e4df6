//! Extended sequence numbers: what came, what is missing, what came twice or late.
//!
//! Nothing is written for a packet that follows its predecessor. Missing numbers are a short list of holes, so late
//! packets are told from duplicates exactly within [`FURTHEST_BACK`].

use super::BurstReport;
use super::burst::{Bursts, Hole};

/// Where a packet stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Right after the highest, or after a gap.
    Ahead,
    /// After a higher one, filling a hole or lying before the first.
    Late,
    /// Its number had come before.
    Duplicate,
    /// Too far ahead or behind to belong here.
    Jump,
}

/// What numbers out of their order leave behind.
#[derive(Debug, Clone, Default)]
pub(super) struct Gaps {
    /// How far the lowest number lies below the first.
    pub(super) lowered: u32,
    pub(super) duplicates: u32,
    pub(super) reordered: u32,
    runs: u32,
    longest_run: u32,
    /// Those that late packets may still fill.
    holes: Vec<Hole>,
    /// Of holes that nothing fills any more.
    bursts: Bursts,
}

/// The extended number of a stream's first packet; the extended numbers start one cycle up, so that earlier ones can be
/// told.
pub(super) fn extended(sequence: u16) -> u32 {
    0x1_0000 | u32::from(sequence)
}

/// Places a packet `step` numbers from the highest, and moves the highest. `base` is the lowest; `gaps` gives what is
/// written to when the packet does not follow its predecessor.
pub(super) fn place<'a>(
    base: &mut u32,
    highest: &mut u32,
    step: i16,
    gaps: impl FnOnce() -> &'a mut Gaps,
) -> Place {
    match step {
        1 => *highest = highest.wrapping_add(1),
        2..=FURTHEST => {
            let to = highest.wrapping_add(u32::from(step.unsigned_abs()));
            gaps().open(*highest, highest.wrapping_add(1), to.wrapping_sub(1));
            *highest = to;
        }
        FURTHEST_BACK..=0 => {
            let number = highest.wrapping_sub(u32::from(step.unsigned_abs()));
            return gaps().late(base, *highest, number);
        }
        _ => return Place::Jump,
    }
    Place::Ahead
}

impl Gaps {
    /// Runs of missing numbers, and the longest.
    pub(super) fn runs(&self) -> (u32, u32) {
        let open = self.holes.iter().map(|hole| hole.len());
        (self.runs, open.fold(self.longest_run, u32::max))
    }

    /// Bursts of loss.
    pub(super) fn bursts(&self) -> BurstReport {
        let mut bursts = self.bursts.clone();
        let mut holes = self.holes.clone();
        holes.sort_unstable();
        holes.into_iter().for_each(|hole| bursts.take(hole));
        bursts.finish()
    }

    fn open(&mut self, highest: u32, first: u32, last: u32) {
        let old =
            |hole: &Hole| highest.wrapping_sub(hole.last) > u32::from(FURTHEST_BACK.unsigned_abs());
        for hole in self.holes.iter().filter(|hole| old(hole)) {
            self.longest_run = self.longest_run.max(hole.len());
            self.bursts.take(*hole);
        }
        self.holes.retain(|hole| !old(hole));
        if self.holes.capacity() == 0 {
            self.holes.reserve_exact(FEW_HOLES);
        }
        self.holes.push(Hole { first, last });
        self.runs += 1;
    }

    fn late(&mut self, base: &mut u32, highest: u32, number: u32) -> Place {
        if number < *base {
            if *base - number > 1 {
                self.open(highest, number + 1, *base - 1);
            }
            self.lowered += *base - number;
            *base = number;
        } else if !self.fill(number) {
            self.duplicates += 1;
            return Place::Duplicate;
        }
        self.reordered += 1;
        Place::Late
    }

    /// Takes a number out of the hole it lies in; false when it lies in none.
    fn fill(&mut self, number: u32) -> bool {
        let within = |hole: &Hole| (hole.first..=hole.last).contains(&number);
        let holes = &mut self.holes;
        let Some(at) = holes.iter().position(within) else {
            return false;
        };
        let hole = holes[at];
        match (number == hole.first, number == hole.last) {
            (true, true) => {
                holes.remove(at);
                self.runs -= 1;
            }
            (true, false) => holes[at].first += 1,
            (false, true) => holes[at].last -= 1,
            (false, false) => {
                holes[at].last = number - 1;
                let rest = Hole {
                    first: number + 1,
                    last: hole.last,
                };
                holes.insert(at + 1, rest);
                self.runs += 1;
            }
        }
        true
    }
}

/// A packet may be this far behind the highest and still belong to the stream.
const FURTHEST_BACK: i16 = -1024;
/// A packet may be this far ahead of the highest and still belong to the stream (`MAX_DROPOUT` of RFC 3550 appendix
/// A.1).
const FURTHEST: i16 = 3000;
/// Room for so many holes is made with the first: as many as the least piece of memory holds.
const FEW_HOLES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// What numbers lead to.
    struct Fed {
        base: u32,
        highest: u32,
        received: u32,
        gaps: Gaps,
    }

    impl Fed {
        fn missing(&self) -> u32 {
            self.highest - self.base + 1 - (self.received - self.gaps.duplicates)
        }
    }

    /// Feeds extended numbers.
    fn feed(numbers: &[u32]) -> Fed {
        let first = extended(numbers[0] as u16);
        let mut fed = Fed {
            base: first,
            highest: first,
            received: 1,
            gaps: Gaps::default(),
        };
        for number in &numbers[1..] {
            let step = (*number as u16)
                .wrapping_sub(fed.highest as u16)
                .cast_signed();
            let gaps = &mut fed.gaps;
            if place(&mut fed.base, &mut fed.highest, step, || gaps) != Place::Jump {
                fed.received += 1;
            }
        }
        fed
    }

    /// RFC 3611 section 4.7.2 as it reads: losses with fewer than 16 packets between them go together, and a loss by itself
    /// is none.
    fn bursts_of(missing: &[u32]) -> BurstReport {
        let mut report = BurstReport::default();
        for group in missing.chunk_by(|one, two| two - one - 1 < 16) {
            if let [first, .., last] = group {
                report.bursts += 1;
                report.lost += group.len() as u64;
                report.packets += u64::from(last - first) + 1;
            }
        }
        report
    }

    #[test]
    fn numbers_wrap() {
        let numbers: Vec<u32> = (65530..65545).collect();
        let fed = feed(&numbers);
        assert_eq!((fed.missing(), fed.highest - fed.base), (0, 14));
    }

    #[test]
    fn a_late_packet_before_the_first_lowers_the_base() {
        let fed = feed(&[100, 101, 97, 102]);
        assert_eq!((fed.missing(), fed.gaps.lowered), (2, 3));
        assert_eq!((fed.gaps.reordered, fed.gaps.runs()), (1, (1, 2)));
    }

    #[test]
    fn jumps_do_not_belong() {
        let mut gaps = Gaps::default();
        let (mut base, mut highest) = (extended(10), extended(10));
        for (step, expected) in [
            (3001, Place::Jump),
            (-1025, Place::Jump),
            (3000, Place::Ahead),
        ] {
            let gaps = &mut gaps;
            assert_eq!(place(&mut base, &mut highest, step, || gaps), expected);
        }
        assert_eq!(gaps.runs(), (1, 2999));
    }

    proptest! {
        /// Loss, duplication and reordering that are put in come out.
        #[test]
        fn what_was_done_to_a_stream_is_told(
            start in 0u32..70_000,
            fate in proptest::collection::vec((0u8..20, 0usize..60), 2..400),
        ) {
            let mut numbers: Vec<u32> = Vec::new();
            let mut duplicates = 0;
            for (index, (kind, _)) in fate.iter().enumerate() {
                let number = start + index as u32;
                if *kind > 2 || index == 0 {
                    numbers.push(number);
                }
                if *kind == 19 {
                    numbers.push(number);
                    duplicates += 1;
                }
            }
            for (index, (kind, shift)) in fate.iter().enumerate() {
                let to = index + shift;
                if *kind == 10 && to < numbers.len() {
                    let number = numbers.remove(index);
                    numbers.insert(to, number);
                }
            }
            let mut seen = BTreeSet::new();
            let mut reordered = 0;
            for number in &numbers {
                let late = seen.last().is_some_and(|highest| highest > number);
                reordered += u32::from(seen.insert(*number) && late);
            }
            let (lowest, highest) = (*seen.first().unwrap(), *seen.last().unwrap());
            let missing: Vec<u32> = (lowest..highest).filter(|n| !seen.contains(n)).collect();
            let runs = missing.iter().filter(|n| seen.contains(&(**n - 1))).count() as u32;

            let fed = feed(&numbers);
            prop_assert_eq!(fed.received as usize, numbers.len());
            prop_assert_eq!(fed.gaps.duplicates, duplicates);
            prop_assert_eq!(fed.gaps.reordered, reordered);
            prop_assert_eq!(fed.gaps.lowered, extended(numbers[0] as u16) - fed.base);
            prop_assert_eq!(fed.missing() as usize, missing.len());
            prop_assert_eq!(fed.gaps.runs().0, runs);
            prop_assert_eq!(fed.gaps.bursts(), bursts_of(&missing));
        }
    }
}
