//! The comprehensive table: what is marked how, a row for each component and communication type.

pub(crate) mod csv;
pub(crate) mod markup;
pub(crate) mod terminal;
pub(crate) mod xlsx;

use ipnet::IpNet;
use perhop_policy::{AppMatch, Dscp, Host, PolicySet, PortMatch, ProtocolMatch, Rule};
use serde::Serialize;

/// One row, as people read it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// Rule name.
    pub(crate) rule: String,
    /// Who sends, such as `clients@Redmond`.
    pub(crate) scope: String,
    /// The site, when the rule is that site's own.
    pub(crate) site: Option<String>,
    /// Component, with whom it talks to when that matters.
    pub(crate) component: String,
    /// Service class by its plan name.
    pub(crate) communication_type: String,
    /// Executable, `any`, or `n/a` for what is no program.
    pub(crate) executable: String,
    /// 0 to 63.
    pub(crate) dscp: u8,
    /// Name of the code point.
    pub(crate) phb: Option<&'static str>,
    /// `both`, `udp` or `tcp`.
    pub(crate) protocol: &'static str,
    /// Addresses, or `any`.
    pub(crate) source_ip: String,
    /// Addresses, or `any`.
    pub(crate) destination_ip: String,
    /// Ports, or `any`.
    pub(crate) source_ports: String,
    /// Ports, or `any`.
    pub(crate) destination_ports: String,
    /// The most that a host sends of it: `5 Mbit/s`.
    pub(crate) throttle: Option<String>,
}

/// The table of one plan.
#[derive(Debug)]
pub(crate) struct Table {
    /// The plan's name.
    pub(crate) plan: String,
    /// In the plan's order.
    pub(crate) rows: Vec<Row>,
    /// Whether rows differ by site or service, so that the scope must be shown.
    pub(crate) scoped: bool,
    /// Whether a row has a rate, so that they must be shown.
    pub(crate) throttled: bool,
}

/// The columns that every table has.
const HEADINGS: [&str; 9] = [
    "Component",
    "Communication type",
    "Executable",
    "DSCP",
    "Protocol",
    "Source IP",
    "Destination IP",
    "Source ports",
    "Destination ports",
];

impl Table {
    /// Every rule of a policy, as a row.
    pub(crate) fn of(policy: &PolicySet) -> Self {
        Self {
            plan: policy.name().to_owned(),
            rows: policy
                .rules()
                .iter()
                .map(|rule| row(policy, rule))
                .collect(),
            scoped: policy.scopes().iter().any(|scope| scope.name.contains('@')),
            throttled: policy.rules().iter().any(|rule| rule.throttle.is_some()),
        }
    }

    /// The headings in use.
    pub(crate) fn headings(&self) -> Vec<&'static str> {
        let mut headings = HEADINGS.to_vec();
        headings.extend(self.throttled.then_some("Throttle"));
        headings.extend(self.scoped.then_some("Scope"));
        headings
    }

    /// The cells of a row, one for each of [`Table::headings`].
    pub(crate) fn cells(&self, row: &Row) -> Vec<String> {
        let mut cells = vec![
            row.component.clone(),
            row.communication_type.clone(),
            row.executable.clone(),
            row.dscp.to_string(),
            row.protocol.to_owned(),
            row.source_ip.clone(),
            row.destination_ip.clone(),
            row.source_ports.clone(),
            row.destination_ports.clone(),
        ];
        if self.throttled {
            cells.push(row.rate().to_owned());
        }
        if self.scoped {
            cells.push(row.scope.clone());
        }
        cells
    }

    /// The rows in runs of one component in one scope, for tables that write the component once.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[Row]> {
        self.rows
            .chunk_by(|a, b| a.component == b.component && a.scope == b.scope)
    }
}

impl Row {
    /// `46 (EF)`, or the bare number.
    pub(crate) fn mark(&self) -> String {
        Dscp::try_new(self.dscp).map_or_else(String::new, |dscp| dscp.to_string())
    }

    /// The rate, or `none`.
    pub(crate) fn rate(&self) -> &str {
        self.throttle.as_deref().unwrap_or("none")
    }
}

/// Addresses as lists have them: single ones without their length, `any` for none.
pub(crate) fn addresses(nets: &[IpNet]) -> String {
    if nets.is_empty() {
        return "any".to_owned();
    }
    let texts: Vec<String> = nets
        .iter()
        .map(|net| {
            if net.prefix_len() == net.max_prefix_len() {
                net.addr().to_string()
            } else {
                net.to_string()
            }
        })
        .collect();
    texts.join(", ")
}

fn row(policy: &PolicySet, rule: &Rule) -> Row {
    let scope = policy.scope(rule.scope);
    let executable = match (&rule.app, scope.host) {
        (AppMatch::Any, Host::Appliance) => "n/a".to_owned(),
        (AppMatch::Any, _) => "any".to_owned(),
        (AppMatch::Name(name) | AppMatch::Path(name), _) => name.clone(),
    };
    Row {
        rule: rule.name.clone(),
        scope: scope.name.clone(),
        site: scope.site.clone(),
        component: component(rule),
        communication_type: policy.class(rule.class).name.clone(),
        executable,
        dscp: rule.dscp.value(),
        phb: rule.dscp.name(),
        protocol: match rule.protocol {
            ProtocolMatch::Both => "both",
            ProtocolMatch::Only(protocol) => protocol.as_str(),
        },
        source_ip: addresses(&rule.src),
        destination_ip: addresses(&rule.dst),
        source_ports: ports(rule.src_ports.0),
        destination_ports: ports(rule.dst_ports.0),
        throttle: rule.throttle.map(|rate| rate.to_string()),
    }
}

/// `A/V Edge service to servers`.
fn component(rule: &Rule) -> String {
    let says = rule.component.to_lowercase();
    if rule.peer.is_empty() || says.ends_with(&format!("to {}", rule.peer.to_lowercase())) {
        rule.component.clone()
    } else {
        format!("{} to {}", rule.component, rule.peer)
    }
}

fn ports(ports: PortMatch) -> String {
    match ports {
        PortMatch::Any => "any".to_owned(),
        PortMatch::Range(range) => range.to_string(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
