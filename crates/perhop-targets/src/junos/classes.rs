//! Forwarding classes with their marks: classifiers where packets come in, rewrite rules and schedulers where they leave.

use perhop_policy::{ClassKind, Dscp};

use crate::junos::filters::{class_name, interface_and_unit, read_class};
use crate::network::options::KINDS;
use crate::network::program::{Plan, same};
use crate::network::queues::Queue;
use crate::network::unit::Unit;
use crate::syntax::ios::{self, Config, Word};

/// Junos has classes of its own on the queues below 4.
const fn queue_number(kind: ClassKind) -> u64 {
    match kind {
        ClassKind::Audio => 5,
        ClassKind::Video => 4,
        ClassKind::Signaling => 6,
        ClassKind::AppSharing | ClassKind::FileTransfer | ClassKind::Other => 7,
    }
}

const CLASSIFIERS: [&str; 2] = [
    "set class-of-service classifiers dscp PHQ-DSCP",
    "set class-of-service classifiers dscp-ipv6 PHQ-DSCP",
];
const REWRITES: [&str; 2] = [
    "set class-of-service rewrite-rules dscp PHQ-DSCP",
    "set class-of-service rewrite-rules dscp-ipv6 PHQ-DSCP",
];
const CLASS: &str = "set class-of-service forwarding-classes class";
const SCHEDULERS: &str = "set class-of-service schedulers";
const MAP: &str = "set class-of-service scheduler-maps PHQ-MAP forwarding-class";
const IN: [&str; 2] = [
    "classifiers dscp PHQ-DSCP",
    "classifiers dscp-ipv6 PHQ-DSCP",
];
const OUT: [&str; 2] = [
    "rewrite-rules dscp PHQ-DSCP",
    "rewrite-rules dscp-ipv6 PHQ-DSCP",
];
/// What Junos' own control traffic needs.
const CONTROL: u8 = 5;

/// What stands after the interface where packets leave.
pub(super) fn uplink_lines() -> Vec<String> {
    let mut out = vec!["scheduler-map PHQ-MAP".to_owned()];
    out.extend(IN.iter().chain(&OUT).map(|line| format!("unit 0 {line}")));
    out
}

fn scheduler(kind: ClassKind) -> String {
    format!("PHQ-{}", kind.as_str())
}

/// Every mark with its queue, and DF, which rules may give too.
fn marks(plan: &Plan) -> Vec<(Dscp, Option<&Queue>)> {
    let list = plan.queues.list.iter();
    let own = list.flat_map(|queue| queue.dscps.iter().map(move |dscp| (*dscp, Some(queue))));
    own.chain([(Dscp::DF, None)]).collect()
}

pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    out.comment("Forwarding classes, their marks and their queues.");
    for (dscp, queue) in marks(plan) {
        let number = queue.map_or(0, |queue| queue_number(queue.kind));
        let name = class_name(dscp);
        out.line(
            0,
            &[
                Word::Own(CLASS),
                Word::Name(&name),
                Word::Own("queue-num"),
                Word::Number(number),
            ],
        );
    }
    for (classifier, rewrite) in CLASSIFIERS.into_iter().zip(REWRITES) {
        out.line(0, &[Word::Own(classifier), Word::Own("import default")]);
        for (dscp, _) in marks(plan) {
            let (name, bits) = (class_name(dscp), Unit::Bits.write(dscp));
            for (head, word) in [(classifier, "code-points"), (rewrite, "code-point")] {
                out.line(
                    0,
                    &[
                        Word::Own(head),
                        Word::Own("forwarding-class"),
                        Word::Name(&name),
                        Word::Own("loss-priority low"),
                        Word::Own(word),
                        Word::Name(&bits),
                    ],
                );
            }
        }
    }
    schedulers(&mut out, plan);
    attach(&mut out, plan, "set class-of-service interfaces");
    out.into_bytes()
}

fn schedulers(out: &mut Config, plan: &Plan) {
    let mut line = |name: &str, words: &[Word<'_>]| {
        let mut all = vec![Word::Own(SCHEDULERS), Word::Name(name)];
        all.extend_from_slice(words);
        out.line(0, &all);
    };
    let percent = |word, share: u8| [Word::Own(word), Word::Number(share.into())];
    for queue in &plan.queues.list {
        let name = scheduler(queue.kind);
        line(&name, &percent("transmit-rate percent", queue.share));
        if queue.is_strict() {
            line(&name, &percent("shaping-rate percent", queue.share));
            line(&name, &[Word::Own("priority strict-high")]);
        }
    }
    line("PHQ-control", &percent("transmit-rate percent", CONTROL));
    let rest = plan.queues.rest() - CONTROL;
    line("PHQ-rest", &percent("transmit-rate percent", rest));
    let mut mapped = |class: &str, scheduler: &str| {
        let words = [
            Word::Name(class),
            Word::Own("scheduler"),
            Word::Name(scheduler),
        ];
        let mut all = vec![Word::Own(MAP)];
        all.extend(words);
        out.line(0, &all);
    };
    for (dscp, queue) in marks(plan) {
        let name = queue.map_or_else(|| "PHQ-rest".to_owned(), |queue| scheduler(queue.kind));
        mapped(&class_name(dscp), &name);
    }
    mapped("best-effort", "PHQ-rest");
    mapped("network-control", "PHQ-control");
}

