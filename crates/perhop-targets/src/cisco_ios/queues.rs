//! Queues: class maps by DSCP, and a policy map of a strict queue (LLQ) and shares of what it leaves (CBWFQ).

use perhop_policy::{ClassKind, Dscp};

use crate::cisco_ios::marks::{dscp_word, read_dscp};
use crate::network::model::mark_name;
use crate::network::options::KINDS;
use crate::network::program::{Plan, same};
use crate::network::queues::{Queue, Queues};
use crate::syntax::ios::{self, Config, Node, Word};

/// The file that makes them.
pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut out = Config::new();
    out.comment("Queues by mark, where packets leave.");
    for queue in &plan.queues.list {
        out.line(
            0,
            &[
                Word::Own("class-map match-any"),
                Word::Name(&class_name(queue.kind)),
            ],
        );
        matches(&mut out, &queue.dscps);
    }
    out.line(0, &[Word::Own("policy-map PHQ-OUT")]);
    for queue in &plan.queues.list {
        out.line(
            1,
            &[Word::Own("class"), Word::Name(&class_name(queue.kind))],
        );
        if queue.is_strict() {
            let word = if plan.switch {
                "priority level 1 percent"
            } else {
                "priority percent"
            };
            out.line(2, &[Word::Own(word), Word::Number(queue.share.into())]);
        } else {
            remaining(&mut out, queue.remaining(&plan.queues));
            if is_early(queue.kind) {
                out.line(2, &[Word::Own("random-detect dscp-based")]);
            }
        }
    }
    out.line(1, &[Word::Own("class class-default")]);
    remaining(&mut out, plan.queues.rest_remaining());
    if !plan.switch {
        out.line(2, &[Word::Own("fair-queue")]);
    }
    out.line(2, &[Word::Own("random-detect dscp-based")]);
    if plan.reset {
        boundary(&mut out, &plan.queues);
    }
    attach(
        &mut out,
        plan,
        [
            "service-policy output PHQ-OUT",
            "service-policy input PHT-IN",
        ],
    );
    out.into_bytes()
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(plan: &Plan) -> Vec<u8> {
    let mut out = Config::new();
    attach(
        &mut out,
        plan,
        [
            "no service-policy output PHQ-OUT",
            "no service-policy input PHT-IN",
        ],
    );
    if plan.reset {
        out.line(0, &[Word::Own("no policy-map PHT-IN")]);
        for dscp in marks(&plan.queues) {
            out.line(
                0,
                &[
                    Word::Own("no class-map match-any"),
                    Word::Name(&trusted_name(dscp)),
                ],
            );
        }
    }
    out.line(0, &[Word::Own("no policy-map PHQ-OUT")]);
    for queue in &plan.queues.list {
        out.line(
            0,
            &[
                Word::Own("no class-map match-any"),
                Word::Name(&class_name(queue.kind)),
            ],
        );
    }
    out.into_bytes()
}

/// Where hosts mark by themselves: the plan's marks stay, all others become DF. A class without an action is not kept by
/// every release, so each mark is set to what it is.
fn boundary(out: &mut Config, queues: &Queues) {
    for dscp in marks(queues) {
        out.line(
            0,
            &[
                Word::Own("class-map match-any"),
                Word::Name(&trusted_name(dscp)),
            ],
        );
        matches(out, &[dscp]);
    }
    out.line(0, &[Word::Own("policy-map PHT-IN")]);
    for dscp in marks(queues) {
        out.line(1, &[Word::Own("class"), Word::Name(&trusted_name(dscp))]);
        out.line(2, &[Word::Own("set dscp"), Word::Name(&dscp_word(dscp))]);
    }
    out.line(1, &[Word::Own("class class-default")]);
    out.line(2, &[Word::Own("set dscp default")]);
}

fn marks(queues: &Queues) -> Vec<Dscp> {
    queues
        .list
        .iter()
        .flat_map(|queue| queue.dscps.clone())
        .collect()
}

