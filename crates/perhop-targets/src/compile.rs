//! From a policy to all files of all targets, or to diagnostics and no file.

use std::collections::BTreeSet;

use perhop_policy::{Diagnostic, Fit, Marker, PolicySet, RuleId};

use crate::artifact::{Artifact, Purpose};
use crate::choose::{self, Chosen};
use crate::codes;
use crate::losses::{self, AcceptedLoss};
use crate::manifest;
use crate::registry::TARGETS;
use crate::runbook;
use crate::target::{Program, Target};

/// What the caller asks beyond the plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompileOptions<'a> {
    /// Only these targets, by id, whatever the plan lists; empty for the plan's own choice.
    pub only: &'a [String],
    /// SHA-256 of the plan's text in lower-case hexadecimal, for the manifest; empty when there is no text.
    pub plan_digest: &'a str,
}

/// Everything that came out.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The files: `RUNBOOK.md`, `manifest.json`, then each target's. Paths are unique, also without regard to case.
    pub artifacts: Vec<Artifact>,
    /// The ids of the targets that were made, in order.
    pub targets: Vec<&'static str>,
    /// Losses that the plan accepts.
    pub losses: Vec<AcceptedLoss>,
    /// What is worth knowing though nothing is wrong.
    pub warnings: Vec<Diagnostic>,
}

/// One target's program with what it was made from.
pub(crate) struct Made {
    /// The target and the plan's request.
    pub(crate) chosen: Chosen,
    /// The program.
    pub(crate) program: Box<dyn Program>,
}

/// Compiles a policy to the files of every target that is asked for. Same policy and options, same bytes.
///
/// # Errors
/// Unknown targets, options and losses, and every loss that the plan does not accept; warnings follow the errors.
/// Nothing is made when one target fails.
pub fn compile(
    policy: &PolicySet,
    options: &CompileOptions<'_>,
) -> Result<Compiled, Vec<Diagnostic>> {
    compile_with(TARGETS, policy, options)
}

fn compile_with(
    known: &[&'static dyn Target],
    policy: &PolicySet,
    options: &CompileOptions<'_>,
) -> Result<Compiled, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut accepted = Vec::new();
    let mut made = Vec::new();
    for chosen in choose::choose(known, policy, options.only, &mut problems, &mut warnings) {
        if !choose::check_request(&chosen, &mut problems) {
            continue;
        }
        match chosen.target.lower(policy, &chosen.request) {
            Err(found) => problems.extend(found),
            Ok(program) => {
                losses::judge(
                    policy,
                    &chosen,
                    &*program,
                    &mut accepted,
                    &mut problems,
                    &mut warnings,
                );
                made.push(Made { chosen, program });
            }
        }
    }
    if !problems.is_empty() {
        problems.extend(warnings);
        return Err(problems);
    }
    if options.only.is_empty() {
        warnings.extend(not_made(policy, &made));
    }
    Ok(Compiled {
        artifacts: files(policy, options, &made, &accepted),
        targets: made.iter().map(|one| one.chosen.target.id()).collect(),
        losses: accepted,
        warnings,
    })
}

fn files(
    policy: &PolicySet,
    options: &CompileOptions<'_>,
    made: &[Made],
    accepted: &[AcceptedLoss],
) -> Vec<Artifact> {
    let support = |path: &str, text: String| Artifact {
        path: path.to_owned(),
        bytes: text.into_bytes(),
        purpose: Purpose::Support,
        rules: Vec::new(),
    };
    let mut out = vec![support(
        "RUNBOOK.md",
        runbook::text(policy, options.plan_digest, made),
    )];
    let own: Vec<Artifact> = made.iter().flat_map(|one| one.program.emit()).collect();
    out.extend(own);
    let manifest = manifest::text(policy, options.plan_digest, made, &out, accepted);
    out.insert(1, support("manifest.json", manifest));
    out
}

/// Rules that the hosts' policy should make, on hosts that no target configures.
fn not_made(policy: &PolicySet, made: &[Made]) -> Vec<Diagnostic> {
    let configured: BTreeSet<RuleId> = made
        .iter()
        .flat_map(|one| one.program.fits())
        .filter(|(_, fit)| *fit != Fit::Elsewhere)
        .map(|(rule, _)| *rule)
        .collect();
    let mut out = Vec::new();
    for scope in policy.scope_ids() {
        let left: Vec<RuleId> = (0u32..)
            .zip(policy.rules())
            .filter(|(_, rule)| rule.scope == scope && rule.marker == Marker::HostPolicy)
            .map(|(index, _)| RuleId(index))
            .filter(|id| !configured.contains(id))
            .collect();
        let Some(first) = left.first() else { continue };
        let name = &policy.scope(scope).name;
        let count = match left.len() {
            1 => format!("rule `{}`", policy.rule(*first).name),
            n => format!("{n} rules of `{name}`"),
        };
        out.push(
            Diagnostic::warning(codes::NOT_MADE, format!("no target makes {count}"))
                .primary(policy.rule(*first).origin, "this traffic stays unmarked")
                .note(format!("none of the targets that are made configures `{name}`"))
                .help("name a target for these hosts in `targets`, or mark this traffic in the network"),
        );
    }
    out
}

#[cfg(test)]
mod tests;
