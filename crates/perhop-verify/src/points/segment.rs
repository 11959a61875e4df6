//! What happened between two points.

use perhop_policy::{ClassId, Dscp};

use super::clock::{Clock, Heading};
use super::pair::Alike;
use crate::flow::FlowKey;

/// What happened to packets between two points that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Index of the first point.
    pub from: usize,
    /// Index of the second point.
    pub to: usize,
    /// How the clocks go together; `None` when no packet is certainly at both.
    pub clock: Option<Clock>,
    /// The time in which both points captured, in nanoseconds since 1970 by the first point's clock; `None` when there is
    /// none.
    pub overlap: Option<(i64, i64)>,
    /// Of traffic that is neither media nor under the plan, one packet of so many was compared.
    pub one_in: u64,
    /// Flows that both points have, by the first point's.
    pub flows: Vec<SegmentFlow>,
    /// Flows that only one point has in the time of both, those with most packets first.
    pub alone: Vec<LoneFlow>,
    /// Sums by direction and class.
    pub classes: Vec<SegmentClass>,
    /// How long the plan's marks queue, held against unmarked packets at the same time.
    pub queues: Vec<Queue>,
}

impl Segment {
    /// Packets that both points have.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.flows.iter().map(|flow| flow.counts.matched).sum()
    }

    /// Directions that packets were matched in.
    pub fn headings(&self) -> impl Iterator<Item = Heading> + '_ {
        [Heading::Forward, Heading::Backward]
            .into_iter()
            .filter(|heading| {
                let mut flows = self.flows.iter();
                flows.any(|flow| flow.heading == *heading && flow.counts.matched > 0)
            })
    }
}

/// One flow at both points.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentFlow {
    /// Its 5-tuple at the first and at the second point.
    pub keys: [FlowKey; 2],
    /// How the two go together.
    pub alike: Alike,
    /// Which way it went.
    pub heading: Heading,
    /// What tells the direction.
    pub told_by: ToldBy,
    /// Its class, by the rule that holds it where it was sent, else by its payload.
    pub class: Option<ClassId>,
    /// Its planned marks; empty when no rule holds it.
    pub expected: Vec<Dscp>,
    /// Packets.
    pub counts: SegmentCounts,
    /// Whether packets that were not matched mean anything.
    pub doubt: Option<Doubt>,
    /// Marks upstream and downstream.
    pub marks: Transitions,
    /// Routers between the points: time to live upstream less downstream. `None` when no packet was matched, and for
    /// relayed flows, as a relay begins anew.
    pub hops: Option<i16>,
    /// Delays over the least of the segment.
    pub delay: Option<Spread>,
}

/// What tells the direction of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToldBy {
    /// The time to live is less downstream.
    Ttl,
    /// The flow of the other direction, whose packets are earlier at the other point.
    OtherDirection,
    /// Nothing: the order in which the points were given.
    Order,
}

/// Packets of a flow or class. What counts is the time of both points, after the clocks are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentCounts {
    /// Packets upstream.
    pub sent: u64,
    /// Packets downstream.
    pub arrived: u64,
    /// Packets at both.
    pub matched: u64,
    /// Of those, packets that look like others of their flow and were matched by time or order.
    pub alike: u64,
    /// Packets upstream that are not downstream.
    pub missing: u64,
    /// Packets downstream that are not upstream.
    pub extra: u64,
    /// Packets of one point, so near to an end of the time of both that the other may just have missed them. They are counted
    /// nowhere else.
    pub undecided: u64,
}

impl SegmentCounts {
    /// Share of the packets upstream that are not downstream, 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        if self.sent == 0 {
            return 0.0;
        }
        self.missing as f64 / self.sent as f64
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.arrived += other.arrived;
        self.matched += other.matched;
        self.alike += other.alike;
        self.missing += other.missing;
        self.extra += other.extra;
        self.undecided += other.undecided;
    }
}

/// Why packets of a flow that were not matched are neither missing nor extra.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// TCP segments have other boundaries at the other point: a network card divides or joins them.
    Resegmented,
    /// Both points have packets of the flow at the same time, and none is the same: something on the way writes new ones.
    Rewritten,
}

impl Doubt {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resegmented => "resegmented",
            Self::Rewritten => "rewritten",
        }
    }
}

/// A flow that one point has while both captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoneFlow {
    /// Index of the point.
    pub point: usize,
    /// Its 5-tuple there.
    pub key: FlowKey,
    /// Packets in the time of both points.
    pub packets: u64,
    /// Its class.
    pub class: Option<ClassId>,
    /// A rule holds it.
    pub planned: bool,
    /// Whether other flows between the same two addresses were seen at both points, the same way.
    pub neighbours: bool,
}

/// Sums over the flows of a class that went one way.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentClass {
    /// Which way.
    pub heading: Heading,
    /// The class; `None` for what no rule holds and whose payload tells none.
    pub class: Option<ClassId>,
    /// Flows.
    pub flows: u64,
    /// Packets.
    pub counts: SegmentCounts,
    /// Marks upstream and downstream.
    pub marks: Transitions,
    /// Delays over the least of the segment.
    pub delay: Option<Spread>,
    /// The same by the mark upstream.
    pub by_mark: Vec<SentMark>,
}

