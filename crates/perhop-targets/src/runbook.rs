//! `RUNBOOK.md`: what people do with the files, in the order that works.

use perhop_policy::PolicySet;

use crate::compile::Made;
use crate::syntax::markdown::{Markdown, code, escape, rich};
use crate::target::{Step, order};

/// The runbook of everything that was made.
pub(crate) fn text(policy: &PolicySet, plan_digest: &str, made: &[Made]) -> String {
    let mut steps: Vec<(&'static str, Step)> = made
        .iter()
        .flat_map(|one| {
            let id = one.chosen.target.id();
            one.program.steps().into_iter().map(move |step| (id, step))
        })
        .collect();
    steps.sort_by_key(|(_, step)| step.order);
    let mut out = Markdown::new();
    out.heading(1, &format!("Runbook: {}", policy.name()));
    let digest = if plan_digest.is_empty() {
        String::new()
    } else {
        format!(" (SHA-256 {})", code(plan_digest))
    };
    out.marked_up(&format!(
        "Made from the plan {}{digest}. `manifest.json` lists every file, its digest and the rules in it.",
        code(policy.name())
    ));
    if steps.is_empty() {
        out.paragraph("There is nothing to do: no target has a step.");
        return out.into_text();
    }
    out.paragraph(
        "Do the steps from the top. Each says where it is done, how to see that it worked and how to take it back. \
         Commands are run in the folder that holds this file.",
    );
    out.table(&["step", "what", "where", "files"], &overview(&steps));
    why(&mut out, &steps);
    for (number, (_, step)) in (1..).zip(&steps) {
        write_step(&mut out, number, step);
    }
    take_back(&mut out, &steps);
    out.into_text()
}

fn overview(steps: &[(&'static str, Step)]) -> Vec<Vec<String>> {
    (1..)
        .zip(steps)
        .map(|(number, (target, step)): (u32, _)| {
            vec![
                number.to_string(),
                rich(&step.title),
                rich(&step.place),
                code(&format!("{target}/")),
            ]
        })
        .collect()
}

fn why(out: &mut Markdown, steps: &[(&'static str, Step)]) {
    out.heading(2, "Why in this order");
    let has = |position: u16| {
        let next = position + 100;
        steps
            .iter()
            .any(|(_, step)| (position..next).contains(&step.order))
    };
    let reasons: Vec<&str> = REASONS
        .iter()
        .filter(|(position, _)| has(*position))
        .map(|(_, reason)| *reason)
        .collect();
    out.list(&reasons);
}

fn write_step(out: &mut Markdown, number: u32, step: &Step) {
    out.heading(2, &format!("{number}. {}", step.title.replace('`', "")));
    out.marked_up(&format!("**Where:** {}", rich(&step.place)));
    if !step.commands.is_empty() {
        out.code_block("", &step.commands);
    }
    for (head, items) in [
        ("How to see that it worked", &step.check),
        ("How to take it back", &step.undo),
        ("To know", &step.notes),
    ] {
        if !items.is_empty() {
            out.marked_up(&format!("**{}:**", escape(head)));
            out.list(items);
        }
    }
}

fn take_back(out: &mut Markdown, steps: &[(&'static str, Step)]) {
    let numbers: Vec<String> = (1..)
        .zip(steps)
        .filter(|(_, (_, step))| !step.undo.is_empty())
        .map(|(number, _): (u32, _)| number.to_string())
        .collect();
    if numbers.is_empty() {
        return;
    }
    let backwards: Vec<String> = numbers.into_iter().rev().collect();
    out.heading(2, "To take everything back");
    out.paragraph(&format!(
        "Go backwards: take back step {}.",
        backwards.join(", then ")
    ));
}

/// Why the steps of a position come there (uc-platforms section 2, order that works).
const REASONS: [(u16, &str); 9] = [
    (
        order::SAVE,
        "What is there now is saved first, because it is what every undo returns to.",
    ),
    (
        order::SERVER_RANGES,
        "Servers get their port ranges before clients do: they are the larger part of most calls, and what a client \
         sends to them needs no change of theirs.",
    ),
    (
        order::RESTART,
        "A service takes up new ports when it starts, so services are restarted before anything relies on them; this \
         drops calls and wants a quiet hour.",
    ),
    (
        order::CLIENT_RANGES,
        "Clients get their port ranges at sign-in, so the change spreads as people sign out and in.",
    ),
    (
        order::SERVER_POLICY,
        "Marking policies come after the ranges: a policy for ports that nobody uses yet does nothing, and one for \
         ports that something else uses marks the wrong traffic.",
    ),
    (
        order::EDGE_POLICY,
        "An edge server marks towards the inside, by destination port, so it needs the ranges of servers and clients \
         in place.",
    ),
    (
        order::CLIENT_POLICY,
        "Clients are many and come last among computers: what is wrong in the plan shows on the few servers first.",
    ),
    (
        order::DEVICES,
        "Phones and other devices mark by themselves once told, so they are told when the rest agrees with them.",
    ),
    (
        order::PROOF,
        "Only packets prove it: captured where they are sent, on the way, and where they arrive.",
    ),
];
