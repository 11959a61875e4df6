//! Queues as each device reads them, by a reader of each language that is not the target's own: every mark of the plan is
//! in one queue, audio's in one that is served first, and shares are those of the plan.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::collections::BTreeMap;

use perhop_policy::set::Parts;
use perhop_policy::{
    ClassKind, Diagnostic, Dscp, DstPorts, OptionValue, PolicySet, Span, SrcPorts,
};
use perhop_targets::{Artifact, registry};

use support::{Case, cases, request};

/// What a file of queues makes: for each mark its queue, and the queues.
#[derive(Debug, Default)]
struct Made {
    marks: BTreeMap<u8, String>,
    queues: BTreeMap<String, Queue>,
}

#[derive(Debug, Default, Clone)]
struct Queue {
    /// Whether it is served before the others.
    first: bool,
    /// Percent of the link, or of what the strict queue leaves.
    share: Option<u64>,
}

impl Made {
    fn queue(&mut self, name: &str) -> &mut Queue {
        self.queues.entry(name.to_owned()).or_default()
    }
}

fn text(case: &Case, target: &str) -> Option<String> {
    let target = registry::find(target).expect("a target");
    let asked = request(&case.policy, target.id());
    let program = target.lower(&case.policy, &asked).ok()?;
    let files = program.emit();
    let prefix = format!("{}/queues/apply.", target.id());
    let file = files.iter().find(|file| file.path.starts_with(&prefix))?;
    Some(String::from_utf8(file.bytes.clone()).expect("UTF-8"))
}

/// The word after another in a line.
fn after<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let mut words = line.split_whitespace();
    words.find(|one| *one == word)?;
    words.next()
}

fn number(line: &str, word: &str) -> Option<u64> {
    after(line, word)?.trim_end_matches('%').parse().ok()
}

/// The value of `key=value` in a line.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let mut words = line.split_whitespace();
    words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with(['#', '!']))
}

/// EOS: a mark's class, whose number is its queue's.
fn arista(text: &str) -> Made {
    let mut out = Made::default();
    let mut open = String::new();
    for line in commands(text) {
        if let (Some(dscp), Some(class)) = (number(line, "dscp"), after(line, "traffic-class")) {
            let dscp = u8::try_from(dscp).expect("a mark");
            assert_eq!(out.marks.insert(dscp, class.to_owned()), None, "{line}");
        } else if let Some(queue) = after(line, "tx-queue") {
            open = queue.to_owned();
        } else if line.trim() == "priority strict" {
            out.queue(&open).first = true;
        } else if let Some(percent) = number(line, "percent") {
            out.queue(&open).share = Some(percent);
        }
    }
    out
}

/// AOS-CX: a mark's priority, whose queue the profile names.
fn aruba(text: &str) -> Made {
    let mut out = Made::default();
    let mut queues: BTreeMap<String, String> = BTreeMap::new();
    let mut marks: Vec<(u8, String)> = Vec::new();
    for line in commands(text) {
        if let Some(dscp) = number(line, "dscp-map") {
            let priority = after(line, "local-priority").expect("a priority");
            marks.push((u8::try_from(dscp).expect("a mark"), priority.to_owned()));
        } else if line.trim().starts_with("map queue") {
            let (queue, priority) = (after(line, "queue"), after(line, "local-priority"));
            let (queue, priority) = (queue.expect("a queue"), priority.expect("a priority"));
            assert_eq!(queues.insert(priority.to_owned(), queue.to_owned()), None);
        } else if line.trim().starts_with("strict queue") {
            out.queue(after(line, "queue").expect("a queue")).first = true;
        } else if let Some(weight) = number(line, "weight") {
            out.queue(after(line, "queue").expect("a queue")).share = Some(weight);
        }
    }
    assert_eq!(queues.len(), 8, "every priority has its queue");
    for (dscp, priority) in marks {
        assert_eq!(out.marks.insert(dscp, queues[&priority].clone()), None);
    }
    out
}

