//! Configurations of the IOS kind: IOS, IOS XE, NX-OS, EOS and AOS-CX.
//!
//! Access lists, object groups, class maps and policy maps are followed from the policy that sets a mark to the packets
//! that it takes. What is in them and has no form here is listed with its line, never dropped; commands about other things,
//! and lists that no marking policy uses, are passed over.

mod classes;

use std::collections::BTreeSet;

use perhop_policy::Dscp;
use perhop_targets::network::lists::find;
use perhop_targets::syntax::ios::{self, Node};

use self::classes::{Class, Condition};
use super::lists::{Lists, Strange, lines, strange};
use crate::fact::{Fact, NetMark, Syntax, What};
use crate::finding::Layer;
use crate::place::Place;
use crate::reading::{FileRead, shortened};

/// Interfaces that are listed with marks, in all.
const MOST: usize = 1 << 18;

/// Lists what the policies mark, and what of them is not understood.
pub(super) fn read(file: &mut FileRead, index: usize, text: &str) {
    let nodes = ios::read_loose(text);
    let mut reader = Reader {
        index,
        syntax: syntax(text, &nodes),
        lists: Lists::of(&nodes),
        classes: Vec::new(),
        policies: Vec::new(),
        strange: Vec::new(),
    };
    for node in &nodes {
        if let Some((name, class)) = Class::of(node, &reader.lists) {
            reader.classes.push((name, class));
        }
    }
    for node in &nodes {
        reader.policy_map(node);
    }
    for node in &nodes {
        reader.interface(node);
    }
    reader.write(file);
}

fn syntax(text: &str, nodes: &[Node<'_>]) -> Syntax {
    if nodes
        .iter()
        .any(|node| matches!(node.words[..], ["class", "ip" | "ipv6", _] | ["policy", _]))
    {
        return Syntax::ArubaCx;
    }
    let mut seen = Syntax::CiscoIos;
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with("policy-map type quality-of-service")
            || line.starts_with("! device:") && line.contains("EOS")
        {
            return Syntax::AristaEos;
        }
        if line.starts_with("policy-map type qos") || line.starts_with("!Command: show running") {
            seen = Syntax::CiscoNxos;
        }
    }
    seen
}

/// A policy, with its marks so far.
struct Policy {
    name: String,
    marks: Vec<(usize, NetMark)>,
    strange: Vec<Strange>,
    /// The classes and the lists that it uses.
    uses: BTreeSet<String>,
    /// Whether it sets marks, known or not.
    is_about_marks: bool,
    interfaces: Vec<String>,
}

struct Reader<'a> {
    index: usize,
    syntax: Syntax,
    lists: Lists<'a>,
    classes: Vec<(&'a str, Class)>,
    policies: Vec<Policy>,
    strange: Vec<Strange>,
}

/// What a class of a policy does with the mark.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    /// Nothing.
    Keeps,
    Sets(Dscp),
    /// Something that is not understood.
    Unknown,
}

impl<'a> Reader<'a> {
    fn policy_map(&mut self, node: &Node<'a>) {
        let (name, numbered) = match node.words[..] {
            ["policy-map", .., name] => (name, false),
            ["policy", name] => (name, true),
            _ => return,
        };
        let mut policy = Policy {
            name: name.to_owned(),
            marks: Vec::new(),
            strange: Vec::new(),
            uses: BTreeSet::new(),
            is_about_marks: false,
            interfaces: Vec::new(),
        };
        if numbered {
            self.entries(&mut policy, node);
        } else {
            self.commands(&mut policy, node);
        }
        self.policies.push(policy);
    }

