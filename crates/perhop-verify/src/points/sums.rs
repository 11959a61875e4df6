//! Sums over the flows of a segment: by class and mark, and by windows of time.

use std::collections::BTreeMap;

use perhop_policy::{ClassId, Dscp, PolicySet};

use super::clock::Heading;
use super::passage::Passed;
use super::segment::{
    Queue, SegmentClass, SegmentCounts, SentMark, Spread, Transition, Transitions,
};

/// Sums over the flows of a segment.
#[derive(Debug)]
pub(super) struct Sums {
    classes: BTreeMap<(Heading, Option<ClassId>), Row>,
    /// Marks whose queueing is of interest, ascending: 0 and those of the plan.
    marks: Vec<Dscp>,
    start: i64,
    width: i64,
    windows: BTreeMap<(Heading, u32), Vec<Waited>>,
}

#[derive(Debug, Default)]
struct Row {
    flows: u64,
    counts: SegmentCounts,
    marks: Transitions,
    by_mark: BTreeMap<Dscp, Marked>,
}

#[derive(Debug, Default)]
struct Marked {
    missing: u64,
    delays: Vec<i64>,
}

/// Packets with one mark in one window of time.
#[derive(Debug, Clone, Copy, Default)]
struct Waited {
    packets: u64,
    sum: i64,
    largest: i64,
}

impl Waited {
    fn mean(self) -> i64 {
        self.sum / i64::try_from(self.packets.max(1)).unwrap_or(i64::MAX)
    }
}

impl Sums {
    /// Nothing yet; `time` is that of the first point's capture.
    pub(super) fn new(policy: &PolicySet, (first, last): (i64, i64)) -> Self {
        let mut marks: Vec<Dscp> = policy.classes().iter().map(|class| class.dscp).collect();
        marks.push(Dscp::DF);
        marks.sort_unstable();
        marks.dedup();
        Self {
            classes: BTreeMap::new(),
            marks,
            start: first,
            width: WINDOW.max(last.saturating_sub(first) / MOST_WINDOWS),
            windows: BTreeMap::new(),
        }
    }

    /// Adds a flow.
    pub(super) fn add(&mut self, heading: Heading, class: Option<ClassId>, passed: &Passed) {
        let row = self.classes.entry((heading, class)).or_default();
        row.flows += 1;
        row.counts.add(&passed.counts);
        for transition in passed.marks.iter() {
            row.marks.add(*transition);
        }
        for (mark, packets) in passed.missing.iter() {
            row.by_mark.entry(mark).or_default().missing += packets;
        }
        for (mark, _, delay) in &passed.delays {
            row.by_mark.entry(*mark).or_default().delays.push(*delay);
        }
        for (mark, time, delay) in &passed.delays {
            self.wait(heading, *mark, *time, *delay);
        }
    }

    fn wait(&mut self, heading: Heading, mark: Dscp, time: i64, delay: i64) {
        let Ok(at) = self.marks.binary_search(&mark) else {
            return;
        };
        let window = time.saturating_sub(self.start).max(0) / self.width;
        let window = u32::try_from(window).unwrap_or(u32::MAX);
        let row = self
            .windows
            .entry((heading, window))
            .or_insert_with(|| vec![Waited::default(); self.marks.len()]);
        let delay = delay.max(0);
        row[at].packets += 1;
        row[at].sum = row[at].sum.saturating_add(delay);
        row[at].largest = row[at].largest.max(delay);
    }

    /// Classes in the plan's order, what has none last; forward before backward.
    pub(super) fn finish(self) -> (Vec<SegmentClass>, Vec<Queue>) {
        let queues = [Heading::Forward, Heading::Backward]
            .into_iter()
            .flat_map(|heading| self.queues(heading))
            .collect();
        let mut classes: Vec<SegmentClass> = self
            .classes
            .into_iter()
            .map(|((heading, class), row)| row.finish(heading, class))
            .collect();
        classes.sort_by_key(|row| (row.heading, row.class.is_none(), row.class));
        (classes, queues)
    }

    /// Every mark of the plan, held against unmarked packets in the windows in which these queued.
    fn queues(&self, heading: Heading) -> Vec<Queue> {
        let windows: Vec<&Vec<Waited>> = self
            .windows
            .range((heading, 0)..=(heading, u32::MAX))
            .map(|(_, row)| row)
            .filter(|row| row[0].packets >= LEAST_UNMARKED && row[0].largest >= QUEUED)
            .collect();
        let marks = self.marks.iter().enumerate().skip(1);
        marks
            .filter_map(|(at, mark)| {
                let own: Vec<_> = windows.iter().filter(|row| row[at].packets > 0).collect();
                let count = i64::try_from(own.len()).unwrap_or(i64::MAX);
                let packets = |at: usize| own.iter().map(|row| row[at].packets).sum();
                let mean = |at: usize| own.iter().map(|row| row[at].mean()).sum::<i64>() / count;
                (count > 0).then(|| Queue {
                    heading,
                    mark: *mark,
                    arrives: self.arrives(heading, *mark),
                    packets: packets(at),
                    unmarked: packets(0),
                    windows: own.len() as u64,
                    mean: mean(at),
                    unmarked_mean: mean(0),
                })
            })
            .collect()
    }

    /// The mark that most packets with a mark have downstream.
    fn arrives(&self, heading: Heading, mark: Dscp) -> Dscp {
        let mut seen: BTreeMap<Dscp, u64> = BTreeMap::new();
        let rows = self.classes.iter().filter(|((way, _), _)| *way == heading);
        let transitions = rows.flat_map(|(_, row)| row.marks.iter());
        for one in transitions.filter(|one: &&Transition| one.from == mark) {
            *seen.entry(one.to).or_default() += one.packets;
        }
        let most = seen.into_iter().max_by_key(|(_, packets)| *packets);
        most.map_or(mark, |(mark, _)| mark)
    }
}

impl Row {
    fn finish(mut self, heading: Heading, class: Option<ClassId>) -> SegmentClass {
        for one in self.marks.iter() {
            self.by_mark.entry(one.from).or_default();
        }
        // There are as many delays as packets: those of each mark are moved and not copied.
        let packets: usize = self
            .by_mark
            .values()
            .map(|marked| marked.delays.len())
            .sum();
        let mut delays: Vec<i64> = Vec::new();
        let mut by_mark = Vec::with_capacity(self.by_mark.len());
        for (mark, mut marked) in self.by_mark {
            by_mark.push(SentMark {
                mark,
                sent: self.marks.sent_with(mark) + marked.missing,
                missing: marked.missing,
                delay: Spread::of(&mut marked.delays),
            });
            if delays.is_empty() {
                delays = marked.delays;
                delays.reserve_exact(packets - delays.len());
            } else {
                delays.append(&mut marked.delays);
            }
        }
        SegmentClass {
            heading,
            class,
            flows: self.flows,
            counts: self.counts,
            marks: self.marks,
            delay: Spread::of(&mut delays),
            by_mark,
        }
    }
}

/// Windows in which queueing is compared: nanoseconds, and how many at most.
const WINDOW: i64 = 100_000_000;
const MOST_WINDOWS: i64 = 20_000;
/// Unmarked packets that a window needs, and how late one of them has to be, in nanoseconds, to speak of a queue.
const LEAST_UNMARKED: u64 = 2;
const QUEUED: i64 = 2_000_000;
