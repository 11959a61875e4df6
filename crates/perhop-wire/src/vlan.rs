//! VLAN tags: 802.1Q, 802.1ad and their vendor forerunners (IEEE 802.1Q).

use crate::bytes::u16_at;
use crate::field::Pcp;

/// An 802.1Q tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VlanTag {
    /// VLAN identifier, 0 to 4095; 0 is a priority tag.
    pub id: u16,
    /// Priority code point.
    pub pcp: Pcp,
}

/// The four bytes after a tag's own `EtherType`: control information, then the type of what is tagged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TagHeader<'a>(pub(crate) &'a [u8; 4]);

impl TagHeader<'_> {
    /// Identifier and priority.
    #[inline]
    pub(crate) const fn tag(self) -> VlanTag {
        VlanTag {
            id: u16_at(self.0, 0) & 0x0fff,
            pcp: Pcp::from_top_bits(self.0[0]),
        }
    }

    /// `EtherType` of what is tagged.
    #[inline]
    pub(crate) const fn ether_type(self) -> u16 {
        u16_at(self.0, 2)
    }
}

/// Whether an `EtherType` announces a tag: 802.1Q, 802.1ad, and 9100 and 9200 as older switches stack them.
#[inline]
pub(crate) const fn is_tag(ether_type: u16) -> bool {
    matches!(ether_type, 0x8100 | 0x88a8 | 0x9100 | 0x9200)
}
