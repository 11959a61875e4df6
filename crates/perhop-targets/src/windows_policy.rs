//! What all Windows targets share: the policies of Policy-based QoS, version 1.0, one set for each kind of host.
//!
//! A policy is a registry key with eleven text values. Windows applies at most one policy to a packet and chooses it by
//! its own precedence (windows-qos 1.10), which is the plan's; so statements are written as they are, never in an order.

pub mod check_script;
pub mod folder;
pub mod lint;
pub mod matching;
pub mod name;
pub mod option;
pub mod read_back;
pub mod steps;

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{
    AppMatch, Diagnostic, Dscp, DstPorts, Fit, Host, Marker, PolicySet, PortMatch, PortRange,
    Protocol, ProtocolMatch, Rate, Role, Rule, RuleId, Scope, SrcPorts,
};

use crate::codes;

/// The key that holds the policies, below `HKEY_LOCAL_MACHINE`.
pub const POLICY_KEY: &str = r"Software\Policies\Microsoft\Windows\QoS";
/// The key of the switch that lets policies work outside a domain, below `HKEY_LOCAL_MACHINE`.
pub const NLA_KEY: &str = r"SYSTEM\CurrentControlSet\Services\Tcpip\QoS";
/// That switch: REG_SZ with the data `1`; any other type has no effect (Microsoft KB 2733528).
pub const NLA_VALUE: &str = "Do not use NLA";

/// The names of a policy's values, in the order in which the Group Policy editor writes them.
pub const VALUE_NAMES: [&str; 11] = [
    "Version",
    "Application Name",
    "Protocol",
    "Local Port",
    "Local IP",
    "Local IP Prefix Length",
    "Remote Port",
    "Remote IP",
    "Remote IP Prefix Length",
    "DSCP Value",
    "Throttle Rate",
];

/// A policy, version 1.0. Local is the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name: the registry key, unique without case.
    pub name: String,
    /// The sending process.
    pub app: AppMatch,
    /// TCP, UDP or both.
    pub protocol: ProtocolMatch,
    /// Sender's ports.
    pub src_ports: SrcPorts,
    /// Sender's prefix.
    pub src: Option<IpNet>,
    /// Receiver's ports.
    pub dst_ports: DstPorts,
    /// Receiver's prefix.
    pub dst: Option<IpNet>,
    /// The mark.
    pub dscp: Dscp,
    /// The most that the host sends of it, in units of 1024 bytes a second.
    pub throttle: Option<u64>,
}

/// The policies of one kind of host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The scope's name.
    pub scope: String,
    /// The part that the hosts play.
    pub role: Role,
    /// The name of the folder that holds its files.
    pub folder: String,
    /// Its policies, in the order of the rules.
    pub policies: Vec<Policy>,
    /// For each policy, the rule that it was made for; a rule that says the same as an earlier one has none.
    pub owners: Vec<RuleId>,
    /// The rules that are in them, ascending.
    pub rules: Vec<RuleId>,
}

/// A whole policy set as Windows has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    /// The plan's name as it may stand in names of policies and Group Policy objects.
    pub plan: String,
    /// One for each kind of Windows host that has rules.
    pub sections: Vec<Section>,
    /// How well each rule is said.
    pub fits: Vec<(RuleId, Fit)>,
}

impl Policy {
    /// The data of the eleven values, in the order of [`VALUE_NAMES`].
    #[must_use]
    pub fn values(&self) -> [String; 11] {
        let (local, local_length) = address(self.src);
        let (remote, remote_length) = address(self.dst);
        let protocol = match self.protocol {
            ProtocolMatch::Both => "*",
            ProtocolMatch::Only(Protocol::Tcp) => "TCP",
            ProtocolMatch::Only(Protocol::Udp) => "UDP",
        };
        [
            "1.0".to_owned(),
            self.app.as_str().to_owned(),
            protocol.to_owned(),
            ports(self.src_ports.0),
            local,
            local_length,
            ports(self.dst_ports.0),
            remote,
            remote_length,
            self.dscp.value().to_string(),
            self.throttle
                .map_or_else(|| "-1".to_owned(), |units| units.to_string()),
        ]
    }

