//! From the bytes of a packet to facts: dissection, and what one packet alone tells of its payload.

use std::collections::BTreeMap;

use perhop_wire::capture::CapturedPacket;
use perhop_wire::field::Pcp;
use perhop_wire::media::{self, Content, Wrapper};
use perhop_wire::packet::{
    self, Addresses, Direction, Fragment, Layer, Observation, Transport, Undecoded,
};
use perhop_wire::rtcp::{Compound, Protection};
use perhop_wire::rtp::Rtp;
use perhop_wire::stun::attribute::is_microsoft;
use perhop_wire::stun::{Dialect, Stun};

use super::facts::{Batch, Facts, Form, FragmentFacts, Kind, NO_TAG, Rare, tag};
use super::hash::Seeds;
use super::totals::Cause;
use super::{Block, framing, lane_of, partition_of, signs};

/// Turns packets into facts and sorts them to lanes. Holds nothing but counts, so several can work on different blocks
/// of a capture at the same time.
#[derive(Debug, Clone)]
pub struct Reader {
    seeds: Seeds,
    partition_bits: u32,
    by_vlan: bool,
    pub(super) counts: ReaderCounts,
}

/// What readers count; the sum over all readers does not depend on who read which block.
#[derive(Debug, Clone, Default)]
pub(super) struct ReaderCounts {
    pub(super) packets: u64,
    pub(super) captured_bytes: u64,
    pub(super) ip_packets: u64,
    pub(super) ip_bytes: u64,
    pub(super) time: Option<(i64, i64)>,
    pub(super) untimed: u64,
    /// Packets that gave no observation, by layer and reason without its particulars.
    pub(super) undecoded: BTreeMap<(Layer, Cause), u64>,
}

impl Reader {
    pub(super) fn new(seeds: Seeds, partition_bits: u32, by_vlan: bool) -> Self {
        Self {
            seeds,
            partition_bits,
            by_vlan,
            counts: ReaderCounts::default(),
        }
    }

    /// Reads one packet into a block.
    #[inline]
    pub fn read(&mut self, packet: &CapturedPacket<'_>, block: &mut Block) {
        let frame = block.packets;
        block.packets += 1;
        self.counts.packets += 1;
        self.counts.captured_bytes += packet.data.len() as u64;
        self.counts.add_time(packet.time_ns);
        match packet::dissect(packet.link, packet.data, packet.wire_len) {
            Ok(seen) => self.observe(&seen, packet, frame, block),
            Err(undecoded) => self.counts.add_undecoded(undecoded),
        }
    }

    #[inline]
    fn observe(
        &mut self,
        seen: &Observation<'_>,
        packet: &CapturedPacket<'_>,
        frame: u32,
        block: &mut Block,
    ) {
        self.counts.ip_packets += 1;
        self.counts.ip_bytes += u64::from(seen.ip_len);
        let time = packet.time_ns.unwrap_or(NO_TIME);
        if seen.fragment != Fragment::Whole {
            block.lanes[0].fragments.push(fragment_facts(seen, time));
            if seen.fragment == Fragment::Later {
                return;
            }
        }
        let mut hashed = self
            .seeds
            .hash(&seen.addresses, seen.protocol, seen.transport.ports());
        if self.by_vlan
            && let Some(vlan) = seen.vlan
        {
            hashed = hashed.in_vlan(vlan.id);
        }
        let partition = partition_of(hashed.hash, self.partition_bits);
        let lane = lane_of(partition, block.lanes.len(), self.partition_bits);
        let batch = &mut block.lanes[lane];
        let mut facts = Facts {
            key: hashed.key,
            hash: hashed.hash,
            time,
            ip_len: seen.ip_len,
            ssrc: 0,
            timestamp: 0,
            frame,
            rare: 0,
            sequence: 0,
            payload_len: 0,
            ip_id: seen.identification as u16,
            tag: seen
                .vlan
                .map_or(NO_TAG, |vlan| tag(vlan.id, Pcp::value(vlan.pcp))),
            ds: seen.ds.0,
            ttl: seen.ttl,
            mark_and_type: 0,
            form: Form::new(Kind::Other, Direction::Unknown, 0),
        };
        let payload = judge(seen, &mut facts);
        let direction = match packet.direction {
            Direction::Unknown => seen.direction,
            known => known,
        };
        facts.form = Form::new(
            payload.kind,
            direction,
            signs::wrapper_number(payload.wrapper),
        );
        let plain = payload.is_plain()
            && seen.outer.is_none()
            && seen.wifi_priority.is_none()
            && matches!(seen.addresses, Addresses::V4 { .. });
        if !plain {
            facts.rare = rare(seen, &payload, batch);
        }
        batch.facts.push(facts);
    }
}

