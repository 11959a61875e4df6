//! Names that nftables has for numbers.

use perhop_policy::Dscp;
use serde_json::Value;

/// In the order in which packets meet them.
pub(super) const HOOKS: [&str; 7] = [
    "ingress",
    "prerouting",
    "input",
    "forward",
    "output",
    "postrouting",
    "egress",
];

/// A priority by number, or by its name.
pub(super) fn priority(value: &Value) -> i64 {
    match value.as_str() {
        Some(text) => priority_of(&[text]),
        None => value.as_i64().unwrap_or_default(),
    }
}

/// `mangle`, `-150`, `filter + 10`.
pub(super) fn priority_of(words: &[&str]) -> i64 {
    let named: [(&str, i64); 6] = [
        ("raw", -300),
        ("mangle", -150),
        ("dstnat", -100),
        ("filter", 0),
        ("security", 50),
        ("srcnat", 100),
    ];
    let of = |text: &str| {
        let found = named.into_iter().find(|(name, _)| *name == text);
        found.map_or_else(|| text.parse().unwrap_or_default(), |(_, number)| number)
    };
    match words {
        [] => 0,
        [base, "+", more, ..] => of(base).saturating_add(of(more)),
        [base, "-", less, ..] => of(base).saturating_sub(of(less)),
        [base, ..] => of(base),
    }
}

/// A mark by number, or by its name.
pub(super) fn mark(value: &Value) -> Option<Dscp> {
    match value.as_str() {
        Some("be" | "df" | "cs0") => Some(Dscp::DF),
        Some("lephb") => Dscp::try_new(1),
        Some(name) => Dscp::from_name(name),
        None => Dscp::try_new(u8::try_from(value.as_u64()?).ok()?),
    }
}
