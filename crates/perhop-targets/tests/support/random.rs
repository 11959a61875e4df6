//! Policies that no one would write: few values, so that rules overlap often.

use ipnet::IpNet;
use perhop_policy::set::Parts;
use perhop_policy::{
    AppMatch, Class, ClassId, ClassKind, Dscp, DstPorts, Host, Marker, PortMatch, PortRange,
    Protocol, ProtocolMatch, Rate, Role, Rule, Scope, ScopeId, Span, SrcPorts,
};
use proptest::prelude::*;

/// A rule of one of the scopes of [`parts`].
pub(crate) fn any_rule() -> impl Strategy<Value = Rule> {
    let app = prop_oneof![
        Just("*"),
        Just("a.exe"),
        Just("A.exe"),
        Just("b.exe"),
        Just(r"C:\x\a.exe"),
        Just(r"%ProgramFiles%\b.exe"),
    ];
    let protocol = prop_oneof![
        Just(ProtocolMatch::Both),
        Just(ProtocolMatch::Only(Protocol::Tcp)),
        Just(ProtocolMatch::Only(Protocol::Udp)),
    ];
    (
        0u16..4,
        0u16..3,
        app,
        protocol,
        nets(),
        nets(),
        ports(),
        ports(),
    )
        .prop_map(
            |(scope, class, app, protocol, src, dst, src_ports, dst_ports)| Rule {
                name: String::new(),
                scope: ScopeId(scope),
                component: "C".to_owned(),
                peer: String::new(),
                class: ClassId(class),
                app: AppMatch::parse(app),
                protocol,
                src,
                dst,
                src_ports: SrcPorts(src_ports),
                dst_ports: DstPorts(dst_ports),
                dscp: dscp(class),
                marker: Marker::HostPolicy,
                throttle: throttle(class, app),
                origin: Span::default(),
            },
        )
}

/// Rules that nothing decides between are of one rate.
fn throttle(class: u16, app: &str) -> Option<Rate> {
    let bits = if app.contains('\\') {
        20_000
    } else {
        5_000_000
    };
    Rate::try_new(bits).filter(|_| class == 2)
}

/// A policy of these rules: two kinds of clients, servers, and Linux hosts.
pub(crate) fn parts(mut rules: Vec<Rule>) -> Parts {
    for (index, rule) in rules.iter_mut().enumerate() {
        rule.name = format!("rule {index}");
    }
    let scope = |name: &str, role, host| Scope {
        name: name.to_owned(),
        role,
        host,
        site: None,
        addresses: Vec::new(),
        origin: Span::default(),
    };
    let kinds = [ClassKind::Audio, ClassKind::Video, ClassKind::AppSharing];
    Parts {
        name: "Random".to_owned(),
        classes: (0u16..)
            .zip(kinds)
            .map(|(index, kind)| Class {
                name: kind.as_str().to_owned(),
                kind,
                dscp: dscp(index),
                pcp: None,
                origin: Span::default(),
            })
            .collect(),
        scopes: vec![
            scope("clients", Role::Client, Host::Windows),
            scope("clients@A B", Role::Client, Host::Windows),
            scope("servers", Role::Server, Host::Windows),
            scope("linux", Role::Server, Host::Linux),
        ],
        rules,
        ..Parts::default()
    }
}

fn dscp(class: u16) -> Dscp {
    [Dscp::EF, Dscp::AF41, Dscp::DF][usize::from(class)]
}

fn nets() -> impl Strategy<Value = Vec<IpNet>> {
    let net = prop_oneof![
        Just("10.0.0.0/8"),
        Just("10.1.0.0/16"),
        Just("10.1.1.1/32"),
        Just("2001:db8::/32"),
        Just("0.0.0.0/0"),
    ];
    proptest::collection::vec(net.prop_map(|text| text.parse().expect("a prefix")), 0..3)
}

fn ports() -> impl Strategy<Value = PortMatch> {
    let range = |first, last| PortMatch::Range(PortRange::try_new(first, last).expect("a range"));
    prop_oneof![
        3 => Just(PortMatch::Any),
        1 => Just(range(1, 65535)),
        1 => Just(range(100, 200)),
        1 => Just(range(150, 300)),
        1 => Just(range(150, 150)),
    ]
}
