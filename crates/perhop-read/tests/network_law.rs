//! The law of reading, for what marks in the network: what targets write gives back the plan's rules.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "support/cases.rs"]
mod cases;
#[path = "../../perhop-targets/tests/support/random.rs"]
mod random;

use std::collections::{BTreeMap, BTreeSet};

use perhop_policy::{
    Dscp, FlowKey, OptionValue, PolicySet, Protocol, Rule, RuleId, ScopeId, Span, TargetRequest,
};
use perhop_read::audit::{self, Audit, By, State};
use perhop_read::{Format, Input, Reading, What, Words};
use perhop_targets::{Artifact, Purpose, TARGETS};
use proptest::prelude::*;

use self::cases::{cases, emitted};

const TARGETS_READ: [&str; 8] = [
    "cisco-ios",
    "cisco-nxos",
    "arista-eos",
    "aruba-cx",
    "junos",
    "mikrotik",
    "vyos",
    "meraki",
];

/// Targets that name the sender in their files.
const NAMING: [&str; 7] = [
    "cisco-ios",
    "cisco-nxos",
    "arista-eos",
    "aruba-cx",
    "junos",
    "mikrotik",
    "vyos",
];

/// The files that mark, of those a target wrote.
fn marking(policy: &PolicySet, id: &str) -> Vec<Artifact> {
    let mut files = emitted(policy, id).unwrap_or_default();
    files.retain(|file| file.purpose == Purpose::Apply && file.path.contains("/marks/"));
    files
}

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

/// Nothing but information, and every rule of the files as planned.
fn is_as_planned(policy: &PolicySet, files: &[Artifact], audit: &Audit, label: &str) {
    assert!(audit.is_as_planned(), "{label}: {:#?}", audit.findings);
    let wrong = audit.findings.iter().find(|one| {
        matches!(one.code, "audit/not-compared" | "audit/extra-policy")
            || one.message.contains("marks that the network")
    });
    assert_eq!(wrong, None, "{label}");
    let right: BTreeSet<RuleId> = audit
        .rules
        .iter()
        .filter(|rule| rule.by == By::Network && rule.state == State::Ok)
        .map(|rule| rule.rule)
        .collect();
    let wanted: BTreeSet<RuleId> = files.iter().flat_map(|file| file.rules.clone()).collect();
    assert_eq!(right, wanted, "{label}: {:?}", policy.name());
}

#[test]
fn targets_of_the_network_give_back_the_rules() {
    let mut held: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, policy) in cases() {
        for id in TARGETS_READ {
            let files = marking(&policy, id);
            // Rules with addresses are refused, unless their loss is accepted.
            let addresses = |rule: &Rule| !rule.src.is_empty() || !rule.dst.is_empty();
            if files.is_empty() || id == "meraki" && policy.rules().iter().any(addresses) {
                continue;
            }
            let reading = read(&files);
            for file in &reading.files {
                assert_eq!(file.left, [], "{name} {id} {}", file.name);
                assert_eq!(file.findings, [], "{name} {id} {}", file.name);
            }
            let audit = audit::audit(&policy, &reading);
            is_as_planned(&policy, &files, &audit, &format!("{name} {id}"));
            *held.entry(id).or_default() += files.len();
        }
    }
    assert_eq!(
        held.keys().copied().collect::<BTreeSet<_>>(),
        TARGETS_READ.into()
    );
}

/// Whole folders, with queues and what goes with them: nothing in them differs.
#[test]
fn whole_outputs_of_the_network_are_as_planned() {
    let mut held = BTreeSet::new();
    for (name, policy) in cases() {
        for id in TARGETS_READ {
            let mut files = emitted(&policy, id).unwrap_or_default();
            files.retain(|file| file.purpose == Purpose::Apply);
            let addresses = |rule: &Rule| !rule.src.is_empty() || !rule.dst.is_empty();
            if files.is_empty() || id == "meraki" && policy.rules().iter().any(addresses) {
                continue;
            }
            let audit = audit::audit(&policy, &read(&files));
            assert!(audit.is_as_planned(), "{name} {id}: {:#?}", audit.findings);
            held.insert(id);
        }
    }
    assert_eq!(held, TARGETS_READ.into());
}

/// The files of nftables as text: tables of hosts and routers, and what OpenWrt includes.
#[test]
fn rulesets_as_text_give_back_the_rules() {
    let mut held = BTreeSet::new();
    for (name, policy) in cases() {
        for id in ["linux-nft", "openwrt"] {
            let mut files = emitted(&policy, id).unwrap_or_default();
            files.retain(|one| one.purpose == Purpose::Apply && one.path.ends_with(".nft"));
            if files.is_empty() {
                continue;
            }
            let label = format!("{name} {id}");
            let reading = read(&files);
            for file in &reading.files {
                assert_eq!(file.format, Format::NftText, "{label}");
                assert_eq!(file.left, [], "{label}");
            }
            let audit = audit::audit(&policy, &reading);
            is_as_planned(&policy, &files, &audit, &label);
            held.insert(id);
        }
    }
    assert_eq!(held, ["linux-nft", "openwrt"].into());
}

