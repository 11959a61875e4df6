//! What is said of the marks of the network: where, why, and what mends it.

use std::collections::{BTreeMap, BTreeSet};

use perhop_policy::overlap::{AddressFamily, Space, subtract};
use perhop_policy::{Dscp, RuleId, Severity};
use perhop_targets::network::entry::Entry;

use super::super::{Audit, marks};
use super::mend::{self, Added};
use super::points::List;
use super::{Fate, Judge, points};
use crate::codes;
use crate::fact::{Fact, NetMark, Syntax, What};
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::simulate::network::{self, Taken};

impl Judge<'_> {
    pub(super) fn too_many(&self) -> Finding {
        Finding::new(
            Severity::Error,
            Layer::Match,
            codes::AUDIT_TOO_MANY,
            format!(
                "the lines of {} overlap in more ways than can be compared",
                self.point.name()
            ),
        )
        .at(self.point.lists[0].marks[0].0)
        .help("`perhop read` lists what it marks")
    }

    /// How much of the file is not understood.
    fn doubt(&self, finding: Finding) -> Finding {
        let file = &self.reading.files[self.point.file];
        let count = file.left.len() + file.left_more;
        match count {
            0 => finding,
            1 => finding.note("1 line of the file is not understood and may change this; `perhop read` shows it"),
            _ => finding.note(format!("{count} lines of the file are not understood and may change this; `perhop read` lists them")),
        }
    }

    pub(super) fn told(
        &self,
        id: RuleId,
        fate: &Fate,
        entries: &[Entry],
        marks: &[(&Place, &NetMark)],
    ) -> Vec<Finding> {
        let rule = self.policy.rule(id);
        let mut out = Vec::new();
        // The lines of one class are one finding.
        let mut classes: BTreeMap<(&str, &str, Option<usize>), (usize, &Space)> = BTreeMap::new();
        for (by, parts) in &fate.other {
            let (place, mark) = marks[*by];
            let key = (mark.list.as_str(), mark.class.as_str(), place.line);
            classes.entry(key).or_insert((*by, &parts[0]));
        }
        let whole = fate.right.is_empty() && fate.unmarked.is_empty() && classes.len() == 1;
        for (by, part) in classes.into_values() {
            let (place, mark) = marks[by];
            let what = if whole { "" } else { "part of " };
            let finding = Finding::new(
                Severity::Error,
                Layer::Match,
                codes::AUDIT_OTHER_MARK,
                format!(
                    "{what}`{}` is to be {}, and `{}` of `{}` marks {}",
                    rule.name,
                    rule.dscp,
                    mark.class,
                    mark.list,
                    mark.dscp_text()
                ),
            )
            .at(place)
            .rule(&rule.name, rule.origin)
            .note(marks::example(part));
            let finding = self.line(finding, mark);
            // Where the class is for these packets its mark is wrong; else it only is in the way.
            let own = fate.entries.iter().any(|at| same(&entries[*at], mark));
            out.push(self.doubt(match mend::set_mark(mark, rule.dscp) {
                Some(text) if own => finding.lines(Some(&text)),
                _ if own => finding.help(format!(
                    "give `{}` of `{}` the mark {}",
                    mark.class, mark.list, rule.dscp
                )),
                _ => finding.help(format!(
                    "narrow `{}`, or put the class of these packets before it",
                    mark.class
                )),
            }));
        }
        if !fate.unmarked.is_empty() {
            out.push(self.doubt(self.unmarked(id, fate, entries, marks)));
        }
        out
    }

    /// Says which line of which access list takes the packets of a mark.
    fn line(&self, finding: Finding, mark: &NetMark) -> Finding {
        match &mark.access_list {
            Some(list) => finding.note(format!(
                "they are taken by `{}`, {}",
                list.name,
                self.reading.place(&list.place)
            )),
            None => finding,
        }
    }

    fn unmarked(
        &self,
        id: RuleId,
        fate: &Fate,
        entries: &[Entry],
        marks: &[(&Place, &NetMark)],
    ) -> Finding {
        let rule = self.policy.rule(id);
        let (taken, space) = &fate.unmarked[0];
        // What is done with the rest is no reason that no class takes them.
        let (rest, by) = match taken {
            Some(by) if marks[*by].1.is_of_all() => (Some(marks[*by].1), None),
            other => (None, *other),
        };
        let mut finding = self
            .why_unmarked(id, fate, entries, marks, by)
            .rule(&rule.name, rule.origin)
            .note(format!("not marked: {}", marks::example(space)));
        if let Some(mark) = rest.filter(|mark| mark.dscp.is_some()) {
            finding = finding.note(format!(
                "`{}` sets what no class takes to {}",
                mark.class,
                mark.dscp_text()
            ));
        }
        // A network without IPv6 has no list for it.
        let v6_only = fate.other.is_empty()
            && fate
                .unmarked
                .iter()
                .all(|(_, space)| space.family == AddressFamily::V6)
            && !marks
                .iter()
                .any(|(_, mark)| mark.families[1] && !mark.is_of_all());
        if v6_only {
            finding.severity = Severity::Warning;
            finding = finding.note("no list of these takes IPv6");
        }
        if let Some(list) = denied(rule.dscp, space, marks) {
            return finding.help(format!(
                "an earlier line of `{list}` keeps them from the class: take that line away, or put it behind the others"
            ));
        }
        let added: Vec<Added> = if by.is_some() {
            Vec::new()
        } else {
            let missing = fate
                .entries
                .iter()
                .map(|at| mend::add(self.point, &entries[*at]));
            missing.flatten().collect()
        };
        if added.is_empty() || added.len() > MOST_COMMANDS {
            return finding.help(format!(
                "`perhop compile PLAN --target {} --out DIR` writes the lists, and the runbook says where they go",
                self.point.target()
            ));
        }
        added
            .iter()
            .fold(finding, |finding, one| match &one.denies {
                None => finding.lines(Some(&one.text)),
                // Behind these they might take nothing, and where they are is the list's own order.
                Some(list) => finding.help(format!(
                    "put before the lines of `{list}` that deny: {}",
                    one.lines().join("; ")
                )),
            })
    }

    /// What is wrong, and where; `by` is what took the packets and set no mark.
    fn why_unmarked(
        &self,
        id: RuleId,
        fate: &Fate,
        entries: &[Entry],
        marks: &[(&Place, &NetMark)],
        by: Option<usize>,
    ) -> Finding {
        let name = &self.policy.rule(id).name;
        let partly = !fate.right.is_empty() || !fate.other.is_empty();
        let part = if partly { "part of " } else { "" };
        let near = fate
            .entries
            .iter()
            .find_map(|at| nearest(&entries[*at], marks));
        let (place, code, why) = match (by.map(|by| marks[by]), near) {
            (Some((place, mark)), _) => (
                place,
                codes::AUDIT_UNMARKED,
                format!(
                    "is not marked: `{}` of `{}` takes it and sets no mark",
                    mark.class, mark.list
                ),
            ),
            (None, Some((place, mark))) => (
                place,
                if partly || !mark.arriving.is_empty() {
                    codes::AUDIT_NARROWER
                } else {
                    codes::AUDIT_OTHER_PORTS
                },
                format!(
                    "is not marked: `{}` of `{}` is for {}",
                    mark.class,
                    mark.list,
                    mark.services_text()
                ),
            ),
            (None, None) => (
                marks[0].0,
                codes::AUDIT_UNMARKED,
                format!("is not marked by {}", self.point.name()),
            ),
        };
        Finding::new(
            Severity::Error,
            Layer::Match,
            code,
            format!("{part}`{name}` {why}"),
        )
        .at(place)
    }

    /// Whether packets of no rule are set to DF where the plan wants it.
    pub(super) fn rest(&self, marks: &[(&Place, &NetMark)], out: &mut Audit) {
        let resets = marks
            .iter()
            .any(|(_, mark)| mark.is_of_all() && mark.dscp == Some(Dscp::DF));
        // Of a router without named interfaces everything that is forwarded would be reset.
        let by_place = matches!(self.point.syntax, Syntax::Nft | Syntax::Meraki);
        let wanted = self.asked.options.reset && (!by_place || !self.interfaces().is_empty());
        if !wanted || resets {
            return;
        }
        let mut finding = Finding::new(
            Severity::Warning,
            Layer::Match,
            codes::AUDIT_NOT_RESET,
            format!(
                "{} leaves the marks of packets that no rule is about, and the plan resets them",
                self.point.name()
            ),
        )
        .at(marks[0].0)
        .note("whatever hosts there mark by themselves is believed by the network");
        finding.plan = self.asked.request.as_ref().map(|request| request.origin);
        let rest = NetMark::new(
            self.point.syntax,
            &marks[0].1.list,
            "class-default",
            Some(Dscp::DF),
        );
        let command = mend::set_mark(&rest, Dscp::DF);
        out.findings.push(finding.lines(command.as_deref()));
    }

    /// Whether the lists are attached where the plan says.
    pub(super) fn attached(&self, out: &mut Audit) {
        // Packets come by every interface to rules that name none.
        let everywhere = |(_, mark): &(&Place, &NetMark)| match self.point.syntax {
            Syntax::Nft => true,
            Syntax::MikroTik => mark.interfaces.is_empty() && !mark.hook.is_empty(),
            _ => false,
        };
        if self.point.syntax == Syntax::Meraki {
            return self.vlans(out);
        }
        if self.point.marks().any(|one| everywhere(&one)) {
            return;
        }
        for list in &self.point.lists {
            let (place, mark) = list.marks[0];
            let is = |one: &str| self.is_at(list, one);
            let planned = self.interfaces();
            let missing: Vec<&str> = planned.iter().copied().filter(|one| !is(one)).collect();
            let (severity, message) = if !missing.is_empty() {
                let text = format!(
                    "`{}` is not attached to {}, where hosts of `{}` are",
                    list.name,
                    missing.join(", "),
                    self.policy.scope(self.scope).name
                );
                (Severity::Warning, text)
            } else if mark.interfaces.is_empty() && planned.is_empty() {
                let text = format!("the file attaches `{}` to no interface", list.name);
                (Severity::Info, text)
            } else {
                continue;
            };
            let mut finding = Finding::new(
                severity,
                Layer::Delivery,
                codes::AUDIT_NOT_ATTACHED,
                message,
            )
            .at(place)
            .lines(
                mend::attach(self.point.syntax, &list.name, &missing)
                    .filter(|_| !missing.is_empty())
                    .as_deref(),
            );
            if missing.is_empty() {
                finding = finding.note("a policy that is attached to no interface marks nothing");
            } else {
                finding.plan = self.asked.request.as_ref().map(|request| request.origin);
            }
            out.findings.push(finding);
        }
    }

    /// Whether a list is attached to an interface: as a whole, or rule by rule.
    fn is_at(&self, list: &List<'_>, interface: &str) -> bool {
        let rules = match self.point.syntax {
            Syntax::MikroTik => &list.marks[..],
            _ => &list.marks[..1],
        };
        let mut named = rules.iter().flat_map(|(_, mark)| &mark.interfaces);
        named.any(|other| {
            // Unit 0 is meant where none is named.
            other.eq_ignore_ascii_case(interface)
                || self.point.syntax == Syntax::Junos && other.strip_suffix(".0") == Some(interface)
        })
    }

    /// Whether there are rules for the VLANs that the plan names.
    fn vlans(&self, out: &mut Audit) {
        let facts = &self.reading.files[self.point.file].facts;
        let of = |fact: &Fact, vlan: &str| match &fact.what {
            What::Mark(mark) => {
                mark.interfaces.is_empty() || mark.interfaces.iter().any(|one| one == vlan)
            }
            _ => false,
        };
        for vlan in self.interfaces() {
            if facts.iter().any(|fact| of(fact, vlan)) {
                continue;
            }
            let text = format!(
                "no rule is for VLAN {vlan}, where hosts of `{}` are",
                self.policy.scope(self.scope).name
            );
            // The sender may have other VLANs, each with its rules.
            if out.findings.iter().any(|one| one.message == text) {
                continue;
            }
            let code = codes::AUDIT_NOT_ATTACHED;
            let mut finding = Finding::new(Severity::Warning, Layer::Delivery, code, text)
                .at(&Place::whole(self.point.file))
                .help("`perhop compile PLAN --target meraki --out DIR` writes the rules");
            finding.plan = self.asked.request.as_ref().map(|request| request.origin);
            out.findings.push(finding);
        }
    }

    /// Marks that the plan does not know.
    pub(super) fn extras(
        &self,
        planned: &[Taken],
        taken: &[Taken],
        marks: &[(&Place, &NetMark)],
        out: &mut Audit,
    ) {
        let known: Vec<Space> = planned.iter().map(|one| one.space.clone()).collect();
        let mut told = BTreeSet::new();
        for one in taken {
            let (place, mark) = marks[one.by];
            if one.dscp.is_none() || mark.is_of_all() || told.contains(&one.by) {
                continue;
            }
            let left = subtract(vec![one.space.clone()], &known);
            let Some(example) = left.first() else {
                continue;
            };
            told.insert(one.by);
            let finding = Finding::new(
                Severity::Info,
                Layer::Match,
                codes::AUDIT_EXTRA,
                format!(
                    "`{}` of `{}` marks {} what is not of the plan: {}",
                    mark.class,
                    mark.list,
                    mark.dscp_text(),
                    mark.services_text()
                ),
            )
            .at(place)
            .note(marks::example(example));
            out.findings.push(self.line(finding, mark));
        }
    }
}

