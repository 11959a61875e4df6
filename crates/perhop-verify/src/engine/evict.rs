//! Making room: the flows that were idle for longest go.

use super::finish::Hints;
use super::partition::Partition;
use super::table::{Recognition, Slot, dscp_of};
use super::times::Times;
use super::totals::Evicted;
use crate::flow::Flow;

/// What is left of flows that made room.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) evicted: Evicted,
    /// Times of those that are not listed.
    pub(super) times: Times,
    /// Flows with media, at most as many as the partition may have.
    pub(super) flows: Vec<Flow>,
}

impl Partition {
    /// Takes out an eighth of the flows.
    pub(super) fn evict(&mut self) {
        let count = (self.table.len() / 8).max(1);
        let mut by_age: Vec<(i64, Slot)> = (0..)
            .zip(self.table.hot.iter())
            .map(|(slot, hot)| (hot.last, slot))
            .collect();
        by_age.select_nth_unstable(count - 1);
        by_age.truncate(count);
        let mut gone = vec![false; self.table.len()];
        for (_, slot) in &by_age {
            gone[*slot as usize] = true;
        }
        for (slot, gone) in (0..).zip(&gone) {
            if *gone {
                self.put_away(slot);
            }
        }
        self.table.remove(&gone);
        if let Some(course) = &mut self.course {
            course.remove(&gone);
        }
    }

    fn put_away(&mut self, slot: Slot) {
        let hot = &self.table.hot[slot as usize];
        let evicted = &mut self.kept.evicted;
        evicted.flows += 1;
        if hot.recognition == Recognition::Media && self.kept.flows.len() < self.most {
            let flow = self.table.report(slot, &Hints::default(), &[]);
            if let Some(course) = &mut self.course {
                course.keep(&self.table, slot, self.kept.flows.len());
            }
            self.kept.flows.push(flow);
        } else {
            self.kept.times.add_range(hot.first, hot.last);
            evicted.unlisted += 1;
            evicted.bytes += self.table.bytes(slot);
            let latest = (hot.like.cell(), u64::from(hot.run));
            for (cell, packets) in self.table.cells(slot).chain([latest]) {
                evicted.packets += packets;
                evicted.dscp.add(dscp_of(cell), packets);
            }
        }
        self.table.drop_all(slot);
    }
}
