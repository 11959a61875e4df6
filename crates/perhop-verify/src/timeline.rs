//! Marks, rate and RTP quality over time: packets per flow, DSCP and bin, and what RTP lost in each bin, for charts and
//! series.
//!
//! Kept apart from the engine because only charts need it. Bins widen as the capture goes on, and when there are too many
//! counts, so memory grows neither with its length nor with what is in it; a limit on flows bounds the rest.

mod quality;

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher};

use perhop_policy::Dscp;
use perhop_wire::capture::CapturedPacket;
use perhop_wire::media::{Content, peel};
use perhop_wire::packet::{Observation, Transport, dissect};

use crate::flow::FlowKey;
use quality::{Quality, Sources};

/// What flows did over time.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// Nanoseconds since 1970 at which bin 0 begins.
    start: Option<i64>,
    /// Place in [`STEPS`]; past its end the width doubles.
    width: usize,
    /// Looked up only: what comes out does not depend on its order.
    places: HashMap<FlowKey, usize, Seed>,
    flows: Vec<Track>,
    max_flows: usize,
    /// Counts over all flows.
    counts: usize,
    /// When there are so many, bins become wider.
    max_counts: usize,
    left_out: u64,
}

/// One flow.
#[derive(Debug, Clone)]
struct Track {
    key: FlowKey,
    counts: Vec<Count>,
    sources: Sources,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    bin: u16,
    dscp: Dscp,
    packets: u32,
    bytes: u64,
}

/// The bins of one group of flows.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    /// Nanoseconds since 1970 at which the first bin begins.
    pub start: i64,
    /// Width of a bin in nanoseconds.
    pub step: i64,
    /// What happened in each bin; all groups have the same bins.
    pub bins: Vec<Bin>,
}

/// What happened in one bin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bin {
    /// Packets per DSCP, in order of DSCP.
    pub marks: Vec<(Dscp, u64)>,
    /// Bytes by the innermost IP headers.
    pub bytes: u64,
    /// RTP packets that were due: by how much the highest sequence numbers rose.
    pub expected: u64,
    /// Of those, packets that never came, or came 64 packets late; in the bin in which they were missed.
    pub missing: u64,
    /// Mean interarrival jitter (RFC 3550) in milliseconds; `None` when no clock is known, or is none of 8, 16, 48 and
    /// 90 kHz.
    pub jitter_ms: Option<f64>,
}

