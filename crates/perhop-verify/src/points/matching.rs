//! Which packet of a flow at one point is which packet at the next.

use std::ops::Range;

use super::collect::Record;

/// Packets of one flow at two points. Places are those in the slices that were compared.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// Packets that are certainly the same: upstream, downstream.
    pub(super) sure: Vec<(u32, u32)>,
    /// Packets that look the same as others, in order of time, by groups.
    up: Vec<u32>,
    down: Vec<u32>,
    groups: Vec<(Range<u32>, Range<u32>)>,
}

/// What of a packet's identity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    Content,
    Brief,
}

impl Basis {
    const fn of(self, record: &Record) -> u64 {
        match self {
            Self::Content => record.content,
            Self::Brief => record.brief,
        }
    }
}

/// Matches the packets of two slices that are sorted by time.
pub(super) fn matched(up: &[Record], down: &[Record], basis: Basis) -> Matched {
    let (a, b) = (sorted(up, basis), sorted(down, basis));
    let mut out = Matched::default();
    let mut at = 0;
    let identity = |record: &Record| basis.of(record);
    for group in a.chunk_by(|one, two| identity(&up[*one as usize]) == identity(&up[*two as usize]))
    {
        let own = identity(&up[group[0] as usize]);
        at += b[at..].partition_point(|other| identity(&down[*other as usize]) < own);
        let end = at + b[at..].partition_point(|other| identity(&down[*other as usize]) == own);
        if let ([one], [other]) = (group, &b[at..end]) {
            out.sure.push((*one, *other));
        } else if at < end {
            out.tell_apart(up, group, down, &b[at..end]);
        }
        at = end;
    }
    out
}

fn sorted(records: &[Record], basis: Basis) -> Vec<u32> {
    let mut order: Vec<u32> = (0..records.len() as u32).collect();
    order.sort_by_key(|at| {
        let record = &records[*at as usize];
        (basis.of(record), record.ip_id, *at)
    });
    order
}

impl Matched {
    /// Tells packets of one identity apart by their IPv4 identification, as far as it does; both lists are sorted by it.
    fn tell_apart(&mut self, up: &[Record], ups: &[u32], down: &[Record], downs: &[u32]) {
        let start = (self.up.len(), self.down.len());
        let mut at = 0;
        for group in ups.chunk_by(|a, b| up[*a as usize].ip_id == up[*b as usize].ip_id) {
            let id = up[group[0] as usize].ip_id;
            let from = at + downs[at..].partition_point(|other| down[*other as usize].ip_id < id);
            let end =
                from + downs[from..].partition_point(|other| down[*other as usize].ip_id == id);
            self.down.extend(&downs[at..from]);
            match (group, &downs[from..end]) {
                ([one], [other]) if id != 0 => self.sure.push((*one, *other)),
                (group, found) => {
                    self.up.extend(group);
                    self.down.extend(found);
                }
            }
            at = end;
        }
        self.down.extend(&downs[at..]);
        self.up[start.0..].sort_unstable();
        self.down[start.1..].sort_unstable();
        let ups = start.0 as u32..self.up.len() as u32;
        let downs = start.1 as u32..self.down.len() as u32;
        if !ups.is_empty() && !downs.is_empty() {
            self.groups.push((ups, downs));
        }
    }

    /// Matches packets that look alike by their times: `late` says how much later than the least delay a packet would
    /// have come, in nanoseconds; `None` in its place when no clock is known, and then only the order counts.
    pub(super) fn by_time(
        &self,
        late: Option<&dyn Fn(u32, u32) -> i64>,
        most: i64,
    ) -> Vec<(u32, u32)> {
        let mut out = Vec::new();
        for (ups, downs) in &self.groups {
            let mut ups = self.up[ups.start as usize..ups.end as usize].to_vec();
            let mut downs = self.down[downs.start as usize..downs.end as usize].to_vec();
            let Some(late) = late else {
                out.extend(ups.into_iter().zip(downs));
                continue;
            };
            for most in [NEAR.min(most), most] {
                let found = nearest(&ups, &downs, late, most);
                drop_found(&mut ups, found.iter().map(|pair| pair.0));
                drop_found(&mut downs, found.iter().map(|pair| pair.1));
                out.extend(found);
            }
        }
        out
    }
}

/// Goes through both lists in order; the first that can be the same are.
fn nearest(
    ups: &[u32],
    downs: &[u32],
    late: &dyn Fn(u32, u32) -> i64,
    most: i64,
) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    let (mut one, mut other) = (0, 0);
    while one < ups.len() && other < downs.len() {
        let late = late(ups[one], downs[other]);
        if late < -EARLY {
            other += 1;
        } else if late > most {
            one += 1;
        } else {
            out.push((ups[one], downs[other]));
            one += 1;
            other += 1;
        }
    }
    out
}

/// Takes out what was found; both are in the same order.
fn drop_found(list: &mut Vec<u32>, found: impl Iterator<Item = u32>) {
    let mut found = found.peekable();
    list.retain(|at| found.next_if_eq(at).is_none());
}

/// A packet may come so much before the least delay, in nanoseconds: what clocks and captures are off.
const EARLY: i64 = 1_000_000;
/// Alike packets are tried so near to the least delay first.
const NEAR: i64 = 3_000_000;
