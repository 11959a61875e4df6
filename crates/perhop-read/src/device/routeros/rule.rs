//! One rule of mangle: the packets that it takes, and what it does with them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};

use super::words::Command;
use crate::fact::{NetMark, Syntax};
use crate::meet;
use crate::policy::values::range;
use crate::reading::shortened;

/// Addresses by list and family.
pub(super) type Lists<'a> = BTreeMap<(bool, &'a str), Vec<IpNet>>;

/// A rule.
#[derive(Debug, Clone)]
pub(super) struct Rule<'a> {
    /// Its line.
    pub(super) line: usize,
    /// The command.
    pub(super) text: String,
    /// The packets that it takes; why they are not known.
    pub(super) packets: Result<NetMark, &'static str>,
    /// What it does.
    pub(super) action: Action<'a>,
}

/// What becomes of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// Nothing that marks are about.
    None,
    /// They get a mark; whether no rule after it is looked at.
    Mark(Dscp, bool),
    /// They keep theirs, and no rule after it is looked at.
    End,
    /// They come to another chain, and back.
    Jump(&'a str),
    /// They leave the chain.
    Return,
}

impl<'a> Rule<'a> {
    /// A rule of a command.
    pub(super) fn of(command: &'a Command<'a>, v6: bool, lists: &Lists<'a>) -> Self {
        let action = action(command);
        Self {
            line: command.line,
            text: command.text(),
            packets: match action {
                Some(Action::None) => Ok(mark(v6)),
                Some(_) => packets(command, v6, lists),
                None => Err("it does something that is not understood"),
            },
            action: action.unwrap_or(Action::None),
        }
    }
}

/// What a rule does; `None` for what is not understood.
fn action<'a>(command: &'a Command<'a>) -> Option<Action<'a>> {
    let last = match command.value("passthrough") {
        None | Some("yes" | "true") => false,
        Some("no" | "false") => true,
        Some(_) => return None,
    };
    match command.value("action").unwrap_or("accept") {
        "change-dscp" => {
            let dscp = command.value("new-dscp")?.parse().ok()?;
            Some(Action::Mark(Dscp::try_new(dscp)?, last))
        }
        "jump" => command.value("jump-target").map(Action::Jump),
        "return" => Some(Action::Return),
        "accept" => Some(Action::End),
        "log" | "passthrough" | "add-src-to-address-list" | "add-dst-to-address-list" => {
            Some(Action::None)
        }
        // Marks of the router's own, and fields that are not the mark.
        "mark-connection" | "mark-packet" | "mark-routing" | "set-priority" | "change-mss"
        | "change-ttl" | "clear-df" => Some(if last { Action::End } else { Action::None }),
        _ => None,
    }
}

fn mark(v6: bool) -> NetMark {
    let mut out = NetMark::new(Syntax::MikroTik, "", "", None);
    out.families = [!v6, v6];
    out
}

/// The packets of a rule's conditions, all of which have to be understood.
fn packets(command: &Command<'_>, v6: bool, lists: &Lists<'_>) -> Result<NetMark, &'static str> {
    let mut out = mark(v6);
    let mut protocols = Vec::new();
    let (mut src, mut dst, mut either) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in &command.pairs {
        let unknown = "a value that is not understood";
        match key.as_str() {
            key if NO_CONDITIONS.contains(&key) => {}
            "protocol" => {
                protocols = vec![match value.as_str() {
                    "udp" | "17" => Protocol::Udp,
                    "tcp" | "6" => Protocol::Tcp,
                    _ => return Err("a protocol other than UDP and TCP"),
                }];
            }
            "src-address" => set(&mut out.src, vec![net(value).ok_or(unknown)?])?,
            "dst-address" => set(&mut out.dst, vec![net(value).ok_or(unknown)?])?,
            "src-address-list" | "dst-address-list" => {
                let found = lists.get(&(v6, value.as_str()));
                let found = found
                    .ok_or("an address list that is not in the file")?
                    .clone();
                let side = if key.starts_with('s') {
                    &mut out.src
                } else {
                    &mut out.dst
                };
                set(side, found)?;
            }
            "src-port" => src = ports(value).ok_or(unknown)?,
            "dst-port" => dst = ports(value).ok_or(unknown)?,
            "port" => either = ports(value).ok_or(unknown)?,
            "in-interface" | "in-interface-list" if !value.starts_with('!') => {
                set(&mut out.interfaces, vec![shortened(value)])?;
            }
            "dscp" => {
                let dscp = value.parse().ok().and_then(Dscp::try_new);
                set(&mut out.arriving, vec![dscp.ok_or(unknown)?])?;
            }
            _ => return Err("a condition that is not understood"),
        }
    }
    let cost = |ports: &[PortRange]| ports.len().max(1);
    if cost(&src) * cost(&dst) * cost(&either) > MOST_SERVICES {
        return Err("more ports than are listed");
    }
    out.services = meet::conditions(&protocols, [&src, &dst], &either)
        .ok_or("no packet meets all of its conditions")?;
    Ok(out)
}

/// What is said of a rule that is no condition.
const NO_CONDITIONS: [&str; 16] = [
    "chain",
    "action",
    "new-dscp",
    "passthrough",
    "jump-target",
    "comment",
    "log",
    "log-prefix",
    "disabled",
    "new-packet-mark",
    "new-connection-mark",
    "new-routing-mark",
    "new-priority",
    "new-mss",
    "new-ttl",
    "place-before",
];

/// One condition of a kind; two would have to be met at once.
fn set<T>(side: &mut Vec<T>, values: Vec<T>) -> Result<(), &'static str> {
    if !side.is_empty() {
        return Err("two conditions of one kind");
    }
    *side = values;
    Ok(())
}

/// `50000-50019,50040`.
fn ports(text: &str) -> Option<Vec<PortRange>> {
    text.split(',').map(|one| range(one, '-')).collect()
}

/// An address or a prefix.
pub(super) fn net(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(address.into()),
        Err(_) => text.parse::<IpNet>().ok().map(|net| net.trunc()),
    }
}

/// RouterOS takes 15 ports on a side.
const MOST_SERVICES: usize = 15 * 15 * 15;
