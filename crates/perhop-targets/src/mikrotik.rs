//! `mikrotik`: marks for MikroTik RouterOS, by the mangle facility of both address families.
//!
//! Each scope has a chain; packets are sent there by a jump where its hosts are attached, and leave it at the first rule
//! that takes them.

mod queues;

use perhop_policy::Dscp;

use crate::network::Section;
use crate::network::lists::policy_name;
use crate::network::model::{Policy, Term};
use crate::network::program::{
    self, Device, Language, Limits, Plan, Queueing, When, Words, by_hand, leading_comments, same,
};
use crate::network::unit::Unit;
use crate::network::values::Texts;
use crate::syntax::ios::{self, Config, Word};

/// The target.
pub static MIKROTIK: Device = Device {
    language: &LANGUAGE,
    summary: "Marks and queues for MikroTik RouterOS: mangle rules for IPv4 and IPv6, queue trees",
    options: program::RATED_OPTIONS,
    unit: Unit::Number,
    policy_of: Policy::flat,
};

static LANGUAGE: Language = Language {
    id: "mikrotik",
    extension: "rsc",
    marks: apply,
    undo_marks: undo,
    read_marks: read,
    marks_step,
    tcam: false,
    limits: Limits::NONE,
    queues: Some(Queueing {
        extension: "rsc",
        apply: queues::apply,
        undo: queues::undo,
        read: queues::read,
        step: queues_step,
        when: When::Rated,
    }),
    besides: None,
};

const KEYS: [&str; 4] = ["src-address=", "dst-address=", "src-port=", "dst-port="];
const MENUS: [&str; 2] = ["/ip firewall mangle", "/ipv6 firewall mangle"];

fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Config::hash();
    for text in comments {
        out.comment(text);
    }
    remove(&mut out, policy);
    let name = policy_name(policy);
    for (menu, v6) in MENUS.into_iter().zip([false, true]) {
        let add = || {
            vec![
                Word::Own(menu),
                Word::Own("add"),
                Word::Joined("chain=", &name),
            ]
        };
        for (dscp, term) in policy.rules(v6) {
            let texts = Texts::of(term, '-');
            let mut words = add();
            words.push(Word::Joined("protocol=", texts.protocol));
            words.extend(texts.with(KEYS).map(|(key, text)| Word::Joined(key, text)));
            mark(&mut out, words, dscp, &name);
        }
        if policy.reset {
            mark(&mut out, add(), Dscp::DF, &name);
        }
        if !has_rules(policy, v6) {
            continue;
        }
        for interface in &policy.interfaces {
            out.line(
                0,
                &[
                    Word::Own(menu),
                    Word::Own("add chain=forward"),
                    Word::Joined("in-interface=", interface),
                    Word::Own("action=jump"),
                    Word::Joined("jump-target=", &name),
                    Word::Joined("comment=", &name),
                ],
            );
        }
    }
    out.into_bytes()
}

fn has_rules(policy: &Policy, v6: bool) -> bool {
    policy.reset || policy.rules(v6).next().is_some()
}

/// No rule after the one that marks is looked at.
fn mark<'a>(out: &mut Config, mut words: Vec<Word<'a>>, dscp: Dscp, name: &'a str) {
    let value = Unit::Number.write(dscp);
    words.push(Word::Own("action=change-dscp"));
    let mut words: Vec<Word<'_>> = words;
    words.push(Word::Joined("new-dscp=", &value));
    words.push(Word::Own("passthrough=no"));
    words.push(Word::Joined("comment=", name));
    out.line(0, &words);
}

fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Config::hash();
    remove(&mut out, policy);
    out.into_bytes()
}

/// What has our comment goes, and nothing else.
fn remove(out: &mut Config, policy: &Policy) {
    for menu in MENUS {
        out.line(
            0,
            &[
                Word::Own(menu),
                Word::Own("remove [find"),
                Word::Joined("comment=", &policy_name(policy)),
                Word::Own("]"),
            ],
        );
    }
}

