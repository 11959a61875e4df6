//! One RTP stream as JSON, and what RTCP says.

use perhop_verify::quality::{self, Assumptions, Estimate, NotStated};
use perhop_verify::stream::{
    Beginning, BurstReport, ClockSource, Evidence, Jitter, MediaType, RtcpSummary, Stream,
};
use perhop_wire::rtcp::report::VoipMetrics;
use serde::{Serialize, Serializer};

use crate::json::{Seconds, Source, rounded};

/// One RTP stream.
#[derive(Debug, Serialize)]
pub(crate) struct JsonStream<'a> {
    ssrc: Source,
    payload_type: u8,
    packets: u64,
    lost: u64,
    jitter_ms_mean: Option<f64>,
    jitter_ms_max: Option<f64>,
    jitter_ms_last: Option<f64>,
    frame_jitter_ms_mean: Option<f64>,
    expected: u64,
    loss_percent: f64,
    cumulative_lost: i64,
    duplicates: u64,
    reordered: u64,
    loss_runs: u64,
    longest_loss_run: u64,
    bursts: u64,
    mean_burst_packets: Option<f64>,
    burst_loss_percent: Option<f64>,
    gap_loss_percent: Option<f64>,
    worst_loss_percent_200_ms: f64,
    worst_loss_percent_15_s: f64,
    longest_gap_ms: f64,
    first: Seconds,
    last: Seconds,
    payload_bytes: u64,
    payload_types: PayloadTypes<'a>,
    media: Option<&'static str>,
    codec: Option<&'a str>,
    clock: Option<u32>,
    clock_source: &'static str,
    evidence: &'static str,
    beginning: &'static str,
    over_tcp: bool,
    mos: Option<JsonMos>,
    mos_not_stated: Option<&'static str>,
    remote: Option<JsonRemote>,
}

impl<'a> JsonStream<'a> {
    /// What is written of a stream.
    pub(crate) fn of(stream: &'a Stream) -> Self {
        let sequence = &stream.sequence;
        let mos = quality::estimate(stream, &Assumptions::default());
        let ms =
            |pick: fn(&Jitter) -> f64| stream.jitter.as_ref().map(|jitter| rounded(pick(jitter)));
        let percent = |share: f64| rounded(100.0 * share);
        Self {
            ssrc: Source(stream.ssrc),
            payload_type: stream.payload_type,
            packets: stream.packets,
            lost: sequence.missing,
            jitter_ms_mean: ms(|jitter| jitter.mean_ms),
            jitter_ms_max: ms(|jitter| jitter.max_ms),
            jitter_ms_last: ms(|jitter| jitter.last_ms),
            frame_jitter_ms_mean: stream.frame_jitter.map(|jitter| rounded(jitter.mean_ms)),
            expected: sequence.expected,
            loss_percent: percent(sequence.loss()),
            cumulative_lost: sequence.cumulative_lost,
            duplicates: sequence.duplicates,
            reordered: sequence.reordered,
            loss_runs: sequence.loss_runs,
            longest_loss_run: sequence.longest_loss_run,
            bursts: sequence.bursts.bursts,
            mean_burst_packets: mean_burst(&sequence.bursts),
            burst_loss_percent: sequence.burst_density().map(percent),
            gap_loss_percent: sequence.gap_density().map(percent),
            worst_loss_percent_200_ms: percent(sequence.worst_200_ms.into()),
            worst_loss_percent_15_s: percent(sequence.worst_15_s.into()),
            longest_gap_ms: rounded(stream.longest_gap_ms),
            first: Seconds(stream.first),
            last: Seconds(stream.last),
            payload_bytes: stream.payload_bytes,
            payload_types: PayloadTypes(&stream.payload_types),
            media: stream.media.map(MediaType::name),
            codec: stream.codec.as_ref().map(|codec| &*codec.name),
            clock: stream.clock.rate,
            clock_source: match stream.clock.source {
                ClockSource::Registered => "registered",
                ClockSource::Announced => "announced",
                ClockSource::Measured => "measured",
                ClockSource::Assumed => "assumed",
                ClockSource::Unknown => "unknown",
            },
            evidence: match stream.evidence {
                Evidence::Behaviour => "behaviour",
                Evidence::Hinted => "hinted",
            },
            beginning: match stream.beginning {
                Beginning::First => "first",
                Beginning::AnotherSource => "another-source",
                Beginning::Restart => "restart",
            },
            over_tcp: stream.over_tcp,
            mos: mos.as_ref().ok().map(JsonMos::of),
            mos_not_stated: mos.err().map(NotStated::reason),
            remote: JsonRemote::of(stream),
        }
    }
}

/// Packets of a burst, lost or not, on average.
fn mean_burst(bursts: &BurstReport) -> Option<f64> {
    (bursts.bursts > 0).then(|| rounded(bursts.packets as f64 / bursts.bursts as f64))
}

