//! Marks: services, addresses, and shaping policies with numbers of their own.

use ipnet::IpNet;
use perhop_policy::{ClassKind, Dscp, PortRange, Protocol};

use crate::network::lists::{find, names, policy_name};
use crate::network::model::{Class, Policy, Service, Term};
use crate::network::options::KINDS;
use crate::network::program::{leading_comments, same};
use crate::network::unit::Unit;
use crate::network::values;
use crate::syntax::ios::{self, Config, Node, Word};

/// What the numbers of the plan's shaping policies begin with.
pub(super) const PREFIX: &str = "7068";
/// Shaping policies have numbers up to 4294967295. One that is in use would be changed, so these begin where nobody counts.
const FIRST: usize = 706_800_000;
/// How many numbers are kept for marks; those of queues follow.
pub(super) const MOST: usize = 10_000;

/// The words for interfaces that the plan does not name; the device refuses them.
pub(super) const INTERFACE: &str = "INTERFACE";
pub(super) const UPLINK: &str = "UPLINK";

/// The number of a kind's traffic class, which go to 31. 25 is the rest's.
pub(super) const fn class_id(kind: ClassKind) -> u64 {
    match kind {
        ClassKind::Audio => 31,
        ClassKind::Video => 30,
        ClassKind::Signaling => 29,
        ClassKind::AppSharing => 28,
        ClassKind::FileTransfer => 27,
        ClassKind::Other => 26,
    }
}

/// The traffic class of the rest.
pub(super) const REST: u64 = 25;

const TABLES: [[&str; 2]; 2] = [
    ["config firewall address", "set subnet"],
    ["config firewall address6", "set ip6"],
];
const ADDRESS: [[&str; 2]; 2] = [
    ["set srcaddr", "set dstaddr"],
    ["set srcaddr6", "set dstaddr6"],
];

/// How many shaping policies a policy is.
pub(super) fn count(policy: &Policy) -> usize {
    2 * entries(policy).len() + if policy.reset { 4 } else { 0 }
}

/// A term with what its objects are called by.
struct Entry<'a> {
    name: String,
    v6: bool,
    dscp: Dscp,
    queue: Option<ClassKind>,
    term: &'a Term,
}

fn entries(policy: &Policy) -> Vec<Entry<'_>> {
    let mut out = Vec::new();
    for (class, names) in policy.classes.iter().zip(names(policy)) {
        for (terms, v6) in class.terms.iter().zip([false, true]) {
            let family = if v6 { 6 } else { 4 };
            out.extend((1..).zip(terms).map(|(number, term)| Entry {
                name: format!("{}-{family}-{number}", names.class),
                v6,
                dscp: class.dscp,
                queue: class.queue,
                term,
            }));
        }
    }
    out
}

impl Entry<'_> {
    fn nets(&self) -> impl Iterator<Item = (String, IpNet)> {
        let sides = [("A", &self.term.src), ("B", &self.term.dst)];
        sides.into_iter().flat_map(move |(side, nets)| {
            let numbered = (1..).zip(nets);
            numbered.map(move |(number, net)| (format!("{}{side}{number}", self.name), *net))
        })
    }

    fn services(&self, mirrored: bool) -> impl Iterator<Item = (String, Service)> {
        let kind = if mirrored { "R" } else { "S" };
        let numbered = (1..).zip(&self.term.services);
        numbered.map(move |(number, service)| {
            let own = if mirrored { mirror(*service) } else { *service };
            (format!("{}{kind}{number}", self.name), own)
        })
    }
}

const fn mirror(service: Service) -> Service {
    Service {
        protocol: service.protocol,
        src: service.dst,
        dst: service.src,
    }
}

pub(super) fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Config::hash();
    for text in comments {
        out.comment(text);
    }
    let entries = entries(policy);
    out.line(0, &[Word::Own("config firewall service custom")]);
    for entry in &entries {
        for (name, service) in entry.services(false).chain(entry.services(true)) {
            out.line(1, &[Word::Own("edit"), Word::Name(&name)]);
            let key = match service.protocol {
                Protocol::Udp => "set udp-portrange",
                Protocol::Tcp => "set tcp-portrange",
            };
            out.line(2, &[Word::Own(key), Word::Name(&portrange(service))]);
            out.line(1, &[Word::Own("next")]);
        }
    }
    out.line(0, &[Word::Own("end")]);
    for ([table, set], v6) in TABLES.into_iter().zip([false, true]) {
        let own = entries.iter().filter(|entry| entry.v6 == v6);
        let nets: Vec<(String, IpNet)> = own.flat_map(Entry::nets).collect();
        if nets.is_empty() {
            continue;
        }
        out.line(0, &[Word::Own(table)]);
        for (name, net) in nets {
            out.line(1, &[Word::Own("edit"), Word::Name(&name)]);
            out.line(2, &[Word::Own(set), Word::Name(&net.to_string())]);
            out.line(1, &[Word::Own("next")]);
        }
        out.line(0, &[Word::Own("end")]);
    }
    shaping(&mut out, policy, &entries);
    out.into_bytes()
}

