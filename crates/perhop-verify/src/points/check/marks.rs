//! Marks that change between two points.

use std::collections::{BTreeMap, BTreeSet};

use perhop_policy::{ClassId, Dscp, Severity};

use super::{Draft, SEGMENT_BLEACHED, SEGMENT_MARKED, SEGMENT_REMARKED, SegmentFinding, View};
use crate::cause::pattern::{self, Pattern};
use crate::cause::plural;
use crate::finding::{Cause, Layer};
use crate::points::clock::Heading;
use crate::points::segment::{SegmentFlow, Transition};

/// What a change means to the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    /// A planned mark became one that is not planned.
    Harmed,
    /// A mark that is not planned became another that is not planned.
    StillWrong,
    /// A mark that is not planned became the planned one.
    Mended,
    /// No rule holds the flow.
    Outside,
}

/// When in a flow packets of one mark get another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    /// From its first packet to its last.
    Always,
    /// From a moment on, or up to one.
    Stepped,
    /// Now and then.
    Sometimes,
}

/// One change of one flow.
#[derive(Debug, Clone, Copy)]
struct Change<'a> {
    /// Index of the flow in its segment.
    at: usize,
    flow: &'a SegmentFlow,
    change: Transition,
    meaning: Meaning,
    when: When,
}

pub(super) fn check(view: &View<'_>) -> Vec<SegmentFinding> {
    [Heading::Forward, Heading::Backward]
        .into_iter()
        .flat_map(|heading| one_way(view, heading))
        .collect()
}

fn one_way(view: &View<'_>, heading: Heading) -> Vec<SegmentFinding> {
    let changes: Vec<Change<'_>> = view
        .segment
        .flows
        .iter()
        .enumerate()
        .filter(|(_, flow)| flow.heading == heading)
        .flat_map(changes_of)
        .collect();
    let wrong = |one: &&Change<'_>| matches!(one.meaning, Meaning::Harmed | Meaning::StillWrong);
    let pairs: Vec<(Dscp, Dscp)> = changes.iter().filter(wrong).map(Change::pair).collect();
    let rule = pattern::structural(&pairs);
    // A rule on bits explains changes of several marks at once; the others go by their marks.
    let mut groups: BTreeMap<(Meaning, Key), Vec<Change<'_>>> = BTreeMap::new();
    for one in changes {
        let (from, to) = one.pair();
        let explained = wrong(&&one) && rule.is_some_and(|rule| rule.apply(from) == to);
        let key = match one.meaning {
            _ if explained => (Meaning::Harmed, Key::Rule),
            // One device that trusts nothing takes all marks away; and who knows what traffic outside the plan should carry.
            meaning
                if to == Dscp::DF && (one.when == When::Always || meaning == Meaning::Outside) =>
            {
                (meaning, Key::Lost)
            }
            meaning => (meaning, Key::Marks(from, to, one.when)),
        };
        groups.entry(key).or_default().push(one);
    }
    groups
        .into_iter()
        .map(|((meaning, key), changes)| Group {
            view,
            heading,
            meaning,
            when: match key {
                Key::Marks(_, _, when) => when,
                Key::Rule | Key::Lost => When::Always,
            },
            rule: rule.filter(|_| key == Key::Rule),
            changes,
        })
        .filter(|group| group.packets() >= view.least)
        .map(|group| group.finding())
        .collect()
}

/// What changes of one finding have in common besides their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A rule on bits.
    Rule,
    /// That the mark is lost.
    Lost,
    /// The marks, and when they change.
    Marks(Dscp, Dscp, When),
}

fn changes_of<'a>((at, flow): (usize, &'a SegmentFlow)) -> impl Iterator<Item = Change<'a>> {
    flow.marks.changes().map(move |change| {
        let planned = |mark| flow.expected.contains(&mark);
        let meaning = match (planned(change.from), planned(change.to)) {
            _ if flow.expected.is_empty() => Meaning::Outside,
            (true, false) => Meaning::Harmed,
            (false, false) => Meaning::StillWrong,
            // From one of several planned marks to another is as good.
            (_, true) => Meaning::Mended,
        };
        Change {
            at,
            flow,
            change: *change,
            meaning,
            when: when(flow, change),
        }
    })
}

fn when(flow: &SegmentFlow, change: &Transition) -> When {
    let others = || {
        let same = flow.marks.iter().filter(|one| one.from == change.from);
        same.filter(|one| one.to != change.to)
    };
    let (first, last) = (
        others().map(|one| one.first).min(),
        others().map(|one| one.last).max(),
    );
    match (first, last) {
        (Some(first), Some(last)) if last < change.first || change.last < first => When::Stepped,
        (Some(_), Some(_)) => When::Sometimes,
        _ => When::Always,
    }
}

impl Change<'_> {
    const fn pair(&self) -> (Dscp, Dscp) {
        (self.change.from, self.change.to)
    }
}

