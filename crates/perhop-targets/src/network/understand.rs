//! Configurations of the IOS kind that somebody else wrote: what of them is about marks, and what of that is not understood.
//!
//! Access lists, object groups, class maps and policy maps are followed from the policy that sets a mark to the packets
//! that it takes, for IOS, IOS XE, NX-OS and EOS. What is in them and has no form here is listed with its line, never
//! dropped; commands about other things are passed over.

use std::cell::Cell;
use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};

use crate::network::lists::find;
use crate::network::model::{Class, Policy, Service, Term};
use crate::syntax::ios::{self, Addresses, Node, Words};

/// What a configuration says about marks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Understood {
    /// Policies that set marks, in the configuration's order.
    pub policies: Vec<Found>,
    /// What belongs to access lists, classes and policies and has no form here, by line.
    pub left: Vec<Left>,
}

/// A policy map that sets marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// The line where it begins, from 1.
    pub line: usize,
    /// The line of each class in it.
    pub lines: Vec<usize>,
    /// The name of each class in it.
    pub names: Vec<String>,
    /// What it does; the label is the policy's name, the interfaces those where it takes what comes in.
    pub policy: Policy,
}

/// A line that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its number, from 1.
    pub line: usize,
    /// Its words.
    pub text: String,
    /// What it belongs to, such as `class-map VOICE`.
    pub place: String,
}

/// As many addresses and services may be written out in all: groups used by lists used by classes multiply.
const MOST: usize = 1 << 20;

/// Reads a configuration.
#[must_use]
pub fn read(text: &str) -> Understood {
    let nodes = ios::read_loose(text);
    let mut reader = Reader::default();
    for node in &nodes {
        reader.object(node);
    }
    for node in &nodes {
        reader.class_map(node);
    }
    for node in &nodes {
        reader.policy_map(node);
    }
    for node in &nodes {
        reader.interface(node);
    }
    reader.out.left.sort_by_key(|left| left.line);
    reader.out
}

