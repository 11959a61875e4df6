//! What the plan says that has no effect, and what it leaves unmarked.

use perhop_policy::{Diagnostic, Family, Span};

use crate::catalogue::Medium;
use crate::code;
use crate::plan::{Plan, Range};

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    unmarked(plan, out);
    classes(plan, out);
    tables(plan, out);
    targets(plan, out);
}

/// Ranges of media that have no class: told to the software, not marked.
fn unmarked(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for medium in [
        Medium::Audio,
        Medium::Video,
        Medium::AppSharing,
        Medium::FileTransfer,
    ] {
        let name = medium.as_str();
        if plan.class(medium).is_some() {
            continue;
        }
        let Some(range) = ranges(plan).find(|range| range.medium == medium && range.stated) else {
            continue;
        };
        let usual = plan
            .platforms
            .iter()
            .find_map(|p| p.value.mark("class", medium));
        let mark = usual.map_or("...".to_owned(), |dscp| {
            dscp.name()
                .map_or(dscp.value().to_string(), |name| format!("\"{name}\""))
        });
        out.push(
            Diagnostic::info(
                code::NO_CLASS,
                format!(
                    "`{name}` has ports and no class: it keeps to its ports and stays unmarked"
                ),
            )
            .primary(range.span, "kept apart, not marked")
            .help(format!(
                "to mark it, add `{name} = {{ dscp = {mark} }}` under [class]"
            )),
        );
    }
}

fn ranges(plan: &Plan) -> impl Iterator<Item = &Range> {
    let clients = plan.clients.iter().flat_map(|clients| &clients.ranges);
    let servers = plan.servers.iter().flat_map(|servers| servers.roles.all());
    clients
        .chain(servers.flat_map(|(_, _, ranges)| ranges))
        .chain(&plan.teams)
}

fn classes(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let signaling = plan
        .servers
        .as_ref()
        .is_some_and(|servers| servers.signaling.is_some());
    for class in plan.classes.iter().filter(|class| class.stated) {
        let by_app = plan
            .apps
            .iter()
            .flat_map(|app| &app.media)
            .any(|media| media.class.value == class.name);
        let by_medium = match class.medium {
            None => false,
            Some(Medium::Signaling) => signaling,
            Some(medium) => {
                let own = plan.sites.iter().filter_map(|site| site.clients.as_ref());
                let own = own.chain(plan.services.iter().filter_map(|one| one.clients.as_ref()));
                ranges(plan)
                    .chain(own.flat_map(|own| &own.ranges))
                    .any(|range| range.medium == medium)
            }
        };
        if !by_app && !by_medium {
            let help = match class.medium {
                Some(Medium::Signaling) => {
                    "say where servers take it: `signaling = \"5060-5061\"` under [servers.ports]"
                        .to_owned()
                }
                Some(medium) => format!(
                    "give `{}` ports under [clients.ports] or [servers.ports], or leave the class out",
                    medium.as_str()
                ),
                None => "use it in an application under [app], or leave it out".to_owned(),
            };
            out.push(
                Diagnostic::warning(
                    code::UNUSED_CLASS,
                    format!("nothing sends class `{}`", class.name),
                )
                .primary(class.span, "no ports, no application")
                .help(help),
            );
        }
    }
}

/// Tables about systems that the plan's platforms do not have.
fn tables(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let lync = plan.platform_of(Family::LyncServer).is_some();
    let mut told: Vec<(String, Span)> = Vec::new();
    if let Some(clients) = plan.clients.as_ref().filter(|_| plan.platforms.is_empty()) {
        told.push(("[clients]".to_owned(), clients.span));
    }
    if !lync {
        told.extend(lync_only(plan));
    }
    for (table, span) in told {
        out.push(idle(
            &table,
            span,
            "none of the plan's `platforms` uses it",
            "name the platform under `platforms`, or leave it out",
        ));
    }
    let um = plan
        .exchange_um
        .as_ref()
        .filter(|um| lync && plan.edge.is_none() && !um.mark);
    out.extend(um.map(|um| {
        idle(
            "[exchange-um]",
            um.span,
            "only the Edge sends to it by policy, and there is no [edge]",
            "add [edge], write `mark = true`, or leave it out",
        )
    }));
}

fn idle(table: &str, span: Span, why: &str, help: &str) -> Diagnostic {
    Diagnostic::warning(
        code::UNUSED_TABLE,
        format!("{table} makes no rule in this plan"),
    )
    .primary(span, why)
    .help(help)
}

/// What only Lync and Skype for Business have.
fn lync_only(plan: &Plan) -> Vec<(String, Span)> {
    let tables = [
        ("[servers]", plan.servers.as_ref().map(|one| one.span)),
        ("[edge]", plan.edge.as_ref().map(|one| one.span)),
        (
            "[exchange-um]",
            plan.exchange_um.as_ref().map(|one| one.span),
        ),
        ("[phones]", plan.phones.as_ref().map(|one| one.span)),
    ];
    let mut out: Vec<(String, Span)> = tables
        .into_iter()
        .filter_map(|(table, span)| Some((table.to_owned(), span?)))
        .collect();
    for site in &plan.sites {
        let clients = site.clients.as_ref().map(|own| own.span);
        let phones = site.phones.as_ref().map(|own| own.span);
        let named = |span| (format!("what site `{}` sets", site.name.value), span);
        out.extend([clients, phones].into_iter().flatten().map(named));
    }
    out.extend(
        plan.services
            .iter()
            .map(|one| (format!("service `{}`", one.name.value), one.name.span)),
    );
    let words = plan
        .clients
        .iter()
        .flat_map(|clients| clients.vdi.iter().chain(&clients.also));
    out.extend(words.map(|word| (format!("`{}`", word.value), word.span)));
    out
}

fn targets(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for (name, span) in &plan.unlisted_targets {
        let list = plan.target_list.unwrap_or(*span);
        out.push(
            Diagnostic::warning(
                code::UNUSED_TARGET,
                format!(
                    "`{}` has options and is not among `targets`",
                    name.escape_debug()
                ),
            )
            .primary(*span, "not compiled to")
            .secondary(list, "the list")
            .help("add it to `targets`, or leave its table out"),
        );
    }
    for name in &plan.repeated_targets {
        out.push(
            Diagnostic::warning(
                code::UNUSED_TARGET,
                format!("`{}` is listed twice", name.value.escape_debug()),
            )
            .primary(name.span, "says nothing new")
            .help("leave it out"),
        );
    }
}
