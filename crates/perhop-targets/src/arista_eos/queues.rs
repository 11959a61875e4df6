//! Queues: the traffic class of each mark, and a profile that serves the transmit queues of the classes.

use crate::network::program::{Plan, leading_comments, same};
use crate::network::queues::Queues;
use crate::syntax::ios::{self, Config, Word};

/// The file that makes them.
pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut out = Config::new();
    out.comment("Queues by mark, where packets leave.");
    for text in plan.queues.comments() {
        out.comment(&text);
    }
    for (dscp, class) in plan.queues.classes() {
        let words = [
            Word::Own("qos map dscp"),
            Word::Number(dscp.value().into()),
            Word::Own("to traffic-class"),
            Word::Number(class),
        ];
        out.line(0, &words);
    }
    out.line(0, &[Word::Own("qos profile PHQ-OUT")]);
    out.line(1, &[Word::Own("qos trust dscp")]);
    for class in (0..=5).rev() {
        let strict = plan.queues.list.iter().find(|queue| queue.is_strict());
        let percent = plan.queues.remaining_of_class(class);
        if class == 5 && strict.is_some() {
            out.line(1, &[Word::Own("tx-queue"), Word::Number(class)]);
            out.line(2, &[Word::Own("priority strict")]);
        } else if percent > 0 {
            out.line(1, &[Word::Own("tx-queue"), Word::Number(class)]);
            out.line(2, &[Word::Own("no priority")]);
            let words = [Word::Own("bandwidth percent"), Word::Number(percent.into())];
            out.line(2, &words);
        }
    }
    attach(
        &mut out,
        plan,
        ["service-profile PHQ-OUT", "qos trust dscp"],
    );
    out.into_bytes()
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(plan: &Plan) -> Vec<u8> {
    let mut out = Config::new();
    attach(
        &mut out,
        plan,
        ["no service-profile PHQ-OUT", "no qos trust"],
    );
    out.line(0, &[Word::Own("no qos profile PHQ-OUT")]);
    for (dscp, _) in plan.queues.classes() {
        let words = [
            Word::Own("no qos map dscp"),
            Word::Number(dscp.value().into()),
        ];
        out.line(0, &words);
    }
    out.into_bytes()
}

fn attach(out: &mut Config, plan: &Plan, lines: [&'static str; 2]) {
    for (interfaces, line) in [&plan.uplinks, &plan.trusted].into_iter().zip(lines) {
        for interface in interfaces {
            out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
            out.line(1, &[Word::Own(line)]);
        }
    }
}

/// Reads a file that [`apply`] wrote.
pub(super) fn read(text: &str) -> Result<Plan, String> {
    let mut plan = Plan {
        queues: Queues::from_comments(&leading_comments(text, "! "))
            .ok_or("the queues are not named")?,
        ..Plan::default()
    };
    for node in &ios::read(text)? {
        let ["interface", name] = node.words[..] else {
            continue;
        };
        let below = node.below.first().map(|line| line.words[0]);
        let list = match below {
            Some("service-profile") => &mut plan.uplinks,
            _ => &mut plan.trusted,
        };
        list.push(name.to_owned());
    }
    let again = apply(&plan);
    same(text, &again, plan)
}
