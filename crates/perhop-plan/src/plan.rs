//! A plan with its names resolved and its defaults filled in: what the checks look at and the policy is made from.

use ipnet::IpNet;
use perhop_policy::{
    Dscp, Family, Host, Marker, Pcp, PortRange, Protocol, ProtocolMatch, Rate, Role, Span,
    TargetRequest,
};

use crate::ast::At;
use crate::catalogue::{Medium, Platform};

/// The whole plan. Made-up names are in alphabetical order, whatever the text's order was.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub name: At<String>,
    /// What it is for, in the catalogue's order.
    pub platforms: Vec<At<&'static Platform>>,
    /// Service classes: media first, in their order, then others by name.
    pub classes: Vec<PlanClass>,
    /// People's computers.
    pub clients: Option<Clients>,
    /// Ranges that Teams clients are told; empty without Teams.
    pub teams: Vec<Range>,
    /// Servers.
    pub servers: Option<Servers>,
    /// The media relay.
    pub edge: Option<Edge>,
    /// Voice mail.
    pub exchange_um: Option<ExchangeUm>,
    /// Desk phones.
    pub phones: Option<Phones>,
    /// Whether other devices mark.
    pub devices: Option<At<bool>>,
    /// The network.
    pub network: Network,
    /// Sites by name.
    pub sites: Vec<SitePlan>,
    /// Services by name.
    pub services: Vec<ServicePlan>,
    /// Own applications by name.
    pub apps: Vec<App>,
    /// What is asked of targets.
    pub targets: Vec<TargetRequest>,
    /// Where the plan lists its targets, when it does.
    pub target_list: Option<Span>,
    /// Targets that have options but are not in that list.
    pub unlisted_targets: Vec<(String, Span)>,
    /// Targets that the list names again.
    pub repeated_targets: Vec<At<String>>,
    /// Flows and their marks.
    pub expects: Vec<Expect>,
    /// Warnings accepted.
    pub allows: Vec<Allow>,
}

/// A port range of a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// What for.
    pub medium: Medium,
    /// The ports.
    pub ports: PortRange,
    /// Where the plan says it, or what it follows from.
    pub span: Span,
    /// Whether the plan says it; otherwise it is the vendor's default.
    pub stated: bool,
}

/// A service class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanClass {
    /// Its name.
    pub name: String,
    /// The medium it is about, when it is one of the platforms'.
    pub medium: Option<Medium>,
    /// Its mark.
    pub dscp: Dscp,
    /// Its layer-2 priority.
    pub pcp: Option<Pcp>,
    /// Where the mark is stated, or what it follows from.
    pub span: Span,
    /// Whether the plan names it.
    pub stated: bool,
}

/// Client settings.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The table.
    pub span: Span,
    /// Ranges, by medium.
    pub ranges: Vec<Range>,
    /// Whether clients must keep to them.
    pub enforce: At<bool>,
    /// Whether they are reserved on the clients.
    pub reserved: bool,
    /// Virtual desktop engines.
    pub vdi: Vec<At<String>>,
    /// Further software.
    pub also: Vec<At<String>>,
    /// Where clients are.
    pub addresses: Vec<At<IpNet>>,
}

/// Client settings of a site or service.
#[derive(Debug, Clone)]
pub struct OwnClients {
    /// The table.
    pub span: Span,
    /// Ranges that hold: its own, and the plan's for the rest.
    pub ranges: Vec<Range>,
    /// Whether any differs from the plan's.
    pub differs: bool,
    /// Whether clients must keep to them.
    pub enforce: At<bool>,
}

/// Server settings. Ranges are those that hold, defaults included.
#[derive(Debug, Clone)]
pub struct Servers {
    /// The table.
    pub span: Span,
    /// By role.
    pub roles: Roles,
    /// Where signalling is taken.
    pub signaling: Option<Range>,
    /// Trusted application pools.
    pub pools: Option<Pools>,
    /// Where servers are.
    pub addresses: Vec<At<IpNet>>,
    /// Video-based screen sharing.
    pub vbss: At<bool>,
}

/// Ranges of the server roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Audio, video, application sharing.
    pub conferencing: Vec<Range>,
    /// Audio.
    pub application: Vec<Range>,
    /// Audio.
    pub mediation: Vec<Range>,
    /// Application sharing.
    pub web: Vec<Range>,
}

/// Trusted application pools.
#[derive(Debug, Clone)]
pub struct Pools {
    /// Their names.
    pub names: Vec<At<String>>,
    /// The applications' executable.
    pub executable: Option<At<String>>,
    /// Ports reserved.
    pub ranges: Vec<Range>,
}

/// The media relay.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The table.
    pub span: Span,
    /// Internal addresses.
    pub internal: Vec<At<IpNet>>,
    /// External addresses.
    pub external: Vec<At<IpNet>>,
    /// Relay range towards the outside, when the plan touches it.
    pub relay: Option<At<PortRange>>,
}

/// Voice mail.
#[derive(Debug, Clone)]
pub struct ExchangeUm {
    /// The table.
    pub span: Span,
    /// Its servers.
    pub addresses: Vec<At<IpNet>>,
    /// Whether they mark by policy.
    pub mark: bool,
}

/// Desk phones.
#[derive(Debug, Clone)]
pub struct Phones {
    /// The table.
    pub span: Span,
    /// The mark; `None` when there is neither one here nor a class for audio.
    pub dscp: Option<At<Dscp>>,
    /// Layer-2 priority.
    pub pcp: Option<At<Pcp>>,
    /// Where phones are.
    pub addresses: Vec<At<IpNet>>,
}

/// The network.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// All addresses inside.
    pub internal: Vec<At<IpNet>>,
    /// Whether marks must hold on Microsoft peering.
    pub express_route: Option<Span>,
}

