//! Losses: an error each, until the plan accepts them by name.

use perhop_policy::{Diagnostic, Fit, Loss, LossKind, Marker, PolicySet, RuleId, Span};

use crate::choose::Chosen;
use crate::codes;
use crate::target::{Program, losses_of};

/// Something lost with the plan's consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedLoss {
    /// The target's id.
    pub target: &'static str,
    /// The rule.
    pub rule: RuleId,
    /// What is lost.
    pub kind: LossKind,
    /// Why.
    pub reason: String,
}

/// Judges a program's fits: what the plan accepts goes into `accepted`, the rest into `problems`, and names accepted in
/// vain into `warnings`.
pub(crate) fn judge(
    policy: &PolicySet,
    chosen: &Chosen,
    program: &dyn Program,
    accepted: &mut Vec<AcceptedLoss>,
    problems: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) {
    let accepts = |kind: LossKind| {
        let name = kind.as_str();
        chosen.request.accept.iter().any(|(given, _)| given == name)
    };
    let mut met: Vec<LossKind> = Vec::new();
    let mut refused: Vec<Refused> = Vec::new();
    for (rule, fit) in program.fits() {
        let throttle = throttle(policy, chosen, *rule, fit);
        for loss in losses_of(fit).iter().chain(&throttle) {
            if accepts(loss.kind) {
                met.push(loss.kind);
                accepted.push(AcceptedLoss {
                    target: chosen.target.id(),
                    rule: *rule,
                    kind: loss.kind,
                    reason: loss.reason.clone(),
                });
                continue;
            }
            let code = code_of(loss.kind);
            match refused
                .iter_mut()
                .find(|r| (r.code, r.kind, &r.reason) == (code, loss.kind, &loss.reason))
            {
                Some(one) => one.rules.push(*rule),
                None => refused.push(Refused {
                    code,
                    kind: loss.kind,
                    reason: loss.reason.clone(),
                    rules: vec![*rule],
                }),
            }
        }
    }
    problems.extend(refused.iter().map(|one| one.diagnostic(policy, chosen)));
    for (name, span) in &chosen.request.accept {
        if !met.iter().any(|kind| kind.as_str() == name) {
            warnings.push(unmatched(chosen, name, *span));
        }
    }
}

/// What a target loses that marks a throttled rule of a host and has no way to throttle.
fn throttle(policy: &PolicySet, chosen: &Chosen, rule: RuleId, fit: &Fit) -> Option<Loss> {
    let rule = policy.rule(rule);
    let rate = rule.throttle?;
    let made = !matches!(fit, Fit::Elsewhere | Fit::Absent(_));
    let lost = chosen.target.losses().contains(&LossKind::AbsentThrottle);
    (made && lost && rule.marker == Marker::HostPolicy).then(|| Loss {
        kind: LossKind::AbsentThrottle,
        reason: format!("it marks only; what is sent is not kept to {rate}"),
    })
}

/// A loss of one kind and reason, with all the rules that it befalls.
struct Refused {
    code: &'static str,
    kind: LossKind,
    reason: String,
    rules: Vec<RuleId>,
}

impl Refused {
    fn diagnostic(&self, policy: &PolicySet, chosen: &Chosen) -> Diagnostic {
        let id = chosen.target.id();
        let kind = self.kind.as_str();
        let first = policy.rule(self.rules[0]);
        let what = match self.rules.len() {
            1 => format!("rule `{}`", first.name),
            2 => format!("rule `{}` and 1 other", first.name),
            n => format!("rule `{}` and {} others", first.name, n - 1),
        };
        let verb = match self.kind {
            LossKind::WiderApplication => format!("cannot keep {what} to its application"),
            LossKind::WiderAddress => format!("cannot keep {what} to its addresses"),
            LossKind::WiderPorts => format!("cannot keep {what} to its ports"),
            LossKind::WiderProtocol => format!("cannot keep {what} to its protocol"),
            LossKind::NarrowerApplication => {
                format!("cannot tell {what} from rules for other applications")
            }
            LossKind::NarrowerProtocol => format!("cannot mark every protocol of {what}"),
            LossKind::AbsentRule => format!("cannot say {what} at all"),
            LossKind::AbsentThrottle => format!("cannot throttle {what}"),
        };
        let mut out = Diagnostic::error(self.code, format!("`{id}` {verb}"));
        if chosen.named {
            out = out.primary(chosen.request.origin, "asked for here");
        }
        for (index, rule) in self.rules.iter().take(MAX_PLACES).enumerate() {
            let rule = policy.rule(*rule);
            let text = format!("`{}`", rule.name);
            out = if index == 0 && !chosen.named {
                out.primary(rule.origin, text)
            } else {
                out.secondary(rule.origin, text)
            };
        }
        out.note(&self.reason).help(format!(
            "accept it with `accept = [\"{kind}\"]` under [target.{id}], or leave the target out of `targets`"
        ))
    }
}

fn unmatched(chosen: &Chosen, name: &str, span: Span) -> Diagnostic {
    let id = chosen.target.id();
    let possible = chosen
        .target
        .losses()
        .iter()
        .any(|kind| kind.as_str() == name);
    let out = Diagnostic::warning(
        codes::UNMATCHED_ACCEPT,
        format!("`{id}` does not have the loss `{name}` that is accepted"),
    )
    .primary(span, "accepts nothing");
    if possible {
        out.note("no rule of this plan loses it there")
            .help("remove it")
    } else {
        out.note(format!("`{id}` never has this loss"))
            .help("remove it")
    }
}

const fn code_of(kind: LossKind) -> &'static str {
    match kind {
        LossKind::WiderApplication
        | LossKind::WiderAddress
        | LossKind::WiderPorts
        | LossKind::WiderProtocol => codes::WIDER,
        LossKind::NarrowerApplication | LossKind::NarrowerProtocol => codes::NARROWER,
        LossKind::AbsentRule | LossKind::AbsentThrottle => codes::ABSENT,
    }
}

/// More places than this make a report unreadable.
const MAX_PLACES: usize = 4;
