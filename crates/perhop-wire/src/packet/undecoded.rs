//! Why a frame gave no observation.

use std::fmt;

use crate::link::LinkType;

/// Why a frame is not counted as IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Undecoded {
    /// The header that could not be read, or that names something that is not decoded.
    pub layer: Layer,
    /// Byte offset in the frame at which reading stopped.
    pub offset: u32,
    /// What was wrong with it.
    pub reason: Reason,
}

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// The link header, whichever the link type says.
    Link,
    /// An 802.1Q, 802.1ad or vendor VLAN tag.
    Vlan,
    /// LLC and SNAP.
    Llc,
    /// An MPLS label stack.
    Mpls,
    /// PPP, also in `PPPoE`.
    Ppp,
    /// IEEE 802.11, with its radiotap or PPI header.
    Wifi,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// What stopped the dissector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The header needs more bytes than were captured.
    Short {
        /// Bytes the header needs.
        needed: u32,
        /// Bytes there were.
        had: u32,
    },
    /// A link type that is not decoded.
    LinkType(LinkType),
    /// An `EtherType` that is not IP and is not decoded (ARP, LLDP, ...).
    EtherType(u16),
    /// A PPP protocol that is not IP.
    PppProtocol(u16),
    /// An LLC header without SNAP, or SNAP of a vendor.
    Llc,
    /// An 802.11 frame that carries no data.
    NotData,
    /// An encrypted 802.11 frame.
    Encrypted,
    /// An address family (NULL, LOOP, NFLOG) that is not IP.
    Family(u32),
    /// A version nibble that is not the one this place calls for.
    Version(u8),
    /// A header length field below its least value.
    HeaderLength(u32),
    /// A total length below the header's own length.
    TotalLength(u32),
    /// More tags, labels or headers on top of each other than the limit.
    TooDeep,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Link => "link",
            Self::Vlan => "vlan",
            Self::Llc => "llc",
            Self::Mpls => "mpls",
            Self::Ppp => "ppp",
            Self::Wifi => "802.11",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}

impl fmt::Display for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} header at offset {}: ", self.layer, self.offset)?;
        match self.reason {
            Reason::Short { needed, had } => {
                write!(f, "needs {needed} bytes, the capture has {had}")
            }
            Reason::LinkType(link) => write!(f, "link type {} is not decoded", link.0),
            Reason::EtherType(value) => write!(f, "EtherType 0x{value:04x} is not IP"),
            Reason::PppProtocol(value) => write!(f, "PPP protocol 0x{value:04x} is not IP"),
            Reason::Llc => f.write_str("no SNAP header with an EtherType"),
            Reason::NotData => f.write_str("not a data frame"),
            Reason::Encrypted => f.write_str("the frame is encrypted"),
            Reason::Family(value) => write!(f, "address family {value} is not IP"),
            Reason::Version(value) => write!(f, "IP version {value}"),
            Reason::HeaderLength(value) => write!(f, "header length of {value} bytes"),
            Reason::TotalLength(value) => {
                write!(f, "total length of {value} bytes, less than the header")
            }
            Reason::TooDeep => f.write_str("too many headers on top of each other"),
        }
    }
}

impl std::error::Error for Undecoded {}
