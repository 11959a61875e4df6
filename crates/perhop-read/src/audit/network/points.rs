//! Which lists of the network are whose: the places where packets of one sender are marked.

mod chains;
mod vlans;

use std::borrow::Cow;
use std::collections::BTreeSet;

use perhop_policy::{Host, Marker, PolicySet, RuleId, ScopeId, TargetRequest};
use perhop_targets::network::entry::{self, Entry};
use perhop_targets::network::label;
use perhop_targets::network::options::{self, Options};
use perhop_targets::syntax::nft;

use crate::fact::{NetMark, Syntax, What};
use crate::place::Place;
use crate::reading::{FileRead, Reading};
use crate::simulate::network;

/// A list with its marks.
#[derive(Debug, Clone)]
pub(super) struct List<'a> {
    /// Its name.
    pub(super) name: Cow<'a, str>,
    /// Its marks, in order.
    pub(super) marks: Vec<(&'a Place, &'a NetMark)>,
}

/// Lists that packets pass one after the other.
#[derive(Debug, Clone)]
pub(super) struct Point<'a> {
    /// The file.
    pub(super) file: usize,
    /// The language.
    pub(super) syntax: Syntax,
    /// The lists; never none.
    pub(super) lists: Vec<List<'a>>,
}

impl<'a> Point<'a> {
    /// Every mark, counted through the lists.
    pub(super) fn marks(&self) -> impl Iterator<Item = (&'a Place, &'a NetMark)> + '_ {
        self.lists
            .iter()
            .flat_map(|list| list.marks.iter().copied())
    }

    /// Where packets come in.
    pub(super) fn interfaces(&self) -> BTreeSet<&'a str> {
        let marks = self.marks();
        marks
            .flat_map(|(_, mark)| mark.interfaces.iter().map(String::as_str))
            .collect()
    }

    /// Whether its classes go by the marks that packets come with: hosts behind it mark by themselves.
    pub(super) fn trusts(&self) -> bool {
        let mut classes = self
            .marks()
            .filter(|(_, mark)| !mark.is_of_all())
            .peekable();
        classes.peek().is_some() && classes.all(|(_, mark)| !mark.arriving.is_empty())
    }

    /// The target that writes such lists.
    pub(super) fn target(&self) -> &'static str {
        let of_openwrt = |list: &List<'_>| list.name.starts_with("inet fw4 ");
        match self.syntax {
            Syntax::Nft if self.lists.iter().all(of_openwrt) => "openwrt",
            syntax => syntax.target(),
        }
    }

    /// The names of the lists.
    pub(super) fn name(&self) -> String {
        let names: Vec<String> = self
            .lists
            .iter()
            .map(|list| format!("`{}`", list.name))
            .collect();
        names.join(" and ")
    }
}

/// What the plan asks of devices of a language.
pub(super) struct Asked {
    pub(super) options: Options,
    /// The request of the language's own target.
    pub(super) request: Option<TargetRequest>,
}

/// What the plan asks of a language's target; of every target of the network where it has none of its own.
pub(super) fn asked(policy: &PolicySet, target: &str) -> Asked {
    let own = policy.targets().iter().find(|request| request.id == target);
    if let Some(request) = own {
        return Asked {
            options: options::read(policy, request).unwrap_or_default(),
            request: Some(request.clone()),
        };
    }
    let mut all = Options::default();
    for request in policy.targets() {
        if let Ok(read) = options::read(policy, request) {
            all.mark.extend(read.mark);
        }
    }
    all.mark.sort_unstable();
    all.mark.dedup();
    Asked {
        options: all,
        request: None,
    }
}

/// Whether the network is to put a rule's mark on, in a place of a language.
pub(super) fn is_wanted(policy: &PolicySet, options: &Options, syntax: Syntax, id: RuleId) -> bool {
    let rule = policy.rule(id);
    options.mark.contains(&rule.scope)
        || rule.marker == Marker::Network
        || syntax == Syntax::Nft
            && policy.scope(rule.scope).host == Host::Linux
            && rule.marker == Marker::HostPolicy
}

/// Every point of the files, each with the sender whose it is.
pub(super) fn points<'a>(
    policy: &PolicySet,
    reading: &'a Reading,
) -> Vec<(Option<ScopeId>, Point<'a>)> {
    let mut out = Vec::new();
    for (index, file) in reading.files.iter().enumerate() {
        let lists = lists(file);
        let Some(syntax) = lists.first().map(|list| list.marks[0].1.syntax) else {
            continue;
        };
        if syntax == Syntax::Meraki {
            out.extend(vlans::points(policy, file, index, lists));
            continue;
        }
        let lists = match syntax {
            Syntax::MikroTik => chains::lists(policy, lists, &mut out, (file, index)),
            _ => lists,
        };
        let mut named: Vec<(ScopeId, Point<'a>)> = Vec::new();
        let mut others: Vec<Point<'a>> = Vec::new();
        for list in lists {
            let point = Point {
                file: index,
                syntax,
                lists: vec![list],
            };
            match by_name(policy, syntax, &point.lists[0].name) {
                Some(scope) => match named.iter_mut().find(|(one, _)| *one == scope) {
                    Some((_, known)) if goes_with(known, &point) => known.lists.extend(point.lists),
                    _ => named.push((scope, point)),
                },
                None => match others.iter_mut().find(|one| goes_with(one, &point)) {
                    Some(known) => known.lists.extend(point.lists),
                    None => others.push(point),
                },
            }
        }
        let given = |scope: ScopeId| match &file.scope {
            None => Some(scope),
            Some(name) => (policy.scope(scope).name == *name).then_some(scope),
        };
        out.extend(
            named
                .into_iter()
                .map(|(scope, point)| (given(scope), point)),
        );
        out.extend(
            others
                .into_iter()
                .map(|point| (told_or_alike(policy, file, &point), point)),
        );
    }
    // What only queues packets, or passes them, marks nobody's.
    out.retain(|(_, point)| point.marks().any(|(_, mark)| mark.dscp.is_some()));
    out
}

/// The sender that the user names, else the one whose packets are marked most alike.
fn told_or_alike(policy: &PolicySet, file: &FileRead, point: &Point<'_>) -> Option<ScopeId> {
    match &file.scope {
        Some(name) => policy
            .scope_ids()
            .find(|id| policy.scope(*id).name == *name),
        None => by_likeness(policy, point),
    }
}

/// The lists of a file, in order.
fn lists(file: &FileRead) -> Vec<List<'_>> {
    let mut out: Vec<List<'_>> = Vec::new();
    for fact in &file.facts {
        let What::Mark(mark) = &fact.what else {
            continue;
        };
        match out
            .iter_mut()
            .find(|list| list.name == mark.list && list.marks[0].1.hook == mark.hook)
        {
            Some(list) => list.marks.push((&fact.place, mark)),
            None => out.push(List {
                name: Cow::Borrowed(&mark.list),
                marks: vec![(&fact.place, mark)],
            }),
        }
    }
    out
}

