//! BSD loopback headers: four bytes of address family (LINKTYPE_NULL, LINKTYPE_LOOP).

use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};

/// Reads a family in the order of the host that wrote the capture, which the file need not share: both are tried.
pub(crate) fn read_null(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let start = *cursor;
    let family = cursor.take::<4>(Layer::Link)?;
    let (little, big) = (u32::from_le_bytes(*family), u32::from_be_bytes(*family));
    if is_ip(little) || is_ip(big) {
        Ok(Next::Ip)
    } else {
        Err(start.undecoded(Layer::Link, Reason::Family(little.min(big))))
    }
}

/// Reads a family in network order.
pub(crate) fn read_loop(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let start = *cursor;
    let family = u32::from_be_bytes(*cursor.take::<4>(Layer::Link)?);
    if is_ip(family) {
        Ok(Next::Ip)
    } else {
        Err(start.undecoded(Layer::Link, Reason::Family(family)))
    }
}

/// `AF_INET`, or one of the numbers that systems have for `AF_INET6`:
/// Linux 10, Windows 23, NetBSD and OpenBSD 24, FreeBSD 28, macOS 30.
const fn is_ip(family: u32) -> bool {
    matches!(family, 2 | 10 | 23 | 24 | 28 | 30)
}
