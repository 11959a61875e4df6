//! Marks over time: packets per flow, DSCP and bin, for charts.
//!
//! Kept apart from the engine because only charts need it. Bins widen as the capture goes on, so memory does not grow
//! with its length; a limit on flows bounds the rest.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher};

use perhop_policy::Dscp;
use perhop_wire::capture::CapturedPacket;
use perhop_wire::packet::dissect;

use crate::flow::FlowKey;

/// Packets per flow, DSCP and bin of time.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// Nanoseconds since 1970 at which bin 0 begins.
    start: Option<i64>,
    /// Place in [`STEPS`]; past its end the width doubles.
    width: usize,
    /// Looked up only: what comes out does not depend on its order.
    places: HashMap<FlowKey, usize, Seed>,
    flows: Vec<(FlowKey, Vec<Count>)>,
    max_flows: usize,
    left_out: u64,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    bin: u16,
    dscp: Dscp,
    packets: u32,
}

/// The bins of one group of flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bins {
    /// Nanoseconds since 1970 at which the first bin begins.
    pub start: i64,
    /// Width of a bin in nanoseconds.
    pub step: i64,
    /// Packets per DSCP in each bin, in order of DSCP; all groups have the same bins.
    pub bins: Vec<Vec<(Dscp, u64)>>,
}

impl Timeline {
    /// Nothing yet; flows past the limit are left out and counted. The results do not depend on the seed, which keeps a
    /// capture from being made to collide.
    #[must_use]
    pub fn new(max_flows: usize, seed: u64) -> Self {
        Self {
            start: None,
            width: 0,
            places: HashMap::with_hasher(Seed(seed)),
            flows: Vec::new(),
            max_flows,
            left_out: 0,
        }
    }

    /// Counts a packet. Packets without a time, without ports or IP header, or a year from the first one are passed over.
    pub fn observe(&mut self, packet: &CapturedPacket<'_>) {
        let Some(time) = packet.time_ns else { return };
        let Ok(seen) = dissect(packet.link, packet.data, packet.wire_len) else {
            return;
        };
        let (src_port, dst_port) = seen.transport.ports();
        let start = *self.start.get_or_insert(time);
        let offset = time.saturating_sub(start);
        if (src_port, dst_port) == (0, 0) || offset.unsigned_abs() > YEAR.unsigned_abs() {
            return;
        }
        while offset / self.step() >= MAX_BINS {
            self.widen();
        }
        let bin = u16::try_from((offset / self.step()).max(0)).expect("less than MAX_BINS");
        let key = FlowKey {
            src: seen.addresses.src(),
            dst: seen.addresses.dst(),
            protocol: seen.protocol,
            src_port,
            dst_port,
        };
        let full = self.flows.len() >= self.max_flows;
        let place = match self.places.entry(key) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(_) if full => {
                self.left_out += 1;
                return;
            }
            Entry::Vacant(entry) => {
                self.flows.push((key, Vec::new()));
                *entry.insert(self.flows.len() - 1)
            }
        };
        add(&mut self.flows[place].1, bin, seen.ds.dscp(), 1);
    }

    /// Packets of flows past the limit.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Sums flows into groups; flows for which `group` says nothing are passed over.
    #[must_use]
    pub fn sum<G: Ord>(&self, group: impl Fn(&FlowKey) -> Option<G>) -> BTreeMap<G, Bins> {
        let last = self
            .flows
            .iter()
            .flat_map(|(_, counts)| counts)
            .map(|count| usize::from(count.bin))
            .max();
        let mut groups: BTreeMap<G, Vec<BTreeMap<Dscp, u64>>> = BTreeMap::new();
        for (key, counts) in &self.flows {
            let Some(group) = group(key) else { continue };
            let bins = groups
                .entry(group)
                .or_insert_with(|| vec![BTreeMap::new(); last.map_or(0, |last| last + 1)]);
            for count in counts {
                *bins[usize::from(count.bin)].entry(count.dscp).or_default() +=
                    u64::from(count.packets);
            }
        }
        groups
            .into_iter()
            .map(|(group, bins)| {
                let bins = Bins {
                    start: self.start.unwrap_or(0),
                    step: self.step(),
                    bins: bins
                        .into_iter()
                        .map(|bin| bin.into_iter().collect())
                        .collect(),
                };
                (group, bins)
            })
            .collect()
    }

    fn step(&self) -> i64 {
        let past = self.width.saturating_sub(STEPS.len() - 1);
        STEPS[self.width.min(STEPS.len() - 1)] << past.min(20)
    }

    /// Makes bins wider, by a whole factor, and puts what was counted into them.
    fn widen(&mut self) {
        let before = self.step();
        self.width += 1;
        let factor =
            u16::try_from(self.step() / before).expect("a step is at most 5 times the one before");
        for (_, counts) in &mut self.flows {
            let mut wide = Vec::with_capacity(counts.len());
            for count in counts.iter() {
                add(&mut wide, count.bin / factor, count.dscp, count.packets);
            }
            *counts = wide;
        }
    }
}

