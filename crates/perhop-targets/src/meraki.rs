//! `meraki`: marks for Meraki switches (MS), as the bodies of calls to the dashboard's interface.
//!
//! Switch rules know a VLAN, a protocol and ports, and no addresses; they hold for a whole network, the first that takes a
//! packet marking it. What tells routers and access points (MX, MR) to mark has no ranges of ports, so it is not written.

use perhop_policy::{Dscp, Protocol};

use crate::network::model::{Policy, Service, Term};
use crate::network::program::{Count, Device, Language, Limits, Words, same};
use crate::network::unit::Unit;
use crate::network::values;
use crate::network::{self, Section};
use crate::syntax::json::Json;
use crate::target::{OptionKind, OptionSpec};

/// The target.
pub static MERAKI: Device = Device {
    language: &LANGUAGE,
    summary: "Marks for Meraki switches (MS): bodies of calls to the dashboard's interface; `access` takes VLANs",
    options: &[network::MARK, network::ACCESS, network::UNPLANNED, RULES],
    unit: Unit::Number,
    // Without a VLAN everything in the network would be reset.
    policy_of: |section, queues, reset| {
        Policy::flat(section, queues, reset && !section.interfaces.is_empty())
    },
};

static LANGUAGE: Language = Language {
    id: "meraki",
    extension: "json",
    marks: |policy, _comments| document(policy),
    undo_marks: document,
    read_marks: read,
    marks_step,
    tcam: false,
    limits: Limits {
        addresses: false,
        interface: is_vlan,
        rules: Some(Count {
            of: |policy| {
                let vlans = policy.interfaces.len().max(1);
                vlans * (policy.rules(false).count() + usize::from(policy.reset))
            },
            most: None,
            option: Some(&RULES),
        }),
        towards: false,
    },
    queues: None,
    besides: None,
};

/// The vendor publishes no limit for switches, other than for routers and access points.
const RULES: OptionSpec = OptionSpec {
    key: "rules",
    kind: OptionKind::Integer(1, 100_000),
    doc: "the most rules that the network's switches may get from this plan; more are an error, and none is known without it",
};

fn is_vlan(text: &str) -> Result<(), &'static str> {
    let number = text.parse::<u16>().ok();
    match number.filter(|number| (1..=4094).contains(number) && number.to_string() == text) {
        Some(_) => Ok(()),
        None => Err("is not the number of a VLAN, 1 to 4094"),
    }
}

fn document(policy: &Policy) -> Vec<u8> {
    let mut vlans: Vec<Json> = policy
        .interfaces
        .iter()
        .filter_map(|text| text.parse().ok())
        .map(Json::Integer)
        .collect();
    if vlans.is_empty() {
        vlans.push(Json::Null);
    }
    let mut rules = Vec::new();
    for vlan in vlans {
        // The families are alike where there are no addresses.
        rules.extend(
            policy
                .rules(false)
                .map(|(dscp, term)| rule(&vlan, Some(term.services[0]), dscp)),
        );
        if policy.reset {
            rules.push(rule(&vlan, None, Dscp::DF));
        }
    }
    Json::array(rules).to_document().into_bytes()
}

fn rule(vlan: &Json, service: Option<Service>, dscp: Dscp) -> Json {
    let protocol = match service.map(|service| service.protocol) {
        None => "ANY",
        Some(Protocol::Udp) => "UDP",
        Some(Protocol::Tcp) => "TCP",
    };
    let mut members = vec![
        ("vlan".to_owned(), vlan.clone()),
        ("protocol".to_owned(), Json::text(protocol)),
    ];
    let ports = service.map(|service| [service.src, service.dst]);
    let sides = [["srcPort", "srcPortRange"], ["dstPort", "dstPortRange"]];
    for (ports, [one, many]) in ports.into_iter().flatten().zip(sides) {
        members.extend(ports.map(|range| match range.count() {
            1 => (one.to_owned(), Json::Integer(range.first().into())),
            _ => (many.to_owned(), Json::text(range.to_string())),
        }));
    }
    members.push(("dscp".to_owned(), Json::Integer(dscp.value().into())));
    Json::Object(members)
}

