//! Linux "cooked" captures (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2).

use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};
use crate::packet::{Direction, Layer, Undecoded};

/// Reads the 16 bytes of version 1.
pub(crate) fn read(cursor: &mut Cursor<'_>, direction: &mut Direction) -> Result<Next, Undecoded> {
    let header = cursor.take::<16>(Layer::Link)?;
    *direction = by_packet_type(u16_at(header, 0));
    Ok(Next::Type(u16_at(header, 14)))
}

/// Reads the 20 bytes of version 2.
pub(crate) fn read_v2(
    cursor: &mut Cursor<'_>,
    direction: &mut Direction,
) -> Result<Next, Undecoded> {
    let header = cursor.take::<20>(Layer::Link)?;
    *direction = by_packet_type(u16::from(header[10]));
    Ok(Next::Type(u16_at(header, 0)))
}

/// Packet types: 0 to us, 1 broadcast, 2 multicast, 3 to someone else (promiscuous), 4 from us.
const fn by_packet_type(value: u16) -> Direction {
    match value {
        0..=2 => Direction::In,
        4 => Direction::Out,
        _ => Direction::Unknown,
    }
}
