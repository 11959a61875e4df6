//! Finished flows: what one pass over a capture knows of each unidirectional 5-tuple.
//!
//! Plain data, made by [`crate::engine`]; directions are never merged, and nothing here judges.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use perhop_wire::field::Dscp;
use perhop_wire::media::Wrapper;
use perhop_wire::packet::Tunnel;

use crate::call::Call;
use crate::stream::{RtcpSummary, Stream};

mod dscp;
pub use dscp::{DscpChange, DscpCounts};

/// The 5-tuple of a unidirectional flow, by the innermost IP header.
///
/// The ports are 0 where the protocol has none, and where the capture cut them off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    /// Sender's address.
    pub src: IpAddr,
    /// Receiver's address.
    pub dst: IpAddr,
    /// IANA protocol number: 6 TCP, 17 UDP.
    pub protocol: u8,
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's port.
    pub dst_port: u16,
}

impl FlowKey {
    /// The same tuple for the other direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            protocol: self.protocol,
            src_port: self.dst_port,
            dst_port: self.src_port,
        }
    }

    /// Sender's address and port.
    #[must_use]
    pub const fn src_endpoint(&self) -> SocketAddr {
        SocketAddr::new(self.src, self.src_port)
    }

    /// Receiver's address and port.
    #[must_use]
    pub const fn dst_endpoint(&self) -> SocketAddr {
        SocketAddr::new(self.dst, self.dst_port)
    }

    /// `udp`, `tcp`, `icmp`, `sctp`, ... or the number.
    #[must_use]
    pub fn protocol_name(&self) -> String {
        self.protocol_text().into_owned()
    }

    /// The same, without a copy of what is known.
    #[must_use]
    pub fn protocol_text(&self) -> Cow<'static, str> {
        let known = PROTOCOLS
            .iter()
            .find(|(number, _)| *number == self.protocol);
        match known {
            Some((_, name)) => Cow::Borrowed(name),
            None => Cow::Owned(self.protocol.to_string()),
        }
    }
}

impl fmt::Display for FlowKey {
    /// `udp 10.0.0.1:20000 > 10.0.0.2:49152`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (src, dst) = (self.src_endpoint(), self.dst_endpoint());
        write!(f, "{} {src} > {dst}", self.protocol_name())
    }
}

/// One unidirectional flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Its 5-tuple.
    pub key: FlowKey,
    /// Packets; later fragments are counted apart in [`Flow::fragments`].
    pub packets: u64,
    /// Bytes of those packets by their innermost IP header.
    pub bytes: u64,
    /// Earliest time in nanoseconds since 1970; 0 when no packet has one.
    pub first: i64,
    /// Latest time in nanoseconds since 1970; 0 when no packet has one.
    pub last: i64,
    /// Packets per DSCP of the innermost IP header.
    pub dscp: DscpCounts,
    /// The same, apart for each kind of payload that was seen.
    pub dscp_by_kind: Vec<(PayloadKind, DscpCounts)>,
    /// Packets per DSCP of the outermost IP header, of those packets that travelled in a tunnel.
    pub outer_dscp: DscpCounts,
    /// The outermost tunnel of the latest packet that travelled in one.
    pub tunnel: Option<Tunnel>,
    /// How often a packet had another DSCP than the one before.
    pub dscp_changes: u64,
    /// The first of those changes, at most [`Flow::CHANGES_KEPT`].
    pub changes: Vec<DscpChange>,
    /// Packets marked "congestion experienced" (RFC 3168).
    pub ce: u64,
    /// The outermost VLAN, and every priority code point seen.
    pub link: LinkMarks,
    /// Which way the packets went, seen from the capturing host.
    pub direction: FlowDirection,
    /// Least and largest time to live or hop limit.
    pub ttl: (u8, u8),
    /// What else was seen on the flow.
    pub signs: Signs,
    /// What a media relay put around datagrams of the flow, the latest kind.
    pub wrapper: Option<Wrapper>,
    /// Later fragments of this flow's datagrams.
    pub fragments: Option<Box<FragmentCounts>>,
    /// The call whose signalling announced the receiver's or the sender's address and port.
    pub call: Option<Arc<Call>>,
    /// RTP streams in order of their first packets.
    pub rtp: Vec<Stream>,
    /// What RTCP on this very flow said.
    pub rtcp: Option<Box<RtcpSummary>>,
}

