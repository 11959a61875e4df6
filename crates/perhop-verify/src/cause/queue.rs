//! Why traffic that the plan does not know carries its marks.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use perhop_policy::Dscp;

use crate::cause::{Group, Ranking, list, plural};
use crate::finding::{Cause, Layer};
use crate::verdict::{Note, is_priority};

/// Talkers that evidence names.
const TALKERS: usize = 5;

/// Flows outside the plan with one of its marks.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    pub(crate) group: Group<'a>,
    pub(crate) mark: Dscp,
}

impl Taken<'_> {
    pub(crate) fn causes(&self) -> (Cause, Vec<Cause>) {
        let mut ranking = Ranking::default();
        let evidence = vec![
            format!(
                "{} in {} carry {}",
                plural(self.packets(), "packet"),
                plural(self.group.flows.len() as u64, "flow"),
                self.mark
            ),
            format!("most packets: {}", self.talkers()),
        ];
        let queue = if is_priority(self.mark) {
            "takes the priority queue from voice"
        } else {
            "shares a queue with traffic of the plan"
        };
        ranking.add(
            70,
            Cause {
                name: "another-program-marks",
                layer: Layer::Host,
                text: format!("another program likely sets this mark by itself; it {queue}"),
                evidence: evidence.clone(),
                check: "find the programs behind the ports on the hosts that talk most, and re-mark or police what is not \
                        planned at the access edge"
                    .to_owned(),
            },
        );
        let context = self.group.context;
        let in_a_range = self.group.count(|at| {
            context.judged[at]
                .notes
                .iter()
                .any(|note| matches!(note, Note::MaybeAnotherProgram(_)))
        });
        let mut wider = evidence;
        if in_a_range > 0 {
            wider.push(format!(
                "{} use a port inside a planned range",
                plural(in_a_range as u64, "flow")
            ));
        }
        ranking.add(
            if in_a_range > 0 { 75 } else { 60 },
            Cause {
                name: "policy-too-wide",
                layer: Layer::Match,
                text: "a marking policy may be wider than planned: all applications, all ports, or another port range"
                    .to_owned(),
                evidence: wider,
                check: "on the hosts that talk most list the active policies and compare them with the plan".to_owned(),
            },
        );
        ranking.finish()
    }

    /// Packets with the mark.
    pub(crate) fn packets(&self) -> u64 {
        let flows = self.group.context.flows;
        let at = self.group.flows.iter();
        at.map(|at| flows[*at].dscp.get(self.mark)).sum()
    }

    /// Senders and the ports that they talk to, most packets first.
    fn talkers(&self) -> String {
        let mut by_sender: BTreeMap<(IpAddr, IpAddr, u16), u64> = BTreeMap::new();
        for at in self.group.flows {
            let flow = &self.group.context.flows[*at];
            let key = (flow.key.src, flow.key.dst, flow.key.dst_port);
            *by_sender.entry(key).or_default() += flow.dscp.get(self.mark);
        }
        let mut order: Vec<_> = by_sender.into_iter().collect();
        order.sort_by_key(|(key, packets)| (Reverse(*packets), *key));
        let more = order.len().saturating_sub(TALKERS);
        let shown = order
            .iter()
            .take(TALKERS)
            .map(|((src, dst, port), packets)| {
                format!(
                    "{src} to {dst} port {port} ({})",
                    plural(*packets, "packet")
                )
            });
        let mut out = list(shown);
        if more > 0 {
            out.push_str(&format!(" and {more} more"));
        }
        out
    }
}
