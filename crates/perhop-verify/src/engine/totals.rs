//! What is known of a capture as a whole.

use std::fmt;
use std::net::IpAddr;

use perhop_wire::packet::{Layer, Reason};

use crate::flow::{DscpCounts, FragmentCounts};

/// Counts over a whole capture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Packets read.
    pub packets: u64,
    /// Bytes captured of them.
    pub captured_bytes: u64,
    /// Packets with an IP header that could be read.
    pub ip_packets: u64,
    /// Their bytes by the innermost IP header.
    pub ip_bytes: u64,
    /// Earliest and latest time in nanoseconds since 1970; `None` when no packet had one.
    pub time: Option<(i64, i64)>,
    /// Packets for which the capture has no time.
    pub untimed: u64,
    /// Packets without a readable IP header, by what stopped the reading.
    pub undecoded: Vec<Undecodable>,
    /// Flows that had to make room for others.
    pub evicted: Evicted,
    /// Later fragments whose first fragment was not seen.
    pub unattributed_fragments: FragmentCounts,
}

impl Totals {
    /// Packets without a readable IP header.
    #[must_use]
    pub fn undecoded_packets(&self) -> u64 {
        self.undecoded.iter().map(|row| row.packets).sum()
    }

    /// Adds the counts of another capture.
    pub fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        self.captured_bytes += other.captured_bytes;
        self.ip_packets += other.ip_packets;
        self.ip_bytes += other.ip_bytes;
        self.time = match (self.time, other.time) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (one, other) => one.or(other),
        };
        self.untimed += other.untimed;
        for row in &other.undecoded {
            let key = |row: &Undecodable| (row.layer, row.cause);
            match self.undecoded.binary_search_by_key(&key(row), key) {
                Ok(at) => self.undecoded[at].packets += row.packets,
                Err(at) => self.undecoded.insert(at, *row),
            }
        }
        self.evicted.merge(&other.evicted);
        let (own, fragments) = (
            &mut self.unattributed_fragments,
            &other.unattributed_fragments,
        );
        own.packets += fragments.packets;
        own.bytes += fragments.bytes;
        own.dscp.merge(&fragments.dscp);
    }
}

/// Packets that were not read for one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecodable {
    /// The header at which reading stopped.
    pub layer: Layer,
    /// What stopped it.
    pub cause: Cause,
    /// Packets.
    pub packets: u64,
}

/// What stopped the reading of a packet, without its particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The capture has too few bytes of the packet.
    Short,
    /// A link type that is not decoded.
    LinkType(u16),
    /// An `EtherType` that is not IP.
    EtherType(u16),
    /// A PPP protocol that is not IP.
    PppProtocol(u16),
    /// LLC without SNAP.
    Llc,
    /// An 802.11 frame without data.
    NotData,
    /// An encrypted 802.11 frame.
    Encrypted,
    /// An address family that is not IP.
    Family,
    /// An IP version that is none.
    Version(u8),
    /// Header lengths that contradict each other.
    Length,
    /// Too many headers on top of each other.
    TooDeep,
}

impl From<Reason> for Cause {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Short { .. } => Self::Short,
            Reason::LinkType(link) => Self::LinkType(link.0),
            Reason::EtherType(value) => Self::EtherType(value),
            Reason::PppProtocol(value) => Self::PppProtocol(value),
            Reason::Llc => Self::Llc,
            Reason::NotData => Self::NotData,
            Reason::Encrypted => Self::Encrypted,
            Reason::Family(_) => Self::Family,
            Reason::Version(value) => Self::Version(value),
            Reason::HeaderLength(_) | Reason::TotalLength(_) => Self::Length,
            Reason::TooDeep => Self::TooDeep,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("too few bytes were captured"),
            Self::LinkType(value) => write!(f, "link type {value} is not decoded"),
            Self::EtherType(value) => write!(f, "EtherType 0x{value:04x} is not IP"),
            Self::PppProtocol(value) => write!(f, "PPP protocol 0x{value:04x} is not IP"),
            Self::Llc => f.write_str("no SNAP header with an EtherType"),
            Self::NotData => f.write_str("not a data frame"),
            Self::Encrypted => f.write_str("the frame is encrypted"),
            Self::Family => f.write_str("the address family is not IP"),
            Self::Version(value) => write!(f, "IP version {value}"),
            Self::Length => f.write_str("header lengths contradict each other"),
            Self::TooDeep => f.write_str("too many headers on top of each other"),
        }
    }
}

/// Flows that were given up for new ones because the table was full, oldest idle ones first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evicted {
    /// Flows. One that comes back counts, and is listed, again.
    pub flows: u64,
    /// Of those, how many are not listed: flows without media, and more with media than fit the limit.
    pub unlisted: u64,
    /// Packets of those not listed.
    pub packets: u64,
    /// Bytes of those not listed.
    pub bytes: u64,
    /// Packets per DSCP of those not listed.
    pub dscp: DscpCounts,
}

impl Evicted {
    pub(super) fn merge(&mut self, other: &Self) {
        self.flows += other.flows;
        self.unlisted += other.unlisted;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.dscp.merge(&other.dscp);
    }
}

/// Later fragments between two addresses, whether or not their flow is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentRow {
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// IANA protocol number.
    pub protocol: u8,
    /// All later fragments.
    pub counts: FragmentCounts,
    /// How many of them were counted to a flow.
    pub attributed: u64,
}
