use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use perhop_policy::set::Parts;
use perhop_policy::{
    AppMatch, Candidate, ClassKind, PortMatch, Protocol, ProtocolMatch, Role, ScopeId, Vantage,
};
use proptest::prelude::*;

use super::filters::{Filter, Shows};
use super::*;
use crate::testing::{HOSTILE, class, nets, range, rule, scope};

/// Clients, a site of their own, servers, an edge whose voice-mail rule overlaps its video rule, phones that mark 40.
fn policy() -> PolicySet {
    let mut rules = vec![
        rule("clients/a/audio", 0, 0, 46, Some(range(20000, 20039))),
        rule("clients/a/video", 0, 1, 34, Some(range(20040, 20079))),
        rule("clients@R/a/audio", 1, 0, 46, Some(range(21000, 21039))),
        rule("servers/s/audio", 2, 0, 46, Some(range(49152, 57499))),
        rule("servers/s/video", 2, 1, 34, Some(range(57501, 65534))),
        rule("edge/e/video", 3, 1, 34, None),
        rule("edge/e/audio-to-um", 3, 0, 46, None),
        rule("phones/p/audio", 4, 0, 40, Some(range(20000, 20039))),
        rule("servers/s/sharing", 2, 2, 24, Some(range(40803, 49150))),
    ];
    rules[0].app = AppMatch::parse("lync.exe");
    for (index, dst) in [(5, range(20040, 20079)), (6, range(1024, 65535))] {
        rules[index].src_ports.0 = PortMatch::Any;
        rules[index].dst_ports.0 = PortMatch::Range(dst);
        rules[index].src = nets(&["192.0.2.10"]);
    }
    rules[6].dst = nets(&["192.0.2.40"]);
    rules[6].protocol = ProtocolMatch::Only(Protocol::Udp);
    rules[8].protocol = ProtocolMatch::Only(Protocol::Tcp);
    PolicySet::try_new(Parts {
        name: "Contoso".into(),
        classes: vec![
            class("audio", ClassKind::Audio, 46),
            class("video", ClassKind::Video, 34),
            class("app-sharing", ClassKind::AppSharing, 24),
        ],
        scopes: vec![
            scope("clients", Role::Client, &[]),
            scope(
                "clients@R",
                Role::Client,
                &["10.1.0.0/16", "2001:db8:1::/48"],
            ),
            scope("servers", Role::Server, &[]),
            scope("edge", Role::Edge, &["192.0.2.10"]),
            scope("phones", Role::Phone, &["10.7.0.0/24", "10.7.2.3"]),
        ],
        rules,
        ..Parts::default()
    })
    .unwrap()
}

#[derive(Debug, Clone, Copy)]
struct Packet {
    protocol: Protocol,
    src: IpAddr,
    src_port: u16,
    dst: IpAddr,
    dst_port: u16,
    dscp: u8,
}

impl Packet {
    fn candidates(&self, policy: &PolicySet) -> Vec<Candidate> {
        let key = FlowKey {
            scope: ScopeId(0),
            app: None,
            protocol: self.protocol,
            src: self.src,
            src_port: self.src_port,
            dst: self.dst,
            dst_port: self.dst_port,
        };
        policy.candidates(&key, Vantage::Path)
    }

    fn frame(&self, vlan: bool) -> Vec<u8> {
        let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        if vlan {
            out.extend([0x81, 0x00, 0xa0, 0x07]);
        }
        let transport: Vec<u8> = match self.protocol {
            Protocol::Udp => [
                &self.src_port.to_be_bytes()[..],
                &self.dst_port.to_be_bytes()[..],
                &[0, 12, 0, 0, 1, 2, 3, 4],
            ]
            .concat(),
            Protocol::Tcp => [
                &self.src_port.to_be_bytes()[..],
                &self.dst_port.to_be_bytes()[..],
                &[0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0],
            ]
            .concat(),
        };
        let next = if self.protocol == Protocol::Udp {
            17
        } else {
            6
        };
        let length = u16::try_from(transport.len()).unwrap();
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                out.extend([0x08, 0x00, 0x45, self.dscp << 2 | 1]);
                out.extend((length + 20).to_be_bytes());
                out.extend([0, 0, 0, 0, 64, next, 0, 0]);
                out.extend(src.octets());
                out.extend(dst.octets());
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                out.extend([
                    0x86,
                    0xdd,
                    0x60 | self.dscp >> 2,
                    self.dscp << 6 | 0x15,
                    0,
                    7,
                ]);
                out.extend(length.to_be_bytes());
                out.extend([next, 64]);
                out.extend(src.octets());
                out.extend(dst.octets());
            }
            _ => unreachable!("both addresses of one family"),
        }
        out.extend(transport);
        out
    }
}

