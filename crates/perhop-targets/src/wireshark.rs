//! `wireshark`: display filters, coloring rules and a capture filter that show a plan's packets and their marks.
//!
//! It configures no host: every rule is [`Fit::Elsewhere`].

use perhop_policy::{Diagnostic, Dscp, Fit, FlowKey, LossKind, PolicySet, RuleId, TargetRequest};

use crate::artifact::{Artifact, Purpose};
use crate::codes;
use crate::target::{OptionSpec, Program, Step, Target, order};

mod boxes;
mod expr;
mod files;
mod filters;
mod page;

/// The target.
pub struct Wireshark;

impl Target for Wireshark {
    fn id(&self) -> &'static str {
        ID
    }

    fn summary(&self) -> &'static str {
        "A Wireshark profile that colours packets by whether their mark is the planned one, and a capture filter"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        !policy.rules().is_empty()
    }

    fn lower(
        &self,
        policy: &PolicySet,
        _: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let rules: Vec<RuleId> = (0u32..)
            .zip(policy.rules())
            .map(|(id, _)| RuleId(id))
            .collect();
        Ok(Box::new(WiresharkProgram {
            artifacts: artifacts(policy, &rules),
            fits: rules.into_iter().map(|id| (id, Fit::Elsewhere)).collect(),
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        for (name, reader) in READERS {
            problems.extend(read_one(name, *reader, artifacts));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let own = artifacts.iter().filter(|file| {
            let rest = file.path.strip_prefix(ID);
            rest.is_some_and(|rest| rest.starts_with('/'))
        });
        Ok(Box::new(WiresharkProgram {
            artifacts: own.cloned().collect(),
            fits: Vec::new(),
        }))
    }
}

struct WiresharkProgram {
    artifacts: Vec<Artifact>,
    fits: Vec<(RuleId, Fit)>,
}

impl Program for WiresharkProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        self.artifacts.clone()
    }

    fn steps(&self) -> Vec<Step> {
        vec![Step {
            order: order::PROOF,
            title: "Prove the marks from packets".to_owned(),
            place: "a computer with Wireshark 4.0 or later; capture at a receiver or a mirror port"
                .to_owned(),
            commands: Vec::new(),
            check: vec![
                "with the profile of `wireshark/profile`, no packet of a test call is red, and none is amber"
                    .to_owned(),
                "the same call, both ways, on the way and where it arrives".to_owned(),
            ],
            undo: Vec::new(),
            notes: vec![
                "`wireshark/README.md` says how to install the profile and where to capture.".to_owned(),
                "A capture on the sending Windows computer may show 0 for packets that leave with a mark.".to_owned(),
            ],
        }]
    }

    fn apply_to(&self, _: &str, _: &FlowKey<'_>) -> Option<Option<Dscp>> {
        None
    }
}

fn artifacts(policy: &PolicySet, rules: &[RuleId]) -> Vec<Artifact> {
    let filters = filters::display(policy);
    let capture = filters::capture(policy);
    let tagged = filters::capture_tagged(policy);
    let file = |name: &str, text: String, purpose| Artifact {
        path: format!("{ID}/{name}"),
        bytes: text.into_bytes(),
        purpose,
        rules: rules.to_vec(),
    };
    let saved = filters
        .iter()
        .map(|one| (one.name.as_str(), one.text.as_str()));
    let captures = [
        ("plan's packets and marks", capture.as_str()),
        ("plan's packets and marks, 802.1Q tagged or not", &tagged),
    ];
    vec![
        file(
            "README.md",
            page::text(policy, &filters, &capture, &tagged),
            Purpose::Support,
        ),
        file(
            "profile/dfilters",
            files::saved_filters(saved),
            Purpose::Check,
        ),
        file(
            "profile/colorfilters",
            files::coloring(&filters),
            Purpose::Check,
        ),
        file(
            "profile/cfilters",
            files::saved_filters(captures),
            Purpose::Check,
        ),
        Artifact {
            rules: Vec::new(),
            ..file(
                "profile/preferences",
                files::PREFERENCES.to_owned(),
                Purpose::Support,
            )
        },
        file("capture-filter.txt", format!("{capture}\n"), Purpose::Check),
    ]
}

type Reader = fn(&str) -> Result<Vec<(String, String)>, usize>;

const READERS: &[(&str, Reader)] = &[
    ("dfilters", files::read_saved),
    ("cfilters", files::read_saved),
    ("colorfilters", files::read_coloring),
];

fn read_one(name: &str, reader: Reader, artifacts: &[Artifact]) -> Option<Diagnostic> {
    let path = format!("{ID}/profile/{name}");
    let problem = |text: String| Some(Diagnostic::error(codes::UNREADABLE, text));
    let Some(file) = artifacts.iter().find(|file| file.path == path) else {
        return problem(format!("`{path}` is missing"));
    };
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return problem(format!("`{path}` is not UTF-8"));
    };
    match reader(text) {
        Ok(_) => None,
        Err(line) => problem(format!("`{path}`, line {line}: not a name and a filter")),
    }
}

pub(crate) const ID: &str = "wireshark";

#[cfg(test)]
mod tests;
