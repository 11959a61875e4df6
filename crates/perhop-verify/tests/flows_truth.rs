//! Every flow of every shared capture against tshark's count of it.
#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it does not expect"
)]

mod support;

use std::collections::BTreeMap;
use std::net::IpAddr;

use perhop_verify::engine::{Config, Flows};
use perhop_verify::flow::{DscpCounts, FlowKey};
use serde_json::Value;
use support::{Case, captures, cases, run, run_first};

/// Source, destination, protocol, ports; no ports for later fragments.
type Key = (String, String, String, Option<(u16, u16)>);

#[derive(Debug, PartialEq, Eq, Clone, Default)]
struct Row {
    packets: u64,
    dscp: BTreeMap<u8, u64>,
    outer: BTreeMap<u8, u64>,
    changes: Option<u64>,
    ce: Option<u64>,
    /// Microseconds.
    time: Option<(i64, i64)>,
}

fn counts(value: &Value) -> BTreeMap<u8, u64> {
    let entries = value.as_object().unwrap().iter();
    entries
        .map(|(dscp, n)| (dscp.parse().unwrap(), n.as_u64().unwrap()))
        .collect()
}

fn micros(value: &Value) -> i64 {
    (value.as_f64().unwrap() * 1e6).round() as i64
}

fn truth(case: &Case) -> BTreeMap<Key, Row> {
    let mut rows = BTreeMap::new();
    for flow in case.truth["flows"].as_array().unwrap() {
        let text = |name: &str| flow[name].as_str().unwrap().to_owned();
        let port = |name: &str| flow[name].as_u64().map(|port| port as u16);
        let ports = port("sport").zip(port("dport"));
        let row = Row {
            packets: flow["packets"].as_u64().unwrap(),
            dscp: counts(&flow["dscp"]),
            outer: counts(&flow["dscp_outer"]),
            changes: ports.and(flow["dscp_changes"].as_u64()),
            ce: ports.and(flow["ce"].as_u64()),
            time: ports.map(|_| (micros(&flow["first"]), micros(&flow["last"]))),
        };
        rows.insert((text("src"), text("dst"), text("proto"), ports), row);
    }
    rows
}

fn ours(flows: &Flows) -> BTreeMap<Key, Row> {
    let mut rows: BTreeMap<Key, Row> = BTreeMap::new();
    let table = |counts: &DscpCounts| counts.iter().map(|(dscp, n)| (dscp.value(), n)).collect();
    for flow in &flows.flows {
        let key = key(flow.key, true);
        let row = Row {
            packets: flow.packets,
            dscp: table(&flow.dscp),
            outer: table(&flow.outer_dscp),
            changes: key.3.map(|_| flow.dscp_changes),
            ce: key.3.map(|_| flow.ce),
            time: key
                .3
                .map(|_| ((flow.first + 500) / 1000, (flow.last + 500) / 1000)),
        };
        rows.insert(key, row);
    }
    for row in &flows.fragments {
        let tuple = FlowKey {
            src: row.src,
            dst: row.dst,
            protocol: row.protocol,
            src_port: 0,
            dst_port: 0,
        };
        let known = rows.entry(key(tuple, false)).or_default();
        known.packets += row.counts.packets;
        for (dscp, packets) in row.counts.dscp.iter() {
            *known.dscp.entry(dscp.value()).or_default() += packets;
        }
    }
    rows
}

/// tshark's names: what has no ports is `ip-` and the number in IPv4, `ip6-other` in IPv6.
fn key(key: FlowKey, has_ports: bool) -> Key {
    let named = matches!(key.protocol, 1 | 6 | 17 | 58) && has_ports;
    let name = match key.src {
        _ if named => key.protocol_name(),
        IpAddr::V4(_) => format!("ip-{}", key.protocol),
        IpAddr::V6(_) => "ip6-other".to_owned(),
    };
    let ports = named.then_some((key.src_port, key.dst_port));
    (key.src.to_string(), key.dst.to_string(), name, ports)
}

/// The same, times within the microsecond that tshark's rounding costs.
fn agree(one: &Row, other: &Row) -> bool {
    let near = |one: i64, other: i64| (one - other).abs() <= 1;
    let times = match (one.time, other.time) {
        (Some(one), Some(other)) => near(one.0, other.0) && near(one.1, other.1),
        (one, other) => one == other,
    };
    let rest = |row: &Row| Row {
        time: None,
        ..row.clone()
    };
    times && rest(one) == rest(other)
}

fn differences(case: &Case) -> Vec<String> {
    let total = case.truth["packets"].as_u64().unwrap();
    let flows = if case.name.starts_with("bad-") {
        // tshark stops at the first damage, the reader goes on behind it
        run_first(&Config::default(), &case.capture, total)
    } else {
        run(&Config::default(), &case.capture)
    };
    let (truth, mut ours) = (truth(case), ours(&flows));
    let mut found = Vec::new();
    let read = flows.totals.packets;
    if read != total {
        found.push(format!("packets: {total} by tshark, {read} here"));
    }
    let undecoded = flows.totals.undecoded_packets();
    let non_ip = case.truth["non_ip_packets"].as_u64().unwrap();
    if undecoded != non_ip {
        found.push(format!("not IP: {non_ip} by tshark, {undecoded} here"));
    }
    for (key, row) in truth {
        match ours.remove(&key) {
            Some(own) if agree(&own, &row) => {}
            Some(own) => found.push(format!("{key:?}\n    tshark {row:?}\n    here   {own:?}")),
            None => found.push(format!("{key:?} only tshark: {row:?}")),
        }
    }
    found.extend(
        ours.iter()
            .map(|(key, row)| format!("{key:?} only here: {row:?}")),
    );
    found
}

fn check(folder: &str, explained: &[(&str, usize, &str)]) {
    let Some(captures) = captures() else { return };
    let mut failed = String::new();
    for case in cases(&captures.join(folder)) {
        let found = differences(&case);
        let allowed = explained.iter().find(|(name, ..)| *name == case.name);
        if found.len() != allowed.map_or(0, |(_, count, _)| *count) {
            failed += &format!(
                "{}: {} differences\n  {}\n",
                case.name,
                found.len(),
                found.join("\n  ")
            );
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn every_synthetic_flow_is_tsharks() {
    const ORDER: &str =
        "tshark gives the first and last packet's time, the engine the earliest and latest";
    const NO_TIME: &str = "a packet without a time has the time 0 for tshark";
    check(
        "synthetic",
        &[
            ("bad-bitflips.pcap", 3, ORDER),
            ("fmt-ng-multi-if-tsresol.pcapng", 2, ORDER),
            ("fmt-ng-spb-opb.pcapng", 4, NO_TIME),
        ],
    );
}

#[test]
fn every_third_party_flow_is_tsharks() {
    const CUSTOM: &str = "tshark counts custom blocks as packets";
    const NO_TIME: &str = "a packet without a time has the time 0 for tshark";
    check(
        "third-party",
        &[
            ("gopacket__le-test017.pcapng", 2, CUSTOM),
            ("gopacket__le-test018.pcapng", 2, CUSTOM),
            ("gopacket__le-test101.pcapng", 1, NO_TIME),
            ("gopacket__le-test102.pcapng", 3, "both"),
            ("gopacket__le-test201.pcapng", 1, NO_TIME),
            ("gopacket__le-test202.pcapng", 3, "both"),
        ],
    );
}
