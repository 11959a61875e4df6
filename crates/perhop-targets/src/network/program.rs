//! What targets of one shape share: a file of marks for each scope, and one of queues. A device's language is a table of
//! functions.

use std::collections::BTreeSet;

use perhop_policy::{
    Diagnostic, Dscp, Fit, FlowKey, Loss, LossKind, PolicySet, RuleId, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::network::entry::{Entry, groups};
use crate::network::model::{Policy, mark_name};
use crate::network::options;
use crate::network::queues::Queues;
use crate::network::read_back::{self, Marking as _, ReadBack};
use crate::network::unit::Unit;
use crate::network::{self, Lowered, Section, cost};
use crate::target::{OptionSpec, Program, Step, Target, order};

/// A device's language.
pub struct Language {
    /// The target's id.
    pub id: &'static str,
    /// The extension of its files.
    pub extension: &'static str,
    /// The file that makes marks, with comments before.
    pub marks: fn(&Policy, &[String]) -> Vec<u8>,
    /// The file that takes them away.
    pub undo_marks: fn(&Policy) -> Vec<u8>,
    /// Reads a file of marks.
    pub read_marks: fn(&str) -> Result<Policy, String>,
    /// What people do with marks.
    pub marks_step: fn(&Section, &Policy, &str) -> Words,
    /// Whether hardware may compare by value and mask, so that ranges cost entries.
    pub tcam: bool,
    /// What it cannot hold.
    pub limits: Limits,
    /// Its queues, where they are written.
    pub queues: Option<Queueing>,
}

/// What a device's rules cannot hold.
pub struct Limits {
    /// Whether rules may go by addresses. Where they may not, rules of the plan that do are absent.
    pub addresses: bool,
    /// Why a text is not one of its interfaces.
    pub interface: fn(&str) -> Result<(), &'static str>,
}

impl Limits {
    /// None but those of all devices.
    pub const NONE: Self = Self {
        addresses: true,
        interface: |_| Ok(()),
    };
}

/// A device's language for queues.
pub struct Queueing {
    /// The file that makes them.
    pub apply: fn(&Plan) -> Vec<u8>,
    /// The file that takes them away.
    pub undo: fn(&Plan) -> Vec<u8>,
    /// Reads the file that makes them.
    pub read: fn(&str) -> Result<Plan, String>,
    /// What people do with them.
    pub step: fn(&Plan, &str) -> Words,
}

/// A kind of device, as a target.
pub struct Device {
    /// Its language.
    pub language: &'static Language,
    /// See [`Target::summary`].
    pub summary: &'static str,
    /// See [`Target::options`].
    pub options: &'static [OptionSpec],
    /// See [`Target::unit`].
    pub unit: Unit,
    /// How a section stands on its devices.
    pub policy_of: fn(&Section, &Queues, bool) -> Policy,
}

impl Target for Device {
    fn id(&self) -> &'static str {
        self.language.id
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn losses(&self) -> &'static [LossKind] {
        if self.language.limits.addresses {
            LOSSES
        } else {
            LOSSES_WITHOUT_ADDRESSES
        }
    }

    fn options(&self) -> &'static [OptionSpec] {
        self.options
    }

    fn unit(&self) -> Option<Unit> {
        Some(self.unit)
    }

    fn is_default_for(&self, _policy: &PolicySet) -> bool {
        false
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        lower(self.language, policy, request, false, self.policy_of)
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        read(self.language, artifacts)
    }
}

/// Queues, and the interfaces that go by the mark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The queues.
    pub queues: Queues,
    /// Interfaces with queues.
    pub uplinks: Vec<String>,
    /// Interfaces where hosts that mark by themselves are attached.
    pub trusted: Vec<String>,
    /// Whether marks that the plan does not have are set to DF there.
    pub reset: bool,
    /// Whether the device is a switch, where its language differs for these.
    pub switch: bool,
}

/// The parts of a step that differ between languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Where: the kind of device, and with which rights.
    pub place: String,
    /// See [`Step::commands`].
    pub commands: Vec<String>,
    /// See [`Step::check`].
    pub check: Vec<String>,
    /// See [`Step::undo`].
    pub undo: Vec<String>,
    /// See [`Step::notes`].
    pub notes: Vec<String>,
}

