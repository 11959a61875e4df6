//! Which policy Windows applies, written from its documentation and not from the plan's resolver (windows-qos 1.10).

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{Dscp, FlowKey, PortMatch, Protocol, ProtocolMatch};

use crate::windows_policy::Policy;

/// The mark that these policies give a packet; `None` when none of them takes it.
#[must_use]
pub fn mark(policies: &[Policy], key: &FlowKey<'_>) -> Option<Dscp> {
    let mut best: Option<(&Policy, Specificity)> = None;
    for policy in policies.iter().filter(|policy| takes(policy, key)) {
        let own = specificity(policy);
        if best.as_ref().is_none_or(|(_, other)| own > *other) {
            best = Some((policy, own));
        }
    }
    best.map(|(policy, _)| policy.dscp)
}

/// What decides between two policies that take one packet, the first difference first: how the application is given,
/// how many network conditions there are, which ones, and the lengths of the prefixes.
pub type Specificity = (u8, usize, [bool; 5], u8, u8);

/// A policy's place among those that take a packet; the higher wins.
#[must_use]
pub fn specificity(policy: &Policy) -> Specificity {
    let application = match policy.app.as_str() {
        "*" => 0,
        path if path.contains(['\\', '/']) => 2,
        _ => 1,
    };
    let given = [
        policy.src.is_some(),
        policy.dst.is_some(),
        policy.src_ports.0.range().is_some(),
        policy.dst_ports.0.range().is_some(),
        policy.protocol != ProtocolMatch::Both,
    ];
    let count = given.into_iter().filter(|one| *one).count();
    let length = |net: Option<IpNet>| net.map_or(0, |net| net.prefix_len());
    (
        application,
        count,
        given,
        length(policy.src),
        length(policy.dst),
    )
}

/// Whether two policies take a packet in common.
#[must_use]
pub fn meet(a: &Policy, b: &Policy) -> bool {
    let apps = match (a.app.as_str(), b.app.as_str()) {
        ("*", _) | (_, "*") => true,
        (a, b) if is_path(a) && is_path(b) => same(a, b),
        (a, b) => same(file_name(a), file_name(b)),
    };
    let protocols = match (a.protocol, b.protocol) {
        (ProtocolMatch::Only(a), ProtocolMatch::Only(b)) => a == b,
        _ => true,
    };
    let ports = |a: PortMatch, b: PortMatch| a.span().intersection(b.span()).is_some();
    let nets = |a: Option<IpNet>, b: Option<IpNet>| match (a, b) {
        (Some(a), Some(b)) => a.contains(&b) || b.contains(&a),
        _ => true,
    };
    let families: Vec<bool> = [a.src, a.dst, b.src, b.dst]
        .into_iter()
        .flatten()
        .map(|net| net.network().is_ipv4())
        .collect();
    apps && protocols
        && ports(a.src_ports.0, b.src_ports.0)
        && ports(a.dst_ports.0, b.dst_ports.0)
        && nets(a.src, b.src)
        && nets(a.dst, b.dst)
        && families.windows(2).all(|pair| pair[0] == pair[1])
}

/// Whether a policy's conditions hold for a packet.
fn takes(policy: &Policy, key: &FlowKey<'_>) -> bool {
    let protocol = match (policy.protocol, key.protocol) {
        (ProtocolMatch::Both, Protocol::Tcp | Protocol::Udp) => true,
        (ProtocolMatch::Only(wanted), protocol) => wanted == protocol,
    };
    let port = |wanted: PortMatch, port: u16| match wanted {
        PortMatch::Any => true,
        PortMatch::Range(range) => range.first() <= port && port <= range.last(),
    };
    let address = |wanted: Option<IpNet>, address: IpAddr| {
        wanted.is_none_or(|net| shares_prefix(net, address))
    };
    protocol
        && port(policy.src_ports.0, key.src_port)
        && port(policy.dst_ports.0, key.dst_port)
        && address(policy.src, key.src)
        && address(policy.dst, key.dst)
        && sends(policy.app.as_str(), key.app)
}

