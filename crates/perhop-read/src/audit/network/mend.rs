//! Commands for devices, in their own language, by the writers of the targets.

use perhop_policy::Dscp;
use perhop_targets::network::entry::Entry;
use perhop_targets::network::lists;
use perhop_targets::network::model::{Class, Policy, Service, Term, common_name, some_ports};
use perhop_targets::network::program::Language;
use perhop_targets::syntax::ios::{Addresses, Config, Word};
use perhop_targets::{arista_eos::ARISTA_EOS, cisco_ios, cisco_nxos::CISCO_NXOS};

use super::points::Point;
use crate::fact::{NetMark, Syntax};

/// More lines than these nobody types.
const MOST_LINES: usize = 24;

/// Gives the class of a mark another one.
pub(super) fn set_mark(mark: &NetMark, dscp: Dscp) -> Option<String> {
    let number = dscp.value().to_string();
    match mark.syntax {
        Syntax::CiscoIos | Syntax::CiscoNxos | Syntax::AristaEos => {
            let mut out = Config::new();
            out.line(
                0,
                &[Word::Own(policy_map(mark.syntax)?), Word::Name(&mark.list)],
            );
            out.line(1, &[Word::Own("class"), Word::Name(&mark.class)]);
            let name = match (mark.syntax, common_name(dscp)) {
                (Syntax::CiscoIos, _) if dscp == Dscp::DF => "default".to_owned(),
                (Syntax::CiscoIos, Some(name)) => name.to_lowercase(),
                _ => number,
            };
            out.line(2, &[Word::Own("set dscp"), Word::Name(&name)]);
            text(out)
        }
        Syntax::Vyos => {
            let route = match mark.families {
                [true, false] => "set policy route",
                _ => "set policy route6",
            };
            let rule = mark.class.strip_prefix("rule ")?;
            let mut out = Config::hash();
            out.line(
                0,
                &[
                    Word::Own(route),
                    Word::Name(&mark.list),
                    Word::Own("rule"),
                    Word::Name(rule),
                    Word::Own("set dscp"),
                    Word::Name(&number),
                ],
            );
            text(out)
        }
        Syntax::Junos | Syntax::ArubaCx | Syntax::MikroTik | Syntax::Meraki | Syntax::Nft => None,
    }
}

/// Lines that let packets be marked.
pub(super) struct Added {
    /// The lines.
    pub(super) text: String,
    /// The list that they are for, when it has lines that deny.
    pub(super) denies: Option<String>,
}

impl Added {
    /// The lines that are no head of a list.
    pub(super) fn lines(&self) -> Vec<&str> {
        let lines = self.text.lines();
        let lines = lines.filter(|line| line.starts_with(' '));
        lines.map(str::trim).collect()
    }
}

/// Lets the class of a mark take an entry's packets too, or makes a class for them.
pub(super) fn add(point: &Point<'_>, entry: &Entry) -> Option<Added> {
    let whole = |text: Option<String>| {
        Some(Added {
            text: text?,
            denies: None,
        })
    };
    let known = point.marks().map(|(_, mark)| mark).find(|mark| {
        // A class by the mark that packets come with would not take them by a line more.
        mark.dscp == Some(entry.dscp) && mark.access_list.is_some() && mark.arriving.is_empty()
    });
    match point.syntax {
        Syntax::Nft => whole(nft(point, entry)),
        Syntax::CiscoIos | Syntax::CiscoNxos | Syntax::AristaEos => match known {
            Some(mark) => lines(mark, point, entry),
            None => whole(class(point, entry)),
        },
        Syntax::ArubaCx => lines(known?, point, entry),
        Syntax::Junos | Syntax::MikroTik | Syntax::Vyos | Syntax::Meraki => None,
    }
}

/// Attaches a list to interfaces.
pub(super) fn attach(syntax: Syntax, list: &str, interfaces: &[&str]) -> Option<String> {
    let mut out = Config::new();
    for interface in interfaces {
        let words: [Word<'_>; 3] = match syntax {
            Syntax::CiscoIos => [
                Word::Own("service-policy input"),
                Word::Name(list),
                Word::Own(""),
            ],
            Syntax::CiscoNxos | Syntax::AristaEos => [
                Word::Own("service-policy type qos input"),
                Word::Name(list),
                Word::Own(""),
            ],
            Syntax::ArubaCx => [Word::Own("apply policy"), Word::Name(list), Word::Own("in")],
            Syntax::Junos | Syntax::MikroTik | Syntax::Vyos | Syntax::Meraki | Syntax::Nft => {
                return None;
            }
        };
        let count = if syntax == Syntax::ArubaCx { 3 } else { 2 };
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        out.line(1, &words[..count]);
    }
    text(out)
}

fn policy_map(syntax: Syntax) -> Option<&'static str> {
    match syntax {
        Syntax::CiscoIos => Some("policy-map"),
        Syntax::CiscoNxos => Some("policy-map type qos"),
        Syntax::AristaEos => Some("policy-map type quality-of-service"),
        Syntax::ArubaCx => Some("policy"),
        Syntax::Junos | Syntax::MikroTik | Syntax::Vyos | Syntax::Meraki | Syntax::Nft => None,
    }
}

