//! Packets that cannot be told apart, captures that do not belong together, limits, damage.

use perhop_policy::PolicySet;
use perhop_verify::points::notes::of_point;
use perhop_verify::points::{Alike, Doubt, Heading, Limits, Segment, ToldBy};

use crate::support::{Seen, codes, policy, segments, synthetic, told};
use crate::synth::{Flow, Kind, MS, Packet, Path, SECOND, START, capture, flow, in_time};

const PLAN: &str = r#"
plan = "hostile"
platforms = ["lync-2013"]
[class]
audio = { dscp = 46 }
video = { dscp = 34 }
[clients.ports]
audio = "20000-20039"
video = "20040-20079"
[servers.ports]
audio = "49152-57499"
video = "57501-65534"
"#;

fn plan() -> PolicySet {
    policy(PLAN)
}

fn seen(name: &str, packets: Vec<Packet>, limits: Limits) -> Seen {
    Seen::new(name, &plan(), limits, &capture(&in_time(packets)))
}

fn pair(first: Vec<Packet>, second: Vec<Packet>) -> [Seen; 2] {
    let limits = Limits::default();
    [seen("first", first, limits), seen("second", second, limits)]
}

fn one_segment(seen: &[Seen]) -> Segment {
    segments(&plan(), seen).remove(0)
}

fn audio(port: u16, packets: usize) -> Flow {
    flow(&format!("10.1.0.1:{port}"), "10.2.0.9:50000", 46, packets)
}

/// All of a flow over a path.
fn over(flow: &Flow, path: &Path) -> Vec<Packet> {
    flow.sent()
        .iter()
        .map(|sent| path.forward(sent, 0))
        .collect()
}

#[test]
fn packets_that_look_alike_are_matched_by_time() {
    let known = audio(20000, 300);
    let alike = audio(20002, 300).of(Kind::Constant { ids: false });
    let path = Path {
        offset: 7 * SECOND,
        drift_ppm: 30.0,
        ..Path::SHORT
    };
    let mut first = known.sent();
    first.extend(alike.sent());
    let mut second = over(&known, &path);
    let lost = [0, 1, 57, 58, 59, 200];
    for (at, mut packet) in over(&alike, &path).into_iter().enumerate() {
        packet.dscp = if at < 100 { 46 } else { 0 };
        if !lost.contains(&at) {
            second.push(packet);
        }
    }
    let segment = one_segment(&pair(first, second));
    let found = segment
        .flows
        .iter()
        .find(|one| one.keys[0].src_port == 20002)
        .unwrap();
    assert_eq!(
        (found.counts.missing, found.counts.extra, found.counts.alike),
        (6, 0, 294)
    );
    let marks: Vec<(u8, u8, u64)> = found
        .marks
        .iter()
        .map(|one| (one.from.value(), one.to.value(), one.packets))
        .collect();
    assert_eq!(marks, [(46, 0, 199), (46, 46, 95)]);
    assert_eq!(found.delay, None, "what is alike says nothing of delays");
}

#[test]
fn nothing_but_alike_packets_are_matched_in_order() {
    let alike = audio(20002, 50).of(Kind::Constant { ids: false });
    let (first, mut second) = (alike.sent(), over(&alike, &Path::SHORT));
    second.truncate(40);
    let seen = pair(first, second);
    let segment = one_segment(&seen);
    assert_eq!(segment.clock, None);
    assert_eq!(segment.flows[0].counts.matched, 40);
    let text = told(&plan(), &seen);
    assert!(text.contains("look alike"), "{text}");
}

#[test]
fn many_alike_packets_take_no_longer() {
    let alike = Flow {
        step: MS / 10,
        ..audio(20002, 200_000)
    }
    .of(Kind::Constant { ids: false });
    let seen = pair(alike.sent(), over(&alike, &Path::SHORT));
    assert_eq!(one_segment(&seen).flows[0].counts.matched, 200_000);
}

