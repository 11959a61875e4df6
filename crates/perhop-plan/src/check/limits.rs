//! Sizes past which a plan is refused rather than time and memory spent.

use perhop_policy::Diagnostic;

use crate::code;
use crate::plan::Plan;

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
/// Rules after pairing every source prefix with every destination prefix, in one scope.
const MAX_STATEMENTS: usize = 4000;
/// Expectations.
const MAX_EXPECTS: usize = 5000;

/// Whether the plan is of a size that can be worked with.
pub(crate) fn check(plan: &Plan) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    let mut at_most = |count: usize, most: usize, what: &str, span| {
        if count > most {
            out.push(too_many(count, most, what, span));
        }
    };
    let end =
        |spans: &mut dyn Iterator<Item = perhop_policy::Span>| spans.last().unwrap_or_default();
    at_most(
        plan.sites.len(),
        MAX_SITES,
        "sites",
        end(&mut plan.sites.iter().map(|one| one.name.span)),
    );
    at_most(
        plan.services.len(),
        MAX_SERVICES,
        "services",
        end(&mut plan.services.iter().map(|one| one.name.span)),
    );
    at_most(
        plan.apps.len(),
        MAX_APPS,
        "applications",
        end(&mut plan.apps.iter().map(|one| one.name.span)),
    );
    at_most(
        plan.classes.len(),
        MAX_CLASSES,
        "classes",
        end(&mut plan.classes.iter().map(|one| one.span)),
    );
    at_most(
        plan.expects.len(),
        MAX_EXPECTS,
        "expectations",
        end(&mut plan.expects.iter().map(|one| one.span)),
    );
    for list in lists(plan) {
        at_most(
            list.len(),
            MAX_PREFIXES,
            "prefixes in one list",
            list[list.len() - 1].span,
        );
    }
    let apps: usize = plan
        .apps
        .iter()
        .map(|app| app.media.len() * app.addresses.len().max(1) * app.peers.len().max(1))
        .sum();
    let span = end(&mut plan.apps.iter().map(|one| one.name.span));
    at_most(
        apps,
        MAX_STATEMENTS,
        "pairs of addresses in applications",
        span,
    );
    if let Some(edge) = &plan.edge {
        let own: usize = plan
            .sites
            .iter()
            .filter(|site| site.clients.is_some())
            .map(|site| site.subnets.len().max(1) * 4)
            .sum();
        let um = plan.exchange_um.as_ref().map_or(0, |um| um.addresses.len());
        let services: usize = plan
            .services
            .iter()
            .map(|one| (one.addresses.len() + 1) * 8)
            .sum();
        let pairs = edge.internal.len().saturating_mul(own + um + services + 8);
        at_most(
            pairs,
            MAX_STATEMENTS,
            "pairs of addresses in the Edge's rules",
            edge.span,
        );
    }
    out
}

fn lists(plan: &Plan) -> impl Iterator<Item = &Vec<crate::ast::At<ipnet::IpNet>>> {
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
    apps.chain(edges)
        .chain(um)
        .chain(sites)
        .filter(|list| !list.is_empty())
}

fn too_many(count: usize, most: usize, what: &str, span: perhop_policy::Span) -> Diagnostic {
    Diagnostic::error(
        code::TOO_MANY,
        format!("the plan has {count} {what}, more than {most}"),
    )
    .primary(span, "the last of them")
    .help("split the plan by region, or write larger prefixes")
}
