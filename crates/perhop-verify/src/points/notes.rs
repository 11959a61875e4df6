//! What is to be said of points and segments in words.

use super::clock::{Clock, ClockBasis, Heading};
use super::collect::{Limits, Trace};
use super::compare::Point;
use super::pair::Alike;
use super::segment::{Doubt, Segment};
use crate::cause::plural;

/// A duration in nanoseconds as people read it: `184.5 ms`, `8 µs`.
#[must_use]
pub fn duration(ns: i64) -> String {
    let size = ns.unsigned_abs() as f64;
    let sign = if ns < 0 { "-" } else { "" };
    if size >= 1e9 {
        format!("{sign}{:.3} s", size / 1e9)
    } else if size >= 1e6 {
        format!("{sign}{:.1} ms", size / 1e6)
    } else if size >= 1e3 {
        format!("{sign}{:.0} µs", size / 1e3)
    } else {
        format!("{sign}{size:.0} ns")
    }
}

/// A share, 0 to 1: `3.6 %`; never 0 % or 100 % when it is not.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if share <= 0.0 || share >= 1.0 {
        format!("{percent:.0} %")
    } else {
        format!("{:.1} %", percent.clamp(0.1, 99.9))
    }
}

/// What is to be said of a point's captures: what was not compared, and what was there twice.
#[must_use]
pub fn of_point(trace: &Trace) -> Vec<String> {
    let mut out = Vec::new();
    let counts = &trace.counts;
    if counts.past_packet_limit > 0 {
        out.push(format!(
            "only the first {} were compared ({} bytes each); {} after them were not",
            plural(counts.followed, "packet"),
            Limits::BYTES_A_PACKET,
            counts.past_packet_limit
        ));
    }
    if counts.thinned > 0 {
        out.push(format!(
            "of traffic that is neither media nor under the plan, one packet in {} was compared",
            trace.one_in()
        ));
    }
    if counts.past_flow_limit > 0 {
        out.push(format!(
            "{} of flows past the limit were not compared",
            plural(counts.past_flow_limit, "packet")
        ));
    }
    if counts.too_short > 0 {
        out.push(format!(
            "{} were captured too short to be found again",
            plural(counts.too_short, "packet")
        ));
    }
    if counts.untimed > 0 {
        out.push(format!(
            "{} without a usable time were not compared",
            plural(counts.untimed, "packet")
        ));
    }
    out.extend(twice(trace));
    out
}

fn twice(trace: &Trace) -> Option<String> {
    let twice = &trace.twice;
    if twice.packets == 0 {
        return None;
    }
    let mut text = format!(
        "{} in {} were captured twice within 1 ms, as by a mirror of two ports; the first of each two counts",
        plural(twice.packets, "packet"),
        plural(twice.flows, "flow")
    );
    let hops = twice.hops.iter().filter(|(hops, _)| **hops != 0);
    for (hops, packets) in hops {
        text.push_str(&format!(
            "; the time to live of {packets} second copies is {} by {}",
            if *hops > 0 { "lower" } else { "higher" },
            hops.unsigned_abs()
        ));
    }
    for ((from, to), packets) in &twice.remarked {
        text.push_str(&format!(
            "; the mark of {packets} is {} first and {} then: two points of the path are in this capture",
            from.value(),
            to.value()
        ));
    }
    Some(text)
}

