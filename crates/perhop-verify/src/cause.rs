//! Causes: which layer likely broke, which packets say so, and what to look at next.
//!
//! The symptoms are those of uc-platforms section 14. Every sentence says "likely" unless the packets prove it.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;

use crate::check::Context;
use crate::finding::Cause;

pub(crate) mod mixed;
pub(crate) mod next;
pub mod pattern;
pub(crate) mod queue;
pub(crate) mod range;
pub(crate) mod remarked;
pub(crate) mod unmarked;

/// Causes with weights; the heaviest becomes the cause, the others its alternatives.
#[derive(Debug, Default)]
pub(crate) struct Ranking(Vec<(u8, Cause)>);

impl Ranking {
    pub(crate) fn add(&mut self, weight: u8, cause: Cause) {
        self.0.push((weight, cause));
    }

    /// The likeliest and the others. Equal weights keep the order in which they were added.
    ///
    /// # Panics
    /// When nothing was added: every check adds at least one cause.
    pub(crate) fn finish(mut self) -> (Cause, Vec<Cause>) {
        self.0.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let mut causes = self.0.into_iter().map(|(_, cause)| cause);
        let first = causes.next().expect("every check adds a cause");
        (first, causes.collect())
    }
}

/// The flows of one finding and what they have in common.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) flows: &'a [usize],
}

impl Group<'_> {
    /// Senders, ascending.
    pub(crate) fn senders(&self) -> BTreeSet<IpAddr> {
        self.flows
            .iter()
            .map(|at| self.context.flows.key(*at).src)
            .collect()
    }

    /// Receivers, ascending.
    pub(crate) fn receivers(&self) -> BTreeSet<IpAddr> {
        self.flows
            .iter()
            .map(|at| self.context.flows.key(*at).dst)
            .collect()
    }

    pub(crate) fn packets(&self) -> u64 {
        self.flows
            .iter()
            .map(|at| self.context.flows.packets(*at))
            .sum()
    }

    pub(crate) fn count(&self, test: impl Fn(usize) -> bool) -> usize {
        self.flows.iter().filter(|at| test(**at)).count()
    }

    pub(crate) fn all(&self, test: impl Fn(usize) -> bool) -> bool {
        self.flows.iter().all(|at| test(*at))
    }

    /// "250 packets in 1 flow".
    pub(crate) fn size(&self) -> String {
        format!(
            "{} in {}",
            plural(self.packets(), "packet"),
            plural(self.flows.len() as u64, "flow")
        )
    }
}

/// "1 flow", "2 flows".
pub(crate) fn plural(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{} {noun}s", grouped(count))
    }
}

/// `13,091`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `source ports 31000, 33333`.
pub(crate) fn source_ports(ports: impl IntoIterator<Item = u16>) -> String {
    let ports: BTreeSet<u16> = ports.into_iter().collect();
    let noun = if ports.len() == 1 { "port" } else { "ports" };
    format!("source {noun} {}", list(ports))
}

/// A list with commas, cut after five.
pub(crate) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 5;
    let mut items = items.into_iter();
    let shown = items.by_ref().take(SHOWN);
    let shown: Vec<String> = shown.map(|item| item.to_string()).collect();
    let mut out = shown.join(", ");
    let more = items.count();
    if more > 0 {
        out.push_str(&format!(" and {more} more"));
    }
    out
}
