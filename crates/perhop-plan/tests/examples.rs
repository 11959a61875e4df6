//! The plans under `examples/`: what `check` says of each, and the seed's table row by row.

mod support;

use perhop_plan::Loaded;
use perhop_policy::{Answer, Dscp, FileId, FlowKey, PolicySet, Protocol, ProtocolMatch, Vantage};

fn load(name: &str) -> Loaded {
    let path = format!(
        "{}/../../examples/{name}/plan.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the example is there");
    perhop_plan::load(FileId(0), &text)
}

fn told(loaded: &Loaded) -> Vec<(&'static str, &'static str)> {
    loaded
        .diagnostics
        .iter()
        .map(|one| (one.severity.as_str(), one.code))
        .collect()
}

#[test]
fn each_example_is_told_what_its_comments_say() {
    let cases: [(&str, &[(&str, &str)]); 7] = [
        ("contoso", &[("info", "plan/outside-server-range")]),
        (
            "seed-blog",
            &[
                ("info", "plan/outside-server-range"),
                ("info", "plan/range-without-class"),
            ],
        ),
        (
            "mvp-guide",
            &[
                ("warning", "plan/same-mark"),
                ("warning", "plan/dynamic-range"),
                ("warning", "plan/not-contiguous"),
            ],
        ),
        (
            "microsoft",
            &[
                ("error", "plan/inside-other-range"),
                ("warning", "plan/not-contiguous"),
                ("warning", "plan/dynamic-range"),
            ],
        ),
        ("teams", &[("info", "plan/dynamic-range")]),
        ("sfb-2019", &[("info", "plan/outside-server-range")]),
        ("webrtc", &[]),
    ];
    for (name, expected) in cases {
        let loaded = load(name);
        assert_eq!(told(&loaded), expected, "{name}");
    }
    let microsoft = load("microsoft");
    assert!(microsoft.policy.is_none());
    let helps = &microsoft.diagnostics[0].helps;
    assert_eq!(helps, &["move `file-transfer` to \"40783-40802\""]);
}

#[test]
fn expectations_and_accepted_warnings_are_counted() {
    assert_eq!(load("contoso").expectations, 3);
    assert_eq!(load("sfb-2019").expectations, 3);
    let contoso = load("contoso");
    let accepted: Vec<_> = contoso
        .allowed
        .iter()
        .map(|one| one.diagnostic.code)
        .collect();
    assert_eq!(accepted, ["plan/not-contiguous"]);
}

/// The comprehensive table of the article, its errata corrected: Edge rows have their ranges on the receiver's side, and
/// ranges end where the configuration ends, one port before the article's.
#[test]
fn the_seeds_plan_gives_the_seeds_table() {
    let policy = load("seed-blog").policy.expect("it is sound");
    let rows: Vec<String> = policy
        .rules()
        .iter()
        .map(|rule| row(&policy, rule))
        .collect();
    let expected = [
        "A/V Conferencing service||Audio|AVMCUSvc.exe|46|Both|Any|Any|49152-57499|",
        "A/V Conferencing service||Video|AVMCUSvc.exe|34|Both|Any|Any|57501-65534|",
        "A/V Edge service|servers|Audio|MediaRelaySvc.exe|46|Both|192.0.2.10/32|Any||49152-57499",
        "A/V Edge service|clients|Audio|MediaRelaySvc.exe|46|Both|192.0.2.10/32|Any||20000-20039",
        "A/V Edge service|servers|Video|MediaRelaySvc.exe|34|Both|192.0.2.10/32|Any||57501-65534",
        "A/V Edge service|clients|Video|MediaRelaySvc.exe|34|Both|192.0.2.10/32|Any||20040-20079",
        "A/V Edge service|Exchange UM servers|Audio|MediaRelaySvc.exe|46|UDP|192.0.2.10/32|192.0.2.40/32||1024-65535",
        "Mediation Server||Audio|MediationServerSvc.exe|46|Both|Any|Any|49152-57499|",
        "Response Group application||Audio|OcsAppServerHost.exe|46|Both|Any|Any|49152-57499|",
        "Conference Announcement service||Audio|OcsAppServerHost.exe|46|Both|Any|Any|49152-57499|",
        "UCMA applications||Audio|OcsAppServerHost.exe|46|Both|Any|Any|49152-57499|",
        "Lync 2010||Audio|communicator.exe|46|Both|Any|Any|20000-20039|",
        "Lync 2010||Video|communicator.exe|34|Both|Any|Any|20040-20079|",
        "Lync 2013||Audio|lync.exe|46|Both|Any|Any|20000-20039|",
        "Lync 2013||Video|lync.exe|34|Both|Any|Any|20040-20079|",
        "Lync 2010 Attendant||Audio|AttendantConsole.exe|46|Both|Any|Any|20000-20039|",
        "Lync 2010 Phone Edition||Audio|*|46|Both|Any|Any|20000-20039|",
    ];
    assert_eq!(rows, expected);
}

