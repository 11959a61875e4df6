//! Which protocol a datagram is, by its first bytes (RFC 7983, RFC 9443) and then by its own lengths.
//!
//! [`peel`] takes off what a relay wrapped around and judges what is inside. A verdict of [`Content::Rtp`] means that
//! the bytes can be RTP; only the behaviour of a whole stream shows that they are.

use std::fmt;

use crate::rtcp::Compound;
use crate::rtp::Rtp;
use crate::stun::Stun;
use crate::turn::{ChannelData, Multiplexed};

pub mod sip;

use sip::StartLine;

/// Why bytes are not a message of the protocol they were held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// Fewer bytes than its header needs.
    Short {
        /// Bytes needed.
        needed: u32,
        /// Bytes there were.
        had: u32,
    },
    /// A version that is not the protocol's.
    Version(u8),
    /// A message type that the protocol does not have.
    Type(u16),
    /// A length field that does not fit the datagram.
    Length {
        /// Bytes by the length field.
        says: u32,
        /// Bytes there were.
        has: u32,
    },
}

impl Flaw {
    pub(crate) fn short(needed: usize, had: usize) -> Self {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Self::Short {
            needed: number(needed),
            had: number(had),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { needed, had } => write!(f, "needs {needed} bytes, there are {had}"),
            Self::Version(version) => write!(f, "version {version} is not the protocol's"),
            Self::Type(kind) => write!(f, "message type 0x{kind:04x} is not the protocol's"),
            Self::Length { says, has } => write!(f, "length says {says} bytes, there are {has}"),
        }
    }
}

impl std::error::Error for Flaw {}

/// What a relay put around a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wrapper {
    /// TURN `ChannelData`.
    ChannelData,
    /// The DATA attribute of a TURN Send or Data indication, or of an [MS-TURN] message.
    Indication,
    /// Microsoft's multiplexed TURN.
    MultiplexedTurn,
}

/// A datagram without its wrappers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peeled<'a> {
    /// The outermost wrapper that was taken off.
    pub wrapper: Option<Wrapper>,
    /// What is inside.
    pub content: Content<'a>,
}

/// A datagram by its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// Can be RTP or SRTP.
    Rtp(Rtp<'a>),
    /// RTCP or SRTCP.
    Rtcp(Compound<'a>),
    /// STUN or TURN that carries nothing.
    Stun(Stun<'a>),
    /// DTLS with a plaintext record header (RFC 6347, and the handshake of RFC 9147).
    Dtls,
    /// Can be a record of DTLS 1.3 with the unified header (RFC 9147 section 4): three bits say so and nothing else. Only
    /// a flow that had a handshake shows that it is.
    UnifiedDtls,
    /// ZRTP (RFC 6189).
    Zrtp,
    /// QUIC with a long header (RFC 9000). A short header looks like anything else and is [`Content::Other`].
    Quic,
    /// SIP (RFC 3261).
    Sip(StartLine<'a>),
    /// None of them.
    Other,
}

/// Judges a datagram: takes wrappers off, at most four of them. `bytes` is what was captured of the transport's payload,
/// `wire_len` its length in bytes on the wire.
#[must_use]
pub fn peel(bytes: &[u8], wire_len: u32) -> Peeled<'_> {
    let mut wrapper = None;
    let (mut bytes, mut wire_len) = (bytes, wire_len);
    for _ in 0..MOST_WRAPPERS {
        let (found, inside, len) = match bytes.first() {
            Some(0..=3) => match Stun::new_checked(bytes, wire_len) {
                Ok(stun) => match stun.relayed() {
                    Some((inside, len)) => (Wrapper::Indication, inside, len),
                    None => return peeled(wrapper, Content::Stun(stun)),
                },
                Err(_) => return peeled(wrapper, Content::Other),
            },
            Some(64..=79) => match ChannelData::new_checked(bytes, wire_len) {
                Ok(channel) => (Wrapper::ChannelData, channel.data, u32::from(channel.len)),
                Err(_) => return peeled(wrapper, judge(bytes, wire_len)),
            },
            Some(0xff) => match Multiplexed::new_checked(bytes, wire_len) {
                Ok(inside) => (Wrapper::MultiplexedTurn, inside.data, inside.len),
                Err(_) => return peeled(wrapper, judge(bytes, wire_len)),
            },
            _ => return peeled(wrapper, judge(bytes, wire_len)),
        };
        wrapper = wrapper.or(Some(found));
        (bytes, wire_len) = (inside, len);
    }
    peeled(wrapper, Content::Other)
}

/// Judges bytes that no relay wrapped.
fn judge(bytes: &[u8], wire_len: u32) -> Content<'_> {
    match bytes {
        [128..=191, 192..=223, ..] => {
            Compound::new_checked(bytes, wire_len).map_or(Content::Other, Content::Rtcp)
        }
        [128..=191, ..] => Rtp::new_checked(bytes, wire_len).map_or(Content::Other, Content::Rtp),
        [16..=19, ..] if is_zrtp(bytes) => Content::Zrtp,
        [20..=26, ..] if is_dtls(bytes, wire_len) => Content::Dtls,
        [32..=63, ..] => Content::UnifiedDtls,
        [192..=255, ..] if is_quic(bytes) => Content::Quic,
        [b'A'..=b'Z', ..] => StartLine::read(bytes).map_or(Content::Other, Content::Sip),
        _ => Content::Other,
    }
}

const fn peeled(wrapper: Option<Wrapper>, content: Content<'_>) -> Peeled<'_> {
    Peeled { wrapper, content }
}

/// RFC 6189 section 5: the cookie "ZRTP" after sequence number and flags.
fn is_zrtp(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"ZRTP")
}

/// A record has a content type, version 1.0, 1.2 or 1.3-in-disguise, and a length that fits (RFC 6347 section 4.1).
fn is_dtls(bytes: &[u8], wire_len: u32) -> bool {
    matches!(bytes, [_, 0xfe, 0xff | 0xfd | 0xfc, ..])
        && bytes
            .get(11..13)
            .is_none_or(|len| 13 + u32::from(u16::from_be_bytes([len[0], len[1]])) <= wire_len)
}

/// A long header: a version that is known or of the kind reserved for negotiation, and a connection identifier of at
/// most 20 bytes (RFC 9000 section 17.2, RFC 9369).
fn is_quic(bytes: &[u8]) -> bool {
    let Some(&[_, a, b, c, d, id_len]) = bytes.first_chunk::<6>() else {
        return false;
    };
    let version = u32::from_be_bytes([a, b, c, d]);
    let known = matches!(version, 0 | 1 | 0x6b33_43cf)
        || version & 0x0f0f_0f0f == 0x0a0a_0a0a
        || version >> 8 == 0x00ff_0000
        || a == b'Q';
    known && id_len <= 20
}

/// A relay inside a relay occurs; more than this is made up.
const MOST_WRAPPERS: usize = 4;

#[cfg(test)]
mod tests;
