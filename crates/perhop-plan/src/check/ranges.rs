//! Single ranges and pairs of ranges: UC-01, UC-03, UC-07.

use std::collections::BTreeSet;

use perhop_policy::{Diagnostic, Span};

use super::{
    FIRST_PORT, Object, client_objects, count_of, free_range, server_objects, shown, stated,
};
use crate::catalogue::Medium;
use crate::code;
use crate::plan::{Plan, Range};
use crate::to_policy::server_groups;

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let clients = client_objects(plan);
    let servers = server_objects(plan);
    low(plan, &clients, &servers, out);
    let mut told = BTreeSet::new();
    for object in clients.iter().chain(&servers) {
        within(object, &mut told, out);
    }
    across(plan, &mut told, out);
    default_sharing(plan, out);
}

/// UC-01.
fn low(plan: &Plan, clients: &[Object<'_>], servers: &[Object<'_>], out: &mut Vec<Diagnostic>) {
    let relay = plan.edge.iter().filter_map(|edge| edge.relay.as_ref());
    let ranges = stated(clients)
        .into_iter()
        .chain(stated(servers))
        .map(|(object, range)| {
            (
                object.called.as_str(),
                range.medium.as_str(),
                range.ports,
                range.span,
            )
        })
        .chain(relay.map(|relay| ("A/V Edge", "relay-ports", relay.value, relay.span)));
    for (called, name, ports, span) in ranges {
        if u32::from(ports.first()) < FIRST_PORT {
            out.push(
                Diagnostic::error(
                    code::LOW_PORT,
                    format!("`{name}` of {called} starts at port {}, below 1024", ports.first()),
                )
                .primary(span, "starts below 1024")
                .note("the cmdlets take a first port from 1024 to 65535; lower ports are for well-known services")
                .help(format!("start at 1024 or above, such as `{{ start = 20000, count = {} }}`", ports.count())),
            );
        }
    }
}

/// UC-03: within one object, every port has one medium.
fn within(object: &Object<'_>, told: &mut BTreeSet<(Span, Span)>, out: &mut Vec<Diagnostic>) {
    for (index, a) in object.ranges.iter().enumerate() {
        for b in &object.ranges[..index] {
            let Some(shared) = a.ports.intersection(b.ports) else {
                continue;
            };
            if !first_time(told, a, b) {
                continue;
            }
            let (change, clash) = later(a, b);
            let legacy = [a, b]
                .iter()
                .any(|range| range.medium == Medium::LegacyMedia);
            let message = format!(
                "`{}` and `{}` share {} on {}",
                change.medium.as_str(),
                clash.medium.as_str(),
                count_of(shared.count(), "source port"),
                object.called
            );
            let problem = if legacy {
                Diagnostic::warning(code::LEGACY_OVERLAP, message).note(
                    "a client uses either its one legacy range or the ranges of the media, but both generations are `communicator.exe`, so one policy cannot tell them apart",
                )
            } else {
                Diagnostic::error(code::PORT_OVERLAP, message).note(
                    "a sender's medium is told by its source port; a shared port has no one mark",
                )
            };
            let taken: Vec<_> = object
                .ranges
                .iter()
                .filter(|range| range.span != change.span)
                .map(|range| range.ports)
                .collect();
            let near = u32::from(clash.ports.last()) + 1;
            let problem = labels(problem, change, clash, shared);
            out.push(match free_range(change.ports.count(), near, &taken) {
                Some(free) => {
                    problem.help(format!("move `{}` to \"{free}\"", change.medium.as_str()))
                }
                None => problem.help("make one of the two smaller"),
            });
        }
    }
}

