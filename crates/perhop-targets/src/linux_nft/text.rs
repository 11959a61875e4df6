//! A table as text, and back.

use perhop_policy::{Dscp, PortRange, Protocol};

use crate::linux_nft::table::{Hook, Rule, Step, Table};
use crate::network::values;
use crate::syntax::nft::{self, Nft, Word};

/// The file that makes a table, or makes it anew.
#[must_use]
pub fn apply(table: &Table, comments: &[String]) -> Vec<u8> {
    let mut out = Nft::new();
    for text in comments {
        out.comment(text);
    }
    replace(&mut out, table);
    out.blank();
    out.open(&head("table", table));
    body(&mut out, table);
    out.close();
    out.into_bytes()
}

/// The file that deletes a table, whether it is there or not.
#[must_use]
pub fn undo(table: &Table, comments: &[String]) -> Vec<u8> {
    let mut out = Nft::new();
    for text in comments {
        out.comment(text);
    }
    replace(&mut out, table);
    out.into_bytes()
}

fn replace(out: &mut Nft, table: &Table) {
    out.line(&head("add table", table));
    out.line(&head("delete table", table));
}

fn head<'a>(verb: &'static str, table: &'a Table) -> [Word<'a>; 3] {
    let family = match table.hook {
        Hook::Output | Hook::Forward => "inet",
        Hook::Bridge => "bridge",
    };
    [Word::Own(verb), Word::Own(family), Word::Name(&table.name)]
}

fn body(out: &mut Nft, table: &Table) {
    let marks = table.marks();
    for dscp in &marks {
        counter(out, &format!("c_{}", nft::dscp(*dscp)));
    }
    if table.reset {
        counter(out, "c_unplanned");
    }
    for (index, (by_source, elements)) in table.maps().enumerate() {
        out.blank();
        map(out, &map_name(index, by_source), elements);
    }
    for dscp in &marks {
        out.blank();
        let text = nft::dscp(*dscp);
        out.open(&[Word::Own("chain"), Word::Name(&format!("mark_{text}"))]);
        set(out, *dscp);
        out.line(&[Word::Own("counter name"), Word::Name(&format!("c_{text}"))]);
        out.line(&[Word::Own("accept")]);
        out.close();
    }
    out.blank();
    hook(out, table);
}

fn counter(out: &mut Nft, name: &str) {
    out.open(&[Word::Own("counter"), Word::Name(name)]);
    out.close();
}

fn map(out: &mut Nft, name: &str, elements: &[(Protocol, PortRange, Dscp)]) {
    out.open(&[Word::Own("map"), Word::Name(name)]);
    out.line(&[Word::Own("type inet_proto . inet_service : verdict")]);
    out.line(&[Word::Own("flags interval")]);
    out.open(&[Word::Own("elements =")]);
    for (protocol, range, dscp) in elements {
        out.line(&[
            Word::Protocol(*protocol),
            Word::Own("."),
            Word::Ports(*range),
            Word::Own(": goto"),
            Word::Name(&format!("mark_{}", nft::dscp(*dscp))),
            Word::Own(","),
        ]);
    }
    out.close();
    out.close();
}

fn map_name(index: usize, by_source: bool) -> String {
    let side = if by_source { "source" } else { "destination" };
    format!("by_{side}_port_{}", index + 1)
}

fn set(out: &mut Nft, dscp: Dscp) {
    for family in ["ip dscp set", "ip6 dscp set"] {
        out.line(&[Word::Own(family), Word::Dscp(dscp)]);
    }
}

