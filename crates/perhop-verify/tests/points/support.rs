//! From captures to points.

use std::path::{Path, PathBuf};

use perhop_policy::{FileId, PolicySet, Vantage};
use perhop_verify::attribute::media_ports;
use perhop_verify::engine::{Config, Engine};
use perhop_verify::flow::Flow;
use perhop_verify::points::notes::{of_point, of_segment};
use perhop_verify::points::{
    Collector, Limits, Point, Segment, SegmentFinding, Trace, compare, findings,
};
use perhop_verify::report::{Report, verify};
use perhop_verify::tolerance::Tolerances;
use perhop_wire::capture::{CaptureReader, Step};

/// What one point has.
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) flows: Vec<Flow>,
    pub(crate) report: Report,
    pub(crate) trace: Trace,
}

impl Seen {
    pub(crate) fn new(name: &str, policy: &PolicySet, limits: Limits, mut bytes: &[u8]) -> Self {
        let mut engine = Engine::new(&Config {
            media_ports: media_ports(policy),
            ..Config::default()
        });
        let mut collector = Collector::new(policy, limits);
        let mut reader = CaptureReader::new();
        loop {
            let step = reader.next(bytes, true);
            match &step {
                Step::Packet(packet) => {
                    engine.observe(packet);
                    collector.observe(packet);
                }
                Step::End => break,
                _ => {}
            }
            bytes = &bytes[step.consumed()..];
        }
        let flows = engine.finish().flows;
        let report = verify(policy, Vantage::Path, &flows, &Tolerances::default());
        Self {
            name: name.to_owned(),
            flows,
            report,
            trace: collector.finish(),
        }
    }

    pub(crate) fn point(&self) -> Point<'_> {
        Point {
            name: &self.name,
            trace: &self.trace,
            flows: (&self.flows).into(),
            report: &self.report,
            dropped: 0,
        }
    }
}

/// Compares captures in order.
pub(crate) fn segments(policy: &PolicySet, seen: &[Seen]) -> Vec<Segment> {
    let points: Vec<Point<'_>> = seen.iter().map(Seen::point).collect();
    compare(policy, &points)
}

/// A plan's meaning.
pub(crate) fn policy(text: &str) -> PolicySet {
    let loaded = perhop_plan::load(FileId(0), text);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

/// The folder of shared captures; `None`, said aloud, when it is not here.
pub(crate) fn synthetic() -> Option<PathBuf> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/captures/synthetic"
    ));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    println!("skipped: no captures at {}", folder.display());
    None
}

/// Everything that is found, as text.
pub(crate) fn told(policy: &PolicySet, seen: &[Seen]) -> String {
    let points: Vec<Point<'_>> = seen.iter().map(Seen::point).collect();
    let segments = compare(policy, &points);
    let mut out = String::new();
    for point in seen {
        for line in of_point(&point.trace) {
            out.push_str(&format!("{}: {line}\n", point.name));
        }
    }
    for segment in &segments {
        let (from, to) = (&seen[segment.from].name, &seen[segment.to].name);
        out.push_str(&format!("{from} > {to}: {} packets\n", segment.matched()));
        for line in of_segment(segment, &points) {
            out.push_str(&format!("  {line}\n"));
        }
    }
    for found in findings(policy, &points, &segments, &Tolerances::default()) {
        let one = &found.finding;
        let severity = one.severity.as_str();
        out.push_str(&format!("{severity}[{}]: {}\n", one.code, one.message));
        for cause in std::iter::once(&one.cause).chain(&one.alternatives) {
            let layer = cause.layer.as_str();
            out.push_str(&format!("  {} ({layer}): {}\n", cause.name, cause.text));
            for line in &cause.evidence {
                out.push_str(&format!("    - {line}\n"));
            }
            out.push_str(&format!("    next: {}\n", cause.check));
        }
        let flows = &seen[found.point].flows;
        for at in &one.flows {
            out.push_str(&format!("  flow: {}\n", flows[*at].key));
        }
    }
    out
}

/// Codes and likeliest causes of what is found.
pub(crate) fn codes(policy: &PolicySet, seen: &[Seen]) -> Vec<(&'static str, &'static str)> {
    let points: Vec<Point<'_>> = seen.iter().map(Seen::point).collect();
    let segments = compare(policy, &points);
    let found = findings(policy, &points, &segments, &Tolerances::default());
    let pair = |one: SegmentFinding| (one.finding.code, one.finding.cause.name);
    found.into_iter().map(pair).collect()
}