/// What a payload is, and what of it the flow's state must see.
struct Payload<'a> {
    kind: Kind,
    wrapper: Option<Wrapper>,
    signs: u16,
    bytes: &'a [u8],
    wire_len: u32,
}

impl<'a> Payload<'a> {
    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            wrapper: None,
            signs: 0,
            bytes: &[],
            wire_len: 0,
        }
    }

    const fn with_sign(kind: Kind, signs: u16) -> Self {
        let mut payload = Self::of(kind);
        payload.signs = signs;
        payload
    }

    fn with_bytes(kind: Kind, signs: u16, bytes: &'a [u8], wire_len: u32) -> Self {
        Self {
            kind,
            wrapper: None,
            signs,
            bytes: bytes.get(..MOST_BYTES).unwrap_or(bytes),
            wire_len,
        }
    }

    const fn is_plain(&self) -> bool {
        self.signs == 0 && self.bytes.is_empty()
    }
}

#[inline]
fn judge<'a>(seen: &Observation<'a>, facts: &mut Facts) -> Payload<'a> {
    match seen.transport {
        Transport::Udp { .. } => {
            let peeled = media::peel(seen.payload, seen.payload_len);
            let mut payload = if let Content::Rtp(rtp) = peeled.content {
                fill_rtp(facts, &rtp);
                Payload::of(Kind::RtpLike)
            } else {
                judge_content(peeled.content, seen)
            };
            payload.wrapper = peeled.wrapper;
            payload
        }
        Transport::Tcp { .. } if !seen.payload.is_empty() => judge_segment(seen),
        _ => Payload::of(Kind::Other),
    }
}

/// Copies the RTP header into the facts.
pub(super) fn fill_rtp(facts: &mut Facts, rtp: &Rtp<'_>) {
    facts.ssrc = rtp.ssrc();
    facts.timestamp = rtp.timestamp();
    facts.sequence = rtp.sequence();
    facts.mark_and_type = rtp.payload_type() | u8::from(rtp.marker()) << 7;
    facts.payload_len = rtp.payload_len().unwrap_or(0).min(0xffff) as u16;
}

fn judge_content<'a>(content: Content<'a>, seen: &Observation<'a>) -> Payload<'a> {
    match content {
        Content::Rtp(_) => Payload::of(Kind::RtpLike),
        Content::Rtcp(rtcp) => judge_rtcp(&rtcp),
        Content::Stun(stun) => judge_stun(&stun),
        Content::Dtls => Payload::of(Kind::Dtls),
        Content::UnifiedDtls => Payload::of(Kind::UnifiedDtls),
        Content::Zrtp => Payload::with_sign(Kind::Other, signs::ZRTP),
        Content::Quic => Payload::with_sign(Kind::Other, signs::QUIC),
        Content::Sip(_) => {
            Payload::with_bytes(Kind::Other, signs::SIP, seen.payload, seen.payload_len)
        }
        Content::Other => Payload::of(Kind::Other),
    }
}

