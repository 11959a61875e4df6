//! Settings objects of Lync Server, Skype for Business Server and Teams (uc-platforms 15).

use perhop_policy::{Dscp, Pcp, PortRange, RangeUse, Severity, Subject};
use perhop_targets::cs_shell::settings::{
    CONFERENCING, ENABLE_QOS, MEDIA, NOUNS, Noun, PHONE_DSCP, PHONE_PCP, PHONES, RANGES,
    RANGES_ENABLED, TEAMS,
};

use super::{Object, Property};
use crate::codes;
use crate::fact::{Fact, ObjectRange, ServiceObject, What};
use crate::finding::{Finding, Layer};
use crate::policy::values::tos;
use crate::reading::FileRead;

/// Whether an object has ports or marks of the service.
pub(crate) fn is_one(object: &Object) -> bool {
    let known = [RANGES_ENABLED, ENABLE_QOS, PHONE_DSCP, PHONE_PCP];
    object.has(&known)
        || RANGES
            .iter()
            .any(|range| object.has(&[range.start, range.count]))
        || object.has(&["MediaComunicationPortCount", "ApplicationSharingPortStart"])
}

/// Adds the object, and what is wrong in it.
pub(crate) fn facts(file: &mut FileRead, object: &Object) {
    let identity = object
        .get(&["Identity"])
        .map_or(String::new(), |one| one.value.clone());
    let Some(noun) = noun(object, &identity) else {
        file.leave(
            object.place.clone(),
            identity,
            "it has port ranges, and neither its identity nor its type says which role it is of",
        );
        return;
    };
    let mut out = ServiceObject {
        noun: noun.name,
        family: noun.family,
        kind: noun.kind.clone(),
        subject: subject(noun, &identity),
        identity,
        delivered: false,
        enabled: object
            .get(&[RANGES_ENABLED])
            .and_then(|one| boolean(&one.value)),
        ranges: Vec::new(),
        dscp: None,
        pcp: None,
        marking: None,
    };
    ranges(file, object, noun, &mut out);
    if let Some(one) = object.get(&[PHONE_DSCP]).filter(|_| noun.name == PHONES) {
        out.dscp = phone_dscp(file, one).map(|dscp| (dscp, one.place.clone()));
    }
    if let Some(one) = object.get(&[PHONE_PCP]).filter(|_| noun.name == PHONES) {
        let pcp = one.value.parse().ok().and_then(Pcp::try_new);
        out.pcp = pcp.map(|pcp| (pcp, one.place.clone()));
    }
    if let Some(one) = object
        .get(&[ENABLE_QOS])
        .filter(|_| matches!(noun.name, MEDIA | TEAMS))
    {
        out.marking = boolean(&one.value).map(|on| (on, one.place.clone()));
    }
    checks(file, object, &out);
    file.facts.push(Fact {
        place: object.place.clone(),
        layer: Layer::Delivery,
        what: What::Object(out),
    });
}

/// The kind of an object: by its type, its identity, or the properties that only one kind has.
fn noun(object: &Object, identity: &str) -> Option<&'static Noun> {
    let named = |name: &str| NOUNS.iter().find(|noun| noun.name == name);
    if object.has(&[
        "ClientAudioPort",
        "ClientMediaPort",
        "ClientSipDynamicPort",
        RANGES_ENABLED,
    ]) {
        let teams = object.is_of_type("teams") || object.has(&[ENABLE_QOS, "DisableAnonymousJoin"]);
        return named(if teams { TEAMS } else { CONFERENCING });
    }
    if object.has(&[PHONE_DSCP, PHONE_PCP]) {
        return named(PHONES);
    }
    if object.has(&[
        "MediaCommunicationPortStart",
        "MediaCommunicationPortCount",
        "MediaComunicationPortCount",
    ]) {
        return named("CsEdgeServer");
    }
    let role = identity.split_once(':').map_or("", |(role, _)| role.trim());
    let by_role = ROLES
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(role))
        .or_else(|| ROLES.iter().find(|(word, _)| object.is_of_type(word)));
    if let Some((_, noun)) = by_role {
        return named(noun);
    }
    if object.has(&["AudioPortStart", "AppSharingPortStart"]) {
        return None;
    }
    object.has(&[ENABLE_QOS]).then(|| named(MEDIA)).flatten()
}

