//! Calls, codecs, kinds of media and RTCP from the bytes of packets on.
#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it does not expect"
)]

mod support;

use perhop_verify::engine::{Config, Flows};
use perhop_verify::flow::Flow;
use perhop_verify::quality::{Assumptions, DelaySource, estimate};
use perhop_verify::stream::{ClockSource, MediaType};
use support::{run, run_in_lanes};

/// A capture (pcap, raw IP, nanoseconds) that is added to.
struct Capture(Vec<u8>);

/// A datagram or segment: milliseconds, sender, receiver.
type Way = (u64, (u8, u16), (u8, u16));

impl Capture {
    fn new() -> Self {
        let mut bytes = 0xa1b2_3c4du32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(262_144u32.to_le_bytes());
        bytes.extend(101u32.to_le_bytes());
        Self(bytes)
    }

    fn ip(&mut self, ms: u64, ends: (u8, u8), protocol: u8, transport: &[u8]) {
        let len = 20 + transport.len();
        for word in [
            1_700_000_000 + ms / 1000,
            ms % 1000 * 1_000_000,
            len as u64,
            len as u64,
        ] {
            self.0.extend((word as u32).to_le_bytes());
        }
        self.0.extend([0x45, 0]);
        self.0.extend((len as u16).to_be_bytes());
        self.0.extend([0, 0, 0x40, 0, 60, protocol, 0, 0]);
        self.0.extend([10, 0, 0, ends.0, 10, 0, 0, ends.1]);
        self.0.extend(transport);
    }

