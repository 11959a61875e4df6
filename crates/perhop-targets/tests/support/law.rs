//! Packets on both sides of every edge of a policy, and what a target must make of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{
    Answer, Dscp, Fit, FlowKey, PolicySet, PortMatch, Protocol, RuleId, ScopeId, Vantage,
};
use perhop_targets::{Program, Target};

/// Packets on both sides of every edge with the policy's answers, by scope.
pub(crate) struct Packets<'a> {
    edges: &'a [(ScopeId, Edges)],
    answers: Vec<Vec<Answer>>,
    /// Whether rules that are said wider must have their marks too.
    wider: bool,
}

impl Packets<'static> {
    pub(crate) fn of(policy: &PolicySet) -> Self {
        Self::with(policy, true)
    }

    /// For targets that see no application: applications only as rules name them, and rules that are said for any
    /// application have their marks too.
    pub(crate) fn without_applications(policy: &PolicySet) -> Self {
        Self {
            wider: true,
            ..Self::with(policy, false)
        }
    }

    fn with(policy: &PolicySet, variants: bool) -> Self {
        let edges: Vec<(ScopeId, Edges)> = policy
            .scope_ids()
            .map(|scope| (scope, Edges::of(policy, scope, variants)))
            .collect();
        let answers = edges
            .iter()
            .map(|(scope, edges)| {
                let mut out = Vec::new();
                edges.each(*scope, |key| out.push(policy.classify(key, Vantage::Path)));
                out
            })
            .collect();
        Self {
            edges: edges.leak(),
            answers,
            wider: false,
        }
    }
}

impl Packets<'_> {
    /// Holds the law for one program, as it is and as it is read back; returns how many packets were compared.
    pub(crate) fn hold(
        &self,
        label: &str,
        policy: &PolicySet,
        target: &dyn Target,
        program: &dyn Program,
    ) -> usize {
        let artifacts = program.emit();
        assert_eq!(artifacts, program.emit(), "{label}: not the same twice");
        if artifacts.is_empty() {
            return 0;
        }
        let read = target
            .read(&artifacts)
            .unwrap_or_else(|problems| panic!("{label}: {problems:?}"));
        let known: Vec<RuleId> = program.fits().iter().map(|(id, _)| *id).collect();
        let all: Vec<RuleId> = (0u32..).map(RuleId).take(policy.rules().len()).collect();
        assert_eq!(known, all, "{label}: every rule has one fit, in order");
        let mut compared = 0;
        for ((scope, edges), answers) in self.edges.iter().zip(&self.answers) {
            let scope = Scope::of(label, policy, program, *scope, self.wider);
            compared += scope.holds(edges, answers, program);
            compared += scope.holds(edges, answers, &*read);
        }
        compared
    }
}

/// What a target promises about one scope.
struct Scope<'a> {
    label: &'a str,
    id: ScopeId,
    name: &'a str,
    /// Rules whose packets have their marks.
    exact: BTreeSet<RuleId>,
    /// Whether every rule is, so that nothing else may be marked.
    all: bool,
}

impl<'a> Scope<'a> {
    fn of(
        label: &'a str,
        policy: &'a PolicySet,
        program: &dyn Program,
        id: ScopeId,
        wider: bool,
    ) -> Self {
        let own: Vec<&(RuleId, Fit)> = program
            .fits()
            .iter()
            .filter(|(rule, _)| policy.rule(*rule).scope == id)
            .collect();
        Self {
            label,
            id,
            name: &policy.scope(id).name,
            exact: own
                .iter()
                .filter(|(_, fit)| *fit == Fit::Exact || (wider && matches!(fit, Fit::Wider(_))))
                .map(|(rule, _)| *rule)
                .collect(),
            all: own.iter().all(|(_, fit)| *fit == Fit::Exact),
        }
    }