/// An estimate by the E-model and what it assumes.
#[derive(Debug, Serialize)]
struct JsonMos {
    mos: f64,
    r: f64,
    codec: &'static str,
    ie: f64,
    bpl: f64,
    bpl_assumed: bool,
    loss_percent: f64,
    burst_ratio: f64,
    delay_ms: f64,
    network_ms: f64,
    network_source: &'static str,
    packet_ms: f64,
    buffer_ms: f64,
}

impl JsonMos {
    fn of(found: &Estimate) -> Self {
        Self {
            mos: rounded(found.mos),
            r: rounded(found.r),
            codec: found.codec.codec,
            ie: found.codec.ie,
            bpl: found.codec.bpl,
            bpl_assumed: found.codec.bpl_assumed,
            loss_percent: rounded(found.loss_percent),
            burst_ratio: rounded(found.burst_ratio),
            delay_ms: rounded(found.delay_ms()),
            network_ms: rounded(found.network_ms),
            network_source: found.delay.name(),
            packet_ms: rounded(found.packet_ms),
            buffer_ms: rounded(found.buffer_ms),
        }
    }
}

/// What the receiver said of a stream.
#[derive(Debug, Serialize)]
struct JsonRemote {
    reports: u64,
    cumulative_lost: Option<i32>,
    worst_loss_percent: Option<f64>,
    worst_jitter_ms: Option<f64>,
    round_trip_ms: Option<f64>,
    voip: Option<JsonVoip>,
}

/// Metrics of an extended report (RFC 3611).
#[derive(Debug, Serialize)]
struct JsonVoip {
    loss_percent: f64,
    discard_percent: f64,
    burst_ms: u16,
    gap_ms: u16,
    round_trip_ms: u16,
    end_system_delay_ms: u16,
    r_factor: Option<u8>,
    mos_lq: Option<f64>,
    mos_cq: Option<f64>,
    jitter_buffer_ms: u16,
}

impl JsonRemote {
    /// `None` when nothing was said of the stream itself.
    fn of(stream: &Stream) -> Option<Self> {
        let remote = stream.remote.as_deref()?;
        let percent = |share: f64| rounded(100.0 * share);
        (remote.report.is_some() || remote.voip.is_some()).then(|| Self {
            reports: remote.report.map_or(0, |report| report.count),
            cumulative_lost: remote.report.map(|report| report.last.cumulative_lost),
            worst_loss_percent: remote.worst_loss().map(percent),
            worst_jitter_ms: remote.worst_jitter_ms(stream.clock.rate).map(rounded),
            round_trip_ms: remote.round_trip_ms().map(rounded),
            voip: remote.voip.as_ref().map(JsonVoip::of),
        })
    }
}

impl JsonVoip {
    fn of(metrics: &VoipMetrics) -> Self {
        let percent = |share: u8| rounded(f64::from(share) / 2.56);
        let score = |tenths: Option<u8>| tenths.map(|tenths| rounded(f64::from(tenths) / 10.0));
        Self {
            loss_percent: percent(metrics.loss_rate),
            discard_percent: percent(metrics.discard_rate),
            burst_ms: metrics.burst_duration,
            gap_ms: metrics.gap_duration,
            round_trip_ms: metrics.round_trip,
            end_system_delay_ms: metrics.end_system_delay,
            r_factor: metrics.r_factor,
            mos_lq: score(metrics.mos_lq),
            mos_cq: score(metrics.mos_cq),
            jitter_buffer_ms: metrics.jitter_buffer_nominal,
        }
    }
}

#[derive(Debug)]
struct PayloadTypes<'a>(&'a [(u8, u64)]);

impl Serialize for PayloadTypes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// RTCP of one direction of a flow.
#[derive(Debug, Serialize)]
pub(crate) struct JsonRtcp {
    datagrams: u64,
    encrypted: u64,
    sender_reports: u64,
    senders: Vec<Source>,
    reports: Vec<JsonReport>,
}

#[derive(Debug, Serialize)]
struct JsonReport {
    reporter: Source,
    ssrc: Source,
    count: u64,
    cumulative_lost: i32,
    worst_fraction_lost: f64,
    round_trip_ms: Option<f64>,
}

impl JsonRtcp {
    /// What is written of it.
    pub(crate) fn of(rtcp: &RtcpSummary) -> Self {
        Self {
            datagrams: rtcp.datagrams,
            encrypted: rtcp.encrypted,
            sender_reports: rtcp.sender_reports,
            senders: rtcp.senders.iter().copied().map(Source).collect(),
            reports: rtcp
                .reports
                .iter()
                .map(|report| JsonReport {
                    reporter: Source(report.reporter),
                    ssrc: Source(report.last.ssrc),
                    count: report.count,
                    cumulative_lost: report.last.cumulative_lost,
                    worst_fraction_lost: rounded(f64::from(report.worst_fraction_lost) / 256.0),
                    round_trip_ms: report.round_trip.map(|ns| rounded(ns as f64 / 1e6)),
                })
                .collect(),
        }
    }
}
