//! Live sockets and what the rules make of them.

use std::io;
use std::net::{IpAddr, SocketAddr};

use perhop_host::agent::processes::{Process, holders};
use perhop_host::mark::outlook::{Known, outlook};
use perhop_host::netlink::{self, diag};
use perhop_policy::overlap::AddressFamily;
use perhop_policy::{Dscp, Marker, PolicySet, Protocol, ScopeId};
use serde::{Deserialize, Serialize};

use crate::render::grid::{Column, Grid};

/// Name and version of the JSON form.
const SCHEMA: &str = "perhop.agent-sockets/1";
/// States of TCP in which nothing but an end is sent.
const ENDING: [u8; 3] = [6, 7, 8];

/// All of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sockets {
    schema: String,
    plan: String,
    pub(super) scope: String,
    pub(super) sockets: Vec<Row>,
}

/// A socket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    protocol: String,
    local: String,
    remote: Option<String>,
    pid: Option<u32>,
    pub(super) executable: Option<String>,
    uid: u32,
    /// DSCP that the application asked for.
    asked: u8,
    /// Rules that may apply; which of several depends on what the socket sends where.
    pub(super) rules: Vec<String>,
    /// The marks of these rules, where the agent puts them on.
    pub(super) marks: Vec<String>,
    /// Whether packets may also be under no rule.
    pub(super) or_none: bool,
}

impl Sockets {
    /// Asks the kernel. `units`: executables that control groups stand for.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub(super) fn of(
        policy: &PolicySet,
        scope: ScopeId,
        units: &[(String, String)],
    ) -> io::Result<Self> {
        let holders = holders();
        let mut found = netlink::Socket::diag()?;
        let mut sockets = Vec::new();
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            for six in [false, true] {
                let replies = found.ask(diag::request(six, protocol))?;
                let read = replies
                    .iter()
                    .filter_map(|reply| diag::read(reply, protocol));
                for socket in read {
                    if protocol == Protocol::Tcp && ENDING.contains(&socket.state) {
                        continue;
                    }
                    let holder = holders.get(&socket.inode);
                    sockets.push(row(policy, scope, units, &socket, holder));
                }
            }
        }
        Ok(Self {
            schema: SCHEMA.to_owned(),
            plan: policy.name().to_owned(),
            scope: policy.scope(scope).name.clone(),
            sockets,
        })
    }

    /// For people; `all` also those that no rule is about.
    pub(super) fn render(&self, all: bool, width: Option<usize>) -> String {
        let mut grid = Grid::new([
            Column::text("process", 10),
            Column::text("socket", 12),
            Column::text("asked for", 0),
            Column::text("becomes", 0),
            Column::text("by rule", 12),
        ]);
        let (mut shown, mut hidden) = (0, 0);
        for row in &self.sockets {
            if row.rules.is_empty() && !all {
                hidden += 1;
                continue;
            }
            shown += 1;
            let process = match (&row.executable, row.pid) {
                (Some(executable), Some(pid)) => format!("{executable} ({pid})"),
                _ => format!("not visible (user {})", row.uid),
            };
            let remote = row.remote.as_deref().unwrap_or("any");
            let asked = Dscp::from_octet(row.asked << 2).to_string();
            grid.row(vec![
                process.into(),
                format!("{} {} to {remote}", row.protocol, row.local).into(),
                asked.into(),
                row.becomes().into(),
                row.rules.join("\n").into(),
            ]);
        }
        let mut out = format!("plan `{}`, scope `{}`\n\n", self.plan, self.scope);
        if shown > 0 {
            out += &grid.render(width);
        }
        if hidden > 0 {
            out += &format!(
                "{}{} under no rule; `--all` of `dry-run` lists them\n",
                if shown > 0 { "\n" } else { "" },
                crate::render::counted(hidden, "socket")
            );
        }
        out
    }
}

impl Row {
    fn becomes(&self) -> String {
        if self.rules.is_empty() {
            return "as it is".to_owned();
        }
        let mut words = self.marks.clone();
        if self.or_none {
            words.push("as it is".to_owned());
        }
        words.join(" or ")
    }
}

fn row(
    policy: &PolicySet,
    scope: ScopeId,
    units: &[(String, String)],
    socket: &diag::Socket,
    holder: Option<&Process>,
) -> Row {
    let (local, remote) = (plain(socket.local), plain(socket.remote));
    let is_v4 = local.is_ipv4() || (remote.port() != 0 && remote.is_ipv4());
    let any = |address: IpAddr| (!address.is_unspecified()).then_some(address);
    let dual = !is_v4 && local.ip().is_unspecified() && remote.port() == 0;
    let app = holder.map(|process| stands_for(process, units));
    let known = Known {
        app,
        protocol: socket.protocol,
        family: match (dual, is_v4) {
            (true, _) => None,
            (_, true) => Some(AddressFamily::V4),
            (_, false) => Some(AddressFamily::V6),
        },
        src: any(local.ip()),
        dst: any(remote.ip()),
        src_port: Some(local.port()),
        dst_port: (remote.port() != 0).then_some(remote.port()),
    };
    let found = outlook(policy, scope, &known);
    let rules = found.rules.iter().map(|&id| policy.rule(id));
    let mut marks: Vec<String> = rules
        .clone()
        .map(|rule| match rule.marker {
            Marker::HostPolicy => rule.dscp.to_string(),
            Marker::Sender | Marker::Network => "as it is".to_owned(),
        })
        .collect();
    marks.dedup();
    let asked = if is_v4 {
        socket.tos
    } else {
        socket.traffic_class
    };
    Row {
        protocol: socket.protocol.as_str().to_owned(),
        local: local.to_string(),
        remote: (remote.port() != 0).then(|| remote.to_string()),
        pid: holder.map(|process| process.pid),
        executable: holder.map(|process| process.executable.clone()),
        uid: socket.uid,
        asked: asked >> 2,
        rules: rules.map(|rule| rule.name.clone()).collect(),
        marks,
        or_none: found.or_none,
    }
}

/// The executable that a process counts as.
fn stands_for<'a>(process: &'a Process, units: &'a [(String, String)]) -> &'a str {
    let groups = process.groups();
    let unit = groups
        .iter()
        .rev()
        .find_map(|group| units.iter().find(|(_, unit)| unit == group));
    unit.map_or(process.executable.as_str(), |(executable, _)| executable)
}

/// IPv4 as IPv4, where it is written in IPv6.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
