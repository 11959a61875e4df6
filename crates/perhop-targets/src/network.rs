//! What all targets for the network share: marks by port where hosts are attached, and queues by mark.
//!
//! Packets are marked as near to their sender as possible: each scope has a list of its own, for the interfaces where its
//! hosts are attached, because that is what tells a device whose packets it sees. Everywhere else devices go by the mark.

pub mod cost;
pub mod entry;
pub mod label;
pub mod language;
pub mod lists;
pub mod model;
pub mod mqc;
pub mod options;
pub mod program;
pub mod queues;
pub mod unit;
pub mod values;

use perhop_policy::{
    ClassKind, Diagnostic, Dscp, Fit, Loss, LossKind, Marker, PolicySet, Role, RuleId, ScopeId,
    Span, TargetRequest,
};

use crate::codes;
use crate::network::entry::Entry;
use crate::network::options::Options;
use crate::network::queues::Queues;
use crate::windows_policy::folder;

pub use options::{ACCESS, MARK, RATE, SHARES, UNPLANNED, UPLINKS};

/// Marks where the hosts of one scope are attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The scope's name.
    pub scope: String,
    /// The part that its hosts play.
    pub role: Role,
    /// The folder of its files.
    pub folder: String,
    /// A short form of the scope's name for names on devices: letters, digits and `-`, at most 20.
    pub label: String,
    /// The interfaces where its hosts are attached, when the plan says so.
    pub interfaces: Vec<String>,
    /// Its packets: the first entry that takes one marks it.
    pub entries: Vec<Entry>,
    /// The rules that are in it, ascending.
    pub rules: Vec<RuleId>,
}

/// A policy as the network has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lowered {
    /// One for each scope that is marked.
    pub sections: Vec<Section>,
    /// Interfaces where hosts that mark by themselves are attached.
    pub trusted: Vec<String>,
    /// Interfaces with queues.
    pub uplinks: Vec<String>,
    /// Whether packets that no rule is about are set to DF.
    pub reset: bool,
    /// The queues.
    pub queues: Queues,
    /// What links with queues carry, in kbit/s.
    pub rate: Option<u64>,
    /// How well each rule is said.
    pub fits: Vec<(RuleId, Fit)>,
}

