//! `cisco-nxos`: marks and queues for Cisco NX-OS with eight queues.
//!
//! Three kinds of policy: `qos` marks and chooses a group where packets come in, `queuing` serves groups where they leave.
//! A mark alone chooses no queue, so packets that come in marked get their group too.

mod marks;
mod queues;

use crate::network::Section;
use crate::network::model::Policy;
use crate::network::program::{
    self, Device, Language, Limits, Plan, Queueing, When, Words, take_back,
};
use crate::network::unit::Unit;

/// The target.
pub static CISCO_NXOS: Device = Device {
    language: &LANGUAGE,
    summary: "Marks and queues for Cisco NX-OS: access lists, policies of type qos and queuing",
    options: program::OPTIONS,
    unit: Unit::Number,
    policy_of: Policy::flat,
};

static LANGUAGE: Language = Language {
    id: "cisco-nxos",
    extension: "nxos",
    marks: |policy, comments| marks::DIALECT.apply(policy, comments),
    undo_marks: |policy| marks::DIALECT.undo(policy),
    read_marks: |text| marks::DIALECT.read(text),
    marks_step,
    tcam: true,
    limits: Limits::NONE,
    queues: Some(Queueing {
        extension: "nxos",
        apply: queues::apply,
        undo: queues::undo,
        read: queues::read,
        step: queues_step,
        when: When::Queued,
    }),
    besides: None,
};

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let name = format!("PH-{}", policy.label);
    let first = section.interfaces.first();
    let interface = first.map_or("INTERFACE", String::as_str);
    let by_hand = [
        "interface INTERFACE".to_owned(),
        format!("  service-policy type qos input {name}"),
    ];
    let mut words = Words {
        place: format!("every switch where hosts of `{}` are attached, as network-admin", section.scope),
        commands: entering(&format!("{folder}/apply.nxos"), if first.is_none() { &by_hand } else { &[] }),
        check: vec![format!(
            "`show policy-map interface {interface} input type qos` shows the classes, whose packets count up while a call is on"
        )],
        undo: vec![take_back(&format!("{folder}/undo.nxos"))],
        notes: vec![
            "Access lists of policies need room in TCAM: `show hardware access-list tcam region` shows it, `hardware access-list tcam region` makes it, after a reload."
                .to_owned(),
            "Classes are counted unless the policy is attached with `no-stats`.".to_owned(),
            "Packets of no class keep their mark, unless `unplanned = \"reset\"`.".to_owned(),
        ],
    };
    if first.is_none() {
        let line = format!(
            "before that, `no service-policy type qos input {name}` on each interface where it was entered by hand"
        );
        words.undo.insert(0, line);
    }
    words
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let first = plan.uplinks.first();
    let interface = first.map_or("INTERFACE", String::as_str);
    let by_hand = [
        "interface INTERFACE",
        "  service-policy type qos input PHT-IN",
        "  service-policy type queuing output PHQ-OUT",
    ]
    .map(str::to_owned);
    let mut words = Words {
        place: "every switch that packets leave through a link that can be full, as network-admin".to_owned(),
        commands: entering(&format!("{folder}/apply.nxos"), if first.is_none() { &by_hand } else { &[] }),
        check: vec![
            format!("`show policy-map interface {interface} input type qos` shows that marks get their groups"),
            format!("`show queuing interface {interface}` shows the queues; those of QOS GROUP 7 count up while a call is on, and drop nothing"),
        ],
        undo: vec![take_back(&format!("{folder}/undo.nxos"))],
        notes: vec![
            "The queues are those of models with eight (`c-out-8q-q7` and so on); a model with four refuses the policy.".to_owned(),
            "The strict queue is not policed here: police audio where it comes in, or leave only hosts that are trusted to mark it.".to_owned(),
            "`PHT-IN` must be where marked packets come in; a mark chooses no queue by itself.".to_owned(),
        ],
    };
    if first.is_none() {
        words.undo.insert(
            0,
            "before that, both lines with `no` on each interface where they were entered by hand"
                .to_owned(),
        );
    }
    if plan.reset && plan.trusted.is_empty() {
        words.notes.push("`service-policy type qos input PHT-EDGE` instead, on interfaces of hosts that mark themselves, sets every mark that the plan does not have to DF.".to_owned());
    }
    words
}

fn entering(path: &str, by_hand: &[String]) -> Vec<String> {
    let mut out = vec![
        "checkpoint before-perhop".to_owned(),
        "configure terminal".to_owned(),
        format!("! the lines of {path}"),
    ];
    out.extend_from_slice(by_hand);
    out.extend(["end", "copy running-config startup-config"].map(str::to_owned));
    out
}
