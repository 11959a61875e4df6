//! Planned traffic whose mark changes within a flow.

use perhop_policy::Severity;

use crate::attribute::Attribution;
use crate::cause::Group;
use crate::cause::mixed::{Course, Mixed};
use crate::check::{Context, group, unmarked};
use crate::finding::{Finding, MIXED};
use crate::flow::DscpCounts;
use crate::verdict::Verdict;

pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let flows = context.failing(Verdict::Mixed);
    let groups = group(flows, |at| {
        Some((context.place(at)?, Course::of(&context.judged[at])))
    });
    groups
        .into_iter()
        .map(|((place, course), flows)| {
            let mixed = Mixed {
                group: Group {
                    context,
                    flows: &flows,
                },
                scope: context.policy.scope(place.0),
                class: context.policy.class(place.1),
                course,
            };
            let (cause, alternatives) = mixed.causes();
            let mut counts = DscpCounts::new();
            for at in &flows {
                counts.merge(&context.seen(*at).judged);
            }
            let shown: Vec<String> = counts
                .iter()
                .map(|(dscp, packets)| format!("{packets} carry {}", dscp.value()))
                .collect();
            let how = match course {
                Course::LateStart => "gets its mark late",
                Course::Changed => "changes its mark",
                Course::Interleaved => "carries several marks",
            };
            let message = format!(
                "`{}` from `{}` {how}: {}, {} expected in {}",
                mixed.class.name,
                mixed.scope.name,
                shown.join(", "),
                unmarked::marks(context, &flows),
                mixed.group.size()
            );
            Finding {
                code: MIXED,
                severity: if course == Course::LateStart {
                    Severity::Warning
                } else {
                    Severity::Error
                },
                message,
                rule: context.judged[flows[0]]
                    .attribution
                    .as_ref()
                    .map(Attribution::rule),
                class: Some(place.1),
                origin: context.origin(flows[0]),
                cause,
                alternatives,
                flows,
            }
        })
        .collect()
}
