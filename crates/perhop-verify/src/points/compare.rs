//! Two points: pairs of flows, directions, clocks, then the packets of every flow.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use perhop_policy::{ClassId, Dscp, PolicySet};

use super::clock::{ClockBasis, Estimate, Extremes, Heading, Windows};
use super::collect::{Record, Trace};
use super::matching::{Basis, matched};
use super::pair::{Alike, Pair, pairs};
use super::passage::Passage;
use super::segment::{LoneFlow, Segment, SegmentFlow, ToldBy};
use super::sums::Sums;
use crate::flow::FlowKey;
use crate::report::{self, Report};
use crate::source::{FlowSource, Index};

/// One point: its captures as flows, judged, and the packets that were kept.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    /// Its name, for texts.
    pub name: &'a str,
    /// Its packets.
    pub trace: &'a Trace,
    /// Its flows.
    pub flows: FlowSource<'a>,
    /// What they are, held against the plan.
    pub report: &'a Report,
    /// Packets that its captures say they lost.
    pub dropped: u64,
}

/// Compares points that follow each other, in the order in which they are given.
///
/// All traces must have been collected with one policy and one seed.
#[must_use]
pub fn compare(policy: &PolicySet, points: &[Point<'_>]) -> Vec<Segment> {
    let indices: Vec<Index<'_>> = points.iter().map(|point| Index::new(point.flows)).collect();
    (1..points.len())
        .map(|to| {
            let sides = [
                Side::new(policy, &points[to - 1], &indices[to - 1]),
                Side::new(policy, &points[to], &indices[to]),
            ];
            Comparison::new(policy, sides).segment(to - 1, to)
        })
        .collect()
}

/// A point, and what its flows are.
#[derive(Debug, Clone, Copy)]
struct Side<'a> {
    policy: &'a PolicySet,
    trace: &'a Trace,
    flows: &'a Report,
    index: &'a Index<'a>,
}

/// What the plan has to say of a flow.
#[derive(Debug, Clone, Default)]
struct Planned {
    class: Option<ClassId>,
    expected: Vec<Dscp>,
}

impl<'a> Side<'a> {
    const fn new(policy: &'a PolicySet, point: &Point<'a>, index: &'a Index<'a>) -> Self {
        Self {
            policy,
            trace: point.trace,
            flows: point.report,
            index,
        }
    }

    fn planned(&self, key: FlowKey) -> Planned {
        let Some(judged) = self.index.find(key).map(|at| &self.flows.flows[at]) else {
            return Planned::default();
        };
        Planned {
            class: report::class_of(self.policy, judged),
            expected: if judged.is_planned() {
                judged.expected.clone()
            } else {
                Vec::new()
            },
        }
    }
}

/// What a pair of flows shows before the clocks are known.
#[derive(Debug, Clone)]
struct Sight {
    extremes: Vec<Extremes>,
    samples: u64,
    /// Time to live at the first point less that at the second, of most packets.
    ttl: Option<i16>,
    heading: Option<(Heading, ToldBy)>,
}

struct Comparison<'a> {
    policy: &'a PolicySet,
    sides: [Side<'a>; 2],
    pairs: Vec<Pair>,
    windows: Windows,
}

