//! One product's version of a policy.

use perhop_policy::{
    Diagnostic, Dscp, Family, Fit, FlowKey, Marker, PolicySet, Producer, ProducerKind,
    ProducerRange, RuleId, Span, Subject,
};

use super::apps::{App, Entry, use_of};
use super::told::Told;
use super::{File, Product, fits, names, notes, read, text};
use crate::artifact::{Artifact, Purpose};
use crate::codes;
use crate::target::{Program, Step};
use crate::windows_policy::folder;

/// The program.
pub(super) struct SoftwareProgram {
    product: Product,
    plan: String,
    apps: Vec<(App, Told)>,
    producers: Vec<Producer>,
    fits: Vec<(RuleId, Fit)>,
}

impl SoftwareProgram {
    pub(super) fn try_new(
        product: Product,
        policy: &PolicySet,
        apps: Vec<App>,
        vlan: Option<u16>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = same_folders(&apps);
        let apps: Vec<(App, Told)> = apps
            .into_iter()
            .map(|app| {
                let told = Told::of(&product, &app, vlan, &mut problems);
                (app, told)
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            product,
            plan: policy.name().to_owned(),
            producers: producers(&apps),
            fits: fits::of(policy, &product, &apps),
            apps,
        })
    }
}

impl Program for SoftwareProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let id = self.product.id;
        let mut out = Vec::new();
        for (app, told) in &self.apps {
            let folder = folder::of_scope(&app.name);
            let about = [
                format!("{} for {}, plan {}", self.product.name, app.name, self.plan),
                "written by perhop".to_owned(),
            ];
            let undo = [
                about[0].clone(),
                "the documented defaults, for when what was there before is not known".to_owned(),
            ];
            let rules = self.rules(app);
            for file in self.product.files.iter().filter(|file| is_for(file, app)) {
                let name = file.name;
                if let Some(bytes) = text::apply(file, told, &about) {
                    let path = format!("{id}/{folder}/{name}");
                    out.push(artifact(path, bytes, Purpose::Apply, &rules));
                }
                if let Some(bytes) = text::undo(file, told, &undo) {
                    let path = format!("{id}/{folder}/undo/{name}");
                    out.push(artifact(path, bytes, Purpose::Undo, &rules));
                }
            }
        }
        if !out.is_empty() {
            let path = format!("{id}/{}", read::INDEX);
            let bytes = read::index(self.apps.iter().map(|(app, _)| app));
            out.insert(0, artifact(path, bytes, Purpose::Support, &[]));
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        let files = self.emit();
        if files.is_empty() {
            return Vec::new();
        }
        notes::steps(&self.product, &self.apps, &files)
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        apply(&self.product, &self.apps, scope, key)
    }

    fn producers(&self) -> &[Producer] {
        &self.producers
    }
}

impl SoftwareProgram {
    /// The rules that the application's own marking makes.
    fn rules(&self, app: &App) -> Vec<RuleId> {
        let own = app.entries.iter().filter_map(|entry| entry.rule);
        own.filter(|rule| {
            let fit = self.fits.iter().find(|(one, _)| one == rule);
            fit.is_some_and(|(_, fit)| !matches!(fit, Fit::Elsewhere | Fit::Absent(_)))
        })
        .collect()
    }
}

/// The mark of a packet: that of the first medium of an application whose ports it is sent from. The outer `None`: nobody
/// there marks by itself.
pub(super) fn apply(
    product: &Product,
    apps: &[(App, Told)],
    scope: &str,
    key: &FlowKey<'_>,
) -> Option<Option<Dscp>> {
    if !product.marks {
        return None;
    }
    let mut known = false;
    for (app, told) in apps {
        for entry in &app.entries {
            if entry.scope != scope || entry.marker != Marker::Sender {
                continue;
            }
            known = true;
            let from = told.range(entry.kind).or(entry.ports);
            let sends = from.is_none_or(|range| range.contains(key.src_port))
                && entry.protocol.matches(key.protocol)
                && entry.app.matches(key.app);
            if sends && let Some(dscp) = told.mark(entry.kind) {
                return Some(Some(dscp));
            }
        }
    }
    known.then_some(None)
}

/// What applications are told, as producers of the policy.
pub(super) fn producers(apps: &[(App, Told)]) -> Vec<Producer> {
    let own = apps.iter().filter(|(app, _)| app.own);
    own.filter_map(|(app, told)| {
        let mut ranges: Vec<ProducerRange> = Vec::new();
        for entry in &app.entries {
            let range = told.range(entry.kind).filter(|_| entry.ports.is_some());
            if let (Some(used_for), Some(ports)) = (use_of(entry.kind), range) {
                let origin = entry.origin;
                let one = ProducerRange {
                    used_for,
                    ports,
                    origin,
                };
                if ranges.iter().all(|other| other.used_for != used_for) {
                    ranges.push(one);
                }
            }
        }
        let origin = app
            .entries
            .first()
            .map_or(Span::default(), |one| one.origin);
        (!ranges.is_empty()).then(|| Producer {
            family: Family::Own,
            kind: ProducerKind::Software(app.name.clone()),
            subject: Subject::Global,
            ranges,
            dscp: None,
            pcp: None,
            marking: None,
            origin,
        })
    })
    .collect()
}

/// Whether a file is for hosts and executables that an application has.
pub(super) fn is_for(file: &File, app: &App) -> bool {
    let fits = |entry: &Entry| {
        let host = file.host.is_none_or(|host| host == entry.host);
        let any = file.executables.is_empty() || entry.app.rank() == 0;
        host && (any || names(file.executables, entry.app.as_str()))
    };
    app.entries.iter().any(fits)
}

/// Applications whose folders a file system without case takes for one.
fn same_folders(apps: &[App]) -> Vec<Diagnostic> {
    let mut seen: Vec<(String, &App)> = Vec::new();
    let mut out = Vec::new();
    for app in apps {
        let folder = folder::of_scope(&app.name).to_lowercase();
        match seen.iter().find(|(other, _)| *other == folder) {
            Some((_, other)) => out.push(
                Diagnostic::error(
                    codes::SAME_NAME,
                    format!(
                        "`{}` and `{}` would have one folder",
                        other.name.escape_debug(),
                        app.name.escape_debug()
                    ),
                )
                .primary(app.entries[0].origin, "differs by case only")
                .secondary(other.entries[0].origin, "")
                .help("give one of them another name"),
            ),
            None => seen.push((folder, app)),
        }
    }
    out
}

fn artifact(path: String, bytes: Vec<u8>, purpose: Purpose, rules: &[RuleId]) -> Artifact {
    Artifact {
        path,
        bytes,
        purpose,
        rules: rules.to_vec(),
    }
}
