//! From the tree to a [`Plan`]: names looked up, defaults filled in. Only trees without errors give a plan.

use perhop_policy::{Diagnostic, Family, FileId, Span};

use crate::ast::{At, Table};
use crate::catalogue::{Medium, Platform, catalogue};
use crate::code;
use crate::plan::{
    Clients, Edge, ExchangeUm, Network, OwnClients, Phones, Plan, PlanClass, Pools, Range, Roles,
    Servers, ServicePlan, SitePlan, range_of,
};
use crate::shape;
use crate::view::View;

mod apps;
mod claims;
mod requests;

/// Resolves a tree that the table of fields has accepted. Problems are defaults that do not exist.
#[must_use]
pub fn resolve(file: FileId, root: &Table) -> (Plan, Vec<Diagnostic>) {
    let root = View::root(root, shape::start_of(file));
    let mut problems = Vec::new();
    let platforms = platforms(root);
    let family = |family| platforms.iter().find(|p| p.value.family == family);
    let teams = family(Family::Teams).map_or_else(Vec::new, |platform| teams(root, platform));
    let lync = family(Family::LyncServer).map(|platform| platform.value);
    let clients = clients(root, &platforms);
    let servers = root.table("servers").map(|view| servers(view, lync));
    let mut plan = Plan {
        name: root
            .text("plan")
            .unwrap_or_else(|| At::new(String::new(), root.span)),
        classes: Vec::new(),
        edge: root.table("edge").map(edge),
        exchange_um: root.table("exchange-um").map(exchange_um),
        phones: None,
        devices: root.table("devices").and_then(|view| view.boolean("qos")),
        network: network(root),
        sites: Vec::new(),
        services: Vec::new(),
        apps: apps::all(root),
        targets: requests::targets(root),
        target_list: requests::list(root),
        unlisted_targets: requests::unlisted(root),
        repeated_targets: requests::repeated(root.texts("targets")),
        expects: claims::expects(root),
        allows: claims::allows(root),
        platforms,
        clients,
        teams,
        servers,
    };
    plan.classes = classes(root, &plan, &mut problems);
    let audio = plan
        .class(Medium::Audio)
        .map(|(_, class)| At::new(class.dscp, class.span));
    plan.phones = root.table("phones").map(|view| Phones {
        span: view.span,
        dscp: view.dscp("dscp").or(audio),
        pcp: view.pcp("pcp"),
        addresses: view.prefixes("addresses"),
    });
    plan.sites = root
        .named("site")
        .into_iter()
        .map(|(name, view)| site(&plan, name, view))
        .collect();
    plan.services = root
        .named("service")
        .into_iter()
        .map(|(name, view)| service(&plan, name, view))
        .collect();
    (plan, problems)
}

fn platforms(root: View<'_>) -> Vec<At<&'static Platform>> {
    let mut named: Vec<At<&'static Platform>> = Vec::new();
    let words = root.texts("platforms");
    for platform in &catalogue().platforms {
        let found = words.iter().find(|word| {
            catalogue()
                .platform(&word.value)
                .is_some_and(|one| one.id == platform.id)
        });
        named.extend(found.map(|word| At::new(platform, word.span)));
    }
    named
}

fn ranges(view: View<'_>, media: &[Medium]) -> Vec<Range> {
    media
        .iter()
        .filter_map(|medium| {
            let ports = view.ports(medium.as_str())?;
            Some(Range {
                medium: *medium,
                ports: ports.value,
                span: ports.span,
                stated: true,
            })
        })
        .collect()
}

fn clients(root: View<'_>, platforms: &[At<&'static Platform>]) -> Option<Clients> {
    let span = platforms.first().map(|platform| platform.span);
    let view = root.table("clients");
    let (view, span) = match (view, span) {
        (Some(view), _) => (view, view.span),
        (None, Some(span)) => (root.table_or_empty("clients"), span),
        (None, None) => return None,
    };
    Some(Clients {
        span,
        ranges: ranges(view.table_or_empty("ports"), &Medium::ALL),
        enforce: view.boolean("enforce-ports").unwrap_or(At::new(true, span)),
        reserved: view.boolean("reserved-ports").is_some_and(|at| at.value),
        vdi: view.texts("vdi"),
        also: view.texts("also"),
        addresses: view.prefixes("addresses"),
    })
}

