//! Marks: the plan's regions, and who wins there.

use std::collections::BTreeMap;

use perhop_policy::overlap::{self, Intervals, Space};
use perhop_policy::{PolicySet, Protocol, RuleId, ScopeId, Severity};

use super::{Audit, By, RuleState, Seen, State, mend, reasons};
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
        let mark = match one.policy.dscp {
            Some(dscp) => format!("marks {dscp}"),
            None => "does not mark".to_owned(),
        };
        let whole = fate.right.is_empty() && fate.unmarked.is_empty() && fate.other.len() == 1;
        let what = if whole { "" } else { "part of " };
        let mut finding = Finding::new(
            Severity::Error,
            Layer::Match,
            codes::AUDIT_OTHER_MARK,
            format!(
                "{what}`{}` is to be {}, and `{}` {mark}",
                rule.name, rule.dscp, one.policy.name
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
        let same = rule.statements(id).iter().any(|statement| {
            statement.app.intersection(&one.policy.app).is_some()
                && super::near(statement.src_ports.0, one.policy.src_ports.0)
                && super::near(statement.dst_ports.0, one.policy.dst_ports.0)
        });
        if same {
            finding = finding.command(mend::set_dscp(one, rule.dscp));
        } else {
            finding = finding.help(format!(
                "narrow or remove `{}`, so that it does not take these packets",
                one.policy.name
            ));
        }
        out.push(finding);
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
