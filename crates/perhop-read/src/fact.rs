//! Facts: what files say is configured, whatever their form.

use perhop_policy::{Dscp, Family, Pcp, PortRange, ProducerKind, RangeUse, Subject};
pub use perhop_targets::network::model::{Service, Term};

use crate::finding::Layer;
pub use crate::mark::{AccessList, NetMark, Syntax};
use crate::place::Place;
use crate::policy::HostPolicy;

/// One thing that a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Where.
    pub place: Place,
    /// Which part of the chain it is about.
    pub layer: Layer,
    /// What.
    pub what: What,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A policy of Windows that marks packets.
    Policy(HostPolicy),
    /// A mark that a device of the network, or the packet filter of a host, puts on.
    Mark(NetMark),
    /// The switch `Do not use NLA`, and whether it is on.
    Nla(bool),
    /// A settings object of the service, or what a client was sent of it.
    Object(ServiceObject),
    /// Another setting about QoS, as it stands.
    Setting {
        /// Its name.
        name: String,
        /// Its data.
        data: String,
        /// What it is for.
        meaning: &'static str,
    },
    /// Something about QoS that the file takes away.
    Removed {
        /// What.
        what: String,
    },
}

/// A settings object of Lync Server, Skype for Business Server or Teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceObject {
    /// The noun of its commands, `CsConferencingConfiguration`.
    pub noun: &'static str,
    /// The system.
    pub family: Family,
    /// What it tells.
    pub kind: ProducerKind,
    /// Which objects of the service it is.
    pub subject: Subject,
    /// Its identity as the file has it.
    pub identity: String,
    /// Whether this is what a client was sent, not the object itself.
    pub delivered: bool,
    /// Whether the ranges are in force; `None` for objects without the switch.
    pub enabled: Option<bool>,
    /// Its port ranges.
    pub ranges: Vec<ObjectRange>,
    /// The DSCP that devices put on.
    pub dscp: Option<(Dscp, Place)>,
    /// The layer-2 priority that devices put on.
    pub pcp: Option<(Pcp, Place)>,
    /// The switch for devices that are not Windows computers.
    pub marking: Option<(bool, Place)>,
}

/// A port range of a settings object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRange {
    /// What for.
    pub used_for: RangeUse,
    /// The ports.
    pub ports: PortRange,
    /// Where.
    pub place: Place,
}

impl ServiceObject {
    /// The range for a use.
    #[must_use]
    pub fn range(&self, used_for: RangeUse) -> Option<&ObjectRange> {
        self.ranges.iter().find(|range| range.used_for == used_for)
    }

    /// `site:Redmond`, `Global`, `pool01.contoso.com`.
    #[must_use]
    pub fn subject_text(&self) -> String {
        match &self.subject {
            Subject::Global => "Global".to_owned(),
            Subject::Site(name) => format!("site:{name}"),
            Subject::Service(name) => name.clone(),
        }
    }
}
