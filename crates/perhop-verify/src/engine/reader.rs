//! From the bytes of a packet to facts: dissection, and what one packet alone tells of its payload.

use std::collections::BTreeMap;

use perhop_wire::capture::CapturedPacket;
use perhop_wire::media::{self, Content, Wrapper};
use perhop_wire::packet::{
    self, Addresses, CommonObserver, Direction, Fragment, Layer, Observation, Transport, Undecoded,
};
use perhop_wire::rtcp::{Compound, Protection};
use perhop_wire::rtp::Rtp;
use perhop_wire::stun::attribute::is_microsoft;
use perhop_wire::stun::{Dialect, Stun};

use super::facts::{Batch, Facts, Form, FragmentFacts, Kind, Like, NO_TAG, Rare, tag};
use super::hash::Seeds;
use super::times::{NO_TIME, Times};
use super::totals::Cause;
use super::{Block, framing, partition_of, signs};
use crate::stream::arrival::Arrival;

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
    pub(super) captured_bytes: u64,
    /// Packets that gave no observation, by layer and reason without its particulars.
    pub(super) undecoded: BTreeMap<(Layer, Cause), u64>,
    /// Their times, and how many of them had none.
    pub(super) times: Times,
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
        self.counts.captured_bytes += packet.data.len() as u64;
        let mut common = Common {
            reader: self,
            packet,
            block,
        };
        if !packet::observe_common(packet.link, packet.data, &mut common) {
            self.read_uncommon(packet, block);
        }
        block.packets += 1;
    }

    #[inline(never)]
    fn read_uncommon(&mut self, packet: &CapturedPacket<'_>, block: &mut Block) {
        match packet::dissect(packet.link, packet.data, packet.wire_len) {
            Ok(seen) if seen.fragment == Fragment::Whole => self.observe(&seen, packet, block),
            Ok(seen) => {
                let time = packet.time_ns.unwrap_or(NO_TIME);
                block.fragments.push(fragment_facts(&seen, time));
                if seen.fragment == Fragment::First {
                    self.observe(&seen, packet, block);
                }
            }
            Err(undecoded) => self.counts.add_undecoded(undecoded, packet.time_ns),
        }
    }

    #[inline(always)]
    fn observe(&mut self, seen: &Observation<'_>, packet: &CapturedPacket<'_>, block: &mut Block) {
        let mut hashed = self
            .seeds
            .hash(&seen.addresses, seen.protocol, seen.transport.ports());
        if self.by_vlan
            && let Some(vlan) = seen.vlan
        {
            hashed = hashed.in_vlan(vlan.id);
        }
        let frame = block.packets;
        let batch = &mut block.partitions[partition_of(hashed.hash, self.partition_bits)];
        let time = packet.time_ns.unwrap_or(NO_TIME);
        let mut arrival = Arrival::bare(time, seen.identification as u16);
        let payload = judge(seen, &mut arrival);
        let has_more = payload.has_more() || seen.outer.is_some() || seen.wifi_priority.is_some();
        let mut rare = 0;
        if has_more || matches!(seen.addresses, Addresses::V6 { .. }) {
            rare = add_rare(new_rare(seen, &payload), payload.bytes, batch);
        }
        let direction = match packet.direction {
            Direction::Unknown => seen.direction,
            known => known,
        };
        let form = Form::new(
            payload.kind,
            direction,
            signs::wrapper_number(payload.wrapper),
        );
        let tag = seen
            .vlan
            .map_or(NO_TAG, |vlan| tag(vlan.id, vlan.pcp.value()));
        let like = Like::new(form, seen.ds.0, seen.ttl, tag);
        batch.facts.push(Facts {
            key: hashed.key,
            arrival,
            like: like.odd_if(has_more || seen.ds.0 & 3 == 3),
            hash: hashed.hash as u32,
            ip_len: seen.ip_len,
            frame,
            rare,
        });
    }
}

/// Takes a common packet where it is dissected.
struct Common<'r, 'p> {
    reader: &'r mut Reader,
    packet: &'r CapturedPacket<'p>,
    block: &'r mut Block,
}

impl<'p> CommonObserver<'p> for Common<'_, 'p> {
    #[inline(always)]
    fn common(&mut self, seen: &Observation<'p>) {
        self.reader.observe(seen, self.packet, self.block);
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

    const fn has_more(&self) -> bool {
        self.signs != 0 || !self.bytes.is_empty()
    }
}

#[inline(always)]
fn judge<'a>(seen: &Observation<'a>, arrival: &mut Arrival) -> Payload<'a> {
    match seen.transport {
        Transport::Udp { .. } => match seen.payload.first_chunk::<12>() {
            Some(header @ [0x80, 0..=191 | 224..=255, ..]) if seen.payload_len >= 12 => {
                fill_plain_rtp(arrival, header, seen.payload_len);
                Payload::of(Kind::RtpLike)
            }
            _ => judge_datagram(seen.payload, seen.payload_len, arrival),
        },
        Transport::Tcp { .. } if !seen.payload.is_empty() => {
            judge_segment(seen.payload, seen.payload_len, seen.transport.ports())
        }
        _ => Payload::of(Kind::Other),
    }
}