fn row(policy: &PolicySet, rule: &perhop_policy::Rule) -> String {
    let any = |nets: &[ipnet::IpNet]| nets.first().map_or("Any".to_owned(), ToString::to_string);
    let ports = |ports: perhop_policy::PortMatch| {
        ports
            .range()
            .map_or(String::new(), |range| range.to_string())
    };
    let class = match policy.class(rule.class).name.as_str() {
        "audio" => "Audio",
        "video" => "Video",
        other => panic!("the article has no {other}"),
    };
    let protocol = match rule.protocol {
        ProtocolMatch::Both => "Both",
        ProtocolMatch::Only(Protocol::Udp) => "UDP",
        ProtocolMatch::Only(Protocol::Tcp) => "TCP",
    };
    format!(
        "{}|{}|{class}|{}|{}|{protocol}|{}|{}|{}|{}",
        rule.component,
        rule.peer,
        rule.app,
        rule.dscp.value(),
        any(&rule.src),
        any(&rule.dst),
        ports(rule.src_ports.0),
        ports(rule.dst_ports.0)
    )
}

/// The Edge's video rule and its voice-mail rule overlap with different marks; the more specific one wins.
#[test]
fn the_edges_overlap_is_settled_by_precedence() {
    let policy = load("contoso").policy.expect("it is sound");
    let edge = policy
        .scope_ids()
        .find(|id| policy.scope(*id).name == "edge")
        .expect("there is one");
    let mark = |destination: &str, port: u16, protocol| {
        let key = FlowKey {
            scope: edge,
            app: Some("MediaRelaySvc.exe"),
            protocol,
            src: "192.0.2.10".parse().expect("an address"),
            src_port: 3478,
            dst: destination.parse().expect("an address"),
            dst_port: port,
        };
        match policy.classify(&key, Vantage::Path) {
            Answer::Unplanned => None,
            Answer::Marked { rule, dscp } => Some((policy.rule(rule).name.as_str(), dscp)),
        }
    };
    let (ef, af41) = (Dscp::EF, Dscp::AF41);
    let mail = Some(("edge/av-edge/audio-to-exchange-um", ef));
    let video = Some(("edge/av-edge/video-to-clients", af41));
    for port in [1024, 20039, 20040, 20079, 20080, 57501, 65535] {
        assert_eq!(mark("192.0.2.40", port, Protocol::Udp), mail, "{port}");
    }
    assert_eq!(mark("192.0.2.40", 1023, Protocol::Udp), None);
    assert_eq!(mark("192.0.2.40", 20040, Protocol::Tcp), video);
    assert_eq!(mark("192.0.2.41", 20040, Protocol::Udp), video);
    assert_eq!(mark("192.0.2.41", 20079, Protocol::Udp), video);
    assert_eq!(mark("192.0.2.41", 20080, Protocol::Udp), None);
}
