//! Marks of devices with class maps and policy maps whose classes name access lists: NX-OS, EOS.

use perhop_policy::Dscp;

use crate::network::lists::{self, Names, find, policy_name};
use crate::network::model::{Class, Policy, Term};
use crate::network::program::{leading_comments, same};
use crate::syntax::ios::{self, Addresses, Config, Node, Word};

/// What differs between such devices.
pub struct Dialect {
    /// The words before a class's name.
    pub class_map: &'static str,
    /// The words before a policy's name.
    pub policy_map: &'static str,
    /// The words before the name of a list of IPv4, and of IPv6.
    pub matches: [&'static str; 2],
    /// The words before a policy's name on an interface.
    pub attach: &'static str,
    /// The commands of a class, at level 2.
    pub set: fn(&mut Config, &Class),
    /// Reads a command of a class; `None` for one that is not known.
    pub read_set: fn(&mut Class, &[&str]) -> Option<()>,
}

const LISTS: [&str; 2] = ["ip access-list", "ipv6 access-list"];

impl Dialect {
    /// The file that makes marks.
    #[must_use]
    pub fn apply(&self, policy: &Policy, comments: &[String]) -> Vec<u8> {
        let mut out = Config::new();
        for text in comments {
            out.comment(text);
        }
        let names = lists::names(policy);
        for (class, names) in policy.classes.iter().zip(&names) {
            for ((terms, list), kind) in class.terms.iter().zip(&names.lists).zip(LISTS) {
                if !terms.is_empty() {
                    out.line(0, &[Word::Own(kind), Word::Name(list)]);
                    lists::lines(&mut out, terms, "permit", Addresses::Prefix, None);
                }
            }
        }
        for (class, names) in policy.classes.iter().zip(&names) {
            out.line(0, &[Word::Own(self.class_map), Word::Name(&names.class)]);
            for ((terms, list), words) in class.terms.iter().zip(&names.lists).zip(self.matches) {
                if !terms.is_empty() {
                    out.line(1, &[Word::Own(words), Word::Name(list)]);
                }
            }
        }
        self.policy_map(&mut out, policy, &names);
        for interface in &policy.interfaces {
            out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
            let name = policy_name(policy);
            out.line(1, &[Word::Own(self.attach), Word::Name(&name)]);
        }
        out.into_bytes()
    }

    fn policy_map(&self, out: &mut Config, policy: &Policy, names: &[Names]) {
        let name = policy_name(policy);
        out.line(0, &[Word::Own(self.policy_map), Word::Name(&name)]);
        for (class, names) in policy.classes.iter().zip(names) {
            out.line(1, &[Word::Own("class"), Word::Name(&names.class)]);
            (self.set)(out, class);
        }
        if policy.reset {
            out.line(1, &[Word::Own("class class-default")]);
            (self.set)(out, &Class::rest());
        }
    }

    /// The file that takes them away, what uses something before what it uses.
    #[must_use]
    pub fn undo(&self, policy: &Policy) -> Vec<u8> {
        let mut out = Config::new();
        let name = policy_name(policy);
        let no = |words| [Word::Own("no"), Word::Own(words)];
        for interface in &policy.interfaces {
            out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
            let [no, words] = no(self.attach);
            out.line(1, &[no, words, Word::Name(&name)]);
        }
        let mut gone = |words, name: &str| {
            let [no, words] = no(words);
            out.line(0, &[no, words, Word::Name(name)]);
        };
        gone(self.policy_map, &name);
        for (class, names) in policy.classes.iter().zip(&lists::names(policy)) {
            gone(self.class_map, &names.class);
            for ((terms, list), kind) in class.terms.iter().zip(&names.lists).zip(LISTS) {
                if !terms.is_empty() {
                    gone(kind, list);
                }
            }
        }
        out.into_bytes()
    }

    /// Reads a file that [`Dialect::apply`] wrote.
    ///
    /// # Errors
    /// The first line that it did not write.
    pub fn read(&self, text: &str) -> Result<Policy, String> {
        let mut read = Reader {
            dialect: self,
            lists: Vec::new(),
            classes: Vec::new(),
            policy: None,
        };
        for node in &ios::read(text)? {
            read.command(node)
                .ok_or_else(|| format!("line {} is not one that is written here", node.line))?;
        }
        let policy = read.policy.ok_or("there is no policy map")?;
        let again = self.apply(&policy, &leading_comments(text, "! "));
        same(text, &again, policy)
    }
}

/// What was read so far, by name.
struct Reader<'a> {
    dialect: &'a Dialect,
    lists: Vec<(&'a str, Vec<Term>)>,
    classes: Vec<(&'a str, [Vec<Term>; 2])>,
    policy: Option<Policy>,
}

impl<'a> Reader<'a> {
    fn command(&mut self, node: &Node<'a>) -> Option<()> {
        let (name, head) = node.words.split_last()?;
        let head = head.join(" ");
        if LISTS.contains(&head.as_str()) {
            let terms = lists::read_lines(node, "permit", Addresses::Prefix, None)?;
            self.lists.push((name, terms));
        } else if head == self.dialect.class_map {
            let mut terms = [Vec::new(), Vec::new()];
            for below in &node.below {
                let list = below.words.last()?;
                terms[usize::from(list.ends_with("-V6"))] = find(&self.lists, list)?.clone();
            }
            self.classes.push((name, terms));
        } else if head == self.dialect.policy_map {
            self.policy = Some(self.policy_map(name, node)?);
        } else if head == "interface" {
            self.policy.as_mut()?.interfaces.push((*name).to_owned());
        } else {
            return None;
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
            let mut made = Class::rest();
            made.terms = find(&self.classes, name)?.clone();
            for set in &class.below {
                (self.dialect.read_set)(&mut made, &set.words)?;
            }
            out.classes.push(made);
        }
        Some(out)
    }
}

/// `set dscp 46`.
pub fn set_dscp(out: &mut Config, class: &Class) {
    let value = class.dscp.value();
    out.line(2, &[Word::Own("set dscp"), Word::Number(value.into())]);
}

/// What [`set_dscp`] wrote.
#[must_use]
pub fn read_dscp(class: &mut Class, words: &[&str]) -> Option<()> {
    let ["set", "dscp", number] = words else {
        return None;
    };
    class.dscp = Dscp::try_new(number.parse().ok()?)?;
    Some(())
}
