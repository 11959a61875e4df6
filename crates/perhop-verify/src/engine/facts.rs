//! What is carried from the bytes of a packet to the table of its flow.

use std::ops::Range;

use perhop_wire::packet::{Addresses, Direction, Outer};

use super::hash::{self, CHECKSUM, Key};
use crate::flow::PayloadKind;
use crate::stream::arrival::Arrival;

/// One packet in a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Facts {
    /// Nanoseconds since 1970, or [`super::times::NO_TIME`].
    pub(super) time: i64,
    pub(super) like: Like,
    /// The lower half of the hash; the upper half chose the partition.
    pub(super) hash: u32,
    /// Number of the packet in its block, from 0.
    pub(super) frame: u32,
    pub(super) head: Head,
}

const _: () = assert!(
    size_of::<Facts>() == 64,
    "the facts of a packet are a cache line"
);

impl Facts {
    /// Identity of the flow, with the time to live.
    #[inline(always)]
    pub(super) const fn key(&self) -> Key {
        self.head.key()
    }

    /// The time; and the RTP header, when the kind says so.
    #[inline(always)]
    pub(super) const fn arrival(&self) -> Arrival {
        self.head.arrival(self.time)
    }
}

/// The first 40 bytes of an IPv4 packet as they stand there, in five words of little-endian order: the IP header, and the
/// start of a UDP or TCP header or of RTP. So nothing needs to be taken apart when a packet is read. What other packets
/// tell is put into the same places; where IPv4 has what nobody asks for, they have other things:
///
/// - The checksum is part of [`Key`].
/// - Version and type of service, and fragment, are the place of IPv6's addresses in [`Batch::addresses`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Head([u64; 5]);

impl Head {
    /// Of an IPv4 packet without options.
    #[inline(always)]
    pub(super) fn of_ipv4(packet: &[u8; 40]) -> Self {
        let (words, _) = packet.as_chunks::<8>();
        let word = |at: usize| u64::from_le_bytes(words[at]);
        Self([word(0), word(1) & !CHECKSUM, word(2), word(3), word(4)])
    }

    /// Of any packet: its key, its length and its identification, and what of RTP is in `arrival`.
    pub(super) const fn new(key: Key, ip_len: u16, ip_id: u16, arrival: &Arrival) -> Self {
        let first = (ip_len.swap_bytes() as u64) << 16 | (ip_id.swap_bytes() as u64) << 32;
        let datagram = arrival.payload_len.saturating_add(BEFORE_PAYLOAD);
        let rtp = (arrival.mark_and_type as u64) << 40
            | (arrival.sequence.swap_bytes() as u64) << 48
            | datagram.swap_bytes() as u64;
        let source =
            (arrival.ssrc.swap_bytes() as u64) << 32 | arrival.timestamp.swap_bytes() as u64;
        Self([first, key[0], key[1], rtp, source])
    }

    /// Of a packet by its key and its length, and 16 bytes of a datagram: the second half of its UDP header, and the RTP header.
    #[inline(always)]
    pub(super) fn of_datagram(key: Key, ip_len: u16, datagram: &[u8; 16]) -> Self {
        let first = (ip_len.swap_bytes() as u64) << 16;
        Self([first, key[0], key[1], 0, 0]).with_datagram(datagram)
    }

    /// The same with another datagram.
    #[inline(always)]
    pub(super) fn with_datagram(mut self, datagram: &[u8; 16]) -> Self {
        let (words, _) = datagram.as_chunks::<8>();
        (self.0[3], self.0[4]) = (u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]));
        self
    }

    /// The same with the place of IPv6's addresses.
    pub(super) const fn with_addresses(mut self, place: u32) -> Self {
        self.0[0] |= place as u64 & 0xffff | (place as u64 >> 16) << 48;
        self
    }

    #[inline(always)]
    pub(super) const fn key(&self) -> Key {
        [self.0[1], self.0[2]]
    }

    /// Bytes of the IP packet; of longer ones, [`Rare::ip_len`] has them.
    #[inline(always)]
    pub(super) const fn ip_len(&self) -> u16 {
        ((self.0[0] >> 16) as u16).swap_bytes()
    }

    /// Place of the addresses of an IPv6 packet.
    const fn addresses(&self) -> u32 {
        (self.0[0] & 0xffff) as u32 | ((self.0[0] >> 48) as u32) << 16
    }

    #[inline(always)]
    const fn arrival(&self, time: i64) -> Arrival {
        let [first, _, _, rtp, source] = self.0;
        Arrival {
            time,
            ssrc: ((source >> 32) as u32).swap_bytes(),
            timestamp: (source as u32).swap_bytes(),
            sequence: ((rtp >> 48) as u16).swap_bytes(),
            payload_len: (rtp as u16).swap_bytes().wrapping_sub(BEFORE_PAYLOAD),
            ip_id: ((first >> 32) as u16).swap_bytes(),
            mark_and_type: (rtp >> 40) as u8,
        }
    }
}

/// Bytes of the UDP header and of the shortest RTP header.
const BEFORE_PAYLOAD: u16 = 20;

/// What is the same for most packets of a flow, so that one comparison is enough: kind of payload, direction, wrapper, DS
/// field, VLAN tag; and where the packet has more to it, the place of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Like(u64);

impl Like {
    /// The likeness of no packet.
    pub(super) const NONE: Self = Self(u64::MAX);

    /// The tag is in the order of the packet's bytes.
    #[inline(always)]
    pub(super) const fn new(form: Form, ds: u8, tag: u16) -> Self {
        Self(form.0 as u64 | (ds as u64) << 8 | (tag as u64) << 16)
    }

