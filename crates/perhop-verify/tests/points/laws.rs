//! Whatever the path does, exactly that is found.

use perhop_verify::points::{ClockBasis, Heading, Limits, Segment, SegmentFlow};
use proptest::prelude::*;

use crate::support::{Seen, policy, segments};
use crate::synth::{Flow, Kind, MS, Packet, Path, SECOND, capture, cut, flow, in_time};

const PLAN: &str = r#"
plan = "laws"
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

/// What the path does to one flow.
#[derive(Debug, Clone)]
struct Fate {
    flow: Flow,
    heading: Heading,
    /// Packets that are lost; never the first and the last.
    lost: Vec<prop::sample::Index>,
    /// The mark downstream, and after how many percent of the packets.
    becomes: u8,
    from: usize,
}

fn fate() -> impl Strategy<Value = Fate> {
    (
        (0u16..80, any::<bool>(), 0usize..3),
        (20usize..120, prop::sample::select(vec![0u8, 8, 34, 46])),
        prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        prop::sample::select(vec![0u8, 2, 6, 26, 34, 46]),
        0usize..100,
    )
        .prop_map(
            |((port, forward, kind), (packets, dscp), lost, becomes, from)| {
                let (client, server) = (
                    format!("10.1.0.1:{}", 20000 + port),
                    format!("10.2.0.9:{}", 50000 + port),
                );
                let (src, dst) = if forward {
                    (&client, &server)
                } else {
                    (&server, &client)
                };
                let kind = [Kind::Audio, Kind::Stream, Kind::Constant { ids: true }][kind];
                Fate {
                    flow: flow(src, dst, dscp, packets).of(kind),
                    heading: if forward {
                        Heading::Forward
                    } else {
                        Heading::Backward
                    },
                    lost,
                    becomes,
                    from,
                }
            },
        )
}

impl Fate {
    fn lost(&self) -> Vec<usize> {
        let mut lost: Vec<usize> = self
            .lost
            .iter()
            .map(|at| 1 + at.index(self.flow.packets - 2))
            .collect();
        lost.sort_unstable();
        lost.dedup();
        lost
    }

    /// Packets at the first and at the second point.
    fn walk(&self, path: &Path, late: impl Fn(usize) -> i64) -> [Vec<Packet>; 2] {
        let (lost, from) = (self.lost(), self.flow.packets * self.from / 100);
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for (at, sent) in self.flow.sent().into_iter().enumerate() {
            let (before, mut after) = match self.heading {
                Heading::Forward => (sent.clone(), path.forward(&sent, late(at))),
                Heading::Backward => path.backward(&sent, late(at)),
            };
            if at >= from {
                after.dscp = self.becomes;
            }
            up.push(before);
            if !lost.contains(&at) {
                down.push(after);
            }
        }
        match self.heading {
            Heading::Forward => [up, down],
            Heading::Backward => [down, up],
        }
    }

    /// Packets by their marks upstream and downstream.
    fn marks(&self) -> Vec<(u8, u8, u64)> {
        let (lost, from) = (self.lost(), self.flow.packets * self.from / 100);
        let count =
            |range: std::ops::Range<usize>| range.filter(|at| !lost.contains(at)).count() as u64;
        let mut out = vec![
            (self.flow.dscp, self.flow.dscp, count(0..from)),
            (self.flow.dscp, self.becomes, count(from..self.flow.packets)),
        ];
        if self.flow.dscp == self.becomes {
            out = vec![(self.flow.dscp, self.becomes, count(0..self.flow.packets))];
        }
        out.retain(|(.., packets)| *packets > 0);
        out.sort_unstable();
        out
    }
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    prop::collection::vec(fate(), 1..5).prop_map(|mut fates| {
        fates.sort_by_key(|fate| (fate.flow.src, fate.flow.dst));
        fates.dedup_by_key(|fate| (fate.flow.src, fate.flow.dst));
        fates
    })
}

fn path() -> impl Strategy<Value = Path> {
    (
        0i64..50 * MS,
        1u8..5,
        -100_000 * SECOND..100_000 * SECOND,
        -100i32..100,
    )
        .prop_map(|(delay, hops, offset, ppm)| Path {
            delay,
            hops,
            offset,
            drift_ppm: f64::from(ppm),
        })
}

fn points(packets: [Vec<Packet>; 2], limits: Limits) -> [Seen; 2] {
    let policy = policy(PLAN);
    let mut names = ["first", "second"].into_iter();
    packets.map(|packets| {
        let name = names.next().unwrap();
        Seen::new(name, &policy, limits, &capture(&in_time(packets)))
    })
}

