//! The law of reading: what targets write gives back the plan's rules and port ranges.

#[path = "support/cases.rs"]
mod cases;
#[path = "../../perhop-targets/tests/support/random.rs"]
mod random;

use std::collections::BTreeSet;

use perhop_policy::{
    AppMatch, ClassId, Dscp, DstPorts, Marker, PolicySet, PortMatch, PortRange, Producer, Protocol,
    ProtocolMatch, Rule, RuleId, ScopeId, Severity, Span, SrcPorts, Statement,
};
use perhop_read::audit::{self, By, State};
use perhop_read::{Input, Reading, Throttle, What, Words};
use perhop_targets::{Artifact, Purpose};
use proptest::prelude::*;

use self::cases::{cases, emitted};

/// Targets whose files are read, with what they hold.
const MARKING: [&str; 5] = [
    "windows-gpo",
    "windows-reg",
    "windows-netqos",
    "windows-lgpo",
    "intune-csp",
];
const TELLING: [&str; 3] = ["lync-shell", "lync-inband", "teams-shell"];

fn read(files: &[Artifact]) -> Reading {
    let inputs: Vec<Input<'_>> = files
        .iter()
        .map(|file| Input {
            name: &file.path,
            bytes: &file.bytes,
        })
        .collect();
    Reading::of(&inputs, &Words::default())
}

/// Files by the sender that they are for: the folder's name in their path.
fn by_scope<'a>(policy: &PolicySet, files: &'a [Artifact]) -> Vec<(String, Vec<&'a Artifact>)> {
    policy
        .scopes()
        .iter()
        .map(|scope| {
            let folder = format!(
                "/{}/",
                perhop_targets::windows_policy::folder::of_scope(&scope.name)
            );
            let own = files
                .iter()
                .filter(|file| file.path.contains(&folder))
                .collect();
            (scope.name.clone(), own)
        })
        .collect()
}

