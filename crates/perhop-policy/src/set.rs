//! The policy set: everything that crosses the waist, with its rules resolved into regions that do not contradict.

use std::cmp::Ordering;

use ipnet::IpNet;
use perhop_wire::field::Dscp;

use crate::capability::TargetRequest;
use crate::class::{Class, ClassId};
use crate::diag::{CodeInfo, Diagnostic};
use crate::overlap::{self, Space};
use crate::precedence;
use crate::producer::Producer;
use crate::rule::{Rule, RuleId, Statement};
use crate::scope::{Scope, ScopeId, Site};

/// Codes that this crate raises.
pub const CODES: &[CodeInfo] = &[
    CodeInfo {
        code: UNDECIDED,
        rules: &[],
        summary: "two rules of one scope match the same packet with different marks, and precedence does not choose",
    },
    CodeInfo {
        code: TOO_MANY,
        rules: &[],
        summary: "the rules of one scope overlap in so many ways that they cannot be resolved",
    },
];

const UNDECIDED: &str = "policy/undecided-overlap";
const TOO_MANY: &str = "policy/too-many-regions";

/// More regions than any sound plan needs in one scope; past it the rules are refused rather than memory filled.
const MAX_REGIONS_PER_SCOPE: usize = 10_000;

/// What a policy set is made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts {
    /// The plan's name.
    pub name: String,
    /// Service classes.
    pub classes: Vec<Class>,
    /// Sites.
    pub sites: Vec<Site>,
    /// Who sends.
    pub scopes: Vec<Scope>,
    /// Rules, in the plan's order.
    pub rules: Vec<Rule>,
    /// What has to be told which ports to use.
    pub producers: Vec<Producer>,
    /// What the plan asks of targets.
    pub targets: Vec<TargetRequest>,
    /// The prefixes of the network that the plan is for; empty when the plan does not say.
    ///
    /// A verifier judges no sender outside them as planned, unless a scope places it.
    pub internal: Vec<IpNet>,
}

/// Packets of one scope that get one mark by one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The scope.
    pub scope: ScopeId,
    /// The rule that applies.
    pub rule: RuleId,
    /// Its mark.
    pub dscp: Dscp,
    /// The packets.
    pub space: Space,
}

/// A plan's meaning, resolved. See the crate's first lines for its invariant.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySet {
    parts: Parts,
    statements: Vec<Statement>,
    regions: Vec<Region>,
    /// Per scope, where its regions begin; one more entry than scopes.
    starts: Vec<usize>,
}

impl PolicySet {
    /// Resolves rules into regions by the documented precedence.
    ///
    /// # Errors
    /// Every pair of rules whose overlap precedence does not settle, with both places.
    ///
    /// # Panics
    /// When a rule names a scope or class that `parts` does not have: a bug of the caller.
    pub fn try_new(parts: Parts) -> Result<Self, Vec<Diagnostic>> {
        for rule in &parts.rules {
            assert!(
                usize::from(rule.scope.0) < parts.scopes.len(),
                "rule without scope"
            );
            assert!(
                usize::from(rule.class.0) < parts.classes.len(),
                "rule without class"
            );
        }
        let statements: Vec<Statement> = (0u32..)
            .zip(&parts.rules)
            .flat_map(|(id, rule)| rule.statements(RuleId(id)))
            .collect();
        let mut regions = Vec::new();
        let mut starts = vec![0];
        let mut problems = Vec::new();
        for index in 0..parts.scopes.len() {
            let scope = ScopeId(u16::try_from(index).expect("scopes are counted in 16 bits"));
            let own: Vec<(&Statement, Vec<Space>)> = statements
                .iter()
                .filter(|statement| statement.scope == scope)
                .map(|statement| (statement, Space::of(statement)))
                .collect();
            conflicts(&parts, &own, &mut problems);
            match resolve(scope, &own) {
                Some(found) => regions.extend(found),
                None => problems.push(too_many(&parts, scope)),
            }
            starts.push(regions.len());
        }
        if problems.is_empty() {
            Ok(Self {
                parts,
                statements,
                regions,
                starts,
            })
        } else {
            Err(problems)
        }
    }

