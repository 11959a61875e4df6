//! Attribution: which rules of the plan a flow is under, by the scope that sent it.

use std::cmp::Reverse;

use perhop_policy::{
    AppMatch, Candidate, ClassKind, Dscp, Host, Marker, PolicySet, PortMatch, PortRange, Protocol,
    Role, RuleId, Vantage,
};

use crate::seen::{Carried, Payload, Seen, Tuple};
use crate::tolerance::Tolerances;

/// Ports on which media relays and their clients meet: STUN and TURN, then Microsoft's relay ports for audio, video and
/// sharing (verification.md section 3).
const RELAY_PORTS: std::ops::RangeInclusive<u16> = 3478..=3481;

/// First port that Windows and macOS hand out by themselves (RFC 6335 section 6).
const FIRST_DYNAMIC_PORT: u16 = 49_152;

/// First port that Linux hands out by itself.
const FIRST_DYNAMIC_PORT_LINUX: u16 = 32_768;

/// A range with more ports than this is hit by chance.
const WIDE_RANGE: u32 = 1024;

/// The narrow ranges of a plan: ports on which the engine may take two packets that go together for a stream.
///
/// Ranges that systems hand out ports from, and ranges so wide that others hit them, are left out.
#[must_use]
pub fn media_ports(policy: &PolicySet) -> Vec<PortRange> {
    let mut out: Vec<PortRange> = policy
        .rules()
        .iter()
        .flat_map(|rule| [rule.src_ports.0, rule.dst_ports.0])
        .filter_map(PortMatch::range)
        .filter(|range| range.count() <= WIDE_RANGE && range.last() < FIRST_DYNAMIC_PORT)
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// How a rule came to hold a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// The rule holds the flow as it is sent.
    AsSent,
    /// The port is right after the end of the rule's range.
    PastEnd,
    /// The rule holds the other direction, and the plan has nobody who could be this sender.
    Return,
}

impl Basis {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AsSent => "as-sent",
            Self::PastEnd => "past-end",
            Self::Return => "return",
        }
    }
}

/// Why the flow is believed to be what the rule is about. The rule's process cannot be seen in a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// The payload, in this direction or the other, is media, or checks for media.
    Payload,
    /// The plan places the sender.
    Place,
    /// The other end is where the plan or a relay expects the peer.
    Peer,
    /// The port alone: another program may use it.
    PortOnly,
}

/// The rules that a flow is under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attribution {
    /// How they hold it.
    pub basis: Basis,
    /// How sure that is.
    pub proof: Proof,
    /// At least one rule, the likeliest first.
    pub rules: Vec<Candidate>,
}

impl Attribution {
    /// The likeliest rule.
    #[must_use]
    pub fn rule(&self) -> RuleId {
        self.rules[0].rule
    }

    /// Whether the rules give different marks, so that any of them has to be accepted.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.rules.iter().any(|one| one.dscp != self.rules[0].dscp)
    }

    /// The marks that count as planned, ascending.
    ///
    /// A rule that the network marks is planned as 0 at the sender; a sender that marks by itself already does no harm.
    #[must_use]
    pub fn expected(&self, policy: &PolicySet, vantage: Vantage) -> Vec<Dscp> {
        let mut marks: Vec<Dscp> = self.rules.iter().map(|one| one.dscp).collect();
        if vantage == Vantage::Sender {
            marks.extend(
                self.rules
                    .iter()
                    .map(|one| policy.rule(one.rule))
                    .filter(|rule| rule.marker == Marker::Network)
                    .map(|rule| rule.dscp),
            );
        }
        marks.sort_unstable();
        marks.dedup();
        marks
    }
}

/// Why no rule holds a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outside {
    /// It is neither UDP nor TCP, or its ports cannot be seen.
    NoPorts,
    /// Its sender is outside the network that the plan is for.
    Network,
    /// No rule holds its addresses and ports.
    NoRule,
}

/// Attributes flows of one capture.
#[derive(Debug, Clone, Copy)]
pub struct Attributor<'a> {
    policy: &'a PolicySet,
    vantage: Vantage,
    tolerances: &'a Tolerances,
}

impl<'a> Attributor<'a> {
    /// For a plan, a vantage and what is tolerated.
    #[must_use]
    pub const fn new(policy: &'a PolicySet, vantage: Vantage, tolerances: &'a Tolerances) -> Self {
        Self {
            policy,
            vantage,
            tolerances,
        }
    }