/// More commands than these are a script: the target writes it.
const MOST_COMMANDS: usize = 4;

/// The list of a class with this mark that has the packets in it, but for an earlier line.
fn denied<'a>(dscp: Dscp, space: &Space, marks: &[(&Place, &'a NetMark)]) -> Option<&'a str> {
    let (_, mark) = marks.iter().find(|(_, mark)| {
        mark.dscp == Some(dscp)
            && !mark.without.is_empty()
            && network::spaces(&NetMark {
                without: Vec::new(),
                ..(*mark).clone()
            })
            .is_some_and(|own| own.iter().any(|one| one.intersection(space).is_some()))
    })?;
    let list = mark.access_list.as_ref();
    Some(list.map_or(mark.class.as_str(), |list| &list.name))
}

/// Whether a mark is for just an entry's ports.
fn same(entry: &Entry, mark: &NetMark) -> bool {
    mark.services
        .iter()
        .any(|one| entry.src_ports.range() == one.src && entry.dst_ports.range() == one.dst)
}

/// The mark that was meant for an entry: the same DSCP, and ports on the same side.
fn nearest<'a>(
    entry: &Entry,
    marks: &[(&'a Place, &'a NetMark)],
) -> Option<(&'a Place, &'a NetMark)> {
    let own = points::of_entry(entry);
    let meets = |mark: &NetMark| {
        network::spaces(mark).is_some_and(|spaces| {
            spaces
                .iter()
                .any(|one| own.iter().any(|two| one.intersection(two).is_some()))
        })
    };
    let alike = marks
        .iter()
        .filter(|(_, mark)| mark.dscp == Some(entry.dscp) && !mark.is_of_all());
    alike
        .clone()
        .find(|(_, mark)| meets(mark))
        .or_else(|| alike.clone().next())
        .copied()
}
