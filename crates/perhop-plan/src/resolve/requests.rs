//! What the plan asks of targets.

use std::collections::{BTreeMap, BTreeSet};

use perhop_policy::{OptionValue, Span, TargetRequest};

use crate::ast::{At, Node, Value};
use crate::view::View;

/// Where the plan lists targets. An empty list chooses nothing, so it is none.
pub(super) fn list(root: View<'_>) -> Option<Span> {
    let node = root.node("targets")?;
    node.as_list()
        .filter(|names| !names.is_empty())
        .map(|_| node.span)
}

/// One request for each name listed, with its options; then those that only have options.
pub(super) fn targets(root: View<'_>) -> Vec<TargetRequest> {
    let mut tables: BTreeMap<String, (At<String>, View<'_>)> = root
        .named("target")
        .into_iter()
        .map(|(name, view)| (name.value.clone(), (name, view)))
        .collect();
    if list(root).is_none() {
        return tables
            .into_values()
            .map(|(name, view)| request(name, Some(view)))
            .collect();
    }
    let mut out: Vec<TargetRequest> = Vec::new();
    let mut seen = BTreeSet::new();
    for id in root.texts("targets") {
        if seen.insert(id.value.clone()) {
            let table = tables.remove(&id.value).map(|(_, view)| view);
            let mut one = request(id, table);
            one.listed = true;
            out.push(one);
        }
    }
    out
}

/// Targets that have options and are not in the list, when there is one.
pub(super) fn unlisted(root: View<'_>) -> Vec<(String, Span)> {
    if list(root).is_none() {
        return Vec::new();
    }
    let listed: BTreeSet<String> = root
        .texts("targets")
        .into_iter()
        .map(|one| one.value)
        .collect();
    root.named("target")
        .into_iter()
        .map(|(name, _)| (name.value, name.span))
        .filter(|(name, _)| !listed.contains(name))
        .collect()
}

/// Names that the list has again.
pub(super) fn repeated(listed: Vec<At<String>>) -> Vec<At<String>> {
    let mut seen = BTreeSet::new();
    listed
        .into_iter()
        .filter(|one| !seen.insert(one.value.clone()))
        .collect()
}

fn request(id: At<String>, view: Option<View<'_>>) -> TargetRequest {
    let mut request = TargetRequest {
        id: id.value,
        origin: id.span,
        ..TargetRequest::default()
    };
    let Some(view) = view else { return request };
    request.accept = view
        .texts("accept")
        .into_iter()
        .map(|text| (text.value, text.span))
        .collect();
    for entry in view
        .entries()
        .iter()
        .filter(|entry| entry.key.value != "accept")
    {
        if let Some(value) = option(&entry.node) {
            request
                .options
                .push((entry.key.value.clone(), value, entry.node.span));
        }
    }
    request.options.sort_by(|a, b| a.0.cmp(&b.0));
    request
}

fn option(node: &Node) -> Option<OptionValue> {
    Some(match &node.value {
        Value::Text(text) => OptionValue::Text(text.clone()),
        Value::Integer(number) => OptionValue::Integer(*number),
        Value::Boolean(value) => OptionValue::Boolean(*value),
        Value::List(items) => OptionValue::List(
            items
                .iter()
                .filter_map(|item| item.as_text())
                .map(str::to_owned)
                .collect(),
        ),
        _ => return None,
    })
}
