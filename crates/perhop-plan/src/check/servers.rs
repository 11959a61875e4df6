//! Servers: roles that differ (UC-06, UC-29) and video-based screen sharing (UC-23).

use perhop_policy::{Diagnostic, PortRange};

use crate::catalogue::Medium;
use crate::code;
use crate::plan::{Plan, Range, range_of};
use crate::to_policy::{ServerGroup, server_groups};

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for group in server_groups(plan) {
        differ(&group, Medium::Audio, out);
        differ(&group, Medium::AppSharing, out);
    }
    video_based_sharing(plan, out);
}

/// Roles that have a medium should have it on the same ports.
fn differ(group: &ServerGroup<'_>, medium: Medium, out: &mut Vec<Diagnostic>) {
    let roles: Vec<(&str, &Range)> = group
        .roles
        .all()
        .into_iter()
        .filter_map(|(called, _, ranges)| Some((called, range_of(ranges, medium)?)))
        .collect();
    let Some((first, usual)) = roles.first() else {
        return;
    };
    let Some((other, odd)) = roles.iter().find(|(_, range)| range.ports != usual.ports) else {
        return;
    };
    let (change, clash) = if odd.stated {
        (odd, usual)
    } else {
        (usual, odd)
    };
    let of = group.of.map_or(String::new(), |of| format!(" of `{of}`"));
    let name = medium.as_str();
    let note = if medium == Medium::Audio {
        "identical audio ranges on Conferencing, Application and Mediation servers are easier to administer: one policy covers all"
    } else {
        "the Web service is a fourth role with an application sharing range, which the articles leave out"
    };
    out.push(
        Diagnostic::warning(
            code::ROLES_DIFFER,
            format!(
                "`{name}` is {} on the {first} role{of} and {} on the {other} role",
                usual.ports, odd.ports
            ),
        )
        .primary(change.span, change.ports.to_string())
        .secondary(clash.span, clash.ports.to_string())
        .note(note)
        .help(format!("write `{name} = \"{}\"` for both", usual.ports)),
    );
}

/// UC-23: with screens sent as video, the vendor gives exact settings.
fn video_based_sharing(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let Some(servers) = plan.servers.as_ref().filter(|servers| servers.vbss.value) else {
        return;
    };
    let problem = |message: String| {
        Diagnostic::error(code::VIDEO_BASED_SHARING, message)
            .note("the vendor gives exact settings: audio 49152/8348, video 57501/8034, application sharing 40803/8348, and a policy for `ASMCUSvc.exe` on the video range")
    };
    if !plan.has("sfb-2015") && !plan.has("sfb-2019") {
        out.push(
            problem(
                "video-based screen sharing needs Skype for Business Server 2015 or later"
                    .to_owned(),
            )
            .primary(servers.vbss.span, "turned on here")
            .help("add \"sfb-2015\" or \"sfb-2019\" to `platforms`, or leave this out"),
        );
    }
    if plan.class(Medium::Video).is_none() {
        out.push(
            problem("video-based screen sharing is sent as `video`, which has no class".to_owned())
                .primary(servers.vbss.span, "turned on here")
                .help("add `video = { dscp = \"AF41\" }` under [class]"),
        );
    }
    for group in server_groups(plan) {
        for medium in [Medium::Audio, Medium::Video, Medium::AppSharing] {
            let name = medium.as_str();
            let exact = plan
                .platforms
                .iter()
                .find_map(|p| p.value.range("recommended", name));
            let found = range_of(&group.roles.conferencing, medium);
            let differs = |exact: &PortRange| found.is_none_or(|range| range.ports != *exact);
            if let Some(exact) = exact.filter(differs) {
                let is = found.map_or("left at its default".to_owned(), |range| {
                    range.ports.to_string()
                });
                let message = format!(
                    "with video-based screen sharing `{name}` must be {exact}, but is {is}"
                );
                out.push(
                    problem(message)
                        .primary(
                            found.map_or(group.span, |range| range.span),
                            format!("not {exact}"),
                        )
                        .secondary(servers.vbss.span, "turned on here")
                        .help(format!(
                            "write `{name} = \"{exact}\"` under [servers.ports]"
                        )),
                );
            }
        }
    }
}
