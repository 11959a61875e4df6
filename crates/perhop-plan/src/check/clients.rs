//! Clients: whether ranges hold (UC-04, UC-05), fit the servers (UC-08, UC-09) and are large and near enough
//! (UC-10 to UC-14, UC-27).

use std::collections::BTreeSet;

use perhop_policy::{Diagnostic, Family, PortRange};

use super::{ENOUGH, MEDIA, Object, client_objects, count_of, free_range, server_objects, stated};
use crate::catalogue::Medium;
use crate::code;
use crate::plan::{OwnClients, Plan, Range, range_of};

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    enforced(plan, out);
    let lync = plan.platform_of(Family::LyncServer).is_some();
    for (called, own) in own_objects(plan).into_iter().filter(|_| lync) {
        own_object(&called, own, out);
    }
    let objects = client_objects(plan);
    let servers = server_objects(plan);
    outside_servers(plan, &objects, &servers, out);
    inside_others(plan, &objects, &servers, out);
    few(&objects, out);
    legacy(plan, &objects, out);
    for object in &objects {
        scattered(object, &servers, out);
    }
    dynamic(plan, &objects, out);
}

/// UC-04: ranges that clients need not keep to are no ranges.
fn enforced(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let Some(clients) = &plan.clients else { return };
    if clients.enforce.value {
        return;
    }
    if let Some(range) = clients
        .ranges
        .iter()
        .chain(&plan.teams)
        .find(|range| range.stated)
    {
        out.push(
            not_enforced("clients", clients.enforce.span).secondary(range.span, "has no effect"),
        );
    } else if !plan.teams.is_empty() {
        out.push(not_enforced("clients", clients.enforce.span));
    }
}

fn not_enforced(called: &str, span: perhop_policy::Span) -> Diagnostic {
    Diagnostic::error(
        code::NOT_ENFORCED,
        format!("{called} are given ports and need not keep to them"),
    )
    .primary(span, "`ClientMediaPortRangeEnabled` stays off")
    .note("until it is on, clients use any port from 1024 to 65535, whatever the ranges say, and no policy matches")
    .help("write `enforce-ports = true`, or leave it out")
}

fn own_objects(plan: &Plan) -> Vec<(String, &OwnClients)> {
    let sites = plan.sites.iter().filter_map(|site| {
        Some((
            format!("site `{}`", site.name.value),
            site.clients.as_ref()?,
        ))
    });
    let services = plan.services.iter().filter_map(|service| {
        Some((
            format!("service `{}`", service.name.value),
            service.clients.as_ref()?,
        ))
    });
    sites.chain(services).collect()
}

/// UC-05: an object of a site or service hides the plan's.
fn own_object(called: &str, own: &OwnClients, out: &mut Vec<Diagnostic>) {
    let hides = "service settings hide the site's, and a site's hide the global ones, as a whole";
    if !own.enforce.value {
        out.push(not_enforced(&format!("clients of {called}"), own.enforce.span).note(hides));
    } else if own.differs {
        out.push(
            Diagnostic::warning(
                code::HIDES_GLOBAL,
                format!("{called} has client ports of its own: its clients need policies of their own"),
            )
            .primary(own.span, "hides the plan's client settings")
            .note(hides)
            .help("link the policies made for it there and not the plan's; accept it with [[allow]] when it is meant"),
        );
    } else {
        out.push(
            Diagnostic::info(
                code::HIDES_GLOBAL,
                format!("{called} repeats the plan's client settings"),
            )
            .primary(own.span, "an object of its own, equal to the plan's")
            .note(hides)
            .help("leave it out, so that changes to the plan's settings reach it"),
        );
    }
}

