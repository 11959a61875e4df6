//! Settings objects of the service, held against the plan's producers.

use perhop_policy::{Family, PolicySet, Producer, ProducerKind, ProducerRange, Severity, Subject};
use perhop_targets::cs_shell::settings::{
    ENABLE_QOS, NOUNS, Noun, PHONE_DSCP, PHONE_PCP, RANGES, RANGES_ENABLED,
};

use super::Audit;
use crate::codes;
use crate::fact::{ServiceObject, What};
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::reading::Reading;
use crate::shell::service::quoted;

/// Adds what differs.
pub(super) fn compare(policy: &PolicySet, reading: &Reading, out: &mut Audit) {
    let objects: Vec<(&Place, &ServiceObject)> = reading
        .facts()
        .filter_map(|fact| match &fact.what {
            What::Object(object) => Some((&fact.place, object)),
            _ => None,
        })
        .collect();
    for (place, object) in &objects {
        if object.delivered && is_some_groups(policy, object) {
            continue;
        }
        if let Some(planned) = planned(policy, object) {
            one(place, object, planned, out);
        }
    }
    absent(policy, &objects, out);
}

/// Whether a client was sent what the plan has for any group of users.
fn is_some_groups(policy: &PolicySet, object: &ServiceObject) -> bool {
    policy
        .producers()
        .iter()
        .filter(|one| is_of(one, object))
        .any(|one| agrees(object, one))
}

fn agrees(object: &ServiceObject, planned: &Producer) -> bool {
    let ranges = planned.ranges.iter().all(|range| {
        object
            .range(range.used_for)
            .is_some_and(|has| has.ports == range.ports)
    });
    let on = planned.ranges.is_empty() || object.enabled != Some(false);
    let dscp =
        planned.dscp.is_none() || planned.dscp == object.dscp.as_ref().map(|(dscp, _)| *dscp);
    let pcp = planned.pcp.is_none() || planned.pcp == object.pcp.as_ref().map(|(pcp, _)| *pcp);
    let marking =
        planned.marking.is_none() || planned.marking == object.marking.as_ref().map(|(on, _)| *on);
    ranges && on && dscp && pcp && marking
}

/// Whether a producer is told by objects of that kind. The Teams object holds two producers' settings.
fn is_of(producer: &Producer, object: &ServiceObject) -> bool {
    let teams = object.family == Family::Teams && producer.kind == ProducerKind::OtherDevices;
    producer.family == object.family && (producer.kind == object.kind || teams)
}

/// The producers that decide an object: its own, else its site's, else everyone's.
fn planned<'a>(policy: &'a PolicySet, object: &ServiceObject) -> Option<Vec<&'a Producer>> {
    let site = match &object.subject {
        Subject::Service(name) => policy
            .scopes()
            .iter()
            .find(|scope| scope.name.ends_with(&format!("@{name}")))
            .and_then(|scope| scope.site.clone()),
        _ => None,
    };
    let mut levels = vec![object.subject.clone()];
    levels.extend(site.map(Subject::Site));
    levels.push(Subject::Global);
    let same = |a: &Subject, b: &Subject| match (a, b) {
        (Subject::Site(a), Subject::Site(b)) | (Subject::Service(a), Subject::Service(b)) => {
            a.eq_ignore_ascii_case(b)
        }
        (a, b) => a == b,
    };
    let of = |level: &Subject| -> Vec<&'a Producer> {
        policy
            .producers()
            .iter()
            .filter(|one| is_of(one, object) && same(&one.subject, level))
            .collect()
    };
    levels.iter().map(of).find(|found| !found.is_empty())
}

fn one(place: &Place, object: &ServiceObject, planned: Vec<&Producer>, out: &mut Audit) {
    // An object of its own where the plan has none hides the one that it has.
    let own = planned.iter().any(|one| one.subject != Subject::Global)
        || object.subject == Subject::Global;
    let is_service = NOUNS
        .iter()
        .any(|noun| noun.name == object.noun && noun.is_service);
    let hides = !own && !is_service && !object.delivered;
    let differs = planned.iter().any(|one| !agrees(object, one));
    if hides {
        out.findings
            .push(hidden(place, object, planned[0], differs));
        return;
    }
    for producer in planned {
        let ranges = &producer.ranges;
        if !ranges.is_empty() && object.enabled == Some(false) {
            out.findings.push(disabled(place, object, &ranges[0]));
        }
        for range in ranges {
            out.findings.extend(range_differs(place, object, range));
        }
        marks(place, object, producer, out);
    }
}

