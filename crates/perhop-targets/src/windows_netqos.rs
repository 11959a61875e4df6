//! `windows-netqos`: Policy-based QoS by the NetQos cmdlets, Windows 8 and Server 2012 or later.
//!
//! These policies are of version 2.0 inside Windows and carry a network profile of their own, so they need no switch to
//! work outside the domain (windows-qos 1.9).

mod parameters;
mod script;

use perhop_policy::{
    AppMatch, Diagnostic, Dscp, Fit, FlowKey, Loss, LossKind, PolicySet, ProtocolMatch, RuleId,
    TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::codes;
use crate::target::{OptionKind, OptionSpec, Program, Step, Target};
use crate::windows_policy::{self, Lowered, Policy, Section, matching, option, read_back, steps};

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct WindowsNetqos;

const STORE: OptionSpec = OptionSpec {
    key: "policy-store",
    kind: OptionKind::Text,
    doc: "the store that scripts write to unless told otherwise, such as `GPO:contoso.com\\QoS {scope}`; this computer's own without it",
};

struct NetqosProgram {
    lowered: Lowered,
    fits: Vec<(RuleId, Fit)>,
    store: Option<String>,
}

impl Target for WindowsNetqos {
    fn id(&self) -> &'static str {
        "windows-netqos"
    }

    fn summary(&self) -> &'static str {
        "Policy-based QoS as PowerShell with the NetQos cmdlets, for Windows 8, Server 2012 and later"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[LossKind::AbsentRule]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[STORE]
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        let empty = |lowered: &Lowered| {
            let all = lowered
                .sections
                .iter()
                .flat_map(|section| &section.policies);
            all.into_iter().any(has_no_condition)
        };
        windows_policy::has_any(policy)
            && windows_policy::lower(policy).is_ok_and(|lowered| !empty(&lowered))
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let mut lowered = windows_policy::lower(policy)?;
        let store = store(&lowered, request)?;
        let mut fits = lowered.fits.clone();
        for (id, fit) in &mut fits {
            let rule = policy.rule(*id);
            let bare = rule.statements(*id).iter().all(|statement| {
                let open = statement.src.is_none() && statement.dst.is_none();
                open && statement.app == AppMatch::Any
                    && statement.protocol == ProtocolMatch::Both
                    && statement.src_ports.0.range().is_none()
                    && statement.dst_ports.0.range().is_none()
            });
            if bare && *fit == Fit::Exact {
                *fit = Fit::Absent(Loss {
                    kind: LossKind::AbsentRule,
                    reason: "New-NetQosPolicy wants a condition, and this rule has none".to_owned(),
                });
            }
        }
        for section in &mut lowered.sections {
            section.policies.retain(|policy| !has_no_condition(policy));
            section.rules.retain(|id| fits.contains(&(*id, Fit::Exact)));
        }
        lowered
            .sections
            .retain(|section| !section.policies.is_empty());
        Ok(Box::new(NetqosProgram {
            lowered,
            fits,
            store,
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        read_back::sections(
            artifacts,
            |path| {
                path.strip_prefix("windows-netqos/")?
                    .strip_suffix("/apply.ps1")
            },
            script::read,
        )
    }
}

impl Program for NetqosProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let mut out = Vec::new();
        for section in &self.lowered.sections {
            let store = self.store_of(section);
            let mut file = |name: &str, purpose, bytes| {
                out.push(Artifact {
                    path: format!("windows-netqos/{}/{name}", section.folder),
                    bytes,
                    purpose,
                    rules: section.rules.clone(),
                });
            };
            file("apply.ps1", Purpose::Apply, script::apply(section, &store));
            file("undo.ps1", Purpose::Undo, script::undo(section, &store));
            file("check.ps1", Purpose::Check, script::check(section));
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        self.lowered
            .sections
            .iter()
            .map(|section| step(section, &self.store_of(section)))
            .collect()
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        let section = self.lowered.section(scope)?;
        Some(matching::mark(&section.policies, key))
    }
}

impl NetqosProgram {
    /// The store of a section; empty for the computer's own.
    fn store_of(&self, section: &Section) -> String {
        self.store
            .as_deref()
            .unwrap_or_default()
            .replace("{scope}", &section.scope)
    }
}

fn has_no_condition(policy: &Policy) -> bool {
    let (app, count, ..) = matching::specificity(policy);
    app == 0 && count == 0
}

/// The option `policy-store`: one of the forms that the cmdlets take, and one store for each kind of host.
fn store(lowered: &Lowered, request: &TargetRequest) -> Result<Option<String>, Vec<Diagnostic>> {
    let Some((text, span)) = option::text(request, STORE.key) else {
        return Ok(None);
    };
    let wrong = |message: String, help: &str| {
        let out = Diagnostic::error(codes::WINDOWS_POLICY, message)
            .primary(span, "this store")
            .help(help);
        Err(vec![out])
    };
    let rest = text
        .strip_prefix("GPO:")
        .or_else(|| text.strip_prefix("LDAP://"));
    let known = rest.map_or(text == "localhost", |rest| !rest.trim().is_empty());
    if !known || text.contains(char::is_control) {
        return wrong(
            format!("`{}` is not a policy store that lasts", text.escape_debug()),
            "write `GPO:DOMAIN\\NAME`, `GPO:COMPUTER`, `LDAP://...` or `localhost`",
        );
    }
    let shared = rest.is_some() && lowered.sections.len() > 1 && !text.contains("{scope}");
    if shared {
        return wrong(
            format!(
                "`{text}` would hold the policies of {} kinds of hosts",
                lowered.sections.len()
            ),
            "put `{scope}` into the name, so that each kind of host has a store of its own",
        );
    }
    Ok(Some(text.to_owned()))
}

fn step(section: &Section, store: &str) -> Step {
    let folder = format!(r".\windows-netqos\{}", section.folder);
    let place = if store.is_empty() || store == "localhost" {
        steps::hosts(&section.scope, section.role)
    } else {
        format!("a computer that may change `{store}`, as administrator")
    };
    let mut check = vec![format!(
        r"`{folder}\check.ps1` on a host of `{}` says `ok` for every policy",
        section.scope
    )];
    check.extend(steps::checks());
    Step {
        order: steps::order_of(section.role),
        title: format!("Make the NetQos policies of `{}`", section.scope),
        place,
        commands: vec![
            format!(r"{folder}\apply.ps1 -WhatIf"),
            format!(r"{folder}\apply.ps1"),
        ],
        check,
        undo: vec![format!(
            r"`{folder}\undo.ps1` removes these policies by name, and no other"
        )],
        notes: {
            let mut notes = steps::notes(false);
            notes.push(
                "Each run first saves the policies that are there to `before-DATE.xml` beside the script.".to_owned(),
            );
            notes.push(
                "The policies apply on every network, in the domain or not; `Do not use NLA` is not needed for them."
                    .to_owned(),
            );
            notes
        },
    }
}
