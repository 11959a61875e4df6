use perhop_policy::set::Parts;
use perhop_policy::{
    Class, ClassId, ClassKind, DstPorts, Marker, PortRange, Role, Scope, ScopeId, Span, SrcPorts,
};

use super::*;

/// Servers, an Edge and clients, in the order of the comprehensive table.
#[expect(clippy::too_many_lines, reason = "data")]
pub(crate) fn policy(site: Option<&str>) -> PolicySet {
    let scope = |name: &str, role, host| Scope {
        name: name.to_owned(),
        role,
        host,
        site: None,
        addresses: Vec::new(),
        origin: Span::default(),
    };
    let clients = site.map_or("clients".to_owned(), |site| format!("clients@{site}"));
    let class = |name: &str, kind, dscp| Class {
        name: name.to_owned(),
        kind,
        dscp: Dscp::try_new(dscp).unwrap(),
        pcp: None,
        origin: Span::default(),
    };
    let rule = |name: &str, scope, component: &str, peer: &str, class, app: &str, src: &str| Rule {
        name: name.to_owned(),
        scope: ScopeId(scope),
        component: component.to_owned(),
        peer: peer.to_owned(),
        class: ClassId(class),
        app: AppMatch::parse(app),
        protocol: ProtocolMatch::Both,
        src: Vec::new(),
        dst: Vec::new(),
        src_ports: SrcPorts(range(src)),
        dst_ports: DstPorts(PortMatch::Any),
        dscp: Dscp::try_new(if class == 0 { 46 } else { 34 }).unwrap(),
        marker: Marker::HostPolicy,
        throttle: None,
        origin: Span::default(),
    };
    let mut edge = rule(
        "edge/av-edge/audio-to-servers",
        1,
        "A/V Edge service",
        "servers",
        0,
        "MediaRelaySvc.exe",
        "",
    );
    edge.src = vec!["192.0.2.10/32".parse().unwrap()];
    edge.dst_ports = DstPorts(range("49152-57499"));
    PolicySet::try_new(Parts {
        name: "Contoso".into(),
        scopes: vec![
            scope("servers", Role::Server, Host::Windows),
            scope("edge", Role::Edge, Host::Windows),
            scope(&clients, Role::Client, Host::Windows),
            scope("phones", Role::Phone, Host::Appliance),
        ],
        classes: vec![
            class("audio", ClassKind::Audio, 46),
            class("video", ClassKind::Video, 34),
        ],
        rules: vec![
            rule(
                "s/a",
                0,
                "A/V Conferencing service",
                "",
                0,
                "AVMCUSvc.exe",
                "49152-57499",
            ),
            rule(
                "s/v",
                0,
                "A/V Conferencing service",
                "",
                1,
                "AVMCUSvc.exe",
                "57501-65534",
            ),
            edge,
            rule("c/a", 2, "Lync | 2013", "", 0, "lync.exe", "20000-20039"),
            rule("c/v", 2, "Lync | 2013", "", 1, "lync.exe", "20040-20079"),
            rule("p/a", 3, "Lync Phone Edition", "", 0, "*", "20000-20039"),
        ],
        ..Parts::default()
    })
    .unwrap()
}

fn range(text: &str) -> PortMatch {
    text.split_once('-')
        .map_or(PortMatch::Any, |(first, last)| {
            PortMatch::Range(
                PortRange::try_new(first.parse().unwrap(), last.parse().unwrap()).unwrap(),
            )
        })
}

#[test]
fn the_terminal_gets_nine_columns_or_seven() {
    let table = Table::of(&policy(None));
    let text = |width| anstream::adapter::strip_str(&terminal::render(&table, width)).to_string();
    let wide = text(None);
    assert!(wide.contains(
        "A/V Conferencing service     audio  AVMCUSvc.exe       46 (EF)    both      any         any             49152-57499   any"
    ), "{wide}");
    assert!(wide.contains(
        "A/V Edge service to servers  audio  MediaRelaySvc.exe  46 (EF)    both      192.0.2.10  any             any           49152-57499"
    ), "{wide}");
    assert!(
        wide.contains("Lync Phone Edition           audio  n/a "),
        "{wide}"
    );
    assert!(wide.ends_with("6 rules in 4 scopes; `both` is TCP and UDP\n"));
    for width in [80, 100, 120] {
        let text = text(Some(width));
        assert!(
            text.lines().all(|line| line.chars().count() <= width),
            "{text}"
        );
        assert!(text.contains("192.0.2.10"));
    }
}

#[test]
fn markdown_escapes_and_names_a_component_once() {
    let text = markup::markdown(&Table::of(&policy(Some("Redmond"))));
    assert!(text.starts_with("| Component | Communication type | Executable | DSCP | Protocol | Source IP | Destination IP | Source ports | Destination ports | Scope |\n| --- |"), "{text}");
    assert!(text.contains("| Lync \\| 2013 | audio | lync.exe | 46 (EF) | both | any | any | 20000-20039 | any | clients@Redmond |\n|  | video |"), "{text}");
}

#[test]
fn csv_repeats_the_component_in_every_line() {
    let text = csv::render(&Table::of(&policy(None)));
    assert_eq!(text.lines().count(), 7);
    assert!(text.contains(
        "\r\nA/V Conferencing service,video,AVMCUSvc.exe,34,both,any,any,57501-65534,any\r\n"
    ));
}

#[test]
fn a_page_escapes_and_spans_a_components_rows() {
    let text = markup::html(&Table::of(&policy(None)));
    assert!(
        text.contains("<th scope=\"rowgroup\" rowspan=\"2\">Lync | 2013</th>"),
        "{text}"
    );
}

#[test]
fn a_workbook_is_the_same_every_time() {
    let policy = policy(None);
    let table = Table::of(&policy);
    let written = || {
        let mut bytes = Vec::new();
        xlsx::write(&mut bytes, &table, &policy).unwrap();
        bytes
    };
    let bytes = written();
    assert!(bytes.starts_with(b"PK"));
    assert_eq!(bytes, written());
}
