//! Packets that are lost between two points.

use perhop_policy::{Dscp, Severity};

use super::{Draft, SEGMENT_LOSS, SegmentFinding, View};
use crate::finding::{Cause, Layer};
use crate::points::notes::{duration, percent};
use crate::points::segment::{SegmentClass, SentMark};

pub(super) fn check(view: &View<'_>) -> Vec<SegmentFinding> {
    let rows = view.segment.classes.iter();
    rows.filter(|row| row.class.is_some())
        .filter(|row| row.by_mark.iter().any(|one| is_lossy(one, view.least)))
        .map(|row| finding(view, row))
        .collect()
}

/// What makes a finding: 1 % lost, which microphones and cameras begin to show.
fn is_lossy(one: &SentMark, least: u64) -> bool {
    one.missing >= least && one.loss() >= LOSS
}

fn finding(view: &View<'_>, row: &SegmentClass) -> SegmentFinding {
    let (up, _) = view.ends(row.heading);
    let lost: Vec<&SentMark> = row
        .by_mark
        .iter()
        .filter(|one| is_lossy(one, view.least))
        .collect();
    let marks: Vec<String> = lost
        .iter()
        .map(|one| {
            format!(
                "{} of {} packets that left with {} ({})",
                one.missing,
                one.sent,
                one.mark.value(),
                percent(one.loss())
            )
        })
        .collect();
    let class = row.class.map(|class| vec![class]).unwrap_or_default();
    let mut causes = causes(view, row, &lost).into_iter();
    let draft = Draft {
        code: SEGMENT_LOSS,
        severity: Severity::Warning,
        message: format!(
            "{} loses packets {}: {}",
            view.classes(&class),
            view.between(row.heading),
            marks.join(", ")
        ),
        cause: causes.next().expect("loss has a cause"),
        alternatives: causes.collect(),
    };
    let side = usize::from(up == view.segment.to);
    let flows = view
        .flows(row.heading)
        .filter(|flow| flow.class == row.class && flow.counts.missing > 0)
        .map(|flow| flow.keys[side]);
    view.finish(draft, up, flows)
}

/// Marks that lost nothing or next to it, over all classes, and how many packets they had.
fn spared(view: &View<'_>, row: &SegmentClass) -> Vec<(Dscp, u64, u64)> {
    let mut out: Vec<(Dscp, u64, u64)> = Vec::new();
    let rows = view.segment.classes.iter();
    for one in rows
        .filter(|other| other.heading == row.heading)
        .flat_map(|other| &other.by_mark)
    {
        match out.iter_mut().find(|known| known.0 == one.mark) {
            Some(known) => {
                known.1 += one.sent;
                known.2 += one.missing;
            }
            None => out.push((one.mark, one.sent, one.missing)),
        }
    }
    out.retain(|(_, sent, missing)| *sent >= MANY && *missing * 1000 <= *sent);
    out.sort_unstable();
    out
}

fn causes(view: &View<'_>, row: &SegmentClass, lost: &[&SentMark]) -> Vec<Cause> {
    let (_, down) = view.ends(row.heading);
    let between = view.between(row.heading);
    let spared = spared(view, row);
    let mut evidence: Vec<String> = spared
        .iter()
        .map(|(mark, sent, missing)| {
            format!(
                "{missing} of {sent} packets with {} are lost at the same time",
                mark.value()
            )
        })
        .collect();
    let arrived = lost.iter().filter_map(|one| one.delay);
    let late = arrived.clone().map(|delay| delay.p95).max().unwrap_or(0);
    let queued = late >= QUEUED;
    let latest = arrived.map(|delay| delay.largest).max();
    evidence.extend(latest.map(|latest| {
        if queued {
            format!(
                "5 of 100 of those that arrive are more than {} late: they waited in a queue",
                duration(late)
            )
        } else {
            format!("those that arrive are {} late at most", duration(latest))
        }
    }));
    let dropped = view.points[down].dropped;
    let mut out = Vec::new();
    if dropped > 0 {
        out.push(Cause {
            name: "capture-drops",
            layer: Layer::Path,
            text: format!(
                "the capture at `{}` lost packets itself, so they may have arrived",
                view.name(down)
            ),
            evidence: vec![format!("its files say that {dropped} packets were dropped")],
            check: "capture again with a shorter snap length, a capture filter or a faster disk, and compare again".to_owned(),
        });
    }
    let by_mark = !spared.is_empty();
    out.push(Cause {
        name: if by_mark { "queue-by-mark" } else { "lost-between" },
        layer: Layer::Path,
        text: match (by_mark, queued) {
            (true, _) => format!(
                "a link {between} is likely full, and these packets are in a queue that is dropped from while others are spared"
            ),
            (false, true) => format!("a link {between} is likely full, whatever the marks"),
            (false, false) => format!(
                "packets are lost {between} without a queue before: an error on a link, a policer, or the capture at `{}`",
                view.name(down)
            ),
        },
        evidence,
        check: "look at the drop counters of the queues, policers and links between the points; the marks that these packets \
                have at the later point are the ones by which they were queued"
            .to_owned(),
    });
    out
}

/// Share lost that makes a finding.
const LOSS: f64 = 0.01;
/// Packets that are enough to say that a mark was spared.
const MANY: u64 = 100;
/// Nanoseconds late that a queue makes.
const QUEUED: i64 = 2_000_000;
