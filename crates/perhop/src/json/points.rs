//! Points and segments, as JSON.

use std::net::IpAddr;

use perhop_policy::{Dscp, PolicySet};
use perhop_verify::flow::FlowKey;
use perhop_verify::points::{
    Clock, ClockBasis, LoneFlow, Queue, Segment, SegmentClass, SegmentCounts, SegmentFlow,
    SentMark, Spread, Trace, Transitions,
};
use serde::{Serialize, Serializer};

use crate::json::{Seconds, rounded};

/// Where flows are in the report's list; asked with a point and a 5-tuple.
pub(crate) type Place<'a> = &'a dyn Fn(usize, &FlowKey) -> Option<usize>;

/// One point.
#[derive(Serialize)]
pub(crate) struct JsonPoint<'a> {
    name: &'a str,
    vantage: &'static str,
    captures: Vec<&'a str>,
    first: Option<Seconds>,
    last: Option<Seconds>,
    packets: u64,
    compared: u64,
    untimed: u64,
    without_ports: u64,
    too_short: u64,
    past_flow_limit: u64,
    past_packet_limit: u64,
    one_in: u64,
    seen_twice: JsonTwice,
    notes: &'a [String],
}

#[derive(Serialize)]
struct JsonTwice {
    packets: u64,
    flows: u64,
    remarked: Vec<JsonChange>,
}

#[derive(Serialize)]
struct JsonChange {
    from: u8,
    to: u8,
    packets: u64,
}

impl<'a> JsonPoint<'a> {
    /// What is written of a point.
    pub(crate) fn of(
        name: &'a str,
        vantage: &'static str,
        captures: Vec<&'a str>,
        trace: &Trace,
        notes: &'a [String],
    ) -> Self {
        let counts = &trace.counts;
        let remarked = trace.twice.remarked.iter();
        Self {
            name,
            vantage,
            captures,
            first: trace.time.map(|(first, _)| Seconds(first)),
            last: trace.time.map(|(_, last)| Seconds(last)),
            packets: counts.packets,
            compared: counts.followed,
            untimed: counts.untimed,
            without_ports: counts.without_ports,
            too_short: counts.too_short,
            past_flow_limit: counts.past_flow_limit,
            past_packet_limit: counts.past_packet_limit,
            one_in: trace.one_in(),
            seen_twice: JsonTwice {
                packets: trace.twice.packets,
                flows: trace.twice.flows,
                remarked: remarked
                    .map(|((from, to), packets)| JsonChange {
                        from: from.value(),
                        to: to.value(),
                        packets: *packets,
                    })
                    .collect(),
            },
            notes,
        }
    }
}

/// What happened between two points.
#[derive(Serialize)]
pub(crate) struct JsonSegment<'a> {
    from: &'a str,
    to: &'a str,
    matched: u64,
    overlap: Option<JsonOverlap>,
    one_in: u64,
    clock: Option<JsonClock>,
    notes: &'a [String],
    classes: Vec<JsonSegmentClass<'a>>,
    queues: Vec<JsonQueue>,
    flows: SegmentFlows<'a>,
    alone: LoneFlows<'a>,
}

/// Flows of a segment, each made while it is written.
struct SegmentFlows<'a> {
    policy: &'a PolicySet,
    segment: &'a Segment,
    place: Place<'a>,
}

impl Serialize for SegmentFlows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flows = self.segment.flows.iter();
        serializer.collect_seq(
            flows.map(|flow| JsonSegmentFlow::of(self.policy, self.segment, flow, self.place)),
        )
    }
}

/// Flows that only one point has, each made while it is written.
struct LoneFlows<'a> {
    policy: &'a PolicySet,
    segment: &'a Segment,
    names: &'a [&'a str],
    place: Place<'a>,
}

impl Serialize for LoneFlows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flows = self.segment.alone.iter();
        serializer.collect_seq(
            flows.map(|flow| JsonLoneFlow::of(self.policy, flow, self.names, self.place)),
        )
    }
}

#[derive(Serialize)]
struct JsonOverlap {
    first: Seconds,
    last: Seconds,
}

