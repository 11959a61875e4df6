//! The most common packets at a glance: Ethernet with at most one tag, IPv4 without options or IPv6, UDP or TCP, told by a
//! few length checks and a few words.
//!
//! Everything else is left to [`super::fast`] and [`super::walk`], which give the same answer for these packets too.

use crate::bytes::u16_at;
use crate::ethernet;
use crate::tcp;
use crate::tunnel;
use crate::udp;

/// What a glance at a packet tells: headers that were checked, as they stand in the packet. None of them is of a fragment,
/// or of UDP to or from a port of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance<'a> {
    /// The 802.1Q tag: its two bytes as they stand, in little-endian order, without the bit that says whether the frame may be
    /// dropped; [`NO_TAG`] for none.
    pub tag: u16,
    /// What is in the frame.
    pub inside: Inside<'a>,
}

/// The packet in a frame that was glanced at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside<'a> {
    /// UDP with a payload of at least twelve bytes by its header, in IPv4 without options (RFC 791): 20 bytes of IP, 8 of UDP,
    /// the first of the payload, and whatever was captured behind them.
    Udp(&'a [u8; 40], &'a [u8]),
    /// TCP in IPv4 without options: 20 bytes of IP, 20 of TCP, and the captured bytes of the payload.
    Tcp(&'a [u8; 40], &'a [u8]),
    /// UDP in IPv6 without extension headers (RFC 8200): 40 bytes of IP, 8 of UDP, and the first of the payload, which has at
    /// least so many by UDP's header.
    Udp6(&'a [u8; 60]),
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
    let tag = u16::from_le_bytes([start[14], start[15]]) & 0xffef | no_tag;
    let packet = frame.get(at..)?;
    let inside = match ether_type {
        ethernet::IPV4 => ipv4(packet)?,
        ethernet::IPV6 => ipv6(packet)?,
        _ => return None,
    };
    Some(Glance { tag, inside })
}

#[inline(always)]
fn ipv4(packet: &[u8]) -> Option<Inside<'_>> {
    let (ip, more) = packet.split_first_chunk::<40>()?;
    // Version and header length; no fragment.
    if ip[0] != 0x45 || u16_at(ip, 6) & 0x3fff != 0 {
        return None;
    }
    let ip_len = u16_at(ip, 2);
    match ip[9] {
        udp::PROTOCOL => {
            let (udp_len, ports) = (u16_at(ip, 24), (u16_at(ip, 20), u16_at(ip, 22)));
            is_whole_udp(udp_len, u32::from(ip_len), 20, ports).then_some(Inside::Udp(ip, more))
        }
        tcp::PROTOCOL => {
            let header = usize::from(ip[32] >> 4) * 4;
            let length = usize::from(ip_len).checked_sub(20 + header)?;
            let data = packet.get(20 + header..)?;
            if header < 20 {
                return None;
            }
            Some(Inside::Tcp(ip, data.get(..length).unwrap_or(data)))
        }
        _ => None,
    }
}

#[inline(always)]
fn ipv6(packet: &[u8]) -> Option<Inside<'_>> {
    let ip = packet.first_chunk::<60>()?;
    if ip[0] >> 4 != 6 || ip[6] != udp::PROTOCOL {
        return None;
    }
    let (udp_len, ports) = (u16_at(ip, 44), (u16_at(ip, 40), u16_at(ip, 42)));
    is_whole_udp(udp_len, u32::from(u16_at(ip, 4)), 0, ports).then_some(Inside::Udp6(ip))
}

/// Whether a datagram with twelve bytes of payload or more lies within an IP packet of which `before` bytes are IP's, and is
/// none of a tunnel's.
#[inline(always)]
fn is_whole_udp(udp_len: u16, ip_len: u32, before: u32, ports: (u16, u16)) -> bool {
    udp_len >= 20 && u32::from(udp_len) + before <= ip_len && !tunnel::is_port(ports.0, ports.1)
}

/// `EtherType` of 802.1Q.
const TAGGED: u16 = 0x8100;