impl<'a> Comparison<'a> {
    fn new(policy: &'a PolicySet, sides: [Side<'a>; 2]) -> Self {
        Self {
            policy,
            sides,
            pairs: pairs(sides[0].trace, sides[1].trace),
            windows: Windows::over(sides[0].trace.time.unwrap_or((0, 0))),
        }
    }

    fn segment(&self, from: usize, to: usize) -> Segment {
        let sights = self.headings(self.pairs.iter().map(|pair| self.look(pair)).collect());
        let estimate = estimate(&sights);
        let passages = [Heading::Forward, Heading::Backward]
            .map(|heading| self.passage(heading, estimate, &sights));
        let mut sums = Sums::new(self.policy, self.sides[0].trace.time.unwrap_or((0, 0)));
        let mut flows = Vec::with_capacity(self.pairs.len());
        for (pair, sight) in self.pairs.iter().zip(&sights) {
            flows.push(self.flow(pair, sight, &passages, &mut sums));
        }
        let main = match estimate.map(|one| one.clock.basis) {
            Some(ClockBasis::OneWay(Heading::Backward)) => Heading::Backward,
            _ => Heading::Forward,
        };
        let overlap = overlap(&self.sides, estimate.as_ref(), main);
        let alone =
            overlap.map_or_else(Vec::new, |overlap| self.alone(&overlap, [from, to], &flows));
        let (classes, queues) = sums.finish();
        Segment {
            from,
            to,
            clock: estimate.map(|one| one.clock),
            overlap: overlap.map(|[own, _]| own),
            one_in: self.sides[0]
                .trace
                .one_in()
                .max(self.sides[1].trace.one_in()),
            flows,
            alone,
            classes,
            queues,
        }
    }

    /// The records of a pair that both points would have kept.
    fn records(&self, pair: &Pair) -> [Cow<'a, [Record]>; 2] {
        let traces = [self.sides[0].trace, self.sides[1].trace];
        let places = [pair.from, pair.to];
        let mask = traces[0].mask_of(pair.from) | traces[1].mask_of(pair.to);
        [0, 1].map(|side| {
            let records = traces[side].records(places[side]);
            if mask == 0 {
                return Cow::Borrowed(records);
            }
            let both = |record: &&Record| record.is_rtp() || record.brief & mask == 0;
            Cow::Owned(records.iter().filter(both).copied().collect())
        })
    }

    fn basis(&self, pair: &Pair) -> Basis {
        let cut =
            self.sides[0].trace.flows[pair.from].cut || self.sides[1].trace.flows[pair.to].cut;
        if pair.alike == Alike::Same && !cut {
            Basis::Content
        } else {
            Basis::Brief
        }
    }

    fn look(&self, pair: &Pair) -> Sight {
        let [a, b] = self.records(pair);
        let mut windows: BTreeMap<u32, Extremes> = BTreeMap::new();
        let mut ttls: BTreeMap<i16, u64> = BTreeMap::new();
        let sure = matched(&a, &b, self.basis(pair)).sure;
        for (one, other) in &sure {
            let (one, other) = (&a[*one as usize], &b[*other as usize]);
            let seen = (one.time, other.time.saturating_sub(one.time));
            let window = self.windows.of(one.time);
            let known = windows.entry(window).or_insert(Extremes {
                window,
                packets: 0,
                least: seen,
                largest: seen,
            });
            known.packets += 1;
            // Of equal differences the earliest counts: packets come here in an order that depends on the seed.
            let (time, difference) = seen;
            if (difference, time) < (known.least.1, known.least.0) {
                known.least = seen;
            }
            if (difference, known.largest.0) > (known.largest.1, time) {
                known.largest = seen;
            }
            *ttls
                .entry(i16::from(one.ttl) - i16::from(other.ttl))
                .or_default() += 1;
        }
        let ttl = ttls.into_iter().max_by_key(|(_, packets)| *packets);
        let ttl = ttl
            .map(|(ttl, _)| ttl)
            .filter(|_| pair.alike != Alike::Neither);
        let heading = ttl.filter(|ttl| *ttl != 0).map(|ttl| {
            let forward = ttl > 0;
            (heading(forward), ToldBy::Ttl)
        });
        Sight {
            extremes: windows.into_values().collect(),
            samples: sure.len() as u64,
            ttl,
            heading,
        }
    }

    /// Fills in directions that times to live do not tell, from flows of the other direction.
    fn headings(&self, mut sights: Vec<Sight>) -> Vec<Sight> {
        let flows = &self.sides[0].trace.flows;
        let by_key: HashMap<FlowKey, usize> = self
            .pairs
            .iter()
            .enumerate()
            .map(|(at, pair)| (flows[pair.from].key, at))
            .collect();
        for (at, pair) in self.pairs.iter().enumerate() {
            let reversed = flows[pair.from].key.reversed();
            let Some(&other) = by_key.get(&reversed).filter(|other| **other != at) else {
                continue;
            };
            if sights[at].heading.is_some() {
                continue;
            }
            sights[at].heading = match sights[other].heading {
                Some((heading, _)) => Some((heading.reversed(), ToldBy::OtherDirection)),
                None => by_times(&sights[at].extremes, &sights[other].extremes)
                    .map(|heading| (heading, ToldBy::OtherDirection)),
            };
        }
        sights
    }

    fn passage(&self, heading: Heading, estimate: Option<Estimate>, sights: &[Sight]) -> Passage {
        let late = |extremes: &Extremes| {
            let (time, difference) = match heading {
                Heading::Forward => extremes.largest,
                Heading::Backward => extremes.least,
            };
            let there = time.saturating_add(difference);
            estimate.map_or(0, |one| one.late(heading, time, there))
        };
        let own = sights.iter().filter(|sight| sight.direction() == heading);
        let latest = own.flat_map(|sight| &sight.extremes).map(late).max();
        let times = self.sides.map(|side| side.trace.time.unwrap_or((0, 0)));
        Passage::new(heading, estimate, times, latest.unwrap_or(0))
    }

    fn flow(
        &self,
        pair: &Pair,
        sight: &Sight,
        passages: &[Passage; 2],
        sums: &mut Sums,
    ) -> SegmentFlow {
        let keys = [
            self.sides[0].trace.flows[pair.from].key,
            self.sides[1].trace.flows[pair.to].key,
        ];
        let heading = sight.direction();
        let (up, down) = match heading {
            Heading::Forward => (0, 1),
            Heading::Backward => (1, 0),
        };
        let mut planned = self.sides[up].planned(keys[up]);
        if planned.expected.is_empty() {
            let there = self.sides[down].planned(keys[down]);
            if planned.class.is_none() || !there.expected.is_empty() {
                planned = there;
            }
        }
        let records = self.records(pair);
        let largest = [
            self.sides[0].trace.flows[pair.from].largest,
            self.sides[1].trace.flows[pair.to].largest,
        ];
        let resized = keys[0].protocol == TCP
            && largest[0].abs_diff(largest[1]) > largest[0].min(largest[1]) / 4;
        let passed = passages[usize::from(heading == Heading::Backward)].walk(
            &records[up],
            &records[down],
            self.basis(pair),
            resized,
        );
        sums.add(heading, planned.class, &passed);
        SegmentFlow {
            keys,
            alike: pair.alike,
            heading,
            told_by: sight.heading.map_or(ToldBy::Order, |(_, told_by)| told_by),
            class: planned.class,
            expected: planned.expected,
            counts: passed.counts,
            doubt: passed.doubt,
            hops: sight.ttl.map(|ttl| {
                if heading == Heading::Forward {
                    ttl
                } else {
                    -ttl
                }
            }),
            delay: passed.spread(),
            marks: passed.marks,
        }
    }

    /// Flows that one point has alone, those with most packets first.
    fn alone(&self, overlap: &Overlap, points: [usize; 2], flows: &[SegmentFlow]) -> Vec<LoneFlow> {
        let mut out = Vec::new();
        for side in [0, 1] {
            let met: BTreeSet<(IpAddr, IpAddr)> = flows
                .iter()
                .filter(|flow| flow.counts.matched > 0)
                .map(|flow| (flow.keys[side].src, flow.keys[side].dst))
                .collect();
            let mut paired = vec![false; self.sides[side].trace.flows.len()];
            for pair in &self.pairs {
                paired[[pair.from, pair.to][side]] = true;
            }
            for at in (0..paired.len()).filter(|at| !paired[*at]) {
                let packets = self.kept_within(side, at, overlap[side]);
                if packets == 0 {
                    continue;
                }
                let key = self.sides[side].trace.flows[at].key;
                let planned = self.sides[side].planned(key);
                out.push(LoneFlow {
                    point: points[side],
                    key,
                    packets,
                    class: planned.class,
                    planned: !planned.expected.is_empty(),
                    neighbours: met.contains(&(key.src, key.dst)),
                });
            }
        }
        out.sort_by_key(|flow| (std::cmp::Reverse(flow.packets), flow.point, flow.key));
        out
    }

    /// Packets of a flow in some time, of those that both points would have kept.
    fn kept_within(&self, side: usize, flow: usize, (first, last): (i64, i64)) -> u64 {
        let trace = self.sides[side].trace;
        let mask = match trace.flows[flow].planned {
            true => 0,
            false => self.sides[0].trace.mask | self.sides[1].trace.mask,
        };
        let both = |record: &&Record| record.is_rtp() || record.brief & mask == 0;
        let within = |record: &&Record| (first..=last).contains(&record.time);
        trace
            .records(flow)
            .iter()
            .filter(both)
            .filter(within)
            .count() as u64
    }
}

