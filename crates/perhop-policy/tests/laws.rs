//! Laws of the policy set, held against a brute-force reading of the same rules.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::cmp::Ordering;
use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::overlap::{self, AddressFamily, Intervals, Space};
use perhop_policy::set::Parts;
use perhop_policy::{
    Answer, AppMatch, Class, ClassId, ClassKind, Dscp, DstPorts, FlowKey, Host, Marker, PolicySet,
    PortMatch, PortRange, Protocol, ProtocolMatch, Rate, Role, Rule, Scope, ScopeId, Span,
    SrcPorts, Statement, Vantage, diff, precedence,
};
use proptest::prelude::*;

const APPS: [&str; 6] = [
    "*",
    "lync.exe",
    r"C:\a\lync.exe",
    "other.exe",
    "Lync.EXE",
    r"c:\A\LYNC.exe",
];
const NETS: [&str; 6] = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3/32",
    "192.0.2.0/24",
    "2001:db8::/32",
    "2001:db8:1::/48",
];

prop_compose! {
    fn nets()(picks in proptest::collection::vec(0..NETS.len(), 0..3)) -> Vec<IpNet> {
        picks.into_iter().map(|i| NETS[i].parse().unwrap()).collect()
    }
}

prop_compose! {
    /// Ports close together, so that overlaps are common.
    fn port_match()(first in 0u16..12, length in 0u16..6, any in any::<bool>()) -> PortMatch {
        if any {
            PortMatch::Any
        } else {
            PortMatch::Range(PortRange::try_new(100 + first, 100 + first + length).unwrap())
        }
    }
}

prop_compose! {
    fn rule()(
        app in 0..APPS.len(),
        protocol in 0u8..3,
        src in nets(),
        dst in nets(),
        src_ports in port_match(),
        dst_ports in port_match(),
        dscp in 0usize..3,
    ) -> Rule {
        Rule {
            name: String::new(),
            scope: ScopeId(0),
            component: String::new(),
            peer: String::new(),
            class: ClassId(0),
            app: AppMatch::parse(APPS[app]),
            protocol: match protocol {
                0 => ProtocolMatch::Both,
                1 => ProtocolMatch::Only(Protocol::Udp),
                _ => ProtocolMatch::Only(Protocol::Tcp),
            },
            src,
            dst,
            src_ports: SrcPorts(src_ports),
            dst_ports: DstPorts(dst_ports),
            dscp: Dscp::try_new([46, 34, 24][dscp]).unwrap(),
            marker: Marker::HostPolicy,
            throttle: None,
            origin: Span::default(),
        }
    }
}

prop_compose! {
    /// Few rules throttle, so that most sets do not contradict themselves.
    fn throttled()(rule in rule(), units in 0u64..6) -> Rule {
        Rule { throttle: Rate::from_windows_units(units).filter(|_| units > 3), ..rule }
    }
}

fn parts(rules: Vec<Rule>) -> Parts {
    Parts {
        name: "laws".to_owned(),
        classes: vec![Class {
            name: "audio".to_owned(),
            kind: ClassKind::Audio,
            dscp: Dscp::EF,
            pcp: None,
            origin: Span::default(),
        }],
        scopes: vec![Scope {
            name: "clients".to_owned(),
            role: Role::Client,
            host: Host::Windows,
            site: None,
            addresses: Vec::new(),
            origin: Span::default(),
        }],
        rules: rules
            .into_iter()
            .enumerate()
            .map(|(index, rule)| Rule {
                name: format!("rule-{index}"),
                ..rule
            })
            .collect(),
        ..Parts::default()
    }
}

fn matches(statement: &Statement, key: &FlowKey<'_>) -> bool {
    let inside = |net: Option<IpNet>, address: IpAddr| net.is_none_or(|net| net.contains(&address));
    statement.app.matches(key.app)
        && statement.protocol.matches(key.protocol)
        && statement.src_ports.0.matches(key.src_port)
        && statement.dst_ports.0.matches(key.dst_port)
        && inside(statement.src, key.src)
        && inside(statement.dst, key.dst)
}

/// Marks of the matching statements that no matching statement outranks.
fn brute_force(statements: &[Statement], key: &FlowKey<'_>) -> Vec<Dscp> {
    let matching: Vec<&Statement> = statements.iter().filter(|s| matches(s, key)).collect();
    let mut marks: Vec<Dscp> = matching
        .iter()
        .filter(|s| {
            !matching
                .iter()
                .any(|other| precedence::compare(other, s) == Ordering::Greater)
        })
        .map(|s| s.dscp)
        .collect();
    marks.sort_unstable();
    marks.dedup();
    marks
}

