//! The three blocks that hold a packet.

use super::block::Block;
use super::{Interface, Order, Section};
use crate::capture::{CapturedPacket, Damage};
use crate::packet::Direction;
use crate::pcap::LARGEST_RECORD;

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

/// Reads an enhanced packet block from its first byte, when it is the plain kind: whole, and without options or with
/// flags alone.
#[inline]
pub(super) fn plain_enhanced<'a>(section: &Section, bytes: &'a [u8]) -> Option<CapturedPacket<'a>> {
    let fixed = bytes.first_chunk::<28>()?;
    let order = section.order;
    let (size, captured) = (order.u32_at(fixed, 4), order.u32_at(fixed, 20));
    if order.u32_at(fixed, 0) != ENHANCED || captured > LARGEST_RECORD {
        return None;
    }
    let end = 28 + captured.next_multiple_of(4);
    let block = bytes.get(..size as usize)?;
    if order.u32(*block.last_chunk()?) != size {
        return None;
    }
    let direction = match size.wrapping_sub(end) {
        4 => Direction::Unknown,
        16 => direction(only_flags(order, block)?),
        _ => return None,
    };
    let number = order.u32_at(fixed, 8);
    let interface = section.interfaces.get(number as usize)?;
    let units = timestamp(order.u32_at(fixed, 12), order.u32_at(fixed, 16));
    Some(CapturedPacket {
        time_ns: interface.time_ns(units),
        link: interface.link,
        data: block.get(28..28 + captured as usize)?,
        wire_len: order.u32_at(fixed, 24).max(captured),
        interface: section.before.saturating_add(number),
        direction,
        consumed: size as usize,
    })
}

/// The flags in front of the last length, when the 12 bytes there are that option and the end of options.
#[inline]
fn only_flags(order: Order, block: &[u8]) -> Option<u32> {
    let tail = block.last_chunk::<16>()?;
    let plain =
        order.u16_at(tail, 0) == FLAGS && order.u16_at(tail, 2) == 4 && order.u32_at(tail, 8) == 0;
    plain.then(|| order.u32_at(tail, 4))
}

#[inline]
const fn direction(flags: u32) -> Direction {
    match flags & 3 {
        1 => Direction::In,
        2 => Direction::Out,
        _ => Direction::Unknown,
    }
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
                packet.direction = direction(block.order.u32(*flags));
            }
            (DROP_COUNT, _, Some(lost)) => {
                interface.dropped = interface.dropped.saturating_add(block.order.u64(*lost));
            }
            _ => {}
        }
    }
}

/// Block type of an enhanced packet.
const ENHANCED: u32 = 6;
/// Options of a packet: flags, packets lost since the last one.
const FLAGS: u16 = 2;
const DROP_COUNT: u16 = 4;
