//! Whether the answers are right and always the same.

use std::collections::BTreeMap;
use std::path::Path;

use generate::truth::{MarkKind, Stream};

use crate::capture::Capture;
use crate::child::{answer, shown};
use crate::perhop::{ANSWERS, Answer, Flow, Perhop};

/// Streams with fewer packets need not be recognised.
const SURE: u64 = 20;
/// Numbers of threads that must all give what one gives.
const THREADS: [usize; 3] = [2, 3, 7];
/// Pieces that a capture is cut into.
const PIECES: usize = 3;
/// Differences shown of one capture.
const SHOWN: usize = 10;

/// Runs perhop on a capture in every way and compares; says what differs.
pub(crate) fn capture(
    perhop: &Perhop,
    capture: &Capture,
    plan: &Path,
) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    let one = answer(&perhop.flows(&[&capture.file], Some(1)), &ANSWERS)?;
    for threads in THREADS.into_iter().filter(|_| perhop.has_threads()) {
        let command = perhop.flows(&[&capture.file], Some(threads));
        if answer(&command, &ANSWERS)? != one {
            wrong.push(format!(
                "`{}` does not print what one thread does",
                shown(&command)
            ));
        }
    }
    let pieces = capture.cut(PIECES)?;
    for threads in [1, 2] {
        let command = perhop.flows(&pieces.files, Some(threads));
        let cut = answer(&command, &ANSWERS)?;
        if read(&cut)?.flows.get() != read(&one)?.flows.get() {
            wrong.push(format!(
                "`{}` does not show the flows of the whole file",
                shown(&command)
            ));
        }
    }
    drop(pieces);
    totals(capture, &flows(&one)?, &mut wrong);
    if perhop.has_verify() {
        let verified = answer(&perhop.verify(plan, &[&capture.file], Some(1)), &ANSWERS)?;
        for threads in THREADS.into_iter().filter(|_| perhop.has_threads()) {
            let command = perhop.verify(plan, &[&capture.file], Some(threads));
            if answer(&command, &ANSWERS)? != verified {
                wrong.push(format!(
                    "`{}` does not print what one thread does",
                    shown(&command)
                ));
            }
        }
        verdicts(capture, &flows(&verified)?, &mut wrong);
    }
    Ok(wrong)
}

fn read(json: &[u8]) -> Result<Answer<'_>, String> {
    serde_json::from_slice(json).map_err(|error| format!("perhop's JSON cannot be read: {error}"))
}

fn flows(json: &[u8]) -> Result<Vec<Flow>, String> {
    let flows = read(json)?.flows.get();
    serde_json::from_str(flows).map_err(|error| format!("perhop's `flows` cannot be read: {error}"))
}

/// Holds flows and streams to what was written.
fn totals(capture: &Capture, flows: &[Flow], wrong: &mut Vec<String>) {
    let truth = &capture.truth;
    let mut differs = |what: &str, found: u64, written: u64| {
        if found != written {
            wrong.push(format!(
                "{}: {found} {what} where {written} were written",
                capture.name
            ));
        }
    };
    differs(
        "flows",
        flows.len().try_into().unwrap_or(u64::MAX),
        truth.flows,
    );
    differs(
        "packets",
        flows.iter().map(|flow| flow.packets).sum(),
        truth.packets,
    );
    differs(
        "bytes from the IP header on",
        flows.iter().map(|flow| flow.bytes).sum(),
        truth.ip_bytes,
    );
    for (dscp, written) in (0_u8..).zip(&truth.dscp) {
        let found = flows.iter().filter_map(|flow| flow.dscp.get(&dscp)).sum();
        differs(&format!("packets with DSCP {dscp}"), found, *written);
    }
    streams(capture, flows, wrong);
}

/// Holds every stream that is long enough to what was written, and finds streams that were not.
fn streams(capture: &Capture, flows: &[Flow], wrong: &mut Vec<String>) {
    let mut written: BTreeMap<_, _> = capture
        .truth
        .heard()
        .map(|stream| (key(capture, stream), stream))
        .collect();
    let mut differences = Vec::new();
    for (flow, stream) in flows
        .iter()
        .flat_map(|flow| flow.rtp.iter().map(move |stream| (flow, stream)))
    {
        let ssrc = u32::from_str_radix(stream.ssrc.trim_start_matches("0x"), 16).unwrap_or(0);
        let Some(truth) = written.remove(&(ends(flow), ssrc)) else {
            differences.push(format!("{} {} was not written", ends(flow), stream.ssrc));
            continue;
        };
        let (packets, lost) = (truth.packets, truth.lost().cast_signed());
        let is_same = stream.packets == packets
            && stream.lost == lost
            && stream.payload_type == truth.payload_type;
        if !is_same && packets >= SURE {
            differences.push(format!(
                "{} {}: {} packets and {} lost where {packets} and {lost} were written",
                ends(flow),
                stream.ssrc,
                stream.packets,
                stream.lost
            ));
        }
    }
    let unseen = written
        .into_iter()
        .filter(|(_, stream)| stream.packets >= SURE);
    differences.extend(unseen.map(|((ends, ssrc), stream)| {
        format!(
            "{ends} 0x{ssrc:08x} with {} packets is not shown",
            stream.packets
        )
    }));
    some(capture, "RTP streams", &differences, wrong);
}

