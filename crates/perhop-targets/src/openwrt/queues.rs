//! Queues: SQM with cake on each uplink, whose four tins go by the mark. Its shares are cake's own, not the plan's.

use perhop_policy::Dscp;

use crate::network::model::mark_name;
use crate::network::program::{Plan, leading_comments, same};
use crate::syntax::ios::{self, Config, Word};

/// The tin of a mark in cake's mode `diffserv4` (tc-cake, section on priority queues).
pub(super) fn tin(dscp: Dscp) -> &'static str {
    match dscp.value() {
        1 | 8 => "bulk, 6 % at most before others",
        32 | 40 | 44 | 46 | 48 | 56 => "voice, 25 % before others",
        16 | 18 | 20 | 22 | 24 | 26 | 28 | 30 | 34 | 36 | 38 => "video, 50 % before others",
        _ => "best effort",
    }
}

/// The file that makes them.
pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut comments = vec![
        "Queues by mark on uplinks: SQM with cake, which has four tins and shares of its own."
            .to_owned(),
    ];
    for queue in &plan.queues.list {
        let kind = queue.kind.as_str();
        let one = |dscp: &Dscp| format!("{kind}, {}: tin {}", mark_name(*dscp), tin(*dscp));
        comments.extend(queue.dscps.iter().map(one));
    }
    write(plan, &comments)
}

const SECTION: &str = "sqm.PHQ_";

/// Words of a queue that are the same everywhere. Without `squash_` marks from inside pass; a download of 0 is not shaped.
const ALWAYS: [(&str, &str); 9] = [
    (".enabled=", "1"),
    (".download=", "0"),
    (".qdisc=", "cake"),
    (".script=", "layer_cake.qos"),
    (".qdisc_advanced=", "1"),
    (".squash_dscp=", "0"),
    (".squash_ingress=", "0"),
    (".qdisc_really_really_advanced=", "1"),
    (".eqdisc_opts=", "diffserv4"),
];

fn write(plan: &Plan, comments: &[String]) -> Vec<u8> {
    let mut out = Config::hash();
    for text in comments {
        out.comment(text);
    }
    let rate = plan.rate.unwrap_or_default().to_string();
    for (interface, number) in interfaces(plan).into_iter().zip(1..) {
        let mut set = |key: &'static str, value: &str| {
            let text = Word::Numbered(SECTION, number, key, value);
            out.line(0, &[Word::Own("set"), text]);
        };
        set("=", "queue");
        set(".interface=", interface);
        set(".upload=", &rate);
        ALWAYS.iter().for_each(|(key, value)| set(key, value));
    }
    out.line(0, &[Word::Own("commit sqm")]);
    out.into_bytes()
}

/// The uplinks; a word to be replaced where the plan names none.
fn interfaces(plan: &Plan) -> Vec<&str> {
    if plan.uplinks.is_empty() {
        vec!["INTERFACE"]
    } else {
        plan.uplinks.iter().map(String::as_str).collect()
    }
}

/// The file that takes them away.
pub(super) fn undo(plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    for (_, number) in interfaces(plan).into_iter().zip(1..) {
        let section = Word::Numbered(SECTION, number, "", "");
        out.line(0, &[Word::Own("delete"), section]);
    }
    out.line(0, &[Word::Own("commit sqm")]);
    out.into_bytes()
}

/// Reads a file that [`apply`] wrote; what it says of tins is a comment.
pub(super) fn read(text: &str) -> Result<Plan, String> {
    let mut plan = Plan::default();
    for node in &ios::read(text)? {
        let Some(("sqm", key)) = node.words.last().and_then(|word| word.split_once('.')) else {
            continue;
        };
        if let Some((_, name)) = key.split_once(".interface=") {
            plan.uplinks.push(name.to_owned());
        }
        if let Some((_, rate)) = key.split_once(".upload=") {
            plan.rate = rate.parse().ok();
        }
    }
    let again = write(&plan, &leading_comments(text, "# "));
    same(text, &again, plan)
}
