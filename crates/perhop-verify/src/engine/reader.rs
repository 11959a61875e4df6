//! From the bytes of a packet to facts: dissection, and what one packet alone tells of its payload.

use std::collections::BTreeMap;

use perhop_wire::capture::CapturedPacket;
use perhop_wire::link::LinkType;
use perhop_wire::media::{self, Content, Wrapper};
use perhop_wire::packet::glance::{self, Glance, Inside};
use perhop_wire::packet::{
    self, Addresses, CommonObserver, Direction, Fragment, Layer, Observation, Transport, Undecoded,
};
use perhop_wire::rtcp::{Compound, Protection};
use perhop_wire::rtp::Rtp;
use perhop_wire::stun::attribute::is_microsoft;
use perhop_wire::stun::{Dialect, Stun};

use super::facts::{Batch, Facts, Form, FragmentFacts, Head, Kind, Like, NO_TAG, ODD, Rare, tag};
use super::hash::{self, Seeds};
use super::times::{NO_TIME, Times};
use super::totals::Cause;
use super::{Block, framing, partition_of, signs};
use crate::stream::arrival::Arrival;

/// Turns packets into facts and sorts them to lanes. Keeps nothing of them, so several can work on different blocks of a
/// capture at the same time.
#[derive(Debug, Clone)]
pub struct Reader {
    seeds: Seeds,
    partition_bits: u32,
    by_vlan: bool,
}