fn trusted_name(dscp: Dscp) -> String {
    format!("PHT-{}", mark_name(dscp))
}

fn attach(out: &mut Config, plan: &Plan, lines: [&'static str; 2]) {
    let trusted: &[String] = if plan.reset { &plan.trusted } else { &[] };
    for (interfaces, line) in [&plan.uplinks[..], trusted].into_iter().zip(lines) {
        for interface in interfaces {
            out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
            out.line(1, &[Word::Own(line)]);
        }
    }
}

/// A line takes eight marks at most.
fn matches(out: &mut Config, dscps: &[Dscp]) {
    for some in dscps.chunks(8) {
        let texts: Vec<String> = some.iter().map(|dscp| dscp_word(*dscp)).collect();
        let mut words = vec![Word::Own("match dscp")];
        words.extend(texts.iter().map(|text| Word::Name(text)));
        out.line(1, &words);
    }
}

fn remaining(out: &mut Config, percent: u8) {
    out.line(
        2,
        &[
            Word::Own("bandwidth remaining percent"),
            Word::Number(percent.into()),
        ],
    );
}

/// Traffic that slows down when packets are dropped early, or has marks of different drop precedence.
fn is_early(kind: ClassKind) -> bool {
    match kind {
        ClassKind::Audio | ClassKind::Signaling => false,
        ClassKind::Video | ClassKind::AppSharing | ClassKind::FileTransfer | ClassKind::Other => {
            true
        }
    }
}

fn class_name(kind: ClassKind) -> String {
    format!("PHQ-{}", kind.as_str())
}

/// Reads a file that [`apply`] wrote.
pub(super) fn read(text: &str) -> Result<Plan, String> {
    let nodes = ios::read(text)?;
    let mut plan = Plan::default();
    for node in &nodes {
        command(&mut plan, node)
            .ok_or_else(|| format!("line {} is not one that is written here", node.line))?;
    }
    let again = apply(&plan);
    same(text, &again, plan)
}

fn command(plan: &mut Plan, node: &Node<'_>) -> Option<()> {
    match node.words[..] {
        ["class-map", "match-any", name] if name.starts_with("PHT-") => {}
        ["policy-map", "PHT-IN"] => plan.reset = true,
        ["class-map", "match-any", name] => {
            let kind = KINDS.into_iter().find(|kind| class_name(*kind) == name)?;
            let mut dscps = Vec::new();
            for below in &node.below {
                let words = below.words.strip_prefix(&["match", "dscp"])?;
                dscps.extend(
                    words
                        .iter()
                        .map(|word| read_dscp(word))
                        .collect::<Option<Vec<_>>>()?,
                );
            }
            plan.queues.list.push(Queue {
                kind,
                dscps,
                share: 0,
            });
        }
        ["policy-map", "PHQ-OUT"] => shares(plan, node)?,
        ["interface", name] => match node.below.first()?.words[..] {
            ["service-policy", "output", _] => plan.uplinks.push(name.to_owned()),
            ["service-policy", "input", _] => plan.trusted.push(name.to_owned()),
            _ => return None,
        },
        _ => return None,
    }
    Some(())
}

fn shares(plan: &mut Plan, node: &Node<'_>) -> Option<()> {
    let mut strict = 0;
    for class in &node.below {
        let ["class", name] = class.words[..] else {
            return None;
        };
        let first = class.below.first()?;
        let (word, percent) = (
            first.words.first()?,
            first.words.last()?.parse::<u8>().ok()?,
        );
        let queue = plan
            .queues
            .list
            .iter_mut()
            .find(|queue| class_name(queue.kind) == name);
        let Some(queue) = queue else { continue };
        plan.switch |= first.words.contains(&"level");
        if *word == "priority" {
            strict = percent;
            queue.share = percent;
        } else {
            queue.share = Queue::share_of(percent, strict)?;
        }
    }
    Some(())
}
