//! From the tables to finished flows.

use std::collections::BTreeMap;
use std::sync::Arc;

use perhop_wire::packet::Layer;

use super::extra::{Extra, cells};
use super::facts::{Kind, kind_of};
use super::heard::Heard;
use super::table::{FlowHot, Slot, Table, dscp_of};
use super::times::NO_TIME;
use super::totals::{Cause, Undecodable};
use super::{hash, signs};
use crate::flow::{DscpCounts, Flow, FlowKey, LinkMarks, PayloadKind};
use crate::stream::arena::StreamId;
use crate::stream::{Evidence, RtcpSummary, Stream};

/// What other flows tell of a flow's streams.
#[derive(Debug, Default)]
pub(super) struct Hints {
    pub(super) calls: Heard,
    /// RTCP by its flow.
    rtcp: BTreeMap<FlowKey, RtcpHint>,
}

#[derive(Debug, Default)]
struct RtcpHint {
    summary: Arc<RtcpSummary>,
    byes: Vec<(u32, i64)>,
}

pub(super) fn undecoded(counts: BTreeMap<(Layer, Cause), u64>) -> Vec<Undecodable> {
    let row = |((layer, cause), packets)| Undecodable {
        layer,
        cause,
        packets,
    };
    counts.into_iter().map(row).collect()
}

impl Hints {
    /// What signalling tells.
    pub(super) const fn new(calls: Heard) -> Self {
        Self {
            calls,
            rtcp: BTreeMap::new(),
        }
    }

    pub(super) fn add_rtcp(&mut self, table: &Table) {
        for slot in 0..table.len() as Slot {
            let extra = table.cold[slot as usize].extra.as_deref();
            if let Some(state) = extra.and_then(|extra| extra.rtcp.as_deref()) {
                let hint = RtcpHint {
                    summary: Arc::clone(&state.summary),
                    byes: state.byes.clone(),
                };
                self.rtcp.insert(table.key(slot), hint);
            }
        }
    }

    /// RTCP of a flow's senders: on the flow itself, or on the next ports.
    fn rtcp(&self, key: &FlowKey) -> impl Iterator<Item = &RtcpHint> {
        let next = FlowKey {
            src_port: key.src_port.wrapping_add(1),
            dst_port: key.dst_port.wrapping_add(1),
            ..*key
        };
        [self.rtcp.get(key), self.rtcp.get(&next)]
            .into_iter()
            .flatten()
    }
}

impl FlowHot {
    /// Earliest time; 0 when no packet has one.
    pub(super) const fn first_time(&self) -> i64 {
        if self.first == i64::MAX {
            0
        } else {
            self.first
        }
    }

    /// Latest time; 0 when no packet has one.
    pub(super) const fn last_time(&self) -> i64 {
        if self.last == NO_TIME { 0 } else { self.last }
    }
}

impl Table {
    /// Settles what hangs on the rest of the capture.
    pub(super) fn settle_all(&mut self, hints: &Hints) {
        for slot in 0..self.len() as Slot {
            self.accept_hinted(slot, hints);
        }
    }

    /// All packets of a flow.
    pub(super) fn packets(&self, slot: Slot) -> u64 {
        let (hot, cold) = (&self.hot[slot as usize], &self.cold[slot as usize]);
        let before = cells(&cold.counts, cold.extra.as_deref());
        before.map(|(_, packets)| packets).sum::<u64>() + u64::from(hot.run)
    }

    /// The outermost VLAN of a flow.
    pub(super) fn vlan(&self, slot: Slot) -> Option<u16> {
        let extra = self.cold[slot as usize].extra.as_deref();
        let first = extra.and_then(|extra| extra.vlan);
        first.or(self.hot[slot as usize].tag().map(|tag| tag & 0x0fff))
    }

    /// The 5-tuple of a flow.
    pub(super) fn key(&self, slot: Slot) -> FlowKey {
        let (protocol, src_port, dst_port) = hash::parts(self.hot[slot as usize].key);
        let addresses = self.addresses(slot);
        FlowKey {
            src: addresses.src(),
            dst: addresses.dst(),
            protocol,
            src_port,
            dst_port,
        }
    }

