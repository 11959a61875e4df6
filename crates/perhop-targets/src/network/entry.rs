//! A scope's rules as devices read them: a list in which the first entry that takes a packet marks it.
//!
//! The plan's precedence (`perhop_policy::precedence`) puts the most specific rule first. Sorted by it, the first
//! statement that takes a packet is one that no other outranks; the policy set has proved that all such agree on the
//! mark. So the list answers as the policy does, without cutting rules into disjoint pieces. A device sees no process:
//! statements lose their application here, and what that costs is told as losses.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use ipnet::IpNet;
use perhop_policy::{
    AppMatch, Dscp, Loss, LossKind, PolicySet, PortMatch, Protocol, ProtocolMatch, RuleId, ScopeId,
    Statement,
};

/// Packets and their mark. Address lists are of one family, or empty for any address of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// TCP, UDP or both.
    pub protocol: ProtocolMatch,
    /// Sender's prefixes.
    pub src: Vec<IpNet>,
    /// Receiver's prefixes.
    pub dst: Vec<IpNet>,
    /// Sender's ports.
    pub src_ports: PortMatch,
    /// Receiver's ports.
    pub dst_ports: PortMatch,
    /// The mark.
    pub dscp: Dscp,
    /// The rules that it comes from, ascending.
    pub rules: Vec<RuleId>,
}

/// What a device holds for one scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// The list, first match wins.
    pub entries: Vec<Entry>,
    /// The rules that are in it, ascending, each with what is lost.
    pub rules: Vec<(RuleId, Vec<Loss>)>,
}

/// The list for the rules of a scope that are wanted. Rules of the scope that outrank one of them for some packets, and
/// mark differently, are in it too.
#[must_use]
pub fn marks(policy: &PolicySet, scope: ScopeId, wanted: impl Fn(RuleId) -> bool) -> Marks {
    let mut own: Vec<(Statement, Entry)> = policy
        .statements()
        .iter()
        .filter(|statement| statement.scope == scope)
        .map(|statement| (statement.clone(), Entry::of(statement)))
        .collect();
    own.sort_by_key(|(statement, _)| Reverse(place(statement)));
    let mut taken: BTreeSet<RuleId> = own
        .iter()
        .map(|(statement, _)| statement.rule)
        .filter(|rule| wanted(*rule))
        .collect();
    while let Some(rules) = carving(&own, &taken) {
        taken.extend(rules);
    }
    own.retain(|(statement, _)| taken.contains(&statement.rule));
    let rules = losses(&own);
    Marks {
        entries: merged(own.into_iter().map(|(_, entry)| entry)),
        rules,
    }
}

/// A statement's place: the higher comes first. An order of the plan's precedence made total: where precedence says
/// that one statement outranks another, its place is higher.
#[must_use]
pub fn place(statement: &Statement) -> (u8, usize, [bool; 5], u16) {
    let conditions = [
        statement.src.is_some(),
        statement.dst.is_some(),
        statement.src_ports.0 != PortMatch::Any,
        statement.dst_ports.0 != PortMatch::Any,
        statement.protocol != ProtocolMatch::Both,
    ];
    let count = conditions.into_iter().filter(|set| *set).count();
    let length = |net: Option<IpNet>| net.map_or(0, |net| u16::from(net.prefix_len()));
    (
        statement.app.rank(),
        count,
        conditions,
        length(statement.src) + length(statement.dst),
    )
}

impl Entry {
    fn of(statement: &Statement) -> Self {
        Self {
            protocol: statement.protocol,
            src: statement.src.into_iter().map(|net| net.trunc()).collect(),
            dst: statement.dst.into_iter().map(|net| net.trunc()).collect(),
            src_ports: statement.src_ports.0,
            dst_ports: statement.dst_ports.0,
            dscp: statement.dscp,
            rules: vec![statement.rule],
        }
    }

