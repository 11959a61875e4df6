//! Why the mark changes within a flow.

use perhop_policy::{Class, Dscp, Scope};

use crate::cause::pattern;
use crate::cause::{Group, Ranking, list, next, plural};
use crate::finding::{Cause, Layer};
use crate::seen::Seen;
use crate::verdict::{Judged, Shape};

/// Flows whose changes fall into so many nanoseconds changed together.
const TOGETHER: i64 = 1_000_000_000;

/// How the marks of a group lie over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Course {
    /// The first packets lack the mark.
    LateStart,
    /// It changes once or twice.
    Changed,
    /// It alternates.
    Interleaved,
}

impl Course {
    pub(crate) const fn of(judged: &Judged) -> Self {
        match judged.shape {
            Shape::LateStart { .. } => Self::LateStart,
            Shape::Changed { .. } => Self::Changed,
            Shape::Steady | Shape::Interleaved => Self::Interleaved,
        }
    }
}

/// A group of flows of one scope, class and course.
#[derive(Debug)]
pub(crate) struct Mixed<'a> {
    pub(crate) group: Group<'a>,
    pub(crate) scope: &'a Scope,
    pub(crate) class: &'a Class,
    pub(crate) course: Course,
}

impl Mixed<'_> {
    pub(crate) fn causes(&self) -> (Cause, Vec<Cause>) {
        let mut ranking = Ranking::default();
        match self.course {
            Course::LateStart => self.late_start(&mut ranking),
            Course::Changed => self.changed(&mut ranking),
            Course::Interleaved => self.interleaved(&mut ranking),
        }
        ranking.finish()
    }

    fn late_start(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let most = self
            .group
            .flows
            .iter()
            .filter_map(|at| match context.judged[*at].shape {
                Shape::LateStart { packets } => Some(packets),
                _ => None,
            })
            .max()
            .unwrap_or(0);
        ranking.add(
            80,
            Cause {
                name: "first-packets-unmarked",
                layer: Layer::Host,
                text: "the host likely sends the first packets of a flow before its marking takes hold".to_owned(),
                evidence: vec![format!(
                    "at most the first {} of {} lack the mark, all later ones have it",
                    plural(most, "packet"),
                    plural(self.group.flows.len() as u64, "flow")
                )],
                check: next::marking(self.scope),
            },
        );
    }

    fn changed(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let firsts: Vec<_> = self
            .group
            .flows
            .iter()
            .filter_map(|at| context.flows.flow(*at).changes.first().copied())
            .collect();
        let shown = firsts.iter().map(|change| {
            format!(
                "{} to {} at frame {}",
                change.from.value(),
                change.to.value(),
                change.frame
            )
        });
        let mut evidence = vec![list(shown)];
        let times = firsts.iter().map(|change| change.time);
        if let (Some(first), Some(last)) = (times.clone().min(), times.max())
            && firsts.len() > 1
            && last.saturating_sub(first) <= TOGETHER
        {
            evidence.push(format!("{} flows change within one second", firsts.len()));
        }
        let pairs: Vec<(Dscp, Dscp)> = firsts
            .iter()
            .filter(|change| change.from == self.class.dscp)
            .map(|change| (change.from, change.to))
            .collect();
        if let Some(rule) = pattern::explaining(&pairs).first() {
            evidence.push(format!("after the change the marks are {}", rule.as_str()));
        }
        ranking.add(
            75,
            Cause {
                name: "path-changed",
                layer: Layer::Path,
                text: "the traffic likely moved to another path or device, which changes the mark"
                    .to_owned(),
                evidence: evidence.clone(),
                check: next::PATH.to_owned(),
            },
        );
        ranking.add(
            60,
            Cause {
                name: "policy-refreshed",
                layer: Layer::Host,
                text: "the sender's policies may have been refreshed or removed while the flow ran"
                    .to_owned(),
                evidence,
                check: next::marking(self.scope),
            },
        );
    }

    fn interleaved(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let other = self.other_packets();
        let evidence = vec![format!(
            "{} of {} are not marked {}; the mark changes {} times",
            other,
            plural(self.group.packets(), "packet"),
            self.class.dscp,
            self.group
                .flows
                .iter()
                .map(|at| context.flows.flow(*at).dscp_changes)
                .sum::<u64>()
        )];
        self.bundle(ranking);
        self.policed(ranking, &evidence);
        ranking.add(
            70,
            Cause {
                name: "several-paths",
                layer: Layer::Path,
                text: "packets of one flow likely take several paths or links, and one of them changes the mark; or a \
                       policer re-marks what exceeds its rate"
                    .to_owned(),
                evidence: evidence.clone(),
                check: next::PATH.to_owned(),
            },
        );
        ranking.add(
            50,
            Cause {
                name: "several-senders",
                layer: Layer::Host,
                text: "the application may mark by itself, and only some of its packets".to_owned(),
                evidence,
                check: next::marking(self.scope),
            },
        );
    }

    fn other_packets(&self) -> u64 {
        let context = self.group.context;
        self.group
            .flows
            .iter()
            .map(|at| {
                let judged = context.seen(*at).judged;
                let expected = &context.judged[*at].expected;
                judged
                    .iter()
                    .filter(|(dscp, _)| !expected.contains(dscp))
                    .map(|(_, packets)| packets)
                    .sum::<u64>()
            })
            .sum()
    }

    /// Audio and video of one sender on one port.
    fn bundle(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let classes = context.policy.classes();
        let of_plan = |at: usize| {
            let flow = context.flows.flow(at);
            flow.rtp.len() > 1
                && Seen::of(&flow)
                    .judged
                    .iter()
                    .all(|(dscp, _)| classes.iter().any(|class| class.dscp == dscp))
        };
        if !self.group.all(of_plan) {
            return;
        }
        ranking.add(
            90,
            Cause {
                name: "bundled-media",
                layer: Layer::Plan,
                text: "several streams of different classes share one port (as WebRTC bundles them), so a port range cannot \
                       tell them apart; the application likely marks them by itself"
                    .to_owned(),
                evidence: vec![format!(
                    "every packet of {} carries the mark of one of the plan's classes",
                    plural(self.group.flows.len() as u64, "flow")
                )],
                check: "turn bundling off, or plan one mark for the whole range".to_owned(),
            },
        );
    }

    /// The same class with a higher drop precedence (RFC 2597): what a policer does to excess traffic.
    fn policed(&self, ranking: &mut Ranking, evidence: &[String]) {
        let context = self.group.context;
        let class = self.class.dscp.value();
        let is_af = matches!(class, 10..=38) && class.is_multiple_of(2) && !class.is_multiple_of(8);
        let within = |dscp: Dscp| {
            dscp.value() >> 3 == class >> 3
                && dscp.value() >= class
                && dscp.value().is_multiple_of(2)
        };
        let all_within = |at: usize| context.seen(at).judged.iter().all(|(dscp, _)| within(dscp));
        if is_af && self.group.all(all_within) {
            ranking.add(
                88,
                Cause {
                    name: "policer-raises-drop-precedence",
                    layer: Layer::Path,
                    text: "a policer likely re-marks what exceeds its rate to a higher drop precedence of the same class"
                        .to_owned(),
                    evidence: evidence.to_vec(),
                    check: "look at the rate of the class's policer on the path; the traffic is more than it allows"
                        .to_owned(),
                },
            );
        }
    }
}