#[test]
fn packets_seen_twice_count_once() {
    let flow = audio(20000, 100);
    let mut first = flow.sent();
    let copies: Vec<Packet> = first
        .iter()
        .map(|one| Packet {
            time: one.time + 20_000,
            ttl: one.ttl - 1,
            dscp: 0,
            ..one.clone()
        })
        .collect();
    first.extend(copies);
    let seen = pair(first, over(&flow, &Path::SHORT));
    let twice = &seen[0].trace.twice;
    assert_eq!((twice.packets, twice.flows), (100, 1));
    assert_eq!(twice.remarked.values().sum::<u64>(), 100);
    assert_eq!(twice.hops.get(&1), Some(&100));
    let counts = one_segment(&seen).flows[0].counts;
    assert_eq!(
        (counts.sent, counts.arrived, counts.missing, counts.extra),
        (100, 100, 0, 0)
    );
    let notes = of_point(&seen[0].trace).join("\n");
    assert!(
        notes.contains("captured twice") && notes.contains("46 first and 0 then"),
        "{notes}"
    );
}

#[test]
fn packets_that_the_path_doubles_are_extra() {
    let flow = audio(20000, 100);
    let mut second = over(&flow, &Path::SHORT);
    let copies: Vec<Packet> = second[..30]
        .iter()
        .map(|one| Packet {
            time: one.time + 5 * MS,
            ..one.clone()
        })
        .collect();
    second.extend(copies);
    let counts = one_segment(&pair(flow.sent(), second)).flows[0].counts;
    assert_eq!(
        (counts.sent, counts.matched, counts.missing, counts.extra),
        (100, 100, 0, 30)
    );
}

#[test]
fn order_does_not_matter() {
    let flow = audio(20000, 200);
    let path = Path::SHORT;
    let second: Vec<Packet> = flow
        .sent()
        .iter()
        .enumerate()
        .map(|(at, sent)| path.forward(sent, if at % 3 == 0 { 45 * MS } else { 0 }))
        .collect();
    let limits = Limits::default();
    // The file itself is out of order too.
    let mut shuffled = second.clone();
    shuffled.sort_by_key(|packet| packet.time % 7919);
    let plan = plan();
    let seen = [
        seen("first", flow.sent(), limits),
        Seen::new("second", &plan, limits, &capture(&shuffled)),
    ];
    let found = &one_segment(&seen).flows[0];
    assert_eq!((found.counts.missing, found.counts.extra), (0, 0));
    assert!((found.delay.unwrap().largest - 45 * MS).abs() < 1000);
}

#[test]
fn only_the_time_of_both_counts() {
    let flow = audio(20000, 500);
    let (first, second) = (
        flow.sent(),
        over(
            &flow,
            &Path {
                offset: -3600 * SECOND,
                ..Path::SHORT
            },
        ),
    );
    // The second capture begins 2 s later and ends 3 s earlier.
    let seen = pair(first, second[100..350].to_vec());
    let counts = one_segment(&seen).flows[0].counts;
    assert_eq!(
        (counts.sent, counts.arrived, counts.missing, counts.extra),
        (250, 250, 0, 0)
    );
}

#[test]
fn captures_of_different_times_have_nothing_in_common() {
    let flow = audio(20000, 100);
    let later: Vec<Packet> = flow
        .sent()
        .into_iter()
        .map(|one| Packet {
            time: one.time + 3600 * SECOND,
            payload: one.payload.iter().map(|byte| byte ^ 1).collect(),
            ..one
        })
        .collect();
    let seen = pair(flow.sent(), later);
    assert_eq!(
        codes(&plan(), &seen),
        [("verify/segment-nothing-common", "another-time")]
    );
    let segment = one_segment(&seen);
    assert_eq!(segment.flows[0].counts.missing, 0, "never 100 % loss");
}

#[test]
fn other_packets_of_the_same_flows_are_not_lost() {
    let flow = audio(20000, 100);
    let other = flow
        .sent()
        .into_iter()
        .map(|mut one| {
            one.payload[8..].fill(0xaa);
            one
        })
        .collect();
    let seen = pair(flow.sent(), other);
    assert_eq!(
        codes(&plan(), &seen),
        [("verify/segment-nothing-common", "rewritten-between")]
    );
    assert_eq!(one_segment(&seen).flows[0].doubt, Some(Doubt::Rewritten));
}

#[test]
fn other_traffic_is_said_to_be_other_traffic() {
    let seen = pair(
        audio(20000, 100).sent(),
        audio(20002, 100)
            .sent()
            .into_iter()
            .map(|one| Packet {
                dst: "10.9.9.9:50001".parse().unwrap(),
                ..one
            })
            .collect(),
    );
    assert_eq!(
        codes(&plan(), &seen),
        [("verify/segment-nothing-common", "other-traffic")]
    );
    let empty = pair(audio(20000, 100).sent(), Vec::new());
    assert_eq!(
        codes(&plan(), &empty),
        [("verify/segment-nothing-common", "nothing-to-compare")]
    );
}

