//! Settings of NetworkQoSPolicy: profiles of Intune as JSON or as a list, and SyncML (windows-qos 5.1).

use perhop_policy::{
    AppMatch, Dscp, DstPorts, PortMatch, Protocol, ProtocolMatch, Severity, SrcPorts,
};
use serde_json::Value;

use crate::codes;
use crate::fact::{Fact, What};
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::policy::values::{range, tos};
use crate::policy::{Form, HostPolicy, Raw};
use crate::reading::{FileRead, Format};
use crate::registry::backup::parse;
use crate::shell::csv;
use crate::text::unescaped;

/// One setting: its whole address, data and place.
struct Node {
    uri: String,
    data: String,
    place: Place,
}

/// A profile as Microsoft Graph gives it, or a list of profiles.
pub(crate) fn json(index: usize, name: &str, value: &Value) -> Option<FileRead> {
    let profiles: Vec<(String, &Value)> = match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (format!("[{at}].omaSettings"), &item["omaSettings"]))
            .collect(),
        one => match &one["value"] {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| (format!("value[{at}].omaSettings"), &item["omaSettings"]))
                .collect(),
            _ => vec![("omaSettings".to_owned(), &one["omaSettings"])],
        },
    };
    if profiles.iter().all(|(_, settings)| !settings.is_array()) {
        return None;
    }
    let mut file = FileRead::new(name, Format::IntuneJson);
    let mut nodes = Vec::new();
    for (path, settings) in profiles {
        for (at, setting) in settings.as_array().into_iter().flatten().enumerate() {
            let place = Place::whole(index).with_path(format!("{path}[{at}]"));
            let data = match &setting["value"] {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            let uri = setting["omaUri"].as_str().unwrap_or_default().to_owned();
            nodes.push(Node { uri, data, place });
        }
    }
    facts(&mut file, nodes);
    Some(file)
}

/// The rows of a profile: name, OMA-URI, type, value.
pub(crate) fn list(index: usize, name: &str, text: &str) -> Option<FileRead> {
    let rows = csv::rows(text);
    let (_, head) = rows.first()?;
    let column = |wanted: &str| {
        head.iter()
            .position(|one| one.trim().eq_ignore_ascii_case(wanted))
    };
    let (uri, value) = (column("OMA-URI")?, column("Value"));
    let mut file = FileRead::new(name, Format::IntuneCsv);
    let Some(value) = value else {
        file.leave(
            Place::line(index, 1),
            "OMA-URI without Value",
            "a list of what to delete",
        );
        return Some(file);
    };
    let nodes = rows[1..]
        .iter()
        .filter_map(|(line, row)| {
            Some(Node {
                uri: row.get(uri)?.trim().to_owned(),
                data: row.get(value)?.trim().to_owned(),
                place: Place::line(index, *line),
            })
        })
        .collect();
    facts(&mut file, nodes);
    Some(file)
}

/// The items of a SyncML body.
pub(crate) fn syncml(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::SyncMl);
    let document = match parse(text) {
        Ok(document) => document,
        Err(problem) => {
            file.findings.push(
                Finding::new(
                    Severity::Error,
                    Layer::Delivery,
                    codes::DAMAGED,
                    format!("the XML is not well-formed: {problem}"),
                )
                .at(&Place::whole(index))
                .help("copy the file again"),
            );
            return file;
        }
    };
    let mut nodes = Vec::new();
    for item in document
        .descendants()
        .filter(|node| node.tag_name().name() == "Item")
    {
        let text = |name: &str| {
            item.descendants()
                .find(|node| node.tag_name().name() == name)
                .and_then(|node| node.text())
                .map(|text| text.trim().to_owned())
        };
        let line = document.text_pos_at(item.range().start).row as usize;
        let place = Place::line(index, line);
        let Some(uri) = text("LocURI") else { continue };
        let deleted = item
            .parent()
            .is_some_and(|above| above.tag_name().name() == "Delete");
        if deleted {
            file.facts.push(Fact {
                place,
                layer: Layer::Delivery,
                what: What::Removed {
                    what: format!("`{uri}`"),
                },
            });
            continue;
        }
        nodes.push(Node {
            uri,
            data: text("Data").unwrap_or_default(),
            place,
        });
    }
    facts(&mut file, nodes);
    file
}