/// What is to be said of a segment: its clocks, its path, and what was left out.
#[must_use]
pub fn of_segment(segment: &Segment, points: &[Point<'_>]) -> Vec<String> {
    let names = [points[segment.from].name, points[segment.to].name];
    let mut out = Vec::new();
    if let Some(clock) = &segment.clock {
        out.push(offset(clock, names));
        out.extend(drift(clock, names[1]));
    } else if segment.matched() > 0 {
        out.push(
            "the packets of every flow look alike: they were matched in their order, and nothing can be said of clocks and delays"
                .to_owned(),
        );
    }
    for heading in segment.headings() {
        out.extend(effect(segment, heading, names));
    }
    out.extend(translated(segment, names));
    out.extend(left_out(segment));
    out
}

/// Flows whose addresses or ports are others at the second point, where the plan's ranges do not tell them.
fn translated(segment: &Segment, [first, second]: [&str; 2]) -> Option<String> {
    let others = segment
        .flows
        .iter()
        .filter(|flow| flow.alike != Alike::Same && flow.counts.matched > 0);
    let count = others.count();
    (count > 0).then(|| {
        format!(
            "{} other addresses or ports at `{second}` than at `{first}` (told by content); where only one end has, flows are \
             judged by those of their ends at every point",
            have(count)
        )
    })
}

/// "1 flow has", "2 flows have".
fn have(flows: usize) -> String {
    let verb = if flows == 1 { "has" } else { "have" };
    format!("{} {verb}", plural(flows as u64, "flow"))
}

fn offset(clock: &Clock, [first, second]: [&str; 2]) -> String {
    let (offset, stray) = (clock.offset, duration(clock.stray));
    match clock.basis {
        ClockBasis::BothWays { delay } => format!(
            "the clock of `{second}` is {} `{first}`'s, if the path takes as long one way as the other ({}); if it does not, the \
             clocks are off by half the difference more; the packets scatter by {stray}",
            ahead(offset),
            duration(delay)
        ),
        ClockBasis::OneWay(Heading::Forward) => format!(
            "times at `{second}` are {} those at `{first}`, give or take {stray}: the clocks' offset and the least delay of \
             the path together, which packets of one direction cannot tell apart; delays are over that least delay",
            ahead(offset)
        ),
        ClockBasis::OneWay(Heading::Backward) => format!(
            "times at `{first}` are {} those at `{second}`, give or take {stray}: the clocks' offset and the least delay of \
             the path together, which packets of one direction cannot tell apart; delays are over that least delay",
            ahead(offset.saturating_neg())
        ),
    }
}

fn ahead(ns: i64) -> String {
    if ns < 0 {
        format!("{} behind", duration(ns.saturating_neg()))
    } else {
        format!("{} ahead of", duration(ns))
    }
}

fn drift(clock: &Clock, second: &str) -> Option<String> {
    match (clock.drift_ppm, clock.drift_uncertainty_ppm) {
        (Some(ppm), Some(unsure)) => Some(format!(
            "the clock of `{second}` runs {:.1} ppm {}, give or take {unsure:.1}; this is taken out",
            ppm.abs(),
            if ppm < 0.0 { "slow" } else { "fast" }
        )),
        (_, Some(unsure)) => Some(format!(
            "no drift of the clocks is seen; up to {:.1} ppm would not be",
            3.0 * unsure
        )),
        (_, None) => Some("the capture is too short to see a drift of the clocks".to_owned()),
    }
}

/// Marks that take packets past the queue.
fn effect(segment: &Segment, heading: Heading, names: [&str; 2]) -> Vec<String> {
    let (up, down) = match heading {
        Heading::Forward => (names[0], names[1]),
        Heading::Backward => (names[1], names[0]),
    };
    let queues = segment.queues.iter();
    queues
        .filter(|queue| queue.heading == heading && queue.is_telling() && queue.ratio() < 0.5)
        .map(|queue| {
            format!(
                "the mark {} has an effect between `{up}` and `{down}`: its packets wait {} on average while unmarked ones \
                 wait {}",
                queue.mark.value(),
                duration(queue.mean),
                duration(queue.unmarked_mean)
            )
        })
        .collect()
}

fn left_out(segment: &Segment) -> Vec<String> {
    let mut out = Vec::new();
    for (doubt, text) in [
        (
            Doubt::Resegmented,
            "segments of other sizes at the other point (a network card divides or joins them), so what was not found again \
             is not counted as lost",
        ),
        (
            Doubt::Rewritten,
            "other packets at the other point, none of them the same: something between writes new ones, so nothing is counted as \
             lost",
        ),
    ] {
        let flows = segment
            .flows
            .iter()
            .filter(|flow| flow.doubt == Some(doubt))
            .count();
        if flows > 0 {
            out.push(format!("{} {text}", have(flows)));
        }
    }
    let undecided: u64 = segment.flows.iter().map(|flow| flow.counts.undecided).sum();
    if undecided > 0 {
        out.push(format!(
            "{} so near to the begin or end of a capture that the other point may just have missed them",
            if undecided == 1 { "1 packet is".to_owned() } else { format!("{undecided} packets are") }
        ));
    }
    let alike: u64 = segment.flows.iter().map(|flow| flow.counts.alike).sum();
    if alike > 0 && segment.clock.is_some() {
        out.push(format!(
            "{} look like others of their flow and were matched by their times; they do not count for delays",
            plural(alike, "packet")
        ));
    }
    out
}
