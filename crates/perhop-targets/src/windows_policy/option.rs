//! A target's options as the plan gives them. Keys and types were checked against the target's [`OptionSpec`]s before.
//!
//! [`OptionSpec`]: crate::target::OptionSpec

use perhop_policy::{OptionValue, Span, TargetRequest};

/// A Boolean option, or what it is without one.
#[must_use]
pub fn boolean(request: &TargetRequest, key: &str, default: bool) -> bool {
    match find(request, key) {
        Some((OptionValue::Boolean(value), _)) => *value,
        _ => default,
    }
}

/// A text option and where the plan gives it.
#[must_use]
pub fn text<'a>(request: &'a TargetRequest, key: &str) -> Option<(&'a str, Span)> {
    match find(request, key) {
        Some((OptionValue::Text(value), span)) => Some((value, span)),
        _ => None,
    }
}

fn find<'a>(request: &'a TargetRequest, key: &str) -> Option<(&'a OptionValue, Span)> {
    request
        .options
        .iter()
        .find(|(name, _, _)| name == key)
        .map(|(_, value, span)| (value, *span))
}