/// Changes that make one finding.
struct Group<'a> {
    view: &'a View<'a>,
    heading: Heading,
    meaning: Meaning,
    when: When,
    /// The rule on bits that explains them.
    rule: Option<Pattern>,
    changes: Vec<Change<'a>>,
}

impl Group<'_> {
    fn packets(&self) -> u64 {
        self.changes.iter().map(|one| one.change.packets).sum()
    }

    fn flows(&self) -> Vec<&SegmentFlow> {
        let mut flows: Vec<&SegmentFlow> = self.changes.iter().map(|one| one.flow).collect();
        flows.dedup_by(|a, b| std::ptr::eq(*a, *b));
        flows
    }

    /// The marks before and after, ascending.
    fn pairs(&self) -> BTreeMap<(Dscp, Dscp), u64> {
        let mut out = BTreeMap::new();
        for one in &self.changes {
            *out.entry(one.pair()).or_default() += one.change.packets;
        }
        out
    }

    fn code(&self) -> &'static str {
        let pairs = self.pairs();
        if self.rule.is_some() {
            SEGMENT_REMARKED
        } else if pairs.keys().all(|(_, to)| *to == Dscp::DF) {
            SEGMENT_BLEACHED
        } else if self.meaning == Meaning::Mended || pairs.keys().all(|(from, _)| *from == Dscp::DF)
        {
            SEGMENT_MARKED
        } else {
            SEGMENT_REMARKED
        }
    }

    fn finding(&self) -> SegmentFinding {
        let code = self.code();
        let (up, _) = self.view.ends(self.heading);
        let side = usize::from(self.heading == Heading::Backward);
        let mut causes = self.causes(code).into_iter();
        let draft = Draft {
            code,
            severity: match self.meaning {
                Meaning::Harmed => Severity::Error,
                Meaning::StillWrong => Severity::Warning,
                Meaning::Mended | Meaning::Outside => Severity::Info,
            },
            message: self.message(code),
            cause: causes.next().expect("there is a cause for every change"),
            alternatives: causes.collect(),
        };
        self.view.finish(
            draft,
            up,
            self.changes.iter().map(|one| one.flow.keys[side]),
        )
    }

    fn message(&self, code: &str) -> String {
        let flows = self.flows();
        let mut classes: Vec<ClassId> = flows
            .iter()
            .filter(|_| self.meaning != Meaning::Outside)
            .filter_map(|flow| flow.class)
            .collect();
        classes.sort_unstable();
        classes.dedup();
        let does = match code {
            SEGMENT_BLEACHED => "loses its mark",
            SEGMENT_MARKED if self.meaning == Meaning::Mended => "is marked as planned",
            SEGMENT_MARKED => "is marked, though not as planned,",
            _ => "is re-marked",
        };
        let does = match self.meaning {
            Meaning::Outside if code == SEGMENT_MARKED => "is marked",
            _ => does,
        };
        let does = if classes.len() > 1 {
            does.replacen("loses its mark", "lose their marks", 1)
                .replacen("is ", "are ", 1)
        } else {
            does.to_owned()
        };
        let counts: Vec<String> = self
            .pairs()
            .into_iter()
            .map(|((from, to), packets)| {
                let sent: u64 = flows.iter().map(|flow| flow.marks.sent_with(from)).sum();
                format!(
                    "{} to {} in {packets} of {sent} packets",
                    from.value(),
                    to.value()
                )
            })
            .collect();
        format!(
            "{} {does} {}: {}, {}",
            self.view.classes(&classes),
            self.view.between(self.heading),
            counts.join(", "),
            plural(flows.len() as u64, "flow")
        )
    }

    fn evidence(&self) -> Vec<String> {
        let mut out = Vec::new();
        let flows = self.flows();
        for own in self.changes.chunk_by(|a, b| a.at == b.at) {
            out.extend(self.turning_point(own));
        }
        let more = out.len().saturating_sub(TURNING_POINTS);
        out.truncate(TURNING_POINTS);
        if more > 0 {
            out.push(format!(
                "and {} that change on the way",
                plural(more as u64, "flow")
            ));
        }
        if out.is_empty() {
            let first = self.changes.iter().map(|one| one.change.first).min();
            let second = first.map_or(0.0, |first| self.view.second(self.heading, first));
            out.push(format!(
                "every packet of {} changes, the first in second {second:.1} of the comparison",
                if flows.len() == 1 {
                    "this flow"
                } else {
                    "these flows"
                }
            ));
        }
        out.extend(self.kept());
        out.extend(self.view.path(&flows));
        out
    }

    /// When a flow of several marks downstream changed; `own` are its changes.
    fn turning_point(&self, own: &[Change<'_>]) -> Option<String> {
        let side = usize::from(self.heading == Heading::Backward);
        let [one] = own else { return None };
        let flow = one.flow;
        let second = |time| self.view.second(self.heading, time);
        let (from, to) = (one.change.from.value(), one.change.to.value());
        let key = flow.keys[side];
        let before = |other: &&Transition| {
            other.from == one.change.from
                && other.to != one.change.to
                && other.last < one.change.first
        };
        let what = match one.when {
            When::Always => return None,
            When::Stepped if flow.marks.iter().any(|other| before(&other)) => {
                format!(
                    "from second {:.1} on, and in none before",
                    second(one.change.first)
                )
            }
            When::Stepped => format!(
                "until second {:.1}, and in none after",
                second(one.change.last)
            ),
            When::Sometimes => "now and then".to_owned(),
        };
        Some(format!(
            "{key}: {from} becomes {to} in {} of {} packets, {what}",
            one.change.packets,
            flow.marks.sent_with(one.change.from)
        ))
    }

    /// Other flows that keep the same mark.
    fn kept(&self) -> Option<String> {
        let pairs = self.pairs();
        let touched: BTreeSet<usize> = self.changes.iter().map(|one| one.at).collect();
        let mut kept: BTreeMap<Dscp, (u64, u64)> = BTreeMap::new();
        for (at, flow) in self.view.segment.flows.iter().enumerate() {
            if flow.heading != self.heading || touched.contains(&at) {
                continue;
            }
            for (mark, _) in pairs.keys().filter(|(mark, _)| *mark != Dscp::DF) {
                if let Some(same) = flow.marks.get(*mark, *mark) {
                    let count = kept.entry(*mark).or_default();
                    count.0 += same.packets;
                    count.1 += 1;
                }
            }
        }
        let words: Vec<String> = kept
            .iter()
            .map(|(mark, (packets, flows))| {
                format!(
                    "{} in {} keep {}",
                    plural(*packets, "packet"),
                    plural(*flows, "other flow"),
                    mark.value()
                )
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    fn causes(&self, code: &str) -> Vec<Cause> {
        let evidence = self.evidence();
        let selective = self.kept().is_some();
        let between = self.view.between(self.heading);
        let check = self.next();
        let cause = |name, text: String| Cause {
            name,
            layer: Layer::Path,
            text,
            evidence: evidence.clone(),
            check: check.clone(),
        };
        if let Some(rule) = self.rule {
            return vec![cause(name_of(rule), bits(rule, &between))];
        }
        let mut causes = Vec::new();
        match self.when {
            When::Stepped => causes.push(cause(
                "changed-meanwhile",
                format!("the path or the configuration {between} likely changed in the meantime"),
            )),
            When::Sometimes => causes.push(cause(
                "some-packets-only",
                format!(
                    "a policer {between} likely marks down what is above a rate, or packets take several paths of which one \
                     changes the mark"
                ),
            )),
            When::Always if selective && code != SEGMENT_MARKED => causes.push(cause(
                "policy-between",
                format!(
                    "a device {between} likely sets marks by a policy that tells flows apart, as other flows keep the same mark"
                ),
            )),
            When::Always => {}
        }
        causes.push(match code {
            SEGMENT_BLEACHED => cause(
                "untrusted-between",
                format!("a device {between} likely does not trust the mark and sets 0"),
            ),
            SEGMENT_MARKED => cause(
                "marked-between",
                format!("a device {between} likely marks this traffic by a policy of its own"),
            ),
            _ => cause(
                "mapped-between",
                format!("a device {between} likely maps this mark to another one"),
            ),
        });
        for other in &mut causes[1..] {
            other.evidence.clear();
        }
        causes
    }

    fn next(&self) -> String {
        let (up, down) = self.view.ends(self.heading);
        format!(
            "at the devices from `{}` to `{}` look whether the port where the traffic comes in trusts DSCP, then at mapping and \
             mark-down tables, and at the policies of firewalls, wireless controllers, VPNs and providers; a capture halfway tells \
             which half it is in",
            self.view.name(up),
            self.view.name(down)
        )
    }
}

const fn name_of(rule: Pattern) -> &'static str {
    match rule {
        Pattern::TosPrecedenceBleached | Pattern::SomeTosPrecedenceBleached => {
            "tos-precedence-bleached"
        }
        Pattern::LowBitsCleared | Pattern::SomeLowBitsCleared => "low-bits-cleared",
        Pattern::PrecedenceReplaced(_) => "tos-precedence-remarked",
        Pattern::Bleached | Pattern::Fixed(_) => "remarked-between",
    }
}

fn bits(rule: Pattern, between: &str) -> String {
    let does = match rule {
        Pattern::TosPrecedenceBleached | Pattern::SomeTosPrecedenceBleached => {
            "clears the three bits of the old IP precedence field and leaves the others (ToS precedence bleaching, RFC 9435)"
        }
        Pattern::LowBitsCleared | Pattern::SomeLowBitsCleared => {
            "knows only the old IP precedence field, or maps marks to Wi-Fi or Ethernet priorities and back: it clears the \
             three low bits"
        }
        Pattern::PrecedenceReplaced(_) => {
            "writes another value into the old IP precedence bits and leaves the others"
        }
        Pattern::Bleached | Pattern::Fixed(_) => "sets one mark for everything",
    };
    format!("a device {between} likely {does}")
}

/// Flows whose turning point evidence names.
const TURNING_POINTS: usize = 3;
