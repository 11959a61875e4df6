//! Plans and flows made by hand.

use std::net::SocketAddr;

use perhop_policy::set::Parts;
use perhop_policy::{
    AppMatch, Class, ClassId, ClassKind, Dscp, DstPorts, Family, Host, Marker, PolicySet,
    PortMatch, PortRange, Producer, ProducerKind, ProtocolMatch, Role, Rule, Scope, ScopeId, Site,
    Span, SrcPorts, Subject, Vantage,
};
use perhop_verify::finding::Finding;
use perhop_verify::flow::{
    DscpChange, DscpCounts, Flow, FlowDirection, FlowKey, LinkMarks, PayloadKind, Signs,
};
use perhop_verify::report::{Report, verify};
use perhop_verify::stream::{
    Beginning, ClockSource, Evidence, MediaType, SequenceReport, Stream, StreamClock,
};
use perhop_verify::tolerance::Tolerances;

pub(crate) const CLIENTS: ScopeId = ScopeId(0);
pub(crate) const SERVERS: ScopeId = ScopeId(1);
pub(crate) const EDGE: ScopeId = ScopeId(2);
pub(crate) const PHONES: ScopeId = ScopeId(3);

pub(crate) fn dscp(value: u8) -> Dscp {
    Dscp::try_new(value).unwrap()
}

fn scope(name: &str, role: Role, host: Host, addresses: &[&str]) -> Scope {
    Scope {
        name: name.to_owned(),
        role,
        host,
        site: None,
        addresses: addresses.iter().map(|net| net.parse().unwrap()).collect(),
        origin: Span::default(),
    }
}

fn class(name: &str, kind: ClassKind, mark: u8, line: usize) -> Class {
    Class {
        name: name.to_owned(),
        kind,
        dscp: dscp(mark),
        pcp: None,
        origin: Span::new(line, line + 1),
    }
}

pub(crate) fn range(first: u16, last: u16) -> PortMatch {
    PortMatch::Range(PortRange::try_new(first, last).unwrap())
}

/// A rule by source ports of any process.
pub(crate) fn rule(name: &str, scope: ScopeId, class: u16, ports: (u16, u16), mark: u8) -> Rule {
    Rule {
        name: name.to_owned(),
        scope,
        component: name.to_owned(),
        peer: String::new(),
        class: ClassId(class),
        app: AppMatch::Any,
        protocol: ProtocolMatch::Both,
        src: Vec::new(),
        dst: Vec::new(),
        src_ports: SrcPorts(range(ports.0, ports.1)),
        dst_ports: DstPorts(PortMatch::Any),
        dscp: dscp(mark),
        marker: Marker::HostPolicy,
        throttle: None,
        origin: Span::new(100 + usize::from(ports.0), 101 + usize::from(ports.0)),
    }
}

/// The plan of the shared captures: clients and servers placed nowhere, one Edge, phones.
pub(crate) fn lync_parts() -> Parts {
    let edge = "192.0.2.10/32".parse().unwrap();
    let to = |name: &str, class, ports: (u16, u16), mark| Rule {
        src: vec![edge],
        dst_ports: DstPorts(range(ports.0, ports.1)),
        src_ports: SrcPorts(PortMatch::Any),
        app: AppMatch::parse("MediaRelaySvc.exe"),
        ..rule(name, EDGE, class, ports, mark)
    };
    let lync = AppMatch::parse("lync.exe");
    let client = |name: &str, class, ports, mark| Rule {
        app: lync.clone(),
        ..rule(name, CLIENTS, class, ports, mark)
    };
    Parts {
        name: "lync".to_owned(),
        classes: vec![
            class("audio", ClassKind::Audio, 46, 0),
            class("video", ClassKind::Video, 34, 1),
            class("app-sharing", ClassKind::AppSharing, 24, 2),
        ],
        sites: Vec::new(),
        scopes: vec![
            scope("clients", Role::Client, Host::Windows, &[]),
            scope("servers", Role::Server, Host::Windows, &[]),
            scope("edge", Role::Edge, Host::Windows, &["192.0.2.10/32"]),
            scope("phones", Role::Phone, Host::Appliance, &[]),
        ],
        rules: vec![
            client("clients/audio", 0, (20000, 20039), 46),
            client("clients/video", 1, (20040, 20079), 34),
            client("clients/app-sharing", 2, (42000, 42019), 24),
            rule("servers/audio", SERVERS, 0, (49152, 57499), 46),
            rule("servers/video", SERVERS, 1, (57501, 65534), 34),
            rule("servers/app-sharing", SERVERS, 2, (40803, 49150), 24),
            to("edge/audio-to-servers", 0, (49152, 57499), 46),
            to("edge/audio-to-clients", 0, (20000, 20039), 46),
            to("edge/video-to-clients", 1, (20040, 20079), 34),
            Rule {
                marker: Marker::Sender,
                throttle: None,
                ..rule("phones/audio", PHONES, 0, (20000, 20039), 46)
            },
        ],
        producers: vec![producer(Family::LyncServer, ProducerKind::Clients)],
        ..Parts::default()
    }
}