/// What is counted while packets are read; the sum over all blocks does not depend on who read which.
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
        }
    }

    /// Reads packets into a block.
    pub fn read(&self, packets: &[CapturedPacket<'_>], block: &mut Block) {
        for packet in packets {
            block.counts.captured_bytes += packet.data.len() as u64;
            if self.by_vlan || self.glance(packet, block).is_none() {
                self.read_closely(packet, block);
            }
            block.packets += 1;
        }
    }

    /// Reads one of the most frequent packets: RTP with the shortest header, TCP segments that are nothing of ours. `None`
    /// for all others, and then nothing was done.
    #[inline(always)]
    fn glance(&self, packet: &CapturedPacket<'_>, block: &mut Block) -> Option<()> {
        if packet.link != LinkType::ETHERNET {
            return None;
        }
        let Glance { tag, inside } = glance::glance(packet.data)?;
        let (form, ds, head) = match inside {
            Inside::Udp(bytes, more) => {
                let (wrapper, head) = match bytes[28] {
                    PLAIN if is_rtp(bytes[29]) => (0, Head::of_ipv4(bytes)),
                    0x40..=0x4f => (1, head_in_channel(bytes, more)?),
                    _ => return None,
                };
                let form = Form::new(Kind::RtpLike, packet.direction, wrapper);
                (form, bytes[1], head)
            }
            Inside::Tcp(bytes, payload) => {
                let ports = [[bytes[20], bytes[21]], [bytes[22], bytes[23]]];
                let [src, dst] = ports.map(u16::from_be_bytes);
                if !is_foreign(payload, (src, dst)) {
                    return None;
                }
                let form = Form::new(Kind::Other, packet.direction, 0);
                (form, bytes[1], Head::of_ipv4(bytes))
            }
            Inside::Udp6(bytes) => return self.glance_v6(packet, tag, bytes, block),
        };
        let hashed = self.seeds.hash_v4(head.key());
        let facts = Facts {
            time: packet.time_ns.unwrap_or(NO_TIME),
            like: like_of(form, ds, tag),
            hash: hashed.hash as u32,
            frame: block.packets,
            head,
        };
        let partition = partition_of(hashed.hash, self.partition_bits);
        block.partitions[partition].facts.push(facts);
        Some(())
    }

    /// The same of IPv6.
    #[inline(never)]
    fn glance_v6(
        &self,
        packet: &CapturedPacket<'_>,
        tag: u16,
        bytes: &[u8; 60],
        block: &mut Block,
    ) -> Option<()> {
        if bytes[48] != PLAIN || !is_rtp(bytes[49]) {
            return None;
        }
        let ip_len = u16::from_be_bytes([bytes[4], bytes[5]]).checked_add(40)?;
        let src = u128::from_be_bytes(*bytes[8..].first_chunk()?);
        let dst = u128::from_be_bytes(*bytes[24..].first_chunk()?);
        let ports = u32::from_le_bytes(*bytes[40..].first_chunk()?);
        let ends = [src, dst];
        let hashed = self.seeds.hash_v6(ends, bytes[6], ports);
        let batch = &mut block.partitions[partition_of(hashed.hash, self.partition_bits)];
        let head = Head::of_datagram(
            hash::with_ttl(hashed.key, bytes[7]),
            ip_len,
            bytes[44..].first_chunk()?,
        );
        let form = Form::new(Kind::RtpLike, packet.direction, 0);
        batch.facts.push(Facts {
            time: packet.time_ns.unwrap_or(NO_TIME),
            like: like_of(form, bytes[0] << 4 | bytes[1] >> 4, tag),
            hash: hashed.hash as u32,
            frame: block.packets,
            head: head.with_addresses(batch.addresses.len() as u32),
        });
        batch.addresses.push(ends);
        Some(())
    }

    /// Reads any packet.
    #[inline(never)]
    fn read_closely(&self, packet: &CapturedPacket<'_>, block: &mut Block) {
        let mut common = Common {
            reader: self,
            packet,
            block,
        };
        if !packet::observe_common(packet.link, packet.data, &mut common) {
            self.read_uncommon(packet, block);
        }
    }

    #[inline(never)]
    fn read_uncommon(&self, packet: &CapturedPacket<'_>, block: &mut Block) {
        match packet::dissect(packet.link, packet.data, packet.wire_len) {
            Ok(seen) if seen.fragment == Fragment::Whole => self.observe(&seen, packet, block),
            Ok(seen) => {
                let time = packet.time_ns.unwrap_or(NO_TIME);
                block.fragments.push(fragment_facts(&seen, time));
                if seen.fragment == Fragment::First {
                    self.observe(&seen, packet, block);
                }
            }
            Err(undecoded) => block.counts.add_undecoded(undecoded, packet.time_ns),
        }
    }

    #[inline(always)]
    fn observe(&self, seen: &Observation<'_>, packet: &CapturedPacket<'_>, block: &mut Block) {
        let mut hashed = self
            .seeds
            .hash(&seen.addresses, seen.protocol, seen.transport.ports());
        if self.by_vlan {
            hashed = hashed.in_vlan(seen.vlan.map(|vlan| vlan.id));
        }
        let frame = block.packets;
        let batch = &mut block.partitions[partition_of(hashed.hash, self.partition_bits)];
        let time = packet.time_ns.unwrap_or(NO_TIME);
        let arrival = Arrival::bare(time, seen.identification as u16);
        let direction = match packet.direction {
            Direction::Unknown => seen.direction,
            known => known,
        };
        let payload = judge_at_once(seen, arrival).unwrap_or_else(|| judge(seen, arrival));
        let form = Form::new(
            payload.kind,
            direction,
            signs::wrapper_number(payload.wrapper),
        );
        let tag = seen
            .vlan
            .map_or(NO_TAG, |vlan| tag(vlan.id, vlan.pcp.value()).swap_bytes());
        let mut like = like_of(form, seen.ds.0, tag);
        let ip_len = u16::try_from(seen.ip_len);
        let outside = seen.outer.is_some() || seen.wifi_priority.is_some();
        if payload.has_more() || outside || ip_len.is_err() {
            like = like.plain();
            like = like.with_rare(add_rare(new_rare(seen, &payload), payload.bytes, batch));
        }
        let key = hash::with_ttl(hashed.key, seen.ttl);
        let ip_id = payload.arrival.ip_id;
        let mut head = Head::new(key, ip_len.unwrap_or(u16::MAX), ip_id, &payload.arrival);
        if let Addresses::V6 { src, dst } = seen.addresses {
            head = head.with_addresses(batch.addresses.len() as u32);
            batch.addresses.push([src, dst]);
        }
        batch.facts.push(Facts {
            time,
            like,
            hash: hashed.hash as u32,
            frame,
            head,
        });
    }
}

/// Takes a common packet where it is dissected.
struct Common<'r, 'p> {
    reader: &'r Reader,
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
    arrival: Arrival,
    kind: Kind,
    wrapper: Option<Wrapper>,
    signs: u16,
    bytes: &'a [u8],
    wire_len: u32,
}

impl<'a> Payload<'a> {
    const fn of(kind: Kind, arrival: Arrival) -> Self {
        Self {
            arrival,
            kind,
            wrapper: None,
            signs: 0,
            bytes: &[],
            wire_len: 0,
        }
    }