/// What Teams is told: its own table, the clients' ranges, the vendor's defaults, in this order.
fn teams(root: View<'_>, platform: &At<&'static Platform>) -> Vec<Range> {
    let own = root.table_or_empty("teams").table_or_empty("ports");
    let shared = root.table_or_empty("clients").table_or_empty("ports");
    [Medium::Audio, Medium::Video, Medium::AppSharing]
        .into_iter()
        .filter_map(|medium| {
            let stated = ranges(own, &[medium])
                .pop()
                .or_else(|| ranges(shared, &[medium]).pop());
            stated.or_else(|| {
                Some(Range {
                    medium,
                    ports: platform.value.range("clients", medium.as_str())?,
                    span: platform.span,
                    stated: false,
                })
            })
        })
        .collect()
}

fn servers(view: View<'_>, platform: Option<&Platform>) -> Servers {
    let shared = view.table_or_empty("ports");
    let role = |role: &str, media: &[Medium]| -> Vec<Range> {
        let own = view.table_or_empty(role).table_or_empty("ports");
        media
            .iter()
            .filter_map(|medium| {
                let stated = ranges(own, &[*medium])
                    .pop()
                    .or_else(|| ranges(shared, &[*medium]).pop());
                stated.or_else(|| default_range(platform?, role, *medium, view.span))
            })
            .collect()
    };
    let roles = Roles {
        conferencing: role(
            "conferencing",
            &[Medium::Audio, Medium::Video, Medium::AppSharing],
        ),
        application: role("application", &[Medium::Audio]),
        mediation: role("mediation", &[Medium::Audio]),
        web: role("web", &[Medium::AppSharing]),
    };
    let pools = view.table("application-pools").map(|pools| {
        let own = ranges(
            pools.table_or_empty("ports"),
            &[Medium::Audio, Medium::Video, Medium::AppSharing],
        );
        Pools {
            names: pools.texts("names"),
            executable: pools.text("executable"),
            ranges: if own.is_empty() {
                roles.application.clone()
            } else {
                own
            },
        }
    });
    Servers {
        span: view.span,
        roles,
        signaling: ranges(shared, &[Medium::Signaling]).pop(),
        pools,
        addresses: view.prefixes("addresses"),
        vbss: view
            .boolean("video-based-sharing")
            .unwrap_or(At::new(false, view.span)),
    }
}

/// Audio and video default to the vendor's ranges; the default of application sharing overlaps both, so it never does.
fn default_range(platform: &Platform, role: &str, medium: Medium, span: Span) -> Option<Range> {
    if medium == Medium::AppSharing {
        return None;
    }
    Some(Range {
        medium,
        ports: platform.range(role, medium.as_str())?,
        span,
        stated: false,
    })
}

fn edge(view: View<'_>) -> Edge {
    Edge {
        span: view.span,
        internal: view.prefixes("internal"),
        external: view.prefixes("external"),
        relay: view.ports("relay-ports"),
    }
}

fn exchange_um(view: View<'_>) -> ExchangeUm {
    ExchangeUm {
        span: view.span,
        addresses: view.prefixes("addresses"),
        mark: view.boolean("mark").is_some_and(|at| at.value),
    }
}

fn network(root: View<'_>) -> Network {
    let view = root.table_or_empty("network");
    Network {
        internal: view.prefixes("internal"),
        express_route: view
            .boolean("express-route")
            .filter(|at| at.value)
            .map(|at| at.span),
    }
}

/// The classes that the plan names, or else the vendor's usual ones for the media that have ports.
fn classes(root: View<'_>, plan: &Plan, problems: &mut Vec<Diagnostic>) -> Vec<PlanClass> {
    let usual = |medium: Medium| {
        plan.platforms.iter().find_map(|platform| {
            Some(At::new(
                platform.value.mark("class", medium)?,
                platform.span,
            ))
        })
    };
    let mut out = Vec::new();
    if root.table("class").is_none() {
        for medium in Medium::ALL {
            let used = in_use(plan, medium);
            out.extend(usual(medium).filter(|_| used).map(|mark| PlanClass {
                name: medium.as_str().to_owned(),
                medium: Some(medium),
                dscp: mark.value,
                pcp: None,
                span: mark.span,
                stated: false,
            }));
        }
        return out;
    }
    for (name, view) in root.named("class") {
        let medium = Medium::from_name(&name.value);
        let dscp = view
            .dscp("dscp")
            .or_else(|| Some(At::new(usual(medium?)?.value, name.span)));
        if dscp.is_none() {
            problems.push(no_mark(&name));
        }
        out.extend(dscp.map(|dscp| PlanClass {
            name: name.value.clone(),
            medium,
            dscp: dscp.value,
            pcp: view.pcp("pcp").map(|at| at.value),
            span: dscp.span,
            stated: true,
        }));
    }
    out.sort_by_key(|class| class.medium.map_or(usize::MAX, |medium| medium as usize));
    out
}

