//! One table: a hook, and what happens there to a packet, step by step.

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{Dscp, FlowKey, PortMatch, PortRange, Protocol};

use crate::network::entry::Entry;
use crate::read_back::Marking;

/// Where the table looks at packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Packets that programs of this host send.
    Output,
    /// Packets that a router forwards.
    Forward,
    /// Packets that a bridge forwards.
    Bridge,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Where it looks.
    pub hook: Hook,
    /// The interfaces that packets come in through; empty for any.
    pub interfaces: Vec<String>,
    /// What happens: the first step that takes a packet marks it.
    pub steps: Vec<Step>,
    /// Whether other packets are set to DF.
    pub reset: bool,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A verdict map by protocol and one port: disjoint ranges, ascending.
    Map {
        /// Whether it is the sender's port.
        by_source: bool,
        /// The ranges.
        elements: Vec<(Protocol, PortRange, Dscp)>,
    },
    /// A rule.
    Rule(Rule),
}

/// A rule. Empty lists are no condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Sender's prefixes, of one family.
    pub src: Vec<IpNet>,
    /// Receiver's prefixes, of one family.
    pub dst: Vec<IpNet>,
    /// Transport protocols.
    pub protocols: Vec<Protocol>,
    /// Sender's ports.
    pub src_ports: Option<PortRange>,
    /// Receiver's ports.
    pub dst_ports: Option<PortRange>,
    /// The mark.
    pub dscp: Dscp,
}

impl Table {
    /// A table for a list of entries.
    #[must_use]
    pub fn new(
        name: String,
        hook: Hook,
        interfaces: &[String],
        entries: &[Entry],
        reset: bool,
    ) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        for entry in entries {
            let Some((side, range)) = one_port(entry) else {
                steps.push(Step::Rule(rule(entry)));
                continue;
            };
            match steps.last_mut() {
                Some(Step::Map {
                    by_source,
                    elements,
                }) if *by_source == side => {
                    add(elements, &entry.protocols(), range, entry.dscp);
                }
                _ => {
                    let mut elements = Vec::new();
                    add(&mut elements, &entry.protocols(), range, entry.dscp);
                    steps.push(Step::Map {
                        by_source: side,
                        elements,
                    });
                }
            }
        }
        Self {
            name,
            hook,
            interfaces: interfaces.to_vec(),
            steps,
            reset,
        }
    }

    /// Every mark that it puts on by a step, ascending.
    #[must_use]
    pub fn marks(&self) -> Vec<Dscp> {
        let mut out: Vec<Dscp> = Vec::new();
        for step in &self.steps {
            match step {
                Step::Map { elements, .. } => out.extend(elements.iter().map(|(.., dscp)| *dscp)),
                Step::Rule(rule) => out.push(rule.dscp),
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The maps, in order.
    pub fn maps(&self) -> impl Iterator<Item = (bool, &[(Protocol, PortRange, Dscp)])> {
        self.steps.iter().filter_map(|step| match step {
            Step::Map {
                by_source,
                elements,
            } => Some((*by_source, elements.as_slice())),
            Step::Rule(_) => None,
        })
    }
}

impl Marking for Table {
    fn mark(&self, key: &FlowKey<'_>) -> Option<Dscp> {
        let planned = self.steps.iter().find_map(|step| match step {
            Step::Map {
                by_source,
                elements,
            } => {
                let port = if *by_source {
                    key.src_port
                } else {
                    key.dst_port
                };
                let hit = |(protocol, range, _): &&(Protocol, PortRange, Dscp)| {
                    *protocol == key.protocol && range.contains(port)
                };
                elements.iter().find(hit).map(|(.., dscp)| *dscp)
            }
            Step::Rule(rule) => rule.takes(key).then_some(rule.dscp),
        });
        planned.or(self.reset.then_some(Dscp::DF))
    }
}

impl Rule {
    fn takes(&self, key: &FlowKey<'_>) -> bool {
        let nets = |nets: &[IpNet], address: IpAddr| {
            nets.is_empty() || nets.iter().any(|net| net.contains(&address))
        };
        let ports = |range: Option<PortRange>, port| range.is_none_or(|range| range.contains(port));
        self.protocols.contains(&key.protocol)
            && nets(&self.src, key.src)
            && nets(&self.dst, key.dst)
            && ports(self.src_ports, key.src_port)
            && ports(self.dst_ports, key.dst_port)
    }
}

fn rule(entry: &Entry) -> Rule {
    Rule {
        src: entry.src.clone(),
        dst: entry.dst.clone(),
        protocols: entry.protocols(),
        src_ports: some(entry.src_ports),
        dst_ports: some(entry.dst_ports),
        dscp: entry.dscp,
    }
}

/// The one port condition of an entry that has no other but the protocol: whether it is the sender's, and its range.
fn one_port(entry: &Entry) -> Option<(bool, PortRange)> {
    let no_nets = entry.src.is_empty() && entry.dst.is_empty();
    match (some(entry.src_ports), some(entry.dst_ports)) {
        (Some(range), None) if no_nets => Some((true, range)),
        (None, Some(range)) if no_nets => Some((false, range)),
        _ => None,
    }
}

/// A range of all ports is no condition.
fn some(ports: PortMatch) -> Option<PortRange> {
    ports
        .range()
        .filter(|range| range.count() <= u32::from(u16::MAX))
}

/// Adds what is free of a range to a map; what is there stays, as it comes first.
fn add(
    elements: &mut Vec<(Protocol, PortRange, Dscp)>,
    protocols: &[Protocol],
    range: PortRange,
    dscp: Dscp,
) {
    for &protocol in protocols {
        let mut next = Some(range.first());
        let mut free = Vec::new();
        for (_, taken, _) in elements.iter().filter(|(one, ..)| *one == protocol) {
            let Some(from) = next else { break };
            if taken.last() < from || taken.first() > range.last() {
                continue;
            }
            free.extend(
                taken
                    .first()
                    .checked_sub(1)
                    .and_then(|last| PortRange::try_new(from, last)),
            );
            next = taken
                .last()
                .checked_add(1)
                .filter(|from| *from <= range.last());
        }
        free.extend(next.and_then(|from| PortRange::try_new(from, range.last())));
        elements.extend(free.into_iter().map(|range| (protocol, range, dscp)));
        elements.sort_unstable_by_key(|(protocol, range, _)| (*protocol, *range));
    }
    // Ranges that touch and mark alike are one.
    elements.dedup_by(|next, before| {
        let joins = before.0 == next.0 && before.2 == next.2 && before.1.is_followed_by(next.1);
        if joins {
            before.1 = PortRange::try_new(before.1.first(), next.1.last()).expect("ascending");
        }
        joins
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::range;

    #[test]
    fn a_map_keeps_what_came_first() {
        let mut map = Vec::new();
        let udp = [Protocol::Udp];
        add(&mut map, &udp, range(100, 200), Dscp::EF);
        add(&mut map, &udp, range(50, 300), Dscp::AF41);
        add(&mut map, &udp, range(301, 301), Dscp::AF41);
        add(&mut map, &udp, range(0, 65535), Dscp::DF);
        let text: Vec<String> = map
            .iter()
            .map(|(_, range, dscp)| format!("{range} {}", dscp.value()))
            .collect();
        assert_eq!(
            text,
            [
                "0-49 0",
                "50-99 34",
                "100-200 46",
                "201-301 34",
                "302-65535 0"
            ]
        );
    }
}
