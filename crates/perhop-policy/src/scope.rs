//! Scopes: who sends. A scope is a kind of host that holds one set of rules.

use ipnet::IpNet;

use crate::diag::Span;

/// Index of a scope in its [`crate::PolicySet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub u16);

/// The part that a host plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// People's computers.
    Client,
    /// Desk phones.
    Phone,
    /// Servers inside the network.
    Server,
    /// A media relay between the network and the outside (A/V Edge), seen from its internal side.
    Edge,
    /// A voice-mail server (Exchange Unified Messaging).
    VoiceMail,
}

impl Role {
    /// The plural word that artifacts and reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "clients",
            Self::Phone => "phones",
            Self::Server => "servers",
            Self::Edge => "edge",
            Self::VoiceMail => "voice-mail",
        }
    }
}

/// What can be configured on the hosts of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// Windows Vista, Server 2008 and later: Policy-based QoS.
    Windows,
    /// Linux.
    Linux,
    /// macOS: applications mark, or the network does.
    MacOs,
    /// A device that marks by itself or not at all.
    Appliance,
}

/// A kind of host that sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Unique name: the role, and the site when the site has rules of its own, such as `clients@Redmond`.
    pub name: String,
    /// The part it plays.
    pub role: Role,
    /// What can be configured there.
    pub host: Host,
    /// The site it belongs to, when its rules are that site's own.
    pub site: Option<String>,
    /// Where such hosts are; empty when the plan does not say.
    pub addresses: Vec<IpNet>,
    /// Where the plan gives it.
    pub origin: Span,
}

/// A place with subnets, as reports group by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its name in the plan.
    pub name: String,
    /// Its subnets; empty when the plan does not say.
    pub subnets: Vec<IpNet>,
    /// Where the plan gives it.
    pub origin: Span,
}
