//! Marks of the network: what devices and packet filters do with the packets of each rule.

mod mend;
mod points;

use std::collections::{BTreeMap, BTreeSet};

use perhop_policy::overlap::{AddressFamily, Space, subtract};
use perhop_policy::{Dscp, PolicySet, RuleId, ScopeId, Severity};
use perhop_targets::network::entry::{self, Entry};

use self::points::{Asked, Point};
use super::{Audit, By, RuleState, State, marks};
use crate::codes;
use crate::fact::{NetMark, Syntax, What};
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::reading::{Format, Reading};
use crate::simulate::network::{self, Item, Taken};

/// Compares every list of the files with the rules of the sender whose packets pass it.
pub(super) fn compare(policy: &PolicySet, reading: &Reading, out: &mut Audit) {
    let mut states: BTreeMap<RuleId, RuleState> = BTreeMap::new();
    let mut is_known: BTreeSet<usize> = BTreeSet::new();
    let mut covered: BTreeSet<ScopeId> = BTreeSet::new();
    for (scope, point) in points::points(policy, reading) {
        let Some(scope) = scope else {
            continue;
        };
        is_known.insert(point.file);
        covered.insert(scope);
        let name = &policy.scope(scope).name;
        if !out.scopes[point.file].contains(name) {
            out.scopes[point.file].push(name.clone());
        }
        let asked = points::asked(policy, point.syntax);
        let judge = Judge {
            policy,
            reading,
            scope,
            point: &point,
            asked: &asked,
        };
        judge.compare(&mut states, out);
    }
    for (index, file) in reading.files.iter().enumerate() {
        let network = matches!(file.format, Format::DeviceConfig | Format::NftJson);
        if network && !is_known.contains(&index) {
            out.findings.push(not_compared(reading, index));
        }
    }
    not_covered(policy, &covered, &mut states, out);
    out.rules.extend(states.into_values());
}

/// Rules of senders that the network is to mark, and no file is about.
fn not_covered(
    policy: &PolicySet,
    covered: &BTreeSet<ScopeId>,
    states: &mut BTreeMap<RuleId, RuleState>,
    out: &mut Audit,
) {
    let asked: Vec<(Syntax, Asked)> = Syntax::ALL
        .into_iter()
        .map(|syntax| (syntax, points::asked(policy, syntax)))
        .filter(|(_, asked)| asked.request.is_some())
        .collect();
    for id in policy.scope_ids().filter(|id| !covered.contains(id)) {
        let wanted = |rule| {
            asked
                .iter()
                .any(|(syntax, asked)| points::is_wanted(policy, &asked.options, *syntax, rule))
        };
        let rules = entry::marks(policy, id, wanted).rules;
        if rules.is_empty() {
            continue;
        }
        for (rule, _) in rules {
            add_state(states, rule, State::NotCovered, BTreeSet::new());
        }
        let scope = policy.scope(id);
        let mut finding = Finding::new(
            Severity::Info,
            Layer::Delivery,
            codes::AUDIT_NOT_COVERED,
            format!(
                "no file is about the marks that the network puts on for `{}`",
                scope.name
            ),
        )
        .help("give the output of `show running-config`, of `show configuration`, or of `nft -j list ruleset`, saved as text");
        finding.plan = Some(scope.origin);
        out.findings.push(finding);
    }
}

/// A file of the network that is no sender's.
fn not_compared(reading: &Reading, index: usize) -> Finding {
    let file = &reading.files[index];
    let marks = file
        .facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Mark(_)))
        .count();
    let why = if marks == 0 {
        "there is no mark in it that is understood"
    } else {
        "no list in it marks packets of a sender of the plan"
    };
    Finding::new(
        Severity::Info,
        Layer::Match,
        codes::AUDIT_NOT_COMPARED,
        format!(
            "`{}` is a {}, and is not compared with the plan: {why}",
            file.name,
            file.format.title()
        ),
    )
    .at(&Place::whole(index))
    .help("`perhop read` lists what it marks; `SCOPE=FILE` says whose packets pass it")
}

