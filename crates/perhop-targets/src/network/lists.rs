//! Access lists, as most devices write them: the names of what is made for a class, and its lines.

use ipnet::IpNet;

use crate::network::model::{Policy, Service, Term};
use crate::syntax::ios::{Addresses, Config, Node, Word, Words};

/// The names of what is made for a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The class.
    pub class: String,
    /// Its lists: IPv4, IPv6.
    pub lists: [String; 2],
}

/// The names for each class of a policy.
#[must_use]
pub fn names(policy: &Policy) -> Vec<Names> {
    let one = |name: &String| {
        let class = format!("PH-{}-{name}", policy.label);
        Names {
            lists: ["V4", "V6"].map(|family| format!("{class}-{family}")),
            class,
        }
    };
    policy.class_names().iter().map(one).collect()
}

/// What a policy is called.
#[must_use]
pub fn policy_name(policy: &Policy) -> String {
    format!("PH-{}", policy.label)
}

/// Numbered lines for terms: `10 VERB udp any range 1 2 any`, with the program's own words after.
pub fn lines(
    out: &mut Config,
    terms: &[Term],
    verb: &'static str,
    form: Addresses,
    after: Option<&'static str>,
) {
    for (number, line) in (1..).zip(terms.iter().flat_map(Term::lines)) {
        let mut words = vec![Word::Number(number * 10), Word::Own(verb)];
        words.extend(condition(&line, form));
        words.extend(after.map(Word::Own));
        out.line(1, &words);
    }
}

/// The terms of lines that [`lines`] wrote, one each.
#[must_use]
pub fn read_lines(
    node: &Node<'_>,
    verb: &str,
    form: Addresses,
    after: Option<&str>,
) -> Option<Vec<Term>> {
    let one = |node: &Node<'_>| {
        let mut words = Words::new(node.words.get(1..)?);
        if !words.takes(verb) {
            return None;
        }
        let term = read_condition(&mut words, form)?;
        let ends = after.is_none_or(|after| words.takes(after));
        (ends && words.is_empty()).then_some(term)
    };
    node.below.iter().map(one).collect()
}

/// `udp any range 1 2 any`, for a term of one line.
#[must_use]
pub fn condition(term: &Term, form: Addresses) -> Vec<Word<'static>> {
    let service = term.services[0];
    let address = |nets: &[IpNet]| Word::Address(form, nets.first().copied());
    let mut words = vec![Word::Protocol(service.protocol), address(&term.src)];
    words.extend(service.src.map(Word::Ports));
    words.push(address(&term.dst));
    words.extend(service.dst.map(Word::Ports));
    words
}

/// A term that [`condition`] wrote.
pub fn read_condition(words: &mut Words<'_, '_>, form: Addresses) -> Option<Term> {
    let protocol = words.protocol()?;
    let src = words.address(form)?.into_iter().collect();
    let from = words.ports()?;
    let dst = words.address(form)?.into_iter().collect();
    Some(Term {
        src,
        dst,
        services: vec![Service {
            protocol,
            src: from,
            dst: words.ports()?,
        }],
    })
}

/// What has a name among what was read.
#[must_use]
pub fn find<'b, T>(named: &'b [(&str, T)], name: &str) -> Option<&'b T> {
    named
        .iter()
        .find(|(one, _)| *one == name)
        .map(|(_, value)| value)
}
