//! What `verify` found, as JSON.

use perhop_policy::{Dscp, PolicySet, Span};
use perhop_verify::attribute::Proof;
use perhop_verify::finding::{Cause, Finding};
use perhop_verify::report::{ClassSummary, VerdictCounts};
use perhop_verify::tolerance::Tolerances;
use perhop_verify::verdict::{Judged, Shape};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::json::flow::JsonFlow;
use crate::json::lines::Joined;
use crate::json::{Histogram, rounded};
use crate::report::{Subject, class_of};
use crate::source::Source;

/// A flow and its verdict; it lives while it is written.
pub(crate) struct JudgedRow<'a> {
    /// What the flow is of.
    pub(crate) subject: Subject<'a>,
    /// Its number.
    pub(crate) number: usize,
    /// The point at which it was seen, where there are several.
    pub(crate) point: Option<&'a str>,
}

impl Serialize for JudgedRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flow = self.subject.flows.flow(self.number);
        let judged = &self.subject.report.flows[self.number];
        let parts = (JsonFlow::of(&flow), JsonJudged::of(&self.subject, judged));
        match self.point {
            Some(point) => Joined((AtPoint { point }, parts.0, parts.1)).serialize(serializer),
            None => Joined(parts).serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct AtPoint<'a> {
    point: &'a str,
}

/// What a flow is, held against the plan.
#[derive(Serialize)]
struct JsonJudged<'a> {
    rule: Option<&'a str>,
    rules: Vec<&'a str>,
    expected: Option<u8>,
    expected_any: Vec<u8>,
    verdict: &'static str,
    seen: Option<u8>,
    class: Option<&'a str>,
    basis: Option<&'static str>,
    proof: Option<&'static str>,
    shape: JsonShape,
    notes: Vec<String>,
}

impl<'a> JsonJudged<'a> {
    fn of(subject: &Subject<'a>, judged: &Judged) -> Self {
        let policy: &'a PolicySet = subject.policy;
        let attribution = judged.attribution.as_ref();
        let tolerances: &Tolerances = subject.tolerances;
        Self {
            rule: attribution.map(|one| policy.rule(one.rule()).name.as_str()),
            rules: attribution.map_or_else(Vec::new, |one| {
                one.rules
                    .iter()
                    .map(|one| policy.rule(one.rule).name.as_str())
                    .collect()
            }),
            expected: attribution.map(|one| one.rules[0].dscp.value()),
            expected_any: judged.expected.iter().map(|dscp| dscp.value()).collect(),
            verdict: judged.verdict.as_str(),
            seen: judged.seen.map(Dscp::value),
            class: class_of(policy, judged).map(|id| policy.class(id).name.as_str()),
            basis: attribution.map(|one| one.basis.as_str()),
            proof: attribution.map(|one| proof(one.proof)),
            shape: JsonShape::of(judged.shape),
            notes: judged
                .notes
                .iter()
                .map(|note| note.text(policy, tolerances))
                .collect(),
        }
    }
}

const fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Payload => "payload",
        Proof::Place => "place",
        Proof::Peer => "peer",
        Proof::PortOnly => "port-only",
    }
}

#[derive(Serialize)]
struct JsonShape {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u8>,
}

impl JsonShape {
    const fn of(shape: Shape) -> Self {
        let (kind, packet, from, to) = match shape {
            Shape::Steady => ("steady", None, None, None),
            Shape::LateStart { packets } => ("late-start", Some(packets), None, None),
            Shape::Changed { at, from, to } => {
                ("changed", Some(at), Some(from.value()), Some(to.value()))
            }
            Shape::Interleaved => ("interleaved", None, None, None),
        };
        Self {
            kind,
            packet,
            from,
            to,
        }
    }
}

/// A finding.
#[derive(Serialize)]
pub(crate) struct JsonFinding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    flows: &'a [usize],
    cause: JsonCause<'a>,
    alternatives: Vec<JsonCause<'a>>,
    rule: Option<&'a str>,
    class: Option<&'a str>,
    origin: Option<JsonOrigin<'a>>,
}

