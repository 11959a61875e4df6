//! From a captured frame to what the judge needs to know of one packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::field::DsField;
pub use crate::link::LinkType;
pub use crate::vlan::VlanTag;

mod undecoded;
pub use undecoded::{Layer, Reason, Undecoded};

mod fast;
pub mod glance;
mod walk;

/// One packet, by its innermost IP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation<'a> {
    /// Source and destination address.
    pub addresses: Addresses,
    /// The DS field of the innermost IP header.
    pub ds: DsField,
    /// Hop limit or time to live of the innermost IP header.
    pub ttl: u8,
    /// Protocol after the innermost IP header and its extension headers (IANA protocol numbers).
    pub protocol: u8,
    /// Whether the packet is a fragment.
    pub fragment: Fragment,
    /// IPv4 identification, or the identification of the IPv6 fragment header; 0 when IPv6 has none.
    pub identification: u32,
    /// The IPv4 "don't fragment" bit; false for IPv6.
    pub dont_fragment: bool,
    /// Bytes of the innermost IP packet, header included, as its header says (IPv4 total length; IPv6 payload length
    /// plus 40). Where the header says 0 (segmentation offload, jumbogram) the bytes on the wire.
    pub ip_len: u32,
    /// Ports, and what else the transport header says.
    pub transport: Transport,
    /// Captured bytes after the transport header; after the IP headers when the transport is not UDP or TCP.
    /// Link padding is removed; a snap length may have cut it.
    pub payload: &'a [u8],
    /// Length in bytes that `payload` had on the wire by the headers.
    pub payload_len: u32,
    /// The outermost IP header, when the packet travelled in a tunnel.
    pub outer: Option<Outer>,
    /// The outermost 802.1Q tag.
    pub vlan: Option<VlanTag>,
    /// Wi-Fi user priority, 0 to 7, of an 802.11 `QoS` data frame (IEEE 802.11 TID; RFC 8325).
    pub wifi_priority: Option<u8>,
    /// Which way the packet went, seen from the capturing host, when the link header says so.
    pub direction: Direction,
}

impl Observation<'_> {
    /// What the walk fills in.
    const EMPTY: Self = Self {
        addresses: Addresses::V4 { src: 0, dst: 0 },
        ds: DsField(0),
        ttl: 0,
        protocol: 0,
        fragment: Fragment::Whole,
        identification: 0,
        dont_fragment: false,
        ip_len: 0,
        transport: Transport::Other,
        payload: &[],
        payload_len: 0,
        outer: None,
        vlan: None,
        wifi_priority: None,
        direction: Direction::Unknown,
    };
}

/// Source and destination address of one IP header, cheap to copy and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Addresses {
    /// IPv4, numbers as `u32::from(Ipv4Addr)` gives them.
    V4 {
        /// Source.
        src: u32,
        /// Destination.
        dst: u32,
    },
    /// IPv6, numbers as `u128::from(Ipv6Addr)` gives them.
    V6 {
        /// Source.
        src: u128,
        /// Destination.
        dst: u128,
    },
}

impl Addresses {
    /// The source address.
    #[must_use]
    pub fn src(&self) -> IpAddr {
        match *self {
            Self::V4 { src, .. } => IpAddr::V4(Ipv4Addr::from(src)),
            Self::V6 { src, .. } => IpAddr::V6(Ipv6Addr::from(src)),
        }
    }

    /// The destination address.
    #[must_use]
    pub fn dst(&self) -> IpAddr {
        match *self {
            Self::V4 { dst, .. } => IpAddr::V4(Ipv4Addr::from(dst)),
            Self::V6 { dst, .. } => IpAddr::V6(Ipv6Addr::from(dst)),
        }
    }

    /// The same pair for the other direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::V4 { src, dst } => Self::V4 { src: dst, dst: src },
            Self::V6 { src, dst } => Self::V6 { src: dst, dst: src },
        }
    }
}

