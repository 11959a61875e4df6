//! What is kept of the packets at one point.

use std::ops::Range;

use perhop_policy::{Dscp, PolicySet, Protocol, Vantage};
use perhop_wire::capture::CapturedPacket;
use perhop_wire::packet::{Fragment, Observation, dissect};

use super::identity::Identity;
use super::twice::{self, Twice};
use crate::flow::FlowKey;
use crate::numbers::Numbers;
use crate::seen::Tuple;

/// How much is kept of one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Packets that are kept, at [`Limits::BYTES_A_PACKET`] each. When they are all taken, traffic that is neither media
    /// nor under the plan is thinned out; when that is not enough, the comparison ends there.
    pub packets: usize,
    /// Flows that are followed; packets of later ones are counted and passed over.
    pub flows: usize,
    /// Seed of the hash. All points that are compared need the same one.
    pub seed: u64,
}

impl Limits {
    /// What a kept packet takes in memory.
    pub const BYTES_A_PACKET: usize = size_of::<Record>();
}

impl Default for Limits {
    /// Eight million packets (256 MB) and one million flows a point.
    fn default() -> Self {
        Self {
            packets: 1 << 23,
            flows: 1_000_000,
            seed: 0x7065_7268_6f70,
        }
    }
}

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) content: u64,
    pub(super) brief: u64,
    /// Nanoseconds since 1970 by the point's clock.
    pub(super) time: i64,
    pub(super) flow: u32,
    pub(super) ip_id: u16,
    pub(super) ttl: u8,
    /// DSCP, and [`RTP`].
    bits: u8,
}

impl Record {
    pub(super) fn dscp(&self) -> Dscp {
        Dscp::try_new(self.bits & 63).expect("six bits")
    }

    pub(super) const fn is_rtp(&self) -> bool {
        self.bits & RTP != 0
    }

    /// Whether the packet stays when one of so many is kept of what the plan does not know.
    const fn stays(&self, mask: u64, flow: &Followed) -> bool {
        flow.planned || self.is_rtp() || self.brief & mask == 0
    }
}

/// One flow at one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Followed {
    pub(super) key: FlowKey,
    /// A rule holds it in one direction or the other.
    pub(super) planned: bool,
    /// Some packets can be RTP.
    pub(super) rtp: bool,
    /// Some packets were cut, so that only their brief identity counts.
    pub(super) cut: bool,
    /// Largest IP packet.
    pub(super) largest: u32,
    /// Its records.
    pub(super) range: Range<u32>,
}

/// What was not followed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Packets seen.
    pub packets: u64,
    /// Packets kept to be compared.
    pub followed: u64,
    /// Packets without a usable time.
    pub untimed: u64,
    /// Packets that are not IP, have no ports, or are later fragments.
    pub without_ports: u64,
    /// Packets of which the capture kept too little to tell them apart.
    pub too_short: u64,
    /// Packets of flows past the limit.
    pub past_flow_limit: u64,
    /// Packets past the end of what was followed.
    pub past_packet_limit: u64,
    /// Packets left out because traffic that is neither media nor under the plan was thinned out.
    pub thinned: u64,
}

/// Keeps what is needed of the packets at one point.
#[derive(Debug)]
pub struct Collector<'a> {
    policy: &'a PolicySet,
    limits: Limits,
    index: Numbers,
    latest: Option<(FlowKey, u32)>,
    flows: Vec<Followed>,
    records: Vec<Record>,
    /// Records that thinning can take away.
    thinnable: usize,
    mask: u64,
    time: Option<(i64, i64)>,
    start: Option<i64>,
    full: bool,
    counts: Counts,
}

/// The packets of one point, by flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    pub(super) flows: Vec<Followed>,
    /// By flow, then by time.
    pub(super) records: Vec<Record>,
    pub(super) mask: u64,
    /// Earliest and latest time of what was followed, in nanoseconds since 1970 by the point's clock. Packets that are not
    /// compared count, as they show that the capture was running.
    pub time: Option<(i64, i64)>,
    /// What was not followed.
    pub counts: Counts,
    /// What the point saw twice; the first of each two is kept.
    pub twice: Twice,
}

