//! Marks: object groups, access lists, class maps and a policy map for each scope.

use ipnet::IpNet;
use perhop_policy::Dscp;

use crate::network::lists::{self, Names, find, policy_name};
use crate::network::model::{Class, Policy, Service, Term, common_name};
use crate::network::program::{leading_comments, same};
use crate::syntax::ios::{self, Addresses, Config, Node, Word, Words};

/// A mark as `set dscp` and `match dscp` take it: a name that every release knows, or the number.
pub(super) fn dscp_word(dscp: Dscp) -> String {
    match common_name(dscp) {
        Some("CS0") => "default".to_owned(),
        Some(name) => name.to_ascii_lowercase(),
        None => dscp.value().to_string(),
    }
}

/// What [`dscp_word`] wrote.
pub(super) fn read_dscp(word: &str) -> Option<Dscp> {
    if word == "default" {
        return Some(Dscp::DF);
    }
    Dscp::from_name(word).or_else(|| Dscp::try_new(word.parse().ok()?))
}

fn group_name(names: &Names, kind: &str, index: usize) -> String {
    format!("{}-{kind}{}", names.class, index + 1)
}

/// The file that makes them.
pub(super) fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Config::new();
    for text in comments {
        out.comment(text);
    }
    let names = lists::names(policy);
    for (class, names) in policy.classes.iter().zip(&names) {
        if policy.groups {
            groups(&mut out, &class.terms[0], names);
        }
        access_lists(&mut out, policy, class, names);
    }
    for (class, names) in policy.classes.iter().zip(&names) {
        out.line(
            0,
            &[Word::Own("class-map match-any"), Word::Name(&names.class)],
        );
        for (terms, list) in class.terms.iter().zip(&names.lists) {
            if !terms.is_empty() {
                out.line(1, &[Word::Own("match access-group name"), Word::Name(list)]);
            }
        }
    }
    out.line(
        0,
        &[Word::Own("policy-map"), Word::Name(&policy_name(policy))],
    );
    for (class, names) in policy.classes.iter().zip(&names) {
        out.line(1, &[Word::Own("class"), Word::Name(&names.class)]);
        out.line(
            2,
            &[Word::Own("set dscp"), Word::Name(&dscp_word(class.dscp))],
        );
    }
    if policy.reset {
        out.line(1, &[Word::Own("class class-default")]);
        out.line(2, &[Word::Own("set dscp default")]);
    }
    for interface in &policy.interfaces {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        out.line(
            1,
            &[
                Word::Own("service-policy input"),
                Word::Name(&policy_name(policy)),
            ],
        );
    }
    out.into_bytes()
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Config::new();
    for interface in &policy.interfaces {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        out.line(
            1,
            &[
                Word::Own("no service-policy input"),
                Word::Name(&policy_name(policy)),
            ],
        );
    }
    out.line(
        0,
        &[Word::Own("no policy-map"), Word::Name(&policy_name(policy))],
    );
    for (class, names) in policy.classes.iter().zip(&lists::names(policy)) {
        out.line(
            0,
            &[
                Word::Own("no class-map match-any"),
                Word::Name(&names.class),
            ],
        );
        let kinds = ["no ip access-list extended", "no ipv6 access-list"];
        for ((terms, list), kind) in class.terms.iter().zip(&names.lists).zip(kinds) {
            if !terms.is_empty() {
                out.line(0, &[Word::Own(kind), Word::Name(list)]);
            }
        }
        if policy.groups {
            for (index, term) in class.terms[0].iter().enumerate() {
                for (kind, nets) in [("A", &term.src), ("B", &term.dst)] {
                    if nets.len() > 1 {
                        let name = group_name(names, kind, index);
                        out.line(
                            0,
                            &[Word::Own("no object-group network"), Word::Name(&name)],
                        );
                    }
                }
                let name = group_name(names, "S", index);
                out.line(
                    0,
                    &[Word::Own("no object-group service"), Word::Name(&name)],
                );
            }
        }
    }
    out.into_bytes()
}

