//! Marks: that they differ (UC-15), that phones have the same (UC-16), that the next network knows them (UC-30).

use perhop_policy::{Diagnostic, Dscp, Family};

use super::MEDIA;
use crate::catalogue::Medium;
use crate::code;
use crate::plan::{Phones, Plan, PlanClass};

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    same(plan, out);
    unusual(plan, out);
    phones(plan, out);
    teams(plan, out);
    express_route(plan, out);
}

/// UC-15.
fn same(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for (index, a) in plan.classes.iter().enumerate() {
        for b in plan.classes[..index].iter().filter(|b| b.dscp == a.dscp) {
            let (change, clash) = if a.span.start >= b.span.start {
                (a, b)
            } else {
                (b, a)
            };
            let message = format!(
                "`{}` and `{}` have the same mark, {}",
                change.name, clash.name, change.dscp
            );
            let medium =
                |class: &PlanClass| class.medium.is_some_and(|medium| MEDIA.contains(&medium));
            let own = |class: &PlanClass| class.medium.is_none();
            let problem = if medium(a) && medium(b) {
                Diagnostic::error(code::SAME_MARK, message).help(usual(plan, change, clash))
            } else if own(a) || own(b) {
                Diagnostic::info(code::SAME_MARK, message)
                    .help("leave it when the two are to be treated alike")
            } else {
                Diagnostic::warning(code::SAME_MARK, message).help(usual(plan, change, clash))
            };
            out.push(
                problem
                    .primary(change.span, format!("`{}`", change.name))
                    .secondary(clash.span, format!("`{}`", clash.name))
                    .note("the network sees marks, not ports: classes with one mark are one class there"),
            );
        }
    }
}

fn usual(plan: &Plan, change: &PlanClass, clash: &PlanClass) -> String {
    let vendor = |class: &PlanClass| {
        let medium = class.medium?;
        let known = plan
            .platforms
            .iter()
            .find_map(|p| p.value.mark("class", medium));
        known.or((medium == Medium::Signaling)
            .then(|| Dscp::from_name("CS3"))
            .flatten())
    };
    let free = |class: &PlanClass| {
        let mark = vendor(class)?;
        plan.classes
            .iter()
            .all(|other| other.dscp != mark)
            .then_some((class.name.clone(), mark))
    };
    match free(change).or_else(|| free(clash)) {
        Some((name, mark)) => {
            let text = mark
                .name()
                .map_or(mark.value().to_string(), |name| format!("\"{name}\""));
            format!("write `{name} = {{ dscp = {text} }}`")
        }
        None => "give one of them another mark".to_owned(),
    }
}

/// Marks that routers keep for themselves, and the mark of everything else.
fn unusual(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for class in &plan.classes {
        if class.dscp.value() >= 48 {
            out.push(
                Diagnostic::warning(
                    code::NETWORK_CONTROL,
                    format!("`{}` is marked {}, as network control is", class.name, class.dscp),
                )
                .primary(class.span, "48 and above are the network's own")
                .note("RFC 4594 section 3.1: CS6 is for routing protocols, CS7 is reserved; many networks re-mark both at their edge")
                .help("EF (46) is the highest mark for media"),
            );
        }
        if class.dscp == Dscp::DF {
            out.push(
                Diagnostic::warning(
                    code::DEFAULT_MARK,
                    format!(
                        "`{}` is marked 0, as everything is that nobody marks",
                        class.name
                    ),
                )
                .primary(class.span, "the default mark")
                .help("leave the class out to leave its packets alone"),
            );
        }
    }
}

/// UC-16.
fn phones(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let Some((_, audio)) = plan.class(Medium::Audio) else {
        return;
    };
    let sites = plan.sites.iter().filter_map(|site| {
        Some((
            format!(" of site `{}`", site.name.value),
            site.phones.as_ref()?,
        ))
    });
    for (of, phones) in plan
        .phones
        .iter()
        .map(|phones| (String::new(), phones))
        .chain(sites)
    {
        if let Some(dscp) = phones.dscp.as_ref().filter(|dscp| dscp.value != audio.dscp) {
            out.push(
                Diagnostic::warning(
                    code::PHONE_MARK,
                    format!(
                        "phones{of} mark audio {}, everything else marks it {}",
                        dscp.value, audio.dscp
                    ),
                )
                .primary(dscp.span, "phones")
                .secondary(audio.span, "`audio`")
                .note(treated(phones))
                .help(format!("write `dscp = {}`", audio.dscp.value())),
            );
        }
    }
    let platform = plan.platform_of(Family::LyncServer);
    if let (None, Some(platform)) = (&plan.phones, platform) {
        let default = platform.value.mark("phone", Medium::Audio);
        if let Some(default) = default.filter(|default| *default != audio.dscp) {
            out.push(
                Diagnostic::info(
                    code::PHONE_MARK,
                    format!("the plan says nothing of phones: where there are any, they mark audio {default}"),
                )
                .primary(audio.span, format!("`audio` is {}", audio.dscp))
                .note("Phone Edition marks by itself, by what the service tells it")
                .help("add a [phones] table, empty if need be, to have it told"),
            );
        }
    }
}

fn treated(phones: &Phones) -> &'static str {
    if phones
        .dscp
        .as_ref()
        .is_some_and(|dscp| dscp.value.value() == 40)
    {
        "the two ends of one call are then treated differently; RFC 4594 has 40 (CS5) for signalling"
    } else {
        "the two ends of one call are then treated differently"
    }
}

/// UC-30, first half: Teams has marks of its own.
fn teams(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let Some(teams) = plan.platform_of(Family::Teams) else {
        return;
    };
    for class in &plan.classes {
        let fixed = class
            .medium
            .and_then(|medium| teams.value.mark("class", medium));
        if let Some(fixed) = fixed.filter(|fixed| *fixed != class.dscp) {
            out.push(
                Diagnostic::warning(
                    code::TEAMS_MARK,
                    format!("`{}` is {}, but Teams has {fixed} for it", class.name, class.dscp),
                )
                .primary(class.span, format!("Teams uses {fixed}"))
                .note("Teams has one mark for each workload, which its phones and rooms use whatever a policy of Windows says")
                .help(format!("write `{} = {{ dscp = {} }}`", class.name, fixed.value())),
            );
        }
    }
}

/// UC-30, second half.
fn express_route(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let Some(span) = plan.network.express_route else {
        return;
    };
    for class in &plan.classes {
        if HONOURED.contains(&class.dscp.value()) {
            continue;
        }
        let remark = match class.medium {
            Some(Medium::AppSharing) => 18,
            Some(Medium::FileTransfer) => 10,
            Some(Medium::Audio) => 46,
            Some(Medium::Video) => 34,
            _ => 0,
        };
        out.push(
            Diagnostic::warning(
                code::PEERING_MARK,
                format!("`{}` is {}, which Microsoft peering does not honour", class.name, class.dscp),
            )
            .primary(class.span, "not EF, AF41, AF21 or AF11")
            .secondary(span, "marks must hold here")
            .note("on ExpressRoute: voice 46, video 34, sharing 18, files 10; everything else should arrive as 0")
            .help(format!("mark it {remark}, or re-mark {} to {remark} at the border", class.dscp.value())),
        );
    }
}

/// EF, AF41, AF21, AF11 and default.
const HONOURED: [u8; 5] = [46, 34, 18, 10, 0];
