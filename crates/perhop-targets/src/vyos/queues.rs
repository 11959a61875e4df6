//! Queues: a shaper by DSCP. Its classes match marks by name only, because some versions take a number for an octet.

use perhop_policy::{ClassKind, Dscp};

use crate::network::model::common_name;
use crate::network::program::{Plan, leading_comments, same};
use crate::network::queues::Queues;
use crate::syntax::ios::{self, Config, Word};

const SHAPER: &str = "set qos policy shaper PHQ-OUT";

/// The number of a kind's class.
const fn number(kind: ClassKind) -> u64 {
    match kind {
        ClassKind::Audio => 10,
        ClassKind::Video => 20,
        ClassKind::Signaling => 30,
        ClassKind::AppSharing => 40,
        ClassKind::FileTransfer => 50,
        ClassKind::Other => 60,
    }
}

/// The file that makes them.
pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    out.comment("Queues by mark, where packets leave.");
    for text in plan.queues.comments() {
        out.comment(&text);
    }
    for dscp in nameless(&plan.queues) {
        let value = dscp.value();
        out.comment(&format!(
            "Mark {value} has no name there, so it is with the rest."
        ));
    }
    let rate = format!("{}kbit", plan.rate.unwrap_or_default());
    let set = [Word::Own(SHAPER), Word::Own("bandwidth"), Word::Name(&rate)];
    out.line(0, &set);
    for queue in &plan.queues.list {
        let mut line = |words: &[Word<'_>]| {
            let class = [
                Word::Own(SHAPER),
                Word::Own("class"),
                Word::Number(number(queue.kind)),
            ];
            out.line(0, &[&class, words].concat());
        };
        for name in queue.dscps.iter().filter_map(|dscp| common_name(*dscp)) {
            for (family, match_name) in [("ip dscp", "V4"), ("ipv6 dscp", "V6")] {
                let match_name = format!("{match_name}-{name}");
                line(&[
                    Word::Own("match"),
                    Word::Name(&match_name),
                    Word::Own(family),
                    Word::Name(name),
                ]);
            }
        }
        shares(
            &mut line,
            queue.share,
            if queue.is_strict() { 0 } else { 1 },
        );
    }
    let mut line = |words: &[Word<'_>]| {
        let rest = [Word::Own(SHAPER), Word::Own("default")];
        out.line(0, &[&rest, words].concat());
    };
    shares(&mut line, plan.queues.rest(), 2);
    for interface in &plan.uplinks {
        let words = [
            Word::Own("set qos interface"),
            Word::Name(interface),
            Word::Own("egress PHQ-OUT"),
        ];
        out.line(0, &words);
    }
    out.into_bytes()
}

/// What a class is sure of; it may have what others leave.
fn shares(line: &mut impl FnMut(&[Word<'_>]), share: u8, priority: u64) {
    line(&[Word::Own("bandwidth"), Word::Percent(share)]);
    line(&[Word::Own("ceiling"), Word::Percent(100)]);
    line(&[Word::Own("priority"), Word::Number(priority)]);
    line(&[Word::Own("queue-type fq-codel")]);
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    for interface in &plan.uplinks {
        let words = [
            Word::Own("delete qos interface"),
            Word::Name(interface),
            Word::Own("egress PHQ-OUT"),
        ];
        out.line(0, &words);
    }
    out.line(0, &[Word::Own("delete qos policy shaper PHQ-OUT")]);
    out.into_bytes()
}

/// Marks that no class can match.
pub(super) fn nameless(queues: &Queues) -> Vec<Dscp> {
    let all = queues.list.iter().flat_map(|queue| queue.dscps.clone());
    all.filter(|dscp| common_name(*dscp).is_none()).collect()
}

/// Reads a file that [`apply`] wrote.
pub(super) fn read(text: &str) -> Result<Plan, String> {
    let mut plan = Plan {
        queues: Queues::from_comments(&leading_comments(text, "# "))
            .ok_or("the queues are not named")?,
        ..Plan::default()
    };
    for node in &ios::read(text)? {
        match node.words[..] {
            ["set", "qos", "policy", "shaper", _, "bandwidth", rate] => {
                let number = rate.strip_suffix("kbit");
                plan.rate = number.and_then(|number| number.parse().ok());
            }
            ["set", "qos", "interface", name, ..] => plan.uplinks.push(name.to_owned()),
            _ => {}
        }
    }
    let again = apply(&plan);
    same(text, &again, plan)
}
