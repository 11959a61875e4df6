//! The walk through the headers of one frame, whatever they are.

use super::fast;
use super::{Direction, Fragment, Layer, LinkType, Observation, Outer, Reason, Undecoded, VlanTag};
use crate::cursor::{Cursor, Next};
use crate::{
    ethernet, ipv4, ipv6, llc, loopback, mpls, nflog, ppp, sll, tcp, tunnel, udp, vlan, wifi,
};

/// Reads any frame down to the innermost IP header that can be read.
///
/// What looks like a tunnel but has nothing readable inside stays the packet that it is on the outside.
#[cold]
#[inline(never)]
pub(super) fn walk(
    link: LinkType,
    frame: &[u8],
    wire_len: u32,
) -> Result<Observation<'_>, Undecoded> {
    let mut cursor = Cursor::new(frame, wire_len);
    let mut below = Below::default();
    to_ip(Next::Link(link), &mut cursor, &mut below)?;
    if let Some(seen) = fast::ip(cursor.bytes()) {
        return Ok(below.under(seen));
    }
    general(cursor, below)
}

/// Reads any packet from its outermost IP header on.
fn general(mut cursor: Cursor<'_>, below: Below) -> Result<Observation<'_>, Undecoded> {
    let mut seen = ip(&mut cursor, &below)?;
    for depth in 1..=TUNNELS {
        let Some(mut inside) = tunnel::open(&seen) else {
            break;
        };
        let mut below = below;
        let inner = to_ip(inside.next, &mut inside.cursor, &mut below)
            .and_then(|()| ip(&mut inside.cursor, &below));
        let Ok(mut inner) = inner else {
            break;
        };
        let outermost = seen.outer.unwrap_or(Outer {
            ds: seen.ds,
            tunnel: inside.tunnel,
            depth,
        });
        inner.outer = Some(Outer { depth, ..outermost });
        seen = inner;
    }
    Ok(seen)
}

/// The walk without the short way for common packets, to hold the two against each other.
#[cfg(test)]
pub(super) fn walk_long_way(
    link: LinkType,
    frame: &[u8],
    wire_len: u32,
) -> Result<Observation<'_>, Undecoded> {
    let mut cursor = Cursor::new(frame, wire_len);
    let mut below = Below::default();
    to_ip(Next::Link(link), &mut cursor, &mut below)?;
    general(cursor, below)
}

/// What the headers below IP said.
#[derive(Debug, Clone, Copy, Default)]
struct Below {
    vlan: Option<VlanTag>,
    wifi_priority: Option<u8>,
    direction: Direction,
    tags: u8,
}

impl Below {
    fn under(self, seen: Observation<'_>) -> Observation<'_> {
        Observation {
            vlan: self.vlan,
            wifi_priority: self.wifi_priority,
            direction: self.direction,
            ..seen
        }
    }
}

/// Moves the cursor to the next IP header.
fn to_ip(first: Next, cursor: &mut Cursor<'_>, below: &mut Below) -> Result<(), Undecoded> {
    let mut next = first;
    for _ in 0..HEADERS {
        next = match next {
            Next::Ip => return Ok(()),
            Next::Link(link) => by_link(link, cursor, below)?,
            Next::Ethernet => ethernet::read(cursor)?,
            Next::Type(tag) if vlan::is_tag(tag) => read_tag(cursor, below)?,
            Next::Type(other) => ethernet::by_type(cursor, other)?,
            Next::Llc => llc::read(cursor)?,
            Next::Mpls => mpls::read(cursor)?,
            Next::Ppp => ppp::read(cursor)?,
            Next::PppoeSession => ppp::read_pppoe(cursor)?,
            Next::Wifi { fcs, padded } => {
                wifi::read(cursor, fcs, padded, &mut below.wifi_priority)?
            }
        };
    }
    Err(cursor.undecoded(Layer::Link, Reason::TooDeep))
}

/// Reads the header that a link type calls for.
fn by_link(link: LinkType, cursor: &mut Cursor<'_>, below: &mut Below) -> Result<Next, Undecoded> {
    match link {
        LinkType::ETHERNET => Ok(Next::Ethernet),
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 | RAW_BSD | RAW_OPENBSD => Ok(Next::Ip),
        LinkType::NULL => loopback::read_null(cursor),
        LinkType::LOOP => loopback::read_loop(cursor),
        LinkType::PPP => Ok(Next::Ppp),
        LinkType::LINUX_SLL => sll::read(cursor, &mut below.direction),
        LinkType::LINUX_SLL2 => sll::read_v2(cursor, &mut below.direction),
        LinkType::NFLOG => nflog::read(cursor),
        LinkType::IEEE802_11 => Ok(Next::Wifi {
            fcs: false,
            padded: false,
        }),
        LinkType::IEEE802_11_RADIOTAP => wifi::radiotap::read(cursor),
        LinkType::PPI => wifi::ppi::read(cursor),
        other => Err(cursor.undecoded(Layer::Link, Reason::LinkType(other))),
    }
}

/// Reads a VLAN tag and keeps the first.
fn read_tag(cursor: &mut Cursor<'_>, below: &mut Below) -> Result<Next, Undecoded> {
    if below.tags == TAGS {
        return Err(cursor.undecoded(Layer::Vlan, Reason::TooDeep));
    }
    below.tags += 1;
    let header = vlan::TagHeader(cursor.take(Layer::Vlan)?);
    below.vlan.get_or_insert(header.tag());
    Ok(Next::Type(header.ether_type()))
}

/// Reads an IP header, by its version nibble, and the transport header behind it.
fn ip<'a>(cursor: &mut Cursor<'a>, below: &Below) -> Result<Observation<'a>, Undecoded> {
    let mut seen = below.under(Observation::EMPTY);
    match cursor.peek().map(|byte| byte >> 4) {
        Some(4) => {
            let ip = ipv4::read(cursor)?;
            seen.addresses = ip.header.addresses();
            seen.ds = ip.header.ds();
            seen.ttl = ip.header.ttl();
            seen.fragment = ip.header.fragment();
            seen.identification = u32::from(ip.header.identification());
            seen.dont_fragment = ip.header.dont_fragment();
            seen.ip_len = ip.ip_len;
            seen.protocol = ip.protocol;
        }
        Some(6) => {
            let ip = ipv6::read(cursor)?;
            seen.addresses = ip.header.addresses();
            seen.ds = ip.header.ds();
            seen.ttl = ip.header.hop_limit();
            seen.fragment = ip.fragment;
            seen.identification = ip.identification;
            seen.ip_len = ip.ip_len;
            seen.protocol = ip.protocol;
        }
        Some(other) => return Err(cursor.undecoded(Layer::Ipv4, Reason::Version(other))),
        None => {
            cursor.take::<1>(Layer::Ipv4)?;
        }
    }
    if seen.fragment != Fragment::Later {
        seen.transport = match seen.protocol {
            udp::PROTOCOL => udp::read(cursor),
            tcp::PROTOCOL => tcp::read(cursor),
            _ => seen.transport,
        };
    }
    seen.payload = cursor.bytes();
    seen.payload_len = cursor.wire();
    Ok(seen)
}

/// What some BSD systems write for RAW.
const RAW_BSD: LinkType = LinkType(12);
const RAW_OPENBSD: LinkType = LinkType(14);
/// VLAN tags in one frame at most.
const TAGS: u8 = 8;
/// Headers between two IP headers at most.
const HEADERS: usize = 24;
/// Tunnels inside each other at most.
const TUNNELS: u8 = 8;