    /// `class NAME` and what is done with it below.
    fn commands(&self, policy: &mut Policy, node: &Node<'a>) {
        let mut class: Option<(&Node<'a>, &str, Does)> = None;
        for below in lines(node) {
            match (&below.words[..], &mut class) {
                (["class", .., name], _) => {
                    self.close(policy, class);
                    class = Some((below, name, Does::Keeps));
                }
                (["description", ..], _) => {}
                (words, Some((_, name, does))) => match effect(words) {
                    Some(Does::Keeps) => {}
                    Some(sets) => *does = sets,
                    None => {
                        if words[0] == "set" {
                            *does = Does::Unknown;
                        }
                        policy.is_about_marks |= words[0] == "set";
                        let place = ["policy-map", policy.name.as_str(), "class", *name];
                        policy.strange.push(strange(below, &place));
                    }
                },
                (_, None) => policy.strange.push(strange(below, &node.words)),
            }
        }
        self.close(policy, class);
    }

    /// `10 class ip NAME action dscp EF`.
    fn entries(&self, policy: &mut Policy, node: &Node<'a>) {
        for below in lines(node) {
            let mut words = &below.words[..];
            if words
                .first()
                .is_some_and(|word| word.parse::<u32>().is_ok())
            {
                words = &words[1..];
            }
            let ["class", "ip" | "ipv6", name, ref actions @ ..] = *words else {
                if !matches!(words.first(), Some(&("comment" | "description"))) {
                    policy.strange.push(strange(below, &node.words));
                }
                continue;
            };
            let mut does = Does::Keeps;
            let mut known = true;
            let mut actions = actions;
            while let ["action", rest @ ..] = actions {
                let end = rest.iter().position(|word| *word == "action");
                let (one, next) = rest.split_at(end.unwrap_or(rest.len()));
                match one {
                    ["dscp", mark] => match dscp(mark) {
                        Some(mark) => does = Does::Sets(mark),
                        None => known = false,
                    },
                    ["pcp" | "local-priority" | "drop" | "mirror" | "cir", ..] => {}
                    _ => known = false,
                }
                actions = next;
            }
            if !known || !actions.is_empty() {
                policy.strange.push(strange(below, &node.words));
                does = Does::Unknown;
            }
            self.close(policy, Some((below, name, does)));
        }
    }

    /// Adds the marks of a class, now that what it does is known.
    fn close(&self, policy: &mut Policy, class: Option<(&Node<'a>, &str, Does)>) {
        let Some((head, name, does)) = class else {
            return;
        };
        policy.is_about_marks |= does != Does::Keeps;
        let dscp = match does {
            Does::Unknown => return,
            Does::Keeps => None,
            Does::Sets(dscp) => Some(dscp),
        };
        let mark = NetMark::new(
            self.syntax,
            &shortened(&policy.name),
            &shortened(name),
            dscp,
        );
        if name == "class-default" {
            policy.marks.push((head.line, mark));
            return;
        }
        let lone = [Condition::of_list(name)];
        let conditions = match (find(&self.classes, name), self.lists.find(name)) {
            (Some(class), _) => &class.conditions[..],
            // A class of AOS-CX is its own list.
            (None, Some(_)) if self.syntax == Syntax::ArubaCx => &lone,
            (None, _) => &[],
        };
        policy.uses.insert(name.to_owned());
        let known = conditions.iter().try_for_each(|one| {
            policy.uses.extend(one.lists.iter().cloned());
            let marks = one.marks(self.index, &self.lists, &mark)?;
            let marks = marks.into_iter().map(|mark| (head.line, mark));
            policy.marks.extend(marks);
            Some(())
        });
        // The class is by something that is not understood, so its mark is not either.
        if known.is_none() || conditions.is_empty() && does != Does::Keeps {
            let place = ["policy-map", policy.name.as_str()];
            policy.strange.push(strange(head, &place));
        }
    }

    fn interface(&mut self, node: &Node<'a>) {
        let name = match node.words[..] {
            ["interface", ref name @ ..] => name.join(" "),
            ["system", "qos"] => "system qos".to_owned(),
            ["vlan", ref name @ ..] if self.syntax == Syntax::ArubaCx => {
                format!("vlan {}", name.join(" "))
            }
            _ => return,
        };
        for below in lines(node) {
            let (["service-policy", .., "input", policy]
            | ["apply", "policy", policy, "in" | "routed-in"]) = below.words[..]
            else {
                continue;
            };
            let known = self.policies.iter_mut().find(|one| one.name == policy);
            match known {
                Some(found) => found.interfaces.push(shortened(&name)),
                None => self.strange.push(strange(below, &node.words)),
            }
        }
    }

    fn write(self, file: &mut FileRead) {
        let mut strange = self.strange;
        let mut uses: BTreeSet<String> = BTreeSet::new();
        for mut policy in self.policies {
            if !policy.is_about_marks {
                continue;
            }
            uses.append(&mut policy.uses);
            strange.append(&mut policy.strange);
            let first = policy.marks.first().map_or(1, |(line, _)| *line);
            if policy.marks.len().saturating_mul(policy.interfaces.len()) > MOST {
                file.leave(
                    Place::line(self.index, first),
                    format!("{} interfaces", policy.interfaces.len()),
                    "too many to be listed with every mark",
                );
                policy.interfaces.clear();
            }
            for (line, mut mark) in policy.marks {
                mark.interfaces.clone_from(&policy.interfaces);
                file.facts.push(Fact {
                    place: Place::line(self.index, line),
                    layer: Layer::Match,
                    what: What::Mark(mark),
                });
            }
        }
        for name in &uses {
            let class = find(&self.classes, name);
            strange.extend(class.iter().flat_map(|class| &class.strange).cloned());
            let list = self.lists.find(name);
            strange.extend(list.iter().flat_map(|list| &list.strange).cloned());
            strange.extend(
                list.iter()
                    .flat_map(|list| self.lists.of_groups(list))
                    .cloned(),
            );
        }
        strange.sort_by_key(|one| one.line);
        strange.dedup_by_key(|one| one.line);
        for left in strange {
            file.leave(
                Place::line(self.index, left.line),
                left.text,
                format!("in `{}`, and its effect on marks is not known", left.place),
            );
        }
    }
}

/// What a command of a class does with the mark; `None` for what is not understood.
fn effect(words: &[&str]) -> Option<Does> {
    match words {
        ["set", "dscp", mark] | ["set", "ip", "dscp", mark] => dscp(mark).map(Does::Sets),
        // Queues, and marks of other layers.
        [
            "set",
            "qos-group" | "cos" | "traffic-class" | "discard-class" | "drop-precedence",
            ..,
        ]
        | ["trust", "dscp"] => Some(Does::Keeps),
        [
            "bandwidth" | "priority" | "queue-limit" | "queue-buffers" | "random-detect" | "shape"
            | "fair-queue" | "police" | "conform-action" | "exceed-action" | "violate-action",
            rest @ ..,
        ] if rest.iter().all(|word| !word.starts_with("set-")) => Some(Does::Keeps),
        _ => None,
    }
}

/// `ef`, `46`, `default`.
fn dscp(mark: &str) -> Option<Dscp> {
    if mark == "default" {
        return Some(Dscp::DF);
    }
    Dscp::from_name(mark).or_else(|| Dscp::try_new(mark.parse().ok()?))
}
