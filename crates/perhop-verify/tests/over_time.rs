//! What flows did over time, held against a count that looks at every packet, and divided in every way.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it does not expect"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use perhop_verify::engine::{Config, Engine, Ledger};
use perhop_verify::timeline::{Bin, Bins};
use perhop_wire::field::Dscp;
use proptest::prelude::*;
use support::{captured, captures, cases, each_packet};

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;
/// The widths that captures of these tests need.
const STEPS: [i64; 8] = [1, 2, 10, 20, 100, 200, 600, 1200];

/// A packet of a flow, which is named by its source port: RTP when that is even, else other datagrams.
#[derive(Debug, Clone)]
struct Packet {
    time: Option<i64>,
    port: u16,
    dscp: u8,
    sequence: u16,
    timestamp: u32,
}

impl Packet {
    const fn is_rtp(&self) -> bool {
        self.port.is_multiple_of(2)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut data = vec![2; 12];
        data.extend([8, 0, 0x45, self.dscp << 2, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0]);
        data.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        data.extend(self.port.to_be_bytes());
        data.extend([0xc3, 0x50, 0, 40, 0, 0]);
        data.extend(if self.is_rtp() { [0x80, 0] } else { [0, 0] });
        data.extend(self.sequence.to_be_bytes());
        data.extend(self.timestamp.to_be_bytes());
        data.extend(u32::from(self.port).to_be_bytes());
        data.resize(74, 0x55);
        data
    }
}

fn config() -> Config {
    Config {
        over_time: true,
        ..Config::default()
    }
}

fn read(config: &Config, packets: &[Packet]) -> Ledger {
    let mut engine = Engine::new(config);
    for packet in packets {
        engine.observe(&captured(packet.time, &packet.bytes()));
    }
    engine.into_ledger()
}

/// By source port.
fn by_port(ledger: &Ledger) -> BTreeMap<u16, Bins> {
    ledger.over_time(|number| Some(ledger.flow(number).key.src_port))
}

/// What the packets of one flow did, one by one.
#[derive(Default)]
struct Naive {
    /// The bin of the packet before.
    bin: Option<usize>,
    /// Packets before the first that has a bin.
    waiting: Vec<Dscp>,
    marks: BTreeMap<usize, BTreeMap<Dscp, u64>>,
    expected: BTreeMap<usize, i64>,
    missing: BTreeMap<usize, i64>,
    jitter: BTreeMap<usize, (u64, f64)>,
    /// Extended numbers.
    seen: BTreeSet<i64>,
    packets: u64,
    /// Expected, missing, timed and jitter that are in a bin already.
    told: (i64, i64, u64, f64),
    now: (u64, f64, f64),
    before: (i64, u32),
    first: Option<(i64, u32)>,
}

impl Naive {
    fn take(&mut self, packet: &Packet, bin: Option<usize>) {
        self.bin = bin.or(self.bin);
        self.packets += 1;
        if packet.is_rtp() {
            self.rtp(packet);
        }
        self.waiting.push(Dscp::try_new(packet.dscp).unwrap());
        let Some(bin) = self.bin else { return };
        for dscp in self.waiting.drain(..) {
            *self.marks.entry(bin).or_default().entry(dscp).or_default() += 1;
        }
        if packet.is_rtp() && self.packets >= 4 {
            let first = self.seen.first().unwrap();
            let expected = self.seen.last().unwrap() - first + 1;
            let missing = expected - self.seen.len() as i64;
            *self.expected.entry(bin).or_default() += expected - self.told.0;
            *self.missing.entry(bin).or_default() += missing - self.told.1;
            let jitter = self.jitter.entry(bin).or_default();
            jitter.0 += self.now.0 - self.told.2;
            jitter.1 += self.now.1 - self.told.3;
            self.told = (expected, missing, self.now.0, self.now.1);
        }
    }