/// Begins every hash with a number.
#[derive(Debug, Clone)]
struct Seed(u64);

impl BuildHasher for Seed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

/// Adds to the count of a bin; bins mostly come in order.
fn add(counts: &mut Vec<Count>, bin: u16, dscp: Dscp, packets: u32) {
    if let Some(last) = counts.last_mut()
        && (last.bin, last.dscp) == (bin, dscp)
    {
        last.packets = last.packets.saturating_add(packets);
        return;
    }
    let place = counts.partition_point(|count| (count.bin, count.dscp) < (bin, dscp));
    match counts.get_mut(place) {
        Some(count) if (count.bin, count.dscp) == (bin, dscp) => {
            count.packets = count.packets.saturating_add(packets);
        }
        _ => counts.insert(place, Count { bin, dscp, packets }),
    }
}

/// Fewer bins than this, so that a chart can show each.
const MAX_BINS: i64 = 100;
/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;
/// A time so far from the first is damage.
const YEAR: i64 = 366 * 86_400 * SECOND;
/// Widths of bins; each divides the next.
const STEPS: [i64; 12] = [
    SECOND / 10,
    SECOND / 5,
    SECOND,
    2 * SECOND,
    10 * SECOND,
    20 * SECOND,
    60 * SECOND,
    120 * SECOND,
    600 * SECOND,
    1200 * SECOND,
    3600 * SECOND,
    7200 * SECOND,
];

#[cfg(test)]
mod tests {
    use super::*;
    use perhop_wire::packet::{Direction, LinkType};
    use proptest::prelude::*;

    /// A UDP packet without data, from a port, with a mark, at a time.
    fn observe(timeline: &mut Timeline, time: Option<i64>, port: u16, dscp: u8) {
        let mut data = vec![
            0x45,
            dscp << 2,
            0,
            28,
            0,
            0,
            0,
            0,
            64,
            17,
            0,
            0,
            10,
            0,
            0,
            1,
            10,
            0,
            0,
            2,
        ];
        data.extend(port.to_be_bytes());
        data.extend([0, 9, 0, 8, 0, 0]);
        timeline.observe(&CapturedPacket {
            time_ns: time,
            link: LinkType(101),
            data: &data,
            wire_len: 28,
            interface: 0,
            direction: Direction::Unknown,
            consumed: 0,
        });
    }

    #[test]
    fn bins_widen_and_keep_every_packet() {
        let mut timeline = Timeline::new(10, 7);
        let start = 1_700_000_000 * SECOND;
        for second in 0..1000 {
            let dscp = if second % 10 == 0 { 46 } else { 0 };
            observe(&mut timeline, Some(start + second * SECOND), 1, dscp);
        }
        let groups = timeline.sum(|key| Some(key.src_port));
        let bins = &groups[&1];
        assert_eq!((bins.start, bins.step), (start, 10 * SECOND));
        assert_eq!(bins.bins.len(), 100);
        assert!(
            bins.bins
                .iter()
                .all(|bin| bin[..] == [(Dscp::DF, 9), (Dscp::EF, 1)])
        );
    }

    #[test]
    fn damaged_times_and_too_many_flows_are_passed_over() {
        let mut timeline = Timeline::new(2, 7);
        observe(&mut timeline, Some(5), 1, 46);
        observe(&mut timeline, Some(i64::MAX), 1, 46);
        observe(&mut timeline, Some(i64::MIN), 1, 46);
        observe(&mut timeline, None, 1, 46);
        observe(&mut timeline, Some(0), 2, 46);
        observe(&mut timeline, Some(7), 3, 46);
        assert_eq!(timeline.left_out(), 1);
        let groups = timeline.sum(|_| Some(()));
        assert_eq!(groups[&()].bins, [vec![(Dscp::EF, 2)]]);
        assert!(timeline.sum(|_| None::<()>).is_empty());
        assert!(Timeline::new(2, 7).sum(|_| Some(())).is_empty());
    }

    #[test]
    fn each_step_divides_the_next() {
        assert!(
            STEPS
                .windows(2)
                .all(|pair| pair[1] % pair[0] == 0 && pair[1] > pair[0])
        );
    }

    proptest! {
        #[test]
        fn no_packet_is_lost_or_counted_twice(times in proptest::collection::vec((0i64..YEAR / 2, 1u16..4, 0u8..3), 1..200)) {
            let mut timeline = Timeline::new(10, 7);
            for (time, port, dscp) in &times {
                observe(&mut timeline, Some(*time), *port, *dscp);
            }
            let groups = timeline.sum(|_| Some(()));
            let bins = &groups[&()];
            prop_assert!(bins.bins.len() <= 100);
            let total: u64 = bins.bins.iter().flatten().map(|(_, packets)| packets).sum();
            prop_assert_eq!(total, times.len() as u64);
        }
    }
}
