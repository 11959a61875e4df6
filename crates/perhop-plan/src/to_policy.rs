//! From a [`Plan`] to the parts of a policy set: scopes, rules and producers, in an order that the text's does not change.

use ipnet::IpNet;
use perhop_policy::set::Parts;
use perhop_policy::{Class, ClassId, Family, Host, Role, Rule, Scope, ScopeId, Site, Span};

use crate::ast::At;
use crate::catalogue::{Component, Medium};
use crate::plan::{Plan, PlanClass, Range, Roles};

mod apps;
mod clients;
mod edge;
mod producers;
mod servers;

/// The parts of the plan's policy set.
#[must_use]
pub fn parts(plan: &Plan) -> Parts {
    let mut build = Build {
        plan,
        scopes: Vec::new(),
        rules: Vec::new(),
    };
    servers::add(&mut build);
    edge::add(&mut build);
    clients::add(&mut build);
    apps::add(&mut build);
    build
        .rules
        .sort_by(|a, b| (a.place, &a.rule.name).cmp(&(b.place, &b.rule.name)));
    Parts {
        name: plan.name.value.clone(),
        classes: plan.classes.iter().map(class).collect(),
        sites: plan
            .sites
            .iter()
            .map(|site| Site {
                name: site.name.value.clone(),
                subnets: plain(&site.subnets),
                origin: site.name.span,
            })
            .collect(),
        rules: build.rules.into_iter().map(|sorted| sorted.rule).collect(),
        scopes: build.scopes,
        producers: producers::of(plan),
        targets: plan.targets.clone(),
        internal: plain(&plan.network.internal),
    }
}

/// Client settings that hold for some hosts: the plan's, a site's or a service's.
pub(crate) struct ClientGroup<'a> {
    /// What follows `@` in the scope's name.
    pub(crate) of: Option<&'a str>,
    /// The site, when it is the site's own.
    pub(crate) site: Option<&'a str>,
    /// Whether a service's.
    pub(crate) service: bool,
    /// Where these hosts are.
    pub(crate) addresses: Vec<IpNet>,
    /// Their ranges.
    pub(crate) ranges: &'a [Range],
    /// Where the plan says it.
    pub(crate) span: Span,
}

/// The plan's client settings first, then sites' and services' own.
pub(crate) fn client_groups(plan: &Plan) -> Vec<ClientGroup<'_>> {
    let mut out = Vec::new();
    let Some(clients) = &plan.clients else {
        return out;
    };
    out.push(ClientGroup {
        of: None,
        site: None,
        service: false,
        addresses: plain(&clients.addresses),
        ranges: &clients.ranges,
        span: clients.span,
    });
    if plan.platform_of(Family::LyncServer).is_none() {
        return out;
    }
    for site in &plan.sites {
        if let Some(own) = &site.clients {
            out.push(ClientGroup {
                of: Some(&site.name.value),
                site: Some(&site.name.value),
                service: false,
                addresses: plain(&site.subnets),
                ranges: &own.ranges,
                span: own.span,
            });
        }
    }
    for service in &plan.services {
        if let Some(own) = &service.clients {
            let site = service.site.as_ref().map(|site| site.value.as_str());
            let home = plan
                .sites
                .iter()
                .find(|one| Some(one.name.value.as_str()) == site);
            out.push(ClientGroup {
                of: Some(&service.name.value),
                site,
                service: true,
                addresses: home.map_or_else(Vec::new, |site| plain(&site.subnets)),
                ranges: &own.ranges,
                span: own.span,
            });
        }
    }
    out
}

/// Server settings that hold for some hosts: the plan's or a service's.
pub(crate) struct ServerGroup<'a> {
    /// What follows `@` in the scope's name.
    pub(crate) of: Option<&'a str>,
    /// The service's site.
    pub(crate) site: Option<&'a str>,
    /// Where these hosts are.
    pub(crate) addresses: Vec<IpNet>,
    /// Their ranges.
    pub(crate) roles: &'a Roles,
    /// Where the plan says it.
    pub(crate) span: Span,
}

