//! Which targets are made, with checked options.

use perhop_policy::{Diagnostic, LossKind, OptionValue, PolicySet, Span, TargetRequest};

use crate::codes;
use crate::suggest;
use crate::target::{OptionKind, OptionSpec, Target};

/// A target to be made, and what the plan asks of it.
pub(crate) struct Chosen {
    /// The target.
    pub(crate) target: &'static dyn Target,
    /// The plan's request; a default one when the plan does not name the target.
    pub(crate) request: TargetRequest,
    /// Whether the plan names the target.
    pub(crate) named: bool,
}

/// The targets to be made, in the order of `known`: those of `only`; else those that the plan lists; else those that
/// fit the policy. Problems go into `problems`, warnings into `warnings`.
pub(crate) fn choose(
    known: &[&'static dyn Target],
    policy: &PolicySet,
    only: &[String],
    problems: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) -> Vec<Chosen> {
    let ids: Vec<&str> = known.iter().map(|target| target.id()).collect();
    for request in policy.targets() {
        if !ids.contains(&request.id.as_str()) {
            problems.push(unknown(&request.id, Some(request.origin), &ids));
        }
    }
    for id in only {
        if !ids.contains(&id.as_str()) {
            problems.push(unknown(id, None, &ids));
        }
    }
    let lists = policy.targets().iter().any(|request| request.listed);
    let mut chosen = Vec::new();
    for &target in known {
        let requests = || policy.targets().iter().filter(|r| r.id == target.id());
        let wanted = if !only.is_empty() {
            only.iter().any(|id| id == target.id())
        } else if lists {
            requests().any(|request| request.listed)
        } else {
            target.is_default_for(policy)
        };
        if wanted {
            chosen.push(Chosen {
                target,
                request: merged(target.id(), requests()),
                named: requests().next().is_some(),
            });
        } else if only.is_empty() {
            warnings.extend(requests().map(|request| unused(request, lists)));
        }
    }
    chosen
}

/// Whether the request's options and accepted losses are ones of the target; problems are added.
pub(crate) fn check_request(chosen: &Chosen, problems: &mut Vec<Diagnostic>) -> bool {
    let before = problems.len();
    let target = chosen.target;
    for (key, value, span) in &chosen.request.options {
        match target.options().iter().find(|spec| spec.key == key) {
            None => problems.push(unknown_option(target, key, *span)),
            Some(spec) => problems.extend(check_value(target.id(), spec, value, *span)),
        }
    }
    let losses = LossKind::ALL.map(LossKind::as_str);
    for (name, span) in &chosen.request.accept {
        if !losses.contains(&name.as_str()) {
            problems.push(
                Diagnostic::error(
                    codes::UNKNOWN_LOSS,
                    format!("`{name}` is not the name of a loss"),
                )
                .primary(*span, "")
                .help(suggest::help(name, &losses)),
            );
        }
    }
    problems.len() == before
}

/// One request from all that name the target.
fn merged<'a>(id: &str, requests: impl Iterator<Item = &'a TargetRequest>) -> TargetRequest {
    let mut out: Option<TargetRequest> = None;
    for request in requests {
        match &mut out {
            None => out = Some(request.clone()),
            Some(one) => {
                one.listed |= request.listed;
                one.accept.extend(request.accept.iter().cloned());
                one.options.extend(request.options.iter().cloned());
            }
        }
    }
    out.unwrap_or_else(|| TargetRequest {
        id: id.to_owned(),
        ..TargetRequest::default()
    })
}

fn check_value(
    target: &str,
    spec: &OptionSpec,
    value: &OptionValue,
    span: Span,
) -> Option<Diagnostic> {
    let key = spec.key;
    match (spec.kind, value) {
        (OptionKind::Text, OptionValue::Text(_))
        | (OptionKind::Boolean, OptionValue::Boolean(_))
        | (OptionKind::List, OptionValue::List(_)) => None,
        (OptionKind::Integer(low, high), OptionValue::Integer(number)) => {
            (!(low..=high).contains(number)).then(|| {
                Diagnostic::error(
                    codes::OPTION_RANGE,
                    format!("`{key}` of `{target}` is {number}, outside {low} to {high}"),
                )
                .primary(span, format!("{low} to {high}"))
                .note(spec.doc)
            })
        }
        (kind, other) => Some(
            Diagnostic::error(
                codes::OPTION_TYPE,
                format!(
                    "`{key}` of `{target}` takes {}, not {}",
                    kind_name(kind),
                    value_name(other)
                ),
            )
            .primary(span, format!("{} expected", kind_name(kind)))
            .note(spec.doc),
        ),
    }
}

const fn kind_name(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::Text => "text",
        OptionKind::Integer(..) => "a whole number",
        OptionKind::Boolean => "`true` or `false`",
        OptionKind::List => "a list of texts",
    }
}

const fn value_name(value: &OptionValue) -> &'static str {
    match value {
        OptionValue::Text(_) => "text",
        OptionValue::Integer(_) => "a whole number",
        OptionValue::Boolean(_) => "`true` or `false`",
        OptionValue::List(_) => "a list of texts",
    }
}

fn unknown(id: &str, span: Option<Span>, ids: &[&str]) -> Diagnostic {
    let out = Diagnostic::error(codes::UNKNOWN, format!("there is no target `{id}`"))
        .help(suggest::help(id, ids));
    match span {
        Some(span) => out.primary(span, "not a target"),
        None => out,
    }
}

fn unknown_option(target: &dyn Target, key: &str, span: Span) -> Diagnostic {
    let keys: Vec<&str> = target.options().iter().map(|spec| spec.key).collect();
    let out = Diagnostic::error(
        codes::UNKNOWN_OPTION,
        format!("`{}` has no option `{key}`", target.id()),
    )
    .primary(span, "not an option");
    if keys.is_empty() {
        out.note(format!("`{}` has no options", target.id()))
            .help("remove it")
    } else {
        out.help(suggest::help(key, &keys))
    }
}

fn unused(request: &TargetRequest, lists: bool) -> Diagnostic {
    let id = &request.id;
    let out = Diagnostic::warning(
        codes::UNUSED_SETTINGS,
        format!("`{id}` has settings and is not made"),
    )
    .primary(request.origin, "settings for a target that is not made");
    if lists {
        out.help(format!("add `{id}` to `targets`, or remove its settings"))
    } else {
        out.note(
            "without a list of targets those that fit the plan are made, and this one does not",
        )
        .help(format!("name it in `targets`, or remove [target.{id}]"))
    }
}
