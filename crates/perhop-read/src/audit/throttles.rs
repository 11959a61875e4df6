//! Rates: what a host may send of a rule's packets, and what the policy that wins lets it.

use perhop_policy::overlap::Space;
use perhop_policy::{LossKind, PolicySet, Rule, RuleId, Severity, TargetRequest};

use super::{Seen, marks, mend};
use crate::codes;
use crate::finding::{Finding, Layer};
use crate::policy::{Form, HostPolicy};
use crate::shell::netqos::RATES;

/// Whether a policy keeps packets to another rate than planned.
pub(super) fn differs(rule: &Rule, has: &HostPolicy) -> bool {
    match (rule.throttle, has.throttle) {
        (None, None) => false,
        (Some(planned), Some(throttle)) => !throttle.is(planned),
        (None, Some(_)) | (Some(_), None) => true,
    }
}

/// The finding about packets that get their mark and another rate.
pub(super) fn finding(
    policy: &PolicySet,
    id: RuleId,
    one: &Seen<'_>,
    whole: bool,
    example: &Space,
) -> Finding {
    let rule = policy.rule(id);
    let what = if whole { "" } else { "part of " };
    let planned = match rule.throttle {
        Some(rate) => format!("is to be kept to {rate}"),
        None => "is not to be throttled".to_owned(),
    };
    let has = match one.policy.throttle {
        Some(throttle) => format!("keeps it to {throttle}"),
        None => "does not throttle".to_owned(),
    };
    let place = std::iter::once("Throttle Rate")
        .chain(RATES)
        .find_map(|name| one.policy.place_of(name));
    let accepted = is_accepted(policy, one);
    let severity = if accepted {
        Severity::Info
    } else {
        Severity::Error
    };
    let finding = Finding::new(
        severity,
        Layer::Match,
        codes::AUDIT_OTHER_THROTTLE,
        format!(
            "{what}`{}` {planned}, and `{}` {has}",
            rule.name, one.policy.name
        ),
    )
    .at(place.unwrap_or(one.place))
    .rule(&rule.name, rule.origin)
    .note(format!(
        "it wins, by Windows' order of precedence, {}",
        marks::example(example)
    ));
    if accepted {
        finding.note("NetworkQoSPolicy has no setting for a rate, and the plan accepts that")
    } else if marks::is_meant(rule, id, one) {
        mended(finding, rule, one)
    } else {
        finding.help(marks::in_the_way(one))
    }
}

/// Adds the command that gives a policy its rule's rate.
pub(super) fn mended(finding: Finding, rule: &Rule, one: &Seen<'_>) -> Finding {
    match one.policy.form {
        Form::Csp => finding
            .note("NetworkQoSPolicy has no setting for a rate")
            .help("throttle by Group Policy or NetQos instead, or accept it: `accept = [\"absent.throttle\"]` under `[target.intune-csp]`"),
        Form::Table => finding.help(match rule.throttle {
            Some(rate) => format!("write `{rate}` under `Throttle`"),
            None => "clear the cell under `Throttle`".to_owned(),
        }),
        Form::Registry | Form::NetQos => finding.command(mend::set_throttle(one, rule)),
    }
}

/// Whether the plan accepts that Intune cannot throttle: an accepted loss is no drift.
fn is_accepted(policy: &PolicySet, one: &Seen<'_>) -> bool {
    let wanted = LossKind::AbsentThrottle.as_str();
    let accepts = |target: &TargetRequest| {
        target.id == "intune-csp" && target.accept.iter().any(|(loss, _)| loss == wanted)
    };
    one.policy.form == Form::Csp && policy.targets().iter().any(accepts)
}
