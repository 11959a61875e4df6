//! The pcapng file format: sections, interfaces, packets (draft-ietf-opsawg-pcapng).

use crate::capture::{CapturedPacket, Damage, InterfaceStatistics};

mod block;
mod interface;
mod options;
mod packet;

use block::Kind;
pub(crate) use block::{Block, BlockHeader, SECTION_HEADER, probe, section_order};
pub use interface::{Interface, Resolution};

/// The byte order of a section's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    #[inline]
    pub(crate) const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(crate) const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(crate) const fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }

    /// Four bytes of a fixed part; `at + 4` must not be past its end.
    #[inline]
    pub(crate) const fn u32_at<const N: usize>(self, bytes: &[u8; N], at: usize) -> u32 {
        self.u32([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    }

    /// Two bytes of a fixed part; `at + 2` must not be past its end.
    #[inline]
    pub(crate) const fn u16_at<const N: usize>(self, bytes: &[u8; N], at: usize) -> u16 {
        self.u16([bytes[at], bytes[at + 1]])
    }
}

/// One section: its byte order and the interfaces that were described so far.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) order: Order,
    pub(crate) interfaces: Vec<Interface>,
    /// Interfaces of all sections before this one.
    pub(crate) before: u32,
}

/// What a block gave.
pub(crate) enum Content<'a> {
    Packet(CapturedPacket<'a>),
    Statistics(InterfaceStatistics),
    Nothing,
}

impl Section {
    /// Starts a section at a section header block.
    pub(crate) fn start(block: &Block<'_>, before: u32) -> Result<Self, Damage> {
        let fixed = block.fixed::<16>()?;
        let major = block.order.u16_at(fixed, 4);
        if major != 1 {
            return Err(Damage::SectionVersion {
                major,
                minor: block.order.u16_at(fixed, 6),
            });
        }
        Ok(Self {
            order: block.order,
            interfaces: Vec::new(),
            before,
        })
    }

    /// Reads any block but a section header.
    pub(crate) fn read<'a>(&mut self, block: &Block<'a>) -> Result<Content<'a>, Damage> {
        match block.kind {
            Kind::EnhancedPacket => packet::enhanced(self, block).map(Content::Packet),
            Kind::Interface => self.describe(block).map(|()| Content::Nothing),
            Kind::SimplePacket => packet::simple(self, block).map(Content::Packet),
            Kind::ObsoletePacket => packet::obsolete(self, block).map(Content::Packet),
            Kind::Statistics => self.statistics(block).map(Content::Statistics),
            Kind::Other => Ok(Content::Nothing),
        }
    }

    /// Adds an interface; also when its options are wrong, so that the numbers of the next ones stay right.
    fn describe(&mut self, block: &Block<'_>) -> Result<(), Damage> {
        if self.interfaces.len() >= INTERFACES {
            return Err(Damage::Interfaces {
                limit: INTERFACES as u32,
            });
        }
        let (interface, damage) = Interface::read(block);
        self.interfaces.push(interface);
        damage.map_or(Ok(()), Err)
    }

    fn statistics(&mut self, block: &Block<'_>) -> Result<InterfaceStatistics, Damage> {
        let fixed = block.fixed::<12>()?;
        let number = block.order.u32_at(fixed, 0);
        let mut seen = InterfaceStatistics {
            interface: self.before.saturating_add(number),
            received: None,
            dropped: None,
            dropped_by_os: None,
        };
        for option in block.options(12) {
            let Ok((code, value)) = option else { break };
            let value = value.first_chunk().map(|value| block.order.u64(*value));
            match code {
                4 => seen.received = value,
                5 => seen.dropped = value,
                7 => seen.dropped_by_os = value,
                _ => {}
            }
        }
        let interface = self.interface_mut(number)?;
        if let Some(total) = seen.total_dropped() {
            interface.dropped = interface.dropped.max(total);
        }
        Ok(seen)
    }

    /// Packets lost by the capture, by what its interfaces said so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.interfaces
            .iter()
            .fold(0, |sum, interface| sum.saturating_add(interface.dropped))
    }

    #[inline]
    fn interface_mut(&mut self, number: u32) -> Result<&mut Interface, Damage> {
        let known = self.interfaces.len() as u32;
        self.interfaces
            .get_mut(number as usize)
            .ok_or(Damage::UnknownInterface {
                interface: number,
                known,
            })
    }
}

/// Interfaces in one section at most.
const INTERFACES: usize = 65_536;
