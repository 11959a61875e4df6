//! The rules of a scope as a table of nftables, for kernels that take no programs of ours.
//!
//! nftables sees packets, not processes: a rule for an executable marks every program on its ports, unless a control group
//! stands for the executable. Statements are written by precedence, and the first one that takes a packet is the last.

use std::fmt::Write as _;

use perhop_policy::precedence;
use perhop_policy::rule::Statement;
use perhop_policy::{
    AppMatch, Marker, PolicySet, PortMatch, Protocol, ProtocolMatch, RuleId, ScopeId,
};

use super::table;

/// The table's name, in the family `inet`.
pub const TABLE: &str = "perhop_agent";

/// A control group that stands for an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The executable as the plan names it.
    pub executable: String,
    /// Its path below `/sys/fs/cgroup`.
    pub path: String,
    /// How deep it lies below the root of the control groups.
    pub level: usize,
}

/// What the plan does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Marks that stay, and priorities.
    pub table: table::Options,
    /// Control groups.
    pub groups: Vec<Group>,
    /// Packets that came in at an interface are marked as well, by rules without executable.
    pub forwarded: bool,
    /// Interfaces at which packets are marked.
    pub interfaces: Vec<String>,
}

/// A table, and what it does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ruleset {
    /// For `nft -f`: the whole table in the place of the one before.
    pub text: String,
    /// The rules, by the number in their counter's name.
    pub rules: Vec<RuleId>,
    /// Rules that mark every program on their ports.
    pub wider: Vec<RuleId>,
    /// Rules that are left out: they have an executable and no ports, so they would mark everything.
    pub absent: Vec<RuleId>,
}

/// Writes the table of a scope.
#[must_use]
pub fn ruleset(policy: &PolicySet, scope: ScopeId, options: &Options) -> Ruleset {
    let mut statements: Vec<&Statement> = policy
        .statements()
        .iter()
        .filter(|statement| statement.scope == scope)
        .collect();
    statements.sort_by(|a, b| precedence::compare(b, a));
    let mut rules: Vec<RuleId> = statements.iter().map(|one| one.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    let mut out = Ruleset {
        rules,
        ..Ruleset::default()
    };
    let mut lines = [String::new(), String::new()];
    for statement in statements {
        let group = options.groups.iter().find(|group| {
            let stands = AppMatch::parse(&group.executable);
            table::same(&stands, &statement.app)
        });
        let named = statement.app.rank() > 0;
        if named && group.is_none() {
            let ports = (statement.src_ports.0, statement.dst_ports.0);
            let everything = ports == (PortMatch::Any, PortMatch::Any);
            let list = if everything {
                &mut out.absent
            } else {
                &mut out.wider
            };
            if !list.contains(&statement.rule) {
                list.push(statement.rule);
            }
            if everything {
                continue;
            }
        }
        let line = line(policy, statement, &out.rules, options);
        let socket = group.map_or_else(String::new, |group| {
            format!("socket cgroupv2 level {} \"{}\" ", group.level, group.path)
        });
        lines[0] += &format!("\t\t{socket}{line}\n");
        if !named {
            lines[1] += &format!("\t\t{line}\n");
        }
    }
    out.text = text(policy, scope, options, &out.rules, &lines);
    out
}

fn text(
    policy: &PolicySet,
    scope: ScopeId,
    options: &Options,
    rules: &[RuleId],
    [own, forwarded]: &[String; 2],
) -> String {
    let mut out = format!("table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n");
    out += "\tset interfaces {\n\t\ttype ifname\n";
    if !options.interfaces.is_empty() {
        let names: Vec<String> = options
            .interfaces
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        let _ = writeln!(out, "\t\telements = {{ {} }}", names.join(", "));
    }
    out += "\t}\n";
    for number in 0..rules.len() {
        let _ = writeln!(out, "\tcounter rule{number} {{ packets 0 bytes 0 }}");
    }
    let mut marks: Vec<u8> = policy
        .statements()
        .iter()
        .filter(|one| one.scope == scope)
        .map(|one| one.dscp.value())
        .collect();
    marks.sort_unstable();
    marks.dedup();
    for dscp in marks {
        let _ = writeln!(out, "\tchain mark{dscp} {{");
        for family in ["ip", "ip6"] {
            if options.table.keep_marks {
                let _ = writeln!(out, "\t\t{family} dscp != 0 accept");
            }
            let _ = writeln!(out, "\t\t{family} dscp set {dscp}");
        }
        out += "\t}\n";
    }
    let hooks = [("output", "route", own), ("forward", "filter", forwarded)];
    let count = if options.forwarded { 2 } else { 1 };
    for (hook, kind, lines) in &hooks[..count] {
        let _ = write!(
            out,
            "\tchain {hook} {{\n\t\ttype {kind} hook {hook} priority mangle; policy accept;\n\
             \t\toifname != @interfaces accept\n{lines}\t}}\n"
        );
    }
    out += "}\n";
    out
}

/// Conditions that nftables has, the counter, and what becomes of the packet.
fn line(policy: &PolicySet, of: &Statement, rules: &[RuleId], options: &Options) -> String {
    let mut out = String::new();
    for (net, side) in [(of.src, "saddr"), (of.dst, "daddr")] {
        if let Some(net) = net {
            let family = if net.addr().is_ipv4() { "ip" } else { "ip6" };
            let _ = write!(out, "{family} {side} {net} ");
        }
    }
    out += match of.protocol {
        ProtocolMatch::Both => "meta l4proto { tcp, udp } ",
        ProtocolMatch::Only(Protocol::Tcp) => "meta l4proto tcp ",
        ProtocolMatch::Only(Protocol::Udp) => "meta l4proto udp ",
    };
    for (ports, side) in [(of.src_ports.0, "sport"), (of.dst_ports.0, "dport")] {
        if let Some(range) = ports.range() {
            let _ = if range.first() == range.last() {
                write!(out, "th {side} {} ", range.first())
            } else {
                write!(out, "th {side} {}-{} ", range.first(), range.last())
            };
        }
    }
    let rule = policy.rule(of.rule);
    let number = rules.binary_search(&of.rule).unwrap_or(0);
    let _ = write!(out, "counter name rule{number} ");
    if let Some(priority) = options.table.priority(of.rule, rule.class) {
        let _ = write!(
            out,
            "meta priority set {:x}:{:x} ",
            priority >> 16,
            priority & 0xffff
        );
    }
    match rule.marker {
        Marker::HostPolicy => {
            let _ = write!(out, "goto mark{}", of.dscp.value());
        }
        Marker::Sender | Marker::Network => out += "accept",
    }
    out
}

/// Packets and bytes by the number of the rule, of what `nft list counters` says.
#[must_use]
pub fn counters(text: &str, rules: usize) -> Vec<(u64, u64)> {
    let mut out = vec![(0, 0); rules];
    let mut at = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["counter", name, "{"] => {
                at = name.strip_prefix("rule").and_then(|text| text.parse().ok());
            }
            ["packets", packets, "bytes", bytes] => {
                let place = at.and_then(|number: usize| out.get_mut(number));
                if let (Some(place), Ok(packets), Ok(bytes)) =
                    (place, packets.parse(), bytes.parse())
                {
                    *place = (packets, bytes);
                }
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_by_number() {
        let text = "table inet perhop_agent {\n\tcounter rule1 {\n\t\tpackets 5 bytes 900\n\t}\n\tcounter rule7 {\n\t\tpackets 1 bytes 2\n\t}\n}\n";
        assert_eq!(counters(text, 2), [(0, 0), (5, 900)]);
    }
}
