//! From what the verifier found to the view that is shown.

use perhop_policy::{ClassId, PolicySet, Severity, Vantage};
use perhop_verify::finding::{self, Finding};
use perhop_verify::quality::Assumptions;
use perhop_verify::report::{ClassSummary, Report};
use perhop_verify::source::FlowSource;
use perhop_verify::tolerance::Tolerances;
use perhop_verify::verdict::{Judged, Shape, Verdict};

use crate::feed::{self, Capture};
use crate::listing;
use crate::render::{counted_u64, grouped};
use crate::report::page::percent;
use crate::report::{
    CaptureView, ClassView, FindingView, FlowView, FlowViews, OverTime, Tone, VerdictView, View,
    filter,
};
use crate::source::Source;
use crate::time;

/// What a report is about.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The plan's text.
    pub(crate) source: &'a Source,
    /// The plan's meaning.
    pub(crate) policy: &'a PolicySet,
    /// The captures.
    pub(crate) captures: &'a [Capture],
    /// Their flows.
    pub(crate) flows: FlowSource<'a>,
    /// What was let pass.
    pub(crate) tolerances: &'a Tolerances,
    /// What was found.
    pub(crate) report: &'a Report,
}

/// Everything that a report shows.
pub(crate) fn view<'a>(subject: &Subject<'a>, over_time: OverTime) -> View<'a> {
    let all = *subject;
    View {
        plan: subject.policy.name().to_owned(),
        vantage: format!("the {}", subject.report.vantage.as_str()),
        place: "Site",
        captures: subject.captures.iter().map(capture_view).collect(),
        verdict: verdict(subject),
        facts: facts(subject),
        classes: subject
            .report
            .classes
            .iter()
            .filter_map(|row| class_view(subject, row))
            .collect(),
        findings: subject
            .report
            .findings
            .iter()
            .map(|finding| finding_view(subject, finding))
            .collect(),
        segments: Vec::new(),
        method: method(subject),
        series: over_time.0,
        flows: FlowViews::new(tones(subject), move |at, tone| flow_view(&all, at, tone)),
    }
}

/// The gravest finding that a flow is part of, else what its verdict is.
fn tones(subject: &Subject<'_>) -> Vec<Tone> {
    let mut tones: Vec<Tone> = subject
        .report
        .flows
        .iter()
        .map(|judged| match judged.verdict {
            Verdict::Ok => Tone::Good,
            _ => Tone::Info,
        })
        .collect();
    for finding in &subject.report.findings {
        let tone = severity(finding.severity);
        for at in finding.flows.iter().filter(|_| tone > Tone::Info) {
            tones[*at] = tones[*at].max(tone);
        }
    }
    tones
}

const fn severity(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info => Tone::Info,
    }
}

fn verdict(subject: &Subject<'_>) -> VerdictView {
    let report = subject.report;
    let under = report.flows.iter().filter(|one| one.is_planned()).count() as u64
        + report.totals.verdicts.get(Verdict::OutOfRange);
    let mut failed: Vec<usize> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .flat_map(|finding| finding.flows.iter().copied())
        .collect();
    failed.sort_unstable();
    failed.dedup();
    let nothing = report
        .findings
        .iter()
        .any(|one| one.code == finding::NOTHING_PLANNED);
    let (tone, headline) = if nothing {
        (
            Tone::Warn,
            "nothing to judge: no flow in the capture is under a rule of the plan".to_owned(),
        )
    } else if !failed.is_empty() {
        let verb = if failed.len() == 1 { "is" } else { "are" };
        let headline = format!(
            "not as planned: {} of {} {verb} not marked as the plan says",
            grouped(failed.len() as u64),
            counted_u64(under, "flow")
        );
        (Tone::Bad, headline)
    } else if report.as_planned() {
        (
            Tone::Good,
            format!(
                "as planned: {} checked, every one marked as the plan says",
                counted_u64(under, "flow")
            ),
        )
    } else {
        (
            Tone::Warn,
            "the plan's flows are marked, but something else needs a look".to_owned(),
        )
    };
    let because = report
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info)
        .map(|finding| finding.message.clone())
        .collect();
    VerdictView {
        tone,
        headline,
        because,
    }
}

