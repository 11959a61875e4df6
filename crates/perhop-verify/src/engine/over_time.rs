//! From notes to bins: what groups of flows did over time.

use std::collections::BTreeMap;

use perhop_policy::Dscp;

use super::course::{NO_BIN, Note, State};
use super::ledger::Ledger;
use super::table::Slot;
use crate::flow::Flow;
use crate::stream::progress::{JitterSum, TimedBy};
use crate::timeline::{Bin, Bins};

impl Ledger {
    /// Sums flows into groups, over time: `group` is asked for every flow by its number, and flows for which it says nothing
    /// are passed over. Nothing without [`super::Config::over_time`].
    ///
    /// A packet counts in the bin of its time; one that has no time, or one a year from the first, in that of its flow's
    /// packet before it, or else after it. Flows none of whose packets has a time are passed over. Packets of a stream that
    /// came before it was recognised count as due where it was. The result depends neither on the seed nor on the number
    /// of lanes.
    #[must_use]
    pub fn over_time<G: Ord>(
        &self,
        mut group: impl FnMut(usize) -> Option<G>,
    ) -> BTreeMap<G, Bins> {
        let Some(first) = self.courses.first() else {
            return BTreeMap::new();
        };
        let last = self.courses.iter().filter_map(|course| course.last()).max();
        let mut groups: BTreeMap<G, u32> = BTreeMap::new();
        let mut sums = Sums {
            bins: last.map_or(0, |last| usize::from(last) + 1),
            all: Vec::new(),
        };
        let mut known = Known::new(self);
        for (number, place) in self.order.iter().enumerate() {
            let Some(group) = group(number) else { continue };
            let next = groups.len() as u32;
            let group = *groups.entry(group).or_insert(next);
            match place.parts() {
                Ok((table, slot)) => {
                    let of = &mut known.tables[table];
                    of.groups[slot as usize] = group;
                    self.know(number, table, slot, &mut of.clocks);
                    let from = self.courses[table].bin_of(slot);
                    self.tables[table].state(slot, &mut known.end);
                    sums.add(group, from, &known.end, &of.clocks, 1);
                }
                Err(kept) => known.kept[kept] = Some((group, clocks(&self.kept[kept]))),
            }
        }
        for (table, course) in self.courses.iter().enumerate() {
            course.each(|note| {
                if let Some((group, clocks)) = known.of(note, table, self.kept_before[table]) {
                    sums.add(group, note.from, &note.state, clocks, 1);
                    sums.add(group, note.to, &note.state, clocks, -1);
                }
            });
        }
        let (start, step) = (first.start().unwrap_or(0), first.width().step());
        let groups = groups.into_iter().filter_map(|(group, at)| {
            let bins = sums.finish(at)?;
            Some((group, Bins { start, step, bins }))
        });
        groups.collect()
    }

    /// Writes down what the jitter of a flow's streams was measured by.
    fn know(&self, number: usize, table: usize, slot: Slot, clocks: &mut [TimedBy]) {
        let table = &self.tables[table];
        let recognised = || {
            let ids = table.streams_of(slot);
            ids.filter(|id| !table.streams.is_candidate(*id))
        };
        if recognised().any(|id| table.streams.is_measuring(id)) {
            let flow = self.flow(number);
            for (id, stream) in table.recognised(slot).into_iter().zip(&flow.rtp) {
                clocks[id as usize] = TimedBy::of(stream);
            }
        } else {
            recognised().for_each(|id| clocks[id as usize] = table.streams.timed_by(id));
        }
    }
}

fn clocks(flow: &Flow) -> Vec<TimedBy> {
    flow.rtp.iter().map(TimedBy::of).collect()
}

/// What is known of flows when all has been read.
struct Known {
    tables: Vec<Of>,
    /// By number of the kept flow: its group, and the clocks of its streams.
    kept: Vec<Option<(u32, Vec<TimedBy>)>>,
    /// Where a flow's end is put together.
    end: State,
}

/// What is known of the flows of a table.
struct Of {
    /// By slot; [`NO_GROUP`] for those in none.
    groups: Vec<u32>,
    /// By stream.
    clocks: Vec<TimedBy>,
}

