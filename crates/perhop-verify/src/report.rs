//! The report: every flow's verdict, a summary by class and site, and the findings. The binary renders it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use perhop_policy::{ClassId, ClassKind, PolicySet, Severity, Vantage};

use crate::check::{self, Context};
use crate::finding::Finding;
use crate::flow::{DscpCounts, Flow, FlowKey};
use crate::quality::{self, Assumptions};
use crate::seen::{Carried, Seen, Tuple};
use crate::source::{FlowSource, Index};
use crate::stream::Stream;
use crate::tolerance::Tolerances;
use crate::verdict::{Judge, Judged, JudgedFlows, Verdict};

/// What a capture shows of a plan. Indices are those of the flows that were given.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Where the capture was taken.
    pub vantage: Vantage,
    /// Sums over all flows.
    pub totals: Totals,
    /// Sums by class and site: classes in the plan's order, then what has no class; sites in the plan's order.
    pub classes: Vec<ClassSummary>,
    /// One entry per flow, in the order of the flows.
    pub flows: JudgedFlows,
    /// What is not as planned, the gravest first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether the capture shows the plan as it should be: no finding is graver than information.
    #[must_use]
    pub fn as_planned(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity == Severity::Info)
    }
}

impl Report {
    /// Puts the report of another point behind this one, whose vantage stays: indices of its flows begin where those of
    /// this one end. Findings stay apart, each report's in its order.
    pub fn append(&mut self, other: Self) {
        let before = self.flows.len();
        self.totals.merge(&other.totals);
        self.classes.extend(other.classes);
        self.flows.append(&other.flows);
        self.findings
            .extend(other.findings.into_iter().map(|mut finding| {
                finding.flows.iter_mut().for_each(|at| *at += before);
                finding
            }));
    }
}

/// Flows per verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerdictCounts([u64; 7]);

impl VerdictCounts {
    /// Flows with a verdict.
    #[must_use]
    pub const fn get(&self, verdict: Verdict) -> u64 {
        self.0[verdict as usize]
    }

    /// Verdicts and their flows, in the order of [`Verdict::ALL`], zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (Verdict, u64)> + '_ {
        Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict, self.get(verdict)))
    }

    const fn add(&mut self, verdict: Verdict) {
        self.0[verdict as usize] += 1;
    }

    fn merge(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own += other;
        }
    }
}

/// Sums over all flows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Flows.
    pub flows: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes by IP headers.
    pub bytes: u64,
    /// Packets per DSCP.
    pub dscp: DscpCounts,
    /// Flows per verdict.
    pub verdicts: VerdictCounts,
    /// RTP streams.
    pub streams: u64,
}

/// Sums over the flows of one class in one site.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassSummary {
    /// The class; `None` for what no rule holds and whose payload tells none.
    pub class: Option<ClassId>,
    /// Index in the plan's sites: where the sender is, else where the receiver is; `None` when in no site.
    pub site: Option<usize>,
    /// Flows.
    pub flows: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes by IP headers.
    pub bytes: u64,
    /// Packets that verdicts rest on.
    pub judged_packets: u64,
    /// Of those, packets with a planned mark.
    pub planned_packets: u64,
    /// Packets per DSCP.
    pub dscp: DscpCounts,
    /// Flows per verdict.
    pub verdicts: VerdictCounts,
    /// RTP quality of the flows.
    pub quality: Quality,
}

impl ClassSummary {
    /// Share of the judged packets that carry a planned mark, 0 to 1; `None` when nothing was judged.
    #[must_use]
    pub fn planned_share(&self) -> Option<f64> {
        (self.judged_packets > 0).then(|| self.planned_packets as f64 / self.judged_packets as f64)
    }
}

/// RTP quality over several streams.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quality {
    /// Streams.
    pub streams: u64,
    /// Packets, duplicates included.
    pub packets: u64,
    /// Packets between the lowest and highest sequence number of each stream.
    pub expected: u64,
    /// Sequence numbers that never came.
    pub missing: u64,
    /// Packets that came late.
    pub reordered: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Largest loss of one stream, 0 to 1.
    pub worst_loss: f64,
    /// Mean interarrival jitter over all values, in milliseconds; `None` when no clock is known.
    pub jitter_mean_ms: Option<f64>,
    /// Largest interarrival jitter, in milliseconds.
    pub jitter_max_ms: Option<f64>,
    /// Streams of sound for which the E-model gives a score.
    pub mos_streams: u64,
    /// Mean of those scores, 1 to 4.5, each by its packets.
    pub mos_mean: Option<f64>,
    /// The lowest of them.
    pub mos_worst: Option<f64>,
    jitter_count: u64,
    mos_packets: u64,
}

impl Quality {
    /// Share of expected packets that never came, 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        if self.expected == 0 {
            return 0.0;
        }
        self.missing as f64 / self.expected as f64
    }

    fn add_mos(&mut self, stream: &Stream) {
        let Ok(found) = quality::estimate(stream, &Assumptions::default()) else {
            return;
        };
        let before = self.mos_mean.unwrap_or(0.0) * self.mos_packets as f64;
        self.mos_streams += 1;
        self.mos_packets += stream.packets;
        let sum = before + found.mos * stream.packets as f64;
        self.mos_mean = Some(sum / self.mos_packets as f64);
        self.mos_worst = Some(self.mos_worst.unwrap_or(f64::MAX).min(found.mos));
    }

    fn add(&mut self, flow: &Flow) {
        for stream in &flow.rtp {
            self.add_mos(stream);
            self.streams += 1;
            self.packets += stream.packets;
            self.expected += stream.sequence.expected;
            self.missing += stream.sequence.missing;
            self.reordered += stream.sequence.reordered;
            self.duplicates += stream.sequence.duplicates;
            self.worst_loss = self.worst_loss.max(stream.sequence.loss());
            let Some(jitter) = &stream.jitter else {
                continue;
            };
            let before = self.jitter_mean_ms.unwrap_or(0.0) * self.jitter_count as f64;
            self.jitter_count += jitter.count;
            if self.jitter_count > 0 {
                let sum = before + jitter.mean_ms * jitter.count as f64;
                self.jitter_mean_ms = Some(sum / self.jitter_count as f64);
            }
            let max = self.jitter_max_ms.unwrap_or(0.0).max(jitter.max_ms);
            self.jitter_max_ms = Some(max);
        }
    }
}