    fn holds(&self, edges: &Edges, answers: &[Answer], program: &dyn Program) -> usize {
        let mut answers = answers.iter();
        let mut compared = 0;
        edges.each(self.id, |key| {
            let marked = program.apply_to(self.name, key);
            let planned = answers.next().expect("as many answers as packets");
            let place = || format!("{}: {}: {key:?}", self.label, self.name);
            match *planned {
                Answer::Marked { rule, dscp } if self.exact.contains(&rule) => {
                    assert_eq!(marked, Some(Some(dscp)), "{}", place());
                    compared += 1;
                }
                Answer::Unplanned if self.all => {
                    // What has no mark may be told so.
                    assert!(
                        matches!(marked, None | Some(None | Some(Dscp::DF))),
                        "{} {marked:?}",
                        place()
                    );
                    compared += usize::from(marked.is_some());
                }
                Answer::Marked { .. } | Answer::Unplanned => {}
            }
        });
        compared
    }
}

/// Both sides of every edge of a scope's rules.
pub(crate) struct Edges {
    apps: Vec<Option<String>>,
    src: Vec<IpAddr>,
    dst: Vec<IpAddr>,
    src_ports: Vec<u16>,
    dst_ports: Vec<u16>,
}

impl Edges {
    pub(crate) fn of(policy: &PolicySet, scope: ScopeId, variants: bool) -> Self {
        let rules = || {
            policy
                .rules()
                .iter()
                .filter(move |rule| rule.scope == scope)
        };
        let mut apps = BTreeSet::from([None, Some("other.exe".to_owned())]);
        for (index, rule) in rules().enumerate() {
            let app = rule.app.as_str().to_owned();
            if !variants {
                apps.insert(Some(app));
                continue;
            }
            let stem = perhop_policy::selector::file_name(&app).to_owned();
            // Any case, any folder, and a name that only ends alike; one rule's are enough.
            if index == 0 {
                apps.insert(Some(app.to_uppercase()));
                apps.insert(Some(format!("x{app}")));
            }
            apps.insert(Some(format!(r"D:\elsewhere\{stem}")));
            apps.insert(Some(app));
        }
        Self {
            apps: apps.into_iter().collect(),
            src: addresses(rules().flat_map(|rule| &rule.src)),
            dst: addresses(rules().flat_map(|rule| &rule.dst)),
            src_ports: ports(rules().map(|rule| rule.src_ports.0)),
            dst_ports: ports(rules().map(|rule| rule.dst_ports.0)),
        }
    }

    pub(crate) fn each(&self, scope: ScopeId, mut visit: impl FnMut(&FlowKey<'_>)) {
        for app in &self.apps {
            for &src in &self.src {
                for &dst in self.dst.iter().filter(|dst| dst.is_ipv4() == src.is_ipv4()) {
                    for &src_port in &self.src_ports {
                        for &dst_port in &self.dst_ports {
                            for protocol in [Protocol::Udp, Protocol::Tcp] {
                                visit(&FlowKey {
                                    scope,
                                    app: app.as_deref(),
                                    protocol,
                                    src,
                                    src_port,
                                    dst,
                                    dst_port,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
}

fn ports(matches: impl Iterator<Item = PortMatch>) -> Vec<u16> {
    let mut out = BTreeSet::from([1, 65535]);
    for range in matches.filter_map(PortMatch::range) {
        out.extend([
            range.first().saturating_sub(1),
            range.first(),
            range.last(),
            range.last().saturating_add(1),
        ]);
    }
    out.into_iter().collect()
}

fn addresses<'a>(nets: impl Iterator<Item = &'a IpNet>) -> Vec<IpAddr> {
    let mut out = BTreeSet::from([
        "203.0.113.77".parse().expect("an address"),
        "2001:db8:ffff::77".parse().expect("an address"),
    ]);
    for net in nets {
        out.extend([net.network(), net.broadcast()]);
        let step = |address: IpAddr, by: i8| match address {
            IpAddr::V4(ip) => IpAddr::V4(u32::from(ip).wrapping_add_signed(by.into()).into()),
            IpAddr::V6(ip) => IpAddr::V6(u128::from(ip).wrapping_add_signed(by.into()).into()),
        };
        out.extend([step(net.network(), -1), step(net.broadcast(), 1)]);
    }
    out.into_iter().collect()
}
