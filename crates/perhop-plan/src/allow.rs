//! Accepted warnings: taken out of the diagnostics, and told when they accept nothing.

use perhop_policy::{Diagnostic, Severity};

use crate::code;
use crate::plan::Allow;
use crate::suggest::did_you_mean;

/// A warning that the plan accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The warning.
    pub diagnostic: Diagnostic,
    /// Why the plan accepts it.
    pub reason: String,
}

/// Splits what was found into what is told and what the plan accepts.
#[must_use]
pub fn apply(allows: &[Allow], found: Vec<Diagnostic>) -> (Vec<Diagnostic>, Vec<Allowed>) {
    let mut told = Vec::new();
    let mut allowed = Vec::new();
    for diagnostic in found {
        let allow = allows
            .iter()
            .find(|allow| allow.code.value == diagnostic.code);
        match allow.filter(|_| diagnostic.severity != Severity::Error) {
            Some(allow) => allowed.push(Allowed {
                diagnostic,
                reason: allow.reason.clone(),
            }),
            None => told.push(diagnostic),
        }
    }
    for (index, allow) in allows.iter().enumerate() {
        let name = &allow.code.value;
        let first = allows[..index]
            .iter()
            .all(|other| other.code.value != *name);
        let matched = first && allowed.iter().any(|one| one.diagnostic.code == name);
        if matched {
            continue;
        }
        told.push(if first && told.iter().any(|one| one.code == name) {
            refused(allow)
        } else {
            unmatched(allow, first)
        });
    }
    (told, allowed)
}

fn refused(allow: &Allow) -> Diagnostic {
    Diagnostic::error(
        code::ALLOWED_ERROR,
        format!(
            "`{}` is an error here, and errors cannot be accepted",
            allow.code.value
        ),
    )
    .primary(allow.code.span, "only warnings can be accepted")
    .help("mend what it names, then leave this out")
}

fn unmatched(allow: &Allow, first: bool) -> Diagnostic {
    let name = allow.code.value.escape_debug();
    let known = code::CODES.iter().map(|info| info.code);
    let problem = if first {
        Diagnostic::warning(
            code::UNMATCHED_ALLOW,
            format!("nothing in the plan raises `{name}`"),
        )
    } else {
        Diagnostic::warning(code::UNMATCHED_ALLOW, format!("`{name}` is accepted twice"))
    };
    let problem = problem.primary(allow.code.span, "accepts nothing");
    match did_you_mean(&allow.code.value, known.clone()) {
        Some(hint) if !known.clone().any(|code| code == allow.code.value) => problem.help(hint),
        _ => problem.help("leave it out"),
    }
}