/// Holds flows against a plan.
///
/// `flows` are those of one capture, or of captures from one vantage, in an order that does not depend on chance: the
/// report's order follows it. A flow is held while it is judged, and asked for again where a finding needs more of it.
#[must_use]
pub fn verify<'a>(
    policy: &PolicySet,
    vantage: Vantage,
    flows: impl Into<FlowSource<'a>>,
    tolerances: &Tolerances,
) -> Report {
    verify_as(policy, vantage, flows, tolerances, &BTreeMap::new())
}

/// The same, some flows judged by another 5-tuple than they have here: the one of their ends, where a translator of
/// addresses is between ([`ends`](crate::points::ends)).
#[must_use]
pub fn verify_as<'a>(
    policy: &PolicySet,
    vantage: Vantage,
    flows: impl Into<FlowSource<'a>>,
    tolerances: &Tolerances,
    ends: &BTreeMap<usize, FlowKey>,
) -> Report {
    let flows = flows.into();
    let judge = Judge::new(policy, vantage, tolerances);
    let index = Index::new(flows);
    let mut judged = JudgedFlows::with_room(flows.len());
    let mut totals = Totals::default();
    let mut classes: BTreeMap<(Option<ClassId>, Option<usize>), ClassSummary> = BTreeMap::new();
    for number in 0..flows.len() {
        let flow = flows.flow(number);
        let mut seen = Seen::of(&flow);
        if let Some(ends) = ends.get(&number) {
            seen.tuple = Tuple::of(ends);
        }
        let one = judge.judge(&seen, || {
            let back = index.find(flow.key.reversed())?;
            let known = (back < number).then(|| Carried::of_judged(&judged[back]));
            Some(known.unwrap_or_else(|| Carried::of(&flows.flow(back))))
        });
        totals.add(&flow, &one);
        let place = (class_of(policy, &one), site_of(policy, &flow.key));
        classes
            .entry(place)
            .or_insert_with(|| ClassSummary::new(place))
            .add(&flow, &seen, &one);
        judged.push(one);
    }
    let context = Context::new(policy, vantage, tolerances, flows, &index, &judged);
    let findings = check::findings(&context);
    let mut classes: Vec<ClassSummary> = classes.into_values().collect();
    classes.sort_by_key(|row| (row.class.is_none(), row.class, row.site.is_none(), row.site));
    Report {
        vantage,
        totals,
        classes,
        flows: judged,
        findings,
    }
}

impl Totals {
    fn add(&mut self, flow: &Flow, judged: &Judged) {
        self.flows += 1;
        self.packets += flow.packets;
        self.bytes += flow.bytes;
        self.dscp.merge(&flow.dscp);
        self.verdicts.add(judged.verdict);
        self.streams += flow.rtp.len() as u64;
    }

    fn merge(&mut self, other: &Self) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.dscp.merge(&other.dscp);
        self.verdicts.merge(&other.verdicts);
        self.streams += other.streams;
    }
}

impl ClassSummary {
    fn new((class, site): (Option<ClassId>, Option<usize>)) -> Self {
        Self {
            class,
            site,
            flows: 0,
            packets: 0,
            bytes: 0,
            judged_packets: 0,
            planned_packets: 0,
            dscp: DscpCounts::new(),
            verdicts: VerdictCounts::default(),
            quality: Quality::default(),
        }
    }

    fn add(&mut self, flow: &Flow, seen: &Seen, judged: &Judged) {
        self.flows += 1;
        self.packets += flow.packets;
        self.bytes += flow.bytes;
        self.dscp.merge(&flow.dscp);
        self.verdicts.add(judged.verdict);
        self.quality.add(flow);
        if judged.attribution.is_some() {
            self.judged_packets += seen.judged.total();
            self.planned_packets += judged
                .expected
                .iter()
                .map(|mark| seen.judged.get(*mark))
                .sum::<u64>();
        }
    }
}

/// The class of the rule, else the first class of the plan for what the payload is.
pub(crate) fn class_of(policy: &PolicySet, judged: &Judged) -> Option<ClassId> {
    if let Some(attribution) = &judged.attribution {
        return Some(policy.rule(attribution.rule()).class);
    }
    let kind: ClassKind = judged.media?;
    let at = policy
        .classes()
        .iter()
        .position(|class| class.kind == kind)?;
    u16::try_from(at).ok().map(ClassId)
}

/// Index in the plan's sites of the site that a flow belongs to: where the sender is, else where the receiver is.
#[must_use]
pub fn site_of(policy: &PolicySet, key: &FlowKey) -> Option<usize> {
    let of = |address: IpAddr| {
        policy
            .sites()
            .iter()
            .position(|site| site.subnets.iter().any(|net| net.contains(&address)))
    };
    of(key.src).or_else(|| of(key.dst))
}
