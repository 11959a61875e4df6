//! The Edge: its internal side only (UC-18), its relay range (UC-24), every medium (UC-31).

use ipnet::IpNet;
use perhop_policy::{Diagnostic, PortRange};

use super::MEDIA;
use crate::ast::At;
use crate::code;
use crate::plan::{Edge, Plan, range_of};

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let Some(edge) = &plan.edge else { return };
    external(edge, out);
    relay(plan, edge, out);
    gaps(plan, edge, out);
}

/// UC-18.
fn external(edge: &Edge, out: &mut Vec<Diagnostic>) {
    let covers = |message: String| {
        Diagnostic::error(code::EDGE_EXTERNAL, message)
            .note("the external side must not be marked: the Internet does not keep marks, and relayed media would be marked twice")
            .help("list the addresses of the internal interfaces only, such as \"192.0.2.10\"")
    };
    if edge.internal.is_empty() {
        out.push(
            covers(
                "the Edge has no internal address: its rules would cover its external side"
                    .to_owned(),
            )
            .primary(edge.span, "`internal` is empty"),
        );
    }
    for internal in &edge.internal {
        if internal.value.prefix_len() == 0 {
            out.push(
                covers(format!(
                    "`{}` covers the Edge's external side",
                    internal.value
                ))
                .primary(internal.span, "every address"),
            );
        }
        for external in edge
            .external
            .iter()
            .filter(|external| overlap(internal, external))
        {
            out.push(
                covers(format!(
                    "internal `{}` and external `{}` overlap",
                    internal.value, external.value
                ))
                .primary(internal.span, "rules would cover the external side")
                .secondary(external.span, "external"),
            );
        }
    }
}

fn overlap(a: &At<IpNet>, b: &At<IpNet>) -> bool {
    a.value.contains(&b.value) || b.value.contains(&a.value)
}

/// UC-24.
fn relay(plan: &Plan, edge: &Edge, out: &mut Vec<Diagnostic>) {
    let default = plan
        .platforms
        .iter()
        .find_map(|p| p.value.range("edge", "relay"));
    let default = default.or_else(|| PortRange::from_start_and_count(50000, 10000));
    if let (Some(relay), Some(default)) = (&edge.relay, default)
        && relay.value != default
    {
        out.push(
            Diagnostic::warning(
                code::RELAY_RANGE,
                format!("the Edge's relay range is {}, not {default}", relay.value),
            )
            .primary(relay.span, "changes the external side")
            .note("the range is external and never marked; firewall rules and federation partners count on 50000-59999")
            .help("leave `relay-ports` out"),
        );
    }
}

/// UC-31: a medium that is marked and has client ports, but whose server ports the plan does not know.
fn gaps(plan: &Plan, edge: &Edge, out: &mut Vec<Diagnostic>) {
    let Some(clients) = plan.clients.as_ref().filter(|_| !plan.platforms.is_empty()) else {
        return;
    };
    let servers = plan
        .servers
        .as_ref()
        .map(|servers| &servers.roles.conferencing[..]);
    let missing: Vec<&str> = MEDIA[..3]
        .iter()
        .filter(|medium| {
            plan.class(**medium).is_some() && range_of(&clients.ranges, **medium).is_some()
        })
        .filter(|medium| servers.is_none_or(|ranges| range_of(ranges, **medium).is_none()))
        .map(|medium| medium.as_str())
        .collect();
    if missing.is_empty() {
        return;
    }
    let named: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
    out.push(
        Diagnostic::warning(
            code::EDGE_GAP,
            format!("what the Edge sends to servers is not marked for {}", named.join(", ")),
        )
        .primary(edge.span, "has rules for clients only")
        .note("every medium that clients use can cross the Edge, and towards servers it goes to their ports")
        .help(format!("give servers ports for {} under [servers.ports]", named.join(", "))),
    );
}
