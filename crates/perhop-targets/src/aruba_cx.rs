//! `aruba-cx`: marks for HPE Aruba CX (AOS-CX).
//!
//! Classes of one address family each, and a policy whose entries set the mark and the local priority, where hosts are
//! attached. A packet's queue is its local priority's, which the mark gives where a port trusts it.

mod queues;

use perhop_policy::ClassKind;

use crate::network::Section;
use crate::network::lists::{self, policy_name};
use crate::network::model::{Class, Policy, Term};
use crate::network::options::KINDS;
use crate::network::program::{
    self, Device, Language, Limits, Plan, Queueing, When, Words, by_hand, interface,
    leading_comments, same, take_back,
};
use crate::network::queues::{REST_CLASS, traffic_class};
use crate::network::unit::Unit;
use crate::syntax::ios::{self, Addresses, Config, Node, Word};

/// The target.
pub static ARUBA_CX: Device = Device {
    language: &LANGUAGE,
    summary: "Marks and queues for HPE Aruba CX (AOS-CX): classes, policies, local priorities, queue and schedule profiles",
    options: program::OPTIONS,
    unit: Unit::UpperName,
    policy_of: Policy::flat,
};

static LANGUAGE: Language = Language {
    id: "aruba-cx",
    extension: "aoscx",
    marks: apply,
    undo_marks: undo,
    read_marks: read,
    marks_step,
    tcam: true,
    limits: Limits::NONE,
    queues: Some(Queueing {
        extension: "aoscx",
        apply: queues::apply,
        undo: queues::undo,
        read: queues::read,
        step: queues_step,
        when: When::Queued,
    }),
    besides: None,
};

const CLASSES: [&str; 2] = ["class ip", "class ipv6"];

/// Classes of everything, for what no class of the plan takes.
fn rest_names(policy: &Policy) -> [String; 2] {
    ["V4", "V6"].map(|family| format!("PH-{}-REST-{family}", policy.label))
}

/// Every class: its family, its name, its terms and its mark; the rest has no terms.
fn classes(policy: &Policy) -> Vec<(usize, String, Option<&Class>)> {
    let names = lists::names(policy);
    let mut out = Vec::new();
    for (class, names) in policy.classes.iter().zip(names) {
        for (family, name) in names.lists.into_iter().enumerate() {
            if !class.terms[family].is_empty() {
                out.push((family, name, Some(class)));
            }
        }
    }
    if policy.reset {
        out.extend(
            (0..)
                .zip(rest_names(policy))
                .map(|(family, name)| (family, name, None)),
        );
    }
    out
}

fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Config::new();
    for text in comments {
        out.comment(text);
    }
    let classes = classes(policy);
    for (family, name, class) in &classes {
        out.line(0, &[Word::Own(CLASSES[*family]), Word::Name(name)]);
        match class {
            Some(class) => {
                let terms = &class.terms[*family];
                lists::lines(&mut out, terms, "match", Addresses::Bare, Some("count"));
            }
            None => {
                out.line(1, &[Word::Own("10 match any any any count")]);
            }
        }
    }
    let policy_name = policy_name(policy);
    out.line(0, &[Word::Own("policy"), Word::Name(&policy_name)]);
    for (number, (family, name, class)) in (1..).zip(&classes) {
        let dscp = class.map_or_else(|| Class::rest().dscp, |class| class.dscp);
        out.line(
            1,
            &[
                Word::Number(number * 10),
                Word::Own(CLASSES[*family]),
                Word::Name(name),
                Word::Own("action dscp"),
                Word::Name(&Unit::UpperName.write(dscp)),
                Word::Own("action local-priority"),
                Word::Number(priority(class.and_then(|class| class.queue))),
            ],
        );
    }
    for interface in &policy.interfaces {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        let words = [
            Word::Own("apply policy"),
            Word::Name(&policy_name),
            Word::Own("in"),
        ];
        out.line(1, &words);
    }
    out.into_bytes()
}

fn priority(queue: Option<ClassKind>) -> u64 {
    queue.map_or(REST_CLASS, traffic_class)
}

fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Config::new();
    let policy_name = policy_name(policy);
    for interface in &policy.interfaces {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        let words = [
            Word::Own("no apply policy"),
            Word::Name(&policy_name),
            Word::Own("in"),
        ];
        out.line(1, &words);
    }
    out.line(0, &[Word::Own("no policy"), Word::Name(&policy_name)]);
    for (family, name, _) in classes(policy) {
        let words = [
            Word::Own("no"),
            Word::Own(CLASSES[family]),
            Word::Name(&name),
        ];
        out.line(0, &words);
    }
    out.into_bytes()
}

