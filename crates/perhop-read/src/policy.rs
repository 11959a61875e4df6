//! Policies of Windows as files have them, whatever their form.

pub(crate) mod lint;
pub(crate) mod values;

use ipnet::IpNet;
use perhop_policy::{
    AppMatch, Dscp, DstPorts, PortMatch, ProtocolMatch, RuleId, ScopeId, SrcPorts, Statement,
};

use crate::place::Place;
use crate::throttle::Throttle;

/// Where a policy is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Eleven values of a registry key, version 1.0.
    Registry,
    /// NetQos, as its cmdlets show it.
    NetQos,
    /// Settings of mobile device management.
    Csp,
    /// A row of perhop's own table.
    Table,
}

impl Form {
    /// The name that programs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::NetQos => "netqos",
            Self::Csp => "csp",
            Self::Table => "table",
        }
    }
}

/// A policy that marks, or is meant to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPolicy {
    /// Its name.
    pub name: String,
    /// Where it is kept.
    pub form: Form,
    /// Whether it is a user's, not the computer's.
    pub user: bool,
    /// Whether Windows takes it as it stands; findings say why not.
    pub sound: bool,
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
    /// The mark; `None` when it does not mark.
    pub dscp: Option<Dscp>,
    /// The rate it throttles to.
    pub throttle: Option<Throttle>,
    /// NetQos precedence, 0 to 255; 127 where there is none. Higher wins.
    pub precedence: u8,
    /// Network profile where it works; `None` for every one, or for policies without the notion.
    pub profile: Option<String>,
    /// The values as they stand.
    pub values: Vec<Raw>,
}

/// One value as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Its name.
    pub name: String,
    /// Its data as text.
    pub data: String,
    /// The registry type or its like: `REG_SZ`, `number`.
    pub kind: &'static str,
    /// Where.
    pub place: Place,
}

impl HostPolicy {
    /// A policy without conditions and without a mark.
    #[must_use]
    pub fn new(name: &str, form: Form) -> Self {
        Self {
            name: name.to_owned(),
            form,
            user: false,
            sound: true,
            app: AppMatch::Any,
            protocol: ProtocolMatch::Both,
            src_ports: SrcPorts::default(),
            src: None,
            dst_ports: DstPorts::default(),
            dst: None,
            dscp: None,
            throttle: None,
            precedence: DEFAULT_PRECEDENCE,
            profile: None,
            values: Vec::new(),
        }
    }

    /// The conditions as the policy algebra compares them; a policy that does not mark has mark 0 here, and none a rate.
    #[must_use]
    pub fn statement(&self, id: u32) -> Statement {
        Statement {
            rule: RuleId(id),
            scope: ScopeId(0),
            app: self.app.clone(),
            protocol: self.protocol,
            src: self.src,
            dst: self.dst,
            src_ports: self.src_ports,
            dst_ports: self.dst_ports,
            dscp: self.dscp.unwrap_or(Dscp::DF),
            throttle: None,
        }
    }

    /// `marks 46 (EF)`, `marks 46 (EF) and keeps it to 5 Mbit/s`, `does not mark`: what it does in words.
    #[must_use]
    pub fn action(&self) -> String {
        let rate = self
            .throttle
            .map(|throttle| format!("keeps it to {throttle}"));
        match (self.dscp, rate) {
            (Some(dscp), None) => format!("marks {dscp}"),
            (Some(dscp), Some(rate)) => format!("marks {dscp} and {rate}"),
            (None, None) => "does not mark".to_owned(),
            (None, Some(rate)) => format!("does not mark and {rate}"),
        }
    }

    /// Whether another one does the same to packets.
    #[must_use]
    pub fn acts_like(&self, other: &Self) -> bool {
        let rates = match (self.throttle, other.throttle) {
            (None, None) => true,
            (Some(one), Some(two)) => one.may_be(two),
            _ => false,
        };
        rates && self.dscp == other.dscp
    }

    /// Where a value stands; names compare without case.
    #[must_use]
    pub fn place_of(&self, name: &str) -> Option<&Place> {
        self.values
            .iter()
            .find(|raw| raw.name.eq_ignore_ascii_case(name))
            .map(|raw| &raw.place)
    }

    /// `lync.exe, both, source ports 20000-20039`: the conditions in words.
    #[must_use]
    pub fn conditions(&self) -> String {
        let mut parts = vec![match &self.app {
            AppMatch::Any => "any application".to_owned(),
            AppMatch::Name(name) | AppMatch::Path(name) => name.clone(),
        }];
        parts.push(match self.protocol {
            ProtocolMatch::Both => "TCP and UDP".to_owned(),
            ProtocolMatch::Only(one) => one.as_str().to_uppercase(),
        });
        let mut side = |word: &str, net: Option<IpNet>, ports: PortMatch| {
            if let Some(net) = net {
                parts.push(format!("{word} address {net}"));
            }
            if let Some(range) = ports.range() {
                parts.push(format!("{word} ports {range}"));
            }
        };
        side("source", self.src, self.src_ports.0);
        side("destination", self.dst, self.dst_ports.0);
        parts.join(", ")
    }
}

/// What policies have that give none (windows-qos 1.10).
pub(crate) const DEFAULT_PRECEDENCE: u8 = 127;
