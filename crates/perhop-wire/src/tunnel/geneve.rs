//! Geneve (RFC 8926).

use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};
use crate::ethernet;

/// Reads a header with its options: version 0, reserved bits 0, a known protocol type.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Next> {
    let header = cursor.split::<8>()?;
    if header[0] >> 6 != 0 || header[1] & RESERVED != 0 || header[7] != 0 {
        return None;
    }
    cursor.split_slice(u32::from(header[0] & 0x3f) * 4)?;
    match u16_at(header, 2) {
        ..1536 => None,
        other => ethernet::by_type(cursor, other).ok(),
    }
}

/// Second byte: all but "control packet" and "critical options".
const RESERVED: u8 = 0x3f;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed() {
        let mut bytes = vec![2, 0, 0x65, 0x58, 0, 0, 1, 0];
        bytes.extend([0; 12]);
        let mut cursor = Cursor::new(&bytes, 0);
        assert_eq!(read(&mut cursor), Some(Next::Ethernet));
        assert_eq!(cursor.bytes().len(), 4);
        bytes[0] = 0x80;
        assert_eq!(read(&mut Cursor::new(&bytes, 0)), None);
        bytes[0] = 4;
        assert_eq!(read(&mut Cursor::new(&bytes, 0)), None);
    }
}
