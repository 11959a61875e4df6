//! How well rules are said: those that the sender marks by itself; all others are a host's or the network's to mark.

use perhop_policy::{ClassKind, Fit, Loss, LossKind, Marker, PolicySet, RuleId};

use super::apps::{App, Entry};
use super::told::Told;
use super::{Ports, Product};

pub(super) const LOSSES: &[LossKind] = &[
    LossKind::WiderAddress,
    LossKind::WiderPorts,
    LossKind::AbsentRule,
];

/// Every rule's fit, in order.
pub(super) fn of(
    policy: &PolicySet,
    product: &Product,
    apps: &[(App, Told)],
) -> Vec<(RuleId, Fit)> {
    let mut out: Vec<(RuleId, Fit)> = (0u32..)
        .zip(policy.rules())
        .map(|(index, _)| (RuleId(index), Fit::Elsewhere))
        .collect();
    let marking = apps.iter().filter(|_| product.marks);
    for (app, told) in marking {
        for entry in app
            .entries
            .iter()
            .filter(|one| one.marker == Marker::Sender)
        {
            if let Some((_, fit)) = out.iter_mut().find(|(rule, _)| Some(*rule) == entry.rule) {
                *fit = self::fit(product, told, entry);
            }
        }
    }
    out
}

fn fit(product: &Product, told: &Told, entry: &Entry) -> Fit {
    let absent = |reason: String| {
        Fit::Absent(Loss {
            kind: LossKind::AbsentRule,
            reason,
        })
    };
    match told.mark(entry.kind) {
        None if product.silent.is_empty() => {
            return absent(format!(
                "{} has no setting for the mark of {}",
                product.name,
                entry.kind.as_str()
            ));
        }
        None => return absent(product.silent.to_owned()),
        Some(dscp) if dscp != entry.dscp => {
            return absent(format!(
                "{} has one mark, which is {dscp}, and the rule says {}",
                product.name, entry.dscp
            ));
        }
        Some(_) => {}
    }
    let name = product.name;
    let from_ports = entry.ports.is_some() && entry.kind != ClassKind::Signaling;
    let mut losses = Vec::new();
    let mut lost = |kind, reason: String| losses.push(Loss { kind, reason });
    if entry.addresses {
        lost(
            LossKind::WiderAddress,
            format!("{name} marks all that it sends, whatever the addresses"),
        );
    }
    if entry.destination {
        lost(
            LossKind::WiderPorts,
            format!("{name} marks all that it sends, whatever the receiver's port"),
        );
    } else if let (Ports::Elsewhere(reason), true) = (product.ports, from_ports) {
        lost(LossKind::WiderPorts, reason.to_owned());
    }
    if losses.is_empty() {
        Fit::Exact
    } else {
        Fit::Wider(losses)
    }
}