fn hook(out: &mut Nft, table: &Table) {
    let (name, place) = match table.hook {
        Hook::Output => (
            "output",
            "type filter hook output priority mangle; policy accept;",
        ),
        Hook::Forward => (
            "forward",
            "type filter hook forward priority mangle; policy accept;",
        ),
        // Bridges have priorities of their own; this is before their filter.
        Hook::Bridge => (
            "forward",
            "type filter hook forward priority -250; policy accept;",
        ),
    };
    out.open(&[Word::Own("chain"), Word::Name(name)]);
    out.line(&[Word::Own(place)]);
    if !table.interfaces.is_empty() {
        let names = table
            .interfaces
            .iter()
            .map(|name| Word::Text(name))
            .collect();
        out.line(&[
            Word::Own("iifname !="),
            Word::Set(names),
            Word::Own("accept"),
        ]);
    }
    let mut maps = 0;
    for step in &table.steps {
        match step {
            Step::Map { by_source, .. } => {
                let field = if *by_source { "th sport" } else { "th dport" };
                let name = map_name(maps, *by_source);
                maps += 1;
                out.line(&[
                    Word::Own("meta l4proto ."),
                    Word::Own(field),
                    Word::Own("vmap"),
                    Word::Map(&name),
                ]);
            }
            Step::Rule(rule) => rule_line(out, rule),
        }
    }
    if table.reset {
        set(out, Dscp::DF);
        out.line(&[Word::Own("counter name c_unplanned")]);
    }
    out.close();
}

fn rule_line(out: &mut Nft, rule: &Rule) {
    let mut words = Vec::new();
    for (nets, fields) in [
        (&rule.src, ["ip saddr", "ip6 saddr"]),
        (&rule.dst, ["ip daddr", "ip6 daddr"]),
    ] {
        if let Some(first) = nets.first() {
            let family = usize::from(first.addr().is_ipv6());
            words.push(Word::Own(fields[family]));
            words.push(Word::Set(nets.iter().map(|net| Word::Net(*net)).collect()));
        }
    }
    words.push(Word::Own("meta l4proto"));
    words.push(Word::Set(
        rule.protocols
            .iter()
            .map(|one| Word::Protocol(*one))
            .collect(),
    ));
    for (ports, field) in [(rule.src_ports, "th sport"), (rule.dst_ports, "th dport")] {
        if let Some(range) = ports {
            words.extend([Word::Own(field), Word::Ports(range)]);
        }
    }
    let chain = format!("mark_{}", nft::dscp(rule.dscp));
    words.extend([Word::Own("goto"), Word::Name(&chain)]);
    out.line(&words);
}

/// Reads a file that [`apply`] wrote.
///
/// # Errors
/// The first line that is not one of its.
pub fn read(text: &str) -> Result<Table, String> {
    let mut lines = Lines::new(text);
    let family = |line: &str| {
        let rest = line.strip_prefix("add table ")?;
        let (family, name) = rest.split_once(' ')?;
        let known = family == "inet" || family == "bridge";
        (known && nft::name(name) == name).then(|| (family == "bridge", name.to_owned()))
    };
    let (bridge, name) = lines.parse(family)?;
    lines.skip();
    lines.skip();
    let mut maps = Vec::new();
    let mut table = Table {
        name,
        hook: Hook::Output,
        interfaces: Vec::new(),
        steps: Vec::new(),
        reset: false,
    };
    while let Some(line) = lines.peek() {
        if line == "flags interval" {
            lines.skip();
            lines.skip();
            maps.push(elements(&mut lines)?);
        } else if let Some(hook) = hook_of(line, bridge) {
            table.hook = hook;
            lines.skip();
            break;
        } else {
            lines.skip();
        }
    }
    let mut maps = maps.into_iter();
    while let Some(line) = lines.peek() {
        if line == "}" {
            break;
        }
        if line.starts_with("ip dscp set ") {
            table.reset = true;
            break;
        }
        lines.parse(|line| step(line, &mut table, &mut maps))?;
    }
    // What was skipped is held by writing it again.
    let comments: Vec<String> = text
        .lines()
        .map_while(|line| line.strip_prefix("# ").map(str::to_owned))
        .collect();
    let again = apply(&table, &comments);
    match text
        .lines()
        .zip(String::from_utf8_lossy(&again).lines())
        .position(|(a, b)| a != b)
    {
        None if again == text.as_bytes() => Ok(table),
        None => Err("the file ends too early or too late".to_owned()),
        Some(at) => Err(format!("line {} is not one that is written here", at + 1)),
    }
}

