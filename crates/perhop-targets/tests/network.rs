//! What holds for every target for the network, that is, every one with the option `mark`: the law with every scope
//! marked and with single rules left to the network, names that would break out of careless quoting, options that are
//! refused, files that were changed.

mod support;

use perhop_policy::set::Parts;
use perhop_policy::{
    AppMatch, ClassId, Dscp, Fit, FlowKey, Marker, OptionValue, PolicySet, PortMatch, Protocol,
    ProtocolMatch, Rule, ScopeId, Span, SrcPorts, TargetRequest,
};
use perhop_targets::{Artifact, Purpose, TARGETS, Target};
use proptest::prelude::*;

use support::law::Packets;
use support::random::{any_rule, parts};
use support::{cases, random_cases, request};

/// Targets that mark for scopes that a plan names.
fn markers() -> impl Iterator<Item = &'static dyn Target> {
    let marks = |target: &&dyn Target| target.options().iter().any(|spec| spec.key == "mark");
    TARGETS.iter().copied().filter(marks)
}

/// A request with options of lists of texts.
fn asked(id: &str, options: &[(&str, Vec<String>)]) -> TargetRequest {
    let one = |(key, texts): &(&str, Vec<String>)| {
        (
            (*key).to_owned(),
            OptionValue::List(texts.clone()),
            Span::default(),
        )
    };
    TargetRequest {
        id: id.to_owned(),
        options: options.iter().map(one).collect(),
        ..TargetRequest::default()
    }
}

fn all_scopes(policy: &PolicySet) -> Vec<String> {
    let scopes = policy.scopes().iter();
    scopes.map(|scope| scope.name.clone()).collect()
}

/// Holds the law where every scope is marked, and where the network marks only what it must.
fn hold(label: &str, policy: &PolicySet) -> usize {
    let packets = Packets::without_applications(policy);
    let mut held = 0;
    for target in markers() {
        for mark in [all_scopes(policy), Vec::new()] {
            let asked = asked(target.id(), &[("mark", mark)]);
            let label = format!("{label} {}", target.id());
            match target.lower(policy, &asked) {
                Ok(program) => held += packets.hold(&label, policy, target, &*program),
                Err(problems) => {
                    let known = |code: &str| SAID.contains(&code);
                    assert!(
                        problems.iter().all(|one| known(one.code)),
                        "{label}: {problems:?}"
                    );
                }
            }
        }
    }
    held
}

/// Why a target may refuse a policy that is sound.
const SAID: [&str; 1] = ["target/too-many-rules"];

#[test]
fn every_case_is_marked_as_planned() {
    let mut held = 0;
    for case in cases() {
        held += hold(&case.name, &case.policy);
    }
    assert!(held > 1_000 * markers().count(), "{held}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: random_cases(24), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_policy_is_marked_as_planned(
        rules in proptest::collection::vec((any_rule(), any::<bool>()), 1..6)
    ) {
        let rules = rules.into_iter().map(|(mut rule, network)| {
            rule.marker = if network { Marker::Network } else { rule.marker };
            rule
        });
        if let Ok(policy) = PolicySet::try_new(parts(rules.collect())) {
            hold("random", &policy);
        }
    }
}

/// A rule of the hosts that outranks one of the network for some packets, in one address family only: it is claimed, so
/// all of it is marked, in the other family too.
#[test]
fn a_rule_of_hosts_that_meets_one_of_the_network_is_taken_whole() {
    let all = |class: u16, dscp| {
        let mut rule = named("P").rules()[0].clone();
        (rule.class, rule.dscp) = (ClassId(class), dscp);
        (rule.protocol, rule.src_ports) = (ProtocolMatch::Both, SrcPorts(PortMatch::Any));
        rule.scope = ScopeId(2);
        rule
    };
    let nets = |texts: &[&str]| -> Vec<ipnet::IpNet> {
        let nets = texts.iter().map(|text| text.parse());
        nets.map(Result::unwrap).collect()
    };
    let network = Rule {
        app: AppMatch::Any,
        src: nets(&["10.0.0.0/8"]),
        marker: Marker::Network,
        throttle: None,
        ..all(1, Dscp::AF41)
    };
    let host = Rule {
        app: AppMatch::parse("a.exe"),
        dst: nets(&["2001:db8::/32", "10.0.0.0/8"]),
        ..all(0, Dscp::EF)
    };
    let policy = PolicySet::try_new(parts(vec![network, host])).unwrap();
    assert!(hold("met", &policy) > 100);
    let target = markers().next().unwrap();
    let program = target.lower(&policy, &asked(target.id(), &[])).unwrap();
    let fits: Vec<bool> = program
        .fits()
        .iter()
        .map(|(_, fit)| *fit != Fit::Elsewhere)
        .collect();
    assert_eq!(fits, [true, true]);
}