impl Bin {
    /// Packets of all marks.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.marks.iter().map(|(_, packets)| packets).sum()
    }
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
            counts: 0,
            max_counts: MAX_COUNTS,
            left_out: 0,
        }
    }

    /// Counts a packet. Packets without a time, without ports or IP header, or a year from the first one are passed over.
    pub fn observe(&mut self, packet: &CapturedPacket<'_>) {
        let Some(time) = packet.time_ns else { return };
        let Ok(seen) = dissect(packet.link, packet.data, packet.wire_len) else {
            return;
        };
        let start = *self.start.get_or_insert(time);
        let offset = time.saturating_sub(start);
        if seen.transport.ports() == (0, 0) || offset.unsigned_abs() > YEAR.unsigned_abs() {
            return;
        }
        while offset / self.step() >= MAX_BINS {
            self.widen();
        }
        let bin = u16::try_from((offset / self.step()).max(0)).expect("less than MAX_BINS");
        let Some(place) = self.place(&seen) else {
            self.left_out += 1;
            return;
        };
        let track = &mut self.flows[place];
        let count = Count {
            bin,
            dscp: seen.ds.dscp(),
            packets: 1,
            bytes: seen.ip_len.into(),
        };
        let before = track.len();
        add(&mut track.counts, count);
        if let Transport::Udp { .. } = seen.transport
            && let Content::Rtp(rtp) = peel(seen.payload, seen.payload_len).content
        {
            track.sources.take(&rtp, time, bin);
        }
        self.counts = (self.counts + track.len()).saturating_sub(before);
        if self.counts > self.max_counts {
            self.widen();
            self.max_counts = self.max_counts.max(2 * self.counts);
        }
    }

    /// The flow's place; `None` when it is one too many.
    fn place(&mut self, seen: &Observation<'_>) -> Option<usize> {
        let (src_port, dst_port) = seen.transport.ports();
        let key = FlowKey {
            src: seen.addresses.src(),
            dst: seen.addresses.dst(),
            protocol: seen.protocol,
            src_port,
            dst_port,
        };
        let full = self.flows.len() >= self.max_flows;
        match self.places.entry(key) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(_) if full => None,
            Entry::Vacant(entry) => {
                self.flows.push(Track {
                    key,
                    counts: Vec::new(),
                    sources: Sources::default(),
                });
                Some(*entry.insert(self.flows.len() - 1))
            }
        }
    }

    /// Packets of flows past the limit.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Sums flows into groups; flows for which `group` says nothing are passed over. `clock` says of an SSRC of a flow
    /// whether it is RTP, and its clock in units a second, when that is known.
    #[must_use]
    pub fn sum<G: Ord>(
        &self,
        group: impl Fn(&FlowKey) -> Option<G>,
        clock: impl Fn(&FlowKey, u32) -> Option<Option<u32>>,
    ) -> BTreeMap<G, Bins> {
        let bins = self.flows.iter().flat_map(|track| &track.counts);
        let last = bins.map(|count| usize::from(count.bin)).max();
        let mut groups: BTreeMap<G, Vec<Sum>> = BTreeMap::new();
        for track in &self.flows {
            let Some(group) = group(&track.key) else {
                continue;
            };
            let sums = groups
                .entry(group)
                .or_insert_with(|| vec![Sum::default(); last.map_or(0, |last| last + 1)]);
            for count in &track.counts {
                let sum = &mut sums[usize::from(count.bin)];
                *sum.marks.entry(count.dscp).or_default() += u64::from(count.packets);
                sum.bytes += count.bytes;
            }
            track.sources.sum(
                |ssrc| clock(&track.key, ssrc),
                |bin, quality| sums[usize::from(bin)].quality.merge(quality),
            );
        }
        let step = self.step();
        let groups = groups.into_iter().map(|(group, sums)| {
            let bins = Bins {
                start: self.start.unwrap_or(0),
                step,
                bins: sums.into_iter().map(Sum::finish).collect(),
            };
            (group, bins)
        });
        groups.collect()
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
        for track in &mut self.flows {
            let mut wide = Vec::with_capacity(track.counts.len());
            for count in &track.counts {
                let bin = count.bin / factor;
                add(&mut wide, Count { bin, ..*count });
            }
            wide.shrink_to_fit();
            track.counts = wide;
            track.sources.widen(factor);
        }
        self.counts = self.flows.iter().map(Track::len).sum();
    }
}

impl Track {
    /// How many counts it holds.
    fn len(&self) -> usize {
        self.counts.len() + self.sources.len()
    }
}

/// What is summed for a bin of a group.
#[derive(Debug, Clone, Default)]
struct Sum {
    marks: BTreeMap<Dscp, u64>,
    bytes: u64,
    quality: Quality,
}

