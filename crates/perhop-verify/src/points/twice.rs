//! Packets that one capture has twice: a mirror of two ports, or of both directions of one.

use std::collections::BTreeMap;

use perhop_policy::Dscp;

use super::collect::{Followed, Record};
use crate::flow::FlowKey;

/// What a point saw twice within a millisecond, with the same identification: two places in one capture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Twice {
    /// Second copies; they are left out of the comparison.
    pub packets: u64,
    /// Flows that have some.
    pub flows: u64,
    /// DSCP of the first and of the second copy, and how many, where they differ.
    pub remarked: BTreeMap<(Dscp, Dscp), u64>,
    /// Time to live of the first less that of the second copy, and how many.
    pub hops: BTreeMap<i16, u64>,
    /// The flow of the first such packet.
    pub example: Option<FlowKey>,
}

/// Takes second copies out of records that are sorted by flow.
pub(super) fn take_out(records: &mut Vec<Record>, flows: &[Followed]) -> Twice {
    let mut found = Twice::default();
    let mut gone = vec![false; records.len()];
    let mut start = 0;
    for group in records.chunk_by(|a, b| a.flow == b.flow) {
        let flow = &flows[group[0].flow as usize];
        let before = found.packets;
        look(
            group,
            flow,
            &mut gone[start..start + group.len()],
            &mut found,
        );
        found.flows += u64::from(found.packets > before);
        start += group.len();
    }
    if found.packets > 0 {
        let mut at = 0;
        records.retain(|_| {
            at += 1;
            !gone[at - 1]
        });
    }
    found
}

fn look(group: &[Record], flow: &Followed, gone: &mut [bool], found: &mut Twice) {
    let identity = |at: u32| {
        let record = &group[at as usize];
        (record.brief, record.content, record.ip_id)
    };
    let mut order: Vec<u32> = (0..group.len() as u32).collect();
    order.sort_by_key(|at| (identity(*at), *at));
    let mut kept = None;
    for at in order {
        let (record, twin) = (&group[at as usize], kept.map(|at: u32| &group[at as usize]));
        let same = kept.is_some_and(|kept| identity(kept) == identity(at));
        let told_apart = record.ip_id != 0 || record.is_rtp();
        match twin.filter(|_| same && told_apart) {
            Some(first) if record.time - first.time < WITHIN => {
                gone[at as usize] = true;
                found.packets += 1;
                found.example.get_or_insert(flow.key);
                let hops = i16::from(first.ttl) - i16::from(record.ttl);
                *found.hops.entry(hops).or_default() += 1;
                let marks = (first.dscp(), record.dscp());
                if marks.0 != marks.1 {
                    *found.remarked.entry(marks).or_default() += 1;
                }
            }
            _ => kept = Some(at),
        }
    }
}

/// Nanoseconds.
const WITHIN: i64 = 1_000_000;