#[test]
fn options_that_would_do_nothing_or_harm_are_refused() {
    let case = cases().into_iter().find(|case| case.name == "campus");
    let policy = case.expect("the case").policy;
    for target in markers() {
        let keys: Vec<&str> = target.options().iter().map(|spec| spec.key).collect();
        for (key, text) in [
            ("mark", "client"),
            ("mark", ""),
            ("access", "clients"),
            ("access", "client=eth0"),
            ("access", "clients=eth0; drop"),
            ("access", "clients=\"x\""),
            ("access", "clients="),
            ("uplinks", "Gi1/0/1\nreload"),
            ("uplinks", "!"),
            ("shares", "audio"),
            ("shares", "audio=0"),
            ("shares", "audio=34"),
            ("shares", "voice=10"),
            ("shares", "video=70"),
        ] {
            if !keys.contains(&key) {
                continue;
            }
            let asked = asked(target.id(), &[(key, vec![text.to_owned()])]);
            let Err(problems) = target.lower(&policy, &asked) else {
                panic!("{}: {key} = {text:?} is taken", target.id());
            };
            assert!(problems.iter().all(|one| one.code == "target/option-value"));
        }
    }
}

const HOSTILE: [&str; 10] = [
    "it's",
    "a\"b",
    "$(reboot) ${y} [:put x]",
    "`n`'; flush ruleset",
    "! end\nno interface Vlan1\r\nreload",
    "caf\u{e9} \u{1f4de} \u{202e}x",
    "nul\0tab\tdel\u{7f}\u{85}\u{2028}?",
    "/* x */ { } }} # %24",
    "x\\\"; :do { } while",
    "next\nend\nconfig system global",
];

#[test]
fn no_name_changes_a_files_shape() {
    for text in HOSTILE {
        let hostile = named(text);
        let harmless = named("P");
        for target in markers() {
            let made = |policy: &PolicySet| {
                let asked = asked(target.id(), &[("mark", all_scopes(policy))]);
                let program = target.lower(policy, &asked).expect("it lowers");
                (program.emit(), program.steps().len())
            };
            let ((ours, steps), (theirs, same)) = (made(&hostile), made(&harmless));
            assert_eq!((ours.len(), steps), (theirs.len(), same), "{}", target.id());
            for (a, b) in ours.iter().zip(&theirs) {
                assert!(
                    a.path.is_ascii() && !a.path.contains(['\\', ' ', '\'']),
                    "{}",
                    a.path
                );
                assert_eq!(shape(a), shape(b), "{} with {text:?}", a.path);
            }
            let read = target.read(&ours).expect("what was written");
            let scope = &hostile.scopes()[0].name;
            let marked = read.apply_to(scope, &key()).expect("it is marked there");
            assert_eq!(
                marked,
                Some(hostile.rules()[0].dscp),
                "{} {text:?}",
                target.id()
            );
        }
    }
}

/// A policy of one rule with the text wherever a name can be.
fn named(text: &str) -> PolicySet {
    let mut rule = cases()
        .into_iter()
        .find(|case| case.name == "campus")
        .expect("the case")
        .policy
        .rules()[0]
        .clone();
    rule.name = text.to_owned();
    rule.component = text.to_owned();
    rule.scope = ScopeId(0);
    let mut parts = parts(vec![rule]);
    parts.name = text.to_owned();
    parts.classes[0].name = text.to_owned();
    parts.scopes[0].name = format!("clients@{text}");
    parts.rules[0].name = text.to_owned();
    let Parts { scopes, .. } = &mut parts;
    scopes.truncate(1);
    PolicySet::try_new(parts).expect("one rule conflicts with nothing")
}