    fn rtp(&mut self, packet: &Packet) {
        let time = packet.time.unwrap();
        let highest = self.seen.last().copied();
        let highest = highest.unwrap_or_else(|| i64::from(packet.sequence) + 0x1_0000);
        let step = packet.sequence.wrapping_sub(highest as u16).cast_signed();
        self.seen.insert(highest + i64::from(step));
        if self.packets > 1 {
            let waited = (time - self.before.0) as f64;
            let units = packet.timestamp.wrapping_sub(self.before.1).cast_signed();
            let difference = (waited - f64::from(units) * 125_000.0).abs();
            self.now.2 += (difference - self.now.2) / 16.0;
            self.now.1 += self.now.2;
            self.now.0 += 1;
        }
        self.before = (time, packet.timestamp);
        self.first.get_or_insert(self.before);
    }

    /// Its bins; what came late is taken from what was missed before.
    fn bins(&self, count: usize) -> Vec<Bin> {
        let of = |bin| self.missing.get(&bin).copied().unwrap_or(0);
        let mut missing: Vec<i64> = (0..count).map(of).collect();
        // One by one, from the nearest earlier bin in which something is missing; else from a later one.
        for bin in (0..count).rev() {
            while missing[bin] < 0 {
                let earlier = (0..bin).rev().find(|at| missing[*at] > 0);
                let later = || (bin + 1..count).find(|at| missing[*at] > 0);
                let at = earlier.or_else(later).unwrap();
                missing[at] -= 1;
                missing[bin] += 1;
            }
        }
        let first = self.first.unwrap_or_default();
        let stands_still =
            self.packets >= 4 && first.0 == self.before.0 && first.1 != self.before.1;
        let bin = |bin: usize| {
            let marks = self.marks.get(&bin).cloned().unwrap_or_default();
            let (timed, jitter) = self.jitter.get(&bin).copied().unwrap_or_default();
            Bin {
                bytes: 60 * marks.values().sum::<u64>(),
                marks: marks.into_iter().collect(),
                expected: self.expected.get(&bin).unwrap_or(&0).unsigned_abs(),
                missing: missing[bin].unsigned_abs(),
                jitter_ms: (timed > 0 && !stands_still).then(|| jitter / timed as f64 / 1e6),
            }
        };
        (0..count).map(bin).collect()
    }
}

/// The width and the bins of each flow, by a look at every packet.
fn naive(packets: &[Packet]) -> (i64, BTreeMap<u16, Vec<Bin>>) {
    let start = packets.iter().find_map(|packet| packet.time).unwrap();
    let since = |packet: &Packet| {
        let since = packet.time? - start;
        (since.abs() < 366 * 86_400 * SECOND).then_some(since.max(0))
    };
    let longest = packets.iter().filter_map(since).max().unwrap();
    let steps = STEPS.iter().map(|tenths| tenths * SECOND / 10);
    let step = steps.clone().find(|step| longest / step < 100).unwrap();
    let mut flows: BTreeMap<u16, Naive> = BTreeMap::new();
    for packet in packets {
        let bin = since(packet).map(|since| (since / step) as usize);
        flows.entry(packet.port).or_default().take(packet, bin);
    }
    let last = flows.values().filter_map(|flow| flow.marks.keys().max());
    let count = last.max().unwrap() + 1;
    let flows = flows
        .into_iter()
        .filter(|(_, flow)| !flow.marks.is_empty())
        .map(|(port, flow)| (port, flow.bins(count)))
        .collect();
    (step, flows)
}

