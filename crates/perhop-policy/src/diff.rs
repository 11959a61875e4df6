//! What a change of policy does to packets: the regions where two sets of marks and rates differ, exactly.

use perhop_wire::field::Dscp;

use crate::overlap::{self, AddressFamily, Space};
use crate::rate::Rate;
use crate::set::PolicySet;

/// Packets of one sender that get one mark and are kept to one rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The sender's name.
    pub scope: String,
    /// The rule or policy that marks them.
    pub rule: String,
    /// The mark.
    pub dscp: Dscp,
    /// The most that a host sends of them.
    pub throttle: Option<Rate>,
    /// The packets.
    pub space: Space,
}

/// What is done to packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The mark.
    pub dscp: Dscp,
    /// The most that a host sends of them.
    pub throttle: Option<Rate>,
    /// The rule or policy.
    pub rule: String,
}

/// Packets whose mark or rate changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The sender's name.
    pub scope: String,
    /// The packets.
    pub space: Space,
    /// Whether packets of the other address family change alike.
    pub both_families: bool,
    /// What was done to them before; `None` for nothing.
    pub old: Option<Done>,
    /// What is done to them after.
    pub new: Option<Done>,
}

impl Change {
    /// The rates before and after, where they differ.
    #[must_use]
    pub fn rates(&self) -> Option<[Option<Rate>; 2]> {
        let rates = [&self.old, &self.new].map(|side| side.as_ref().and_then(|one| one.throttle));
        (rates[0] != rates[1]).then_some(rates)
    }

    /// Whether the mark changes, not the rate alone.
    #[must_use]
    pub fn is_of_mark(&self) -> bool {
        let mark = |side: &Option<Done>| side.as_ref().map(|one| one.dscp);
        mark(&self.old) != mark(&self.new)
    }
}

/// The marks and rates of a policy set.
#[must_use]
pub fn marked(policy: &PolicySet) -> Vec<Marked> {
    policy
        .scope_ids()
        .flat_map(|scope| policy.regions(scope))
        .map(|region| Marked {
            scope: policy.scope(region.scope).name.clone(),
            rule: policy.rule(region.rule).name.clone(),
            dscp: region.dscp,
            throttle: policy.rule(region.rule).throttle,
            space: region.space.clone(),
        })
        .collect()
}

/// Every packet whose mark or rate differs between two sets of them, as boxes that do not overlap.
///
/// Within one set, those of one sender must not contradict each other. A place of its own that only one side has, such
/// as `clients@Redmond`, is compared with what its hosts have on the other side, the marks of `clients`.
#[must_use]
pub fn diff(old: &[Marked], new: &[Marked]) -> Vec<Change> {
    let mut scopes: Vec<&str> = Vec::new();
    for one in old.iter().chain(new) {
        if !scopes.contains(&one.scope.as_str()) {
            scopes.push(&one.scope);
        }
    }
    let mut out = Vec::new();
    for scope in scopes {
        let (before, after) = (of_scope(old, scope), of_scope(new, scope));
        let mut changes = Vec::new();
        for (one, space) in &before {
            let mut left = vec![space.clone()];
            for (other, taken) in &after {
                if (one.dscp, one.throttle) != (other.dscp, other.throttle)
                    && let Some(meet) = space.intersection(taken)
                {
                    changes.push(change(scope, meet, Some(one), Some(other)));
                }
                left = overlap::subtract(left, std::slice::from_ref(taken));
            }
            changes.extend(
                left.into_iter()
                    .map(|space| change(scope, space, Some(one), None)),
            );
        }
        for (one, space) in &after {
            let taken: Vec<Space> = before.iter().map(|(_, space)| space.clone()).collect();
            let left = overlap::subtract(vec![space.clone()], &taken);
            changes.extend(
                left.into_iter()
                    .map(|space| change(scope, space, None, Some(one))),
            );
        }
        out.extend(both_families(changes));
    }
    out
}

fn change(scope: &str, space: Space, old: Option<&Marked>, new: Option<&Marked>) -> Change {
    let side = |one: Option<&Marked>| {
        one.map(|one| Done {
            dscp: one.dscp,
            throttle: one.throttle,
            rule: one.rule.clone(),
        })
    };
    Change {
        scope: scope.to_owned(),
        space,
        both_families: false,
        old: side(old),
        new: side(new),
    }
}

/// The marks that a sender's hosts have, without overlaps: its own, else those of its role.
fn of_scope<'a>(all: &'a [Marked], scope: &str) -> Vec<(&'a Marked, Space)> {
    let own =
        |name: &str| -> Vec<&'a Marked> { all.iter().filter(|one| one.scope == name).collect() };
    let mut found = own(scope);
    if found.is_empty()
        && let Some((role, _)) = scope.split_once('@')
    {
        found = own(role);
    }
    let mut out: Vec<(&Marked, Space)> = Vec::new();
    for one in found {
        let taken: Vec<Space> = out.iter().map(|(_, space)| space.clone()).collect();
        let left = overlap::subtract(vec![one.space.clone()], &taken);
        out.extend(left.into_iter().map(|space| (one, space)));
    }
    out
}

/// One change for two that are alike but for the address family.
fn both_families(changes: Vec<Change>) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    for one in changes {
        let twin = out.iter_mut().find(|other| {
            !other.both_families
                && other.old == one.old
                && other.new == one.new
                && other.space.is_any_address()
                && one.space.is_any_address()
                && other.space.family == AddressFamily::V4
                && one.space.family == AddressFamily::V6
                && other.space.is_same_but_for_addresses(&one.space)
        });
        match twin {
            Some(twin) => twin.both_families = true,
            None => out.push(one),
        }
    }
    out
}
