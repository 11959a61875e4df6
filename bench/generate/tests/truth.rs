//! What the generator says it wrote is what a reader finds.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};

use generate::path::Path;
use generate::truth::{Content, Truth};
use generate::walk::{Walk, cuts};
use generate::{Profile, Shape};

fn small(profile: Profile) -> Shape {
    let shape = Shape::new(profile, 3_000_000);
    Shape {
        flows: 600,
        loss: 0.02,
        late: 0.01,
        duplicates: 0.01,
        ..shape
    }
}

fn made(shape: Shape) -> (Vec<u8>, Truth, Vec<Path>) {
    generate::generate(shape, Vec::new()).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let shape = small(Profile::Full);
    let (bytes, truth, paths) = made(shape);
    let (again, truth_again, paths_again) = made(shape);
    assert!(bytes == again);
    assert_eq!(truth.summary(&paths), truth_again.summary(&paths_again));
    assert!(bytes != made(Shape { seed: 2, ..shape }).0);
}

#[test]
fn a_reader_counts_what_the_truth_says() {
    for profile in Profile::ALL {
        for pcapng in [false, true] {
            let shape = Shape {
                pcapng,
                ..small(profile)
            };
            let (bytes, truth, _) = made(shape);
            let counts = Counts::of(&bytes);
            let name = profile.name();
            assert!(
                truth.file_bytes >= shape.size / 10 * 9 && truth.file_bytes < shape.size + 2000,
                "{name}"
            );
            assert_eq!(truth.file_bytes, bytes.len() as u64, "{name}");
            assert_eq!(truth.packets, counts.packets, "{name}");
            assert_eq!(truth.captured_bytes, counts.captured, "{name}");
            assert_eq!(truth.wire_bytes, counts.wire, "{name}");
            assert_eq!((truth.first_us, truth.last_us), counts.span, "{name}");
            assert_eq!(truth.flows, counts.flows.len() as u64, "{name}");
            assert_eq!(truth.dscp, counts.dscp, "{name}");
            assert_eq!(truth.relayed, counts.relayed, "{name}");
            assert_eq!(
                truth.vlan_flows,
                counts.flows.iter().filter(|flow| flow.vlan).count() as u64
            );
            assert_eq!(
                truth.ipv6_flows,
                counts
                    .flows
                    .iter()
                    .filter(|flow| flow.addresses.len() == 32)
                    .count() as u64
            );
            assert!(
                truth.ipv6_flows > 0 && truth.vlan_flows > truth.ipv6_flows && truth.relayed > 0,
                "{name}"
            );
        }
    }
}

#[test]
fn every_stream_has_the_packets_and_losses_that_the_truth_says() {
    let (bytes, truth, paths) = made(small(Profile::Snap));
    let counts = Counts::of(&bytes);
    assert_eq!(truth.heard().count(), counts.streams.len());
    assert_eq!(
        truth.of(Content::Rtp),
        counts
            .streams
            .values()
            .map(|stream| stream.sequences.len() as u64)
            .sum::<u64>()
    );
    for stream in truth.heard() {
        let seen = &counts.streams[&(stream.ssrc, paths[stream.path].ends().src.1)];
        assert_eq!(stream.packets, seen.sequences.len() as u64);
        assert_eq!(stream.lost(), seen.lost(), "ssrc {:#010x}", stream.ssrc);
        assert_eq!(
            stream.duplicates(),
            seen.duplicates(),
            "ssrc {:#010x}",
            stream.ssrc
        );
    }
    let sum = |count: fn(&generate::truth::Stream) -> u64| truth.heard().map(count).sum::<u64>();
    assert!(sum(generate::truth::Stream::lost) > 100);
    assert!(sum(generate::truth::Stream::duplicates) > 30 && sum(|stream| stream.late) > 30);
}

#[test]
fn time_never_goes_back() {
    let (bytes, _, _) = made(small(Profile::Full));
    let times: Vec<_> = Walk::new(&bytes)
        .unwrap()
        .map(|record| record.at_us)
        .collect();
    assert!(times.is_sorted());
}

