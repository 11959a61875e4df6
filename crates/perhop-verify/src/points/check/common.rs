//! No packet at both points.

use perhop_policy::Severity;

use super::{Draft, SEGMENT_NOTHING_COMMON, SegmentFinding, View};
use crate::cause::plural;
use crate::finding::{Cause, Layer};
use crate::points::notes::duration;

pub(super) fn finding(view: &View<'_>) -> SegmentFinding {
    let (from, to) = (view.segment.from, view.segment.to);
    let draft = Draft {
        code: SEGMENT_NOTHING_COMMON,
        severity: Severity::Warning,
        message: format!(
            "no packet of `{}` is at `{}`, so nothing can be said of the way between",
            view.name(from),
            view.name(to)
        ),
        cause: cause(view),
        alternatives: Vec::new(),
    };
    view.finish(draft, from, [])
}

fn cause(view: &View<'_>) -> Cause {
    nothing_kept(view)
        .or_else(|| another_time(view))
        .or_else(|| rewritten(view))
        .unwrap_or_else(|| other_traffic(view))
}

fn because(name: &'static str, text: String, evidence: String, check: &str) -> Cause {
    Cause {
        name,
        layer: Layer::Path,
        text,
        evidence: vec![evidence],
        check: check.to_owned(),
    }
}

fn nothing_kept(view: &View<'_>) -> Option<Cause> {
    let ends = [view.segment.from, view.segment.to];
    let at = ends
        .into_iter()
        .find(|end| view.points[*end].trace.counts.followed == 0)?;
    let packets = plural(view.points[at].trace.counts.packets, "packet");
    Some(because(
        "nothing-to-compare",
        format!(
            "`{}` has no packet that could be found again",
            view.name(at)
        ),
        format!("{packets} there, none with a time, ports and enough bytes"),
        "capture at least 96 bytes of each packet, outside of encrypted tunnels",
    ))
}

fn another_time(view: &View<'_>) -> Option<Cause> {
    let time = |point: usize| view.points[point].trace.time;
    let (a, b) = (time(view.segment.from)?, time(view.segment.to)?);
    let apart = b.0.saturating_sub(a.1).max(a.0.saturating_sub(b.1));
    (apart > 0).then(|| {
        because(
            "another-time",
            "the captures are likely of different times; or a clock is far off, and nothing else was found to tell it"
                .to_owned(),
            format!(
                "by their clocks, {} lie between the captures",
                duration(apart)
            ),
            "capture at both points at the same time",
        )
    })
}

fn rewritten(view: &View<'_>) -> Option<Cause> {
    let shared = view.segment.flows.len() as u64;
    (shared > 0).then(|| {
        because(
            "rewritten-between",
            "the same flows are at both points with other packets: something between likely writes new ones (a relay, a session \
             border controller, a proxy), or the captures are of different times"
                .to_owned(),
            format!("{} have the same addresses and ports at both points", plural(shared, "flow")),
            "capture on the same side of relays and session border controllers, at the same time",
        )
    })
}

fn other_traffic(view: &View<'_>) -> Cause {
    let at = |point: usize| {
        let flows = view.points[point].trace.flows.len() as u64;
        format!("{} at `{}`", plural(flows, "flow"), view.name(point))
    };
    because(
        "other-traffic",
        "no flow is at both points: an address translator whose flows carry nothing that can be found again, an encrypted \
         tunnel around one of the points, or another path"
            .to_owned(),
        format!(
            "{} and {}, none with the same addresses and ports or the same content",
            at(view.segment.from),
            at(view.segment.to)
        ),
        "capture outside of encrypted tunnels, where the traffic of both points passes",
    )
}