/// RouterOS: a mark's packet mark, and the queues of the first interface.
fn mikrotik(text: &str) -> Made {
    let mut out = Made::default();
    let mut root = 0;
    for line in commands(text) {
        if let (Some(dscp), Some(mark)) = (value(line, "dscp"), value(line, "new-packet-mark")) {
            let dscp = dscp.parse().expect("a mark");
            let before = out.marks.insert(dscp, mark.to_owned());
            assert!(before.is_none_or(|before| before == mark), "{line}");
        } else if line.contains("/queue tree add") {
            let most: u64 = value(line, "max-limit").unwrap().parse().unwrap();
            match value(line, "packet-mark") {
                None => root = most,
                Some(mark) => {
                    let least: u64 = value(line, "limit-at").unwrap().parse().unwrap();
                    let queue = out.queue(mark);
                    queue.first = value(line, "priority") == Some("1");
                    queue.share = Some((least * 100).div_ceil(root));
                    assert_eq!(most, root);
                }
            }
        }
    }
    out
}

/// VyOS: classes that match names.
fn vyos(text: &str) -> Made {
    let mut out = Made::default();
    for line in commands(text) {
        let Some(class) = after(line, "class").or(line.contains(" default ").then_some("default"))
        else {
            continue;
        };
        if let Some(name) = after(line, "dscp") {
            let dscp = Dscp::from_name(name).expect("a name").value();
            let before = out.marks.insert(dscp, class.to_owned());
            assert!(before.is_none_or(|before| before == class), "{line}");
        } else if line.contains(" priority ") {
            out.queue(class).first = number(line, "priority") == Some(0);
        } else if let Some(percent) = number(line, "bandwidth") {
            out.queue(class).share = Some(percent);
        }
    }
    out
}

/// FortiOS: policies by octet, and the entries of the profile.
fn fortios(text: &str) -> Made {
    let mut out = Made::default();
    let mut octet = None;
    let mut class = "";
    for line in commands(text) {
        if let Some(tos) = after(line, "tos") {
            let tos = u8::from_str_radix(tos.trim_start_matches("0x"), 16).expect("an octet");
            assert_eq!(tos & 3, 0, "ECN is not asked for");
            octet = Some(tos >> 2);
        } else if let Some(id) = after(line, "class-id") {
            class = id;
            if let Some(dscp) = octet.take() {
                let before = out.marks.insert(dscp, id.to_owned());
                assert!(before.is_none_or(|before| before == id), "{line}");
            }
        } else if let Some(priority) = after(line, "priority") {
            out.queue(class).first = priority == "top";
        } else if let Some(percent) = number(line, "guaranteed-bandwidth-percentage") {
            out.queue(class).share = Some(percent);
        }
    }
    out
}

/// The marks of a plan with the kind whose queue they are in: the most urgent that has them.
fn planned(policy: &PolicySet) -> BTreeMap<u8, ClassKind> {
    let order = [
        ClassKind::Audio,
        ClassKind::Video,
        ClassKind::Signaling,
        ClassKind::AppSharing,
        ClassKind::FileTransfer,
        ClassKind::Other,
    ];
    let classes = policy
        .classes()
        .iter()
        .map(|class| (class.kind, class.dscp));
    let rules = policy.rules().iter();
    let rules = rules.map(|rule| (policy.class(rule.class).kind, rule.dscp));
    let marks: Vec<(ClassKind, Dscp)> = classes.chain(rules).collect();
    let mut out = BTreeMap::new();
    for kind in order {
        let own = marks
            .iter()
            .filter(|(one, dscp)| *one == kind && *dscp != Dscp::DF);
        for (_, dscp) in own {
            out.entry(dscp.value()).or_insert(kind);
        }
    }
    out
}

