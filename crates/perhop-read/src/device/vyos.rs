//! VyOS: what policy routes mark, in the lines of `show configuration commands`.
//!
//! The rules of a policy route are looked at by number, and the first that takes a packet is the last one.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};
use perhop_targets::network::model::Service;

use crate::fact::{Fact, NetMark, Syntax, What};
use crate::finding::Layer;
use crate::meet;
use crate::place::Place;
use crate::policy::values::range;
use crate::reading::{FileRead, shortened};

/// Ports written out, and interfaces listed, in all.
const MOST: usize = 1 << 18;

/// Whether a text has lines of policy routes.
pub(super) fn is_one(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split_ascii_whitespace();
        words.next() == Some("set")
            && words.next() == Some("policy")
            && matches!(words.next(), Some("route" | "route6"))
            && words.nth(1).is_some()
    })
}

/// Lists what the rules mark, and what of them is not understood.
pub(super) fn read(file: &mut FileRead, index: usize, text: &str) {
    let mut routes = Routes::default();
    let mut left: Vec<(usize, &str, &str)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let words: Vec<&str> = line
            .split_ascii_whitespace()
            .map(|word| word.trim_matches(['\'', '"']))
            .collect();
        if let Err(why) = routes.line(number, &words) {
            left.push((number, line, why));
        }
    }
    let mut spent = 0usize;
    for ((v6, name), route) in &routes.0 {
        for (number, rule) in &route.rules {
            if rule.off {
                continue;
            }
            spent = spent.saturating_add(rule.size() + route.interfaces.len());
            if spent > MOST {
                left.push((
                    rule.line,
                    name,
                    "more packets are marked here than are listed",
                ));
                break;
            }
            let Some(services) = rule.services() else {
                left.push((rule.line, name, "ports without a protocol that has them"));
                continue;
            };
            // What is not understood takes some packets or all; its lines are listed.
            if rule.strange {
                continue;
            }
            let class = format!("rule {number}");
            file.facts.push(Fact {
                place: Place::line(index, rule.line),
                layer: Layer::Match,
                what: What::Mark(NetMark {
                    families: [!v6, *v6],
                    src: rule.src.clone(),
                    dst: rule.dst.clone(),
                    services,
                    interfaces: route.interfaces.clone(),
                    ..NetMark::new(Syntax::Vyos, &shortened(name), &class, rule.dscp)
                }),
            });
        }
    }
    left.sort_by_key(|(line, ..)| *line);
    for (line, text, why) in left {
        file.leave(Place::line(index, line), shortened(text), why);
    }
}

/// Policy routes by family and name.
#[derive(Default)]
struct Routes<'a>(BTreeMap<(bool, &'a str), Route>);

/// A policy route: its rules by number.
#[derive(Default)]
struct Route {
    rules: BTreeMap<u32, Rule>,
    interfaces: Vec<String>,
}

/// One rule, as its lines say.
#[derive(Default)]
struct Rule {
    /// Its first line.
    line: usize,
    protocols: Vec<Protocol>,
    src: Vec<IpNet>,
    dst: Vec<IpNet>,
    src_ports: Vec<PortRange>,
    dst_ports: Vec<PortRange>,
    dscp: Option<Dscp>,
    /// Whether it is not in force.
    off: bool,
    /// Whether something in it is not understood.
    strange: bool,
}

impl<'a> Routes<'a> {
    /// Takes a line in; why it is not understood.
    fn line(&mut self, number: usize, words: &[&'a str]) -> Result<(), &'static str> {
        let (v6, name, rest) = match words {
            ["set", "policy", "route", name, rest @ ..] => (false, *name, rest),
            ["set", "policy", "route6", name, rest @ ..] => (true, *name, rest),
            [_, "policy", "route" | "route6", _, ..] => {
                return Err("only lines that set something are read");
            }
            _ => return Ok(()),
        };
        let route = self.0.entry((v6, name)).or_default();
        match rest {
            [] | ["description" | "default-log" | "enable-default-log", ..] => Ok(()),
            ["interface", interface] => {
                route.interfaces.push(shortened(interface));
                Ok(())
            }
            ["rule", of, rest @ ..] => {
                let of = of.parse().map_err(|_| "a rule without a number")?;
                let rule = route.rules.entry(of).or_default();
                if rule.line == 0 {
                    rule.line = number;
                }
                let taken = rule.take(rest);
                rule.strange |= taken.is_none();
                taken.ok_or("a part of a rule that is not understood, so its mark is not known")
            }
            _ => Err("a part of a policy route that is not understood"),
        }
    }
}

impl Rule {
    /// Takes a part in; `None` for what is not understood.
    fn take(&mut self, words: &[&str]) -> Option<()> {
        match words {
            // Parts that are there twice replace the first.
            [] | ["description" | "log" | "log-options" | "action", ..] => {}
            ["disable"] => self.off = true,
            ["protocol", "udp" | "17"] => self.protocols = vec![Protocol::Udp],
            ["protocol", "tcp" | "6"] => self.protocols = vec![Protocol::Tcp],
            ["protocol", "tcp_udp"] => self.protocols = vec![Protocol::Udp, Protocol::Tcp],
            ["protocol", "all"] => self.protocols = Vec::new(),
            ["source", "address", net] => self.src = vec![address(net)?],
            ["destination", "address", net] => self.dst = vec![address(net)?],
            ["source", "port", list] => self.src_ports = ports(list)?,
            ["destination", "port", list] => self.dst_ports = ports(list)?,
            ["set", "dscp", mark] => self.dscp = Some(Dscp::try_new(mark.parse().ok()?)?),
            // Where packets go, and marks of the router's own.
            [
                "set",
                "table" | "mark" | "connection-mark" | "vrf" | "tcp-mss",
                _,
            ] => {}
            _ => return None,
        }
        Some(())
    }

    fn size(&self) -> usize {
        let (src, dst) = (self.src_ports.len().max(1), self.dst_ports.len().max(1));
        src.saturating_mul(dst).saturating_mul(2)
    }

    /// None for every packet; `None` where there are ports and nothing that has them.
    fn services(&self) -> Option<Vec<Service>> {
        let ports = [&self.src_ports[..], &self.dst_ports];
        let named = !self.protocols.is_empty() || ports.iter().all(|ports| ports.is_empty());
        let found = meet::conditions(&self.protocols, ports, &[]);
        found.filter(|_| named)
    }
}

/// An address or a prefix.
fn address(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(address.into()),
        Err(_) => text.parse::<IpNet>().ok().map(|net| net.trunc()),
    }
}

/// `50000-50019,50040`.
fn ports(text: &str) -> Option<Vec<PortRange>> {
    text.split(',').map(|one| range(one, '-')).collect()
}
