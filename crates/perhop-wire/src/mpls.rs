//! MPLS label stacks (RFC 3032) and pseudowires (RFC 4385, 4448).

use crate::bytes::u32_at;
use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};

/// `EtherType` of MPLS.
pub(crate) const UNICAST: u16 = 0x8847;
/// `EtherType` of MPLS with an upstream-assigned label.
pub(crate) const MULTICAST: u16 = 0x8848;

/// Reads a label stack to its bottom and looks at what it carries.
///
/// The stack does not name its payload: an IP version nibble is taken for IP, a first nibble of 0 for the control
/// word of an Ethernet pseudowire (RFC 4928 keeps the two apart), anything else for Ethernet without a control word.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    for _ in 0..LABELS {
        let entry = u32_at(cursor.take::<4>(Layer::Mpls)?, 0);
        if entry & BOTTOM != 0 {
            return match cursor.peek().map(|byte| byte >> 4) {
                Some(4 | 6) | None => Ok(Next::Ip),
                Some(0) => {
                    cursor.take::<4>(Layer::Mpls)?;
                    Ok(Next::Ethernet)
                }
                Some(_) => Ok(Next::Ethernet),
            };
        }
    }
    Err(cursor.undecoded(Layer::Mpls, Reason::TooDeep))
}

/// The bottom-of-stack bit of an entry.
const BOTTOM: u32 = 0x100;
/// Labels read at most.
const LABELS: usize = 16;