/// What was read so far, by name.
#[derive(Default)]
struct Reader<'a> {
    networks: Vec<(&'a str, Vec<IpNet>)>,
    services: Vec<(&'a str, Vec<Service>)>,
    lists: Vec<(&'a str, [Vec<Term>; 2])>,
    classes: Vec<(&'a str, [Vec<Term>; 2])>,
    out: Understood,
    /// How much has been written out.
    spent: Cell<usize>,
}

impl<'a> Reader<'a> {
    /// Whether so many more may be written out.
    fn affords(&self, more: usize) -> Option<()> {
        let spent = self.spent.get().saturating_add(more);
        self.spent.set(spent.min(MOST));
        (spent <= MOST).then_some(())
    }

    fn affords_terms(&self, families: &[Vec<Term>; 2]) -> Option<()> {
        let size = |term: &Term| 1 + term.src.len() + term.dst.len() + term.services.len();
        self.affords(families.iter().flatten().map(size).sum())
    }

    fn leave(&mut self, node: &Node<'a>, place: &[&str]) {
        self.out.left.push(Left {
            line: node.line,
            text: node.words.join(" "),
            place: place.join(" "),
        });
    }

    /// Object groups and access lists, which stand before what uses them.
    fn object(&mut self, node: &Node<'a>) {
        match node.words[..] {
            ["object-group", "network", name] => {
                let nets = self.members(node, network_member);
                self.networks.push((name, nets));
            }
            ["object-group", "service", name] => {
                let services = self.members(node, service_member);
                let services = services.into_iter().flatten().collect();
                self.services.push((name, services));
            }
            ["ip", "access-list", "extended", name] | ["ip", "access-list", name] => {
                self.list(node, name, false);
            }
            ["ipv6", "access-list", name] => self.list(node, name, true),
            ["access-list", name, ref line @ ..] => {
                let terms = self.line(line);
                self.add(node, name, false, terms);
            }
            _ => {}
        }
    }

    fn members<T>(&mut self, node: &Node<'a>, read: fn(&[&str]) -> Option<T>) -> Vec<T> {
        let mut out = Vec::new();
        for below in lines(node) {
            match read(&below.words) {
                Some(member) => out.push(member),
                None if below.words[0] == "description" => {}
                None => self.leave(below, &node.words),
            }
        }
        out
    }

    fn list(&mut self, node: &Node<'a>, name: &'a str, v6: bool) {
        if find(&self.lists, name).is_none() {
            self.lists.push((name, Default::default()));
        }
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
            match words.first() {
                Some(&("remark" | "statistics" | "counters")) => {}
                _ => {
                    let terms = self.line(words);
                    self.add(below, name, v6, terms);
                }
            }
        }
    }

    fn add(&mut self, node: &Node<'a>, name: &'a str, v6: bool, terms: Option<Vec<Term>>) {
        let Some(terms) = terms else {
            if node.words.get(2) != Some(&"remark") {
                self.leave(node, &["access-list", name]);
            }
            return;
        };
        if find(&self.lists, name).is_none() {
            self.lists.push((name, Default::default()));
        }
        let list = self.lists.iter_mut().find(|(one, _)| *one == name);
        let (_, families) = list.expect("pushed above");
        families[usize::from(v6)].extend(terms);
    }

    /// `permit udp any range 1 2 any`, with object groups too; `deny` has no form, because a class takes what is permitted.
    fn line(&self, words: &[&'a str]) -> Option<Vec<Term>> {
        let mut words = Words::new(words);
        if !words.takes("permit") {
            return None;
        }
        let mut services: Vec<Service> = Vec::new();
        let mut protocols = vec![Protocol::Udp, Protocol::Tcp];
        if words.takes("object-group") {
            let group = find(&self.services, words.word()?)?;
            self.affords(group.len())?;
            services.clone_from(group);
        } else if !(words.takes("ip") || words.takes("ipv6")) {
            protocols = vec![words.protocol()?];
        }
        let src = self.side(&mut words)?;
        let src_ports = some_ports(&mut words)?;
        let dst = self.side(&mut words)?;
        let dst_ports = some_ports(&mut words)?;
        while words.takes("log") || words.takes("log-input") {}
        if !words.is_empty() {
            return None;
        }
        if services.is_empty() {
            for protocol in protocols {
                for src in &src_ports {
                    services.extend(dst_ports.iter().map(|dst| Service {
                        protocol,
                        src: *src,
                        dst: *dst,
                    }));
                }
            }
        }
        Some(vec![Term { src, dst, services }])
    }

    fn side(&self, words: &mut Words<'a, '_>) -> Option<Vec<IpNet>> {
        if words.takes("object-group") || words.takes("addrgroup") {
            let group = find(&self.networks, words.word()?)?;
            self.affords(group.len())?;
            return Some(group.clone());
        }
        Some(words.address(Addresses::Wildcard)?.into_iter().collect())
    }

    fn class_map(&mut self, node: &Node<'a>) {
        let ["class-map", ref head @ .., name] = node.words[..] else {
            return;
        };
        let all = head.contains(&"match-all") || !head.contains(&"match-any");
        let mut terms: [Vec<Term>; 2] = Default::default();
        let mut known = 0;
        let matches = lines(node);
        for &below in &matches {
            let list = match below.words[..] {
                ["match", "access-group", list]
                | ["match", "access-group", "name", list]
                | ["match", "ip" | "ipv6", "access-group", list]
                | ["match", "ip" | "ipv6", "access-group", "name", list] => Some(list),
                ["description", ..] => continue,
                _ => None,
            };
            let found = list.and_then(|list| find(&self.lists, list));
            let found = found.filter(|found| self.affords_terms(found).is_some());
            match found.cloned() {
                Some(found) if !all || matches.len() == 1 => {
                    known += 1;
                    for (own, more) in terms.iter_mut().zip(found) {
                        own.extend(more);
                    }
                }
                _ => self.leave(below, &["class-map", name]),
            }
        }
        if known > 0 {
            self.classes.push((name, terms));
        }
    }

    fn policy_map(&mut self, node: &Node<'a>) {
        let ["policy-map", .., name] = node.words[..] else {
            return;
        };
        let mut found = Found {
            name: name.to_owned(),
            line: node.line,
            lines: Vec::new(),
            names: Vec::new(),
            policy: Policy {
                label: name.to_owned(),
                ..Policy::default()
            },
        };
        let mut class: Option<(&Node<'a>, &str)> = None;
        for below in lines(node) {
            match (&below.words[..], class) {
                (["class", .., name], _) => class = Some((below, name)),
                (["description", ..], _) => {}
                (words, Some((head, name))) => match set(words) {
                    Some(dscp) => self.mark(&mut found, head, name, dscp),
                    None => self.leave(below, &["policy-map", &found.name, "class", name]),
                },
                (_, None) => self.leave(below, &node.words),
            }
        }
        if !found.policy.classes.is_empty() || found.policy.reset {
            self.out.policies.push(found);
        }
    }

    /// A class of a policy sets a mark.
    fn mark(&mut self, found: &mut Found, head: &Node<'a>, name: &str, dscp: Dscp) {
        let terms = find(&self.classes, name);
        let terms = terms.filter(|terms| self.affords_terms(terms).is_some());
        match terms.cloned() {
            Some(terms) => {
                found.lines.push(head.line);
                found.names.push(name.to_owned());
                found.policy.classes.push(Class {
                    dscp,
                    terms,
                    ..Class::rest()
                });
            }
            None if name == "class-default" && dscp == Dscp::DF => found.policy.reset = true,
            // The class is by something that is not understood, so its mark is not either.
            None => self.leave(head, &["policy-map", &found.name]),
        }
    }

    fn interface(&mut self, node: &Node<'a>) {
        let ["interface", ref name @ ..] = node.words[..] else {
            return;
        };
        for below in lines(node) {
            let ["service-policy", .., "input", policy] = below.words[..] else {
                continue;
            };
            let known = self.out.policies.iter_mut().find(|one| one.name == policy);
            match known {
                Some(found) => found.policy.interfaces.push(name.join(" ")),
                None => self.leave(below, &node.words),
            }
        }
    }
}

/// All commands below one, however they are indented.
fn lines<'b, 'a>(node: &'b Node<'a>) -> Vec<&'b Node<'a>> {
    let mut out = Vec::new();
    for below in &node.below {
        out.push(below);
        out.extend(lines(below));
    }
    out
}

/// `set dscp ef`, `set ip dscp 46`.
fn set(words: &[&str]) -> Option<Dscp> {
    let (["set", "dscp", mark] | ["set", "ip", "dscp", mark]) = words else {
        return None;
    };
    if *mark == "default" {
        return Some(Dscp::DF);
    }
    Dscp::from_name(mark).or_else(|| Dscp::try_new(mark.parse().ok()?))
}

/// The port conditions of one side, any of which is enough: `eq 5060 5061`, `range 1 2`, `gt 1023`, `lt 1024`, or none.
fn some_ports(words: &mut Words<'_, '_>) -> Option<Vec<Option<PortRange>>> {
    if words.takes("gt") {
        let above = port(words.word()?)?.checked_add(1)?;
        return Some(vec![PortRange::try_new(above, u16::MAX)]);
    }
    if words.takes("lt") {
        let below = port(words.word()?)?.checked_sub(1)?;
        return Some(vec![PortRange::try_new(0, below)]);
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
    let mut out = Vec::new();
    for protocol in protocols {
        for src in &src {
            out.extend(dst.iter().map(|dst| Service {
                protocol,
                src: *src,
                dst: *dst,
            }));
        }
    }
    words.is_empty().then_some(out)
}

#[cfg(test)]
mod tests {
    use perhop_policy::{FlowKey, ScopeId};

    use super::*;
    use crate::network::read_back::Marking as _;

    const BY_HAND: &str = "\
hostname edge
!
ip access-list extended VOICE
 remark phones
 permit udp any range 16384 32767 any
   permit udp 10.1.0.0 0.0.255.255 any eq 5060 5061
 deny   udp any any
ip access-list extended 150
 10 permit tcp any eq sip host 192.0.2.1
access-list 101 permit tcp any any gt 49151
object-group service MEDIA
 udp source range 50000 50019
ipv6 access-list V6
 sequence 10 permit udp any range 16384 32767 any
class-map match-any VOICE
  match access-group name VOICE
  match access-group name V6
  match protocol rtp audio
class-map match-all SIG
  match access-group 101
class-map match-all BOTH
  match access-group 101
  match ip precedence 5
policy-map IN
  class VOICE
   set dscp ef
   police 128000
  class SIG
   set ip dscp 24
  class BOTH
   set dscp af41
  class class-default
   set dscp default
policy-map OUT
  class VOICE
   priority percent 10
interface GigabitEthernet1/0/1
  description x
  service-policy input IN
  service-policy output OUT
interface Vlan 5
  service-policy input GONE
";

    #[test]
    fn what_somebody_wrote_is_understood_or_listed() {
        let out = read(BY_HAND);
        assert_eq!(out.policies.len(), 1);
        let found = &out.policies[0];
        assert_eq!((found.name.as_str(), found.line), ("IN", 24));
        assert_eq!(found.names, ["VOICE", "SIG"]);
        assert_eq!(found.policy.interfaces, ["GigabitEthernet1/0/1"]);
        assert!(found.policy.reset);
        let left: Vec<(usize, &str)> = out
            .left
            .iter()
            .map(|left| (left.line, left.text.as_str()))
            .collect();
        assert_eq!(
            left,
            [
                (7, "deny udp any any"),
                (18, "match protocol rtp audio"),
                (22, "match access-group 101"),
                (23, "match ip precedence 5"),
                (27, "police 128000"),
                (30, "class BOTH"),
                (36, "priority percent 10"),
                (42, "service-policy input GONE"),
            ]
        );
        let mark = |protocol, src: &str, src_port, dst_port| {
            found.policy.mark(&FlowKey {
                scope: ScopeId(0),
                app: None,
                protocol,
                src: src.parse().unwrap(),
                src_port,
                dst: if src.contains(':') {
                    "2001:db8::9"
                } else {
                    "192.0.2.9"
                }
                .parse()
                .unwrap(),
                dst_port,
            })
        };
        assert_eq!(mark(Protocol::Udp, "10.9.9.9", 16384, 9), Some(Dscp::EF));
        assert_eq!(mark(Protocol::Udp, "2001:db8::1", 32767, 9), Some(Dscp::EF));
        assert_eq!(mark(Protocol::Udp, "10.1.9.9", 9, 5061), Some(Dscp::EF));
        assert_eq!(mark(Protocol::Udp, "10.2.9.9", 9, 5061), Some(Dscp::DF));
        assert_eq!(mark(Protocol::Tcp, "10.2.9.9", 9, 49152), Dscp::try_new(24));
    }

    #[test]
    fn every_policy_that_is_written_here_is_understood() {
        for (text, marks) in [
            (
                include_str!("../../tests/cases/campus/cisco-ios/marks/clients/apply.ios"),
                3,
            ),
            (
                include_str!("../../tests/cases/network/cisco-ios/marks/mac-clients/apply.ios"),
                2,
            ),
            (
                include_str!("../../tests/cases/campus/cisco-nxos/marks/clients/apply.nxos"),
                3,
            ),
            (
                include_str!("../../tests/cases/campus/arista-eos/marks/clients/apply.eos"),
                6,
            ),
        ] {
            let out = read(text);
            assert_eq!(out.policies.len(), 1);
            assert_eq!(out.policies[0].policy.classes.len(), marks);
            let strange: Vec<&Left> = out
                .left
                .iter()
                .filter(|left| !left.text.starts_with("set qos-group"))
                .collect();
            assert!(strange.is_empty(), "{strange:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(lines in proptest::collection::vec("( {0,3}(permit|class-map|policy-map|match|set|interface|eq|any|10\\.1\\.1\\.1|-?[0-9]{1,6}|\\PC{0,3})){0,6}", 0..12)) {
            let _ = read(&lines.join("\n"));
        }
    }
}
