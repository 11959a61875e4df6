//! Rules of Meraki switches, as the dashboard's interface gives and takes them: an array of objects, the first that takes a
//! packet marking it.
//!
//! Those of routers and access points name ports without a side and applications by Meraki's own numbers. They are listed.

use perhop_policy::{Dscp, PortRange, Protocol};
use perhop_targets::network::model::Service;
use serde_json::{Map, Value};

use crate::fact::{Fact, NetMark, Syntax, What};
use crate::finding::Layer;
use crate::place::Place;
use crate::policy::values::range;
use crate::reading::{FileRead, Format};

/// The list that the rules of a network are.
const LIST: &str = "switch rules";
/// Members of a rule.
const KNOWN: [&str; 8] = [
    "id",
    "vlan",
    "protocol",
    "srcPort",
    "srcPortRange",
    "dstPort",
    "dstPortRange",
    "dscp",
];

/// Reads rules; `None` for JSON that is none.
pub(crate) fn json(index: usize, name: &str, value: &Value) -> Option<FileRead> {
    let mut file = FileRead::new(name, Format::MerakiJson);
    let place = |at: String| Place::whole(index).with_path(at);
    if let Some(rules) = value.as_array() {
        let is_rule = |one: &Value| one.get("protocol").is_some() && one.get("dscp").is_some();
        if rules.is_empty() || !rules.iter().all(is_rule) {
            return None;
        }
        for (at, item) in rules.iter().enumerate() {
            let place = place(format!("[{at}]"));
            match rule(at, item) {
                Ok(mark) => file.facts.push(Fact {
                    place,
                    layer: Layer::Match,
                    what: What::Mark(mark),
                }),
                Err(why) => file.leave(place, item.to_string(), why),
            }
        }
        return Some(file);
    }
    let rules = value.get("rules")?.as_array()?;
    let is_rule = |one: &Value| one.get("definitions").is_some();
    if rules.is_empty() || !rules.iter().all(is_rule) {
        return None;
    }
    for (at, item) in rules.iter().enumerate() {
        if item["dscpTagValue"].is_null() {
            continue;
        }
        file.leave(
            place(format!("rules[{at}]")),
            item.to_string(),
            "rules of routers and access points name ports without a side",
        );
    }
    Some(file)
}

fn rule(at: usize, item: &Value) -> Result<NetMark, &'static str> {
    let rule = item.as_object().ok_or("not a rule")?;
    if rule.keys().any(|key| !KNOWN.contains(&key.as_str())) {
        return Err("it has a member that is not known");
    }
    let dscp = match rule["dscp"].as_i64() {
        // The mark that packets come with is believed.
        Some(-1) => None,
        Some(number) => {
            let dscp = u8::try_from(number).ok().and_then(Dscp::try_new);
            Some(dscp.ok_or("its mark is no DSCP")?)
        }
        None => return Err("its mark is no number"),
    };
    let protocols = match rule["protocol"].as_str() {
        Some("ANY") => &[Protocol::Udp, Protocol::Tcp][..],
        Some("UDP") => &[Protocol::Udp],
        Some("TCP") => &[Protocol::Tcp],
        _ => return Err("its protocol is none of ANY, UDP and TCP"),
    };
    let src = ports(rule, ["srcPort", "srcPortRange"])?;
    let dst = ports(rule, ["dstPort", "dstPortRange"])?;
    let every = protocols.len() == 2 && (src, dst) == (None, None);
    let class = match rule.get("id").and_then(Value::as_str) {
        Some(id) => format!("rule {} ({})", at + 1, crate::reading::shortened(id)),
        None => format!("rule {}", at + 1),
    };
    let vlan = match rule.get("vlan") {
        None | Some(Value::Null) => None,
        Some(vlan) => {
            let number = number(vlan).filter(|vlan| (1..=4094).contains(vlan));
            Some(number.ok_or("its VLAN is no number from 1 to 4094")?)
        }
    };
    Ok(NetMark {
        services: protocols
            .iter()
            .filter(|_| !every)
            .map(|protocol| Service {
                protocol: *protocol,
                src,
                dst,
            })
            .collect(),
        interfaces: vlan.iter().map(u16::to_string).collect(),
        ..NetMark::new(Syntax::Meraki, LIST, &class, dscp)
    })
}

/// One port, a range, or none of both.
fn ports(
    rule: &Map<String, Value>,
    [one, many]: [&str; 2],
) -> Result<Option<PortRange>, &'static str> {
    let there = |key: &str| {
        let value = rule.get(key)?;
        (!value.is_null() && *value != "").then_some(value)
    };
    let found = match (there(one), there(many)) {
        (None, None) => return Ok(None),
        (Some(port), None) => number(port).filter(|port| *port > 0).map(PortRange::single),
        (None, Some(ports)) => ports.as_str().and_then(|text| range(text, '-')),
        (Some(_), Some(_)) => return Err("it has a port and a range on one side"),
    };
    found.map(Some).ok_or("its ports are not understood")
}

/// A number, or a text of one.
fn number(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => u16::try_from(other.as_u64()?).ok(),
    }
}
