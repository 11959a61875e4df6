//! What a plan may tell every target for the network: which scopes to mark, at which interfaces, and how queues share.

use perhop_policy::{ClassKind, Diagnostic, OptionValue, PolicySet, ScopeId, Span, TargetRequest};

use crate::codes;
use crate::suggest;
use crate::target::{OptionKind, OptionSpec};

/// The scopes that are marked by port.
pub const MARK: OptionSpec = OptionSpec {
    key: "mark",
    kind: OptionKind::List,
    doc: "the scopes whose packets the network marks by their ports, such as `clients`; without it, what the plan leaves to the network to mark",
};

/// Where the hosts of scopes are attached.
pub const ACCESS: OptionSpec = OptionSpec {
    key: "access",
    kind: OptionKind::List,
    doc: "`SCOPE=INTERFACE` for each interface where hosts of a scope are attached; the runbook shows what to enter there without it",
};

/// Where queues are.
pub const UPLINKS: OptionSpec = OptionSpec {
    key: "uplinks",
    kind: OptionKind::List,
    doc: "the interfaces whose queues go by the plan's marks; the runbook shows what to enter there without it",
};

/// What becomes of packets that no rule is about.
pub const UNPLANNED: OptionSpec = OptionSpec {
    key: "unplanned",
    kind: OptionKind::Text,
    doc: "`keep` leaves packets that no rule is about as they are, `reset` sets them to DF where hosts are attached; `keep` without it",
};

/// How queues share a link.
pub const SHARES: OptionSpec = OptionSpec {
    key: "shares",
    kind: OptionKind::List,
    doc: "`CLASS=PERCENT` of the link for `audio`, `video`, `signaling`, `app-sharing`, `file-transfer` and `other`; audio 15, video 30, app-sharing and other 10, the rest 5 without it",
};

/// What a link carries.
pub const RATE: OptionSpec = OptionSpec {
    key: "rate",
    kind: OptionKind::Integer(64, 400_000_000),
    doc: "what the links of `uplinks` carry, in kbit/s, less a little; without it no queues are written",
};

/// The options of [`MARK`] to [`RATE`], read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Scopes to mark, ascending.
    pub mark: Vec<ScopeId>,
    /// Scope and interface, in the plan's order.
    pub access: Vec<(ScopeId, String)>,
    /// Interfaces.
    pub uplinks: Vec<String>,
    /// Whether unplanned packets are set to DF.
    pub reset: bool,
    /// Shares that the plan gives, in percent.
    pub shares: Vec<(ClassKind, u8)>,
    /// Where the plan gives shares.
    pub shares_at: Span,
    /// What the links of `uplinks` carry, in kbit/s.
    pub rate: Option<u64>,
}

/// Reads a target's request.
///
/// # Errors
/// Scopes that the plan does not have, interfaces with characters that no device's interface has, unknown words.
pub fn read(policy: &PolicySet, request: &TargetRequest) -> Result<Options, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut out = Options::default();
    for (text, span) in list(request, MARK.key) {
        match scope(policy, text) {
            Some(id) => out.mark.push(id),
            None => problems.push(no_scope(policy, text, span)),
        }
    }
    out.mark.sort_unstable();
    out.mark.dedup();
    for (text, span) in list(request, ACCESS.key) {
        let Some((name, interface)) = text.rsplit_once('=') else {
            problems.push(wrong(&ACCESS, text, span, "is not `SCOPE=INTERFACE`"));
            continue;
        };
        match scope(policy, name) {
            None => problems.push(no_scope(policy, name, span)),
            Some(_) if !is_interface(interface) => {
                problems.push(no_interface(&ACCESS, interface, span))
            }
            Some(id) => out.access.push((id, interface.to_owned())),
        }
    }
    for (text, span) in list(request, UPLINKS.key) {
        if is_interface(text) {
            out.uplinks.push(text.to_owned());
        } else {
            problems.push(no_interface(&UPLINKS, text, span));
        }
    }
    if let Some((text, span)) = text(request, UNPLANNED.key) {
        match text {
            "keep" => {}
            "reset" => out.reset = true,
            other => problems.push(wrong(
                &UNPLANNED,
                other,
                span,
                "is neither `keep` nor `reset`",
            )),
        }
    }
    for (text, span) in list(request, SHARES.key) {
        out.shares_at = span;
        match share(text) {
            Some(one) => out.shares.push(one),
            None => problems.push(wrong(&SHARES, text, span, "is not `CLASS=PERCENT`")),
        }
    }
    out.rate = integer(request, RATE.key);
    if problems.is_empty() {
        Ok(out)
    } else {
        Err(problems)
    }
}

