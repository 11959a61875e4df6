//! Phones take their ports and their mark in-band: audio only, whatever the protocol and the other side (uc-platforms 2.8).

use perhop_policy::{
    AppMatch, ClassKind, Dscp, Fit, FlowKey, Loss, LossKind, Marker, PolicySet, PortMatch,
    PortRange, Producer, ProducerKind, ProtocolMatch, RangeUse, Role, Rule, RuleId, Subject,
};

pub(super) const LOSSES: &[LossKind] = &[
    LossKind::WiderAddress,
    LossKind::WiderPorts,
    LossKind::WiderProtocol,
    LossKind::AbsentRule,
];

/// How well each rule is said: those of phones by the value that phones are given, the others elsewhere.
pub(super) fn fits(policy: &PolicySet, producers: &[Producer]) -> Vec<(RuleId, Fit)> {
    (0u32..)
        .zip(policy.rules())
        .map(|(index, rule)| {
            let scope = policy.scope(rule.scope);
            let fit = if scope.role == Role::Phone && rule.marker == Marker::Sender {
                let phones = Phones::of(producers, scope.site.as_deref());
                fit(rule, policy.class(rule.class).kind, &phones)
            } else {
                Fit::Elsewhere
            };
            (RuleId(index), fit)
        })
        .collect()
}

/// The mark that phones give a packet; `None` for scopes of other hosts, and when no mark is told.
pub(super) fn mark(producers: &[Producer], scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
    let site = match scope.strip_prefix("phones")? {
        "" => None,
        rest => Some(rest.strip_prefix('@')?),
    };
    let phones = Phones::of(producers, site);
    let dscp = phones.dscp?;
    let sends_audio = phones
        .audio
        .is_none_or(|range| range.contains(key.src_port));
    Some(sends_audio.then_some(dscp))
}

/// What phones of a site are told, the site's own objects hiding those of everyone.
struct Phones {
    dscp: Option<Dscp>,
    audio: Option<PortRange>,
}

impl Phones {
    fn of(producers: &[Producer], site: Option<&str>) -> Self {
        let find = |kind: ProducerKind| {
            let at = |subject: &Subject| {
                producers
                    .iter()
                    .find(|one| one.kind == kind && one.subject == *subject)
            };
            site.and_then(|name| at(&Subject::Site(name.to_owned())))
                .or_else(|| at(&Subject::Global))
        };
        let audio = find(ProducerKind::Clients).and_then(|clients| {
            let ranges = clients.ranges.iter();
            ranges
                .clone()
                .find(|range| range.used_for == RangeUse::Audio)
        });
        Self {
            dscp: find(ProducerKind::Phones).and_then(|phones| phones.dscp),
            audio: audio.map(|range| range.ports),
        }
    }
}

fn fit(rule: &Rule, class: ClassKind, phones: &Phones) -> Fit {
    let absent = |reason: String| {
        Fit::Absent(Loss {
            kind: LossKind::AbsentRule,
            reason,
        })
    };
    let Some(dscp) = phones.dscp else {
        return absent("the plan gives phones no DSCP to be told".to_owned());
    };
    if class != ClassKind::Audio {
        return absent("phones are told a mark for audio only".to_owned());
    }
    if dscp != rule.dscp {
        return absent(format!(
            "phones are told {dscp}, and the rule says {}",
            rule.dscp
        ));
    }
    if rule.app != AppMatch::Any {
        return absent("a phone has no executables to choose by".to_owned());
    }
    let told = phones.audio.map_or(PortMatch::Any, PortMatch::Range);
    let wider = [
        (
            !rule.src.is_empty() || !rule.dst.is_empty(),
            LossKind::WiderAddress,
            "a phone marks all its audio, whatever the addresses",
        ),
        (
            rule.src_ports.0 != told || rule.dst_ports.0 != PortMatch::Any,
            LossKind::WiderPorts,
            "a phone marks all its audio, from every port of the clients' audio range",
        ),
        (
            rule.protocol != ProtocolMatch::Both,
            LossKind::WiderProtocol,
            "a phone marks its audio over UDP and over TCP",
        ),
    ];
    let losses: Vec<Loss> = wider
        .into_iter()
        .filter(|(lost, ..)| *lost)
        .map(|(_, kind, reason)| Loss {
            kind,
            reason: reason.to_owned(),
        })
        .collect();
    if losses.is_empty() {
        Fit::Exact
    } else {
        Fit::Wider(losses)
    }
}
