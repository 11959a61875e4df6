//! Why traffic that the plan does not know carries its marks.

use std::cmp::Reverse;
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
    group: Group<'a>,
    mark: Dscp,
    packets: u64,
    /// Those with most packets first, and how many there are.
    talkers: (Vec<Talker>, usize),
}

/// A sender and the port that it talks to, after its packets with the mark.
type Talker = (Reverse<u64>, (IpAddr, IpAddr, u16));

impl<'a> Taken<'a> {
    pub(crate) fn new(group: Group<'a>, mark: Dscp) -> Self {
        let flows = group.context.flows;
        let ends = |at: usize| {
            let key = flows.key(at);
            (key.src, key.dst, key.dst_port)
        };
        let mut by_ends = group.flows.to_vec();
        by_ends.sort_by_key(|at| ends(*at));
        let (mut packets, mut count) = (0, 0);
        let mut most: Vec<Talker> = Vec::with_capacity(TALKERS + 1);
        for own in by_ends.chunk_by(|one, other| ends(*one) == ends(*other)) {
            let marked = own.iter().map(|at| flows.flow(*at).dscp.get(mark));
            let talker = (Reverse(marked.sum()), ends(own[0]));
            packets += talker.0.0;
            count += 1;
            most.insert(most.partition_point(|one| *one < talker), talker);
            most.truncate(TALKERS);
        }
        Self {
            group,
            mark,
            packets,
            talkers: (most, count),
        }
    }

    pub(crate) fn causes(&self) -> (Cause, Vec<Cause>) {
        let mut ranking = Ranking::default();
        let evidence = vec![
            format!(
                "{} in {} carry {}",
                plural(self.packets, "packet"),
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
    pub(crate) const fn packets(&self) -> u64 {
        self.packets
    }

    /// Senders and the ports that they talk to, most packets first.
    fn talkers(&self) -> String {
        let (most, count) = &self.talkers;
        let shown = most.iter().map(|(Reverse(packets), (src, dst, port))| {
            format!(
                "{src} to {dst} port {port} ({})",
                plural(*packets, "packet")
            )
        });
        let mut out = list(shown);
        let more = count - most.len();
        if more > 0 {
            out.push_str(&format!(" and {more} more"));
        }
        out
    }
}
