//! The stages in order: text, tree, plan, policy set.

use perhop_policy::{Diagnostic, FileId, PolicySet, Severity};

use crate::{language, resolve, shape, source, to_policy};

/// What a text gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The policy set; `None` when there is an error among the diagnostics.
    pub policy: Option<PolicySet>,
    /// Everything found, errors first, each group in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads, checks and compiles a plan's text. Always returns, whatever the text is.
#[must_use]
pub fn load(file: FileId, text: &str) -> Loaded {
    let (tree, mut diagnostics) = source::parse(file, text);
    diagnostics.extend(shape::check(&tree, language::PLAN));
    if has_errors(&diagnostics) {
        return finish(None, diagnostics);
    }
    let plan = resolve::resolve(&tree);
    if has_errors(&diagnostics) {
        return finish(None, diagnostics);
    }
    match PolicySet::try_new(to_policy::parts(&plan)) {
        Ok(policy) => finish(Some(policy), diagnostics),
        Err(problems) => {
            diagnostics.extend(problems);
            finish(None, diagnostics)
        }
    }
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error)
}

fn finish(policy: Option<PolicySet>, mut diagnostics: Vec<Diagnostic>) -> Loaded {
    let start = |one: &Diagnostic| {
        one.labels
            .first()
            .map_or(usize::MAX, |label| label.span.start)
    };
    diagnostics.sort_by(|a, b| (b.severity, start(a), a.code).cmp(&(a.severity, start(b), b.code)));
    Loaded {
        policy,
        diagnostics,
    }
}
