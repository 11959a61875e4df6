//! Access lists and object groups of the IOS kind, and the classes of AOS-CX, which are lists too.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use perhop_policy::{PortRange, Protocol};
use perhop_targets::network::lists::find;
use perhop_targets::network::model::{Service, Term};
use perhop_targets::syntax::ios::{Node, Words};

/// As many addresses and services may be written out in all: groups used by lists used by classes multiply.
const MOST: usize = 1 << 18;

/// A line that has no form here.
#[derive(Debug, Clone)]
pub(super) struct Strange {
    /// Its number, from 1.
    pub(super) line: usize,
    /// Its words.
    pub(super) text: String,
    /// What it belongs to, such as `class-map VOICE`.
    pub(super) place: String,
}

/// A line of a list.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) line: usize,
    /// Whether it takes packets, or keeps them from the lines below it.
    pub(super) takes: bool,
    /// Which.
    pub(super) term: Term,
}

/// A list.
#[derive(Debug, Clone, Default)]
pub(super) struct List {
    /// Lines for IPv4, and for IPv6.
    pub(super) lines: [Vec<Line>; 2],
    /// Lines that are not understood.
    pub(super) strange: Vec<Strange>,
    /// The groups that it uses.
    groups: BTreeSet<String>,
}

/// Lists by name.
#[derive(Default)]
pub(super) struct Lists<'a> {
    networks: Vec<(&'a str, Vec<IpNet>)>,
    services: Vec<(&'a str, Vec<Service>)>,
    /// Of groups, by the group.
    strange: Vec<(&'a str, Strange)>,
    all: Vec<(&'a str, List)>,
    /// How much has been written out.
    spent: Cell<usize>,
}

/// How the lines of a list are written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// The sender's address only.
    Standard,
    /// Wildcards or prefixes.
    Extended,
    /// Prefixes, and addresses without a word before.
    Bare,
}

/// What a line is.
enum Read {
    Line(bool, Term),
    /// About another protocol than UDP and TCP.
    Elsewhere,
}

impl<'a> Lists<'a> {
    /// Every group and list of a configuration.
    pub(super) fn of(nodes: &[Node<'a>]) -> Self {
        let mut out = Self::default();
        for node in nodes {
            out.group(node);
        }
        for node in nodes {
            out.list(node);
        }
        out
    }

    /// A list by its name.
    pub(super) fn find(&self, name: &str) -> Option<&List> {
        find(&self.all, name)
    }

    /// What is not understood in the groups of a list.
    pub(super) fn of_groups(&self, list: &List) -> impl Iterator<Item = &Strange> {
        self.strange
            .iter()
            .filter(|(name, _)| list.groups.contains(*name))
            .map(|(_, strange)| strange)
    }

    /// Whether so many more may be written out.
    pub(super) fn affords(&self, more: usize) -> Option<()> {
        let spent = self.spent.get().saturating_add(more);
        self.spent.set(spent.min(MOST));
        (spent <= MOST).then_some(())
    }

    fn group(&mut self, node: &Node<'a>) {
        match node.words[..] {
            ["object-group", "network", name] => {
                let nets = self.members(node, name, network_member);
                self.networks.push((name, nets));
            }
            ["object-group", "ip" | "ipv6", "address", name] => {
                let nets = self.members(node, name, network_member);
                self.networks.push((name, nets));
            }
            ["object-group", "service", name] => {
                let services = self.members(node, name, service_member);
                let services = services.into_iter().flatten().collect();
                self.services.push((name, services));
            }
            _ => {}
        }
    }

    fn members<T>(
        &mut self,
        node: &Node<'a>,
        name: &'a str,
        read: fn(&[&str]) -> Option<T>,
    ) -> Vec<T> {
        let mut out = Vec::new();
        for below in lines(node) {
            match read(&below.words) {
                Some(member) => out.push(member),
                None if below.words[0] == "description" => {}
                None => self.strange.push((name, strange(below, &node.words))),
            }
        }
        out
    }

    fn list(&mut self, node: &Node<'a>) {
        let (name, v6, form) = match node.words[..] {
            ["ip", "access-list", "standard", name] => (name, false, Form::Standard),
            ["ip", "access-list", "extended", name] | ["ip", "access-list", name] => {
                (name, false, Form::Extended)
            }
            ["ipv6", "access-list", name] => (name, true, Form::Extended),
            ["class", "ip", name] => (name, false, Form::Bare),
            ["class", "ipv6", name] => (name, true, Form::Bare),
            ["access-list", name, ref line @ ..] => {
                let form = match name.parse::<u32>() {
                    Ok(1..=99 | 1300..=1999) => Form::Standard,
                    _ => Form::Extended,
                };
                let mut list = List::default();
                self.line(&mut list, node, name, line, (false, form));
                self.push(name, list);
                return;
            }
            _ => return,
        };
        let mut list = List::default();
        for below in lines(node) {
            let mut words = &below.words[..];
            if words.first() == Some(&"sequence") {
                words = &words[1..];
            }
            if words
                .first()
                .is_some_and(|word| word.parse::<u32>().is_ok())
            {
                words = &words[1..];
            }
            self.line(&mut list, below, name, words, (v6, form));
        }
        self.push(name, list);
    }

    /// Adds a list, or more lines of a list that is there.
    fn push(&mut self, name: &'a str, list: List) {
        match self.all.iter_mut().find(|(one, _)| *one == name) {
            None => self.all.push((name, list)),
            Some((_, known)) => {
                for (known, more) in known.lines.iter_mut().zip(list.lines) {
                    known.extend(more);
                }
                known.strange.extend(list.strange);
                known.groups.extend(list.groups);
            }
        }
    }

    fn line(
        &self,
        list: &mut List,
        node: &Node<'a>,
        name: &str,
        words: &[&'a str],
        (v6, form): (bool, Form),
    ) {
        let words_here = Words::new(words);
        let passed = ["remark", "statistics", "counters", "comment"];
        if words.first().is_none_or(|word| passed.contains(word)) {
            return;
        }
        let read = match form {
            Form::Standard => self.standard(words_here),
            Form::Extended | Form::Bare => self.extended(words_here, form == Form::Extended),
        };
        for group in words.windows(2).filter(|pair| is_group(pair[0])) {
            list.groups.insert(group[1].to_owned());
        }
        match read {
            Some(Read::Line(takes, term)) => list.lines[usize::from(v6)].push(Line {
                line: node.line,
                takes,
                term,
            }),
            Some(Read::Elsewhere) => {}
            None => list.strange.push(strange(node, &["access-list", name])),
        }
    }

    /// `permit 10.0.0.0 0.255.255.255`: the sender's address only.
    fn standard(&self, mut words: Words<'a, '_>) -> Option<Read> {
        let takes = verb(&mut words)?;
        let src = self.side(&mut words, true)?;
        while words.takes("log") {}
        words.is_empty().then_some(())?;
        let services = [Protocol::Udp, Protocol::Tcp].map(|protocol| Service {
            protocol,
            src: None,
            dst: None,
        });
        let term = Term {
            src,
            dst: Vec::new(),
            services: services.to_vec(),
        };
        Some(Read::Line(takes, term))
    }

    /// `permit udp any range 1 2 any`, with object groups too.
    fn extended(&self, mut words: Words<'a, '_>, wildcards: bool) -> Option<Read> {
        let takes = verb(&mut words)?;
        let mut services: Vec<Service> = Vec::new();
        let mut protocols = vec![Protocol::Udp, Protocol::Tcp];
        if words.takes("object-group") {
            let group = find(&self.services, words.word()?)?;
            self.affords(group.len())?;
            services.clone_from(group);
        } else {
            match words.word()? {
                "ip" | "ipv6" | "any" => {}
                "udp" | "17" => protocols = vec![Protocol::Udp],
                "tcp" | "6" => protocols = vec![Protocol::Tcp],
                other if is_other_protocol(other) => return Some(Read::Elsewhere),
                _ => return None,
            }
        }
        let src = self.side(&mut words, wildcards)?;
        let src_ports = some_ports(&mut words)?;
        let dst = self.side(&mut words, wildcards)?;
        let dst_ports = some_ports(&mut words)?;
        while words.takes("log") || words.takes("log-input") || words.takes("count") {}
        if !words.is_empty() {
            return None;
        }
        if services.is_empty() {
            for protocol in protocols {
                services.extend(pairs(protocol, &src_ports, &dst_ports));
            }
        }
        Some(Read::Line(takes, Term { src, dst, services }))
    }

    fn side(&self, words: &mut Words<'a, '_>, wildcards: bool) -> Option<Vec<IpNet>> {
        if words.peek().is_some_and(is_group) {
            words.word();
            let group = find(&self.networks, words.word()?)?;
            self.affords(group.len())?;
            // A group without members is no group of every address.
            return (!group.is_empty()).then(|| group.clone());
        }
        Some(address(words, wildcards)?.into_iter().collect())
    }
}

/// A line with its place.
pub(super) fn strange(node: &Node<'_>, place: &[&str]) -> Strange {
    Strange {
        line: node.line,
        text: node.words.join(" "),
        place: place.join(" "),
    }
}

/// All commands below one, however they are indented.
pub(super) fn lines<'b, 'a>(node: &'b Node<'a>) -> Vec<&'b Node<'a>> {
    let mut out = Vec::new();
    for below in &node.below {
        out.push(below);
        out.extend(lines(below));
    }
    out
}

fn is_group(word: &str) -> bool {
    matches!(word, "object-group" | "addrgroup")
}

fn verb(words: &mut Words<'_, '_>) -> Option<bool> {
    match words.word()? {
        "permit" | "match" => Some(true),
        "deny" | "ignore" => Some(false),
        _ => None,
    }
}

/// Protocols that no rule of a plan is about.
fn is_other_protocol(word: &str) -> bool {
    const NAMES: [&str; 17] = [
        "icmp", "icmpv6", "igmp", "esp", "ahp", "ah", "gre", "ospf", "eigrp", "pim", "vrrp",
        "ipinip", "nos", "pcp", "sctp", "hbh", "58",
    ];
    NAMES.contains(&word) || word.parse::<u8>().is_ok()
}

/// `any`, `host A`, `A/LENGTH`, `A/MASK`, `A WILDCARD` where there are wildcards, or a lone address; the inner `None` for any.
fn address(words: &mut Words<'_, '_>, wildcards: bool) -> Option<Option<IpNet>> {
    let word = words.word()?;
    if matches!(word, "any" | "any4" | "any6") {
        return Some(None);
    }
    if word == "host" {
        return Some(Some(words.word()?.parse::<IpAddr>().ok()?.into()));
    }
    if let Some((address, length)) = word.split_once('/') {
        let address: IpAddr = address.parse().ok()?;
        let net = match length.parse::<IpAddr>() {
            Ok(mask) => IpNet::with_netmask(address, mask),
            Err(_) => IpNet::with_netmask(address, net_mask(address, length.parse().ok()?)?),
        };
        return net.ok().map(|net| Some(net.trunc()));
    }
    let address: IpAddr = word.parse().ok()?;
    let Some(mask) = words
        .peek()
        .and_then(|next| next.parse::<Ipv4Addr>().ok())
        .filter(|_| wildcards && address.is_ipv4())
    else {
        return Some(Some(address.into()));
    };
    words.word();
    let mask = Ipv4Addr::from(!u32::from(mask));
    let net = IpNet::with_netmask(address, mask.into()).ok()?;
    Some(Some(net.trunc()))
}

fn net_mask(address: IpAddr, length: u8) -> Option<IpAddr> {
    IpNet::new(address, length).ok().map(|net| net.netmask())
}

/// The port conditions of one side, any of which is enough: `eq 5060 5061`, `range 1 2`, `gt 1023`, `lt 1024`, `neq 80`,
/// or none.
fn some_ports(words: &mut Words<'_, '_>) -> Option<Vec<Option<PortRange>>> {
    if words.takes("gt") {
        let above = port(words.word()?)?.checked_add(1)?;
        return Some(vec![PortRange::try_new(above, u16::MAX)]);
    }
    if words.takes("lt") {
        let below = port(words.word()?)?.checked_sub(1)?;
        return Some(vec![PortRange::try_new(0, below)]);
    }
    if words.takes("neq") {
        let one = port(words.word()?)?;
        let below = one
            .checked_sub(1)
            .and_then(|last| PortRange::try_new(0, last));
        let above = one
            .checked_add(1)
            .and_then(|first| PortRange::try_new(first, u16::MAX));
        return Some([below, above].into_iter().flatten().map(Some).collect());
    }
    if words.takes("range") {
        let (first, last) = (port(words.word()?)?, port(words.word()?)?);
        return Some(vec![Some(PortRange::try_new(first, last)?)]);
    }
    if !words.takes("eq") {
        return Some(vec![None]);
    }
    let mut out = vec![Some(PortRange::single(port(words.word()?)?))];
    while let Some(next) = words.peek().and_then(port) {
        words.word();
        out.push(Some(PortRange::single(next)));
    }
    Some(out)
}

/// A port by number, or by the names that configurations of telephony have.
fn port(word: &str) -> Option<u16> {
    let named = [
        ("sip", 5060),
        ("domain", 53),
        ("ntp", 123),
        ("www", 80),
        ("tftp", 69),
    ];
    let known = named.into_iter().find(|(name, _)| *name == word);
    known.map_or_else(|| word.parse().ok(), |(_, port)| Some(port))
}

/// A member of a network group: `host A`, `A MASK` or `A/LENGTH`, with a number before it in some systems.
fn network_member(words: &[&str]) -> Option<IpNet> {
    match words {
        ["host", address] => Some(address.parse::<IpAddr>().ok()?.into()),
        [net] if net.contains('/') => net.parse().ok(),
        [number, rest @ ..] if !rest.is_empty() && number.parse::<u32>().is_ok() => {
            network_member(rest)
        }
        [address, mask] => IpNet::with_netmask(address.parse().ok()?, mask.parse().ok()?).ok(),
        _ => None,
    }
}

/// A member of a service group: `udp source range 1 2`, `tcp-udp eq 5060`.
fn service_member(words: &[&str]) -> Option<Vec<Service>> {
    let mut words = Words::new(words);
    let protocols = if words.takes("tcp-udp") {
        vec![Protocol::Udp, Protocol::Tcp]
    } else {
        vec![words.protocol()?]
    };
    let src = if words.takes("source") {
        some_ports(&mut words)?
    } else {
        vec![None]
    };
    let dst = some_ports(&mut words)?;
    let services = protocols
        .into_iter()
        .flat_map(|protocol| pairs(protocol, &src, &dst));
    let out = services.collect();
    words.is_empty().then_some(out)
}

fn pairs(protocol: Protocol, src: &[Option<PortRange>], dst: &[Option<PortRange>]) -> Vec<Service> {
    let mut out = Vec::new();
    for src in src {
        out.extend(dst.iter().map(|dst| Service {
            protocol,
            src: *src,
            dst: *dst,
        }));
    }
    out
}
