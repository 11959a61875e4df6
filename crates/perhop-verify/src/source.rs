//! Flows by number, each to be asked for: judging holds a flow while it looks at it, and of all flows only what is small.

use std::borrow::Cow;
use std::cell::OnceCell;

use perhop_wire::packet::Tunnel;

use crate::engine::Ledger;
use crate::flow::{Flow, FlowKey};
use crate::numbers::Numbers;

/// The flows of one capture, of captures from one vantage, or of several points one after another, in an order that does
/// not depend on chance.
///
/// A flow of a [`Ledger`] is made each time it is asked for, in about a microsecond; its key, its packets and its tunnel
/// are told without that. Numbers begin at 0; asking for one that there is not panics.
#[derive(Debug, Clone, Copy)]
pub struct FlowSource<'a>(Held<'a>);

#[derive(Debug, Clone, Copy)]
enum Held<'a> {
    Flows(&'a [Flow]),
    Ledger(&'a Ledger),
    /// One behind the other.
    Ledgers(&'a [Ledger]),
}

impl<'a> FlowSource<'a> {
    /// How many flows there are.
    #[must_use]
    pub const fn len(self) -> usize {
        match self.0 {
            Held::Flows(flows) => flows.len(),
            Held::Ledger(ledger) => ledger.len(),
            Held::Ledgers(ledgers) => {
                let (mut at, mut flows) = (0, 0);
                while at < ledgers.len() {
                    flows += ledgers[at].len();
                    at += 1;
                }
                flows
            }
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
            Held::Ledgers(ledgers) => {
                let (ledger, number) = of(ledgers, number);
                Cow::Owned(ledger.flow(number))
            }
        }
    }

    /// Its 5-tuple.
    #[must_use]
    pub fn key(self, number: usize) -> FlowKey {
        match self.0 {
            Held::Flows(flows) => flows[number].key,
            Held::Ledger(ledger) => ledger.key_of(number),
            Held::Ledgers(ledgers) => {
                let (ledger, number) = of(ledgers, number);
                ledger.key_of(number)
            }
        }
    }

    /// Its packets.
    #[must_use]
    pub fn packets(self, number: usize) -> u64 {
        match self.0 {
            Held::Flows(flows) => flows[number].packets,
            Held::Ledger(ledger) => ledger.packets_of(number),
            Held::Ledgers(ledgers) => {
                let (ledger, number) = of(ledgers, number);
                ledger.packets_of(number)
            }
        }
    }

    /// The outermost tunnel of the latest packet that travelled in one.
    #[must_use]
    pub fn tunnel(self, number: usize) -> Option<Tunnel> {
        match self.0 {
            Held::Flows(flows) => flows[number].tunnel,
            Held::Ledger(ledger) => ledger.tunnel_of(number),
            Held::Ledgers(ledgers) => {
                let (ledger, number) = of(ledgers, number);
                ledger.tunnel_of(number)
            }
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

impl<'a> From<&'a [Ledger]> for FlowSource<'a> {
    fn from(ledgers: &'a [Ledger]) -> Self {
        Self(Held::Ledgers(ledgers))
    }
}

/// The ledger that has a flow, and the flow's number in it.
fn of(ledgers: &[Ledger], mut number: usize) -> (&Ledger, usize) {
    for ledger in ledgers {
        match number.checked_sub(ledger.len()) {
            Some(left) => number = left,
            None => return (ledger, number),
        }
    }
    panic!("there is no flow of that number");
}

/// The first flow of each 5-tuple. Made when it is first asked.
#[derive(Debug)]
pub struct Index<'a> {
    flows: FlowSource<'a>,
    first: OnceCell<Numbers>,
}

impl<'a> Index<'a> {
    /// Of these flows.
    #[must_use]
    pub const fn new(flows: FlowSource<'a>) -> Self {
        Self {
            flows,
            first: OnceCell::new(),
        }
    }

    /// The number of the first flow of a 5-tuple.
    #[must_use]
    pub fn find(&self, key: FlowKey) -> Option<usize> {
        let key_of = |number| self.flows.key(number);
        let first = self.first.get_or_init(|| {
            let mut first = Numbers::with_room(self.flows.len());
            for number in 0..self.flows.len() {
                first.find_or_add(&key_of(number), number, key_of);
            }
            first
        });
        first.find(&key, key_of)
    }
}
