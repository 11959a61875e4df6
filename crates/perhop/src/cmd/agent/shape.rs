//! What of a plan becomes priorities and queues.

use perhop_host::agent::{Extras, MarkQueue, Queues};
use perhop_policy::{ClassId, PolicySet, ScopeId};

use super::RunArgs;
use crate::failure::Failure;
use crate::ui::Ui;

/// Priorities of classes that state one, and queues where a link's rate is given.
///
/// # Errors
/// Shares of the plan that starve somebody.
pub(super) fn extras(policy: &PolicySet, args: &RunArgs) -> Result<Extras, Failure> {
    let mut out = Extras {
        priorities: priorities(policy),
        queues: Queues::default(),
    };
    if !args.queues.is_empty() {
        let tree = perhop_targets::linux_tc::tree(policy).map_err(|found| {
            let why = found.first().map(|one| one.message.clone());
            Failure::wrong(why.unwrap_or_default()).help("see `[target.linux-tc]` of the plan")
        })?;
        let classes = tree.into_iter().map(|class| MarkQueue {
            minor: class.minor,
            share: class.share,
            urgency: class.urgency.into(),
            dscps: class.dscps,
        });
        out.queues.classes = classes.collect();
    }
    Ok(out)
}

/// Says what of the plan is not done without being asked for, and what asking was in vain.
pub(super) fn tell(policy: &PolicySet, scope: ScopeId, args: &RunArgs, ui: &Ui) {
    let rules = policy.rules().iter();
    let throttled = rules
        .filter(|rule| rule.scope == scope && rule.throttle.is_some())
        .count();
    let rules = crate::render::counted(throttled, "rule");
    if throttled > 0 && !args.throttle {
        ui.warn(&format!(
            "the plan throttles {rules}; nothing is throttled without `--throttle`"
        ));
    } else if throttled == 0 && args.throttle {
        ui.warn("the plan throttles nothing: no rule has a `throttle`");
    }
}

/// The layer-2 priority of the classes that state one, which VLAN interfaces map.
fn priorities(policy: &PolicySet) -> Vec<(ClassId, u32)> {
    (0..)
        .zip(policy.classes())
        .filter_map(|(index, class)| Some((ClassId(index), u32::from(class.pcp?.value()))))
        .collect()
}