/// What befalls a packet: its flow, the time since the one before in the capture, its mark, its fate.
fn traffic() -> impl Strategy<Value = Vec<Packet>> {
    let packet = (0u16..5, 0i64..1000, 0u8..4, 0u8..16);
    (
        proptest::collection::vec(packet, 30..400),
        0u32..4,
        any::<u16>(),
    )
        .prop_map(|(packets, scale, base)| {
            let scale = SECOND / 1000 * 5i64.pow(scale) / 100;
            let (mut time, mut out) = (START, Vec::new());
            let mut sent: BTreeMap<u16, u16> = BTreeMap::new();
            for (flow, waited, mark, fate) in packets {
                time += waited * scale;
                let number = sent.entry(flow).or_default();
                let settled = *number >= 5;
                *number += 1 + u16::from(settled && fate == 1);
                let late = if settled && fate == 2 { 3 } else { 0 };
                let sequence = base.wrapping_add(*number - late);
                let other = flow % 2 == 1;
                let time = match fate {
                    3 => time - 20 * scale,
                    4 if other => time + 400 * 86_400 * SECOND,
                    _ => time,
                };
                out.push(Packet {
                    time: Some(time).filter(|_| !(other && fate == 5)),
                    port: 20_000 + flow,
                    dscp: [46, 46, 0, 34][usize::from(mark)],
                    sequence,
                    timestamp: u32::from(sequence) * 160,
                });
            }
            out
        })
        .prop_filter("a packet has a time", |packets| {
            packets.iter().any(|packet| packet.time.is_some())
                && packets[0]
                    .time
                    .is_none_or(|time| time <= START + 60 * SECOND)
        })
}

fn same(found: &Bin, expected: &Bin) -> bool {
    let jitter = match (found.jitter_ms, expected.jitter_ms) {
        (Some(found), Some(expected)) => (found - expected).abs() < 2e-4 + expected * 1e-5,
        (found, expected) => found == expected,
    };
    let rest = |bin: &Bin| Bin {
        jitter_ms: None,
        ..bin.clone()
    };
    jitter && rest(found) == rest(expected)
}