    /// Whether it takes packets of IPv4, and of IPv6.
    #[must_use]
    pub fn families(&self) -> [bool; 2] {
        match self.src.first().or_else(|| self.dst.first()) {
            None => [true, true],
            Some(IpNet::V4(_)) => [true, false],
            Some(IpNet::V6(_)) => [false, true],
        }
    }

    /// The protocols that it takes.
    #[must_use]
    pub fn protocols(&self) -> Vec<Protocol> {
        [Protocol::Udp, Protocol::Tcp]
            .into_iter()
            .filter(|one| self.protocol.matches(*one))
            .collect()
    }

    /// Whether two entries take a packet in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let (a, b) = (self.families(), other.families());
        let protocols = match (self.protocol, other.protocol) {
            (ProtocolMatch::Only(a), ProtocolMatch::Only(b)) => a == b,
            _ => true,
        };
        let ports = |a: PortMatch, b: PortMatch| a.span().intersection(b.span()).is_some();
        let nets = |a: &[IpNet], b: &[IpNet]| {
            let touch = |one: &IpNet| b.iter().any(|two| one.contains(two) || two.contains(one));
            a.is_empty() || b.is_empty() || a.iter().any(touch)
        };
        (a[0] && b[0] || a[1] && b[1])
            && protocols
            && ports(self.src_ports, other.src_ports)
            && ports(self.dst_ports, other.dst_ports)
            && nets(&self.src, &other.src)
            && nets(&self.dst, &other.dst)
    }

    /// Whether two entries take a packet in common and mark it differently.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        self.dscp != other.dscp && self.meets(other)
    }

    /// Whether every packet that it takes is taken by `other`; false when in doubt.
    fn is_inside(&self, other: &Self) -> bool {
        let (a, b) = (self.families(), other.families());
        let ports = |a: PortMatch, b: PortMatch| b.span().contains_range(a.span());
        let nets = |a: &[IpNet], b: &[IpNet]| {
            let inside = |one: &IpNet| b.iter().any(|two| two.contains(one));
            b.is_empty() || (!a.is_empty() && a.iter().all(inside))
        };
        (!a[0] || b[0])
            && (!a[1] || b[1])
            && (other.protocol == ProtocolMatch::Both || self.protocol == other.protocol)
            && ports(self.src_ports, other.src_ports)
            && ports(self.dst_ports, other.dst_ports)
            && nets(&self.src, &other.src)
            && nets(&self.dst, &other.dst)
    }
}

/// Entries in the order of their marks: each mark's entries together as far as order allows. First group that takes a
/// packet marks it.
#[must_use]
pub fn groups(entries: &[Entry]) -> Vec<(Dscp, Vec<Entry>)> {
    let mut out: Vec<(Dscp, Vec<Entry>)> = Vec::new();
    for entry in entries {
        let mut at = None;
        for (index, (dscp, group)) in out.iter().enumerate().rev() {
            if *dscp == entry.dscp {
                at = Some(index);
            } else if group.iter().any(|one| one.meets(entry)) {
                break;
            }
        }
        match at {
            Some(index) => out[index].1.push(entry.clone()),
            None => out.push((entry.dscp, vec![entry.clone()])),
        }
    }
    out
}

/// The rules that outrank one of those taken for some packets, mark differently, and are not taken themselves. They are
/// taken whole, so that what is said of a rule holds for all of it.
fn carving(own: &[(Statement, Entry)], taken: &BTreeSet<RuleId>) -> Option<BTreeSet<RuleId>> {
    let mut out = BTreeSet::new();
    for (at, (later, entry)) in own.iter().enumerate() {
        if taken.contains(&later.rule) {
            let carve = |(statement, earlier): &&(Statement, Entry)| {
                !taken.contains(&statement.rule) && earlier.contradicts(entry)
            };
            out.extend(
                own[..at]
                    .iter()
                    .filter(carve)
                    .map(|(statement, _)| statement.rule),
            );
        }
    }
    (!out.is_empty()).then_some(out)
}