/// A site.
#[derive(Debug, Clone)]
pub struct SitePlan {
    /// Its name.
    pub name: At<String>,
    /// Its subnets.
    pub subnets: Vec<At<IpNet>>,
    /// Client settings of its own.
    pub clients: Option<OwnClients>,
    /// Phone settings of its own.
    pub phones: Option<Phones>,
    /// Device settings of its own.
    pub devices: Option<At<bool>>,
}

/// A service or pool.
#[derive(Debug, Clone)]
pub struct ServicePlan {
    /// Its name.
    pub name: At<String>,
    /// The site it is in.
    pub site: Option<At<String>>,
    /// Where its servers are.
    pub addresses: Vec<At<IpNet>>,
    /// Client settings of users homed there.
    pub clients: Option<OwnClients>,
    /// Ranges of its server roles: its own, and the plan's for the rest.
    pub servers: Option<At<Roles>>,
}

/// An application of one's own.
#[derive(Debug, Clone)]
pub struct App {
    /// Its name.
    pub name: At<String>,
    /// The program.
    pub executable: Option<At<String>>,
    /// Where it runs.
    pub on: On,
    /// Over what.
    pub protocol: ProtocolMatch,
    /// Sends from.
    pub addresses: Vec<At<IpNet>>,
    /// Sends to.
    pub peers: Vec<At<IpNet>>,
    /// Who marks.
    pub marker: Marker,
    /// What it sends.
    pub media: Vec<AppMedia>,
}

/// A class that an application sends.
#[derive(Debug, Clone)]
pub struct AppMedia {
    /// The class, by name.
    pub class: At<String>,
    /// Ports that tell it.
    pub ports: At<PortRange>,
    /// Whether these are the receiver's.
    pub destination: bool,
    /// The most that a host may send of it.
    pub throttle: Option<At<Rate>>,
}

/// A kind of host that applications run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct On {
    /// The word in the plan.
    pub word: &'static str,
    /// Name of its scope.
    pub scope: &'static str,
    /// Its role.
    pub role: Role,
    /// What can be configured there.
    pub host: Host,
}

/// An expectation.
#[derive(Debug, Clone)]
pub struct Expect {
    /// The table.
    pub span: Span,
    /// Who sends.
    pub scope: Option<At<String>>,
    /// The program.
    pub app: Option<String>,
    /// Over what.
    pub protocol: Protocol,
    /// Sender's address.
    pub source: Option<At<IpNet>>,
    /// Sender's port.
    pub source_port: u16,
    /// Receiver's address.
    pub destination: Option<At<IpNet>>,
    /// Receiver's port.
    pub destination_port: u16,
    /// The mark, `None` for none.
    pub dscp: At<Option<Dscp>>,
}

/// A warning accepted.
#[derive(Debug, Clone)]
pub struct Allow {
    /// Its code.
    pub code: At<String>,
    /// Why.
    pub reason: String,
}

impl Plan {
    /// The class of a medium, with its position.
    #[must_use]
    pub fn class(&self, medium: Medium) -> Option<(usize, &PlanClass)> {
        self.classes
            .iter()
            .enumerate()
            .find(|(_, class)| class.medium == Some(medium))
    }

    /// The first platform of a family.
    #[must_use]
    pub fn platform_of(&self, family: Family) -> Option<&At<&'static Platform>> {
        self.platforms
            .iter()
            .find(|platform| platform.value.family == family)
    }

    /// Whether a platform is in the plan.
    #[must_use]
    pub fn has(&self, platform: &str) -> bool {
        self.platforms.iter().any(|one| one.value.id == platform)
    }
}

impl Roles {
    /// The roles with their names for people and for rules.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &'static str, &[Range]); 4] {
        [
            ("Conferencing", "conferencing", &self.conferencing),
            ("Application", "application", &self.application),
            ("Mediation", "mediation", &self.mediation),
            ("Web", "web", &self.web),
        ]
    }
}

/// The range of a medium among some.
#[must_use]
pub fn range_of(ranges: &[Range], medium: Medium) -> Option<&Range> {
    ranges.iter().find(|range| range.medium == medium)
}

/// Where applications may run.
pub const HOSTS: &[On] = &[
    On {
        word: "clients",
        scope: "clients",
        role: Role::Client,
        host: Host::Windows,
    },
    On {
        word: "servers",
        scope: "servers",
        role: Role::Server,
        host: Host::Windows,
    },
    On {
        word: "linux",
        scope: "linux",
        role: Role::Server,
        host: Host::Linux,
    },
    On {
        word: "linux-clients",
        scope: "linux-clients",
        role: Role::Client,
        host: Host::Linux,
    },
    On {
        word: "mac-clients",
        scope: "mac-clients",
        role: Role::Client,
        host: Host::MacOs,
    },
    On {
        word: "devices",
        scope: "devices",
        role: Role::Phone,
        host: Host::Appliance,
    },
];

/// Words for [`App::on`].
#[must_use]
pub fn host_words() -> Vec<&'static str> {
    HOSTS.iter().map(|on| on.word).collect()
}

/// Words for [`App::protocol`].
#[must_use]
pub fn protocol_words() -> Vec<&'static str> {
    vec!["udp", "tcp", "both"]
}

/// Words for [`Expect::protocol`].
#[must_use]
pub fn transport_words() -> Vec<&'static str> {
    vec!["udp", "tcp"]
}

/// Words for [`App::marker`].
#[must_use]
pub fn marker_words() -> Vec<&'static str> {
    vec!["host", "sender", "network"]
}

/// Words for [`AppMedia::destination`].
#[must_use]
pub fn side_words() -> Vec<&'static str> {
    vec!["source", "destination"]
}