impl Sum {
    fn finish(self) -> Bin {
        Bin {
            marks: self.marks.into_iter().collect(),
            bytes: self.bytes,
            expected: self.quality.expected,
            missing: self.quality.missing,
            jitter_ms: self.quality.jitter_ms(),
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
fn add(counts: &mut Vec<Count>, one: Count) {
    let merge = |count: &mut Count| {
        count.packets = count.packets.saturating_add(one.packets);
        count.bytes = count.bytes.saturating_add(one.bytes);
    };
    let key = (one.bin, one.dscp);
    if let Some(last) = counts.last_mut()
        && (last.bin, last.dscp) == key
    {
        return merge(last);
    }
    let place = counts.partition_point(|count| (count.bin, count.dscp) < key);
    match counts.get_mut(place) {
        Some(count) if (count.bin, count.dscp) == key => merge(count),
        _ => counts.insert(place, one),
    }
}

/// Fewer bins than this, so that a chart can show each.
const MAX_BINS: i64 = 100;
/// Counts that are kept before bins become wider: 16 bytes each, of RTP 36.
const MAX_COUNTS: usize = 2_000_000;
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

    const NO_RTP: fn(&FlowKey, u32) -> Option<Option<u32>> = |_, _| None;

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
        let groups = timeline.sum(|key| Some(key.src_port), NO_RTP);
        let bins = &groups[&1];
        assert_eq!((bins.start, bins.step), (start, 10 * SECOND));
        assert_eq!(bins.bins.len(), 100);
        assert!(
            bins.bins
                .iter()
                .all(|bin| bin.marks == [(Dscp::DF, 9), (Dscp::EF, 1)] && bin.bytes == 280)
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
        let groups = timeline.sum(|_| Some(()), NO_RTP);
        assert_eq!(groups[&()].bins[0].marks, [(Dscp::EF, 2)]);
        assert_eq!(groups[&()].bins.len(), 1);
        assert!(timeline.sum(|_| None::<()>, NO_RTP).is_empty());
        assert!(Timeline::new(2, 7).sum(|_| Some(()), NO_RTP).is_empty());
    }

    /// An RTP packet of 20 ms of sound.
    fn rtp(timeline: &mut Timeline, time: i64, ssrc: u32, number: u16) {
        let mut data = vec![0x45, 46 << 2, 0, 200, 0, 0, 0, 0, 64, 17, 0, 0];
        data.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        data.extend(5004u16.to_be_bytes());
        data.extend([0x13, 0x8c, 0, 180, 0, 0, 0x80, 0]);
        data.extend(number.to_be_bytes());
        data.extend((u32::from(number) * 160).to_be_bytes());
        data.extend(ssrc.to_be_bytes());
        data.resize(200, 0);
        timeline.observe(&CapturedPacket {
            time_ns: Some(time),
            link: LinkType(101),
            data: &data,
            wire_len: 200,
            interface: 0,
            direction: Direction::Unknown,
            consumed: 0,
        });
    }

    #[test]
    fn what_rtp_lost_is_in_the_bin_in_which_it_was_missed() {
        let mut timeline = Timeline::new(10, 7);
        let start = 1_700_000_000 * SECOND;
        // 20 s of two streams, one of which loses every tenth packet of the last 10 s, and has one 6 ms late.
        for number in 0..1000u16 {
            let due = start + i64::from(number) * SECOND / 50;
            rtp(&mut timeline, due, 1, number);
            if number < 500 || number % 10 != 5 {
                let late = if number == 100 { 6_000_000 } else { 0 };
                rtp(&mut timeline, due + late, 2, 65_000u16.wrapping_add(number));
            }
        }
        let known = |_: &FlowKey, ssrc| (ssrc == 2).then_some(Some(8000));
        let groups = timeline.sum(|_| Some(()), known);
        let bins = &groups[&()];
        assert_eq!((bins.step, bins.bins.len()), (SECOND / 5, 100));
        let of = |range: std::ops::Range<usize>| {
            bins.bins[range]
                .iter()
                .fold((0, 0), |(expected, missing), bin| {
                    (expected + bin.expected, missing + bin.missing)
                })
        };
        assert_eq!(of(0..50), (500, 0));
        assert_eq!(of(50..100), (500, 50));
        assert!(bins.bins.iter().all(|bin| bin.bytes % 200 == 0));
        let jitter = |bin: usize| bins.bins[bin].jitter_ms.unwrap();
        assert!(jitter(4) < 0.01 && jitter(10) > 0.1 && jitter(99) < 0.01);
        // Nobody says that it is RTP, or nobody knows its clock.
        let none = timeline.sum(|_| Some(()), NO_RTP);
        assert!(none[&()].bins.iter().all(|bin| bin.expected == 0));
        let unknown = timeline.sum(|_| Some(()), |_, _| Some(None));
        assert_eq!(unknown[&()].bins[99].jitter_ms, None);
        assert_eq!(unknown[&()].bins[99].expected, 20);
    }

    #[test]
    fn too_many_counts_make_bins_wider_and_keep_every_packet() {
        let mut timeline = Timeline::new(1000, 7);
        timeline.max_counts = 100;
        for number in 0..3000u16 {
            let time = i64::from(number) * SECOND / 1000;
            observe(&mut timeline, Some(time), number % 100 + 1, 46);
        }
        assert!(timeline.counts <= timeline.max_counts && timeline.max_counts <= 400);
        let groups = timeline.sum(|_| Some(()), NO_RTP);
        let total: u64 = groups[&()].bins.iter().map(Bin::packets).sum();
        assert_eq!(total, 3000);
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
            let groups = timeline.sum(|_| Some(()), NO_RTP);
            let bins = &groups[&()];
            prop_assert!(bins.bins.len() <= 100);
            let total: u64 = bins.bins.iter().map(Bin::packets).sum();
            prop_assert_eq!(total, times.len() as u64);
        }
    }
}
