//! The packets of one flow on their way between two points.

use perhop_policy::Dscp;

use super::clock::{Estimate, Heading};
use super::collect::Record;
use super::matching::{Basis, matched};
use super::segment::{Doubt, SegmentCounts, Spread, Transition, Transitions};
use crate::flow::DscpCounts;

/// One direction of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    heading: Heading,
    estimate: Option<Estimate>,
    /// When the upstream and the downstream point captured, each by its clock.
    up: (i64, i64),
    down: (i64, i64),
    /// The latest that a packet came over the least delay, in nanoseconds.
    latest: i64,
}

/// What became of one flow.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) counts: SegmentCounts,
    pub(super) doubt: Option<Doubt>,
    pub(super) marks: Transitions,
    /// Missing packets by their mark.
    pub(super) missing: DscpCounts,
    /// Mark upstream, upstream time and delay over the least, of packets that were matched for certain.
    pub(super) delays: Vec<(Dscp, i64, i64)>,
    /// First and last packet that both points have, by the clock of each.
    up: Option<(i64, i64)>,
    down: Option<(i64, i64)>,
}

impl Passage {
    /// `times` are those of the first and the second point.
    pub(super) const fn new(
        heading: Heading,
        estimate: Option<Estimate>,
        times: [(i64, i64); 2],
        latest: i64,
    ) -> Self {
        let [first, second] = times;
        let (up, down) = match heading {
            Heading::Forward => (first, second),
            Heading::Backward => (second, first),
        };
        Self {
            heading,
            estimate,
            up,
            down,
            latest: if latest < 0 { 0 } else { latest },
        }
    }

    /// Follows the packets of a flow; `resized` when its segments have other sizes downstream.
    pub(super) fn walk(
        &self,
        up: &[Record],
        down: &[Record],
        basis: Basis,
        resized: bool,
    ) -> Passed {
        let found = matched(up, down, basis);
        let late = |one: u32, other: u32| self.late(&up[one as usize], &down[other as usize]);
        let most = self.latest.max(LEAST_LATEST);
        let alike = match self.estimate {
            Some(_) => found.by_time(Some(&late), most),
            None => found.by_time(None, most),
        };
        let mut passed = Passed::default();
        let mut left = (vec![true; up.len()], vec![true; down.len()]);
        for (one, other) in found.sure.iter().chain(&alike) {
            left.0[*one as usize] = false;
            left.1[*other as usize] = false;
            passed.take(&up[*one as usize], &down[*other as usize]);
        }
        if self.estimate.is_some() {
            let delays = found.sure.iter().map(|(one, other)| {
                let record = &up[*one as usize];
                (record.dscp(), record.time, late(*one, *other))
            });
            passed.delays = delays.collect();
        }
        passed.counts.alike = alike.len() as u64;
        for (record, _) in up.iter().zip(&left.0).filter(|(_, left)| **left) {
            match self.would_arrive(record.time, passed.up) {
                Some(true) => passed.missing.add(record.dscp(), 1),
                Some(false) => passed.counts.undecided += 1,
                None => {}
            }
        }
        for (record, _) in down.iter().zip(&left.1).filter(|(_, left)| **left) {
            match self.would_have_left(record.time, passed.down) {
                Some(true) => passed.counts.extra += 1,
                Some(false) => passed.counts.undecided += 1,
                None => {}
            }
        }
        passed.finish(resized)
    }

    /// How much later than the least delay a packet came.
    fn late(&self, up: &Record, down: &Record) -> i64 {
        let (from, to) = match self.heading {
            Heading::Forward => (up.time, down.time),
            Heading::Backward => (down.time, up.time),
        };
        self.estimate
            .map_or(0, |one| one.late(self.heading, from, to))
    }

    /// Whether a packet would be in the downstream capture: for certain, perhaps, or not. `between` are the first and last
    /// packet of its flow that are.
    fn would_arrive(&self, time: i64, between: Option<(i64, i64)>) -> Option<bool> {
        let there = match (self.estimate, self.heading) {
            (None, _) => time,
            (Some(one), Heading::Forward) => one.forward.there(time),
            (Some(one), Heading::Backward) => one.backward.back(time),
        };
        chance(self.down, (there, there.saturating_add(self.latest)))
            .max(within(between, time).then_some(true))
    }

    /// Whether a packet would be in the upstream capture: for certain, perhaps, or not.
    fn would_have_left(&self, time: i64, between: Option<(i64, i64)>) -> Option<bool> {
        let here = match (self.estimate, self.heading) {
            (None, _) => time,
            (Some(one), Heading::Forward) => one.forward.back(time),
            (Some(one), Heading::Backward) => one.backward.there(time),
        };
        chance(self.up, (here.saturating_sub(self.latest), here))
            .max(within(between, time).then_some(true))
    }
}

/// Whether a moment somewhere in `when` lies in a capture: for certain, perhaps, or not.
fn chance(capture: (i64, i64), when: (i64, i64)) -> Option<bool> {
    let overlaps = when.0 <= capture.1 && when.1 >= capture.0;
    overlaps.then_some(when.0 >= capture.0 && when.1 <= capture.1)
}

fn within(range: Option<(i64, i64)>, time: i64) -> bool {
    range.is_some_and(|(first, last)| (first..=last).contains(&time))
}

impl Passed {
    /// How the delays spread.
    pub(super) fn spread(&self) -> Option<Spread> {
        let mut delays: Vec<i64> = self.delays.iter().map(|(_, _, delay)| *delay).collect();
        Spread::of(&mut delays)
    }

    /// Takes one packet that both points have.
    fn take(&mut self, up: &Record, down: &Record) {
        let wider = |known: Option<(i64, i64)>, time: i64| {
            let (first, last) = known.unwrap_or((time, time));
            Some((first.min(time), last.max(time)))
        };
        self.up = wider(self.up, up.time);
        self.down = wider(self.down, down.time);
        self.counts.matched += 1;
        self.marks.add(Transition {
            from: up.dscp(),
            to: down.dscp(),
            packets: 1,
            first: up.time,
            last: up.time,
        });
    }

    fn finish(mut self, resized: bool) -> Self {
        self.counts.missing = self.missing.total();
        let SegmentCounts {
            matched,
            missing,
            extra,
            ..
        } = self.counts;
        self.counts.sent = matched + missing;
        self.counts.arrived = matched + extra;
        if matched == 0 && missing >= ENOUGH && extra >= ENOUGH {
            self.doubt = Some(Doubt::Rewritten);
        } else if resized && missing + extra > 0 {
            self.doubt = Some(Doubt::Resegmented);
        }
        if self.doubt.is_some() {
            self.counts.missing = 0;
            self.counts.extra = 0;
            self.missing = DscpCounts::new();
        }
        self
    }
}

/// Packets that look alike are not taken for the same when they would have come later than this, or than any packet that is
/// certain, in nanoseconds.
const LEAST_LATEST: i64 = 20_000_000;
/// So many packets of a flow at each point, and none the same, are not by chance.
const ENOUGH: u64 = 5;