    const fn with_signs(mut self, signs: u16) -> Self {
        self.signs = signs;
        self
    }

    fn with_bytes(mut self, bytes: &'a [u8], wire_len: u32) -> Self {
        self.bytes = bytes.get(..MOST_BYTES).unwrap_or(bytes);
        self.wire_len = wire_len;
        self
    }

    const fn has_more(&self) -> bool {
        self.signs != 0 || !self.bytes.is_empty()
    }
}

/// Judges the most frequent payloads: RTP with the shortest header, and TCP segments that are nothing of ours.
#[inline(always)]
fn judge_at_once<'a>(seen: &Observation<'a>, arrival: Arrival) -> Option<Payload<'a>> {
    match seen.transport {
        Transport::Udp { .. } => {
            let header = seen.payload.first_chunk::<12>()?;
            let plain = header[0] == PLAIN && is_rtp(header[1]) && seen.payload_len >= 12;
            let arrival = plain_rtp(arrival, header, seen.payload_len);
            plain.then_some(Payload::of(Kind::RtpLike, arrival))
        }
        Transport::Tcp {
            src_port, dst_port, ..
        } => is_foreign(seen.payload, (src_port, dst_port))
            .then_some(Payload::of(Kind::Other, arrival)),
        Transport::Other => Some(Payload::of(Kind::Other, arrival)),
    }
}

/// First byte of RTP without extension, sources and padding.
const PLAIN: u8 = 0x80;

/// Whether what begins as RTP and RTCP do is RTP, by its second byte.
#[inline(always)]
const fn is_rtp(second: u8) -> bool {
    !matches!(second, 192..=223)
}

/// Reads [`PLAIN`] RTP in `ChannelData` (RFC 8656 section 12.4), of which the first bytes are in `bytes` from 28 on.
#[inline(never)]
fn head_in_channel(bytes: &[u8; 40], more: &[u8]) -> Option<Head> {
    let number = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let length = number(30);
    let padding = (number(24) - 8).checked_sub(length.checked_add(4)?)?;
    if padding > 3 || length < 12 || bytes[32] != PLAIN || !is_rtp(bytes[33]) {
        return None;
    }
    let udp_len = (length + 8).to_be_bytes();
    let mut datagram = [0; 16];
    datagram[..2].copy_from_slice(&udp_len);
    datagram[4..12].copy_from_slice(&bytes[32..]);
    datagram[12..].copy_from_slice(more.first_chunk::<4>()?);
    Some(Head::of_ipv4(bytes).with_datagram(&datagram))
}

/// How a packet is like others that has nothing more to it than the mark of congestion (RFC 3168), which must be counted.
#[inline(always)]
const fn like_of(form: Form, ds: u8, tag: u16) -> Like {
    let like = Like::new(form, ds, tag);
    if ds & 3 == 3 {
        return like.with_rare(ODD);
    }
    like
}

/// Whether a TCP segment's payload needs no closer look.
#[inline(always)]
const fn is_foreign(payload: &[u8], ports: (u16, u16)) -> bool {
    match payload {
        [] => true,
        [20..=23, 3, 0..=4, ..] => true,
        [b'A'..=b'Z' | 0..=1 | 0x40..=0x4f, ..] => false,
        [_, _, 0..=3 | 20..=26 | 128..=191, ..] => false,
        _ => ports.0 < 1024 || ports.1 < 1024,
    }
}

/// Judges any payload.
#[inline(always)]
fn judge<'a>(seen: &Observation<'a>, arrival: Arrival) -> Payload<'a> {
    let (bytes, wire_len) = (seen.payload, seen.payload_len);
    match seen.transport {
        Transport::Udp { .. } => judge_datagram(bytes, wire_len, arrival),
        Transport::Tcp {
            src_port, dst_port, ..
        } => judge_segment(bytes, wire_len, (src_port, dst_port), arrival),
        Transport::Other => Payload::of(Kind::Other, arrival),
    }
}