    /// The rules that a flow is under. `reverse` gives the flow of the other direction, when the capture has it; it is
    /// asked only where this one does not tell enough.
    ///
    /// # Errors
    /// Why there is none.
    pub fn attribute(
        &self,
        seen: &Seen,
        reverse: impl Fn() -> Option<Carried>,
    ) -> Result<Attribution, Outside> {
        let tuple = seen.tuple.ok_or(Outside::NoPorts)?;
        let as_sent = self.policy.candidates(&tuple.key(), self.vantage);
        if self.is_outside(&tuple) && !as_sent.iter().any(|one| one.located) {
            return self.returning(seen, tuple).ok_or(Outside::Network);
        }
        if !as_sent.is_empty() {
            let back = (seen.payload != Payload::Media).then(reverse).flatten();
            let media = seen.media.or(back.and_then(|one| one.media));
            let mut rules = self.choose(as_sent, media);
            rules.extend(self.of_the_port_before(seen, tuple, &rules));
            return Ok(Attribution {
                basis: Basis::AsSent,
                proof: self.proof(seen, back, &rules),
                rules,
            });
        }
        self.past_end(seen, tuple)
            .or_else(|| self.returning(seen, tuple))
            .ok_or(Outside::NoRule)
    }

    /// The rules of the stream that RTCP on an odd port belongs to, which uses the even port before it (RFC 3550
    /// section 11), when they give another mark.
    fn of_the_port_before(&self, seen: &Seen, tuple: Tuple, own: &[Candidate]) -> Vec<Candidate> {
        if seen.payload != Payload::Rtcp || tuple.src_port.is_multiple_of(2) {
            return Vec::new();
        }
        let before = Tuple {
            src_port: tuple.src_port - 1,
            ..tuple
        };
        let mut rules = self.policy.candidates(&before.key(), self.vantage);
        rules.retain(|one| own.iter().all(|known| known.dscp != one.dscp));
        rules
    }

    fn is_outside(&self, tuple: &Tuple) -> bool {
        let internal = self.policy.internal();
        !internal.is_empty() && !internal.iter().any(|net| net.contains(&tuple.src))
    }

    /// Keeps what the plan places at the sender, else all; then what the payload says, when it tells rules apart.
    fn choose(&self, mut rules: Vec<Candidate>, media: Option<ClassKind>) -> Vec<Candidate> {
        if rules.iter().any(|one| one.located) {
            rules.retain(|one| one.located);
        }
        let fits = |one: &Candidate| media.is_some_and(|media| self.kind(one) == media);
        let differ = rules.iter().any(|one| one.dscp != rules[0].dscp);
        if differ && rules.iter().any(fits) {
            rules.retain(fits);
        }
        rules.sort_by_key(|one| (Reverse(fits(one)), one.rule));
        rules
    }

    fn kind(&self, candidate: &Candidate) -> ClassKind {
        self.policy
            .class(self.policy.rule(candidate.rule).class)
            .kind
    }

    fn proof(&self, seen: &Seen, back: Option<Carried>, rules: &[Candidate]) -> Proof {
        let signaling = |rule| self.kind(rule) == ClassKind::Signaling;
        let payloads = [Some(seen.payload), back.map(|one| one.payload)];
        let has = |payload| payloads.contains(&Some(payload));
        if has(Payload::Media) || has(Payload::Rtcp) || has(Payload::Checks) {
            return Proof::Payload;
        }
        if seen.payload == Payload::Signaling && rules.iter().any(signaling) {
            return Proof::Payload;
        }
        let service = |tuple: Tuple| tuple.dst_port < 1024 && tuple.dst_port != 443;
        if has(Payload::Signaling) || seen.tuple.is_some_and(service) {
            Proof::PortOnly
        } else if rules.iter().any(|one| self.takes_all_at(one)) {
            Proof::Place
        } else if seen
            .tuple
            .is_some_and(|tuple| self.meets_peer(tuple, rules))
        {
            Proof::Peer
        } else {
            Proof::PortOnly
        }
    }

    /// Whether the rule marks whatever a placed host sends, so that its process does not matter.
    fn takes_all_at(&self, candidate: &Candidate) -> bool {
        candidate.located && self.policy.rule(candidate.rule).app == AppMatch::Any
    }

