//! The common packet, read in a few instructions: Ethernet, at most one tag, IP without options, UDP or TCP.
//!
//! Everything else, and whatever is odd about a common packet, is left to [`super::walk`], which gives the same answer
//! for the common packet too.

use super::{CommonObserver, Observation, Transport, VlanTag};
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
    let mut kept = Keep(None);
    observe_ethernet(frame, &mut kept)?;
    kept.0
}

/// Reads a common IP packet; `None` for any other.
pub(super) fn ip(packet: &[u8]) -> Option<Observation<'_>> {
    let mut kept = Keep(None);
    match packet.first()? >> 4 {
        4 => ipv4(packet, None, &mut kept),
        6 => ipv6(packet, None, &mut kept),
        _ => None,
    }?;
    kept.0
}

/// Shows a common Ethernet frame; `None` when it is another.
#[inline(always)]
pub(super) fn observe_ethernet<'a>(
    frame: &'a [u8],
    observer: &mut impl CommonObserver<'a>,
) -> Option<()> {
    let (header, mut packet) = frame.split_first_chunk::<14>()?;
    let mut ether_type = EthernetHeader(header).ether_type();
    let mut tag = None;
    if ether_type != ethernet::IPV4 && vlan::is_tag(ether_type) {
        let (header, rest) = packet.split_first_chunk::<4>()?;
        let header = TagHeader(header);
        tag = Some(header.tag());
        ether_type = header.ether_type();
        packet = rest;
    }
    match ether_type {
        ethernet::IPV4 => ipv4(packet, tag, observer),
        ethernet::IPV6 => ipv6(packet, tag, observer),
        _ => None,
    }
}

/// An observer that keeps what it is shown.
struct Keep<'a>(Option<Observation<'a>>);

impl<'a> CommonObserver<'a> for Keep<'a> {
    #[inline(always)]
    fn common(&mut self, seen: &Observation<'a>) {
        self.0 = Some(*seen);
    }
}

#[inline(always)]
fn ipv4<'a>(
    packet: &'a [u8],
    vlan: Option<VlanTag>,
    observer: &mut impl CommonObserver<'a>,
) -> Option<()> {
    let (header, rest) = packet.split_first_chunk::<20>()?;
    let ip = Ipv4Header(header);
    let ip_len = u32::from(ip.total_len());
    if header[0] != 0x45 || ip.fragment_bits() != 0 || ip_len < 20 {
        return None;
    }
    let seen = Observation {
        addresses: ip.addresses(),
        ds: ip.ds(),
        ttl: ip.ttl(),
        protocol: ip.protocol(),
        identification: u32::from(ip.identification()),
        dont_fragment: ip.dont_fragment(),
        ip_len,
        vlan,
        ..Observation::EMPTY
    };
    transport(seen, rest, ip_len - 20, observer)
}

#[inline(always)]
fn ipv6<'a>(
    packet: &'a [u8],
    vlan: Option<VlanTag>,
    observer: &mut impl CommonObserver<'a>,
) -> Option<()> {
    let (header, rest) = packet.split_first_chunk::<40>()?;
    let ip = Ipv6Header(header);
    let length = u32::from(ip.payload_len());
    if header[0] >> 4 != 6 {
        return None;
    }
    let seen = Observation {
        addresses: ip.addresses(),
        ds: ip.ds(),
        ttl: ip.hop_limit(),
        protocol: ip.next_header(),
        ip_len: length + 40,
        vlan,
        ..Observation::EMPTY
    };
    transport(seen, rest, length, observer)
}

/// Adds the transport header and shows the packet; `rest` is what follows the IP header, `length` what the IP header says
/// that is.
#[inline(always)]
fn transport<'a>(
    mut seen: Observation<'a>,
    rest: &'a [u8],
    length: u32,
    observer: &mut impl CommonObserver<'a>,
) -> Option<()> {
    match seen.protocol {
        udp::PROTOCOL => {
            let (header, data) = rest.split_first_chunk::<8>()?;
            let udp = UdpHeader(header);
            let (src_port, dst_port) = udp.ports();
            let datagram = u32::from(udp.length());
            if datagram < 8 || datagram > length || tunnel::is_port(src_port, dst_port) {
                return None;
            }
            seen.protocol = udp::PROTOCOL;
            seen.transport = Transport::Udp { src_port, dst_port };
            seen.payload_len = datagram - 8;
            seen.payload = cut(data, seen.payload_len);
            observer.common(&seen);
        }
        tcp::PROTOCOL => {
            let (header, _) = rest.split_first_chunk::<20>()?;
            let tcp = TcpHeader(header);
            let header_len = tcp.header_len();
            if header_len < 20 || header_len > length {
                return None;
            }
            let data = rest.get(header_len as usize..)?;
            seen.protocol = tcp::PROTOCOL;
            seen.transport = tcp.transport();
            seen.payload_len = length - header_len;
            seen.payload = cut(data, seen.payload_len);
            observer.common(&seen);
        }
        _ => return None,
    }
    Some(())
}

