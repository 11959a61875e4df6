//! Marks as modular policies have them: classes in an order, each a set of packets of either family; the first class that
//! takes a packet marks it.

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{ClassKind, Dscp, FlowKey, PortMatch, PortRange, Protocol};

use crate::network::Section;
use crate::network::entry::{self, Entry};
use crate::network::queues::Queues;
use crate::read_back::Marking;

/// A transport protocol and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// The protocol.
    pub protocol: Protocol,
    /// Sender's ports; `None` for any.
    pub src: Option<PortRange>,
    /// Receiver's ports; `None` for any.
    pub dst: Option<PortRange>,
}

/// Packets of one family between addresses, of any of these services. An empty list of prefixes is any address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Sender's prefixes.
    pub src: Vec<IpNet>,
    /// Receiver's prefixes.
    pub dst: Vec<IpNet>,
    /// Protocols and ports.
    pub services: Vec<Service>,
}

/// Packets with one mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The mark.
    pub dscp: Dscp,
    /// The kind of traffic whose queue it waits in; `None` for the rest's.
    pub queue: Option<ClassKind>,
    /// Packets of IPv4, then of IPv6.
    pub terms: [Vec<Term>; 2],
}

/// What marks the packets of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The scope's short name.
    pub label: String,
    /// The classes, in order.
    pub classes: Vec<Class>,
    /// Whether packets of no class are set to DF.
    pub reset: bool,
    /// The interfaces that it is attached to.
    pub interfaces: Vec<String>,
    /// Whether lists of addresses and services are groups of their own.
    pub groups: bool,
    /// The interfaces that its packets leave through, for devices whose rules are about both ends.
    pub towards: Vec<String>,
    /// How many rules of the device are before its own, where they have numbers.
    pub before: usize,
}

impl Policy {
    /// A section's classes, with lists of addresses and services as they are.
    #[must_use]
    pub fn of(section: &Section, queues: &Queues, reset: bool) -> Self {
        Self {
            label: section.label.clone(),
            classes: entry::groups(&section.entries)
                .iter()
                .map(|(dscp, entries)| Class {
                    dscp: *dscp,
                    queue: queues.of(*dscp).map(|queue| queue.kind),
                    terms: [false, true].map(|v6| terms(entries, v6)),
                })
                .collect(),
            reset,
            interfaces: section.interfaces.clone(),
            groups: true,
            towards: Vec::new(),
            before: 0,
        }
    }

    /// The same with one address at most on each side of a term, and one service, as lines of access lists are.
    #[must_use]
    pub fn flat(section: &Section, queues: &Queues, reset: bool) -> Self {
        let mut out = Self::of(section, queues, reset);
        out.groups = false;
        for class in &mut out.classes {
            for terms in &mut class.terms {
                *terms = terms.iter().flat_map(Term::lines).collect();
            }
        }
        out
    }

    /// The terms of one family with their marks, in order.
    pub fn rules(&self, v6: bool) -> impl Iterator<Item = (Dscp, &Term)> {
        self.classes.iter().flat_map(move |class| {
            let terms = class.terms[usize::from(v6)].iter();
            terms.map(|term| (class.dscp, term))
        })
    }

    /// A policy of rules as [`Policy::rules`] gives them, IPv4 and IPv6 apart.
    #[must_use]
    pub fn from_rules(label: &str, rules: [Vec<(Dscp, Term)>; 2]) -> Self {
        let mut out = Self {
            label: label.to_owned(),
            ..Self::default()
        };
        for (family, rules) in rules.into_iter().enumerate() {
            let begins = out.classes.len();
            for (dscp, term) in rules {
                let goes_on = out.classes.len() > begins;
                match out.classes.last_mut() {
                    Some(class) if goes_on && class.dscp == dscp => class.terms[family].push(term),
                    _ => {
                        let mut terms = [Vec::new(), Vec::new()];
                        terms[family].push(term);
                        out.classes.push(Class {
                            dscp,
                            queue: None,
                            terms,
                        });
                    }
                }
            }
        }
        out
    }

    /// The same with classes of one family each.
    #[must_use]
    pub fn split(mut self) -> Self {
        let one = |class: Class| {
            let [v4, v6] = class.terms;
            [[v4, Vec::new()], [Vec::new(), v6]]
                .into_iter()
                .filter(|terms| terms.iter().any(|terms| !terms.is_empty()))
                .map(move |terms| Class {
                    terms,
                    dscp: class.dscp,
                    queue: class.queue,
                })
        };
        self.classes = self.classes.into_iter().flat_map(one).collect();
        self
    }