/// Packets of a class that had one mark upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentMark {
    /// The mark upstream.
    pub mark: Dscp,
    /// Packets upstream.
    pub sent: u64,
    /// Of those, packets that are not downstream.
    pub missing: u64,
    /// Delays over the least of the segment.
    pub delay: Option<Spread>,
}

impl SentMark {
    /// Share of the packets upstream that are not downstream, 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        if self.sent == 0 {
            return 0.0;
        }
        self.missing as f64 / self.sent as f64
    }
}

/// How many packets had which mark upstream and which downstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transitions(Vec<Transition>);

/// Packets with one mark upstream and one downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The mark upstream.
    pub from: Dscp,
    /// The mark downstream.
    pub to: Dscp,
    /// Packets.
    pub packets: u64,
    /// Upstream time of the first of them, in nanoseconds since 1970 by that point's clock.
    pub first: i64,
    /// Upstream time of the last.
    pub last: i64,
}

impl Transitions {
    /// All of them, by the marks.
    pub fn iter(&self) -> impl Iterator<Item = &Transition> + '_ {
        self.0.iter()
    }

    /// Those that change the mark.
    pub fn changes(&self) -> impl Iterator<Item = &Transition> + '_ {
        self.0.iter().filter(|one| one.from != one.to)
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, from: Dscp, to: Dscp) -> Option<&Transition> {
        let found = self
            .0
            .binary_search_by_key(&(from, to), |one| (one.from, one.to));
        found.ok().map(|at| &self.0[at])
    }

    /// Packets with a mark upstream.
    #[must_use]
    pub fn sent_with(&self, mark: Dscp) -> u64 {
        let with = self.0.iter().filter(|one| one.from == mark);
        with.map(|one| one.packets).sum()
    }

    pub(super) fn add(&mut self, other: Transition) {
        let key = (other.from, other.to);
        match self.0.binary_search_by_key(&key, |one| (one.from, one.to)) {
            Ok(at) => {
                let one = &mut self.0[at];
                one.packets += other.packets;
                one.first = one.first.min(other.first);
                one.last = one.last.max(other.last);
            }
            Err(at) => self.0.insert(at, other),
        }
    }
}

/// Delays of some packets, in nanoseconds over the least delay of the segment in their direction. A packet a little faster
/// than that counts as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Packets.
    pub packets: u64,
    /// Least.
    pub least: i64,
    /// Half of the packets took no longer.
    pub p50: i64,
    /// 95 of 100 took no longer.
    pub p95: i64,
    /// 99 of 100 took no longer.
    pub p99: i64,
    /// Largest.
    pub largest: i64,
}

impl Spread {
    /// Of some delays; sorts them.
    pub(super) fn of(delays: &mut [i64]) -> Option<Self> {
        delays.sort_unstable();
        // The nearest rank: the least value that so many are not above.
        let rank =
            |percent: usize| delays[(delays.len() * percent).div_ceil(100).max(1) - 1].max(0);
        Some(Self {
            packets: delays.len() as u64,
            least: (*delays.first()?).max(0),
            p50: rank(50),
            p95: rank(95),
            p99: rank(99),
            largest: rank(100),
        })
    }
}

/// How long packets with a mark queued, while unmarked ones queued too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// Which way.
    pub heading: Heading,
    /// The mark upstream.
    pub mark: Dscp,
    /// The mark that most of these packets had downstream.
    pub arrives: Dscp,
    /// Packets with the mark.
    pub packets: u64,
    /// Unmarked packets.
    pub unmarked: u64,
    /// Windows of time in which there were both and unmarked packets queued.
    pub windows: u64,
    /// Mean delay of the marked packets over the least, in nanoseconds; each window counts the same.
    pub mean: i64,
    /// Mean delay of the unmarked packets.
    pub unmarked_mean: i64,
}

impl Queue {
    /// Packets and windows that are enough to say something.
    #[must_use]
    pub const fn is_telling(&self) -> bool {
        self.packets >= 50 && self.unmarked >= 50 && self.windows >= 5
    }

    /// Delay of the marked packets in parts of that of the unmarked ones: near 0 when the mark takes them past the queue, 1
    /// when they wait in it.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.unmarked_mean <= 0 {
            return 0.0;
        }
        self.mean as f64 / self.unmarked_mean as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_are_nearest_ranks(mut delays in proptest::collection::vec(0i64..10_000, 1..300)) {
            let spread = Spread::of(&mut delays).unwrap();
            for (percent, value) in [(50, spread.p50), (95, spread.p95), (99, spread.p99), (100, spread.largest)] {
                let not_above = delays.iter().filter(|one| **one <= value).count();
                let below = delays.iter().filter(|one| **one < value).count();
                prop_assert!(not_above * 100 >= delays.len() * percent);
                prop_assert!(below * 100 < delays.len() * percent);
            }
            prop_assert_eq!(spread.least, delays[0]);
        }
    }

    #[test]
    fn no_delays_no_spread() {
        assert_eq!(Spread::of(&mut []), None);
    }
}
