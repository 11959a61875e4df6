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
use crate::target::{Program, Step, Target};

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
struct Made {
    chosen: Chosen,
    program: Box<dyn Program>,
}

/// What is kept of a target when its files have been given away.
pub(crate) struct Done {
    /// The target and the plan's request.
    pub(crate) chosen: Chosen,
    /// How well each rule is said.
    pub(crate) fits: Vec<(RuleId, Fit)>,
    /// What people do with its files.
    pub(crate) steps: Vec<Step>,
}

/// Programs of every target that is asked for, with nothing wrong in them.
pub struct Prepared<'a> {
    policy: &'a PolicySet,
    plan_digest: &'a str,
    made: Vec<Made>,
    accepted: Vec<AcceptedLoss>,
    warnings: Vec<Diagnostic>,
}

/// A file that was given away, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// See [`Artifact::path`].
    pub path: String,
    /// See [`Artifact::purpose`].
    pub purpose: Purpose,
    /// How many bytes it has.
    pub size: usize,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// See [`Artifact::rules`].
    pub rules: Vec<RuleId>,
}

/// What came of [`Prepared::write`].
#[derive(Debug, Clone)]
pub struct Written {
    /// Every file, as in [`Compiled::artifacts`].
    pub files: Vec<Listed>,
    /// See [`Compiled::targets`].
    pub targets: Vec<&'static str>,
    /// See [`Compiled::losses`].
    pub losses: Vec<AcceptedLoss>,
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

/// Makes the programs of every target that is asked for, and no file yet, for those who write files one by one: all files of
/// a plan of many sites together are large.
///
/// # Errors
/// As [`compile`].
pub fn prepare<'a>(
    policy: &'a PolicySet,
    options: &CompileOptions<'a>,
) -> Result<Prepared<'a>, Vec<Diagnostic>> {
    prepare_with(TARGETS, policy, options)
}

fn compile_with(
    known: &[&'static dyn Target],
    policy: &PolicySet,
    options: &CompileOptions<'_>,
) -> Result<Compiled, Vec<Diagnostic>> {
    let mut prepared = prepare_with(known, policy, options)?;
    let warnings = std::mem::take(&mut prepared.warnings);
    let mut artifacts = Vec::new();
    let written = prepared.write(|artifact| {
        artifacts.push(artifact);
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(written) = written;
    // The runbook and the manifest are made last and stand first.
    artifacts.rotate_right(2);
    Ok(Compiled {
        artifacts,
        targets: written.targets,
        losses: written.losses,
        warnings,
    })
}

fn prepare_with<'a>(
    known: &[&'static dyn Target],
    policy: &'a PolicySet,
    options: &CompileOptions<'a>,
) -> Result<Prepared<'a>, Vec<Diagnostic>> {
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
    Ok(Prepared {
        policy,
        plan_digest: options.plan_digest,
        made,
        accepted,
        warnings,
    })
}

impl Prepared<'_> {
    /// What is worth knowing though nothing is wrong.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Makes the files target by target and gives each away before the next target's are made; the runbook and the
    /// manifest come last.
    ///
    /// # Errors
    /// Those of `put`; nothing more is made after one.
    pub fn write<E>(self, mut put: impl FnMut(Artifact) -> Result<(), E>) -> Result<Written, E> {
        let mut files = Vec::new();
        let mut done = Vec::new();
        for Made { chosen, program } in self.made {
            for artifact in program.emit() {
                files.push(Listed::of(&artifact));
                put(artifact)?;
            }
            done.push(Done {
                chosen,
                fits: program.fits().to_vec(),
                steps: program.steps(),
            });
        }
        let support = |path: &str, text: String| Artifact {
            path: path.to_owned(),
            bytes: text.into_bytes(),
            purpose: Purpose::Support,
            rules: Vec::new(),
        };
        let text = runbook::text(self.policy, self.plan_digest, &mut done);
        let runbook = support("RUNBOOK.md", text);
        files.insert(0, Listed::of(&runbook));
        put(runbook)?;
        let accepted = &self.accepted;
        let text = manifest::text(self.policy, self.plan_digest, &done, &files, accepted);
        let manifest = support("manifest.json", text);
        files.insert(1, Listed::of(&manifest));
        put(manifest)?;
        Ok(Written {
            files,
            targets: done.iter().map(|one| one.chosen.target.id()).collect(),
            losses: self.accepted,
        })
    }
}

impl Listed {
    fn of(artifact: &Artifact) -> Self {
        Self {
            path: artifact.path.clone(),
            purpose: artifact.purpose,
            size: artifact.bytes.len(),
            sha256: manifest::sha256_hex(&artifact.bytes),
            rules: artifact.rules.clone(),
        }
    }
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
