//! Marks: access lists, class maps and policy maps of type `qos`, which also choose the group that a queue goes by.

use perhop_policy::ClassKind;

use crate::network::model::Class;
use crate::network::mqc::{self, Dialect};
use crate::network::options::KINDS;
use crate::syntax::ios::{Config, Word};

pub(super) static DIALECT: Dialect = Dialect {
    class_map: "class-map type qos match-any",
    policy_map: "policy-map type qos",
    matches: ["match access-group name", "match access-group name"],
    attach: "service-policy type qos input",
    set,
    read_set,
};

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

/// `set dscp 46` and `set qos-group 7`.
pub(super) fn set(out: &mut Config, class: &Class) {
    mqc::set_dscp(out, class);
    if let Some(kind) = class.queue {
        out.line(2, &[Word::Own("set qos-group"), Word::Number(group(kind))]);
    }
}

fn read_set(class: &mut Class, words: &[&str]) -> Option<()> {
    match words {
        ["set", "qos-group", number] => class.queue = Some(kind(number)?),
        words => mqc::read_dscp(class, words)?,
    }
    Some(())
}
