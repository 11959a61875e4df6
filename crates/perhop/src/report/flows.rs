//! Flows as reports show them, each made when it is asked for.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use perhop_policy::Dscp;
use perhop_verify::flow::FlowKey;

use super::Tone;

/// One flow.
#[derive(Debug, Clone)]
pub(crate) struct FlowView {
    /// Its 5-tuple.
    pub(crate) key: FlowKey,
    /// Packets.
    pub(crate) packets: u64,
    /// Name of the verdict, and how to take it.
    pub(crate) verdict: (&'static str, Tone),
    /// The rule's name, when one was found.
    pub(crate) rule: Option<String>,
    /// The class's name.
    pub(crate) class: Option<String>,
    /// The planned marks; several when the capture does not tell which rule holds.
    pub(crate) expected: Vec<Dscp>,
    /// Packets per DSCP, by value.
    pub(crate) seen: Vec<(Dscp, u64)>,
    /// What else is to be said, a line each.
    pub(crate) evidence: Vec<String>,
}

/// `198.51.100.13:31000`, the sender of a flow.
pub(crate) fn sender(key: &FlowKey) -> String {
    end(key.src, key.src_port)
}

/// `192.0.2.20:49300`, the receiver of a flow.
pub(crate) fn receiver(key: &FlowKey) -> String {
    end(key.dst, key.dst_port)
}

fn end(address: IpAddr, port: u16) -> String {
    if port == 0 {
        address.to_string()
    } else {
        SocketAddr::new(address, port).to_string()
    }
}

/// All flows of a report.
pub(crate) struct FlowViews<'a> {
    tones: Vec<Tone>,
    make: Box<dyn Fn(usize, Tone) -> FlowView + 'a>,
}

impl<'a> FlowViews<'a> {
    /// How each is to be taken, and what makes the one of a number.
    pub(crate) fn new(tones: Vec<Tone>, make: impl Fn(usize, Tone) -> FlowView + 'a) -> Self {
        Self {
            tones,
            make: Box::new(make),
        }
    }

    /// The same flows, with something changed about them.
    pub(crate) fn changed(self, change: impl Fn(usize, &mut FlowView) + 'a) -> Self {
        let make = self.make;
        Self::new(self.tones, move |at, tone| {
            let mut flow = make(at, tone);
            change(at, &mut flow);
            flow
        })
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.tones.len()
    }

    /// The one of a number.
    pub(crate) fn get(&self, at: usize) -> Option<FlowView> {
        Some((self.make)(at, *self.tones.get(at)?))
    }

    /// Numbers of those that are to be looked at, being part of a finding that is more than information, or of all others.
    pub(crate) fn numbers(&self, failed: bool) -> impl Iterator<Item = usize> + Clone {
        let is_failed = |tone: Tone| matches!(tone, Tone::Bad | Tone::Warn);
        let numbered = self.tones.iter().enumerate();
        numbered.filter_map(move |(at, tone)| (is_failed(*tone) == failed).then_some(at))
    }
}

impl fmt::Debug for FlowViews<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = (0..self.len()).filter_map(|at| self.get(at));
        f.debug_list().entries(all).finish()
    }
}
