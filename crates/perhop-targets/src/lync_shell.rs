//! `lync-shell`: every command that a Lync Server or Skype for Business Server deployment needs for its port ranges and
//! for the marks of phones and devices (uc-platforms 2 and 3).
//!
//! The target delivers ports. The only mark that it gives is that of phones; rules of all other hosts are
//! [`Fit::Elsewhere`].

use perhop_policy::{
    Diagnostic, Dscp, Family, Fit, FlowKey, LossKind, PolicySet, Producer, ProducerKind, RuleId,
    TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::cs_shell::model::{self, Entry};
use crate::cs_shell::read;
use crate::cs_shell::script::{self, Flavour, Only};
use crate::target::{OptionSpec, Program, Step, Target};

mod phones;
mod steps;

/// The target.
pub struct LyncShell;

impl Target for LyncShell {
    fn id(&self) -> &'static str {
        ID
    }

    fn summary(&self) -> &'static str {
        "PowerShell for the port ranges of Lync and Skype for Business servers and clients, and the marks of phones and devices"
    }

    fn losses(&self) -> &'static [LossKind] {
        phones::LOSSES
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        policy
            .producers()
            .iter()
            .any(|producer| producer.family == Family::LyncServer)
    }

    fn lower(
        &self,
        policy: &PolicySet,
        _: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let entries = model::entries(Family::LyncServer, policy.producers())?;
        let producers = model::producers(&entries);
        let fits = phones::fits(policy, &producers);
        Ok(Box::new(LyncProgram {
            plan: policy.name().to_owned(),
            entries,
            producers,
            fits,
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let read = read::apply(ID, artifacts)?;
        Ok(Box::new(LyncProgram {
            plan: read.plan,
            producers: model::producers(&read.entries),
            entries: read.entries,
            fits: Vec::new(),
        }))
    }
}

struct LyncProgram {
    plan: String,
    entries: Vec<Entry>,
    producers: Vec<Producer>,
    fits: Vec<(RuleId, Fit)>,
}

impl Program for LyncProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let made: Vec<RuleId> = self
            .fits
            .iter()
            .filter(|(_, fit)| !matches!(fit, Fit::Elsewhere | Fit::Absent(_)))
            .map(|(rule, _)| *rule)
            .collect();
        let (plan, entries) = (&self.plan, &self.entries);
        let mut out = script::files(ID, &FLAVOUR, plan, entries, &made);
        let services = self.services();
        if !services.is_empty() {
            let bytes = script::restart(
                include_str!("lync_shell/about_restart.txt"),
                plan,
                &services,
            );
            out.push(Artifact {
                path: format!("{ID}/restart.ps1"),
                bytes,
                purpose: Purpose::Support,
                rules: Vec::new(),
            });
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        steps::of(&self.entries)
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        phones::mark(&self.producers, scope, key)
    }

    fn producers(&self) -> &[Producer] {
        &self.producers
    }
}

impl LyncProgram {
    /// The Windows services that take up the ranges which the plan sets.
    fn services(&self) -> Vec<(&'static str, &'static str)> {
        SERVICES
            .iter()
            .filter(|(noun, ..)| self.entries.iter().any(|entry| entry.noun == *noun))
            .map(|(_, name, what)| (*name, *what))
            .collect()
    }
}

/// Whether anything is said to services of this kind.
pub(crate) fn tells(entries: &[Entry], kind: &ProducerKind) -> bool {
    entries.iter().any(|entry| entry.kind().kind == *kind)
}

pub(crate) const ID: &str = "lync-shell";

const FLAVOUR: Flavour = Flavour {
    requires: "#Requires -Version 2.0",
    about_apply: include_str!("lync_shell/about_apply.txt"),
    about_undo: include_str!("lync_shell/about_undo.txt"),
    about_check: include_str!("lync_shell/about_check.txt"),
    only: Only::Parts,
    functions: include_str!("cs_shell/lync.ps1"),
};

/// Short names of Windows services by kind of object (uc-platforms 2.2).
const SERVICES: &[(&str, &str, &str)] = &[
    ("CsConferenceServer", "RTCAVMCU", "A/V conferencing"),
    (
        "CsConferenceServer",
        "RTCASMCU",
        "application sharing conferencing",
    ),
    ("CsApplicationServer", "RTCCAA", "conferencing attendant"),
    ("CsApplicationServer", "RTCCAS", "conferencing announcement"),
    ("CsApplicationServer", "RTCRGS", "response group"),
    ("CsApplicationServer", "RTCCPS", "call park"),
    ("CsApplicationServer", "RTCATS", "audio test"),
    ("CsMediationServer", "RTCMEDSRV", "mediation"),
    ("CsEdgeServer", "RTCMEDIARELAY", "A/V edge"),
];

#[cfg(test)]
mod tests;
