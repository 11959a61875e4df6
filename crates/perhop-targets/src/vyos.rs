//! `vyos`: marks for VyOS 1.4 and later, by policy routes of both address families.
//!
//! A policy route ends at the first rule that takes a packet. Its `qos` classes know one port and no range, so ports stand in
//! policy routes only, and queues go by the mark.

mod queues;

use perhop_policy::Dscp;

use crate::network::Section;
use crate::network::lists::policy_name;
use crate::network::model::{Policy, Term};
use crate::network::program::{
    self, Device, Language, Limits, Plan, Queueing, When, Words, by_hand, leading_comments, same,
    take_back,
};
use crate::network::unit::Unit;
use crate::network::values::Texts;
use crate::syntax::ios::{self, Config, Word};

/// The target.
pub static VYOS: Device = Device {
    language: &LANGUAGE,
    summary: "Marks and queues for VyOS 1.4 and later: policy routes for IPv4 and IPv6, a shaper",
    options: program::RATED_OPTIONS,
    unit: Unit::Number,
    policy_of: Policy::flat,
};

static LANGUAGE: Language = Language {
    id: "vyos",
    extension: "vyos",
    marks: apply,
    undo_marks: undo,
    read_marks: read,
    marks_step,
    tcam: false,
    limits: Limits::NONE,
    queues: Some(Queueing {
        extension: "vyos",
        apply: queues::apply,
        undo: queues::undo,
        read: queues::read,
        step: queues_step,
        when: When::Rated,
    }),
    besides: None,
};

const ROUTES: [&str; 2] = ["policy route", "policy route6"];
const KEYS: [&str; 4] = [
    "source address",
    "destination address",
    "source port",
    "destination port",
];

fn has_rules(policy: &Policy, v6: bool) -> bool {
    policy.reset || policy.rules(v6).next().is_some()
}

fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Config::hash();
    for text in comments {
        out.comment(text);
    }
    let name = policy_name(policy);
    for (route, v6) in ROUTES.into_iter().zip([false, true]) {
        let set = || vec![Word::Own("set"), Word::Own(route), Word::Name(&name)];
        let mut number = 0;
        for (dscp, term) in policy.rules(v6) {
            number += 10;
            let rule = || {
                let mut words = set();
                words.extend([Word::Own("rule"), Word::Number(number)]);
                words
            };
            let texts = Texts::of(term, '-');
            let protocol = ("protocol", texts.protocol);
            for (key, text) in [protocol].into_iter().chain(texts.with(KEYS)) {
                let mut words = rule();
                words.extend([Word::Own(key), Word::Name(text)]);
                out.line(0, &words);
            }
            mark(&mut out, rule(), dscp);
        }
        if policy.reset {
            let mut words = set();
            words.extend([Word::Own("rule"), Word::Number(number + 10)]);
            mark(&mut out, words, Dscp::DF);
        }
        if has_rules(policy, v6) {
            for interface in &policy.interfaces {
                let mut words = set();
                words.extend([Word::Own("interface"), Word::Name(interface)]);
                out.line(0, &words);
            }
        }
    }
    out.into_bytes()
}

fn mark(out: &mut Config, mut words: Vec<Word<'_>>, dscp: Dscp) {
    words.extend([Word::Own("set dscp"), Word::Number(dscp.value().into())]);
    out.line(0, &words);
}

fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Config::hash();
    for (route, v6) in ROUTES.into_iter().zip([false, true]) {
        if has_rules(policy, v6) {
            let name = policy_name(policy);
            out.line(
                0,
                &[Word::Own("delete"), Word::Own(route), Word::Name(&name)],
            );
        }
    }
    out.into_bytes()
}

/// The words of one rule, by key.
type Pairs<'a> = Vec<(String, &'a str)>;