impl Sight {
    fn direction(&self) -> Heading {
        self.heading
            .map_or(Heading::Forward, |(heading, _)| heading)
    }
}

const fn heading(forward: bool) -> Heading {
    if forward {
        Heading::Forward
    } else {
        Heading::Backward
    }
}

/// The direction of a flow whose times to live are the same at both points: its differences of times are larger than those
/// of the other direction when it goes forward, as delay adds to the one and is taken from the other.
fn by_times(own: &[Extremes], other: &[Extremes]) -> Option<Heading> {
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    for one in own {
        let Ok(at) = other.binary_search_by_key(&one.window, |two| two.window) else {
            continue;
        };
        let two = &other[at];
        forward.push(one.least.1.saturating_sub(two.largest.1));
        backward.push(two.least.1.saturating_sub(one.largest.1));
    }
    forward.sort_unstable();
    backward.sort_unstable();
    let middle = forward.len() / 2;
    let (forward, backward) = (*forward.get(middle)?, *backward.get(middle)?);
    (forward.saturating_sub(backward).unsigned_abs() > RESOLUTION)
        .then(|| heading(forward > backward))
}

/// The clock from the least differences forward and the largest backward.
fn estimate(sights: &[Sight]) -> Option<Estimate> {
    let samples = sights.iter().map(|sight| sight.samples).sum();
    let ends = [Heading::Forward, Heading::Backward].map(|heading| ends(sights, heading));
    Estimate::of(&ends[0], &ends[1], samples)
}

