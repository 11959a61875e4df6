//! `fortios`: marks and queues for FortiGate, by shaping policies.
//!
//! A shaping policy is about sessions: who began one is its source, and the mark of each direction is a setting of its own.
//! So each term is two policies, one for sessions that its hosts begin (`diffserv-forward`), and its mirror image for those
//! that are begun towards them (`diffserv-reverse`). The first policy that takes a session holds.

mod policies;
mod queues;

use crate::network::Section;
use crate::network::lists::policy_name;
use crate::network::model::Policy;
use crate::network::program::{
    self, Count, Device, Language, Limits, Plan, Queueing, When, Words, take_back,
};
use crate::network::unit::Unit;

/// The target.
pub static FORTIOS: Device = Device {
    language: &LANGUAGE,
    summary: "Marks and queues for FortiGate (FortiOS 6.4 and later): services, addresses, shaping policies, traffic classes and a shaping profile",
    options: program::RATED_OPTIONS,
    unit: Unit::Bits,
    policy_of: Policy::of,
};

static LANGUAGE: Language = Language {
    id: "fortios",
    extension: "conf",
    marks: policies::apply,
    undo_marks: policies::undo,
    read_marks: policies::read,
    marks_step,
    tcam: false,
    limits: Limits {
        rules: Some(Count {
            of: policies::count,
            most: Some(policies::MOST),
            option: None,
        }),
        towards: true,
        ..Limits::NONE
    },
    queues: Some(Queueing {
        extension: "conf",
        apply: queues::apply,
        undo: queues::undo,
        read: queues::read,
        step: queues_step,
        when: When::Rated,
    }),
    besides: None,
};

/// What is to be written in a file by hand, where the plan does not say it.
fn unsaid(interfaces: &[String], towards: &[String], file: &str) -> Vec<String> {
    let words = [
        (policies::INTERFACE, interfaces),
        (policies::UPLINK, towards),
    ];
    words
        .into_iter()
        .filter(|(_, given)| given.is_empty())
        .map(|(word, _)| format!("# write interfaces for {word} in {file}"))
        .collect()
}

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let name = policy_name(policy);
    let file = format!("{folder}/apply.conf");
    let mut commands = vec![
        format!(
            "show firewall shaping-policy | grep 'edit {}'",
            policies::PREFIX
        ),
        "execute backup config flash before-perhop".to_owned(),
    ];
    commands.extend(unsaid(&policy.interfaces, &policy.towards, &file));
    commands.push(format!("# the lines of {file}"));
    Words {
        place: format!(
            "every FortiGate between `{}` and the uplinks, as administrator, in the virtual domain (VDOM) of both",
            section.scope
        ),
        commands,
        check: vec![
            "the first command shows nothing: no shaping policy has one of these numbers".to_owned(),
            "`diagnose sys session list` shows `tos=` of sessions while a call is on; a capture behind the uplink shows the marks".to_owned(),
        ],
        undo: vec![take_back(&format!("{folder}/undo.conf"))],
        notes: vec![
            format!("The first shaping policy that takes a session holds: where there are others before (`show firewall shaping-policy`), move those with the comment `{name}` up with `move`."),
            "A session keeps its marks and its class until it ends; those that are there already have none.".to_owned(),
            "A shaping policy marks what a firewall policy lets through; it opens nothing. Marks of a traffic shaper (`diffservcode` there) win over these.".to_owned(),
            "Where an older version of this plan is on the device, take it back first, with the `undo.conf` that came with it.".to_owned(),
            "Packets of no shaping policy keep their mark, unless `unplanned = \"reset\"`.".to_owned(),
        ],
    }
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let file = format!("{folder}/apply.conf");
    let interface = plan.uplinks.first().map_or("UPLINK", String::as_str);
    let mut commands = vec![
        "show firewall traffic-class".to_owned(),
        format!("show system interface {interface}"),
    ];
    commands.extend(unsaid(&["given".to_owned()], &plan.uplinks, &file));
    commands.push(format!("# the lines of {file}"));
    Words {
        place: "every FortiGate that packets leave through a link that can be full, as administrator, after the marks"
            .to_owned(),
        commands,
        check: vec![
            "before: no traffic class has a number from 25 to 31, and the interface has no `egress-shaping-profile` of somebody else's".to_owned(),
            format!("after: `diagnose netlink interface list {interface}` shows the classes, whose bytes count up while a call is on"),
        ],
        undo: vec![
            format!("{}; `outbandwidth` becomes what it is without a setting, so enter what the second command showed", take_back(&format!("{folder}/undo.conf"))),
        ],
        notes: vec![
            "Each class is guaranteed its share (the plan's `shares` of `rate`) and may have what others leave, by priority.".to_owned(),
            "Sessions whose hosts mark them are sorted by `tos`, the whole session by its first packet. Enter these after the marks: the first policy that takes a session holds.".to_owned(),
            "A session that is begun from outside gets its marks, but no class: those go by the direction in which it began.".to_owned(),
            "Sessions that network processors forward are shaped on models that can; see `show system npu`.".to_owned(),
        ],
    }
}