fn read(text: &str) -> Result<Policy, String> {
    let nodes = ios::read(text)?;
    let mut rules: [Vec<(&str, Pairs<'_>)>; 2] = [Vec::new(), Vec::new()];
    let mut label = None;
    let mut interfaces: Vec<String> = Vec::new();
    for node in &nodes {
        let wrong = || format!("line {} is not one that is written here", node.line);
        let [
            "set",
            "policy",
            route @ ("route" | "route6"),
            name,
            rest @ ..,
        ] = &node.words[..]
        else {
            return Err(wrong());
        };
        label = Some(name.strip_prefix("PH-").ok_or_else(wrong)?);
        match rest {
            ["interface", name] if interfaces.iter().any(|one| one == name) => {}
            ["interface", name] => interfaces.push((*name).to_owned()),
            ["rule", number, key @ .., value] => {
                let rules = &mut rules[usize::from(*route == "route6")];
                if rules.last().is_none_or(|(last, _)| last != number) {
                    rules.push((number, Vec::new()));
                }
                let (_, pairs) = rules.last_mut().expect("pushed above");
                pairs.push((key.join(" "), value));
            }
            _ => return Err(wrong()),
        }
    }
    let label = label.ok_or("there is no policy route")?;
    let mut reset = false;
    let [v4, v6] = rules.map(|rules| {
        let mut out = Vec::new();
        for (_, pairs) in &rules {
            match rule(pairs) {
                Some((dscp, Some(term))) => out.push((dscp, term)),
                Some((_, None)) => reset = true,
                // What is left out is missed when the file is written again.
                None => {}
            }
        }
        out
    });
    let mut policy = Policy::from_rules(label, [v4, v6]);
    (policy.reset, policy.interfaces) = (reset, interfaces);
    let again = apply(&policy, &leading_comments(text, "# "));
    same(text, &again, policy)
}

/// A rule's mark and packets; no packets for the one that takes all.
fn rule(pairs: &Pairs<'_>) -> Option<(Dscp, Option<Term>)> {
    let value = |key: &str| {
        let found = pairs.iter().find(|(one, _)| one == key);
        found.map(|(_, value)| *value)
    };
    let dscp = Unit::Number.read(value("set dscp")?)?;
    if value("protocol").is_none() {
        return Some((dscp, None));
    }
    let keys = ["protocol", KEYS[0], KEYS[1], KEYS[2], KEYS[3]];
    let term = Texts::read(keys, value)?.term('-')?;
    Some((dscp, Some(term)))
}

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let name = policy_name(policy);
    let mut commands = vec![
        "configure".to_owned(),
        format!("# the lines of {folder}/apply.vyos"),
    ];
    let routes = ROUTES.into_iter().zip([false, true]);
    let attach: Vec<String> = routes
        .filter(|(_, v6)| has_rules(policy, *v6))
        .map(|(route, _)| format!("set {route} {name} interface INTERFACE"))
        .collect();
    commands.extend(by_hand(policy, &attach));
    commands.extend(["compare", "commit", "save", "exit"].map(str::to_owned));
    Words {
        place: format!(
            "every VyOS router that packets of `{}` enter through",
            section.scope
        ),
        commands,
        check: vec!["`show policy route statistics` counts up while a call is on".to_owned()],
        undo: vec![take_back(&format!("{folder}/undo.vyos"))],
        notes: vec![
            "Where an older version of this plan is on the router, take it back first, with the `undo.vyos` that came with it.".to_owned(),
            "An interface takes one policy route of each address family.".to_owned(),
            "In queues write marks by name (`match V4 ip dscp EF`): there, a number is taken as an octet by some versions.".to_owned(),
        ],
    }
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let mut commands = vec![
        "configure".to_owned(),
        format!("# the lines of {folder}/apply.vyos"),
    ];
    let mut undo = vec![take_back(&format!("{folder}/undo.vyos"))];
    let first = plan.uplinks.first();
    if first.is_none() {
        commands.push("set qos interface INTERFACE egress PHQ-OUT".to_owned());
        undo.insert(0, "before that, `delete qos interface INTERFACE egress PHQ-OUT` for each interface where it was entered by hand".to_owned());
    }
    commands.extend(["compare", "commit", "save", "exit"].map(str::to_owned));
    let interface = first.map_or("INTERFACE", String::as_str);
    let mut notes = vec![
        "An interface takes one policy each way: where it has another, this replaces it, so keep what `show configuration commands` shows of `qos` now.".to_owned(),
        "Each class is sure of its share (the plan's `shares` of `rate`) and may have what others leave; lower priorities are served first.".to_owned(),
        "In the versions that were looked at, classes compare the whole octet, so packets with ECN bits set are with the rest.".to_owned(),
    ];
    let nameless = queues::nameless(&plan.queues);
    if !nameless.is_empty() {
        let marks: Vec<String> = nameless
            .iter()
            .map(|dscp| dscp.value().to_string())
            .collect();
        notes.push(format!(
            "Marks without a name there ({}) are with the rest: some versions take a number for an octet.",
            marks.join(", ")
        ));
    }
    Words {
        place: "every VyOS router that packets leave through a link that can be full".to_owned(),
        commands,
        check: vec![format!(
            "`show qos shaping {interface}` shows the classes; that of audio counts up while a call is on, and drops nothing"
        )],
        undo,
        notes,
    }
}
