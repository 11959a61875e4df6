//! PPP (RFC 1661, 1662) and `PPPoE` sessions (RFC 2516).

use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};

/// Reads a PPP frame: optional HDLC address and control, then the protocol in one byte (compressed) or two.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    if cursor.bytes().starts_with(&[0xff, 0x03]) {
        cursor.take::<2>(Layer::Ppp)?;
    }
    let first = cursor.take::<1>(Layer::Ppp)?[0];
    let protocol = if first & 1 == 1 {
        u16::from(first)
    } else {
        u16::from_be_bytes([first, cursor.take::<1>(Layer::Ppp)?[0]])
    };
    match protocol {
        0x0021 | 0x0057 => Ok(Next::Ip),
        0x0281 | 0x0283 => Ok(Next::Mpls),
        other => Err(cursor.undecoded(Layer::Ppp, Reason::PppProtocol(other))),
    }
}

/// Reads a `PPPoE` session header of 6 bytes.
pub(crate) fn read_pppoe(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let header = cursor.take::<6>(Layer::Ppp)?;
    let length = u32::from(u16_at(header, 4));
    if length <= cursor.wire() && length >= 2 {
        cursor.limit(length);
    }
    Ok(Next::Ppp)
}
