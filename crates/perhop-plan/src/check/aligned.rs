//! Ranges that cost more than they need where devices of the network mark by port: hints, never more.

use perhop_policy::{Diagnostic, Marker, OptionValue, PortRange, Span};

use super::{client_objects, stated};
use crate::code;
use crate::plan::Plan;

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    if marks_by_port(plan) {
        let clients = client_objects(plan);
        for (object, range) in stated(&clients) {
            let what = format!("`{}` of {}", range.medium.as_str(), object.called);
            out.extend(hint(&what, range.ports, range.span));
        }
    }
    for app in plan.apps.iter().filter(|app| app.marker == Marker::Network) {
        for media in &app.media {
            let what = format!("`{}` of `{}`", media.class.value, app.name.value);
            out.extend(hint(&what, media.ports.value, media.ports.span));
        }
    }
}

/// Whether a target is to mark for hosts.
fn marks_by_port(plan: &Plan) -> bool {
    let options = plan.targets.iter().flat_map(|target| &target.options);
    options.into_iter().any(|(key, value, _)| {
        key == "mark" && matches!(value, OptionValue::List(scopes) if !scopes.is_empty())
    })
}

fn hint(what: &str, ports: PortRange, span: Span) -> Option<Diagnostic> {
    let entries = ports.mask_entries();
    let other = ports.aligned().filter(|_| entries > 1)?;
    let out = Diagnostic::info(
        code::UNALIGNED,
        format!("{what}, {ports}, takes {entries} entries where devices compare by value and mask"),
    )
    .primary(span, format!("{entries} entries"))
    .note("entries multiply: by protocols, address families, and prefixes at both ends")
    .help(format!(
        "a range that begins at a multiple of its size, a power of two, takes 1, such as {other}"
    ));
    Some(out)
}