/// The plan's server settings first, then services' own.
pub(crate) fn server_groups(plan: &Plan) -> Vec<ServerGroup<'_>> {
    let mut out = Vec::new();
    if let Some(servers) = &plan.servers {
        out.push(ServerGroup {
            of: None,
            site: None,
            addresses: plain(&servers.addresses),
            roles: &servers.roles,
            span: servers.span,
        });
    }
    if plan.platform_of(Family::LyncServer).is_none() {
        return out;
    }
    for service in &plan.services {
        if let Some(roles) = &service.servers {
            out.push(ServerGroup {
                of: Some(&service.name.value),
                site: service.site.as_ref().map(|site| site.value.as_str()),
                addresses: plain(&service.addresses),
                roles: &roles.value,
                span: roles.span,
            });
        }
    }
    out
}

/// The components of the plan's platforms, each once, in the catalogue's order.
pub(crate) fn components(plan: &Plan) -> Vec<&'static Component> {
    let mut out: Vec<&'static Component> = Vec::new();
    for platform in &plan.platforms {
        for component in &platform.value.components {
            if out.iter().all(|known| known.id != component.id) {
                out.push(component);
            }
        }
    }
    out.sort_by_key(|component| component.order);
    out
}

/// Prefixes without their places.
pub(crate) fn plain(nets: &[At<IpNet>]) -> Vec<IpNet> {
    nets.iter().map(|net| net.value).collect()
}

/// `base`, or `base@of`.
pub(crate) fn scope_name(base: &str, of: Option<&str>) -> String {
    of.map_or_else(|| base.to_owned(), |of| format!("{base}@{of}"))
}

struct Build<'a> {
    plan: &'a Plan,
    scopes: Vec<Scope>,
    rules: Vec<Placed>,
}

/// Position: whether in a scope of a site or service, component, that scope, medium or class, peer.
type Place = (bool, u32, usize, usize, usize);

struct Placed {
    place: Place,
    rule: Rule,
}

impl Build<'_> {
    /// The scope of that name, made when it is not there.
    fn scope(&mut self, scope: Scope) -> ScopeId {
        let index = match self
            .scopes
            .iter()
            .position(|known| known.name == scope.name)
        {
            Some(index) => index,
            None => {
                self.scopes.push(scope);
                self.scopes.len() - 1
            }
        };
        ScopeId(u16::try_from(index).expect("checked: fewer sites and services than this"))
    }

    fn windows(
        &mut self,
        role: Role,
        name: String,
        site: Option<&str>,
        addresses: Vec<IpNet>,
        origin: Span,
    ) -> ScopeId {
        self.scope(Scope {
            name,
            role,
            host: Host::Windows,
            site: site.map(str::to_owned),
            addresses,
            origin,
        })
    }

    fn class(&self, medium: Medium) -> Option<(ClassId, &PlanClass)> {
        let (index, class) = self.plan.class(medium)?;
        Some((class_id(index), class))
    }

    fn push(&mut self, order: u32, medium: usize, peer: usize, rule: Rule) {
        let scope = usize::from(rule.scope.0);
        let own = self.scopes[scope].name.contains('@');
        let place = (own, order, scope, medium, peer);
        self.rules.push(Placed { place, rule });
    }
}

fn class_id(index: usize) -> ClassId {
    ClassId(u16::try_from(index).expect("checked: fewer classes than this"))
}

fn class(class: &PlanClass) -> Class {
    use perhop_policy::class::ClassKind;
    Class {
        name: class.name.clone(),
        kind: match class.medium {
            Some(Medium::Audio) => ClassKind::Audio,
            Some(Medium::Video) => ClassKind::Video,
            Some(Medium::AppSharing) => ClassKind::AppSharing,
            Some(Medium::FileTransfer) => ClassKind::FileTransfer,
            Some(Medium::Signaling) => ClassKind::Signaling,
            Some(Medium::LegacyMedia) | None => ClassKind::Other,
        },
        dscp: class.dscp,
        pcp: class.pcp,
        origin: class.span,
    }
}