/// Every mark that the plan gives, ascending; DF only when a rule gives it.
#[must_use]
pub fn dscps(policy: &PolicySet) -> Vec<Dscp> {
    let classes = policy.classes().iter().map(|class| class.dscp);
    let classes = classes.filter(|dscp| *dscp != Dscp::DF);
    let mut out: Vec<Dscp> = classes
        .chain(policy.rules().iter().map(|rule| rule.dscp))
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Reads the options and makes a section for each scope that the network is to mark.
///
/// # Errors
/// Options that are wrong, and scopes whose names would be one on a device.
pub fn lower(policy: &PolicySet, request: &TargetRequest) -> Result<Lowered, Vec<Diagnostic>> {
    let options = options::read(policy, request)?;
    let queues = queues::queues(policy, &options)?;
    let (sections, said) = sections(policy, &options)?;
    let trusted = options
        .access
        .iter()
        .filter(|(scope, _)| {
            sections
                .iter()
                .all(|one| one.scope != policy.scope(*scope).name)
        })
        .map(|(_, interface)| interface.clone())
        .collect();
    Ok(Lowered {
        sections,
        trusted,
        uplinks: options.uplinks,
        reset: options.reset,
        queues,
        rate: options.rate,
        fits: fits(policy, &said),
    })
}

/// Rules, each with what it loses.
pub type Said = Vec<(RuleId, Vec<Loss>)>;

/// The sections of the scopes that the network marks, and the rules that are said there.
///
/// # Errors
/// Scopes whose names would be one on a device.
pub fn sections(
    policy: &PolicySet,
    options: &Options,
) -> Result<(Vec<Section>, Said), Vec<Diagnostic>> {
    let mut sections = Vec::new();
    let mut said = Said::new();
    for scope in policy.scope_ids() {
        let all = options.mark.contains(&scope);
        let wanted = |id| all || policy.rule(id).marker == Marker::Network;
        if let Some((section, rules)) = section(policy, scope, options, wanted) {
            sections.push(section);
            said.extend(rules);
        }
    }
    one_name_each(policy, &sections)?;
    Ok((sections, said))
}

/// A scope's section for the rules that are wanted, and what each rule in it loses; `None` when there is none.
pub fn section(
    policy: &PolicySet,
    scope: ScopeId,
    options: &Options,
    wanted: impl Fn(RuleId) -> bool,
) -> Option<(Section, Said)> {
    let made = entry::marks(policy, scope, wanted);
    if made.entries.is_empty() {
        return None;
    }
    let own = policy.scope(scope);
    let access = options.access.iter().filter(|(one, _)| *one == scope);
    let section = Section {
        scope: own.name.clone(),
        role: own.role,
        folder: folder::of_scope(&own.name),
        label: label::of_scope(&own.name),
        interfaces: access.map(|(_, interface)| interface.clone()).collect(),
        entries: made.entries,
        rules: made.rules.iter().map(|(id, _)| *id).collect(),
    };
    Some((section, made.rules))
}

/// Every rule's fit: with what it loses wherever it is said, or elsewhere.
#[must_use]
pub fn fits(policy: &PolicySet, said: &[(RuleId, Vec<Loss>)]) -> Vec<(RuleId, Fit)> {
    let mut all: Vec<Option<Vec<Loss>>> = vec![None; policy.rules().len()];
    for (id, losses) in said {
        let known = all[id.0 as usize].get_or_insert_default();
        for loss in losses {
            if !known.contains(loss) {
                known.push(loss.clone());
            }
        }
    }
    (0u32..)
        .map(RuleId)
        .zip(all)
        .map(|(id, losses)| (id, losses.map_or(Fit::Elsewhere, fit)))
        .collect()
}

/// The fit of a rule with these losses.
#[must_use]
pub fn fit(losses: Vec<Loss>) -> Fit {
    let narrower = |loss: &Loss| match loss.kind {
        LossKind::WiderApplication
        | LossKind::WiderAddress
        | LossKind::WiderPorts
        | LossKind::WiderProtocol
        | LossKind::AbsentThrottle => false,
        LossKind::NarrowerApplication | LossKind::NarrowerProtocol | LossKind::AbsentRule => true,
    };
    if losses.is_empty() {
        Fit::Exact
    } else if losses.iter().any(narrower) {
        Fit::Narrower(losses)
    } else {
        Fit::Wider(losses)
    }
}

/// Sentences about marks that fill a strict queue though they are not audio's alone.
#[must_use]
pub fn shared_queue_notes(queues: &Queues) -> Vec<String> {
    let one = |(dscp, kind): &(Dscp, ClassKind)| {
        format!(
            "The mark {dscp} is of audio and of {} both, so both are in the strict queue; give them different marks.",
            kind.as_str()
        )
    };
    queues.shared.iter().map(one).collect()
}

fn one_name_each(policy: &PolicySet, sections: &[Section]) -> Result<(), Vec<Diagnostic>> {
    let mut seen: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut problems = Vec::new();
    let origin = |name: &str| {
        let scope = policy.scopes().iter().find(|scope| scope.name == name);
        scope.map_or_else(Span::default, |scope| scope.origin)
    };
    for (index, section) in sections.iter().enumerate() {
        // A label names one folder only, but for the case of letters.
        for name in [
            section.folder.to_lowercase(),
            section.label.to_lowercase() + "/",
        ] {
            let Some(other) = seen.insert(name, index) else {
                continue;
            };
            if other == index {
                continue;
            }
            let (one, other) = (&section.scope, &sections[other].scope);
            problems.push(
                Diagnostic::error(
                    codes::SAME_NAME,
                    format!("`{other}` and `{one}` would have one name in files and on devices"),
                )
                .primary(origin(one), "this one")
                .secondary(origin(other), "and this one")
                .help("give them names that differ in more than the case of letters"),
            );
            break;
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}
