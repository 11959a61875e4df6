//! Why a rule's packets are not marked: the policy that was meant for them, and what is wrong with it.

use perhop_policy::overlap::Space;
use perhop_policy::{
    AppMatch, PolicySet, PortMatch, PortRange, ProtocolMatch, Rule, RuleId, Severity, Statement,
};

use super::{Seen, marks, mend, near};
use crate::codes;
use crate::finding::{Finding, Layer};
use crate::place::Place;

/// The finding about packets that no policy takes.
pub(super) fn unmarked(
    policy: &PolicySet,
    id: RuleId,
    space: &Space,
    partly: bool,
    seen: &[Seen<'_>],
) -> Finding {
    let rule = policy.rule(id);
    let statements = rule.statements(id);
    let finding = statements
        .iter()
        .find_map(|statement| meant(rule, statement, seen))
        .unwrap_or_else(|| missing(rule, &statements, partly));
    let finding = finding.rule(&rule.name, rule.origin);
    if partly {
        finding.note(format!("not marked: {}", marks::example(space)))
    } else {
        finding
    }
}

/// What a policy that marks a rule's packets marks beside them.
pub(super) fn wider(policy: &PolicySet, id: RuleId, one: &Seen<'_>) -> Vec<Finding> {
    let rule = policy.rule(id);
    let statements = rule.statements(id);
    let Some(statement) = statements.first() else {
        return Vec::new();
    };
    // What another rule says just so is that rule's policy, and where policies have no addresses it stays that rule's.
    let placed = |said: Option<_>, has: Option<_>| has.is_none() || said == has;
    let own = |other: &Statement| {
        other.scope == statement.scope
            && other.app.rank() == one.policy.app.rank()
            && other.app.intersection(&one.policy.app).is_some()
            && other.protocol == one.policy.protocol
            && placed(other.src, one.policy.src)
            && placed(other.dst, one.policy.dst)
            && (other.src_ports, other.dst_ports) == (one.policy.src_ports, one.policy.dst_ports)
    };
    if policy.statements().iter().any(own) {
        return Vec::new();
    }
    let sides = [
        ("source", statement.src_ports.0, one.policy.src_ports.0),
        ("destination", statement.dst_ports.0, one.policy.dst_ports.0),
    ];
    let mut out: Vec<Finding> = sides
        .into_iter()
        .filter_map(|(side, planned, has)| {
            more_ports(rule, statement, one, (side, planned.range()?, has.range()?))
        })
        .collect();
    if statement.app != AppMatch::Any && one.policy.app == AppMatch::Any {
        out.push(
            Finding::new(
                Severity::Info,
                Layer::Match,
                codes::AUDIT_WIDER,
                format!(
                    "`{}` marks every application, and `{}` is planned for `{}`",
                    one.policy.name, rule.name, statement.app
                ),
            )
            .at(one.place)
            .rule(&rule.name, rule.origin)
            .note("whatever else sends from these ports is marked too"),
        );
    }
    out
}

fn more_ports(
    rule: &Rule,
    statement: &Statement,
    one: &Seen<'_>,
    (side, planned, has): (&str, PortRange, PortRange),
) -> Option<Finding> {
    let more = has.count().saturating_sub(planned.count());
    if more == 0 || !has.contains_range(planned) {
        return None;
    }
    let names = match side {
        "source" => [
            "Local Port",
            "IPSrcPortEndMatchCondition",
            "SourcePortMatchCondition",
        ],
        _ => [
            "Remote Port",
            "IPDstPortEndMatchCondition",
            "DestinationPortMatchCondition",
        ],
    };
    let place = names.iter().find_map(|name| one.policy.place_of(name));
    let (severity, ports) = match more {
        1 => (Severity::Info, "1 port".to_owned()),
        _ => (Severity::Warning, format!("{more} ports")),
    };
    let finding = Finding::new(
        severity,
        Layer::Match,
        codes::AUDIT_WIDER,
        format!(
            "`{}` has {ports} more than `{}`: {side} ports {has}, and {planned} are planned",
            one.policy.name, rule.name
        ),
    )
    .at(place.unwrap_or(one.place))
    .rule(&rule.name, rule.origin);
    Some(if more == 1 {
        finding.note("Microsoft's own examples are one port wider than the ranges; it does no harm")
    } else {
        finding.command(mend::set_ports(one, statement))
    })
}

/// The policy that was meant for a statement's packets and does not take them.
fn meant(rule: &Rule, statement: &Statement, seen: &[Seen<'_>]) -> Option<Finding> {
    let ports = |one: &Seen<'_>| {
        near(statement.src_ports.0, one.policy.src_ports.0)
            && near(statement.dst_ports.0, one.policy.dst_ports.0)
    };
    let app = |one: &Seen<'_>| {
        one.policy.app == AppMatch::Any || statement.app.intersection(&one.policy.app).is_some()
    };
    let mark = |one: &Seen<'_>| one.policy.dscp == Some(rule.dscp);
    let flipped = |one: &Seen<'_>| {
        near(statement.src_ports.0, one.policy.dst_ports.0)
            && near(statement.dst_ports.0, one.policy.src_ports.0)
            && statement.src_ports.0 != statement.dst_ports.0
    };
    if let Some(one) = seen
        .iter()
        .find(|one| !one.policy.sound && app(one) && ports(one))
    {
        return Some(unsound(rule, one));
    }
    if let Some(one) = seen.iter().find(|one| app(one) && flipped(one)) {
        return Some(wrong_side(rule, statement, one));
    }
    if let Some(one) = seen.iter().find(|one| app(one) && ports(one) && mark(one)) {
        return Some(narrower(rule, statement, one));
    }
    // A policy for the same ports that is another rule's own is no sign of a wrong name.
    if let Some(one) = seen
        .iter()
        .find(|one| ports(one) && mark(one) && statement.app.rank() > 0)
        && !is_some_other(statement, one)
    {
        return Some(other_executable(rule, statement, one));
    }
    seen.iter()
        .find(|one| app(one) && mark(one) && one.policy.app.rank() == statement.app.rank())
        .map(|one| other_ports(rule, statement, one))
}

