//! Marks that a tunnel's outer header does not show (RFC 2983).

use perhop_policy::{Dscp, Severity};
use perhop_wire::packet::Tunnel;

use crate::attribute::Attribution;
use crate::cause::{next, plural};
use crate::check::{Context, group};
use crate::finding::{Cause, Finding, Layer, TUNNEL_HIDES_MARK};
use crate::flow::Flow;
use crate::verdict::{Judged, Verdict};

/// How inner and outer mark differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The mark is inside only: 0 outside, or what is left when the precedence bits are cleared.
    InsideOnly,
    /// The mark is inside, another one outside.
    Otherwise,
    /// The mark is outside only.
    OutsideOnly,
}

pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let tunnelled =
        context.with(|one| one.is_planned() && one.expected.iter().all(|mark| *mark != Dscp::DF));
    let groups = group(tunnelled, |at| {
        let tunnel = context.flows.tunnel(at)?;
        let (flow, judged) = (context.flows.flow(at), &context.judged[at]);
        let kinds = [Kind::InsideOnly, Kind::Otherwise, Kind::OutsideOnly];
        let kind = kinds
            .into_iter()
            .find(|kind| packets(&flow, judged, *kind) > 0)?;
        (tunnel != Tunnel::Erspan).then_some((tunnel, kind))
    });
    groups
        .into_iter()
        .map(|((tunnel, kind), flows)| finding(context, tunnel_name(tunnel), kind, flows))
        .collect()
}

/// Packets of a flow whose marks differ so. An outer mark that as many packets have inside was copied.
fn packets(flow: &Flow, judged: &Judged, kind: Kind) -> u64 {
    let marked = matches!(judged.verdict, Verdict::Ok | Verdict::Mixed);
    let is_kind = |mark: Dscp| {
        let planned = judged.expected.contains(&mark);
        match kind {
            Kind::InsideOnly => marked && !planned && mark.value() < 8,
            Kind::Otherwise => marked && !planned && mark.value() >= 8,
            Kind::OutsideOnly => judged.verdict == Verdict::Unmarked && planned,
        }
    };
    let outside = flow.outer_dscp.iter().filter(|(mark, _)| is_kind(*mark));
    outside
        .map(|(mark, outside)| outside.saturating_sub(flow.dscp.get(mark)))
        .sum()
}

fn finding(context: &Context<'_>, name: &str, kind: Kind, flows: Vec<usize>) -> Finding {
    let differ = |at: &usize| packets(&context.flows.flow(*at), &context.judged[*at], kind);
    let sum: u64 = flows.iter().map(differ).sum();
    let (sum, of) = (plural(sum, "packet"), plural(flows.len() as u64, "flow"));
    let (severity, message) = match kind {
        Kind::InsideOnly => (
            Severity::Warning,
            format!(
                "a {name} tunnel hides the mark: {sum} in {of} have {} in the outer header",
                outer(context, &flows, kind)
            ),
        ),
        Kind::Otherwise => (
            Severity::Info,
            format!(
                "a {name} tunnel carries another mark outside: {sum} in {of} have {} in the outer header",
                outer(context, &flows, kind)
            ),
        ),
        Kind::OutsideOnly => (
            Severity::Info,
            format!(
                "a {name} tunnel carries the mark outside only: {sum} in {of} lose it where the tunnel ends"
            ),
        ),
    };
    Finding {
        code: TUNNEL_HIDES_MARK,
        severity,
        message,
        rule: context.judged[flows[0]]
            .attribution
            .as_ref()
            .map(Attribution::rule),
        class: context.place(flows[0]).map(|(_, class)| class),
        origin: context.origin(flows[0]),
        cause: cause(name, kind, &sum),
        alternatives: Vec::new(),
        flows,
    }
}

/// The outer marks, `0` or `0 and 2`.
fn outer(context: &Context<'_>, flows: &[usize], kind: Kind) -> String {
    let mut marks: Vec<Dscp> = flows
        .iter()
        .flat_map(|at| {
            let expected = &context.judged[*at].expected;
            let flow = context.flows.flow(*at);
            let all = flow.outer_dscp.iter().map(|(mark, _)| mark);
            let others = all.filter(|mark| !expected.contains(mark));
            others.collect::<Vec<Dscp>>()
        })
        .filter(|mark| (mark.value() < 8) == (kind == Kind::InsideOnly))
        .collect();
    marks.sort_unstable();
    marks.dedup();
    let texts: Vec<String> = marks.iter().map(|mark| mark.value().to_string()).collect();
    texts.join(" and ")
}

fn cause(name: &str, kind: Kind, sum: &str) -> Cause {
    let start = |then: &str| {
        format!(
            "on the device that starts the {name} tunnel, look at how it sets the outer DSCP; {then}"
        )
    };
    let (cause, text, evidence, check) = match kind {
        Kind::InsideOnly => (
            "outer-header-not-marked",
            format!(
                "the start of the {name} tunnel does not copy the mark outwards (the pipe model of RFC 2983), or a device \
                 between its ends clears it; the network there likely treats the packets as best effort"
            ),
            format!("{sum} without the mark outside and with their mark inside"),
            start(next::TUNNEL),
        ),
        Kind::Otherwise => (
            "outer-header-marked-otherwise",
            format!(
                "the start of the {name} tunnel sets a mark of its own outside (the pipe model of RFC 2983), or a device \
                 between its ends changes it"
            ),
            format!("{sum} with one mark outside and their planned one inside"),
            start("whether the network between its ends treats that mark as the plan means it"),
        ),
        Kind::OutsideOnly => (
            "inner-header-not-marked",
            format!(
                "what starts the {name} tunnel marks the outside by itself, or the mark was set after the packets went \
                 into the tunnel; past its end nothing of it is left"
            ),
            format!("{sum} with the planned mark outside and 0 inside"),
            "mark before the tunnel: where the sender is, or on the device that starts the tunnel for the packets that go in"
                .to_owned(),
        ),
    };
    Cause {
        name: cause,
        layer: Layer::Path,
        text,
        evidence: vec![evidence],
        check,
    }
}

const fn tunnel_name(tunnel: Tunnel) -> &'static str {
    match tunnel {
        Tunnel::IpInIp => "IP-in-IP",
        Tunnel::Gre | Tunnel::GreEthernet => "GRE",
        Tunnel::Erspan => "ERSPAN",
        Tunnel::Vxlan => "VXLAN",
        Tunnel::Geneve => "Geneve",
        Tunnel::GtpU => "GTP-U",
        Tunnel::Teredo => "Teredo",
        Tunnel::L2tp => "L2TP",
    }
}