#[test]
fn pieces_hold_the_same_packets() {
    let (bytes, truth, _) = made(small(Profile::Full));
    let cuts = cuts(&bytes, 3).unwrap();
    assert_eq!(cuts.len(), 4);
    let header = &bytes[..cuts[0]];
    let pieces = cuts
        .windows(2)
        .map(|cut| [header, &bytes[cut[0]..cut[1]]].concat());
    let counted: Vec<_> = pieces
        .map(|piece| Walk::new(&piece).unwrap().count() as u64)
        .collect();
    assert!(
        counted.iter().all(|packets| packets * 4 > truth.packets),
        "{counted:?}"
    );
    assert_eq!(counted.iter().sum::<u64>(), truth.packets);
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    addresses: Vec<u8>,
    ports: Vec<u8>,
    protocol: u8,
    vlan: bool,
}

/// Sequence numbers of a stream in the order of their coming.
#[derive(Debug, Default)]
struct Seen {
    sequences: Vec<i64>,
}

impl Seen {
    fn push(&mut self, sequence: u16) {
        let last = self
            .sequences
            .last()
            .copied()
            .unwrap_or(i64::from(sequence));
        let step = sequence.wrapping_sub(last as u16) as i16;
        self.sequences.push(last + i64::from(step));
    }

    fn different(&self) -> BTreeSet<i64> {
        self.sequences.iter().copied().collect()
    }

    fn lost(&self) -> u64 {
        let different = self.different();
        (different.last().unwrap() - different.first().unwrap() + 1) as u64 - different.len() as u64
    }

    fn duplicates(&self) -> u64 {
        (self.sequences.len() - self.different().len()) as u64
    }
}

/// What a plain reader finds; media is told by ports and the first byte.
#[derive(Debug)]
struct Counts {
    packets: u64,
    captured: u64,
    wire: u64,
    span: (u64, u64),
    dscp: Vec<u64>,
    relayed: u64,
    flows: BTreeSet<Flow>,
    streams: BTreeMap<(u32, u16), Seen>,
}

impl Counts {
    fn of(bytes: &[u8]) -> Self {
        let mut counts = Self {
            packets: 0,
            captured: 0,
            wire: 0,
            span: (u64::MAX, 0),
            dscp: vec![0; 64],
            relayed: 0,
            flows: BTreeSet::new(),
            streams: BTreeMap::new(),
        };
        for record in Walk::new(bytes).unwrap() {
            counts.packets += 1;
            counts.captured += record.data.len() as u64;
            counts.wire += u64::from(record.wire_len);
            counts.span = (
                counts.span.0.min(record.at_us),
                counts.span.1.max(record.at_us),
            );
            counts.frame(record.data);
        }
        counts
    }

    fn frame(&mut self, frame: &[u8]) {
        let vlan = frame[12..14] == [0x81, 0];
        let network = &frame[if vlan { 18 } else { 14 }..];
        let is_v6 = network[0] >> 4 == 6;
        let (dscp, protocol, addresses, transport) = if is_v6 {
            (
                (network[0] & 15) << 2 | network[1] >> 6,
                network[6],
                &network[8..40],
                &network[40..],
            )
        } else {
            (
                network[1] >> 2,
                network[9],
                &network[12..20],
                &network[20..],
            )
        };
        self.dscp[usize::from(dscp)] += 1;
        let ports = transport[..4].to_vec();
        let (from, to) = (
            u16::from_be_bytes([ports[0], ports[1]]),
            u16::from_be_bytes([ports[2], ports[3]]),
        );
        self.flows.insert(Flow {
            addresses: addresses.to_vec(),
            ports,
            protocol,
            vlan,
        });
        let mut payload = &transport[8..];
        if protocol != 17 || from == 53 || to == 53 {
            return;
        }
        if payload[0] >> 4 == 4 {
            self.relayed += 1;
            payload = &payload[4..];
        }
        if payload[0] == 0x80 && !(192..224).contains(&payload[1]) {
            let ssrc = u32::from_be_bytes([payload[8], payload[9], payload[10], payload[11]]);
            self.streams
                .entry((ssrc, from))
                .or_default()
                .push(u16::from_be_bytes([payload[2], payload[3]]));
        }
    }
}
