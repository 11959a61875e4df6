//! `lync-inband`: what a client, phone or device must receive by in-band provisioning when the plan is in force, to hold
//! against its log (uc-platforms 4).
//!
//! It configures nothing: every rule is [`Fit::Elsewhere`]. Its producers are those in force for each group of users, so
//! a site's file repeats what the site takes over from everyone.

use perhop_policy::{
    Diagnostic, Dscp, Family, Fit, FlowKey, LossKind, PolicySet, Producer, ProducerKind, RuleId,
    Subject, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::target::{OptionSpec, Program, Step, Target, order};

mod elements;
mod group;
mod page;
mod read;

use group::Group;

/// The target.
pub struct LyncInband;

impl Target for LyncInband {
    fn id(&self) -> &'static str {
        ID
    }

    fn summary(&self) -> &'static str {
        "What clients and phones must receive from Lync or Skype for Business Server at sign-in, to hold against their logs"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        policy.producers().iter().any(is_told_in_band)
    }

    fn lower(
        &self,
        policy: &PolicySet,
        _: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let rules = (0u32..).zip(policy.rules());
        let fits = rules.map(|(id, _)| (RuleId(id), Fit::Elsewhere)).collect();
        Ok(Box::new(InbandProgram::new(
            policy.name().to_owned(),
            groups(policy),
            fits,
        )))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let (plan, groups) = read::groups(artifacts)?;
        Ok(Box::new(InbandProgram::new(plan, groups, Vec::new())))
    }
}

struct InbandProgram {
    plan: String,
    groups: Vec<Group>,
    producers: Vec<Producer>,
    fits: Vec<(RuleId, Fit)>,
}

impl InbandProgram {
    fn new(plan: String, groups: Vec<Group>, fits: Vec<(RuleId, Fit)>) -> Self {
        Self {
            plan,
            producers: groups.iter().flat_map(Group::producers).collect(),
            groups,
            fits,
        }
    }
}

impl Program for InbandProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        if self.groups.is_empty() {
            return Vec::new();
        }
        let paths = group::paths(&self.groups);
        let file = |path: String, bytes, purpose| Artifact {
            path,
            bytes,
            purpose,
            rules: Vec::new(),
        };
        let page = page::text(&self.plan, &self.groups, &paths);
        let mut out = vec![file(
            format!("{ID}/README.md"),
            page.into_bytes(),
            Purpose::Support,
        )];
        for (group, path) in self.groups.iter().zip(&paths) {
            out.push(file(
                path.clone(),
                page::document(&self.plan, group),
                Purpose::Check,
            ));
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        if self.groups.is_empty() {
            return Vec::new();
        }
        vec![Step {
            order: order::CLIENT_RANGES + 10,
            title: "See that clients received their ranges".to_owned(),
            place: "a client of each group of users, after it signed out and in".to_owned(),
            commands: Vec::new(),
            check: vec![
                "the `provisionGroup` named `ServerConfiguration` in the client's log has the values of its group's file; \
                 `lync-inband/README.md` says where the log is and lists them"
                    .to_owned(),
            ],
            undo: Vec::new(),
            notes: vec![
                "A client that signed in before the change still has the old values.".to_owned(),
            ],
        }]
    }

    fn apply_to(&self, _: &str, _: &FlowKey<'_>) -> Option<Option<Dscp>> {
        None
    }

    fn producers(&self) -> &[Producer] {
        &self.producers
    }
}

fn is_told_in_band(producer: &Producer) -> bool {
    producer.family == Family::LyncServer
        && matches!(
            producer.kind,
            ProducerKind::Clients | ProducerKind::Phones | ProducerKind::OtherDevices
        )
}

/// Everyone, then each site and each service that has something of its own, in the plan's order.
fn groups(policy: &PolicySet) -> Vec<Group> {
    let told: Vec<&Producer> = policy
        .producers()
        .iter()
        .filter(|producer| is_told_in_band(producer))
        .collect();
    let mut subjects: Vec<&Subject> = Vec::new();
    for producer in &told {
        if !subjects.contains(&&producer.subject) {
            subjects.push(&producer.subject);
        }
    }
    subjects.sort_by_key(|subject| match subject {
        Subject::Global => 0,
        Subject::Site(_) => 1,
        Subject::Service(_) => 2,
    });
    let groups = subjects.into_iter().map(|subject| {
        let site = match subject {
            Subject::Global => None,
            Subject::Site(name) => Some(name.as_str()),
            Subject::Service(name) => site_of(policy, name),
        };
        Group::in_force(subject.clone(), site, &told)
    });
    groups.filter(|group| !group.is_empty()).collect()
}

/// The site that the plan gives a service, from the scope of its clients.
fn site_of<'a>(policy: &'a PolicySet, service: &str) -> Option<&'a str> {
    let name = format!("clients@{service}");
    policy
        .scopes()
        .iter()
        .find(|scope| scope.name == name)
        .and_then(|scope| scope.site.as_deref())
}

pub(crate) const ID: &str = "lync-inband";

#[cfg(test)]
mod tests;
