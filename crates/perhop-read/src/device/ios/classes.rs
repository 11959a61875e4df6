//! Class maps: which packets a class takes, by access lists and by the marks that packets come with.

use ipnet::IpNet;
use perhop_policy::Dscp;
use perhop_targets::network::model::{Service, Term};
use perhop_targets::syntax::ios::Node;

use super::super::lists::{Line, List, Lists, Strange, lines, strange};
use super::dscp;
use crate::fact::{AccessList, NetMark};
use crate::meet;
use crate::place::Place;
use crate::reading::shortened;

/// A class of packets.
pub(super) struct Class {
    /// What it takes packets by, any of which.
    pub(super) conditions: Vec<Condition>,
    pub(super) strange: Vec<Strange>,
}

/// What packets have to be, all of it.
#[derive(Default)]
pub(super) struct Condition {
    /// Lists that take them, every one.
    pub(super) lists: Vec<String>,
    /// The marks that they come with; none for any.
    arriving: Option<Vec<Dscp>>,
    /// Whether it is about IPv4 alone.
    v4: bool,
}

impl Class {
    /// The class of a class map, with its name. Of `match-all` every line has to be understood, or none is.
    pub(super) fn of<'a>(node: &Node<'a>, lists: &Lists<'a>) -> Option<(&'a str, Self)> {
        let ["class-map", ref head @ .., name] = node.words[..] else {
            return None;
        };
        let all = head.contains(&"match-all") || !head.contains(&"match-any");
        let mut class = Self {
            conditions: Vec::new(),
            strange: Vec::new(),
        };
        let mut matches = lines(node);
        matches.retain(|below| below.words[0] != "description");
        for below in matches {
            match Condition::of(&below.words, lists) {
                Some(condition) => class.conditions.push(condition),
                None => class.strange.push(strange(below, &["class-map", name])),
            }
        }
        if all {
            let whole =
                class.strange.is_empty() && (1..=MOST_OF_ALL).contains(&class.conditions.len());
            let conditions = std::mem::take(&mut class.conditions);
            if whole {
                class.conditions.push(
                    conditions
                        .into_iter()
                        .fold(Condition::default(), Condition::and),
                );
            }
        }
        Some((name, class))
    }
}

impl Condition {
    /// Packets of a list.
    pub(super) fn of_list(name: &str) -> Self {
        Self {
            lists: vec![name.to_owned()],
            ..Self::default()
        }
    }

    /// One line of a class map; some devices number them.
    fn of(words: &[&str], lists: &Lists<'_>) -> Option<Self> {
        let numbered = words
            .first()
            .is_some_and(|word| word.parse::<u32>().is_ok());
        let words = &words[usize::from(numbered)..];
        match *words {
            ["match", "access-group", list]
            | ["match", "access-group", "name", list]
            | ["match", "ip" | "ipv6", "access-group", list]
            | ["match", "ip" | "ipv6", "access-group", "name", list] => {
                lists.find(list).map(|_| Self::of_list(list))
            }
            ["match", "any"] => Some(Self::default()),
            ["match", "dscp", ref marks @ ..] => Self::of_marks(marks, false),
            // IPv6 has no such byte by this name.
            ["match", "ip", "dscp", ref marks @ ..] => Self::of_marks(marks, true),
            _ => None,
        }
    }

    /// `ef af41`, `46,34`, `32-39`.
    fn of_marks(marks: &[&str], v4: bool) -> Option<Self> {
        let mut arriving = Vec::new();
        for mark in marks.iter().flat_map(|word| word.split(',')) {
            match mark.split_once('-') {
                Some((first, last)) => {
                    let (first, last) = (dscp(first)?.value(), dscp(last)?.value());
                    arriving.extend((first..=last).filter_map(Dscp::try_new));
                }
                None => arriving.push(dscp(mark)?),
            }
        }
        arriving.sort_unstable();
        arriving.dedup();
        (!arriving.is_empty()).then_some(Self {
            arriving: Some(arriving),
            v4,
            ..Self::default()
        })
    }

