//! RouterOS: what the rules of mangle mark, in exports and scripts.
//!
//! Chains where packets come in are followed through jumps to the rules that change a mark. A rule with a condition that
//! has no form here is listed, and so are commands whose effect on the rules is not known.

mod rule;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ipnet::IpNet;
use perhop_policy::Protocol;
use perhop_targets::network::model::{Service, Term};

use self::rule::{Action, Rule};
use self::words::{Command, commands};
use crate::fact::{Fact, NetMark, Syntax, What};
use crate::finding::Layer;
use crate::meet;
use crate::place::Place;
use crate::reading::{FileRead, shortened};

/// Chains where packets come in, in the order in which they meet them.
const HOOKS: [&str; 5] = ["prerouting", "input", "forward", "output", "postrouting"];
/// Chains that go into each other deeper than this are not followed.
const DEEPEST: usize = 16;
/// Rules looked at, and addresses and services written out, in all.
const MOST: usize = 1 << 18;

/// Whether a text has lines of RouterOS' packet filter.
pub(super) fn is_one(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches('\u{feff}');
        let menu = line.strip_prefix("/ipv6").or(line.strip_prefix("/ip"));
        menu.is_some_and(|rest| {
            let mut words = rest.split([' ', '/']).filter(|word| !word.is_empty());
            words.next() == Some("firewall")
                && matches!(words.next(), Some("mangle" | "address-list"))
        })
    })
}

/// Lists what the rules mark, and what of them is not understood.
pub(super) fn read(file: &mut FileRead, index: usize, text: &str) {
    let commands = commands(text);
    let mut reader = Reader {
        index,
        file,
        lists: BTreeMap::new(),
        chains: BTreeMap::new(),
        seen: BTreeSet::new(),
        left: BTreeSet::new(),
        hook: "",
        spent: 0,
    };
    for command in &commands {
        reader.address(command);
    }
    for command in &commands {
        reader.rule(command);
    }
    for hook in HOOKS {
        for v6 in [false, true] {
            reader.begin(hook, hook, v6);
        }
    }
    // Chains that no packet comes to by this file may be attached elsewhere.
    let keys: Vec<(bool, &str)> = reader.chains.keys().copied().collect();
    for (v6, name) in keys {
        let rules = &reader.chains[&(v6, name)];
        let fresh = rules.iter().all(|rule| !reader.seen.contains(&rule.line));
        if fresh && !HOOKS.contains(&name) {
            reader.begin(name, "", v6);
        }
    }
    file.left.sort_by_key(|left| left.place.line);
}