/// Whether packets that pass a point pass the other's list too: chains of one way through Linux, filters of both families.
fn goes_with(point: &Point<'_>, other: &Point<'_>) -> bool {
    let one = &point.lists[0];
    let two = &other.lists[0];
    let local = |hook: &str| matches!(hook, "output" | "egress");
    match point.syntax {
        Syntax::Nft => local(&one.marks[0].1.hook) == local(&two.marks[0].1.hook),
        Syntax::Junos | Syntax::Vyos => {
            let stem = |name: &str| {
                name.trim_end_matches(['4', '6', 'v', 'V', '-', '_'])
                    .to_owned()
            };
            let families = |list: &List<'_>| list.marks[0].1.families;
            families(one) != families(two)
                && point.lists.len() == 1
                && match (point.interfaces(), other.interfaces()) {
                    (a, b) if a.is_empty() && b.is_empty() => stem(&one.name) == stem(&two.name),
                    (a, b) => a == b,
                }
        }
        // Packets that the router forwards come through these chains, one after the other.
        Syntax::MikroTik => {
            let passes = |list: &List<'_>| {
                matches!(
                    &*list.marks[0].1.hook,
                    "prerouting" | "forward" | "postrouting"
                )
            };
            passes(one) && passes(two)
        }
        _ => false,
    }
}

/// The sender whose name perhop would have put into a list's.
fn by_name(policy: &PolicySet, syntax: Syntax, list: &str) -> Option<ScopeId> {
    policy.scope_ids().find(|id| {
        let label = label::of_scope(&policy.scope(*id).name);
        match syntax {
            Syntax::Nft => {
                let mut words = list.split(' ').skip(1);
                let label = nft::name(&label);
                // A table of its own, or a chain in the table of OpenWrt.
                words.next() == Some(&format!("perhop_{label}"))
                    || words.next() == Some(&format!("PH_{label}"))
            }
            Syntax::Junos => {
                let name = list.strip_suffix("-V6").unwrap_or(list);
                name == format!("PH-{label}")
            }
            _ => list == format!("PH-{label}"),
        }
    })
}

/// The sender whose packets a point marks most alike.
fn by_likeness(policy: &PolicySet, point: &Point<'_>) -> Option<ScopeId> {
    let options = asked(policy, point.target()).options;
    let marks: Vec<(&NetMark, _)> = point
        .marks()
        .filter(|(_, mark)| !mark.is_of_all())
        .filter_map(|(_, mark)| Some((mark, network::spaces(mark)?)))
        .take(MOST_ALIKE)
        .collect();
    let mut best: Option<((bool, usize), ScopeId)> = None;
    for scope in policy.scope_ids() {
        let entries = entry::marks(policy, scope, |_| true).entries;
        let mut score = 0;
        for entry in entries.iter().take(MOST_ALIKE) {
            let own = of_entry(entry);
            let meets = |(_, spaces): &&(&NetMark, Vec<_>)| {
                own.iter().any(|one| {
                    spaces
                        .iter()
                        .any(|two: &perhop_policy::overlap::Space| one.intersection(two).is_some())
                })
            };
            let found = marks.iter().filter(meets);
            score += found
                .map(|(mark, _)| if mark.dscp == Some(entry.dscp) { 2 } else { 1 })
                .max()
                .unwrap_or(0);
        }
        let wanted = (0u32..)
            .map(RuleId)
            .zip(policy.rules())
            .any(|(id, rule)| rule.scope == scope && is_wanted(policy, &options, point.syntax, id));
        let better = best.is_none_or(|(known, _)| known < (wanted, score));
        if score > 0 && better {
            best = Some(((wanted, score), scope));
        }
    }
    best.map(|(_, scope)| scope)
}

/// More tell no more about whose they are.
const MOST_ALIKE: usize = 64;

/// The packets of an entry.
pub(super) fn of_entry(entry: &Entry) -> Vec<perhop_policy::overlap::Space> {
    use perhop_policy::overlap::AddressFamily;
    let services: Vec<crate::fact::Service> = entry
        .protocols()
        .into_iter()
        .map(|protocol| crate::fact::Service {
            protocol,
            src: entry.src_ports.range(),
            dst: entry.dst_ports.range(),
        })
        .collect();
    [AddressFamily::V4, AddressFamily::V6]
        .into_iter()
        .zip(entry.families())
        .filter(|(_, is)| *is)
        .flat_map(|(family, _)| network::of(family, &entry.src, &entry.dst, &services))
        .collect()
}