    /// Reads a policy back from its key's name and values; names compare without case, each must be there once.
    ///
    /// # Errors
    /// What is missing or wrong, as a sentence without a full stop.
    pub fn from_values(name: &str, values: &[(String, String)]) -> Result<Self, String> {
        let get = |wanted: &str| {
            let mut found = values
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(wanted));
            match (found.next(), found.next()) {
                (Some((_, data)), None) => Ok(data.as_str()),
                (None, _) => Err(format!("`{name}` has no value `{wanted}`")),
                (Some(_), Some(_)) => Err(format!("`{name}` has the value `{wanted}` twice")),
            }
        };
        let wrong = |value: &str, data: &str| format!("`{value}` of `{name}` is `{data}`");
        if values.len() != VALUE_NAMES.len() {
            return Err(format!("`{name}` has {} values, not 11", values.len()));
        }
        if get("Version")? != "1.0" {
            return Err(wrong("Version", get("Version")?));
        }
        let throttle = match get("Throttle Rate")? {
            "-1" => None,
            units => Some(read_units(units).ok_or_else(|| wrong("Throttle Rate", units))?),
        };
        let port = |value: &str| {
            let data = get(value)?;
            read_ports(data).ok_or_else(|| wrong(value, data))
        };
        let net = |ip: &str, length: &str| {
            let (ip_data, length_data) = (get(ip)?, get(length)?);
            read_address(ip_data, length_data).ok_or_else(|| wrong(ip, ip_data))
        };
        let protocol = match get("Protocol")? {
            "*" => ProtocolMatch::Both,
            "TCP" => ProtocolMatch::Only(Protocol::Tcp),
            "UDP" => ProtocolMatch::Only(Protocol::Udp),
            other => return Err(wrong("Protocol", other)),
        };
        let dscp = get("DSCP Value")?;
        Ok(Self {
            name: name.to_owned(),
            app: AppMatch::parse(get("Application Name")?),
            protocol,
            src_ports: SrcPorts(port("Local Port")?),
            src: net("Local IP", "Local IP Prefix Length")?,
            dst_ports: DstPorts(port("Remote Port")?),
            dst: net("Remote IP", "Remote IP Prefix Length")?,
            dscp: dscp
                .parse()
                .ok()
                .and_then(Dscp::try_new)
                .ok_or_else(|| wrong("DSCP Value", dscp))?,
            throttle,
        })
    }
}

impl Lowered {
    /// The section of a scope; `None` when the scope has no policies of Windows.
    #[must_use]
    pub fn section(&self, scope: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.scope == scope)
    }
}

/// Makes the policies of every Windows host. Rules of other hosts, and rules that other things mark, are elsewhere.
///
/// # Errors
/// Rules that Windows has no form for.
pub fn lower(policy: &PolicySet) -> Result<Lowered, Vec<Diagnostic>> {
    let plan = name::safe(policy.name());
    let mut names = name::Names::default();
    let mut problems = Vec::new();
    let mut sections: Vec<Section> = Vec::new();
    let mut fits = Vec::new();
    let mut places: Vec<Option<usize>> = vec![None; policy.scopes().len()];
    for (id, rule) in (0u32..).map(RuleId).zip(policy.rules()) {
        let scope = policy.scope(rule.scope);
        if !is_ours(scope, rule) {
            fits.push((id, Fit::Elsewhere));
            continue;
        }
        fits.push((id, Fit::Exact));
        let place = *places[usize::from(rule.scope.0)].get_or_insert_with(|| {
            sections.push(Section {
                scope: scope.name.clone(),
                role: scope.role,
                folder: folder::of_scope(&scope.name),
                policies: Vec::new(),
                owners: Vec::new(),
                rules: Vec::new(),
            });
            sections.len() - 1
        });
        let base = rule_name(&plan, policy, rule);
        problems.extend(add(&mut sections[place], id, rule, || names.unique(&base)));
    }
    // A rule whose addresses are of different families takes no packet and makes no policy.
    sections.retain(|section| !section.policies.is_empty());
    problems.extend(folder_clashes(&sections, policy));
    if problems.is_empty() {
        Ok(Lowered {
            plan,
            sections,
            fits,
        })
    } else {
        Err(problems)
    }
}