/// Object groups know IPv4 only: services, and addresses where there is more than one.
fn groups(out: &mut Config, terms: &[Term], names: &Names) {
    for (index, term) in terms.iter().enumerate() {
        for (kind, nets) in [("A", &term.src), ("B", &term.dst)] {
            if nets.len() > 1 {
                let name = group_name(names, kind, index);
                out.line(0, &[Word::Own("object-group network"), Word::Name(&name)]);
                for net in nets {
                    out.line(1, &[Word::Member(*net)]);
                }
            }
        }
        let name = group_name(names, "S", index);
        out.line(0, &[Word::Own("object-group service"), Word::Name(&name)]);
        for service in &term.services {
            let mut words = vec![Word::Protocol(service.protocol)];
            if let Some(range) = service.src {
                words.extend([Word::Own("source"), Word::Ports(range)]);
            }
            words.extend(service.dst.map(Word::Ports));
            out.line(1, &words);
        }
    }
}

fn access_lists(out: &mut Config, policy: &Policy, class: &Class, names: &Names) {
    let [v4, v6] = &class.terms;
    if !v4.is_empty() {
        out.line(
            0,
            &[
                Word::Own("ip access-list extended"),
                Word::Name(&names.lists[0]),
            ],
        );
        let mut number = 0;
        for (index, term) in v4.iter().enumerate() {
            if policy.groups {
                number += 10;
                group_line(out, number, index, term, names);
                continue;
            }
            for line in term.lines() {
                number += 10;
                let mut words = vec![Word::Number(number), Word::Own("permit")];
                words.extend(lists::condition(&line, Addresses::Wildcard));
                out.line(1, &words);
            }
        }
    }
    if !v6.is_empty() {
        out.line(
            0,
            &[Word::Own("ipv6 access-list"), Word::Name(&names.lists[1])],
        );
        let lines = v6.iter().flat_map(Term::lines);
        for (number, line) in (1..).zip(lines) {
            let mut words = vec![
                Word::Own("sequence"),
                Word::Number(number * 10),
                Word::Own("permit"),
            ];
            words.extend(lists::condition(&line, Addresses::Wildcard));
            out.line(1, &words);
        }
    }
}

/// `10 permit object-group S object-group A any`.
fn group_line(out: &mut Config, number: u64, index: usize, term: &Term, names: &Names) {
    let group = |kind| group_name(names, kind, index);
    let (service, src, dst) = (group("S"), group("A"), group("B"));
    let mut words = vec![
        Word::Number(number),
        Word::Own("permit object-group"),
        Word::Name(&service),
    ];
    for (nets, name) in [(&term.src, &src), (&term.dst, &dst)] {
        if nets.len() > 1 {
            words.extend([Word::Own("object-group"), Word::Name(name)]);
        } else {
            words.push(Word::Address(Addresses::Wildcard, nets.first().copied()));
        }
    }
    out.line(1, &words);
}

/// Reads a file that [`apply`] wrote.
pub(super) fn read(text: &str) -> Result<Policy, String> {
    let nodes = ios::read(text)?;
    let mut read = Reader::default();
    for node in &nodes {
        read.command(node)
            .ok_or_else(|| format!("line {} is not one that is written here", node.line))?;
    }
    let policy = read.policy.ok_or("there is no policy map")?;
    let again = apply(&policy, &leading_comments(text, "! "));
    same(text, &again, policy)
}

