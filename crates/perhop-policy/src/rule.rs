//! Rules: traffic as it is sent, and the mark it gets.

use ipnet::IpNet;
use perhop_wire::field::Dscp;

use crate::class::ClassId;
use crate::diag::Span;
use crate::ports::{DstPorts, SrcPorts};
use crate::rate::Rate;
use crate::scope::ScopeId;
use crate::selector::{AppMatch, ProtocolMatch};

/// Index of a rule in its [`crate::PolicySet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// Who puts the mark on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Marker {
    /// The sending host's operating system, by policy.
    HostPolicy,
    /// The sending application or device by itself.
    Sender,
    /// Nothing before the network's access edge.
    Network,
}

/// One row of the plan: a component's traffic of one class.
///
/// The source port is the sender's. Empty address lists mean any address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Unique, stable, readable: `clients/lync-2013/audio`.
    pub name: String,
    /// Who sends.
    pub scope: ScopeId,
    /// The component's name, such as `A/V Conferencing service`.
    pub component: String,
    /// Whom the component talks to in this rule, such as `servers`; empty when it is anyone.
    pub peer: String,
    /// What it sends.
    pub class: ClassId,
    /// The sending process.
    pub app: AppMatch,
    /// TCP, UDP or both.
    pub protocol: ProtocolMatch,
    /// Sender's addresses; empty for any.
    pub src: Vec<IpNet>,
    /// Receiver's addresses; empty for any.
    pub dst: Vec<IpNet>,
    /// Sender's ports.
    pub src_ports: SrcPorts,
    /// Receiver's ports.
    pub dst_ports: DstPorts,
    /// The mark.
    pub dscp: Dscp,
    /// Who puts it on.
    pub marker: Marker,
    /// The most that a host may send of it, where the host throttles.
    pub throttle: Option<Rate>,
    /// Where the plan says it.
    pub origin: Span,
}

/// A rule with at most one prefix on each side: the unit that precedence compares and Windows stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The rule it comes from.
    pub rule: RuleId,
    /// Who sends.
    pub scope: ScopeId,
    /// The sending process.
    pub app: AppMatch,
    /// TCP, UDP or both.
    pub protocol: ProtocolMatch,
    /// Sender's prefix; `None` for any.
    pub src: Option<IpNet>,
    /// Receiver's prefix; `None` for any.
    pub dst: Option<IpNet>,
    /// Sender's ports.
    pub src_ports: SrcPorts,
    /// Receiver's ports.
    pub dst_ports: DstPorts,
    /// The mark.
    pub dscp: Dscp,
    /// The most that a host may send of it.
    pub throttle: Option<Rate>,
}

impl Rule {
    /// The statements of the rule: every pairing of a source and a destination prefix of one address family.
    #[must_use]
    pub fn statements(&self, id: RuleId) -> Vec<Statement> {
        let sides = |nets: &[IpNet]| -> Vec<Option<IpNet>> {
            if nets.is_empty() {
                vec![None]
            } else {
                nets.iter().copied().map(Some).collect()
            }
        };
        let mut out = Vec::new();
        for src in sides(&self.src) {
            for dst in sides(&self.dst) {
                if let (Some(IpNet::V4(_)), Some(IpNet::V6(_)))
                | (Some(IpNet::V6(_)), Some(IpNet::V4(_))) = (src, dst)
                {
                    continue;
                }
                out.push(Statement {
                    rule: id,
                    scope: self.scope,
                    app: self.app.clone(),
                    protocol: self.protocol,
                    src,
                    dst,
                    src_ports: self.src_ports,
                    dst_ports: self.dst_ports,
                    dscp: self.dscp,
                    throttle: self.throttle,
                });
            }
        }
        out
    }
}