/// Keys at and beside every edge of the plan, each with marks that are right, another rule's, or nobody's.
fn packets() -> Vec<Packet> {
    let sources = ["10.1.2.3", "10.9.9.9", "192.0.2.10", "10.7.0.9", "10.7.2.3"];
    let mut pairs: Vec<(IpAddr, IpAddr)> = Vec::new();
    for src in sources {
        for dst in ["10.8.8.8", "192.0.2.40"] {
            pairs.push((src.parse().unwrap(), dst.parse().unwrap()));
        }
    }
    for src in ["2001:db8:1::5", "2001:db8:9::9"] {
        pairs.push((src.parse().unwrap(), "2001:db8:8::8".parse().unwrap()));
    }
    let ports = [
        1023, 1024, 19999, 20000, 20039, 20040, 20079, 20080, 21000, 21039, 21040, 40802, 40803,
        49150, 49151, 49152, 57499, 57500, 57501, 65534, 65535,
    ];
    let mut out = Vec::new();
    let mut turn = 0usize;
    for (src, dst) in pairs {
        for src_port in ports {
            for dst_port in [1023, 1024, 20039, 20040, 20079, 20080] {
                for protocol in [Protocol::Udp, Protocol::Tcp] {
                    // Marks in turn: every key would make the capture five times as large.
                    let dscp = [46, 34, 40, 24, 0, 8][turn % 6];
                    turn += 1 + usize::from(turn.is_multiple_of(17));
                    out.push(Packet {
                        protocol,
                        src,
                        src_port,
                        dst,
                        dst_port,
                        dscp,
                    });
                }
            }
        }
    }
    out
}

