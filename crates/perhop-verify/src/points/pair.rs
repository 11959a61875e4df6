//! Which flow at one point is which flow at the next.

use std::collections::{BTreeMap, HashMap};

use super::collect::{Followed, Trace};
use crate::flow::FlowKey;

/// One flow at two points, by its places in their traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) alike: Alike,
}

/// How the 5-tuples of a flow at two points go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alike {
    /// They are the same.
    Same,
    /// One end has another address or port: an address translator is between.
    OneEnd,
    /// Both ends have others: a relay is between, or translators of both ends.
    Neither,
}

impl Alike {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::OneEnd => "translated",
            Self::Neither => "relayed",
        }
    }

    fn of(a: &FlowKey, b: &FlowKey) -> Self {
        let src = a.src_endpoint() == b.src_endpoint();
        let dst = a.dst_endpoint() == b.dst_endpoint();
        match (src, dst) {
            (true, true) => Self::Same,
            (false, false) => Self::Neither,
            _ => Self::OneEnd,
        }
    }
}

/// Pairs flows by their 5-tuples, then those that are left by what their packets carry.
pub(super) fn pairs(from: &Trace, to: &Trace) -> Vec<Pair> {
    let by_key: HashMap<FlowKey, usize> = used(to).map(|at| (to.flows[at].key, at)).collect();
    let mut taken = vec![false; to.flows.len()];
    let mut out = Vec::new();
    let mut left = Vec::new();
    for at in used(from) {
        match by_key.get(&from.flows[at].key) {
            Some(&other) => {
                taken[other] = true;
                out.push(Pair {
                    from: at,
                    to: other,
                    alike: Alike::Same,
                });
            }
            None => left.push(at),
        }
    }
    let others: Vec<usize> = used(to).filter(|at| !taken[*at]).collect();
    if !left.is_empty() && !others.is_empty() {
        out.extend(by_content(from, &left, to, &others));
    }
    out.sort_unstable();
    out
}

fn used(trace: &Trace) -> impl Iterator<Item = usize> + '_ {
    (0..trace.flows.len()).filter(|at| !trace.flows[*at].range.is_empty())
}

/// Votes of packets for pairs of flows.
#[derive(Debug, Default, Clone, Copy)]
struct Votes {
    /// Identities that both have.
    all: u32,
    /// Of those, identities that no other flow has at either point.
    own: u32,
}

fn by_content(from: &Trace, left: &[usize], to: &Trace, others: &[usize]) -> Vec<Pair> {
    let (a, b) = (identities(from, left), identities(to, others));
    let mut votes: BTreeMap<(u32, u32), Votes> = BTreeMap::new();
    let mut at = 0;
    for group in a.chunk_by(|one, two| one.0 == two.0) {
        let brief = group[0].0;
        at += b[at..].partition_point(|other| other.0 < brief);
        let end = at + b[at..].partition_point(|other| other.0 == brief);
        let found = &b[at..end];
        if found.is_empty() || group.len() * found.len() > MOST_SHARED {
            continue;
        }
        let own = u32::from(group.len() == 1 && found.len() == 1);
        for (_, one) in group {
            for (_, other) in found {
                let vote = votes.entry((*one, *other)).or_default();
                vote.all += 1;
                vote.own += own;
            }
        }
    }
    choose(from, to, votes)
}

/// The best pairs first; a flow is in one pair at most.
fn choose(from: &Trace, to: &Trace, votes: BTreeMap<(u32, u32), Votes>) -> Vec<Pair> {
    let mut ranked: Vec<(u32, Pair)> = votes
        .into_iter()
        .filter_map(|((one, other), votes)| {
            let (a, b) = (&from.flows[one as usize], &to.flows[other as usize]);
            let alike = Alike::of(&a.key, &b.key);
            let shared_end = alike == Alike::OneEnd;
            let enough = votes.all >= ENOUGH || (votes.own > 0 && shared_end);
            (enough && may_be(a, b)).then_some((
                votes.all.saturating_mul(if shared_end { 2 } else { 1 }),
                Pair {
                    from: one as usize,
                    to: other as usize,
                    alike,
                },
            ))
        })
        .collect();
    ranked.sort_by_key(|(score, pair)| (std::cmp::Reverse(*score), *pair));
    let mut taken = (vec![false; from.flows.len()], vec![false; to.flows.len()]);
    let free = |pair: &Pair, taken: &mut (Vec<bool>, Vec<bool>)| {
        let free = !taken.0[pair.from] && !taken.1[pair.to];
        if free {
            taken.0[pair.from] = true;
            taken.1[pair.to] = true;
        }
        free
    };
    ranked
        .into_iter()
        .filter(|(_, pair)| free(pair, &mut taken))
        .map(|(_, pair)| pair)
        .collect()
}

fn may_be(a: &Followed, b: &Followed) -> bool {
    a.key.protocol == b.key.protocol
}

/// The different identities of flows, sorted. Of long flows a part, the same part at every point.
fn identities(trace: &Trace, flows: &[usize]) -> Vec<(u64, u32)> {
    let mut out = Vec::new();
    for &flow in flows {
        let records = trace.records(flow);
        let one_in = (records.len() / MOST_A_FLOW + 1).next_power_of_two() as u64;
        let part = records
            .iter()
            .map(|record| record.brief)
            .filter(|brief| brief.rotate_left(32) & (one_in - 1) == 0);
        out.extend(part.map(|brief| (brief, flow as u32)));
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// Equal packets that make two flows one, when nothing else says so.
const ENOUGH: u32 = 3;
/// A packet that more flows have says nothing.
const MOST_SHARED: usize = 16;
/// Identities of one flow that are looked at, about.
const MOST_A_FLOW: usize = 4096;
