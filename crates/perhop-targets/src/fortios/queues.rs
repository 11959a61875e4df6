//! Queues: a traffic class for each kind, a shaping profile with their shares, and shaping policies that sort sessions by
//! the mark that they come with.

use perhop_policy::ClassKind;

use crate::fortios::policies::{REST, UPLINK, class_id};
use crate::network::program::{Plan, leading_comments, same};
use crate::network::queues::Queues;
use crate::network::unit::Unit;
use crate::syntax::ios::{self, Config, Word};

/// The numbers of these shaping policies follow those of marks.
const FIRST: u64 = 706_810_000;

/// Priorities there: top, critical, high, medium, low.
const fn priority(kind: ClassKind) -> &'static str {
    match kind {
        ClassKind::Audio => "set priority top",
        ClassKind::Video => "set priority high",
        ClassKind::Signaling => "set priority critical",
        ClassKind::AppSharing | ClassKind::Other => "set priority medium",
        ClassKind::FileTransfer => "set priority low",
    }
}

/// Each class: its number, its name, its priority and its share.
fn classes(queues: &Queues) -> Vec<(u64, String, &'static str, u8)> {
    let one = |queue: &crate::network::queues::Queue| {
        let name = format!("PHQ-{}", queue.kind.as_str());
        (
            class_id(queue.kind),
            name,
            priority(queue.kind),
            queue.share,
        )
    };
    let mut out: Vec<_> = queues.list.iter().map(one).collect();
    out.push((
        REST,
        "PHQ-rest".to_owned(),
        "set priority low",
        queues.rest(),
    ));
    out
}

/// The file that makes them.
pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    out.comment("Queues by mark, where packets leave.");
    for text in plan.queues.comments() {
        out.comment(&text);
    }
    let classes = classes(&plan.queues);
    out.line(0, &[Word::Own("config firewall traffic-class")]);
    for (id, name, ..) in &classes {
        out.line(1, &[Word::Own("edit"), Word::Number(*id)]);
        out.line(2, &[Word::Own("set class-name"), Word::Name(name)]);
        out.line(1, &[Word::Own("next")]);
    }
    out.line(0, &[Word::Own("end")]);
    profile(&mut out, &classes);
    policies(&mut out, plan);
    out.line(0, &[Word::Own("config system interface")]);
    for interface in uplinks(plan) {
        out.line(1, &[Word::Own("edit"), Word::Name(interface)]);
        out.line(2, &[Word::Own("set egress-shaping-profile PHQ-OUT")]);
        let rate = plan.rate.unwrap_or_default();
        out.line(2, &[Word::Own("set outbandwidth"), Word::Number(rate)]);
        out.line(1, &[Word::Own("next")]);
    }
    out.line(0, &[Word::Own("end")]);
    out.into_bytes()
}

