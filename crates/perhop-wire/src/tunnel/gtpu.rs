//! GTP-U (3GPP TS 29.281 clause 5).

use super::any_ip;
use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};

/// Reads a G-PDU header of version 1 with its optional fields and extension headers; IP must follow.
///
/// The length must be that of the datagram, or more when the datagram is not `whole`.
pub(super) fn read(cursor: &mut Cursor<'_>, whole: bool) -> Option<Next> {
    let header = cursor.split::<8>()?;
    if header[0] & FIXED != VERSION_1 || header[1] != G_PDU {
        return None;
    }
    let length = u32::from(u16_at(header, 2));
    if length < cursor.wire() || (whole && length > cursor.wire()) {
        return None;
    }
    if header[0] & OPTIONAL != 0 {
        let mut next = cursor.split::<4>()?[3];
        if header[0] & EXTENDED == 0 {
            next = 0;
        }
        pass_extensions(cursor, next)?;
    }
    any_ip(cursor)
}

/// Moves past extension headers: length in units of four bytes, content, type of the next one.
fn pass_extensions(cursor: &mut Cursor<'_>, mut next: u8) -> Option<()> {
    for _ in 0..EXTENSIONS {
        if next == 0 {
            return Some(());
        }
        let units = cursor.peek()?;
        let extension = cursor.split_slice(u32::from(units) * 4)?;
        next = *extension.last()?;
    }
    None
}

/// First byte: version and protocol type, the spare bit left out.
const FIXED: u8 = 0xf0;
const VERSION_1: u8 = 0x30;
/// First byte: any of extension, sequence number, N-PDU number; extension.
const OPTIONAL: u8 = 0x07;
const EXTENDED: u8 = 0x04;
/// Message type of user data.
const G_PDU: u8 = 255;
/// Extension headers read at most.
const EXTENSIONS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn open(bytes: &[u8]) -> Option<(Next, usize)> {
        let mut cursor = Cursor::new(bytes, 0);
        let next = read(&mut cursor, true)?;
        Some((next, cursor.bytes().len()))
    }

    #[test]
    fn plain_sequenced_and_extended() {
        assert_eq!(
            open(&[0x30, 255, 0, 1, 0, 0, 0, 7, 0x45]),
            Some((Next::Ip, 1))
        );
        assert_eq!(
            open(&[0x32, 255, 0, 5, 0, 0, 0, 7, 0, 9, 0, 0, 0x60]),
            Some((Next::Ip, 1))
        );
        // A PDU session container (type 0x85) of one unit.
        let extended = [
            0x34, 255, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0x85, 1, 0x10, 9, 0, 0x45,
        ];
        assert_eq!(open(&extended), Some((Next::Ip, 1)));
    }

    #[test]
    fn what_looks_alike_is_refused() {
        assert_eq!(open(&[0x80, 255, 0, 1, 0, 0, 0, 7, 0x45]), None);
        assert_eq!(open(&[0x30, 1, 0, 1, 0, 0, 0, 7, 0x45]), None);
        assert_eq!(open(&[0x30, 255, 0, 2, 0, 0, 0, 7, 0x45]), None);
        assert_eq!(open(&[0x30, 255, 0, 1, 0, 0, 0, 7, 0x80]), None);
        let zero_units = [0x34, 255, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0x85, 0, 0x45];
        assert_eq!(open(&zero_units), None);
    }
}
