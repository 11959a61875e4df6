//! What Windows makes of policies: which one wins for which packets, as regions that do not overlap.

pub(crate) mod network;

use std::cmp::Ordering;

use perhop_policy::Dscp;
use perhop_policy::overlap::{self, Space};

use crate::policy::HostPolicy;
use crate::policy::lint::outranks;

/// Packets that one policy wins.
#[derive(Debug, Clone)]
pub(crate) struct Won {
    /// The policy's index.
    pub(crate) policy: usize,
    /// What it puts on; `None` when it does not mark.
    pub(crate) dscp: Option<Dscp>,
    /// The packets.
    pub(crate) space: Space,
}

/// Who wins what among these policies; those that Windows does not apply win nothing. Where nothing decides, the first
/// wins. `None` when they overlap in more ways than can be told.
pub(crate) fn resolve(policies: &[&HostPolicy]) -> Option<Vec<Won>> {
    let own: Vec<(usize, &HostPolicy, Vec<Space>)> = policies
        .iter()
        .enumerate()
        .filter(|(_, policy)| policy.sound)
        .map(|(index, policy)| (index, *policy, Space::of(&policy.statement(0))))
        .collect();
    if own.len() > MOST_POLICIES {
        return None;
    }
    let mut out = Vec::new();
    for (index, policy, spaces) in &own {
        let mut left = spaces.clone();
        for (other_index, other, taken) in &own {
            let wins = match outranks(other, policy) {
                Ordering::Greater => true,
                Ordering::Equal => other_index < index,
                Ordering::Less => false,
            };
            if wins {
                left = overlap::subtract(left, taken);
                if out.len() + left.len() > MOST_REGIONS {
                    return None;
                }
            }
        }
        out.extend(left.into_iter().map(|space| Won {
            policy: *index,
            dscp: policy.dscp,
            space,
        }));
    }
    Some(out)
}

/// More than any host has.
const MOST_POLICIES: usize = 3000;
/// More than any host's policies need.
const MOST_REGIONS: usize = 10_000;
