//! Reports and totals of several points in one.

use perhop_policy::Vantage;
use perhop_verify::engine::{Config, Engine, Totals};
use perhop_verify::report::verify;
use perhop_verify::tolerance::Tolerances;
use perhop_wire::capture::{CaptureReader, Step};

use crate::support::{policy, synthetic};

const PLAN: &str = r#"
plan = "together"
platforms = ["lync-2013"]
[class]
audio = { dscp = 46 }
[clients.ports]
audio = "20000-20039"
[servers.ports]
audio = "49152-57499"
"#;

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one capture, told from its start to its end"
)]
fn appended_reports_are_those_of_each_and_their_sums() {
    let Some(folder) = synthetic() else { return };
    let policy = policy(PLAN);
    let mut parts = Vec::new();
    for name in [
        "points-A.pcap",
        "points-B.pcap",
        "bad-garbage-ethernet.pcap",
        "ip-fragments.pcap",
    ] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let (mut engine, mut reader, mut rest) = (
            Engine::new(&Config::default()),
            CaptureReader::new(),
            &bytes[..],
        );
        loop {
            let step = reader.next(rest, true);
            match &step {
                Step::Packet(packet) => engine.observe(packet),
                Step::End => break,
                _ => {}
            }
            rest = &rest[step.consumed()..];
        }
        let found = engine.finish();
        let report = verify(&policy, Vantage::Path, &found.flows, &Tolerances::default());
        parts.push((found.totals, report));
    }
    let mut totals = Totals::default();
    for (part, _) in &parts {
        totals.merge(part);
    }
    assert_eq!(
        totals.packets,
        parts.iter().map(|(part, _)| part.packets).sum::<u64>()
    );
    assert_eq!(
        totals.packets,
        totals.ip_packets + totals.undecoded_packets()
    );
    assert!(
        totals
            .undecoded
            .windows(2)
            .all(|pair| (pair[0].layer, pair[0].cause) < (pair[1].layer, pair[1].cause))
    );
    let mut all = parts[0].1.clone();
    for (_, part) in &parts[1..] {
        all.append(part.clone());
    }
    assert_eq!(all.totals.flows, all.flows.len() as u64);
    let verdicts: u64 = all.totals.verdicts.iter().map(|(_, flows)| flows).sum();
    assert_eq!(verdicts, all.totals.flows);
    let (mut at, mut findings) = (0, all.findings.iter());
    for (_, part) in &parts {
        for finding in &part.findings {
            let other = findings.next().unwrap();
            assert_eq!(other.message, finding.message);
            for (own, moved) in finding.flows.iter().zip(&other.flows) {
                assert_eq!(part.flows[*own], all.flows[*moved]);
                assert_eq!(own + at, *moved);
            }
        }
        at += part.flows.len();
    }
    assert!(findings.next().is_none());
}
