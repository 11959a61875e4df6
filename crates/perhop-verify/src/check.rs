//! Checks: from judged flows to findings, one for each thing that is wrong, not one for each flow.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use perhop_policy::{ClassId, Dscp, PolicySet, Role, ScopeId, Span, Vantage};

use crate::cause::pattern::{self, Pattern};
use crate::finding::Finding;
use crate::seen::{Payload, Seen, Tuple};
use crate::source::{FlowSource, Index};
use crate::tolerance::Tolerances;
use crate::verdict::{Judged, JudgedFlows, Note, Verdict};

mod expected;
mod mixed;
mod out_of_range;
mod remarked;
mod tunnel;
mod unmarked;
mod unplanned_mark;

/// Everything that checks look at.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) policy: &'a PolicySet,
    pub(crate) vantage: Vantage,
    pub(crate) tolerances: &'a Tolerances,
    pub(crate) flows: FlowSource<'a>,
    pub(crate) judged: &'a JudgedFlows,
    pub(crate) index: &'a Index<'a>,
    pub(crate) hosts: Hosts,
    /// A bitwise rule that explains re-marked flows of several classes.
    pub(crate) pattern: Option<Pattern>,
}

/// Hosts by scope and class: whether a flow of theirs has a planned mark on at least some packets.
pub(crate) type Hosts = BTreeMap<(ScopeId, ClassId), BTreeMap<IpAddr, bool>>;

/// All findings, the gravest first, then those about the most packets, by code and by the first flow.
pub(crate) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    out.extend(unmarked::check(context));
    out.extend(remarked::check(context));
    out.extend(mixed::check(context));
    out.extend(out_of_range::check(context));
    out.extend(unplanned_mark::check(context));
    out.extend(tunnel::check(context));
    out.extend(expected::check(context));
    out.sort_by_cached_key(|one| {
        let packets: u64 = one.flows.iter().map(|at| context.flows.packets(*at)).sum();
        let first = one.flows.first().copied();
        (Reverse((one.severity, packets)), one.code, first)
    });
    out
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        policy: &'a PolicySet,
        vantage: Vantage,
        tolerances: &'a Tolerances,
        flows: FlowSource<'a>,
        index: &'a Index<'a>,
        judged: &'a JudgedFlows,
    ) -> Self {
        let mut out = Self {
            policy,
            vantage,
            tolerances,
            flows,
            judged,
            index,
            hosts: Hosts::new(),
            pattern: None,
        };
        let mut pairs: Vec<(Dscp, Dscp)> = Vec::new();
        for (at, one) in judged.iter().enumerate() {
            let Some(place) = out.place(at) else { continue };
            let marked = out
                .hosts
                .entry(place)
                .or_default()
                .entry(flows.key(at).src)
                .or_default();
            *marked |= matches!(one.verdict, Verdict::Ok | Verdict::Mixed);
            if one.verdict == Verdict::Remarked
                && let (&[sent], Some(seen)) = (&one.expected[..], one.seen)
                && !policy.classes().iter().any(|class| class.dscp == seen)
            {
                pairs.push((sent, seen));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        if vantage != Vantage::Sender {
            out.pattern = pattern::structural(&pairs);
        }
        out
    }

    /// Scope and class of a flow that is under a rule as it is sent.
    pub(crate) fn place(&self, at: usize) -> Option<(ScopeId, ClassId)> {
        let one = &self.judged[at];
        let rule = self.policy.rule(
            one.attribution
                .as_ref()
                .filter(|_| one.is_planned())?
                .rule(),
        );
        Some((rule.scope, rule.class))
    }

    /// Flows with a verdict that make a finding of their own: planned, not accepted, long enough, more than checks.
    pub(crate) fn failing(&self, verdict: Verdict) -> impl Iterator<Item = usize> {
        self.with(move |one| {
            one.verdict == verdict
                && one.is_planned()
                && one.payload != Payload::Checks
                && one.is_reportable()
        })
    }

    /// Flows that a test takes.
    pub(crate) fn with(&self, test: impl Fn(&Judged) -> bool) -> impl Iterator<Item = usize> {
        let numbered = self.judged.iter().enumerate();
        numbered.filter_map(move |(at, one)| test(one).then_some(at))
    }

    /// The flow of the other direction.
    pub(crate) fn reverse(&self, at: usize) -> Option<usize> {
        self.index.find(self.flows.key(at).reversed())
    }

    /// Whether a sender is likely what its rule says. Ranges of servers are wide and dynamic, so a server that the plan
    /// does not place has to talk to a planned port of clients, or to a placed relay.
    pub(crate) fn knows_sender(&self, at: usize) -> bool {
        let Some((scope, _)) = self.place(at) else {
            return false;
        };
        let scope = self.policy.scope(scope);
        if scope.role != Role::Server || !scope.addresses.is_empty() {
            return true;
        }
        let placed_peer = self
            .policy
            .scopes_at(self.flows.key(at).dst)
            .into_iter()
            .any(|(scope, located)| located && self.policy.scope(scope).role != Role::Server);
        let client_port = Tuple::of(&self.flows.key(at)).is_some_and(|tuple| {
            self.policy
                .candidates(&tuple.reversed().key(), self.vantage)
                .iter()
                .any(|one| {
                    let scope = self.policy.rule(one.rule).scope;
                    self.policy.scope(scope).role != Role::Server
                })
        });
        placed_peer || client_port
    }

    pub(crate) fn seen(&self, at: usize) -> Seen {
        Seen::of(&self.flows.flow(at))
    }

    /// Whether any flow of the plan came through with its mark, when that mark is not 0.
    pub(crate) fn any_marked(&self) -> bool {
        self.judged.iter().any(|one| {
            one.is_planned()
                && matches!(
                    one.verdict,
                    Verdict::Ok | Verdict::Mixed | Verdict::Remarked
                )
                && one.seen != Some(Dscp::DF)
        })
    }

    /// The plan's line for a group: its first rule's.
    pub(crate) fn origin(&self, at: usize) -> Option<Span> {
        let rule = self.judged[at].attribution.as_ref()?.rule();
        Some(self.policy.rule(rule).origin)
    }
}

impl Judged {
    /// Whether a verdict against the flow is one to report: not accepted, and resting on enough packets.
    pub(crate) fn is_reportable(&self) -> bool {
        self.accepted().is_none() && !self.has(Note::FewPackets)
    }
}

/// Groups flows by a key, keys ascending, flows in order.
pub(crate) fn group<K: Ord>(
    flows: impl IntoIterator<Item = usize>,
    key: impl Fn(usize) -> Option<K>,
) -> BTreeMap<K, Vec<usize>> {
    let mut out: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for at in flows {
        if let Some(key) = key(at) {
            out.entry(key).or_default().push(at);
        }
    }
    out
}