/// The options of every such target.
pub const OPTIONS: &[OptionSpec] = &[
    network::MARK,
    network::ACCESS,
    network::UPLINKS,
    network::UNPLANNED,
    network::SHARES,
];

/// The options of those that write no queues.
pub const MARK_OPTIONS: &[OptionSpec] = &[network::MARK, network::ACCESS, network::UNPLANNED];

/// The losses of every such target.
pub const LOSSES: &[LossKind] = &[LossKind::WiderApplication, LossKind::NarrowerApplication];

const LOSSES_WITHOUT_ADDRESSES: &[LossKind] = &[
    LossKind::WiderApplication,
    LossKind::NarrowerApplication,
    LossKind::AbsentRule,
];

struct NetworkProgram {
    language: &'static Language,
    parts: Vec<(Section, Policy)>,
    plan: Plan,
    fits: Vec<(RuleId, Fit)>,
}

/// Makes the program of a target: `policy_of` says how a section stands on its devices.
///
/// # Errors
/// As [`network::lower`].
pub fn lower(
    language: &'static Language,
    policy: &PolicySet,
    request: &TargetRequest,
    switch: bool,
    policy_of: fn(&Section, &Queues, bool) -> Policy,
) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
    let mut lowered = network::lower(policy, request)?;
    keep_to(&language.limits, &mut lowered, request)?;
    let Lowered {
        sections,
        trusted,
        uplinks,
        reset,
        queues,
        fits,
    } = lowered;
    Ok(Box::new(NetworkProgram {
        language,
        parts: sections
            .into_iter()
            .map(|section| {
                let made = policy_of(&section, &queues, reset);
                (section, made)
            })
            .collect(),
        plan: Plan {
            queues,
            uplinks,
            trusted,
            reset,
            switch,
        },
        fits,
    }))
}

/// Takes out what the device's rules cannot hold, and says so.
fn keep_to(
    limits: &Limits,
    lowered: &mut Lowered,
    request: &TargetRequest,
) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut absent: BTreeSet<RuleId> = BTreeSet::new();
    for section in &mut lowered.sections {
        for interface in &section.interfaces {
            if let Err(why) = (limits.interface)(interface) {
                let at = options::place(request, network::ACCESS.key);
                problems.push(options::wrong(&network::ACCESS, interface, at, why));
            }
        }
        if !limits.addresses {
            let (keep, gone): (Vec<Entry>, Vec<Entry>) = std::mem::take(&mut section.entries)
                .into_iter()
                .partition(|entry| entry.src.is_empty() && entry.dst.is_empty());
            section.entries = keep;
            absent.extend(gone.into_iter().flat_map(|entry| entry.rules));
        }
    }
    for section in &mut lowered.sections {
        section.rules.retain(|rule| !absent.contains(rule));
    }
    lowered
        .sections
        .retain(|section| !section.entries.is_empty());
    for (_, fit) in lowered
        .fits
        .iter_mut()
        .filter(|(rule, _)| absent.contains(rule))
    {
        *fit = Fit::Absent(Loss {
            kind: LossKind::AbsentRule,
            reason: "its rules go by VLAN and ports, not by addresses".to_owned(),
        });
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// Reads what such a target wrote.
///
/// # Errors
/// Every file that does not read.
pub fn read(
    language: &'static Language,
    artifacts: &[Artifact],
) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
    let queues = format!("{}/queues/apply.{}", language.id, language.extension);
    if let Some(queueing) = &language.queues {
        read_back::read(
            artifacts,
            |path| (path == queues).then_some(path),
            queueing.read,
        )?;
    }
    let (before, after) = (
        format!("{}/marks/", language.id),
        format!("/apply.{}", language.extension),
    );
    let read: ReadBack<Policy> = read_back::read(
        artifacts,
        |path| path.strip_prefix(&before)?.strip_suffix(&after),
        language.read_marks,
    )?;
    Ok(Box::new(read))
}

impl NetworkProgram {
    fn queueing(&self) -> Option<&'static Queueing> {
        let some = !self.plan.queues.list.is_empty();
        self.language.queues.as_ref().filter(|_| some)
    }
}

