//! IPv6 and its extension headers (RFC 8200, 6946, 2675, 4302).

use crate::bytes::{u16_at, u32_at, u128_at};
use crate::cursor::Cursor;
use crate::field::DsField;
use crate::packet::{Addresses, Fragment, Layer, Undecoded};

/// The 40 bytes of an IPv6 header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ipv6Header<'a>(pub(crate) &'a [u8; 40]);

impl Ipv6Header<'_> {
    /// The DS field (the "traffic class").
    #[inline]
    pub(crate) const fn ds(self) -> DsField {
        DsField(self.0[0] << 4 | self.0[1] >> 4)
    }

    /// Payload length in bytes, extension headers included.
    #[inline]
    pub(crate) const fn payload_len(self) -> u16 {
        u16_at(self.0, 4)
    }

    /// Next header.
    #[inline]
    pub(crate) const fn next_header(self) -> u8 {
        self.0[6]
    }

    /// Hop limit.
    #[inline]
    pub(crate) const fn hop_limit(self) -> u8 {
        self.0[7]
    }

    /// Source and destination.
    #[inline]
    pub(crate) const fn addresses(self) -> Addresses {
        Addresses::V6 {
            src: u128_at(self.0, 8),
            dst: u128_at(self.0, 24),
        }
    }
}

/// What an IPv6 header and its extension headers said; the cursor is behind them.
pub(crate) struct Ipv6<'a> {
    pub(crate) header: Ipv6Header<'a>,
    pub(crate) ip_len: u32,
    pub(crate) protocol: u8,
    pub(crate) fragment: Fragment,
    pub(crate) identification: u32,
}

/// Reads a header and its chain, and limits the cursor to the packet.
///
/// A chain that the capture cut, or longer than 8, ends with the header it reached as the protocol.
pub(crate) fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Ipv6<'a>, Undecoded> {
    let header = Ipv6Header(cursor.take(Layer::Ipv6)?);
    match header.payload_len() {
        0 if header.next_header() == NONE => cursor.limit(0),
        0 => {
            if let Some(jumbo) = jumbo_length(header.next_header(), cursor.bytes()) {
                cursor.limit(jumbo);
            }
        }
        length => cursor.limit(u32::from(length)),
    }
    let mut seen = Ipv6 {
        header,
        ip_len: cursor.wire().saturating_add(40),
        protocol: header.next_header(),
        fragment: Fragment::Whole,
        identification: 0,
    };
    for _ in 0..CHAIN {
        if !pass_extension(cursor, &mut seen) {
            break;
        }
    }
    Ok(seen)
}

/// Moves past authentication headers (RFC 4302), which leave what they protect in the clear.
pub(crate) fn pass_authentication(cursor: &mut Cursor<'_>, protocol: &mut u8) {
    for _ in 0..CHAIN {
        let [next, length, ..] = *cursor.bytes() else {
            return;
        };
        if *protocol != AUTHENTICATION || !pass_whole(cursor, (u32::from(length) + 2) * 4) {
            return;
        }
        *protocol = next;
    }
}

/// Moves past one extension header; false when there is none, or it was cut off.
fn pass_extension(cursor: &mut Cursor<'_>, seen: &mut Ipv6<'_>) -> bool {
    let [next, length, ..] = *cursor.bytes() else {
        return false;
    };
    let size = match seen.protocol {
        HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6 => (u32::from(length) + 1) * 8,
        AUTHENTICATION => (u32::from(length) + 2) * 4,
        FRAGMENT => 8,
        _ => return false,
    };
    if seen.fragment == Fragment::Later {
        return false;
    }
    let header = *cursor;
    if !pass_whole(cursor, size) {
        return false;
    }
    if seen.protocol == FRAGMENT
        && let Some(fragment) = header.bytes().first_chunk::<8>()
    {
        seen.identification = u32_at(fragment, 4);
        seen.fragment = match u16_at(fragment, 2) & 0xfff9 {
            0 => Fragment::Whole,
            1 => Fragment::First,
            _ => Fragment::Later,
        };
    }
    seen.protocol = next;
    true
}

/// Moves past a header of `size` bytes when it lies wholly in the captured packet.
fn pass_whole(cursor: &mut Cursor<'_>, size: u32) -> bool {
    cursor.split_slice(size).is_some()
}