/// Holds the verdicts of media flows to the marks that were written: right ones are `ok`, others are not.
fn verdicts(capture: &Capture, flows: &[Flow], wrong: &mut Vec<String>) {
    let written: BTreeMap<_, _> = capture
        .truth
        .heard()
        .map(|stream| (key(capture, stream).0, stream))
        .collect();
    let mut differences = Vec::new();
    for flow in flows {
        let Some(stream) = written
            .get(&ends(flow))
            .filter(|stream| stream.packets >= SURE)
        else {
            continue;
        };
        let path = &capture.paths[stream.path];
        let mark = capture.truth.labels[stream.path].shown(path.sent());
        let verdict = flow.verdict.as_deref().unwrap_or("missing");
        if (mark == MarkKind::Right) != (verdict == "ok") {
            differences.push(format!(
                "{}: {verdict} where the mark is {}",
                ends(flow),
                mark.name()
            ));
        }
    }
    some(capture, "verdicts", &differences, wrong);
}

/// Adds the first of many differences.
fn some(capture: &Capture, what: &str, differences: &[String], wrong: &mut Vec<String>) {
    if !differences.is_empty() {
        let first = differences
            .iter()
            .take(SHOWN)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n    ");
        wrong.push(format!(
            "{}: {} {what} differ, such as\n    {first}",
            capture.name,
            differences.len()
        ));
    }
}

fn key(capture: &Capture, stream: &Stream) -> (String, u32) {
    let ends = capture.paths[stream.path].ends();
    (
        format!(
            "{} {} > {} {}",
            ends.src.0, ends.src.1, ends.dst.0, ends.dst.1
        ),
        stream.ssrc,
    )
}

fn ends(flow: &Flow) -> String {
    let (src, dst) = (flow.src_port.unwrap_or(0), flow.dst_port.unwrap_or(0));
    format!("{} {src} > {} {dst}", flow.src, flow.dst)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use generate::{Profile, Shape};

    use super::*;
    use crate::perhop::RtpStream;

    /// A capture, and the media flows of an answer that is right.
    fn right() -> (Capture, Vec<Flow>) {
        let shape = Shape {
            flows: 300,
            ..Shape::new(Profile::Snap, 2_000_000)
        };
        let (_, truth, paths) = generate::generate(shape, Vec::new()).unwrap();
        let flows = truth.heard().map(|stream| {
            let (ends, label) = (paths[stream.path].ends(), truth.labels[stream.path]);
            let is_right = label.shown(paths[stream.path].sent()) == MarkKind::Right;
            Flow {
                src: ends.src.0.to_string(),
                src_port: Some(ends.src.1),
                dst: ends.dst.0.to_string(),
                dst_port: Some(ends.dst.1),
                packets: paths[stream.path].sent(),
                bytes: 0,
                dscp: BTreeMap::new(),
                rtp: vec![RtpStream {
                    ssrc: format!("0x{:08x}", stream.ssrc),
                    payload_type: stream.payload_type,
                    packets: stream.packets,
                    lost: stream.lost().cast_signed(),
                }],
                verdict: Some(if is_right { "ok" } else { "unmarked" }.to_owned()),
            }
        });
        let flows = flows.collect();
        let (name, file) = ("snap".to_owned(), PathBuf::new());
        (
            Capture {
                name,
                profile: Profile::Snap,
                file,
                truth,
                paths,
            },
            flows,
        )
    }

    fn differences(capture: &Capture, flows: &[Flow]) -> (usize, usize) {
        let (mut of_streams, mut of_verdicts) = (Vec::new(), Vec::new());
        streams(capture, flows, &mut of_streams);
        verdicts(capture, flows, &mut of_verdicts);
        (of_streams.len(), of_verdicts.len())
    }

    #[test]
    fn a_right_answer_has_no_difference_and_every_wrong_one_has() {
        let (capture, flows) = right();
        assert_eq!(differences(&capture, &flows), (0, 0));
        let long = flows
            .iter()
            .position(|flow| flow.rtp[0].packets >= SURE)
            .unwrap();
        let wrong = |change: &dyn Fn(&mut Vec<Flow>)| {
            let (capture, mut flows) = right();
            change(&mut flows);
            differences(&capture, &flows)
        };
        assert_eq!(wrong(&|flows| flows[long].rtp[0].lost += 1), (1, 0));
        assert_eq!(wrong(&|flows| flows[long].rtp[0].packets -= 1), (1, 0));
        assert_eq!(wrong(&|flows| flows[long].rtp[0].payload_type ^= 1), (1, 0));
        assert_eq!(
            wrong(&|flows| flows[long].rtp[0].ssrc = "0x00000001".to_owned()),
            (1, 0)
        );
        assert_eq!(wrong(&|flows| drop(flows[long].rtp.pop())), (1, 0));
        assert_eq!(wrong(&|flows| flows[long].verdict = None), (0, 1));
        let marked = flows
            .iter()
            .position(|flow| flow.verdict.as_deref() != Some("ok") && flow.rtp[0].packets >= SURE);
        assert_eq!(
            wrong(&|flows| flows[marked.unwrap()].verdict = Some("ok".to_owned())),
            (0, 1)
        );
    }

    #[test]
    fn totals_are_compared() {
        let (capture, _) = right();
        let mut wrong = Vec::new();
        totals(&capture, &[], &mut wrong);
        assert!(
            wrong.len() > 5 && wrong[0].contains("0 flows where"),
            "{wrong:?}"
        );
    }
}
