//! Marks: access lists, class maps and policy maps of type `qos`, which also choose the group that a queue goes by.

use perhop_policy::{ClassKind, Dscp};

use crate::network::lists::{self, find, policy_name};
use crate::network::model::{Class, Policy, Term};
use crate::network::options::KINDS;
use crate::network::program::{leading_comments, same};
use crate::syntax::ios::{self, Addresses, Config, Node, Word};

/// The group of a kind's queue: the highest is strict, and 0 is the rest's.
pub(super) const fn group(kind: ClassKind) -> u64 {
    match kind {
        ClassKind::Audio => 7,
        ClassKind::Video => 6,
        ClassKind::Signaling => 5,
        ClassKind::AppSharing => 4,
        ClassKind::FileTransfer => 3,
        ClassKind::Other => 2,
    }
}

/// The kind of a group.
pub(super) fn kind(number: &str) -> Option<ClassKind> {
    let number: u64 = number.parse().ok()?;
    KINDS.into_iter().find(|kind| group(*kind) == number)
}

/// The file that makes them.
pub(super) fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Config::new();
    for text in comments {
        out.comment(text);
    }
    let names = lists::names(policy);
    for (class, names) in policy.classes.iter().zip(&names) {
        let kinds = ["ip access-list", "ipv6 access-list"];
        for ((terms, list), kind) in class.terms.iter().zip(&names.lists).zip(kinds) {
            if !terms.is_empty() {
                out.line(0, &[Word::Own(kind), Word::Name(list)]);
                lists::lines(&mut out, terms, "permit", Addresses::Prefix, None);
            }
        }
    }
    for (class, names) in policy.classes.iter().zip(&names) {
        out.line(
            0,
            &[
                Word::Own("class-map type qos match-any"),
                Word::Name(&names.class),
            ],
        );
        for (terms, list) in class.terms.iter().zip(&names.lists) {
            if !terms.is_empty() {
                out.line(1, &[Word::Own("match access-group name"), Word::Name(list)]);
            }
        }
    }
    out.line(
        0,
        &[
            Word::Own("policy-map type qos"),
            Word::Name(&policy_name(policy)),
        ],
    );
    for (class, names) in policy.classes.iter().zip(&names) {
        out.line(1, &[Word::Own("class"), Word::Name(&names.class)]);
        set(&mut out, class.dscp, class.queue);
    }
    if policy.reset {
        out.line(1, &[Word::Own("class class-default")]);
        set(&mut out, Dscp::DF, None);
    }
    for interface in &policy.interfaces {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        let name = policy_name(policy);
        out.line(
            1,
            &[
                Word::Own("service-policy type qos input"),
                Word::Name(&name),
            ],
        );
    }
    out.into_bytes()
}

/// `set dscp 46` and `set qos-group 7`.
pub(super) fn set(out: &mut Config, dscp: Dscp, queue: Option<ClassKind>) {
    out.line(
        2,
        &[Word::Own("set dscp"), Word::Number(dscp.value().into())],
    );
    if let Some(kind) = queue {
        out.line(2, &[Word::Own("set qos-group"), Word::Number(group(kind))]);
    }
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Config::new();
    let name = policy_name(policy);
    for interface in &policy.interfaces {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        out.line(
            1,
            &[
                Word::Own("no service-policy type qos input"),
                Word::Name(&name),
            ],
        );
    }
    out.line(0, &[Word::Own("no policy-map type qos"), Word::Name(&name)]);
    for (class, names) in policy.classes.iter().zip(&lists::names(policy)) {
        out.line(
            0,
            &[
                Word::Own("no class-map type qos match-any"),
                Word::Name(&names.class),
            ],
        );
        let kinds = ["no ip access-list", "no ipv6 access-list"];
        for ((terms, list), kind) in class.terms.iter().zip(&names.lists).zip(kinds) {
            if !terms.is_empty() {
                out.line(0, &[Word::Own(kind), Word::Name(list)]);
            }
        }
    }
    out.into_bytes()
}

/// Reads a file that [`apply`] wrote.
pub(super) fn read(text: &str) -> Result<Policy, String> {
    let mut read = Reader::default();
    for node in &ios::read(text)? {
        read.command(node)
            .ok_or_else(|| format!("line {} is not one that is written here", node.line))?;
    }
    let policy = read.policy.ok_or("there is no policy map")?;
    let again = apply(&policy, &leading_comments(text, "! "));
    same(text, &again, policy)
}

/// What was read so far, by name.
#[derive(Default)]
struct Reader<'a> {
    lists: Vec<(&'a str, Vec<Term>)>,
    classes: Vec<(&'a str, [Vec<Term>; 2])>,
    policy: Option<Policy>,
}

impl<'a> Reader<'a> {
    fn command(&mut self, node: &Node<'a>) -> Option<()> {
        match node.words[..] {
            ["ip" | "ipv6", "access-list", name] => {
                let terms = lists::read_lines(node, "permit", Addresses::Prefix, None)?;
                self.lists.push((name, terms));
            }
            ["class-map", "type", "qos", "match-any", name] => {
                let mut terms = [Vec::new(), Vec::new()];
                for below in &node.below {
                    let ["match", "access-group", "name", list] = below.words[..] else {
                        return None;
                    };
                    terms[usize::from(list.ends_with("-V6"))] = find(&self.lists, list)?.clone();
                }
                self.classes.push((name, terms));
            }
            ["policy-map", "type", "qos", name] => self.policy = Some(self.policy_map(name, node)?),
            ["interface", name] => {
                let policy = self.policy.as_mut()?;
                policy.interfaces.push(name.to_owned());
            }
            _ => return None,
        }
        Some(())
    }

    fn policy_map(&self, name: &str, node: &Node<'a>) -> Option<Policy> {
        let mut out = Policy {
            label: name.strip_prefix("PH-")?.to_owned(),
            ..Policy::default()
        };
        for class in &node.below {
            let ["class", name] = class.words[..] else {
                return None;
            };
            if name == "class-default" {
                out.reset = true;
                continue;
            }
            let mut made = Class {
                dscp: Dscp::DF,
                queue: None,
                terms: find(&self.classes, name)?.clone(),
            };
            for set in &class.below {
                match set.words[..] {
                    ["set", "dscp", number] => made.dscp = Dscp::try_new(number.parse().ok()?)?,
                    ["set", "qos-group", number] => made.queue = Some(kind(number)?),
                    _ => return None,
                }
            }
            out.classes.push(made);
        }
        Some(out)
    }
}
