//! LLC and SNAP (IEEE 802.2; RFC 1042).

use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};

/// Reads LLC with a SNAP header whose organisation is 0 (RFC 1042) or 802.1H's bridge tunnel.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let start = *cursor;
    let header = cursor.take::<8>(Layer::Llc)?;
    if header.starts_with(&[0xaa, 0xaa, 0x03, 0, 0, 0])
        || header.starts_with(&[0xaa, 0xaa, 0x03, 0, 0, 0xf8])
    {
        Ok(Next::Type(u16_at(header, 6)))
    } else {
        Err(start.undecoded(Layer::Llc, Reason::Llc))
    }
}
