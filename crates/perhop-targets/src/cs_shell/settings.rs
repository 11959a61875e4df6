//! The settings that commands take: names, types and documented defaults (uc-platforms 3.1 to 3.4, 10.3).

use perhop_policy::{Family, ProducerKind, RangeUse};

/// How a command counts the ports of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// `UInt16`.
    Sixteen,
    /// `UInt32`.
    ThirtyTwo,
}

/// One range of one kind of object: its two parameters.
#[derive(Debug, Clone, Copy)]
pub struct RangeSetting {
    /// The noun of the commands.
    pub noun: &'static str,
    /// What the range is used for.
    pub used_for: RangeUse,
    /// Parameter of the first port.
    pub start: &'static str,
    /// Parameter of the number of ports.
    pub count: &'static str,
    /// Type of the number of ports.
    pub counter: Counter,
    /// Documented defaults of both, where there are.
    pub default_start: Option<u16>,
    /// See above.
    pub default_count: Option<u16>,
}

/// A kind of object that holds settings.
#[derive(Debug, Clone)]
pub struct Noun {
    /// The noun of the commands, `CsConferenceServer`.
    pub name: &'static str,
    /// The system.
    pub family: Family,
    /// What it tells which ports to use.
    pub kind: ProducerKind,
    /// In words.
    pub title: &'static str,
    /// Whether its objects are services, named by their pool.
    pub is_service: bool,
    /// Whether there is an object for each site.
    pub has_sites: bool,
}

/// Settings of clients of Lync Server.
pub const CONFERENCING: &str = "CsConferencingConfiguration";
/// Settings of media, with the switch for devices.
pub const MEDIA: &str = "CsMediaConfiguration";
/// Settings of phones.
pub const PHONES: &str = "CsUCPhoneConfiguration";
/// Settings of a Teams tenant.
pub const TEAMS: &str = "CsTeamsMeetingConfiguration";

/// The switch without which clients use any port (uc-platforms 2.4).
pub const RANGES_ENABLED: &str = "ClientMediaPortRangeEnabled";
/// The switch for devices that are not Windows computers (2.1).
pub const ENABLE_QOS: &str = "EnableQoS";
/// DSCP of phones (2.8).
pub const PHONE_DSCP: &str = "VoiceDiffServTag";
/// Layer-2 priority of phones (2.8).
pub const PHONE_PCP: &str = "Voice8021p";

/// Every kind of object, in the order that works: servers, clients, devices.
pub const NOUNS: &[Noun] = &[
    service(
        "CsConferenceServer",
        ProducerKind::ConferencingService,
        "conferencing services",
        true,
    ),
    service(
        "CsApplicationServer",
        ProducerKind::ApplicationService,
        "application services",
        true,
    ),
    service(
        "CsMediationServer",
        ProducerKind::MediationService,
        "mediation services",
        true,
    ),
    service(
        "CsWebServer",
        ProducerKind::WebService,
        "web services",
        true,
    ),
    service(
        "CsTrustedApplicationPool",
        ProducerKind::ApplicationPool,
        "trusted application pools",
        false,
    ),
    service(
        "CsEdgeServer",
        ProducerKind::MediaRelay,
        "edge servers",
        true,
    ),
    settings(
        CONFERENCING,
        Family::LyncServer,
        ProducerKind::Clients,
        "client port ranges",
        true,
    ),
    settings(
        MEDIA,
        Family::LyncServer,
        ProducerKind::OtherDevices,
        "marking by devices that are not Windows computers",
        true,
    ),
    settings(
        PHONES,
        Family::LyncServer,
        ProducerKind::Phones,
        "marks of phones",
        true,
    ),
    settings(
        TEAMS,
        Family::Teams,
        ProducerKind::Clients,
        "client port ranges and marking",
        false,
    ),
];

