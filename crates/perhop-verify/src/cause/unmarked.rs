//! Why planned traffic carries no mark.

use std::collections::BTreeSet;

use perhop_policy::{AppMatch, Class, Dscp, Host, Protocol, Role, Scope, Vantage};

use crate::cause::{Group, Ranking, list, next, plural, source_ports};
use crate::finding::{Cause, Layer};
use crate::seen::Tuple;
use crate::verdict::Verdict;

/// How far the missing mark reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// The same host marks other flows of the class.
    SomeFlows,
    /// Other hosts of the scope mark the class.
    SomeHosts,
    /// No host of the scope marks the class.
    WholeScope,
    /// Nothing of the plan is marked anywhere in the capture.
    Everything,
}

/// A group of unmarked flows of one scope and class.
#[derive(Debug)]
pub(crate) struct Unmarked<'a> {
    pub(crate) group: Group<'a>,
    pub(crate) reach: Reach,
    pub(crate) scope: &'a Scope,
    pub(crate) class: &'a Class,
    /// Whether the senders are placed, or talk to ports of the plan's clients.
    pub(crate) peers_planned: bool,
    /// How many other hosts of the scope mark the class.
    pub(crate) others_marking: usize,
    /// Applications that the rules of the flows name.
    pub(crate) apps: BTreeSet<AppMatch>,
}