/// The length in a jumbo payload option (RFC 2675) of a hop-by-hop header: type 0xc2, length 4.
fn jumbo_length(next_header: u8, payload: &[u8]) -> Option<u32> {
    if next_header != HOP_BY_HOP {
        return None;
    }
    let end = (usize::from(*payload.get(1)?) + 1) * 8;
    let mut options = payload.get(2..end)?;
    while let Some((&kind, rest)) = options.split_first() {
        if kind == 0 {
            options = rest;
            continue;
        }
        let (&length, body) = rest.split_first()?;
        if kind == 0xc2 && length == 4 {
            return body.first_chunk::<4>().map(|jumbo| u32_at(jumbo, 0));
        }
        options = body.get(usize::from(length)..)?;
    }
    None
}

/// Protocol numbers of extension headers (IANA).
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const NONE: u8 = 59;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;
/// Extension headers read at most.
const CHAIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x6b, 0x80, 0, 0, 0, payload.len() as u8, next, 64];
        bytes.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn fields_lie_where_rfc_8200_has_them() {
        let bytes = packet(17, &[0; 9]);
        let seen = read(&mut Cursor::new(&bytes, 0)).unwrap();
        assert_eq!(seen.header.ds().dscp().value(), 46);
        assert_eq!(seen.ip_len, 49);
        assert_eq!(seen.header.hop_limit(), 64);
        assert_eq!(seen.header.addresses().src().to_string(), "2001:db8::1");
        assert_eq!(seen.header.addresses().dst().to_string(), "2001:db8::2");
    }

    #[test]
    fn the_chain_is_walked_to_the_transport() {
        let mut chain = vec![43, 0, 1, 4, 0, 0, 0, 0]; // hop-by-hop
        chain.extend([51, 0, 0, 0, 0, 0, 0, 0]); // routing
        chain.extend([60, 4, 0, 0]); // authentication, (4 + 2) * 4 bytes
        chain.extend([0; 20]);
        chain.extend([17, 0, 0, 0, 0, 0, 0, 0]); // destination options
        chain.extend([0xaa; 10]);
        let bytes = packet(0, &chain);
        let mut cursor = Cursor::new(&bytes, 0);
        let seen = read(&mut cursor).unwrap();
        assert_eq!(seen.protocol, 17);
        assert_eq!(cursor.bytes(), [0xaa; 10]);
    }

    #[test]
    fn fragments_and_atomic_fragments() {
        let fragment = |offset_and_more: u16| {
            let [high, low] = offset_and_more.to_be_bytes();
            let bytes = packet(44, &[17, 0, high, low, 1, 2, 3, 4, 9, 9]);
            let seen = read(&mut Cursor::new(&bytes, 0)).unwrap();
            (seen.protocol, seen.fragment, seen.identification)
        };
        assert_eq!(fragment(0), (17, Fragment::Whole, 0x0102_0304));
        assert_eq!(fragment(1), (17, Fragment::First, 0x0102_0304));
        assert_eq!(fragment(0x5a8), (17, Fragment::Later, 0x0102_0304));
    }

    #[test]
    fn a_jumbogram_takes_its_length_from_the_option() {
        let mut bytes = packet(0, &[17, 0, 0xc2, 4, 0, 1, 0, 0, 1, 2]);
        bytes[5] = 0;
        assert_eq!(read(&mut Cursor::new(&bytes, 0)).unwrap().ip_len, 65576);
        bytes[42] = 1;
        assert_eq!(read(&mut Cursor::new(&bytes, 99)).unwrap().ip_len, 99);
        bytes[6] = 59;
        assert_eq!(read(&mut Cursor::new(&bytes, 99)).unwrap().ip_len, 40);
    }

    #[test]
    fn a_chain_that_was_cut_keeps_the_header_it_reached() {
        let bytes = packet(60, &[17, 3, 0, 0, 0, 0, 0, 0]);
        assert_eq!(read(&mut Cursor::new(&bytes, 0)).unwrap().protocol, 60);
        let loops = packet(60, &[60, 0, 0, 0, 0, 0, 0, 0].repeat(20));
        let mut cursor = Cursor::new(&loops, 0);
        assert_eq!(read(&mut cursor).unwrap().protocol, 60);
        assert_eq!(cursor.wire(), 160 - 8 * 8);
    }
}
