//! What holds for the Windows targets beyond their bytes: the rules of sound policies and backups, what is refused, and
//! readers that take no damage.

mod support;

use std::collections::BTreeSet;

use perhop_policy::{
    AppMatch, Diagnostic, OptionValue, PolicySet, PortMatch, PortRange, Span, SrcPorts,
    TargetRequest,
};
use perhop_targets::registry::find;
use perhop_targets::windows_policy::{lint, read_back};
use perhop_targets::{Artifact, Purpose, TARGETS};
use proptest::prelude::*;

use support::random::{any_rule, parts};
use support::{cases, request};

/// Names, values, actions, and no pair of policies that Windows would choose from by chance (windows-qos 10).
#[test]
fn emitted_policies_are_sound() {
    let mut count = 0;
    for case in cases() {
        for artifact in emit(&case.policy, "windows-gpo") {
            let Some(policies) = apply_policies(&artifact) else {
                continue;
            };
            for policy in &policies {
                let wrong = lint::one(&policy.name, &policy.values());
                assert_eq!(
                    wrong,
                    Vec::<String>::new(),
                    "{} {}",
                    case.name,
                    artifact.path
                );
            }
            let wrong = lint::together(&policies);
            assert_eq!(
                wrong,
                Vec::<String>::new(),
                "{} {}",
                case.name,
                artifact.path
            );
            count += policies.len();
        }
    }
    assert!(count > 50, "{count}");
}

/// All files of the plan taken together: hosts may get several of them.
#[test]
fn names_are_unique_in_a_plan() {
    for case in cases() {
        let mut names = BTreeSet::new();
        for artifact in emit(&case.policy, "windows-gpo") {
            if artifact.path.starts_with("windows-gpo/local/") {
                for policy in apply_policies(&artifact).unwrap_or_default() {
                    assert!(names.insert(policy.name.to_lowercase()), "{}", policy.name);
                }
            }
        }
    }
}

/// Every file of a backup is listed in it and every listed file is there; identifiers agree; extensions ascend.
#[test]
fn backups_are_whole() {
    let mut count = 0;
    for case in cases() {
        let artifacts = emit(&case.policy, "windows-gpo");
        for artifact in &artifacts {
            let Some(folder) = artifact.path.strip_suffix("/Backup.xml") else {
                continue;
            };
            count += 1;
            let text = str::from_utf8(&artifact.bytes).expect("UTF-8");
            let backup = roxmltree::Document::parse(text).expect("well-formed");
            let get = |document: &roxmltree::Document<'_>, name: &str| {
                let node = document
                    .descendants()
                    .find(|node| node.tag_name().name() == name);
                node.and_then(|node| node.text())
                    .unwrap_or_default()
                    .to_owned()
            };
            let listed: BTreeSet<String> = backup
                .descendants()
                .filter(|node| node.tag_name().name() == "FSObjectFile")
                .filter_map(|node| {
                    let name = (
                        "http://www.microsoft.com/GroupPolicy/GPOOperations",
                        "Location",
                    );
                    Some(node.attribute(name)?.replace('\\', "/"))
                })
                .collect();
            let there: BTreeSet<String> = artifacts
                .iter()
                .filter_map(|other| other.path.strip_prefix(folder)?.strip_prefix('/'))
                .filter(|path| path.starts_with("DomainSysvol"))
                .map(str::to_owned)
                .collect();
            assert_eq!(listed, there, "{folder}");
            assert_ne!(get(&backup, "MachineVersionNumber"), "0");
            let extensions = get(&backup, "MachineExtensionGuids");
            let blocks: Vec<&str> = extensions.split_inclusive(']').collect();
            assert!(blocks.is_sorted(), "{extensions}");
            let info = file(&artifacts, &format!("{folder}/bkupInfo.xml"));
            let info = roxmltree::Document::parse(&info).expect("well-formed");
            assert_eq!(get(&info, "GPOGuid"), get(&backup, "ID"));
            assert_eq!(get(&info, "GPODisplayName"), get(&backup, "DisplayName"));
            assert!(folder.ends_with(&get(&info, "ID")));
            let manifest = folder.rsplit_once('/').expect("a folder").0;
            let manifest = file(&artifacts, &format!("{manifest}/manifest.xml"));
            assert!(manifest.contains(&get(&info, "ID")));
        }
    }
    assert!(count > 10, "{count}");
}