fn facts(subject: &Subject<'_>) -> Vec<(&'static str, String, String)> {
    let totals = &subject.report.totals;
    let (judged, planned) = subject
        .report
        .classes
        .iter()
        .fold((0, 0), |(judged, planned), row| {
            (judged + row.judged_packets, planned + row.planned_packets)
        });
    let under = subject
        .report
        .flows
        .iter()
        .filter(|one| one.attribution.is_some())
        .count();
    let packets: u64 = subject.captures.iter().map(|one| one.packets).sum();
    let times = subject.captures.iter().filter_map(|one| one.time);
    let span = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    vec![
        (
            "Packets",
            grouped(packets),
            span.map_or_else(String::new, |(first, last)| {
                time::duration(last.saturating_sub(first))
            }),
        ),
        (
            "Flows",
            grouped(totals.flows),
            format!("{} under a rule", grouped(under as u64)),
        ),
        ("RTP streams", grouped(totals.streams), String::new()),
        (
            "Marked as planned",
            percent(planned, judged),
            format!("of {} judged", counted_u64(judged, "packet")),
        ),
    ]
}

fn capture_view(capture: &Capture) -> CaptureView {
    CaptureView {
        name: capture.name.clone(),
        packets: capture.packets,
        time: capture.time,
        dropped: capture.dropped,
        damage: capture.damage.clone(),
    }
}

/// A row; `None` for what the plan does not know and need not.
pub(crate) fn class_view(subject: &Subject<'_>, row: &ClassSummary) -> Option<ClassView> {
    let policy = subject.policy;
    if row.class.is_none()
        && row.verdicts.get(Verdict::UnplannedMark) + row.verdicts.get(Verdict::OutOfRange) == 0
    {
        return None;
    }
    let quality = &row.quality;
    Some(ClassView {
        class: row.class.map_or_else(
            || "not in the plan".to_owned(),
            |id| policy.class(id).name.clone(),
        ),
        site: row.site.map(|index| policy.sites()[index].name.clone()),
        expected: row.class.map(|id| policy.class(id).dscp),
        judged: (row.judged_packets, row.planned_packets),
        seen: row.dscp.iter().collect(),
        verdicts: row
            .verdicts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(verdict, count)| (verdict.as_str(), usual(verdict), count))
            .collect(),
        quality: (quality.streams > 0).then(|| (100.0 * quality.loss(), quality.jitter_mean_ms)),
        mos: quality.mos_mean,
    })
}

/// How a verdict is to be taken where nothing is known of the flow.
const fn usual(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Unmarked | Verdict::Remarked | Verdict::Mixed | Verdict::OutOfRange => Tone::Bad,
        Verdict::UnplannedMark => Tone::Warn,
        Verdict::Unplanned => Tone::Info,
    }
}

fn finding_view<'a>(subject: &Subject<'a>, finding: &'a Finding) -> FindingView<'a> {
    let source = subject.source;
    let own = finding.flows.iter();
    let mut expected = own
        .clone()
        .flat_map(|at| &subject.report.flows[*at].expected);
    let one_mark = expected.next().filter(|first| {
        finding.severity == Severity::Error && expected.all(|other| other == *first)
    });
    FindingView {
        code: finding.code,
        tone: severity(finding.severity),
        severity: finding.severity.as_str(),
        message: finding.message.clone(),
        layer: finding.cause.layer.as_str(),
        cause: finding.cause.text.clone(),
        evidence: finding.cause.evidence.clone(),
        next: finding.cause.check.clone(),
        others: finding
            .alternatives
            .iter()
            .map(|cause| format!("{}: {}", cause.layer.as_str(), cause.text))
            .collect(),
        class: finding
            .class
            .map(|id| subject.policy.class(id).name.clone()),
        place: finding.origin.map(|span| {
            let line = source.line(span);
            let text = source.text.lines().nth(line - 1).unwrap_or_default();
            (format!("{}:{line}", source.name), text.trim().to_owned())
        }),
        flows: &finding.flows,
        filter: filter::flows(own.map(|at| subject.flows.key(*at)), one_mark.copied()),
    }
}