/// A reader of files, and whether a device has no name for some marks, which then have no queue.
type Reader = (&'static str, fn(&str) -> Made, bool);

const READERS: [Reader; 5] = [
    ("arista-eos", arista, false),
    ("aruba-cx", aruba, false),
    ("mikrotik", mikrotik, false),
    ("vyos", vyos, true),
    ("fortios", fortios, false),
];

#[test]
fn every_mark_is_in_its_queue() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases() {
        let planned = planned(&case.policy);
        for (target, read, by_name) in READERS {
            let Some(text) = text(&case, target) else {
                continue;
            };
            let made = read(&text);
            if made.queues.is_empty() && target == "mikrotik" {
                // Without uplinks its queues are entered by hand.
                continue;
            }
            let label = format!("{} {target}: {made:?}", case.name);
            let mut queues: BTreeMap<ClassKind, &str> = BTreeMap::new();
            for (dscp, kind) in &planned {
                let Some(queue) = made.marks.get(dscp) else {
                    let name = Dscp::try_new(*dscp).and_then(Dscp::name);
                    let named = name.is_some_and(|name| name != "VA" && name != "LE");
                    assert!(by_name && !named, "{label}: {dscp}");
                    continue;
                };
                let first = made
                    .queues
                    .get(queue)
                    .unwrap_or_else(|| panic!("{label}: {dscp}"))
                    .first;
                assert_eq!(first, *kind == ClassKind::Audio, "{label}: {dscp}");
                assert_eq!(*queues.entry(*kind).or_insert(queue), queue, "{label}");
                *seen.entry(target).or_default() += 1;
            }
            // What is not the plan's is never in the queue that is served first.
            for (dscp, queue) in &made.marks {
                let other = !planned.contains_key(dscp) && made.queues[queue].first;
                assert!(!other, "{label}: {dscp}");
            }
        }
    }
    for (target, ..) in READERS {
        assert!(
            seen.get(target).is_some_and(|count| *count >= 3),
            "{target}: {seen:?}"
        );
    }
}

/// The shares of the case `campus`: audio 15, video 30, app-sharing 10, 45 for the rest.
#[test]
fn shares_are_the_plans() {
    let case = cases().into_iter().find(|case| case.name == "campus");
    let case = case.expect("the case");
    let of = |made: &Made, dscp: u8| made.queues[&made.marks[&dscp]].share;
    for (target, read, _) in READERS {
        let made = read(&text(&case, target).expect("queues"));
        let shares = [46, 34, 18].map(|dscp| of(&made, dscp));
        if ["arista-eos", "aruba-cx"].contains(&target) {
            // Of the 85 % that the strict queue leaves.
            assert_eq!(shares, [None, Some(35), Some(11)], "{target}");
        } else {
            assert_eq!(shares, [Some(15), Some(30), Some(10)], "{target}");
            let all: u64 = made.queues.values().filter_map(|queue| queue.share).sum();
            assert_eq!(all, 100, "{target}: {made:?}");
        }
    }
}

fn asked_for(
    case: &Case,
    target: &str,
    more: &[(&str, OptionValue)],
) -> Result<Vec<Artifact>, Vec<Diagnostic>> {
    let target = registry::find(target).expect("a target");
    let mut asked = request(&case.policy, target.id());
    for (key, value) in more {
        asked.options.retain(|(name, ..)| name != key);
        let span = Span {
            start: 7,
            end: 9,
            ..Span::default()
        };
        asked.options.push(((*key).to_owned(), value.clone(), span));
    }
    target
        .lower(&case.policy, &asked)
        .map(|program| program.emit())
}

fn named(name: &str) -> Case {
    let mut all = cases().into_iter();
    all.find(|case| case.name == name).expect("the case")
}

/// Three ranges, two protocols and the rest are seven rules a VLAN.
#[test]
fn a_limit_of_rules_is_an_error_with_its_place() {
    let case = named("campus");
    for (most, fits) in [(7, true), (6, false)] {
        let made = asked_for(&case, "meraki", &[("rules", OptionValue::Integer(most))]);
        assert_eq!(made.is_ok(), fits, "{most}");
        if let Err(problems) = made {
            let [problem] = &problems[..] else {
                panic!("{problems:?}");
            };
            assert_eq!(problem.code, "target/too-many-rules");
            assert_eq!(
                problem.message,
                "`meraki` would have 7 rules, and 6 is the most"
            );
            assert_eq!(problem.labels[0].span.start, 7);
            assert!(
                problem
                    .notes
                    .iter()
                    .any(|note| note.contains("`clients` takes 7"))
            );
            assert!(!problem.helps.is_empty());
        }
    }
    let vlans = ["clients=1", "clients=2", "clients=3"]
        .map(str::to_owned)
        .to_vec();
    let more = [
        ("access", OptionValue::List(vlans)),
        ("rules", OptionValue::Integer(20)),
    ];
    assert!(asked_for(&case, "meraki", &more).is_err());
}

