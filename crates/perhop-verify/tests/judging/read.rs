//! From the bytes of a capture to flows and their report.

use perhop_policy::{PolicySet, Vantage};
use perhop_verify::attribute::media_ports;
use perhop_verify::engine::{Config, Engine, Ledger};
use perhop_verify::flow::Flow;
use perhop_verify::report::{Report, verify};
use perhop_verify::source::FlowSource;
use perhop_verify::tolerance::Tolerances;
use perhop_wire::capture::{CaptureReader, Step};

/// The flows of a capture, recognised with a plan's help, and their report: the same whether all flows are held or each is
/// asked for.
pub(crate) fn judged(
    bytes: &[u8],
    policy: &PolicySet,
    vantage: Vantage,
    tolerances: &Tolerances,
) -> (Vec<Flow>, Report) {
    let ledger = ledger(bytes, policy);
    let flows: Vec<Flow> = ledger.flows().collect();
    let (asked, held) = (FlowSource::from(&ledger), FlowSource::from(&flows));
    assert_eq!(asked.len(), held.len());
    for at in 0..asked.len() {
        let flow = asked.flow(at);
        assert_eq!(flow, held.flow(at));
        for source in [asked, held] {
            let facts = (source.key(at), source.packets(at), source.tunnel(at));
            assert_eq!(facts, (flow.key, flow.packets, flow.tunnel));
        }
    }
    let report = verify(policy, vantage, asked, tolerances);
    assert_eq!(report, verify(policy, vantage, held, tolerances));
    (flows, report)
}

fn ledger(mut bytes: &[u8], policy: &PolicySet) -> Ledger {
    let config = Config {
        media_ports: media_ports(policy),
        ..Config::default()
    };
    let mut engine = Engine::new(&config);
    let mut reader = CaptureReader::new();
    loop {
        let step = reader.next(bytes, true);
        match &step {
            Step::Packet(packet) => engine.observe(packet),
            Step::End => return engine.into_ledger(),
            _ => {}
        }
        bytes = &bytes[step.consumed()..];
    }
}
