//! Cisco metadata headers (`EtherType` 8909), which carry a security group tag in front of the packet.

use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};

/// `EtherType` of the header.
pub(crate) const ETHER_TYPE: u16 = 0x8909;

/// Reads the header in an Ethernet frame: version 1, length 1, option, group, `EtherType` of what follows.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let start = *cursor;
    let header = cursor.take::<8>(Layer::Link)?;
    if header[..2] != VERSION_AND_LENGTH {
        return Err(start.undecoded(Layer::Link, Reason::EtherType(ETHER_TYPE)));
    }
    Ok(Next::Type(u16_at(header, 6)))
}

/// Reads the header in GRE, where the `EtherType` comes first.
pub(crate) fn read_in_gre(cursor: &mut Cursor<'_>) -> Option<Next> {
    let header = cursor.split::<8>()?;
    (header[2..4] == VERSION_AND_LENGTH).then(|| Next::Type(u16_at(header, 0)))
}

const VERSION_AND_LENGTH: [u8; 2] = [1, 1];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_last_in_ethernet_and_first_in_gre() {
        let bytes = [1, 1, 0, 1, 0, 42, 8, 0];
        let mut cursor = Cursor::new(&bytes, 0);
        assert_eq!(read(&mut cursor), Ok(Next::Type(0x0800)));
        let bytes = [8, 0, 1, 1, 0, 1, 0, 42];
        let mut cursor = Cursor::new(&bytes, 0);
        assert_eq!(read_in_gre(&mut cursor), Some(Next::Type(0x0800)));
        assert!(read(&mut Cursor::new(&bytes, 0)).is_err());
    }
}