impl Known {
    fn new(ledger: &Ledger) -> Self {
        let tables = ledger.tables.iter().map(|table| Of {
            groups: vec![NO_GROUP; table.len()],
            clocks: vec![TimedBy::Nothing; table.streams.len()],
        });
        Self {
            tables: tables.collect(),
            kept: vec![None; ledger.kept.len()],
            end: State::default(),
        }
    }

    /// Group and clocks of a note's flow.
    fn of(&self, note: &Note, table: usize, kept_before: usize) -> Option<(u32, &[TimedBy])> {
        if note.kept {
            let (group, clocks) = self.kept[kept_before + note.flow as usize].as_ref()?;
            return Some((*group, clocks));
        }
        let of = &self.tables[table];
        let group = of.groups[note.flow as usize];
        (group != NO_GROUP).then_some((group, &of.clocks))
    }
}

/// The bins of all groups.
struct Sums {
    bins: usize,
    all: Vec<Vec<Sum>>,
}

/// What is summed for a bin of a group. Whole numbers: their order is of no account.
#[derive(Debug, Clone, Default)]
struct Sum {
    marks: Vec<(Dscp, i64)>,
    bytes: i64,
    expected: i64,
    missing: i64,
    timed: i64,
    jitter: i64,
}

impl Sums {
    fn add(&mut self, group: u32, bin: u8, state: &State, clocks: &[TimedBy], sign: i64) {
        if bin == NO_BIN {
            return;
        }
        let group = group as usize;
        if self.all.len() <= group {
            self.all.resize_with(group + 1, Vec::new);
        }
        if self.all[group].is_empty() {
            self.all[group] = vec![Sum::default(); self.bins];
        }
        let sum = &mut self.all[group][usize::from(bin)];
        for (dscp, packets) in &state.marks {
            sum.mark(*dscp, sign * packets.cast_signed());
        }
        sum.bytes += sign * state.bytes.cast_signed();
        for (id, progress) in &state.streams {
            let clock = clocks.get(*id as usize).copied();
            let (timed, jitter) = progress.jitter_by(clock.unwrap_or(TimedBy::Nothing));
            sum.expected += sign * i64::from(progress.expected);
            sum.missing += sign * i64::from(progress.missing);
            sum.timed += sign * timed.cast_signed();
            sum.jitter += sign * jitter.cast_signed();
        }
    }

    /// The bins of a group; `None` when none of its packets has a time.
    fn finish(&self, group: u32) -> Option<Vec<Bin>> {
        let sums = self.all.get(group as usize)?;
        if sums.is_empty() {
            return None;
        }
        let mut missing: Vec<i64> = sums.iter().map(|sum| sum.missing).collect();
        settle(&mut missing);
        let bins = sums.iter().zip(missing);
        Some(bins.map(|(sum, missing)| sum.finish(missing)).collect())
    }
}

/// What came late was missed before: what is below zero is taken from what is earlier; and where times go backwards, from
/// what is later.
fn settle(missing: &mut [i64]) {
    let mut came = 0;
    let take = |one: &mut i64, came: &mut i64| {
        *one -= *came;
        *came = (-*one).max(0);
        *one = (*one).max(0);
    };
    missing
        .iter_mut()
        .rev()
        .for_each(|one| take(one, &mut came));
    missing.iter_mut().for_each(|one| take(one, &mut came));
}

impl Sum {
    fn mark(&mut self, dscp: Dscp, packets: i64) {
        match self.marks.iter_mut().find(|(known, _)| *known == dscp) {
            Some((_, count)) => *count += packets,
            None => self.marks.push((dscp, packets)),
        }
    }

    fn finish(&self, missing: i64) -> Bin {
        let known = |number: i64| number.max(0).unsigned_abs();
        let marks = self.marks.iter();
        let marks = marks.map(|(dscp, packets)| (*dscp, known(*packets)));
        let mut marks: Vec<(Dscp, u64)> = marks.filter(|(_, packets)| *packets > 0).collect();
        marks.sort_unstable();
        let mean = || self.jitter as f64 * JitterSum::UNIT_NS / self.timed as f64 / 1e6;
        Bin {
            marks,
            bytes: known(self.bytes),
            expected: known(self.expected),
            missing: known(missing),
            jitter_ms: (self.timed > 0).then(|| mean().max(0.0)),
        }
    }
}

const NO_GROUP: u32 = u32::MAX;