fn read(text: &str) -> Result<Policy, String> {
    let mut classes = Vec::new();
    let mut policy = None;
    for node in &ios::read(text)? {
        command(node, &mut classes, &mut policy)
            .ok_or_else(|| format!("line {} is not one that is written here", node.line))?;
    }
    let policy = policy.ok_or("there is no policy")?;
    let again = apply(&policy, &leading_comments(text, "! "));
    same(text, &again, policy)
}

fn command<'a>(
    node: &Node<'a>,
    classes: &mut Vec<(&'a str, Vec<Term>)>,
    policy: &mut Option<Policy>,
) -> Option<()> {
    match node.words[..] {
        ["class", "ip" | "ipv6", name] => {
            // The rest's line is not a term; what else does not read is held by writing it again.
            let terms = lists::read_lines(node, "match", Addresses::Bare, Some("count"));
            classes.push((name, terms.unwrap_or_default()));
        }
        ["policy", name] => {
            let mut out = Policy {
                label: name.strip_prefix("PH-")?.to_owned(),
                ..Policy::default()
            };
            let mut before = "";
            for entry in &node.below {
                let [
                    _,
                    "class",
                    family,
                    name,
                    "action",
                    "dscp",
                    mark,
                    "action",
                    "local-priority",
                    number,
                ] = entry.words[..]
                else {
                    return None;
                };
                let terms = lists::find(classes, name)?.clone();
                if terms.is_empty() {
                    out.reset = true;
                    continue;
                }
                // A class's IPv6 follows its IPv4.
                let stem = name.strip_suffix("-V4").or(name.strip_suffix("-V6"))?;
                if stem != before {
                    out.classes.push(Class {
                        dscp: Unit::UpperName.read(mark)?,
                        queue: KINDS
                            .into_iter()
                            .find(|kind| traffic_class(*kind).to_string() == number),
                        ..Class::rest()
                    });
                }
                before = stem;
                out.classes.last_mut()?.terms[usize::from(family == "ipv6")] = terms;
            }
            *policy = Some(out);
        }
        ["interface", name] => policy.as_mut()?.interfaces.push(name.to_owned()),
        _ => return None,
    }
    Some(())
}

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let name = policy_name(policy);
    let mut commands = vec![
        "configure terminal".to_owned(),
        format!("! the lines of {folder}/apply.aoscx"),
    ];
    commands.extend(by_hand(
        policy,
        &[
            "interface INTERFACE".to_owned(),
            format!("    apply policy {name} in"),
        ],
    ));
    commands.extend(["end", "write memory"].map(str::to_owned));
    Words {
        place: format!(
            "every switch where hosts of `{}` are attached, in the manager context",
            section.scope
        ),
        commands,
        check: vec![
            format!("`show policy hitcounts {name}` counts up while a call is on"),
            format!("`show interface {} queues` shows the queues", interface(policy)),
        ],
        undo: vec![take_back(&format!("{folder}/undo.aoscx"))],
        notes: vec![
            "For a routed VLAN, attach the policy there: `interface vlan N`, `apply policy` and `routed-in`.".to_owned(),
            "A packet that is marked here has its queue by its local priority; everywhere else the mark gives it, see the step with the queues.".to_owned(),
            "Through the cloud's interface parts of a policy may be dropped without an error: read back what is there.".to_owned(),
        ],
    }
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let first = plan.uplinks.first();
    let interface = first.map_or("INTERFACE", String::as_str);
    let mut commands = vec![
        "checkpoint create before-perhop".to_owned(),
        "configure terminal".to_owned(),
        format!("! the lines of {folder}/apply.aoscx"),
    ];
    let mut undo = vec![take_back(&format!("{folder}/undo.aoscx"))];
    if first.is_none() {
        commands.extend(["interface INTERFACE", "    qos trust dscp"].map(str::to_owned));
        undo.insert(
            0,
            "before that, `no qos trust` on each interface where it was entered by hand".to_owned(),
        );
    }
    commands.extend(["end", "write memory"].map(str::to_owned));
    Words {
        place: "every switch that packets leave through a link that can be full, in the manager context"
            .to_owned(),
        commands,
        check: vec![
            "`show qos dscp-map` shows the local priority of each mark, `show qos queue-profile PHQ-Q` and `show qos schedule-profile PHQ-S` the queues".to_owned(),
            format!("`show interface {interface} queues` counts up in queue 7 while a call is on, and drops nothing"),
        ],
        undo,
        notes: vec![
            "The profiles are for all interfaces that have none of their own, and applying them may stop links for a moment. The undo applies the factory's: where others were applied (`show qos schedule-profile`), apply those.".to_owned(),
            "Weights are the plan's shares (`shares`) of what the strict queue leaves; queues 5 and 6 are for the network's own traffic (CS6, CS7), with 5 each.".to_owned(),
            "The strict queue is not held to a share: police audio where it comes in, or leave only hosts that are trusted to mark it.".to_owned(),
            "Models differ in the number of queues; one with fewer than eight refuses the profiles.".to_owned(),
        ],
    }
}
