//! The common packet, read in a few instructions: Ethernet, at most one tag, IP without options, UDP or TCP.
//!
//! Everything else, and whatever is odd about a common packet, is left to [`super::walk`], which gives the same answer
//! for the common packet too.

use super::{Direction, Fragment, Observation, Transport, VlanTag};
use crate::ethernet::{self, EthernetHeader};
use crate::ipv4::Ipv4Header;
use crate::ipv6::Ipv6Header;
use crate::tcp::{self, TcpHeader};
use crate::tunnel;
use crate::udp::{self, UdpHeader};
use crate::vlan::{self, TagHeader};

/// Reads a common Ethernet frame; `None` for any other.
#[inline]
pub(super) fn ethernet(frame: &[u8]) -> Option<Observation<'_>> {
    let (header, mut packet) = frame.split_first_chunk::<14>()?;
    let mut ether_type = EthernetHeader(header).ether_type();
    let mut tag = None;
    if vlan::is_tag(ether_type) {
        let (header, rest) = packet.split_first_chunk::<4>()?;
        let header = TagHeader(header);
        tag = Some(header.tag());
        ether_type = header.ether_type();
        packet = rest;
    }
    match ether_type {
        ethernet::IPV4 => ipv4(packet, tag),
        ethernet::IPV6 => ipv6(packet, tag),
        _ => None,
    }
}

#[inline]
fn ipv4(packet: &[u8], vlan: Option<VlanTag>) -> Option<Observation<'_>> {
    let (header, rest) = packet.split_first_chunk::<20>()?;
    let ip = Ipv4Header(header);
    let ip_len = u32::from(ip.total_len());
    if header[0] != 0x45 || ip.fragment_bits() != 0 || ip_len < 20 {
        return None;
    }
    let (transport, payload, payload_len) = transport(ip.protocol(), rest, ip_len - 20)?;
    Some(Observation {
        addresses: ip.addresses(),
        ds: ip.ds(),
        ttl: ip.ttl(),
        protocol: ip.protocol(),
        fragment: Fragment::Whole,
        identification: u32::from(ip.identification()),
        dont_fragment: ip.dont_fragment(),
        ip_len,
        transport,
        payload,
        payload_len,
        outer: None,
        vlan,
        wifi_priority: None,
        direction: Direction::Unknown,
    })
}

#[inline]
fn ipv6(packet: &[u8], vlan: Option<VlanTag>) -> Option<Observation<'_>> {
    let (header, rest) = packet.split_first_chunk::<40>()?;
    let ip = Ipv6Header(header);
    let length = u32::from(ip.payload_len());
    if header[0] >> 4 != 6 {
        return None;
    }
    let (transport, payload, payload_len) = transport(ip.next_header(), rest, length)?;
    Some(Observation {
        addresses: ip.addresses(),
        ds: ip.ds(),
        ttl: ip.hop_limit(),
        protocol: ip.next_header(),
        fragment: Fragment::Whole,
        identification: 0,
        dont_fragment: false,
        ip_len: length + 40,
        transport,
        payload,
        payload_len,
        outer: None,
        vlan,
        wifi_priority: None,
        direction: Direction::Unknown,
    })
}

/// Transport header, captured payload and its length on the wire; `rest` is what follows the IP header, `length` what
/// the IP header says that is.
#[inline]
fn transport(protocol: u8, rest: &[u8], length: u32) -> Option<(Transport, &[u8], u32)> {
    match protocol {
        udp::PROTOCOL => {
            let (header, data) = rest.split_first_chunk::<8>()?;
            let udp = UdpHeader(header);
            let (src_port, dst_port) = udp.ports();
            let datagram = u32::from(udp.length());
            if datagram < 8 || datagram > length || tunnel::is_port(src_port, dst_port) {
                return None;
            }
            let transport = Transport::Udp { src_port, dst_port };
            Some((transport, cut(data, datagram - 8), datagram - 8))
        }
        tcp::PROTOCOL => {
            let (header, _) = rest.split_first_chunk::<20>()?;
            let tcp = TcpHeader(header);
            let header_len = tcp.header_len();
            if header_len < 20 || header_len > length {
                return None;
            }
            let data = rest.get(header_len as usize..)?;
            let payload_len = length - header_len;
            Some((tcp.transport(), cut(data, payload_len), payload_len))
        }
        _ => None,
    }
}

/// The first `length` bytes, or as many as there are.
#[inline]
fn cut(data: &[u8], length: u32) -> &[u8] {
    data.get(..length as usize).unwrap_or(data)
}