    /// Whether the other end is where a planned peer or a relay would be. Two ports that systems hand out by themselves
    /// prove nothing about each other.
    fn meets_peer(&self, tuple: Tuple, rules: &[Candidate]) -> bool {
        let relay = |port| RELAY_PORTS.contains(&port);
        let placed_relay = || {
            self.policy
                .scopes_at(tuple.dst)
                .into_iter()
                .any(|(scope, located)| {
                    located && matches!(self.policy.scope(scope).role, Role::Edge | Role::VoiceMail)
                })
        };
        let same_class = || {
            self.policy
                .candidates(&tuple.reversed().key(), self.vantage)
                .iter()
                .any(|peer| rules.iter().any(|one| self.kind(one) == self.kind(peer)))
        };
        let dynamic = |port| port >= FIRST_DYNAMIC_PORT;
        (tuple.protocol == Protocol::Udp && (relay(tuple.src_port) || relay(tuple.dst_port)))
            || placed_relay()
            || (!(dynamic(tuple.src_port) && dynamic(tuple.dst_port)) && same_class())
    }

    /// Whether a port alone does not prove that a rule was meant: the operating system hands it out to any program, the
    /// range is so wide that others hit it by chance, or the peer's port is another service's.
    #[must_use]
    pub fn may_be_another_program(&self, tuple: Tuple, attribution: &Attribution) -> bool {
        let by_chance = |one: &Candidate| {
            let rule = self.policy.rule(one.rule);
            let dynamic_from = match self.policy.scope(rule.scope).host {
                Host::Linux => FIRST_DYNAMIC_PORT_LINUX,
                Host::Windows | Host::MacOs | Host::Appliance => FIRST_DYNAMIC_PORT,
            };
            let narrower = rule
                .src_ports
                .0
                .span()
                .count()
                .min(rule.dst_ports.0.span().count());
            tuple.src_port >= dynamic_from || narrower > WIDE_RANGE
        };
        attribution.proof == Proof::PortOnly
            && (tuple.dst_port < 1024 || attribution.rules.iter().all(by_chance))
    }

    /// Rules that would hold the flow if its port were a little lower; only for what is media or carries their mark.
    fn past_end(&self, seen: &Seen, tuple: Tuple) -> Option<Attribution> {
        for back in 1..=self.tolerances.ports_past_end {
            let src_port = tuple.src_port.checked_sub(back);
            let dst_port = tuple.dst_port.checked_sub(back);
            let shifted = [
                src_port.map(|src_port| Tuple { src_port, ..tuple }),
                dst_port.map(|dst_port| Tuple { dst_port, ..tuple }),
            ];
            for near in shifted.into_iter().flatten() {
                let mut rules = self.policy.candidates(&near.key(), self.vantage);
                let marked =
                    |one: &Candidate| one.dscp != Dscp::DF && seen.judged.only() == Some(one.dscp);
                if !matches!(seen.payload, Payload::Media | Payload::Rtcp) {
                    rules.retain(marked);
                }
                if !rules.is_empty() {
                    let rules = self.choose(rules, seen.media);
                    return Some(Attribution {
                        basis: Basis::PastEnd,
                        proof: self.proof(seen, None, &rules),
                        rules,
                    });
                }
            }
        }
        None
    }

    /// Media that comes back from where the plan has no sender.
    fn returning(&self, seen: &Seen, tuple: Tuple) -> Option<Attribution> {
        let inside = !self.is_outside(&tuple.reversed());
        if seen.payload != Payload::Media || !inside || !self.is_foreign(&tuple) {
            return None;
        }
        let mut rules = self
            .policy
            .candidates(&tuple.reversed().key(), self.vantage);
        rules.retain(|one| {
            let scope = self.policy.rule(one.rule).scope;
            matches!(self.policy.scope(scope).role, Role::Client | Role::Phone)
        });
        if rules.is_empty() {
            return None;
        }
        Some(Attribution {
            basis: Basis::Return,
            proof: Proof::Payload,
            rules: self.choose(rules, seen.media),
        })
    }

    /// Whether the plan has no scope that could be this sender: it is outside the network, every scope is placed
    /// elsewhere, or it sends from a relay's port and no relay of the plan is there.
    fn is_foreign(&self, tuple: &Tuple) -> bool {
        let scopes = self.policy.scopes_at(tuple.src);
        let relay_port = RELAY_PORTS.contains(&tuple.src_port) || tuple.src_port == 443;
        let own_relay = scopes
            .iter()
            .any(|(scope, located)| *located && self.policy.scope(*scope).role == Role::Edge);
        scopes.is_empty() || self.is_outside(tuple) || (relay_port && !own_relay)
    }
}