/// The first `length` bytes, or as many as there are.
#[inline(always)]
fn cut(data: &[u8], length: u32) -> &[u8] {
    data.get(..length as usize).unwrap_or(data)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::glance::{Glance, Inside, NO_TAG, glance};
    use super::super::{Direction, Fragment, LinkType, walk};
    use super::*;

    /// A common frame with up to three bytes of its headers changed, and cut somewhere.
    fn nearly_common() -> impl Strategy<Value = Vec<u8>> {
        let change = (0usize..62, any::<u8>());
        let changes = prop::collection::vec(change, 0..3);
        let parts = (any::<bool>(), any::<bool>(), any::<bool>(), 0usize..40);
        (parts, changes, 0usize..110).prop_map(|((tag, v6, tcp, payload), changes, cut)| {
            let mut frame = vec![0; 12];
            if tag {
                frame.extend([0x81, 0, 0xa0, 120]);
            }
            let protocol = if tcp { 6 } else { 17 };
            let transport_len = payload + if tcp { 20 } else { 8 };
            if v6 {
                frame.extend([
                    0x86,
                    0xdd,
                    0x6b,
                    0x80,
                    0,
                    0,
                    0,
                    transport_len as u8,
                    protocol,
                    9,
                ]);
                frame.extend([0x20; 32]);
            } else {
                frame.extend([
                    8,
                    0,
                    0x45,
                    0xb8,
                    0,
                    20 + transport_len as u8,
                    1,
                    2,
                    0x40,
                    0,
                    9,
                ]);
                frame.extend([protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
            }
            frame.extend([0x4e, 0x20, 0x4e, 0x22]);
            if tcp {
                frame.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 1, 0, 0, 0, 0]);
            } else {
                frame.extend([0, transport_len as u8, 0, 0]);
            }
            frame.extend(vec![0x80; payload]);
            for (at, value) in changes {
                if let Some(byte) = frame.get_mut(at) {
                    *byte = value;
                }
            }
            frame.truncate(cut.max(40));
            frame
        })
    }

    fn is_the_same(seen: &Glance<'_>, walked: &Observation<'_>) -> bool {
        let tag = walked.vlan.map_or(NO_TAG, |tag| {
            (tag.id | u16::from(tag.pcp.value()) << 13).swap_bytes()
        });
        let udp = |header: &[u8], payload: &[u8]| {
            let ports = (be(header, 0), be(header, 2));
            walked.protocol == udp::PROTOCOL
                && walked.transport.ports() == ports
                && walked.payload_len + 8 == u32::from(be(header, 4))
                && walked.payload_len >= 12
                && walked.payload.starts_with(payload)
        };
        let v4 = |head: &[u8; 40]| {
            let ip = Ipv4Header(head.first_chunk().unwrap());
            (walked.ds, walked.ttl, walked.ip_len) == (ip.ds(), ip.ttl(), u32::from(ip.total_len()))
                && walked.identification == u32::from(ip.identification())
                && walked.addresses == ip.addresses()
        };
        let then = match seen.inside {
            Inside::Udp(head, more) => {
                let captured = &[&head[28..], more].concat();
                v4(head) && udp(&head[20..], &head[28..]) && captured.starts_with(walked.payload)
            }
            Inside::Tcp(head, payload) => {
                let ports = (be(head, 20), be(head, 22));
                v4(head)
                    && walked.protocol == tcp::PROTOCOL
                    && walked.transport.ports() == ports
                    && walked.payload == payload
            }
            Inside::Udp6(head) => {
                let ip = Ipv6Header(head.first_chunk().unwrap());
                udp(&head[40..], &head[48..])
                    && (walked.ds, walked.ttl) == (ip.ds(), ip.hop_limit())
                    && walked.ip_len == u32::from(ip.payload_len()) + 40
                    && (walked.addresses, walked.identification) == (ip.addresses(), 0)
            }
        };
        then && tag == seen.tag
            && walked.fragment == Fragment::Whole
            && (walked.outer, walked.wifi_priority) == (None, None)
            && walked.direction == Direction::Unknown
    }

    fn be(bytes: &[u8], at: usize) -> u16 {
        u16::from_be_bytes([bytes[at], bytes[at + 1]])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_short_way_and_the_long_way_agree(frame in nearly_common()) {
            if let Some(seen) = ethernet(&frame) {
                let walked = walk::walk_long_way(LinkType::ETHERNET, &frame, frame.len() as u32);
                prop_assert_eq!(walked, Ok(seen));
            }
            if let Some(seen) = glance(&frame) {
                let walked = walk::walk_long_way(LinkType::ETHERNET, &frame, frame.len() as u32);
                prop_assert!(is_the_same(&seen, &walked.unwrap()), "{:?} {:?}", seen, walked);
            }
            let packet = &frame[14..];
            if let Some(seen) = ip(packet) {
                let walked = walk::walk_long_way(LinkType::RAW, packet, packet.len() as u32);
                prop_assert_eq!(walked, Ok(seen));
            }
        }
    }

    #[test]
    fn common_packets_take_the_short_way() {
        let mut frame = vec![0; 12];
        frame.extend([
            0x81, 0, 0xa0, 120, 8, 0, 0x45, 0xb8, 0, 30, 1, 2, 0x40, 0, 9, 17,
        ]);
        frame.extend([
            0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x4e, 0x20, 0x4e, 0x22, 0, 10, 0, 0,
        ]);
        frame.extend([1, 2, 0, 0, 0, 0]);
        assert_eq!(glance(&frame), None, "it is short");
        let seen = ethernet(&frame).unwrap();
        assert_eq!(seen.transport.ports(), (20_000, 20_002));
        assert_eq!((seen.payload, seen.payload_len), (&[1, 2][..], 2));
        assert_eq!(
            seen.vlan.map(|tag| (tag.id, tag.pcp.value())),
            Some((120, 5))
        );
        frame[40..42].copy_from_slice(&4789u16.to_be_bytes());
        assert_eq!(ethernet(&frame), None);
        frame[40..42].copy_from_slice(&20_002u16.to_be_bytes());
        frame[21] = 60;
        frame[43] = 40;
        frame.resize(78, 0x80);
        assert!(glance(&frame).is_some_and(|seen| is_the_same(&seen, &ethernet(&frame).unwrap())));
    }
}
