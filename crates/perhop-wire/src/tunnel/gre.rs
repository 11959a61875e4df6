//! GRE version 0 (RFC 1701, 2784, 2890) and 1 (RFC 2637, PPTP).

use super::erspan;
use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};
use crate::ethernet;
use crate::metadata;
use crate::packet::Tunnel;

/// Reads a header with all its optional fields and looks at the protocol type.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<(Tunnel, Next)> {
    let header = cursor.split::<4>()?;
    let (flags, protocol) = (u16_at(header, 0), u16_at(header, 2));
    match flags & VERSION {
        0 => {
            let mut optional = 0;
            if flags & (CHECKSUM | ROUTING) != 0 {
                optional += 4;
            }
            optional += if flags & KEY != 0 { 4 } else { 0 };
            optional += if flags & SEQUENCE != 0 { 4 } else { 0 };
            cursor.split_slice(optional)?;
            if flags & ROUTING != 0 {
                pass_routes(cursor)?;
            }
        }
        1 if flags & KEY != 0 && protocol == ethernet::PPP => {
            let mut optional = 4;
            optional += if flags & SEQUENCE != 0 { 4 } else { 0 };
            optional += if flags & ACKNOWLEDGEMENT != 0 { 4 } else { 0 };
            cursor.split_slice(optional)?;
        }
        _ => return None,
    }
    match protocol {
        ERSPAN => Some((Tunnel::Erspan, erspan::read(cursor, flags & SEQUENCE != 0)?)),
        ERSPAN_III => Some((Tunnel::Erspan, erspan::read_iii(cursor)?)),
        ethernet::BRIDGED => Some((Tunnel::GreEthernet, Next::Ethernet)),
        metadata::ETHER_TYPE => Some((Tunnel::Gre, metadata::read_in_gre(cursor)?)),
        ..1536 => None,
        other => Some((Tunnel::Gre, ethernet::by_type(cursor, other).ok()?)),
    }
}

/// Moves past the source route entries of RFC 1701, which end with an entry of family and length 0.
fn pass_routes(cursor: &mut Cursor<'_>) -> Option<()> {
    for _ in 0..ROUTES {
        let entry = cursor.split::<4>()?;
        if u16_at(entry, 0) == 0 && entry[3] == 0 {
            return Some(());
        }
        cursor.split_slice(u32::from(entry[3]))?;
    }
    None
}

/// Bits of the first two bytes.
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;
/// Protocol types of ERSPAN I and II, and III.
const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
/// Source route entries read at most.
const ROUTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn open(bytes: &[u8]) -> Option<(Tunnel, Next, usize)> {
        let mut cursor = Cursor::new(bytes, 0);
        let (tunnel, next) = read(&mut cursor)?;
        Some((tunnel, next, bytes.len() - cursor.bytes().len()))
    }

    #[test]
    fn every_flag_adds_its_four_bytes() {
        for (flags, length) in [
            (0x00, 4),
            (0x80, 8),
            (0x20, 8),
            (0x10, 8),
            (0xb0, 16),
            (0x30, 12),
        ] {
            let mut bytes = vec![flags, 0, 0x08, 0x00];
            bytes.extend([0; 40]);
            assert_eq!(open(&bytes), Some((Tunnel::Gre, Next::Ip, length)));
        }
    }

    #[test]
    fn source_routes_are_passed() {
        let mut bytes = vec![0x40, 0, 0x86, 0xdd, 0, 0, 0, 0];
        bytes.extend([0x08, 0x00, 0, 4, 10, 0, 0, 1]);
        bytes.extend([0, 0, 0, 0, 0x60]);
        assert_eq!(open(&bytes), Some((Tunnel::Gre, Next::Ip, 20)));
    }

    #[test]
    fn pptp_carries_ppp() {
        let mut bytes = vec![0x30, 0x81, 0x88, 0x0b];
        bytes.extend([0; 20]);
        assert_eq!(open(&bytes), Some((Tunnel::Gre, Next::Ppp, 16)));
        bytes[0] = 0x10;
        assert_eq!(open(&bytes), None);
    }

    #[test]
    fn ethernet_and_mirrored_frames() {
        let mut bytes = vec![0x20, 0, 0x65, 0x58];
        bytes.extend([0; 20]);
        assert_eq!(open(&bytes), Some((Tunnel::GreEthernet, Next::Ethernet, 8)));
        bytes[..4].copy_from_slice(&[0x00, 0, 0x88, 0xbe]);
        assert_eq!(open(&bytes), Some((Tunnel::Erspan, Next::Ethernet, 4)));
        bytes[..4].copy_from_slice(&[0x10, 0, 0x88, 0xbe]);
        bytes[8] = 0x10;
        assert_eq!(open(&bytes), Some((Tunnel::Erspan, Next::Ethernet, 16)));
        bytes[..4].copy_from_slice(&[0x00, 2, 0x08, 0x00]);
        assert_eq!(open(&bytes), None);
    }
}
