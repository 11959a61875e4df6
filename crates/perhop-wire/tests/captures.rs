//! Every shared capture, flow by flow, against what tshark says is in it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input must fail"
)]

#[path = "support/reading.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use perhop_wire::field::Ecn;
use perhop_wire::packet::{Addresses, Fragment, Observation, Transport, dissect};
use serde_json::Value;
use support::{Contents, Owned};

/// A unidirectional flow as the truth files name it: source, destination, protocol, ports.
type Key = (String, String, String, Option<u16>, Option<u16>);

#[derive(Debug, Default, Clone, PartialEq)]
struct Flow {
    packets: u64,
    frame_bytes: u64,
    dscp: BTreeMap<u8, u64>,
    dscp_outer: BTreeMap<u8, u64>,
    dscp_changes: u64,
    ce: u64,
    /// Microseconds since 1970, rounded; 0 for a packet without a time.
    first: i64,
    last: i64,
    last_dscp: Option<u8>,
}

#[derive(Debug, Default, PartialEq)]
struct Seen {
    packets: u64,
    non_ip: u64,
    flows: BTreeMap<Key, Flow>,
}

fn key(seen: &Observation<'_>) -> Key {
    let v4 = matches!(seen.addresses, Addresses::V4 { .. });
    let (proto, ports) = match (seen.transport, seen.protocol, seen.fragment) {
        (Transport::Udp { src_port, dst_port }, ..) => {
            ("udp".to_owned(), Some((src_port, dst_port)))
        }
        (
            Transport::Tcp {
                src_port, dst_port, ..
            },
            ..,
        ) => ("tcp".to_owned(), Some((src_port, dst_port))),
        (_, 1, Fragment::Whole | Fragment::First) if v4 => ("icmp".to_owned(), Some((0, 0))),
        (_, 58, Fragment::Whole | Fragment::First) if !v4 => ("icmpv6".to_owned(), Some((0, 0))),
        (_, protocol, _) if v4 => (format!("ip-{protocol}"), None),
        _ => ("ip6-other".to_owned(), None),
    };
    (
        seen.addresses.src().to_string(),
        seen.addresses.dst().to_string(),
        proto,
        ports.map(|ports| ports.0),
        ports.map(|ports| ports.1),
    )
}

fn measure(packets: &[Owned]) -> Seen {
    let mut all = Seen::default();
    for packet in packets {
        all.packets += 1;
        let Ok(seen) = dissect(packet.link, &packet.data, packet.wire_len) else {
            all.non_ip += 1;
            continue;
        };
        let time = packet.time_ns.map_or(0, |ns| (ns + 500) / 1000);
        let flow = all.flows.entry(key(&seen)).or_default();
        if flow.packets == 0 {
            flow.first = time;
        }
        flow.last = time;
        flow.packets += 1;
        flow.frame_bytes += u64::from(packet.wire_len);
        let dscp = seen.ds.dscp().value();
        *flow.dscp.entry(dscp).or_default() += 1;
        if let Some(outer) = seen.outer {
            *flow.dscp_outer.entry(outer.ds.dscp().value()).or_default() += 1;
        }
        if flow.last_dscp.is_some_and(|last| last != dscp) {
            flow.dscp_changes += 1;
        }
        flow.last_dscp = Some(dscp);
        flow.ce += u64::from(seen.ds.ecn() == Ecn::Ce);
    }
    for flow in all.flows.values_mut() {
        flow.last_dscp = None;
    }
    all
}

