//! The table of what each target can and cannot say, for the documentation.

use perhop_policy::LossKind;

use crate::network::unit::Unit;
use crate::products::PRODUCTS;
use crate::registry::TARGETS;
use crate::software::{Takes, text};
use crate::syntax::markdown::{Markdown, code, rich};
use crate::target::{OptionKind, OptionSpec};

/// Markdown for `docs/TARGETS.md`: every target, its losses and its options.
#[must_use]
pub fn support_table() -> String {
    let mut out = Markdown::new();
    out.heading(1, "Targets");
    out.marked_up(
        "Every target of `perhop compile`. Written by the program's own table; a test holds this page to it.",
    );
    let rows: Vec<Vec<String>> = TARGETS
        .iter()
        .map(|target| {
            let unit = target.unit().map_or("–", Unit::as_str);
            vec![code(target.id()), rich(target.summary()), rich(unit)]
        })
        .collect();
    out.table(&["target", "what comes out", "a mark as"], &rows);
    losses(&mut out);
    options(&mut out);
    settings(&mut out);
    out.into_text()
}

fn losses(out: &mut Markdown) {
    out.heading(2, "What a target cannot say");
    out.marked_up(
        "A dash means that the target never has this loss. `can` means that some rules cannot be said otherwise there; \
         that is an error until the plan accepts the loss by name, `accept = [\"…\"]` under `[target.NAME]`.",
    );
    let mut head = vec!["target"];
    head.extend(LossKind::ALL.map(LossKind::as_str));
    let rows: Vec<Vec<String>> = TARGETS
        .iter()
        .map(|target| {
            let mut row = vec![code(target.id())];
            row.extend(LossKind::ALL.map(|kind| {
                let can = target.losses().contains(&kind);
                if can { "can" } else { "–" }.to_owned()
            }));
            row
        })
        .collect();
    out.table(&head, &rows);
}

fn options(out: &mut Markdown) {
    out.heading(2, "Options");
    let rows: Vec<Vec<String>> = TARGETS
        .iter()
        .flat_map(|target| target.options().iter().map(move |spec| (target.id(), spec)))
        .map(|(id, spec)| vec![code(id), code(spec.key), kind(spec), rich(spec.doc)])
        .collect();
    if rows.is_empty() {
        out.paragraph("No target has options.");
    } else {
        out.table(&["target", "option", "type", "meaning"], &rows);
    }
}

fn settings(out: &mut Markdown) {
    out.heading(2, "Settings of software and phones");
    out.marked_up(
        "What each of these targets writes, and only where the plan says something of it. The last column is what the undo puts in place where nothing was \
         saved; a dash: the setting is removed.",
    );
    let rows: Vec<Vec<String>> = PRODUCTS
        .iter()
        .flat_map(|product| {
            product.settings().map(move |(file, setting)| {
                vec![
                    code(product.id),
                    code(file.name),
                    code(&text::place(setting)),
                    rich(&takes(setting.takes)),
                    setting.default.map_or_else(|| "–".to_owned(), code),
                ]
            })
        })
        .collect();
    out.table(&["target", "file", "setting", "value", "default"], &rows);
    let rows: Vec<Vec<String>> = PRODUCTS
        .iter()
        .map(|product| {
            let names: Vec<String> = product.executables.iter().map(|name| code(name)).collect();
            let known = if product.phones {
                "every phone of the plan, unless `apps` names some".to_owned()
            } else {
                names.join(", ")
            };
            vec![code(product.id), rich(&known), rich(product.source)]
        })
        .collect();
    out.marked_up(
        "An application of the plan is known by its `executable`, with or without `.exe`, or is named by the target's option `apps`.",
    );
    out.table(&["target", "known by", "facts from"], &rows);
}

fn takes(takes: Takes) -> String {
    match takes {
        Takes::Fixed(text) => format!("always `{text}`"),
        Takes::First(part) => format!("first port of {}", part.as_str()),
        Takes::Last(part) => format!("last port of {}", part.as_str()),
        Takes::Range(part) => format!("ports of {}, `first-last`", part.as_str()),
        Takes::Port(part) => format!("the one port of {}", part.as_str()),
        Takes::Mark(part, unit) => format!("mark of {} ({})", part.as_str(), unit.as_str()),
        Takes::Priority(part) => format!("layer-2 priority of {}", part.as_str()),
        Takes::TaggedCos(part) => format!("VLAN and layer-2 priority of {}", part.as_str()),
        Takes::TaggedDscp(part) => format!(
            "VLAN and mark of {} ({})",
            part.as_str(),
            Unit::Number.as_str()
        ),
        Takes::Advertised(part) => format!(
            "VLAN, layer-2 priority and mark of {} ({})",
            part.as_str(),
            Unit::Number.as_str()
        ),
    }
}

fn kind(spec: &OptionSpec) -> String {
    match spec.kind {
        OptionKind::Text => "text".to_owned(),
        OptionKind::Integer(low, high) => format!("whole number, {low} to {high}"),
        OptionKind::Boolean => "true or false".to_owned(),
        OptionKind::List => "list of texts".to_owned(),
    }
}