fn keys() -> Vec<FlowKey<'static>> {
    let addresses: [&[&str]; 2] = [
        &[
            "10.1.2.3",
            "10.1.9.9",
            "10.200.0.1",
            "192.0.2.7",
            "203.0.113.1",
        ],
        &["2001:db8:1::1", "2001:db8:2::1", "2001:db9::1"],
    ];
    let apps = [
        None,
        Some("LYNC.exe"),
        Some(r"C:\a\lync.exe"),
        Some("x.exe"),
    ];
    let mut out = Vec::new();
    for family in addresses {
        for src in family {
            for dst in family {
                for app in apps {
                    for protocol in [Protocol::Udp, Protocol::Tcp] {
                        for port in [99u16, 103, 106, 118] {
                            out.push(FlowKey {
                                scope: ScopeId(0),
                                app,
                                protocol,
                                src: src.parse().unwrap(),
                                src_port: port,
                                dst: dst.parse().unwrap(),
                                dst_port: 209 - port,
                            });
                        }
                    }
                }
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A set that is made answers as brute force does, at every edge; one that is refused has a key with two answers
    /// somewhere, or at least an undecided pair.
    #[test]
    fn classify_agrees_with_brute_force(rules in proptest::collection::vec(rule(), 1..7)) {
        let statements: Vec<Statement> = rules
            .iter()
            .enumerate()
            .flat_map(|(i, r)| r.statements(perhop_policy::RuleId(u32::try_from(i).unwrap())))
            .collect();
        match PolicySet::try_new(parts(rules)) {
            Ok(set) => {
                for key in keys() {
                    let expected = brute_force(&statements, &key);
                    let got = set.classify(&key, Vantage::Path);
                    match got {
                        Answer::Unplanned => prop_assert!(expected.is_empty(), "{key:?}: {expected:?}"),
                        Answer::Marked { dscp, .. } => prop_assert_eq!(&expected, &vec![dscp], "{:?}", key),
                    }
                }
            }
            Err(problems) => {
                prop_assert!(problems.iter().all(|p| p.code == "policy/undecided-overlap"));
                let undecided = statements.iter().enumerate().any(|(i, a)| {
                    statements[..i].iter().any(|b| {
                        a.dscp != b.dscp && precedence::compare(a, b) == Ordering::Equal
                    })
                });
                prop_assert!(undecided, "{problems:?}");
            }
        }
    }

    /// Regions of one scope share no packet unless they share the mark.
    #[test]
    fn regions_never_contradict(rules in proptest::collection::vec(rule(), 1..7)) {
        let Ok(set) = PolicySet::try_new(parts(rules)) else { return Ok(()) };
        let regions = set.regions(ScopeId(0));
        for (i, a) in regions.iter().enumerate() {
            for b in &regions[..i] {
                prop_assert!(
                    a.dscp == b.dscp || a.space.intersection(&b.space).is_none(),
                    "{a:?} and {b:?}"
                );
            }
        }
    }
}

/// A packet of a box, for a process that its base names.
fn witness(space: &Space) -> FlowKey<'_> {
    let address = |intervals: &Intervals| -> IpAddr {
        let first = intervals.as_slice()[0].0;
        match space.family {
            AddressFamily::V4 => std::net::Ipv4Addr::from(u32::try_from(first).unwrap()).into(),
            AddressFamily::V6 => std::net::Ipv6Addr::from(first).into(),
        }
    };
    let port = |intervals: &Intervals| u16::try_from(intervals.as_slice()[0].0).unwrap();
    let base = space.apps.base.as_str();
    FlowKey {
        scope: ScopeId(0),
        app: (base != "*").then_some(base),
        protocol: if space.has_protocol(Protocol::Udp) {
            Protocol::Udp
        } else {
            Protocol::Tcp
        },
        src: address(&space.src),
        src_port: port(&space.src_ports),
        dst: address(&space.dst),
        dst_port: port(&space.dst_ports),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is subtracted in whatever letters, no box is left that holds no packet.
    #[test]
    fn no_box_is_empty(rules in proptest::collection::vec(rule(), 1..7)) {
        let statements = |rule: &Rule| -> Vec<Statement> {
            let Ok(set) = PolicySet::try_new(parts(vec![rule.clone()])) else { return Vec::new() };
            set.statements().to_vec()
        };
        let all: Vec<Space> = rules.iter().flat_map(statements).flat_map(|one| Space::of(&one)).collect();
        for (index, space) in all.iter().enumerate() {
            let left = overlap::subtract(vec![space.clone()], &all[index + 1..]);
            let met = all.iter().filter_map(|other| space.intersection(other));
            for one in left.iter().cloned().chain(met) {
                prop_assert!(one.contains(&witness(&one)), "{one:?}");
            }
        }
    }
}

fn plain(dscp: u8, dst: &[&str], dst_ports: (u16, u16), protocol: ProtocolMatch) -> Rule {
    Rule {
        name: String::new(),
        scope: ScopeId(0),
        component: "A/V Edge".to_owned(),
        peer: String::new(),
        class: ClassId(0),
        app: AppMatch::parse("MediaRelaySvc.exe"),
        protocol,
        src: vec!["192.0.2.10/32".parse().unwrap()],
        dst: dst.iter().map(|net| net.parse().unwrap()).collect(),
        src_ports: SrcPorts(PortMatch::Any),
        dst_ports: DstPorts(PortMatch::Range(
            PortRange::try_new(dst_ports.0, dst_ports.1).unwrap(),
        )),
        dscp: Dscp::try_new(dscp).unwrap(),
        marker: Marker::HostPolicy,
        throttle: None,
        origin: Span::default(),
    }
}

fn edge_key(dst: &str, dst_port: u16, protocol: Protocol) -> FlowKey<'_> {
    FlowKey {
        scope: ScopeId(0),
        app: Some("mediarelaysvc.exe"),
        protocol,
        src: "192.0.2.10".parse().unwrap(),
        src_port: 3478,
        dst: dst.parse().unwrap(),
        dst_port,
    }
}

/// The hard case: video to anyone on the client ports, and audio to the voice-mail servers on nearly all ports.
#[test]
fn the_more_specific_rule_takes_the_overlap() {
    let set = PolicySet::try_new(parts(vec![
        plain(34, &[], (20040, 20079), ProtocolMatch::Both),
        plain(
            46,
            &["192.0.2.40/32", "192.0.2.41/32"],
            (1024, 65535),
            ProtocolMatch::Only(Protocol::Udp),
        ),
    ]))
    .unwrap();
    let mark =
        |dst, port, protocol| match set.classify(&edge_key(dst, port, protocol), Vantage::Path) {
            Answer::Marked { dscp, .. } => Some(dscp.value()),
            Answer::Unplanned => None,
        };
    assert_eq!(mark("192.0.2.40", 20050, Protocol::Udp), Some(46));
    assert_eq!(mark("192.0.2.41", 20050, Protocol::Udp), Some(46));
    assert_eq!(mark("192.0.2.40", 20050, Protocol::Tcp), Some(34));
    assert_eq!(mark("192.0.2.42", 20050, Protocol::Udp), Some(34));
    assert_eq!(mark("192.0.2.42", 20080, Protocol::Udp), None);
}

#[test]
fn what_precedence_does_not_settle_is_an_error_with_both_places() {
    let mut first = plain(34, &[], (100, 200), ProtocolMatch::Both);
    first.origin = Span::new(1, 5);
    let mut second = plain(46, &[], (150, 160), ProtocolMatch::Both);
    second.origin = Span::new(7, 9);
    let problems = PolicySet::try_new(parts(vec![first, second])).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].code, "policy/undecided-overlap");
    assert_eq!(problems[0].labels[0].span, Span::new(7, 9));
    assert_eq!(problems[0].labels[1].span, Span::new(1, 5));
    assert!(
        problems[0].notes[0].contains("150-160"),
        "{:?}",
        problems[0].notes
    );
}

