//! Drift: what is configured, held against a policy.
//!
//! Marks are compared as Windows would put them on: its own choice among the policies that were read is worked out
//! over all packets, and compared with the plan's regions. So is what lists of network devices do, one line after the other.

mod marks;
mod mend;
mod network;
mod objects;
mod reasons;
mod throttles;

use std::collections::BTreeSet;

use perhop_policy::{PolicySet, RuleId, ScopeId, Severity};
use perhop_targets::windows_policy::{self, Lowered};

use crate::codes;
use crate::fact::What;
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::policy::HostPolicy;
use crate::reading::{FileRead, Reading};

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// For each file, the senders of the plan that its policies are held against.
    pub scopes: Vec<Vec<String>>,
    /// Every rule that a Windows host puts on, with how it fares; after them those that the network puts on.
    pub rules: Vec<RuleState>,
    /// Everything found: what differs from the plan, and what is wrong in the files themselves.
    pub findings: Vec<Finding>,
}

/// How one rule fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleState {
    /// The rule.
    pub rule: RuleId,
    /// Who puts its mark on.
    pub by: By,
    /// Whether it is as planned.
    pub state: State,
    /// Names of the policies that win for its packets, or of the classes that take them.
    pub policies: Vec<String>,
}

/// Who puts a mark on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The policies of a Windows host.
    Windows,
    /// A device of the network, or the packet filter of a Linux host.
    Network,
}

impl By {
    /// The word that programs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Network => "network",
        }
    }
}

/// How a rule fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Every packet gets its mark.
    Ok,
    /// Some do not.
    Differs,
    /// No file is about its sender.
    NotCovered,
}

impl State {
    /// The word that programs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Differs => "differs",
            Self::NotCovered => "not-covered",
        }
    }
}

impl Audit {
    /// Whether nothing was found that is graver than information.
    #[must_use]
    pub fn is_as_planned(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity == Severity::Info)
    }
}

/// A policy that was read, with where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) policy: &'a HostPolicy,
    pub(crate) place: &'a Place,
    /// The Group Policy object it is in.
    pub(crate) object: Option<&'a str>,
}

/// Holds what was read against a policy. Files that name a sender (`FileRead::scope`) are that sender's; of others it
/// is told by their policies.
#[must_use]
pub fn audit(policy: &PolicySet, reading: &Reading) -> Audit {
    let lowered = windows_policy::lower(policy).ok();
    let scopes: Vec<Vec<ScopeId>> = reading
        .files
        .iter()
        .map(|file| scopes_of(policy, file))
        .collect();
    let mut out = Audit {
        scopes: scopes
            .iter()
            .map(|ids| {
                ids.iter()
                    .map(|id| policy.scope(*id).name.clone())
                    .collect()
            })
            .collect(),
        rules: Vec::new(),
        findings: Vec::new(),
    };
    for scope in policy.scope_ids() {
        let rules: Vec<RuleId> = rules_of(policy, scope);
        if rules.is_empty() {
            continue;
        }
        let seen = seen(reading, &scopes, scope);
        if seen.is_empty() && !scopes.iter().any(|ids| ids.contains(&scope)) {
            out.rules.extend(rules.into_iter().map(|rule| RuleState {
                rule,
                by: By::Windows,
                state: State::NotCovered,
                policies: Vec::new(),
            }));
            out.findings.push(not_covered(policy, scope));
            continue;
        }
        marks::compare(policy, scope, &rules, &seen, &mut out);
        nla(policy, scope, reading, &scopes, &seen, &mut out);
    }
    extras(policy, reading, lowered.as_ref(), &mut out);
    network::compare(policy, reading, &mut out);
    objects::compare(policy, reading, &mut out);
    of_files(reading, &mut out);
    out.findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    out
}

