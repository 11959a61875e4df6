//! What one flow shows to the judge: its addresses, the marks that count, and what it carries.

use std::net::IpAddr;

use perhop_policy::{ClassKind, Dscp, FlowKey, Protocol, ScopeId};

use crate::flow::{self, DscpCounts, Flow, PayloadKind};
use crate::stream::MediaType;
use crate::verdict::Judged;

/// Addresses and ports of a flow of UDP or TCP, as its sender sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tuple {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Sender's address.
    pub src: IpAddr,
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's address.
    pub dst: IpAddr,
    /// Receiver's port.
    pub dst_port: u16,
}

impl Tuple {
    /// The tuple of a flow; `None` when it is neither UDP nor TCP or shows no ports.
    #[must_use]
    pub fn of(key: &flow::FlowKey) -> Option<Self> {
        let protocol = match key.protocol {
            17 => Protocol::Udp,
            6 => Protocol::Tcp,
            _ => return None,
        };
        (key.src_port != 0 || key.dst_port != 0).then_some(Self {
            protocol,
            src: key.src,
            src_port: key.src_port,
            dst: key.dst,
            dst_port: key.dst_port,
        })
    }

    /// The same for the other direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            protocol: self.protocol,
            src: self.dst,
            src_port: self.dst_port,
            dst: self.src,
            dst_port: self.src_port,
        }
    }

    /// The key to ask a policy set with, for rules of any scope.
    #[must_use]
    pub const fn key(self) -> FlowKey<'static> {
        FlowKey {
            scope: ScopeId(0),
            app: None,
            protocol: self.protocol,
            src: self.src,
            src_port: self.src_port,
            dst: self.dst,
            dst_port: self.dst_port,
        }
    }
}

/// What a flow carries, as far as its structure tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Payload {
    /// RTP, plain or relayed.
    Media,
    /// RTCP without RTP: the companion of a stream on another port.
    Rtcp,
    /// STUN, TURN or DTLS without media: connectivity checks, keep-alives, key exchange.
    Checks,
    /// SIP.
    Signaling,
    /// Nothing that was recognised.
    Unknown,
}

impl Payload {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Rtcp => "rtcp",
            Self::Checks => "checks",
            Self::Signaling => "signaling",
            Self::Unknown => "unknown",
        }
    }
}

/// What a flow carries, and which medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// What it carries.
    pub payload: Payload,
    /// Audio, video or shared data, when its streams tell.
    pub media: Option<ClassKind>,
}

impl Carried {
    /// What a flow carries.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        Self {
            payload: payload(flow),
            media: media_kind(flow),
        }
    }

    /// What a flow carries that was judged.
    pub(crate) const fn of_judged(judged: &Judged) -> Self {
        Self {
            payload: judged.payload,
            media: judged.media,
        }
    }
}

/// A flow as the judge sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Addresses and ports; `None` when the flow is neither UDP nor TCP or shows no ports.
    pub tuple: Option<Tuple>,
    /// What it carries.
    pub payload: Payload,
    /// Audio or video, when its streams tell.
    pub media: Option<ClassKind>,
    /// Whether SDP in the capture says so, rather than the behaviour of the streams.
    pub announced: bool,
    /// All packets, fragments too.
    pub all: DscpCounts,
    /// The packets that the verdict rests on: RTP where there is RTP, and not a first TCP segment that differs from
    /// all others.
    pub judged: DscpCounts,
    /// What travels beside RTP in the same flow: RTCP, connectivity checks, key exchange.
    pub beside: DscpCounts,
    /// The mark of the first TCP segment, when it differs from all others.
    pub handshake: Option<Dscp>,
    /// Bit n is set when a packet had priority code point n (IEEE 802.1Q).
    pub pcps: u8,
    /// Bit n is set when a packet had Wi-Fi user priority n (IEEE 802.11).
    pub wifi_priorities: u8,
    /// How often the mark changed between successive packets.
    pub changes: u64,
    /// Number in the flow, from 0, of the packet that showed the first change; the mark before and after it.
    pub first_change: Option<(u64, Dscp, Dscp)>,
}

impl Seen {
    /// What a flow shows.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        let tuple = Tuple::of(&flow.key);
        let mut all = flow.dscp.clone();
        let media = flow.dscp_of(PayloadKind::Media);
        let first_change = flow
            .changes
            .first()
            .map(|one| (one.packet, one.from, one.to));
        let handshake = first_change
            .filter(|(packet, ..)| *packet == 1 && flow.dscp_changes == 1 && flow.packets > 2)
            .filter(|_| tuple.is_some_and(|one| one.protocol == Protocol::Tcp))
            .map(|(_, first, _)| first);
        let mut judged = match (media.is_empty(), handshake) {
            (false, _) => media,
            (true, Some(first)) => all.iter().filter(|(dscp, _)| *dscp != first).collect(),
            (true, None) => all.clone(),
        };
        let beside = all
            .iter()
            .map(|(dscp, packets)| (dscp, packets - judged.get(dscp).min(packets)))
            .collect();
        if let Some(fragments) = &flow.fragments {
            all.merge(&fragments.dscp);
            judged.merge(&fragments.dscp);
        }
        Self {
            tuple,
            payload: payload(flow),
            media: media_kind(flow),
            announced: flow.signs.in_sdp,
            all,
            judged,
            beside,
            handshake,
            pcps: flow.link.pcps,
            wifi_priorities: flow.link.wifi_priorities,
            changes: flow.dscp_changes,
            first_change,
        }
    }
}

/// What most RTP packets of a flow belong to.
fn media_kind(flow: &Flow) -> Option<ClassKind> {
    let packets = |media| -> u64 {
        let streams = flow.rtp.iter().filter(|stream| stream.media == Some(media));
        streams.map(|stream| stream.packets).sum()
    };
    [
        (MediaType::Audio, ClassKind::Audio),
        (MediaType::Video, ClassKind::Video),
        (MediaType::Application, ClassKind::AppSharing),
    ]
    .into_iter()
    .map(|(media, kind)| (packets(media), kind))
    .filter(|(packets, _)| *packets > 0)
    .max_by_key(|(packets, kind)| (*packets, std::cmp::Reverse(*kind)))
    .map(|(_, kind)| kind)
}

fn payload(flow: &Flow) -> Payload {
    if flow.has_media() {
        Payload::Media
    } else if flow.signs.rtcp {
        Payload::Rtcp
    } else if flow.signs.sip {
        Payload::Signaling
    } else if flow.signs.stun || flow.signs.dtls || flow.signs.zrtp {
        Payload::Checks
    } else {
        Payload::Unknown
    }
}
