//! L2TP version 2 data messages (RFC 2661 section 3.1).

use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};

/// Reads the header of a data message with its optional fields; PPP follows.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Next> {
    let wire = cursor.wire();
    let flags = u16_at(cursor.split::<2>()?, 0);
    if flags & FIXED != VERSION_2 {
        return None;
    }
    if flags & LENGTH != 0 && u32::from(u16_at(cursor.split::<2>()?, 0)) != wire {
        return None;
    }
    // Tunnel and session identifier.
    cursor.split::<4>()?;
    if flags & SEQUENCE != 0 {
        cursor.split::<4>()?;
    }
    if flags & OFFSET != 0 {
        let padding = u16_at(cursor.split::<2>()?, 0);
        cursor.split_slice(u32::from(padding))?;
    }
    Some(Next::Ppp)
}

/// Control bit, reserved bits and version; all but the version are 0 in a data message.
const FIXED: u16 = 0xb4ff;
const VERSION_2: u16 = 0x0002;
/// Length, sequence and offset fields are there.
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_messages_only() {
        let open = |bytes: &[u8]| {
            let mut cursor = Cursor::new(bytes, 0);
            read(&mut cursor).map(|_| cursor.bytes().len())
        };
        assert_eq!(open(&[0, 2, 0, 1, 0, 2, 0xff, 3]), Some(2));
        assert_eq!(open(&[0x40, 2, 0, 9, 0, 1, 0, 2, 0x21]), Some(1));
        assert_eq!(open(&[0x40, 2, 0, 8, 0, 1, 0, 2, 0x21]), None);
        let all = [0x4a, 2, 0, 17, 0, 1, 0, 2, 0, 1, 0, 1, 0, 2, 9, 9, 0x21];
        assert_eq!(open(&all), Some(1));
        assert_eq!(open(&[0xc8, 2, 0, 12, 0, 1, 0, 2, 0, 0, 0, 0]), None);
        assert_eq!(open(&[0x80, 0x7a, 0, 1, 0, 2, 0, 0]), None);
    }
}
