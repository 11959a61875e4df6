//! Junos: filters whose terms set a mark or choose a forwarding class, and the rewrite rules that give the class its mark.
//! Both forms are read: `set` commands, and blocks with braces as `show configuration` prints them.

mod packets;
mod statements;

use std::collections::BTreeMap;

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};
use perhop_targets::network::values;

use self::packets::Packets;
use self::statements::{Statement, statements};

use crate::fact::{Fact, NetMark, Syntax, What};
use crate::finding::Layer;
use crate::place::Place;
use crate::reading::{FileRead, shortened};

/// Statements, values and services looked at, in all.
const MOST: usize = 1 << 18;

/// Whether a text has lines that only such configurations have.
pub(super) fn is_one(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        line.starts_with("set firewall ")
            || line.starts_with("set class-of-service ")
            || line == "firewall {"
            || line == "class-of-service {"
    })
}

/// A term of a filter, by family.
#[derive(Default)]
struct FilterTerm<'a> {
    line: usize,
    from: Vec<(usize, Vec<&'a str>)>,
    then: Vec<(usize, Vec<&'a str>)>,
}

/// A filter: its name, the families it is for, its terms in order.
struct Filter<'a> {
    name: &'a str,
    families: [bool; 2],
    terms: Vec<(&'a str, FilterTerm<'a>)>,
    interfaces: Vec<String>,
}

/// Lists what the filters mark, and what of them is not understood.
pub(super) fn read(file: &mut FileRead, index: usize, text: &str) {
    let statements = statements(text);
    let mut reader = Reader {
        index,
        filters: Vec::new(),
        prefixes: BTreeMap::new(),
        rewrites: BTreeMap::new(),
        has_rewrites: false,
        spent: 0,
    };
    for statement in &statements {
        reader.statement(file, statement);
    }
    for statement in &statements {
        reader.attach(file, statement);
    }
    let filters = std::mem::take(&mut reader.filters);
    for filter in &filters {
        reader.filter(file, filter);
    }
}

struct Reader<'a> {
    index: usize,
    filters: Vec<Filter<'a>>,
    prefixes: BTreeMap<&'a str, Vec<IpNet>>,
    /// Marks by family, forwarding class and loss priority; `None` where rewrite rules differ.
    rewrites: BTreeMap<(bool, &'a str, &'a str), Option<Dscp>>,
    has_rewrites: bool,
    spent: usize,
}

impl<'a> Reader<'a> {
    fn affords(&mut self, more: usize) -> bool {
        self.spent = self.spent.saturating_add(more).min(MOST + 1);
        self.spent <= MOST
    }

    fn leave(&self, file: &mut FileRead, line: usize, words: &[&str], why: &str) {
        file.leave(Place::line(self.index, line), words.join(" "), why);
    }

    fn statement(&mut self, file: &mut FileRead, statement: &Statement<'a>) {
        match statement.words[..] {
            ["firewall", "family", "inet", "filter", ref rest @ ..] => {
                self.term([true, false], statement.line, rest);
            }
            ["firewall", "family", "inet6", "filter", ref rest @ ..] => {
                self.term([false, true], statement.line, rest);
            }
            ["firewall", "filter", ref rest @ ..] => {
                self.term([true, false], statement.line, rest);
            }
            ["firewall", "family", "any", "filter", ref rest @ ..] => {
                self.term([true, true], statement.line, rest);
            }
            ["firewall", "family", ..] => {
                let why = "a filter of another family";
                if statement.words.contains(&"forwarding-class") {
                    self.leave(file, statement.line, &statement.words, why);
                }
            }
            ["groups", _, "firewall" | "class-of-service", ..] => {
                let why = "what is inherited from groups is not followed: `show configuration | display inheritance` has it in place";
                self.leave(file, statement.line, &statement.words, why);
            }
            ["policy-options", "prefix-list", name, net] => {
                if let Some(net) = values::net(net) {
                    self.prefixes.entry(name).or_default().push(net.trunc());
                }
            }
            [
                "class-of-service",
                "rewrite-rules",
                kind @ ("dscp" | "dscp-ipv6"),
                _,
                "forwarding-class",
                class,
                "loss-priority",
                priority,
                "code-point" | "code-points",
                mark,
            ] => {
                let Some(mark) = code_point(mark) else {
                    let why = "a code point that is not understood";
                    self.leave(file, statement.line, &statement.words, why);
                    return;
                };
                self.has_rewrites = true;
                let known = self
                    .rewrites
                    .entry((kind == "dscp-ipv6", class, priority))
                    .or_insert(Some(mark));
                if *known != Some(mark) {
                    *known = None;
                }
            }
            _ => {}
        }
    }

