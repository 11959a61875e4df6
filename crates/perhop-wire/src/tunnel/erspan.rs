//! ERSPAN: mirrored Ethernet frames in GRE (draft-foschiano-erspan).

use crate::cursor::{Cursor, Next};

/// Reads type I, which has no header and no GRE sequence number, or type II with 8 bytes.
pub(super) fn read(cursor: &mut Cursor<'_>, sequenced: bool) -> Option<Next> {
    if sequenced {
        let header = cursor.split::<8>()?;
        if header[0] >> 4 != 1 {
            return None;
        }
    }
    Some(Next::Ethernet)
}

/// Reads type III: 12 bytes, and 8 more when the last bit says so.
pub(super) fn read_iii(cursor: &mut Cursor<'_>) -> Option<Next> {
    let header = cursor.split::<12>()?;
    if header[0] >> 4 != 2 {
        return None;
    }
    if header[11] & 1 != 0 {
        cursor.split::<8>()?;
    }
    match (header[10] >> 2) & 0x1f {
        2 => Some(Next::Ip),
        _ => Some(Next::Ethernet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_iii_has_12_or_20_bytes() {
        let mut bytes = [0; 32];
        bytes[0] = 0x20;
        let mut cursor = Cursor::new(&bytes, 0);
        assert_eq!(read_iii(&mut cursor), Some(Next::Ethernet));
        assert_eq!(cursor.bytes().len(), 20);
        bytes[11] = 1;
        let mut cursor = Cursor::new(&bytes, 0);
        assert_eq!(read_iii(&mut cursor), Some(Next::Ethernet));
        assert_eq!(cursor.bytes().len(), 12);
        bytes[0] = 0x10;
        assert_eq!(read_iii(&mut Cursor::new(&bytes, 0)), None);
    }
}