impl Program for NetworkProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let Language { id, extension, .. } = self.language;
        let mut out = Vec::new();
        let mut file = |folder: &str, name: &str, purpose, bytes, rules: &[RuleId]| {
            out.push(Artifact {
                path: format!("{id}/{folder}/{name}.{extension}"),
                bytes,
                purpose,
                rules: rules.to_vec(),
            });
        };
        for (section, policy) in &self.parts {
            let folder = format!("marks/{}", section.folder);
            let apply = (self.language.marks)(policy, &comments(section, self.language.tcam));
            file(&folder, "apply", Purpose::Apply, apply, &section.rules);
            let undo = (self.language.undo_marks)(policy);
            file(&folder, "undo", Purpose::Undo, undo, &section.rules);
        }
        if let Some(queueing) = self.queueing() {
            let apply = (queueing.apply)(&self.plan);
            file("queues", "apply", Purpose::Apply, apply, &[]);
            let undo = (queueing.undo)(&self.plan);
            file("queues", "undo", Purpose::Undo, undo, &[]);
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        let id = self.language.id;
        let mut out = Vec::new();
        for (section, policy) in &self.parts {
            let folder = format!("./{id}/marks/{}", section.folder);
            let mut words = (self.language.marks_step)(section, policy, &folder);
            if self.language.tcam {
                let costs = cost::notes(std::iter::once(&section.entries[..]));
                words.notes.extend(costs);
            }
            let title = format!("Mark what `{}` sends where it is attached", section.scope);
            out.push(step(title, words));
        }
        if let Some(queueing) = self.queueing() {
            let mut words = (queueing.step)(&self.plan, &format!("./{id}/queues"));
            words
                .notes
                .extend(network::shared_queue_notes(&self.plan.queues));
            out.push(step("Give marks their queues".to_owned(), words));
        }
        out
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        let (_, policy) = self
            .parts
            .iter()
            .find(|(section, _)| section.scope == scope)?;
        Some(policy.mark(key))
    }
}

fn step(title: String, words: Words) -> Step {
    Step {
        order: order::NETWORK,
        title,
        place: words.place,
        commands: words.commands,
        check: words.check,
        undo: words.undo,
        notes: words.notes,
    }
}

/// What stands before marks: whose they are, and what their ranges cost.
fn comments(section: &Section, tcam: bool) -> Vec<String> {
    let mut out = vec![format!(
        "Marks of what {} sends, where it is attached.",
        section.scope
    )];
    if !tcam {
        return out;
    }
    for (dscp, entries) in groups(&section.entries) {
        let count = entries.len();
        out.push(format!(
            "{}: {count} {}, {} TCAM entries where ranges are expanded",
            mark_name(dscp),
            if count == 1 {
                "line of the plan"
            } else {
                "lines of the plan"
            },
            cost::of_entries(&entries),
        ));
    }
    out.extend(cost::lines(&section.entries));
    out
}

/// The interface where a policy is attached first, or the word for it.
#[must_use]
pub fn interface(policy: &Policy) -> &str {
    policy
        .interfaces
        .first()
        .map_or("INTERFACE", String::as_str)
}

/// What is entered by hand where the plan does not say where hosts are attached.
#[must_use]
pub fn by_hand(policy: &Policy, lines: &[String]) -> Vec<String> {
    if policy.interfaces.is_empty() {
        lines.to_vec()
    } else {
        Vec::new()
    }
}

/// How marks and queues are taken back, whatever the language.
#[must_use]
pub fn take_back(path: &str) -> String {
    format!(
        "the lines of `{path}`, entered alike, take off what was attached and everything that was made for it, and nothing else"
    )
}

/// The comments at the beginning of a file, without what makes them comments.
#[must_use]
pub fn leading_comments(text: &str, mark: &str) -> Vec<String> {
    text.lines()
        .map_while(|line| line.strip_prefix(mark).map(str::to_owned))
        .collect()
}

/// Holds that a file is what is written for the value that was read from it.
///
/// # Errors
/// The first line that differs.
pub fn same<T>(text: &str, again: &[u8], value: T) -> Result<T, String> {
    let written = String::from_utf8_lossy(again);
    let differs = |(a, b): (&str, &str)| a != b;
    match text.lines().zip(written.lines()).position(differs) {
        None if again == text.as_bytes() => Ok(value),
        None => Err("the file ends too early or too late".to_owned()),
        Some(at) => Err(format!("line {} is not one that is written here", at + 1)),
    }
}
