//! `dd-wrt` and `tomato`: marks for home routers, as a firewall script for iptables.
//!
//! The QoS pages of both sort connections into classes and write no mark, so marks are written by the script. The target of
//! iptables that writes them does not end a chain: rules stand in reverse, so that the first of the plan comes last and stays.

use perhop_policy::Dscp;

use crate::network::Section;
use crate::network::lists::policy_name;
use crate::network::model::{Policy, Term};
use crate::network::program::{
    self, Device, Language, Limits, Words, by_hand, leading_comments, same,
};
use crate::network::unit::Unit;
use crate::network::values::Texts;
use crate::syntax::ios::{self, Config, Word};

/// The target for DD-WRT.
pub static DD_WRT: Device = Device {
    language: &DD_WRT_LANGUAGE,
    summary: "Marks for DD-WRT: a firewall script for iptables and ip6tables",
    options: program::MARK_OPTIONS,
    unit: Unit::Number,
    policy_of: Policy::flat,
};

/// The target for Tomato and FreshTomato.
pub static TOMATO: Device = Device {
    language: &TOMATO_LANGUAGE,
    summary: "Marks for Tomato and FreshTomato: a firewall script for iptables and ip6tables",
    options: program::MARK_OPTIONS,
    unit: Unit::Number,
    policy_of: Policy::flat,
};

static DD_WRT_LANGUAGE: Language = Language {
    id: "dd-wrt",
    extension: "sh",
    marks: apply,
    undo_marks: undo,
    read_marks: read,
    marks_step: |section, policy, folder| {
        let page = "Administration, Commands, Save Firewall";
        marks_step(section, policy, folder, page)
    },
    tcam: false,
    limits: Limits::NONE,
    queues: None,
    besides: None,
};

static TOMATO_LANGUAGE: Language = Language {
    id: "tomato",
    extension: "sh",
    marks: apply,
    undo_marks: undo,
    read_marks: read,
    marks_step: |section, policy, folder| {
        let page = "Administration, Scripts, Firewall";
        marks_step(section, policy, folder, page)
    },
    tcam: false,
    limits: Limits::NONE,
    queues: None,
    besides: None,
};

const TOOLS: [&str; 2] = ["iptables -t mangle", "ip6tables -t mangle"];
const KEYS: [&str; 4] = ["-s", "-d", "--sport", "--dport"];

fn has_rules(policy: &Policy, v6: bool) -> bool {
    policy.reset || policy.rules(v6).next().is_some()
}

fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Config::hash();
    out.comment("Enter these lines in the firewall script.");
    for text in comments {
        out.comment(text);
    }
    let name = policy_name(policy);
    let name = Word::Name(&name);
    for (tool, v6) in TOOLS.into_iter().zip([false, true]) {
        if !has_rules(policy, v6) {
            continue;
        }
        let own = |text| [Word::Own(tool), Word::Own(text), name.clone()];
        let [a, b, c] = own("-N");
        let [d, e, f] = own("-F");
        out.line(0, &[a, b, c, Word::Own("2> /dev/null ||"), d, e, f]);
        if policy.reset {
            mark(&mut out, own("-A").to_vec(), Dscp::DF);
        }
        let mut rules: Vec<(Dscp, &Term)> = policy.rules(v6).collect();
        rules.reverse();
        for (dscp, term) in rules {
            let texts = Texts::of(term, ':');
            let mut words = own("-A").to_vec();
            words.extend([Word::Own("-p"), Word::Own(texts.protocol)]);
            for (key, text) in texts.with(KEYS) {
                words.extend([Word::Own(key), Word::Name(text)]);
            }
            mark(&mut out, words, dscp);
        }
        for interface in &policy.interfaces {
            let jump = |verb| jump(tool, verb, interface, name.clone());
            let mut gone = jump("-D FORWARD -i");
            gone.push(Word::Own("2> /dev/null || true"));
            out.line(0, &gone);
            out.line(0, &jump("-A FORWARD -i"));
        }
    }
    out.into_bytes()
}

fn jump<'a>(
    tool: &'static str,
    verb: &'static str,
    interface: &'a str,
    name: Word<'a>,
) -> Vec<Word<'a>> {
    vec![
        Word::Own(tool),
        Word::Own(verb),
        Word::Name(interface),
        Word::Own("-j"),
        name,
    ]
}

