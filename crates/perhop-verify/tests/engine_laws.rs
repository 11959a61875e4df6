//! Laws of the engine: what goes in comes out, however the work is divided.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it does not expect"
)]

mod support;

use perhop_policy::PortRange;
use perhop_verify::engine::{Config, Engine, Flows};
use perhop_verify::flow::PayloadKind;
use perhop_verify::stream::{Beginning, Evidence};
use perhop_wire::field::Dscp;
use proptest::prelude::*;
use support::{captured, captures, cases, each_packet, each_run, run, run_in_lanes};

/// A UDP datagram in IPv4 in Ethernet.
#[derive(Debug, Clone)]
struct Datagram {
    time: i64,
    src: [u8; 4],
    dst: [u8; 4],
    ports: (u16, u16),
    tos: u8,
    payload: Vec<u8>,
}

impl Datagram {
    fn bytes(&self) -> Vec<u8> {
        let udp_len = 8 + self.payload.len();
        let ip_len = (20 + udp_len) as u16;
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, self.tos]);
        frame.extend(ip_len.to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend(self.src);
        frame.extend(self.dst);
        frame.extend(self.ports.0.to_be_bytes());
        frame.extend(self.ports.1.to_be_bytes());
        frame.extend((udp_len as u16).to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(&self.payload);
        frame
    }
}

fn observe(config: &Config, datagrams: &[Datagram]) -> Flows {
    let mut engine = Engine::new(config);
    for datagram in datagrams {
        engine.observe(&captured(Some(datagram.time), &datagram.bytes()));
    }
    engine.finish()
}