fn judge_rtcp<'a>(rtcp: &Compound<'a>) -> Payload<'a> {
    let sign = match rtcp.protection() {
        Protection::Encrypted => signs::SRTCP,
        Protection::Clear | Protection::Cut => 0,
    };
    Payload::with_bytes(
        Kind::Rtcp,
        signs::RTCP | sign,
        rtcp.bytes(),
        rtcp.wire_len(),
    )
}

fn judge_stun<'a>(stun: &Stun<'_>) -> Payload<'a> {
    let microsoft =
        stun.dialect() == Dialect::MsTurn || stun.attributes().any(|(kind, _)| is_microsoft(kind));
    let sign = if microsoft { signs::MICROSOFT } else { 0 };
    Payload::with_sign(Kind::Stun, sign)
}

/// A TCP segment is shown to the flow's state when it can begin with a frame of RFC 4571, or when it may continue one.
fn judge_segment<'a>(seen: &Observation<'a>) -> Payload<'a> {
    let (bytes, wire_len) = (seen.payload, seen.payload_len);
    if media::sip::StartLine::read(bytes).is_some() {
        return Payload::with_bytes(Kind::Other, signs::SIP, bytes, wire_len);
    }
    let (src, dst) = seen.transport.ports();
    let may_continue = src >= 1024 && dst >= 1024 && !framing::is_tls(bytes);
    if may_continue || framing::begins_with_frame(bytes, wire_len) {
        return Payload::with_bytes(Kind::Other, 0, bytes, wire_len);
    }
    Payload::of(Kind::Other)
}

#[inline(never)]
fn rare(seen: &Observation<'_>, payload: &Payload<'_>, batch: &mut Batch) -> u32 {
    let start = batch.bytes.len() as u32;
    batch.bytes.extend_from_slice(payload.bytes);
    batch.rare.push(Rare {
        addresses: seen.addresses,
        outer: seen.outer,
        wifi_priority: seen.wifi_priority,
        signs: payload.signs,
        bytes: start..batch.bytes.len() as u32,
        wire_len: payload.wire_len,
        tcp: match seen.transport {
            Transport::Tcp {
                sequence, flags, ..
            } => Some((sequence, flags)),
            Transport::Udp { .. } | Transport::Other => None,
        },
    });
    batch.rare.len() as u32
}

fn fragment_facts(seen: &Observation<'_>, time: i64) -> FragmentFacts {
    FragmentFacts {
        addresses: seen.addresses,
        protocol: seen.protocol,
        ds: seen.ds.0,
        identification: seen.identification,
        ip_len: seen.ip_len,
        time,
        first: (seen.fragment == Fragment::First).then(|| seen.transport.ports()),
    }
}

impl ReaderCounts {
    #[inline]
    fn add_time(&mut self, time: Option<i64>) {
        match (time, &mut self.time) {
            (Some(time), Some((first, last))) => {
                *first = time.min(*first);
                *last = time.max(*last);
            }
            (Some(time), none) => *none = Some((time, time)),
            (None, _) => self.untimed += 1,
        }
    }

    #[inline(never)]
    fn add_undecoded(&mut self, undecoded: Undecoded) {
        let key = (undecoded.layer, Cause::from(undecoded.reason));
        *self.undecoded.entry(key).or_default() += 1;
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.packets += other.packets;
        self.captured_bytes += other.captured_bytes;
        self.ip_packets += other.ip_packets;
        self.ip_bytes += other.ip_bytes;
        self.untimed += other.untimed;
        if let Some((first, last)) = other.time {
            self.add_range(first, last);
        }
        for (key, count) in other.undecoded {
            *self.undecoded.entry(key).or_default() += count;
        }
    }

    fn add_range(&mut self, first: i64, last: i64) {
        let (from, to) = self.time.unwrap_or((first, last));
        self.time = Some((from.min(first), to.max(last)));
    }
}

/// Stands for the time of a packet that has none.
pub(super) const NO_TIME: i64 = i64::MIN;
/// No more of a payload than this is shown to a flow's state.
const MOST_BYTES: usize = 16_384;
