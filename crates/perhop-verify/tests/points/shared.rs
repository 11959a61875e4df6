//! Captures of before and after: those whose truth is known, and the real ones of the example.

use std::path::Path;

use perhop_policy::{PolicySet, Vantage};
use perhop_verify::points::{
    Alike, ClockBasis, Heading, Limits, Point, Segment, SegmentFlow, ends,
};
use perhop_verify::report::verify_as;
use perhop_verify::tolerance::Tolerances;

use crate::support::{Seen, codes, policy, segments, synthetic};

const PLAN: &str = r#"
plan = "lync"
platforms = ["lync-2013"]

[class]
audio = { dscp = 46 }
video = { dscp = 34 }
app-sharing = { dscp = 24 }

[clients.ports]
audio = "20000-20039"
video = "20040-20079"
app-sharing = "42000-42039"

[servers.ports]
audio = "49152-57499"
video = "57501-65534"
app-sharing = "40803-49150"
"#;

/// Sender's port, marks upstream and downstream with packets, missing.
type Row = (u16, &'static [(u8, u8, u64)], u64);

/// `injected.json` and the packets themselves.
const ROWS: [Row; 6] = [
    (20000, &[(46, 46, 198)], 2),
    (20004, &[(46, 0, 198)], 2),
    (20006, &[(0, 46, 194)], 6),
    // One more was lost a moment before the end, where it may just not have arrived yet.
    (20008, &[(46, 0, 95), (46, 46, 99)], 5),
    (20040, &[(34, 26, 99)], 1),
    (20042, &[(34, 34, 94)], 6),
];

fn synthetic_points(other: &str) -> Option<(PolicySet, [Seen; 2])> {
    let folder = synthetic()?;
    let policy = policy(PLAN);
    let seen = ["points-A.pcap", other].map(|name| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        Seen::new(name, &policy, Limits::default(), &bytes)
    });
    Some((policy, seen))
}

fn marks(flow: &SegmentFlow) -> Vec<(u8, u8, u64)> {
    flow.marks
        .iter()
        .map(|one| (one.from.value(), one.to.value(), one.packets))
        .collect()
}

/// Flows of a segment against the rows, the clock against what was injected: +37.5 ms, 7.3 ms least delay, +20 ppm.
fn is_as_injected(segment: &Segment, hops: i16, alike: Alike) {
    for flow in &segment.flows {
        let row = ROWS
            .iter()
            .find(|row| row.0 == flow.keys[0].src_port)
            .unwrap();
        assert_eq!(marks(flow), row.1, "{}", flow.keys[0]);
        assert_eq!(flow.counts.missing, row.2, "{}", flow.keys[0]);
        assert_eq!(flow.counts.extra, 0);
        assert_eq!((flow.hops, flow.alike), (Some(hops), alike));
        assert_eq!(flow.heading, Heading::Forward);
        let delay = flow.delay.unwrap();
        assert!(
            (800_000..=910_000).contains(&delay.largest),
            "7.3 to 8.2 ms: {delay:?}"
        );
    }
    let clock = segment.clock.unwrap();
    assert_eq!(clock.basis, ClockBasis::OneWay(Heading::Forward));
    assert!((clock.offset - 44_800_000).abs() < 10_000, "{clock:?}");
    let (drift, unsure) = (
        clock.drift_ppm.unwrap(),
        clock.drift_uncertainty_ppm.unwrap(),
    );
    assert!(
        (drift - 20.0).abs() < 2.0 * unsure && unsure < 4.0,
        "{clock:?}"
    );
}

#[test]
fn a_router_between() {
    let Some((policy, seen)) = synthetic_points("points-B.pcap") else {
        return;
    };
    let segment = segments(&policy, &seen).remove(0);
    assert_eq!(segment.flows.len(), 6);
    is_as_injected(&segment, 1, Alike::Same);
    let lost: u64 = segment
        .flows
        .iter()
        .map(|flow| flow.counts.missing + flow.counts.undecided)
        .sum();
    assert_eq!((lost, segment.matched()), (23, 977));
    assert_eq!(segment.alone, []);
    assert_eq!(
        codes(&policy, &seen),
        [
            ("verify/segment-bleached", "policy-between"),
            ("verify/segment-bleached", "changed-meanwhile"),
            ("verify/segment-remarked", "policy-between"),
            ("verify/segment-loss", "lost-between"),
            ("verify/segment-loss", "lost-between"),
            ("verify/segment-marked", "marked-between"),
        ]
    );
}

#[test]
fn a_translator_between() {
    let Some((policy, seen)) = synthetic_points("points-B-nat.pcap") else {
        return;
    };
    let segment = segments(&policy, &seen).remove(0);
    assert_eq!(segment.flows.len(), 5, "the IPv6 flow does not pass");
    is_as_injected(&segment, 2, Alike::OneEnd);
    assert_eq!(segment.matched(), 783);
    let [alone] = &segment.alone[..] else {
        panic!("{:?}", segment.alone);
    };
    assert_eq!(
        (alone.point, alone.packets, alone.neighbours),
        (0, 200, false)
    );
}