/// Time and difference of the fastest packet of each window that went one way. Windows with few packets are left out: their
/// fastest packet is likely not fast.
fn ends(sights: &[Sight], heading: Heading) -> Vec<(i64, i64)> {
    let mut windows: BTreeMap<u32, (u64, (i64, i64))> = BTreeMap::new();
    for one in sights
        .iter()
        .filter(|sight| sight.direction() == heading)
        .flat_map(|sight| &sight.extremes)
    {
        let (seen, faster): (_, fn(i64, i64) -> bool) = match heading {
            Heading::Forward => (one.least, |a, b| a < b),
            Heading::Backward => (one.largest, |a, b| a > b),
        };
        let known = windows.entry(one.window).or_insert((0, seen));
        known.0 += one.packets;
        if faster(seen.1, known.1.1) {
            known.1 = seen;
        }
    }
    let mut counts: Vec<u64> = windows.values().map(|(packets, _)| *packets).collect();
    counts.sort_unstable();
    let usual = counts.get(counts.len() / 2).copied().unwrap_or(0);
    windows
        .into_values()
        .filter(|(packets, _)| *packets >= usual / 4)
        .map(|(_, seen)| seen)
        .collect()
}

/// The time in which both points captured, by the clock of each.
type Overlap = [(i64, i64); 2];

fn overlap(
    sides: &[Side<'_>; 2],
    estimate: Option<&Estimate>,
    heading: Heading,
) -> Option<Overlap> {
    let [a, b] = [sides[0].trace.time?, sides[1].trace.time?];
    let line = estimate.map(|one| match heading {
        Heading::Forward => one.forward,
        Heading::Backward => one.backward,
    });
    let there = |time| line.map_or(time, |line| line.there(time));
    let back = |time| line.map_or(time, |line| line.back(time));
    let own = (a.0.max(back(b.0)), a.1.min(back(b.1)));
    let others = (b.0.max(there(a.0)), b.1.min(there(a.1)));
    (own.0 <= own.1 && others.0 <= others.1).then_some([own, others])
}

const TCP: u8 = 6;
/// Nanoseconds; differences below are the resolution of timestamps.
const RESOLUTION: u64 = 2000;