fn read(text: &str) -> Result<Policy, String> {
    let mut rules = [Vec::new(), Vec::new()];
    let mut label = None;
    let (mut reset, mut interfaces) = (false, Vec::new());
    for node in &ios::read(text)? {
        let wrong = || format!("line {} is not one that is written here", node.line);
        let family = match node.words.first() {
            Some(&"/ip") => 0,
            Some(&"/ipv6") => 1,
            _ => return Err(wrong()),
        };
        if node.words.get(3) == Some(&"remove") {
            continue;
        }
        match rule(&node.words).ok_or_else(wrong)? {
            Read::Jump(interface) if interfaces.contains(&interface) => {}
            Read::Jump(interface) => interfaces.push(interface),
            Read::Rest(name) => {
                label = Some(name);
                reset = true;
            }
            Read::Mark(name, dscp, term) => {
                label = Some(name);
                rules[family].push((dscp, term));
            }
        }
    }
    let label = label.ok_or("there is no mark")?;
    let mut policy = Policy::from_rules(&label, rules);
    (policy.reset, policy.interfaces) = (reset, interfaces);
    let again = apply(&policy, &leading_comments(text, "# "));
    same(text, &again, policy)
}

enum Read {
    Jump(String),
    Rest(String),
    Mark(String, Dscp, Term),
}

fn rule(words: &[&str]) -> Option<Read> {
    let pairs: Vec<(&str, &str)> = words
        .get(4..)?
        .iter()
        .map(|word| word.split_once('='))
        .collect::<Option<_>>()?;
    let value = |key: &str| {
        let found = pairs.iter().find(|(one, _)| *one == key);
        found.map(|(_, value)| *value)
    };
    if value("chain")? == "forward" {
        return Some(Read::Jump(value("in-interface")?.to_owned()));
    }
    let label = value("chain")?.strip_prefix("PH-")?.to_owned();
    let dscp = Unit::Number.read(value("new-dscp")?)?;
    if value("protocol").is_none() {
        return Some(Read::Rest(label));
    }
    let keys = [
        "protocol",
        "src-address",
        "dst-address",
        "src-port",
        "dst-port",
    ];
    let term = Texts::read(keys, value)?.term('-')?;
    Some(Read::Mark(label, dscp, term))
}

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let name = policy_name(policy);
    let file = format!("{folder}/apply.rsc");
    let mut commands = vec![
        "/export file=before-perhop".to_owned(),
        format!("# upload {file}, then"),
        "/import file-name=apply.rsc verbose=yes".to_owned(),
    ];
    let jump = |menu: &str| {
        format!(
            "{menu} add chain=forward in-interface=INTERFACE action=jump jump-target={name} comment={name}"
        )
    };
    let menus = MENUS.into_iter().zip([false, true]);
    let jumps: Vec<String> = menus
        .filter(|(_, v6)| has_rules(policy, *v6))
        .map(|(menu, _)| jump(menu))
        .collect();
    commands.extend(by_hand(policy, &jumps));
    Words {
        place: format!(
            "every RouterOS device that packets of `{}` enter through, with full rights",
            section.scope
        ),
        commands,
        check: vec![
            "`/ip firewall mangle print stats` and `/ipv6 firewall mangle print stats` count up while a call is on".to_owned(),
        ],
        undo: vec![format!(
            "upload and `/import` `{folder}/undo.rsc`: it removes the rules with the comment `{name}`, and no other"
        )],
        notes: vec![
            "FastTrack passes mangle by: turn it off, or let no media into it by a rule before the FastTrack rule.".to_owned(),
            "What a switch chip forwards in hardware never reaches these rules.".to_owned(),
            "A packet that is marked here is not looked at by later mangle rules of `forward`; put rules that must see it in `prerouting` or `postrouting`.".to_owned(),
        ],
    }
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let mut commands = vec![
        "/export file=before-perhop".to_owned(),
        format!("# upload {folder}/apply.rsc, then"),
        "/import file-name=apply.rsc verbose=yes".to_owned(),
    ];
    if plan.uplinks.is_empty() {
        commands.extend(queues::by_hand(plan));
    }
    Words {
        place: "every RouterOS device that packets leave through a link that can be full, with full rights".to_owned(),
        commands,
        check: vec![
            "`/queue tree print stats` shows the queues; that of audio counts up while a call is on, and drops nothing".to_owned(),
        ],
        undo: vec![format!(
            "upload and `/import` `{folder}/undo.rsc`: it removes the queues and rules with the comment `PHQ`, and no other"
        )],
        notes: vec![
            "Each queue is sure of its share (`limit-at`, the plan's `shares` of `rate`) and may have what others leave; priority, 1 first, decides who gets that.".to_owned(),
            "FastTrack passes mangle and queue trees by: turn it off, or let no media into it by a rule before the FastTrack rule.".to_owned(),
            "What already has a packet mark at the end of `postrouting` loses it to these rules; where other queues go by packet marks, put their rules after.".to_owned(),
            "Packets without a planned mark have no packet mark and are in the queue of `no-mark`.".to_owned(),
        ],
    }
}
