//! Policies as `Get-NetQosPolicy` shows them (windows-qos 4.4).

use ipnet::IpNet;
use perhop_policy::{
    AppMatch, Dscp, DstPorts, PortMatch, PortRange, Protocol, ProtocolMatch, Severity, SrcPorts,
};

use super::{Object, Property};
use crate::codes;
use crate::fact::{Fact, What};
use crate::finding::{Finding, Layer};
use crate::policy::values::tos;
use crate::policy::{DEFAULT_PRECEDENCE, Form, HostPolicy, Raw};
use crate::reading::FileRead;
use crate::throttle::Throttle;

/// Whether an object is a policy.
pub(crate) fn is_one(object: &Object) -> bool {
    object.has(&["Name"])
        && (object.is_of_type("NetQosPolicy")
            || object.has(&[
                "NetworkProfile",
                "AppPathNameMatchCondition",
                "AppPathName",
                "IPProtocolMatchCondition",
                "IPProtocol",
                "DSCPAction",
                "DSCPValue",
            ]))
}

/// Adds the policies of an object: two for one that takes a port on either side.
pub(crate) fn facts(file: &mut FileRead, object: &Object) {
    let (mut policy, findings) = read(object);
    file.findings.extend(findings);
    if let Some(uri) = object.get(&["URIMatchCondition", "URI"]) {
        file.leave(
            uri.place.clone(),
            format!("{}: {}", policy.name, uri.value),
            "policies by URL mark what HTTP.SYS answers, which is no media",
        );
        return;
    }
    let template = object
        .get(&["TemplateMatchCondition", "Template"])
        .filter(|one| !matches!(one.value.as_str(), "0" | "None"));
    if let Some(template) = template {
        file.leave(
            template.place.clone(),
            format!("{}: template {}", policy.name, template.value),
            "templates are about storage, not media",
        );
        return;
    }
    let mut push = |policy: HostPolicy| {
        file.facts.push(Fact {
            place: object.place.clone(),
            layer: Layer::Match,
            what: What::Policy(policy),
        });
    };
    let either = object
        .get(&["IPPortMatchCondition", "IPPort"])
        .and_then(|one| one.value.parse::<u16>().ok())
        .filter(|port| *port > 0);
    if let Some(port) = either {
        let port = PortMatch::Range(PortRange::single(port));
        let mut other = policy.clone();
        other.dst_ports = DstPorts(port);
        policy.src_ports = SrcPorts(port);
        push(policy);
        push(other);
    } else {
        push(policy);
    }
}

fn read(object: &Object) -> (HostPolicy, Vec<Finding>) {
    let name = object.get(&["Name"]).map_or("", |one| one.value.as_str());
    let mut policy = HostPolicy::new(name, Form::NetQos);
    let mut findings = Vec::new();
    policy.user = object
        .get(&["Owner"])
        .is_some_and(|one| one.value.to_ascii_lowercase().contains("user)"));
    if let Some(app) = object.get(&["AppPathNameMatchCondition", "AppPathName"]) {
        policy.app = AppMatch::parse(&app.value);
    }
    if let Some(protocol) = object.get(&["IPProtocolMatchCondition", "IPProtocol"]) {
        policy.protocol = match protocol.value.to_ascii_lowercase().as_str() {
            "1" | "tcp" => ProtocolMatch::Only(Protocol::Tcp),
            "2" | "udp" => ProtocolMatch::Only(Protocol::Udp),
            _ => ProtocolMatch::Both,
        };
    }
    policy.src = prefix(object, "IPSrc", &mut policy.sound, &mut findings, name);
    policy.dst = prefix(object, "IPDst", &mut policy.sound, &mut findings, name);
    policy.src_ports = SrcPorts(ports(object, "IPSrc"));
    policy.dst_ports = DstPorts(ports(object, "IPDst"));
    if let Some(property) = object.get(&["DSCPAction", "DSCPValue"]) {
        findings.extend(dscp(&mut policy, property));
    }
    policy.precedence = object
        .get(&["Precedence"])
        .and_then(|one| one.value.parse().ok())
        .unwrap_or(DEFAULT_PRECEDENCE);
    // Numbers of profiles are not published (windows-qos 4.4).
    policy.profile = object
        .get(&["NetworkProfile"])
        .map(|one| one.value.clone())
        .filter(|value| !value.eq_ignore_ascii_case("all") && value.parse::<u32>().is_err());
    if let Some(property) = object.get(&RATES).filter(|one| one.value != "0") {
        policy.throttle = Throttle::from_shown(&property.value);
        if policy.throttle.is_none() {
            let help = "give bits a second, or nothing";
            findings.push(wrong(codes::VALUE_INVALID, name, property, help));
        }
    }
    policy.values = object
        .properties
        .iter()
        .filter(|one| !one.value.is_empty())
        .map(|one| Raw {
            name: one.name.clone(),
            data: one.value.clone(),
            kind: "property",
            place: one.place.clone(),
        })
        .collect();
    (policy, findings)
}

