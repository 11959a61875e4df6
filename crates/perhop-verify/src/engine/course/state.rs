//! How far a flow has come.

use perhop_policy::Dscp;

use crate::engine::table::{Slot, Table, dscp_of};
use crate::stream::arena::StreamId;
use crate::stream::progress::Progress;

/// The totals of a flow at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::engine) struct State {
    /// Packets per DSCP.
    pub(in crate::engine) marks: Vec<(Dscp, u64)>,
    pub(in crate::engine) bytes: u64,
    /// Its recognised streams.
    pub(in crate::engine) streams: Vec<(StreamId, Progress)>,
}

impl Table {
    /// Writes down how far a flow has come.
    pub(in crate::engine) fn state(&self, slot: Slot, state: &mut State) {
        state.marks.clear();
        let hot = &self.hot[slot as usize];
        let latest = (hot.like.cell(), u64::from(hot.run));
        for (cell, packets) in self.cells(slot).chain([latest]) {
            if packets > 0 {
                add(&mut state.marks, dscp_of(cell), packets);
            }
        }
        state.bytes = self.bytes(slot);
        state.streams.clear();
        let recognised = self.streams_of(slot);
        let recognised = recognised.filter(|id| !self.streams.is_candidate(*id));
        let streams = recognised.map(|id| (id, self.streams.progress(id)));
        state.streams.extend(streams);
    }
}

fn add(marks: &mut Vec<(Dscp, u64)>, dscp: Dscp, packets: u64) {
    match marks.iter_mut().find(|(known, _)| *known == dscp) {
        Some((_, count)) => *count += packets,
        None => marks.push((dscp, packets)),
    }
}
