//! Rules of computers and phones: what they send is told by their own ports.

use perhop_policy::{
    AppMatch, DstPorts, Family, Host, Marker, PortMatch, ProtocolMatch, Role, Rule, Scope, ScopeId,
    SrcPorts,
};

use super::{Build, ClientGroup, client_groups, components, plain, scope_name};
use crate::catalogue::{self, Choice, Component, Medium, Sends};
use crate::plan::{Plan, Range, range_of};

/// Adds the scopes and rules of clients, then those of phones.
pub(super) fn add(build: &mut Build<'_>) {
    let plan = build.plan;
    for group in client_groups(plan) {
        let name = scope_name("clients", group.of);
        let addresses = group.addresses.clone();
        let scope = build.windows(Role::Client, name, group.site, addresses, group.span);
        for component in chosen(plan) {
            for (position, sends) in component.sends.iter().enumerate() {
                rule(build, scope, &group, component, *sends, position);
            }
        }
    }
    phones(build);
}

/// The client components that the plan has.
pub(crate) fn chosen(plan: &Plan) -> impl Iterator<Item = &'static Component> + use<'_> {
    let named = |component: &Component| {
        let words = plan
            .clients
            .iter()
            .flat_map(|clients| clients.vdi.iter().chain(&clients.also));
        words.into_iter().any(|word| word.value == component.id)
    };
    let all = catalogue::catalogue()
        .components()
        .map(|(_, component)| component);
    let own = components(plan);
    let mut out: Vec<&'static Component> = own.clone();
    for component in all {
        let family = plan.platform_of(component.family).is_some();
        if family && named(component) && out.iter().all(|known| known.id != component.id) {
            out.push(component);
        }
    }
    out.retain(|component| {
        component.role == catalogue::Role::Client
            && match component.choice {
                Choice::Always => true,
                Choice::Also(default) => default || named(component),
                Choice::Vdi => named(component),
                Choice::VideoBasedSharing | Choice::Never => false,
            }
    });
    out.sort_by_key(|component| component.order);
    out.into_iter()
}

fn rule(
    build: &mut Build<'_>,
    scope: ScopeId,
    group: &ClientGroup<'_>,
    component: &Component,
    sends: Sends,
    position: usize,
) {
    let plan = build.plan;
    let ranges: &[Range] = match component.family {
        Family::Teams => &plan.teams,
        Family::LyncServer | Family::Own => group.ranges,
    };
    let signaling = sends.medium == Medium::Signaling;
    let range = if signaling {
        plan.servers
            .as_ref()
            .and_then(|servers| servers.signaling.as_ref())
    } else {
        range_of(ranges, sends.medium)
    };
    let (Some(range), Some((class, found))) = (range, build.class(sends.medium)) else {
        return;
    };
    let ports = PortMatch::Range(range.ports);
    let rule = Rule {
        name: format!(
            "{}/{}/{}",
            scope_name("clients", group.of),
            component.id,
            sends.medium.as_str()
        ),
        scope,
        component: component.label.clone(),
        peer: String::new(),
        class,
        app: AppMatch::parse(component.executable.as_deref().unwrap_or_default()),
        protocol: sends.protocol,
        src: Vec::new(),
        dst: Vec::new(),
        src_ports: SrcPorts(if signaling { PortMatch::Any } else { ports }),
        dst_ports: DstPorts(if signaling { ports } else { PortMatch::Any }),
        dscp: found.dscp,
        marker: Marker::HostPolicy,
        throttle: None,
        origin: range.span,
    };
    build.push(component.order, position, 0, rule);
}

/// Phones send audio from the clients' audio range and mark it themselves.
fn phones(build: &mut Build<'_>) {
    let plan = build.plan;
    let Some(shared) = &plan.phones else { return };
    let component = components(plan)
        .into_iter()
        .find(|component| component.role == catalogue::Role::Phone);
    let mut groups = vec![(None, shared, plain(&shared.addresses))];
    for site in &plan.sites {
        let own_audio = site.clients.as_ref().is_some_and(|own| own.differs);
        if let Some(phones) = site.phones.as_ref().or(own_audio.then_some(shared)) {
            groups.push((Some(site), phones, plain(&site.subnets)));
        }
    }
    for (site, phones, addresses) in groups {
        let of = site.map(|site| site.name.value.as_str());
        let name = scope_name("phones", of);
        let scope = build.scope(Scope {
            name: name.clone(),
            role: Role::Phone,
            host: Host::Appliance,
            site: of.map(str::to_owned),
            addresses,
            origin: phones.span,
        });
        let own = site
            .and_then(|site| site.clients.as_ref())
            .map(|own| &own.ranges[..]);
        let ranges = own.or(plan.clients.as_ref().map(|clients| &clients.ranges[..]));
        let audio = ranges.and_then(|ranges| range_of(ranges, Medium::Audio));
        let (Some(component), Some(audio), Some((class, _)), Some(dscp)) =
            (component, audio, build.class(Medium::Audio), &phones.dscp)
        else {
            continue;
        };
        let rule = Rule {
            name: format!("{name}/{}/audio", component.id),
            scope,
            component: component.label.clone(),
            peer: String::new(),
            class,
            app: AppMatch::Any,
            protocol: ProtocolMatch::Both,
            src: Vec::new(),
            dst: Vec::new(),
            src_ports: SrcPorts(PortMatch::Range(audio.ports)),
            dst_ports: DstPorts(PortMatch::Any),
            dscp: dscp.value,
            marker: Marker::Sender,
            throttle: None,
            origin: phones.span,
        };
        build.push(component.order, 0, 0, rule);
    }
}
