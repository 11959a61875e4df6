//! Teredo (RFC 4380 section 5.1).

use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};

/// Reads the optional authentication and origin headers; an IPv6 packet that fills the datagram must follow.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Next> {
    if cursor.bytes().starts_with(&[0, 1]) {
        let header = cursor.split::<4>()?;
        let identifiers = u32::from(header[2]) + u32::from(header[3]);
        // Nonce of 8 bytes, confirmation of 1.
        cursor.split_slice(identifiers + 9)?;
    }
    if cursor.bytes().starts_with(&[0, 0]) {
        cursor.split::<8>()?;
    }
    let packet = cursor.bytes().first_chunk::<6>()?;
    let fills = u32::from(u16_at(packet, 4)) + 40 <= cursor.wire();
    (packet[0] >> 4 == 6 && fills).then_some(Next::Ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ipv6(mut prefix: Vec<u8>) -> Vec<u8> {
        prefix.push(0x60);
        prefix.extend([0; 39]);
        prefix
    }

    fn open(bytes: &[u8]) -> Option<usize> {
        let mut cursor = Cursor::new(bytes, 0);
        read(&mut cursor).map(|_| cursor.bytes().len())
    }

    #[test]
    fn plain_authenticated_and_with_origin() {
        assert_eq!(open(&ipv6(vec![])), Some(40));
        assert_eq!(open(&ipv6(vec![0, 0, 1, 2, 3, 4, 5, 6])), Some(40));
        let mut both = vec![0, 1, 1, 2, 7, 7, 7];
        both.extend([0; 9]);
        both.extend([0, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(open(&ipv6(both)), Some(40));
    }

    #[test]
    fn stun_and_rtp_are_no_teredo() {
        let mut stun = vec![0, 1, 0, 40, 0x21, 0x12, 0xa4, 0x42];
        stun.extend([0x60; 52]);
        assert_eq!(open(&stun), None);
        assert_eq!(open(&[0x80; 60]), None);
        let mut longer = ipv6(vec![]);
        longer[5] = 1;
        assert_eq!(open(&longer), None);
    }
}
