//! What one pass found, flow by flow: the tables stay as they are, and a flow is written out when it is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evict::Kept;
use super::finish::{Hints, undecoded};
use super::fragments::FragmentReport;
use super::heard::Heard;
use super::partition::Partition;
use super::reader::ReaderCounts;
use super::table::{Slot, Table};
use super::times::Times;
use super::totals::{FragmentRow, Totals};
use super::{Flows, Lane};
use crate::call::Calls;
use crate::flow::{Flow, FlowKey, FragmentCounts};
use crate::quality::Remotes;

/// What one pass found. A flow takes several times the memory that the tables need for it, so each is made when it is
/// asked for; several threads may ask.
#[derive(Debug)]
pub struct Ledger {
    tables: Vec<Table>,
    /// Flows with media that made room.
    kept: Vec<Flow>,
    hints: Hints,
    remotes: Remotes,
    /// Later fragments of flows, by their places.
    fragments_of: BTreeMap<Place, FragmentCounts>,
    /// All flows by first packet, then by key.
    order: Vec<(i64, Place)>,
    fragments: Vec<FragmentRow>,
    totals: Totals,
}

/// Where a flow is: its table, or the number of tables for those kept; and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    table: u32,
    slot: Slot,
}

impl Ledger {
    /// Puts together what the lanes have.
    pub(super) fn new(lanes: Vec<Lane>) -> Self {
        let mut counts = ReaderCounts::default();
        let mut books = Vec::new();
        let mut report = FragmentReport::default();
        let mut partitions = Vec::new();
        for (number, lane) in lanes.into_iter().enumerate() {
            books.extend(lane.books);
            if number == 0 {
                counts = lane.counts;
                report = lane.fragments.finish();
            }
            partitions.extend(lane.partitions);
        }
        let mut times = counts.times;
        times.merge(report.times);
        let mut ledger = Self {
            tables: Vec::new(),
            kept: Vec::new(),
            hints: Hints::new(Heard::new(books)),
            remotes: Remotes::default(),
            fragments_of: BTreeMap::new(),
            order: Vec::new(),
            fragments: report.rows,
            totals: Totals {
                captured_bytes: counts.captured_bytes,
                ip_packets: report.packets,
                ip_bytes: report.bytes,
                unattributed_fragments: report.unattributed,
                undecoded: undecoded(counts.undecoded),
                ..Totals::default()
            },
        };
        let count = partitions.len() as u32;
        for partition in partitions {
            times.merge(partition.kept.times);
            times.untimed += partition.untimed;
            ledger.add(partition, count);
        }
        ledger.settle();
        ledger.sort();
        ledger.count(&mut times);
        ledger.attribute(report.flows);
        let totals = &mut ledger.totals;
        totals.packets = totals.ip_packets + totals.undecoded_packets();
        totals.time = times.range();
        totals.untimed = times.untimed;
        ledger
    }

    /// Adds one of so many partitions.
    fn add(&mut self, partition: Partition, count: u32) {
        let Kept { evicted, flows, .. } = partition.kept;
        self.totals.evicted.merge(&evicted);
        self.totals.ip_packets += evicted.packets;
        self.totals.ip_bytes += evicted.bytes;
        for flow in flows {
            let slot = self.kept.len() as Slot;
            let place = Place { table: count, slot };
            self.order.push((flow.first, place));
            self.kept.push(flow);
        }
        self.hints.add_rtcp(&partition.table);
        let table = self.tables.len() as u32;
        let hot = (0..).zip(partition.table.hot.iter());
        let places = hot.map(|(slot, hot)| (hot.first_time(), Place { table, slot }));
        self.order.extend(places);
        self.tables.push(partition.table);
    }

    /// How many flows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The flow of a number, which are in order of first packets, then of keys.
    ///
    /// # Panics
    /// Panics when there is none of that number.
    #[must_use]
    pub fn flow(&self, number: usize) -> Flow {
        let place = self.order[number].1;
        let mut flow = match self.tables.get(place.table as usize) {
            Some(table) => table.report(place.slot, &self.hints),
            None => self.kept[place.slot as usize].clone(),
        };
        flow.fragments = self.fragments_of.get(&place).cloned().map(Box::new);
        flow.call = self.hints.calls.call_of(&flow);
        self.remotes.attach(&mut flow);
        flow
    }

    /// All flows, in order.
    pub fn flows(&self) -> impl ExactSizeIterator<Item = Flow> + Clone {
        (0..self.len()).map(|number| self.flow(number))
    }

    /// Later fragments by address pair and protocol.
    #[must_use]
    pub fn fragments(&self) -> &[FragmentRow] {
        &self.fragments
    }

    /// Calls of the signalling in the capture.
    #[must_use]
    pub const fn calls(&self) -> &Calls {
        self.hints.calls.calls()
    }

    /// Counts over the capture.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Everything written out.
    #[must_use]
    pub fn into_flows(self) -> Flows {
        Flows {
            flows: self.flows().collect(),
            calls: self.calls().clone(),
            fragments: self.fragments,
            totals: self.totals,
        }
    }

    fn key(&self, place: Place) -> FlowKey {
        match self.tables.get(place.table as usize) {
            Some(table) => table.key(place.slot),
            None => self.kept[place.slot as usize].key,
        }
    }

    fn vlan(&self, place: Place) -> Option<u16> {
        match self.tables.get(place.table as usize) {
            Some(table) => table.vlan(place.slot),
            None => self.kept[place.slot as usize].link.vlan,
        }
    }

    /// Settles what hangs on other flows.
    fn settle(&mut self) {
        for flow in &self.kept {
            if let Some(rtcp) = flow.rtcp.as_deref() {
                self.remotes.add(flow.key, Arc::new(rtcp.clone()));
            }
        }
        for table in &mut self.tables {
            table.settle_all(&self.hints);
            for slot in 0..table.len() as Slot {
                if let Some(state) = table.rtcp_of(slot) {
                    let summary = Arc::clone(&state.summary);
                    self.remotes.add(table.key(slot), summary);
                }
            }
        }
    }

    fn sort(&mut self) {
        let mut order = std::mem::take(&mut self.order);
        order.sort_unstable_by(|(first, place), (other_first, other)| {
            first.cmp(other_first).then_with(|| {
                let keys = self.key(*place).cmp(&self.key(*other));
                keys.then_with(|| self.vlan(*place).cmp(&self.vlan(*other)))
                    .then_with(|| place.cmp(other))
            })
        });
        self.order = order;
    }

    /// Adds packets, bytes and times of all flows.
    fn count(&mut self, times: &mut Times) {
        let mut add = |packets: u64, bytes: u64, first: i64, last: i64| {
            self.totals.ip_packets += packets;
            self.totals.ip_bytes += bytes;
            if last != 0 {
                times.add_range(first, last);
            }
        };
        for flow in &self.kept {
            add(flow.packets, flow.bytes, flow.first, flow.last);
        }
        for table in &self.tables {
            for (slot, hot) in (0..).zip(table.hot.iter()) {
                let packets = table.packets(slot);
                add(packets, hot.bytes, hot.first_time(), hot.last_time());
            }
        }
    }

    /// Gives later fragments to their flows; of several with one key, to the first.
    fn attribute(&mut self, mut fragments: BTreeMap<FlowKey, FragmentCounts>) {
        for (_, place) in &self.order {
            if fragments.is_empty() {
                break;
            }
            if let Some(counts) = fragments.remove(&self.key(*place)) {
                self.fragments_of.insert(*place, counts);
            }
        }
    }
}
