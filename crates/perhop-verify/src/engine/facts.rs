//! What is carried from the bytes of a packet to the table of its flow.

use std::ops::Range;

use perhop_wire::packet::{Addresses, Direction, Outer};

use crate::flow::PayloadKind;
use crate::stream::arrival::Arrival;

/// One packet in a cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Facts {
    pub(super) key: [u64; 2],
    /// The time; and the RTP header, when the form says so.
    pub(super) arrival: Arrival,
    pub(super) like: Like,
    /// The lower half of the hash; the upper half chose the partition.
    pub(super) hash: u32,
    pub(super) ip_len: u32,
    /// Number of the packet in its block, from 0.
    pub(super) frame: u32,
    /// Place of what few packets have in the batch, plus 1; 0 for nothing.
    pub(super) rare: u32,
}

const _: () = assert!(
    size_of::<Facts>() == 64,
    "the facts of a packet are a cache line"
);

/// What is the same for most packets of a flow, so that one comparison is enough: kind of payload, direction, wrapper, DS
/// field, time to live, VLAN tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Like(u64);

impl Like {
    /// The likeness of no packet.
    pub(super) const NONE: Self = Self(u64::MAX);

    #[inline]
    pub(super) const fn new(form: Form, ds: u8, ttl: u8, tag: u16) -> Self {
        Self(form.0 as u64 | (ds as u64) << 8 | (ttl as u64) << 16 | (tag as u64) << 24)
    }

    /// The same of a packet that must be looked at more closely, whatever it is like.
    #[inline]
    pub(super) const fn odd_if(self, odd: bool) -> Self {
        Self(self.0 | (odd as u64) << 63)
    }

    /// Without the mark of [`Like::odd_if`].
    pub(super) const fn plain(self) -> Self {
        Self(self.0 & (u64::MAX >> 1))
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

    pub(super) const fn ttl(self) -> u8 {
        (self.0 >> 16) as u8
    }

    pub(super) const fn tag(self) -> u16 {
        (self.0 >> 24) as u16
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

/// Packets of one block for one partition, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    pub(super) facts: Vec<Facts>,
    pub(super) rare: Vec<Rare>,
    pub(super) bytes: Vec<u8>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.facts.clear();
        self.rare.clear();
        self.bytes.clear();
    }

    pub(super) fn rare_of(&self, facts: &Facts) -> Option<&Rare> {
        self.rare.get((facts.rare as usize).checked_sub(1)?)
    }

    pub(super) fn bytes_of(&self, rare: &Rare) -> &[u8] {
        let (start, end) = (rare.bytes.start as usize, rare.bytes.end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }
}

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
