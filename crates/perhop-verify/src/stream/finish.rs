//! From a stream's state to its report.

use std::borrow::Cow;

use super::arena::{Arena, Cold, ENDED, FRAMES, Hot, MEASURING, OVER_TCP, StreamId, UNTIMED};
use super::clock::{self, CLOCKS, ClockSource, Codec, StreamClock};
use super::jitter::Timing;
use super::rare::{NEVER, Rare};
use super::{Evidence, Jitter, MediaType, SequenceReport, Stream, media};

/// What SDP says of the streams of an address and port.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Announced {
    pub(crate) media: Option<MediaType>,
    /// Payload type, encoding name, clock rate.
    pub(crate) types: Vec<(u8, String, u32)>,
}

impl Announced {
    /// A later message wins.
    pub(crate) fn update(&mut self, later: Self) {
        self.media = later.media.or(self.media);
        for said in later.types {
            self.types.retain(|(kind, ..)| *kind != said.0);
            self.types.push(said);
        }
    }

    fn of(&self, payload_type: u8) -> Option<(&str, u32)> {
        let (_, name, rate) = self.types.iter().find(|(kind, ..)| *kind == payload_type)?;
        Some((name, *rate))
    }
}

impl Arena {
    /// The report of a stream.
    pub(crate) fn report(
        &self,
        id: StreamId,
        announced: Option<&Announced>,
        evidence: Evidence,
    ) -> Stream {
        let (hot, cold) = (&self.hot[id as usize], &self.cold[id as usize]);
        let timing = self.timings.of(id);
        let odd = cold.odd();
        let payload_types = hot.payload_types(cold);
        let payload_type = hot.main_type(&payload_types);
        let said = announced.and_then(|all| all.of(payload_type));
        let clock = hot.choose_clock(cold, payload_type, said.map(|(_, rate)| rate));
        Stream {
            ssrc: hot.ssrc,
            payload_type,
            payload_types,
            packets: u64::from(hot.received),
            payload_bytes: hot.bytes(cold),
            first: cold.first_arrival,
            last: hot
                .last_arrival
                .max(odd.map_or(NEVER, |odd| odd.last_event)),
            sequence: hot.sequence_report(cold),
            clock: hot.clock_report(cold, clock),
            jitter: hot.jitter_report(timing, cold, clock.0),
            frame_jitter: hot.frame_jitter(timing, cold, clock.0),
            longest_gap_ms: f64::from(hot.longest_gap) / 1e6,
            markers: u64::from(hot.markers),
            media: announced
                .and_then(|all| all.media)
                .or_else(|| hot.media(cold, payload_type, clock)),
            codec: codec(payload_type, said.map(|(name, _)| name), clock.0),
            evidence,
            beginning: cold.beginning,
            bye: odd.filter(|_| hot.flags & ENDED != 0).map(|odd| odd.bye),
            over_tcp: cold.has(OVER_TCP),
            remote: None,
        }
    }

    /// When the stream began.
    pub(crate) fn first_arrival(&self, id: StreamId) -> i64 {
        self.cold[id as usize].first_arrival
    }
}

impl Hot {
    fn bytes(&self, cold: &Cold) -> u64 {
        let runs = cold.odd().map_or(0, |odd| odd.payload_runs);
        u64::from(runs) << 32 | u64::from(self.payload_bytes)
    }

    fn payload_types(&self, cold: &Cold) -> Vec<(u8, u64)> {
        let others = cold.other_types().iter();
        let others: u32 = others.map(|(_, count)| count).sum();
        let mut types: Vec<(u8, u64)> = cold
            .other_types()
            .iter()
            .map(|(kind, count)| (*kind, u64::from(*count)))
            .collect();
        if self.received > others {
            types.push((self.payload_type, u64::from(self.received - others)));
        }
        types.sort_unstable();
        types
    }

    /// The type of most packets that are neither comfort noise nor events; of equals, the lowest.
    fn main_type(&self, types: &[(u8, u64)]) -> u8 {
        let plain = types.iter().filter(|(kind, _)| *kind != 13 && *kind != 101);
        plain
            .max_by_key(|(kind, count)| (*count, !*kind))
            .map_or(self.payload_type, |(kind, _)| *kind)
    }

    /// The clock as an index, and how it is known.
    fn choose_clock(
        &self,
        cold: &Cold,
        payload_type: u8,
        said: Option<u32>,
    ) -> (usize, ClockSource) {
        let own = usize::from(self.clock);
        if self.flags & MEASURING == 0 {
            let source = if own == clock::UNKNOWN {
                ClockSource::Unknown
            } else if clock::registered(payload_type) == Some(own) {
                ClockSource::Registered
            } else if said == Some(CLOCKS[own].0) {
                ClockSource::Announced
            } else {
                ClockSource::Measured
            };
            return (own, source);
        }
        if let Some(clock) = said.and_then(clock::index_of) {
            return (clock, ClockSource::Announced);
        }
        let crude = self.rate_since(cold, None);
        let distance = |rate: u32| crude.map_or(0.0, |crude| (crude / f64::from(rate)).ln().abs());
        let nearest = clock::usual(payload_type)
            .iter()
            .map(|(_, rate)| *rate)
            .min_by(|one, two| distance(*one).total_cmp(&distance(*two)))
            .filter(|rate| distance(*rate) < MOST_APART);
        match nearest.and_then(clock::index_of) {
            Some(clock) => (clock, ClockSource::Assumed),
            None => (clock::UNKNOWN, ClockSource::Unknown),
        }
    }