    fn udp(&mut self, (ms, src, dst): Way, payload: &[u8]) {
        let mut bytes = [src.1.to_be_bytes(), dst.1.to_be_bytes()].concat();
        bytes.extend((payload.len() as u16 + 8).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        self.ip(ms, (src.0, dst.0), 17, &bytes);
    }

    fn tcp(&mut self, (ms, src, dst): Way, sequence: u32, payload: &[u8]) {
        let mut bytes = [src.1.to_be_bytes(), dst.1.to_be_bytes()].concat();
        bytes.extend(sequence.to_be_bytes());
        bytes.extend([0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(payload);
        self.ip(ms, (src.0, dst.0), 6, &bytes);
    }

    /// RTP of one source: payload type, packets, milliseconds and timestamp units between two, payload bytes.
    fn rtp(&mut self, (ms, src, dst): Way, kind: u8, packets: u32, step: (u64, u32), len: usize) {
        for number in 0..packets {
            let mut bytes = vec![0x80, kind];
            bytes.extend((number as u16).to_be_bytes());
            bytes.extend((number * step.1).to_be_bytes());
            bytes.extend((ms as u32 | 1).to_be_bytes());
            bytes.resize(12 + len, 0x55);
            self.udp((ms + u64::from(number) * step.0, src, dst), &bytes);
        }
    }

    /// The answer, which must be the same in lanes.
    fn flows(&self) -> Flows {
        let config = Config::default();
        let whole = run(&config, &self.0);
        let divided = run_in_lanes(&config, &self.0, 3, 2, |packets| packets % 7 == 0);
        assert_eq!(whole, divided);
        whole
    }
}

fn sip(start: &str, id: &str, body: &str) -> Vec<u8> {
    format!(
        "{start} SIP/2.0\r\nFrom: <sip:a@x>\r\nTo: <sip:b@y>\r\nCall-ID: {id}\r\nCSeq: 1 INVITE\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn sdp(host: u8, port: u16, kind: &str, map: &str) -> String {
    format!("v=0\r\nc=IN IP4 10.0.0.{host}\r\nm={kind} {port} RTP/AVP 96\r\na=rtpmap:96 {map}\r\n")
}

fn with_media(flows: &Flows) -> Vec<&Flow> {
    flows.flows.iter().filter(|flow| flow.has_media()).collect()
}

const A: (u8, u16) = (1, 5060);
const B: (u8, u16) = (2, 5060);

/// A gateway gives a port to one call after another: each stream has the codec of its own call.
#[test]
fn a_port_used_again_belongs_to_the_later_call() {
    let mut capture = Capture::new();
    for (number, map) in ["AMR/8000", "opus/48000/2", "G726-32/8000"]
        .iter()
        .enumerate()
    {
        let ms = number as u64 * 100_000;
        let invite = sip(
            "INVITE sip:b@y",
            &format!("call-{number}"),
            &sdp(2, 4000, "audio", map),
        );
        capture.udp((ms, A, B), &invite);
        let units = if map.contains("48000") { 960 } else { 160 };
        capture.rtp((ms + 100, (1, 3000), (2, 4000)), 96, 200, (20, units), 80);
    }
    let flows = capture.flows();
    let found = with_media(&flows);
    let [flow] = found[..] else {
        panic!("one flow");
    };
    let codecs: Vec<_> = flow
        .rtp
        .iter()
        .map(|stream| {
            (
                stream.codec.as_ref().unwrap().name.to_string(),
                stream.clock.rate,
            )
        })
        .collect();
    assert_eq!(
        codecs,
        [
            ("AMR".to_owned(), Some(8000)),
            ("opus".to_owned(), Some(48_000)),
            ("G726-32".to_owned(), Some(8000))
        ]
    );
    assert_eq!(flow.call.as_ref().unwrap().id, "call-2", "the last");
    let score =
        |at: usize| estimate(&flow.rtp[at], &Assumptions::default()).map(|one| one.codec.codec);
    assert_eq!(score(0), Ok("AMR at 12.2 kbit/s"));
    assert_eq!(score(2), Ok("G.726 at 32 kbit/s"));
}

/// The body of the message comes in the second segment.
#[test]
fn sip_over_tcp_names_calls_too() {
    let mut capture = Capture::new();
    let invite = sip("INVITE sip:b@y", "1", &sdp(2, 4000, "video", "VP8/90000"));
    let (head, rest) = invite.split_at(150);
    capture.tcp((0, A, B), u32::MAX - 100, head);
    capture.udp((1, (9, 7000), (9, 7001)), b"something else");
    capture.tcp((2, A, B), 49, rest);
    capture.rtp((100, (1, 3000), (2, 4000)), 96, 3, (200, 18_000), 90);
    let flows = capture.flows();
    let found = with_media(&flows);
    let [flow] = found[..] else {
        panic!("two packets are enough where SDP expects them");
    };
    assert_eq!(flow.call.as_ref().unwrap().parties(), "a@x > b@y");
    assert_eq!(flow.rtp[0].media, Some(MediaType::Video));
    assert_eq!(
        flow.rtp[0].codec.as_ref().unwrap().source,
        ClockSource::Announced
    );
    let media = &flows.calls.list[0].media[0];
    assert_eq!(
        (media.endpoint.port(), media.media),
        (4000, MediaType::Video)
    );
}

/// Without SDP: the clock tells, small packets or not; where it does not, nothing is claimed.
#[test]
fn sound_and_pictures_are_told_apart_or_not_at_all() {
    let cases = [
        (
            "VP8, 12 frames a second, small",
            60,
            (83, 7500),
            120,
            Some(MediaType::Video),
        ),
        (
            "a few small frames",
            12,
            (200, 18_000),
            90,
            Some(MediaType::Video),
        ),
        ("opus", 60, (20, 960), 80, Some(MediaType::Audio)),
        (
            "opus, few packets",
            12,
            (20, 960),
            80,
            Some(MediaType::Audio),
        ),
        (
            "linear sound, large packets",
            60,
            (20, 960),
            1200,
            Some(MediaType::Audio),
        ),
        ("timestamps of no known clock", 60, (20, 1300), 90, None),
        ("too few to tell", 5, (20, 960), 80, None),
    ];
    for (what, packets, step, len, expected) in cases {
        let mut capture = Capture::new();
        capture.rtp((0, (1, 3000), (2, 4000)), 98, packets, step, len);
        let flows = capture.flows();
        assert_eq!(flows.flows[0].rtp[0].media, expected, "{what}");
    }
}

/// More calls than are kept: the oldest go, their number is told, the latest still name their flows.
#[test]
fn a_flood_of_calls_is_bounded() {
    let mut capture = Capture::new();
    let calls = 30_000u32;
    for number in 0..calls {
        let port = 10_000 + (number % 20_000) as u16;
        let invite = sip(
            "INVITE sip:b@y",
            &format!("flood-{number}"),
            &sdp(2, port, "audio", "opus/48000"),
        );
        capture.udp((u64::from(number), A, B), &invite);
    }
    capture.rtp(
        (
            40_000,
            (1, 3000),
            (2, 10_000 + ((calls - 1) % 20_000) as u16),
        ),
        96,
        60,
        (20, 960),
        80,
    );
    let flows = run(&Config::default(), &capture.0);
    assert!(flows.calls.evicted > 0);
    assert_eq!(
        flows.calls.list.len() as u64 + flows.calls.evicted,
        u64::from(calls)
    );
    let flow = with_media(&flows)[0];
    assert_eq!(
        flow.call.as_ref().unwrap().id,
        format!("flood-{}", calls - 1)
    );
}

/// Metrics of an extended report on the media's own port: the endpoint's word on its round trip is taken.
#[test]
fn extended_reports_reach_the_estimate() {
    let mut capture = Capture::new();
    capture.rtp((0, (1, 3000), (2, 4000)), 0, 200, (20, 160), 160);
    let mut report = vec![0x80, 201, 0, 1, 0, 0, 0, 9];
    report.extend([0x80, 207, 0, 10, 0, 0, 0, 9, 7, 0, 0, 8, 0, 0, 0, 1]);
    report.extend([
        13, 0, 0, 0, 0, 0, 0, 0, 0, 120, 0, 10, 127, 127, 127, 16, 82, 127, 41, 40, 0, 0,
    ]);
    report.extend([0, 40, 0, 60, 0, 120]);
    capture.udp((4100, (2, 4000), (1, 3000)), &report);
    let flows = capture.flows();
    let stream = &with_media(&flows)[0].rtp[0];
    let voip = stream.remote.as_ref().unwrap().voip.unwrap();
    assert_eq!((voip.loss_rate, voip.mos_lq), (13, Some(41)));
    let found = estimate(stream, &Assumptions::default()).unwrap();
    assert_eq!(
        (found.network_ms, found.delay),
        (60.0, DelaySource::Reported)
    );
    assert_eq!(found.loss_percent, 0.0, "lost behind the capture point");
}