    /// Both conditions at once.
    fn and(mut self, other: Self) -> Self {
        for list in other.lists {
            if !self.lists.contains(&list) {
                self.lists.push(list);
            }
        }
        self.v4 |= other.v4;
        self.arriving = match (self.arriving, other.arriving) {
            (Some(one), Some(two)) => {
                Some(one.into_iter().filter(|mark| two.contains(mark)).collect())
            }
            (one, two) => one.or(two),
        };
        self
    }

    /// The marks that `mark` is on these packets; `None` when there are too many.
    pub(super) fn marks(
        &self,
        index: usize,
        lists: &Lists<'_>,
        mark: &NetMark,
    ) -> Option<Vec<NetMark>> {
        let mut marks = vec![NetMark {
            families: [true, !self.v4],
            arriving: match &self.arriving {
                // No packet comes with two marks.
                Some(marks) if marks.is_empty() => return Some(Vec::new()),
                Some(marks) => marks.clone(),
                None => Vec::new(),
            },
            ..mark.clone()
        }];
        for name in &self.lists {
            let of = of_list(index, name, lists, mark)?;
            let mut both = Vec::new();
            for one in &marks {
                for other in &of {
                    lists.affords(one.src.len().max(1) * other.src.len().max(1))?;
                    lists.affords(one.dst.len().max(1) * other.dst.len().max(1))?;
                    lists.affords(one.services.len().max(1) * other.services.len().max(1))?;
                    lists.affords(
                        [one, other]
                            .iter()
                            .flat_map(|one| &one.without)
                            .map(size)
                            .sum(),
                    )?;
                    both.extend(meet::packets(one, other));
                }
            }
            marks = both;
        }
        Some(marks)
    }
}

/// More conditions at once no class has.
const MOST_OF_ALL: usize = 64;

fn size(term: &Term) -> usize {
    1 + term.src.len() + term.dst.len() + term.services.len()
}

/// The marks that `mark` is on the packets of a list; `None` when there are too many.
fn of_list(index: usize, name: &str, lists: &Lists<'_>, mark: &NetMark) -> Option<Vec<NetMark>> {
    let mut out = Vec::new();
    let List { lines, .. } = lists.find(name)?;
    for (lines, families) in lines.iter().zip([[true, false], [false, true]]) {
        let denies = lines.iter().any(|one| !one.takes);
        for (at, line) in lines.iter().enumerate() {
            if !line.takes {
                continue;
            }
            let kept = |one: &&Line| !one.takes && meets(&one.term, &line.term);
            let without: Vec<Term> = lines[..at]
                .iter()
                .filter(kept)
                .map(|one| one.term.clone())
                .collect();
            lists.affords(size(&line.term) + without.iter().map(size).sum::<usize>() + at / 64)?;
            // A line for every packet is none for packets of no port.
            let services = &line.term.services;
            let all = services.len() == 2
                && services
                    .iter()
                    .all(|one| (one.src, one.dst) == (None, None));
            out.push(NetMark {
                families,
                src: line.term.src.clone(),
                dst: line.term.dst.clone(),
                services: if all { Vec::new() } else { services.clone() },
                without,
                access_list: Some(AccessList {
                    name: shortened(name),
                    place: Place::line(index, line.line),
                    denies,
                }),
                ..mark.clone()
            });
        }
    }
    Some(out)
}

/// Whether two terms may have a packet in common; of long ones it is not looked at.
fn meets(a: &Term, b: &Term) -> bool {
    let long = |a: usize, b: usize| a.saturating_mul(b) > 64;
    let nets = |a: &[IpNet], b: &[IpNet]| {
        a.is_empty()
            || b.is_empty()
            || long(a.len(), b.len())
            || a.iter()
                .any(|a| b.iter().any(|b| a.contains(b) || b.contains(a)))
    };
    let services = |a: &[Service], b: &[Service]| {
        long(a.len(), b.len())
            || a.iter()
                .any(|a| b.iter().any(|b| meet::service(a, b).is_some()))
    };
    nets(&a.src, &b.src) && nets(&a.dst, &b.dst) && services(&a.services, &b.services)
}
