//! Queues: what comes in gets a group by its mark, and goes out through the queue of its group. Names of queues are the
//! device's own, for eight of them.

use perhop_policy::Dscp;

use crate::cisco_nxos::marks::{group, kind, set};
use crate::network::model::{Class, mark_name};
use crate::network::program::{Plan, same};
use crate::network::queues::Queue;
use crate::syntax::ios::{self, Config, Node, Word};

/// The file that makes them.
pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut out = Config::new();
    out.comment(
        "Queues by mark: a group for each mark where packets come in, its queue where they leave.",
    );
    for (_, dscp) in marks(plan) {
        let name = class_name(dscp);
        out.line(
            0,
            &[Word::Own("class-map type qos match-any"), Word::Name(&name)],
        );
        out.line(
            1,
            &[Word::Own("match dscp"), Word::Number(dscp.value().into())],
        );
    }
    for name in policies(plan) {
        out.line(0, &[Word::Own("policy-map type qos"), Word::Own(name)]);
        for (queue, dscp) in marks(plan) {
            out.line(1, &[Word::Own("class"), Word::Name(&class_name(dscp))]);
            out.line(
                2,
                &[Word::Own("set qos-group"), Word::Number(group(queue.kind))],
            );
        }
        if *name == EDGE {
            out.line(1, &[Word::Own("class class-default")]);
            set(&mut out, &Class::rest());
        }
    }
    out.line(0, &[Word::Own("policy-map type queuing PHQ-OUT")]);
    for number in (1..=7).rev() {
        let name = format!("c-out-8q-q{number}");
        out.line(1, &[Word::Own("class type queuing"), Word::Name(&name)]);
        let queue = plan
            .queues
            .list
            .iter()
            .find(|queue| group(queue.kind) == number);
        match queue {
            Some(queue) if queue.is_strict() => out.line(2, &[Word::Own("priority level 1")]),
            // The highest queue may be strict or share; without audio it has nothing.
            queue => share(
                &mut out,
                queue.map_or(0, |queue| queue.remaining(&plan.queues)),
            ),
        };
    }
    out.line(1, &[Word::Own("class type queuing c-out-8q-q-default")]);
    share(&mut out, plan.queues.rest_remaining());
    attach(&mut out, plan, false);
    out.into_bytes()
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(plan: &Plan) -> Vec<u8> {
    let mut out = Config::new();
    attach(&mut out, plan, true);
    out.line(0, &[Word::Own("no policy-map type queuing PHQ-OUT")]);
    for name in policies(plan) {
        out.line(0, &[Word::Own("no policy-map type qos"), Word::Own(name)]);
    }
    for (_, dscp) in marks(plan) {
        let name = class_name(dscp);
        out.line(
            0,
            &[
                Word::Own("no class-map type qos match-any"),
                Word::Name(&name),
            ],
        );
    }
    out.into_bytes()
}

const IN: &str = "PHT-IN";
const EDGE: &str = "PHT-EDGE";

/// The policies by mark: one that only sorts, and where marks that the plan does not have become DF, one more.
fn policies(plan: &Plan) -> &'static [&'static str] {
    if plan.reset { &[IN, EDGE] } else { &[IN] }
}

fn marks(plan: &Plan) -> impl Iterator<Item = (&Queue, Dscp)> {
    let list = plan.queues.list.iter();
    list.flat_map(|queue| queue.dscps.iter().map(move |dscp| (queue, *dscp)))
}

fn class_name(dscp: Dscp) -> String {
    format!("PHT-{}", mark_name(dscp))
}

fn share(out: &mut Config, percent: u8) -> &mut Config {
    out.line(
        2,
        &[
            Word::Own("bandwidth remaining percent"),
            Word::Number(percent.into()),
        ],
    )
}

fn attach(out: &mut Config, plan: &Plan, undo: bool) {
    let lines = |own: [&'static str; 2]| own[usize::from(undo)];
    for interface in &plan.uplinks {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        out.line(
            1,
            &[Word::Own(lines([
                "service-policy type qos input PHT-IN",
                "no service-policy type qos input PHT-IN",
            ]))],
        );
        out.line(
            1,
            &[Word::Own(lines([
                "service-policy type queuing output PHQ-OUT",
                "no service-policy type queuing output PHQ-OUT",
            ]))],
        );
    }
    for interface in &plan.trusted {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        out.line(
            1,
            &[Word::Own(lines(if plan.reset {
                [
                    "service-policy type qos input PHT-EDGE",
                    "no service-policy type qos input PHT-EDGE",
                ]
            } else {
                [
                    "service-policy type qos input PHT-IN",
                    "no service-policy type qos input PHT-IN",
                ]
            }))],
        );
    }
}

/// Reads a file that [`apply`] wrote. A strict queue's share is not in it, only what is left for the others, so it is
/// found by trying.
pub(super) fn read(text: &str) -> Result<Plan, String> {
    let nodes = ios::read(text)?;
    let mut problem = String::new();
    for strict in [15].into_iter().chain(1..=33) {
        let mut plan = Plan::default();
        for node in &nodes {
            command(&mut plan, node, strict)
                .ok_or_else(|| format!("line {} is not one that is written here", node.line))?;
        }
        let again = apply(&plan);
        match same(text, &again, plan) {
            Ok(plan) => return Ok(plan),
            Err(text) if problem.is_empty() => problem = text,
            Err(_) => {}
        }
    }
    Err(problem)
}

fn command(plan: &mut Plan, node: &Node<'_>, strict: u8) -> Option<()> {
    match node.words[..] {
        ["class-map", "type", "qos", "match-any", _] => {}
        ["policy-map", "type", "qos", IN] => {
            for class in &node.below {
                let name = class.words.get(1)?.strip_prefix("PHT-")?;
                let dscp = Dscp::from_name(name)
                    .or_else(|| Dscp::try_new(name.strip_prefix('D')?.parse().ok()?))?;
                let kind = kind(class.below.first()?.words.last()?)?;
                match plan.queues.list.iter_mut().find(|queue| queue.kind == kind) {
                    Some(queue) => queue.dscps.push(dscp),
                    None => plan.queues.list.push(Queue {
                        kind,
                        dscps: vec![dscp],
                        share: 0,
                    }),
                }
            }
        }
        ["policy-map", "type", "qos", EDGE] => plan.reset = true,
        ["policy-map", "type", "queuing", "PHQ-OUT"] => shares(plan, node, strict)?,
        ["interface", name] => {
            if node.below.len() == 2 {
                plan.uplinks.push(name.to_owned());
            } else {
                plan.trusted.push(name.to_owned());
            }
        }
        _ => return None,
    }
    Some(())
}

fn shares(plan: &mut Plan, node: &Node<'_>, strict: u8) -> Option<()> {
    let strict = if plan.queues.list.iter().any(Queue::is_strict) {
        strict
    } else {
        0
    };
    for class in &node.below {
        let number = class.words.last()?.strip_prefix("c-out-8q-q")?;
        let percent: Option<u8> = class.below.first()?.words.last()?.parse().ok();
        let Some(kind) = kind(number) else { continue };
        if let Some(queue) = plan.queues.list.iter_mut().find(|queue| queue.kind == kind) {
            queue.share = if queue.is_strict() {
                strict
            } else {
                // A share that no strict queue explains stays 0 and is found when written again.
                Queue::share_of(percent?, strict).unwrap_or(0)
            };
        }
    }
    Some(())
}
