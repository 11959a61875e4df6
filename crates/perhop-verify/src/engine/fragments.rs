//! Later fragments: counted to the flow of their first fragment, by address pair, protocol and identification.

use std::collections::{BTreeMap, VecDeque};

use perhop_wire::field::DsField;
use perhop_wire::packet::Addresses;

use super::FragmentRow;
use super::facts::FragmentFacts;
use super::times::{NO_TIME, Times};
use crate::flow::{FlowKey, FragmentCounts};

/// Which datagram a fragment is of.
type Datagram = (Addresses, u8, u32);

/// Fragments of a capture.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    datagrams: BTreeMap<Datagram, State>,
    /// Datagrams by age.
    order: VecDeque<(Datagram, u64)>,
    serial: u64,
    flows: BTreeMap<FlowKey, FragmentCounts>,
    rows: BTreeMap<(Addresses, u8), (FragmentCounts, u64)>,
    unattributed: FragmentCounts,
    packets: u64,
    bytes: u64,
    times: Times,
}

#[derive(Debug)]
struct State {
    serial: u64,
    time: i64,
    flow: Option<FlowKey>,
    /// Later fragments that came before the first.
    early: Vec<(DsField, u32)>,
}

/// What became of the fragments.
#[derive(Debug, Default)]
pub(super) struct FragmentReport {
    pub(super) flows: BTreeMap<FlowKey, FragmentCounts>,
    pub(super) rows: Vec<FragmentRow>,
    pub(super) unattributed: FragmentCounts,
    /// All later fragments and their bytes.
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) times: Times,
}

impl Fragments {
    /// Takes a fragment.
    pub(super) fn take(&mut self, facts: &FragmentFacts) {
        let datagram = (facts.addresses, facts.protocol, facts.identification);
        let flow = facts.first.map(|(src_port, dst_port)| FlowKey {
            src: facts.addresses.src(),
            dst: facts.addresses.dst(),
            protocol: facts.protocol,
            src_port,
            dst_port,
        });
        if flow.is_none() {
            self.packets += 1;
            self.bytes += u64::from(facts.ip_len);
            self.times.add(facts.time);
            self.count_row(facts);
        }
        let mut state = match self.datagrams.remove(&datagram) {
            Some(state) if !state.is_old(facts.time) => state,
            Some(state) => {
                self.give_up(state);
                self.begin(datagram, facts.time)
            }
            None => self.begin(datagram, facts.time),
        };
        if let Some(flow) = flow {
            state.flow = Some(flow);
            for (ds, bytes) in std::mem::take(&mut state.early) {
                self.count(flow, ds, bytes);
            }
        } else if let Some(flow) = state.flow {
            self.count(flow, DsField(facts.ds), facts.ip_len);
        } else if state.early.len() < MOST_EARLY {
            state.early.push((DsField(facts.ds), facts.ip_len));
        } else {
            let dscp = DsField(facts.ds).dscp();
            self.unattributed.add(dscp, 1, u64::from(facts.ip_len));
        }
        self.datagrams.insert(datagram, state);
    }

    fn begin(&mut self, datagram: Datagram, time: i64) -> State {
        self.serial += 1;
        self.order.push_back((datagram, self.serial));
        while self.order.len() > MOST_DATAGRAMS {
            if let Some((oldest, serial)) = self.order.pop_front()
                && self
                    .datagrams
                    .get(&oldest)
                    .is_some_and(|state| state.serial == serial)
                && let Some(state) = self.datagrams.remove(&oldest)
            {
                self.give_up(state);
            }
        }
        State {
            serial: self.serial,
            time,
            flow: None,
            early: Vec::new(),
        }
    }

    fn count(&mut self, flow: FlowKey, ds: DsField, bytes: u32) {
        if self.flows.len() >= MOST_FLOWS && !self.flows.contains_key(&flow) {
            self.unattributed.add(ds.dscp(), 1, u64::from(bytes));
            return;
        }
        let counts = self.flows.entry(flow).or_default();
        counts.add(ds.dscp(), 1, u64::from(bytes));
        if let Some((_, attributed)) = self.rows.get_mut(&(pair(&flow), flow.protocol)) {
            *attributed += 1;
        }
    }