#[derive(Serialize)]
struct JsonClock {
    at: Seconds,
    offset_ms: f64,
    uncertainty_ms: f64,
    basis: &'static str,
    least_delay_ms: Option<f64>,
    drift_ppm: Option<f64>,
    drift_uncertainty_ppm: Option<f64>,
    packets: u64,
}

#[derive(Serialize)]
struct JsonSegmentClass<'a> {
    direction: &'static str,
    class: Option<&'a str>,
    flows: u64,
    #[serde(flatten)]
    counts: JsonCounts,
    marks: Vec<JsonTransition>,
    delay: Option<JsonSpread>,
    by_mark: Vec<JsonSentMark>,
}

#[derive(Serialize)]
struct JsonCounts {
    sent: u64,
    arrived: u64,
    matched: u64,
    alike: u64,
    missing: u64,
    extra: u64,
    undecided: u64,
    loss_percent: f64,
}

#[derive(Serialize)]
struct JsonTransition {
    from: u8,
    to: u8,
    packets: u64,
    first: Seconds,
    last: Seconds,
}

#[derive(Serialize)]
struct JsonSpread {
    packets: u64,
    least_ms: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

#[derive(Serialize)]
struct JsonSentMark {
    mark: u8,
    sent: u64,
    missing: u64,
    loss_percent: f64,
    delay: Option<JsonSpread>,
}

#[derive(Serialize)]
struct JsonQueue {
    direction: &'static str,
    mark: u8,
    arrives: u8,
    packets: u64,
    unmarked: u64,
    windows: u64,
    mean_ms: f64,
    unmarked_mean_ms: f64,
    telling: bool,
}

#[derive(Serialize)]
struct JsonSegmentFlow<'a> {
    proto: String,
    from: JsonEnds,
    to: JsonEnds,
    pairing: &'static str,
    direction: &'static str,
    class: Option<&'a str>,
    expected_any: Vec<u8>,
    #[serde(flatten)]
    counts: JsonCounts,
    doubt: Option<&'static str>,
    marks: Vec<JsonTransition>,
    hops: Option<i16>,
    delay: Option<JsonSpread>,
}

/// A flow at one of the points.
#[derive(Serialize)]
struct JsonEnds {
    flow: Option<usize>,
    src: IpAddr,
    src_port: u16,
    dst: IpAddr,
    dst_port: u16,
}

#[derive(Serialize)]
struct JsonLoneFlow<'a> {
    point: &'a str,
    proto: String,
    #[serde(flatten)]
    ends: JsonEnds,
    packets: u64,
    class: Option<&'a str>,
    planned: bool,
    neighbours: bool,
}

impl<'a> JsonSegment<'a> {
    /// What is written of a segment.
    pub(crate) fn of(
        policy: &'a PolicySet,
        segment: &'a Segment,
        names: &'a [&'a str],
        notes: &'a [String],
        place: Place<'a>,
    ) -> Self {
        Self {
            from: names[segment.from],
            to: names[segment.to],
            matched: segment.matched(),
            overlap: segment.overlap.map(|(first, last)| JsonOverlap {
                first: Seconds(first),
                last: Seconds(last),
            }),
            one_in: segment.one_in,
            clock: segment.clock.as_ref().map(JsonClock::of),
            notes,
            classes: segment
                .classes
                .iter()
                .map(|row| JsonSegmentClass::of(policy, row))
                .collect(),
            queues: segment.queues.iter().map(JsonQueue::of).collect(),
            flows: SegmentFlows {
                policy,
                segment,
                place,
            },
            alone: LoneFlows {
                policy,
                segment,
                names,
                place,
            },
        }
    }
}

impl JsonClock {
    fn of(clock: &Clock) -> Self {
        let (basis, least_delay) = match clock.basis {
            ClockBasis::OneWay(heading) => (heading.as_str(), None),
            ClockBasis::BothWays { delay } => ("both", Some(delay)),
        };
        Self {
            at: Seconds(clock.at),
            offset_ms: ms(clock.offset),
            uncertainty_ms: ms(clock.stray),
            basis,
            least_delay_ms: least_delay.map(ms),
            drift_ppm: clock.drift_ppm.map(rounded),
            drift_uncertainty_ppm: clock.drift_uncertainty_ppm.map(rounded),
            packets: clock.samples,
        }
    }
}

