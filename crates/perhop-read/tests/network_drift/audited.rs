//! A plan held against a file, and what is asked of the audit.

use perhop_policy::{FileId, PolicySet, Severity};
use perhop_read::audit::{self, Audit, By, State};
use perhop_read::{Finding, Input, Reading, Words};

/// The policy of a plan.
fn policy(plan: &str) -> PolicySet {
    let loaded = perhop_plan::load(FileId(0), plan);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// A plan against one file.
pub(crate) fn audited(plan: &str, file: &str) -> Audit {
    let input = Input {
        name: "running.txt",
        bytes: file.as_bytes(),
    };
    audit::audit(&policy(plan), &Reading::of(&[input], &Words::default()))
}

/// What is graver than information.
pub(crate) fn grave(audit: &Audit) -> Vec<&Finding> {
    let all = audit.findings.iter();
    all.filter(|one| one.severity > Severity::Info).collect()
}

/// The states of the rules that the network puts on.
pub(crate) fn states(audit: &Audit) -> Vec<State> {
    let own = audit.rules.iter().filter(|rule| rule.by == By::Network);
    own.map(|rule| rule.state).collect()
}