#[test]
fn what_was_changed_by_hand_is_not_read() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "sites")
        .expect("the case");
    for (id, ending) in [
        ("windows-gpo", "Machine/registry.pol"),
        ("windows-gpo", "clients/Registry.pol"),
        ("windows-reg", "clients/apply.reg"),
        ("windows-lgpo", "clients/apply.txt"),
        ("windows-netqos", "clients/apply.ps1"),
        ("intune-csp", "clients/oma-uri.csv"),
    ] {
        let mut artifacts = emit(&case.policy, id);
        let target = find(id).expect("a target");
        assert!(target.read(&artifacts).is_ok(), "{id}");
        let changed = artifacts
            .iter_mut()
            .find(|artifact| artifact.path.ends_with(ending));
        let bytes = &mut changed.expect("the file").bytes;
        // Ends in the middle of a policy.
        bytes.truncate(bytes.len() / 5 / 2 * 2);
        let Err(problems) = target.read(&artifacts) else {
            panic!("{id} takes a part of {ending}");
        };
        assert!(
            problems.iter().all(|one| one.code == "target/unreadable"),
            "{problems:?}"
        );
    }
}

#[test]
fn what_windows_has_no_form_for_is_refused() {
    let base = || parts(Vec::new());
    let rule = |app: &str, first: u16| {
        let mut rule = sample();
        rule.app = AppMatch::parse(app);
        let range = PortRange::try_new(first, 100).expect("a range");
        rule.src_ports = SrcPorts(PortMatch::Range(range));
        rule
    };
    let mut clash = parts(vec![rule("a.exe", 1), rule("a.exe", 1)]);
    clash.scopes[1].name = "CLIENTS".to_owned();
    clash.rules[1].scope = perhop_policy::ScopeId(1);
    for parts in [
        parts(vec![rule("recorder", 1)]),
        parts(vec![rule("/usr/bin/rec.exe", 1)]),
        parts(vec![rule("a.exe", 0)]),
        clash,
    ] {
        let policy = PolicySet::try_new(parts).expect("it resolves");
        for id in [
            "windows-gpo",
            "windows-reg",
            "windows-netqos",
            "windows-lgpo",
            "intune-csp",
        ] {
            let lowered = find(id)
                .expect("a target")
                .lower(&policy, &request(&policy, id));
            assert_refused(lowered.err(), id);
        }
    }
    assert!(PolicySet::try_new(base()).is_ok());
}

#[test]
fn options_that_windows_would_not_take_are_refused() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "sites")
        .expect("the case");
    for (id, key, value, good) in [
        ("windows-gpo", "domain", "contoso.com", true),
        ("windows-gpo", "domain", "", false),
        ("windows-gpo", "domain", "a b", false),
        ("windows-gpo", "domain", "]]>", false),
        ("windows-netqos", "policy-store", "localhost", true),
        (
            "windows-netqos",
            "policy-store",
            r"GPO:contoso.com\QoS {scope}",
            true,
        ),
        (
            "windows-netqos",
            "policy-store",
            r"GPO:contoso.com\QoS",
            false,
        ),
        ("windows-netqos", "policy-store", "ActiveStore", false),
        ("windows-netqos", "policy-store", "GPO:", false),
        ("windows-netqos", "policy-store", "GPO:a{scope}\n", false),
    ] {
        let request = TargetRequest {
            id: id.to_owned(),
            options: vec![(
                key.to_owned(),
                OptionValue::Text(value.to_owned()),
                Span::default(),
            )],
            ..TargetRequest::default()
        };
        let lowered = find(id).expect("a target").lower(&case.policy, &request);
        if good {
            assert!(lowered.is_ok(), "{value}");
        } else {
            assert_refused(lowered.err(), value);
        }
    }
}

