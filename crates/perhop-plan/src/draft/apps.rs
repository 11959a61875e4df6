//! Applications of the plan's own, for rules that its components do not say.

use perhop_policy::{AppMatch, PolicySet, PortMatch, Protocol, ProtocolMatch, Rate, Statement};

use super::blocks::{Blocks, text};
use super::classes::Classes;
use super::{Draft, SeenRule, address, component};
use crate::catalogue::Role;

/// Adds an application for each rule that the plan does not say yet; whether there was any.
pub(super) fn write(
    draft: &Draft,
    classes: &Classes,
    policy: Option<&PolicySet>,
    blocks: &mut Blocks,
) -> bool {
    let mut any = false;
    let mut names: Vec<String> = Vec::new();
    for rule in &draft.rules {
        if let Some(planned) = policy.and_then(|policy| said(policy, rule)) {
            if rule.throttle != planned {
                any = true;
                blocks.add("#").comment(&unsaid(rule));
            }
            continue;
        }
        any = true;
        let (side, ports) = match (rule.src_ports.range(), rule.dst_ports.range()) {
            (Some(ports), None) => ("source", ports),
            (None, Some(ports)) => ("destination", ports),
            _ => {
                blocks.add("#").comment(&format!(
                    "{}: `{}` is not written: an application of a plan is told by ports on one side.",
                    rule.place, rule.name
                ));
                continue;
            }
        };
        let mut name = rule.name.clone();
        let mut number = 1;
        while names.contains(&name.to_lowercase()) {
            number += 1;
            name = format!("{} {number}", rule.name);
        }
        names.push(name.to_lowercase());
        let server = component(&rule.app, |role| role != Role::Client).is_some();
        let block = blocks.add(&format!("app.{}", text(&name)));
        block.comment(&rule.place);
        if rule.app != AppMatch::Any {
            block.key("executable", &text(rule.app.as_str()));
        }
        if server {
            block.key("on", &text("servers"));
        }
        if let ProtocolMatch::Only(only) = rule.protocol {
            block.key("protocol", &text(only.as_str()));
        }
        for (key, net) in [("addresses", rule.src), ("peers", rule.dst)] {
            if let Some(net) = net {
                block.key(key, &format!("[{}]", text(&address(&net))));
            }
        }
        let side = if side == "source" {
            String::new()
        } else {
            format!(", side = {}", text(side))
        };
        let throttle = rule.throttle.map_or_else(String::new, |rate| {
            format!(", throttle = {}", text(&rate.to_string()))
        });
        block.key(
            &text(&classes.name_of(rule.dscp)),
            &format!("{{ ports = {}{side}{throttle} }}", text(&ports.to_string())),
        );
    }
    any
}

/// What of a rule that the plan has with another rate cannot be written.
fn unsaid(rule: &SeenRule) -> String {
    let (is, above) = match rule.throttle {
        Some(rate) => (format!("keeps what it marks to {rate}"), "does not"),
        None => ("does not throttle".to_owned(), "does"),
    };
    format!(
        "{}: `{}` {is}; what stands above for these packets {above}.",
        rule.place, rule.name
    )
}

/// The rate of a plan's rule that marks a rule's packets with its mark, when there is one: the same conditions, or
/// Microsoft's one port more.
fn said(policy: &PolicySet, rule: &SeenRule) -> Option<Option<Rate>> {
    let near = |planned: PortMatch, seen: PortMatch| match (planned.range(), seen.range()) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.first() == b.first()
                && (a.last() == b.last() || a.last().checked_add(1) == Some(b.last()))
        }
        _ => false,
    };
    let same = |one: &&Statement| {
        let app = one.app.rank() == rule.app.rank() && one.app.intersection(&rule.app).is_some();
        // Microsoft's server policies are for every application.
        let every = rule.app == AppMatch::Any;
        (app || every)
            && one.dscp == rule.dscp
            && near(one.src_ports.0, rule.src_ports)
            && near(one.dst_ports.0, rule.dst_ports)
            && one.src == rule.src
            && one.dst == rule.dst
            && covers(rule.protocol, one.protocol)
    };
    policy
        .statements()
        .iter()
        .find(same)
        .map(|one| one.throttle)
}

/// Whether what is planned for one protocol says what is seen for one or both.
fn covers(seen: ProtocolMatch, planned: ProtocolMatch) -> bool {
    seen == planned
        || (seen == ProtocolMatch::Both && planned == ProtocolMatch::Only(Protocol::Tcp))
}
