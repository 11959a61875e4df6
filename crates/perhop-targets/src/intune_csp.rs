//! `intune-csp`: the NetworkQoSPolicy configuration service provider, for clients that a device manager looks after.
//!
//! It has no condition on addresses, so rules with one are wider, or absent where they would then take another rule's
//! packets.

mod nodes;
mod output;

use perhop_policy::{
    Diagnostic, Dscp, Fit, FlowKey, Loss, LossKind, PolicySet, Role, Rule, RuleId, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::target::{OptionSpec, Program, Step, Target, order};
use crate::windows_policy::{self, Lowered, Policy, Section, matching, name, read_back};

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct IntuneCsp;

struct CspProgram {
    plan: String,
    sections: Vec<Section>,
    fits: Vec<(RuleId, Fit)>,
}

impl Target for IntuneCsp {
    fn id(&self) -> &'static str {
        "intune-csp"
    }

    fn summary(&self) -> &'static str {
        "The NetworkQoSPolicy settings of Intune and other device managers: OMA-URI list, SyncML, profile for Microsoft Graph"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[
            LossKind::WiderAddress,
            LossKind::AbsentRule,
            LossKind::AbsentThrottle,
        ]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    /// Where clients have rules and all of them can be said exactly.
    fn is_default_for(&self, policy: &PolicySet) -> bool {
        let request = TargetRequest::default();
        let Ok(program) = self.lower(policy, &request) else {
            return false;
        };
        let exact = |(_, fit): &(RuleId, Fit)| *fit == Fit::Exact;
        let lossless = |(_, fit): &(RuleId, Fit)| matches!(fit, Fit::Exact | Fit::Elsewhere);
        program.fits().iter().any(exact) && program.fits().iter().all(lossless)
    }

    fn lower(
        &self,
        policy: &PolicySet,
        _request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let Lowered {
            plan,
            mut sections,
            mut fits,
        } = windows_policy::lower(policy)?;
        sections.retain(|section| section.role == Role::Client);
        for (id, fit) in &mut fits {
            if policy.scope(policy.rule(*id).scope).role != Role::Client {
                *fit = Fit::Elsewhere;
            }
        }
        for section in &mut sections {
            widen(section, policy, &mut fits);
        }
        sections.retain(|section| !section.policies.is_empty());
        Ok(Box::new(CspProgram {
            plan,
            sections,
            fits,
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        read_back::sections(
            artifacts,
            |path| {
                path.strip_prefix("intune-csp/")?
                    .strip_suffix("/oma-uri.csv")
            },
            output::read_csv,
        )
    }
}

impl Program for CspProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let mut out = Vec::new();
        for section in &self.sections {
            let mut file = |name: &str, purpose, bytes| {
                out.push(Artifact {
                    path: format!("intune-csp/{}/{name}", section.folder),
                    bytes,
                    purpose,
                    rules: section.rules.clone(),
                });
            };
            let title = self.title(section);
            file(
                "profile.json",
                Purpose::Apply,
                output::profile(section, &title),
            );
            file("oma-uri.csv", Purpose::Apply, output::csv(section));
            file(
                "oma-uri.md",
                Purpose::Support,
                output::markdown(section, &title),
            );
            file("syncml.xml", Purpose::Apply, output::syncml(section));
            file("undo.xml", Purpose::Undo, output::syncml_delete(section));
            file("undo.csv", Purpose::Undo, output::csv_delete(section));
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        self.sections
            .iter()
            .map(|section| self.step(section))
            .collect()
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        let section = self
            .sections
            .iter()
            .find(|section| section.scope == scope)?;
        Some(matching::mark(&section.policies, key))
    }
}

impl CspProgram {
    fn title(&self, section: &Section) -> String {
        name::safe(&format!("{} QoS {}", self.plan, section.scope))
    }

    fn step(&self, section: &Section) -> Step {
        let folder = format!(r".\intune-csp\{}", section.folder);
        let title = self.title(section);
        let mut notes = vec![
            format!(
                "By hand: Devices, Configuration, Create, Windows 10 and later, Templates, Custom; one row for each line \
                 of `{folder}\\oma-uri.csv`. `{folder}\\syncml.xml` is the same for other device managers."
            ),
            format!(
                "By Microsoft Graph: `POST https://graph.microsoft.com/v1.0/deviceManagement/deviceConfigurations` with \
                 `{folder}\\profile.json` as the body. The file follows the published schema of \
                 windows10CustomConfiguration; it was not tried against a tenant."
            ),
            "Assign the profile to the devices of these clients only. Needs Windows 10 20H2 or later, Pro, Enterprise or \
             Education; devices joined to Microsoft Entra and managed by Intune. Hybrid-joined devices, and devices that \
             take QoS from Group Policy too, are not supported by Microsoft."
                .to_owned(),
            "On a Surface Hub a policy with `IPProtocolMatchCondition` does not apply, says Microsoft; rules for both \
             protocols do not have it."
                .to_owned(),
        ];
        notes.push(
            "Applications that are running keep the marks of their open sockets: restart them."
                .to_owned(),
        );
        Step {
            order: order::CLIENT_POLICY,
            title: format!("Make the device profile `{title}`"),
            place: "the Intune admin center, as a policy and profile manager".to_owned(),
            commands: Vec::new(),
            check: vec![
                "`Get-NetQosPolicy -PolicyStore ActiveStore` on a device lists the policies with their DSCP".to_owned(),
                "the profile's report says Succeeded for every setting".to_owned(),
            ],
            undo: vec![
                format!("delete the profile `{title}`, or its assignment; see on a device that the policies are gone"),
                format!(r"where they stay, or without Intune, send `{folder}\undo.xml`: it deletes these policies and no others"),
            ],
            notes,
        }
    }
}

/// Takes the conditions on addresses away, and says what that costs.
fn widen(section: &mut Section, policy: &PolicySet, fits: &mut [(RuleId, Fit)]) {
    let all: Vec<(&Rule, Policy)> = section
        .rules
        .iter()
        .map(|id| policy.rule(*id))
        .map(|rule| (rule, without_addresses(rule)))
        .collect();
    let names: Vec<(RuleId, String)> = section
        .owners
        .drain(..)
        .zip(section.policies.drain(..))
        .map(|(rule, policy)| (rule, policy.name))
        .collect();
    let mut taken = name::Names::default();
    for (id, (rule, wide)) in section.rules.iter().zip(&all) {
        let fit = fit_of(rule, wide, &all);
        let is_there = section
            .policies
            .iter()
            .any(|known| known.is_same_but_for_name(wide));
        // A rule that says the same as an earlier one has no policy, and so no name, of its own.
        let own = names.iter().find(|(owner, _)| owner == id);
        if let Some((_, name)) = own
            && !matches!(fit, Fit::Absent(_))
            && !is_there
        {
            section.policies.push(Policy {
                // An OMA-URI would want spaces written as `%20`.
                name: taken.unique(&name.replace(' ', "-")),
                ..wide.clone()
            });
            section.owners.push(*id);
        }
        if let Some((_, known)) = fits.iter_mut().find(|(known, _)| known == id) {
            *known = fit;
        }
    }
    section.rules.retain(|id| {
        fits.iter()
            .any(|(known, fit)| known == id && !matches!(fit, Fit::Absent(_)))
    });
}

fn without_addresses(rule: &Rule) -> Policy {
    Policy {
        name: String::new(),
        app: rule.app.clone(),
        protocol: rule.protocol,
        src_ports: rule.src_ports,
        src: None,
        dst_ports: rule.dst_ports,
        dst: None,
        dscp: rule.dscp,
        throttle: None,
    }
}

/// How well a rule is said without its addresses, among all rules of its hosts without theirs.
fn fit_of(rule: &Rule, wide: &Policy, all: &[(&Rule, Policy)]) -> Fit {
    let absent = |reason: String| {
        Fit::Absent(Loss {
            kind: LossKind::AbsentRule,
            reason,
        })
    };
    if rule.src.is_empty() && rule.dst.is_empty() {
        return Fit::Exact;
    }
    let (app, count, ..) = matching::specificity(wide);
    if app == 0 && count == 0 {
        return absent(
            "there are no conditions on addresses, and the rule has no other".to_owned(),
        );
    }
    let rival = all
        .iter()
        .find(|(_, other)| other.dscp != wide.dscp && matching::meet(other, wide));
    match rival {
        Some((rival, _)) => absent(format!(
            "there are no conditions on addresses, and without them it would take packets of `{}`",
            rival.name
        )),
        None => Fit::Wider(vec![Loss {
            kind: LossKind::WiderAddress,
            reason: "NetworkQoSPolicy has no conditions on addresses".to_owned(),
        }]),
    }
}