fn no_mark(name: &At<String>) -> Diagnostic {
    let path = shape::join("class", &name.value);
    Diagnostic::error(code::MISSING_KEY, format!("`{path}` lacks `dscp`"))
        .primary(name.span, "no mark")
        .note("only the media of the plan's platforms have a usual mark to fall back on")
        .help("add `dscp = ...`: a name such as \"EF\", or a number from 0 to 63")
}

fn in_use(plan: &Plan, medium: Medium) -> bool {
    let clients = plan.clients.iter().flat_map(|clients| &clients.ranges);
    let servers = plan
        .servers
        .iter()
        .flat_map(|servers| &servers.roles.conferencing);
    let signaling = plan
        .servers
        .iter()
        .filter_map(|servers| servers.signaling.as_ref());
    let by_app = plan.apps.iter().flat_map(|app| &app.media);
    clients
        .chain(&plan.teams)
        .chain(servers)
        .filter(|range| range.medium != Medium::Signaling)
        .chain(signaling)
        .map(|range| range.medium.as_str())
        .chain(by_app.map(|media| media.class.value.as_str()))
        .any(|name| name == medium.as_str())
}

fn own_clients(plan: &Plan, view: View<'_>) -> Option<OwnClients> {
    let own = ranges(view.table_or_empty("ports"), &Medium::ALL);
    let shared = plan
        .clients
        .as_ref()
        .map_or(&[][..], |clients| &clients.ranges);
    let differs = own
        .iter()
        .any(|range| range_of(shared, range.medium).is_none_or(|other| other.ports != range.ports));
    let ranges = Medium::ALL
        .into_iter()
        .filter_map(|medium| {
            range_of(&own, medium)
                .or_else(|| range_of(shared, medium))
                .copied()
        })
        .collect();
    Some(OwnClients {
        span: view.span,
        ranges,
        differs,
        enforce: view
            .boolean("enforce-ports")
            .unwrap_or(At::new(true, view.span)),
    })
}

fn site(plan: &Plan, name: At<String>, view: View<'_>) -> SitePlan {
    let shared = plan.phones.as_ref();
    let audio = plan
        .class(Medium::Audio)
        .map(|(_, class)| At::new(class.dscp, class.span));
    SitePlan {
        name,
        subnets: view.prefixes("subnets"),
        clients: view
            .table("clients")
            .and_then(|clients| own_clients(plan, clients)),
        phones: view.table("phones").map(|own| Phones {
            span: own.span,
            dscp: own
                .dscp("dscp")
                .or(shared.map_or(audio, |phones| phones.dscp.clone())),
            pcp: own
                .pcp("pcp")
                .or(shared.and_then(|phones| phones.pcp.clone())),
            addresses: view.prefixes("subnets"),
        }),
        devices: view
            .table("devices")
            .and_then(|devices| devices.boolean("qos")),
    }
}

fn service(plan: &Plan, name: At<String>, view: View<'_>) -> ServicePlan {
    let servers = view.table("servers").map(|servers| {
        let own = servers.table_or_empty("ports");
        let shared = plan
            .servers
            .as_ref()
            .map(|servers| servers.roles.clone())
            .unwrap_or_default();
        let role = |shared: &[Range], media: &[Medium]| -> Vec<Range> {
            media
                .iter()
                .filter_map(|medium| {
                    ranges(own, &[*medium])
                        .pop()
                        .or_else(|| range_of(shared, *medium).copied())
                })
                .collect()
        };
        At::new(
            Roles {
                conferencing: role(
                    &shared.conferencing,
                    &[Medium::Audio, Medium::Video, Medium::AppSharing],
                ),
                application: role(&shared.application, &[Medium::Audio]),
                mediation: role(&shared.mediation, &[Medium::Audio]),
                web: role(&shared.web, &[Medium::AppSharing]),
            },
            servers.span,
        )
    });
    ServicePlan {
        name,
        site: view.text("site"),
        addresses: view.prefixes("addresses"),
        clients: view
            .table("clients")
            .and_then(|clients| own_clients(plan, clients)),
        servers,
    }
}
