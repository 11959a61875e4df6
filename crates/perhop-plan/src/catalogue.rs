//! What is known of the platforms: components, executables, default ranges and marks, busy ports. Data, read once.
//!
//! The data are `catalogue/*.toml` of this crate; every row says where it is from, of when, and how sure it is.

use std::sync::LazyLock;

use perhop_policy::{Dscp, Family, PortRange, Protocol, ProtocolMatch};

mod read;

/// How sure a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Unverified: never makes a rule unless the plan asks for it by name.
    Unverified,
    /// Inferred from other rows.
    Inferred,
    /// General standard or platform knowledge.
    Known,
    /// A third party says it.
    ThirdParty,
    /// The vendor's own documentation says it.
    Vendor,
}

/// Where a row is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Title or name of the source.
    pub text: String,
    /// Its date, `year-month-day`, or `undated`.
    pub date: String,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A medium of the platforms: what a port range is for and a class is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// Audio.
    Audio,
    /// Video.
    Video,
    /// Application or desktop sharing.
    AppSharing,
    /// Files between clients.
    FileTransfer,
    /// All media of Communicator 2007 R2.
    LegacyMedia,
    /// Call signalling.
    Signaling,
}

/// What a component is, and so where its ports come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Conferencing services.
    Conferencing,
    /// Application service.
    Application,
    /// Mediation service.
    Mediation,
    /// Front End: signalling.
    FrontEnd,
    /// A/V Edge.
    Edge,
    /// Voice mail.
    VoiceMail,
    /// Client software on computers.
    Client,
    /// Desk phones.
    Phone,
}

/// When a component is part of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Always, when its platform is.
    Always,
    /// Named under `clients.also`; when `true`, also without being named.
    Also(bool),
    /// Named under `clients.vdi`.
    Vdi,
    /// With `servers.video-based-sharing`.
    VideoBasedSharing,
    /// Never: too little is known of it.
    Never,
}

/// A medium that a component sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// Which.
    pub medium: Medium,
    /// Over what.
    pub protocol: ProtocolMatch,
}

/// A row of the components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name in rules and plans.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// Position among all components, for tables.
    pub order: u32,
    /// The system it belongs to.
    pub family: Family,
    /// What it is.
    pub role: Role,
    /// Its executable; `None` for what is not a Windows process, or whose process is not known.
    pub executable: Option<String>,
    /// What it sends.
    pub sends: Vec<Sends>,
    /// When it is part of a plan.
    pub choice: Choice,
    /// Where the row is from.
    pub source: Source,
}

/// A range that a role has when nobody sets it, or that the vendor recommends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRange {
    /// `conferencing`, `application`, `mediation`, `web`, `edge`, `clients` or `recommended`.
    pub of: String,
    /// `audio` and so on, or `relay`.
    pub class: String,
    /// The ports.
    pub ports: PortRange,
    /// Where the row is from.
    pub source: Source,
}

/// A mark that a class usually gets, or a device has when nobody sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultMark {
    /// `class` or `phone`.
    pub of: String,
    /// The medium.
    pub medium: Medium,
    /// The mark.
    pub dscp: Dscp,
    /// Where the row is from.
    pub source: Source,
}

/// A platform: a file of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// Its name in plans.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Other names in plans.
    pub aliases: Vec<String>,
    /// The system it belongs to.
    pub family: Family,
    /// Its components, in order.
    pub components: Vec<Component>,
    /// Its default ranges.
    pub ranges: Vec<DefaultRange>,
    /// Its default marks.
    pub marks: Vec<DefaultMark>,
}

/// Hosts that a busy port is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Servers.
    Servers,
    /// Clients.
    Clients,
    /// Edge Servers.
    Edge,
    /// All.
    Any,
}

/// Ports that something else commonly holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusyPorts {
    /// The ports.
    pub ports: PortRange,
    /// Over what; `None` for both.
    pub protocol: Option<Protocol>,
    /// Where.
    pub place: Place,
    /// Who holds them.
    pub name: String,
    /// Where the row is from.
    pub source: Source,
}

/// An executable name that is commonly written wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelling {
    /// The wrong name.
    pub wrong: String,
    /// The right one.
    pub right: String,
    /// Where the row is from.
    pub source: Source,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// In order of age, families together.
    pub platforms: Vec<Platform>,
    /// Ascending.
    pub busy_ports: Vec<BusyPorts>,
    /// Executables written wrong.
    pub misspellings: Vec<Misspelling>,
}

/// The catalogue.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| read::read().expect("a test reads the same bytes"));
    &CATALOGUE
}

/// The names that a plan may write under `platforms`, with aliases.
#[must_use]
pub fn platform_words() -> Vec<&'static str> {
    catalogue()
        .platforms
        .iter()
        .flat_map(|platform| {
            std::iter::once(&platform.id)
                .chain(&platform.aliases)
                .map(String::as_str)
        })
        .collect()
}

/// The names that a plan may write under `clients.vdi`.
#[must_use]
pub fn vdi_words() -> Vec<&'static str> {
    words(|choice| choice == Choice::Vdi)
}

/// The names that a plan may write under `clients.also`.
#[must_use]
pub fn also_words() -> Vec<&'static str> {
    words(|choice| matches!(choice, Choice::Also(_)))
}

fn words(wanted: fn(Choice) -> bool) -> Vec<&'static str> {
    let mut out: Vec<&str> = Vec::new();
    for component in catalogue()
        .platforms
        .iter()
        .flat_map(|platform| &platform.components)
    {
        if wanted(component.choice) && !out.contains(&component.id.as_str()) {
            out.push(&component.id);
        }
    }
    out
}

impl Catalogue {
    /// A platform by name or alias.
    #[must_use]
    pub fn platform(&self, name: &str) -> Option<&Platform> {
        self.platforms
            .iter()
            .find(|platform| platform.id == name || platform.aliases.iter().any(|a| a == name))
    }

    /// Every component of every platform, shared ones once for each.
    pub fn components(&self) -> impl Iterator<Item = (&Platform, &Component)> {
        self.platforms.iter().flat_map(|platform| {
            platform
                .components
                .iter()
                .map(move |component| (platform, component))
        })
    }
}

impl Platform {
    /// The default or recommended range of a role for a class.
    #[must_use]
    pub fn range(&self, of: &str, class: &str) -> Option<PortRange> {
        self.ranges
            .iter()
            .find(|range| range.of == of && range.class == class)
            .map(|range| range.ports)
    }

    /// The usual mark of a class, or what a device has when nobody sets it.
    #[must_use]
    pub fn mark(&self, of: &str, medium: Medium) -> Option<Dscp> {
        self.marks
            .iter()
            .find(|mark| mark.of == of && mark.medium == medium)
            .map(|mark| mark.dscp)
    }
}

impl Medium {
    /// Every medium, in the order of tables.
    pub const ALL: [Self; 6] = [
        Self::Audio,
        Self::Video,
        Self::AppSharing,
        Self::FileTransfer,
        Self::LegacyMedia,
        Self::Signaling,
    ];

    /// The name in plans.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::AppSharing => "app-sharing",
            Self::FileTransfer => "file-transfer",
            Self::LegacyMedia => "legacy-media",
            Self::Signaling => "signaling",
        }
    }

    /// The medium of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|medium| medium.as_str() == name)
    }
}

impl Confidence {
    /// The mark that the catalogue writes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "U",
            Self::Inferred => "I",
            Self::Known => "K",
            Self::ThirdParty => "3P",
            Self::Vendor => "V",
        }
    }
}
