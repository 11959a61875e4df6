//! What has to be told which ports to use.

use perhop_policy::{Family, Producer, ProducerKind, ProducerRange, RangeUse, Span, Subject};

use super::{client_groups, server_groups};
use crate::ast::At;
use crate::catalogue::Medium;
use crate::plan::{Phones, Plan, Range};

/// The producers of a plan.
pub(super) fn of(plan: &Plan) -> Vec<Producer> {
    let mut out = Vec::new();
    if plan.platform_of(Family::LyncServer).is_some() {
        clients(plan, &mut out);
        servers(plan, &mut out);
        phones(plan, &mut out);
        devices(plan, &mut out);
    }
    if let Some(platform) = plan.platform_of(Family::Teams) {
        let told = ranges(&plan.teams);
        out.push(producer(
            Family::Teams,
            ProducerKind::Clients,
            Subject::Global,
            told,
            platform.span,
        ));
        let marking = plan.devices.clone().unwrap_or(At::new(true, platform.span));
        let mut devices = producer(
            Family::Teams,
            ProducerKind::OtherDevices,
            Subject::Global,
            Vec::new(),
            marking.span,
        );
        devices.marking = Some(marking.value);
        out.push(devices);
    }
    for app in &plan.apps {
        let told: Vec<ProducerRange> = app
            .media
            .iter()
            .filter(|media| !media.destination)
            .filter_map(|media| {
                Some(ProducerRange {
                    used_for: used_for(Medium::from_name(&media.class.value)?)?,
                    ports: media.ports.value,
                    origin: media.ports.span,
                })
            })
            .collect();
        if told.is_empty() {
            continue;
        }
        let kind = ProducerKind::Software(app.name.value.clone());
        out.push(producer(
            Family::Own,
            kind,
            Subject::Global,
            told,
            app.name.span,
        ));
    }
    out
}

fn clients(plan: &Plan, out: &mut Vec<Producer>) {
    for group in client_groups(plan) {
        let subject = match (group.of, group.service) {
            (None, _) => Subject::Global,
            (Some(name), true) => Subject::Service(name.to_owned()),
            (Some(name), false) => Subject::Site(name.to_owned()),
        };
        if !group.ranges.is_empty() {
            let told = ranges(group.ranges);
            out.push(producer(
                Family::LyncServer,
                ProducerKind::Clients,
                subject,
                told,
                group.span,
            ));
        }
    }
}

fn servers(plan: &Plan, out: &mut Vec<Producer>) {
    for group in server_groups(plan) {
        let subject = group
            .of
            .map_or(Subject::Global, |name| Subject::Service(name.to_owned()));
        let kinds = [
            (ProducerKind::ConferencingService, &group.roles.conferencing),
            (ProducerKind::ApplicationService, &group.roles.application),
            (ProducerKind::MediationService, &group.roles.mediation),
            (ProducerKind::WebService, &group.roles.web),
        ];
        for (kind, own) in kinds {
            if !own.is_empty() {
                out.push(producer(
                    Family::LyncServer,
                    kind,
                    subject.clone(),
                    ranges(own),
                    group.span,
                ));
            }
        }
    }
    if let Some(relay) = plan.edge.as_ref().and_then(|edge| edge.relay.as_ref()) {
        let told = vec![ProducerRange {
            used_for: RangeUse::Relay,
            ports: relay.value,
            origin: relay.span,
        }];
        out.push(producer(
            Family::LyncServer,
            ProducerKind::MediaRelay,
            Subject::Global,
            told,
            relay.span,
        ));
    }
    let pools = plan
        .servers
        .as_ref()
        .and_then(|servers| servers.pools.as_ref());
    if let Some(pools) = pools {
        for name in &pools.names {
            out.push(producer(
                Family::LyncServer,
                ProducerKind::ApplicationPool,
                Subject::Service(name.value.clone()),
                ranges(&pools.ranges),
                name.span,
            ));
        }
    }
}

fn phones(plan: &Plan, out: &mut Vec<Producer>) {
    let mut add = |phones: &Phones, subject| {
        let mut told = producer(
            Family::LyncServer,
            ProducerKind::Phones,
            subject,
            Vec::new(),
            phones.span,
        );
        told.dscp = phones.dscp.as_ref().map(|at| at.value);
        told.pcp = phones.pcp.as_ref().map(|at| at.value);
        out.push(told);
    };
    if let Some(phones) = &plan.phones {
        add(phones, Subject::Global);
    }
    for site in &plan.sites {
        if let Some(phones) = &site.phones {
            add(phones, Subject::Site(site.name.value.clone()));
        }
    }
}

fn devices(plan: &Plan, out: &mut Vec<Producer>) {
    let mut add = |marking: &At<bool>, subject| {
        let mut told = producer(
            Family::LyncServer,
            ProducerKind::OtherDevices,
            subject,
            Vec::new(),
            marking.span,
        );
        told.marking = Some(marking.value);
        out.push(told);
    };
    if let Some(marking) = &plan.devices {
        add(marking, Subject::Global);
    }
    for site in &plan.sites {
        if let Some(marking) = &site.devices {
            add(marking, Subject::Site(site.name.value.clone()));
        }
    }
}

fn producer(
    family: Family,
    kind: ProducerKind,
    subject: Subject,
    ranges: Vec<ProducerRange>,
    origin: Span,
) -> Producer {
    Producer {
        family,
        kind,
        subject,
        ranges,
        dscp: None,
        pcp: None,
        marking: None,
        origin,
    }
}

fn ranges(ranges: &[Range]) -> Vec<ProducerRange> {
    ranges
        .iter()
        .filter_map(|range| {
            Some(ProducerRange {
                used_for: used_for(range.medium)?,
                ports: range.ports,
                origin: range.span,
            })
        })
        .collect()
}

const fn used_for(medium: Medium) -> Option<RangeUse> {
    Some(match medium {
        Medium::Audio => RangeUse::Audio,
        Medium::Video => RangeUse::Video,
        Medium::AppSharing => RangeUse::AppSharing,
        Medium::FileTransfer => RangeUse::FileTransfer,
        Medium::LegacyMedia => RangeUse::LegacyMedia,
        Medium::Signaling => RangeUse::Signaling,
    })
}