fn flow_view(subject: &Subject<'_>, at: usize, tone: Tone) -> FlowView {
    let policy = subject.policy;
    let (flow, judged) = (subject.flows.flow(at), &subject.report.flows[at]);
    let rule = judged
        .attribution
        .as_ref()
        .map(|one| policy.rule(one.rule()));
    let mut evidence = Vec::new();
    match judged.shape {
        Shape::Steady => {}
        Shape::LateStart { packets } => {
            evidence.push(format!(
                "the first {} lack the mark",
                counted_u64(packets, "packet")
            ));
        }
        Shape::Changed { at, from, to } => {
            let place = flow.changes.first().map_or_else(String::new, |change| {
                format!(", frame {}, {} UTC", change.frame, time::clock(change.time))
            });
            evidence.push(format!("{from} becomes {to} at packet {}{place}", at + 1));
        }
        Shape::Interleaved => evidence.push(format!(
            "the mark changes {} times",
            grouped(flow.dscp_changes)
        )),
    }
    evidence.extend(
        flow.rtp
            .iter()
            .take(3)
            .map(|stream| format!("RTP {}", listing::stream(stream))),
    );
    evidence.extend(
        flow.call
            .as_deref()
            .map(|call| format!("call {}", call.parties())),
    );
    let more = flow.rtp.len().saturating_sub(3);
    if more > 0 {
        evidence.push(format!("and {more} more RTP streams"));
    }
    evidence.extend(
        judged
            .notes
            .iter()
            .map(|note| note.text(policy, subject.tolerances)),
    );
    FlowView {
        key: flow.key,
        packets: flow.packets,
        verdict: (judged.verdict.as_str(), tone),
        rule: rule.map(|rule| rule.name.clone()),
        class: class_of(policy, judged).map(|id| policy.class(id).name.clone()),
        expected: judged.expected.clone(),
        seen: flow.dscp.iter().collect(),
        evidence,
    }
}

/// The class of the rule, else the first of the plan for what the payload is.
pub(crate) fn class_of(policy: &PolicySet, judged: &Judged) -> Option<ClassId> {
    if let Some(attribution) = &judged.attribution {
        return Some(policy.rule(attribution.rule()).class);
    }
    let kind = judged.media?;
    let at = policy
        .classes()
        .iter()
        .position(|class| class.kind == kind)?;
    u16::try_from(at).ok().map(ClassId)
}

fn method(subject: &Subject<'_>) -> Vec<String> {
    let tolerances = subject.tolerances;
    let mut lines = vec![
        match subject.report.vantage {
            Vantage::Sender => "Vantage: at the sender, before any network device. What the network is to mark is expected unmarked here.",
            Vantage::Path => "Vantage: inside the network, past its access edge.",
            Vantage::Receiver => "Vantage: at the receiver.",
        }
        .to_owned(),
        "Every flow is one direction. It is judged by the rules of the plan for its sender; the judged packets are RTP where \
         streams were recognised, else all packets. ECN is no part of it."
            .to_owned(),
        format!(
            "{} past the end of a range still counts as inside it; fewer than {} make no finding.",
            counted_u64(tolerances.ports_past_end.into(), "port"),
            counted_u64(tolerances.min_packets, "packet")
        ),
    ];
    if !tolerances.accepted.is_empty() {
        lines.push(format!(
            "The plan accepts {} of its targets; what they explain is no finding.",
            match tolerances.accepted.len() {
                1 => "1 loss".to_owned(),
                count => format!("{count} losses"),
            }
        ));
    }
    let dropped = feed::dropped(subject.captures);
    if dropped > 0 {
        lines.push(format!(
            "The captures say that they lost {}: loss in the streams may be theirs.",
            counted_u64(dropped, "packet")
        ));
    }
    if subject
        .report
        .classes
        .iter()
        .any(|row| row.quality.mos_streams > 0)
    {
        let assumed = Assumptions::default();
        lines.push(format!(
            "MOS is an estimate for narrowband speech (E-model, ITU-T G.107) from codec, loss and delay: half the round trip \
             by RTCP, {:.0} ms where there is none, the packet's own time, and a jitter buffer of twice the largest jitter, \
             at least {:.0} ms. It is not stated for codecs without published impairment, nor for video.",
            assumed.network_ms, assumed.buffer_ms
        ));
    }
    lines.push(format!(
        "Loss counts sequence numbers that never came; jitter is that of RFC 3550. Plan: {}, SHA-256 {}.",
        subject.source.name,
        perhop_targets::manifest::sha256_hex(&subject.source.bytes)
    ));
    lines
}
