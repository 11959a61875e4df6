//! Producers: which software or service is told to use which ports and, where it marks by itself, which DSCP.

use perhop_wire::field::{Dscp, Pcp};

use crate::diag::Span;
use crate::ports::PortRange;

/// The system a producer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Lync Server 2010 and 2013, Skype for Business Server 2015, 2019 and Subscription Edition.
    LyncServer,
    /// Microsoft Teams.
    Teams,
    /// The user's own applications.
    Own,
}

/// What produces the traffic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProducerKind {
    /// Clients that get their ports from the service.
    Clients,
    /// Phones that get their DSCP from the service.
    Phones,
    /// The service's switch for devices that are not Windows computers.
    OtherDevices,
    /// Audio, video and application sharing conferencing.
    ConferencingService,
    /// Host of response groups, announcements, call park and the like.
    ApplicationService,
    /// Bridge to the telephone network.
    MediationService,
    /// Media relay at the network edge.
    MediaRelay,
    /// Web service with an application sharing range.
    WebService,
    /// A pool of applications that the service trusts.
    ApplicationPool,
    /// Software of the user's own.
    Software(String),
}

/// Which objects of the service the setting is for. More specific hides less specific.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// All of them.
    Global,
    /// One site's.
    Site(String),
    /// One service's or pool's, by name.
    Service(String),
}

/// What a range is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RangeUse {
    /// Audio.
    Audio,
    /// Video.
    Video,
    /// Application or desktop sharing.
    AppSharing,
    /// Files between two clients.
    FileTransfer,
    /// One range for all media of clients that know no other.
    LegacyMedia,
    /// The client's own end of signalling.
    Signaling,
    /// Relay candidates towards the outside.
    Relay,
}

impl RangeUse {
    /// The name that plans use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::AppSharing => "app-sharing",
            Self::FileTransfer => "file-transfer",
            Self::LegacyMedia => "legacy-media",
            Self::Signaling => "signaling",
            Self::Relay => "relay",
        }
    }
}

/// A range given to a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerRange {
    /// What for.
    pub used_for: RangeUse,
    /// The ports.
    pub ports: PortRange,
    /// Where the plan says it.
    pub origin: Span,
}

/// One object of a service, or one piece of software, that has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// The system it belongs to.
    pub family: Family,
    /// What it is.
    pub kind: ProducerKind,
    /// Which objects are meant.
    pub subject: Subject,
    /// Ports it is to use.
    pub ranges: Vec<ProducerRange>,
    /// The DSCP that it puts on by itself, when it does and can be told.
    pub dscp: Option<Dscp>,
    /// The layer-2 priority that it puts on by itself.
    pub pcp: Option<Pcp>,
    /// Whether devices are to mark at all, where the service has a switch for it.
    pub marking: Option<bool>,
    /// Where the plan says it.
    pub origin: Span,
}