    /// Two packets that go together are RTP where SDP, STUN or RTCP say that there is some.
    fn accept_hinted(&mut self, slot: Slot, hints: &Hints) {
        let waiting: Vec<StreamId> = self
            .streams_of(slot)
            .filter(|id| self.streams.is_candidate(*id))
            .collect();
        if waiting.is_empty() {
            return;
        }
        let key = self.key(slot);
        let stun = |slot: Slot| self.hot[slot as usize].signs & (signs::STUN | signs::DTLS) != 0;
        let expected =
            stun(slot) || self.reverse_of(slot).is_some_and(stun) || hints.calls.knows(&key);
        for id in waiting {
            let ssrc = self.streams.ssrc(id);
            let sender = |hint: &RtcpHint| hint.summary.senders.contains(&ssrc);
            if expected || hints.rtcp(&key).any(sender) {
                self.streams.accept_late(id);
            }
        }
    }

    /// The finished form of a flow.
    pub(super) fn report(&self, slot: Slot, hints: &Hints) -> Flow {
        let (hot, cold) = (&self.hot[slot as usize], &self.cold[slot as usize]);
        let key = self.key(slot);
        let extra = cold.extra.as_deref();
        let rtp = self.stream_reports(slot, &key, hints);
        let latest = (hot.like.cell(), u64::from(hot.run));
        let counted = || cells(&cold.counts, extra).chain([latest]);
        let none = Extra::default();
        let more = extra.unwrap_or(&none);
        let dtls = hot.signs & signs::DTLS != 0;
        Flow {
            key,
            packets: counted().map(|(_, packets)| packets).sum(),
            bytes: hot.bytes,
            first: hot.first_time(),
            last: hot.last_time(),
            dscp: counted().map(|(cell, n)| (dscp_of(cell), n)).collect(),
            dscp_by_kind: by_kind(counted(), !rtp.is_empty(), dtls),
            outer_dscp: more.outer.clone(),
            tunnel: more.tunnel,
            dscp_changes: u64::from(cold.changes),
            changes: more.changes.clone(),
            ce: u64::from(cold.ce),
            link: link_marks(hot.tag(), more),
            direction: signs::direction(hot.signs),
            ttl: hot.ttl,
            signs: signs::report(hot.signs, hints.calls.knows(&key)),
            wrapper: signs::wrapper(hot.signs),
            fragments: None,
            call: None,
            rtp,
            rtcp: more
                .rtcp
                .as_ref()
                .map(|state| Box::new((*state.summary).clone())),
        }
    }

    fn stream_reports(&self, slot: Slot, key: &FlowKey, hints: &Hints) -> Vec<Stream> {
        let mut ids: Vec<StreamId> = self
            .streams_of(slot)
            .filter(|id| !self.streams.is_candidate(*id))
            .collect();
        ids.sort_by_key(|id| (self.streams.first_arrival(*id), self.streams.ssrc(*id)));
        let mut reports: Vec<Stream> = ids
            .iter()
            .map(|id| {
                let until = self.streams.last_arrival(*id);
                let announced = hints.calls.announced(key, until);
                let evidence = Evidence::Behaviour;
                self.streams.report(*id, announced, evidence)
            })
            .collect();
        for stream in &mut reports {
            if stream.packets < 4 {
                stream.evidence = Evidence::Hinted;
            }
            let byes = hints.rtcp(key).flat_map(|hint| &hint.byes);
            let own = byes.filter(|(ssrc, _)| *ssrc == stream.ssrc);
            let time = own.map(|(_, time)| *time).max();
            stream.bye = stream.bye.or(time);
        }
        reports
    }
}

fn link_marks(tag: Option<u16>, more: &Extra) -> LinkMarks {
    LinkMarks {
        vlan: more.vlan.or(tag.map(|tag| tag & 0x0fff)),
        several_vlans: more.several_vlans,
        pcps: more.pcps | tag.map_or(0, |tag| 1 << (tag >> 13)),
        wifi_priorities: more.wifi_priorities,
    }
}

fn by_kind(
    counted: impl Iterator<Item = (u16, u64)>,
    media: bool,
    dtls: bool,
) -> Vec<(PayloadKind, DscpCounts)> {
    let mut kinds: Vec<(PayloadKind, DscpCounts)> = Vec::with_capacity(2);
    for (cell, packets) in counted.filter(|(_, packets)| *packets > 0) {
        let kind = Kind::payload_kind(kind_of(cell), media, dtls);
        let at = kinds.partition_point(|(known, _)| *known < kind);
        if kinds.get(at).is_none_or(|(known, _)| *known != kind) {
            kinds.insert(at, (kind, DscpCounts::default()));
        }
        kinds[at].1.add(dscp_of(cell), packets);
    }
    kinds
}
