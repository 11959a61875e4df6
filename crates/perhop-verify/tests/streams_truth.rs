//! RTP streams of the shared captures: what was put in, an independent RFC 3550 computation, and tshark's guess.
#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it does not expect"
)]

mod support;

use std::collections::BTreeMap;

use perhop_verify::engine::{Config, Flows};
use perhop_verify::flow::Flow;
use perhop_verify::stream::Stream;
use serde_json::Value;
use support::{Case, captures, cases, named, run, run_first};

/// Source, port, destination, port, SSRC.
type Key = (String, u64, String, u64, u32);

fn key(row: &Value) -> Key {
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    let ssrc = text("ssrc").to_lowercase();
    (
        text("src"),
        row["sport"].as_u64().unwrap_or_default(),
        text("dst"),
        row["dport"].as_u64().unwrap_or_default(),
        u32::from_str_radix(ssrc.trim_start_matches("0x"), 16).unwrap(),
    )
}

fn streams(flows: &Flows) -> BTreeMap<Key, Vec<(&Flow, &Stream)>> {
    let mut found: BTreeMap<Key, Vec<(&Flow, &Stream)>> = BTreeMap::new();
    for flow in &flows.flows {
        for stream in &flow.rtp {
            let key = (
                flow.key.src.to_string(),
                u64::from(flow.key.src_port),
                flow.key.dst.to_string(),
                u64::from(flow.key.dst_port),
                stream.ssrc,
            );
            found.entry(key).or_default().push((flow, stream));
        }
    }
    found
}

/// Where a stream differs from the independent computation.
fn against_reference(stream: &Stream, row: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, ours: i64, theirs: &Value| {
        if theirs.as_i64() != Some(ours) {
            found.push(format!("{what}: {theirs} by the reference, {ours} here"));
        }
    };
    let sequence = &stream.sequence;
    same("packets", stream.packets as i64, &row["packets"]);
    same("missing", sequence.missing as i64, &row["missing_seqs"]);
    same("duplicates", sequence.duplicates as i64, &row["duplicates"]);
    same(
        "out of order",
        sequence.reordered as i64,
        &row["out_of_order"],
    );
    same(
        "lost",
        sequence.cumulative_lost,
        &row["cumulative_lost_rfc3550"],
    );
    let types = row["pts"].as_object().unwrap();
    let types: BTreeMap<u8, u64> = types
        .iter()
        .map(|(kind, count)| (kind.parse().unwrap(), count.as_u64().unwrap()))
        .collect();
    let ours: BTreeMap<u8, u64> = stream.payload_types.iter().copied().collect();
    if types != ours {
        found.push(format!(
            "payload types: {types:?} by the reference, {ours:?} here"
        ));
    }
    let clock = row["clock_assumed"].as_u64();
    match (clock, stream.clock.rate) {
        (Some(clock), Some(rate)) if clock == u64::from(rate) => {
            let Some(jitter) = stream.jitter else {
                found.push("no jitter here".to_owned());
                return found;
            };
            let mut near = |what: &str, ours: f64, theirs: &Value| {
                let theirs = theirs.as_f64().unwrap();
                if (ours - theirs).abs() > 1e-3 {
                    found.push(format!("{what}: {theirs} ms by the reference, {ours} here"));
                }
            };
            near("last jitter", jitter.last_ms, &row["jitter_last_ms"]);
            near("largest jitter", jitter.max_ms, &row["jitter_max_ms"]);
            near("mean jitter", jitter.mean_ms, &row["jitter_mean_ms"]);
        }
        (None, _) => {}
        (clock, rate) => found.push(format!("clock: {clock:?} by the reference, {rate:?} here")),
    }
    found
}