    fn count_row(&mut self, facts: &FragmentFacts) {
        let key = (facts.addresses, facts.protocol);
        if self.rows.len() < MOST_FLOWS || self.rows.contains_key(&key) {
            let (counts, _) = self.rows.entry(key).or_default();
            counts.add(DsField(facts.ds).dscp(), 1, u64::from(facts.ip_len));
        }
    }

    fn give_up(&mut self, state: State) {
        for (ds, bytes) in state.early {
            self.unattributed.add(ds.dscp(), 1, u64::from(bytes));
        }
    }

    /// What became of all fragments.
    pub(super) fn finish(mut self) -> FragmentReport {
        for state in std::mem::take(&mut self.datagrams).into_values() {
            self.give_up(state);
        }
        let row =
            |((addresses, protocol), (counts, attributed)): ((Addresses, u8), _)| FragmentRow {
                src: addresses.src(),
                dst: addresses.dst(),
                protocol,
                counts,
                attributed,
            };
        FragmentReport {
            flows: self.flows,
            rows: self.rows.into_iter().map(row).collect(),
            unattributed: self.unattributed,
            packets: self.packets,
            bytes: self.bytes,
            times: self.times,
        }
    }
}

impl State {
    fn is_old(&self, now: i64) -> bool {
        now != NO_TIME && self.time != NO_TIME && now.saturating_sub(self.time) > REASSEMBLY
    }
}

fn pair(flow: &FlowKey) -> Addresses {
    match (flow.src, flow.dst) {
        (std::net::IpAddr::V6(src), std::net::IpAddr::V6(dst)) => Addresses::V6 {
            src: src.into(),
            dst: dst.into(),
        },
        (std::net::IpAddr::V4(src), std::net::IpAddr::V4(dst)) => Addresses::V4 {
            src: src.into(),
            dst: dst.into(),
        },
        _ => Addresses::V4 { src: 0, dst: 0 },
    }
}

/// Identifications are used again: fragments further apart are of different datagrams (RFC 8200 section 4.5 gives 60 s).
const REASSEMBLY: i64 = 60_000_000_000;
/// Datagrams that are remembered.
const MOST_DATAGRAMS: usize = 65_536;
/// Later fragments of one datagram that may come before its first.
const MOST_EARLY: usize = 64;
/// Flows, and address pairs, for which fragments are counted apart.
const MOST_FLOWS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(identification: u32, first: Option<(u16, u16)>, time: i64) -> FragmentFacts {
        FragmentFacts {
            addresses: Addresses::V4 { src: 1, dst: 2 },
            protocol: 17,
            ds: 0xb8,
            identification,
            ip_len: 500,
            time,
            first,
        }
    }

    fn report(facts: &[FragmentFacts]) -> FragmentReport {
        let mut fragments = Fragments::default();
        for facts in facts {
            fragments.take(facts);
        }
        fragments.finish()
    }

    #[test]
    fn a_later_fragment_belongs_to_its_first_in_either_order() {
        let first = fragment(7, Some((4000, 5000)), 0);
        let later = fragment(7, None, 1);
        for facts in [[first, later], [later, first]] {
            let report = report(&facts);
            let counts = report.flows.values().next().unwrap();
            assert_eq!((counts.packets, counts.bytes), (1, 500));
            assert_eq!(report.rows[0].attributed, 1);
            assert_eq!(report.unattributed.packets, 0);
        }
    }

    #[test]
    fn a_used_again_identification_is_another_datagram() {
        let report = report(&[
            fragment(7, Some((4000, 5000)), 0),
            fragment(7, None, 61_000_000_000),
        ]);
        assert!(report.flows.is_empty());
        assert_eq!(report.unattributed.packets, 1);
        assert_eq!(
            (report.rows[0].counts.packets, report.rows[0].attributed),
            (1, 0)
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut fragments = Fragments::default();
        for identification in 0..200_000 {
            fragments.take(&fragment(identification, None, 0));
        }
        assert!(fragments.datagrams.len() <= MOST_DATAGRAMS + 1);
        assert_eq!(fragments.finish().unattributed.packets, 200_000);
    }
}