fn profile(out: &mut Config, classes: &[(u64, String, &'static str, u8)]) {
    out.line(0, &[Word::Own("config firewall shaping-profile")]);
    out.line(1, &[Word::Own("edit PHQ-OUT")]);
    out.line(2, &[Word::Own("set default-class-id"), Word::Number(REST)]);
    out.line(2, &[Word::Own("config shaping-entries")]);
    for ((id, _, priority, share), number) in classes.iter().zip(1..) {
        out.line(3, &[Word::Own("edit"), Word::Number(number)]);
        out.line(4, &[Word::Own("set class-id"), Word::Number(*id)]);
        out.line(4, &[Word::Own(priority)]);
        let share = Word::Number((*share).into());
        out.line(
            4,
            &[Word::Own("set guaranteed-bandwidth-percentage"), share],
        );
        out.line(4, &[Word::Own("set maximum-bandwidth-percentage 100")]);
        out.line(3, &[Word::Own("next")]);
    }
    out.line(2, &[Word::Own("end")]);
    out.line(1, &[Word::Own("next")]);
    out.line(0, &[Word::Own("end")]);
}

/// A policy for each mark and family; the mask leaves ECN out.
fn policies(out: &mut Config, plan: &Plan) {
    out.line(0, &[Word::Own("config firewall shaping-policy")]);
    let mut number = FIRST;
    for queue in &plan.queues.list {
        for dscp in &queue.dscps {
            for v6 in [false, true] {
                number += 1;
                out.line(1, &[Word::Own("edit"), Word::Number(number)]);
                out.line(2, &[Word::Own("set comment PHQ-OUT")]);
                let [version, source, destination] = if v6 {
                    ["set ip-version 6", "set srcaddr6 all", "set dstaddr6 all"]
                } else {
                    ["set ip-version 4", "set srcaddr all", "set dstaddr all"]
                };
                out.line(2, &[Word::Own(version)]);
                let mut towards = vec![Word::Own("set dstintf")];
                towards.extend(uplinks(plan).into_iter().map(Word::Name));
                out.line(2, &towards);
                for line in [source, destination, "set service ALL"] {
                    out.line(2, &[Word::Own(line)]);
                }
                let tos = Unit::HexOctet.write(*dscp);
                out.line(2, &[Word::Own("set tos-mask 0xfc")]);
                out.line(2, &[Word::Own("set tos"), Word::Name(&tos)]);
                let class = Word::Number(class_id(queue.kind));
                out.line(2, &[Word::Own("set class-id"), class]);
                out.line(1, &[Word::Own("next")]);
            }
        }
    }
    out.line(0, &[Word::Own("end")]);
}

fn uplinks(plan: &Plan) -> Vec<&str> {
    if plan.uplinks.is_empty() {
        vec![UPLINK]
    } else {
        plan.uplinks.iter().map(String::as_str).collect()
    }
}

/// The file that takes them away, what uses something before what it uses.
pub(super) fn undo(plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    out.line(0, &[Word::Own("config system interface")]);
    for interface in uplinks(plan) {
        out.line(1, &[Word::Own("edit"), Word::Name(interface)]);
        out.line(2, &[Word::Own("unset egress-shaping-profile")]);
        out.line(2, &[Word::Own("unset outbandwidth")]);
        out.line(1, &[Word::Own("next")]);
    }
    out.line(0, &[Word::Own("end")]);
    out.line(0, &[Word::Own("config firewall shaping-policy")]);
    let marks = plan
        .queues
        .list
        .iter()
        .map(|queue| queue.dscps.len() as u64);
    for number in 1..=2 * marks.sum::<u64>() {
        out.line(1, &[Word::Own("delete"), Word::Number(FIRST + number)]);
    }
    out.line(0, &[Word::Own("end")]);
    for line in ["config firewall shaping-profile", " delete PHQ-OUT", "end"] {
        out.line(0, &[Word::Own(line)]);
    }
    out.comment("The device keeps a class that a shaping policy names: take the marks off before.");
    for (id, name, ..) in classes(&plan.queues) {
        out.comment(&format!("{id} is {name}"));
    }
    out.line(0, &[Word::Own("config firewall traffic-class")]);
    for (id, ..) in classes(&plan.queues) {
        out.line(1, &[Word::Own("delete"), Word::Number(id)]);
    }
    out.line(0, &[Word::Own("end")]);
    out.into_bytes()
}

/// Reads a file that [`apply`] wrote.
pub(super) fn read(text: &str) -> Result<Plan, String> {
    let mut plan = Plan {
        queues: Queues::from_comments(&leading_comments(text, "# "))
            .ok_or("the queues are not named")?,
        ..Plan::default()
    };
    let nodes = ios::read(text)?;
    let interfaces = nodes
        .iter()
        .filter(|node| node.words == ["config", "system", "interface"]);
    for node in interfaces.flat_map(|node| &node.below) {
        if let ["edit", name] = node.words[..] {
            if name != UPLINK {
                plan.uplinks.push(name.to_owned());
            }
            let rate = node.below.last().and_then(|line| line.words.last());
            plan.rate = rate.and_then(|text| text.parse().ok());
        }
    }
    let again = apply(&plan);
    same(text, &again, plan)
}