#[derive(Serialize)]
struct JsonCause<'a> {
    name: &'static str,
    layer: &'static str,
    text: &'a str,
    evidence: &'a [String],
    check: &'a str,
}

#[derive(Serialize)]
struct JsonOrigin<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    text: &'a str,
}

impl<'a> JsonFinding<'a> {
    /// What is written of a finding.
    pub(crate) fn of(subject: &Subject<'a>, finding: &'a Finding) -> Self {
        let policy: &'a PolicySet = subject.policy;
        let source: &'a Source = subject.source;
        Self {
            code: finding.code,
            severity: finding.severity.as_str(),
            message: &finding.message,
            flows: &finding.flows,
            cause: JsonCause::of(&finding.cause),
            alternatives: finding.alternatives.iter().map(JsonCause::of).collect(),
            rule: finding.rule.map(|id| policy.rule(id).name.as_str()),
            class: finding.class.map(|id| policy.class(id).name.as_str()),
            origin: finding.origin.map(|span| JsonOrigin::of(source, span)),
        }
    }
}

impl<'a> JsonCause<'a> {
    fn of(cause: &'a Cause) -> Self {
        Self {
            name: cause.name,
            layer: cause.layer.as_str(),
            text: &cause.text,
            evidence: &cause.evidence,
            check: &cause.check,
        }
    }
}

impl<'a> JsonOrigin<'a> {
    fn of(source: &'a Source, span: Span) -> Self {
        let at = source.position(span.start);
        Self {
            file: &source.name,
            line: at.line,
            column: at.column,
            text: &source.text[source.range(span)],
        }
    }
}

/// One class at one site.
#[derive(Serialize)]
pub(crate) struct JsonClass<'a> {
    class: Option<&'a str>,
    site: Option<&'a str>,
    expected: Option<u8>,
    flows: u64,
    packets: u64,
    bytes: u64,
    judged_packets: u64,
    planned_packets: u64,
    dscp: Histogram<'a>,
    verdicts: Verdicts<'a>,
    quality: JsonQuality,
}

#[derive(Serialize)]
struct JsonQuality {
    streams: u64,
    packets: u64,
    expected: u64,
    lost: u64,
    loss_percent: f64,
    worst_loss_percent: f64,
    reordered: u64,
    duplicates: u64,
    jitter_ms_mean: Option<f64>,
    jitter_ms_max: Option<f64>,
    mos_streams: u64,
    mos_mean: Option<f64>,
    mos_worst: Option<f64>,
}

impl<'a> JsonClass<'a> {
    /// What is written of a row.
    pub(crate) fn of(policy: &'a PolicySet, row: &'a ClassSummary) -> Self {
        let quality = &row.quality;
        let class = row.class.map(|id| policy.class(id));
        Self {
            class: class.map(|class| class.name.as_str()),
            site: row.site.map(|index| policy.sites()[index].name.as_str()),
            expected: class.map(|class| class.dscp.value()),
            flows: row.flows,
            packets: row.packets,
            bytes: row.bytes,
            judged_packets: row.judged_packets,
            planned_packets: row.planned_packets,
            dscp: Histogram(&row.dscp),
            verdicts: Verdicts(&row.verdicts),
            quality: JsonQuality {
                streams: quality.streams,
                packets: quality.packets,
                expected: quality.expected,
                lost: quality.missing,
                loss_percent: rounded(100.0 * quality.loss()),
                worst_loss_percent: rounded(100.0 * quality.worst_loss),
                reordered: quality.reordered,
                duplicates: quality.duplicates,
                jitter_ms_mean: quality.jitter_mean_ms.map(rounded),
                jitter_ms_max: quality.jitter_max_ms.map(rounded),
                mos_streams: quality.mos_streams,
                mos_mean: quality.mos_mean.map(rounded),
                mos_worst: quality.mos_worst.map(rounded),
            },
        }
    }
}

/// Flows per verdict, all seven names.
#[derive(Debug)]
pub(crate) struct Verdicts<'a>(pub(crate) &'a VerdictCounts);

impl Serialize for Verdicts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (verdict, count) in self.0.iter() {
            map.serialize_entry(verdict.as_str(), &count)?;
        }
        map.end()
    }
}