fn mark(out: &mut Config, mut words: Vec<Word<'_>>, dscp: Dscp) {
    words.push(Word::Own("-j DSCP --set-dscp"));
    words.push(Word::Number(dscp.value().into()));
    out.line(0, &words);
}

fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Config::hash();
    out.comment("Enter these lines once, and take the others out of the firewall script.");
    let name = policy_name(policy);
    for (tool, v6) in TOOLS.into_iter().zip([false, true]) {
        if !has_rules(policy, v6) {
            continue;
        }
        for interface in &policy.interfaces {
            out.line(
                0,
                &jump(tool, "-D FORWARD -i", interface, Word::Name(&name)),
            );
        }
        for verb in ["-F", "-X"] {
            out.line(0, &[Word::Own(tool), Word::Own(verb), Word::Name(&name)]);
        }
    }
    out.into_bytes()
}

fn read(text: &str) -> Result<Policy, String> {
    let mut rules = [Vec::new(), Vec::new()];
    let mut label = None;
    let (mut reset, mut interfaces) = (false, Vec::<String>::new());
    for node in &ios::read(text)? {
        let wrong = || format!("line {} is not one that is written here", node.line);
        let [tool @ ("iptables" | "ip6tables"), "-t", "mangle", rest @ ..] = &node.words[..] else {
            return Err(wrong());
        };
        match rest {
            ["-N" | "-D", ..] => {}
            ["-A", "FORWARD", "-i", name, ..] if interfaces.iter().any(|one| one == name) => {}
            ["-A", "FORWARD", "-i", name, ..] => interfaces.push((*name).to_owned()),
            ["-A", name, words @ ..] => {
                label = Some(name.strip_prefix("PH-").ok_or_else(wrong)?);
                match rule(words).ok_or_else(wrong)? {
                    (dscp, Some(term)) => {
                        rules[usize::from(*tool == "ip6tables")].push((dscp, term));
                    }
                    (_, None) => reset = true,
                }
            }
            _ => return Err(wrong()),
        }
    }
    let label = label.ok_or("there is no mark")?;
    for rules in &mut rules {
        rules.reverse();
    }
    let mut policy = Policy::from_rules(label, rules);
    (policy.reset, policy.interfaces) = (reset, interfaces);
    let comments = leading_comments(text, "# ");
    let again = apply(&policy, comments.get(1..).unwrap_or_default());
    same(text, &again, policy)
}

/// A rule's mark and packets; no packets for the one that takes all.
fn rule(words: &[&str]) -> Option<(Dscp, Option<Term>)> {
    let value = |key: &str| {
        let at = words.iter().position(|word| *word == key)?;
        words.get(at + 1).copied()
    };
    let dscp = Unit::Number.read(value("--set-dscp")?)?;
    if value("-p").is_none() {
        return Some((dscp, None));
    }
    let keys = ["-p", KEYS[0], KEYS[1], KEYS[2], KEYS[3]];
    let term = Texts::read(keys, value)?.term(':')?;
    Some((dscp, Some(term)))
}

fn marks_step(section: &Section, policy: &Policy, folder: &str, page: &str) -> Words {
    let name = policy_name(policy);
    let mut commands = vec![format!("# {page}: the lines of {folder}/apply.sh")];
    let attach: Vec<String> = TOOLS
        .into_iter()
        .zip([false, true])
        .filter(|(_, v6)| has_rules(policy, *v6))
        .map(|(tool, _)| format!("{tool} -A FORWARD -i INTERFACE -j {name}"))
        .collect();
    commands.extend(by_hand(policy, &attach));
    Words {
        place: format!(
            "the router that packets of `{}` enter through, in its web pages",
            section.scope
        ),
        commands,
        check: vec![format!(
            "`iptables -t mangle -L {name} -v -n` counts up while a call is on"
        )],
        undo: vec![format!(
            "the lines of `{folder}/undo.sh`, entered once, take off the chain `{name}` and nothing else; take the lines of `apply.sh` out of the firewall script before"
        )],
        notes: vec![
            "The router's own QoS pages sort and shape, and write no mark; they may match the marks that are written here.".to_owned(),
            "A packet is counted by every rule that takes it; the last one's mark stays.".to_owned(),
            "Firmware without the DSCP target or without ip6tables refuses the lines that need it, and says so in its log.".to_owned(),
            "Connections that the router passes on by hardware or a fast path never reach these rules.".to_owned(),
        ],
    }
}