/// A pcap file; a packet's number is its time in seconds.
fn pcap(packets: &[Packet], vlan: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for number in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0xffff, 1] {
        out.extend(number.to_le_bytes());
    }
    for (index, packet) in packets.iter().enumerate() {
        let frame = packet.frame(vlan);
        let length = u32::try_from(frame.len()).unwrap();
        for number in [u32::try_from(index).unwrap(), 0, length, length] {
            out.extend(number.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

/// Whether a filter should show a packet, by the policy's own oracle.
fn expected(policy: &PolicySet, filter: &Filter, packet: &Packet) -> bool {
    let all = packet.candidates(policy);
    let right = all.iter().any(|one| one.dscp.value() == packet.dscp);
    let own: Vec<&Candidate> = all
        .iter()
        .filter(|one| {
            let rule = policy.rule(one.rule);
            filter
                .class
                .as_ref()
                .is_none_or(|(index, _)| usize::from(rule.class.0) == *index)
                && filter
                    .side
                    .is_none_or(|side| policy.scope(rule.scope).role == side)
        })
        .collect();
    match filter.shows {
        Shows::AsPlanned => own.iter().any(|one| one.dscp.value() == packet.dscp),
        Shows::WrongMark => !own.is_empty() && !right,
        Shows::NotPlanned => {
            let marks: Vec<u8> = policy
                .rules()
                .iter()
                .filter(|rule| {
                    filter
                        .class
                        .as_ref()
                        .is_none_or(|(index, _)| usize::from(rule.class.0) == *index)
                })
                .map(|rule| rule.dscp.value())
                .collect();
            marks.contains(&packet.dscp)
                && if filter.class.is_some() {
                    !all.iter().any(|one| marks.contains(&one.dscp.value()))
                } else {
                    all.is_empty()
                }
        }
    }
}

/// A folder of this test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("perhop-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn installed(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

fn tshark(config: &Path, file: &Path, arguments: &[&str]) -> String {
    let out = Command::new("tshark")
        .env("WIRESHARK_CONFIG_DIR", config)
        .arg("-r")
        .arg(file)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn display_filters_show_in_tshark_what_the_oracle_says() {
    if !installed("tshark") {
        return;
    }
    let policy = policy();
    let packets = packets();
    let folder = Folder::new("display");
    let file = folder.write("a.pcap", &pcap(&packets, false));
    let filters = filters::display(&policy);
    assert_eq!(filters.len(), 3 + 2 * 8 + 3);
    for filter in &filters {
        let shown = tshark(
            &folder.0,
            &file,
            &["-Y", &filter.text, "-T", "fields", "-e", "frame.number"],
        );
        let shown: Vec<usize> = shown.lines().map(|line| line.parse().unwrap()).collect();
        let wanted: Vec<usize> = (1..)
            .zip(&packets)
            .filter(|(_, packet)| expected(&policy, filter, packet))
            .map(|(number, _)| number)
            .collect();
        assert!(!wanted.is_empty(), "{} tests nothing", filter.name);
        assert_eq!(shown, wanted, "{}: {}", filter.name, filter.text);
    }
}

#[test]
fn coloring_rules_and_columns_load_in_tshark() {
    if !installed("tshark") {
        return;
    }
    let policy = policy();
    let packets = packets();
    let folder = Folder::new("coloring");
    let file = folder.write("a.pcap", &pcap(&packets, false));
    let lowered = Wireshark.lower(&policy, &TargetRequest::default());
    for artifact in lowered.unwrap().emit() {
        if let Some(name) = artifact.path.strip_prefix("wireshark/profile/") {
            folder.write(&format!("profiles/perhop/{name}"), &artifact.bytes);
        }
    }
    let fields = ["-T", "fields", "-e", "frame.coloring_rule.name"];
    let shown = tshark(
        &folder.0,
        &file,
        &[&["-C", "perhop", "--color"], &fields[..]].concat(),
    );
    let filters = filters::display(&policy);
    let order = [Shows::WrongMark, Shows::NotPlanned, Shows::AsPlanned];
    for (packet, line) in packets.iter().zip(shown.lines()) {
        let first = order.iter().find_map(|shows| {
            filters
                .iter()
                .filter(|one| one.shows == *shows)
                .filter(|one| one.class.is_some() == (*shows == Shows::AsPlanned))
                .find(|one| expected(&policy, one, packet))
        });
        assert_eq!(
            line,
            first.map_or("", |one| one.name.as_str()),
            "{packet:?}"
        );
    }
    assert_eq!(shown.lines().count(), packets.len());
    let columns = tshark(&folder.0, &file, &["-C", "perhop", "-c", "1"]);
    let words: Vec<&str> = columns.split_whitespace().collect();
    assert_eq!(&words[2..4], ["10.1.2.3", "1023"], "{columns}");
    assert_eq!(words[8], "46", "{columns}");
}

#[test]
fn capture_filters_take_in_tcpdump_what_the_oracle_says() {
    if !installed("tcpdump") {
        return;
    }
    let policy = policy();
    let packets = packets();
    let folder = Folder::new("capture");
    let (plain, tagged) = (filters::capture(&policy), filters::capture_tagged(&policy));
    for (vlan, filter) in [(false, &plain), (false, &tagged), (true, &tagged)] {
        let file = folder.write("a.pcap", &pcap(&packets, vlan));
        let out = Command::new("tcpdump")
            .arg("-r")
            .arg(&file)
            .args(["-w", "-", filter])
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        let kept: Vec<Packet> = packets
            .iter()
            .filter(|packet| {
                !packet.candidates(&policy).is_empty() || [46, 34, 40, 24].contains(&packet.dscp)
            })
            .copied()
            .collect();
        assert!(kept.len() < packets.len());
        assert_eq!(numbers(&out.stdout), numbers_of(&packets, &kept, vlan));
    }
}

/// Times in seconds of the packets of a little-endian pcap file.
fn numbers(bytes: &[u8]) -> Vec<u32> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut out = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        out.push(word(at));
        at += 16 + word(at + 8) as usize;
    }
    out
}

fn numbers_of(all: &[Packet], kept: &[Packet], vlan: bool) -> Vec<u32> {
    let frames: Vec<Vec<u8>> = kept.iter().map(|one| one.frame(vlan)).collect();
    let mut next = frames.iter().peekable();
    (0u32..)
        .zip(all)
        .filter(|(_, one)| next.next_if(|frame| **frame == one.frame(vlan)).is_some())
        .map(|(number, _)| number)
        .collect()
}

#[test]
fn the_capture_filter_compiles_in_dumpcap() {
    if !installed("dumpcap") {
        return;
    }
    for filter in [
        filters::capture(&policy()),
        filters::capture_tagged(&policy()),
    ] {
        let out = Command::new("dumpcap")
            .args(["-i", "lo", "-d", "-f", &filter])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stderr);
        if text.contains("permission") || text.contains("no interface") {
            println!("skipped: {text}");
            return;
        }
        assert!(out.status.success(), "{text}");
        assert!(String::from_utf8_lossy(&out.stdout).contains("ret"));
    }
}

#[test]
fn a_plan_without_addresses_has_short_filters() {
    let policy = PolicySet::try_new(Parts {
        classes: vec![class("audio", ClassKind::Audio, 46)],
        scopes: vec![scope("clients", Role::Client, &[])],
        rules: vec![
            rule("a", 0, 0, 46, Some(range(20000, 20039))),
            rule("b", 0, 0, 46, Some(range(5060, 5060))),
        ],
        ..Parts::default()
    })
    .unwrap();
    assert_eq!(
        filters::display(&policy)[0].text,
        "(ip.dsfield.dscp == 46 or ipv6.tclass.dscp == 46) and (udp.srcport in {5060, 20000..20039} or \
         tcp.srcport in {5060, 20000..20039}) and not (icmp or icmpv6)"
    );
    assert_eq!(
        filters::capture(&policy),
        "((udp src port 5060 or udp src portrange 20000-20039) or (tcp src port 5060 or tcp src portrange 20000-20039)) \
         or ((ip and ip[1] & 0xfc = 0xb8) or (ip6 and ip6[0:2] & 0x0fc0 = 0x0b80))"
    );
}

#[test]
fn a_large_plan_keeps_to_the_filters_of_the_whole() {
    let rules = (0..3000u16).map(|index| {
        let mut one = rule(
            "r",
            0,
            0,
            46,
            Some(range(1024 + index * 2, 1024 + index * 2)),
        );
        let octets = [
            10,
            1,
            u8::try_from(index / 256).unwrap(),
            (index % 256) as u8,
        ];
        one.dst = vec![ipnet::IpNet::from(IpAddr::from(octets))];
        one
    });
    let policy = PolicySet::try_new(Parts {
        classes: vec![class("audio", ClassKind::Audio, 46)],
        scopes: vec![scope("clients", Role::Client, &[])],
        rules: rules.collect(),
        ..Parts::default()
    })
    .unwrap();
    let filters = filters::display(&policy);
    assert_eq!(filters.len(), 3);
    assert_eq!(files::coloring(&filters).lines().count(), 1 + 3);
}

#[test]
fn hostile_class_names_keep_to_their_line() {
    for name in HOSTILE {
        let policy = PolicySet::try_new(Parts {
            name: name.into(),
            classes: vec![class(name, ClassKind::Other, 46)],
            scopes: vec![scope("clients", Role::Client, &[])],
            rules: vec![rule("a", 0, 0, 46, Some(range(20000, 20039)))],
            ..Parts::default()
        })
        .unwrap();
        let program = Wireshark.lower(&policy, &TargetRequest::default()).unwrap();
        let files = program.emit();
        let back = Wireshark.read(&files).unwrap();
        assert_eq!(back.emit(), files);
        let text = |end: &str| {
            let file = files.iter().find(|file| file.path.ends_with(end)).unwrap();
            String::from_utf8(file.bytes.clone()).unwrap()
        };
        assert_eq!(text("colorfilters").lines().count(), 1 + 2 + 1);
        let saved = files::read_saved(&text("dfilters")).unwrap();
        assert_eq!(saved.len(), filters::display(&policy).len());
        for ((_, filter), made) in saved.iter().zip(filters::display(&policy)) {
            assert_eq!(*filter, made.text);
        }
    }
}

#[test]
fn marks_of_nought_are_not_looked_for() {
    let policy = PolicySet::try_new(Parts {
        classes: vec![class("chat", ClassKind::Other, 0)],
        scopes: vec![scope("clients", Role::Client, &[])],
        rules: vec![rule("a", 0, 0, 0, Some(range(20000, 20039)))],
        ..Parts::default()
    })
    .unwrap();
    let filters = filters::display(&policy);
    assert!(filters[2].text.starts_with("not frame and not ("));
    assert!(filters::capture(&policy).ends_with(" or (ip and ip6)"));
    assert!(
        filters
            .iter()
            .all(|one| one.shows != Shows::NotPlanned || one.class.is_none())
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), text in "[\"\\\\@\\[\\]# a\n]{0,40}") {
        let file = |name: &str, bytes: &[u8]| Artifact {
            path: format!("wireshark/profile/{name}"),
            bytes: bytes.to_vec(),
            purpose: Purpose::Check,
            rules: vec![],
        };
        for content in [&bytes[..], text.as_bytes()] {
            let all = ["dfilters", "cfilters", "colorfilters"].map(|name| file(name, content));
            let _ = Wireshark.read(&all);
        }
    }
}
