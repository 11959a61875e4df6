//! Marks of the plan on traffic that the plan does not know.

use perhop_policy::{ClassId, ClassKind, Severity};

use crate::cause::queue::Taken;
use crate::cause::{Group, plural};
use crate::check::{Context, group};
use crate::finding::{Finding, UNPLANNED_MARK};
use crate::verdict::{Verdict, is_priority};

pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let flows = context.with(|one| one.verdict == Verdict::UnplannedMark && one.is_reportable());
    group(flows, |at| context.judged[at].seen)
        .into_iter()
        .map(|(mark, flows)| {
            let group = Group {
                context,
                flows: &flows,
            };
            let taken = Taken::new(group, mark);
            let (cause, alternatives) = taken.causes();
            let classes = context.policy.classes();
            let class = classes.iter().position(|class| class.dscp == mark);
            let voice = class.is_some_and(|at| classes[at].kind == ClassKind::Audio);
            let priority = voice || is_priority(mark);
            let harm = if priority {
                "the priority queue is shared"
            } else {
                "it shares a queue with the plan's traffic"
            };
            Finding {
                code: UNPLANNED_MARK,
                severity: if priority {
                    Severity::Warning
                } else {
                    Severity::Info
                },
                message: format!(
                    "traffic that the plan does not know carries {mark}: {} in {}; {harm}",
                    plural(taken.packets(), "packet"),
                    plural(flows.len() as u64, "flow")
                ),
                rule: None,
                class: class.and_then(|at| u16::try_from(at).ok()).map(ClassId),
                origin: class.map(|at| classes[at].origin),
                cause,
                alternatives,
                flows,
            }
        })
        .collect()
}