/// Fragment state of an IP packet. The datagram's number is [`Observation::identification`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fragment {
    /// Not a fragment; also an IPv6 "atomic" fragment (RFC 6946).
    Whole,
    /// Offset 0 with more to come: holds the transport header.
    First,
    /// A later part: no ports.
    Later,
}

/// What the transport header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP (RFC 768).
    Udp {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
    },
    /// TCP (RFC 9293). A field that the capture cut off is 0.
    Tcp {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// Flags, octet 13: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128.
        flags: u8,
        /// Sequence number.
        sequence: u32,
        /// Acknowledgement number.
        acknowledgement: u32,
    },
    /// Any other protocol, a later fragment, or a transport header that the capture cut off before its ports.
    Other,
}

impl Transport {
    /// Source and destination port; (0, 0) where there are none.
    #[must_use]
    pub const fn ports(self) -> (u16, u16) {
        match self {
            Self::Udp { src_port, dst_port }
            | Self::Tcp {
                src_port, dst_port, ..
            } => (src_port, dst_port),
            Self::Other => (0, 0),
        }
    }
}

/// The outermost IP header of a tunnelled packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outer {
    /// Its DS field: what the transit network acted on (RFC 2983).
    pub ds: DsField,
    /// What the outermost tunnel is.
    pub tunnel: Tunnel,
    /// How many IP headers lie outside the innermost one, at least 1.
    pub depth: u8,
}

/// A way to carry IP in IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tunnel {
    /// IP directly in IP: IPv4 or IPv6 in either (RFC 2003, 2473, 4213).
    IpInIp,
    /// GRE with IP, MPLS or a PPP frame inside (RFC 2784, 2890, 2637).
    Gre,
    /// GRE with an Ethernet frame inside (RFC 7637 and "transparent Ethernet bridging").
    GreEthernet,
    /// ERSPAN type I, II or III: a mirrored frame in GRE.
    Erspan,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// Teredo (RFC 4380).
    Teredo,
    /// L2TP version 2 over UDP (RFC 2661).
    L2tp,
}

impl Tunnel {
    /// A short name for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IpInIp => "IP-in-IP",
            Self::Gre => "GRE",
            Self::GreEthernet => "GRE Ethernet",
            Self::Erspan => "ERSPAN",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
            Self::GtpU => "GTP-U",
            Self::Teredo => "Teredo",
            Self::L2tp => "L2TP",
        }
    }
}

/// Which way a packet went, seen from the capturing host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// The capture does not say.
    #[default]
    Unknown,
    /// Received.
    In,
    /// Sent by the capturing host.
    Out,
}

/// Finds the innermost IP packet in a captured frame.
///
/// `wire_len` is the length in bytes that the frame had before the capture cut it; when it is less than what was
/// captured, the captured length counts.
///
/// # Errors
/// [`Undecoded`] when there is no IP header that can be read: why, at which layer and offset.
#[inline]
pub fn dissect(link: LinkType, frame: &[u8], wire_len: u32) -> Result<Observation<'_>, Undecoded> {
    if link == LinkType::ETHERNET
        && let Some(seen) = fast::ethernet(frame)
    {
        return Ok(seen);
    }
    walk::walk(link, frame, wire_len)
}

/// Takes common packets where they are read: see [`observe_common`].
pub trait CommonObserver<'a> {
    /// Takes one. Compiled once for each shape of packet, so that nothing is asked twice; mark it `#[inline(always)]`.
    fn common(&mut self, seen: &Observation<'a>);
}

/// The common case of [`dissect`] for a caller in a hurry: Ethernet with at most one tag, IP without options or fragments,
/// UDP or TCP, no tunnel. False, which says nothing but that the frame is not common, when the observer was not called.
#[inline(always)]
pub fn observe_common<'a>(
    link: LinkType,
    frame: &'a [u8],
    observer: &mut impl CommonObserver<'a>,
) -> bool {
    link == LinkType::ETHERNET && fast::observe_ethernet(frame, observer).is_some()
}
