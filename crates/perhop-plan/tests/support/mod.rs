//! Text forms of what a load gave, for files that people read.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fmt::Write as _;

use perhop_policy::{Diagnostic, PolicySet, PortMatch, Producer, ProtocolMatch, Rule};

/// Classes, sites, scopes, rules, producers and targets, one a line.
pub(crate) fn dump(policy: &PolicySet) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "plan {}", policy.name());
    for class in policy.classes() {
        let pcp = class
            .pcp
            .map_or(String::new(), |pcp| format!(", pcp {}", pcp.value()));
        let _ = writeln!(
            out,
            "class {} ({}): {}{pcp}",
            class.name,
            class.kind.as_str(),
            class.dscp
        );
    }
    for site in policy.sites() {
        let _ = writeln!(out, "site {}: {}", site.name, list(&site.subnets));
    }
    for net in policy.internal() {
        let _ = writeln!(out, "inside {net}");
    }
    for scope in policy.scopes() {
        let site = scope
            .site
            .as_ref()
            .map_or(String::new(), |site| format!(" of site {site}"));
        let (name, role, at) = (&scope.name, scope.role.as_str(), list(&scope.addresses));
        let _ = writeln!(
            out,
            "scope {name}: {role} on {:?}{site} at {at}",
            scope.host
        );
    }
    for rule in policy.rules() {
        let _ = writeln!(out, "{}", rule_line(policy, rule));
    }
    for producer in policy.producers() {
        let _ = writeln!(out, "{}", producer_line(producer));
    }
    for target in policy.targets() {
        let accept: Vec<&str> = target
            .accept
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let options: Vec<_> = target
            .options
            .iter()
            .map(|(key, value, _)| (key, value))
            .collect();
        let _ = writeln!(
            out,
            "target {} accept {accept:?} options {options:?}",
            target.id
        );
    }
    out
}

fn rule_line(policy: &PolicySet, rule: &Rule) -> String {
    let protocol = match rule.protocol {
        ProtocolMatch::Both => "both",
        ProtocolMatch::Only(one) => one.as_str(),
    };
    let peer = if rule.peer.is_empty() {
        String::new()
    } else {
        format!(" to {}", rule.peer)
    };
    format!(
        "rule {} | {}{peer} | {} | {} | {} | {protocol} | {} {} -> {} {} | {:?}",
        rule.name,
        rule.component,
        policy.class(rule.class).name,
        rule.app,
        rule.dscp,
        list(&rule.src),
        ports(rule.src_ports.0),
        list(&rule.dst),
        ports(rule.dst_ports.0),
        rule.marker,
    )
}

fn producer_line(producer: &Producer) -> String {
    let mut out = format!(
        "producer {:?} {:?} {:?}",
        producer.family, producer.kind, producer.subject
    );
    for range in &producer.ranges {
        let _ = write!(out, " {}={}", range.used_for.as_str(), range.ports);
    }
    if let Some(dscp) = producer.dscp {
        let _ = write!(out, " dscp={dscp}");
    }
    if let Some(pcp) = producer.pcp {
        let _ = write!(out, " pcp={}", pcp.value());
    }
    if let Some(marking) = producer.marking {
        let _ = write!(out, " marking={marking}");
    }
    out
}

/// Diagnostics with line and column, the text of the place, notes and helps.
pub(crate) fn render(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for one in diagnostics {
        let _ = writeln!(
            out,
            "{}[{}]: {}",
            one.severity.as_str(),
            one.code,
            one.message
        );
        for label in &one.labels {
            let before = &text[..label.span.start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
            let shown = text
                .get(label.span.start..label.span.end)
                .unwrap_or_default();
            let shown = shown.lines().next().unwrap_or_default();
            let arrow = if label.primary { "-->" } else { "   " };
            let _ = writeln!(out, "  {arrow} {line}:{column} `{shown}` {}", label.text);
        }
        for note in &one.notes {
            let _ = writeln!(out, "  = note: {note}");
        }
        for help in &one.helps {
            let _ = writeln!(out, "  = help: {help}");
        }
    }
    out
}

/// Compares with a file, or writes it when `UPDATE_GOLDEN` is set.
pub(crate) fn golden(path: &std::path::Path, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, actual).expect("the golden file can be written");
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} differs; UPDATE_GOLDEN=1 rewrites it\n--- is\n{actual}",
        path.display()
    );
}

fn list(nets: &[ipnet::IpNet]) -> String {
    if nets.is_empty() {
        return "any".to_owned();
    }
    let texts: Vec<String> = nets.iter().map(ToString::to_string).collect();
    texts.join(",")
}

fn ports(ports: PortMatch) -> String {
    ports
        .range()
        .map_or("any".to_owned(), |range| range.to_string())
}