/// What is wrong in the files themselves, but for what is said already.
fn of_files(reading: &Reading, out: &mut Audit) {
    let told: BTreeSet<(Option<usize>, Option<usize>)> = out
        .findings
        .iter()
        .filter(|one| matches!(one.code, codes::AUDIT_RANGES_DISABLED | codes::AUDIT_HIDDEN))
        .filter_map(|one| one.place.as_ref())
        .map(|place| (Some(place.file), place.line))
        .collect();
    out.findings.extend(
        reading
            .findings()
            .filter(|one| {
                let at = one
                    .place
                    .as_ref()
                    .map(|place| (Some(place.file), place.line));
                !(one.code == codes::RANGES_DISABLED && at.is_some_and(|at| told.contains(&at)))
            })
            .cloned(),
    );
}

/// The rules of a sender that Windows puts on.
pub(crate) fn rules_of(policy: &PolicySet, scope: ScopeId) -> Vec<RuleId> {
    (0u32..)
        .map(RuleId)
        .zip(policy.rules())
        .filter(|(_, rule)| {
            rule.scope == scope && windows_policy::is_ours(policy.scope(scope), rule)
        })
        .map(|(id, _)| id)
        .collect()
}

/// The policies of a sender's files, each once.
fn seen<'a>(reading: &'a Reading, scopes: &[Vec<ScopeId>], scope: ScopeId) -> Vec<Seen<'a>> {
    let mut out: Vec<Seen<'a>> = Vec::new();
    for (file, ids) in reading.files.iter().zip(scopes) {
        if !ids.contains(&scope) {
            continue;
        }
        for (place, policy) in file.policies() {
            let same = |one: &Seen<'_>| {
                one.policy.name.eq_ignore_ascii_case(&policy.name)
                    && one.policy.conditions() == policy.conditions()
                    && one.policy.acts_like(policy)
                    && one.policy.user == policy.user
                    && one.policy.sound == policy.sound
            };
            if !out.iter().any(same) {
                out.push(Seen {
                    policy,
                    place,
                    object: file.object.as_deref(),
                });
            }
        }
    }
    out
}

/// The senders that a file's policies are for: the one that it names, else of each role the one that fits best.
fn scopes_of(policy: &PolicySet, file: &FileRead) -> Vec<ScopeId> {
    // Whose packets pass the lists of the network is looked at list by list.
    if file.format.is_of_network() {
        return Vec::new();
    }
    if let Some(name) = &file.scope {
        return policy
            .scope_ids()
            .filter(|id| policy.scope(*id).name == *name)
            .collect();
    }
    let mut best: Vec<(ScopeId, (usize, usize))> = Vec::new();
    for scope in policy.scope_ids() {
        let score = score(policy, scope, file);
        if score == (0, 0) {
            continue;
        }
        let role = policy.scope(scope).role;
        match best
            .iter_mut()
            .find(|(other, _)| policy.scope(*other).role == role)
        {
            Some(entry) if entry.1 < score => *entry = (scope, score),
            Some(_) => {}
            None => best.push((scope, score)),
        }
    }
    // A weak likeness counts only where nothing is alike.
    if best.iter().any(|(_, (strong, _))| *strong > 0) {
        best.retain(|(_, (strong, _))| *strong > 0);
    }
    best.into_iter().map(|(scope, _)| scope).collect()
}

/// How many policies are like a rule of a sender: the same ports and mark, and the same application.
fn score(policy: &PolicySet, scope: ScopeId, file: &FileRead) -> (usize, usize) {
    let (mut strong, mut weak) = (0, 0);
    for (_, seen) in file.policies() {
        let mut likeness = 0;
        for statement in policy.statements().iter().filter(|one| one.scope == scope) {
            let rule = policy.rule(statement.rule);
            if !windows_policy::is_ours(policy.scope(scope), rule) {
                continue;
            }
            let app = statement.app.rank() > 0
                && statement.app.intersection(&seen.app).is_some()
                && seen.app.rank() > 0;
            let ports = near(statement.src_ports.0, seen.src_ports.0)
                && near(statement.dst_ports.0, seen.dst_ports.0);
            let mark = seen.dscp == Some(statement.dscp);
            likeness = likeness.max(match (app, ports, mark) {
                (true, true, _) | (_, true, true) => 2,
                (true, ..) => 1,
                _ => 0,
            });
        }
        match likeness {
            2 => strong += 1,
            1 => weak += 1,
            _ => {}
        }
    }
    (strong, weak)
}