#[test]
fn a_blocked_flow_is_not_lost_but_told() {
    let (open, blocked) = (audio(20000, 100), audio(20002, 100));
    let mut first = open.sent();
    first.extend(blocked.sent());
    let seen = pair(first, over(&open, &Path::SHORT));
    assert_eq!(
        codes(&plan(), &seen),
        [("verify/segment-not-seen", "blocked-between")]
    );
    let segment = one_segment(&seen);
    assert!(segment.alone[0].neighbours && segment.alone[0].planned);
}

#[test]
fn a_network_card_may_join_segments() {
    let stream = flow("10.1.0.1:20005", "10.2.0.9:50000", 46, 90).of(Kind::Stream);
    let sent = stream.sent();
    // Three segments are one at the first point.
    let joined = sent
        .chunks(3)
        .map(|three| Packet {
            payload: vec![7; 3 * 172],
            ..three[0].clone()
        })
        .collect();
    let known = audio(20000, 100);
    let (mut first, mut second): (Vec<Packet>, Vec<Packet>) = (joined, over(&stream, &Path::SHORT));
    first.extend(known.sent());
    second.extend(over(&known, &Path::SHORT));
    let segment = one_segment(&pair(first, second));
    let found = segment
        .flows
        .iter()
        .find(|one| one.keys[0].src_port == 20005)
        .unwrap();
    assert_eq!(
        (
            found.doubt.is_some(),
            found.counts.missing,
            found.counts.extra
        ),
        (true, 0, 0)
    );
}

/// RTP is found again behind a relay, in the relay's framing and with addresses of its own on both sides.
#[test]
fn a_relay_hides_no_rtp() {
    let flow = audio(20000, 100);
    let path = Path {
        offset: SECOND / 3,
        ..Path::SHORT
    };
    let second = flow.sent().into_iter().map(|sent| {
        let mut payload = vec![0x40, 1, 0, 172];
        payload.extend(&sent.payload);
        Packet {
            src: "192.0.2.10:3478".parse().unwrap(),
            dst: "203.0.113.9:40000".parse().unwrap(),
            dscp: 0,
            ttl: 63,
            payload,
            ..path.forward(&sent, 0)
        }
    });
    let segment = one_segment(&pair(flow.sent(), second.collect()));
    let [found] = &segment.flows[..] else {
        panic!("{segment:#?}")
    };
    assert_eq!(
        (found.alike, found.hops, found.told_by),
        (Alike::Neither, None, ToldBy::Order)
    );
    assert_eq!((found.counts.matched, found.counts.missing), (100, 0));
}

/// Without a router the time to live tells nothing; the other direction does.
#[test]
fn a_switch_has_directions_too() {
    let path = Path {
        hops: 0,
        offset: -5 * SECOND,
        ..Path::SHORT
    };
    let there = audio(20000, 300);
    let back = flow("10.2.0.9:50000", "10.1.0.1:20000", 46, 300);
    let (mut first, mut second) = (there.sent(), over(&there, &path));
    for sent in back.sent() {
        let (at_second, at_first) = path.backward(&sent, 0);
        first.push(at_first);
        second.push(at_second);
    }
    let segment = one_segment(&pair(first, second));
    for flow in &segment.flows {
        let heading = if flow.keys[0].src_port == 20000 {
            Heading::Forward
        } else {
            Heading::Backward
        };
        assert_eq!(
            (flow.heading, flow.told_by),
            (heading, ToldBy::OtherDirection)
        );
    }
    assert!((segment.clock.unwrap().offset + 5 * SECOND).abs() < 1000);
}

#[test]
fn three_points_out_of_order_are_told() {
    let flow = audio(20000, 100);
    let at = |hops, delay| {
        over(
            &flow,
            &Path {
                hops,
                delay,
                ..Path::SHORT
            },
        )
    };
    let limits = Limits::default();
    let points = |names: [&str; 3]| {
        names.map(|name| match name {
            "edge" => seen(name, flow.sent(), limits),
            "core" => seen(name, at(1, MS), limits),
            _ => seen(name, at(2, 2 * MS), limits),
        })
    };
    assert_eq!(codes(&plan(), &points(["edge", "core", "far"])), []);
    let wrong = points(["edge", "far", "core"]);
    assert_eq!(
        codes(&plan(), &wrong),
        [("verify/segment-order", "order-of-points"); 2]
    );
    let text = told(&plan(), &wrong);
    assert!(text.contains("--at edge, --at core, --at far"), "{text}");
}

