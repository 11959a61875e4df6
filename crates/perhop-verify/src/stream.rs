//! RTP streams: recognised by how their sequence numbers behave, measured as RFC 3550 has it.
//!
//! [`Stream`] is the finished, plain form. While packets arrive a stream is two records in an arena (`arena`), the
//! first of which holds all that an ordinary packet of sound touches. What only some streams have is made for them
//! alone: `timings` for video and for clocks that are being measured, `rare` for loss and what is odder.

use perhop_wire::rtcp::report::{ReportBlock, VoipMetrics};

pub(crate) mod arena;
pub(crate) mod arrival;
mod burst;
pub(crate) mod clock;
mod finish;
mod jitter;
mod loss;
mod media;
pub(crate) mod progress;
mod rare;
mod sequence;
mod timings;
pub(crate) mod update;

use crate::quality::Remote;

pub use clock::{ClockSource, Codec, StreamClock};
pub(crate) use finish::Announced;

/// One RTP stream: packets of one SSRC on one unidirectional flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// The synchronisation source.
    pub ssrc: u32,
    /// The payload type of most packets, comfort noise and telephone events aside.
    pub payload_type: u8,
    /// Packets per payload type, in order of payload type.
    pub payload_types: Vec<(u8, u64)>,
    /// Packets, duplicates included.
    pub packets: u64,
    /// Payload bytes; an authentication tag counts, padding too.
    pub payload_bytes: u64,
    /// Arrival of the first packet in nanoseconds since 1970.
    pub first: i64,
    /// Arrival of the last packet in nanoseconds since 1970.
    pub last: i64,
    /// What the sequence numbers tell.
    pub sequence: SequenceReport,
    /// The clock of the timestamps, and how it is known.
    pub clock: StreamClock,
    /// Interarrival jitter (RFC 3550 section 6.4.1); `None` when the clock is unknown, when a packet had no time, or when
    /// there was no second packet.
    pub jitter: Option<Jitter>,
    /// The same over the first packets of frames only, for video: without the sender's pacing of a frame's packets.
    pub frame_jitter: Option<Jitter>,
    /// Longest time between two packets that arrived one after the other, in milliseconds.
    pub longest_gap_ms: f64,
    /// Packets with the marker bit.
    pub markers: u64,
    /// What the stream carries, by SDP or by its behaviour; `None` when neither tells.
    pub media: Option<MediaType>,
    /// The codec by SDP, by RFC 3551, or by the habit of Microsoft's endpoints.
    pub codec: Option<Codec>,
    /// Why these packets are called RTP.
    pub evidence: Evidence,
    /// How the stream began.
    pub beginning: Beginning,
    /// When RTCP said goodbye for this source, in nanoseconds since 1970.
    pub bye: Option<i64>,
    /// The packets were framed in a TCP stream (RFC 4571): arrival times are those of segments.
    pub over_tcp: bool,
    /// What RTCP in the capture tells of it.
    pub remote: Option<Box<Remote>>,
}

/// Interarrival jitter over a stream, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter {
    /// After the last packet.
    pub last_ms: f64,
    /// Mean of the values after each packet but the first. Comfort noise does not count.
    pub mean_ms: f64,
    /// Largest of those values.
    pub max_ms: f64,
    /// How many values the mean is made of.
    pub count: u64,
}

/// What the sequence numbers of a stream tell (RFC 3550 appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SequenceReport {
    /// Lowest sequence number.
    pub lowest: u16,
    /// Highest sequence number, the one expected last.
    pub highest: u16,
    /// Packets between lowest and highest, both counted.
    pub expected: u64,
    /// Sequence numbers between lowest and highest that never came.
    pub missing: u64,
    /// Packets whose sequence number had come before.
    pub duplicates: u64,
    /// Of those, how many had the IPv4 identification of the packet before: the capture saw one packet twice.
    pub seen_twice: u64,
    /// Packets that came after a higher sequence number and were not duplicates.
    pub reordered: u64,
    /// Lost as RTCP counts (RFC 3550 appendix A.3): highest minus first received plus one, minus packets. Duplicates, and
    /// packets that come after the first though sent before it, lower it and can make it negative.
    pub cumulative_lost: i64,
    /// Runs of missing numbers: `missing` divided by this is the mean loss burst.
    pub loss_runs: u64,
    /// Longest run of missing numbers.
    pub longest_loss_run: u64,
    /// Bursts of loss.
    pub bursts: BurstReport,
    /// Largest share lost, 0 to 1, within 200 ms of a loss.
    pub worst_200_ms: f32,
    /// Largest share lost, 0 to 1, within 15 s of a loss.
    pub worst_15_s: f32,
    /// Packets of the SSRC that fitted nowhere and are counted nowhere.
    pub strays: u64,
}

