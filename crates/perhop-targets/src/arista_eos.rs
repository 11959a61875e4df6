//! `arista-eos`: marks for Arista EOS.
//!
//! Access lists in class maps, a policy map of type `quality-of-service` where hosts are attached. A class map holds one
//! access list, so each mark has a class for each address family. Queues are left as they are: EOS goes by the mark where a
//! port trusts it.

use crate::network::Section;
use crate::network::lists::policy_name;
use crate::network::model::Policy;
use crate::network::mqc::{self, Dialect};
use crate::network::program::{
    self, Device, Language, Limits, Words, by_hand, interface, take_back,
};
use crate::network::unit::Unit;

/// The target.
pub static ARISTA_EOS: Device = Device {
    language: &LANGUAGE,
    summary: "Marks for Arista EOS: access lists, and policies of type quality-of-service",
    options: program::MARK_OPTIONS,
    unit: Unit::Number,
    policy_of: |section, queues, reset| Policy::flat(section, queues, reset).split(),
};

static LANGUAGE: Language = Language {
    id: "arista-eos",
    extension: "eos",
    marks: |policy, comments| DIALECT.apply(policy, comments),
    undo_marks: |policy| DIALECT.undo(policy),
    read_marks: |text| DIALECT.read(text),
    marks_step,
    tcam: true,
    limits: Limits::NONE,
    queues: None,
};

static DIALECT: Dialect = Dialect {
    class_map: "class-map type qos match-any",
    policy_map: "policy-map type quality-of-service",
    matches: ["match ip access-group", "match ipv6 access-group"],
    attach: "service-policy type qos input",
    set: mqc::set_dscp,
    read_set: mqc::read_dscp,
};

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let name = policy_name(policy);
    let attached = interface(policy);
    let mut commands = vec![
        "configure session perhop".to_owned(),
        format!("! the lines of {folder}/apply.eos"),
    ];
    commands.extend(by_hand(
        policy,
        &[
            "interface INTERFACE".to_owned(),
            format!("   service-policy type qos input {name}"),
        ],
    ));
    commands.extend(["show session-config diffs", "commit", "write memory"].map(str::to_owned));
    Words {
        place: format!(
            "every switch where hosts of `{}` are attached, in privileged mode",
            section.scope
        ),
        commands,
        check: vec![
            format!("`show policy-map type qos {name}` shows the classes"),
            format!("`show policy-map interface {attached} type qos` shows that it is attached"),
        ],
        undo: vec![take_back(&format!("{folder}/undo.eos"))],
        notes: vec![
            "A second access list in a class map replaces the first, so each address family has its own class here.".to_owned(),
            "Other ports must trust the mark to queue by it: `qos trust dscp`; `show qos maps` shows the queue of each mark.".to_owned(),
            "Packets of no class keep their mark, unless `unplanned = \"reset\"`.".to_owned(),
        ],
    }
}
