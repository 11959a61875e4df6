//! Planned traffic that carries another mark.

use perhop_policy::{Dscp, Severity};

use crate::attribute::Attribution;
use crate::cause::remarked::{Remarked, on_path};
use crate::cause::{Group, Ranking, list};
use crate::check::{Context, group, unmarked};
use crate::finding::{Finding, REMARKED};
use crate::verdict::Verdict;

pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut flows: Vec<usize> = context.failing(Verdict::Remarked).collect();
    let mut out = Vec::new();
    if let Some(rule) = context.pattern {
        let fits =
            |at: &usize| pair(context, *at).is_some_and(|(sent, seen)| rule.apply(sent) == seen);
        let (by_rule, others): (Vec<usize>, Vec<usize>) = flows.iter().partition(|at| fits(at));
        if !by_rule.is_empty() {
            out.push(by_pattern(context, &by_rule));
            flows = others;
        }
    }
    let groups = group(flows, |at| {
        Some((context.place(at)?, context.judged[at].seen?))
    });
    for ((place, seen), flows) in groups {
        let class = context.policy.class(place.1);
        let remarked = Remarked {
            group: Group {
                context,
                flows: &flows,
            },
            scope: context.policy.scope(place.0),
            class,
            seen,
        };
        let (cause, alternatives) = remarked.causes();
        let message = format!(
            "`{}` from `{}` is re-marked: {} carry {seen} instead of {}",
            class.name,
            remarked.scope.name,
            remarked.group.size(),
            unmarked::marks(context, &flows)
        );
        out.push(Finding {
            code: REMARKED,
            severity: Severity::Error,
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
        });
    }
    out
}

/// One finding for all classes that a bitwise rule explains.
fn by_pattern(context: &Context<'_>, flows: &[usize]) -> Finding {
    let rule = context.pattern.expect("called with a pattern");
    let mut pairs: Vec<(Dscp, Dscp)> = flows.iter().filter_map(|at| pair(context, *at)).collect();
    pairs.sort_unstable_by_key(|(sent, seen)| (std::cmp::Reverse(*sent), *seen));
    pairs.dedup();
    let group = Group { context, flows };
    let mut ranking = Ranking::default();
    ranking.add(90, on_path(&group, rule, &pairs));
    let (cause, alternatives) = ranking.finish();
    let shown = pairs
        .iter()
        .map(|(sent, seen)| format!("{} to {}", sent.value(), seen.value()));
    Finding {
        code: REMARKED,
        severity: Severity::Error,
        message: format!(
            "marks are changed bit by bit ({}): {}, {}",
            rule.as_str(),
            list(shown),
            group.size()
        ),
        flows: flows.to_vec(),
        rule: context.judged[flows[0]]
            .attribution
            .as_ref()
            .map(Attribution::rule),
        class: None,
        origin: context.origin(flows[0]),
        cause,
        alternatives,
    }
}

fn pair(context: &Context<'_>, at: usize) -> Option<(Dscp, Dscp)> {
    let one = &context.judged[at];
    match one.expected[..] {
        [sent] => Some((sent, one.seen?)),
        _ => None,
    }
}