fn sends(wanted: &str, app: Option<&str>) -> bool {
    match app {
        _ if wanted == "*" => true,
        None => false,
        Some(app) if is_path(wanted) => same(wanted, app),
        Some(app) => same(wanted, file_name(app)),
    }
}

fn shares_prefix(net: IpNet, address: IpAddr) -> bool {
    let differing = match (net.addr(), address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros(),
        _ => return false,
    };
    differing >= u32::from(net.prefix_len())
}

fn is_path(app: &str) -> bool {
    app.contains(['\\', '/'])
}

fn file_name(path: &str) -> &str {
    path.rfind(['\\', '/']).map_or(path, |at| &path[at + 1..])
}

/// Windows compares paths by upper case.
fn same(a: &str, b: &str) -> bool {
    a.chars()
        .flat_map(char::to_uppercase)
        .eq(b.chars().flat_map(char::to_uppercase))
}

#[cfg(test)]
mod tests {
    use perhop_policy::{AppMatch, DstPorts, PortRange, ScopeId, SrcPorts};

    use super::*;

    fn policy(app: &str, dst: Option<&str>, dscp: u8) -> Policy {
        Policy {
            name: format!("{app} {dscp}"),
            app: AppMatch::parse(app),
            protocol: ProtocolMatch::Both,
            src_ports: SrcPorts::default(),
            src: None,
            dst_ports: DstPorts::default(),
            dst: dst.map(|net| net.parse().unwrap()),
            dscp: Dscp::try_new(dscp).unwrap(),
            throttle: None,
        }
    }

    fn key(app: Option<&'static str>, dst: &str) -> FlowKey<'static> {
        FlowKey {
            scope: ScopeId(0),
            app,
            protocol: Protocol::Udp,
            src: "10.0.0.1".parse().unwrap(),
            src_port: 20000,
            dst: dst.parse().unwrap(),
            dst_port: 5000,
        }
    }

    /// The example of Microsoft's guide: an application beats a destination.
    #[test]
    fn an_application_beats_any_network_condition() {
        let policies = [
            policy("app.exe", None, 1),
            policy("*", Some("10.1.1.0/24"), 2),
            policy("*", Some("10.1.1.7/32"), 3),
            policy(r"C:\x\app.exe", None, 4),
        ];
        let marked = |app, dst| mark(&policies, &key(app, dst)).map(Dscp::value);
        assert_eq!(marked(Some("APP.exe"), "10.1.1.1"), Some(1));
        assert_eq!(marked(Some(r"c:\X\App.exe"), "10.1.1.1"), Some(4));
        assert_eq!(marked(Some("other.exe"), "10.1.1.1"), Some(2));
        assert_eq!(marked(None, "10.1.1.7"), Some(3));
        assert_eq!(marked(None, "10.1.2.1"), None);
        assert_eq!(marked(None, "2001:db8::1"), None);
    }

    #[test]
    fn more_conditions_win_then_the_first_kind() {
        let mut by_port = policy("*", None, 1);
        by_port.src_ports = SrcPorts(PortMatch::Range(PortRange::single(20000)));
        let by_address = policy("*", Some("10.0.0.0/8"), 2);
        let mut both = by_port.clone();
        both.dst_ports = DstPorts(PortMatch::Range(PortRange::single(5000)));
        both.dscp = Dscp::try_new(3).unwrap();
        let key = key(None, "10.1.1.1");
        let marked = |policies: &[Policy]| mark(policies, &key).map(Dscp::value);
        assert_eq!(marked(&[by_port.clone(), by_address.clone()]), Some(2));
        assert_eq!(
            marked(&[by_address.clone(), both, by_port.clone()]),
            Some(3)
        );
        assert!(meet(&by_port, &by_address));
        let mut v6 = policy("*", None, 1);
        v6.src = Some("2001:db8::/32".parse().unwrap());
        assert!(!meet(&v6, &by_address));
        assert!(!meet(&policy("a.exe", None, 1), &policy("b.exe", None, 1)));
        assert!(meet(
            &policy("a.exe", None, 1),
            &policy(r"C:\A.exe", None, 1)
        ));
    }
}
