//! The law of targets: what is emitted, read back by the target's own semantics, marks every packet on both sides of every
//! edge as the policy does, for every rule that the target says exactly.

mod support;

use perhop_policy::{Fit, PolicySet};
use perhop_targets::TARGETS;
use proptest::prelude::*;

use support::law::Packets;
use support::random::{any_rule, parts};
use support::{cases, request};

#[test]
fn what_is_emitted_marks_as_planned() {
    for case in cases() {
        let packets = Packets::of(&case.policy);
        for &target in TARGETS {
            let asked = request(&case.policy, target.id());
            // A refusal is held by the golden files.
            let Ok(program) = target.lower(&case.policy, &asked) else {
                continue;
            };
            let label = format!("{} {}", case.name, target.id());
            packets.hold(&label, &case.policy, target, &*program);
        }
    }
}

/// The Windows targets mark all of these, so that the law above is not empty.
#[test]
fn the_law_is_about_something() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "edge-um")
        .expect("the case");
    let packets = Packets::of(&case.policy);
    for id in [
        "windows-gpo",
        "windows-reg",
        "windows-netqos",
        "windows-lgpo",
    ] {
        let target = perhop_targets::registry::find(id).expect("a target");
        let program = target
            .lower(&case.policy, &request(&case.policy, id))
            .expect("it lowers");
        let exact = program
            .fits()
            .iter()
            .filter(|(_, fit)| *fit == Fit::Exact)
            .count();
        assert!(exact >= 8, "{id}: {exact}");
        let held = packets.hold(id, &case.policy, target, &*program);
        assert!(held > 10_000, "{id}: {held}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same for policies that no one would write.
    #[test]
    fn any_policy_is_marked_as_planned(rules in proptest::collection::vec(any_rule(), 1..6)) {
        // Overlaps that precedence does not settle make no policy.
        if let Ok(policy) = PolicySet::try_new(parts(rules)) {
            let packets = Packets::of(&policy);
            for &target in TARGETS {
                if let Ok(program) = target.lower(&policy, &request(&policy, target.id())) {
                    packets.hold(target.id(), &policy, target, &*program);
                }
            }
        }
    }
}
