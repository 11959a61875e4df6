//! Marks that do not shorten the wait.

use perhop_policy::Severity;

use super::{Draft, SEGMENT_NO_EFFECT, SegmentFinding, View};
use crate::cause::plural;
use crate::finding::{Cause, Layer};
use crate::points::clock::Heading;
use crate::points::notes::duration;
use crate::points::segment::Queue;

pub(super) fn check(view: &View<'_>) -> Vec<SegmentFinding> {
    let queues = view.segment.queues.iter();
    queues
        .filter(|queue| queue.is_telling() && queue.ratio() >= SAME)
        .map(|queue| finding(view, queue))
        .collect()
}

fn finding(view: &View<'_>, queue: &Queue) -> SegmentFinding {
    let (up, _) = view.ends(queue.heading);
    let side = usize::from(queue.heading == Heading::Backward);
    let between = view.between(queue.heading);
    let changed = queue.arrives != queue.mark;
    let draft = Draft {
        code: SEGMENT_NO_EFFECT,
        severity: Severity::Info,
        message: format!(
            "packets with {} wait about as long as unmarked ones {between}: {} against {} on average",
            queue.mark.value(),
            duration(queue.mean),
            duration(queue.unmarked_mean)
        ),
        cause: Cause {
            name: if changed { "mark-lost-before-queue" } else { "queue-ignores-mark" },
            layer: Layer::Path,
            text: if changed {
                format!(
                    "the mark becomes {} {between}, likely before the queue, which then knows nothing of {}",
                    queue.arrives.value(),
                    queue.mark.value()
                )
            } else {
                format!("the mark seems to have no effect {between}: the full link likely does not queue by DSCP")
            },
            evidence: vec![format!(
                "{} with {} and {} with 0, in {} in which unmarked packets queued",
                plural(queue.packets, "packet"),
                queue.mark.value(),
                plural(queue.unmarked, "packet"),
                plural(queue.windows, "moment")
            )],
            check: "find the full link between the points and look at its output queues: whether the mark is mapped to one of \
                    its own, and whether a shaper or a provider further on is the real bottleneck"
                .to_owned(),
        },
        alternatives: Vec::new(),
    };
    let flows = view
        .flows(queue.heading)
        .filter(|flow| flow.marks.sent_with(queue.mark) > 0)
        .map(|flow| flow.keys[side]);
    view.finish(draft, up, flows)
}

/// Part of the unmarked packets' wait from which on the mark is said to have no effect.
const SAME: f64 = 0.5;
