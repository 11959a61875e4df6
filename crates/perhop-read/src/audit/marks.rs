//! Marks and rates: the plan's regions, and who wins there.

use std::collections::BTreeMap;

use perhop_policy::overlap::{self, Intervals, Space};
use perhop_policy::{PolicySet, Protocol, Rule, RuleId, ScopeId, Severity};

use super::{Audit, By, RuleState, Seen, State, mend, reasons, throttles};
use crate::codes;
use crate::finding::{Finding, Layer};
use crate::simulate;

/// What happens to one rule's packets.
#[derive(Default)]
struct Fate {
    /// No policy takes these.
    unmarked: Vec<Space>,
    /// Another mark is put on these, by policy.
    other: BTreeMap<usize, Vec<Space>>,
    /// Policies that put the right mark on.
    right: Vec<usize>,
    /// Of these, those that keep packets to another rate.
    rate: BTreeMap<usize, Vec<Space>>,
}

/// Compares one sender's regions with what its policies do.
pub(super) fn compare(
    policy: &PolicySet,
    scope: ScopeId,
    rules: &[RuleId],
    seen: &[Seen<'_>],
    out: &mut Audit,
) {
    let policies: Vec<_> = seen.iter().map(|one| one.policy).collect();
    let Some(won) = simulate::resolve(&policies) else {
        out.findings.push(
            Finding::new(
                Severity::Error,
                Layer::Match,
                codes::AUDIT_TOO_MANY,
                format!(
                    "the policies of `{}` overlap in more ways than can be compared",
                    policy.scope(scope).name
                ),
            )
            .help("give the files of one host at a time"),
        );
        return;
    };
    let mut fates: BTreeMap<RuleId, Fate> =
        rules.iter().map(|rule| (*rule, Fate::default())).collect();
    for region in policy.regions(scope) {
        let Some(fate) = fates.get_mut(&region.rule) else {
            continue;
        };
        let mut left = vec![region.space.clone()];
        for one in &won {
            let Some(part) = region.space.intersection(&one.space) else {
                continue;
            };
            left = overlap::subtract(left, std::slice::from_ref(&one.space));
            if one.dscp == Some(region.dscp) {
                if !fate.right.contains(&one.policy) {
                    fate.right.push(one.policy);
                }
                if throttles::differs(policy.rule(region.rule), seen[one.policy].policy) {
                    fate.rate.entry(one.policy).or_default().push(part);
                }
            } else {
                fate.other.entry(one.policy).or_default().push(part);
            }
        }
        fate.unmarked.extend(left);
    }
    for (id, fate) in fates {
        let findings = told(policy, id, &fate, seen);
        let differs = findings
            .iter()
            .any(|finding| finding.severity > Severity::Info);
        out.rules.push(RuleState {
            rule: id,
            by: By::Windows,
            state: if differs { State::Differs } else { State::Ok },
            policies: fate
                .right
                .iter()
                .chain(fate.other.keys())
                .map(|index| seen[*index].policy.name.clone())
                .collect(),
        });
        out.findings.extend(findings);
    }
}

fn told(policy: &PolicySet, id: RuleId, fate: &Fate, seen: &[Seen<'_>]) -> Vec<Finding> {
    let rule = policy.rule(id);
    let mut out = Vec::new();
    for (index, parts) in &fate.other {
        let one = &seen[*index];
        let whole = fate.right.is_empty() && fate.unmarked.is_empty() && fate.other.len() == 1;
        let what = if whole { "" } else { "part of " };
        let mut finding = Finding::new(
            Severity::Error,
            Layer::Match,
            codes::AUDIT_OTHER_MARK,
            format!(
                "{what}`{}` is to be {}, and `{}` {}",
                rule.name,
                rule.dscp,
                one.policy.name,
                one.policy.action()
            ),
        )
        .at(one
            .policy
            .place_of("DSCP Value")
            .or(one.policy.place_of("DSCPAction"))
            .unwrap_or(one.place))
        .rule(&rule.name, rule.origin)
        .note(format!(
            "it wins, by Windows' order of precedence, {}",
            example(&parts[0])
        ));
        // Where the policy is for these packets its mark is wrong; else it only is in the way.
        if is_meant(rule, id, one) {
            finding = finding.command(mend::set_dscp(one, rule.dscp));
            if throttles::differs(rule, one.policy) {
                finding = throttles::mended(finding, rule, one);
            }
        } else {
            finding = finding.help(in_the_way(one));
        }
        out.push(finding);
    }
    for (index, parts) in &fate.rate {
        let one = &seen[*index];
        let whole = fate.unmarked.is_empty()
            && fate.other.is_empty()
            && fate.rate.len() == fate.right.len();
        out.push(throttles::finding(policy, id, one, whole, &parts[0]));
    }
    if !fate.unmarked.is_empty() {
        let partly = !fate.right.is_empty() || !fate.other.is_empty();
        out.push(reasons::unmarked(
            policy,
            id,
            &fate.unmarked[0],
            partly,
            seen,
        ));
    }
    for index in &fate.right {
        out.extend(reasons::wider(policy, id, &seen[*index]));
    }
    out
}

/// Whether a policy is for a rule's packets, not only in their way.
pub(super) fn is_meant(rule: &Rule, id: RuleId, one: &Seen<'_>) -> bool {
    rule.statements(id).iter().any(|statement| {
        statement.app.intersection(&one.policy.app).is_some()
            && super::near(statement.src_ports.0, one.policy.src_ports.0)
            && super::near(statement.dst_ports.0, one.policy.dst_ports.0)
    })
}

/// What to do with a policy that is in the way.
pub(super) fn in_the_way(one: &Seen<'_>) -> String {
    format!(
        "narrow or remove `{}`, so that it does not take these packets",
        one.policy.name
    )
}

/// `for example from source port 20000, UDP, by lync.exe`.
pub(super) fn example(space: &Space) -> String {
    let mut parts = Vec::new();
    let protocol = if space.has_protocol(Protocol::Udp) {
        "UDP"
    } else {
        "TCP"
    };
    let mut ports = |side: &Intervals, word: &str| {
        if let Some((first, last)) = side.as_slice().first()
            && (*first, *last) != (0, 65535)
        {
            parts.push(if first == last {
                format!("{word} port {first}")
            } else {
                format!("{word} ports {first}-{last}")
            });
        }
    };
    ports(&space.src_ports, "source");
    ports(&space.dst_ports, "destination");
    let app = match space.apps.base.as_str() {
        "*" => String::new(),
        app => format!(" sent by `{app}`"),
    };
    let ports = if parts.is_empty() {
        String::new()
    } else {
        format!(" from {}", parts.join(" to "))
    };
    format!("for example for {protocol}{ports}{app}")
}