    /// A statement of a filter.
    fn term(&mut self, families: [bool; 2], line: usize, words: &[&'a str]) {
        let [name, "term", term, rest @ ..] = words else {
            return;
        };
        let known = self
            .filters
            .iter()
            .rposition(|one| one.name == *name && one.families == families);
        let at = known.unwrap_or_else(|| {
            self.filters.push(Filter {
                name,
                families,
                terms: Vec::new(),
                interfaces: Vec::new(),
            });
            self.filters.len() - 1
        });
        let terms = &mut self.filters[at].terms;
        // Statements of a term stand together; one that comes again later adds to it.
        let at = match terms.last() {
            Some((last, _)) if last == term => terms.len() - 1,
            _ => terms
                .iter()
                .position(|(one, _)| one == term)
                .unwrap_or_else(|| {
                    terms.push((
                        term,
                        FilterTerm {
                            line,
                            ..FilterTerm::default()
                        },
                    ));
                    terms.len() - 1
                }),
        };
        let own = &mut terms[at].1;
        match rest {
            ["from", rest @ ..] if !rest.is_empty() => own.from.push((line, rest.to_vec())),
            ["then", rest @ ..] if !rest.is_empty() => own.then.push((line, rest.to_vec())),
            _ => {}
        }
    }

    fn attach(&mut self, file: &mut FileRead, statement: &Statement<'a>) {
        let [
            "interfaces",
            interface,
            "unit",
            unit,
            "family",
            family,
            "filter",
            "input" | "input-list",
            name,
        ] = statement.words[..]
        else {
            return;
        };
        let v6 = family == "inet6";
        let found = self
            .filters
            .iter_mut()
            .find(|one| one.name == name && one.families[usize::from(v6)]);
        match found {
            Some(filter) if filter.interfaces.len() < 4096 => filter
                .interfaces
                .push(shortened(&format!("{interface}.{unit}"))),
            _ => self.leave(
                file,
                statement.line,
                &statement.words,
                "the filter is not in the file",
            ),
        }
    }

    fn filter(&mut self, file: &mut FileRead, filter: &Filter<'a>) {
        let mut marks: Vec<(usize, NetMark)> = Vec::new();
        for (name, term) in &filter.terms {
            for v6 in [false, true] {
                if !filter.families[usize::from(v6)] {
                    continue;
                }
                match self.mark(filter, name, term, v6) {
                    Ok(Some(mark)) => marks.push((term.line, mark)),
                    Ok(None) => {}
                    Err((line, words, why)) => {
                        let mut all = vec!["filter", filter.name, "term", name];
                        all.extend(words);
                        self.leave(file, line, &all, why);
                    }
                }
            }
        }
        if marks.iter().all(|(_, mark)| mark.dscp.is_none()) {
            return;
        }
        for (line, mark) in marks {
            if !self.affords(1 + filter.interfaces.len()) {
                self.leave(
                    file,
                    line,
                    &["filter", filter.name],
                    "more marks than are listed",
                );
                return;
            }
            file.facts.push(Fact {
                place: Place::line(self.index, line),
                layer: Layer::Match,
                what: What::Mark(mark),
            });
        }
    }

    /// What a term does in one family; `None` for packets of no rule's protocol.
    fn mark(
        &mut self,
        filter: &Filter<'a>,
        name: &str,
        term: &FilterTerm<'a>,
        v6: bool,
    ) -> Result<Option<NetMark>, Strange<'a>> {
        let (dscp, last) = self.action(term, v6)?;
        let packets = self.packets(term, v6)?;
        if packets.elsewhere {
            return Ok(None);
        }
        let size = packets.size();
        if !self.affords(size) {
            return Err((term.line, Vec::new(), "more packets than are listed"));
        }
        let Some(services) = packets.services() else {
            return Ok(None);
        };
        let mark = NetMark::new(
            Syntax::Junos,
            &shortened(filter.name),
            &shortened(name),
            dscp,
        );
        Ok(Some(NetMark {
            families: [!v6, v6],
            services,
            without: packets.without(),
            src: packets.sides[0].nets.clone(),
            dst: packets.sides[1].nets.clone(),
            last,
            interfaces: filter.interfaces.clone(),
            ..mark
        }))
    }