/// Roles as identities and types name them.
const ROLES: [(&str, &str); 8] = [
    ("ConferencingServer", "CsConferenceServer"),
    ("ConferenceServer", "CsConferenceServer"),
    ("ApplicationServer", "CsApplicationServer"),
    ("MediationServer", "CsMediationServer"),
    ("WebServer", "CsWebServer"),
    ("ExternalServer", "CsTrustedApplicationPool"),
    ("TrustedApplicationPool", "CsTrustedApplicationPool"),
    ("EdgeServer", "CsEdgeServer"),
];

/// Which objects an identity means.
fn subject(noun: &Noun, identity: &str) -> Subject {
    let after = |text: &str| {
        text.split_once(':')
            .map_or(text, |(_, rest)| rest)
            .trim()
            .to_owned()
    };
    if noun.is_service {
        return Subject::Service(after(identity));
    }
    let lower = identity.to_ascii_lowercase();
    if lower.starts_with("site:") {
        Subject::Site(after(identity))
    } else if lower.starts_with("service:") {
        Subject::Service(after(&after(identity)))
    } else {
        Subject::Global
    }
}

/// Properties that samples and articles misspell (uc-platforms 15, 16).
const ALSO: [(&str, &str); 4] = [
    ("AppSharingPortStart", "ApplicationSharingPortStart"),
    ("AppSharingPortCount", "ApplicationSharingPortCount"),
    ("MediaCommunicationPortCount", "MediaComunicationPortCount"),
    ("ClientFileTransferPortRange", "ClientTransferPortRange"),
];

fn ranges(file: &mut FileRead, object: &Object, noun: &Noun, out: &mut ServiceObject) {
    let get = |name: &'static str| {
        let also = ALSO.iter().find(|(right, _)| *right == name);
        object.get(&[name, also.map_or(name, |(_, wrong)| wrong)])
    };
    for setting in RANGES.iter().filter(|range| range.noun == noun.name) {
        let (Some(start), Some(count)) = (get(setting.start), get(setting.count)) else {
            continue;
        };
        let (first, number) = (
            start.value.parse::<u16>().ok(),
            count.value.parse::<u32>().ok(),
        );
        // A count of 0 is no range.
        if number == Some(0) {
            continue;
        }
        let range = first
            .zip(number)
            .and_then(|(first, number)| PortRange::from_start_and_count(first, number));
        match range {
            Some(ports) => out.ranges.push(ObjectRange {
                used_for: setting.used_for,
                ports,
                place: start.place.clone(),
            }),
            None => file.findings.push(
                Finding::new(
                    Severity::Error,
                    Layer::Delivery,
                    codes::RANGE_END,
                    format!(
                        "`{}` {} with `{}` {} of `{}` is no range of ports",
                        start.name, start.value, count.name, count.value, out.identity
                    ),
                )
                .at(&count.place)
                .note(format!(
                    "`{}` is a number of ports, not the last one",
                    count.name
                ))
                .help("first port plus number of ports minus one has to be 65535 or less"),
            ),
        }
    }
}

/// A number above 63 is a ToS octet, when it can be one.
fn phone_dscp(file: &mut FileRead, one: &Property) -> Option<Dscp> {
    let number: u32 = one.value.parse().ok()?;
    let dscp = u8::try_from(number).ok().and_then(Dscp::try_new);
    if dscp.is_none() {
        let meant = tos(number);
        let finding = Finding::new(
            Severity::Error,
            Layer::Host,
            codes::TOS_FOR_DSCP,
            format!("`{}` is {number}, and a DSCP is 0 to 63", one.name),
        )
        .at(&one.place);
        file.findings.push(match meant {
            Some(dscp) => finding.help(format!("as a DSCP it is {}", dscp.value())),
            None => finding.help("give a DSCP from 0 to 63"),
        });
    }
    dscp
}

