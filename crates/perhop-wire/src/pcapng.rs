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

    /// Reads the common block, a whole and plain enhanced packet; `None` for any other.
    #[inline]
    pub(crate) fn common_packet<'a>(&self, bytes: &'a [u8]) -> Option<CapturedPacket<'a>> {
        packet::plain_enhanced(self, bytes)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::link::LinkType;

    /// A section of one interface and an enhanced packet with flags, comment or nothing behind its data, then damaged.
    fn nearly_plain() -> impl Strategy<Value = (Order, Vec<u8>)> {
        let order = prop::bool::ANY.prop_map(|big| if big { Order::Big } else { Order::Little });
        let options = prop::sample::select(vec![
            vec![],
            vec![(2u16, 4u16, 2u32), (0, 0, 0)],
            vec![(2, 4, 1)],
            vec![(1, 4, 7), (0, 0, 0)],
        ]);
        let change = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
        (order, options, 0usize..9, change).prop_map(|(order, options, length, change)| {
            let u16 = |value: u16| match order {
                Order::Big => value.to_be_bytes(),
                Order::Little => value.to_le_bytes(),
            };
            let u32 = |value: u32| match order {
                Order::Big => value.to_be_bytes(),
                Order::Little => value.to_le_bytes(),
            };
            let mut body = [u32(0), u32(1), u32(2), u32(length as u32), u32(60)].concat();
            body.resize(20 + length.next_multiple_of(4), 0xab);
            for (code, length, value) in options {
                body.extend([u16(code), u16(length)].concat());
                if code != 0 {
                    body.extend(u32(value));
                }
            }
            let size = u32(body.len() as u32 + 12);
            let mut block = [&u32(6)[..], &size, &body, &size].concat();
            if let Some((place, value)) = change {
                let place = place.index(block.len());
                block[place] = value;
            }
            (order, block)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_short_way_and_the_long_way_agree((order, bytes) in nearly_plain()) {
            let interface = Interface {
                link: LinkType::ETHERNET,
                snaplen: 0,
                resolution: Some(Resolution::DEFAULT),
                offset_s: 0,
                dropped: 0,
            };
            let mut section = Section { order, interfaces: vec![interface], before: 3 };
            let Some(plain) = section.common_packet(&bytes) else { return Ok(()) };
            let header = BlockHeader::read(order, &bytes).unwrap();
            prop_assert!(header.check().is_ok());
            prop_assert_eq!(header.size(), plain.consumed);
            let block = Block::new_checked(order, header, &bytes[..plain.consumed]).unwrap();
            let Ok(Content::Packet(packet)) = section.read(&block) else {
                panic!("only the short way finds a packet");
            };
            prop_assert_eq!(plain, CapturedPacket { consumed: plain.consumed, ..packet });
        }
    }
}