/// The same with several lanes, whose blocks end at every so many packets.
fn in_lanes(config: &Config, packets: &[Packet], lanes: usize, every: usize) -> Ledger {
    let (reader, mut lanes) = (config.reader(), config.lanes(lanes));
    let mut frames = 0;
    for run in packets.chunks(every) {
        let mut block = config.block();
        for packet in run {
            reader.read(&[captured(packet.time, &packet.bytes())], &mut block);
        }
        for lane in &mut lanes {
            lane.apply(&block, frames);
        }
        frames += u64::from(block.packets());
    }
    lanes.into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bins_are_what_a_look_at_every_packet_gives(packets in traffic()) {
        let (step, expected) = naive(&packets);
        let found = by_port(&read(&config(), &packets));
        prop_assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (port, bins) in &found {
            prop_assert_eq!((bins.step, bins.bins.len()), (step, expected[port].len()));
            for (at, (found, expected)) in bins.bins.iter().zip(&expected[port]).enumerate() {
                prop_assert!(same(found, expected), "{port}, bin {at}: {found:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn lanes_blocks_and_the_seed_change_nothing(
        packets in traffic(),
        lanes in 1usize..17,
        every in 1usize..100,
        seed in any::<u64>(),
    ) {
        let whole = by_port(&read(&config(), &packets));
        let other = Config { seed, ..config() };
        prop_assert!(by_port(&in_lanes(&other, &packets, lanes, every)) == whole);
    }

    /// Flows that make room take what they did with them, and those that are kept keep it.
    #[test]
    fn bins_add_up_to_the_flows(mut packets in traffic(), max_flows in 1usize..6) {
        for packet in &mut packets {
            packet.time = packet.time.filter(|time| *time < START + 300 * 86_400 * SECOND);
        }
        let ledger = read(&Config { max_flows, ..config() }, &packets);
        let bins = ledger.over_time(|_| Some(()));
        let bins = bins.get(&()).map_or(&[][..], |bins| &bins.bins);
        let sum = |of: fn(&Bin) -> u64| bins.iter().map(of).sum::<u64>();
        let flows: Vec<_> = ledger.flows().filter(|flow| flow.last != 0).collect();
        prop_assert_eq!(sum(Bin::packets), flows.iter().map(|flow| flow.packets).sum::<u64>());
        prop_assert_eq!(sum(|bin| bin.bytes), flows.iter().map(|flow| flow.bytes).sum::<u64>());
        let sequences = flows.iter().flat_map(|flow| &flow.rtp).map(|stream| stream.sequence);
        prop_assert_eq!(sum(|bin| bin.expected), sequences.clone().map(|one| one.expected).sum::<u64>());
        prop_assert_eq!(sum(|bin| bin.missing), sequences.map(|one| one.missing).sum::<u64>());
    }
}

#[test]
fn captures_are_the_same_in_lanes_and_add_up() {
    let Some(folder) = captures() else { return };
    let of = |ledger: &Ledger| ledger.over_time(|number| Some(ledger.flow(number).has_media()));
    for folder in ["synthetic", "third-party"].map(|name| folder.join(name)) {
        for case in cases(&folder) {
            let mut whole = Engine::new(&config());
            let other = Config {
                seed: 7,
                ..config()
            };
            let mut parted = Engine::with_lanes(&other, 16);
            each_packet(&case.capture, |packet| {
                whole.observe(packet);
                parted.observe(packet);
                parted.flows();
            });
            let whole = whole.into_ledger();
            let found = of(&whole);
            assert!(found == of(&parted.into_ledger()), "{}", case.name);
            let (first, last) = whole.totals().time.unwrap_or_default();
            if whole.flows().any(|flow| flow.last == 0) || last - first > 366 * 86_400 * SECOND {
                continue;
            }
            let (bins, flows) = (found.values().flat_map(|bins| &bins.bins), whole.flows());
            let (packets, missing) = bins.fold((0, 0), |(packets, missing), bin| {
                (packets + bin.packets(), missing + bin.missing)
            });
            let expected = flows.fold((0, 0), |(packets, missing), flow| {
                let streams = flow.rtp.iter().map(|stream| stream.sequence.missing);
                (packets + flow.packets, missing + streams.sum::<u64>())
            });
            assert_eq!((packets, missing), expected, "{}", case.name);
        }
    }
}

#[test]
fn a_clock_that_is_measured_gives_the_jitter_from_the_start() {
    let packets: Vec<Packet> = (0..400u16)
        .map(|number| Packet {
            time: Some(START + i64::from(number) * SECOND / 50 + i64::from(number % 2) * 3_000_000),
            port: 20_000,
            dscp: 46,
            sequence: number,
            timestamp: u32::from(number) * 320,
        })
        .collect();
    let mut engine = Engine::new(&config());
    for packet in &packets {
        let mut bytes = packet.bytes();
        bytes[43] = 104;
        engine.observe(&captured(packet.time, &bytes));
    }
    let ledger = engine.into_ledger();
    assert_eq!(ledger.flow(0).rtp[0].clock.rate, Some(16_000));
    let bins = &by_port(&ledger)[&20_000];
    assert_eq!((bins.start, bins.bins.len()), (START, 80));
    let jitter: Vec<f64> = bins.bins.iter().map(|bin| bin.jitter_ms.unwrap()).collect();
    assert!(jitter[0] < 1.0 && jitter[1] > jitter[0], "{jitter:?}");
    assert!(
        jitter[20..].iter().all(|one| (2.9..3.1).contains(one)),
        "{jitter:?}"
    );
}

#[test]
fn one_time_for_all_packets_gives_no_jitter() {
    let packet = |number: u16| Packet {
        time: Some(START),
        port: 20_000,
        dscp: 46,
        sequence: number,
        timestamp: u32::from(number) * 160,
    };
    let packets: Vec<Packet> = (0..20).map(packet).collect();
    let bins = &by_port(&read(&config(), &packets))[&20_000].bins;
    assert_eq!((bins[0].expected, bins[0].jitter_ms), (20, None));
}

#[test]
fn nothing_is_kept_unless_it_is_asked_for() {
    let packets = [Packet {
        time: Some(START),
        port: 1,
        dscp: 0,
        sequence: 0,
        timestamp: 0,
    }];
    assert!(by_port(&read(&Config::default(), &packets)).is_empty());
    assert_eq!(by_port(&read(&config(), &packets))[&1].bins.len(), 1);
    assert!(by_port(&read(&config(), &[])).is_empty());
}
