//! Commands that mend: typed in PowerShell where the policy is kept. Every value is quoted by the writer of that syntax.

use perhop_policy::{AppMatch, Dscp, PortMatch, Protocol, ProtocolMatch, Rate, Rule, Statement};
use perhop_targets::windows_policy::POLICY_KEY;

use super::Seen;
use crate::policy::{DEFAULT_PRECEDENCE, Form};
use crate::shell::service::quoted;

/// Gives a policy another mark.
pub(super) fn set_dscp(one: &Seen<'_>, dscp: Dscp) -> String {
    let value = dscp.value().to_string();
    match one.policy.form {
        Form::NetQos => netqos(one, &[("DSCPAction", value)]),
        _ => values(one, &[("DSCP Value", value)]),
    }
}

/// Gives a policy its rule's rate, or none.
pub(super) fn set_throttle(one: &Seen<'_>, rule: &Rule) -> String {
    match (one.policy.form, rule.throttle) {
        (Form::NetQos, Some(rate)) => netqos(one, &[(RATE, rate_value(rate))]),
        // A rate can be changed and not removed.
        (Form::NetQos, None) => {
            let own = Statement {
                dscp: rule.dscp,
                ..one.policy.statement(0)
            };
            again(one, &own)
        }
        (_, rate) => {
            let value =
                rate.map_or_else(|| "-1".to_owned(), |rate| rate.windows_units().to_string());
            values(one, &[("Throttle Rate", value)])
        }
    }
}

/// Gives a policy another application.
pub(super) fn set_app(one: &Seen<'_>, app: &AppMatch) -> String {
    match one.policy.form {
        Form::NetQos => netqos(one, &[("AppPathNameMatchCondition", quoted(app.as_str()))]),
        _ => values(one, &[("Application Name", app.as_str().to_owned())]),
    }
}

/// Gives a policy a statement's ports on both sides.
pub(super) fn set_ports(one: &Seen<'_>, statement: &Statement) -> String {
    if one.policy.form == Form::NetQos {
        // A condition can be changed and not removed.
        return again(one, statement);
    }
    let text = |ports: PortMatch| match ports.range() {
        None => "*".to_owned(),
        Some(range) if range.count() == 1 => range.first().to_string(),
        Some(range) => format!("{}:{}", range.first(), range.last()),
    };
    values(
        one,
        &[
            ("Local Port", text(statement.src_ports.0)),
            ("Remote Port", text(statement.dst_ports.0)),
        ],
    )
}

/// Makes the policy of a statement.
pub(super) fn new_policy(rule: &Rule, statement: &Statement) -> String {
    let name: String = rule
        .name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') {
                c
            } else {
                ' '
            }
        })
        .collect();
    create(name.trim(), statement)
}

/// Makes a policy of NetQos anew, of a statement.
fn again(one: &Seen<'_>, statement: &Statement) -> String {
    let mut out = format!(
        "Remove-NetQosPolicy -Name {} -Confirm:$false; {}",
        quoted(&one.policy.name),
        create(&one.policy.name, statement)
    );
    if one.policy.precedence != DEFAULT_PRECEDENCE {
        out.push_str(&format!(" -Precedence {}", one.policy.precedence));
    }
    out
}

fn create(name: &str, statement: &Statement) -> String {
    let mut out = format!("New-NetQosPolicy -Name {}", quoted(name));
    let mut add = |parameter: &str, value: String| out.push_str(&format!(" -{parameter} {value}"));
    if statement.app != AppMatch::Any {
        add("AppPathNameMatchCondition", quoted(statement.app.as_str()));
    }
    let protocol = match statement.protocol {
        ProtocolMatch::Both => "Both",
        ProtocolMatch::Only(Protocol::Tcp) => "TCP",
        ProtocolMatch::Only(Protocol::Udp) => "UDP",
    };
    add("IPProtocolMatchCondition", protocol.to_owned());
    for (side, net, ports) in [
        ("Src", statement.src, statement.src_ports.0),
        ("Dst", statement.dst, statement.dst_ports.0),
    ] {
        if let Some(net) = net {
            add(
                &format!("IP{side}PrefixMatchCondition"),
                quoted(&net.to_string()),
            );
        }
        match ports.range() {
            None => {}
            Some(range) if range.count() == 1 => {
                add(
                    &format!("IP{side}PortMatchCondition"),
                    range.first().to_string(),
                );
            }
            Some(range) => {
                add(
                    &format!("IP{side}PortStartMatchCondition"),
                    range.first().to_string(),
                );
                add(
                    &format!("IP{side}PortEndMatchCondition"),
                    range.last().to_string(),
                );
            }
        }
    }
    add("DSCPAction", statement.dscp.value().to_string());
    if let Some(rate) = statement.throttle {
        add(RATE, rate_value(rate));
    }
    add("NetworkProfile", "All".to_owned());
    out
}

/// The cmdlets' parameter for a rate.
const RATE: &str = "ThrottleRateActionBitsPerSecond";

/// Bits a second as Windows keeps them.
fn rate_value(rate: Rate) -> String {
    let kept = Rate::from_windows_units(rate.windows_units()).unwrap_or(rate);
    kept.bits().to_string()
}

fn netqos(one: &Seen<'_>, parameters: &[(&str, String)]) -> String {
    let mut out = format!("Set-NetQosPolicy -Name {}", quoted(&one.policy.name));
    for (name, value) in parameters {
        out.push_str(&format!(" -{name} {value}"));
    }
    out
}

/// Sets registry values: in the Group Policy object when the policy came from one, else on the host.
fn values(one: &Seen<'_>, values: &[(&str, String)]) -> String {
    let hive = if one.policy.user { "HKCU" } else { "HKLM" };
    let commands: Vec<String> = match one.object {
        Some(object) => {
            let key = quoted(&format!(r"{hive}\{POLICY_KEY}\{}", one.policy.name));
            let set = |(name, value): &(&str, String)| {
                format!(
                    "Set-GPRegistryValue -Name {} -Key {key} -ValueName {} -Type String -Value {}",
                    quoted(object),
                    quoted(name),
                    quoted(value)
                )
            };
            values.iter().map(set).collect()
        }
        None => {
            let key = quoted(&format!(r"{hive}:\{POLICY_KEY}\{}", one.policy.name));
            let set = |(name, value): &(&str, String)| {
                format!(
                    "Set-ItemProperty -LiteralPath {key} -Name {} -Type String -Value {}",
                    quoted(name),
                    quoted(value)
                )
            };
            values.iter().map(set).collect()
        }
    };
    commands.join("; ")
}
