//! Per-packet information headers (CACE PPI 1.0).

use crate::cursor::{Cursor, Next};
use crate::link::LinkType;
use crate::packet::{Layer, Reason, Undecoded};

/// Reads the header and goes on with the link type it names, which is 802.11 as a rule.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let start = *cursor;
    let fixed = cursor.take::<8>(Layer::Wifi)?;
    let length = u32::from(u16::from_le_bytes([fixed[2], fixed[3]]));
    let Some(rest) = length.checked_sub(8) else {
        return Err(start.undecoded(Layer::Wifi, Reason::HeaderLength(length)));
    };
    let fields = cursor.take_slice(Layer::Wifi, rest)?;
    let link = u32::from_le_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    match u16::try_from(link).map(LinkType) {
        Ok(LinkType::IEEE802_11) => Ok(Next::Wifi {
            fcs: has_fcs(fields),
            padded: false,
        }),
        Ok(LinkType::PPI) | Err(_) => {
            Err(start.undecoded(Layer::Wifi, Reason::LinkType(LinkType::PPI)))
        }
        Ok(other) => Ok(Next::Link(other)),
    }
}

/// Bit 0 of the flags in the 802.11-Common field (type 2): timer 8 bytes, flags 2, ...
fn has_fcs(mut fields: &[u8]) -> bool {
    while let Some((header, rest)) = fields.split_first_chunk::<4>() {
        let kind = u16::from_le_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
        if kind == COMMON {
            return length >= 10 && rest.get(8).is_some_and(|flags| flags & 1 != 0);
        }
        fields = rest.get(length..).unwrap_or_default();
    }
    false
}

const COMMON: u16 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_check_sequence_bit() {
        let mut fields = vec![9, 0, 2, 0, 0xaa, 0xaa, 2, 0, 20, 0];
        fields.extend([0; 8]);
        fields.extend([1, 0]);
        fields.extend([0; 10]);
        assert!(has_fcs(&fields));
        fields[18] = 0;
        assert!(!has_fcs(&fields));
        assert!(!has_fcs(&[2, 0, 255, 255]));
    }
}