struct Reader<'a, 'f> {
    index: usize,
    file: &'f mut FileRead,
    /// Addresses by list and family.
    lists: BTreeMap<(bool, &'a str), Vec<IpNet>>,
    chains: BTreeMap<(bool, &'a str), Rc<Vec<Rule<'a>>>>,
    /// Rules that were looked at, by line.
    seen: BTreeSet<usize>,
    left: BTreeSet<usize>,
    hook: &'a str,
    spent: usize,
}

impl<'a> Reader<'a, '_> {
    fn leave(&mut self, line: usize, text: &str, why: &str) {
        if self.left.insert(line) {
            self.file.leave(Place::line(self.index, line), text, why);
        }
    }

    fn affords(&mut self, more: usize) -> bool {
        self.spent = self.spent.saturating_add(more).min(MOST + 1);
        self.spent <= MOST
    }

    /// Takes an entry of an address list in.
    fn address(&mut self, command: &'a Command<'a>) {
        let Some((v6, "address-list")) = command.menu() else {
            return;
        };
        if command.is_off() {
            return;
        }
        let net = command.value("address").and_then(rule::net);
        match (command.verb, command.value("list"), net) {
            ("add", Some(list), Some(net)) => self.lists.entry((v6, list)).or_default().push(net),
            _ => self.leave(
                command.line,
                &command.text(),
                "an entry of an address list that is not understood",
            ),
        }
    }

    /// Takes a rule in.
    fn rule(&mut self, command: &'a Command<'a>) {
        let v6 = match command.menu() {
            Some((v6, "mangle")) => v6,
            Some((_, "filter")) => {
                if command.value("action") == Some("fasttrack-connection") && !command.is_off() {
                    self.leave(
                        command.line,
                        &command.text(),
                        "packets of the connections that it takes pass by the rules that mark",
                    );
                }
                return;
            }
            _ => return,
        };
        match command.verb {
            "add" if command.is_off() => {}
            "add" => {
                let rule = Rule::of(command, v6, &self.lists);
                let key = (v6, command.value("chain").unwrap_or_default());
                Rc::make_mut(self.chains.entry(key).or_default()).push(rule);
            }
            // What is removed before rules are made are others.
            "remove" if self.chains.is_empty() => {}
            "remove" if self.chains.keys().all(|(of, _)| *of != v6) => {}
            "print" | "export" => {}
            _ => self.leave(
                command.line,
                &command.text(),
                "a command whose effect on the rules is not known",
            ),
        }
    }

    /// Follows packets from where they come in.
    fn begin(&mut self, chain: &'a str, hook: &'a str, v6: bool) {
        self.hook = hook;
        let mut packets = NetMark::new(Syntax::MikroTik, &shortened(chain), "", None);
        packets.families = [!v6, v6];
        packets.hook = shortened(hook);
        self.chain((v6, chain), packets, 0);
    }

    /// Follows packets through a chain.
    fn chain(&mut self, key: (bool, &'a str), mut packets: NetMark, depth: usize) {
        let rules = self.chains.get(&key).cloned().unwrap_or_default();
        for rule in rules.iter() {
            let first = self.seen.insert(rule.line);
            let cost = |mark: &NetMark| 1 + mark.src.len() + mark.dst.len() + mark.services.len();
            let work = match &rule.packets {
                Ok(own) => cost(own).saturating_mul(cost(&packets)),
                Err(_) => 1,
            };
            if depth > DEEPEST || !self.affords(work + packets.without.len()) {
                self.leave(
                    rule.line,
                    &rule.text,
                    "more ways lead here than are followed",
                );
                return;
            }
            let own = match &rule.packets {
                Ok(own) => own,
                Err(why) => {
                    if first {
                        self.leave(rule.line, &rule.text, why);
                    }
                    continue;
                }
            };
            let Some(taken) = meet::packets(&packets, own) else {
                continue;
            };
            match rule.action {
                Action::None => {}
                Action::Mark(dscp, last) => self.fact(key.1, rule, taken, Some(dscp), last),
                Action::End => self.fact(key.1, rule, taken, None, true),
                Action::Jump(target) => self.chain((key.0, target), taken, depth + 1),
                // Nothing of the list comes after a chain where packets come in.
                Action::Return if depth == 0 => self.fact(key.1, rule, taken, None, true),
                Action::Return if taken == packets => return,
                Action::Return => match term(&taken, &packets) {
                    Some(term) if packets.without.contains(&term) => {}
                    Some(term) => packets.without.push(term),
                    None => self.leave(
                        rule.line,
                        &rule.text,
                        "it takes packets from the rules below it",
                    ),
                },
            }
        }
    }

    fn fact(
        &mut self,
        chain: &str,
        rule: &Rule<'a>,
        mut mark: NetMark,
        dscp: Option<perhop_policy::Dscp>,
        last: bool,
    ) {
        mark.class = shortened(chain);
        mark.dscp = dscp;
        mark.last = last;
        self.file.facts.push(Fact {
            place: Place::line(self.index, rule.line),
            layer: Layer::Match,
            what: What::Mark(mark),
        });
    }
}

/// Some packets of others as a term that can be taken out of them; `None` when it takes more to say which.
fn term(packets: &NetMark, of: &NetMark) -> Option<Term> {
    if (&packets.arriving, &packets.interfaces) != (&of.arriving, &of.interfaces) {
        return None;
    }
    let every = [Protocol::Udp, Protocol::Tcp].map(|protocol| Service {
        protocol,
        src: None,
        dst: None,
    });
    Some(Term {
        src: packets.src.clone(),
        dst: packets.dst.clone(),
        services: if packets.services.is_empty() {
            every.to_vec()
        } else {
            packets.services.clone()
        },
    })
}
