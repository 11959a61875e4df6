//! `windows-lgpo`: Policy-based QoS as text for Microsoft's LGPO.exe, for local Group Policy.

use perhop_policy::{Diagnostic, Dscp, Fit, FlowKey, LossKind, PolicySet, RuleId, TargetRequest};

use crate::artifact::{Artifact, Purpose};
use crate::codes;
use crate::syntax::lgpo_text::{self, Action, Setting};
use crate::target::{OptionSpec, Program, Step, Target};
use crate::windows_policy::{
    self, Lowered, NLA_KEY, NLA_VALUE, POLICY_KEY, Section, VALUE_NAMES, check_script, matching,
    option, read_back, steps,
};
use crate::windows_reg::{self, NLA_OPTION};

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct WindowsLgpo;

struct LgpoProgram {
    lowered: Lowered,
    nla: bool,
    /// For each section: what applies it and what takes it back.
    files: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Target for WindowsLgpo {
    fn id(&self) -> &'static str {
        "windows-lgpo"
    }

    fn summary(&self) -> &'static str {
        "Policy-based QoS as text for LGPO.exe, which sets it in a computer's local Group Policy"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[NLA_OPTION]
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        let ascii = |rule: &perhop_policy::Rule| rule.app.as_str().is_ascii();
        windows_policy::has_any(policy) && policy.rules().iter().all(ascii)
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let lowered = windows_policy::lower(policy)?;
        let nla = option::boolean(request, NLA_OPTION.key, true);
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for section in &lowered.sections {
            match (apply(section, nla), undo(section, nla)) {
                (Ok(apply), Ok(undo)) => files.push((apply, undo)),
                (Err(error), _) | (_, Err(error)) => {
                    let first = policy.rule(section.rules[0]).origin;
                    problems.push(
                        Diagnostic::error(
                            codes::WINDOWS_POLICY,
                            format!("`windows-lgpo`: {error}"),
                        )
                        .primary(first, format!("among the rules of `{}`", section.scope))
                        .help("use `windows-gpo` or `windows-reg` for this plan"),
                    );
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(LgpoProgram {
            lowered,
            nla,
            files,
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        read_back::sections(
            artifacts,
            |path| {
                path.strip_prefix("windows-lgpo/")?
                    .strip_suffix("/apply.txt")
            },
            read_policies,
        )
    }
}

impl Program for LgpoProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.lowered.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let mut out = Vec::new();
        for (section, (apply, undo)) in self.lowered.sections.iter().zip(&self.files) {
            let mut file = |name: &str, purpose, bytes| {
                out.push(Artifact {
                    path: format!("windows-lgpo/{}/{name}", section.folder),
                    bytes,
                    purpose,
                    rules: section.rules.clone(),
                });
            };
            file("apply.txt", Purpose::Apply, apply.clone());
            file("undo.txt", Purpose::Undo, undo.clone());
            file("undo-keys.reg", Purpose::Undo, undo_keys(section));
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

/// A `.reg` file that deletes what is left after local policy let the values go: the empty keys.
#[must_use]
pub fn undo_keys(section: &Section) -> Vec<u8> {
    let hosts = format!(
        "Deletes the emptied policy keys on the hosts of: {}",
        section.scope
    );
    windows_reg::file(&[&hosts], &windows_reg::delete_keys(section))
}

fn apply(section: &Section, nla: bool) -> Result<Vec<u8>, lgpo_text::LgpoError> {
    let mut settings = Vec::new();
    for policy in &section.policies {
        for (name, data) in VALUE_NAMES.iter().zip(policy.values()) {
            settings.push(Setting {
                key: format!(r"{POLICY_KEY}\{}", policy.name),
                value: (*name).to_owned(),
                action: Action::Text(data),
            });
        }
    }
    if nla {
        settings.push(nla_setting(Action::Text("1".to_owned())));
    }
    let hosts = format!("Policies for the hosts of: {}", section.scope);
    lgpo_text::write(
        &[&hosts, "LGPO.exe /t apply.txt; taken back by undo.txt."],
        &settings,
    )
}

fn undo(section: &Section, nla: bool) -> Result<Vec<u8>, lgpo_text::LgpoError> {
    let mut settings: Vec<Setting> = section
        .policies
        .iter()
        .map(|policy| Setting {
            key: format!(r"{POLICY_KEY}\{}", policy.name),
            value: "*".to_owned(),
            action: Action::DeleteAllValues,
        })
        .collect();
    if nla {
        settings.push(nla_setting(Action::Delete));
    }
    let hosts = format!("Takes back apply.txt on the hosts of: {}", section.scope);
    lgpo_text::write(&[&hosts], &settings)
}

fn nla_setting(action: Action) -> Setting {
    Setting {
        key: NLA_KEY.to_owned(),
        value: NLA_VALUE.to_owned(),
        action,
    }
}

fn step(section: &Section, nla: bool) -> Step {
    let folder = format!(r".\windows-lgpo\{}", section.folder);
    let mut check = vec![format!(r"`{folder}\check.ps1` says `ok` for every policy")];
    check.extend(steps::checks());
    let mut notes = steps::notes(nla);
    notes.push(
        "LGPO.exe is part of Microsoft's Security Compliance Toolkit; Windows does not bring it."
            .to_owned(),
    );
    let mut commands = vec![format!(r"LGPO.exe /t {folder}\apply.txt")];
    commands.extend(steps::refresh());
    Step {
        order: steps::order_of(section.role),
        title: format!(
            "Set the policies of `{}` in local Group Policy",
            section.scope
        ),
        place: steps::hosts(&section.scope, section.role),
        commands,
        check,
        undo: vec![
            format!(r"`LGPO.exe /t {folder}\undo.txt`, then `gpupdate /target:computer /force`"),
            format!(
                r"`reg.exe import {folder}\undo-keys.reg` deletes the policy keys, which are empty then"
            ),
        ],
        notes,
    }
}

fn read_policies(bytes: &[u8]) -> Result<Vec<windows_policy::Policy>, String> {
    let settings = lgpo_text::read(bytes).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for setting in settings {
        let Action::Text(text) = setting.action else {
            return Err(format!(
                "`{}` of `{}` is not text",
                setting.value, setting.key
            ));
        };
        rows.push((setting.key, setting.value, text));
    }
    read_back::policies(&rows)
}
