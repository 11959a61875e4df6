//! What few flows need, and packets per kind and DSCP.

use perhop_wire::packet::Tunnel;

use super::framing::Framing;
use super::rtcp::RtcpState;
use crate::flow::{DscpChange, DscpCounts};

/// Counts per [`super::facts::Like::cell`], four of them in place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CellCounts([u64; 4]);

impl CellCounts {
    /// Adds packets to a cell; false when there is no room for another cell.
    fn add(&mut self, cell: u16, packets: u64) -> bool {
        for word in &mut self.0 {
            if *word == 0 || (*word >> COUNT_BITS) as u16 == cell {
                *word = u64::from(cell) << COUNT_BITS | ((*word & COUNT) + packets);
                return true;
            }
        }
        false
    }

    fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let used = self.0.iter().filter(|word| **word & COUNT > 0);
        used.map(|word| ((word >> COUNT_BITS) as u16, word & COUNT))
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
    pub(super) rtcp: Option<Box<RtcpState>>,
    pub(super) framing: Option<Box<Framing>>,
}

/// Adds packets to a cell, in place or beyond.
pub(super) fn add_cell(
    counts: &mut CellCounts,
    extra: &mut Option<Box<Extra>>,
    cell: u16,
    packets: u64,
) {
    if packets == 0 || counts.add(cell, packets) {
        return;
    }
    let cells = &mut extra.get_or_insert_default().cells;
    match cells.iter_mut().find(|(known, _)| *known == cell) {
        Some((_, count)) => *count += packets,
        None => cells.push((cell, packets)),
    }
}

/// All cells and their packets.
pub(super) fn cells<'a>(
    counts: &'a CellCounts,
    extra: Option<&'a Extra>,
) -> impl Iterator<Item = (u16, u64)> + 'a {
    let beyond = extra
        .map(|extra| extra.cells.as_slice())
        .unwrap_or_default();
    counts.iter().chain(beyond.iter().copied())
}

const COUNT_BITS: u32 = 55;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_spill_and_keep_their_counts() {
        let (mut counts, mut extra) = (CellCounts::default(), None);
        for round in 1..=3u64 {
            for cell in 0..10u16 {
                add_cell(
                    &mut counts,
                    &mut extra,
                    cell * 7,
                    round * u64::from(cell + 1),
                );
            }
        }
        let mut all: Vec<_> = cells(&counts, extra.as_deref()).collect();
        all.sort_unstable();
        let expected: Vec<_> = (0..10u16)
            .map(|cell| (cell * 7, 6 * u64::from(cell + 1)))
            .collect();
        assert_eq!(all, expected);
    }
}
