//! IPv4 (RFC 791).

use crate::bytes::{u16_at, u32_at};
use crate::cursor::Cursor;
use crate::field::DsField;
use crate::ipv6;
use crate::packet::{Addresses, Fragment, Layer, Reason, Undecoded};

/// The fixed 20 bytes of an IPv4 header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ipv4Header<'a>(pub(crate) &'a [u8; 20]);

impl Ipv4Header<'_> {
    /// Header length in bytes, 0 to 60; below 20 it is wrong.
    #[inline]
    pub(crate) const fn header_len(self) -> u32 {
        (self.0[0] & 0x0f) as u32 * 4
    }

    /// The DS field.
    #[inline]
    pub(crate) const fn ds(self) -> DsField {
        DsField(self.0[1])
    }

    /// Total length in bytes, header included.
    #[inline]
    pub(crate) const fn total_len(self) -> u16 {
        u16_at(self.0, 2)
    }

    /// Identification.
    #[inline]
    pub(crate) const fn identification(self) -> u16 {
        u16_at(self.0, 4)
    }

    /// The "don't fragment" bit.
    #[inline]
    pub(crate) const fn dont_fragment(self) -> bool {
        self.0[6] & 0x40 != 0
    }

    /// Fragment offset and "more fragments" bit: 0 when the packet is whole.
    #[inline]
    pub(crate) const fn fragment_bits(self) -> u16 {
        u16_at(self.0, 6) & 0x3fff
    }

    /// Whether the packet is a fragment.
    pub(crate) const fn fragment(self) -> Fragment {
        match self.fragment_bits() {
            0 => Fragment::Whole,
            0x2000 => Fragment::First,
            _ => Fragment::Later,
        }
    }

    /// Time to live.
    #[inline]
    pub(crate) const fn ttl(self) -> u8 {
        self.0[8]
    }

    /// Protocol.
    #[inline]
    pub(crate) const fn protocol(self) -> u8 {
        self.0[9]
    }

    /// Source and destination.
    #[inline]
    pub(crate) const fn addresses(self) -> Addresses {
        Addresses::V4 {
            src: u32_at(self.0, 12),
            dst: u32_at(self.0, 16),
        }
    }
}

/// What an IPv4 header said and the cursor moved past: options, and authentication headers behind them.
pub(crate) struct Ipv4<'a> {
    pub(crate) header: Ipv4Header<'a>,
    pub(crate) ip_len: u32,
    pub(crate) protocol: u8,
}

/// Reads a header and limits the cursor to the packet.
///
/// Options that the capture cut off leave an empty payload.
pub(crate) fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Ipv4<'a>, Undecoded> {
    let start = *cursor;
    let header = Ipv4Header(cursor.take(Layer::Ipv4)?);
    let header_len = header.header_len();
    if header_len < 20 {
        return Err(start.undecoded(Layer::Ipv4, Reason::HeaderLength(header_len)));
    }
    let ip_len = match header.total_len() {
        0 => start.wire(),
        total => u32::from(total),
    };
    if ip_len < header_len {
        return Err(start.undecoded(Layer::Ipv4, Reason::TotalLength(ip_len)));
    }
    cursor.limit(ip_len - 20);
    cursor.pass(header_len - 20);
    let mut protocol = header.protocol();
    if header.fragment() != Fragment::Later {
        ipv6::pass_authentication(cursor, &mut protocol);
    }
    Ok(Ipv4 {
        header,
        ip_len,
        protocol,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 1071-style header dumps: 20 bytes, DSCP EF with ECT(0), DF, UDP.
    const HEADER: [u8; 20] = [
        0x45, 0xba, 0x00, 0xc8, 0x12, 0x34, 0x40, 0x00, 0x3f, 17, 0, 0, 10, 0, 0, 1, 192, 0, 2, 7,
    ];

    #[test]
    fn fields_lie_where_rfc_791_has_them() {
        let header = Ipv4Header(&HEADER);
        assert_eq!(header.header_len(), 20);
        assert_eq!(header.ds().dscp().value(), 46);
        assert_eq!(header.total_len(), 200);
        assert_eq!(header.identification(), 0x1234);
        assert!(header.dont_fragment());
        assert_eq!(header.fragment(), Fragment::Whole);
        assert_eq!((header.ttl(), header.protocol()), (63, 17));
        assert_eq!(header.addresses().src().to_string(), "10.0.0.1");
        assert_eq!(header.addresses().dst().to_string(), "192.0.2.7");
    }

    #[test]
    fn lengths_that_lie_are_named() {
        let mut bytes = HEADER;
        bytes[0] = 0x44;
        let error = read(&mut Cursor::new(&bytes, 200)).err().unwrap();
        assert_eq!(error.reason, Reason::HeaderLength(16));
        bytes[0] = 0x46;
        bytes[3] = 21;
        let error = read(&mut Cursor::new(&bytes, 200)).err().unwrap();
        assert_eq!(error.reason, Reason::TotalLength(21));
        let error = read(&mut Cursor::new(&bytes[..19], 200)).err().unwrap();
        assert_eq!(
            error.reason,
            Reason::Short {
                needed: 20,
                had: 19
            }
        );
    }

    #[test]
    fn options_that_were_cut_off_leave_no_payload() {
        let mut bytes = HEADER;
        bytes[0] = 0x4f;
        let mut cursor = Cursor::new(&bytes, 200);
        assert_eq!(read(&mut cursor).unwrap().ip_len, 200);
        assert_eq!((cursor.bytes().len(), cursor.wire()), (0, 140));
    }
}
