//! From segments to findings: one for each thing that happened between two points, not one for each flow.

use perhop_policy::{ClassId, CodeInfo, PolicySet, RuleId, Severity, Span};

use super::clock::Heading;
use super::compare::Point;
use super::segment::{Segment, SegmentFlow};
use crate::finding::{Cause, Finding};
use crate::flow::FlowKey;
use crate::source::Index;
use crate::tolerance::Tolerances;

mod common;
mod effect;
mod loss;
mod marks;
mod order;
mod unseen;

/// A mark becomes another one between two points.
const SEGMENT_REMARKED: &str = "verify/segment-remarked";
/// A mark is lost between two points.
const SEGMENT_BLEACHED: &str = "verify/segment-bleached";
/// Traffic gets a mark between two points.
const SEGMENT_MARKED: &str = "verify/segment-marked";
/// Packets are lost between two points.
const SEGMENT_LOSS: &str = "verify/segment-loss";
/// Marked packets queue as long as unmarked ones.
const SEGMENT_NO_EFFECT: &str = "verify/segment-no-effect";
/// Flows of one point are not at the other.
const SEGMENT_NOT_SEEN: &str = "verify/segment-not-seen";
/// Points are not in the order of the path.
const SEGMENT_ORDER: &str = "verify/segment-order";
/// No packet is at both points.
const SEGMENT_NOTHING_COMMON: &str = "verify/segment-nothing-common";

/// Codes of what is found between points.
pub const CODES: &[CodeInfo] = &[
    info(
        SEGMENT_REMARKED,
        "a mark becomes another one between two points",
    ),
    info(SEGMENT_BLEACHED, "a mark is set to 0 between two points"),
    info(SEGMENT_MARKED, "traffic gets a mark between two points"),
    info(
        SEGMENT_LOSS,
        "1 % of a class's packets or more are lost between two points",
    ),
    info(
        SEGMENT_NO_EFFECT,
        "marked packets wait about as long as unmarked ones between two points",
    ),
    info(
        SEGMENT_NOT_SEEN,
        "flows of the plan are at one point and not at the other",
    ),
    info(
        SEGMENT_ORDER,
        "points are not given in the order of the path",
    ),
    info(SEGMENT_NOTHING_COMMON, "no packet is at both points"),
];

const fn info(code: &'static str, summary: &'static str) -> CodeInfo {
    CodeInfo {
        code,
        rules: &[],
        summary,
    }
}

/// A finding between two points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFinding {
    /// Index of the segment.
    pub segment: usize,
    /// Index of the point whose flows [`Finding::flows`] are: that upstream.
    pub point: usize,
    /// What was found.
    pub finding: Finding,
}

/// What is not as it should be between points: by segment, then the gravest first, then by code and flows.
#[must_use]
pub fn findings(
    policy: &PolicySet,
    points: &[Point<'_>],
    segments: &[Segment],
    tolerances: &Tolerances,
) -> Vec<SegmentFinding> {
    let indices: Vec<Index<'_>> = points.iter().map(|point| Index::new(point.flows)).collect();
    let mut out = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let view = View {
            at,
            segment,
            policy,
            points,
            indices: &indices,
            least: tolerances.min_packets,
        };
        let mut own = order::check(&view);
        if segment.matched() == 0 {
            own.push(common::finding(&view));
        } else {
            own.extend(marks::check(&view));
            own.extend(loss::check(&view));
            own.extend(effect::check(&view));
            own.extend(unseen::check(&view));
        }
        own.sort_by(|a, b| {
            let key =
                |one: &SegmentFinding| (one.finding.code, one.point, one.finding.flows.clone());
            (b.finding.severity, key(a)).cmp(&(a.finding.severity, key(b)))
        });
        out.extend(own);
    }
    out.extend(order::path(policy, points, segments, tolerances));
    out
}

/// One segment, and what checks need besides.
#[derive(Debug, Clone, Copy)]
struct View<'a> {
    at: usize,
    segment: &'a Segment,
    policy: &'a PolicySet,
    points: &'a [Point<'a>],
    indices: &'a [Index<'a>],
    /// Packets that are enough for a finding.
    least: u64,
}

