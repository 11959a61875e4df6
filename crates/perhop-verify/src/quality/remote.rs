//! What the other end said of a stream by RTCP, found from the stream.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use perhop_wire::rtcp::report::VoipMetrics;

use super::DelaySource;
use crate::flow::{Flow, FlowKey};
use crate::stream::{RemoteReport, RtcpSummary, Stream};

/// What RTCP tells of one stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Remote {
    /// The receiver's report blocks about it (RFC 3550).
    pub report: Option<RemoteReport>,
    /// The receiver's latest `VoIP` metrics (RFC 3611).
    pub voip: Option<VoipMetrics>,
    /// The round trip between the ends: by the receiver's own word, or as RTCP passed the capture point in both directions,
    /// or in one.
    pub round_trip: Option<RoundTrip>,
}

impl Remote {
    /// The largest share lost between two reports, 0 to 1.
    #[must_use]
    pub fn worst_loss(&self) -> Option<f64> {
        let worst = self.report?.worst_fraction_lost;
        Some(f64::from(worst) / 256.0)
    }

    /// The largest jitter reported, in ms; `None` when the clock of the stream's timestamps is unknown.
    #[must_use]
    pub fn worst_jitter_ms(&self, clock: Option<u32>) -> Option<f64> {
        let units = self.report?.worst_jitter;
        Some(f64::from(units) * 1000.0 / f64::from(clock?))
    }

    /// From the capture point to the receiver and back, in ms.
    #[must_use]
    pub fn round_trip_ms(&self) -> Option<f64> {
        self.report?.round_trip.map(ms)
    }
}

/// A round trip between the ends of a call, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoundTrip {
    /// Milliseconds.
    pub ms: f64,
    /// What it spans.
    pub source: DelaySource,
}

impl RoundTrip {
    /// Half of it, in ms, and where it is from.
    #[must_use]
    pub fn one_way(self) -> (f64, DelaySource) {
        (self.ms / 2.0, self.source)
    }
}

/// RTCP of a capture, by its flow. Only ever asked for one key, so its order is of no account.
#[derive(Debug, Default)]
pub(crate) struct Remotes(HashMap<FlowKey, Arc<RtcpSummary>, Secret>);

/// A secret of the process, and the hash that is made with it: each flow asks eight times.
#[derive(Debug, Clone)]
struct Secret([u64; 2]);

#[derive(Debug)]
struct Folded([u64; 2]);

impl Default for Secret {
    fn default() -> Self {
        let random = RandomState::new();
        Self([random.hash_one(0) | 1, random.hash_one(1) | 1])
    }
}

impl BuildHasher for Secret {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(self.0)
    }
}

impl Folded {
    #[inline]
    fn add(&mut self, word: u64) {
        let product = u128::from(self.0[0] ^ word) * u128::from(self.0[1]);
        self.0[0] = product as u64 ^ (product >> 64) as u64;
    }
}

impl Hasher for Folded {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.add(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.add(number.into());
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.add(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0[0]
    }
}

impl Remotes {
    /// Keeps what tells something of streams.
    pub(crate) fn add(&mut self, key: FlowKey, rtcp: Arc<RtcpSummary>) {
        if !rtcp.reports.is_empty() || !rtcp.voip.is_empty() {
            self.0.insert(key, rtcp);
        }
    }

    /// Gives the streams of a flow what RTCP of the same capture tells of them.
    pub(crate) fn attach(&self, flow: &mut Flow) {
        if self.0.is_empty() {
            return;
        }
        for stream in &mut flow.rtp {
            stream.remote = self.of(&flow.key, stream).map(Box::new);
        }
    }

    /// What is told of a stream of a flow.
    fn of(&self, key: &FlowKey, stream: &Stream) -> Option<Remote> {
        let back = self.beside(key.reversed());
        let back = || back.iter().flatten();
        let report = back()
            .flat_map(|rtcp| &rtcp.reports)
            .find(|report| report.last.ssrc == stream.ssrc)
            .copied();
        let voip = back()
            .flat_map(|rtcp| &rtcp.voip)
            .find(|metrics| metrics.ssrc == stream.ssrc)
            .copied();
        let ahead = self.beside(*key);
        let here = ahead
            .iter()
            .flatten()
            .flat_map(|rtcp| &rtcp.reports)
            .filter(|report| report.reporter == stream.ssrc)
            .filter_map(|report| report.round_trip)
            .min();
        let remote = Remote {
            report,
            voip,
            round_trip: round_trip(report.and_then(|one| one.round_trip), here, voip),
        };
        (report.is_some() || voip.is_some() || here.is_some()).then_some(remote)
    }

    /// RTCP on the ports of a flow (RFC 5761), on the next ones (RFC 3550 section 11), or with a relay's port on one side.
    fn beside(&self, key: FlowKey) -> [Option<&RtcpSummary>; 4] {
        [(0, 0), (1, 1), (0, 1), (1, 0)].map(|(src, dst)| {
            let key = FlowKey {
                src_port: key.src_port.wrapping_add(src),
                dst_port: key.dst_port.wrapping_add(dst),
                ..key
            };
            self.0.get(&key).map(Arc::as_ref)
        })
    }
}

/// The best that is known, of nanoseconds from the capture point to the receiver and back, and to the sender and back.
fn round_trip(
    there: Option<i64>,
    here: Option<i64>,
    voip: Option<VoipMetrics>,
) -> Option<RoundTrip> {
    if let Some(metrics) = voip.filter(|metrics| metrics.round_trip > 0) {
        return Some(RoundTrip {
            ms: f64::from(metrics.round_trip),
            source: DelaySource::Reported,
        });
    }
    match (there, here) {
        (Some(there), Some(here)) => Some(RoundTrip {
            ms: ms(there) + ms(here),
            source: DelaySource::Measured,
        }),
        (one, other) => one.or(other).map(|only| RoundTrip {
            ms: ms(only),
            source: DelaySource::MeasuredOneSide,
        }),
    }
}

fn ms(ns: i64) -> f64 {
    ns as f64 / 1e6
}
