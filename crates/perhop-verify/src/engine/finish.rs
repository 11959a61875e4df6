//! From the tables to finished flows.

use std::collections::BTreeMap;

use perhop_wire::packet::{Layer, Tunnel};

use super::directory::{Directory, Place};
use super::extra::Extra;
use super::facts::{Kind, kind_of};
use super::heard::Heard;
use super::rtcp::RtcpState;
use super::table::{FlowHot, Slot, Table, dscp_of};
use super::times::NO_TIME;
use super::totals::{Cause, Undecodable};
use super::{hash, signs};
use crate::flow::{DscpCounts, Flow, FlowKey, LinkMarks, PayloadKind};
use crate::stream::arena::StreamId;
use crate::stream::{Evidence, Stream};

/// What other flows tell of a flow's streams.
#[derive(Debug, Default)]
pub(super) struct Hints {
    pub(super) calls: Heard,
    /// Where RTCP is.
    pub(super) rtcp: Directory,
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
    /// RTCP of a flow's senders: on the flow itself, or on the next ports.
    fn rtcp<'a>(
        &self,
        key: &FlowKey,
        tables: &'a [Table],
    ) -> impl Iterator<Item = &'a RtcpState> + use<'a> {
        let next = FlowKey {
            src_port: key.src_port.wrapping_add(1),
            dst_port: key.dst_port.wrapping_add(1),
            ..*key
        };
        let of = |key: &FlowKey| {
            let is =
                |place| at(place, tables).is_some_and(|(table, slot)| table.has_key(slot, key));
            let (table, slot) = at(self.rtcp.find(key, is)?, tables)?;
            table.rtcp_of(slot)
        };
        [of(key), of(&next)].into_iter().flatten()
    }
}

/// Table and slot of a flow; `None` for those that made room.
fn at(place: Place, tables: &[Table]) -> Option<(&Table, Slot)> {
    let (table, slot) = place.parts().ok()?;
    Some((tables.get(table)?, slot))
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
    /// The candidates that are RTP by what the rest of the capture tells.
    pub(super) fn hinted(&self, hints: &Hints, tables: &[Self]) -> Vec<StreamId> {
        let slots = 0..self.len() as Slot;
        slots
            .flat_map(|slot| self.hinted_of(slot, hints, tables))
            .collect()
    }

    /// Bytes of all packets of a flow.
    pub(super) fn bytes(&self, slot: Slot) -> u64 {
        let runs = u64::from(self.cold[slot as usize].byte_runs);
        runs << 32 | u64::from(self.hot[slot as usize].bytes)
    }

    /// All packets of a flow.
    pub(super) fn packets(&self, slot: Slot) -> u64 {
        let before = self.cells(slot).map(|(_, packets)| packets);
        before.sum::<u64>() + u64::from(self.hot[slot as usize].run)
    }

    /// The outermost VLAN of a flow.
    pub(super) fn vlan(&self, slot: Slot) -> Option<u16> {
        let first = self.extra(slot).and_then(|extra| extra.vlan);
        first.or(self.hot[slot as usize].tag().map(|tag| tag & 0x0fff))
    }

    /// The outermost tunnel of the latest packet of a flow that travelled in one.
    pub(super) fn tunnel(&self, slot: Slot) -> Option<Tunnel> {
        self.extra(slot)?.tunnel
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

    /// Whether a flow has this 5-tuple.
    pub(super) fn has_key(&self, slot: Slot, key: &FlowKey) -> bool {
        let ports = (key.protocol, key.src_port, key.dst_port);
        hash::parts(self.hot[slot as usize].key) == ports && self.key(slot) == *key
    }

    /// Two packets that go together are RTP where SDP, STUN or RTCP say that there is some.
    fn hinted_of(&self, slot: Slot, hints: &Hints, tables: &[Self]) -> Vec<StreamId> {
        let mut waiting: Vec<StreamId> = self
            .streams_of(slot)
            .filter(|id| self.streams.is_candidate(*id))
            .collect();
        if waiting.is_empty() {
            return waiting;
        }
        let key = self.key(slot);
        let stun = |slot: Slot| self.hot[slot as usize].signs & (signs::STUN | signs::DTLS) != 0;
        let expected =
            stun(slot) || self.reverse_of(slot).is_some_and(stun) || hints.calls.knows(&key);
        waiting.retain(|id| {
            let ssrc = self.streams.ssrc(*id);
            let sender = |rtcp: &RtcpState| rtcp.has_sender(ssrc);
            expected || hints.rtcp(&key, tables).any(sender)
        });
        waiting
    }

    /// The finished form of a flow; `tables` are those of all flows.
    pub(super) fn report(&self, slot: Slot, hints: &Hints, tables: &[Self]) -> Flow {
        let hot = &self.hot[slot as usize];
        let key = self.key(slot);
        let rtp = self.stream_reports(slot, &key, hints, tables);
        let latest = (hot.like.cell(), u64::from(hot.run));
        let counted = || self.cells(slot).chain([latest]);
        let none = Extra::default();
        let more = self.extra(slot).unwrap_or(&none);
        let dtls = hot.signs & signs::DTLS != 0;
        Flow {
            key,
            packets: counted().map(|(_, packets)| packets).sum(),
            bytes: self.bytes(slot),
            first: hot.first_time(),
            last: hot.last_time(),
            dscp: counted().map(|(cell, n)| (dscp_of(cell), n)).collect(),
            dscp_by_kind: by_kind(counted(), !rtp.is_empty(), dtls),
            outer_dscp: more.outer.clone(),
            tunnel: more.tunnel,
            dscp_changes: u64::from(more.change_count),
            changes: more.changes.clone(),
            ce: u64::from(more.ce),
            link: link_marks(hot.tag(), more),
            direction: signs::direction(hot.signs),
            ttl: hot.ttl,
            signs: signs::report(hot.signs, hints.calls.knows(&key)),
            wrapper: signs::wrapper(hot.signs),
            fragments: None,
            call: None,
            rtp,
            rtcp: self.rtcp_of(slot).map(|rtcp| Box::new(rtcp.summary())),
        }
    }

    /// The streams of a flow that are RTP, in the order in which they are reported.
    pub(super) fn recognised(&self, slot: Slot) -> Vec<StreamId> {
        let mut ids: Vec<StreamId> = self
            .streams_of(slot)
            .filter(|id| !self.streams.is_candidate(*id))
            .collect();
        ids.sort_by_key(|id| (self.streams.first_arrival(*id), self.streams.ssrc(*id)));
        ids
    }

    fn stream_reports(
        &self,
        slot: Slot,
        key: &FlowKey,
        hints: &Hints,
        tables: &[Self],
    ) -> Vec<Stream> {
        let ids = self.recognised(slot);
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
            let byes = hints.rtcp(key, tables).flat_map(RtcpState::byes);
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
