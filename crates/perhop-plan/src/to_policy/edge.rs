//! Rules of the media relay: it sends from 3478/UDP and 443/TCP, so only the receiver's port tells what it relays.

use ipnet::IpNet;
use perhop_policy::{
    AppMatch, DstPorts, Marker, PortMatch, PortRange, Protocol, ProtocolMatch, Role, Rule, ScopeId,
    Span, SrcPorts,
};

use super::{Build, client_groups, components, plain, scope_name, server_groups, servers};
use crate::catalogue::{self, Component, Medium};
use crate::plan::{Plan, Range};

/// Where relayed media of one medium goes to.
pub(crate) struct Destination {
    /// End of the rule's name.
    name: String,
    /// Whom the table says.
    peer: &'static str,
    /// The ports there.
    pub(crate) range: Range,
    /// The addresses there, when only these have the ports.
    addresses: Vec<IpNet>,
}

/// Adds the scope and rules of the Edge.
pub(super) fn add(build: &mut Build<'_>) {
    let plan = build.plan;
    let Some(edge) = &plan.edge else { return };
    let internal = plain(&edge.internal);
    let scope = build.windows(Role::Edge, "edge".to_owned(), None, internal, edge.span);
    let Some(component) = components(plan)
        .into_iter()
        .find(|component| component.role == catalogue::Role::Edge)
    else {
        return;
    };
    for (position, sends) in component.sends.iter().enumerate() {
        for (peer, to) in destinations(plan, sends.medium).into_iter().enumerate() {
            let target = Target {
                name: to.name,
                peer: to.peer,
                medium: sends.medium,
                protocol: sends.protocol,
                ports: to.range.ports,
                addresses: to.addresses,
                span: to.range.span,
            };
            rule(
                build,
                scope,
                component,
                target,
                (component.order, position, peer),
            );
        }
    }
    if let (Some(um), Some(ports)) = (&plan.exchange_um, servers::voice_mail_ports(build)) {
        let target = Target {
            name: "audio-to-exchange-um".to_owned(),
            peer: "Exchange UM servers",
            medium: Medium::Audio,
            protocol: ProtocolMatch::Only(Protocol::Udp),
            ports,
            addresses: plain(&um.addresses),
            span: um.span,
        };
        rule(
            build,
            scope,
            component,
            target,
            (component.order, usize::MAX, 0),
        );
    }
}

/// The ranges that relayed media of a medium can go to: servers first, then clients whose range is not inside those.
pub(crate) fn destinations(plan: &Plan, medium: Medium) -> Vec<Destination> {
    let mut out: Vec<Destination> = Vec::new();
    let mut add = |name: String, peer, range: &Range, addresses: Vec<IpNet>| {
        let covered = |known: &Destination| {
            known.range.ports.contains_range(range.ports)
                && (known.addresses.is_empty() || known.addresses == addresses)
        };
        if range.medium == medium && !out.iter().any(covered) {
            out.push(Destination {
                name: format!("{}-to-{name}", medium.as_str()),
                peer,
                range: *range,
                addresses,
            });
        }
    };
    for group in server_groups(plan) {
        for (_, role, ranges) in group.roles.all() {
            let base = if role == "conferencing" {
                "servers"
            } else {
                role
            };
            for range in ranges {
                add(
                    scope_name(base, group.of),
                    "servers",
                    range,
                    group.addresses_when_own(),
                );
            }
        }
    }
    let pools = plan
        .servers
        .iter()
        .filter_map(|servers| servers.pools.as_ref());
    for range in pools.flat_map(|pools| &pools.ranges) {
        add("application-pools".to_owned(), "servers", range, Vec::new());
    }
    for group in client_groups(plan) {
        let own = if group.of.is_some() {
            group.addresses.clone()
        } else {
            Vec::new()
        };
        for range in group.ranges {
            add(
                scope_name("clients", group.of),
                "clients",
                range,
                own.clone(),
            );
        }
    }
    out
}

impl super::ServerGroup<'_> {
    fn addresses_when_own(&self) -> Vec<IpNet> {
        if self.of.is_some() {
            self.addresses.clone()
        } else {
            Vec::new()
        }
    }
}

struct Target {
    name: String,
    peer: &'static str,
    medium: Medium,
    protocol: ProtocolMatch,
    ports: PortRange,
    addresses: Vec<IpNet>,
    span: Span,
}

fn rule(
    build: &mut Build<'_>,
    scope: ScopeId,
    component: &Component,
    to: Target,
    (order, position, peer): (u32, usize, usize),
) {
    let Some((class, found)) = build.class(to.medium) else {
        return;
    };
    let rule = Rule {
        name: format!("edge/{}/{}", component.id, to.name),
        scope,
        component: component.label.clone(),
        peer: to.peer.to_owned(),
        class,
        app: AppMatch::parse(component.executable.as_deref().unwrap_or_default()),
        protocol: to.protocol,
        src: build
            .plan
            .edge
            .as_ref()
            .map_or_else(Vec::new, |edge| plain(&edge.internal)),
        dst: to.addresses,
        src_ports: SrcPorts(PortMatch::Any),
        dst_ports: DstPorts(PortMatch::Range(to.ports)),
        dscp: found.dscp,
        marker: Marker::HostPolicy,
        throttle: None,
        origin: to.span,
    };
    build.push(order, position, peer, rule);
}
