//! Policies for this crate's own tests.

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::set::Parts;
use perhop_policy::{
    AppMatch, Class, ClassId, ClassKind, Dscp, DstPorts, Family, Host, Marker, Pcp, PolicySet,
    PortMatch, PortRange, Producer, ProducerKind, ProducerRange, ProtocolMatch, RangeUse, Role,
    Rule, Scope, ScopeId, Span, SrcPorts, Subject,
};

/// A range.
pub(crate) fn range(first: u16, last: u16) -> PortRange {
    PortRange::try_new(first, last).unwrap()
}

/// A producer of Lync Server.
pub(crate) fn told(
    kind: ProducerKind,
    subject: Subject,
    ranges: &[(RangeUse, u16, u16)],
) -> Producer {
    Producer {
        family: Family::LyncServer,
        kind,
        subject,
        ranges: ranges
            .iter()
            .map(|(used_for, first, last)| ProducerRange {
                used_for: *used_for,
                ports: range(*first, *last),
                origin: Span::default(),
            })
            .collect(),
        dscp: None,
        pcp: None,
        marking: None,
        origin: Span::default(),
    }
}

pub(crate) fn phones(subject: Subject, dscp: u8, pcp: Option<u8>) -> Producer {
    Producer {
        dscp: Dscp::try_new(dscp),
        pcp: pcp.and_then(Pcp::try_new),
        ..told(ProducerKind::Phones, subject, &[])
    }
}

pub(crate) fn devices(family: Family, subject: Subject, on: bool) -> Producer {
    Producer {
        family,
        marking: Some(on),
        ..told(ProducerKind::OtherDevices, subject, &[])
    }
}

pub(crate) fn class(name: &str, kind: ClassKind, dscp: u8) -> Class {
    Class {
        name: name.into(),
        kind,
        dscp: Dscp::try_new(dscp).unwrap(),
        pcp: None,
        origin: Span::default(),
    }
}

pub(crate) fn scope(name: &str, role: Role, addresses: &[&str]) -> Scope {
    Scope {
        name: name.into(),
        role,
        host: if role == Role::Phone {
            Host::Appliance
        } else {
            Host::Windows
        },
        site: name.split_once('@').map(|(_, site)| site.to_owned()),
        addresses: nets(addresses),
        origin: Span::default(),
    }
}

pub(crate) fn nets(texts: &[&str]) -> Vec<IpNet> {
    let one = |text: &&str| {
        text.parse::<IpNet>()
            .unwrap_or_else(|_| IpNet::from(text.parse::<IpAddr>().unwrap()))
    };
    texts.iter().map(one).collect()
}

/// A rule for any application by source port; change what differs.
pub(crate) fn rule(name: &str, scope: u16, class: u16, dscp: u8, src: Option<PortRange>) -> Rule {
    Rule {
        name: name.into(),
        scope: ScopeId(scope),
        component: name.into(),
        peer: String::new(),
        class: ClassId(class),
        app: AppMatch::Any,
        protocol: ProtocolMatch::Both,
        src: vec![],
        dst: vec![],
        src_ports: SrcPorts(src.map_or(PortMatch::Any, PortMatch::Range)),
        dst_ports: DstPorts(PortMatch::Any),
        dscp: Dscp::try_new(dscp).unwrap(),
        marker: Marker::HostPolicy,
        throttle: None,
        origin: Span::default(),
    }
}

/// Everything that a Lync deployment can be told, in the plan's order.
pub(crate) fn producers() -> Vec<Producer> {
    use ProducerKind as Kind;
    use RangeUse::{AppSharing, Audio, FileTransfer, LegacyMedia, Relay, Signaling, Video};
    let site = || Subject::Site("Redmond".into());
    let service = || Subject::Service("pool01.contoso.com".into());
    vec![
        told(
            Kind::Clients,
            Subject::Global,
            &[
                (Audio, 20000, 20039),
                (Video, 20040, 20079),
                (AppSharing, 20080, 20119),
                (FileTransfer, 20120, 20139),
                (LegacyMedia, 20000, 20079),
                (Signaling, 7100, 7102),
            ],
        ),
        told(
            Kind::Clients,
            site(),
            &[(Audio, 21000, 21039), (Video, 21040, 21079)],
        ),
        told(Kind::Clients, service(), &[(Audio, 22000, 22039)]),
        told(Kind::ConferencingService, Subject::Global, SERVERS),
        told(
            Kind::ConferencingService,
            service(),
            &[(Audio, 50000, 50999)],
        ),
        told(
            Kind::ApplicationService,
            Subject::Global,
            &[(Audio, 49152, 57499)],
        ),
        told(
            Kind::MediationService,
            Subject::Global,
            &[(Audio, 49152, 57499)],
        ),
        told(Kind::MediationService, site(), &[(Audio, 49152, 50151)]),
        told(
            Kind::WebService,
            Subject::Global,
            &[(AppSharing, 40803, 49150)],
        ),
        told(
            Kind::ApplicationPool,
            Subject::Service("apps.contoso.com".into()),
            SERVERS,
        ),
        told(Kind::MediaRelay, Subject::Global, &[(Relay, 50000, 59999)]),
        phones(Subject::Global, 46, Some(5)),
        phones(site(), 40, None),
        devices(Family::LyncServer, Subject::Global, true),
        devices(Family::LyncServer, site(), false),
    ]
}

const SERVERS: &[(RangeUse, u16, u16)] = &[
    (RangeUse::Audio, 49152, 57499),
    (RangeUse::Video, 57501, 65534),
    (RangeUse::AppSharing, 40803, 49150),
];

/// What a Teams tenant can be told.
pub(crate) fn teams() -> Vec<Producer> {
    use RangeUse::{AppSharing, Audio, Video};
    let mut clients = told(
        ProducerKind::Clients,
        Subject::Global,
        &[
            (Audio, 50000, 50019),
            (Video, 50020, 50039),
            (AppSharing, 50040, 50059),
        ],
    );
    clients.family = Family::Teams;
    vec![clients, devices(Family::Teams, Subject::Global, true)]
}

/// A policy with these producers and no rules.
pub(crate) fn with_producers(producers: Vec<Producer>) -> PolicySet {
    PolicySet::try_new(Parts {
        name: "Contoso".into(),
        producers,
        ..Parts::default()
    })
    .unwrap()
}

/// Producers in an order of their own, to compare sets.
pub(crate) fn sorted(producers: &[Producer]) -> Vec<Producer> {
    let mut out = producers.to_vec();
    for producer in &mut out {
        producer.ranges.sort();
    }
    out.sort_by(|a, b| (a.family, &a.kind, &a.subject).cmp(&(b.family, &b.kind, &b.subject)));
    out
}

/// Names that try to leave their quotes.
pub(crate) const HOSTILE: [&str; 9] = [
    "it's $(Remove-Item C:\\) `n \"quoted\"",
    "Köln \u{2018}curly\u{2019} \u{201c}double\u{201d} \u{201b}x\u{201a}",
    "a b  c ",
    "]]> <!-- & --> %PATH%",
    "line\nbreak\r\u{2028}end\0",
    "'@; exit #",
    "# The plan ends.",
    "日本 \u{1f600} @ | & ; {}",
    "' + 'x",
];