    /// Timestamp units a second since measuring began; `about` tells how often the timestamp has wrapped.
    fn rate_since(&self, cold: &Cold, about: Option<u32>) -> Option<f64> {
        let (from_arrival, from_timestamp) = cold.timed_from();
        let lasted = self.last_arrival.saturating_sub(from_arrival);
        if lasted <= 0 || self.received < LEAST_CRUDE {
            return None;
        }
        let seconds = lasted as f64 / 1e9;
        let units = self.last_timestamp.wrapping_sub(from_timestamp);
        let units = match about {
            Some(rate) => {
                let expected = f64::from(rate) * seconds;
                let wraps = ((expected - f64::from(units)) / WRAP).round();
                f64::from(units) + wraps * WRAP
            }
            None => f64::from(units.cast_signed()),
        };
        Some(units / seconds)
    }

    fn clock_report(&self, cold: &Cold, (index, source): (usize, ClockSource)) -> StreamClock {
        let rate = Some(CLOCKS[index].0).filter(|_| index != clock::UNKNOWN);
        let long = self.last_arrival.saturating_sub(cold.timed_from().0) >= 1_000_000_000;
        StreamClock {
            rate,
            source,
            measured: self
                .rate_since(cold, rate)
                .filter(|_| long && !cold.has(UNTIMED)),
        }
    }

    fn jitter_report(&self, timing: Option<&Timing>, cold: &Cold, clock: usize) -> Option<Jitter> {
        if clock == clock::UNKNOWN || cold.has(UNTIMED) || self.stands_still(cold) {
            return None;
        }
        let running = if self.flags & MEASURING == 0 {
            self.running()
        } else {
            timing?.lanes.of(clock)?
        };
        running.report(self.received.saturating_sub(cold.uncounted()))
    }

    /// Whether the capture has one time for all packets, as one that lost its times has, though the sender's time went on.
    pub(super) fn stands_still(&self, cold: &Cold) -> bool {
        self.received >= LEAST_CRUDE
            && self.last_arrival == cold.first_arrival
            && self.last_timestamp != cold.from_timestamp
    }

    fn frame_jitter(&self, timing: Option<&Timing>, cold: &Cold, clock: usize) -> Option<Jitter> {
        let timed = !cold.has(UNTIMED) && !self.stands_still(cold);
        let known = self.flags & FRAMES != 0 && clock == clock::VIDEO && timed;
        timing.filter(|_| known)?.frames.report()
    }

    fn sequence_report(&self, cold: &Cold) -> SequenceReport {
        let none = Rare::default();
        let rare = cold.rare.as_deref().unwrap_or(&none);
        let gaps = &rare.gaps;
        let counts = self.counts(cold);
        let first_number = cold.base.wrapping_add(gaps.lowered);
        let expected = self.highest.wrapping_sub(cold.base).wrapping_add(1);
        let (loss_runs, longest_loss_run) = gaps.runs();
        let (worst_200_ms, worst_15_s) = rare.windows.worst(counts);
        SequenceReport {
            lowest: cold.base as u16,
            highest: self.highest as u16,
            expected: u64::from(expected),
            missing: u64::from(counts.missing),
            duplicates: u64::from(gaps.duplicates),
            seen_twice: u64::from(rare.seen_twice),
            reordered: u64::from(gaps.reordered),
            cumulative_lost: i64::from(self.highest.wrapping_sub(first_number)) + 1
                - i64::from(self.received),
            loss_runs: u64::from(loss_runs),
            longest_loss_run: u64::from(longest_loss_run),
            bursts: gaps.bursts(),
            worst_200_ms,
            worst_15_s,
            strays: u64::from(cold.odd().map_or(0, |odd| odd.strays)),
        }
    }

    /// What the stream carries by its own packets; `None` when they do not tell.
    fn media(
        &self,
        cold: &Cold,
        payload_type: u8,
        clock: (usize, ClockSource),
    ) -> Option<MediaType> {
        media::told_by(&media::Signs {
            payload_type,
            clock,
            crude: self.crude_rate(cold),
            frames: self.flags & FRAMES != 0,
            mean: self.bytes(cold) / u64::from(self.received.max(1)),
        })
    }

    /// Timestamp units a second, when enough packets over enough time give an idea.
    fn crude_rate(&self, cold: &Cold) -> Option<f64> {
        let lasted = self.last_arrival.saturating_sub(cold.timed_from().0);
        let enough = self.received >= media::LEAST_PACKETS && lasted >= media::LEAST_LASTED;
        self.rate_since(cold, None).filter(|_| enough)
    }
}

fn codec(payload_type: u8, said: Option<&str>, clock: usize) -> Option<Codec> {
    let (name, source) = if let Some(name) = said {
        (Cow::Owned(name.to_owned()), ClockSource::Announced)
    } else if let Some((name, _)) = clock::static_type(payload_type) {
        (Cow::Borrowed(name), ClockSource::Registered)
    } else {
        let usual = clock::usual(payload_type).iter();
        let (name, _) = usual.clone().find(|(_, rate)| *rate == CLOCKS[clock].0)?;
        (Cow::Borrowed(*name), ClockSource::Assumed)
    };
    Some(Codec { name, source })
}

/// So many packets give a first idea of a clock.
const LEAST_CRUDE: u32 = 4;
/// An assumed clock may be so far from the first idea: a factor of 1.4, as a natural logarithm.
const MOST_APART: f64 = 0.336;
/// Timestamps wrap here.
const WRAP: f64 = 4_294_967_296.0;
