//! Packets inside packets: what an IP packet carries, if it is a tunnel.
//!
//! A port number alone never makes a tunnel: each header here must also have the bits that its specification fixes,
//! so that media on a port such as 2152 or 3544 stays media.

use crate::cursor::{Cursor, Next};
use crate::packet::{Fragment, Observation, Transport, Tunnel};

mod erspan;
mod geneve;
mod gre;
mod gtpu;
mod l2tp;
mod teredo;
mod vxlan;

/// The inside of a packet: how it is carried, what it starts with, and where.
pub(crate) struct Inside<'a> {
    pub(crate) tunnel: Tunnel,
    pub(crate) next: Next,
    pub(crate) cursor: Cursor<'a>,
}

/// Opens a packet that may be a tunnel's outside; `None` when it is not.
pub(crate) fn open<'a>(seen: &Observation<'a>) -> Option<Inside<'a>> {
    if seen.fragment == Fragment::Later {
        return None;
    }
    let mut cursor = Cursor::new(seen.payload, seen.payload_len);
    let (tunnel, next) = match (seen.transport, seen.protocol) {
        (Transport::Udp { src_port, dst_port }, _) => {
            let whole = seen.fragment == Fragment::Whole;
            by_port(&mut cursor, (src_port, dst_port), whole)?
        }
        (_, IPV4 | IPV6) => (Tunnel::IpInIp, ip(&cursor, seen.protocol)?),
        (_, GRE) => gre::read(&mut cursor)?,
        _ => return None,
    };
    Some(Inside {
        tunnel,
        next,
        cursor,
    })
}

/// Whether a UDP packet must be looked into: a port on either side belongs to a tunnel.
#[inline(always)]
pub(crate) const fn is_port(src: u16, dst: u16) -> bool {
    (src <= HIGHEST_PORT || dst <= HIGHEST_PORT)
        && (is_either_port(src) || is_either_port(dst) || is_destination_port(dst))
}

/// Ports that one end of the tunnel has, in both directions: L2TP, GTP-U, Teredo.
const fn is_either_port(port: u16) -> bool {
    matches!(port, L2TP_PORT | GTPU_PORT | TEREDO_PORT)
}

/// Ports that are always the destination; the source port is a hash of the flow inside.
const fn is_destination_port(port: u16) -> bool {
    matches!(port, VXLAN_PORT | VXLAN_LINUX_PORT | GENEVE_PORT)
}

fn by_port(cursor: &mut Cursor<'_>, (src, dst): (u16, u16), whole: bool) -> Option<(Tunnel, Next)> {
    match dst {
        VXLAN_PORT | VXLAN_LINUX_PORT => return Some((Tunnel::Vxlan, vxlan::read(cursor)?)),
        GENEVE_PORT => return Some((Tunnel::Geneve, geneve::read(cursor)?)),
        _ => {}
    }
    let has = |port| src == port || dst == port;
    if has(GTPU_PORT) {
        Some((Tunnel::GtpU, gtpu::read(cursor, whole)?))
    } else if has(TEREDO_PORT) {
        Some((Tunnel::Teredo, teredo::read(cursor)?))
    } else if has(L2TP_PORT) {
        Some((Tunnel::L2tp, l2tp::read(cursor)?))
    } else {
        None
    }
}

/// IP without any header between, when the version is the one the protocol number promised.
fn ip(cursor: &Cursor<'_>, protocol: u8) -> Option<Next> {
    let version = cursor.peek()? >> 4;
    let expected = if protocol == IPV4 { 4 } else { 6 };
    (version == expected).then_some(Next::Ip)
}

/// IP, when the version nibble says so.
fn any_ip(cursor: &Cursor<'_>) -> Option<Next> {
    matches!(cursor.peek()? >> 4, 4 | 6).then_some(Next::Ip)
}

/// Protocol numbers (IANA): IPv4 and IPv6 in IP, GRE.
const IPV4: u8 = 4;
const IPV6: u8 = 41;
const GRE: u8 = 47;

/// Ports (IANA), and the one that Linux used for VXLAN before 4789 was assigned.
const L2TP_PORT: u16 = 1701;
const GTPU_PORT: u16 = 2152;
const TEREDO_PORT: u16 = 3544;
const VXLAN_PORT: u16 = 4789;
const GENEVE_PORT: u16 = 6081;
const VXLAN_LINUX_PORT: u16 = 8472;
/// Most media has ports above all of these.
const HIGHEST_PORT: u16 = VXLAN_LINUX_PORT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_tunnel_ports_are_looked_into() {
        for port in 0..=u16::MAX {
            let either = [1701, 2152, 3544].contains(&port);
            let destination = [4789, 6081, 8472].contains(&port);
            assert_eq!(is_port(port, 20_000), either, "{port}");
            assert_eq!(is_port(20_000, port), either || destination, "{port}");
        }
    }
}