/// Past the translator the senders' ports are in no range of the plan, or in another one's.
#[test]
fn past_a_translator_flows_are_judged_by_their_ends() {
    let Some((policy, mut seen)) = synthetic_points("points-B-nat.pcap") else {
        return;
    };
    let points: Vec<Point<'_>> = seen.iter().map(Seen::point).collect();
    let segments = segments(&policy, &seen);
    let [inside, outside] = &ends(&segments, &points)[..] else {
        panic!("two points")
    };
    assert!(inside.is_empty(), "{inside:?}");
    let [before, after] = [&seen[0], &seen[1]];
    for flow in &segments[0].flows {
        let number = after.flows.iter().position(|one| one.key == flow.keys[1]);
        assert_eq!(outside[&number.unwrap()], flow.keys[0]);
    }
    let outside = outside.clone();
    let classes = |seen: &Seen| -> Vec<_> {
        let rules = seen.report.flows.iter();
        let rules = rules.filter_map(|one| Some(one.attribution.as_ref()?.rule()));
        let mut classes: Vec<_> = rules.map(|rule| policy.rule(rule).class).collect();
        classes.sort_unstable();
        classes
    };
    let four_of_audio = classes(before);
    assert_ne!(classes(after), four_of_audio[1..], "by the ports there");
    let (vantage, tolerances) = (Vantage::Path, Tolerances::default());
    seen[1].report = verify_as(&policy, vantage, &seen[1].flows, &tolerances, &outside);
    assert_eq!(
        classes(&seen[1]),
        four_of_audio[1..],
        "all but the IPv6 flow"
    );
}

fn contoso() -> (PolicySet, [Seen; 2]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/contoso");
    let policy = policy(&std::fs::read_to_string(folder.join("plan.toml")).unwrap());
    let seen = ["at-sender", "at-receiver"].map(|name| {
        let file = folder.join("two-points").join(format!("{name}.pcapng"));
        Seen::new(
            name,
            &policy,
            Limits::default(),
            &std::fs::read(file).unwrap(),
        )
    });
    (policy, seen)
}

/// The last section of the example's README.
#[test]
fn contoso_between_the_two_points() {
    let (policy, seen) = contoso();
    let segment = segments(&policy, &seen).remove(0);
    let clock = segment.clock.unwrap();
    assert!((0..10_000).contains(&clock.offset), "one clock: {clock:?}");
    assert_eq!(clock.drift_ppm, None);
    assert!(clock.stray < 10_000);
    let mut lost: Vec<(u16, u64)> = segment
        .flows
        .iter()
        .filter(|flow| flow.counts.missing > 0)
        .map(|flow| (flow.keys[0].src_port, flow.counts.missing))
        .collect();
    lost.sort_unstable();
    assert_eq!(
        lost,
        [
            (20010, 34),
            (20040, 11),
            (20041, 1),
            (20060, 18),
            (20061, 1),
            (31000, 29)
        ]
    );
    for flow in &segment.flows {
        let video = (20040..=20079).contains(&flow.keys[0].src_port);
        for one in flow.marks.iter() {
            let arrives = if video { 2 } else { one.from.value() };
            assert_eq!(one.to.value(), arrives, "{}", flow.keys[0]);
        }
        assert_eq!((flow.hops, flow.counts.extra), (Some(1), 0));
    }
    let [alone] = &segment.alone[..] else {
        panic!("{:?}", segment.alone);
    };
    assert_eq!(
        alone.key.to_string(),
        "udp 198.51.100.15:20009 > 203.0.113.51:40001"
    );
}

/// The router has a queue for 46 and sends what comes with 34 through the one of everything else.
#[test]
fn contoso_marks_and_queues() {
    let (policy, seen) = contoso();
    let segment = segments(&policy, &seen).remove(0);
    let queue = |mark| {
        segment
            .queues
            .iter()
            .find(|one| one.mark.value() == mark)
            .unwrap()
    };
    let (voice, video) = (queue(46), queue(34));
    assert!(voice.is_telling() && voice.ratio() < 0.01, "{voice:?}");
    assert!(video.is_telling() && video.ratio() > 0.9, "{video:?}");
    assert_eq!(video.arrives.value(), 2);
    assert_eq!(
        codes(&policy, &seen),
        [
            ("verify/segment-remarked", "tos-precedence-bleached"),
            ("verify/segment-loss", "queue-by-mark"),
            ("verify/segment-loss", "queue-by-mark"),
            ("verify/segment-no-effect", "mark-lost-before-queue"),
        ]
    );
}

#[test]
fn exchanged_names_are_told() {
    let (policy, [sender, receiver]) = contoso();
    let seen = [receiver, sender];
    let found = codes(&policy, &seen);
    assert!(
        found.contains(&("verify/segment-order", "order-of-points")),
        "{found:?}"
    );
    assert!(
        found.contains(&("verify/segment-remarked", "tos-precedence-bleached")),
        "{found:?}"
    );
    let segment = segments(&policy, &seen).remove(0);
    assert!(
        segment
            .flows
            .iter()
            .all(|flow| flow.heading == Heading::Backward)
    );
}
