//! The one oracle: what a packet's mark should be.

use std::net::IpAddr;

use perhop_wire::field::Dscp;

use crate::rule::{Marker, RuleId};
use crate::scope::ScopeId;
use crate::selector::Protocol;
use crate::set::{PolicySet, Region};

/// A packet as its sender sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowKey<'a> {
    /// Who sends.
    pub scope: ScopeId,
    /// The sending process by file name or full path; `None` when it is unknown or not a process.
    pub app: Option<&'a str>,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Sender's address.
    pub src: IpAddr,
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's address.
    pub dst: IpAddr,
    /// Receiver's port.
    pub dst_port: u16,
}

/// Where one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Vantage {
    /// On the wire at the sender, before any network device.
    Sender,
    /// Inside the network, past its access edge.
    #[default]
    Path,
    /// At the receiver.
    Receiver,
}

impl Vantage {
    /// The word that commands and reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Path => "path",
            Self::Receiver => "receiver",
        }
    }
}

/// The oracle's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// No rule is about this packet.
    Unplanned,
    /// A rule is: the mark that should be seen.
    Marked {
        /// The rule.
        rule: RuleId,
        /// The mark.
        dscp: Dscp,
    },
}

/// A rule that a captured packet may be under, its process and often its scope being unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The rule.
    pub rule: RuleId,
    /// The mark that should be seen.
    pub dscp: Dscp,
    /// Whether the plan says that the sender's address belongs to the rule's scope.
    pub located: bool,
}

impl PolicySet {
    /// What the mark of a packet should be, seen from its scope at a vantage.
    #[must_use]
    pub fn classify(&self, key: &FlowKey<'_>, vantage: Vantage) -> Answer {
        self.regions(key.scope)
            .iter()
            .find(|region| region.space.contains(key))
            .map_or(Answer::Unplanned, |region| Answer::Marked {
                rule: region.rule,
                dscp: self.seen(region, vantage),
            })
    }

    /// Every rule that a captured packet may be under, for any process and any scope that its address allows.
    ///
    /// The scope and process of `key` are not looked at. Scopes that the plan places at the sender's address hide the
    /// scopes of the same role that it places nowhere. Ordered by rule, without repeats.
    #[must_use]
    pub fn candidates(&self, key: &FlowKey<'_>, vantage: Vantage) -> Vec<Candidate> {
        let mut out: Vec<Candidate> = Vec::new();
        let placed = self.roles_at(key.src);
        for scope in self.scope_ids() {
            let Some(located) = self.may_be_at(scope, key.src, placed) else {
                continue;
            };
            for region in self.regions(scope) {
                if region.space.contains_unseen(key) {
                    out.push(Candidate {
                        rule: region.rule,
                        dscp: self.seen(region, vantage),
                        located,
                    });
                }
            }
        }
        out.sort_by_key(|candidate| candidate.rule);
        out.dedup_by_key(|candidate| candidate.rule);
        out
    }

    /// The scopes that a sender with this address may belong to, each with whether the plan places it there.
    #[must_use]
    pub fn scopes_at(&self, address: IpAddr) -> Vec<(ScopeId, bool)> {
        let placed = self.roles_at(address);
        self.scope_ids()
            .filter_map(|id| Some((id, self.may_be_at(id, address, placed)?)))
            .collect()
    }

    /// The roles that the plan places at an address, a bit each.
    fn roles_at(&self, address: IpAddr) -> u8 {
        self.scopes()
            .iter()
            .filter(|scope| scope.addresses.iter().any(|net| net.contains(&address)))
            .fold(0, |roles, scope| roles | 1 << scope.role as u8)
    }

    /// Whether the plan places a scope at an address; `None` when a sender there cannot belong to it.
    fn may_be_at(&self, id: ScopeId, address: IpAddr, placed: u8) -> Option<bool> {
        let scope = self.scope(id);
        if scope.addresses.is_empty() {
            (placed & 1 << scope.role as u8 == 0).then_some(false)
        } else {
            let here = scope.addresses.iter().any(|net| net.contains(&address));
            here.then_some(true)
        }
    }

    /// What the network's access edge marks is still unmarked at the sender.
    fn seen(&self, region: &Region, vantage: Vantage) -> Dscp {
        match (self.rule(region.rule).marker, vantage) {
            (Marker::Network, Vantage::Sender) => Dscp::DF,
            _ => region.dscp,
        }
    }
}
