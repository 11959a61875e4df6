//! What few flows need, and packets per kind and DSCP.

use perhop_wire::packet::Tunnel;

use super::framing::Framing;
use super::rtcp::RtcpState;
use super::table::{Slot, Table};
use crate::flow::{DscpChange, DscpCounts};

/// Counts per [`super::facts::Like::cell`], four of them in place, if they are not too high.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CellCounts([u32; 4]);

impl CellCounts {
    /// Adds packets to a cell; false when there is no room for them, and then nothing was done.
    fn add(&mut self, cell: u16, packets: u64) -> bool {
        for word in &mut self.0 {
            if *word == 0 || (*word >> COUNT_BITS) as u16 == cell {
                let sum = u64::from(*word & COUNT) + packets;
                let has_room = sum <= u64::from(COUNT);
                if has_room {
                    *word = u32::from(cell) << COUNT_BITS | sum as u32;
                }
                return has_room;
            }
        }
        false
    }

    fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let used = self.0.iter().filter(|word| **word & COUNT > 0);
        used.map(|word| ((word >> COUNT_BITS) as u16, u64::from(word & COUNT)))
    }
}

/// What few flows need.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// Cells beyond those in place.
    cells: Vec<(u16, u64)>,
    pub(super) changes: Vec<DscpChange>,
    pub(super) outer: DscpCounts,
    pub(super) tunnel: Option<Tunnel>,
    pub(super) vlan: Option<u16>,
    pub(super) several_vlans: bool,
    pub(super) pcps: u8,
    pub(super) wifi_priorities: u8,
    /// How often a packet had another DSCP than the one before.
    pub(super) change_count: u32,
    /// Packets marked "congestion experienced".
    pub(super) ce: u32,
    pub(super) framing: Option<Box<Framing>>,
    /// Framing was looked for and given up.
    pub(super) is_unframed: bool,
}

impl Table {
    /// What few flows need, if this one does.
    pub(super) fn extra(&self, slot: Slot) -> Option<&Extra> {
        self.extras.of(self.cold[slot as usize].extra)
    }

    /// The same, to be changed; made when it is missing.
    pub(super) fn extra_mut(&mut self, slot: Slot) -> &mut Extra {
        self.extras.make(&mut self.cold[slot as usize].extra)
    }

    /// RTCP on a flow.
    pub(super) fn rtcp_of(&self, slot: Slot) -> Option<&RtcpState> {
        self.rtcp.of(self.cold[slot as usize].rtcp)
    }

    /// The same, to be changed; made when it is missing.
    pub(super) fn rtcp_mut(&mut self, slot: Slot) -> &mut RtcpState {
        self.rtcp.make(&mut self.cold[slot as usize].rtcp)
    }

    /// Adds packets to a cell of a flow, in place or beyond.
    pub(super) fn add_cell(&mut self, slot: Slot, cell: u16, packets: u64) {
        if packets == 0 || self.cold[slot as usize].counts.add(cell, packets) {
            return;
        }
        let cells = &mut self.extra_mut(slot).cells;
        match cells.iter_mut().find(|(known, _)| *known == cell) {
            Some((_, count)) => *count += packets,
            None => cells.push((cell, packets)),
        }
    }

    /// All cells of a flow and their packets, but for those since kind or DSCP changed.
    pub(super) fn cells(&self, slot: Slot) -> impl Iterator<Item = (u16, u64)> + '_ {
        let beyond = self.extra(slot).map(|extra| extra.cells.as_slice());
        let beyond = beyond.unwrap_or_default().iter().copied();
        self.cold[slot as usize].counts.iter().chain(beyond)
    }
}

/// Bits of a count; a cell has the nine others.
const COUNT_BITS: u32 = 23;
const COUNT: u32 = (1 << COUNT_BITS) - 1;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_removed_flows_had_is_lent_again() {
        let mut table = Table::with_flows(3);
        for slot in [0, 1] {
            table.extra_mut(slot).ce = 7 + slot;
            table.rtcp_mut(slot);
        }
        let before = (table.cold[0].extra, table.cold[0].rtcp);
        table.remove(&[true, false, false]);
        assert_eq!((table.len(), table.extra(0).unwrap().ce), (2, 8));
        assert!(table.extra(1).is_none() && table.rtcp_of(1).is_none());
        assert_eq!(table.extra_mut(1).ce, 0);
        table.rtcp_mut(1);
        assert_eq!((table.cold[1].extra, table.cold[1].rtcp), before);
    }

    #[test]
    fn cells_spill_and_keep_their_counts() {
        let (mut table, slot) = (Table::with_flows(1), 0);
        for round in 1..=3u64 {
            for cell in 0..10u16 {
                table.add_cell(slot, cell * 7, round * u64::from(cell + 1));
            }
        }
        for cell in [0, 63] {
            table.add_cell(slot, cell, u64::from(COUNT));
            table.add_cell(slot, cell, u64::from(u32::MAX));
        }
        let mut all: BTreeMap<u16, u64> = BTreeMap::new();
        for (cell, packets) in table.cells(slot) {
            *all.entry(cell).or_default() += packets;
        }
        let expected = (0..10u16).map(|cell| {
            let many = if matches!(cell * 7, 0 | 63) {
                u64::from(COUNT) + u64::from(u32::MAX)
            } else {
                0
            };
            (cell * 7, 6 * u64::from(cell + 1) + many)
        });
        assert_eq!(all, expected.collect());
    }
}