/// A number option; its bounds were checked before.
#[must_use]
pub fn integer(request: &TargetRequest, key: &str) -> Option<u64> {
    let given = request.options.iter().find(|(name, ..)| name == key);
    match given {
        Some((_, OptionValue::Integer(value), _)) => u64::try_from(*value).ok(),
        _ => None,
    }
}

/// A text option, with its place.
#[must_use]
pub fn text<'a>(request: &'a TargetRequest, key: &str) -> Option<(&'a str, Span)> {
    request
        .options
        .iter()
        .find_map(|(name, value, span)| match value {
            OptionValue::Text(text) if name == key => Some((text.as_str(), *span)),
            _ => None,
        })
}

/// A Boolean option, or what it is without one.
#[must_use]
pub fn is_set(request: &TargetRequest, key: &str, default: bool) -> bool {
    let given = request.options.iter().find(|(name, ..)| name == key);
    match given {
        Some((_, OptionValue::Boolean(value), _)) => *value,
        _ => default,
    }
}

/// Where an option is given.
#[must_use]
pub fn place(request: &TargetRequest, key: &str) -> Span {
    let given = request.options.iter().find(|(name, ..)| name == key);
    given.map_or_else(Span::default, |(.., span)| *span)
}

/// An option's text that is not one that the option takes.
#[must_use]
pub fn wrong(spec: &OptionSpec, text: &str, span: Span, why: &str) -> Diagnostic {
    Diagnostic::error(
        codes::OPTION_VALUE,
        format!("`{}` of option `{}` {why}", text.escape_debug(), spec.key),
    )
    .primary(span, "this value")
    .help(format!("`{}` takes {}", spec.key, spec.doc))
}

/// The texts of a list option, each with the option's place.
fn list<'a>(request: &'a TargetRequest, key: &'static str) -> Vec<(&'a str, Span)> {
    let mut out = Vec::new();
    for (name, value, span) in &request.options {
        if let (true, OptionValue::List(texts)) = (name == key, value) {
            out.extend(texts.iter().map(|text| (text.as_str(), *span)));
        }
    }
    out
}

fn scope(policy: &PolicySet, name: &str) -> Option<ScopeId> {
    policy.scope_ids().find(|id| policy.scope(*id).name == name)
}

fn no_scope(policy: &PolicySet, name: &str, span: Span) -> Diagnostic {
    let known: Vec<&str> = policy
        .scopes()
        .iter()
        .map(|scope| scope.name.as_str())
        .collect();
    Diagnostic::error(
        codes::OPTION_VALUE,
        format!("the plan has no scope `{}`", name.escape_debug()),
    )
    .primary(span, "not a scope")
    .help(suggest::help(name, &known))
}

/// Names of interfaces on all systems that are compiled to, without quoting: `Gi1/0/1`, `ge-0/0/0.0`, `eth0.10`.
fn is_interface(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/:@-".contains(c);
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(plain)
}

fn no_interface(spec: &OptionSpec, text: &str, span: Span) -> Diagnostic {
    wrong(
        spec,
        text,
        span,
        "is not an interface: letters, digits and `._/:@-`, at most 64",
    )
}

fn share(text: &str) -> Option<(ClassKind, u8)> {
    let (name, percent) = text.split_once('=')?;
    let kind = KINDS.into_iter().find(|kind| kind.as_str() == name)?;
    let percent: u8 = percent.parse().ok()?;
    (1..=100).contains(&percent).then_some((kind, percent))
}

/// Kinds of classes, in the order in which queues are listed: the most urgent first.
pub const KINDS: [ClassKind; 6] = [
    ClassKind::Audio,
    ClassKind::Video,
    ClassKind::Signaling,
    ClassKind::AppSharing,
    ClassKind::FileTransfer,
    ClassKind::Other,
];
