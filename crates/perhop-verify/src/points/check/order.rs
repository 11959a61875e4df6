//! Points that are not in the order of the path.

use std::collections::BTreeMap;

use perhop_policy::{PolicySet, Severity};

use super::{Draft, SEGMENT_ORDER, SegmentFinding, View};
use crate::cause::{list, plural};
use crate::finding::{Cause, Layer};
use crate::flow::FlowKey;
use crate::points::clock::Heading;
use crate::points::compare::Point;
use crate::points::segment::{Segment, ToldBy};
use crate::source::Index;
use crate::tolerance::Tolerances;

/// All packets went from the second point to the first.
pub(super) fn check(view: &View<'_>) -> Vec<SegmentFinding> {
    let told = |heading| {
        view.flows(heading)
            .filter(|flow| flow.told_by == ToldBy::Ttl && flow.counts.matched > 0)
    };
    let packets: u64 = told(Heading::Backward)
        .map(|flow| flow.counts.matched)
        .sum();
    let forward = view
        .flows(Heading::Forward)
        .any(|flow| flow.counts.matched > 0);
    if forward || packets < view.least {
        return Vec::new();
    }
    let (up, down) = view.ends(Heading::Backward);
    let draft = draft(
        format!(
            "the packets went from `{}` to `{}`, against the order in which the points are given",
            view.name(up),
            view.name(down)
        ),
        format!(
            "the time to live is less at `{}` in {}",
            view.name(down),
            plural(packets, "packet")
        ),
        &[view.name(up), view.name(down)],
    );
    vec![view.finish(draft, up, told(Heading::Backward).map(|flow| flow.keys[1]))]
}

/// Flows that pass three points or more, to and fro.
pub(super) fn path(
    policy: &PolicySet,
    points: &[Point<'_>],
    segments: &[Segment],
    tolerances: &Tolerances,
) -> Vec<SegmentFinding> {
    // Flows by their 5-tuple at the point that two segments share.
    let mut turned: BTreeMap<usize, Vec<FlowKey>> = BTreeMap::new();
    for (at, pair) in segments.windows(2).enumerate() {
        let next: BTreeMap<FlowKey, Heading> = pair[1]
            .flows
            .iter()
            .filter(|flow| flow.told_by == ToldBy::Ttl)
            .map(|flow| (flow.keys[0], flow.heading))
            .collect();
        for flow in pair[0]
            .flows
            .iter()
            .filter(|flow| flow.told_by == ToldBy::Ttl)
        {
            let enough = flow.counts.matched >= tolerances.min_packets;
            let after = next.get(&flow.keys[1]);
            if enough && after.is_some_and(|after| *after != flow.heading) {
                turned.entry(at).or_default().push(flow.keys[1]);
            }
        }
    }
    let indices: Vec<Index<'_>> = points.iter().map(|point| Index::new(point.flows)).collect();
    turned
        .into_iter()
        .map(|(at, keys)| {
            let view = View {
                at,
                segment: &segments[at],
                policy,
                points,
                indices: &indices,
                least: tolerances.min_packets,
            };
            let middle = segments[at].to;
            let order = by_ttl(points, &[at, middle, middle + 1], &indices, &keys);
            let names: Vec<&str> = order.iter().map(|point| view.name(*point)).collect();
            let draft = draft(
                format!(
                    "`{}` is not between `{}` and `{}` on the path of {}",
                    view.name(middle),
                    view.name(at),
                    view.name(middle + 1),
                    plural(keys.len() as u64, "flow")
                ),
                format!(
                    "by their times to live they pass {}",
                    list(names.iter().map(|name| format!("`{name}`")))
                ),
                &names,
            );
            view.finish(draft, middle, keys)
        })
        .collect()
}

/// Points by the time to live that the first of some flows has there, the largest first.
fn by_ttl(
    points: &[Point<'_>],
    of: &[usize],
    indices: &[Index<'_>],
    keys: &[FlowKey],
) -> Vec<usize> {
    let mut out: Vec<usize> = of.to_vec();
    let ttl = |point: &usize| {
        let found = keys.iter().find_map(|key| indices[*point].find(*key));
        found.map_or(0, |at| points[*point].flows.flow(at).ttl.1)
    };
    out.sort_by_key(|point| std::cmp::Reverse(ttl(point)));
    out
}

fn draft(message: String, evidence: String, order: &[&str]) -> Draft {
    let names: Vec<String> = order.iter().map(|name| format!("--at {name}")).collect();
    Draft {
        code: SEGMENT_ORDER,
        severity: Severity::Warning,
        message,
        cause: Cause {
            name: "order-of-points",
            layer: Layer::Path,
            text: "the points are likely given in another order than that of the path, or their names are exchanged; the \
                   comparison takes every packet in its own direction"
                .to_owned(),
            evidence: vec![evidence],
            check: format!("give the points in the order of the path: {}", names.join(", ")),
        },
        alternatives: Vec::new(),
    }
}
