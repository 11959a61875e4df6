//! Facts and findings as JSON; `docs/schema/read.json` and `audit.json` say what is in it.

use perhop_policy::{AppMatch, PortMatch, ProtocolMatch, Severity};
use perhop_read::fact::{NetMark, ServiceObject};
use perhop_read::policy::HostPolicy;
use perhop_read::{Fact, FileRead, Finding, Place, Reading, Throttle, What};
use serde_json::{Value, json};

use crate::source::Source;

/// One file with its facts.
pub(crate) fn file(file: &FileRead, reading: &Reading) -> Value {
    let left: Vec<Value> = file
        .left
        .iter()
        .map(|left| json!({ "place": place(&left.place, reading), "text": left.text, "why": left.why }))
        .collect();
    json!({
        "file": file.name,
        "format": file.format.as_str(),
        "object": file.object,
        "scope": file.scope,
        "facts": file.facts.iter().map(|fact| self::fact(fact, reading)).collect::<Vec<_>>(),
        "not_understood": left,
        "not_understood_more": file.left_more,
    })
}

/// Numbers of findings by severity.
pub(crate) fn summary<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Value {
    let mut counts = [0usize; 3];
    for finding in findings {
        counts[match finding.severity {
            Severity::Error => 0,
            Severity::Warning => 1,
            Severity::Info => 2,
        }] += 1;
    }
    json!({ "errors": counts[0], "warnings": counts[1], "notes": counts[2] })
}

/// One finding.
pub(crate) fn finding(finding: &Finding, reading: &Reading, plan: Option<&Source>) -> Value {
    let origin = finding.plan.zip(plan).map(|(span, source)| {
        let at = source.position(span.start);
        json!({ "file": source.name, "line": at.line, "column": at.column })
    });
    json!({
        "code": finding.code,
        "severity": finding.severity.as_str(),
        "layer": finding.layer.as_str(),
        "message": finding.message,
        "place": finding.place.as_ref().map(|one| place(one, reading)),
        "rule": finding.rule,
        "also": finding.also,
        "plan": origin,
        "notes": finding.notes,
        "helps": finding.helps,
        "commands": finding.commands,
    })
}

fn place(place: &Place, reading: &Reading) -> Value {
    let file = reading.files.get(place.file).map(|file| file.name.as_str());
    json!({ "file": file, "line": place.line, "offset": place.offset, "path": place.path })
}

fn fact(fact: &Fact, reading: &Reading) -> Value {
    let mut out = match &fact.what {
        What::Policy(one) => policy(one),
        What::Mark(one) => mark(one, reading),
        What::Nla(on) => json!({ "kind": "nla", "on": on }),
        What::Object(one) => object(one, reading),
        What::Setting {
            name,
            data,
            meaning,
        } => {
            json!({ "kind": "setting", "name": name, "data": data, "meaning": meaning })
        }
        What::Removed { what } => json!({ "kind": "removed", "what": what }),
    };
    out["layer"] = json!(fact.layer.as_str());
    out["place"] = place(&fact.place, reading);
    out
}

fn mark(mark: &NetMark, reading: &Reading) -> Value {
    let nets = |nets: &[ipnet::IpNet]| nets.iter().map(ToString::to_string).collect::<Vec<_>>();
    let services = |services: &[perhop_read::fact::Service]| -> Vec<Value> {
        let one = |one: &perhop_read::fact::Service| {
            json!({
                "protocol": one.protocol.as_str(),
                "source_ports": one.src.map(|range| range.to_string()),
                "destination_ports": one.dst.map(|range| range.to_string()),
            })
        };
        services.iter().map(one).collect()
    };
    let without: Vec<Value> = mark
        .without
        .iter()
        .map(|term| {
            json!({
                "source_ips": nets(&term.src),
                "destination_ips": nets(&term.dst),
                "services": services(&term.services),
            })
        })
        .collect();
    let access_list = mark
        .access_list
        .as_ref()
        .map(|list| json!({ "name": list.name, "place": place(&list.place, reading) }));
    json!({
        "kind": "mark",
        "syntax": mark.syntax.target(),
        "list": mark.list,
        "hook": if mark.hook.is_empty() { Value::Null } else { json!(mark.hook) },
        "class": mark.class,
        "ipv4": mark.families[0],
        "ipv6": mark.families[1],
        "source_ips": nets(&mark.src),
        "destination_ips": nets(&mark.dst),
        "services": services(&mark.services),
        "without": without,
        "arriving": mark.arriving.iter().map(|dscp| dscp.value()).collect::<Vec<_>>(),
        "dscp": mark.dscp.map(|dscp| dscp.value()),
        "last": mark.last,
        "interfaces": mark.interfaces,
        "access_list": access_list,
    })
}

fn policy(policy: &HostPolicy) -> Value {
    let app = match &policy.app {
        AppMatch::Any => None,
        AppMatch::Name(app) | AppMatch::Path(app) => Some(app),
    };
    let protocol = match policy.protocol {
        ProtocolMatch::Both => "both",
        ProtocolMatch::Only(one) => one.as_str(),
    };
    let ports = |ports: PortMatch| ports.range().map(|range| range.to_string());
    json!({
        "kind": "policy",
        "name": policy.name,
        "form": policy.form.as_str(),
        "user": policy.user,
        "sound": policy.sound,
        "application": app,
        "protocol": protocol,
        "source_ip": policy.src.map(|net| net.to_string()),
        "source_ports": ports(policy.src_ports.0),
        "destination_ip": policy.dst.map(|net| net.to_string()),
        "destination_ports": ports(policy.dst_ports.0),
        "dscp": policy.dscp.map(|dscp| dscp.value()),
        "throttle": policy.throttle.map(|throttle| throttle.to_string()),
        "throttle_bits": policy.throttle.map(Throttle::bits),
        "precedence": policy.precedence,
        "profile": policy.profile,
    })
}

fn object(object: &ServiceObject, reading: &Reading) -> Value {
    let ranges: Vec<Value> = object
        .ranges
        .iter()
        .map(|range| {
            json!({
                "used_for": range.used_for.as_str(),
                "first": range.ports.first(),
                "last": range.ports.last(),
                "place": place(&range.place, reading),
            })
        })
        .collect();
    json!({
        "kind": "object",
        "noun": object.noun,
        "identity": object.identity,
        "delivered": object.delivered,
        "ranges_enabled": object.enabled,
        "ranges": ranges,
        "dscp": object.dscp.as_ref().map(|(dscp, _)| dscp.value()),
        "pcp": object.pcp.as_ref().map(|(pcp, _)| pcp.value()),
        "marking": object.marking.as_ref().map(|(on, _)| *on),
    })
}