fn truth(value: &Value) -> Seen {
    let number = |value: &Value, name: &str| value[name].as_u64().unwrap();
    let histogram = |value: &Value| {
        let counts = value.as_object().unwrap().iter();
        counts
            .map(|(dscp, count)| (dscp.parse().unwrap(), count.as_u64().unwrap()))
            .collect()
    };
    let port = |value: &Value| value.as_u64().map(|port| u16::try_from(port).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let micros = |value: &Value| (value.as_f64().unwrap() * 1e6).round() as i64;
    let flows = value["flows"].as_array().unwrap().iter().map(|flow| {
        let key = (
            text(&flow["src"]),
            text(&flow["dst"]),
            text(&flow["proto"]),
            port(&flow["sport"]),
            port(&flow["dport"]),
        );
        let measured = Flow {
            packets: number(flow, "packets"),
            frame_bytes: number(flow, "frame_bytes"),
            dscp: histogram(&flow["dscp"]),
            dscp_outer: histogram(&flow["dscp_outer"]),
            dscp_changes: number(flow, "dscp_changes"),
            ce: number(flow, "ce"),
            first: micros(&flow["first"]),
            last: micros(&flow["last"]),
            last_dscp: None,
        };
        (key, measured)
    });
    Seen {
        packets: number(value, "packets"),
        non_ip: number(value, "non_ip_packets"),
        flows: flows.collect(),
    }
}

/// Differences in words; times may differ by the truth's own rounding.
fn differences(ours: &Seen, theirs: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    if (ours.packets, ours.non_ip) != (theirs.packets, theirs.non_ip) {
        found.push(format!(
            "packets {} not IP {}, expected {} and {}",
            ours.packets, ours.non_ip, theirs.packets, theirs.non_ip
        ));
    }
    for (key, flow) in &ours.flows {
        match theirs.flows.get(key) {
            None => found.push(format!("only ours: {key:?} {flow:?}")),
            Some(their) => {
                let near = |a: i64, b: i64| (a - b).abs() <= 1;
                let same = Flow {
                    first: their.first,
                    last: their.last,
                    ..flow.clone()
                } == *their
                    && near(flow.first, their.first)
                    && near(flow.last, their.last);
                if !same {
                    found.push(format!("{key:?}\n    ours  {flow:?}\n    truth {their:?}"));
                }
            }
        }
    }
    for (key, flow) in &theirs.flows {
        if !ours.flows.contains_key(key) {
            found.push(format!("only in the truth: {key:?} {flow:?}"));
        }
    }
    found
}

fn is_compressed(name: &str) -> bool {
    [".gz", ".zst", ".lz4"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// All captures with a truth beside them that are not compressed: name, contents, truth.
fn captures(folder: &Path) -> Vec<(String, Contents, Value)> {
    let mut found = Vec::new();
    for part in ["synthetic", "third-party"] {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder.join(part))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        for path in paths {
            let file = path.file_name().unwrap().to_str().unwrap();
            let Some(name) = file.strip_suffix(".truth.json") else {
                continue;
            };
            if is_compressed(name) {
                continue;
            }
            let capture = fs::read(path.with_file_name(name)).unwrap();
            let truth = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            found.push((format!("{part}/{name}"), support::read(&capture), truth));
        }
    }
    found
}

/// Where this reader and tshark differ for a reason: capture, what the difference says, the reason.
const EXPLAINED: [(&str, &str, &str); 5] = [
    (
        "synthetic/bad-bitflips.pcap",
        "frame_bytes: 7946",
        "a flipped bit makes one wire length less than the captured length: the larger of the two counts here",
    ),
    (
        "third-party/gopacket__le-test017.pcapng",
        "packets 0 not IP 0, expected 4 and 4",
        "tshark counts custom blocks as packets",
    ),
    (
        "third-party/gopacket__le-test018.pcapng",
        "packets 4 not IP 0, expected 8 and 4",
        "tshark counts custom blocks as packets",
    ),
    (
        "third-party/gopacket__le-test102.pcapng",
        "packets 5 not IP 0, expected 8 and 3",
        "tshark counts custom blocks as packets",
    ),
    (
        "third-party/gopacket__le-test202.pcapng",
        "packets 8 not IP 0, expected 11 and 3",
        "tshark counts custom blocks as packets",
    ),
];

#[test]
fn flows_agree_with_tshark() {
    let Some(folder) = support::shared_captures() else {
        return;
    };
    let mut wrong = Vec::new();
    let mut explained = [false; EXPLAINED.len()];
    let captures = captures(&folder);
    assert!(captures.len() > 100, "too few captures to mean anything");
    for (name, contents, value) in captures {
        for difference in differences(&measure(contents.before_damage()), &truth(&value)) {
            let reason = EXPLAINED
                .iter()
                .position(|(capture, text, _)| *capture == name && difference.contains(text));
            match reason {
                Some(number) => explained[number] = true,
                None => wrong.push(format!("{name}: {difference}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        explained,
        [true; EXPLAINED.len()],
        "an explanation explains nothing"
    );
}

/// Every fault in the shared captures: capture, message, packets read in spite of it.
const FAULTS: [(&str, &str, usize); 12] = [
    (
        "synthetic/bad-bitflips.pcap",
        "at byte 71171, packet 130: the record says 5308630 bytes were captured, the limit is 262144",
        163,
    ),
    (
        "synthetic/bad-bitflips.pcap",
        "at byte 77841, packet 158: the record says 1191182550 bytes were captured, the limit is 262144",
        163,
    ),
    (
        "synthetic/bad-empty.pcap",
        "the capture is empty, it has not even a header",
        0,
    ),
    (
        "synthetic/bad-huge-caplen.pcap",
        "at byte 33486, packet 41: the record says 2147483647 bytes were captured, the limit is 262144",
        164,
    ),
    (
        "synthetic/bad-ng-blocklen.pcapng",
        "at byte 48, packet 1: interface option 29797 with a length of 12392 bytes, its block has 12",
        165,
    ),
    (
        "synthetic/bad-ng-truncated.pcapng",
        "at byte 84384, packet 166: the capture ends in a block: 3 of 8 bytes",
        165,
    ),
    (
        "synthetic/bad-not-a-capture.pcap",
        "neither pcap nor pcapng: it begins with 9b b8 ef 79",
        0,
    ),
    (
        "synthetic/bad-short-header.pcap",
        "at byte 0, packet 1: the capture ends in its header: 11 of 24 bytes",
        0,
    ),
    (
        "synthetic/bad-truncated-midheader.pcap",
        "at byte 39432, packet 49: the capture ends in a record: 293 of 1240 bytes",
        48,
    ),
    (
        "synthetic/bad-truncated-midrecord.pcap",
        "at byte 79221, packet 165: the capture ends in a record: 193 of 230 bytes",
        164,
    ),
    (
        "synthetic/bad-zero-caplen-desync.pcap",
        "at byte 33502, packet 42: the record says 33554432 bytes were captured, the limit is 262144",
        165,
    ),
    (
        "third-party/gopacket__le-test901.pcapng",
        "at byte 480, packet 2: section of version 2.0, expected 1.x",
        1,
    ),
];

#[test]
fn faults_are_told_to_the_byte() {
    let Some(folder) = support::shared_captures() else {
        return;
    };
    let mut found = Vec::new();
    for (name, contents, _) in captures(&folder) {
        for (_, error) in &contents.errors {
            found.push((name.clone(), error.to_string(), contents.packets.len()));
        }
    }
    let found: Vec<_> = found
        .iter()
        .map(|(name, error, packets)| (name.as_str(), error.as_str(), *packets))
        .collect();
    assert_eq!(found, FAULTS);
}

/// The damaged files were made from this one, record for record.
#[test]
fn what_follows_the_damage_is_read() {
    let Some(folder) = support::shared_captures() else {
        return;
    };
    let folder = folder.join("synthetic");
    let open = |name: &str| support::read(&fs::read(folder.join(name)).unwrap());
    let whole = open("fmt-le-us.pcap").packets;
    for (name, damaged, lost) in [
        ("bad-huge-caplen.pcap", 40, 230),
        ("bad-zero-caplen-desync.pcap", 40, 214),
    ] {
        let contents = open(name);
        assert_eq!(contents.packets[..damaged], whole[..damaged], "{name}");
        let after = &whole[damaged + 1..];
        assert!(contents.packets.ends_with(after), "{name}");
        assert_eq!(contents.resynchronised, [(33716, lost)], "{name}");
    }
    let cut = open("bad-truncated-midrecord.pcap").packets;
    assert_eq!(cut, whole[..cut.len()]);
    // The lie hides the resolution of the clock: the packets are there, their times are not.
    let untimed = open("bad-ng-blocklen.pcapng").packets;
    assert!(untimed.iter().all(|packet| packet.time_ns.is_none()));
    let data = |packets: Vec<Owned>| packets.into_iter().map(|packet| packet.data);
    assert!(data(untimed).eq(data(open("fmt-ng-le.pcapng").packets)));
}
