//! Configurations of Cisco IOS, NX-OS, Arista EOS and their kind: what their policy maps mark.

use perhop_policy::Dscp;
use perhop_targets::network::model::Policy;
use perhop_targets::network::understand::{self, Found};

use crate::fact::{Fact, NetMark, What};
use crate::finding::Layer;
use crate::place::Place;
use crate::reading::{FileRead, Format, shortened};

/// Interfaces that are listed with marks, in all.
const MOST: usize = 1 << 18;

/// Whether a text has lines that only such configurations begin with.
pub(crate) fn is_one(text: &str) -> bool {
    text.lines().any(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().take(5).collect();
        match words[..] {
            ["class-map", "match-any" | "match-all" | "type", _, ..] | ["class-map", _] => true,
            ["policy-map", _] | ["policy-map", "type", _, _] => true,
            ["ip", "access-list", "extended" | "standard", _] => true,
            ["service-policy", "input" | "output", _] => true,
            ["ip" | "ipv6", "access-list", _] => line.starts_with("ip"),
            ["object-group", "network" | "service", _] => line.starts_with("object-group"),
            _ => false,
        }
    })
}

/// Lists what the policies mark, and what of them is not understood.
pub(crate) fn read(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::DeviceConfig);
    let understood = understand::read(text);
    for mut found in understood.policies {
        let mut policy = std::mem::take(&mut found.policy);
        let terms = policy.classes.iter().flat_map(|class| &class.terms);
        let count: usize = terms.map(Vec::len).sum();
        if count.saturating_mul(policy.interfaces.len()) > MOST {
            file.leave(
                Place::line(index, found.line),
                format!("{} interfaces", policy.interfaces.len()),
                "too many to be listed with every mark",
            );
            policy.interfaces.clear();
        }
        marks(&mut file, index, &found, &policy);
    }
    for left in understood.left {
        file.leave(
            Place::line(index, left.line),
            left.text,
            format!("in `{}`, and its effect on marks is not known", left.place),
        );
    }
    file
}

/// The marks of one policy, in its order.
fn marks(file: &mut FileRead, index: usize, found: &Found, policy: &Policy) {
    let mark = |class: &str, dscp| NetMark {
        list: shortened(&found.name),
        class: shortened(class),
        families: [true; 2],
        src: Vec::new(),
        dst: Vec::new(),
        services: Vec::new(),
        dscp,
        interfaces: policy
            .interfaces
            .iter()
            .map(|name| shortened(name))
            .collect(),
    };
    let mut fact = |line, mark| {
        file.facts.push(Fact {
            place: Place::line(index, line),
            layer: Layer::Match,
            what: What::Mark(mark),
        });
    };
    for ((class, line), name) in policy.classes.iter().zip(&found.lines).zip(&found.names) {
        let [v4, v6] = &class.terms;
        let same = v4 == v6;
        let families = [(v4, [true, same]), (v6, [false, true])];
        for (terms, families) in families.into_iter().take(if same { 1 } else { 2 }) {
            for term in terms {
                let mark = NetMark {
                    families,
                    src: term.src.clone(),
                    dst: term.dst.clone(),
                    services: term.services.clone(),
                    ..mark(name, class.dscp)
                };
                fact(*line, mark);
            }
        }
    }
    if policy.reset {
        fact(found.line, mark("class-default", Dscp::DF));
    }
}