    /// The mark that a term gives, and whether no later term sees its packets.
    fn action(&self, term: &FilterTerm<'a>, v6: bool) -> Result<(Option<Dscp>, bool), Strange<'a>> {
        let (mut direct, mut class, mut priority, mut last) = (None, None, "low", true);
        for (line, words) in &term.then {
            match words[..] {
                ["dscp" | "traffic-class", mark] => {
                    let unknown = (*line, words.clone(), "a mark that is not understood");
                    direct = Some(code_point(mark).ok_or(unknown)?);
                }
                ["forwarding-class", name] => class = Some((*line, name)),
                ["loss-priority", name] => priority = name,
                ["next", "term"] => last = false,
                [
                    "accept"
                    | "discard"
                    | "reject"
                    | "count"
                    | "log"
                    | "syslog"
                    | "sample"
                    | "port-mirror"
                    | "policer"
                    | "three-color-policer",
                    ..,
                ] => {}
                _ => return Err((*line, words.clone(), "an action that is not understood")),
            }
        }
        let Some((line, class)) = class.filter(|_| direct.is_none()) else {
            return Ok((direct, last));
        };
        match self.rewrites.get(&(v6, class, priority)) {
            Some(Some(mark)) => Ok((Some(*mark), last)),
            Some(None) => Err((
                line,
                vec!["forwarding-class", class],
                "rewrite rules give this class different marks",
            )),
            None if self.has_rewrites => Ok((None, last)),
            // What perhop writes has the mark in the name; its rewrite rules are a file of their own.
            None => match perhop_targets::junos::mark_of_class(class) {
                Some(mark) => Ok((Some(mark), last)),
                None => Err((
                    line,
                    vec!["forwarding-class", class],
                    "no rewrite rule in the file says the mark of this class",
                )),
            },
        }
    }

    fn packets(&self, term: &FilterTerm<'a>, v6: bool) -> Result<Packets, Strange<'a>> {
        let mut out = Packets::default();
        let mut others = false;
        for (line, words) in &term.from {
            let strange = |why| (*line, words.clone(), why);
            let [key, values @ ..] = &words[..] else {
                continue;
            };
            let to = usize::from(key.starts_with("destination"));
            match *key {
                "protocol" | "next-header" | "payload-protocol" => {
                    for one in values {
                        match *one {
                            "udp" | "17" => out.protocols.push(Protocol::Udp),
                            "tcp" | "6" => out.protocols.push(Protocol::Tcp),
                            _ => others = true,
                        }
                    }
                }
                "source-address" | "destination-address" => {
                    addresses(&mut out.sides[to], values).ok_or_else(|| strange(VALUE))?;
                }
                "source-prefix-list" | "destination-prefix-list" => {
                    let name = values.first().filter(|_| values.len() == 1);
                    let nets = name
                        .and_then(|name| self.prefixes.get(name))
                        .ok_or_else(|| strange("a prefix list that is not in the file"))?;
                    let own = nets
                        .iter()
                        .filter(|net| matches!(net, IpNet::V6(_)) == v6)
                        .copied();
                    out.sides[to].nets.extend(own);
                }
                "source-port" | "destination-port" | "port" => {
                    for one in values {
                        let range = ports(one).ok_or_else(|| strange(VALUE))?;
                        match *key {
                            "port" => out.either.push(range),
                            _ => out.sides[to].ports.push(range),
                        }
                    }
                }
                _ => return Err(strange("a condition that is not understood")),
            }
        }
        out.elsewhere = others && out.protocols.is_empty();
        for side in &out.sides {
            let inside = |net: &IpNet| side.except.iter().any(|except| except.contains(net));
            if side.nets.iter().any(inside) || side.nets.is_empty() && !side.except.is_empty() {
                let why = "addresses that are taken out of each other";
                return Err((term.line, vec!["from"], why));
            }
        }
        Ok(out)
    }
}

const VALUE: &str = "a value that is not understood";

/// `10.0.0.0/8`, or `10.1.0.0/16 except`; `None` for what is neither.
fn addresses(side: &mut packets::Side, values: &[&str]) -> Option<()> {
    let (nets, except) = match values {
        [nets @ .., "except"] => (nets, true),
        nets => (nets, false),
    };
    for net in nets {
        let net = values::net(net)?.trunc();
        if except {
            side.except.push(net);
        } else {
            side.nets.push(net);
        }
    }
    Some(())
}

/// A place with words, and why they are left.
type Strange<'a> = (usize, Vec<&'a str>, &'static str);

/// `50000-50019`, `5060`, or a name.
fn ports(text: &str) -> Option<PortRange> {
    let named = [
        ("sip", 5060),
        ("domain", 53),
        ("ntp", 123),
        ("http", 80),
        ("https", 443),
    ];
    match named.into_iter().find(|(name, _)| *name == text) {
        Some((_, port)) => Some(PortRange::single(port)),
        None => values::ports(text, '-'),
    }
}

/// `ef`, `101110`, `0b101110`, `46`.
fn code_point(text: &str) -> Option<Dscp> {
    let bits = text.strip_prefix("0b").unwrap_or(text);
    if bits.len() == 6 && bits.bytes().all(|byte| matches!(byte, b'0' | b'1')) {
        return Dscp::try_new(u8::from_str_radix(bits, 2).ok()?);
    }
    match text {
        "be" => Some(Dscp::DF),
        "nc1" => Dscp::try_new(48),
        "nc2" => Dscp::try_new(56),
        _ => Dscp::from_name(text).or_else(|| Dscp::try_new(text.parse().ok()?)),
    }
}
