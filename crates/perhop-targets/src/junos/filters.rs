//! Marks: a filter for each address family, whose terms choose forwarding classes.

use perhop_policy::Dscp;

use crate::network::lists::policy_name;
use crate::network::model::{Policy, Term, mark_name};
use crate::network::program::{leading_comments, same};
use crate::network::values::Texts;
use crate::syntax::ios::{self, Config, Word};

/// The words of an address family.
pub(super) struct Family {
    pub(super) word: &'static str,
    filter: &'static str,
    protocol: &'static str,
    v6: bool,
}

const FAMILIES: [Family; 2] = [
    Family {
        word: "inet",
        filter: "firewall family inet filter",
        protocol: "from protocol",
        v6: false,
    },
    Family {
        word: "inet6",
        filter: "firewall family inet6 filter",
        protocol: "from next-header",
        v6: true,
    },
];

const KEYS: [&str; 4] = [
    "from source-address",
    "from destination-address",
    "from source-port",
    "from destination-port",
];

impl Family {
    /// The name of a policy's filter.
    pub(super) fn filter(&self, policy: &Policy) -> String {
        let name = policy_name(policy);
        if self.v6 { format!("{name}-V6") } else { name }
    }
}

/// The families that a policy has a filter for.
pub(super) fn families(policy: &Policy) -> impl Iterator<Item = &'static Family> {
    FAMILIES
        .iter()
        .filter(|family| policy.reset || policy.rules(family.v6).next().is_some())
}

/// The forwarding class of a mark.
pub(super) fn class_name(dscp: Dscp) -> String {
    format!("PHQ-{}", mark_name(dscp))
}

/// The mark of a forwarding class.
pub(super) fn read_class(name: &str) -> Option<Dscp> {
    (0..64)
        .filter_map(Dscp::try_new)
        .find(|dscp| class_name(*dscp) == name)
}

pub(super) fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Config::hash();
    for text in comments {
        out.comment(text);
    }
    for family in families(policy) {
        let filter = family.filter(policy);
        let terms = (1..).zip(policy.rules(family.v6));
        for (number, (dscp, term)) in terms {
            let name = format!("t{number}");
            let line = |words: &[Word<'_>], out: &mut Config| {
                let mut all = head(family, &filter, &name);
                all.extend_from_slice(words);
                out.line(0, &all);
            };
            let texts = Texts::of(term, '-');
            let protocol = (family.protocol, texts.protocol);
            for (key, text) in [protocol].into_iter().chain(texts.with(KEYS)) {
                line(&[Word::Own(key), Word::Name(text)], &mut out);
            }
            line(&[Word::Own("then count"), Word::Name(&name)], &mut out);
            into_class(&mut out, family, &filter, &name, Some(dscp));
        }
        let rest = policy.reset.then_some(Dscp::DF);
        into_class(&mut out, family, &filter, "rest", rest);
    }
    attach(&mut out, policy, "set interfaces");
    out.into_bytes()
}

fn head<'a>(family: &Family, filter: &'a str, term: &'a str) -> Vec<Word<'a>> {
    vec![
        Word::Own("set"),
        Word::Own(family.filter),
        Word::Name(filter),
        Word::Own("term"),
        Word::Name(term),
    ]
}

/// Ends a term. Without `accept` at the end the filter would discard what nothing takes.
fn into_class(out: &mut Config, family: &Family, filter: &str, term: &str, dscp: Option<Dscp>) {
    let mut line = |words: &[Word<'_>]| {
        let mut all = head(family, filter, term);
        all.extend_from_slice(words);
        out.line(0, &all);
    };
    if let Some(dscp) = dscp {
        let class = class_name(dscp);
        line(&[Word::Own("then forwarding-class"), Word::Name(&class)]);
        line(&[Word::Own("then loss-priority low")]);
    }
    line(&[Word::Own("then accept")]);
}

/// `ge-0/0/0.0` is unit 0 of `ge-0/0/0`.
pub(super) fn interface_and_unit(name: &str) -> (&str, u64) {
    let parts = name.rsplit_once('.');
    let unit = parts.and_then(|(name, unit)| Some((name, unit.parse().ok()?)));
    unit.unwrap_or((name, 0))
}

