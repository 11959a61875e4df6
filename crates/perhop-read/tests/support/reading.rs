//! The check of any bytes, shared with the fuzz target.

use std::sync::LazyLock;

use perhop_policy::set::Parts;
use perhop_policy::{
    AppMatch, Class, ClassId, ClassKind, Dscp, DstPorts, Host, Marker, PolicySet, PortMatch,
    PortRange, ProtocolMatch, Role, Rule, Scope, ScopeId, Span, SrcPorts,
};
use perhop_read::{Input, Reading, Words, audit};

/// Clients whose host marks audio, and whose network marks video.
static POLICY: LazyLock<PolicySet> = LazyLock::new(|| {
    let rule = |name: &str, app: &str, first, marker| Rule {
        name: name.to_owned(),
        scope: ScopeId(0),
        component: "C".to_owned(),
        peer: String::new(),
        class: ClassId(0),
        app: AppMatch::parse(app),
        protocol: ProtocolMatch::Both,
        src: Vec::new(),
        dst: Vec::new(),
        src_ports: SrcPorts(PortMatch::Range(
            PortRange::from_start_and_count(first, 40).expect("a range"),
        )),
        dst_ports: DstPorts(PortMatch::Any),
        dscp: Dscp::EF,
        marker,
        throttle: None,
        origin: Span::default(),
    };
    let parts = Parts {
        name: "Contoso".to_owned(),
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
        rules: vec![
            rule("audio", "lync.exe", 20000, Marker::HostPolicy),
            rule("video", "*", 50000, Marker::Network),
        ],
        ..Parts::default()
    };
    PolicySet::try_new(parts).expect("nothing contradicts it")
});

/// Reads bytes as a file of any form, and holds what reading promises.
pub(crate) fn keeps_its_word(bytes: &[u8]) {
    let words = Words {
        executables: vec!["lync.exe".to_owned(), "AttendantConsole.exe".to_owned()],
        misspelt: Vec::new(),
    };
    let input = Input {
        name: "file",
        bytes,
    };
    let reading = Reading::of(&[input], &words);
    assert_eq!(reading.files.len(), 1);
    let file = &reading.files[0];
    assert!(file.left.len() <= perhop_read::reading::MAX_LEFT);
    for finding in reading.findings() {
        assert!(!finding.message.is_empty());
        assert!(finding.place.as_ref().is_none_or(|place| place.file == 0));
    }
    for fact in reading.facts() {
        assert_eq!(fact.place.file, 0);
    }
    let audit = audit::audit(&POLICY, &reading);
    assert!(audit.rules.iter().all(|rule| rule.rule.0 < 2));
    for finding in &audit.findings {
        assert!(!finding.message.is_empty());
        assert!(finding.place.as_ref().is_none_or(|place| place.file == 0));
    }
}
