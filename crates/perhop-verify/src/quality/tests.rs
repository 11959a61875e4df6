use std::borrow::Cow;

use perhop_wire::rtcp::report::{ReportBlock, VoipMetrics};

use super::*;
use crate::flow::{DscpCounts, Flow, FlowDirection, FlowKey, LinkMarks, Signs as FlowSigns};
use crate::stream::{
    Beginning, Codec, Evidence, Jitter, RemoteReport, RtcpSummary, SequenceReport, StreamClock,
};

fn stream(codec: Option<(&'static str, ClockSource)>) -> Stream {
    Stream {
        ssrc: 7,
        payload_type: 0,
        payload_types: vec![(0, 1000)],
        packets: 1000,
        payload_bytes: 160_000,
        first: 0,
        last: 20_000_000_000,
        sequence: SequenceReport {
            expected: 1000,
            ..SequenceReport::default()
        },
        clock: StreamClock {
            rate: Some(8000),
            source: ClockSource::Registered,
            measured: None,
        },
        jitter: None,
        frame_jitter: None,
        longest_gap_ms: 0.0,
        markers: 0,
        media: Some(MediaType::Audio),
        codec: codec.map(|(name, source)| Codec {
            name: Cow::Borrowed(name),
            source,
        }),
        evidence: Evidence::Behaviour,
        beginning: Beginning::First,
        bye: None,
        over_tcp: false,
        remote: None,
    }
}

fn g711() -> Stream {
    stream(Some(("PCMU", ClockSource::Registered)))
}

fn of(stream: &Stream) -> Result<Estimate, NotStated> {
    estimate(stream, &Assumptions::default())
}

fn key(src: &str, dst: &str) -> FlowKey {
    let (src, dst): (std::net::SocketAddr, std::net::SocketAddr) =
        (src.parse().unwrap(), dst.parse().unwrap());
    FlowKey {
        src: src.ip(),
        dst: dst.ip(),
        protocol: 17,
        src_port: src.port(),
        dst_port: dst.port(),
    }
}

fn rtcp_flow(key: FlowKey, rtcp: RtcpSummary) -> Flow {
    Flow {
        key,
        packets: 3,
        bytes: 300,
        first: 0,
        last: 0,
        dscp: DscpCounts::new(),
        dscp_by_kind: Vec::new(),
        outer_dscp: DscpCounts::new(),
        tunnel: None,
        dscp_changes: 0,
        changes: Vec::new(),
        ce: 0,
        link: LinkMarks::default(),
        direction: FlowDirection::default(),
        ttl: (64, 64),
        signs: FlowSigns::default(),
        wrapper: None,
        fragments: None,
        call: None,
        rtp: Vec::new(),
        rtcp: Some(Box::new(rtcp)),
    }
}

/// A report of `reporter` about `ssrc`, with 13/256 lost and 160 units of jitter.
fn said(reporter: u32, ssrc: u32, round_trip: Option<i64>) -> RtcpSummary {
    let last = ReportBlock {
        ssrc,
        fraction_lost: 13,
        cumulative_lost: 20,
        highest_sequence: 1000,
        jitter: 80,
        last_sr: 1,
        delay_since_last_sr: 1,
    };
    RtcpSummary {
        reports: vec![RemoteReport {
            reporter,
            count: 4,
            last,
            worst_fraction_lost: 13,
            worst_jitter: 160,
            round_trip,
        }],
        ..RtcpSummary::default()
    }
}

#[test]
fn a_clean_g711_stream_loses_only_by_delay() {
    let found = of(&g711()).unwrap();
    assert_eq!(found.delay, DelaySource::Assumed);
    assert_eq!(
        (found.network_ms, found.packet_ms, found.buffer_ms),
        (100.0, 20.0, 40.0)
    );
    assert!((found.r - (93.2 - 0.024 * 160.0)).abs() < 1e-9);
    assert_eq!(
        found.to_string(),
        "G.711 with concealment (Ie 0, Bpl 25.1), network 100 ms assumed, packets 20 ms, jitter buffer 40 ms"
    );
}

/// Loss is a share, not a count; packets that came late are not lost; bursts count more.
#[test]
fn loss_is_what_never_came() {
    let mut lossy = g711();
    lossy.sequence.missing = 50;
    lossy.sequence.loss_runs = 50;
    lossy.sequence.reordered = 400;
    lossy.sequence.cumulative_lost = -300;
    let found = of(&lossy).unwrap();
    assert_eq!((found.loss_percent, found.burst_ratio), (5.0, 1.0));
    lossy.sequence.loss_runs = 10;
    let bursty = of(&lossy).unwrap();
    assert!((bursty.burst_ratio - 4.75).abs() < 1e-9);
    assert!(bursty.mos < found.mos);
}

/// Jitter counts once, as delay of the buffer.
#[test]
fn jitter_is_delay() {
    let mut jittery = g711();
    jittery.jitter = Some(Jitter {
        last_ms: 10.0,
        mean_ms: 12.0,
        max_ms: 35.0,
        count: 999,
    });
    let found = of(&jittery).unwrap();
    assert_eq!((found.buffer_ms, found.loss_percent), (70.0, 0.0));
    assert_eq!(found.delay_ms(), 190.0);
    jittery.jitter = jittery.jitter.map(|jitter| Jitter {
        max_ms: 2730.0,
        ..jitter
    });
    assert_eq!(of(&jittery), Err(NotStated::Jitter));
}

#[test]
fn nothing_is_stated_where_it_would_be_a_guess() {
    let mut video = g711();
    video.media = Some(MediaType::Video);
    assert_eq!(of(&video), Err(NotStated::NotAudio));
    video.media = None;
    assert_eq!(of(&video), Err(NotStated::NotAudio));
    assert_eq!(of(&stream(None)), Err(NotStated::CodecUnknown));
    let habit = stream(Some(("AAL2-G726-32", ClockSource::Assumed)));
    assert_eq!(
        of(&habit),
        Err(NotStated::CodecUnknown),
        "a habit is no knowledge"
    );
    let opus = stream(Some(("opus", ClockSource::Announced)));
    assert_eq!(of(&opus), Err(NotStated::NoValues));
    let mut short = g711();
    short.sequence.expected = 49;
    assert_eq!(of(&short), Err(NotStated::TooShort));
    let mut framed = g711();
    framed.over_tcp = true;
    assert_eq!(of(&framed), Err(NotStated::OverTcp));
}

/// What RTCP tells of the stream of a flow of media, among flows of RTCP.
fn told(rtcp: &[Flow]) -> Option<Remote> {
    super::told(&media(), &g711(), |key| {
        let flow = rtcp.iter().find(|flow| flow.key == *key)?;
        flow.rtcp.as_deref()
    })
}

fn media() -> FlowKey {
    key("10.0.0.1:4000", "10.0.0.2:5000")
}

#[test]
fn a_stream_finds_what_its_receiver_said() {
    let places = [
        ("10.0.0.2:5000", "10.0.0.1:4000"),
        ("10.0.0.2:5001", "10.0.0.1:4001"),
        ("10.0.0.2:5001", "10.0.0.1:4000"),
    ];
    for (src, dst) in places {
        let remote = told(&[rtcp_flow(key(src, dst), said(9, 7, None))]).unwrap();
        assert_eq!(remote.report.unwrap().last.cumulative_lost, 20, "{src}");
        assert_eq!(remote.worst_loss(), Some(13.0 / 256.0));
        assert_eq!(remote.worst_jitter_ms(Some(8000)), Some(20.0));
        assert_eq!(
            (remote.worst_jitter_ms(None), remote.round_trip),
            (None, None)
        );
    }
    let elsewhere = [
        rtcp_flow(key("10.0.0.2:5002", "10.0.0.1:4002"), said(9, 7, None)),
        rtcp_flow(key("10.0.0.1:4001", "10.0.0.2:5001"), said(9, 7, None)),
        rtcp_flow(media().reversed(), said(9, 8, None)),
    ];
    assert_eq!(told(&elsewhere), None);
}

#[test]
fn both_sides_of_the_capture_point_make_the_round_trip() {
    let there = rtcp_flow(
        key("10.0.0.2:5001", "10.0.0.1:4001"),
        said(9, 7, Some(30_000_000)),
    );
    let here = rtcp_flow(
        key("10.0.0.1:4001", "10.0.0.2:5001"),
        said(7, 9, Some(10_000_000)),
    );
    let trip = |flows: &[Flow]| {
        let trip = told(flows).unwrap().round_trip.unwrap();
        (trip.ms, trip.source)
    };
    let both = [there.clone(), here.clone()];
    assert_eq!(trip(&both), (40.0, DelaySource::Measured));
    let mut stream = g711();
    stream.remote = told(&both).map(Box::new);
    let found = of(&stream).unwrap();
    assert_eq!(
        (found.network_ms, found.delay),
        (20.0, DelaySource::Measured)
    );
    assert_eq!(trip(&both[..1]), (30.0, DelaySource::MeasuredOneSide));
    assert_eq!(trip(&both[1..]), (10.0, DelaySource::MeasuredOneSide));
    let [mut there, here] = both;
    there.rtcp.as_mut().unwrap().voip = vec![metrics(7, 90)];
    assert_eq!(trip(&[there, here]), (90.0, DelaySource::Reported));
}

fn metrics(ssrc: u32, round_trip: u16) -> VoipMetrics {
    VoipMetrics {
        ssrc,
        loss_rate: 0,
        discard_rate: 0,
        burst_density: 0,
        gap_density: 0,
        burst_duration: 0,
        gap_duration: 0,
        round_trip,
        end_system_delay: 0,
        signal_level: None,
        noise_level: None,
        residual_echo_return_loss: None,
        gmin: 16,
        r_factor: None,
        external_r_factor: None,
        mos_lq: None,
        mos_cq: None,
        jitter_buffer_nominal: 0,
        jitter_buffer_maximum: 0,
        jitter_buffer_absolute_maximum: 0,
    }
}