/// Whether the names have nothing in common, so that neither is the other one mistaken.
fn is_some_other(statement: &Statement, one: &Seen<'_>) -> bool {
    let known = ["communicator.exe", "lync.exe"];
    let is = |app: &AppMatch| {
        known
            .iter()
            .any(|name| app.as_str().eq_ignore_ascii_case(name))
    };
    let near = perhop_targets::suggest::nearest(one.policy.app.as_str(), [statement.app.as_str()])
        .is_some();
    !(near || is(&statement.app) && is(&one.policy.app))
}

fn finding(code: &'static str, layer: Layer, message: String, place: &Place) -> Finding {
    Finding::new(Severity::Error, layer, code, message).at(place)
}

fn unsound(rule: &Rule, one: &Seen<'_>) -> Finding {
    finding(
        codes::AUDIT_UNMARKED,
        Layer::Match,
        format!(
            "`{}` is not marked: Windows does not apply `{}`",
            rule.name, one.policy.name
        ),
        one.place,
    )
    .note("another finding says what is wrong with that policy")
}

fn wrong_side(rule: &Rule, statement: &Statement, one: &Seen<'_>) -> Finding {
    let (is, planned) = if statement.src_ports.0 == PortMatch::Any {
        ("source", "destination")
    } else {
        ("destination", "source")
    };
    finding(
        codes::AUDIT_WRONG_SIDE,
        Layer::Match,
        format!(
            "`{}` is not marked: `{}` has its range as {is} ports, and {planned} ports are planned",
            rule.name, one.policy.name
        ),
        one.place,
    )
    .note("a sender's traffic is told by its source port; only an A/V Edge sends from the relay's ports, and is told by the destination")
    .command(mend::set_ports(one, statement))
}

fn narrower(rule: &Rule, statement: &Statement, one: &Seen<'_>) -> Finding {
    let what = match (statement.protocol, one.policy.protocol) {
        (ProtocolMatch::Both, ProtocolMatch::Only(only)) => {
            format!("{} only", only.as_str().to_uppercase())
        }
        _ => one.policy.conditions(),
    };
    finding(
        codes::AUDIT_NARROWER,
        Layer::Match,
        format!(
            "part of `{}` is not marked: `{}` is for {what}",
            rule.name, one.policy.name
        ),
        one.place,
    )
    .help(format!("planned is {}", conditions(statement)))
}

fn other_executable(rule: &Rule, statement: &Statement, one: &Seen<'_>) -> Finding {
    let place = one
        .policy
        .place_of("Application Name")
        .or(one.policy.place_of("AppPathNameMatchCondition"))
        .unwrap_or(one.place);
    finding(
        codes::AUDIT_OTHER_EXECUTABLE,
        Layer::Match,
        format!(
            "`{}` is not marked: `{}` is for `{}`, and `{}` sends it",
            rule.name, one.policy.name, one.policy.app, statement.app
        ),
        place,
    )
    .note("a wrong name is no error to Windows: the policy just never takes a packet")
    .command(mend::set_app(one, &statement.app))
}

fn other_ports(rule: &Rule, statement: &Statement, one: &Seen<'_>) -> Finding {
    let names = [
        "Local Port",
        "IPSrcPortStartMatchCondition",
        "SourcePortMatchCondition",
    ];
    let place = names
        .iter()
        .find_map(|name| one.policy.place_of(name))
        .unwrap_or(one.place);
    finding(
        codes::AUDIT_OTHER_PORTS,
        Layer::Match,
        format!(
            "`{}` is not marked as planned: `{}` is for {}",
            rule.name,
            one.policy.name,
            one.policy.conditions()
        ),
        place,
    )
    .help(format!("planned is {}", conditions(statement)))
    .command(mend::set_ports(one, statement))
}

fn missing(rule: &Rule, statements: &[Statement], partly: bool) -> Finding {
    let what = statements.first().map_or_else(String::new, conditions);
    let part = if partly { "part of " } else { "" };
    let mut out = Finding::new(
        Severity::Error,
        Layer::Delivery,
        codes::AUDIT_UNMARKED,
        format!(
            "{part}`{}` is not marked: no policy takes {what}",
            rule.name
        ),
    );
    if !partly {
        for statement in statements.iter().take(MOST_COMMANDS) {
            out = out.command(mend::new_policy(rule, statement));
        }
    }
    out.help(
        "`perhop compile PLAN --out DIR` writes the policies, and the runbook says where they go",
    )
}

fn conditions(statement: &Statement) -> String {
    let mut policy = crate::policy::HostPolicy::new("", crate::policy::Form::Registry);
    policy.app = statement.app.clone();
    policy.protocol = statement.protocol;
    policy.src = statement.src;
    policy.dst = statement.dst;
    policy.src_ports = statement.src_ports;
    policy.dst_ports = statement.dst_ports;
    policy.conditions()
}

/// More than this nobody types.
const MOST_COMMANDS: usize = 4;