/// The same ports, or one more at the end.
pub(crate) fn near(planned: perhop_policy::PortMatch, seen: perhop_policy::PortMatch) -> bool {
    match (planned.range(), seen.range()) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.first() == b.first()
                && (a.last() == b.last() || a.last().checked_add(1) == Some(b.last()))
        }
        _ => false,
    }
}

fn not_covered(policy: &PolicySet, scope: ScopeId) -> Finding {
    let scope = policy.scope(scope);
    let mut finding = Finding::new(
        Severity::Info,
        Layer::Delivery,
        codes::AUDIT_NOT_COVERED,
        format!("no file is about the policies of `{}`", scope.name),
    )
    .help(format!(
        "on such a host run `reg.exe export HKLM\\{} {}.reg`, and give that file too; `{}=FILE` says that a file is theirs",
        windows_policy::POLICY_KEY,
        scope.name,
        scope.name
    ));
    finding.plan = Some(scope.origin);
    finding
}

/// The switch without which registry policies work in the domain only.
fn nla(
    policy: &PolicySet,
    scope: ScopeId,
    reading: &Reading,
    scopes: &[Vec<ScopeId>],
    seen: &[Seen<'_>],
    out: &mut Audit,
) {
    let Some(first) = seen
        .iter()
        .find(|one| one.policy.form == crate::policy::Form::Registry)
    else {
        return;
    };
    let objects: BTreeSet<&str> = seen.iter().filter_map(|one| one.object).collect();
    let on = reading.files.iter().zip(scopes).any(|(file, ids)| {
        let nobodys = ids.is_empty()
            && file.scope.is_none()
            && file
                .object
                .as_deref()
                .is_none_or(|object| objects.contains(object));
        (ids.contains(&scope) || nobodys)
            && file.facts.iter().any(|fact| fact.what == What::Nla(true))
    });
    if !on {
        let name = &policy.scope(scope).name;
        let mut finding = Finding::new(
            Severity::Warning,
            Layer::Host,
            codes::AUDIT_NLA_MISSING,
            format!("`Do not use NLA` is not set for `{name}`"),
        )
        .at(&Place::whole(first.place.file))
        .note("without it Windows marks only on networks that it takes for the domain's: not at home, in a workgroup, or on a second adapter")
        .help("when it is set elsewhere, give that file too; else run this on the hosts, and restart them")
        .command(crate::registry::nla_command());
        finding.plan = Some(policy.scope(scope).origin);
        out.findings.push(finding);
    }
}

/// Policies that the plan does not account for.
fn extras(policy: &PolicySet, reading: &Reading, lowered: Option<&Lowered>, out: &mut Audit) {
    let used: BTreeSet<String> = out
        .rules
        .iter()
        .flat_map(|rule| rule.policies.iter().map(|name| name.to_lowercase()))
        .collect();
    let ours: BTreeSet<String> = lowered
        .into_iter()
        .flat_map(|lowered| &lowered.sections)
        .flat_map(|section| &section.policies)
        .map(|policy| policy.name.to_lowercase())
        .collect();
    for file in &reading.files {
        for (place, seen) in file.policies() {
            let name = seen.name.to_lowercase();
            let dashed = ours.iter().any(|one| one.replace(' ', "-") == name);
            if used.contains(&name) || ours.contains(&name) || dashed {
                continue;
            }
            out.findings.push(
                Finding::new(
                    Severity::Info,
                    Layer::Match,
                    codes::AUDIT_EXTRA,
                    format!(
                        "`{}` is not of the plan: it {}, for {}",
                        seen.name,
                        seen.action(),
                        seen.conditions()
                    ),
                )
                .at(place)
                .help(format!(
                    "put it into the plan of `{}`, or remove it when nobody needs it",
                    policy.name()
                )),
            );
        }
    }
}
