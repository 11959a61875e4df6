//! `windows-psched`: the QoS Packet Scheduler of Windows XP and Server 2003, which marks by service type.
//!
//! It knows neither applications nor ports: whatever asks for the guaranteed service type gets one mark on the whole
//! computer, whatever asks for controlled load another. Communicator and Lync 2010 ask for the first for audio and for
//! the second for video (windows-qos 6). So every rule is wider than planned, or absent.

use perhop_policy::{
    AppMatch, ClassKind, Diagnostic, Dscp, Fit, FlowKey, Loss, LossKind, PolicySet, ProtocolMatch,
    Role, Rule, RuleId, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::read_back::{ReadBack, unreadable};
use crate::syntax::markdown::{Markdown, code, escape};
use crate::syntax::regfile::{self, Data, KeyAction, KeyBlock};
use crate::target::{OptionSpec, Program, Step, Target, order};
use crate::windows_policy::{self, Policy, folder};
use crate::windows_reg;

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct WindowsPsched;

const KEY: &str =
    r"HKEY_LOCAL_MACHINE\Software\Policies\Microsoft\Windows\Psched\DiffservByteMappingConforming";

/// What Communicator and Lync 2010 ask for: the class, the registry value, the name in the policy editor.
const TYPES: [(ClassKind, &str, &str); 2] = [
    (
        ClassKind::Audio,
        "ServiceTypeGuaranteed",
        "Guaranteed service type",
    ),
    (
        ClassKind::Video,
        "ServiceTypeControlledLoad",
        "Controlled load service type",
    ),
];

/// The marks of one kind of host.
struct Marks {
    scope: String,
    folder: String,
    /// In the order of [`TYPES`].
    dscp: [Option<Dscp>; 2],
    rules: Vec<RuleId>,
}

struct PschedProgram {
    hosts: Vec<Marks>,
    fits: Vec<(RuleId, Fit)>,
}

impl Target for WindowsPsched {
    fn id(&self) -> &'static str {
        "windows-psched"
    }

    fn summary(&self) -> &'static str {
        "Marks by service type for clients on Windows XP and Server 2003, which have no Policy-based QoS"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[
            LossKind::WiderApplication,
            LossKind::WiderAddress,
            LossKind::WiderPorts,
            LossKind::WiderProtocol,
            LossKind::AbsentRule,
            LossKind::AbsentThrottle,
        ]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    /// Never: these systems are out of support, so a plan asks for it by name.
    fn is_default_for(&self, _policy: &PolicySet) -> bool {
        false
    }

    fn lower(
        &self,
        policy: &PolicySet,
        _request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let mut hosts: Vec<Marks> = Vec::new();
        let mut fits = Vec::new();
        for (id, rule) in (0u32..).map(RuleId).zip(policy.rules()) {
            let scope = policy.scope(rule.scope);
            if scope.role != Role::Client || !windows_policy::is_ours(scope, rule) {
                fits.push((id, Fit::Elsewhere));
                continue;
            }
            if hosts.iter().all(|marks| marks.scope != scope.name) {
                hosts.push(Marks {
                    scope: scope.name.clone(),
                    folder: folder::of_scope(&scope.name),
                    dscp: [None; 2],
                    rules: Vec::new(),
                });
            }
            let marks = hosts.iter_mut().find(|marks| marks.scope == scope.name);
            let marks = marks.expect("added above");
            let fit = marks.say(policy, rule);
            if matches!(fit, Fit::Wider(_)) {
                marks.rules.push(id);
            }
            fits.push((id, fit));
        }
        hosts.retain(|marks| !marks.rules.is_empty());
        Ok(Box::new(PschedProgram { hosts, fits }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        for artifact in artifacts {
            if artifact.path.ends_with("/apply.reg") {
                read_marks(&artifact.bytes)
                    .map_err(|text| vec![unreadable(&artifact.path, &text)])?;
            }
        }
        Ok(Box::new(ReadBack::<Vec<Policy>> {
            artifacts: artifacts.to_vec(),
            markings: Vec::new(),
        }))
    }
}

impl Program for PschedProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let mut out = Vec::new();
        for marks in &self.hosts {
            let mut file = |name: &str, purpose, bytes| {
                out.push(Artifact {
                    path: format!("windows-psched/{}/{name}", marks.folder),
                    bytes,
                    purpose,
                    rules: marks.rules.clone(),
                });
            };
            let hosts = format!("QoS Packet Scheduler of: {}", marks.scope);
            let apply = |dscp: Dscp| Data::Dword(u32::from(dscp.value()));
            file(
                "apply.reg",
                Purpose::Apply,
                windows_reg::file(&[&hosts], &[marks.block(apply)]),
            );
            file(
                "undo.reg",
                Purpose::Undo,
                windows_reg::file(&[&hosts], &[marks.block(|_| Data::Delete)]),
            );
            file("settings.md", Purpose::Support, marks.settings());
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        self.hosts.iter().map(Marks::step).collect()
    }

    /// Marks go by the service type that an application asks for, which a key does not say.
    fn apply_to(&self, _scope: &str, _key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        None
    }
}

impl Marks {
    /// Takes a rule's mark for its service type.
    fn say(&mut self, policy: &PolicySet, rule: &Rule) -> Fit {
        let class = policy.class(rule.class);
        let absent = |reason: String| {
            Fit::Absent(Loss {
                kind: LossKind::AbsentRule,
                reason,
            })
        };
        let Some(place) = TYPES.iter().position(|(kind, ..)| *kind == class.kind) else {
            return absent(format!(
                "applications ask for a service type for audio and video only, not for `{}`",
                class.name
            ));
        };
        let losses = losses(rule);
        if losses.is_empty() {
            return absent(
                "only what asks for a service type is marked, and this rule is about everything"
                    .to_owned(),
            );
        }
        match self.dscp[place] {
            Some(taken) if taken != rule.dscp => absent(format!(
                "the whole computer has one mark for `{}`, and another rule makes it {taken}",
                class.name
            )),
            _ => {
                self.dscp[place] = Some(rule.dscp);
                Fit::Wider(losses)
            }
        }
    }

    /// The service types that have a mark.
    fn values(&self) -> impl Iterator<Item = (&'static str, &'static str, Dscp)> {
        TYPES
            .iter()
            .zip(self.dscp)
            .filter_map(|((_, value, label), dscp)| Some((*value, *label, dscp?)))
    }

    fn block(&self, data: impl Fn(Dscp) -> Data) -> KeyBlock {
        KeyBlock {
            key: KEY.to_owned(),
            action: KeyAction::Set(
                self.values()
                    .map(|(value, _, dscp)| (value.to_owned(), data(dscp)))
                    .collect(),
            ),
        }
    }

    /// The same as it is typed into the Group Policy editor.
    fn settings(&self) -> Vec<u8> {
        let mut out = Markdown::new();
        out.heading(1, &format!("QoS Packet Scheduler of {}", self.scope));
        out.paragraph(
            "Computer Configuration, Administrative Templates, Network, QoS Packet Scheduler, DSCP value of conforming \
             packets. Leave the values of non-conforming packets as they are.",
        );
        let rows: Vec<Vec<String>> = self
            .values()
            .map(|(value, label, dscp)| {
                vec![
                    escape(label),
                    "Enabled".to_owned(),
                    dscp.value().to_string(),
                    code(value),
                ]
            })
            .collect();
        out.table(
            &[
                "setting",
                "state",
                "DSCP value",
                "registry value (REG_DWORD)",
            ],
            &rows,
        );
        out.into_text().into_bytes()
    }

    fn step(&self) -> Step {
        let folder = format!(r".\windows-psched\{}", self.folder);
        Step {
            order: order::CLIENT_POLICY,
            title: format!("Set the QoS Packet Scheduler of `{}` on Windows XP and Server 2003", self.scope),
            place: format!(
                "every computer of `{}` with Windows XP or Server 2003, as administrator",
                self.scope
            ),
            commands: vec![format!(r"reg.exe import {folder}\apply.reg")],
            check: vec![
                format!("`reg.exe query \"{KEY}\"` shows the values"),
                "a capture of a call shows the marks, after the computer was restarted".to_owned(),
            ],
            undo: vec![format!(
                r"`reg.exe import {folder}\undo.reg` deletes these values and no others; the defaults are then 40 and 24"
            )],
            notes: vec![
                "Install the network service QoS Packet Scheduler on every adapter and keep it ticked.".to_owned(),
                "Every application that asks for these service types is marked, whatever its ports are.".to_owned(),
                "Applications ask only when they are told to: EnableQoS of the media configuration for Lync 2010, \
                 `QoSEnabled` below `HKLM\\Software\\Microsoft\\RTC\\Transport` for Communicator."
                    .to_owned(),
                "Without Microsoft's hotfix KB 973779 the mapping may fall back to its defaults at a restart.".to_owned(),
            ],
        }
    }
}

/// What the packet scheduler cannot keep to.
fn losses(rule: &Rule) -> Vec<Loss> {
    let loss = |kind, what: &str| Loss {
        kind,
        reason: format!("the QoS Packet Scheduler marks by service type, whatever the {what}"),
    };
    let mut out = Vec::new();
    if rule.app != AppMatch::Any {
        out.push(loss(LossKind::WiderApplication, "application"));
    }
    if !rule.src.is_empty() || !rule.dst.is_empty() {
        out.push(loss(LossKind::WiderAddress, "addresses"));
    }
    if rule.src_ports.0.range().is_some() || rule.dst_ports.0.range().is_some() {
        out.push(loss(LossKind::WiderPorts, "ports"));
    }
    if rule.protocol != ProtocolMatch::Both {
        out.push(loss(LossKind::WiderProtocol, "protocol"));
    }
    out
}

fn read_marks(bytes: &[u8]) -> Result<[Option<Dscp>; 2], String> {
    let blocks = regfile::read(bytes).map_err(|error| error.to_string())?;
    let mut out = [None; 2];
    for block in blocks {
        let values = match block.action {
            KeyAction::Set(values) if block.key == KEY => values,
            _ => {
                return Err(format!(
                    "`{}` is not the key of the service types",
                    block.key
                ));
            }
        };
        for (name, data) in values {
            let place = TYPES.iter().position(|(_, value, _)| *value == name);
            let dscp = match data {
                Data::Dword(number) => u8::try_from(number).ok().and_then(Dscp::try_new),
                Data::Text(_) | Data::Delete => None,
            };
            match (place, dscp) {
                (Some(place), Some(dscp)) => out[place] = Some(dscp),
                _ => return Err(format!("`{name}` is not a service type with a DSCP")),
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back() {
        let marks = Marks {
            scope: "clients".into(),
            folder: "clients".into(),
            dscp: [Some(Dscp::EF), None],
            rules: vec![],
        };
        let set = |dscp: Dscp| Data::Dword(u32::from(dscp.value()));
        let bytes = windows_reg::file(&[], &[marks.block(set)]);
        assert_eq!(read_marks(&bytes).unwrap(), marks.dscp);
        let undo = windows_reg::file(&[], &[marks.block(|_| Data::Delete)]);
        assert!(read_marks(&undo).is_err());
        let large = windows_reg::file(&[], &[marks.block(|_| Data::Dword(64))]);
        assert!(read_marks(&large).is_err());
    }
}