#[inline(never)]
fn judge_datagram(bytes: &[u8], wire_len: u32, arrival: Arrival) -> Payload<'_> {
    let peeled = media::peel(bytes, wire_len);
    let of = |kind| Payload::of(kind, arrival);
    let mut payload = match peeled.content {
        Content::Rtp(rtp) => Payload::of(Kind::RtpLike, rtp_arrival(arrival, &rtp)),
        Content::Rtcp(rtcp) => of(Kind::Rtcp)
            .with_signs(signs::RTCP | rtcp_signs(&rtcp))
            .with_bytes(rtcp.bytes(), rtcp.wire_len()),
        Content::Stun(stun) => of(Kind::Stun).with_signs(stun_signs(&stun)),
        Content::Dtls => of(Kind::Dtls),
        Content::UnifiedDtls => of(Kind::UnifiedDtls),
        Content::Zrtp => of(Kind::Other).with_signs(signs::ZRTP),
        Content::Quic => of(Kind::Other).with_signs(signs::QUIC),
        Content::Sip(_) => of(Kind::Other)
            .with_signs(signs::SIP)
            .with_bytes(bytes, wire_len),
        Content::Other => of(Kind::Other),
    };
    payload.wrapper = peeled.wrapper;
    payload
}

/// The arrival with an RTP header that has neither extension, nor sources, nor padding.
#[inline(always)]
fn plain_rtp(arrival: Arrival, header: &[u8; 12], wire_len: u32) -> Arrival {
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    Arrival {
        mark_and_type: header[1],
        sequence: u16::from_be_bytes([header[2], header[3]]),
        timestamp: word(4),
        ssrc: word(8),
        payload_len: wire_len.wrapping_sub(12).min(0xffff) as u16,
        ..arrival
    }
}

/// The arrival with an RTP header.
fn rtp_arrival(arrival: Arrival, rtp: &Rtp<'_>) -> Arrival {
    Arrival {
        mark_and_type: rtp.payload_type() | u8::from(rtp.marker()) << 7,
        sequence: rtp.sequence(),
        timestamp: rtp.timestamp(),
        ssrc: rtp.ssrc(),
        payload_len: rtp.payload_len().unwrap_or(0).min(0xffff) as u16,
        ..arrival
    }
}

fn rtcp_signs(rtcp: &Compound<'_>) -> u16 {
    match rtcp.protection() {
        Protection::Encrypted => signs::SRTCP,
        Protection::Clear | Protection::Cut => 0,
    }
}

fn stun_signs(stun: &Stun<'_>) -> u16 {
    let microsoft =
        stun.dialect() == Dialect::MsTurn || stun.attributes().any(|(kind, _)| is_microsoft(kind));
    if microsoft { signs::MICROSOFT } else { 0 }
}

/// A TCP segment is shown to the flow's state when it can begin with a frame of RFC 4571, or when it may continue one.
#[inline(never)]
fn judge_segment(bytes: &[u8], wire_len: u32, ports: (u16, u16), arrival: Arrival) -> Payload<'_> {
    let payload = Payload::of(Kind::Other, arrival);
    if media::sip::StartLine::read(bytes).is_some() {
        return payload.with_signs(signs::SIP).with_bytes(bytes, wire_len);
    }
    let (src, dst) = ports;
    let may_continue = src >= 1024 && dst >= 1024 && !framing::is_tls(bytes);
    if may_continue || framing::begins_with_frame(bytes, wire_len) {
        return payload.with_bytes(bytes, wire_len);
    }
    payload
}

