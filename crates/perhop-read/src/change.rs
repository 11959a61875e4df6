//! What a change would do: two plans, or what was compiled from them, held against each other.

use perhop_policy::diff::{self, Change, Marked};
use perhop_policy::{Family, PolicySet, Producer, ProducerKind, Rate, Subject};
use perhop_targets::{Artifact, Purpose, registry, windows_policy};

use crate::reading::{Input, Reading, Words};
use crate::simulate;
use crate::text::unescaped;

/// One side of a comparison.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// Every mark; empty for a folder's senders that Windows does not mark.
    all: Vec<Marked>,
    /// The marks that Windows puts on.
    windows: Vec<Marked>,
    /// What services and devices are told.
    producers: Vec<Producer>,
    /// Whether there is nothing but what Windows puts on and scripts tell.
    folder: bool,
}

/// What differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Packets whose mark or rate changes.
    pub changes: Vec<Change>,
    /// Settings of services and devices that change.
    pub settings: Vec<SettingChange>,
}

/// A setting that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    /// Which: `clients, site Redmond: audio ports`.
    pub what: String,
    /// Before; `None` when it was not set.
    pub old: Option<String>,
    /// After.
    pub new: Option<String>,
}

impl Side {
    /// A plan.
    #[must_use]
    pub fn plan(policy: &PolicySet) -> Self {
        let windows = policy
            .scope_ids()
            .flat_map(|scope| policy.regions(scope))
            .filter(|region| {
                windows_policy::is_ours(policy.scope(region.scope), policy.rule(region.rule))
            })
            .map(|region| Marked {
                scope: policy.scope(region.scope).name.clone(),
                rule: policy.rule(region.rule).name.clone(),
                dscp: region.dscp,
                throttle: policy.rule(region.rule).throttle,
                space: region.space.clone(),
            })
            .collect();
        Self {
            all: diff::marked(policy),
            windows,
            producers: policy
                .producers()
                .iter()
                .filter(|one| one.family != Family::Own)
                .cloned()
                .collect(),
            folder: false,
        }
    }