fn check_reference(folder: &str, explained: &[(&str, usize, &str)]) {
    let Some(captures) = captures() else { return };
    let mut failed = String::new();
    for case in cases(&captures.join(folder)) {
        let total = case.truth["packets"].as_u64().unwrap();
        let flows = if case.name.starts_with("bad-") {
            // tshark stops at the first damage, the reader goes on behind it
            run_first(&Config::default(), &case.capture, total)
        } else {
            run(&Config::default(), &case.capture)
        };
        let mut ours = streams(&flows);
        let mut found = Vec::new();
        for row in case.truth["rtp_streams_reference"].as_array().unwrap() {
            match ours.remove(&key(row)).as_deref() {
                Some([(_, stream)]) => {
                    let differences = against_reference(stream, row);
                    found.extend(
                        differences
                            .iter()
                            .map(|text| format!("{:?}: {text}", key(row))),
                    );
                }
                Some(several) => found.push(format!("{:?}: {} streams", key(row), several.len())),
                None => found.push(format!(
                    "{:?}: {} packets, not found",
                    key(row),
                    row["packets"]
                )),
            }
        }
        for (key, several) in ours {
            for (_, stream) in several {
                found.push(format!("{key:?}: {} packets, only here", stream.packets));
            }
        }
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
fn synthetic_streams_are_the_references() {
    const TCP: &str = "tshark does not know RTP over TCP";
    check_reference(
        "synthetic",
        &[
            (
                "bad-bitflips.pcap",
                5,
                "times jump by years: streams end and begin",
            ),
            (
                "fmt-ng-spb-opb.pcapng",
                4,
                "no jitter where packets have no time",
            ),
            ("qos-eth.pcap", 1, TCP),
            ("qos-snap96.pcap", 1, TCP),
        ],
    );
}

#[test]
fn third_party_streams_are_the_references() {
    check_reference(
        "third-party",
        &[
            (
                "arkime__gtp-iphone.pcap",
                1,
                "three packets in fragments, whose ports tshark does not give",
            ),
            (
                "ndpi__FAX-Call-t38-CA-TDM-SIP-FB-1.pcap",
                6,
                "tshark takes 27 G.711 packets for T.38; comfort noise is not in the mean",
            ),
            (
                "ndpi__crynet.pcap",
                1,
                "three packets with one sequence number are no stream",
            ),
            (
                "ndpi__raknet.pcap",
                1,
                "three packets with one sequence number are no stream",
            ),
            (
                "ndpi__rtp.pcapng",
                1,
                "17 packets of G.711 over TCP, which tshark does not know",
            ),
            (
                "ndpi__skype-conference-call.pcap",
                2,
                "comfort noise is not in mean and maximum",
            ),
            (
                "ndpi__stun_dtls_rtp.pcapng",
                1,
                "two packets of another source in TURN over TCP",
            ),
            (
                "ndpi__stun_signal.pcapng",
                8,
                "118 is opus here and not 16 kHz; two sources of two packets; one packet that tshark leaves out",
            ),
            (
                "pcapplusplus__ip4_fragments.pcap",
                1,
                "NFS: nine times one sequence number",
            ),
        ],
    );
}

/// tshark's own list: packets, and its count of lost packets, which is RTCP's. Where packets overtake each other tshark
/// takes the last for the highest, and the first few for a cycle of 65536.
#[test]
fn tsharks_streams_have_its_counts() {
    let Some(captures) = captures() else { return };
    let mut failed = Vec::new();
    for case in cases(&captures.join("synthetic")) {
        if case.name.starts_with("bad-") {
            continue;
        }
        let flows = run(&Config::default(), &case.capture);
        let ours = streams(&flows);
        for row in case.truth["rtp_streams_tshark"].as_array().unwrap() {
            let stream = match ours.get(&key(row)).map(Vec::as_slice) {
                Some([(_, stream)]) => stream,
                _ => {
                    failed.push(format!("{} {:?}: not one stream", case.name, key(row)));
                    continue;
                }
            };
            let counts = (stream.packets as i64, stream.sequence.cumulative_lost);
            let theirs = (
                row["packets"].as_i64().unwrap(),
                row["lost"].as_i64().unwrap(),
            );
            let overtaken = stream.sequence.reordered > 0;
            let off = (theirs.1 - counts.1).rem_euclid(65_536);
            let explained = off == 0 || overtaken && !(8..=65_528).contains(&off);
            if counts.0 != theirs.0 || !explained {
                failed.push(format!(
                    "{} {:?}: {theirs:?} by tshark, {counts:?} here",
                    case.name,
                    key(row)
                ));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// tshark's jitter, where it knows the clock. It leaves packets with the marker bit out of maximum and mean; most streams
/// have that bit in their first packet only, which has no jitter.
#[test]
fn tsharks_jitter_is_ours() {
    let Some(captures) = captures() else { return };
    let explained = [
        ("freeswitch__milliwatt.pcmu.rtp.pcap", "a marker within"),
        (
            "ndpi__FAX-Call-t38-CA-TDM-SIP-FB-1.pcap",
            "a marker within, and T.38 taken for G.711",
        ),
        ("ndpi__rtp.pcapng", "markers within"),
    ];
    let (mut failed, mut same, mut other) = (Vec::new(), 0, 0);
    for folder in ["synthetic", "third-party"] {
        for case in cases(&captures.join(folder)) {
            if case.name.starts_with("bad-") {
                continue;
            }
            let flows = run(&Config::default(), &case.capture);
            let ours = streams(&flows);
            for row in case.truth["rtp_streams_tshark"].as_array().unwrap() {
                let number = |name: &str| row[name].as_f64().unwrap_or_default();
                let (max, mean) = (number("max_jitter_ms"), number("mean_jitter_ms"));
                let Some([(_, stream)]) = ours.get(&key(row)).map(Vec::as_slice) else {
                    continue;
                };
                let Some(jitter) = stream.jitter.filter(|_| max > 0.0) else {
                    continue;
                };
                let near = |one: f64, two: f64| (one - two).abs() < 0.0011;
                if near(jitter.max_ms, max) && near(jitter.mean_ms, mean) {
                    same += 1;
                } else if explained.iter().any(|(name, _)| *name == case.name) {
                    other += 1;
                } else {
                    failed.push(format!(
                        "{} {:?}: {max} and {mean} ms by tshark, {} and {} here",
                        case.name,
                        key(row),
                        jitter.max_ms,
                        jitter.mean_ms
                    ));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(
        same >= 70 && other == 4,
        "{same} the same, {other} explained"
    );
}

/// Every stream that was put in is found with its losses and marks; nothing else is called RTP.
#[test]
fn what_was_put_in_comes_out() {
    let Some(captures) = captures() else { return };
    let injected = std::fs::read(captures.join("synthetic/injected.json")).unwrap();
    let injected: Value = serde_json::from_slice(&injected).unwrap();
    let mut failed = String::new();
    for (name, rows) in injected.as_object().unwrap() {
        let (file, rows) = match name.as_str() {
            "points" => ("points-A.pcap", &rows["streams"]),
            file => (file, rows),
        };
        let Some(case) = named(&format!("synthetic/{file}")) else {
            continue;
        };
        let found = not_as_put_in(&case, rows.as_array().unwrap());
        if !found.is_empty() {
            failed += &format!("{file}:\n  {}\n", found.join("\n  "));
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

fn not_as_put_in(case: &Case, rows: &[Value]) -> Vec<String> {
    let flows = run(&Config::default(), &case.capture);
    let mut ours = streams(&flows);
    let mut found = Vec::new();
    for row in rows {
        let several = ours.remove(&key(row)).unwrap_or_default();
        let [(flow, stream)] = several.as_slice() else {
            found.push(format!("{:?}: {} streams", key(row), several.len()));
            continue;
        };
        let mut same = |what: &str, ours: u64, name: &str| {
            if row[name].as_u64() != Some(ours) {
                found.push(format!(
                    "{:?}: {what} {} put in, {ours} found",
                    key(row),
                    row[name]
                ));
            }
        };
        same("packets", stream.packets, "captured");
        same("lost", stream.sequence.missing, "lost");
        same("duplicates", stream.sequence.duplicates, "dup");
        if row["media"] == "audio" {
            // video packets of a frame also overtake each other
            same("reordered", stream.sequence.reordered, "reordered");
        }
        same("type", u64::from(stream.payload_type), "pt");
        if stream.jitter.is_some() {
            same("clock", u64::from(stream.clock.rate.unwrap_or(0)), "clock");
        }
        if stream.over_tcp != (row["proto"] == "tcp") {
            found.push(format!("{:?}: over TCP {}", key(row), stream.over_tcp));
        }
        for (dscp, packets) in row["dscp_counts"].as_object().unwrap() {
            let dscp = perhop_wire::field::Dscp::try_new(dscp.parse().unwrap()).unwrap();
            let media = flow
                .dscp_of(perhop_verify::flow::PayloadKind::Media)
                .get(dscp);
            if packets.as_u64() != Some(media) {
                found.push(format!(
                    "{:?}: DSCP {dscp}: {packets} put in, {media} found",
                    key(row)
                ));
            }
        }
    }
    found.extend(ours.keys().map(|key| format!("{key:?}: was not put in")));
    found
}
