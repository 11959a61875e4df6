//! Sizes past which a plan is refused rather than time and memory spent.

use ipnet::IpNet;
use perhop_policy::{Diagnostic, Span};

use crate::ast::At;
use crate::code;
use crate::plan::{App, Edge, Plan};

/// Sites of one plan.
const MAX_SITES: usize = 2000;
/// Services of one plan.
const MAX_SERVICES: usize = 500;
/// Applications of one plan.
const MAX_APPS: usize = 500;
/// Classes of one plan; there are 64 marks.
const MAX_CLASSES: usize = 64;
/// Prefixes in one list.
const MAX_PREFIXES: usize = 2000;
/// Accepted warnings.
const MAX_ALLOWS: usize = 500;
/// Targets listed or with options.
const MAX_TARGETS: usize = 200;
/// Trusted application pools, and other lists of names.
const MAX_NAMES: usize = 2000;
/// Statements in the Edge's rules: every internal address with every destination.
const MAX_EDGE_PAIRS: usize = 8000;
/// Rules after pairing every source prefix with every destination prefix, in one scope.
const MAX_STATEMENTS: usize = 4000;
/// Expectations.
const MAX_EXPECTS: usize = 5000;

/// Whether the plan is of a size that can be worked with.
pub(crate) fn check(plan: &Plan) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    let mut at_most = |count: usize, most: usize, what: &str, span: Option<Span>| {
        if let Some(span) = span.filter(|_| count > most) {
            out.push(too_many(count, most, what, span));
        }
    };
    let site = plan.sites.last().map(|one| one.name.span);
    at_most(plan.sites.len(), MAX_SITES, "sites", site);
    let service = plan.services.last().map(|one| one.name.span);
    at_most(plan.services.len(), MAX_SERVICES, "services", service);
    let app = plan.apps.last().map(|one| one.name.span);
    at_most(plan.apps.len(), MAX_APPS, "applications", app);
    let class = plan.classes.last().map(|one| one.span);
    at_most(plan.classes.len(), MAX_CLASSES, "classes", class);
    let expect = plan.expects.last().map(|one| one.span);
    at_most(plan.expects.len(), MAX_EXPECTS, "expectations", expect);
    let allow = plan.allows.last().map(|one| one.code.span);
    at_most(plan.allows.len(), MAX_ALLOWS, "accepted warnings", allow);
    let target = plan.targets.last().map(|one| one.origin);
    let targets = plan.targets.len() + plan.unlisted_targets.len() + plan.repeated_targets.len();
    at_most(targets, MAX_TARGETS, "targets", target);
    for names in name_lists(plan) {
        let last = names.last().map(|name| name.span);
        at_most(names.len(), MAX_NAMES, "names in one list", last);
    }
    for list in lists(plan) {
        let last = list.last().map(|net| net.span);
        at_most(list.len(), MAX_PREFIXES, "prefixes in one list", last);
    }
    let media = |app: &App| app.media.len() * app.addresses.len().max(1) * app.peers.len().max(1);
    let pairs = plan.apps.iter().map(media).sum();
    at_most(
        pairs,
        MAX_STATEMENTS,
        "pairs of addresses in applications",
        app,
    );
    if let Some(edge) = &plan.edge {
        let pairs = edge_pairs(plan, edge);
        at_most(
            pairs,
            MAX_EDGE_PAIRS,
            "pairs of addresses in the Edge's rules",
            Some(edge.span),
        );
    }
    out
}

/// At least as many statements as the Edge's rules will have.
fn edge_pairs(plan: &Plan, edge: &Edge) -> usize {
    let own = plan.sites.iter().filter(|site| site.clients.is_some());
    let sites: usize = own.map(|site| site.subnets.len().max(1) * 4).sum();
    let homes = plan
        .sites
        .iter()
        .map(|site| site.subnets.len())
        .max()
        .unwrap_or(0);
    let services = plan
        .services
        .iter()
        .map(|one| (one.addresses.len() + homes + 1) * 8);
    let um = plan.exchange_um.as_ref().map_or(0, |um| um.addresses.len());
    edge.internal
        .len()
        .saturating_mul(sites + services.sum::<usize>() + um + 8)
}

fn name_lists(plan: &Plan) -> impl Iterator<Item = &Vec<At<String>>> {
    let pools = plan
        .servers
        .iter()
        .filter_map(|servers| servers.pools.as_ref());
    let clients = plan
        .clients
        .iter()
        .flat_map(|clients| [&clients.vdi, &clients.also]);
    pools.map(|pools| &pools.names).chain(clients)
}

fn lists(plan: &Plan) -> impl Iterator<Item = &Vec<At<IpNet>>> {
    let apps = plan
        .apps
        .iter()
        .flat_map(|app| [&app.addresses, &app.peers]);
    let edges = plan
        .edge
        .iter()
        .flat_map(|edge| [&edge.internal, &edge.external]);
    let um = plan.exchange_um.iter().map(|um| &um.addresses);
    let sites = plan.sites.iter().map(|site| &site.subnets);
    let clients = plan.clients.iter().map(|clients| &clients.addresses);
    let servers = plan.servers.iter().map(|servers| &servers.addresses);
    let phones = plan.phones.iter().map(|phones| &phones.addresses);
    let services = plan.services.iter().map(|service| &service.addresses);
    let own = clients.chain(servers).chain(phones).chain(services);
    apps.chain(edges)
        .chain(um)
        .chain(sites)
        .chain(own)
        .chain([&plan.network.internal])
        .filter(|list| !list.is_empty())
}

fn too_many(count: usize, most: usize, what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        code::TOO_MANY,
        format!("the plan has {count} {what}, more than {most}"),
    )
    .primary(span, "the last of them")
    .help("split the plan by region, or write larger prefixes")
}
