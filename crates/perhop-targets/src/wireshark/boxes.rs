//! The packets of a policy as a capture shows them: no process, no scope, only addresses, ports and protocol.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use perhop_policy::overlap::{AddressFamily, Space, number};
use perhop_policy::{PolicySet, Protocol, Region, ScopeId};

/// Numbers as sorted, disjoint, inclusive intervals that do not touch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Set(Vec<(u128, u128)>);

impl Set {
    /// From intervals in any order.
    pub(super) fn new(mut intervals: Vec<(u128, u128)>) -> Self {
        intervals.sort_unstable();
        let mut out: Vec<(u128, u128)> = Vec::new();
        for (first, last) in intervals {
            match out.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => out.push((first, last)),
            }
        }
        Self(out)
    }

    pub(super) fn as_slice(&self) -> &[(u128, u128)] {
        &self.0
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn intersection(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|a| {
            other
                .0
                .iter()
                .map(move |b| (a.0.max(b.0), a.1.min(b.1)))
                .filter(|(first, last)| first <= last)
        });
        Self::new(pairs.collect())
    }

    /// Everything else from 0 to `highest`.
    pub(super) fn complement(&self, highest: u128) -> Self {
        let mut out = Vec::new();
        let mut next = Some(0);
        for &(first, last) in &self.0 {
            let Some(from) = next else { break };
            if first > from {
                out.push((from, first - 1));
            }
            next = (last < highest).then(|| last + 1);
        }
        out.extend(next.map(|from| (from, highest)));
        Self(out)
    }

    /// Whether it is everything from 0 to `highest`.
    pub(super) fn is_all(&self, highest: u128) -> bool {
        self.0 == [(0, highest)]
    }
}

/// A condition on both addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Addresses {
    /// Any, of either family.
    Any,
    /// Of one family; a side is `None` when any address will do.
    Of {
        /// The family.
        v6: bool,
        /// Sender's addresses as numbers.
        src: Option<Set>,
        /// Receiver's addresses as numbers.
        dst: Option<Set>,
    },
}

/// Packets that satisfy all of these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packets {
    /// Addresses.
    pub(super) addresses: Addresses,
    /// Whether UDP is taken.
    pub(super) udp: bool,
    /// Whether TCP is taken.
    pub(super) tcp: bool,
    /// Receiver's ports.
    pub(super) dst_ports: Set,
    /// Sender's ports.
    pub(super) src_ports: Set,
}

/// The packets that the plan has under the regions that are chosen, as few boxes.
pub(super) fn packets(policy: &PolicySet, chosen: &dyn Fn(&Region) -> bool) -> Vec<Packets> {
    let mut out: Vec<Packets> = Vec::new();
    for scope in policy.scope_ids() {
        for region in policy.regions(scope).iter().filter(|region| chosen(region)) {
            out.extend(of_region(policy, scope, &region.space));
        }
    }
    join(out)
}

/// The highest port.
pub(super) const HIGHEST_PORT: u128 = 0xffff;

fn of_region(policy: &PolicySet, scope: ScopeId, space: &Space) -> Option<Packets> {
    let v6 = space.family == AddressFamily::V6;
    let highest = highest_address(v6);
    let placed = Set::new(space.src.as_slice().to_vec()).intersection(&place(
        policy,
        scope,
        space.family,
        highest,
    ));
    if placed.is_empty() {
        return None;
    }
    let side = |set: &Set| (!set.is_all(highest)).then(|| set.clone());
    let dst = Set::new(space.dst.as_slice().to_vec());
    Some(Packets {
        addresses: Addresses::Of {
            v6,
            src: side(&placed),
            dst: side(&dst),
        },
        udp: space.has_protocol(Protocol::Udp),
        tcp: space.has_protocol(Protocol::Tcp),
        dst_ports: Set::new(space.dst_ports.as_slice().to_vec()),
        src_ports: Set::new(space.src_ports.as_slice().to_vec()),
    })
}

/// Where the hosts of a scope are: at its own addresses; without any, where no other scope of its role is.
fn place(policy: &PolicySet, scope: ScopeId, family: AddressFamily, highest: u128) -> Set {
    let own = policy.scope(scope);
    if !own.addresses.is_empty() {
        return set_of(&own.addresses, family);
    }
    let others: Vec<IpNet> = policy
        .scopes()
        .iter()
        .filter(|other| other.role == own.role)
        .flat_map(|other| other.addresses.iter().copied())
        .collect();
    set_of(&others, family).complement(highest)
}