impl<'a> Collector<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new(policy: &'a PolicySet, limits: Limits) -> Self {
        Self {
            policy,
            limits,
            index: Numbers::default(),
            latest: None,
            flows: Vec::new(),
            records: Vec::new(),
            thinnable: 0,
            mask: 0,
            time: None,
            start: None,
            full: false,
            counts: Counts::default(),
        }
    }

    /// Takes the next packet.
    pub fn observe(&mut self, packet: &CapturedPacket<'_>) {
        self.counts.packets += 1;
        let start = *self.start.get_or_insert(packet.time_ns.unwrap_or(0));
        let near = |time: &i64| time.saturating_sub(start).unsigned_abs() <= YEAR;
        let Some(time) = packet.time_ns.filter(near) else {
            self.counts.untimed += 1;
            return;
        };
        if self.full {
            self.counts.past_packet_limit += 1;
            return;
        }
        let (first, last) = self.time.unwrap_or((time, time));
        self.time = Some((first.min(time), last.max(time)));
        match dissect(packet.link, packet.data, packet.wire_len) {
            Ok(seen) if seen.fragment != Fragment::Later && seen.transport.ports() != (0, 0) => {
                self.follow(&seen, time);
            }
            _ => self.counts.without_ports += 1,
        }
    }

    fn follow(&mut self, seen: &Observation<'_>, time: i64) {
        let Some(identity) = Identity::of(seen, self.limits.seed) else {
            self.counts.too_short += 1;
            return;
        };
        let Some(at) = self.flow(seen) else {
            self.counts.past_flow_limit += 1;
            return;
        };
        let record = Record {
            content: identity.content,
            brief: identity.brief,
            time,
            flow: at,
            ip_id: seen.identification as u16,
            ttl: seen.ttl,
            bits: seen.ds.dscp().value() | if identity.rtp { RTP } else { 0 },
        };
        let flow = &mut self.flows[at as usize];
        flow.rtp |= identity.rtp;
        flow.cut |= identity.cut;
        flow.largest = flow.largest.max(seen.ip_len);
        if !record.stays(self.mask, flow) {
            self.counts.thinned += 1;
            return;
        }
        self.thinnable += usize::from(!record.stays(u64::MAX, flow));
        self.records.push(record);
        while self.records.len() >= self.limits.packets.max(1) && !self.full {
            self.make_room();
        }
    }

    fn flow(&mut self, seen: &Observation<'_>) -> Option<u32> {
        let (src_port, dst_port) = seen.transport.ports();
        let key = FlowKey {
            src: seen.addresses.src(),
            dst: seen.addresses.dst(),
            protocol: seen.protocol,
            src_port,
            dst_port,
        };
        if let Some((latest, at)) = self.latest
            && latest == key
        {
            return Some(at);
        }
        let flows = &self.flows;
        let key_of = |number: usize| flows[number].key;
        let at = match self.index.find(&key, key_of) {
            Some(at) => at,
            None if flows.len() >= self.limits.flows => return None,
            None => {
                let at = self.index.find_or_add(&key, flows.len(), key_of);
                self.flows.push(Followed {
                    key,
                    planned: is_planned(self.policy, &key),
                    rtp: false,
                    cut: false,
                    largest: 0,
                    range: 0..0,
                });
                at
            }
        };
        let at = u32::try_from(at).ok()?;
        self.latest = Some((key, at));
        Some(at)
    }

    /// Keeps half of what can be thinned out, when that is worth it; else ends the comparison here.
    fn make_room(&mut self) {
        if self.thinnable < self.records.len() / 8 || self.mask == u64::MAX {
            self.full = true;
            return;
        }
        self.mask = self.mask << 1 | 1;
        let (mask, flows) = (self.mask, &self.flows);
        let before = self.records.len();
        self.records
            .retain(|record| record.stays(mask, &flows[record.flow as usize]));
        self.counts.thinned += (before - self.records.len()) as u64;
        self.thinnable = self
            .records
            .iter()
            .filter(|record| !record.stays(u64::MAX, &flows[record.flow as usize]))
            .count();
    }

    /// What was kept, in order.
    #[must_use]
    pub fn finish(mut self) -> Trace {
        let mut records = std::mem::take(&mut self.records);
        let mut flows = std::mem::take(&mut self.flows);
        drop(self.index);
        sort(&mut records, flows.len());
        let twice = twice::take_out(&mut records, &flows);
        records.shrink_to_fit();
        flows.shrink_to_fit();
        for group in records.chunk_by(|a, b| a.flow == b.flow) {
            let flow = &mut flows[group[0].flow as usize];
            flow.range.end = group.len() as u32;
        }
        let mut start = 0;
        for flow in &mut flows {
            let end = start + flow.range.end;
            flow.range = start..end;
            start = end;
        }
        self.counts.followed = records.len() as u64;
        Trace {
            flows,
            records,
            mask: self.mask,
            time: self.time,
            counts: self.counts,
            twice,
        }
    }
}

