//! One rule of mangle: the packets that it takes, and what it does with them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};
use perhop_targets::network::model::Service;

use super::words::Command;
use crate::fact::{NetMark, Syntax};
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
    let mut protocols: Option<Protocol> = None;
    let (mut src, mut dst, mut either) = (None, None, None);
    for (key, value) in &command.pairs {
        let unknown = "a value that is not understood";
        match key.as_str() {
            key if NO_CONDITIONS.contains(&key) => {}
            "protocol" => {
                protocols = Some(match value.as_str() {
                    "udp" | "17" => Protocol::Udp,
                    "tcp" | "6" => Protocol::Tcp,
                    _ => return Err("a protocol other than UDP and TCP"),
                });
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
            "src-port" => src = Some(ports(value).ok_or(unknown)?),
            "dst-port" => dst = Some(ports(value).ok_or(unknown)?),
            "port" => either = Some(ports(value).ok_or(unknown)?),
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
    let any = src.is_none() && dst.is_none() && either.is_none();
    if protocols.is_some() || !any {
        out.services = services(protocols, src, dst, either).ok_or("more ports than are listed")?;
    }
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

/// Ports of the three kinds of conditions as services.
fn services(
    protocol: Option<Protocol>,
    src: Option<Vec<PortRange>>,
    dst: Option<Vec<PortRange>>,
    either: Option<Vec<PortRange>>,
) -> Option<Vec<Service>> {
    let any = |ports: Option<Vec<PortRange>>| match ports {
        None => vec![None],
        Some(ports) => ports.into_iter().map(Some).collect(),
    };
    let (src, dst) = (any(src), any(dst));
    let most = src.len().max(1) * dst.len().max(1) * either.as_ref().map_or(1, Vec::len);
    (most <= MOST_SERVICES).then_some(())?;
    let protocols = match protocol {
        Some(one) => vec![one],
        None => vec![Protocol::Udp, Protocol::Tcp],
    };
    let meet = |one: Option<PortRange>, other: PortRange| match one {
        None => Some(other),
        Some(range) => range.intersection(other),
    };
    let mut out = Vec::new();
    for protocol in protocols {
        for src in &src {
            for dst in &dst {
                let mut add = |src, dst| out.push(Service { protocol, src, dst });
                match &either {
                    None => add(*src, *dst),
                    Some(either) => {
                        for one in either {
                            if let Some(src) = meet(*src, *one) {
                                add(Some(src), *dst);
                            }
                            if let Some(dst) = meet(*dst, *one) {
                                add(*src, Some(dst));
                            }
                        }
                    }
                }
            }
        }
    }
    // Without services it would be a rule for every packet.
    (!out.is_empty()).then_some(out)
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