fn compared(packets: [Vec<Packet>; 2]) -> Segment {
    let policy = policy(PLAN);
    segments(&policy, &points(packets, Limits::default())).remove(0)
}

fn marks(flow: &SegmentFlow) -> Vec<(u8, u8, u64)> {
    let marks = flow.marks.iter();
    marks
        .map(|one| (one.from.value(), one.to.value(), one.packets))
        .collect()
}

fn all(fates: &[Fate], path: &Path, late: impl Fn(usize) -> i64 + Copy) -> [Vec<Packet>; 2] {
    let mut out = [Vec::new(), Vec::new()];
    for fate in fates {
        for (all, own) in out.iter_mut().zip(fate.walk(path, late)) {
            all.extend(own);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn losses_marks_and_hops_are_exact(fates in fates(), path in path(), seed in 0usize..1000) {
        // Up to 3 ms late, and some packets overtake others.
        let late = |at: usize| ((at * 7919 + seed) % 31) as i64 * MS / 10;
        let segment = compared(all(&fates, &path, late));
        prop_assert_eq!(segment.flows.len(), fates.len());
        for fate in &fates {
            let found = segment.flows.iter().find(|one| one.keys[0].src_endpoint() == fate.flow.src && one.keys[0].dst_endpoint() == fate.flow.dst).unwrap();
            let (sent, lost) = (fate.flow.packets as u64, fate.lost().len() as u64);
            let counts = found.counts;
            prop_assert_eq!(found.heading, fate.heading);
            prop_assert_eq!((counts.sent, counts.arrived), (sent, sent - lost));
            prop_assert_eq!((counts.missing, counts.extra, counts.undecided), (lost, 0, 0));
            prop_assert_eq!(marks(found), fate.marks());
            prop_assert_eq!(found.hops, Some(i16::from(path.hops)));
            prop_assert_eq!(found.doubt, None);
        }
        let sent: u64 = segment.classes.iter().map(|row| row.counts.sent).sum();
        let by_mark: u64 = segment.classes.iter().flat_map(|row| &row.by_mark).map(|one| one.sent).sum();
        prop_assert_eq!(sent, fates.iter().map(|fate| fate.flow.packets as u64).sum::<u64>());
        prop_assert_eq!(by_mark, sent);
        prop_assert_eq!(&segment.alone, &[]);
    }

    #[test]
    fn both_directions_tell_offset_delay_and_drift(path in path(), seed in 0usize..1000) {
        let late = |at: usize| ((at * 7919 + seed) % 31) as i64 * MS / 10;
        let fates = [Heading::Forward, Heading::Backward].map(|heading| {
            let (a, b) = ("10.1.0.1:20000", "10.2.0.9:50000");
            let (src, dst) = if heading == Heading::Forward { (a, b) } else { (b, a) };
            Fate { flow: flow(src, dst, 46, 1500), heading, lost: Vec::new(), becomes: 46, from: 0 }
        });
        let segment = compared(all(&fates, &path, late));
        let clock = segment.clock.unwrap();
        let ClockBasis::BothWays { delay } = clock.basis else { panic!("{clock:?}") };
        let truth = path.second_clock(clock.at) - clock.at;
        prop_assert!((clock.offset - truth).abs() <= 60_000, "offset {truth}, {clock:?}");
        prop_assert!((delay - path.delay).abs() <= 60_000, "delay {}, {clock:?}", path.delay);
        let unsure = clock.drift_uncertainty_ppm.unwrap();
        prop_assert!((clock.drift_ppm.unwrap_or(0.0) - path.drift_ppm).abs() <= 4.0 * unsure, "drift {}, {clock:?}", path.drift_ppm);
        prop_assert!(unsure < 2.0, "{clock:?}");
        for flow in &segment.flows {
            let spread = flow.delay.unwrap();
            prop_assert!((spread.largest - 3 * MS).abs() <= 100_000, "{spread:?}");
            prop_assert!((spread.p50 - 15 * MS / 10).abs() <= 160_000, "{spread:?}");
        }
    }

    #[test]
    fn one_direction_tells_the_sum(path in path(), backward: bool) {
        let heading = if backward { Heading::Backward } else { Heading::Forward };
        let fate = Fate { flow: flow("10.1.0.1:20000", "10.2.0.9:50000", 46, 500), heading, lost: Vec::new(), becomes: 46, from: 0 };
        let clock = compared(all(&[fate], &path, |_| 0)).clock.unwrap();
        prop_assert_eq!(clock.basis, ClockBasis::OneWay(heading));
        let truth = path.second_clock(clock.at) - clock.at + if backward { -path.delay } else { path.delay };
        prop_assert!((clock.offset - truth).abs() <= 20_000, "{truth} {clock:?}");
    }

    #[test]
    fn exchanged_points_give_the_mirrored_answer(fates in fates(), path in path()) {
        let packets = all(&fates, &path, |at| (at % 5) as i64 * MS);
        let [first, second] = packets.clone();
        let (there, back) = (compared(packets), compared([second, first]));
        prop_assert_eq!(there.flows.len(), back.flows.len());
        for flow in &there.flows {
            let other = back.flows.iter().find(|one| one.keys[1] == flow.keys[0]).unwrap();
            prop_assert_eq!(other.heading, flow.heading.reversed());
            prop_assert_eq!(other.counts, flow.counts);
            prop_assert_eq!(marks(other), marks(flow));
            prop_assert_eq!(other.hops, flow.hops);
        }
    }

    #[test]
    fn a_translator_changes_nothing_but_addresses(fates in fates(), path in path()) {
        let packets = all(&fates, &path, |_| 0);
        let plain = compared(packets.clone());
        let [first, second] = packets;
        let outside = |end: std::net::SocketAddr| if end.ip().to_string() == "10.1.0.1" {
            std::net::SocketAddr::new("192.0.2.1".parse().unwrap(), end.port() + 1000)
        } else { end };
        let second = second.into_iter().map(|one| Packet { src: outside(one.src), dst: outside(one.dst), ..one }).collect();
        let translated = compared([first, second]);
        // Flows of nothing but the same packet cannot be found again.
        let told = |flow: &&SegmentFlow| !fates.iter().any(|fate| fate.flow.src == flow.keys[0].src_endpoint() && fate.flow.kind != Kind::Audio && fate.flow.kind != Kind::Stream);
        for flow in plain.flows.iter().filter(told) {
            let other = translated.flows.iter().find(|one| one.keys[0] == flow.keys[0]).unwrap();
            prop_assert_eq!(other.alike.as_str(), "translated");
            prop_assert_eq!(other.counts, flow.counts);
            prop_assert_eq!(marks(other), marks(flow));
            prop_assert_eq!(other.hops, flow.hops);
        }
    }

    #[test]
    fn what_was_cut_is_compared_with_what_was_not(fates in fates(), snap in 60usize..120) {
        let packets = all(&fates, &Path::SHORT, |_| 0).map(in_time);
        let whole = compared(packets.clone());
        let policy = policy(PLAN);
        let seen = [
            Seen::new("first", &policy, Limits::default(), &capture(&packets[0])),
            Seen::new("second", &policy, Limits::default(), &cut(&packets[1], snap)),
        ];
        let cut = segments(&policy, &seen).remove(0);
        for (one, other) in whole.flows.iter().zip(&cut.flows) {
            prop_assert_eq!((one.counts, marks(one)), (other.counts, marks(other)));
        }
    }

    #[test]
    fn the_seed_changes_nothing(fates in fates(), path in path(), drifts: bool, seed: u64) {
        let path = if drifts { path } else { Path { drift_ppm: 0.0, ..path } };
        let packets = all(&fates, &path, |_| 0);
        let policy = policy(PLAN);
        let with = |seed| {
            let limits = Limits { seed, ..Limits::default() };
            segments(&policy, &points(packets.clone(), limits)).remove(0)
        };
        prop_assert_eq!(with(seed), with(seed ^ 0x9e37_79b9_7f4a_7c15));
    }

    #[test]
    fn one_clock_and_nothing_done_is_nothing_found(fates in fates()) {
        let fates: Vec<Fate> = fates.into_iter().map(|fate| Fate { lost: Vec::new(), becomes: fate.flow.dscp, ..fate }).collect();
        let nothing = Path { delay: 0, hops: 0, ..Path::SHORT };
        let segment = compared(all(&fates, &nothing, |_| 0));
        let clock = segment.clock.unwrap();
        prop_assert_eq!((clock.offset, clock.stray, clock.drift_ppm), (0, 0, None));
        for flow in &segment.flows {
            prop_assert_eq!((flow.counts.missing, flow.counts.extra), (0, 0));
            prop_assert_eq!(flow.marks.changes().count(), 0);
        }
    }
}
