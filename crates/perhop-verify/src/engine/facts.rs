//! What is carried from the bytes of a packet to the table of its flow.

use std::ops::Range;

use perhop_wire::packet::{Addresses, Direction, Outer};

use crate::flow::PayloadKind;

/// One packet in a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Facts {
    pub(super) key: [u64; 2],
    pub(super) hash: u64,
    /// Nanoseconds since 1970.
    pub(super) time: i64,
    pub(super) ip_len: u32,
    /// The RTP header, when [`Form::kind`] says so.
    pub(super) ssrc: u32,
    pub(super) timestamp: u32,
    /// Number of the packet in its block, from 0.
    pub(super) frame: u32,
    /// Place of what few packets have in the block, plus 1; 0 for nothing.
    pub(super) rare: u32,
    pub(super) sequence: u16,
    /// RTP payload bytes on the wire.
    pub(super) payload_len: u16,
    pub(super) ip_id: u16,
    /// The outermost VLAN tag as [`tag`] packs it.
    pub(super) tag: u16,
    pub(super) ds: u8,
    pub(super) ttl: u8,
    /// The second byte of the RTP header.
    pub(super) mark_and_type: u8,
    pub(super) form: Form,
}

/// Kind of payload, direction and wrapper, packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form(u8);

impl Form {
    /// The form of no packet.
    pub(super) const NONE: Self = Self(0xff);

    pub(super) const fn new(kind: Kind, direction: Direction, wrapper: u8) -> Self {
        let direction = match direction {
            Direction::Unknown => 0,
            Direction::In => 1,
            Direction::Out => 2,
        };
        Self(kind as u8 | direction << 3 | wrapper << 5)
    }

    #[inline]
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
    /// The addresses of an IPv6 packet; nothing of IPv4 is kept here.
    pub(super) addresses: Addresses,
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

/// Packets of one block for one lane, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    pub(super) facts: Vec<Facts>,
    pub(super) rare: Vec<Rare>,
    pub(super) bytes: Vec<u8>,
    pub(super) fragments: Vec<FragmentFacts>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.facts.clear();
        self.rare.clear();
        self.bytes.clear();
        self.fragments.clear();
    }

    pub(super) fn rare_of(&self, facts: &Facts) -> Option<&Rare> {
        self.rare.get((facts.rare as usize).checked_sub(1)?)
    }

    pub(super) fn bytes_of(&self, rare: &Rare) -> &[u8] {
        let (start, end) = (rare.bytes.start as usize, rare.bytes.end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// A VLAN tag in 16 bits: identifier, and priority in the top three.
pub(super) const fn tag(id: u16, pcp: u8) -> u16 {
    id & 0x0fff | (pcp as u16) << 13
}

/// No VLAN tag; no tag is packed to this.
pub(super) const NO_TAG: u16 = 0xffff;