/// A class that only filters name is made all the same.
#[test]
fn junos_makes_the_forwarding_class_of_a_plan_that_only_marks_df() {
    let mut case = named("campus");
    let mut parts = Parts {
        name: "DF".to_owned(),
        classes: case.policy.classes().to_vec(),
        scopes: case.policy.scopes().to_vec(),
        rules: case.policy.rules()[..1].to_vec(),
        ..Parts::default()
    };
    parts
        .classes
        .iter_mut()
        .for_each(|class| class.dscp = Dscp::DF);
    parts.rules[0].dscp = Dscp::DF;
    case.policy = PolicySet::try_new(parts).expect("one rule");
    let scope = case.policy.scope(case.policy.rules()[0].scope).name.clone();
    let files = asked_for(&case, "junos", &[("mark", OptionValue::List(vec![scope]))]);
    let files = files.expect("it lowers");
    let all = |part: &str| -> String {
        let own = files.iter().filter(|file| file.path.contains(part));
        own.map(|file| String::from_utf8_lossy(&file.bytes))
            .collect()
    };
    let marks = all("/marks/");
    let mut named: Vec<&str> = marks
        .lines()
        .filter_map(|line| after(line, "forwarding-class"))
        .collect();
    named.dedup();
    assert_eq!(named, ["PHQ-CS0"]);
    assert!(all("/queues/apply").contains("forwarding-classes class PHQ-CS0 queue-num 0"));
    assert!(all("/queues/undo").contains("forwarding-classes class PHQ-CS0"));
}

/// Where packets leave, qosify looks at the receiver's port alone, and what its map does not have loses its mark.
#[test]
fn qosify_is_written_only_for_a_plan_that_it_can_say() {
    let refused = asked_for(
        &named("campus"),
        "openwrt",
        &[("qosify", OptionValue::Boolean(true))],
    );
    let problems = refused.expect_err("its ranges are senders'");
    assert_eq!(problems[0].code, "target/option-value");
    assert!(
        problems[0].notes[0].contains("the receiver's ports"),
        "{problems:?}"
    );
    let mut case = named("campus");
    let mut rule = case.policy.rules()[0].clone();
    rule.dst_ports = DstPorts(rule.src_ports.0);
    rule.src_ports = SrcPorts::default();
    case.policy = PolicySet::try_new(Parts {
        name: "qosify".to_owned(),
        classes: case.policy.classes().to_vec(),
        scopes: case.policy.scopes().to_vec(),
        rules: vec![rule],
        ..Parts::default()
    })
    .expect("one rule");
    let scope = case.policy.scope(case.policy.rules()[0].scope).name.clone();
    let with = [
        ("mark", OptionValue::List(vec![scope])),
        ("access", OptionValue::List(Vec::new())),
        ("uplinks", OptionValue::List(vec!["wan".to_owned()])),
        ("rate", OptionValue::Integer(20_000)),
        ("qosify", OptionValue::Boolean(true)),
    ];
    let files = asked_for(&case, "openwrt", &with).expect("it can be said");
    let map = files
        .iter()
        .find(|file| file.path == "openwrt/qosify/90-perhop.conf");
    let map = String::from_utf8_lossy(&map.expect("the map").bytes).into_owned();
    let lines: Vec<&str> = commands(&map).collect();
    assert_eq!(lines, ["tcp:50000-50019 46", "udp:50000-50019 46"]);
    let without: Vec<_> = with
        .into_iter()
        .filter(|(key, _)| *key != "uplinks")
        .collect();
    assert!(
        asked_for(&case, "openwrt", &without).is_err(),
        "it has to know the uplinks"
    );
}