/// Every range of every kind of object.
pub const RANGES: &[RangeSetting] = &[
    server("CsConferenceServer", RangeUse::Audio, Some((49152, 8348))),
    server("CsConferenceServer", RangeUse::Video, Some((57501, 8034))),
    server(
        "CsConferenceServer",
        RangeUse::AppSharing,
        Some((49152, 16383)),
    ),
    server("CsApplicationServer", RangeUse::Audio, Some((49152, 8348))),
    server("CsApplicationServer", RangeUse::Video, None),
    server("CsApplicationServer", RangeUse::AppSharing, None),
    server("CsMediationServer", RangeUse::Audio, Some((49152, 8348))),
    server("CsWebServer", RangeUse::AppSharing, Some((49152, 16383))),
    pool(RangeUse::Audio),
    pool(RangeUse::Video),
    pool(RangeUse::AppSharing),
    RangeSetting {
        noun: "CsEdgeServer",
        used_for: RangeUse::Relay,
        start: "MediaCommunicationPortStart",
        count: "MediaCommunicationPortCount",
        counter: Counter::Sixteen,
        default_start: Some(50000),
        default_count: Some(10000),
    },
    client(
        CONFERENCING,
        RangeUse::Audio,
        "ClientAudioPort",
        "ClientAudioPortRange",
        (5350, 40),
    ),
    client(
        CONFERENCING,
        RangeUse::Video,
        "ClientVideoPort",
        "ClientVideoPortRange",
        (5350, 40),
    ),
    client(
        CONFERENCING,
        RangeUse::AppSharing,
        "ClientAppSharingPort",
        "ClientAppSharingPortRange",
        (5350, 40),
    ),
    client(
        CONFERENCING,
        RangeUse::FileTransfer,
        "ClientFileTransferPort",
        "ClientFileTransferPortRange",
        (5350, 40),
    ),
    client(
        CONFERENCING,
        RangeUse::LegacyMedia,
        "ClientMediaPort",
        "ClientMediaPortRange",
        (5350, 40),
    ),
    client(
        CONFERENCING,
        RangeUse::Signaling,
        "ClientSipDynamicPort",
        "ClientSipDynamicPortRange",
        (7100, 3),
    ),
    client(
        TEAMS,
        RangeUse::Audio,
        "ClientAudioPort",
        "ClientAudioPortRange",
        (50000, 20),
    ),
    client(
        TEAMS,
        RangeUse::Video,
        "ClientVideoPort",
        "ClientVideoPortRange",
        (50020, 20),
    ),
    client(
        TEAMS,
        RangeUse::AppSharing,
        "ClientAppSharingPort",
        "ClientAppSharingPortRange",
        (50040, 20),
    ),
];

/// Documented default of a parameter that is a number or a switch; `None` where the documentation gives none or
/// contradicts itself.
#[must_use]
pub fn documented_default(noun: &str, parameter: &str) -> Option<i64> {
    match (noun, parameter) {
        (CONFERENCING, RANGES_ENABLED) | (MEDIA | TEAMS, ENABLE_QOS) | (PHONES, PHONE_PCP) => {
            Some(0)
        }
        (PHONES, PHONE_DSCP) => Some(40),
        _ => RANGES
            .iter()
            .filter(|range| range.noun == noun)
            .find_map(|range| {
                if range.start == parameter {
                    range.default_start
                } else if range.count == parameter {
                    range.default_count
                } else {
                    None
                }
            })
            .map(i64::from),
    }
}

/// Whether a parameter is a switch.
#[must_use]
pub fn is_switch(parameter: &str) -> bool {
    parameter == RANGES_ENABLED || parameter == ENABLE_QOS
}

const fn service(
    name: &'static str,
    kind: ProducerKind,
    title: &'static str,
    has_sites: bool,
) -> Noun {
    Noun {
        name,
        family: Family::LyncServer,
        kind,
        title,
        is_service: true,
        has_sites,
    }
}

const fn settings(
    name: &'static str,
    family: Family,
    kind: ProducerKind,
    title: &'static str,
    has_sites: bool,
) -> Noun {
    Noun {
        name,
        family,
        kind,
        title,
        is_service: false,
        has_sites,
    }
}

const fn server(
    noun: &'static str,
    used_for: RangeUse,
    default: Option<(u16, u16)>,
) -> RangeSetting {
    let (start, count) = match used_for {
        RangeUse::Video => ("VideoPortStart", "VideoPortCount"),
        RangeUse::AppSharing => ("AppSharingPortStart", "AppSharingPortCount"),
        _ => ("AudioPortStart", "AudioPortCount"),
    };
    let (default_start, default_count) = match default {
        Some((start, count)) => (Some(start), Some(count)),
        None => (None, None),
    };
    RangeSetting {
        noun,
        used_for,
        start,
        count,
        counter: Counter::Sixteen,
        default_start,
        default_count,
    }
}

/// A new pool has counts of 0, no range, and no documented start (3.2).
const fn pool(used_for: RangeUse) -> RangeSetting {
    let mut out = server("CsTrustedApplicationPool", used_for, None);
    out.default_count = Some(0);
    out
}

const fn client(
    noun: &'static str,
    used_for: RangeUse,
    start: &'static str,
    count: &'static str,
    default: (u16, u16),
) -> RangeSetting {
    RangeSetting {
        noun,
        used_for,
        start,
        count,
        counter: Counter::ThirtyTwo,
        default_start: Some(default.0),
        default_count: Some(default.1),
    }
}
