//! Media on ports that no planned range holds.

use perhop_policy::{ClassKind, Severity};

use crate::cause::range::OutOfRange;
use crate::cause::{Group, source_ports};
use crate::check::{Context, group};
use crate::finding::{Finding, OUT_OF_RANGE};
use crate::seen::Tuple;
use crate::verdict::Verdict;

pub(crate) fn check(context: &Context<'_>) -> Vec<Finding> {
    let flows = context.with(|one| one.verdict == Verdict::OutOfRange && one.is_reportable());
    let groups = group(flows, |at| {
        Some((context.judged[at].media, towards_client(context, at)))
    });
    groups
        .into_iter()
        .map(|((media, _), flows)| finding(context, media, flows))
        .collect()
}

/// Whether the receiver's port is in a range of clients, so that the sender may be a server.
fn towards_client(context: &Context<'_>, at: usize) -> bool {
    Tuple::of(&context.flows.key(at)).is_some_and(|tuple| {
        context
            .policy
            .candidates(&tuple.reversed().key(), context.vantage)
            .iter()
            .any(|one| {
                let scope = context.policy.rule(one.rule).scope;
                context.policy.scope(scope).role == perhop_policy::Role::Client
            })
    })
}

fn finding(context: &Context<'_>, media: Option<ClassKind>, flows: Vec<usize>) -> Finding {
    let out_of_range = OutOfRange {
        group: Group {
            context,
            flows: &flows,
        },
    };
    let (cause, alternatives) = out_of_range.causes();
    let class = media.and_then(|media| {
        let found = context
            .policy
            .classes()
            .iter()
            .position(|class| class.kind == media)?;
        u16::try_from(found).ok().map(perhop_policy::ClassId)
    });
    let ports = flows.iter().map(|at| context.flows.key(*at).src_port);
    let message = format!(
        "{} uses ports that no planned range holds: {}, {}",
        media.map_or("media", ClassKind::as_str),
        out_of_range.group.size(),
        source_ports(ports)
    );
    Finding {
        code: OUT_OF_RANGE,
        severity: Severity::Error,
        message,
        rule: None,
        class,
        origin: class.map(|class| context.policy.class(class).origin),
        cause,
        alternatives,
        flows,
    }
}