fn attach(out: &mut Config, policy: &Policy, verb: &'static str) {
    for interface in &policy.interfaces {
        let (name, unit) = interface_and_unit(interface);
        for family in families(policy) {
            out.line(
                0,
                &[
                    Word::Own(verb),
                    Word::Name(name),
                    Word::Own("unit"),
                    Word::Number(unit),
                    Word::Own("family"),
                    Word::Own(family.word),
                    Word::Own("filter input"),
                    Word::Name(&family.filter(policy)),
                ],
            );
        }
    }
}

pub(super) fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Config::hash();
    attach(&mut out, policy, "delete interfaces");
    for family in families(policy) {
        let filter = family.filter(policy);
        let words = [
            Word::Own("delete"),
            Word::Own(family.filter),
            Word::Name(&filter),
        ];
        out.line(0, &words);
    }
    out.into_bytes()
}

/// The words of one term, by key.
type Pairs<'a> = Vec<(String, &'a str)>;

pub(super) fn read(text: &str) -> Result<Policy, String> {
    let nodes = ios::read(text)?;
    let mut terms: [Vec<(&str, Pairs<'_>)>; 2] = [Vec::new(), Vec::new()];
    let mut label = None;
    let mut interfaces: Vec<String> = Vec::new();
    for node in &nodes {
        let wrong = || format!("line {} is not one that is written here", node.line);
        match &node.words[..] {
            [
                "set",
                "firewall",
                "family",
                family @ ("inet" | "inet6"),
                "filter",
                filter,
                "term",
                term,
                key @ ..,
                value,
            ] => {
                let v6 = *family == "inet6";
                let name = if v6 {
                    filter.strip_suffix("-V6")
                } else {
                    Some(*filter)
                };
                label = Some(
                    name.and_then(|name| name.strip_prefix("PH-"))
                        .ok_or_else(wrong)?,
                );
                let terms = &mut terms[usize::from(v6)];
                if terms.last().is_none_or(|(last, _)| last != term) {
                    terms.push((term, Vec::new()));
                }
                let (_, pairs) = terms.last_mut().expect("pushed above");
                pairs.push((key.join(" "), value));
            }
            ["set", "interfaces", name, "unit", unit, "family", ..] => {
                let name = format!("{name}.{unit}");
                if !interfaces.contains(&name) {
                    interfaces.push(name);
                }
            }
            _ => return Err(wrong()),
        }
    }
    let (reset, rules) = rules(&terms);
    let mut policy = Policy::from_rules(label.ok_or("there is no filter")?, rules);
    (policy.reset, policy.interfaces) = (reset, interfaces);
    // What did not read is missed when the file is written again.
    let again = apply(&policy, &leading_comments(text, "# "));
    same(text, &again, policy)
}

/// Whether packets of no term are reset, and the terms of both families.
fn rules(terms: &[Vec<(&str, Pairs<'_>)>; 2]) -> (bool, [Vec<(Dscp, Term)>; 2]) {
    let mut reset = false;
    let rules = [0, 1].map(|family: usize| {
        let keys = [
            FAMILIES[family].protocol,
            KEYS[0],
            KEYS[1],
            KEYS[2],
            KEYS[3],
        ];
        let mut out = Vec::new();
        for (name, pairs) in &terms[family] {
            let found = |key: &str| {
                let found = pairs.iter().find(|(one, _)| one == key);
                found.map(|(_, value)| *value)
            };
            if *name == "rest" {
                reset |= found("then forwarding-class").is_some();
            }
            out.extend(rule(keys, found));
        }
        out
    });
    (reset, rules)
}

fn rule<'a>(
    keys: [&str; 5],
    value: impl Fn(&str) -> Option<&'a str> + Copy,
) -> Option<(Dscp, Term)> {
    let dscp = read_class(value("then forwarding-class")?)?;
    let term = Texts::read(keys, value)?.term('-')?;
    Some((dscp, term))
}