    /// The names of the classes: the mark, with a number where it comes again.
    #[must_use]
    pub fn class_names(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for (index, class) in self.classes.iter().enumerate() {
            let before = self.classes[..index]
                .iter()
                .filter(|one| one.dscp == class.dscp);
            let mark = mark_name(class.dscp);
            out.push(match before.count() {
                0 => mark,
                count => format!("{mark}-{}", count + 1),
            });
        }
        out
    }
}

impl Class {
    /// What sets packets of no class to DF.
    #[must_use]
    pub fn rest() -> Self {
        Self {
            dscp: Dscp::DF,
            queue: None,
            terms: [Vec::new(), Vec::new()],
        }
    }
}

impl Term {
    /// One term for each pair of addresses and service.
    #[must_use]
    pub fn lines(&self) -> Vec<Self> {
        let sides = |nets: &[IpNet]| -> Vec<Vec<IpNet>> {
            if nets.is_empty() {
                vec![Vec::new()]
            } else {
                nets.iter().map(|net| vec![*net]).collect()
            }
        };
        let mut out = Vec::new();
        for src in sides(&self.src) {
            for dst in sides(&self.dst) {
                out.extend(self.services.iter().map(|service| Self {
                    src: src.clone(),
                    dst: dst.clone(),
                    services: vec![*service],
                }));
            }
        }
        out
    }

    fn takes(&self, key: &FlowKey<'_>) -> bool {
        let nets = |nets: &[IpNet], address: IpAddr| {
            nets.is_empty() || nets.iter().any(|net| net.contains(&address))
        };
        let ports = |range: Option<PortRange>, port| range.is_none_or(|range| range.contains(port));
        let service = |one: &Service| {
            one.protocol == key.protocol
                && ports(one.src, key.src_port)
                && ports(one.dst, key.dst_port)
        };
        nets(&self.src, key.src) && nets(&self.dst, key.dst) && self.services.iter().any(service)
    }
}

impl Marking for Policy {
    fn mark(&self, key: &FlowKey<'_>) -> Option<Dscp> {
        let family = usize::from(key.src.is_ipv6());
        let takes = |class: &&Class| class.terms[family].iter().any(|term| term.takes(key));
        let class = self.classes.iter().find(takes);
        class
            .map(|class| class.dscp)
            .or(self.reset.then_some(Dscp::DF))
    }
}

/// A mark as a part of names: `EF`, `AF41`, or `D44` for one without a name that devices know.
#[must_use]
pub fn mark_name(dscp: Dscp) -> String {
    common_name(dscp).map_or_else(|| format!("D{}", dscp.value()), str::to_owned)
}

/// The name of a mark that every device knows: EF, AF and CS, and CS0 for DF; `None` for VA, LE and those without.
#[must_use]
pub fn common_name(dscp: Dscp) -> Option<&'static str> {
    match dscp.name() {
        Some("DF") => Some("CS0"),
        Some(name) if name == "EF" || name.starts_with("AF") || name.starts_with("CS") => {
            Some(name)
        }
        _ => None,
    }
}

/// A range of all ports is no condition.
#[must_use]
pub fn some_ports(ports: PortMatch) -> Option<PortRange> {
    ports
        .range()
        .filter(|range| range.count() <= u32::from(u16::MAX))
}

/// The entries of one family, those between the same addresses together.
fn terms(entries: &[Entry], v6: bool) -> Vec<Term> {
    let mut out: Vec<Term> = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.families()[usize::from(v6)])
    {
        let services: Vec<Service> = entry
            .protocols()
            .into_iter()
            .map(|protocol| Service {
                protocol,
                src: some_ports(entry.src_ports),
                dst: some_ports(entry.dst_ports),
            })
            .collect();
        let same = |term: &&mut Term| term.src == entry.src && term.dst == entry.dst;
        match out.iter_mut().find(same) {
            None => out.push(Term {
                src: entry.src.clone(),
                dst: entry.dst.clone(),
                services,
            }),
            Some(term) => {
                for service in services {
                    if !term.services.contains(&service) {
                        term.services.push(service);
                    }
                }
            }
        }
    }
    out
}
