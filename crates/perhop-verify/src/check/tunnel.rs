//! Marks that a tunnel's outer header does not show (RFC 2983).

use perhop_policy::{Dscp, Severity};
use perhop_wire::packet::Tunnel;

use crate::attribute::Attribution;
use crate::cause::{Group, next, plural};
use crate::check::{Context, group};
use crate::finding::{Cause, Finding, Layer, TUNNEL_HIDES_MARK};
use crate::verdict::Verdict;

pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let hidden = context
        .with(|one| {
            one.is_planned()
                && one.expected.iter().all(|mark| *mark != Dscp::DF)
                && matches!(one.verdict, Verdict::Ok | Verdict::Mixed)
        })
        .into_iter()
        .filter(|at| context.flows[*at].outer_dscp.get(Dscp::DF) > 0);
    group(hidden, |at| {
        context.flows[at]
            .tunnel
            .filter(|tunnel| *tunnel != Tunnel::Erspan)
    })
        .into_iter()
        .map(|(tunnel, flows)| {
            let of = Group {
                context,
                flows: &flows,
            };
            let outer: u64 = flows
                .iter()
                .map(|at| context.flows[*at].outer_dscp.get(Dscp::DF))
                .sum();
            let name = tunnel_name(tunnel);
            let cause = Cause {
                name: "outer-header-not-marked",
                layer: Layer::Path,
                text: format!(
                    "the start of the {name} tunnel does not copy the mark outwards (the pipe model of RFC 2983), so the \
                     network between its ends likely treats the packets as best effort"
                ),
                evidence: vec![format!("{} with 0 outside and their mark inside", plural(outer, "packet"))],
                check: format!(
                    "on the device that starts the {name} tunnel, look at how it sets the outer DSCP; {}",
                    next::TUNNEL
                ),
            };
            Finding {
                code: TUNNEL_HIDES_MARK,
                severity: Severity::Warning,
                message: format!(
                    "a {name} tunnel hides the mark: {} in {} have 0 in the outer header",
                    plural(outer, "packet"),
                    plural(of.flows.len() as u64, "flow")
                ),
                rule: context.judged[flows[0]]
                    .attribution
                    .as_ref()
                    .map(Attribution::rule),
                class: context.place(flows[0]).map(|(_, class)| class),
                origin: context.origin(flows[0]),
                cause,
                alternatives: Vec::new(),
                flows,
            }
        })
        .collect()
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
