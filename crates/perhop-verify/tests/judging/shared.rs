//! The shared captures, with the plan that their generator had.
//!
//! `injected.json` says what was put in; every label has to get its verdict, and nothing else a verdict against it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use perhop_policy::{FileId, PolicySet, Vantage};
use perhop_verify::flow::Flow;
use perhop_verify::report::Report;
use perhop_verify::tolerance::Tolerances;
use perhop_verify::verdict::{Shape, Verdict};
use serde_json::Value;

use crate::fixture::{causes, dscp};
use crate::read;

const PLAN: &str = r#"
plan = "lync"
platforms = ["lync-2013"]

[class]
audio = { dscp = 46 }
video = { dscp = 34 }
app-sharing = { dscp = 24 }

[clients.ports]
audio = "20000-20039"
video = "20040-20079"
app-sharing = "42000-42039"

[servers.ports]
audio = "49152-57499"
video = "57501-65534"
app-sharing = "40803-49150"

[edge]
internal = ["192.0.2.10"]

[[allow]]
code = "plan/not-contiguous"
reason = "the generator's ranges"
"#;

fn policy() -> PolicySet {
    let loaded = perhop_plan::load(FileId(0), PLAN);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

fn synthetic() -> PathBuf {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    PathBuf::from(workspace).join("captures/synthetic")
}

/// Flows and report of a shared capture; `None` when the captures are not here.
fn capture(name: &str, policy: &PolicySet) -> Option<(Vec<Flow>, Report)> {
    let Ok(bytes) = std::fs::read(synthetic().join(name)) else {
        eprintln!("skipped: no shared capture `{name}`");
        return None;
    };
    let tolerances = Tolerances::default();
    Some(read::judged(&bytes, policy, Vantage::Path, &tolerances))
}

/// What was put into a capture, by the flow's name.
fn injected(name: &str) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(synthetic().join("injected.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let streams = all[name].as_array().unwrap();
    streams
        .iter()
        .map(|stream| {
            let end = |host: &str, port: &str| {
                let address: std::net::IpAddr = stream[host].as_str().unwrap().parse().unwrap();
                let port = u16::try_from(stream[port].as_u64().unwrap()).unwrap();
                std::net::SocketAddr::new(address, port)
            };
            let proto = stream["proto"].as_str().unwrap();
            let (src, dst) = (end("src", "sport"), end("dst", "dport"));
            (format!("{proto} {src} > {dst}"), stream.clone())
        })
        .collect()
}

/// The verdict of a label.
fn expected(label: &str) -> Verdict {
    match label.split(',').next().unwrap() {
        "ok" => Verdict::Ok,
        "unmarked" | "unmarked-return" => Verdict::Unmarked,
        "wrong-dscp-40" | "video-marked-as-audio" => Verdict::Remarked,
        "out-of-range-port-marked" | "out-of-range-port-unmarked" => Verdict::OutOfRange,
        label if label.starts_with("remarked-") || label.starts_with("mixed-") => Verdict::Mixed,
        label => panic!("a label without a verdict: {label}"),
    }
}

fn every_label_gets_its_verdict(name: &str) {
    let policy = policy();
    let Some((flows, report)) = capture(name, &policy) else {
        return;
    };
    let mut injected = injected(name);
    for (flow, one) in flows.iter().zip(report.flows.iter()) {
        let wanted = injected
            .remove(&flow.key.to_string())
            .map(|stream| expected(stream["label"].as_str().unwrap()));
        match wanted {
            Some(wanted) => assert_eq!(one.verdict, wanted, "{}: {one:#?}", flow.key),
            None => assert!(
                matches!(one.verdict, Verdict::Ok | Verdict::Unplanned),
                "{}: {one:#?}",
                flow.key
            ),
        }
    }
    assert!(injected.is_empty(), "not seen: {:?}", injected.keys());
}

/// Cause by cause: what the labels of the main scenario come to.
const MAIN: [(&str, &str, &[&str]); 10] = [
    ("verify/mixed", "path-changed", &["10.17.0.13:20006"]),
    ("verify/mixed", "several-paths", &["10.66.0.14:20008"]),
    ("verify/mixed", "path-changed", &["10.167.0.20:20044"]),
    (
        "verify/out-of-range",
        "ranges-not-enforced",
        &["10.127.0.16:33333", "10.31.0.15:31000"],
    ),
    (
        "verify/remarked",
        "phone-default-mark",
        &["10.195.0.17:20010"],
    ),
    ("verify/remarked", "classes-swapped", &["10.121.0.19:20042"]),
    ("verify/unmarked", "one-direction", &["10.250.0.1:49200"]),
    ("verify/unmarked", "one-direction", &["10.250.0.3:58000"]),
    (
        "verify/unmarked",
        "another-process-or-adapter",
        &["10.196.0.12:20016"],
    ),
    (
        "verify/unmarked",
        "policy-not-on-host",
        &["[2001:db8:35c0::11]:20046"],
    ),
];

#[test]
fn the_main_scenario() {
    every_label_gets_its_verdict("qos-eth.pcap");
    let policy = policy();
    let Some((flows, report)) = capture("qos-eth.pcap", &policy) else {
        return;
    };
    let mut found: Vec<(&str, &str, Vec<String>)> = report
        .findings
        .iter()
        .map(|finding| {
            let mut senders: Vec<String> = finding
                .flows
                .iter()
                .map(|at| flows[*at].key.src_endpoint().to_string())
                .collect();
            senders.sort();
            (finding.code, finding.cause.name, senders)
        })
        .collect();
    found.sort();
    let mut wanted: Vec<(&str, &str, Vec<String>)> = MAIN
        .iter()
        .map(|(code, cause, senders)| {
            (
                *code,
                *cause,
                senders.iter().map(|one| (*one).to_owned()).collect(),
            )
        })
        .collect();
    wanted.sort();
    assert_eq!(found, wanted);
    let changed = |source: &str| {
        let at = flows
            .iter()
            .position(|flow| flow.key.src_endpoint().to_string() == source);
        report.flows[at.unwrap()].shape
    };
    assert_eq!(
        changed("10.17.0.13:20006"),
        Shape::Changed {
            at: 120,
            from: dscp(46),
            to: dscp(0)
        }
    );
    assert_eq!(
        changed("10.167.0.20:20044"),
        Shape::Changed {
            at: 80,
            from: dscp(34),
            to: dscp(26)
        }
    );
    assert_eq!(changed("10.66.0.14:20008"), Shape::Interleaved);
}

/// The same traffic cut to 96 bytes in a VLAN is judged the same.
#[test]
fn a_snap_length_changes_nothing() {
    every_label_gets_its_verdict("qos-snap96.pcap");
    let policy = policy();
    let (Some((_, whole)), Some((_, cut))) = (
        capture("qos-eth.pcap", &policy),
        capture("qos-snap96.pcap", &policy),
    ) else {
        return;
    };
    assert_eq!(cut.flows, whole.flows);
    assert_eq!(cut.findings, whole.findings);
    assert_eq!(cut.totals, whole.totals);
}

#[test]
fn what_a_router_does_between_two_points() {
    let policy = policy();
    let Some((_, before)) = capture("points-A.pcap", &policy) else {
        return;
    };
    assert_eq!(causes(&before), [("verify/unmarked", "policy-not-on-host")]);
    let Some((flows, after)) = capture("points-B.pcap", &policy) else {
        return;
    };
    assert_eq!(
        causes(&after),
        [
            ("verify/unmarked", "policy-not-on-host"),
            ("verify/mixed", "path-changed"),
            ("verify/remarked", "tos-precedence-remarked"),
        ]
    );
    let remarked = &after.findings[2];
    assert!(
        remarked
            .message
            .contains("carry 26 (AF31) instead of 34 (AF41)")
    );
    let marked_on_the_way = flows
        .iter()
        .position(|flow| flow.key.src_port == 20006)
        .unwrap();
    assert_eq!(after.flows[marked_on_the_way].verdict, Verdict::Ok);
}

/// Whether a capture has packets with a mark inside and 0 in the outermost header, by its ground truth.
fn has_zero_outside(name: &str) -> bool {
    let path = synthetic().join(format!("{name}.truth.json"));
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    truth["flows"].as_array().unwrap().iter().any(|flow| {
        let marked = ["46", "34"]
            .iter()
            .any(|mark| flow["dscp"].get(mark).is_some());
        // What is 0 inside and outside was copied.
        let zeros = |key: &str| flow[key]["0"].as_u64().unwrap_or(0);
        marked && zeros("dscp_outer") > zeros("dscp")
    })
}

/// The four streams in every link type and encapsulation: two as planned, one unmarked, one changed.
#[test]
fn encapsulations_do_not_change_verdicts() {
    let policy = policy();
    let mut seen = 0;
    let Ok(entries) = std::fs::read_dir(synthetic()) else {
        eprintln!("skipped: no shared captures");
        return;
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".pcap") || name.ends_with(".pcapng"))
        .filter(|name| {
            ["lt-", "enc-", "fmt-", "ip-"]
                .iter()
                .any(|kind| name.starts_with(kind))
        })
        .collect();
    names.sort();
    for name in names {
        let Some((flows, report)) = capture(&name, &policy) else {
            return;
        };
        let injected = injected(&name);
        for (flow, one) in flows.iter().zip(report.flows.iter()) {
            let Some(stream) = injected.get(&flow.key.to_string()) else {
                continue;
            };
            let label = stream["label"].as_str().unwrap();
            assert_eq!(
                one.verdict,
                expected(label),
                "{name} {}: {one:#?}",
                flow.key
            );
            seen += 1;
        }
        let hides = report
            .findings
            .iter()
            .any(|finding| finding.code == "verify/tunnel-hides-mark");
        let mirror = name.contains("erspan");
        assert_eq!(hides, has_zero_outside(&name) && !mirror, "{name}");
    }
    assert!(seen > 100, "only {seen} streams");
}
