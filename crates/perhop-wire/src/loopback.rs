//! BSD loopback headers: four bytes of address family (LINKTYPE_NULL, LINKTYPE_LOOP).

use crate::cursor::{Cursor, Next};
use crate::ethernet;
use crate::packet::{Layer, Reason, Undecoded};

/// Reads a family in the order of the host that wrote the capture, which the file need not share: both are tried.
/// Some writers put an `EtherType` into the last two bytes instead.
pub(crate) fn read_null(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let start = *cursor;
    let family = cursor.take::<4>(Layer::Link)?;
    let (little, big) = (u32::from_le_bytes(*family), u32::from_be_bytes(*family));
    if is_ip(little) || is_ip(big) {
        return Ok(Next::Ip);
    }
    match u16::from_be_bytes([family[2], family[3]]) {
        ethernet::IPV4 | ethernet::IPV6 => Ok(Next::Ip),
        _ => Err(start.undecoded(Layer::Link, Reason::Family(little.min(big)))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_in_either_order_and_types() {
        for family in [
            [2, 0, 0, 0],
            [0, 0, 0, 2],
            [0, 0, 0, 30],
            [28, 0, 0, 0],
            [0x0f, 0, 8, 0],
        ] {
            assert_eq!(read_null(&mut Cursor::new(&family, 0)), Ok(Next::Ip));
        }
        let error = read_null(&mut Cursor::new(&[7, 0, 0, 0], 0)).unwrap_err();
        assert_eq!(error.reason, Reason::Family(7));
        assert_eq!(read_loop(&mut Cursor::new(&[0, 0, 0, 24], 0)), Ok(Next::Ip));
        assert!(read_loop(&mut Cursor::new(&[2, 0, 0, 0], 0)).is_err());
    }
}
