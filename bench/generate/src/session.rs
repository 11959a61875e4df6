//! Which conversations a capture has, and when.

use crate::random::Random;
use crate::shape::Shape;

/// What a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Audio both ways, RTCP beside it.
    Audio,
    /// Audio and video both ways.
    Video,
    /// Audio both ways through a TURN server, in channel data.
    Relayed,
    /// A shared screen over TCP.
    Sharing,
    /// A file copied over TCP.
    Bulk,
    /// A short conversation over TLS.
    Tls,
    /// One question and its answer.
    Dns,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Audio,
        Self::Video,
        Self::Relayed,
        Self::Sharing,
        Self::Bulk,
        Self::Tls,
        Self::Dns,
    ];

    /// Unidirectional flows, 1000 times the mean.
    const fn flows(self) -> u64 {
        match self {
            Self::Audio => 3400,
            Self::Video => 5400,
            _ => 2000,
        }
    }

    /// Per second of life: packets and mean frame bytes of its small and its large packets.
    const fn load(self) -> [(f64, f64); 2] {
        match self {
            Self::Audio => [(101.0, 190.0), (0.0, 0.0)],
            Self::Video => [(101.0, 190.0), (200.0, 1090.0)],
            Self::Relayed => [(101.0, 190.0), (0.0, 0.0)],
            Self::Sharing => [(17.0, 56.0), (34.0, 1515.0)],
            Self::Bulk => [(50.0, 56.0), (100.0, 1515.0)],
            Self::Tls | Self::Dns => [(0.0, 0.0), (0.0, 0.0)],
        }
    }

    /// Packets and mean frame bytes that do not depend on its life.
    const fn fixed(self) -> (f64, f64) {
        match self {
            Self::Audio | Self::Video => (8.0, 140.0),
            Self::Relayed => (10.0, 150.0),
            Self::Sharing | Self::Bulk => (6.0, 60.0),
            Self::Tls => (20.0, 450.0),
            Self::Dns => (2.0, 90.0),
        }
    }
}

/// A conversation to come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) kind: Kind,
    /// Nanoseconds since the capture began.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Its hosts are made of this number: no two sessions share a host.
    pub(crate) number: u32,
}

/// A capture lasts this many mean lives of a conversation.
const SPAN: f64 = 1.5;
/// Seconds before a conversation's load begins.
const OPENING: f64 = 0.05;
/// Somewhat more than the size asked for is planned, since it is cut there.
const MARGIN: f64 = 1.04;

/// Draws the sessions, ordered by their start.
pub(crate) fn plan(shape: &Shape) -> Vec<Session> {
    let mut random = Random::new(shape.seed ^ 0x0073_6573_7369_6f6e);
    let mix = shape.profile.mix();
    let per_thousand: u64 = mix
        .iter()
        .zip(Kind::ALL)
        .map(|(weight, kind)| weight * kind.flows())
        .sum();
    // A tenth of the flows is not reached: their sessions end early or begin past the cut.
    let count = (shape.flows * 1_080_000 / per_thousand).max(8);
    let drawn: Vec<_> = (0..count)
        .map(|_| (pick(&mut random, &mix), life(&mut random)))
        .collect();
    let record = if shape.pcapng { 34.0 } else { 16.0 };
    let stored = |(packets, bytes): (f64, f64)| {
        packets * (record + f64::min(bytes, f64::from(shape.snaplen)))
    };
    let mut fixed = 0.0;
    let mut per_second = 0.0;
    for (kind, (start, end)) in &drawn {
        let load: f64 = kind.load().into_iter().map(stored).sum();
        fixed += stored(kind.fixed()) - load * OPENING;
        per_second += load * (end - start);
    }
    let wanted = real(shape.size) * MARGIN;
    // What is fixed can exceed a small file: it still lasts a moment.
    let second = f64::max((wanted - fixed) / per_second, 0.05);
    let mut sessions: Vec<_> = (0_u32..)
        .zip(&drawn)
        .map(|(number, (kind, (start, end)))| Session {
            kind: *kind,
            start: nanoseconds(start * second),
            end: nanoseconds(end * second),
            number,
        })
        .collect();
    sessions.sort_by_key(|session| (session.start, session.number));
    sessions
}

fn pick(random: &mut Random, mix: &[u64; 7]) -> Kind {
    let mut at = random.below(mix.iter().sum());
    for (weight, kind) in mix.iter().zip(Kind::ALL) {
        if at < *weight {
            return kind;
        }
        at -= weight;
    }
    Kind::Dns
}

/// Start and end within the capture, in mean lives. Many begin before it; short lives are frequent.
fn life(random: &mut Random) -> (f64, f64) {
    let start = random.unit() * (SPAN + 0.7) - 0.7;
    let draw = random.unit();
    let end = start + 0.02 + 3.0 * draw * draw;
    let start = if end < 0.01 { -start } else { start };
    (
        f64::max(start, random.unit() * 0.02),
        f64::min(f64::max(end, start + 0.05), SPAN),
    )
}

#[expect(clippy::cast_precision_loss, reason = "file sizes are far below 2^53")]
const fn real(size: u64) -> f64 {
    size as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a capture lasts less than a year"
)]
fn nanoseconds(seconds: f64) -> u64 {
    (f64::max(seconds, 0.0) * 1e9) as u64
}