fn disabled(place: &Place, object: &ServiceObject, range: &ProducerRange) -> Finding {
    let mut finding = Finding::new(
        Severity::Error,
        Layer::Delivery,
        codes::AUDIT_RANGES_DISABLED,
        format!("`{RANGES_ENABLED}` of {} is off, so its ranges are not used", of(object)),
    )
    .at(place)
    .note("clients use any port from 1024 to 65535 then, and no policy by source port takes what they send")
    .command(set(object, &[(RANGES_ENABLED, "$true".to_owned())]));
    finding.plan = Some(range.origin);
    finding
}

/// What devices are told to put on, and whether.
fn marks(place: &Place, object: &ServiceObject, producer: &Producer, out: &mut Audit) {
    let dscp = object.dscp.as_ref();
    let pcp = object.pcp.as_ref();
    let marks = [
        (
            PHONE_DSCP,
            producer.dscp.map(|one| one.value()),
            dscp.map(|(one, place)| (one.value(), place)),
        ),
        (
            PHONE_PCP,
            producer.pcp.map(|one| one.value()),
            pcp.map(|(one, place)| (one.value(), place)),
        ),
    ];
    for (name, planned, has) in marks {
        let Some(planned) = planned else { continue };
        if has.is_some_and(|(has, _)| has == planned) {
            continue;
        }
        let text = has.map_or_else(|| "not there".to_owned(), |(has, _)| has.to_string());
        out.findings.push(differing(
            codes::AUDIT_MARK_DIFFERS,
            format!(
                "`{name}` of {} is {text}, and {planned} is planned",
                of(object)
            ),
            has.map_or(place, |(_, place)| place),
            producer,
            set(object, &[(name, planned.to_string())]),
        ));
    }
    if let Some(on) = producer.marking
        && let Some((has, place)) = &object.marking
        && *has != on
    {
        out.findings.push(differing(
            codes::AUDIT_SWITCH_DIFFERS,
            format!(
                "`{ENABLE_QOS}` of {} is {has}, and {on} is planned",
                of(object)
            ),
            place,
            producer,
            set(object, &[(ENABLE_QOS, format!("${on}"))]),
        ));
    }
}

fn differing(
    code: &'static str,
    message: String,
    place: &Place,
    planned: &Producer,
    command: String,
) -> Finding {
    let mut finding = Finding::new(Severity::Error, Layer::Delivery, code, message)
        .at(place)
        .command(command);
    finding.plan = Some(planned.origin);
    finding
}

fn hidden(place: &Place, object: &ServiceObject, planned: &Producer, differs: bool) -> Finding {
    let (severity, how) = match (differs, object.enabled) {
        (true, Some(false)) => (Severity::Error, ", with its ranges off"),
        (true, _) => (Severity::Warning, ", with other values"),
        (false, _) => (Severity::Info, ", with the same values"),
    };
    let mut finding = Finding::new(
        severity,
        Layer::Delivery,
        codes::AUDIT_HIDDEN,
        format!("{} hides the global object{how}", of(object)),
    )
    .at(place)
    .note("the object of a service comes before a site's, and that before the global one, each as a whole")
    .command(format!("Remove-{} -Identity {}", object.noun, quoted(&object.identity)))
    .help("or give the plan this site or service with values of its own");
    finding.plan = Some(planned.origin);
    finding
}

fn range_differs(
    place: &Place,
    object: &ServiceObject,
    planned: &ProducerRange,
) -> Option<Finding> {
    let has = object.range(planned.used_for);
    if has.is_some_and(|has| has.ports == planned.ports) {
        return None;
    }
    let what = planned.used_for.as_str();
    let message = match has {
        Some(has) => format!(
            "{what} ports of {} are {}, and {} are planned",
            of(object),
            has.ports,
            planned.ports
        ),
        None => format!(
            "{} has no {what} ports, and {} are planned",
            of(object),
            planned.ports
        ),
    };
    let setting = RANGES
        .iter()
        .find(|one| one.noun == object.noun && one.used_for == planned.used_for);
    let mut finding = Finding::new(
        Severity::Error,
        Layer::Delivery,
        codes::AUDIT_RANGE_DIFFERS,
        message,
    )
    .at(has.map_or(place, |has| &has.place));
    if let Some(setting) = setting {
        finding = finding.command(set(
            object,
            &[
                (setting.start, planned.ports.first().to_string()),
                (setting.count, planned.ports.count().to_string()),
            ],
        ));
    }
    if object.delivered {
        finding = finding
            .help("when the object has these ports already, the user has to sign out and in again");
    }
    finding.plan = Some(planned.origin);
    Some(finding)
}

