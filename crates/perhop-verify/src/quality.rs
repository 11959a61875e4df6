//! What listeners likely heard: an estimate by the E-model for one stream of sound, with everything that it assumes.
//!
//! A capture shows loss, and jitter as far as its point. It shows neither the delay from mouth to ear nor what the
//! receiver's jitter buffer does, so an estimate names where each of its inputs is from. Where the codec is not known, or
//! has no published impairment, nothing is stated.

use std::fmt;

use crate::stream::{ClockSource, MediaType, Stream};

mod codec;
pub mod emodel;
mod remote;

pub use codec::Impairment;
pub use remote::{Remote, RoundTrip};
pub(crate) use remote::{Told, told};

use emodel::Input;

/// What is assumed where the capture does not tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assumptions {
    /// Delay of the network in one direction, in ms, where RTCP does not give a round trip.
    pub network_ms: f64,
    /// The least delay of the receiver's jitter buffer, in ms. It is taken to hold twice the largest jitter, and to lose
    /// nothing for it.
    pub buffer_ms: f64,
    /// The most that a jitter buffer holds, in ms; with more jitter nothing is stated.
    pub most_buffer_ms: f64,
}

impl Default for Assumptions {
    /// 100 ms, 40 ms and 200 ms.
    fn default() -> Self {
        Self {
            network_ms: 100.0,
            buffer_ms: 40.0,
            most_buffer_ms: 200.0,
        }
    }
}

/// An estimate and its inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Transmission rating factor; up to 93.2 for narrowband, below 0 when hardly anything arrives.
    pub r: f64,
    /// Mean opinion score for conversation, 1 to 4.5.
    pub mos: f64,
    /// Delay of the network in one direction, in ms.
    pub network_ms: f64,
    /// Where that delay is from.
    pub delay: DelaySource,
    /// Speech in a packet and what the codec looks ahead, in ms.
    pub packet_ms: f64,
    /// Delay of the receiver's jitter buffer, in ms.
    pub buffer_ms: f64,
    /// Packets lost, in percent.
    pub loss_percent: f64,
    /// How much longer loss bursts are than those of random loss; 1 or more.
    pub burst_ratio: f64,
    /// The codec's impairment.
    pub codec: Impairment,
}

impl Estimate {
    /// Delay from mouth to ear in ms.
    #[must_use]
    pub const fn delay_ms(&self) -> f64 {
        self.network_ms + self.packet_ms + self.buffer_ms
    }
}

impl fmt::Display for Estimate {
    /// What the estimate assumes: `G.711 with concealment (Ie 0, Bpl 25.1), network 100 ms assumed, packets 20 ms, jitter
    /// buffer 40 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, network {:.0} ms {}, packets {:.0} ms, jitter buffer {:.0} ms",
            self.codec, self.network_ms, self.delay, self.packet_ms, self.buffer_ms
        )
    }
}

/// Where the delay of the network is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DelaySource {
    /// Half the round trip that an endpoint reports (RFC 3611).
    Reported,
    /// Half the round trip by RTCP, from the capture point to both ends.
    Measured,
    /// Half the round trip by RTCP, from the capture point to one end: the other end is farther.
    MeasuredOneSide,
    /// The default.
    Assumed,
}

impl DelaySource {
    /// `reported`, `measured`, `measured-one-side`, `assumed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Measured => "measured",
            Self::MeasuredOneSide => "measured-one-side",
            Self::Assumed => "assumed",
        }
    }
}

impl fmt::Display for DelaySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reported => "reported by RTCP",
            Self::Measured => "measured by RTCP",
            Self::MeasuredOneSide => "measured by RTCP to one end",
            Self::Assumed => "assumed",
        })
    }
}

/// Why no estimate is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotStated {
    /// The E-model is about sound.
    NotAudio,
    /// Neither the payload type nor SDP tells the codec.
    CodecUnknown,
    /// The codec has no published impairment.
    NoValues,
    /// RTP over TCP loses nothing and waits instead.
    OverTcp,
    /// Too few packets.
    TooShort,
    /// More jitter than a buffer holds: packets come late, or the timestamps jump. The capture does not tell which.
    Jitter,
}

impl NotStated {
    /// A clause without a subject, such as `the codec is not known`.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotAudio => "not audio",
            Self::CodecUnknown => "the codec is not known",
            Self::NoValues => "the codec has no published impairment",
            Self::OverTcp => "over TCP nothing is lost, it comes late",
            Self::TooShort => "too few packets",
            Self::Jitter => "more jitter than a buffer holds, or timestamps jump",
        }
    }
}

/// Estimates what was heard of a stream.
///
/// # Errors
/// [`NotStated`] where an estimate would be a guess.
pub fn estimate(stream: &Stream, assumptions: &Assumptions) -> Result<Estimate, NotStated> {
    if stream.media != Some(MediaType::Audio) {
        return Err(NotStated::NotAudio);
    }
    if stream.over_tcp {
        return Err(NotStated::OverTcp);
    }
    let sequence = &stream.sequence;
    if sequence.expected < LEAST_PACKETS {
        return Err(NotStated::TooShort);
    }
    let known = stream.codec.as_ref().filter(|codec| {
        matches!(
            codec.source,
            ClockSource::Registered | ClockSource::Announced
        )
    });
    let name = &known.ok_or(NotStated::CodecUnknown)?.name;
    let payload = stream.payload_bytes as f64 / stream.packets.max(1) as f64;
    let codec = codec::of(name, payload).ok_or(NotStated::NoValues)?;
    let jitter = stream.jitter.map_or(0.0, |jitter| jitter.max_ms);
    let round_trip = stream.remote.as_deref().and_then(|one| one.round_trip);
    let (network_ms, delay) = round_trip.map_or(
        (assumptions.network_ms, DelaySource::Assumed),
        RoundTrip::one_way,
    );
    let packet_ms = codec.packet_ms(payload);
    let buffer_ms = assumptions.buffer_ms.max(2.0 * jitter);
    if buffer_ms > assumptions.most_buffer_ms {
        return Err(NotStated::Jitter);
    }
    let loss = sequence.loss();
    let mean_burst = sequence.missing as f64 / sequence.loss_runs.max(1) as f64;
    let input = Input {
        ie: codec.ie,
        bpl: codec.bpl,
        loss_percent: 100.0 * loss,
        delay_ms: network_ms + packet_ms + buffer_ms,
        burst_ratio: (mean_burst * (1.0 - loss)).max(1.0),
    };
    let r = emodel::rating(&input);
    Ok(Estimate {
        r,
        mos: emodel::mos(r),
        network_ms,
        delay,
        packet_ms,
        buffer_ms,
        loss_percent: input.loss_percent,
        burst_ratio: input.burst_ratio,
        codec,
    })
}

/// Fewer packets than a second of speech say nothing of a call.
const LEAST_PACKETS: u64 = 50;

#[cfg(test)]
mod tests;
