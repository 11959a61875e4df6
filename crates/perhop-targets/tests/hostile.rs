//! Names that would break out of careless quoting: the shape of every file stays as it is with harmless names.

mod support;

use perhop_policy::set::Parts;
use perhop_policy::{
    AppMatch, Class, ClassId, ClassKind, Diagnostic, Dscp, DstPorts, Family, FlowKey, Host, Marker,
    PolicySet, PortMatch, PortRange, Producer, ProducerKind, ProducerRange, Protocol,
    ProtocolMatch, RangeUse, Role, Rule, Scope, ScopeId, Span, SrcPorts, Subject,
};
use perhop_targets::syntax::{csv, lgpo_text, regfile, regpol};
use perhop_targets::{Artifact, TARGETS};
use proptest::prelude::*;

const HOSTILE: [&str; 14] = [
    "it's",
    "a\"b",
    "$(Remove-Item C:\\) $env:X ${y}",
    "`n`'",
    "& calc | iex ; exit",
    "]]> --> <!-- <x y='z'>",
    "caf\u{e9} \u{1f4de} \u{202e}x",
    "\u{2018}a\u{2019} \u{201a}b\u{201b} '",
    "\u{201c}c\u{201d} \u{201e}d\u{201f}",
    "a \u{2013} b \u{2014} c \u{2015}d -WhatIf",
    "line\r\nRemove-Item x\n[-HKEY_LOCAL_MACHINE\\SOFTWARE]",
    "nul\0tab\tdel\u{7f}\u{85}\u{2028}",
    "| cell | \\| # *x* [a](b) @{ } @'",
    "%2e%2e/../..\\x:y=1,;\u{feff}",
];

#[test]
fn no_name_changes_a_files_shape() {
    for text in HOSTILE {
        hold(text, "caf\u{e9}'s & $(x) `\u{2019}\u{2013} %2e;{}@#~.exe");
        hold(text, "rec.exe");
    }
}

#[test]
fn an_application_that_windows_cannot_have_is_refused() {
    for app in [
        "a\"b.exe",
        "a>b.exe",
        "line\n.exe",
        "no-extension",
        "a*.exe",
    ] {
        let policy = policy("P", "clients", app);
        for target in TARGETS
            .iter()
            .filter(|target| target.id().starts_with("windows-"))
        {
            let lowered = target.lower(&policy, &support::request(&policy, target.id()));
            let Err(problems) = lowered else {
                // The packet scheduler knows no applications.
                assert_eq!(target.id(), "windows-psched");
                continue;
            };
            let code = |problem: &Diagnostic| problem.code == "target/windows-policy";
            assert!(problems.iter().all(code), "{}: {problems:?}", target.id());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_at_all_changes_a_files_shape(text in any::<String>()) {
        hold(&text, "rec.exe");
    }
}

/// Holds that files made with a hostile name everywhere have the shape of those made with a harmless one, and that the
/// application is read back as it was.
fn hold(text: &str, app: &str) {
    let hostile = policy(text, &format!("clients@{text}"), app);
    let harmless = policy("P", "clients@S", "rec.exe");
    for target in TARGETS {
        let request = support::request(&hostile, target.id());
        let (Ok(one), Ok(other)) = (
            target.lower(&hostile, &request),
            target.lower(&harmless, &request),
        ) else {
            // How LGPO.exe reads what is not ASCII is not documented, so it is refused.
            assert!(
                target.id() == "windows-lgpo" && !app.is_ascii(),
                "{}",
                target.id()
            );
            continue;
        };
        let (ours, theirs) = (one.emit(), other.emit());
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(&theirs) {
            assert!(
                a.path.is_ascii() && !a.path.contains(['\\', ' ', '\'']),
                "{}",
                a.path
            );
            assert_eq!(shape(a), shape(b), "{} with {text:?}", a.path);
        }
        if ours.is_empty() {
            continue;
        }
        let read = target.read(&ours).expect("what was written");
        let name = format!("clients@{text}");
        let key = key(app);
        if let Some(marked) = read.apply_to(&name, &key) {
            assert_eq!(marked, Some(Dscp::EF), "{} {text:?}", target.id());
        }
    }
}

/// What is left of a file without its values.
fn shape(artifact: &Artifact) -> String {
    let bytes = &artifact.bytes;
    let extension = artifact
        .path
        .rsplit('.')
        .next()
        .expect("every file has one");
    match extension {
        "ps1" => powershell(str::from_utf8(bytes).expect("UTF-8")),
        "xml" => xml(str::from_utf8(bytes).expect("UTF-8")),
        "json" => json(&serde_json::from_slice(bytes).expect("JSON")),
        "reg" => {
            let blocks = regfile::read(bytes).expect("a .reg file");
            let values = |action: &regfile::KeyAction| match action {
                regfile::KeyAction::Set(values) => format!("{} values", values.len()),
                regfile::KeyAction::Delete => "deleted".to_owned(),
            };
            let shapes: Vec<String> = blocks.iter().map(|block| values(&block.action)).collect();
            shapes.join("\n")
        }
        "pol" => format!(
            "{} records",
            regpol::read(bytes).expect("a Registry.pol").len()
        ),
        "csv" => {
            let rows = csv::read(bytes).expect("a list");
            let shapes: Vec<String> = rows.iter().map(|row| row.len().to_string()).collect();
            shapes.join("\n")
        }
        "txt" if artifact.path.starts_with("windows-lgpo/") => {
            format!(
                "{} settings",
                lgpo_text::read(bytes).expect("LGPO text").len()
            )
        }
        _ => format!("{} lines", bytes.split(|byte| *byte == b'\n').count()),
    }
}

/// A script without the content of its strings and without comments, by a reader that knows nothing of our writer.
fn powershell(text: &str) -> String {
    let single = |c: char| matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
    let double = |c: char| matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}');
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '<' && chars.next_if_eq(&'#').is_some() {
            while chars.next().expect("a comment that ends") != '#'
                || chars.next_if_eq(&'>').is_none()
            {}
        } else if c == '#' {
            while chars.next_if(|c| !matches!(c, '\r' | '\n')).is_some() {}
        } else if single(c) || double(c) {
            let quote = |c: char| {
                if single(c) {
                    1
                } else {
                    u8::from(double(c)) * 2
                }
            };
            loop {
                let next = chars.next().expect("a string that ends");
                assert!(!next.is_control(), "{next:?} in a string");
                if next == '`' && double(c) {
                    chars.next();
                } else if quote(next) == quote(c)
                    && chars.next_if(|n| quote(*n) == quote(c)).is_none()
                {
                    break;
                }
            }
            out.push('S');
        } else {
            assert!(c.is_ascii(), "{c:?} outside a string");
            out.push(c);
        }
    }
    // A string with control characters is a sum of strings and characters.
    while let Some(at) = out.find("(S + [char]0x") {
        let end = at + out[at..].find(')').expect("the sum ends");
        out.replace_range(at..=end, "S");
    }
    out
}