#[inline(always)]
fn new_rare(seen: &Observation<'_>, payload: &Payload<'_>) -> Rare {
    Rare {
        ip_len: seen.ip_len,
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

    pub(super) fn merge(&mut self, other: &Self) {
        self.captured_bytes += other.captured_bytes;
        self.times.merge(other.times);
        for (key, count) in &other.undecoded {
            *self.undecoded.entry(*key).or_default() += count;
        }
    }
}

/// No more of a payload than this is shown to a flow's state.
const MOST_BYTES: usize = 16_384;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is told at once to be nothing of ours is told so by a closer look too, TLS aside, which is not looked into.
        #[test]
        fn a_short_look_at_a_segment_agrees_with_a_long_one(
            start in prop::sample::select(vec![&b""[..], b"SIP/2.0 200", b"INVITE sip:a@b", &[0, 40, 0x80, 0], &[0x16, 3, 1], &[0, 20, 0, 1]]),
            rest in prop::collection::vec(any::<u8>(), 0..60),
            ports in (0u16..2048, 0u16..2048),
            more in 0u32..3,
        ) {
            let payload = [start, &rest].concat();
            let seen = Observation {
                addresses: Addresses::V4 { src: 1, dst: 2 },
                transport: Transport::Tcp {
                    src_port: ports.0,
                    dst_port: ports.1,
                    flags: 16,
                    sequence: 1,
                    acknowledgement: 1,
                },
                payload: &payload,
                payload_len: payload.len() as u32 + more,
                ..nothing()
            };
            let arrival = Arrival::bare(0, 0);
            if judge_at_once(&seen, arrival).is_some() && !framing::is_tls(&payload) {
                let closer = judge(&seen, arrival);
                prop_assert!(closer.kind == Kind::Other && !closer.has_more(), "{payload:?}");
            }
        }
    }

    proptest! {
        /// A glance gives the facts of a closer look.
        #[test]
        fn a_glance_agrees_with_a_closer_look(
            tcp: bool,
            v6: bool,
            channel in prop::option::of(36u8..44),
            cut in 50usize..120,
            tag in prop::option::of(any::<u16>()),
            tos: u8,
            start in (prop::sample::select(vec![0x80u8, 0x90, 0x16, 0]), any::<[u8; 3]>()),
            ports: (u16, u16),
            direction in prop::sample::select(vec![Direction::Unknown, Direction::In, Direction::Out]),
        ) {
            let protocol = if tcp { 6 } else { 17 };
            let mut inside = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
            if tcp {
                inside.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 1, 0, 0, 0, 0]);
            } else {
                inside.extend([0, 52, 0, 0]);
            }
            inside.extend(channel.filter(|_| !tcp).map_or(vec![], |length| vec![0x40, 1, 0, length]));
            inside.push(start.0);
            inside.extend(start.1);
            inside.resize(52, 0x55);
            let mut frame = vec![2; 12];
            if let Some(tag) = tag {
                frame.extend([0x81, 0]);
                frame.extend(tag.to_be_bytes());
            }
            if v6 {
                frame.extend([0x86, 0xdd, 0x60 | tos >> 4, tos << 4, 0, 0, 0, 52, protocol, 60]);
                frame.extend([7; 15]);
                frame.extend(tos.to_be_bytes());
                frame.extend([9; 16]);
            } else {
                frame.extend([8, 0, 0x45, tos, 0, 72, 1, 2, 0x40, 0, 60, protocol, 0, 9]);
                frame.extend([10, 0, 0, 1, 10, 0, 0, 2]);
            }
            frame.extend(inside);
            frame.truncate(cut);
            let packet = CapturedPacket {
                time_ns: Some(7),
                link: LinkType::ETHERNET,
                data: &frame,
                wire_len: frame.len() as u32,
                interface: 0,
                direction,
                consumed: 0,
            };
            let reader = Reader::new(Seeds::new(1), 2, false);
            let (mut at_once, mut closely) = (Block::new(2), Block::new(2));
            if reader.glance(&packet, &mut at_once).is_some() {
                reader.read_closely(&packet, &mut closely);
                let facts = |block: &Block| {
                    let batches = block.partitions.iter();
                    let told = |batch: &Batch| {
                        let facts: Vec<_> = batch.facts.iter().map(|one| told(one, batch)).collect();
                        (facts, batch.rare.len())
                    };
                    batches.map(told).collect::<Vec<_>>()
                };
                prop_assert_eq!(facts(&at_once), facts(&closely));
            } else {
                prop_assert_eq!(at_once.partitions.iter().map(|batch| batch.facts.len()).sum::<usize>(), 0);
            }
        }
    }

    /// All that is ever asked of facts.
    fn told(facts: &Facts, batch: &Batch) -> impl PartialEq + std::fmt::Debug + use<> {
        let arrival = facts.like.is_rtp_like().then(|| facts.arrival());
        let identity = (facts.key(), facts.hash, batch.addresses_of(facts).copied());
        let length = facts.head.ip_len();
        (
            facts.time,
            facts.like,
            facts.frame,
            identity,
            length,
            arrival,
        )
    }

    fn nothing() -> Observation<'static> {
        let frame = [
            &[2; 12][..],
            &[8, 0, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0],
            &[10; 8],
        ]
        .concat();
        packet::dissect(perhop_wire::link::LinkType::ETHERNET, frame.leak(), 34).unwrap()
    }
}
