//! `windows-reg`: Policy-based QoS as `.reg` files, for hosts that no Group Policy reaches.

use perhop_policy::{Diagnostic, Dscp, Fit, FlowKey, LossKind, PolicySet, RuleId, TargetRequest};

use crate::artifact::{Artifact, Purpose};
use crate::syntax::regfile::{self, Data, KeyAction, KeyBlock};
use crate::target::{OptionKind, OptionSpec, Program, Step, Target};
use crate::windows_policy::{
    self, Lowered, NLA_KEY, NLA_VALUE, POLICY_KEY, Section, VALUE_NAMES, check_script, matching,
    option, read_back, steps,
};

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct WindowsReg;

/// Whether a target's output has the NLA switch.
pub const NLA_OPTION: OptionSpec = OptionSpec {
    key: "nla-override",
    kind: OptionKind::Boolean,
    doc: "whether `Do not use NLA` is set, so that policies work outside the domain too; true without it",
};

struct RegProgram {
    lowered: Lowered,
    nla: bool,
}

impl Target for WindowsReg {
    fn id(&self) -> &'static str {
        "windows-reg"
    }

    fn summary(&self) -> &'static str {
        "Policy-based QoS as .reg files, one for each kind of host, for Windows 7, Server 2008 R2 and later"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[NLA_OPTION]
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        windows_policy::has_any(policy)
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        Ok(Box::new(RegProgram {
            lowered: windows_policy::lower(policy)?,
            nla: option::boolean(request, NLA_OPTION.key, true),
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        read_back::sections(
            artifacts,
            |path| {
                path.strip_prefix("windows-reg/")?
                    .strip_suffix("/apply.reg")
            },
            read_policies,
        )
    }
}

impl Program for RegProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.lowered.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let mut out = Vec::new();
        for section in &self.lowered.sections {
            let mut file = |name: &str, purpose, bytes| {
                out.push(Artifact {
                    path: format!("windows-reg/{}/{name}", section.folder),
                    bytes,
                    purpose,
                    rules: section.rules.clone(),
                });
            };
            file("apply.reg", Purpose::Apply, apply(section, self.nla));
            file("undo.reg", Purpose::Undo, undo(section, self.nla));
            file(
                "check.ps1",
                Purpose::Check,
                check_script::write(section, self.nla),
            );
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        self.lowered
            .sections
            .iter()
            .map(|section| step(section, self.nla))
            .collect()
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        let section = self.lowered.section(scope)?;
        Some(matching::mark(&section.policies, key))
    }
}

/// A `.reg` file that deletes the keys of a section's policies, and nothing else.
#[must_use]
pub fn delete_keys(section: &Section) -> Vec<KeyBlock> {
    section
        .policies
        .iter()
        .map(|policy| KeyBlock {
            key: full(&format!(r"{POLICY_KEY}\{}", policy.name)),
            action: KeyAction::Delete,
        })
        .collect()
}

/// The bytes of a file whose names are all the program's own.
#[must_use]
pub fn file(comments: &[&str], blocks: &[KeyBlock]) -> Vec<u8> {
    regfile::write(comments, blocks).expect("safe names have no control characters")
}

fn apply(section: &Section, nla: bool) -> Vec<u8> {
    let mut blocks: Vec<KeyBlock> = section
        .policies
        .iter()
        .map(|policy| KeyBlock {
            key: full(&format!(r"{POLICY_KEY}\{}", policy.name)),
            action: KeyAction::Set(
                VALUE_NAMES
                    .iter()
                    .zip(policy.values())
                    .map(|(name, data)| ((*name).to_owned(), Data::Text(data)))
                    .collect(),
            ),
        })
        .collect();
    if nla {
        blocks.push(nla_block(Data::Text("1".to_owned())));
    }
    let hosts = format!("Policies for the hosts of: {}", section.scope);
    file(&[&hosts, "Taken back by undo.reg."], &blocks)
}

fn undo(section: &Section, nla: bool) -> Vec<u8> {
    let mut blocks = delete_keys(section);
    if nla {
        blocks.push(nla_block(Data::Delete));
    }
    let hosts = format!("Takes back apply.reg on the hosts of: {}", section.scope);
    file(&[&hosts], &blocks)
}

fn nla_block(data: Data) -> KeyBlock {
    KeyBlock {
        key: full(NLA_KEY),
        action: KeyAction::Set(vec![(NLA_VALUE.to_owned(), data)]),
    }
}

fn full(key: &str) -> String {
    format!(r"HKEY_LOCAL_MACHINE\{key}")
}

fn step(section: &Section, nla: bool) -> Step {
    let folder = format!(r".\windows-reg\{}", section.folder);
    let mut check = vec![format!(r"`{folder}\check.ps1` says `ok` for every policy")];
    check.extend(steps::checks());
    let mut undo = vec![format!(
        r"`reg.exe import {folder}\undo.reg`, then `gpupdate /target:computer /force`"
    )];
    if nla {
        undo.push(
            "undo.reg also deletes `Do not use NLA`; leave that line out when the value was there before".to_owned(),
        );
    }
    let mut notes = steps::notes(nla);
    notes.push(
        "These are local values below `Software\\Policies`; Group Policy of the domain may set or clear the same keys."
            .to_owned(),
    );
    let mut commands = vec![format!(r"reg.exe import {folder}\apply.reg")];
    commands.extend(steps::refresh());
    Step {
        order: steps::order_of(section.role),
        title: format!("Set the policies of `{}` in the registry", section.scope),
        place: steps::hosts(&section.scope, section.role),
        commands,
        check,
        undo,
        notes,
    }
}

fn read_policies(bytes: &[u8]) -> Result<Vec<windows_policy::Policy>, String> {
    let blocks = regfile::read(bytes).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for block in blocks {
        let key = block
            .key
            .strip_prefix(r"HKEY_LOCAL_MACHINE\")
            .ok_or_else(|| format!("`{}` is not below HKEY_LOCAL_MACHINE", block.key))?;
        let KeyAction::Set(values) = block.action else {
            return Err(format!("`{key}` is deleted"));
        };
        for (name, data) in values {
            let Data::Text(text) = data else {
                return Err(format!("`{name}` of `{key}` is not REG_SZ"));
            };
            rows.push((key.to_owned(), name, text));
        }
    }
    read_back::policies(&rows)
}
