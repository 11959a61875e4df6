//! The settings of a policy below `./Device/Vendor/MSFT/NetworkQoSPolicy` (windows-qos 5.1).

use perhop_policy::{
    AppMatch, Dscp, DstPorts, PortMatch, PortRange, Protocol, ProtocolMatch, SrcPorts,
};

use crate::windows_policy::Policy;

/// Where all policies are.
const ROOT: &str = "./Device/Vendor/MSFT/NetworkQoSPolicy";

const APP: &str = "AppPathNameMatchCondition";
const PROTOCOL: &str = "IPProtocolMatchCondition";
const SRC_PORTS: &str = "SourcePortMatchCondition";
const DST_PORTS: &str = "DestinationPortMatchCondition";
const DSCP: &str = "DSCPAction";

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// The policy's name.
    pub(super) policy: String,
    /// The setting's name.
    pub(super) leaf: String,
    /// Its value.
    pub(super) data: Data,
}

/// A value: `chr` or `int` in SyncML, String or Integer in Intune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    Text(String),
    Integer(i64),
}

impl Node {
    /// The whole OMA-URI.
    pub(super) fn uri(&self) -> String {
        format!("{}/{}", policy_uri(&self.policy), self.leaf)
    }

    /// The node of an OMA-URI, with its data.
    pub(super) fn read(uri: &str, data: Data) -> Option<Self> {
        let (policy, leaf) = uri.strip_prefix(ROOT)?.strip_prefix('/')?.split_once('/')?;
        Some(Self {
            policy: policy.to_owned(),
            leaf: leaf.to_owned(),
            data,
        })
    }
}

/// The node that holds a policy's settings. Names have no character that a URI would escape.
pub(super) fn policy_uri(name: &str) -> String {
    format!("{ROOT}/{name}")
}

/// The settings of a policy. Without a protocol both are meant, and that is how both are written.
pub(super) fn of(policy: &Policy) -> Vec<Node> {
    let mut out = Vec::new();
    let mut node = |leaf: &str, data| {
        out.push(Node {
            policy: policy.name.clone(),
            leaf: leaf.to_owned(),
            data,
        });
    };
    if policy.app != AppMatch::Any {
        node(APP, Data::Text(policy.app.as_str().to_owned()));
    }
    match policy.protocol {
        ProtocolMatch::Both => {}
        ProtocolMatch::Only(Protocol::Tcp) => node(PROTOCOL, Data::Integer(1)),
        ProtocolMatch::Only(Protocol::Udp) => node(PROTOCOL, Data::Integer(2)),
    }
    for (leaf, ports) in [
        (SRC_PORTS, policy.src_ports.0),
        (DST_PORTS, policy.dst_ports.0),
    ] {
        if let Some(range) = ports.range() {
            node(leaf, Data::Text(range.to_string()));
        }
    }
    node(DSCP, Data::Integer(i64::from(policy.dscp.value())));
    out
}

/// The policies that settings make, in the order of their first setting.
pub(super) fn read(nodes: &[Node]) -> Result<Vec<Policy>, String> {
    let mut names: Vec<&str> = Vec::new();
    for node in nodes {
        if !names.contains(&node.policy.as_str()) {
            names.push(&node.policy);
        }
    }
    names
        .into_iter()
        .map(|name| read_one(name, nodes))
        .collect()
}

fn read_one(name: &str, nodes: &[Node]) -> Result<Policy, String> {
    let mut policy = Policy {
        name: name.to_owned(),
        app: AppMatch::Any,
        protocol: ProtocolMatch::Both,
        src_ports: SrcPorts::default(),
        src: None,
        dst_ports: DstPorts::default(),
        dst: None,
        dscp: Dscp::DF,
        throttle: None,
    };
    let mut marked = false;
    for node in nodes.iter().filter(|node| node.policy == name) {
        let wrong = || format!("`{}` is not one of ours", node.uri());
        match (node.leaf.as_str(), &node.data) {
            (APP, Data::Text(text)) => policy.app = AppMatch::parse(text),
            (PROTOCOL, Data::Integer(1)) => policy.protocol = ProtocolMatch::Only(Protocol::Tcp),
            (PROTOCOL, Data::Integer(2)) => policy.protocol = ProtocolMatch::Only(Protocol::Udp),
            (SRC_PORTS, Data::Text(text)) => {
                policy.src_ports = SrcPorts(read_ports(text).ok_or_else(wrong)?);
            }
            (DST_PORTS, Data::Text(text)) => {
                policy.dst_ports = DstPorts(read_ports(text).ok_or_else(wrong)?);
            }
            (DSCP, Data::Integer(number)) => {
                let dscp = u8::try_from(*number).ok().and_then(Dscp::try_new);
                policy.dscp = dscp.ok_or_else(wrong)?;
                marked = true;
            }
            _ => return Err(wrong()),
        }
    }
    if marked {
        Ok(policy)
    } else {
        Err(format!("`{name}` has no `{DSCP}`"))
    }
}

/// `N` or `LOW-HIGH`, with a hyphen: not the registry's colon.
fn read_ports(text: &str) -> Option<PortMatch> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let range = match text.split_once('-') {
        None => PortRange::single(number(text)?),
        Some((first, last)) => PortRange::try_new(number(first)?, number(last)?)?,
    };
    Some(PortMatch::Range(range))
}
