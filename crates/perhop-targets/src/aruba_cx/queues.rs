//! Queues: the local priority of each mark, a profile that gives audio's the highest queue, and one that serves the queues.

use crate::network::program::{Plan, leading_comments, same};
use crate::network::queues::{Queue, Queues};
use crate::syntax::ios::{self, Config, Word};

/// The local priorities in the order of their queues, 0 first: only the highest queue may be strict, so it is 5's.
const PRIORITIES: [u64; 8] = [0, 1, 2, 3, 4, 6, 7, 5];
/// The weight of the network's own traffic.
const CONTROL: u64 = 5;
const STRICT: u64 = 5;

/// The file that makes them.
pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut out = Config::new();
    out.comment("Queues by mark, where packets leave.");
    for text in plan.queues.comments() {
        out.comment(&text);
    }
    for (dscp, priority) in plan.queues.classes() {
        let words = [
            Word::Own("qos dscp-map"),
            Word::Number(dscp.value().into()),
            Word::Own("local-priority"),
            Word::Number(priority),
        ];
        out.line(0, &words);
    }
    out.line(0, &[Word::Own("qos queue-profile PHQ-Q")]);
    for (queue, priority) in (0..).zip(PRIORITIES) {
        let words = [
            Word::Own("map queue"),
            Word::Number(queue),
            Word::Own("local-priority"),
            Word::Number(priority),
        ];
        out.line(1, &words);
    }
    out.line(0, &[Word::Own("qos schedule-profile PHQ-S")]);
    for (queue, priority) in (0..).zip(PRIORITIES) {
        let strict = plan.queues.list.iter().any(Queue::is_strict);
        if priority == STRICT && strict {
            out.line(1, &[Word::Own("strict queue"), Word::Number(queue)]);
            continue;
        }
        let own = match priority {
            6 | 7 => CONTROL,
            other => u64::from(plan.queues.remaining_of_class(other)).max(1),
        };
        let words = [
            Word::Own("dwrr queue"),
            Word::Number(queue),
            Word::Own("weight"),
            Word::Number(own),
        ];
        out.line(1, &words);
    }
    out.line(
        0,
        &[Word::Own(
            "apply qos queue-profile PHQ-Q schedule-profile PHQ-S",
        )],
    );
    trust(&mut out, plan, "qos trust dscp");
    out.into_bytes()
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(plan: &Plan) -> Vec<u8> {
    let mut out = Config::new();
    trust(&mut out, plan, "no qos trust");
    for line in [
        "apply qos queue-profile factory-default schedule-profile factory-default",
        "no qos schedule-profile PHQ-S",
        "no qos queue-profile PHQ-Q",
    ] {
        out.line(0, &[Word::Own(line)]);
    }
    for (dscp, _) in plan.queues.classes() {
        let words = [
            Word::Own("no qos dscp-map"),
            Word::Number(dscp.value().into()),
        ];
        out.line(0, &words);
    }
    out.into_bytes()
}

fn trust(out: &mut Config, plan: &Plan, line: &'static str) {
    for interface in plan.uplinks.iter().chain(&plan.trusted) {
        out.line(0, &[Word::Own("interface"), Word::Name(interface)]);
        out.line(1, &[Word::Own(line)]);
    }
}

/// Reads a file that [`apply`] wrote. Interfaces of hosts trust marks as uplinks do, so all are read as such.
pub(super) fn read(text: &str) -> Result<Plan, String> {
    let mut plan = Plan {
        queues: Queues::from_comments(&leading_comments(text, "! "))
            .ok_or("the queues are not named")?,
        ..Plan::default()
    };
    for node in &ios::read(text)? {
        if let ["interface", name] = node.words[..] {
            plan.uplinks.push(name.to_owned());
        }
    }
    let again = apply(&plan);
    same(text, &again, plan)
}
