//! From the bytes of a capture to flows.

use perhop_policy::PolicySet;
use perhop_verify::attribute::media_ports;
use perhop_verify::engine::{Config, Engine};
use perhop_verify::flow::Flow;
use perhop_wire::capture::{CaptureReader, Step};

/// The flows of a capture, recognised with a plan's help.
pub(crate) fn flows(mut bytes: &[u8], policy: &PolicySet) -> Vec<Flow> {
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
            Step::End => return engine.finish().flows,
            _ => {}
        }
        bytes = &bytes[step.consumed()..];
    }
}
