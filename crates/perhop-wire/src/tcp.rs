//! TCP (RFC 9293).

use crate::bytes::{u16_at, u32_at};
use crate::cursor::Cursor;
use crate::packet::Transport;

/// IP protocol number.
pub(crate) const PROTOCOL: u8 = 6;

/// The fixed 20 bytes of a TCP header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TcpHeader<'a>(pub(crate) &'a [u8; 20]);

impl TcpHeader<'_> {
    /// Header length in bytes, 0 to 60; below 20 it is wrong.
    #[inline]
    pub(crate) const fn header_len(self) -> u32 {
        (self.0[12] >> 4) as u32 * 4
    }

    /// Ports, flags, sequence numbers.
    #[inline]
    pub(crate) const fn transport(self) -> Transport {
        Transport::Tcp {
            src_port: u16_at(self.0, 0),
            dst_port: u16_at(self.0, 2),
            flags: self.0[13],
            sequence: u32_at(self.0, 4),
            acknowledgement: u32_at(self.0, 8),
        }
    }
}

/// Reads a header, options included. What the capture cut off is 0.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Transport {
    if let Some(header) = cursor.split::<20>() {
        let header = TcpHeader(header);
        cursor.pass(header.header_len().saturating_sub(20));
        return header.transport();
    }
    let captured = cursor.bytes();
    if captured.len() < 4 {
        return Transport::Other;
    }
    let mut header = [0; 20];
    for (to, from) in header.iter_mut().zip(captured) {
        *to = *from;
    }
    cursor.pass(TcpHeader(&header).header_len().max(20));
    TcpHeader(&header).transport()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYN: [u8; 24] = [
        0x13, 0xc4, 0xc0, 0x01, 0, 0, 0, 9, 0, 0, 0, 8, 0x60, 2, 0xff, 0xff, 0, 0, 0, 0, 2, 4, 5,
        0xb4,
    ];

    #[test]
    fn options_are_no_payload() {
        let mut bytes = SYN.to_vec();
        bytes.push(7);
        let mut cursor = Cursor::new(&bytes, 0);
        let transport = read(&mut cursor);
        assert_eq!(
            transport,
            Transport::Tcp {
                src_port: 5060,
                dst_port: 49153,
                flags: 2,
                sequence: 9,
                acknowledgement: 8
            }
        );
        assert_eq!(cursor.bytes(), [7]);
    }

    #[test]
    fn a_cut_header_still_has_its_ports() {
        let mut cursor = Cursor::new(&SYN[..14], 100);
        assert_eq!(read(&mut cursor).ports(), (5060, 49153));
        assert_eq!((cursor.bytes().len(), cursor.wire()), (0, 76));
        let mut cursor = Cursor::new(&SYN[..3], 100);
        assert_eq!(read(&mut cursor), Transport::Other);
    }
}