/// What was read so far, by name.
#[derive(Default)]
struct Reader<'a> {
    networks: Vec<(&'a str, Vec<IpNet>)>,
    services: Vec<(&'a str, Vec<Service>)>,
    lists: Vec<(&'a str, Vec<Term>)>,
    classes: Vec<(&'a str, [Vec<Term>; 2])>,
    policy: Option<Policy>,
}

impl<'a> Reader<'a> {
    fn command(&mut self, node: &Node<'a>) -> Option<()> {
        let below = || node.below.iter().map(|node| &node.words[..]);
        match node.words[..] {
            ["object-group", "network", name] => {
                let nets = below().map(member).collect::<Option<_>>()?;
                self.networks.push((name, nets));
            }
            ["object-group", "service", name] => {
                let services = below().map(service).collect::<Option<_>>()?;
                self.services.push((name, services));
            }
            ["ip", "access-list", "extended", name] => {
                let terms = below()
                    .map(|words| self.line(words.get(1..)?))
                    .collect::<Option<_>>()?;
                self.lists.push((name, terms));
            }
            ["ipv6", "access-list", name] => {
                let terms = below()
                    .map(|words| self.line(words.get(2..)?))
                    .collect::<Option<_>>()?;
                self.lists.push((name, terms));
            }
            ["class-map", "match-any", name] => {
                let mut terms = [Vec::new(), Vec::new()];
                for words in below() {
                    let ["match", "access-group", "name", list] = words[..] else {
                        return None;
                    };
                    let found = find(&self.lists, list)?;
                    terms[usize::from(list.ends_with("-V6"))] = found.clone();
                }
                self.classes.push((name, terms));
            }
            ["policy-map", name] => self.policy = Some(self.policy_map(name, node)?),
            ["interface", name] => {
                let policy = self.policy.as_mut()?;
                policy.interfaces.push(name.to_owned());
            }
            _ => return None,
        }
        Some(())
    }

    fn policy_map(&self, name: &str, node: &Node<'a>) -> Option<Policy> {
        let mut out = Policy {
            label: name.strip_prefix("PH-")?.to_owned(),
            groups: !self.services.is_empty(),
            ..Policy::default()
        };
        for class in &node.below {
            let ["class", name] = class.words[..] else {
                return None;
            };
            let [set] = &class.below[..] else { return None };
            let ["set", "dscp", word] = set.words[..] else {
                return None;
            };
            let dscp = read_dscp(word)?;
            if name == "class-default" {
                out.reset = true;
            } else {
                let terms = find(&self.classes, name)?.clone();
                out.classes.push(Class {
                    dscp,
                    queue: None,
                    terms,
                });
            }
        }
        Some(out)
    }

    /// A line after its number: `permit udp any range 1 2 any`, or with object groups.
    fn line(&self, words: &[&'a str]) -> Option<Term> {
        let mut words = Words::new(words);
        if !words.takes("permit") {
            return None;
        }
        let term = if words.takes("object-group") {
            let services = find(&self.services, words.word()?)?.clone();
            Term {
                src: self.side(&mut words)?,
                dst: self.side(&mut words)?,
                services,
            }
        } else {
            lists::read_condition(&mut words, Addresses::Wildcard)?
        };
        words.is_empty().then_some(term)
    }

    fn side(&self, words: &mut Words<'a, '_>) -> Option<Vec<IpNet>> {
        if words.takes("object-group") {
            find(&self.networks, words.word()?).cloned()
        } else {
            Some(words.address(Addresses::Wildcard)?.into_iter().collect())
        }
    }
}

/// A member of a network group: an address with its mask.
fn member(words: &[&str]) -> Option<IpNet> {
    match words[..] {
        ["host", address] => Some(address.parse::<std::net::IpAddr>().ok()?.into()),
        [address, mask] => IpNet::with_netmask(address.parse().ok()?, mask.parse().ok()?).ok(),
        _ => None,
    }
}

/// A member of a service group: `udp source range 1 2`.
fn service(words: &[&str]) -> Option<Service> {
    let mut words = Words::new(words);
    let protocol = words.protocol()?;
    let src = if words.takes("source") {
        words.ports()?
    } else {
        None
    };
    let out = Service {
        protocol,
        src,
        dst: words.ports()?,
    };
    words.is_empty().then_some(out)
}
