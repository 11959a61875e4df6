//! Radiotap capture headers (radiotap.org).

use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};

/// Reads the header; of its fields only the flags matter: check sequence at the end, padded MAC header.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let start = *cursor;
    let fixed = cursor.take::<8>(Layer::Wifi)?;
    let length = u32::from(u16::from_le_bytes([fixed[2], fixed[3]]));
    if fixed[0] != 0 {
        return Err(start.undecoded(Layer::Wifi, Reason::Version(fixed[0])));
    }
    let Some(rest) = length.checked_sub(8) else {
        return Err(start.undecoded(Layer::Wifi, Reason::HeaderLength(length)));
    };
    let fields = cursor.take_slice(Layer::Wifi, rest)?;
    let present = u32::from_le_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    let flags = flags(present, fields).unwrap_or(0);
    Ok(Next::Wifi {
        fcs: flags & FCS_AT_END != 0,
        padded: flags & PADDED != 0,
    })
}

/// The flags field; `fields` are the bytes after the first word of presence bits.
fn flags(present: u32, fields: &[u8]) -> Option<u8> {
    if present & FLAGS == 0 {
        return None;
    }
    let mut more = present & MORE_WORDS != 0;
    let mut at = 0;
    while more {
        more = fields.get(at + 3)? & 0x80 != 0;
        at += 4;
    }
    if present & TSFT != 0 {
        // Fields are aligned to their size from the start of the header, 8 bytes before `fields`.
        at = at.next_multiple_of(8) + 8;
    }
    fields.get(at).copied()
}

/// Presence bits: a 64-bit timer, the flags, another word of presence bits.
const TSFT: u32 = 1;
const FLAGS: u32 = 2;
const MORE_WORDS: u32 = 1 << 31;
/// Bits of the flags field.
const FCS_AT_END: u8 = 0x10;
const PADDED: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_flags_behind_timer_and_more_presence_words() {
        let mut fields = vec![0xee; 8];
        fields.push(0x10);
        assert_eq!(flags(TSFT | FLAGS, &fields), Some(0x10));
        assert_eq!(flags(FLAGS, &[0x20]), Some(0x20));
        assert_eq!(flags(TSFT, &fields), None);
        // One more presence word: the timer is aligned to 8 from the start of the header.
        let mut fields = vec![0, 0, 0, 0];
        fields.extend([0xee; 12]);
        fields.push(0x30);
        assert_eq!(flags(TSFT | FLAGS | MORE_WORDS, &fields), Some(0x30));
        assert_eq!(flags(FLAGS | MORE_WORDS, &[0, 0, 0, 0x80]), None);
    }
}
