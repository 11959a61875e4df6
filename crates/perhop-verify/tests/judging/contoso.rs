//! The real capture of the example: every row of its README gets the verdict that the README expects.

use std::path::Path;

use perhop_policy::Vantage;
use perhop_verify::flow::Flow;
use perhop_verify::report::Report;
use perhop_verify::seen::Payload;
use perhop_verify::stream::MediaType;
use perhop_verify::tolerance::Tolerances;
use perhop_verify::verdict::Verdict;

use crate::{cases, fixture, read};

/// Sender, receiver and verdict, from the tables of the README.
const ROWS: [(&str, &str, Verdict); 19] = [
    ("198.51.100.11:20002", "192.0.2.102:20000", Verdict::Ok),
    ("192.0.2.102:20000", "198.51.100.11:20002", Verdict::Ok),
    ("198.51.100.14:20004", "192.0.2.20:49160", Verdict::Ok),
    ("192.0.2.20:49160", "198.51.100.14:20004", Verdict::Unmarked),
    (
        "198.51.100.13:31000",
        "192.0.2.20:49300",
        Verdict::OutOfRange,
    ),
    ("192.0.2.20:49300", "198.51.100.13:31000", Verdict::Unmarked),
    ("198.51.100.21:20010", "192.0.2.20:49200", Verdict::Remarked),
    ("192.0.2.20:49200", "198.51.100.21:20010", Verdict::Unmarked),
    ("192.0.2.10:3478", "198.51.100.15:20008", Verdict::Ok),
    ("198.51.100.15:20008", "192.0.2.10:3478", Verdict::Ok),
    ("192.0.2.10:3478", "192.0.2.20:49180", Verdict::Ok),
    ("192.0.2.20:49180", "192.0.2.10:3478", Verdict::Unmarked),
    (
        "198.51.100.11:20040",
        "192.0.2.102:20050",
        Verdict::Remarked,
    ),
    ("192.0.2.102:20050", "198.51.100.11:20040", Verdict::Ok),
    ("198.51.100.14:20060", "192.0.2.20:57600", Verdict::Remarked),
    ("198.51.100.14:42000", "192.0.2.20:40900", Verdict::Ok),
    ("192.0.2.20:40900", "198.51.100.14:42000", Verdict::Unmarked),
    (
        "198.51.100.13:35201",
        "192.0.2.20:5201",
        Verdict::UnplannedMark,
    ),
    ("198.51.100.15:35202", "192.0.2.20:5202", Verdict::Unplanned),
];

fn report() -> (Vec<Flow>, Report) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/contoso");
    let policy = cases::plan(&folder.join("plan.toml"));
    let bytes = std::fs::read(folder.join("call.pcapng")).unwrap();
    read::judged(&bytes, &policy, Vantage::Path, &Tolerances::default())
}

#[test]
fn what_is_graver_or_about_more_packets_is_told_first() {
    let (flows, report) = report();
    let told: Vec<_> = report
        .findings
        .iter()
        .map(|one| {
            let packets: u64 = one.flows.iter().map(|at| flows[*at].packets).sum();
            (one.severity, packets)
        })
        .collect();
    assert!(told.len() > 3, "{told:?}");
    assert!(told.is_sorted_by(|one, next| one >= next), "{told:?}");
}

#[test]
fn every_row_of_the_readme() {
    let (flows, report) = report();
    let mut rows = ROWS.to_vec();
    for (flow, one) in flows.iter().zip(report.flows.iter()) {
        let (src, dst) = (
            flow.key.src_endpoint().to_string(),
            flow.key.dst_endpoint().to_string(),
        );
        match rows.iter().position(|row| (row.0, row.1) == (&*src, &*dst)) {
            Some(at) => assert_eq!(one.verdict, rows.remove(at).2, "{}: {one:#?}", flow.key),
            None if one.payload == Payload::Rtcp => {}
            None => assert_eq!(one.verdict, Verdict::Unplanned, "{}: {one:#?}", flow.key),
        }
    }
    assert_eq!(rows, [], "not seen");
    assert_eq!(
        fixture::causes(&report),
        [
            ("verify/unmarked", "one-direction"),
            ("verify/out-of-range", "ranges-not-enforced"),
            ("verify/remarked", "phone-default-mark"),
            ("verify/remarked", "tos-precedence-bleached"),
            ("verify/unmarked", "one-direction"),
            ("verify/unplanned-mark", "another-program-marks"),
        ]
    );
}

/// RTCP has the verdict of its stream, one port below; through a relay it has the relay's port on one side.
#[test]
fn rtcp_is_judged_as_its_stream() {
    let (flows, report) = report();
    let mut seen = 0;
    for (flow, one) in flows.iter().zip(report.flows.iter()) {
        if one.payload != Payload::Rtcp || flow.packets < 3 {
            continue;
        }
        let below = |port: u16| if port == 3478 { port } else { port - 1 };
        let stream = flows.iter().position(|other| {
            other.key.src == flow.key.src
                && other.key.dst == flow.key.dst
                && other.key.src_port == below(flow.key.src_port)
                && other.key.dst_port == below(flow.key.dst_port)
        });
        assert_eq!(
            one.verdict,
            report.flows[stream.unwrap()].verdict,
            "{}",
            flow.key
        );
        seen += 1;
    }
    assert!(seen >= 10, "only {seen}");
}

/// The client chose its port itself: its own SDP says so.
#[test]
fn signalling_shows_who_chose_the_port() {
    let (_, report) = report();
    let mut findings = report.findings.iter();
    let finding = findings.find(|one| one.code == "verify/out-of-range");
    let finding = finding.unwrap();
    let line = "the senders announced these ports themselves by SIP: call pc3@contoso.example > \
                audiotest@contoso.example from frame ";
    let told = finding.cause.evidence.iter();
    assert_eq!(
        told.filter(|text| text.starts_with(line)).count(),
        1,
        "{:?}",
        finding.cause.evidence
    );
}

/// Low-rate VP8 of row 14 fits one packet a frame and is small: its clock tells, not its size.
#[test]
fn pictures_are_told_from_sound() {
    let (flows, _) = report();
    let video = [
        "198.51.100.11:20040",
        "192.0.2.102:20050",
        "198.51.100.14:20060",
    ];
    let mut told = 0;
    for flow in &flows {
        let src = flow.key.src_endpoint().to_string();
        let expected = if video.contains(&&*src) {
            MediaType::Video
        } else {
            MediaType::Audio
        };
        for stream in flow.rtp.iter().filter(|stream| stream.packets > 100) {
            assert_eq!(stream.media, Some(expected), "{}", flow.key);
            told += 1;
        }
    }
    assert_eq!(told, 15);
}

#[test]
fn the_summary_is_by_class_and_site() {
    let (_, report) = report();
    let rows: Vec<(Option<u16>, Option<usize>)> = report
        .classes
        .iter()
        .map(|row| (row.class.map(|class| class.0), row.site))
        .collect();
    let mut sorted = rows.clone();
    sorted.sort_by_key(|row| (row.0.is_none(), row.0, row.1.is_none(), row.1));
    assert_eq!(rows, sorted);
    let streams: u64 = report.classes.iter().map(|row| row.quality.streams).sum();
    assert_eq!(report.totals.streams, streams);
    let lost: u64 = report.classes.iter().map(|row| row.quality.missing).sum();
    assert!(lost > 50, "rows 5, 7, 13 and 15 lose packets: {lost}");
}