pub(crate) fn producer(family: Family, kind: ProducerKind) -> Producer {
    Producer {
        family,
        kind,
        subject: Subject::Global,
        ranges: Vec::new(),
        dscp: None,
        pcp: None,
        marking: None,
        origin: Span::default(),
    }
}

pub(crate) fn lync() -> PolicySet {
    PolicySet::try_new(lync_parts()).unwrap()
}

pub(crate) fn site(name: &str, subnet: &str) -> Site {
    Site {
        name: name.to_owned(),
        subnets: vec![subnet.parse().unwrap()],
        origin: Span::default(),
    }
}

/// A Teams plan: clients only.
pub(crate) fn teams_parts() -> Parts {
    Parts {
        name: "teams".to_owned(),
        classes: vec![
            class("audio", ClassKind::Audio, 46, 0),
            class("video", ClassKind::Video, 34, 1),
            class("app-sharing", ClassKind::AppSharing, 18, 2),
        ],
        scopes: vec![scope("clients", Role::Client, Host::Windows, &[])],
        rules: vec![
            rule("clients/teams/audio", CLIENTS, 0, (50000, 50019), 46),
            rule("clients/teams/video", CLIENTS, 1, (50020, 50039), 34),
            rule("clients/teams/app-sharing", CLIENTS, 2, (50040, 50059), 18),
        ],
        producers: vec![producer(Family::Teams, ProducerKind::Clients)],
        ..Parts::default()
    }
}

/// Builds a flow: `packets` of one mark, of no recognised payload.
pub(crate) fn flow(protocol: u8, src: &str, dst: &str, mark: u8, packets: u64) -> Flow {
    let (src, dst): (SocketAddr, SocketAddr) = (src.parse().unwrap(), dst.parse().unwrap());
    Flow {
        key: FlowKey {
            src: src.ip(),
            dst: dst.ip(),
            protocol,
            src_port: src.port(),
            dst_port: dst.port(),
        },
        packets,
        bytes: packets * 200,
        first: 0,
        last: i64::try_from(packets).unwrap() * 20_000_000,
        dscp: counts(&[(mark, packets)]),
        dscp_by_kind: vec![(PayloadKind::Other, counts(&[(mark, packets)]))],
        outer_dscp: DscpCounts::new(),
        tunnel: None,
        dscp_changes: 0,
        changes: Vec::new(),
        ce: 0,
        link: LinkMarks::default(),
        direction: FlowDirection::default(),
        ttl: (126, 126),
        signs: Signs::default(),
        wrapper: None,
        fragments: None,
        call: None,
        rtp: Vec::new(),
        rtcp: None,
    }
}

pub(crate) fn udp(src: &str, dst: &str, mark: u8, packets: u64) -> Flow {
    flow(17, src, dst, mark, packets)
}

pub(crate) fn tcp(src: &str, dst: &str, mark: u8, packets: u64) -> Flow {
    flow(6, src, dst, mark, packets)
}

