//! Addresses: a subnet is of one site, and the two ends of a rule are of one family.

use ipnet::IpNet;
use perhop_policy::{Diagnostic, Span};

use super::ENOUGH;
use crate::ast::At;
use crate::code;
use crate::plan::Plan;

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    subnets(plan, out);
    for app in &plan.apps {
        families(
            &format!("application `{}`", app.name.value),
            &app.addresses,
            &app.peers,
            app.name.span,
            out,
        );
    }
    if let (Some(edge), Some(um)) = (&plan.edge, &plan.exchange_um) {
        families(
            "the Edge's rule for voice mail",
            &edge.internal,
            &um.addresses,
            um.span,
            out,
        );
    }
    if let Some(um) = plan
        .exchange_um
        .as_ref()
        .filter(|um| um.addresses.is_empty())
    {
        out.push(
            Diagnostic::error(
                code::NO_ADDRESS,
                "voice mail without an address: its rule would be about every receiver",
            )
            .primary(um.span, "`addresses` is empty")
            .note("voice mail uses UDP 1024-65535, so only addresses tell it")
            .help("list the servers' addresses, or leave [exchange-um] out"),
        );
    }
}

/// Every subnet is of exactly one site. Sorted by network then length, a clash is always with an enclosing prefix.
fn subnets(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let mut all: Vec<(&At<IpNet>, &str)> = plan
        .sites
        .iter()
        .flat_map(|site| {
            site.subnets
                .iter()
                .map(|net| (net, site.name.value.as_str()))
        })
        .collect();
    all.sort_by_key(|(net, _)| (net.value.network(), net.value.prefix_len()));
    let mut open: Vec<(&At<IpNet>, &str)> = Vec::new();
    let mut told = 0;
    for (net, site) in all {
        while open
            .last()
            .is_some_and(|(outer, _)| !outer.value.contains(&net.value))
        {
            open.pop();
        }
        if let Some((outer, other)) = open.last().filter(|_| told < ENOUGH) {
            told += 1;
            out.push(clash((net, site), (outer, other)));
        }
        open.push((net, site));
    }
}

fn clash(inner: (&At<IpNet>, &str), outer: (&At<IpNet>, &str)) -> Diagnostic {
    let (net, site) = inner;
    let (other, home) = outer;
    let same = net.value == other.value;
    if site == home {
        let message = if same {
            format!("site `{site}` has `{}` twice", net.value)
        } else {
            format!(
                "`{}` is inside `{}` of the same site",
                net.value, other.value
            )
        };
        return Diagnostic::warning(code::SUBNET_TWICE, message)
            .primary(net.span, "says nothing new")
            .secondary(other.span, "covers it")
            .help("leave it out");
    }
    let message = if same {
        format!(
            "`{}` is a subnet of site `{site}` and of site `{home}`",
            net.value
        )
    } else {
        format!(
            "`{}` of site `{site}` is inside `{}` of site `{home}`",
            net.value, other.value
        )
    };
    Diagnostic::error(code::SUBNET_TWICE, message)
        .primary(net.span, format!("site `{site}`"))
        .secondary(other.span, format!("site `{home}`"))
        .note("every subnet belongs to exactly one site: settings, admission control and reports go by it")
        .help("split the larger prefix so that the two do not meet")
}

/// A rule with one end IPv4 and the other IPv6 is about no packet.
fn families(
    what: &str,
    from: &[At<IpNet>],
    to: &[At<IpNet>],
    span: Span,
    out: &mut Vec<Diagnostic>,
) {
    if from.is_empty() || to.is_empty() {
        return;
    }
    let v4 = |net: &At<IpNet>| matches!(net.value, IpNet::V4(_));
    let odd = |one: &[At<IpNet>], other: &[At<IpNet>]| {
        one.iter()
            .find(|net| !other.iter().any(|peer| v4(peer) == v4(net)))
            .cloned()
    };
    let alone = odd(from, to).or_else(|| odd(to, from));
    let Some(alone) = alone else { return };
    let none = from.iter().all(|a| !to.iter().any(|b| v4(a) == v4(b)));
    let problem = if none {
        Diagnostic::error(
            code::MIXED_FAMILIES,
            format!("{what} has IPv4 at one end and IPv6 at the other: no packet is like that"),
        )
    } else {
        Diagnostic::warning(
            code::MIXED_FAMILIES,
            format!(
                "{what} has no partner for `{}` at the other end",
                alone.value
            ),
        )
    };
    out.push(
        problem
            .primary(alone.span, "alone in its family")
            .secondary(span, "here")
            .note("both addresses of a packet, and of a policy, are of one family")
            .help("add addresses of its family at the other end, or leave it out"),
    );
}
