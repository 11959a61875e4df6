//! `RUNBOOK.md`: what people do with the files, in the order that works.
//!
//! Targets that make the same rules are ways to one end. Their steps stand together under one number, to be chosen from.

use std::collections::BTreeSet;

use perhop_policy::{Fit, PolicySet, RuleId};

use crate::compile::Done;
use crate::syntax::markdown::{Markdown, code, escape, rich};
use crate::target::{Step, order};

mod reasons;

/// The runbook of everything that was made; the steps are taken.
pub(crate) fn text(policy: &PolicySet, plan_digest: &str, made: &mut [Done]) -> String {
    let items = items(made);
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
    if items.is_empty() {
        out.paragraph("There is nothing to do: no target has a step.");
        return out.into_text();
    }
    out.paragraph(
        "Do the steps from the top. Each says where it is done, how to see that it worked and how to take it back. \
         Where a step has ways a, b and so on, use one of them on a host. Commands are run in the folder that holds \
         this file.",
    );
    overview(&mut out, &items);
    reasons::write(&mut out, items.iter().map(|item| item.steps[0].1.order));
    for item in &items {
        write_item(&mut out, item);
    }
    take_back(&mut out, &items);
    out.into_text()
}

/// What has one number: steps of one position, of one target or of targets that are ways to one end.
struct Item<'a> {
    number: usize,
    /// Hundred of the position.
    position: u16,
    /// The first of the targets that make the same rules.
    family: usize,
    /// Target and step, a target's steps together.
    steps: Vec<(&'a str, Step)>,
}

impl Item<'_> {
    fn targets(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for (target, _) in &self.steps {
            if !out.contains(target) {
                out.push(target);
            }
        }
        out
    }

    /// `7`, or `7a` for the first of several ways.
    fn label(&self, target: &str) -> String {
        let targets = self.targets();
        let way = targets.iter().position(|one| *one == target);
        match way {
            Some(index) if targets.len() > 1 => format!("{}{}", self.number, letters(index)),
            _ => self.number.to_string(),
        }
    }
}

fn items(made: &mut [Done]) -> Vec<Item<'_>> {
    let families = families(made);
    let mut steps: Vec<(usize, Step)> = made
        .iter_mut()
        .enumerate()
        .flat_map(|(index, one)| {
            let own = std::mem::take(&mut one.steps).into_iter();
            own.map(move |step| (index, step))
        })
        .collect();
    steps.sort_by_key(|(_, step)| step.order);
    let mut out: Vec<Item<'_>> = Vec::new();
    for (index, step) in steps {
        let (position, family) = (step.order / 100, families[index]);
        let is_way = families.iter().filter(|one| **one == family).count() > 1;
        let id = made[index].chosen.target.id();
        let same = out
            .iter_mut()
            .find(|item| is_way && (item.position, item.family) == (position, family));
        match same {
            Some(item) => item.steps.push((id, step)),
            None => out.push(Item {
                number: out.len() + 1,
                position,
                family,
                steps: vec![(id, step)],
            }),
        }
    }
    for item in &mut out {
        let first = |id: &str| made.iter().position(|one| one.chosen.target.id() == id);
        item.steps.sort_by_key(|(id, _)| first(id));
    }
    out
}

/// For each target the first one that makes a rule which it makes too, over any number of others.
fn families(made: &[Done]) -> Vec<usize> {
    let rules: Vec<BTreeSet<RuleId>> = made
        .iter()
        .map(|one| {
            let own = one.fits.iter();
            own.filter(|(_, fit)| !matches!(fit, Fit::Elsewhere | Fit::Absent(_)))
                .map(|(rule, _)| *rule)
                .collect()
        })
        .collect();
    let mut out: Vec<usize> = (0..made.len()).collect();
    for index in 0..made.len() {
        for before in 0..index {
            if !rules[index].is_disjoint(&rules[before]) {
                let (one, other) = (out[index], out[before]);
                let first = one.min(other);
                for family in &mut out {
                    if *family == one || *family == other {
                        *family = first;
                    }
                }
            }
        }
    }
    out
}

fn overview(out: &mut Markdown, items: &[Item<'_>]) {
    let rows: Vec<Vec<String>> = items
        .iter()
        .flat_map(|item| {
            item.steps.iter().map(|(target, step)| {
                vec![
                    item.label(target),
                    rich(&step.title),
                    rich(&step.place),
                    code(&format!("{target}/")),
                ]
            })
        })
        .collect();
    out.table(&["step", "what", "where", "files"], &rows);
}

fn write_item(out: &mut Markdown, item: &Item<'_>) {
    let targets = item.targets();
    let ways = targets.len() > 1;
    let level = if ways {
        out.heading(
            2,
            &format!("{}. {}: one way on each host", item.number, what(item)),
        );
        out.paragraph(
            "These ways make the same policies. Two on one host get in each other's way.",
        );
        3
    } else {
        2
    };
    for (target, step) in &item.steps {
        let title = step.title.replace('`', "");
        let label = item.label(target);
        if ways {
            out.heading(level, &format!("{label}. {title} ({target})"));
        } else {
            out.heading(level, &format!("{label}. {title}"));
        }
        write_step(out, step);
    }
}

fn what(item: &Item<'_>) -> &'static str {
    match item.position * 100 {
        order::SERVER_POLICY => "Policies of servers",
        order::EDGE_POLICY => "Policies of edge servers",
        order::CLIENT_POLICY => "Policies of clients",
        order::NETWORK => "Marks and queues of the network",
        _ => "The same settings",
    }
}

fn write_step(out: &mut Markdown, step: &Step) {
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

fn take_back(out: &mut Markdown, items: &[Item<'_>]) {
    let mut numbers: Vec<String> = items
        .iter()
        .filter(|item| item.steps.iter().any(|(_, step)| !step.undo.is_empty()))
        .map(|item| item.number.to_string())
        .collect();
    numbers.reverse();
    if numbers.is_empty() {
        return;
    }
    out.heading(2, "To take everything back");
    out.paragraph(&format!(
        "Go backwards: take back step {}, each in the way it was done.",
        numbers.join(", then ")
    ));
}

/// `a` to `z`, then `aa`.
fn letters(index: usize) -> String {
    let last = char::from(b'a' + u8::try_from(index % 26).unwrap_or(0));
    if index < 26 {
        last.to_string()
    } else {
        format!("{}{last}", letters(index / 26 - 1))
    }
}