/// What a finding says before its flows are looked up.
struct Draft {
    code: &'static str,
    severity: Severity,
    message: String,
    cause: Cause,
    alternatives: Vec<Cause>,
}

impl<'a> View<'a> {
    /// Indices of the point before and the point after, in the direction of the packets.
    const fn ends(&self, heading: Heading) -> (usize, usize) {
        match heading {
            Heading::Forward => (self.segment.from, self.segment.to),
            Heading::Backward => (self.segment.to, self.segment.from),
        }
    }

    fn name(&self, point: usize) -> &'a str {
        self.points[point].name
    }

    /// "between `sender` and `receiver`", in the direction of the packets.
    fn between(&self, heading: Heading) -> String {
        let (up, down) = self.ends(heading);
        format!("between `{}` and `{}`", self.name(up), self.name(down))
    }

    fn flows(&self, heading: Heading) -> impl Iterator<Item = &'a SegmentFlow> {
        self.segment
            .flows
            .iter()
            .filter(move |flow| flow.heading == heading)
    }

    /// Seconds from the beginning of the time that both points have to a time at the upstream point.
    fn second(&self, heading: Heading, time: i64) -> f64 {
        let (up, _) = self.ends(heading);
        let start = match (heading, self.segment.overlap) {
            (Heading::Forward, Some((start, _))) => start,
            _ => self.points[up].trace.time.map_or(time, |(start, _)| start),
        };
        time.saturating_sub(start).max(0) as f64 / 1e9
    }

    /// "`audio` and `video`"; "traffic outside the plan" without classes.
    fn classes(&self, classes: &[ClassId]) -> String {
        let names: Vec<String> = classes
            .iter()
            .map(|class| format!("`{}`", self.policy.class(*class).name))
            .collect();
        match names.split_last() {
            None => "traffic outside the plan".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        }
    }

    /// Routers between the points, in words.
    fn path(&self, flows: &[&SegmentFlow]) -> Option<String> {
        let mut hops: Vec<i16> = flows.iter().filter_map(|flow| flow.hops).collect();
        hops.sort_unstable();
        hops.dedup();
        match hops[..] {
            [] => None,
            [0] => Some(
                "the time to live stays the same, so no router is between the points: a switch, an access point or a \
                 firewall that bridges did it"
                    .to_owned(),
            ),
            [1] => Some("the time to live falls by 1: one router is between the points".to_owned()),
            [one] => Some(format!(
                "the time to live falls by {one}: {one} routers are between the points"
            )),
            [first, .., last] => Some(format!(
                "the time to live falls by {first} to {last}: flows take different ways between the points"
            )),
        }
    }

    fn finish(
        &self,
        draft: Draft,
        point: usize,
        keys: impl IntoIterator<Item = FlowKey>,
    ) -> SegmentFinding {
        let found = keys
            .into_iter()
            .filter_map(|key| self.indices[point].find(key));
        let mut flows: Vec<usize> = found.collect();
        flows.sort_unstable();
        flows.dedup();
        let report = self.points[point].report;
        let rules = flows.iter().filter_map(|at| {
            let attribution = report.flows[*at].attribution.as_ref()?;
            Some(attribution.rule())
        });
        let rule: Option<RuleId> = rules.min();
        let classes: Vec<Option<ClassId>> = flows
            .iter()
            .map(|at| crate::report::class_of(self.policy, &report.flows[*at]))
            .collect();
        let one_class = classes.windows(2).all(|pair| pair[0] == pair[1]);
        let origin: Option<Span> = rule.map(|rule| self.policy.rule(rule).origin);
        SegmentFinding {
            segment: self.at,
            point,
            finding: Finding {
                code: draft.code,
                severity: draft.severity,
                message: draft.message,
                flows,
                rule,
                class: classes.first().copied().flatten().filter(|_| one_class),
                origin,
                cause: draft.cause,
                alternatives: draft.alternatives,
            },
        }
    }
}