/// UC-07: one policy covers all roles of a server object, so a medium's ports on one role are no other medium's elsewhere.
fn across(plan: &Plan, told: &mut BTreeSet<(Span, Span)>, out: &mut Vec<Diagnostic>) {
    let pools = plan
        .servers
        .as_ref()
        .and_then(|servers| servers.pools.as_ref());
    for group in server_groups(plan) {
        let mut all: Vec<(&str, &Range)> = Vec::new();
        for (called, _, ranges) in group.roles.all() {
            all.extend(ranges.iter().map(|range| (called, range)));
        }
        if group.of.is_none() {
            all.extend(
                pools
                    .iter()
                    .flat_map(|pools| pools.ranges.iter().map(|range| ("application pool", range))),
            );
        }
        for (index, (role_a, a)) in all.iter().enumerate() {
            for (role_b, b) in &all[..index] {
                let Some(shared) = a.ports.intersection(b.ports) else {
                    continue;
                };
                if a.medium == b.medium || !first_time(told, a, b) {
                    continue;
                }
                let (change, clash) = later(a, b);
                let (here, there) = if std::ptr::eq(change, *a) {
                    (role_a, role_b)
                } else {
                    (role_b, role_a)
                };
                let problem = Diagnostic::error(
                    code::ROLE_OVERLAP,
                    format!(
                        "`{}` of the {here} role and `{}` of the {there} role share {}",
                        change.medium.as_str(),
                        clash.medium.as_str(),
                        count_of(shared.count(), "port")
                    ),
                )
                .note("one policy object is applied to the servers of all roles");
                out.push(labels(problem, change, clash, shared).help(format!(
                    "give `{}` ports of its own on every role",
                    change.medium.as_str()
                )));
            }
        }
    }
}

/// The default of application sharing overlaps audio and video; leaving it alone is hardly ever meant.
fn default_sharing(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let Some(servers) = &plan.servers else { return };
    let of = |name: &str| {
        plan.platforms
            .iter()
            .find_map(|p| p.value.range(name, "app-sharing"))
    };
    let (Some(default), Some(recommended)) = (of("conferencing"), of("recommended")) else {
        return;
    };
    let ranges = &servers.roles.conferencing;
    let stated = ranges
        .iter()
        .any(|range| range.medium == Medium::AppSharing);
    let hit: Vec<&Range> = ranges
        .iter()
        .filter(|range| range.ports.intersection(default).is_some())
        .collect();
    if stated || hit.is_empty() {
        return;
    }
    let media: Vec<String> = hit
        .iter()
        .map(|range| format!("`{}`", range.medium.as_str()))
        .collect();
    let problem = Diagnostic::warning(
        code::DEFAULT_SHARING,
        format!(
            "servers keep the default application sharing ports {default}, which overlap {}",
            media.join(" and ")
        ),
    )
    .primary(servers.span, "no `app-sharing` for servers");
    let free = hit
        .iter()
        .all(|range| range.ports.intersection(recommended).is_none());
    out.push(
        problem
            .note("without a range of its own, application sharing uses ports that policies mark as another medium")
            .help(if free {
                format!("add `app-sharing = \"{recommended}\"` under [servers.ports], the vendor's recommendation")
            } else {
                "add an `app-sharing` range under [servers.ports] that the others do not touch".to_owned()
            }),
    );
}

fn labels(
    problem: Diagnostic,
    change: &Range,
    clash: &Range,
    shared: perhop_policy::PortRange,
) -> Diagnostic {
    let text = if change.ports == shared {
        format!("all of {shared} is taken")
    } else if shared.count() == 1 {
        format!("{shared} is taken")
    } else {
        format!("{shared} are taken")
    };
    problem
        .primary(change.span, text)
        .secondary(clash.span, shown(clash))
}

/// The range to change is the one that the plan states, or the later of two.
fn later<'a>(a: &'a Range, b: &'a Range) -> (&'a Range, &'a Range) {
    if (b.stated, b.span.start) > (a.stated, a.span.start) {
        (b, a)
    } else {
        (a, b)
    }
}

/// Whether this pair of places has not been told yet; sites and roles repeat the plan's own ranges.
fn first_time(told: &mut BTreeSet<(Span, Span)>, a: &Range, b: &Range) -> bool {
    told.insert((a.span.min(b.span), a.span.max(b.span)))
}
