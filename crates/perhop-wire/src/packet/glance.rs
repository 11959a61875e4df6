//! The most common packet at a glance: IPv4 without options in Ethernet with at most one tag, UDP or TCP, told by one
//! length check and a few words.
//!
//! Everything else is left to [`super::fast`] and [`super::walk`], which give the same answer for these packets too.

use crate::bytes::{u16_at, u32_at};
use crate::ethernet;
use crate::field::DsField;
use crate::tcp;
use crate::tunnel;
use crate::udp;

/// What a glance at a packet tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance<'a> {
    /// Source address in the upper half, destination in the lower, as `u32::from(Ipv4Addr)` gives them.
    pub addresses: u64,
    /// Source port, destination port.
    pub ports: (u16, u16),
    /// The DS field.
    pub ds: DsField,
    /// Time to live.
    pub ttl: u8,
    /// IPv4 identification.
    pub identification: u16,
    /// IPv4 total length in bytes.
    pub ip_len: u16,
    /// The 802.1Q tag: priority in the top three bits, identifier in the low twelve; [`NO_TAG`] for none.
    pub tag: u16,
    /// What follows the IP header.
    pub then: Then<'a>,
}

/// The transport of a packet seen at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then<'a> {
    /// UDP with a payload of at least twelve bytes.
    Udp {
        /// Its first bytes.
        start: &'a [u8; 12],
        /// Bytes of payload by the UDP header, at least 12.
        len: u16,
    },
    /// TCP, with the captured bytes of its payload.
    Tcp(&'a [u8]),
}

/// Stands for no tag; no tag is packed to this.
pub const NO_TAG: u16 = 0xffff;

/// Looks at an Ethernet frame; `None` says nothing but that it is not one of the most common, or cut short.
#[inline(always)]
#[must_use]
pub fn glance(frame: &[u8]) -> Option<Glance<'_>> {
    let start = frame.first_chunk::<58>()?;
    // Which packets have a tag is as good as random, so nothing may branch on it.
    let tagged = u16_at(start, 12) == TAGGED;
    let at = 14 + 4 * usize::from(tagged);
    let ether_type = u16_at(frame.get(at - 2..)?.first_chunk::<2>()?, 0);
    let no_tag = u16::from(tagged).wrapping_sub(1);
    let tag = u16_at(start, 14) & 0xefff | no_tag;
    let packet = frame.get(at..)?;
    let ip = packet.first_chunk::<40>()?;
    if ether_type != ethernet::IPV4 {
        return None;
    }
    let (ip_len, udp_len) = (u16_at(ip, 2), u16_at(ip, 24));
    // Version and header length; no fragment.
    if ip[0] != 0x45 || u16_at(ip, 6) & 0x3fff != 0 {
        return None;
    }
    let ports = (u16_at(ip, 20), u16_at(ip, 22));
    let then = match ip[9] {
        udp::PROTOCOL => {
            let fits = udp_len >= 20 && u32::from(udp_len) + 20 <= u32::from(ip_len);
            if !fits || tunnel::is_port(ports.0, ports.1) {
                return None;
            }
            Then::Udp {
                start: ip[28..].first_chunk()?,
                len: udp_len - 8,
            }
        }
        tcp::PROTOCOL => {
            let header = usize::from(ip[32] >> 4) * 4;
            let length = usize::from(ip_len).checked_sub(20 + header)?;
            let data = packet.get(20 + header..)?;
            if header < 20 {
                return None;
            }
            Then::Tcp(data.get(..length).unwrap_or(data))
        }
        _ => return None,
    };
    Some(Glance {
        addresses: u64::from(u32_at(ip, 12)) << 32 | u64::from(u32_at(ip, 16)),
        ports,
        ds: DsField(ip[1]),
        ttl: ip[8],
        identification: u16_at(ip, 4),
        ip_len,
        tag,
        then,
    })
}

/// `EtherType` of 802.1Q.
const TAGGED: u16 = 0x8100;