/// The undo of a registry file deletes the keys that were made and the one value, and sets nothing.
#[test]
fn undo_takes_back_what_was_made_and_no_more() {
    use perhop_targets::syntax::regfile::{self, Data, KeyAction};
    for case in cases() {
        let artifacts = emit(&case.policy, "windows-reg");
        for artifact in artifacts
            .iter()
            .filter(|one| one.path.ends_with("/apply.reg"))
        {
            let undo = artifact.path.replace("apply.reg", "undo.reg");
            let undo = artifacts
                .iter()
                .find(|one| one.path == undo)
                .expect("its undo");
            assert_eq!(undo.purpose, Purpose::Undo);
            let (made, undone) = (regfile::read(&artifact.bytes), regfile::read(&undo.bytes));
            let (made, undone) = (made.expect("a file"), undone.expect("a file"));
            assert_eq!(made.len(), undone.len());
            for (made, undone) in made.iter().zip(&undone) {
                assert_eq!(made.key, undone.key);
                let deleted = if made.key.contains("Policies") {
                    KeyAction::Delete
                } else {
                    KeyAction::Set(vec![("Do not use NLA".to_owned(), Data::Delete)])
                };
                assert_eq!(undone.action, deleted);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_harm_a_reader(
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
        text in "[\\PC\r\n]{0,120}",
        cut in 0usize..4000,
    ) {
        for target in TARGETS {
            let id = target.id();
            for name in ["apply.reg", "apply.txt", "apply.ps1", "oma-uri.csv", "local/clients/Registry.pol"] {
                for content in [&bytes, text.as_bytes()] {
                    let artifact = Artifact {
                        path: if name.contains('/') { format!("{id}/{name}") } else { format!("{id}/clients/{name}") },
                        bytes: content.to_vec(),
                        purpose: Purpose::Apply,
                        rules: Vec::new(),
                    };
                    let _ = target.read(&[artifact]);
                }
            }
            let policy = PolicySet::try_new(parts(vec![sample()])).expect("one rule");
            if let Ok(program) = target.lower(&policy, &request(&policy, id)) {
                let mut artifacts = program.emit();
                for artifact in &mut artifacts {
                    artifact.bytes.truncate(cut);
                }
                let _ = target.read(&artifacts);
            }
        }
    }

    /// What the linter says of policies that were resolved: nothing.
    #[test]
    fn resolved_policies_are_sound(rules in proptest::collection::vec(any_rule(), 1..6)) {
        if let Ok(policy) = PolicySet::try_new(parts(rules)) {
            for artifact in emit(&policy, "windows-gpo") {
                if let Some(policies) = apply_policies(&artifact) {
                    prop_assert_eq!(lint::together(&policies), Vec::<String>::new());
                }
            }
        }
    }
}

fn emit(policy: &PolicySet, id: &str) -> Vec<Artifact> {
    let target = find(id).expect("a target");
    let lowered = target.lower(policy, &request(policy, id));
    lowered.map_or_else(
        |problems| panic!("{id}: {problems:?}"),
        |program| program.emit(),
    )
}

/// The policies of a Registry.pol that applies them.
fn apply_policies(artifact: &Artifact) -> Option<Vec<perhop_targets::windows_policy::Policy>> {
    let ours = artifact.purpose == Purpose::Apply && artifact.path.ends_with("egistry.pol");
    ours.then(|| read_back::registry_pol(&artifact.bytes).expect("what was written"))
}

fn file(artifacts: &[Artifact], path: &str) -> String {
    let found = artifacts.iter().find(|artifact| artifact.path == path);
    String::from_utf8(found.expect("the file").bytes.clone()).expect("UTF-8")
}

fn assert_refused(problems: Option<Vec<Diagnostic>>, what: &str) {
    let problems = problems.unwrap_or_else(|| panic!("{what} is taken"));
    assert!(
        problems
            .iter()
            .all(|one| one.code == "target/windows-policy"),
        "{what}: {problems:?}"
    );
}

fn sample() -> perhop_policy::Rule {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut rule = any_rule().new_tree(&mut runner).expect("a rule").current();
    rule.scope = perhop_policy::ScopeId(0);
    rule.src.clear();
    rule.dst.clear();
    rule
}