/// The mark of a packet by what was read, the first that fits.
fn mark(reading: &Reading, file: usize, key: &FlowKey<'_>) -> Option<Dscp> {
    let facts = &reading.files[file].facts;
    let marks = facts.iter().filter_map(|fact| match &fact.what {
        What::Mark(mark) => Some(mark),
        _ => None,
    });
    let nets = |nets: &[ipnet::IpNet], address| {
        nets.is_empty() || nets.iter().any(|net| net.contains(&address))
    };
    let mut out = None;
    for mark in marks {
        let ports = |range: Option<perhop_policy::PortRange>, port| {
            range.is_none_or(|range| range.contains(port))
        };
        let service = mark.services.is_empty()
            || mark.services.iter().any(|one| {
                one.protocol == key.protocol
                    && ports(one.src, key.src_port)
                    && ports(one.dst, key.dst_port)
            });
        assert_eq!(mark.without, []);
        let family = mark.families[usize::from(key.src.is_ipv6())];
        if family && service && nets(&mark.src, key.src) && nets(&mark.dst, key.dst) {
            out = mark.dscp.or(out);
            if mark.last {
                break;
            }
        }
    }
    out
}

/// A request that a target marks every scope.
fn marks_all(id: &str, scopes: &[String], reset: bool) -> TargetRequest {
    let unplanned = if reset { "reset" } else { "keep" };
    TargetRequest {
        id: id.to_owned(),
        options: vec![
            (
                "mark".to_owned(),
                OptionValue::List(scopes.to_vec()),
                Span::default(),
            ),
            (
                "unplanned".to_owned(),
                OptionValue::Text(unplanned.to_owned()),
                Span::default(),
            ),
        ],
        ..TargetRequest::default()
    }
}

prop_compose! {
    fn any_key()(
        tcp in any::<bool>(),
        ends in prop_oneof![
            Just(("10.1.1.1", "10.2.0.1")),
            Just(("10.0.0.1", "10.1.1.1")),
            Just(("192.0.2.1", "10.1.2.3")),
            Just(("2001:db8::1", "2001:db8:1::1")),
            Just(("2001:dba::1", "2001:db8::2")),
        ],
        ports in (0usize..7, 0usize..7),
    ) -> FlowKey<'static> {
        const PORTS: [u16; 7] = [0, 1, 100, 150, 200, 300, 65535];
        FlowKey {
            scope: ScopeId(0),
            app: None,
            protocol: if tcp { Protocol::Tcp } else { Protocol::Udp },
            src: ends.0.parse().unwrap(),
            src_port: PORTS[ports.0],
            dst: ends.1.parse().unwrap(),
            dst_port: PORTS[ports.1],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// For policies that no one would write: the target's own reader, the facts and the audit agree.
    #[test]
    fn any_policy_is_given_back(
        rules in proptest::collection::vec(random::any_rule(), 1..6),
        keys in proptest::collection::vec(any_key(), 16),
        reset in any::<bool>(),
    ) {
        let mut parts = random::parts(rules);
        let names: Vec<String> = parts.scopes.iter().map(|scope| scope.name.clone()).collect();
        parts.targets = NAMING.iter().map(|id| marks_all(id, &names, reset)).collect();
        // Overlaps that precedence does not settle make no policy.
        let Ok(policy) = PolicySet::try_new(parts) else {
            return Ok(());
        };
        for id in NAMING {
            let files = marking(&policy, id);
            if files.is_empty() {
                continue;
            }
            let reading = read(&files);
            let audit = audit::audit(&policy, &reading);
            is_as_planned(&policy, &files, &audit, id);
            let target = TARGETS.iter().find(|target| target.id() == id).unwrap();
            let program = target.read(&files).unwrap();
            for (index, file) in files.iter().enumerate() {
                let folder = |scope: &ScopeId| {
                    perhop_targets::windows_policy::folder::of_scope(&policy.scope(*scope).name)
                };
                let own = |scope: &ScopeId| file.path.contains(&format!("/{}/", folder(scope)));
                let scope = policy.scope_ids().find(own).unwrap();
                for key in &keys {
                    let own = program.apply_to(&policy.scope(scope).name, key);
                    prop_assert_eq!(own, Some(mark(&reading, index, key)), "{} {:?}", file.path, key);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same of Meraki's switches, whose rules know no addresses and no senders: each file is said whose it is.
    #[test]
    fn any_policy_without_addresses_is_given_back_by_meraki(
        rules in proptest::collection::vec(random::any_rule(), 1..6),
        keys in proptest::collection::vec(any_key(), 16),
        vlan in proptest::option::of(1u16..4095),
    ) {
        let rules = rules.into_iter().map(|mut rule| {
            rule.scope = ScopeId(0);
            (rule.src, rule.dst) = (Vec::new(), Vec::new());
            rule
        });
        let mut parts = random::parts(rules.collect());
        let name = parts.scopes[0].name.clone();
        let mut asked = marks_all("meraki", std::slice::from_ref(&name), vlan.is_some());
        if let Some(vlan) = vlan {
            let access = OptionValue::List(vec![format!("{name}={vlan}")]);
            asked.options.push(("access".to_owned(), access, Span::default()));
        }
        parts.targets = vec![asked];
        let Ok(policy) = PolicySet::try_new(parts) else {
            return Ok(());
        };
        let files = marking(&policy, "meraki");
        if files.is_empty() {
            return Ok(());
        }
        let mut reading = read(&files);
        prop_assert_eq!(&reading.files[0].left, &[]);
        reading.files[0].scope = Some(name.clone());
        let audit = audit::audit(&policy, &reading);
        is_as_planned(&policy, &files, &audit, "meraki");
        let target = TARGETS.iter().find(|target| target.id() == "meraki").unwrap();
        let program = target.read(&files).unwrap();
        for key in &keys {
            prop_assert_eq!(program.apply_to(&name, key), Some(mark(&reading, 0, key)), "{:?}", key);
        }
    }
}