impl Flow {
    /// How many changes of DSCP are kept with time and place.
    pub const CHANGES_KEPT: usize = 8;

    /// Whether an RTP stream was recognised.
    #[must_use]
    pub const fn has_media(&self) -> bool {
        !self.rtp.is_empty()
    }

    /// Packets per DSCP of one kind of payload; empty when there was none.
    #[must_use]
    pub fn dscp_of(&self, kind: PayloadKind) -> DscpCounts {
        self.dscp_by_kind
            .iter()
            .find(|(found, _)| *found == kind)
            .map(|(_, counts)| counts.clone())
            .unwrap_or_default()
    }

    /// From the first packet to the last, in nanoseconds.
    #[must_use]
    pub const fn duration(&self) -> i64 {
        self.last.saturating_sub(self.first)
    }
}

/// What a packet carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PayloadKind {
    /// RTP or SRTP of a flow on which a stream was recognised.
    Media,
    /// RTCP or SRTCP.
    Rtcp,
    /// STUN, and TURN that carries nothing.
    Stun,
    /// DTLS.
    Dtls,
    /// Anything else.
    Other,
}

impl PayloadKind {
    /// `media`, `rtcp`, `stun`, `dtls`, `other`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Rtcp => "rtcp",
            Self::Stun => "stun",
            Self::Dtls => "dtls",
            Self::Other => "other",
        }
    }
}

/// Marks of the link layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkMarks {
    /// The outermost VLAN of the first packet that had one, 0 to 4095.
    pub vlan: Option<u16>,
    /// Packets came with another VLAN, or some with and some without.
    pub several_vlans: bool,
    /// Bit n is set when a packet had priority code point n (IEEE 802.1Q).
    pub pcps: u8,
    /// Bit n is set when a packet had Wi-Fi user priority n (IEEE 802.11).
    pub wifi_priorities: u8,
}

/// Which way packets of a flow went, seen from the capturing host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowDirection {
    /// Some were received.
    pub received: bool,
    /// Some were sent by the capturing host.
    pub sent: bool,
}

/// What was seen on a flow besides RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signs {
    /// STUN or TURN.
    pub stun: bool,
    /// An attribute or dialect of STUN that only Microsoft has.
    pub microsoft_stun: bool,
    /// DTLS.
    pub dtls: bool,
    /// RTCP, in clear or not.
    pub rtcp: bool,
    /// SRTCP.
    pub srtcp: bool,
    /// ZRTP.
    pub zrtp: bool,
    /// SIP.
    pub sip: bool,
    /// QUIC with a long header.
    pub quic: bool,
    /// SDP seen anywhere in the capture names the receiver's or the sender's address and port.
    pub in_sdp: bool,
}

/// Later fragments, which have no ports of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FragmentCounts {
    /// Packets.
    pub packets: u64,
    /// Bytes by the IP header.
    pub bytes: u64,
    /// Packets per DSCP.
    pub dscp: DscpCounts,
}

impl FragmentCounts {
    pub(crate) fn add(&mut self, dscp: Dscp, packets: u64, bytes: u64) {
        self.packets += packets;
        self.bytes += bytes;
        self.dscp.add(dscp, packets);
    }
}

/// Names of the protocol numbers that captures of media have (IANA).
const PROTOCOLS: [(u8, &str); 10] = [
    (1, "icmp"),
    (2, "igmp"),
    (6, "tcp"),
    (17, "udp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "icmpv6"),
    (89, "ospf"),
    (132, "sctp"),
];
