//! `teams-shell`: the meeting configuration of a Teams tenant (uc-platforms 10.3).
//!
//! The target delivers ports and the tenant's switch; it marks nothing on Windows, so every rule is [`Fit::Elsewhere`].

use perhop_policy::{
    Diagnostic, Dscp, Family, Fit, FlowKey, LossKind, PolicySet, Producer, RuleId, TargetRequest,
};

use crate::artifact::Artifact;
use crate::cs_shell::model::{self, Entry};
use crate::cs_shell::read;
use crate::cs_shell::script::{self, Flavour, Only};
use crate::target::{OptionSpec, Program, Step, Target, order};

/// The target.
pub struct TeamsShell;

impl Target for TeamsShell {
    fn id(&self) -> &'static str {
        ID
    }

    fn summary(&self) -> &'static str {
        "PowerShell for the port ranges of Teams clients and the tenant's switch for marking"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        policy
            .producers()
            .iter()
            .any(|producer| producer.family == Family::Teams)
    }

    fn lower(
        &self,
        policy: &PolicySet,
        _: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let entries = model::entries(Family::Teams, policy.producers())?;
        let rules = (0u32..).zip(policy.rules());
        Ok(Box::new(TeamsProgram {
            plan: policy.name().to_owned(),
            producers: model::producers(&entries),
            entries,
            fits: rules.map(|(id, _)| (RuleId(id), Fit::Elsewhere)).collect(),
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let read = read::apply(ID, artifacts)?;
        Ok(Box::new(TeamsProgram {
            plan: read.plan,
            producers: model::producers(&read.entries),
            entries: read.entries,
            fits: Vec::new(),
        }))
    }
}

struct TeamsProgram {
    plan: String,
    entries: Vec<Entry>,
    producers: Vec<Producer>,
    fits: Vec<(RuleId, Fit)>,
}

impl Program for TeamsProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        script::files(ID, &FLAVOUR, &self.plan, &self.entries, &[])
    }

    fn steps(&self) -> Vec<Step> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        vec![save(), ranges()]
    }

    fn apply_to(&self, _: &str, _: &FlowKey<'_>) -> Option<Option<Dscp>> {
        None
    }

    fn producers(&self) -> &[Producer] {
        &self.producers
    }
}

fn save() -> Step {
    Step {
        order: order::SAVE,
        title: "Save the tenant's current values and see what would change".to_owned(),
        place: SHELL.to_owned(),
        commands: lines(&[
            r".\teams-shell\apply.ps1 -SaveOnly",
            r".\teams-shell\apply.ps1 -WhatIf",
        ]),
        check: lines(&[
            r"`teams-shell\saved\001` holds `values.clixml`, `objects.clixml` and `objects.txt`",
        ]),
        undo: Vec::new(),
        notes: lines(&[
            "Keep the folder: the documentation contradicts itself about what a tenant has by default, so only the saved values tell.",
        ]),
    }
}

fn ranges() -> Step {
    Step {
        order: order::CLIENT_RANGES,
        title: "Set the port ranges of Teams clients and the tenant's switch for marking"
            .to_owned(),
        place: SHELL.to_owned(),
        commands: lines(&[r".\teams-shell\apply.ps1"]),
        check: lines(&[
            r"`.\teams-shell\check.ps1` ends with exit code 0",
            "after a restart the client uses ports of its ranges",
        ]),
        undo: lines(&[r"`.\teams-shell\undo.ps1`, then restart the clients"]),
        notes: lines(&[
            "The switch alone marks nothing on Windows: that needs a policy on the computers. On macOS and on Teams devices it is enough.",
            "Teams in a browser uses ports of its own choice, and phones with iOS or Android do not mark: mark those in the network.",
        ]),
    }
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

const ID: &str = "teams-shell";

const SHELL: &str =
    "PowerShell with the MicrosoftTeams module, signed in to the tenant as a Teams administrator";

const FLAVOUR: Flavour = Flavour {
    requires: "#Requires -Version 5.1",
    about_apply: include_str!("teams_shell/about_apply.txt"),
    about_undo: include_str!("teams_shell/about_undo.txt"),
    about_check: include_str!("teams_shell/about_check.txt"),
    only: Only::Whole,
    functions: include_str!("cs_shell/teams.ps1"),
};

#[cfg(test)]
mod tests {
    use perhop_policy::{ProducerKind, RangeUse, Subject};

    use super::*;
    use crate::testing::{HOSTILE, producers, sorted, teams, told, with_producers};

    fn lower(policy: &PolicySet) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        TeamsShell.lower(policy, &TargetRequest::default())
    }

    #[test]
    fn what_is_written_reads_back_and_lync_is_left_to_its_own_target() {
        let all = [teams(), producers()].concat();
        let files = lower(&with_producers(all)).unwrap().emit();
        let back = TeamsShell.read(&files).unwrap();
        assert_eq!(sorted(back.producers()), sorted(&teams()));
        let script = String::from_utf8(files[0].bytes.clone()).unwrap();
        assert!(script.contains(
            "Add-Planned 'CsTeamsMeetingConfiguration' 'Global' @{ ClientMediaPortRangeEnabled = $true; \
             ClientAudioPort = 50000; ClientAudioPortRange = 20; ClientVideoPort = 50020; \
             ClientVideoPortRange = 20; ClientAppSharingPort = 50040; ClientAppSharingPortRange = 20; \
             EnableQoS = $true }"
        ));
        assert_eq!(script.matches("\r\nAdd-Planned").count(), 1);
    }

    #[test]
    fn the_undo_does_not_guess_the_switch() {
        let files = lower(&with_producers(teams())).unwrap().emit();
        let script = String::from_utf8(files[2].bytes.clone()).unwrap();
        let line = script
            .lines()
            .find(|line| line.starts_with("$documented = "));
        assert!(!line.unwrap().contains("ClientMediaPortRangeEnabled"));
        assert!(line.unwrap().contains("EnableQoS = $false"));
    }

    #[test]
    fn there_is_one_object_and_no_range_for_files() {
        let mut site = told(
            ProducerKind::Clients,
            Subject::Site("Redmond".into()),
            &[(RangeUse::FileTransfer, 50060, 50079)],
        );
        site.family = Family::Teams;
        let found = lower(&with_producers(vec![site])).err().unwrap();
        let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["target/no-such-scope", "target/no-such-range"]);
    }

    #[test]
    fn a_hostile_plan_name_stays_in_its_quotes() {
        for name in HOSTILE {
            let policy = PolicySet::try_new(perhop_policy::set::Parts {
                name: name.into(),
                producers: teams(),
                ..Default::default()
            })
            .unwrap();
            let files = lower(&policy).unwrap().emit();
            let back = TeamsShell.read(&files).unwrap();
            assert_eq!(back.emit(), files, "{name}");
        }
    }
}
