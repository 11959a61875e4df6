//! Flows by number, each to be asked for: judging holds a flow while it looks at it, and of all flows only what is small.

use std::borrow::Cow;

use perhop_wire::packet::Tunnel;

use crate::engine::Ledger;
use crate::flow::{Flow, FlowKey};

/// The flows of one capture, or of captures from one vantage, in an order that does not depend on chance.
///
/// A flow of a [`Ledger`] is made each time it is asked for, in about a microsecond; its key, its packets and its tunnel
/// are told without that. Numbers begin at 0; asking for one that there is not panics.
#[derive(Debug, Clone, Copy)]
pub struct FlowSource<'a>(Held<'a>);

#[derive(Debug, Clone, Copy)]
enum Held<'a> {
    Flows(&'a [Flow]),
    Ledger(&'a Ledger),
}

impl<'a> FlowSource<'a> {
    /// How many flows there are.
    #[must_use]
    pub const fn len(self) -> usize {
        match self.0 {
            Held::Flows(flows) => flows.len(),
            Held::Ledger(ledger) => ledger.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The whole of a flow.
    #[must_use]
    pub fn flow(self, number: usize) -> Cow<'a, Flow> {
        match self.0 {
            Held::Flows(flows) => Cow::Borrowed(&flows[number]),
            Held::Ledger(ledger) => Cow::Owned(ledger.flow(number)),
        }
    }

    /// Its 5-tuple.
    #[must_use]
    pub fn key(self, number: usize) -> FlowKey {
        match self.0 {
            Held::Flows(flows) => flows[number].key,
            Held::Ledger(ledger) => ledger.key_of(number),
        }
    }

    /// Its packets.
    #[must_use]
    pub fn packets(self, number: usize) -> u64 {
        match self.0 {
            Held::Flows(flows) => flows[number].packets,
            Held::Ledger(ledger) => ledger.packets_of(number),
        }
    }

    /// The outermost tunnel of the latest packet that travelled in one.
    #[must_use]
    pub fn tunnel(self, number: usize) -> Option<Tunnel> {
        match self.0 {
            Held::Flows(flows) => flows[number].tunnel,
            Held::Ledger(ledger) => ledger.tunnel_of(number),
        }
    }
}

impl<'a> From<&'a [Flow]> for FlowSource<'a> {
    fn from(flows: &'a [Flow]) -> Self {
        Self(Held::Flows(flows))
    }
}

impl<'a> From<&'a Vec<Flow>> for FlowSource<'a> {
    fn from(flows: &'a Vec<Flow>) -> Self {
        Self(Held::Flows(flows))
    }
}

impl<'a, const COUNT: usize> From<&'a [Flow; COUNT]> for FlowSource<'a> {
    fn from(flows: &'a [Flow; COUNT]) -> Self {
        Self(Held::Flows(flows))
    }
}

impl<'a> From<&'a Ledger> for FlowSource<'a> {
    fn from(ledger: &'a Ledger) -> Self {
        Self(Held::Ledger(ledger))
    }
}
