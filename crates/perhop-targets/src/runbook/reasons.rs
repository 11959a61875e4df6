//! Why the steps of a position come there (uc-platforms 2, order that works).

use crate::syntax::markdown::Markdown;
use crate::target::order;

/// Writes the reasons of those positions that there are.
pub(super) fn write(out: &mut Markdown, orders: impl Iterator<Item = u16>) {
    let present: Vec<u16> = orders.map(|order| order / 100 * 100).collect();
    let reasons: Vec<&str> = REASONS
        .iter()
        .filter(|(position, _)| present.contains(position))
        .map(|(_, reason)| *reason)
        .collect();
    out.heading(2, "Why in this order");
    out.list(&reasons);
}

const REASONS: [(u16, &str); 10] = [
    (
        order::SAVE,
        "What is there now is saved first, because it is what every undo returns to.",
    ),
    (
        order::SERVER_RANGES,
        "Servers get their port ranges before clients do: they are the larger part of most calls, and what a client \
         sends to them needs no change of theirs.",
    ),
    (
        order::RESTART,
        "A service takes up new ports when it starts, so services are restarted before anything relies on them; this \
         drops calls and wants a quiet hour.",
    ),
    (
        order::CLIENT_RANGES,
        "Clients get their port ranges at sign-in, so the change spreads as people sign out and in.",
    ),
    (
        order::SERVER_POLICY,
        "Marking policies come after the ranges: a policy for ports that nobody uses yet does nothing, and one for \
         ports that something else uses marks the wrong traffic.",
    ),
    (
        order::EDGE_POLICY,
        "An edge server marks towards the inside, by destination port, so it needs the ranges of servers and clients \
         in place.",
    ),
    (
        order::CLIENT_POLICY,
        "Clients are many and come last among computers: what is wrong in the plan shows on the few servers first.",
    ),
    (
        order::DEVICES,
        "Phones and other devices mark by themselves once told, so they are told when the rest agrees with them.",
    ),
    (
        order::NETWORK,
        "Routers and switches come after the hosts: their queues go by the marks, which then are there, and what they \
         mark themselves goes by the port ranges of the first steps.",
    ),
    (
        order::PROOF,
        "Only packets prove it: captured where they are sent, on the way, and where they arrive.",
    ),
];