fn attach(out: &mut Config, plan: &Plan, verb: &'static str) {
    for (interfaces, leaves) in [(&plan.uplinks, true), (&plan.trusted, false)] {
        for interface in interfaces {
            let (name, unit) = interface_and_unit(interface);
            if leaves {
                let map = Word::Own("scheduler-map PHQ-MAP");
                out.line(0, &[Word::Own(verb), Word::Name(name), map]);
            }
            for line in IN.into_iter().chain(OUT.into_iter().filter(|_| leaves)) {
                let unit = [Word::Own("unit"), Word::Number(unit), Word::Own(line)];
                let mut all = vec![Word::Own(verb), Word::Name(name)];
                all.extend(unit);
                out.line(0, &all);
            }
        }
    }
}

pub(super) fn undo(plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    attach(&mut out, plan, "delete class-of-service interfaces");
    out.line(
        0,
        &[Word::Own("delete class-of-service scheduler-maps PHQ-MAP")],
    );
    let mut gone = |words, name: &str| {
        out.line(0, &[Word::Own(words), Word::Name(name)]);
    };
    for queue in &plan.queues.list {
        gone("delete class-of-service schedulers", &scheduler(queue.kind));
    }
    for name in ["PHQ-control", "PHQ-rest"] {
        gone("delete class-of-service schedulers", name);
    }
    for kind in ["dscp", "dscp-ipv6"] {
        let heads = if kind == "dscp" {
            [
                "delete class-of-service classifiers dscp",
                "delete class-of-service rewrite-rules dscp",
            ]
        } else {
            [
                "delete class-of-service classifiers dscp-ipv6",
                "delete class-of-service rewrite-rules dscp-ipv6",
            ]
        };
        for head in heads {
            gone(head, "PHQ-DSCP");
        }
    }
    for (dscp, _) in marks(plan) {
        gone(
            "delete class-of-service forwarding-classes class",
            &class_name(dscp),
        );
    }
    out.into_bytes()
}

pub(super) fn read(text: &str) -> Result<Plan, String> {
    let mut plan = Plan::default();
    for node in &ios::read(text)? {
        let wrong = || format!("line {} is not one that is written here", node.line);
        let ["set", "class-of-service", rest @ ..] = &node.words[..] else {
            return Err(wrong());
        };
        line(&mut plan, rest).ok_or_else(wrong)?;
    }
    // The queues were read in the order of schedulers, their marks after.
    let again = apply(&plan);
    same(text, &again, plan)
}

fn line(plan: &mut Plan, words: &[&str]) -> Option<()> {
    match words {
        ["schedulers", "PHQ-control" | "PHQ-rest", ..] => {}
        ["schedulers", name, "transmit-rate", "percent", share] => {
            let kind = KINDS.into_iter().find(|kind| scheduler(*kind) == *name)?;
            // As much as a strict queue may have, and a quarter for the rest, is not exceeded by what is written here.
            let share: u8 = share.parse().ok().filter(|share| *share <= 75)?;
            let used: u8 = plan.queues.list.iter().map(|queue| queue.share).sum();
            (used + share <= 75).then_some(())?;
            plan.queues.list.push(Queue {
                kind,
                dscps: Vec::new(),
                share,
            });
        }
        [
            "scheduler-maps",
            _,
            "forwarding-class",
            class,
            "scheduler",
            name,
        ] => {
            let found = plan.queues.list.iter_mut();
            if let Some(queue) = found
                .into_iter()
                .find(|queue| scheduler(queue.kind) == *name)
            {
                queue.dscps.push(read_class(class)?);
            }
        }
        ["interfaces", name, "scheduler-map", _] => plan.uplinks.push((*name).to_owned()),
        ["interfaces", name, "unit", unit, ..] => {
            let own = format!("{name}.{unit}");
            let known = |one: &String| one == name || *one == own;
            match plan.uplinks.iter_mut().find(|one| known(one)) {
                Some(uplink) => *uplink = own,
                None if plan.trusted.iter().any(known) => {}
                None => plan.trusted.push(own),
            }
        }
        [
            "forwarding-classes" | "classifiers" | "rewrite-rules" | "schedulers",
            ..,
        ] => {}
        _ => return None,
    }
    Some(())
}
