//! `arista-eos`: marks for Arista EOS.
//!
//! Access lists in class maps, a policy map of type `quality-of-service` where hosts are attached. A class map holds one
//! access list, so each mark has a class for each address family. A packet's queue is its traffic class's, which the mark
//! gives where a port trusts it, and the policy where it marks.

mod queues;

use crate::network::Section;
use crate::network::lists::policy_name;
use crate::network::model::{Class, Policy};
use crate::network::mqc::{self, Dialect};
use crate::network::options::KINDS;
use crate::network::program::{
    self, Device, Language, Limits, Plan, Queueing, When, Words, by_hand, interface, take_back,
};
use crate::network::queues::{REST_CLASS, traffic_class};
use crate::network::unit::Unit;
use crate::syntax::ios::{Config, Word};

/// The target.
pub static ARISTA_EOS: Device = Device {
    language: &LANGUAGE,
    summary: "Marks and queues for Arista EOS: access lists, policies of type quality-of-service, traffic classes",
    options: program::OPTIONS,
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
    queues: Some(Queueing {
        extension: "eos",
        apply: queues::apply,
        undo: queues::undo,
        read: queues::read,
        step: queues_step,
        when: When::Queued,
    }),
    besides: None,
};

static DIALECT: Dialect = Dialect {
    class_map: "class-map type qos match-any",
    policy_map: "policy-map type quality-of-service",
    matches: ["match ip access-group", "match ipv6 access-group"],
    attach: "service-policy type qos input",
    set,
    read_set,
};

/// `set dscp 46` and `set traffic-class 5`.
fn set(out: &mut Config, class: &Class) {
    mqc::set_dscp(out, class);
    let number = class.queue.map_or(REST_CLASS, traffic_class);
    out.line(2, &[Word::Own("set traffic-class"), Word::Number(number)]);
}

fn read_set(class: &mut Class, words: &[&str]) -> Option<()> {
    match words {
        ["set", "traffic-class", number] => {
            let number: u64 = number.parse().ok()?;
            class.queue = KINDS
                .into_iter()
                .find(|kind| traffic_class(*kind) == number);
        }
        words => mqc::read_dscp(class, words)?,
    }
    Some(())
}

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
            "A packet that is marked here has its queue by `set traffic-class`; everywhere else the mark gives it, see the step with the queues.".to_owned(),
            "Packets of no class keep their mark, unless `unplanned = \"reset\"`.".to_owned(),
        ],
    }
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let first = plan.uplinks.first();
    let interface = first.map_or("INTERFACE", String::as_str);
    let mut commands = vec![
        "configure session perhop-queues".to_owned(),
        format!("! the lines of {folder}/apply.eos"),
    ];
    let mut undo = vec![take_back(&format!("{folder}/undo.eos"))];
    if first.is_none() {
        commands.extend(["interface INTERFACE", "   service-profile PHQ-OUT"].map(str::to_owned));
        undo.insert(0, "before that, `no service-profile PHQ-OUT` on each interface where it was entered by hand".to_owned());
    }
    commands.extend(["show session-config diffs", "commit", "write memory"].map(str::to_owned));
    Words {
        place: "every switch that packets leave through a link that can be full, in privileged mode"
            .to_owned(),
        commands,
        check: vec![
            "`show qos maps` shows the traffic class of each mark".to_owned(),
            format!("`show interfaces {interface} counters queue` counts up in the queue of audio while a call is on, and drops nothing"),
        ],
        undo,
        notes: vec![
            "The map from marks to traffic classes is one for the whole switch. The undo puts the switch's own back, so keep what `show running-config section qos map` shows now.".to_owned(),
            "Shares are the plan's (`shares`), as shares of what the strict queue leaves. It is not policed: police audio where it comes in, or leave only hosts that are trusted to mark it.".to_owned(),
            "Queues 6 and 7 stay strict for the network's own traffic, as the switch has them.".to_owned(),
            "Traffic classes have the transmit queue of the same number, unless the switch was told otherwise: `show qos maps`.".to_owned(),
        ],
    }
}