impl<'a> JsonSegmentClass<'a> {
    fn of(policy: &'a PolicySet, row: &SegmentClass) -> Self {
        Self {
            direction: row.heading.as_str(),
            class: row.class.map(|id| policy.class(id).name.as_str()),
            flows: row.flows,
            counts: JsonCounts::of(&row.counts),
            marks: transitions(&row.marks),
            delay: row.delay.as_ref().map(JsonSpread::of),
            by_mark: row.by_mark.iter().map(JsonSentMark::of).collect(),
        }
    }
}

impl JsonCounts {
    fn of(counts: &SegmentCounts) -> Self {
        Self {
            sent: counts.sent,
            arrived: counts.arrived,
            matched: counts.matched,
            alike: counts.alike,
            missing: counts.missing,
            extra: counts.extra,
            undecided: counts.undecided,
            loss_percent: rounded(100.0 * counts.loss()),
        }
    }
}

impl JsonSpread {
    fn of(spread: &Spread) -> Self {
        Self {
            packets: spread.packets,
            least_ms: ms(spread.least),
            p50_ms: ms(spread.p50),
            p95_ms: ms(spread.p95),
            p99_ms: ms(spread.p99),
            max_ms: ms(spread.largest),
        }
    }
}

impl JsonSentMark {
    fn of(row: &SentMark) -> Self {
        Self {
            mark: row.mark.value(),
            sent: row.sent,
            missing: row.missing,
            loss_percent: rounded(100.0 * row.loss()),
            delay: row.delay.as_ref().map(JsonSpread::of),
        }
    }
}

impl JsonQueue {
    fn of(queue: &Queue) -> Self {
        Self {
            direction: queue.heading.as_str(),
            mark: queue.mark.value(),
            arrives: queue.arrives.value(),
            packets: queue.packets,
            unmarked: queue.unmarked,
            windows: queue.windows,
            mean_ms: ms(queue.mean),
            unmarked_mean_ms: ms(queue.unmarked_mean),
            telling: queue.is_telling(),
        }
    }
}

impl<'a> JsonSegmentFlow<'a> {
    fn of(policy: &'a PolicySet, segment: &Segment, flow: &SegmentFlow, place: Place<'_>) -> Self {
        Self {
            proto: flow.keys[0].protocol_name(),
            from: JsonEnds::of(segment.from, &flow.keys[0], place),
            to: JsonEnds::of(segment.to, &flow.keys[1], place),
            pairing: flow.alike.as_str(),
            direction: flow.heading.as_str(),
            class: flow.class.map(|id| policy.class(id).name.as_str()),
            expected_any: flow
                .expected
                .iter()
                .map(|mark| Dscp::value(*mark))
                .collect(),
            counts: JsonCounts::of(&flow.counts),
            doubt: flow.doubt.map(|doubt| doubt.as_str()),
            marks: transitions(&flow.marks),
            hops: flow.hops,
            delay: flow.delay.as_ref().map(JsonSpread::of),
        }
    }
}

impl JsonEnds {
    fn of(point: usize, key: &FlowKey, place: Place<'_>) -> Self {
        Self {
            flow: place(point, key),
            src: key.src,
            src_port: key.src_port,
            dst: key.dst,
            dst_port: key.dst_port,
        }
    }
}

impl<'a> JsonLoneFlow<'a> {
    fn of(policy: &'a PolicySet, flow: &LoneFlow, names: &[&'a str], place: Place<'_>) -> Self {
        Self {
            point: names[flow.point],
            proto: flow.key.protocol_name(),
            ends: JsonEnds::of(flow.point, &flow.key, place),
            packets: flow.packets,
            class: flow.class.map(|id| policy.class(id).name.as_str()),
            planned: flow.planned,
            neighbours: flow.neighbours,
        }
    }
}

fn transitions(marks: &Transitions) -> Vec<JsonTransition> {
    marks
        .iter()
        .map(|one| JsonTransition {
            from: one.from.value(),
            to: one.to.value(),
            packets: one.packets,
            first: Seconds(one.first),
            last: Seconds(one.last),
        })
        .collect()
}

fn ms(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e6
}
