//! Linux netfilter log messages (LINKTYPE_NFLOG).

use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};

/// Reads family, version and resource, then the attributes up to the one that holds the packet.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let start = *cursor;
    let family = cursor.take::<4>(Layer::Link)?[0];
    if !matches!(family, AF_INET | AF_INET6) {
        return Err(start.undecoded(Layer::Link, Reason::Family(u32::from(family))));
    }
    for _ in 0..ATTRIBUTES {
        let at = *cursor;
        let header = cursor.take::<4>(Layer::Link)?;
        let length = u32::from(u16::from_le_bytes([header[0], header[1]]));
        let Some(body) = length.checked_sub(4) else {
            return Err(at.undecoded(Layer::Link, Reason::HeaderLength(length)));
        };
        if u16::from_le_bytes([header[2], header[3]]) == PAYLOAD {
            cursor.limit(body);
            return Ok(Next::Ip);
        }
        cursor.take_slice(Layer::Link, body.next_multiple_of(4))?;
    }
    Err(cursor.undecoded(Layer::Link, Reason::TooDeep))
}

/// Linux's address family numbers; NFLOG exists only there.
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// The attribute that holds the packet.
const PAYLOAD: u16 = 9;
/// Attributes read at most; there are about 20 kinds.
const ATTRIBUTES: usize = 64;
