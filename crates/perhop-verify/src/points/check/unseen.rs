//! Flows that one point has alone.

use std::collections::BTreeMap;

use perhop_policy::{ClassId, Severity};

use super::{Draft, SEGMENT_NOT_SEEN, SegmentFinding, View};
use crate::cause::plural;
use crate::finding::{Cause, Layer};
use crate::points::segment::LoneFlow;

pub(super) fn check(view: &View<'_>) -> Vec<SegmentFinding> {
    let mut groups: BTreeMap<(usize, bool), Vec<&LoneFlow>> = BTreeMap::new();
    for flow in &view.segment.alone {
        if (flow.planned || flow.class.is_some()) && flow.packets >= view.least {
            groups
                .entry((flow.point, flow.neighbours))
                .or_default()
                .push(flow);
        }
    }
    groups
        .into_iter()
        .map(|((point, neighbours), flows)| finding(view, point, neighbours, &flows))
        .collect()
}

fn finding(view: &View<'_>, point: usize, neighbours: bool, flows: &[&LoneFlow]) -> SegmentFinding {
    let other = if point == view.segment.from {
        view.segment.to
    } else {
        view.segment.from
    };
    let (here, there) = (view.name(point), view.name(other));
    let packets = flows.iter().map(|flow| flow.packets).sum();
    let mut classes: Vec<ClassId> = flows.iter().filter_map(|flow| flow.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let cause = if neighbours {
        Cause {
            name: "blocked-between",
            layer: Layer::Path,
            text: "other traffic between the same hosts is at both points, so something between likely blocks these ports, or \
                   sends them another way"
                .to_owned(),
            evidence: vec![format!(
                "both points were capturing when `{here}` saw these {}",
                plural(packets, "packet")
            )],
            check: format!(
                "look at the access lists and firewalls between `{here}` and `{there}`, and at the capture filter of `{there}`"
            ),
        }
    } else {
        Cause {
            name: "another-way",
            layer: Layer::Path,
            text: format!(
                "these flows likely do not pass `{there}`, or its capture filter leaves them out"
            ),
            evidence: vec![format!(
                "no traffic between these hosts is at both points, {} at `{here}` only",
                plural(packets, "packet")
            )],
            check: format!(
                "look at the routes between these hosts and at the capture filter of `{there}`"
            ),
        }
    };
    let draft = Draft {
        code: SEGMENT_NOT_SEEN,
        severity: if neighbours {
            Severity::Warning
        } else {
            Severity::Info
        },
        message: format!(
            "{} of {} {} at `{here}` and not at `{there}`",
            plural(flows.len() as u64, "flow"),
            view.classes(&classes),
            if flows.len() == 1 { "is" } else { "are" }
        ),
        cause,
        alternatives: Vec::new(),
    };
    view.finish(draft, point, flows.iter().map(|flow| flow.key))
}