/// What each rule of an ordered list loses where no process is seen.
fn losses(own: &[(Statement, Entry)]) -> Vec<(RuleId, Vec<Loss>)> {
    let mut ids: Vec<RuleId> = own.iter().map(|(statement, _)| statement.rule).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut out: Vec<(RuleId, Vec<Loss>)> = ids.into_iter().map(|id| (id, Vec::new())).collect();
    for (index, (statement, entry)) in own.iter().enumerate() {
        let mut lost = Vec::new();
        if statement.app != AppMatch::Any {
            lost.push(loss(
                LossKind::WiderApplication,
                "packets do not say which application sent them",
            ));
        }
        let takes_ours = |(other, earlier): &&(Statement, Entry)| {
            let same = other.app.rank() == statement.app.rank()
                && other.app.intersection(&statement.app).is_some();
            !same && earlier.contradicts(entry)
        };
        if own[..index].iter().any(|one| takes_ours(&one)) {
            lost.push(loss(
                LossKind::NarrowerApplication,
                "a rule for another application has some of the same packets, with another mark, and packets do not \
                 say which application sent them",
            ));
        }
        let at = out.binary_search_by_key(&statement.rule, |(id, _)| *id);
        let known = &mut out[at.expect("listed above")].1;
        for one in lost {
            if !known.contains(&one) {
                known.push(one);
            }
        }
    }
    out
}

fn loss(kind: LossKind, reason: &str) -> Loss {
    Loss {
        kind,
        reason: reason.to_owned(),
    }
}

/// The same list with fewer entries: none that an earlier one hides, and those that differ in one address list as one.
fn merged(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    for entry in entries {
        if let Some(hides) = out.iter_mut().find(|one| entry.is_inside(one)) {
            if hides.dscp == entry.dscp {
                join_rules(hides, &entry);
            }
        } else {
            out.push(entry);
        }
    }
    let out = without_covered(out);
    let out = joined(out, |a, b| a.src == b.src, |entry| &mut entry.dst);
    joined(out, |a, b| a.dst == b.dst, |entry| &mut entry.src)
}

/// Leaves out entries whose packets a later one takes with the same mark, when nothing between marks them differently.
fn without_covered(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut at = 0;
    while at < entries.len() {
        let mut covered = None;
        for later in at + 1..entries.len() {
            if entries[later].contradicts(&entries[at]) {
                break;
            }
            if entries[later].dscp == entries[at].dscp && entries[at].is_inside(&entries[later]) {
                covered = Some(later);
                break;
            }
        }
        match covered {
            Some(later) => {
                let entry = entries.remove(at);
                join_rules(&mut entries[later - 1], &entry);
            }
            None => at += 1,
        }
    }
    entries
}

/// Joins entries that are the same but for one list of prefixes, when none between takes their packets differently.
fn joined(
    entries: Vec<Entry>,
    same: fn(&Entry, &Entry) -> bool,
    side: fn(&mut Entry) -> &mut Vec<IpNet>,
) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    for mut entry in entries {
        let mut at = None;
        for (index, one) in out.iter_mut().enumerate().rev() {
            let alike = one.dscp == entry.dscp
                && one.protocol == entry.protocol
                && one.src_ports == entry.src_ports
                && one.dst_ports == entry.dst_ports
                && one.families() == entry.families()
                && same(one, &entry)
                && !side(one).is_empty()
                && !side(&mut entry).is_empty();
            if alike {
                at = Some(index);
                break;
            }
            if one.contradicts(&entry) {
                break;
            }
        }
        match at {
            Some(index) => {
                let nets = std::mem::take(side(&mut entry));
                let known = side(&mut out[index]);
                known.extend(nets);
                *known = IpNet::aggregate(known);
                join_rules(&mut out[index], &entry);
            }
            None => out.push(entry),
        }
    }
    out
}

fn join_rules(entry: &mut Entry, other: &Entry) {
    entry.rules.extend(&other.rules);
    entry.rules.sort_unstable();
    entry.rules.dedup();
}