    /// The same of a packet that must be looked at more closely: `rare` is the place of what few packets have in the batch,
    /// plus 1, or [`ODD`] when there is nothing of that.
    #[inline(always)]
    pub(super) const fn with_rare(self, rare: u32) -> Self {
        Self(self.0 | (rare as u64) << 32)
    }

    /// Without that.
    pub(super) const fn plain(self) -> Self {
        Self(self.0 & 0xffff_ffff)
    }

    const fn rare(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The same with another kind of payload.
    pub(super) const fn with_kind(self, kind: Kind) -> Self {
        Self(self.0 & !7 | kind as u64)
    }

    pub(super) const fn form(self) -> Form {
        Form(self.0 as u8)
    }

    pub(super) const fn ds(self) -> u8 {
        (self.0 >> 8) as u8
    }

    pub(super) const fn tag(self) -> u16 {
        ((self.0 >> 16) as u16).swap_bytes()
    }

    /// Whether the packet can be RTP.
    #[inline]
    pub(super) const fn is_rtp_like(self) -> bool {
        self.0 & 7 == Kind::RtpLike as u64
    }

    /// Kind and DSCP, for counting.
    pub(super) const fn cell(self) -> u16 {
        (self.0 as u16 & 7) << 6 | (self.ds() >> 2) as u16
    }
}

/// Kind of payload, direction and wrapper, packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form(u8);

impl Form {
    #[inline]
    pub(super) const fn new(kind: Kind, direction: Direction, wrapper: u8) -> Self {
        let direction = match direction {
            Direction::Unknown => 0,
            Direction::In => 1,
            Direction::Out => 2,
        };
        Self(kind as u8 | direction << 3 | wrapper << 5)
    }

    pub(super) const fn kind(self) -> u8 {
        self.0 & 7
    }

    pub(super) const fn direction(self) -> Direction {
        match self.0 >> 3 & 3 {
            1 => Direction::In,
            2 => Direction::Out,
            _ => Direction::Unknown,
        }
    }

    /// 0 for none, else the wrapper's number plus 1.
    pub(super) const fn wrapper(self) -> u8 {
        self.0 >> 5
    }
}

/// Kind of payload as one packet alone can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Can be RTP.
    RtpLike = 0,
    Rtcp = 1,
    Stun = 2,
    Dtls = 3,
    Other = 4,
    /// DTLS if the flow had a DTLS handshake.
    UnifiedDtls = 5,
}

impl Kind {
    /// What a packet of this kind counts as on a flow with or without media, with or without a DTLS handshake.
    pub(super) const fn payload_kind(kind: u8, media: bool, dtls: bool) -> PayloadKind {
        match kind {
            0 if media => PayloadKind::Media,
            1 => PayloadKind::Rtcp,
            2 => PayloadKind::Stun,
            3 => PayloadKind::Dtls,
            5 if dtls => PayloadKind::Dtls,
            _ => PayloadKind::Other,
        }
    }
}

/// What few packets have.
#[derive(Debug, Clone)]
pub(super) struct Rare {
    /// Bytes of the IP packet.
    pub(super) ip_len: u32,
    pub(super) outer: Option<Outer>,
    pub(super) wifi_priority: Option<u8>,
    /// Bits of [`super::signs`].
    pub(super) signs: u16,
    /// Payload that the flow's state must see, in [`Batch::bytes`].
    pub(super) bytes: Range<u32>,
    /// Bytes that this payload had on the wire.
    pub(super) wire_len: u32,
    /// TCP sequence number and flags.
    pub(super) tcp: Option<(u32, u8)>,
}

/// A fragment, by what is in its IP header.
#[derive(Debug, Clone, Copy)]
pub(super) struct FragmentFacts {
    pub(super) addresses: Addresses,
    pub(super) protocol: u8,
    pub(super) ds: u8,
    pub(super) identification: u32,
    pub(super) ip_len: u32,
    pub(super) time: i64,
    /// The ports, in a first fragment.
    pub(super) first: Option<(u16, u16)>,
}

/// Packets of one block for one partition, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    pub(super) facts: Vec<Facts>,
    /// Source and destination of IPv6 packets.
    pub(super) addresses: Vec<Ends>,
    pub(super) rare: Vec<Rare>,
    pub(super) bytes: Vec<u8>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.facts.clear();
        self.addresses.clear();
        self.rare.clear();
        self.bytes.clear();
    }

    /// The addresses of an IPv6 packet; `None` for IPv4.
    #[inline]
    pub(super) fn addresses_of(&self, facts: &Facts) -> Option<&Ends> {
        if !hash::is_v6(facts.key()) {
            return None;
        }
        self.addresses.get(facts.head.addresses() as usize)
    }

    pub(super) fn rare_of(&self, facts: &Facts) -> Option<&Rare> {
        self.rare.get((facts.like.rare() as usize).checked_sub(1)?)
    }

    pub(super) fn bytes_of(&self, rare: &Rare) -> &[u8] {
        let (start, end) = (rare.bytes.start as usize, rare.bytes.end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// Source and destination address of IPv6.
pub(super) type Ends = [u128; 2];

/// For [`Like::with_rare`].
pub(super) const ODD: u32 = u32::MAX;

/// Kind of payload in a [`Like::cell`].
pub(super) const fn kind_of(cell: u16) -> u8 {
    (cell >> 6) as u8
}

/// A VLAN tag in 16 bits: identifier, and priority in the top three.
pub(super) const fn tag(id: u16, pcp: u8) -> u16 {
    id & 0x0fff | (pcp as u16) << 13
}

/// No VLAN tag; no tag is packed to this.
pub(super) const NO_TAG: u16 = 0xffff;