/// UC-08: a client range inside the servers' range of its medium needs no Edge policy of its own.
fn outside_servers(
    plan: &Plan,
    clients: &[Object<'_>],
    servers: &[Object<'_>],
    out: &mut Vec<Diagnostic>,
) {
    let outside: Vec<&Range> = stated(clients)
        .into_iter()
        .map(|(_, range)| range)
        .filter(|range| plan.class(range.medium).is_some())
        .filter(|range| {
            let same = |object: &Object<'_>| {
                range_of(object.ranges, range.medium).map(|other| other.ports)
            };
            let mut known = servers.iter().filter_map(same).peekable();
            known.peek().is_some() && known.all(|ports| !ports.contains_range(range.ports))
        })
        .collect();
    let Some(first) = outside.first() else { return };
    let media: BTreeSet<Medium> = outside.iter().map(|range| range.medium).collect();
    let media: Vec<String> = media
        .iter()
        .map(|medium| format!("`{}`", medium.as_str()))
        .collect();
    let message = format!(
        "client ranges of {} are not inside the servers' ranges",
        media.join(", ")
    );
    let problem = if plan.edge.is_some() {
        Diagnostic::info(code::OUTSIDE_SERVERS, message)
            .help("nothing to do: the Edge gets policies for both")
    } else {
        Diagnostic::warning(code::OUTSIDE_SERVERS, message)
            .help("name the Edge's internal addresses under [edge], so that it gets policies for both; or accept this with [[allow]] where there is no Edge")
    };
    let problem = problem
        .primary(first.span, "not a part of the servers' range")
        .note("the Edge tells media by destination port: where clients' ports are not among the servers', it needs policies for clients as well");
    out.push(outside[1..].iter().fold(problem, |problem, range| {
        problem.secondary(range.span, "nor this")
    }));
}

/// UC-09: a client range in the servers' range of another medium is marked as that by the Edge.
fn inside_others(
    plan: &Plan,
    clients: &[Object<'_>],
    servers: &[Object<'_>],
    out: &mut Vec<Diagnostic>,
) {
    let theirs: Vec<&Range> = servers.iter().flat_map(|object| object.ranges).collect();
    let taken = all_ports(clients, servers);
    let inside = |range: &Range| {
        theirs
            .iter()
            .find(|other| {
                other.medium != range.medium && other.ports.intersection(range.ports).is_some()
            })
            .copied()
    };
    let hits = stated(clients)
        .into_iter()
        .filter(|(_, range)| range.medium != Medium::Signaling)
        .filter_map(|(object, range)| Some((&object.called, range, inside(range)?)));
    for (called, range, other) in hits.take(ENOUGH) {
        let (name, theirs_is) = (range.medium.as_str(), other.medium.as_str());
        let message = format!(
            "`{name}` of {called}, {}, lies in the servers' `{theirs_is}` range {}",
            range.ports, other.ports
        );
        let mark = plan.class(other.medium).map(|(_, class)| class.dscp);
        let problem = match (plan.edge.is_some(), mark) {
            (true, Some(dscp)) => Diagnostic::error(code::INSIDE_OTHER, message).note(format!(
                "the Edge tells media by destination port: `{name}` that it sends to clients would be marked {dscp}, as `{theirs_is}`"
            )),
            _ => Diagnostic::warning(code::INSIDE_OTHER, message)
                .note("an Edge tells media by destination port, and could not tell these apart"),
        };
        let problem = problem
            .primary(range.span, format!("inside the ports of `{theirs_is}`"))
            .secondary(other.span, format!("servers' `{theirs_is}`"));
        let below = u32::from(other.ports.first()).saturating_sub(range.ports.count());
        out.push(match free_range(range.ports.count(), below, &taken) {
            Some(free) => problem.help(format!("move `{name}` to \"{free}\"")),
            None => problem.help(format!("move `{name}` to ports that servers do not use")),
        });
    }
}

fn all_ports(clients: &[Object<'_>], servers: &[Object<'_>]) -> Vec<PortRange> {
    clients
        .iter()
        .chain(servers)
        .flat_map(|object| object.ranges)
        .map(|range| range.ports)
        .collect()
}

/// UC-10, UC-11, UC-12.
fn few(objects: &[Object<'_>], out: &mut Vec<Diagnostic>) {
    for (object, range) in stated(objects) {
        let called = &object.called;
        let (least, why) = match range.medium {
            Medium::Audio | Medium::Video => (
                20,
                "host and relay candidates, and the moment when a call becomes a conference, take several ports each",
            ),
            Medium::FileTransfer => (20, "third-party advice; the vendor states no minimum"),
            Medium::AppSharing => (4, "third-party advice; the vendor states no minimum"),
            Medium::LegacyMedia => (40, "one range carries all media of these clients"),
            Medium::Signaling => continue,
        };
        let has = range.ports.count();
        if has >= least {
            continue;
        }
        let name = range.medium.as_str();
        let problem = Diagnostic::warning(
            code::FEW_PORTS,
            format!(
                "`{name}` of {called} has {}, fewer than {least}",
                count_of(has, "port")
            ),
        )
        .primary(range.span, count_of(has, "port"))
        .note(why)
        .note(
            "too few ports show as failed transfers, sharing and escalations, and as dropped calls",
        );
        let start = range.ports.first();
        let grown = PortRange::from_start_and_count(start, least);
        let others = object
            .ranges
            .iter()
            .filter(|other| other.span != range.span);
        let room = grown.filter(|grown| {
            let mut others = others.clone();
            others.all(|other| other.ports.intersection(*grown).is_none())
        });
        out.push(match (room, grown) {
            (Some(grown), _) => problem.help(format!("write `{name} = \"{grown}\"`")),
            (None, Some(grown)) => problem.help(format!(
                "write `{name} = \"{grown}\"`, and move up the ranges that follow"
            )),
            (None, None) => problem.help(format!("give it at least {least} ports further down")),
        });
    }
}

/// UC-13.
fn legacy(plan: &Plan, objects: &[Object<'_>], out: &mut Vec<Diagnostic>) {
    if plan.has("lync-2010") {
        return;
    }
    for (_, range) in stated(objects) {
        if range.medium == Medium::LegacyMedia {
            out.push(
                Diagnostic::info(
                    code::LEGACY_UNNEEDED,
                    "`legacy-media` is for Communicator 2007 R2, which gets media from Lync 2010 pools only",
                )
                .primary(range.span, "no `lync-2010` among the platforms")
                .help("leave it out, or add \"lync-2010\" to `platforms`"),
            );
        }
    }
}

/// UC-14: one line of an access list covers contiguous ranges.
fn scattered(object: &Object<'_>, servers: &[Object<'_>], out: &mut Vec<Diagnostic>) {
    let mut own: Vec<&Range> = object
        .ranges
        .iter()
        .filter(|range| MEDIA.contains(&range.medium))
        .collect();
    own.sort_by_key(|range| range.ports);
    let Some(gap) = own.windows(2).find(|pair| {
        !pair[0].ports.is_followed_by(pair[1].ports)
            && pair[0].ports.intersection(pair[1].ports).is_none()
    }) else {
        return;
    };
    let (before, after) = (gap[0], gap[1]);
    if !(before.stated && after.stated) {
        return;
    }
    let others = servers.iter().flat_map(|object| object.ranges);
    let taken: Vec<PortRange> = object
        .ranges
        .iter()
        .filter(|range| range.span != after.span)
        .chain(others.filter(|range| range.medium != after.medium))
        .map(|range| range.ports)
        .collect();
    let near = u32::from(before.ports.last()) + 1;
    let free = free_range(after.ports.count(), near, &taken)
        .filter(|free| u32::from(free.first()) == near);
    let problem = Diagnostic::warning(
        code::NOT_CONTIGUOUS,
        format!(
            "ranges of {} are not contiguous: a gap after `{}` {} before `{}` {}",
            object.called,
            before.medium.as_str(),
            before.ports,
            after.medium.as_str(),
            after.ports
        ),
    )
    .primary(after.span, "does not follow")
    .secondary(before.span, format!("ends at {}", before.ports.last()))
    .note("one line of an access list covers contiguous ranges");
    out.push(match free {
        Some(free) => problem.help(format!("move `{}` to \"{free}\"", after.medium.as_str())),
        None => {
            problem.help("put the ranges side by side, where servers have none of another medium")
        }
    });
}

/// UC-27.
fn dynamic(plan: &Plan, objects: &[Object<'_>], out: &mut Vec<Diagnostic>) {
    let dynamic = PortRange::try_new(49152, u16::MAX).expect("ascending");
    if plan
        .clients
        .as_ref()
        .is_some_and(|clients| clients.reserved)
    {
        return;
    }
    let vendor = |range: &Range| {
        plan.platforms
            .iter()
            .any(|p| p.value.range("clients", range.medium.as_str()) == Some(range.ports))
    };
    let hit = |own: bool| -> Vec<&Range> {
        let mut seen: Vec<&Range> = Vec::new();
        for range in objects.iter().flat_map(|object| object.ranges) {
            let inside = range.ports.intersection(dynamic).is_some() && vendor(range) != own;
            if inside
                && !seen
                    .iter()
                    .any(|known| known.span == range.span && known.medium == range.medium)
            {
                seen.push(range);
            }
        }
        seen
    };
    for own in [true, false] {
        let found = hit(own);
        let Some(first) = found.first() else { continue };
        let media: Vec<String> = found
            .iter()
            .map(|range| format!("`{}` {}", range.medium.as_str(), range.ports))
            .collect();
        let message = format!(
            "client ranges inside the dynamic ports of Windows: {}",
            media.join(", ")
        );
        let problem = if own {
            Diagnostic::warning(code::DYNAMIC_RANGE, message)
                .help("use ports below 49152, or write `reserved-ports = true` under [clients] where they are kept from other programs")
        } else {
            Diagnostic::info(code::DYNAMIC_RANGE, message)
                .help("they are the vendor's own; nothing to do")
        };
        let problem = problem
            .primary(first.span, "49152-65535 are handed to any program")
            .note("a program that holds one of these ports is not marked by policies that name an executable, and takes a port from the client");
        let rest = found[1..].iter().filter(|range| range.span != first.span);
        out.push(rest.fold(problem, |problem, range| {
            problem.secondary(range.span, "also")
        }));
    }
}
