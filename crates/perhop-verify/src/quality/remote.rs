//! What the other end said of a stream by RTCP, found from the stream.

use perhop_wire::rtcp::report::VoipMetrics;

use super::DelaySource;
use crate::flow::FlowKey;
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

/// RTCP of a flow.
pub(crate) trait Told {
    /// What was reported of sources.
    fn reports(&self) -> impl Iterator<Item = RemoteReport>;

    /// Metrics of sources.
    fn voip(&self) -> &[VoipMetrics];
}

impl Told for &RtcpSummary {
    fn reports(&self) -> impl Iterator<Item = RemoteReport> {
        self.reports.iter().copied()
    }

    fn voip(&self) -> &[VoipMetrics] {
        &self.voip
    }
}

/// What RTCP of the same capture tells of a stream of a flow; `find` gives the RTCP of a flow.
pub(crate) fn told<T: Told>(
    key: &FlowKey,
    stream: &Stream,
    find: impl Fn(&FlowKey) -> Option<T>,
) -> Option<Remote> {
    let back = beside(&key.reversed(), &find);
    let back = || back.iter().flatten();
    let report = back()
        .flat_map(Told::reports)
        .find(|report| report.last.ssrc == stream.ssrc);
    let voip = back()
        .flat_map(Told::voip)
        .find(|metrics| metrics.ssrc == stream.ssrc)
        .copied();
    let ahead = beside(key, &find);
    let here = ahead
        .iter()
        .flatten()
        .flat_map(Told::reports)
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
fn beside<T>(key: &FlowKey, find: impl Fn(&FlowKey) -> Option<T>) -> [Option<T>; 4] {
    [(0, 0), (1, 1), (0, 1), (1, 0)].map(|(src, dst)| {
        find(&FlowKey {
            src_port: key.src_port.wrapping_add(src),
            dst_port: key.dst_port.wrapping_add(dst),
            ..*key
        })
    })
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
