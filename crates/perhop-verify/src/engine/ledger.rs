//! What one pass found, flow by flow: the tables stay as they are, and a flow is written out when it is asked for.

use std::collections::BTreeMap;

use perhop_wire::packet::Tunnel;
use perhop_wire::rtcp::report::VoipMetrics;

use super::course::{Course, agree};
use super::directory::{Directory, Place};
use super::evict::Kept;
use super::finish::{Hints, undecoded};
use super::fragments::FragmentReport;
use super::heard::Heard;
use super::partition::Partition;
use super::reader::ReaderCounts;
use super::rtcp::RtcpState;
use super::table::{Slot, Table};
use super::times::Times;
use super::totals::{FragmentRow, Totals};
use super::{Flows, Lane};
use crate::call::Calls;
use crate::flow::{Flow, FlowKey, FragmentCounts};
use crate::quality::{self, Told};
use crate::stream::{RemoteReport, RtcpSummary};

/// What one pass found. A flow takes several times the memory that the tables need for it, so each is made when it is
/// asked for; several threads may ask.
#[derive(Debug)]
pub struct Ledger {
    pub(super) tables: Vec<Table>,
    /// Flows with media that made room.
    pub(super) kept: Vec<Flow>,
    /// What flows did over time: of each table, or none.
    pub(super) courses: Vec<Course>,
    /// The number of the first kept flow of each table.
    pub(super) kept_before: Vec<usize>,
    hints: Hints,
    /// Later fragments of flows, by their places.
    fragments_of: BTreeMap<Place, FragmentCounts>,
    /// All flows by first packet, then by key.
    pub(super) order: Vec<Place>,
    fragments: Vec<FragmentRow>,
    totals: Totals,
}

/// RTCP of a flow, wherever it is.
enum Rtcp<'a> {
    InTable(&'a RtcpState),
    Kept(&'a RtcpSummary),
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
            courses: Vec::new(),
            kept_before: Vec::new(),
            hints: Hints {
                calls: Heard::new(books),
                rtcp: Directory::default(),
            },
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
        for partition in partitions {
            times.merge(partition.kept.times);
            times.untimed += partition.untimed;
            ledger.add(partition);
        }
        let flows = ledger.tables.iter().map(Table::len).sum();
        agree(&mut ledger.courses, flows);
        ledger.find_rtcp();
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

    /// Adds the flows of a partition.
    fn add(&mut self, partition: Partition) {
        let Kept { evicted, flows, .. } = partition.kept;
        self.totals.evicted.merge(&evicted);
        self.totals.ip_packets += evicted.packets;
        self.totals.ip_bytes += evicted.bytes;
        self.kept_before.push(self.kept.len());
        self.kept.extend(flows);
        self.courses.extend(partition.course);
        self.tables.push(partition.table);
    }

    /// The places of all flows.
    fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let tables = self.tables.iter().enumerate();
        let in_tables = tables.flat_map(|(number, table)| {
            let slots = 0..table.len() as Slot;
            slots.map(move |slot| Place::in_table(number, slot))
        });
        (0..self.kept.len()).map(Place::kept).chain(in_tables)
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
        let place = self.order[number];
        let mut flow = match place.parts() {
            Ok((table, slot)) => self.tables[table].report(slot, &self.hints, &self.tables),
            Err(kept) => self.kept[kept].clone(),
        };
        flow.fragments = self.fragments_of.get(&place).cloned().map(Box::new);
        flow.call = self.hints.calls.call_of(&flow);
        if !self.hints.rtcp.is_empty() {
            for stream in &mut flow.rtp {
                let told = quality::told(&flow.key, stream, |key| self.telling(key));
                stream.remote = told.map(Box::new);
            }
        }
        flow
    }

    /// The 5-tuple of a flow.
    pub(crate) fn key_of(&self, number: usize) -> FlowKey {
        self.key(self.order[number])
    }

    /// The packets of a flow.
    pub(crate) fn packets_of(&self, number: usize) -> u64 {
        let place = self.order[number];
        match place.parts() {
            Ok((table, slot)) => self.tables[table].packets(slot),
            Err(kept) => self.kept[kept].packets,
        }
    }

    /// The tunnel of a flow.
    pub(crate) fn tunnel_of(&self, number: usize) -> Option<Tunnel> {
        let place = self.order[number];
        match place.parts() {
            Ok((table, slot)) => self.tables[table].tunnel(slot),
            Err(kept) => self.kept[kept].tunnel,
        }
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
        match place.parts() {
            Ok((table, slot)) => self.tables[table].key(slot),
            Err(kept) => self.kept[kept].key,
        }
    }

    fn first(&self, place: Place) -> i64 {
        match place.parts() {
            Ok((table, slot)) => self.tables[table].hot[slot as usize].first_time(),
            Err(kept) => self.kept[kept].first,
        }
    }

    fn vlan(&self, place: Place) -> Option<u16> {
        match place.parts() {
            Ok((table, slot)) => self.tables[table].vlan(slot),
            Err(kept) => self.kept[kept].link.vlan,
        }
    }

    fn rtcp(&self, place: Place) -> Option<Rtcp<'_>> {
        match place.parts() {
            Ok((table, slot)) => self.tables[table].rtcp_of(slot).map(Rtcp::InTable),
            Err(kept) => self.kept[kept].rtcp.as_deref().map(Rtcp::Kept),
        }
    }

    /// RTCP on flows of a 5-tuple that tells something of streams: the last of them.
    fn telling(&self, key: &FlowKey) -> Option<Rtcp<'_>> {
        let tells = |place| self.rtcp(place).is_some_and(|rtcp| rtcp.tells());
        let is = |place: Place| match place.parts() {
            Ok((table, slot)) => self.tables[table].has_key(slot, key),
            Err(kept) => self.kept[kept].key == *key,
        };
        let place = self
            .hints
            .rtcp
            .find(key, |place| is(place) && tells(place))?;
        self.rtcp(place)
    }

    /// Finds the flows with RTCP.
    fn find_rtcp(&mut self) {
        let has = |place: &Place| self.rtcp(*place).is_some();
        let mut directory = Directory::new(self.places().filter(has).count());
        for place in self.places().filter(has) {
            directory.add(&self.key(place), place);
        }
        self.hints.rtcp = directory;
    }

    /// Settles what hangs on other flows.
    fn settle(&mut self) {
        for number in 0..self.tables.len() {
            let hinted = self.tables[number].hinted(&self.hints, &self.tables);
            for stream in hinted {
                self.tables[number].streams.accept_late(stream);
            }
        }
    }

    fn sort(&mut self) {
        let ticks = Ticks::of(self.places().map(|place| self.first(place)));
        let mut order = Vec::with_capacity(self.places().count());
        order.extend(
            self.places()
                .map(|place| (ticks.tick(self.first(place)), place)),
        );
        order.sort_unstable_by(|(tick, place), (other_tick, other)| {
            tick.cmp(other_tick).then_with(|| {
                let times = self.first(*place).cmp(&self.first(*other));
                times
                    .then_with(|| self.key(*place).cmp(&self.key(*other)))
                    .then_with(|| self.vlan(*place).cmp(&self.vlan(*other)))
                    .then_with(|| place.cmp(other))
            })
        });
        let mut places: Vec<Place> = order.into_iter().map(|(_, place)| place).collect();
        places.shrink_to_fit();
        self.order = places;
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
                let bytes = table.bytes(slot);
                add(packets, bytes, hot.first_time(), hot.last_time());
            }
        }
    }

    /// Gives later fragments to their flows; of several with one key, to the first.
    fn attribute(&mut self, mut fragments: BTreeMap<FlowKey, FragmentCounts>) {
        for place in &self.order {
            if fragments.is_empty() {
                break;
            }
            if let Some(counts) = fragments.remove(&self.key(*place)) {
                self.fragments_of.insert(*place, counts);
            }
        }
    }
}

