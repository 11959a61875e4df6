//! What is worth saying though nothing of the plan failed.

use perhop_policy::Severity;

use crate::attribute::{Attribution, Basis};
use crate::cause::{Group, list, plural};
use crate::check::{Context, group};
use crate::finding::{
    ACCEPTED_LOSS, AMBIGUOUS, CHECKS_UNMARKED, Cause, Finding, Layer, NOTHING_PLANNED,
    PAST_RANGE_END, RETURN_NOT_MARKED,
};
use crate::seen::Payload;
use crate::verdict::{Note, Verdict};

pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    out.extend(returning(context));
    out.extend(checks(context));
    out.extend(past_end(context));
    out.extend(ambiguous(context));
    out.extend(accepted(context));
    out.extend(nothing(context));
    out
}

fn returning(context: &Context<'_>) -> Vec<Finding> {
    let flows = context.with(|one| {
        one.attribution
            .as_ref()
            .is_some_and(|of| of.basis == Basis::Return)
            && one.verdict != Verdict::Ok
            && one.is_reportable()
    });
    by_rule(context, flows, RETURN_NOT_MARKED, |of, class| {
        (
            format!("`{class}` that comes back to clients is not marked as planned: {}", of.size()),
            Cause {
                name: "nobody-marks-the-return",
                layer: Layer::Plan,
                text: "the senders are outside what the plan configures, so nothing of it marks this direction".to_owned(),
                evidence: vec![format!("{} from {}", of.size(), list(of.senders()))],
                check: "mark this traffic where it enters the network, by the clients' ports as destination ports"
                    .to_owned(),
            },
        )
    })
}

fn checks(context: &Context<'_>) -> Vec<Finding> {
    let flows = context.with(|one| {
        one.payload == Payload::Checks
            && one.is_planned()
            && one.verdict != Verdict::Ok
            && one.is_reportable()
    });
    by_rule(context, flows, CHECKS_UNMARKED, |of, class| {
        (
            format!(
                "connectivity checks on ports of `{class}` are not marked as planned: {} without media",
                of.size()
            ),
            Cause {
                name: "checks-before-marking",
                layer: Layer::Host,
                text: "some applications mark media and leave connectivity checks alone; a policy by port would mark both, \
                       so this may also be the first sign of a policy that does not work"
                    .to_owned(),
                evidence: vec![format!("{} from {}", of.size(), list(of.senders()))],
                check: "capture a call with media from these hosts".to_owned(),
            },
        )
    })
}

fn past_end(context: &Context<'_>) -> Vec<Finding> {
    let flows = context.with(|one| one.has(Note::PastEnd));
    by_rule(context, flows, PAST_RANGE_END, |of, class| {
        let ports = of.flows.iter().map(|at| {
            let key = of.context.flows.key(*at);
            format!("{} to {}", key.src_port, key.dst_port)
        });
        (
            format!("`{class}` uses the port right after the end of its range: {}", of.size()),
            Cause {
                name: "policy-one-port-wider",
                layer: Layer::Plan,
                text: "policies are often written one port wider than the range (start + count as the end); likely harmless"
                    .to_owned(),
                evidence: vec![format!("ports {}", list(ports))],
                check: "compare the end of the range in the policy with start + count - 1".to_owned(),
            },
        )
    })
}

fn ambiguous(context: &Context<'_>) -> Vec<Finding> {
    let flows = context.with(|one| one.has(Note::Ambiguous));
    by_rule(context, flows, AMBIGUOUS, |of, class| {
        let context = of.context;
        let rules = of
            .flows
            .iter()
            .filter_map(|at| context.judged[*at].attribution.as_ref())
            .flat_map(|one| &one.rules)
            .map(|one| {
                format!(
                    "`{}` ({})",
                    context.policy.rule(one.rule).name,
                    one.dscp.value()
                )
            });
        let rules: std::collections::BTreeSet<String> = rules.collect();
        (
            format!(
                "rules with different marks may hold {} on ports of `{class}`; any of their marks was accepted",
                of.size()
            ),
            Cause {
                name: "sender-not-placed",
                layer: Layer::Plan,
                text: "the plan does not say where these hosts are, so rules of several scopes may hold".to_owned(),
                evidence: vec![format!("rules that may hold: {}", list(&rules))],
                check: "give the scopes addresses in the plan, or ranges that differ".to_owned(),
            },
        )
    })
}

/// One piece of information per scope and class.
fn by_rule(
    context: &Context<'_>,
    flows: impl Iterator<Item = usize>,
    code: &'static str,
    say: impl Fn(&Group<'_>, &str) -> (String, Cause),
) -> Vec<Finding> {
    let groups = group(flows, |at| {
        let rule = context.judged[at].attribution.as_ref()?.rule();
        let rule = context.policy.rule(rule);
        Some((rule.scope, rule.class))
    });
    groups
        .into_iter()
        .map(|((_, class), flows)| {
            let of = Group {
                context,
                flows: &flows,
            };
            let (message, cause) = say(&of, &context.policy.class(class).name);
            Finding {
                code,
                severity: Severity::Info,
                message,
                rule: context.judged[flows[0]]
                    .attribution
                    .as_ref()
                    .map(Attribution::rule),
                class: Some(class),
                origin: context.origin(flows[0]),
                cause,
                alternatives: Vec::new(),
                flows,
            }
        })
        .collect()
}

fn accepted(context: &Context<'_>) -> Vec<Finding> {
    let flows = context.with(|one| one.accepted().is_some());
    group(flows, |at| context.judged[at].accepted())
        .into_iter()
        .map(|(index, flows)| {
            let loss = &context.tolerances.accepted[index];
            let rule = context.policy.rule(loss.rule);
            let of = Group {
                context,
                flows: &flows,
            };
            Finding {
                code: ACCEPTED_LOSS,
                severity: Severity::Info,
                message: format!(
                    "accepted for `{}`: {} show `{}` of `{}`",
                    loss.target,
                    of.size(),
                    loss.kind.as_str(),
                    rule.name
                ),
                rule: Some(loss.rule),
                class: Some(rule.class),
                origin: Some(rule.origin),
                cause: Cause {
                    name: "accepted-loss",
                    layer: Layer::Plan,
                    text: format!(
                        "the plan accepts that `{}` cannot say this rule as it is, which likely explains these marks",
                        loss.target
                    ),
                    evidence: vec![format!("{} from {}", of.size(), list(of.senders()))],
                    check: format!("look at `accept` under `[target.{}]` if this is too much", loss.target),
                },
                alternatives: Vec::new(),
                flows,
            }
        })
        .collect()
}

fn nothing(context: &Context<'_>) -> Option<Finding> {
    let planned = |verdict| !matches!(verdict, Verdict::Unplanned | Verdict::UnplannedMark);
    if context.judged.iter().any(|one| planned(one.verdict)) {
        return None;
    }
    let count = plural(context.flows.len() as u64, "flow");
    Some(Finding {
        code: NOTHING_PLANNED,
        severity: Severity::Warning,
        message: format!("none of {count} is under a rule of the plan, so the capture proves nothing"),
        flows: Vec::new(),
        rule: None,
        class: None,
        origin: None,
        cause: Cause {
            name: "no-planned-traffic",
            layer: Layer::Plan,
            text: "the capture was likely taken elsewhere or at another time, or the plan is for another network".to_owned(),
            evidence: vec![format!("{count} in the capture, 0 under a rule")],
            check: "run `perhop flows` on the capture and look for the calls that you expect".to_owned(),
        },
        alternatives: Vec::new(),
    })
}
