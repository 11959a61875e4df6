//! Rules of the user's own applications, in the scopes of the hosts that they run on.

use perhop_policy::{AppMatch, DstPorts, PortMatch, Role, Rule, Scope, ScopeId, SrcPorts};

use super::{Build, class_id, client_groups, plain, scope_name, server_groups};
use crate::plan::App;

/// Adds the rules of own applications.
pub(super) fn add(build: &mut Build<'_>) {
    let plan = build.plan;
    for (index, app) in plan.apps.iter().enumerate() {
        for scope in scopes(build, app) {
            media(build, app, index, scope);
        }
    }
}

/// Every scope that holds the rules of hosts of this kind.
fn scopes(build: &mut Build<'_>, app: &App) -> Vec<ScopeId> {
    let plan = build.plan;
    let mut names = vec![scope_name(app.on.scope, None)];
    match app.on.scope {
        "clients" => {
            names.extend(
                client_groups(plan)
                    .iter()
                    .map(|group| scope_name("clients", group.of)),
            );
        }
        "servers" => {
            names.extend(
                server_groups(plan)
                    .iter()
                    .map(|group| scope_name("servers", group.of)),
            );
        }
        _ => {}
    }
    names.dedup();
    let mut out = Vec::new();
    for name in names {
        let scope = Scope {
            name,
            role: app.on.role,
            host: app.on.host,
            site: None,
            addresses: match app.on.role {
                Role::Client | Role::Server => Vec::new(),
                _ => plain(&app.addresses),
            },
            origin: app.name.span,
        };
        out.push(build.scope(scope));
    }
    out
}

fn media(build: &mut Build<'_>, app: &App, index: usize, scope: ScopeId) {
    for media in &app.media {
        let found = build
            .plan
            .classes
            .iter()
            .enumerate()
            .find(|(_, class)| class.name == media.class.value);
        let Some((position, class)) = found else {
            continue;
        };
        let ports = PortMatch::Range(media.ports.value);
        let (src_ports, dst_ports) = if media.destination {
            (PortMatch::Any, ports)
        } else {
            (ports, PortMatch::Any)
        };
        let rule = Rule {
            name: format!(
                "{}/{}/{}",
                build.scopes[usize::from(scope.0)].name,
                app.name.value,
                class.name
            ),
            scope,
            component: app.name.value.clone(),
            peer: String::new(),
            class: class_id(position),
            app: app.executable.as_ref().map_or(AppMatch::Any, |executable| {
                AppMatch::parse(&executable.value)
            }),
            protocol: app.protocol,
            src: plain(&app.addresses),
            dst: plain(&app.peers),
            src_ports: SrcPorts(src_ports),
            dst_ports: DstPorts(dst_ports),
            dscp: class.dscp,
            marker: app.marker,
            throttle: media.throttle.as_ref().map(|at| at.value),
            origin: media.ports.span,
        };
        let order = 1000 + u32::try_from(index).unwrap_or(u32::MAX / 2);
        build.push(order, position, 0, rule);
    }
}