#[test]
fn marking_targets_give_back_the_rules() {
    let mut held = BTreeSet::new();
    for (name, policy) in cases() {
        for id in MARKING {
            let Some(files) = emitted(&policy, id) else {
                continue;
            };
            for (scope, own) in by_scope(&policy, &files) {
                // Each form of the same settings by itself.
                for file in own.iter().filter(|file| file.purpose == Purpose::Apply) {
                    let mut reading = read(std::slice::from_ref(*file));
                    let label = format!("{name} {id} {}", file.path);
                    assert!(
                        reading.findings().all(|one| !one.code.ends_with("damaged")),
                        "{label}"
                    );
                    if reading.files[0].policies().next().is_none() {
                        continue;
                    }
                    reading.files[0].scope = Some(scope.clone());
                    let audit = audit::audit(&policy, &reading);
                    for rule in audit.rules.iter().filter(|rule| rule.by == By::Windows) {
                        let rule_name = &policy.rule(rule.rule).name;
                        let of = policy.scope(policy.rule(rule.rule).scope);
                        if of.name != scope {
                            continue;
                        }
                        // What a target leaves to others is not in its file.
                        if file.rules.contains(&rule.rule) {
                            assert_eq!(
                                rule.state,
                                state(&policy, rule.rule, id),
                                "{label}: {rule_name}: {:#?}",
                                audit.findings
                            );
                            held.insert(format!("{id} {}", reading.files[0].format.as_str()));
                        }
                    }
                    assert!(
                        audit
                            .findings
                            .iter()
                            .all(|one| one.code != "audit/extra-policy"),
                        "{label}: {:#?}",
                        audit.findings
                    );
                }
            }
        }
    }
    let wanted: BTreeSet<String> = [
        "windows-gpo registry-pol",
        "windows-reg reg",
        "windows-netqos perhop-script",
        "windows-lgpo lgpo-text",
        "intune-csp intune-json",
        "intune-csp intune-csv",
        "intune-csp syncml",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(held, wanted);
}

/// Intune knows no rates, which is told.
fn state(policy: &PolicySet, rule: RuleId, target: &str) -> State {
    match policy.rule(rule).throttle {
        Some(_) if target == "intune-csp" => State::Differs,
        _ => State::Ok,
    }
}

/// The rates of one target's files come back, every one with its rule's ports.
#[test]
fn throttles_come_back() {
    let (_, policy) = cases()
        .into_iter()
        .find(|(name, _)| name == "own-apps")
        .expect("a case with throttles");
    let mut held = BTreeSet::new();
    for id in &MARKING[..4] {
        for file in emitted(&policy, id).expect("it says throttles") {
            if file.purpose != Purpose::Apply {
                continue;
            }
            let reading = read(std::slice::from_ref(&file));
            for (_, seen) in reading.files[0].policies() {
                let same = |one: &&Statement| {
                    one.src_ports == seen.src_ports && one.dst_ports == seen.dst_ports
                };
                let planned = policy.statements().iter().find(same).expect("a rule");
                let rates = (planned.throttle, seen.throttle.and_then(Throttle::rate));
                assert_eq!(rates.0, rates.1, "{id} {}", seen.name);
                held.extend(rates.0.map(|rate| format!("{id} {rate}")));
            }
        }
    }
    assert_eq!(held.len(), 8, "{held:?}");
}

/// The scheduler of Windows XP knows no ports: its marks by service type come back as they were written.
#[test]
fn marks_by_service_type_come_back() {
    let mut held = 0;
    for (name, policy) in cases() {
        for file in emitted(&policy, "windows-psched").unwrap_or_default() {
            if file.purpose != Purpose::Apply {
                continue;
            }
            let utf16 = file.bytes[2..]
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            let text = String::from_utf16(&utf16.collect::<Vec<_>>()).expect("UTF-16");
            let wanted: BTreeSet<(String, u8)> = text
                .lines()
                .filter_map(|line| line.split_once("=dword:"))
                .map(|(value, data)| {
                    let mark = u8::from_str_radix(data.trim(), 16).expect("a number");
                    (value.trim_matches('"').to_owned(), mark)
                })
                .collect();
            let reading = read(std::slice::from_ref(&file));
            assert_eq!(reading.files[0].left, [], "{name}");
            let found: BTreeSet<(String, u8)> = reading
                .facts()
                .map(|fact| match &fact.what {
                    What::Setting { name, data, .. } => {
                        let value = name.rsplit('\\').next().expect("a name");
                        (value.to_owned(), data.parse().expect("a mark"))
                    }
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(found, wanted, "{name} {}", file.path);
            held += found.len();
        }
    }
    assert!(held > 0);
}

/// Which sender a file is for is told by its policies alone.
#[test]
fn whole_outputs_are_as_planned_without_being_told_whose_they_are() {
    for (name, policy) in cases() {
        for id in ["windows-reg", "windows-lgpo"] {
            let Some(files) = emitted(&policy, id) else {
                continue;
            };
            let apply: Vec<Artifact> = files
                .into_iter()
                .filter(|file| file.purpose == Purpose::Apply)
                .collect();
            let audit = audit::audit(&policy, &read(&apply));
            for rule in audit.rules.iter().filter(|rule| rule.by == By::Windows) {
                assert_ne!(
                    rule.state,
                    State::Differs,
                    "{name} {id} {}: {:#?}",
                    policy.rule(rule.rule).name,
                    audit.findings
                );
            }
        }
    }
}

/// Kind, subject, and ranges by use.
type Told = (String, String, Vec<(String, u16, u16)>);

/// A producer without places.
fn plain(producer: &Producer) -> Told {
    let mut ranges: Vec<(String, u16, u16)> = producer
        .ranges
        .iter()
        .map(|range| {
            (
                range.used_for.as_str().to_owned(),
                range.ports.first(),
                range.ports.last(),
            )
        })
        .collect();
    ranges.sort();
    (
        format!("{:?}", producer.kind),
        format!("{:?}", producer.subject),
        ranges,
    )
}

#[test]
fn telling_targets_give_back_the_ranges() {
    let mut held = BTreeSet::new();
    for (name, policy) in cases() {
        for id in TELLING {
            let Some(files) = emitted(&policy, id) else {
                continue;
            };
            let apply: Vec<Artifact> = files
                .into_iter()
                .filter(|file| file.purpose == Purpose::Apply || id == "lync-inband")
                .collect();
            let target = perhop_targets::registry::find(id).expect("a target");
            let Ok(program) = target.read(&apply) else {
                continue;
            };
            let reading = read(&apply);
            let mut found: BTreeSet<Told> = BTreeSet::new();
            for fact in reading.facts() {
                let What::Object(object) = &fact.what else {
                    continue;
                };
                let mut ranges: Vec<(String, u16, u16)> = object
                    .ranges
                    .iter()
                    .map(|range| {
                        (
                            range.used_for.as_str().to_owned(),
                            range.ports.first(),
                            range.ports.last(),
                        )
                    })
                    .collect();
                ranges.sort();
                if !ranges.is_empty() {
                    let subject =
                        format!("{:?}", object.subject).replace("Service(\"*\")", "Global");
                    let subject = subject.replace("Service(\"site:", "Site(\"");
                    found.insert((format!("{:?}", object.kind), subject, ranges));
                }
            }
            let wanted: BTreeSet<_> = program
                .producers()
                .iter()
                .map(plain)
                .filter(|(.., ranges)| !ranges.is_empty())
                .collect();
            assert_eq!(found, wanted, "{name} {id}");
            if !wanted.is_empty() {
                held.insert(id);
            }
        }
    }
    assert_eq!(held, TELLING.into());
}

/// Each file of a policy that marks, by itself, leaves its rules as they are planned.
fn is_given_back(policy: &PolicySet) -> Result<(), TestCaseError> {
    for id in MARKING {
        let Some(files) = emitted(policy, id) else {
            continue;
        };
        for (scope, own) in by_scope(policy, &files) {
            for file in own.iter().filter(|file| file.purpose == Purpose::Apply) {
                let mut reading = read(std::slice::from_ref(*file));
                if reading.files[0].policies().next().is_none() {
                    continue;
                }
                reading.files[0].scope = Some(scope.clone());
                let audit = audit::audit(policy, &reading);
                for rule in audit.rules.iter().filter(|rule| rule.by == By::Windows) {
                    let of = policy.rule(rule.rule);
                    if file.rules.contains(&rule.rule) && policy.scope(of.scope).name == scope {
                        let label = format!("{} {}", file.path, of.name);
                        // Where it marks nothing, its rate is of nothing either.
                        let own = audit.findings.iter().filter(|one| {
                            let throttle = one.code == "audit/other-throttle";
                            let told = throttle && state(policy, rule.rule, id) == State::Differs;
                            one.rule.as_ref() == Some(&of.name)
                                && one.severity > Severity::Info
                                && !told
                        });
                        prop_assert_eq!(own.count(), 0, "{} {:#?}", label, audit.findings);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Intune has no addresses: the policy of a rule to some addresses also marks a rule of fewer ports to all, and is not that
/// rule's with too many ports.
#[test]
fn a_rule_that_lost_its_addresses_is_no_wider_policy_of_another() {
    let rule = |dst: &[&str], first, last| Rule {
        name: String::new(),
        scope: ScopeId(0),
        component: "C".to_owned(),
        peer: String::new(),
        class: ClassId(0),
        app: AppMatch::Any,
        protocol: ProtocolMatch::Only(Protocol::Udp),
        src: Vec::new(),
        dst: dst.iter().map(|net| net.parse().expect("a net")).collect(),
        src_ports: SrcPorts(PortMatch::Range(
            PortRange::try_new(first, last).expect("a range"),
        )),
        dst_ports: DstPorts(PortMatch::Any),
        dscp: Dscp::EF,
        marker: Marker::HostPolicy,
        throttle: None,
        origin: Span::default(),
    };
    let rules = vec![rule(&["10.0.0.0/8"], 1, 65535), rule(&[], 100, 200)];
    let policy = PolicySet::try_new(random::parts(rules)).expect("a policy");
    is_given_back(&policy).expect("as planned");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same for policies that no one would write.
    #[test]
    fn any_policy_is_given_back(rules in proptest::collection::vec(random::any_rule(), 1..6)) {
        // Overlaps that precedence does not settle make no policy.
        if let Ok(policy) = PolicySet::try_new(random::parts(rules)) {
            is_given_back(&policy)?;
        }
    }
}
