//! Software and devices that take ports and marks from settings of their own: one table a product, and what all have in
//! common.
//!
//! An application of the plan is a product's when its executable is one that the product's table names, or when the plan
//! says so: `[target.asterisk] apps = ["pbx"]`. Values are typed: a DSCP reaches text only through its [`Unit`], so an
//! octet cannot stand where a DSCP is expected.

use perhop_policy::{Diagnostic, Host, LossKind, OptionValue, PolicySet, TargetRequest};

use crate::artifact::Artifact;
use crate::target::{OptionKind, OptionSpec, Program, Target};

pub(crate) mod apps;
mod fits;
mod notes;
mod program;
mod read;
pub(crate) mod text;
pub(crate) mod told;

pub use crate::network::unit::Unit;
pub use text::Syntax;

/// What a setting is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// All media alike; the plan may then have one range only.
    Media,
    /// Audio.
    Audio,
    /// Video.
    Video,
    /// Application or desktop sharing.
    Sharing,
    /// Signalling.
    Signaling,
}

/// What a setting's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Always this, wherever something else of its section is told.
    Fixed(&'static str),
    /// The first port of a range.
    First(Part),
    /// The last port of a range, inclusive.
    Last(Part),
    /// `first-last`, inclusive.
    Range(Part),
    /// One port; the range must have no more.
    Port(Part),
    /// A mark.
    Mark(Part, Unit),
    /// A layer-2 priority, 0 to 7.
    Priority(Part),
    /// VLAN, layer-2 priority and mark in one, as `lldpcli` takes them.
    Advertised(Part),
    /// VLAN and layer-2 priority as a switch advertises them, `110 cos 5`; nothing without a VLAN.
    TaggedCos(Part),
    /// VLAN and mark as a switch advertises them, `110 dscp 46`; nothing without a VLAN.
    TaggedDscp(Part),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The section, element or registry key that it is in; empty for none.
    pub section: &'static str,
    /// Its name.
    pub key: &'static str,
    /// Its value.
    pub takes: Takes,
    /// The documented default, which the undo writes; without one the undo removes the setting.
    pub default: Option<&'static str>,
}

impl Setting {
    /// A setting.
    #[must_use]
    pub const fn new(section: &'static str, key: &'static str, takes: Takes) -> Self {
        Self {
            section,
            key,
            takes,
            default: None,
        }
    }

    /// With its documented default.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
}

/// One file of a product.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Its name in the output.
    pub name: &'static str,
    /// Where its lines go on the host.
    pub path: &'static str,
    /// How it is written.
    pub syntax: Syntax,
    /// For hosts of this kind only.
    pub host: Option<Host>,
    /// For these executables only; empty for all of the product's.
    pub executables: &'static [&'static str],
    /// Its settings.
    pub settings: &'static [Setting],
}

/// Whether a product can be told its ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// By settings of its table.
    Told,
    /// It sends no media, so a range for media is an error; the reason.
    None(&'static str),
    /// Not by its table; the reason.
    Elsewhere(&'static str),
}

/// What people do, beyond what follows from the files.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Position among all steps, see [`crate::target::order`].
    pub order: u16,
    /// Where it is done.
    pub place: &'static str,
    /// What is typed after the lines have been entered.
    pub commands: &'static [&'static str],
    /// How to ask the product what it believes.
    pub check: &'static [&'static str],
    /// What else to know.
    pub notes: &'static [&'static str],
}

/// A product: what it can be told and how. A target.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    /// The target's id.
    pub id: &'static str,
    /// The product's own name.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its executables in lower case, without `.exe`.
    pub executables: &'static [&'static str],
    /// Whether it is a desk phone: then every phone of the plan is meant when none is named.
    pub phones: bool,
    /// Where its ports come from.
    pub ports: Ports,
    /// The lowest port that it takes.
    pub lowest: u16,
    /// Whether a stream takes an even port for RTP and the odd one after it for RTCP.
    pub pairs: bool,
    /// Why it marks nothing or not everything, when that is so.
    pub silent: &'static str,
    /// Whether it marks, or has senders mark, by these settings alone, so that it can make rules.
    pub marks: bool,
    /// Its files.
    pub files: &'static [File],
    /// What people do.
    pub work: Work,
    /// Where the facts are from, for the documentation.
    pub source: &'static str,
}

impl Product {
    /// Every setting with its file.
    pub fn settings(&self) -> impl Iterator<Item = (&'static File, &'static Setting)> + use<> {
        let files = self.files.iter();
        files.flat_map(|file| file.settings.iter().map(move |setting| (file, setting)))
    }

    /// Whether an executable, by name or path, is the product's.
    #[must_use]
    pub fn is(&self, executable: &str) -> bool {
        names(self.executables, executable)
    }
}

/// Whether an executable, by name or path, is one of these names in lower case without `.exe`.
fn names(known: &[&str], executable: &str) -> bool {
    let file = perhop_policy::selector::file_name(executable).to_lowercase();
    known.contains(&file.strip_suffix(".exe").unwrap_or(&file))
}

impl Target for Product {
    fn id(&self) -> &'static str {
        self.id
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn losses(&self) -> &'static [LossKind] {
        fits::LOSSES
    }

    fn options(&self) -> &'static [OptionSpec] {
        let tagged = self
            .settings()
            .any(|(_, setting)| matches!(setting.takes, Takes::Advertised(_)));
        if tagged { WITH_VLAN } else { OPTIONS }
    }

    fn unit(&self) -> Option<Unit> {
        self.settings()
            .find_map(|(_, setting)| match setting.takes {
                Takes::Mark(_, unit) => Some(unit),
                Takes::Advertised(_) => Some(Unit::Number),
                _ => None,
            })
    }

    fn is_default_for(&self, policy: &PolicySet) -> bool {
        let asked = policy
            .targets()
            .iter()
            .any(|request| request.id == self.id && named(request).is_some());
        asked || policy.rules().iter().any(|rule| self.is(rule.app.as_str()))
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let apps = apps::of(policy, self, request)?;
        Ok(Box::new(program::SoftwareProgram::try_new(
            *self,
            policy,
            apps,
            vlan(request),
        )?))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        Ok(Box::new(read::read(self, artifacts)?))
    }
}

/// The applications that the plan names for the target.
pub(crate) fn named(request: &TargetRequest) -> Option<(&[String], perhop_policy::Span)> {
    request
        .options
        .iter()
        .find_map(|(key, value, span)| match value {
            OptionValue::List(list) if key == "apps" => Some((&list[..], *span)),
            _ => None,
        })
}

/// The option that every product has.
const APPS: OptionSpec = OptionSpec {
    key: "apps",
    kind: OptionKind::List,
    doc: "the applications of the plan that are this product; those whose `executable` is one of its own without it",
};

const OPTIONS: &[OptionSpec] = &[APPS];

const WITH_VLAN: &[OptionSpec] = &[
    APPS,
    OptionSpec {
        key: "vlan",
        kind: OptionKind::Integer(1, 4094),
        doc: "the VLAN that phones tag their packets with; none is advertised without it",
    },
];

/// The voice VLAN that the plan asks for.
fn vlan(request: &TargetRequest) -> Option<u16> {
    request
        .options
        .iter()
        .find_map(|(key, value, _)| match value {
            OptionValue::Integer(id) if key == "vlan" => u16::try_from(*id).ok(),
            _ => None,
        })
}

impl Part {
    /// The word that texts use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Media => "all media",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Sharing => "app-sharing",
            Self::Signaling => "signaling",
        }
    }
}

#[cfg(test)]
mod tests;