/// `DESTINATION:SOURCE`, of which the source may be left out.
fn portrange(service: Service) -> String {
    let any = "0-65535".to_owned();
    let dst = service.dst.map_or(any, |range| range.to_string());
    match service.src {
        Some(src) => format!("{dst}:{src}"),
        None => dst,
    }
}

/// What [`portrange`] wrote.
fn read_portrange(protocol: Protocol, text: &str) -> Option<Service> {
    let range = |text: &str| values::ports(text, '-');
    let some = |range: PortRange| (range.to_string() != "0-65535").then_some(range);
    let (dst, src) = match text.split_once(':') {
        None => (text, None),
        Some((dst, src)) => (dst, Some(range(src)?)),
    };
    Some(Service {
        protocol,
        src,
        dst: some(range(dst)?),
    })
}

fn shaping(out: &mut Config, policy: &Policy, entries: &[Entry<'_>]) {
    out.line(0, &[Word::Own("config firewall shaping-policy")]);
    let mut number = FIRST + policy.before;
    for entry in entries {
        for mirrored in [false, true] {
            number += 1;
            let names: Vec<String> = entry.services(mirrored).map(|(name, _)| name).collect();
            head(out, policy, number, entry.v6, mirrored);
            let mut sides = ["A", "B"].map(|side| {
                let nets = entry.nets().map(|(name, _)| name);
                let own = nets.filter(|name| name[entry.name.len()..].starts_with(side));
                own.collect::<Vec<_>>()
            });
            if mirrored {
                sides.reverse();
            }
            for (key, side) in ADDRESS[usize::from(entry.v6)].into_iter().zip(&sides) {
                listed(out, key, side, "all");
            }
            listed(out, "set service", &names, "ALL");
            let class = entry.queue.map_or(REST, class_id);
            mark(out, mirrored, class, entry.dscp);
        }
    }
    let rest = [(false, false), (false, true), (true, false), (true, true)];
    for (v6, mirrored) in rest.into_iter().filter(|_| policy.reset) {
        number += 1;
        head(out, policy, number, v6, mirrored);
        for key in ADDRESS[usize::from(v6)] {
            listed(out, key, &[], "all");
        }
        listed(out, "set service", &[], "ALL");
        mark(out, mirrored, REST, Dscp::DF);
    }
    out.line(0, &[Word::Own("end")]);
}

/// The number, and the interfaces of a session: from its hosts to the uplinks, or the other way round.
fn head(out: &mut Config, policy: &Policy, number: usize, v6: bool, mirrored: bool) {
    out.line(1, &[Word::Own("edit"), Word::Number(number as u64)]);
    let name = policy_name(policy);
    out.line(2, &[Word::Own("set comment"), Word::Name(&name)]);
    let version = if v6 { 6 } else { 4 };
    out.line(2, &[Word::Own("set ip-version"), Word::Number(version)]);
    let mut keys = ["set srcintf", "set dstintf"];
    if mirrored {
        keys.reverse();
    }
    listed(out, keys[0], &policy.interfaces, INTERFACE);
    listed(out, keys[1], &policy.towards, UPLINK);
}

/// A list of names, or a word where there is none.
fn listed(out: &mut Config, key: &'static str, names: &[String], none: &'static str) {
    let mut words = vec![Word::Own(key)];
    words.extend(names.iter().map(|name| Word::Name(name)));
    if names.is_empty() {
        words.push(Word::Own(none));
    }
    out.line(2, &words);
}

/// Classes are of the direction in which a session began.
fn mark(out: &mut Config, mirrored: bool, class: u64, dscp: Dscp) {
    let bits = Unit::Bits.write(dscp);
    let (on, code) = if mirrored {
        ("set diffserv-reverse enable", "set diffservcode-rev")
    } else {
        out.line(2, &[Word::Own("set class-id"), Word::Number(class)]);
        ("set diffserv-forward enable", "set diffservcode-forward")
    };
    out.line(2, &[Word::Own(on)]);
    out.line(2, &[Word::Own(code), Word::Name(&bits)]);
    out.line(1, &[Word::Own("next")]);
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Config::hash();
    out.comment(&policy_name(policy));
    let entries = entries(policy);
    out.line(0, &[Word::Own("config firewall shaping-policy")]);
    let first = FIRST + policy.before + 1;
    for number in first..first + count(policy) {
        out.line(1, &[Word::Own("delete"), Word::Number(number as u64)]);
    }
    out.line(0, &[Word::Own("end")]);
    let mut gone = |table, names: Vec<String>| {
        if names.is_empty() {
            return;
        }
        out.line(0, &[Word::Own(table)]);
        for name in names {
            out.line(1, &[Word::Own("delete"), Word::Name(&name)]);
        }
        out.line(0, &[Word::Own("end")]);
    };
    let services = entries
        .iter()
        .flat_map(|entry| entry.services(false).chain(entry.services(true)));
    gone(
        "config firewall service custom",
        services.map(|(name, _)| name).collect(),
    );
    for ([table, _], v6) in TABLES.into_iter().zip([false, true]) {
        let own = entries.iter().filter(|entry| entry.v6 == v6);
        gone(
            table,
            own.flat_map(Entry::nets).map(|(name, _)| name).collect(),
        );
    }
    out.into_bytes()
}

/// Objects by name, and the policy as far as it is read.
#[derive(Default)]
struct Reader<'a> {
    services: Vec<(&'a str, Service)>,
    nets: Vec<(&'a str, IpNet)>,
    policy: Policy,
    class: String,
    numbers: Vec<usize>,
}

pub(super) fn read(text: &str) -> Result<Policy, String> {
    let mut read = Reader::default();
    for node in &ios::read(text)? {
        read.table(node)
            .ok_or_else(|| format!("line {} is not one that is written here", node.line))?;
    }
    let mut policy = read.policy;
    let first = read.numbers.first().copied();
    policy.before = first
        .and_then(|first| first.checked_sub(FIRST + 1))
        .ok_or("there is no shaping policy")?;
    policy.groups = true;
    let again = apply(&policy, &leading_comments(text, "# "));
    same(text, &again, policy)
}

impl<'a> Reader<'a> {
    fn table(&mut self, node: &Node<'a>) -> Option<()> {
        for below in &node.below {
            let [word, name] = below.words[..] else {
                (below.words == ["next"]).then_some(())?;
                continue;
            };
            (word == "edit").then_some(())?;
            let value = |key: &str| {
                let mut lines = below.below.iter();
                lines.find_map(|line| {
                    let rest = line.words.strip_prefix(&["set"])?;
                    let (first, values) = rest.split_first()?;
                    (*first == key).then_some(values)
                })
            };
            match node.words[..] {
                ["config", "firewall", "service", "custom"] => {
                    let keys = [
                        (Protocol::Udp, "udp-portrange"),
                        (Protocol::Tcp, "tcp-portrange"),
                    ];
                    let mut found = keys.into_iter();
                    let service = found.find_map(|(protocol, key)| {
                        read_portrange(protocol, value(key)?.first()?)
                    })?;
                    self.services.push((name, service));
                }
                ["config", "firewall", "address" | "address6"] => {
                    let text = value("subnet").or(value("ip6"))?.first()?;
                    self.nets.push((name, text.parse().ok()?));
                }
                ["config", "firewall", "shaping-policy"] => {
                    self.numbers.push(name.parse().ok()?);
                    self.shaping(value)?;
                }
                _ => return None,
            }
        }
        matches!(node.words[..], ["config", "firewall", ..] | ["end"]).then_some(())
    }

    fn shaping<'b>(&mut self, value: impl Fn(&str) -> Option<&'b [&'a str]>) -> Option<()>
    where
        'a: 'b,
    {
        let Some(code) = value("diffservcode-forward") else {
            // The mirror image, which is held by writing it again.
            return Some(());
        };
        let list = |key: &str, none: &str| -> Option<Vec<String>> {
            let names = value(key)?.iter().filter(|name| **name != none);
            Some(names.map(|name| (*name).to_owned()).collect())
        };
        self.policy.label = value("comment")?.first()?.strip_prefix("PH-")?.to_owned();
        self.policy.interfaces = list("srcintf", INTERFACE)?;
        self.policy.towards = list("dstintf", UPLINK)?;
        let v6 = value("ip-version")?.first()? == &"6";
        let services = value("service")?;
        if services == ["ALL"] {
            self.policy.reset = true;
            return Some(());
        }
        let [src, dst] = ADDRESS[usize::from(v6)].map(|key| {
            let names = value(key.strip_prefix("set ")?)?.iter();
            let some = names.filter(|name| **name != "all");
            some.map(|name| find(&self.nets, name).copied())
                .collect::<Option<Vec<_>>>()
        });
        let own = services
            .iter()
            .map(|name| find(&self.services, name).copied());
        let term = Term {
            src: src?,
            dst: dst?,
            services: own.collect::<Option<_>>()?,
        };
        let dscp = Unit::Bits.read(code.first()?)?;
        let id: u64 = value("class-id")?.first()?.parse().ok()?;
        // `PH-clients-EF-4-1S1`: the class, the family, the term.
        let mut parts = services.first()?.rsplitn(3, '-');
        let class = parts.nth(2)?;
        if class != self.class || self.policy.classes.is_empty() {
            class.clone_into(&mut self.class);
            self.policy.classes.push(Class {
                dscp,
                queue: KINDS.into_iter().find(|kind| class_id(*kind) == id),
                ..Class::rest()
            });
        }
        let terms = &mut self.policy.classes.last_mut()?.terms;
        terms[usize::from(v6)].push(term);
        Some(())
    }
}