fn set_of(nets: &[IpNet], family: AddressFamily) -> Set {
    let own = nets
        .iter()
        .filter(|net| AddressFamily::of(net.network()) == family);
    Set::new(
        own.map(|net| (number(net.network()), number(net.broadcast())))
            .collect(),
    )
}

/// A set of addresses as prefixes.
pub(super) fn nets(v6: bool, set: &Set) -> Vec<IpNet> {
    let mut out = Vec::new();
    for &(first, last) in set.as_slice() {
        if v6 {
            out.extend(Ipv6Subnets::new(first.into(), last.into(), 0).map(IpNet::from));
        } else {
            let [first, last] =
                [first, last].map(|number| u32::try_from(number).expect("IPv4 ends at 2^32 - 1"));
            out.extend(Ipv4Subnets::new(first.into(), last.into(), 0).map(IpNet::from));
        }
    }
    out
}

/// The highest address of a family.
pub(super) fn highest_address(v6: bool) -> u128 {
    if v6 { u128::MAX } else { u128::from(u32::MAX) }
}

/// Joins boxes that differ in one condition only.
fn join(mut boxes: Vec<Packets>) -> Vec<Packets> {
    boxes.sort();
    boxes.dedup();
    join_families(&mut boxes);
    join_ports(&mut boxes, |one| &mut one.src_ports);
    join_ports(&mut boxes, |one| &mut one.dst_ports);
    boxes.sort();
    boxes
}

/// Two boxes for any address, one of each family, are one for any address.
fn join_families(boxes: &mut Vec<Packets>) {
    let any = |v6| Addresses::Of {
        v6,
        src: None,
        dst: None,
    };
    let as_v4 = |one: &Packets| Packets {
        addresses: any(false),
        ..one.clone()
    };
    let (v6, rest): (BTreeSet<Packets>, Vec<Packets>) = (
        boxes
            .iter()
            .filter(|one| one.addresses == any(true))
            .map(as_v4)
            .collect(),
        boxes
            .iter()
            .filter(|one| one.addresses != any(true))
            .cloned()
            .collect(),
    );
    let mut left = v6;
    *boxes = rest;
    for one in boxes.iter_mut().filter(|one| one.addresses == any(false)) {
        if left.remove(one) {
            one.addresses = Addresses::Any;
        }
    }
    boxes.extend(left.into_iter().map(|one| Packets {
        addresses: any(true),
        ..one
    }));
}

fn join_ports(boxes: &mut Vec<Packets>, side: fn(&mut Packets) -> &mut Set) {
    let mut out: BTreeMap<Packets, Vec<(u128, u128)>> = BTreeMap::new();
    for mut one in std::mem::take(boxes) {
        let own = std::mem::replace(side(&mut one), Set(Vec::new()));
        out.entry(one).or_default().extend(own.0);
    }
    boxes.extend(out.into_iter().map(|(mut one, intervals)| {
        *side(&mut one) = Set::new(intervals);
        one
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_exact() {
        let set = Set::new(vec![(5, 9), (0, 2), (3, 3), (20, 30)]);
        assert_eq!(set.as_slice(), [(0, 3), (5, 9), (20, 30)]);
        assert_eq!(set.complement(40).as_slice(), [(4, 4), (10, 19), (31, 40)]);
        assert_eq!(
            Set::new(vec![(0, u128::MAX)])
                .complement(u128::MAX)
                .as_slice(),
            []
        );
        assert!(Set::new(vec![]).complement(7).is_all(7));
        assert_eq!(
            set.intersection(&Set::new(vec![(2, 6), (25, 99)]))
                .as_slice(),
            [(2, 3), (5, 6), (25, 30)]
        );
    }

    #[test]
    fn intervals_become_prefixes() {
        let text = |v6, set: Vec<(u128, u128)>| -> Vec<String> {
            let nets = nets(v6, &Set::new(set));
            nets.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            text(false, vec![(0x0a00_0001, 0x0a00_0004)]),
            ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32"]
        );
        assert_eq!(text(true, vec![(0, u128::MAX)]), ["::/0"]);
    }
}