#[test]
fn a_third_rule_that_outranks_both_settles_it() {
    let set = PolicySet::try_new(parts(vec![
        plain(34, &[], (100, 200), ProtocolMatch::Both),
        plain(46, &[], (150, 160), ProtocolMatch::Both),
        plain(24, &["0.0.0.0/0", "::/0"], (140, 170), ProtocolMatch::Both),
    ]));
    assert!(set.is_ok(), "{set:?}");
}

#[test]
fn overlaps_beyond_measure_are_refused() {
    let mut rules: Vec<Rule> = (0..300u16)
        .map(|i| {
            let mut rule = plain(46, &["10.0.0.0/8"], (1, 1), ProtocolMatch::Both);
            let spread = |factor: u16| 1 + i.wrapping_mul(factor) % 30_000;
            rule.src_ports = SrcPorts(PortMatch::Range(
                PortRange::try_new(spread(7919), spread(7919) + 9_000).unwrap(),
            ));
            rule.dst_ports = DstPorts(PortMatch::Range(
                PortRange::try_new(spread(6151), spread(6151) + 9_000).unwrap(),
            ));
            rule.dst = vec![
                format!("10.{}.0.0/{}", i % 256, 9 + i % 8)
                    .parse::<IpNet>()
                    .unwrap()
                    .trunc(),
            ];
            rule
        })
        .collect();
    rules.push(plain(34, &[], (1, 65000), ProtocolMatch::Both));

    let problems = PolicySet::try_new(parts(rules)).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].code, "policy/too-many-regions");
}