fn facts(file: &mut FileRead, nodes: Vec<Node>) {
    let mut found: Vec<HostPolicy> = Vec::new();
    let mut others = 0usize;
    let mut first = None;
    for node in nodes {
        let Some((policy, leaf)) = address(&node.uri) else {
            others += 1;
            first.get_or_insert(node.place);
            continue;
        };
        let raw = Raw {
            name: leaf.to_owned(),
            data: node.data,
            kind: "setting",
            place: node.place.with_path(node.uri.clone()),
        };
        match found
            .iter_mut()
            .rev()
            .take(1000)
            .find(|one| one.name == policy)
        {
            Some(one) => one.values.push(raw),
            None => {
                let mut one = HostPolicy::new(&policy, Form::Csp);
                one.values.push(raw);
                found.push(one);
            }
        }
    }
    for mut policy in found {
        let raws = policy.values.clone();
        for raw in &raws {
            if let Some(finding) = set(&mut policy, raw) {
                file.findings.push(finding);
            }
        }
        file.facts.push(Fact {
            place: raws[0].place.clone(),
            layer: Layer::Match,
            what: What::Policy(policy),
        });
    }
    if let Some(place) = first {
        file.leave(
            place,
            format!("{others} other settings"),
            "they are not of NetworkQoSPolicy",
        );
    }
}

/// The policy's name and the setting's of an address; names are percent-encoded.
fn address(uri: &str) -> Option<(String, &str)> {
    let rest = uri.trim_start_matches('.').trim_start_matches('/');
    let head = "device/vendor/msft/networkqospolicy/";
    let alone = "vendor/msft/networkqospolicy/";
    let lower = rest.to_ascii_lowercase();
    let below = if lower.starts_with(head) {
        &rest[head.len()..]
    } else if lower.starts_with(alone) {
        &rest[alone.len()..]
    } else {
        return None;
    };
    let (policy, leaf) = below.split_once('/')?;
    Some((unescaped(policy, b'%'), leaf))
}

/// Takes a setting in; what is wrong with it comes back.
fn set(policy: &mut HostPolicy, raw: &Raw) -> Option<Finding> {
    match raw.name.as_str() {
        "AppPathNameMatchCondition" => policy.app = AppMatch::parse(&raw.data),
        "IPProtocolMatchCondition" => match raw.data.as_str() {
            "0" => policy.protocol = ProtocolMatch::Both,
            "1" => policy.protocol = ProtocolMatch::Only(Protocol::Tcp),
            "2" => policy.protocol = ProtocolMatch::Only(Protocol::Udp),
            _ => {
                return Some(wrong(
                    policy,
                    raw,
                    codes::VALUE_INVALID,
                    "0 is both, 1 TCP, 2 UDP here",
                ));
            }
        },
        "SourcePortMatchCondition" | "DestinationPortMatchCondition" => {
            let Some(ports) = range(&raw.data, '-').map(PortMatch::Range) else {
                let help = "write `20000-20039`, with a hyphen here";
                return Some(wrong(policy, raw, codes::VALUE_INVALID, help));
            };
            if raw.name.starts_with('S') {
                policy.src_ports = SrcPorts(ports);
            } else {
                policy.dst_ports = DstPorts(ports);
            }
        }
        "DSCPAction" => return set_dscp(policy, raw),
        "PriorityValue8021Action" | "PolicyStore" | "Version" => {}
        _ => {
            return Some(
                Finding::new(
                    Severity::Warning,
                    Layer::Match,
                    codes::VALUE_UNKNOWN,
                    format!(
                        "`{}` has the setting `{}`, which is not known",
                        policy.name, raw.name
                    ),
                )
                .at(&raw.place)
                .help("the settings are those of the NetworkQoSPolicy CSP"),
            );
        }
    }
    None
}

fn set_dscp(policy: &mut HostPolicy, raw: &Raw) -> Option<Finding> {
    let number: Option<u32> = raw.data.parse().ok();
    policy.dscp = number
        .and_then(|number| u8::try_from(number).ok())
        .and_then(Dscp::try_new);
    if policy.dscp.is_some() {
        return None;
    }
    Some(match number.and_then(tos) {
        Some(dscp) => {
            policy.dscp = Some(dscp);
            let help = format!("as a DSCP it is {}", dscp.value());
            wrong(policy, raw, codes::TOS_FOR_DSCP, &help)
        }
        None => wrong(
            policy,
            raw,
            codes::VALUE_INVALID,
            "give a DSCP from 0 to 63",
        ),
    })
}

/// Something for which Windows does not apply the policy.
fn wrong(policy: &mut HostPolicy, raw: &Raw, code: &'static str, help: &str) -> Finding {
    policy.sound = false;
    Finding::new(
        Severity::Error,
        Layer::Match,
        code,
        format!("`{}` of `{}` is `{}`", raw.name, policy.name, raw.data),
    )
    .at(&raw.place)
    .help(help)
}