/// A flow of RTP.
pub(crate) fn rtp(media: MediaType, src: &str, dst: &str, mark: u8, packets: u64) -> Flow {
    let mut flow = udp(src, dst, mark, packets);
    flow.dscp_by_kind = vec![(PayloadKind::Media, flow.dscp.clone())];
    flow.rtp = vec![stream(media, packets)];
    flow
}

pub(crate) fn audio(src: &str, dst: &str, mark: u8) -> Flow {
    rtp(MediaType::Audio, src, dst, mark, 250)
}

pub(crate) fn video(src: &str, dst: &str, mark: u8) -> Flow {
    rtp(MediaType::Video, src, dst, mark, 200)
}

/// A flow of connectivity checks.
pub(crate) fn stun(src: &str, dst: &str, mark: u8) -> Flow {
    let mut flow = udp(src, dst, mark, 10);
    flow.dscp_by_kind = vec![(PayloadKind::Stun, flow.dscp.clone())];
    flow.signs.stun = true;
    flow
}

/// A flow of RTCP.
pub(crate) fn rtcp(src: &str, dst: &str, mark: u8) -> Flow {
    let mut flow = udp(src, dst, mark, 5);
    flow.dscp_by_kind = vec![(PayloadKind::Rtcp, flow.dscp.clone())];
    flow.signs.rtcp = true;
    flow
}

/// The same flow, with runs of marks after each other, all of them media.
pub(crate) fn runs(mut flow: Flow, runs: &[(u8, u64)]) -> Flow {
    flow.dscp = counts(runs);
    flow.packets = flow.dscp.total();
    flow.dscp_by_kind = vec![(PayloadKind::Media, flow.dscp.clone())];
    flow.dscp_changes = runs.len() as u64 - 1;
    let mut at = 0;
    for pair in runs.windows(2) {
        at += pair[0].1;
        if flow.changes.len() < Flow::CHANGES_KEPT {
            flow.changes.push(DscpChange {
                packet: at,
                frame: at + 1,
                time: i64::try_from(at).unwrap() * 20_000_000,
                from: dscp(pair[0].0),
                to: dscp(pair[1].0),
            });
        }
    }
    flow
}

/// Adds packets of another kind to a flow of media.
pub(crate) fn beside(mut flow: Flow, kind: PayloadKind, mark: u8, packets: u64) -> Flow {
    flow.dscp.add(dscp(mark), packets);
    flow.packets += packets;
    flow.dscp_by_kind.push((kind, counts(&[(mark, packets)])));
    if flow.dscp.values() > 1 {
        flow.dscp_changes = 2 * packets;
    }
    flow
}

pub(crate) fn counts(pairs: &[(u8, u64)]) -> DscpCounts {
    pairs
        .iter()
        .map(|(mark, packets)| (dscp(*mark), *packets))
        .collect()
}

pub(crate) fn stream(media: MediaType, packets: u64) -> Stream {
    Stream {
        ssrc: 1,
        payload_type: 0,
        payload_types: vec![(0, packets)],
        packets,
        payload_bytes: packets * 160,
        first: 0,
        last: 0,
        sequence: SequenceReport {
            expected: packets,
            ..SequenceReport::default()
        },
        clock: StreamClock {
            rate: None,
            source: ClockSource::Unknown,
            measured: None,
        },
        jitter: None,
        frame_jitter: None,
        longest_gap_ms: 0.0,
        markers: 0,
        media: Some(media),
        codec: None,
        evidence: Evidence::Behaviour,
        beginning: Beginning::First,
        bye: None,
        over_tcp: false,
        remote: None,
    }
}

/// Judges flows as seen on the path, with the default tolerances.
pub(crate) fn judge(policy: &PolicySet, flows: &[Flow]) -> Report {
    verify(policy, Vantage::Path, flows, &Tolerances::default())
}

/// Code and cause of each finding.
pub(crate) fn causes(report: &Report) -> Vec<(&'static str, &'static str)> {
    report
        .findings
        .iter()
        .map(|finding| (finding.code, finding.cause.name))
        .collect()
}

/// The only finding.
pub(crate) fn only(report: &Report) -> &Finding {
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    &report.findings[0]
}