fn text(config: Config) -> Option<String> {
    let text = String::from_utf8(config.into_bytes()).ok()?;
    let text = text.trim_end();
    (text.lines().count() <= MOST_LINES).then(|| text.to_owned())
}

/// The entry as a term of each family.
fn terms(entry: &Entry) -> [Vec<Term>; 2] {
    let services: Vec<Service> = entry
        .protocols()
        .into_iter()
        .map(|protocol| Service {
            protocol,
            src: some_ports(entry.src_ports),
            dst: some_ports(entry.dst_ports),
        })
        .collect();
    let term = Term {
        src: entry.src.clone(),
        dst: entry.dst.clone(),
        services,
    };
    entry
        .families()
        .map(|is| if is { vec![term.clone()] } else { Vec::new() })
}

/// More lines for the access lists of a class.
fn lines(mark: &NetMark, point: &Point<'_>, entry: &Entry) -> Option<Added> {
    let mut out = Config::new();
    let form = match mark.syntax {
        Syntax::CiscoIos => Addresses::Wildcard,
        Syntax::ArubaCx => Addresses::Bare,
        _ => Addresses::Prefix,
    };
    let (mut any, mut denies) = (false, None);
    for (family, terms) in terms(entry).iter().enumerate() {
        let list = point.marks().map(|(_, one)| one).find_map(|one| {
            let own = one.class == mark.class && one.list == mark.list && one.families[family];
            one.access_list.as_ref().filter(|_| own)
        });
        let Some(list) = list.filter(|_| !terms.is_empty()) else {
            continue;
        };
        any = true;
        if list.denies {
            denies.get_or_insert_with(|| list.name.clone());
        }
        let words = match (mark.syntax, family) {
            (Syntax::ArubaCx, 0) => "class ip",
            (Syntax::ArubaCx, _) => "class ipv6",
            (Syntax::CiscoIos, 0) => "ip access-list extended",
            (_, 0) => "ip access-list",
            (_, _) => "ipv6 access-list",
        };
        out.line(0, &[Word::Own(words), Word::Name(&list.name)]);
        let verb = if mark.syntax == Syntax::ArubaCx {
            "match"
        } else {
            "permit"
        };
        for line in terms.iter().flat_map(Term::lines) {
            // Without a number the line is put behind the others.
            let mut words = vec![Word::Own(verb)];
            words.extend(lists::condition(&line, form));
            out.line(1, &words);
        }
    }
    let text = text(out).filter(|_| any)?;
    Some(Added { text, denies })
}

/// A class of its own, in the policy that is there.
fn class(point: &Point<'_>, entry: &Entry) -> Option<String> {
    let language: &Language = match point.syntax {
        Syntax::CiscoIos => cisco_ios::language(),
        Syntax::CiscoNxos => CISCO_NXOS.language,
        _ => ARISTA_EOS.language,
    };
    let policy = Policy {
        label: format!("D{}", entry.dscp.value()),
        classes: vec![Class {
            dscp: entry.dscp,
            queue: None,
            terms: terms(entry).map(|terms| terms.iter().flat_map(Term::lines).collect()),
        }],
        ..Policy::default()
    };
    let own = lists::policy_name(&policy);
    let bytes = (language.marks)(&policy, &[]);
    let list = &point.lists[0].name;
    let mut out = String::new();
    for line in std::str::from_utf8(&bytes).ok()?.lines() {
        match line.strip_suffix(&own) {
            Some(head) if line.starts_with("policy-map") => {
                out.push_str(head);
                out.push_str(list);
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    let out = out.trim_end();
    (out.lines().count() <= MOST_LINES).then(|| out.to_owned())
}

/// Rules at the beginning of the chain where packets come in.
fn nft(point: &Point<'_>, entry: &Entry) -> Option<String> {
    let chain = &point.lists[0].name;
    // A shell reads it.
    if !chain
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'))
    {
        return None;
    }
    let mut out = Vec::new();
    for (terms, family) in terms(entry).iter().zip(["ip", "ip6"]) {
        if !chain.starts_with("inet ")
            && !chain.starts_with("bridge ")
            && chain.split(' ').next() != Some(family)
        {
            continue;
        }
        for line in terms.iter().flat_map(Term::lines) {
            let service = line.services[0];
            let mut rule = format!("nft insert rule {chain}");
            for (word, net) in [("saddr", line.src.first()), ("daddr", line.dst.first())] {
                if let Some(net) = net {
                    rule.push_str(&format!(" {family} {word} {net}"));
                }
            }
            rule.push_str(&format!(" meta l4proto {}", service.protocol.as_str()));
            for (word, ports) in [("sport", service.src), ("dport", service.dst)] {
                if let Some(ports) = ports {
                    rule.push_str(&format!(" th {word} {ports}"));
                }
            }
            rule.push_str(&format!(" {family} dscp set {:#04x}", entry.dscp.value()));
            out.push(rule);
        }
    }
    (!out.is_empty() && out.len() <= MOST_LINES).then(|| out.join("\n"))
}
