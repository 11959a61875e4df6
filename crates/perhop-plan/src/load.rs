//! The stages in order: text, tree, plan, policy set.

use perhop_policy::{Diagnostic, FileId, PolicySet, Severity};

use crate::allow::{self, Allowed};
use crate::{check, code, expect, language, resolve, shape, source, to_policy};

/// What a text gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The policy set; `None` when there is an error among the diagnostics.
    pub policy: Option<PolicySet>,
    /// Everything found, errors first, each group in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// What was found and the plan accepts, with its reasons.
    pub allowed: Vec<Allowed>,
    /// How many expectations hold; all of them when there is a policy.
    pub expectations: usize,
}

/// Reads, checks and compiles a plan's text. Always returns, whatever the text is.
#[must_use]
pub fn load(file: FileId, text: &str) -> Loaded {
    let mut loaded = Loaded {
        policy: None,
        diagnostics: Vec::new(),
        allowed: Vec::new(),
        expectations: 0,
    };
    let (tree, mut found) = source::parse(file, text);
    let torn = has_errors(&found);
    let shape = shape::check(file, &tree, language::PLAN);
    // What is missing from a tree that is not whole may stand in the part that was not understood.
    found.extend(
        shape
            .into_iter()
            .filter(|one| !torn || one.code != code::MISSING_KEY),
    );
    if !has_errors(&found) {
        let (plan, problems) = resolve::resolve(file, &tree);
        found.extend(problems);
        found.extend(check::limits(&plan));
        if !has_errors(&found) {
            found.extend(check::check(&plan));
            if !has_errors(&found) {
                loaded.policy = compile(&plan, &mut found, &mut loaded.expectations);
            }
            (found, loaded.allowed) = allow::apply(&plan.allows, found);
            if has_errors(&found) {
                loaded.policy = None;
            }
        }
    }
    loaded.diagnostics = in_order(found);
    loaded
}

fn compile(
    plan: &crate::plan::Plan,
    found: &mut Vec<Diagnostic>,
    held: &mut usize,
) -> Option<PolicySet> {
    match PolicySet::try_new(to_policy::parts(plan)) {
        Ok(policy) => {
            let failed = expect::check(plan, &policy);
            *held = plan.expects.len() - failed.len();
            found.extend(failed);
            if policy.rules().is_empty() {
                found.push(check::no_rules(plan));
            }
            Some(policy)
        }
        Err(problems) => {
            found.extend(problems);
            None
        }
    }
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error)
}

/// Worst first, then in the order of the text; past a number that nobody reads, only how many more there are.
fn in_order(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let start = |one: &Diagnostic| one.labels.first().map_or(0, |label| label.span.start);
    found.sort_by_key(|one| (std::cmp::Reverse(one.severity), start(one)));
    if found.len() > MAX_TOLD {
        let more = found.len() - MAX_TOLD;
        let worst = found[MAX_TOLD].severity;
        found.truncate(MAX_TOLD);
        found.push(
            Diagnostic::new(
                worst,
                code::MORE,
                format!("{more} more problems are not told"),
            )
            .help("mend those above first"),
        );
    }
    found
}

/// Most diagnostics of one load.
const MAX_TOLD: usize = 300;