fn rtp(payload_type: u8, number: u32, timestamp: u32, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend((number as u16).to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.resize(172, 0x55);
    packet
}

/// 20 ms G.711 from one port to another.
fn audio(number: u32) -> Datagram {
    Datagram {
        time: 1_700_000_000_000_000_000 + i64::from(number) * 20_000_000,
        src: [10, 0, 0, 1],
        dst: [10, 0, 0, 2],
        ports: (20_000, 40_000),
        tos: 0xb8,
        payload: rtp(0, number, number * 160, 0x1234_5678),
    }
}

/// Lanes, readers and the ends of blocks change nothing.
fn same_however_divided(config: &Config, capture: &[u8], salt: u64) -> Result<(), String> {
    let whole = run(config, capture);
    for (lanes, readers) in [(1, 2), (2, 2), (3, 1), (16, 3)] {
        let ends =
            |packet: u64| (packet ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59 < lanes as u64;
        if run_in_lanes(config, capture, lanes, readers, ends) != whole {
            return Err(format!(
                "{lanes} lanes and {readers} readers give another result"
            ));
        }
    }
    Ok(())
}

#[test]
fn every_capture_is_the_same_however_divided() {
    let Some(captures) = captures() else { return };
    let mut failed = Vec::new();
    for folder in ["synthetic", "third-party"] {
        for case in cases(&captures.join(folder)) {
            let salt = case.name.len() as u64;
            if let Err(text) = same_however_divided(&Config::default(), &case.capture, salt) {
                failed.push(format!("{}: {text}", case.name));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn runs_of_packets_are_steps() {
    let Some(captures) = captures() else { return };
    for folder in ["synthetic", "third-party"] {
        for case in cases(&captures.join(folder)) {
            let (mut steps, mut runs) = (Vec::new(), Vec::new());
            each_packet(&case.capture, |packet| {
                steps.push((packet.time_ns, packet.wire_len, packet.data.to_vec()));
            });
            each_run(&case.capture, 1000, |packet| {
                runs.push((packet.time_ns, packet.wire_len, packet.data.to_vec()));
            });
            assert!(steps == runs, "{}", case.name);
        }
    }
}

#[test]
fn the_seed_changes_nothing() {
    let Some(captures) = captures() else { return };
    for case in cases(&captures.join("synthetic")) {
        let other = Config {
            seed: 0xdead_beef,
            ..Config::default()
        };
        assert!(
            run(&Config::default(), &case.capture) == run(&other, &case.capture),
            "{}",
            case.name
        );
    }
}

#[test]
fn no_packet_is_lost() {
    let Some(captures) = captures() else { return };
    for folder in ["synthetic", "third-party"] {
        for case in cases(&captures.join(folder)) {
            for max_flows in [1, 5, 1_000_000] {
                let config = Config {
                    max_flows,
                    ..Config::default()
                };
                let flows = run(&config, &case.capture);
                let mut read = 0;
                each_packet(&case.capture, |_| read += 1);
                let totals = &flows.totals;
                assert_eq!(totals.packets, read, "{}", case.name);
                assert_eq!(
                    totals.ip_packets + totals.undecoded_packets(),
                    read,
                    "{}",
                    case.name
                );
                let listed: u64 = flows.flows.iter().map(|flow| flow.packets).sum();
                let later: u64 = flows.fragments.iter().map(|row| row.counts.packets).sum();
                let all = listed + totals.evicted.packets + later;
                assert_eq!(all, totals.ip_packets, "{}", case.name);
                let attributed: u64 = flows.fragments.iter().map(|row| row.attributed).sum();
                assert_eq!(attributed + totals.unattributed_fragments.packets, later);
            }
        }
    }
}

#[test]
fn the_oldest_idle_flows_make_room_and_media_is_kept() {
    let config = Config {
        max_flows: 100,
        ..Config::default()
    };
    let mut datagrams: Vec<Datagram> = (0..10).map(audio).collect();
    for host in 0..1000u32 {
        let mut other = audio(20 + host);
        other.src = (0x0b00_0000 + host).to_be_bytes();
        other.payload = vec![7; 20];
        datagrams.push(other);
    }
    let flows = observe(&config, &datagrams);
    let evicted = &flows.totals.evicted;
    assert!(evicted.flows >= 900, "{evicted:?}");
    assert_eq!(evicted.unlisted, evicted.flows - 1);
    assert!(flows.flows.len() <= 101);
    let media: Vec<_> = flows.flows.iter().filter(|flow| flow.has_media()).collect();
    assert_eq!((media.len(), media[0].rtp[0].packets), (1, 10));
    let latest = datagrams.last().unwrap().time;
    assert!(flows.flows.iter().any(|flow| flow.last == latest));
    assert_eq!(evicted.dscp.get(Dscp::EF), evicted.packets);
}

#[test]
fn four_packets_make_a_stream_and_the_first_counts() {
    for count in 1..8 {
        let datagrams: Vec<_> = (65_533..65_533 + count).map(audio).collect();
        let flows = observe(&Config::default(), &datagrams);
        let [flow] = flows.flows.as_slice() else {
            panic!("{}", flows.flows.len())
        };
        assert_eq!(flow.has_media(), count >= 4, "{count} packets");
        let media = flow.dscp_of(PayloadKind::Media).total();
        assert_eq!(media, if count >= 4 { u64::from(count) } else { 0 });
        if let [stream] = flow.rtp.as_slice() {
            assert_eq!(stream.packets, u64::from(count));
            assert_eq!(stream.first, datagrams[0].time);
            assert_eq!(stream.jitter.unwrap().max_ms, 0.0);
            assert_eq!(stream.evidence, Evidence::Behaviour);
        }
    }
}

#[test]
fn a_media_port_makes_two_packets_enough() {
    let config = Config {
        media_ports: vec![PortRange::try_new(20_000, 20_039).unwrap()],
        ..Config::default()
    };
    let datagrams = [audio(1), audio(2)];
    assert_eq!(observe(&config, &datagrams).flows[0].rtp.len(), 1);
    assert_eq!(
        observe(&Config::default(), &datagrams).flows[0].rtp.len(),
        0
    );
}

#[test]
fn sdp_makes_two_packets_enough_wherever_it_stands() {
    let mut invite = audio(9);
    invite.ports = (5060, 5060);
    invite.payload = b"INVITE sip:x@y SIP/2.0\r\nCall-ID: 1\r\n\r\nc=IN IP4 10.0.0.2\r\nm=audio 40000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n".to_vec();
    let mut media = [audio(1), audio(2)];
    for (number, datagram) in media.iter_mut().enumerate() {
        datagram.payload = rtp(96, number as u32, number as u32 * 960, 7);
    }
    for order in [
        [&invite, &media[0], &media[1]],
        [&media[0], &media[1], &invite],
    ] {
        let datagrams: Vec<_> = order.into_iter().cloned().collect();
        let flows = observe(&Config::default(), &datagrams);
        let flow = flows
            .flows
            .iter()
            .find(|flow| flow.key.src_port == 20_000)
            .unwrap();
        assert!(flow.signs.in_sdp);
        let stream = &flow.rtp[0];
        assert_eq!(stream.evidence, Evidence::Hinted);
        assert_eq!(stream.clock.rate, Some(48_000));
        assert_eq!(stream.codec.as_ref().unwrap().name, "opus");
        assert!(stream.jitter.unwrap().max_ms < 1e-9);
    }
}

#[test]
fn another_source_and_a_restart_are_streams_of_their_own() {
    let mut datagrams: Vec<_> = (0..10).map(audio).collect();
    for number in 10..20 {
        let mut other = audio(number);
        other.payload = rtp(0, 500 + number, number * 160, 99);
        datagrams.push(other);
    }
    for number in 20..30 {
        let mut again = audio(number);
        again.payload = rtp(0, 30_000 + number, number * 160, 99);
        datagrams.push(again);
    }
    let flows = observe(&Config::default(), &datagrams);
    let [first, second, third] = flows.flows[0].rtp.as_slice() else {
        panic!("{:?}", flows.flows[0].rtp)
    };
    assert_eq!((first.beginning, first.packets), (Beginning::First, 10));
    assert_eq!(
        (second.beginning, second.packets),
        (Beginning::AnotherSource, 10)
    );
    assert_eq!(second.sequence.strays, 1);
    assert_eq!((third.beginning, third.packets), (Beginning::Restart, 9));
    assert_eq!((third.ssrc, third.sequence.missing), (99, 0));
}

#[test]
fn a_minute_of_silence_ends_a_stream() {
    let mut datagrams: Vec<_> = (0..10).map(audio).collect();
    datagrams.extend((10..20).map(|number| {
        let mut late = audio(number);
        late.time += 61_000_000_000;
        late
    }));
    let flows = observe(&Config::default(), &datagrams);
    let packets: Vec<u64> = flows.flows[0]
        .rtp
        .iter()
        .map(|stream| stream.packets)
        .collect();
    assert_eq!(packets, [10, 10]);
}

#[test]
fn a_goodbye_ends_a_stream() {
    let mut datagrams: Vec<_> = (0..10).map(audio).collect();
    let mut bye = audio(10);
    bye.payload = vec![
        0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0x12, 0x34, 0x56, 0x78,
    ];
    datagrams.push(bye);
    datagrams.extend((11..13).map(audio));
    datagrams.extend((150..160).map(audio));
    let flows = observe(&Config::default(), &datagrams);
    let streams = &flows.flows[0].rtp;
    assert_eq!(streams.len(), 2);
    assert_eq!(streams[0].bye, Some(datagrams[10].time));
    assert_eq!(streams[0].packets, 12);
    assert_eq!(flows.flows[0].dscp_of(PayloadKind::Rtcp).total(), 1);
}

#[test]
fn telephone_events_leave_jitter_alone() {
    let mut datagrams = Vec::new();
    for number in 0..60u32 {
        let mut packet = audio(number);
        if (20..30).contains(&number) {
            packet.payload = rtp(101, number, 20 * 160, 0x1234_5678);
            packet.payload.truncate(16);
        }
        datagrams.push(packet);
    }
    let flows = observe(&Config::default(), &datagrams);
    let stream = &flows.flows[0].rtp[0];
    assert_eq!(stream.payload_types, [(0, 50), (101, 10)]);
    assert_eq!((stream.payload_type, stream.sequence.missing), (0, 0));
    assert!(stream.jitter.unwrap().max_ms < 1e-9, "{:?}", stream.jitter);
}

#[test]
fn no_jitter_where_the_capture_has_one_time_for_all() {
    let stopped = |number| Datagram {
        time: 0,
        ..audio(number)
    };
    let datagrams: Vec<_> = (0..200).map(stopped).collect();
    let flows = observe(&Config::default(), &datagrams);
    let stream = &flows.flows[0].rtp[0];
    assert_eq!((stream.packets, stream.jitter), (200, None));
    assert_eq!((stream.frame_jitter, stream.clock.measured), (None, None));
}

#[test]
fn a_clock_that_is_set_back_is_no_jitter() {
    for (kind, rate) in [(8, 8000), (96, 48_000)] {
        let datagrams = (0..400u32).map(|number| {
            let mut packet = audio(number);
            packet.payload = rtp(kind, number, number * rate / 50, 5);
            packet.time -= if number < 200 { 0 } else { 120_000_000_000 };
            packet
        });
        let flows = observe(&Config::default(), &datagrams.collect::<Vec<_>>());
        let stream = &flows.flows[0].rtp[0];
        assert_eq!((stream.packets, stream.sequence.missing), (400, 0));
        assert!(stream.jitter.is_some_and(|jitter| jitter.max_ms < 0.05));
        let measured = stream.clock.measured.unwrap() / f64::from(rate);
        assert!((measured - 1.0).abs() < 1e-3, "{measured}");
    }
}

#[test]
fn clocks_of_dynamic_types_are_measured() {
    for rate in [
        8000u32, 11_025, 16_000, 24_000, 44_100, 48_000, 90_000, 13_000,
    ] {
        let datagrams: Vec<_> = (0..200)
            .map(|number| {
                let mut packet = audio(number);
                packet.payload = rtp(96, number, number * rate / 50, 5);
                packet
            })
            .collect();
        let flows = observe(&Config::default(), &datagrams);
        let stream = &flows.flows[0].rtp[0];
        let known = (rate != 13_000).then_some(rate);
        assert_eq!(stream.clock.rate, known);
        let measured = stream.clock.measured.unwrap();
        assert!(
            (measured / f64::from(rate) - 1.0).abs() < 1e-3,
            "{rate}: {measured}"
        );
        match stream.jitter {
            Some(jitter) => assert!(jitter.max_ms < 0.05, "{rate}: {jitter:?}"),
            None => assert_eq!(known, None),
        }
    }
}

/// What happens to a packet on its way.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    Lost,
    Twice,
    /// Comes after so many later ones.
    Late(usize),
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        20 => Just(Fate::Arrives),
        2 => Just(Fate::Lost),
        1 => Just(Fate::Twice),
        1 => (1usize..40).prop_map(Fate::Late),
    ];
    proptest::collection::vec(fate, 20..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fates_are_told(fates in fates(), start in 0u32..65_536) {
        let mut numbers: Vec<u32> = Vec::new();
        let mut late = Vec::new();
        for (number, fate) in (start..).zip(&fates) {
            // the first packets arrive, so that the stream begins with them
            match fate {
                Fate::Lost if number > start + 5 => {}
                Fate::Twice => numbers.extend([number, number]),
                Fate::Late(by) if number > start + 5 => late.push((numbers.len() + by, number)),
                _ => numbers.push(number),
            }
        }
        for (at, number) in late {
            let at = at.min(numbers.len());
            numbers.insert(at, number);
        }
        let datagrams: Vec<Datagram> = (0..).zip(&numbers).map(|(slot, number)| {
            let mut datagram = audio(*number);
            datagram.time = slot * 20_000_000;
            datagram
        }).collect();
        let mut seen = std::collections::BTreeSet::new();
        let mut reordered = 0;
        for number in &numbers {
            let overtaken = seen.last().is_some_and(|highest| highest > number);
            reordered += u64::from(seen.insert(*number) && overtaken);
        }
        let span = u64::from(seen.last().unwrap() - seen.first().unwrap() + 1);

        let flows = observe(&Config::default(), &datagrams);
        prop_assert_eq!(flows.flows[0].rtp.len(), 1);
        let stream = &flows.flows[0].rtp[0];
        prop_assert_eq!(stream.packets as usize, numbers.len());
        prop_assert_eq!(stream.sequence.expected, span);
        prop_assert_eq!(stream.sequence.missing, span - seen.len() as u64);
        prop_assert_eq!(stream.sequence.duplicates as usize, numbers.len() - seen.len());
        prop_assert_eq!(stream.sequence.reordered, reordered);
    }

    /// Every mark is counted, every change is told.
    #[test]
    fn marks_are_counted(marks in proptest::collection::vec((0u8..4, 0u8..4), 1..200)) {
        let values = [0u8, 46, 34, 63];
        let datagrams: Vec<_> = (0..).zip(&marks).map(|(number, (value, ecn))| {
            let mut datagram = audio(number);
            datagram.tos = values[usize::from(*value)] << 2 | ecn;
            datagram
        }).collect();
        let flow = &observe(&Config::default(), &datagrams).flows[0];
        for (index, value) in (0u8..).zip(values) {
            let expected = marks.iter().filter(|(mark, _)| *mark == index).count();
            prop_assert_eq!(flow.dscp.get(Dscp::try_new(value).unwrap()) as usize, expected);
        }
        let changed: Vec<u64> = (1..marks.len() as u64)
            .filter(|at| marks[*at as usize].0 != marks[*at as usize - 1].0)
            .collect();
        prop_assert_eq!(flow.dscp_changes as usize, changed.len());
        for (change, at) in flow.changes.iter().zip(&changed) {
            prop_assert_eq!((change.packet, change.frame), (*at, *at + 1));
            prop_assert_eq!(change.time, datagrams[*at as usize].time);
            prop_assert_eq!(change.to.value(), values[usize::from(marks[*at as usize].0)]);
        }
        prop_assert_eq!(flow.changes.len(), changed.len().min(8));
        let ce = marks.iter().filter(|(_, ecn)| *ecn == 3).count();
        prop_assert_eq!(flow.ce as usize, ce);
    }

    /// Random bytes are not RTP, though one datagram in eight could be.
    #[test]
    fn noise_is_no_media(seed in any::<u64>()) {
        let mut state = seed;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        let datagrams: Vec<_> = (0..300).map(|number| {
            let mut datagram = audio(number);
            datagram.payload = (0..40).map(|_| random() as u8).collect();
            datagram.payload[0] = 0x80;
            datagram
        }).collect();
        let flows = observe(&Config::default(), &datagrams);
        prop_assert!(!flows.flows[0].has_media());
        prop_assert_eq!(flows.flows[0].dscp_of(PayloadKind::Media).total(), 0);
    }

    #[test]
    fn no_frame_panics(frames in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..120), any::<Option<i64>>()), 1..20)) {
        let mut engine = Engine::new(&Config::default());
        for (bytes, time) in &frames {
            let mut bytes = bytes.clone();
            if bytes.len() > 43 {
                bytes[12..16].copy_from_slice(&[8, 0, 0x45, 0xb8]);
                bytes[23] = 17;
                bytes[42] = 0x80;
            }
            engine.observe(&captured(*time, &bytes));
        }
        prop_assert_eq!(engine.finish().totals.packets as usize, frames.len());
    }
}
