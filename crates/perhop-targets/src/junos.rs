//! `junos`: marks and queues for Juniper Junos.
//!
//! A filter puts packets into forwarding classes where they come in; where they leave, a rewrite rule writes the mark of
//! their class and a scheduler serves its queue. So a packet has its mark only past an interface with the rewrite rules.

mod classes;
mod filters;

use crate::network::Section;
use crate::network::lists::policy_name;
use crate::network::model::Policy;
use crate::network::program::{
    self, Device, Language, Limits, Plan, Queueing, When, Words, by_hand, take_back,
};
use crate::network::unit::Unit;

/// The target.
pub static JUNOS: Device = Device {
    language: &LANGUAGE,
    summary: "Marks and queues for Juniper Junos: filters, forwarding classes, rewrite rules and schedulers",
    options: program::OPTIONS,
    unit: Unit::Bits,
    policy_of: Policy::flat,
};

/// The mark in the name of a forwarding class that this target writes.
#[must_use]
pub fn mark_of_class(name: &str) -> Option<perhop_policy::Dscp> {
    filters::read_class(name)
}

static LANGUAGE: Language = Language {
    id: "junos",
    extension: "set",
    marks: filters::apply,
    undo_marks: filters::undo,
    read_marks: filters::read,
    marks_step,
    tcam: true,
    limits: Limits::NONE,
    queues: Some(Queueing {
        extension: "set",
        apply: classes::apply,
        undo: classes::undo,
        read: classes::read,
        step: queues_step,
        when: When::Named,
    }),
    besides: None,
};

fn entering(path: &str, by_hand: Vec<String>) -> Vec<String> {
    let mut out = vec![
        "configure".to_owned(),
        format!("# load set terminal, then the lines of {path}"),
    ];
    out.extend(by_hand);
    out.extend(["show | compare", "commit confirmed 5", "commit"].map(str::to_owned));
    out
}

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let name = policy_name(policy);
    let attach: Vec<String> = filters::families(policy)
        .map(|family| {
            format!(
                "set interfaces INTERFACE unit 0 family {} filter input {}",
                family.word,
                family.filter(policy)
            )
        })
        .collect();
    Words {
        place: format!("every router where packets of `{}` come in", section.scope),
        commands: entering(&format!("{folder}/apply.set"), by_hand(policy, &attach)),
        check: vec![format!(
            "`show firewall filter {name}` counts each term's packets, up while a call is on"
        )],
        undo: vec![take_back(&format!("{folder}/undo.set"))],
        notes: vec![
            "The forwarding classes come from the step with the queues, so do that first or commit both together.".to_owned(),
            "The mark itself is written where packets leave, by the rewrite rules of that step.".to_owned(),
            "An interface takes one input filter of each address family; ports that switch need `family ethernet-switching`, whose filters these are not.".to_owned(),
            "Where an older version of this plan is on the router, take it back first, with the `undo.set` that came with it.".to_owned(),
        ],
    }
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let attach = if plan.uplinks.is_empty() {
        classes::uplink_lines()
            .iter()
            .map(|line| format!("set class-of-service interfaces INTERFACE {line}"))
            .collect()
    } else {
        Vec::new()
    };
    let interface = plan.uplinks.first().map_or("INTERFACE", String::as_str);
    Words {
        place: "every router that packets leave through, at the interfaces where they leave".to_owned(),
        commands: entering(&format!("{folder}/apply.set"), attach),
        check: vec![
            format!("`show interfaces queue {interface}` shows the queues; that of audio counts up while a call is on, and drops nothing"),
            format!("`show class-of-service interface {interface}` names the classifiers, rewrite rules and the scheduler map"),
        ],
        undo: vec![take_back(&format!("{folder}/undo.set"))],
        notes: vec![
            "Queues 4 to 7 are used. A platform with four queues, or with one forwarding class a queue where two marks share one, refuses the commit.".to_owned(),
            "The strict queue is held to its share by `shaping-rate`; a platform that refuses it there needs a policer instead.".to_owned(),
            "Classes that Junos has by itself keep their marks; only the plan's classes are rewritten.".to_owned(),
        ],
    }
}
