//! What targets of one shape share: a file of marks for each scope, and one of queues. A device's language is a table of
//! functions.

use std::collections::BTreeSet;

use perhop_policy::{
    Diagnostic, Dscp, Fit, FlowKey, Loss, LossKind, PolicySet, RuleId, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::codes;
use crate::network::entry::{Entry, groups};
use crate::network::model::{Policy, mark_name};
use crate::network::options;
use crate::network::queues::Queues;
use crate::network::unit::Unit;
use crate::network::{self, Lowered, Section, cost};
use crate::read_back::{self, Marking as _, ReadBack};
use crate::target::{OptionSpec, Program, Step, Target, order};

pub use crate::network::language::{
    Besides, Count, Language, Limits, Named, Part, Plan, Queueing, When, Words,
};

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

/// The options of every such target.
pub const OPTIONS: &[OptionSpec] = &[
    network::MARK,
    network::ACCESS,
    network::UPLINKS,
    network::UNPLANNED,
    network::SHARES,
];

/// The options of those whose queues need to know what the links carry.
pub const RATED_OPTIONS: &[OptionSpec] = &[
    network::MARK,
    network::ACCESS,
    network::UPLINKS,
    network::UNPLANNED,
    network::SHARES,
    network::RATE,
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
    parts: Vec<Part>,
    plan: Plan,
    fits: Vec<(RuleId, Fit)>,
    besides: Option<&'static Besides>,
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
        rate,
        fits,
    } = lowered;
    let mut parts: Vec<Part> = sections
        .into_iter()
        .map(|section| {
            let mut made = policy_of(&section, &queues, reset);
            if language.limits.towards {
                made.towards.clone_from(&uplinks);
            }
            (section, made)
        })
        .collect();
    if let Some(count) = &language.limits.rules {
        number(language.id, count, &mut parts, request)?;
    }
    let plan = Plan {
        queues,
        uplinks,
        trusted,
        reset,
        switch,
        rate,
    };
    let asked = |one: &&Besides| options::is_set(request, one.option.key, false);
    let besides = language.besides.as_ref().filter(asked);
    if let Some(Err(why)) = besides.map(|one| (one.check)(&parts, &plan)) {
        let key = besides.map_or("", |one| one.option.key);
        let out = Diagnostic::error(codes::OPTION_VALUE, format!("`{key}` cannot say this plan"))
            .primary(options::place(request, key), "asked for here")
            .note(why)
            .help("leave it out; the target's own marks and queues say the whole plan");
        return Err(vec![out]);
    }
    Ok(Box::new(NetworkProgram {
        language,
        besides,
        parts,
        plan,
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

/// Counts the rules of a device's policies, one after the other.
fn number(
    id: &str,
    count: &Count,
    parts: &mut [Part],
    request: &TargetRequest,
) -> Result<(), Vec<Diagnostic>> {
    let mut all = 0;
    let mut each = Vec::new();
    for (section, policy) in parts {
        policy.before = all;
        let own = (count.of)(policy);
        each.push(format!("`{}` takes {own}", section.scope));
        all += own;
    }
    let given = count.option.and_then(|option| {
        let most = usize::try_from(options::integer(request, option.key)?).ok()?;
        Some((most, options::place(request, option.key)))
    });
    let (most, at) = match (given, count.most) {
        (Some(given), _) => given,
        (None, Some(most)) => (most, request.origin),
        (None, None) => return Ok(()),
    };
    if all <= most {
        return Ok(());
    }
    let out = Diagnostic::error(
        codes::TOO_MANY_RULES,
        format!("`{id}` would have {all} rules, and {most} is the most"),
    )
    .primary(at, "more than this")
    .note(each.join(", "))
    .help("mark fewer scopes there, at fewer places, or give a class one range instead of several");
    Err(vec![out])
}

/// Reads what such a target wrote.
///
/// # Errors
/// Every file that does not read.
pub fn read(
    language: &'static Language,
    artifacts: &[Artifact],
) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
    if let Some(queueing) = &language.queues {
        let queues = format!("{}/queues/apply.{}", language.id, queueing.extension);
        read_back::read_text(
            artifacts,
            |path| (path == queues).then_some(path),
            queueing.read,
        )?;
    }
    let (before, after) = (
        format!("{}/marks/", language.id),
        format!("/apply.{}", language.extension),
    );
    let read: ReadBack<Policy> = read_back::read_text(
        artifacts,
        |path| path.strip_prefix(&before)?.strip_suffix(&after),
        language.read_marks,
    )?;
    Ok(Box::new(read))
}

impl NetworkProgram {
    fn queueing(&self) -> Option<&'static Queueing> {
        let some = !self.plan.queues.list.is_empty();
        let is_due = |queueing: &&Queueing| match queueing.when {
            When::Queued => some,
            When::Named => some || !self.parts.is_empty(),
            When::Rated => some && self.plan.rate.is_some(),
        };
        self.language.queues.as_ref().filter(is_due)
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
                path: format!("{id}/{folder}/{name}"),
                bytes,
                purpose,
                rules: rules.to_vec(),
            });
        };
        for (section, policy) in &self.parts {
            let folder = format!("marks/{}", section.folder);
            let apply = (self.language.marks)(policy, &comments(section, self.language.tcam));
            let rules = &section.rules[..];
            let names = ["apply", "undo"].map(|name| format!("{name}.{extension}"));
            file(&folder, &names[0], Purpose::Apply, apply, rules);
            let undo = (self.language.undo_marks)(policy);
            file(&folder, &names[1], Purpose::Undo, undo, rules);
        }
        if let Some(queueing) = self.queueing() {
            let extension = queueing.extension;
            let names = ["apply", "undo"].map(|name| format!("{name}.{extension}"));
            let apply = (queueing.apply)(&self.plan);
            file("queues", &names[0], Purpose::Apply, apply, &[]);
            let undo = (queueing.undo)(&self.plan);
            file("queues", &names[1], Purpose::Undo, undo, &[]);
        }
        if let Some(besides) = self.besides {
            for (name, purpose, bytes) in (besides.files)(&self.parts, &self.plan) {
                file(besides.option.key, name, purpose, bytes, &[]);
            }
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
        if let Some(besides) = self.besides {
            let key = besides.option.key;
            let words = (besides.step)(&format!("./{id}/{key}"));
            out.push(step(format!("Or let {key} mark and queue"), words));
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