/// Whether a rule is put on by policy of a Windows host.
#[must_use]
pub fn is_ours(scope: &Scope, rule: &Rule) -> bool {
    scope.host == Host::Windows && rule.marker == Marker::HostPolicy
}

/// Whether the policy set has any rule for Windows hosts.
#[must_use]
pub fn has_any(policy: &PolicySet) -> bool {
    policy
        .rules()
        .iter()
        .any(|rule| is_ours(policy.scope(rule.scope), rule))
}

impl Policy {
    /// Whether two policies have the same conditions and the same mark.
    #[must_use]
    pub fn is_same_but_for_name(&self, other: &Self) -> bool {
        let unnamed = |policy: &Self| Self {
            name: String::new(),
            ..policy.clone()
        };
        unnamed(self) == unnamed(other)
    }
}

/// Adds a rule's policies to a host's; returns why they cannot be written.
fn add(
    section: &mut Section,
    id: RuleId,
    rule: &Rule,
    mut name: impl FnMut() -> String,
) -> Vec<Diagnostic> {
    section.rules.push(id);
    let mut problems = Vec::new();
    for statement in rule.statements(id) {
        let mut made = Policy {
            name: String::new(),
            app: statement.app,
            protocol: statement.protocol,
            src_ports: statement.src_ports,
            src: statement.src,
            dst_ports: statement.dst_ports,
            dst: statement.dst,
            dscp: statement.dscp,
            throttle: statement.throttle.map(Rate::windows_units),
        };
        // Two policies with the same conditions would only make Windows warn of a conflict (event 108).
        if section
            .policies
            .iter()
            .any(|old| old.is_same_but_for_name(&made))
        {
            continue;
        }
        made.name = name();
        problems.extend(
            lint::one(&made.name, &made.values())
                .into_iter()
                .map(|text| {
                    Diagnostic::error(
                        codes::WINDOWS_POLICY,
                        format!("`{}` cannot be a policy of Windows: {text}", rule.name),
                    )
                    .primary(rule.origin, "this rule")
                    .help("change the rule, or leave targets for Windows out of `targets`")
                }),
        );
        section.policies.push(made);
        section.owners.push(id);
    }
    problems
}

/// Two scopes whose names differ only in case would share one folder on Windows.
fn folder_clashes(sections: &[Section], policy: &PolicySet) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let same = |other: &&Section| other.folder.eq_ignore_ascii_case(&section.folder);
        if let Some(other) = sections[..index].iter().find(same) {
            let origin = |name: &str| {
                let scope = policy.scopes().iter().find(|scope| scope.name == name);
                scope.map(|scope| scope.origin).unwrap_or_default()
            };
            out.push(
                Diagnostic::error(
                    codes::WINDOWS_POLICY,
                    format!(
                        "`{}` and `{}` differ only in case, so their files would be the same",
                        other.scope, section.scope
                    ),
                )
                .primary(origin(&section.scope), "this one")
                .secondary(origin(&other.scope), "and this one")
                .help("give them different names"),
            );
        }
    }
    out
}

/// `Contoso edge A-V Edge service audio to servers`.
fn rule_name(plan: &str, policy: &PolicySet, rule: &Rule) -> String {
    let scope = &policy.scope(rule.scope).name;
    let class = &policy.class(rule.class).name;
    let mut parts = vec![
        plan,
        scope.as_str(),
        rule.component.as_str(),
        class.as_str(),
    ];
    if !rule.peer.is_empty() {
        parts.extend(["to", rule.peer.as_str()]);
    }
    parts.retain(|part| !part.is_empty());
    name::safe(&parts.join(" "))
}

fn ports(ports: PortMatch) -> String {
    match ports.range() {
        None => "*".to_owned(),
        Some(range) if range.first() == range.last() => range.first().to_string(),
        Some(range) => format!("{}:{}", range.first(), range.last()),
    }
}