/// Bursts of loss (RFC 3611 section 4.7.2): they begin and end with a loss, and fewer than 16 packets that came lie between
/// two losses. What is between bursts is a gap; a loss by itself belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BurstReport {
    /// Bursts.
    pub bursts: u64,
    /// Packets lost in them.
    pub lost: u64,
    /// Packets in them, lost or not.
    pub packets: u64,
}

impl SequenceReport {
    /// Share missing within bursts, 0 to 1; `None` without bursts.
    #[must_use]
    pub fn burst_density(&self) -> Option<f64> {
        let bursts = &self.bursts;
        (bursts.packets > 0).then(|| bursts.lost as f64 / bursts.packets as f64)
    }

    /// Share missing between bursts, 0 to 1; `None` when there is nothing between.
    #[must_use]
    pub fn gap_density(&self) -> Option<f64> {
        let packets = self.expected.saturating_sub(self.bursts.packets);
        let lost = self.missing.saturating_sub(self.bursts.lost);
        (packets > 0).then(|| lost as f64 / packets as f64)
    }

    /// Share missing, 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        if self.expected == 0 {
            return 0.0;
        }
        self.missing as f64 / self.expected as f64
    }
}

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaType {
    /// Sound.
    Audio,
    /// Pictures: timestamps of 90 kHz, several packets that share one, or large packets.
    Video,
    /// Data, by SDP (`m=application`).
    Application,
}

impl MediaType {
    /// SDP's word: `audio`, `video`, `application` (RFC 8866).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Application => "application",
        }
    }
}

/// Why packets are called RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Evidence {
    /// At least four packets whose sequence numbers and timestamps go together.
    Behaviour,
    /// Two or three such packets, and SDP, STUN, RTCP or a media port range besides.
    Hinted,
}

/// How a stream began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Beginning {
    /// The first stream of its flow.
    First,
    /// Another SSRC than the streams before it: simulcast, retransmission, a re-INVITE, hold music.
    AnotherSource,
    /// The same SSRC after a jump of the sequence numbers, a goodbye or 60 s of silence.
    Restart,
}

/// What RTCP on a flow said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RtcpSummary {
    /// Datagrams, encrypted ones included.
    pub datagrams: u64,
    /// Datagrams whose content was encrypted.
    pub encrypted: u64,
    /// Sender reports.
    pub sender_reports: u64,
    /// The sources that sent, in order of first appearance, at most [`RtcpSummary::KEPT`].
    pub senders: Vec<u32>,
    /// What was reported of each source, at most [`RtcpSummary::KEPT`].
    pub reports: Vec<RemoteReport>,
    /// The latest `VoIP` metrics of each source (RFC 3611 section 4.7), at most [`RtcpSummary::KEPT`].
    pub voip: Vec<VoipMetrics>,
}

impl RtcpSummary {
    /// How many senders, reported sources and sources with metrics are kept.
    pub const KEPT: usize = 16;
}

/// What a receiver reported of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteReport {
    /// Who reported.
    pub reporter: u32,
    /// Reports.
    pub count: u64,
    /// The last of them.
    pub last: ReportBlock,
    /// Largest share lost between two reports, in 1/256.
    pub worst_fraction_lost: u8,
    /// Largest interarrival jitter, in timestamp units of the source.
    pub worst_jitter: u32,
    /// Smallest round trip from the capture point to the reporter, in nanoseconds: the time from a sender report to
    /// the report that answers it, less the delay the reporter gives. `None` without such a pair.
    pub round_trip: Option<i64>,
}
