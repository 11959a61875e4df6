//! Marks of the network: what devices and packet filters do with the packets of each rule.

mod mend;
mod points;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use perhop_policy::overlap::{Space, subtract};
use perhop_policy::{Dscp, PolicySet, RuleId, ScopeId, Severity};
use perhop_targets::network::entry::{self, Entry};

use self::points::{Asked, Point};
use super::{Audit, By, RuleState, State};
use crate::codes;
use crate::fact::{NetMark, Syntax, What};
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::reading::Reading;
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
        if !point.trusts() {
            covered.insert(scope);
        }
        let name = &policy.scope(scope).name;
        if !out.scopes[point.file].contains(name) {
            out.scopes[point.file].push(name.clone());
        }
        let asked = points::asked(policy, point.target());
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
        let network = file.format.is_of_network();
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
        .map(|syntax| (syntax, points::asked(policy, syntax.target())))
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
        .help("give the output of `show running-config`, of `show configuration`, of `/export` or of `nft -j list ruleset`, saved as text; docs/READING.md says what is read");
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
        let wanted =
            |id| points::is_wanted(self.policy, &self.asked.options, self.point.syntax, id);
        let own = entry::marks(self.policy, self.scope, wanted);
        // Where hosts mark by themselves, the network must not mark otherwise.
        let asked = !own.entries.is_empty() && !self.point.trusts();
        let own = if asked {
            own
        } else {
            entry::marks(self.policy, self.scope, |_| true)
        };
        let marks: Vec<(&Place, &NetMark)> = self.point.marks().collect();
        let Some((regions, taken, all)) = self.resolved(&own.entries, asked) else {
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
            let taken = &taken[&arriving(entry, asked)];
            let fate = fate(entry.dscp, &region.space, taken, &marks);
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
                    known
                        .other
                        .entry(*by)
                        .or_default()
                        .extend(spaces.iter().cloned());
                }
            }
        }
        self.judge(fates, asked, &own.entries, &marks, (states, out));
        if asked {
            self.rest(&marks, out);
            self.attached(out);
        }
        self.extras(&regions, &all, &marks, out);
    }

    /// Says how each rule fares.
    fn judge(
        &self,
        fates: BTreeMap<RuleId, Fate>,
        asked: bool,
        entries: &[Entry],
        marks: &[(&Place, &NetMark)],
        (states, out): (&mut BTreeMap<RuleId, RuleState>, &mut Audit),
    ) {
        let mut found: Vec<Finding> = Vec::new();
        for (id, mut fate) in fates {
            if !asked {
                fate.unmarked.clear();
            }
            let findings = self.told(id, &fate, entries, marks);
            let differs = findings.iter().any(|one| one.severity > Severity::Info);
            let names = fate.right.iter().chain(fate.other.keys());
            let names: BTreeSet<String> = names.map(|by| marks[*by].1.class.clone()).collect();
            if asked || differs {
                let state = if differs { State::Differs } else { State::Ok };
                add_state(states, id, state, names);
            }
            // Devices see no applications: what is said of one is said of others on its ports.
            for finding in findings {
                match found.iter_mut().find(|one| is_same(one, &finding)) {
                    Some(known) => known.also.extend(finding.rule),
                    None => found.push(finding),
                }
            }
        }
        // A rule for every VLAN is one, though it is looked at for each.
        found.retain(|one| self.point.syntax != Syntax::Meraki || !out.findings.contains(one));
        out.findings.extend(found);
    }

    /// The plan's packets; what becomes of packets at the point by the mark that they come with, and with any.
    fn resolved(&self, entries: &[Entry], asked: bool) -> Option<Resolved> {
        let planned = entries.iter().map(|entry| Item {
            spaces: points::of_entry(entry),
            arriving: Vec::new(),
            dscp: Some(entry.dscp),
            last: true,
        });
        let regions = network::resolve(&[planned.collect()], None)?;
        let marks: BTreeSet<Dscp> = entries.iter().map(|one| arriving(one, asked)).collect();
        let taken = marks
            .into_iter()
            .map(|mark| Some((mark, self.resolve(Some(mark))?)));
        Some((regions, taken.collect::<Option<_>>()?, self.resolve(None)?))
    }

    /// What becomes of packets at the point that come with a mark, or with any.
    fn resolve(&self, arriving: Option<Dscp>) -> Option<Vec<Taken>> {
        let interfaces = self.interfaces();
        let lists = self.point.lists.iter().map(|list| {
            let items = list.marks.iter().map(|(_, mark)| {
                // What is for other interfaces takes no packets here.
                let here = !matches!(self.point.syntax, Syntax::Nft | Syntax::MikroTik)
                    || interfaces.is_empty()
                    || mark.interfaces.is_empty()
                    || mark
                        .interfaces
                        .iter()
                        .any(|one| interfaces.contains(&one.as_str()));
                Some(Item {
                    spaces: if here {
                        network::spaces(mark)?
                    } else {
                        Vec::new()
                    },
                    arriving: mark.arriving.clone(),
                    dscp: mark.dscp,
                    last: mark.last,
                })
            });
            items.collect::<Option<Vec<Item>>>()
        });
        let lists: Vec<Vec<Item>> = lists.collect::<Option<_>>()?;
        network::resolve(&lists, arriving)
    }

    /// The interfaces of the sender that the plan names for these devices.
    fn interfaces(&self) -> Vec<&str> {
        let access = self.asked.options.access.iter();
        access
            .filter(|(scope, _)| *scope == self.scope)
            .map(|(_, interface)| interface.as_str())
            .collect()
    }
}

/// The plan's packets; what becomes of packets by the mark that they come with; what becomes of all.
type Resolved = (Vec<Taken>, BTreeMap<Dscp, Vec<Taken>>, Vec<Taken>);

/// The mark that packets come with: none where the network is to mark, else the one that their hosts put on.
const fn arriving(entry: &Entry, asked: bool) -> Dscp {
    if asked { Dscp::DF } else { entry.dscp }
}

/// Whether two findings say the same of two rules.
fn is_same(one: &Finding, other: &Finding) -> bool {
    let said = |finding: &Finding| {
        let name = format!("`{}`", finding.rule.as_deref().unwrap_or_default());
        finding.message.replace(&name, "")
    };
    one.code == other.code
        && one.place == other.place
        && (&one.notes, &one.helps, &one.commands) == (&other.notes, &other.helps, &other.commands)
        && said(one) == said(other)
}

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