/// Limits thin out what is of no interest first, the same packets at both points; then the comparison ends, for both.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one capture, told from its start to its end"
)]
fn limits_are_held_and_said() {
    let known = audio(20000, 1000);
    let other = Flow {
        step: MS,
        ..flow("10.1.0.1:6000", "10.2.0.9:80", 0, 20_000)
    }
    .of(Kind::Stream);
    let mut first = known.sent();
    first.extend(other.sent());
    let mut second = over(&known, &Path::SHORT);
    second.extend(
        over(&other, &Path::SHORT)
            .into_iter()
            .enumerate()
            .filter(|(at, _)| at % 10 != 3)
            .map(|(_, one)| one),
    );
    let limits = |packets| Limits {
        packets,
        ..Limits::default()
    };
    let thin = [
        seen("first", first.clone(), limits(5000)),
        seen("second", second.clone(), limits(9000)),
    ];
    assert!(thin[0].trace.counts.followed <= 5000);
    let segment = one_segment(&thin);
    assert!(segment.one_in >= 4);
    let found = |port| {
        segment
            .flows
            .iter()
            .find(|one| one.keys[0].src_port == port)
            .unwrap()
    };
    assert_eq!(
        (found(20000).counts.sent, found(20000).counts.missing),
        (1000, 0)
    );
    let loss = found(6000).counts.loss();
    assert!((loss - 0.1).abs() < 0.02, "{loss}");
    assert!(of_point(&thin[0].trace)[0].contains("one packet in"));

    let short = [
        seen("first", known.sent(), limits(400)),
        seen("second", over(&known, &Path::SHORT), limits(5000)),
    ];
    assert!(short[0].trace.ended_early().is_some());
    let counts = one_segment(&short).flows[0].counts;
    assert_eq!(
        (counts.sent, counts.arrived, counts.missing, counts.extra),
        (400, 400, 0, 0)
    );
    assert!(of_point(&short[0].trace)[0].contains("only the first 400 packets"));

    let few = Limits {
        flows: 1,
        ..Limits::default()
    };
    let mut two = known.sent();
    two.extend(audio(20002, 10).sent());
    let few = seen("first", two, few);
    assert_eq!(few.trace.counts.past_flow_limit, 10);
    assert!(of_point(&few.trace)[0].contains("past the limit"));
}

/// Nothing in a capture ends the comparison: each damaged capture against each other one, and against itself.
#[test]
fn damaged_captures_are_compared_as_far_as_they_go() {
    let Some(folder) = synthetic() else { return };
    let plan = plan();
    let mut captures = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let odd = name.starts_with("bad-") || name.starts_with("enc-") || name.starts_with("ip-");
        if odd && [".pcap", ".pcapng"].iter().any(|end| name.ends_with(end)) {
            let bytes = std::fs::read(&path).unwrap();
            captures.push(Seen::new(&name, &plan, Limits::default(), &bytes));
        }
    }
    assert!(captures.len() > 15);
    let points: Vec<_> = captures.iter().map(Seen::point).collect();
    for one in &points {
        for other in &points {
            let pair = [*one, *other];
            let segments = perhop_verify::points::compare(&plan, &pair);
            let found =
                perhop_verify::points::findings(&plan, &pair, &segments, &Default::default());
            assert!(
                segments[0]
                    .flows
                    .iter()
                    .all(|flow| flow.counts.missing <= flow.counts.sent)
            );
            if one.name == other.name && one.trace.counts.followed > 0 {
                assert!(segments[0].matched() > 0, "{}", one.name);
                assert!(
                    found.iter().all(|one| !one.finding.code.ends_with("loss")),
                    "{}",
                    one.name
                );
            }
        }
    }
}

#[test]
fn times_of_any_kind_do_no_harm() {
    let plan = plan();
    let mut bytes = capture(&audio(20000, 20).sent());
    for (at, value) in [(24, u32::MAX), (24 + 216, 0), (24 + 2 * 216, 0x7fff_ffff)] {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    let odd = Seen::new("odd", &plan, Limits::default(), &bytes);
    let seen = [
        odd,
        seen(
            "second",
            over(&audio(20000, 20), &Path::SHORT),
            Limits::default(),
        ),
    ];
    let text = told(&plan, &seen);
    assert!(!text.is_empty());
    let _ = START;
}
