//! Rules of servers: what they send is told by their own ports. Voice mail, when it marks by policy.

use perhop_policy::{
    AppMatch, ClassId, Dscp, DstPorts, Marker, PortMatch, PortRange, Protocol, ProtocolMatch, Role,
    Rule, ScopeId, SrcPorts,
};

use super::{Build, ServerGroup, components, plain, scope_name, server_groups};
use crate::catalogue::{self, Choice, Component, Medium};
use crate::plan::{Pools, Range, range_of};

/// Adds the scopes and rules of servers and of voice mail.
pub(super) fn add(build: &mut Build<'_>) {
    for group in server_groups(build.plan) {
        let name = scope_name("servers", group.of);
        let addresses = group.addresses.clone();
        let scope = build.windows(
            Role::Server,
            name.clone(),
            group.site,
            addresses,
            group.span,
        );
        roles(build, &group, scope, &name);
        let pools = build
            .plan
            .servers
            .as_ref()
            .and_then(|servers| servers.pools.as_ref());
        if let (None, Some(pools)) = (group.of, pools) {
            self::pools(build, scope, pools);
        }
    }
    voice_mail(build);
}

/// UM media ports; the whole range, so only the peers' addresses tell it.
pub(super) fn voice_mail_ports(build: &Build<'_>) -> Option<PortRange> {
    let platform = build
        .plan
        .platforms
        .iter()
        .find_map(|p| p.value.range("exchange-um", "audio"));
    platform.or_else(|| PortRange::try_new(1024, u16::MAX))
}

fn roles(build: &mut Build<'_>, group: &ServerGroup<'_>, scope: ScopeId, name: &str) {
    let plan = build.plan;
    let vbss = plan
        .servers
        .as_ref()
        .is_some_and(|servers| servers.vbss.value);
    let signaling: Vec<Range> = plan
        .servers
        .iter()
        .filter_map(|servers| servers.signaling)
        .collect();
    for component in components(plan) {
        let ranges: &[Range] = match component.role {
            catalogue::Role::Conferencing => &group.roles.conferencing,
            catalogue::Role::Application => &group.roles.application,
            catalogue::Role::Mediation => &group.roles.mediation,
            catalogue::Role::FrontEnd => &signaling,
            _ => continue,
        };
        let in_plan = match component.choice {
            Choice::Always => true,
            Choice::VideoBasedSharing => vbss,
            _ => false,
        };
        if !in_plan {
            continue;
        }
        for (position, sends) in component.sends.iter().enumerate() {
            let range = range_of(ranges, sends.medium);
            if let (Some(range), Some((class, found))) = (range, build.class(sends.medium)) {
                let dscp = found.dscp;
                let rule = rule(
                    scope,
                    name,
                    component,
                    sends.medium,
                    sends.protocol,
                    range,
                    (class, dscp),
                );
                build.push(component.order, position, 0, rule);
            }
        }
    }
}

fn rule(
    scope: ScopeId,
    name: &str,
    component: &Component,
    medium: Medium,
    protocol: ProtocolMatch,
    range: &Range,
    (class, dscp): (ClassId, Dscp),
) -> Rule {
    Rule {
        name: format!("{name}/{}/{}", component.id, medium.as_str()),
        scope,
        component: component.label.clone(),
        peer: String::new(),
        class,
        app: AppMatch::parse(component.executable.as_deref().unwrap_or_default()),
        protocol,
        src: Vec::new(),
        dst: Vec::new(),
        src_ports: SrcPorts(PortMatch::Range(range.ports)),
        dst_ports: DstPorts(PortMatch::Any),
        dscp,
        marker: Marker::HostPolicy,
        throttle: None,
        origin: range.span,
    }
}

/// Applications of trusted pools run in processes of their own, so the hosted applications' rows do not match them.
fn pools(build: &mut Build<'_>, scope: ScopeId, pools: &Pools) {
    for (position, range) in pools.ranges.iter().enumerate() {
        let Some((class, found)) = build.class(range.medium) else {
            continue;
        };
        let app = pools
            .executable
            .as_ref()
            .map_or("", |executable| &executable.value);
        let rule = Rule {
            name: format!("servers/application-pools/{}", range.medium.as_str()),
            scope,
            component: "Trusted application pools".to_owned(),
            peer: String::new(),
            class,
            app: AppMatch::parse(app),
            protocol: ProtocolMatch::Both,
            src: Vec::new(),
            dst: Vec::new(),
            src_ports: SrcPorts(PortMatch::Range(range.ports)),
            dst_ports: DstPorts(PortMatch::Any),
            dscp: found.dscp,
            marker: Marker::HostPolicy,
            throttle: None,
            origin: range.span,
        };
        build.push(65, position, 0, rule);
    }
}

fn voice_mail(build: &mut Build<'_>) {
    let Some(um) = &build.plan.exchange_um else {
        return;
    };
    let addresses = plain(&um.addresses);
    let scope = build.windows(
        Role::VoiceMail,
        "exchange-um".to_owned(),
        None,
        addresses.clone(),
        um.span,
    );
    let ports = voice_mail_ports(build);
    let class = build
        .class(Medium::Audio)
        .map(|(class, found)| (class, found.dscp));
    if let (true, Some(ports), Some((class, dscp))) = (um.mark, ports, class) {
        let rule = Rule {
            name: "exchange-um/exchange-um/audio".to_owned(),
            scope,
            component: "Exchange UM".to_owned(),
            peer: String::new(),
            class,
            app: AppMatch::Any,
            protocol: ProtocolMatch::Only(Protocol::Udp),
            src: addresses,
            dst: Vec::new(),
            src_ports: SrcPorts(PortMatch::Range(ports)),
            dst_ports: DstPorts(PortMatch::Any),
            dscp,
            marker: Marker::HostPolicy,
            throttle: None,
            origin: um.span,
        };
        build.push(90, 0, 0, rule);
    }
}