    /// The plan's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Service classes.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.parts.classes
    }

    /// One class.
    #[must_use]
    pub fn class(&self, id: ClassId) -> &Class {
        &self.parts.classes[usize::from(id.0)]
    }

    /// Sites.
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        &self.parts.sites
    }

    /// Who sends.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.parts.scopes
    }

    /// One scope.
    #[must_use]
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.parts.scopes[usize::from(id.0)]
    }

    /// The ids of all scopes, in order.
    pub fn scope_ids(&self) -> impl Iterator<Item = ScopeId> + use<> {
        let count = u16::try_from(self.parts.scopes.len()).expect("checked by try_new");
        (0..count).map(ScopeId)
    }

    /// Rules, in the plan's order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.parts.rules
    }

    /// One rule.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.parts.rules[id.0 as usize]
    }

    /// The rules as single-prefix statements, in the rules' order: what Windows stores.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The regions of one scope: disjoint unless their marks and throttles are equal.
    #[must_use]
    pub fn regions(&self, scope: ScopeId) -> &[Region] {
        let index = usize::from(scope.0);
        &self.regions[self.starts[index]..self.starts[index + 1]]
    }

    /// What has to be told which ports to use.
    #[must_use]
    pub fn producers(&self) -> &[Producer] {
        &self.parts.producers
    }

    /// What the plan asks of targets.
    #[must_use]
    pub fn targets(&self) -> &[TargetRequest] {
        &self.parts.targets
    }

    /// The prefixes of the network that the plan is for; empty when the plan does not say.
    #[must_use]
    pub fn internal(&self) -> &[IpNet] {
        &self.parts.internal
    }
}

/// Each statement's packets, less those of every statement that outranks it.
fn resolve(scope: ScopeId, own: &[(&Statement, Vec<Space>)]) -> Option<Vec<Region>> {
    let mut out = Vec::new();
    for (statement, spaces) in own {
        let mut left = spaces.clone();
        for (other, taken) in own {
            if precedence::compare(other, statement) == Ordering::Greater {
                left = overlap::subtract(left, taken);
                if out.len() + left.len() > MAX_REGIONS_PER_SCOPE {
                    return None;
                }
            }
        }
        out.extend(left.into_iter().map(|space| Region {
            scope,
            rule: statement.rule,
            dscp: statement.dscp,
            space,
        }));
    }
    Some(out)
}

/// Pairs that overlap with different marks or throttles where nothing chooses, not even a third statement that outranks both.
fn conflicts(parts: &Parts, own: &[(&Statement, Vec<Space>)], problems: &mut Vec<Diagnostic>) {
    let mut told: Vec<(RuleId, RuleId)> = Vec::new();
    for (index, (a, spaces_a)) in own.iter().enumerate() {
        for (b, spaces_b) in &own[..index] {
            let pair = (b.rule, a.rule);
            if (a.dscp, a.throttle) == (b.dscp, b.throttle)
                || told.contains(&pair)
                || precedence::compare(a, b) != Ordering::Equal
            {
                continue;
            }
            let mut both: Vec<Space> = spaces_a
                .iter()
                .flat_map(|x| spaces_b.iter().filter_map(|y| x.intersection(y)))
                .collect();
            if both.is_empty() {
                continue;
            }
            for (other, taken) in own {
                let outranks = |s| precedence::compare(other, s) == Ordering::Greater;
                if !both.is_empty() && outranks(*a) && outranks(*b) {
                    both = overlap::subtract(both, taken);
                }
            }
            if let Some(space) = both.first() {
                told.push(pair);
                problems.push(undecided(parts, a, b, space));
            }
        }
    }
}

fn undecided(parts: &Parts, a: &Statement, b: &Statement, space: &Space) -> Diagnostic {
    let (rule_a, rule_b) = (
        &parts.rules[a.rule.0 as usize],
        &parts.rules[b.rule.0 as usize],
    );
    let side = |intervals: &overlap::Intervals| {
        let (first, last) = intervals.as_slice()[0];
        if first == last {
            format!("{first}")
        } else {
            format!("{first}-{last}")
        }
    };
    let (what, [does_a, does_b]) = if a.dscp == b.dscp {
        let rate = |one: &Statement| match one.throttle {
            Some(rate) => format!("throttles to {rate}"),
            None => "does not throttle".to_owned(),
        };
        ("different throttles".to_owned(), [rate(a), rate(b)])
    } else {
        (
            format!("different marks, {} and {}", a.dscp, b.dscp),
            [a, b].map(|one| format!("marks {}", one.dscp)),
        )
    };
    Diagnostic::error(
        UNDECIDED,
        format!(
            "`{}` and `{}` match the same packets with {what}",
            rule_a.name, rule_b.name
        ),
    )
    .primary(rule_a.origin, does_a)
    .secondary(rule_b.origin, does_b)
    .note(format!(
        "for example from source port {} to destination port {}, sent by `{}` on `{}`",
        side(&space.src_ports),
        side(&space.dst_ports),
        space.apps.base,
        parts.scopes[usize::from(a.scope.0)].name,
    ))
    .note("Windows chooses by application, number of conditions, kind of condition, then prefix length; here all are equal")
    .help("give the two rules different ports, addresses or applications, or the same mark and throttle")
}

fn too_many(parts: &Parts, scope: ScopeId) -> Diagnostic {
    let scope = &parts.scopes[usize::from(scope.0)];
    Diagnostic::error(
        TOO_MANY,
        format!(
            "the rules of `{}` overlap in more than {MAX_REGIONS_PER_SCOPE} ways",
            scope.name
        ),
    )
    .primary(scope.origin, "these rules")
    .help("make ranges and addresses disjoint, so that few rules overlap")
}