/// Judges a datagram that is not RTP with the shortest header.
#[inline(never)]
fn judge_datagram<'a>(bytes: &'a [u8], wire_len: u32, arrival: &mut Arrival) -> Payload<'a> {
    let peeled = media::peel(bytes, wire_len);
    let mut payload = if let Content::Rtp(rtp) = peeled.content {
        fill_rtp(arrival, &rtp);
        Payload::of(Kind::RtpLike)
    } else {
        judge_content(peeled.content, bytes, wire_len)
    };
    payload.wrapper = peeled.wrapper;
    payload
}

/// Copies an RTP header without extension, sources or padding into an arrival.
#[inline(always)]
fn fill_plain_rtp(arrival: &mut Arrival, header: &[u8; 12], wire_len: u32) {
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    arrival.mark_and_type = header[1];
    arrival.sequence = u16::from_be_bytes([header[2], header[3]]);
    arrival.timestamp = word(4);
    arrival.ssrc = word(8);
    arrival.payload_len = (wire_len - 12).min(0xffff) as u16;
}

/// Copies the RTP header into an arrival.
pub(super) fn fill_rtp(arrival: &mut Arrival, rtp: &Rtp<'_>) {
    arrival.ssrc = rtp.ssrc();
    arrival.timestamp = rtp.timestamp();
    arrival.sequence = rtp.sequence();
    arrival.mark_and_type = rtp.payload_type() | u8::from(rtp.marker()) << 7;
    arrival.payload_len = rtp.payload_len().unwrap_or(0).min(0xffff) as u16;
}

fn judge_content<'a>(content: Content<'a>, bytes: &'a [u8], wire_len: u32) -> Payload<'a> {
    match content {
        Content::Rtp(_) => Payload::of(Kind::RtpLike),
        Content::Rtcp(rtcp) => judge_rtcp(&rtcp),
        Content::Stun(stun) => judge_stun(&stun),
        Content::Dtls => Payload::of(Kind::Dtls),
        Content::UnifiedDtls => Payload::of(Kind::UnifiedDtls),
        Content::Zrtp => Payload::with_sign(Kind::Other, signs::ZRTP),
        Content::Quic => Payload::with_sign(Kind::Other, signs::QUIC),
        Content::Sip(_) => Payload::with_bytes(Kind::Other, signs::SIP, bytes, wire_len),
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

#[inline(never)]
/// A TCP segment is shown to the flow's state when it can begin with a frame of RFC 4571, or when it may continue one.
fn judge_segment(bytes: &[u8], wire_len: u32, ports: (u16, u16)) -> Payload<'_> {
    if media::sip::StartLine::read(bytes).is_some() {
        return Payload::with_bytes(Kind::Other, signs::SIP, bytes, wire_len);
    }
    let (src, dst) = ports;
    let may_continue = src >= 1024 && dst >= 1024 && !framing::is_tls(bytes);
    if may_continue || framing::begins_with_frame(bytes, wire_len) {
        return Payload::with_bytes(Kind::Other, 0, bytes, wire_len);
    }
    Payload::of(Kind::Other)
}

#[inline(always)]
fn new_rare(seen: &Observation<'_>, payload: &Payload<'_>) -> Rare {
    Rare {
        addresses: seen.addresses,
        outer: seen.outer,
        wifi_priority: seen.wifi_priority,
        signs: payload.signs,
        bytes: 0..0,
        wire_len: payload.wire_len,
        tcp: match seen.transport {
            Transport::Tcp {
                sequence, flags, ..
            } => Some((sequence, flags)),
            Transport::Udp { .. } | Transport::Other => None,
        },
    }
}

/// Puts what few packets have into the batch; gives its place plus 1.
#[inline(never)]
fn add_rare(mut rare: Rare, bytes: &[u8], batch: &mut Batch) -> u32 {
    let start = batch.bytes.len() as u32;
    batch.bytes.extend_from_slice(bytes);
    rare.bytes = start..batch.bytes.len() as u32;
    batch.rare.push(rare);
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
    #[inline(never)]
    fn add_undecoded(&mut self, undecoded: Undecoded, time: Option<i64>) {
        let key = (undecoded.layer, Cause::from(undecoded.reason));
        *self.undecoded.entry(key).or_default() += 1;
        self.times.add(time.unwrap_or(NO_TIME));
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.captured_bytes += other.captured_bytes;
        self.times.merge(other.times);
        for (key, count) in other.undecoded {
            *self.undecoded.entry(key).or_default() += count;
        }
    }
}

/// No more of a payload than this is shown to a flow's state.
const MOST_BYTES: usize = 16_384;