/// What is wrong with an object taken by itself.
fn checks(file: &mut FileRead, object: &Object, out: &ServiceObject) {
    if out.enabled == Some(false) {
        let place = object
            .get(&[RANGES_ENABLED])
            .map_or(&object.place, |one| &one.place);
        file.findings.push(
            Finding::new(
                Severity::Warning,
                Layer::Delivery,
                codes::RANGES_DISABLED,
                format!("`{RANGES_ENABLED}` of `{}` is off", out.identity),
            )
            .at(place)
            .note("clients use any port from 1024 to 65535 then, whatever the ranges say")
            .command(format!(
                "Set-{} -Identity {} -{RANGES_ENABLED} $true",
                out.noun,
                quoted(&out.identity)
            )),
        );
    }
    for (index, a) in out.ranges.iter().enumerate() {
        for b in &out.ranges[..index] {
            // Clients of older generations use the one range, newer ones the others.
            let legacy = [a, b]
                .iter()
                .any(|one| one.used_for == RangeUse::LegacyMedia);
            if let Some(shared) = a.ports.intersection(b.ports)
                && !legacy
                && out.enabled != Some(false)
            {
                file.findings.push(
                    Finding::new(
                        Severity::Warning,
                        Layer::Plan,
                        codes::RANGES_OVERLAP,
                        format!(
                            "{} and {} of `{}` share the ports {shared}",
                            b.used_for.as_str(),
                            a.used_for.as_str(),
                            out.identity
                        ),
                    )
                    .at(&a.place)
                    .note("what is sent is told by its source port; a shared port has no one mark")
                    .help("give each kind of traffic ports of its own"),
                );
            }
        }
    }
}

/// Tells of objects for sites and services that hide a global one with other values.
pub(crate) fn hides_global(files: &mut [FileRead]) {
    let objects: Vec<(usize, crate::place::Place, ServiceObject)> = files
        .iter()
        .enumerate()
        .flat_map(|(index, file)| file.facts.iter().map(move |fact| (index, fact)))
        .filter_map(|(index, fact)| match &fact.what {
            What::Object(object) if !object.delivered => {
                Some((index, fact.place.clone(), object.clone()))
            }
            _ => None,
        })
        .collect();
    for (index, place, object) in &objects {
        let is_service = NOUNS
            .iter()
            .any(|noun| noun.name == object.noun && noun.is_service);
        if is_service || object.subject == Subject::Global {
            continue;
        }
        let global = objects
            .iter()
            .map(|(.., one)| one)
            .find(|one| one.noun == object.noun && one.subject == Subject::Global);
        let Some(global) = global else { continue };
        let ports = |one: &ServiceObject| -> Vec<(RangeUse, PortRange)> {
            one.ranges
                .iter()
                .map(|range| (range.used_for, range.ports))
                .collect()
        };
        let marks = |one: &ServiceObject| {
            (
                one.enabled,
                one.dscp.as_ref().map(|(dscp, _)| *dscp),
                one.pcp.as_ref().map(|(pcp, _)| *pcp),
                one.marking.as_ref().map(|(on, _)| *on),
            )
        };
        if ports(object) == ports(global) && marks(object) == marks(global) {
            continue;
        }
        files[*index].findings.push(
            Finding::new(
                Severity::Info,
                Layer::Delivery,
                codes::HIDES_GLOBAL,
                format!("`{}` `{}` hides the global object, with other values", object.noun, object.identity),
            )
            .at(place)
            .note("it is used as a whole: what it leaves at its defaults is not taken from the global object"),
        );
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A text as PowerShell takes it.
pub(crate) fn quoted(text: &str) -> String {
    perhop_targets::syntax::powershell::Value::text(text).source()
}
