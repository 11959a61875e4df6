//! What the rules make of a socket, some of whose packets' fields may not be known yet.

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::overlap::{AddressFamily, Space, subtract};
use perhop_policy::rule::Statement;
use perhop_policy::{
    AppMatch, Dscp, DstPorts, PolicySet, PortMatch, PortRange, Protocol, ProtocolMatch, RuleId,
    ScopeId, SrcPorts,
};

/// What is known of the packets that a socket will send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// The process, by its executable's path; `None` when it is not known.
    pub app: Option<&'a str>,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Family; `None` when both may be.
    pub family: Option<AddressFamily>,
    /// Sender's address.
    pub src: Option<IpAddr>,
    /// Receiver's address.
    pub dst: Option<IpAddr>,
    /// Sender's port.
    pub src_port: Option<u16>,
    /// Receiver's port.
    pub dst_port: Option<u16>,
}

/// What may become of the packets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// Rules that may apply, in the rules' order.
    pub rules: Vec<RuleId>,
    /// Whether a packet may also be under none of them.
    pub or_none: bool,
}

/// Which rules may apply.
#[must_use]
pub fn outlook(policy: &PolicySet, scope: ScopeId, known: &Known<'_>) -> Outlook {
    let mut left: Vec<Space> = Space::of(&statement(scope, known))
        .into_iter()
        .filter(|space| known.family.is_none_or(|family| family == space.family))
        .collect();
    let all = left.clone();
    let mut rules = Vec::new();
    for region in policy.regions(scope) {
        if all
            .iter()
            .any(|space| space.intersection(&region.space).is_some())
        {
            rules.push(region.rule);
            left = subtract(left, std::slice::from_ref(&region.space));
        }
    }
    rules.sort_unstable();
    rules.dedup();
    Outlook {
        rules,
        or_none: !left.is_empty(),
    }
}

/// The packets as a statement; of it only the packets matter.
fn statement(scope: ScopeId, known: &Known<'_>) -> Statement {
    let port = |port: Option<u16>| {
        port.map_or(PortMatch::Any, |port| {
            PortMatch::Range(PortRange::single(port))
        })
    };
    Statement {
        rule: RuleId(0),
        scope,
        // A process that is not known is none that a rule can name: no path has a zero in it.
        app: AppMatch::Path(known.app.unwrap_or("\0").to_owned()),
        protocol: ProtocolMatch::Only(known.protocol),
        src: known.src.map(IpNet::from),
        dst: known.dst.map(IpNet::from),
        src_ports: SrcPorts(port(known.src_port)),
        dst_ports: DstPorts(port(known.dst_port)),
        dscp: Dscp::DF,
        throttle: None,
    }
}
