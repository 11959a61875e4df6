//! Blocks: type, total length, body, total length again.

use super::Order;
use super::options::Options;
use crate::capture::Damage;
use crate::capture::search::{LONGEST, Probe};

/// Block type of a section header, the same in both byte orders.
pub(crate) const SECTION_HEADER: u32 = 0x0a0d_0d0a;

/// What a block is to a reader of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Interface,
    ObsoletePacket,
    SimplePacket,
    Statistics,
    EnhancedPacket,
    /// A block that is passed over.
    Other,
}

impl Kind {
    pub(crate) const fn of(block: u32) -> Self {
        match block {
            1 => Self::Interface,
            2 => Self::ObsoletePacket,
            3 => Self::SimplePacket,
            5 => Self::Statistics,
            6 => Self::EnhancedPacket,
            _ => Self::Other,
        }
    }
}

/// A block whose two lengths agree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) kind: Kind,
    pub(crate) order: Order,
    kind_number: u32,
    body: &'a [u8],
}

/// What the first eight bytes of a block say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockHeader {
    pub(crate) kind: u32,
    /// Total length as written.
    pub(crate) length: u32,
}

impl BlockHeader {
    #[inline]
    pub(crate) fn read(order: Order, bytes: &[u8]) -> Option<Self> {
        let fixed = bytes.first_chunk::<8>()?;
        Some(Self {
            kind: order.u32_at(fixed, 0),
            length: order.u32_at(fixed, 4),
        })
    }

    /// Bytes that the block takes: lengths that are no multiple of four occur, the padding is there nevertheless.
    #[inline]
    pub(crate) fn size(self) -> usize {
        (self.length as usize).next_multiple_of(4)
    }

    /// Whether the block is passed over without holding it whole; the length at its end is then not looked at.
    pub(crate) fn is_passed_over(self) -> bool {
        self.length > HELD
    }

    /// The least and the most that the total length may be. Blocks that are not looked into may be longer.
    fn bounds(self) -> (u32, u32) {
        match self.kind {
            SECTION_HEADER => (28, HELD),
            _ => match Kind::of(self.kind) {
                Kind::Interface => (20, HELD),
                Kind::ObsoletePacket | Kind::EnhancedPacket => (32, HELD),
                Kind::SimplePacket => (16, HELD),
                Kind::Statistics => (24, HELD),
                Kind::Other => (12, PASSED),
            },
        }
    }

    #[inline]
    pub(crate) fn check(self) -> Result<(), Damage> {
        let (least, limit) = self.bounds();
        if self.length < least || self.length > limit {
            return Err(Damage::BlockLength {
                block: self.kind,
                length: self.length,
                least,
                limit,
            });
        }
        Ok(())
    }
}

impl<'a> Block<'a> {
    /// A whole block; the length at its end must be the one at its start.
    #[inline]
    pub(crate) fn new_checked(
        order: Order,
        header: BlockHeader,
        bytes: &'a [u8],
    ) -> Result<Self, Damage> {
        let last = bytes.last_chunk().map_or(0, |last| order.u32(*last));
        if last != header.length {
            return Err(Damage::BlockLengths {
                block: header.kind,
                first: header.length,
                last,
            });
        }
        let end = bytes.len().saturating_sub(4);
        Ok(Self {
            kind: Kind::of(header.kind),
            order,
            kind_number: header.kind,
            body: bytes.get(8..end).unwrap_or_default(),
        })
    }

    /// Type and both lengths are not part of the body.
    pub(crate) const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The first `N` bytes of the body.
    #[inline]
    pub(crate) fn fixed<const N: usize>(&self) -> Result<&'a [u8; N], Damage> {
        self.body.first_chunk().ok_or(Damage::BlockLength {
            block: self.kind_number,
            length: self.body.len() as u32 + 12,
            least: N as u32 + 12,
            limit: HELD,
        })
    }

    /// The options that follow `from` bytes of the body.
    pub(crate) fn options(&self, from: usize) -> Options<'a> {
        Options::new(self.order, self.body.get(from..).unwrap_or_default())
    }
}

/// Whether a block can begin here: a type that is in use, two lengths that agree.
pub(crate) fn probe(order: Order, bytes: &[u8]) -> Probe {
    let Some(header) = BlockHeader::read(order, bytes) else {
        return Probe::Needs(8);
    };
    if header.kind == SECTION_HEADER {
        return probe_section(bytes);
    }
    let known = matches!(header.kind, 1..=6 | 10 | CUSTOM | CUSTOM_LOCAL);
    if !known || header.check().is_err() || header.length > LONGEST {
        return Probe::Implausible;
    }
    let Some(block) = bytes.get(..header.size()) else {
        return Probe::Needs(header.size());
    };
    match Block::new_checked(order, header, block) {
        Ok(_) => Probe::Record(header.size()),
        Err(_) => Probe::Implausible,
    }
}

/// Whether a section can begin here, in either byte order.
fn probe_section(bytes: &[u8]) -> Probe {
    let Some(magic) = bytes.get(8..12) else {
        return Probe::Needs(12);
    };
    let Some(order) = section_order(magic) else {
        return Probe::Implausible;
    };
    match BlockHeader::read(order, bytes) {
        Some(header) if header.check().is_ok() && header.length <= LONGEST => {
            match bytes.get(..header.size()) {
                Some(block) if Block::new_checked(order, header, block).is_ok() => Probe::Certain,
                Some(_) => Probe::Implausible,
                None => Probe::Needs(header.size()),
            }
        }
        _ => Probe::Implausible,
    }
}

/// The byte order that the byte-order magic of a section header declares.
pub(crate) fn section_order(magic: &[u8]) -> Option<Order> {
    match magic {
        [0x1a, 0x2b, 0x3c, 0x4d] => Some(Order::Big),
        [0x4d, 0x3c, 0x2b, 0x1a] => Some(Order::Little),
        _ => None,
    }
}

/// Most bytes of a block that is held whole: 1 MiB and room for options.
const HELD: u32 = (1 << 20) + (1 << 16);
/// Most bytes of a block that is passed over.
const PASSED: u32 = 1 << 24;
/// Custom blocks, to be copied or not.
const CUSTOM: u32 = 0x0000_0bad;
const CUSTOM_LOCAL: u32 = 0x4000_0bad;