fn key() -> FlowKey<'static> {
    FlowKey {
        scope: ScopeId(0),
        app: None,
        protocol: Protocol::Udp,
        src: "10.0.0.1".parse().expect("an address"),
        src_port: 50007,
        dst: "10.0.0.2".parse().expect("an address"),
        dst_port: 5000,
    }
}

/// The first word of every line, its length in words, and no character that a device's console would act on.
fn shape(artifact: &Artifact) -> Vec<(String, usize)> {
    let text = str::from_utf8(&artifact.bytes).expect("UTF-8");
    let control = |c: char| c.is_control() && c != '\n' && c != '\t' && c != '\r';
    assert!(!text.contains(control), "{}", artifact.path);
    text.lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap_or_default().to_owned();
            let comment = ["#", "!", "remark", "description"].contains(&first.as_str());
            (first, if comment { 0 } else { words.count() })
        })
        .collect()
}

/// A line that nobody wrote is an error with its place; a line less, or half a file, is read as what it says or refused.
#[test]
fn what_was_changed_by_hand_does_no_harm() {
    let mut damaged = 0;
    for case in cases().into_iter().filter(|case| case.name == "network") {
        for target in markers() {
            let asked = request(&case.policy, target.id());
            let program = target.lower(&case.policy, &asked).expect("it lowers");
            let files = program.emit();
            for (at, file) in files.iter().enumerate() {
                if file.purpose != Purpose::Apply {
                    continue;
                }
                let with = |bytes: Vec<u8>| {
                    let mut changed = files.clone();
                    changed[at].bytes = bytes;
                    target.read(&changed)
                };
                let lines: Vec<&[u8]> = file.bytes.split_inclusive(|byte| *byte == b'\n').collect();
                for cut in 0..lines.len() {
                    let _ = with([lines[..cut].concat(), lines[cut + 1..].concat()].concat());
                    let half = lines[cut].len() / 2;
                    let _ = with([&lines[..cut].concat(), &lines[cut][..half]].concat());
                    let strange = [
                        &lines[..cut].concat(),
                        &b"permit everything\n"[..],
                        &lines[cut..].concat(),
                    ];
                    let read = with(strange.concat());
                    let problems = read
                        .err()
                        .unwrap_or_else(|| panic!("{} at {cut}", file.path));
                    assert_eq!(problems[0].code, "target/unreadable");
                    assert!(problems[0].message.contains(&file.path), "{problems:?}");
                    damaged += 1;
                }
                assert!(with(vec![0xff, 0xfe, 0]).is_err());
                assert!(with(Vec::new()).is_err());
            }
        }
    }
    assert!(damaged > 20 * markers().count(), "{damaged}");
}

/// Everything with a name of ours on a device is in the undo too.
#[test]
fn undo_names_all_that_was_made() {
    let mut names = 0;
    for case in cases() {
        for target in markers() {
            let asked = request(&case.policy, target.id());
            let Ok(program) = target.lower(&case.policy, &asked) else {
                continue;
            };
            let files = program.emit();
            for apply in files.iter().filter(|file| file.purpose == Purpose::Apply) {
                let path = apply.path.replace("/apply.", "/undo.");
                let undo = files.iter().find(|file| file.path == path);
                let undo = &undo.unwrap_or_else(|| panic!("there is no {path}")).bytes;
                let undo: Vec<&str> = words(undo).collect();
                // Marks may go by what stands among the queues.
                let queues: Vec<&str> = files
                    .iter()
                    .filter(|file| file.path.contains("/queues/undo."))
                    .flat_map(|file| words(&file.bytes))
                    .collect();
                for name in names_of(&apply.bytes) {
                    let there =
                        undo.contains(&name) || (name.starts_with("PHQ") && queues.contains(&name));
                    assert!(there, "{path} leaves {name}");
                    names += 1;
                }
            }
        }
    }
    assert!(names > 100, "{names}");
}

/// Names of ours in a file; where a line has a comment of ours, it is taken back by that.
fn names_of(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let text = str::from_utf8(bytes).expect("UTF-8");
    text.lines().flat_map(|line| {
        let line = line.split_once(" comment=").map_or(line, |(_, name)| name);
        words(line.as_bytes()).filter(|word| word.starts_with("PH"))
    })
}

fn words(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let text = str::from_utf8(bytes).expect("UTF-8");
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
}
