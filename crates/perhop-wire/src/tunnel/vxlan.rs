//! VXLAN (RFC 7348; draft-smith-vxlan-group-policy).

use crate::cursor::{Cursor, Next};

/// Reads a header: the "valid network identifier" bit set and the reserved bits 0, apart from those that the group
/// policy extension uses.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Next> {
    let header = cursor.split::<8>()?;
    let plain = header[0] == VALID && header[1..4] == [0, 0, 0];
    let with_policy = header[0] == VALID | POLICY && header[1] & !POLICY_FLAGS == 0;
    ((plain || with_policy) && header[7] == 0).then_some(Next::Ethernet)
}

/// First byte: the network identifier is valid; a group policy follows.
const VALID: u8 = 0x08;
const POLICY: u8 = 0x80;
/// Second byte with a group policy: do not learn, policy applied.
const POLICY_FLAGS: u8 = 0x48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_bits_decide() {
        let open = |header: [u8; 8]| read(&mut Cursor::new(&header, 0));
        assert_eq!(open([8, 0, 0, 0, 0, 1, 2, 0]), Some(Next::Ethernet));
        assert_eq!(open([0x88, 0x08, 0, 5, 0, 1, 2, 0]), Some(Next::Ethernet));
        assert_eq!(open([0x80, 0, 0, 0, 0, 1, 2, 0]), None);
        assert_eq!(open([8, 0, 0, 1, 0, 1, 2, 0]), None);
        assert_eq!(open([8, 0, 0, 0, 0, 1, 2, 3]), None);
    }
}