/// What happens to one rule's packets.
#[derive(Default)]
struct Fate {
    right: BTreeSet<usize>,
    /// Another mark is put on these, by place.
    other: BTreeMap<usize, Vec<Space>>,
    /// These have no mark behind the list, with the place that took them, if one did.
    unmarked: Vec<(Option<usize>, Space)>,
    /// The entries that are not wholly marked.
    entries: BTreeSet<usize>,
}

impl Fate {
    fn is_right(&self) -> bool {
        self.other.is_empty() && self.unmarked.is_empty()
    }
}

/// One sender's rules at one point.
struct Judge<'a> {
    policy: &'a PolicySet,
    reading: &'a Reading,
    scope: ScopeId,
    point: &'a Point<'a>,
    asked: &'a Asked,
}

impl Judge<'_> {
    fn compare(&self, states: &mut BTreeMap<RuleId, RuleState>, out: &mut Audit) {
        let wanted = |id| {
            points::is_wanted(self.policy, &self.asked.options, self.point.syntax, id)
        };
        let own = entry::marks(self.policy, self.scope, wanted);
        // Where hosts mark by themselves, the network must not mark otherwise.
        let asked = !own.entries.is_empty();
        let own = if asked {
            own
        } else {
            entry::marks(self.policy, self.scope, |_| true)
        };
        let marks: Vec<(&Place, &NetMark)> = self.point.marks().collect();
        let Some((regions, taken)) = self.resolve(&own.entries) else {
            out.findings.push(self.too_many());
            return;
        };
        let mut fates: BTreeMap<RuleId, Fate> = own
            .rules
            .iter()
            .map(|(rule, _)| (*rule, Fate::default()))
            .collect();
        for region in &regions {
            let entry = &own.entries[region.by];
            let fate = fate(entry.dscp, &region.space, &taken, &marks);
            for rule in &entry.rules {
                let Some(known) = fates.get_mut(rule) else {
                    continue;
                };
                if !fate.is_right() {
                    known.entries.insert(region.by);
                }
                known.right.extend(&fate.right);
                known.unmarked.extend(fate.unmarked.iter().cloned());
                for (by, spaces) in &fate.other {
                    known.other.entry(*by).or_default().extend(spaces.iter().cloned());
                }
            }
        }
        for (id, mut fate) in fates {
            if !asked {
                fate.unmarked.clear();
            }
            let findings = self.told(id, &fate, &own.entries, &marks);
            let differs = findings.iter().any(|one| one.severity > Severity::Info);
            let names = fate.right.iter().chain(fate.other.keys());
            let names: BTreeSet<String> = names.map(|by| marks[*by].1.class.clone()).collect();
            if asked || differs {
                let state = if differs { State::Differs } else { State::Ok };
                add_state(states, id, state, names);
            }
            out.findings.extend(findings);
        }
        if asked {
            self.rest(&marks, out);
            self.attached(out);
        }
        self.extras(&regions, &taken, &marks, out);
    }

    /// The plan's packets, and what becomes of packets at the point.
    fn resolve(&self, entries: &[Entry]) -> Option<(Vec<Taken>, Vec<Taken>)> {
        let planned: Vec<Item> = entries
            .iter()
            .map(|entry| Item {
                spaces: points::of_entry(entry),
                dscp: Some(entry.dscp),
                last: true,
            })
            .collect();
        let interfaces = self.interfaces();
        let lists = self.point.lists.iter().map(|list| {
            let items = list.marks.iter().map(|(_, mark)| {
                // What is for other interfaces takes no packets here.
                let here = self.point.syntax != Syntax::Nft
                    || interfaces.is_empty()
                    || mark.interfaces.is_empty()
                    || mark.interfaces.iter().any(|one| interfaces.contains(&one.as_str()));
                Some(Item {
                    spaces: if here { network::spaces(mark)? } else { Vec::new() },
                    dscp: mark.dscp,
                    last: mark.last,
                })
            });
            items.collect::<Option<Vec<Item>>>()
        });
        let lists: Vec<Vec<Item>> = lists.collect::<Option<_>>()?;
        Some((network::resolve(&[planned])?, network::resolve(&lists)?))
    }

    /// The interfaces of the sender that the plan names for these devices.
    fn interfaces(&self) -> Vec<&str> {
        let access = self.asked.options.access.iter();
        access
            .filter(|(scope, _)| *scope == self.scope)
            .map(|(_, interface)| interface.as_str())
            .collect()
    }

    fn too_many(&self) -> Finding {
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

    fn told(
        &self,
        id: RuleId,
        fate: &Fate,
        entries: &[Entry],
        marks: &[(&Place, &NetMark)],
    ) -> Vec<Finding> {
        let rule = self.policy.rule(id);
        let mut out = Vec::new();
        for (by, parts) in &fate.other {
            let (place, mark) = marks[*by];
            let whole = fate.right.is_empty() && fate.unmarked.is_empty() && fate.other.len() == 1;
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
            .note(marks::example(&parts[0]));
            let finding = self.line(finding, mark);
            // Where the class is for these packets its mark is wrong; else it only is in the way.
            let own = fate.entries.iter().any(|at| same(&entries[*at], mark));
            out.push(self.doubt(match mend::set_mark(mark, rule.dscp) {
                Some(text) if own => finding.lines(Some(&text)),
                _ if own => finding.help(format!("give `{}` the mark {}", mark.class, rule.dscp)),
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
            Some((name, place)) => finding.note(format!(
                "they are taken by `{name}`, {}",
                self.reading.place(place)
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
        let partly = !fate.right.is_empty() || !fate.other.is_empty();
        let (by, space) = &fate.unmarked[0];
        let near = fate
            .entries
            .iter()
            .find_map(|at| nearest(&entries[*at], marks));
        let (place, code) = match (by, near) {
            (Some(by), _) => (marks[*by].0, codes::AUDIT_UNMARKED),
            (None, Some((place, _))) if partly => (place, codes::AUDIT_NARROWER),
            (None, Some((place, _))) => (place, codes::AUDIT_OTHER_PORTS),
            (None, None) => (marks[0].0, codes::AUDIT_UNMARKED),
        };
        let part = if partly { "part of " } else { "" };
        let name = &rule.name;
        let message = match (by, near) {
            (Some(by), _) if marks[*by].1.dscp.is_some() => format!(
                "{part}`{name}` is not marked: `{}` of `{}` sets what no class takes to {}",
                marks[*by].1.class,
                marks[*by].1.list,
                marks[*by].1.dscp_text()
            ),
            (Some(by), _) => format!(
                "{part}`{name}` is not marked: `{}` of `{}` takes it and sets no mark",
                marks[*by].1.class, marks[*by].1.list
            ),
            (None, Some((_, mark))) => format!(
                "{part}`{name}` is not marked: `{}` of `{}` is for {}",
                mark.class,
                mark.list,
                mark.services_text()
            ),
            (None, None) => format!("{part}`{name}` is not marked by {}", self.point.name()),
        };
        // A network without IPv6 has no list for it.
        let v6_only = fate
            .unmarked
            .iter()
            .all(|(_, space)| space.family == AddressFamily::V6)
            && fate.other.is_empty()
            && !marks.iter().any(|(_, mark)| mark.families[1] && !mark.is_of_all());
        let severity = if v6_only {
            Severity::Warning
        } else {
            Severity::Error
        };
        let mut finding = Finding::new(severity, Layer::Match, code, message)
            .at(place)
            .rule(&rule.name, rule.origin)
            .note(format!("not marked: {}", marks::example(space)));
        if v6_only {
            finding = finding.note("no list of these takes IPv6");
        }
        let denied = marks.iter().find(|(_, mark)| {
            mark.dscp == Some(rule.dscp)
                && network::spaces(&NetMark {
                    without: Vec::new(),
                    ..(*mark).clone()
                })
                .is_some_and(|own| own.iter().any(|one| one.intersection(space).is_some()))
        });
        if let Some((_, mark)) = denied {
            let list = mark.access_list.as_ref().map_or(mark.class.as_str(), |(name, _)| name);
            return finding.help(format!(
                "an earlier line of `{list}` keeps them from the class: take that line away, or put it behind the others"
            ));
        }
        let shielded = by.is_some_and(|by| !marks[by].1.is_of_all());
        let commands: Vec<String> = if shielded {
            Vec::new()
        } else {
            let missing = fate.entries.iter().map(|at| mend::add(self.point, &entries[*at]));
            missing.flatten().collect()
        };
        if commands.is_empty() || commands.len() > MOST_COMMANDS {
            return finding.help(format!(
                "`perhop compile PLAN --target {} --out DIR` writes the lists, and the runbook says where they go",
                self.point.syntax.target()
            ));
        }
        for text in commands {
            finding = finding.lines(Some(&text));
        }
        finding
    }

    /// Whether packets of no rule are set to DF where the plan wants it.
    fn rest(&self, marks: &[(&Place, &NetMark)], out: &mut Audit) {
        let resets = marks
            .iter()
            .any(|(_, mark)| mark.is_of_all() && mark.dscp == Some(Dscp::DF));
        // Of a router without named interfaces everything that is forwarded would be reset.
        let wanted = self.asked.options.reset
            && (self.point.syntax != Syntax::Nft || !self.interfaces().is_empty());
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
    fn attached(&self, out: &mut Audit) {
        if self.point.syntax == Syntax::Nft {
            return;
        }
        for list in &self.point.lists {
            let (place, mark) = list.marks[0];
            let is = |one: &str| {
                let same = |other: &String| {
                    let other = other.as_str();
                    // Unit 0 is meant where none is named.
                    other.eq_ignore_ascii_case(one)
                        || self.point.syntax == Syntax::Junos
                            && other.strip_suffix(".0") == Some(one)
                };
                mark.interfaces.iter().any(same)
            };
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
            let mut finding =
                Finding::new(severity, Layer::Delivery, codes::AUDIT_NOT_ATTACHED, message)
                    .at(place)
                    .lines(mend::attach(self.point.syntax, list.name, &missing).filter(|_| !missing.is_empty()).as_deref());
            if missing.is_empty() {
                finding = finding.note("a policy that is attached to no interface marks nothing");
            } else {
                finding.plan = self.asked.request.as_ref().map(|request| request.origin);
            }
            out.findings.push(finding);
        }
    }

    /// Marks that the plan does not know.
    fn extras(
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

/// A rule at several points is as planned where it is at all of them.
fn add_state(
    states: &mut BTreeMap<RuleId, RuleState>,
    rule: RuleId,
    state: State,
    names: BTreeSet<String>,
) {
    let known = states.entry(rule).or_insert_with(|| RuleState {
        rule,
        by: By::Network,
        state,
        policies: Vec::new(),
    });
    if state == State::Differs {
        known.state = state;
    }
    for name in names {
        if !known.policies.contains(&name) {
            known.policies.push(name);
        }
    }
}

/// What becomes of packets that are to have a mark.
fn fate(dscp: Dscp, space: &Space, taken: &[Taken], marks: &[(&Place, &NetMark)]) -> Fate {
    let mut fate = Fate::default();
    let mut left = vec![space.clone()];
    for one in taken {
        let Some(part) = space.intersection(&one.space) else {
            continue;
        };
        left = subtract(left, std::slice::from_ref(&one.space));
        // What sets or keeps the rest is no class of these packets.
        let rest = marks[one.by].1.is_of_all() && one.dscp == Some(Dscp::DF);
        match one.dscp {
            Some(mark) if mark == dscp => {
                fate.right.insert(one.by);
            }
            Some(_) if !rest => fate.other.entry(one.by).or_default().push(part),
            _ => fate.unmarked.push((Some(one.by), part)),
        }
    }
    fate.unmarked
        .extend(left.into_iter().map(|space| (None, space)));
    fate
}

/// Whether a mark is for just an entry's ports.
fn same(entry: &Entry, mark: &NetMark) -> bool {
    mark.services.iter().any(|one| {
        entry.src_ports.range() == one.src && entry.dst_ports.range() == one.dst
    })
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
