//! The walk through the headers of one frame.

use super::{
    Addresses, Direction, Fragment, Layer, LinkType, Observation, Reason, Transport, Undecoded,
};
use crate::field::DsField;

/// Ethernet, IPv4 or IPv6, UDP or TCP.
pub(super) fn walk(
    link: LinkType,
    frame: &[u8],
    wire_len: u32,
) -> Result<Observation<'_>, Undecoded> {
    if link != LinkType::ETHERNET {
        return Err(undecoded(Layer::Link, 0, Reason::LinkType(link)));
    }
    let Some((header, rest)) = frame.split_first_chunk::<14>() else {
        return Err(short(Layer::Link, 0, 14, frame.len()));
    };
    let wire = wire_len.max(u32::try_from(frame.len()).unwrap_or(u32::MAX)) - 14;
    match u16::from_be_bytes([header[12], header[13]]) {
        0x0800 => ipv4(rest, wire),
        0x86dd => ipv6(rest, wire),
        other => Err(undecoded(Layer::Link, 0, Reason::EtherType(other))),
    }
}

fn ipv4(packet: &[u8], wire: u32) -> Result<Observation<'_>, Undecoded> {
    let Some(header) = packet.first_chunk::<20>() else {
        return Err(short(Layer::Ipv4, 14, 20, packet.len()));
    };
    let header_len = u32::from(header[0] & 15) * 4;
    let ip_len = match u16::from_be_bytes([header[2], header[3]]) {
        0 => wire,
        length => u32::from(length),
    };
    if header_len < 20 || ip_len < header_len {
        return Err(undecoded(Layer::Ipv4, 14, Reason::HeaderLength(header_len)));
    }
    let packet = packet.get(..ip_len as usize).unwrap_or(packet);
    let flags = u16::from_be_bytes([header[6], header[7]]);
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let mut seen = Observation {
        addresses: Addresses::V4 {
            src: word(12),
            dst: word(16),
        },
        ds: DsField(header[1]),
        ttl: header[8],
        protocol: header[9],
        fragment: match (flags & 0x1fff, flags & 0x2000) {
            (0, 0) => Fragment::Whole,
            (0, _) => Fragment::First,
            _ => Fragment::Later,
        },
        identification: u32::from(u16::from_be_bytes([header[4], header[5]])),
        dont_fragment: flags & 0x4000 != 0,
        ip_len,
        transport: Transport::Other,
        payload: packet.get(header_len as usize..).unwrap_or_default(),
        payload_len: ip_len - header_len,
        outer: None,
        vlan: None,
        wifi_priority: None,
        direction: Direction::Unknown,
    };
    transport(&mut seen);
    Ok(seen)
}

fn ipv6(packet: &[u8], wire: u32) -> Result<Observation<'_>, Undecoded> {
    let Some((header, payload)) = packet.split_first_chunk::<40>() else {
        return Err(short(Layer::Ipv6, 14, 40, packet.len()));
    };
    let payload_len = match u16::from_be_bytes([header[4], header[5]]) {
        0 => wire - 40,
        length => u32::from(length),
    };
    let mut addresses = ([0; 16], [0; 16]);
    addresses.0.copy_from_slice(&header[8..24]);
    addresses.1.copy_from_slice(&header[24..40]);
    let mut seen = Observation {
        addresses: Addresses::V6 {
            src: addresses.0,
            dst: addresses.1,
        },
        ds: DsField(header[0] << 4 | header[1] >> 4),
        ttl: header[7],
        protocol: header[6],
        fragment: Fragment::Whole,
        identification: 0,
        dont_fragment: false,
        ip_len: payload_len + 40,
        transport: Transport::Other,
        payload: payload.get(..payload_len as usize).unwrap_or(payload),
        payload_len,
        outer: None,
        vlan: None,
        wifi_priority: None,
        direction: Direction::Unknown,
    };
    transport(&mut seen);
    Ok(seen)
}

fn transport(seen: &mut Observation<'_>) {
    if seen.fragment == Fragment::Later {
        return;
    }
    if seen.protocol == 17 {
        if let Some((header, payload)) = seen.payload.split_first_chunk::<8>() {
            seen.transport = Transport::Udp {
                src_port: u16::from_be_bytes([header[0], header[1]]),
                dst_port: u16::from_be_bytes([header[2], header[3]]),
            };
            seen.payload = payload;
            seen.payload_len -= 8;
        }
    } else if seen.protocol == 6
        && let Some(header) = seen.payload.first_chunk::<20>()
    {
        let length = usize::from(header[12] >> 4) * 4;
        seen.transport = Transport::Tcp {
            src_port: u16::from_be_bytes([header[0], header[1]]),
            dst_port: u16::from_be_bytes([header[2], header[3]]),
            flags: header[13],
            sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            acknowledgement: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        };
        seen.payload = seen.payload.get(length..).unwrap_or_default();
        seen.payload_len = seen.payload_len.saturating_sub(length as u32);
    }
}

fn undecoded(layer: Layer, offset: u32, reason: Reason) -> Undecoded {
    Undecoded {
        layer,
        offset,
        reason,
    }
}

fn short(layer: Layer, offset: u32, needed: u32, had: usize) -> Undecoded {
    let had = u32::try_from(had).unwrap_or(u32::MAX);
    undecoded(layer, offset, Reason::Short { needed, had })
}