fn address(net: Option<IpNet>) -> (String, String) {
    net.map_or_else(
        || ("*".to_owned(), "*".to_owned()),
        |net| (net.network().to_string(), net.prefix_len().to_string()),
    )
}

fn read_ports(text: &str) -> Option<PortMatch> {
    if text == "*" {
        return Some(PortMatch::Any);
    }
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let range = match text.split_once(':') {
        None => PortRange::single(number(text)?),
        Some((first, last)) => PortRange::try_new(number(first)?, number(last)?)?,
    };
    Some(PortMatch::Range(range))
}

/// A throttle rate that the plan can say.
fn read_units(text: &str) -> Option<u64> {
    let units = text.parse().ok()?;
    Rate::from_windows_units(units).map(|_| units)
}

fn read_address(ip: &str, length: &str) -> Option<Option<IpNet>> {
    if ip == "*" && length == "*" {
        return Some(None);
    }
    let net = IpNet::new(ip.parse::<IpAddr>().ok()?, length.parse().ok()?).ok()?;
    (net.addr() == net.network()).then_some(Some(net))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy() -> impl Strategy<Value = Policy> {
        let port = prop_oneof![
            Just(PortMatch::Any),
            (1u16.., 1u16..).prop_map(|(a, b)| {
                PortMatch::Range(PortRange::try_new(a.min(b), a.max(b)).unwrap())
            }),
        ];
        let net = proptest::option::of(prop_oneof![
            (any::<u32>(), 0u8..=32).prop_map(|(ip, length)| {
                IpNet::new(IpAddr::V4(ip.into()), length).unwrap().trunc()
            }),
            (any::<u128>(), 0u8..=128).prop_map(|(ip, length)| {
                IpNet::new(IpAddr::V6(ip.into()), length).unwrap().trunc()
            }),
        ]);
        let protocol = prop_oneof![
            Just(ProtocolMatch::Both),
            Just(ProtocolMatch::Only(Protocol::Tcp)),
            Just(ProtocolMatch::Only(Protocol::Udp)),
        ];
        (
            "[^*\\\\/]{1,9}[.]exe",
            protocol,
            port.clone(),
            net.clone(),
            port,
            net,
            0u8..64,
            proptest::option::of(3u64..1_000_000),
        )
            .prop_map(
                |(app, protocol, src_ports, src, dst_ports, dst, dscp, throttle)| Policy {
                    name: "n".into(),
                    app: AppMatch::parse(&app),
                    protocol,
                    src_ports: SrcPorts(src_ports),
                    src,
                    dst_ports: DstPorts(dst_ports),
                    dst,
                    dscp: Dscp::try_new(dscp).unwrap(),
                    throttle,
                },
            )
    }

    proptest! {
        #[test]
        fn values_read_back(policy in policy()) {
            let values: Vec<(String, String)> = VALUE_NAMES
                .iter()
                .map(|name| name.to_uppercase())
                .zip(policy.values())
                .collect();
            prop_assert_eq!(Policy::from_values("n", &values).unwrap(), policy);
        }
    }

    #[test]
    fn a_missing_or_strange_value_is_refused() {
        let good: Vec<(String, String)> = VALUE_NAMES
            .iter()
            .zip(["1.0", "*", "*", "1:2", "*", "*", "*", "*", "*", "46", "-1"])
            .map(|(name, data)| ((*name).to_owned(), data.to_owned()))
            .collect();
        assert!(Policy::from_values("n", &good).is_ok());
        assert!(Policy::from_values("n", &good[1..]).is_err());
        for (index, bad) in [
            (0, "2.0"),
            (2, "tcp"),
            (3, "2:1"),
            (3, "0"),
            (3, "1-2"),
            (4, "10.0.0.1"),
            (5, "8"),
            (9, "64"),
            (9, "-1"),
            (10, "1"),
            (10, "fast"),
        ] {
            let mut values = good.clone();
            values[index].1 = bad.to_owned();
            assert!(Policy::from_values("n", &values).is_err(), "{bad}");
        }
    }
}
