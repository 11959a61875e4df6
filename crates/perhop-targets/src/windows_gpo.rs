//! `windows-gpo`: Policy-based QoS as Group Policy: one object for each kind of host, as a backup that `Import-GPO` takes,
//! and as Registry.pol for local Group Policy.
//!
//! An Edge Server is not joined to the domain, so its policies are only brought there as local policy; its backup is
//! written too, for edges that are joined. Times in the files are one constant, and every GUID is derived from the plan's
//! name and the scope, so that the same plan gives the same bytes.

mod backup;
mod guid;
mod local;
mod script;

use perhop_policy::{
    Diagnostic, Dscp, Fit, FlowKey, LossKind, PolicySet, Role, RuleId, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::codes;
use crate::target::{OptionKind, OptionSpec, Program, Step, Target};
use crate::windows_lgpo;
use crate::windows_policy::{
    self, Lowered, Section, check_script, matching, name, option, read_back, steps,
};
use crate::windows_reg::NLA_OPTION;

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct WindowsGpo;

const DOMAIN: OptionSpec = OptionSpec {
    key: "domain",
    kind: OptionKind::Text,
    doc: "the DNS name of the domain that the backups say they are from; import takes them into any domain, and `perhop.invalid` stands there without it",
};

const EQOS_EXTENSION: OptionSpec = OptionSpec {
    key: "eqos-extension",
    kind: OptionKind::Boolean,
    doc: "whether the object also names the client-side extension of Policy-based QoS, whose effect is not verified; false without it",
};

struct GpoProgram {
    lowered: Lowered,
    objects: Vec<Object>,
    settings: Settings,
}

/// What is the same for all objects.
#[derive(Debug, Clone)]
struct Settings {
    domain: String,
    nla: bool,
    eqos_extension: bool,
}

/// A Group Policy object: one section's, or with no policies the one that takes it back.
#[derive(Debug, Clone)]
struct Object {
    /// Its display name.
    name: String,
    /// Its own GUID.
    id: String,
    /// The backup's GUID.
    backup: String,
    /// The GUID of the backup that takes it back.
    undo_backup: String,
    /// The GUID of the preference item.
    preference: String,
}

impl Target for WindowsGpo {
    fn id(&self) -> &'static str {
        "windows-gpo"
    }

    fn summary(&self) -> &'static str {
        "Policy-based QoS as Group Policy: a backup for Import-GPO and a Registry.pol for each kind of host"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[DOMAIN, NLA_OPTION, EQOS_EXTENSION]
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        windows_policy::has_any(policy)
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let lowered = windows_policy::lower(policy)?;
        let settings = Settings {
            domain: domain(request)?,
            nla: option::boolean(request, NLA_OPTION.key, true),
            eqos_extension: option::boolean(request, EQOS_EXTENSION.key, false),
        };
        let mut names = name::Names::default();
        let objects = lowered
            .sections
            .iter()
            .map(|section| {
                let guid = |what: &str| guid::derive(&[policy.name(), &section.scope, what]);
                let base = name::safe(&format!("{} QoS {}", lowered.plan, section.scope));
                Object {
                    name: names.unique(&base),
                    id: guid("object"),
                    backup: guid("backup"),
                    undo_backup: guid("undo"),
                    preference: guid("preference"),
                }
            })
            .collect();
        Ok(Box::new(GpoProgram {
            lowered,
            objects,
            settings,
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let program = read_back::sections(artifacts, local::folder_of, read_back::registry_pol)?;
        backup::agree(artifacts)?;
        Ok(program)
    }
}

impl Program for GpoProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.lowered.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let mut out = vec![
            self.script("import.ps1", Purpose::Apply, script::import(self)),
            self.script("undo.ps1", Purpose::Undo, script::undo(self)),
        ];
        for undo in [false, true] {
            out.push(backup::manifest(self, undo));
            for (section, object) in self.pairs() {
                out.extend(backup::files(section, object, &self.settings, undo));
            }
        }
        for section in &self.lowered.sections {
            let mut file = |name: &str, purpose, bytes| {
                out.push(Artifact {
                    path: format!("windows-gpo/local/{}/{name}", section.folder),
                    bytes,
                    purpose,
                    rules: section.rules.clone(),
                });
            };
            let nla = self.settings.nla;
            file("Registry.pol", Purpose::Apply, local::apply(section, nla));
            file(
                "undo/Registry.pol",
                Purpose::Undo,
                local::undo(section, nla),
            );
            file(
                "undo/undo-keys.reg",
                Purpose::Undo,
                windows_lgpo::undo_keys(section),
            );
            file(
                "check.ps1",
                Purpose::Check,
                check_script::write(section, nla),
            );
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        self.pairs()
            .map(|(section, object)| {
                if section.role == Role::Edge {
                    local::step(section, self.settings.nla)
                } else {
                    self.step(section, object)
                }
            })
            .collect()
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        let section = self.lowered.section(scope)?;
        Some(matching::mark(&section.policies, key))
    }
}

impl GpoProgram {
    fn pairs(&self) -> impl Iterator<Item = (&Section, &Object)> {
        self.lowered.sections.iter().zip(&self.objects)
    }

    fn rules(&self) -> Vec<RuleId> {
        let mut rules: Vec<RuleId> = self
            .lowered
            .sections
            .iter()
            .flat_map(|section| &section.rules)
            .copied()
            .collect();
        rules.sort_unstable();
        rules
    }

    fn script(&self, name: &str, purpose: Purpose, bytes: Vec<u8>) -> Artifact {
        Artifact {
            path: format!("windows-gpo/{name}"),
            bytes,
            purpose,
            rules: self.rules(),
        }
    }

    fn step(&self, section: &Section, object: &Object) -> Step {
        let scope = script::scope_argument(section);
        let mut check = vec![
            "hosts take the object at their next refresh, or at once with `gpupdate /target:computer /force` there"
                .to_owned(),
            "`gpresult.exe /r /scope computer` on a host, as administrator, lists the object among those applied".to_owned(),
            format!(r"`.\windows-gpo\local\{}\check.ps1` on a host says `ok` for every policy", section.folder),
        ];
        check.extend(steps::checks());
        let mut notes = steps::notes(self.settings.nla);
        notes.push(format!(
            "The object is `{}`. Import sets neither links nor who may apply it: link it to the organizational units of \
             these hosts and of no others, `New-GPLink -Name '{}' -Target 'OU=...,DC=...'`.",
            object.name, object.name
        ));
        notes.push("An object of that name that is there already is backed up to the folder `before` first.".to_owned());
        Step {
            order: steps::order_of(section.role),
            title: format!("Import the Group Policy object of `{}`", section.scope),
            place: "a computer of the domain with the Group Policy module (RSAT), as an administrator of Group Policy".to_owned(),
            commands: vec![
                format!(r".\windows-gpo\import.ps1 -Scope {scope} -WhatIf"),
                format!(r".\windows-gpo\import.ps1 -Scope {scope}"),
            ],
            check,
            undo: vec![
                format!(r"`.\windows-gpo\undo.ps1 -Scope {scope}` empties the object; hosts let the policies go at their next refresh"),
                format!(r"when all hosts have, `.\windows-gpo\undo.ps1 -Scope {scope} -Remove` deletes the object and its links"),
            ],
            notes,
        }
    }
}

fn domain(request: &TargetRequest) -> Result<String, Vec<Diagnostic>> {
    let Some((text, span)) = option::text(request, DOMAIN.key) else {
        return Ok("perhop.invalid".to_owned());
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(text.to_owned());
    }
    Err(vec![
        Diagnostic::error(
            codes::WINDOWS_POLICY,
            format!("`{}` is not the DNS name of a domain", text.escape_debug()),
        )
        .primary(span, "this name")
        .help("write it as in `contoso.com`"),
    ])
}