impl Rtcp<'_> {
    fn tells(&self) -> bool {
        match self {
            Self::InTable(state) => state.tells(),
            Self::Kept(summary) => !summary.reports.is_empty() || !summary.voip.is_empty(),
        }
    }
}

impl Told for Rtcp<'_> {
    fn reports(&self) -> impl Iterator<Item = RemoteReport> {
        let (state, summary) = match self {
            Self::InTable(state) => (Some(state), None),
            Self::Kept(summary) => (None, Some(summary)),
        };
        let in_table = state.into_iter().flat_map(|state| state.reports());
        let kept = summary
            .into_iter()
            .flat_map(|summary| summary.reports.iter().copied());
        in_table.chain(kept)
    }

    fn voip(&self) -> &[VoipMetrics] {
        match self {
            Self::InTable(state) => state.voip(),
            Self::Kept(summary) => &summary.voip,
        }
    }
}

/// Times as numbers that need half the room, in the order of the times as far as they differ.
struct Ticks {
    least: i64,
    shift: u32,
}

impl Ticks {
    /// For these times.
    fn of(times: impl Iterator<Item = i64>) -> Self {
        // Flows without a time have 0, which is far from the others.
        let (mut least, mut most) = (i64::MAX, 0);
        for time in times.filter(|time| *time > 0) {
            (least, most) = (least.min(time), most.max(time));
        }
        let range = most.saturating_sub(least).max(0).unsigned_abs();
        Self {
            least,
            shift: (u64::BITS - range.leading_zeros()).saturating_sub(u32::BITS - 1),
        }
    }

    fn tick(&self, time: i64) -> u32 {
        if time <= 0 {
            return 0;
        }
        1 + ((time - self.least) >> self.shift) as u32
    }
}