/// Names of the rate: the exact one of the class and of the cmdlets' parameter before that which is shown rounded.
pub(crate) const RATES: [&str; 3] = [
    "ThrottleRateAction",
    "ThrottleRateActionBitsPerSecond",
    "ThrottleRate",
];

fn prefix(
    object: &Object,
    side: &str,
    sound: &mut bool,
    findings: &mut Vec<Finding>,
    name: &str,
) -> Option<IpNet> {
    let (long, short) = (
        format!("{side}PrefixMatchCondition"),
        format!("{side}Prefix"),
    );
    let property = object.get(&[&long, &short])?;
    let found = net(&property.value);
    if found.is_none() {
        *sound = false;
        let help = "give an address or a prefix, such as `10.0.0.0/8`";
        findings.push(wrong(codes::VALUE_INVALID, name, property, help));
    }
    found
}

/// The mark; -1, and 255 where it is shown unsigned, are none.
fn dscp(policy: &mut HostPolicy, property: &Property) -> Option<Finding> {
    let number: i64 = property.value.parse().ok()?;
    let dscp = u8::try_from(number).ok().and_then(Dscp::try_new);
    if dscp.is_some() || matches!(number, -1 | 255) {
        policy.dscp = dscp;
        return None;
    }
    policy.sound = false;
    policy.dscp = u32::try_from(number).ok().and_then(tos);
    Some(match policy.dscp {
        Some(dscp) => {
            let help = format!("as a DSCP it is {}", dscp.value());
            wrong(codes::TOS_FOR_DSCP, &policy.name, property, &help)
        }
        None => wrong(
            codes::VALUE_INVALID,
            &policy.name,
            property,
            "give a DSCP from 0 to 63",
        ),
    })
}

fn wrong(code: &'static str, name: &str, property: &Property, help: &str) -> Finding {
    Finding::new(
        Severity::Error,
        Layer::Match,
        code,
        format!("`{}` of `{name}` is `{}`", property.name, property.value),
    )
    .at(&property.place)
    .help(help)
}

/// A range of one side; a single port is given alone or as both ends.
fn ports(object: &Object, side: &str) -> PortMatch {
    let number = |name: &str| {
        let long = format!("{side}Port{name}MatchCondition");
        let short = format!("{side}Port{name}");
        object
            .get(&[&long, &short])
            .and_then(|one| one.value.parse::<u16>().ok())
            .filter(|port| *port > 0)
    };
    let range = match (number(""), number("Start"), number("End")) {
        (_, Some(first), Some(last)) => PortRange::try_new(first, last),
        (Some(port), ..) | (None, Some(port), None) => Some(PortRange::single(port)),
        _ => None,
    };
    range.map_or(PortMatch::Any, PortMatch::Range)
}

/// `10.0.0.0/8`, or a single address.
pub(crate) fn net(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
        .map(|net: IpNet| net.trunc())
}
