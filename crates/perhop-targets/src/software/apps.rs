//! Which applications of the plan are a product, and what the plan says of them.

use perhop_policy::{
    AppMatch, ClassKind, Diagnostic, Dscp, Host, Marker, Pcp, PolicySet, PortRange, ProducerKind,
    ProtocolMatch, RangeUse, Role, Rule, RuleId, Span, Subject, TargetRequest,
};

use super::{Part, Product, named};
use crate::codes;
use crate::suggest;

/// An application of the plan, or its phones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct App {
    /// Its name in the plan; the scope's for the phones of `[phones]`.
    pub(crate) name: String,
    /// Whether it is one of `[app]`, which the policy has a producer for.
    pub(crate) own: bool,
    /// What the plan says, a rule an entry.
    pub(crate) entries: Vec<Entry>,
}

/// What one rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The rule; `None` after reading back.
    pub(crate) rule: Option<RuleId>,
    /// The scope's name.
    pub(crate) scope: String,
    /// What can be configured on its hosts.
    pub(crate) host: Host,
    /// The executable.
    pub(crate) app: AppMatch,
    /// The kind of its class.
    pub(crate) kind: ClassKind,
    /// Over what.
    pub(crate) protocol: ProtocolMatch,
    /// The sender's ports.
    pub(crate) ports: Option<PortRange>,
    /// Whether the rule has conditions that no setting says: addresses.
    pub(crate) addresses: bool,
    /// Whether it goes by the receiver's ports.
    pub(crate) destination: bool,
    /// The mark.
    pub(crate) dscp: Dscp,
    /// Layer-2 priority.
    pub(crate) pcp: Option<Pcp>,
    /// Who marks.
    pub(crate) marker: Marker,
    /// Where the plan says it.
    pub(crate) origin: Span,
}

/// The applications that are the product, by name.
pub(crate) fn of(
    policy: &PolicySet,
    product: &Product,
    request: &TargetRequest,
) -> Result<Vec<App>, Vec<Diagnostic>> {
    let asked = named(request);
    let mut apps: Vec<App> = Vec::new();
    for (index, rule) in (0u32..).zip(policy.rules()) {
        let (name, own) = app_name(policy, rule);
        let scope = policy.scope(rule.scope);
        let is_phone = scope.role == Role::Phone && rule.marker == Marker::Sender;
        let wanted = match asked {
            Some((names, _)) => names.iter().any(|one| one == name),
            None => product.is(rule.app.as_str()) || (product.phones && is_phone),
        };
        if !wanted {
            continue;
        }
        let entry = entry(policy, RuleId(index), rule);
        match apps.iter_mut().find(|app| app.name == name) {
            Some(app) => app.entries.push(entry),
            None => apps.push(App {
                name: name.to_owned(),
                own,
                entries: vec![entry],
            }),
        }
    }
    apps.sort_by(|a, b| a.name.cmp(&b.name));
    let problems = missing(policy, product, request, &apps);
    if problems.is_empty() {
        Ok(apps)
    } else {
        Err(problems)
    }
}

/// Applications that are named and not there, or a product that is listed and not there.
fn missing(
    policy: &PolicySet,
    product: &Product,
    request: &TargetRequest,
    apps: &[App],
) -> Vec<Diagnostic> {
    let mut known: Vec<&str> = policy
        .rules()
        .iter()
        .map(|rule| app_name(policy, rule).0)
        .collect();
    known.sort_unstable();
    known.dedup();
    if let Some((names, span)) = named(request) {
        let absent = names
            .iter()
            .filter(|name| apps.iter().all(|app| app.name != **name));
        return absent
            .map(|name| {
                Diagnostic::error(
                    codes::NO_APPLICATION,
                    format!(
                        "the plan has no application `{}` for `{}`",
                        name.escape_debug(),
                        product.id
                    ),
                )
                .primary(span, "named here")
                .help(suggest::help(name, &known))
            })
            .collect();
    }
    if !request.listed || !apps.is_empty() {
        return Vec::new();
    }
    let executables: Vec<String> = product
        .executables
        .iter()
        .map(|one| format!("`{one}`"))
        .collect();
    let out = Diagnostic::error(
        codes::NO_APPLICATION,
        format!("no application of the plan is `{}`", product.id),
    )
    .primary(request.origin, "there is nothing to tell it")
    .help(format!(
        "name the applications with `apps = [\"…\"]` under [target.{}]",
        product.id
    ));
    vec![if executables.is_empty() {
        out
    } else {
        out.note(format!(
            "an application is known by its executable: {}",
            executables.join(", ")
        ))
    }]
}

/// What the plan calls who sends by this rule, and whether that is one of `[app]`.
fn app_name<'a>(policy: &'a PolicySet, rule: &'a Rule) -> (&'a str, bool) {
    let component = rule.component.as_str();
    let own = policy
        .producers()
        .iter()
        .any(|one| matches!(&one.kind, ProducerKind::Software(name) if name == component));
    let scope = policy.scope(rule.scope);
    let own = own || is_named(rule, &scope.name, &policy.class(rule.class).name);
    if own || scope.role != Role::Phone {
        (component, own)
    } else {
        (&scope.name, false)
    }
}

/// Whether the rule's name is scope, component and class: those of `[app]` are.
fn is_named(rule: &Rule, scope: &str, class: &str) -> bool {
    let rest = rule
        .name
        .strip_prefix(scope)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.strip_prefix(rule.component.as_str()))
        .and_then(|rest| rest.strip_prefix('/'));
    rest == Some(class)
}

fn entry(policy: &PolicySet, id: RuleId, rule: &Rule) -> Entry {
    let scope = policy.scope(rule.scope);
    let class = policy.class(rule.class);
    let own = policy.producers().iter().find(|one| {
        one.kind == ProducerKind::Phones
            && match &one.subject {
                Subject::Global => scope.site.is_none(),
                Subject::Site(name) => scope.site.as_ref() == Some(name),
                Subject::Service(_) => false,
            }
    });
    let phones = own.filter(|_| scope.role == Role::Phone);
    Entry {
        rule: Some(id),
        scope: scope.name.clone(),
        host: scope.host,
        app: rule.app.clone(),
        kind: class.kind,
        protocol: rule.protocol,
        ports: rule.src_ports.0.range(),
        addresses: !rule.src.is_empty() || !rule.dst.is_empty(),
        destination: rule.dst_ports.0.range().is_some(),
        dscp: rule.dscp,
        pcp: phones.and_then(|phones| phones.pcp).or(class.pcp),
        marker: rule.marker,
        origin: rule.origin,
    }
}

/// The part that settings call the traffic of a class, when they have a word for it.
pub(crate) const fn part_of(kind: ClassKind) -> Option<Part> {
    match kind {
        ClassKind::Audio => Some(Part::Audio),
        ClassKind::Video => Some(Part::Video),
        ClassKind::AppSharing => Some(Part::Sharing),
        ClassKind::Signaling => Some(Part::Signaling),
        ClassKind::FileTransfer | ClassKind::Other => None,
    }
}

/// What a producer calls a range for the traffic of a class.
pub(crate) const fn use_of(kind: ClassKind) -> Option<RangeUse> {
    match kind {
        ClassKind::Audio => Some(RangeUse::Audio),
        ClassKind::Video => Some(RangeUse::Video),
        ClassKind::AppSharing => Some(RangeUse::AppSharing),
        ClassKind::FileTransfer => Some(RangeUse::FileTransfer),
        ClassKind::Signaling => Some(RangeUse::Signaling),
        ClassKind::Other => None,
    }
}
