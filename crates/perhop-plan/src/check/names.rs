//! Names: used once, and known where they are referred to.

use std::collections::BTreeMap;

use perhop_policy::{Diagnostic, Span};

use crate::ast::At;
use crate::code;
use crate::plan::{HOSTS, Plan};
use crate::suggest::did_you_mean;
use crate::to_policy::components;

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let sites = plan.sites.iter().map(|site| ("site", &site.name));
    let services = plan
        .services
        .iter()
        .map(|service| ("service", &service.name));
    twice(sites.chain(services), out);
    twice(plan.apps.iter().map(|app| ("application", &app.name)), out);
    classes(plan, out);
    app_names(plan, out);
    references(plan, out);
}

/// Names that differ by case only are one name to the systems that get them.
fn twice<'a>(
    names: impl Iterator<Item = (&'static str, &'a At<String>)>,
    out: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    for (kind, name) in names {
        let folded = name.value.to_lowercase();
        if let Some((other, first)) = seen.get(&folded) {
            let both = if *other == kind {
                format!("two {kind}{}", if kind.ends_with('s') { "es" } else { "s" })
            } else {
                format!("a {other} and a {kind}")
            };
            out.push(
                Diagnostic::error(
                    code::NAME_TWICE,
                    format!("{both} are called `{}`", name.value.escape_debug()),
                )
                .primary(name.span, "again")
                .secondary(*first, "first here")
                .note("names are compared without case, as the systems that get them do")
                .help("give one of them another name"),
            );
        } else {
            seen.insert(folded, (kind, name.span));
        }
    }
}

fn classes(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let names: Vec<At<String>> = plan
        .classes
        .iter()
        .map(|class| At::new(class.name.clone(), class.span))
        .collect();
    twice(names.iter().map(|name| ("class", name)), out);
}

/// Rules are named after components and applications alike.
fn app_names(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let own = components(plan);
    for app in &plan.apps {
        let reserved = ["application-pools"].contains(&app.name.value.as_str())
            || own
                .iter()
                .any(|component| component.id.eq_ignore_ascii_case(&app.name.value));
        if reserved {
            out.push(
                Diagnostic::error(
                    code::NAME_TWICE,
                    format!(
                        "`{}` is a component of the plan's platforms",
                        app.name.value.escape_debug()
                    ),
                )
                .primary(app.name.span, "already taken")
                .help("give the application another name"),
            );
        }
    }
}

fn references(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let sites: Vec<&str> = plan
        .sites
        .iter()
        .map(|site| site.name.value.as_str())
        .collect();
    for site in plan
        .services
        .iter()
        .filter_map(|service| service.site.as_ref())
    {
        if !sites.contains(&site.value.as_str()) {
            out.push(unknown("site", site, &sites, "[site]"));
        }
    }
    let classes: Vec<&str> = plan
        .classes
        .iter()
        .map(|class| class.name.as_str())
        .collect();
    for media in plan.apps.iter().flat_map(|app| &app.media) {
        if !classes.contains(&media.class.value.as_str()) {
            out.push(unknown("class", &media.class, &classes, "[class]"));
        }
    }
    for app in &plan.apps {
        debug_assert!(
            HOSTS.contains(&app.on),
            "the table of fields takes known words only"
        );
    }
}

fn unknown(kind: &str, name: &At<String>, known: &[&str], table: &str) -> Diagnostic {
    let problem = Diagnostic::error(
        code::UNKNOWN_NAME,
        format!("the plan has no {kind} `{}`", name.value.escape_debug()),
    )
    .primary(name.span, format!("not under {table}"));
    match did_you_mean(&name.value, known.iter().copied()) {
        Some(hint) => problem.help(hint),
        None => problem.help(format!("add it under {table}")),
    }
}