impl Unmarked<'_> {
    pub(crate) fn causes(&self) -> (Cause, Vec<Cause>) {
        let mut ranking = Ranking::default();
        self.capture(&mut ranking);
        self.path(&mut ranking);
        self.protocol(&mut ranking);
        self.handshake(&mut ranking);
        match self.reach {
            Reach::SomeFlows => self.some_flows(&mut ranking),
            Reach::SomeHosts => self.some_hosts(&mut ranking),
            Reach::WholeScope => self.whole_scope(&mut ranking),
            Reach::Everything => self.everything(&mut ranking),
        }
        self.not_placed(&mut ranking);
        if self.scope.role == Role::Phone {
            ranking.add(94, phones_off(self));
        }
        ranking.finish()
    }

    /// Taken on the sending host, above what marks.
    fn capture(&self, ranking: &mut Ranking) {
        let flows = self.group.context.flows;
        let sent_here = |at: usize| {
            let direction = flows.flow(at).direction;
            direction.sent && !direction.received
        };
        if !self.group.all(sent_here) {
            return;
        }
        ranking.add(
            100,
            Cause {
                name: "capture-above-scheduler",
                layer: Layer::Host,
                text: "the capture was taken on the sending host, likely above the packet scheduler that marks, so it \
                       may show 0 while the wire carries the mark"
                    .to_owned(),
                evidence: vec![format!(
                    "the capture says that the capturing host itself sent {}",
                    plural(self.group.flows.len() as u64, "unmarked flow")
                )],
                check: next::WIRE.to_owned(),
            },
        );
    }

    /// Lost on the way.
    fn path(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        if let Some(rule) = context.pattern
            && rule.apply(self.class.dscp) == Dscp::DF
        {
            let shown = self.show_the_rule();
            ranking.add(
                if shown > 0 { 95 } else { 57 },
                Cause {
                    name: "tos-precedence-bleached",
                    layer: Layer::Path,
                    text: format!(
                        "a device on the path likely rewrites marks bit by bit ({}); it turns {} into 0",
                        rule.as_str(),
                        self.class.dscp
                    ),
                    evidence: vec![
                        format!("{} carry 0", self.group.size()),
                        format!(
                            "{} of {} show the rule in other classes",
                            shown,
                            plural(self.group.senders().len() as u64, "sender")
                        ),
                    ],
                    check: next::PATH.to_owned(),
                },
            );
        }
        if context.vantage == Vantage::Sender || self.next_to_sender() {
            return;
        }
        let weight = if self.reach == Reach::Everything {
            85
        } else {
            55
        };
        ranking.add(
            weight,
            Cause {
                name: "bleached-on-path",
                layer: Layer::Path,
                text: "a device between the sender and the capture point may clear the mark"
                    .to_owned(),
                evidence: vec![format!(
                    "the capture was taken at the vantage `{}`, past the sender's first device",
                    context.vantage.as_str()
                )],
                check: next::PATH.to_owned(),
            },
        );
    }

    /// Senders of the group that have flows of other classes with the bitwise rule's result.
    fn show_the_rule(&self) -> usize {
        let context = self.group.context;
        let senders = self.group.senders();
        context
            .with(|one| one.verdict == Verdict::Remarked && one.is_planned())
            .filter(|at| {
                let one = &context.judged[*at];
                context.pattern.is_some_and(|rule| {
                    one.expected
                        .iter()
                        .any(|sent| Some(rule.apply(*sent)) == one.seen)
                })
            })
            .map(|at| context.flows.key(at).src)
            .filter(|sender| senders.contains(sender))
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Whether the hop count is untouched, so that no router can have changed the mark.
    fn next_to_sender(&self) -> bool {
        let flows = self.group.context.flows;
        self.group
            .all(|at| matches!(flows.flow(at).ttl, (64, 64) | (128, 128) | (255, 255)))
    }

    /// Only one transport protocol lacks the mark.
    fn protocol(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let tcp = |at: usize| {
            Tuple::of(&context.flows.key(at)).is_some_and(|tuple| tuple.protocol == Protocol::Tcp)
        };
        let place = self.group.flows.first().and_then(|at| context.place(*at));
        let marked_udp = context
            .with(|one| one.verdict == Verdict::Ok && one.is_planned())
            .filter(|at| !tcp(*at) && context.place(*at) == place)
            .count();
        if marked_udp == 0 || !self.group.all(tcp) {
            return;
        }
        ranking.add(
            93,
            Cause {
                name: "policy-for-udp-only",
                layer: Layer::Match,
                text: "the policy likely matches UDP only, while the class also travels over TCP"
                    .to_owned(),
                evidence: vec![
                    format!("{} over TCP carry 0", self.group.size()),
                    format!(
                        "{} of the same class over UDP marked as planned",
                        plural(marked_udp as u64, "flow")
                    ),
                ],
                check: "set the protocol of the policy to TCP and UDP".to_owned(),
            },
        );
    }

    /// The first TCP segment is marked as planned, what follows is not.
    fn handshake(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let marked = |at: usize| {
            let first = context.judged[at].handshake();
            first.is_some_and(|dscp| context.judged[at].expected.contains(&dscp))
        };
        let count = self.group.count(marked);
        if count == 0 {
            return;
        }
        let changes = self.group.flows.iter().filter(|at| marked(**at));
        let frames = changes.filter_map(|at| context.flows.flow(*at).changes.first().copied());
        ranking.add(
            if count == self.group.flows.len() { 96 } else { 64 },
            Cause {
                name: "only-first-segment-marked",
                layer: Layer::Match,
                text: "what marks likely acts only on the packet that opens a connection, as a stateful rule for new \
                       connections does"
                    .to_owned(),
                evidence: vec![format!(
                    "the first segment of {} carries the mark, all others carry 0: {}",
                    plural(count as u64, "TCP flow"),
                    list(frames.map(|change| format!("from frame {} on", change.frame)))
                )],
                check: format!(
                    "look for a rule that marks new connections only, such as `ct state new`; {}",
                    next::marking(self.scope)
                ),
            },
        );
    }

    fn some_flows(&self, ranking: &mut Ranking) {
        let receivers = list(self.group.receivers());
        let evidence = vec![
            format!("{} carry 0, to {receivers}", self.group.size()),
            format!(
                "other `{}` flows of the same senders are marked as planned: {}",
                self.class.name,
                list(self.group.senders())
            ),
        ];
        ranking.add(
            85,
            Cause {
                name: "another-process-or-adapter",
                layer: Layer::Match,
                text: "the host's policy works, so these flows likely come from another program than the policy names, \
                       or leave by an adapter that the policy does not cover"
                    .to_owned(),
                evidence,
                check: next::process(self.scope),
            },
        );
        self.network_location(ranking, 70);
        self.one_of_several(ranking);
    }

    fn some_hosts(&self, ranking: &mut Ranking) {
        let failed = self.group.senders();
        let evidence = vec![
            format!(
                "{} of `{}` from {} carry 0: {}",
                self.group.size(),
                self.class.name,
                plural(failed.len() as u64, "host"),
                list(&failed)
            ),
            format!(
                "{} of `{}` marking `{}`",
                plural(self.others_marking as u64, "other host"),
                self.scope.name,
                self.class.name
            ),
        ];
        ranking.add(
            85,
            Cause {
                name: "policy-not-on-host",
                layer: Layer::Host,
                text: "the policy is delivered in general, so it was likely not applied on these hosts or does not mark \
                       there"
                    .to_owned(),
                evidence,
                check: next::marking(self.scope),
            },
        );
        self.network_location(ranking, 70);
        if !self.one_of_several(ranking) {
            self.executable(ranking, 65);
        }
    }

    fn whole_scope(&self, ranking: &mut Ranking) {
        let marked_back = self.marked_back();
        let mut evidence = vec![format!(
            "0 of {} of `{}` mark `{}`: {}",
            plural(self.group.senders().len() as u64, "host"),
            self.scope.name,
            self.class.name,
            list(self.group.senders())
        )];
        if self.scope.role == Role::Edge {
            ranking.add(92, edge_matches_source(self, evidence.clone()));
        }
        if marked_back > 0 {
            evidence.push(format!(
                "in {} of {} the other direction is marked",
                marked_back,
                plural(self.group.flows.len() as u64, "flow")
            ));
            ranking.add(
                90,
                Cause {
                    name: "one-direction",
                    layer: Layer::Delivery,
                    text: format!(
                        "every end marks only what it sends, and `{}` likely have no policy for `{}` or do not get it",
                        self.scope.name, self.class.name
                    ),
                    evidence,
                    check: next::marking(self.scope),
                },
            );
        } else {
            ranking.add(
                80,
                Cause {
                    name: "policy-not-delivered",
                    layer: Layer::Delivery,
                    text: format!(
                        "the policy that marks `{}` is likely not delivered to `{}`: not linked, filtered out, or not \
                         refreshed",
                        self.class.name, self.scope.name
                    ),
                    evidence,
                    check: next::marking(self.scope),
                },
            );
        }
        self.network_location(ranking, 60);
        self.executable(ranking, 65);
    }

    fn everything(&self, ranking: &mut Ranking) {
        ranking.add(
            80,
            Cause {
                name: "policy-not-delivered",
                layer: Layer::Delivery,
                text: "the marking policies are likely not delivered to any of these hosts: not linked, filtered out, or \
                       not refreshed"
                    .to_owned(),
                evidence: vec![format!(
                    "no flow of the plan carries a mark: {} from {}",
                    self.group.size(),
                    plural(self.group.senders().len() as u64, "host")
                )],
                check: next::marking(self.scope),
            },
        );
        self.network_location(ranking, 60);
    }

    /// Flows whose other direction is as planned.
    fn marked_back(&self) -> usize {
        let context = self.group.context;
        self.group.count(|at| {
            context
                .reverse(at)
                .is_some_and(|back| context.judged[back].verdict == Verdict::Ok)
        })
    }

    /// Senders that only their ports make servers.
    fn not_placed(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        if self.scope.role != Role::Server || !self.scope.addresses.is_empty() {
            return;
        }
        ranking.add(
            if self.peers_planned || self.reach == Reach::SomeFlows { 62 } else { 89 },
            Cause {
                name: "clients-in-server-ranges",
                layer: Layer::Delivery,
                text: "the plan does not say where its servers are; the senders may be clients whose port ranges are not \
                       enforced, and whose ports fall into a server range"
                    .to_owned(),
                evidence: vec![source_ports(
                    self.group.flows.iter().map(|at| context.flows.key(*at).src_port),
                )],
                check: format!(
                    "give the servers addresses in the plan; {}",
                    next::client_ranges(context.policy)
                ),
            },
        );
    }

    fn network_location(&self, ranking: &mut Ranking, weight: u8) {
        if self.scope.host != Host::Windows {
            return;
        }
        ranking.add(
            weight,
            Cause {
                name: "network-location-awareness",
                layer: Layer::Host,
                text: "Windows marks only on networks that it takes for the domain's, unless `Do not use NLA` is set; \
                       likely on workgroup hosts, second adapters and VPN"
                    .to_owned(),
                evidence: vec![format!(
                    "{} from {} carry 0",
                    self.group.size(),
                    list(self.group.senders())
                )],
                check: next::marking(self.scope),
            },
        );
    }

    /// Whether the plan marks several programs on these ports, each by a policy of its own, and then that cause.
    fn one_of_several(&self, ranking: &mut Ranking) -> bool {
        let named: Vec<&AppMatch> = self.apps.iter().filter(|app| app.rank() > 0).collect();
        if named.len() < 2 {
            return false;
        }
        ranking.add(
            86,
            Cause {
                name: "policy-of-another-program",
                layer: Layer::Match,
                text: "the plan marks several programs on these ports, each by a policy of its own; these flows likely \
                       come from the one whose policy is missing or has another file name"
                    .to_owned(),
                evidence: vec![
                    format!(
                        "the rules for these ports name {}",
                        list(named.iter().map(|app| format!("`{app}`")))
                    ),
                    format!(
                        "{} from {} carry 0, others on the same ports are marked",
                        self.group.size(),
                        list(self.group.senders())
                    ),
                ],
                check: next::process(self.scope),
            },
        );
        true
    }

    fn executable(&self, ranking: &mut Ranking, weight: u8) {
        let named: Vec<&AppMatch> = self.apps.iter().filter(|app| app.rank() > 0).collect();
        if named.is_empty() {
            return;
        }
        ranking.add(
            weight,
            Cause {
                name: "executable-mismatch",
                layer: Layer::Match,
                text: "the sending program may have another file name than the policy; a policy with a wrong name never \
                       fires and gives no error"
                    .to_owned(),
                evidence: vec![format!(
                    "the rules for these ports name {}",
                    list(named.iter().map(|app| format!("`{app}`")))
                )],
                check: next::process(self.scope),
            },
        );
    }
}

fn edge_matches_source(unmarked: &Unmarked<'_>, evidence: Vec<String>) -> Cause {
    Cause {
        name: "edge-policy-matches-source",
        layer: Layer::Match,
        text: "the Edge likely has the servers' policies, which match source ports; a relay's traffic is told by its \
               destination port"
            .to_owned(),
        evidence,
        check: next::marking(unmarked.scope),
    }
}

fn phones_off(unmarked: &Unmarked<'_>) -> Cause {
    Cause {
        name: "phones-do-not-mark",
        layer: Layer::Delivery,
        text: "the phones are likely told a tag of 0, or have not restarted since it was changed"
            .to_owned(),
        evidence: vec![format!(
            "{} from {} carry 0",
            unmarked.group.size(),
            plural(unmarked.group.senders().len() as u64, "phone")
        )],
        check: next::phones(),
    }
}