fn xml(text: &str) -> String {
    let document = roxmltree::Document::parse(text).expect("well-formed");
    let shapes: Vec<String> = document
        .descendants()
        .filter(roxmltree::Node::is_element)
        .map(|node| format!("{} {}", node.tag_name().name(), node.attributes().count()))
        .collect();
    shapes.join("\n")
}

fn json(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(values) => {
            let shapes: Vec<String> = values.iter().map(json).collect();
            format!("[{}]", shapes.join(","))
        }
        serde_json::Value::Object(members) => {
            let shapes: Vec<String> = members
                .iter()
                .map(|(k, v)| format!("{k}:{}", json(v)))
                .collect();
            format!("{{{}}}", shapes.join(","))
        }
        serde_json::Value::String(_) => "S".to_owned(),
        other => other.to_string(),
    }
}

fn key(app: &str) -> FlowKey<'_> {
    FlowKey {
        scope: ScopeId(0),
        app: Some(app),
        protocol: Protocol::Udp,
        src: "10.0.0.1".parse().expect("an address"),
        src_port: 30000,
        dst: "10.0.0.2".parse().expect("an address"),
        dst_port: 5000,
    }
}

/// One rule, with the text wherever a name can be.
fn policy(text: &str, scope: &str, app: &str) -> PolicySet {
    let name = |text: &str| text.to_owned();
    PolicySet::try_new(Parts {
        name: name(text),
        classes: vec![Class {
            name: name(text),
            kind: ClassKind::Audio,
            dscp: Dscp::EF,
            pcp: None,
            origin: Span::default(),
        }],
        scopes: vec![Scope {
            name: name(scope),
            role: Role::Client,
            host: Host::Windows,
            site: Some(name(text)),
            addresses: Vec::new(),
            origin: Span::default(),
        }],
        rules: vec![Rule {
            name: name(text),
            scope: ScopeId(0),
            component: name(text),
            peer: name(text),
            class: ClassId(0),
            app: AppMatch::parse(app),
            protocol: ProtocolMatch::Both,
            src: Vec::new(),
            dst: Vec::new(),
            src_ports: SrcPorts(PortMatch::Range(
                PortRange::try_new(30000, 30099).expect("a range"),
            )),
            dst_ports: DstPorts::default(),
            dscp: Dscp::EF,
            marker: Marker::HostPolicy,
            throttle: None,
            origin: Span::default(),
        }],
        producers: vec![Producer {
            family: Family::LyncServer,
            kind: ProducerKind::Clients,
            subject: Subject::Site(name(text)),
            ranges: vec![ProducerRange {
                used_for: RangeUse::Audio,
                ports: PortRange::try_new(30000, 30099).expect("a range"),
                origin: Span::default(),
            }],
            dscp: None,
            pcp: None,
            marking: None,
            origin: Span::default(),
        }],
        ..Parts::default()
    })
    .expect("one rule conflicts with nothing")
}