fn hook_of(line: &str, bridge: bool) -> Option<Hook> {
    let rest = line.strip_prefix("type filter hook ")?;
    match (rest.split(' ').next()?, bridge) {
        ("output", false) => Some(Hook::Output),
        ("forward", false) => Some(Hook::Forward),
        ("forward", true) => Some(Hook::Bridge),
        _ => None,
    }
}

fn step(
    line: &str,
    table: &mut Table,
    maps: &mut impl Iterator<Item = Vec<(Protocol, PortRange, Dscp)>>,
) -> Option<()> {
    if let Some(rest) = line.strip_prefix("iifname != ") {
        let names = set_of(rest.strip_suffix(" accept")?)?;
        let unquote = |text: &str| Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned());
        table.interfaces = names.into_iter().map(unquote).collect::<Option<_>>()?;
    } else if line.starts_with("meta l4proto . th ") {
        table.steps.push(Step::Map {
            by_source: line.contains("th sport"),
            elements: maps.next()?,
        });
    } else {
        table.steps.push(Step::Rule(read_rule(line)?));
    }
    Some(())
}

fn read_rule(line: &str) -> Option<Rule> {
    let (conditions, chain) = line.split_once(" goto ")?;
    let mut rule = Rule {
        dscp: nft::read_dscp(chain.strip_prefix("mark_")?)?,
        ..Rule::default()
    };
    let mut rest = conditions;
    while !rest.is_empty() {
        let mut words = rest.splitn(3, ' ');
        let field = (words.next()?, words.next()?);
        let (value, after) = value_of(words.next()?)?;
        rest = after;
        let texts = set_of(value)?;
        let nets = || {
            texts
                .iter()
                .map(|text| values::net(text))
                .collect::<Option<Vec<_>>>()
        };
        match field {
            ("ip" | "ip6", "saddr") => rule.src = nets()?,
            ("ip" | "ip6", "daddr") => rule.dst = nets()?,
            ("meta", "l4proto") => {
                rule.protocols = texts
                    .into_iter()
                    .map(values::protocol)
                    .collect::<Option<_>>()?;
            }
            ("th", "sport") => rule.src_ports = Some(values::ports(value, '-')?),
            ("th", "dport") => rule.dst_ports = Some(values::ports(value, '-')?),
            _ => return None,
        }
    }
    Some(rule)
}

/// A value at the beginning, and what follows it.
fn value_of(text: &str) -> Option<(&str, &str)> {
    let end = if text.starts_with('{') {
        text.find('}')? + 1
    } else {
        text.find(' ').unwrap_or(text.len())
    };
    let (value, rest) = text.split_at(end);
    Some((value, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// The words of `{ a, b }`, or the one word.
fn set_of(text: &str) -> Option<Vec<&str>> {
    match text.strip_prefix("{ ") {
        None => Some(vec![text]),
        Some(rest) => Some(rest.strip_suffix(" }")?.split(", ").collect()),
    }
}

fn elements(lines: &mut Lines<'_>) -> Result<Vec<(Protocol, PortRange, Dscp)>, String> {
    let mut out = Vec::new();
    while lines.peek().is_some_and(|line| line != "}") {
        out.push(lines.parse(|line| {
            let (key, chain) = line.strip_suffix(',')?.split_once(" : goto mark_")?;
            let (one, range) = key.split_once(" . ")?;
            Some((
                values::protocol(one)?,
                values::ports(range, '-')?,
                nft::read_dscp(chain)?,
            ))
        })?);
    }
    Ok(out)
}

/// Lines without comments, blanks and indentation, with their numbers.
struct Lines<'a> {
    left: std::iter::Peekable<std::vec::IntoIter<(usize, &'a str)>>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let lines: Vec<(usize, &str)> = (1..)
            .zip(text.lines())
            .map(|(number, line)| (number, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .collect();
        Self {
            left: lines.into_iter().peekable(),
        }
    }

    fn peek(&mut self) -> Option<&'a str> {
        self.left.peek().map(|(_, line)| *line)
    }

    fn skip(&mut self) {
        self.left.next();
    }

    fn parse<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
        let (number, line) = self.left.next().ok_or("the file ends too early")?;
        read(line).ok_or_else(|| format!("line {number} is not one that is written here"))
    }
}
