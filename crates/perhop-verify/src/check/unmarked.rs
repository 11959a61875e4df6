//! Planned traffic that carries no mark.

use std::collections::BTreeSet;

use perhop_policy::{AppMatch, ClassId, ScopeId, Severity};

use crate::attribute::Attribution;
use crate::cause::Group;
use crate::cause::unmarked::{Reach, Unmarked};
use crate::check::{Context, group};
use crate::finding::{Finding, UNMARKED};
use crate::verdict::Verdict;

pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let flows: Vec<usize> = context.failing(Verdict::Unmarked).collect();
    let places = group(flows.iter().copied(), |at| context.place(at));
    if places.len() > 1 && !context.any_marked() {
        return vec![finding(context, &flows, Reach::Everything)];
    }
    let mut out = Vec::new();
    for (place, flows) in places {
        let kinds = group(flows, |at| {
            let reach = reach(context, place, at);
            let handshake = context.judged[at].handshake().is_some();
            Some((reach, context.knows_sender(at), handshake))
        });
        for ((reach, ..), flows) in kinds {
            out.push(finding(context, &flows, reach));
        }
    }
    out
}

fn reach(context: &Context<'_>, place: (ScopeId, ClassId), at: usize) -> Reach {
    let hosts = &context.hosts[&place];
    if hosts[&context.flows.key(at).src] {
        Reach::SomeFlows
    } else if hosts.values().any(|marked| *marked) {
        Reach::SomeHosts
    } else {
        Reach::WholeScope
    }
}

fn finding(context: &Context<'_>, flows: &[usize], reach: Reach) -> Finding {
    let first = flows[0];
    let (scope, class) = context.place(first).expect("failing flows are planned");
    let senders: BTreeSet<_> = flows.iter().map(|at| context.flows.key(*at).src).collect();
    let unmarked = Unmarked {
        group: Group { context, flows },
        reach,
        scope: context.policy.scope(scope),
        class: context.policy.class(class),
        peers_planned: flows.iter().any(|at| context.knows_sender(*at)),
        others_marking: context.hosts[&(scope, class)]
            .iter()
            .filter(|(host, marked)| **marked && !senders.contains(*host))
            .count(),
        apps: apps(context, flows),
    };
    let (cause, alternatives) = unmarked.causes();
    let size = unmarked.group.size();
    let message = if reach == Reach::Everything {
        format!("nothing of the plan is marked: {size} carry 0")
    } else {
        format!(
            "`{}` from `{}` is not marked: {size} carry 0 instead of {}",
            unmarked.class.name,
            unmarked.scope.name,
            marks(context, flows)
        )
    };
    Finding {
        code: UNMARKED,
        severity: Severity::Error,
        message,
        flows: flows.to_vec(),
        rule: context.judged[first]
            .attribution
            .as_ref()
            .map(Attribution::rule),
        class: (reach != Reach::Everything).then_some(class),
        origin: context.origin(first),
        cause,
        alternatives,
    }
}

/// Applications that the rules of the flows name.
fn apps(context: &Context<'_>, flows: &[usize]) -> BTreeSet<AppMatch> {
    flows
        .iter()
        .filter_map(|at| context.judged[*at].attribution.as_ref())
        .flat_map(|one| &one.rules)
        .map(|one| context.policy.rule(one.rule).app.clone())
        .collect()
}

/// The planned marks of some flows, as text.
pub(super) fn marks(context: &Context<'_>, flows: &[usize]) -> String {
    let marks: BTreeSet<_> = flows
        .iter()
        .flat_map(|at| context.judged[*at].expected.iter().copied())
        .collect();
    let words: Vec<String> = marks.iter().map(ToString::to_string).collect();
    words.join(" or ")
}
