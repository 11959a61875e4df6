//! Calls, codecs and RTCP of real software, and beside tshark.
#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it does not expect"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use perhop_verify::call::Call;
use perhop_verify::engine::{Config, Flows};
use perhop_verify::flow::Flow;
use perhop_verify::quality::{Assumptions, DelaySource, NotStated, estimate};
use perhop_verify::stream::{ClockSource, MediaType, Stream};
use support::{captures, run};

fn contoso() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/contoso/call.pcapng")
}

fn flows(path: &Path) -> Flows {
    run(&Config::default(), &std::fs::read(path).unwrap())
}

fn flow<'a>(found: &'a Flows, src: &str) -> &'a Flow {
    let of = |flow: &&Flow| flow.key.src_endpoint().to_string() == src && flow.has_media();
    found.flows.iter().find(of).unwrap()
}

fn codec(stream: &Stream) -> (&str, ClockSource) {
    let codec = stream.codec.as_ref().unwrap();
    (&codec.name, codec.source)
}

#[test]
fn flows_of_a_real_capture_have_the_names_of_their_calls() {
    let found = flows(&contoso());
    let rows = [
        (
            "198.51.100.11:20002",
            "pc1@contoso.example > pc2@contoso.example",
            "opus",
        ),
        (
            "192.0.2.102:20000",
            "pc1@contoso.example > pc2@contoso.example",
            "opus",
        ),
        (
            "198.51.100.14:20004",
            "pc4@contoso.example > conference@contoso.example",
            "opus",
        ),
        (
            "192.0.2.20:49160",
            "pc4@contoso.example > conference@contoso.example",
            "opus",
        ),
        (
            "198.51.100.21:20010",
            "phone@contoso.example > gateway@contoso.example",
            "PCMU",
        ),
    ];
    for (src, parties, name) in rows {
        let flow = flow(&found, src);
        let call = flow.call.as_deref().unwrap();
        assert_eq!(call.parties(), parties, "{src}");
        assert_eq!(codec(&flow.rtp[0]).0, name);
        assert!(flow.signs.in_sdp);
    }
    let opus = &flow(&found, "198.51.100.11:20002").rtp[0];
    assert_eq!(codec(opus), ("opus", ClockSource::Announced));
    assert_eq!(opus.clock.rate, Some(48_000));
    assert_eq!(opus.media, Some(MediaType::Audio));
    let beside: Vec<&Flow> = found
        .flows
        .iter()
        .filter(|flow| flow.signs.rtcp && !flow.has_media() && flow.call.is_some())
        .collect();
    assert!(beside.len() >= 6, "RTCP of the calls: {}", beside.len());
    let video = flow(&found, "198.51.100.11:20040");
    assert_eq!(video.call, None, "nobody announced it");
    let refused = found
        .calls
        .list
        .iter()
        .filter(|call| call.status != Some(200));
    assert_eq!(refused.count(), 0);
}

/// The gateway's reports of the phone's stream, and the phone's of the gateway's. The smallest round trip counts: what
/// queues add is jitter.
#[test]
fn receivers_say_what_they_lost() {
    let found = flows(&contoso());
    let phone = flow(&found, "198.51.100.21:20010");
    let stream = &phone.rtp[0];
    let remote = stream.remote.as_deref().unwrap();
    let report = remote.report.unwrap();
    assert_eq!(
        (stream.sequence.missing, report.last.cumulative_lost),
        (34, 34)
    );
    assert_eq!(report.worst_fraction_lost, 33);
    let near = remote.round_trip_ms().unwrap();
    assert!(near < 1.0, "the gateway is on the capture's switch: {near}");
    let trip = remote.round_trip.unwrap();
    assert_eq!(trip.source, DelaySource::Measured);
    assert!(
        (near..2.0).contains(&trip.ms),
        "an idle link to the phone: {}",
        trip.ms
    );
    let mos = estimate(stream, &Assumptions::default()).unwrap();
    assert!((2.5..4.0).contains(&mos.mos), "{mos:?}");
    let opus = flow(&found, "198.51.100.11:20002");
    let none = estimate(&opus.rtp[0], &Assumptions::default());
    assert_eq!(none, Err(NotStated::NoValues));
}

/// What tshark says of one call.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    frame: u64,
    from: String,
    to: String,
    messages: u64,
    status: Option<u16>,
    ended: bool,
    ports: BTreeSet<u16>,
}

/// The calls of a capture by tshark's fields; `None` when there is no tshark.
fn by_tshark(path: &Path) -> Option<BTreeMap<String, Row>> {
    let fields = [
        "frame.number",
        "sip.Call-ID",
        "sip.Method",
        "sip.Status-Code",
        "sip.CSeq.method",
        "sip.from.addr",
        "sip.to.addr",
        "sdp.media.port",
    ];
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(path)
        .args(["-Y", "sip", "-T", "fields", "-E", "separator=/t"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let Ok(output) = command.output() else {
        println!("skipped: no tshark to compare with");
        return None;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [frame, id, method, status, of, from, to, ports] = cells[..] else {
            continue;
        };
        let ports: BTreeSet<u16> = ports
            .split(',')
            .filter_map(|port| port.parse().ok())
            .filter(|port| *port != 0)
            .collect();
        if !rows.contains_key(id) && method != "INVITE" && ports.is_empty() {
            continue;
        }
        let row = rows.entry(id.to_owned()).or_insert_with(|| Row {
            frame: frame.parse().unwrap(),
            from: from.to_owned(),
            to: to.to_owned(),
            ..Row::default()
        });
        row.messages += 1;
        row.ended |= matches!(method, "BYE" | "CANCEL");
        row.ports.extend(ports);
        if let Ok(status) = status.parse()
            && status >= 200
            && of == "INVITE"
        {
            row.status = Some(status);
        }
    }
    Some(rows)
}

fn ours(call: &Call) -> Row {
    Row {
        frame: call.frame,
        from: call.from.clone(),
        to: call.to.clone(),
        messages: call.messages,
        status: call.status,
        ended: call.ended,
        ports: call
            .media
            .iter()
            .map(|media| media.endpoint.port())
            .collect(),
    }
}

#[test]
fn calls_are_tsharks() {
    let mut files = vec![contoso()];
    if let Some(captures) = captures() {
        let names = [
            "synthetic/qos-eth.pcap",
            "third-party/arkime__gtp-iphone.pcap",
            "third-party/ndpi__FAX-Call-t38-CA-TDM-SIP-FB-1.pcap",
            "third-party/ndpi__sip.pcap",
            "third-party/pcapplusplus__sip_reqs.pcap",
            "third-party/sngrep__ipip.pcap",
        ];
        files.extend(names.map(|name| captures.join(name)));
    }
    let mut compared = 0;
    for path in files {
        let Some(theirs) = by_tshark(&path) else {
            return;
        };
        let found = flows(&path);
        assert_eq!(found.calls.evicted, 0);
        let list = &found.calls.list;
        let own: BTreeMap<String, Row> = list
            .iter()
            .map(|call| (call.id.clone(), ours(call)))
            .collect();
        assert_eq!(own, theirs, "{}", path.display());
        compared += own.len();
    }
    assert!(compared >= 5, "{compared} calls");
}