fn read(text: &str) -> Result<Policy, String> {
    let mut rules: Vec<(Dscp, Term)> = Vec::new();
    let (mut vlans, mut reset): (Vec<String>, bool) = (Vec::new(), false);
    let mut service = None;
    let mut first = true;
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = || format!("line {number} is not one that is written here");
        let line = line.trim().trim_end_matches(',');
        if matches!(line, "[" | "]" | "{" | "}" | "[]") {
            continue;
        }
        let (key, value) = line.split_once(": ").ok_or_else(wrong)?;
        let value = value.trim_matches('"');
        match key.trim_matches('"') {
            "vlan" => {
                if value != "null" && vlans.iter().all(|vlan| vlan != value) {
                    is_vlan(value).map_err(|_| wrong())?;
                    vlans.push(value.to_owned());
                }
                first = vlans.len() < 2;
            }
            "protocol" => {
                service = values::protocol(&value.to_ascii_lowercase()).map(|protocol| Service {
                    protocol,
                    src: None,
                    dst: None,
                });
                reset |= service.is_none();
            }
            side @ ("srcPort" | "srcPortRange" | "dstPort" | "dstPortRange") => {
                let ports = values::ports(value, '-').ok_or_else(wrong)?;
                let service = service.as_mut().ok_or_else(wrong)?;
                if side.starts_with("src") {
                    service.src = Some(ports);
                } else {
                    service.dst = Some(ports);
                }
            }
            "dscp" => {
                let dscp = Unit::Number.read(value).ok_or_else(wrong)?;
                let services: Vec<Service> = service.take().into_iter().collect();
                if first && !services.is_empty() {
                    let (src, dst) = (Vec::new(), Vec::new());
                    rules.push((dscp, Term { src, dst, services }));
                }
            }
            _ => return Err(wrong()),
        }
    }
    if rules.is_empty() && !reset {
        return Err("there is no rule".to_owned());
    }
    let mut policy = Policy::from_rules("", [rules.clone(), rules]);
    (policy.reset, policy.interfaces) = (reset, vlans);
    let again = document(&policy);
    same(text, &again, policy)
}

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let url = "https://api.meraki.com/api/v1/networks/NETWORK/switch/qosRules";
    let mut notes = vec![
        "Rules hold for the whole network; the first that takes a packet marks it. New ones come last: `PUT` to `qosRules/order` moves them before others.".to_owned(),
        "The dashboard counts no packets by rule; a capture at the next hop shows the marks.".to_owned(),
        "Routers and access points (MX, MR) take single ports only in their rules, so nothing is written for them; access points keep the marks that switches and clients set.".to_owned(),
    ];
    if policy.interfaces.is_empty() {
        notes.push(format!(
            "The rules are for every VLAN. Name those of `{}` in the option `access` (`access = [\"{}=110\"]`) and compile again to keep them there; `unplanned` has no effect before.",
            section.scope, section.scope
        ));
    }
    Words {
        place: "a computer with curl and jq; the network's id for NETWORK, a key of the dashboard in `KEY`".to_owned(),
        commands: vec![
            format!("curl -s -H \"Authorization: Bearer $KEY\" {url} > qosRules-before.json"),
            format!(
                "jq -c '.[]' {folder}/apply.json | while read -r rule; do curl -s -X POST -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' -d \"$rule\" {url}; done"
            ),
        ],
        check: vec![format!("a `GET` of `{url}` lists the rules in their order")],
        undo: vec![format!(
            "`DELETE` of `qosRules/ID` for each rule that a `GET` lists with the values of one in `{folder}/undo.json`; those in `qosRules-before.json` stay"
        )],
        notes,
    }
}