/// What the plan has and no file shows: kinds of objects, and objects of kinds that files do show.
fn absent(policy: &PolicySet, objects: &[(&Place, &ServiceObject)], out: &mut Audit) {
    let mut kinds: Vec<&str> = Vec::new();
    for producer in policy.producers() {
        let teams = producer.family == Family::Teams && producer.kind == ProducerKind::OtherDevices;
        let Some(noun) = NOUNS
            .iter()
            .find(|noun| noun.family == producer.family && (noun.kind == producer.kind || teams))
        else {
            continue;
        };
        let of_kind = |object: &&(&Place, &ServiceObject)| object.1.noun == noun.name;
        let Some((place, _)) = objects.iter().find(of_kind) else {
            if !kinds.contains(&noun.name) {
                kinds.push(noun.name);
                let mut finding = Finding::new(
                    Severity::Info,
                    Layer::Delivery,
                    codes::AUDIT_NOT_COVERED,
                    format!("no file is about {}", noun.title),
                )
                .help(format!(
                    "run `{} | Export-Clixml {}.xml`, and give that file too",
                    getter(noun.name),
                    noun.name
                ));
                finding.plan = Some(producer.origin);
                out.findings.push(finding);
            }
            continue;
        };
        let own = objects.iter().filter(of_kind);
        let is_this = |object: &ServiceObject| match (&object.subject, &producer.subject) {
            (Subject::Site(a), Subject::Site(b)) | (Subject::Service(a), Subject::Service(b)) => {
                a.eq_ignore_ascii_case(b)
            }
            _ => false,
        };
        let only_sent = own.clone().all(|(_, object)| object.delivered);
        let there = own.clone().any(|(_, object)| is_this(object));
        if producer.subject != Subject::Global && !there && !only_sent {
            out.findings.push(object_missing(place, producer, noun));
        }
    }
}

fn object_missing(place: &Place, producer: &Producer, noun: &Noun) -> Finding {
    let identity = match (&producer.subject, noun.is_service) {
        (Subject::Site(name), _) => format!("site:{name}"),
        (Subject::Service(name), false) => format!("service:ConferencingServer:{name}"),
        (Subject::Service(name), true) => name.clone(),
        (Subject::Global, _) => "Global".to_owned(),
    };
    let mut finding = Finding::new(
        Severity::Error,
        Layer::Delivery,
        codes::AUDIT_OBJECT_MISSING,
        format!(
            "there is no `{}` `{identity}`, and the plan has one",
            noun.name
        ),
    )
    .at(&Place::whole(place.file))
    .note("its users get the values of the site's or the global object");
    if !noun.is_service {
        finding = finding.command(format!("New-{} -Identity {}", noun.name, quoted(&identity)));
    }
    finding = finding.help("then `perhop compile PLAN --out DIR` has the script that fills it");
    finding.plan = Some(producer.origin);
    finding
}

/// The command that shows objects of a kind.
fn getter(noun: &str) -> String {
    match noun {
        "CsConferenceServer" => "Get-CsService -ConferencingServer".to_owned(),
        "CsApplicationServer" => "Get-CsService -ApplicationServer".to_owned(),
        "CsMediationServer" => "Get-CsService -MediationServer".to_owned(),
        "CsWebServer" => "Get-CsService -WebServer".to_owned(),
        "CsEdgeServer" => "Get-CsService -EdgeServer".to_owned(),
        other => format!("Get-{other}"),
    }
}

fn set(object: &ServiceObject, values: &[(&str, String)]) -> String {
    let identity = if object.delivered {
        "Global"
    } else {
        &object.identity
    };
    let mut out = format!("Set-{} -Identity {}", object.noun, quoted(identity));
    for (name, value) in values {
        out.push_str(&format!(" -{name} {value}"));
    }
    out
}

/// How messages name an object.
fn of(object: &ServiceObject) -> String {
    if object.delivered {
        format!("what the client was sent of `{}`", object.noun)
    } else {
        format!("`{}` `{}`", object.noun, object.identity)
    }
}