    /// A folder that `perhop compile` wrote, by its files' paths and bytes. The policies of one target are taken, the
    /// first there is of those that say everything.
    ///
    /// # Errors
    /// Why it is none that can be compared.
    pub fn folder(files: &[Input<'_>]) -> Result<Self, String> {
        let mut out = Self {
            folder: true,
            ..Self::default()
        };
        let found = FORMS
            .iter()
            .map(|form| form.of(files))
            .find(|of| !of.is_empty())
            .unwrap_or_default();
        for (scope, input) in &found {
            let reading = Reading::of(&[*input], &Words::default());
            let policies: Vec<_> = reading.files[0].policies().map(|(_, one)| one).collect();
            if policies.is_empty() {
                return Err(format!("there is no policy in `{}`", input.name));
            }
            let won = simulate::resolve(&policies).ok_or_else(|| {
                format!("the policies in `{}` overlap in too many ways", input.name)
            })?;
            for one in won {
                let policy = policies[one.policy];
                let rate = policy.throttle.map(|throttle| {
                    throttle.rate().ok_or_else(|| {
                        let (name, file) = (&policy.name, &input.name);
                        format!("`{name}` in `{file}` throttles to {throttle}, which no plan can")
                    })
                });
                let throttle = rate.transpose()?;
                out.windows.extend(one.dscp.map(|dscp| Marked {
                    scope: scope.clone(),
                    rule: policy.name.clone(),
                    dscp,
                    throttle,
                    space: one.space,
                }));
            }
        }
        for id in ["lync-shell", "teams-shell"] {
            out.producers.extend(told(id, files));
        }
        if out.windows.is_empty() && out.producers.is_empty() {
            return Err(
                "it holds neither the policies of a Windows target nor the script of `lync-shell` or `teams-shell`"
                    .to_owned(),
            );
        }
        Ok(out)
    }
}

/// What differs between two sides. Of a folder only what Windows puts on is known, so only that is compared with one.
#[must_use]
pub fn compare(old: &Side, new: &Side) -> Difference {
    let folder = old.folder || new.folder;
    let changes = if folder {
        diff::diff(&as_kept(&old.windows), &as_kept(&new.windows))
    } else {
        diff::diff(&old.all, &new.all)
    };
    let shared = |a: &Side, b: &Side| -> Vec<(String, String)> {
        settings(&a.producers)
            .into_iter()
            // A folder has the settings of the shells that were compiled into it.
            .filter(|(family, ..)| !b.folder || b.producers.iter().any(|one| one.family == *family))
            .map(|(_, what, value)| (what, value))
            .collect()
    };
    Difference {
        changes,
        settings: setting_changes(&shared(old, new), &shared(new, old)),
    }
}

/// Rates as Windows keeps them, in whole units.
fn as_kept(marked: &[Marked]) -> Vec<Marked> {
    let kept = |rate: Rate| Rate::roundest_of_windows_units(rate.windows_units()).unwrap_or(rate);
    let one = |one: &Marked| Marked {
        throttle: one.throttle.map(kept),
        ..one.clone()
    };
    marked.iter().map(one).collect()
}

fn setting_changes(old: &[(String, String)], new: &[(String, String)]) -> Vec<SettingChange> {
    let value = |all: &[(String, String)], what: &str| {
        let found = all.iter().find(|(known, _)| known == what);
        found.map(|(_, value)| value.clone())
    };
    let mut names: Vec<&str> = Vec::new();
    for (what, _) in old.iter().chain(new) {
        if !names.contains(&what.as_str()) {
            names.push(what);
        }
    }
    names
        .into_iter()
        .map(|what| SettingChange {
            what: what.to_owned(),
            old: value(old, what),
            new: value(new, what),
        })
        .filter(|one| one.old != one.new)
        .collect()
}

/// What producers are told, a name and a value each.
fn settings(producers: &[Producer]) -> Vec<(Family, String, String)> {
    let mut out = Vec::new();
    for one in producers {
        let system = match one.family {
            Family::Teams => "Teams ",
            Family::LyncServer | Family::Own => "",
        };
        let whose = match &one.subject {
            Subject::Global => String::new(),
            Subject::Site(name) => format!(", site {name}"),
            Subject::Service(name) => format!(", {name}"),
        };
        let head = format!("{system}{}{whose}", kind(&one.kind));
        for range in &one.ranges {
            out.push((
                one.family,
                format!("{head}: {} ports", range.used_for.as_str()),
                range.ports.to_string(),
            ));
        }
        if let Some(dscp) = one.dscp {
            out.push((one.family, format!("{head}: DSCP"), dscp.to_string()));
        }
        if let Some(pcp) = one.pcp {
            out.push((
                one.family,
                format!("{head}: 802.1p"),
                pcp.value().to_string(),
            ));
        }
        if let Some(on) = one.marking {
            let state = if on { "on" } else { "off" };
            out.push((one.family, format!("{head}: marking"), state.to_owned()));
        }
    }
    out
}

fn kind(kind: &ProducerKind) -> &str {
    match kind {
        ProducerKind::Clients => "clients",
        ProducerKind::Phones => "phones",
        ProducerKind::OtherDevices => "devices without Windows",
        ProducerKind::ConferencingService => "conferencing services",
        ProducerKind::ApplicationService => "application services",
        ProducerKind::MediationService => "mediation services",
        ProducerKind::MediaRelay => "edge servers",
        ProducerKind::WebService => "web services",
        ProducerKind::ApplicationPool => "trusted application pools",
        ProducerKind::Software(name) => name,
    }
}

/// The producers that a target's script tells.
fn told(id: &str, files: &[Input<'_>]) -> Vec<Producer> {
    let path = format!("{id}/apply.ps1");
    let artifacts: Vec<Artifact> = files
        .iter()
        .filter(|file| file.name == path || file.name.ends_with(&format!("/{path}")))
        .map(|file| Artifact {
            path: path.clone(),
            bytes: file.bytes.to_vec(),
            purpose: Purpose::Apply,
            rules: Vec::new(),
        })
        .collect();
    if artifacts.is_empty() {
        return Vec::new();
    }
    registry::find(id)
        .and_then(|target| target.read(&artifacts).ok())
        .map(|program| program.producers().to_vec())
        .unwrap_or_default()
}

/// Where a target keeps the policies of a sender: `TARGET/BEFORE/SENDER/FILE`.
struct Form {
    target: &'static str,
    before: &'static str,
    file: &'static str,
}

/// In the order of preference.
const FORMS: [Form; 5] = [
    Form::new("windows-reg", "", "apply.reg"),
    Form::new("windows-lgpo", "", "apply.txt"),
    Form::new("windows-netqos", "", "apply.ps1"),
    Form::new("windows-gpo", "local/", "Registry.pol"),
    Form::new("intune-csp", "", "profile.json"),
];

impl Form {
    const fn new(target: &'static str, before: &'static str, file: &'static str) -> Self {
        Self {
            target,
            before,
            file,
        }
    }

    /// The files of this form, each with its sender.
    fn of<'a>(&self, files: &[Input<'a>]) -> Vec<(String, Input<'a>)> {
        let head = format!("{}/{}", self.target, self.before);
        let tail = format!("/{}", self.file);
        files
            .iter()
            .filter_map(|file| {
                let at = match file.name.rfind(&format!("/{head}")) {
                    Some(at) => at + 1,
                    None => file.name.starts_with(&head).then_some(0)?,
                };
                let folder = file.name[at + head.len()..].strip_suffix(&tail)?;
                (!folder.contains('/')).then(|| (unescaped(folder, b'_'), *file))
            })
            .collect()
    }
}
