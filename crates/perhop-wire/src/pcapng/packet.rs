//! The three blocks that hold a packet.

use super::block::Block;
use super::{Interface, Section};
use crate::capture::{CapturedPacket, Damage};
use crate::packet::Direction;

/// Reads an enhanced packet block.
#[inline]
pub(super) fn enhanced<'a>(
    section: &mut Section,
    block: &Block<'a>,
) -> Result<CapturedPacket<'a>, Damage> {
    let fixed = block.fixed::<20>()?;
    let order = block.order;
    let number = order.u32_at(fixed, 0);
    let units = timestamp(order.u32_at(fixed, 4), order.u32_at(fixed, 8));
    let (captured, wire) = (order.u32_at(fixed, 12), order.u32_at(fixed, 16));
    let data = data(block, 20, captured)?;
    let global = section.before.saturating_add(number);
    let interface = section.interface_mut(number)?;
    let mut packet = packet(interface, global, data, wire);
    packet.time_ns = interface.time_ns(units);
    let end = 20 + data.len().next_multiple_of(4);
    if block.body().len() > end {
        read_options(interface, &mut packet, block, end);
    }
    Ok(packet)
}

/// Reads a simple packet block: interface 0, no time, cut at that interface's snap length.
pub(super) fn simple<'a>(
    section: &mut Section,
    block: &Block<'a>,
) -> Result<CapturedPacket<'a>, Damage> {
    let wire = block.order.u32_at(block.fixed::<4>()?, 0);
    let global = section.before;
    let interface = section.interface_mut(0)?;
    let captured = match interface.snaplen {
        0 => wire,
        snaplen => wire.min(snaplen),
    };
    let data = data(block, 4, captured)?;
    Ok(packet(interface, global, data, wire))
}

/// Reads an obsolete packet block: like an enhanced one, with a short interface number and a drop count.
pub(super) fn obsolete<'a>(
    section: &mut Section,
    block: &Block<'a>,
) -> Result<CapturedPacket<'a>, Damage> {
    let fixed = block.fixed::<20>()?;
    let order = block.order;
    let number = u32::from(order.u16_at(fixed, 0));
    let units = timestamp(order.u32_at(fixed, 4), order.u32_at(fixed, 8));
    let (captured, wire) = (order.u32_at(fixed, 12), order.u32_at(fixed, 16));
    let data = data(block, 20, captured)?;
    let global = section.before.saturating_add(number);
    let interface = section.interface_mut(number)?;
    match order.u16_at(fixed, 2) {
        u16::MAX => {}
        lost => interface.dropped = interface.dropped.saturating_add(u64::from(lost)),
    }
    let mut packet = packet(interface, global, data, wire);
    packet.time_ns = interface.time_ns(units);
    let end = 20 + data.len().next_multiple_of(4);
    read_options(interface, &mut packet, block, end);
    Ok(packet)
}

#[inline]
const fn timestamp(high: u32, low: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

/// The captured bytes behind `from` bytes of the body.
#[inline]
fn data<'a>(block: &Block<'a>, from: usize, captured: u32) -> Result<&'a [u8], Damage> {
    let room = block.body().get(from..).unwrap_or_default();
    room.get(..captured as usize).ok_or(Damage::CapturedLength {
        captured,
        room: room.len() as u32,
    })
}

#[inline]
fn packet<'a>(interface: &Interface, number: u32, data: &'a [u8], wire: u32) -> CapturedPacket<'a> {
    CapturedPacket {
        time_ns: None,
        link: interface.link,
        data,
        wire_len: wire.max(data.len() as u32),
        interface: number,
        direction: Direction::Unknown,
        consumed: 0,
    }
}

/// Direction and drop count. Options that lie are passed over: the packet itself is whole.
fn read_options(
    interface: &mut Interface,
    packet: &mut CapturedPacket<'_>,
    block: &Block<'_>,
    from: usize,
) {
    for option in block.options(from) {
        let Ok((code, value)) = option else { return };
        match (code, value.first_chunk(), value.first_chunk()) {
            (FLAGS, Some(flags), _) => {
                packet.direction = match block.order.u32(*flags) & 3 {
                    1 => Direction::In,
                    2 => Direction::Out,
                    _ => Direction::Unknown,
                };
            }
            (DROP_COUNT, _, Some(lost)) => {
                interface.dropped = interface.dropped.saturating_add(block.order.u64(*lost));
            }
            _ => {}
        }
    }
}

/// Options of a packet: flags, packets lost since the last one.
const FLAGS: u16 = 2;
const DROP_COUNT: u16 = 4;