/// What the network marks is unmarked at the sender; a placed scope hides an unplaced one of the same role.
#[test]
fn vantage_and_place_decide_what_is_seen() {
    let mut both = parts(vec![
        plain(46, &[], (100, 200), ProtocolMatch::Both),
        plain(34, &[], (100, 200), ProtocolMatch::Both),
    ]);
    both.scopes.push(Scope {
        name: "clients@site".to_owned(),
        addresses: vec!["192.0.2.0/24".parse().unwrap()],
        site: Some("site".to_owned()),
        ..both.scopes[0].clone()
    });
    both.rules[1].scope = ScopeId(1);
    both.rules[1].marker = Marker::Network;
    let set = PolicySet::try_new(both).unwrap();
    let key = edge_key("203.0.113.1", 150, Protocol::Udp);
    let seen = set.candidates(&key, Vantage::Path);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].located);
    assert_eq!(seen[0].dscp.value(), 34);
    assert_eq!(set.candidates(&key, Vantage::Sender)[0].dscp, Dscp::DF);
    let elsewhere = FlowKey {
        src: "198.51.100.1".parse().unwrap(),
        ..key
    };
    assert_eq!(set.candidates(&elsewhere, Vantage::Path).len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A packet is in a change exactly when its answers differ, and then the change says both.
    #[test]
    fn a_diff_is_every_packet_that_changes_and_no_other(
        old in proptest::collection::vec(throttled(), 0..5),
        new in proptest::collection::vec(throttled(), 0..5),
    ) {
        let (Ok(old), Ok(new)) = (PolicySet::try_new(parts(old)), PolicySet::try_new(parts(new))) else {
            return Ok(());
        };
        let changes = diff::diff(&diff::marked(&old), &diff::marked(&new));
        let mark = |policy: &PolicySet, key: &FlowKey<'_>| match policy.classify(key, Vantage::Sender) {
            Answer::Unplanned => None,
            Answer::Marked { dscp, rule } => Some((dscp, policy.rule(rule).throttle)),
        };
        for key in keys() {
            let (before, after) = (mark(&old, &key), mark(&new, &key));
            let holds = |change: &&diff::Change| {
                let twin = change.both_families && key.src.is_ipv6() && key.dst.is_ipv6();
                let mut space = change.space.clone();
                if twin {
                    space.family = AddressFamily::V6;
                    space.src = Intervals::new(0, u128::MAX);
                    space.dst = Intervals::new(0, u128::MAX);
                }
                change.space.contains(&key) || space.contains(&key)
            };
            let found: Vec<&diff::Change> = changes.iter().filter(holds).collect();
            if before == after {
                prop_assert!(found.is_empty(), "{key:?} {found:?}");
            } else {
                prop_assert_eq!(found.len(), 1, "{:?} {:?}", key, found);
                let side = |one: &Option<diff::Done>| one.as_ref().map(|one| (one.dscp, one.throttle));
                prop_assert_eq!((side(&found[0].old), side(&found[0].new)), (before, after));
                let marks = (before.map(|one| one.0), after.map(|one| one.0));
                prop_assert_eq!(found[0].is_of_mark(), marks.0 != marks.1);
            }
        }
    }
}

/// What a site gets of its own is compared with what its hosts had before.
#[test]
fn a_new_site_changes_only_what_differs_there() {
    let ports = |first: u16| {
        SrcPorts(PortMatch::Range(
            PortRange::try_new(first, first + 9).unwrap(),
        ))
    };
    let one = |scope: u16, first: u16| Rule {
        scope: ScopeId(scope),
        src: Vec::new(),
        src_ports: ports(first),
        dst_ports: DstPorts::default(),
        ..plain(46, &[], (1, 2), ProtocolMatch::Both)
    };
    let old = PolicySet::try_new(parts(vec![one(0, 100)])).unwrap();
    let mut more = parts(vec![one(0, 100), one(1, 100), one(1, 200)]);
    more.scopes.push(Scope {
        name: "clients@Redmond".to_owned(),
        ..more.scopes[0].clone()
    });
    let new = PolicySet::try_new(more).unwrap();
    let changes = diff::diff(&diff::marked(&old), &diff::marked(&new));
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].scope, "clients@Redmond");
    assert!(changes[0].both_families && changes[0].old.is_none());
    assert_eq!(changes[0].space.src_ports.as_slice(), [(200, 209)]);
    assert_eq!(diff::diff(&diff::marked(&new), &diff::marked(&new)), []);
}