impl Trace {
    /// Of traffic that is neither media nor under the plan, one packet of so many was followed.
    #[must_use]
    pub const fn one_in(&self) -> u64 {
        self.mask.saturating_add(1)
    }

    /// Gives up the packets, which only [`compare`](super::compare) needs.
    pub fn forget_packets(&mut self) {
        self.flows = Vec::new();
        self.records = Vec::new();
    }

    /// When the limit of packets ended the comparison, in nanoseconds since 1970.
    #[must_use]
    pub fn ended_early(&self) -> Option<i64> {
        let (_, last) = self.time?;
        (self.counts.past_packet_limit > 0).then_some(last)
    }

    pub(super) fn records(&self, flow: usize) -> &[Record] {
        let range = &self.flows[flow].range;
        &self.records[range.start as usize..range.end as usize]
    }

    /// The mask of the hash by which packets of a flow were thinned out.
    pub(super) fn mask_of(&self, flow: usize) -> u64 {
        if self.flows[flow].planned {
            0
        } else {
            self.mask
        }
    }
}

/// Sorts records by flow, then by time; what is alike in both stays in order. No other list of records is made: each record
/// is told its place, and goes there in the place of another.
fn sort(records: &mut [Record], flows: usize) {
    let mut next = vec![0u32; flows];
    for record in records.iter() {
        next[record.flow as usize] += 1;
    }
    let mut start = 0;
    for count in &mut next {
        (*count, start) = (start, start + *count);
    }
    let mut places: Vec<u32> = Vec::with_capacity(records.len());
    for record in records.iter() {
        let next = &mut next[record.flow as usize];
        places.push(*next);
        *next += 1;
    }
    for at in 0..records.len() {
        while places[at] as usize != at {
            let place = places[at] as usize;
            records.swap(at, place);
            places.swap(at, place);
        }
    }
    for own in records.chunk_by_mut(|a, b| a.flow == b.flow) {
        own.sort_by_key(|record| record.time);
    }
}

/// Whether a rule holds a flow or its other direction.
fn is_planned(policy: &PolicySet, key: &FlowKey) -> bool {
    let protocol = match key.protocol {
        17 => Protocol::Udp,
        6 => Protocol::Tcp,
        _ => return false,
    };
    let tuple = Tuple {
        protocol,
        src: key.src,
        src_port: key.src_port,
        dst: key.dst,
        dst_port: key.dst_port,
    };
    let held = |tuple: Tuple| !policy.candidates(&tuple.key(), Vantage::Path).is_empty();
    held(tuple) || held(tuple.reversed())
}

const RTP: u8 = 128;
/// A time so far from the first is damage; nanoseconds.
const YEAR: u64 = 366 * 86_400 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_are_sorted_and_alike_ones_stay_in_order(of in proptest::collection::vec((0..9u32, 0..4i64), 0..200)) {
            let mut records: Vec<Record> = of
                .iter()
                .zip(0..)
                .map(|((flow, time), content)| Record {
                    content,
                    brief: 0,
                    time: *time,
                    flow: *flow,
                    ip_id: 0,
                    ttl: 0,
                    bits: 0,
                })
                .collect();
            let mut sorted = records.clone();
            sorted.sort_by_key(|record| (record.flow, record.time));
            sort(&mut records, 9);
            prop_assert_eq!(records, sorted);
        }
    }
}
