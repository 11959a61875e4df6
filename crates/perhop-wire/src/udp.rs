//! UDP (RFC 768).

use crate::bytes::u16_at;
use crate::cursor::Cursor;
use crate::packet::Transport;

/// IP protocol number.
pub(crate) const PROTOCOL: u8 = 17;

/// The 8 bytes of a UDP header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UdpHeader<'a>(pub(crate) &'a [u8; 8]);

impl UdpHeader<'_> {
    /// The two ports.
    #[inline]
    pub(crate) const fn ports(self) -> (u16, u16) {
        (u16_at(self.0, 0), u16_at(self.0, 2))
    }

    /// Length in bytes of header and data; 0 in jumbograms and with segmentation offload.
    #[inline]
    pub(crate) const fn length(self) -> u16 {
        u16_at(self.0, 4)
    }
}

/// Reads a header and limits the cursor to the datagram, when its length fits the packet.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Transport {
    let Some(ports) = cursor.bytes().first_chunk::<4>() else {
        return Transport::Other;
    };
    let (src_port, dst_port) = (u16_at(ports, 0), u16_at(ports, 2));
    let wire = cursor.wire();
    match cursor.split::<8>() {
        Some(header) => {
            let length = u32::from(UdpHeader(header).length());
            if length >= 8 && length <= wire {
                cursor.limit(length - 8);
            }
        }
        None => cursor.pass(8),
    }
    Transport::Udp { src_port, dst_port }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_removes_what_is_behind_the_datagram() {
        let bytes = [0x4e, 0x20, 0x4e, 0x48, 0, 10, 0, 0, 1, 2, 3, 4];
        let mut cursor = Cursor::new(&bytes, 0);
        let transport = read(&mut cursor);
        assert_eq!(transport.ports(), (20000, 20040));
        assert_eq!((cursor.bytes(), cursor.wire()), (&[1, 2][..], 2));
    }

    #[test]
    fn a_length_that_does_not_fit_is_ignored() {
        for length in [0, 7, 13, 255] {
            let bytes = [0, 1, 0, 2, 0, length, 0, 0, 1, 2, 3, 4];
            let mut cursor = Cursor::new(&bytes, 0);
            read(&mut cursor);
            assert_eq!(cursor.bytes(), [1, 2, 3, 4]);
        }
    }

    #[test]
    fn ports_are_enough() {
        let mut cursor = Cursor::new(&[0, 53, 0, 54, 0], 40);
        assert_eq!(read(&mut cursor).ports(), (53, 54));
        assert_eq!((cursor.bytes().len(), cursor.wire()), (0, 32));
        let mut cursor = Cursor::new(&[0, 53, 0], 40);
        assert_eq!(read(&mut cursor), Transport::Other);
        assert_eq!(cursor.wire(), 40);
    }
}
