//! Why media uses ports that no planned range holds.

use std::collections::BTreeSet;
use std::net::IpAddr;

use perhop_policy::{Family, PortRange, Role};

use crate::call::CallMedia;
use crate::cause::{Group, Ranking, list, next, plural, source_ports};
use crate::finding::{Cause, Layer};
use crate::seen::Tuple;

/// What Lync and Skype for Business clients use when the object that reaches them was never changed (count 40).
const LYNC_CLIENT_DEFAULT: (u16, u16) = (5350, 5389);

/// What Teams clients use by default, all modalities.
const TEAMS_CLIENT_DEFAULT: (u16, u16) = (50_000, 50_059);

/// Media flows outside every range.
#[derive(Debug)]
pub(crate) struct OutOfRange<'a> {
    pub(crate) group: Group<'a>,
}

impl OutOfRange<'_> {
    pub(crate) fn causes(&self) -> (Cause, Vec<Cause>) {
        let mut ranking = Ranking::default();
        self.defaults(&mut ranking);
        self.site(&mut ranking);
        self.servers(&mut ranking);
        self.clients(&mut ranking);
        ranking.add(
            40,
            Cause {
                name: "another-application",
                layer: Layer::Plan,
                text: "the media may belong to an application that the plan does not have".to_owned(),
                evidence: self.evidence(),
                check: "find out which program sends from these ports, and add it to the plan if it matters".to_owned(),
            },
        );
        ranking.finish()
    }

    fn ports(&self) -> BTreeSet<u16> {
        self.group
            .flows
            .iter()
            .map(|at| self.group.context.flows.key(*at).src_port)
            .collect()
    }

    fn evidence(&self) -> Vec<String> {
        let context = self.group.context;
        let marked = self.group.count(|at| {
            context.judged[at]
                .seen
                .is_some_and(|seen| seen.value() != 0)
        });
        let mut out = vec![format!(
            "{} from {}, {}",
            self.group.size(),
            list(self.group.senders()),
            source_ports(self.ports())
        )];
        let announced = self.announced();
        if !announced.is_empty() {
            out.push(format!(
                "the senders announced these ports themselves by SIP: {}",
                list(announced)
            ));
        }
        if marked > 0 {
            out.push(format!(
                "{} marked all the same, so the mark does not depend on the port there",
                plural(marked as u64, "flow")
            ));
        }
        out
    }

    /// Where SDP gave the senders' own ports.
    fn announced(&self) -> Vec<String> {
        let flows = self.group.flows.iter();
        let calls = flows.filter_map(|at| {
            let flow = self.group.context.flows.flow(*at);
            let call = flow.call.as_deref()?;
            let own = |media: &CallMedia| media.endpoint == flow.key.src_endpoint();
            call.media
                .iter()
                .any(own)
                .then(|| format!("call {} from frame {} on", call.parties(), call.frame))
        });
        let names: BTreeSet<String> = calls.collect();
        names.into_iter().collect()
    }

    fn within(&self, (first, last): (u16, u16)) -> bool {
        PortRange::try_new(first, last)
            .is_some_and(|range| self.ports().iter().all(|port| range.contains(*port)))
    }

    fn defaults(&self, ranking: &mut Ranking) {
        let policy = self.group.context.policy;
        if next::has(policy, Family::LyncServer) && self.within(LYNC_CLIENT_DEFAULT) {
            ranking.add(
                92,
                Cause {
                    name: "default-client-range",
                    layer: Layer::Delivery,
                    text: "the clients use 5350-5389, the vendor's default for every modality, so the object that reaches \
                           them likely has the ranges enforced but never changed"
                        .to_owned(),
                    evidence: self.evidence(),
                    check: next::client_ranges(policy),
                },
            );
        }
        if !next::has(policy, Family::Teams) && self.within(TEAMS_CLIENT_DEFAULT) {
            ranking.add(
                88,
                Cause {
                    name: "teams-default-range",
                    layer: Layer::Plan,
                    text: "the ports are those that Teams clients use by default; the plan likely lacks Teams".to_owned(),
                    evidence: self.evidence(),
                    check: "add Teams to the plan's platforms, or find out which program sends".to_owned(),
                },
            );
        }
    }

    /// Clients that use planned ports.
    fn clients_in_range(&self) -> BTreeSet<IpAddr> {
        let context = self.group.context;
        context
            .hosts
            .iter()
            .filter(|((scope, _), _)| context.policy.scope(*scope).role == Role::Client)
            .flat_map(|(_, hosts)| hosts.keys().copied())
            .collect()
    }

    /// All senders in one site, while other sites keep to the ranges.
    fn site(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let site = |address| {
            context
                .policy
                .sites()
                .iter()
                .position(|site| site.subnets.iter().any(|net| net.contains(&address)))
        };
        let sites: BTreeSet<Option<usize>> = self.group.senders().into_iter().map(site).collect();
        let [Some(only)] = sites.iter().copied().collect::<Vec<_>>()[..] else {
            return;
        };
        let keeping = self.clients_in_range();
        if keeping.is_empty() || keeping.iter().any(|host| site(*host) == Some(only)) {
            return;
        }
        let name = &context.policy.sites()[only].name;
        let mut evidence = self.evidence();
        evidence.push(format!(
            "all senders are in `{name}`, and no client there keeps to the ranges; {} elsewhere do",
            plural(keeping.len() as u64, "client")
        ));
        ranking.add(
            90,
            Cause {
                name: "site-object-hides-ranges",
                layer: Layer::Delivery,
                text: format!(
                    "an object of site `{name}` likely hides the ranges that all others get, or is not enforced"
                ),
                evidence,
                check: next::client_ranges(context.policy),
            },
        );
    }

    /// Flows towards a client's planned port, from where a server of the plan may be.
    fn servers(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let towards_client = |at: usize| {
            Tuple::of(&context.flows.key(at)).is_some_and(|tuple| {
                let back = context
                    .policy
                    .candidates(&tuple.reversed().key(), context.vantage);
                back.iter().any(|one| {
                    let scope = context.policy.rule(one.rule).scope;
                    context.policy.scope(scope).role == Role::Client
                })
            })
        };
        let has_servers = context
            .policy
            .scopes()
            .iter()
            .any(|scope| scope.role == Role::Server);
        if !has_servers || !self.group.all(towards_client) {
            return;
        }
        let mut evidence = self.evidence();
        evidence.push("all of them go to ports in a client range".to_owned());
        ranking.add(
            86,
            Cause {
                name: "server-ranges-not-set",
                layer: Layer::Delivery,
                text: "the servers likely use other ports than planned: the ranges are not set, or the services have not \
                       been restarted since"
                    .to_owned(),
                evidence,
                check: next::server_ranges(context.policy),
            },
        );
    }

    fn clients(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let in_range = self.clients_in_range().len();
        let mut evidence = self.evidence();
        let text = if in_range == 0 {
            evidence.push("no client in the capture keeps to the planned ranges".to_owned());
            "the planned port ranges likely do not reach the clients: the switch that enforces them is off, or another \
             object hides them"
        } else {
            evidence.push(format!(
                "{} in the capture keep to the planned ranges",
                plural(in_range as u64, "client")
            ));
            "the planned port ranges are in use elsewhere, so these clients likely have not signed in since they were set, \
             or get another object"
        };
        ranking.add(
            80,
            Cause {
                name: "ranges-not-enforced",
                layer: Layer::Delivery,
                text: text.to_owned(),
                evidence,
                check: next::client_ranges(context.policy),
            },
        );
    }
}
